/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview adopt: from two hand-kept copies of zones to one tree with an overlay, and the proof that answers stay. */
#include "cli/adopt.h"

#include "zones/memory.h"

#include <string.h>

static void clear(struct adoption *adoption)
{
    for (size_t i = 0; i < adoption->count; i++) {
        struct adopt_pair *pair = &adoption->pairs[i];
        adopt_plan_free(pair->plan);
        for (size_t side = 0; side < SIDE_COUNT; side++) {
            memory_free(pair->copies[side].path);
            bytes_clear(&pair->copies[side].text);
            zone_free(pair->copies[side].zone);
        }
    }
    for (size_t i = 0; i < adoption->file_count; i++) {
        memory_free(adoption->files[i].path);
        memory_free(adoption->files[i].data);
    }
    for (size_t side = 0; side < SIDE_COUNT; side++)
        source_close(adoption->sources[side]);
    memory_free(adoption->pairs);
    memory_free(adoption->files);
    diag_clear(&adoption->diag);
}

static enum exit_status run_adopt(const struct cli *cli)
{
    struct adoption adoption = {.cli = cli,
                                .paths = {[SIDE_INSIDE] = cli->operands[0], [SIDE_OUTSIDE] = cli->operands[1]},
                                .out = cli->out != NULL ? cli->out : ADOPT_OUT_DEFAULT};

    if (adoption.out[0] == '\0')
        return cli_usage_error(&command_adopt, "--out: wanted a folder");
    if (cli->clients != NULL && strpbrk(cli->clients, "\r\n;#=[]") != NULL)
        return cli_usage_error(&command_adopt, "--internal-clients: wanted networks separated by commas");
    diag_init(&adoption.diag);
    enum status status = adopt_read(&adoption);
    if (status == STATUS_OK)
        status = adopt_write(&adoption);
    enum exit_status exit_status = cli_exit_status(status);
    if (!adopt_report(&adoption, status))
        exit_status = EXIT_COULD_NOT;
    clear(&adoption);
    return exit_status;
}

const struct command command_adopt = {
    .name = "adopt",
    .summary = "make one tree out of two hand-kept copies of a zone",
    .usage = "splitview adopt INTERNAL.zone EXTERNAL.zone [--out DIR] [--apex NAME] [--internal-clients LIST]\n"
             "                [--dry-run] [--force] [--json]\n"
             "splitview adopt INTERNAL-DIR EXTERNAL-DIR [--out DIR] [...]",
    .text =
        "\n"
        "INTERNAL is the copy that inside clients get, EXTERNAL the one of the internet; two folders hold one file\n"
        "APEX.zone for each zone. Writes to DIR (default dns-zones): the external copy as it is, an overlay with\n"
        "what differs inside, policy.conf with both views and what is hidden inside, and first tests. Where an\n"
        "overlay cannot say it, the internal copy stays whole. Before anything is written in its place the new\n"
        "tree is asked for every name of both copies: it answers as they did, or nothing is written.\n"
        "Files that exist are only replaced with --force.\n",
    .options = CLI_OUT | CLI_APEX | CLI_CLIENTS | CLI_JSON | CLI_FORCE | CLI_DRY_RUN,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_adopt,
};

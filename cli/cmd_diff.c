/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview diff: what answers change, between two generations, commits or trees. */
#include "cli/changes_report.h"
#include "cli/command.h"
#include "cli/history.h"

#include <inttypes.h>
#include <sys/stat.h>

struct diff {
    struct history history;
    struct history_side before;
    struct history_side after;
    struct changes *changes;
    uint64_t limit;
    bool different;
};

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The repository that revisions on the command line are of. */
static const char *zones_path(const struct diff *diff)
{
    const struct server_config *config = diff->history.config;

    if (diff->history.cli->zones != NULL)
        return diff->history.cli->zones;
    return config != NULL ? config->zones : "";
}

/* A generation's number, a folder, or a revision of the repository. */
static enum status open_operand(struct diff *diff, const char *operand, struct history_side *side)
{
    uint64_t number = 0;

    if (history_number(operand, &number))
        return history_load(&diff->history, number, side);
    if (is_folder(operand))
        return history_read_tree(&diff->history, operand, NULL, side);
    if (zones_path(diff)[0] == '\0')
        return diag_error(&diff->history.diag, NULL,
                          "found %s, wanted the number of a generation, a folder, or a revision of a repository "
                          "(--zones, or [server] zones)",
                          operand);
    return history_read_tree(&diff->history, zones_path(diff), operand, side);
}

static enum status open_head(struct diff *diff, struct history_side *side)
{
    if (diff->history.head == 0)
        return diag_error(&diff->history.diag, NULL, "nothing was published yet");
    return history_load(&diff->history, diff->history.head, side);
}

/* Without operands: the last change; or the head against the tree of --zones. One operand is the older. */
static enum status open_sides(struct diff *diff)
{
    const struct cli *cli = diff->history.cli;
    bool has_tree = cli->zones != NULL || cli->revision != NULL;
    enum status status = STATUS_OK;

    if (cli->operand_count > 0)
        status = open_operand(diff, cli->operands[0], &diff->before);
    else if (has_tree)
        status = open_head(diff, &diff->before);
    else if (diff->history.head == 1)
        return diag_error(&diff->history.diag, NULL, "generation 1 is the only one: there is none before it");
    else if (diff->history.head > 1)
        status = history_load(&diff->history, diff->history.head - 1, &diff->before);
    if (status != STATUS_OK)
        return status;
    if (cli->operand_count > 1)
        return open_operand(diff, cli->operands[1], &diff->after);
    if (has_tree && zones_path(diff)[0] == '\0')
        return diag_error(&diff->history.diag, NULL, "--rev: wanted a repository (--zones, or [server] zones)");
    if (has_tree)
        return history_read_tree(&diff->history, zones_path(diff), cli->revision, &diff->after);
    return open_head(diff, &diff->after);
}

static enum status compare(struct diff *diff)
{
    const struct cli *cli = diff->history.cli;
    uint64_t number = 0;
    bool needs_store = (cli->given & CLI_CONFIG) != 0 || cli->operand_count == 0;
    enum status status = STATUS_OK;

    /* Two trees need neither configuration nor store. */
    for (int i = 0; i < cli->operand_count; i++)
        needs_store |=
            history_number(cli->operands[i], &number) || (!is_folder(cli->operands[i]) && cli->zones == NULL);
    needs_store |= cli->operand_count == 1 && cli->zones == NULL;
    if (needs_store)
        status = history_open(&diff->history, false);
    if (status == STATUS_OK)
        status = open_sides(diff);
    if (status == STATUS_OK)
        status = changes_new(diff->before.generation, diff->after.generation,
                             history_same_ids(&diff->history, &diff->before, &diff->after), &diff->changes);
    return status;
}

static enum status print_text(struct diff *diff)
{
    history_side_print(&diff->before, stdout);
    fputs(" -> ", stdout);
    history_side_print(&diff->after, stdout);
    putchar('\n');
    return changes_report_print(diff->changes, diff->limit, stdout, &diff->history.diag, &diff->different);
}

static enum status fill_json(struct diff *diff, json_t *object)
{
    if (json_object_set_new(object, "before", history_side_json(&diff->before)) != 0 ||
        json_object_set_new(object, "after", history_side_json(&diff->after)) != 0)
        return STATUS_NO_MEMORY;
    return changes_report_json(diff->changes, diff->limit, object, &diff->history.diag, &diff->different);
}

static enum exit_status report(struct diff *diff, enum status status)
{
    const struct cli *cli = diff->history.cli;
    json_t *object = cli->json ? json_object() : NULL;

    if (status == STATUS_OK)
        status = cli->json ? fill_json(diff, object) : print_text(diff);
    enum exit_status exit_status = status != STATUS_OK ? cli_exit_status(status)
                                   : diff->different   ? EXIT_FINDINGS
                                                       : EXIT_FINE;
    if (!cli->json) {
        history_print_messages(&diff->history, status);
        return exit_status;
    }
    json_object_set_new(object, "status", json_string(status_text(status)));
    return cli_print_json(object, &diff->history.diag) ? exit_status : EXIT_COULD_NOT;
}

static enum exit_status run_diff(const struct cli *cli)
{
    struct diff diff = {.history.cli = cli, .limit = CHANGES_LIMIT_DEFAULT};

    if (cli->limit != NULL && !history_number(cli->limit, &diff.limit))
        return cli_usage_error(&command_diff, "--limit: found %s, wanted a number; 0: all", cli->limit);
    if (cli->operand_count == 2 && cli->revision != NULL)
        return cli_usage_error(&command_diff, "diff: --rev stands for the second of two that are given already");
    diag_init(&diff.history.diag);
    enum status status = compare(&diff);
    enum exit_status exit_status = report(&diff, status);
    changes_free(diff.changes);
    history_side_clear(&diff.before);
    history_side_clear(&diff.after);
    history_close(&diff.history);
    return exit_status;
}

const struct command command_diff = {
    .name = "diff",
    .summary = "what answers change between two generations, commits or trees",
    .usage = "splitview diff [A [B]] [--limit N] [--time-limit TIME] [--json]\n"
             "splitview diff [A] --zones DIR|REPO [--rev R] [--limit N] [--time-limit TIME] [--json]",
    .text = "\n"
            "A and B are numbers of generations, folders, or revisions of the repository. Without B: the newest\n"
            "generation, or what --zones and --rev name. Without A: the one before, or the newest generation. Prints\n"
            "for each view which names and types are answered differently, before -> after with TTLs, the clients\n"
            "that another view answers, and where names of no zone go (upstream NAME, NXDOMAIN (local), REFUSED).\n"
            "Serials do not count. Exit status 1 if anything differs.\n",
    .options = CLI_ZONES | CLI_REV | CLI_JSON | CLI_TIME_LIMIT | CLI_LIMIT,
    .operands_max = 2,
    .is_timed = true,
    .run = run_diff,
};

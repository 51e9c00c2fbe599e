/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview check: is the tree, or one master file, fit to be served? Needs no store and no server. */
#include "cli/command.h"

#include "policy/publish.h"
#include "zones/bytes.h"
#include "zones/compile.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/zone.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* One master file. */

struct file_check {
    const char *path;
    char apex[NAME_TEXT_MAX]; /* without the final dot */
    struct diag diag;
    uint32_t serial;
    uint32_t records;
};

static enum status read_whole(const char *path, struct bytes *text, struct diag *diag)
{
    struct place place = {.file = path};
    FILE *stream = fopen(path, "rb");
    enum status status = STATUS_OK;

    if (stream == NULL)
        return diag_error(diag, &place, "cannot be read: %s", strerror(errno));
    while (status == STATUS_OK) {
        char buffer[16384];
        size_t count = fread(buffer, 1, sizeof buffer, stream);
        if (count == 0)
            break;
        status = bytes_append(text, buffer, count);
    }
    if (ferror(stream))
        status = diag_error(diag, &place, "cannot be read: %s", strerror(errno));
    else if (status == STATUS_TOO_LARGE)
        status = diag_error(diag, &place, "is larger than %zu bytes", text->limit);
    fclose(stream);
    return status;
}

/* The folder of the file, for $INCLUDE; NULL if it cannot be had: then an $INCLUDE is an error of its own. */
static struct source *open_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? memory_copy_text(".", 1)
                   : slash == path ? memory_copy_text("/", 1)
                                   : memory_copy_text(path, (size_t)(slash - path));
    struct source *source = NULL;
    struct diag unused;

    if (folder == NULL)
        return NULL;
    diag_init(&unused);
    if (source_open_folder(folder, &unused, &source) != STATUS_OK)
        source = NULL;
    diag_clear(&unused);
    memory_free(folder);
    return source;
}

static enum status judge_zone(struct file_check *check, struct zone *zone)
{
    struct compiled compiled = {0};
    enum status status = zone_freeze(zone, &check->diag);

    if (status == STATUS_OK)
        status = zonecheck_run(zone, check->path, &check->diag);
    if (status == STATUS_OK)
        status = compile_zone(zone, &compiled, &check->diag);
    if (status == STATUS_OK) {
        check->serial = compiled.serial;
        check->records = compiled.record_count;
        memory_free(compiled.block);
    }
    return status;
}

static enum status judge_text(struct file_check *check, const uint8_t *apex, const struct bytes *text)
{
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    struct source *source = open_folder_of(check->path);
    struct zone *zone = zone_new(apex);
    enum status status = STATUS_NO_MEMORY;

    if (zone != NULL) {
        status = zonefile_read_text(source, check->path, text->size > 0 ? (const char *)text->data : "", text->size,
                                    &options, zone, &check->diag);
        if (status == STATUS_OK)
            status = judge_zone(check, zone);
    }
    zone_free(zone);
    source_close(source);
    return status;
}

static enum status judge_file(struct file_check *check, const uint8_t *apex)
{
    struct bytes text;

    bytes_init(&text, SOURCE_FILE_MAX);
    enum status status = read_whole(check->path, &text, &check->diag);
    if (status == STATUS_OK)
        status = judge_text(check, apex, &text);
    bytes_clear(&text);
    return status == STATUS_TOO_LARGE ? STATUS_BAD_INPUT : status;
}

static bool report_file(const struct cli *cli, const struct file_check *check, enum status status)
{
    if (cli->json)
        return cli_print_json(json_pack("{s:s, s:o, s:s, s:b, s:I, s:I}", "zone", check->apex, "file",
                                        cli_json_text(check->path), "status", status_text(status), "ok",
                                        status == STATUS_OK, "serial", (json_int_t)check->serial, "records",
                                        (json_int_t)check->records),
                              &check->diag);
    diag_print(&check->diag, stderr);
    if (status == STATUS_OK)
        printf("zone %s/IN: loaded serial %" PRIu32 ", %" PRIu32 " record%s\nOK\n", check->apex, check->serial,
               check->records, cli_plural(check->records));
    else
        fprintf(stderr, "zone %s/IN: not loaded due to errors\n", check->apex);
    return true;
}

static enum exit_status check_file(const struct cli *cli)
{
    uint8_t apex[NAME_SIZE_MAX];
    size_t size = 0;
    struct file_check check = {.path = cli->operands[0]};

    if (cli->zones != NULL || cli->revision != NULL)
        return cli_usage_error(&command_check, "check --zone judges one file; it takes neither --zones nor --rev");
    if (name_from_text(cli->zone, strlen(cli->zone), NULL, apex, &size) != STATUS_OK)
        return cli_usage_error(&command_check, "--zone: found %s, wanted a domain name", cli->zone);
    size_t length = name_to_text(apex, check.apex);
    if (length > 1)
        check.apex[length - 1] = '\0';
    diag_init(&check.diag);
    enum status status = judge_file(&check, apex);
    enum exit_status exit_status = cli_exit_status(status);
    if (!report_file(cli, &check, status))
        exit_status = EXIT_COULD_NOT;
    diag_clear(&check.diag);
    return exit_status;
}

/* A whole tree. */

static enum status judge_tree(const struct cli *cli, struct publish_result *result, struct diag *diag)
{
    struct server_config *config = NULL;
    struct source *source = NULL;
    enum status status = STATUS_OK;

    /* A tree named on the command line needs no machine configuration. */
    if (cli->zones == NULL || (cli->given & CLI_CONFIG) != 0)
        status = cli_read_config(cli, diag, &config);
    if (status == STATUS_OK)
        status = cli_open_tree(cli, config, diag, &source);
    if (status == STATUS_OK) {
        struct publish_options options = {.source = source, .store = NULL, .now = (uint64_t)time(NULL)};
        status = publish_run(&options, result, diag);
    }
    source_close(source);
    server_config_free(config);
    return status;
}

static bool report_tree(const struct cli *cli, const struct publish_result *result, const struct diag *diag,
                        enum status status)
{
    if (cli->json)
        return cli_print_json(json_pack("{s:s, s:b, s:s, s:I, s:I, s:I}", "status", status_text(status), "ok",
                                        status == STATUS_OK, "commit", result->commit, "views",
                                        (json_int_t)result->views, "zones", (json_int_t)result->zones, "records",
                                        (json_int_t)result->records),
                              diag);
    diag_print(diag, stderr);
    if (status == STATUS_OK)
        printf("%" PRIu32 " view%s, %" PRIu32 " zone%s, %" PRIu64 " record%s: no errors, %zu warning%s\n",
               result->views, cli_plural(result->views), result->zones, cli_plural(result->zones), result->records,
               cli_plural(result->records), diag->warnings, cli_plural(diag->warnings));
    else
        fprintf(stderr, "splitview: %zu error%s, %zu warning%s\n", diag->errors, cli_plural(diag->errors),
                diag->warnings, cli_plural(diag->warnings));
    return true;
}

static enum exit_status check_tree(const struct cli *cli)
{
    struct publish_result result = {0};
    struct diag diag;

    diag_init(&diag);
    enum status status = judge_tree(cli, &result, &diag);
    enum exit_status exit_status = cli_exit_status(status);
    if (!report_tree(cli, &result, &diag, status))
        exit_status = EXIT_COULD_NOT;
    diag_clear(&diag);
    return exit_status;
}

static enum exit_status run_check(const struct cli *cli)
{
    if (cli->zone != NULL && cli->operand_count == 1)
        return check_file(cli);
    if (cli->zone != NULL)
        return cli_usage_error(&command_check, "check --zone: the file is missing");
    if (cli->operand_count > 0)
        return cli_usage_error(&command_check, "check: unexpected argument %s; a file needs --zone APEX",
                               cli->operands[0]);
    return check_tree(cli);
}

const struct command command_check = {
    .name = "check",
    .summary = "check a tree of zones, or one master file",
    .usage = "splitview check [--zones DIR|REPO] [--rev R] [--json]\n"
             "splitview check --zone APEX FILE [--json]",
    .text = "\n"
            "Without --zone: reads policy.conf and every zone file of the tree as an import would, and publishes\n"
            "nothing. With --zone: judges one file as the zone APEX; its $INCLUDE paths count from its folder.\n",
    .options = CLI_ZONES | CLI_REV | CLI_JSON | CLI_ZONE,
    .operands_max = 1,
    .run = run_check,
};

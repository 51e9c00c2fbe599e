/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview store: is the store whole, a copy of it, a copy back in its place, its size and its readers. */
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/time_limit.h"

#include "zones/store_care.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_MS 30000 /* for an import to end */

struct care {
    const struct cli *cli;
    struct diag diag;
    struct server_config *config;
    struct store_options options;
    uint64_t limit_ms;
    json_t *json;    /* what there is to say, with --json */
    uint64_t served; /* generation that the daemon answered with, 0: it did not */
};

struct action {
    const char *name;
    int operands;     /* that it takes */
    unsigned options; /* enum cli_option, beside those of all actions */
    enum status (*run)(struct care *care);
};

/* ---- words ---- */

static const char *format_size(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    unsigned unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

static json_t *json_number(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static void print_served(const struct care *care)
{
    if (care->served != 0)
        printf("splitviewd serves generation %" PRIu64 "\n", care->served);
}

/* ---- verify ---- */

static json_t *json_verified(const struct store_verified *found)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "generation", json_number(found->head), "generations",
                     json_number(found->generations), "catalogs", json_number(found->catalogs), "zones",
                     json_number(found->zones), "images", json_number(found->images), "image_bytes",
                     json_number(found->bytes), "pages", json_number(found->pages), "pages_lost",
                     json_number(found->lost));
}

static void print_verified(const struct store_verified *found)
{
    char text[32];

    printf("%" PRIu64 " generation%s up to %" PRIu64 ", %" PRIu64 " catalog%s with %" PRIu64 " zone%s, %" PRIu64
           " image%s of %s",
           found->generations, cli_plural(found->generations), found->head, found->catalogs,
           cli_plural(found->catalogs), found->zones, cli_plural(found->zones), found->images,
           cli_plural(found->images), format_size(found->bytes, text));
    if (found->lost > 0)
        printf(" (%" PRIu64 " page%s lost: `splitview store compact` gives them back)", found->lost,
               cli_plural(found->lost));
    putchar('\n');
}

static enum status run_verify(struct care *care)
{
    struct store_verified found;
    enum status status = store_verify(&care->options, care->limit_ms, &found, &care->diag);

    if (care->cli->json) {
        care->json = json_verified(&found);
    } else if (status == STATUS_OK) {
        printf("%s is whole: ", care->options.path);
        print_verified(&found);
    }
    return status;
}

/* ---- backup, restore, compact ---- */

static enum status run_backup(struct care *care)
{
    const char *path = care->cli->operands[1];
    uint64_t size = 0;
    char text[32];
    enum status status = store_backup(&care->options, path, care->cli->force, care->limit_ms, &size, &care->diag);

    if (care->cli->json)
        care->json = json_pack("{s:o, s:o}", "file", cli_json_text(path), "bytes", json_number(size));
    else if (status == STATUS_OK)
        printf("%s: a copy of %s, %s\n", path, care->options.path, format_size(size, text));
    return status;
}

static enum status run_restore(struct care *care)
{
    const char *path = care->cli->operands[1];
    struct store_verified found;
    enum status status = store_restore(&care->options, path, care->cli->dry_run, care->limit_ms, &found, &care->diag);

    if (status == STATUS_OK && !care->cli->dry_run)
        control_adopt(care->config->control, 0, &care->diag, &care->served);
    if (care->cli->json) {
        care->json = json_verified(&found);
        json_object_set_new(care->json, "restored", json_boolean(status == STATUS_OK && !care->cli->dry_run));
    } else if (status == STATUS_OK) {
        printf(care->cli->dry_run ? "dry run, nothing was replaced; %s is whole: " : "restored from %s: ", path);
        print_verified(&found);
        print_served(care);
    }
    return status;
}

static enum status measure_compact(struct care *care, uint64_t *before, uint64_t *after)
{
    struct store_report report;
    enum status status = store_report_read(&care->options, care->limit_ms, &report, &care->diag);

    *before = report.file_size;
    *after = report.used_bytes;
    store_report_clear(&report);
    return status;
}

static enum status run_compact(struct care *care)
{
    uint64_t before = 0;
    uint64_t after = 0;
    char texts[2][32];
    enum status status = care->cli->dry_run
                             ? measure_compact(care, &before, &after)
                             : store_compact(&care->options, care->limit_ms, &before, &after, &care->diag);

    if (status == STATUS_OK && !care->cli->dry_run)
        control_adopt(care->config->control, 0, &care->diag, &care->served);
    if (care->cli->json) {
        care->json = json_pack("{s:o, s:o, s:b}", "bytes_before", json_number(before), "bytes_after",
                               json_number(after), "dry_run", (int)care->cli->dry_run);
    } else if (status == STATUS_OK) {
        printf("%s%s: %s before, %s after\n", care->cli->dry_run ? "dry run, nothing was replaced: " : "",
               care->options.path, format_size(before, texts[0]), format_size(after, texts[1]));
        print_served(care);
    }
    return status;
}

/* ---- stats ---- */

static json_t *json_readers(const struct store_report *report)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < report->reader_count; i++) {
        const struct store_report_reader *reader = &report->readers[i];
        json_array_append_new(list, json_pack("{s:I, s:o, s:o, s:o}", "pid", (json_int_t)reader->pid, "process",
                                              cli_json_text(reader->name), "running_s", json_number(reader->running_s),
                                              "transactions_behind", json_number(reader->behind)));
    }
    return list;
}

static json_t *json_report(const struct store_report *report)
{
    json_t *tables = json_object();
    json_t *views = json_array();

    for (uint32_t i = 0; i < report->table_count; i++)
        json_object_set_new(tables, report->tables[i].name,
                            json_pack("{s:o, s:o}", "entries", json_number(report->tables[i].entries), "bytes",
                                      json_number(report->tables[i].bytes)));
    for (uint32_t i = 0; i < report->view_count; i++)
        json_array_append_new(views, json_pack("{s:o, s:o, s:o}", "name", cli_json_text(report->views[i].name), "zones",
                                               json_number(report->views[i].zones), "bytes",
                                               json_number(report->views[i].bytes)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "map_bytes",
                     json_number(report->map_size), "file_bytes", json_number(report->file_size), "disk_bytes",
                     json_number(report->disk_bytes), "used_bytes", json_number(report->used_bytes), "free_bytes",
                     json_number(report->free_bytes), "transaction", json_number(report->transaction),
                     "generation_oldest", json_number(report->first), "generation", json_number(report->head),
                     "published", json_number(report->published), "tables", tables, "views", views, "readers",
                     json_readers(report));
}

static void print_time(const char *label, uint64_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm parts;
    char text[40];

    if (seconds > 0 && gmtime_r(&moment, &parts) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts))
        printf("%-14s %s\n", label, text);
}

static void print_readers(const struct store_report *report)
{
    puts("readers");
    if (report->reader_count == 0)
        puts("  none");
    for (uint32_t i = 0; i < report->reader_count; i++) {
        const struct store_report_reader *reader = &report->readers[i];
        printf("  process %" PRId64 " (", reader->pid);
        cli_print_text(reader->name[0] != '\0' ? reader->name : "?", stdout);
        printf("), running for %" PRIu64 " s, %" PRIu64 " transaction%s behind\n", reader->running_s, reader->behind,
               cli_plural(reader->behind));
    }
}

static void print_report(const struct care *care, const struct store_report *report)
{
    char texts[3][32];

    printf("%-14s %s\n", "store", care->options.path);
    printf("%-14s %s, %s on the disk; may grow to %s\n", "file", format_size(report->file_size, texts[0]),
           format_size(report->disk_bytes, texts[1]), format_size(report->map_size, texts[2]));
    printf("%-14s %s, %s free to be used again\n", "in use", format_size(report->used_bytes, texts[0]),
           format_size(report->free_bytes, texts[1]));
    if (report->head != 0)
        printf("%-14s %" PRIu64 " to %" PRIu64 "\n", "generations", report->first, report->head);
    else
        printf("%-14s none\n", "generations");
    print_time("published", report->published);
    puts("tables");
    for (uint32_t i = 0; i < report->table_count; i++)
        printf("  %-22s %10" PRIu64 " entr%s, %s\n", report->tables[i].name, report->tables[i].entries,
               report->tables[i].entries == 1 ? "y" : "ies", format_size(report->tables[i].bytes, texts[0]));
    if (report->view_count > 0)
        printf("views of generation %" PRIu64 "\n", report->head);
    for (uint32_t i = 0; i < report->view_count; i++)
        printf("  %-22s %10" PRIu64 " zone%s, %s\n", report->views[i].name, report->views[i].zones,
               cli_plural(report->views[i].zones), format_size(report->views[i].bytes, texts[0]));
    print_readers(report);
}

static enum status run_stats(struct care *care)
{
    struct store_report report;
    enum status status = store_report_read(&care->options, care->limit_ms, &report, &care->diag);

    if (care->cli->json)
        care->json = status == STATUS_OK ? json_report(&report) : json_object();
    else if (status == STATUS_OK)
        print_report(care, &report);
    store_report_clear(&report);
    return status;
}

/* ---- the command ---- */

static const struct action actions[] = {
    {"verify", 0, 0, run_verify},
    {"backup", 1, CLI_FORCE, run_backup},
    {"restore", 1, CLI_DRY_RUN, run_restore},
    {"compact", 0, CLI_DRY_RUN, run_compact},
    {"stats", 0, 0, run_stats},
};

static const struct action *find_action(const char *name)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    return NULL;
}

/* Damage is what was looked for: a finding. */
static enum exit_status exit_status_of(enum status status)
{
    return status == STATUS_DAMAGED ? EXIT_FINDINGS : cli_exit_status(status);
}

static enum exit_status run_action(const struct action *action, struct care *care)
{
    enum status status = cli_read_config(care->cli, &care->diag, &care->config);

    if (status == STATUS_OK) {
        care->options = (struct store_options){.path = care->config->store,
                                               .map_size = care->config->map_size,
                                               .keep = care->config->keep_generations,
                                               .lock_wait_ms = LOCK_WAIT_MS};
        status = action->run(care);
    }
    enum exit_status exit_status = exit_status_of(status);
    if (!care->cli->json) {
        diag_print(&care->diag, stderr);
        if (status == STATUS_NO_MEMORY)
            fputs("splitview: out of memory\n", stderr);
        return exit_status;
    }
    if (care->json == NULL)
        care->json = json_object();
    json_object_set_new(care->json, "status", json_string(status_text(status)));
    json_object_set_new(care->json, "action", json_string(action->name));
    if (care->config != NULL)
        json_object_set_new(care->json, "store", cli_json_text(care->config->store));
    return cli_print_json(care->json, &care->diag) ? exit_status : EXIT_COULD_NOT;
}

static enum exit_status run_store(const struct cli *cli)
{
    const struct action *action = find_action(cli->operands[0]);
    struct care care = {.cli = cli};

    if (action == NULL)
        return cli_usage_error(&command_store,
                               "store: unknown action %s; wanted verify, backup, restore, compact or stats",
                               cli->operands[0]);
    if (cli->operand_count - 1 > action->operands)
        return cli_usage_error(&command_store, "store %s: unexpected argument %s", action->name,
                               cli->operands[action->operands + 1]);
    if (cli->operand_count - 1 < action->operands)
        return cli_usage_error(&command_store, "store %s: wanted a file", action->name);
    if (cli->force && (action->options & CLI_FORCE) == 0)
        return cli_usage_error(&command_store, "store %s takes no option --force", action->name);
    if (cli->dry_run && (action->options & CLI_DRY_RUN) == 0)
        return cli_usage_error(&command_store, "store %s takes no option --dry-run", action->name);
    if (!time_limit_read(cli, &care.limit_ms))
        return time_limit_usage_error(&command_store, cli);
    diag_init(&care.diag);
    enum exit_status exit_status = run_action(action, &care);
    server_config_free(care.config);
    diag_clear(&care.diag);
    return exit_status;
}

const struct command command_store = {
    .name = "store",
    .summary = "look after the store: verify, backup, restore, compact, stats",
    .usage = "splitview store verify [--time-limit TIME] [--json]\n"
             "splitview store backup FILE [--force] [--time-limit TIME] [--json]\n"
             "splitview store restore FILE [--dry-run] [--time-limit TIME] [--json]\n"
             "splitview store compact [--dry-run] [--time-limit TIME] [--json]\n"
             "splitview store stats [--time-limit TIME] [--json]",
    .text = "\n"
            "verify   reads all of the store and checks it; exits with 1 if anything is damaged\n"
            "backup   writes a copy to FILE while everything goes on; an existing FILE stays unless --force is given\n"
            "restore  verifies the copy FILE and puts it in the place of the store; what was there is kept beside it\n"
            "compact  puts a copy without free room in the place of the store\n"
            "stats    sizes, generations, views, and the processes that read the store\n"
            "\n"
            "A running splitviewd goes on serving and takes up a store that was replaced. What reads for longer than\n"
            "the time limit (default 1h) is given up: as long as it reads, room in the store cannot be used again.\n",
    .options = CLI_JSON | CLI_DRY_RUN | CLI_FORCE | CLI_TIME_LIMIT,
    .operands_min = 1,
    .operands_max = 2,
    .run = run_store,
};

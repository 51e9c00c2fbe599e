/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview log: the generations in the store, newest first, and what each changed. */
#include "cli/command.h"
#include "cli/history.h"

#include "policy/changes.h"

#include <inttypes.h>
#include <string.h>

struct log {
    struct history history;
    struct snapshot *snapshot;
    uint64_t limit; /* 0: all */
    uint64_t shown;
    json_t *list; /* with --json */
};

/* What one generation changed, in the views that share their zones. */
static enum status print_group(struct log *log, struct changes *changes, uint32_t group)
{
    struct changes_counts counts;
    const char *separator = "  ";
    enum status status = changes_walk(changes, group, NULL, NULL, &counts, &log->history.diag);

    if (status != STATUS_OK || counts.answers == 0)
        return status;
    if (!counts.is_routed)
        changes_join(changes, group);
    for (uint32_t i = 0; i < changes->view_count; i++)
        if (changes->views[i].group == group) {
            printf("%s%s", separator, changes->views[i].name);
            separator = ", ";
        }
    printf(": %" PRIu64 " name%s, %" PRIu64 " answer%s changed\n", counts.names, cli_plural(counts.names),
           counts.answers, cli_plural(counts.answers));
    return status;
}

static enum status print_changes(struct log *log, struct changes *changes)
{
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < changes->view_count; i++)
        if (changes->views[i].before == VIEW_NONE || changes->views[i].after == VIEW_NONE)
            printf("  %s: the view is %s\n", changes->views[i].name,
                   changes->views[i].before == VIEW_NONE ? "new" : "gone");
    if (changes->move_count > 0)
        printf("  %zu client network%s moved to another view\n", changes->move_count, cli_plural(changes->move_count));
    if (changes->forward.route_count + changes->forward.upstream_count > 0)
        puts("  forwarding changed");
    for (uint32_t group = 0; group < changes->group_count && status == STATUS_OK; group++)
        status = print_group(log, changes, group);
    return status;
}

static enum status json_changes(struct log *log, const struct changes *changes, json_t *object)
{
    json_t *list = json_array();
    enum status status = STATUS_OK;

    for (uint32_t group = 0; group < changes->group_count && status == STATUS_OK; group++) {
        struct changes_counts counts;
        status = changes_walk(changes, group, NULL, NULL, &counts, &log->history.diag);
        for (uint32_t i = 0; i < changes->view_count && status == STATUS_OK && counts.answers > 0; i++)
            if (changes->views[i].group == group)
                json_array_append_new(list, json_pack("{s:o, s:I, s:I}", "view", cli_json_text(changes->views[i].name),
                                                      "names", (json_int_t)counts.names, "answers",
                                                      (json_int_t)counts.answers));
    }
    json_object_set_new(object, "forwarding_changed",
                        json_boolean(changes->forward.route_count + changes->forward.upstream_count > 0));
    json_object_set_new(object, "networks_moved", json_integer((json_int_t)changes->move_count));
    json_object_set_new(object, "changed", list);
    return status;
}

static void print_record(const struct log *log, const struct store_generation *record)
{
    char text[40];
    const char *head = record->number == log->history.head ? ", head" : "";
    const char *pin = record->number == log->history.pin ? ", pinned" : "";

    printf("%sgeneration %" PRIu64 "%s%s\n", log->shown > 0 ? "\n" : "", record->number, head, pin);
    printf("  published %s, commit %.*s", history_time(record->published, text), HISTORY_COMMIT_SHOWN, record->commit);
    if (record->revision[0] != '\0') {
        fputs(" of ", stdout);
        cli_print_text(record->revision, stdout);
    }
    if (record->subject[0] != '\0') {
        fputs("\n  \"", stdout);
        cli_print_text(record->subject, stdout);
        putchar('"');
    }
    if (record->author[0] != '\0') {
        fputs(" by ", stdout);
        cli_print_text(record->author, stdout);
    }
    printf("\n  %" PRIu32 " view%s, %" PRIu32 " zone%s, %" PRIu64 " record%s\n", record->view_count,
           cli_plural(record->view_count), record->zone_count, cli_plural(record->zone_count), record->record_count,
           cli_plural(record->record_count));
    if (record->rollback_of != 0)
        printf("  a rollback to generation %" PRIu64 "\n", record->rollback_of);
}

static json_t *json_record(const struct log *log, const struct store_generation *record)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:b, s:b}", "generation",
                     (json_int_t)record->number, "commit", cli_json_text(record->commit), "revision",
                     cli_json_text(record->revision), "author", cli_json_text(record->author), "subject",
                     cli_json_text(record->subject), "commit_time", (json_int_t)record->commit_time, "published",
                     (json_int_t)record->published, "views", (json_int_t)record->view_count, "zones",
                     (json_int_t)record->zone_count, "records", (json_int_t)record->record_count, "rollback_of",
                     record->rollback_of == 0 ? json_null() : json_integer((json_int_t)record->rollback_of), "head",
                     (int)(record->number == log->history.head), "pinned", (int)(record->number == log->history.pin));
}

/* What cannot be compared is still listed. */
static enum status add_changes(struct log *log, struct generation *before, struct generation *after, json_t *object)
{
    struct changes *changes = NULL;

    if (before == NULL || after == NULL) {
        if (object != NULL)
            json_object_set_new(object, "changed", json_null());
        return STATUS_OK;
    }
    enum status status = changes_new(before, after, true, &changes);
    if (status == STATUS_OK)
        status = object != NULL ? json_changes(log, changes, object) : print_changes(log, changes);
    changes_free(changes);
    return status;
}

/* NULL without an error if this version cannot read it: then a warning says so. */
static enum status load(struct log *log, uint64_t number, struct generation **generation)
{
    struct diag why;

    *generation = NULL;
    if (number == 0)
        return STATUS_OK;
    diag_init(&why);
    enum status status = generation_load_number(log->history.store, number, &why, generation);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND && status != STATUS_NO_MEMORY) {
        diag_add(&log->history.diag, SEVERITY_WARNING, NULL, "generation %" PRIu64 " cannot be compared: %s", number,
                 why.count > 0 && why.messages[0].text != NULL ? why.messages[0].text : status_text(status));
        status = STATUS_OK;
    }
    diag_clear(&why);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void drop(struct generation *generation)
{
    if (generation != NULL && generation_release(generation))
        generation_free(generation);
}

/* One generation; `before` is the one older than it, loaded, or NULL. */
static enum status show(struct log *log, const struct store_generation *record, struct generation *before,
                        struct generation *after)
{
    json_t *object = NULL;

    if (log->list != NULL) {
        object = json_record(log, record);
        if (json_array_append_new(log->list, object) != 0)
            return STATUS_NO_MEMORY;
    } else {
        print_record(log, record);
    }
    log->shown++;
    return add_changes(log, before, after, object);
}

static enum status show_all(struct log *log)
{
    struct generation *after = NULL;
    enum status status = snapshot_open(log->history.store, &log->history.diag, &log->snapshot);

    if (status == STATUS_OK)
        status = load(log, log->history.head, &after);
    for (uint64_t number = log->history.head; number > 0 && status == STATUS_OK; number--) {
        struct store_generation record;
        struct generation *before = NULL;
        if (log->limit != 0 && log->shown == log->limit)
            break;
        status = snapshot_generation(log->snapshot, number, &record, &log->history.diag);
        if (status == STATUS_OK)
            status = load(log, number - 1, &before);
        if (status == STATUS_OK)
            status = show(log, &record, before, after);
        drop(after);
        after = before;
    }
    drop(after);
    if (log->snapshot != NULL)
        snapshot_close(log->snapshot);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum exit_status report(struct log *log, enum status status)
{
    enum exit_status exit_status = cli_exit_status(status);

    if (log->list == NULL) {
        if (status == STATUS_OK && log->history.head == 0)
            puts("nothing was published yet");
        if (status == STATUS_OK && log->history.pin != 0)
            printf("\npinned by generation %" PRIu64 ": imports are refused until `splitview rollback --release`\n",
                   log->history.pin);
        history_print_messages(&log->history, status);
        return exit_status;
    }
    json_t *object = json_pack(
        "{s:s, s:I, s:o, s:o}", "status", status_text(status), "head", (json_int_t)log->history.head, "pin",
        log->history.pin == 0 ? json_null() : json_integer((json_int_t)log->history.pin), "generations", log->list);
    return cli_print_json(object, &log->history.diag) ? exit_status : EXIT_COULD_NOT;
}

static enum exit_status run_log(const struct cli *cli)
{
    struct log log = {.history.cli = cli};

    if (cli->limit != NULL && !history_number(cli->limit, &log.limit))
        return cli_usage_error(&command_log, "--limit: found %s, wanted a number; 0: all", cli->limit);
    diag_init(&log.history.diag);
    log.list = cli->json ? json_array() : NULL;
    enum status status = history_open(&log.history, false);
    if (status == STATUS_OK && log.history.head != 0)
        status = show_all(&log);
    enum exit_status exit_status = report(&log, status);
    history_close(&log.history);
    return exit_status;
}

const struct command command_log = {
    .name = "log",
    .summary = "the generations in the store, newest first, and what each changed",
    .usage = "splitview log [--limit N] [--time-limit TIME] [--json]",
    .text = "\n"
            "For each generation: number, time, commit with author and subject, how many views, zones and records,\n"
            "and per view how many names and answers differ from the generation before it.\n",
    .options = CLI_JSON | CLI_TIME_LIMIT | CLI_LIMIT,
    .is_timed = true,
    .run = run_log,
};

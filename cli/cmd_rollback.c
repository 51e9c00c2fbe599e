/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview rollback: publish an older generation again, and keep imports off until it is released. */
#include "cli/changes_report.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/history.h"

#include "policy/rollback.h"

#include <inttypes.h>
#include <time.h>

struct back {
    struct history history;
    uint64_t number; /* 0: the one before the head */
    struct rollback_result result;
    uint64_t released; /* the rollback that was let go; 0: none */
    uint64_t served;   /* generation the daemon answered with; 0: it did not */
    json_t *object;    /* with --json */
};

/* What the rollback changes, from the head to the generation it publishes again. */
static enum status show_changes(struct back *back)
{
    struct history_side before = {0};
    struct history_side after = {0};
    struct changes *changes = NULL;
    struct history *history = &back->history;
    bool different = false;

    enum status status = history_load(history, back->result.head, &before);
    if (status == STATUS_OK)
        status = history_load(history, back->result.target, &after);
    if (status == STATUS_OK)
        status = changes_new(before.generation, after.generation, true, &changes);
    if (status == STATUS_OK && back->object != NULL)
        status = changes_report_json(changes, CHANGES_LIMIT_DEFAULT, back->object, &history->diag, &different);
    else if (status == STATUS_OK)
        status = changes_report_print(changes, CHANGES_LIMIT_DEFAULT, stdout, &history->diag, &different);
    changes_free(changes);
    history_side_clear(&before);
    history_side_clear(&after);
    return status;
}

static void print_result(const struct back *back)
{
    const struct rollback_result *result = &back->result;

    printf("%sgeneration %" PRIu64 " is generation %" PRIu64 " again: %" PRIu32 " zone%s, %" PRIu32
           " changed, commit %.*s\n",
           back->history.cli->dry_run ? "dry run, nothing was published: " : "", result->generation, result->target,
           result->zones, cli_plural(result->zones), result->changed, HISTORY_COMMIT_SHOWN, result->commit);
    if (back->history.cli->dry_run)
        return;
    if (back->served >= result->generation)
        printf("splitviewd serves generation %" PRIu64 "\n", back->served);
    puts("imports are refused until `splitview rollback --release`");
}

static enum status go_back(struct back *back)
{
    const struct cli *cli = back->history.cli;
    struct rollback_options options = {.store = back->history.store,
                                       .number = back->number,
                                       .now = (uint64_t)time(NULL),
                                       .serial_mode = back->history.config->serial.mode,
                                       .dry_run = cli->dry_run};
    enum status status = rollback_run(&options, &back->result, &back->history.diag);

    if (status != STATUS_OK)
        return status;
    if (!cli->dry_run)
        control_adopt(back->history.config->control, back->result.generation, &back->history.diag, &back->served);
    if (back->object == NULL)
        print_result(back);
    return cli->dry_run ? show_changes(back) : STATUS_OK;
}

static enum status release(struct back *back)
{
    enum status status = STATUS_OK;

    back->released = back->history.pin;
    if (!back->history.cli->dry_run)
        status = store_release_pin(back->history.store, &back->released, &back->history.diag);
    if (status != STATUS_OK || back->object != NULL)
        return status;
    if (back->released == 0)
        puts("no rollback pins the store");
    else
        printf("%sgeneration %" PRIu64 " does not pin the store any more: imports publish again\n",
               back->history.cli->dry_run ? "dry run, nothing was changed: " : "", back->released);
    return status;
}

static enum status run(struct back *back)
{
    const struct cli *cli = back->history.cli;
    enum status status = history_open(&back->history, !cli->dry_run);

    if (status != STATUS_OK)
        return status;
    if (back->history.store == NULL)
        return diag_error(&back->history.diag, NULL, "nothing was published yet: there is nothing to go back to");
    return cli->release ? release(back) : go_back(back);
}

static json_t *json_or_null(uint64_t number)
{
    return number == 0 ? json_null() : json_integer((json_int_t)number);
}

static bool print_json(struct back *back, enum status status)
{
    const struct rollback_result *result = &back->result;
    bool published = status == STATUS_OK && !back->history.cli->dry_run && !back->history.cli->release;
    json_t *head =
        json_pack("{s:s, s:b, s:b, s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:o}", "status", status_text(status), "published",
                  (int)published, "dry_run", (int)back->history.cli->dry_run, "generation",
                  json_or_null(status == STATUS_OK ? result->generation : 0), "generation_before",
                  json_or_null(back->history.head), "rollback_of", json_or_null(result->target), "commit",
                  result->commit, "zones", (json_int_t)result->zones, "zones_changed", (json_int_t)result->changed,
                  "released", json_or_null(back->released), "served", json_or_null(back->served));

    if (head != NULL)
        json_object_update(head, back->object);
    json_decref(back->object);
    return cli_print_json(head, &back->history.diag);
}

static enum exit_status run_rollback(const struct cli *cli)
{
    struct back back = {.history.cli = cli};

    if (cli->operand_count > 0 && cli->release)
        return cli_usage_error(&command_rollback, "rollback --release takes no generation");
    if (cli->operand_count > 0 && (!history_number(cli->operands[0], &back.number) || back.number == 0))
        return cli_usage_error(&command_rollback, "rollback: found %s, wanted the number of a generation",
                               cli->operands[0]);
    diag_init(&back.history.diag);
    back.object = cli->json ? json_object() : NULL;
    enum status status = run(&back);
    enum exit_status exit_status = cli_exit_status(status);
    if (!cli->json)
        history_print_messages(&back.history, status);
    else if (!print_json(&back, status))
        exit_status = EXIT_COULD_NOT;
    history_close(&back.history);
    return exit_status;
}

const struct command command_rollback = {
    .name = "rollback",
    .summary = "publish an older generation again",
    .usage = "splitview rollback [GENERATION] [--dry-run] [--json]\n"
             "splitview rollback --release [--dry-run] [--json]",
    .text = "\n"
            "Publishes the zones and the policy of an older generation (the one before the newest, if none is given)\n"
            "as a new generation; serials go on. Imports are refused from then on, so that nobody undoes it by\n"
            "accident, until --release lets them publish again. --dry-run prints what answers would change.\n",
    .options = CLI_DRY_RUN | CLI_JSON | CLI_RELEASE,
    .operands_max = 1,
    .run = run_rollback,
};

/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_WAIT_MS 30000 /* for an import to end */

static enum status read_head(struct history *history)
{
    struct snapshot *snapshot = NULL;
    enum status status = snapshot_open(history->store, &history->diag, &snapshot);

    if (status != STATUS_OK)
        return status;
    status = snapshot_head(snapshot, &history->head, &history->diag);
    if (status == STATUS_OK)
        status = snapshot_pin(snapshot, &history->pin, &history->diag);
    snapshot_close(snapshot);
    return status;
}

enum status history_open(struct history *history, bool writer)
{
    enum status status = cli_read_config(history->cli, &history->diag, &history->config);

    if (status != STATUS_OK)
        return status;
    struct store_options options = {.path = history->config->store,
                                    .map_size = history->config->map_size,
                                    .keep = history->config->keep_generations,
                                    .lock_wait_ms = LOCK_WAIT_MS};
    status = writer ? store_open_writer(&options, &history->diag, &history->store)
                    : store_open_reader(&options, &history->diag, &history->store);
    if (status == STATUS_NOT_FOUND && history->diag.count == 0)
        return STATUS_OK;
    return status == STATUS_OK ? read_head(history) : status;
}

void history_close(struct history *history)
{
    store_close(history->store);
    server_config_free(history->config);
    diag_clear(&history->diag);
}

void history_side_clear(struct history_side *side)
{
    if (side->generation != NULL && generation_release(side->generation))
        generation_free(side->generation);
    candidate_free(side->candidate);
    source_close(side->source);
    memset(side, 0, sizeof *side);
}

enum status history_load(struct history *history, uint64_t number, struct history_side *side)
{
    enum status status = STATUS_NOT_FOUND;

    if (history->store != NULL && number > 0)
        status = generation_load_number(history->store, number, &history->diag, &side->generation);
    if (status != STATUS_NOT_FOUND)
        return status;
    return diag_error(&history->diag, NULL, "found generation %" PRIu64 ", wanted one that the store holds: see `log`",
                      number);
}

enum status history_read_tree(struct history *history, const char *path, const char *revision,
                              struct history_side *side)
{
    const struct server_config *config = history->config;
    const char *branch = config != NULL && config->branch[0] != '\0' ? config->branch : CLI_BRANCH_DEFAULT;
    bool is_configured = config != NULL && path == config->zones;
    enum status status = revision == NULL && !is_configured
                             ? source_open_folder(path, &history->diag, &side->source)
                             : source_open(path, revision, branch, &history->diag, &side->source);

    if (status != STATUS_OK)
        return status;
    side->given = revision != NULL ? revision : path;
    struct candidate_options options = {.source = side->source, .store = history->store, .images = CANDIDATE_KEEP};
    status = candidate_read(&options, &history->diag, &side->candidate);
    if (status == STATUS_OK)
        status = candidate_build_catalogs(side->candidate, &history->diag);
    if (status == STATUS_OK)
        status = generation_from_candidate(side->candidate, &history->diag, &side->generation);
    return status;
}

bool history_same_ids(const struct history *history, const struct history_side *a, const struct history_side *b)
{
    return history->store != NULL && (a->candidate == NULL || b->candidate == NULL);
}

bool history_number(const char *text, uint64_t *number)
{
    size_t length = strlen(text);

    if (length == 0 || length > 18 || strspn(text, "0123456789") != length)
        return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

const char *history_time(uint64_t seconds, char text[40])
{
    time_t moment = (time_t)seconds;
    struct tm parts;

    if (seconds == 0 || gmtime_r(&moment, &parts) == NULL || strftime(text, 40, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return "-";
    return text;
}

json_t *history_side_json(const struct history_side *side)
{
    const struct generation *generation = side->generation;

    if (side->given != NULL)
        return json_pack("{s:o, s:s}", "tree", cli_json_text(side->given), "commit", generation->commit);
    return json_pack("{s:I, s:s}", "generation", (json_int_t)generation->number, "commit", generation->commit);
}

void history_side_print(const struct history_side *side, FILE *stream)
{
    if (side->given != NULL)
        cli_print_text(side->given, stream);
    else
        fprintf(stream, "generation %" PRIu64, side->generation->number);
    fprintf(stream, " (%.*s)", HISTORY_COMMIT_SHOWN, side->generation->commit);
}

void history_print_messages(const struct history *history, enum status status)
{
    diag_print(&history->diag, stderr);
    if (status == STATUS_NO_MEMORY)
        fputs("splitview: out of memory\n", stderr);
}

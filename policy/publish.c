/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/publish.h"

#include "policy/casefile.h"
#include "policy/generation.h"
#include "policy/own_address.h"
#include "policy/synthesis.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

struct publish {
    const struct publish_options *options;
    struct candidate *candidate;
    struct publish_result *result;
    struct diag *diag;
    struct snapshot *snapshot; /* of the head before, and of the candidate's images */
    struct store_generation last;
};

/* An import would undo a rollback. */
static enum status check_pin(const struct snapshot *snapshot, bool dry_run, struct diag *diag)
{
    uint64_t number = 0;
    enum status status = snapshot_pin(snapshot, &number, diag);

    if (status != STATUS_OK || number == 0)
        return status;
    if (dry_run) {
        diag_add(diag, SEVERITY_WARNING, NULL,
                 "the store is pinned by the rollback that is generation %" PRIu64
                 ": an import is refused until `splitview rollback --release`",
                 number);
        return STATUS_OK;
    }
    return diag_error(diag, NULL,
                      "the store is pinned by the rollback that is generation %" PRIu64
                      "; wanted `splitview rollback --release` before an import",
                      number);
}

static enum status look_at_pin(const struct publish_options *options, struct diag *diag)
{
    struct snapshot *snapshot = NULL;

    if (options->store == NULL)
        return STATUS_OK;
    enum status status = snapshot_open(options->store, diag, &snapshot);
    if (status != STATUS_OK)
        return status;
    status = check_pin(snapshot, options->dry_run, diag);
    snapshot_close(snapshot);
    return status;
}

static enum candidate_images images_of(const struct publish_options *options)
{
    if (options->store == NULL)
        return CANDIDATE_DROP;
    return options->dry_run ? CANDIDATE_KEEP : CANDIDATE_STORE;
}

static enum status read_candidate(const struct publish_options *options, struct diag *diag,
                                  struct candidate **candidate)
{
    const struct candidate_options reading = {.source = options->source,
                                              .store = options->store,
                                              .images = images_of(options),
                                              .memory_max = options->memory_max,
                                              .progress = options->progress,
                                              .progress_context = options->progress_context};
    enum status status = look_at_pin(options, diag);

    return status == STATUS_OK ? candidate_read(&reading, diag, candidate) : status;
}

/* Facts whose records must stand in somebody else's zones. */
static enum status tell_outside(const struct candidate *candidate, struct diag *diag)
{
    const struct flatten *plan = candidate->plan;
    enum status status = STATUS_OK;

    for (uint32_t view = 0; view < plan->view_count && status == STATUS_OK; view++) {
        const struct flatten_view *zones = &plan->views[view];
        struct autodiscover_picks picks = {0};
        const uint8_t **apexes = memory_zalloc(zones->count + 1, sizeof *apexes);
        for (size_t i = 0; apexes != NULL && i < zones->count; i++)
            apexes[i] = plan->files[zones->zones[i]].apex;
        status = apexes == NULL ? STATUS_NO_MEMORY
                                : synthesis_outside(candidate->synthesis, view, apexes, zones->count, &picks);
        if (status == STATUS_OK)
            synthesis_tell(candidate->synthesis, view, &picks, SYNTHESIS_OUTSIDE, diag);
        memory_free(picks.items);
        memory_free(apexes);
    }
    return status;
}

/* What holds between the tree and the machine. */
static enum status check_server(const struct publish_options *options, const struct candidate *candidate,
                                struct diag *diag)
{
    size_t errors = diag->errors;

    if (options->server != NULL)
        own_address_check(candidate->policy, options->server, options->server_path, SEVERITY_ERROR, diag);
    return diag->errors == errors ? STATUS_OK : STATUS_BAD_INPUT;
}

enum status publish_read(const struct publish_options *options, struct publish_result *result, struct diag *diag,
                         struct candidate **candidate)
{
    memset(result, 0, sizeof *result);
    *candidate = NULL;
    enum status status = read_candidate(options, diag, candidate);
    if (status == STATUS_OK) {
        status = check_server(options, *candidate, diag);
        if (status == STATUS_OK)
            status = tell_outside(*candidate, diag);
        if (status != STATUS_OK) {
            candidate_free(*candidate);
            *candidate = NULL;
        }
    }
    if (status == STATUS_NO_MEMORY)
        diag_fail(diag, status, NULL, "out of memory while reading the zones");
    if (status != STATUS_OK)
        return status;
    const struct candidate *read = *candidate;
    memcpy(result->commit, read->commit, sizeof result->commit);
    result->views = read->policy->view_count;
    result->zones = read->zone_count;
    result->records = read->record_count;
    result->images_new = read->images_new;
    result->images_reused = read->images_reused;
    result->files_known = read->files_known;
    return STATUS_OK;
}

/* The second half. */

/* What the head holds, and a sight of the images that were put just now. */
static enum status open_last(struct publish *publish)
{
    struct store *store = publish->options->store;
    uint64_t head = 0;
    enum status status = STATUS_OK;

    if (publish->candidate->images == CANDIDATE_STORE)
        status = store_flush(store, publish->diag);
    if (status == STATUS_OK)
        status = snapshot_open(store, publish->diag, &publish->snapshot);
    if (status == STATUS_OK)
        status = snapshot_head(publish->snapshot, &head, publish->diag);
    if (status != STATUS_OK || head == 0)
        return status;
    status = snapshot_generation(publish->snapshot, head, &publish->last, publish->diag);
    if (status == STATUS_NOT_FOUND)
        return diag_fail(publish->diag, STATUS_DAMAGED, NULL, "generation %" PRIu64 ", the newest, is missing", head);
    return status;
}

/* Nothing may be published that names what is not there. */
static enum status check_images(const struct publish *publish)
{
    const struct candidate *candidate = publish->candidate;

    for (size_t i = 0; i < candidate->plan->file_count; i++) {
        uint64_t id = candidate->files[i].image_id;
        const void *block = NULL;
        size_t size = 0;
        if (id == 0 || (id & CANDIDATE_IN_MEMORY) != 0)
            continue;
        enum status status = snapshot_image(publish->snapshot, id, &block, &size);
        if (status != STATUS_OK)
            return diag_fail(publish->diag, STATUS_DAMAGED, &(struct place){.file = candidate->plan->files[i].path},
                             "the image of this zone, number %" PRIu64 ", is not in the store: %s", id,
                             status_text(status));
    }
    return STATUS_OK;
}

/* Those who know the zones by an older serial would not notice the new content. */
static void warn_about_fresh_store(const struct publish *publish)
{
    if (publish->last.number != 0 || publish->options->serial.has_floor ||
        source_info(publish->options->source)->is_first)
        return;
    diag_add(publish->diag, SEVERITY_WARNING, NULL,
             "the store is new and serials start anew; if these zones were published with higher serials before, give "
             "--serial-floor N");
}

static bool is_unchanged(const struct publish *publish)
{
    const struct store_generation *last = &publish->last;
    const struct candidate *candidate = publish->candidate;

    if (last->number == 0 || last->view_count != candidate->plan->view_count ||
        strcmp(last->commit, candidate->commit) != 0 || last->policy_size != candidate->policy_text.size ||
        memcmp(last->policy, candidate->policy_text.data, last->policy_size) != 0)
        return false;
    for (uint32_t i = 0; i < last->view_count; i++) {
        const struct store_view *a = &last->views[i];
        const struct store_view *b = &candidate->views[i];
        if (strcmp(a->name, b->name) != 0 || a->catalog_size != b->catalog_size ||
            memcmp(a->catalog, b->catalog, a->catalog_size) != 0)
            return false;
    }
    return true;
}

static enum status write_generation(struct publish *publish)
{
    const struct candidate *candidate = publish->candidate;
    const struct source_info *info = source_info(publish->options->source);
    const struct store_generation generation = {
        .published = publish->options->now,
        .commit = candidate->commit,
        .revision = info->revision,
        .author = info->author,
        .subject = info->subject,
        .commit_time = info->time,
        .policy = candidate->policy_text.data,
        .policy_size = candidate->policy_text.size,
        .record_count = candidate->record_count,
        .zone_count = candidate->zone_count,
        .view_count = candidate->plan->view_count,
        .views = candidate->views,
    };
    struct timespec now;

    enum status status =
        store_publish(publish->options->store, &generation, &publish->result->generation, publish->diag);
    if (status == STATUS_OK && clock_gettime(CLOCK_MONOTONIC, &now) == 0)
        publish->result->published_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return status;
}

/* Serials and catalogs. */
static enum status prepare(struct publish *publish)
{
    struct serial_options serial = publish->options->serial;
    enum status status = open_last(publish);

    serial.now = publish->options->now;
    if (status == STATUS_OK)
        status = check_images(publish);
    if (status == STATUS_OK)
        status = serial_choose(&serial, publish->snapshot, &publish->last, publish->candidate, publish->diag);
    if (status == STATUS_OK)
        status = candidate_build_catalogs(publish->candidate, publish->diag);
    if (status != STATUS_OK)
        return status;
    warn_about_fresh_store(publish);
    publish->result->unchanged = is_unchanged(publish);
    if (publish->result->unchanged)
        publish->result->generation = publish->last.number;
    return STATUS_OK;
}

/* The tree's own tests, on the answers that it would give. */
static enum status run_tests(const struct publish *publish)
{
    struct generation *generation = NULL;
    struct casefile_totals totals = {0, 0};
    enum status status = generation_from_candidate(publish->candidate, publish->diag, &generation);

    if (status != STATUS_OK)
        return status;
    status = casefile_check(publish->options->source, generation, &totals, publish->diag);
    publish->result->tests = totals.passed + totals.failed;
    publish->result->tests_failed = totals.failed;
    if (generation_release(generation))
        generation_free(generation);
    return status;
}

enum status publish_candidate(const struct publish_options *options, struct candidate *candidate,
                              struct publish_result *result, struct diag *diag)
{
    struct publish publish = {.options = options, .candidate = candidate, .result = result, .diag = diag};

    assert(options->store != NULL);
    enum status status = prepare(&publish);
    if (publish.snapshot != NULL)
        snapshot_close(publish.snapshot);
    if (status == STATUS_OK)
        status = run_tests(&publish);
    if (status == STATUS_OK && !result->unchanged)
        status = limits_check(&options->limits, options->force, candidate, diag);
    if (status == STATUS_OK && !result->unchanged && !options->dry_run)
        status = write_generation(&publish);
    if (status == STATUS_NO_MEMORY)
        diag_fail(diag, status, NULL, "out of memory while publishing");
    return status;
}

enum status publish_run(const struct publish_options *options, struct publish_result *result, struct diag *diag)
{
    struct candidate *candidate = NULL;
    enum status status = publish_read(options, result, diag, &candidate);

    if (status == STATUS_OK && options->store != NULL)
        status = publish_candidate(options, candidate, result, diag);
    candidate_free(candidate);
    return status;
}

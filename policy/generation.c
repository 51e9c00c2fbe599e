/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/generation.h"

#include "policy/filter.h"
#include "policy/forward.h"
#include "zones/memory.h"

#include <assert.h>
#include <string.h>

/* Records list the views in the order of the policy, but do not have to. */
static const struct store_view *find_view(const struct store_generation *record, uint32_t guess, const char *name)
{
    if (guess < record->view_count && strcmp(record->views[guess].name, name) == 0)
        return &record->views[guess];
    for (uint32_t i = 0; i < record->view_count; i++)
        if (strcmp(record->views[i].name, name) == 0)
            return &record->views[i];
    return NULL;
}

static enum status bind_catalog(struct generation *generation, const struct store_view *view, uint64_t number,
                                struct diag *diag)
{
    struct catalog *catalog = &generation->catalogs[generation->catalog_count];
    enum status status = catalog_open(view->catalog, view->catalog_size, catalog);

    if (status != STATUS_OK)
        return diag_fail(diag, status, NULL, "the catalog of view %s in generation %llu: %s", view->name,
                         (unsigned long long)number, status_text(status));
    generation->catalog_count++;
    return STATUS_OK;
}

/* Open each view's catalog; a view of the policy without one means that the record is not whole. */
static enum status bind_catalogs(struct generation *generation, const struct store_generation *record,
                                 struct diag *diag)
{
    uint32_t count = generation->policy->view_count;

    generation->catalogs = memory_zalloc(count, sizeof *generation->catalogs);
    if (generation->catalogs == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = generation->policy->views[i].name;
        const struct store_view *view = find_view(record, i, name);
        if (view == NULL)
            return diag_fail(diag, STATUS_DAMAGED, NULL, "generation %llu holds no catalog for its view %s",
                             (unsigned long long)record->number, name);
        enum status status = bind_catalog(generation, view, record->number, diag);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The first view that has the same catalog block; `view` itself if it is the first. */
static uint32_t first_sharer(const struct generation *generation, uint32_t view)
{
    for (uint32_t i = 0; i < view; i++)
        if (generation->catalogs[i].block == generation->catalogs[view].block)
            return i;
    return view;
}

static void tell_missing(const struct generation *generation, uint32_t view, const struct catalog_entry *entry,
                         struct diag *diag)
{
    const uint8_t *apex = catalog_apex(&generation->catalogs[view], entry);
    char text[NAME_TEXT_MAX] = "?";

    if (apex != NULL)
        name_to_text(apex, text);
    diag_add(diag, SEVERITY_WARNING, NULL, "image %llu of zone %s in view %s is missing: it answers SERVFAIL",
             (unsigned long long)entry->image_id, text, generation->policy->views[view].name);
}

static bool views_alike(const struct generation *generation, uint32_t a, uint32_t b)
{
    const struct policy *policy = generation->policy;

    return generation->catalogs[a].block == generation->catalogs[b].block && filter_alike(policy, a, b) &&
           forward_alike(policy->forward, a, b);
}

static enum status find_alike(struct generation *generation)
{
    generation->alike = memory_alloc(generation->catalog_count * sizeof *generation->alike);
    if (generation->alike == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < generation->catalog_count; view++) {
        uint32_t first = 0;
        while (first < view && (generation->alike[first] != first || !views_alike(generation, first, view)))
            first++;
        generation->alike[view] = first;
    }
    return STATUS_OK;
}

/* One array for all views, one run of it for each distinct catalog. */
static enum status bind_images(struct generation *generation)
{
    size_t total = 0;
    size_t used = 0;

    for (uint32_t view = 0; view < generation->catalog_count; view++)
        if (first_sharer(generation, view) == view)
            total += catalog_count(&generation->catalogs[view]);
    generation->images = memory_zalloc(total, sizeof *generation->images);
    if (generation->images == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < generation->catalog_count; view++) {
        struct catalog *catalog = &generation->catalogs[view];
        uint32_t first = first_sharer(generation, view);
        catalog->stored = generation->stored;
        catalog->images = first == view ? generation->images + used : generation->catalogs[first].images;
        used += first == view ? catalog_count(catalog) : 0;
    }
    return find_alike(generation);
}

static enum status bind_stored_images(struct generation *generation, struct diag *diag)
{
    enum status status = snapshot_images(generation->snapshot, &generation->stored, diag);

    return status == STATUS_OK ? bind_images(generation) : status;
}

bool generation_settle(struct generation *generation, uint32_t most, struct diag *diag)
{
    for (; generation->settled_view < generation->catalog_count; generation->settled_view++, generation->settled = 0) {
        const uint32_t view = generation->settled_view;
        const struct catalog *catalog = &generation->catalogs[view];
        const uint32_t count = first_sharer(generation, view) == view ? catalog_count(catalog) : 0;
        for (; generation->settled < count; generation->settled++) {
            if (most-- == 0)
                return false;
            if (catalog_image(catalog, generation->settled).block == NULL)
                tell_missing(generation, view, catalog_entry(catalog, generation->settled), diag);
        }
    }
    return true;
}

/* Read record `number`. NOT_FOUND, or what reading the policy and the catalogs gives; nothing is kept then. */
static enum status load_number(struct generation *generation, uint64_t number, struct diag *diag)
{
    struct store_generation record;
    enum status status = snapshot_generation(generation->snapshot, number, &record, diag);

    if (status != STATUS_OK)
        return status;
    status = policy_read("policy.conf", record.policy, record.policy_size, diag, &generation->policy);
    if (status == STATUS_OK)
        status = bind_catalogs(generation, &record, diag);
    if (status == STATUS_OK) {
        size_t length = strnlen(record.commit, sizeof generation->commit - 1);
        memcpy(generation->commit, record.commit, length);
        generation->commit[length] = '\0';
        generation->number = number;
        generation->published = record.published;
        generation->record_count = record.record_count;
        generation->zone_count = record.zone_count;
        return STATUS_OK;
    }
    memory_free(generation->catalogs);
    generation->catalogs = NULL;
    generation->catalog_count = 0;
    policy_free(generation->policy);
    generation->policy = NULL;
    return status;
}

/* What hinders one generation is a warning as long as an older one can serve. */
static void report_skipped(struct diag *diag, uint64_t number, enum status status, const struct diag *why)
{
    const char *text = status_text(status);

    for (size_t i = 0; i < why->count; i++)
        if (why->messages[i].severity == SEVERITY_ERROR && why->messages[i].text != NULL) {
            text = why->messages[i].text;
            break;
        }
    diag_add(diag, SEVERITY_WARNING, NULL, "generation %llu cannot be served: %s", (unsigned long long)number, text);
}

/* The newest generation that can be read, from the head down to the oldest kept. */
static enum status load_newest(struct generation *generation, uint64_t head, struct diag *diag)
{
    enum status first = STATUS_OK;

    for (uint64_t number = head; number > 0; number--) {
        struct diag why;
        diag_init(&why);
        enum status status = load_number(generation, number, &why);
        if (status == STATUS_NO_MEMORY || status == STATUS_OK) {
            diag_clear(&why);
            return status;
        }
        if (status == STATUS_NOT_FOUND && number != head) {
            diag_clear(&why);
            break;
        }
        report_skipped(diag, number, status, &why);
        diag_clear(&why);
        if (first == STATUS_OK)
            first = status == STATUS_STORE ? STATUS_STORE : STATUS_DAMAGED;
    }
    return diag_fail(diag, first, NULL, "no generation in the store can be served");
}

static enum status load_from_store(struct generation *generation, struct store *store, struct diag *diag)
{
    uint64_t head = 0;
    enum status status = snapshot_open(store, diag, &generation->snapshot);

    if (status == STATUS_OK)
        status = snapshot_head(generation->snapshot, &head, diag);
    if (status == STATUS_OK && head == 0) { /* nothing yet: hold no transaction for it */
        snapshot_close(generation->snapshot);
        generation->snapshot = NULL;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = load_newest(generation, head, diag);
    if (status == STATUS_OK)
        status = bind_stored_images(generation, diag);
    return status;
}

enum status generation_open(struct store *store, struct diag *diag, struct generation **generation)
{
    struct generation *loaded = memory_zalloc(1, sizeof *loaded);
    enum status status = STATUS_OK;

    *generation = NULL;
    if (loaded == NULL)
        return STATUS_NO_MEMORY;
    atomic_init(&loaded->holders, 1);
    if (store != NULL)
        status = load_from_store(loaded, store, diag);
    if (status == STATUS_OK) {
        *generation = loaded;
        return STATUS_OK;
    }
    atomic_store(&loaded->holders, 0);
    generation_free(loaded);
    return status;
}

enum status generation_load(struct store *store, struct diag *diag, struct generation **generation)
{
    enum status status = generation_open(store, diag, generation);

    if (status == STATUS_OK)
        generation_settle(*generation, UINT32_MAX, diag);
    return status;
}

enum status generation_load_number(struct store *store, uint64_t number, struct diag *diag,
                                   struct generation **generation)
{
    struct generation *loaded = memory_zalloc(1, sizeof *loaded);

    *generation = NULL;
    if (loaded == NULL)
        return STATUS_NO_MEMORY;
    atomic_init(&loaded->holders, 1);
    enum status status = snapshot_open(store, diag, &loaded->snapshot);
    if (status == STATUS_OK)
        status = load_number(loaded, number, diag);
    if (status == STATUS_OK)
        status = bind_stored_images(loaded, diag);
    if (status == STATUS_OK) {
        generation_settle(loaded, UINT32_MAX, diag);
        *generation = loaded;
        return STATUS_OK;
    }
    atomic_store(&loaded->holders, 0);
    generation_free(loaded);
    return status;
}

/* A candidate. */

static struct image_ref find_candidate_image(const struct generation *generation, uint64_t id)
{
    struct image_ref image = {.block = NULL, .size = 0};

    if ((id & CANDIDATE_IN_MEMORY) != 0) {
        const struct candidate_file *file = &generation->candidate->files[id & ~CANDIDATE_IN_MEMORY];
        return (struct image_ref){.block = file->block, .size = file->size};
    }
    if (generation->snapshot == NULL ||
        snapshot_image(generation->snapshot, id, &image.block, &image.size) != STATUS_OK)
        return (struct image_ref){.block = NULL, .size = 0};
    return image;
}

static void fill_candidate_images(struct generation *generation)
{
    for (uint32_t view = 0; view < generation->catalog_count; view++) {
        struct catalog *catalog = &generation->catalogs[view];
        const uint32_t count = first_sharer(generation, view) == view ? catalog_count(catalog) : 0;
        for (uint32_t i = 0; i < count; i++)
            catalog->images[i] = find_candidate_image(generation, catalog_entry(catalog, i)->image_id);
    }
}

static enum status fill_from_candidate(struct generation *generation, struct candidate *candidate, struct diag *diag)
{
    enum status status = STATUS_OK;
    uint32_t count = candidate->policy->view_count;

    generation->candidate = candidate;
    generation->policy = candidate->policy;
    generation->record_count = candidate->record_count;
    generation->zone_count = candidate->zone_count;
    memcpy(generation->commit, candidate->commit, sizeof generation->commit);
    if (candidate->images == CANDIDATE_STORE)
        status = store_flush(candidate->store, diag);
    if (status == STATUS_OK && candidate->store != NULL)
        status = snapshot_open(candidate->store, diag, &generation->snapshot);
    if (status != STATUS_OK)
        return status;
    generation->catalogs = memory_zalloc(count, sizeof *generation->catalogs);
    if (generation->catalogs == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++)
        status = bind_catalog(generation, &candidate->views[i], 0, diag);
    if (status == STATUS_OK)
        status = bind_images(generation);
    if (status != STATUS_OK)
        return status;
    fill_candidate_images(generation);
    generation_settle(generation, UINT32_MAX, diag);
    return STATUS_OK;
}

enum status generation_from_candidate(struct candidate *candidate, struct diag *diag, struct generation **generation)
{
    struct generation *made = memory_zalloc(1, sizeof *made);

    assert(candidate->views != NULL);
    *generation = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    atomic_init(&made->holders, 1);
    enum status status = fill_from_candidate(made, candidate, diag);
    if (status == STATUS_OK) {
        *generation = made;
        return STATUS_OK;
    }
    atomic_store(&made->holders, 0);
    generation_free(made);
    return status;
}

void generation_hold(struct generation *generation)
{
    unsigned before = atomic_fetch_add_explicit(&generation->holders, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
}

bool generation_release(struct generation *generation)
{
    unsigned before = atomic_fetch_sub_explicit(&generation->holders, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}

void generation_free(struct generation *generation)
{
    if (generation == NULL)
        return;
    assert(atomic_load(&generation->holders) == 0);
    store_images_free(generation->stored);
    memory_free(generation->alike);
    if (generation->snapshot != NULL)
        snapshot_close(generation->snapshot);
    if (generation->candidate == NULL)
        policy_free(generation->policy);
    memory_free(generation->catalogs);
    memory_free(generation->images);
    memory_free(generation);
}

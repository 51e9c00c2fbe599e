/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/rollback.h"

#include "zones/catalog.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

struct rollback {
    const struct rollback_options *options;
    struct rollback_result *result;
    struct diag *diag;
    struct snapshot *snapshot;
    struct store_generation head;
    struct store_generation target;
    struct catalog *head_catalogs;   /* one per view of the head */
    struct catalog *target_catalogs; /* one per view of the target */
    /* One per view of the target: */
    struct store_view *views; /* to publish; catalogs owned, shared ones by the first */
    uint32_t *head_views;     /* its number in the head; view_count of it: not there */
    uint32_t *first_alike;    /* the first view that shares its zones, before and after */
    uint32_t *changed;        /* zones whose content changes */
};

static enum status read_generation(struct rollback *rollback, uint64_t number, struct store_generation *generation)
{
    enum status status = snapshot_generation(rollback->snapshot, number, generation, rollback->diag);

    if (status != STATUS_NOT_FOUND)
        return status;
    return diag_error(rollback->diag, NULL, "found generation %" PRIu64 ", wanted one that the store holds: see `log`",
                      number);
}

/* The newest generation before the head. */
static enum status find_previous(struct rollback *rollback, uint64_t *number)
{
    for (uint64_t before = rollback->result->head; before > 1;) {
        struct store_generation generation;
        struct diag unused;
        diag_init(&unused);
        enum status status = snapshot_generation(rollback->snapshot, --before, &generation, &unused);
        diag_clear(&unused);
        *number = before;
        if (status != STATUS_DAMAGED && status != STATUS_VERSION)
            return status == STATUS_NOT_FOUND ? STATUS_NOT_FOUND : status;
    }
    return STATUS_NOT_FOUND;
}

static enum status choose_target(struct rollback *rollback)
{
    struct rollback_result *result = rollback->result;
    enum status status = snapshot_head(rollback->snapshot, &result->head, rollback->diag);

    if (status != STATUS_OK)
        return status;
    if (result->head == 0)
        return diag_error(rollback->diag, NULL, "nothing was published yet: there is nothing to go back to");
    result->target = rollback->options->number;
    if (result->target == 0)
        status = find_previous(rollback, &result->target);
    if (status == STATUS_NOT_FOUND)
        return diag_error(rollback->diag, NULL, "generation %" PRIu64 " is the only one: there is none before it",
                          result->head);
    if (status == STATUS_OK && result->target == result->head)
        return diag_error(rollback->diag, NULL, "generation %" PRIu64 " is the newest: it serves already",
                          result->head);
    if (status == STATUS_OK)
        status = read_generation(rollback, result->head, &rollback->head);
    return status == STATUS_OK ? read_generation(rollback, result->target, &rollback->target) : status;
}

static enum status open_catalogs(const struct rollback *rollback, const struct store_generation *generation,
                                 struct catalog **catalogs)
{
    *catalogs = memory_zalloc(generation->view_count, sizeof **catalogs);
    if (*catalogs == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < generation->view_count; i++) {
        const struct store_view *view = &generation->views[i];
        enum status status = catalog_open(view->catalog, view->catalog_size, &(*catalogs)[i]);
        if (status != STATUS_OK)
            return diag_fail(rollback->diag, status, NULL, "the catalog of view %s in generation %" PRIu64 ": %s",
                             view->name, generation->number, status_text(status));
    }
    return STATUS_OK;
}

/* ---- serials ---- */

/* Content that changes needs a serial after the last one. */
static uint32_t next_serial(const struct rollback_options *options, uint32_t last)
{
    if (options->serial_mode == SERIAL_UNIXTIME && serial_is_ahead((uint32_t)options->now, last))
        return (uint32_t)options->now;
    return last + 1;
}

/* The entry of exactly this apex, or NULL. */
static const struct catalog_entry *find_entry(const struct catalog *catalog, const uint8_t *apex)
{
    struct name_split split;
    uint32_t index = 0;

    name_split(apex, &split);
    const struct catalog_entry *entry = catalog_find(catalog, &split, split.labels, &index);
    const uint8_t *found = entry == NULL ? NULL : catalog_apex(catalog, entry);
    return found != NULL && name_equal(found, apex) ? entry : NULL;
}

/* What one view needs of the serial of a zone. */
struct need {
    bool is_known;
    bool is_changed;
    bool is_gone; /* the view does not serve the zone now */
    uint32_t last;
};

static uint32_t find_head_view(const struct rollback *rollback, const char *name)
{
    uint32_t i = 0;

    while (i < rollback->head.view_count && strcmp(rollback->head.views[i].name, name) != 0)
        i++;
    return i;
}

static enum status find_need(const struct rollback *rollback, uint32_t view, const uint8_t *apex, uint64_t image_id,
                             struct need *need)
{
    const char *name = rollback->target.views[view].name;
    uint32_t head_view = rollback->head_views[view];
    const struct catalog_entry *entry =
        head_view < rollback->head.view_count ? find_entry(&rollback->head_catalogs[head_view], apex) : NULL;

    *need = (struct need){.is_known = true, .is_changed = true, .is_gone = entry == NULL};
    if (entry != NULL) {
        need->last = entry->serial;
        need->is_changed = entry->image_id != image_id;
        return STATUS_OK;
    }
    /* Not served now: what it had when it went. */
    enum status status = snapshot_last_serial(rollback->snapshot, name, apex, &need->last);
    need->is_known = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A serial on its way to be final. */
struct choice {
    uint32_t serial;
    bool is_chosen;
    bool is_changed; /* the content of some view */
    bool is_gone;    /* some view does not serve the zone now */
};

static enum status weigh_view(const struct rollback *rollback, uint32_t view, const uint8_t *apex, uint64_t image_id,
                              struct choice *choice)
{
    const struct catalog_entry *entry = find_entry(&rollback->target_catalogs[view], apex);
    struct need need;

    if (entry == NULL || entry->image_id != image_id)
        return STATUS_OK;
    enum status status = find_need(rollback, view, apex, image_id, &need);
    if (status != STATUS_OK)
        return status;
    choice->is_changed |= need.is_changed;
    choice->is_gone |= need.is_gone;
    uint32_t wanted = need.is_changed ? next_serial(rollback->options, need.last) : need.last;
    if (need.is_known && (!choice->is_chosen || serial_is_ahead(wanted, choice->serial))) {
        choice->serial = wanted;
        choice->is_chosen = true;
    }
    return STATUS_OK;
}

/*
 * Views that serve the same image have one serial: the one furthest ahead of what any of them needs. Content that
 * changes needs one more than the last, other content the last itself. Views that shared their zones before and do so
 * again need the same, but for zones that went, each at its own time.
 */
static enum status choose_serial(const struct rollback *rollback, const uint8_t *apex,
                                 const struct catalog_entry *entry, struct choice *choice)
{
    enum status status = STATUS_OK;

    *choice = (struct choice){.serial = entry->serial};
    for (uint32_t view = 0; view < rollback->target.view_count && status == STATUS_OK; view++)
        if (rollback->first_alike[view] == view)
            status = weigh_view(rollback, view, apex, entry->image_id, choice);
    for (uint32_t view = 0; choice->is_gone && view < rollback->target.view_count && status == STATUS_OK; view++)
        if (rollback->first_alike[view] != view)
            status = weigh_view(rollback, view, apex, entry->image_id, choice);
    return status;
}

/* ---- catalogs ---- */

static enum status fill_zones(const struct rollback *rollback, uint32_t view, struct catalog_zone *zones)
{
    const struct catalog *catalog = &rollback->target_catalogs[view];
    const char *name = rollback->target.views[view].name;
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < catalog_count(catalog) && status == STATUS_OK; i++) {
        const struct catalog_entry *entry = catalog_entry(catalog, i);
        const uint8_t *apex = catalog_apex(catalog, entry);
        const void *block = NULL;
        size_t size = 0;
        struct choice choice;
        if (apex == NULL || snapshot_image(rollback->snapshot, entry->image_id, &block, &size) != STATUS_OK)
            return diag_fail(rollback->diag, STATUS_DAMAGED, NULL,
                             "an image of view %s in generation %" PRIu64 " is missing or damaged", name,
                             rollback->target.number);
        status = choose_serial(rollback, apex, entry, &choice);
        zones[i] = (struct catalog_zone){
            .apex = apex, .image_id = entry->image_id, .serial = choice.serial, .file_serial = entry->file_serial};
        rollback->changed[view] += choice.is_changed;
    }
    return status;
}

static enum status build_catalog(struct rollback *rollback, uint32_t view)
{
    uint32_t count = catalog_count(&rollback->target_catalogs[view]);
    struct catalog_zone *zones = memory_zalloc(count, sizeof *zones);
    uint8_t *block = NULL;
    size_t size = 0;

    if (zones == NULL)
        return STATUS_NO_MEMORY;
    enum status status = fill_zones(rollback, view, zones);
    if (status == STATUS_OK)
        status = catalog_build(zones, count, &block, &size);
    memory_free(zones);
    if (status != STATUS_OK)
        return status;
    rollback->views[view].catalog = block;
    rollback->views[view].catalog_size = size;
    return STATUS_OK;
}

/* The catalog of the head for a view of the target, NULL if there is none. */
static const void *catalog_before(const struct rollback *rollback, uint32_t view)
{
    uint32_t head_view = rollback->head_views[view];

    return head_view < rollback->head.view_count ? rollback->head.views[head_view].catalog : NULL;
}

/* The first view with the same zones to come; with `alike`, also with the same zones now. */
static uint32_t find_first(const struct rollback *rollback, uint32_t view, bool alike)
{
    const struct store_view *views = rollback->target.views;

    for (uint32_t i = 0; i < view; i++)
        if (views[i].catalog == views[view].catalog &&
            (!alike || catalog_before(rollback, i) == catalog_before(rollback, view)))
            return i;
    return view;
}

static enum status prepare_views(struct rollback *rollback)
{
    uint32_t count = rollback->target.view_count;

    rollback->views = memory_zalloc(count, sizeof *rollback->views);
    rollback->head_views = memory_zalloc(count, sizeof *rollback->head_views);
    rollback->first_alike = memory_zalloc(count, sizeof *rollback->first_alike);
    rollback->changed = memory_zalloc(count, sizeof *rollback->changed);
    if (rollback->views == NULL || rollback->head_views == NULL || rollback->first_alike == NULL ||
        rollback->changed == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < count; view++) {
        rollback->views[view].name = rollback->target.views[view].name;
        rollback->head_views[view] = find_head_view(rollback, rollback->target.views[view].name);
        rollback->first_alike[view] = find_first(rollback, view, true);
    }
    return STATUS_OK;
}

static enum status build_catalogs(struct rollback *rollback)
{
    enum status status = prepare_views(rollback);

    for (uint32_t view = 0; view < rollback->target.view_count && status == STATUS_OK; view++) {
        uint32_t first = find_first(rollback, view, false);
        if (first == view)
            status = build_catalog(rollback, view);
        rollback->views[view].catalog = rollback->views[first].catalog;
        rollback->views[view].catalog_size = rollback->views[first].catalog_size;
        rollback->changed[view] = rollback->changed[first];
        rollback->result->changed += rollback->changed[view];
        rollback->result->zones += catalog_count(&rollback->target_catalogs[view]);
    }
    return status;
}

static void rollback_clear(struct rollback *rollback)
{
    /* A view that shares its catalog has the block of the first that does. */
    for (uint32_t i = 0; rollback->views != NULL && i < rollback->target.view_count; i++)
        if (find_first(rollback, i, false) == i)
            memory_free((void *)(uintptr_t)rollback->views[i].catalog);
    memory_free(rollback->views);
    memory_free(rollback->head_views);
    memory_free(rollback->first_alike);
    memory_free(rollback->changed);
    memory_free(rollback->head_catalogs);
    memory_free(rollback->target_catalogs);
    if (rollback->snapshot != NULL)
        snapshot_close(rollback->snapshot);
}

static enum status publish(struct rollback *rollback)
{
    struct store_generation generation = rollback->target;
    struct rollback_result *result = rollback->result;

    generation.published = rollback->options->now;
    generation.rollback_of = result->target;
    generation.views = rollback->views;
    memcpy(result->commit, rollback->target.commit, strnlen(rollback->target.commit, sizeof result->commit - 1));
    result->generation = result->head + 1;
    if (rollback->options->dry_run)
        return STATUS_OK;
    /* Its texts point into the snapshot, which stays open; the store never changes what a snapshot sees. */
    return store_publish(rollback->options->store, &generation, &result->generation, rollback->diag);
}

enum status rollback_run(const struct rollback_options *options, struct rollback_result *result, struct diag *diag)
{
    struct rollback rollback = {.options = options, .result = result, .diag = diag};

    memset(result, 0, sizeof *result);
    enum status status = snapshot_open(options->store, diag, &rollback.snapshot);
    if (status == STATUS_OK)
        status = choose_target(&rollback);
    if (status == STATUS_OK)
        status = open_catalogs(&rollback, &rollback.head, &rollback.head_catalogs);
    if (status == STATUS_OK)
        status = open_catalogs(&rollback, &rollback.target, &rollback.target_catalogs);
    if (status == STATUS_OK)
        status = build_catalogs(&rollback);
    if (status == STATUS_OK)
        status = publish(&rollback);
    rollback_clear(&rollback);
    if (status == STATUS_NO_MEMORY)
        diag_fail(diag, status, NULL, "out of memory");
    return status;
}

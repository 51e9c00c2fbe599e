/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/serial.h"

#include "zones/catalog.h"
#include "zones/memory.h"

#include <string.h>

struct choosing {
    const struct serial_options *options;
    const struct snapshot *snapshot;
    const struct store_generation *last;
    struct candidate *candidate;
    struct diag *diag;
    bool *has_serial; /* per file: some view gave it one */
    bool *is_new;     /* per file: some view serves it now and did not before */
};

bool serial_is_ahead(uint32_t a, uint32_t b)
{
    uint32_t distance = a - b;

    return distance != 0 && distance < UINT32_C(0x80000000);
}

/* The next serial of a zone whose content changed since `last`. */
static uint32_t next_serial(const struct serial_options *options, const struct candidate_file *file, uint32_t last)
{
    uint32_t wanted = options->mode == SERIAL_FILE       ? file->file_serial
                      : options->mode == SERIAL_UNIXTIME ? (uint32_t)options->now
                                                         : last;

    return serial_is_ahead(wanted, last) ? wanted : last + 1;
}

/* Of a zone that the view served before. */
static uint32_t serial_after(const struct serial_options *options, const struct catalog_entry *last,
                             const struct candidate_file *file)
{
    if (last->image_id != file->image_id)
        return next_serial(options, file, last->serial);
    if (options->mode == SERIAL_FILE && last->file_serial != file->file_serial &&
        serial_is_ahead(file->file_serial, last->serial))
        return file->file_serial;
    return last->serial;
}

/* Of a zone that the store does not know. */
static uint32_t first_serial(const struct serial_options *options, const struct candidate_file *file)
{
    uint32_t wanted = options->mode == SERIAL_FILE       ? file->file_serial
                      : options->mode == SERIAL_UNIXTIME ? (uint32_t)options->now
                                                         : 1;

    return options->has_floor && serial_is_ahead(options->floor, wanted) ? options->floor : wanted;
}

static const struct store_view *find_last_view(const struct store_generation *last, uint32_t guess, const char *name)
{
    if (last->number == 0)
        return NULL;
    if (guess < last->view_count && strcmp(last->views[guess].name, name) == 0)
        return &last->views[guess];
    for (uint32_t i = 0; i < last->view_count; i++)
        if (strcmp(last->views[i].name, name) == 0)
            return &last->views[i];
    return NULL;
}

/* The entry of exactly this apex, or NULL. */
static const struct catalog_entry *find_entry(const struct catalog *catalog, const uint8_t *apex)
{
    struct name_split split;
    uint32_t index = 0;

    name_split(apex, &split);
    const struct catalog_entry *entry = catalog_find(catalog, &split, split.labels, &index);
    if (entry == NULL)
        return NULL;
    const uint8_t *found = catalog_apex(catalog, entry);
    return found != NULL && name_equal(found, apex) ? entry : NULL;
}

static void raise_serial(struct choosing *choosing, size_t index, uint32_t serial)
{
    struct candidate_file *file = &choosing->candidate->files[index];

    if (!choosing->has_serial[index] || serial_is_ahead(serial, file->serial))
        file->serial = serial;
    choosing->has_serial[index] = true;
}

/* One zone of one view. `catalog` is the view's last one, NULL if there was none. */
static enum status choose_one(struct choosing *choosing, const char *view, const struct catalog *catalog, size_t index)
{
    const struct candidate_file *file = &choosing->candidate->files[index];
    const uint8_t *apex = choosing->candidate->plan->files[index].apex;
    const struct catalog_entry *entry = catalog != NULL ? find_entry(catalog, apex) : NULL;
    uint32_t serial = 0;

    if (entry != NULL) {
        raise_serial(choosing, index, serial_after(choosing->options, entry, file));
        return STATUS_OK;
    }
    choosing->is_new[index] = true;
    enum status status = snapshot_last_serial(choosing->snapshot, view, apex, &serial);
    if (status == STATUS_OK)
        raise_serial(choosing, index, next_serial(choosing->options, file, serial));
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return STATUS_OK;
    return diag_fail(choosing->diag, status, NULL, "the serials that view %s published before cannot be read: %s", view,
                     status_text(status));
}

/* All zones of a view; `only_new`: only those that are not in the catalog. */
static enum status choose_in_view(struct choosing *choosing, const char *name, const struct store_view *last,
                                  const struct flatten_view *zones, bool only_new)
{
    struct catalog catalog;
    enum status status = STATUS_OK;

    if (last != NULL)
        status = catalog_open(last->catalog, last->catalog_size, &catalog);
    if (status != STATUS_OK)
        return diag_fail(choosing->diag, status, NULL, "the catalog of view %s in generation %llu is damaged", name,
                         (unsigned long long)choosing->last->number);
    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++)
        if (!only_new || choosing->is_new[zones->zones[i]])
            status = choose_one(choosing, name, last != NULL ? &catalog : NULL, zones->zones[i]);
    return status;
}

/* Of views that serve the same zones and did so before, one tells the serials of the zones that are not new. */
static bool was_alike(const struct choosing *choosing, uint32_t view, const struct store_view *last)
{
    const struct candidate *candidate = choosing->candidate;
    uint32_t same = candidate->plan->views[view].same_as;

    if (same == view || last == NULL)
        return false;
    const struct store_view *other = find_last_view(choosing->last, same, candidate->policy->views[same].name);
    return other != NULL && other->catalog == last->catalog;
}

/* Views that share another's list of zones come after those that hold one. */
static enum status choose_all(struct choosing *choosing, bool sharing)
{
    const struct candidate *candidate = choosing->candidate;
    enum status status = STATUS_OK;

    for (uint32_t view = 0; view < candidate->plan->view_count && status == STATUS_OK; view++) {
        const char *name = candidate->policy->views[view].name;
        const struct store_view *before = find_last_view(choosing->last, view, name);
        if ((candidate->plan->views[view].same_as != view) == sharing)
            status = choose_in_view(choosing, name, before, &candidate->plan->views[view],
                                    was_alike(choosing, view, before));
    }
    return status;
}

enum status serial_choose(const struct serial_options *options, const struct snapshot *snapshot,
                          const struct store_generation *last, struct candidate *candidate, struct diag *diag)
{
    struct choosing choosing = {
        .options = options, .snapshot = snapshot, .last = last, .candidate = candidate, .diag = diag};
    size_t count = candidate->plan->file_count;
    enum status status = STATUS_OK;

    choosing.has_serial = memory_zalloc(count, sizeof *choosing.has_serial);
    choosing.is_new = memory_zalloc(count, sizeof *choosing.is_new);
    if (choosing.has_serial == NULL || choosing.is_new == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && last->number != 0)
        status = choose_all(&choosing, false);
    if (status == STATUS_OK && last->number != 0)
        status = choose_all(&choosing, true);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (!choosing.has_serial[i])
            candidate->files[i].serial = first_serial(options, &candidate->files[i]);
    memory_free(choosing.has_serial);
    memory_free(choosing.is_new);
    return status;
}

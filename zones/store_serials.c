/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_serials: the last serial of a zone that a view does not serve any more, so that it does not go back when the
 * zone comes again. While a zone is served, its catalog holds its serial.
 */
#include "zones/catalog.h"
#include "zones/hash.h"
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_record.h"
#include "zones/store_table.h"

#include <string.h>

/* A zone that a view will not serve any more, until the changes are made. */
struct gone {
    uint8_t key[HASH_SIZE];
    uint32_t serial;
};

struct keeping {
    struct store *store;
    struct gone *gone;
    size_t count;
    size_t capacity;
};

/* View and apex as a key of fixed size. */
static void key_of(const char *view, const uint8_t *apex, uint8_t key[HASH_SIZE])
{
    const struct hash_piece pieces[] = {{view, strlen(view) + 1}, {apex, name_size(apex)}};

    hash_pieces(pieces, sizeof(pieces) / sizeof(pieces[0]), key);
}

static enum status gone_add(struct keeping *keeping, const char *view, const uint8_t *apex, uint32_t serial)
{
    struct gone *gone = memory_grow(keeping->gone, keeping->count, &keeping->capacity, sizeof(*gone));

    if (!gone)
        return STATUS_NO_MEMORY;
    keeping->gone = gone;
    key_of(view, apex, gone[keeping->count].key);
    gone[keeping->count++].serial = serial;
    return STATUS_OK;
}

/* Does the catalog hold exactly this apex? */
static bool catalog_has(const struct catalog *catalog, const uint8_t *apex)
{
    struct name_split split;
    uint32_t index = 0;

    name_split(apex, &split);
    const struct catalog_entry *entry = catalog_find(catalog, &split, split.labels, &index);
    const uint8_t *found = entry ? catalog_apex(catalog, entry) : NULL;
    return found && name_equal(found, apex);
}

/* Note what is in `before` and not in `after` (NULL: the view itself goes). */
static enum status view_compare(struct keeping *keeping, const char *view, struct span before,
                                const struct store_view *after)
{
    struct catalog old;
    struct catalog new;
    enum status status = catalog_open(before.data, before.size, &old);

    if (status == STATUS_OK && after)
        status = catalog_open(after->catalog, after->catalog_size, &new);
    if (status != STATUS_OK)
        return STATUS_DAMAGED;
    for (uint32_t i = 0; i < catalog_count(&old) && status == STATUS_OK; i++) {
        const struct catalog_entry *entry = catalog_entry(&old, i);
        const uint8_t *apex = catalog_apex(&old, entry);

        if (!apex)
            return STATUS_DAMAGED;
        if (!after || !catalog_has(&new, apex))
            status = gone_add(keeping, view, apex, entry->serial);
    }
    return status;
}

static bool same_catalog(struct span before, const struct store_view *after)
{
    return after && before.size == after->catalog_size &&
           (before.size == 0 || memcmp(before.data, after->catalog, before.size) == 0);
}

static const struct store_view *view_find(const struct store_generation *generation, uint32_t guess, const char *name)
{
    if (guess < generation->view_count && strcmp(generation->views[guess].name, name) == 0)
        return &generation->views[guess];
    for (uint32_t i = 0; i < generation->view_count; i++)
        if (strcmp(generation->views[i].name, name) == 0)
            return &generation->views[i];
    return NULL;
}

static enum status head_compare(struct keeping *keeping, const struct store_generation *generation)
{
    struct store *store = keeping->store;
    struct store_record record;
    struct span value = {NULL, 0};
    const char *name = NULL;
    uint64_t id = 0;
    enum status status = table_get(store, store->txn, TABLE_GENERATIONS, span_of_id(&store->meta[META_HEAD]), &value);

    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = store_record_decode(value.data, value.size, &record);
    for (uint32_t i = 0; status == STATUS_OK && store_record_view(&record, &name, &id); i++) {
        const struct store_view *after = view_find(generation, i, name);
        struct span before = {NULL, 0};

        status = table_get_block(store, store->txn, TABLE_CATALOGS, id, &before);
        if (status == STATUS_OK && !same_catalog(before, after))
            status = view_compare(keeping, name, before, after);
    }
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_DAMAGED;
}

uint32_t serial_check(struct span key, uint32_t serial)
{
    const struct hash_piece pieces[] = {{key.data, key.size}, {&serial, sizeof(serial)}};

    return (uint32_t)store_check(pieces, sizeof(pieces) / sizeof(pieces[0]));
}

bool serial_read(struct span key, struct span value, uint32_t *serial)
{
    struct serial_value kept;

    if (value.size != sizeof(kept))
        return false;
    memcpy(&kept, value.data, sizeof(kept));
    *serial = kept.serial;
    return kept.check == serial_check(key, kept.serial);
}

static enum status serial_put(struct store *store, const struct gone *gone)
{
    const struct span key = {gone->key, sizeof(gone->key)};
    const struct serial_value value = {gone->serial, serial_check(key, gone->serial)};

    return table_put(store, TABLE_SERIALS, key, (struct span){&value, sizeof(value)});
}

enum status serials_keep(struct store *store, const struct store_generation *generation)
{
    struct keeping keeping = {.store = store};
    enum status status = head_compare(&keeping, generation);

    for (size_t i = 0; i < keeping.count && status == STATUS_OK; i++)
        status = serial_put(store, &keeping.gone[i]);
    memory_free(keeping.gone);
    return status;
}

enum status snapshot_last_serial(const struct snapshot *snapshot, const char *view, const uint8_t *apex,
                                 uint32_t *serial)
{
    uint8_t key[HASH_SIZE];
    struct span found = {NULL, 0};
    enum status status = STATUS_OK;

    key_of(view, apex, key);
    status = table_get(snapshot->store, snapshot->txn, TABLE_SERIALS, (struct span){key, sizeof(key)}, &found);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? status : STATUS_DAMAGED;
    return serial_read((struct span){key, sizeof(key)}, found, serial) ? STATUS_OK : STATUS_DAMAGED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* store_prune: finding and removing what no generation names, inside the writer's transaction. */
#include "zones/catalog.h"
#include "zones/idset.h"
#include "zones/memory.h"
#include "zones/store_record.h"
#include "zones/store_table.h"

#include <string.h>

static enum status ids_drop(struct store *store, enum table table, const struct idset *ids)
{
    enum status status = STATUS_OK;
    uint64_t id = 0;

    for (bool found = idset_next(ids, 0, &id); found && status == STATUS_OK; found = idset_next(ids, id + 1, &id))
        status = table_delete(store, table, id);
    return status;
}

/* Remove the entries of an index whose ids, with which their values begin, are in the set. */
static enum status index_drop(struct store *store, enum table index, const struct idset *ids)
{
    struct table_walk walk;
    enum status status = table_walk_begin(store, store->txn, index, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        const struct span id = {walk.value.data, sizeof(uint64_t)};

        if (walk.value.size >= id.size && idset_has(ids, span_number(id)))
            status = table_walk_delete(store, &walk);
    }
    table_walk_end(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Remove images with their origins, or catalogs. */
static enum status blocks_drop(struct store *store, enum table blocks, enum table index, const struct idset *ids)
{
    enum status status = STATUS_OK;

    if (ids->count == 0)
        return STATUS_OK;
    status = ids_drop(store, blocks, ids);
    if (status == STATUS_OK && blocks == TABLE_IMAGES)
        status = ids_drop(store, TABLE_ORIGINS, ids);
    if (status == STATUS_OK && blocks == TABLE_IMAGES)
        status = index_drop(store, TABLE_BY_INPUT, ids);
    return status == STATUS_OK ? index_drop(store, index, ids) : status;
}

/* A value moved within its table must be copied: the change may overwrite it. */
static enum status staged_move(struct store *store, struct table_walk *walk, bool keep)
{
    const uint64_t id = span_number(walk->key) & ~ORIGINS_STAGED;
    const size_t size = walk->value.size;
    uint8_t *copy = memory_alloc(size);
    enum status status = copy ? STATUS_OK : STATUS_NO_MEMORY;

    if (copy && size > 0)
        memcpy(copy, walk->value.data, size);
    if (status == STATUS_OK)
        status = table_walk_delete(store, walk);
    if (status == STATUS_OK && keep)
        status = table_put(store, TABLE_ORIGINS, span_of_id(&id), (struct span){copy, size});
    memory_free(copy);
    return status;
}

/*
 * An image with another table of origins was made from several inputs, and nothing tells which of them wrote the table
 * that stays. So they are forgotten: the next import makes the image again, and writes the table of what it read.
 */
static enum status staged_forget_inputs(struct store *store)
{
    struct idset images = {0};
    struct table_walk walk;
    enum status status = idset_init(&images, 0, store->meta[META_NEXT_IMAGE]);

    if (status != STATUS_OK)
        return status;
    status = table_walk_begin(store, store->txn, TABLE_ORIGINS, &walk);
    if (status == STATUS_OK)
        status = table_walk_seek(&walk, ORIGINS_STAGED);
    while (status == STATUS_OK) {
        idset_add(&images, span_number(walk.key) & ~ORIGINS_STAGED);
        status = table_walk_next(&walk);
    }
    table_walk_end(&walk);
    if (status == STATUS_NOT_FOUND)
        status = images.count > 0 ? index_drop(store, TABLE_BY_INPUT, &images) : STATUS_OK;
    idset_clear(&images);
    return status;
}

enum status prune_staged_origins(struct store *store, bool keep)
{
    struct table_walk walk;
    enum status status = staged_forget_inputs(store);

    if (status != STATUS_OK)
        return status;
    status = table_walk_begin(store, store->txn, TABLE_ORIGINS, &walk);
    while (status == STATUS_OK && (status = table_walk_seek(&walk, ORIGINS_STAGED)) == STATUS_OK)
        status = staged_move(store, &walk, keep);
    table_walk_end(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- generations ---- */

struct prune {
    struct idlist generations; /* that go */
    struct idlist dead;        /* catalogs that only they name */
    struct idlist live;        /* catalogs of those that stay */
    struct idset images;       /* to remove */
    struct idset catalogs;     /* to remove */
    bool unknown;              /* something that goes is damaged: everything that does not stay goes with it */
};

static void prune_clear(struct prune *prune)
{
    idlist_clear(&prune->generations);
    idlist_clear(&prune->dead);
    idlist_clear(&prune->live);
    idset_clear(&prune->images);
    idset_clear(&prune->catalogs);
}

/* Note one generation's catalogs. */
static enum status record_note(struct span value, struct idlist *catalogs)
{
    struct store_record record;
    const char *name = NULL;
    uint64_t catalog_id = 0;
    enum status status = store_record_decode(value.data, value.size, &record);

    if (status != STATUS_OK)
        return STATUS_DAMAGED;
    while (status == STATUS_OK && store_record_view(&record, &name, &catalog_id))
        status = idlist_add(catalogs, catalog_id);
    return status;
}

/* Note what one generation names. DAMAGED: it stays, but it cannot be told what it needs. */
static enum status plan_generation(struct prune *prune, const struct table_walk *walk, bool goes)
{
    enum status status = goes ? idlist_add(&prune->generations, span_number(walk->key)) : STATUS_OK;

    if (status == STATUS_OK)
        status = record_note(walk->value, goes ? &prune->dead : &prune->live);
    if (status == STATUS_DAMAGED && goes) {
        prune->unknown = true;
        status = STATUS_OK;
    }
    return status;
}

/* Which generations go, and which catalogs with them. */
static enum status plan_generations(const struct store *store, struct prune *prune)
{
    struct table_walk walk;
    uint64_t left = 0;
    enum status status = table_count(store, store->txn, TABLE_GENERATIONS, &left);

    if (status == STATUS_OK)
        status = table_walk_begin(store, store->txn, TABLE_GENERATIONS, &walk);
    if (status != STATUS_OK)
        return status;
    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK)
        status = plan_generation(prune, &walk, left-- > store->keep);
    table_walk_end(&walk);
    idlist_sort(&prune->dead);
    idlist_sort(&prune->live);
    idlist_subtract(&prune->dead, &prune->live);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Add the images that a catalog names to the set, or strike them. DAMAGED: it cannot be told which they are. */
static enum status catalog_mark(const struct store *store, uint64_t catalog_id, bool add, struct idset *images)
{
    struct catalog catalog;
    struct span block = {NULL, 0};

    if (table_get_block(store, store->txn, TABLE_CATALOGS, catalog_id, &block) != STATUS_OK ||
        catalog_open(block.data, block.size, &catalog) != STATUS_OK)
        return STATUS_DAMAGED;
    for (uint32_t i = 0; i < catalog_count(&catalog); i++) {
        const uint64_t id = catalog_entry(&catalog, i)->image_id;

        if (add)
            idset_add(images, id);
        else
            idset_remove(images, id);
    }
    return STATUS_OK;
}

static void idset_add_range(struct idset *set, uint64_t first, uint64_t end)
{
    for (uint64_t id = first; id < end; id++)
        idset_add(set, id);
}

/* What to remove: the dead catalogs; the images that they name or that are new, unless a living catalog names them. */
static enum status plan_blocks(const struct store *store, struct prune *prune)
{
    const uint64_t next = store->meta[META_NEXT_IMAGE];
    const uint64_t next_catalog = store->meta[META_NEXT_CATALOG];
    enum status status = idset_init(&prune->images, 1, next);

    if (status == STATUS_OK)
        status = idset_init(&prune->catalogs, 1, next_catalog);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < prune->dead.count; i++) {
        idset_add(&prune->catalogs, prune->dead.ids[i]);
        if (catalog_mark(store, prune->dead.ids[i], true, &prune->images) != STATUS_OK)
            prune->unknown = true;
    }
    idset_add_range(&prune->images, prune->unknown ? 1 : store->meta[META_FIRST_UNPUBLISHED], next);
    if (prune->unknown)
        idset_add_range(&prune->catalogs, 1, next_catalog);
    for (size_t i = 0; status == STATUS_OK && i < prune->live.count; i++) {
        idset_remove(&prune->catalogs, prune->live.ids[i]);
        status = catalog_mark(store, prune->live.ids[i], false, &prune->images);
    }
    return status;
}

enum status prune_generations(struct store *store)
{
    struct prune prune = {0};
    enum status status = plan_generations(store, &prune);

    if (status == STATUS_OK)
        status = plan_blocks(store, &prune);
    if (status == STATUS_OK)
        status = blocks_drop(store, TABLE_IMAGES, TABLE_BY_CONTENT, &prune.images);
    if (status == STATUS_OK)
        status = blocks_drop(store, TABLE_CATALOGS, TABLE_CATALOGS_BY_CONTENT, &prune.catalogs);
    for (size_t i = 0; i < prune.generations.count && status == STATUS_OK; i++)
        status = table_delete(store, TABLE_GENERATIONS, prune.generations.ids[i]);
    prune_clear(&prune);
    return status;
}

/* ---- leftovers ---- */

enum status prune_wanted(struct store *store, bool *wanted)
{
    struct table_walk walk;
    struct snapshot *snapshot = NULL;
    struct diag ignored;
    enum status status = STATUS_OK;

    diag_init(&ignored);
    status = snapshot_open(store, &ignored, &snapshot);
    diag_clear(&ignored);
    if (status != STATUS_OK)
        return status;
    *wanted = store->meta[META_FIRST_UNPUBLISHED] < store->meta[META_NEXT_IMAGE];
    status = table_walk_begin(store, snapshot->txn, TABLE_ORIGINS, &walk);
    if (status == STATUS_OK) {
        status = table_walk_seek(&walk, ORIGINS_STAGED);
        *wanted = *wanted || status == STATUS_OK;
    }
    table_walk_end(&walk);
    snapshot_close(snapshot);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The ids of what is removed are not used again: some reader may still know them from an older transaction. */
enum status prune_leftovers(struct store *store)
{
    const uint64_t first = store->meta[META_FIRST_UNPUBLISHED];
    const uint64_t next = store->meta[META_NEXT_IMAGE];
    struct idset images = {0};
    enum status status = first <= next ? idset_init(&images, first, next) : STATUS_DAMAGED;

    if (status == STATUS_OK) {
        idset_add_range(&images, first, next);
        status = blocks_drop(store, TABLE_IMAGES, TABLE_BY_CONTENT, &images);
    }
    if (status == STATUS_OK)
        status = prune_staged_origins(store, false);
    store->meta[META_FIRST_UNPUBLISHED] = next;
    if (status == STATUS_OK)
        status = table_put_meta(store, META_FIRST_UNPUBLISHED);
    idset_clear(&images);
    return status;
}

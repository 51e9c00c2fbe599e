/* SPDX-License-Identifier: BSD-2-Clause */
/* store_read: what a snapshot hands out, checked. */
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_record.h"
#include "zones/store_table.h"

#include <inttypes.h>
#include <string.h>

bool block_of(const struct store *store, struct span value, struct span *block)
{
    if (value.size < store->padding || (uintptr_t)value.data % STORE_ALIGNMENT != 0)
        return false;
    *block = (struct span){value.data, value.size - store->padding};
    return true;
}

enum status table_get_block(const struct store *store, struct MDB_txn *txn, enum table table, uint64_t id,
                            struct span *block)
{
    struct span value = {NULL, 0};
    const enum status status = table_get(store, txn, table, span_of_id(&id), &value);

    if (status != STATUS_OK)
        return status;
    return block_of(store, value, block) ? STATUS_OK : STATUS_DAMAGED;
}

enum status snapshot_head(const struct snapshot *snapshot, uint64_t *number, struct diag *diag)
{
    const enum status status = table_get_meta(snapshot->store, snapshot->txn, META_HEAD, number);

    return status == STATUS_OK ? status : store_failed(snapshot->store, status, "read the head", diag);
}

enum status snapshot_pin(const struct snapshot *snapshot, uint64_t *number, struct diag *diag)
{
    const enum status status = table_get_meta(snapshot->store, snapshot->txn, META_PIN, number);

    return status == STATUS_OK ? status : store_failed(snapshot->store, status, "read the pin", diag);
}

/* A size that LMDB's own damaged page could make up must not lead out of the file. */
static bool block_fits(const struct snapshot *snapshot, struct span block)
{
    return block.size <= snapshot->bytes;
}

static enum status views_read(struct snapshot *snapshot, struct store_record *record, struct store_view *views)
{
    struct span block = {NULL, 0};
    uint64_t catalog_id = 0;

    for (struct store_view *view = views; store_record_view(record, &view->name, &catalog_id); view++) {
        if (table_get_block(snapshot->store, snapshot->txn, TABLE_CATALOGS, catalog_id, &block) != STATUS_OK ||
            !block_fits(snapshot, block))
            return STATUS_DAMAGED;
        view->catalog = block.data;
        view->catalog_size = block.size;
    }
    return STATUS_OK;
}

static enum status generation_read(struct snapshot *snapshot, uint64_t number, struct store_record *record)
{
    struct span value = {NULL, 0};
    struct snapshot_views *views = NULL;
    enum status status = table_get(snapshot->store, snapshot->txn, TABLE_GENERATIONS, span_of_id(&number), &value);

    if (status != STATUS_OK)
        return status;
    if (value.size > snapshot->bytes)
        return STATUS_DAMAGED;
    status = store_record_decode(value.data, value.size, record);
    if (status != STATUS_OK)
        return status;
    if (record->generation.number != number)
        return STATUS_DAMAGED;
    views = memory_zalloc(1, sizeof(*views) + record->generation.view_count * sizeof(views->views[0]));
    if (!views)
        return STATUS_NO_MEMORY;
    views->next = snapshot->views;
    snapshot->views = views;
    record->generation.views = views->views;
    return views_read(snapshot, record, views->views);
}

enum status snapshot_generation(struct snapshot *snapshot, uint64_t number, struct store_generation *generation,
                                struct diag *diag)
{
    struct store_record record;
    const enum status status = generation_read(snapshot, number, &record);

    if (status == STATUS_OK)
        *generation = record.generation;
    if (status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_NO_MEMORY)
        return status;
    return diag_fail(diag, status, NULL, "%s: the record of generation %" PRIu64 ": %s", snapshot->store->file, number,
                     status_text(status));
}

enum status snapshot_image(const struct snapshot *snapshot, uint64_t id, const void **block, size_t *size)
{
    struct span found = {NULL, 0};
    const enum status status = table_get_block(snapshot->store, snapshot->txn, TABLE_IMAGES, id, &found);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? status : STATUS_DAMAGED;
    if (!block_fits(snapshot, found))
        return STATUS_DAMAGED;
    *block = found.data;
    *size = found.size;
    return STATUS_OK;
}

enum status snapshot_origins(const struct snapshot *snapshot, uint64_t image_id, const void **bytes, size_t *size)
{
    struct span found = {NULL, 0};
    const enum status status = table_get(snapshot->store, snapshot->txn, TABLE_ORIGINS, span_of_id(&image_id), &found);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? status : STATUS_DAMAGED;
    if (!block_fits(snapshot, found))
        return STATUS_DAMAGED;
    *bytes = found.data;
    *size = found.size;
    return STATUS_OK;
}

uint64_t input_check(struct span key, uint64_t image_id, struct span facts)
{
    const struct hash_piece pieces[] = {{key.data, key.size}, {&image_id, sizeof(image_id)}, {facts.data, facts.size}};

    return store_check(pieces, facts.size > 0 ? 3 : 2);
}

bool input_read(struct span key, struct span value, uint64_t *image_id, struct span *facts)
{
    struct input_head head;

    if (value.size < sizeof(head))
        return false;
    memcpy(&head, value.data, sizeof(head));
    *image_id = head.image_id;
    *facts = (struct span){(const uint8_t *)value.data + sizeof(head), value.size - sizeof(head)};
    return head.check == input_check(key, head.image_id, *facts);
}

enum status snapshot_input(const struct snapshot *snapshot, const uint8_t digest[STORE_DIGEST_SIZE], uint64_t *image_id,
                           const void **facts, size_t *size)
{
    struct span found = {NULL, 0};
    struct span value = {NULL, 0};
    struct span block = {NULL, 0};
    enum status status =
        table_get(snapshot->store, snapshot->txn, TABLE_BY_INPUT, (struct span){digest, STORE_DIGEST_SIZE}, &found);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? status : STATUS_DAMAGED;
    if (!block_fits(snapshot, found) || !input_read((struct span){digest, STORE_DIGEST_SIZE}, found, image_id, &value))
        return STATUS_DAMAGED;
    *facts = value.data;
    *size = value.size;
    status = table_get_block(snapshot->store, snapshot->txn, TABLE_IMAGES, *image_id, &block);
    return status == STATUS_OK && block_fits(snapshot, block) ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status snapshot_each_image(const struct snapshot *snapshot,
                                bool (*visit)(void *context, uint64_t id, const void *block, size_t size),
                                void *context, struct diag *diag)
{
    struct table_walk walk;
    enum status status = table_walk_begin(snapshot->store, snapshot->txn, TABLE_IMAGES, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        struct span block = {NULL, 0};

        /* A value that is no block has no bytes for its visitor, who serves what it can. */
        if (!block_of(snapshot->store, walk.value, &block) || !block_fits(snapshot, block))
            block = (struct span){NULL, 0};
        if (!visit(context, span_number(walk.key), block.data, block.size))
            break;
    }
    table_walk_end(&walk);
    if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        return STATUS_OK;
    return store_failed(snapshot->store, status, "walk over the images", diag);
}

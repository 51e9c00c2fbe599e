/* SPDX-License-Identifier: BSD-2-Clause */
/* store_write: the importer's half of the store: images in bounded batches, then one publishing transaction. */
#include "zones/hash.h"
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_record.h"
#include "zones/store_table.h"

#include <assert.h>
#include <string.h>

#define BATCH_BYTES_MAX (UINT64_C(64) << 20) /* of values in one transaction */
#define RECORD_MAX      (UINT64_C(1) << 31)  /* bytes of a generation's record */

/* What was handed out in a lost batch is gone, so nothing may be published that could name it. */
static enum status batch_lost(struct store *store, enum status status, const char *wanted, struct diag *diag)
{
    write_abort(store);
    store->failed = store_failed(store, status, wanted, diag);
    return store->failed;
}

/* The batch goes to disk; nothing names its images yet. */
static enum status batch_commit(struct store *store, struct diag *diag)
{
    enum status status = STATUS_OK;

    if (!store->txn)
        return STATUS_OK;
    status = table_put_meta(store, META_NEXT_IMAGE);
    if (status == STATUS_OK)
        status = write_commit(store);
    return status == STATUS_OK ? status : batch_lost(store, status, "keep new images", diag);
}

/* May more be written, or was a batch lost? */
static enum status batch_check(const struct store *store, struct diag *diag)
{
    assert(store->writer);
    if (store->failed == STATUS_OK)
        return STATUS_OK;
    return diag_fail(diag, store->failed, NULL, "%s: an earlier write failed, nothing is published", store->file);
}

static enum status batch_begin(struct store *store, struct diag *diag)
{
    enum status status = batch_check(store, diag);

    if (status == STATUS_OK && store->txn && store->txn_bytes >= BATCH_BYTES_MAX)
        status = batch_commit(store, diag);
    if (status != STATUS_OK)
        return status;
    status = write_begin(store);
    return status == STATUS_OK ? status : batch_lost(store, status, "begin to write", diag);
}

/* The id under which the index knows a content. NOT_FOUND, also if the bytes there are no longer the same. */
static enum status content_find(const struct store *store, enum table blocks, enum table index, struct span digest,
                                struct span content, uint64_t *id)
{
    struct span found = {NULL, 0};
    enum status status = table_get(store, store->txn, index, digest, &found);

    if (status != STATUS_OK)
        return status;
    *id = span_number(found);
    status = table_get_block(store, store->txn, blocks, *id, &found);
    if (status == STATUS_DAMAGED)
        return STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return status;
    return found.size == content.size && (found.size == 0 || memcmp(found.data, content.data, found.size) == 0)
               ? STATUS_OK
               : STATUS_NOT_FOUND;
}

/* Keep a block in the write transaction, under the next number of `counter` unless its content is there. */
static enum status content_put(struct store *store, enum table blocks, enum table index, enum meta counter,
                               struct span content, uint64_t *id, bool *reused)
{
    const struct hash_piece piece = {content.data, content.size};
    uint8_t digest[HASH_SIZE];
    const struct span key = {digest, sizeof(digest)};
    enum status status = STATUS_OK;

    hash_pieces(&piece, 1, digest);
    status = content_find(store, blocks, index, key, content, id);
    *reused = status == STATUS_OK;
    if (status != STATUS_NOT_FOUND)
        return status;
    *id = store->meta[counter]++;
    status = table_append_block(store, blocks, *id, content);
    return status == STATUS_OK ? table_put(store, index, key, span_of_id(id)) : status;
}

enum status store_put_image(struct store *store, const void *block, size_t size, uint64_t *id, bool *reused,
                            struct diag *diag)
{
    enum status status = batch_begin(store, diag);

    if (status != STATUS_OK)
        return status;
    status =
        content_put(store, TABLE_IMAGES, TABLE_BY_CONTENT, META_NEXT_IMAGE, (struct span){block, size}, id, reused);
    return status == STATUS_OK ? status : batch_lost(store, status, "keep an image", diag);
}

/* The table of an image that a generation names is replaced only when the next one is published. */
enum status store_put_origins(struct store *store, uint64_t image_id, const void *bytes, size_t size, struct diag *diag)
{
    const bool published = image_id < store->meta[META_FIRST_UNPUBLISHED];
    const uint64_t key = published ? image_id | ORIGINS_STAGED : image_id;
    struct span found = {NULL, 0};
    enum status status = batch_begin(store, diag);

    if (status != STATUS_OK)
        return status;
    status = table_get(store, store->txn, TABLE_ORIGINS, span_of_id(&image_id), &found);
    if (status == STATUS_OK && found.size == size && (size == 0 || memcmp(found.data, bytes, size) == 0))
        status = published ? table_delete(store, TABLE_ORIGINS, key) : STATUS_OK;
    else if (status == STATUS_OK || status == STATUS_NOT_FOUND)
        status = table_put(store, TABLE_ORIGINS, span_of_id(&key), (struct span){bytes, size});
    return status == STATUS_OK ? status : batch_lost(store, status, "keep origins", diag);
}

enum status store_put_input(struct store *store, const uint8_t digest[STORE_DIGEST_SIZE], uint64_t image_id,
                            const void *facts, size_t size, struct diag *diag)
{
    enum status status = batch_begin(store, diag);
    struct bytes value;

    if (status != STATUS_OK)
        return status;
    const struct input_head head = {
        image_id, input_check((struct span){digest, STORE_DIGEST_SIZE}, image_id, (struct span){facts, size})};

    bytes_init(&value, RECORD_MAX);
    status = bytes_append(&value, &head, sizeof(head));
    if (status == STATUS_OK && size > 0)
        status = bytes_append(&value, facts, size);
    if (status == STATUS_OK)
        status = table_put(store, TABLE_BY_INPUT, (struct span){digest, STORE_DIGEST_SIZE},
                           (struct span){value.data, value.size});
    bytes_clear(&value);
    return status == STATUS_OK ? status : batch_lost(store, status, "keep what an image was made from", diag);
}

enum status store_flush(struct store *store, struct diag *diag)
{
    const enum status status = batch_check(store, diag);

    return status == STATUS_OK ? batch_commit(store, diag) : status;
}

/* ---- publishing ---- */

static enum status catalogs_put(struct store *store, const struct store_generation *generation, uint64_t *ids)
{
    enum status status = STATUS_OK;
    bool reused = false;

    for (uint32_t i = 0; i < generation->view_count && status == STATUS_OK; i++) {
        const struct span block = {generation->views[i].catalog, generation->views[i].catalog_size};

        status =
            content_put(store, TABLE_CATALOGS, TABLE_CATALOGS_BY_CONTENT, META_NEXT_CATALOG, block, &ids[i], &reused);
    }
    return status;
}

/* Catalogs and record of the new generation. */
static enum status generation_put(struct store *store, const struct store_generation *generation)
{
    uint64_t *ids = memory_alloc(generation->view_count * sizeof(*ids));
    enum status status = ids ? catalogs_put(store, generation, ids) : STATUS_NO_MEMORY;
    struct bytes record;

    bytes_init(&record, RECORD_MAX);
    if (status == STATUS_OK)
        status = store_record_encode(generation, ids, &record);
    if (status == STATUS_OK)
        status = table_append(store, TABLE_GENERATIONS, generation->number, (struct span){record.data, record.size});
    bytes_clear(&record);
    memory_free(ids);
    return status;
}

/* A store that cannot be pruned can still be published to: the new generation is whole, the old rest only stays. */
static enum status prune(struct store *store, struct diag *diag)
{
    const enum status status = prune_generations(store);

    if (status != STATUS_DAMAGED)
        return status;
    diag_add(diag, SEVERITY_WARNING, NULL, "%s: an older generation is damaged; nothing old was removed", store->file);
    return STATUS_OK;
}

static enum status serials(struct store *store, const struct store_generation *generation, struct diag *diag)
{
    const enum status status = serials_keep(store, generation);

    if (status != STATUS_DAMAGED)
        return status;
    diag_add(diag, SEVERITY_WARNING, NULL,
             "%s: the generation before is damaged; the serials of zones that it served and this one does not are lost",
             store->file);
    return STATUS_OK;
}

static enum status publish_write(struct store *store, const struct store_generation *generation, struct diag *diag)
{
    enum status status = write_begin(store);

    if (status == STATUS_OK)
        status = serials(store, generation, diag);
    if (status == STATUS_OK)
        status = generation_put(store, generation);
    if (status == STATUS_OK)
        status = prune_staged_origins(store, true);
    if (status == STATUS_OK)
        status = prune(store, diag);
    store->meta[META_HEAD] = generation->number;
    if (generation->rollback_of != 0)
        store->meta[META_PIN] = generation->number;
    store->meta[META_FIRST_UNPUBLISHED] = store->meta[META_NEXT_IMAGE];
    for (unsigned i = META_HEAD; i < META_COUNT && status == STATUS_OK; i++)
        status = table_put_meta(store, i);
    if (status == STATUS_OK)
        status = write_commit(store);
    write_abort(store);
    return status;
}

enum status store_publish(struct store *store, const struct store_generation *generation, uint64_t *number,
                          struct diag *diag)
{
    struct store_generation numbered = *generation;
    uint64_t before[META_COUNT];
    enum status status = STATUS_OK;

    if (generation->view_count > STORE_VIEWS_MAX)
        return diag_fail(diag, STATUS_TOO_LARGE, NULL, "%u views are more than the %d a generation can hold",
                         generation->view_count, STORE_VIEWS_MAX);
    status = batch_check(store, diag);
    if (status == STATUS_OK)
        status = batch_commit(store, diag);
    if (status != STATUS_OK)
        return status;
    store_check_readers(store);
    memcpy(before, store->meta, sizeof(before));
    numbered.number = store->meta[META_HEAD] + 1;
    status = publish_write(store, &numbered, diag);
    if (status == STATUS_OK) {
        *number = numbered.number;
        return status;
    }
    memcpy(store->meta, before, sizeof(before));
    return store_failed(store, status, "publish", diag);
}

enum status store_release_pin(struct store *store, uint64_t *pin, struct diag *diag)
{
    enum status status = store_flush(store, diag);

    if (status != STATUS_OK)
        return status;
    *pin = store->meta[META_PIN];
    if (*pin == 0)
        return STATUS_OK;
    store->meta[META_PIN] = 0;
    status = write_begin(store);
    if (status == STATUS_OK)
        status = table_put_meta(store, META_PIN);
    if (status == STATUS_OK)
        status = write_commit(store);
    write_abort(store);
    if (status == STATUS_OK)
        return status;
    store->meta[META_PIN] = *pin;
    return store_failed(store, status, "release the pin", diag);
}

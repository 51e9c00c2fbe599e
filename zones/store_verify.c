/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/store_verify.h"

#include "zones/catalog.h"
#include "zones/child.h"
#include "zones/hash.h"
#include "zones/idset.h"
#include "zones/image.h"
#include "zones/store_pages.h"
#include "zones/store_record.h"
#include "zones/store_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define SNAPSHOT_TRIES 20 /* to find the file between two commits */

struct verifier {
    struct store *store;
    struct snapshot *snapshot;
    struct store_verified *counts;
    struct diag *diag;
    enum status status;    /* DAMAGED as soon as anything is; the walk goes on */
    struct idset images;   /* that are there */
    struct idset broken;   /* of them, those that are damaged */
    struct idset catalogs; /* that are whole, with all they name */
};

__attribute__((format(printf, 2, 3))) static void damaged(struct verifier *verifier, const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    verifier->status = diag_fail(verifier->diag, STATUS_DAMAGED, NULL, "%s", text);
}

/* ---- content ---- */

/* The index of contents must know the block by its hash. */
static bool content_is_known(const struct verifier *verifier, enum table index, struct span block, uint64_t id)
{
    const struct hash_piece piece = {block.data, block.size};
    uint8_t digest[HASH_SIZE];
    struct span found = {NULL, 0};

    hash_pieces(&piece, 1, digest);
    return table_get(verifier->store, verifier->snapshot->txn, index, (struct span){digest, sizeof(digest)}, &found) ==
               STATUS_OK &&
           found.size == sizeof(id) && span_number(found) == id;
}

/* A whole block, the one that was put there. */
static bool block_check(struct verifier *verifier, enum table index, const struct table_walk *walk, const char *what,
                        struct span *block)
{
    const uint64_t id = span_number(walk->key);

    if (!block_of(verifier->store, walk->value, block) || block->size > verifier->snapshot->bytes) {
        damaged(verifier, "%s %" PRIu64 ": found no block", what, id);
        return false;
    }
    if (content_is_known(verifier, index, *block, id))
        return true;
    damaged(verifier, "%s %" PRIu64 ": found other bytes than were stored (%s)", what, id, table_name(index));
    return false;
}

static void walk_failed(struct verifier *verifier, enum status status, enum table table)
{
    if (status != STATUS_NOT_FOUND)
        damaged(verifier, "cannot walk over the table %s: %s", table_name(table), status_text(status));
}

static void index_check(struct verifier *verifier, enum table blocks, enum table index)
{
    uint64_t block_count = 0;
    uint64_t index_count = 0;

    if (table_count(verifier->store, verifier->snapshot->txn, blocks, &block_count) != STATUS_OK ||
        table_count(verifier->store, verifier->snapshot->txn, index, &index_count) != STATUS_OK ||
        block_count != index_count)
        damaged(verifier, "the table %s has %" PRIu64 " entries and %s has %" PRIu64, table_name(blocks), block_count,
                table_name(index), index_count);
}

/* ---- images ---- */

/* A walk that also asks for each entry by its key: the way down to it must be right too. */
static bool entry_is_found(struct verifier *verifier, enum table table, const struct table_walk *walk)
{
    struct span found = {NULL, 0};

    if (table_get(verifier->store, verifier->snapshot->txn, table, walk->key, &found) == STATUS_OK &&
        found.data == walk->value.data)
        return true;
    damaged(verifier, "the table %s does not find its entry %" PRIu64, table_name(table), span_number(walk->key));
    return false;
}

static void image_check(struct verifier *verifier, const struct table_walk *walk)
{
    const uint64_t id = span_number(walk->key);
    struct span block = {NULL, 0};
    struct diag found;

    idset_add(&verifier->images, id);
    idset_add(&verifier->broken, id);
    if (!entry_is_found(verifier, TABLE_IMAGES, walk) ||
        !block_check(verifier, TABLE_BY_CONTENT, walk, "image", &block))
        return;
    diag_init(&found);
    if (image_verify(block.data, block.size, &found) == STATUS_OK)
        idset_remove(&verifier->broken, id);
    else
        damaged(verifier, "image %" PRIu64 ": %s", id,
                found.count > 0 && found.messages[0].text ? found.messages[0].text : "is damaged");
    diag_clear(&found);
    verifier->counts->images++;
    verifier->counts->bytes += block.size;
}

static void images_check(struct verifier *verifier)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_IMAGES, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK)
        image_check(verifier, &walk);
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_IMAGES);
    index_check(verifier, TABLE_IMAGES, TABLE_BY_CONTENT);
}

/* ---- catalogs ---- */

static bool image_has_apex(const struct verifier *verifier, uint64_t id, const uint8_t *apex)
{
    struct image image;
    struct span block = {NULL, 0};

    if (table_get_block(verifier->store, verifier->snapshot->txn, TABLE_IMAGES, id, &block) != STATUS_OK ||
        image_open(block.data, block.size, &image) != STATUS_OK)
        return false;
    const struct image_node *node = image_node(&image, image.header->apex);
    const size_t size = name_size(apex);
    return node && node->name_size == size && memcmp(image_node_name(node), apex, size) == 0;
}

/* In canonical order, and not the same. */
static bool names_rise(const uint8_t *first, const uint8_t *second)
{
    uint8_t keys[2][NAME_KEY_MAX];
    const size_t sizes[] = {name_to_key(first, keys[0]), name_to_key(second, keys[1])};
    const int order = memcmp(keys[0], keys[1], sizes[0] < sizes[1] ? sizes[0] : sizes[1]);

    return order < 0 || (order == 0 && sizes[0] < sizes[1]);
}

/* One zone of a catalog; `last` is the apex before it. */
static bool zone_check(struct verifier *verifier, const struct catalog *catalog, uint64_t id, uint32_t index,
                       const uint8_t **last)
{
    const struct catalog_entry *entry = catalog_entry(catalog, index);
    const uint8_t *apex = catalog_apex(catalog, entry);
    struct name_split split;
    char text[NAME_TEXT_MAX];
    uint32_t found = 0;

    if (!apex) {
        damaged(verifier, "catalog %" PRIu64 ": entry %u has no apex", id, index);
        return false;
    }
    name_to_text(apex, text);
    name_split(apex, &split);
    if (memcmp(split.lower, apex, split.size) != 0 || (*last && !names_rise(*last, apex)) ||
        catalog_find(catalog, &split, split.labels, &found) != entry) {
        damaged(verifier, "catalog %" PRIu64 ": zone %s is out of order or not found", id, text);
        return false;
    }
    *last = apex;
    verifier->counts->zones++;
    if (!idset_has(&verifier->images, entry->image_id))
        damaged(verifier, "catalog %" PRIu64 ": zone %s: image %" PRIu64 " is missing", id, text, entry->image_id);
    else if (idset_has(&verifier->broken, entry->image_id))
        damaged(verifier, "catalog %" PRIu64 ": zone %s: image %" PRIu64 " is damaged", id, text, entry->image_id);
    else if (!image_has_apex(verifier, entry->image_id, apex))
        damaged(verifier, "catalog %" PRIu64 ": zone %s: image %" PRIu64 " is of another zone", id, text,
                entry->image_id);
    else
        return true;
    return false;
}

static void catalog_check(struct verifier *verifier, const struct table_walk *walk)
{
    const uint64_t id = span_number(walk->key);
    struct catalog catalog;
    struct span block = {NULL, 0};
    const uint8_t *last = NULL;
    bool whole = true;

    verifier->counts->catalogs++;
    if (!entry_is_found(verifier, TABLE_CATALOGS, walk) ||
        !block_check(verifier, TABLE_CATALOGS_BY_CONTENT, walk, "catalog", &block))
        return;
    if (catalog_open(block.data, block.size, &catalog) != STATUS_OK) {
        damaged(verifier, "catalog %" PRIu64 ": found no head of a catalog", id);
        return;
    }
    for (uint32_t i = 0; i < catalog_count(&catalog); i++)
        whole = zone_check(verifier, &catalog, id, i, &last) && whole;
    if (whole)
        idset_add(&verifier->catalogs, id);
}

static void catalogs_check(struct verifier *verifier)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_CATALOGS, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK)
        catalog_check(verifier, &walk);
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_CATALOGS);
    index_check(verifier, TABLE_CATALOGS, TABLE_CATALOGS_BY_CONTENT);
}

/* ---- generations ---- */

static void generation_check(struct verifier *verifier, const struct table_walk *walk)
{
    const uint64_t number = span_number(walk->key);
    struct store_record record;
    const char *view = NULL;
    uint64_t catalog_id = 0;

    verifier->counts->generations++;
    if (!entry_is_found(verifier, TABLE_GENERATIONS, walk))
        return;
    if (walk->value.size > verifier->snapshot->bytes ||
        store_record_decode(walk->value.data, walk->value.size, &record) != STATUS_OK ||
        record.generation.number != number) {
        damaged(verifier, "generation %" PRIu64 ": the record is damaged", number);
        return;
    }
    while (store_record_view(&record, &view, &catalog_id))
        if (!idset_has(&verifier->catalogs, catalog_id))
            damaged(verifier, "generation %" PRIu64 ": view %s: catalog %" PRIu64 " is damaged or missing", number,
                    view, catalog_id);
}

static void generations_check(struct verifier *verifier)
{
    const uint64_t head = verifier->counts->head;
    struct table_walk walk;
    uint64_t last = 0;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_GENERATIONS, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        generation_check(verifier, &walk);
        last = span_number(walk.key);
    }
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_GENERATIONS);
    if (last != head)
        damaged(verifier, "the newest generation is %" PRIu64 ", and the head says %" PRIu64, last, head);
}

/* Tables of origins hold words for people; that they belong to an image is all there is to check. */
static void origins_check(struct verifier *verifier)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_ORIGINS, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        const uint64_t id = span_number(walk.key) & ~ORIGINS_STAGED;

        if (!idset_has(&verifier->images, id))
            damaged(verifier, "origins of image %" PRIu64 ", which is missing", id);
    }
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_ORIGINS);
}

/* From what was an image made: the next import trusts it. */
static void inputs_check(struct verifier *verifier)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_BY_INPUT, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        struct span facts = {NULL, 0};
        uint64_t id = 0;

        if (walk.value.size > verifier->snapshot->bytes || !input_read(walk.key, walk.value, &id, &facts))
            damaged(verifier, "an entry of %s is not what was stored", table_name(TABLE_BY_INPUT));
        else if (!idset_has(&verifier->images, id))
            damaged(verifier, "an entry of %s leads to image %" PRIu64 ", which is missing", table_name(TABLE_BY_INPUT),
                    id);
    }
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_BY_INPUT);
}

static void serials_check(struct verifier *verifier)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, TABLE_SERIALS, &walk);

    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        uint32_t serial = 0;

        if (!serial_read(walk.key, walk.value, &serial))
            damaged(verifier, "an entry of %s is not what was stored", table_name(TABLE_SERIALS));
    }
    table_walk_end(&walk);
    walk_failed(verifier, status, TABLE_SERIALS);
}

/* ---- all ---- */

static enum status meta_check(struct verifier *verifier)
{
    struct store *store = verifier->store;
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < META_COUNT && status == STATUS_OK; i++)
        status = table_get_meta(store, verifier->snapshot->txn, i, &store->meta[i]);
    verifier->counts->head = store->meta[META_HEAD];
    if (status == STATUS_OK && store->meta[META_FIRST_UNPUBLISHED] <= store->meta[META_NEXT_IMAGE] &&
        store->meta[META_NEXT_IMAGE] > 0 && store->meta[META_PIN] <= store->meta[META_HEAD])
        return STATUS_OK;
    damaged(verifier, "the numbers of the store are missing or do not fit each other");
    return STATUS_DAMAGED;
}

/* The largest id of a table, 0 if it is empty: what the sets must hold. */
static enum status last_id(const struct verifier *verifier, enum table table, uint64_t *last)
{
    struct table_walk walk;
    enum status status = table_walk_begin(verifier->store, verifier->snapshot->txn, table, &walk);

    *last = 0;
    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK)
        *last = span_number(walk.key);
    table_walk_end(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status tables_check(struct verifier *verifier)
{
    uint64_t image = 0;
    uint64_t catalog = 0;
    enum status status = meta_check(verifier);

    if (status == STATUS_OK)
        status = last_id(verifier, TABLE_IMAGES, &image);
    if (status == STATUS_OK)
        status = last_id(verifier, TABLE_CATALOGS, &catalog);
    if (status == STATUS_OK &&
        (image >= verifier->store->meta[META_NEXT_IMAGE] || catalog >= verifier->store->meta[META_NEXT_CATALOG])) {
        damaged(verifier, "an image or a catalog has a number that was never given");
        status = STATUS_DAMAGED;
    }
    if (status == STATUS_OK)
        status = idset_init(&verifier->images, 0, image);
    if (status == STATUS_OK)
        status = idset_init(&verifier->broken, 0, image);
    if (status == STATUS_OK)
        status = idset_init(&verifier->catalogs, 0, catalog);
    if (status == STATUS_OK) {
        images_check(verifier);
        catalogs_check(verifier);
        generations_check(verifier);
        origins_check(verifier);
        inputs_check(verifier);
        serials_check(verifier);
        status = verifier->status;
    } else if (verifier->status == STATUS_OK) {
        status = store_failed(verifier->store, status, "walk over the store", verifier->diag);
    }
    idset_clear(&verifier->images);
    idset_clear(&verifier->broken);
    idset_clear(&verifier->catalogs);
    return status;
}

/* A snapshot together with the file's head that belongs to it. */
static enum status pages_check(struct verifier *verifier)
{
    struct store_pages pages = {0};
    enum status status = STATUS_NOT_FOUND;

    for (unsigned i = 0; i < SNAPSHOT_TRIES && status == STATUS_NOT_FOUND; i++) {
        snapshot_close(verifier->snapshot);
        verifier->snapshot = NULL;
        status = snapshot_open(verifier->store, verifier->diag, &verifier->snapshot);
        if (status == STATUS_OK)
            status = store_pages_check(verifier->snapshot, &pages, verifier->diag);
    }
    verifier->counts->pages = pages.used;
    verifier->counts->lost = pages.lost;
    if (status == STATUS_NOT_FOUND)
        return diag_fail(verifier->diag, STATUS_DAMAGED, NULL, "%s: its heads do not fit what its readers see",
                         verifier->store->file);
    return status;
}

enum status store_verify_folder(const struct store_options *options, const char *folder,
                                struct store_verified *verified, struct diag *diag)
{
    struct verifier verifier = {.counts = verified, .diag = diag};
    enum status status = store_open_folder(options, folder, diag, &verifier.store);

    *verified = (struct store_verified){0};
    if (status != STATUS_OK)
        return status;
    status = pages_check(&verifier);
    if (status == STATUS_OK)
        status = tables_check(&verifier); /* over broken pages LMDB's own walk may never end */
    snapshot_close(verifier.snapshot);
    store_close(verifier.store);
    return status;
}

/* ---- the child ---- */

struct request {
    const struct store_options *options;
    const char *folder;
};

static enum status verify_body(void *context, struct bytes *result, struct diag *diag)
{
    const struct request *request = context;
    struct store_verified verified;
    const enum status status = store_verify_folder(request->options, request->folder, &verified, diag);

    return bytes_append(result, &verified, sizeof(verified)) == STATUS_OK ? status : STATUS_NO_MEMORY;
}

enum status store_verify_in_child(const struct store_options *options, const char *folder, uint64_t limit_ms,
                                  struct store_verified *verified, struct diag *diag)
{
    struct request request = {options, folder};
    struct bytes result;
    char subject[DIAG_TEXT_MAX / 2];
    enum status status = STATUS_OK;

    snprintf(subject, sizeof(subject), "%s/%s/data.mdb", options->path, folder);
    bytes_init(&result, sizeof(*verified));
    status = child_run(verify_body, &request, subject, limit_ms, &result, diag, NULL);
    *verified = (struct store_verified){0};
    if (result.size == sizeof(*verified))
        memcpy(verified, result.data, sizeof(*verified));
    bytes_clear(&result);
    return status;
}

enum status store_verify(const struct store_options *options, uint64_t limit_ms, struct store_verified *verified,
                         struct diag *diag)
{
    const enum status status = store_verify_in_child(options, STORE_FORMAT, limit_ms, verified, diag);

    return status == STATUS_NOT_FOUND ? diag_fail(diag, status, NULL, "no store in %s", options->path) : status;
}

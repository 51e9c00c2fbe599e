/* SPDX-License-Identifier: BSD-2-Clause */
/* store_meta: the numbers in the table `meta`, each written when the store is made. */
#include "zones/store_table.h"

#include <string.h>

static const struct {
    const char *name;
    uint64_t initial;
} metas[META_COUNT] = {
    [META_FORMAT] = {"format", TABLES_FORMAT},
    [META_HEAD] = {"head", 0},
    [META_NEXT_IMAGE] = {"next-image", 1},
    [META_NEXT_CATALOG] = {"next-catalog", 1},
    [META_FIRST_UNPUBLISHED] = {"first-unpublished", 1},
    [META_PIN] = {"pin", 0},
};

static struct span meta_key(enum meta meta)
{
    return (struct span){metas[meta].name, strlen(metas[meta].name)};
}

enum status table_get_meta(const struct store *store, struct MDB_txn *txn, enum meta meta, uint64_t *number)
{
    struct span value = {NULL, 0};
    const enum status status = table_get(store, txn, TABLE_META, meta_key(meta), &value);

    if (status != STATUS_OK || value.size != sizeof(*number))
        return STATUS_DAMAGED; /* each is written when the store is made */
    *number = span_number(value);
    return STATUS_OK;
}

enum status table_put_meta(struct store *store, enum meta meta)
{
    return table_put(store, TABLE_META, meta_key(meta), span_of_id(&store->meta[meta]));
}

enum status metas_make(struct store *store)
{
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < META_COUNT && status == STATUS_OK; i++) {
        store->meta[i] = metas[i].initial;
        status = table_put_meta(store, i);
    }
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_table: what the parts of the store share: its state, and tables of keys and values over LMDB, which only
 * store.c knows. Not for use outside zones/store*.c.
 *
 * Values read belong to the database: until the transaction ends, and in a write transaction only until the next
 * change. The functions that write work in the store's one write transaction, on one thread.
 */
#ifndef SPLITVIEW_ZONES_STORE_TABLE_H
#define SPLITVIEW_ZONES_STORE_TABLE_H

#include "zones/status.h"
#include "zones/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

enum table {
    TABLE_IMAGES,
    TABLE_BY_CONTENT,
    TABLE_CATALOGS,
    TABLE_CATALOGS_BY_CONTENT,
    TABLE_ORIGINS,
    TABLE_BY_INPUT,
    TABLE_SERIALS,
    TABLE_GENERATIONS,
    TABLE_META,
    TABLE_COUNT,
};

/* Numbers in `meta`. */
enum meta {
    META_FORMAT,
    META_HEAD,
    META_NEXT_IMAGE,
    META_NEXT_CATALOG,
    META_FIRST_UNPUBLISHED, /* images from this id on are named by no generation */
    META_PIN,               /* the rollback that imports must not replace; 0: none */
    META_COUNT,
};

#define TABLES_FORMAT 1 /* of the databases, in META_FORMAT */

/* In `origins`: set in the key of a table that replaces one of a published image as soon as the next is published. */
#define ORIGINS_STAGED (UINT64_C(1) << 63)

#define STORE_ALIGNMENT 16 /* of blocks, in bytes */

struct store {
    struct MDB_env *env;
    unsigned tables[TABLE_COUNT];
    char *folder; /* STORE/1 */
    char *file;   /* STORE/1/data.mdb */
    dev_t device; /* of the open data file */
    ino_t inode;
    uint64_t map_size; /* bytes */
    size_t page_size;  /* bytes */
    size_t padding;    /* zeros behind every block, so that even an empty one is above LMDB's node limit */
    atomic_uint snapshots;

    /* A writer's. */
    bool writer;
    int lock;
    uint32_t keep;
    int rc;                    /* LMDB's last refusal, for the message */
    struct MDB_txn *txn;       /* the write transaction in progress */
    uint64_t txn_bytes;        /* values put in it */
    uint64_t txn_pages;        /* upper bound of the pages it needs */
    uint64_t meta[META_COUNT]; /* as the write transaction will leave them */
    enum status failed;        /* a batch was lost: nothing may be published any more */
};

struct snapshot_views {
    struct snapshot_views *next;
    struct store_view views[];
};

struct snapshot {
    struct store *store;
    struct MDB_txn *txn;
    uint64_t bytes; /* of all pages: no value can be larger */
    struct snapshot_views *views;
};

struct span {
    const void *data;
    size_t size; /* bytes */
};

/* `id` as a key; it must live as long as the span is used. */
struct span span_of_id(const uint64_t *id);
/* The number that a span holds, 0 if it holds none. */
uint64_t span_number(struct span span);

/* Add the message for a status that one of the functions below gave: "cannot <wanted>: …". Returns the status. */
enum status store_failed(const struct store *store, enum status status, const char *wanted, struct diag *diag);

/* NOT_FOUND, DAMAGED. */
enum status table_get(const struct store *store, struct MDB_txn *txn, enum table table, struct span key,
                      struct span *value);
/* The block under an id, without its padding. NOT_FOUND, DAMAGED. */
enum status table_get_block(const struct store *store, struct MDB_txn *txn, enum table table, uint64_t id,
                            struct span *block);
/* The block in a padded value; false if it cannot be one. */
bool block_of(const struct store *store, struct span value, struct span *block);
enum status table_get_meta(const struct store *store, struct MDB_txn *txn, enum meta meta, uint64_t *number);
enum status table_count(const struct store *store, struct MDB_txn *txn, enum table table, uint64_t *count);

/* The head of its tree of pages (struct tree, store_layout.h), `size` bytes of it. DAMAGED if it has another size. */
enum status table_tree(struct MDB_txn *txn, enum table table, void *tree, size_t size);

/* The bytes of its pages. */
enum status table_bytes(const struct store *store, struct MDB_txn *txn, enum table table, uint64_t *bytes);
const char *table_name(enum table table);

/* Walk a table in the order of its keys; key and value are those of the last entry met. */
struct table_walk {
    struct MDB_cursor *cursor;
    struct span key;
    struct span value;
};
enum status table_walk_begin(const struct store *store, struct MDB_txn *txn, enum table table, struct table_walk *walk);
void table_walk_end(struct table_walk *walk);
/* The next entry, from the start; NOT_FOUND after the last. */
enum status table_walk_next(struct table_walk *walk);
/* The first entry whose key is not below `id`; NOT_FOUND. */
enum status table_walk_seek(struct table_walk *walk, uint64_t id);
/* Remove the entry last met; the walk goes on after it. */
enum status table_walk_delete(struct store *store, struct table_walk *walk);

/* Begin the write transaction unless there is one. */
enum status write_begin(struct store *store);
void write_abort(struct store *store);
/* The transaction is over in any case; on STATUS_OK it is on disk. */
enum status write_commit(struct store *store);

enum status table_put(struct store *store, enum table table, struct span key, struct span value);
/* Put under an id above all others in the table. */
enum status table_append(struct store *store, enum table table, uint64_t id, struct span value);
enum status table_append_block(struct store *store, enum table table, uint64_t id, struct span block);
/* An id that is not there is fine. */
enum status table_delete(struct store *store, enum table table, uint64_t id);
enum status table_put_meta(struct store *store, enum meta meta);
/* All of them, as they are in a new store. */
enum status metas_make(struct store *store);

/* Open LMDB's environment in store->folder, or say why not; store->env is to be closed in any case. */
enum status environment_open(struct store *store, bool read_only, struct diag *diag);
void environment_close(struct store *store);
/* Open the tables and read the numbers of `meta`, or make them in a new environment; with a message. */
enum status tables_open(struct store *store, struct diag *diag);
enum status tables_make(struct store *store, struct diag *diag);

/* Pages that a transaction knows to be free. */
enum status free_pages_count(struct MDB_txn *txn, uint64_t *pages);

/* Let go of the slots of readers that died. */
void store_check_readers(struct store *store);

/* As store_open_reader, of another folder in STORE than the one of this format. */
enum status store_open_folder(const struct store_options *options, const char *folder, struct diag *diag,
                              struct store **store);
/* The open data file (not to be closed) and the number of the transaction that the snapshot sees. */
enum status snapshot_file(const struct snapshot *snapshot, int *fd, uint64_t *transaction);
/* Write a copy without free pages to `fd`, as of one transaction that is held as long as it takes. */
enum status store_copy(struct store *store, int fd, struct diag *diag);
/* Every slot that a reader has taken, of this process too; transaction 0: it holds none now. */
void store_each_reader(struct store *store, void (*visit)(void *context, long pid, uint64_t transaction),
                       void *context);

/*
 * What an image was made from, as a value: its id, a check of key and value, and the caller's bytes. False if the value
 * does not fit the key: it is damaged.
 */
struct input_head {
    uint64_t image_id;
    uint64_t check;
};
uint64_t input_check(struct span key, uint64_t image_id, struct span facts);
bool input_read(struct span key, struct span value, uint64_t *image_id, struct span *facts);

/* The same for a serial that is kept. */
struct serial_value {
    uint32_t serial;
    uint32_t check;
};
uint32_t serial_check(struct span key, uint32_t serial);
bool serial_read(struct span key, struct span value, uint32_t *serial);

/* store_serials: in the write transaction that publishes. Keep the serials of the zones that the views served until now
 * and do not serve in `generation`. DAMAGED: they cannot be known. */
enum status serials_keep(struct store *store, const struct store_generation *generation);

/* store_prune: what nothing names any more, in the write transaction. */

/* Remove the generations over `keep`, and images, origins and catalogs that no generation names. DAMAGED: it cannot be
 * known what is named; nothing was removed. */
enum status prune_generations(struct store *store);
/* Is there anything a dead import left? */
enum status prune_wanted(struct store *store, bool *wanted);
/* Remove images that were never published, and staged origins. */
enum status prune_leftovers(struct store *store);
/* Settle the staged tables of origins: with `keep` they take the place of those they replace. */
enum status prune_staged_origins(struct store *store, bool keep);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store: images, catalogs and generations in LMDB, which only store.c knows.
 *
 * The environment lies in STORE/<STORE_FORMAT>/, so that a store of another layout is left alone. Files are
 * group-writable as LMDB's reader table needs: folder 2750, data 0640, lock.mdb 0660, whatever the umask; the owner and
 * group are those of STORE.
 *
 * Databases: `images` id -> block; `by_content` SHA-256 of a block -> id; `catalogs` id -> block;
 * `catalogs_by_content`; `origins` id -> file:line table; `by_input` digest of all that an image was made from -> its
 * id; `serials` view and apex -> serial of a zone that the view served once; `generations` number -> record; `meta`.
 * Blocks are padded above LMDB's node limit, so that each stands on pages of its own, 16-byte aligned.
 *
 * Writing: one importer at a time, under its own lock file (STORE/import.lock, flock), which names its holder. New
 * images go in first, in transactions of bounded size; nothing names them until store_publish, which writes catalogs
 * and the generation, moves the head and prunes, in one transaction. A crash at any point leaves the old generation;
 * leftovers of a dead import are removed by the next.
 *
 * Reading: store_open_reader opens read-only (the lock file must be writable). A snapshot is one read transaction
 * (MDB_NOTLS); what it hands out is owned by the database and valid until snapshot_close. A snapshot may be used by one
 * thread at a time; the bytes it handed out, by any. LMDB forbids opening one environment twice in a process: open each
 * store once, and do not use it after fork.
 */
#ifndef SPLITVIEW_ZONES_STORE_H
#define SPLITVIEW_ZONES_STORE_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_FORMAT           "1"                  /* folder name: raise with every change of layout */
#define STORE_MAP_SIZE_DEFAULT (UINT64_C(64) << 30) /* bytes of address space */
#define STORE_KEEP_DEFAULT     16                   /* generations kept */
#define STORE_VIEWS_MAX        4096

struct store;

struct store_options {
    const char *path;      /* the folder STORE; made (not its parents) by a writer if missing */
    uint64_t map_size;     /* bytes; 0: STORE_MAP_SIZE_DEFAULT */
    uint32_t keep;         /* generations kept by store_publish; 0: STORE_KEEP_DEFAULT */
    uint32_t lock_wait_ms; /* writer: how long to wait for another importer */
};

/*
 * Open for writing and take the import lock. LOCKED: another importer holds it (the message says which process and
 * since when). IO, STORE, VERSION, NO_MEMORY, each with a message. Removes what a dead import left behind.
 */
enum status store_open_writer(const struct store_options *options, struct diag *diag, struct store **store);

/* Open for reading. NOT_FOUND without a message if there is no store there yet. */
enum status store_open_reader(const struct store_options *options, struct diag *diag, struct store **store);

/* NULL allowed. All snapshots must be closed. A writer's transaction in progress is dropped. */
void store_close(struct store *store);

/*
 * Writer: keep a block under its content. If the same bytes are there already, *id is theirs and *reused true. Ids
 * rise, are never used twice and are never 0. STORE_FULL, STORE with a message.
 */
enum status store_put_image(struct store *store, const void *block, size_t size, uint64_t *id, bool *reused,
                            struct diag *diag);

/* Writer: keep the table of origins of an image. What is there for a published image is replaced with store_publish. */
enum status store_put_origins(struct store *store, uint64_t image_id, const void *bytes, size_t size,
                              struct diag *diag);

#define STORE_DIGEST_SIZE 32 /* bytes: SHA-256 */

/*
 * Writer: remember what an image was made from, so that an import that meets the same input need not make it again.
 * `digest` names the input, `facts` are the caller's; they go when the image goes. What was there is replaced.
 */
enum status store_put_input(struct store *store, const uint8_t digest[STORE_DIGEST_SIZE], uint64_t image_id,
                            const void *facts, size_t size, struct diag *diag);

/* Writer: snapshots opened from now on see what was put until now, though no generation names it yet. */
enum status store_flush(struct store *store, struct diag *diag);

/* One view of a generation. */
struct store_view {
    const char *name;
    const void *catalog; /* block; store_publish shares equal ones */
    size_t catalog_size; /* bytes */
};

/* A generation as written and as read; when read, texts and blocks are owned by the database (see snapshot). */
struct store_generation {
    uint64_t number;      /* set by store_publish */
    uint64_t published;   /* seconds since 1970 */
    const char *commit;   /* 40 hex digits, or for a folder the hex SHA-256 of what was read */
    const char *revision; /* as asked for */
    const char *author;
    const char *subject;
    int64_t commit_time; /* seconds since 1970; 0 unknown */
    const char *policy;  /* the text of policy.conf */
    size_t policy_size;
    uint64_t record_count; /* over all views */
    uint32_t zone_count;   /* over all views */
    uint64_t rollback_of;  /* the older generation that this one publishes again; 0: it was imported */
    uint32_t view_count;
    const struct store_view *views; /* in the order of policy.conf */
};

/*
 * Writer: publish in one transaction; on STATUS_OK the new generation is the head and is on disk, and *number is its
 * number (previous + 1, from 1). Prunes generations over `keep` and what only they named. On any error the old head
 * stands.
 */
enum status store_publish(struct store *store, const struct store_generation *generation, uint64_t *number,
                          struct diag *diag);

/*
 * Writer: a rollback that was published pins the store, in the same transaction: whoever imports asks snapshot_pin and
 * leaves the store alone. This lets it go again, on disk at once; *pin is what it was, 0 if there was none.
 */
enum status store_release_pin(struct store *store, uint64_t *pin, struct diag *diag);

/* Begin a read transaction on a store opened either way. NO_MEMORY, STORE (reader table full, …). */
struct snapshot;
enum status snapshot_open(struct store *store, struct diag *diag, struct snapshot **snapshot);
void snapshot_close(struct snapshot *snapshot);

/* The number of the head, 0 if nothing was published. */
enum status snapshot_head(const struct snapshot *snapshot, uint64_t *number, struct diag *diag);

/* The number of the rollback that pins the store, 0 if none does. */
enum status snapshot_pin(const struct snapshot *snapshot, uint64_t *number, struct diag *diag);

/* Generation `number`. The views array is owned by the snapshot. NOT_FOUND (no message), DAMAGED with one. */
enum status snapshot_generation(struct snapshot *snapshot, uint64_t number, struct store_generation *generation,
                                struct diag *diag);

/* One image's block. NOT_FOUND (no message), DAMAGED. */
enum status snapshot_image(const struct snapshot *snapshot, uint64_t id, const void **block, size_t *size);

/* The table of origins of an image, as it was put; not aligned. NOT_FOUND (no message), DAMAGED. */
enum status snapshot_origins(const struct snapshot *snapshot, uint64_t image_id, const void **bytes, size_t *size);

/* The image made from an input and what was put with it; `facts` is not aligned. NOT_FOUND (no message), also if the
 * image itself is gone; DAMAGED. */
enum status snapshot_input(const struct snapshot *snapshot, const uint8_t digest[STORE_DIGEST_SIZE], uint64_t *image_id,
                           const void **facts, size_t *size);

/* The serial that view `view` last published for the zone `apex` (lowered), if it does not serve it now but did once.
 * NOT_FOUND (no message), DAMAGED. */
enum status snapshot_last_serial(const struct snapshot *snapshot, const char *view, const uint8_t *apex,
                                 uint32_t *serial);

/* All images in rising order of id, in one walk that does not touch the blocks. `visit` returns false to stop; a value
 * that cannot be a block comes as NULL and 0. */
enum status snapshot_each_image(const struct snapshot *snapshot,
                                bool (*visit)(void *context, uint64_t id, const void *block, size_t size),
                                void *context, struct diag *diag);

/* A way to find each by its id, made in a time that hardly grows with their number. *images is the caller's to
 * store_images_free, and of use until the snapshot is closed. STORE, DAMAGED, each with a message; NO_MEMORY. */
struct store_images;
enum status snapshot_images(const struct snapshot *snapshot, struct store_images **images, struct diag *diag);
/* False: there is no such image, or its value cannot be a block. Any thread, at any time; makes no system call. */
bool store_images_find(const struct store_images *images, uint64_t id, const void **block, size_t *size);
/* NULL allowed. */
void store_images_free(struct store_images *images);

/*
 * A cheap look: the number of the transaction that a snapshot opened now would see, and whether the store's file on
 * disk is still the one that is open (false: replaced or deleted; close and open again when there is one).
 */
uint64_t store_last_transaction(const struct store *store);
bool store_is_current(const struct store *store);

struct store_stats {
    uint64_t map_size;   /* bytes */
    uint64_t used_bytes; /* pages in use */
    uint64_t images;
    uint64_t generations;
    uint64_t catalogs;
};
enum status store_stats(struct store *store, struct store_stats *stats, struct diag *diag);

#endif

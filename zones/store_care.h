/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_care: looking after a store: is it whole, a copy of it, a copy back in its place, its size.
 *
 * All of them read the store in a child process (child.h), so the caller must hold no open store and have one thread.
 * They read in one transaction, which keeps the importer from using again what was given up since: hence the time
 * limit, `limit_ms` milliseconds, 0 for none. A store that is not there is NOT_FOUND with a message. All errors have
 * messages.
 */
#ifndef SPLITVIEW_ZONES_STORE_CARE_H
#define SPLITVIEW_ZONES_STORE_CARE_H

#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stdint.h>

/* What was looked at. */
struct store_verified {
    uint64_t head; /* number of the newest generation, 0: none */
    uint64_t generations;
    uint64_t catalogs;
    uint64_t zones; /* entries of the catalogs */
    uint64_t images;
    uint64_t bytes; /* of the images */
    uint64_t pages; /* in use */
    uint64_t lost;  /* pages that only store_compact gives back */
};

/*
 * Look at everything: LMDB's pages, every image (its content hash and image_verify), every catalog, every generation's
 * record, and that all that is named is there. DAMAGED: the messages say what, by generation, view, catalog, zone and
 * image; the counts are those of what was reached.
 */
enum status store_verify(const struct store_options *options, uint64_t limit_ms, struct store_verified *verified,
                         struct diag *diag);

/*
 * Write a copy of the store as it is now to the file `path` (mode 0640), without its free pages, and flush it. While it
 * is written it stands beside `path` under another name; a failure leaves nothing. Importers may go on. IO: also if
 * `path` is there and `replace` is not set. *size is that of the copy in bytes.
 */
enum status store_backup(const struct store_options *options, const char *path, bool replace, uint64_t limit_ms,
                         uint64_t *size, struct diag *diag);

/*
 * Put the copy `path` in the place of the store, under the import lock, after it was verified as store_verify does.
 * The two change places in one step; what was there is kept beside it as STORE/<STORE_REPLACED> until the next time.
 * `dry_run`: only verify it. LOCKED, IO, DAMAGED (of the copy), VERSION.
 */
#define STORE_REPLACED STORE_FORMAT ".replaced"
enum status store_restore(const struct store_options *options, const char *path, bool dry_run, uint64_t limit_ms,
                          struct store_verified *verified, struct diag *diag);

/* Put a copy without free pages in the place of the store, verified, in one step, under the import lock. */
enum status store_compact(const struct store_options *options, uint64_t limit_ms, uint64_t *before, uint64_t *after,
                          struct diag *diag);

/* ---- statistics ---- */

#define STORE_TABLES_MAX      16
#define STORE_TABLE_NAME_MAX  32
#define STORE_READERS_MAX     256
#define STORE_VIEW_NAME_MAX   128
#define STORE_READER_NAME_MAX 16

struct store_report_table {
    char name[STORE_TABLE_NAME_MAX];
    uint64_t entries;
    uint64_t bytes; /* of its pages */
};

/* A process that holds a transaction. */
struct store_report_reader {
    int64_t pid;
    uint64_t behind;                  /* transactions committed since the one it holds */
    uint64_t running_s;               /* seconds since the process started; 0: not known */
    char name[STORE_READER_NAME_MAX]; /* "": not known */
};

/* A view of the newest generation. */
struct store_report_view {
    char name[STORE_VIEW_NAME_MAX]; /* cut if longer */
    uint64_t zones;
    uint64_t bytes; /* of its images, also those it shares with other views */
};

struct store_report {
    uint64_t map_size;   /* bytes that the file may grow to */
    uint64_t file_size;  /* bytes */
    uint64_t disk_bytes; /* that the file takes on the disk */
    uint64_t used_bytes; /* pages in use */
    uint64_t free_bytes; /* pages to be used again */
    uint64_t transaction;
    uint64_t first; /* oldest generation, 0: none */
    uint64_t head;  /* newest generation, 0: none */
    uint64_t published;
    uint32_t table_count;
    uint32_t reader_count;
    uint32_t view_count;
    struct store_report_table tables[STORE_TABLES_MAX];
    struct store_report_reader readers[STORE_READERS_MAX];
    struct store_report_view *views; /* owned */
};

enum status store_report_read(const struct store_options *options, uint64_t limit_ms, struct store_report *report,
                              struct diag *diag);
void store_report_clear(struct store_report *report);

#endif

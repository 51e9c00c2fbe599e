/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_record: a generation's record as bytes. A digest stands before the rest, so that no flipped bit in a policy or
 * a number goes unseen. Numbers are in the byte order of the machine. Pure functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_STORE_RECORD_H
#define SPLITVIEW_ZONES_STORE_RECORD_H

#include "zones/bytes.h"
#include "zones/hash.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A short digest over all pieces, for small values that have no other: no flipped bit in them goes unseen. */
uint64_t store_check(const struct hash_piece *pieces, size_t count);

/* A record that was checked; everything points into its bytes. */
struct store_record {
    struct store_generation generation; /* views is NULL */
    const uint8_t *next;                /* of the views, for store_record_view */
    size_t left;                        /* bytes from there on */
    uint32_t views_left;
};

/*
 * Append the record of `generation` to `bytes`; view number i has the catalog catalog_ids[i], its block is not looked
 * at. Texts may be NULL. NO_MEMORY, TOO_LARGE.
 */
enum status store_record_encode(const struct store_generation *generation, const uint64_t *catalog_ids,
                                struct bytes *bytes);

/* Check all of a record. DAMAGED, without a message; VERSION if another version wrote it. */
enum status store_record_decode(const void *data, size_t size, struct store_record *record);

/* The next view of a record that was decoded; false after the last. */
bool store_record_view(struct store_record *record, const char **name, uint64_t *catalog_id);

#endif

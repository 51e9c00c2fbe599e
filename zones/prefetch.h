/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefetch: fetches what the lookups of a batch of names will read, all at the same time, before the first of them is
 * made: one cache miss of a lookup waits for the one before it, those of different names need not.
 *
 * Changes nothing but caches: leaving it out, or guessing wrong, costs time alone. Reads only checked offsets of the
 * blocks, like lookups. One thread.
 */
#ifndef SPLITVIEW_ZONES_PREFETCH_H
#define SPLITVIEW_ZONES_PREFETCH_H

#include "zones/catalog.h"
#include "zones/name.h"

#include <stddef.h>
#include <stdint.h>

/* One name on the way. Borrows from the catalog. */
struct prefetch {
    const struct catalog *catalog; /* NULL: nothing more to fetch */
    uint64_t apex_hash;            /* of the ancestor that is the deepest apex, if the catalog has it */
    uint64_t hash;                 /* of the name */
    const void *place;             /* what the next step reads: it is on its way */
    const uint8_t *block;          /* of the image, once it is known */
    size_t size;
};

/* Begin with a name. */
void prefetch_begin(struct prefetch *prefetch, const struct catalog *catalog, const struct name_split *split);

/* Fetch for all names that have begun. */
void prefetch_finish(struct prefetch *names, unsigned count);

#endif

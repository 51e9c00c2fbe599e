/* SPDX-License-Identifier: BSD-2-Clause */
/* cache_probe: a key of the cache as it is looked for: its name lowered, its hash. Any thread. */
#ifndef SPLITVIEW_RESOLVER_CACHE_PROBE_H
#define SPLITVIEW_RESOLVER_CACHE_PROBE_H

#include "resolver/cached.h"
#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_TYPE_ALL 0 /* in place of a type, of an NXDOMAIN: it holds for all of them */

enum { CACHE_DO = 1, CACHE_CD = 2 };

/* A key as it is looked for. */
struct cache_probe {
    uint64_t identity;
    const uint8_t *name; /* lowered; behind it there are 7 zero bytes or more */
    size_t size;
    uint16_t type;
    uint8_t flags;
    uint8_t lower[NAME_SIZE_MAX + 9]; /* a whole number of words, and one more */
};

/* Borrows nothing. */
void cache_probe_init(struct cache_probe *probe, const struct cached_key *key);

/* For the NXDOMAIN of `name`, which is the probe's or an ancestor in the same bytes. `all` borrows it. */
void cache_probe_all(const struct cache_probe *probe, const uint8_t *name, uint8_t flags, struct cache_probe *all);

/* `name` holds the probe's, lowered, and zero bytes behind it to a whole number of words. */
bool cache_probe_is(const struct cache_probe *probe, const uint8_t *name);

/* Both numbers of each of its multiplications are secret; secret[1] is odd. */
uint64_t cache_probe_hash(const uint64_t secret[2], const struct cache_probe *probe);

#endif

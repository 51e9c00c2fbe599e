/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_search: find, copy out or forget what an operator names in one worker's cache. A search is filled on the
 * worker's thread and read by the main thread afterwards.
 *
 * What stands above the name is meant too where it is an authentic NXDOMAIN, since that denies the name (RFC 8020, as
 * cache_find uses it).
 */
#ifndef SPLITVIEW_RESOLVER_CACHE_SEARCH_H
#define SPLITVIEW_RESOLVER_CACHE_SEARCH_H

#include "resolver/cache.h"
#include "zones/bytes.h"
#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_SHOWN_MAX 1000         /* entries copied out of one cache */
#define CACHE_BYTES_MAX (512u << 10) /* bytes of their names and records */

/* What is looked for. */
struct cache_wanted {
    uint8_t name[NAME_SIZE_MAX];
    bool tree;    /* all below it too */
    bool removes; /* forget it; else copy it */
};

/* One entry, copied: in `data` of its part stand the sort key of its name (name_to_key), then its RRsets. */
struct cache_entry {
    uint32_t group; /* of views, as the caller counts them */
    uint32_t ttl;   /* seconds left; 0: expired */
    uint32_t age;   /* seconds */
    uint32_t key;   /* offset in `data`, as the next */
    uint32_t rrsets;
    uint16_t key_size;
    uint16_t rrset_count;
    uint16_t type;
    uint16_t rcode;
    int16_t extended_error; /* -1: none */
    bool dnssec_ok;
    bool checking_disabled;
    bool is_authentic;
};

/* How an RRset stands in `data`, not aligned: this, its owner, its records. */
struct cache_rrset {
    uint32_t ttl;  /* seconds left */
    uint32_t size; /* bytes of the records, as in struct rrset */
    uint16_t type;
    uint16_t count;
    uint8_t section; /* enum section */
    uint8_t owner_size;
};

/* What was found in one cache. All zero but for `data` before the first search. */
struct cache_part {
    struct cache_entry *entries; /* owned, as `data` */
    size_t count;
    size_t capacity;
    struct bytes data;
    uint64_t matched; /* entries, those that were not copied too, for one of the limits or lack of memory */
    uint64_t removed;
};

void cache_part_init(struct cache_part *part);
void cache_part_clear(struct cache_part *part);

/* Search the entries of one identity, and add to `part`. Goes through the whole cache. now_ms: the cache's clock. */
void cache_search(const struct cache_wanted *wanted, struct cache *cache, uint64_t identity, uint32_t group,
                  uint64_t now_ms, struct cache_part *part);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache: foreign answers of one worker, by question and forward policy, bounded in bytes, tables included. One thread.
 *
 * What goes to make room is chosen by S3-FIFO (Yang et al., SOSP 2023): a new answer enters a small queue, a tenth of
 * the bound; if it was asked for again by the time it reaches the end, it moves on to the main queue, else it goes and
 * a few bits of its hash stay behind, which let it into the main queue when it soon comes back. In the main queue each
 * question (up to three) buys another round. So names that are asked for once, however many, pass through the small
 * queue alone; each step is O(1), and a hit writes nothing but the entry it found. Entries are found by a hash under
 * a random key, so that nobody can aim at one bucket. What expired goes a few buckets at a time, with each cache_put.
 */
#ifndef SPLITVIEW_RESOLVER_CACHE_H
#define SPLITVIEW_RESOLVER_CACHE_H

#include "resolver/cached.h"

#include <stddef.h>
#include <stdint.h>

struct cache;

struct cache *cache_new(size_t bytes_max); /* bytes, all of its memory; NULL: no memory, or no random numbers */
void cache_free(struct cache *cache);      /* NULL allowed */

/* Another bound from now on; what is over it goes. Its tables take the new size if there is memory for that. */
void cache_resize(struct cache *cache, size_t bytes_max);

/* What a look-up found. */
enum cache_hit {
    CACHE_MISS,
    CACHE_FRESH,
    CACHE_REFRESH, /* fresh, asked for often and soon to expire: serve it, and ask again in the background */
    CACHE_STALE    /* expired, for no longer than `stale` seconds: only for when nobody answers */
};

#define CACHE_REFRESH_HITS 3  /* an answer is asked for again in time if it was found so often, … */
#define CACHE_REFRESH_PART 10 /* … no more than 1/10 of its TTL is left, … */
#define CACHE_REFRESH_TTL  10 /* … and that was so many seconds or more; our own choice */

/*
 * Find; *found is borrowed until the next call that is not cache_find. `stale` is seconds (0: expired is a MISS).
 * REFRESH is said once for an entry. For CACHED_FAILURE_TTL seconds after a failure was put for an answer that is STALE
 * it is said to be FRESH, though cached_ttl_left is 0: nobody need be asked again.
 *
 * An NXDOMAIN of the name, without a chain before it, holds for all types (RFC 2308 5). One of an ancestor holds for
 * the name (RFC 8020) if it is authentic, has key->cut_labels labels or more, and neither DO nor CD is set: servers
 * that say NXDOMAIN for an empty non-terminal are still around, and only signed zones prove that they do not.
 */
enum cache_hit cache_find(struct cache *cache, const struct cached_key *key, uint64_t now_ms, uint32_t stale,
                          const struct cached **found);

/*
 * Keep what was told for `key`; takes a hold of its own. Replaces, and with it goes an NXDOMAIN of the name or of an
 * ancestor that this answer belies. Failures never replace what is fresh, or what is stale for no longer than
 * cache_find was last asked for it. TTL 0, or larger than an eighth of the bound: not kept, but what it would replace
 * goes. Without memory nothing is kept.
 */
void cache_put(struct cache *cache, const struct cached_key *key, struct cached *cached, uint64_t now_ms);

/* Forget a name, or all at and below it, of one identity. Returns how many entries went. */
size_t cache_flush(struct cache *cache, uint64_t identity, const uint8_t *name, bool tree);

/* Forget all that belongs to none of `identities` (a new generation's). */
size_t cache_keep_only(struct cache *cache, const uint64_t *identities, size_t count);

struct cache_stats {
    uint64_t entries;
    uint64_t bytes;
    uint64_t bytes_max;
    uint64_t evicted; /* since the start, to make room */
};
void cache_stats(const struct cache *cache, struct cache_stats *stats);

/* Each entry of one identity at or below `name`, in no order. */
typedef void cache_visit(void *context, const struct cached_key *key, const struct cached *cached);
void cache_walk(const struct cache *cache, uint64_t identity, const uint8_t *name, cache_visit *visit, void *context);

#endif

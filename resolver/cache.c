/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/cache.h"

#include "resolver/cache_probe.h"
#include "zones/memory.h"
#include "zones/name.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define BYTES_PER_BUCKET 256 /* less than an answer takes with its key: few share a bucket */
#define BUCKETS_LEAST    64u
#define BLOCK_OVERHEAD   16u /* bytes the allocator adds to a block, about */
#define SMALL_PART       10  /* the small queue has 1/10 of the bound */
#define SWEEP_BUCKETS    8   /* looked through for expired entries at each put */
#define CHANCES_MAX      3   /* rounds of the main queue that hits can buy */

struct cache_queue;

_Static_assert(CACHED_FAILURE_TTL < CACHE_REFRESH_TTL, "failures are not refreshed");

struct cache_slot {
    struct cache_slot *next; /* in the bucket */
    uint64_t hash;
    uint64_t identity;
    uint64_t fresh_until;  /* ms */
    struct cached *cached; /* held */
    uint16_t type;         /* or CACHE_TYPE_ALL */
    uint16_t asked_type;
    uint8_t flags;   /* CACHE_DO, CACHE_CD */
    uint8_t hits;    /* since it was put, up to 255 */
    uint8_t chances; /* up to CHANCES_MAX */
    uint8_t name_size;
    bool is_refresh_told;
    uint32_t ttl;         /* seconds, of `cached` */
    uint32_t stale;       /* seconds, as cache_find was last asked */
    uint64_t retry_after; /* ms: when the failure is forgotten that nobody could help */
    struct cache_queue *queue;
    struct cache_slot *newer;
    struct cache_slot *older;
    uint8_t name[]; /* lowered, with zero bytes behind it to a whole number of words */
};

struct cache_queue {
    struct cache_slot *newest;
    struct cache_slot *oldest;
    size_t bytes;
};

struct cache {
    uint64_t secret[2];
    struct cache_slot **buckets;
    uint32_t *ghosts;    /* of entries that left the small queue: a part of their hash, by bucket */
    size_t bucket_count; /* a power of two */
    size_t sweep;        /* the bucket to look through next */
    struct cache_queue small;
    struct cache_queue main;
    size_t bytes; /* of everything */
    size_t bytes_max;
    uint64_t entries;
    uint64_t cuts; /* entries of CACHE_TYPE_ALL */
    uint64_t evicted;
    uint32_t stale_most; /* seconds: the most that cache_find was ever asked for */
};

/* ---- look up ---- */

static struct cache_slot *find_entry(const struct cache *cache, const struct cache_probe *probe)
{
    uint64_t hash = cache_probe_hash(cache->secret, probe);
    struct cache_slot *entry = cache->buckets[hash & (cache->bucket_count - 1)];
    for (; entry != NULL; entry = entry->next)
        if (entry->hash == hash && entry->identity == probe->identity && entry->type == probe->type &&
            entry->flags == probe->flags && entry->name_size == probe->size && cache_probe_is(probe, entry->name))
            break;
    return entry;
}

/* The NXDOMAIN of the probe's name for all types. */
static struct cache_slot *find_nxdomain(const struct cache *cache, const struct cache_probe *probe)
{
    struct cache_probe all;
    if (cache->cuts == 0)
        return NULL;
    cache_probe_all(probe, probe->name, probe->flags, &all);
    return find_entry(cache, &all);
}

/* ---- queues and the table ---- */

/* A name takes a whole number of words. */
static size_t padded(size_t name_bytes)
{
    return (name_bytes + 7) & ~(size_t)7;
}

static size_t entry_bytes(const struct cache_slot *entry)
{
    return sizeof *entry + padded(entry->name_size) + entry->cached->bytes + 2 * BLOCK_OVERHEAD;
}

static void queue_push(struct cache_queue *queue, struct cache_slot *entry)
{
    entry->queue = queue;
    entry->newer = NULL;
    entry->older = queue->newest;
    if (queue->newest != NULL)
        queue->newest->newer = entry;
    else
        queue->oldest = entry;
    queue->newest = entry;
    queue->bytes += entry_bytes(entry);
}

static void queue_remove(struct cache_slot *entry)
{
    struct cache_queue *queue = entry->queue;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        queue->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        queue->oldest = entry->newer;
    queue->bytes -= entry_bytes(entry);
}

static void remove_entry(struct cache *cache, struct cache_slot *entry)
{
    struct cache_slot **link = &cache->buckets[entry->hash & (cache->bucket_count - 1)];
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    queue_remove(entry);
    cache->bytes -= entry_bytes(entry);
    cache->entries--;
    cache->cuts -= entry->type == CACHE_TYPE_ALL;
    cached_release(entry->cached);
    memory_free(entry);
}

static uint32_t *ghost_of(const struct cache *cache, uint64_t hash)
{
    return &cache->ghosts[hash & (cache->bucket_count - 1)];
}

static uint32_t ghost_mark(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | 1;
}

/* The oldest of a queue goes, or has its chance. */
static void evict_one(struct cache *cache, uint64_t now_ms)
{
    bool from_small = cache->main.oldest == NULL ||
                      (cache->small.oldest != NULL && cache->small.bytes > cache->bytes_max / SMALL_PART);
    struct cache_slot *entry = from_small ? cache->small.oldest : cache->main.oldest;
    if (entry->chances > 0 && entry->fresh_until > now_ms) {
        queue_remove(entry);
        entry->chances = from_small ? 0 : (uint8_t)(entry->chances - 1);
        queue_push(&cache->main, entry);
        return;
    }
    if (from_small)
        *ghost_of(cache, entry->hash) = ghost_mark(entry->hash);
    cache->evicted++;
    remove_entry(cache, entry);
}

/* Each entry passes at most CHANCES_MAX + 1 times, and its chances were paid for by hits. */
static void make_room(struct cache *cache, size_t bytes, uint64_t now_ms)
{
    while (cache->entries > 0 && cache->bytes + bytes > cache->bytes_max)
        evict_one(cache, now_ms);
}

/* How long an expired entry may still be of use is not known until somebody asks. */
static void sweep(struct cache *cache, uint64_t now_ms)
{
    uint64_t stale_ms = (uint64_t)cache->stale_most * 1000;
    for (unsigned i = 0; i < SWEEP_BUCKETS; i++) {
        struct cache_slot *entry = cache->buckets[cache->sweep++ & (cache->bucket_count - 1)];
        while (entry != NULL) {
            struct cache_slot *next = entry->next;
            if (now_ms > entry->fresh_until && now_ms - entry->fresh_until > stale_ms)
                remove_entry(cache, entry);
            entry = next;
        }
    }
}

/* ---- making, and other sizes ---- */

static size_t bucket_count_for(size_t bytes_max)
{
    size_t count = BUCKETS_LEAST;
    while (count < bytes_max / BYTES_PER_BUCKET)
        count *= 2;
    return count;
}

static size_t table_bytes(size_t bucket_count)
{
    return bucket_count * (sizeof(struct cache_slot *) + sizeof(uint32_t)) + 2 * BLOCK_OVERHEAD;
}

static bool make_tables(struct cache *cache, size_t bucket_count)
{
    struct cache_slot **buckets = memory_zalloc(bucket_count, sizeof(struct cache_slot *));
    uint32_t *ghosts = memory_zalloc(bucket_count, sizeof *ghosts);
    if (buckets == NULL || ghosts == NULL) {
        memory_free(buckets);
        memory_free(ghosts);
        return false;
    }
    cache->buckets = buckets;
    cache->ghosts = ghosts;
    cache->bucket_count = bucket_count;
    cache->bytes += table_bytes(bucket_count);
    return true;
}

static bool make_secret(uint64_t secret[2])
{
    ssize_t size;
    do
        size = getrandom(secret, 2 * sizeof *secret, 0);
    while (size < 0 && errno == EINTR);
    secret[1] |= 1;
    return size == 2 * (ssize_t)sizeof *secret;
}

struct cache *cache_new(size_t bytes_max)
{
    struct cache *cache = memory_zalloc(1, sizeof *cache);
    if (cache == NULL)
        return NULL;
    cache->bytes = sizeof *cache + BLOCK_OVERHEAD;
    cache->bytes_max = bytes_max;
    if (!make_secret(cache->secret) || !make_tables(cache, bucket_count_for(bytes_max))) {
        memory_free(cache);
        return NULL;
    }
    return cache;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->small.oldest != NULL)
        remove_entry(cache, cache->small.oldest);
    while (cache->main.oldest != NULL)
        remove_entry(cache, cache->main.oldest);
    memory_free(cache->buckets);
    memory_free(cache->ghosts);
    memory_free(cache);
}

void cache_resize(struct cache *cache, size_t bytes_max)
{
    struct cache old = *cache;
    cache->bytes_max = bytes_max;
    size_t count = bucket_count_for(bytes_max);
    if (count != old.bucket_count && make_tables(cache, count)) {
        cache->bytes -= table_bytes(old.bucket_count);
        for (size_t i = 0; i < old.bucket_count; i++) {
            for (struct cache_slot *entry = old.buckets[i], *next; entry != NULL; entry = next) {
                struct cache_slot **bucket = &cache->buckets[entry->hash & (count - 1)];
                next = entry->next;
                entry->next = *bucket;
                *bucket = entry;
            }
        }
        memory_free(old.buckets);
        memory_free(old.ghosts);
    }
    make_room(cache, 0, 0);
}

/* ---- find ---- */

static bool is_fresh(const struct cache_slot *entry, uint64_t now_ms)
{
    return entry != NULL && now_ms < entry->fresh_until;
}

static bool is_usable_stale(const struct cache_slot *entry, uint64_t now_ms, uint32_t stale)
{
    return entry != NULL && stale > 0 && now_ms - entry->fresh_until <= (uint64_t)stale * 1000 &&
           !cached_is_failure(entry->cached);
}

static enum cache_hit hit(struct cache_slot *entry, enum cache_hit kind, const struct cached **found)
{
    entry->hits = (uint8_t)(entry->hits + (entry->hits < UINT8_MAX));
    entry->chances = (uint8_t)(entry->chances + (entry->chances < CHANCES_MAX));
    *found = entry->cached;
    return kind;
}

static enum cache_hit hit_fresh(struct cache_slot *entry, uint64_t now_ms, const struct cached **found)
{
    hit(entry, CACHE_FRESH, found);
    if (entry->hits < CACHE_REFRESH_HITS || entry->is_refresh_told)
        return CACHE_FRESH;
    uint64_t left = entry->fresh_until - now_ms;
    if (left * CACHE_REFRESH_PART >= (uint64_t)entry->ttl * 1000 || entry->ttl < CACHE_REFRESH_TTL)
        return CACHE_FRESH;
    entry->is_refresh_told = true;
    return CACHE_REFRESH;
}

static enum cache_hit hit_stale(struct cache_slot *entry, uint64_t now_ms, const struct cached **found)
{
    return hit(entry, now_ms < entry->retry_after ? CACHE_FRESH : CACHE_STALE, found);
}

/* RFC 8020: the closest ancestor that does not exist. */
static struct cache_slot *find_cut(const struct cache *cache, const struct cache_probe *probe, unsigned labels_least,
                                   uint64_t now_ms)
{
    if (cache->cuts == 0 || labels_least == 0 || probe->flags != 0)
        return NULL;
    struct cache_probe above;
    cache_probe_all(probe, probe->name, 0, &above);
    for (unsigned labels = name_label_count(probe->name); labels > labels_least; labels--) {
        cache_probe_all(probe, name_parent(above.name), 0, &above);
        struct cache_slot *entry = find_entry(cache, &above);
        if (is_fresh(entry, now_ms) && entry->cached->is_authentic)
            return entry;
    }
    return NULL;
}

enum cache_hit cache_find(struct cache *cache, const struct cached_key *key, uint64_t now_ms, uint32_t stale,
                          const struct cached **found)
{
    struct cache_probe probe;
    *found = NULL;
    cache_probe_init(&probe, key);
    struct cache_slot *entry = find_entry(cache, &probe);
    if (entry != NULL)
        entry->stale = stale;
    if (is_fresh(entry, now_ms))
        return hit_fresh(entry, now_ms, found);
    cache->stale_most = stale > cache->stale_most ? stale : cache->stale_most;
    struct cache_slot *nxdomain = find_nxdomain(cache, &probe);
    if (nxdomain != NULL)
        nxdomain->stale = stale;
    if (is_fresh(nxdomain, now_ms))
        return hit_fresh(nxdomain, now_ms, found);
    struct cache_slot *cut = find_cut(cache, &probe, key->cut_labels, now_ms);
    if (cut != NULL)
        return hit(cut, CACHE_FRESH, found);
    if (is_usable_stale(entry, now_ms, stale))
        return hit_stale(entry, now_ms, found);
    return is_usable_stale(nxdomain, now_ms, stale) ? hit_stale(nxdomain, now_ms, found) : CACHE_MISS;
}

/* ---- put ---- */

/* The name exists: what said otherwise, of it or of an ancestor, is out of date. */
static void remove_belied(struct cache *cache, const struct cache_probe *probe)
{
    struct cache_probe all;
    struct cache_slot *entry = find_nxdomain(cache, probe);
    if (entry != NULL)
        remove_entry(cache, entry);
    cache_probe_all(probe, probe->name, 0, &all);
    for (; cache->cuts > 0 && all.size > 1; cache_probe_all(probe, name_parent(all.name), 0, &all)) {
        entry = find_entry(cache, &all);
        if (entry != NULL)
            remove_entry(cache, entry);
    }
}

/* There is nobody to ask, but an answer: remember only that. */
static bool keeps_against_failure(struct cache_slot *entry, uint64_t now_ms)
{
    if (is_fresh(entry, now_ms))
        return !cached_is_failure(entry->cached);
    if (entry == NULL || !is_usable_stale(entry, now_ms, entry->stale))
        return false;
    entry->retry_after = now_ms + CACHED_FAILURE_TTL * 1000;
    return true;
}

static void fill_entry(struct cache_slot *entry, struct cached *cached, uint16_t asked_type)
{
    cached_hold(cached);
    entry->cached = cached;
    entry->ttl = cached->ttl;
    entry->fresh_until = cached->stored_ms + (uint64_t)cached->ttl * 1000;
    entry->asked_type = asked_type;
    entry->hits = 0;
    entry->is_refresh_told = false;
    entry->retry_after = 0;
}

/* The entry keeps its place in the queue. */
static void replace(struct cache *cache, struct cache_slot *entry, struct cached *cached, uint16_t asked_type)
{
    struct cached *old = entry->cached;
    size_t before = entry_bytes(entry);
    fill_entry(entry, cached, asked_type);
    size_t after = entry_bytes(entry);
    entry->queue->bytes += after - before;
    cache->bytes += after - before;
    cached_release(old);
}

static void insert(struct cache *cache, const struct cache_probe *probe, struct cached *cached, uint16_t asked_type)
{
    struct cache_slot *entry = memory_alloc(sizeof *entry + padded(probe->size));
    if (entry == NULL)
        return;
    *entry = (struct cache_slot){
        .hash = cache_probe_hash(cache->secret, probe), .identity = probe->identity, .type = probe->type};
    entry->flags = probe->flags;
    entry->name_size = (uint8_t)probe->size;
    memcpy(entry->name, probe->name, padded(probe->size));
    fill_entry(entry, cached, asked_type);
    struct cache_slot **bucket = &cache->buckets[entry->hash & (cache->bucket_count - 1)];
    entry->next = *bucket;
    *bucket = entry;
    uint32_t *ghost = ghost_of(cache, entry->hash);
    bool was_here = *ghost == ghost_mark(entry->hash);
    if (was_here)
        *ghost = 0;
    queue_push(was_here ? &cache->main : &cache->small, entry);
    cache->bytes += entry_bytes(entry);
    cache->entries++;
    cache->cuts += entry->type == CACHE_TYPE_ALL;
}

static void put(struct cache *cache, const struct cache_probe *probe, struct cached *cached, uint16_t asked_type,
                uint64_t now_ms)
{
    struct cache_slot *entry = find_entry(cache, probe);
    size_t bytes = sizeof *entry + padded(probe->size) + cached->bytes + 2 * BLOCK_OVERHEAD;
    if (cached->ttl == 0 || bytes > cache->bytes_max / 8) {
        if (entry != NULL)
            remove_entry(cache, entry);
    } else if (entry != NULL) {
        replace(cache, entry, cached, asked_type);
        make_room(cache, 0, now_ms);
    } else {
        make_room(cache, bytes, now_ms);
        if (cache->bytes + bytes <= cache->bytes_max)
            insert(cache, probe, cached, asked_type);
    }
}

void cache_put(struct cache *cache, const struct cached_key *key, struct cached *cached, uint64_t now_ms)
{
    struct cache_probe probe;
    sweep(cache, now_ms);
    if (key->type == CACHE_TYPE_ALL)
        return;
    cache_probe_init(&probe, key);
    if (cached_is_failure(cached)) {
        if (keeps_against_failure(find_entry(cache, &probe), now_ms) ||
            keeps_against_failure(find_nxdomain(cache, &probe), now_ms))
            return;
    } else if (cached->rcode == RCODE_NXDOMAIN && cached->links == 0) {
        struct cache_slot *entry = find_entry(cache, &probe);
        if (entry != NULL)
            remove_entry(cache, entry);
        probe.type = CACHE_TYPE_ALL;
    } else {
        remove_belied(cache, &probe);
    }
    put(cache, &probe, cached, key->type, now_ms);
}

/* ---- care ---- */

/* Remove the entries for which `is_out` holds. */
static size_t remove_all(struct cache *cache, bool (*is_out)(const void *context, const struct cache_slot *entry),
                         const void *context)
{
    size_t count = 0;
    for (size_t i = 0; i < cache->bucket_count; i++) {
        for (struct cache_slot *entry = cache->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            if (!is_out(context, entry))
                continue;
            remove_entry(cache, entry);
            count++;
        }
    }
    return count;
}

struct flush {
    uint64_t identity;
    const uint8_t *name;
    bool tree;
};

static bool is_flushed(const void *context, const struct cache_slot *entry)
{
    const struct flush *flush = context;
    if (entry->identity != flush->identity)
        return false;
    return flush->tree ? name_is_at_or_below(entry->name, flush->name) : name_equal(entry->name, flush->name);
}

size_t cache_flush(struct cache *cache, uint64_t identity, const uint8_t *name, bool tree)
{
    struct flush flush = {.identity = identity, .name = name, .tree = tree};
    return remove_all(cache, is_flushed, &flush);
}

struct identities {
    const uint64_t *numbers;
    size_t count;
};

static bool is_foreign(const void *context, const struct cache_slot *entry)
{
    const struct identities *identities = context;
    for (size_t i = 0; i < identities->count; i++)
        if (identities->numbers[i] == entry->identity)
            return false;
    return true;
}

size_t cache_keep_only(struct cache *cache, const uint64_t *identities, size_t count)
{
    struct identities kept = {.numbers = identities, .count = count};
    /* At the start the buckets are untouched memory: it stays so. */
    if (cache->entries == 0)
        return 0;
    return remove_all(cache, is_foreign, &kept);
}

void cache_stats(const struct cache *cache, struct cache_stats *stats)
{
    stats->entries = cache->entries;
    stats->bytes = cache->bytes;
    stats->bytes_max = cache->bytes_max;
    stats->evicted = cache->evicted;
}

void cache_walk(const struct cache *cache, uint64_t identity, const uint8_t *name, cache_visit *visit, void *context)
{
    for (size_t i = 0; i < cache->bucket_count; i++) {
        for (const struct cache_slot *entry = cache->buckets[i]; entry != NULL; entry = entry->next) {
            if (entry->identity != identity || !name_is_at_or_below(entry->name, name))
                continue;
            struct cached_key key = {.identity = entry->identity, .name = entry->name, .type = entry->asked_type};
            key.dnssec_ok = (entry->flags & CACHE_DO) != 0;
            key.checking_disabled = (entry->flags & CACHE_CD) != 0;
            visit(context, &key, entry->cached);
        }
    }
}

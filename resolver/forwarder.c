/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/forwarder.h"

#include "resolver/client_quota.h"
#include "resolver/flight.h"
#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

struct forwarder {
    struct forwarder_options options;
    struct cache *cache;
    struct client_quota *quota;
    struct flight_table *flights;
    struct flight *landed;      /* to be given out by forwarder_drain, the first to land first */
    struct flight **landed_end; /* where the next one goes */
    struct flight *oldest;      /* of those with stale data, in the order of stale_ms: the span is the same for all */
    struct flight *youngest;
    struct generation *generation; /* borrowed */
    uint32_t waiting;
};

struct forwarder *forwarder_new(const struct forwarder_options *options)
{
    struct forwarder *forwarder = memory_zalloc(1, sizeof *forwarder);
    uint64_t seed = 0;

    if (forwarder == NULL)
        return NULL;
    /* Without entropy buckets can be aimed at; that is a matter of speed alone. */
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uint64_t)(uintptr_t)forwarder;
    forwarder->options = *options;
    forwarder->landed_end = &forwarder->landed;
    forwarder->cache = cache_new(options->limits.cache_bytes);
    forwarder->quota = client_quota_new();
    forwarder->flights = flight_table_new(seed);
    if (forwarder->cache != NULL && forwarder->quota != NULL && forwarder->flights != NULL)
        return forwarder;
    forwarder_free(forwarder);
    return NULL;
}

void forwarder_configure(struct forwarder *forwarder, const struct forwarder_limits *limits)
{
    forwarder->options.limits = *limits;
    cache_resize(forwarder->cache, limits->cache_bytes);
}

struct cache *forwarder_cache(struct forwarder *forwarder)
{
    return forwarder->cache;
}

static void count(struct forwarder *forwarder, enum counter counter)
{
    counters_add(forwarder->options.counters, counter, 1);
}

/* ---- generations ---- */

void forwarder_adopt(struct forwarder *forwarder, struct generation *generation)
{
    const struct policy *policy = generation->policy;
    uint32_t views = policy == NULL ? 0 : policy->view_count;
    uint64_t *identities = memory_alloc((views + 1) * sizeof *identities);

    forwarder->generation = generation;
    /* Without the list nothing wrong is served: identities that are gone are never asked for. */
    if (identities == NULL)
        return;
    for (uint32_t view = 0; view < views; view++)
        identities[view] = forward_identity(policy->forward, view);
    cache_keep_only(forwarder->cache, identities, views);
    memory_free(identities);
}

/* ---- those that have something stale to fall back on ---- */

static void enlist(struct forwarder *forwarder, struct flight *flight, uint64_t now_ms)
{
    flight->stale_ms = now_ms + FORWARDER_STALE_AFTER_MS;
    flight->older = forwarder->youngest;
    flight->younger = NULL;
    if (forwarder->youngest != NULL)
        forwarder->youngest->younger = flight;
    else
        forwarder->oldest = flight;
    forwarder->youngest = flight;
    flight->is_listed = true;
}

static void unlist(struct forwarder *forwarder, struct flight *flight)
{
    if (!flight->is_listed)
        return;
    if (flight->older != NULL)
        flight->older->younger = flight->younger;
    else
        forwarder->oldest = flight->younger;
    if (flight->younger != NULL)
        flight->younger->older = flight->older;
    else
        forwarder->youngest = flight->older;
    flight->is_listed = false;
}

/* ---- asking ---- */

/* The exchange is done with it; what is to be done about that waits for forwarder_drain. */
static void on_done(void *context, struct cached *cached, uint64_t now_ms)
{
    struct flight *flight = context;
    struct forwarder *forwarder = flight->forwarder;

    (void)now_ms;
    cached_hold(cached);
    flight->result = cached;
    unlist(forwarder, flight);
    flight->state = FLIGHT_LANDED;
    flight->next = NULL;
    *forwarder->landed_end = flight;
    forwarder->landed_end = &flight->next;
}

static void release_generation(struct flight *flight)
{
    /* The last release frees nothing: the main thread holds each generation until all workers have let go. */
    if (flight->generation != NULL)
        generation_release(flight->generation);
    flight->generation = NULL;
}

/* Put a question on its way. NULL: not possible now. */
static struct flight *launch(struct forwarder *forwarder, const struct foreign_question *question, uint64_t now_ms)
{
    struct flight *flight = flight_new(forwarder->flights, &question->key);

    if (flight == NULL)
        return NULL;
    flight->forwarder = forwarder;
    flight->stale = question->stale;
    flight->generation = forwarder->generation;
    generation_hold(flight->generation);
    if (flight->stale > 0)
        enlist(forwarder, flight, now_ms);
    struct exchange_ask ask = {
        .key = flight->key,
        .rules = {.policy = forwarder->generation->policy,
                  .group = question->group,
                  .private_allowed = question->private_allowed},
    };
    if (exchange_ask(forwarder->options.exchange, &ask, on_done, flight, now_ms))
        return flight;
    release_generation(flight);
    unlist(forwarder, flight);
    flight_remove(forwarder->flights, flight);
    return NULL;
}

/* Upstream is silent for long enough. */
static bool is_silent(struct forwarder *forwarder, const struct cached_key *key, uint64_t now_ms)
{
    const struct flight *flight = flight_find(forwarder->flights, key);

    return flight != NULL && flight->state == FLIGHT_ASKING && flight->stale > 0 && flight->stale_ms <= now_ms;
}

/* Given to this waiter already, whatever its TTL was. A stale one only if the question, which may be another
 * generation's than the one that was put, allows that. */
static const struct cached *find_given(const struct waiter *waiter, const struct foreign_question *question,
                                       bool *is_stale)
{
    for (unsigned i = 0; waiter != NULL && i < waiter->rounds; i++) {
        const struct flight *flight = waiter->flights[i];
        if (flight->result != NULL && cached_key_equal(&flight->key, &question->key) &&
            (!flight->is_stale || question->stale > 0)) {
            *is_stale = flight->is_stale;
            return flight->result;
        }
    }
    return NULL;
}

const struct cached *forwarder_find(struct forwarder *forwarder, const struct foreign_question *question,
                                    const struct waiter *waiter, uint64_t now_ms, bool *is_stale)
{
    const struct cached *found = find_given(waiter, question, is_stale);
    if (found != NULL) {
        if (*is_stale && found == waiter->flights[waiter->rounds - 1]->result)
            count(forwarder, COUNTER_CACHE_STALE); /* in the round for which it came */
        return found;
    }
    found = NULL;
    enum cache_hit hit = cache_find(forwarder->cache, &question->key, now_ms, question->stale, &found);
    if (hit == CACHE_MISS || (hit == CACHE_STALE && !is_silent(forwarder, &question->key, now_ms)))
        return NULL;
    *is_stale = cached_ttl_left(found, now_ms) == 0;
    count(forwarder, *is_stale ? COUNTER_CACHE_STALE : COUNTER_CACHE_HITS);
    if (hit == CACHE_REFRESH && flight_find(forwarder->flights, &question->key) == NULL &&
        launch(forwarder, question, now_ms) != NULL)
        count(forwarder, COUNTER_CACHE_PREFETCHED);
    return found;
}

static bool is_allowed(struct forwarder *forwarder, struct waiter *waiter)
{
    const struct forwarder_limits *limits = &forwarder->options.limits;

    if (waiter->is_counted)
        return true;
    if (forwarder->waiting >= limits->waiters_max) {
        count(forwarder, COUNTER_FORWARD_LIMIT);
        return false;
    }
    if (!client_quota_take(forwarder->quota, &waiter->client.source, limits->per_client_max)) {
        count(forwarder, COUNTER_FORWARD_CLIENT_LIMIT);
        return false;
    }
    forwarder->waiting++;
    waiter->is_counted = true;
    return true;
}

bool forwarder_wait(struct forwarder *forwarder, const struct foreign_question *question, struct waiter *waiter,
                    uint64_t now_ms)
{
    if (waiter->rounds == WAITER_ROUNDS_MAX || !is_allowed(forwarder, waiter))
        return false;
    struct flight *flight = flight_find(forwarder->flights, &question->key);
    if (flight != NULL)
        count(forwarder, COUNTER_FORWARD_MERGED);
    else
        flight = launch(forwarder, question, now_ms);
    if (flight == NULL)
        return false;
    count(forwarder, COUNTER_CACHE_MISSES);
    flight_hold(flight);
    waiter->flights[waiter->rounds++] = flight;
    waiter->next = flight->waiters;
    flight->waiters = waiter;
    return true;
}

void forwarder_release(struct forwarder *forwarder, struct waiter *waiter)
{
    for (unsigned i = 0; i < waiter->rounds; i++)
        flight_release(waiter->flights[i]);
    if (waiter->is_counted) {
        assert(forwarder->waiting > 0);
        forwarder->waiting--;
        client_quota_give(forwarder->quota, &waiter->client.source);
    }
    memory_free(waiter);
}

/* ---- giving out ---- */

static void give_out(struct forwarder *forwarder, struct flight *flight)
{
    struct waiter *waiter = flight->waiters;

    flight->waiters = NULL;
    while (waiter != NULL) {
        struct waiter *next = waiter->next;
        waiter->next = NULL;
        forwarder->options.ready(forwarder->options.context, waiter);
        waiter = next;
    }
}

/* After a failure the cache may still hold what is served instead: for a while nobody is asked again (RFC 8767 5). */
static void fall_back(struct forwarder *forwarder, struct flight *flight, uint64_t now_ms)
{
    const struct cached *found = NULL;
    enum cache_hit hit = cache_find(forwarder->cache, &flight->key, now_ms, flight->stale, &found);

    if (hit == CACHE_MISS || cached_is_failure(found))
        return;
    cached_release(flight->result);
    flight->result = (struct cached *)(uintptr_t)found; /* the cache's own, and only to hold */
    cached_hold(flight->result);
    flight->is_stale = cached_ttl_left(found, now_ms) == 0;
}

static void land(struct forwarder *forwarder, struct flight *flight, uint64_t now_ms)
{
    release_generation(flight);
    cache_put(forwarder->cache, &flight->key, flight->result, now_ms);
    if (cached_is_failure(flight->result))
        fall_back(forwarder, flight, now_ms);
    flight_hold(flight);
    flight_remove(forwarder->flights, flight);
    give_out(forwarder, flight);
    flight_release(flight);
}

/* Those whose patience has ended leave the list; what comes after all still lands. */
static void serve_stale(struct forwarder *forwarder, uint64_t now_ms)
{
    while (forwarder->oldest != NULL && forwarder->oldest->stale_ms <= now_ms) {
        struct flight *flight = forwarder->oldest;
        const struct cached *found;
        unlist(forwarder, flight);
        if (cache_find(forwarder->cache, &flight->key, now_ms, flight->stale, &found) == CACHE_STALE)
            give_out(forwarder, flight);
    }
}

void forwarder_drain(struct forwarder *forwarder, uint64_t now_ms)
{
    while (forwarder->landed != NULL) {
        struct flight *flight = forwarder->landed;
        forwarder->landed = flight->next;
        if (forwarder->landed == NULL)
            forwarder->landed_end = &forwarder->landed;
        land(forwarder, flight, now_ms);
    }
    serve_stale(forwarder, now_ms);
}

uint64_t forwarder_next(const struct forwarder *forwarder)
{
    if (forwarder->landed != NULL)
        return 0;
    return forwarder->oldest != NULL ? forwarder->oldest->stale_ms : UINT64_MAX;
}

/* ---- the end ---- */

static void drop_waiters(struct forwarder *forwarder, struct flight *flight)
{
    while (flight->waiters != NULL) {
        struct waiter *gone = flight->waiters;
        flight->waiters = gone->next;
        forwarder_release(forwarder, gone);
    }
}

void forwarder_free(struct forwarder *forwarder)
{
    struct flight *flight;

    if (forwarder == NULL)
        return;
    while (forwarder->flights != NULL && (flight = flight_any(forwarder->flights)) != NULL) {
        unlist(forwarder, flight);
        release_generation(flight);
        drop_waiters(forwarder, flight);
        flight_remove(forwarder->flights, flight);
    }
    flight_table_free(forwarder->flights);
    client_quota_free(forwarder->quota);
    cache_free(forwarder->cache);
    memory_free(forwarder);
}

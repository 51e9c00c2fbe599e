/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forwarder: one worker's answers from upstream: what it remembers (cache.h), what it is asking (exchange.h), and who
 * waits for it. Questions that are alike are asked once. One thread.
 *
 * A flight is one question on its way. It ends with an answer or a failure; then everybody who waits for it is handed
 * to `ready`, never from inside a call of this header but from forwarder_drain.
 */
#ifndef SPLITVIEW_RESOLVER_FORWARDER_H
#define SPLITVIEW_RESOLVER_FORWARDER_H

#include "policy/forward.h"
#include "policy/generation.h"
#include "resolver/cache.h"
#include "resolver/cached.h"
#include "resolver/counters.h"
#include "resolver/exchange.h"
#include "resolver/waiter.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8767 5: a client that has waited so long gets what is stale, if that is allowed. */
#define FORWARDER_STALE_AFTER_MS 1800

struct forwarder;

/* A question for upstream, and how it goes there. Borrowed for the length of a call. */
struct foreign_question {
    struct cached_key key;
    const struct upstream_group *group;
    bool private_allowed;
    uint32_t stale; /* seconds that an expired answer may be served if nobody answers; 0: never */
};

struct forwarder_limits {
    size_t cache_bytes;
    uint32_t waiters_max;    /* queries that wait */
    uint32_t per_client_max; /* of one client (client_quota.h) */
};

/* What it needs of the world; borrowed until forwarder_free. */
struct forwarder_options {
    struct exchange *exchange;
    struct counters *counters;
    struct forwarder_limits limits;
    /* The answer a waiter waited for is there: run the spine again. It is the callee's now. */
    void (*ready)(void *context, struct waiter *waiter);
    void *context;
};

struct forwarder *forwarder_new(const struct forwarder_options *options); /* NULL: no memory */
/* Waiters that are left are freed without a reply. The exchange may not call back any more. NULL allowed. */
void forwarder_free(struct forwarder *forwarder);

void forwarder_configure(struct forwarder *forwarder, const struct forwarder_limits *limits);

/* A new generation: answers that no view of it may see any more are forgotten. Flights keep their own generation until
 * they end. Borrowed until the next one. */
void forwarder_adopt(struct forwarder *forwarder, struct generation *generation);

/*
 * What is known of the question: from what `waiter` (NULL: nobody) has waited for, from the cache, a failure of a
 * moment ago included, or a stale answer while upstream is silent. NULL: nothing, it must be asked. *is_stale: tell
 * the client. Borrowed until the next forwarder_drain or forwarder_adopt. One that is soon to expire and often asked
 * for is asked again meanwhile.
 */
const struct cached *forwarder_find(struct forwarder *forwarder, const struct foreign_question *question,
                                    const struct waiter *waiter, uint64_t now_ms, bool *is_stale);

/*
 * Let `waiter` wait for the answer, with others or as the first. Taken over if true; false: a limit is reached (it has
 * had its rounds, too many wait, or too many of its client), or no memory.
 */
bool forwarder_wait(struct forwarder *forwarder, const struct foreign_question *question, struct waiter *waiter,
                    uint64_t now_ms);

/* It has its reply, or needs none: free it and what it holds. */
void forwarder_release(struct forwarder *forwarder, struct waiter *waiter);

/* Hand over to `ready` all whose flights have ended, or whose patience has (stale answers). */
void forwarder_drain(struct forwarder *forwarder, uint64_t now_ms);
/* When forwarder_drain is needed next though nothing arrives, in the clock of now_ms; UINT64_MAX: never. */
uint64_t forwarder_next(const struct forwarder *forwarder);

/* For the control socket. */
struct cache *forwarder_cache(struct forwarder *forwarder);

#endif

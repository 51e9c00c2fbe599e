/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flight: one question that upstream is being asked, with all who wait for it, and the table of them. Held by the table
 * while it flies, and by each waiter until that has its reply. A worker's; one thread.
 */
#ifndef SPLITVIEW_RESOLVER_FLIGHT_H
#define SPLITVIEW_RESOLVER_FLIGHT_H

#include "policy/generation.h"
#include "resolver/cached.h"
#include "resolver/waiter.h"

#include <stdbool.h>
#include <stdint.h>

struct forwarder;

enum flight_state {
    FLIGHT_ASKING,  /* upstream is being asked */
    FLIGHT_LANDED,  /* its result is there, and not yet given out */
    FLIGHT_OVER     /* in no table: only waiters hold it */
};

struct flight {
    struct forwarder *forwarder;
    struct flight *next_in_bucket;
    struct flight *next;     /* in the list of those that landed */
    struct flight *older;    /* in the list of those with stale data, … */
    struct flight *younger;  /* … in the order of stale_ms */
    struct waiter *waiters;
    struct cached_key key;   /* its name follows the struct */
    struct cached *result;   /* held; NULL while asking */
    struct generation *generation; /* held while asking: the exchange looks at its policy */
    uint64_t hash;
    uint64_t stale_ms; /* from when on stale data are served meanwhile */
    uint32_t stale;    /* seconds, of the question */
    uint32_t holders;
    enum flight_state state;
    bool is_listed; /* older and younger are in use */
    bool is_stale;  /* the result is one */
    uint8_t name[];
};

struct flight_table;

struct flight_table *flight_table_new(uint64_t seed);      /* NULL: no memory */
void flight_table_free(struct flight_table *table);        /* it is empty. NULL allowed */
struct flight *flight_find(const struct flight_table *table, const struct cached_key *key);
/* Any one of them, NULL: none is left. */
struct flight *flight_any(const struct flight_table *table);

/* Add a flight for `key` (copied), state ASKING, one holder: the table. NULL: no memory. */
struct flight *flight_new(struct flight_table *table, const struct cached_key *key);
/* Take it out of the table, whose hold goes. */
void flight_remove(struct flight_table *table, struct flight *flight);

void flight_hold(struct flight *flight);
/* The last holder frees it with its result. */
void flight_release(struct flight *flight);

bool cached_key_equal(const struct cached_key *a, const struct cached_key *b);

#endif

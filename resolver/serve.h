/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve: one worker's query path for every transport: the spine (query.h), counted and logged. One thread.
 */
#ifndef SPLITVIEW_RESOLVER_SERVE_H
#define SPLITVIEW_RESOLVER_SERVE_H

#include "resolver/counters.h"
#include "resolver/forwarder.h"
#include "resolver/memo.h"
#include "resolver/query.h"
#include "resolver/querylog.h"
#include "resolver/settings.h"

#include <stddef.h>
#include <stdint.h>

struct serve {
    struct query_env env;
    struct settings *settings; /* held */
    struct counters *counters; /* borrowed */
    struct query query;        /* used again for each query */
    struct waiter *waiting;    /* the query just looked at waits for upstream as this; NULL: it does not */
    struct memo *memo;         /* borrowed; NULL: nothing is remembered */
    struct querylog log;
};

/* `settings` gets one more holder. The generation is set by serve_adopt before the first query; the forwarder, if there
 * is one, by serve_forward. */
void serve_init(struct serve *serve, struct settings *settings, struct counters *counters);
/* Writes the log's rest and lets go of the settings; the generation is the caller's. */
void serve_clear(struct serve *serve);

/* Use a generation, borrowed, from the next query on. */
void serve_adopt(struct serve *serve, const struct generation *generation);
/* Use these settings from the next query on; takes the caller's hold, releases the old ones. */
void serve_configure(struct serve *serve, struct settings *settings);

/* Whom foreign questions go to; borrowed. NULL: nobody, they are SERVFAIL. */
void serve_forward(struct serve *serve, struct forwarder *forwarder);

/* Where answers are remembered; borrowed. */
void serve_remember(struct serve *serve, struct memo *memo);

/* The time of what follows, of the monotonic clock: for what upstream said. */
void serve_clock(struct serve *serve, uint64_t now_ms);

/* The beginning of a batch: the clock is read, for all its queries. */
void serve_begin(struct serve *serve);

/*
 * Answer one query as query_answer does: `reply` holds `capacity` bytes; returns the reply's size, 0: send nothing.
 * Counts and logs it; the log is written by serve_flush, once per batch. If serve->waiting is set, the reply comes
 * later: the caller fills in where it goes (waiter->path) before anything else is done.
 */
size_t serve_query(struct serve *serve, const struct client *client, const uint8_t *wire, size_t size, uint8_t *reply,
                   size_t capacity);

/*
 * The same for a query that may have been answered before, in two steps, the first for all of a batch: serve_seek finds
 * its place, `view` being the client's if no key and no subnet decides; serve_recall gives the answer that was kept
 * there, counted, or 0. Then comes serve_query, and serve_keep keeps what it wrote if it may be said again.
 */
void serve_seek(struct serve *serve, uint32_t view, const uint8_t *wire, size_t size, struct memo_key *key);
size_t serve_recall(struct serve *serve, const struct memo_key *key, const uint8_t *wire, size_t size, uint8_t *reply);
void serve_keep(struct serve *serve, const struct memo_key *key, const uint8_t *wire, size_t size, const uint8_t *reply,
                size_t reply_size);

/* The same for a query that waited, handed over by the forwarder. Then the caller ends it with serve_end, unless
 * serve->waiting is set: it waits again. */
size_t serve_waiter(struct serve *serve, struct waiter *waiter, uint8_t *reply, size_t capacity);
void serve_end(struct serve *serve, struct waiter *waiter);

/* The end of a batch. */
void serve_flush(struct serve *serve);

#endif

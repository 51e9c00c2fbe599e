/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker: a thread with its own event loop, sockets, buffers and counters. It holds one generation and answers from
 * nothing else; a new one is posted to it and taken between two batches, so that no query sees two.
 *
 * The functions here belong to the main thread.
 */
#ifndef SPLITVIEW_RESOLVER_WORKER_H
#define SPLITVIEW_RESOLVER_WORKER_H

#include "policy/generation.h"
#include "resolver/counters.h"
#include "resolver/listen.h"
#include "resolver/settings.h"
#include "resolver/tcp_quota.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stdint.h>

struct cache_request;
struct worker;

struct worker_options {
    uint32_t index;                /* which of the sockets of each listener are its own */
    struct listen_set *listen;     /* borrowed until worker_stop; its TCP sockets are taken */
    struct tcp_quota *quota;       /* shared by all workers; borrowed likewise */
    struct generation *generation; /* gets one more holder */
    struct settings *settings;     /* likewise */
    /* Called on the worker's thread when it has taken what was posted and has let go of the old. May be NULL. */
    void (*adopted)(void *context);
    void *context;
};

/* Start a thread that answers at once. IO with a message, NO_MEMORY. */
enum status worker_start(const struct worker_options *options, struct diag *diag, struct worker **worker);

/* Post a generation or settings: one more holder of each. A posted one that was not yet taken is replaced. */
void worker_adopt(struct worker *worker, struct generation *generation);
void worker_configure(struct worker *worker, struct settings *settings);

/* Post a request: it runs it once (cache_control.h), also if it is asked to stop before. One at a time. */
void worker_cache(struct worker *worker, struct cache_request *request);

/* Does it answer from `generation` (and from no other any more)? */
bool worker_serves(const struct worker *worker, const struct generation *generation);
/* Does it use `settings` (and no others any more)? */
bool worker_uses(const struct worker *worker, const struct settings *settings);

/* For reading (counters_get), as long as the worker lives. */
const struct counters *worker_counters(const struct worker *worker);

/* Ask it to end its batch, close its connections and stop; does not wait. */
void worker_stop(struct worker *worker);
/* Wait for that, and free it: generation and settings are released (the last release of a generation frees nothing:
 * the main thread holds each one until the end). NULL allowed. */
void worker_join(struct worker *worker);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_io: an exchange with its sockets and its timer in a libuv loop: what a worker needs to ask upstream servers.
 * One thread: the loop's.
 *
 * Nothing has to be done after exchange_ask: before the loop waits, the timer is set to what is due next.
 */
#ifndef SPLITVIEW_RESOLVER_UPSTREAM_IO_H
#define SPLITVIEW_RESOLVER_UPSTREAM_IO_H

#include "resolver/exchange.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct upstream_io;

struct upstream_io_options {
    uint32_t questions_max;            /* under way in total */
    struct counters *counters;         /* borrowed; NULL: nobody counts */
    void (*batch_done)(void *context); /* NULL: nobody. Called in a turn of the loop, before it waits, when questions
                                          may have ended in it: time to send what their askers get. It may ask. */
    void *context;
};

/* NO_MEMORY; IO with a message. *io is NULL then, and the loop has to run until its handles are closed. */
enum status upstream_io_new(uv_loop_t *loop, const struct upstream_io_options *options, struct diag *diag,
                            struct upstream_io **io);

struct exchange *upstream_io_exchange(struct upstream_io *io);

/* Close everything; what is under way ends without a word. `io` frees itself while the loop runs on: it is not to be
 * touched any more. NULL allowed. Not from inside a callback of the exchange or batch_done. */
void upstream_io_close(struct upstream_io *io);

#endif

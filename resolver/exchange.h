/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exchange: questions to upstream resolvers, under way: which server, when again, over what, until when. A state
 * machine without sockets and without a clock: it sends through `struct exchange_transport` and is told what arrives
 * and what time it is (milliseconds of a monotonic clock). One thread.
 *
 * A question goes to the server that answers fastest, at times to another one. What is not answered in time is sent
 * again, to the next server, with a new ID, port and case; answers to the first try and to the newest of the others are
 * still taken, EXCHANGE_OPEN_MAX in all, so that a forger has few to hit. A server that is silent, unreachable or fails
 * what others answer is held down and probed by a real question beside the live one (upstream.h has the numbers). What
 * this side is short of is not the server's fault. TC, a wrong case and too many forgeries lead to TCP (RFC 7766,
 * RFC 5452).
 *
 * Memory: about 2.5 KB for each question under way, in one block.
 */
#ifndef SPLITVIEW_RESOLVER_EXCHANGE_H
#define SPLITVIEW_RESOLVER_EXCHANGE_H

#include "resolver/cached.h"
#include "resolver/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

#define EXCHANGE_FOREIGN_MAX 16 /* replies to other questions, before one question goes on over TCP */
#define EXCHANGE_OPEN_MAX    4  /* tries over UDP that one question takes an answer to: each is one more to forge */

/* What became of a try that was to be sent. */
enum exchange_sent {
    EXCHANGE_SENT,
    EXCHANGE_NO_ROOM,    /* this side is short of something (descriptors, memory, ports, IDs): not the server's fault */
    EXCHANGE_UNREACHABLE /* no way to the server, or it refuses */
};

/* How one try leaves. `handle` names a socket or connection and is valid, for this id, until forget is called with
 * both, or the exchange is told with both that it broke. None of these calls back into the exchange. */
struct exchange_transport {
    void *context;
    /* Send over UDP from a port of its own choosing that nobody outside can guess. The transport chooses the ID,
     * unpredictable and not in use on that socket, and writes it into wire[0..1]. *handle: only if it was sent. */
    enum exchange_sent (*send_udp)(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle);
    /* The same over a connection, kept for more questions. */
    enum exchange_sent (*send_tcp)(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle);
    /* No answer to `id` is waited for any more on `handle`. */
    void (*forget)(void *context, void *handle, uint16_t id);
    /* Bits for the case of letters, and the choice among servers. */
    uint64_t (*random)(void *context);
};

struct exchange_options {
    struct exchange_transport transport;
    uint32_t questions_max;    /* under way in total */
    struct counters *counters; /* borrowed; NULL: nobody counts */
};

struct exchange *exchange_new(const struct exchange_options *options); /* NULL: no memory */
/* Another bound from now on; what is under way goes on. Without memory the bound stays if it is to grow. */
void exchange_resize(struct exchange *exchange, uint32_t questions_max);
/* Drops what is under way without a word to anybody. NULL allowed. */
void exchange_free(struct exchange *exchange);

struct exchange_ask {
    struct cached_key key;
    struct reply_rules rules; /* policy and group: borrowed until `done`; the caller holds their generation */
};

/* Called once for each question that was taken: an answer, or a failure (rcode SERVFAIL with an RFC 8914 code: 14 it
 * could not be sent for EXCHANGE_NO_ROOM, 22 no server answered, 23 network error, or the upstream's own failure). The
 * callee holds it if it keeps it. It may ask again. */
typedef void exchange_done(void *context, struct cached *cached, uint64_t now_ms);

/* Begin. False: too many are under way, or no memory. `done` is never called before this returns. The key's name is
 * copied. */
bool exchange_ask(struct exchange *exchange, const struct exchange_ask *ask, exchange_done *done, void *context,
                  uint64_t now_ms);

/* What came on `handle`, over UDP or TCP. False: nothing under way there asked for it; many of these are a forger's. */
bool exchange_receive(struct exchange *exchange, void *handle, const uint8_t *wire, size_t size, uint64_t now_ms);
/* `handle` broke (refused, reset, unreachable): the question that left there with `id` goes on elsewhere, at once. To
 * be called for each ID that the transport has under way on it; it is not forgotten any more. */
void exchange_broken(struct exchange *exchange, void *handle, uint16_t id, uint64_t now_ms);
/* Somebody forges replies on `handle`: the question that left there with `id` goes on over TCP. */
void exchange_suspect(struct exchange *exchange, void *handle, uint16_t id, uint64_t now_ms);

/* Do what is due. Returns when to call again, in the clock of now_ms; UINT64_MAX: nothing is under way. */
uint64_t exchange_tick(struct exchange *exchange, uint64_t now_ms);

uint32_t exchange_count(const struct exchange *exchange); /* questions under way */

/* What is known of a server, for `status`. */
struct exchange_server {
    struct upstream_server server;
    uint32_t rtt_ms; /* smoothed; 0: not known */
    bool is_held;    /* it failed and is only probed */
    uint64_t asked;  /* tries */
    uint64_t timeouts;
};
typedef void exchange_visit(void *context, const struct exchange_server *server);
void exchange_walk(const struct exchange *exchange, exchange_visit *visit, void *context);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query: the spine. One query's bytes in, one reply's bytes out, the same for every transport.
 */
#ifndef SPLITVIEW_RESOLVER_QUERY_H
#define SPLITVIEW_RESOLVER_QUERY_H

#include "policy/generation.h"
#include "policy/prefix.h"
#include "policy/view.h"
#include "resolver/foresee.h"
#include "resolver/forwarder.h"
#include "resolver/keyring.h"
#include "resolver/message.h"
#include "resolver/tsig.h"
#include "zones/answer.h"

#include <stddef.h>
#include <stdint.h>

/* What a query may look at. Borrowed for the length of the call; one per worker. */
struct query_env {
    const struct generation *generation;
    uint16_t udp_payload;               /* bytes of an EDNS answer over UDP */
    const char *identity;               /* NULL or "": not told */
    uint32_t tcp_idle_ms;               /* for the keepalive option */
    const struct keyring *keys;         /* of TSIG; NULL: none */
    const struct prefix_map *trust_ecs; /* senders whose client subnet option is believed; NULL: none */
    struct forwarder *forwarder;        /* whom foreign questions go to; NULL: nobody */
    uint64_t now;                       /* seconds since 1970, read once a batch */
    uint64_t now_ms;                    /* of the monotonic clock, for the forwarder */
};

/*
 * One query's state. A worker has one, zeroed once, and uses it again; query_answer sets every field but the first
 * three.
 */
struct query {
    uint32_t sequence;               /* counts replies, for the order of records */
    const struct waiter *waiter;     /* what the query has waited for; NULL: it has just arrived */
    const struct foreseen *foreseen; /* what is known of it already; NULL: nothing */
    struct message message;          /* valid if `parsed` is not PARSE_DROP */
    enum parse_verdict parsed;
    struct reply_options options; /* what goes around the answer */
    struct view_match view;       /* .view is VIEW_NONE unless the question was decided */
    enum rcode rcode;             /* of the reply */
    unsigned withheld;            /* RRsets that the last leak check kept back */
    bool is_waiting;              /* no reply yet: `foreign` must be asked upstream */
    bool is_foreign;              /* upstream has a say in the answer */
    bool is_authentic;            /* all of the answer is upstream's, and its AD bit is believed */
    int foreign_error;            /* RFC 8914 code from upstream or about it; -1: none */
    struct foreign_question
        foreign;              /* what was asked for last; borrows from the query's bytes, answer and generation */
    struct tsig_session tsig; /* valid if message.tsig.present */
    struct answer answer;
};

/*
 * Answer `wire` into `reply`, which holds `capacity` bytes: at least 1232 over UDP, MESSAGE_SIZE_MAX over TCP. Returns
 * the reply's size; 0: send nothing. No lock, no system call; only the digests of a signed query allocate. `wire` and
 * `reply` do not overlap.
 *
 * A signed query is verified first and its key may choose the view; all replies to it are signed. The client subnet
 * option counts from senders in trust_ecs alone: then every decided reply repeats it, with the scope. From others it is
 * ignored and not repeated (RFC 7871 7.2.1), but a malformed one is FORMERR from anybody.
 *
 * query->is_waiting: the answer needs query->foreign from upstream, 0 is returned. When that is known, the same call is
 * made again, with query->waiter.
 */
size_t query_answer(const struct query_env *env, const struct client *client, const uint8_t *wire, size_t size,
                    uint8_t *reply, size_t capacity, struct query *query);

/* Instead of waiting: SERVFAIL, because too many wait. Right after query_answer, with its `env` and `reply`. Returns
 * the size. */
size_t query_give_up(const struct query_env *env, struct query *query, uint8_t *reply);

#endif

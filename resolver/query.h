/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query: the spine. One query's bytes in, one reply's bytes out, the same for every transport.
 */
#ifndef SPLITVIEW_RESOLVER_QUERY_H
#define SPLITVIEW_RESOLVER_QUERY_H

#include "policy/generation.h"
#include "policy/prefix.h"
#include "policy/view.h"
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
    uint64_t now;                       /* seconds since 1970, read once a batch */
};

/*
 * One query's state. A worker has one, zeroed once, and uses it again; query_answer sets every field but `sequence`.
 */
struct query {
    uint32_t sequence;      /* counts replies, for the order of records */
    struct message message; /* valid if `parsed` is not PARSE_DROP */
    enum parse_verdict parsed;
    struct view_match view;   /* .view is VIEW_NONE unless the question was decided */
    enum rcode rcode;         /* of the reply */
    unsigned withheld;        /* RRsets that the last leak check kept back */
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
 */
size_t query_answer(const struct query_env *env, const struct client *client, const uint8_t *wire, size_t size,
                    uint8_t *reply, size_t capacity, struct query *query);

#endif

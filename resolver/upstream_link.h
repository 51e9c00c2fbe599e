/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_link: what a UDP socket and a TCP connection to an upstream server share: the IDs under way on it, and where
 * unpredictable numbers come from. One thread.
 */
#ifndef SPLITVIEW_RESOLVER_UPSTREAM_LINK_H
#define SPLITVIEW_RESOLVER_UPSTREAM_LINK_H

#include "policy/forward.h"
#include "resolver/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define UPSTREAM_LINK_IDS      64   /* questions under way on one socket or connection */
#define UPSTREAM_ENTROPY_BYTES 4096 /* bytes fetched at once */

/* Bytes of getrandom(2), each used once: no system call for most numbers. Starts as all zero. */
struct upstream_entropy {
    uint8_t bytes[UPSTREAM_ENTROPY_BYTES];
    size_t left;
};

uint64_t upstream_entropy_u64(struct upstream_entropy *entropy);
uint16_t upstream_entropy_u16(struct upstream_entropy *entropy);

/* First in the sockets' and connections' structs: it is the exchange's handle. Starts as all zero but is_tcp. */
struct upstream_link {
    bool is_tcp;
    uint8_t used;                    /* ids[0..used) were taken at some time */
    uint64_t open;                   /* bit i: ids[i] is under way */
    uint16_t ids[UPSTREAM_LINK_IDS]; /* each other than the others */
};

/* A new ID that differs from the others remembered on the link. `reuses`: places of IDs that are no longer under way
 * are taken again; else a link serves UPSTREAM_LINK_IDS questions. False: no place. */
bool upstream_link_take(struct upstream_link *link, struct upstream_entropy *entropy, bool reuses, uint16_t *id);
/* It is not under way any more. Nothing happens if it was not. */
void upstream_link_give(struct upstream_link *link, uint16_t id);
/* It was taken here, and its place was not taken again: what comes with it is late at worst. */
bool upstream_link_knows(const struct upstream_link *link, uint16_t id);
/* Give any that is under way; false: there are none. */
bool upstream_link_pop(struct upstream_link *link, uint16_t *id);

static inline unsigned upstream_link_count(const struct upstream_link *link)
{
    return (unsigned)__builtin_popcountll(link->open);
}

/* What a failed system call says: is this side short of something (NO_ROOM), or is there no way to the server? */
enum exchange_sent upstream_link_blame(int error);

/* The socket address of a server; returns its size. */
socklen_t upstream_link_address(const struct upstream_server *server, struct sockaddr_storage *storage);

#endif

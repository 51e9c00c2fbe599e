/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waiter: a query that waits for an answer from upstream: its bytes, who asked, and the way back. Nothing else of it is
 * kept: when the answer is there, the spine runs again from the start. A worker's; one thread.
 */
#ifndef SPLITVIEW_RESOLVER_WAITER_H
#define SPLITVIEW_RESOLVER_WAITER_H

#include "policy/view.h"
#include "zones/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define WAITER_ROUNDS_MAX   8    /* questions upstream for one query; one that needs more is SERVFAIL */
#define WAITER_QUERY_MAX    4096 /* bytes of a query that may wait, over any transport: as long as one over UDP */
#define WAITER_CONTROL_SIZE 64   /* bytes of control data: one in6_pktinfo with its head */

struct flight;

/* Where the reply goes: a datagram's sender, or a connection. */
struct return_path {
    struct tcp_connection *connection; /* NULL: UDP */
    struct waiter *next;               /* of the same connection */
    int fd;                            /* of the listener's socket; the rest likewise for UDP alone */
    socklen_t peer_size;
    struct sockaddr_storage peer;
    size_t control_size;
    _Alignas(struct cmsghdr) uint8_t control[WAITER_CONTROL_SIZE];
};

struct waiter {
    struct waiter *next; /* in whatever list it stands */
    struct client client;
    struct return_path path;
    uint64_t begin;                            /* for the query log (querylog_begin) */
    struct flight *flights[WAITER_ROUNDS_MAX]; /* what it has waited for, held: their answers are given to the spine */
    uint8_t rounds;
    bool is_counted; /* against its client's limit */
    bool is_gone;    /* its connection has closed: no reply */
    uint16_t size;   /* bytes of the query */
    uint8_t wire[];
};

/* A copy of the query. NULL: no memory, or it is longer than WAITER_QUERY_MAX: thousands of 64 KB would wait at once.
 * The path is the caller's to fill. */
struct waiter *waiter_new(const struct client *client, const uint8_t *wire, size_t size, uint64_t begin);

#endif

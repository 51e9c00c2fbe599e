/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_tcp: questions to upstream servers over TCP, in a libuv loop (RFC 7766): connections are kept, many
 * questions are under way on one (pipelined), answers come in any order. One thread: the loop's.
 */
#ifndef SPLITVIEW_RESOLVER_UPSTREAM_TCP_H
#define SPLITVIEW_RESOLVER_UPSTREAM_TCP_H

#include "resolver/exchange.h"
#include "resolver/upstream_link.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define UPSTREAM_TCP_PER_SERVER  4         /* connections */
#define UPSTREAM_TCP_CONNECTIONS 128       /* to all servers */
#define UPSTREAM_TCP_BUSY        16        /* questions under way on each connection before there is one more */
#define UPSTREAM_TCP_IDLE_MS     10000     /* ms without a question; also ms without an answer */
#define UPSTREAM_TCP_CONNECT_MS  3000      /* ms */
#define UPSTREAM_TCP_STALL_MS    2000      /* ms without an answer that is waited for: others are preferred */
#define UPSTREAM_TCP_QUEUE_MAX   (1 << 16) /* bytes that wait to be sent on one connection */

struct upstream_tcp;

/* As upstream_udp_new. *tcp is NULL if it fails: NO_MEMORY, or IO with a message. */
enum status upstream_tcp_new(uv_loop_t *loop, struct exchange *exchange, struct upstream_entropy *entropy,
                             struct diag *diag, struct upstream_tcp **tcp);

/* As upstream_udp_free; the memory goes when the loop runs on. */
void upstream_tcp_free(struct upstream_tcp *tcp);

/* As struct exchange_transport says; `size` is at most REPLY_QUERY_MAX. NO_ROOM: no descriptor, port or memory, or all
 * connections that there may be are busy. */
enum exchange_sent upstream_tcp_send(struct upstream_tcp *tcp, const struct upstream_server *server, uint8_t *wire,
                                     size_t size, void **handle);
void upstream_tcp_forget(struct upstream_tcp *tcp, void *handle, uint16_t id);

/* As upstream_udp_settle. */
bool upstream_tcp_settle(struct upstream_tcp *tcp);

/* Messages taken, and ends of connections told, since the last call. */
size_t upstream_tcp_received(struct upstream_tcp *tcp);
size_t upstream_tcp_connections(const struct upstream_tcp *tcp); /* open now, or being opened */

#endif

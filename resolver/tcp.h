/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp: DNS over TCP (RFC 7766): two bytes of length before each message, any number of queries on a connection, sent
 * without waiting (pipelining), in pieces of any size. What a peer can make grow is bounded: connections in total and
 * per network (tcp_quota.h), unanswered bytes, bytes of answers not fetched, and time without a question.
 *
 * The answers to one read leave in one write. If the peer does not fetch them, the connection is no longer read from
 * until it does. A peer that closes its sending side still gets what it asked for. A connection is idle from its last
 * answered question; half a query does not count. One that fetches its answers slowly is kept as long as some
 * progress is seen at the end of each idle time.
 *
 * One worker's: everything runs on the thread of its loop. An answer needs no allocation unless the socket is full; a
 * connection needs one, and one more while it holds half a query.
 */
#ifndef SPLITVIEW_RESOLVER_TCP_H
#define SPLITVIEW_RESOLVER_TCP_H

#include "resolver/listen.h"
#include "resolver/serve.h"
#include "resolver/tcp_quota.h"
#include "zones/status.h"

#include <uv.h>

struct tcp_server;

/* All three are borrowed and outlive the server. IO with a message, NO_MEMORY. */
enum status tcp_server_new(uv_loop_t *loop, struct serve *serve, struct tcp_quota *quota, struct diag *diag,
                           struct tcp_server **server);

/* Accept on `*fd`, a listening socket of `listener` (borrowed); on success the server owns it, and *fd is -1. IO with a
 * message, NO_MEMORY. */
enum status tcp_server_listen(struct tcp_server *server, int *fd, const struct listener *listener, struct diag *diag);

/* Answer a query of a connection that waited for upstream, or let it wait again. It is taken over. Answers overtake each
 * other (RFC 7766 6.2.1.1). */
void tcp_server_answer(struct tcp_server *server, struct waiter *waiter);

/* The idle time may have changed. */
void tcp_server_configure(struct tcp_server *server);

/* Begin to close everything. The handles are gone when the loop has run out; then tcp_server_free. */
void tcp_server_close(struct tcp_server *server);
void tcp_server_free(struct tcp_server *server);

#endif

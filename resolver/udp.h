/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * udp: datagrams in batches: one recvmmsg, an answer to each encoded straight into the buffer it leaves from, one
 * sendmmsg. Knows no event loop. Between receive and send: no allocation, no lock, no clock, no other system call
 * (with the query log off).
 */
#ifndef SPLITVIEW_RESOLVER_UDP_H
#define SPLITVIEW_RESOLVER_UDP_H

#include "resolver/listen.h"
#include "resolver/serve.h"

#include <stddef.h>

#define UDP_BATCH      32   /* datagrams */
#define UDP_QUERY_MAX  4096 /* bytes; no query of one question needs more */
#define UDP_REPLY_SIZE 4096 /* bytes kept for each reply: the highest udp-payload */

/* The buffers of one worker, shared by its UDP sockets. */
struct udp_batch;

struct udp_batch *udp_batch_new(void); /* NULL: no memory */
void udp_batch_free(struct udp_batch *batch);

/*
 * Take what is waiting on `fd`, at most UDP_BATCH datagrams, and answer. `listener` is whose socket it is. Returns how
 * many were taken: fewer than UDP_BATCH means that the socket is empty. What the socket has no room for is dropped and
 * counted; a destination that the system refuses costs only its own reply.
 */
size_t udp_receive(struct udp_batch *batch, int fd, const struct listener *listener, struct serve *serve);

/* Replies that had to wait for upstream, gathered until udp_flush_late. */
struct udp_late;

struct udp_late *udp_late_new(void); /* NULL: no memory */
void udp_late_free(struct udp_late *late);

/* Answer a query that waited, or let it wait again. It is taken over. */
void udp_answer_late(struct udp_late *late, struct waiter *waiter, struct serve *serve);
/* Send what is gathered. */
void udp_flush_late(struct udp_late *late, struct serve *serve);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_udp: questions to upstream servers over UDP, in a libuv loop. One thread: the loop's.
 *
 * Each server has a set of at most UPSTREAM_UDP_LIVE sockets that take questions. A socket is bound to a port of
 * 1024..65535 drawn from getrandom(2) and connected, so that the kernel drops what does not come from the server's
 * address and port. A question leaves from one of them, drawn as well. A socket takes UPSTREAM_LINK_IDS questions or
 * works for UPSTREAM_UDP_AGE_MS, whichever ends first; then another one, with another port, takes its place, and it is
 * closed when its last answer came or was given up.
 *
 * What a forger who sees no traffic must guess for one try (RFC 5452): the port, one of 64,512 (16.0 bits), the ID,
 * one of 65,536 less the at most 63 others used on the socket (16.0 bits), the case of the letters where the group
 * mixes it (a bit a letter), and the server's own address. 32 bits and the letters: a million forged replies hit one
 * try with a chance of 1 in 4,200 without 0x20, 1 in 4 million with ten letters. Of the up to 28 tries of a question
 * EXCHANGE_OPEN_MAX (4) at most are open at once, each with numbers of its own: while the server is silent, 1 in 1,050
 * and 1 in a million. Replies with wrong IDs on one socket end it after UPSTREAM_UDP_STRAYS: its questions go on over
 * TCP.
 *
 * Why a bounded set of sockets that change, and not one for each question: a socket costs about a dozen system calls,
 * here shared by 64 questions; and descriptors stay bounded whatever the clients ask. Why they change: a port that
 * somebody finds out (ICMP rate limits told it in CVE-2020-25705) is good for 64 questions at most.
 */
#ifndef SPLITVIEW_RESOLVER_UPSTREAM_UDP_H
#define SPLITVIEW_RESOLVER_UPSTREAM_UDP_H

#include "resolver/exchange.h"
#include "resolver/upstream_link.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define UPSTREAM_UDP_START 4  /* live sockets of a server that is asked little */
#define UPSTREAM_UDP_LIVE  32 /* … and much */
#define UPSTREAM_UDP_SOCKETS                                                                                    \
    512                           /* in total, live or waiting for their last answers; but each server may have \
                                     UPSTREAM_UDP_START, however many others wait for one that is silent */
#define UPSTREAM_UDP_SERVERS 256  /* with sockets */
#define UPSTREAM_UDP_AGE_MS  5000 /* ms */
#define UPSTREAM_UDP_STRAYS  16   /* replies with wrong IDs on one socket */
#define UPSTREAM_UDP_BATCH   32   /* datagrams taken at once */
#define UPSTREAM_UDP_SIZE    4096 /* bytes; longer datagrams are cut */

struct upstream_udp;

/* `exchange` is told what comes, `entropy` gives numbers: both are borrowed until upstream_udp_free. NULL: no memory.
 */
struct upstream_udp *upstream_udp_new(uv_loop_t *loop, struct exchange *exchange, struct upstream_entropy *entropy);

/* Close all sockets, which the loop lets go when it runs on; the exchange is told nothing. NULL allowed. Not from
 * inside a callback of the exchange. */
void upstream_udp_free(struct upstream_udp *udp);

/* As struct exchange_transport says. NO_ROOM: no descriptor, port or memory, or UPSTREAM_UDP_SOCKETS are busy. */
enum exchange_sent upstream_udp_send(struct upstream_udp *udp, const struct upstream_server *server, uint8_t *wire,
                                     size_t size, void **handle);
void upstream_udp_forget(struct upstream_udp *udp, void *handle, uint16_t id);

/* Tell the exchange of sockets that were found broken while it was sending. Call before the loop waits. True: it was
 * told something. */
bool upstream_udp_settle(struct upstream_udp *udp);

/* Datagrams taken since the last call. */
size_t upstream_udp_received(struct upstream_udp *udp);
size_t upstream_udp_sockets(const struct upstream_udp *udp); /* open now */

#endif

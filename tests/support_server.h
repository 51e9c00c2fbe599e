/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * support_server: a generation of two views in memory and a query_env over it; queries from words, replies as text.
 */
#ifndef SPLITVIEW_TESTS_SUPPORT_SERVER_H
#define SPLITVIEW_TESTS_SUPPORT_SERVER_H

#include "resolver/serve.h"
#include "tests/support.h"

#include <stdbool.h>

enum support_view { SUPPORT_INTERNET, SUPPORT_INTERNAL, SUPPORT_VIEWS };

struct support_server {
    struct support_world worlds[SUPPORT_VIEWS];
    struct catalog catalogs[SUPPORT_VIEWS];
    uint32_t alike[SUPPORT_VIEWS];
    struct generation generation;
    struct prefix_map *trust_ecs;
    struct query_env env;
};

/* Views internet (any) and internal (127.10.0.0/16); senders in 127.20.0.0/16 are believed their client subnet; zones
 * are added to server->worlds before support_server_finish. */
void support_server_init(struct support_server *server);
void support_server_finish(struct support_server *server);
void support_server_clear(struct support_server *server);

/* What udp.c does with a datagram, without sockets: a worker that remembers its answers. */
struct support_worker {
    struct counters counters;
    struct serve serve;
};

void support_worker_init(struct support_worker *worker, const struct query_env *env);
void support_worker_clear(struct support_worker *worker);
size_t support_worker_ask(struct support_worker *worker, const struct client *client, const uint8_t *wire, size_t size,
                          uint8_t *reply, size_t capacity);

/*
 * Write a query from words: NAME TYPE [class=C] [id=N] [rd] [ad] [cd] [opcode=N] [edns=PAYLOAD] [version=N] [do] [nsid]
 * [keepalive] [option=CODE:HEX]. Returns its size.
 */
size_t support_query(const char *words, uint8_t *wire, size_t capacity);

/* Hex digits, blanks ignored, to bytes; returns how many. */
size_t support_hex(const char *text, uint8_t *bytes, size_t capacity);

/* A client at an address, by UDP or TCP. */
struct client support_client(const char *address, const char *transport);

/* A reply as lines, through ldns: header, EDNS, records; "(silence)" for size 0. Returns text to free(). */
char *support_reply_text(const uint8_t *reply, size_t size);

#endif

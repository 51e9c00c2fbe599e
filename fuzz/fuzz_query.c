/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole spine on a fixed deployment: first octet chooses client and transport, the rest is the packet. Every reply
 * must be one that ldns can read, and over UDP a worker that remembers its answers gives the same, again and again. */
#include "tests/support_server.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LONG_TEXT                                                                                                     \
    " \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""

static const char zone[] = "$TTL 3600\n"
                           "@ SOA ns hostmaster 1 7200 900 1209600 60\n"
                           " NS ns\n"
                           " NS ns.isp.example.\n"
                           " MX 10 mail\n"
                           " HTTPS 0 www\n"
                           "ns A 192.0.2.1\n"
                           "www A 192.0.2.2\n"
                           " AAAA 2001:db8::2\n"
                           " HTTPS 1 . alpn=h2\n"
                           "*.w TXT \"wild\"\n"
                           "*.c CNAME www\n"
                           "c1 CNAME c2\n"
                           "c2 CNAME c1\n"
                           "d DNAME e\n"
                           "www.e A 192.0.2.3\n"
                           "sub NS ns.sub\n"
                           "ns.sub A 192.0.2.4\n"
                           "_sip._tls SRV 0 0 443 www\n"
                           "a.b.c.ent TXT x\n"
                           "big TXT " LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT "\n";

/* Half of all IPv4 and IPv6 senders are believed. */
static struct prefix_map *make_trust(void)
{
    const struct prefix half4 = {{4, {0}}, 1};
    const struct prefix half6 = {{6, {0}}, 1};
    struct prefix_map *map = prefix_map_new();
    uint32_t other;
    prefix_map_add(map, &half4, 0, &other);
    prefix_map_add(map, &half6, 0, &other);
    prefix_map_freeze(map, PREFIX_NO_VALUE);
    return map;
}

static struct support_server *make_server(void)
{
    struct support_server *server = malloc(sizeof *server);
    support_server_init(server);
    for (unsigned view = 0; view < SUPPORT_VIEWS; view++)
        support_add_zone(&server->worlds[view], "x", zone, sizeof zone - 1);
    support_server_finish(server);
    server->env.trust_ecs = make_trust();
    server->env.now = 1796155200;
    return server;
}

static void check_worker(const struct query_env *env, const struct client *client, const uint8_t *wire, size_t size,
                         const uint8_t *wanted, size_t wanted_size)
{
    static struct support_worker *worker;
    static uint8_t reply[MESSAGE_SIZE_MAX];
    if (worker == NULL) {
        worker = malloc(sizeof *worker);
        support_worker_init(worker, env);
    }
    for (unsigned i = 0; i < 2; i++)
        if (support_worker_ask(worker, client, wire, size, reply, 1232) != wanted_size ||
            memcmp(reply, wanted, wanted_size) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct support_server *server;
    static struct query query;
    static uint8_t reply[MESSAGE_SIZE_MAX];
    if (server == NULL)
        server = make_server();
    if (size == 0)
        return 0;
    struct client client =
        support_client((data[0] & 1) != 0 ? "127.10.0.1" : "::1", (data[0] & 2) != 0 ? "tcp" : "udp");
    size_t capacity = client.transport == TRANSPORT_UDP ? 1232 : sizeof reply;
    size_t written = query_answer(&server->env, &client, data + 1, size - 1, reply, capacity, &query);
    if (client.transport == TRANSPORT_UDP)
        check_worker(&server->env, &client, data + 1, size - 1, reply, written);
    if (written == 0)
        return 0;
    ldns_pkt *packet = NULL;
    if (written > capacity || memcmp(reply, data + 1, 2) != 0)
        abort();
    /* ldns refuses classes and types it finds odd in questions only when the packet is broken. */
    if (ldns_wire2pkt(&packet, reply, written) != LDNS_STATUS_OK)
        abort();
    ldns_pkt_free(packet);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings: what workers need from splitview.conf and SIGHUP may change. Immutable and counted by holders, like a
 * generation; the last holder, on whatever thread, frees it and closes the query log.
 */
#ifndef SPLITVIEW_RESOLVER_SETTINGS_H
#define SPLITVIEW_RESOLVER_SETTINGS_H

#include "policy/prefix.h"
#include "policy/server.h"
#include "resolver/keyring.h"
#include "zones/status.h"

#include <stdatomic.h>
#include <stdint.h>

struct settings {
    char *identity; /* never NULL */
    uint16_t udp_payload;
    uint32_t tcp_idle_ms;
    uint32_t tcp_clients;
    uint32_t tcp_clients_per_network;
    size_t cache_bytes;                   /* of all workers together, as the next two */
    uint32_t forward_queries;             /* foreign questions under way */
    uint32_t forward_queries_per_client;  /* of them, of one client */
    struct prefix_map *trust_ecs; /* senders whose client subnet option is believed; NULL: none */
    struct keyring *keys;         /* of TSIG */
    int log_fd;                   /* its query log; STDERR_FILENO: not owned; -1: none */
    atomic_uint holders;
};

/* Opens the query log if there is to be one (a regular file or a character device: nothing that may have to be waited
 * for) and reads the files of TSIG keys. One holder. IO and BAD_INPUT with
 * messages, NO_MEMORY; warnings may come with success. */
enum status settings_new(const struct server_config *config, struct diag *diag, struct settings **settings);

void settings_hold(struct settings *settings);
/* NULL allowed. */
void settings_release(struct settings *settings);

#endif

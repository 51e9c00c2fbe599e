/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * server: what splitview.conf says: the settings of one machine. Immutable after server_config_read.
 */
#ifndef SPLITVIEW_POLICY_SERVER_H
#define SPLITVIEW_POLICY_SERVER_H

#include "policy/config.h"
#include "policy/limits.h"
#include "policy/prefix.h"
#include "policy/serial.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The build tells where the machine's configuration lies (--sysconfdir). */
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#define SERVER_CONFIG_PATH  SYSCONFDIR "/splitview/splitview.conf"
#define SERVER_IDENTITY_MAX 64 /* bytes; an answer of 512 bytes has room for it beside the longest question */

struct server_listen {
    struct address address;
    uint16_t port; /* 0: take a free one */
    uint32_t line;
};

/* Texts are never NULL; "" = not given. All owned. Sizes, times and ranges are those of options.def. */
struct server_config {
    struct server_listen *listen;
    size_t listen_count;
    char *store; /* folder */
    char *zones; /* repository or folder; "" allowed */
    char *branch;
    bool require_signed;   /* then allowed_signers is given */
    char *allowed_signers; /* file */
    char *control;         /* socket path; "": none */
    char *user;            /* to become after bind; "": stay */
    char *group;
    char *identity;                   /* for id.server and NSID; "": do not tell */
    uint32_t workers;                 /* 0: one per online CPU */
    uint32_t udp_payload;             /* bytes, EDNS answers over UDP */
    uint32_t tcp_idle_ms;             /* milliseconds */
    uint32_t tcp_clients;             /* connections in total */
    uint32_t tcp_clients_per_network; /* connections from one /24 or /56 */
    uint32_t receive_buffer;          /* bytes, SO_RCVBUF of UDP sockets */
    uint32_t keep_generations;
    uint64_t map_size;        /* bytes */
    uint64_t import_memory;   /* bytes */
    uint64_t cache_size;      /* bytes, answers of upstreams */
    uint32_t forward_queries; /* questions under way upstream, in total */
    uint32_t forward_queries_per_client;
    struct serial_options serial; /* its mode */
    struct limits limits;         /* on what an import may change */
    bool query_log;
    char *query_log_file;     /* "": standard error */
    struct prefix *trust_ecs; /* senders whose client subnet option is believed */
    size_t trust_ecs_count;
    char **tsig_keys; /* files */
    size_t tsig_key_count;
};

/* Read splitview.conf. IO (not readable), BAD_INPUT (also a key that is not supported yet), NO_MEMORY; with messages.
 * Paths are as written: relative ones count from the working directory. */
enum status server_config_read(const char *path, struct diag *diag, struct server_config **config);
void server_config_free(struct server_config *config);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listen: the sockets of the addresses in `listen`. For each address and worker one UDP and one TCP socket, bound with
 * SO_REUSEPORT so that the kernel spreads clients over workers; before that one bind without it, so that a second
 * server on the same port is noticed. IPv6 sockets are IPV6_V6ONLY. All sockets are non-blocking and close-on-exec.
 */
#ifndef SPLITVIEW_RESOLVER_LISTEN_H
#define SPLITVIEW_RESOLVER_LISTEN_H

#include "policy/prefix.h"
#include "policy/server.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LISTENER_TEXT_MAX (ADDRESS_TEXT_MAX + 7)

struct listener {
    struct address address;
    uint16_t port;    /* the real one, also where the configuration says 0 */
    bool is_wildcard; /* 0.0.0.0 or ::: the local address comes with each datagram, and replies leave from it */
    int *udp;         /* one per worker */
    int *tcp;         /* likewise, already listening; -1: taken by its worker */
};

struct listen_set {
    struct listener *listeners;
    size_t count;
    uint32_t workers;
    int receive_buffer; /* bytes that the system granted to a UDP socket, 0: none open. It counts its own overhead. */
};

/*
 * Open everything in config->listen. On failure nothing stays open. IO with a message ("127.0.0.1@5300: address in
 * use"), NO_MEMORY. The set is the caller's to listen_close.
 */
enum status listen_open(const struct server_config *config, uint32_t workers, struct diag *diag,
                        struct listen_set *set);
/* Closes what was not taken. */
void listen_close(struct listen_set *set);

/* "ADDRESS@PORT" */
void listener_to_text(const struct listener *listener, char text[LISTENER_TEXT_MAX]);

/* The address and port of a socket address; family 0 if it is neither IPv4 nor IPv6. */
struct address address_from_socket(const struct sockaddr *socket_address, uint16_t *port);

#endif

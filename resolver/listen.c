/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/listen.h"

#include "zones/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TCP_BACKLOG         1024
#define PORT_ATTEMPTS       64 /* how often a free port for both UDP and TCP is looked for */
#define PMTUDISC_OMIT_VALUE 5  /* IP_PMTUDISC_OMIT and IPV6_PMTUDISC_OMIT, missing in older headers */

struct address address_from_socket(const struct sockaddr *socket_address, uint16_t *port)
{
    *port = 0;
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, socket_address, sizeof v4);
        *port = ntohs(v4.sin_port);
        return address_from_bytes((const uint8_t *)&v4.sin_addr, 4);
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, socket_address, sizeof v6);
        *port = ntohs(v6.sin6_port);
        return address_from_bytes((const uint8_t *)&v6.sin6_addr, 16);
    }
    return (struct address){.family = 0};
}

static socklen_t to_socket_address(const struct address *address, uint16_t port, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (address->family == 4) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&v4.sin_addr, address->bytes, 4);
        memcpy(storage, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&v6.sin6_addr, address->bytes, 16);
    memcpy(storage, &v6, sizeof v6);
    return sizeof v6;
}

static bool is_wildcard(const struct address *address)
{
    static const uint8_t zero[16];

    return memcmp(address->bytes, zero, sizeof zero) == 0;
}

void listener_to_text(const struct listener *listener, char text[LISTENER_TEXT_MAX])
{
    char address[ADDRESS_TEXT_MAX];

    address_to_text(&listener->address, address);
    snprintf(text, LISTENER_TEXT_MAX, "%s@%u", address, listener->port);
}

static enum status failed(const struct listener *listener, int error, struct diag *diag)
{
    char text[LISTENER_TEXT_MAX];

    listener_to_text(listener, text);
    if (error == EADDRINUSE)
        return diag_fail(diag, STATUS_IO, NULL, "%s: address in use", text);
    if (error == EADDRNOTAVAIL)
        return diag_fail(diag, STATUS_IO, NULL, "%s: no such address on this machine", text);
    return diag_fail(diag, STATUS_IO, NULL, "%s: %s", text, strerror(error));
}

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* A bound socket; `shared`: with SO_REUSEPORT. -1 with errno set. */
static int open_bound(const struct listener *listener, int type, bool shared)
{
    struct sockaddr_storage storage;
    socklen_t size = to_socket_address(&listener->address, listener->port, &storage);
    int family = listener->address.family == 4 ? AF_INET : AF_INET6;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    int rc = 0;
    if (family == AF_INET6)
        rc = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    /* For TCP this only means that old connections in TIME_WAIT do not hinder a restart. */
    if (rc == 0 && type == SOCK_STREAM)
        rc = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0 && shared)
        rc = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0)
        rc = bind(fd, (const struct sockaddr *)&storage, size);
    if (rc == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Bind alone, to see that nobody else has the port. TCP must listen too: with SO_REUSEADDR a bind alone tells nothing.
 */
static int probe(const struct listener *listener, int type)
{
    int fd = open_bound(listener, type, false);

    if (fd >= 0 && type == SOCK_STREAM && listen(fd, 1) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int probe_both(const struct listener *listener)
{
    int error = 0;
    int tcp = probe(listener, SOCK_STREAM);

    if (tcp < 0)
        return errno;
    int udp = probe(listener, SOCK_DGRAM);
    if (udp < 0)
        error = errno;
    else
        close(udp);
    close(tcp);
    return error;
}

/* A port that is free for both. */
static int find_port(struct listener *listener)
{
    int error = EADDRINUSE;

    for (int attempt = 0; attempt < PORT_ATTEMPTS && error == EADDRINUSE; attempt++) {
        struct sockaddr_storage bound;
        socklen_t size = sizeof bound;
        listener->port = 0;
        int tcp = open_bound(listener, SOCK_STREAM, false);
        if (tcp < 0)
            return errno;
        int rc = getsockname(tcp, (struct sockaddr *)&bound, &size);
        error = rc == 0 ? 0 : errno;
        close(tcp);
        if (error != 0)
            return error;
        address_from_socket((const struct sockaddr *)&bound, &listener->port);
        error = probe_both(listener);
    }
    return error;
}

/* The reserve for bursts; more than the system's limit where we may. What is granted is what counts. */
static void set_receive_buffer(int fd, uint32_t wanted, struct listen_set *set)
{
    int granted = 0;
    socklen_t size = sizeof granted;

    if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)wanted) != 0)
        set_option(fd, SOL_SOCKET, SO_RCVBUF, (int)wanted);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, (int)wanted);
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size) == 0)
        set->receive_buffer = granted;
}

static int open_udp(const struct listener *listener, const struct server_config *config, struct listen_set *set)
{
    int fd = open_bound(listener, SOCK_DGRAM, true);

    if (fd < 0)
        return -1;
    set_receive_buffer(fd, config->receive_buffer, set);
    /* Answers are small enough not to need path MTU discovery, and a forged ICMP message must not shrink them; a
     * kernel that does not know the value is no reason to stop. */
    if (listener->address.family == 4)
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_OMIT_VALUE);
    else
        set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_OMIT_VALUE);
    int rc = 0;
    if (listener->is_wildcard && listener->address.family == 4)
        rc = set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
    else if (listener->is_wildcard)
        rc = set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (rc == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_tcp(const struct listener *listener)
{
    int fd = open_bound(listener, SOCK_STREAM, true);

    if (fd >= 0 && listen(fd, TCP_BACKLOG) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Settle the port, and see that nobody else serves there. All of this comes before the first socket stays open, so that
 * 0.0.0.0 beside 127.0.0.1 does not look like a second server. */
static enum status probe_listener(struct listener *listener, struct diag *diag)
{
    int error = listener->port == 0 ? find_port(listener) : probe_both(listener);

    return error == 0 ? STATUS_OK : failed(listener, error, diag);
}

static enum status open_listener(struct listen_set *set, struct listener *listener, const struct server_config *config,
                                 struct diag *diag)
{
    listener->udp = memory_alloc(set->workers * sizeof *listener->udp);
    listener->tcp = memory_alloc(set->workers * sizeof *listener->tcp);
    if (listener->udp == NULL || listener->tcp == NULL) {
        memory_free(listener->udp);
        memory_free(listener->tcp);
        listener->udp = NULL;
        listener->tcp = NULL;
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < set->workers; i++)
        listener->udp[i] = listener->tcp[i] = -1;
    for (uint32_t i = 0; i < set->workers; i++) {
        listener->udp[i] = open_udp(listener, config, set);
        if (listener->udp[i] < 0)
            return failed(listener, errno, diag);
        listener->tcp[i] = open_tcp(listener);
        if (listener->tcp[i] < 0)
            return failed(listener, errno, diag);
    }
    return STATUS_OK;
}

enum status listen_open(const struct server_config *config, uint32_t workers, struct diag *diag, struct listen_set *set)
{
    enum status status = STATUS_OK;

    *set = (struct listen_set){.workers = workers};
    set->listeners = memory_zalloc(config->listen_count, sizeof *set->listeners);
    if (set->listeners == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->listen_count && status == STATUS_OK; i++) {
        struct listener *listener = &set->listeners[set->count++];
        listener->address = config->listen[i].address;
        listener->port = config->listen[i].port;
        listener->is_wildcard = is_wildcard(&listener->address);
        status = probe_listener(listener, diag);
    }
    for (size_t i = 0; i < set->count && status == STATUS_OK; i++)
        status = open_listener(set, &set->listeners[i], config, diag);
    if (status != STATUS_OK)
        listen_close(set);
    return status;
}

void listen_close(struct listen_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        struct listener *listener = &set->listeners[i];
        for (uint32_t worker = 0; worker < set->workers && listener->udp != NULL; worker++) {
            if (listener->udp[worker] >= 0)
                close(listener->udp[worker]);
            if (listener->tcp[worker] >= 0)
                close(listener->tcp[worker]);
        }
        memory_free(listener->udp);
        memory_free(listener->tcp);
    }
    memory_free(set->listeners);
    *set = (struct listen_set){.count = 0};
}

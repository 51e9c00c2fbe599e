/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/upstream_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A server that cannot get random numbers must not ask anybody: its questions could be answered by everybody. */
static void refill(struct upstream_entropy *entropy)
{
    size_t got = 0;

    while (got < sizeof entropy->bytes) {
        ssize_t rc = getrandom(entropy->bytes + got, sizeof entropy->bytes - got, 0);
        if (rc < 0 && errno != EINTR)
            abort();
        if (rc > 0)
            got += (size_t)rc;
    }
    entropy->left = sizeof entropy->bytes;
}

static void draw(struct upstream_entropy *entropy, void *number, size_t size)
{
    if (entropy->left < size)
        refill(entropy);
    entropy->left -= size;
    memcpy(number, entropy->bytes + entropy->left, size);
    memset(entropy->bytes + entropy->left, 0, size);
}

uint64_t upstream_entropy_u64(struct upstream_entropy *entropy)
{
    uint64_t number;

    draw(entropy, &number, sizeof number);
    return number;
}

uint16_t upstream_entropy_u16(struct upstream_entropy *entropy)
{
    uint16_t number;

    draw(entropy, &number, sizeof number);
    return number;
}

bool upstream_link_knows(const struct upstream_link *link, uint16_t id)
{
    for (unsigned i = 0; i < link->used; i++)
        if (link->ids[i] == id)
            return true;
    return false;
}

bool upstream_link_take(struct upstream_link *link, struct upstream_entropy *entropy, bool reuses, uint16_t *id)
{
    unsigned place = link->used;

    if (reuses && link->open != UINT64_MAX)
        place = (unsigned)__builtin_ctzll(~link->open);
    if (place >= UPSTREAM_LINK_IDS)
        return false;
    do
        *id = upstream_entropy_u16(entropy);
    while (upstream_link_knows(link, *id));
    link->ids[place] = *id;
    link->open |= UINT64_C(1) << place;
    if (place == link->used)
        link->used++;
    return true;
}

void upstream_link_give(struct upstream_link *link, uint16_t id)
{
    for (unsigned i = 0; i < link->used; i++)
        if (link->ids[i] == id)
            link->open &= ~(UINT64_C(1) << i);
}

bool upstream_link_pop(struct upstream_link *link, uint16_t *id)
{
    if (link->open == 0)
        return false;
    *id = link->ids[__builtin_ctzll(link->open)];
    link->open &= link->open - 1;
    return true;
}

enum exchange_sent upstream_link_blame(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRINUSE:
    case EADDRNOTAVAIL: /* connect: no port is left */
        return EXCHANGE_NO_ROOM;
    default:
        return EXCHANGE_UNREACHABLE;
    }
}

socklen_t upstream_link_address(const struct upstream_server *server, struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (server->address.family == 4) {
        struct sockaddr_in *address = (struct sockaddr_in *)storage;
        address->sin_family = AF_INET;
        address->sin_port = htons(server->port);
        memcpy(&address->sin_addr, server->address.bytes, sizeof address->sin_addr);
        return sizeof *address;
    }
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(server->port);
    memcpy(&address->sin6_addr, server->address.bytes, sizeof address->sin6_addr);
    return sizeof *address;
}

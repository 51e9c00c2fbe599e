/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/upstream_udp.h"

#include "zones/memory.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_MIN      1024
#define PORT_TRIES    8 /* random ports, then one of the kernel's choice, which is random too (RFC 6056) */
#define OPEN_A_SOCKET 8 /* questions under way for which a server gets one more socket */
#define POOL_BUCKETS  64
#define SWEEP_MS      10 /* between two searches for sockets that may go */

struct udp_pool;

struct udp_socket {
    struct upstream_link link; /* first: a handle is its socket */
    uv_poll_t poll;
    struct udp_pool *pool;
    struct udp_socket *next_broken;
    uint64_t born_ms;
    int fd;
    uint32_t place;  /* in the pool's live sockets, while is_live */
    uint32_t strays; /* replies with IDs that were never used here */
    bool is_live;    /* takes questions */
    bool is_broken;  /* on the list */
};

/* The sockets of one server. */
struct udp_pool {
    struct udp_pool *next; /* in its bucket */
    struct upstream_server server;
    struct sockaddr_storage address;
    socklen_t address_size;
    uint32_t live_count;
    uint32_t socket_count; /* with those that wait for their last answers */
    uint32_t open;         /* questions under way */
    uint64_t used_ms;
    struct udp_socket *live[UPSTREAM_UDP_LIVE];
};

struct upstream_udp {
    uv_loop_t *loop;
    struct exchange *exchange;
    struct upstream_entropy *entropy;
    struct udp_pool *pools[POOL_BUCKETS];
    size_t pool_count;
    size_t socket_count;
    size_t received;
    uint64_t swept_ms;
    struct udp_socket *broken; /* list */
    struct mmsghdr heads[UPSTREAM_UDP_BATCH];
    struct iovec places[UPSTREAM_UDP_BATCH];
    uint8_t bytes[UPSTREAM_UDP_BATCH][UPSTREAM_UDP_SIZE];
};

static struct upstream_udp *owner(const struct udp_socket *socket)
{
    return socket->poll.data;
}

/* ---- the life of a socket ---- */

static void on_closed(uv_handle_t *handle)
{
    memory_free((uint8_t *)handle - offsetof(struct udp_socket, poll));
}

static void retire(struct udp_socket *socket)
{
    struct udp_pool *pool = socket->pool;

    if (!socket->is_live)
        return;
    socket->is_live = false;
    struct udp_socket *last = pool->live[--pool->live_count];
    pool->live[socket->place] = last;
    last->place = socket->place;
}

/* Nothing was under way on it: there is nobody to tell. */
static void forget_broken(struct upstream_udp *udp, struct udp_socket *socket)
{
    struct udp_socket **at = &udp->broken;

    while (socket->is_broken && *at != NULL && *at != socket)
        at = &(*at)->next_broken;
    if (socket->is_broken && *at == socket)
        *at = socket->next_broken;
    socket->is_broken = false;
}

static void socket_close(struct udp_socket *socket)
{
    struct upstream_udp *udp = owner(socket);

    retire(socket);
    forget_broken(udp, socket);
    socket->pool->socket_count--;
    udp->socket_count--;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    close(socket->fd);
}

static void close_if_over(struct udp_socket *socket)
{
    if (!socket->is_live && !socket->is_broken && socket->link.open == 0 &&
        !uv_is_closing((uv_handle_t *)&socket->poll))
        socket_close(socket);
}

static bool bind_port(int fd, int family, uint16_t port)
{
    if (family == AF_INET) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
        return bind(fd, (const struct sockaddr *)&any, sizeof any) == 0;
    }
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return bind(fd, (const struct sockaddr *)&any, sizeof any) == 0;
}

static bool bind_random(struct upstream_entropy *entropy, int fd, int family)
{
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        uint16_t port;
        do
            port = upstream_entropy_u16(entropy);
        while (port < PORT_MIN);
        if (bind_port(fd, family, port))
            return true;
        if (errno != EADDRINUSE && errno != EACCES)
            return false;
    }
    return bind_port(fd, family, 0);
}

/* A connected socket; -1: none, see errno. */
static int make_socket(struct upstream_entropy *entropy, const struct udp_pool *pool)
{
    int family = pool->address.ss_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int one = 1;
    int omit = family == AF_INET ? IP_PMTUDISC_OMIT : IPV6_PMTUDISC_OMIT;
    uint8_t early[1];

    if (fd < 0)
        return -1;
    /* What others say of the path's MTU is not believed: our questions are small, and EDNS says 1232 for the answers.
     */
    if (family == AF_INET) {
        setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
    } else {
        setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit, sizeof omit);
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    if (!bind_random(entropy, fd, family) ||
        connect(fd, (const struct sockaddr *)&pool->address, pool->address_size) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    /* What anybody sent between bind and connect. */
    while (recv(fd, early, sizeof early, MSG_DONTWAIT) >= 0)
        ;
    return fd;
}

static void on_readable(uv_poll_t *poll, int rc, int events);

/* NULL: none, and *why. */
static struct udp_socket *socket_new(struct upstream_udp *udp, struct udp_pool *pool, enum exchange_sent *why)
{
    struct udp_socket *made = memory_zalloc(1, sizeof *made);

    *why = EXCHANGE_NO_ROOM;
    if (made == NULL)
        return NULL;
    made->fd = make_socket(udp->entropy, pool);
    if (made->fd < 0)
        *why = upstream_link_blame(errno);
    if (made->fd < 0 || uv_poll_init(udp->loop, &made->poll, made->fd) != 0) {
        if (made->fd >= 0)
            close(made->fd);
        memory_free(made);
        return NULL;
    }
    made->poll.data = udp;
    made->pool = pool;
    made->born_ms = uv_now(udp->loop);
    made->is_live = true;
    made->place = pool->live_count;
    pool->live[pool->live_count++] = made;
    pool->socket_count++;
    udp->socket_count++;
    if (uv_poll_start(&made->poll, UV_READABLE, on_readable) != 0) {
        socket_close(made);
        return NULL;
    }
    return made;
}

/* Close live sockets of quiet servers, to make room. */
static void sweep(struct upstream_udp *udp)
{
    uint64_t now = uv_now(udp->loop);

    if (now < udp->swept_ms + SWEEP_MS)
        return;
    udp->swept_ms = now;
    for (size_t i = 0; i < POOL_BUCKETS; i++)
        for (struct udp_pool *pool = udp->pools[i]; pool != NULL; pool = pool->next)
            for (uint32_t place = pool->live_count; place > 0; place--)
                if (pool->live[place - 1]->link.open == 0)
                    socket_close(pool->live[place - 1]);
}

/* ---- servers ---- */

static struct udp_pool **pool_bucket(struct upstream_udp *udp, const struct upstream_server *server)
{
    uint32_t hash = server->port;

    for (size_t i = 0; i < sizeof server->address.bytes; i++)
        hash = (hash ^ server->address.bytes[i]) * 16777619;
    return &udp->pools[(hash ^ (hash >> 16)) % POOL_BUCKETS];
}

/* Forget the server that was not asked for the longest time and has no socket in use. */
static bool drop_pool(struct upstream_udp *udp)
{
    struct udp_pool **found = NULL;

    for (size_t i = 0; i < POOL_BUCKETS; i++)
        for (struct udp_pool **at = &udp->pools[i]; *at != NULL; at = &(*at)->next)
            if ((*at)->socket_count == (*at)->live_count && (*at)->open == 0 &&
                (found == NULL || (*at)->used_ms < (*found)->used_ms))
                found = at;
    if (found == NULL)
        return false;
    struct udp_pool *gone = *found;
    while (gone->live_count > 0)
        socket_close(gone->live[0]);
    *found = gone->next;
    memory_free(gone);
    udp->pool_count--;
    return true;
}

static struct udp_pool *pool_of(struct upstream_udp *udp, const struct upstream_server *server)
{
    struct udp_pool **bucket = pool_bucket(udp, server);
    struct udp_pool *pool = *bucket;

    while (pool != NULL &&
           (pool->server.port != server->port || !address_equal(&pool->server.address, &server->address)))
        pool = pool->next;
    if (pool != NULL)
        return pool;
    if (udp->pool_count == UPSTREAM_UDP_SERVERS && !drop_pool(udp))
        return NULL;
    pool = memory_zalloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->server = *server;
    pool->address_size = upstream_link_address(server, &pool->address);
    pool->next = *bucket;
    *bucket = pool;
    udp->pool_count++;
    return pool;
}

/* ---- sending ---- */

/* One view's silent upstream must not take the sockets of all others. */
static bool has_room(const struct upstream_udp *udp, const struct udp_pool *pool)
{
    return udp->socket_count < UPSTREAM_UDP_SOCKETS || pool->socket_count < UPSTREAM_UDP_START;
}

/* A live socket with room, opened if there are fewer than the load calls for; NULL: none, and *why. */
static struct udp_socket *pick(struct upstream_udp *udp, struct udp_pool *pool, enum exchange_sent *why)
{
    uint32_t wanted = UPSTREAM_UDP_START + pool->open / OPEN_A_SOCKET;
    uint64_t now = uv_now(udp->loop);

    *why = EXCHANGE_NO_ROOM;
    if (wanted > UPSTREAM_UDP_LIVE)
        wanted = UPSTREAM_UDP_LIVE;
    for (;;) {
        if (pool->live_count < wanted) {
            if (!has_room(udp, pool))
                sweep(udp);
            struct udp_socket *made = has_room(udp, pool) ? socket_new(udp, pool, why) : NULL;
            if (made != NULL || pool->live_count == 0)
                return made;
        }
        struct udp_socket *found = pool->live[upstream_entropy_u16(udp->entropy) % pool->live_count];
        if (now - found->born_ms < UPSTREAM_UDP_AGE_MS)
            return found;
        retire(found);
        close_if_over(found);
        if (pool->live_count == 0)
            wanted = 1;
    }
}

/* `error` was reported. What an ICMP message said is of those questions only that left before: the socket goes on, and
 * a dead server does not cost a new one for each question. Told later: the exchange may be at work just now. */
static void note_broken(struct udp_socket *socket, int error)
{
    struct upstream_udp *udp = owner(socket);

    if (error != ECONNREFUSED && error != EHOSTUNREACH && error != ENETUNREACH)
        retire(socket);
    if (socket->is_broken)
        return;
    socket->is_broken = true;
    socket->next_broken = udp->broken;
    udp->broken = socket;
}

/* One of the pool's sockets sends. */
static enum exchange_sent socket_send(struct upstream_udp *udp, struct udp_socket *socket, uint8_t *wire, size_t size)
{
    uint16_t id;

    if (!upstream_link_take(&socket->link, udp->entropy, false, &id))
        return EXCHANGE_NO_ROOM;
    wire[0] = (uint8_t)(id >> 8);
    wire[1] = (uint8_t)id;
    if (socket->link.used == UPSTREAM_LINK_IDS)
        retire(socket);
    ssize_t rc = send(socket->fd, wire, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    /* A full buffer, or a rule of the local firewall: lost like any other datagram on its way. */
    if (rc >= 0 || errno == EAGAIN || errno == ENOBUFS || errno == EPERM) {
        socket->pool->open++;
        return EXCHANGE_SENT;
    }
    int error = errno;
    upstream_link_give(&socket->link, id);
    note_broken(socket, error);
    return upstream_link_blame(error);
}

enum exchange_sent upstream_udp_send(struct upstream_udp *udp, const struct upstream_server *server, uint8_t *wire,
                                     size_t size, void **handle)
{
    struct udp_pool *pool = pool_of(udp, server);
    enum exchange_sent sent = EXCHANGE_NO_ROOM;

    if (pool == NULL)
        return EXCHANGE_NO_ROOM;
    pool->used_ms = uv_now(udp->loop);
    /* The error that a send reports may be that of an earlier datagram: another socket has another chance. */
    for (unsigned i = 0; i < 2; i++) {
        struct udp_socket *socket = pick(udp, pool, &sent);
        if (socket == NULL)
            break;
        sent = socket_send(udp, socket, wire, size);
        if (sent == EXCHANGE_SENT) {
            *handle = socket;
            break;
        }
    }
    return sent;
}

void upstream_udp_forget(struct upstream_udp *udp, void *handle, uint16_t id)
{
    struct udp_socket *socket = handle;

    (void)udp;
    assert(socket->pool->open > 0);
    socket->pool->open--;
    upstream_link_give(&socket->link, id);
    close_if_over(socket);
}

/* Tell of all that is under way on the socket now; what is sent there meanwhile is not meant. True: there was some. */
static bool tell_broken(struct upstream_udp *udp, struct udp_socket *socket)
{
    uint64_t meant = socket->link.open;

    for (unsigned i = 0; i < UPSTREAM_LINK_IDS; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if ((meant & socket->link.open & bit) == 0)
            continue;
        socket->link.open &= ~bit;
        socket->pool->open--;
        exchange_broken(udp->exchange, socket, socket->link.ids[i], uv_now(udp->loop));
    }
    return meant != 0;
}

bool upstream_udp_settle(struct upstream_udp *udp)
{
    bool has_told = false;

    while (udp->broken != NULL) {
        struct udp_socket *socket = udp->broken;
        udp->broken = socket->next_broken;
        has_told |= tell_broken(udp, socket);
        socket->is_broken = false;
        close_if_over(socket);
    }
    return has_told;
}

/* ---- receiving ---- */

/* A forger is at work on this port: it takes nothing more, and what left from it goes another way. */
static void give_up(struct udp_socket *socket)
{
    struct upstream_udp *udp = owner(socket);
    uint16_t ids[UPSTREAM_LINK_IDS];
    unsigned count = 0;

    retire(socket);
    for (unsigned i = 0; i < socket->link.used; i++)
        if ((socket->link.open >> i & 1) != 0)
            ids[count++] = socket->link.ids[i];
    /* The last of them closes the socket; its memory stays until the loop is back. */
    for (unsigned i = 0; i < count; i++)
        exchange_suspect(udp->exchange, socket, ids[i], uv_now(udp->loop));
    close_if_over(socket);
}

static void receive_batch(struct upstream_udp *udp, struct udp_socket *socket)
{
    int count = recvmmsg(socket->fd, udp->heads, UPSTREAM_UDP_BATCH, MSG_DONTWAIT, NULL);

    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            note_broken(socket, errno);
        return;
    }
    udp->received += (size_t)count;
    for (int i = 0; i < count; i++) {
        size_t size = udp->heads[i].msg_len;
        if (size < 2 || !upstream_link_knows(&socket->link, read_u16(udp->bytes[i])))
            socket->strays++;
        exchange_receive(udp->exchange, socket, udp->bytes[i], size, uv_now(udp->loop));
        if (uv_is_closing((uv_handle_t *)&socket->poll))
            return;
    }
    if (socket->strays >= UPSTREAM_UDP_STRAYS)
        give_up(socket);
}

static void on_readable(uv_poll_t *poll, int rc, int events)
{
    struct udp_socket *socket = (struct udp_socket *)((uint8_t *)poll - offsetof(struct udp_socket, poll));
    struct upstream_udp *udp = owner(socket);

    (void)events;
    receive_batch(udp, socket);
    /* libuv stops watching a socket with an error; the receive, or a send before, has fetched it. */
    if (rc != 0 && !uv_is_closing((uv_handle_t *)poll))
        uv_poll_start(poll, UV_READABLE, on_readable);
}

/* ---- all of them ---- */

struct upstream_udp *upstream_udp_new(uv_loop_t *loop, struct exchange *exchange, struct upstream_entropy *entropy)
{
    struct upstream_udp *udp = memory_zalloc(1, sizeof *udp);

    if (udp == NULL)
        return NULL;
    udp->loop = loop;
    udp->exchange = exchange;
    udp->entropy = entropy;
    for (size_t i = 0; i < UPSTREAM_UDP_BATCH; i++) {
        udp->places[i] = (struct iovec){.iov_base = udp->bytes[i], .iov_len = UPSTREAM_UDP_SIZE};
        udp->heads[i].msg_hdr = (struct msghdr){.msg_iov = &udp->places[i], .msg_iovlen = 1};
    }
    return udp;
}

static void close_one(uv_handle_t *handle, void *context)
{
    struct upstream_udp *udp = context;

    if (handle->type == UV_POLL && handle->data == udp && !uv_is_closing(handle)) {
        struct udp_socket *socket = (struct udp_socket *)((uint8_t *)handle - offsetof(struct udp_socket, poll));
        socket_close(socket);
    }
}

void upstream_udp_free(struct upstream_udp *udp)
{
    if (udp == NULL)
        return;
    /* Those that wait for their last answers are on no list of ours. */
    uv_walk(udp->loop, close_one, udp);
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        while (udp->pools[i] != NULL) {
            struct udp_pool *gone = udp->pools[i];
            udp->pools[i] = gone->next;
            memory_free(gone);
        }
    }
    memory_free(udp);
}

size_t upstream_udp_received(struct upstream_udp *udp)
{
    size_t received = udp->received;

    udp->received = 0;
    return received;
}

size_t upstream_udp_sockets(const struct upstream_udp *udp)
{
    return udp->socket_count;
}

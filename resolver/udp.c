/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/udp.h"

#include "resolver/foresee.h"
#include "zones/memory.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#define CONTROL_SIZE WAITER_CONTROL_SIZE

static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= CONTROL_SIZE, "IPV6_PKTINFO fits");
static_assert(CMSG_SPACE(sizeof(struct in_pktinfo)) <= CONTROL_SIZE, "IP_PKTINFO fits");

/* A datagram's place. The reply goes to the same name, and with the same control data, as the query came with. */
struct udp_slot {
    struct sockaddr_storage peer;
    struct iovec in;
    struct iovec out;
    alignas(struct cmsghdr) uint8_t control[CONTROL_SIZE];
    uint8_t query[UDP_QUERY_MAX];
    uint8_t reply[UDP_REPLY_SIZE];
};

struct udp_batch {
    struct mmsghdr received[UDP_BATCH];
    struct mmsghdr replies[UDP_BATCH];
    struct client clients[UDP_BATCH];
    struct foreseen foreseen[UDP_BATCH];
    struct prefetch prefetch[UDP_BATCH];
    struct memo_key keys[UDP_BATCH];
    struct udp_slot slots[UDP_BATCH];
};

struct udp_batch *udp_batch_new(void)
{
    struct udp_batch *batch = memory_zalloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    for (size_t i = 0; i < UDP_BATCH; i++) {
        struct udp_slot *slot = &batch->slots[i];
        slot->in = (struct iovec){.iov_base = slot->query, .iov_len = sizeof slot->query};
        slot->out = (struct iovec){.iov_base = slot->reply};
        batch->received[i].msg_hdr = (struct msghdr){.msg_name = &slot->peer, .msg_iov = &slot->in, .msg_iovlen = 1};
    }
    return batch;
}

void udp_batch_free(struct udp_batch *batch)
{
    memory_free(batch);
}

/* The kernel writes these sizes, so they are set before each call. */
static void prepare(struct udp_batch *batch, const struct listener *listener)
{
    for (size_t i = 0; i < UDP_BATCH; i++) {
        struct msghdr *header = &batch->received[i].msg_hdr;
        header->msg_namelen = sizeof batch->slots[i].peer;
        header->msg_control = listener->is_wildcard ? batch->slots[i].control : NULL;
        header->msg_controllen = listener->is_wildcard ? CONTROL_SIZE : 0;
        header->msg_flags = 0;
    }
}

/* The local address a datagram came to, and the control data turned into those of a reply that leaves from there: the
 * interface is left to the routing table. False: there is none, no reply is possible. */
static bool local_address(struct msghdr *header, struct address *address)
{
    struct cmsghdr *control = CMSG_FIRSTHDR(header);

    if (control == NULL)
        return false;
    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        *address = address_from_bytes((const uint8_t *)&info.ipi_addr, 4);
        info = (struct in_pktinfo){.ipi_spec_dst = info.ipi_addr};
        memcpy(CMSG_DATA(control), &info, sizeof info);
        header->msg_controllen = CMSG_SPACE(sizeof info);
        return true;
    }
    if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(control), sizeof info);
        *address = address_from_bytes((const uint8_t *)&info.ipi6_addr, 16);
        /* Link-local addresses mean something only together with their interface. */
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(control), &info, sizeof info);
        header->msg_controllen = CMSG_SPACE(sizeof info);
        return true;
    }
    return false;
}

/* Who sent it and where to. False: nothing may be answered. */
static bool fill_client(struct msghdr *header, const struct listener *listener, struct client *client)
{
    *client = (struct client){.listen = listener->address, .listen_port = listener->port, .transport = TRANSPORT_UDP};
    client->source = address_from_socket(header->msg_name, &client->source_port);
    if (client->source.family == 0 || client->source_port == 0)
        return false;
    if (listener->is_wildcard && !local_address(header, &client->listen))
        return false;
    return client->source_port != client->listen_port || !address_equal(&client->source, &client->listen);
}

/* The way back for a reply that comes later. */
static void fill_path(struct return_path *path, const struct msghdr *header, int fd)
{
    path->fd = fd;
    path->peer_size = header->msg_namelen;
    memcpy(&path->peer, header->msg_name, header->msg_namelen);
    path->control_size = header->msg_control == NULL ? 0 : header->msg_controllen;
    if (path->control_size > 0)
        memcpy(path->control, header->msg_control, path->control_size);
}

/* Who asks, and which view they see. */
static void look_at_clients(struct udp_batch *batch, unsigned count, const struct listener *listener,
                            struct serve *serve)
{
    for (unsigned i = 0; i < count; i++) {
        struct client *client = &batch->clients[i];
        struct foreseen *foreseen = &batch->foreseen[i];
        if (!fill_client(&batch->received[i].msg_hdr, listener, client))
            client->source.family = 0;
        foresee_view(serve->env.generation, client, foreseen);
        serve_seek(serve, foreseen->view.view, batch->slots[i].query, batch->received[i].msg_len, &batch->keys[i]);
    }
}

/* The answers that are known; what the others will need is on its way to the caches afterwards. */
static void look_ahead(struct udp_batch *batch, unsigned count, struct serve *serve)
{
    for (unsigned i = 0; i < count; i++) {
        struct udp_slot *slot = &batch->slots[i];
        size_t size = batch->received[i].msg_len;
        batch->prefetch[i].catalog = NULL;
        slot->out.iov_len = 0;
        if (batch->clients[i].source.family != 0)
            slot->out.iov_len = serve_recall(serve, &batch->keys[i], slot->query, size, slot->reply);
        if (slot->out.iov_len == 0)
            foresee_name(serve->env.generation, slot->query, size, &batch->foreseen[i], &batch->prefetch[i]);
    }
    prefetch_finish(batch->prefetch, count);
}

/* Answer datagram number `i`; true if there is a reply to send. */
static bool answer(struct udp_batch *batch, unsigned i, int fd, struct serve *serve)
{
    struct udp_slot *slot = &batch->slots[i];
    const struct mmsghdr *received = &batch->received[i];
    const struct client *client = &batch->clients[i];
    size_t size = received->msg_len;

    if (client->source.family == 0) {
        counters_add(serve->counters, COUNTER_DROPPED_SOURCE, 1);
        return false;
    }
    /* What was cut is not parsed: of the header alone, a query that promises a question, it makes FORMERR. */
    if ((received->msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        counters_add(serve->counters, COUNTER_OVERSIZED, 1);
        size = MESSAGE_HEADER_SIZE;
    }
    serve->query.foreseen = &batch->foreseen[i];
    slot->out.iov_len = serve_query(serve, client, slot->query, size, slot->reply, sizeof slot->reply);
    serve->query.foreseen = NULL;
    serve_keep(serve, &batch->keys[i], slot->query, size, slot->reply, slot->out.iov_len);
    if (serve->waiting != NULL)
        fill_path(&serve->waiting->path, &received->msg_hdr, fd);
    return slot->out.iov_len > 0;
}

static void send_all(struct mmsghdr *replies, unsigned count, int fd, struct counters *counters)
{
    unsigned sent = 0;

    while (sent < count) {
        int rc = sendmmsg(fd, replies + sent, count - sent, 0);
        if (rc > 0) {
            sent += (unsigned)rc;
        } else if (rc < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
            counters_add(counters, COUNTER_SEND_FULL, count - sent);
            return;
        } else if (rc == 0 || errno != EINTR) { /* this one cannot be sent: the others can */
            counters_add(counters, COUNTER_SEND_ERRORS, 1);
            sent++;
        }
    }
}

size_t udp_receive(struct udp_batch *batch, int fd, const struct listener *listener, struct serve *serve)
{
    unsigned replies = 0;

    prepare(batch, listener);
    int count = recvmmsg(fd, batch->received, UDP_BATCH, MSG_DONTWAIT, NULL);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            counters_add(serve->counters, COUNTER_RECEIVE_ERRORS, 1);
        return 0;
    }
    serve_begin(serve);
    look_at_clients(batch, (unsigned)count, listener, serve);
    look_ahead(batch, (unsigned)count, serve);
    for (int i = 0; i < count; i++) {
        struct msghdr *header = &batch->received[i].msg_hdr;
        if (batch->slots[i].out.iov_len == 0 && !answer(batch, (unsigned)i, fd, serve))
            continue;
        batch->replies[replies++].msg_hdr = (struct msghdr){
            .msg_name = header->msg_name,
            .msg_namelen = header->msg_namelen,
            .msg_iov = &batch->slots[i].out,
            .msg_iovlen = 1,
            .msg_control = header->msg_control,
            .msg_controllen = header->msg_controllen,
        };
    }
    send_all(batch->replies, replies, fd, serve->counters);
    serve_flush(serve);
    return (size_t)count;
}

/* ---- replies that had to wait ---- */

struct udp_late {
    unsigned count;
    int fd; /* whose replies are gathered */
    struct mmsghdr replies[UDP_BATCH];
    struct return_path paths[UDP_BATCH];
    struct iovec out[UDP_BATCH];
    uint8_t bytes[UDP_BATCH][UDP_REPLY_SIZE];
};

struct udp_late *udp_late_new(void)
{
    return memory_zalloc(1, sizeof(struct udp_late));
}

void udp_late_free(struct udp_late *late)
{
    memory_free(late);
}

void udp_flush_late(struct udp_late *late, struct serve *serve)
{
    if (late->count > 0)
        send_all(late->replies, late->count, late->fd, serve->counters);
    late->count = 0;
}

void udp_answer_late(struct udp_late *late, struct waiter *waiter, struct serve *serve)
{
    if (late->count == UDP_BATCH || (late->count > 0 && late->fd != waiter->path.fd))
        udp_flush_late(late, serve);
    unsigned at = late->count;
    struct return_path *path = &late->paths[at];
    size_t size = serve_waiter(serve, waiter, late->bytes[at], UDP_REPLY_SIZE);
    if (serve->waiting != NULL)
        return;
    *path = waiter->path;
    serve_end(serve, waiter);
    if (size == 0)
        return;
    late->fd = path->fd;
    late->out[at] = (struct iovec){.iov_base = late->bytes[at], .iov_len = size};
    late->replies[at].msg_hdr = (struct msghdr){
        .msg_name = &path->peer,
        .msg_namelen = path->peer_size,
        .msg_iov = &late->out[at],
        .msg_iovlen = 1,
        .msg_control = path->control_size > 0 ? path->control : NULL,
        .msg_controllen = path->control_size,
    };
    late->count++;
}

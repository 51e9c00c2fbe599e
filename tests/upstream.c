/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream: a resolver that does what the names it is asked for say, over UDP and TCP.
 *
 *     upstream [--identity NAME] [--loss PERCENT] [--seed N] [--dead] ADDRESS@PORT…
 *     upstream --expect IDENTITY NAME [AAAA]
 *
 * Answers A, AAAA and TXT of every name with data that depends on the name and on --identity ("upstream"), anything
 * else with NODATA. Labels of the name change that: their words are in tests/upstream_data.h, so
 * drop2.www.foreign.example is answered when asked for the third time. --loss drops so many of a hundred questions over
 * UDP, by a generator that starts at --seed. --dead listens, counts and never answers, as if there was nobody. Port 0:
 * a free one, the same for UDP and TCP. Prints "listening on ADDRESS@PORT" for each address, "ready", and "held NAME"
 * for each question that waits for release.upstream. Ends when standard input does.
 *
 * Control questions are TXT CH: those of tests/upstream_book.h, and release.upstream: all that is held is answered, in
 * the order it came; release-reverse.upstream: the last one first; the answer is how many. Control questions are never
 * lost and not counted.
 *
 * --expect prints the address that a resolver called IDENTITY gives a name.
 */
#include "tests/upstream_book.h"
#include "tests/upstream_reply.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX   16
#define CONNECTIONS_MAX 512
#define HELD_MAX        4096
#define QUESTION_MAX    4096
#define DATAGRAMS_TURN  256 /* read from one socket before the others get their turn */
#define BIND_TRIES      50
#define BUFFER_SIZE     (4 << 20)
#define SMALL_PAYLOAD   512
#define OWN_PAYLOAD     1232 /* no larger datagram is sent, whoever would take it */

/* Who asked, and how. */
struct channel {
    int fd;
    unsigned connection; /* its number, 0: UDP */
    struct sockaddr_storage peer;
    socklen_t peer_size;
};

struct connection {
    int fd; /* -1: free */
    unsigned number;
    size_t size;
    uint8_t bytes[2 + QUESTION_MAX];
};

struct held_question {
    struct channel channel;
    struct upstream_question question;
};

struct scripted {
    const char *identity;
    unsigned long loss;
    uint64_t random;
    bool is_dead;
    struct upstream_book *book;
    struct {
        int udp, tcp;
    } listeners[ADDRESSES_MAX];
    size_t listener_count;
    struct connection connections[CONNECTIONS_MAX];
    struct held_question held[HELD_MAX];
    size_t held_count;
    struct held_question late; /* `later`: waits for the next question */
    bool has_late;
    struct upstream_message reply;
};

static bool is_lost(struct scripted *upstream)
{
    upstream->random = upstream->random * 6364136223846793005u + 1442695040888963407u;
    return (upstream->random >> 33) % 100 < upstream->loss;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    struct sockaddr_in6 v6;

    memcpy(&v6, address, sizeof v6); /* the port stands where that of IPv4 does */
    return ntohs(v6.sin6_port);
}

/* ---- replies ---- */

/* The connection may be gone, and its descriptor another's. */
static bool is_alive(const struct scripted *upstream, const struct channel *channel)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (upstream->connections[i].fd == channel->fd && upstream->connections[i].number == channel->connection)
            return true;
    return false;
}

static void send_stream(int fd, const struct upstream_message *reply)
{
    uint8_t frame[2 + UPSTREAM_MESSAGE_MAX] = {(uint8_t)(reply->size >> 8), (uint8_t)reply->size};
    size_t size = reply->size + 2;

    memcpy(frame + 2, reply->bytes, reply->size);
    for (size_t done = 0; done < size;) {
        ssize_t sent = send(fd, frame + done, size - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

/* From another port of the address that was asked. */
static void send_elsewhere(const struct channel *channel, const struct upstream_message *reply)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    int fd = socket(channel->peer.ss_family, SOCK_DGRAM, 0);

    if (fd < 0 || getsockname(channel->fd, (struct sockaddr *)&own, &size) != 0)
        wire_die("socket: %s", strerror(errno));
    if (own.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&own)->sin6_port = 0;
    else
        ((struct sockaddr_in *)&own)->sin_port = 0;
    if (bind(fd, (struct sockaddr *)&own, size) != 0)
        wire_die("bind: %s", strerror(errno));
    sendto(fd, reply->bytes, reply->size, 0, (const struct sockaddr *)&channel->peer, channel->peer_size);
    close(fd);
}

static void send_reply(struct scripted *upstream, const struct channel *channel)
{
    const struct upstream_message *reply = &upstream->reply;

    if (channel->connection == 0)
        sendto(channel->fd, reply->bytes, reply->size, 0, (const struct sockaddr *)&channel->peer, channel->peer_size);
    else if (is_alive(upstream, channel))
        send_stream(channel->fd, reply);
}

static size_t reply_limit(const struct channel *channel, const struct upstream_question *question)
{
    if (channel->connection != 0)
        return UPSTREAM_MESSAGE_MAX;
    if (question->conduct.truncated != 0)
        return 0;
    if (!question->has_edns || question->payload < SMALL_PAYLOAD)
        return SMALL_PAYLOAD;
    return question->payload < OWN_PAYLOAD ? question->payload : OWN_PAYLOAD;
}

static void answer(struct scripted *upstream, const struct channel *channel, const struct upstream_question *question)
{
    const struct upstream_conduct *conduct = &question->conduct;

    if (conduct->wrong != WRONG_NOTHING) {
        upstream_reply_spoil(question, &upstream->reply);
        if (conduct->wrong == WRONG_PORT && channel->connection == 0)
            send_elsewhere(channel, &upstream->reply);
        else
            send_reply(upstream, channel);
        if (conduct->then == 0)
            return;
    }
    upstream_reply_make(upstream->identity, question, reply_limit(channel, question), &upstream->reply);
    send_reply(upstream, channel);
    if (conduct->twice != 0)
        send_reply(upstream, channel);
}

/* ---- questions ---- */

static size_t release(struct scripted *upstream, bool reverse)
{
    size_t count = upstream->held_count;

    for (size_t i = 0; i < count; i++) {
        const struct held_question *held = &upstream->held[reverse ? count - 1 - i : i];
        answer(upstream, &held->channel, &held->question);
    }
    upstream->held_count = 0;
    return count;
}

static void control(struct scripted *upstream, const struct channel *channel, const struct upstream_question *question)
{
    char text[512];

    if (strcmp(question->name, "release.upstream") == 0)
        snprintf(text, sizeof text, "%zu", release(upstream, false));
    else if (strcmp(question->name, "release-reverse.upstream") == 0)
        snprintf(text, sizeof text, "%zu", release(upstream, true));
    else if (!upstream_book_tell(upstream->book, question->name, text, sizeof text))
        snprintf(text, sizeof text, "unknown");
    upstream_reply_text(question, text, &upstream->reply);
    send_reply(upstream, channel);
}

/* Keep it for later. True: kept. */
static bool put_aside(struct scripted *upstream, const struct channel *channel,
                      const struct upstream_question *question)
{
    if (question->conduct.held != 0) {
        if (upstream->held_count == HELD_MAX)
            wire_die("too many are held");
        upstream->held[upstream->held_count++] = (struct held_question){*channel, *question};
        printf("held %s\n", question->name);
        fflush(stdout);
        return true;
    }
    if (question->conduct.late != 0 && !upstream->has_late) {
        upstream->late = (struct held_question){*channel, *question};
        upstream->has_late = true;
        return true;
    }
    return false;
}

/* False: the connection is to be closed. */
static bool take_question(struct scripted *upstream, const struct channel *channel, const uint8_t *wire, size_t size)
{
    struct upstream_question question;
    const struct upstream_conduct *conduct = &question.conduct;

    if (!upstream_question_read(wire, size, &question))
        return true;
    if (question.class == UPSTREAM_CLASS_CH) {
        control(upstream, channel, &question);
        return true;
    }
    unsigned long count = upstream_book_note(upstream->book, &question, port_of(&channel->peer), channel->connection);
    if (upstream->is_dead || conduct->silent != 0 || (channel->connection == 0 && count <= conduct->drops))
        return true;
    if (channel->connection == 0 && upstream->loss > 0 && is_lost(upstream))
        return true;
    if (channel->connection != 0 && conduct->closes != 0)
        return false;
    bool had_late = upstream->has_late;
    if (!put_aside(upstream, channel, &question))
        answer(upstream, channel, &question);
    if (had_late) {
        answer(upstream, &upstream->late.channel, &upstream->late.question);
        upstream->has_late = false;
    }
    return true;
}

static void read_datagrams(struct scripted *upstream, int fd)
{
    uint8_t wire[QUESTION_MAX];

    for (unsigned i = 0; i < DATAGRAMS_TURN; i++) {
        struct channel channel = {.fd = fd, .peer_size = sizeof channel.peer};
        ssize_t size =
            recvfrom(fd, wire, sizeof wire, MSG_DONTWAIT, (struct sockaddr *)&channel.peer, &channel.peer_size);
        if (size < 0)
            return;
        take_question(upstream, &channel, wire, (size_t)size);
    }
}

static void close_connection(struct connection *connection)
{
    close(connection->fd);
    connection->fd = -1;
}

static void read_stream(struct scripted *upstream, struct connection *connection)
{
    struct channel channel = {.fd = connection->fd, .connection = connection->number};
    ssize_t got = recv(connection->fd, connection->bytes + connection->size,
                       sizeof connection->bytes - connection->size, MSG_DONTWAIT);

    channel.peer_size = sizeof channel.peer;
    getpeername(connection->fd, (struct sockaddr *)&channel.peer, &channel.peer_size);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        close_connection(connection);
        return;
    }
    connection->size += (size_t)got;
    for (;;) {
        size_t size = connection->size < 2 ? 0 : (size_t)(connection->bytes[0] << 8 | connection->bytes[1]) + 2;
        if (size > sizeof connection->bytes || (size != 0 && connection->size >= size &&
                                                !take_question(upstream, &channel, connection->bytes + 2, size - 2))) {
            close_connection(connection);
            return;
        }
        if (size == 0 || connection->size < size)
            return;
        connection->size -= size;
        memmove(connection->bytes, connection->bytes + size, connection->size);
    }
}

static void accept_connection(struct scripted *upstream, int listener)
{
    struct timeval patience = {.tv_sec = 5};
    int fd = accept(listener, NULL, NULL);

    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &upstream->connections[i];
        if (connection->fd >= 0)
            continue;
        connection->fd = fd;
        connection->size = 0;
        connection->number = upstream_book_connection(upstream->book);
        return;
    }
    close(fd);
}

/* ---- start and loop ---- */

static int bind_socket(int kind, const struct sockaddr_storage *address, socklen_t size)
{
    int fd = socket(address->ss_family, kind, 0);
    int one = 1;
    int buffer = BUFFER_SIZE;

    if (fd < 0)
        wire_die("socket: %s", strerror(errno));
    if (kind == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    else if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (bind(fd, (const struct sockaddr *)address, size) == 0)
        return fd;
    close(fd);
    return -1;
}

static void listen_on(struct scripted *upstream, const char *text)
{
    if (upstream->listener_count == ADDRESSES_MAX)
        wire_die("too many addresses");
    for (unsigned i = 0; i < BIND_TRIES; i++) {
        struct sockaddr_storage address;
        socklen_t size = wire_address(text, &address);
        int udp = bind_socket(SOCK_DGRAM, &address, size);
        if (udp < 0 || getsockname(udp, (struct sockaddr *)&address, &size) != 0)
            wire_die("%s: %s", text, strerror(errno));
        int tcp = bind_socket(SOCK_STREAM, &address, size);
        if (tcp >= 0 && listen(tcp, CONNECTIONS_MAX) == 0) {
            upstream->listeners[upstream->listener_count].udp = udp;
            upstream->listeners[upstream->listener_count++].tcp = tcp;
            printf("listening on %.*s@%u\n", (int)strcspn(text, "@"), text, port_of(&address));
            return;
        }
        close(udp);
    }
    wire_die("%s: no port that is free for UDP and TCP", text);
}

static void serve(struct scripted *upstream, const struct pollfd *events)
{
    size_t listeners = upstream->listener_count;

    for (size_t i = 0; i < listeners; i++) {
        if (events[2 * i].revents != 0)
            read_datagrams(upstream, upstream->listeners[i].udp);
        if (events[2 * i + 1].revents != 0)
            accept_connection(upstream, upstream->listeners[i].tcp);
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &upstream->connections[i];
        const struct pollfd *event = &events[2 * listeners + i];
        if (event->fd >= 0 && event->revents != 0 && connection->fd == event->fd)
            read_stream(upstream, connection);
    }
}

static void run(struct scripted *upstream)
{
    static struct pollfd events[2 * ADDRESSES_MAX + CONNECTIONS_MAX + 1];
    size_t listeners = upstream->listener_count;
    size_t count = 2 * listeners + CONNECTIONS_MAX;
    char buffer[64];

    for (;;) {
        for (size_t i = 0; i < listeners; i++) {
            events[2 * i] = (struct pollfd){.fd = upstream->listeners[i].udp, .events = POLLIN};
            events[2 * i + 1] = (struct pollfd){.fd = upstream->listeners[i].tcp, .events = POLLIN};
        }
        for (size_t i = 0; i < CONNECTIONS_MAX; i++)
            events[2 * listeners + i] = (struct pollfd){.fd = upstream->connections[i].fd, .events = POLLIN};
        events[count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        if (poll(events, count + 1, -1) < 0 && errno != EINTR)
            wire_die("poll: %s", strerror(errno));
        if (events[count].revents != 0 && read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
            return;
        serve(upstream, events);
    }
}

static void expect(const char *identity, const char *name, bool is_v6)
{
    char key[UPSTREAM_NAME_MAX];
    char text[WIRE_TEXT_MAX];
    uint8_t address[16];

    upstream_key(name, key);
    if (is_v6)
        upstream_ipv6(identity, key, address);
    else
        upstream_ipv4(identity, key, address);
    puts(inet_ntop(is_v6 ? AF_INET6 : AF_INET, address, text, sizeof text));
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"identity", required_argument, NULL, 'i'}, {"loss", required_argument, NULL, 'l'},
        {"seed", required_argument, NULL, 's'},     {"dead", no_argument, NULL, 'd'},
        {"expect", no_argument, NULL, 'e'},         {NULL, 0, NULL, 0},
    };
    static struct scripted upstream = {.identity = "upstream", .random = 1};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'i')
            upstream.identity = optarg;
        else if (option == 'l')
            upstream.loss = wire_number(optarg);
        else if (option == 's')
            upstream.random = wire_number(optarg);
        else if (option == 'd')
            upstream.is_dead = true;
        else if (option != 'e' || argc - optind < 2)
            wire_die("see the head of tests/upstream.c");
        else
            return expect(argv[optind], argv[optind + 1], argc - optind > 2), 0;
    }
    if (optind == argc)
        wire_die("see the head of tests/upstream.c");
    upstream.book = upstream_book_new();
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        upstream.connections[i].fd = -1;
    for (int i = optind; i < argc; i++)
        listen_on(&upstream, argv[i]);
    puts("ready");
    fflush(stdout);
    run(&upstream);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client: what dig cannot do: a client of the control socket, odd datagrams, and TCP in unusual manners. Each command
 * prints one line and exits with 0 if it went as it should. A deadline of 20 seconds ends any wait, with status 2.
 * SERVER is ADDRESS@PORT; NAME is asked for with type A.
 *
 * - control SOCKET LINE: send the line (\n in it: several), print the answer lines
 * - flood SOCKET LINE N: send the line N times without fetching answers until the server stops reading, then fetch one
 *   answer to each
 * - datagram SERVER NAME HEX: send these bytes, then a query for NAME; print the replies' rcodes
 * - pipeline SERVER NAME N: N queries in one segment, N answers
 * - bytes SERVER NAME: a query in segments of one byte
 * - idle SERVER NAME: ask once, wait for the server to close; print the milliseconds
 * - half SERVER NAME: send half a query, byte by byte as long as the server listens
 * - halfclose SERVER NAME N: N queries, close the sending side, N answers and then the end
 * - slow SERVER NAME N: N queries without fetching answers until the server stops reading, then all
 * - stuck SERVER NAME N: the same, but never fetch: the server must close
 * - connections SERVER NAME N: N connections at once, one query on each; how many were answered, closed
 * - evict SERVER NAME N: open N connections, each asks; then ask again on each: how many still live
 * - empty SERVER NAME: a message of no bytes, then a query
 * - crowd SERVER NAME N M: open N connections with a query and one byte more on each, then M with a query
 * - stop SERVER NAME N PID: N datagrams to a process that is stopped and then is told to end; how many it answers
 */
#include "tests/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DEADLINE_S      20
#define FRAME_MAX       (2 + WIRE_QUERY_MAX)
#define REPLY_MAX       65535
#define STALL_MS        500 /* no room to send for so long: the server does not read */
#define CONNECTIONS_MAX 1000

static int connect_to(const char *server)
{
    struct sockaddr_storage address;
    socklen_t size = wire_address(server, &address);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);
    int one = 1;

    if (fd < 0)
        wire_die("socket: %s", strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", server, strerror(errno));
    return fd;
}

/* A query with its two bytes of length. */
static size_t make_frame(uint16_t id, const char *name, uint8_t frame[FRAME_MAX])
{
    size_t size = wire_query(id, name, 1, frame + 2);

    frame[0] = (uint8_t)(size >> 8);
    frame[1] = (uint8_t)size;
    return size + 2;
}

static bool send_bytes(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* False at the end of the stream, or if it was reset. */
static bool receive_bytes(int fd, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t received = recv(fd, bytes, size, 0);
        if (received <= 0)
            return false;
        bytes += received;
        size -= (size_t)received;
    }
    return true;
}

/* One reply; it must belong to the query with this ID. False at the end. */
static bool receive_reply(int fd, uint16_t id, const char *name)
{
    static uint8_t reply[REPLY_MAX];
    uint8_t query[WIRE_QUERY_MAX];
    uint8_t length[2];

    if (!receive_bytes(fd, length, 2))
        return false;
    size_t size = (size_t)length[0] << 8 | length[1];
    if (!receive_bytes(fd, reply, size))
        wire_die("the stream ended within a reply");
    if (!wire_is_reply(query, wire_query(id, name, 1, query), reply, size))
        wire_die("the reply does not belong to query %u", id);
    return true;
}

static bool ask(int fd, uint16_t id, const char *name)
{
    uint8_t frame[FRAME_MAX];
    size_t size = make_frame(id, name, frame);

    return send_bytes(fd, frame, size) && receive_reply(fd, id, name);
}

static int finish(bool good, const char *what, unsigned long number)
{
    printf("%s %lu\n", what, number);
    return good ? 0 : 1;
}

/* ---- commands ---- */

static int connect_control(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (strlen(path) >= sizeof name.sun_path)
        wire_die("the path is too long");
    memcpy(name.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&name, sizeof name) != 0)
        wire_die("%s: %s", path, strerror(errno));
    return fd;
}

/* Send bytes until all are gone or nobody has read for a while; returns how many were sent. */
static size_t send_while_read(int fd, const char *bytes, size_t size)
{
    struct pollfd event = {.fd = fd, .events = POLLOUT};
    size_t done = 0;

    while (done < size) {
        ssize_t sent = send(fd, bytes + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            done += (size_t)sent;
        else if (errno != EAGAIN || poll(&event, 1, STALL_MS) == 0)
            break;
    }
    return done;
}

static int run_flood(char **arguments)
{
    const char *line = arguments[1];
    size_t length = strlen(line) + 1;
    unsigned long count = wire_number(arguments[2]);
    char *lines = calloc(count, length);
    char buffer[65536];
    unsigned long answers = 0;
    ssize_t size;
    int fd = connect_control(arguments[0]);

    if (lines == NULL)
        wire_die("no memory");
    for (unsigned long i = 0; i < count; i++) {
        memcpy(lines + i * length, line, length - 1);
        lines[(i + 1) * length - 1] = '\n';
    }
    unsigned long sent = send_while_read(fd, lines, count * length) / length;
    free(lines);
    shutdown(fd, SHUT_WR);
    while ((size = recv(fd, buffer, sizeof buffer, 0)) > 0)
        for (ssize_t i = 0; i < size; i++)
            answers += buffer[i] == '\n' ? 1 : 0;
    return finish(sent < count && answers == sent, sent < count ? "stalled_after" : "never_stalled_in", sent);
}

static int run_control(char **arguments)
{
    char buffer[4096];
    ssize_t size;
    int fd = connect_control(arguments[0]);

    /* A server that has heard enough closes: its answer is read all the same. */
    if (send_bytes(fd, (const uint8_t *)arguments[1], strlen(arguments[1])))
        send_bytes(fd, (const uint8_t *)"\n", 1);
    shutdown(fd, SHUT_WR);
    while ((size = recv(fd, buffer, sizeof buffer, 0)) > 0)
        fwrite(buffer, 1, (size_t)size, stdout);
    return 0;
}

static size_t from_hex(const char *hex, uint8_t *bytes, size_t limit)
{
    size_t size = 0;

    for (; hex[0] != '\0' && hex[1] != '\0' && size < limit; hex += 2) {
        char digits[3] = {hex[0], hex[1], '\0'};
        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

/* Both come from one port, so one worker sees them in this order: silence is known without waiting for it. */
static int run_datagram(char **arguments)
{
    static uint8_t odd[REPLY_MAX];
    uint8_t query[WIRE_QUERY_MAX];
    uint8_t reply[4096];
    struct sockaddr_storage address;
    socklen_t address_size = wire_address(arguments[0], &address);
    size_t size = from_hex(arguments[2], odd, sizeof odd);
    size_t query_size = wire_query(0x5aa5, arguments[1], 1, query);
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, address_size) != 0)
        wire_die("%s: %s", arguments[0], strerror(errno));
    if (send(fd, odd, size, 0) < 0 || send(fd, query, query_size, 0) < 0)
        wire_die("send: %s", strerror(errno));
    for (;;) {
        ssize_t received = recv(fd, reply, sizeof reply, 0);
        if (received < 12)
            wire_die("a reply of %zd bytes", received);
        printf("%s%s", wire_is_reply(query, query_size, reply, (size_t)received) ? "then " : "", wire_rcode(reply));
        if (wire_is_reply(query, query_size, reply, (size_t)received))
            break;
        putchar(' ');
    }
    putchar('\n');
    return 0;
}

static int run_pipeline(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    uint8_t *frames = calloc(count, FRAME_MAX);
    size_t size = 0;
    unsigned long answered = 0;
    int fd = connect_to(arguments[0]);

    if (frames == NULL)
        wire_die("no memory");
    for (unsigned long i = 0; i < count; i++)
        size += make_frame((uint16_t)i, arguments[1], frames + size);
    send_bytes(fd, frames, size);
    free(frames);
    while (answered < count && receive_reply(fd, (uint16_t)answered, arguments[1]))
        answered++;
    return finish(answered == count, "answers", answered);
}

static int run_bytes(char **arguments)
{
    uint8_t frame[FRAME_MAX];
    size_t size = make_frame(7, arguments[1], frame);
    int fd = connect_to(arguments[0]);

    for (size_t i = 0; i < size; i++)
        if (!send_bytes(fd, frame + i, 1))
            wire_die("send: %s", strerror(errno));
    bool good = receive_reply(fd, 7, arguments[1]) && ask(fd, 8, arguments[1]);
    return finish(good, "answers", good ? 2 : 0);
}

static int run_idle(char **arguments)
{
    int fd = connect_to(arguments[0]);
    uint8_t byte;

    if (!ask(fd, 1, arguments[1]))
        wire_die("no answer");
    uint64_t begin = wire_now_ms();
    bool more = receive_bytes(fd, &byte, 1);
    return finish(!more, "closed_after_ms", (unsigned long)(wire_now_ms() - begin));
}

/* A byte each 100 ms, the time being measured by waiting for the server to close. */
static int run_half(char **arguments)
{
    uint8_t frame[FRAME_MAX];
    size_t size = make_frame(1, arguments[1], frame);
    int fd = connect_to(arguments[0]);
    struct pollfd event = {.fd = fd, .events = POLLIN};
    uint64_t begin = wire_now_ms();

    for (size_t i = 0; i < size - 1; i++) {
        if (!send_bytes(fd, frame + i, 1) || poll(&event, 1, 100) > 0)
            return finish(true, "closed_after_ms", (unsigned long)(wire_now_ms() - begin));
    }
    return finish(false, "open_after_ms", (unsigned long)(wire_now_ms() - begin));
}

static int run_halfclose(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    unsigned long answered = 0;
    uint8_t frame[FRAME_MAX];
    uint8_t byte;
    int fd = connect_to(arguments[0]);

    for (unsigned long i = 0; i < count; i++) {
        size_t size = make_frame((uint16_t)i, arguments[1], frame);
        if (!send_bytes(fd, frame, size))
            wire_die("send: %s", strerror(errno));
    }
    shutdown(fd, SHUT_WR);
    while (answered < count && receive_reply(fd, (uint16_t)answered, arguments[1]))
        answered++;
    bool ended = !receive_bytes(fd, &byte, 1);
    return finish(answered == count && ended, "answers", answered);
}

/* Send queries first..count until the server has not read for a while; returns how many were sent whole. A frame begun
 * is finished by the caller from frame + *done. */
static unsigned long send_until_stalled(int fd, const char *name, unsigned long count, size_t *done)
{
    uint8_t frame[FRAME_MAX];
    struct pollfd event = {.fd = fd, .events = POLLOUT};

    *done = 0;
    for (unsigned long i = 0; i < count; i++) {
        size_t size = make_frame((uint16_t)i, name, frame);
        for (*done = 0; *done < size;) {
            ssize_t sent = send(fd, frame + *done, size - *done, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent >= 0)
                *done += (size_t)sent;
            else if (errno != EAGAIN || poll(&event, 1, STALL_MS) == 0)
                return i;
        }
        *done = 0;
    }
    return count;
}

static int run_slow(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    uint8_t frame[FRAME_MAX];
    size_t done;
    int fd = connect_to(arguments[0]);
    unsigned long sent = send_until_stalled(fd, arguments[1], count, &done);
    unsigned long answered = 0;

    while (answered < sent && receive_reply(fd, (uint16_t)answered, arguments[1]))
        answered++;
    bool whole = answered == sent;
    if (whole && sent < count) { /* the one that was cut */
        size_t size = make_frame((uint16_t)sent, arguments[1], frame);
        whole = send_bytes(fd, frame + done, size - done) && receive_reply(fd, (uint16_t)sent, arguments[1]);
    }
    return finish(whole && sent < count, sent < count ? "stalled_after" : "never_stalled_in", sent);
}

static int run_stuck(char **arguments)
{
    size_t done;
    int fd = connect_to(arguments[0]);
    struct pollfd event = {.fd = fd, .events = 0};
    uint64_t begin = wire_now_ms();

    send_until_stalled(fd, arguments[1], wire_number(arguments[2]), &done);
    /* POLLERR or POLLHUP: the server has closed with our queries unread, that is, has reset the connection. */
    bool closed = poll(&event, 1, DEADLINE_S * 1000) > 0;
    return finish(closed, "closed_after_ms", (unsigned long)(wire_now_ms() - begin));
}

static int run_connections(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    unsigned long answered = 0;

    for (unsigned long i = 0; i < count; i++)
        if (ask(connect_to(arguments[0]), (uint16_t)i, arguments[1]))
            answered++;
    printf("answered %lu closed %lu\n", answered, count - answered);
    return 0;
}

static int run_evict(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    unsigned long answered = 0;
    unsigned long alive = 0;
    int fds[CONNECTIONS_MAX];

    if (count > CONNECTIONS_MAX)
        wire_die("too many");
    for (unsigned long i = 0; i < count; i++) {
        fds[i] = connect_to(arguments[0]);
        answered += ask(fds[i], (uint16_t)i, arguments[1]) ? 1 : 0;
    }
    for (unsigned long i = 0; i < count; i++)
        alive += ask(fds[i], (uint16_t)i, arguments[1]) ? 1 : 0;
    printf("answered %lu alive %lu\n", answered, alive);
    return 0;
}

static int run_crowd(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    unsigned long more = wire_number(arguments[3]);
    unsigned long answered = 0;
    uint8_t frame[FRAME_MAX + 1] = {0};

    /* In one segment, so that after the reply the byte has been read too. */
    for (unsigned long i = 0; i < count; i++) {
        int fd = connect_to(arguments[0]);
        size_t size = make_frame((uint16_t)i, arguments[1], frame);
        frame[size] = 0;
        if (!send_bytes(fd, frame, size + 1) || !receive_reply(fd, (uint16_t)i, arguments[1]))
            wire_die("connection %lu was not answered", i);
    }
    for (unsigned long i = 0; i < more; i++)
        answered += ask(connect_to(arguments[0]), (uint16_t)i, arguments[1]) ? 1 : 0;
    return finish(answered == more, "answered", answered);
}

/* How many datagrams the system gave up because the socket of the server was full is not to be seen from here: N must
 * be few enough. */
static int run_stop(char **arguments)
{
    unsigned long count = wire_number(arguments[2]);
    pid_t pid = (pid_t)wire_number(arguments[3]);
    struct sockaddr_storage address;
    socklen_t address_size = wire_address(arguments[0], &address);
    struct pollfd event = {.events = POLLIN};
    uint8_t query[WIRE_QUERY_MAX];
    uint8_t reply[4096];
    int room = 16 << 20;
    unsigned long answered = 0;
    int fd = socket(address.ss_family, SOCK_DGRAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, address_size) != 0)
        wire_die("%s: %s", arguments[0], strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    kill(pid, SIGSTOP);
    for (unsigned long i = 0; i < count; i++)
        if (send(fd, query, wire_query((uint16_t)i, arguments[1], 1, query), 0) < 0)
            wire_die("send: %s", strerror(errno));
    kill(pid, SIGTERM);
    kill(pid, SIGCONT);
    event.fd = fd;
    while (answered < count && poll(&event, 1, STALL_MS) > 0 && recv(fd, reply, sizeof reply, 0) > 0)
        answered++;
    return finish(answered == count, "answered", answered);
}

static int run_empty(char **arguments)
{
    static const uint8_t empty[2] = {0, 0};
    int fd = connect_to(arguments[0]);
    bool good = send_bytes(fd, empty, sizeof empty) && ask(fd, 3, arguments[1]);

    return finish(good, "answers", good ? 1 : 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int arguments;
        int (*run)(char **arguments);
    } commands[] = {
        {"control", 2, run_control},     {"datagram", 3, run_datagram},
        {"pipeline", 3, run_pipeline},   {"bytes", 2, run_bytes},
        {"idle", 2, run_idle},           {"half", 2, run_half},
        {"halfclose", 3, run_halfclose}, {"slow", 3, run_slow},
        {"stuck", 3, run_stuck},         {"connections", 3, run_connections},
        {"evict", 3, run_evict},         {"empty", 2, run_empty},
        {"flood", 3, run_flood},         {"crowd", 4, run_crowd},
        {"stop", 4, run_stop},
    };

    alarm(DEADLINE_S + 5);
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 == commands[i].arguments)
            return commands[i].run(argv + 2);
    wire_die("see the head of tests/client.c");
}

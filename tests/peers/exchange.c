/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/exchange.h"

#include "zones/memory.h"
#include "zones/rrset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW     48
#define TRIES_MAX  5
#define PATIENCE   700 /* ms until a question is repeated */
#define FRAME_MAX  (2 + 65535)
#define OUTPUT_MAX (WINDOW * (2 + QUESTION_WIRE_MAX))

/* A question under way. The ID is the slot's number and how often the slot was used. */
struct slot {
    bool used;
    uint16_t id;
    size_t index;
    unsigned tries;
    int64_t sent; /* ms */
};

struct exchange {
    const struct exchange_server *server;
    const struct question_list *list;
    struct raw_reply *replies;
    struct slot slots[WINDOW];
    size_t next; /* the first question that was not sent yet */
    unsigned under_way;
    bool tcp;
    int socket;
    uint8_t input[FRAME_MAX];
    size_t input_size;
    uint8_t output[OUTPUT_MAX];
    size_t output_size;
    unsigned fruitless; /* connections in a row that gave no reply */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool exchange_server_read(struct exchange_server *server, const char *text)
{
    const char *equals = strchr(text, '=');
    const char *at = strchr(text, '@');
    char address[INET_ADDRSTRLEN];
    *server = (struct exchange_server){.address = {.sin_family = AF_INET}};
    if (equals == NULL || at == NULL || at < equals || (size_t)(equals - text) >= sizeof server->name ||
        (size_t)(at - equals) > sizeof address)
        return false;
    memcpy(server->name, text, (size_t)(equals - text));
    memcpy(address, equals + 1, (size_t)(at - equals - 1));
    address[at - equals - 1] = '\0';
    server->address.sin_port = htons((uint16_t)strtoul(at + 1, NULL, 10));
    return inet_pton(AF_INET, address, &server->address.sin_addr) == 1;
}

static int connect_to(const struct exchange_server *server, int type)
{
    int handle = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    int size = 4 << 20;
    if (handle < 0)
        return -1;
    setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(handle, (const struct sockaddr *)&server->address, sizeof server->address) != 0) {
        close(handle);
        return -1;
    }
    fcntl(handle, F_SETFL, O_NONBLOCK);
    return handle;
}

/* Over TCP a slot's query goes into the output buffer, which has room for one of each slot at least. */
static void send_slot(struct exchange *exchange, struct slot *slot)
{
    uint8_t wire[QUESTION_WIRE_MAX];
    size_t size = question_write(&exchange->list->lines[slot->index], slot->id, wire);
    slot->sent = now_ms();
    slot->tries++;
    if (!exchange->tcp) {
        (void)!send(exchange->socket, wire, size, 0);
        return;
    }
    if (OUTPUT_MAX - exchange->output_size < size + 2)
        return;
    write_u16(exchange->output + exchange->output_size, (uint16_t)size);
    memcpy(exchange->output + exchange->output_size + 2, wire, size);
    exchange->output_size += size + 2;
}

static void fill_slots(struct exchange *exchange)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        struct slot *slot = &exchange->slots[i];
        while (exchange->next < exchange->list->count && exchange->list->lines[exchange->next].tcp != exchange->tcp)
            exchange->next++;
        if (slot->used || exchange->next == exchange->list->count ||
            OUTPUT_MAX - exchange->output_size < 2 + QUESTION_WIRE_MAX)
            continue;
        slot->used = true;
        slot->id = (uint16_t)(slot->id + WINDOW);
        if (slot->id % WINDOW != i)
            slot->id = (uint16_t)i;
        slot->index = exchange->next++;
        slot->tries = 0;
        exchange->under_way++;
        send_slot(exchange, slot);
    }
}

static bool take_reply(struct exchange *exchange, const uint8_t *wire, size_t size)
{
    if (size < 12)
        return true;
    uint16_t id = read_u16(wire);
    struct slot *slot = &exchange->slots[id % WINDOW];
    if (!slot->used || slot->id != id)
        return true;
    struct raw_reply *reply = &exchange->replies[slot->index];
    reply->wire = memory_alloc(size);
    if (reply->wire == NULL)
        return false;
    memcpy(reply->wire, wire, size);
    reply->size = size;
    slot->used = false;
    exchange->under_way--;
    exchange->fruitless = 0;
    return true;
}

/* Send again what got no reply; give up on what was sent often enough. */
static void repeat_late(struct exchange *exchange, bool all)
{
    int64_t now = now_ms();
    for (unsigned i = 0; i < WINDOW; i++) {
        struct slot *slot = &exchange->slots[i];
        if (!slot->used || (!all && now - slot->sent < PATIENCE))
            continue;
        if (slot->tries < TRIES_MAX) {
            send_slot(exchange, slot);
        } else {
            slot->used = false;
            exchange->under_way--;
        }
    }
}

static bool run_udp(struct exchange *exchange)
{
    exchange->socket = connect_to(exchange->server, SOCK_DGRAM);
    if (exchange->socket < 0)
        return false;
    bool fine = true;
    for (fill_slots(exchange); fine && exchange->under_way > 0; fill_slots(exchange)) {
        struct pollfd poll_fd = {.fd = exchange->socket, .events = POLLIN};
        if (poll(&poll_fd, 1, PATIENCE / 4) < 0 && errno != EINTR)
            break;
        ssize_t size;
        while (fine && (size = recv(exchange->socket, exchange->input, sizeof exchange->input, 0)) >= 0)
            fine = take_reply(exchange, exchange->input, (size_t)size);
        repeat_late(exchange, false);
    }
    close(exchange->socket);
    return fine;
}

static bool take_frames(struct exchange *exchange)
{
    size_t at = 0;
    while (exchange->input_size - at >= 2) {
        size_t size = read_u16(exchange->input + at);
        if (exchange->input_size - at - 2 < size)
            break;
        if (!take_reply(exchange, exchange->input + at + 2, size))
            return false;
        at += 2 + size;
    }
    memmove(exchange->input, exchange->input + at, exchange->input_size - at);
    exchange->input_size -= at;
    return true;
}

/* Returns false when the connection is at its end. */
static bool move_tcp(struct exchange *exchange, bool *fine)
{
    struct pollfd poll_fd = {.fd = exchange->socket, .events = POLLIN};
    if (exchange->output_size > 0)
        poll_fd.events |= POLLOUT;
    int ready = poll(&poll_fd, 1, PATIENCE * 4);
    if (ready < 0)
        return errno == EINTR;
    if (ready == 0)
        return false;
    if ((poll_fd.revents & POLLOUT) != 0) {
        ssize_t sent = send(exchange->socket, exchange->output, exchange->output_size, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN;
        exchange->output_size -= (size_t)sent;
        memmove(exchange->output, exchange->output + sent, exchange->output_size);
    }
    if ((poll_fd.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
        return true;
    ssize_t size = recv(exchange->socket, exchange->input + exchange->input_size, FRAME_MAX - exchange->input_size, 0);
    if (size <= 0)
        return size < 0 && errno == EAGAIN;
    exchange->input_size += (size_t)size;
    *fine = take_frames(exchange);
    return *fine;
}

static bool run_tcp(struct exchange *exchange)
{
    bool fine = true;
    fill_slots(exchange);
    while (fine && exchange->under_way > 0 && exchange->fruitless < TRIES_MAX) {
        exchange->fruitless++;
        exchange->input_size = exchange->output_size = 0;
        exchange->socket = connect_to(exchange->server, SOCK_STREAM);
        if (exchange->socket < 0)
            continue;
        repeat_late(exchange, true);
        while (exchange->under_way > 0 && move_tcp(exchange, &fine))
            fill_slots(exchange);
        close(exchange->socket);
        fill_slots(exchange);
    }
    return fine;
}

bool exchange_all(const struct exchange_server *server, const struct question_list *list, bool tcp,
                  struct raw_reply *replies)
{
    struct exchange *exchange = memory_zalloc(1, sizeof *exchange);
    if (exchange == NULL)
        return false;
    exchange->server = server;
    exchange->list = list;
    exchange->replies = replies;
    exchange->tcp = tcp;
    bool fine = tcp ? run_tcp(exchange) : run_udp(exchange);
    memory_free(exchange);
    return fine;
}

bool exchange_wait(const struct exchange_server *server, const struct question_line *line, int deadline_ms)
{
    uint8_t wire[QUESTION_WIRE_MAX];
    uint8_t reply[1500];
    size_t size = question_write(line, 1, wire);
    bool answered = false;
    for (int64_t end = now_ms() + deadline_ms; !answered && now_ms() < end;) {
        int handle = connect_to(server, SOCK_DGRAM);
        struct pollfd poll_fd = {.fd = handle, .events = POLLIN};
        if (handle < 0 || send(handle, wire, size, 0) < 0)
            poll_fd.fd = -1;
        /* A refused port wakes poll at once: the second poll is the pause between two attempts. */
        poll(&poll_fd, 1, 100);
        ssize_t got = handle < 0 ? -1 : recv(handle, reply, sizeof reply, 0);
        answered = got >= 12 && (read_u16(reply + 2) & 0x840f) == 0x8400;
        if (handle >= 0)
            close(handle);
        if (!answered)
            poll(NULL, 0, 50);
    }
    return answered;
}

unsigned exchange_free_port(void)
{
    for (unsigned attempt = 0; attempt < 50; attempt++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool is_free = tcp >= 0 && udp >= 0 && bind(tcp, (struct sockaddr *)&address, size) == 0 &&
                       getsockname(tcp, (struct sockaddr *)&address, &size) == 0 &&
                       bind(udp, (struct sockaddr *)&address, size) == 0;
        if (tcp >= 0)
            close(tcp);
        if (udp >= 0)
            close(udp);
        if (is_free)
            return ntohs(address.sin_port);
    }
    return 0;
}

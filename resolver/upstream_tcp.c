/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/upstream_tcp.h"

#include "zones/bytes.h"
#include "zones/memory.h"

#include <assert.h>
#include <string.h>

#define LENGTH_SIZE 2
#define FRAME_MAX   (LENGTH_SIZE + 65535)
#define READ_SIZE   16384
#define INPUT_MAX   (FRAME_MAX + READ_SIZE)
#define SWEEP_MS    1000 /* between two looks for connections that are idle or dead */

struct tcp_upstream {
    struct upstream_link link; /* first: a handle is its connection */
    uv_tcp_t handle;
    uv_connect_t connect;
    struct upstream_tcp *tcp;
    struct tcp_upstream *next; /* of all */
    struct tcp_upstream *next_broken;
    struct upstream_server server;
    struct bytes input; /* the start of a message */
    uint64_t active_ms; /* the last answer, or the first question after a pause */
    bool is_connected;
    bool is_broken; /* on the list; takes no questions */
};

struct upstream_tcp {
    uv_loop_t *loop;
    struct exchange *exchange;
    struct upstream_entropy *entropy;
    uv_timer_t timer;
    struct tcp_upstream *connections;
    struct tcp_upstream *broken;
    size_t count;
    size_t received;
    char bytes[READ_SIZE];
};

/* What the socket had no room for. */
struct tcp_rest {
    uv_write_t request;
    uint8_t bytes[];
};

/* ---- the end of a connection ---- */

static void on_closed(uv_handle_t *handle)
{
    struct tcp_upstream *connection = handle->data;

    bytes_clear(&connection->input);
    memory_free(connection);
}

static void connection_close(struct tcp_upstream *connection)
{
    struct upstream_tcp *tcp = connection->tcp;
    struct tcp_upstream **at = &tcp->connections;

    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    if (--tcp->count == 0)
        uv_timer_stop(&tcp->timer);
    uv_close((uv_handle_t *)&connection->handle, on_closed);
}

/* Settled later: the exchange may be at work just now. */
static void note_broken(struct tcp_upstream *connection)
{
    if (connection->is_broken)
        return;
    connection->is_broken = true;
    connection->next_broken = connection->tcp->broken;
    connection->tcp->broken = connection;
    uv_read_stop((uv_stream_t *)&connection->handle);
}

bool upstream_tcp_settle(struct upstream_tcp *tcp)
{
    bool has_told = false;
    uint16_t id;

    while (tcp->broken != NULL) {
        struct tcp_upstream *connection = tcp->broken;
        tcp->broken = connection->next_broken;
        while (upstream_link_pop(&connection->link, &id)) {
            exchange_broken(tcp->exchange, connection, id, uv_now(tcp->loop));
            has_told = true;
        }
        connection_close(connection);
    }
    return has_told;
}

/* A peer that neither connects nor answers, or that nobody asks. */
static void on_timer(uv_timer_t *timer)
{
    struct upstream_tcp *tcp = timer->data;
    uint64_t now = uv_now(tcp->loop);

    for (struct tcp_upstream *at = tcp->connections; at != NULL; at = at->next)
        if (now - at->active_ms >= (at->is_connected ? UPSTREAM_TCP_IDLE_MS : UPSTREAM_TCP_CONNECT_MS))
            note_broken(at);
}

/* ---- receiving ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct tcp_upstream *connection = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(connection->tcp->bytes, READ_SIZE);
}

/* Hand whole messages to the exchange; returns the bytes they took. */
static size_t take_messages(struct tcp_upstream *connection, const uint8_t *bytes, size_t size)
{
    struct upstream_tcp *tcp = connection->tcp;
    size_t at = 0;

    while (size - at >= LENGTH_SIZE && !connection->is_broken) {
        size_t length = read_u16(bytes + at);
        if (size - at - LENGTH_SIZE < length)
            break;
        tcp->received++;
        connection->active_ms = uv_now(tcp->loop);
        exchange_receive(tcp->exchange, connection, bytes + at + LENGTH_SIZE, length, uv_now(tcp->loop));
        at += LENGTH_SIZE + length;
    }
    return at;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct tcp_upstream *connection = stream->data;
    struct bytes *input = &connection->input;
    const uint8_t *bytes = (const uint8_t *)buffer->base;
    size_t size = count > 0 ? (size_t)count : 0;

    if (connection->is_broken || count == 0)
        return;
    if (count < 0) {
        note_broken(connection);
        return;
    }
    if (input->size > 0) {
        if (bytes_append(input, bytes, size) != STATUS_OK) {
            note_broken(connection);
            return;
        }
        size_t done = take_messages(connection, input->data, input->size);
        if (done > 0)
            memmove(input->data, input->data + done, input->size - done);
        input->size -= done;
        if (input->size == 0)
            bytes_clear(input);
        return;
    }
    size_t done = take_messages(connection, bytes, size);
    if (done < size && bytes_append(input, bytes + done, size - done) != STATUS_OK)
        note_broken(connection);
}

/* ---- connecting ---- */

static void on_connected(uv_connect_t *request, int rc)
{
    struct tcp_upstream *connection = request->data;

    if (rc == UV_ECANCELED || uv_is_closing((uv_handle_t *)&connection->handle))
        return;
    if (rc != 0 || uv_read_start((uv_stream_t *)&connection->handle, on_alloc, on_read) != 0) {
        note_broken(connection);
        return;
    }
    connection->is_connected = true;
    connection->active_ms = uv_now(connection->tcp->loop);
}

/* NULL: none, and *why. */
static struct tcp_upstream *connection_new(struct upstream_tcp *tcp, const struct upstream_server *server,
                                           enum exchange_sent *why)
{
    struct sockaddr_storage address;
    struct tcp_upstream *made = memory_zalloc(1, sizeof *made);

    if (made == NULL)
        return NULL;
    made->link.is_tcp = true;
    made->tcp = tcp;
    made->server = *server;
    made->active_ms = uv_now(tcp->loop);
    made->connect.data = made;
    bytes_init(&made->input, INPUT_MAX);
    upstream_link_address(server, &address);
    if (uv_tcp_init(tcp->loop, &made->handle) != 0) {
        memory_free(made);
        return NULL;
    }
    made->handle.data = made;
    int rc = uv_tcp_connect(&made->connect, &made->handle, (const struct sockaddr *)&address, on_connected);
    if (rc != 0) {
        *why = upstream_link_blame(-rc); /* libuv's errors are the system's, negative */
        uv_close((uv_handle_t *)&made->handle, on_closed);
        return NULL;
    }
    uv_tcp_nodelay(&made->handle, 1);
    made->next = tcp->connections;
    tcp->connections = made;
    if (tcp->count++ == 0)
        uv_timer_start(&tcp->timer, on_timer, SWEEP_MS, SWEEP_MS);
    return made;
}

/* ---- sending ---- */

static bool is_to(const struct tcp_upstream *connection, const struct upstream_server *server)
{
    return connection->server.port == server->port && address_equal(&connection->server.address, &server->address);
}

/* How many questions one more would wait behind. */
static unsigned load_of(const struct tcp_upstream *connection)
{
    uint64_t silent = uv_now(connection->tcp->loop) - connection->active_ms;

    if (connection->link.open != 0 && silent >= UPSTREAM_TCP_STALL_MS)
        return UPSTREAM_LINK_IDS;
    return upstream_link_count(&connection->link);
}

/* The connection with the fewest questions under way, or a new one if that has many; NULL: none, and *why. */
static struct tcp_upstream *pick(struct upstream_tcp *tcp, const struct upstream_server *server,
                                 enum exchange_sent *why)
{
    struct tcp_upstream *best = NULL;
    unsigned count = 0;

    for (struct tcp_upstream *at = tcp->connections; at != NULL; at = at->next) {
        if (at->is_broken || !is_to(at, server))
            continue;
        count++;
        if (best == NULL || load_of(at) < load_of(best))
            best = at;
    }
    if (best != NULL && (load_of(best) < UPSTREAM_TCP_BUSY || count == UPSTREAM_TCP_PER_SERVER ||
                         tcp->count == UPSTREAM_TCP_CONNECTIONS))
        return best;
    struct tcp_upstream *made = tcp->count < UPSTREAM_TCP_CONNECTIONS ? connection_new(tcp, server, why) : NULL;
    return made != NULL ? made : best;
}

static void on_written(uv_write_t *request, int rc)
{
    struct tcp_upstream *connection = request->data;

    memory_free(request);
    if (rc != 0 && rc != UV_ECANCELED && !uv_is_closing((uv_handle_t *)&connection->handle))
        note_broken(connection);
}

/* At once as far as the socket takes it, the rest as a copy when it does. */
static bool write_frame(struct tcp_upstream *connection, const uint8_t *frame, size_t size)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;
    uv_buf_t buffer = uv_buf_init((char *)frame, (unsigned)size);

    if (uv_stream_get_write_queue_size(stream) + size > UPSTREAM_TCP_QUEUE_MAX)
        return false;
    int sent = uv_try_write(stream, &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        note_broken(connection);
        return false;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == size)
        return true;
    struct tcp_rest *rest = memory_alloc(sizeof *rest + size - done);
    if (rest != NULL) {
        memcpy(rest->bytes, frame + done, size - done);
        rest->request.data = connection;
        buffer = uv_buf_init((char *)rest->bytes, (unsigned)(size - done));
        if (uv_write(&rest->request, stream, &buffer, 1, on_written) == 0)
            return true;
        memory_free(rest);
    }
    /* Half a message is on its way: nothing that follows can be read. */
    if (done > 0)
        note_broken(connection);
    return false;
}

enum exchange_sent upstream_tcp_send(struct upstream_tcp *tcp, const struct upstream_server *server, uint8_t *wire,
                                     size_t size, void **handle)
{
    uint8_t frame[LENGTH_SIZE + REPLY_QUERY_MAX];
    enum exchange_sent why = EXCHANGE_NO_ROOM;
    struct tcp_upstream *connection = pick(tcp, server, &why);
    uint16_t id;

    assert(size <= REPLY_QUERY_MAX);
    if (connection == NULL)
        return why;
    bool was_idle = connection->link.open == 0;
    if (!upstream_link_take(&connection->link, tcp->entropy, true, &id))
        return EXCHANGE_NO_ROOM;
    if (was_idle && connection->is_connected)
        connection->active_ms = uv_now(tcp->loop);
    write_u16(wire, id);
    write_u16(frame, (uint16_t)size);
    memcpy(frame + LENGTH_SIZE, wire, size);
    if (!write_frame(connection, frame, LENGTH_SIZE + size)) {
        upstream_link_give(&connection->link, id);
        return connection->is_broken ? EXCHANGE_UNREACHABLE : EXCHANGE_NO_ROOM;
    }
    *handle = connection;
    return EXCHANGE_SENT;
}

void upstream_tcp_forget(struct upstream_tcp *tcp, void *handle, uint16_t id)
{
    struct tcp_upstream *connection = handle;

    (void)tcp;
    upstream_link_give(&connection->link, id);
}

/* ---- all of them ---- */

enum status upstream_tcp_new(uv_loop_t *loop, struct exchange *exchange, struct upstream_entropy *entropy,
                             struct diag *diag, struct upstream_tcp **tcp)
{
    struct upstream_tcp *made = memory_zalloc(1, sizeof *made);

    *tcp = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->loop = loop;
    made->exchange = exchange;
    made->entropy = entropy;
    int rc = uv_timer_init(loop, &made->timer);
    if (rc != 0) {
        memory_free(made);
        return diag_fail(diag, STATUS_IO, NULL, "timer: %s", uv_strerror(rc));
    }
    made->timer.data = made;
    *tcp = made;
    return STATUS_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void upstream_tcp_free(struct upstream_tcp *tcp)
{
    if (tcp == NULL)
        return;
    while (tcp->connections != NULL)
        connection_close(tcp->connections);
    uv_close((uv_handle_t *)&tcp->timer, on_timer_closed);
}

size_t upstream_tcp_received(struct upstream_tcp *tcp)
{
    size_t received = tcp->received;

    tcp->received = 0;
    return received;
}

size_t upstream_tcp_connections(const struct upstream_tcp *tcp)
{
    return tcp->count;
}

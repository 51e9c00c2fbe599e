/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/tcp.h"

#include "zones/bytes.h"
#include "zones/memory.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#define LENGTH_SIZE 2
#define FRAME_MAX   (LENGTH_SIZE + MESSAGE_SIZE_MAX)
#define READ_SIZE   8192                    /* small, because libuv reads up to 32 times before others get a turn */
#define INPUT_MAX   (FRAME_MAX + READ_SIZE) /* bytes not yet answered on one connection */
#define INPUT_KEEP  1024                    /* bytes of that buffer that an idle connection may hold */
#define OUTPUT_SIZE (2 * FRAME_MAX)         /* answers gathered for one write */
#define QUEUE_HIGH  ((size_t)256 * 1024)    /* bytes of answers not fetched: stop reading */
#define QUEUE_LOW   ((size_t)64 * 1024)     /* go on reading */
#define QUEUE_MAX   ((size_t)1024 * 1024)   /* close: answers that had to wait come though nobody fetches */
#define BACKLOG     1024

/* A list of connections, the one idle for the longest first. The server's own link is both ends. */
struct tcp_link {
    struct tcp_link *previous;
    struct tcp_link *next;
};

struct tcp_connection {
    struct tcp_link link; /* first: a link is its connection */
    uv_tcp_t handle;
    struct tcp_server *server;
    struct client client;
    struct bytes input; /* received and not yet answered: the start of a message; whole ones only while stalled */
    uint64_t active;    /* loop time of the last progress, milliseconds */
    struct waiter *waiters; /* its queries that wait for upstream, linked by path.next */
    size_t unfetched;   /* bytes of answers the peer had not taken when its time was last over; SIZE_MAX: not yet */
    bool stalled;       /* not read from until the peer has fetched answers */
    bool peer_done;     /* the peer sends no more: close when all is answered and sent */
};

struct tcp_listener {
    struct tcp_listener *next;
    uv_tcp_t handle;
    struct tcp_server *server;
    const struct listener *listener;
};

struct tcp_server {
    struct serve *serve;
    struct tcp_quota *quota;
    struct tcp_listener *listeners;
    struct tcp_link idle;
    uv_timer_t timer;
    bool closing;
    size_t output_used;
    uint8_t input[READ_SIZE];
    uint8_t output[OUTPUT_SIZE];
};

/* Answers that the socket had no room for. */
struct tcp_write {
    uv_write_t request;
    uint8_t data[];
};

static void count(struct tcp_server *server, enum counter counter)
{
    counters_add(server->serve->counters, counter, 1);
}

/* ---- time ---- */

static void link_remove(struct tcp_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

static void link_append(struct tcp_link *list, struct tcp_link *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

static void on_timer(uv_timer_t *timer);

/* The timer stands at the end of the idle time of the first in the list. */
static void set_timer(struct tcp_server *server)
{
    if (server->closing)
        return;
    if (server->idle.next == &server->idle) {
        uv_timer_stop(&server->timer);
        return;
    }
    const struct tcp_connection *first = (const struct tcp_connection *)server->idle.next;
    uint64_t end = first->active + server->serve->settings->tcp_idle_ms;
    uint64_t now = uv_now(server->timer.loop);
    uv_timer_start(&server->timer, on_timer, end > now ? end - now : 0, 0);
}

/* Its idle time begins again. */
static void begin_idle(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;

    connection->active = uv_now(server->timer.loop);
    link_remove(&connection->link);
    link_append(&server->idle, &connection->link);
    if (!uv_is_active((uv_handle_t *)&server->timer))
        set_timer(server);
}

static void touch(struct tcp_connection *connection)
{
    connection->unfetched = SIZE_MAX;
    begin_idle(connection);
}

/* The time is over, but the peer is busy fetching answers: it has taken some since the last look, from us or from the
 * system's buffer. The first look only notes how many there are. */
static bool is_fetching(struct tcp_connection *connection)
{
    size_t unfetched = uv_stream_get_write_queue_size((uv_stream_t *)&connection->handle);
    int in_system = 0;
    uv_os_fd_t fd;

    if (uv_fileno((uv_handle_t *)&connection->handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &in_system) == 0)
        unfetched += (size_t)in_system;
    if (unfetched == 0 || unfetched >= connection->unfetched)
        return false;
    connection->unfetched = unfetched;
    return true;
}

/* ---- the end of a connection ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    struct tcp_connection *connection = handle->data;

    bytes_clear(&connection->input);
    memory_free(connection);
}

static void connection_close(struct tcp_connection *connection)
{
    if (uv_is_closing((uv_handle_t *)&connection->handle))
        return;
    for (struct waiter *waiter = connection->waiters; waiter != NULL; waiter = waiter->path.next)
        waiter->is_gone = true;
    connection->waiters = NULL;
    link_remove(&connection->link);
    tcp_quota_give(connection->server->quota, &connection->client.source);
    uv_close((uv_handle_t *)&connection->handle, on_connection_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct tcp_server *server = timer->data;
    uint64_t now = uv_now(timer->loop);
    uint64_t limit = server->serve->settings->tcp_idle_ms;

    while (server->idle.next != &server->idle) {
        struct tcp_connection *first = (struct tcp_connection *)server->idle.next;
        if (first->active + limit > now)
            break;
        if (first->waiters != NULL || is_fetching(first)) {
            begin_idle(first);
        } else {
            count(server, COUNTER_TCP_IDLE_CLOSED);
            connection_close(first);
        }
    }
    set_timer(server);
}

/* ---- answers ---- */

static void resume(struct tcp_connection *connection);

static void on_written(uv_write_t *request, int rc)
{
    struct tcp_connection *connection = request->data;

    memory_free(request);
    if (rc == UV_ECANCELED || uv_is_closing((uv_handle_t *)&connection->handle))
        return;
    if (rc != 0) {
        count(connection->server, COUNTER_TCP_ERRORS);
        connection_close(connection);
        return;
    }
    touch(connection);
    resume(connection);
}

/* Send what is gathered: at once as far as the socket takes it, the rest as a copy when it does. False: the connection
 * is closing. */
static bool send_output(struct tcp_connection *connection)
{
    struct tcp_server *server = connection->server;
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;
    size_t size = server->output_used;
    uv_buf_t buffer = uv_buf_init((char *)server->output, (unsigned)size);

    server->output_used = 0;
    if (size == 0)
        return true;
    int sent = uv_try_write(stream, &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        count(server, COUNTER_TCP_ERRORS);
        connection_close(connection);
        return false;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == size)
        return true;
    struct tcp_write *rest = memory_alloc(sizeof *rest + size - done);
    if (rest == NULL) {
        connection_close(connection);
        return false;
    }
    memcpy(rest->data, server->output + done, size - done);
    rest->request.data = connection;
    buffer = uv_buf_init((char *)rest->data, (unsigned)(size - done));
    if (uv_write(&rest->request, stream, &buffer, 1, on_written) != 0) {
        memory_free(rest);
        connection_close(connection);
        return false;
    }
    return true;
}

/* Where the next answer is written, behind its length. */
static uint8_t *next_frame(struct tcp_server *server)
{
    assert(sizeof server->output - server->output_used >= FRAME_MAX);
    return server->output + server->output_used + LENGTH_SIZE;
}

static void end_frame(struct tcp_connection *connection, size_t written)
{
    struct tcp_server *server = connection->server;

    if (written == 0)
        return;
    write_u16(server->output + server->output_used, (uint16_t)written);
    server->output_used += LENGTH_SIZE + written;
    touch(connection);
}

static void answer_message(struct tcp_connection *connection, const uint8_t *wire, size_t size)
{
    struct serve *serve = connection->server->serve;

    end_frame(connection, serve_query(serve, &connection->client, wire, size, next_frame(connection->server),
                                      MESSAGE_SIZE_MAX));
    if (serve->waiting == NULL)
        return;
    serve->waiting->path = (struct return_path){.connection = connection, .next = connection->waiters};
    connection->waiters = serve->waiting;
}

/* Answer the whole messages in `data`, until too many answers wait to be fetched. Returns the bytes used up; if the
 * connection is closing, that does not matter. */
static size_t answer_messages(struct tcp_connection *connection, const uint8_t *data, size_t size)
{
    struct tcp_server *server = connection->server;
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;
    size_t used = 0;

    serve_clock(server->serve, uv_now(server->timer.loop));
    serve_begin(server->serve);
    while (size - used >= LENGTH_SIZE) {
        size_t length = (size_t)data[used] << 8 | data[used + 1];
        if (size - used - LENGTH_SIZE < length)
            break;
        if (uv_stream_get_write_queue_size(stream) >= QUEUE_HIGH) {
            connection->stalled = true;
            break;
        }
        answer_message(connection, data + used + LENGTH_SIZE, length);
        used += LENGTH_SIZE + length;
        if (sizeof server->output - server->output_used < FRAME_MAX && !send_output(connection))
            return used;
    }
    send_output(connection);
    serve_flush(server->serve);
    return used;
}

/* ---- answers that had to wait ---- */

static void forget_waiter(struct tcp_connection *connection, struct waiter *waiter)
{
    struct waiter **link = &connection->waiters;

    while (*link != waiter) {
        assert(*link != NULL);
        link = &(*link)->path.next;
    }
    *link = waiter->path.next;
}

static void close_if_done(struct tcp_connection *connection);

void tcp_server_answer(struct tcp_server *server, struct waiter *waiter)
{
    struct tcp_connection *connection = waiter->path.connection;
    struct serve *serve = server->serve;

    assert(server->output_used == 0);
    if (waiter->is_gone) {
        serve_end(serve, waiter);
        return;
    }
    size_t written = serve_waiter(serve, waiter, next_frame(server), MESSAGE_SIZE_MAX);
    if (serve->waiting != NULL)
        return;
    end_frame(connection, written);
    forget_waiter(connection, waiter);
    serve_end(serve, waiter);
    /* Reading has stopped long ago; what was asked before that may still be too much to keep. */
    if (uv_stream_get_write_queue_size((uv_stream_t *)&connection->handle) >= QUEUE_MAX) {
        server->output_used = 0;
        count(server, COUNTER_TCP_ERRORS);
        connection_close(connection);
        return;
    }
    if (send_output(connection))
        close_if_done(connection);
}

/* ---- questions ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct tcp_connection *connection = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)connection->server->input, READ_SIZE);
}

/* Drop the first `used` bytes of what is kept. */
static void consume(struct bytes *input, size_t used)
{
    input->size -= used;
    if (input->size > 0)
        memmove(input->data, input->data + used, input->size);
    else if (input->capacity > INPUT_KEEP)
        bytes_clear(input);
}

/* New bytes: answered from where they are, unless the start of a message is kept already. False: no room for them. */
static bool take_bytes(struct tcp_connection *connection, const uint8_t *data, size_t size)
{
    struct bytes *input = &connection->input;

    if (input->size == 0) {
        size_t used = answer_messages(connection, data, size);
        return bytes_append(input, data + used, size - used) == STATUS_OK;
    }
    if (bytes_append(input, data, size) != STATUS_OK)
        return false;
    consume(input, answer_messages(connection, input->data, input->size));
    return true;
}

static void close_if_done(struct tcp_connection *connection)
{
    if (connection->peer_done && !connection->stalled && connection->waiters == NULL &&
        uv_stream_get_write_queue_size((uv_stream_t *)&connection->handle) == 0)
        connection_close(connection);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct tcp_connection *connection = stream->data;

    if (size == UV_EOF) {
        connection->peer_done = true;
        uv_read_stop(stream);
        close_if_done(connection);
        return;
    }
    if (size < 0 || !take_bytes(connection, (const uint8_t *)buffer->base, (size_t)size)) {
        count(connection->server, COUNTER_TCP_ERRORS);
        connection_close(connection);
        return;
    }
    if (connection->stalled) {
        count(connection->server, COUNTER_TCP_STALLED);
        uv_read_stop(stream);
    }
}

/* Answers have been fetched: go on with the questions kept, then read more. */
static void resume(struct tcp_connection *connection)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->handle;

    if (connection->stalled && uv_stream_get_write_queue_size(stream) <= QUEUE_LOW) {
        connection->stalled = false;
        consume(&connection->input, answer_messages(connection, connection->input.data, connection->input.size));
        if (!connection->stalled && !uv_is_closing((uv_handle_t *)stream))
            uv_read_start(stream, on_alloc, on_read);
    }
    close_if_done(connection);
}

/* ---- new connections ---- */

static void on_discarded(uv_handle_t *handle)
{
    memory_free(handle->data);
}

/* Read the addresses of an accepted connection. */
static bool fill_client(struct tcp_connection *connection, const struct listener *listener)
{
    struct sockaddr_storage name;
    int size = sizeof name;
    struct client *client = &connection->client;

    *client = (struct client){.listen = listener->address, .listen_port = listener->port, .transport = TRANSPORT_TCP};
    if (uv_tcp_getpeername(&connection->handle, (struct sockaddr *)&name, &size) != 0)
        return false;
    client->source = address_from_socket((const struct sockaddr *)&name, &client->source_port);
    if (listener->is_wildcard) {
        uint16_t port;
        size = sizeof name;
        if (uv_tcp_getsockname(&connection->handle, (struct sockaddr *)&name, &size) != 0)
            return false;
        client->listen = address_from_socket((const struct sockaddr *)&name, &port);
    }
    return client->source.family != 0;
}

/* Close the connection that is idle for the longest and is owed nothing: the start of a message does not protect it. */
static bool make_room(struct tcp_server *server)
{
    for (struct tcp_link *link = server->idle.next; link != &server->idle; link = link->next) {
        struct tcp_connection *connection = (struct tcp_connection *)link;
        if (connection->waiters != NULL || uv_stream_get_write_queue_size((uv_stream_t *)&connection->handle) > 0)
            continue;
        count(server, COUNTER_TCP_LIMIT_CLOSED);
        connection_close(connection);
        return true;
    }
    return false;
}

static bool is_allowed(struct tcp_server *server, const struct address *source)
{
    const struct settings *settings = server->serve->settings;
    enum tcp_verdict verdict =
        tcp_quota_take(server->quota, source, settings->tcp_clients, settings->tcp_clients_per_network);

    if (verdict == TCP_TOTAL_REACHED && make_room(server))
        verdict = tcp_quota_take(server->quota, source, settings->tcp_clients, settings->tcp_clients_per_network);
    if (verdict == TCP_NETWORK_REACHED)
        count(server, COUNTER_TCP_NETWORK_REFUSED);
    else if (verdict != TCP_ALLOWED)
        count(server, COUNTER_TCP_LIMIT_REFUSED);
    return verdict == TCP_ALLOWED;
}

static void on_connection(uv_stream_t *stream, int rc)
{
    struct tcp_listener *listener = stream->data;
    struct tcp_server *server = listener->server;
    struct tcp_connection *connection = rc == 0 ? memory_zalloc(1, sizeof *connection) : NULL;

    if (connection == NULL) {
        count(server, COUNTER_TCP_ERRORS);
        return;
    }
    connection->server = server;
    bytes_init(&connection->input, INPUT_MAX);
    uv_tcp_init(stream->loop, &connection->handle);
    connection->handle.data = connection;
    if (uv_accept(stream, (uv_stream_t *)&connection->handle) != 0 || !fill_client(connection, listener->listener)) {
        count(server, COUNTER_TCP_ERRORS);
        uv_close((uv_handle_t *)&connection->handle, on_discarded);
        return;
    }
    if (!is_allowed(server, &connection->client.source)) {
        uv_close((uv_handle_t *)&connection->handle, on_discarded);
        return;
    }
    count(server, COUNTER_TCP_ACCEPTED);
    link_append(&server->idle, &connection->link);
    touch(connection);
    uv_tcp_nodelay(&connection->handle, 1);
    if (uv_read_start((uv_stream_t *)&connection->handle, on_alloc, on_read) != 0)
        connection_close(connection);
}

/* ---- the server ---- */

enum status tcp_server_new(uv_loop_t *loop, struct serve *serve, struct tcp_quota *quota, struct diag *diag,
                           struct tcp_server **server)
{
    struct tcp_server *made = memory_zalloc(1, sizeof *made);

    *server = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->serve = serve;
    made->quota = quota;
    made->idle.previous = made->idle.next = &made->idle;
    int rc = uv_timer_init(loop, &made->timer);
    if (rc != 0) {
        memory_free(made);
        return diag_fail(diag, STATUS_IO, NULL, "timer: %s", uv_strerror(rc));
    }
    made->timer.data = made;
    *server = made;
    return STATUS_OK;
}

enum status tcp_server_listen(struct tcp_server *server, int *fd, const struct listener *listener, struct diag *diag)
{
    struct tcp_listener *made = memory_zalloc(1, sizeof *made);
    char text[LISTENER_TEXT_MAX];

    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->server = server;
    made->listener = listener;
    made->next = server->listeners;
    uv_tcp_init(server->timer.loop, &made->handle);
    made->handle.data = made;
    server->listeners = made;
    int rc = uv_tcp_open(&made->handle, *fd);
    if (rc == 0) {
        *fd = -1;
        rc = uv_listen((uv_stream_t *)&made->handle, BACKLOG, on_connection);
    }
    if (rc == 0)
        return STATUS_OK;
    listener_to_text(listener, text);
    return diag_fail(diag, STATUS_IO, NULL, "%s: %s", text, uv_strerror(rc));
}

void tcp_server_configure(struct tcp_server *server)
{
    set_timer(server);
}

void tcp_server_close(struct tcp_server *server)
{
    server->closing = true;
    uv_close((uv_handle_t *)&server->timer, NULL);
    for (struct tcp_listener *listener = server->listeners; listener != NULL; listener = listener->next)
        uv_close((uv_handle_t *)&listener->handle, NULL);
    while (server->idle.next != &server->idle)
        connection_close((struct tcp_connection *)server->idle.next);
}

void tcp_server_free(struct tcp_server *server)
{
    if (server == NULL)
        return;
    while (server->listeners != NULL) {
        struct tcp_listener *gone = server->listeners;
        server->listeners = gone->next;
        memory_free(gone);
    }
    memory_free(server);
}

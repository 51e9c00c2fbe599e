/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/worker.h"

#include "resolver/cache_control.h"
#include "resolver/relay.h"
#include "resolver/serve.h"
#include "resolver/tcp.h"
#include "resolver/udp.h"
#include "zones/memory.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <uv.h>

#define BATCHES_PER_TURN 8   /* of one UDP socket, before TCP and the other sockets have their turn */
#define BATCHES_AT_END   512 /* of one UDP socket: more than its buffer holds, but not for ever */

/* One UDP socket in the loop. While it is busy nothing polls it: each turn of the loop asks for what has arrived. A
 * polled socket has its poller woken by every datagram that comes and by every reply that has left, which costs a tenth
 * of a query's time. */
struct worker_socket {
    uv_poll_t poll;
    bool is_busy;
    struct worker *worker;
    const struct listener *listener;
    int fd;
};

struct worker {
    struct counters counters;
    struct serve serve;
    uv_loop_t loop;
    uv_async_t wake;
    uv_idle_t turn; /* runs while sockets are busy */
    size_t busy_count;
    uv_thread_t thread;
    struct worker_socket *sockets;
    size_t socket_count;
    struct udp_batch *batch;
    struct memo *memo;
    struct tcp_server *tcp;
    struct relay *relay;
    struct generation *generation; /* held; the worker's thread alone looks at it */
    void (*adopted)(void *context);
    void *context;

    /* Between the main thread and the worker's. */
    _Atomic(struct generation *) posted_generation;
    _Atomic(struct settings *) posted_settings;
    _Atomic(struct cache_request *) posted_request;
    _Atomic(const struct generation *) serving; /* only compared */
    _Atomic(const struct settings *) using;     /* likewise */
    atomic_bool stop;
};

/* ---- the worker's thread ---- */

/* The datagrams of one turn: how many. */
static size_t receive(struct worker_socket *socket)
{
    struct worker *worker = socket->worker;
    size_t count = 0;

    for (int i = 0; i < BATCHES_PER_TURN; i++) {
        size_t received = udp_receive(worker->batch, socket->fd, socket->listener, &worker->serve);
        count += received;
        if (received < UDP_BATCH)
            break;
    }
    return count;
}

static void on_datagrams(uv_poll_t *poll, int rc, int events);

static void begin_polling(struct worker_socket *socket)
{
    struct worker *worker = socket->worker;

    socket->is_busy = false;
    if (--worker->busy_count == 0)
        uv_idle_stop(&worker->turn);
    uv_poll_start(&socket->poll, UV_READABLE, on_datagrams);
}

static void on_turn(uv_idle_t *turn)
{
    struct worker *worker = turn->data;

    serve_clock(&worker->serve, uv_now(&worker->loop));
    for (size_t i = 0; i < worker->socket_count; i++) {
        struct worker_socket *socket = &worker->sockets[i];
        if (socket->is_busy && receive(socket) == 0)
            begin_polling(socket);
    }
}

static void end_polling(struct worker_socket *socket)
{
    struct worker *worker = socket->worker;

    uv_poll_stop(&socket->poll);
    socket->is_busy = true;
    if (worker->busy_count++ == 0)
        uv_idle_start(&worker->turn, on_turn);
}

static void on_datagrams(uv_poll_t *poll, int rc, int events)
{
    struct worker_socket *socket = poll->data;

    (void)events;
    serve_clock(&socket->worker->serve, uv_now(&socket->worker->loop));
    if (receive(socket) == BATCHES_PER_TURN * UDP_BATCH) {
        end_polling(socket);
        return;
    }
    /* libuv stops watching a socket that has an error waiting; the receive has fetched, and counted, it. */
    if (rc != 0)
        uv_poll_start(poll, UV_READABLE, on_datagrams);
}

static void take_settings(struct worker *worker)
{
    struct settings *settings = atomic_exchange_explicit(&worker->posted_settings, NULL, memory_order_acq_rel);

    if (settings == NULL)
        return;
    serve_configure(&worker->serve, settings);
    tcp_server_configure(worker->tcp);
    relay_configure(worker->relay, settings);
    atomic_store_explicit(&worker->using, settings, memory_order_release);
}

static void take_generation(struct worker *worker)
{
    struct generation *generation = atomic_exchange_explicit(&worker->posted_generation, NULL, memory_order_acq_rel);
    struct generation *old = worker->generation;

    if (generation == NULL)
        return;
    worker->generation = generation;
    serve_adopt(&worker->serve, generation);
    relay_adopt(worker->relay, generation);
    generation_release(old);
    atomic_store_explicit(&worker->serving, generation, memory_order_release);
}

static void take_request(struct worker *worker)
{
    struct cache_request *request = atomic_exchange_explicit(&worker->posted_request, NULL, memory_order_acq_rel);

    if (request != NULL)
        cache_request_run(request, relay_cache(worker->relay), uv_now(&worker->loop));
}

/* Answer what had arrived when the end was asked for. */
static void drain(struct worker *worker)
{
    serve_clock(&worker->serve, uv_now(&worker->loop));
    for (size_t i = 0; i < worker->socket_count; i++) {
        const struct worker_socket *socket = &worker->sockets[i];
        for (int batch = 0; batch < BATCHES_AT_END; batch++)
            if (udp_receive(worker->batch, socket->fd, socket->listener, &worker->serve) < UDP_BATCH)
                break;
    }
}

static void close_all(struct worker *worker)
{
    for (size_t i = 0; i < worker->socket_count; i++)
        uv_close((uv_handle_t *)&worker->sockets[i].poll, NULL);
    worker->socket_count = 0;
    if (worker->tcp != NULL)
        tcp_server_close(worker->tcp);
    relay_close(worker->relay);
    uv_close((uv_handle_t *)&worker->turn, NULL);
    uv_close((uv_handle_t *)&worker->wake, NULL);
}

static void on_wake(uv_async_t *wake)
{
    struct worker *worker = wake->data;

    take_settings(worker);
    take_generation(worker);
    take_request(worker);
    if (worker->adopted != NULL)
        worker->adopted(worker->context);
    if (atomic_load_explicit(&worker->stop, memory_order_acquire)) {
        drain(worker);
        close_all(worker);
    }
}

static void run(void *argument)
{
    struct worker *worker = argument;

    uv_run(&worker->loop, UV_RUN_DEFAULT);
}

/* ---- the main thread ---- */

static enum status loop_failed(int rc, struct diag *diag)
{
    return rc == UV_ENOMEM ? STATUS_NO_MEMORY : diag_fail(diag, STATUS_IO, NULL, "event loop: %s", uv_strerror(rc));
}

static enum status add_listener(struct worker *worker, uint32_t index, struct listener *listener, struct diag *diag)
{
    struct worker_socket *socket = &worker->sockets[worker->socket_count];

    *socket = (struct worker_socket){.worker = worker, .listener = listener, .fd = listener->udp[index]};
    int rc = uv_poll_init(&worker->loop, &socket->poll, socket->fd);
    if (rc != 0)
        return loop_failed(rc, diag);
    worker->socket_count++;
    socket->poll.data = socket;
    rc = uv_poll_start(&socket->poll, UV_READABLE, on_datagrams);
    if (rc != 0)
        return loop_failed(rc, diag);
    return tcp_server_listen(worker->tcp, &listener->tcp[index], listener, diag);
}

static enum status add_relay(struct worker *worker, const struct worker_options *options, struct diag *diag)
{
    struct relay_options relay = {
        .loop = &worker->loop,
        .serve = &worker->serve,
        .tcp = worker->tcp,
        .settings = options->settings,
        .workers = options->listen->workers,
    };
    enum status status = relay_new(&relay, diag, &worker->relay);

    if (status == STATUS_OK)
        relay_adopt(worker->relay, worker->generation);
    return status;
}

static enum status add_listeners(struct worker *worker, const struct worker_options *options, struct diag *diag)
{
    enum status status = tcp_server_new(&worker->loop, &worker->serve, options->quota, diag, &worker->tcp);

    if (status == STATUS_OK)
        status = add_relay(worker, options, diag);
    for (size_t i = 0; i < options->listen->count && status == STATUS_OK; i++)
        status = add_listener(worker, options->index, &options->listen->listeners[i], diag);
    return status;
}

/* Signals belong to the main thread. */
static int start_thread(struct worker *worker)
{
    sigset_t all;
    sigset_t old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = uv_thread_create(&worker->thread, run, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

/* The loop is open, no thread runs it. */
static enum status fill(struct worker *worker, const struct worker_options *options, struct diag *diag)
{
    int rc = uv_async_init(&worker->loop, &worker->wake, on_wake);
    if (rc != 0)
        return loop_failed(rc, diag);
    worker->wake.data = worker;
    uv_idle_init(&worker->loop, &worker->turn);
    worker->turn.data = worker;
    worker->batch = udp_batch_new();
    worker->memo = memo_new();
    serve_remember(&worker->serve, worker->memo);
    worker->sockets = memory_zalloc(options->listen->count, sizeof *worker->sockets);
    enum status status = STATUS_NO_MEMORY;
    if (worker->batch != NULL && worker->memo != NULL && worker->sockets != NULL)
        status = add_listeners(worker, options, diag);
    if (status == STATUS_OK && (rc = start_thread(worker)) != 0)
        status = loop_failed(rc, diag);
    if (status == STATUS_OK)
        return STATUS_OK;
    close_all(worker);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    return status;
}

/* No thread and no handle is left. */
static void worker_free(struct worker *worker)
{
    uv_loop_close(&worker->loop);
    relay_free(worker->relay);
    tcp_server_free(worker->tcp);
    udp_batch_free(worker->batch);
    memo_free(worker->memo);
    memory_free(worker->sockets);
    serve_clear(&worker->serve);
    settings_release(atomic_load(&worker->posted_settings));
    struct generation *posted = atomic_load(&worker->posted_generation);
    if (posted != NULL)
        generation_release(posted);
    struct cache_request *request = atomic_load(&worker->posted_request);
    if (request != NULL)
        cache_request_run(request, NULL, 0);
    generation_release(worker->generation);
    memory_free(worker);
}

enum status worker_start(const struct worker_options *options, struct diag *diag, struct worker **worker)
{
    struct worker *made = memory_zalloc(1, sizeof *made);

    *worker = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    int rc = uv_loop_init(&made->loop);
    if (rc != 0) {
        memory_free(made);
        return loop_failed(rc, diag);
    }
    generation_hold(options->generation);
    made->generation = options->generation;
    made->adopted = options->adopted;
    made->context = options->context;
    serve_init(&made->serve, options->settings, &made->counters);
    serve_adopt(&made->serve, made->generation);
    atomic_init(&made->serving, made->generation);
    atomic_init(&made->using, options->settings);
    enum status status = fill(made, options, diag);
    if (status != STATUS_OK) {
        worker_free(made);
        return status;
    }
    *worker = made;
    return STATUS_OK;
}

void worker_adopt(struct worker *worker, struct generation *generation)
{
    generation_hold(generation);
    struct generation *replaced =
        atomic_exchange_explicit(&worker->posted_generation, generation, memory_order_acq_rel);
    if (replaced != NULL)
        generation_release(replaced);
    uv_async_send(&worker->wake);
}

void worker_configure(struct worker *worker, struct settings *settings)
{
    settings_hold(settings);
    settings_release(atomic_exchange_explicit(&worker->posted_settings, settings, memory_order_acq_rel));
    uv_async_send(&worker->wake);
}

void worker_cache(struct worker *worker, struct cache_request *request)
{
    atomic_store_explicit(&worker->posted_request, request, memory_order_release);
    uv_async_send(&worker->wake);
}

bool worker_serves(const struct worker *worker, const struct generation *generation)
{
    return atomic_load_explicit(&worker->serving, memory_order_acquire) == generation;
}

bool worker_uses(const struct worker *worker, const struct settings *settings)
{
    return atomic_load_explicit(&worker->using, memory_order_acquire) == settings;
}

const struct counters *worker_counters(const struct worker *worker)
{
    return &worker->counters;
}

void worker_stop(struct worker *worker)
{
    atomic_store_explicit(&worker->stop, true, memory_order_release);
    uv_async_send(&worker->wake);
}

void worker_join(struct worker *worker)
{
    if (worker == NULL)
        return;
    uv_thread_join(&worker->thread);
    worker_free(worker);
}

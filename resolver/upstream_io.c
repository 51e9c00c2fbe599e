/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/upstream_io.h"

#include "resolver/upstream_tcp.h"
#include "resolver/upstream_udp.h"
#include "zones/memory.h"

#define ROUNDS 4 /* of questions that end while others are asked, before the sockets have their turn */

struct upstream_io {
    struct upstream_io_options options;
    struct exchange *exchange;
    struct upstream_udp *udp;
    struct upstream_tcp *tcp;
    uv_prepare_t prepare;
    uv_timer_t timer;
    uint64_t due_ms;  /* what the timer is set to; UINT64_MAX: it is not */
    unsigned handles; /* not yet closed */
    struct upstream_entropy entropy;
};

/* ---- what the exchange calls ---- */

static enum exchange_sent send_udp(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle)
{
    struct upstream_io *io = context;

    return upstream_udp_send(io->udp, server, wire, size, handle);
}

static enum exchange_sent send_tcp(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle)
{
    struct upstream_io *io = context;

    return upstream_tcp_send(io->tcp, server, wire, size, handle);
}

static void forget(void *context, void *handle, uint16_t id)
{
    struct upstream_io *io = context;
    const struct upstream_link *link = handle;

    if (link->is_tcp)
        upstream_tcp_forget(io->tcp, handle, id);
    else
        upstream_udp_forget(io->udp, handle, id);
}

static uint64_t draw(void *context)
{
    struct upstream_io *io = context;

    return upstream_entropy_u64(&io->entropy);
}

/* ---- the loop ---- */

/* It only wakes the loop: what is due is done before the loop waits again. */
static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

/* What is due and what broke. True: the exchange was told something that may have ended questions. */
static bool settle(struct upstream_io *io, uint64_t now_ms)
{
    bool has_news = false;

    exchange_tick(io->exchange, now_ms);
    /* Sending may find more that is broken, and so on; each question takes few failures. */
    while (upstream_udp_settle(io->udp) || upstream_tcp_settle(io->tcp))
        has_news = true;
    return has_news;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct upstream_io *io = prepare->data;
    uint64_t now = uv_now(prepare->loop);
    bool has_news = io->due_ms <= now;

    has_news |= upstream_udp_received(io->udp) + upstream_tcp_received(io->tcp) > 0;
    has_news |= settle(io, now);
    /* What is asked there may break at once too. */
    for (unsigned i = 0; i < ROUNDS && has_news; i++) {
        if (io->options.batch_done != NULL)
            io->options.batch_done(io->options.context);
        has_news = settle(io, now);
    }
    uint64_t due = has_news ? now : exchange_tick(io->exchange, now);
    /* A timer that is too early costs one turn of the loop, less than to set it anew in each. */
    if (io->due_ms <= now)
        io->due_ms = UINT64_MAX;
    if (due < io->due_ms) {
        io->due_ms = due;
        uv_timer_start(&io->timer, on_timer, due - now, 0);
    }
}

/* ---- begin and end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct upstream_io *io = handle->data;

    if (--io->handles > 0)
        return;
    exchange_free(io->exchange);
    memory_free(io);
}

void upstream_io_close(struct upstream_io *io)
{
    if (io == NULL)
        return;
    upstream_udp_free(io->udp);
    upstream_tcp_free(io->tcp);
    uv_close((uv_handle_t *)&io->prepare, on_closed);
    uv_close((uv_handle_t *)&io->timer, on_closed);
}

static enum status fill(struct upstream_io *io, uv_loop_t *loop, struct diag *diag)
{
    struct exchange_options options = {
        .transport = {.context = io, .send_udp = send_udp, .send_tcp = send_tcp, .forget = forget, .random = draw},
        .questions_max = io->options.questions_max,
        .counters = io->options.counters,
    };

    io->exchange = exchange_new(&options);
    if (io->exchange == NULL)
        return STATUS_NO_MEMORY;
    io->udp = upstream_udp_new(loop, io->exchange, &io->entropy);
    if (io->udp == NULL)
        return STATUS_NO_MEMORY;
    enum status status = upstream_tcp_new(loop, io->exchange, &io->entropy, diag, &io->tcp);
    if (status != STATUS_OK)
        return status;
    int rc = uv_prepare_start(&io->prepare, on_prepare);
    return rc == 0 ? STATUS_OK : diag_fail(diag, STATUS_IO, NULL, "event loop: %s", uv_strerror(rc));
}

enum status upstream_io_new(uv_loop_t *loop, const struct upstream_io_options *options, struct diag *diag,
                            struct upstream_io **io)
{
    struct upstream_io *made = memory_zalloc(1, sizeof *made);

    *io = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->options = *options;
    made->due_ms = UINT64_MAX;
    /* These two only fill in their structs and cannot fail. */
    uv_prepare_init(loop, &made->prepare);
    uv_timer_init(loop, &made->timer);
    made->prepare.data = made->timer.data = made;
    made->handles = 2;
    enum status status = fill(made, loop, diag);
    if (status != STATUS_OK) {
        upstream_io_close(made);
        return status;
    }
    *io = made;
    return STATUS_OK;
}

struct exchange *upstream_io_exchange(struct upstream_io *io)
{
    return io->exchange;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/relay.h"

#include "resolver/udp.h"
#include "resolver/upstream_io.h"
#include "zones/memory.h"

struct relay {
    struct relay_options options;
    struct upstream_io *io;
    struct forwarder *forwarder;
    struct udp_late *late;
    uv_prepare_t before_wait; /* what landed is given out before the loop waits */
    uv_timer_t patience;      /* of those who may have stale data instead … */
    uint64_t patience_end;    /* … until then, while the timer runs; loop time */
};

/* An answer is there, or a stale one may be used. */
static void on_ready(void *context, struct waiter *waiter)
{
    struct relay *relay = context;

    if (waiter->path.connection != NULL)
        tcp_server_answer(relay->options.tcp, waiter);
    else
        udp_answer_late(relay->late, waiter, relay->options.serve);
}

static void on_patience(uv_timer_t *timer)
{
    (void)timer; /* it only wakes the loop: settle does the rest */
}

static void arm_patience(struct relay *relay, uint64_t now)
{
    uint64_t next = forwarder_next(relay->forwarder);

    if (next == UINT64_MAX || (uv_is_active((uv_handle_t *)&relay->patience) && relay->patience_end <= next))
        return;
    relay->patience_end = next;
    uv_timer_start(&relay->patience, on_patience, next > now ? next - now : 0, 0);
}

/* Give out what has landed. Called when questions have ended, and before each wait of the loop: those that failed as
 * they were asked make no event. */
static void settle(struct relay *relay)
{
    struct serve *serve = relay->options.serve;
    uint64_t now = uv_now(relay->options.loop);

    if (forwarder_next(relay->forwarder) <= now) {
        serve_clock(serve, now);
        serve_begin(serve);
        forwarder_drain(relay->forwarder, now);
        udp_flush_late(relay->late, serve);
        serve_flush(serve);
    }
    arm_patience(relay, now);
}

static void on_prepare(uv_prepare_t *prepare)
{
    settle(prepare->data);
}

static void on_batch_done(void *context)
{
    settle(context);
}

static struct forwarder_limits make_limits(const struct settings *settings, uint32_t workers)
{
    return (struct forwarder_limits){
        .cache_bytes = settings->cache_bytes / workers,
        .waiters_max = (settings->forward_queries + workers - 1) / workers,
        .per_client_max = (settings->forward_queries_per_client + workers - 1) / workers,
    };
}

void relay_configure(struct relay *relay, const struct settings *settings)
{
    struct forwarder_limits limits = make_limits(settings, relay->options.workers);

    forwarder_configure(relay->forwarder, &limits);
    exchange_resize(upstream_io_exchange(relay->io), settings->forward_queries);
}

void relay_adopt(struct relay *relay, struct generation *generation)
{
    forwarder_adopt(relay->forwarder, generation);
}

struct cache *relay_cache(struct relay *relay)
{
    return forwarder_cache(relay->forwarder);
}

/* ---- begin and end ---- */

/* The loop's handles; those of this kind cannot fail to start. Started after the exchange's own: libuv calls the last
 * one first, so that what is asked here is still seen there before the loop waits. */
static void start(struct relay *relay)
{
    uv_loop_t *loop = relay->options.loop;

    uv_prepare_init(loop, &relay->before_wait);
    uv_timer_init(loop, &relay->patience);
    relay->before_wait.data = relay;
    uv_prepare_start(&relay->before_wait, on_prepare);
}

static struct forwarder *make_forwarder(struct relay *relay)
{
    struct forwarder_options options = {
        .exchange = upstream_io_exchange(relay->io),
        .counters = relay->options.serve->counters,
        .limits = make_limits(relay->options.settings, relay->options.workers),
        .ready = on_ready,
        .context = relay,
    };

    return forwarder_new(&options);
}

enum status relay_new(const struct relay_options *options, struct diag *diag, struct relay **relay)
{
    struct relay *made = memory_zalloc(1, sizeof *made);

    *relay = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->options = *options;
    struct upstream_io_options io = {
        .questions_max = made->options.settings->forward_queries,
        .counters = options->serve->counters,
        .batch_done = on_batch_done,
        .context = made,
    };
    enum status status = upstream_io_new(options->loop, &io, diag, &made->io);
    if (status != STATUS_OK) {
        memory_free(made);
        return status;
    }
    *relay = made;
    start(made); /* from here on the loop knows its handles: the caller closes and frees */
    made->late = udp_late_new();
    made->forwarder = make_forwarder(made);
    if (made->late == NULL || made->forwarder == NULL)
        return STATUS_NO_MEMORY;
    serve_forward(options->serve, made->forwarder);
    return STATUS_OK;
}

void relay_close(struct relay *relay)
{
    if (relay == NULL)
        return;
    uv_close((uv_handle_t *)&relay->before_wait, NULL);
    uv_close((uv_handle_t *)&relay->patience, NULL);
    upstream_io_close(relay->io);
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    forwarder_free(relay->forwarder);
    udp_late_free(relay->late);
    memory_free(relay);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/serve.h"

#include <assert.h>
#include <time.h>

static void use_settings(struct serve *serve, struct settings *settings)
{
    serve->settings = settings;
    serve->env.udp_payload = settings->udp_payload;
    serve->env.identity = settings->identity;
    serve->env.tcp_idle_ms = settings->tcp_idle_ms;
    serve->env.trust_ecs = settings->trust_ecs;
    serve->env.keys = settings->keys;
    querylog_use(&serve->log, settings->log_fd);
}

void serve_init(struct serve *serve, struct settings *settings, struct counters *counters)
{
    serve->env = (struct query_env){.generation = NULL};
    serve->memo = NULL;
    serve->counters = counters;
    querylog_init(&serve->log, counters);
    settings_hold(settings);
    use_settings(serve, settings);
}

void serve_clear(struct serve *serve)
{
    querylog_use(&serve->log, -1);
    settings_release(serve->settings);
    serve->settings = NULL;
}

static void forget(struct serve *serve)
{
    if (serve->memo != NULL)
        memo_forget(serve->memo);
}

void serve_adopt(struct serve *serve, const struct generation *generation)
{
    serve->env.generation = generation;
    forget(serve);
}

void serve_configure(struct serve *serve, struct settings *settings)
{
    struct settings *old = serve->settings;

    use_settings(serve, settings);
    settings_release(old);
    forget(serve);
}

void serve_forward(struct serve *serve, struct forwarder *forwarder)
{
    serve->env.forwarder = forwarder;
}

void serve_remember(struct serve *serve, struct memo *memo)
{
    serve->memo = memo;
}

void serve_clock(struct serve *serve, uint64_t now_ms)
{
    serve->env.now_ms = now_ms;
}

void serve_begin(struct serve *serve)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    serve->env.now = now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0;
}

static void count_query(struct serve *serve, const struct client *client)
{
    counters_add(serve->counters, client->transport == TRANSPORT_TCP ? COUNTER_QUERIES_TCP : COUNTER_QUERIES_UDP, 1);
}

static void count_reply(struct serve *serve, const uint8_t *reply, size_t size)
{
    struct counters *counters = serve->counters;

    if (size == 0) {
        counters_add(counters, COUNTER_DROPPED, 1);
        return;
    }
    assert(size >= MESSAGE_HEADER_SIZE);
    counters_add(counters, counter_of_rcode(serve->query.rcode), 1);
    if (serve->query.withheld > 0)
        counters_add(counters, COUNTER_LEAKS_STOPPED, serve->query.withheld);
    if (serve->query.rcode == RCODE_NOTAUTH)
        counters_add(counters, COUNTER_TSIG_REFUSED, 1);
    if ((reply[2] & (MESSAGE_TC >> 8)) != 0)
        counters_add(counters, COUNTER_TRUNCATED, 1);
}

/* Nothing of a call's price while the log is off. */
static void log_query(struct serve *serve, uint64_t begin, const struct client *client, bool replied)
{
    if (serve->log.fd >= 0)
        querylog_add(&serve->log, begin, client, &serve->query, serve->env.generation, replied);
}

static struct waiter *begin_waiting(struct serve *serve, const struct client *client, const uint8_t *wire, size_t size,
                                    uint64_t begin)
{
    struct waiter *waiter = waiter_new(client, wire, size, begin);

    if (waiter != NULL && !forwarder_wait(serve->env.forwarder, &serve->query.foreign, waiter, serve->env.now_ms)) {
        serve_end(serve, waiter);
        waiter = NULL;
    }
    return waiter;
}

size_t serve_query(struct serve *serve, const struct client *client, const uint8_t *wire, size_t size, uint8_t *reply,
                   size_t capacity)
{
    uint64_t begin = querylog_begin(&serve->log);
    size_t written = query_answer(&serve->env, client, wire, size, reply, capacity, &serve->query);

    serve->waiting = NULL;
    count_query(serve, client);
    if (serve->query.is_waiting) {
        serve->waiting = begin_waiting(serve, client, wire, size, begin);
        if (serve->waiting != NULL)
            return 0;
        written = query_give_up(&serve->env, &serve->query, reply);
    }
    count_reply(serve, reply, written);
    log_query(serve, begin, client, written > 0);
    return written;
}

/* ---- answers that are given again ---- */

static bool has_one_order(const struct query *query)
{
    const struct answer *answer = &query->answer;

    if (query->options.order == MESSAGE_ORDER_FIXED)
        return true;
    for (unsigned i = 0; i < answer->count; i++)
        if (answer->rrsets[i].rrset.count > 1)
            return false;
    return true;
}

/* The clock has no say in the answer. */
static bool is_timeless(const struct answer *answer)
{
    for (unsigned i = 0; i < answer->count; i++)
        if (answer->rrsets[i].rule != 0)
            return false;
    return true;
}

/* Nothing but the query's bytes, the view, the generation and the settings has made the reply. */
static bool can_be_repeated(const struct query *query)
{
    const struct message *message = &query->message;

    return query->view.view != VIEW_NONE && (query->rcode == RCODE_NOERROR || query->rcode == RCODE_NXDOMAIN) &&
           !query->is_foreign && !message->tsig.present && !message->subnet.present && query->withheld == 0 &&
           is_timeless(&query->answer) && has_one_order(query);
}

void serve_seek(struct serve *serve, uint32_t view, const uint8_t *wire, size_t size, struct memo_key *key)
{
    key->slot = NULL;
    /* The query log tells what an answer was made of. */
    if (serve->memo != NULL && serve->log.fd < 0 && view != VIEW_NONE)
        memo_seek(serve->memo, serve->env.generation->alike[view], wire, size, key);
}

size_t serve_recall(struct serve *serve, const struct memo_key *key, const uint8_t *wire, size_t size, uint8_t *reply)
{
    size_t written = key->slot == NULL ? 0 : memo_find(serve->memo, key, wire, size, reply);

    if (written == 0)
        return 0;
    counters_add(serve->counters, COUNTER_QUERIES_UDP, 1);
    counters_add(serve->counters, COUNTER_REPLIES_RECALLED, 1);
    counters_add(serve->counters, counter_of_rcode(reply[3] & 15), 1);
    if ((reply[2] & (MESSAGE_TC >> 8)) != 0)
        counters_add(serve->counters, COUNTER_TRUNCATED, 1);
    return written;
}

void serve_keep(struct serve *serve, const struct memo_key *key, const uint8_t *wire, size_t size, const uint8_t *reply,
                size_t reply_size)
{
    if (key->slot != NULL && reply_size > 0 && can_be_repeated(&serve->query))
        memo_keep(serve->memo, key, wire, size, reply, reply_size);
}

size_t serve_waiter(struct serve *serve, struct waiter *waiter, uint8_t *reply, size_t capacity)
{
    const struct client *client = &waiter->client;

    serve->waiting = NULL;
    serve->query.waiter = waiter;
    size_t written = query_answer(&serve->env, client, waiter->wire, waiter->size, reply, capacity, &serve->query);
    serve->query.waiter = NULL;
    if (serve->query.is_waiting) {
        if (forwarder_wait(serve->env.forwarder, &serve->query.foreign, waiter, serve->env.now_ms)) {
            serve->waiting = waiter;
            return 0;
        }
        written = query_give_up(&serve->env, &serve->query, reply);
    }
    count_reply(serve, reply, written);
    log_query(serve, waiter->begin, client, written > 0);
    return written;
}

void serve_end(struct serve *serve, struct waiter *waiter)
{
    forwarder_release(serve->env.forwarder, waiter);
}

void serve_flush(struct serve *serve)
{
    querylog_flush(&serve->log);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/exchange.h"

#include "resolver/counters.h"
#include "resolver/exchange_table.h"
#include "zones/memory.h"

#include <assert.h>
#include <string.h>

#define EXPLORE         20  /* one question in so many begins with a server that is not the best */
#define SIDE_FAILED_MAX 2   /* failures of one server that one question takes */
#define BROKEN_PAUSE_MS 100 /* before one question goes to a server again that broke */
#define SILENT_COUNTED  15  /* timeouts in a row: more do not make a held server worse than the other held ones */
#define ERROR_NOT_READY 14  /* RFC 8914 4.15 */
#define ERROR_NO_ANSWER 22  /* RFC 8914 4.23: No Reachable Authority */
#define ERROR_NETWORK   23  /* RFC 8914 4.24 */

struct exchange {
    struct exchange_table table;
    struct exchange_options options;
    struct cached *no_memory; /* the failure that is told where there is no memory for one; expired */
    uint32_t count;           /* of questions whose end was not told */
};

static void count(const struct exchange *exchange, enum counter counter)
{
    if (exchange->options.counters != NULL)
        counters_add(exchange->options.counters, counter, 1);
}

static void count_held(const struct exchange *exchange, bool is_newly_held)
{
    if (is_newly_held)
        count(exchange, COUNTER_UPSTREAM_HELD);
}

static struct exchange_side *side_of(const struct exchange_try *try)
{
    return &try->question->sides[try->side];
}

/* ---- tries ---- */

static void end_probe(const struct exchange_try *try)
{
    if (try->is_probe)
        side_of(try)->upstream->is_probed = false;
}

static void close_try(struct exchange *exchange, struct exchange_try *try)
{
    const struct exchange_transport *transport = &exchange->options.transport;

    if (try->is_waiting)
        end_probe(try);
    exchange_try_remove(&exchange->table, try);
    transport->forget(transport->context, try->handle, try->id);
}

/* The question as this try put it. */
static void describe(const struct exchange_try *try, uint8_t spelled[NAME_SIZE_MAX], struct reply_question *asked)
{
    const struct exchange_question *question = try->question;
    const struct cached_key *key = &question->ask.key;

    if (try->exact_case)
        exchange_spell(question->name, try->case_bits, spelled);
    *asked = (struct reply_question){
        .id = try->id,
        .name = try->exact_case ? spelled : question->name,
        .type = key->type,
        .dnssec_ok = key->dnssec_ok,
        .checking_disabled = key->checking_disabled,
        .has_edns = try->has_edns,
        .exact_case = try->exact_case,
    };
}

/* The server cannot be reached by this question for `pause_ms`. */
static void note_broken(struct exchange *exchange, struct exchange_side *side, bool over_tcp, uint64_t now_ms,
                        uint32_t pause_ms)
{
    count(exchange, COUNTER_UPSTREAM_BROKEN);
    /* Servers close idle connections whenever they like (RFC 7766 6.2.4): that alone is not the end of one. */
    count_held(exchange, over_tcp ? upstream_silent(side->upstream, now_ms) : upstream_broke(side->upstream, now_ms));
    side->failed++;
    side->retry_ms = now_ms + pause_ms;
}

static enum exchange_sent transmit(struct exchange *exchange, struct exchange_try *try,
                                   const struct upstream_group *group)
{
    const struct exchange_transport *transport = &exchange->options.transport;
    const struct upstream_server *server = &side_of(try)->upstream->server;
    uint8_t spelled[NAME_SIZE_MAX];
    uint8_t wire[REPLY_QUERY_MAX];
    struct reply_question asked;

    describe(try, spelled, &asked);
    size_t size = reply_write_question(&asked, group->trust_ad, wire);
    enum exchange_sent sent = try->over_tcp ? transport->send_tcp(transport->context, server, wire, size, &try->handle)
                                            : transport->send_udp(transport->context, server, wire, size, &try->handle);
    if (sent != EXCHANGE_SENT)
        return sent;
    try->id = read_u16(wire);
    exchange_try_open(&exchange->table, try);
    count(exchange, COUNTER_UPSTREAM_QUERIES);
    if (try->over_tcp)
        count(exchange, COUNTER_UPSTREAM_TCP);
    return EXCHANGE_SENT;
}

/* A try could not leave. What this side is short of says nothing about the server. */
static void note_unsent(struct exchange *exchange, struct exchange_try *try, enum exchange_sent sent, uint64_t now_ms)
{
    struct exchange_side *side = side_of(try);

    if (sent == EXCHANGE_UNREACHABLE) {
        note_broken(exchange, side, try->over_tcp, now_ms, BROKEN_PAUSE_MS);
        return;
    }
    count(exchange, COUNTER_UPSTREAM_FULL);
    try->question->was_short = true;
    side->retry_ms = now_ms + BROKEN_PAUSE_MS;
}

/* Ask one server. False: not possible now. There is room for a try. */
static bool send_try(struct exchange *exchange, struct exchange_question *question, unsigned index, bool is_probe,
                     uint64_t now_ms)
{
    const struct upstream_group *group = question->ask.rules.group;
    const struct exchange_transport *transport = &exchange->options.transport;
    struct exchange_side *side = &question->sides[index];
    struct upstream *upstream = side->upstream;
    struct exchange_try *try = &question->tries[question->tries_count];
    uint32_t wait = group->timeout_ms;

    assert(question->tries_count < EXCHANGE_TRIES);
    *try = (struct exchange_try){
        .question = question,
        .side = (uint8_t)index,
        .sent_ms = now_ms,
        .is_waiting = true,
        .is_probe = is_probe,
        .over_tcp = question->over_tcp || group->tcp_always,
        .has_edns = !side->no_edns && upstream_speaks_edns(upstream, now_ms),
        .exact_case = group->case_mix && upstream_keeps_case(upstream, now_ms),
    };
    if (try->exact_case)
        try->case_bits = transport->random(transport->context);
    enum exchange_sent sent = transmit(exchange, try, group);
    if (sent != EXCHANGE_SENT) {
        note_unsent(exchange, try, sent, now_ms);
        return false;
    }
    if (!try->over_tcp && !is_probe)
        wait = upstream_wait(upstream, side->sent, group->timeout_ms, group->deadline_ms);
    try->due_ms = now_ms + wait;
    question->tries_count++;
    side->sent++;
    upstream_asked(upstream, now_ms);
    struct exchange_try *surplus = exchange_question_surplus(question);
    if (surplus != NULL)
        close_try(exchange, surplus);
    return true;
}

/* ---- which server ---- */

/* The lower the sooner. Among live servers: those that this question asked less often, then the faster. If all are
 * held: each now and then, those that were silent for longer more rarely. */
static uint64_t rank(const struct exchange_side *side, uint64_t now_ms)
{
    const struct upstream *upstream = side->upstream;
    uint64_t silent = upstream->silent < SILENT_COUNTED ? upstream->silent : SILENT_COUNTED;

    if (upstream_is_held(upstream))
        return (silent + 1) * (side->sent + UINT64_C(1));
    return ((uint64_t)side->sent << 48) + upstream_score(upstream, now_ms);
}

/* Held ones have their turn if no other is left, unless one has given its answer, a failure, for good. */
static bool takes_held(const struct exchange_question *question)
{
    for (unsigned i = 0; i < question->sides_count; i++) {
        const struct exchange_side *side = &question->sides[i];
        if (side->failed < SIDE_FAILED_MAX ? !upstream_is_held(side->upstream) : side->has_failed)
            return false;
    }
    return true;
}

/* The index of the server to ask next; -1: none now, but at *resume_ms (UINT64_MAX: never). */
static int choose(const struct exchange_question *question, uint64_t now_ms, uint64_t *resume_ms)
{
    bool with_held = takes_held(question);
    uint64_t best_rank = UINT64_MAX;
    int best = -1;

    *resume_ms = UINT64_MAX;
    for (unsigned i = 0; i < question->sides_count; i++) {
        const struct exchange_side *side = &question->sides[i];
        if (side->failed >= SIDE_FAILED_MAX || (!with_held && upstream_is_held(side->upstream)))
            continue;
        if (side->retry_ms > now_ms) {
            if (side->retry_ms < *resume_ms)
                *resume_ms = side->retry_ms;
        } else if (rank(side, now_ms) < best_rank) {
            best_rank = rank(side, now_ms);
            best = (int)i;
        }
    }
    return best;
}

/* Now and then one that is not the best, so that it is known when it becomes so. */
static unsigned explore(const struct exchange *exchange, const struct exchange_question *question, unsigned best)
{
    const struct exchange_transport *transport = &exchange->options.transport;

    if (question->sides_count < 2)
        return best;
    uint64_t random = transport->random(transport->context);
    if (random % EXPLORE != 0)
        return best;
    unsigned other = (unsigned)(best + 1 + (random >> 32) % (question->sides_count - 1U)) % question->sides_count;
    return upstream_is_held(question->sides[other].upstream) ? best : other;
}

/* A server that was held for long enough gets this question too. */
static void probe(struct exchange *exchange, struct exchange_question *question, uint64_t now_ms)
{
    for (unsigned i = 0; i < question->sides_count; i++) {
        struct upstream *upstream = question->sides[i].upstream;
        if (upstream_wants_probe(upstream, now_ms)) {
            upstream->is_probed = send_try(exchange, question, i, true, now_ms);
            return;
        }
    }
}

/* ---- the end of a question ---- */

static void free_if_over(struct exchange *exchange, struct exchange_question *question)
{
    for (unsigned i = 0; i < question->tries_count; i++)
        if (question->tries[i].is_open)
            return;
    exchange_question_free(&exchange->table, question);
}

/* Takes the holder of `cached`. Nothing is touched after the callback, which may ask again. A probe goes on without its
 * question: what it finds is for the server's record. */
static void finish(struct exchange *exchange, struct exchange_question *question, struct cached *cached,
                   uint64_t now_ms)
{
    exchange_done *done = question->done;
    void *context = question->context;
    uint64_t due = UINT64_MAX;

    for (unsigned i = 0; i < question->tries_count; i++) {
        struct exchange_try *try = &question->tries[i];
        if (!try->is_open)
            continue;
        if (!try->is_probe || !try->is_waiting)
            close_try(exchange, try);
        else if (try->due_ms < due)
            due = try->due_ms;
    }
    question->is_done = true;
    if (due != UINT64_MAX)
        exchange_question_set_due(&exchange->table, question, due);
    else
        exchange_question_free(&exchange->table, question);
    exchange->count--;
    done(context, cached, now_ms);
    cached_release(cached);
}

static void fail(struct exchange *exchange, struct exchange_question *question, uint64_t now_ms)
{
    int error = question->was_short ? ERROR_NOT_READY : ERROR_NETWORK;

    for (unsigned i = 0; i < question->tries_count; i++)
        if (question->tries[i].is_open)
            error = ERROR_NO_ANSWER;
    if (question->has_failed)
        error = question->extended_error >= 0 ? question->extended_error : ERROR_NO_ANSWER;
    count(exchange, COUNTER_UPSTREAM_UNANSWERED);
    struct cached *failure = cached_failure(error, now_ms);
    if (failure == NULL) {
        failure = exchange->no_memory;
        cached_hold(failure);
    }
    finish(exchange, question, failure, now_ms);
}

/* ---- going on ---- */

static bool has_waiting(const struct exchange_question *question)
{
    for (unsigned i = 0; i < question->tries_count; i++)
        if (question->tries[i].is_waiting && !question->tries[i].is_probe)
            return true;
    return false;
}

static void schedule(struct exchange *exchange, struct exchange_question *question, uint64_t resume_ms)
{
    uint64_t due = question->deadline_ms < resume_ms ? question->deadline_ms : resume_ms;

    for (unsigned i = 0; i < question->tries_count; i++)
        if (question->tries[i].is_waiting && question->tries[i].due_ms < due)
            due = question->tries[i].due_ms;
    exchange_question_set_due(&exchange->table, question, due);
}

/* If no try is waited for, send the next. May end the question. */
static void go_on(struct exchange *exchange, struct exchange_question *question, uint64_t now_ms)
{
    uint64_t resume = UINT64_MAX;

    while (!has_waiting(question) && question->tries_count < EXCHANGE_TRIES) {
        int side = choose(question, now_ms, &resume);
        if (side < 0 && resume == UINT64_MAX) {
            fail(exchange, question, now_ms);
            return;
        }
        if (side < 0)
            break;
        send_try(exchange, question, (unsigned)side, false, now_ms);
    }
    schedule(exchange, question, resume);
}

/* The same server again, changed in a way that its side or the question says. */
static void ask_again(struct exchange *exchange, struct exchange_question *question, unsigned side, uint64_t now_ms)
{
    if (question->tries_count < EXCHANGE_TRIES)
        send_try(exchange, question, side, false, now_ms);
    go_on(exchange, question, now_ms);
}

/* Nothing that comes over UDP is taken any more. */
static void go_to_tcp(struct exchange *exchange, struct exchange_question *question, unsigned side, uint64_t now_ms)
{
    question->over_tcp = true;
    for (unsigned i = 0; i < question->tries_count; i++)
        if (question->tries[i].is_open && !question->tries[i].over_tcp)
            close_try(exchange, &question->tries[i]);
    ask_again(exchange, question, side, now_ms);
}

/* ---- what came ---- */

static void on_failure(struct exchange *exchange, struct exchange_question *question, unsigned side,
                       const uint8_t *wire, size_t size, uint64_t now_ms)
{
    count(exchange, COUNTER_UPSTREAM_FAILED);
    question->extended_error = reply_extended_error(wire, size);
    question->has_failed = true;
    question->sides[side].has_failed = true;
    question->sides[side].failed++;
    go_on(exchange, question, now_ms);
}

static void on_answer(struct exchange *exchange, const struct exchange_try *try, struct cached *cached, uint64_t now_ms)
{
    struct exchange_question *question = try->question;
    const struct exchange_side *side = side_of(try);

    if (side->no_edns && !try->has_edns)
        upstream_refused_edns(side->upstream, now_ms);
    for (unsigned i = 0; i < question->sides_count; i++)
        if (question->sides[i].has_failed && i != try->side)
            count_held(exchange, upstream_failed(question->sides[i].upstream, now_ms));
    finish(exchange, question, cached, now_ms);
}

/* A reply to an open try, which it closes. */
static void on_reply(struct exchange *exchange, struct exchange_try *try, const struct reply_question *asked,
                     enum reply_verdict verdict, const uint8_t *wire, size_t size, uint64_t now_ms)
{
    struct exchange_question *question = try->question;
    struct cached *cached = NULL;

    if (verdict == REPLY_GOOD && !question->is_done)
        verdict = reply_scrub(asked, &question->ask.rules, wire, size, now_ms, &cached);
    bool is_failure = verdict == REPLY_FAILED || verdict == REPLY_MALFORMED || verdict == REPLY_FOREIGN ||
                      (verdict == REPLY_TRUNCATED && try->over_tcp);
    /* A wrong case may be a forger's, so it says nothing about the server. */
    if (verdict != REPLY_WRONG_CASE)
        upstream_answered(side_of(try)->upstream, now_ms - try->sent_ms, !is_failure, now_ms);
    close_try(exchange, try);
    if (question->is_done)
        free_if_over(exchange, question);
    else if (is_failure)
        on_failure(exchange, question, try->side, wire, size, now_ms);
    else if (verdict == REPLY_GOOD)
        on_answer(exchange, try, cached, now_ms);
    else if (verdict == REPLY_TRUNCATED || verdict == REPLY_WRONG_CASE)
        go_to_tcp(exchange, question, try->side, now_ms);
    else {
        question->sides[try->side].no_edns = true;
        ask_again(exchange, question, try->side, now_ms);
    }
}

/* Over UDP somebody may be guessing; a connection has only one that can write to it. */
static void on_foreign(struct exchange *exchange, struct exchange_try *try, const struct reply_question *asked,
                       const uint8_t *wire, size_t size, uint64_t now_ms)
{
    struct exchange_question *question = try->question;

    count(exchange, COUNTER_UPSTREAM_MISMATCHED);
    if (try->over_tcp)
        on_reply(exchange, try, asked, REPLY_FAILED, wire, size, now_ms);
    else if (!question->is_done && ++question->foreign >= EXCHANGE_FOREIGN_MAX)
        go_to_tcp(exchange, question, try->side, now_ms);
}

bool exchange_receive(struct exchange *exchange, void *handle, const uint8_t *wire, size_t size, uint64_t now_ms)
{
    struct exchange_try *try = size < 2 ? NULL : exchange_try_find(&exchange->table, handle, read_u16(wire));
    uint8_t spelled[NAME_SIZE_MAX];
    struct reply_question asked;

    if (try == NULL) {
        count(exchange, COUNTER_UPSTREAM_MISMATCHED);
        return false;
    }
    describe(try, spelled, &asked);
    enum reply_verdict verdict = reply_match(&asked, wire, size);
    if (verdict == REPLY_WRONG_CASE && try->over_tcp) {
        upstream_broke_case(side_of(try)->upstream, now_ms);
        asked.exact_case = false;
        verdict = reply_match(&asked, wire, size);
    }
    if (verdict == REPLY_FOREIGN) {
        on_foreign(exchange, try, &asked, wire, size, now_ms);
        return false;
    }
    on_reply(exchange, try, &asked, verdict, wire, size, now_ms);
    return true;
}

void exchange_broken(struct exchange *exchange, void *handle, uint16_t id, uint64_t now_ms)
{
    struct exchange_try *try = exchange_try_find(&exchange->table, handle, id);

    if (try == NULL)
        return;
    struct exchange_question *question = try->question;
    if (try->is_waiting)
        end_probe(try);
    exchange_try_remove(&exchange->table, try);
    note_broken(exchange, side_of(try), try->over_tcp, now_ms, try->over_tcp ? 0 : BROKEN_PAUSE_MS);
    if (question->is_done)
        free_if_over(exchange, question);
    else
        go_on(exchange, question, now_ms);
}

void exchange_suspect(struct exchange *exchange, void *handle, uint16_t id, uint64_t now_ms)
{
    struct exchange_try *try = exchange_try_find(&exchange->table, handle, id);

    if (try != NULL && !try->over_tcp && !try->question->is_done)
        go_to_tcp(exchange, try->question, try->side, now_ms);
}

/* ---- time ---- */

static void be_due(struct exchange *exchange, struct exchange_question *question, uint64_t now_ms)
{
    for (unsigned i = 0; i < question->tries_count; i++) {
        struct exchange_try *try = &question->tries[i];
        if (!try->is_waiting || try->due_ms > now_ms)
            continue;
        count(exchange, COUNTER_UPSTREAM_TIMEOUTS);
        count_held(exchange, upstream_silent(side_of(try)->upstream, now_ms));
        end_probe(try);
        try->is_waiting = false;
        if (question->is_done)
            close_try(exchange, try);
    }
    if (question->is_done)
        free_if_over(exchange, question);
    else if (now_ms >= question->deadline_ms)
        fail(exchange, question, now_ms);
    else
        go_on(exchange, question, now_ms);
}

uint64_t exchange_tick(struct exchange *exchange, uint64_t now_ms)
{
    struct exchange_table *table = &exchange->table;

    while (table->heap_count > 0 && table->heap[0]->due_ms <= now_ms)
        be_due(exchange, table->heap[0], now_ms);
    return table->heap_count > 0 ? table->heap[0]->due_ms : UINT64_MAX;
}

/* ---- the exchange ---- */

struct exchange *exchange_new(const struct exchange_options *options)
{
    struct exchange *exchange = memory_zalloc(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->options = *options;
    exchange->no_memory = cached_failure(ERROR_NO_ANSWER, 0);
    if (!exchange_table_init(&exchange->table, options->questions_max) || exchange->no_memory == NULL) {
        exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

void exchange_resize(struct exchange *exchange, uint32_t questions_max)
{
    exchange_table_resize(&exchange->table, questions_max);
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    exchange_table_clear(&exchange->table);
    cached_release(exchange->no_memory);
    memory_free(exchange);
}

/* Of a group of more servers than a question considers, each question takes others. */
static bool add_sides(struct exchange *exchange, struct exchange_question *question)
{
    const struct upstream_group *group = question->ask.rules.group;
    const struct exchange_transport *transport = &exchange->options.transport;
    size_t wanted = group->server_count < EXCHANGE_SERVERS ? group->server_count : EXCHANGE_SERVERS;
    size_t first = 0;

    if (wanted < group->server_count)
        first = (size_t)(transport->random(transport->context) % group->server_count);
    for (size_t i = 0; i < wanted; i++)
        if (!exchange_question_add_side(&exchange->table, question, &group->servers[(first + i) % group->server_count]))
            return false;
    return true;
}

bool exchange_ask(struct exchange *exchange, const struct exchange_ask *ask, exchange_done *done, void *context,
                  uint64_t now_ms)
{
    struct exchange_question *question = exchange_question_new(&exchange->table);
    uint64_t resume;

    if (question == NULL) {
        count(exchange, COUNTER_UPSTREAM_FULL);
        return false;
    }
    question->ask = *ask;
    memcpy(question->name, ask->key.name, name_size(ask->key.name));
    question->ask.key.name = question->name;
    question->done = done;
    question->context = context;
    question->deadline_ms = now_ms + ask->rules.group->deadline_ms;
    question->extended_error = -1;
    question->foreign = 0;
    question->over_tcp = question->has_failed = question->was_short = question->is_done = false;
    if (!add_sides(exchange, question)) {
        count(exchange, COUNTER_UPSTREAM_FULL);
        exchange_question_free(&exchange->table, question);
        return false;
    }
    exchange->count++;
    int best = choose(question, now_ms, &resume);
    assert(best >= 0);
    bool is_held = upstream_is_held(question->sides[best].upstream);
    send_try(exchange, question, is_held ? (unsigned)best : explore(exchange, question, (unsigned)best), false, now_ms);
    if (!is_held)
        probe(exchange, question, now_ms);
    go_on(exchange, question, now_ms);
    return true;
}

uint32_t exchange_count(const struct exchange *exchange)
{
    return exchange->count;
}

void exchange_walk(const struct exchange *exchange, exchange_visit *visit, void *context)
{
    exchange_table_walk(&exchange->table, visit, context);
}

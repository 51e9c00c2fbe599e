/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forwarder: merging, limits, stale answers and what is given to waiters, over an exchange that only notes what it is
 * asked and is told by the test what upstream said. The clock is the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "resolver/flight.h"
#include "resolver/forwarder.h"
#include "resolver/reply.h"
#include "tests/wire.h"
#include "zones/memory.h"
#include "zones/name.h"

#include <string.h>

#define ASKS_MAX 64

static const char policy_text[] = "[view a]\nclients = 127.10.0.0/16\nforward = up\n"
                                  "[view b]\nclients = 127.20.0.0/16\nforward = other\n"
                                  "[upstream up]\nservers = 127.0.0.1\nstale = 1h\n"
                                  "[upstream other]\nservers = 127.0.0.2\n";

/* ---- an exchange in the hand of the test: takes the place of the real one ---- */

struct exchange_note {
    uint8_t name[NAME_SIZE_MAX];
    uint16_t type;
    struct exchange_ask ask;
    exchange_done *done;
    void *context;
};

struct exchange {
    struct exchange_note notes[ASKS_MAX];
    unsigned count;
    bool is_full;
};

bool exchange_ask(struct exchange *exchange, const struct exchange_ask *ask, exchange_done *done, void *context,
                  uint64_t now_ms)
{
    (void)now_ms;
    if (exchange->is_full || exchange->count == ASKS_MAX)
        return false;
    struct exchange_note *note = &exchange->notes[exchange->count++];
    memcpy(note->name, ask->key.name, name_size(ask->key.name));
    note->type = ask->key.type;
    note->ask = *ask;
    note->done = done;
    note->context = context;
    return true;
}

/* ---- fixture ---- */

struct fixture {
    struct policy *policy;
    struct generation generation;
    struct counters counters;
    struct exchange exchange;
    struct forwarder *forwarder;
    struct waiter *ready[ASKS_MAX];
    unsigned ready_count;
};

static void on_ready(void *context, struct waiter *waiter)
{
    struct fixture *fixture = context;
    assert_true(fixture->ready_count < ASKS_MAX);
    fixture->ready[fixture->ready_count++] = waiter;
}

static int setup(void **state)
{
    struct fixture *fixture = memory_zalloc(1, sizeof *fixture);
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &fixture->policy),
                     STATUS_OK);
    diag_clear(&diag);
    fixture->generation.policy = fixture->policy;
    atomic_init(&fixture->generation.holders, 1);
    struct forwarder_options options = {
        .exchange = &fixture->exchange,
        .counters = &fixture->counters,
        .limits = {.cache_bytes = 1 << 20, .waiters_max = 10, .per_client_max = 3},
        .ready = on_ready,
        .context = fixture,
    };
    fixture->forwarder = forwarder_new(&options);
    assert_non_null(fixture->forwarder);
    forwarder_adopt(fixture->forwarder, &fixture->generation);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < fixture->ready_count; i++)
        forwarder_release(fixture->forwarder, fixture->ready[i]);
    forwarder_free(fixture->forwarder);
    assert_int_equal(atomic_load(&fixture->generation.holders), 1);
    policy_free(fixture->policy);
    memory_free(fixture);
    return 0;
}

static struct foreign_question question_of(struct fixture *fixture, const uint8_t *name, uint32_t view, uint32_t stale)
{
    return (struct foreign_question){
        .key = {.identity = forward_identity(fixture->policy->forward, view), .name = name, .type = RRTYPE_A},
        .group = forward_group(fixture->policy->forward, view),
        .stale = stale,
    };
}

static struct waiter *waiter_from(const char *address)
{
    static const uint8_t wire[12];
    struct client client = {.transport = TRANSPORT_UDP};
    assert_int_equal(address_from_text(address, strlen(address), &client.source), STATUS_OK);
    struct waiter *waiter = waiter_new(&client, wire, sizeof wire, 0);
    assert_non_null(waiter);
    return waiter;
}

static bool wait_for(struct fixture *fixture, const struct foreign_question *question, const char *address,
                     uint64_t now_ms)
{
    struct waiter *waiter = waiter_from(address);
    bool taken = forwarder_wait(fixture->forwarder, question, waiter, now_ms);
    if (!taken)
        forwarder_release(fixture->forwarder, waiter);
    return taken;
}

/* What upstream says to a question: one A record with this TTL, in wire form, through the real scrubbing. */
static struct cached *answer_with(struct fixture *fixture, const uint8_t *name, uint32_t ttl, uint64_t now_ms)
{
    struct reply_question question = {.id = 7, .name = name, .type = RRTYPE_A};
    struct reply_rules rules = {.policy = fixture->policy, .group = forward_group(fixture->policy->forward, 0)};
    uint8_t wire[512];
    size_t size = reply_write_question(&question, false, wire);
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 198, 51, 100, 7};
    struct cached *cached = NULL;

    wire[2] |= 0x80;
    wire[7] = 1;
    memcpy(wire + size, record, sizeof record);
    write_u32(wire + size + 6, ttl);
    assert_int_equal(reply_scrub(&question, &rules, wire, size + sizeof record, now_ms, &cached), REPLY_GOOD);
    return cached;
}

static void finish(struct fixture *fixture, unsigned note, struct cached *cached, uint64_t now_ms)
{
    fixture->exchange.notes[note].done(fixture->exchange.notes[note].context, cached, now_ms);
    cached_release(cached);
}

static const uint8_t *name_of(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
    return name;
}

static uint64_t counted(const struct fixture *fixture, enum counter counter)
{
    return counters_get(&fixture->counters, counter);
}

/* ---- tests ---- */

static void test_merged(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    uint8_t other_case[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("www.foreign.example", name), 0, 0);

    assert_null(forwarder_find(fixture->forwarder, &question, NULL, 1000, &is_stale));
    assert_true(wait_for(fixture, &question, "127.10.0.1", 1000));
    question.key.name = name_of("WWW.foreign.example", other_case);
    assert_true(wait_for(fixture, &question, "127.10.0.2", 1000));
    assert_int_equal(fixture->exchange.count, 1);
    assert_int_equal(counted(fixture, COUNTER_FORWARD_MERGED), 1);
    finish(fixture, 0, answer_with(fixture, name, 60, 1500), 1500);
    /* Nobody is called from inside. */
    assert_int_equal(fixture->ready_count, 0);
    assert_int_equal(forwarder_next(fixture->forwarder), 0);
    forwarder_drain(fixture->forwarder, 1500);
    assert_int_equal(fixture->ready_count, 2);
    assert_int_equal(forwarder_next(fixture->forwarder), UINT64_MAX);
    const struct cached *found = forwarder_find(fixture->forwarder, &question, NULL, 2000, &is_stale);
    assert_non_null(found);
    assert_false(is_stale);
    assert_int_equal(cached_ttl_left(found, 2500), 59);
    assert_null(forwarder_find(fixture->forwarder, &question, NULL, 1500 + 60000, &is_stale));
}

static void test_views_apart(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    name_of("www.foreign.example", name);
    struct foreign_question in_a = question_of(fixture, name, 0, 0);
    struct foreign_question in_b = question_of(fixture, name, 1, 0);

    assert_true(in_a.key.identity != in_b.key.identity);
    assert_true(wait_for(fixture, &in_a, "127.10.0.1", 0));
    assert_true(wait_for(fixture, &in_b, "127.20.0.1", 0));
    assert_int_equal(fixture->exchange.count, 2);
    finish(fixture, 0, answer_with(fixture, name, 60, 0), 0);
    forwarder_drain(fixture->forwarder, 0);
    assert_int_equal(fixture->ready_count, 1);
    assert_non_null(forwarder_find(fixture->forwarder, &in_a, NULL, 0, &is_stale));
    assert_null(forwarder_find(fixture->forwarder, &in_b, NULL, 0, &is_stale));
}

/* TTL 0: for those who waited, and for nobody else. */
static void test_ttl_zero(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("zero.foreign.example", name), 0, 0);

    assert_true(wait_for(fixture, &question, "127.10.0.1", 0));
    finish(fixture, 0, answer_with(fixture, name, 0, 0), 0);
    forwarder_drain(fixture->forwarder, 0);
    assert_int_equal(fixture->ready_count, 1);
    assert_non_null(forwarder_find(fixture->forwarder, &question, fixture->ready[0], 0, &is_stale));
    assert_null(forwarder_find(fixture->forwarder, &question, NULL, 0, &is_stale));
}

static void test_limits(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    char text[32];
    unsigned taken = 0;

    for (unsigned i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "n%u.foreign.example", i);
        struct foreign_question question = question_of(fixture, name_of(text, name), 0, 0);
        taken += wait_for(fixture, &question, "127.10.0.1", 0);
    }
    assert_int_equal(taken, 3);
    assert_int_equal(counted(fixture, COUNTER_FORWARD_CLIENT_LIMIT), 2);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(text, sizeof text, "127.10.1.%u", i + 1);
        struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 0);
        taken += wait_for(fixture, &question, text, 0);
    }
    assert_int_equal(taken, 10);
    assert_int_equal(counted(fixture, COUNTER_FORWARD_LIMIT), 13);
}

/* Answered, a client may wait again. */
static void test_limit_given_back(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 0);

    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 3; i++)
            assert_true(wait_for(fixture, &question, "127.10.0.1", 0));
        assert_false(wait_for(fixture, &question, "127.10.0.1", 0));
        finish(fixture, round, answer_with(fixture, name, 0, 0), 0);
        forwarder_drain(fixture->forwarder, 0);
        assert_int_equal(fixture->ready_count, 3);
        while (fixture->ready_count > 0)
            forwarder_release(fixture->forwarder, fixture->ready[--fixture->ready_count]);
    }
}

static void test_rounds(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    struct waiter *waiter = waiter_from("127.10.0.1");
    char text[32];

    for (unsigned i = 0; i < WAITER_ROUNDS_MAX; i++) {
        snprintf(text, sizeof text, "n%u.foreign.example", i);
        struct foreign_question question = question_of(fixture, name_of(text, name), 0, 0);
        assert_true(forwarder_wait(fixture->forwarder, &question, waiter, 0));
        finish(fixture, i, answer_with(fixture, name, 0, 0), 0);
        forwarder_drain(fixture->forwarder, 0);
        assert_int_equal(fixture->ready_count, 1);
        fixture->ready_count = 0;
    }
    struct foreign_question question = question_of(fixture, name_of("more.foreign.example", name), 0, 0);
    assert_false(forwarder_wait(fixture->forwarder, &question, waiter, 0));
    forwarder_release(fixture->forwarder, waiter);
}

static void test_full_exchange(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 3600);

    fixture->exchange.is_full = true;
    assert_false(wait_for(fixture, &question, "127.10.0.1", 0));
    fixture->exchange.is_full = false;
    assert_true(wait_for(fixture, &question, "127.10.0.1", 0));
}

/* An answer of `ttl` seconds is in the cache and has just expired; returns the time. */
static uint64_t expire(struct fixture *fixture, const struct foreign_question *question, uint32_t ttl)
{
    assert_true(wait_for(fixture, question, "127.10.0.1", 0));
    finish(fixture, 0, answer_with(fixture, question->key.name, ttl, 0), 0);
    forwarder_drain(fixture->forwarder, 0);
    forwarder_release(fixture->forwarder, fixture->ready[--fixture->ready_count]);
    return ttl * 1000 + 1;
}

/* Upstream is silent: after a while what is stale is served, and who comes later gets it at once. */
static void test_stale_while_silent(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 3600);
    uint64_t now = expire(fixture, &question, 5);

    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_true(wait_for(fixture, &question, "127.10.0.1", now));
    assert_int_equal(forwarder_next(fixture->forwarder), now + FORWARDER_STALE_AFTER_MS);
    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now + 1000, &is_stale));
    now += FORWARDER_STALE_AFTER_MS;
    forwarder_drain(fixture->forwarder, now);
    assert_int_equal(fixture->ready_count, 1);
    assert_non_null(forwarder_find(fixture->forwarder, &question, fixture->ready[0], now, &is_stale));
    assert_true(is_stale);
    assert_non_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_true(is_stale);
    assert_int_equal(fixture->exchange.count, 2);
    /* It answers after all. */
    finish(fixture, 1, answer_with(fixture, name, 60, now), now);
    forwarder_drain(fixture->forwarder, now);
    assert_non_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_false(is_stale);
}

/* Upstream fails: stale, and nobody is asked again for a while. */
static void test_stale_after_failure(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 3600);
    uint64_t now = expire(fixture, &question, 5);

    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_true(wait_for(fixture, &question, "127.10.0.1", now));
    finish(fixture, 1, cached_failure(22, now), now);
    forwarder_drain(fixture->forwarder, now);
    assert_int_equal(fixture->ready_count, 1);
    const struct cached *found = forwarder_find(fixture->forwarder, &question, fixture->ready[0], now, &is_stale);
    assert_non_null(found);
    assert_true(is_stale);
    assert_int_equal(found->rcode, RCODE_NOERROR);
    found = forwarder_find(fixture->forwarder, &question, NULL, now + 1000, &is_stale);
    assert_non_null(found);
    assert_true(is_stale);
    assert_int_equal(forwarder_next(fixture->forwarder), UINT64_MAX);
    now += CACHED_FAILURE_TTL * 1000;
    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_true(wait_for(fixture, &question, "127.10.0.1", now));
    assert_int_equal(fixture->exchange.count, 3);
}

/* Another generation may have made the name one of ours meanwhile: then what is stale is not given. */
static void test_stale_no_more(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 3600);
    uint64_t now = expire(fixture, &question, 5);

    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now, &is_stale));
    assert_true(wait_for(fixture, &question, "127.10.0.1", now));
    finish(fixture, 1, cached_failure(22, now), now);
    forwarder_drain(fixture->forwarder, now);
    assert_int_equal(fixture->ready_count, 1);
    question.stale = 0;
    assert_null(forwarder_find(fixture->forwarder, &question, fixture->ready[0], now, &is_stale));
    assert_int_equal(counted(fixture, COUNTER_CACHE_STALE), 0);
    question.stale = 3600;
    assert_non_null(forwarder_find(fixture->forwarder, &question, fixture->ready[0], now, &is_stale));
    assert_int_equal(counted(fixture, COUNTER_CACHE_STALE), 1);
}

/* A long query would keep its bytes for seconds. */
static void test_long_query(void **state)
{
    static const uint8_t wire[WAITER_QUERY_MAX + 1];
    const struct client client = {.transport = TRANSPORT_TCP};
    struct waiter *waiter = waiter_new(&client, wire, WAITER_QUERY_MAX, 0);
    (void)state;

    assert_non_null(waiter);
    memory_free(waiter);
    assert_null(waiter_new(&client, wire, WAITER_QUERY_MAX + 1, 0));
}

/* Where stale is not allowed, a failure is a failure, and remembered for a moment. */
static void test_failure(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 0);
    uint64_t now = expire(fixture, &question, 5);

    assert_true(wait_for(fixture, &question, "127.10.0.1", now));
    finish(fixture, 1, cached_failure(22, now), now);
    forwarder_drain(fixture->forwarder, now);
    const struct cached *found = forwarder_find(fixture->forwarder, &question, fixture->ready[0], now, &is_stale);
    assert_non_null(found);
    assert_int_equal(found->rcode, RCODE_SERVFAIL);
    found = forwarder_find(fixture->forwarder, &question, NULL, now + 4000, &is_stale);
    assert_non_null(found);
    assert_int_equal(found->rcode, RCODE_SERVFAIL);
    assert_null(forwarder_find(fixture->forwarder, &question, NULL, now + 5001, &is_stale));
}

/* Often asked for and soon to expire: served, and asked again in the background, once. */
static void test_prefetch(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    bool is_stale;
    struct foreign_question question = question_of(fixture, name_of("hot.foreign.example", name), 0, 0);

    assert_true(wait_for(fixture, &question, "127.10.0.1", 0));
    finish(fixture, 0, answer_with(fixture, name, 100, 0), 0);
    forwarder_drain(fixture->forwarder, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_non_null(forwarder_find(fixture->forwarder, &question, NULL, 1000, &is_stale));
    assert_int_equal(fixture->exchange.count, 1);
    for (unsigned i = 0; i < 5; i++)
        assert_non_null(forwarder_find(fixture->forwarder, &question, NULL, 95000, &is_stale));
    assert_int_equal(fixture->exchange.count, 2);
    assert_int_equal(counted(fixture, COUNTER_CACHE_PREFETCHED), 1);
    finish(fixture, 1, answer_with(fixture, name, 100, 96000), 96000);
    forwarder_drain(fixture->forwarder, 96000);
    assert_non_null(forwarder_find(fixture->forwarder, &question, NULL, 150000, &is_stale));
}

/* The end comes while somebody waits: everything is freed (seen by the sanitizers). */
static void test_end(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[NAME_SIZE_MAX];
    struct foreign_question question = question_of(fixture, name_of("x.foreign.example", name), 0, 3600);
    struct foreign_question other = question_of(fixture, name_of("y.foreign.example", name), 1, 0);

    assert_true(wait_for(fixture, &question, "127.10.0.1", 0));
    assert_true(wait_for(fixture, &other, "127.10.0.2", 0));
    finish(fixture, 1, cached_failure(23, 0), 0);
}

int main(void)
{
#define FORWARDER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        FORWARDER_TEST(test_merged),
        FORWARDER_TEST(test_views_apart),
        FORWARDER_TEST(test_ttl_zero),
        FORWARDER_TEST(test_limits),
        FORWARDER_TEST(test_limit_given_back),
        FORWARDER_TEST(test_rounds),
        FORWARDER_TEST(test_full_exchange),
        FORWARDER_TEST(test_stale_while_silent),
        FORWARDER_TEST(test_stale_after_failure),
        FORWARDER_TEST(test_stale_no_more),
        FORWARDER_TEST(test_long_query),
        FORWARDER_TEST(test_failure),
        FORWARDER_TEST(test_prefetch),
        FORWARDER_TEST(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

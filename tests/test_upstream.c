/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/upstream.h"

static const struct upstream_server some_server = {.address = {.family = 4, .bytes = {127, 0, 0, 1}}, .port = 53};

static void test_unknown(void **state)
{
    (void)state;
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    assert_int_equal(upstream.server.port, 53);
    assert_false(upstream_is_held(&upstream));
    assert_false(upstream_wants_probe(&upstream, 1000000));
    assert_true(upstream_speaks_edns(&upstream, 0));
    assert_true(upstream_keeps_case(&upstream, 0));
    assert_int_equal(upstream_score(&upstream, 5), 0);
    assert_int_equal(upstream_wait(&upstream, 0, 1000, 5000), UPSTREAM_RTO_FIRST);
    assert_int_equal(upstream_wait(&upstream, 0, 200, 5000), 200);
}

/* RFC 6298: after many equal times the wait is that time, or the least there is. */
static void test_round_trips(void **state)
{
    (void)state;
    static const struct {
        uint64_t rtt_ms;
        uint32_t wait_ms;
    } rows[] = {{0, 100}, {1, 100}, {30, 100}, {99, 100}, {150, 150}, {400, 400}, {900, 900}, {3000, 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct upstream upstream;
        upstream_init(&upstream, &some_server);
        for (int n = 0; n < 200; n++)
            upstream_answered(&upstream, rows[i].rtt_ms, true, 0);
        assert_in_range(upstream_wait(&upstream, 0, 1000, 5000), rows[i].wait_ms, rows[i].wait_ms + 5);
        assert_in_range(upstream.srtt / 8, rows[i].rtt_ms, rows[i].rtt_ms + 1);
        assert_in_range(upstream.loss, 0, UPSTREAM_LOSS_FULL / 16);
    }
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    upstream_answered(&upstream, 40, true, 0);
    /* 2.2: RTTVAR is half the first time, so RTO is three times as long. */
    assert_int_equal(upstream_wait(&upstream, 0, 1000, 5000), (40 * 8 + 4 + 4 * ((40 * 8 + 4) / 2)) / 8);
}

static void test_backing_off(void **state)
{
    (void)state;
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    for (int n = 0; n < 200; n++)
        upstream_answered(&upstream, 10, true, 0);
    uint64_t sum = 0;
    unsigned tries = 0;
    for (; sum < 5000; tries++)
        sum += upstream_wait(&upstream, tries, 1000, 5000);
    assert_in_range(tries, 7, 9);
    for (int n = 0; n < 200; n++) {
        upstream_silent(&upstream, 0);
        upstream_answered(&upstream, 10, true, 0);
    }
    for (sum = tries = 0; sum < 5000; tries++)
        sum += upstream_wait(&upstream, tries, 1000, 5000);
    assert_in_range(tries, 22, 28);
    assert_int_equal(upstream_wait(&upstream, 1000000, 1000, 5000), 5000 / 24);
}

static void test_hold(void **state)
{
    (void)state;
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    assert_false(upstream_silent(&upstream, 10));
    assert_false(upstream_silent(&upstream, 10));
    assert_true(upstream_silent(&upstream, 10));
    assert_true(upstream_is_held(&upstream));
    /* More of the same outage does not make it longer. */
    assert_false(upstream_silent(&upstream, 20));
    assert_false(upstream_wants_probe(&upstream, 1009));
    uint64_t now = 1010;
    for (uint64_t length = 2000; length <= 128000; length *= 2) {
        assert_true(upstream_wants_probe(&upstream, now));
        assert_false(upstream_silent(&upstream, now));
        uint64_t held = length > UPSTREAM_HOLD_MAX ? UPSTREAM_HOLD_MAX : length;
        assert_false(upstream_wants_probe(&upstream, now + held - 1));
        now += held;
    }
    upstream.is_probed = true;
    assert_false(upstream_wants_probe(&upstream, now));
    upstream_answered(&upstream, 5, true, now);
    assert_false(upstream_is_held(&upstream));
    assert_true(upstream_broke(&upstream, now));
    assert_false(upstream_broke(&upstream, now));
    assert_int_equal(upstream.hold_ms, UPSTREAM_HOLD_MIN);
}

/* One that fails what others answer is held, and freed by an answer only. */
static void test_failing(void **state)
{
    (void)state;
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    assert_false(upstream_failed(&upstream, 0));
    assert_false(upstream_failed(&upstream, 0));
    upstream_answered(&upstream, 5, true, 0);
    assert_false(upstream_failed(&upstream, 0));
    assert_false(upstream_failed(&upstream, 0));
    assert_true(upstream_failed(&upstream, 0));
    upstream_answered(&upstream, 5, false, 1000);
    assert_true(upstream_is_held(&upstream));
    assert_int_equal(upstream.hold_ms, 2 * UPSTREAM_HOLD_MIN);
    upstream_answered(&upstream, 5, true, 3000);
    assert_false(upstream_is_held(&upstream));
}

static void test_score(void **state)
{
    (void)state;
    struct upstream fast;
    struct upstream slow;
    upstream_init(&fast, &some_server);
    upstream_init(&slow, &some_server);
    upstream_asked(&fast, 0);
    upstream_asked(&slow, 0);
    upstream_answered(&fast, 10, true, 10);
    upstream_answered(&slow, 200, true, 200);
    assert_true(upstream_score(&fast, 1000) < upstream_score(&slow, 1000));
    upstream_asked(&fast, 600000);
    assert_true(upstream_score(&fast, 600000) > upstream_score(&slow, 600000));
}

static void test_habits(void **state)
{
    (void)state;
    struct upstream upstream;
    upstream_init(&upstream, &some_server);
    upstream_refused_edns(&upstream, 1000);
    upstream_broke_case(&upstream, 2000);
    assert_false(upstream_speaks_edns(&upstream, 1000 + UPSTREAM_HABIT_MS - 1));
    assert_true(upstream_speaks_edns(&upstream, 1000 + UPSTREAM_HABIT_MS));
    assert_false(upstream_keeps_case(&upstream, 2000 + UPSTREAM_HABIT_MS - 1));
    assert_true(upstream_keeps_case(&upstream, 2000 + UPSTREAM_HABIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown), cmocka_unit_test(test_round_trips), cmocka_unit_test(test_backing_off),
        cmocka_unit_test(test_hold),    cmocka_unit_test(test_failing),     cmocka_unit_test(test_score),
        cmocka_unit_test(test_habits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

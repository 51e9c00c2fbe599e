/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exchange with scripted servers and a clock of its own. Linked with its own zones/memory.c, built with
 * SPLITVIEW_TORTURE.
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/upstream.h"
#include "tests/exchange_world.h"
#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

static struct world *the_world(void **state)
{
    return *state;
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct world));
    return *state == NULL;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* ---- one question, two servers, each with a habit ---- */

struct row {
    const char *title;
    struct world_script first;
    struct world_script second;
    unsigned servers;
    int error;      /* the failure's RFC 8914 code; -1: an answer */
    unsigned least; /* ms until the end */
    unsigned most;
    unsigned sent; /* tries; 0: any number */
    unsigned tcp;  /* of these */
};

static const struct row rows[] = {
    {"plain", {.delay_ms = 5}, {0}, 1, -1, 5, 5, 1, 0},
    {"doubled", {.delay_ms = 5, .copies = 3}, {0}, 1, -1, 5, 5, 1, 0},
    {"slow: the first try's answer is taken", {.delay_ms = 700}, {0}, 1, -1, 700, 700, 0, 0},
    {"slower than the try's timeout", {.delay_ms = 3100}, {0}, 1, -1, 3100, 3100, 0, 0},
    {"too slow", {.delay_ms = 5100}, {0}, 1, 22, 5000, 5000, 0, 0},
    {"dead", {.is_dead = true}, {0}, 1, 22, 5000, 5000, 0, 0},
    {"both dead", {.is_dead = true}, {.is_dead = true}, 2, 22, 5000, 5000, 0, 0},
    {"first dead", {.is_dead = true}, {.delay_ms = 5}, 2, -1, 255, 255, 2, 0},
    {"wrong id", {.is_other_id = true}, {.delay_ms = 5}, 2, -1, 255, 255, 2, 0},
    {"wrong question", {.is_other_question = true}, {.delay_ms = 5}, 2, -1, 255, 255, 2, 0},
    {"garbage", {.is_garbage = true, .delay_ms = 3}, {.delay_ms = 5}, 2, -1, 8, 8, 2, 0},
    {"all garbage", {.is_garbage = true, .delay_ms = 3}, {.is_garbage = true, .delay_ms = 5}, 2, 22, 16, 16, 4, 0},
    {"first servfail", {.rcode = RCODE_SERVFAIL, .delay_ms = 3}, {.delay_ms = 5}, 2, -1, 8, 8, 2, 0},
    {"one servfail", {.rcode = RCODE_SERVFAIL, .delay_ms = 3}, {0}, 1, 22, 6, 6, 2, 0},
    {"reason", {.rcode = RCODE_SERVFAIL, .delay_ms = 3, .extended_error = 6}, {0}, 1, 6, 6, 6, 2, 0},
    {"refused", {.rcode = RCODE_REFUSED}, {.rcode = RCODE_REFUSED, .extended_error = 18}, 2, 18, 0, 0, 4, 0},
    {"truncated", {.truncates = true, .delay_ms = 5}, {0}, 1, -1, 10, 10, 2, 1},
    {"truncated, no TCP", {.truncates = true, .tcp_is_refusing = true}, {.delay_ms = 5}, 2, -1, 5, 5, 3, 2},
    {"no edns", {.dislikes_edns = true, .delay_ms = 5}, {0}, 1, -1, 10, 10, 2, 0},
    {"formerr", {.rcode = RCODE_FORMERR}, {.delay_ms = 5}, 2, -1, 5, 5, 3, 0},
    {"wrong case", {.lowers_case = true, .delay_ms = 5}, {0}, 1, -1, 10, 10, 2, 1},
    {"wrong case for ever", {.lowers_case = true, .lowers_case_tcp = true}, {0}, 1, -1, 0, 0, 2, 1},
    {"few forgeries", {.forgeries = 15, .delay_ms = 5}, {0}, 1, -1, 5, 5, 1, 0},
    {"many forgeries", {.forgeries = 16, .delay_ms = 5}, {0}, 1, -1, 7, 7, 2, 1},
    {"first refuses", {.is_refusing = true, .delay_ms = 1}, {.delay_ms = 5}, 2, -1, 6, 6, 2, 0},
    {"both refuse", {.is_refusing = true}, {.is_refusing = true}, 2, 23, 100, 100, 4, 0},
    {"no route to the first", {.refuses_send = true}, {.delay_ms = 5}, 2, -1, 5, 5, 1, 0},
    {"no route", {.refuses_send = true}, {.refuses_send = true}, 2, 23, 100, 100, 0, 0},
    {"one dead, one refuses", {.is_dead = true}, {.is_refusing = true}, 2, 22, 0, 5000, 0, 0},
    {"one dead, one fails", {.is_dead = true}, {.rcode = RCODE_SERVFAIL}, 2, 22, 0, 1500, 0, 0},
};

static void test_rows(void **state)
{
    struct world *world = the_world(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        world_init(world, row->servers, 10);
        world->scripts[0] = row->first;
        if (row->servers > 1)
            world->scripts[1] = row->second;
        /* Not the one question in twenty that begins elsewhere. */
        world->seed = 7;
        assert_true(world_ask(world, "lyncdiscover.harbor.example."));
        assert_int_equal(world->answered + world->failed, 0);
        world_run(world);
        unsigned sent = world->sent[0] + world->sent[1];
        unsigned tcp = world->sent_tcp[0] + world->sent_tcp[1];
        bool is_fine = world->answered == (row->error < 0 ? 1u : 0u) && world->answered + world->failed == 1 &&
                       (row->error < 0 || world->last_error == row->error) && world->longest_ms >= row->least &&
                       world->longest_ms <= row->most && (row->sent == 0 || row->sent == sent) && tcp == row->tcp;
        if (!is_fine)
            fail_msg("%s: %u answered, error %d, after %u ms, %u sent, %u over TCP", row->title, world->answered,
                     world->last_error, (unsigned)world->longest_ms, sent, tcp);
        assert_int_equal(world_counter(world, COUNTER_UPSTREAM_QUERIES), sent);
        assert_int_equal(world_counter(world, COUNTER_UPSTREAM_TCP), tcp);
        assert_int_equal(world_counter(world, COUNTER_UPSTREAM_UNANSWERED), row->error < 0 ? 0 : 1);
        world_clear(world);
    }
}

static void test_tcp_always(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 1, 10);
    world->group.tcp_always = true;
    assert_true(world_ask(world, "a.example."));
    world_run(world);
    assert_int_equal(world->answered, 1);
    assert_int_equal(world->sent_tcp[0], 1);
    world_clear(world);
}

/* ---- habits ---- */

static void test_habits(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 1, 10);
    world->scripts[0].dislikes_edns = true;
    assert_true(world_ask(world, "a.example."));
    assert_true(world->last_had_edns);
    world_run(world);
    assert_true(world_ask(world, "b.example."));
    assert_false(world->last_had_edns);
    world_run(world);
    assert_int_equal(world->sent[0], 3);
    world_run_until(world, world->now_ms + UPSTREAM_HABIT_MS);
    assert_true(world_ask(world, "c.example."));
    assert_true(world->last_had_edns);
    world_run(world);
    world_clear(world);

    world_init(world, 1, 10);
    world->scripts[0].lowers_case = world->scripts[0].lowers_case_tcp = true;
    assert_true(world_ask(world, "somename.example."));
    assert_true(world->last_was_mixed);
    world_run(world);
    assert_int_equal(world->sent_tcp[0], 1);
    assert_true(world_ask(world, "othername.example."));
    assert_false(world->last_was_mixed);
    world_run(world);
    assert_int_equal(world->sent_tcp[0], 1);
    assert_int_equal(world->answered, 2);
    world_clear(world);

    world_init(world, 1, 10);
    world->group.case_mix = false;
    assert_true(world_ask(world, "somename.example."));
    assert_false(world->last_was_mixed);
    world_run(world);
    world_clear(world);
}

/* ---- which server ---- */

static void find_server(void *context, const struct exchange_server *server)
{
    struct exchange_server *servers = context;
    servers[server->server.address.bytes[3]] = *server;
}

static void test_fastest(void **state)
{
    struct world *world = the_world(state);
    struct exchange_server seen[WORLD_SERVERS_MAX];
    world_init(world, 3, 10);
    world->scripts[0].delay_ms = 50;
    world->scripts[1].delay_ms = 10;
    world->scripts[2].delay_ms = 90;
    for (int i = 0; i < 1000; i++) {
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    assert_int_equal(world->answered, 1000);
    assert_in_range(world->sent[1], 900, 980);
    assert_in_range(world->sent[0], 5, 60);
    assert_in_range(world->sent[2], 5, 60);
    exchange_walk(world->exchange, find_server, seen);
    assert_in_range(seen[1].rtt_ms, 10, 11);
    assert_in_range(seen[2].rtt_ms, 90, 91);
    assert_int_equal(seen[1].asked, world->sent[1]);
    assert_false(seen[1].is_held);
    world_clear(world);
}

static void test_hold_and_probe(void **state)
{
    struct world *world = the_world(state);
    struct exchange_server seen[WORLD_SERVERS_MAX];
    world_init(world, 2, 10);
    world->scripts[0].is_dead = true;
    world->scripts[1].delay_ms = 20;
    for (int i = 0; world_counter(world, COUNTER_UPSTREAM_HELD) == 0; i++) {
        assert_in_range(i, 0, 500);
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    /* Held: nothing goes there … */
    unsigned sent = world->sent[0];
    assert_true(world_ask(world, "a.example."));
    world_run_until(world, world->now_ms + 500);
    assert_int_equal(world->sent[0], sent);
    exchange_walk(world->exchange, find_server, seen);
    assert_true(seen[0].is_held);
    /* … until a second has gone by: then one question goes to both, and waits for the living one only. */
    world_run_until(world, world->now_ms + 600);
    world->longest_ms = 0;
    assert_true(world_ask(world, "a.example."));
    assert_true(world_ask(world, "a.example."));
    assert_int_equal(world->sent[0], sent + 1);
    world_run_until(world, world->now_ms + 30);
    assert_int_equal(world->longest_ms, 20);
    assert_int_equal(exchange_count(world->exchange), 0);
    assert_int_equal(world->open, 1);
    world_run(world);
    /* Nobody was there: two seconds more. */
    world_run_until(world, world->now_ms + 1900);
    assert_true(world_ask(world, "a.example."));
    assert_int_equal(world->sent[0], sent + 1);
    world_run_until(world, world->now_ms + 200);
    world->scripts[0] = (struct world_script){.delay_ms = 1};
    assert_true(world_ask(world, "a.example."));
    assert_int_equal(world->sent[0], sent + 2);
    world_run(world);
    exchange_walk(world->exchange, find_server, seen);
    assert_false(seen[0].is_held);
    assert_int_equal(world_counter(world, COUNTER_UPSTREAM_HELD), 1);
    assert_int_equal(world->failed, 0);
    world_clear(world);
}

/* A probe whose question has ended, and whose answer then comes. */
static void test_late_probe(void **state)
{
    struct world *world = the_world(state);
    struct exchange_server seen[WORLD_SERVERS_MAX];
    world_init(world, 2, 10);
    world->scripts[0].is_refusing = true;
    while (world->sent[0] == 0) {
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    world_run_until(world, world->now_ms + 1000);
    world->scripts[0] = (struct world_script){.delay_ms = 800};
    assert_true(world_ask(world, "a.example."));
    world_run_until(world, world->now_ms + 10);
    assert_int_equal(exchange_count(world->exchange), 0);
    exchange_walk(world->exchange, find_server, seen);
    assert_true(seen[0].is_held);
    world_run(world);
    exchange_walk(world->exchange, find_server, seen);
    assert_false(seen[0].is_held);
    world_clear(world);
}

/* A server that fails what the other answers is not asked first for ever, fast as it is. */
static void test_failing_server(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 2, 10);
    world->scripts[0] = (struct world_script){.delay_ms = 1, .rcode = RCODE_REFUSED};
    world->scripts[1].delay_ms = 50;
    for (int i = 0; i < 200; i++) {
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    assert_int_equal(world->answered, 200);
    assert_in_range(world->sent[0], 3, 15);
    world_clear(world);
}

/* A group of more servers than one question considers. */
static void test_many_servers(void **state)
{
    struct world *world = the_world(state);
    world_init(world, WORLD_SERVERS_MAX, 100);
    for (int i = 0; i < 2000; i++) {
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    assert_int_equal(world->answered, 2000);
    for (int i = 0; i < WORLD_SERVERS_MAX; i++)
        assert_true(world->sent[i] > 0);
    for (int i = 0; i < WORLD_SERVERS_MAX; i++)
        world->scripts[i].is_dead = true;
    assert_true(world_ask(world, "a.example."));
    world_run(world);
    assert_int_equal(world->failed, 1);
    world_clear(world);
}

/* ---- loss ---- */

/* 10,000 questions, 30 % of the packets lost in each direction, one of two servers dead: all are answered within their
 * five seconds. The other server's packets come out of order. */
static void test_loss(void **state)
{
    struct world *world = the_world(state);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        world_init(world, 2, 2000);
        world->seed = seed;
        world->scripts[0].is_dead = true;
        world->scripts[1] = (struct world_script){.delay_ms = 2, .jitter_ms = 40, .loss = 30};
        for (int i = 0; i < 10000; i++) {
            assert_true(world_ask(world, "wpad.harbor.example."));
            world_run_until(world, world->now_ms + 5);
        }
        world_run(world);
        assert_int_equal(world->failed, 0);
        assert_int_equal(world->answered, 10000);
        /* Not bought with a flood: half of the tries are lost, few go to the dead one. */
        assert_in_range(world->sent[1], 18000, 25000);
        assert_in_range(world->sent[0], 3, 2000);
        world_clear(world);
    }
}

/* The same where only one question is under way at a time, 300 of them, and twice the loss of an answer's way. */
static void test_loss_alone(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 2, 10);
    world->scripts[0].is_dead = true;
    world->scripts[1] = (struct world_script){.delay_ms = 20, .loss = 30};
    for (int i = 0; i < 1000; i++) {
        assert_true(world_ask(world, "wpad.harbor.example."));
        world_run(world);
    }
    assert_int_equal(world->failed, 0);
    world_clear(world);
}

/* Whatever ends before and after it, a question fails at its own deadline. */
struct appointment {
    struct upstream_group group;
    uint64_t deadline_ms;
    bool is_over;
    bool has_failed;
};

static void on_appointment(void *context, struct cached *cached, uint64_t now_ms)
{
    struct appointment *appointment = context;
    assert_false(appointment->is_over);
    appointment->is_over = true;
    appointment->has_failed = cached->rcode == RCODE_SERVFAIL;
    if (appointment->has_failed)
        assert_int_equal(now_ms, appointment->deadline_ms);
    else
        assert_in_range(now_ms, appointment->deadline_ms - appointment->group.deadline_ms, appointment->deadline_ms);
}

static void test_deadlines(void **state)
{
    enum { COUNT = 3000 };
    struct world *world = the_world(state);
    struct appointment *appointments = calloc(COUNT, sizeof *appointments);
    unsigned failed = 0;
    assert_non_null(appointments);
    world_init(world, 1, COUNT);
    world->scripts[0] = (struct world_script){.loss = 60, .jitter_ms = 900};
    for (unsigned i = 0; i < COUNT; i++) {
        struct appointment *appointment = &appointments[i];
        struct exchange_ask asked = {.key = {.name = (const uint8_t *)"", .type = RRTYPE_A}};
        appointment->group = world->group;
        appointment->group.timeout_ms = 50 + i * 7919 % 700;
        appointment->group.deadline_ms = 700 + i * 104729 % 3000;
        appointment->deadline_ms = world->now_ms + appointment->group.deadline_ms;
        asked.rules.group = &appointment->group;
        assert_true(exchange_ask(world->exchange, &asked, on_appointment, appointment, world->now_ms));
        world_run_until(world, world->now_ms + i % 3);
    }
    world_run(world);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_true(appointments[i].is_over);
        failed += appointments[i].has_failed;
    }
    assert_in_range(failed, 20, COUNT - 500);
    world_clear(world);
    free(appointments);
}

/* No flood where nothing is lost and an upstream is slow with one name only. */
static void test_slow_name(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 1, 10);
    world->scripts[0].silent_about = 's';
    for (int i = 0; i < 100; i++) {
        assert_true(world_ask(world, "a.example."));
        world_run(world);
    }
    unsigned sent = world->sent[0];
    assert_true(world_ask(world, "slow.example."));
    for (int i = 0; i < 200; i++) {
        world_run_until(world, world->now_ms + 20);
        assert_true(world_ask(world, "a.example."));
    }
    world_run(world);
    assert_in_range(world->sent[0] - sent - 200, 5, 13);
    assert_int_equal(world->answered, 300);
    assert_int_equal(world->failed, 1);
    world_clear(world);
}

/* ---- limits, handles, memory ---- */

static void test_questions_max(void **state)
{
    struct world *world = the_world(state);
    world_init(world, 1, 5);
    for (int i = 0; i < 5; i++)
        assert_true(world_ask(world, "a.example."));
    assert_false(world_ask(world, "a.example."));
    assert_int_equal(exchange_count(world->exchange), 5);
    assert_int_equal(world_counter(world, COUNTER_UPSTREAM_FULL), 1);
    world_run(world);
    assert_int_equal(world->answered, 5);
    exchange_resize(world->exchange, 3);
    for (int i = 0; i < 3; i++)
        assert_true(world_ask(world, "a.example."));
    assert_false(world_ask(world, "a.example."));
    exchange_resize(world->exchange, 300);
    for (int i = 0; i < 297; i++)
        assert_true(world_ask(world, "a.example."));
    assert_false(world_ask(world, "a.example."));
    exchange_resize(world->exchange, 2);
    world_run(world);
    assert_int_equal(world->answered, 305);
    world->answered = 5;
    assert_true(world_ask(world, "a.example."));
    world_clear(world); /* what is under way goes without a word */
    assert_int_equal(world->answered, 5);
}

/* While the server says nothing, few tries can be forged: the first and the newest, whose answers are taken. */
static void test_open_tries(void **state)
{
    struct world *world = the_world(state);
    unsigned most = 0;
    world_init(world, 1, 5);
    world->scripts[0].is_dead = true;
    assert_true(world_ask(world, "a.example."));
    for (unsigned i = 0; i < 490; i++) {
        world_run_until(world, world->now_ms + 10);
        most = world->open > most ? world->open : most;
    }
    assert_int_equal(most, EXCHANGE_OPEN_MAX);
    assert_in_range(world->sent[0], 10, 28);
    assert_true(world->pipes[0]->is_open);
    assert_true(world->pipes[world->pipe_count - 1]->is_open);
    world_run(world);
    assert_int_equal(world->failed, 1);
    assert_int_equal(world->open, 0);
    world_clear(world);
}

/* What this side is short of is not the servers' fault. */
static void test_no_room(void **state)
{
    static const bool over_tcp[] = {false, true};
    struct world *world = the_world(state);
    for (size_t i = 0; i < sizeof over_tcp / sizeof *over_tcp; i++) {
        world_init(world, 2, 10);
        world->group.tcp_always = over_tcp[i];
        world->has_no_room = true;
        assert_true(world_ask(world, "a.example."));
        assert_true(world_ask(world, "a.example."));
        assert_int_equal(exchange_count(world->exchange), 2);
        world_run_until(world, world->now_ms + 1000);
        world->has_no_room = false;
        world_run(world);
        assert_int_equal(world->answered, 2);
        assert_true(world->longest_ms < 1200);
        world->has_no_room = true;
        assert_true(world_ask(world, "a.example."));
        world_run(world);
        assert_int_equal(world->failed, 1);
        assert_int_equal(world->last_error, 14);
        assert_int_equal(world->longest_ms, 5000);
        assert_int_equal(world_counter(world, COUNTER_UPSTREAM_HELD), 0);
        assert_int_equal(world_counter(world, COUNTER_UPSTREAM_BROKEN), 0);
        assert_in_range(world_counter(world, COUNTER_UPSTREAM_FULL), 50, 200);
        world_clear(world);
    }
}

static void test_strangers(void **state)
{
    struct world *world = the_world(state);
    uint8_t wire[20] = {0};
    int nobody;
    world_init(world, 1, 5);
    assert_false(exchange_receive(world->exchange, &nobody, wire, sizeof wire, WORLD_START_MS));
    assert_false(exchange_receive(world->exchange, &nobody, wire, 1, WORLD_START_MS));
    assert_false(exchange_receive(world->exchange, &nobody, wire, 0, WORLD_START_MS));
    assert_int_equal(world_counter(world, COUNTER_UPSTREAM_MISMATCHED), 3);
    exchange_broken(world->exchange, &nobody, 1, WORLD_START_MS);
    exchange_suspect(world->exchange, &nobody, 1, WORLD_START_MS);
    assert_true(world_ask(world, "a.example."));
    struct world_pipe *pipe = world->pipes[world->pipe_count - 1];
    write_u16(wire, pipe->id);
    /* Two bytes of the right ID, and a header alone. */
    assert_false(exchange_receive(world->exchange, pipe, wire, 2, WORLD_START_MS));
    assert_false(exchange_receive(world->exchange, pipe, wire, 12, WORLD_START_MS));
    exchange_suspect(world->exchange, pipe, pipe->id, WORLD_START_MS);
    world_run(world);
    assert_int_equal(world->answered, 1);
    assert_int_equal(world->sent_tcp[0], 1);
    assert_int_equal(exchange_tick(world->exchange, world->now_ms) == UINT64_MAX, 1);
    world_clear(world);
}

/* Names of any length and case go out and come back. */
static void test_names(void **state)
{
    static const char *names[] = {
        ".",
        "A.",
        "0123.-_.",
        "ALLUPPER.Example.",
    };
    struct world *world = the_world(state);
    char longest[260];
    for (size_t i = 0; i + 1 < sizeof longest; i++)
        longest[i] = i % 64 == 63 ? '.' : 'x';
    longest[253] = '\0';
    world_init(world, 1, 5);
    for (size_t i = 0; i < 4; i++)
        assert_true(world_ask(world, names[i]));
    assert_true(world_ask(world, longest));
    world_run(world);
    assert_int_equal(world->answered, 5);
    world_clear(world);
}

static void test_memory(void **state)
{
    struct world *world = the_world(state);
    struct exchange_options options = world_options(world, 5);
    for (unsigned number = 1; number <= 4; number++) {
        memory_fail_from(number);
        assert_null(exchange_new(&options));
        memory_fail_from(0);
    }
    bool was_refused = true;
    for (unsigned number = 1; number <= 20; number++) {
        world_init(world, 2, 5);
        world->scripts[0].rcode = RCODE_SERVFAIL;
        memory_fail_from(number);
        was_refused = !world_ask(world, "a.example.");
        world_run(world);
        memory_fail_from(0);
        assert_int_equal(world->sent[0] + world->sent[1] == 0, was_refused);
        assert_int_equal(world->answered + world->failed, was_refused ? 0 : 1);
        assert_true(world_ask(world, "a.example."));
        world_run(world);
        assert_int_equal(world->answered, (was_refused ? 0 : 1) - world->failed + 1);
        world_clear(world);
    }
    assert_false(was_refused);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_rows),           TEST(test_tcp_always), TEST(test_habits),         TEST(test_fastest),
        TEST(test_hold_and_probe), TEST(test_late_probe), TEST(test_failing_server), TEST(test_many_servers),
        TEST(test_loss),           TEST(test_loss_alone), TEST(test_slow_name),      TEST(test_deadlines),
        TEST(test_questions_max),  TEST(test_open_tries), TEST(test_no_room),        TEST(test_strangers),
        TEST(test_names),          TEST(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

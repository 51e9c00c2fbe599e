/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static const char policy_text[] = "[view internet]\n"
                                  "clients = any\n"
                                  "minimal = yes\n"
                                  "[view internal]\n"
                                  "clients = 10.10.0.0/16, 2001:db8:b:1000::/52\n"
                                  "[view closed]\n"
                                  "clients = 10.10.99.0/24\n";

static const char inside[] = "$TTL 60\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nmail MX 1 ns\n in A 10.10.1.1\n"
                             "name A 10.10.1.20\n TXT inside\n";
static const char outside[] = "$TTL 60\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nmail MX 1 ns\n"
                              "name A 192.0.2.20\n TXT outside\n";

enum { INTERNET, INTERNAL, CLOSED, VIEWS };

struct fixture {
    struct support_world worlds[VIEWS];
    struct catalog catalogs[VIEWS];
    struct generation generation;
    struct answer answer;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct diag diag;
    diag_init(&diag);
    for (unsigned i = 0; i < VIEWS; i++)
        support_world_init(&fixture->worlds[i]);
    support_add_zone(&fixture->worlds[INTERNET], "x", outside, sizeof outside - 1);
    char text[8192];
    int size = snprintf(text, sizeof text, "%s", inside);
    for (unsigned i = 0; i < ANSWER_RRSETS_MAX + 5; i++)
        size += snprintf(text + size, sizeof text - (size_t)size, "many TYPE%u \\# 1 00\n", 65300 + i);
    support_add_zone(&fixture->worlds[INTERNAL], "x", text, (size_t)size);
    for (unsigned i = 0; i < VIEWS; i++) {
        support_finish(&fixture->worlds[i]);
        fixture->catalogs[i] = fixture->worlds[i].catalog;
    }
    assert_int_equal(
        policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &fixture->generation.policy), STATUS_OK);
    fixture->generation.catalogs = fixture->catalogs;
    fixture->generation.catalog_count = VIEWS;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < VIEWS; i++)
        support_world_clear(&fixture->worlds[i]);
    policy_free(fixture->generation.policy);
    free(fixture);
    return 0;
}

static void decide(struct fixture *fixture, const char *from, enum transport transport, const char *name, uint16_t type)
{
    static uint8_t wire[NAME_SIZE_MAX];
    size_t size;
    struct client client = {.transport = transport};
    assert_int_equal(address_from_text(from, strlen(from), &client.source), STATUS_OK);
    assert_int_equal(name_from_text(name, strlen(name), NULL, wire, &size), STATUS_OK);
    struct question question = {.name = wire, .type = type};
    decide_answer(&fixture->generation, &client, &question, &fixture->answer);
}

static void each_view_answers_for_itself(void **state)
{
    struct fixture *fixture = *state;
    const struct {
        const char *from;
        const char *text;
    } rows[] = {
        {"10.10.3.4", "NOERROR answer aa\nanswer name.x. 60 A 10.10.1.20\n"},
        {"::ffff:10.10.3.4", "NOERROR answer aa\nanswer name.x. 60 A 10.10.1.20\n"},
        {"2001:db8:b:1fff::1", "NOERROR answer aa\nanswer name.x. 60 A 10.10.1.20\n"},
        {"10.11.3.4", "NOERROR answer aa\nanswer name.x. 60 A 192.0.2.20\n"},
        {"2001:db8:b:2000::1", "NOERROR answer aa\nanswer name.x. 60 A 192.0.2.20\n"},
        /* A view without zones still matches: its clients get nothing, not another view's data. */
        {"10.10.99.7", "REFUSED out-of-zone\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        decide(fixture, rows[i].from, TRANSPORT_UDP, "name.x.", RRTYPE_A);
        char *text = support_answer_text(&fixture->answer);
        assert_string_equal(text, rows[i].text);
        free(text);
    }
}

static void minimal_leaves_out_what_is_optional(void **state)
{
    struct fixture *fixture = *state;
    decide(fixture, "10.10.3.4", TRANSPORT_UDP, "mail.x.", RRTYPE_MX);
    assert_int_equal(fixture->answer.count, 2);
    decide(fixture, "192.0.2.99", TRANSPORT_UDP, "mail.x.", RRTYPE_MX);
    assert_int_equal(fixture->answer.count, 1);
}

static void any_is_small_over_udp(void **state)
{
    struct fixture *fixture = *state;
    decide(fixture, "10.10.3.4", TRANSPORT_UDP, "name.x.", RRTYPE_ANY);
    assert_int_equal(fixture->answer.count, 1);
    decide(fixture, "10.10.3.4", TRANSPORT_TCP, "name.x.", RRTYPE_ANY);
    assert_int_equal(fixture->answer.count, 2);
}

/* More types than an answer holds: over UDP one of them is a whole answer all the same. */
static void any_of_many_types_is_whole_over_udp(void **state)
{
    struct fixture *fixture = *state;
    decide(fixture, "10.10.3.4", TRANSPORT_UDP, "many.x.", RRTYPE_ANY);
    assert_int_equal(fixture->answer.count, 1);
    assert_false(fixture->answer.overflow);
    decide(fixture, "10.10.3.4", TRANSPORT_TCP, "many.x.", RRTYPE_ANY);
    assert_int_equal(fixture->answer.count, ANSWER_RRSETS_MAX);
    assert_true(fixture->answer.overflow);
}

static void nothing_published_refuses(void **state)
{
    (void)state;
    struct fixture *fixture = calloc(1, sizeof *fixture);
    decide(fixture, "10.10.3.4", TRANSPORT_UDP, "name.x.", RRTYPE_A);
    assert_int_equal(fixture->answer.rcode, RCODE_REFUSED);
    assert_int_equal(fixture->answer.outcome, OUTCOME_REFUSED);
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_view_answers_for_itself), cmocka_unit_test(minimal_leaves_out_what_is_optional),
        cmocka_unit_test(any_is_small_over_udp),        cmocka_unit_test(any_of_many_types_is_whole_over_udp),
        cmocka_unit_test(nothing_published_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a worker remembers, and what it decides anew each time: answers that are made of more than the question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/generation.h"
#include "tests/support_server.h"
#include "tests/tree.h"

#include <stdlib.h>
#include <string.h>

#define CUT_OVER UINT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static const char policy[] = "[view internet]\nclients = any\n"
                             "[view turning]\nclients = 10.0.0.0/8\nbase = internet\norder = rotate\n"
                             "[view mixing]\nclients = 10.1.0.0/16\nbase = internet\norder = random\n"
                             "[view also]\nclients = 10.2.0.0/16\nbase = internet\nside = external\n"
                             "[cutover move]\nnames = moving.a.example\nat = 2026-01-01T00:00:00Z\n";

static const char zone[] = "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"
                           "two 3600 A 192.0.2.2\ntwo 3600 A 192.0.2.3\nmoving 3600 A 192.0.2.4\n"
                           "to 3600 CNAME moving\n";

struct fixture {
    struct tree tree;
    struct store *store;
    struct generation *generation;
    struct query_env env;
    struct support_worker worker;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct publish_result result;
    struct diag diag;
    diag_init(&diag);
    tree_init(&fixture->tree);
    tree_write(&fixture->tree, "policy.conf", policy);
    tree_write(&fixture->tree, "internet/a.example.zone", zone);
    enum status status = tree_publish(&fixture->tree, true, &result, &diag);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    fixture->store = tree_open_reader(&fixture->tree);
    assert_int_equal(generation_load(fixture->store, &diag, &fixture->generation), STATUS_OK);
    fixture->env = (struct query_env){.generation = fixture->generation, .udp_payload = 1232, .now = CUT_OVER - 900};
    support_worker_init(&fixture->worker, &fixture->env);
    diag_clear(&diag);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    support_worker_clear(&fixture->worker);
    assert_true(generation_release(fixture->generation));
    generation_free(fixture->generation);
    store_close(fixture->store);
    tree_clear(&fixture->tree);
    free(fixture);
    return 0;
}

/* The reply as text, to free. */
static char *ask(struct fixture *fixture, const char *from, const char *words)
{
    uint8_t wire[1024];
    uint8_t reply[1232];
    const struct client client = support_client(from, "udp");
    size_t size = support_query(words, wire, sizeof wire);
    return support_reply_text(reply, support_worker_ask(&fixture->worker, &client, wire, size, reply, sizeof reply));
}

static void expect_words(struct fixture *fixture, const char *from, const char *words, const char *wanted)
{
    char *text = ask(fixture, from, words);
    if (strstr(text, wanted) == NULL)
        print_error("%s asks %s, wanted %s, got:\n%s", from, words, wanted, text);
    assert_non_null(strstr(text, wanted));
    free(text);
}

static uint64_t recalled(const struct fixture *fixture)
{
    return counters_get(&fixture->worker.counters, COUNTER_REPLIES_RECALLED);
}

/* Asked four times from a place: how many answers were remembered. */
static void test_what_is_remembered(void **state)
{
    static const struct {
        const char *from;
        const char *words;
        unsigned remembered;
    } rows[] = {
        {"192.0.2.200", "ns.a.example A", 3},       {"192.0.2.200", "two.a.example A", 3},
        {"192.0.2.200", "none.a.example A", 3},     {"192.0.2.200", "ns.a.example TXT", 3},
        {"10.2.0.1", "ns.a.example A", 4}, /* of a view that answers alike */
        {"10.0.0.1", "ns.a.example A", 3},          {"10.0.0.1", "two.a.example A", 0},
        {"10.1.0.1", "two.a.example A", 0},         {"192.0.2.200", "moving.a.example A", 0},
        {"192.0.2.200", "moving.a.example TXT", 0}, {"192.0.2.200", "to.a.example A", 0},
        {"192.0.2.200", "elsewhere.example A", 0},  {"192.0.2.200", "version.bind TXT class=3", 0},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t before = recalled(fixture);
        for (unsigned j = 0; j < 4; j++)
            free(ask(fixture, rows[i].from, rows[i].words));
        if (recalled(fixture) - before != rows[i].remembered)
            print_error("%s asks %s\n", rows[i].from, rows[i].words);
        assert_int_equal(recalled(fixture) - before, rows[i].remembered);
    }
}

static void test_the_clock(void **state)
{
    struct fixture *fixture = *state;
    expect_words(fixture, "192.0.2.200", "moving.a.example A", "moving.a.example. 900 IN A");
    fixture->worker.serve.env.now += 300;
    expect_words(fixture, "192.0.2.200", "moving.a.example A", "moving.a.example. 600 IN A");
}

static void test_forgetting(void **state)
{
    struct fixture *fixture = *state;
    struct serve *serve = &fixture->worker.serve;
    for (unsigned i = 0; i < 2; i++)
        free(ask(fixture, "192.0.2.200", "ns.a.example A"));
    assert_int_equal(recalled(fixture), 1);
    serve_adopt(serve, fixture->generation);
    free(ask(fixture, "192.0.2.200", "ns.a.example A"));
    assert_int_equal(recalled(fixture), 1);
    serve->log.fd = 0; /* never written to: nothing is looked for while there is a log */
    struct memo_key key;
    uint8_t wire[1024];
    serve_seek(serve, 0, wire, support_query("ns.a.example A", wire, sizeof wire), &key);
    assert_null(key.slot);
    serve->log.fd = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_clock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forgetting, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}

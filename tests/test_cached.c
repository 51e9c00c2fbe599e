/* SPDX-License-Identifier: BSD-2-Clause */
/* Linked with its own zones/memory.c, built with SPLITVIEW_TORTURE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/cache.h"
#include "tests/reply_fixture.h"
#include "tests/support.h"
#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN                                                                                   \
    "NOERROR\nan a.example. 300 IN CNAME b.test.\n"                                             \
    "an a.example. 300 IN RRSIG CNAME 13 2 300 20400101000000 20200101000000 1 example. AAAA\n" \
    "an b.test. 40 IN CNAME c.test.\nan c.test. 20 IN A 192.0.2.1\n"

static const uint8_t name_a[] = "\1A\7eXample";
static const uint8_t name_b[] = "\1b\4test";

static void ttls_count_down_in_whole_seconds(void **state)
{
    static const struct {
        uint64_t now_ms;
        uint32_t left;
        const char *text;
    } cases[] = {
        {0, 20, "NOERROR answer\nanswer A.eXample. 20 A 192.0.2.1\n"},
        {10000, 20, "NOERROR answer\nanswer A.eXample. 20 A 192.0.2.1\n"},
        {10999, 20, "NOERROR answer\nanswer A.eXample. 20 A 192.0.2.1\n"},
        {11000, 19, "NOERROR answer\nanswer A.eXample. 19 A 192.0.2.1\n"},
        {29999, 1, "NOERROR answer\nanswer A.eXample. 1 A 192.0.2.1\n"},
        {30000, 0, "NOERROR answer\nanswer A.eXample. 30 A 192.0.2.1\n"},
        {UINT64_C(10) << 40, 0, "NOERROR answer\nanswer A.eXample. 30 A 192.0.2.1\n"},
    };
    struct cached *cached = reply_fixture_cached("a.example A", "NOERROR\nan a.example. 20 IN A 192.0.2.1\n", 10000);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = reply_fixture_text(cached, name_a, cases[i].now_ms);
        assert_int_equal(cached_ttl_left(cached, cases[i].now_ms), cases[i].left);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    cached_release(cached);
}

/* Who waited gets it; nothing is stale about it. */
static void a_ttl_of_0_is_sent_as_it_is(void **state)
{
    struct cached *cached = reply_fixture_cached(
        "a.example A", "NOERROR\nan a.example. 60 IN CNAME b.test.\nan b.test. 0 IN A 192.0.2.1\n", 10000);
    char *text = reply_fixture_text(cached, name_a, 12000);
    (void)state;
    assert_string_equal(text, "NOERROR answer\nanswer A.eXample. 58 CNAME b.test.\nanswer b.test. 0 A 192.0.2.1\n");
    free(text);
    cached_release(cached);
}

static void the_serial_of_a_soa_is_told(void **state)
{
    struct cached *cached =
        reply_fixture_cached("a.example SOA", "NOERROR\nns example. 60 IN SOA a. b. 4000000000 2 3 4 60\n", 0);
    char *text = reply_fixture_text(cached, name_a, 1000);
    (void)state;
    assert_string_equal(text, "NOERROR nodata\nauthority example. 59 SOA a. b. 4000000000 2 3 4 60\n");
    free(text);
    cached_release(cached);
}

static void a_failure_is_servfail_for_five_seconds(void **state)
{
    struct cached *cached = cached_failure(22, 1000);
    struct answer *answer = malloc(sizeof *answer);
    const uint8_t *next;
    (void)state;
    answer_reset(answer);
    cached_append(cached, name_a, 1000, NULL, NULL, answer, &next);
    assert_int_equal(answer->rcode, RCODE_SERVFAIL);
    assert_int_equal(answer->outcome, OUTCOME_FAILURE);
    assert_int_equal(answer->count, 0);
    assert_true(cached_is_failure(cached));
    assert_int_equal(cached->extended_error, 22);
    assert_int_equal(cached_ttl_left(cached, 5999), 1);
    assert_int_equal(cached_ttl_left(cached, 6000), 0);
    free(answer);
    cached_release(cached);
    cached_release(NULL);
}

static bool is_named(void *context, const uint8_t *name)
{
    return name_equal(name, context);
}

/* Up to the alias that leads home, its signature with it. */
static void what_is_ours_is_left_to_us(void **state)
{
    struct cached *cached = reply_fixture_cached("a.example A do", CHAIN, 0);
    struct answer *answer = malloc(sizeof *answer);
    const uint8_t *next;
    uint8_t ours[NAME_SIZE_MAX];
    (void)state;
    memcpy(ours, name_b, sizeof name_b);
    answer_reset(answer);
    answer->outcome = OUTCOME_REFUSED;
    cached_append(cached, name_a, 0, is_named, ours, answer, &next);
    assert_true(name_equal(next, name_b));
    assert_int_equal(answer->count, 2);
    assert_int_equal(answer->rrsets[1].rrset.type, RRTYPE_RRSIG);
    assert_int_equal(answer->outcome, OUTCOME_REFUSED);
    answer_reset(answer);
    memcpy(ours, "\1x", 3);
    cached_append(cached, name_a, 0, is_named, ours, answer, &next);
    assert_null(next);
    assert_int_equal(answer->count, 4);
    assert_ptr_equal(answer->rrsets[0].owner, name_a);
    assert_int_equal(answer->outcome, OUTCOME_ANSWER);
    cached_release(cached);
    free(answer);
}

/* Others may not say of a name of ours that it is a DNAME, its signature neither; the alias made from it leads on. */
static void a_dname_of_ours_is_left_out(void **state)
{
    static const struct {
        const char *ours;
        unsigned count;
        uint16_t first;
    } cases[] = {{"\7example", 2, RRTYPE_CNAME}, {"\1x", 4, RRTYPE_DNAME}};
    struct cached *cached =
        reply_fixture_cached("a.example A do",
                             "NOERROR\nan example. 300 IN DNAME test.\n"
                             "an example. 300 IN RRSIG DNAME 13 1 300 20400101000000 20200101000000 1 example. AAAA\n"
                             "an a.example. 300 IN CNAME a.test.\nan a.test. 20 IN A 192.0.2.1\n",
                             0);
    struct answer *answer = malloc(sizeof *answer);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t ours[NAME_SIZE_MAX] = {0};
        const uint8_t *next;
        memcpy(ours, cases[i].ours, strlen(cases[i].ours));
        answer_reset(answer);
        cached_append(cached, name_a, 0, is_named, ours, answer, &next);
        assert_null(next);
        assert_int_equal(answer->count, cases[i].count);
        assert_int_equal(answer->rrsets[0].rrset.type, cases[i].first);
        assert_int_equal(answer->outcome, OUTCOME_ANSWER);
    }
    cached_release(cached);
    free(answer);
}

/* An alias that was asked for itself leads nowhere. */
static void data_are_not_followed(void **state)
{
    struct cached *cached = reply_fixture_cached("a.example CNAME", "NOERROR\nan a.example. 300 IN CNAME b.test.\n", 0);
    struct answer *answer = malloc(sizeof *answer);
    const uint8_t *next;
    uint8_t ours[NAME_SIZE_MAX];
    (void)state;
    memcpy(ours, name_b, sizeof name_b);
    answer_reset(answer);
    cached_append(cached, name_a, 0, is_named, ours, answer, &next);
    assert_null(next);
    assert_int_equal(answer->count, 1);
    cached_release(cached);
    free(answer);
}

/* Our alias leads out, theirs leads back to it: each RRset stands there once. */
static void nothing_is_added_twice(void **state)
{
    struct cached *cached = reply_fixture_cached("a.example A do", CHAIN, 0);
    struct answer *answer = malloc(sizeof *answer);
    const uint8_t *next;
    (void)state;
    answer_reset(answer);
    for (unsigned i = 0; i < 2; i++)
        cached_append(cached, name_a, 0, NULL, NULL, answer, &next);
    assert_int_equal(answer->count, 4);
    cached_release(cached);
    free(answer);
}

/* Upstream gives an alias and stops: the name it stopped at is to be asked for, unless it said that there is nothing.
 */
static void an_unfinished_chain_says_where(void **state)
{
    static const struct {
        const char *reply;
        bool goes_on;
    } cases[] = {
        {"NOERROR\nan a.example. 60 IN CNAME b.test.\n", true},
        {"NOERROR ede 3\nan a.example. 60 IN CNAME b.test.\n", true},
        {"NOERROR\nan a.example. 60 IN CNAME b.test.\nns test. 60 IN SOA a. b. 7 2 3 4 60\n", false},
        {"NXDOMAIN\nan a.example. 60 IN CNAME b.test.\n", false},
        {"NOERROR\nan a.example. 60 IN CNAME b.test.\nan b.test. 60 IN A 10.0.0.1\n", false},
        {"NOERROR\n", false},
    };
    struct answer *answer = malloc(sizeof *answer);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cached *cached = reply_fixture_cached("a.example A", cases[i].reply, 0);
        const uint8_t *next;
        answer_reset(answer);
        cached_append(cached, name_a, 0, NULL, NULL, answer, &next);
        assert_int_equal(next != NULL, cases[i].goes_on);
        if (next != NULL)
            assert_true(name_equal(next, name_b));
        cached_release(cached);
    }
    free(answer);
}

static void a_full_answer_says_so(void **state)
{
    struct cached *cached = reply_fixture_cached("a.example A do", CHAIN, 0);
    struct answer *answer = malloc(sizeof *answer);
    struct rrset rrset = {.type = RRTYPE_TXT, .count = 1, .data = (const uint8_t *)"\0\1", .size = 3};
    const uint8_t *next;
    (void)state;
    answer_reset(answer);
    for (unsigned i = 0; i < ANSWER_RRSETS_MAX - 2; i++)
        answer_add(answer, SECTION_ANSWER, name_b, &rrset, NULL);
    cached_append(cached, name_a, 0, NULL, NULL, answer, &next);
    assert_true(answer->overflow);
    assert_int_equal(answer->count, ANSWER_RRSETS_MAX);
    cached_release(cached);
    free(answer);
}

/* ---- no memory ---- */

/* Scrub and keep with the `number`th allocation failing; true if all went well. */
static bool keep_one(struct reply_fixture *fixture, uint64_t number)
{
    struct cached *cached = NULL;
    const struct cached *found = NULL;
    memory_fail_from(number);
    struct cache *cache = cache_new(1 << 20);
    enum reply_verdict verdict =
        reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 0, &cached);
    assert_true((cached != NULL) == (verdict == REPLY_GOOD));
    assert_true(verdict == REPLY_GOOD || verdict == REPLY_MALFORMED);
    struct cached_key key = {.identity = 1, .name = fixture->name, .type = RRTYPE_A};
    if (cache != NULL && cached != NULL) {
        cache_put(cache, &key, cached, 0);
        cache_find(cache, &key, 0, 0, &found);
        cache_resize(cache, 1 << 22);
        cache_resize(cache, 1 << 21);
    }
    struct cached *failure = cached_failure(22, 0);
    bool is_whole = found != NULL && failure != NULL;
    memory_fail_from(0);
    cached_release(failure);
    cached_release(cached);
    cache_free(cache);
    return is_whole;
}

static void without_memory_nothing_is_kept(void **state)
{
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    uint64_t number = 1;
    (void)state;
    reply_fixture_init(fixture, "a.example A do", CHAIN);
    while (!keep_one(fixture, number))
        assert_true(++number < 100);
    assert_true(number > 8);
    assert_true(keep_one(fixture, 0));
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ttls_count_down_in_whole_seconds),
        cmocka_unit_test(a_ttl_of_0_is_sent_as_it_is),
        cmocka_unit_test(the_serial_of_a_soa_is_told),
        cmocka_unit_test(a_failure_is_servfail_for_five_seconds),
        cmocka_unit_test(what_is_ours_is_left_to_us),
        cmocka_unit_test(data_are_not_followed),
        cmocka_unit_test(nothing_is_added_twice),
        cmocka_unit_test(an_unfinished_chain_says_where),
        cmocka_unit_test(a_full_answer_says_so),
        cmocka_unit_test(a_dname_of_ours_is_left_out),
        cmocka_unit_test(without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

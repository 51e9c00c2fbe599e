/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/cache.h"
#include "tests/reply_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MEBIBYTE ((size_t)1 << 20)
#define DENIAL   "NXDOMAIN ad\nns example. 60 IN SOA a. b. 7 2 3 4 60\n"

struct fixture {
    struct cache *cache;
    uint8_t name[NAME_SIZE_MAX];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->cache = cache_new(MEBIBYTE);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    cache_free(fixture->cache);
    free(fixture);
    return 0;
}

/* A key of identity 1, type A, for a name as text; the name stands in the fixture. */
static struct cached_key key_of(struct fixture *fixture, const char *name)
{
    size_t size;
    assert_int_equal(name_from_text(name, strlen(name), NULL, fixture->name, &size), STATUS_OK);
    return (struct cached_key){.identity = 1, .name = fixture->name, .type = RRTYPE_A};
}

static struct cached *an_address(uint32_t ttl, uint64_t now_ms)
{
    char text[100];
    snprintf(text, sizeof text, "NOERROR\nan a.example. %u IN A 192.0.2.1\n", ttl);
    return reply_fixture_cached("a.example A", text, now_ms);
}

/* What cache_put does, and the first hold let go. */
static void put(struct fixture *fixture, const struct cached_key *key, struct cached *cached, uint64_t now_ms)
{
    cache_put(fixture->cache, key, cached, now_ms);
    cached_release(cached);
}

static enum cache_hit find(struct fixture *fixture, const struct cached_key *key, uint64_t now_ms, uint32_t stale)
{
    const struct cached *found;
    enum cache_hit hit = cache_find(fixture->cache, key, now_ms, stale, &found);
    assert_true((found == NULL) == (hit == CACHE_MISS));
    return hit;
}

static void every_part_of_the_key_counts(void **state)
{
    struct fixture *fixture = *state;
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, an_address(60, 0), 0);
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
    struct cached_key other = key;
    other.identity = 2;
    assert_int_equal(find(fixture, &other, 0, 0), CACHE_MISS);
    other = key;
    other.type = RRTYPE_AAAA;
    assert_int_equal(find(fixture, &other, 0, 0), CACHE_MISS);
    other = key;
    other.dnssec_ok = true;
    assert_int_equal(find(fixture, &other, 0, 0), CACHE_MISS);
    other = key;
    other.checking_disabled = true;
    assert_int_equal(find(fixture, &other, 0, 0), CACHE_MISS);
    key = key_of(fixture, "b.example");
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_MISS);
    key = key_of(fixture, "A.eXAMPLe");
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
}

static void letters_alone_lose_their_case(void **state)
{
    struct fixture *fixture = *state;
    uint8_t name[] = {2, 0, 0, 0};
    struct cached_key key = {.identity = 1, .name = name, .type = RRTYPE_A};
    for (unsigned octet = 0; octet < 256; octet++) {
        name[1] = name[2] = (uint8_t)octet;
        bool is_upper = octet >= 'A' && octet <= 'Z';
        if (is_upper)
            continue;
        bool had = find(fixture, &key, 0, 0) != CACHE_MISS;
        assert_false(had);
        put(fixture, &key, an_address(60, 0), 0);
        if (octet >= 'a' && octet <= 'z') {
            name[2] = (uint8_t)(octet - 32);
            assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
        }
    }
}

static void what_expired_is_a_miss_or_stale(void **state)
{
    struct fixture *fixture = *state;
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, an_address(1, 500), 500);
    assert_int_equal(find(fixture, &key, 1499, 0), CACHE_FRESH);
    assert_int_equal(find(fixture, &key, 1500, 0), CACHE_MISS);
    assert_int_equal(find(fixture, &key, 1500, 60), CACHE_STALE);
    assert_int_equal(find(fixture, &key, 61500, 60), CACHE_STALE);
    assert_int_equal(find(fixture, &key, 61501, 60), CACHE_MISS);
    key.type = RRTYPE_MX;
    put(fixture, &key, an_address(0, 500), 500);
    assert_int_equal(find(fixture, &key, 500, 60), CACHE_MISS);
}

static void failures_do_not_replace_what_helps(void **state)
{
    struct fixture *fixture = *state;
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, an_address(10, 0), 0);
    put(fixture, &key, cached_failure(22, 5000), 5000);
    assert_int_equal(find(fixture, &key, 5000, 60), CACHE_FRESH);
    assert_int_equal(find(fixture, &key, 20000, 60), CACHE_STALE);
    /* For as long as a failure is remembered nobody is asked. */
    put(fixture, &key, cached_failure(22, 20000), 20000);
    assert_int_equal(find(fixture, &key, 24999, 60), CACHE_FRESH);
    assert_int_equal(find(fixture, &key, 25000, 60), CACHE_STALE);
    /* Where stale data are not wanted the failure itself is kept. */
    assert_int_equal(find(fixture, &key, 25000, 0), CACHE_MISS);
    put(fixture, &key, cached_failure(22, 25000), 25000);
    assert_int_equal(find(fixture, &key, 25000, 0), CACHE_FRESH);
    assert_int_equal(find(fixture, &key, 30000, 60), CACHE_MISS);
    put(fixture, &key, an_address(10, 30000), 30000);
    assert_int_equal(find(fixture, &key, 30000, 0), CACHE_FRESH);
}

static void hot_entries_are_refreshed_once(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        uint32_t ttl;
        unsigned hits; /* before */
        uint64_t now_ms;
        enum cache_hit hit;
    } cases[] = {{100, 2, 90001, CACHE_REFRESH},
                 {100, 2, 90000, CACHE_FRESH},
                 {100, 1, 90001, CACHE_FRESH},
                 {9, 5, 8999, CACHE_FRESH},
                 {10, 5, 9001, CACHE_REFRESH}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[20];
        snprintf(name, sizeof name, "n%zu.example", i);
        struct cached_key key = key_of(fixture, name);
        put(fixture, &key, an_address(cases[i].ttl, 0), 0);
        for (unsigned hit = 0; hit < cases[i].hits; hit++)
            assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
        assert_int_equal(find(fixture, &key, cases[i].now_ms, 0), cases[i].hit);
        assert_int_equal(find(fixture, &key, cases[i].now_ms, 0), cases[i].hits == 1 ? CACHE_REFRESH : CACHE_FRESH);
        put(fixture, &key, an_address(cases[i].ttl, cases[i].now_ms), cases[i].now_ms);
        assert_int_equal(find(fixture, &key, cases[i].now_ms + cases[i].ttl * 1000 - 1, 0), CACHE_FRESH);
    }
}

static void nxdomain_holds_for_all_types(void **state)
{
    struct fixture *fixture = *state;
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, reply_fixture_cached("a.example A", DENIAL, 0), 0);
    key.type = RRTYPE_TXT;
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
    assert_int_equal(find(fixture, &key, 70000, 60), CACHE_STALE);
    key.dnssec_ok = true;
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_MISS);
    /* A name that leads to one that does not exist does exist. */
    key = key_of(fixture, "b.example");
    static const char chain[] = "NXDOMAIN\nan b.example. 60 IN CNAME a.example.\nns example. 60 IN SOA a. b. 7 2 3 4 60\n";
    put(fixture, &key, reply_fixture_cached("b.example A", chain, 0), 0);
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_FRESH);
    key.type = RRTYPE_TXT;
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_MISS);
}

static void nxdomain_of_an_ancestor_counts_where_safe(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        uint8_t cut_labels;
        bool dnssec_ok;
        bool checking_disabled;
        enum cache_hit hit;
    } cases[] = {
        {"x.y.a.example", 1, false, false, CACHE_FRESH}, {"x.a.example", 2, false, false, CACHE_FRESH},
        {"x.a.example", 3, false, false, CACHE_MISS},    {"x.a.example", 0, false, false, CACHE_MISS},
        {"x.a.example", 1, true, false, CACHE_MISS},     {"x.a.example", 1, false, true, CACHE_MISS},
        {"xa.example", 1, false, false, CACHE_MISS},     {"x.b.example", 1, false, false, CACHE_MISS},
    };
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, reply_fixture_cached("a.example A ad", DENIAL, 0), 0);
    key = key_of(fixture, "b.example");
    put(fixture, &key, reply_fixture_cached("b.example A", DENIAL, 0), 0); /* nobody believes this AD */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        key = key_of(fixture, cases[i].name);
        key.cut_labels = cases[i].cut_labels;
        key.dnssec_ok = cases[i].dnssec_ok;
        key.checking_disabled = cases[i].checking_disabled;
        print_message("# %s %u\n", cases[i].name, cases[i].cut_labels);
        assert_int_equal(find(fixture, &key, 0, 0), cases[i].hit);
        assert_int_equal(find(fixture, &key, 70000, 600), CACHE_MISS);
    }
    /* The name is there after all, and so are its ancestors. */
    key = key_of(fixture, "x.y.a.example");
    put(fixture, &key, an_address(60, 0), 0);
    key = key_of(fixture, "x.a.example");
    key.cut_labels = 1;
    assert_int_equal(find(fixture, &key, 0, 0), CACHE_MISS);
}

/* ---- room ---- */

static bool put_number(struct fixture *fixture, const char *kind, unsigned number)
{
    char name[40];
    snprintf(name, sizeof name, "%s%u.example", kind, number);
    struct cached_key key = key_of(fixture, name);
    if (find(fixture, &key, 0, 0) != CACHE_MISS)
        return true;
    put(fixture, &key, an_address(60, 0), 0);
    return false;
}

/* Names asked for again and again stay while ten times the cache passes by. */
static void a_scan_does_not_throw_out_hot_names(void **state)
{
    struct fixture *fixture = *state;
    struct cache_stats stats;
    unsigned lost = 0;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 500; i++)
            put_number(fixture, "hot", i);
    for (unsigned i = 0; i < 40000; i++) {
        put_number(fixture, "once", i);
        cache_stats(fixture->cache, &stats);
        assert_true(stats.bytes <= stats.bytes_max);
    }
    assert_true(stats.evicted > 30000);
    for (unsigned i = 0; i < 500; i++)
        lost += !put_number(fixture, "hot", i);
    assert_int_equal(lost, 0);
}

/* A working set that changes is followed: what was hot once goes in the end. */
static void what_was_hot_once_goes(void **state)
{
    struct fixture *fixture = *state;
    struct cache_stats stats;
    unsigned kept = 0;
    for (unsigned round = 0; round < 6; round++)
        for (unsigned i = 0; i < 2000; i++)
            put_number(fixture, "old", i);
    for (unsigned round = 0; round < 12; round++)
        for (unsigned i = 0; i < 2000; i++)
            put_number(fixture, "new", i);
    for (unsigned i = 0; i < 2000; i++)
        kept += put_number(fixture, "new", i);
    cache_stats(fixture->cache, &stats);
    assert_true(kept > 1500);
    assert_true(stats.entries > 2000);
}

static void large_answers_are_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct cache_stats before;
    struct cache_stats after;
    struct cached_key key = key_of(fixture, "a.example");
    put(fixture, &key, an_address(60, 0), 0);
    cache_resize(fixture->cache, 4000);
    cache_stats(fixture->cache, &before);
    struct cached *large = an_address(60, 0);
    large->bytes += 4000 / 8;
    cache_put(fixture->cache, &key, large, 0);
    cache_stats(fixture->cache, &after);
    assert_int_equal(after.entries, 0);
    assert_true(before.bytes <= 4000);
    assert_int_equal(large->holders, 1);
    cached_release(large);
}

static void another_bound_keeps_what_fits(void **state)
{
    struct fixture *fixture = *state;
    struct cache_stats stats;
    static const size_t bounds[] = {8 * MEBIBYTE, MEBIBYTE, MEBIBYTE / 8, 0, MEBIBYTE};
    for (unsigned i = 0; i < 2000; i++)
        put_number(fixture, "n", i);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        cache_resize(fixture->cache, bounds[i]);
        cache_stats(fixture->cache, &stats);
        assert_int_equal(stats.bytes_max, bounds[i]);
        assert_true(stats.entries == 0 || stats.bytes <= bounds[i]);
        if (i == 0)
            assert_int_equal(stats.entries, 2000);
    }
    assert_int_equal(stats.entries, 0);
    put_number(fixture, "n", 1);
    assert_true(put_number(fixture, "n", 1));
}

/* Nobody asks for them again, and there is room: they go all the same. */
static void what_expired_goes_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct cache_stats stats;
    for (unsigned i = 0; i < 500; i++)
        put_number(fixture, "n", i);
    struct cached_key key = key_of(fixture, "later.example");
    for (unsigned i = 0; i < 1000; i++)
        put(fixture, &key, an_address(60, 61000), 61000);
    cache_stats(fixture->cache, &stats);
    assert_int_equal(stats.entries, 1);
}

/* ---- care ---- */

struct seen {
    unsigned count;
    unsigned denials;
};

static void see(void *context, const struct cached_key *key, const struct cached *cached)
{
    struct seen *seen = context;
    assert_int_equal(key->identity, 1);
    assert_int_equal(key->type, RRTYPE_A);
    seen->count++;
    seen->denials += cached->rcode == RCODE_NXDOMAIN;
}

static void names_and_trees_are_forgotten(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"example", "a.example", "b.a.example", "ba.example", "test"};
    struct seen seen = {0};
    uint64_t kept = 2;
    for (uint64_t identity = 1; identity <= 2; identity++) {
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            struct cached_key key = key_of(fixture, names[i]);
            key.identity = identity;
            put(fixture, &key, i == 1 ? reply_fixture_cached("a.example A", DENIAL, 0) : an_address(60, 0), 0);
        }
    }
    struct cached_key key = key_of(fixture, "eXample");
    cache_walk(fixture->cache, 1, key.name, see, &seen);
    /* Below the denial a name was found: that belied it. */
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.denials, 0);
    assert_int_equal(cache_flush(fixture->cache, 1, key.name, false), 1);
    assert_int_equal(cache_flush(fixture->cache, 1, key.name, true), 2);
    assert_int_equal(cache_flush(fixture->cache, 1, key.name, true), 0);
    assert_int_equal(cache_keep_only(fixture->cache, &kept, 1), 1);
    assert_int_equal(cache_keep_only(fixture->cache, NULL, 0), 4);
}

/* ---- speed, told but not judged ---- */

static void a_hit_is_quick(void **state)
{
    enum { ENTRIES = 100000, ROUNDS = 3 };
    struct fixture *fixture = *state;
    struct timespec from;
    struct timespec to;
    uint8_t(*names)[32] = calloc(ENTRIES, sizeof *names);
    unsigned hits = 0;
    cache_resize(fixture->cache, 64 * MEBIBYTE);
    struct cached *cached = an_address(3600, 0);
    for (unsigned i = 0; i < ENTRIES; i++) {
        char text[32];
        snprintf(text, sizeof text, "host%u.example", i);
        struct cached_key key = key_of(fixture, text);
        /* Asked for in another order than they came in, so that no neighbour helps. */
        memcpy(names[(size_t)i * 48271 % ENTRIES], fixture->name, name_size(fixture->name));
        cache_put(fixture->cache, &key, cached, 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (unsigned i = 0; i < ENTRIES; i++) {
            struct cached_key key = {.identity = 1, .name = names[i], .type = RRTYPE_A};
            const struct cached *found;
            hits += cache_find(fixture->cache, &key, 1000, 0, &found) == CACHE_FRESH;
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    }
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    print_message("# %.0f ns a hit among %u\n", ns / ENTRIES, (unsigned)ENTRIES);
    assert_int_equal(hits, ENTRIES * ROUNDS);
    cached_release(cached);
    free(names);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_part_of_the_key_counts),
        TEST(letters_alone_lose_their_case),
        TEST(what_expired_is_a_miss_or_stale),
        TEST(failures_do_not_replace_what_helps),
        TEST(hot_entries_are_refreshed_once),
        TEST(nxdomain_holds_for_all_types),
        TEST(nxdomain_of_an_ancestor_counts_where_safe),
        TEST(a_scan_does_not_throw_out_hot_names),
        TEST(what_was_hot_once_goes),
        TEST(large_answers_are_not_kept),
        TEST(another_bound_keeps_what_fits),
        TEST(what_expired_goes_in_time),
        TEST(names_and_trees_are_forgotten),
        TEST(a_hit_is_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

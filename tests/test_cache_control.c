/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/cache_control.h"

#include "policy/forward.h"
#include "zones/memory.h"
#include "zones/name.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CACHES_MAX  4
#define CACHE_BYTES (64u << 20)
#define NOW         UINT64_C(1000000)
#define ANSWER_MAX  (1u << 20) /* bytes that the control socket takes */

static const char policy_text[] = "[upstream corp]\n"
                                  "servers = 192.0.2.53\n"
                                  "[upstream cable]\n"
                                  "servers = 192.0.2.54\n"
                                  "[view internet]\n"
                                  "clients = any\n"
                                  "[view guest]\n"
                                  "clients = 10.2.0.0/16\n"
                                  "forward = cable\n"
                                  "[view internal]\n"
                                  "clients = 10.1.0.0/16\n"
                                  "forward = corp\n"
                                  "[view lab]\n"
                                  "clients = 10.3.0.0/16\n"
                                  "forward = corp\n";

struct world {
    struct generation generation;
    struct cache *caches[CACHES_MAX];
    struct diag diag;
    atomic_int finished;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    diag_init(&world->diag);
    assert_int_equal(
        policy_read("policy.conf", policy_text, sizeof policy_text - 1, &world->diag, &world->generation.policy),
        STATUS_OK);
    for (int i = 0; i < CACHES_MAX; i++)
        world->caches[i] = cache_new(CACHE_BYTES);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < CACHES_MAX; i++)
        cache_free(world->caches[i]);
    policy_free(world->generation.policy);
    diag_clear(&world->diag);
    free(world);
    return 0;
}

static uint64_t identity_of(const struct world *world, const char *view)
{
    const struct policy *policy = world->generation.policy;

    return forward_identity(policy->forward, policy_find_view(policy, view));
}

struct put {
    const char *view;
    const char *name;
    uint32_t ttl;
    enum rcode rcode;
    bool dnssec_ok;
    bool is_authentic;
    uint16_t size; /* of the one A record's data, in octets; 0: no record */
};

static struct cached *make_cached(const struct put *put, const uint8_t *owner)
{
    size_t data = put->size > 0 ? 2 + (size_t)put->size : 0;
    size_t owner_size = name_size(owner);
    size_t size = sizeof(struct cached) + sizeof(struct cached_rrset) + data + owner_size;
    struct cached *cached = memory_zalloc(1, size);
    uint8_t *room = (uint8_t *)&cached->rrsets[1];

    *cached = (struct cached){.holders = 1,
                              .bytes = (uint32_t)size,
                              .stored_ms = NOW,
                              .ttl = put->ttl,
                              .rcode = put->rcode,
                              .is_authentic = put->is_authentic,
                              .extended_error = -1,
                              .count = put->size > 0};
    memcpy(room + data, owner, owner_size);
    if (put->size > 0) {
        write_u16(room, put->size);
        for (uint16_t i = 0; i < put->size; i++)
            room[2 + i] = (uint8_t)i;
    }
    cached->rrsets[0] = (struct cached_rrset){
        .owner = room + data,
        .rrset = {.type = RRTYPE_A, .count = 1, .ttl = put->ttl, .data = room, .size = (uint32_t)data},
        .section = SECTION_ANSWER};
    return cached;
}

static void put(struct world *world, int cache, const struct put *what)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;

    assert_int_equal(name_from_text(what->name, strlen(what->name), NULL, name, &size), STATUS_OK);
    struct cached *cached = make_cached(what, name);
    struct cached_key key = {
        .identity = identity_of(world, what->view), .name = name, .type = RRTYPE_A, .dnssec_ok = what->dnssec_ok};
    cache_put(world->caches[cache], &key, cached, NOW);
    cached_release(cached);
}

static void count_finished(void *context)
{
    struct world *world = context;

    atomic_fetch_add(&world->finished, 1);
}

/* Run `line` over the first `caches` caches, one second after all was put. To json_decref. */
static json_t *run_request(struct world *world, const char *line, int caches)
{
    struct cache_request *request = NULL;

    atomic_store(&world->finished, 0);
    assert_int_equal(cache_request_new(line, &world->generation, &world->diag, &request), STATUS_OK);
    assert_int_equal(cache_request_start(request, (uint32_t)caches, count_finished, world), STATUS_OK);
    for (int i = 0; i < caches; i++) {
        assert_false(cache_request_is_finished(request));
        cache_request_run(request, world->caches[i], NOW + 1000);
    }
    assert_true(cache_request_is_finished(request));
    assert_int_equal(atomic_load(&world->finished), caches > 0);
    json_t *answer = cache_request_answer(request);
    cache_request_free(request);
    assert_non_null(answer);
    return answer;
}

/* "NAME[+do] TTL*WORKERS ..." of all groups, each group's views before its entries. To free(). */
static char *spell_entries(const json_t *answer)
{
    const json_t *groups = json_object_get(answer, "groups");
    char *text = calloc(1, 65536);
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *views = json_object_get(group, "views");
        const json_t *entries = json_object_get(group, "entries");
        used += (size_t)snprintf(text + used, 65536 - used, "%s[", used > 0 ? " " : "");
        for (size_t j = 0; j < json_array_size(views); j++)
            used += (size_t)snprintf(text + used, 65536 - used, "%s%s", j > 0 ? " " : "",
                                     json_string_value(json_array_get(views, j)));
        used += (size_t)snprintf(text + used, 65536 - used, "]");
        for (size_t j = 0; j < json_array_size(entries); j++) {
            const json_t *entry = json_array_get(entries, j);
            used += (size_t)snprintf(text + used, 65536 - used, " %s%s %d*%d",
                                     json_string_value(json_object_get(entry, "name")),
                                     json_is_true(json_object_get(entry, "do")) ? "+do" : "",
                                     (int)json_integer_value(json_object_get(entry, "ttl")),
                                     (int)json_integer_value(json_object_get(entry, "workers")));
        }
    }
    return text;
}

static void expect(struct world *world, const char *line, int caches, const char *wanted)
{
    json_t *answer = run_request(world, line, caches);
    char *text = spell_entries(answer);

    assert_string_equal(text, wanted);
    free(text);
    json_decref(answer);
}

static long number(struct world *world, const char *line, int caches, const char *key)
{
    json_t *answer = run_request(world, line, caches);
    long value = (long)json_integer_value(json_object_get(answer, key));

    assert_true(json_is_integer(json_object_get(answer, key)));
    json_decref(answer);
    return value;
}

static void fill(struct world *world)
{
    static const struct {
        int cache;
        struct put put;
    } puts[] = {
        {0, {"internal", "www.example.net.", 100, RCODE_NOERROR, false, false, 4}},
        {1, {"internal", "WWW.example.net.", 200, RCODE_NOERROR, false, false, 4}},
        {1, {"internal", "www.example.net.", 50, RCODE_NOERROR, true, false, 4}},
        {0, {"internal", "a.www.example.net.", 2, RCODE_NOERROR, false, false, 4}},
        {0, {"internal", "example.net.", 300, RCODE_NOERROR, false, false, 4}},
        {0, {"internal", "gone.example.net.", 300, RCODE_NXDOMAIN, false, true, 0}},
        {1, {"internal", "signed.example.net.", 300, RCODE_NXDOMAIN, true, true, 0}},
        {1, {"internal", "plain.example.net.", 300, RCODE_NXDOMAIN, false, false, 0}},
        {0, {"internal", "other.example.org.", 300, RCODE_NOERROR, false, false, 4}},
        {0, {"guest", "www.example.net.", 77, RCODE_NOERROR, false, false, 4}},
    };

    for (size_t i = 0; i < sizeof puts / sizeof puts[0]; i++)
        put(world, puts[i].cache, &puts[i].put);
}

static void wrong_requests_say_what_is_wrong(void **state)
{
    static const struct {
        const char *line;
        const char *wanted;
    } cases[] = {
        {"", "cache: wanted show, flush, flush-tree or stats"},
        {"drop", "cache: wanted show, flush, flush-tree or stats"},
        {"show", "cache show: wanted a view and a name"},
        {"flush internal", "cache flush: wanted a view and a name"},
        {"flush internal a. b.", "cache flush: wanted a view and a name"},
        {"flush internal a. dry-run x", "cache flush: wanted a view and a name"},
        {"stats internal", "cache stats: wanted nothing more"},
        {"show internal a..b", "cache show: found a..b, wanted a domain name"},
        {"show nobody .", "there is no view nobody; views that ask upstream: guest, internal, lab"},
        {"show internet .", "view internet asks nobody upstream and has no cache; views that do: guest, internal, lab"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cache_request *request = NULL;
        assert_int_equal(cache_request_new(cases[i].line, &world->generation, &world->diag, &request),
                         STATUS_BAD_INPUT);
        assert_null(request);
        assert_int_equal(world->diag.count, 1);
        assert_string_equal(world->diag.messages[0].text, cases[i].wanted);
        diag_clear(&world->diag);
    }
}

static void without_a_generation_no_view_asks(void **state)
{
    struct world *world = *state;
    struct generation empty = {0};
    struct cache_request *request = NULL;

    assert_int_equal(cache_request_new("show internal .", &empty, &world->diag, &request), STATUS_BAD_INPUT);
    assert_string_equal(world->diag.messages[0].text, "there is no view internal; views that ask upstream: none");
    assert_int_equal(cache_request_new("show * .", &empty, &world->diag, &request), STATUS_OK);
    cache_request_free(request);
}

static void show_merges_what_workers_hold(void **state)
{
    struct world *world = *state;

    fill(world);
    expect(world, "show guest .", 2, "[guest] www.example.net. 76*1");
    expect(world, "show internal www.example.net", 2,
           "[internal lab] www.example.net. 199*2 www.example.net.+do 49*1 a.www.example.net. 1*1");
    expect(world, "show * www.example.net", 2,
           "[guest] www.example.net. 76*1 "
           "[internal lab] www.example.net. 199*2 www.example.net.+do 49*1 a.www.example.net. 1*1");
    expect(world, "show lab  EXAMPLE.org ", 2, "[internal lab] other.example.org. 299*1");
    expect(world, "show lab absent.example.", 2, "[internal lab]");
    assert_int_equal(number(world, "show internal www.example.net", 2, "copies"), 4);
    assert_int_equal(number(world, "show internal www.example.net", 1, "workers"), 1);
}

static void an_entry_is_told_whole(void **state)
{
    struct world *world = *state;
    static const struct put one = {"guest", "a\\032b.example.", 60, RCODE_NOERROR, true, false, 4};

    put(world, 0, &one);
    json_t *answer = run_request(world, "show guest .", 1);
    char *text = json_dumps(json_object_get(answer, "groups"), JSON_COMPACT);
    assert_string_equal(text, "[{\"views\":[\"guest\"],\"entries\":[{\"name\":\"a\\\\032b.example.\",\"type\":1,"
                              "\"do\":true,\"cd\":false,\"ad\":false,\"ttl\":59,\"age\":1,\"rcode\":0,\"ede\":null,"
                              "\"workers\":1,\"rrsets\":[{\"name\":\"a\\\\032b.example.\",\"type\":1,\"ttl\":59,"
                              "\"section\":0,\"data\":[\"00010203\"]}]}]}]");
    free(text);
    json_decref(answer);
}

static void what_denies_a_name_belongs_to_it(void **state)
{
    struct world *world = *state;

    fill(world);
    expect(world, "show internal www.gone.example.net.", 2, "[internal lab] gone.example.net. 299*1");
    expect(world, "flush internal www.gone.example.net. dry-run", 2, "[internal lab] gone.example.net. 299*1");
    /* With DO set an NXDOMAIN denies nothing but its own name. */
    expect(world, "show internal www.signed.example.net.", 2, "[internal lab]");
    /* So does one that nobody has proved. */
    expect(world, "show internal www.plain.example.net.", 2, "[internal lab]");
    assert_int_equal(number(world, "flush internal www.gone.example.net.", 2, "removed"), 1);
    expect(world, "show internal gone.example.net.", 2, "[internal lab]");
}

static void flush_forgets_one_name_of_one_view(void **state)
{
    struct world *world = *state;

    fill(world);
    expect(world, "flush lab www.example.net. dry-run", 2,
           "[internal lab] www.example.net. 199*2 www.example.net.+do 49*1");
    assert_int_equal(number(world, "flush lab www.example.net. dry-run", 2, "copies"), 3);
    assert_int_equal(number(world, "flush lab www.example.net.", 2, "removed"), 3);
    assert_int_equal(number(world, "flush lab www.example.net.", 2, "removed"), 0);
    expect(world, "show * www.example.net.", 2, "[guest] www.example.net. 76*1 [internal lab] a.www.example.net. 1*1");
}

static void flush_tree_forgets_all_below(void **state)
{
    struct world *world = *state;

    fill(world);
    assert_int_equal(number(world, "flush-tree internal example.net. dry-run", 2, "copies"), 8);
    assert_int_equal(number(world, "flush-tree internal example.net.", 2, "removed"), 8);
    expect(world, "show * .", 2, "[guest] www.example.net. 76*1 [internal lab] other.example.org. 299*1");
    assert_int_equal(number(world, "flush-tree * .", 2, "removed"), 2);
    expect(world, "show * .", 2, "[guest] [internal lab]");
}

static void stats_are_sums(void **state)
{
    struct world *world = *state;

    fill(world);
    assert_int_equal(number(world, "stats", 2, "entries"), 10);
    assert_int_equal(number(world, "stats", 4, "bytes_max"), 4 * (long)CACHE_BYTES);
    assert_true(number(world, "stats", 2, "bytes") > 0);
    cache_free(world->caches[1]);
    world->caches[1] = NULL;
    assert_int_equal(number(world, "stats", 2, "entries"), 6);
    assert_int_equal(number(world, "flush-tree * .", 2, "removed"), 6);
    assert_int_equal(number(world, "stats", 0, "entries"), 0);
}

static void answers_are_bounded(void **state)
{
    struct world *world = *state;
    static const struct {
        uint16_t size; /* of each entry's record */
        uint8_t label; /* octets */
        size_t least;
        size_t most;
    } cases[] = {{4, 8, 1000, 1000}, {4, 63, 400, 1000}, {4000, 8, 50, 400}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[280];
        for (int j = 0; j < 1500; j++) {
            const struct put one = {"internal", name, 60, RCODE_NOERROR, false, false, cases[i].size};
            snprintf(name, sizeof name, "%0*d.example.", cases[i].label, j);
            put(world, j % CACHES_MAX, &one);
        }
        json_t *answer = run_request(world, "show internal .", CACHES_MAX);
        char *text = json_dumps(answer, JSON_COMPACT);
        size_t shown =
            json_array_size(json_object_get(json_array_get(json_object_get(answer, "groups"), 0), "entries"));
        assert_in_range(shown, cases[i].least, cases[i].most);
        assert_true(strlen(text) < ANSWER_MAX);
        assert_true(json_is_true(json_object_get(answer, "more")));
        assert_int_equal(json_integer_value(json_object_get(answer, "copies")), 1500);
        free(text);
        json_decref(answer);
        assert_int_equal(number(world, "flush-tree internal .", CACHES_MAX, "removed"), 1500);
    }
}

struct runner {
    struct cache_request *request;
    struct cache *cache;
};

static void *run_one(void *argument)
{
    struct runner *runner = argument;

    cache_request_run(runner->request, runner->cache, NOW + 1000);
    return NULL;
}

static void workers_run_it_at_once(void **state)
{
    struct world *world = *state;
    static const struct put one = {"guest", "www.example.net.", 60, RCODE_NOERROR, false, false, 4};

    for (int i = 0; i < CACHES_MAX; i++)
        put(world, i, &one);
    for (int round = 0; round < 20; round++) {
        struct cache_request *request = NULL;
        pthread_t threads[CACHES_MAX];
        struct runner runners[CACHES_MAX];
        atomic_store(&world->finished, 0);
        assert_int_equal(cache_request_new("show guest .", &world->generation, &world->diag, &request), STATUS_OK);
        assert_int_equal(cache_request_start(request, CACHES_MAX, count_finished, world), STATUS_OK);
        for (int i = 0; i < CACHES_MAX; i++) {
            runners[i] = (struct runner){request, world->caches[i]};
            assert_int_equal(pthread_create(&threads[i], NULL, run_one, &runners[i]), 0);
        }
        for (int i = 0; i < CACHES_MAX; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&world->finished), 1);
        json_t *answer = cache_request_answer(request);
        char *text = spell_entries(answer);
        assert_string_equal(text, "[guest] www.example.net. 59*4");
        free(text);
        json_decref(answer);
        cache_request_free(request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_requests_say_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_generation_no_view_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(show_merges_what_workers_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_entry_is_told_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_denies_a_name_belongs_to_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flush_forgets_one_name_of_one_view, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flush_tree_forgets_all_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stats_are_sums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_run_it_at_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

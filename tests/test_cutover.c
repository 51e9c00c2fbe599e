/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/cutover.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "tests/support.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT 1796155200u /* 2026-12-01T20:00:00Z */

static struct policy *read_policy(const char *text, size_t errors)
{
    struct diag diag;
    struct policy *policy;
    diag_init(&diag);
    policy_read("policy.conf", text, strlen(text), &diag, &policy);
    if (diag.errors != errors)
        diag_print(&diag, stderr);
    assert_int_equal(diag.errors, errors);
    diag_clear(&diag);
    return policy;
}

/* ---- arithmetic ---- */

static void ttls_count_down(void **state)
{
    (void)state;
    static const struct cutover_rule rule = {.at = AT, .floor = 30, .settle = 1000, .after = 300};
    static const struct {
        int64_t when; /* relative to `at` */
        uint32_t ttl;
        uint32_t wanted;
    } rows[] = {
        {-100000, 3600, 3600},
        {-3601, 3600, 3600},
        {-3600, 3600, 3600},
        {-3599, 3600, 3599},
        {-100, 3600, 100},
        {-31, 3600, 31},
        {-30, 3600, 30},
        {-29, 3600, 30},
        {-1, 3600, 30},
        {0, 3600, 300},
        {1, 3600, 300},
        {999, 3600, 300},
        {1000, 3600, 3600},
        {5000000, 3600, 3600},
        /* Never raised; 0 stays 0. */
        {-1, 10, 10},
        {-29, 0, 0},
        {0, 10, 10},
        {500, 0, 0},
        {-86400, UINT32_C(2147483647), 86400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t got = cutover_ttl(&rule, (uint64_t)((int64_t)AT + rows[i].when), rows[i].ttl);
        if (got != rows[i].wanted)
            fail_msg("%lld: TTL %u gives %u, wanted %u", (long long)rows[i].when, rows[i].ttl, got, rows[i].wanted);
    }
    static const struct cutover_rule none = {.at = AT, .floor = 0, .settle = 0, .after = 0};
    assert_int_equal(cutover_ttl(&none, AT - 1, 3600), 1);
    assert_int_equal(cutover_ttl(&none, AT, 3600), 3600);
}

/* ---- numbers ---- */

static const char policy_text[] = "[view internet]\nclients = any\nside = internal\n"
                                  "[view internal]\nclients = 10.0.0.0/8\n"
                                  "[cutover move]\nnames = www.x, \\*.w.x\nat = 2026-12-01T20:00:00Z\n"
                                  "[cutover all]\nnames = *.x\nviews = internal\nat = 2026-12-02T20:00:00Z\n"
                                  "[cutover text]\nnames = www.x, x\ntypes = TXT\nat = 2026-11-30T20:00:00Z\n"
                                  "after = 60\n";

static void numbers_are_sets_of_sections(void **state)
{
    (void)state;
    static const struct {
        const char *owner;
        uint16_t internet;
        uint16_t internal;
    } rows[] = {{"www.x", 5, 7}, {"WWW.x", 5, 7}, {"a.x", 0, 2}, {"*.w.x", 1, 3},
                {"a.w.x", 0, 2}, {"x", 4, 4},     {"y", 0, 0}};
    struct policy *policy = read_policy(policy_text, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        assert_int_equal(name_from_text(rows[i].owner, strlen(rows[i].owner), NULL, name, &size), STATUS_OK);
        assert_int_equal(cutover_number(policy->cutover, 0, name), rows[i].internet);
        assert_int_equal(cutover_number(policy->cutover, 1, name), rows[i].internal);
    }
    assert_string_equal(cutover_rule(policy->cutover, 2)->section->name, "text");
    assert_null(cutover_rule(policy->cutover, 3));
    policy_free(policy);
}

static void the_number_of_sections_is_limited(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fputs("[view internet]\nclients = any\n", stream);
    for (unsigned i = 0; i <= CUTOVER_MAX; i++)
        fprintf(stream, "[cutover c%u]\nnames = a\nat = 2026-12-01T20:00:00Z\n", i);
    fclose(stream);
    assert_null(read_policy(text, 1));
    free(text);
}

/* ---- answers ---- */

static const char zone_text[] = "$TTL 3600\n@ SOA ns h 1 2 3 4 600\n NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n TXT x\n"
                                "*.w A 192.0.2.3\nother CNAME www\nmail MX 1 www\n";

struct world {
    struct policy *policy;
    struct compiled compiled;
    struct image_ref image;
    uint8_t *block;
    struct catalog catalog;
    struct generation generation;
};

static void make_world(struct world *world)
{
    struct diag diag;
    uint8_t apex[] = "\1x";
    uint8_t hidden[] = "\6hidden\1x";
    size_t size;
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    diag_init(&diag);
    world->policy = read_policy(policy_text, 0);
    struct zone *zone = zone_new(apex);
    assert_int_equal(zonefile_read_text(NULL, "x", zone_text, sizeof zone_text - 1, &options, zone, &diag), STATUS_OK);
    assert_int_equal(zone_add_mark(zone, hidden, ZONE_HIDDEN, (struct origin){ORIGIN_NONE, 0}), STATUS_OK);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    zone->negative_ttl = 500;
    zone->marks[0].negative_ttl = 90;
    cutover_attach(world->policy, 1, zone);
    assert_int_equal(compile_zone(zone, &world->compiled, &diag), STATUS_OK);
    assert_int_equal(image_verify(world->compiled.block, world->compiled.size, &diag), STATUS_OK);
    zone_free(zone);
    struct catalog_zone entry = {.apex = apex, .image_id = 1, .serial = 1};
    assert_int_equal(catalog_build(&entry, 1, &world->block, &size), STATUS_OK);
    assert_int_equal(catalog_open(world->block, size, &world->catalog), STATUS_OK);
    world->image = (struct image_ref){.block = world->compiled.block, .size = world->compiled.size};
    world->catalog.images = &world->image;
    world->generation.policy = world->policy;
    world->generation.catalogs = &world->catalog;
    world->generation.catalog_count = 1;
    diag_clear(&diag);
}

/* The view internal is asked through the one catalog: its number was written into the image. */
static void the_lowest_rules_alike_for_negatives(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint16_t type;
        int64_t when; /* 0 and less: relative to `at` of the section move; 1: off */
        const char *text;
    } rows[] = {
        {"www.x", RRTYPE_A, 1, "NOERROR answer aa\nanswer www.x. 3600 A 192.0.2.2\n"},
        {"www.x", RRTYPE_A, -7200, "NOERROR answer aa\nanswer www.x. 3600 A 192.0.2.2\n"},
        {"www.x", RRTYPE_A, -100, "NOERROR answer aa\nanswer www.x. 100 A 192.0.2.2\n"},
        {"www.x", RRTYPE_A, 0, "NOERROR answer aa\nanswer www.x. 300 A 192.0.2.2\n"},
        /* The section text is about TXT alone and has passed; the lowest counts. */
        {"www.x", RRTYPE_TXT, -7200, "NOERROR answer aa\nanswer www.x. 60 TXT \"x\"\n"},
        {"www.x", RRTYPE_TXT, -40, "NOERROR answer aa\nanswer www.x. 40 TXT \"x\"\n"},
        {"other.x", RRTYPE_A, -100,
         "NOERROR answer aa\nanswer other.x. 3600 CNAME www.x.\nanswer www.x. 100 A 192.0.2.2\n"},
        {"mail.x", RRTYPE_MX, -100,
         "NOERROR answer aa\nanswer mail.x. 3600 MX 1 www.x.\nadditional? www.x. 100 A 192.0.2.2\n"},
        {"q.w.x", RRTYPE_A, -100, "NOERROR answer aa\nanswer q.w.x. 100 A 192.0.2.3\n"},
        /* Negative: existing names count down, those that do not exist have no rule. */
        {"www.x", RRTYPE_AAAA, -100, "NOERROR nodata aa\nauthority x. 100 SOA ns.x. h.x. 1 2 3 4 600\n"},
        {"www.x", RRTYPE_AAAA, -7200, "NOERROR nodata aa\nauthority x. 500 SOA ns.x. h.x. 1 2 3 4 600\n"},
        {"none.x", RRTYPE_AAAA, -100, "NXDOMAIN nxdomain aa\nauthority x. 500 SOA ns.x. h.x. 1 2 3 4 600\n"},
        {"hidden.x", RRTYPE_A, -7200, "NXDOMAIN nxdomain aa\nauthority x. 90 SOA ns.x. h.x. 1 2 3 4 600\n"},
        {"x", RRTYPE_SOA, -100, "NOERROR answer aa\nanswer x. 3600 SOA ns.x. h.x. 1 2 3 4 600\n"},
    };
    struct world *world = calloc(1, sizeof *world);
    struct answer *answer = calloc(1, sizeof *answer);
    make_world(world);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        struct client client = {.transport = TRANSPORT_UDP, .source = {4, {192, 0, 2, 9}}};
        assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), NULL, name, &size), STATUS_OK);
        struct question question = {.name = name, .type = rows[i].type};
        if (rows[i].when <= 0)
            question.now = (uint64_t)((int64_t)AT + rows[i].when);
        decide_answer(&world->generation, &client, &question, answer);
        char *text = support_answer_text(answer);
        assert_string_equal(text, rows[i].text);
        free(text);
    }
    policy_free(world->policy);
    free(world->compiled.block);
    free(world->block);
    free(answer);
    free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ttls_count_down),
        cmocka_unit_test(numbers_are_sets_of_sections),
        cmocka_unit_test(the_number_of_sections_is_limited),
        cmocka_unit_test(the_lowest_rules_alike_for_negatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

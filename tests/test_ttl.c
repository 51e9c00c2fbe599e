/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns, and the rules of [ttl] over flat zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/glob.h"
#include "policy/policy.h"
#include "policy/ttl.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

/* ---- patterns ---- */

static void patterns(void **state)
{
    (void)state;
    static const struct {
        const char *glob;
        const char *name;
        bool match;
        unsigned literals;
    } rows[] = {
        {"www.x", "WWW.X.", true, 5},
        {"www.x.", "www.x.", true, 5},
        {"www.x", "a.www.x.", false, 5},
        {"*", "www.x.", true, 0},
        {"*", ".", true, 0},
        {".", ".", true, 0},
        {".", "x.", false, 0},
        {"*.x", "a.b.x.", true, 2},
        {"*.x", "x.", false, 2},
        {"*x", "x.", true, 1},
        {"*x", "a.xx.", true, 1},
        {"lync*.x", "lyncdiscover.x.", true, 6},
        {"lync*.x", "lync.a.b.x.", true, 6},
        {"a*b*c.x", "abbbc.x.", true, 5},
        {"a*b*c.x", "acb.x.", false, 5},
        {"**.x", "a.x.", true, 2},
        /* The wildcard owner itself. */
        {"\\*.x", "*.x.", true, 3},
        {"\\*.x", "a.x.", false, 3},
        {"*.x", "*.x.", true, 2},
        {"\\042.x", "*.x.", true, 3},
        /* A dot inside a label is no dot between labels. */
        {"a\\.b.x", "a\\.b.x.", true, 5},
        {"a\\.b.x", "a.b.x.", false, 5},
        {"*.b.x", "a\\.b.x.", false, 4},
        {"a\\000b.x", "a\\000b.x.", true, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct glob glob;
        struct glob_subject subject;
        uint8_t name[NAME_SIZE_MAX];
        make_name(rows[i].name, name);
        glob_compile(rows[i].glob, &glob);
        glob_subject(name, &subject);
        if (glob_match(&glob, &subject) != rows[i].match || glob.literals != rows[i].literals)
            fail_msg("%s against %s: %u literals", rows[i].glob, rows[i].name, glob.literals);
    }
}

/* ---- zones ---- */

#define ZONES_MAX 4

struct world {
    struct policy *policy;
    struct zone *zones[ZONES_MAX];
    size_t count;
    struct diag diag;
};

#define VIEWS "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\n"

static void make_policy(const char *rules, struct world *world)
{
    struct diag diag;
    char text[2048];
    snprintf(text, sizeof text, VIEWS "%s", rules);
    diag_init(&diag);
    enum status status = policy_read("policy.conf", text, strlen(text), &diag, &world->policy);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
}

static void add_zone(struct world *world, const char *apex, const char *text)
{
    uint8_t name[NAME_SIZE_MAX];
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    make_name(apex, name);
    struct zone *zone = zone_new(name);
    assert_non_null(zone);
    assert_int_equal(zonefile_read_text(NULL, apex, text, strlen(text), &options, zone, &world->diag), STATUS_OK);
    world->zones[world->count++] = zone;
}

static enum status apply(struct world *world, uint32_t view)
{
    for (size_t i = 0; i < world->count; i++)
        if (!world->zones[i]->frozen)
            assert_int_equal(zone_freeze(world->zones[i], &world->diag), STATUS_OK);
    return ttl_apply(world->policy, view, world->zones, world->count, &world->diag);
}

static void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        zone_free(world->zones[i]);
    policy_free(world->policy);
    diag_clear(&world->diag);
}

static void check_ttl(const struct world *world, const char *owner, uint16_t type, uint32_t wanted)
{
    uint8_t name[NAME_SIZE_MAX];
    make_name(owner, name);
    for (size_t i = 0; i < world->count; i++) {
        struct zone_rrset rrset;
        if (!zone_find(world->zones[i], name, type, &rrset))
            continue;
        for (size_t k = 0; k < rrset.count; k++)
            if (world->zones[i]->records[rrset.first + k].ttl != wanted)
                fail_msg("%s %u: TTL %u, wanted %u", owner, type, world->zones[i]->records[rrset.first + k].ttl,
                         wanted);
        return;
    }
    fail_msg("%s %u: not there", owner, type);
}

static const char zone_x[] = "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\n MX 1 mail\nns A 192.0.2.1\nmail A 192.0.2.2\n"
                             "www A 192.0.2.3\n A 192.0.2.4\n AAAA 2001:db8::1\n*.w TXT x\nlow 5 A 192.0.2.5\n"
                             "sub NS ns.sub\nns.sub A 192.0.2.6\nzero 0 A 192.0.2.7\n";

/* The most specific rule alone decides. */
static void rules_rank(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *owner;
        uint16_t type;
        uint32_t internet;
        uint32_t internal;
    } rows[] = {
        {"", "www.x", RRTYPE_A, 1000, 1000},
        {"[ttl a]\nnames = *\nmax = 300\n", "www.x", RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *\nmax = 300\n", "low.x", RRTYPE_A, 5, 5},
        {"[ttl a]\nnames = *\nmin = 300\n", "low.x", RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *\nmin = 300\nmax = 400\n", "zero.x", RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *\nfixed = 0\n", "www.x", RRTYPE_A, 0, 0},
        {"[ttl a]\nnames = *\nmax = 0\n", "www.x", RRTYPE_A, 0, 0},
        {"[ttl a]\nnames = *\nmax = 300\n[ttl b]\nnames = w*\nmax = 400\n", "www.x", RRTYPE_A, 400, 400},
        {"[ttl a]\nnames = www.x\nmax = 300\n[ttl b]\nnames = *www.x\nmax = 400\n", "www.x", RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *.x\ntypes = A\nmax = 300\n[ttl b]\nnames = *.x\nmax = 400\n", "www.x", RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *.x\ntypes = A\nmax = 300\n[ttl b]\nnames = *.x\nmax = 400\n", "www.x", RRTYPE_AAAA, 400,
         400},
        /* Types go before views, literals before both. */
        {"[ttl a]\nnames = *.x\ntypes = A\nmax = 300\n[ttl b]\nnames = *.x\nviews = internal\nmax = 400\n", "www.x",
         RRTYPE_A, 300, 300},
        {"[ttl a]\nnames = *.x\nmax = 300\n[ttl b]\nnames = *.x\nviews = internal\nmax = 400\n", "www.x", RRTYPE_A, 300,
         400},
        {"[ttl a]\nnames = *w.x\nmax = 300\n[ttl b]\nnames = *.x\nviews = internal\ntypes = A\nmax = 400\n", "www.x",
         RRTYPE_A, 300, 300},
        /* The best pattern of a rule counts. */
        {"[ttl a]\nnames = *, www.x\nmax = 300\n[ttl b]\nnames = *ww.x\nmax = 400\n", "www.x", RRTYPE_A, 300, 300},
        /* A rule that only says something of negative answers wins, and changes nothing. */
        {"[ttl a]\nnames = *\nmax = 300\n[ttl b]\nnames = www.x\nnegative = 5\n", "www.x", RRTYPE_A, 1000, 1000},
        /* Owners as in the zone: the wildcard; NS and glue too; never SOA. */
        {"[ttl a]\nnames = \\*.w.x\nfixed = 7\n", "*.w.x", RRTYPE_TXT, 7, 7},
        {"[ttl a]\nnames = *\nfixed = 7\n", "sub.x", RRTYPE_NS, 7, 7},
        {"[ttl a]\nnames = *\nfixed = 7\n", "ns.sub.x", RRTYPE_A, 7, 7},
        {"[ttl a]\nnames = *\nfixed = 7\n", "x", RRTYPE_SOA, 1000, 1000},
        {"[ttl a]\nnames = *\nfixed = 7\n", "x", RRTYPE_MX, 7, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (uint32_t view = 0; view < 2; view++) {
            struct world world = {.count = 0};
            diag_init(&world.diag);
            make_policy(rows[i].rules, &world);
            add_zone(&world, "x", zone_x);
            assert_int_equal(apply(&world, view), STATUS_OK);
            check_ttl(&world, rows[i].owner, rows[i].type, view == 0 ? rows[i].internet : rows[i].internal);
            world_clear(&world);
        }
}

static void ties_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *message; /* NULL: no error */
        uint32_t line;
    } rows[] = {
        {"[ttl a]\nnames = *.x\nmax = 3\n[ttl b]\nnames = *.x\nmax = 4\n",
         "[ttl b] names: found that it fits low.x. in its data in [view internet] as well as [ttl a] on line 5 does, "
         "wanted one of them more specific",
         8},
        {"[ttl a]\nnames = ww*.x\nmax = 3\n[ttl b]\nnames = *ww.x\nmax = 4\n",
         "[ttl b] names: found that it fits www.x. in its data in [view internet] as well as [ttl a] on line 5 does, "
         "wanted one of them more specific",
         8},
        /* Nothing meets both, or a third one beats them. */
        {"[ttl a]\nnames = aa*.x\nmax = 3\n[ttl b]\nnames = *zz.x\nmax = 4\n", NULL, 0},
        {"[ttl a]\nnames = ww*.x\nmax = 3\n[ttl b]\nnames = *ww.x\nmax = 4\n[ttl c]\nnames = www.x\nmax = 5\n", NULL,
         0},
        {"[ttl a]\nnames = *.x\ntypes = A\nmax = 3\n[ttl b]\nnames = *.x\ntypes = MX\nmax = 4\n", NULL, 0},
        {"[ttl a]\nnames = *.x\nviews = internet\nmax = 3\n[ttl b]\nnames = *.x\nviews = internal\nmax = 4\n", NULL, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world = {.count = 0};
        diag_init(&world.diag);
        make_policy(rows[i].rules, &world);
        add_zone(&world, "x", zone_x);
        enum status status = apply(&world, 0);
        assert_int_equal(status, rows[i].message == NULL ? STATUS_OK : STATUS_BAD_INPUT);
        assert_int_equal(world.diag.count, rows[i].message == NULL ? 0 : 1);
        if (rows[i].message != NULL) {
            assert_string_equal(world.diag.messages[0].text, rows[i].message);
            assert_int_equal(world.diag.messages[0].line, rows[i].line);
        }
        world_clear(&world);
    }
}

/* What a CNAME leads to lives no longer than its rule says, through wildcards, DNAMEs, apexes and other zones. */
static void a_cname_caps_its_chain(void **state)
{
    (void)state;
    struct world world = {.count = 0};
    diag_init(&world.diag);
    make_policy("[ttl short]\nnames = go*.x\nmax = 10\nmin = 8\n[ttl more]\nnames = plain.x\nmin = 20\n", &world);
    add_zone(&world, "x",
             "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\n MX 1 a\nns A 192.0.2.1\n"
             "go1 CNAME a\na CNAME b\nb A 192.0.2.2\n TXT x\n"
             "go2 CNAME any.wild\n*.wild CNAME far.y.\n"
             "go3 CNAME n.tree\ntree DNAME other\nn.other A 192.0.2.3\nm.other A 192.0.2.4\n"
             "go4 CNAME deep.cut\ncut NS ns.cut\nns.cut A 192.0.2.5\n"
             "go5 CNAME x.\n"
             "go6 CNAME loop\nloop CNAME go6\n"
             "go7 CNAME low\nlow 3 A 192.0.2.6\n"
             "go8 CNAME nowhere.elsewhere.\n"
             "go9 CNAME missing\n"
             "goa CNAME sub.z\nsub.z A 192.0.2.7\n"
             "plain CNAME target\ntarget 5 A 192.0.2.8\n");
    add_zone(&world, "y",
             "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nfar A 192.0.2.9\nnear A 192.0.2.9\n");
    add_zone(&world, "z.x", "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nsub TXT z\n");
    assert_int_equal(apply(&world, 0), STATUS_OK);
    static const struct {
        const char *owner;
        uint16_t type;
        uint32_t ttl;
    } rows[] = {
        {"go1.x", RRTYPE_CNAME, 10},   {"a.x", RRTYPE_CNAME, 10},      {"b.x", RRTYPE_A, 10},
        {"b.x", RRTYPE_TXT, 10},       {"*.wild.x", RRTYPE_CNAME, 10}, {"far.y", RRTYPE_A, 10},
        {"near.y", RRTYPE_A, 1000},    {"tree.x", RRTYPE_DNAME, 10},   {"n.other.x", RRTYPE_A, 10},
        {"m.other.x", RRTYPE_A, 1000}, {"cut.x", RRTYPE_NS, 1000},     {"ns.cut.x", RRTYPE_A, 1000},
        {"x", RRTYPE_MX, 10},          {"x", RRTYPE_NS, 10},           {"x", RRTYPE_SOA, 1000},
        {"ns.x", RRTYPE_A, 1000},      {"loop.x", RRTYPE_CNAME, 10},   {"low.x", RRTYPE_A, 3},
        {"target.x", RRTYPE_A, 5},     {"sub.z.x", RRTYPE_TXT, 10},
    };
    /* sub.z.x stands in the zone x too, where nobody sees it. */
    for (size_t i = 0; i + 1 < sizeof rows / sizeof rows[0]; i++)
        check_ttl(&world, rows[i].owner, rows[i].type, rows[i].ttl);
    struct world deeper = {.zones = {world.zones[2]}, .count = 1};
    check_ttl(&deeper, "sub.z.x", RRTYPE_TXT, 10);
    world_clear(&world);
}

/* Each step from the TTL as written is noted: by which rule, and through which CNAME. */
static void steps_are_noted(void **state)
{
    (void)state;
    static const struct {
        const char *owner;
        uint32_t written;
        enum zone_ttl_reason reason; /* of the last step */
        uint32_t ttl;                /* 0: no step */
        uint32_t rule;
        const char *cname;
        uint32_t before; /* the TTL by the step before; 0: none */
    } rows[] = {
        {"go.x", 1000, ZONE_TTL_RULE, 10, 0, NULL, 0}, {"a.x", 1000, ZONE_TTL_CAP, 10, 0, "go.x", 400},
        {"b.x", 1000, ZONE_TTL_CAP, 10, 0, "go.x", 0}, {"plain.x", 1000, ZONE_TTL_RULE, 0, 0, NULL, 0},
        {"low.x", 5, ZONE_TTL_RULE, 20, 2, NULL, 0},
    };
    struct world world = {.count = 0};
    uint8_t name[NAME_SIZE_MAX];
    diag_init(&world.diag);
    make_policy("[ttl go]\nnames = go.x\nmax = 10\n[ttl a]\nnames = a.x\nmax = 400\n[ttl low]\nnames = low.x, "
                "plain.x\nmin = 20\n",
                &world);
    add_zone(&world, "x",
             "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\ngo CNAME a\na CNAME b\nb A 192.0.2.2\n"
             "plain A 192.0.2.3\nlow 5 A 192.0.2.4\n");
    assert_int_equal(apply(&world, 0), STATUS_OK);
    const struct zone *zone = world.zones[0];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_name(rows[i].owner, name);
        const struct zone_record *record = &zone->records[zone_owner_range(zone, name).first];
        assert_int_equal(record->written, rows[i].written);
        assert_int_equal(record->change != 0, rows[i].ttl != 0);
        if (rows[i].ttl == 0)
            continue;
        const struct zone_ttl_change *step = &zone->changes[record->change - 1];
        assert_int_equal(step->reason, rows[i].reason);
        assert_int_equal(step->ttl, rows[i].ttl);
        assert_int_equal(step->rule, rows[i].rule);
        assert_int_equal(step->before != 0 ? zone->changes[step->before - 1].ttl : 0, rows[i].before);
        if (rows[i].cname == NULL)
            continue;
        make_name(rows[i].cname, name);
        assert_true(name_equal(zone->cnames.data + step->cname, name));
    }
    world_clear(&world);
}

/* Hidden names and what is missing below them lead nowhere. */
static void hidden_names_end_a_chain(void **state)
{
    (void)state;
    struct world world = {.count = 0};
    uint8_t name[NAME_SIZE_MAX];
    diag_init(&world.diag);
    make_policy("[ttl short]\nnames = go*.x\nmax = 10\n", &world);
    add_zone(&world, "x",
             "$TTL 1000\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\n*.w A 192.0.2.2\n*.v A 192.0.2.2\n"
             "go1 CNAME hidden.w\ngo2 CNAME below.v\n");
    make_name("hidden.w.x", name);
    assert_int_equal(zone_add_mark(world.zones[0], name, ZONE_HIDDEN, (struct origin){ORIGIN_NONE, 0}), STATUS_OK);
    make_name("v.x", name);
    assert_int_equal(zone_add_mark(world.zones[0], name, ZONE_HIDDEN_BELOW, (struct origin){ORIGIN_NONE, 0}),
                     STATUS_OK);
    assert_int_equal(apply(&world, 0), STATUS_OK);
    check_ttl(&world, "*.w.x", RRTYPE_A, 1000);
    check_ttl(&world, "*.v.x", RRTYPE_A, 1000);
    world_clear(&world);
}

static void negative_ttls(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        uint32_t zone;
        uint32_t hidden;
        bool tie;
    } rows[] = {
        {"", ZONE_TTL_NONE, ZONE_TTL_NONE, false},
        {"[ttl a]\nnames = x\nnegative = 5\n", 5, ZONE_TTL_NONE, false},
        {"[ttl a]\nnames = *\nnegative = 0\n", 0, 0, false},
        {"[ttl a]\nnames = *.x\nnegative = 7\n", ZONE_TTL_NONE, 7, false},
        /* Rules with types do not count, and the winner alone decides. */
        {"[ttl a]\nnames = x\ntypes = A\nnegative = 5\n", ZONE_TTL_NONE, ZONE_TTL_NONE, false},
        {"[ttl a]\nnames = *\nnegative = 5\n[ttl b]\nnames = x\nmax = 100\n", ZONE_TTL_NONE, 5, false},
        {"[ttl a]\nnames = *\nnegative = 5\n[ttl b]\nnames = x\ntypes = A\nmax = 100\n", 5, 5, false},
        {"[ttl a]\nnames = *\nviews = internal\nnegative = 5\n", ZONE_TTL_NONE, ZONE_TTL_NONE, false},
        {"[ttl a]\nnames = h*.x\nnegative = 5\n[ttl b]\nnames = *h.x\nnegative = 5\n", ZONE_TTL_NONE, 5, false},
        {"[ttl a]\nnames = hi*.x\nnegative = 5\n[ttl b]\nnames = *en.x\nnegative = 6\n", ZONE_TTL_NONE, 5, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world = {.count = 0};
        uint8_t name[NAME_SIZE_MAX];
        diag_init(&world.diag);
        make_policy(rows[i].rules, &world);
        add_zone(&world, "x", zone_x);
        make_name("hidden.x", name);
        assert_int_equal(zone_add_mark(world.zones[0], name, ZONE_HIDDEN, (struct origin){ORIGIN_NONE, 0}), STATUS_OK);
        assert_int_equal(apply(&world, 0), rows[i].tie ? STATUS_BAD_INPUT : STATUS_OK);
        if (world.zones[0]->negative_ttl != rows[i].zone || world.zones[0]->marks[0].negative_ttl != rows[i].hidden)
            fail_msg("row %zu: %u and %u", i, world.zones[0]->negative_ttl, world.zones[0]->marks[0].negative_ttl);
        world_clear(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),        cmocka_unit_test(rules_rank),
        cmocka_unit_test(ties_are_errors), cmocka_unit_test(a_cname_caps_its_chain),
        cmocka_unit_test(steps_are_noted), cmocka_unit_test(hidden_names_end_a_chain),
        cmocka_unit_test(negative_ttls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

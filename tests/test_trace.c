/* SPDX-License-Identifier: BSD-2-Clause */
/* Reasons: bounded, in order, the same decision with and without; origins: every RRset's line, and damaged tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/origins.h"
#include "policy/ttl.h"
#include "tests/support.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/trace.h"
#include "zones/zonefile.h"

#include <stdlib.h>
#include <string.h>

static const char policy_text[] = "[view internet]\n"
                                  "clients = any\n"
                                  "minimal = yes\n"
                                  "[view internal]\n"
                                  "clients = 10.10.0.0/16, 10.0.0.0/8\n"
                                  "[view lab]\n"
                                  "clients = 10.10.3.0/24\n"
                                  "listen = 10.10.0.53\n"
                                  "[view signed]\n"
                                  "clients = 10.66.0.0/16\n"
                                  "keys = lab-key\n"
                                  "[ttl walk]\n"
                                  "names = ns.x\n"
                                  "max = 30\n"
                                  "[ttl go]\n"
                                  "names = alias.x\n"
                                  "views = internal\n"
                                  "fixed = 5\n";

static const char text[] = "$TTL 60\n@ SOA ns h 1 2 3 4 30\n NS ns\nns A 192.0.2.1\nname A 192.0.2.20\n"
                           "alias CNAME name\nloop CNAME loop2\nloop2 CNAME loop\n*.wild A 192.0.2.9\n"
                           "sub NS ns.sub\nns.sub A 192.0.2.10\ntree DNAME y\nmail MX 1 ns\nout CNAME a.y.\n"
                           "a.empty TXT x\n";

enum { INTERNET, INTERNAL, LAB, SIGNED, VIEWS };

struct fixture {
    struct support_world world;
    struct catalog catalogs[VIEWS];
    struct generation generation;
    struct answer answer;
    struct answer plain;
    struct trace trace;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct diag diag;

    diag_init(&diag);
    support_world_init(&fixture->world);
    support_add_zone(&fixture->world, "x", text, sizeof text - 1);
    support_finish(&fixture->world);
    for (unsigned i = 0; i < VIEWS; i++)
        fixture->catalogs[i] = fixture->world.catalog;
    enum status status =
        policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &fixture->generation.policy);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    fixture->generation.catalogs = fixture->catalogs;
    fixture->generation.catalog_count = VIEWS;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    support_world_clear(&fixture->world);
    policy_free(fixture->generation.policy);
    free(fixture);
    return 0;
}

/* The steps as words: "lookup NAME, node NAME, ...". */
static void trace_line(const struct trace *trace, bool views, char *line, size_t size)
{
    size_t used = 0;

    line[0] = '\0';
    for (size_t i = 0; i < trace->count && used < size; i++) {
        const struct trace_step *step = &trace->steps[i];
        char name[NAME_TEXT_MAX] = "";
        bool is_view = step->kind == TRACE_VIEW || step->kind == TRACE_VIEW_LOST;
        if (is_view != views)
            continue;
        if (step->has_name)
            name_to_text(step->name, name);
        used += (size_t)snprintf(line + used, size - used, "%s%s%s%s%s%s", used > 0 ? ", " : "", trace_word(step->kind),
                                 name[0] != '\0' ? " " : "", name, step->text[0] != '\0' ? " " : "", step->text);
        if (is_view)
            used += (size_t)snprintf(line + used, size - used, " =%d", (int)step->number);
    }
}

static void decide(struct fixture *fixture, const struct client *client, const char *name, uint16_t type)
{
    static uint8_t wire[NAME_SIZE_MAX];
    size_t size;

    assert_int_equal(name_from_text(name, strlen(name), NULL, wire, &size), STATUS_OK);
    const struct question question = {.name = wire, .type = type};
    trace_reset(&fixture->trace);
    struct view_match traced =
        decide_answer_trace(&fixture->generation, client, &question, &fixture->trace, &fixture->answer, NULL);
    struct view_match plain = decide_answer(&fixture->generation, client, &question, &fixture->plain);
    assert_int_equal(traced.view, plain.view);
    char *one = support_answer_text(&fixture->answer);
    char *two = support_answer_text(&fixture->plain);
    assert_string_equal(one, two);
    free(one);
    free(two);
}

struct lookup_row {
    const char *name;
    const char *type;
    const char *steps;
};

static const struct lookup_row lookup_rows[] = {
    {"name.x", "A", "lookup name.x., zone x., node name.x., records name.x."},
    {"name.x", "AAAA", "lookup name.x., zone x., node name.x., negative x. NODATA"},
    {"alias.x", "A",
     "lookup alias.x., zone x., node alias.x., records alias.x., lookup name.x., node name.x., records name.x."},
    {"a.b.x", "A", "lookup a.b.x., zone x., missing x., negative x. NXDOMAIN"},
    {"b.empty.x", "A", "lookup b.empty.x., zone x., missing empty.x., negative x. NXDOMAIN"},
    {"empty.x", "A", "lookup empty.x., zone x., node empty.x., negative x. NODATA"},
    {"b.wild.x", "A", "lookup b.wild.x., zone x., missing wild.x., wildcard *.wild.x., records *.wild.x."},
    {"b.sub.x", "A",
     "lookup b.sub.x., zone x., missing sub.x., delegation sub.x., records sub.x., route b.sub.x. "
     "not asked upstream: view internet has no forward for this name; the referral stands"},
    {"b.tree.x", "A",
     "lookup b.tree.x., zone x., missing tree.x., dname tree.x., records tree.x., lookup b.y.x., zone x., missing x., "
     "negative x. NXDOMAIN"},
    {"out.x", "A",
     "lookup out.x., zone x., node out.x., records out.x., lookup a.y., no-zone a.y., route a.y. "
     "not asked upstream: view internet has no forward for this name"},
    {"www.other", "A",
     "lookup www.other., no-zone www.other., route www.other. not asked upstream: view internet has no forward for "
     "this name"},
    {"mail.x", "MX", "lookup mail.x., zone x., node mail.x., records mail.x., left-out ns.x."},
    {"x", "ANY", "lookup x., zone x., node x., records x., records x., one-of-any"},
};

static void each_step_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct client client = {.transport = TRANSPORT_UDP};
    char line[2000];

    assert_int_equal(address_from_text("192.0.2.99", 10, &client.source), STATUS_OK);
    for (size_t i = 0; i < sizeof lookup_rows / sizeof lookup_rows[0]; i++) {
        const struct lookup_row *row = &lookup_rows[i];
        decide(fixture, &client, row->name, rrtype_from_text(row->type, strlen(row->type)));
        trace_line(&fixture->trace, false, line, sizeof line);
        assert_string_equal(line, row->steps);
    }
    decide(fixture, &client, "loop.x", RRTYPE_A);
    trace_line(&fixture->trace, false, line, sizeof line);
    assert_non_null(strstr(line, ", loop loop.x."));
}

struct view_row {
    const char *from;
    const char *listen; /* "": not known */
    const char *key;    /* "": none */
    const char *steps;
};

static const struct view_row view_rows[] = {
    {"192.0.2.9", "", "", "view any (policy.conf:2): no network of a view holds 192.0.2.9 as a whole =0"},
    {"10.10.1.1", "", "",
     "view 10.10.0.0/16 (policy.conf:5) is the longest network around 10.10.1.1 =1, view-lost any (policy.conf:2) fits "
     "too, but that is for those whom no network takes =0"},
    {"10.10.3.1", "", "",
     "view 10.10.0.0/16 (policy.conf:5) is the longest network around 10.10.3.1 =1, view-lost any (policy.conf:2) fits "
     "too, but that is for those whom no network takes =0, view-lost 10.10.3.0/24 (policy.conf:7) fits too, but only "
     "on other listen addresses =2"},
    {"10.10.3.1", "10.10.0.53", "",
     "view 10.10.3.0/24 (policy.conf:7) is the longest network around 10.10.3.1, limited to this listen address =2, "
     "view-lost any (policy.conf:2) fits too, but that is for those whom no network takes =0, view-lost 10.10.0.0/16 "
     "(policy.conf:5) fits too, but that network is shorter =1"},
    {"10.10.1.1", "", "Lab-Key",
     "view key lab-key (policy.conf:11), which goes before addresses =3, view-lost any (policy.conf:2) fits too, but a "
     "key goes before addresses =0, view-lost 10.10.0.0/16 (policy.conf:5) fits too, but a key goes before addresses "
     "=1"},
};

static void views_and_losers_are_told(void **state)
{
    struct fixture *fixture = *state;
    char line[2000];

    for (size_t i = 0; i < sizeof view_rows / sizeof view_rows[0]; i++) {
        const struct view_row *row = &view_rows[i];
        struct client client = {.transport = TRANSPORT_UDP};
        uint8_t key[NAME_SIZE_MAX];
        size_t size;
        assert_int_equal(address_from_text(row->from, strlen(row->from), &client.source), STATUS_OK);
        if (row->listen[0] != '\0')
            assert_int_equal(address_from_text(row->listen, strlen(row->listen), &client.listen), STATUS_OK);
        if (row->key[0] != '\0') {
            assert_int_equal(name_from_text(row->key, strlen(row->key), NULL, key, &size), STATUS_OK);
            client.key = key;
        }
        decide(fixture, &client, "name.x", RRTYPE_A);
        trace_line(&fixture->trace, true, line, sizeof line);
        char wanted[2000];
        snprintf(wanted, sizeof wanted, "%s%s", row->steps, "");
        if (row->key[0] != '\0') {
            assert_non_null(strstr(line, "key lab-key (policy.conf:11), which goes before addresses =3"));
            assert_non_null(strstr(line, "but a key goes before addresses =1"));
        } else {
            assert_string_equal(line, wanted);
        }
    }
}

static void traces_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct trace *trace = &fixture->trace;
    static const uint8_t name[] = "\1x";
    char longest[2 * TRACE_TEXT_MAX];

    trace_reset(trace);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (unsigned i = 0; i < 2 * TRACE_STEPS_MAX; i++) {
        struct trace_step *step = trace_add(trace, TRACE_NODE, name);
        assert_non_null(step);
        trace_text(step, "%s", longest);
        assert_int_equal(strlen(step->text), TRACE_TEXT_MAX - 1);
    }
    assert_int_equal(trace->count, TRACE_STEPS_MAX);
    assert_int_equal(trace->dropped, TRACE_STEPS_MAX);
    trace_reset(trace);
    assert_int_equal(trace->count, 0);
}

/* ---- origins ---- */

struct built {
    struct zone *zone;
    struct compiled compiled;
    struct bytes table;
};

static void build(struct built *built, const struct policy *policy, const char *zone_text)
{
    static const uint8_t apex[] = "\1x";
    struct zonefile_options options = {.default_ttl = 60};
    struct diag diag;

    diag_init(&diag);
    built->zone = zone_new(apex);
    built->zone->layer = 1;
    assert_int_equal(
        zonefile_read_text(NULL, "internal/x.zone", zone_text, strlen(zone_text), &options, built->zone, &diag),
        STATUS_OK);
    assert_int_equal(zone_freeze(built->zone, &diag), STATUS_OK);
    assert_int_equal(ttl_apply(policy, INTERNAL, &built->zone, 1, &diag), STATUS_OK);
    assert_int_equal(compile_zone(built->zone, &built->compiled, &diag), STATUS_OK);
    bytes_init(&built->table, ORIGINS_SIZE_MAX);
    assert_int_equal(origins_build(built->zone, built->compiled.block, built->compiled.size, policy, &built->table),
                     STATUS_OK);
    diag_clear(&diag);
}

static void built_clear(struct built *built)
{
    zone_free(built->zone);
    memory_free(built->compiled.block);
    bytes_clear(&built->table);
}

static bool is_text(const char *octets, size_t size, const char *wanted)
{
    return octets != NULL && size == strlen(wanted) && memcmp(octets, wanted, size) == 0;
}

/* ns.x by [ttl walk]; alias.x by [ttl go]; name.x through it. */
static void check_changes(const struct origins_entry *entry, const struct zone_record *record)
{
    struct origins_changes all = entry->changes;
    struct origins_change change;

    if (!entry->is_changed)
        return;
    assert_true(origins_next_change(&all, &change));
    assert_int_equal(change.ttl, record->ttl);
    assert_true(is_text(change.view, change.view_size, "internal"));
    assert_true(is_text(change.rule, change.rule_size, record->ttl == 30 ? "walk" : "go"));
    if (change.reason == ZONE_TTL_CAP)
        assert_true(record->type == RRTYPE_A && is_text(change.cname, change.cname_size, "alias.x."));
    else
        assert_null(change.cname);
    assert_false(origins_next_change(&all, &change));
}

static void every_rrset_has_its_line(void **state)
{
    struct fixture *fixture = *state;
    struct built built;
    struct origins_reader reader;
    struct origins_entry entry;
    struct origins_place file;
    struct image image;
    uint32_t count = 0;
    uint32_t changed = 0;

    build(&built, fixture->generation.policy, text);
    assert_int_equal(image_open(built.compiled.block, built.compiled.size, &image), STATUS_OK);
    assert_int_equal(origins_open(built.table.data, built.table.size, &reader), STATUS_OK);
    assert_true(origins_file(&reader, 0, &file));
    assert_int_equal(file.path_size, strlen("internal/x.zone"));
    assert_memory_equal(file.path, "internal/x.zone", file.path_size);
    assert_memory_equal(file.view, "internal", file.view_size);
    assert_false(origins_file(&reader, 1, &file));
    while (origins_next(&reader, &entry)) {
        const struct image_node *node = image_node_at(&image, entry.node);
        struct zone_rrset rrset;
        assert_non_null(node);
        assert_true(zone_find(built.zone, image_node_name(node), entry.type, &rrset));
        const struct zone_record *record = &built.zone->records[rrset.first];
        assert_int_equal(entry.place.line, record->origin.line);
        assert_int_equal(entry.is_changed, record->ttl != record->written);
        assert_true(!entry.is_changed || entry.written == record->written);
        check_changes(&entry, record);
        changed += entry.is_changed;
        count++;
    }
    assert_int_equal(count, image.header->rrset_count);
    assert_int_equal(changed, 3);
    built_clear(&built);
}

/* The image of another zone is no pair; a table cut short or changed is never read over. */
static void bad_tables_are_noticed(void **state)
{
    struct fixture *fixture = *state;
    struct built one;
    struct built two;
    struct bytes table;

    build(&one, fixture->generation.policy, text);
    build(&two, fixture->generation.policy, "@ SOA ns h 1 2 3 4 30\n NS ns\nother A 192.0.2.1\n");
    bytes_init(&table, ORIGINS_SIZE_MAX);
    assert_int_equal(origins_build(one.zone, two.compiled.block, two.compiled.size, fixture->generation.policy, &table),
                     STATUS_DAMAGED);
    bytes_clear(&table);
    for (size_t size = 0; size <= one.table.size; size++) {
        uint8_t *copy = memory_alloc(size + 1);
        struct origins_reader reader;
        struct origins_entry entry;
        memcpy(copy, one.table.data, size);
        copy = memory_resize(copy, size > 0 ? size : 1);
        for (unsigned flip = 0; flip < 2 && size > 0; flip++) {
            copy[size - 1] ^= (uint8_t)(flip * 0xff);
            if (origins_open(copy, size, &reader) == STATUS_OK)
                while (origins_next(&reader, &entry)) {
                    struct origins_change change;
                    assert_true(entry.place.path == NULL || entry.place.path_size <= size);
                    while (origins_next_change(&entry.changes, &change))
                        assert_true(change.cname_size <= size && change.rule_size <= size);
                }
        }
        memory_free(copy);
    }
    built_clear(&one);
    built_clear(&two);
}

/* Of the first version: no changes, and the type alone. */
static void old_tables_are_read(void **state)
{
    static const uint8_t table[] = "svO\001\001\001v\001f\002\001\001\006\001\006\001\001";
    struct origins_reader reader;
    struct origins_entry entry;

    (void)state;
    assert_int_equal(origins_open(table, sizeof table - 1, &reader), STATUS_OK);
    assert_true(origins_next(&reader, &entry));
    assert_int_equal(entry.node, 2);
    assert_int_equal(entry.type, RRTYPE_A);
    assert_int_equal(entry.place.line, 3);
    assert_false(entry.is_changed);
    assert_true(origins_next(&reader, &entry));
    assert_int_equal(entry.node, 3);
    assert_int_equal(entry.type, 6);
    assert_int_equal(entry.place.line, 2);
    assert_false(origins_next(&reader, &entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_is_told),      cmocka_unit_test(views_and_losers_are_told),
        cmocka_unit_test(traces_are_bounded),     cmocka_unit_test(every_rrset_has_its_line),
        cmocka_unit_test(bad_tables_are_noticed), cmocka_unit_test(old_tables_are_read),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What facts publish. tests/cases/facts/NAME.conf is a policy, NAME.expect what it makes of it, one line each:
 *     VIEW OWNER TTL TYPE RDATA      a record; "VIEW instead OWNER ..." takes the place of a CNAME that cannot stand
 *     VIEW hide OWNER, VIEW drop OWNER
 *     guard OWNER                    internal-only
 *     error|warning LINE TEXT
 * Lines that begin with # are for people. With SPLITVIEW_SHOW_FACTS set the program also prints what it made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/autodiscover.h"
#include "policy/policy.h"
#include "policy/topology.h"
#include "tests/support.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 100

static void print_entry(FILE *stream, const char *view, const struct autodiscover_entry *entry)
{
    static const char *const words[] = {"", "instead ", "hide ", "drop ", "guard "};
    char owner[NAME_TEXT_MAX];
    name_to_text(entry->owner, owner);
    fprintf(stream, "%s%s%s%s", view, *view == '\0' ? "" : " ", words[entry->kind], owner);
    if (entry->kind <= AUTODISCOVER_FALLBACK) {
        char type[RRTYPE_TEXT_MAX];
        char data[2000];
        struct rdata rdata = {entry->rdata, entry->rdata_size};
        rrtype_to_text(entry->type, type);
        assert_int_equal(zonefile_rdata_to_text(entry->type, &rdata, data, sizeof data), STATUS_OK);
        fprintf(stream, " %u %s %s", (unsigned)entry->ttl, type, data);
    }
    fputc('\n', stream);
}

static void print_list(FILE *stream, const char *view, const struct autodiscover *list)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t first;
        size_t count;
        print_entry(stream, view, &list->entries[i]);
        assert_true(list->entries[i].line > 0);
        assert_true(autodiscover_find(list, list->entries[i].owner, &first, &count));
        assert_true(first <= i && i < first + count);
    }
}

/* Everything the facts make, in the order of the views. */
static void print_facts(FILE *stream, const struct policy *policy, struct diag *diag)
{
    struct topology *topology;
    struct autodiscover *list;
    if (topology_new(policy, diag, &topology) != STATUS_OK)
        return;
    for (uint32_t view = 0; view < policy->view_count; view++) {
        if (autodiscover_synthesise(topology, view, diag, &list) == STATUS_OK)
            print_list(stream, policy->views[view].name, list);
        autodiscover_free(list);
    }
    if (autodiscover_internal_only(topology, diag, &list) == STATUS_OK)
        print_list(stream, "", list);
    autodiscover_free(list);
    topology_free(topology);
}

static char *judge(const char *name, const char *text, size_t text_size)
{
    char *actual = NULL;
    size_t size;
    FILE *stream = open_memstream(&actual, &size);
    struct diag diag;
    struct policy *policy;
    diag_init(&diag);
    if (policy_read(name, text, text_size, &diag, &policy) == STATUS_OK)
        print_facts(stream, policy, &diag);
    for (size_t i = 0; i < diag.count; i++)
        fprintf(stream, "%s %u %s\n", severity_text(diag.messages[i].severity), (unsigned)diag.messages[i].line,
                diag.messages[i].text);
    policy_free(policy);
    diag_clear(&diag);
    fclose(stream);
    return actual;
}

/* Take out the lines for people. */
static void strip(char *text)
{
    char *to = text;
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        if (line[0] != '#') {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    *to = '\0';
}

static void test_case(void **state)
{
    char file[300];
    size_t size;
    size_t expected_size;
    snprintf(file, sizeof file, "cases/facts/%s.conf", (const char *)*state);
    char *text = support_read(file, &size);
    char *actual = judge(file, text, size);
    if (getenv("SPLITVIEW_SHOW_FACTS") != NULL)
        printf("# === %s\n%s", file, actual);
    snprintf(file, sizeof file, "cases/facts/%s.expect", (const char *)*state);
    char *expected = support_read(file, &expected_size);
    strip(expected);
    assert_string_equal(actual, expected);
    free(text);
    free(actual);
    free(expected);
}

/* Of every record: the line of the address, name or domain it came from, and its row. */
static void test_origins(void **state)
{
    (void)state;
    static const char text[] = "[view out]\nclients = any\n"
                               "[view in]\nclients = 10.0.0.0/8\n"
                               "[autodiscover a]\n"
                               "sip-domains = a.example\n"
                               "internal-views = in\n"
                               "lyncdiscover-form = cname\n"
                               "[pool p]\n"
                               "internal-web = web-int.a.example 10.0.0.1\n"
                               "external-web = web.a.example\n"
                               "[proxy rp]\n"
                               "public = 192.0.2.1\n";
    static const struct {
        const char *view;
        const char *owner;
        uint32_t line;
        const char *row;
    } cases[] = {
        {"in", "lyncdiscoverinternal.a.example", 10, "lyncdiscoverinternal"},
        {"in", "lyncdiscover.a.example", 6, "lyncdiscover"},
        {"in", "_sipinternaltls._tcp.a.example", 6, "sipinternaltls"},
        {"in", "web.a.example", 13, "external-web"},
        {"out", "lyncdiscover.a.example", 11, "lyncdiscover"},
        {"out", "web-int.a.example", 10, "internal-web"},
    };
    struct diag diag;
    struct policy *policy;
    struct topology *topology;
    diag_init(&diag);
    assert_int_equal(policy_read("policy.conf", text, sizeof text - 1, &diag, &policy), STATUS_OK);
    assert_int_equal(topology_new(policy, &diag, &topology), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct autodiscover *list;
        uint8_t owner[NAME_SIZE_MAX];
        size_t first;
        size_t count;
        uint32_t view = policy_find_view(policy, cases[i].view);
        assert_int_equal(autodiscover_synthesise(topology, view, &diag, &list), STATUS_OK);
        assert_int_equal(name_from_text(cases[i].owner, strlen(cases[i].owner), NULL, owner, &first), STATUS_OK);
        assert_true(autodiscover_find(list, owner, &first, &count));
        assert_int_equal(list->entries[first].line, cases[i].line);
        assert_string_equal(list->entries[first].row->name, cases[i].row);
        assert_string_equal(list->path, "policy.conf");
        autodiscover_free(list);
    }
    assert_int_equal(diag.count, 0);
    topology_free(topology);
    policy_free(policy);
    diag_clear(&diag);
}

static void test_inside_labels(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_inside;
    } cases[] = {
        {"lyncdiscoverinternal.a.example", true},
        {"LyncDiscoverInternal.example", true},
        {"lyncdiscover.a.example", false},
        {"lyncdiscoverinternal2.a.example", false},
        {"_sipinternaltls._tcp.a.example", true},
        {"_SIPInternal._tcp.a.example", true},
        {"_sip._tls.a.example", false},
        {"sipinternal.a.example", false},
        {"a.lyncdiscoverinternal.example", false},
        {".", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        assert_int_equal(name_from_text(cases[i].name, strlen(cases[i].name), NULL, name, &size), STATUS_OK);
        assert_int_equal(autodiscover_is_inside_label(name), cases[i].is_inside);
    }
}

/* Every row of the table: owners and targets can be written, cells end where the first unconditional one stands. */
static void test_table(void **state)
{
    (void)state;
    size_t count;
    const struct profile_row *rows = profile_rows(&count);
    assert_true(count > 30);
    for (size_t i = 0; i < count; i++)
        for (int side = 0; side < 2; side++) {
            const struct profile_cell *cells = side == 0 ? rows[i].inside : rows[i].outside;
            bool is_over = false;
            for (size_t j = 0; j < PROFILE_CELLS; j++) {
                enum profile_action action = cells[j].action;
                assert_false(is_over && action != PROFILE_NOTHING);
                is_over = is_over || action == PROFILE_NOTHING || cells[j].when == 0;
                assert_int_equal(action == PROFILE_CNAME || action == PROFILE_SRV, cells[j].target != NULL);
                assert_int_equal(action == PROFILE_SRV && rows[i].srv[2] == 0, 0);
            }
        }
}

int main(void)
{
    static char names[CASES_MAX][64];
    struct CMUnitTest tests[CASES_MAX + 3] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_inside_labels),
        cmocka_unit_test(test_table),
    };
    char pattern[4096];
    glob_t found;
    support_path("cases/facts/*.conf", pattern, sizeof pattern);
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc > CASES_MAX)
        return 99;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = strrchr(found.gl_pathv[i], '/') + 1;
        snprintf(names[i], sizeof names[i], "%.*s", (int)strcspn(name, "."), name);
        tests[3 + i] = (struct CMUnitTest){.name = names[i], .test_func = test_case, .initial_state = names[i]};
    }
    size_t count = 3 + found.gl_pathc;
    globfree(&found);
    return _cmocka_run_group_tests("autodiscover", tests, count, NULL, NULL);
}

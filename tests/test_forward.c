/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/forward.h"
#include "policy/forward_special.h"
#include "policy/policy.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 400

static void read_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;

    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static struct policy *read_policy(const char *text)
{
    struct policy *policy;
    struct diag diag;

    diag_init(&diag);
    enum status status = policy_read("policy.conf", text, strlen(text), &diag, &policy);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return policy;
}

/* ---- routes ---- */

static const char routes_text[] = "[view internet]\n"
                                  "clients = any\n"
                                  "[view internal]\n"
                                  "clients = 10.0.0.0/8\n"
                                  "base = internet\n"
                                  "forward = site\n" /* line 6 */
                                  "[view guest]\n"
                                  "clients = 10.2.0.0/16\n"
                                  "side = external\n"
                                  "forward = public\n" /* line 10 */
                                  "[view plain]\n"
                                  "clients = 10.3.0.0/16\n"
                                  "forward = site\n"
                                  "canary = no\n"
                                  "special-names = no\n"
                                  "[view partner]\n"
                                  "clients = 10.4.0.0/16\n"
                                  "[upstream site]\n"
                                  "servers = 192.0.2.53, 2001:db8::53@5353\n"
                                  "private-answers = *.corp.example\n"
                                  "stale = 1h\n"
                                  "[upstream public]\n"
                                  "servers = 192.0.2.54@54\n"
                                  "timeout = 2\n"
                                  "deadline = 9\n"
                                  "tcp = always\n"
                                  "case-mix = no\n"
                                  "trust-ad = yes\n"
                                  "[forward corp.example]\n" /* line 29 */
                                  "to = site\n"
                                  "[forward deep.corp.example]\n"
                                  "to = public\n"
                                  "views = internal, partner\n"
                                  "[forward gone.corp.example]\n" /* line 34 */
                                  "to = nowhere\n"
                                  "[forward 20.10.in-addr.arpa]\n"
                                  "to = site\n"
                                  "[forward mask.icloud.com]\n"
                                  "to = site\n"
                                  "views = internal\n"
                                  "[forward sfb.example]\n"
                                  "to = site\n"
                                  "[autodiscover a]\n"
                                  "publish = no\n"
                                  "sip-domains = sfb.example, lync.example\n"
                                  "internal-views = internal\n"
                                  "dialin = dialin.lync.example\n"
                                  "internal-web = se.lync.example 10.0.0.1\n"
                                  "external-web = web.lync.example\n"
                                  "internal-only = secret*.example\n"
                                  "[proxy rp]\n"
                                  "public = 192.0.2.1\n";

struct route_row {
    const char *view;
    const char *name;
    const char *type; /* NULL: A */
    bool has_no_recursion;
    const char *apex; /* NULL: none */
    const char *route;
};

static const struct route_row route_rows[] = {
    {"internet", "www.foreign.example", NULL, false, NULL, "refused nothing - - 0"},
    {"internet", "www.corp.example", NULL, false, NULL, "refused nothing - - 0"},
    {"internet", "use-application-dns.net", NULL, false, NULL, "refused nothing - - 0"},
    {"internet", "lyncdiscoverinternal.foreign.example", NULL, false, NULL, "refused nothing - - 0"},
    {"internal", "www.foreign.example", NULL, false, NULL, "upstream view site - 6"},
    {"internal", ".", "NS", false, NULL, "upstream view site - 6"},
    {"internal", "www.foreign.example", NULL, true, NULL, "refused rd - - 6"},
    {"guest", "www.foreign.example", NULL, false, NULL, "upstream view public - 10"},
    {"partner", "www.foreign.example", NULL, false, NULL, "refused nothing - - 0"},
    /* the longest suffix that holds in the view */
    {"internal", "corp.example", NULL, false, NULL, "upstream section site corp.example. 29 private"},
    {"internal", "WWW.Corp.Example", NULL, false, NULL, "upstream section site corp.example. 29 private"},
    {"internal", "xcorp.example", NULL, false, NULL, "upstream view site - 6"},
    {"internal", "a.deep.corp.example", NULL, false, NULL, "upstream section public deep.corp.example. 31 private"},
    {"guest", "a.deep.corp.example", NULL, false, NULL, "upstream section site corp.example. 29 private"},
    {"partner", "a.deep.corp.example", NULL, false, NULL, "upstream section public deep.corp.example. 31 private"},
    {"partner", "a.corp.example", NULL, false, NULL, "refused nothing - - 0"},
    {"internal", "a.gone.corp.example", NULL, false, NULL, "nxdomain section - gone.corp.example. 34"},
    {"internal", "gone.corp.example", NULL, true, NULL, "nxdomain section - gone.corp.example. 34"},
    {"internal", "a.corp.example", NULL, true, NULL, "refused rd - corp.example. 29"},
    /* special names */
    {"internal", "10.in-addr.arpa", "SOA", false, NULL, "nodata special - 10.in-addr.arpa. 0"},
    {"internal", "10.in-addr.arpa", "DS", false, NULL, "upstream view site - 6"},
    {"internal", "1.10.in-addr.arpa", "DS", false, NULL, "nxdomain special - 10.in-addr.arpa. 0"},
    {"internal", "1.2.3.10.in-addr.arpa", "PTR", true, NULL, "nxdomain special - 10.in-addr.arpa. 0"},
    {"internal", "1.2.20.10.in-addr.arpa", "PTR", false, NULL, "upstream section site 20.10.in-addr.arpa. 36 private"},
    {"internal", "1.2.3.10.in-addr.arpa", "PTR", false, "3.10.in-addr.arpa", "upstream view site - 6"},
    {"internal", "1.2.3.10.in-addr.arpa", "PTR", false, "in-addr.arpa", "nxdomain special - 10.in-addr.arpa. 0"},
    {"internal", "1.1.17.172.in-addr.arpa", "PTR", false, NULL, "nxdomain special - 17.172.in-addr.arpa. 0"},
    {"internal", "1.1.32.172.in-addr.arpa", "PTR", false, NULL, "upstream view site - 6"},
    {"internal", "1.1.64.100.in-addr.arpa", "PTR", false, NULL, "nxdomain special - 64.100.in-addr.arpa. 0"},
    {"internal", "1.1.128.100.in-addr.arpa", "PTR", false, NULL, "upstream view site - 6"},
    {"internal", "x.B.E.F.ip6.arpa", "PTR", false, NULL, "nxdomain special - b.e.f.ip6.arpa. 0"},
    {"internal", "x.c.e.f.ip6.arpa", "PTR", false, NULL, "upstream view site - 6"},
    {"internal", "printer.local", NULL, false, NULL, "nxdomain special - local. 0"},
    {"internal", "home.arpa", NULL, false, NULL, "nodata special - home.arpa. 0"},
    {"internal", "home.arpa", "DS", false, NULL, "upstream view site - 6"},
    {"internal", "x.onion", NULL, false, NULL, "nxdomain special - onion. 0"},
    {"internal", "test", NULL, false, NULL, "nxdomain special - test. 0"},
    {"internal", "a.b.invalid", NULL, false, NULL, "nxdomain special - invalid. 0"},
    {"internal", "localhost", NULL, false, NULL, "loopback special - localhost. 0"},
    {"internal", "a.localhost", "AAAA", false, NULL, "loopback special - localhost. 0"},
    {"internal", "localhost", "MX", false, NULL, "nodata special - localhost. 0"},
    {"guest", "localhost", NULL, false, NULL, "nxdomain special - localhost. 0"},
    {"guest", "1.2.3.10.in-addr.arpa", "PTR", false, NULL, "nxdomain special - 10.in-addr.arpa. 0"},
    {"plain", "printer.local", NULL, false, NULL, "upstream view site - 13"},
    {"partner", "printer.local", NULL, false, NULL, "refused nothing - - 0"},
    /* canaries */
    {"internal", "use-application-dns.net", NULL, false, NULL, "nxdomain canary - use-application-dns.net. 0"},
    {"internal", "mask-h2.icloud.com", "HTTPS", true, NULL, "nxdomain canary - mask-h2.icloud.com. 0"},
    {"internal", "mask.icloud.com", NULL, false, NULL, "upstream section site mask.icloud.com. 38 private"},
    {"internal", "_dns.resolver.arpa", "SVCB", false, NULL, "nodata canary - _dns.resolver.arpa. 0"},
    {"internal", "x._dns.resolver.arpa", NULL, false, NULL, "nxdomain canary - _dns.resolver.arpa. 0"},
    {"internal", "icloud.com", NULL, false, NULL, "upstream view site - 6"},
    {"guest", "mask.icloud.com", NULL, false, NULL, "upstream view public - 10"},
    {"plain", "mask.icloud.com", NULL, false, NULL, "upstream view site - 13"},
    /* internal-only names */
    {"internal", "LyncDiscoverInternal.foreign.example", NULL, false, NULL, "nxdomain internal-only - - 0"},
    {"internal", "a.lyncdiscoverinternal.foreign.example", NULL, false, NULL, "upstream view site - 6"},
    {"guest", "lyncdiscoverinternal.foreign.example", NULL, true, NULL, "nxdomain internal-only - - 0"},
    {"internal", "se.lync.example", NULL, false, NULL, "nxdomain internal-only - - 0"},
    {"internal", "sipinternal.lync.example", NULL, false, NULL, "nxdomain internal-only - - 0"},
    {"internal", "secrets.x.example", NULL, false, NULL, "nxdomain internal-only - - 0"},
    {"internal", "lyncdiscoverinternal.sfb.example", NULL, false, NULL,
     "upstream section site sfb.example. 41 private"},
    {"guest", "lyncdiscoverinternal.sfb.example", NULL, false, NULL, "nxdomain internal-only - - 0"},
    {"partner", "lyncdiscoverinternal.foreign.example", NULL, false, NULL, "refused nothing - - 0"},
};

static const char *const kind_words[] = {"refused", "nxdomain", "nodata", "loopback", "upstream"};
static const char *const reason_words[] = {"nothing", "view", "section", "special", "canary", "internal-only", "rd"};

static void route_text(const struct forward_route *route, char text[TEXT_MAX])
{
    char domain[NAME_TEXT_MAX] = "-";

    if (route->domain != NULL)
        name_to_text(route->domain, domain);
    assert_true((route->kind == FORWARD_UPSTREAM) == (route->group != NULL));
    snprintf(text, TEXT_MAX, "%s %s %s %.100s %u%s", kind_words[route->kind], reason_words[route->reason],
             route->group != NULL ? route->group->name : "-", domain, (unsigned)route->line,
             route->private_allowed ? " private" : "");
}

static void routes_are_found(void **state)
{
    struct policy *policy = read_policy(routes_text);
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof route_rows / sizeof route_rows[0]; i++) {
        const struct route_row *row = &route_rows[i];
        const char *type = row->type != NULL ? row->type : "A";
        struct forward_route route;
        uint8_t name[NAME_SIZE_MAX];
        uint8_t apex[NAME_SIZE_MAX];
        char text[TEXT_MAX];
        char told[FORWARD_TEXT_MAX];
        uint32_t view = policy_find_view(policy, row->view);
        read_name(row->name, name);
        if (row->apex != NULL)
            read_name(row->apex, apex);
        struct name_split split;
        name_split(name, &split);
        forward_find(policy->forward, view, &split, rrtype_from_text(type, strlen(type)), !row->has_no_recursion,
                     row->apex != NULL ? apex : NULL, &route);
        route_text(&route, text);
        forward_text(policy, view, &route, told);
        assert_true(strlen(told) > 10);
        if (strcmp(text, row->route) != 0) {
            wrong++;
            print_message("# %s %s %s: %s\n#   wanted %s\n", row->view, row->name, type, text, row->route);
        }
    }
    assert_int_equal(wrong, 0);
    policy_free(policy);
}

static void groups_are_read(void **state)
{
    struct policy *policy = read_policy(routes_text);
    const struct forward_rules *rules = policy->forward;

    (void)state;
    assert_int_equal(forward_group_count(rules), 2);
    const struct upstream_group *site = forward_group(rules, 0);
    const struct upstream_group *public = forward_group(rules, 1);
    assert_string_equal(site->name, "site");
    assert_int_equal(site->line, 18);
    assert_int_equal(site->server_count, 2);
    assert_int_equal(site->servers[0].port, 53);
    assert_int_equal(site->servers[1].port, 5353);
    assert_int_equal(site->servers[1].address.family, 6);
    assert_int_equal(site->timeout_ms, 1000);
    assert_int_equal(site->deadline_ms, 5000);
    assert_true(!site->tcp_always && site->case_mix && !site->trust_ad);
    assert_int_equal(site->private_answers.count, 1);
    assert_int_equal(site->stale, 3600);
    assert_int_equal(public->servers[0].port, 54);
    assert_int_equal(public->timeout_ms, 2000);
    assert_int_equal(public->deadline_ms, 9000);
    assert_true(public->tcp_always && !public->case_mix && public->trust_ad);
    assert_int_equal(public->stale, 0);
    const bool has_recursion[] = {false, true, true, true, true};
    for (uint32_t view = 0; view < policy->view_count; view++) {
        assert_int_equal(forward_has_recursion(rules, view), has_recursion[view]);
        assert_int_equal(forward_identity(rules, view) != 0, has_recursion[view]);
    }
    policy_free(policy);
}

/* ---- identities ---- */

#define PAIR "[view a]\nclients = 10.1.0.0/16\n%s[view b]\nclients = 10.2.0.0/16\n%s%s"
#define UPSTREAM \
    "[upstream u]\nservers = 192.0.2.1\n[upstream v]\nservers = 192.0.2.2\n[upstream w]\nservers = 192.0.2.1\n"

struct identity_row {
    const char *a;
    const char *b;
    const char *rest;
    bool is_same;
};

static const struct identity_row identity_rows[] = {
    {"forward = u\n", "forward = u\n", "", true},
    {"forward = u\n", "forward = v\n", "", false},
    {"forward = u\n", "forward = w\n", "", true},
    {"forward = u\n", "forward = u\n", "[forward x.example]\nto = v\n", true},
    {"forward = u\n", "forward = u\n", "[forward x.example]\nto = v\nviews = a\n", false},
    {"forward = u\n", "forward = u\n", "[forward x.example]\nto = nowhere\nviews = b\n", false},
    {"forward = u\n", "", "[forward x.example]\nto = u\nviews = a, b\n", false},
    {"forward = u\nspecial-names = no\n", "forward = u\n", "", false},
    {"forward = u\n", "forward = u\n", "[ttl t]\nnames = *\nmax = 5\n", true},
};

static void identities_tell_policies_apart(void **state)
{
    uint64_t first = 0;

    (void)state;
    for (size_t i = 0; i < sizeof identity_rows / sizeof identity_rows[0]; i++) {
        const struct identity_row *row = &identity_rows[i];
        char text[1000];
        char rest[500];
        snprintf(rest, sizeof rest, "%s%s", row->rest, UPSTREAM);
        snprintf(text, sizeof text, PAIR, row->a, row->b, rest);
        struct policy *policy;
        struct diag diag;
        diag_init(&diag);
        assert_int_equal(policy_read("policy.conf", text, strlen(text), &diag, &policy), STATUS_OK);
        uint64_t a = forward_identity(policy->forward, 0);
        uint64_t b = forward_identity(policy->forward, 1);
        assert_int_equal(a == b, row->is_same);
        if (i == 0)
            first = a;
        else if (row->rest[0] == '[')
            assert_true(a != first || b != first); /* over generations too */
        diag_clear(&diag);
        policy_free(policy);
    }
}

/* ---- TTLs ---- */

static void foreign_ttls_follow_rules_without_views(void **state)
{
    struct policy *policy = read_policy(
        "[view a]\nclients = any\n[ttl low]\nnames = *.low.example\nmin = 60\nmax = 600\n"
        "[ttl fix]\nnames = fix.example\nfixed = 30\n[ttl typed]\nnames = fix.example\ntypes = TXT\nmax = 7\n"
        "[ttl viewed]\nnames = *.view.example\nviews = a\nmax = 1\n");
    static const struct {
        const char *owner;
        uint16_t type;
        uint32_t ttl;
        uint32_t wanted;
    } rows[] = {
        {"a.low.example", RRTYPE_A, 5, 60},       {"a.low.example", RRTYPE_A, 100, 100},
        {"a.low.example", RRTYPE_A, 5000, 600},   {"fix.example", RRTYPE_A, 3600, 30},
        {"fix.example", RRTYPE_A, 10, 10},        {"fix.example", RRTYPE_TXT, 3600, 7},
        {"a.view.example", RRTYPE_A, 3600, 3600}, {"other.example", RRTYPE_A, 3600, 3600},
        {"a.low.example", RRTYPE_SOA, 5, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        read_name(rows[i].owner, name);
        assert_int_equal(forward_ttl(policy, name, rows[i].type, rows[i].ttl), rows[i].wanted);
    }
    policy_free(policy);
}

/* ---- special names ---- */

static void special_data_are_well_formed(void **state)
{
    static const struct {
        bool is_lasting;
        const char *text;
    } soas[] = {{false, "localhost. nobody.invalid. 0 3600 1200 604800 60"},
                {true, "localhost. nobody.invalid. 0 3600 1200 604800 10800"}};
    size_t count = special_count();
    char text[200];
    struct rdata rdata;

    (void)state;
    assert_int_equal(count, 23 + 16 + 4 + 64);
    for (size_t i = 0; i < count; i++) {
        uint8_t name[NAME_SIZE_MAX];
        uint8_t lower[NAME_SIZE_MAX];
        assert_int_not_equal(special_name(i, name), SPECIAL_NONE);
        assert_memory_equal(name, lower, name_to_lower(name, lower));
    }
    for (size_t i = 0; i < 2; i++) {
        const struct rrset *soa = special_soa(soas[i].is_lasting);
        uint32_t position = 0;
        assert_true(rrset_next_rdata(soa, &position, &rdata));
        assert_int_equal(position, soa->size);
        assert_int_equal(soa->ttl, read_u32(rdata.bytes + rdata.size - 4));
        assert_int_equal(zonefile_rdata_to_text(RRTYPE_SOA, &rdata, text, sizeof text), STATUS_OK);
        assert_string_equal(text, soas[i].text);
    }
    uint32_t position = 0;
    assert_true(rrset_next_rdata(special_loopback(RRTYPE_AAAA), &position, &rdata));
    assert_int_equal(zonefile_rdata_to_text(RRTYPE_AAAA, &rdata, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "::1");
    position = 0;
    assert_true(rrset_next_rdata(special_loopback(RRTYPE_A), &position, &rdata));
    assert_int_equal(zonefile_rdata_to_text(RRTYPE_A, &rdata, text, sizeof text), STATUS_OK);
    assert_string_equal(text, "127.0.0.1");
    assert_null(special_loopback(RRTYPE_MX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_found),
        cmocka_unit_test(groups_are_read),
        cmocka_unit_test(identities_tell_policies_apart),
        cmocka_unit_test(foreign_ttls_follow_rules_without_views),
        cmocka_unit_test(special_data_are_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

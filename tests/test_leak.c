/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/leak.h"
#include "policy/policy.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char policy_text[] =
    "[view internet]\nclients = any\nallow-private = printer*.x, \\*.lan.x\n"
    "[view internal]\nclients = 10.0.0.0/8\n"
    "[view guest]\nclients = 10.9.0.0/16\nside = external\n"
    "[autodiscover a]\npublish = no\nsip-domains = x, y\ndialin = dialin.x\ninternal-views = internal\ninternal-only = "
    "sql*.x\n"
    "internal-web = se.corp.x 10.0.0.1\nexternal-web = web.x\n[proxy rp]\npublic = 192.0.2.1\n";

enum { INTERNET, INTERNAL, GUEST };

struct fixture {
    struct policy *policy;
    struct leak *leak;
};

static void make_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct diag diag;
    uint8_t fact[NAME_SIZE_MAX];
    const uint8_t *const facts[] = {fact};
    diag_init(&diag);
    make_name("Pool.Corp.x", fact);
    enum status status = policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &fixture->policy);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(leak_new(fixture->policy, facts, 1, &fixture->leak), STATUS_OK);
    diag_clear(&diag);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    leak_free(fixture->leak);
    policy_free(fixture->policy);
    free(fixture);
    return 0;
}

#define HEAD "$TTL 60\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\n"

/* A line behind four harmless ones, and what it gives in the view internet; NULL: nothing. */
static const struct {
    const char *line;
    const char *message;
} rows[] = {
    {"a A 192.0.2.80\n", NULL},
    {"a A 198.51.100.1\nb A 203.0.113.1\nc AAAA 2001:db8::1\n", NULL},
    {"a A 172.15.0.1\nb A 172.32.0.1\nc A 100.63.0.1\nd A 100.128.0.1\ne A 192.169.0.1\nf A 11.0.0.1\n", NULL},
    {"a A 10.0.0.1\n", "a.x.: found the private address 10.0.0.1 in the external [view internet], wanted a public one, "
                       "or allow-private for this name"},
    {"a A 172.16.0.1\n", "a.x.: found the private address 172.16.0.1"},
    {"a A 172.31.255.255\n", "a.x.: found the private address 172.31.255.255"},
    {"a A 192.168.0.1\n", "a.x.: found the private address 192.168.0.1"},
    {"a A 100.64.0.1\n", "a.x.: found the private address 100.64.0.1"},
    {"a A 169.254.0.1\n", "a.x.: found the private address 169.254.0.1"},
    {"a A 127.0.0.1\n", "a.x.: found the private address 127.0.0.1"},
    {"a AAAA fd00::1\n", "a.x.: found the private address fd00::1"},
    {"a AAAA fe80::1\n", "a.x.: found the private address fe80::1"},
    {"a AAAA ::1\n", "a.x.: found the private address ::1"},
    {"a AAAA ::ffff:10.0.0.1\n", "a.x.: found the private address 10.0.0.1"},
    {"*.w A 10.0.0.1\n", "*.w.x.: found the private address 10.0.0.1"},
    {"sub NS ns.sub\nns.sub A 10.0.0.1\n", "ns.sub.x.: found the private address 10.0.0.1"},
    {"a HTTPS 1 . ipv4hint=192.0.2.1,10.0.0.1\n", "a.x.: found the private address 10.0.0.1"},
    {"a HTTPS 1 . alpn=h2 ipv6hint=2001:db8::1,fd00::1\n", "a.x.: found the private address fd00::1"},
    {"a SVCB 1 svc.x. ipv4hint=127.0.0.1\n", "a.x.: found the private address 127.0.0.1"},
    {"a HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1\n", NULL},
    {"a TXT 10.0.0.1\n", NULL},
    /* allow-private names the owner in the zone. */
    {"printer1 A 10.0.0.1\n", NULL},
    {"*.lan A 10.0.0.1\n", NULL},
    {"a.lan A 10.0.0.1\n", "a.lan.x.: found the private address 10.0.0.1"},
    {"printer1 HTTPS 1 . ipv4hint=10.0.0.1\n", NULL},
    /* Names. */
    {"lyncdiscoverinternal A 192.0.2.1\n",
     "lyncdiscoverinternal.x.: found the internal-only name "
     "lyncdiscoverinternal.x. as owner in the external [view internet], wanted it "
     "inside alone"},
    {"LyncDiscoverInternal.deep A 192.0.2.1\n", "LyncDiscoverInternal.deep.x.: found the internal-only name"},
    {"lyncdiscoverinternal2 A 192.0.2.1\na.lyncdiscoverinternal A 192.0.2.1\n", NULL},
    {"_sipinternaltls._tcp SRV 0 0 5061 a\n", "_sipinternaltls._tcp.x.: found the internal-only name"},
    {"_sipinternal._tcp SRV 0 0 5061 a\n", "_sipinternal._tcp.x.: found the internal-only name"},
    {"_SIPINTERNALX TXT a\n", "_SIPINTERNALX.x.: found the internal-only name"},
    {"sipinternal A 192.0.2.1\n", "sipinternal.x.: found the internal-only name sipinternal.x. as owner"},
    {"sipinternal.deep A 192.0.2.1\nsipexternal A 192.0.2.1\n", NULL},
    {"sql01.corp A 192.0.2.1\n", "sql01.corp.x.: found the internal-only name"},
    {"pool.corp A 192.0.2.1\n", "pool.corp.x.: found the internal-only name"},
    {"printer1 CNAME pool.corp\n", "printer1.x.: found the internal-only name pool.corp.x. as target"},
    {"a CNAME lyncdiscoverinternal\n", "a.x.: found the internal-only name lyncdiscoverinternal.x. as target"},
    {"a DNAME sipinternal.y.\n", "a.x.: found the internal-only name sipinternal.y. as target"},
    {"a CNAME sipinternal.z.\n", NULL},
    {"a MX 1 sql.x.\n", "a.x.: found the internal-only name sql.x. as target"},
    {"a SRV 0 0 1 POOL.corp\n", "a.x.: found the internal-only name POOL.corp.x. as target"},
    {"sub NS sql.x.\n", "sub.x.: found the internal-only name sql.x. as target"},
    {"a HTTPS 1 sql.x.\n", "a.x.: found the internal-only name sql.x. as target"},
    {"a SVCB 0 sql.x.\n", "a.x.: found the internal-only name sql.x. as target"},
    {"a PTR sql.x.\n", NULL},
    /* Wildcards that stand for such a name; not where the name, or something nearer, is there. */
    {"*.corp A 192.0.2.1\n", "*.corp.x.: found a wildcard that answers for the internal-only name pool.corp.x. in the "
                             "external [view internet], wanted `hide = pool.corp.x.` there, or names instead of the "
                             "wildcard"},
    {"*.corp A 192.0.2.1\na.pool.corp A 192.0.2.2\n", NULL},
    {"*.elsewhere A 192.0.2.1\n", NULL},
};

static struct zone *read_zone(const char *head, const char *line)
{
    uint8_t apex[NAME_SIZE_MAX];
    char text[1024];
    struct diag diag;
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    diag_init(&diag);
    make_name("x", apex);
    snprintf(text, sizeof text, "%s%s", head, line);
    struct zone *zone = zone_new(apex);
    enum status status = zonefile_read_text(NULL, "x.zone", text, strlen(text), &options, zone, &diag);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    diag_clear(&diag);
    return zone;
}

static void check(const struct fixture *fixture, uint32_t view, const struct zone *zone, const char *message,
                  uint32_t line)
{
    struct diag diag;
    diag_init(&diag);
    enum status status = leak_check(fixture->leak, view, zone, &diag);
    assert_int_equal(status, message == NULL ? STATUS_OK : STATUS_BAD_INPUT);
    assert_int_equal(diag.errors, message == NULL ? 0 : 1);
    if (message != NULL && strncmp(diag.messages[0].text, message, strlen(message)) != 0)
        fail_msg("%s\nwanted %s", diag.messages[0].text, message);
    if (message != NULL && line > 0)
        assert_int_equal(diag.messages[0].line, line);
    diag_clear(&diag);
}

static void zones_of_external_views_are_judged(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone *zone = read_zone(HEAD, rows[i].line);
        bool second = strchr(rows[i].line, '\n')[1] != '\0';
        check(*state, INTERNET, zone, rows[i].message, second ? 0 : 5);
        check(*state, INTERNAL, zone, NULL, 0);
        zone_free(zone);
    }
}

/* allow-private belongs to its view alone. */
static void allowing_is_not_inherited(void **state)
{
    struct zone *zone = read_zone(HEAD, "printer1 A 10.0.0.1\n");
    check(*state, INTERNET, zone, NULL, 0);
    check(*state, GUEST, zone, "printer1.x.: found the private address 10.0.0.1 in the external [view guest]", 5);
    zone_free(zone);
}

static void both_names_of_a_soa_count(void **state)
{
    struct zone *zone = read_zone("$TTL 60\n@ SOA sql.x. h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\n", "");
    check(*state, INTERNET, zone, "x.: found the internal-only name sql.x. as target", 2);
    zone_free(zone);
    zone = read_zone("$TTL 60\n@ SOA ns sqladmin.x. 1 2 3 4 60\n NS ns\nns A 192.0.2.1\n", "");
    check(*state, INTERNET, zone, "x.: found the internal-only name sqladmin.x. as target", 2);
    zone_free(zone);
}

static void a_label_longer_than_it_seems(void **state)
{
    const struct fixture *fixture = *state;
    static const uint8_t wire[] = "\x17lyncdiscoverinternal\0xy\1x";
    assert_false(leak_is_internal_only(fixture->leak, wire));
}

/* ---- answers ---- */

static void add(struct answer *answer, enum section section, const uint8_t *owner, uint16_t type, const uint8_t *data,
                uint32_t size)
{
    struct rrset rrset = {.type = type, .count = 1, .ttl = 60, .data = data, .size = size};
    answer_add(answer, section, owner, &rrset, NULL);
}

static void answers_are_looked_at_last(void **state)
{
    const struct fixture *fixture = *state;
    static const uint8_t public[] = {0, 4, 192, 0, 2, 1};
    static const uint8_t private[] = {0, 4, 10, 0, 0, 1};
    static const uint8_t ula[] = {0, 16, 0xfd, [17] = 1};
    static const uint8_t owner[] = "\1a\1x";
    static const uint8_t printer[] = "\x8printer1\1x";
    static const uint8_t in_lan[] = "\1b\3lan\1x";
    const struct leak_allowed *allowed = &fixture->policy->views[INTERNET].allow_private;
    struct answer *answer = calloc(1, sizeof *answer);
    answer_reset(answer);
    add(answer, SECTION_ANSWER, owner, RRTYPE_A, public, sizeof public);
    add(answer, SECTION_ADDITIONAL, owner, RRTYPE_A, private, sizeof private);
    add(answer, SECTION_ADDITIONAL, owner, RRTYPE_AAAA, ula, sizeof ula);
    add(answer, SECTION_ADDITIONAL, owner, RRTYPE_A, public, sizeof public);
    leak_withhold(allowed, answer);
    assert_int_equal(answer->withheld, 2);
    assert_int_equal(answer->count, 2);
    assert_int_equal(answer->rcode, RCODE_NOERROR);
    assert_ptr_equal(answer->rrsets[1].rrset.data, public);
    /* In the answer itself: nothing is said at all. */
    answer_reset(answer);
    answer->authoritative = true;
    add(answer, SECTION_ANSWER, owner, RRTYPE_A, public, sizeof public);
    add(answer, SECTION_ANSWER, owner, RRTYPE_AAAA, ula, sizeof ula);
    leak_withhold(allowed, answer);
    assert_int_equal(answer->withheld, 1);
    assert_int_equal(answer->count, 0);
    assert_int_equal(answer->rcode, RCODE_SERVFAIL);
    assert_int_equal(answer->outcome, OUTCOME_FAILURE);
    assert_false(answer->authoritative);
    /* What is allowed goes out, also from a wildcard. */
    answer_reset(answer);
    add(answer, SECTION_ANSWER, printer, RRTYPE_A, private, sizeof private);
    add(answer, SECTION_ANSWER, in_lan, RRTYPE_A, private, sizeof private);
    leak_withhold(allowed, answer);
    assert_int_equal(answer->withheld, 0);
    assert_int_equal(answer->count, 2);
    leak_withhold(&fixture->policy->views[GUEST].allow_private, answer);
    assert_int_equal(answer->withheld, 2);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_of_external_views_are_judged), cmocka_unit_test(allowing_is_not_inherited),
        cmocka_unit_test(both_names_of_a_soa_count),          cmocka_unit_test(a_label_longer_than_it_seems),
        cmocka_unit_test(answers_are_looked_at_last),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* View tests: what is taken, what is refused with which words, and which answers hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/casefile.h"
#include "tests/support.h"
#include "tests/tree.h"
#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

static const char policy_text[] = "[view internet]\n"
                                  "clients = any\n"
                                  "[view guest]\n"
                                  "clients = 10.20.0.0/16\n"
                                  "base = internet\n"
                                  "side = external\n"
                                  "[view internal]\n"
                                  "clients = 10.10.0.0/16, 10.9.0.0/24, 2001:db8:b:1000::/52\n"
                                  "base = internet\n"
                                  "forward = site\n"
                                  "[upstream site]\nservers = 192.0.2.53\n"
                                  "[upstream corp]\nservers = 192.0.2.54\n"
                                  "[forward corp.example]\nto = corp\n"
                                  "[network office]\n"
                                  "kind = wired\n"
                                  "from = 10.20.0.9\n";

static const char closed_text[] = "[view internal]\nclients = 10.10.0.0/16\n";

static const char inside[] = "$TTL 60\n@ SOA ns h 1 2 3 4 30\n NS ns\nns A 192.0.2.1\n"
                             "name A 10.10.1.20\n A 10.10.1.21\n TXT \"a, b\" c\n"
                             "alias CNAME other\nother CNAME name\ngone CNAME nowhere\nout CNAME www.other.example.\n"
                             "mail MX 10 Mail.X.\n_sip SRV 0 0 5061 sip\nweb HTTPS 1 . alpn=h2,h3 ipv4hint=10.0.0.1\n"
                             "tree DNAME y\nsub NS ns.sub\nns.sub A 10.10.1.9\n*.wild A 10.10.1.99\n";
static const char outside[] = "$TTL 60\n@ SOA ns2 h 9 2 3 4 30\n NS ns\nns A 192.0.2.1\nname A 192.0.2.20\n"
                              "mail MX 10 mail\nshort 10 A 192.0.2.30\nsub NS ns.sub\nns.sub A 192.0.2.9\n";

enum { INTERNET, GUEST, INTERNAL, VIEWS };

struct fixture {
    struct support_world worlds[VIEWS];
    struct catalog catalogs[VIEWS];
    struct generation generation;
};

static void read_policy(const char *text, struct policy **policy)
{
    struct diag diag;

    diag_init(&diag);
    if (policy_read("policy.conf", text, strlen(text), &diag, policy) != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(diag.errors, 0);
    diag_clear(&diag);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    for (unsigned i = 0; i < VIEWS; i++) {
        support_world_init(&fixture->worlds[i]);
        if (i == INTERNAL)
            support_add_zone(&fixture->worlds[i], "x", inside, sizeof inside - 1);
        else
            support_add_zone(&fixture->worlds[i], "x", outside, sizeof outside - 1);
        support_finish(&fixture->worlds[i]);
        fixture->catalogs[i] = fixture->worlds[i].catalog;
    }
    read_policy(policy_text, &fixture->generation.policy);
    fixture->generation.catalogs = fixture->catalogs;
    fixture->generation.catalog_count = VIEWS;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned i = 0; i < VIEWS; i++)
        support_world_clear(&fixture->worlds[i]);
    policy_free(fixture->generation.policy);
    free(fixture);
    return 0;
}

/* ---- what is refused ---- */

struct error_row {
    const char *text;
    const char *message; /* NULL: it is taken */
    uint64_t tests;
};

static const struct error_row error_rows[] = {
    {"", NULL, 0},
    {"; only a comment\n\n  # and another\r\n", NULL, 0},
    {"internal name.x A NODATA ; why\n", NULL, 1},
    {"  internal\tname.x.  A   =  10.10.1.20  # why", NULL, 1},
    {"*,10.10.3.4,@lte name.x A,AAAA direct\n", NULL, 10},
    {"internal {name,mail,}.x A direct\n", "found .x, wanted a domain name", 0},
    {"internal {name,mail}.x A direct\n", NULL, 2},
    {"internal {name,mail}.x A = {}.x.\n", "found the record name.x., wanted data of type A", 0},
    {"internal {name,mail}.x CNAME = {}.x.\n", NULL, 2},
    {"internal name.x TXT = \"a ; b\" \"c, d\"\n", NULL, 1},
    {"internal name.x A ttl=5..10 ttl<=8 ttl>=6\n", NULL, 1},
    {"internal name.x A NXDOMAIN = a.x. ->\n", NULL, 1},
    {"internal name.x A NXDOMAIN = a.x. -> b.x.\n", NULL, 1},
    {"internal name.x A !10.0.0.0/8 !192.0.2.1 !2001:db8::/32 !a.x. !TXT !NXDOMAIN !private\n", NULL, 1},
    {"internal name.x A at:2026-11-20T22:00:00+01:00 direct\n", NULL, 1},
    {"internal\n", "wanted FROM NAME TYPE", 0},
    {"internal name.x\n", "wanted FROM NAME TYPE", 0},
    {"internal name.x A\n", "found nothing to judge", 0},
    {"intern name.x A direct\n", "found intern, wanted an address, @NETWORK, or a view: internet, guest, internal", 0},
    {"internal, name.x A direct\n", "found nothing beside a comma", 0},
    {"@mars name.x A direct\n", "found @mars, wanted a network: @lte", 0},
    {"@mars name.x A direct\n", "@captive, @office", 0},
    {"@ name.x A direct\n", "found @, wanted a network", 0},
    {"10.10.0 name.x A direct\n", "found 10.10.0, wanted an address", 0},
    {"internal name..x A direct\n", "found name..x, wanted a domain name", 0},
    {"internal @ A direct\n", "found @, wanted a domain name", 0},
    {"internal {a,b}.{c}.x A direct\n", "wanted a name with one {a,b,c} at most", 0},
    {"internal {a,{b}}.x A direct\n", "wanted a name with one {a,b,c} at most", 0},
    {"internal {a.x A direct\n", "wanted a name with one {a,b,c} at most", 0},
    {"internal a}.x A direct\n", "wanted a name with one {a,b,c} at most", 0},
    {"internal a.x CNAME = {}.x.\n", "found {}, wanted {a,b,c} in the name", 0},
    {"internal name.x QUX direct\n", "found QUX, wanted an RR type", 0},
    {"internal name.x A, direct\n", "found nothing beside a comma", 0},
    {"internal name.x AXFR direct\n", "found AXFR, wanted an RR type", 0},
    {"internal name.x A quick\n", "found quick, wanted one of NOERROR", 0},
    {"internal name.x A nxdomain\n", "found nxdomain, wanted one of NOERROR", 0},
    {"internal name.x A NODATA NXDOMAIN\n", "found NXDOMAIN beside NODATA", 0},
    {"internal name.x A =10.10.1.20\n", "wanted a blank behind =", 0},
    {"internal name.x A =\n", "found no records behind =", 0},
    {"internal name.x A = a.x. ->\n", "found no records behind ->", 0},
    {"internal name.x A NODATA = 10.10.1.20\n", "found records beside NODATA", 0},
    {"internal name.x A = 10.10.1.20,10.10.1.21\n", "records are parted by a comma and a blank", 0},
    {"internal name.x A = 10.10.1.20, \n", "found a comma with no record beside it", 0},
    {"internal name.x ANY = 10.10.1.20\n", "found records for type ANY", 0},
    {"internal name.x A = 10.10.1.300\n", "found the record 10.10.1.300, wanted data of type A", 0},
    {"internal name.x A = a..x. -> 10.10.1.1\n", "wanted a name before ->", 0},
    {"internal name.x A ttl=\n", "wanted ttl=N", 0},
    {"internal name.x A ttl=9..8\n", "wanted ttl=N", 0},
    {"internal name.x A ttl<5\n", "wanted ttl=N", 0},
    {"internal name.x A ttl=3000000000\n", "wanted ttl=N", 0},
    {"internal name.x A ttl=5 ttl=6\n", "wanted a TTL that the other ttl words leave possible", 0},
    {"internal name.x A view:intern\n", "found view:intern, wanted a view", 0},
    {"internal name.x A view:internal view:guest\n", "wanted view: once", 0},
    {"internal name.x A same-as:@mars\n", "found same-as:@mars, wanted a network", 0},
    {"internal name.x A same-as:*\n", "found same-as:*, wanted an address", 0},
    {"internal name.x A at:tomorrow\n", "found at:tomorrow, wanted at: and an instant", 0},
    {"internal name.x A FORWARD:none\n", "found FORWARD:none, wanted FORWARD:UPSTREAM with an [upstream]", 0},
    {"internal name.x A !10.1.0.0/8\n", "found !10.1.0.0/8, wanted !10.0.0.0/8: host bits are set", 0},
    {"internal name.x A !\n", "wanted ! before a network", 0},
    {"internal name.x A !name\n", "wanted ! before a network", 0},
    {"include\n", "found include alone", 0},
    {"include a.views\n", "found include a.views, wanted a file of tests/ in a tree of zones", 0},
};

static void bad_lines_are_named(void **state)
{
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof error_rows / sizeof error_rows[0]; i++) {
        const struct error_row *row = &error_rows[i];
        struct casefile *casefile = casefile_new(fixture->generation.policy);
        struct diag diag;
        diag_init(&diag);
        print_message("# %s\n", row->text);
        enum status status = casefile_read_text(casefile, NULL, "a.views", row->text, strlen(row->text), &diag);
        assert_int_equal(status, row->message == NULL ? STATUS_OK : STATUS_BAD_INPUT);
        char *messages = tree_messages(&diag);
        if (row->message == NULL) {
            assert_string_equal(messages, "");
            assert_int_equal(casefile_count(casefile), row->tests);
        } else if (strstr(messages, row->message) == NULL || strstr(messages, "a.views:1") == NULL) {
            fail_msg("found %s, wanted %s", messages, row->message);
        }
        free(messages);
        diag_clear(&diag);
        casefile_free(casefile);
    }
}

static void sizes_are_bounded(void **state)
{
    const struct fixture *fixture = *state;
    char text[2 * CASEFILE_LINE_MAX];
    struct casefile *casefile = casefile_new(fixture->generation.policy);
    struct diag diag;

    diag_init(&diag);
    memset(text, ' ', sizeof text);
    memcpy(text, "internal name.x A direct", strlen("internal name.x A direct"));
    assert_int_equal(casefile_read_text(casefile, NULL, "a", text, CASEFILE_LINE_MAX, &diag), STATUS_OK);
    assert_int_equal(casefile_read_text(casefile, NULL, "a", text, CASEFILE_LINE_MAX + 1, &diag), STATUS_BAD_INPUT);
    assert_int_equal(casefile_read_text(casefile, NULL, "a", "internal na\0me.x A direct", 25, &diag),
                     STATUS_BAD_INPUT);
    assert_int_equal(diag.errors, 2);
    /* 99 who ask, 99 names, 9 types */
    size_t used = 0;
    for (unsigned i = 0; i < 99; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "*%s", i < 98 ? "," : " {");
    for (unsigned i = 0; i < 99; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "a%s", i < 98 ? "," : "}.x A direct");
    assert_int_equal(casefile_read_text(casefile, NULL, "a", text, used, &diag), STATUS_BAD_INPUT);
    assert_non_null(strstr(diag.messages[2].text, "29403 tests, wanted at most 10000"));
    diag_clear(&diag);
    casefile_free(casefile);
}

static void strangers_are_only_refused(void **state)
{
    struct policy *policy;
    struct casefile *casefile;
    struct diag diag;
    static const char good[] = "192.0.2.9 name.x A REFUSED\n@lte name.x A REFUSED\n";
    static const char bad[] = "192.0.2.9 name.x A NXDOMAIN\n10.10.0.1 name.x A same-as:192.0.2.9\n";

    (void)state;
    read_policy(closed_text, &policy);
    casefile = casefile_new(policy);
    diag_init(&diag);
    assert_int_equal(casefile_read_text(casefile, NULL, "a", good, sizeof good - 1, &diag), STATUS_OK);
    assert_int_equal(casefile_read_text(casefile, NULL, "a", bad, sizeof bad - 1, &diag), STATUS_BAD_INPUT);
    assert_int_equal(diag.errors, 2);
    assert_non_null(strstr(diag.messages[0].text, "found 192.0.2.9, which no view takes"));
    diag_clear(&diag);
    casefile_free(casefile);
    policy_free(policy);
}

/* ---- what holds ---- */

struct judge_row {
    const char *text;
    const char *why; /* of the failing test; "" all hold */
};

static const struct judge_row judge_rows[] = {
    {"internal name.x A = 10.10.1.21, 10.10.1.20", ""},
    {"internal name.x A = 10.10.1.21, 10.10.1.20, 10.10.1.20", ""},
    {"internal name.x A = 10.10.1.20", "10.10.1.21 is not wanted"},
    {"internal name.x A = 10.10.1.20, 10.10.1.21, 10.10.1.22", "1 of the 3 records wanted are missing"},
    {"internal name.x A = *", ""},
    {"internal name.x AAAA = *", "wanted records"},
    {"internal none.x A = 10.10.1.20", "wanted NOERROR"},
    {"internal name.x TXT = \"a, b\" \"c\"", ""},
    {"internal mail.x MX = 10 mail.x.", ""},
    {"internet mail.x MX = 10 MAIL.x.", ""},
    {"internal web.x HTTPS = 1 . alpn=\"h2,h3\" ipv4hint=10.0.0.1", ""},
    {"internal {_sip}.x SRV = 0 0 5061 sip.x.", ""},
    {"internal alias.x A = other.x. -> name.x. -> 10.10.1.20, 10.10.1.21", ""},
    {"internal alias.x A = name.x. -> *", ""},
    {"internal alias.x A = name.x. -> other.x. -> *", "wanted a CNAME to other.x. on the way"},
    {"internal alias.x A = mail.x. -> *", "wanted a CNAME to mail.x. on the way"},
    {"internal alias.x A = 10.10.1.20, 10.10.1.21", ""},
    {"internal alias.x A direct", "wanted no CNAME on the way"},
    {"internal alias.x CNAME direct = other.x.", ""},
    {"internal a.tree.x A direct", "wanted no DNAME on the way"},
    {"internal gone.x A NXDOMAIN = nowhere.x. ->", ""},
    {"internal gone.x A NXDOMAIN = other.x. -> nowhere.x.", "wanted a CNAME to other.x."},
    {"internet out.x A REFUSED", "wanted REFUSED"},
    {"internal out.x A NOERROR", "wanted NOERROR"},
    {"internal out.x A FORWARD", ""},
    {"internal out.x A FORWARD = www.other.example. ->", ""},
    {"internal out.x A FORWARD ttl=60 !private", ""},
    {"internal name.x,x A direct", NULL},
    {"internal name.x AAAA NODATA", ""},
    {"internal name.x AAAA NXDOMAIN", "wanted NXDOMAIN"},
    {"internal none.x A NODATA", "wanted NODATA"},
    {"internal name.x A NODATA", "wanted NODATA"},
    {"internal name.x A NOERROR", ""},
    {"internet www.other.example A REFUSED", ""},
    {"internal www.other.example A REFUSED", "wanted REFUSED"},
    {"internal www.other.example A NODATA", "wanted NODATA"},
    {"internal www.other.example A FORWARD", ""},
    {"internal www.other.example A FORWARD:site", ""},
    {"internal www.other.example A FORWARD:corp", "wanted upstream corp, found site"},
    {"internal www.corp.example A FORWARD:corp", ""},
    {"internal www.other.example A !FORWARD", "!FORWARD appears"},
    {"internal www.other.example A !NOERROR !NXDOMAIN", ""},
    {"internal name.x A !FORWARD", ""},
    {"internal www.other.example A same-as:10.10.0.1", ""},
    {"internal www.other.example A same-as:internet", "internet gets REFUSED"},
    {"internet www.other.example A same-as:internal", "internal gets FORWARD:site"},
    {"internal q.sub.x A FORWARD:site", ""},
    {"internal printer.local A NXDOMAIN ttl=10800", ""},
    {"internal mask.icloud.com A NXDOMAIN ttl=60", ""},
    {"internal name.x A FORWARD:site", "wanted FORWARD"},
    {"internal name.x A FORWARD", "wanted FORWARD"},
    {"internal name.x A ttl=60", ""},
    {"internal name.x A ttl=61", "wanted TTL 61, A has 60"},
    {"internal name.x A ttl<=59", "wanted a TTL from 0 to 59, A has 60"},
    {"internal name.x A ttl>=60 ttl<=60", ""},
    {"internal none.x A ttl=30", ""},
    {"internal gone.x A ttl=30..60", ""},
    {"internal gone.x A ttl=60", "SOA has 30"},
    {"internet www.other.example A ttl=5", "wanted a TTL, but there is no record"},
    {"internal www.other.example A ttl=5", "wanted a TTL, but there is no record before an upstream is asked"},
    {"internal name.x A view:internal", ""},
    {"10.20.1.1,@guest,@office name.x A view:guest = 192.0.2.20", ""},
    {"@corp-wifi,@vpn,@dmz,@captive,2001:db8:b:1fff::1 name.x A view:internal", ""},
    {"@lte,@home,@private-dns,10.21.0.1 name.x A view:internet", ""},
    {"10.20.1.1 name.x A view:internal", "wanted view internal, found guest"},
    {"guest {name,mail,none}.x A,AAAA,MX same-as:internet", ""},
    {"guest name.x A same-as:internal", "internal gets 10.10.1.20, 10.10.1.21 (TTL 60)"},
    {"internal name.x AAAA same-as:internet", ""},
    {"internal short.x A same-as:internet", "internet gets 192.0.2.30 (TTL 10)"},
    {"internal name.x A !10.10.1.21", "!10.10.1.21 appears"},
    {"internal name.x A !10.10.0.0/16", "!10.10.0.0/16 appears"},
    {"internal name.x A !private", "!private appears"},
    {"internal web.x HTTPS !10.0.0.0/8", "!10.0.0.0/8 appears"},
    {"internal web.x HTTPS !private", "!private appears"},
    {"internet sub.x A !192.0.2.9", "!192.0.2.9 appears"},
    {"internet name.x A !private !10.0.0.0/8 !2001:db8::/32 !AAAA !NXDOMAIN !NODATA !other.x.", ""},
    {"internal alias.x A !other.x.", "!other.x. appears"},
    {"internal name.x A !NAME.x.", "!NAME.x. appears"},
    {"internal mail.x MX !mail.x.", "!mail.x. appears"},
    {"internal alias.x A !CNAME", "!CNAME appears"},
    {"internal none.x A !NXDOMAIN", "!NXDOMAIN appears"},
    {"internal name.x AAAA !NODATA", "!NODATA appears"},
    {"internal b.wild.x A = 10.10.1.99", ""},
    {"internal name.x A NXDOMAIN ttl=1", "wanted NXDOMAIN; wanted TTL 1, A has 60"},
};

struct seen {
    unsigned failed;
    char why[CASEFILE_TEXT_MAX];
};

static bool look(void *context, const struct casefile_result *result)
{
    struct seen *seen = context;

    assert_int_equal(result->passed, result->why[0] == '\0');
    assert_int_equal(result->line, 1);
    assert_string_equal(result->file, "a.views");
    if (!result->passed) {
        seen->failed++;
        snprintf(seen->why, sizeof seen->why, "%s", result->why);
    }
    return true;
}

static void answers_are_judged(void **state)
{
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof judge_rows / sizeof judge_rows[0]; i++) {
        const struct judge_row *row = &judge_rows[i];
        struct casefile *casefile = casefile_new(fixture->generation.policy);
        struct casefile_totals totals;
        struct seen seen = {0, ""};
        struct diag diag;
        diag_init(&diag);
        print_message("# %s\n", row->text);
        enum status status = casefile_read_text(casefile, NULL, "a.views", row->text, strlen(row->text), &diag);
        if (row->why != NULL) {
            if (status != STATUS_OK)
                diag_print(&diag, stderr);
            assert_int_equal(status, STATUS_OK);
            assert_int_equal(casefile_run(casefile, &fixture->generation, look, &seen, &totals), STATUS_OK);
            assert_int_equal(totals.passed + totals.failed, casefile_count(casefile));
            assert_int_equal(totals.failed, seen.failed);
            if (row->why[0] == '\0')
                assert_string_equal(seen.why, "");
            else if (strstr(seen.why, row->why) == NULL)
                fail_msg("found %s, wanted %s", seen.why, row->why);
        }
        diag_clear(&diag);
        casefile_free(casefile);
    }
}

static bool stop_at_once(void *context, const struct casefile_result *result)
{
    (void)result;
    (*(unsigned *)context)++;
    return false;
}

static void a_visitor_may_stop(void **state)
{
    const struct fixture *fixture = *state;
    struct casefile *casefile = casefile_new(fixture->generation.policy);
    struct casefile_totals totals;
    struct diag diag;
    unsigned calls = 0;
    static const char text[] = "* name.x A,AAAA direct\n* mail.x A direct\n";

    diag_init(&diag);
    assert_int_equal(casefile_read_text(casefile, NULL, "a", text, sizeof text - 1, &diag), STATUS_OK);
    assert_int_equal(casefile_run(casefile, &fixture->generation, stop_at_once, &calls, &totals), STATUS_OK);
    assert_int_equal(calls, 1);
    diag_clear(&diag);
    casefile_free(casefile);
}

/* ---- trees ---- */

#define POLICY "[view internet]\nclients = any\n"
#define ZONE   "$TTL 60\n@ SOA ns h 1 2 3 4 30\n NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n"

struct tree_row {
    const char *one; /* tests/a.views */
    const char *two; /* tests/common.inc; NULL: none */
    enum status status;
    const char *message; /* part of the first one; NULL: none */
};

static const struct tree_row tree_rows[] = {
    {"internet www.b.example A = 192.0.2.2\n", NULL, STATUS_OK, NULL},
    {"include common.inc\n", "internet www.b.example A = 192.0.2.2\n", STATUS_OK, NULL},
    {"include common.inc\n", "internet www.b.example A = 192.0.2.3\n", STATUS_BAD_INPUT,
     "test failed: internet www.b.example. A: 192.0.2.2 is not wanted; got 192.0.2.2 (TTL 60)"},
    {"include common.inc\n", "include a.views\n", STATUS_BAD_INPUT, "wanted a file that does not include itself"},
    {"include common.inc\n", NULL, STATUS_BAD_INPUT, "there is no tests/common.inc"},
    {"include ../policy.conf\n", NULL, STATUS_BAD_INPUT, ".."},
    {"include /etc/passwd\n", NULL, STATUS_BAD_INPUT, "wanted a file of tests/"},
    {"; nothing\n", NULL, STATUS_OK, "there is no view test"},
    {NULL, NULL, STATUS_OK, "there is no view test"},
};

/* What an import makes of the tests of its tree: those of the tests that fail keep the old generation. */
static void imports_run_the_tests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tree_rows / sizeof tree_rows[0]; i++) {
        const struct tree_row *row = &tree_rows[i];
        struct publish_options options = {.serial = {.has_floor = true, .floor = 1}};
        struct publish_result result;
        struct tree tree;
        struct diag diag;
        print_message("# tree %zu\n", i);
        diag_init(&diag);
        tree_init(&tree);
        tree_write(&tree, "policy.conf", POLICY);
        tree_write(&tree, "internet/b.example.zone", ZONE);
        if (row->one != NULL)
            tree_write(&tree, "tests/a.views", row->one);
        if (row->two != NULL)
            tree_write(&tree, "tests/common.inc", row->two);
        assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), row->status);
        assert_int_equal(result.generation, row->status == STATUS_OK ? 1 : 0);
        char *messages = tree_messages(&diag);
        if (row->message == NULL)
            assert_string_equal(messages, "");
        else if (strstr(messages, row->message) == NULL)
            fail_msg("found %s, wanted %s", messages, row->message);
        free(messages);
        diag_clear(&diag);
        tree_clear(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_are_named),        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(strangers_are_only_refused), cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(a_visitor_may_stop),         cmocka_unit_test(imports_run_the_tests),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

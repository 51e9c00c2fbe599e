/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/candidate.h"
#include "policy/decide.h"
#include "policy/publish.h"
#include "tests/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE(serial) "@ 3600 SOA ns hostmaster " serial " 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"
#define VIEWS        "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\nbase = internet\n"
#define LAB          "[view lab]\nclients = 10.9.0.0/16\nbase = internal\n"

/* Facts without records of their own. */
#define HARBOR                                                                                                        \
    "[autodiscover harbor]\nsip-domains = harbor.example\nad-domain = corp.harbor.example\n"                          \
    "internal-views = internal\nlyncdiscover-form = cname\nlyncdiscover-inside = yes\nadmin = admin.harbor.example\n" \
    "internal-web = se01.corp.harbor.example 10.10.1.20\nexternal-web = lyncweb.harbor.example\n"                     \
    "[proxy rp]\npublic = 192.0.2.20\ninternal = 10.10.9.20\n"                                                        \
    "[edge edge01]\nnode = edge01.corp.harbor.example 10.10.9.30\naccess = 192.0.2.21\n"                              \
    "webcon = webcon.harbor.example 192.0.2.22\nav = av.harbor.example 192.0.2.23\n"
#define HARBOR_ZONE \
    "$TTL 3600\n@ SOA ns.isp.example. hostmaster 1 7200 900 1209600 60\n@ NS ns.isp.example.\nwww A 192.0.2.80\n"

static const struct tree_case trees[] = {
    {"overlay",
     {{"policy.conf", VIEWS}, {"internet/a.example.zone", ZONE("1")}, {"internal/a.example.zone", "x A 10.0.0.1\n"}},
     STATUS_OK,
     2,
     7,
     {NULL}},
    {"overlay of an overlay",
     {{"policy.conf", VIEWS "[view lab]\nclients = 10.9.0.0/16\nbase = internal\n"},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/a.example.zone", "x A 10.0.0.1\n"},
      {"lab/a.example.zone", "y A 10.0.0.1\n"}},
     STATUS_OK,
     3,
     12,
     {NULL}},
    {"overlay without a base",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internal = overlay\n"}, {"internal/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:6", "found mode overlay in view internal, but its base has no such zone"}},
    {"data below a delegation of the base",
     {{"policy.conf", VIEWS},
      {"internet/a.example.zone", ZONE("1") "lab 60 NS ns.isp.example.\n"},
      {"internal/a.example.zone", "\nx.lab A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internal/a.example.zone:2: error: x.lab.a.example.: found a record below the delegation or DNAME",
      "lab.a.example. (internet/a.example.zone:4)"}},
    {"data in an inherited child zone",
     {{"policy.conf", VIEWS},
      {"internet/example.zone", ZONE("1")},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/example.zone", "x.a A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internal/example.zone:1: error: found A at x.a.example., but zone a.example. of view internal answers",
      "wanted it in internal/a.example.zone"}},
    {"an overlay keeps the base's child zones, a hide takes them",
     {{"policy.conf", VIEWS "hide = *.b.example\n"},
      {"internet/example.zone", ZONE("1")},
      {"internet/a.example.zone", ZONE("1")},
      {"internet/c.b.example.zone", ZONE("1")},
      {"internal/example.zone", "x A 10.0.0.1\n"}},
     STATUS_OK,
     5,
     16,
     {NULL}},
    {"pinpoint with and without a base",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internal = pinpoint\n[zone b.example]\nmode.internal = pinpoint\n"
                            "[zone c.example]\nmode.internal = pinpoint\n"},
      {"internet/a.example.zone", ZONE("1") "www 60 A 192.0.2.1\n"},
      {"internal/a.example.zone", "x A 10.0.0.1\n"},
      {"internal/b.example.zone", "@ A 10.0.0.1\n"}},
     STATUS_OK,
     4,
     10,
     {NULL}},
    {"hide in no zone",
     {{"policy.conf", VIEWS "hide = x.z.example\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:6: error: [view internal] hide: found x.z.example, which is in no zone of the view"}},
    {"hide of an apex",
     {{"policy.conf", VIEWS "hide = a.example\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:6: error: hide: found a.example., which is the apex of its zone"}},
    {"hide beside an own record",
     {{"policy.conf", VIEWS "hide = x.a.example\n"},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/a.example.zone", "x A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internal/a.example.zone:1: error: x.a.example.: found a record of a name that policy.conf:6 hides"}},
    {"a bad base does not hide the errors of the layer",
     {{"policy.conf", VIEWS},
      {"internet/a.example.zone", ZONE("1") "x 60 A 192.0.2.300\n"},
      {"internal/a.example.zone", "x A 10.0.0.300\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a.example.zone:4", "internal/a.example.zone:1"}},
    {"facts alone: the view's own zone without a file",
     {{"policy.conf", VIEWS HARBOR}, {"internet/harbor.example.zone", HARBOR_ZONE}},
     STATUS_OK,
     2,
     27,
     {NULL}},
    {"a record that contradicts the facts",
     {{"policy.conf", VIEWS HARBOR}, {"internet/harbor.example.zone", HARBOR_ZONE "sip A 192.0.2.99\n"}},
     STATUS_OK,
     2,
     27,
     {"internet/harbor.example.zone:5: warning: sip.harbor.example.: found A 192.0.2.99, but the facts say A "
      "192.0.2.21 (policy.conf:"}},
    {"a leak of an address",
     {{"policy.conf", VIEWS}, {"internet/a.example.zone", ZONE("1") "x 60 A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a.example.zone:4: error: x.a.example.: found the private address 10.0.0.1 in the external [view "
      "internet]"}},
    {"a private address that may leave",
     {{"policy.conf", "[view internet]\nclients = any\nallow-private = x.a.example\n"},
      {"internet/a.example.zone", ZONE("1") "x 60 A 10.0.0.1\n"}},
     STATUS_OK,
     1,
     4,
     {NULL}},
    {"leave to one view is no leave to those on it",
     {{"policy.conf", "[view internet]\nclients = any\nallow-private = x.a.example\n[view guest]\nclients = "
                      "10.7.0.0/16\nbase = internet\nside = external\n"},
      {"internet/a.example.zone", ZONE("1") "x 60 A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a.example.zone:4: error: x.a.example.: found the private address 10.0.0.1 in the external [view "
      "guest]"}},
    {"an external view on an internal one",
     {{"policy.conf", VIEWS "[view guest]\nclients = 10.7.0.0/16\nbase = internal\nside = external\n"},
      {"internal/a.example.zone", ZONE("1") "x 60 A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internal/a.example.zone:4: error: x.a.example.: found the private address 10.0.0.1 in the external [view "
      "guest]"}},
    {"an internal-only name of the facts outside, though they only judge",
     {{"policy.conf", VIEWS "[autodiscover harbor]\npublish = no\nsip-domains = harbor.example\ninternal-views = "
                            "internal\ninternal-web = wi.harbor.example 10.10.1.20\nexternal-web = "
                            "lyncweb.harbor.example 192.0.2.20\n"},
      {"internet/harbor.example.zone", HARBOR_ZONE "wi A 192.0.2.9\nlyncdiscoverinternal CNAME www\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/harbor.example.zone:5: error: wi.harbor.example.: found the internal-only name",
      "internet/harbor.example.zone:6: error: lyncdiscoverinternal.harbor.example.: found the internal-only name"}},
    {"facts that cannot be published",
     {{"policy.conf", VIEWS "[autodiscover a]\nsip-domains = a.example\ninternal-views = internal\ninternal-web = "
                            "wi.a.example 10.10.1.20\nexternal-web = we.a.example\n"},
      {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:"}},
    {"two [ttl] rules that are as good",
     {{"policy.conf", VIEWS "[ttl a]\nnames = w*\nmax = 5\n[ttl b]\nnames = *w\nmax = 6\n"},
      {"internet/a.example.zone", ZONE("1") "w 60 A 192.0.2.1\n"}},
     STATUS_OK,
     2,
     8,
     {NULL}},
    {"two [ttl] rules that meet",
     {{"policy.conf", VIEWS "[ttl a]\nnames = w*\nmax = 5\n[ttl b]\nnames = *e\nmax = 6\n"},
      {"internet/a.example.zone", ZONE("1") "w 60 A 192.0.2.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:9: error: [ttl b] names: found that it fits w.a.example. in its data in [view internet] as well"}},
    {"errors of a view that is made as a whole, all at once",
     {{"policy.conf", VIEWS "[ttl a]\nnames = w*\nmax = 5\n"},
      {"internet/a.example.zone", ZONE("1") "w 60 A 192.0.2.300\n"},
      {"internet/b.example.zone", ZONE("1") "w 60 A 10.0.0.1\n"},
      {"internal/b.example.zone", "w A 10.0.0.300\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a.example.zone:4", "internet/b.example.zone:4", "internal/b.example.zone:1"}},
};

static void test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        tree_judge(&trees[i]);
}

/* Questions to a tree, without a store. `from`: of view internet, internal, lab. */
#define ASKED_MAX 14
#define SETTLED   UINT64_C(1796155200) /* 2026-12-01T20:00:00Z */

static const char *const outside = "192.0.2.200";
static const char *const inside = "10.1.0.1";
static const char *const lab = "10.9.0.1";

struct asked {
    const char *const *from;
    const char *name;
    uint16_t type;
    uint64_t now;
    const char *answer; /* outcome, then per RRset of the answer, or the SOA, type and TTL */
};

static const struct {
    const char *name;
    struct tree_file files[TREE_FILES_MAX];
    struct asked asked[ASKED_MAX];
} worlds[] = {
    {"facts",
     {{"policy.conf", VIEWS LAB HARBOR}, {"internet/harbor.example.zone", HARBOR_ZONE}},
     {{&inside, "lyncdiscoverinternal.harbor.example", RRTYPE_A, 0, "answer 1/3600"},
      {&lab, "lyncdiscoverinternal.harbor.example", RRTYPE_A, 0, "answer 1/3600"},
      {&outside, "lyncdiscoverinternal.harbor.example", RRTYPE_A, 0, "nxdomain 6/60"},
      {&outside, "lyncdiscover.harbor.example", RRTYPE_A, 0, "answer 5/3600 1/3600"},
      {&inside, "lyncdiscover.harbor.example", RRTYPE_A, 0, "answer 1/3600"},
      {&outside, "_sip._tls.harbor.example", RRTYPE_SRV, 0, "answer 33/3600"},
      {&inside, "_sip._tls.harbor.example", RRTYPE_SRV, 0, "nxdomain 6/60"},
      {&lab, "_sip._tls.harbor.example", RRTYPE_SRV, 0, "nxdomain 6/60"},
      {&inside, "www.harbor.example", RRTYPE_A, 0, "answer 1/3600"}}},
    {"[ttl]: rules, the cap of a CNAME through zones, views on views",
     {{"policy.conf", VIEWS LAB "[ttl web]\nnames = www.*\nmax = 30\n[ttl in]\nnames = only.a.example\nviews = "
                                "internal\nfixed = 7\n[ttl none]\nnames = a.example\nnegative = 9\n"},
      {"internet/a.example.zone", ZONE("1") "www 3600 CNAME x.b.example.\nonly 3600 A 192.0.2.2\nz 3600 A 192.0.2.3\n"},
      {"internet/b.example.zone", ZONE("1") "x 3600 A 192.0.2.4\n"},
      {"internal/b.example.zone", "x 1800 A 10.0.0.4\ny 1800 A 10.0.0.5\n"}},
     {{&outside, "www.a.example", RRTYPE_A, 0, "answer 5/30 1/30"},
      {&outside, "x.b.example", RRTYPE_A, 0, "answer 1/30"},
      {&inside, "www.a.example", RRTYPE_A, 0, "answer 5/30 1/30"},
      {&inside, "x.b.example", RRTYPE_A, 0, "answer 1/30"},
      {&inside, "y.b.example", RRTYPE_A, 0, "answer 1/1800"},
      {&outside, "only.a.example", RRTYPE_A, 0, "answer 1/3600"},
      {&inside, "only.a.example", RRTYPE_A, 0, "answer 1/7"},
      {&lab, "only.a.example", RRTYPE_A, 0, "answer 1/7"},
      {&lab, "z.a.example", RRTYPE_A, 0, "answer 1/3600"},
      {&outside, "n.a.example", RRTYPE_A, 0, "nxdomain 6/9"},
      {&lab, "n.a.example", RRTYPE_A, 0, "nxdomain 6/9"},
      {&lab, "n.b.example", RRTYPE_A, 0, "nxdomain 6/60"}}},
    {"[ttl] in one view, and a view on it with a file",
     {{"policy.conf", VIEWS LAB "[ttl in]\nnames = *\nviews = internal\nfixed = 7\n"},
      {"internet/a.example.zone", ZONE("1") "x 3600 A 192.0.2.2\ny 3600 A 192.0.2.2\n"},
      {"lab/a.example.zone", "y 500 A 10.0.0.5\n"}},
     {{&outside, "x.a.example", RRTYPE_A, 0, "answer 1/3600"},
      {&inside, "x.a.example", RRTYPE_A, 0, "answer 1/7"},
      {&inside, "y.a.example", RRTYPE_A, 0, "answer 1/7"},
      {&lab, "x.a.example", RRTYPE_A, 0, "answer 1/7"},
      {&lab, "y.a.example", RRTYPE_A, 0, "answer 1/500"}}},
    {"[cutover]: one view",
     {{"policy.conf", VIEWS LAB "[cutover c]\nnames = *x.a.example\nviews = internal\nat = 2026-12-01T20:00:00Z\n"
                                "settle = 100\nafter = 50\n"},
      {"internet/a.example.zone", ZONE("1") "x 3600 A 192.0.2.2\n"},
      {"internal/b.example.zone", ZONE("1")}},
     {{&inside, "x.a.example", RRTYPE_A, 0, "answer 1/3600"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED - 4000, "answer 1/3600"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED - 1000, "answer 1/1000"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED - 10, "answer 1/30"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED, "answer 1/50"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED + 99, "answer 1/50"},
      {&inside, "x.a.example", RRTYPE_A, SETTLED + 100, "answer 1/3600"},
      {&outside, "x.a.example", RRTYPE_A, SETTLED - 10, "answer 1/3600"},
      {&lab, "x.a.example", RRTYPE_A, SETTLED - 10, "answer 1/3600"}}},
};

static void decide(const struct generation *generation, const struct asked *asked, char text[100])
{
    static const char *const outcomes[] = {[OUTCOME_ANSWER] = "answer",
                                           [OUTCOME_NODATA] = "nodata",
                                           [OUTCOME_NXDOMAIN] = "nxdomain",
                                           [OUTCOME_FAILURE] = NULL};
    static struct answer answer;
    struct client client = {.transport = TRANSPORT_UDP};
    uint8_t name[NAME_SIZE_MAX];
    size_t size = 0;

    assert_true(address_from_text(*asked->from, strlen(*asked->from), &client.source) == STATUS_OK);
    assert_int_equal(name_from_text(asked->name, strlen(asked->name), NULL, name, &size), STATUS_OK);
    const struct question question = {.name = name, .type = asked->type, .now = asked->now};
    decide_answer(generation, &client, &question, &answer);
    int used = snprintf(text, 100, "%s", outcomes[answer.outcome] != NULL ? outcomes[answer.outcome] : "other");
    for (unsigned i = 0; i < answer.count && used < 80; i++) {
        const struct answer_rrset *entry = &answer.rrsets[i];
        bool is_shown = entry->section == SECTION_ANSWER ||
                        (entry->section == SECTION_AUTHORITY && entry->rrset.type == RRTYPE_SOA);
        if (is_shown)
            used += snprintf(text + used, 100 - (size_t)used, " %u/%u", entry->rrset.type, entry->rrset.ttl);
    }
}

static void ask_all(const struct tree *tree, const struct asked *asked)
{
    struct candidate *candidate = NULL;
    struct generation *generation = NULL;
    struct candidate_options options = {.images = CANDIDATE_KEEP};
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(source_open(tree->zones, NULL, "main", &diag, &options.source), STATUS_OK);
    enum status status = candidate_read(&options, &diag, &candidate);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(candidate_build_catalogs(candidate, &diag), STATUS_OK);
    assert_int_equal(generation_from_candidate(candidate, &diag, &generation), STATUS_OK);
    for (size_t i = 0; i < ASKED_MAX && asked[i].from != NULL; i++) {
        char text[100];
        decide(generation, &asked[i], text);
        if (strcmp(text, asked[i].answer) != 0)
            print_message("# %s from %s at %lld\n", asked[i].name, *asked[i].from, (long long)(asked[i].now - SETTLED));
        assert_string_equal(text, asked[i].answer);
    }
    assert_true(generation_release(generation));
    generation_free(generation);
    candidate_free(candidate);
    source_close(options.source);
    diag_clear(&diag);
}

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        struct tree tree;
        tree_init(&tree);
        for (size_t j = 0; j < TREE_FILES_MAX && worlds[i].files[j].path != NULL; j++)
            tree_write(&tree, worlds[i].files[j].path, worlds[i].files[j].text);
        print_message("# %s\n", worlds[i].name);
        ask_all(&tree, worlds[i].asked);
        tree_clear(&tree);
    }
}

/* One change after the other: what is taken from the store unread, and what is made. */
struct step {
    const char *path;
    const char *text;
    uint32_t known;
    uint32_t added;
};

static void take_steps(const struct tree *tree, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct publish_result result;
        struct diag diag;
        diag_init(&diag);
        tree_write(tree, steps[i].path, steps[i].text);
        enum status status = tree_publish(tree, true, &result, &diag);
        diag_clear(&diag);
        assert_int_equal(status, STATUS_OK);
        if (result.files_known != steps[i].known || result.images_new != steps[i].added)
            print_message("# step %zu: %u known, %u new\n", i, result.files_known, result.images_new);
        assert_int_equal(result.files_known, steps[i].known);
        assert_int_equal(result.images_new, steps[i].added);
    }
}

/* A layer is made again when its own file, its base or the hides change, and only then. */
static void test_layers_again(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"internal/a.example.zone", "x A 10.0.0.1\n", 0, 3},
        {"readme", "nothing\n", 3, 0},
        {"internal/a.example.zone", "x A 10.0.0.2\n", 1, 1},
        {"lab/a.example.zone", "x A 10.0.0.4\n", 2, 1},
        {"internet/a.example.zone", ZONE("1") "y 60 A 192.0.2.1\n", 0, 3},
        {"policy.conf", VIEWS "hide = y.a.example\n" LAB, 1, 2},
        {"policy.conf", VIEWS "hide = y.a.example\n[view lab]\nclients = 10.8.0.0/16\nbase = internal\n", 3, 0},
        {"internet/a.example.zone", ZONE("1") "y 60 A 192.0.2.2\n", 1, 1},
    };
    struct tree tree;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS LAB);
    tree_write(&tree, "internet/a.example.zone", ZONE("1"));
    tree_write(&tree, "lab/a.example.zone", "x A 10.0.0.3\n");
    take_steps(&tree, steps, sizeof steps / sizeof steps[0]);
    tree_clear(&tree);
}

/* The same for what the policy says. */
static void test_policy_again(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"internal/a.example.zone", "x A 10.0.0.1\n", 0, 3},
        /* the guard of internet looks again, and finds the same */
        {"policy.conf",
         "[view internet]\nclients = any\nallow-private = q\n[view internal]\nclients = 10.0.0.0/8\n"
         "base = internet\n",
         1, 0},
        {"policy.conf", VIEWS, 3, 0},
        /* a cut-over of one view makes its inherited zone another */
        {"policy.conf", VIEWS "[cutover c]\nnames = *\nviews = internal\nat = 2026-12-01T20:00:00Z\n", 2, 2},
        {"policy.conf", VIEWS "[cutover c]\nnames = *\nviews = internal\nat = 2026-12-02T20:00:00Z\n", 4, 0},
        /* with [ttl] the zones of a view are known together */
        {"policy.conf", VIEWS "[ttl t]\nnames = x.a.example\nviews = internal\nmax = 5\n", 2, 1},
        {"readme", "nothing\n", 4, 0},
        {"internal/a.example.zone", "x A 10.0.0.2\n", 2, 1},
        {"shared/part", ZONE("1") "z 60 A 192.0.2.9\n", 1, 1},
        {"policy.conf", VIEWS "; a comment\n[ttl t]\nnames = x.a.example\nviews = internal\nmax = 5\n", 4, 0},
    };
    struct tree tree;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "shared/part", ZONE("1"));
    tree_write(&tree, "internet/a.example.zone", ZONE("1"));
    tree_write(&tree, "internet/b.example.zone", "$INCLUDE shared/part\n");
    take_steps(&tree, steps, sizeof steps / sizeof steps[0]);
    tree_clear(&tree);
}

/* A [forward] domain inside a zone makes it another in the views that have the domain, and in no other. */
static void test_forwards_again(void **state)
{
    (void)state;
#define FORWARDING VIEWS "forward = u\n" LAB "[upstream u]\nservers = 192.0.2.53\n"
    static const struct step steps[] = {
        {"policy.conf", FORWARDING, 0, 2},
        {"policy.conf", FORWARDING "[forward x.b.example]\nto = u\n", 2, 0},
        /* internal gets a zone of its own; lab stands on that, and is what it was */
        {"policy.conf", FORWARDING "[forward x.a.example]\nto = u\n", 1, 1},
        /* an image made in two ways forgets them, because its lines are those of one alone */
        {"policy.conf", FORWARDING "[forward x.a.example]\nto = nowhere\n", 2, 0},
        {"policy.conf", FORWARDING "[forward x.a.example]\nto = u\nviews = internal, lab\n", 2, 1},
        {"readme", "nothing\n", 3, 0},
        {"policy.conf", FORWARDING "[forward y.a.example]\nto = u\n", 1, 1},
    };
    struct tree tree;
    tree_init(&tree);
    tree_write(&tree, "internet/a.example.zone", ZONE("1") "x 60 A 192.0.2.1\n");
    tree_write(&tree, "lab/a.example.zone", "lab 60 A 10.9.0.1\n");
    take_steps(&tree, steps, sizeof steps / sizeof steps[0]);
    tree_clear(&tree);
}

static void test_facts_again(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {"policy.conf", VIEWS HARBOR, 0, 3},
        {"readme", "nothing\n", 3, 0},
        {"policy.conf", VIEWS HARBOR "# comment\n", 3, 0},
        /* one name more that must stay inside: the guard looks at all of internet again */
        {"policy.conf", VIEWS HARBOR "[service s]\nfqdn = owa.harbor.example\ninternal = 10.10.1.9\n", 0, 2},
    };
    struct tree tree;
    tree_init(&tree);
    tree_write(&tree, "internet/harbor.example.zone", HARBOR_ZONE);
    tree_write(&tree, "internet/b.example.zone", ZONE("1"));
    take_steps(&tree, steps, sizeof steps / sizeof steps[0]);
    tree_clear(&tree);
}

/* All zones of a view in memory at once are bounded too. */
static void test_memory_limit(void **state)
{
    struct publish_options options = {.memory_max = 280 * 1000};
    struct publish_result result;
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    for (unsigned i = 0; i < 5; i++) {
        char path[40];
        snprintf(path, sizeof path, "internet/a%u.example.zone", i);
        tree_write(&tree, path, ZONE("1") "$GENERATE 1-900 h$ 60 A 192.0.2.1\n");
    }
    assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), STATUS_OK);
    tree_write(&tree, "policy.conf", VIEWS "[ttl t]\nnames = h1.*\nmax = 5\n");
    assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), STATUS_TOO_LARGE);
    char *messages = tree_messages(&diag);
    assert_non_null(strstr(messages, "[ttl] rules need all zones of view internet in memory at the same time"));
    free(messages);
    diag_clear(&diag);
    tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),        cmocka_unit_test(test_answers),        cmocka_unit_test(test_layers_again),
        cmocka_unit_test(test_policy_again), cmocka_unit_test(test_forwards_again), cmocka_unit_test(test_facts_again),
        cmocka_unit_test(test_memory_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

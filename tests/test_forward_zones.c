/* SPDX-License-Identifier: BSD-2-Clause */
/* [forward] domains and upstreams beside zones: who answers, and what becomes of chains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/candidate.h"
#include "policy/decide.h"
#include "policy/forward.h"
#include "policy/policy.h"
#include "tests/tree.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 400

static void read_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;

    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static const char *const kind_words[] = {"refused", "nxdomain", "nodata", "loopback", "upstream"};
static const char *const reason_words[] = {"nothing", "view", "section", "special", "canary", "internal-only", "rd"};

#define ZONE "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"

static const struct tree_file world_files[] = {
    {"policy.conf", "[view internet]\nclients = any\n"
                    "[view guest]\nclients = 10.2.0.0/16\nbase = internet\nside = external\nforward = public\n"
                    "[view internal]\nclients = 10.0.0.0/8\nbase = internet\nforward = site\n"
                    "hide = gone.a.example, x.part.a.example\n"
                    "[view lab]\nclients = 10.9.0.0/16\nbase = internal\n"
                    "[upstream site]\nservers = 192.0.2.53\n[upstream public]\nservers = 192.0.2.54\n"
                    "[forward part.a.example]\nto = site\nviews = internal\n"
                    "[forward cut.a.example]\nto = site\n"
                    "[forward f.tree.a.example]\nto = site\nviews = internal\n"
                    "[forward none.a.example]\nto = nowhere\nviews = internal, lab\n"
                    "[forward x.gone.a.example]\nto = site\nviews = internal\n"
                    "[forward pin.example]\nto = public\nviews = internal\n"
                    "[forward lab.example]\nto = public\nviews = lab\n"
                    "[zone pin.example]\nmode.internal = pinpoint\n"
                    "[zone 10.in-addr.arpa]\nmode.internal = pinpoint\n"},
    {"internet/a.example.zone",
     ZONE "www 60 A 192.0.2.10\npart 60 A 192.0.2.11\nx.part 60 A 192.0.2.12\n*.part 60 TXT x\n"
          "s.x.part 60 A 192.0.2.13\nd.part 60 NS ns.isp.example.\ndn.part 60 DNAME www\n"
          "out 60 CNAME www.foreign.example.\nback 60 CNAME x.part\nmiss 60 CNAME q.part\n"
          "mx 60 MX 10 x.part\nmx 60 MX 20 www\ncut 60 NS ns.cut\nns.cut 60 A 192.0.2.14\n"
          "tree 60 DNAME www.foreign.example.\n*.w 60 A 192.0.2.15\nnone 60 A 192.0.2.16\n"
          "gone 60 A 192.0.2.17\nlocal 60 CNAME localhost.\ndead 60 CNAME a.none\nsub 60 NS ns.isp.example.\n"},
    {"internal/pin.example.zone", "own 60 A 10.0.0.1\nalias 60 CNAME missing\n"},
    {"internet/pin.example.zone", ZONE "web 60 A 192.0.2.20\n"},
    {"internal/10.in-addr.arpa.zone", "1.0.0 60 PTR own.pin.example.\n"},
    {"internal/168.192.in-addr.arpa.zone", ZONE "5 60 NS ns.isp.example.\n"},
};

struct world {
    struct tree tree;
    struct diag diag;
    struct candidate_options options;
    struct candidate *candidate;
    struct generation *generation;
};

/* From the tree that is written; its messages are in world->diag. */
static void read_world(struct world *world)
{
    diag_init(&world->diag);
    world->options = (struct candidate_options){.images = CANDIDATE_KEEP};
    assert_int_equal(source_open(world->tree.zones, NULL, "main", &world->diag, &world->options.source), STATUS_OK);
    enum status status = candidate_read(&world->options, &world->diag, &world->candidate);
    if (status != STATUS_OK)
        diag_print(&world->diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(candidate_build_catalogs(world->candidate, &world->diag), STATUS_OK);
    assert_int_equal(generation_from_candidate(world->candidate, &world->diag, &world->generation), STATUS_OK);
}

static void clear_world(struct world *world)
{
    assert_true(generation_release(world->generation));
    generation_free(world->generation);
    candidate_free(world->candidate);
    source_close(world->options.source);
    diag_clear(&world->diag);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    assert_non_null(world);
    tree_init(&world->tree);
    for (size_t i = 0; i < sizeof world_files / sizeof world_files[0]; i++)
        tree_write(&world->tree, world_files[i].path, world_files[i].text);
    read_world(world);
    char *messages = tree_messages(&world->diag);
    assert_non_null(strstr(messages, "hide: found x.part.a.example., which lies in [forward part.a.example.] "
                                     "(policy.conf:20): it changes nothing"));
    free(messages);
    *state = world;
    return 0;
}

static int free_world(void **state)
{
    struct world *world = *state;

    clear_world(world);
    tree_clear(&world->tree);
    free(world);
    return 0;
}

/* "!": without recursion. "forward noerror a: cname | upstream site": outcome, rcode, RRsets by section, route. */
struct asked {
    const char *view;
    const char *name;
    const char *type;
    const char *answer;
};

static const struct asked asked_rows[] = {
    {"internal", "www.a.example", "A", "answer noerror aa A:A"},
    {"internal", "nothing.a.example", "A", "nxdomain nxdomain aa N:SOA"},
    {"internet", "www.foreign.example", "A", "elsewhere refused | refused nothing"},
    {"internal", "www.foreign.example", "A", "forward noerror | upstream view site"},
    {"internal!", "www.foreign.example", "A", "elsewhere refused | refused rd"},
    {"guest", "www.foreign.example", "A", "forward noerror | upstream view public"},
    {"lab", "www.foreign.example", "A", "elsewhere refused | refused nothing"},
    {"lab", "www.lab.example", "A", "forward noerror | upstream section public"},
    /* chains (A24) */
    {"internet", "out.a.example", "A", "elsewhere noerror aa A:CNAME | refused nothing"},
    {"internal", "out.a.example", "A", "forward noerror aa A:CNAME | upstream view site"},
    {"internal!", "out.a.example", "A", "elsewhere noerror aa A:CNAME | refused rd"},
    {"internal", "local.a.example", "A", "answer noerror aa A:CNAME A:A | loopback special"},
    {"internal", "local.a.example", "TXT", "nodata noerror aa A:CNAME N:SOA | nodata special"},
    {"internal", "dead.a.example", "A", "nxdomain nxdomain aa A:CNAME N:SOA | nxdomain section"},
    /* a [forward] inside a zone goes before its data, wildcards, cuts and DNAMEs (P6), where the view has it */
    {"internet", "x.part.a.example", "A", "answer noerror aa A:A"},
    {"guest", "x.part.a.example", "A", "answer noerror aa A:A"},
    {"lab", "x.part.a.example", "A", "answer noerror aa A:A"},
    {"internal", "x.part.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "part.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "part.a.example", "DS", "forward noerror | upstream section site"},
    {"internal", "q.part.a.example", "TXT", "forward noerror | upstream section site"},
    {"internal", "q.q.part.a.example", "TXT", "forward noerror | upstream section site"},
    {"internal", "t.s.x.part.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "d.part.a.example", "NS", "forward noerror | upstream section site"},
    {"internal", "q.d.part.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "q.dn.part.a.example", "A", "forward noerror | upstream section site"},
    {"internal!", "q.part.a.example", "TXT", "elsewhere refused | refused rd"},
    {"internal", "xpart.a.example", "A", "nxdomain nxdomain aa N:SOA"},
    {"internal", "back.a.example", "A", "forward noerror aa A:CNAME | upstream section site"},
    {"internal", "miss.a.example", "A", "forward noerror aa A:CNAME | upstream section site"},
    {"guest", "back.a.example", "A", "answer noerror aa A:CNAME A:A"},
    {"guest", "mx.a.example", "MX", "answer noerror aa A:MX D:A D:A"},
    {"internal", "mx.a.example", "MX", "answer noerror aa A:MX D:A"},
    {"internal", "f.tree.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "q.f.tree.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "g.tree.a.example", "A", "forward noerror aa A:DNAME A:CNAME | upstream view site"},
    {"guest", "f.tree.a.example", "A", "forward noerror aa A:DNAME A:CNAME | upstream view public"},
    {"internal", "gone.a.example", "A", "nxdomain nxdomain aa N:SOA"},
    {"internal", "x.gone.a.example", "A", "forward noerror | upstream section site"},
    {"internal", "y.gone.a.example", "A", "nxdomain nxdomain aa N:SOA"},
    {"internal", "q.w.a.example", "A", "answer noerror aa A:A"},
    /* nowhere */
    {"internal", "q.none.a.example", "A", "nxdomain nxdomain aa N:SOA | nxdomain section"},
    {"internal!", "none.a.example", "A", "nxdomain nxdomain aa N:SOA | nxdomain section"},
    {"lab", "none.a.example", "A", "nxdomain nxdomain aa N:SOA | nxdomain section"},
    {"internet", "none.a.example", "A", "answer noerror aa A:A"},
    /* delegations (A1, A3) */
    {"internet", "q.cut.a.example", "A", "delegation noerror N:NS D:A | refused nothing"},
    {"internal", "q.cut.a.example", "A", "forward noerror | upstream section site"},
    {"internal!", "q.cut.a.example", "A", "delegation noerror N:NS D:A | refused rd"},
    {"internal", "q.sub.a.example", "A", "forward noerror | upstream view site"},
    {"internal!", "q.sub.a.example", "A", "delegation noerror N:NS | refused rd"},
    {"lab", "q.sub.a.example", "A", "delegation noerror N:NS | refused nothing"},
    {"internal", "sub.a.example", "DS", "nodata noerror aa N:SOA"},
    {"internal", "lyncdiscoverinternal.sub.a.example", "A", "nxdomain nxdomain aa N:SOA | nxdomain internal-only"},
    {"internal!", "lyncdiscoverinternal.sub.a.example", "A", "delegation noerror N:NS | nxdomain internal-only"},
    /* pinpoint (A8) */
    {"internal", "own.pin.example", "A", "answer noerror aa A:A"},
    {"internal", "own.pin.example", "AAAA", "nodata noerror aa N:SOA"},
    {"internal", "web.pin.example", "A", "forward noerror | upstream section public"},
    {"internal", "pin.example", "MX", "forward noerror | upstream section public"},
    {"internal", "alias.pin.example", "A", "forward noerror aa A:CNAME | upstream section public"},
    {"internal!", "web.pin.example", "A", "elsewhere refused | refused rd"},
    {"lab", "web.pin.example", "A", "elsewhere refused | refused nothing"},
    {"internal", "1.0.0.10.in-addr.arpa", "PTR", "answer noerror aa A:PTR"},
    {"internal", "2.0.0.10.in-addr.arpa", "PTR", "forward noerror | upstream view site"},
    {"internal", "1.5.168.192.in-addr.arpa", "PTR", "forward noerror | upstream view site"},
    {"internal", "1.6.168.192.in-addr.arpa", "PTR", "nxdomain nxdomain aa N:SOA"},
    {"internal", "1.16.172.in-addr.arpa", "PTR", "nxdomain nxdomain aa N:SOA | nxdomain special"},
};

static const char *const outcome_words[] = {"answer",   "nodata",  "nxdomain", "delegation", "elsewhere",
                                            "yxdomain", "refused", "forward",  "failure"};

static void answer_text(const struct answer *answer, const struct forward_route *route, char text[TEXT_MAX])
{
    static const char *const rcodes[] = {"noerror", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain"};
    size_t used = (size_t)snprintf(text, TEXT_MAX, "%s %s%s", outcome_words[answer->outcome], rcodes[answer->rcode],
                                   answer->authoritative ? " aa" : "");

    for (uint16_t i = 0; i < answer->count; i++) {
        char type[RRTYPE_TEXT_MAX];
        rrtype_to_text(answer->rrsets[i].rrset.type, type);
        used += (size_t)snprintf(text + used, TEXT_MAX - used, " %c:%s", "AND"[answer->rrsets[i].section], type);
    }
    if (answer->next != NULL)
        snprintf(text + used, TEXT_MAX - used, " | %s %s%s%s", kind_words[route->kind], reason_words[route->reason],
                 route->group != NULL ? " " : "", route->group != NULL ? route->group->name : "");
}

static void names_go_where_they_belong(void **state)
{
    const struct world *world = *state;
    const struct client client = {.transport = TRANSPORT_UDP};
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof asked_rows / sizeof asked_rows[0]; i++) {
        const struct asked *row = &asked_rows[i];
        static struct answer answer;
        struct forward_route route;
        uint8_t name[NAME_SIZE_MAX];
        char view[32];
        char text[TEXT_MAX];
        size_t length = strcspn(row->view, "!");
        snprintf(view, sizeof view, "%.*s", (int)length, row->view);
        read_name(row->name, name);
        const struct question question = {.name = name,
                                          .type = rrtype_from_text(row->type, strlen(row->type)),
                                          .recursion = row->view[length] == '\0'};
        decide_in_view(world->generation, policy_find_view(world->generation->policy, view), &client, &question, NULL,
                       &answer, &route);
        answer_text(&answer, &route, text);
        if (strcmp(text, row->answer) != 0) {
            wrong++;
            print_message("# %s %s %s: %s\n#   wanted %s\n", row->view, row->name, row->type, text, row->answer);
        }
    }
    assert_int_equal(wrong, 0);
}

/* What an upstream says may lead back into our zones: the lookup goes on behind what stands there. */
static void a_chain_goes_on(void **state)
{
    const struct world *world = *state;
    uint32_t view = policy_find_view(world->generation->policy, "internal");
    static const uint8_t target[] = "\0\017\3www\1a\7example";
    static struct answer answer;
    struct forward_route route;
    uint8_t name[NAME_SIZE_MAX];
    char text[TEXT_MAX];

    read_name("out.a.example", name);
    const struct question question = {.name = name, .type = RRTYPE_A, .recursion = true};
    answer_reset(&answer);
    decide_lookup(world->generation, view, &question, name, NULL, &answer, &route);
    answer_text(&answer, &route, text);
    assert_string_equal(text, "forward noerror aa A:CNAME | upstream view site");
    const struct rrset cname = {.type = RRTYPE_CNAME, .count = 1, .ttl = 5, .data = target, .size = sizeof target};
    assert_true(answer_add(&answer, SECTION_ANSWER, answer.next, &cname, NULL));
    decide_lookup(world->generation, view, &question, target + 2, NULL, &answer, &route);
    answer_text(&answer, &route, text);
    assert_string_equal(text, "answer noerror aa A:CNAME A:CNAME A:A");
    /* and out again */
    read_name("sub.a.example", name);
    decide_lookup(world->generation, view, &question, name, NULL, &answer, &route);
    answer_text(&answer, &route, text);
    assert_string_equal(text, "forward noerror aa A:CNAME A:CNAME A:A | upstream view site");
}

static void names_have_owners(void **state)
{
    const struct world *world = *state;
    static const struct {
        const char *name;
        bool is_owned; /* by view internal */
        bool is_split;
    } rows[] = {
        {"www.a.example", true, true},         {"nothing.a.example", true, true}, {"gone.a.example", true, true},
        {"out.a.example", true, true},         {"x.part.a.example", false, true}, {"q.sub.a.example", false, true},
        {"own.pin.example", true, true},       {"web.pin.example", false, true},  {"pin.example", false, true},
        {"www.foreign.example", false, false}, {"example", false, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        read_name(rows[i].name, name);
        print_message("# %s\n", rows[i].name);
        assert_int_equal(decide_owns(world->generation, 2, name), rows[i].is_owned);
        assert_int_equal(decide_is_split(world->generation, name), rows[i].is_split);
    }
    const bool has_recursion[] = {false, true, true, true};
    for (uint32_t view = 0; view < 4; view++)
        assert_int_equal(decide_has_recursion(world->generation, view), has_recursion[view]);
    assert_false(decide_has_recursion(world->generation, VIEW_NONE));
}

/* ---- against a model ---- */

/* Names of up to three labels a and b: number 1 is the top, the children of n are 2n and 2n + 1. */
#define NODES  16
#define TOP    1
#define ROUNDS 60

struct model {
    uint32_t random;
    bool is_zone[NODES]; /* of view internet, inherited by the others */
    bool has_data[NODES];
    bool is_forward[2][NODES]; /* of the views that forward */
};

static bool chance(struct model *model, unsigned percent)
{
    model->random = model->random * UINT32_C(1664525) + UINT32_C(1013904223);
    return (model->random >> 16) % 100 < percent;
}

static void node_name(unsigned node, char text[40])
{
    text[0] = '\0';
    for (; node > TOP; node /= 2)
        strcat(text, node % 2 == 0 ? "a." : "b.");
    strcat(text, "example");
}

/* The deepest zone at or above; 0: none. */
static unsigned zone_of(const struct model *model, unsigned node)
{
    while (node > 0 && !model->is_zone[node])
        node /= 2;
    return node;
}

static bool exists(const struct model *model, unsigned node, unsigned zone)
{
    if (node >= NODES || zone_of(model, node) != zone)
        return false;
    return node == zone || model->has_data[node] || exists(model, 2 * node, zone) || exists(model, 2 * node + 1, zone);
}

static void write_model(const struct model *model, const struct tree *tree)
{
    char policy[4000];
    int used = snprintf(policy, sizeof policy,
                        "[view internet]\nclients = any\n[view one]\nclients = 10.1.0.0/16\nbase = internet\n"
                        "forward = u\n[view two]\nclients = 10.2.0.0/16\nbase = one\nforward = u\n"
                        "[view plain]\nclients = 10.3.0.0/16\nbase = two\n[upstream u]\nservers = 192.0.2.53\n");
    for (unsigned node = TOP; node < NODES; node++) {
        char name[40];
        char path[80];
        char text[4000] = ZONE;
        node_name(node, name);
        if (model->is_forward[0][node] || model->is_forward[1][node])
            used += snprintf(policy + used, sizeof policy - (size_t)used, "[forward %s]\nto = u\nviews =%s%s\n", name,
                             model->is_forward[0][node] ? " one" : "", model->is_forward[1][node] ? " two" : "");
        for (unsigned below = node + 1; below < NODES; below++)
            if (model->has_data[below] && zone_of(model, below) == node) {
                char owner[40];
                node_name(below, owner);
                snprintf(text + strlen(text), sizeof text - strlen(text), "%s. 60 A 192.0.2.9\n", owner);
            }
        snprintf(path, sizeof path, "internet/%s.zone", name);
        if (model->is_zone[node])
            tree_write(tree, path, text);
    }
    tree_write(tree, "policy.conf", policy);
}

static const char *expect(const struct model *model, unsigned node, const bool *forwards, bool has_forward)
{
    unsigned zone = zone_of(model, node);

    for (unsigned at = node; forwards != NULL && at > zone; at /= 2)
        if (forwards[at])
            return "forward noerror | upstream section u";
    if (zone == 0)
        return has_forward ? "forward noerror | upstream view u" : "elsewhere refused | refused nothing";
    if (model->has_data[node] && node != zone)
        return "answer noerror aa A:A";
    return exists(model, node, zone) ? "nodata noerror aa N:SOA" : "nxdomain nxdomain aa N:SOA";
}

static void ask_model(const struct model *model, const struct world *world)
{
    const struct client client = {.transport = TRANSPORT_UDP};
    static struct answer answer;

    for (uint32_t view = 0; view < 4; view++)
        for (unsigned node = TOP; node < NODES; node++) {
            const bool *forwards = view == 1 || view == 2 ? model->is_forward[view - 1] : NULL;
            struct forward_route route;
            uint8_t name[NAME_SIZE_MAX];
            char text[40];
            char got[TEXT_MAX];
            node_name(node, text);
            read_name(text, name);
            const struct question question = {.name = name, .type = RRTYPE_A, .recursion = true};
            decide_in_view(world->generation, view, &client, &question, NULL, &answer, &route);
            answer_text(&answer, &route, got);
            const char *wanted = expect(model, node, forwards, forwards != NULL);
            if (strcmp(got, wanted) != 0)
                print_message("# view %u, %s\n", (unsigned)view, text);
            assert_string_equal(got, wanted);
        }
}

/* The deepest of a view's zones and [forward] domains decides (P6); views that inherit a zone share no [forward]. */
static void the_deepest_decides(void **state)
{
    struct model model = {.random = 1};
    struct world world;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned node = TOP; node < NODES; node++) {
            model.is_zone[node] = chance(&model, node == TOP ? 70 : 20);
            model.has_data[node] = chance(&model, 50);
            for (unsigned view = 0; view < 2; view++)
                model.is_forward[view][node] = !model.is_zone[node] && chance(&model, 25);
        }
        tree_init(&world.tree);
        tree_write(&world.tree, "internet/other.zone", ZONE);
        write_model(&model, &world.tree);
        read_world(&world);
        ask_model(&model, &world);
        clear_world(&world);
        tree_clear(&world.tree);
    }
}

/* ---- trees that are refused ---- */

#define INTERNAL "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\nbase = internet\nforward = u\n"
#define GROUP    "[upstream u]\nservers = 192.0.2.53\n"

static const struct tree_case trees[] = {
    {"a [forward] is an own zone",
     {{"policy.conf", INTERNAL GROUP "[forward A.example]\nto = u\n"}, {"internal/a.example.zone", ZONE}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:9: error: [forward a.example.]: found a domain that is a zone of view internal "
      "(internal/a.example.zone)"}},
    {"a [forward] is an inherited zone",
     {{"policy.conf", INTERNAL GROUP "[forward a.example]\nto = u\n"}, {"internet/a.example.zone", ZONE}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:9: error: [forward a.example.]: found a domain that is a zone of view internal "
      "(internet/a.example.zone)"}},
    {"a [forward] is an overlay on a pinpoint zone",
     {{"policy.conf", "[view a]\nclients = 10.1.0.0/16\n[view b]\nclients = 10.2.0.0/16\nbase = a\nforward = u\n" GROUP
                      "[zone x.example]\nmode.a = pinpoint\n[forward x.example]\nto = u\n"},
      {"a/x.example.zone", "own A 10.0.0.1\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:11: error: [forward x.example.]: found a domain that is a zone of view b (a/x.example.zone)"}},
    {"a [forward] in no view of the zone",
     {{"policy.conf", INTERNAL GROUP "[zone a.example]\nmode.internal = none\n[forward a.example]\nto = u\n"},
      {"internet/a.example.zone", ZONE}},
     STATUS_OK,
     1,
     3,
     {NULL}},
    {"own data in a [forward] domain",
     {{"policy.conf", INTERNAL GROUP "[forward part.a.example]\nto = u\n"},
      {"internet/a.example.zone", ZONE "x.part A 192.0.2.1\n"},
      {"internal/a.example.zone", "www A 10.0.0.1\nx.part A 10.0.0.2\npart TXT a\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internal/a.example.zone:2: error: found A at x.part.a.example., but in view internal [forward part.a.example.] "
      "(policy.conf:9) answers for that name; wanted there nothing but NS, DS and glue",
      "internal/a.example.zone:3: error: found TXT at part.a.example."}},
    {"a delegation and its glue may stand there (A1)",
     {{"policy.conf", INTERNAL GROUP "[forward part.a.example]\nto = u\n"},
      {"internal/a.example.zone", ZONE "part NS ns.part\nns.part A 192.0.2.7\n"}},
     STATUS_OK,
     1,
     5,
     {NULL}},
    {"data of the base there are inherited and not served",
     {{"policy.conf", INTERNAL GROUP "[forward part.a.example]\nto = u\n"},
      {"internet/a.example.zone", ZONE "x.part A 192.0.2.1\n"}},
     STATUS_OK,
     2,
     8,
     {NULL}},
    {"facts there are elsewhere",
     {{"policy.conf", INTERNAL GROUP "[forward corp.a.example]\nto = u\n[autodiscover a]\nsip-domains = a.example\n"
                                     "internal-views = internal\ninternal-web = se.corp.a.example 10.0.0.1\n"
                                     "external-web = web.a.example\n[proxy rp]\npublic = 192.0.2.1\n"},
      {"internet/a.example.zone", ZONE}},
     STATUS_OK,
     2,
     16,
     {"record se.corp.a.example. A is not published: se.corp.a.example. lies below a delegation, DNAME or [forward] "
      "domain in view internal"}},
};

static void trees_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        tree_judge(&trees[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_go_where_they_belong, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_chain_goes_on, make_world, free_world),
        cmocka_unit_test_setup_teardown(names_have_owners, make_world, free_world),
        cmocka_unit_test(the_deepest_decides),
        cmocka_unit_test(trees_are_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/changes.h"
#include "tests/support.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES_MAX 4
#define HEAD      "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"
#define ONE_VIEW  "[view internet]\nclients = any\n"

/* The zones of one view: apex, text, apex, text, …, NULL. */
struct side {
    struct support_world world;
    struct generation generation;
};

static struct policy *read_policy(const char *text)
{
    struct policy *policy = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status = policy_read("policy.conf", text, strlen(text), &diag, &policy);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return policy;
}

/* All views of the policy serve the same zones. */
static void side_init(struct side *side, const char *policy, const char *const *zones)
{
    memset(side, 0, sizeof *side);
    support_world_init(&side->world);
    for (; zones[0] != NULL; zones += 2)
        support_add_zone(&side->world, zones[0], zones[1], strlen(zones[1]));
    support_finish(&side->world);
    side->generation.policy = read_policy(policy);
    side->generation.catalog_count = side->generation.policy->view_count;
    side->generation.catalogs = memory_zalloc(side->generation.catalog_count, sizeof *side->generation.catalogs);
    assert_non_null(side->generation.catalogs);
    for (uint32_t i = 0; i < side->generation.catalog_count; i++)
        side->generation.catalogs[i] = side->world.catalog;
}

static void side_clear(struct side *side)
{
    memory_free(side->generation.catalogs);
    policy_free(side->generation.policy);
    support_world_clear(&side->world);
}

/* "RCODE outcome" and the data that count, one a line, sorted, joined. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void answer_words(const struct answer *answer, char *words, size_t size)
{
    char *text = support_answer_text(answer);
    char *lines[100];
    size_t count = 0;
    char *rest = NULL;
    size_t used = 0;

    char *head = strtok_r(text, "\n", &rest);
    char *aa = strstr(head, " aa");
    if (aa != NULL)
        *aa = '\0';
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        bool is_referral = strstr(head, "delegation") != NULL && strstr(line, "additional?") == NULL;
        if (strncmp(line, "answer ", 7) == 0 || is_referral)
            lines[count++] = line;
    }
    qsort(lines, count, sizeof lines[0], compare_lines);
    used = (size_t)snprintf(words, size, "%s", head);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(words + used, size - used, "; %s", strchr(lines[i], ' ') + 1);
    free(text);
}

static bool print_change(void *context, const struct change *change)
{
    FILE *stream = context;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX] = "*";
    char before[2000];
    char after[2000];

    name_to_text(change->name, name);
    if (change->type != 0)
        rrtype_to_text(change->type, type);
    answer_words(change->before, before, sizeof before);
    answer_words(change->after, after, sizeof after);
    fprintf(stream, "%s%s %s: %s -> %s\n", change->is_indirect ? "~" : "", name, type, before, after);
    return true;
}

static void check_zones(const char *const *before, const char *const *after, const char *wanted)
{
    struct side sides[2];
    struct changes *changes = NULL;
    struct changes_counts counts;
    struct diag diag;
    char *actual = NULL;
    size_t size = 0;

    diag_init(&diag);
    side_init(&sides[0], ONE_VIEW, before);
    side_init(&sides[1], ONE_VIEW, after);
    assert_int_equal(changes_new(&sides[0].generation, &sides[1].generation, false, &changes), STATUS_OK);
    FILE *stream = open_memstream(&actual, &size);
    assert_non_null(stream);
    assert_int_equal(changes_walk(changes, 0, print_change, stream, &counts, &diag), STATUS_OK);
    fprintf(stream, "%u names, %u answers, %u removed, zones +%u -%u ~%u\n", (unsigned)counts.names,
            (unsigned)counts.answers, (unsigned)counts.removed, counts.zones_added, counts.zones_removed,
            counts.zones_changed);
    fclose(stream);
    assert_string_equal(actual, wanted);
    assert_int_equal(diag.count, 0);
    free(actual);
    changes_free(changes);
    for (size_t i = 0; i < 2; i++)
        side_clear(&sides[i]);
    diag_clear(&diag);
}

#define A(text) "a.example", HEAD text

static void test_answers(void **state)
{
    static const struct {
        const char *before[2 * ZONES_MAX + 1];
        const char *after[2 * ZONES_MAX + 1];
        const char *wanted;
    } cases[] = {
        {{A("")}, {A("")}, "0 names, 0 answers, 0 removed, zones +0 -0 ~0\n"},
        {{A("w 60 A 192.0.2.2\n")},
         {A("w 60 A 192.0.2.3\n")},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR answer; w.a.example. 60 A 192.0.2.3\n"
         "1 names, 1 answers, 0 removed, zones +0 -0 ~1\n"},
        /* a TTL alone */
        {{A("w 60 A 192.0.2.2\n")},
         {A("w 61 A 192.0.2.2\n")},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR answer; w.a.example. 61 A 192.0.2.2\n"
         "1 names, 1 answers, 0 removed, zones +0 -0 ~1\n"},
        /* an empty non-terminal comes with the name below it */
        {{A("")},
         {A("x.y 60 A 192.0.2.2\n")},
         "y.a.example. *: NXDOMAIN nxdomain -> NOERROR nodata\n"
         "x.y.a.example. A: NXDOMAIN nxdomain -> NOERROR answer; x.y.a.example. 60 A 192.0.2.2\n"
         "2 names, 2 answers, 0 removed, zones +0 -0 ~1\n"},
        /* a name ends the reach of a wildcard: for itself and for what is below it */
        {{A("* 60 A 192.0.2.2\n")},
         {A("* 60 A 192.0.2.2\nw 60 TXT one\n")},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR nodata\n"
         "w.a.example. TXT: NOERROR nodata -> NOERROR answer; w.a.example. 60 TXT \"one\"\n"
         "*.w.a.example. A: NOERROR answer; *.w.a.example. 60 A 192.0.2.2 -> NXDOMAIN nxdomain\n"
         "2 names, 3 answers, 2 removed, zones +0 -0 ~1\n"},
        /* a delegation covers what was there */
        {{A("w 60 A 192.0.2.2\nv.w 60 A 192.0.2.3\n")},
         {A("w 60 NS ns\nw 60 A 192.0.2.2\nv.w 60 A 192.0.2.3\n")},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR delegation; w.a.example. 60 NS "
         "ns.a.example.\n"
         "w.a.example. NS: NOERROR nodata -> NOERROR delegation; w.a.example. 60 NS ns.a.example.\n"
         "*.w.a.example. *: NXDOMAIN nxdomain -> NOERROR delegation; w.a.example. 60 NS ns.a.example.\n"
         "v.w.a.example. A: NOERROR answer; v.w.a.example. 60 A 192.0.2.3 -> NOERROR delegation; w.a.example. 60 NS "
         "ns.a.example.\n"
         "3 names, 4 answers, 2 removed, zones +0 -0 ~1\n"},
        /* chains, through another zone, and into a wildcard */
        {{A("w 60 A 192.0.2.2\n*.v 60 A 192.0.2.4\n"), "b.example",
          HEAD "one 60 CNAME w.a.example.\ntwo 60 CNAME one\nthree 60 CNAME q.v.a.example.\n"},
         {A("w 60 A 192.0.2.3\n*.v 60 A 192.0.2.4\n"), "b.example",
          HEAD "one 60 CNAME w.a.example.\ntwo 60 CNAME one\nthree 60 CNAME q.v.a.example.\n"},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR answer; w.a.example. 60 A 192.0.2.3\n"
         "~one.b.example. A: NOERROR answer; one.b.example. 60 CNAME w.a.example.; w.a.example. 60 A 192.0.2.2 -> "
         "NOERROR answer; one.b.example. 60 CNAME w.a.example.; w.a.example. 60 A 192.0.2.3\n"
         "~two.b.example. A: NOERROR answer; one.b.example. 60 CNAME w.a.example.; two.b.example. 60 CNAME "
         "one.b.example.; w.a.example. 60 A 192.0.2.2 -> NOERROR answer; one.b.example. 60 CNAME w.a.example.; "
         "two.b.example. 60 CNAME one.b.example.; w.a.example. 60 A 192.0.2.3\n"
         "3 names, 3 answers, 0 removed, zones +0 -0 ~1\n"},
        {{A("*.v 60 A 192.0.2.4\nthree 60 CNAME q.v\n")},
         {A("three 60 CNAME q.v\n")},
         "v.a.example. *: NOERROR nodata -> NXDOMAIN nxdomain\n"
         "*.v.a.example. A: NOERROR answer; *.v.a.example. 60 A 192.0.2.4 -> NXDOMAIN nxdomain\n"
         "~three.a.example. A: NOERROR answer; q.v.a.example. 60 A 192.0.2.4; three.a.example. 60 CNAME q.v.a.example. "
         "-> NXDOMAIN nxdomain; three.a.example. 60 CNAME q.v.a.example.\n"
         "3 names, 3 answers, 2 removed, zones +0 -0 ~1\n"},
        {{A("w 60 A 192.0.2.2\nd 60 DNAME @\n")},
         {A("w 60 A 192.0.2.3\nd 60 DNAME @\n")},
         "w.a.example. A: NOERROR answer; w.a.example. 60 A 192.0.2.2 -> NOERROR answer; w.a.example. 60 A 192.0.2.3\n"
         "~w.d.a.example. A: NOERROR answer; d.a.example. 60 DNAME a.example.; w.a.example. 60 A 192.0.2.2; "
         "w.d.a.example. 60 CNAME w.a.example. -> NOERROR answer; d.a.example. 60 DNAME a.example.; w.a.example. 60 A "
         "192.0.2.3; w.d.a.example. 60 CNAME w.a.example.\n"
         "2 names, 2 answers, 0 removed, zones +0 -0 ~1\n"},
        /* a zone inside another covers its names */
        {{A("w.c 60 A 192.0.2.2\n")},
         {A("w.c 60 A 192.0.2.2\n"), "c.a.example", "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.a.example.\n"},
         "c.a.example. NS: NOERROR nodata -> NOERROR answer; c.a.example. 60 NS ns.a.example.\n"
         "c.a.example. SOA: NOERROR nodata -> NOERROR answer; c.a.example. 60 SOA ns.c.a.example. h.c.a.example. 1 2 3 "
         "4 5\n"
         "w.c.a.example. A: NOERROR answer; w.c.a.example. 60 A 192.0.2.2 -> NXDOMAIN nxdomain\n"
         "2 names, 3 answers, 1 removed, zones +1 -0 ~0\n"},
        {{A(""), "c.example", "@ 60 SOA ns.a.example. h 1 2 3 4 5\n@ 60 NS ns.a.example.\n"},
         {A("")},
         "c.example. NS: NOERROR answer; c.example. 60 NS ns.a.example. -> REFUSED out-of-zone\n"
         "c.example. SOA: NOERROR answer; c.example. 60 SOA ns.a.example. h.c.example. 1 2 3 4 5 -> REFUSED "
         "out-of-zone\n"
         "*.c.example. *: NXDOMAIN nxdomain -> REFUSED out-of-zone\n"
         "2 names, 3 answers, 2 removed, zones +0 -1 ~0\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_zones(cases[i].before, cases[i].after, cases[i].wanted);
}

/* Nothing that is answered differently stays unsaid: random zones, and every name of a small world asked. */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static const char *const labels[] = {"a", "b", "*", "d", "q"};

/* Names of up to three labels below "z."; the last two labels of the list stand in no zone but as a DNAME's owner. */
static bool make_name(unsigned number, unsigned base, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (; number > 0; number /= base + 1) {
        if (number % (base + 1) == 0)
            return false;
        used += (size_t)snprintf(text + used, size - used, "%s.", labels[number % (base + 1) - 1]);
    }
    snprintf(text + used, size - used, "z.");
    return true;
}

static void write_owner(FILE *stream, const char *owner, uint32_t *seed)
{
    switch (next_random(seed) % 16) {
    case 0:
    case 1:
        fprintf(stream, "%s 60 A 192.0.2.%u\n", owner, next_random(seed) % 2);
        break;
    case 2:
        fprintf(stream, "%s 60 TXT %u\n%s 60 A 192.0.2.%u\n", owner, next_random(seed) % 2, owner,
                next_random(seed) % 2);
        break;
    case 3: {
        char target[100];
        while (!make_name(next_random(seed) % 216, 5, target, sizeof target))
            continue;
        fprintf(stream, "%s 60 CNAME %s\n", owner, target);
        break;
    }
    case 4:
        if (owner[0] != '*')
            fprintf(stream, "%s 60 NS ns%u.y.\n", owner, next_random(seed) % 2);
        break;
    default:
        break;
    }
}

/* The zone of a seed; with another `change` a few of its names are different. */
static char *random_text(uint32_t seed, uint32_t change)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(stream);
    fputs("@ 60 SOA ns.y. h 1 2 3 4 5\n@ 60 NS ns.y.\n", stream);
    for (unsigned i = 1; i < 64; i++) {
        char owner[100];
        uint32_t own = (seed + i) * UINT32_C(2654435761) | 1;
        next_random(&own);
        if (next_random(&change) % 20 == 0)
            own = change;
        if (make_name(i, 3, owner, sizeof owner))
            write_owner(stream, owner, &own);
    }
    if (seed % 4 == 0)
        fputs("d.z. 60 DNAME a.z.\n", stream);
    fclose(stream);
    return text;
}

struct told {
    char names[4000][24];
    uint16_t types[4000];
    size_t count;
};

static bool note_told(void *context, const struct change *change)
{
    struct told *told = context;
    char name[NAME_TEXT_MAX];

    name_to_text(change->name, name);
    assert_true(told->count < 4000 && strlen(name) < sizeof told->names[0]);
    memcpy(told->names[told->count], name, strlen(name) + 1);
    told->types[told->count++] = change->type;
    return true;
}

static bool is_told(const struct told *told, const char *name, uint16_t type)
{
    for (size_t i = 0; i < told->count; i++) {
        const char *one = told->names[i];
        uint16_t t = told->types[i];
        bool fits = t == type || t == 0 || t == RRTYPE_CNAME || t == RRTYPE_NS;
        if (fits && strcmp(one, name) == 0)
            return true;
        for (const char *dot = strchr(name, '.'); dot != NULL && dot[1] != '\0'; dot = strchr(dot + 1, '.'))
            if (strncmp(one, "*.", 2) == 0 && strcmp(one + 2, dot + 1) == 0)
                return true;
    }
    /* A name without records tells its being with one question for all types. */
    for (size_t i = 0; i < told->count; i++)
        if (strcmp(told->names[i], name) == 0)
            return true;
    return false;
}

static void ask_words(const struct side *side, const uint8_t *name, uint16_t type, char *words, size_t size)
{
    static struct answer answer;

    answer_reset(&answer);
    zone_lookup(&side->world.catalog, name, type, &answer);
    answer_words(&answer, words, size);
}

static void check_world(const struct side sides[2], const struct told *told)
{
    static const uint16_t types[] = {RRTYPE_A, RRTYPE_TXT, RRTYPE_NS, RRTYPE_CNAME, RRTYPE_SOA};

    for (unsigned i = 0; i < 1296; i++) {
        char text[100];
        uint8_t name[NAME_SIZE_MAX];
        size_t size = 0;
        if (!make_name(i, 5, text, sizeof text))
            continue;
        assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            char words[2][4000];
            ask_words(&sides[0], name, types[t], words[0], sizeof words[0]);
            ask_words(&sides[1], name, types[t], words[1], sizeof words[1]);
            if (strcmp(words[0], words[1]) != 0 && !is_told(told, text, types[t])) {
                fprintf(stderr, "not told: %s type %u: %s -> %s\n", text, types[t], words[0], words[1]);
                fail();
            }
        }
    }
}

static void test_nothing_unsaid(void **state)
{
    uint32_t seed = 4711;
    static struct told told;

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        struct side sides[2];
        struct changes *changes = NULL;
        struct changes_counts counts;
        struct diag diag;
        char *texts[2];
        diag_init(&diag);
        uint32_t zone_seed = next_random(&seed);
        for (unsigned i = 0; i < 2; i++) {
            const char *zones[5] = {"z", texts[i] = random_text(zone_seed, next_random(&seed))};
            side_init(&sides[i], ONE_VIEW, zones);
        }
        told.count = 0;
        assert_int_equal(changes_new(&sides[0].generation, &sides[1].generation, false, &changes), STATUS_OK);
        assert_int_equal(changes_walk(changes, 0, note_told, &told, &counts, &diag), STATUS_OK);
        assert_int_equal(counts.answers, told.count);
        check_world(sides, &told);
        changes_free(changes);
        for (unsigned i = 0; i < 2; i++) {
            free(texts[i]);
            side_clear(&sides[i]);
        }
        diag_clear(&diag);
    }
}

/* Views and the networks that see them. */

static void check_moves(const char *before, const char *after, const char *wanted)
{
    struct policy *policies[2] = {before == NULL ? NULL : read_policy(before), read_policy(after)};
    struct move *moves = NULL;
    size_t count = 0;
    char actual[1000] = "";
    size_t used = 0;

    assert_int_equal(moves_find(policies[0], policies[1], &moves, &count), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        char network[PREFIX_TEXT_MAX] = "any";
        if (!moves[i].any)
            prefix_to_text(&moves[i].network, network);
        used += (size_t)snprintf(actual + used, sizeof actual - used, "%s: %s -> %s\n", network,
                                 moves[i].before == VIEW_NONE ? "-" : policies[0]->views[moves[i].before].name,
                                 moves[i].after == VIEW_NONE ? "-" : policies[1]->views[moves[i].after].name);
    }
    assert_string_equal(actual, wanted);
    memory_free(moves);
    for (size_t i = 0; i < 2; i++)
        policy_free(policies[i]);
}

static void test_moves(void **state)
{
    static const struct {
        const char *before;
        const char *after;
        const char *wanted;
    } cases[] = {
        {ONE_VIEW, ONE_VIEW, ""},
        {NULL, ONE_VIEW, "any: - -> internet\n"},
        {ONE_VIEW, ONE_VIEW "[view lan]\nclients = 10.0.0.0/8\n", "10.0.0.0/8: internet -> lan\n"},
        {ONE_VIEW "[view lan]\nclients = 10.0.0.0/8, 10.1.0.0/16, 2001:db8::/32\n", ONE_VIEW,
         "10.0.0.0/8: lan -> internet\n2001:db8::/32: lan -> internet\n"},
        /* a network inside keeps its view, or gets another one */
        {ONE_VIEW "[view lan]\nclients = 10.0.0.0/8\n[view guest]\nclients = 10.9.0.0/16\n",
         ONE_VIEW "[view lan]\nclients = 10.9.0.0/16, 192.168.0.0/16\n[view guest]\nclients = 10.0.0.0/8\n",
         "10.0.0.0/8: lan -> guest\n10.9.0.0/16: guest -> lan\n192.168.0.0/16: internet -> lan\n"},
        /* split in two halves: nothing moves */
        {ONE_VIEW "[view lan]\nclients = 10.0.0.0/8\n", ONE_VIEW "[view lan]\nclients = 10.0.0.0/9, 10.128.0.0/9\n",
         ""},
        {"[view lan]\nclients = 10.0.0.0/8\n", "[view other]\nclients = any\n",
         "any: - -> other\n10.0.0.0/8: lan -> other\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_moves(cases[i].before, cases[i].after, cases[i].wanted);
}

/* Where names go that no zone holds. */

#define SITE     "[upstream site]\nservers = 192.0.2.53\n"
#define DC       "[upstream dc]\nservers = 192.0.2.54, 192.0.2.55@54\n"
#define LAN(key) "[view lan]\nclients = 10.0.0.0/8\n" key

static void route_words(const struct forward_route *route, char *words, size_t size)
{
    static const char *const kinds[] = {
        [FORWARD_REFUSED] = "refused", [FORWARD_NXDOMAIN] = "nxdomain", [FORWARD_NODATA] = "nodata"};

    snprintf(words, size, "%s", route->kind == FORWARD_UPSTREAM ? route->group->name : kinds[route->kind]);
}

static void print_route(const struct changes *changes, const struct changes_route *route, FILE *stream)
{
    static const char *const kinds[] = {[CHANGES_RECURSION] = "recursion",
                                        [CHANGES_OTHERS] = "others",
                                        [CHANGES_DOMAIN] = "",
                                        [CHANGES_SPECIAL_NAMES] = "special",
                                        [CHANGES_CANARY_NAMES] = "canary"};
    char domain[NAME_TEXT_MAX] = "";
    char before[40] = "";
    char after[40] = "";

    if (route->domain != NULL)
        name_to_text(route->domain, domain);
    if (route->kind == CHANGES_RECURSION)
        snprintf(after, sizeof after, "%s", route->recursion ? "yes" : "no");
    else {
        route_words(&route->before, before, sizeof before);
        route_words(&route->after, after, sizeof after);
    }
    fprintf(stream, "%s %s%s: %s -> %s\n", changes->views[route->view].name, kinds[route->kind], domain, before, after);
}

static void check_forward(const char *before, const char *after, const char *wanted)
{
    static const char *const zones[] = {A("w 60 A 192.0.2.1\n"), NULL};
    struct side sides[2];
    struct changes *changes = NULL;
    char *actual = NULL;
    size_t size = 0;

    side_init(&sides[0], before, zones);
    side_init(&sides[1], after, zones);
    assert_int_equal(changes_new(&sides[0].generation, &sides[1].generation, false, &changes), STATUS_OK);
    FILE *stream = open_memstream(&actual, &size);
    assert_non_null(stream);
    for (size_t i = 0; i < changes->forward.route_count; i++)
        print_route(changes, &changes->forward.routes[i], stream);
    for (size_t i = 0; i < changes->forward.upstream_count; i++)
        fprintf(stream, "%s: %zu -> %zu\n", changes->forward.upstreams[i].after->name,
                changes->forward.upstreams[i].before->server_count, changes->forward.upstreams[i].after->server_count);
    fclose(stream);
    assert_string_equal(actual, wanted);
    assert_true(changes_in_views(changes) == (wanted[0] != '\0'));
    free(actual);
    changes_free(changes);
    for (size_t i = 0; i < 2; i++)
        side_clear(&sides[i]);
}

static void test_forward(void **state)
{
    static const struct {
        const char *before;
        const char *after;
        const char *wanted;
    } cases[] = {
        {LAN(""), LAN(""), ""},
        {LAN("forward = site\n") SITE, LAN("forward = site\n") SITE, ""},
        {LAN(""), LAN("forward = site\n") SITE, "lan recursion:  -> yes\nlan others: refused -> site\n"},
        {LAN("forward = site\n") SITE, LAN(""), "lan recursion:  -> no\nlan others: site -> refused\n"},
        {LAN("forward = site\n") SITE, LAN("forward = dc\n") DC, "lan others: site -> dc\n"},
        /* another name for the same servers, other settings */
        {LAN("forward = site\n") SITE, LAN("forward = there\n") "[upstream there]\nservers = 192.0.2.53\nstale = 1h\n",
         ""},
        /* other servers under the same name; said once */
        {LAN("forward = site\n") SITE "[forward x.example]\nto = site\n",
         LAN("forward = site\n") "[upstream site]\nservers = 192.0.2.53@54\n[forward x.example]\nto = site\n",
         "site: 1 -> 1\n"},
        {LAN("forward = site\n") SITE DC "[forward x.example]\nto = dc\n[forward y.example]\nto = dc\n",
         LAN("forward = site\n") SITE DC "[forward x.example]\nto = nowhere\n[forward z.example]\nto = dc\n",
         "lan x.example.: dc -> nxdomain\nlan z.example.: site -> dc\nlan y.example.: dc -> site\n"},
        /* a section alone makes recursion; for a name of a zone of ours it shows in the answers */
        {LAN(""),
         LAN("") DC "[forward x.example]\nto = dc\nviews = lan\n"
                    "[forward w.a.example]\nto = dc\nviews = lan\n",
         "lan recursion:  -> yes\nlan x.example.: refused -> dc\n"},
        /* only in the views that it names */
        {LAN("forward = site\n") SITE "[view vpn]\nclients = 192.0.2.0/24\nforward = site\n",
         LAN("forward = site\n") SITE DC "[view vpn]\nclients = 192.0.2.0/24\nforward = site\n"
                                         "[forward x.example]\nto = dc\nviews = vpn\n",
         "vpn x.example.: site -> dc\n"},
        {LAN("forward = site\n") SITE, LAN("forward = site\nspecial-names = no\ncanary = no\n") SITE,
         "lan special: nodata -> site\nlan canary: nxdomain -> site\n"},
        {LAN("forward = site\ncanary = no\n") SITE, LAN("forward = site\n") SITE, "lan canary: site -> nxdomain\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_forward(cases[i].before, cases[i].after, cases[i].wanted);
}

static bool note_routes(void *context, const struct change *change)
{
    FILE *stream = context;
    char name[NAME_TEXT_MAX];
    char before[40] = "zone";
    char after[40] = "zone";

    name_to_text(change->name, name);
    if (change->before_route != NULL)
        route_words(change->before_route, before, sizeof before);
    if (change->after_route != NULL)
        route_words(change->after_route, after, sizeof after);
    fprintf(stream, "%s %s -> %s\n", name, before, after);
    return true;
}

/* Views with the same zones that forward differently are told apart just where it matters. */
static void check_groups(const char *const *before, const char *const *after, uint32_t joined, const char *wanted)
{
    static const char policy[] = LAN("forward = site\n") "[view guest]\nclients = 192.0.2.0/24\n"
                                                         "[view vpn]\nclients = 198.51.100.0/24\n"
                                                         "forward = site\n" SITE;
    struct side sides[2];
    struct changes *changes = NULL;
    struct changes_counts counts;
    struct diag diag;
    char *actual = NULL;
    size_t size = 0;

    diag_init(&diag);
    side_init(&sides[0], policy, before);
    side_init(&sides[1], policy, after);
    assert_int_equal(changes_new(&sides[0].generation, &sides[1].generation, false, &changes), STATUS_OK);
    assert_int_equal(changes->group_count, 2);
    assert_int_equal(changes->views[2].group, changes->views[0].group);
    FILE *stream = open_memstream(&actual, &size);
    assert_non_null(stream);
    for (uint32_t group = 0; group < changes->group_count; group++) {
        assert_int_equal(changes_walk(changes, group, note_routes, stream, &counts, &diag), STATUS_OK);
        if (!counts.is_routed)
            changes_join(changes, group);
    }
    fclose(stream);
    assert_string_equal(actual, wanted);
    assert_int_equal(changes->views[1].group, joined);
    free(actual);
    changes_free(changes);
    for (size_t i = 0; i < 2; i++)
        side_clear(&sides[i]);
    diag_clear(&diag);
}

static void test_groups(void **state)
{
    static const char *const one[] = {A("w 60 A 192.0.2.1\n"), NULL};
    static const char *const two[] = {A("w 60 A 192.0.2.2\n"), NULL};
    static const char *const alias[] = {A("w 60 CNAME cdn.b.example.\n"), NULL};
    static const char *const none[] = {NULL};

    (void)state;
    check_groups(one, two, 0, "w.a.example. zone -> zone\n");
    /* in `guest` the bare CNAME, in the others its target too */
    check_groups(one, alias, 1,
                 "w.a.example. zone -> site\nw.a.example. zone -> zone\n"
                 "w.a.example. zone -> refused\nw.a.example. zone -> zone\n");
    check_groups(two, none, 1,
                 "a.example. zone -> site\na.example. zone -> site\n*.a.example. zone -> site\n"
                 "ns.a.example. zone -> site\nw.a.example. zone -> site\n"
                 "a.example. zone -> refused\na.example. zone -> refused\n*.a.example. zone -> refused\n"
                 "ns.a.example. zone -> refused\nw.a.example. zone -> refused\n");
}

static bool stop_at_once(void *context, const struct change *change)
{
    (void)change;
    ++*(unsigned *)context;
    return false;
}

static void test_views(void **state)
{
    static const char before_policy[] =
        ONE_VIEW "[view lan]\nclients = 10.0.0.0/8\n[view old]\nclients = 10.1.0.0/16\n";
    static const char after_policy[] = ONE_VIEW "[view lan]\nclients = 10.0.0.0/8\n[view new]\nclients = 10.2.0.0/16\n";
    static const char *const before[] = {A("w 60 A 192.0.2.1\n"), NULL};
    static const char *const after[] = {A("w 60 A 192.0.2.2\nv 60 A 192.0.2.3\n"), NULL};
    struct side sides[2];
    struct changes *changes = NULL;
    struct changes_counts counts;
    struct diag diag;
    unsigned visits = 0;

    (void)state;
    diag_init(&diag);
    side_init(&sides[0], before_policy, before);
    side_init(&sides[1], after_policy, after);
    assert_int_equal(changes_new(&sides[0].generation, &sides[1].generation, false, &changes), STATUS_OK);
    assert_int_equal(changes->view_count, 4);
    assert_int_equal(changes->group_count, 1);
    assert_int_equal(changes->views[0].group, 0);
    assert_int_equal(changes->views[1].group, 0);
    assert_string_equal(changes->views[2].name, "new");
    assert_int_equal(changes->views[2].before, VIEW_NONE);
    assert_int_equal(changes->views[2].group, CHANGES_NO_GROUP);
    assert_string_equal(changes->views[3].name, "old");
    assert_int_equal(changes->views[3].after, VIEW_NONE);
    assert_int_equal(changes->move_count, 2);
    assert_true(changes_in_views(changes));
    assert_int_equal(changes_walk(changes, 0, stop_at_once, &visits, &counts, &diag), STATUS_OK);
    assert_int_equal(visits, 1);
    assert_int_equal(counts.answers, 2);
    changes_free(changes);

    assert_int_equal(changes_new(&sides[0].generation, &sides[0].generation, true, &changes), STATUS_OK);
    assert_int_equal(changes->group_count, 0);
    assert_false(changes_in_views(changes));
    changes_free(changes);

    struct generation nothing = {0};
    assert_int_equal(changes_new(&nothing, &sides[0].generation, true, &changes), STATUS_OK);
    assert_int_equal(changes->view_count, 3);
    assert_int_equal(changes->group_count, 0);
    changes_free(changes);
    for (size_t i = 0; i < 2; i++)
        side_clear(&sides[i]);
    diag_clear(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_nothing_unsaid), cmocka_unit_test(test_moves),
        cmocka_unit_test(test_forward), cmocka_unit_test(test_groups),         cmocka_unit_test(test_views),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

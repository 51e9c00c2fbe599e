/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random pairs of zones, adopted: answers must stay equal. The overlay's text is read again, laid over the outside
 * copy, compiled and asked. The seed is printed; ADOPT_SEED sets it, ADOPT_PAIRS how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/adopt.h"
#include "policy/adopt_proof.h"
#include "policy/adopt_text.h"
#include "policy/overlay.h"
#include "tests/adopt_fixture.h"
#include "tests/support.h"
#include "zones/lookup.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_WANTED 3000

static char *hides_text(const struct adopt_plan *plan)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    for (size_t i = 0; i < plan->hide_count; i++) {
        char hide[ADOPT_HIDE_TEXT_MAX];
        adopt_hide_to_text(&plan->hides[i], hide);
        fprintf(stream, "%s\n", hide);
    }
    fclose(stream);
    return text;
}

static const char *const names[] = {"@",     "a",     "b",       "c",       "*",      "a.a",   "b.a",
                                    "*.a",   "a.b",   "*.b",     "a.c",     "b.c.b",  "c.b.a", "a.a.a",
                                    "*.a.a", "*.c.b", "a.c.b.a", "www.a.c", "_dmarc", "d"};
static const char *const asked_heads[] = {"", "a.", "b.", "*.", "q.", "q.q.", "a.q.", "q.a."};
static const uint16_t asked_types[] = {RRTYPE_A,  RRTYPE_AAAA,  RRTYPE_TXT, RRTYPE_NS, RRTYPE_CNAME,
                                       RRTYPE_MX, RRTYPE_HTTPS, RRTYPE_DS,  RRTYPE_SOA};

struct generator {
    uint64_t state;
};

static unsigned below(struct generator *generator, unsigned limit)
{
    generator->state = generator->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(generator->state >> 33) % limit;
}

#define LINES_MAX 24
#define LINE_SIZE 100

static void make_line(struct generator *generator, char line[LINE_SIZE])
{
    const char *name = names[below(generator, sizeof names / sizeof names[0])];
    const char *target = names[1 + below(generator, sizeof names / sizeof names[0] - 1)];
    const char *ttl = below(generator, 10) == 0 ? "300 " : "";
    unsigned number = below(generator, 4);

    switch (below(generator, 16)) {
    case 0:
        snprintf(line, LINE_SIZE, "%s %sCNAME %s", name, ttl, target);
        break;
    case 1:
        snprintf(line, LINE_SIZE, "%s %sNS ns%u.other.", name, ttl, number);
        break;
    case 2:
        snprintf(line, LINE_SIZE, "%s %sDNAME %s", name, ttl, below(generator, 2) == 0 ? target : "other.");
        break;
    case 3:
    case 4:
        snprintf(line, LINE_SIZE, "%s %sMX 10 %s ; mail \"%u\"", name, ttl, target, number);
        break;
    case 5:
    case 6:
        snprintf(line, LINE_SIZE, "%s %sTXT \"t%u; x.\"", name, ttl, number);
        break;
    case 7:
        snprintf(line, LINE_SIZE, "%s %sAAAA 2001:db8::%u", name, ttl, number);
        break;
    case 8:
        snprintf(line, LINE_SIZE, "$GENERATE 1-2 %s A 192.0.2.$", name);
        break;
    case 9:
        snprintf(line, LINE_SIZE, "; about %s%s", name, number == 0 ? "\n" : "");
        break;
    default:
        snprintf(line, LINE_SIZE, "%s %sA 192.0.2.%u", name, ttl, number);
        break;
    }
}

/* Two zones that have most lines in common. */
static void make_pair(struct generator *generator, char *texts[2], size_t size)
{
    char line[LINE_SIZE];
    unsigned lines = 1 + below(generator, LINES_MAX);

    for (size_t side = 0; side < 2; side++)
        snprintf(texts[side], size, "$TTL %u\n@ SOA ns hostmaster %u 2 3 4 %u\n@ NS ns.other.\n",
                 below(generator, 12) == 0 ? 900 : 3600, below(generator, 3), below(generator, 12) == 0 ? 30 : 60);
    for (unsigned i = 0; i < lines; i++) {
        unsigned where = below(generator, 100);
        make_line(generator, line);
        for (size_t side = 0; side < 2; side++) {
            size_t used = strlen(texts[side]);
            if (where < 60 || (where < 80) == (side == 0))
                snprintf(texts[side] + used, size - used, "%s\n", line);
        }
    }
}

/* The zone that the overlay's text and the hides make. */
static struct zone *build_flat(const struct adopt_plan *plan, const char *text)
{
    char *written = adopt_fixture_overlay(plan, text, strlen(text));
    struct zone *own = adopt_fixture_zone("x.", "overlay.zone", written, strlen(written), false);
    struct overlay_hide *hides = calloc(plan->hide_count + 1, sizeof *hides);
    struct zone *flat = NULL;
    struct diag diag;

    diag_init(&diag);
    assert_non_null(own);
    assert_int_equal(own->count, plan->own->count);
    for (size_t i = 0; i < plan->hide_count; i++)
        hides[i] = (struct overlay_hide){.name = plan->hides[i].name, .below = plan->hides[i].below};
    struct overlay_input input = {.apex = own->apex,
                                  .view = 1,
                                  .mode = ZONE_MODE_OVERLAY,
                                  .base = plan->outside,
                                  .own = own->count > 0 ? own : NULL,
                                  .hides = hides,
                                  .hide_count = plan->hide_count};
    enum status status = overlay_build(&input, &diag, &flat);
    if (status != STATUS_OK) {
        diag_print(&diag, stderr);
        fprintf(stderr, "%s", written);
    }
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    free(hides);
    free(written);
    zone_free(own);
    return flat;
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The answer as text with its lines sorted, but for the order of the records of a set nothing is lost; no serial. */
static char *sorted_answer(const struct catalog *catalog, const uint8_t *name, uint16_t type)
{
    struct answer *answer = calloc(1, sizeof *answer);
    char *lines[256];
    size_t count = 0;
    char *sorted = NULL;
    size_t size = 0;

    answer_reset(answer);
    zone_lookup(catalog, name, type, answer);
    for (size_t i = 0; i < answer->count; i++)
        answer->rrsets[i].serial = 0;
    char *text = support_answer_text(answer);
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL && count < 256; line = strsep(&rest, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof lines[0], compare_lines);
    FILE *stream = open_memstream(&sorted, &size);
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s\n", lines[i]);
    fclose(stream);
    free(text);
    free(answer);
    return sorted;
}

static bool ask_all(const struct catalog *inside, const struct catalog *flat, uint64_t *asked)
{
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        for (size_t h = 0; h < sizeof asked_heads / sizeof asked_heads[0]; h++) {
            char text[200];
            uint8_t name[NAME_SIZE_MAX];
            snprintf(text, sizeof text, "%s%s%sx.", asked_heads[h], n == 0 ? "" : names[n], n == 0 ? "" : ".");
            adopt_fixture_name(text, name);
            for (size_t t = 0; t < sizeof asked_types / sizeof asked_types[0]; t++) {
                char *a = sorted_answer(inside, name, asked_types[t]);
                char *b = sorted_answer(flat, name, asked_types[t]);
                bool same = strcmp(a, b) == 0;
                if (!same)
                    fprintf(stderr, "%s type %u\ninside:\n%soverlay:\n%s", text, asked_types[t], a, b);
                free(a);
                free(b);
                ++*asked;
                if (!same)
                    return false;
            }
        }
    }
    return true;
}

static bool check_pair(char *const texts[2], const struct adopt_plan *plan, uint64_t *asked)
{
    struct zone *flat = build_flat(plan, texts[0]);
    struct adopt_view views[2] = {{0}, {0}};
    const struct zone *built = flat;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(adopt_view_init(&views[0], &plan->inside, 1, &diag), STATUS_OK);
    assert_int_equal(adopt_view_init(&views[1], &built, 1, &diag), STATUS_OK);
    bool good = ask_all(&views[0].catalog, &views[1].catalog, asked);
    if (!good) {
        char *hides = hides_text(plan);
        char *overlay = adopt_fixture_overlay(plan, texts[0], strlen(texts[0]));
        fprintf(stderr, "inside:\n%s\noutside:\n%s\noverlay:\n%s\nhide:\n%s", texts[0], texts[1], overlay, hides);
        free(hides);
        free(overlay);
    }
    adopt_view_clear(&views[0]);
    adopt_view_clear(&views[1]);
    diag_clear(&diag);
    zone_free(flat);
    return good;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void random_pairs(void **state)
{
    struct generator generator = {.state = number_of("ADOPT_SEED", 20261120)};
    uint64_t wanted = number_of("ADOPT_PAIRS", PAIRS_WANTED);
    uint64_t overlays = 0;
    uint64_t hides = 0;
    uint64_t asked = 0;
    char *texts[2] = {malloc(8192), malloc(8192)};
    (void)state;

    print_message("# seed %" PRIu64 "\n", generator.state);
    for (uint64_t i = 0; i < wanted; i++) {
        make_pair(&generator, texts, 8192);
        struct zone *inside = adopt_fixture_zone("x.", "inside.zone", texts[0], strlen(texts[0]), true);
        struct zone *outside = adopt_fixture_zone("x.", "outside.zone", texts[1], strlen(texts[1]), true);
        if (inside != NULL && outside != NULL) {
            struct adopt_plan *plan = adopt_fixture_plan(inside, outside);
            if (!plan->is_full) {
                overlays++;
                hides += plan->hide_count;
                assert_true(check_pair(texts, plan, &asked));
            }
            adopt_plan_free(plan);
        }
        zone_free(inside);
        zone_free(outside);
    }
    print_message("# %" PRIu64 " overlays with %" PRIu64 " hides, %" PRIu64 " questions\n", overlays, hides, asked);
    assert_true(overlays > wanted / 10);
    free(texts[0]);
    free(texts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_pairs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

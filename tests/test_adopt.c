/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt: pairs of zones and what becomes of them (tests/cases/adopt). Random pairs are in test_adopt_pairs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/adopt.h"
#include "policy/adopt_text.h"
#include "tests/adopt_fixture.h"
#include "tests/casefile.h"
#include "tests/support.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cases. */

static char *hides_text(const struct adopt_plan *plan)
{
    static const char *const doubts[] = {[ADOPT_PLAIN] = "",
                                         [ADOPT_EXPECTED] = " expected",
                                         [ADOPT_FORGOTTEN] = " forgotten",
                                         [ADOPT_FEWER] = " fewer",
                                         [ADOPT_TTL_ONLY] = " ttl"};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    for (size_t i = 0; i < plan->hide_count; i++) {
        char hide[ADOPT_HIDE_TEXT_MAX];
        adopt_hide_to_text(&plan->hides[i], hide);
        fprintf(stream, "%s%s\n", hide, doubts[plan->names[plan->hides[i].cause].doubt]);
    }
    fclose(stream);
    return text;
}

/* Names that the administrator should look at. */
static char *doubts_text(const struct adopt_plan *plan)
{
    static const char *const doubts[] = {[ADOPT_PLAIN] = "plain",
                                         [ADOPT_EXPECTED] = "expected",
                                         [ADOPT_FORGOTTEN] = "forgotten",
                                         [ADOPT_FEWER] = "fewer",
                                         [ADOPT_TTL_ONLY] = "ttl"};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    for (size_t i = 0; i < plan->count; i++) {
        char name[NAME_TEXT_MAX];
        if (plan->names[i].doubt != ADOPT_PLAIN)
            fprintf(stream, "%s %s\n", adopt_name_text(plan->names[i].name, name), doubts[plan->names[i].doubt]);
    }
    fclose(stream);
    return text;
}

static char *policy_text(const struct adopt_plan *plan)
{
    struct adopt_item item = {.apex = plan->inside->apex, .outside = plan->outside, .plan = plan};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_int_equal(adopt_write_policy(&item, 1, "127.10.0.0/16", stream), STATUS_OK);
    fclose(stream);
    return text;
}

static char *tests_text(const struct adopt_plan *plan)
{
    struct adopt_item item = {.apex = plan->inside->apex, .outside = plan->outside, .plan = plan};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_int_equal(adopt_write_tests(&item, 1, stream), STATUS_OK);
    fclose(stream);
    return text;
}

static bool check_block(const char *file, const struct case_block *block, const struct adopt_plan *plan,
                        const struct case_block *inside)
{
    char *actual = NULL;

    if (strcmp(block->head, "overlay") == 0)
        actual = adopt_fixture_overlay(plan, inside->body, inside->body_size);
    else if (strcmp(block->head, "hide") == 0)
        actual = hides_text(plan);
    else if (strcmp(block->head, "doubts") == 0)
        actual = doubts_text(plan);
    else if (strcmp(block->head, "policy") == 0)
        actual = policy_text(plan);
    else if (strcmp(block->head, "tests") == 0)
        actual = tests_text(plan);
    else if (strcmp(block->head, "full") == 0)
        actual = strdup(plan->reason);
    else
        fail_msg("%s: unknown block %s", file, block->head);
    bool good = case_matches(file, block, actual);
    if (plan->is_full != (strcmp(block->head, "full") == 0) && strcmp(block->head, "doubts") != 0 &&
        strcmp(block->head, "policy") != 0 && strcmp(block->head, "tests") != 0) {
        fprintf(stderr, "%s: %s (%s)\n", file, plan->is_full ? "stays full" : "is an overlay", plan->reason);
        good = false;
    }
    free(actual);
    return good;
}

static void run_case(void **state)
{
    const char *file = *state;
    size_t size;
    char *text = support_read(file, &size);
    char *cursor = text;
    struct case_block block;
    struct case_block inside = {0};
    struct zone *zones[2] = {NULL, NULL};
    struct adopt_plan *plan = NULL;
    bool good = true;

    while (case_next(&cursor, &block)) {
        if (strcmp(block.head, "note") == 0)
            continue;
        if (strcmp(block.head, "inside") == 0) {
            inside = block;
            zones[0] = adopt_fixture_zone("x.", "inside.zone", block.body, block.body_size, false);
        } else if (strcmp(block.head, "outside") == 0) {
            zones[1] = adopt_fixture_zone("x.", "outside.zone", block.body, block.body_size, false);
            assert_non_null(zones[0]);
            assert_non_null(zones[1]);
            plan = adopt_fixture_plan(zones[0], zones[1]);
        } else {
            assert_non_null(plan);
            good = check_block(file, &block, plan, &inside) && good;
        }
    }
    adopt_plan_free(plan);
    zone_free(zones[0]);
    zone_free(zones[1]);
    free(text);
    assert_true(good);
}

int main(void)
{
    return case_run_folder("adopt", run_case);
}

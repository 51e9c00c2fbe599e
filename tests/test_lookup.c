/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each file tests/cases/lookup/NAME.case is one deployment and its questions:
 *     == zone APEX        master-file text follows
 *     == ask NAME TYPE    the expected answer follows, as support_answer_text writes it
 *     == note             text for people
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/casefile.h"
#include "tests/support.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/prefetch.h"
#include "zones/zonefile.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool ask(struct support_world *world, const char *file, struct case_block *block)
{
    char name_text[NAME_TEXT_MAX];
    char type_text[RRTYPE_TEXT_MAX];
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    assert_int_equal(sscanf(block->head, "ask %1016s %31s", name_text, type_text), 2);
    assert_int_equal(name_from_text(name_text, strlen(name_text), NULL, name, &size), STATUS_OK);
    uint16_t type = strcmp(type_text, "ANY") == 0 ? RRTYPE_ANY : rrtype_from_text(type_text, strlen(type_text));
    assert_int_not_equal(type, 0);
    struct answer *answer = malloc(sizeof *answer);
    struct name_split split;
    struct prefetch prefetch;
    name_split(name, &split);
    prefetch_begin(&prefetch, &world->catalog, &split);
    prefetch_finish(&prefetch, 1);
    answer_reset(answer);
    zone_lookup_trace(&world->catalog, name, &split, type, NULL, answer);
    char *actual = support_answer_text(answer);
    bool same = case_matches(file, block, actual);
    free(actual);
    free(answer);
    return same;
}

static void run_case(void **state)
{
    const char *name = *state;
    size_t size;
    char *text = support_read(name, &size);
    struct support_world world;
    support_world_init(&world);
    char *cursor = text;
    struct case_block block;
    bool finished = false;
    unsigned failures = 0;
    while (case_next(&cursor, &block)) {
        if (strncmp(block.head, "zone ", 5) == 0)
            support_add_zone(&world, block.head + 5, block.body, block.body_size);
        else if (strncmp(block.head, "ask ", 4) == 0) {
            if (!finished)
                support_finish(&world);
            finished = true;
            failures += !ask(&world, name, &block);
        }
    }
    support_world_clear(&world);
    free(text);
    assert_int_equal(failures, 0);
}

int main(void)
{
    return case_run_folder("lookup", run_case);
}

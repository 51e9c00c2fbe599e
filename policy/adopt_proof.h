/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt_proof: do two catalogs answer the same? For every name that the given zones hold, every name above it, names
 * one and two labels below it that nobody has, and every type that occurs, both are asked, with additional data.
 *
 * Sets of records are compared, with their TTLs; serials are not. One thread.
 */
#ifndef SPLITVIEW_POLICY_ADOPT_PROOF_H
#define SPLITVIEW_POLICY_ADOPT_PROOF_H

#include "policy/nameset.h"
#include "zones/catalog.h"
#include "zones/compile.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADOPT_TYPES_MAX 512 /* types that are asked for; any beyond are not */

struct adopt_questions {
    struct nameset names;
    uint16_t types[ADOPT_TYPES_MAX];
    size_t type_count;
};

void adopt_questions_init(struct adopt_questions *questions);
void adopt_questions_clear(struct adopt_questions *questions);

/* Add names and types of a frozen zone. NO_MEMORY. */
enum status adopt_questions_add(struct adopt_questions *questions, const struct zone *zone);

/* The zones of one view, compiled; all owned. */
struct adopt_view {
    struct compiled *compiled;
    struct image_ref *images;
    size_t count;
    uint8_t *block;
    struct catalog catalog;
};

/* Compile frozen zones with different apexes. NO_MEMORY, TOO_LARGE, DAMAGED. Cleared by the caller in any case. */
enum status adopt_view_init(struct adopt_view *view, const struct zone *const *zones, size_t count, struct diag *diag);
void adopt_view_clear(struct adopt_view *view);

/* The first question that is answered differently. */
struct adopt_difference {
    bool found;
    uint8_t name[NAME_SIZE_MAX];
    uint16_t type;
    char before[80]; /* what it was answered, in few words */
    char after[80];
};

/* Ask both all questions. *asked is how many there were. NO_MEMORY. */
enum status adopt_compare(struct adopt_questions *questions, const struct catalog *before, const struct catalog *after,
                          struct adopt_difference *difference, uint64_t *asked);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * depth: zones and [forward] domains inside zones. A name belongs to the deepest of its view at or above it; data of a
 * view's own file that lie at or below a deeper one of that view would never be answered, and are an error that names
 * the file they belong in, or the section. NS, DS and glue are the parent's and stay. One thread.
 */
#ifndef SPLITVIEW_POLICY_DEPTH_H
#define SPLITVIEW_POLICY_DEPTH_H

#include "policy/flatten.h"
#include "policy/policy.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stddef.h>

/* For each file the deeper zones that its view serves, as numbers of plan->files, in the order of the view's zones. */
struct depth {
    size_t *first; /* per file, and one more: where its part of `below` begins */
    size_t *below;
};

/* NO_MEMORY. `depth` is the caller's to depth_clear, also then. */
enum status depth_init(struct depth *depth, const struct flatten *plan);
void depth_clear(struct depth *depth);

size_t depth_count(const struct depth *depth, size_t file);
/* Deeper zone number `index` of a file, as a number of plan->files. */
size_t depth_file(const struct depth *depth, size_t file, size_t index);

/* Judge one frozen zone. BAD_INPUT after a message for each RRset; NO_MEMORY. */
enum status depth_check(const struct depth *depth, const struct flatten *plan, size_t file, const char *view,
                        const struct zone *zone, struct diag *diag);

#endif

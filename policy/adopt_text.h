/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt_text: what an adopted zone looks like on paper: the overlay's master file, policy.conf and a first test file.
 *
 * Lines of the inside copy that stay are taken over as they were written, with their comments, where that is possible.
 * The caller checks the stream for errors. One thread.
 */
#ifndef SPLITVIEW_POLICY_ADOPT_TEXT_H
#define SPLITVIEW_POLICY_ADOPT_TEXT_H

#include "policy/adopt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One apex of the tree that is written. */
struct adopt_item {
    const uint8_t *apex;
    const struct zone *outside;    /* NULL: the zone is inside only */
    const struct adopt_plan *plan; /* NULL: the zone is in one of the copies only */
};

/* internal/APEX.zone of an overlay that owns something. `text` is that of the inside copy's first file. NO_MEMORY. */
enum status adopt_write_overlay(const struct adopt_plan *plan, const char *text, size_t size, FILE *stream);

/* `clients` as policy.conf writes them, lists too; NULL: all private networks, for a start. NO_MEMORY. */
enum status adopt_write_policy(const struct adopt_item *items, size_t count, const char *clients, FILE *stream);

/* Does the record carry an address that does not belong into an external view? */
bool adopt_is_private(const struct zone *zone, const struct zone_record *record);

/* tests/adopted.views. NO_MEMORY. */
enum status adopt_write_tests(const struct adopt_item *items, size_t count, FILE *stream);

/* A name without the final dot; "@" is the root's file name. */
const char *adopt_name_text(const uint8_t *name, char text[NAME_TEXT_MAX]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile_generate: the text work of $GENERATE: its range and the places where the number goes. Pure functions; any
 * thread.
 */
#ifndef SPLITVIEW_ZONES_ZONEFILE_GENERATE_H
#define SPLITVIEW_ZONES_ZONEFILE_GENERATE_H

#include "zones/bytes.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

#define GENERATE_WIDTH_MAX 255 /* characters of one number */

struct generate_range {
    uint32_t start;
    uint32_t stop; /* included */
    uint32_t step; /* at least 1 */
};

/* "1-20" or "1-20/2"; numbers up to 2^31-1. BAD_INPUT. */
enum status generate_range_from_text(const char *text, size_t size, struct generate_range *range);

/* How many numbers the range holds. */
uint64_t generate_range_count(const struct generate_range *range);

/*
 * Append `text` to `out` with the number put in: "$" is the number, "${offset[,width[,base]]}" a number with an offset,
 * zero-filled to `width`, in base d, o, x, X, or n, N for nibbles as in ip6.arpa; "$$" is a dollar, and what a
 * backslash precedes stays as it is. BAD_INPUT for a bad "${", a base other than these, or a number below zero in a
 * base other than d. TOO_LARGE, NO_MEMORY.
 */
enum status generate_expand(const char *text, size_t size, uint32_t number, struct bytes *out);

#endif

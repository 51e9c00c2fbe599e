/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile_ahead: the second half of a large master file, read by a thread of its own while the first half is read.
 *
 * The thread guesses that the first half changes neither $ORIGIN nor $TTL and ends where a line ends. It reads records
 * alone, and stops before the first directive. If the guess was right and nothing is to be said of what it read, its
 * records join those of the first half; if not, they are forgotten, and the reader goes on as if nothing had been.
 * Either way records, places and messages are those that one thread would have made.
 *
 * All functions are for the thread that reads the file.
 */
#ifndef SPLITVIEW_ZONES_ZONEFILE_AHEAD_H
#define SPLITVIEW_ZONES_ZONEFILE_AHEAD_H

#include "zones/entry.h"
#include "zones/zonefile_level.h"

#include <stddef.h>

#define ZONEFILE_AHEAD_LEAST ((size_t)4 << 20) /* bytes of text that are worth it */

struct zonefile_ahead {
    size_t next;                /* position of the reader at which to call zonefile_ahead_step; SIZE_MAX: never */
    struct zonefile_part *part; /* what the thread reads; NULL: not begun, or done with */
};

/* For one file from its begin. */
void zonefile_ahead_init(struct zonefile_ahead *ahead, const struct zonefile_reading *reading,
                         const struct zonefile_level *level, const struct entry_reader *reader);

/* Between two entries, when the reader stands at `next` or behind it: begin the second half, or join it. NO_MEMORY. */
enum status zonefile_ahead_step(struct zonefile_ahead *ahead, struct zonefile_reading *reading,
                                struct zonefile_level *level, struct entry_reader *reader);

/* Wait for the thread, if there is one, and forget what it read. */
void zonefile_ahead_clear(struct zonefile_ahead *ahead);

#endif

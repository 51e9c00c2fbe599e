/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial: which SOA serial each zone of a candidate is published with. It never goes back (RFC 1982) while the store
 * lives: not when a file's serial does, not when a zone disappears and comes again, not after a rollback. One thread.
 */
#ifndef SPLITVIEW_POLICY_SERIAL_H
#define SPLITVIEW_POLICY_SERIAL_H

#include "policy/candidate.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stdint.h>

enum serial_mode {
    SERIAL_FILE,    /* the file's, or the last one + 1 if that is ahead and the zone changed */
    SERIAL_COUNTER, /* the last one + 1 if the zone changed; the first is 1 */
    SERIAL_UNIXTIME /* the time of the import if the zone changed */
};                  /* as in options.def */

struct serial_options {
    enum serial_mode mode;
    bool has_floor;
    uint32_t floor; /* of zones that the store does not know */
    uint64_t now;   /* seconds since 1970 */
};

/* `a` is after `b` in the order of RFC 1982 3.2. */
bool serial_is_ahead(uint32_t a, uint32_t b);

/*
 * Set the serials in candidate->files from what the generation before published (`last`, with last->number 0 if there
 * is none) and from what the store remembers of zones that went. A file that several views serve has one serial: the
 * one furthest ahead of what any of them needs. DAMAGED with a message: a catalog of the generation before.
 */
enum status serial_choose(const struct serial_options *options, const struct snapshot *snapshot,
                          const struct store_generation *last, struct candidate *candidate, struct diag *diag);

#endif

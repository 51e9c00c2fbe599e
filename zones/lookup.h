/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookup: RFC 1034 4.3.2 with 2308, 4592, 6604, 6672 and 8020, over the catalog of one view. A pure function over
 * memory.
 */
#ifndef SPLITVIEW_ZONES_LOOKUP_H
#define SPLITVIEW_ZONES_LOOKUP_H

#include "zones/answer.h"
#include "zones/catalog.h"
#include "zones/trace.h"

#include <stdint.h>

/*
 * Answer `name` and `type` (class IN) from the zones of `catalog` into `answer`, which the caller has reset. Follows
 * CNAME and DNAME through all zones of the catalog. Hidden names do not exist; a name that a pinpoint zone lacks is out
 * of zone, and no shallower zone is asked for it. `name` must live as long as `answer`: owners borrow from it. Never
 * fails: damage gives OUTCOME_FAILURE and SERVFAIL.
 */
void zone_lookup(const struct catalog *catalog, const uint8_t *name, uint16_t type, struct answer *answer);

/* The same with its reasons. `split` is the name taken apart, NULL if nobody did; `trace` may be NULL. */
void zone_lookup_trace(const struct catalog *catalog, const uint8_t *name, const struct name_split *split,
                       uint16_t type, struct trace *trace, struct answer *answer);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * additional: glue and additional addresses for a decided answer (RFC 1034 4.3.2 step 6, 9460 4.1, 9471).
 */
#ifndef SPLITVIEW_ZONES_ADDITIONAL_H
#define SPLITVIEW_ZONES_ADDITIONAL_H

#include "zones/answer.h"
#include "zones/catalog.h"

/*
 * Add A and AAAA of the targets of NS, MX, SRV, SVCB, HTTPS and their like from the zones of `catalog`, and for SVCB
 * and HTTPS the target's records of that type, and so on from there (RFC 9460 4.1). Glue below the delegation itself is
 * needed (not optional); all else is optional. Stops quietly when the answer is full. A pure function; same lifetimes
 * as zone_lookup.
 */
void additional_add(const struct catalog *catalog, struct answer *answer);

#endif

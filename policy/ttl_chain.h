/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttl_chain: no RRset that a CNAME leads to lives longer than the CNAME's rule says (format.md P7, A21): a walk through
 * the flat zones of one view, as a question would go. One thread.
 */
#ifndef SPLITVIEW_POLICY_TTL_CHAIN_H
#define SPLITVIEW_POLICY_TTL_CHAIN_H

#include "zones/status.h"
#include "zones/zone.h"

#include <stddef.h>
#include <stdint.h>

/* The zones of a view by apex. */
struct ttl_chain {
    struct zone **zones; /* the array is owned, the zones are not */
    size_t count;
};

/* NO_MEMORY. */
enum status ttl_chain_init(struct ttl_chain *chain, struct zone *const *zones, size_t count);
void ttl_chain_clear(struct ttl_chain *chain);

/* A limit: reason, ttl, view and rule as zone_change_ttl takes them, and the CNAME that hands it on. */
struct ttl_limit {
    struct zone_ttl_change change;
    const uint8_t *cname; /* borrowed */
};

/*
 * Lower to the limit the TTL of every RRset but SOA of every name from `target` on: the name itself or the wildcard
 * that stands for it, DNAMEs on the way, and on through CNAMEs. It ends at a delegation, at a hidden or missing name,
 * and after as many hops as an answer takes. NO_MEMORY, TOO_LARGE.
 */
enum status ttl_chain_cap(const struct ttl_chain *chain, const uint8_t *target, const struct ttl_limit *limit);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes_forward: where the names go that no zone of a view holds, before and after a change of policy. Pure functions
 * over generations that nobody changes; any thread.
 */
#ifndef SPLITVIEW_POLICY_CHANGES_FORWARD_H
#define SPLITVIEW_POLICY_CHANGES_FORWARD_H

#include "policy/forward.h"
#include "policy/generation.h"
#include "zones/answer.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changes_view;

enum changes_route_kind {
    CHANGES_RECURSION,     /* the view gains or loses it */
    CHANGES_OTHERS,        /* names of no zone and no [forward], those that a pinpoint zone lacks, below delegations */
    CHANGES_DOMAIN,        /* a [forward] domain of either policy */
    CHANGES_SPECIAL_NAMES, /* they were answered here, or are now; the routes are those of the first */
    CHANGES_CANARY_NAMES
};

/* Names of a view that go elsewhere. */
struct changes_route {
    uint32_t view; /* number in the views given */
    enum changes_route_kind kind;
    const uint8_t *domain;       /* CHANGES_DOMAIN only; borrowed from the policy */
    struct forward_route before; /* of CHANGES_RECURSION not filled */
    struct forward_route after;
    bool recursion; /* CHANGES_RECURSION only: after the change */
};

/* An upstream in use that keeps its name and has other servers. Borrowed from the policies. */
struct changes_upstream {
    const struct upstream_group *before;
    const struct upstream_group *after;
};

struct changes_forward {
    struct changes_route *routes; /* by view, kind */
    size_t route_count;
    struct changes_upstream *upstreams;
    size_t upstream_count;
};

/*
 * Compare the routes of the views that are in both generations; both must outlive the result, which is the caller's to
 * clear, on failure too. NO_MEMORY.
 */
enum status changes_forward_find(const struct generation *before, const struct generation *after,
                                 const struct changes_view *views, uint32_t view_count,
                                 struct changes_forward *forward);
void changes_forward_clear(struct changes_forward *forward);

/* Do names that take these routes go to the same place? Groups are the same by their name or by their servers. */
bool changes_forward_same(const struct forward_route *a, const struct forward_route *b);

/* Look a name up for a client who wants recursion; true if the zones leave it to others: then `route` is filled. */
bool changes_forward_ask(const struct generation *generation, uint32_t view, const uint8_t *name, uint16_t type,
                         struct answer *answer, struct forward_route *route);

#endif

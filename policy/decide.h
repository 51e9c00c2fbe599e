/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decide: from who asks and what is asked to an answer, or to the upstream that has it. The server, and every command
 * that says what a client gets, call these functions.
 */
#ifndef SPLITVIEW_POLICY_DECIDE_H
#define SPLITVIEW_POLICY_DECIDE_H

#include "policy/forward.h"
#include "policy/generation.h"
#include "policy/view.h"
#include "zones/answer.h"
#include "zones/trace.h"

#include <stdbool.h>
#include <stdint.h>

/* A question in class IN. `name` must live as long as the answer. */
struct question {
    const uint8_t *name;
    const struct name_split *split; /* the name taken apart, if that was done before; else NULL */
    uint16_t type;
    uint64_t now;   /* seconds since 1970, for cut-overs; 0: they are off */
    bool recursion; /* RD: what the view's zones leave to others may be asked upstream */
};

/*
 * Choose the view and look the question up in it. `answer` is reset here. Returns the view (index into
 * generation->policy->views, VIEW_NONE: refused) and the scope. Nobody is asked upstream: where that would be next, the
 * outcome is OUTCOME_FORWARD and the chain stands as far as our zones go. No allocation, no lock, no clock, no system
 * call; any thread that holds the generation.
 */
struct view_match decide_answer(const struct generation *generation, const struct client *client,
                                const struct question *question, struct answer *answer);

/* The same with its reasons; `trace` may be NULL. `route` (may be NULL) is filled if answer->next is not NULL. */
struct view_match decide_answer_trace(const struct generation *generation, const struct client *client,
                                      const struct question *question, struct trace *trace, struct answer *answer,
                                      struct forward_route *route);

/* The second half: the answer of a view that is known already, for a client that would get it; VIEW_NONE: refused. */
void decide_in_view(const struct generation *generation, uint32_t view, const struct client *client,
                    const struct question *question, struct trace *trace, struct answer *answer,
                    struct forward_route *route);

/*
 * Look `name`, the question's own or one that it led to, up in a view. What stands in `answer` stays, and holds nothing
 * but an answer section; it was reset before the first call. `name` must live as long as the answer. `trace` may be
 * NULL. Afterwards answer->next is
 *   NULL: our zones decided, and `route` is not written;
 *   else the name they leave to others, and `route` says where it goes. FORWARD_UPSTREAM: the outcome is
 *     OUTCOME_FORWARD, and of a referral of ours nothing is left (A3). Answered here: outcome, rcode and records are
 *     set. FORWARD_REFUSED: the referral of ours, or REFUSED, or the chain so far with NOERROR (A24).
 */
void decide_lookup(const struct generation *generation, uint32_t view, const struct question *question,
                   const uint8_t *name, struct trace *trace, struct answer *answer, struct forward_route *route);

/* The view has an answer of its own to this name, be it that it does not exist: others are not believed about it. */
bool decide_owns(const struct generation *generation, uint32_t view, const uint8_t *name);

/* The name lies in a zone that some view has. */
bool decide_is_split(const struct generation *generation, const uint8_t *name);

/* The view asks upstream for something (RA); false for VIEW_NONE. */
bool decide_has_recursion(const struct generation *generation, uint32_t view);

#endif

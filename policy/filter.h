/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter: rules on a decided answer that depend on the client or the clock.
 */
#ifndef SPLITVIEW_POLICY_FILTER_H
#define SPLITVIEW_POLICY_FILTER_H

#include "policy/policy.h"
#include "policy/view.h"
#include "zones/answer.h"
#include "zones/trace.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * ANY over UDP gets one RRset of the name, not all (RFC 8482 4.1: a small answer to a question that is mostly asked to
 * amplify); with `minimal = yes` optional additional records go; in an external view private addresses are withheld
 * (leak.h); then TTLs count down to cut-overs at `now` (cutover.h; 0: off). Changes only the list in `answer`. Pure;
 * any thread.
 * `trace` takes the reasons, NULL: nobody asks.
 */
void filter_answer(const struct policy *policy, uint32_t view, const struct client *client, uint16_t type, uint64_t now,
                   struct trace *trace, struct answer *answer);

/* Do two views do the same to every answer, and send its records in the same order? No, where that is hard to tell. */
bool filter_alike(const struct policy *policy, uint32_t a, uint32_t b);

/* Of an answer to ANY, one RRset (RFC 8482 4.1). Pure; any thread. */
void filter_keep_one(struct answer *answer);

#endif

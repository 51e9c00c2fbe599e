/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * decide: from who asks and what is asked to an answer. The server, and every command that says what a client gets,
 * call this one function.
 */
#ifndef SPLITVIEW_POLICY_DECIDE_H
#define SPLITVIEW_POLICY_DECIDE_H

#include "policy/generation.h"
#include "policy/view.h"
#include "zones/answer.h"
#include "zones/trace.h"

#include <stdint.h>

/* A question in class IN. `name` must live as long as the answer. */
struct question {
    const uint8_t *name;
    uint16_t type;
    uint64_t now; /* seconds since 1970, for cut-overs; 0: they are off */
};

/*
 * Choose the view and look the question up in it. `answer` is reset here. Returns the view (index into
 * generation->policy->views, VIEW_NONE: refused) and the scope. No allocation, no lock, no clock, no system call; any
 * thread that holds the generation.
 */
struct view_match decide_answer(const struct generation *generation, const struct client *client,
                                const struct question *question, struct answer *answer);

/* The same with its reasons; `trace` may be NULL. */
struct view_match decide_answer_trace(const struct generation *generation, const struct client *client,
                                      const struct question *question, struct trace *trace, struct answer *answer);

/* The second half: the answer of a view that is known already, for a client that would get it; VIEW_NONE: refused. */
void decide_in_view(const struct generation *generation, uint32_t view, const struct client *client,
                    const struct question *question, struct trace *trace, struct answer *answer);

#endif

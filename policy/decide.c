/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/decide.h"

#include "policy/filter.h"
#include "policy/view_trace.h"
#include "zones/lookup.h"

#include <assert.h>

static void refuse(struct answer *answer)
{
    answer->outcome = OUTCOME_REFUSED;
    answer->rcode = RCODE_REFUSED;
}

struct view_match decide_answer(const struct generation *generation, const struct client *client,
                                const struct question *question, struct answer *answer)
{
    return decide_answer_trace(generation, client, question, NULL, answer);
}

struct view_match decide_answer_trace(const struct generation *generation, const struct client *client,
                                      const struct question *question, struct trace *trace, struct answer *answer)
{
    struct view_match match = {.view = VIEW_NONE};
    if (generation->policy != NULL)
        match = view_select(generation->policy, client);
    if (trace != NULL)
        view_trace(generation->policy, client, &match, trace);
    decide_in_view(generation, match.view, client, question, trace, answer);
    return match;
}

void decide_in_view(const struct generation *generation, uint32_t view, const struct client *client,
                    const struct question *question, struct trace *trace, struct answer *answer)
{
    answer_reset(answer);
    if (view == VIEW_NONE) {
        refuse(answer);
        return;
    }
    assert(view < generation->catalog_count);
    zone_lookup_trace(&generation->catalogs[view], question->name, question->type, trace, answer);
    if (answer->outcome == OUTCOME_OUT_OF_ZONE && answer->count == 0)
        answer->rcode = RCODE_REFUSED;
    filter_answer(generation->policy, view, client, question->type, question->now, trace, answer);
}

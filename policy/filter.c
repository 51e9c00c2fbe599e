/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/filter.h"

static bool is_kept(const struct policy_view *view, const struct answer_rrset *entry)
{
    return !(view->minimal && entry->optional);
}

/* The RRset of the answer section with the fewest bytes. */
static uint16_t find_smallest(const struct answer *answer)
{
    uint16_t smallest = 0;
    for (uint16_t i = 1; i < answer->count && answer->rrsets[i].section == SECTION_ANSWER; i++)
        if (answer->rrsets[i].rrset.size < answer->rrsets[smallest].rrset.size)
            smallest = i;
    return smallest;
}

/* The smallest: the least to send to a forged address, and it fits if any does. A DNAME above the name goes with the
 * CNAME made from it (RFC 6672 3.1). */
void filter_keep_one(struct answer *answer)
{
    answer->overflow = false;
    if (answer->count < 2 || answer->outcome != OUTCOME_ANSWER || answer->rrsets[0].section != SECTION_ANSWER)
        return;
    if (answer->rrsets[0].rrset.type == RRTYPE_DNAME && answer->rrsets[1].rrset.type == RRTYPE_CNAME) {
        answer->count = 2;
        return;
    }
    answer->rrsets[0] = answer->rrsets[find_smallest(answer)];
    answer->count = 1;
}

static void drop_optional(const struct policy_view *view, struct answer *answer)
{
    uint16_t kept = 0;
    for (uint16_t i = 0; i < answer->count; i++)
        if (is_kept(view, &answer->rrsets[i]))
            answer->rrsets[kept++] = answer->rrsets[i];
    answer->count = kept;
}

/* ---- reasons ---- */

static void note_any(struct trace *trace, uint16_t before, const struct answer *answer)
{
    if (trace != NULL && answer->count < before)
        trace_add(trace, TRACE_ONE_OF_ANY, NULL);
}

static void note_optional(struct trace *trace, const struct policy_view *view, const struct answer *answer)
{
    if (trace == NULL)
        return;
    for (uint16_t i = 0; i < answer->count; i++)
        if (!is_kept(view, &answer->rrsets[i]))
            trace_add(trace, TRACE_LEFT_OUT, answer->rrsets[i].owner)->type = answer->rrsets[i].rrset.type;
}

static void note_withheld(struct trace *trace, const struct answer *answer)
{
    if (trace != NULL && answer->withheld > 0)
        trace_add(trace, TRACE_WITHHELD, NULL)->number = answer->withheld;
}

/* Count down, and tell each TTL that changes. */
static void count_down(struct trace *trace, const struct policy *policy, uint16_t type, uint64_t now,
                       struct answer *answer)
{
    uint32_t before[ANSWER_RRSETS_MAX];
    for (uint16_t i = 0; i < answer->count; i++)
        before[i] = answer->rrsets[i].rrset.ttl;
    cutover_apply(policy->cutover, type, now, answer);
    for (uint16_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->rrset.ttl == before[i])
            continue;
        struct trace_step *step = trace_add(trace, TRACE_COUNTDOWN, entry->owner);
        step->type = entry->rrset.type;
        step->number = before[i];
        step->other = entry->rrset.ttl;
    }
}

void filter_answer(const struct policy *policy, uint32_t view, const struct client *client, uint16_t type, uint64_t now,
                   struct trace *trace, struct answer *answer)
{
    const struct policy_view *seen = &policy->views[view];
    if (type == RRTYPE_ANY && client->transport == TRANSPORT_UDP) {
        uint16_t before = answer->count;
        filter_keep_one(answer);
        note_any(trace, before, answer);
    }
    if (seen->minimal) {
        note_optional(trace, seen, answer);
        drop_optional(seen, answer);
    }
    if (seen->is_external) {
        leak_withhold(&seen->allow_private, answer);
        note_withheld(trace, answer);
    }
    if (trace == NULL)
        cutover_apply(policy->cutover, type, now, answer);
    else
        count_down(trace, policy, type, now, answer);
}

static bool allows_nothing(const struct leak_allowed *allowed)
{
    return allowed->owners.count == 0 && allowed->answers.count == 0;
}

bool filter_alike(const struct policy *policy, uint32_t a, uint32_t b)
{
    const struct policy_view *one = &policy->views[a];
    const struct policy_view *other = &policy->views[b];
    if (one->minimal != other->minimal || one->order != other->order || one->is_external != other->is_external)
        return false;
    return !one->is_external || (allows_nothing(&one->allow_private) && allows_nothing(&other->allow_private));
}

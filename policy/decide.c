/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/decide.h"

#include "policy/filter.h"
#include "policy/forward_special.h"
#include "policy/view_trace.h"
#include "zones/lookup.h"

#include <assert.h>

static void refuse(struct answer *answer)
{
    answer->outcome = OUTCOME_REFUSED;
    answer->rcode = RCODE_REFUSED;
}

/* ---- names that are left to others ---- */

/* The deepest zone of the view at or above a name; NULL: none. */
static const uint8_t *find_apex(const struct catalog *catalog, const struct name_split *split)
{
    uint32_t index;
    const struct catalog_entry *entry = catalog_find(catalog, split, split->labels, &index);
    return entry == NULL ? NULL : catalog_apex(catalog, entry);
}

static void find_route(const struct generation *generation, uint32_t view, const struct question *question,
                       const uint8_t *name, struct forward_route *route)
{
    const struct forward_rules *rules = generation->policy->forward;
    struct name_split made;
    const struct name_split *split = name == question->name ? question->split : NULL;
    if (split == NULL) {
        name_split(name, &made);
        split = &made;
    }
    forward_find(rules, view, split, question->type, question->recursion, NULL, route);
    if (route->reason != FORWARD_SPECIAL)
        return;
    const uint8_t *apex = find_apex(&generation->catalogs[view], split);
    if (apex != NULL)
        forward_find(rules, view, split, question->type, question->recursion, apex, route);
}

/* A delegation of ours goes on upstream for those who cannot follow it themselves; others get the referral (A3), unless
 * the policy says that there is nothing. */
static bool keeps_referral(const struct question *question, const struct forward_route *route)
{
    if (route->kind == FORWARD_REFUSED)
        return true;
    return !question->recursion && route->reason != FORWARD_BY_SECTION;
}

static void drop_referral(struct answer *answer)
{
    while (answer->count > 0 && answer->rrsets[answer->count - 1].section != SECTION_ANSWER)
        answer->count--;
    answer->overflow = false;
}

static void answer_negative(struct answer *answer, enum outcome outcome, const struct forward_route *route)
{
    const uint8_t *owner = route->domain != NULL ? route->domain : answer->next;
    struct answer_rrset *soa;
    if (answer->count == 0)
        answer->authoritative = true;
    answer->outcome = outcome;
    answer->rcode = outcome == OUTCOME_NXDOMAIN ? RCODE_NXDOMAIN : RCODE_NOERROR;
    if (answer_add(answer, SECTION_AUTHORITY, owner, forward_soa(route), &soa))
        soa->serial = 1;
}

static void answer_loopback(struct answer *answer, uint16_t type)
{
    if (answer->count == 0)
        answer->authoritative = true;
    answer->outcome = OUTCOME_ANSWER;
    answer_add(answer, SECTION_ANSWER, answer->next, special_loopback(type), NULL);
}

static void follow_route(const struct question *question, struct answer *answer, const struct forward_route *route)
{
    if (answer->outcome == OUTCOME_DELEGATION) {
        if (keeps_referral(question, route))
            return;
        drop_referral(answer);
    }
    switch (route->kind) {
    case FORWARD_REFUSED:
        if (answer->count == 0)
            answer->rcode = RCODE_REFUSED;
        break;
    case FORWARD_NXDOMAIN:
        answer_negative(answer, OUTCOME_NXDOMAIN, route);
        break;
    case FORWARD_NODATA:
        answer_negative(answer, OUTCOME_NODATA, route);
        break;
    case FORWARD_LOOPBACK:
        answer_loopback(answer, question->type);
        break;
    case FORWARD_UPSTREAM:
        answer->outcome = OUTCOME_FORWARD;
        break;
    }
}

static void note_route(const struct generation *generation, uint32_t view, const struct answer *answer,
                       const struct forward_route *route, struct trace *trace)
{
    char text[FORWARD_TEXT_MAX];
    if (trace == NULL)
        return;
    struct trace_step *step = trace_add(trace, TRACE_ROUTE, answer->next);
    forward_text(generation->policy, view, route, text);
    step->number = route->kind;
    trace_text(step, "%s%s", text, answer->outcome == OUTCOME_DELEGATION ? "; the referral stands" : "");
}

void decide_lookup(const struct generation *generation, uint32_t view, const struct question *question,
                   const uint8_t *name, struct trace *trace, struct answer *answer, struct forward_route *route)
{
    assert(view < generation->catalog_count);
    answer->outcome = OUTCOME_ANSWER;
    answer->rcode = RCODE_NOERROR;
    answer->next = NULL;
    zone_lookup_trace(&generation->catalogs[view], name, name == question->name ? question->split : NULL,
                      question->type, trace, answer);
    if (answer->next == NULL)
        return;
    find_route(generation, view, question, answer->next, route);
    follow_route(question, answer, route);
    note_route(generation, view, answer, route, trace);
}

/* ---- whole decisions ---- */

struct view_match decide_answer(const struct generation *generation, const struct client *client,
                                const struct question *question, struct answer *answer)
{
    return decide_answer_trace(generation, client, question, NULL, answer, NULL);
}

struct view_match decide_answer_trace(const struct generation *generation, const struct client *client,
                                      const struct question *question, struct trace *trace, struct answer *answer,
                                      struct forward_route *route)
{
    struct view_match match = {.view = VIEW_NONE};
    if (generation->policy != NULL)
        match = view_select(generation->policy, client);
    if (trace != NULL)
        view_trace(generation->policy, client, &match, trace);
    decide_in_view(generation, match.view, client, question, trace, answer, route);
    return match;
}

void decide_in_view(const struct generation *generation, uint32_t view, const struct client *client,
                    const struct question *question, struct trace *trace, struct answer *answer,
                    struct forward_route *route)
{
    struct forward_route unseen;
    answer_reset(answer);
    if (view == VIEW_NONE) {
        refuse(answer);
        return;
    }
    decide_lookup(generation, view, question, question->name, trace, answer, route != NULL ? route : &unseen);
    filter_answer(generation->policy, view, client, question->type, question->now, trace, answer);
}

/* ---- whose names ---- */

/* Whatever the type: a CNAME is not followed, so that the answer is about this name and no other. */
bool decide_owns(const struct generation *generation, uint32_t view, const uint8_t *name)
{
    struct answer answer;
    assert(view < generation->catalog_count);
    answer_reset(&answer);
    zone_lookup(&generation->catalogs[view], name, RRTYPE_CNAME, &answer);
    return answer.next == NULL;
}

bool decide_is_split(const struct generation *generation, const uint8_t *name)
{
    struct name_split split;
    uint32_t index;
    name_split(name, &split);
    for (uint32_t view = 0; view < generation->catalog_count; view++) {
        const struct catalog *catalog = &generation->catalogs[view];
        bool is_known = view > 0 && catalog->block == generation->catalogs[view - 1].block;
        if (!is_known && catalog_find(catalog, &split, split.labels, &index) != NULL)
            return true;
    }
    return false;
}

bool decide_has_recursion(const struct generation *generation, uint32_t view)
{
    return view != VIEW_NONE && generation->policy != NULL && forward_has_recursion(generation->policy->forward, view);
}

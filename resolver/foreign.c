/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/foreign.h"

#include "policy/filter.h"
#include "resolver/forwarder.h"
#include "zones/name.h"

const char *foreign_error_text(int code)
{
    switch (code) {
    case FOREIGN_STALE:
        return "upstream does not answer; this is older";
    case FOREIGN_NOT_READY:
        return "too many questions, at once or for this name";
    case FOREIGN_FILTERED:
        return "private addresses of a foreign name";
    case FOREIGN_NO_UPSTREAM:
        return "no upstream resolver gave an answer";
    case FOREIGN_NETWORK_ERROR:
        return "no upstream resolver can be reached";
    default:
        return NULL;
    }
}

static void fail(struct query *query, int extended_error)
{
    answer_reset(&query->answer);
    query->answer.outcome = OUTCOME_FAILURE;
    query->answer.rcode = RCODE_SERVFAIL;
    query->is_authentic = false;
    query->foreign_error = extended_error;
}

static void make_question(const struct query_env *env, const struct question *question,
                          const struct forward_route *route, struct query *query)
{
    const struct message *message = &query->message;
    uint32_t view = query->view.view;
    bool is_split = route->group->stale > 0 && decide_is_split(env->generation, query->answer.next);

    unsigned labels = route->domain == NULL ? 1 : name_label_count(route->domain);

    query->foreign = (struct foreign_question){
        .key = {.identity = forward_identity(env->generation->policy->forward, view),
                .name = query->answer.next,
                .type = question->type,
                .dnssec_ok = message->dnssec_ok,
                .checking_disabled = (message->flags & MESSAGE_CD) != 0,
                .cut_labels = (uint8_t)(labels > 0 ? labels : 1)},
        .group = route->group,
        .private_allowed = route->private_allowed,
        .stale = is_split ? 0 : route->group->stale,
    };
}

/* Who was asked, for cached_append. */
struct asked {
    const struct generation *generation;
    uint32_t view;
    uint16_t type;
    const struct forward_route *route;
};

/* A name that a foreign chain leads to is not the business of who told of it: ours, one that is answered here and
 * never sent on, or one that a [forward] section sends elsewhere. What a section's upstream says of names that only the
 * view's own `forward` speaks for is taken: it may be the only one who knows them. */
static bool is_not_theirs(void *context, const uint8_t *name)
{
    const struct asked *asked = context;
    struct forward_route route;
    struct name_split split;

    if (decide_owns(asked->generation, asked->view, name))
        return true;
    name_split(name, &split);
    forward_find(asked->generation->policy->forward, asked->view, &split, asked->type, true, NULL, &route);
    switch (route.kind) {
    case FORWARD_REFUSED:
        return false;
    case FORWARD_UPSTREAM:
        return route.reason == FORWARD_BY_SECTION &&
               (route.group != asked->route->group || !asked->route->private_allowed);
    case FORWARD_NXDOMAIN:
    case FORWARD_NODATA:
    case FORWARD_LOOPBACK:
        break;
    }
    return true;
}

/* Take over what is known; *next is where others go on, or NULL. */
static void take(const struct query_env *env, const struct cached *known, bool is_stale, const struct asked *asked,
                 struct query *query, const uint8_t **next)
{
    struct answer *answer = &query->answer;
    bool is_alone = answer->count == 0;

    cached_append(known, answer->next, env->now_ms, is_not_theirs, (void *)(uintptr_t)asked, answer, next);
    if (answer->rcode == RCODE_SERVFAIL) {
        fail(query, known->extended_error);
        return;
    }
    query->is_authentic = is_alone && *next == NULL && known->is_authentic && !is_stale;
    /* What upstream said of the part that is left out is left out too. */
    if (known->extended_error >= 0 && *next == NULL)
        query->foreign_error = known->extended_error;
    if (is_stale)
        query->foreign_error = FOREIGN_STALE;
}

/* A foreign chain that leads to localhost would turn a browser against its own host (DNS rebinding): it ends there.
 * What our zones lead there for is the operator's business. */
static bool is_rebinding(const struct query_env *env, const struct question *question, const struct query *query,
                         const uint8_t *next)
{
    struct forward_route route;
    struct name_split split;

    name_split(next, &split);
    forward_find(env->generation->policy->forward, query->view.view, &split, question->type, true, NULL, &route);
    return route.kind == FORWARD_LOOPBACK && !decide_owns(env->generation, query->view.view, next);
}

static void end_filtered(struct query *query)
{
    query->answer.outcome = OUTCOME_NODATA;
    query->answer.rcode = RCODE_NOERROR;
    query->foreign_error = FOREIGN_FILTERED;
}

void foreign_follow(const struct query_env *env, const struct question *question, struct forward_route *route,
                    struct query *query)
{
    struct answer *answer = &query->answer;

    for (unsigned round = 0; answer->outcome == OUTCOME_FORWARD; round++) {
        const uint8_t *next = NULL;
        bool is_stale = false;
        if (env->forwarder == NULL || round == WAITER_ROUNDS_MAX) {
            fail(query, FOREIGN_NO_UPSTREAM);
            return;
        }
        make_question(env, question, route, query);
        const struct cached *known =
            forwarder_find(env->forwarder, &query->foreign, query->waiter, env->now_ms, &is_stale);
        if (known == NULL) {
            query->is_waiting = true;
            return;
        }
        struct asked asked = {env->generation, query->view.view, question->type, route};
        take(env, known, is_stale, &asked, query, &next);
        /* Nobody needs all of what others have, over whatever transport. */
        if (question->type == RRTYPE_ANY)
            filter_keep_one(answer);
        if (next == NULL)
            return;
        if (is_rebinding(env, question, query, next)) {
            end_filtered(query);
            return;
        }
        decide_lookup(env->generation, query->view.view, question, next, NULL, answer, route);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/changes_forward.h"

#include "policy/changes.h"
#include "policy/decide.h"
#include "policy/forward_special.h"
#include "policy/policy.h"
#include "zones/memory.h"

#include <string.h>

/* One view that is looked at on both sides. */
struct compared {
    const struct generation *generations[2]; /* before, after */
    const struct changes_view *view;
    uint32_t number; /* of the view */
    struct changes_forward *forward;
    size_t route_capacity;
    size_t upstream_capacity;
    struct answer answer; /* thrown away */
};

static bool has_same_servers(const struct upstream_group *a, const struct upstream_group *b)
{
    if (a->server_count != b->server_count)
        return false;
    for (size_t i = 0; i < a->server_count; i++)
        if (a->servers[i].port != b->servers[i].port || !address_equal(&a->servers[i].address, &b->servers[i].address))
            return false;
    return true;
}

bool changes_forward_same(const struct forward_route *a, const struct forward_route *b)
{
    if (a->kind != b->kind || a->kind != FORWARD_UPSTREAM)
        return a->kind == b->kind;
    return strcmp(a->group->name, b->group->name) == 0 || has_same_servers(a->group, b->group);
}

bool changes_forward_ask(const struct generation *generation, uint32_t view, const uint8_t *name, uint16_t type,
                         struct answer *answer, struct forward_route *route)
{
    const struct question question = {.name = name, .type = type, .recursion = true};

    answer_reset(answer);
    decide_lookup(generation, view, &question, name, NULL, answer, route);
    return answer->next != NULL;
}

/* Both routes of a name; false: a zone holds it on one side, and that shows in the answers. */
static bool ask_routes(struct compared *compared, const uint8_t *name, struct forward_route routes[2])
{
    return changes_forward_ask(compared->generations[0], compared->view->before, name, RRTYPE_A, &compared->answer,
                               &routes[0]) &&
           changes_forward_ask(compared->generations[1], compared->view->after, name, RRTYPE_A, &compared->answer,
                               &routes[1]);
}

/* ---- what is found ---- */

static enum status add_upstream(struct compared *compared, const struct forward_route routes[2])
{
    struct changes_forward *forward = compared->forward;

    if (routes[0].kind != FORWARD_UPSTREAM || routes[1].kind != FORWARD_UPSTREAM ||
        strcmp(routes[0].group->name, routes[1].group->name) != 0 || has_same_servers(routes[0].group, routes[1].group))
        return STATUS_OK;
    for (size_t i = 0; i < forward->upstream_count; i++)
        if (forward->upstreams[i].after == routes[1].group)
            return STATUS_OK;
    struct changes_upstream *upstreams =
        memory_grow(forward->upstreams, forward->upstream_count, &compared->upstream_capacity, sizeof *upstreams);
    if (upstreams == NULL)
        return STATUS_NO_MEMORY;
    forward->upstreams = upstreams;
    upstreams[forward->upstream_count++] = (struct changes_upstream){routes[0].group, routes[1].group};
    return STATUS_OK;
}

static enum status add_route(struct compared *compared, const struct changes_route *route)
{
    struct changes_forward *forward = compared->forward;
    struct changes_route *routes =
        memory_grow(forward->routes, forward->route_count, &compared->route_capacity, sizeof *routes);

    if (routes == NULL)
        return STATUS_NO_MEMORY;
    forward->routes = routes;
    routes[forward->route_count++] = *route;
    return STATUS_OK;
}

static enum status add_recursion(struct compared *compared)
{
    bool before = decide_has_recursion(compared->generations[0], compared->view->before);
    bool after = decide_has_recursion(compared->generations[1], compared->view->after);

    if (before == after)
        return STATUS_OK;
    return add_route(compared,
                     &(struct changes_route){.view = compared->number, .kind = CHANGES_RECURSION, .recursion = after});
}

/* ---- what is asked ---- */

static enum status compare_name(struct compared *compared, enum changes_route_kind kind, const uint8_t *name)
{
    struct forward_route routes[2];

    if (!ask_routes(compared, name, routes))
        return STATUS_OK;
    if (!changes_forward_same(&routes[0], &routes[1]))
        return add_route(compared, &(struct changes_route){.view = compared->number,
                                                           .kind = kind,
                                                           .domain = kind == CHANGES_DOMAIN ? name : NULL,
                                                           .before = routes[0],
                                                           .after = routes[1]});
    return add_upstream(compared, routes);
}

static bool has_domain(const struct forward_rules *rules, uint32_t view, const uint8_t *domain)
{
    uint32_t line;

    for (size_t i = 0; i < forward_domain_count(rules); i++)
        if (forward_domain_in(rules, i, view) && name_equal(forward_domain(rules, i, &line), domain))
            return true;
    return false;
}

/* Those of the new policy in its order, then those that are gone. */
static enum status compare_domains(struct compared *compared)
{
    const struct forward_rules *before = compared->generations[0]->policy->forward;
    const struct forward_rules *after = compared->generations[1]->policy->forward;
    enum status status = STATUS_OK;
    uint32_t line;

    for (size_t i = 0; i < forward_domain_count(after) && status == STATUS_OK; i++)
        if (forward_domain_in(after, i, compared->view->after))
            status = compare_name(compared, CHANGES_DOMAIN, forward_domain(after, i, &line));
    for (size_t i = 0; i < forward_domain_count(before) && status == STATUS_OK; i++) {
        const uint8_t *domain = forward_domain(before, i, &line);
        if (forward_domain_in(before, i, compared->view->before) && !has_domain(after, compared->view->after, domain))
            status = compare_name(compared, CHANGES_DOMAIN, domain);
    }
    return status;
}

/* Only what went upstream and is answered here now, or the other way round: one line for all of them. */
static enum status compare_special(struct compared *compared, enum changes_route_kind kind)
{
    bool wants_canary = kind == CHANGES_CANARY_NAMES;

    for (size_t i = 0; i < special_count(); i++) {
        struct forward_route routes[2];
        uint8_t name[NAME_SIZE_MAX];
        enum special_kind special = special_name(i, name);
        bool is_canary = special == SPECIAL_CANARY || special == SPECIAL_CANARY_EMPTY;
        if (is_canary != wants_canary || !ask_routes(compared, name, routes))
            continue;
        enum forward_reason reason = is_canary ? FORWARD_CANARY : FORWARD_SPECIAL;
        bool was_here = routes[0].reason == reason;
        bool is_here = routes[1].reason == reason;
        const struct forward_route *other = was_here ? &routes[1] : &routes[0];
        if (was_here == is_here || other->kind != FORWARD_UPSTREAM || other->reason == FORWARD_BY_SECTION)
            continue;
        return add_route(
            compared,
            &(struct changes_route){.view = compared->number, .kind = kind, .before = routes[0], .after = routes[1]});
    }
    return STATUS_OK;
}

static enum status compare_view(struct compared *compared)
{
    static const uint8_t root[] = {0};
    enum status status = add_recursion(compared);

    if (status == STATUS_OK)
        status = compare_name(compared, CHANGES_OTHERS, root);
    if (status == STATUS_OK)
        status = compare_domains(compared);
    if (status == STATUS_OK)
        status = compare_special(compared, CHANGES_SPECIAL_NAMES);
    if (status == STATUS_OK)
        status = compare_special(compared, CHANGES_CANARY_NAMES);
    return status;
}

enum status changes_forward_find(const struct generation *before, const struct generation *after,
                                 const struct changes_view *views, uint32_t view_count, struct changes_forward *forward)
{
    struct compared *compared = memory_zalloc(1, sizeof *compared);
    enum status status = STATUS_OK;

    memset(forward, 0, sizeof *forward);
    if (compared == NULL)
        return STATUS_NO_MEMORY;
    compared->generations[0] = before;
    compared->generations[1] = after;
    compared->forward = forward;
    for (uint32_t i = 0; i < view_count && status == STATUS_OK; i++) {
        if (views[i].before == VIEW_NONE || views[i].after == VIEW_NONE)
            continue;
        compared->view = &views[i];
        compared->number = i;
        status = compare_view(compared);
    }
    memory_free(compared);
    return status;
}

void changes_forward_clear(struct changes_forward *forward)
{
    memory_free(forward->routes);
    memory_free(forward->upstreams);
    memset(forward, 0, sizeof *forward);
}

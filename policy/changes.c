/* SPDX-License-Identifier: BSD-2-Clause */
/* changes: the views and their groups, and the asking. Which names to ask for is found in changes_names.c. */
#include "policy/changes.h"

#include "policy/changes_names.h"
#include "policy/forward.h"
#include "zones/diff.h"
#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- views ---- */

static bool is_same_catalog(const struct catalog *a, const struct catalog *b)
{
    return a->block == b->block || (a->size == b->size && memcmp(a->block, b->block, a->size) == 0);
}

/* Two catalogs of different stores with the same bytes may name different images. */
static bool is_untouched(const struct changes *changes, const struct changes_view *view)
{
    const struct catalog *before = &changes->before->catalogs[view->before];
    const struct catalog *after = &changes->after->catalogs[view->after];

    return changes->same_ids && is_same_catalog(before, after);
}

static bool has_same_zones(const struct changes *changes, const struct changes_view *a, const struct changes_view *b)
{
    return is_same_catalog(&changes->before->catalogs[a->before], &changes->before->catalogs[b->before]) &&
           is_same_catalog(&changes->after->catalogs[a->after], &changes->after->catalogs[b->after]);
}

static bool has_same_forwarding(const struct policy *policy, uint32_t a, uint32_t b)
{
    return forward_identity(policy->forward, a) == forward_identity(policy->forward, b);
}

static uint32_t find_group(const struct changes *changes, uint32_t index)
{
    const struct changes_view *view = &changes->views[index];

    for (uint32_t i = 0; i < index; i++) {
        const struct changes_view *other = &changes->views[i];
        if (other->group != CHANGES_NO_GROUP && has_same_zones(changes, view, other) &&
            has_same_forwarding(changes->before->policy, view->before, other->before) &&
            has_same_forwarding(changes->after->policy, view->after, other->after))
            return other->group;
    }
    return changes->group_count;
}

static void set_groups(struct changes *changes)
{
    for (uint32_t i = 0; i < changes->view_count; i++) {
        struct changes_view *view = &changes->views[i];
        view->group = CHANGES_NO_GROUP;
        if (view->before == VIEW_NONE || view->after == VIEW_NONE || is_untouched(changes, view))
            continue;
        view->group = find_group(changes, i);
        if (view->group == changes->group_count)
            changes->group_count++;
    }
}

static uint32_t find_view(const struct policy *policy, const char *name)
{
    return policy == NULL ? VIEW_NONE : policy_find_view(policy, name);
}

static enum status set_views(struct changes *changes)
{
    const struct policy *before = changes->before->policy;
    const struct policy *after = changes->after->policy;
    uint32_t before_count = before == NULL ? 0 : before->view_count;
    uint32_t after_count = after == NULL ? 0 : after->view_count;

    changes->views = memory_zalloc((size_t)before_count + after_count, sizeof *changes->views);
    if (changes->views == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < after_count; i++)
        changes->views[changes->view_count++] = (struct changes_view){
            .name = after->views[i].name, .before = find_view(before, after->views[i].name), .after = i};
    for (uint32_t i = 0; i < before_count; i++)
        if (find_view(after, before->views[i].name) == VIEW_NONE)
            changes->views[changes->view_count++] =
                (struct changes_view){.name = before->views[i].name, .before = i, .after = VIEW_NONE};
    set_groups(changes);
    return STATUS_OK;
}

enum status changes_new(const struct generation *before, const struct generation *after, bool same_ids,
                        struct changes **changes)
{
    struct changes *made = memory_zalloc(1, sizeof *made);

    *changes = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->before = before;
    made->after = after;
    made->same_ids = same_ids;
    enum status status = set_views(made);
    if (status == STATUS_OK)
        status = moves_find(before->policy, after->policy, &made->moves, &made->move_count);
    if (status == STATUS_OK)
        status = changes_forward_find(before, after, made->views, made->view_count, &made->forward);
    if (status == STATUS_OK)
        *changes = made;
    else
        changes_free(made);
    return status;
}

void changes_free(struct changes *changes)
{
    if (changes == NULL)
        return;
    memory_free(changes->views);
    memory_free(changes->moves);
    changes_forward_clear(&changes->forward);
    memory_free(changes);
}

bool changes_in_views(const struct changes *changes)
{
    for (uint32_t i = 0; i < changes->view_count; i++)
        if (changes->views[i].before == VIEW_NONE || changes->views[i].after == VIEW_NONE)
            return true;
    return changes->move_count > 0 || changes->forward.route_count > 0 || changes->forward.upstream_count > 0;
}

static uint32_t first_of_group(const struct changes *changes, uint32_t group)
{
    uint32_t view = 0;

    while (view < changes->view_count && changes->views[view].group != group)
        view++;
    return view;
}

void changes_join(struct changes *changes, uint32_t group)
{
    uint32_t first = first_of_group(changes, group);

    for (uint32_t i = first; i < changes->view_count; i++) {
        struct changes_view *view = &changes->views[i];
        if (view->group != CHANGES_NO_GROUP && has_same_zones(changes, view, &changes->views[first]))
            view->group = group;
    }
}

/* ---- answers ---- */

/* What a client acts on: data, and of a referral its servers and their addresses. */
static bool counts_as_content(const struct answer *answer, const struct answer_rrset *entry)
{
    if (entry->section == SECTION_ANSWER)
        return true;
    return answer->outcome == OUTCOME_DELEGATION && !entry->optional;
}

static bool has_rrset(const struct answer *answer, const struct answer_rrset *wanted)
{
    for (uint16_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->section == wanted->section && entry->rrset.type == wanted->rrset.type &&
            name_equal(entry->owner, wanted->owner))
            return diff_rrset_equal(&entry->rrset, &wanted->rrset);
    }
    return false;
}

static unsigned count_content(const struct answer *answer)
{
    unsigned count = 0;

    for (uint16_t i = 0; i < answer->count; i++)
        count += counts_as_content(answer, &answer->rrsets[i]);
    return count;
}

static bool is_same_answer(const struct answer *a, const struct answer *b)
{
    if (a->outcome != b->outcome || a->rcode != b->rcode || count_content(a) != count_content(b))
        return false;
    for (uint16_t i = 0; i < a->count; i++)
        if (counts_as_content(a, &a->rrsets[i]) && !has_rrset(b, &a->rrsets[i]))
            return false;
    return true;
}

/* ---- the walk ---- */

struct asking {
    const struct generation *generations[2]; /* before, after */
    uint32_t views[2];
    const struct catalog *catalogs[2];
    struct changes_names names;
    struct nameset changed; /* names and types that are answered differently */
    struct changes_counts *counts;
    changes_visit *visit; /* NULL: only count */
    void *context;
    bool is_indirect;
    uint16_t types[CHANGES_TYPES_MAX];
    struct answer before;
    struct answer after;
    struct forward_route before_route;
    struct forward_route after_route;
};

static enum status ask_both(struct asking *asking, const uint8_t *name, uint16_t type, bool *differs)
{
    uint16_t asked = type == 0 ? RRTYPE_A : type;
    bool was_left = changes_forward_ask(asking->generations[0], asking->views[0], name, asked, &asking->before,
                                        &asking->before_route);
    bool is_left = changes_forward_ask(asking->generations[1], asking->views[1], name, asked, &asking->after,
                                       &asking->after_route);
    asking->counts->is_routed |= was_left || is_left;
    bool same_route = !was_left || !is_left || changes_forward_same(&asking->before_route, &asking->after_route);
    if (same_route && is_same_answer(&asking->before, &asking->after))
        return STATUS_OK;
    struct change change = {.name = name,
                            .type = type,
                            .before = &asking->before,
                            .after = &asking->after,
                            .before_route = was_left ? &asking->before_route : NULL,
                            .after_route = is_left ? &asking->after_route : NULL,
                            .is_indirect = asking->is_indirect};
    *differs = true;
    asking->counts->answers++;
    if (asking->before.outcome == OUTCOME_ANSWER && asking->after.outcome != OUTCOME_ANSWER)
        asking->counts->removed++;
    if (asking->visit != NULL && !asking->visit(asking->context, &change))
        asking->visit = NULL;
    return nameset_add(&asking->changed, name, type);
}

static enum status ask_types(struct asking *asking, const uint8_t *name, unsigned count)
{
    enum status status = STATUS_OK;
    bool differs = false;

    for (unsigned i = 0; i < count && status == STATUS_OK; i++)
        status = ask_both(asking, name, asking->types[i], &differs);
    asking->counts->names += differs;
    return status;
}

/* The names from number `first` on that were found to be looked at. */
static enum status ask_names(struct asking *asking, const struct nameset *names)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < names->sorted && status == STATUS_OK; i++) {
        uint8_t name[NAME_SIZE_MAX];
        nameset_name(names, i, name);
        unsigned count = 0;
        for (unsigned side = 0; side < 2; side++)
            count = changes_names_types(asking->catalogs[side], name, asking->types, count);
        if (count == 0)
            asking->types[count++] = 0;
        status = ask_types(asking, name, count);
    }
    return status;
}

/* One step of the chains: the aliases of what differs so far. Each is asked for the types that differ at its target. */
static enum status ask_aliases(struct asking *asking, bool *more)
{
    struct nameset aliases;
    size_t before = asking->changed.count;

    nameset_init(&aliases);
    enum status status = changes_names_aliases(&asking->names, &asking->changed, &aliases);
    nameset_sort(&aliases);
    for (size_t i = 0; i < aliases.sorted && status == STATUS_OK;) {
        uint8_t name[NAME_SIZE_MAX];
        unsigned count = 0;
        size_t first = i;
        nameset_name(&aliases, i, name);
        for (; i < aliases.sorted && aliases.items[i].key_size == aliases.items[first].key_size &&
               memcmp(aliases.keys.data + aliases.items[i].key, aliases.keys.data + aliases.items[first].key,
                      aliases.items[i].key_size) == 0;
             i++)
            if (count < CHANGES_TYPES_MAX)
                asking->types[count++] = aliases.items[i].type;
        status = ask_types(asking, name, count);
    }
    nameset_clear(&aliases);
    *more = asking->changed.count != before;
    nameset_sort(&asking->changed);
    return status;
}

static enum status ask_all(struct asking *asking)
{
    bool more = true;
    enum status status = ask_names(asking, &asking->names.set);

    nameset_sort(&asking->changed);
    asking->is_indirect = true;
    more = asking->changed.count > 0;
    for (unsigned step = 0; step < ANSWER_CHAIN_MAX && more && status == STATUS_OK; step++)
        status = ask_aliases(asking, &more);
    return status;
}

enum status changes_walk(const struct changes *changes, uint32_t group, changes_visit *visit, void *context,
                         struct changes_counts *counts, struct diag *diag)
{
    uint32_t view = first_of_group(changes, group);
    struct asking *asking = memory_zalloc(1, sizeof *asking);

    memset(counts, 0, sizeof *counts);
    if (asking == NULL)
        return STATUS_NO_MEMORY;
    if (view == changes->view_count) {
        memory_free(asking);
        return STATUS_OK;
    }
    asking->generations[0] = changes->before;
    asking->generations[1] = changes->after;
    asking->views[0] = changes->views[view].before;
    asking->views[1] = changes->views[view].after;
    for (unsigned side = 0; side < 2; side++)
        asking->catalogs[side] = &asking->generations[side]->catalogs[asking->views[side]];
    asking->counts = counts;
    asking->visit = visit;
    asking->context = context;
    nameset_init(&asking->changed);
    changes_names_init(&asking->names, asking->catalogs, changes->same_ids, counts, diag);
    enum status status = changes_names_find(&asking->names);
    if (status == STATUS_OK)
        status = ask_all(asking);
    changes_names_clear(&asking->names);
    nameset_clear(&asking->changed);
    memory_free(asking);
    return status;
}

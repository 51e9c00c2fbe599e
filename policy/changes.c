/* SPDX-License-Identifier: BSD-2-Clause */
/* changes: the views and their groups, and the asking. Which names to ask for is found in changes_names.c. */
#include "policy/changes.h"

#include "policy/changes_names.h"
#include "zones/diff.h"
#include "zones/lookup.h"
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

static uint32_t find_group(const struct changes *changes, uint32_t index)
{
    const struct changes_view *view = &changes->views[index];

    for (uint32_t i = 0; i < index; i++) {
        const struct changes_view *other = &changes->views[i];
        if (other->group != CHANGES_NO_GROUP &&
            is_same_catalog(&changes->before->catalogs[view->before], &changes->before->catalogs[other->before]) &&
            is_same_catalog(&changes->after->catalogs[view->after], &changes->after->catalogs[other->after]))
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
    memory_free(changes);
}

bool changes_in_views(const struct changes *changes)
{
    for (uint32_t i = 0; i < changes->view_count; i++)
        if (changes->views[i].before == VIEW_NONE || changes->views[i].after == VIEW_NONE)
            return true;
    return changes->move_count > 0;
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

static void ask(const struct catalog *catalog, const uint8_t *name, uint16_t type, struct answer *answer)
{
    answer_reset(answer);
    zone_lookup(catalog, name, type == 0 ? RRTYPE_A : type, answer);
    if (answer->outcome == OUTCOME_OUT_OF_ZONE && answer->count == 0)
        answer->rcode = RCODE_REFUSED;
}

/* ---- the walk ---- */

struct asking {
    const struct catalog *catalogs[2]; /* before, after */
    struct changes_names names;
    struct nameset changed; /* names and types that are answered differently */
    struct changes_counts *counts;
    changes_visit *visit; /* NULL: only count */
    void *context;
    bool is_indirect;
    uint16_t types[CHANGES_TYPES_MAX];
    struct answer before;
    struct answer after;
};

static enum status ask_both(struct asking *asking, const uint8_t *name, uint16_t type, bool *differs)
{
    ask(asking->catalogs[0], name, type, &asking->before);
    ask(asking->catalogs[1], name, type, &asking->after);
    if (is_same_answer(&asking->before, &asking->after))
        return STATUS_OK;
    struct change change = {.name = name,
                            .type = type,
                            .before = &asking->before,
                            .after = &asking->after,
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
    uint32_t view = 0;
    struct asking *asking = memory_zalloc(1, sizeof *asking);

    memset(counts, 0, sizeof *counts);
    if (asking == NULL)
        return STATUS_NO_MEMORY;
    while (view < changes->view_count && changes->views[view].group != group)
        view++;
    if (view == changes->view_count) {
        memory_free(asking);
        return STATUS_OK;
    }
    asking->catalogs[0] = &changes->before->catalogs[changes->views[view].before];
    asking->catalogs[1] = &changes->after->catalogs[changes->views[view].after];
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

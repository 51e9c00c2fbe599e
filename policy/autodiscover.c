/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/autodiscover.h"

#include "policy/autodiscover_thing.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rrset.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SRV_FIXED_SIZE 6 /* bytes before the target: priority, weight, port */

/* What the makers work with. */
struct maker {
    const struct topology *topology;
    const struct autodiscover *guards;
    struct diag *diag;
    struct autodiscover *list;
};

/* ---- entries ---- */

static int compare_octets(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_entries(const void *a, const void *b)
{
    const struct autodiscover_entry *left = a;
    const struct autodiscover_entry *right = b;
    int order = compare_octets(left->key, left->key_size, right->key, right->key_size);
    if (order != 0)
        return order;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

static bool is_same_owner(const struct autodiscover_entry *a, const struct autodiscover_entry *b)
{
    return a->key_size == b->key_size && memcmp(a->key, b->key, a->key_size) == 0;
}

/* Append a copy of `entry` with its own owner and RDATA. */
static enum status append(struct autodiscover *list, const struct autodiscover_entry *entry)
{
    uint8_t key[NAME_KEY_MAX];
    size_t owner_size = name_size(entry->owner);
    size_t key_size = name_to_key(entry->owner, key);
    struct autodiscover_entry *entries = memory_grow(list->entries, list->count, &list->capacity, sizeof *entries);
    if (entries == NULL)
        return STATUS_NO_MEMORY;
    list->entries = entries;
    uint8_t *block = memory_alloc(owner_size + key_size + entry->rdata_size);
    if (block == NULL)
        return STATUS_NO_MEMORY;
    memcpy(block, entry->owner, owner_size);
    memcpy(block + owner_size, key, key_size);
    if (entry->rdata_size > 0)
        memcpy(block + owner_size + key_size, entry->rdata, entry->rdata_size);
    struct autodiscover_entry *added = &entries[list->count];
    *added = *entry;
    added->owner = block;
    added->key = block + owner_size;
    added->key_size = key_size;
    added->rdata = block + owner_size + key_size;
    added->order = (uint32_t)list->count;
    added->block = block;
    list->count++;
    return STATUS_OK;
}

void autodiscover_free(struct autodiscover *autodiscover)
{
    if (autodiscover == NULL)
        return;
    for (size_t i = 0; i < autodiscover->count; i++)
        memory_free(autodiscover->entries[i].block);
    memory_free(autodiscover->entries);
    memory_free(autodiscover);
}

/* The first entry that does not sort before the key. */
static size_t lower_bound(const struct autodiscover *list, const uint8_t *key, size_t key_size)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct autodiscover_entry *entry = &list->entries[middle];
        if (compare_octets(entry->key, entry->key_size, key, key_size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool autodiscover_find(const struct autodiscover *autodiscover, const uint8_t *owner, size_t *first, size_t *count)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(owner, key);
    size_t end = *first = lower_bound(autodiscover, key, key_size);
    while (end < autodiscover->count && autodiscover->entries[end].key_size == key_size &&
           memcmp(autodiscover->entries[end].key, key, key_size) == 0)
        end++;
    *count = end - *first;
    return *count > 0;
}

void autodiscover_find_below(const struct autodiscover *autodiscover, const uint8_t *name, size_t *first, size_t *end)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    *first = *end = lower_bound(autodiscover, key, key_size);
    while (*end < autodiscover->count && autodiscover->entries[*end].key_size >= key_size &&
           memcmp(autodiscover->entries[*end].key, key, key_size) == 0)
        ++*end;
}

bool autodiscover_is_inside_label(const uint8_t *name)
{
    static const char whole[] = "lyncdiscoverinternal";
    static const char start[] = "_sipinternal";
    const char *label = (const char *)name + 1;
    return (name[0] == sizeof whole - 1 && strncasecmp(label, whole, sizeof whole - 1) == 0) ||
           (name[0] >= sizeof start - 1 && strncasecmp(label, start, sizeof start - 1) == 0);
}

/* ---- making ---- */

static enum status expand(const struct maker *maker, const struct thing *thing, const char *template,
                          uint8_t name[NAME_SIZE_MAX])
{
    struct place place = {.file = maker->topology->policy->config->path, .line = thing->line};
    char text[NAME_TEXT_MAX];
    enum status status = thing_expand(thing, template, name);
    if (status != STATUS_BAD_INPUT)
        return status;
    name_to_text(thing->name, text);
    return diag_error(maker->diag, &place, "found %s, wanted a name short enough for %s (255 bytes in all)", text,
                      template);
}

static enum status add_addresses(const struct maker *maker, const struct thing *thing, const struct profile_cell *cell,
                                 const struct autodiscover_entry *common)
{
    struct autodiscover_entry entry = *common;
    uint32_t line;
    const struct topology_addresses *addresses = thing_addresses(thing, cell->source, &line);
    enum status status = STATUS_OK;
    for (size_t i = 0; addresses != NULL && i < addresses->count && status == STATUS_OK; i++) {
        const struct address *address = &addresses->items[i].address;
        entry.type = address->family == 4 ? RRTYPE_A : RRTYPE_AAAA;
        entry.rdata = address->bytes;
        entry.rdata_size = address->family == 4 ? 4 : 16;
        entry.line = addresses->items[i].line;
        status = append(maker->list, &entry);
    }
    return status;
}

static enum status add_cname(const struct maker *maker, const struct thing *thing, const struct profile_cell *cell,
                             const struct autodiscover_entry *common)
{
    struct autodiscover_entry entry = *common;
    uint8_t target[NAME_SIZE_MAX];
    enum status status = expand(maker, thing, cell->target, target);
    if (status != STATUS_OK)
        return status;
    thing_addresses(thing, cell->source, &entry.line);
    entry.type = RRTYPE_CNAME;
    entry.rdata = target;
    entry.rdata_size = (uint16_t)name_size(target);
    status = append(maker->list, &entry);
    entry.kind = AUTODISCOVER_FALLBACK;
    return status == STATUS_OK ? add_addresses(maker, thing, cell, &entry) : status;
}

static enum status add_srv(const struct maker *maker, const struct thing *thing, const struct profile_row *row,
                           const struct profile_cell *cell, const struct autodiscover_entry *common)
{
    struct autodiscover_entry entry = *common;
    uint8_t rdata[SRV_FIXED_SIZE + NAME_SIZE_MAX];
    enum status status = expand(maker, thing, cell->target, rdata + SRV_FIXED_SIZE);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < 3; i++)
        write_u16(rdata + 2 * i, row->srv[i]);
    entry.type = RRTYPE_SRV;
    entry.rdata = rdata;
    entry.rdata_size = (uint16_t)(SRV_FIXED_SIZE + name_size(rdata + SRV_FIXED_SIZE));
    return append(maker->list, &entry);
}

static bool is_guarded(const struct maker *maker, const uint8_t *owner)
{
    size_t first;
    size_t count;
    return autodiscover_is_inside_label(owner) || autodiscover_find(maker->guards, owner, &first, &count);
}

/* What one row makes of one thing on one side. */
static enum status make(const struct maker *maker, const struct profile_row *row, const struct thing *thing,
                        bool is_outside)
{
    const struct profile_cell *cell = profile_find_cell(is_outside ? row->outside : row->inside, thing->facts);
    uint8_t owner[NAME_SIZE_MAX];
    if (cell == NULL)
        return STATUS_OK;
    enum status status = expand(maker, thing, row->owner, owner);
    if (status != STATUS_OK)
        return status;
    struct autodiscover_entry entry = {
        .kind = AUTODISCOVER_RECORD,
        .owner = owner,
        .ttl = thing->deployment->ttl[row->class],
        .line = thing->line,
        .row = row,
    };
    switch (cell->action) {
    case PROFILE_ADDRESSES:
        return add_addresses(maker, thing, cell, &entry);
    case PROFILE_CNAME:
        return add_cname(maker, thing, cell, &entry);
    case PROFILE_SRV:
        return add_srv(maker, thing, row, cell, &entry);
    case PROFILE_HIDE:
    case PROFILE_DROP:
        entry.kind = cell->action == PROFILE_HIDE ? AUTODISCOVER_HIDE : AUTODISCOVER_DROP;
        entry.ttl = 0;
        entry.is_guarded = is_outside && is_guarded(maker, owner);
        return append(maker->list, &entry);
    default:
        return STATUS_OK;
    }
}

static bool is_for(const struct profile_row *row, const struct thing *thing)
{
    return (row->when & thing->facts) == row->when && (row->unless & thing->facts) == 0;
}

static enum status make_all(const struct maker *maker, uint32_t view)
{
    size_t count;
    const struct profile_row *rows = profile_rows(&count);
    enum status status = STATUS_OK;
    bool is_bad = false;
    for (size_t i = 0; i < count && status != STATUS_NO_MEMORY; i++) {
        struct thing thing;
        size_t position = 0;
        while (status != STATUS_NO_MEMORY && thing_next(maker->topology, rows[i].each, &position, &thing)) {
            bool is_inside = thing.deployment->inside[view];
            if (!thing.publish || (!is_inside && !thing.deployment->outside[view]) || !is_for(&rows[i], &thing))
                continue;
            status = make(maker, &rows[i], &thing, !is_inside);
            is_bad = is_bad || status == STATUS_BAD_INPUT;
        }
    }
    return status == STATUS_NO_MEMORY ? status : is_bad ? STATUS_BAD_INPUT : STATUS_OK;
}

/* ---- one owner from several rows ---- */

static bool is_same_data(const struct autodiscover_entry *a, const struct autodiscover_entry *b)
{
    return a->type == b->type && a->rdata_size == b->rdata_size && memcmp(a->rdata, b->rdata, a->rdata_size) == 0;
}

/* Entries of one owner while they are settled. */
struct group {
    struct autodiscover_entry *entries;
    size_t count;
    const char *path;
    struct diag *diag;
};

/* A CNAME stands alone: beside another record, or another CNAME, addresses take its place. */
static void settle_cname(const struct group *group)
{
    const struct autodiscover_entry *cname = NULL;
    bool is_alone = true;
    bool has_fallback = false;
    for (size_t i = 0; i < group->count; i++) {
        const struct autodiscover_entry *entry = &group->entries[i];
        has_fallback = has_fallback || entry->kind == AUTODISCOVER_FALLBACK;
        if (entry->kind != AUTODISCOVER_RECORD)
            continue;
        if (entry->type == RRTYPE_CNAME && (cname == NULL || is_same_data(cname, entry)))
            cname = cname == NULL ? entry : cname;
        else
            is_alone = false;
    }
    if (cname == NULL || is_alone)
        return;
    if (!has_fallback) {
        struct place place = {.file = group->path, .line = cname->line};
        char owner[NAME_TEXT_MAX];
        name_to_text(cname->owner, owner);
        diag_add(group->diag, SEVERITY_WARNING, &place,
                 "%s: found other facts with this name beside its CNAME, wanted the name for one; the CNAME is left "
                 "out",
                 owner);
    }
    for (size_t i = 0; i < group->count; i++) {
        struct autodiscover_entry *entry = &group->entries[i];
        if (entry->kind == AUTODISCOVER_FALLBACK)
            entry->kind = AUTODISCOVER_RECORD;
        else if (entry->type == RRTYPE_CNAME)
            entry->order = UINT32_MAX;
    }
}

/* Drop what stands twice, give each type the first row's TTL, and let records win over hides and hides over drops. */
static void settle_group(const struct group *group)
{
    settle_cname(group);
    qsort(group->entries, group->count, sizeof *group->entries, compare_entries);
    enum autodiscover_kind first_kind = group->entries[0].kind;
    for (size_t i = 0; i < group->count; i++) {
        struct autodiscover_entry *entry = &group->entries[i];
        bool is_record = entry->kind <= AUTODISCOVER_FALLBACK;
        if (entry->order == UINT32_MAX)
            continue;
        if (!is_record && (first_kind <= AUTODISCOVER_FALLBACK || i > 0))
            entry->order = UINT32_MAX;
        for (size_t j = 0; is_record && j < i; j++) {
            const struct autodiscover_entry *earlier = &group->entries[j];
            if (earlier->order == UINT32_MAX || earlier->kind != entry->kind || earlier->type != entry->type)
                continue;
            entry->ttl = earlier->ttl;
            if (is_same_data(earlier, entry)) {
                entry->order = UINT32_MAX;
                break;
            }
        }
    }
}

static void remove_dropped(struct autodiscover *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->entries[i].order == UINT32_MAX)
            memory_free(list->entries[i].block);
        else
            list->entries[kept++] = list->entries[i];
    }
    list->count = kept;
}

static void settle(struct autodiscover *list, struct diag *diag)
{
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
    for (size_t first = 0; first < list->count;) {
        size_t end = first + 1;
        while (end < list->count && is_same_owner(&list->entries[first], &list->entries[end]))
            end++;
        struct group group = {&list->entries[first], end - first, list->path, diag};
        settle_group(&group);
        first = end;
    }
    remove_dropped(list);
}

/* ---- internal-only owners ---- */

static bool publishes(const struct profile_cell *cell)
{
    return cell != NULL && cell->action >= PROFILE_ADDRESSES && cell->action <= PROFILE_SRV;
}

/* Guards, and in `outside` the owners that some row publishes there. */
static enum status guard_rows(const struct maker *maker, struct autodiscover *outside)
{
    size_t count;
    const struct profile_row *rows = profile_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct thing thing;
        size_t position = 0;
        while (thing_next(maker->topology, rows[i].each, &position, &thing)) {
            if (!is_for(&rows[i], &thing))
                continue;
            const struct profile_cell *there = profile_find_cell(rows[i].outside, thing.facts);
            bool is_inside = publishes(profile_find_cell(rows[i].inside, thing.facts));
            bool is_guard = is_inside && there != NULL && there->action == PROFILE_HIDE;
            uint8_t owner[NAME_SIZE_MAX];
            if (!is_guard && !publishes(there))
                continue;
            enum status status = expand(maker, &thing, rows[i].owner, owner);
            struct autodiscover_entry entry = {
                .kind = AUTODISCOVER_GUARD, .owner = owner, .line = thing.line, .row = &rows[i]};
            if (status == STATUS_OK)
                status = append(is_guard ? maker->list : outside, &entry);
            if (status != STATUS_OK)
                return status;
        }
    }
    return STATUS_OK;
}

/* sipinternal.D is internal-only though no row may make it. */
static enum status guard_domains(const struct maker *maker)
{
    const struct topology *topology = maker->topology;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < topology->domain_count && status == STATUS_OK; i++) {
        uint8_t owner[NAME_SIZE_MAX];
        size_t size;
        struct autodiscover_entry entry = {
            .kind = AUTODISCOVER_GUARD, .owner = owner, .line = topology->domains[i].line};
        if (name_from_text("sipinternal", 11, topology->domains[i].name, owner, &size) == STATUS_OK)
            status = append(maker->list, &entry);
    }
    return status;
}

/* Each owner once, and none that is published outside. */
static void settle_guards(struct autodiscover *list, const struct autodiscover *outside)
{
    size_t first;
    size_t count;
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, compare_entries);
    for (size_t i = 0; i < list->count; i++)
        if ((i > 0 && is_same_owner(&list->entries[i - 1], &list->entries[i])) ||
            autodiscover_find(outside, list->entries[i].owner, &first, &count))
            list->entries[i].order = UINT32_MAX;
    remove_dropped(list);
}

static struct autodiscover *new_list(const struct topology *topology)
{
    struct autodiscover *list = memory_zalloc(1, sizeof *list);
    if (list != NULL)
        list->path = topology->policy->config->path;
    return list;
}

enum status autodiscover_internal_only(const struct topology *topology, struct diag *diag, struct autodiscover **result)
{
    struct autodiscover *list = new_list(topology);
    struct autodiscover *outside = new_list(topology);
    struct maker maker = {.topology = topology, .diag = diag, .list = list};
    enum status status = list == NULL || outside == NULL ? STATUS_NO_MEMORY : guard_rows(&maker, outside);
    if (status == STATUS_OK)
        status = guard_domains(&maker);
    if (status == STATUS_OK) {
        if (outside->count > 1)
            qsort(outside->entries, outside->count, sizeof *outside->entries, compare_entries);
        settle_guards(list, outside);
    }
    autodiscover_free(outside);
    if (status != STATUS_OK) {
        autodiscover_free(list);
        list = NULL;
    }
    *result = list;
    return status;
}

enum status autodiscover_synthesise(const struct topology *topology, uint32_t view, struct diag *diag,
                                    struct autodiscover **result)
{
    assert(view < topology->policy->view_count);
    struct autodiscover *guards;
    *result = NULL;
    enum status status = autodiscover_internal_only(topology, diag, &guards);
    if (status != STATUS_OK)
        return status;
    struct autodiscover *list = new_list(topology);
    struct maker maker = {.topology = topology, .guards = guards, .diag = diag, .list = list};
    status = list == NULL ? STATUS_NO_MEMORY : make_all(&maker, view);
    autodiscover_free(guards);
    if (status != STATUS_OK) {
        autodiscover_free(list);
        return status;
    }
    settle(list, diag);
    *result = list;
    return STATUS_OK;
}

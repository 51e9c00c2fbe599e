/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/overlay_own.h"

#include "zones/memory.h"

#include <assert.h>
#include <string.h>

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static bool range_has(const struct zone *zone, struct zone_range range, uint16_t type)
{
    for (size_t i = range.first; i < range.end; i++)
        if (zone->records[i].type == type)
            return true;
    return false;
}

/* The range of the owner whose first record is number `first`. */
static struct zone_range next_owner(const struct zone *zone, size_t first)
{
    size_t end = first;

    if (zone == NULL || first >= zone->count)
        return (struct zone_range){first, first};
    const struct zone_record *a = &zone->records[first];
    while (end < zone->count && compare_keys(zone_key(zone, a), a->key_size, zone_key(zone, &zone->records[end]),
                                             zone->records[end].key_size) == 0)
        end++;
    return (struct zone_range){first, end};
}

static void take_name(struct own_names *names, struct zone_range own, struct zone_range facts)
{
    bool has_own = own.first != own.end;
    const struct zone *zone = has_own ? names->own : names->facts;
    const struct zone_record *record = &zone->records[has_own ? own.first : facts.first];
    names->names[names->count++] = (struct own_name){.name = zone_owner(zone, record),
                                                     .key = zone_key(zone, record),
                                                     .key_size = record->key_size,
                                                     .own = own,
                                                     .facts = facts};
}

static void merge(struct own_names *names)
{
    struct zone_range own = next_owner(names->own, 0);
    struct zone_range facts = next_owner(names->facts, 0);

    while (own.first != own.end || facts.first != facts.end) {
        int order = own.first == own.end ? 1 : -1;
        if (own.first != own.end && facts.first != facts.end) {
            const struct zone_record *a = &names->own->records[own.first];
            const struct zone_record *b = &names->facts->records[facts.first];
            order = compare_keys(zone_key(names->own, a), a->key_size, zone_key(names->facts, b), b->key_size);
        }
        struct zone_range none = {0, 0};
        take_name(names, order <= 0 ? own : none, order >= 0 ? facts : none);
        if (order <= 0)
            own = next_owner(names->own, own.end);
        if (order >= 0)
            facts = next_owner(names->facts, facts.end);
    }
}

enum status own_names_init(struct own_names *names, const struct zone *own, const struct zone *facts)
{
    size_t own_count = own == NULL ? 0 : own->count;
    size_t facts_count = facts == NULL ? 0 : facts->count;

    assert((own == NULL || own->frozen) && (facts == NULL || facts->frozen));
    *names = (struct own_names){.own = own, .facts = facts};
    names->names = memory_zalloc(own_count + facts_count + 1, sizeof *names->names);
    if (names->names == NULL)
        return STATUS_NO_MEMORY;
    merge(names);
    return STATUS_OK;
}

void own_names_clear(struct own_names *names)
{
    memory_free(names->names);
    *names = (struct own_names){0};
}

/* The number of the first name that is not before the key. */
static size_t lower_bound(const struct own_names *names, const uint8_t *key, size_t key_size)
{
    size_t low = 0;
    size_t high = names->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(names->names[middle].key, names->names[middle].key_size, key, key_size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct own_name *own_names_find(const struct own_names *names, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    size_t index = lower_bound(names, key, key_size);

    if (index == names->count ||
        compare_keys(names->names[index].key, names->names[index].key_size, key, key_size) != 0)
        return NULL;
    return &names->names[index];
}

bool own_names_exist_below(const struct own_names *names, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    size_t index = lower_bound(names, key, key_size);

    return index < names->count && names->names[index].key_size >= key_size &&
           memcmp(names->names[index].key, key, key_size) == 0;
}

bool own_name_has(const struct own_names *names, const struct own_name *name, uint16_t type)
{
    return range_has(names->own, name->own, type) || range_has(names->facts, name->facts, type);
}

struct place own_name_place(const struct own_names *names, const struct own_name *name)
{
    if (name->own.first != name->own.end)
        return zone_place(names->own, &names->own->records[name->own.first]);
    return zone_place(names->facts, &names->facts->records[name->facts.first]);
}

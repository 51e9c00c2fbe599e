/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/ttl_chain.h"

#include "zones/answer.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rrset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_octets(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_apexes(const void *a, const void *b)
{
    uint8_t left[NAME_SIZE_MAX];
    uint8_t right[NAME_SIZE_MAX];
    size_t left_size = name_to_lower((*(struct zone *const *)a)->apex, left);
    size_t right_size = name_to_lower((*(struct zone *const *)b)->apex, right);
    return compare_octets(left, left_size, right, right_size);
}

enum status ttl_chain_init(struct ttl_chain *chain, struct zone *const *zones, size_t count)
{
    *chain = (struct ttl_chain){memory_zalloc(count, sizeof(struct zone *)), count};
    if (chain->zones == NULL)
        return STATUS_NO_MEMORY;
    if (count > 0) {
        memcpy(chain->zones, zones, count * sizeof(struct zone *));
        qsort(chain->zones, count, sizeof(struct zone *), compare_apexes);
    }
    return STATUS_OK;
}

void ttl_chain_clear(struct ttl_chain *chain)
{
    memory_free(chain->zones);
    *chain = (struct ttl_chain){NULL, 0};
}

static struct zone *find_apex(const struct ttl_chain *chain, const uint8_t *lower)
{
    size_t size = name_size(lower);
    size_t low = 0;
    size_t high = chain->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint8_t apex[NAME_SIZE_MAX];
        size_t apex_size = name_to_lower(chain->zones[middle]->apex, apex);
        int order = compare_octets(lower, size, apex, apex_size);
        if (order == 0)
            return chain->zones[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* The deepest zone at or above the name. */
static struct zone *find_zone(const struct ttl_chain *chain, const uint8_t *name)
{
    uint8_t lower[NAME_SIZE_MAX];
    name_to_lower(name, lower);
    for (const uint8_t *at = lower;; at = name_parent(at)) {
        struct zone *zone = find_apex(chain, at);
        if (zone != NULL || at[0] == 0)
            return zone;
    }
}

static uint16_t mark_flags(const struct zone *zone, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    size_t low = 0;
    size_t high = zone->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct zone_mark *mark = &zone->marks[middle];
        int order = compare_octets(key, key_size, zone->arena.data + mark->key, mark->key_size);
        if (order == 0)
            return mark->flags;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}

static bool exists(const struct zone *zone, const uint8_t *name)
{
    struct zone_range range = zone_subtree_range(zone, name);
    return range.first < range.end || (mark_flags(zone, name) & ZONE_EMPTY) != 0;
}

static enum status cap_rrset(struct zone *zone, const struct zone_rrset *rrset, const struct ttl_limit *limit)
{
    if (zone->records[rrset->first].ttl <= limit->change.ttl)
        return STATUS_OK;
    return zone_change_ttl(zone, rrset, &limit->change, limit->cname);
}

static enum status cap_owner(struct zone *zone, const uint8_t *owner, const struct ttl_limit *limit)
{
    struct zone_range range = zone_owner_range(zone, owner);
    struct zone_rrset rrset;
    enum status status = STATUS_OK;
    for (size_t next = range.first; next < range.end && status == STATUS_OK && zone_next_rrset(zone, &next, &rrset);)
        if (zone->records[rrset.first].type != RRTYPE_SOA)
            status = cap_rrset(zone, &rrset, limit);
    return status;
}

/* The first name in the RDATA of an owner's RRset, copied; false: there is no such RRset. */
static bool copy_target(const struct zone *zone, const uint8_t *owner, uint16_t type, uint8_t target[NAME_SIZE_MAX])
{
    struct zone_rrset rrset;
    if (!zone_find(zone, owner, type, &rrset))
        return false;
    struct rdata rdata = zone_rdata(zone, &zone->records[rrset.first]);
    const uint8_t *name = rdata_target(type, &rdata);
    if (name == NULL)
        return false;
    memcpy(target, name, name_size(name));
    return true;
}

/* RFC 6672 2.2; false: the name would be too long. */
static bool substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target, uint8_t result[NAME_SIZE_MAX])
{
    size_t prefix = name_size(name) - name_size(owner);
    size_t size = name_size(target);
    if (prefix + size > NAME_SIZE_MAX)
        return false;
    uint8_t made[NAME_SIZE_MAX];
    memcpy(made, name, prefix);
    memcpy(made + prefix, target, size);
    memcpy(result, made, prefix + size);
    return true;
}

/* What stands for a name in its zone. */
enum step {
    STEP_END,   /* nothing, or nothing of ours */
    STEP_OWNER, /* `owner` */
    STEP_DNAME  /* the DNAME at `owner` */
};

/* The wildcard below the closest encloser, if no hidden name forbids it. */
static enum step find_wildcard(const struct zone *zone, const uint8_t *encloser, uint8_t owner[NAME_SIZE_MAX])
{
    if ((mark_flags(zone, encloser) & (ZONE_HIDDEN | ZONE_HIDDEN_BELOW)) != 0 ||
        name_size(encloser) + 2 > NAME_SIZE_MAX)
        return STEP_END;
    owner[0] = 1;
    owner[1] = '*';
    memcpy(owner + 2, encloser, name_size(encloser));
    return exists(zone, owner) ? STEP_OWNER : STEP_END;
}

/* Down from the apex, as a lookup goes. */
static enum step find_step(const struct zone *zone, const uint8_t *name, uint8_t owner[NAME_SIZE_MAX])
{
    unsigned labels = name_label_count(name);
    struct zone_rrset rrset;
    for (unsigned k = name_label_count(zone->apex); k <= labels; k++) {
        const uint8_t *at = name_ancestor(name, k);
        if (!exists(zone, at)) {
            bool hidden = (mark_flags(zone, at) & ZONE_HIDDEN) != 0;
            return hidden || k == 0 ? STEP_END : find_wildcard(zone, name_parent(at), owner);
        }
        if (k > name_label_count(zone->apex) && zone_find(zone, at, RRTYPE_NS, &rrset))
            return STEP_END;
        memcpy(owner, at, name_size(at));
        if (k < labels && zone_find(zone, at, RRTYPE_DNAME, &rrset))
            return STEP_DNAME;
    }
    return STEP_OWNER;
}

/* Cap what stands for `name` and put the next name of the chain there; *goes_on false: it ends. */
static enum status cap_step(struct zone *zone, uint8_t name[NAME_SIZE_MAX], const struct ttl_limit *limit,
                            bool *goes_on)
{
    enum status status = STATUS_OK;
    uint8_t owner[NAME_SIZE_MAX];
    uint8_t target[NAME_SIZE_MAX];
    struct zone_rrset rrset;
    switch (find_step(zone, name, owner)) {
    case STEP_END:
        break;
    case STEP_OWNER:
        status = cap_owner(zone, owner, limit);
        *goes_on = copy_target(zone, owner, RRTYPE_CNAME, name);
        break;
    case STEP_DNAME:
        if (zone_find(zone, owner, RRTYPE_DNAME, &rrset))
            status = cap_rrset(zone, &rrset, limit);
        *goes_on = copy_target(zone, owner, RRTYPE_DNAME, target) && substitute(name, owner, target, name);
        break;
    }
    return status;
}

enum status ttl_chain_cap(const struct ttl_chain *chain, const uint8_t *target, const struct ttl_limit *limit)
{
    enum status status = STATUS_OK;
    bool goes_on = true;
    uint8_t name[NAME_SIZE_MAX];
    memcpy(name, target, name_size(target));
    for (unsigned hops = 0; hops < ANSWER_CHAIN_MAX && goes_on && status == STATUS_OK; hops++) {
        struct zone *zone = find_zone(chain, name);
        goes_on = false;
        if (zone != NULL)
            status = cap_step(zone, name, limit, &goes_on);
    }
    return status;
}

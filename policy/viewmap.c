/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/viewmap.h"

#include "policy/policy.h"
#include "policy/policy_check.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct key {
    uint8_t name[NAME_SIZE_MAX]; /* lowered */
    uint32_t view;
};

/* A view limited to an address. Those of one address stand together. */
struct limit {
    struct address address;
    uint32_t view;
};

/* An address some view is limited to; its views are limits[first, first + count). */
struct place_of_arrival {
    struct address address;
    uint32_t first;
    uint32_t count;
    uint32_t set;
};

/* Where the same views are limited to the address. */
struct set {
    struct prefix_map *networks;
    uint32_t otherwise;
    uint32_t arrival; /* the first address it belongs to; set 0 belongs to all that are not listed */
};

struct viewmap {
    struct key *keys; /* by name */
    size_t key_count;
    struct limit *limits; /* by address, then by view */
    size_t limit_count;
    struct place_of_arrival *arrivals; /* by address */
    size_t arrival_count;
    struct set sets[VIEWMAP_SETS_MAX + 1];
    size_t set_count;
};

void viewmap_free(struct viewmap *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->set_count; i++)
        prefix_map_free(map->sets[i].networks);
    memory_free(map->keys);
    memory_free(map->limits);
    memory_free(map->arrivals);
    memory_free(map);
}

static int compare_addresses(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return (int)a->family - (int)b->family;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static size_t count_values(const struct policy *policy, const char *key)
{
    size_t count = 0;
    for (uint32_t i = 0; i < policy->view_count; i++) {
        const struct config_setting *setting = config_find(policy_view_section(policy, i), key);
        count += setting == NULL ? 0 : setting->value_count;
    }
    return count;
}

bool viewmap_rivals(const struct config_section *a, const struct config_section *b)
{
    const struct config_setting *left = config_find(a, "listen");
    const struct config_setting *right = config_find(b, "listen");
    if (left == NULL || right == NULL)
        return left == right;
    for (size_t i = 0; i < left->value_count; i++)
        for (size_t j = 0; j < right->value_count; j++)
            if (address_equal(&left->values[i].prefix.address, &right->values[j].prefix.address))
                return true;
    return false;
}

/* ---- keys ---- */

static int compare_names(const uint8_t *a, const uint8_t *b)
{
    size_t a_size = name_size(a);
    size_t b_size = name_size(b);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_keys(const void *a, const void *b)
{
    return compare_names(((const struct key *)a)->name, ((const struct key *)b)->name);
}

static enum status read_keys(const struct policy *policy, struct viewmap *map)
{
    map->keys = memory_zalloc(count_values(policy, "keys"), sizeof *map->keys);
    if (map->keys == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < policy->view_count; view++) {
        const struct config_setting *keys = config_find(policy_view_section(policy, view), "keys");
        for (size_t i = 0; keys != NULL && i < keys->value_count; i++) {
            struct key *key = &map->keys[map->key_count++];
            name_to_lower(keys->values[i].name, key->name);
            key->view = view;
        }
    }
    if (map->key_count > 0)
        qsort(map->keys, map->key_count, sizeof *map->keys, compare_keys);
    return STATUS_OK;
}

uint32_t viewmap_key(const struct viewmap *map, const uint8_t *name)
{
    uint8_t lower[NAME_SIZE_MAX];
    size_t low = 0;
    size_t high = map->key_count;
    name_to_lower(name, lower);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(lower, map->keys[middle].name);
        if (order == 0)
            return map->keys[middle].view;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return VIEW_NONE;
}

/* ---- listen addresses ---- */

static int compare_limits(const void *a, const void *b)
{
    const struct limit *left = a;
    const struct limit *right = b;
    int order = compare_addresses(&left->address, &right->address);
    return order != 0 ? order : (left->view > right->view) - (left->view < right->view);
}

static enum status read_limits(const struct policy *policy, struct viewmap *map)
{
    size_t count = count_values(policy, "listen");
    map->limits = memory_zalloc(count, sizeof *map->limits);
    map->arrivals = memory_zalloc(count, sizeof *map->arrivals);
    if (map->limits == NULL || map->arrivals == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < policy->view_count; view++) {
        const struct config_setting *listen = config_find(policy_view_section(policy, view), "listen");
        for (size_t i = 0; listen != NULL && i < listen->value_count; i++)
            map->limits[map->limit_count++] = (struct limit){listen->values[i].prefix.address, view};
    }
    if (count > 0)
        qsort(map->limits, count, sizeof *map->limits, compare_limits);
    /* An address may stand twice in one view. */
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_limits(&map->limits[kept - 1], &map->limits[i]) != 0)
            map->limits[kept++] = map->limits[i];
    map->limit_count = kept;
    for (size_t i = 0; i < kept; i++) {
        const struct limit *limit = &map->limits[i];
        if (i == 0 || !address_equal(&limit[-1].address, &limit->address))
            map->arrivals[map->arrival_count++] = (struct place_of_arrival){limit->address, (uint32_t)i, 0, 0};
        map->arrivals[map->arrival_count - 1].count++;
    }
    return STATUS_OK;
}

static bool same_views(const struct viewmap *map, const struct place_of_arrival *a, const struct place_of_arrival *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (map->limits[a->first + i].view != map->limits[b->first + i].view)
            return false;
    return true;
}

/* Give each address its set. */
static void make_sets(const struct policy *policy, struct viewmap *map, struct diag *diag)
{
    map->set_count = 1;
    for (size_t i = 0; i < map->arrival_count; i++) {
        struct place_of_arrival *arrival = &map->arrivals[i];
        uint32_t set = 1;
        while (set < map->set_count && !same_views(map, arrival, &map->arrivals[map->sets[set].arrival]))
            set++;
        if (set > VIEWMAP_SETS_MAX) {
            const struct config_section *section = policy_view_section(policy, map->limits[arrival->first].view);
            config_error(policy->config, diag, section, "listen", config_find(section, "listen")->line,
                         "found more than %u different sets of views by listen address, wanted at most %u",
                         VIEWMAP_SETS_MAX, VIEWMAP_SETS_MAX);
            return;
        }
        arrival->set = set;
        if (set == map->set_count)
            map->sets[map->set_count++].arrival = (uint32_t)i;
    }
}

/* ---- networks ---- */

static uint32_t line_of_prefix(const struct config_section *section, const struct prefix *prefix)
{
    const struct config_setting *clients = config_find(section, "clients");
    for (size_t i = 0; clients != NULL && i < clients->value_count; i++)
        if (!clients->values[i].any && prefix_equal(&clients->values[i].prefix, prefix))
            return clients->values[i].line;
    return section->line;
}

/* Both views of a conflict meet in several sets: say it in the first only. */
static bool meets_earlier(const struct viewmap *map, size_t set, uint32_t a, uint32_t b)
{
    for (size_t i = 1; i < set; i++) {
        const struct place_of_arrival *arrival = &map->arrivals[map->sets[i].arrival];
        unsigned found = 0;
        for (uint32_t k = 0; k < arrival->count; k++)
            found += map->limits[arrival->first + k].view == a || map->limits[arrival->first + k].view == b;
        if (found == 2)
            return true;
    }
    return false;
}

static bool is_limited(const struct policy *policy, uint32_t view)
{
    return config_find(policy_view_section(policy, view), "listen") != NULL;
}

static enum status add_clients(const struct policy *policy, struct viewmap *map, size_t set, uint32_t view,
                               struct diag *diag)
{
    const struct config_section *section = policy_view_section(policy, view);
    const struct config_setting *clients = config_find(section, "clients");
    if (policy->views[view].has_any && map->sets[set].otherwise == VIEW_NONE)
        map->sets[set].otherwise = view;
    for (size_t i = 0; clients != NULL && i < clients->value_count; i++) {
        const struct config_value *value = &clients->values[i];
        uint32_t other;
        if (value->any)
            continue;
        enum status status = prefix_map_add(map->sets[set].networks, &value->prefix, view, &other);
        if (status == STATUS_NO_MEMORY)
            return status;
        /* A view limited to the address stands there before those that are not, and displaces them. */
        bool is_ambiguous = status != STATUS_OK && is_limited(policy, view) == is_limited(policy, other);
        if (!is_ambiguous || (set > 0 && !is_limited(policy, view)) || meets_earlier(map, set, view, other))
            continue;
        const struct config_section *owner = policy_view_section(policy, other);
        config_error(policy->config, diag, section, "clients", value->line,
                     "found %s, wanted it in one view ([view %s] has it on line %" PRIu32 ")", value->text, owner->name,
                     line_of_prefix(owner, &value->prefix));
    }
    return STATUS_OK;
}

static enum status fill_set(const struct policy *policy, struct viewmap *map, size_t set, struct diag *diag)
{
    map->sets[set].otherwise = VIEW_NONE;
    map->sets[set].networks = prefix_map_new();
    if (map->sets[set].networks == NULL)
        return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    if (set > 0) {
        const struct place_of_arrival *arrival = &map->arrivals[map->sets[set].arrival];
        for (uint32_t i = 0; i < arrival->count && status == STATUS_OK; i++)
            status = add_clients(policy, map, set, map->limits[arrival->first + i].view, diag);
    }
    for (uint32_t view = 0; view < policy->view_count && status == STATUS_OK; view++)
        if (!is_limited(policy, view))
            status = add_clients(policy, map, set, view, diag);
    return status == STATUS_OK ? prefix_map_freeze(map->sets[set].networks, map->sets[set].otherwise) : status;
}

enum status viewmap_new(const struct policy *policy, struct diag *diag, struct viewmap **result)
{
    *result = NULL;
    struct viewmap *map = memory_zalloc(1, sizeof *map);
    if (map == NULL)
        return STATUS_NO_MEMORY;
    enum status status = read_keys(policy, map);
    if (status == STATUS_OK)
        status = read_limits(policy, map);
    if (status == STATUS_OK)
        make_sets(policy, map, diag);
    for (size_t i = 0; i < map->set_count && status == STATUS_OK; i++)
        status = fill_set(policy, map, i, diag);
    if (status != STATUS_OK) {
        viewmap_free(map);
        return status;
    }
    *result = map;
    return STATUS_OK;
}

struct viewmap_networks viewmap_networks(const struct viewmap *map, const struct address *listen)
{
    uint32_t set = 0;
    size_t low = 0;
    size_t high = map->arrival_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_addresses(listen, &map->arrivals[middle].address);
        if (order == 0) {
            set = map->arrivals[middle].set;
            break;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct viewmap_networks){map->sets[set].networks, map->sets[set].otherwise};
}

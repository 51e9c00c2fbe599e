/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/moves.h"

#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

/* A network that one or both policies name. */
struct network {
    struct prefix prefix;
    uint32_t view[2]; /* of the old and the new policy; NOT_NAMED */
};

#define NOT_NAMED (UINT32_MAX - 1)

struct search {
    const struct policy *policies[2];
    struct network *networks;
    size_t count;
    size_t capacity;
    struct move *moves;
    size_t move_count;
    size_t move_capacity;
};

static enum status add_view(struct search *search, unsigned side, uint32_t view)
{
    const struct policy *policy = search->policies[side];
    const struct config_section *section = policy->views[view].section;
    const struct config_setting *clients = section == NULL ? NULL : config_find(section, "clients");

    if (config_is_set(section, "listen"))
        return STATUS_OK;
    for (size_t i = 0; clients != NULL && i < clients->value_count; i++) {
        if (clients->values[i].any)
            continue;
        struct network *networks = memory_grow(search->networks, search->count, &search->capacity, sizeof *networks);
        if (networks == NULL)
            return STATUS_NO_MEMORY;
        search->networks = networks;
        struct network *network = &networks[search->count++];
        *network = (struct network){.prefix = clients->values[i].prefix, .view = {NOT_NAMED, NOT_NAMED}};
        network->view[side] = view;
    }
    return STATUS_OK;
}

/* A network comes before those inside it. */
static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    int order = memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_networks(const void *left, const void *right)
{
    return compare_prefixes(&((const struct network *)left)->prefix, &((const struct network *)right)->prefix);
}

/* Networks that both name become one. */
static void merge(struct search *search)
{
    size_t kept = 0;

    if (search->count > 1)
        qsort(search->networks, search->count, sizeof *search->networks, compare_networks);
    for (size_t i = 0; i < search->count; i++) {
        struct network *network = &search->networks[i];
        if (kept == 0 || compare_networks(&search->networks[kept - 1], network) != 0) {
            search->networks[kept++] = *network;
            continue;
        }
        for (unsigned side = 0; side < 2; side++)
            if (network->view[side] != NOT_NAMED)
                search->networks[kept - 1].view[side] = network->view[side];
    }
    search->count = kept;
}

static bool is_same_view(const struct search *search, uint32_t before, uint32_t after)
{
    if (before == VIEW_NONE || after == VIEW_NONE)
        return before == after;
    return strcmp(search->policies[0]->views[before].name, search->policies[1]->views[after].name) == 0;
}

static enum status add_move(struct search *search, const struct move *move)
{
    struct move *moves = memory_grow(search->moves, search->move_count, &search->move_capacity, sizeof *moves);

    if (moves == NULL)
        return STATUS_NO_MEMORY;
    search->moves = moves;
    moves[search->move_count++] = *move;
    return STATUS_OK;
}

__extension__ typedef unsigned __int128 coverage;

/* A network on the way down: what is inside it was met, and may cover all of it. */
struct level {
    uint32_t network;
    coverage covered; /* by networks right inside; COVERED_ALL: nothing is left */
    bool is_needed;   /* a network inside is told by this one */
};

#define COVERED_ALL ((coverage)1 << 127)

static bool is_same_pair(const uint32_t a[2], const uint32_t b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

/* The innermost network is done: tell it, unless the one around it says the same, or nothing of it is left. */
static enum status leave(struct search *search, struct level *levels, size_t depth, const uint32_t everybody[2])
{
    const struct level *level = &levels[depth - 1];
    const struct network *network = &search->networks[level->network];
    struct level *outer = depth > 1 ? &levels[depth - 2] : NULL;
    const uint32_t *outer_view = outer == NULL ? everybody : search->networks[outer->network].view;
    bool is_needed = level->is_needed || level->covered < COVERED_ALL;

    if (outer != NULL) {
        unsigned bits = (unsigned)network->prefix.length - search->networks[outer->network].prefix.length;
        outer->covered += bits > 127 ? 0 : COVERED_ALL >> bits;
        outer->is_needed |= is_needed && is_same_pair(network->view, outer_view);
    }
    if (!is_needed || is_same_pair(network->view, outer_view) ||
        is_same_view(search, network->view[0], network->view[1]))
        return STATUS_OK;
    return add_move(search,
                    &(struct move){.network = network->prefix, .before = network->view[0], .after = network->view[1]});
}

static bool is_inside(const struct search *search, const struct level *level, const struct prefix *prefix)
{
    const struct prefix *outer = &search->networks[level->network].prefix;

    return outer->length <= prefix->length && prefix_contains(outer, &prefix->address);
}

/* What a network does not name it inherits from the one around it. */
static enum status walk(struct search *search, const uint32_t everybody[2], struct level *levels)
{
    size_t depth = 0;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < search->count && status == STATUS_OK; i++) {
        struct network *network = &search->networks[i];
        for (; depth > 0 && !is_inside(search, &levels[depth - 1], &network->prefix) && status == STATUS_OK; depth--)
            status = leave(search, levels, depth, everybody);
        const uint32_t *outer = depth > 0 ? search->networks[levels[depth - 1].network].view : everybody;
        for (unsigned side = 0; side < 2; side++)
            if (network->view[side] == NOT_NAMED)
                network->view[side] = outer[side];
        levels[depth++] = (struct level){.network = (uint32_t)i};
    }
    for (; depth > 0 && status == STATUS_OK; depth--)
        status = leave(search, levels, depth, everybody);
    return status;
}

static int compare_moves(const void *left, const void *right)
{
    const struct move *a = left;
    const struct move *b = right;

    return a->any != b->any ? b->any - a->any : compare_prefixes(&a->network, &b->network);
}

static enum status find(struct search *search)
{
    uint32_t everybody[2] = {VIEW_NONE, VIEW_NONE};
    enum status status = STATUS_OK;

    for (unsigned side = 0; side < 2; side++) {
        const struct policy *policy = search->policies[side];
        if (policy == NULL)
            continue;
        everybody[side] = policy->any_view;
        for (uint32_t view = 0; view < policy->view_count && status == STATUS_OK; view++)
            status = add_view(search, side, view);
    }
    if (status == STATUS_OK && !is_same_view(search, everybody[0], everybody[1]))
        status = add_move(search, &(struct move){.any = true, .before = everybody[0], .after = everybody[1]});
    if (status != STATUS_OK)
        return status;
    merge(search);
    struct level *levels = memory_zalloc(search->count, sizeof *levels);
    status = levels == NULL ? STATUS_NO_MEMORY : walk(search, everybody, levels);
    memory_free(levels);
    if (search->move_count > 1)
        qsort(search->moves, search->move_count, sizeof *search->moves, compare_moves);
    return status;
}

enum status moves_find(const struct policy *before, const struct policy *after, struct move **moves, size_t *count)
{
    struct search search = {.policies = {before, after}};
    enum status status = find(&search);

    memory_free(search.networks);
    *moves = NULL;
    *count = 0;
    if (status != STATUS_OK) {
        memory_free(search.moves);
        return status;
    }
    *moves = search.moves;
    *count = search.move_count;
    return STATUS_OK;
}

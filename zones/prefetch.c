/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/prefetch.h"

#include "zones/catalog_layout.h"
#include "zones/image.h"

#include <stdalign.h>
#include <stdbool.h>

#define CACHE_LINE 64
#define NODE_LINES 6 /* a node with its records; mostly the target of its CNAME too, a few names further on */

/* Each step reads what the one before it has asked for, and asks for what the next one reads. */

void prefetch_begin(struct prefetch *prefetch, const struct catalog *catalog, const struct name_split *split)
{
    unsigned deepest = catalog->header->labels_max;
    const struct catalog_slot *slots = (const void *)(catalog->block + catalog->header->slots);
    prefetch->catalog = catalog;
    prefetch->apex_hash = split->hash[split->labels < deepest ? split->labels : deepest];
    prefetch->hash = split->hash[split->labels];
    prefetch->place = &slots[(uint32_t)prefetch->apex_hash & (catalog->header->slot_count - 1)];
    __builtin_prefetch(prefetch->place);
}

/* A zone that is not where its hash says is left to the lookup. */
static bool fetch_entry(struct prefetch *prefetch)
{
    const struct catalog *catalog = prefetch->catalog;
    const struct catalog_slot *slot = prefetch->place;
    if (slot->tag != (uint32_t)(prefetch->apex_hash >> 32) || slot->entry == 0 || slot->entry > catalog->header->count)
        return false;
    __builtin_prefetch(catalog_entry(catalog, slot->entry - 1));
    prefetch->place = &catalog->images[slot->entry - 1];
    __builtin_prefetch(prefetch->place);
    return true;
}

static bool fetch_header(struct prefetch *prefetch)
{
    const struct catalog *catalog = prefetch->catalog;
    const struct image_ref *ref = prefetch->place;
    const struct catalog_entry *entry = catalog_entry(catalog, (uint32_t)(ref - catalog->images));
    prefetch->block = __atomic_load_n(&ref->block, __ATOMIC_ACQUIRE);
    prefetch->size = __atomic_load_n(&ref->size, __ATOMIC_RELAXED);
    /* One that nobody asked for yet is left to the lookup too. */
    if (prefetch->block == NULL || (uintptr_t)prefetch->block % IMAGE_ALIGNMENT != 0 ||
        prefetch->size < sizeof(struct image_header))
        return false;
    __builtin_prefetch(catalog->block + entry->apex);
    __builtin_prefetch(prefetch->block);
    __builtin_prefetch(prefetch->block + CACHE_LINE);
    return true;
}

/* The slots come first in the blocks that compile.c makes; image_open, which would find them, costs more. */
static bool fetch_slot(struct prefetch *prefetch)
{
    const struct image_header *header = (const void *)prefetch->block;
    uint64_t place = (uint32_t)prefetch->hash & (header->slot_count - 1);
    place = header->sections[0].offset + place * sizeof(struct image_slot);
    if (place % alignof(struct image_slot) != 0 || place > prefetch->size - sizeof(struct image_slot))
        return false;
    prefetch->place = prefetch->block + place;
    __builtin_prefetch(prefetch->place);
    return true;
}

static bool fetch_node(struct prefetch *prefetch)
{
    const struct image_slot *slot = prefetch->place;
    if (slot->tag != (uint32_t)(prefetch->hash >> 32) || slot->node > prefetch->size)
        return false;
    for (unsigned line = 0; line < NODE_LINES; line++)
        __builtin_prefetch(prefetch->block + slot->node + (size_t)(line * CACHE_LINE));
    return true;
}

/* Inline, so that each step becomes a loop of its own. */
static inline void take_step(struct prefetch *names, unsigned count, bool (*step)(struct prefetch *))
{
    for (unsigned i = 0; i < count; i++)
        if (names[i].catalog != NULL && !step(&names[i]))
            names[i].catalog = NULL;
}

void prefetch_finish(struct prefetch *names, unsigned count)
{
    take_step(names, count, fetch_entry);
    take_step(names, count, fetch_header);
    take_step(names, count, fetch_slot);
    take_step(names, count, fetch_node);
}

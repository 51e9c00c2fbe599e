/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/idset.h"

#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>

#define WORD_BITS 64

void idlist_clear(struct idlist *list)
{
    memory_free(list->ids);
    *list = (struct idlist){0};
}

enum status idlist_add(struct idlist *list, uint64_t id)
{
    uint64_t *ids = memory_grow(list->ids, list->count, &list->capacity, sizeof(*ids));

    if (!ids)
        return STATUS_NO_MEMORY;
    list->ids = ids;
    list->ids[list->count++] = id;
    return STATUS_OK;
}

static int id_compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

void idlist_sort(struct idlist *list)
{
    size_t kept = 0;

    if (list->count == 0)
        return;
    qsort(list->ids, list->count, sizeof(*list->ids), id_compare);
    for (size_t i = 1; i < list->count; i++) {
        if (list->ids[i] != list->ids[kept])
            list->ids[++kept] = list->ids[i];
    }
    list->count = kept + 1;
}

void idlist_subtract(struct idlist *list, const struct idlist *other)
{
    size_t kept = 0;
    size_t at = 0;

    for (size_t i = 0; i < list->count; i++) {
        while (at < other->count && other->ids[at] < list->ids[i])
            at++;
        if (at == other->count || other->ids[at] != list->ids[i])
            list->ids[kept++] = list->ids[i];
    }
    list->count = kept;
}

enum status idset_init(struct idset *set, uint64_t first, uint64_t last)
{
    assert(first <= last);
    *set = (struct idset){.first = first, .range = last - first + 1};
    if (set->range == 0 || set->range / WORD_BITS >= SIZE_MAX / sizeof(uint64_t))
        return STATUS_NO_MEMORY;
    set->words = memory_zalloc((size_t)(set->range / WORD_BITS + 1), sizeof(uint64_t));
    return set->words ? STATUS_OK : STATUS_NO_MEMORY;
}

void idset_clear(struct idset *set)
{
    memory_free(set->words);
    *set = (struct idset){0};
}

bool idset_has(const struct idset *set, uint64_t id)
{
    const uint64_t bit = id - set->first;

    return id >= set->first && bit < set->range && (set->words[bit / WORD_BITS] >> (bit % WORD_BITS) & 1) != 0;
}

void idset_add(struct idset *set, uint64_t id)
{
    const uint64_t bit = id - set->first;

    if (id < set->first || bit >= set->range || idset_has(set, id))
        return;
    set->words[bit / WORD_BITS] |= UINT64_C(1) << (bit % WORD_BITS);
    set->count++;
}

void idset_remove(struct idset *set, uint64_t id)
{
    const uint64_t bit = id - set->first;

    if (!idset_has(set, id))
        return;
    set->words[bit / WORD_BITS] &= ~(UINT64_C(1) << (bit % WORD_BITS));
    set->count--;
}

bool idset_next(const struct idset *set, uint64_t from, uint64_t *id)
{
    uint64_t bit = from > set->first ? from - set->first : 0;

    while (bit < set->range) {
        const uint64_t word = set->words[bit / WORD_BITS] >> (bit % WORD_BITS);

        if (word != 0) {
            *id = set->first + bit + (uint64_t)__builtin_ctzll(word);
            return true;
        }
        bit = (bit / WORD_BITS + 1) * WORD_BITS;
    }
    return false;
}

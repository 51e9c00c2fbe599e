/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/nameset.h"

#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX ((size_t)1 << 40) /* bytes */

void nameset_init(struct nameset *set)
{
    memset(set, 0, sizeof *set);
    bytes_init(&set->keys, KEYS_MAX);
}

void nameset_clear(struct nameset *set)
{
    bytes_clear(&set->keys);
    memory_free(set->items);
    nameset_init(set);
}

enum status nameset_add(struct nameset *set, const uint8_t *name, uint16_t type)
{
    uint8_t key[NAME_KEY_MAX];
    size_t size = name_to_key(name, key);
    struct nameset_item *items = memory_grow(set->items, set->count, &set->capacity, sizeof *items);

    if (items == NULL)
        return STATUS_NO_MEMORY;
    set->items = items;
    items[set->count] = (struct nameset_item){.key = set->keys.size, .key_size = (uint16_t)size, .type = type};
    if (size > 0 && bytes_append(&set->keys, key, size) != STATUS_OK)
        return STATUS_NO_MEMORY;
    set->count++;
    return STATUS_OK;
}

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t shorter = a_size < b_size ? a_size : b_size;
    int order = shorter == 0 ? 0 : memcmp(a, b, shorter);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static const uint8_t *key_of(const struct nameset *set, const struct nameset_item *item)
{
    return item->key_size == 0 ? NULL : set->keys.data + item->key;
}

static int compare_items(const void *left, const void *right, void *context)
{
    const struct nameset_item *a = left;
    const struct nameset_item *b = right;
    const struct nameset *set = context;
    int order = compare_keys(key_of(set, a), a->key_size, key_of(set, b), b->key_size);

    return order != 0 ? order : (a->type > b->type) - (a->type < b->type);
}

void nameset_sort(struct nameset *set)
{
    size_t kept = 0;

    if (set->count > 1)
        qsort_r(set->items, set->count, sizeof *set->items, compare_items, set);
    for (size_t i = 0; i < set->count; i++)
        if (kept == 0 || compare_items(&set->items[kept - 1], &set->items[i], set) != 0)
            set->items[kept++] = set->items[i];
    set->count = kept;
    set->sorted = kept;
}

size_t nameset_seek(const struct nameset *set, const uint8_t *key, size_t key_size)
{
    size_t low = 0;
    size_t high = set->sorted;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct nameset_item *item = &set->items[middle];
        if (compare_keys(key_of(set, item), item->key_size, key, key_size) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool nameset_is_at_or_below(const struct nameset *set, size_t index, const uint8_t *key, size_t key_size)
{
    if (index >= set->sorted)
        return false;
    const struct nameset_item *item = &set->items[index];
    return item->key_size >= key_size && (key_size == 0 || memcmp(key_of(set, item), key, key_size) == 0);
}

bool nameset_is(const struct nameset *set, size_t index, const uint8_t *key, size_t key_size)
{
    return nameset_is_at_or_below(set, index, key, key_size) && set->items[index].key_size == key_size;
}

size_t nameset_name(const struct nameset *set, size_t index, uint8_t name[NAME_SIZE_MAX])
{
    const struct nameset_item *item = &set->items[index];

    return name_from_key(key_of(set, item), item->key_size, name);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nameset: names, each with a type (0: none), gathered in any order, then sorted in canonical order. One thread.
 */
#ifndef SPLITVIEW_POLICY_NAMESET_H
#define SPLITVIEW_POLICY_NAMESET_H

#include "zones/bytes.h"
#include "zones/name.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nameset_item {
    size_t key; /* offset of the sort key (name_to_key) */
    uint16_t key_size;
    uint16_t type;
};

struct nameset {
    struct bytes keys;
    struct nameset_item *items;
    size_t count;
    size_t capacity;
    size_t sorted; /* items up to here are sorted and different */
};

void nameset_init(struct nameset *set);
void nameset_clear(struct nameset *set);

/* Append; what is there may stand twice until nameset_sort. NO_MEMORY. */
enum status nameset_add(struct nameset *set, const uint8_t *name, uint16_t type);

/* Sort by name in canonical order, then by type, and drop repetitions. */
void nameset_sort(struct nameset *set);

/* The number of the first sorted item whose key is not before this one; set->sorted if there is none. */
size_t nameset_seek(const struct nameset *set, const uint8_t *key, size_t key_size);

/* Is the item's name that of the key? Does it lie at or below it? */
bool nameset_is(const struct nameset *set, size_t index, const uint8_t *key, size_t key_size);
bool nameset_is_at_or_below(const struct nameset *set, size_t index, const uint8_t *key, size_t key_size);

/* The name of an item, lowered; returns its size. */
size_t nameset_name(const struct nameset *set, size_t index, uint8_t name[NAME_SIZE_MAX]);

#endif

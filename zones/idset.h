/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * idset: lists and sets of the store's ids, for finding what nothing names any more. One thread.
 */
#ifndef SPLITVIEW_ZONES_IDSET_H
#define SPLITVIEW_ZONES_IDSET_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing list; all zero is an empty one. */
struct idlist {
    uint64_t *ids; /* owned */
    size_t count;
    size_t capacity;
};

void idlist_clear(struct idlist *list);
/* NO_MEMORY; then nothing changed. */
enum status idlist_add(struct idlist *list, uint64_t id);
/* Sort, and drop what is there twice. */
void idlist_sort(struct idlist *list);
/* Drop from `list` what is in `other`; both are sorted. */
void idlist_subtract(struct idlist *list, const struct idlist *other);

/* A set over the ids of one range, one bit each. */
struct idset {
    uint64_t first;  /* smallest id it can hold */
    uint64_t range;  /* how many ids it can hold */
    uint64_t *words; /* owned */
    uint64_t count;  /* ids in it */
};

/* A set for ids from `first` to `last`. NO_MEMORY. */
enum status idset_init(struct idset *set, uint64_t first, uint64_t last);
void idset_clear(struct idset *set);

/* Ids out of the range are never in the set: adding and removing them does nothing. */
void idset_add(struct idset *set, uint64_t id);
void idset_remove(struct idset *set, uint64_t id);
bool idset_has(const struct idset *set, uint64_t id);
/* The smallest id in the set that is not below `from`; false if there is none. */
bool idset_next(const struct idset *set, uint64_t from, uint64_t *id);

#endif

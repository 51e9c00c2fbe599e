/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory: the only door to the allocator, so that a test can fail each allocation in turn.
 *
 * Everything returned belongs to the caller until memory_free. Any thread may call; nothing is shared but the counter
 * of the torture build.
 */
#ifndef SPLITVIEW_ZONES_MEMORY_H
#define SPLITVIEW_ZONES_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* `size` bytes, not cleared; NULL when there is no memory. size 0 gives a valid pointer to free. */
void *memory_alloc(size_t size);

/* `count` objects of `size` bytes, all zero; NULL when there is no memory or the product does not fit. */
void *memory_zalloc(size_t count, size_t size);

/* Grow or shrink; on NULL the old block is still valid and still the caller's. */
void *memory_resize(void *old, size_t size);

/* Make room for one more element in a growing array: doubles `*capacity` (counted in elements of `size` bytes) when
 * `count` has reached it. Returns the array to use from now on, or NULL with the old one untouched. */
void *memory_grow(void *array, size_t count, size_t *capacity, size_t size);

/* A copy of `length` bytes with a final zero byte. */
char *memory_copy_text(const char *text, size_t length);

/* NULL is allowed. */
void memory_free(void *block);

#ifdef SPLITVIEW_TORTURE
/* The `number`th allocation from now (1 = the next) and every one after it fails until called with 0. */
void memory_fail_from(uint64_t number);
/* Allocations made since the program started. */
uint64_t memory_count(void);
#endif

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef SPLITVIEW_TORTURE
#include <stdatomic.h>

static atomic_uint_fast64_t allocations;
static atomic_uint_fast64_t first_failing;

void memory_fail_from(uint64_t number)
{
    atomic_store(&first_failing, number == 0 ? 0 : atomic_load(&allocations) + number);
}

uint64_t memory_count(void)
{
    return atomic_load(&allocations);
}

static bool memory_is_refused(void)
{
    uint64_t number = atomic_fetch_add(&allocations, 1) + 1;
    uint64_t failing = atomic_load(&first_failing);
    return failing != 0 && number >= failing;
}
#else
static bool memory_is_refused(void)
{
    return false;
}
#endif

void *memory_alloc(size_t size)
{
    return memory_is_refused() ? NULL : malloc(size == 0 ? 1 : size);
}

void *memory_zalloc(size_t count, size_t size)
{
    if (memory_is_refused())
        return NULL;
    return count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
}

void *memory_resize(void *old, size_t size)
{
    return memory_is_refused() ? NULL : realloc(old, size == 0 ? 1 : size);
}

void *memory_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    if (wanted <= *capacity || wanted > SIZE_MAX / size)
        return NULL;
    void *grown = memory_resize(array, wanted * size);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

char *memory_copy_text(const char *text, size_t length)
{
    char *copy = memory_alloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void memory_free(void *block)
{
    free(block);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/bytes.h"

#include "zones/memory.h"

#include <string.h>

void bytes_init(struct bytes *bytes, size_t limit)
{
    *bytes = (struct bytes){.limit = limit};
}

void bytes_clear(struct bytes *bytes)
{
    memory_free(bytes->data);
    bytes_init(bytes, bytes->limit);
}

enum status bytes_reserve(struct bytes *bytes, size_t size)
{
    if (size > bytes->limit || bytes->size > bytes->limit - size)
        return STATUS_TOO_LARGE;
    size_t needed = bytes->size + size;
    if (needed <= bytes->capacity)
        return STATUS_OK;
    size_t capacity = bytes->capacity < 256 ? 256 : bytes->capacity;
    while (capacity < needed)
        capacity = capacity > bytes->limit / 2 ? bytes->limit : capacity * 2;
    if (capacity > bytes->limit)
        capacity = bytes->limit;
    uint8_t *grown = memory_resize(bytes->data, capacity);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    bytes->data = grown;
    bytes->capacity = capacity;
    return STATUS_OK;
}

void bytes_clear_room(struct bytes *bytes, size_t size)
{
    memset(bytes->data + bytes->size, 0, size);
}

enum status bytes_align(struct bytes *bytes, size_t alignment)
{
    size_t over = bytes->size & (alignment - 1);
    return over == 0 ? STATUS_OK : bytes_append(bytes, NULL, alignment - over);
}

uint8_t *bytes_take(struct bytes *bytes, size_t *size)
{
    uint8_t *data = bytes->data;
    *size = bytes->size;
    bytes_init(bytes, bytes->limit);
    return data;
}

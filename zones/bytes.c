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

static enum status bytes_reserve(struct bytes *bytes, size_t size)
{
    if (size > bytes->limit || bytes->size > bytes->limit - size)
        return STATUS_TOO_LARGE;
    size_t needed = bytes->size + size;
    if (needed <= bytes->capacity)
        return STATUS_OK;
    size_t capacity = bytes->capacity < 256 ? 256 : bytes->capacity;
    while (capacity < needed)
        capacity = capacity > bytes->limit / 2 ? bytes->limit : capacity * 2;
    uint8_t *grown = memory_resize(bytes->data, capacity);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    bytes->data = grown;
    bytes->capacity = capacity;
    return STATUS_OK;
}

enum status bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    enum status status = bytes_reserve(bytes, size);
    if (status != STATUS_OK || size == 0)
        return status;
    if (data == NULL)
        memset(bytes->data + bytes->size, 0, size);
    else
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return STATUS_OK;
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

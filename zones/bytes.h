/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bytes: a growing buffer that knows its limit from birth. One thread.
 */
#ifndef SPLITVIEW_ZONES_BYTES_H
#define SPLITVIEW_ZONES_BYTES_H

#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    uint8_t *data;   /* owned; NULL while empty */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated, at most `limit` */
    size_t limit;    /* bytes it may ever hold */
};

void bytes_init(struct bytes *bytes, size_t limit);
void bytes_clear(struct bytes *bytes);

/* Have room for `size` more bytes. As bytes_append. */
enum status bytes_reserve(struct bytes *bytes, size_t size);

/* Zeros go into `size` bytes of the room behind what is in use. */
void bytes_clear_room(struct bytes *bytes, size_t size);

/* Append `size` bytes, or zeros if `data` is NULL. STATUS_TOO_LARGE past the limit, STATUS_NO_MEMORY; then nothing
 * changed. */
static inline enum status bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0)
        return STATUS_OK;
    if (size > bytes->capacity - bytes->size) {
        enum status status = bytes_reserve(bytes, size);
        if (status != STATUS_OK)
            return status;
    }
    if (data == NULL)
        bytes_clear_room(bytes, size);
    else
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return STATUS_OK;
}

/* Append zeros until `size` is a multiple of `alignment` (a power of two). */
enum status bytes_align(struct bytes *bytes, size_t alignment);

/* The content becomes the caller's to memory_free; the buffer is empty afterwards. */
uint8_t *bytes_take(struct bytes *bytes, size_t *size);

#endif

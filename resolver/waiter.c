/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/waiter.h"

#include "zones/memory.h"

#include <string.h>

struct waiter *waiter_new(const struct client *client, const uint8_t *wire, size_t size, uint64_t begin)
{
    if (size > WAITER_QUERY_MAX)
        return NULL;
    struct waiter *waiter = memory_alloc(sizeof *waiter + size);
    if (waiter == NULL)
        return NULL;
    *waiter = (struct waiter){.client = *client, .begin = begin, .size = (uint16_t)size};
    memcpy(waiter->wire, wire, size);
    return waiter;
}

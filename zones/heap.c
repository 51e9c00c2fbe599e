/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/heap.h"

#include <malloc.h>

#define GROWTH (1 << 20) /* bytes, of each step; nothing is touched before it is used */

void heap_keep(void)
{
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, GROWTH);
    mallopt(M_ARENA_MAX, 1);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/prefault.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE_SIZE_LEAST  ((uintptr_t)4 << 10) /* bytes; where pages are larger, the hint fails */
#define BLOCK_SIZE_LEAST ((size_t)1 << 20)    /* below, memory comes from where it was used before */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

void prefault_block(void *block, size_t size)
{
    const uintptr_t first = ((uintptr_t)block + PAGE_SIZE_LEAST - 1) & ~(PAGE_SIZE_LEAST - 1);
    const uintptr_t end = ((uintptr_t)block + size) & ~(PAGE_SIZE_LEAST - 1);

    if (size >= BLOCK_SIZE_LEAST)
        (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefault: get all pages of a large block of memory in one call, instead of one page fault each. (Huge pages were
 * tried for the same: they cost more than they saved.) Any thread.
 */
#ifndef SPLITVIEW_ZONES_PREFAULT_H
#define SPLITVIEW_ZONES_PREFAULT_H

#include <stddef.h>

/* `size` bytes at `block` will be written from end to end, at once. Only a hint: the content stays what it is, small
 * blocks are left alone, and nothing is reported. */
void prefault_block(void *block, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heap: how the process gets its memory. For a program that fills large blocks one after the other and then ends: what
 * it frees it takes again, instead of giving it back to the kernel and getting other pages, which must be cleared
 * first. Before the first other thread.
 */
#ifndef SPLITVIEW_ZONES_HEAP_H
#define SPLITVIEW_ZONES_HEAP_H

/* From now on, until the process ends. What cannot be had is done without, and nothing is reported. */
void heap_keep(void);

#endif

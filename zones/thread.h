/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread: a thread that works for the one that began it, beside it. Signals do not reach it: they are for the threads
 * that were there before. Any thread.
 */
#ifndef SPLITVIEW_ZONES_THREAD_H
#define SPLITVIEW_ZONES_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Begin `run` with `context`; *thread is for pthread_join. False: no thread can be had, and nothing was begun. */
bool thread_begin(pthread_t *thread, void *(*run)(void *context), void *context);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_job: a digest of much data, made by a thread of its own while the caller goes on. Of little data, or where no
 * thread can be had, it is made at once: the result is the same.
 *
 * One thread begins and ends a job. Between, the data may be read by anybody and written by nobody, and the job stays
 * where it is.
 */
#ifndef SPLITVIEW_ZONES_HASH_JOB_H
#define SPLITVIEW_ZONES_HASH_JOB_H

#include "zones/hash.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_JOB_PIECES     3
#define HASH_JOB_SIZE_LEAST ((size_t)1 << 20) /* bytes; a thread costs as much time as some 50 KiB */

struct hash_job {
    struct hash_piece pieces[HASH_JOB_PIECES];
    size_t count;
    uint8_t digest[HASH_SIZE];
    pthread_t thread;
    bool has_thread;
};

/* Begin the digest of up to HASH_JOB_PIECES pieces, whose data is borrowed until hash_job_end. */
void hash_job_begin(struct hash_job *job, const struct hash_piece *pieces, size_t count);

/* Wait for the digest. Once for each hash_job_begin, on every path. */
void hash_job_end(struct hash_job *job, uint8_t digest[HASH_SIZE]);

#endif

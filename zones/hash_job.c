/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/hash_job.h"

#include "zones/thread.h"

#include <assert.h>
#include <string.h>

static void *run(void *argument)
{
    struct hash_job *job = argument;

    hash_pieces(job->pieces, job->count, job->digest);
    return NULL;
}

void hash_job_begin(struct hash_job *job, const struct hash_piece *pieces, size_t count)
{
    size_t size = 0;

    assert(count <= HASH_JOB_PIECES);
    memcpy(job->pieces, pieces, count * sizeof *pieces);
    job->count = count;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    job->has_thread = size >= HASH_JOB_SIZE_LEAST && thread_begin(&job->thread, run, job);
    if (!job->has_thread)
        run(job);
}

void hash_job_end(struct hash_job *job, uint8_t digest[HASH_SIZE])
{
    if (job->has_thread)
        pthread_join(job->thread, NULL);
    job->has_thread = false;
    memcpy(digest, job->digest, sizeof job->digest);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_MS 250  /* between two lines on a terminal */
#define LINES_MS    5000 /* elsewhere */
#define SHARE_MIN   50   /* an estimate needs so many parts of a thousand done */

static uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
    const char *ci = getenv("CI");

    *progress = (struct progress){.begun = clock_ms()};
    progress->told = progress->begun;
    if (ci != NULL && strcmp(ci, "true") == 0)
        progress->style = PROGRESS_LINES;
    else if (isatty(STDERR_FILENO))
        progress->style = PROGRESS_TERMINAL;
}

/* Seconds left, by the files that are done; 0: too early to say. */
static uint64_t estimate(const struct candidate_progress *done, uint64_t elapsed_ms)
{
    if (done->files == done->files_all || done->files * 1000 < done->files_all * SHARE_MIN)
        return 0;
    return elapsed_ms * (done->files_all - done->files) / done->files / 1000 + 1;
}

static void write_line(const struct progress *progress, const struct candidate_progress *done, uint64_t now)
{
    uint64_t elapsed = now - progress->begun;
    uint64_t left = estimate(done, elapsed);
    char rest[64] = "";

    if (left > 0)
        snprintf(rest, sizeof rest, ", about %" PRIu64 " s left", left);
    fprintf(stderr, "%sreading: %zu of %zu zone files, %" PRIu64 " records, %" PRIu64 " records/s%s%s",
            progress->style == PROGRESS_TERMINAL ? "\r\033[K" : "splitview: ", done->files, done->files_all,
            done->records, elapsed > 0 ? done->records * 1000 / elapsed : 0, rest,
            progress->style == PROGRESS_TERMINAL ? "" : "\n");
    fflush(stderr);
}

void progress_tell(void *context, const struct candidate_progress *done)
{
    struct progress *progress = context;

    if (progress->style == PROGRESS_SILENT)
        return;
    if (!done->is_reading) {
        progress_end(progress);
        return;
    }
    uint64_t now = clock_ms();
    if (now - progress->told < (progress->style == PROGRESS_TERMINAL ? TERMINAL_MS : LINES_MS))
        return;
    progress->told = now;
    write_line(progress, done, now);
    progress->is_shown = progress->style == PROGRESS_TERMINAL;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

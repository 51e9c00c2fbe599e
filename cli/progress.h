/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * progress: how far an import is, on standard error: one line that is written over on a terminal, a line every few
 * seconds where CI=true, nothing elsewhere. What is quick shows nothing.
 */
#ifndef SPLITVIEW_CLI_PROGRESS_H
#define SPLITVIEW_CLI_PROGRESS_H

#include "policy/candidate.h"

#include <stdbool.h>
#include <stdint.h>

enum progress_style { PROGRESS_SILENT, PROGRESS_TERMINAL, PROGRESS_LINES };

struct progress {
    enum progress_style style;
    uint64_t begun; /* milliseconds of a clock that only rises */
    uint64_t told;  /* when the last line was written */
    bool is_shown;  /* a line stands on the terminal */
};

void progress_begin(struct progress *progress);

/* For candidate_options.progress; `context` is the struct progress. */
void progress_tell(void *context, const struct candidate_progress *done);

/* Take the line away; before anything else is written. */
void progress_end(struct progress *progress);

#endif

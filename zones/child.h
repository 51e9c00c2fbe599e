/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child: run a piece of work in a child process, so that what it does to its own process stays there: a damaged file
 * mapped into memory can end its reader with SIGBUS or SIGSEGV, or never let it come to an end.
 *
 * To be called while the process has one thread and holds no open store. One thread.
 */
#ifndef SPLITVIEW_ZONES_CHILD_H
#define SPLITVIEW_ZONES_CHILD_H

#include "zones/bytes.h"
#include "zones/status.h"

#include <stdint.h>

/* How the child came to its end. */
enum child_end {
    CHILD_DONE,       /* it said everything it had to say */
    CHILD_DIED,       /* it crashed or gave up */
    CHILD_TOO_LONG,   /* the time was over and it was killed */
    CHILD_INTERRUPTED /* this process was asked to end (SIGINT, SIGTERM, SIGHUP), or the child was killed */
};

/*
 * Run `body` in a child and wait for it, at most `limit_ms` milliseconds (0: without limit). The messages it adds to
 * its diag are added to `diag`, the bytes it puts into its `result` (empty at first, with the limit of the caller's)
 * are appended to `result`; nothing else comes back. Returns what `body` returned; if the child did not end well, there
 * is a message about `subject`, and DAMAGED (it died) or IO. NO_MEMORY, IO with a message: it could not be started.
 * `end` may be NULL.
 */
enum status child_run(enum status (*body)(void *context, struct bytes *result, struct diag *diag), void *context,
                      const char *subject, uint64_t limit_ms, struct bytes *result, struct diag *diag,
                      enum child_end *end);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockfile: one holder at a time among all processes, by flock(2) on a file that names its holder.
 *
 * The kernel gives the lock back when its holder ends, however it ends; the file stays. Any thread.
 */
#ifndef SPLITVIEW_ZONES_LOCKFILE_H
#define SPLITVIEW_ZONES_LOCKFILE_H

#include "zones/status.h"

#include <stdint.h>

/*
 * Take the lock `path` (made with mode 0660 if missing, whatever the umask), waiting at most `wait_ms` milliseconds.
 * *fd is the caller's to lockfile_release. LOCKED: somebody else holds it, the message says which process and since
 * when; IO with a message.
 */
enum status lockfile_take(const char *path, uint32_t wait_ms, struct diag *diag, int *fd);

/* Give it back; -1 is allowed. */
void lockfile_release(int fd);

#endif

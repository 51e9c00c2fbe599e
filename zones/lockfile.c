/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/lockfile.h"

#include "zones/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TEXT_MAX     128 /* bytes of the file that are read */
#define LOCK_POLL_MS      20  /* between two tries */
#define NANOSECONDS_IN_MS 1000000

/* Writes "PID SECONDS\n"; only a help for whoever finds the lock taken, so a failure is no error. */
static void holder_write(int fd)
{
    char text[LOCK_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%ld %lld\n", (long)getpid(), (long long)time(NULL));

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        return;
}

/* The message for a lock that is held, from what its holder wrote. */
static enum status holder_report(const char *path, int fd, struct diag *diag)
{
    char text[LOCK_TEXT_MAX + 1] = "";
    char when[32] = "an unknown time";
    long long since = 0;
    long pid = 0;
    struct tm tm;
    ssize_t length = pread(fd, text, LOCK_TEXT_MAX, 0);

    if (length > 0) {
        char *end = text;

        text[length] = '\0';
        pid = strtol(text, &end, 10);
        since = strtoll(end, NULL, 10);
    }
    if (pid <= 0)
        return diag_fail(diag, STATUS_LOCKED, NULL, "%s is held by another process", path);
    time_t seconds = (time_t)since;
    if (since > 0 && gmtime_r(&seconds, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
    return diag_fail(diag, STATUS_LOCKED, NULL, "%s is held by process %ld since %s", path, pid, when);
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NANOSECONDS_IN_MS;
}

/* flock with a limit: there is no call that waits for a lock and a time at once, so it is asked for again and again. */
static bool lock_wait(int fd, uint32_t wait_ms)
{
    const struct timespec pause = {0, LOCK_POLL_MS * NANOSECONDS_IN_MS};
    const uint64_t deadline = now_ms() + wait_ms;

    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        if (now_ms() >= deadline) {
            errno = EWOULDBLOCK;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

enum status lockfile_take(const char *path, uint32_t wait_ms, struct diag *diag, int *fd)
{
    enum status status = STATUS_OK;
    int file = -1;

    status = store_file_open(path, STORE_IMPORT_LOCK_MODE, O_RDWR, diag, &file);
    if (status != STATUS_OK)
        return status;
    if (!lock_wait(file, wait_ms)) {
        status = errno == EWOULDBLOCK ? holder_report(path, file, diag)
                                      : diag_fail(diag, STATUS_IO, NULL, "cannot lock %s: %s", path, strerror(errno));
        close(file);
        return status;
    }
    holder_write(file);
    *fd = file;
    return STATUS_OK;
}

void lockfile_release(int fd)
{
    if (fd < 0)
        return;
    if (ftruncate(fd, 0) != 0) {
        /* The next holder writes its own name. */
    }
    close(fd);
}

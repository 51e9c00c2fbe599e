/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_MAX (UINT64_C(1) << 28) /* bytes of what a child tells */
#define REPORT_END UINT32_C(0x21646e65)

/* What the child tells: a head, the result, each message as a head and its text, and REPORT_END. */
struct report_head {
    uint32_t status;
    uint32_t messages;
    uint64_t result_size;
};

struct message_head {
    uint32_t severity;
    uint32_t size;
};

struct child {
    pid_t pid;
    int pipe;     /* where it writes */
    int signals;  /* signalfd */
    sigset_t old; /* the mask before */
    struct bytes report;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the child's side ---- */

static bool write_all(int fd, const void *data, size_t size)
{
    const uint8_t *at = data;

    while (size > 0) {
        const ssize_t written = write(fd, at, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        at += written;
        size -= (size_t)written;
    }
    return true;
}

static bool report_write(int fd, enum status status, const struct bytes *result, const struct diag *diag)
{
    const struct report_head head = {(uint32_t)status, (uint32_t)diag->count, result->size};
    const uint32_t end = REPORT_END;
    bool written = write_all(fd, &head, sizeof(head)) && write_all(fd, result->data, result->size);

    for (size_t i = 0; i < diag->count && written; i++) {
        const char *text = diag->messages[i].text ? diag->messages[i].text : "";
        const struct message_head message = {(uint32_t)diag->messages[i].severity, (uint32_t)strlen(text)};

        written = write_all(fd, &message, sizeof(message)) && write_all(fd, text, message.size);
    }
    return written && write_all(fd, &end, sizeof(end));
}

_Noreturn static void child_main(int fd, enum status (*body)(void *, struct bytes *, struct diag *), void *context,
                                 size_t result_limit)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const struct rlimit no_core = {0, 0};
    struct bytes result;
    struct diag diag;

    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
        signal(crashes[i], SIG_DFL); /* a handler of the program's would carry on with the program's own work */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core); /* a crash is one of the expected answers */
    bytes_init(&result, result_limit);
    diag_init(&diag);
    const enum status status = body(context, &result, &diag);
    _exit(report_write(fd, status, &result, &diag) ? 0 : 1);
}

/* ---- the parent's side ---- */

static bool take(const struct bytes *from, size_t *at, void *to, size_t size)
{
    if (from->size - *at < size)
        return false;
    memcpy(to, from->data + *at, size);
    *at += size;
    return true;
}

/* False: the report is not whole. */
static bool report_read(const struct bytes *report, enum status *status, struct bytes *result, struct diag *diag)
{
    struct report_head head;
    size_t at = 0;
    uint32_t end = 0;

    if (!report->data || !take(report, &at, &head, sizeof(head)) || report->size - at < head.result_size ||
        report->size < sizeof(end) ||
        memcmp(report->data + report->size - sizeof(end), &(uint32_t){REPORT_END}, sizeof(end)) != 0)
        return false;
    *status = (enum status)head.status;
    if (bytes_append(result, report->data + at, (size_t)head.result_size) != STATUS_OK)
        *status = STATUS_NO_MEMORY;
    at += (size_t)head.result_size;
    for (uint32_t i = 0; i < head.messages; i++) {
        struct message_head message;

        if (!take(report, &at, &message, sizeof(message)) || report->size - at < message.size)
            return false;
        diag_add(diag, (enum severity)message.severity, NULL, "%.*s", (int)message.size,
                 (const char *)report->data + at);
        at += message.size;
    }
    return true;
}

/* Read what is there; false at the end. */
static bool report_receive(struct child *child, enum status *status)
{
    uint8_t buffer[4096];
    const ssize_t size = read(child->pipe, buffer, sizeof(buffer));

    if (size < 0)
        return errno == EINTR || errno == EAGAIN;
    if (size > 0)
        *status = bytes_append(&child->report, buffer, (size_t)size);
    return size > 0 && *status == STATUS_OK;
}

/* Wait until the child has closed its end. */
static enum child_end child_wait(struct child *child, uint64_t limit_ms, enum status *status)
{
    const uint64_t start = now_ms();
    struct pollfd wanted[] = {{.fd = child->pipe, .events = POLLIN}, {.fd = child->signals, .events = POLLIN}};

    for (;;) {
        const uint64_t spent = now_ms() - start;
        const uint64_t left = limit_ms == 0 ? INT_MAX : spent < limit_ms ? limit_ms - spent : 0;

        if (left == 0)
            return CHILD_TOO_LONG;
        if (poll(wanted, 2, left < INT_MAX ? (int)left : INT_MAX) <= 0)
            continue;
        if (wanted[1].revents != 0)
            return CHILD_INTERRUPTED;
        if (wanted[0].revents != 0 && !report_receive(child, status))
            return CHILD_DONE;
    }
}

/* Take the signal that interrupted, so that it does not end this process as soon as it may. */
static void signal_take(const struct child *child)
{
    struct signalfd_siginfo taken;

    if (read(child->signals, &taken, sizeof(taken)) < 0) {
        /* It went to another thread; nothing is left to take. */
    }
}

static enum status child_start(struct child *child, enum status (*body)(void *, struct bytes *, struct diag *),
                               void *context, size_t result_limit, struct diag *diag)
{
    sigset_t set;
    int ends[2];

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot start a child process: %s", strerror(errno));
    sigprocmask(SIG_BLOCK, &set, &child->old);
    child->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    child->pid = child->signals < 0 ? -1 : fork();
    if (child->pid == 0) {
        sigprocmask(SIG_SETMASK, &child->old, NULL);
        child_main(ends[1], body, context, result_limit);
    }
    const int error = errno;
    close(ends[1]);
    child->pipe = ends[0];
    if (child->pid > 0)
        return STATUS_OK;
    close(ends[0]);
    if (child->signals >= 0)
        close(child->signals);
    sigprocmask(SIG_SETMASK, &child->old, NULL);
    return diag_fail(diag, STATUS_IO, NULL, "cannot start a child process: %s", strerror(error));
}

/* Did somebody end it, as with Ctrl-C, which goes to child and parent alike? */
static bool was_stopped(int how)
{
    const int number = WIFSIGNALED(how) ? WTERMSIG(how) : 0;

    return number == SIGKILL || number == SIGINT || number == SIGTERM || number == SIGHUP;
}

/* The messages for a child that did not say everything. */
static enum status failed(enum child_end end, int how, const char *subject, uint64_t limit_ms, struct diag *diag)
{
    if (end == CHILD_TOO_LONG)
        return diag_fail(diag, STATUS_IO, NULL, "%s: not finished within the time limit of %.10g s; it was given up",
                         subject, (double)limit_ms / 1000);
    if (end == CHILD_INTERRUPTED)
        return diag_fail(diag, STATUS_IO, NULL, "%s: stopped by a signal", subject);
    if (WIFSIGNALED(how))
        return diag_fail(diag, STATUS_DAMAGED, NULL, "%s is damaged: reading it ended the process that did (%s)",
                         subject, strsignal(WTERMSIG(how)));
    return diag_fail(diag, STATUS_DAMAGED, NULL, "%s is damaged: reading it ended the process that did (status %d)",
                     subject, WEXITSTATUS(how));
}

enum status child_run(enum status (*body)(void *context, struct bytes *result, struct diag *diag), void *context,
                      const char *subject, uint64_t limit_ms, struct bytes *result, struct diag *diag,
                      enum child_end *end)
{
    struct child child = {.pipe = -1};
    enum status received = STATUS_OK;
    enum status status = child_start(&child, body, context, result->limit, diag);
    enum child_end ended = CHILD_DONE;
    int how = 0;

    if (status != STATUS_OK)
        return status;
    bytes_init(&child.report, REPORT_MAX);
    ended = child_wait(&child, limit_ms, &received);
    if (ended != CHILD_DONE || received != STATUS_OK)
        kill(child.pid, SIGKILL);
    while (waitpid(child.pid, &how, 0) < 0 && errno == EINTR) {
        /* A handler of the program's ran. */
    }
    if (ended == CHILD_DONE && received != STATUS_OK)
        status = received;
    else if (ended != CHILD_DONE || !report_read(&child.report, &status, result, diag)) {
        if (ended == CHILD_DONE)
            ended = was_stopped(how) ? CHILD_INTERRUPTED : CHILD_DIED;
        status = failed(ended, how, subject, limit_ms, diag);
    }
    if (ended == CHILD_INTERRUPTED)
        signal_take(&child);
    bytes_clear(&child.report);
    close(child.pipe);
    close(child.signals);
    sigprocmask(SIG_SETMASK, &child.old, NULL);
    if (end)
        *end = ended;
    return status;
}

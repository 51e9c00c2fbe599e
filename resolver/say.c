/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/say.h"

#include "zones/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE  4096 /* bytes of one line; longer ones are cut */
#define PIECE_SIZE 4096 /* bytes written at once: what a pipe that has room takes without waiting */

static_assert(PIECE_SIZE <= PIPE_BUF, "a pipe takes a piece whole or not at all");

void say_open(void)
{
    struct stat file;

    if (fstat(STDERR_FILENO, &file) != 0 || !(S_ISFIFO(file.st_mode) || S_ISCHR(file.st_mode)))
        return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* As write, but fails with EAGAIN where it would wait. A descriptor that could not be opened anew (say_open) is asked
 * first whether it has room; the lock of stderr keeps other threads from taking that room in between. */
static ssize_t write_piece(const char *piece, size_t size)
{
    ssize_t count = send(STDERR_FILENO, piece, size, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (count >= 0 || errno != ENOTSOCK)
        return count;
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&room, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(STDERR_FILENO, piece, size);
}

/* The whole lines at the start of a text that fit into a piece; a longer line is cut. */
static size_t piece_size(const char *text, size_t size)
{
    if (size <= PIECE_SIZE)
        return size;
    const char *end = memrchr(text, '\n', PIECE_SIZE);
    return end == NULL ? PIECE_SIZE : (size_t)(end - text) + 1;
}

bool say_lines(const char *text, size_t size)
{
    ssize_t count = 0;

    flockfile(stderr);
    while (size > 0) {
        count = write_piece(text, piece_size(text, size));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            break;
        text += count;
        size -= (size_t)count;
    }
    funlockfile(stderr);
    return count >= 0;
}

void say(const char *format, ...)
{
    char line[LINE_SIZE] = "splitviewd: ";
    size_t used = strlen(line);
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line + used, sizeof line - used, format, arguments);
    va_end(arguments);
    if (size < 0)
        return;
    used += (size_t)size < sizeof line - used ? (size_t)size : sizeof line - used - 1;
    line[used] = '\n';
    say_lines(line, used + 1);
}

void say_diag(const struct diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return;
    for (size_t i = 0; i < diag->count; i++) {
        fputs("splitviewd: ", stream);
        diag_message_print(&diag->messages[i], stream);
    }
    if (fclose(stream) == 0)
        say_lines(text, size);
    memory_free(text);
}

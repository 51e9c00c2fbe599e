/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/control_client.h"

#include "zones/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct control_call {
    const char *path;
    int fd;
    int64_t deadline; /* milliseconds of CLOCK_MONOTONIC */
    struct diag *diag;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum status fail(const struct control_call *call, const char *what, int error)
{
    return diag_fail(call->diag, STATUS_IO, NULL, "control socket %s: %s: %s", call->path, what, strerror(error));
}

/* Wait until the socket is ready for `events`, or the time is over. */
static enum status wait_for(const struct control_call *call, short events)
{
    for (;;) {
        struct pollfd ready = {.fd = call->fd, .events = events};
        int64_t left = call->deadline - now_ms();
        int count = poll(&ready, 1, left > 0 ? (int)left : 0);
        if (count > 0)
            return STATUS_OK;
        if (count == 0)
            return fail(call, "no answer", ETIMEDOUT);
        if (errno != EINTR)
            return fail(call, "cannot wait", errno);
    }
}

static bool means_no_daemon(int error)
{
    return error == ENOENT || error == ECONNREFUSED || error == ENOTDIR;
}

static enum status connect_to(struct control_call *call)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(call->path) >= sizeof address.sun_path)
        return diag_fail(call->diag, STATUS_IO, NULL, "control socket %s: the path is longer than %zu bytes",
                         call->path, sizeof address.sun_path - 1);
    memcpy(address.sun_path, call->path, strlen(call->path) + 1);
    call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (call->fd < 0)
        return fail(call, "cannot open a socket", errno);
    for (;;) {
        if (connect(call->fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return STATUS_OK;
        if (means_no_daemon(errno))
            return STATUS_NOT_FOUND;
        if (errno != EAGAIN && errno != EINTR)
            return fail(call, "cannot connect", errno);
        if (now_ms() >= call->deadline)
            return fail(call, "cannot connect", ETIMEDOUT);
        poll(NULL, 0, 10); /* a full backlog gives no event to wait for */
    }
}

static enum status send_line(const struct control_call *call, const char *line)
{
    char text[CONTROL_QUESTION_MAX];
    size_t length = strlen(line);
    size_t sent = 0;

    if (length + 1 > sizeof text)
        return diag_fail(call->diag, STATUS_IO, NULL, "control socket %s: the question is too long", call->path);
    memcpy(text, line, length);
    text[length++] = '\n';
    while (sent < length) {
        enum status status = wait_for(call, POLLOUT);
        if (status != STATUS_OK)
            return status;
        ssize_t count = send(call->fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (count > 0)
            sent += (size_t)count;
        else if (errno != EINTR && errno != EAGAIN)
            return fail(call, "cannot send", errno);
    }
    return STATUS_OK;
}

/* Read up to the end of the line or of the stream. */
static enum status receive_line(const struct control_call *call, struct bytes *line)
{
    for (;;) {
        uint8_t buffer[4096];
        enum status status = wait_for(call, POLLIN);
        if (status != STATUS_OK)
            return status;
        ssize_t count = recv(call->fd, buffer, sizeof buffer, 0);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0)
            return fail(call, "cannot receive", errno);
        if (count == 0)
            return STATUS_OK;
        status = bytes_append(line, buffer, (size_t)count);
        if (status == STATUS_TOO_LARGE)
            return fail(call, "the answer is too long", EMSGSIZE);
        if (status != STATUS_OK)
            return status;
        if (memchr(buffer, '\n', (size_t)count) != NULL)
            return STATUS_OK;
    }
}

static enum status read_answer(const struct control_call *call, const struct bytes *line, json_t **answer)
{
    const char *text = line->size > 0 ? (const char *)line->data : "";
    json_t *object = json_loadb(text, line->size, JSON_DISABLE_EOF_CHECK, NULL);
    const char *error = json_string_value(json_object_get(object, "error"));
    const char *kind = json_string_value(json_object_get(object, "status"));
    enum status status = STATUS_OK;

    if (!json_is_object(object))
        status = fail(call, "the answer is not understood", EBADMSG);
    else if (error != NULL && kind != NULL && strcmp(kind, status_text(STATUS_BAD_INPUT)) == 0)
        status = diag_error(call->diag, NULL, "%s", error);
    else if (error != NULL)
        status = diag_fail(call->diag, STATUS_IO, NULL, "control socket %s: splitviewd says: %s", call->path, error);
    if (status == STATUS_OK)
        *answer = object;
    else
        json_decref(object);
    return status;
}

enum status control_ask(const char *path, const char *question, unsigned timeout_ms, struct diag *diag, json_t **answer)
{
    struct control_call call = {.path = path, .fd = -1, .deadline = now_ms() + timeout_ms, .diag = diag};
    struct bytes line;

    *answer = NULL;
    bytes_init(&line, CONTROL_ANSWER_MAX);
    enum status status = connect_to(&call);
    if (status == STATUS_OK)
        status = send_line(&call, question);
    if (status == STATUS_OK)
        status = receive_line(&call, &line);
    if (status == STATUS_OK)
        status = read_answer(&call, &line, answer);
    if (call.fd >= 0)
        close(call.fd);
    bytes_clear(&line);
    return status;
}

enum status control_ask_daemon(const struct cli *cli, const struct server_config *config, const char *question,
                               unsigned timeout_ms, struct diag *diag, json_t **answer)
{
    *answer = NULL;
    if (config->control[0] == '\0')
        return diag_fail(diag, STATUS_IO, &(struct place){.file = cli->config_path},
                         "[server] control is not given: there is no socket to ask splitviewd");
    enum status status = control_ask(config->control, question, timeout_ms, diag, answer);
    if (status == STATUS_NOT_FOUND)
        diag_fail(diag, status, NULL, "no splitviewd answers on %s: it does not run, or with another configuration",
                  config->control);
    return status;
}

enum status control_adopt(const char *path, uint64_t wanted, struct diag *diag, uint64_t *served)
{
    json_t *answer = NULL;
    struct diag why;

    if (path[0] == '\0')
        return STATUS_NOT_FOUND;
    diag_init(&why);
    enum status status = control_ask(path, "adopt", CONTROL_ADOPT_MS, &why, &answer);
    if (status == STATUS_OK)
        *served = (uint64_t)json_integer_value(json_object_get(answer, "generation"));
    if (status == STATUS_OK && *served < wanted)
        diag_add(diag, SEVERITY_WARNING, NULL, "splitviewd still serves generation %" PRIu64, *served);
    else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        diag_add(diag, SEVERITY_WARNING, NULL, "splitviewd did not confirm the new generation: %s",
                 why.count > 0 && why.messages[0].text != NULL ? why.messages[0].text : status_text(status));
    json_decref(answer);
    diag_clear(&why);
    return status;
}

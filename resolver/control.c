/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/control.h"

#include "zones/bytes.h"
#include "zones/memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define ANSWER_MAX  (1u << 20) /* bytes of an answer */
#define QUEUE_MAX   65536      /* bytes of answers not fetched: stop reading until they are */
#define SOCKET_MASK 0117       /* leaves 0660 */
#define CACHE_WORD  "cache "

/* What a client waits for; its next question waits too. */
enum control_wait { WAIT_NONE, WAIT_ADOPTION, WAIT_CACHE };

struct control_client {
    struct control_client *next;
    uv_pipe_t pipe;
    struct control *control;
    enum control_wait waiting;
    struct cache_request *request; /* asked for and not started yet; owned */
    uint64_t turn;                 /* of the request */
    bool stalled;                  /* not read from until it has fetched answers */
    bool peer_done;                /* sends no more: close when all is answered */
    size_t used;
    char line[CONTROL_LINE_MAX];
};

struct control {
    int fd; /* -1: the loop has it */
    uv_pipe_t pipe;
    bool started;
    struct control_owner owner;
    struct control_client *clients;
    uint32_t client_count;
    struct cache_request *running;      /* what the workers are at; owned */
    struct control_client *running_for; /* who asked; NULL: is gone */
    uint64_t turns;                     /* given to requests so far */
    struct stat file;                   /* the socket file as we made it */
    char path[];
};

/* An answer on its way. */
struct control_write {
    uv_write_t request;
    struct control_client *client;
    struct bytes bytes;
};

/* ---- answers ---- */

static json_t *make_status(const struct control_report *report)
{
    const struct generation *generation = report->generation;
    json_t *views = json_array();
    json_t *listen = json_array();
    json_t *counters = json_object();

    for (uint32_t i = 0; generation->policy != NULL && i < generation->policy->view_count; i++)
        json_array_append_new(views, json_string(generation->policy->views[i].name));
    for (size_t i = 0; i < report->listen->count; i++) {
        char text[LISTENER_TEXT_MAX];
        listener_to_text(&report->listen->listeners[i], text);
        json_array_append_new(listen, json_string(text));
    }
    for (unsigned i = 0; i < COUNTER_COUNT; i++)
        json_object_set_new(counters, counter_name((enum counter)i), json_integer((json_int_t)report->counters[i]));
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:o, s:I, s:o, s:o}", /* */
                     "version", PACKAGE_VERSION,                                     /* */
                     "pid", (json_int_t)getpid(),                                    /* */
                     "uptime_s", (json_int_t)report->uptime_s,                       /* */
                     "generation", (json_int_t)generation->number,                   /* */
                     "commit", generation->commit,                                   /* */
                     "published", (json_int_t)generation->published,                 /* */
                     "zones", (json_int_t)generation->zone_count,                    /* */
                     "records", (json_int_t)generation->record_count,                /* */
                     "views", views,                                                 /* */
                     "workers", (json_int_t)report->workers,                         /* */
                     "listen", listen,                                               /* */
                     "counters", counters);
}

static void on_client_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void client_close(struct control_client *client)
{
    struct control_client **link = &client->control->clients;

    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    client->control->client_count--;
    cache_request_free(client->request);
    client->request = NULL;
    if (client->control->running_for == client)
        client->control->running_for = NULL;
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void close_if_done(struct control_client *client)
{
    if (client->peer_done && client->waiting == WAIT_NONE && !client->stalled &&
        uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe) == 0)
        client_close(client);
}

static void resume(struct control_client *client);

static void on_written(uv_write_t *request, int rc)
{
    struct control_write *write = request->data;
    struct control_client *client = write->client;

    bytes_clear(&write->bytes);
    memory_free(write);
    if (uv_is_closing((uv_handle_t *)&client->pipe))
        return;
    if (rc != 0)
        client_close(client);
    else
        resume(client);
}

static int dump(const char *text, size_t size, void *context)
{
    return bytes_append(context, text, size) == STATUS_OK ? 0 : -1;
}

/* Takes `object`. */
static void answer(struct control_client *client, json_t *object)
{
    struct control_write *write = memory_zalloc(1, sizeof *write);
    uv_buf_t buffer;

    if (write == NULL) {
        json_decref(object);
        client_close(client);
        return;
    }
    write->client = client;
    write->request.data = write;
    bytes_init(&write->bytes, ANSWER_MAX);
    bool whole = object != NULL && json_dump_callback(object, dump, &write->bytes, JSON_COMPACT) == 0 &&
                 bytes_append(&write->bytes, "\n", 1) == STATUS_OK;
    json_decref(object);
    buffer = uv_buf_init((char *)write->bytes.data, (unsigned)write->bytes.size);
    if (whole && uv_write(&write->request, (uv_stream_t *)&client->pipe, &buffer, 1, on_written) == 0)
        return;
    bytes_clear(&write->bytes);
    memory_free(write);
    client_close(client);
}

static void answer_error(struct control_client *client, const char *text)
{
    answer(client, json_pack("{s:s}", "error", text));
}

static const char *first_message(const struct diag *diag, enum status status)
{
    return diag->count > 0 && diag->messages[0].text != NULL ? diag->messages[0].text : status_text(status);
}

/* ---- the caches ---- */

/* Whose turn is next, NULL if nobody's. */
static struct control_client *find_turn(const struct control *control)
{
    struct control_client *first = NULL;

    for (struct control_client *client = control->clients; client != NULL; client = client->next)
        if (client->request != NULL && (first == NULL || client->turn < first->turn))
            first = client;
    return first;
}

static void answer_lines(struct control_client *client);

/* Start what waits, unless something runs. */
static void start_request(struct control *control)
{
    struct control_client *client;

    while (control->running == NULL && (client = find_turn(control)) != NULL) {
        control->running = client->request;
        control->running_for = client;
        client->request = NULL;
        if (control->owner.cache(control->owner.context, control->running) == STATUS_OK)
            return;
        cache_request_free(control->running);
        control->running = NULL;
        control->running_for = NULL;
        client->waiting = WAIT_NONE;
        answer_error(client, status_text(STATUS_NO_MEMORY));
        answer_lines(client);
    }
}

static void ask_cache(struct control_client *client, const char *text)
{
    struct control *control = client->control;
    struct control_report report;
    struct diag diag;

    diag_init(&diag);
    memset(&report, 0, sizeof report);
    control->owner.report(control->owner.context, &report);
    enum status status = cache_request_new(text, report.generation, &diag, &client->request);
    if (status == STATUS_OK) {
        client->waiting = WAIT_CACHE;
        client->turn = control->turns++;
        start_request(control);
    } else {
        answer(client, json_pack("{s:s, s:s}", "error", first_message(&diag, status), "status", status_text(status)));
    }
    diag_clear(&diag);
}

/* ---- questions ---- */

static void answer_line(struct control_client *client, const char *line)
{
    struct control *control = client->control;

    if (strcmp(line, "status") == 0) {
        struct control_report report;
        memset(&report, 0, sizeof report);
        control->owner.report(control->owner.context, &report);
        answer(client, make_status(&report));
    } else if (strcmp(line, "adopt") == 0) {
        client->waiting = WAIT_ADOPTION;
        control->owner.adopt(control->owner.context);
    } else if (strncmp(line, CACHE_WORD, strlen(CACHE_WORD)) == 0) {
        ask_cache(client, line + strlen(CACHE_WORD));
    } else {
        answer_error(client, "unknown command; there are status, adopt and cache");
    }
}

static bool is_full(const struct control_client *client)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&client->pipe) >= QUEUE_MAX;
}

/* Answer the whole lines that are there, until one must wait or too many answers wait to be fetched. */
static void answer_lines(struct control_client *client)
{
    char line[CONTROL_LINE_MAX];
    char *end;

    while (client->waiting == WAIT_NONE && !client->stalled && !uv_is_closing((uv_handle_t *)&client->pipe) &&
           (end = memchr(client->line, '\n', client->used)) != NULL) {
        if (is_full(client)) {
            client->stalled = true;
            uv_read_stop((uv_stream_t *)&client->pipe);
            break;
        }
        size_t size = (size_t)(end - client->line);
        memcpy(line, client->line, size);
        line[size > 0 && line[size - 1] == '\r' ? size - 1 : size] = '\0';
        client->used -= size + 1;
        memmove(client->line, end + 1, client->used);
        answer_line(client, line);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct control_client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init(client->line + client->used, (unsigned)(sizeof client->line - client->used));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct control_client *client = stream->data;

    (void)buffer;
    if (size == UV_EOF) {
        client->peer_done = true;
        uv_read_stop(stream);
        close_if_done(client);
        return;
    }
    if (size < 0) { /* also UV_ENOBUFS: more than a line while an answer is waited for, or a line too long */
        client_close(client);
        return;
    }
    client->used += (size_t)size;
    answer_lines(client);
    if (client->used == sizeof client->line && client->waiting == WAIT_NONE && !client->stalled) {
        client->peer_done = true;
        uv_read_stop(stream);
        answer_error(client, "the line is too long");
    }
}

/* Answers have been fetched: go on with the lines kept, then read more. */
static void resume(struct control_client *client)
{
    uv_stream_t *stream = (uv_stream_t *)&client->pipe;

    if (client->stalled && !is_full(client)) {
        client->stalled = false;
        answer_lines(client);
        if (!client->stalled && !client->peer_done && !uv_is_closing((uv_handle_t *)stream))
            uv_read_start(stream, on_alloc, on_read);
    }
    if (!uv_is_closing((uv_handle_t *)stream))
        close_if_done(client);
}

static void on_connection(uv_stream_t *stream, int rc)
{
    struct control *control = stream->data;
    struct control_client *client = rc == 0 ? memory_zalloc(1, sizeof *client) : NULL;

    if (client == NULL)
        return;
    client->control = control;
    uv_pipe_init(stream->loop, &client->pipe, 0);
    client->pipe.data = client;
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) != 0 || control->client_count >= CONTROL_CLIENTS_MAX) {
        uv_close((uv_handle_t *)&client->pipe, on_client_closed);
        return;
    }
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    if (uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) != 0)
        client_close(client);
}

/* ---- adoption ---- */

/* One that waits, NULL if none: answering may close clients, so each search begins anew. */
static struct control_client *find_waiting(const struct control *control)
{
    struct control_client *client = control->clients;

    while (client != NULL && client->waiting != WAIT_ADOPTION)
        client = client->next;
    return client;
}

void control_adopted(struct control *control, uint64_t generation)
{
    struct control_client *client;

    while (control != NULL && (client = find_waiting(control)) != NULL) {
        client->waiting = WAIT_NONE;
        answer(client, json_pack("{s:I}", "generation", (json_int_t)generation));
        answer_lines(client);
    }
}

void control_failed(struct control *control, const char *text)
{
    struct control_client *client;

    while (control != NULL && (client = find_waiting(control)) != NULL) {
        client->waiting = WAIT_NONE;
        answer_error(client, text);
        answer_lines(client);
    }
}

void control_cached(struct control *control)
{
    struct control_client *client = control->running_for;
    json_t *object = client != NULL ? cache_request_answer(control->running) : NULL;

    cache_request_free(control->running);
    control->running = NULL;
    control->running_for = NULL;
    if (client != NULL) {
        client->waiting = WAIT_NONE;
        answer(client, object);
        answer_lines(client);
    }
    start_request(control);
}

/* ---- the socket ---- */

static enum status failed(const char *path, const char *what, struct diag *diag)
{
    return diag_fail(diag, STATUS_IO, NULL, "control socket %s: %s: %s", path, what, strerror(errno));
}

/* Make way for our socket: nobody answers at `name`, and nothing but a socket is removed. */
static enum status remove_stale(const char *path, const struct sockaddr_un *name, struct diag *diag)
{
    struct stat found;

    if (lstat(path, &found) != 0)
        return errno == ENOENT ? STATUS_OK : failed(path, "cannot look", diag);
    if (!S_ISSOCK(found.st_mode))
        return diag_fail(diag, STATUS_IO, NULL, "control socket %s: there is a file that is no socket", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return failed(path, "cannot open a socket", diag);
    int rc = connect(fd, (const struct sockaddr *)name, sizeof *name);
    int error = errno;
    close(fd);
    if (rc == 0 || error == EAGAIN)
        return diag_fail(diag, STATUS_LOCKED, NULL, "control socket %s: splitviewd is already running", path);
    errno = error;
    if (error != ECONNREFUSED)
        return failed(path, "cannot connect", diag);
    return unlink(path) == 0 ? STATUS_OK : failed(path, "cannot remove", diag);
}

static enum status bind_socket(struct control *control, uid_t uid, gid_t gid, struct diag *diag)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    memcpy(name.sun_path, control->path, strlen(control->path) + 1);
    enum status status = remove_stale(control->path, &name, diag);
    if (status != STATUS_OK)
        return status;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->fd < 0)
        return failed(control->path, "cannot open a socket", diag);
    mode_t mask = umask(SOCKET_MASK);
    int rc = bind(control->fd, (const struct sockaddr *)&name, sizeof name);
    umask(mask);
    if (rc != 0)
        return failed(control->path, "cannot bind", diag);
    if (lstat(control->path, &control->file) != 0)
        return failed(control->path, "cannot look", diag);
    if ((uid != geteuid() || gid != getegid()) && lchown(control->path, uid, gid) != 0)
        return failed(control->path, "cannot give it to the user of the daemon", diag);
    if (listen(control->fd, CONTROL_CLIENTS_MAX) != 0)
        return failed(control->path, "cannot listen", diag);
    return STATUS_OK;
}

enum status control_open(const char *path, uid_t uid, gid_t gid, struct diag *diag, struct control **control)
{
    size_t size = strlen(path) + 1;
    struct sockaddr_un name;

    *control = NULL;
    if (size > sizeof name.sun_path)
        return diag_fail(diag, STATUS_IO, NULL, "control socket %s: the path is longer than %zu bytes", path,
                         sizeof name.sun_path - 1);
    struct control *made = memory_zalloc(1, sizeof *made + size);
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->fd = -1;
    memcpy(made->path, path, size);
    enum status status = bind_socket(made, uid, gid, diag);
    if (status != STATUS_OK) {
        control_close(made);
        control_free(made);
        return status;
    }
    *control = made;
    return STATUS_OK;
}

enum status control_start(struct control *control, uv_loop_t *loop, const struct control_owner *owner,
                          struct diag *diag)
{
    control->owner = *owner;
    uv_pipe_init(loop, &control->pipe, 0);
    control->pipe.data = control;
    control->started = true;
    int rc = uv_pipe_open(&control->pipe, control->fd);
    if (rc == 0) {
        control->fd = -1;
        rc = uv_listen((uv_stream_t *)&control->pipe, CONTROL_CLIENTS_MAX, on_connection);
    }
    if (rc == 0)
        return STATUS_OK;
    return diag_fail(diag, STATUS_IO, NULL, "control socket %s: %s", control->path, uv_strerror(rc));
}

static bool is_ours(const struct control *control)
{
    struct stat found;

    return control->file.st_ino != 0 && lstat(control->path, &found) == 0 && found.st_ino == control->file.st_ino &&
           found.st_dev == control->file.st_dev;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    /* Where the folder is not ours any more the file stays; the next daemon removes it. */
    if (is_ours(control))
        unlink(control->path);
    if (control->fd >= 0)
        close(control->fd);
    control->fd = -1;
    if (control->started)
        uv_close((uv_handle_t *)&control->pipe, NULL);
    while (control->clients != NULL)
        client_close(control->clients);
}

void control_free(struct control *control)
{
    if (control != NULL)
        cache_request_free(control->running);
    memory_free(control);
}

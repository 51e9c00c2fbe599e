/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/daemon.h"

#include "policy/own_address.h"
#include "resolver/cache_control.h"
#include "resolver/control.h"
#include "resolver/keeper.h"
#include "resolver/listen.h"
#include "resolver/privilege.h"
#include "resolver/reload.h"
#include "resolver/say.h"
#include "resolver/settings.h"
#include "resolver/supervisor.h"
#include "resolver/tcp_quota.h"
#include "resolver/worker.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define LOOK_MS              50   /* between two cheap looks at the store */
#define RETRY_MS             1000 /* between two tries to load what could not be loaded */
#define SETTLE_AT_ONCE       4096 /* images looked for between two looks: less than a millisecond, unless disks are read */
#define COMMIT_SHOWN         12  /* hex digits */
#define DESCRIPTORS_SPARE    256 /* beside the TCP connections */
#define DESCRIPTORS_UPSTREAM 768 /* of each worker: sockets and connections to upstream */
#define SIGNALS_HANDLED      3

struct daemon {
    const char *path;
    struct server_config *started; /* the configuration it started with */
    struct server_config *current; /* the one read last; may be the same */
    struct privilege privilege;
    struct listen_set listen;
    struct control *control; /* NULL: none */
    struct keeper *keeper;
    struct settings *settings;
    struct tcp_quota *quota;
    struct worker **workers;
    uint32_t worker_count; /* that run */
    bool adopting;         /* a generation was posted and is not yet served by all workers */
    bool reloading;        /* settings were posted and are not yet used by all workers */
    char *failure;         /* what loading said last, to say it once */
    uint64_t next_look;    /* loop time, milliseconds */
    uint64_t started_at;   /* loop time, milliseconds */
    uv_loop_t loop;
    uv_async_t adopted;
    uv_async_t looked;             /* the workers have run `request` */
    struct cache_request *request; /* borrowed from `control`; NULL: none */
    uv_timer_t timer;
    uv_signal_t signals[SIGNALS_HANDLED];
};

/* ---- generations ---- */

/* Say why something failed or what is odd, unless that was the last thing said. */
static void say_once(struct daemon *daemon, enum status status, const struct diag *diag)
{
    const char *text = diag->count > 0 && diag->messages[0].text != NULL ? diag->messages[0].text : status_text(status);

    if (daemon->failure != NULL && strcmp(daemon->failure, text) == 0)
        return;
    if (diag->count > 0)
        say_diag(diag);
    else
        say("cannot load a new generation: %s", text);
    memory_free(daemon->failure);
    daemon->failure = memory_copy_text(text, strlen(text));
}

static void say_serving(const char *what, const struct generation *generation)
{
    if (generation->number == 0)
        say("%s generation 0", what);
    else
        say("%s generation %" PRIu64 " (commit %.*s)", what, generation->number, COMMIT_SHOWN, generation->commit);
}

static bool all_serve(const struct daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        if (!worker_serves(daemon->workers[i], keeper_current(daemon->keeper)))
            return false;
    return true;
}

static bool all_use(const struct daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        if (!worker_uses(daemon->workers[i], daemon->settings))
            return false;
    return true;
}

/* A worker has taken something: perhaps it was the last. */
static void check_adopted(struct daemon *daemon)
{
    const struct generation *current = keeper_current(daemon->keeper);

    keeper_reap(daemon->keeper);
    if (daemon->reloading && all_use(daemon)) {
        daemon->reloading = false;
        say("reloaded %s", daemon->path);
    }
    if (!daemon->adopting || !all_serve(daemon))
        return;
    daemon->adopting = false;
    if (current->number > 0)
        say_serving("serving", current);
    control_adopted(daemon->control, current->number);
}

static void on_adopted(uv_async_t *handle)
{
    check_adopted(handle->data);
}

/* On a worker's thread. */
static void wake_main(void *context)
{
    struct daemon *daemon = context;

    uv_async_send(&daemon->adopted);
}

/* An import on another machine, or a rollback, does not know our listen addresses. */
static void check_upstreams(const struct daemon *daemon, struct diag *diag)
{
    const struct generation *current = keeper_current(daemon->keeper);

    if (current->policy != NULL)
        own_address_check(current->policy, daemon->started, daemon->path, SEVERITY_WARNING, diag);
}

/* Look for a new generation and post it. What is wrong goes to `diag`. */
static enum status look(struct daemon *daemon, bool thorough, struct diag *diag)
{
    bool changed;
    enum status status = keeper_look(daemon->keeper, thorough, diag, &changed);

    if (status == STATUS_OK && changed) {
        /* Unlike at the start, nobody waits here; and no question needs to look for its image. */
        generation_settle(keeper_current(daemon->keeper), UINT32_MAX, diag);
        check_upstreams(daemon, diag);
    }
    daemon->next_look = uv_now(&daemon->loop) + (status == STATUS_OK ? 0 : RETRY_MS);
    if (status != STATUS_OK || diag->count > 0) {
        say_once(daemon, status, diag);
    } else if (changed) {
        memory_free(daemon->failure);
        daemon->failure = NULL;
    }
    if (changed) {
        daemon->adopting = true;
        for (uint32_t i = 0; i < daemon->worker_count; i++)
            worker_adopt(daemon->workers[i], keeper_current(daemon->keeper));
    }
    return status;
}

/* Find images before they are asked for, a few at a time; and say which are missing. */
static void settle(struct daemon *daemon)
{
    struct diag diag;

    diag_init(&diag);
    generation_settle(keeper_current(daemon->keeper), SETTLE_AT_ONCE, &diag);
    if (diag.count > 0)
        say_diag(&diag);
    diag_clear(&diag);
}

static void on_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    struct diag diag;

    /* Questions upstream may have held an old generation for longer than the workers did. */
    keeper_reap(daemon->keeper);
    settle(daemon);
    if (uv_now(&daemon->loop) < daemon->next_look)
        return;
    diag_init(&diag);
    look(daemon, false, &diag);
    diag_clear(&diag);
}

/* ---- the control socket's questions ---- */

static void control_report(void *context, struct control_report *report)
{
    struct daemon *daemon = context;

    report->uptime_s = (uv_now(&daemon->loop) - daemon->started_at) / 1000;
    report->generation = keeper_current(daemon->keeper);
    report->listen = &daemon->listen;
    report->workers = daemon->worker_count;
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        for (unsigned counter = 0; counter < COUNTER_COUNT; counter++)
            report->counters[counter] += counters_get(worker_counters(daemon->workers[i]), (enum counter)counter);
}

static void control_adopt(void *context)
{
    struct daemon *daemon = context;
    struct diag diag;

    diag_init(&diag);
    enum status status = look(daemon, true, &diag);
    if (status != STATUS_OK)
        control_failed(daemon->control,
                       diag.count > 0 && diag.messages[0].text != NULL ? diag.messages[0].text : status_text(status));
    else if (!daemon->adopting)
        control_adopted(daemon->control, keeper_current(daemon->keeper)->number);
    diag_clear(&diag);
}

/* On a worker's thread. */
static void wake_looked(void *context)
{
    struct daemon *daemon = context;

    uv_async_send(&daemon->looked);
}

static void on_looked(uv_async_t *handle)
{
    struct daemon *daemon = handle->data;

    /* An earlier request may have woken us late. */
    if (daemon->request == NULL || !cache_request_is_finished(daemon->request))
        return;
    daemon->request = NULL;
    control_cached(daemon->control);
}

static enum status control_cache(void *context, struct cache_request *request)
{
    struct daemon *daemon = context;
    enum status status = cache_request_start(request, daemon->worker_count, wake_looked, daemon);

    if (status != STATUS_OK)
        return status;
    daemon->request = request;
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        worker_cache(daemon->workers[i], request);
    return STATUS_OK;
}

/* ---- signals ---- */

static void reload(struct daemon *daemon)
{
    struct server_config *fresh = NULL;
    struct settings *settings = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status = server_config_read(daemon->path, &diag, &fresh);
    if (status == STATUS_OK)
        status = settings_new(fresh, &diag, &settings);
    say_diag(&diag);
    diag_clear(&diag);
    if (status != STATUS_OK) {
        say("reload: %s: nothing was changed", status_text(status));
        server_config_free(fresh);
        return;
    }
    reload_report(daemon->started, daemon->current, fresh);
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        worker_configure(daemon->workers[i], settings);
    settings_release(daemon->settings);
    daemon->settings = settings;
    if (daemon->current != daemon->started)
        server_config_free(daemon->current);
    daemon->current = fresh;
    daemon->reloading = true;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;

    if (number == SIGHUP) {
        reload(daemon);
        return;
    }
    say("stopping (%s)", number == SIGTERM ? "SIGTERM" : "SIGINT");
    supervisor_notify("STOPPING=1");
    uv_stop(&daemon->loop);
}

/* ---- start ---- */

static enum status loop_failed(int rc, struct diag *diag)
{
    return diag_fail(diag, STATUS_IO, NULL, "event loop: %s", uv_strerror(rc));
}

/* Everything that needs the rights the daemon was started with, and then without them. */
static enum status open_outside(struct daemon *daemon, struct diag *diag)
{
    const struct server_config *config = daemon->started;
    uint32_t workers = config->workers;
    enum status status = privilege_find(config, diag, &daemon->privilege);

    if (workers == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        workers = online > 0 ? (uint32_t)online : 1;
    }
    supervisor_raise_descriptors(config->tcp_clients + DESCRIPTORS_SPARE + DESCRIPTORS_UPSTREAM * workers +
                                 4 * workers * config->listen_count);
    if (status == STATUS_OK && config->control[0] != '\0')
        status = control_open(config->control, daemon->privilege.uid, daemon->privilege.gid, diag, &daemon->control);
    if (status == STATUS_OK)
        status = listen_open(config, workers, diag, &daemon->listen);
    if (status == STATUS_OK)
        status = privilege_drop(&daemon->privilege, diag);
    return status;
}

static enum status start_workers(struct daemon *daemon, struct diag *diag)
{
    struct worker_options options = {
        .listen = &daemon->listen,
        .quota = daemon->quota,
        .generation = keeper_current(daemon->keeper),
        .settings = daemon->settings,
        .adopted = wake_main,
        .context = daemon,
    };

    daemon->workers = memory_zalloc(daemon->listen.workers, sizeof(struct worker *));
    if (daemon->workers == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < daemon->listen.workers; i++) {
        options.index = i;
        enum status status = worker_start(&options, diag, &daemon->workers[i]);
        if (status != STATUS_OK)
            return status;
        daemon->worker_count++;
    }
    return STATUS_OK;
}

static enum status start_handles(struct daemon *daemon, struct diag *diag)
{
    static const int numbers[SIGNALS_HANDLED] = {SIGTERM, SIGINT, SIGHUP};
    int rc = uv_async_init(&daemon->loop, &daemon->adopted, on_adopted);

    daemon->adopted.data = daemon;
    if (rc == 0)
        rc = uv_async_init(&daemon->loop, &daemon->looked, on_looked);
    daemon->looked.data = daemon;
    if (rc == 0)
        rc = uv_timer_init(&daemon->loop, &daemon->timer);
    daemon->timer.data = daemon;
    if (rc == 0)
        rc = uv_timer_start(&daemon->timer, on_timer, LOOK_MS, LOOK_MS);
    for (size_t i = 0; i < SIGNALS_HANDLED && rc == 0; i++) {
        rc = uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        if (rc == 0)
            rc = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
    }
    if (rc != 0)
        return loop_failed(rc, diag);
    struct control_owner owner = {
        .context = daemon, .report = control_report, .adopt = control_adopt, .cache = control_cache};
    return daemon->control == NULL ? STATUS_OK : control_start(daemon->control, &daemon->loop, &owner, diag);
}

static enum status start(struct daemon *daemon, struct diag *diag)
{
    const struct server_config *config = daemon->started;
    enum status status = open_outside(daemon, diag);

    if (status == STATUS_OK)
        status = settings_new(config, diag, &daemon->settings);
    if (status == STATUS_OK)
        status = keeper_open(config->store, config->map_size, diag, &daemon->keeper);
    if (status == STATUS_OK && (daemon->quota = tcp_quota_new()) == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        check_upstreams(daemon, diag);
    if (status == STATUS_OK)
        status = start_handles(daemon, diag);
    if (status == STATUS_OK)
        status = start_workers(daemon, diag);
    return status;
}

static void say_started(const struct daemon *daemon)
{
    const struct generation *current = keeper_current(daemon->keeper);
    int wanted = (int)daemon->started->receive_buffer;

    for (size_t i = 0; i < daemon->listen.count; i++) {
        char text[LISTENER_TEXT_MAX];
        listener_to_text(&daemon->listen.listeners[i], text);
        say("listening on %s", text);
    }
    if (geteuid() == 0 && daemon->started->user[0] == '\0')
        say("running as root: set user in splitview.conf");
    if (daemon->listen.receive_buffer < wanted)
        say("receive-buffer: the system grants %d of %d bytes (sysctl net.core.rmem_max)",
            daemon->listen.receive_buffer, wanted);
    if (!keeper_has_store(daemon->keeper))
        say("there is no store in %s yet: every question is REFUSED until the first import", daemon->started->store);
    else if (current->number == 0)
        say("nothing was published in %s yet: every question is REFUSED until the first import",
            daemon->started->store);
    say_serving("ready,", current);
}

/* ---- the end ---- */

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Whatever was opened, in any state. */
static void stop(struct daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        worker_stop(daemon->workers[i]);
    for (uint32_t i = 0; i < daemon->worker_count; i++)
        worker_join(daemon->workers[i]);
    memory_free(daemon->workers);
    control_close(daemon->control);
    uv_walk(&daemon->loop, close_handle, NULL);
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon->loop);
    control_free(daemon->control);
    keeper_close(daemon->keeper);
    settings_release(daemon->settings);
    tcp_quota_free(daemon->quota);
    listen_close(&daemon->listen);
    memory_free(daemon->failure);
    if (daemon->current != daemon->started)
        server_config_free(daemon->current);
    server_config_free(daemon->started);
}

enum status daemon_run(const char *path, struct server_config *config)
{
    struct daemon daemon = {.path = path, .started = config, .current = config};
    struct diag diag;
    int rc = uv_loop_init(&daemon.loop);

    if (rc != 0) {
        say("event loop: %s", uv_strerror(rc));
        server_config_free(config);
        return STATUS_IO;
    }
    diag_init(&diag);
    daemon.started_at = uv_now(&daemon.loop);
    signal(SIGPIPE, SIG_IGN);
    enum status status = start(&daemon, &diag);
    say_diag(&diag);
    if (status == STATUS_OK) {
        say_started(&daemon);
        supervisor_notify("READY=1");
        uv_run(&daemon.loop, UV_RUN_DEFAULT);
    } else {
        if (diag.count == 0)
            say("%s", status_text(status));
        say("cannot start");
    }
    diag_clear(&diag);
    stop(&daemon);
    return status;
}

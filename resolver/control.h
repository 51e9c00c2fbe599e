/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control: the control socket, a unix stream socket. One line in, one line of JSON out, any number of times:
 *
 *     status   {"version":…,"pid":…,"uptime_s":…,"generation":…,"commit":…,"published":…,"zones":…,"records":…,
 *               "views":[…],"workers":…,"listen":["addr@port",…],"counters":{…}}
 *     adopt    {"generation":N} when every worker serves the newest generation
 *     cache …  as cache_control.h says, when every worker has looked; one request at a time
 *     else     {"error":"…"}, with "status":"bad input" where the line asks for what there is not
 *
 * A client that does not fetch its answers is not read from until it does. Who may use it is decided by the file's
 * mode, 0660. All functions belong to the main thread.
 */
#ifndef SPLITVIEW_RESOLVER_CONTROL_H
#define SPLITVIEW_RESOLVER_CONTROL_H

#include "policy/generation.h"
#include "resolver/cache_control.h"
#include "resolver/counters.h"
#include "resolver/listen.h"
#include "zones/status.h"

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#define CONTROL_LINE_MAX    1280 /* bytes of a question: the longest names a name of 1016 bytes */
#define CONTROL_CLIENTS_MAX 64

/* What `status` says. All borrowed for the length of the call that fills it. */
struct control_report {
    uint64_t uptime_s; /* seconds */
    const struct generation *generation;
    const struct listen_set *listen;
    uint32_t workers;
    uint64_t counters[COUNTER_COUNT]; /* sums over all workers */
};

/* Who answers. */
struct control_owner {
    void *context;
    void (*report)(void *context, struct control_report *report);
    /* Look at the store now; ends, at once or later, in control_adopted or control_failed. */
    void (*adopt)(void *context);
    /* Start the request and post it to all workers; ends, at once or later, in control_cached. One at a time. Borrowed
     * until then, or until control_free. NO_MEMORY: it is not started. */
    enum status (*cache)(void *context, struct cache_request *request);
};

struct control;

/*
 * Make the socket file at `path`, owned by (uid, gid) if they are not who runs. A file left by a dead daemon is
 * replaced; one that answers is LOCKED ("already running"). IO, NO_MEMORY. All with a message. Changes the umask for a
 * moment: only while there is one thread.
 */
enum status control_open(const char *path, uid_t uid, gid_t gid, struct diag *diag, struct control **control);

/* Serve it on `loop`. IO with a message. */
enum status control_start(struct control *control, uv_loop_t *loop, const struct control_owner *owner,
                          struct diag *diag);

/* Answer all who wait for `adopt`: served by all workers, or why not. */
void control_adopted(struct control *control, uint64_t generation);
void control_failed(struct control *control, const char *text);

/* The request that was started last is finished: answer who asked, and start the next. */
void control_cached(struct control *control);

/*
 * Begin to close all and remove the file, if it is still ours. When the loop has run out, and no worker is left that
 * might run a request: control_free. NULL allowed.
 */
void control_close(struct control *control);
void control_free(struct control *control);

#endif

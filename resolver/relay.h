/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relay: one worker's way to upstream and back in its event loop: the sockets, the forwarder over them, and the replies
 * that had to wait. Everything runs on the thread of the loop.
 */
#ifndef SPLITVIEW_RESOLVER_RELAY_H
#define SPLITVIEW_RESOLVER_RELAY_H

#include "policy/generation.h"
#include "resolver/forwarder.h"
#include "resolver/serve.h"
#include "resolver/settings.h"
#include "resolver/tcp.h"
#include "zones/status.h"

#include <stdint.h>
#include <uv.h>

struct relay;

struct relay_options {
    uv_loop_t *loop;
    struct serve *serve; /* gets the relay's forwarder */
    struct tcp_server *tcp;
    const struct settings *settings;
    uint32_t workers; /* that share the limits of the settings */
};

/* All that the options name is borrowed and outlives it, but for the settings. IO with a message, NO_MEMORY. */
enum status relay_new(const struct relay_options *options, struct diag *diag, struct relay **relay);

/* Use these from now on. */
void relay_configure(struct relay *relay, const struct settings *settings);
void relay_adopt(struct relay *relay, struct generation *generation);

/* What upstream said is kept here; borrowed. */
struct cache *relay_cache(struct relay *relay);

/* Begin to close everything. When the loop has run out: relay_free. Who still waits gets no reply. NULL allowed. */
void relay_close(struct relay *relay);
void relay_free(struct relay *relay);

#endif

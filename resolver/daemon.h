/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon: the server as a whole: sockets, workers, store and control socket under one main loop.
 */
#ifndef SPLITVIEW_RESOLVER_DAEMON_H
#define SPLITVIEW_RESOLVER_DAEMON_H

#include "policy/server.h"
#include "zones/status.h"

/*
 * Serve until SIGTERM or SIGINT; SIGHUP reads `path` again. Takes `config`, which was read from `path`. Says what
 * happens on standard error. OK after a clean stop; anything else: it could not start, and has said why.
 */
enum status daemon_run(const char *path, struct server_config *config);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reload: what a changed splitview.conf means for a daemon that runs.
 */
#ifndef SPLITVIEW_RESOLVER_RELOAD_H
#define SPLITVIEW_RESOLVER_RELOAD_H

#include "policy/server.h"

/*
 * Say for each key that differs whether it is applied now or needs a restart. `started` is the configuration the daemon
 * started with, `current` the last one applied, `fresh` the one just read.
 */
void reload_report(const struct server_config *started, const struct server_config *current,
                   const struct server_config *fresh);

#endif

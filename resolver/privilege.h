/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privilege: become another user after the ports are bound, for good.
 */
#ifndef SPLITVIEW_RESOLVER_PRIVILEGE_H
#define SPLITVIEW_RESOLVER_PRIVILEGE_H

#include "policy/server.h"
#include "zones/status.h"

#include <stdbool.h>
#include <sys/types.h>

struct privilege {
    const char *user; /* borrowed from the configuration; "": stay */
    uid_t uid;        /* the user and group the daemon will run as */
    gid_t gid;
    bool changes; /* this is someone else than who runs now */
};

/* Look up [server] user and group. BAD_INPUT with a message: no such user or group. */
enum status privilege_find(const struct server_config *config, struct diag *diag, struct privilege *privilege);

/* Become that user, with the groups it belongs to, and forbid new privileges in any case. Only while there is one
 * thread. IO with a message; then the process must end. */
enum status privilege_drop(const struct privilege *privilege, struct diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervisor: the little that a service manager and the system want from a daemon.
 */
#ifndef SPLITVIEW_RESOLVER_SUPERVISOR_H
#define SPLITVIEW_RESOLVER_SUPERVISOR_H

#include <stddef.h>

/* Send a state ("READY=1") to the socket in $NOTIFY_SOCKET, as sd_notify(3) does; nothing without one. */
void supervisor_notify(const char *state);

/* Raise the soft limit of open files to `wanted`, or as near as the hard limit lets. */
void supervisor_raise_descriptors(size_t wanted);

#endif

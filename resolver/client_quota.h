/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * client_quota: how many queries of each client (an IPv4 address, an IPv6 /64) wait for upstream. One worker's; one
 * thread.
 */
#ifndef SPLITVIEW_RESOLVER_CLIENT_QUOTA_H
#define SPLITVIEW_RESOLVER_CLIENT_QUOTA_H

#include "policy/prefix.h"

#include <stdbool.h>
#include <stdint.h>

struct client_quota;

struct client_quota *client_quota_new(void);         /* NULL: no memory */
void client_quota_free(struct client_quota *quota); /* NULL allowed */

/* Count one more unless `source` has `max` already, or there is no memory to count it: false. */
bool client_quota_take(struct client_quota *quota, const struct address *source, uint32_t max);
/* One that was taken has its answer. */
void client_quota_give(struct client_quota *quota, const struct address *source);

#endif

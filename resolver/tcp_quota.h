/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcp_quota: how many TCP connections there are, in total and from each client network (/24 of IPv4, /56 of IPv6), over
 * all workers. Taken when a connection comes and given back when it goes, under one lock; queries never touch it.
 */
#ifndef SPLITVIEW_RESOLVER_TCP_QUOTA_H
#define SPLITVIEW_RESOLVER_TCP_QUOTA_H

#include "policy/prefix.h"

#include <stdint.h>

enum tcp_verdict { TCP_ALLOWED, TCP_TOTAL_REACHED, TCP_NETWORK_REACHED, TCP_NO_MEMORY };

struct tcp_quota;

struct tcp_quota *tcp_quota_new(void); /* NULL: no memory */
/* Everything taken was given back. NULL allowed. */
void tcp_quota_free(struct tcp_quota *quota);

/* Count a connection from `source` unless a limit is reached. Any thread. */
enum tcp_verdict tcp_quota_take(struct tcp_quota *quota, const struct address *source, uint32_t total_max,
                                uint32_t network_max);
/* The connection is gone. Any thread. */
void tcp_quota_give(struct tcp_quota *quota, const struct address *source);

#endif

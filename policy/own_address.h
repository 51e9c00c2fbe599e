/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * own_address: upstream servers that are this server itself: what it asks them would come back to it. Reads the
 * addresses of the network interfaces if the server listens on all of them; otherwise pure. Any thread.
 */
#ifndef SPLITVIEW_POLICY_OWN_ADDRESS_H
#define SPLITVIEW_POLICY_OWN_ADDRESS_H

#include "policy/policy.h"
#include "policy/server.h"
#include "zones/status.h"

/*
 * Compare [upstream] servers of the policy with `listen` of `server`, address and port; `path` names its file. Each
 * that is the same gets one message of this severity. Of a listener on 0.0.0.0 or :: the loopback addresses count and
 * those of the interfaces, of one on port 0 nothing. Never fails.
 */
void own_address_check(const struct policy *policy, const struct server_config *server, const char *path,
                       enum severity severity, struct diag *diag);

#endif

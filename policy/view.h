/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view: which view a client sees. One function for every transport.
 */
#ifndef SPLITVIEW_POLICY_VIEW_H
#define SPLITVIEW_POLICY_VIEW_H

#include "policy/prefix.h"
#include "zones/status.h"

#include <stdint.h>

enum transport { TRANSPORT_UDP, TRANSPORT_TCP };

/* Who asks, and how. */
struct client {
    struct address source; /* as the packet or connection says */
    struct address listen; /* the local address it came to */
    uint16_t source_port;
    uint16_t listen_port;
    enum transport transport;
    const uint8_t *key;   /* the name of the TSIG key whose signature was verified; NULL: none. Borrowed. */
    struct prefix subnet; /* EDNS client subnet of a sender that is believed (trust-ecs), v4-mapped ones as they came;
                             family 0: none */
};

#define VIEW_NONE UINT32_MAX

struct view_match {
    uint32_t view; /* index into policy->views, or VIEW_NONE */
    uint8_t scope; /* bits of the subnet, or else of the source, at which that was decided; 0 by a key */
};

struct policy;

/*
 * A verified key that a view names decides alone. Otherwise the longest client prefix wins, at equal length the view
 * that is limited to the listen address, then the view with `any`, else VIEW_NONE. With a subnet, it stands for the
 * source, and must lie inside one view as a whole: else it is the view with `any`, as for nobody in particular. Pure;
 * any thread.
 */
struct view_match view_select(const struct policy *policy, const struct client *client);

#endif

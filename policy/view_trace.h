/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view_trace: why a client sees the view that view_select gave it: the rule of policy.conf that won, and those that
 * would have fitted and lost. One thread per trace.
 */
#ifndef SPLITVIEW_POLICY_VIEW_TRACE_H
#define SPLITVIEW_POLICY_VIEW_TRACE_H

#include "policy/view.h"
#include "zones/trace.h"

/* Add TRACE_VIEW, then a TRACE_VIEW_LOST for each other view of which a rule fits. policy NULL: nothing is published.
 */
void view_trace(const struct policy *policy, const struct client *client, const struct view_match *match,
                struct trace *trace);

#endif

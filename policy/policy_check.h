/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_check: what holds between the sections of policy.conf and needs no zone file. Each function adds its messages;
 * the caller looks at the number of errors. One thread.
 */
#ifndef SPLITVIEW_POLICY_POLICY_CHECK_H
#define SPLITVIEW_POLICY_POLICY_CHECK_H

#include "policy/policy.h"
#include "zones/status.h"

/* Views against each other: bases, `any`, keys, who is reached by nobody. policy->views must be filled. */
void policy_check_views(const struct policy *policy, struct diag *diag);

/* [upstream], [ttl], [cutover]. */
void policy_check_rules(const struct policy *policy, struct diag *diag);

/* Facts and judging kinds. NO_MEMORY, otherwise OK. */
enum status policy_check_facts(const struct policy *policy, struct diag *diag);

/* The section of a view; never NULL. */
const struct config_section *policy_view_section(const struct policy *policy, uint32_t view);

#endif

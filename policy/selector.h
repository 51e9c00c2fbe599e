/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selector: which RRsets a rule is about: the keys names, types and views of [ttl] and [cutover]. Immutable after
 * selector_read; any thread.
 */
#ifndef SPLITVIEW_POLICY_SELECTOR_H
#define SPLITVIEW_POLICY_SELECTOR_H

#include "policy/glob.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;

struct selector {
    struct glob_list names;
    uint16_t *types; /* NULL: all */
    size_t type_count;
    bool *views; /* per view of the policy; NULL: all */
};

/* From a section; policy->views is filled. NO_MEMORY; selector_clear is needed in any case. */
enum status selector_read(const struct policy *policy, const struct config_section *section, struct selector *selector);
void selector_clear(struct selector *selector);

bool selector_has_type(const struct selector *selector, uint16_t type);
bool selector_has_view(const struct selector *selector, uint32_t view);

#endif

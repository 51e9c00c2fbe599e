/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ttl: [ttl] sections, applied to the flat zones of a view at import (format.md P7, P8, A20 to A22).
 *
 * One rule holds for an RRset: the most specific that matches its owner, type and view. An exact name goes before
 * patterns, more literal characters before fewer, then a rule with types before one without, then one with views. Two
 * that are equal in all this are an error. ttl_rules are immutable after ttl_rules_new; any thread.
 */
#ifndef SPLITVIEW_POLICY_TTL_H
#define SPLITVIEW_POLICY_TTL_H

#include "policy/selector.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;

/* A number that may be missing; seconds. */
struct ttl_value {
    bool given;
    uint32_t seconds;
};

struct ttl_rule {
    const struct config_section *section; /* borrowed from the policy's config */
    struct selector selector;
    struct ttl_value min;
    struct ttl_value max;
    struct ttl_value fixed;
    struct ttl_value negative;
};

struct ttl_rules {
    struct ttl_rule *rules; /* in the order of policy.conf */
    size_t count;
};

/* From a policy's sections; policy->views is filled. NO_MEMORY. */
enum status ttl_rules_new(const struct policy *policy, struct ttl_rules **rules);
void ttl_rules_free(struct ttl_rules *rules);

/*
 * The rule for an RRset in a view, NULL: none. *tie is another one that is as good, else NULL. `type` 0: for the
 * negative TTL of an apex or hidden name, where rules with types do not count.
 */
const struct ttl_rule *ttl_find(const struct ttl_rules *rules, uint32_t view, const uint8_t *owner, uint16_t type,
                                const struct ttl_rule **tie);

/* The rule for an RRset that comes from elsewhere, where only rules without views count; NULL: none. Of two that are as
 * good the first. */
const struct ttl_rule *ttl_find_foreign(const struct ttl_rules *rules, const uint8_t *owner, uint16_t type);

/* A TTL under a rule (NULL: unchanged). */
uint32_t ttl_under(const struct ttl_rule *rule, uint32_t ttl);

/*
 * Apply the rules to all flat zones of one view together: a CNAME's cap follows it through all of them. The zones are
 * frozen, hold what the base serves where they inherit, and change only in TTLs, zone->negative_ttl and the marks'
 * negative_ttl; what changed a TTL is noted (zone_change_ttl) with the view and the rule's number. Bases come before
 * the views on them: these inherit the result. BAD_INPUT with messages (ties), NO_MEMORY, TOO_LARGE. One thread per
 * view.
 */
enum status ttl_apply(const struct policy *policy, uint32_t view, struct zone *const *zones, size_t count,
                      struct diag *diag);

#endif

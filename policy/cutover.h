/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cutover: [cutover] sections: TTLs count down to a planned change (format.md P8, A23).
 *
 * At import every name learns which of them concern it: a set, written as a 16-bit number with one bit per section, in
 * the order of policy.conf. The number stands in the image's node. At run time only the arithmetic is left. Immutable
 * after cutover_new; any thread.
 */
#ifndef SPLITVIEW_POLICY_CUTOVER_H
#define SPLITVIEW_POLICY_CUTOVER_H

#include "policy/selector.h"
#include "zones/answer.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdint.h>

#define CUTOVER_MAX 15 /* sections in a policy: one bit of a number each, and one bit to spare */

struct policy;

struct cutover_rule {
    const struct config_section *section; /* borrowed from the policy's config */
    struct selector selector;
    uint64_t at;    /* seconds since 1970 */
    uint32_t floor; /* seconds, as the next two */
    uint32_t settle;
    uint32_t after;
};

struct cutover;

/* From a policy's sections; policy->views is filled. Too many are reported to `diag`. NO_MEMORY. */
enum status cutover_new(const struct policy *policy, struct diag *diag, struct cutover **cutover);
void cutover_free(struct cutover *cutover);

/* Section number `index` of the policy, NULL if there are fewer. */
const struct cutover_rule *cutover_rule(const struct cutover *cutover, unsigned index);

/* The number of a name in a view; 0: no section is about it. */
uint16_t cutover_number(const struct cutover *cutover, uint32_t view, const uint8_t *owner);

/* Let the compiler write the numbers for this view into the image of a flat zone (zone->rules). The policy must live
 * until then. */
void cutover_attach(const struct policy *policy, uint32_t view, struct zone *zone);

/*
 * What is left of a TTL at `now`: before `at` no more than the time to it, yet no less than `floor` says; until
 * `settle` after it no more than `after`; then all. Never more than `ttl`, and 0 stays 0.
 */
uint32_t cutover_ttl(const struct cutover_rule *rule, uint64_t now, uint32_t ttl);

/* The TTL of an RRset whose node carries `number`; of several sections the lowest. `type` is the RRset's, of a negative
 * answer's SOA the question's. */
uint32_t cutover_lowest(const struct cutover *cutover, uint16_t number, uint16_t type, uint64_t now, uint32_t ttl);

/* Lower the TTLs of an answer to a question for `type`. `now` 0: cut-overs are off. */
void cutover_apply(const struct cutover *cutover, uint16_t type, uint64_t now, struct answer *answer);

#endif

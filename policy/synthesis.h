/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * synthesis: what the policy has to say about the flat zones of each view beyond files, modes and hides: records and
 * hides that facts publish (autodiscover.h), the guard of external views (leak.h), [ttl] and [cutover] sections. It
 * also tells which views can share zones with their base, and names all of this in a digest.
 *
 * Built once for an import, then immutable; any thread may read. The policy must outlive it.
 */
#ifndef SPLITVIEW_POLICY_SYNTHESIS_H
#define SPLITVIEW_POLICY_SYNTHESIS_H

#include "policy/autodiscover.h"
#include "policy/autodiscover_merge.h"
#include "policy/leak.h"
#include "policy/policy.h"
#include "policy/topology.h"
#include "zones/bytes.h"
#include "zones/hash.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stdint.h>

struct synthesis {
    const struct policy *policy;
    struct topology *topology;   /* NULL: the policy holds no facts */
    struct autodiscover **views; /* per view what its facts publish; an entry is NULL if there is nothing */
    struct leak *leak;
    uint8_t (*digests)[HASH_SIZE]; /* per view: all but what depends on the zone */
};

/* BAD_INPUT with messages: facts that cannot be published. NO_MEMORY. NULL on failure. */
enum status synthesis_new(const struct policy *policy, struct diag *diag, struct synthesis **synthesis);
/* NULL allowed. */
void synthesis_free(struct synthesis *synthesis);

/* The view has a base, but its rules may make another zone of what it inherits: it shares no zone with the base. */
bool synthesis_is_apart(const struct synthesis *synthesis, uint32_t view);

/* [ttl] sections are about the view: CNAMEs carry their limits through all its zones, so these are made together. */
bool synthesis_is_whole(const struct synthesis *synthesis, uint32_t view);

/* Facts of the view have something to say at or below an apex. */
bool synthesis_has_facts(const struct synthesis *synthesis, uint32_t view, const uint8_t *apex);

/* Append to `picks` the records that facts would publish in a view, but whose owners lie in none of its zones, whose
 * apexes are given. NO_MEMORY. */
enum status synthesis_outside(const struct synthesis *synthesis, uint32_t view, const uint8_t *const *apexes,
                              size_t count, struct autodiscover_picks *picks);

#define SYNTHESIS_TEXT_MAX (2 * NAME_TEXT_MAX + 300)

/* Why a record of facts is not in a view. */
enum synthesis_why {
    SYNTHESIS_OUTSIDE,  /* in no zone of it */
    SYNTHESIS_BELOW_CUT /* below a delegation or DNAME */
};

/* "record fe.int.x. A is not published: fe.int.x. lies in no zone of view internal (wanted in AD DNS)". */
void synthesis_why_text(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_entry *entry,
                        enum synthesis_why why, char text[SYNTHESIS_TEXT_MAX]);

/* The section of policy.conf that an entry comes from; NULL: not known. */
const struct config_section *synthesis_section(const struct synthesis *synthesis,
                                               const struct autodiscover_entry *entry);

/* Another record of the same name and type stands before this one. */
bool synthesis_is_repeated(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_entry *entry);

/* An info for each of the RRsets; of many only the first ones, and how many more there are. */
void synthesis_tell(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_picks *picks,
                    enum synthesis_why why, struct diag *diag);

/* Everything here that goes into the zone of a view, by name. NO_MEMORY. */
enum status synthesis_digest(const struct synthesis *synthesis, uint32_t view, const uint8_t *apex,
                             uint8_t digest[HASH_SIZE]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autodiscover: what the facts (topology.h) publish in one view, by the table of profile.def, and which names must
 * never answer outside. Pure functions over an immutable topology; any thread. How these entries meet the zone files
 * of the view: autodiscover_merge.h.
 */
#ifndef SPLITVIEW_POLICY_AUTODISCOVER_H
#define SPLITVIEW_POLICY_AUTODISCOVER_H

#include "policy/profile.h"
#include "policy/topology.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum autodiscover_kind {
    AUTODISCOVER_RECORD,
    AUTODISCOVER_FALLBACK, /* an address that takes the place of the owner's CNAME where a CNAME cannot stand */
    AUTODISCOVER_HIDE,     /* the name does not exist in this view, in every mode */
    AUTODISCOVER_DROP,     /* likewise, but where misses go on to an upstream, that decides */
    AUTODISCOVER_GUARD     /* internal-only: never an owner or target outside */
};

struct autodiscover_entry {
    enum autodiscover_kind kind;
    const uint8_t *owner; /* in wire form */
    const uint8_t *key;   /* its sort key (name_to_key) */
    size_t key_size;
    uint16_t type;  /* RR type; hides and guards: 0 */
    uint32_t ttl;   /* seconds; likewise */
    uint32_t order; /* of making: the order of answers */
    const uint8_t *rdata;
    uint16_t rdata_size;
    uint32_t line;                 /* of policy.conf: the address or name it came from */
    const struct profile_row *row; /* NULL: a rule without row */
    bool is_guarded;               /* a hide outside of an internal-only owner: own records there are the guard's */
    uint8_t *block;                /* owned: owner, key and RDATA */
};

/* By owner (canonical order), then kind, then type, then order of making. An owner has records, or one hide or drop. */
struct autodiscover {
    const char *path; /* of policy.conf, borrowed from the policy */
    struct autodiscover_entry *entries;
    size_t count;
    size_t capacity;
};

/*
 * The entries of one view. A view that no deployment names has none. The topology must outlive the result, which is
 * the caller's to autodiscover_free, NULL on failure. Warnings where two rows exclude each other. BAD_INPUT: a name
 * becomes too long. NO_MEMORY.
 */
enum status autodiscover_synthesise(const struct topology *topology, uint32_t view, struct diag *diag,
                                    struct autodiscover **result);

/*
 * The internal-only owners of all facts, published or not: kind GUARD alone, each owner once. The globs of
 * internal-only (topology_deployment) and the labels lyncdiscoverinternal and _sipinternal* of any zone are not in it.
 */
enum status autodiscover_internal_only(const struct topology *topology, struct diag *diag,
                                       struct autodiscover **result);

/* NULL allowed. */
void autodiscover_free(struct autodiscover *autodiscover);

/* The entries at one owner: the first one's index and how many; false: none. */
bool autodiscover_find(const struct autodiscover *autodiscover, const uint8_t *owner, size_t *first, size_t *count);

/* The entries at and below a name: [*first, *end). */
void autodiscover_find_below(const struct autodiscover *autodiscover, const uint8_t *name, size_t *first, size_t *end);

/* The first label is lyncdiscoverinternal, or begins with _sipinternal: internal-only in any zone. */
bool autodiscover_is_inside_label(const uint8_t *name);

#endif

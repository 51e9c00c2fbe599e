/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autodiscover_merge: how synthesised entries meet the zone file of the same view and apex: explicit records win, what
 * lies below a delegation or in no zone is left to others, contradictions are reported. Pure functions; any thread.
 */
#ifndef SPLITVIEW_POLICY_AUTODISCOVER_MERGE_H
#define SPLITVIEW_POLICY_AUTODISCOVER_MERGE_H

#include "policy/autodiscover.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where another authority of the view begins: a zone of it, or a [forward] domain. */
struct autodiscover_border {
    const uint8_t *name; /* borrowed while the borders live */
    bool is_forward;
};

/* All zones and [forward] domains of one view, sorted. Immutable. */
struct autodiscover_borders;

/* Copies the array, not the names. NULL: no memory. */
struct autodiscover_borders *autodiscover_borders_new(const struct autodiscover_border *borders, size_t count);
/* NULL allowed. */
void autodiscover_borders_free(struct autodiscover_borders *borders);

/* A name that the view's `hide` names exactly. */
struct autodiscover_hidden {
    const uint8_t *name;
    uint32_t line; /* of policy.conf */
};

struct autodiscover_merge_input {
    const struct autodiscover *facts;           /* of this view */
    const struct autodiscover_borders *borders; /* of this view; the apex is among them */
    const uint8_t *apex;
    const struct zone *own;  /* the view's own file for this apex, frozen; NULL: it has none */
    const struct zone *base; /* what an overlay inherits: the base's flat zone, frozen; NULL: nothing */
    const struct autodiscover_hidden *hidden;
    size_t hidden_count;
    bool misses_go_on; /* pinpoint, or an overlay on a pinpoint base: drops have no effect */
};

/* Entries, borrowed from the facts, in their order. */
struct autodiscover_picks {
    const struct autodiscover_entry **items; /* owned */
    size_t count;
    size_t capacity;
};

struct autodiscover_merged {
    struct autodiscover_picks records;   /* to add as the view's own; FALLBACK ones stand for a CNAME */
    struct autodiscover_picks hides;     /* to apply as exact hides: kind HIDE or DROP */
    struct autodiscover_picks elsewhere; /* records below a delegation, DNAME or [forward]: not published */
};

/*
 * What the facts add to one zone of one view. Warnings for records that contradict the facts and for hides that cannot
 * be, each with both lines; an info where the view's own hide silences a fact. NO_MEMORY. `merged` is the caller's to
 * autodiscover_merged_clear, also on failure.
 */
enum status autodiscover_merge(const struct autodiscover_merge_input *input, struct diag *diag,
                               struct autodiscover_merged *merged);
void autodiscover_merged_clear(struct autodiscover_merged *merged);

/*
 * The picked records as a frozen zone, with their lines of policy.conf as origins in files of `layer` (the view's
 * number). NO_MEMORY, TOO_LARGE. *zone is the caller's to zone_free, NULL on failure.
 */
enum status autodiscover_merged_zone(const struct autodiscover_merged *merged,
                                     const struct autodiscover_merge_input *input, uint32_t layer, struct diag *diag,
                                     struct zone **zone);

/* Append to `elsewhere` the records whose owners lie in no zone of the view. NO_MEMORY. */
enum status autodiscover_outside_zones(const struct autodiscover *facts, const struct autodiscover_borders *borders,
                                       struct autodiscover_picks *elsewhere);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay: the flat zone of one view and one apex, out of the flat zone of its base, the view's own file, what its
 * facts publish, and what it hides (format P1-P6, A1-A10, A12, A13).
 *
 * Own names replace whole nodes of the base, except at the apex, where each type is inherited that the view does not
 * give, with A, AAAA, HTTPS and SVCB as one. Hidden names, and empty non-terminals that a hide leaves behind, become
 * marks of the flat zone (zones/zone.h), its rule for missing names becomes zone->pinpoint: both pass on to views that
 * take this zone as their base. A hide changes the names it hides and no other. [forward] domains become marks that do
 * not pass on: what the base holds there stays in the zone, but only for those views.
 *
 * Data beyond the apex of a deeper zone of the view is judged elsewhere (depth.h). Pure functions over frozen zones;
 * one thread per call.
 */
#ifndef SPLITVIEW_POLICY_OVERLAY_H
#define SPLITVIEW_POLICY_OVERLAY_H

#include "policy/policy.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One hide of the view that falls into this zone: its name, or the SUFFIX of `*.SUFFIX`, has no deeper apex above it.
 */
struct overlay_hide {
    const uint8_t *name; /* at or below the apex */
    bool below;          /* `*.SUFFIX`: everything below the name, not the name */
    bool is_fact;        /* made from facts: no warning where it changes nothing */
    struct place place;  /* of the line that says so; layer: the view */
};

/* A [forward] domain of the view in this zone, below its apex; no deeper zone of the view is at or above it. */
struct overlay_forward {
    const uint8_t *name; /* lowered */
    struct place place;  /* of the section */
};

struct overlay_input {
    const uint8_t *apex;
    uint32_t view;           /* number, for the origins of hides and made records */
    enum zone_mode mode;     /* FULL, OVERLAY (base is not NULL) or PINPOINT */
    const struct zone *base; /* the flat zone of the view's base, or NULL */
    const struct zone *own;  /* the view's file, or NULL; its files' layer is the view */
    /* What the view's facts publish here beside `own` (autodiscover_merge.h), or NULL; its files' layer is the view. */
    const struct zone *facts;
    const struct overlay_hide *hides;
    size_t hide_count;
    const struct overlay_forward *forwards;
    size_t forward_count;
};

/* The flat zone is `own`, or `base`, as it stands: nothing to build, and images can be shared. */
bool overlay_is_own(const struct overlay_input *input);
bool overlay_is_base(const struct overlay_input *input);

/*
 * Build the flat zone; frozen, the caller's to zone_free. It may lack SOA or NS: zonecheck_run judges it. BAD_INPUT
 * with all errors named by file and line: own data below a delegation or DNAME of the base; a hide
 * at the apex; an exact hide beside an own record. A warning: a hide below a delegation or DNAME, or at or below a
 * [forward] domain. NO_MEMORY, TOO_LARGE.
 */
enum status overlay_build(const struct overlay_input *input, struct diag *diag, struct zone **flat);

#endif

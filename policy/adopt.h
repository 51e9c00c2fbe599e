/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt: from two hand-kept copies of one zone, as the inside and as the outside get it, to what the inside view must
 * own and hide on top of the outside copy so that every answer stays equal.
 *
 * The smallest overlay is looked for: names whose data differ, and what exists inside only; names that exist outside
 * only become hides. Where an overlay cannot say it, would answer one question differently, or shares nothing worth
 * sharing, the inside copy stays whole (mode full) and `reason` says why.
 *
 * Pure functions over frozen zones; one thread per call.
 */
#ifndef SPLITVIEW_POLICY_ADOPT_H
#define SPLITVIEW_POLICY_ADOPT_H

#include "policy/overlay_own.h"
#include "zones/name.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the two copies stand to each other at one name. */
enum adopt_class { ADOPT_SAME, ADOPT_DIFFERENT, ADOPT_INSIDE, ADOPT_OUTSIDE };

/* What an administrator should look at; answers stay as they are all the same. */
enum adopt_doubt {
    ADOPT_PLAIN,
    ADOPT_EXPECTED,  /* outside only, as discovery of telephony wants it */
    ADOPT_FORGOTTEN, /* outside only, and of a kind that both sides need: mail, policies, www */
    ADOPT_FEWER,     /* the inside has a part of the outside's records and no other */
    ADOPT_TTL_ONLY   /* the data are the same, the TTLs are not */
};

struct adopt_name {
    const uint8_t *name;       /* borrowed from the zones */
    struct zone_range inside;  /* records in the inside copy */
    struct zone_range outside; /* and in the outside copy */
    enum adopt_class class;
    enum adopt_doubt doubt;
    bool is_owned; /* the overlay has it; at the apex: some types */
};

struct adopt_hide {
    uint8_t name[NAME_SIZE_MAX];
    bool below;   /* `*.NAME` */
    size_t cause; /* number of the name that it is for */
};

#define ADOPT_REASON_MAX 400

struct adopt_plan {
    const struct zone *inside; /* borrowed */
    const struct zone *outside;
    struct own_names both;
    struct adopt_name *names; /* in canonical order */
    size_t count;
    bool is_full;
    char reason[ADOPT_REASON_MAX]; /* of is_full; else "" */
    struct zone *own;              /* the overlay, frozen, records in the order of the inside copy; of is_full empty */
    struct adopt_hide *hides;      /* of an overlay; in canonical order of what they are for */
    size_t hide_count;
    size_t hide_capacity;
    bool soa_owned; /* the SOAs differ in more than the serial */
    uint32_t inside_serial;
    uint32_t outside_serial;
    uint64_t asked; /* questions of the proof */
};

/*
 * Both zones are frozen, have the same apex, passed zonecheck_run and outlive the plan. The overlay of the result was
 * built (overlay_build), compiled and asked for all names of both copies and their neighbours. NO_MEMORY, TOO_LARGE,
 * DAMAGED with a message.
 */
enum status adopt_plan_new(const struct zone *inside, const struct zone *outside, struct diag *diag,
                           struct adopt_plan **plan);
/* NULL allowed. */
void adopt_plan_free(struct adopt_plan *plan);

/* Names of a class. */
size_t adopt_plan_count(const struct adopt_plan *plan, enum adopt_class class);

#define ADOPT_HIDE_TEXT_MAX (NAME_TEXT_MAX + 3)

/* The hide as policy.conf writes it, without a final dot. */
void adopt_hide_to_text(const struct adopt_hide *hide, char text[ADOPT_HIDE_TEXT_MAX]);

#endif

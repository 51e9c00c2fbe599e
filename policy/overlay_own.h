/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay_own: the names that a view owns in one zone: its file's and those its facts publish.
 */
#ifndef SPLITVIEW_POLICY_OVERLAY_OWN_H
#define SPLITVIEW_POLICY_OVERLAY_OWN_H

#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct own_name {
    const uint8_t *name; /* borrowed from its zone, like the key */
    const uint8_t *key;
    uint16_t key_size;
    struct zone_range own;   /* its records in the file's zone */
    struct zone_range facts; /* and in the facts' zone */
};

struct own_names {
    const struct zone *own;   /* may be NULL */
    const struct zone *facts; /* may be NULL */
    struct own_name *names;   /* in canonical order */
    size_t count;
};

/* Merge two frozen zones, which must outlive the result. NO_MEMORY. */
enum status own_names_init(struct own_names *names, const struct zone *own, const struct zone *facts);
void own_names_clear(struct own_names *names);

/* The entry of a name, or NULL. */
const struct own_name *own_names_find(const struct own_names *names, const uint8_t *name);

/* Is any name at or below this one owned? */
bool own_names_exist_below(const struct own_names *names, const uint8_t *name);

bool own_name_has(const struct own_names *names, const struct own_name *name, uint16_t type);

/* The place of its first record. */
struct place own_name_place(const struct own_names *names, const struct own_name *name);

#endif

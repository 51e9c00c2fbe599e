/* SPDX-License-Identifier: BSD-2-Clause */
/* changes_names: which names to ask for when two catalogs are compared (changes.h). Only for changes.c. */
#ifndef SPLITVIEW_POLICY_CHANGES_NAMES_H
#define SPLITVIEW_POLICY_CHANGES_NAMES_H

#include "policy/changes.h"
#include "policy/nameset.h"
#include "zones/catalog.h"
#include "zones/image.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CHANGES_TYPES_MAX 1024 /* types of one name, both sides together; any beyond are not asked for */

struct changes_names {
    const struct catalog *catalogs[2]; /* before, after */
    bool same_ids;
    struct nameset set;
    struct changes_counts *counts; /* of zones, filled here */
    struct diag *diag;
    /* The zone at hand. */
    struct image images[2];
    bool has_image[2];
    bool whole_zone; /* it is on one side only */
    uint8_t apex[NAME_SIZE_MAX];
    uint8_t last[NAME_SIZE_MAX]; /* the owner noted last, size 0 none */
    size_t last_size;
    enum status status;
};

void changes_names_init(struct changes_names *names, const struct catalog *const catalogs[2], bool same_ids,
                        struct changes_counts *counts, struct diag *diag);
void changes_names_clear(struct changes_names *names);

/* Fill names->set, sorted. NO_MEMORY, DAMAGED with a message. */
enum status changes_names_find(struct changes_names *names);

/* Add the types of the node that answers for `name` to the `count` rising ones in `types`; returns how many there are
 * then. */
unsigned changes_names_types(const struct catalog *catalog, const uint8_t *name, uint16_t types[CHANGES_TYPES_MAX],
                             unsigned count);

/* Add to `aliases` the names that are not in names->set and whose CNAME or DNAME leads to one of `changed`, each with
 * the types to ask for. NO_MEMORY. */
enum status changes_names_aliases(struct changes_names *names, const struct nameset *changed, struct nameset *aliases);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/encloser.h"

/* Somebody else answers for a name above this one, and that goes before all else that stands above it. */
static bool is_forwarded(const struct image *image, const struct name_split *split, unsigned apex_labels)
{
    for (unsigned labels = apex_labels + 1; labels < split->labels; labels++) {
        const struct image_node *found = image_find(image, split, labels);
        if (found == NULL || (found->flags & NODE_FORWARD) != 0)
            return found != NULL;
    }
    return false;
}

enum miss encloser_find(const struct image *image, const struct name_split *split, unsigned apex_labels,
                        const struct image_node **node)
{
    const struct image_node *encloser = NULL;
    unsigned above = 0;   /* the flags of all names above this one */
    unsigned missing = 0; /* of those between it and the encloser */
    for (unsigned labels = apex_labels; labels < split->labels; labels++) {
        const struct image_node *found = image_find(image, split, labels);
        if (found == NULL)
            break;
        if ((found->flags & NODE_FORWARDS) != 0 && is_forwarded(image, split, apex_labels))
            return MISS_FOREIGN;
        if ((found->flags & (NODE_CUT | NODE_DNAME)) != 0) {
            *node = found;
            return MISS_OCCLUDED;
        }
        above |= found->flags;
        if ((found->flags & NODE_MISSING) == 0)
            encloser = found;
        else
            missing |= found->flags;
    }
    if (encloser == NULL)
        return MISS_DAMAGED;
    bool kept_out = (above & NODE_HIDDEN) != 0 || (missing & NODE_HIDDEN_BELOW) != 0;
    if (encloser->wildcard != 0 && !kept_out) {
        *node = image_node(image, encloser->wildcard);
        return *node == NULL ? MISS_DAMAGED : MISS_WILDCARD;
    }
    bool foreign = (above & (NODE_PINPOINT | NODE_HIDDEN_BELOW)) == NODE_PINPOINT;
    return foreign ? MISS_FOREIGN : MISS_NXDOMAIN;
}

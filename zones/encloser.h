/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * encloser: what stands for a name that does not exist in an image (RFC 4592 3.3.1, 8020).
 */
#ifndef SPLITVIEW_ZONES_ENCLOSER_H
#define SPLITVIEW_ZONES_ENCLOSER_H

#include "zones/image.h"
#include "zones/name.h"

enum miss {
    MISS_NXDOMAIN, /* nothing: the name does not exist */
    MISS_WILDCARD, /* a wildcard: *node */
    MISS_OCCLUDED, /* a delegation or DNAME above it: *node */
    MISS_FOREIGN,  /* the zone leaves its missing names to others */
    MISS_DAMAGED
};

/*
 * Walk down from the apex, which has `apex_labels` labels, to the closest encloser of the name in `split`, which has no
 * node or one with NODE_MISSING alone. Stops at a delegation or DNAME; a hidden name on the way keeps wildcards out.
 * *node is borrowed from the image. A pure function; any thread.
 */
enum miss encloser_find(const struct image *image, const struct name_split *split, unsigned apex_labels,
                        const struct image_node **node);

#endif

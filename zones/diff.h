/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diff: which RRsets differ between two images of a zone, in canonical order. What `diff` prints and what an
 * incremental transfer sends both start from it.
 *
 * An RRset is a set (RFC 2181 5): the order of its records does not count, its TTL does. Images hold no serial, so a
 * SOA differs only if something else in it does. A pure function over borrowed memory; any thread.
 */
#ifndef SPLITVIEW_ZONES_DIFF_H
#define SPLITVIEW_ZONES_DIFF_H

#include "zones/image.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One RRset that differs. All of it is borrowed from the two images. */
struct diff_rrset {
    const uint8_t *owner; /* lowered */
    uint16_t type;
    struct rrset before; /* count 0: not there before, it was added */
    struct rrset after;  /* count 0: not there any more, it was removed */
};

/* Called for each; false stops the walk. */
typedef bool diff_visit(void *context, const struct diff_rrset *rrset);

/*
 * Compare two images; NULL stands for a zone that is not there. Owners come in canonical order (RFC 4034 6.1), types
 * of one owner rising. Images with the same checksum are not looked at. STATUS_OK also if `visit` stopped the walk;
 * DAMAGED, without a message, when a node or an RRset is not whole: what was visited before stands.
 */
enum status zone_diff(const struct image *before, const struct image *after, diff_visit *visit, void *context);

/* Do both hold the same records, whatever their order, with the same TTL? The types must be equal. */
bool diff_rrset_equal(const struct rrset *a, const struct rrset *b);

/* Does the RRset hold a record with exactly these RDATA? */
bool diff_rrset_holds(const struct rrset *rrset, const struct rdata *rdata);

#endif

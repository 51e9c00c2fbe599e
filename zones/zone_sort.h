/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_sort: the records of a zone in canonical order, for zone_freeze. A zone file may hold a million names in any
 * order, and what follows walks over all of them several times: so the arena is laid out anew in the same order. Not
 * for use outside zones/zone*.c; one thread.
 */
#ifndef SPLITVIEW_ZONES_ZONE_SORT_H
#define SPLITVIEW_ZONES_ZONE_SORT_H

#include "zones/status.h"
#include "zones/zone.h"

/* Sort the records by owner (RFC 4034 6.1), type and order of appearance. Offsets into the arena change, those of the
 * marks too. Time in proportion to the bytes of the keys, whatever the order was. NO_MEMORY, TOO_LARGE: as it was. */
enum status zone_sort_records(struct zone *zone);

#endif

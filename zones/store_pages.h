/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_pages: LMDB's own pages, read without LMDB. LMDB trusts its file: a flipped bit in a page number or an offset
 * leads it anywhere. This walk trusts nothing: every page that a snapshot can reach, its place, kind, offsets, keys and
 * counts, the chains of pages behind large values, and the list of free pages, which must hold none that is in use.
 * What values hold is not its business. Not for use outside zones/store*.c.
 */
#ifndef SPLITVIEW_ZONES_STORE_PAGES_H
#define SPLITVIEW_ZONES_STORE_PAGES_H

#include "zones/status.h"
#include "zones/store.h"

#include <stdint.h>

struct store_pages {
    uint64_t size; /* bytes of a page */
    uint64_t used;
    uint64_t free;
    uint64_t lost; /* neither used nor free: room that only `compact` gives back; no damage */
};

/*
 * Check the pages of a snapshot; its transaction keeps them as they are. NOT_FOUND without a message: two commits came
 * between, take a newer snapshot. DAMAGED with a message that names the page; IO, NO_MEMORY.
 */
enum status store_pages_check(const struct snapshot *snapshot, struct store_pages *pages, struct diag *diag);

#endif

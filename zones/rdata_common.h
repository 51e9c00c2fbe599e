/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata_common: the types that zones are full of, read without a look at ldns's tables. Reads exactly what rdata_text
 * would, and leaves everything else to it: errors too, so that there is one place for their messages.
 *
 * Pure function over borrowed memory; any thread.
 */
#ifndef SPLITVIEW_ZONES_RDATA_COMMON_H
#define SPLITVIEW_ZONES_RDATA_COMMON_H

#include "zones/bytes.h"
#include "zones/entry.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/* Append the RDATA that the words of `entry` from `first` on stand for to `out`, which is empty. NOT_FOUND: not one of
 * these types, not in its plain form, or wrong, and `out` is empty again; NO_MEMORY. */
enum status rdata_common_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                                    struct bytes *out);

#endif

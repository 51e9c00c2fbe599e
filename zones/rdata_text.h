/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata_text: the words of one record to the RDATA's wire form and back: the only place that knows ldns.
 *
 * ldns tells which fields a type has. Fields of the plain kinds (rdata_field.h) are read here; a record with any other
 * field is handed to ldns as one line, with its names made absolute. One thread per call.
 */
#ifndef SPLITVIEW_ZONES_RDATA_TEXT_H
#define SPLITVIEW_ZONES_RDATA_TEXT_H

#include "zones/bytes.h"
#include "zones/entry.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/* What is wrong with a record's words, for a message. */
struct rdata_fault {
    size_t word;        /* its number in the entry; token_count: a word is missing behind the last */
    const char *wanted; /* a fixed text */
};

/*
 * Replace the content of `out` (its limit is RRSET_RDATA_MAX) by the RDATA that the words of `entry` from `first` on
 * stand for. The form of RFC 3597 ("\# 4 c0000201") is understood for every type, and its octets are checked where the
 * type is known. BAD_INPUT with *fault filled, NO_MEMORY.
 */
enum status rdata_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                             struct bytes *out, struct rdata_fault *fault);

/* The same without the short way for common types (rdata_common.h), which must not make a difference. */
enum status rdata_any_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                                 struct bytes *out, struct rdata_fault *fault);

/* zonefile_rdata_to_text and the names of types (zonefile.h) are here too. */

#endif

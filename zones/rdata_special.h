/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata_special: IPSECKEY (RFC 4025) and HIP (RFC 8005), whose fields depend on each other. ldns knows no origin for
 * an IPSECKEY's gateway, wraps its numbers, and loses memory on bad words. Pure functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_RDATA_SPECIAL_H
#define SPLITVIEW_ZONES_RDATA_SPECIAL_H

#include "zones/bytes.h"
#include "zones/entry.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Append the RDATA that the words from `first` on stand for. BAD_INPUT with the number of the word that is wrong
 * (token_count: one is missing) in *bad and a fixed text in *wanted; NO_MEMORY; TOO_LARGE when `out` is full.
 */
enum status special_ipseckey(const struct entry *entry, size_t first, const uint8_t *origin, struct bytes *out,
                             size_t *bad, const char **wanted);
enum status special_hip(const struct entry *entry, size_t first, const uint8_t *origin, struct bytes *out, size_t *bad,
                        const char **wanted);

#endif

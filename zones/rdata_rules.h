/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata_rules: what single types demand of their RDATA beyond the shape of the fields, where ldns does not look: SVCB
 * and HTTPS (RFC 9460 2.2, 7, 8), APL, LOC and lists of types. Pure functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_RDATA_RULES_H
#define SPLITVIEW_ZONES_RDATA_RULES_H

#include "zones/rdata_field.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/* Look at one word of a field that goes to ldns. BAD_INPUT with a fixed text in *wanted. */
enum status rules_check_word(uint16_t type, struct rdata_word word, const char **wanted);

/* Look at the RDATA of a record whose fields were read. BAD_INPUT with a fixed text in *wanted. */
enum status rules_check_rdata(uint16_t type, const struct rdata *rdata, const char **wanted);

/* What the words of the type hold, for a message; `otherwise` if there is nothing better to say. */
const char *rules_wanted(uint16_t type, const char *otherwise);

#endif

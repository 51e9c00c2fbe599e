/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonecheck: the rules that a flat zone must keep before it may be compiled.
 *
 * Errors: no SOA at the apex, or more than one; SOA elsewhere; no NS at the apex; CNAME beside other data (RRSIG, NSEC,
 * KEY and NXT may stand beside it) or two CNAMEs; DNAME beside CNAME or two DNAMEs (RFC 6672 2.4). Warnings: data below
 * a delegation that is not glue, or below a DNAME (never answered); a delegation whose in-zone name server has no
 * address; MX, SRV or NS target that is an alias; names that no longer exist as in-zone targets; a signed zone. Each
 * message names file and line. One thread.
 */
#ifndef SPLITVIEW_ZONES_ZONECHECK_H
#define SPLITVIEW_ZONES_ZONECHECK_H

#include "zones/status.h"
#include "zones/zone.h"

/* BAD_INPUT if any error was reported. The zone is frozen and is only read. `file` names the zone where a message has
 * no record. */
enum status zonecheck_run(const struct zone *zone, const char *file, struct diag *diag);

#endif

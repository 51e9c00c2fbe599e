/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile: master-file text to records and back. Directives and names are ours, the text of RDATA is ldns's.
 *
 * $ORIGIN, $TTL, $INCLUDE (RFC 1035 5.1, 2308 4) and $GENERATE (as BIND's) are understood; all types ldns knows and the
 * unknown-type form of RFC 3597. Messages carry file, line and column of the word that is wrong. One thread.
 */
#ifndef SPLITVIEW_ZONES_ZONEFILE_H
#define SPLITVIEW_ZONES_ZONEFILE_H

#include "zones/rrset.h"
#include "zones/source.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stddef.h>
#include <stdint.h>

#define ZONEFILE_INCLUDES_MAX 16        /* files that include each other, deep */
#define ZONEFILE_FILES_MAX    10000     /* files read for one zone, each as often as it is included */
#define ZONEFILE_GENERATE_MAX 1000000   /* records from one $GENERATE */
#define ZONEFILE_PROGRESS     16384     /* records between two calls of `progress` */
#define ZONEFILE_TTL_MAX      INT32_MAX /* seconds, RFC 2181 8 */

struct zonefile_options {
    uint32_t default_ttl; /* seconds: as a $TTL before the first line; ZONEFILE_NO_TTL: none */
    uint64_t records_max; /* records of the zone, included and generated ones too; 0: no limit but the zone's own */
    void (*progress)(void *context, uint64_t records); /* called every ZONEFILE_PROGRESS records; NULL allowed */
    void *progress_context;
};
#define ZONEFILE_NO_TTL UINT32_MAX

/*
 * Read `path` of `source` into `zone` (not frozen; its apex is the first $ORIGIN). Includes count from the source's
 * root. All errors of the text are reported, not only the first. BAD_INPUT when there was any; then the zone's content
 * is unspecified and is only to be freed. Also NOT_FOUND, IO, NO_MEMORY, TOO_LARGE. A record without a TTL takes $TTL,
 * else the TTL of the record before (RFC 1035), else the SOA's MINIMUM (as BIND, with a warning).
 */
enum status zonefile_read(struct source *source, const char *path, const struct zonefile_options *options,
                          struct zone *zone, struct diag *diag);

/* The same from text in memory; `file` names it in messages. `source` may be NULL: then $INCLUDE is an error. */
enum status zonefile_read_text(struct source *source, const char *file, const char *text, size_t size,
                               const struct zonefile_options *options, struct zone *zone, struct diag *diag);

/*
 * The RDATA as text, as a master file would hold it, with a final zero byte. TOO_LARGE if `capacity` bytes do not hold
 * it, BAD_INPUT if the octets are no RDATA of the type (then write it by RFC 3597 yourself).
 */
enum status zonefile_rdata_to_text(uint16_t type, const struct rdata *rdata, char *text, size_t capacity);

/* "A", "HTTPS", "TYPE65400", … and back; case does not matter. 0 = no such type. */
#define RRTYPE_TEXT_MAX 32
void rrtype_to_text(uint16_t type, char text[RRTYPE_TEXT_MAX]);
uint16_t rrtype_from_text(const char *text, size_t length);

/*
 * The apex that a file name stands for: "harbor.example.zone" -> harbor.example., "@.zone" -> the root, %XX for octets
 * a file system cannot hold ("0%2F25.2.0.192.in-addr.arpa.zone"). BAD_INPUT if it is no such name; NOT_FOUND if the
 * name does not end in ".zone".
 */
enum status zonefile_apex(const char *file_name, uint8_t apex[NAME_SIZE_MAX], size_t *size);

#endif

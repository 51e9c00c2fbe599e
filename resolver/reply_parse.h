/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply_parse: an upstream's reply taken apart: its records with all names expanded, and what its OPT says. Nothing is
 * judged here but the form. Hostile input. One thread per struct.
 */
#ifndef SPLITVIEW_RESOLVER_REPLY_PARSE_H
#define SPLITVIEW_RESOLVER_REPLY_PARSE_H

#include "zones/answer.h"
#include "zones/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_EXPANDED_MAX 524288          /* bytes of all names and RDATA, expanded; more is malformed */
#define REPLY_POINTERS_MAX NAME_LABELS_MAX /* compression pointers in one name */

/* A record of class IN from the answer or authority section; no meta types. */
struct reply_record {
    uint32_t owner; /* offset in `bytes`: a name */
    uint32_t hash;  /* of the owner, without case: equal names have equal ones */
    uint32_t rdata; /* offset in `bytes` */
    uint32_t ttl;   /* seconds; 0 if the top bit was set (RFC 2181 8) */
    uint16_t size;  /* bytes of RDATA */
    uint16_t type;
    uint16_t covered; /* the type that a RRSIG covers, else 0 */
    uint8_t section;  /* enum section: answer or authority */
};

struct reply_parsed {
    uint16_t flags;               /* of the header */
    uint16_t rcode;               /* extended by the OPT (RFC 6891 6.1.3) */
    int16_t extended_error;       /* the first RFC 8914 code of the OPT, up to 32767; -1: none */
    struct reply_record *records; /* owned */
    size_t count;
    struct bytes bytes; /* names and RDATA; owned */
};

/*
 * Take `wire` apart. False: malformed (a cut-off or overlong name, a compression pointer that does not lead back, RDATA
 * that are not their type's, a second OPT, octets behind the last record), or no memory. The parsed must be cleared in
 * either case. Names, or the ends of names, that stand in the question are lowered: their case is our own.
 */
bool reply_parse(const uint8_t *wire, size_t size, struct reply_parsed *parsed);
void reply_parsed_clear(struct reply_parsed *parsed);

/* Borrowed from `parsed`. */
const uint8_t *reply_owner(const struct reply_parsed *parsed, const struct reply_record *record);
const uint8_t *reply_rdata(const struct reply_parsed *parsed, const struct reply_record *record);

/* The hash of reply_record, of a name. */
uint32_t reply_name_hash(const uint8_t *name);

#endif

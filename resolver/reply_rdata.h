/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply_rdata: what RDATA from the wire must look like, type by type: where names stand, whether they may be
 * compressed, and what may follow them. Hostile input. Pure functions; any thread.
 */
#ifndef SPLITVIEW_RESOLVER_REPLY_RDATA_H
#define SPLITVIEW_RESOLVER_REPLY_RDATA_H

#include "zones/rrset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows the last name. */
enum rdata_tail {
    RDATA_TAIL_ANY,
    RDATA_TAIL_NONE,
    RDATA_TAIL_SOME,    /* at least one octet */
    RDATA_TAIL_SOA,     /* SOA_FIXED_SIZE octets */
    RDATA_TAIL_STRINGS, /* one character-string or more, RFC 1035 3.3.14 */
    RDATA_TAIL_TYPES,   /* a bit map of types, RFC 4034 4.1.2 */
    RDATA_TAIL_PARAMS   /* SvcParams, RFC 9460 2.2 */
};

/* RDATA: `prefix` octets, `strings` character-strings, `names` names, the tail. */
struct rdata_shape {
    uint8_t prefix;
    uint8_t strings;
    uint8_t names;
    bool compressible; /* names are expanded; else a pointer in one is an error */
    enum rdata_tail tail;
};

/* Types that are not known have no names and any tail (RFC 3597 3). */
struct rdata_shape rdata_shape(uint16_t type);

/* The tail is whole and ends where the RDATA end. */
bool rdata_tail_is_whole(enum rdata_tail tail, const uint8_t *bytes, size_t size);

/*
 * Whole RDATA of A, AAAA, SVCB or HTTPS (the hints) hold an address that no foreign name should have: one of
 * address_is_private, 0.0.0.0/8, ::, or an IPv6 address made of such an IPv4 address (v4-mapped, RFC 4291 2.5.5;
 * v4-compatible; 64:ff9b::/96, RFC 6052 3.1). Other types: false.
 */
bool rdata_is_private(uint16_t type, const struct rdata *rdata);

#endif

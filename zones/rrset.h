/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rrset: one compiled wire RRset, and what is known about RR types without text: which RDATA hold names and where.
 *
 * RDATA stand in wire form, names in them uncompressed and in the case of the file. An RRset's data is `count` times a
 * two-byte length in network order followed by that many bytes: just what goes on the wire after the TTL.
 * Pure functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_RRSET_H
#define SPLITVIEW_ZONES_RRSET_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IANA "Domain Name System (DNS) Parameters", the types this code names; all others pass through as octets. */
enum rrtype {
    RRTYPE_A = 1,
    RRTYPE_NS = 2,
    RRTYPE_MD = 3,
    RRTYPE_MF = 4,
    RRTYPE_CNAME = 5,
    RRTYPE_SOA = 6,
    RRTYPE_MB = 7,
    RRTYPE_MG = 8,
    RRTYPE_MR = 9,
    RRTYPE_PTR = 12,
    RRTYPE_HINFO = 13,
    RRTYPE_MINFO = 14,
    RRTYPE_MX = 15,
    RRTYPE_TXT = 16,
    RRTYPE_RP = 17,
    RRTYPE_AFSDB = 18,
    RRTYPE_RT = 21,
    RRTYPE_SIG = 24,
    RRTYPE_KEY = 25,
    RRTYPE_PX = 26,
    RRTYPE_AAAA = 28,
    RRTYPE_NXT = 30,
    RRTYPE_SRV = 33,
    RRTYPE_NAPTR = 35,
    RRTYPE_KX = 36,
    RRTYPE_DNAME = 39,
    RRTYPE_OPT = 41,
    RRTYPE_DS = 43,
    RRTYPE_RRSIG = 46,
    RRTYPE_NSEC = 47,
    RRTYPE_DNSKEY = 48,
    RRTYPE_NSEC3 = 50,
    RRTYPE_NSEC3PARAM = 51,
    RRTYPE_SVCB = 64,
    RRTYPE_HTTPS = 65,
    RRTYPE_NXNAME = 128,
    RRTYPE_TKEY = 249,
    RRTYPE_TSIG = 250,
    RRTYPE_IXFR = 251,
    RRTYPE_AXFR = 252,
    RRTYPE_MAILB = 253,
    RRTYPE_MAILA = 254,
    RRTYPE_ANY = 255
};

enum rrclass { RRCLASS_IN = 1, RRCLASS_CH = 3, RRCLASS_NONE = 254, RRCLASS_ANY = 255 };

#define RRSET_RDATA_MAX 65535 /* bytes of one RDATA */

/* Numbers in network order. */
static inline uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline void write_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static inline void write_u32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

/* Borrowed bytes: whoever made the struct says how long `data` lives. */
struct rrset {
    uint16_t type;
    uint16_t count;      /* records, at least 1 */
    uint32_t ttl;        /* seconds, at most 2^31 - 1 (RFC 2181 8) */
    const uint8_t *data; /* count times { uint16 length, RDATA } */
    uint32_t size;       /* bytes of data */
};

/* One RDATA inside an RRset's data. */
struct rdata {
    const uint8_t *bytes;
    uint16_t size;
};

/*
 * Step through an RRset: *position starts at 0; true and *rdata filled while there is one more. false at the end, or
 * where the data are cut off (then *position != rrset->size).
 */
static inline bool rrset_next_rdata(const struct rrset *rrset, uint32_t *position, struct rdata *rdata)
{
    if (rrset->size - *position < 2)
        return false;
    uint16_t size = read_u16(rrset->data + *position);
    if (rrset->size - *position - 2 < size)
        return false;
    rdata->bytes = rrset->data + *position + 2;
    rdata->size = size;
    *position += 2u + size;
    return true;
}

/* Same type, TTL and the same RDATA in the same order, octet by octet. */
bool rrset_equal(const struct rrset *a, const struct rrset *b);

/*
 * Where the names stand in the RDATA of a type: `prefix` octets, then `names` names one after the other, then the rest.
 * Types without names, or with names after variable parts, have names = 0.
 */
struct rrtype_layout {
    uint8_t prefix;
    uint8_t names;
    bool compressible; /* RFC 3597 4: only the types of RFC 1035 may be compressed on the wire */
    bool additional;   /* the first name's A and AAAA are additional data (NS MX SRV AFSDB RT KX SVCB HTTPS) */
};

struct rrtype_layout rrtype_layout(uint16_t type);

/* The type occurs in queries or messages only and may never be zone data (OPT, TSIG, TKEY, AXFR, ANY, …; 0 too). */
bool rrtype_is_meta(uint16_t type);

/*
 * The first name in the RDATA (NS, CNAME, MX exchange, SRV target, …), NULL if the type has none or the name runs over
 * the end of the RDATA. Borrowed from `rdata`.
 */
const uint8_t *rdata_target(uint16_t type, const struct rdata *rdata);

#define SOA_FIXED_SIZE 20 /* serial, refresh, retry, expire, minimum */

/* Where the serial stands in a SOA's RDATA (it is followed by four more words), or 0 if the RDATA are not a SOA's. */
uint16_t soa_serial_offset(const struct rdata *rdata);

#endif

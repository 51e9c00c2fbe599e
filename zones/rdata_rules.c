/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rdata_rules.h"

#include "zones/name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define TYPE_NSAP  22
#define TYPE_LOC   29
#define TYPE_ATMA  34
#define TYPE_APL   42
#define TYPE_CSYNC 62

#define LOC_SIZE      16
#define LOC_MIDDLE    (UINT32_C(1) << 31) /* the equator and the prime meridian */
#define LOC_LATITUDE  (90u * 3600 * 1000) /* thousandths of an arc second */
#define LOC_LONGITUDE (180u * 3600 * 1000)

enum svc_key {
    SVC_MANDATORY = 0,
    SVC_ALPN = 1,
    SVC_NO_DEFAULT_ALPN = 2,
    SVC_PORT = 3,
    SVC_IPV4HINT = 4,
    SVC_IPV6HINT = 6,
    SVC_INVALID = 65535
};

static bool has_prefix(struct rdata_word word, const char *prefix)
{
    return word.size >= strlen(prefix) && strncasecmp(word.text, prefix, strlen(prefix)) == 0;
}

static enum status check_param(struct rdata_word word, const char **wanted)
{
    uint32_t value;
    if (has_prefix(word, "port=")) {
        bool quoted = word.size > 6 && word.text[5] == '"';
        size_t head = quoted ? 6 : 5;
        *wanted = "port= and a number from 0 to 65535";
        return number_from_text(word.text + head, word.size - head - (quoted ? 1 : 0), UINT16_MAX, &value)
                   ? STATUS_OK
                   : STATUS_BAD_INPUT;
    }
    return STATUS_OK;
}

enum status rules_check_word(uint16_t type, struct rdata_word word, const char **wanted)
{
    return type == RRTYPE_SVCB || type == RRTYPE_HTTPS ? check_param(word, wanted) : STATUS_OK;
}

/* The list of parameters at `position` holds `key`. The list was walked before. */
static bool has_key(const struct rdata *rdata, size_t position, uint16_t key)
{
    while (position + 4 <= rdata->size) {
        if (read_u16(rdata->bytes + position) == key) {
            return true;
        }
        position += 4u + read_u16(rdata->bytes + position + 2);
    }
    return false;
}

/* An octet of a protocol name that ldns both reads and prints as it is; enough for all registered ones. */
static bool is_protocol_octet(uint8_t octet)
{
    return isalnum(octet) || (octet != 0 && strchr("-./_+:", octet) != NULL);
}

/* Protocol names: each a length byte and at least one octet. */
static bool alpn_good(const uint8_t *value, size_t size)
{
    size_t i = 0;
    while (i < size) {
        if (value[i] == 0 || value[i] >= size - i) {
            return false;
        }
        for (size_t j = 1; j <= value[i]; j++) {
            if (!is_protocol_octet(value[i + j])) {
                return false;
            }
        }
        i += 1u + value[i];
    }
    return size > 0;
}

static bool mandatory_good(const struct rdata *rdata, size_t params, const uint8_t *value, size_t size)
{
    for (size_t i = 0; i + 2 <= size; i += 2) {
        uint16_t key = read_u16(value + i);
        bool rising = i == 0 || read_u16(value + i - 2) < key;
        if (!rising || key == SVC_MANDATORY || !has_key(rdata, params, key)) {
            return false;
        }
    }
    return size > 0 && size % 2 == 0;
}

static const char *param_fault(const struct rdata *rdata, size_t params, uint16_t key, const uint8_t *value,
                               size_t size)
{
    switch (key) {
    case SVC_MANDATORY:
        return mandatory_good(rdata, params, value, size) ? NULL
                                                          : "mandatory= with keys that the record has, each once";
    case SVC_ALPN:
        return alpn_good(value, size) ? NULL : "alpn= with protocol names of letters, digits and - . / _ + :";
    case SVC_NO_DEFAULT_ALPN:
        return size == 0 && has_key(rdata, params, SVC_ALPN) ? NULL : "no-default-alpn without a value, beside alpn=";
    case SVC_PORT:
        return size == 2 ? NULL : "port= and a number from 0 to 65535";
    case SVC_IPV4HINT:
        return size > 0 && size % 4 == 0 ? NULL : "ipv4hint= with addresses";
    case SVC_IPV6HINT:
        return size > 0 && size % 16 == 0 ? NULL : "ipv6hint= with addresses";
    case SVC_INVALID:
        return "a key below 65535";
    default:
        return NULL;
    }
}

static const char *svcb_fault(const struct rdata *rdata)
{
    size_t name_size;
    if (rdata->size < 3 || name_from_wire(rdata->bytes + 2, rdata->size - 2u, &name_size) != STATUS_OK) {
        return "a priority and a target";
    }
    size_t params = 2 + name_size;
    bool alias = read_u16(rdata->bytes) == 0; /* parameters mean nothing then, RFC 9460 2.4.2 */
    long last = -1;
    for (size_t i = params; i < rdata->size;) {
        if (rdata->size - i < 4 || read_u16(rdata->bytes + i + 2) > rdata->size - i - 4) {
            return "whole service parameters";
        }
        uint16_t key = read_u16(rdata->bytes + i);
        if (key <= last) {
            return "each service parameter once";
        }
        last = key;
        i += 4u + read_u16(rdata->bytes + i + 2);
    }
    for (size_t i = params; i < rdata->size && !alias;) {
        uint16_t size = read_u16(rdata->bytes + i + 2);
        const char *fault = param_fault(rdata, params, read_u16(rdata->bytes + i), rdata->bytes + i + 4, size);
        if (fault != NULL) {
            return fault;
        }
        i += 4u + size;
    }
    return NULL;
}

static const char *loc_fault(const struct rdata *rdata)
{
    if (rdata->size != LOC_SIZE || rdata->bytes[0] != 0) {
        return "a location (RFC 1876)";
    }
    for (size_t i = 1; i < 4; i++) {
        if (rdata->bytes[i] >> 4 > 9 || (rdata->bytes[i] & 15) > 9) {
            return "a size and precisions from 0 to 90000000 metres";
        }
    }
    uint32_t latitude = read_u32(rdata->bytes + 4);
    uint32_t longitude = read_u32(rdata->bytes + 8);
    if (latitude - (LOC_MIDDLE - LOC_LATITUDE) > 2 * LOC_LATITUDE) {
        return "a latitude up to 90 degrees";
    }
    return longitude - (LOC_MIDDLE - LOC_LONGITUDE) > 2 * LOC_LONGITUDE ? "a longitude up to 180 degrees" : NULL;
}

static const char *apl_fault(const struct rdata *rdata)
{
    for (size_t i = 0; i < rdata->size;) {
        if (rdata->size - i < 4 || (rdata->bytes[i + 3] & 0x7f) > rdata->size - i - 4) {
            return "address prefixes (RFC 3123)";
        }
        uint16_t family = read_u16(rdata->bytes + i);
        uint8_t length = rdata->bytes[i + 2];
        uint8_t size = rdata->bytes[i + 3] & 0x7f;
        bool good = (family == 1 && length <= 32 && size <= 4) || (family == 2 && length <= 128 && size <= 16);
        if (!good) {
            return "address prefixes as 1:192.0.2.0/24 or !2:2001:db8::/32";
        }
        i += 4u + size;
    }
    return NULL;
}

/* A list of types: windows in rising order, each with 1 to 32 octets of bits (RFC 4034 4.1.2). */
static const char *bitmap_fault(const struct rdata *rdata, size_t position)
{
    int last = -1;
    while (position < rdata->size) {
        size_t left = rdata->size - position;
        const uint8_t *window = rdata->bytes + position;
        if (left < 2 || window[0] <= last || window[1] < 1 || window[1] > 32 || window[1] > left - 2) {
            return "a list of types";
        }
        last = window[0];
        position += 2u + window[1];
    }
    return position > rdata->size ? "a list of types" : NULL;
}

/* Where the list of types begins; past the end if the RDATA are too short for it. */
static size_t bitmap_position(uint16_t type, const struct rdata *rdata)
{
    size_t position = 0;
    if (type == TYPE_CSYNC) {
        return 6;
    }
    if (type == RRTYPE_NSEC) {
        bool good = name_from_wire(rdata->bytes, rdata->size, &position) == STATUS_OK;
        return good ? position : rdata->size + 1u;
    }
    position = 4; /* NSEC3: the salt, then the hash, each behind its length */
    for (int i = 0; i < 2; i++) {
        position += position < rdata->size ? 1u + rdata->bytes[position] : RRSET_RDATA_MAX;
    }
    return position;
}

enum status rules_check_rdata(uint16_t type, const struct rdata *rdata, const char **wanted)
{
    const char *fault = NULL;
    switch (type) {
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
        fault = svcb_fault(rdata);
        break;
    case TYPE_LOC:
        fault = loc_fault(rdata);
        break;
    case TYPE_APL:
        fault = apl_fault(rdata);
        break;
    case RRTYPE_NSEC:
    case RRTYPE_NSEC3:
    case TYPE_CSYNC:
        fault = bitmap_fault(rdata, bitmap_position(type, rdata));
        break;
    default:
        break;
    }
    *wanted = fault;
    return fault == NULL ? STATUS_OK : STATUS_BAD_INPUT;
}

const char *rules_wanted(uint16_t type, const char *otherwise)
{
    switch (type) {
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
        return "service parameters as alpn=h2 port=443 (RFC 9460)";
    case TYPE_LOC:
        return "a location as 52 22 23.000 N 4 53 32.000 E -2.00m (RFC 1876)";
    case TYPE_APL:
        return "an address prefix as 1:192.0.2.0/24 (RFC 3123)";
    case TYPE_NSAP:
        return "an NSAP address as 0x47.0005 (RFC 1706)";
    case TYPE_ATMA:
        return "an ATM address";
    default:
        return otherwise;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reply_rdata.h"

#include "policy/prefix.h"
#include "zones/name.h"

#include <string.h>

/* RFC 9460 14.3.2 */
#define PARAM_IPV4HINT 4
#define PARAM_IPV6HINT 6

/* RFC 1035 3.3, 1183, 2163, 2230, 2782, 6672; RFC 3597 4 says whose names a receiver expands, though nobody may send
 * them compressed; RFC 4034 3.1.7, 4.1.1 and RFC 9460 2.2 let nobody compress theirs. */
static struct rdata_shape named_shape(uint16_t type)
{
    struct rrtype_layout layout = rrtype_layout(type);
    struct rdata_shape shape = {.prefix = layout.prefix, .names = layout.names, .compressible = true};
    shape.tail = layout.names > 0 ? RDATA_TAIL_NONE : RDATA_TAIL_ANY;
    if (type == RRTYPE_SOA)
        shape.tail = RDATA_TAIL_SOA;
    if (type == RRTYPE_SVCB || type == RRTYPE_HTTPS) {
        shape.compressible = false;
        shape.tail = RDATA_TAIL_PARAMS;
    }
    return shape;
}

struct rdata_shape rdata_shape(uint16_t type)
{
    switch (type) {
    case RRTYPE_A:
        return (struct rdata_shape){.prefix = 4, .tail = RDATA_TAIL_NONE};
    case RRTYPE_AAAA:
        return (struct rdata_shape){.prefix = 16, .tail = RDATA_TAIL_NONE};
    case RRTYPE_HINFO:
        return (struct rdata_shape){.strings = 2, .tail = RDATA_TAIL_NONE};
    case RRTYPE_TXT:
        return (struct rdata_shape){.tail = RDATA_TAIL_STRINGS};
    case RRTYPE_SIG:
        return (struct rdata_shape){.prefix = 18, .names = 1, .compressible = true, .tail = RDATA_TAIL_ANY};
    case RRTYPE_NXT:
        return (struct rdata_shape){.names = 1, .compressible = true, .tail = RDATA_TAIL_ANY};
    case RRTYPE_NAPTR:
        return (struct rdata_shape){
            .prefix = 4, .strings = 3, .names = 1, .compressible = true, .tail = RDATA_TAIL_NONE};
    case RRTYPE_DS:
    case RRTYPE_KEY:
    case RRTYPE_DNSKEY:
        return (struct rdata_shape){.prefix = 4, .tail = type == RRTYPE_DS ? RDATA_TAIL_SOME : RDATA_TAIL_ANY};
    case RRTYPE_RRSIG:
        return (struct rdata_shape){.prefix = 18, .names = 1, .tail = RDATA_TAIL_SOME};
    case RRTYPE_NSEC:
        return (struct rdata_shape){.names = 1, .tail = RDATA_TAIL_TYPES};
    case RRTYPE_NSEC3:
        return (struct rdata_shape){.prefix = 4, .strings = 2, .tail = RDATA_TAIL_TYPES};
    case RRTYPE_NSEC3PARAM:
        return (struct rdata_shape){.prefix = 4, .strings = 1, .tail = RDATA_TAIL_NONE};
    default:
        return named_shape(type);
    }
}

static bool strings_are_whole(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size)
        at += 1u + bytes[at];
    return at == size && size > 0;
}

/* Windows in rising order, each of 1 to 32 octets. */
static bool types_are_whole(const uint8_t *bytes, size_t size)
{
    int window = -1;
    for (size_t at = 0; at < size; at += 2u + bytes[at + 1]) {
        if (size - at < 2 || bytes[at] <= window || bytes[at + 1] < 1 || bytes[at + 1] > 32 ||
            size - at - 2 < bytes[at + 1])
            return false;
        window = bytes[at];
    }
    return true;
}

/* Keys in rising order, none twice; the hints whole addresses (RFC 9460 7.3). */
static bool params_are_whole(const uint8_t *bytes, size_t size)
{
    int key = -1;
    for (size_t at = 0; at < size; at += 4u + read_u16(bytes + at + 2)) {
        if (size - at < 4 || read_u16(bytes + at) <= key || size - at - 4 < read_u16(bytes + at + 2))
            return false;
        key = read_u16(bytes + at);
        unsigned length = read_u16(bytes + at + 2);
        unsigned width = key == PARAM_IPV4HINT ? 4 : key == PARAM_IPV6HINT ? 16 : 0;
        if (width > 0 && (length == 0 || length % width != 0))
            return false;
    }
    return true;
}

bool rdata_tail_is_whole(enum rdata_tail tail, const uint8_t *bytes, size_t size)
{
    switch (tail) {
    case RDATA_TAIL_NONE:
        return size == 0;
    case RDATA_TAIL_SOME:
        return size > 0;
    case RDATA_TAIL_SOA:
        return size == SOA_FIXED_SIZE;
    case RDATA_TAIL_STRINGS:
        return strings_are_whole(bytes, size);
    case RDATA_TAIL_TYPES:
        return types_are_whole(bytes, size);
    case RDATA_TAIL_PARAMS:
        return params_are_whole(bytes, size);
    case RDATA_TAIL_ANY:
        break;
    }
    return true;
}

static bool is_private_v4(const uint8_t *bytes)
{
    struct address address = address_from_bytes(bytes, 4);
    return bytes[0] == 0 || address_is_private(&address);
}

static bool is_private_v6(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t compatible[12] = {0};
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b};
    struct address address = address_from_bytes(bytes, 16);
    if (address_is_private(&address))
        return true;
    bool holds_v4 = memcmp(bytes, mapped, sizeof mapped) == 0 || memcmp(bytes, compatible, sizeof compatible) == 0 ||
                    memcmp(bytes, translated, sizeof translated) == 0;
    return holds_v4 && is_private_v4(bytes + 12);
}

static bool any_is_private(const uint8_t *bytes, size_t size, size_t width)
{
    for (size_t at = 0; at + width <= size; at += width)
        if (width == 4 ? is_private_v4(bytes + at) : is_private_v6(bytes + at))
            return true;
    return false;
}

static bool hints_are_private(const struct rdata *rdata)
{
    size_t name;
    if (rdata->size < 2 || name_from_wire(rdata->bytes + 2, rdata->size - 2u, &name) != STATUS_OK)
        return false;
    for (size_t at = 2 + name; at + 4 <= rdata->size;) {
        unsigned key = read_u16(rdata->bytes + at);
        size_t length = read_u16(rdata->bytes + at + 2);
        at += 4;
        if (rdata->size - at < length)
            return false;
        if ((key == PARAM_IPV4HINT && any_is_private(rdata->bytes + at, length, 4)) ||
            (key == PARAM_IPV6HINT && any_is_private(rdata->bytes + at, length, 16)))
            return true;
        at += length;
    }
    return false;
}

bool rdata_is_private(uint16_t type, const struct rdata *rdata)
{
    switch (type) {
    case RRTYPE_A:
        return any_is_private(rdata->bytes, rdata->size, 4);
    case RRTYPE_AAAA:
        return any_is_private(rdata->bytes, rdata->size, 16);
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
        return hints_are_private(rdata);
    default:
        return false;
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rrset.h"

#include "zones/name.h"

#include <string.h>

uint16_t read_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void write_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

void write_u32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

bool rrset_next_rdata(const struct rrset *rrset, uint32_t *position, struct rdata *rdata)
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

bool rrset_equal(const struct rrset *a, const struct rrset *b)
{
    return a->type == b->type && a->ttl == b->ttl && a->count == b->count && a->size == b->size &&
           memcmp(a->data, b->data, a->size) == 0;
}

/* RFC 1035 3.3 (compressible), 1183 3.1-3.3, 2163 4, 2230 3.1, 2782, 6672 2.1, 9460 2.2. NAPTR's name follows variable
 * parts and takes no additional data here. */
struct rrtype_layout rrtype_layout(uint16_t type)
{
    switch (type) {
    case RRTYPE_NS:
        return (struct rrtype_layout){.names = 1, .compressible = true, .additional = true};
    case RRTYPE_MD:
    case RRTYPE_MF:
    case RRTYPE_CNAME:
    case RRTYPE_MB:
    case RRTYPE_MG:
    case RRTYPE_MR:
    case RRTYPE_PTR:
        return (struct rrtype_layout){.names = 1, .compressible = true};
    case RRTYPE_SOA:
    case RRTYPE_MINFO:
        return (struct rrtype_layout){.names = 2, .compressible = true};
    case RRTYPE_MX:
        return (struct rrtype_layout){.prefix = 2, .names = 1, .compressible = true, .additional = true};
    case RRTYPE_RP:
        return (struct rrtype_layout){.names = 2};
    case RRTYPE_AFSDB:
    case RRTYPE_RT:
    case RRTYPE_KX:
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
        return (struct rrtype_layout){.prefix = 2, .names = 1, .additional = true};
    case RRTYPE_PX:
        return (struct rrtype_layout){.prefix = 2, .names = 2};
    case RRTYPE_SRV:
        return (struct rrtype_layout){.prefix = 6, .names = 1, .additional = true};
    case RRTYPE_DNAME:
        return (struct rrtype_layout){.names = 1};
    default:
        return (struct rrtype_layout){.names = 0};
    }
}

bool rrtype_is_meta(uint16_t type)
{
    /* RFC 6895 3.1: 128-255 are query and meta types; 0 is reserved; OPT is a pseudo type. */
    return type == 0 || type == RRTYPE_OPT || (type >= 128 && type <= 255);
}

const uint8_t *rdata_target(uint16_t type, const struct rdata *rdata)
{
    struct rrtype_layout layout = rrtype_layout(type);
    size_t size;
    if (layout.names == 0 || rdata->size < layout.prefix ||
        name_from_wire(rdata->bytes + layout.prefix, rdata->size - (size_t)layout.prefix, &size) != STATUS_OK)
        return NULL;
    return rdata->bytes + layout.prefix;
}

uint16_t soa_serial_offset(const struct rdata *rdata)
{
    size_t mname_size;
    size_t rname_size;
    if (name_from_wire(rdata->bytes, rdata->size, &mname_size) != STATUS_OK ||
        name_from_wire(rdata->bytes + mname_size, rdata->size - mname_size, &rname_size) != STATUS_OK ||
        rdata->size != mname_size + rname_size + SOA_FIXED_SIZE)
        return 0;
    return (uint16_t)(mname_size + rname_size);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rrset.h"

#include "zones/name.h"

#include <string.h>

bool rrset_equal(const struct rrset *a, const struct rrset *b)
{
    return a->type == b->type && a->ttl == b->ttl && a->count == b->count && a->size == b->size &&
           memcmp(a->data, b->data, a->size) == 0;
}

/* RFC 1035 3.3 (compressible), 1183 3.1-3.3, 2163 4, 2230 3.1, 2782, 6672 2.1, 9460 2.2. NAPTR's name follows variable
 * parts and takes no additional data here. */
struct rrtype_layout rrtype_layout(uint16_t type)
{
    static const struct rrtype_layout layouts[] = {
        [RRTYPE_NS] = {.names = 1, .compressible = true, .additional = true},
        [RRTYPE_MD] = {.names = 1, .compressible = true},
        [RRTYPE_MF] = {.names = 1, .compressible = true},
        [RRTYPE_CNAME] = {.names = 1, .compressible = true},
        [RRTYPE_SOA] = {.names = 2, .compressible = true},
        [RRTYPE_MB] = {.names = 1, .compressible = true},
        [RRTYPE_MG] = {.names = 1, .compressible = true},
        [RRTYPE_MR] = {.names = 1, .compressible = true},
        [RRTYPE_PTR] = {.names = 1, .compressible = true},
        [RRTYPE_MINFO] = {.names = 2, .compressible = true},
        [RRTYPE_MX] = {.prefix = 2, .names = 1, .compressible = true, .additional = true},
        [RRTYPE_RP] = {.names = 2},
        [RRTYPE_AFSDB] = {.prefix = 2, .names = 1, .additional = true},
        [RRTYPE_RT] = {.prefix = 2, .names = 1, .additional = true},
        [RRTYPE_PX] = {.prefix = 2, .names = 2},
        [RRTYPE_SRV] = {.prefix = 6, .names = 1, .additional = true},
        [RRTYPE_KX] = {.prefix = 2, .names = 1, .additional = true},
        [RRTYPE_DNAME] = {.names = 1},
        [RRTYPE_SVCB] = {.prefix = 2, .names = 1, .additional = true},
        [RRTYPE_HTTPS] = {.prefix = 2, .names = 1, .additional = true},
    };
    const struct rrtype_layout none = {.names = 0};
    return type < sizeof layouts / sizeof layouts[0] ? layouts[type] : none;
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

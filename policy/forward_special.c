/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/forward_special.h"

#include "zones/status.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NEGATIVE_LASTING 10800 /* seconds, RFC 6303 3 */
#define NEGATIVE_SHORT   60    /* seconds */
#define LOOPBACK_TTL     604800

/* Names LABEL.SUFFIX with labels of numbers `first` to `last`; `format` NULL: the suffix alone, one name. */
struct special_row {
    const char *format;
    unsigned first;
    unsigned last;
    const char *suffix;
    enum special_kind kind;
};

#define ZEROS_7  "0.0.0.0.0.0.0."
#define ZEROS_31 ZEROS_7 ZEROS_7 ZEROS_7 ZEROS_7 "0.0.0."

static const struct special_row rows[] = {
    /* RFC 6303 4.1 */
    {NULL, 0, 0, "10.in-addr.arpa.", SPECIAL_EMPTY},
    {"%u.", 16, 31, "172.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "168.192.in-addr.arpa.", SPECIAL_EMPTY},
    /* 4.2 */
    {NULL, 0, 0, "0.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "127.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "254.169.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "2.0.192.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "100.51.198.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "113.0.203.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "255.255.255.255.in-addr.arpa.", SPECIAL_EMPTY},
    /* 4.3: unspecified, loopback */
    {NULL, 0, 0, "0." ZEROS_31 "ip6.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "1." ZEROS_31 "ip6.arpa.", SPECIAL_EMPTY},
    /* 4.4 to 4.6: unique local, link-local, documentation */
    {NULL, 0, 0, "d.f.ip6.arpa.", SPECIAL_EMPTY},
    {"%x.", 8, 11, "e.f.ip6.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "8.b.d.0.1.0.0.2.ip6.arpa.", SPECIAL_EMPTY},
    /* RFC 7793 */
    {"%u.", 64, 127, "100.in-addr.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "home.arpa.", SPECIAL_EMPTY},
    {NULL, 0, 0, "local.", SPECIAL_ABSENT},
    {NULL, 0, 0, "onion.", SPECIAL_ABSENT},
    {NULL, 0, 0, "test.", SPECIAL_ABSENT},
    {NULL, 0, 0, "invalid.", SPECIAL_ABSENT},
    {NULL, 0, 0, "localhost.", SPECIAL_LOOPBACK},
    {NULL, 0, 0, "use-application-dns.net.", SPECIAL_CANARY},
    {NULL, 0, 0, "mask.icloud.com.", SPECIAL_CANARY},
    {NULL, 0, 0, "mask-h2.icloud.com.", SPECIAL_CANARY},
    {NULL, 0, 0, "_dns.resolver.arpa.", SPECIAL_CANARY_EMPTY},
};

#define ROWS (sizeof rows / sizeof rows[0])

size_t special_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < ROWS; i++)
        count += rows[i].last - rows[i].first + 1;
    return count;
}

enum special_kind special_name(size_t index, uint8_t name[NAME_SIZE_MAX])
{
    const struct special_row *row = rows;
    char text[NAME_TEXT_MAX];
    size_t size;
    int used = 0;

    while (index > row->last - row->first) {
        index -= row->last - row->first + 1;
        row++;
        assert(row < rows + ROWS);
    }
    if (row->format != NULL)
        used = snprintf(text, sizeof text, row->format[1] == 'x' ? "%x." : "%u.", row->first + (unsigned)index);
    snprintf(text + used, sizeof text - (size_t)used, "%s", row->suffix);
    enum status status = name_from_text(text, strlen(text), NULL, name, &size);
    assert(status == STATUS_OK);
    (void)status;
    return row->kind;
}

/* MNAME and RNAME as RFC 6303 3 has them, but for an MNAME that is the same in all of these zones. */
#define SOA_NAMES "\011localhost\000\006nobody\007invalid\000"
/* serial (elsewhere), refresh, retry, expire, minimum: 3600 1200 604800 */
#define SOA_NUMBERS "\000\000\000\000\000\000\016\020\000\000\004\260\000\011\072\200"

/* The literal's own zero byte ends each array: the size leaves it out. */
static const uint8_t soa_lasting[] = "\000\057" SOA_NAMES SOA_NUMBERS "\000\000\052\060";
static const uint8_t soa_short[] = "\000\057" SOA_NAMES SOA_NUMBERS "\000\000\000\074";
static const uint8_t loopback_4[] = "\000\004\177\000\000\001";
static const uint8_t loopback_6[] = "\000\020\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\001";

static const struct rrset soa_rrsets[] = {
    {.type = RRTYPE_SOA, .count = 1, .ttl = NEGATIVE_SHORT, .data = soa_short, .size = sizeof soa_short - 1},
    {.type = RRTYPE_SOA, .count = 1, .ttl = NEGATIVE_LASTING, .data = soa_lasting, .size = sizeof soa_lasting - 1},
};

static const struct rrset loopback_rrsets[] = {
    {.type = RRTYPE_A, .count = 1, .ttl = LOOPBACK_TTL, .data = loopback_4, .size = sizeof loopback_4 - 1},
    {.type = RRTYPE_AAAA, .count = 1, .ttl = LOOPBACK_TTL, .data = loopback_6, .size = sizeof loopback_6 - 1},
};

const struct rrset *special_soa(bool is_lasting)
{
    return &soa_rrsets[is_lasting ? 1 : 0];
}

const struct rrset *special_loopback(uint16_t type)
{
    for (size_t i = 0; i < sizeof loopback_rrsets / sizeof loopback_rrsets[0]; i++)
        if (loopback_rrsets[i].type == type)
            return &loopback_rrsets[i];
    return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Every type that ldns knows and that may be zone data: text to octets and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/entry.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rdata_field.h"
#include "zones/rdata_text.h"
#include "zones/zonefile.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 4096

struct row {
    const char *type;
    uint16_t number;
    const char *text;  /* in the file; the origin is o. */
    const char *print; /* NULL: the same */
    const char *hex;   /* NULL: not looked at */
};

static const struct row rows[] = {
    {"A", 1, "192.0.2.1", NULL, "c0000201"},
    {"NS", 2, "ns.o.", NULL, "026e73016f00"},
    {"MD", 3, "a.", NULL, NULL},
    {"MF", 4, "a.", NULL, NULL},
    {"CNAME", 5, "a.b.", NULL, "0161016200"},
    {"SOA", 6, "a. b. 1 2 3 4 5", NULL, "0161000162000000000100000002000000030000000400000005"},
    {"MB", 7, "a.", NULL, NULL},
    {"MG", 8, "a.", NULL, NULL},
    {"MR", 9, "a.", NULL, NULL},
    {"WKS", 11, "192.0.2.1 6 25 80", NULL, "c0000201060000004000000000000080"},
    {"PTR", 12, "a.", NULL, "016100"},
    {"HINFO", 13, "\"PC\" \"Linux\"", NULL, "025043054c696e7578"},
    {"MINFO", 14, "a. b.", NULL, NULL},
    {"MX", 15, "10 a.", NULL, "000a016100"},
    {"TXT", 16, "\"a\" \"\" \"b c\"", NULL, "01610003622063"},
    {"RP", 17, "a. b.", NULL, "016100016200"},
    {"AFSDB", 18, "1 a.", NULL, NULL},
    {"X25", 19, "\"311061700956\"", NULL, NULL},
    {"ISDN", 20, "\"150862028003217\" \"004\"", NULL, NULL},
    {"RT", 21, "1 a.", NULL, NULL},
    {"NSAP", 22, "0x47000580005a0000000001e133ffffff00016200", NULL, NULL},
    {"NSAP-PTR", 23, "a.", NULL, NULL},
    {"SIG", 24, "A 5 2 300 20300101000000 20200101000000 12345 o. AwEAAQ==", NULL, NULL},
    {"KEY", 25, "256 3 5 AQID", NULL, NULL},
    {"PX", 26, "10 a. b.", NULL, NULL},
    {"GPOS", 27, "\"-32.6882\" \"116.8652\" \"10.0\"", NULL, NULL},
    {"AAAA", 28, "2001:db8::1", NULL, "20010db8000000000000000000000001"},
    {"LOC", 29, "52 22 23.000 N 04 53 32.000 E -2m 0.00m 10000m 10m", NULL, NULL},
    {"EID", 31, "0102", NULL, NULL},
    {"NIMLOC", 32, "0102", NULL, NULL},
    {"SRV", 33, "1 2 3 a.", NULL, "000100020003016100"},
    {"ATMA", 34, "39246f000e7c9c031200010001000012345678", NULL, NULL},
    {"NAPTR", 35, "100 50 \"s\" \"z3950+I2L\" \"\" a.", NULL, "006400320173097a333935302b49324c00016100"},
    {"KX", 36, "10 a.", NULL, NULL},
    {"CERT", 37, "1 2 5 AQID", NULL, NULL},
    {"DNAME", 39, "a.", NULL, "016100"},
    {"SINK", 40, "1", NULL, NULL},
    {"APL", 42, "1:192.0.2.0/24 !2:2001:db8::/32", "1:192.0.2.0/24 !2:2001:0db8:0000:0000:0000:0000:0000:0000/32",
     NULL},
    {"APL", 42, "", NULL, NULL},
    {"DS", 43, "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118", NULL,
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"SSHFP", 44, "1 2 d2ab", NULL, "0102d2ab"},
    {"IPSECKEY", 45, "10 1 2 192.0.2.38 AQNRU3mG", NULL, NULL},
    {"IPSECKEY", 45, "10 3 2 gw AQNRU3mG", "10 3 2 gw.o. AQNRU3mG", "0a0302026777016f00010351537986"},
    {"IPSECKEY", 45, "10 0 2 . AQNRU3mG", NULL, NULL},
    {"IPSECKEY", 45, "10 2 2 2001:db8::1 AQNRU3mG", NULL, NULL},
    {"RRSIG", 46, "A 8 2 300 20300101000000 20200101000000 12345 o. AwEAAQ==", NULL, NULL},
    {"NSEC", 47, "a. A NS TYPE1234", NULL, NULL},
    {"DNSKEY", 48, "256 3 8 AwEA AQ==", "256 3 8 AwEAAQ==", NULL},
    {"DHCID", 49, "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", NULL, NULL},
    {"NSEC3", 50, "1 0 10 - 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG", NULL, NULL},
    {"NSEC3", 50, "1 0 10 aabb 2vptu5timamqttgl4luu9kg21e0aor3s", NULL, NULL},
    {"NSEC3PARAM", 51, "1 0 10 -", NULL, NULL},
    {"NSEC3PARAM", 51, "1 0 10 aabb", NULL, NULL},
    {"TLSA", 52, "3 1 1 d2ab", NULL, "030101d2ab"},
    {"SMIMEA", 53, "3 1 1 d2ab", NULL, NULL},
    {"HIP", 55, "2 200100107b1a74df365639cc39f1d578 AwEAAQ== rvs1",
     "2 200100107b1a74df365639cc39f1d578 AwEAAQ== rvs1.o.", NULL},
    {"HIP", 55, "2 2001 AwEAAQ==", NULL, "02020004200103010001"},
    {"TALINK", 58, "a. b.", NULL, NULL},
    {"CDS", 59, "0 0 0 00", NULL, NULL},
    {"CDNSKEY", 60, "0 3 0 AA==", NULL, NULL},
    {"OPENPGPKEY", 61, "AQID", NULL, NULL},
    {"CSYNC", 62, "66 3 A NS AAAA", NULL, NULL},
    {"ZONEMD", 63, "2018031500 1 1 616c6c6f", NULL, NULL},
    {"SVCB", 64, "1 a. alpn=h2", NULL, "000101610000010003026832"},
    {"HTTPS", 65, "1 . alpn=h2,h3 port=443", NULL, "000100000100060268320268330003000201bb"},
    {"SVCB", 64, "1 a. key7=\"/q{;(c)\"", "\\# 16 0001016100000700072f717b3b286329", NULL},
    {"HTTPS", 65, "2 . key65400=\"a b\"", NULL, "000200ff780003612062"},
    {"SPF", 99, "\"v=spf1 -all\"", NULL, NULL},
    {"NID", 104, "10 0014:4fff:ff20:ee64", NULL, NULL},
    {"L32", 105, "10 10.1.2.0", NULL, NULL},
    {"L64", 106, "10 2001:0db8:1140:1000", NULL, NULL},
    {"LP", 107, "10 a.", NULL, NULL},
    {"EUI48", 108, "00-00-5e-00-53-2a", NULL, NULL},
    {"EUI64", 109, "00-00-5e-ef-10-00-00-2a", NULL, NULL},
    {"URI", 256, "10 1 \"ftp://ftp1.example.com/public\"", NULL, NULL},
    {"CAA", 257, "0 issue \"ca.example\"", NULL, "0005697373756563612e6578616d706c65"},
    {"CAA", 257, "0 issue ca.example", "0 issue \"ca.example\"", NULL},
    {"CAA", 257, "128 iodef \"\"", NULL, NULL},
    {"DLV", 32769, "60485 5 1 2bb183af", NULL, NULL},
    {"NULL", 10, "\\# 1 00", NULL, NULL},
    {"A6", 38, "\\# 2 0000", NULL, NULL},
    {"NXT", 30, "\\# 2 0040", NULL, NULL},
    {"DS", 43, "1 RSASHA256 2 aa", "1 8 2 aa", NULL},
    {"DNSKEY", 48, "256 3 RSASHA256 AwEAAQ==", "256 3 8 AwEAAQ==", NULL},
    {"TLSA", 52, "DANE-EE SPKI SHA2-256 d2ab", "3 1 1 d2ab", NULL},
    {"CERT", 37, "PKIX 2 RSASHA1 AQID", "1 2 5 AQID", NULL},
    {"TYPE65400", 65400, "\\# 3 0a0b0c", NULL, "0a0b0c"},
    {"TYPE65400", 65400, "\\# 0", NULL, ""},
    {"type65400", 65400, "\\# 3 0A 0b0C", "\\# 3 0a0b0c", "0a0b0c"},
    {"TYPE1", 1, "192.0.2.1", NULL, "c0000201"},
    {"a", 1, "\\# 4 c0000201", "192.0.2.1", "c0000201"},
};

static const uint8_t origin[] = {1, 'o', 0};

static enum status read_words(uint16_t type, const char *text, struct bytes *out)
{
    struct diag diag;
    struct entry_reader reader;
    struct entry entry;
    struct rdata_fault fault;
    char line[TEXT_MAX + 128];
    diag_init(&diag);
    snprintf(line, sizeof line, "TYPE %s", text); /* a word in front, since an entry has at least one */
    entry_reader_init(&reader, line, strlen(line));
    enum status status = entry_next(&reader, NULL, &entry, &diag);
    if (status == STATUS_OK) {
        status = rdata_from_entry(type, &entry, 1, origin, out, &fault);
    }
    entry_reader_clear(&reader);
    diag_clear(&diag);
    return status;
}

static void to_hex(const struct bytes *bytes, char *hex)
{
    hex[0] = '\0';
    for (size_t i = 0; i < bytes->size; i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes->data[i]);
    }
}

static void check_row(const struct row *row)
{
    char text[TEXT_MAX];
    char hex[TEXT_MAX];
    struct bytes out;
    bytes_init(&out, RRSET_RDATA_MAX);
    uint16_t type = rrtype_from_text(row->type, strlen(row->type));
    assert_int_equal(type, row->number);
    if (read_words(type, row->text, &out) != STATUS_OK) {
        fail_msg("%s %s: not read", row->type, row->text);
    }
    to_hex(&out, hex);
    if (row->hex != NULL && strcmp(hex, row->hex) != 0) {
        fail_msg("%s %s: octets %s, wanted %s", row->type, row->text, hex, row->hex);
    }
    struct rdata rdata = {.bytes = out.data, .size = (uint16_t)out.size};
    assert_int_equal(zonefile_rdata_to_text(type, &rdata, text, sizeof text), STATUS_OK);
    const char *wanted = row->print == NULL ? row->text : row->print;
    if (strcmp(text, wanted) != 0) {
        fail_msg("%s: printed %s, wanted %s", row->type, text, wanted);
    }
    assert_int_equal(zonefile_rdata_to_text(type, &rdata, text, strlen(wanted)), STATUS_TOO_LARGE);
    assert_int_equal(zonefile_rdata_to_text(type, &rdata, text, strlen(wanted) + 1), STATUS_OK);

    char unknown[TEXT_MAX + 64];
    snprintf(unknown, sizeof unknown, "\\# %zu %s", out.size, hex);
    if (read_words(type, unknown, &out) != STATUS_OK) {
        fail_msg("%s %s: not read", row->type, unknown);
    }
    char again[TEXT_MAX];
    to_hex(&out, again);
    assert_string_equal(again, hex);
    bytes_clear(&out);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

/* Names of types, both ways, over all numbers. */
static void test_type_names(void **state)
{
    (void)state;
    for (uint32_t type = 1; type <= UINT16_MAX; type++) {
        char text[RRTYPE_TEXT_MAX];
        rrtype_to_text((uint16_t)type, text);
        if (rrtype_from_text(text, strlen(text)) != type) {
            fail_msg("type %u is written %s and read as %u", type, text, rrtype_from_text(text, strlen(text)));
        }
        snprintf(text, sizeof text, "type%u", type);
        assert_int_equal(rrtype_from_text(text, strlen(text)), type);
    }
    static const char *const none[] = {"",
                                       "X",
                                       "TYPE",
                                       "TYPE0",
                                       "TYPE65536",
                                       "TYPE1x",
                                       "TYPE-1",
                                       "AA",
                                       "MXX",
                                       "*",
                                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(rrtype_from_text(none[i], strlen(none[i])), 0);
    }
    assert_int_equal(rrtype_from_text("aaaax", 4), RRTYPE_AAAA);
}

/* Octets that are not RDATA of their type do not print. */
static void test_bad_octets(void **state)
{
    static const struct {
        uint16_t type;
        uint16_t size;
        const char *octets;
    } bad[] = {
        {RRTYPE_A, 3, "\1\2\3"},
        {RRTYPE_A, 5, "\1\2\3\4\5"},
        {RRTYPE_A, 0, ""},
        {RRTYPE_AAAA, 4, "\1\2\3\4"},
        {RRTYPE_NS, 2, "\1a"},
        {RRTYPE_NS, 2, "\300\0"},
        {RRTYPE_NS, 4, "\1a\0x"},
        {RRTYPE_TXT, 0, ""},
        {RRTYPE_TXT, 2, "\5a"},
        {RRTYPE_SOA, 4, "\0\0\0\0"},
        {RRTYPE_RRSIG, 3, "\0\1\5"},
        {RRTYPE_NSEC, 3, "\0\0\1"},
        {RRTYPE_NSEC, 4, "\300\0\0\1"},
        {RRTYPE_NSEC3, 4, "\1\0\0\1"},
        {RRTYPE_NSEC3, 6, "\1\0\0\1\5a"},
        {RRTYPE_HTTPS, 2, "\0\1"},
        {RRTYPE_HTTPS, 5, "\0\1\0\0\1"},
        {RRTYPE_HTTPS, 7, "\0\1\0\0\3\0\0"},
        {RRTYPE_HTTPS, 4, "\0\1\300\0"},
        {45, 2, "\1\1"},
        {45, 5, "\1\3\2\300\0"},
        {55, 4, "\5\1\0\5"},
        {42, 4, "\0\1\41\0"},
        {257, 2, "\0\5"},
    };
    char text[TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct rdata rdata = {.bytes = (const uint8_t *)bad[i].octets, .size = bad[i].size};
        if (zonefile_rdata_to_text(bad[i].type, &rdata, text, sizeof text) != STATUS_BAD_INPUT) {
            fail_msg("row %zu of type %u prints %s", i, bad[i].type, text);
        }
    }
}

/* The longest RDATA, and one octet more. */
static void test_longest(void **state)
{
    size_t size = 4 * (size_t)RRSET_RDATA_MAX;
    char *text = memory_alloc(size);
    struct bytes out;
    struct diag diag;
    struct entry entry;
    struct rdata_fault fault;
    (void)state;
    assert_non_null(text);
    for (int extra = 0; extra < 2; extra++) {
        struct entry_reader reader;
        size_t used = (size_t)snprintf(text, size, "\\# %d ", RRSET_RDATA_MAX);
        memset(text + used, '0', 2 * (size_t)(RRSET_RDATA_MAX + extra));
        bytes_init(&out, RRSET_RDATA_MAX);
        diag_init(&diag);
        entry_reader_init(&reader, text, used + 2 * (size_t)(RRSET_RDATA_MAX + extra));
        assert_int_equal(entry_next(&reader, NULL, &entry, &diag), STATUS_OK);
        enum status wanted = extra == 0 ? STATUS_OK : STATUS_BAD_INPUT;
        assert_int_equal(rdata_from_entry(65400, &entry, 0, origin, &out, &fault), wanted);
        entry_reader_clear(&reader);
        bytes_clear(&out);
        diag_clear(&diag);
    }
    memory_free(text);
}

/* ---- the short way for common types ---- */

/* Read the words both ways: all that comes out must be the same. */
static void expect_same_ways(uint16_t type, const char *text)
{
    struct rdata_fault faults[2] = {{0, NULL}, {0, NULL}};
    struct bytes outs[2];
    struct entry_reader reader;
    struct entry entry;
    struct diag diag;

    diag_init(&diag);
    bytes_init(&outs[0], RRSET_RDATA_MAX);
    bytes_init(&outs[1], RRSET_RDATA_MAX);
    entry_reader_init(&reader, text, strlen(text));
    if (entry_next(&reader, NULL, &entry, &diag) == STATUS_OK && entry.token_count > 0) {
        const enum status status = rdata_from_entry(type, &entry, 0, origin, &outs[0], &faults[0]);
        assert_int_equal(status, rdata_any_from_entry(type, &entry, 0, origin, &outs[1], &faults[1]));
        if (status == STATUS_OK) {
            assert_int_equal(outs[0].size, outs[1].size);
            assert_memory_equal(outs[0].data, outs[1].data, outs[0].size);
        } else {
            assert_int_equal(faults[0].word, faults[1].word);
            assert_ptr_equal(faults[0].wanted, faults[1].wanted);
        }
    }
    entry_reader_clear(&reader);
    bytes_clear(&outs[0]);
    bytes_clear(&outs[1]);
    diag_clear(&diag);
}

static const uint16_t common_types[] = {1, 28, 5, 2, 12, 15, 33, 16, 39};
static const char *const common_words[] = {"192.0.2.1",
                                           "0.0.0.0",
                                           "255.255.255.255",
                                           "256.1.1.1",
                                           "01.2.3.4",
                                           "1.2.3",
                                           "1.2.3.4.5",
                                           "1.2.3.4.",
                                           "2001:db8::1",
                                           "::ffff:1.2.3.4",
                                           "::",
                                           ":::",
                                           "g::",
                                           "10",
                                           "65535",
                                           "65536",
                                           "-1",
                                           "+1",
                                           "0x10",
                                           "00010",
                                           "a",
                                           "a.",
                                           "a.b.o.",
                                           "@",
                                           ".",
                                           "..",
                                           "a..b",
                                           "\\097.b",
                                           "\\# 4 c0000201",
                                           "\\#",
                                           "\\1",
                                           "\"q\"",
                                           "\"\"",
                                           "*.x",
                                           "xn--a",
                                           "1.2.3.4 ;c",
                                           "(10",
                                           ")",
                                           "a234567890123456789012345678901234567890123456789012345678901234"};

static void test_common_ways(void **state)
{
    const size_t words = sizeof common_words / sizeof common_words[0];
    const size_t types = sizeof common_types / sizeof common_types[0];
    uint32_t random = 20261120;
    (void)state;

    for (unsigned round = 0; round < 30000; round++) {
        char text[512] = "";
        size_t used = 0;
        random = random * 1664525 + 1013904223;
        const unsigned count = 1 + (random >> 28) % 5;
        for (unsigned i = 0; i < count; i++) {
            random = random * 1664525 + 1013904223;
            /* Rows alone first, then mixed. */
            const size_t word = round < words ? round : (random >> 16) % words;
            used += (size_t)snprintf(text + used, sizeof text - used, "%s ", common_words[word]);
            if (round < words)
                break;
        }
        for (size_t i = 0; i < types; i++)
            expect_same_ways(common_types[i], text);
    }
}

/* Addresses are read as inet_pton reads them. */
static void test_addresses(void **state)
{
    static const char letters[] = "0123456789..0125 a";
    uint32_t random = 4711;
    (void)state;

    for (unsigned round = 0; round < 200000; round++) {
        char text[20];
        uint8_t wanted[4] = {0};
        struct bytes out;
        const char *why;
        size_t size = 0;
        random = random * 1664525 + 1013904223;
        const uint32_t parts = random;
        if (round % 2 == 0) {
            size = (size_t)snprintf(text, sizeof text, "%u.%u.%u.%u", parts >> 23, parts >> 14 & 511, parts >> 8 & 63,
                                    parts >> 4 & 15);
        }
        for (unsigned i = 0; i < 1 + round % 3 || size == 0; i++) {
            random = random * 1664525 + 1013904223;
            const size_t place = size == 0 ? 0 : (random >> 8) % size;
            text[place] = letters[(random >> 20) % (sizeof letters - 1)];
            size = size == 0 ? 1 : size;
        }
        text[size] = '\0';
        bytes_init(&out, 4);
        const bool good = inet_pton(AF_INET, text, wanted) == 1;
        const struct rdata_word word = {.text = text, .size = size};
        assert_int_equal(field_from_word(FIELD_A, word, origin, &out, &why) == STATUS_OK, good);
        if (good)
            assert_memory_equal(out.data, wanted, sizeof wanted);
        bytes_clear(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_type_names),  cmocka_unit_test(test_bad_octets),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_common_ways), cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/reply_fixture.h"

#include "policy/policy.h"
#include "resolver/message.h"
#include "resolver/reply_rdata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA  "ns example. 900 IN SOA ns.example. h.example. 7 2 3 4 60\n"
#define SIG_ " 13 2 300 20400101000000 20200101000000 1 example. AAAA\n"

static const struct scrub_case {
    const char *title;
    const char *question;
    const char *reply;
    const char *kept; /* as text; NULL: the verdict is not GOOD */
    enum reply_verdict verdict;
    uint32_t ttl;
    int extended_error; /* 0: none, since 0 is "other" and never made here */
} scrub_cases[] = {
    {"an address", "www.example A", "NOERROR aa\nan www.example. 300 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300, 0},
    {"doubles go, the least TTL holds", "www.example A",
     "NOERROR\nan www.example. 300 IN A 192.0.2.2\nan WWW.example. 30 IN A 192.0.2.1\n"
     "an www.example. 60 IN A 192.0.2.2\n",
     "NOERROR answer\nanswer www.example. 30 A 192.0.2.2\nanswer www.example. 30 A 192.0.2.1\n", REPLY_GOOD, 30, 0},
    {"TTLs are cut", "www.example A", "NOERROR\nan www.example. 900000 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 86400 A 192.0.2.1\n", REPLY_GOOD, 86400, 0},
    {"a TTL with the top bit is 0", "www.example A", "NOERROR\nan www.example. 2147483648 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 0 A 192.0.2.1\n", REPLY_GOOD, 0, 0},
    {"other classes go", "www.example A",
     "NOERROR\nan www.example. 300 CH A 192.0.2.9\nan www.example. 300 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300, 0},
    {"a chain in any order", "www.example A",
     "NOERROR\nan c.example. 20 IN A 192.0.2.1\nan b.example. 300 IN CNAME c.example.\n"
     "an www.example. 300 IN CNAME b.example.\n",
     "NOERROR answer\nanswer www.example. 300 CNAME b.example.\nanswer b.example. 300 CNAME c.example.\n"
     "answer c.example. 20 A 192.0.2.1\n",
     REPLY_GOOD, 20, 0},
    {"a chain into another zone", "www.example A",
     "NOERROR\nan www.example. 300 IN CNAME x.cdn.test.\nan x.cdn.test. 300 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 300 CNAME x.cdn.test.\nanswer x.cdn.test. 300 A 192.0.2.1\n", REPLY_GOOD, 300,
     0},
    {"poison: an address nobody asked for", "www.example A",
     "NOERROR\nan www.example. 300 IN A 192.0.2.1\nan www.bank.test. 86400 IN A 198.51.100.6\n",
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300, 0},
    {"poison: name servers and glue for the whole zone", "x1.example A",
     "NOERROR aa\nan x1.example. 300 IN A 192.0.2.1\nns example. 86400 IN NS www.example.\n"
     "ar www.example. 86400 IN A 198.51.100.6\n",
     "NOERROR answer\nanswer x1.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300, 0},
    {"poison: a denial that brings a delegation of everything", "x2.example A",
     "NXDOMAIN aa\n" SOA "ns . 86400 IN NS ns.evil.test.\nar ns.evil.test. 86400 IN A 198.51.100.6\n",
     "NXDOMAIN nxdomain\nauthority example. 60 SOA ns.example. h.example. 7 2 3 4 60\n", REPLY_GOOD, 60, 0},
    {"poison: data beside a CNAME, and its target's with another name", "www.example A",
     "NOERROR\nan www.example. 300 IN CNAME b.example.\nan www.example. 300 IN A 198.51.100.6\n"
     "an a.b.example. 300 IN A 198.51.100.7\nan b.example. 300 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 300 CNAME b.example.\nanswer b.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300,
     0},
    {"poison: a SOA that is not above the name", "www.example A",
     "NXDOMAIN\nns bank.test. 900 IN SOA a. b. 1 2 3 4 900\n", "NXDOMAIN nxdomain\n", REPLY_GOOD, 0, 0},
    {"poison: the answer in the wrong section", "www.example A",
     "NOERROR aa\nar www.example. 300 IN A 198.51.100.6\nns www.example. 300 IN A 198.51.100.6\n", "NOERROR nodata\n",
     REPLY_GOOD, 0, 0},
    {"two CNAMEs", "www.example A",
     "NOERROR\nan www.example. 300 IN CNAME b.example.\nan www.example. 300 IN CNAME c.example.\n", NULL,
     REPLY_MALFORMED, 0, 0},
    {"a CNAME asked for leads nowhere", "www.example CNAME",
     "NOERROR\nan www.example. 300 IN CNAME b.example.\nan b.example. 300 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer www.example. 300 CNAME b.example.\n", REPLY_GOOD, 300, 0},
    {"a loop ends", "a.example A",
     "NOERROR\nan a.example. 300 IN CNAME b.example.\nan b.example. 300 IN CNAME A.example.\n",
     "NOERROR nodata\nanswer a.example. 300 CNAME b.example.\nanswer b.example. 300 CNAME A.example.\n", REPLY_GOOD,
     300, 0},
    {"a chain that upstream did not finish", "a.example A", "NOERROR aa\nan a.example. 300 IN CNAME x.test.\n",
     "NOERROR nodata\nanswer a.example. 300 CNAME x.test.\n", REPLY_GOOD, 300, 0},
    {"a DNAME and its CNAME", "a.b.example A",
     "NOERROR\nan a.b.example. 0 IN CNAME a.c.test.\nan b.example. 300 IN DNAME c.test.\nan a.c.test. 200 IN A "
     "192.0.2.1\n",
     "NOERROR answer\nanswer b.example. 300 DNAME c.test.\nanswer a.b.example. 300 CNAME a.c.test.\n"
     "answer a.c.test. 200 A 192.0.2.1\n",
     REPLY_GOOD, 200, 0},
    {"a DNAME whose CNAME is missing", "a.b.example A",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\nan a.c.test. 200 IN A 192.0.2.1\n",
     "NOERROR answer\nanswer b.example. 300 DNAME c.test.\nanswer a.b.example. 300 CNAME a.c.test.\n"
     "answer a.c.test. 200 A 192.0.2.1\n",
     REPLY_GOOD, 200, 0},
    {"poison: a CNAME that does not follow from its DNAME", "a.b.example A",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\nan a.b.example. 300 IN CNAME a.evil.test.\n", NULL, REPLY_MALFORMED,
     0, 0},
    {"a DNAME that feeds itself ends", "a.b.example A", "NOERROR\nan b.example. 300 IN DNAME b.b.example.\n", NULL,
     REPLY_GOOD, 300, 0},
    {"a DNAME at the name says nothing of it", "b.example A", "NOERROR\nan b.example. 300 IN DNAME c.test.\n" SOA,
     "NOERROR nodata\nauthority example. 60 SOA ns.example. h.example. 7 2 3 4 60\n", REPLY_GOOD, 60, 0},
    {"the CNAME that a DNAME made, asked for", "a.b.example CNAME",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\nan a.b.example. 300 IN CNAME a.c.test.\n",
     "NOERROR answer\nanswer b.example. 300 DNAME c.test.\nanswer a.b.example. 300 CNAME a.c.test.\n", REPLY_GOOD, 300,
     0},
    {"the CNAME that a DNAME makes, asked for as CNAME and left out", "a.b.example CNAME",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\n",
     "NOERROR answer\nanswer b.example. 300 DNAME c.test.\nanswer a.b.example. 300 CNAME a.c.test.\n", REPLY_GOOD, 300,
     0},
    {"the CNAME that a DNAME makes, asked for as ANY and left out", "a.b.example ANY",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\n",
     "NOERROR answer\nanswer b.example. 300 DNAME c.test.\nanswer a.b.example. 300 CNAME a.c.test.\n", REPLY_GOOD, 300,
     0},
    {"of two DNAMEs above the name the deeper", "x.a.b.example CNAME",
     "NOERROR\nan b.example. 300 IN DNAME c.test.\nan a.b.example. 300 IN DNAME d.test.\n",
     "NOERROR answer\nanswer a.b.example. 300 DNAME d.test.\nanswer x.a.b.example. 300 CNAME x.d.test.\n", REPLY_GOOD,
     300, 0},
    {"YXDOMAIN without a DNAME", "a.example A", "YXDOMAIN\n", NULL, REPLY_FAILED, 0, 0},
    {"no data: the SOA's minimum", "www.example AAAA", "NOERROR aa\n" SOA,
     "NOERROR nodata\nauthority example. 60 SOA ns.example. h.example. 7 2 3 4 60\n", REPLY_GOOD, 60, 0},
    {"no data: the SOA's TTL", "www.example AAAA", "NOERROR\nns example. 20 IN SOA a. b. 7 2 3 4 60\n",
     "NOERROR nodata\nauthority example. 20 SOA a. b. 7 2 3 4 60\n", REPLY_GOOD, 20, 0},
    {"no data: an hour at most", "www.example AAAA", "NOERROR\nns example. 90000 IN SOA a. b. 7 2 3 4 90000\n",
     "NOERROR nodata\nauthority example. 3600 SOA a. b. 7 2 3 4 90000\n", REPLY_GOOD, 3600, 0},
    {"a chain to a name that does not exist", "www.example A",
     "NXDOMAIN\nan www.example. 300 IN CNAME b.test.\nns test. 900 IN SOA a. b. 7 2 3 4 60\n" SOA,
     "NXDOMAIN nxdomain\nanswer www.example. 300 CNAME b.test.\nauthority test. 60 SOA a. b. 7 2 3 4 60\n", REPLY_GOOD,
     60, 0},
    {"data that do not exist", "www.example A", "NXDOMAIN\nan www.example. 300 IN A 192.0.2.1\n" SOA, NULL,
     REPLY_MALFORMED, 0, 0},
    {"a referral is lame", "www.example A", "NOERROR\nns example. 300 IN NS ns.example.\n", NULL, REPLY_FAILED, 0, 0},
    {"an authority's own NS beside nothing", "www.example A", "NOERROR aa\nns example. 300 IN NS ns.example.\n",
     "NOERROR nodata\n", REPLY_GOOD, 0, 0},
    {"nothing at all", "www.example A", "NOERROR ra\n", "NOERROR nodata\n", REPLY_GOOD, 0, 0},
    {"signatures go without DO", "www.example A",
     "NOERROR\nan www.example. 300 IN A 192.0.2.1\nan www.example. 300 IN RRSIG A" SIG_,
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\n", REPLY_GOOD, 300, 0},
    {"signatures come with DO, of what is kept", "www.example A do",
     "NOERROR\nan www.example. 300 IN RRSIG TXT" SIG_ "an www.example. 900 IN RRSIG A" SIG_
     "an www.example. 300 IN A 192.0.2.1\nan x.example. 300 IN RRSIG A" SIG_,
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\n"
     "answer www.example. 300 RRSIG A 13 2 300 20400101000000 20200101000000 1 example. AAAA\n",
     REPLY_GOOD, 300, 0},
    {"proofs come with DO, if a zone of the chain signed them", "www.example A do",
     "NXDOMAIN\n" SOA "ns example. 900 IN RRSIG SOA" SIG_ "ns w.example. 60 IN NSEC y.example. A RRSIG NSEC\n"
     "ns w.example. 60 IN RRSIG NSEC" SIG_ "ns z.example. 60 IN NSEC zz.example. A\n"
     "ns w.test. 60 IN NSEC y.test. A\nns w.test. 60 IN RRSIG NSEC 13 2 300 20400101000000 20200101000000 1 test. "
     "AAAA\n",
     "NXDOMAIN nxdomain\nauthority example. 60 SOA ns.example. h.example. 7 2 3 4 60\n"
     "authority example. 60 RRSIG SOA 13 2 300 20400101000000 20200101000000 1 example. AAAA\n"
     "authority w.example. 60 NSEC y.example. A RRSIG NSEC\n"
     "authority w.example. 60 RRSIG NSEC 13 2 300 20400101000000 20200101000000 1 example. AAAA\n",
     REPLY_GOOD, 60, 0},
    {"a signature asked for, at an alias", "www.example RRSIG",
     "NOERROR\nan www.example. 300 IN CNAME b.example.\nan www.example. 300 IN RRSIG CNAME" SIG_,
     "NOERROR answer\nanswer www.example. 300 RRSIG CNAME 13 2 300 20400101000000 20200101000000 1 example. AAAA\n",
     REPLY_GOOD, 300, 0},
    {"ANY: what belongs to the name", "www.example ANY",
     "NOERROR\nan www.example. 300 IN A 192.0.2.1\nan x.example. 300 IN A 192.0.2.3\nan www.example. 300 IN TXT \"t\"\n"
     "an www.example. 300 IN A 192.0.2.2\n",
     "NOERROR answer\nanswer www.example. 300 A 192.0.2.1\nanswer www.example. 300 A 192.0.2.2\n"
     "answer www.example. 300 TXT \"t\"\n",
     REPLY_GOOD, 300, 0},
    {"rebinding: a private address", "www.example A",
     "NOERROR\nan www.example. 300 IN A 192.0.2.1\nan www.example. 300 IN A 10.1.2.3\n", "NOERROR nodata\n", REPLY_GOOD,
     300, 17},
    {"rebinding: at the end of a chain", "www.example AAAA",
     "NOERROR\nan www.example. 300 IN CNAME b.test.\nan b.test. 200 IN AAAA fd00::1\n",
     "NOERROR nodata\nanswer www.example. 300 CNAME b.test.\n", REPLY_GOOD, 200, 17},
    {"rebinding: a hint", "www.example HTTPS", "NOERROR\nan www.example. 300 IN HTTPS 1 . ipv4hint=192.168.0.1\n",
     "NOERROR nodata\n", REPLY_GOOD, 300, 17},
    {"rebinding: allowed by the route", "www.example A private", "NOERROR\nan www.example. 300 IN A 10.1.2.3\n",
     "NOERROR answer\nanswer www.example. 300 A 10.1.2.3\n", REPLY_GOOD, 300, 0},
    {"rebinding: 0.0.0.0, and one of ANY", "www.example ANY",
     "NOERROR\nan www.example. 300 IN A 0.0.0.0\nan www.example. 300 IN TXT \"t\"\n",
     "NOERROR answer\nanswer www.example. 300 TXT \"t\"\n", REPLY_GOOD, 300, 17},
    {"upstream's words", "www.example A", "NXDOMAIN\n" SOA "ede 15\n",
     "NXDOMAIN nxdomain\nauthority example. 60 SOA ns.example. h.example. 7 2 3 4 60\n", REPLY_GOOD, 60, 15},
};

static void check_case(const struct scrub_case *scrub_case, struct reply_fixture *fixture)
{
    struct cached *cached;
    reply_fixture_init(fixture, scrub_case->question, scrub_case->reply);
    enum reply_verdict verdict =
        reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 5000, &cached);
    assert_int_equal(verdict, scrub_case->verdict);
    assert_true((cached != NULL) == (verdict == REPLY_GOOD));
    if (cached == NULL)
        return;
    assert_int_equal(cached->ttl, scrub_case->ttl);
    assert_int_equal(cached->extended_error, scrub_case->extended_error == 0 ? -1 : scrub_case->extended_error);
    char *text = reply_fixture_text(cached, fixture->name, 5000);
    if (scrub_case->kept != NULL)
        assert_string_equal(text, scrub_case->kept);
    free(text);
    cached_release(cached);
}

static void what_does_not_answer_goes(void **state)
{
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    (void)state;
    for (size_t i = 0; i < sizeof scrub_cases / sizeof scrub_cases[0]; i++) {
        print_message("# %s\n", scrub_cases[i].title);
        check_case(&scrub_cases[i], fixture);
    }
    free(fixture);
}

/* ---- messages that are damaged, octet by octet ---- */

/* A question for a.b A with ID 1, and its answer's start. */
#define HEAD(an, ns, ar) "0001 8180 0001 000" an " 000" ns " 000" ar " 0161016200 0001 0001 "

static const struct wire_case {
    const char *title;
    const char *hex; /* blanks do not count */
    enum reply_verdict verdict;
} wire_cases[] = {
    {"whole", HEAD("1", "0", "0") "c00c 0001 0001 0000012c 0004 c0000201", REPLY_GOOD},
    {"octets behind the end", HEAD("1", "0", "0") "c00c 0001 0001 0000012c 0004 c0000201 00", REPLY_MALFORMED},
    {"cut off", HEAD("1", "0", "0") "c00c 0001 0001 0000012c 0004 c00002", REPLY_MALFORMED},
    {"a record less than told", HEAD("2", "0", "0") "c00c 0001 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"an A of 3", HEAD("1", "0", "0") "c00c 0001 0001 0000012c 0003 c00002", REPLY_MALFORMED},
    {"an A of 5, in the additional section", HEAD("0", "0", "1") "c00c 0001 0001 0000012c 0005 c000020100",
     REPLY_MALFORMED},
    {"an AAAA of 4", HEAD("1", "0", "0") "c00c 001c 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"a pointer to itself", HEAD("1", "0", "0") "c015 0001 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"a pointer forward", HEAD("1", "0", "0") "c020 0001 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"a pointer into the header", HEAD("1", "0", "0") "c004 0001 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"a pointer behind labels, to them", HEAD("1", "0", "0") "0161 c015 0001 0001 0000012c 0004 c0000201",
     REPLY_MALFORMED},
    {"label type 01", HEAD("1", "0", "0") "41 0001 0001 0000012c 0004 c0000201", REPLY_MALFORMED},
    {"a CNAME by a pointer", HEAD("1", "0", "0") "c00c 0005 0001 0000012c 0004 0163 c00e", REPLY_GOOD},
    {"a CNAME with an octet behind it", HEAD("1", "0", "0") "c00c 0005 0001 0000012c 0005 0163 c00e 00",
     REPLY_MALFORMED},
    {"a CNAME that runs over its RDATA", HEAD("1", "0", "0") "c00c 0005 0001 0000012c 0003 0163 c00e", REPLY_MALFORMED},
    {"a SRV by a pointer", HEAD("1", "0", "0") "c00c 0021 0001 0000012c 0008 0000 0000 0001 c00e", REPLY_GOOD},
    {"a NAPTR by a pointer", HEAD("1", "0", "0") "c00c 0023 0001 0000012c 0009 0001 0001 00 00 00 c00e", REPLY_GOOD},
    {"an HTTPS by a pointer", HEAD("1", "0", "0") "c00c 0041 0001 0000012c 0004 0001 c00e", REPLY_MALFORMED},
    {"an HTTPS whose keys fall", HEAD("1", "0", "0") "c00c 0041 0001 0000012c 000b 0001 00 0003 0000 0002 0000",
     REPLY_MALFORMED},
    {"an HTTPS with half a hint", HEAD("1", "0", "0") "c00c 0041 0001 0000012c 0009 0001 00 0004 0002 c000",
     REPLY_MALFORMED},
    {"a SOA of 19", HEAD("0", "1", "0") "c00c 0006 0001 0000012c 0015 00 00 00000001 00000001 00000001 00000001 000001",
     REPLY_MALFORMED},
    {"a TXT whose string runs over", HEAD("1", "0", "0") "c00c 0010 0001 0000012c 0002 0261", REPLY_MALFORMED},
    {"an empty TXT", HEAD("1", "0", "0") "c00c 0010 0001 0000012c 0000", REPLY_MALFORMED},
    {"a type nobody knows", HEAD("1", "0", "0") "c00c ff00 0001 0000012c 0003 c00c00", REPLY_GOOD},
    {"two OPT", HEAD("0", "0", "2") "00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", REPLY_MALFORMED},
    {"an OPT with an owner", HEAD("0", "0", "1") "0161 00 0029 04d0 00000000 0000", REPLY_MALFORMED},
    {"an OPT whose option runs over", HEAD("0", "0", "1") "00 0029 04d0 00000000 0005 000f 0002 00", REPLY_MALFORMED},
    {"BADVERS", HEAD("0", "0", "1") "00 0029 04d0 01000000 0000", REPLY_NO_EDNS},
    {"an rcode of 23", "0001 8187 0001 0000 0000 0001 0161016200 0001 0001 00 0029 04d0 01000000 0000", REPLY_FAILED},
};

static size_t from_hex(const char *hex, uint8_t *wire)
{
    size_t digits = 0;
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ')
            continue;
        unsigned value = (unsigned)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
        wire[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : wire[digits / 2] | value);
        digits++;
    }
    return digits / 2;
}

static const struct reply_question question_ab = {
    .id = 1, .name = (const uint8_t *)"\1a\1b", .type = RRTYPE_A, .has_edns = true};
static const struct reply_rules no_rules = {.private_allowed = true};

/* In a block of just its size, so that a sanitizer sees what is read behind the end. */
static enum reply_verdict scrub_copy(const uint8_t *wire, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    struct cached *cached;
    memcpy(copy, wire, size);
    enum reply_verdict verdict = reply_scrub(&question_ab, &no_rules, copy, size, 0, &cached);
    cached_release(cached);
    free(copy);
    return verdict;
}

static void damaged_messages_are_malformed(void **state)
{
    uint8_t wire[512];
    (void)state;
    for (size_t i = 0; i < sizeof wire_cases / sizeof wire_cases[0]; i++) {
        print_message("# %s\n", wire_cases[i].title);
        size_t size = from_hex(wire_cases[i].hex, wire);
        assert_int_equal(scrub_copy(wire, size), wire_cases[i].verdict);
        /* Cut anywhere, none that was whole still is. */
        for (size_t cut = 0; cut < size && wire_cases[i].verdict != REPLY_MALFORMED; cut++)
            assert_int_equal(scrub_copy(wire, cut), REPLY_MALFORMED);
    }
}

/* 127 labels of one octet fill a name; one more, by a pointer, is too long. */
static void long_names_are_malformed(void **state)
{
    uint8_t wire[2048];
    (void)state;
    for (unsigned labels = 126; labels <= 128; labels++) {
        size_t size = from_hex(HEAD("2", "0", "0"), wire);
        size_t start = size;
        wire[size] = wire[size + 1] = 1;
        for (unsigned i = 0; i < 126; i++, size += 2)
            memcpy(wire + size, "\1x", 2);
        size += from_hex("00 0001 0001 0000012c 0004 c0000201", wire + size);
        for (unsigned i = 126; i < labels; i++, size += 2)
            memcpy(wire + size, "\1y", 2);
        size += from_hex("c000 0001 0001 0000012c 0004 c0000201", wire + size);
        write_u16(wire + size - 16, (uint16_t)(0xc000 | start));
        assert_int_equal(scrub_copy(wire, size), labels <= 127 ? REPLY_GOOD : REPLY_MALFORMED);
    }
}

/* ---- is it an answer to this question ---- */

static void only_answers_to_the_question_match(void **state)
{
    static const struct {
        const char *hex;
        enum reply_verdict plain;
        enum reply_verdict exact;
    } cases[] = {
        {"0001 8180 0001 0000 0000 0000 0161016200 0001 0001", REPLY_GOOD, REPLY_GOOD},
        {"0001 8180 0001 0000 0000 0000 0141016200 0001 0001", REPLY_GOOD, REPLY_WRONG_CASE},
        {"0002 8180 0001 0000 0000 0000 0161016200 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 0180 0001 0000 0000 0000 0161016200 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 a180 0001 0000 0000 0000 0161016200 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0002 0000 0000 0000 0161016200 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0001 0000 0000 0000 0161016300 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0001 0000 0000 0000 0161016200 001c 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0001 0000 0000 0000 0161016200 0001 0003", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0001 0000 0000 0000 0161016200 0001 00", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0001 0000 0000 0000 0161c00c 0001 0001", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8180 0000 0000 0000 0000", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8182 0000 0000 0000 0000", REPLY_FOREIGN, REPLY_FOREIGN},
        {"0001 8181 0000 0000 0000 0000", REPLY_NO_EDNS, REPLY_NO_EDNS},
        {"0001 8184 0001 0000 0000 0000 0161016200 0001 0001", REPLY_NO_EDNS, REPLY_NO_EDNS},
        {"0001 8182 0001 0000 0000 0000 0161016200 0001 0001", REPLY_FAILED, REPLY_FAILED},
        {"0001 8385 0001 0000 0000 0000 0161016200 0001 0001", REPLY_FAILED, REPLY_FAILED},
        {"0001 8380 0001 0000 0000 0000 0161016200 0001 0001", REPLY_TRUNCATED, REPLY_TRUNCATED},
        {"0001 8183 0001 0000 0000 0000 0161016200 0001 0001", REPLY_GOOD, REPLY_GOOD},
        {"0001", REPLY_FOREIGN, REPLY_FOREIGN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t wire[64];
        size_t size = from_hex(cases[i].hex, wire);
        struct reply_question question = question_ab;
        print_message("# %s\n", cases[i].hex);
        assert_int_equal(reply_match(&question, wire, size), cases[i].plain);
        question.exact_case = true;
        assert_int_equal(reply_match(&question, wire, size), cases[i].exact);
        question.has_edns = false;
        if (cases[i].exact == REPLY_NO_EDNS)
            assert_int_equal(reply_match(&question, wire, size), REPLY_FAILED);
    }
}

static void questions_are_written_as_told(void **state)
{
    static const struct {
        bool dnssec_ok;
        bool checking_disabled;
        bool has_edns;
        bool wants_ad;
        const char *hex;
    } cases[] = {
        {false, false, false, false, "0001 0100 0001 0000 0000 0000 0161016200 0001 0001"},
        {true, true, true, true, "0001 0130 0001 0000 0000 0001 0161016200 0001 0001 00 0029 04d0 00008000 0000"},
        {false, false, true, true, "0001 0120 0001 0000 0000 0001 0161016200 0001 0001 00 0029 04d0 00000000 0000"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t wire[REPLY_QUERY_MAX];
        uint8_t wanted[64];
        struct reply_question question = question_ab;
        question.dnssec_ok = cases[i].dnssec_ok;
        question.checking_disabled = cases[i].checking_disabled;
        question.has_edns = cases[i].has_edns;
        size_t size = reply_write_question(&question, cases[i].wants_ad, wire);
        assert_int_equal(size, from_hex(cases[i].hex, wanted));
        assert_memory_equal(wire, wanted, size);
    }
}

static void a_failure_says_why(void **state)
{
    uint8_t wire[64];
    (void)state;
    size_t size = from_hex("0001 8182 0001 0000 0000 0001 0161016200 0001 0001 "
                           "00 0029 04d0 00000000 000e 000a 0002 0102 000f 0004 0016 6162",
                           wire);
    assert_int_equal(reply_extended_error(wire, size), 22);
    assert_int_equal(reply_extended_error(wire, size - 1), -1);
    size = from_hex("0001 8182 0001 0000 0000 0000 0161016200 0001 0001", wire);
    assert_int_equal(reply_extended_error(wire, size), -1);
}

/* ---- chains and limits ---- */

static char *chain_text(unsigned hops)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fputs("NXDOMAIN\n", stream);
    for (unsigned i = 0; i < hops; i++)
        fprintf(stream, "an n%u.example. 300 IN CNAME n%u.example.\n", i, i + 1);
    fputs(SOA, stream);
    fclose(stream);
    return text;
}

static void chains_are_as_long_as_answers_allow(void **state)
{
    (void)state;
    for (unsigned hops = ANSWER_CHAIN_MAX - 1; hops <= ANSWER_CHAIN_MAX + 1; hops++) {
        char *text = chain_text(hops);
        struct cached *cached = reply_fixture_cached("n0.example A", text, 0);
        bool fits = hops <= ANSWER_CHAIN_MAX;
        assert_int_equal(cached->links, fits ? hops : ANSWER_CHAIN_MAX);
        assert_int_equal(cached->count, fits ? hops + 1 : ANSWER_CHAIN_MAX);
        assert_int_equal(cached->rcode, fits ? RCODE_NXDOMAIN : RCODE_NOERROR);
        cached_release(cached);
        free(text);
    }
}

/* With the longest name that a DNAME can be asked for, the target makes it too long (RFC 6672 2.2). */
static void a_dname_that_makes_no_name_is_yxdomain(void **state)
{
    static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    char question[400];
    char reply[400];
    struct cached *cached;
    (void)state;
    snprintf(question, sizeof question, "%s.%s.%s.b.example A", label, label, label);
    snprintf(reply, sizeof reply, "YXDOMAIN\nan b.example. 300 IN DNAME %s.test.\n", label);
    reply_fixture_init(fixture, question, reply);
    assert_int_equal(reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 0, &cached),
                     REPLY_GOOD);
    char *text = reply_fixture_text(cached, fixture->name, 0);
    assert_memory_equal(text, "YXDOMAIN yxdomain\nanswer b.example. 300 DNAME ", 46);
    free(text);
    cached_release(cached);
    fixture->wire[3] &= 0xf0;
    assert_int_equal(reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 0, &cached),
                     REPLY_MALFORMED);
    free(fixture);
}

/* 4,000 addresses, each twice: found in time, and none twice. */
static void large_sets_have_no_doubles(void **state)
{
    uint8_t *wire = calloc(1, MESSAGE_SIZE_MAX);
    struct cached *cached;
    (void)state;
    size_t size = from_hex(HEAD("0", "0", "0"), wire);
    write_u16(wire + 6, 4000);
    for (unsigned i = 0; i < 4000; i++) {
        size += from_hex("c00c 0001 0001 0000012c 0004 c6120000", wire + size);
        write_u16(wire + size - 2, (uint16_t)(i % 2000));
    }
    assert_int_equal(reply_scrub(&question_ab, &no_rules, wire, size, 0, &cached), REPLY_GOOD);
    assert_int_equal(cached->count, 1);
    assert_int_equal(cached->rrsets[0].rrset.count, 2000);
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(read_u16(cached->rrsets[0].rrset.data + i * 6 + 4), i);
    cached_release(cached);
    free(wire);
}

/* ---- rules ---- */

/* The name asked, or the owner of the addresses, may be in private-answers. */
static void private_answers_are_by_name(void **state)
{
    static const struct {
        const char *pattern;
        bool allowed;
    } cases[] = {{"www.example", true}, {"*.test", true}, {"test", false}, {"*.corp", false}};
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct glob glob;
        struct cached *cached;
        reply_fixture_init(fixture, "www.example A",
                           "NOERROR\nan www.example. 300 IN CNAME b.test.\nan b.test. 300 IN A 10.0.0.1\n");
        glob_compile(cases[i].pattern, &glob);
        fixture->group.private_answers = (struct glob_list){&glob, 1};
        assert_int_equal(reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 0, &cached),
                         REPLY_GOOD);
        assert_int_equal(cached->count, cases[i].allowed ? 2 : 1);
        cached_release(cached);
    }
    free(fixture);
}

static void addresses_that_lead_inside_are_known(void **state)
{
    static const struct {
        const char *hex;
        bool is_private;
    } cases[] = {
        {"0a000001", true},
        {"7f000001", true},
        {"00000000", true},
        {"00010203", true},
        {"a9fe0101", true},
        {"64400001", true},
        {"c0a80101", true},
        {"08080808", false},
        {"00000000000000000000000000000000", true},
        {"00000000000000000000000000000001", true},
        {"00000000000000000000ffff0a000001", true},
        {"00000000000000000000ffff08080808", false},
        {"0000000000000000000000000a000001", true},
        {"0064ff9b00000000000000000a000001", true},
        {"0064ff9b000000000000000008080808", false},
        {"fd000000000000000000000000000001", true},
        {"fe800000000000000000000000000001", true},
        {"20010db8000000000000000000000001", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        size_t size = from_hex(cases[i].hex, bytes);
        struct rdata rdata = {.bytes = bytes, .size = (uint16_t)size};
        print_message("# %s\n", cases[i].hex);
        assert_true(rdata_is_private(size == 4 ? RRTYPE_A : RRTYPE_AAAA, &rdata) == cases[i].is_private);
        assert_false(rdata_is_private(RRTYPE_TXT, &rdata));
    }
}

/* [ttl] rules without views hold for each RRset, but for a SOA: a denial lasts as that says. */
static void ttl_rules_hold(void **state)
{
    static const char text[] = "[view v]\nclients = any\n[ttl short]\nnames = *.test\nmax = 50\n"
                               "[ttl long]\nnames = *.slow\nmin = 600\n[ttl end]\nnames = example\nmax = 7\n";
    static const struct {
        const char *question;
        const char *reply;
        uint32_t ttl;
        uint32_t first;
    } cases[] = {
        {"a.slow A", "NOERROR\nan a.slow. 20 IN A 192.0.2.1\n", 600, 600},
        {"a.slow A", "NOERROR\nan a.slow. 300 IN CNAME b.test.\nan b.test. 300 IN A 192.0.2.1\n", 50, 600},
        {"a.slow A", "NOERROR\nan a.slow. 0 IN A 192.0.2.1\n", 600, 600},
        {"w.example A", "NXDOMAIN\n" SOA, 60, 60},
    };
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    struct policy *policy = NULL;
    struct diag diag;
    (void)state;
    diag_init(&diag);
    assert_int_equal(policy_read("policy.conf", text, sizeof text - 1, &diag, &policy), STATUS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cached *cached;
        reply_fixture_init(fixture, cases[i].question, cases[i].reply);
        fixture->rules.policy = policy;
        assert_int_equal(reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, 0, &cached),
                         REPLY_GOOD);
        assert_int_equal(cached->ttl, cases[i].ttl);
        assert_int_equal(cached->rrsets[0].rrset.ttl, cases[i].first);
        cached_release(cached);
    }
    policy_free(policy);
    diag_clear(&diag);
    free(fixture);
}

static void ad_is_believed_of_some(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct cached *cached = reply_fixture_cached(
            (i & 1) != 0 ? "www.example A ad" : "www.example A",
            (i & 2) != 0 ? "NOERROR ad\nan www.example. 300 IN A 192.0.2.1\n" : "NOERROR\n" SOA, 0);
        assert_true(cached->is_authentic == (i == 3));
        cached_release(cached);
    }
}

/* The case of a question is our own: names that point into it must not keep it. */
static void mixed_case_does_not_stay(void **state)
{
    uint8_t wire[128];
    struct cached *cached;
    struct reply_question question = question_ab;
    (void)state;
    question.name = (const uint8_t *)"\1A\1B";
    question.exact_case = true;
    size_t size = from_hex("0001 8180 0001 0001 0000 0000 0141014200 0001 0001 "
                           "c00c 0005 0001 0000012c 0004 0143 c00e",
                           wire);
    assert_int_equal(reply_match(&question, wire, size), REPLY_GOOD);
    assert_int_equal(reply_scrub(&question, &no_rules, wire, size, 0, &cached), REPLY_GOOD);
    assert_int_equal(cached->count, 1);
    assert_memory_equal(cached->rrsets[0].owner, "\1a\1b", 5);
    assert_memory_equal(cached->rrsets[0].rrset.data + 2, "\1C\1b", 5);
    cached_release(cached);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_answer_goes),
        cmocka_unit_test(damaged_messages_are_malformed),
        cmocka_unit_test(long_names_are_malformed),
        cmocka_unit_test(only_answers_to_the_question_match),
        cmocka_unit_test(questions_are_written_as_told),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(chains_are_as_long_as_answers_allow),
        cmocka_unit_test(a_dname_that_makes_no_name_is_yxdomain),
        cmocka_unit_test(large_sets_have_no_doubles),
        cmocka_unit_test(private_answers_are_by_name),
        cmocka_unit_test(addresses_that_lead_inside_are_known),
        cmocka_unit_test(ttl_rules_hold),
        cmocka_unit_test(ad_is_believed_of_some),
        cmocka_unit_test(mixed_case_does_not_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

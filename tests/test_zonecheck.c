/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of a zone: each row is a zone and the messages it must give. More whole zones stand in cases/zonefile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/memory.h"
#include "zones/zone.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <string.h>

#define HEAD "@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n" /* lines 1 to 3 */

static const uint8_t apex[] = {1, 'z', 0};

struct row {
    const char *text;
    const char *result; /* "E" or "W" and the line of each message */
};

static const struct row rows[] = {
    {HEAD, ""},
    {"", "E0"},
    {"@ NS ns\nns A 192.0.2.1\n", "E0"},
    {"@ SOA ns host 1 2 3 4 5\nns A 192.0.2.1\n", "E0"},
    {"ns A 192.0.2.1\n", "E0 E0"},
    {HEAD "@ SOA ns host 9 2 3 4 5\n", "E4"},
    {HEAD "@ SOA ns host 1 2 3 4 5\n", ""},
    {HEAD "a SOA ns host 1 2 3 4 5\n", "E4"},
    {HEAD "a CNAME ns\na A 192.0.2.2\n", "E5"},
    {HEAD "a CNAME ns\na RRSIG A 8 2 3 4 5 6 @ AQID\na NSEC a CNAME\na KEY 0 3 5 AQID\na NXT \\# 2 0040\n", "W5"},
    {HEAD "a RRSIG A 8 2 3 4 5 6 @ AQID\nb RRSIG A 8 2 3 4 5 6 @ AQID\n", "W4"},
    {HEAD "a CNAME ns\na CNAME @\n", "E5"},
    {HEAD "@ CNAME ns\n", "E2 E1"},
    {HEAD "a CNAME ns\na MX 1 ns\na MX 2 ns\n", "E5"},
    {HEAD "a CNAME ns\na DNAME ns\n", "E5"},
    {HEAD "a DNAME ns\na DNAME @\n", "E5"},
    {HEAD "a DNAME ns\na A 192.0.2.2\n", ""},
    {HEAD "a DNAME ns\nb.a A 192.0.2.2\nc.b.a A 192.0.2.2\nba A 192.0.2.2\n", "W5 W6"},
    {HEAD "@ DNAME other.\n", "W3"},
    {HEAD "a NS ns.a\nns.a A 192.0.2.2\nns.a AAAA 2001:db8::1\n", ""},
    {HEAD "a NS ns.a\nns.a A 192.0.2.2\nns.a TXT x\n", "W6"},
    {HEAD "a NS ns.a\nb.a A 192.0.2.2\n", "W4 W5"},
    {HEAD "a NS ns.b\nb NS ns.b\nns.b A 192.0.2.2\n", ""},
    {HEAD "a NS other.\nns.a A 192.0.2.2\n", "W5"},
    {HEAD "a NS other.\na DS 1 8 2 aa\na NSEC b NS\n", ""},
    {HEAD "a NS ns.a\nx.ns.a A 192.0.2.2\n", "W4 W5"},
    {HEAD "a NS ns\nb NS c\nc TXT x\n", "W5"},
    {HEAD "a NS gone\n", "W4"},
    {HEAD "a MX 1 b\nb CNAME ns\n", "W4"},
    {HEAD "a SRV 0 0 1 b\nb CNAME ns\n", "W4"},
    {HEAD "a NS b\nb CNAME ns\n", "W4"},
    {HEAD "a CNAME b\nb CNAME ns\n", ""},
    {HEAD "a MX 1 b\n", "W4"},
    {HEAD "a MX 0 .\nb SRV 0 0 0 .\n", ""},
    {HEAD "a CNAME B.c\nb.C A 192.0.2.2\n", ""},
    {HEAD "a CNAME b.c\nx.b.c A 192.0.2.2\n", ""},
    {HEAD "a CNAME x.b\n*.b A 192.0.2.2\n", ""},
    {HEAD "a CNAME x.y.b\n*.b A 192.0.2.2\n", ""},
    {HEAD "a CNAME x.y.b\n*.b A 192.0.2.2\ny.b A 192.0.2.2\n", "W4"},
    {HEAD "a CNAME x\n* A 192.0.2.2\n", ""},
    {HEAD "a CNAME x.b\nb NS other.\n", ""},
    {HEAD "a CNAME x.b\nb DNAME other.\n", ""},
    {HEAD "a CNAME x.c.b\nb NS other.\ny.c.b A 192.0.2.2\n", "W6"},
    {HEAD "a CNAME gone.other.\n", ""},
    {HEAD "a HTTPS 1 gone\nb SVCB 0 gone\nc HTTPS 1 .\n", "W4 W5"},
};

static void add_message(const struct diag_message *message, char *result, size_t capacity)
{
    size_t used = strlen(result);
    char severity = message->severity == SEVERITY_ERROR ? 'E' : message->severity == SEVERITY_WARNING ? 'W' : 'I';
    assert_string_equal(message->file, "z.zone");
    snprintf(result + used, capacity - used, "%s%c%u", used > 0 ? " " : "", severity, message->line);
}

static struct zone *read_zone(const char *text, struct diag *diag)
{
    struct zonefile_options options = {.default_ttl = 300};
    struct zone *zone = zone_new(apex);
    assert_non_null(zone);
    enum status status = zonefile_read_text(NULL, "z.zone", text, strlen(text), &options, zone, diag);
    if (status != STATUS_OK) {
        diag_print(diag, stderr);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(zone_freeze(zone, diag), STATUS_OK);
    return zone;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char result[256] = "";
        struct diag diag;
        diag_init(&diag);
        struct zone *zone = read_zone(rows[i].text, &diag);
        enum status status = zonecheck_run(zone, "z.zone", &diag);
        assert_int_equal(status, diag.errors > 0 ? STATUS_BAD_INPUT : STATUS_OK);
        for (size_t j = 0; j < diag.count; j++) {
            add_message(&diag.messages[j], result, sizeof result);
        }
        if (strcmp(result, rows[i].result) != 0) {
            diag_print(&diag, stderr);
            fail_msg("%s gives %s, wanted %s", rows[i].text, result, rows[i].result);
        }
        zone_free(zone);
        diag_clear(&diag);
    }
}

/* Many records that name one owner with many records: the work must not be their product. */
static void test_large_owner(void **state)
{
    static const char text[] = HEAD "$GENERATE 1-50000 a MX $ b\n"
                                    "$GENERATE 1-50000 b TXT $\n"
                                    "$GENERATE 1-50000 c SRV 0 0 1 d${0}\n"
                                    "c NS e.c\n"
                                    "$GENERATE 1-50000 e.c AAAA 2001:db8::${0,0,x}\n"
                                    "$GENERATE 1-50000 f NS e$.c\n";
    struct diag diag;
    (void)state;
    diag_init(&diag);
    struct zone *zone = read_zone(text, &diag);
    assert_int_equal(zone->count, 250004);
    assert_int_equal(zonecheck_run(zone, "z.zone", &diag), STATUS_OK);
    assert_int_equal(diag.errors, 0);
    zone_free(zone);
    diag_clear(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_large_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

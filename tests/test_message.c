/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support_server.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct support_server server;
    struct query query;
    uint8_t wire[1024];
    uint8_t reply[MESSAGE_SIZE_MAX];
};

/* `many` holds that many addresses; `ns` a delegation whose glue does not fit 512 bytes. */
static char *big_zone(unsigned many)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fputs("$TTL 60\n@ SOA ns hostmaster 1 7200 900 1209600 60\n NS ns\nns A 192.0.2.1\n", stream);
    for (unsigned i = 0; i < many; i++)
        fprintf(stream, "many A 198.%u.%u.%u\n", 18 + (i >> 16), i >> 8 & 255, i & 255);
    for (unsigned i = 0; i < 12; i++)
        fprintf(stream, "cut NS ns%u.cut\nns%u.cut A 192.0.2.%u\nns%u.cut AAAA 2001:db8::%u\n", i, i, i, i, i);
    for (unsigned i = 0; i < 20; i++)
        fprintf(stream, "mx MX %u host%u\nhost%u A 192.0.2.%u\n", i, i, i, i);
    for (unsigned i = 0; i < 60; i++)
        fprintf(stream, "t1.deep A 192.0.2.%u\n", i);
    fputs("t2.deep A 192.0.2.99\n_s._tcp SRV 0 0 1 t1.deep\n_s._tcp SRV 0 0 2 t2.deep\n", stream);
    fputs("t3.low A 192.0.2.98\nhuge SRV 0 0 1 t3.low\nhuge SRV 0 0 2 t4.low\nt4.low A 192.0.2.97\n", stream);
    for (unsigned i = 0; i < 100; i++)
        fprintf(stream, "huge TXT \"%0200u\"\n", i);
    fclose(stream);
    return text;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char *text = big_zone(4000);
    support_server_init(&fixture->server);
    support_add_zone(&fixture->server.worlds[SUPPORT_INTERNET], "x", text, strlen(text));
    support_add_zone(&fixture->server.worlds[SUPPORT_INTERNAL], "x", text, strlen(text));
    support_server_finish(&fixture->server);
    free(text);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    support_server_clear(&fixture->server);
    free(fixture);
    return 0;
}

static size_t ask(struct fixture *fixture, const char *transport, const char *words, ldns_pkt **packet)
{
    struct client client = support_client("192.0.2.1", transport);
    size_t size = support_query(words, fixture->wire, sizeof fixture->wire);
    size_t capacity = client.transport == TRANSPORT_UDP ? 1232 : sizeof fixture->reply;
    size_t written =
        query_answer(&fixture->server.env, &client, fixture->wire, size, fixture->reply, capacity, &fixture->query);
    assert_int_equal(ldns_wire2pkt(packet, fixture->reply, written), LDNS_STATUS_OK);
    return written;
}

static void an_rrset_that_does_not_fit_is_left_out_whole(void **state)
{
    ldns_pkt *packet;
    size_t size = ask(*state, "udp", "many.x A edns=1232", &packet);
    assert_true(ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_ancount(packet), 0);
    assert_true(ldns_pkt_edns(packet));
    assert_true(size <= 1232);
    ldns_pkt_free(packet);
}

static void tcp_carries_sixty_four_kibibytes(void **state)
{
    ldns_pkt *packet;
    size_t size = ask(*state, "tcp", "many.x A", &packet);
    assert_false(ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_ancount(packet), 4000);
    assert_int_equal(size, 12 + 8 + 4 + 4000 * 16);
    ldns_pkt_free(packet);
}

static void optional_records_go_without_tc(void **state)
{
    ldns_pkt *packet;
    size_t size = ask(*state, "udp", "mx.x MX edns=512", &packet);
    assert_false(ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_ancount(packet), 20);
    assert_true(ldns_pkt_arcount(packet) < 20);
    assert_true(size <= 512);
    ldns_pkt_free(packet);
}

static void needed_glue_that_does_not_fit_sets_tc(void **state)
{
    ldns_pkt *packet;
    ask(*state, "udp", "www.cut.x A", &packet);
    assert_true(ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_nscount(packet), 12);
    ldns_pkt_free(packet);
    ask(*state, "tcp", "www.cut.x A", &packet);
    assert_false(ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_arcount(packet), 24);
    ldns_pkt_free(packet);
}

static void expect_owners(const ldns_pkt *packet, const char *const *owners, size_t count)
{
    assert_int_equal(ldns_pkt_arcount(packet), count);
    for (size_t i = 0; i < count; i++) {
        char *owner = ldns_rdf2str(ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_additional(packet), i)));
        assert_string_equal(owner, owners[i]);
        free(owner);
    }
}

/* Names of an RRset that was taken back must not be pointed at. */
static void what_was_dropped_is_not_pointed_at(void **state)
{
    static const char *const owners[] = {"t2.deep.x."};
    ldns_pkt *packet;
    ask(*state, "udp", "_s._tcp.x SRV", &packet);
    assert_false(ldns_pkt_tc(packet));
    expect_owners(packet, owners, 1);
    ldns_pkt_free(packet);
}

/* A pointer reaches 16 KiB far (RFC 1035 4.1.4); names behind that are written out. */
static void pointers_stay_in_reach(void **state)
{
    static const char *const owners[] = {"t3.low.x.", "t4.low.x."};
    ldns_pkt *packet;
    assert_true(ask(*state, "tcp", "huge.x ANY", &packet) > 0x4000 + 100);
    expect_owners(packet, owners, 2);
    ldns_pkt_free(packet);
}

static void payloads_are_bounded_by_both_sides(void **state)
{
    struct fixture *fixture = *state;
    ldns_pkt *packet;
    assert_true(ask(fixture, "udp", "www.cut.x A edns=65535", &packet) <= 1232);
    ldns_pkt_free(packet);
    assert_true(ask(fixture, "udp", "www.cut.x A edns=20", &packet) <= 512);
    ldns_pkt_free(packet);
}

static void damaged_data_give_servfail(void **state)
{
    struct fixture *fixture = *state;
    struct image_ref saved = fixture->server.worlds[SUPPORT_INTERNET].images[0];
    ldns_pkt *packet;
    fixture->server.worlds[SUPPORT_INTERNET].images[0].block = NULL;
    ask(fixture, "udp", "mx.x MX edns=1232", &packet);
    assert_int_equal(ldns_pkt_get_rcode(packet), LDNS_RCODE_SERVFAIL);
    ldns_pkt_free(packet);
    fixture->server.worlds[SUPPORT_INTERNET].images[0] = saved;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rrset_that_does_not_fit_is_left_out_whole),
        cmocka_unit_test(tcp_carries_sixty_four_kibibytes),
        cmocka_unit_test(optional_records_go_without_tc),
        cmocka_unit_test(needed_glue_that_does_not_fit_sets_tc),
        cmocka_unit_test(what_was_dropped_is_not_pointed_at),
        cmocka_unit_test(pointers_stay_in_reach),
        cmocka_unit_test(payloads_are_bounded_by_both_sides),
        cmocka_unit_test(damaged_data_give_servfail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/name.h"
#include "zones/rrset.h"

#include <string.h>

static void records_are_stepped_through(void **state)
{
    (void)state;
    const uint8_t data[] = "\000\004\001\002\003\004\000\000\000\001x";
    struct rrset rrset = {.type = RRTYPE_A, .count = 3, .ttl = 60, .data = data, .size = 11};
    struct rdata rdata;
    uint32_t position = 0;
    assert_true(rrset_next_rdata(&rrset, &position, &rdata));
    assert_int_equal(rdata.size, 4);
    assert_true(rrset_next_rdata(&rrset, &position, &rdata));
    assert_int_equal(rdata.size, 0);
    assert_true(rrset_next_rdata(&rrset, &position, &rdata));
    assert_memory_equal(rdata.bytes, "x", 1);
    assert_false(rrset_next_rdata(&rrset, &position, &rdata));
    assert_int_equal(position, rrset.size);
    rrset.size = 10;
    position = 8;
    assert_false(rrset_next_rdata(&rrset, &position, &rdata));
    assert_int_equal(position, 8);
}

struct target_case {
    uint16_t type;
    const char *rdata;
    uint16_t size;
    int offset; /* of the target; -1: none */
};

static void targets_are_found(void **state)
{
    (void)state;
    const struct target_case rows[] = {
        {RRTYPE_NS, "\001a\000", 3, 0},
        {RRTYPE_MX, "\000\012\001a\000", 5, 2},
        {RRTYPE_SRV, "\000\000\000\000\000\000\001a\000", 9, 6},
        {RRTYPE_HTTPS, "\000\001\000", 3, 2},
        {RRTYPE_HTTPS, "\000", 1, -1},
        {RRTYPE_SRV, "\000\000\000\000\000\000\001a", 8, -1},
        {RRTYPE_A, "\001\002\003\004", 4, -1},
        {RRTYPE_TXT, "\001a\000", 3, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rdata rdata = {.bytes = (const uint8_t *)rows[i].rdata, .size = rows[i].size};
        const uint8_t *target = rdata_target(rows[i].type, &rdata);
        if (rows[i].offset < 0)
            assert_null(target);
        else
            assert_ptr_equal(target, rdata.bytes + rows[i].offset);
    }
}

static void soa_serials_are_found(void **state)
{
    (void)state;
    uint8_t soa[] =
        "\001m\000\001r\000\000\000\000\007\000\000\000\001\000\000\000\002\000\000\000\003\000\000\000\074";
    struct rdata rdata = {.bytes = soa, .size = 26};
    assert_int_equal(soa_serial_offset(&rdata), 6);
    assert_int_equal(read_u32(soa + 6), 7);
    rdata.size = 25;
    assert_int_equal(soa_serial_offset(&rdata), 0);
}

static void layouts_follow_the_rfcs(void **state)
{
    (void)state;
    assert_true(rrtype_layout(RRTYPE_MX).compressible);
    assert_false(rrtype_layout(RRTYPE_SRV).compressible);
    assert_false(rrtype_layout(RRTYPE_DNAME).compressible);
    assert_false(rrtype_layout(RRTYPE_HTTPS).compressible);
    assert_true(rrtype_layout(RRTYPE_HTTPS).additional);
    assert_false(rrtype_layout(RRTYPE_PTR).additional);
    assert_true(rrtype_is_meta(RRTYPE_ANY) && rrtype_is_meta(RRTYPE_OPT) && rrtype_is_meta(0));
    assert_false(rrtype_is_meta(RRTYPE_HTTPS) || rrtype_is_meta(256) || rrtype_is_meta(65400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_stepped_through),
        cmocka_unit_test(targets_are_found),
        cmocka_unit_test(soa_serials_are_found),
        cmocka_unit_test(layouts_follow_the_rfcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

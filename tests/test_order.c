/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/order.h"

#include <string.h>

#define COUNT 6

static const uint8_t data[] = "\000\0010\000\0011\000\0012\000\0013\000\0014\000\0015";
static const struct rrset rrset = {.type = RRTYPE_TXT, .count = COUNT, .data = data, .size = COUNT * 3};

static void spell(const struct rdata *records, char *text)
{
    for (unsigned i = 0; i < COUNT; i++)
        text[i] = (char)records[i].bytes[0];
    text[COUNT] = '\0';
}

static void rotation_begins_one_further_each_time(void **state)
{
    (void)state;
    static const char *const wanted[] = {"012345", "123450", "234501", "345012", "450123", "501234", "012345"};
    struct rdata records[ORDER_RECORDS_MAX];
    char text[COUNT + 1];
    for (uint32_t seed = 0; seed < 7; seed++) {
        assert_true(order_records(&rrset, false, seed, records));
        spell(records, text);
        assert_string_equal(text, wanted[seed]);
    }
}

static void shuffles_keep_every_record_and_favour_none(void **state)
{
    (void)state;
    struct rdata records[ORDER_RECORDS_MAX];
    char text[COUNT + 1];
    unsigned first[COUNT] = {0};
    for (uint32_t seed = 0; seed < 6000; seed++) {
        unsigned seen = 0;
        assert_true(order_records(&rrset, true, seed, records));
        spell(records, text);
        for (unsigned i = 0; i < COUNT; i++)
            seen |= 1u << (text[i] - '0');
        assert_int_equal(seen, (1u << COUNT) - 1);
        first[text[0] - '0']++;
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_in_range(first[i], 800, 1200);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    struct rdata records[ORDER_RECORDS_MAX];
    struct rrset cut = rrset;
    cut.size--;
    assert_false(order_records(&cut, false, 0, records));
    cut = rrset;
    cut.count--;
    assert_false(order_records(&cut, true, 0, records));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotation_begins_one_further_each_time),
        cmocka_unit_test(shuffles_keep_every_record_and_favour_none),
        cmocka_unit_test(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

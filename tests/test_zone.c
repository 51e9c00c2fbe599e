/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t apex[] = "\007example";
static const uint8_t www[] = "\003www\007example";
static const uint8_t www_upper[] = "\003WWW\007example";
static const uint8_t a_www[] = "\001a\003www\007example";

static void add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl, const char *rdata, uint32_t line)
{
    struct origin origin = {.file = 0, .line = line};
    assert_int_equal(zone_add(zone, owner, type, ttl, (const uint8_t *)rdata, (uint16_t)strlen(rdata), origin),
                     STATUS_OK);
}

static struct zone *new_zone(void)
{
    struct zone *zone = zone_new(apex);
    uint16_t file;
    assert_non_null(zone);
    assert_int_equal(zone_add_file(zone, "internal/example.zone", &file), STATUS_OK);
    assert_int_equal(file, 0);
    assert_int_equal(zone_add_file(zone, "internal/example.zone", &file), STATUS_OK);
    assert_int_equal(zone->file_count, 1);
    return zone;
}

static void records_are_grouped_in_order(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct zone *zone = new_zone();
    add(zone, a_www, RRTYPE_A, 60, "4444", 1);
    add(zone, www, RRTYPE_TXT, 60, "\001t", 2);
    add(zone, www, RRTYPE_A, 60, "9999", 3);
    add(zone, apex, RRTYPE_A, 60, "0000", 4);
    add(zone, www_upper, RRTYPE_A, 60, "1111", 5);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    const uint32_t lines[] = {4, 3, 5, 2, 1};
    assert_int_equal(zone->count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(zone->records[i].origin.line, lines[i]);
    struct zone_rrset rrset;
    size_t next = 0;
    unsigned count = 0;
    while (zone_next_rrset(zone, &next, &rrset))
        count++;
    assert_int_equal(count, 4);
    assert_true(zone_find(zone, www_upper, RRTYPE_A, &rrset));
    assert_int_equal(rrset.count, 2);
    assert_false(zone_find(zone, www, RRTYPE_AAAA, &rrset));
    assert_false(zone_find(zone, (const uint8_t *)"\003zzz\007example", RRTYPE_A, &rrset));
    assert_int_equal(diag.warnings, 0);
    zone_free(zone);
    diag_clear(&diag);
}

static void repeated_records_stand_once(void **state)
{
    const unsigned *different = *state;
    struct diag diag;
    diag_init(&diag);
    struct zone *zone = new_zone();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < *different; i++) {
            char rdata[8];
            snprintf(rdata, sizeof rdata, "%04u", (*different - i) % 10000);
            add(zone, www, RRTYPE_A, 60, rdata, round * 1000 + i + 1);
        }
    }
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    assert_int_equal(zone->count, *different);
    for (unsigned i = 0; i < *different; i++)
        assert_int_equal(zone->records[i].origin.line, i + 1);
    zone_free(zone);
    diag_clear(&diag);
}

static void unequal_ttls_become_the_lowest(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct zone *zone = new_zone();
    add(zone, www, RRTYPE_A, 300, "1111", 7);
    add(zone, www, RRTYPE_A, 60, "2222", 8);
    add(zone, www, RRTYPE_TXT, 900, "\001t", 9);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    assert_int_equal(zone->records[0].ttl, 60);
    assert_int_equal(zone->records[1].ttl, 60);
    assert_int_equal(zone->records[2].ttl, 900);
    assert_int_equal(diag.warnings, 1);
    assert_string_equal(diag.messages[0].text,
                        "www.example.: found TTL 60 here and TTL 300 in line 7, wanted one TTL for all records of a "
                        "name and type (RFC 2181 5.2); the lowest, 60, is used");
    assert_string_equal(diag.messages[0].file, "internal/example.zone");
    assert_int_equal(diag.messages[0].line, 8);
    zone_free(zone);
    diag_clear(&diag);
}

/* The way of a TTL goes along into another zone; a cap takes the place of the one before. */
static void ttl_changes_are_noted(void **state)
{
    (void)state;
    struct diag diag;
    struct zone_rrset rrset;
    diag_init(&diag);
    struct zone *zone = new_zone();
    struct zone *above = new_zone();
    add(zone, www, RRTYPE_A, 60, "1111", 1);
    add(zone, www, RRTYPE_A, 50, "2222", 2);
    add(zone, apex, RRTYPE_A, 60, "1111", 3);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    diag_clear(&diag);
    assert_true(zone_find(zone, www, RRTYPE_A, &rrset));
    const struct zone_ttl_change rule = {.reason = ZONE_TTL_RULE, .ttl = 40, .view = 1, .rule = 7};
    const struct zone_ttl_change cap = {.reason = ZONE_TTL_CAP, .ttl = 30, .view = 1, .rule = 8};
    const struct zone_ttl_change lower = {.reason = ZONE_TTL_CAP, .ttl = 20, .view = 1, .rule = 9};
    assert_int_equal(zone_change_ttl(zone, &rrset, &rule, NULL), STATUS_OK);
    assert_int_equal(zone_change_ttl(zone, &rrset, &rule, NULL), STATUS_OK); /* nothing to change */
    assert_int_equal(zone_change_ttl(zone, &rrset, &cap, apex), STATUS_OK);
    assert_int_equal(zone_change_ttl(zone, &rrset, &lower, a_www), STATUS_OK);
    for (size_t i = 0; i < zone->count; i++)
        assert_int_equal(zone_add_copy(above, zone, &zone->records[i], zone->records[i].origin), STATUS_OK);
    zone_free(zone);
    assert_int_equal(zone_freeze(above, &diag), STATUS_OK);
    assert_int_equal(diag.count, 0);
    assert_true(zone_find(above, apex, RRTYPE_A, &rrset));
    assert_int_equal(above->records[rrset.first].change, 0);
    assert_int_equal(above->records[rrset.first].written, 60);
    assert_true(zone_find(above, www, RRTYPE_A, &rrset));
    const struct zone_record *record = &above->records[rrset.first];
    static const struct {
        enum zone_ttl_reason reason;
        uint32_t ttl;
        uint32_t rule;
    } rows[] = {{ZONE_TTL_CAP, 20, 9}, {ZONE_TTL_RULE, 40, 7}, {ZONE_TTL_LOWEST, 50, 0}};
    uint32_t change = record->change;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_not_equal(change, 0);
        const struct zone_ttl_change *step = &above->changes[change - 1];
        assert_int_equal(step->reason, rows[i].reason);
        assert_int_equal(step->ttl, rows[i].ttl);
        assert_int_equal(step->rule, rows[i].rule);
        if (i == 0)
            assert_true(name_equal(above->cnames.data + step->cname, a_www));
        change = step->before;
    }
    assert_int_equal(change, 0);
    assert_int_equal(record->ttl, 20);
    assert_int_equal(record->written, 60);
    zone_free(above);
    diag_clear(&diag);
}

static void marks_of_a_name_add_up(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct zone *zone = new_zone();
    assert_int_equal(zone_add_mark(zone, www, ZONE_HIDDEN, (struct origin){.file = 0, .line = 3}), STATUS_OK);
    assert_int_equal(zone_add_mark(zone, apex, ZONE_HIDDEN_BELOW, (struct origin){.file = 0, .line = 4}), STATUS_OK);
    assert_int_equal(zone_add_mark(zone, www_upper, ZONE_HIDDEN_BELOW, (struct origin){.file = 0, .line = 5}),
                     STATUS_OK);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    assert_int_equal(zone->mark_count, 2);
    assert_true(name_equal(zone_mark_name(zone, &zone->marks[0]), apex));
    assert_true(name_equal(zone_mark_name(zone, &zone->marks[1]), www));
    assert_int_equal(zone->marks[0].flags, ZONE_HIDDEN_BELOW);
    assert_int_equal(zone->marks[1].flags, ZONE_HIDDEN | ZONE_HIDDEN_BELOW);
    assert_int_equal(zone_origin_place(zone, zone->marks[1].origin).line, 3);
    assert_null(zone_origin_place(zone, (struct origin){.file = ORIGIN_NONE}).file);
    zone_free(zone);
    diag_clear(&diag);
}

static void ranges_hold_owners_and_what_is_below(void **state)
{
    (void)state;
    struct diag diag;
    struct zone_range range;
    diag_init(&diag);
    struct zone *zone = new_zone();
    add(zone, apex, RRTYPE_A, 60, "0000", 1);
    add(zone, www, RRTYPE_A, 60, "1111", 2);
    add(zone, www, RRTYPE_TXT, 60, "\001t", 3);
    add(zone, a_www, RRTYPE_A, 60, "2222", 4);
    add(zone, (const uint8_t *)"\004www2\007example", RRTYPE_A, 60, "3333", 5);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    range = zone_owner_range(zone, www_upper);
    assert_int_equal(range.first, 1);
    assert_int_equal(range.end, 3);
    range = zone_subtree_range(zone, www);
    assert_int_equal(range.first, 1);
    assert_int_equal(range.end, 4);
    range = zone_subtree_range(zone, apex);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.end, 5);
    range = zone_subtree_range(zone, (const uint8_t *)"\003ww1\007example");
    assert_int_equal(range.first, range.end);
    zone_free(zone);
    diag_clear(&diag);
}

static void one_path_in_two_layers_is_two_files(void **state)
{
    (void)state;
    struct zone *zone = new_zone();
    uint16_t file = 0;
    assert_int_equal(zone_add_layer_file(zone, "internal/example.zone", 7, &file), STATUS_OK);
    assert_int_equal(file, 1);
    assert_int_equal(zone->layers[0], 0);
    assert_int_equal(zone->layers[1], 7);
    zone->layer = 7;
    assert_int_equal(zone_add_file(zone, "internal/example.zone", &file), STATUS_OK);
    assert_int_equal(file, 1);
    zone_free(zone);
}

/* ---- sorting, against the comparison alone ---- */

static int compare_records(const void *left, const void *right, void *context)
{
    const struct zone_record *a = left;
    const struct zone_record *b = right;
    return zone_compare_records(context, a, b);
}

static uint32_t step_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

/* Names of few labels from a small set, which share long begins and hold zeros, ones and capitals. */
static void random_name(uint32_t *random, uint8_t *name)
{
    static const char *const labels[] = {
        "\001a",         "\001A", "\001b",    "\003a\000b",   "\003a\001b",  "\002a\000",           "\010abcdefgh",
        "\011abcdefghi", "\001*", "\001\000", "\002\000\001", "\007abcdefg", "\020abcdefghabcdefgh"};
    size_t size = 0;
    for (unsigned count = step_random(random) % 5; count > 0; count--) {
        const char *label = labels[step_random(random) % (sizeof labels / sizeof labels[0])];
        memcpy(name + size, label, 1u + (uint8_t)label[0]);
        size += 1u + (uint8_t)label[0];
    }
    memcpy(name + size, apex, sizeof apex);
}

static void records_are_sorted_as_compared(void **state)
{
    const unsigned count = *(const unsigned *)*state;
    uint32_t random = count;
    struct zone *zone = new_zone();
    struct zone *same = new_zone();
    struct diag diag;
    diag_init(&diag);
    for (unsigned i = 0; i < count; i++) {
        uint8_t name[NAME_SIZE_MAX];
        char rdata[16];
        random_name(&random, name);
        const uint16_t type = (uint16_t)(1 + step_random(&random) % 3);
        snprintf(rdata, sizeof rdata, "%u", i);
        add(zone, name, type, 60, rdata, i + 1);
        add(same, name, type, 60, rdata, i + 1);
        if (i % 7 == 0)
            assert_int_equal(zone_add_mark(zone, name, ZONE_EMPTY, (struct origin){0, i + 1}), STATUS_OK);
    }
    qsort_r(same->records, same->count, sizeof *same->records, compare_records, same);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    assert_int_equal(zone->count, count);
    for (unsigned i = 0; i < count; i++) {
        const struct zone_record *found = &zone->records[i];
        const struct zone_record *wanted = &same->records[i];
        const size_t size = name_size(zone_owner(same, wanted));
        assert_int_equal(found->origin.line, wanted->origin.line);
        assert_int_equal(found->type, wanted->type);
        assert_memory_equal(zone_owner(zone, found), zone_owner(same, wanted), size);
        assert_int_equal(found->key_size, wanted->key_size);
        assert_memory_equal(zone_key(zone, found), zone_key(same, wanted), wanted->key_size);
        assert_memory_equal(zone_rdata(zone, found).bytes, zone_rdata(same, wanted).bytes, wanted->rdata_size);
    }
    for (size_t i = 0; i < zone->mark_count; i++) {
        uint8_t key[NAME_KEY_MAX];
        const struct zone_mark *mark = &zone->marks[i];
        assert_int_equal(name_to_key(zone_mark_name(zone, mark), key), mark->key_size);
        assert_memory_equal(zone->arena.data + mark->key, key, mark->key_size);
    }
    zone_free(zone);
    zone_free(same);
    diag_clear(&diag);
}

static void names_are_covered(void **state)
{
    (void)state;
    struct zone *zone = new_zone();
    assert_true(zone_covers(zone, apex));
    assert_true(zone_covers(zone, www_upper));
    assert_true(zone_covers(zone, (const uint8_t *)"\003www\007EXAMPLE"));
    assert_false(zone_covers(zone, (const uint8_t *)""));
    assert_false(zone_covers(zone, (const uint8_t *)"\007examplf"));
    assert_false(zone_covers(zone, (const uint8_t *)"\006xample"));
    /* The octets of the apex, but inside a label. */
    assert_false(zone_covers(zone, (const uint8_t *)"\011a\007example"));
    zone_free(zone);
}

int main(void)
{
    static unsigned sizes[] = {1, 2, 30, 300, 20000};
    static unsigned few = 3;
    static unsigned many = 50;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_grouped_in_order),
        {"few repeated records stand once", repeated_records_stand_once, NULL, NULL, &few},
        {"many repeated records stand once", repeated_records_stand_once, NULL, NULL, &many},
        cmocka_unit_test(unequal_ttls_become_the_lowest),
        cmocka_unit_test(ttl_changes_are_noted),
        cmocka_unit_test(marks_of_a_name_add_up),
        cmocka_unit_test(ranges_hold_owners_and_what_is_below),
        cmocka_unit_test(one_path_in_two_layers_is_two_files),
        cmocka_unit_test(names_are_covered),
        {"1 record is sorted", records_are_sorted_as_compared, NULL, NULL, &sizes[0]},
        {"2 records are sorted", records_are_sorted_as_compared, NULL, NULL, &sizes[1]},
        {"30 records are sorted", records_are_sorted_as_compared, NULL, NULL, &sizes[2]},
        {"300 records are sorted", records_are_sorted_as_compared, NULL, NULL, &sizes[3]},
        {"20,000 records are sorted", records_are_sorted_as_compared, NULL, NULL, &sizes[4]},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

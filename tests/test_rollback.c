/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/generation.h"
#include "policy/rollback.h"
#include "tests/tree.h"

#include <stdio.h>
#include <string.h>

#define VIEWS "[view internet]\nclients = any\n[view guest]\nclients = 10.9.0.0/16\nbase = internet\n"

static void write_zone(const struct tree *tree, const char *file, unsigned serial, unsigned address)
{
    char text[300];

    snprintf(text, sizeof text, "@ 3600 SOA ns hostmaster %u 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.%u\n",
             serial, address);
    tree_write(tree, file, text);
}

static uint64_t publish(const struct tree *tree)
{
    struct publish_result result;
    struct diag diag;

    diag_init(&diag);
    enum status status = tree_publish(tree, true, &result, &diag);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return result.generation;
}

static enum status roll_back(const struct tree *tree, uint64_t number, bool dry_run, struct rollback_result *result)
{
    struct diag diag;
    struct store *store = tree_open_writer(tree);
    struct rollback_options options = {.store = store, .number = number, .now = 2000, .dry_run = dry_run};

    diag_init(&diag);
    enum status status = rollback_run(&options, result, &diag);
    assert_int_equal(diag.errors, status == STATUS_OK ? 0 : 1);
    diag_clear(&diag);
    store_close(store);
    return status;
}

/* The serial that a view of the head publishes for an apex, 0 if it does not serve it. */
static uint32_t serial_of(const struct tree *tree, const char *view, const char *apex)
{
    struct store *store = tree_open_reader(tree);
    struct generation *generation = NULL;
    struct diag diag;
    struct name_split split;
    uint8_t name[NAME_SIZE_MAX];
    size_t size = 0;
    uint32_t index = 0;

    diag_init(&diag);
    assert_int_equal(generation_load(store, &diag, &generation), STATUS_OK);
    assert_int_equal(name_from_text(apex, strlen(apex), NULL, name, &size), STATUS_OK);
    name_split(name, &split);
    const struct catalog_entry *entry =
        catalog_find(&generation->catalogs[policy_find_view(generation->policy, view)], &split, split.labels, &index);
    uint32_t serial = entry == NULL ? 0 : entry->serial;
    assert_true(generation_release(generation));
    generation_free(generation);
    store_close(store);
    diag_clear(&diag);
    return serial;
}

static uint64_t pin_of(const struct tree *tree)
{
    struct store *store = tree_open_reader(tree);
    struct snapshot *snapshot = NULL;
    struct store_generation record;
    struct diag diag;
    uint64_t pin = 0;
    uint64_t head = 0;

    diag_init(&diag);
    assert_int_equal(snapshot_open(store, &diag, &snapshot), STATUS_OK);
    assert_int_equal(snapshot_pin(snapshot, &pin, &diag), STATUS_OK);
    assert_int_equal(snapshot_head(snapshot, &head, &diag), STATUS_OK);
    assert_int_equal(snapshot_generation(snapshot, head, &record, &diag), STATUS_OK);
    assert_true(pin != head || record.rollback_of > 0);
    snapshot_close(snapshot);
    store_close(store);
    diag_clear(&diag);
    return pin;
}

static void release(const struct tree *tree, uint64_t wanted)
{
    struct store *store = tree_open_writer(tree);
    struct diag diag;
    uint64_t pin = 0;

    diag_init(&diag);
    assert_int_equal(store_release_pin(store, &pin, &diag), STATUS_OK);
    assert_int_equal(pin, wanted);
    store_close(store);
    diag_clear(&diag);
}

static void test_nothing_to_go_back_to(void **state)
{
    struct rollback_result result;
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    write_zone(&tree, "internet/a.example.zone", 1, 1);
    assert_int_equal(roll_back(&tree, 0, false, &result), STATUS_BAD_INPUT);
    publish(&tree);
    assert_int_equal(roll_back(&tree, 0, false, &result), STATUS_BAD_INPUT);
    assert_int_equal(roll_back(&tree, 1, false, &result), STATUS_BAD_INPUT);
    assert_int_equal(roll_back(&tree, 7, false, &result), STATUS_BAD_INPUT);
    assert_int_equal(pin_of(&tree), 0);
    release(&tree, 0);
    tree_clear(&tree);
}

static void test_serials(void **state)
{
    struct rollback_result result;
    struct publish_result refused;
    struct tree tree;
    struct diag diag;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    write_zone(&tree, "internet/a.example.zone", 4294967294, 1);
    write_zone(&tree, "internet/b.example.zone", 70, 1);
    write_zone(&tree, "internet/c.example.zone", 9, 1);
    assert_int_equal(publish(&tree), 1);
    write_zone(&tree, "internet/a.example.zone", 4294967295, 2);
    write_zone(&tree, "internet/c.example.zone", 20, 2);
    assert_int_equal(publish(&tree), 2);
    tree_write(&tree, "internet/c.example.zone", NULL);
    assert_int_equal(publish(&tree), 3);

    assert_int_equal(roll_back(&tree, 1, true, &result), STATUS_OK);
    assert_int_equal(result.generation, 4);
    assert_int_equal(pin_of(&tree), 0);
    assert_int_equal(serial_of(&tree, "internet", "a.example"), 4294967295);

    assert_int_equal(roll_back(&tree, 1, false, &result), STATUS_OK);
    assert_int_equal(result.head, 3);
    assert_int_equal(result.target, 1);
    assert_int_equal(result.generation, 4);
    assert_int_equal(result.zones, 6);
    assert_int_equal(result.changed, 4);
    assert_int_equal(pin_of(&tree), 4);
    assert_int_equal(serial_of(&tree, "internet", "a.example"), 0); /* after the highest, RFC 1982 */
    assert_int_equal(serial_of(&tree, "guest", "a.example"), 0);
    assert_int_equal(serial_of(&tree, "internet", "b.example"), 70); /* the same as before */
    assert_int_equal(serial_of(&tree, "internet", "c.example"), 21); /* it was gone, and its serial is remembered */
    assert_int_equal(serial_of(&tree, "guest", "c.example"), 21);

    diag_init(&diag);
    assert_int_equal(tree_publish(&tree, true, &refused, &diag), STATUS_BAD_INPUT);
    diag_clear(&diag);
    assert_int_equal(pin_of(&tree), 4);

    /* From one rollback to another; then to the newest that was imported. */
    assert_int_equal(roll_back(&tree, 0, false, &result), STATUS_OK);
    assert_int_equal(result.target, 3);
    assert_int_equal(result.generation, 5);
    assert_int_equal(pin_of(&tree), 5);
    assert_int_equal(serial_of(&tree, "internet", "a.example"), 1);
    release(&tree, 5);
    assert_int_equal(pin_of(&tree), 0);
    assert_int_equal(publish(&tree), 5); /* the head holds all of it */
    write_zone(&tree, "internet/a.example.zone", 5, 3);
    assert_int_equal(publish(&tree), 6);
    assert_int_equal(serial_of(&tree, "internet", "a.example"), 5);
    tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_go_back_to),
        cmocka_unit_test(test_serials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

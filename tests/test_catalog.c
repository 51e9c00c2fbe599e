/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/catalog.h"
#include "zones/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t to_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
    return size;
}

static void build(const char *const *apexes, size_t count, uint8_t **block, struct catalog *catalog)
{
    uint8_t(*names)[NAME_SIZE_MAX] = calloc(count + 1, sizeof *names);
    struct catalog_zone *zones = calloc(count + 1, sizeof *zones);
    size_t size;
    for (size_t i = 0; i < count; i++) {
        to_name(apexes[i], names[i]);
        zones[i] = (struct catalog_zone){.apex = names[i], .image_id = i + 100, .serial = (uint32_t)i};
    }
    assert_int_equal(catalog_build(zones, count, block, &size), STATUS_OK);
    assert_int_equal(catalog_open(*block, size, catalog), STATUS_OK);
    free(names);
    free(zones);
}

static void the_deepest_apex_is_found(void **state)
{
    (void)state;
    static const char *const apexes[] = {"example.", "sub.harbor.example.", "Harbor.Example.", "10.in-addr.arpa."};
    const struct {
        const char *name;
        int image; /* -1: none */
    } rows[] = {
        {"harbor.example.", 102},
        {"WWW.harbor.example.", 102},
        {"a.b.sub.harbor.example.", 101},
        {"x.example.", 100},
        {"example.", 100},
        {"com.", -1},
        {".", -1},
        {"arpa.", -1},
        {"1.10.in-addr.arpa.", 103},
        {"xharbor.example.", 100},
    };
    struct catalog catalog;
    uint8_t *block;
    build(apexes, 4, &block, &catalog);
    assert_int_equal(catalog_count(&catalog), 4);
    assert_int_equal(catalog_labels_max(&catalog), 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        struct name_split split;
        uint32_t index;
        to_name(rows[i].name, name);
        name_split(name, &split);
        const struct catalog_entry *entry = catalog_find(&catalog, &split, split.labels, &index);
        if (rows[i].image < 0) {
            assert_null(entry);
            continue;
        }
        assert_non_null(entry);
        assert_int_equal(entry->image_id, rows[i].image);
        assert_ptr_equal(entry, catalog_entry(&catalog, index));
    }
    memory_free(block);
}

static void the_root_and_nothing_are_catalogs_too(void **state)
{
    (void)state;
    static const char *const root[] = {"."};
    struct catalog catalog;
    uint8_t *block;
    struct name_split split;
    uint32_t index;
    name_split((const uint8_t *)"\001a", &split);
    build(root, 1, &block, &catalog);
    assert_non_null(catalog_find(&catalog, &split, split.labels, &index));
    memory_free(block);
    build(root, 0, &block, &catalog);
    assert_null(catalog_find(&catalog, &split, split.labels, &index));
    assert_int_equal(catalog_count(&catalog), 0);
    memory_free(block);
}

static void order_of_input_does_not_matter(void **state)
{
    (void)state;
    uint8_t a[] = "\001a";
    uint8_t b[] = "\001b";
    struct catalog_zone forth[] = {{.apex = a, .image_id = 1}, {.apex = b, .image_id = 2}};
    struct catalog_zone back[] = {{.apex = b, .image_id = 2}, {.apex = a, .image_id = 1}};
    uint8_t *one;
    uint8_t *two;
    size_t one_size;
    size_t two_size;
    assert_int_equal(catalog_build(forth, 2, &one, &one_size), STATUS_OK);
    assert_int_equal(catalog_build(back, 2, &two, &two_size), STATUS_OK);
    assert_int_equal(one_size, two_size);
    assert_memory_equal(one, two, one_size);
    memory_free(one);
    memory_free(two);
}

/* Damage must neither crash a search nor take it outside: the sanitizers watch. */
static void flipped_bits_stay_inside(void **state)
{
    (void)state;
    static const char *const apexes[] = {"a.", "b.a.", "c.b.a."};
    struct catalog catalog;
    uint8_t *block;
    struct name_split split;
    name_split((const uint8_t *)"\001x\001c\001b\001a", &split);
    build(apexes, 3, &block, &catalog);
    size_t size = catalog.size;
    uint8_t *copy = malloc(size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        uint32_t index;
        memcpy(copy, block, size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (catalog_open(copy, size, &catalog) != STATUS_OK)
            continue;
        const struct catalog_entry *entry = catalog_find(&catalog, &split, split.labels, &index);
        if (entry != NULL)
            catalog_apex(&catalog, entry);
    }
    free(copy);
    memory_free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_deepest_apex_is_found),
        cmocka_unit_test(the_root_and_nothing_are_catalogs_too),
        cmocka_unit_test(order_of_input_does_not_matter),
        cmocka_unit_test(flipped_bits_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

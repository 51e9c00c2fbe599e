/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/name.h"

#include <stdlib.h>
#include <string.h>

struct text_case {
    const char *text;
    const char *origin; /* wire, NULL: none */
    const char *shown;  /* as name_to_text gives it; NULL: must be refused */
};

#define LABEL63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static const struct text_case text_cases[] = {
    {"harbor.example.", NULL, "harbor.example."},
    {"harbor.example", NULL, "harbor.example."},
    {"www", "\006harbor\007example", "www.harbor.example."},
    {"@", "\006harbor\007example", "harbor.example."},
    {"\\@", "\007example", "\\@.example."},
    {".", NULL, "."},
    {"a\\.b.example.", NULL, "a\\.b.example."},
    {"a\\000b.example.", NULL, "a\\000b.example."},
    {"\\065\\066.example.", NULL, "AB.example."},
    {"caf\xc3\xa9.example.", NULL, "caf\\195\\169.example."},
    {"\\\"q\\\".example.", NULL, "\\\"q\\\".example."},
    {LABEL63 ".example.", NULL, LABEL63 ".example."},
    {LABEL63 "4.example.", NULL, NULL},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63 ".", NULL, NULL},
    {LABEL63 "." LABEL63 "." LABEL63 "."
             "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1.",
     NULL,
     LABEL63 "." LABEL63 "." LABEL63 "."
             "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1."},
    {LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, "\001x", NULL},
    {"", NULL, NULL},
    {"a..b.", NULL, NULL},
    {".a.", NULL, NULL},
    {"..", NULL, NULL},
    {"a\\", NULL, NULL},
    {"a\\25", NULL, NULL},
    {"a\\256.", NULL, NULL},
    {"a\\2x5.", NULL, NULL},
};

static void text_becomes_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof text_cases[0]; i++) {
        const struct text_case *row = &text_cases[i];
        uint8_t name[NAME_SIZE_MAX];
        size_t size = 0;
        enum status status = name_from_text(row->text, strlen(row->text), (const uint8_t *)row->origin, name, &size);
        if (row->shown == NULL) {
            assert_int_equal(status, STATUS_BAD_INPUT);
            continue;
        }
        char shown[NAME_TEXT_MAX];
        assert_int_equal(status, STATUS_OK);
        assert_int_equal(size, name_size(name));
        assert_int_equal(name_to_text(name, shown), strlen(row->shown));
        assert_string_equal(shown, row->shown);
    }
}

/* Both readers of a name off the wire, on exactly so many octets; its size, 0: it is none. */
static size_t check_wire(const uint8_t *wire, size_t available)
{
    uint8_t *exact = malloc(available + (available == 0));
    struct name_split split;
    size_t size = 0;
    memcpy(exact, wire, available);
    enum status status = name_from_wire(exact, available, &size);
    assert_int_equal(name_split_wire(exact, available, &split), status);
    if (status == STATUS_OK) {
        assert_int_equal(split.size, size);
        assert_int_equal(split.labels, name_label_count(exact));
        assert_int_equal(split.offset[0], size - 1);
        assert_int_equal(split.offset[split.labels], 0);
    }
    free(exact);
    return status == STATUS_OK ? size : 0;
}

static void wire_is_checked(void **state)
{
    (void)state;
    uint8_t longest[300];
    memset(longest, 1, sizeof longest);
    longest[254] = 0;
    assert_int_equal(check_wire(longest, sizeof longest), 255);
    longest[254] = 1;
    assert_int_equal(check_wire(longest, sizeof longest), 0);
    longest[256] = 0;
    assert_int_equal(check_wire(longest, sizeof longest), 0);
    assert_int_equal(check_wire((const uint8_t *)"\001a\000", 3), 3);
    assert_int_equal(check_wire((const uint8_t *)"\000", 1), 1);
    assert_int_equal(check_wire((const uint8_t *)"\001a", 2), 0);
    assert_int_equal(check_wire((const uint8_t *)"\001a\300\014", 4), 0);
    assert_int_equal(check_wire((const uint8_t *)"\100", 1), 0);
    assert_int_equal(check_wire((const uint8_t *)"", 0), 0);
}

/* RFC 4034 6.1, in its order, and octets that would break a careless key. */
static const char *const canonical[] = {
    "example.",         "a.example.",       "\\000.a.example.",    "\\000\\000.a.example.",
    "\\001.a.example.", "\\002.a.example.", "yljkjljk.a.example.", "Z.a.example.",
    "zABC.a.EXAMPLE.",  "a\\000.example.",  "a\\001.example.",     "aa.example.",
    "z.example.",       "\\001.z.example.", "*.z.example.",        "\\200.z.example.",
};

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static void keys_sort_canonically(void **state)
{
    (void)state;
    uint8_t last[NAME_KEY_MAX];
    size_t last_size = 0;
    for (size_t i = 0; i < sizeof canonical / sizeof canonical[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        uint8_t lower[NAME_SIZE_MAX];
        uint8_t back[NAME_SIZE_MAX];
        uint8_t key[NAME_KEY_MAX];
        size_t size;
        assert_int_equal(name_from_text(canonical[i], strlen(canonical[i]), NULL, name, &size), STATUS_OK);
        size_t key_size = name_to_key(name, key);
        assert_int_equal(name_to_lower(name, lower), size);
        assert_int_equal(name_from_key(key, key_size, back), size);
        assert_memory_equal(lower, back, size);
        if (i > 0)
            assert_true(compare_keys(last, last_size, key, key_size) < 0);
        memcpy(last, key, key_size);
        last_size = key_size;
    }
}

/* Octets 0 and 1 at each place of labels of each size. */
static void low_octets_are_escaped(void **state)
{
    (void)state;
    for (unsigned length = 1; length <= NAME_LABEL_MAX; length++) {
        for (unsigned place = 0; place < 2 * length; place++) {
            uint8_t name[2 + NAME_LABEL_MAX] = {(uint8_t)length};
            uint8_t wanted[NAME_LABEL_MAX + 2];
            uint8_t key[NAME_KEY_MAX];
            memset(name + 1, 'X', length);
            name[1 + place / 2] = (uint8_t)(place % 2);
            memset(wanted, 'x', sizeof wanted);
            wanted[place / 2] = 1;
            wanted[place / 2 + 1] = (uint8_t)(place % 2 + 1);
            wanted[length + 1] = 0;
            assert_int_equal(name_to_key(name, key), length + 2);
            assert_memory_equal(key, wanted, length + 2);
        }
    }
}

static void the_longest_keys_fit(void **state)
{
    (void)state;
    uint8_t name[NAME_SIZE_MAX];
    uint8_t key[NAME_KEY_MAX];
    uint8_t back[NAME_SIZE_MAX];
    size_t position = 0;
    for (unsigned label = 0; label < 4; label++) {
        uint8_t length = label < 3 ? 63 : 61;
        name[position] = length;
        memset(name + position + 1, 0, length);
        position += 1u + length;
    }
    name[position] = 0;
    size_t key_size = name_to_key(name, key);
    assert_int_equal(key_size, 2 * 250 + 4);
    assert_int_equal(name_from_key(key, key_size, back), NAME_SIZE_MAX);
    assert_memory_equal(name, back, NAME_SIZE_MAX);
    assert_int_equal(name_from_key(key, key_size - 1, back), 0);
    assert_int_equal(name_from_key((const uint8_t *)"\001\003\000", 3, back), 0);
}

static void relations(void **state)
{
    (void)state;
    const uint8_t *www = (const uint8_t *)"\003WWW\006harbor\007example";
    const uint8_t *harbor = (const uint8_t *)"\006HARBOR\007example";
    const uint8_t *root = (const uint8_t *)"";
    assert_true(name_is_at_or_below(www, harbor));
    assert_true(name_is_at_or_below(harbor, harbor));
    assert_false(name_is_at_or_below(harbor, www));
    assert_true(name_is_at_or_below(harbor, root));
    assert_false(name_is_at_or_below((const uint8_t *)"\007aharbor\007example", harbor));
    assert_int_equal(name_label_count(www), 3);
    assert_int_equal(name_label_count(root), 0);
    assert_true(name_equal(name_parent(www), harbor));
    assert_ptr_equal(name_parent(root), root);
    assert_true(name_is_wildcard((const uint8_t *)"\001*\007example"));
    assert_false(name_is_wildcard((const uint8_t *)"\002**\007example"));
    assert_false(name_equal((const uint8_t *)"\001[", (const uint8_t *)"\001{"));
}

static void splits_hash_every_ancestor(void **state)
{
    (void)state;
    struct name_split upper;
    struct name_split parent;
    name_split((const uint8_t *)"\003WWW\006harbor\007EXAMPLE", &upper);
    name_split((const uint8_t *)"\006Harbor\007example", &parent);
    assert_int_equal(upper.labels, 3);
    assert_int_equal(upper.size, 20);
    assert_memory_equal(upper.lower, "\003www\006harbor\007example", 20);
    assert_true(upper.hash[2] == parent.hash[2]);
    assert_true(upper.hash[0] == NAME_HASH_ROOT);
    assert_true(upper.hash[3] != upper.hash[2]);
    assert_int_equal(upper.offset[2], 4);
    assert_int_equal(upper.offset[0], 19);
    assert_true(name_hash_child(upper.hash[2], (const uint8_t *)"\003www") == upper.hash[3]);
}

/* The hash one octet at a time, as images of this layout hold it where the lowest octet of a number comes first. */
static uint64_t slow_hash(const uint8_t *label)
{
    const uint64_t prime = UINT64_C(0xa0761d6478bd642f);
    uint64_t hash = NAME_HASH_ROOT;
    for (unsigned at = 0; at <= label[0]; at += 8) {
        uint64_t word = 0;
        for (unsigned i = at; i <= label[0] && i < at + 8; i++)
            word |= (uint64_t)label[i] << 8 * (i - at);
        __extension__ unsigned __int128 product = (unsigned __int128)(hash ^ word) * prime;
        hash = (uint64_t)product ^ (uint64_t)(product >> 64) ^ (word + prime);
    }
    return hash;
}

/* Names are worked on eight octets at a time. Here each stands in just its own bytes: the sanitizers see more. */
static void labels_of_every_size(void **state)
{
    (void)state;
    const uint16_t one = 1;
    bool lowest_first = *(const uint8_t *)&one == 1;
    for (unsigned length = 1; length <= NAME_LABEL_MAX; length++) {
        for (unsigned first = 0; first < 256; first++) {
            uint8_t *name = test_malloc(length + 2);
            uint8_t lower[NAME_SIZE_MAX];
            struct name_split split;
            name[0] = lower[0] = (uint8_t)length;
            for (unsigned i = 1; i <= length; i++) {
                name[i] = (uint8_t)(first + i * 37);
                lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? (uint8_t)(name[i] + 32) : name[i];
            }
            name[length + 1] = lower[length + 1] = 0;
            name_split(name, &split);
            assert_int_equal(split.size, length + 2);
            assert_memory_equal(split.lower, lower, length + 2);
            assert_true(!lowest_first || split.hash[1] == slow_hash(lower));
            assert_true(name_equal(name, lower));
            lower[1 + first % length] ^= 1;
            assert_false(name_equal(name, lower));
            test_free(name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_names),         cmocka_unit_test(wire_is_checked),
        cmocka_unit_test(keys_sort_canonically),      cmocka_unit_test(low_octets_are_escaped),
        cmocka_unit_test(the_longest_keys_fit),       cmocka_unit_test(relations),
        cmocka_unit_test(splits_hash_every_ancestor), cmocka_unit_test(labels_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

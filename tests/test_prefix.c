/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/prefix.h"

#include <string.h>

/* ---- text ---- */

static void test_address_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown; /* NULL: refused */
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8::1", "2001:db8::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::", "::"},
        {"", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.02.1", NULL},
        {"fe80::1%eth0", NULL},
        {" 192.0.2.1", NULL},
        {"0000:0000:0000:0000:0000:ffff:255.255.255.2555", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        char text[ADDRESS_TEXT_MAX];
        enum status status = address_from_text(cases[i].text, strlen(cases[i].text), &address);
        assert_int_equal(status, cases[i].shown == NULL ? STATUS_BAD_INPUT : STATUS_OK);
        if (status != STATUS_OK)
            continue;
        address_to_text(&address, text);
        assert_string_equal(text, cases[i].shown);
    }
    struct address address;
    assert_int_equal(address_from_text("192.0.2.12", 9, &address), STATUS_OK);
    assert_int_equal(address.bytes[3], 1);
    assert_int_equal(address_from_bytes(address.bytes, 5).family, 0);
}

static void test_prefix_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown; /* NULL: refused; with host_bits: the network meant */
        bool host_bits;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8", false},
        {"10.0.0.0/0", "0.0.0.0/0", true},
        {"0.0.0.0/0", "0.0.0.0/0", false},
        {"10.1.2.3", "10.1.2.3/32", false},
        {"10.1.2.3/31", "10.1.2.2/31", true},
        {"10.1.2.3/8", "10.0.0.0/8", true},
        {"::/0", "::/0", false},
        {"2001:db8::/32", "2001:db8::/32", false},
        {"2001:db8::1/64", "2001:db8::/64", true},
        {"2001:db8:ffff::/33", "2001:db8:8000::/33", true},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8", false},
        {"::ffff:0.0.0.0/96", "0.0.0.0/0", false},
        {"::ffff:10.0.0.0/95", NULL, false},
        {"10.0.0.0/33", NULL, false},
        {"10.0.0.0/", NULL, false},
        {"10.0.0.0/08", NULL, false},
        {"10.0.0.0/-1", NULL, false},
        {"10.0.0.0/8x", NULL, false},
        {"::/129", NULL, false},
        {"/8", NULL, false},
        {"", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct prefix prefix;
        bool host_bits;
        char text[PREFIX_TEXT_MAX];
        enum status status = prefix_from_text(cases[i].text, strlen(cases[i].text), &prefix, &host_bits);
        bool is_ok = cases[i].shown != NULL && !cases[i].host_bits;
        assert_int_equal(status, is_ok ? STATUS_OK : STATUS_BAD_INPUT);
        assert_int_equal(host_bits, cases[i].host_bits);
        if (cases[i].shown == NULL)
            continue;
        prefix_to_text(&prefix, text);
        assert_string_equal(text, cases[i].shown);
    }
}

static struct prefix make_prefix(const char *text)
{
    struct prefix prefix;
    bool host_bits;
    assert_int_equal(prefix_from_text(text, strlen(text), &prefix, &host_bits), STATUS_OK);
    return prefix;
}

static struct address make_address(const char *text)
{
    struct address address;
    assert_int_equal(address_from_text(text, strlen(text), &address), STATUS_OK);
    return address;
}

static void test_private(void **state)
{
    (void)state;
    static const char *const inside[] = {"10.1.2.3",    "172.31.0.1", "192.168.9.9", "100.64.0.1", "169.254.1.1",
                                         "127.255.0.1", "::1",        "fd00::1",     "fe80::1"};
    static const char *const outside[] = {"9.255.255.255", "172.32.0.1",  "192.0.2.1",
                                          "100.128.0.1",   "2001:db8::1", "::2"};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        struct address address = make_address(inside[i]);
        assert_true(address_is_private(&address));
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        struct address address = make_address(outside[i]);
        assert_false(address_is_private(&address));
    }
}

/* ---- the map ---- */

static void check_find(const struct prefix_map *map, const char *text, uint32_t value, unsigned scope)
{
    struct address address = make_address(text);
    struct prefix_match match = prefix_map_find(map, &address);
    assert_int_equal(match.value, value);
    assert_int_equal(match.scope, scope);
}

static void test_map(void **state)
{
    (void)state;
    uint32_t other = 0;
    struct prefix_map *map = prefix_map_new();
    static const char *const texts[] = {"10.0.0.0/8", "10.1.0.0/16", "255.255.255.255", "2001:db8::/32", "ffff::/16"};
    for (uint32_t i = 0; i < 5; i++) {
        struct prefix prefix = make_prefix(texts[i]);
        assert_int_equal(prefix_map_add(map, &prefix, i, &other), STATUS_OK);
    }
    struct prefix again = make_prefix("10.1.0.0/16");
    assert_int_equal(prefix_map_add(map, &again, 1, &other), STATUS_OK);
    assert_int_equal(prefix_map_add(map, &again, 7, &other), STATUS_BAD_INPUT);
    assert_int_equal(other, 1);
    assert_int_equal(prefix_map_freeze(map, PREFIX_NO_VALUE), STATUS_OK);
    check_find(map, "10.2.0.1", 0, 15);
    check_find(map, "10.1.0.1", 1, 16);
    check_find(map, "10.0.255.255", 0, 16);
    check_find(map, "10.200.0.1", 0, 9);
    check_find(map, "::ffff:10.1.0.1", 1, 16);
    check_find(map, "11.0.0.0", PREFIX_NO_VALUE, 8);
    check_find(map, "0.0.0.0", PREFIX_NO_VALUE, 5);
    check_find(map, "255.255.255.255", 2, 32);
    check_find(map, "255.255.255.254", PREFIX_NO_VALUE, 32);
    check_find(map, "2001:db8:ffff::1", 3, 32);
    check_find(map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4, 16);
    check_find(map, "::", PREFIX_NO_VALUE, 3);
    struct address none = {0};
    assert_int_equal(prefix_map_find(map, &none).value, PREFIX_NO_VALUE);
    prefix_map_free(map);
}

static void test_map_ends(void **state)
{
    (void)state;
    uint32_t other;
    struct prefix_map *map = prefix_map_new();
    assert_int_equal(prefix_map_freeze(map, PREFIX_NO_VALUE), STATUS_OK);
    check_find(map, "10.0.0.1", PREFIX_NO_VALUE, 0);
    check_find(map, "2001:db8::1", PREFIX_NO_VALUE, 0);
    prefix_map_free(map);
    map = prefix_map_new();
    struct prefix all = make_prefix("0.0.0.0/0");
    struct prefix half = make_prefix("128.0.0.0/1");
    assert_int_equal(prefix_map_add(map, &all, 1, &other), STATUS_OK);
    assert_int_equal(prefix_map_add(map, &half, 2, &other), STATUS_OK);
    assert_int_equal(prefix_map_freeze(map, PREFIX_NO_VALUE), STATUS_OK);
    check_find(map, "10.0.0.1", 1, 1);
    check_find(map, "255.255.255.255", 2, 1);
    check_find(map, "::", PREFIX_NO_VALUE, 0);
    prefix_map_free(map);
}

/* ---- against a naive model ---- */

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define NETWORKS_MAX 24
#define HIGH_BITS    10 /* networks and addresses differ in these first bits, so that they meet often */

struct model {
    struct prefix prefixes[NETWORKS_MAX];
    uint32_t values[NETWORKS_MAX];
    size_t count;
    uint32_t otherwise;
};

/* An address of a small world: few leading bits vary, and a few of the last. */
static struct address random_address(uint64_t *seed, uint8_t family)
{
    struct address address = {.family = family};
    unsigned last = family == 4 ? 3 : 15;
    uint64_t bits = next_random(seed);
    address.bytes[0] = (uint8_t)bits;
    address.bytes[1] = (uint8_t)(bits >> 8 & 0xc0);
    address.bytes[last] = (uint8_t)(bits >> 16 & 0x0f);
    if ((bits >> 24 & 3) == 0)
        memset(address.bytes, 0xff, last);
    return address;
}

static struct prefix random_prefix(uint64_t *seed, uint8_t family)
{
    unsigned width = family == 4 ? 32 : 128;
    uint64_t bits = next_random(seed);
    unsigned length = (bits & 7) == 0 ? width - (unsigned)(bits >> 8) % 5 : (unsigned)(bits >> 8) % (HIGH_BITS + 1);
    struct prefix prefix = {random_address(seed, family), (uint8_t)length};
    for (unsigned bit = length; bit < width; bit++)
        prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return prefix;
}

/* Longest match by looking at all networks. */
static uint32_t model_find(const struct model *model, const struct address *address)
{
    uint32_t value = model->otherwise;
    int length = -1;
    for (size_t i = 0; i < model->count; i++)
        if (prefix_contains(&model->prefixes[i], address) && model->prefixes[i].length > length) {
            value = model->values[i];
            length = model->prefixes[i].length;
        }
    return value;
}

/* First or last address of the block of `bits` bits around an address. */
static struct address block_edge(const struct address *address, unsigned bits, bool last)
{
    struct address edge = *address;
    for (unsigned bit = bits; bit < (address->family == 4 ? 32u : 128u); bit++) {
        uint8_t mask = (uint8_t)(0x80u >> bit % 8);
        edge.bytes[bit / 8] = (uint8_t)(last ? edge.bytes[bit / 8] | mask : edge.bytes[bit / 8] & ~mask);
    }
    return edge;
}

static bool is_same_match(const struct model *model, const struct address *address, uint32_t value)
{
    return model_find(model, address) == value;
}

/* All addresses of the block get `value`: it changes only at the edges of networks, so those inside the block, and the
 * addresses right behind them (which are the first of their sibling blocks), and the block's own edges are enough. */
static bool is_uniform(const struct model *model, const struct address *address, unsigned bits, uint32_t value)
{
    struct prefix block = {block_edge(address, bits, false), (uint8_t)bits};
    struct address last = block_edge(address, bits, true);
    if (!is_same_match(model, &block.address, value) || !is_same_match(model, &last, value))
        return false;
    for (size_t i = 0; i < model->count; i++) {
        const struct prefix *prefix = &model->prefixes[i];
        struct address points[2] = {prefix->address, block_edge(&prefix->address, prefix->length, true)};
        for (unsigned k = 0; k < 2; k++) {
            if (prefix_contains(&block, &points[k]) && !is_same_match(model, &points[k], value))
                return false;
            struct address beside = points[k];
            unsigned step = k == 0 ? 0xff : 1;
            for (int byte = prefix->address.family == 4 ? 3 : 15; byte >= 0; byte--) {
                beside.bytes[byte] = (uint8_t)(beside.bytes[byte] + step);
                if (beside.bytes[byte] != (k == 0 ? 0xff : 0))
                    break;
            }
            if (prefix_contains(&block, &beside) && !is_same_match(model, &beside, value))
                return false;
        }
    }
    return true;
}

static void check_world(uint64_t *seed, uint8_t family, unsigned questions)
{
    struct model model = {.otherwise = next_random(seed) % 2 == 0 ? PREFIX_NO_VALUE : 1};
    struct prefix_map *map = prefix_map_new();
    assert_non_null(map);
    size_t wanted = next_random(seed) % NETWORKS_MAX;
    for (size_t i = 0; i < wanted; i++) {
        struct prefix prefix = random_prefix(seed, family);
        uint32_t value = (uint32_t)(next_random(seed) % 3);
        uint32_t other;
        if (prefix_map_add(map, &prefix, value, &other) != STATUS_OK)
            continue;
        model.prefixes[model.count] = prefix;
        model.values[model.count++] = value;
    }
    assert_int_equal(prefix_map_freeze(map, model.otherwise), STATUS_OK);
    for (unsigned i = 0; i < questions; i++) {
        struct address address = random_address(seed, family);
        struct prefix_match got = prefix_map_find(map, &address);
        uint32_t value = model_find(&model, &address);
        assert_int_equal(got.value, value);
        assert_true(is_uniform(&model, &address, got.scope, value));
        assert_false(got.scope > 0 && is_uniform(&model, &address, got.scope - 1u, value));
    }
    prefix_map_free(map);
}

static void test_property(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x5eed5eed5eed5eed);
    for (unsigned world = 0; world < 6000; world++)
        check_world(&seed, world % 2 == 0 ? 4 : 6, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_text), cmocka_unit_test(test_prefix_text), cmocka_unit_test(test_private),
        cmocka_unit_test(test_map),          cmocka_unit_test(test_map_ends),    cmocka_unit_test(test_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

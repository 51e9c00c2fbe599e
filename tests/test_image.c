/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support.h"
#include "zones/image.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/prefetch.h"
#include "zones/zonefile.h"

#include <stdlib.h>
#include <string.h>

static const char text[] = "$TTL 3600\n"
                           "@ 7200 SOA ns hostmaster 77 7200 900 1209600 1800\n"
                           " NS ns\n"
                           "ns A 192.0.2.1\n"
                           "www CNAME ns\n"
                           "WWW2 A 192.0.2.2\n"
                           "*.w TXT a\n"
                           "d DNAME w\n"
                           "x.d TXT below\n"
                           "sub NS ns.sub\n"
                           "ns.sub A 192.0.2.4\n"
                           "a.b.c MX 1 ns\n";

static void build(struct support_world *world)
{
    support_world_init(world);
    support_add_zone(world, "x", text, sizeof text - 1);
    support_finish(world);
}

static const struct image_node *find(const struct image *image, const char *name_text)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    struct name_split split;
    assert_int_equal(name_from_text(name_text, strlen(name_text), NULL, name, &size), STATUS_OK);
    name_split(name, &split);
    return image_find(image, &split, split.labels);
}

static void nodes_carry_their_flags(void **state)
{
    (void)state;
    const struct {
        const char *name;
        unsigned flags;
        unsigned rrsets;
    } rows[] = {
        {"x", NODE_APEX, 2},
        {"ns.x", 0, 1},
        {"www2.x", 0, 1},
        {"w.x", 0, 0},
        {"*.w.x", NODE_WILDCARD, 1},
        {"d.x", NODE_DNAME, 1},
        {"x.d.x", NODE_BELOW_CUT, 1},
        {"sub.x", NODE_CUT, 1},
        {"ns.sub.x", NODE_BELOW_CUT, 1},
        {"b.c.x", 0, 0},
        {"c.x", 0, 0},
    };
    struct support_world world;
    struct image image;
    build(&world);
    assert_int_equal(image_open(world.compiled[0].block, world.compiled[0].size, &image), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct image_node *node = find(&image, rows[i].name);
        assert_non_null(node);
        assert_int_equal(node->flags, rows[i].flags);
        assert_int_equal(node->rrset_count, rows[i].rrsets);
    }
    assert_null(find(&image, "none.x"));
    assert_ptr_equal(image_node(&image, find(&image, "x.d.x")->cut), find(&image, "d.x"));
    assert_ptr_equal(image_node(&image, find(&image, "w.x")->wildcard), find(&image, "*.w.x"));
    support_world_clear(&world);
}

static void headers_hold_the_soa_s_numbers(void **state)
{
    (void)state;
    struct support_world world;
    struct image image;
    bool damaged = false;
    build(&world);
    assert_int_equal(world.compiled[0].serial, 77);
    assert_int_equal(image_open(world.compiled[0].block, world.compiled[0].size, &image), STATUS_OK);
    assert_int_equal(image.header->negative_ttl, 1800);
    assert_int_equal(image.header->record_count, 11);
    assert_int_equal(image.header->node_count, 13);
    const struct image_rrset *soa = image_find_rrset(&image, find(&image, "x"), RRTYPE_SOA, &damaged);
    struct rrset rrset = image_rrset_data(&image, soa);
    struct rdata rdata;
    uint32_t position = 0;
    assert_true(rrset_next_rdata(&rrset, &position, &rdata));
    assert_int_equal(read_u32(rdata.bytes + soa_serial_offset(&rdata)), 0);
    const struct image_rrset *cname = image_find_rrset(&image, find(&image, "www.x"), RRTYPE_CNAME, &damaged);
    assert_ptr_equal(image_rrset_hint(&image, cname, 0), find(&image, "ns.x"));
    support_world_clear(&world);
}

static void equal_zones_give_equal_bytes(void **state)
{
    (void)state;
    struct support_world one;
    struct support_world two;
    build(&one);
    build(&two);
    assert_int_equal(one.compiled[0].size, two.compiled[0].size);
    assert_memory_equal(one.compiled[0].block, two.compiled[0].block, one.compiled[0].size);
    support_world_clear(&one);
    support_world_clear(&two);
}

static void take_bytes(const char *name_text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(name_text, strlen(name_text), NULL, name, &size), STATUS_OK);
}

/* A zone with marks, compiled; the caller frees the block. */
static void compile_marked(bool pinpoint, struct compiled *compiled)
{
    static const struct {
        const char *name;
        uint16_t flags;
    } marks[] = {{"www2.x", 0},
                 {"hidden.x", ZONE_HIDDEN},
                 {"c.x", ZONE_HIDDEN},
                 {"a.b.none.x", ZONE_HIDDEN_BELOW},
                 {"w.x", ZONE_HIDDEN_BELOW},
                 {"e.f.x", ZONE_EMPTY},
                 {"*.h.x", ZONE_HIDDEN},
                 {"x", ZONE_HIDDEN_BELOW}};
    struct diag diag;
    struct source *none = NULL;
    const struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    uint8_t name[NAME_SIZE_MAX];
    diag_init(&diag);
    take_bytes("x", name);
    struct zone *zone = zone_new(name);
    assert_non_null(zone);
    zone->pinpoint = pinpoint;
    assert_int_equal(zonefile_read_text(none, "x", text, sizeof text - 1, &options, zone, &diag), STATUS_OK);
    for (size_t i = 0; i + (pinpoint ? 1 : 0) < sizeof marks / sizeof marks[0]; i++) {
        take_bytes(marks[i].name, name);
        assert_int_equal(zone_add_mark(zone, name, marks[i].flags, (struct origin){.file = ORIGIN_NONE}), STATUS_OK);
    }
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    assert_int_equal(compile_zone(zone, compiled, &diag), STATUS_OK);
    assert_int_equal(image_verify(compiled->block, compiled->size, &diag), STATUS_OK);
    zone_free(zone);
    diag_clear(&diag);
}

static void marks_become_flags(void **state)
{
    (void)state;
    const struct {
        const char *name;
        unsigned plain;
        unsigned pinpoint;
    } rows[] = {
        {"x", NODE_APEX | NODE_HIDDEN_BELOW, NODE_APEX | NODE_FOREIGN | NODE_PINPOINT},
        {"www2.x", 0, 0},
        {"hidden.x", NODE_HIDDEN | NODE_MISSING, NODE_HIDDEN | NODE_MISSING},
        {"c.x", NODE_HIDDEN, NODE_HIDDEN},
        {"b.c.x", 0, NODE_FOREIGN},
        {"none.x", NODE_MISSING, NODE_MISSING},
        {"b.none.x", NODE_MISSING, NODE_MISSING},
        {"a.b.none.x", NODE_HIDDEN_BELOW | NODE_MISSING, NODE_HIDDEN_BELOW | NODE_MISSING},
        {"w.x", NODE_HIDDEN_BELOW, NODE_HIDDEN_BELOW | NODE_FOREIGN},
        {"f.x", 0, NODE_FOREIGN},
        {"e.f.x", 0, NODE_FOREIGN},
        {"h.x", NODE_MISSING, NODE_MISSING},
        {"*.h.x", NODE_WILDCARD | NODE_HIDDEN | NODE_MISSING, NODE_WILDCARD | NODE_HIDDEN | NODE_MISSING},
    };
    for (int pinpoint = 0; pinpoint < 2; pinpoint++) {
        struct compiled compiled;
        struct image image;
        compile_marked(pinpoint != 0, &compiled);
        assert_int_equal(image_open(compiled.block, compiled.size, &image), STATUS_OK);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const struct image_node *node = find(&image, rows[i].name);
            assert_non_null(node);
            assert_int_equal(node->flags, pinpoint != 0 ? rows[i].pinpoint : rows[i].plain);
        }
        assert_int_equal(find(&image, "h.x")->wildcard, 0);
        assert_int_not_equal(find(&image, "w.x")->wildcard, 0);
        memory_free(compiled.block);
    }
}

static enum status verify(const void *block, size_t size)
{
    struct diag diag;
    diag_init(&diag);
    enum status status = image_verify(block, size, &diag);
    assert_true(status == STATUS_OK || diag.errors == 1);
    diag_clear(&diag);
    return status;
}

static void whole_images_verify(void **state)
{
    (void)state;
    struct support_world world;
    build(&world);
    assert_int_equal(verify(world.compiled[0].block, world.compiled[0].size), STATUS_OK);
    assert_int_equal(verify(world.compiled[0].block, world.compiled[0].size - 1), STATUS_DAMAGED);
    assert_int_equal(verify(world.compiled[0].block, 16), STATUS_DAMAGED);
    struct image_header *header = (struct image_header *)(void *)world.compiled[0].block;
    header->version++;
    assert_int_equal(verify(world.compiled[0].block, world.compiled[0].size), STATUS_VERSION);
    support_world_clear(&world);
}

static void ask_everything(struct support_world *world)
{
    static const char *const names[] = {"x", "www.x", "q.w.x", "q.d.x", "q.sub.x", "none.x", "b.c.x", "a.b.c.x"};
    struct answer *answer = malloc(sizeof *answer);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        struct name_split split;
        struct prefetch prefetch;
        name_from_text(names[i], strlen(names[i]), NULL, name, &size);
        name_split(name, &split);
        prefetch_begin(&prefetch, &world->catalog, &split);
        prefetch_finish(&prefetch, 1);
        answer_reset(answer);
        zone_lookup(&world->catalog, name, RRTYPE_MX, answer);
        answer_reset(answer);
        zone_lookup(&world->catalog, name, RRTYPE_ANY, answer);
    }
    free(answer);
}

/* Every single bit, one after the other: lookups stay inside (the sanitizers watch) and verify tells. */
static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct support_world world;
    build(&world);
    size_t size = world.compiled[0].size;
    uint8_t *copy = NULL;
    assert_int_equal(posix_memalign((void **)&copy, IMAGE_ALIGNMENT, size), 0);
    world.images[0] = (struct image_ref){.block = copy, .size = size};
    for (size_t bit = 0; bit < size * 8; bit++) {
        memcpy(copy, world.compiled[0].block, size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(verify(copy, size), STATUS_OK);
        ask_everything(&world);
    }
    free(copy);
    support_world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_carry_their_flags),      cmocka_unit_test(headers_hold_the_soa_s_numbers),
        cmocka_unit_test(equal_zones_give_equal_bytes), cmocka_unit_test(whole_images_verify),
        cmocka_unit_test(every_flipped_bit_is_found),   cmocka_unit_test(marks_become_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

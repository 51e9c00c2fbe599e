/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support.h"
#include "zones/diff.h"
#include "zones/memory.h"
#include "zones/zone.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"

static void print_side(FILE *stream, char sign, const struct rrset *rrset)
{
    uint32_t position = 0;
    struct rdata rdata;
    char text[500];

    if (rrset->count == 0)
        return;
    fprintf(stream, " %c%u", sign, rrset->ttl);
    while (rrset_next_rdata(rrset, &position, &rdata)) {
        assert_int_equal(zonefile_rdata_to_text(rrset->type, &rdata, text, sizeof text), STATUS_OK);
        fprintf(stream, " %s", text);
    }
}

static bool print_change(void *context, const struct diff_rrset *rrset)
{
    FILE *stream = context;
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(rrset->owner, owner);
    rrtype_to_text(rrset->type, type);
    fprintf(stream, "%s %s", owner, type);
    print_side(stream, '-', &rrset->before);
    print_side(stream, '+', &rrset->after);
    putc('\n', stream);
    return true;
}

static struct image open_image(const struct support_world *world, size_t number)
{
    struct image image;

    assert_int_equal(image_open(world->compiled[number].block, world->compiled[number].size, &image), STATUS_OK);
    return image;
}

static void check_difference(const char *before, const char *after, const char *wanted)
{
    struct support_world world;
    struct image images[2];
    const struct image *given[2] = {NULL, NULL};
    const char *texts[2] = {before, after};
    char *actual = NULL;
    size_t size = 0;

    support_world_init(&world);
    for (size_t i = 0; i < 2; i++)
        if (texts[i] != NULL) {
            support_add_zone(&world, "a.example", texts[i], strlen(texts[i]));
            images[i] = open_image(&world, world.count - 1);
            given[i] = &images[i];
        }
    FILE *stream = open_memstream(&actual, &size);
    assert_non_null(stream);
    assert_int_equal(zone_diff(given[0], given[1], print_change, stream), STATUS_OK);
    fclose(stream);
    assert_string_equal(actual, wanted);
    free(actual);
    support_world_clear(&world);
}

static void test_known(void **state)
{
    static const struct {
        const char *before;
        const char *after;
        const char *wanted;
    } cases[] = {
        {NULL, NULL, ""},
        {HEAD, HEAD, ""},
        /* a serial is no difference, another word of the SOA is */
        {HEAD, "@ 3600 SOA ns hostmaster 2 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n", ""},
        {HEAD, "@ 3600 SOA ns hostmaster 1 7200 900 1209600 61\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n",
         "a.example. SOA -3600 ns.a.example. hostmaster.a.example. 0 7200 900 1209600 60 +3600 ns.a.example. "
         "hostmaster.a.example. 0 7200 900 1209600 61\n"},
        /* the order of records is none, their TTL is */
        {HEAD "w 60 A 192.0.2.2\nw 60 A 192.0.2.3\n", HEAD "w 60 A 192.0.2.3\nw 60 A 192.0.2.2\n", ""},
        {HEAD "w 60 A 192.0.2.2\n", HEAD "w 61 A 192.0.2.2\n", "w.a.example. A -60 192.0.2.2 +61 192.0.2.2\n"},
        {HEAD "W 60 A 192.0.2.2\n", HEAD "w 60 A 192.0.2.2\n", ""},
        {HEAD "w 60 A 192.0.2.2\n", HEAD "w 60 A 192.0.2.2\nw 60 A 192.0.2.3\n",
         "w.a.example. A -60 192.0.2.2 +60 192.0.2.2 192.0.2.3\n"},
        /* owners in canonical order, types rising */
        {HEAD "b 60 A 192.0.2.2\nx.b 60 A 192.0.2.2\nc 60 TXT one\n",
         HEAD "b 60 AAAA 2001:db8::1\n\\000.b 60 A 192.0.2.9\nc 60 TXT two\nc 60 A 192.0.2.4\n",
         "b.a.example. A -60 192.0.2.2\n"
         "b.a.example. AAAA +60 2001:db8::1\n"
         "\\000.b.a.example. A +60 192.0.2.9\n"
         "x.b.a.example. A -60 192.0.2.2\n"
         "c.a.example. A +60 192.0.2.4\n"
         "c.a.example. TXT -60 \"one\" +60 \"two\"\n"},
        {NULL, HEAD,
         "a.example. NS +3600 ns.a.example.\n"
         "a.example. SOA +3600 ns.a.example. hostmaster.a.example. 0 7200 900 1209600 60\n"
         "ns.a.example. A +3600 192.0.2.1\n"},
        {HEAD, NULL,
         "a.example. NS -3600 ns.a.example.\n"
         "a.example. SOA -3600 ns.a.example. hostmaster.a.example. 0 7200 900 1209600 60\n"
         "ns.a.example. A -3600 192.0.2.1\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_difference(cases[i].before, cases[i].after, cases[i].wanted);
}

static bool stop_at_once(void *context, const struct diff_rrset *rrset)
{
    unsigned *count = context;

    (void)rrset;
    ++*count;
    return false;
}

static void test_stop(void **state)
{
    struct support_world world;
    unsigned count = 0;

    (void)state;
    support_world_init(&world);
    support_add_zone(&world, "a.example", HEAD, strlen(HEAD));
    struct image image = open_image(&world, 0);
    assert_int_equal(zone_diff(NULL, &image, stop_at_once, &count), STATUS_OK);
    assert_int_equal(count, 1);
    support_world_clear(&world);
}

/* Every damaged byte gives differences or DAMAGED, and nothing worse. */
static void test_damaged(void **state)
{
    static const char text[] = HEAD "w 60 A 192.0.2.2\nx.y 60 TXT one\n*.z 60 MX 10 w\n";
    struct support_world world;
    unsigned damaged = 0;

    (void)state;
    support_world_init(&world);
    support_add_zone(&world, "a.example", HEAD, strlen(HEAD));
    support_add_zone(&world, "a.example", text, strlen(text));
    struct image before = open_image(&world, 0);
    uint8_t *block = world.compiled[1].block;
    size_t size = world.compiled[1].size;
    for (size_t i = 0; i < size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct image after;
            unsigned count = 0;
            block[i] ^= (uint8_t)(1u << bit);
            if (image_open(block, size, &after) == STATUS_OK) {
                damaged += zone_diff(&before, &after, stop_at_once, &count) == STATUS_DAMAGED;
                enum status status = zone_diff(&after, &before, stop_at_once, &count);
                assert_true(status == STATUS_OK || status == STATUS_DAMAGED);
            }
            block[i] ^= (uint8_t)(1u << bit);
        }
    assert_true(damaged > 0);
    support_world_clear(&world);
}

/* Random zones against a comparison by search. */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static const char *const owners[] = {"@", "b", "c.b", "*.b", "d.c.b", "e", "\\000", "\\255.e", "f-g", "f", "z.y.x"};
static const uint16_t types[] = {RRTYPE_A, RRTYPE_TXT, RRTYPE_AAAA, 65400};

static void add_random(struct zone *zone, uint32_t *seed)
{
    const char *owner_text = owners[next_random(seed) % (sizeof owners / sizeof owners[0])];
    uint16_t type = types[next_random(seed) % 4];
    uint8_t owner[NAME_SIZE_MAX];
    uint8_t rdata[16] = {0};
    size_t size;

    assert_int_equal(name_from_text(owner_text, strlen(owner_text), zone->apex, owner, &size), STATUS_OK);
    uint16_t rdata_size = type == RRTYPE_A ? 4 : type == RRTYPE_AAAA ? 16 : 2;
    rdata[rdata_size - 1] = (uint8_t)(next_random(seed) % 3);
    rdata[0] = type == RRTYPE_TXT ? 1 : 0;
    uint32_t ttl = 60 + next_random(seed) % 2;
    assert_int_equal(zone_add(zone, owner, type, ttl, rdata, rdata_size, (struct origin){0}), STATUS_OK);
}

static struct zone *random_zone(uint32_t *seed)
{
    struct diag diag;
    struct zone *zone = zone_new((const uint8_t *)"\1a\7example");
    static const uint8_t soa[] = {1, 'n', 0, 1, 'h', 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9};

    diag_init(&diag);
    assert_non_null(zone);
    assert_int_equal(zone_add(zone, zone->apex, RRTYPE_SOA, 60, soa, sizeof soa, (struct origin){0}), STATUS_OK);
    for (unsigned i = next_random(seed) % 40; i > 0; i--)
        add_random(zone, seed);
    assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
    diag_clear(&diag);
    return zone;
}

static bool zone_has(const struct zone *zone, const struct zone_rrset *rrset, const struct rdata *rdata)
{
    for (size_t i = 0; i < rrset->count; i++) {
        struct rdata one = zone_rdata(zone, &zone->records[rrset->first + i]);
        if (one.size == rdata->size && memcmp(one.bytes, rdata->bytes, one.size) == 0)
            return true;
    }
    return false;
}

/* Does `b` lack this RRset of `a`, or hold another? */
static bool differs(const struct zone *a, const struct zone_rrset *rrset, const struct zone *b)
{
    const struct zone_record *record = &a->records[rrset->first];
    struct zone_rrset other;

    if (!zone_find(b, zone_owner(a, record), record->type, &other) || other.count != rrset->count ||
        b->records[other.first].ttl != record->ttl)
        return true;
    for (size_t i = 0; i < rrset->count; i++) {
        struct rdata rdata = zone_rdata(a, &a->records[rrset->first + i]);
        if (!zone_has(b, &other, &rdata))
            return true;
    }
    return false;
}

static unsigned count_naively(const struct zone *a, const struct zone *b)
{
    struct zone_rrset rrset;
    struct zone_rrset other;
    unsigned count = 0;

    for (size_t next = 0; zone_next_rrset(a, &next, &rrset);)
        count += differs(a, &rrset, b);
    for (size_t next = 0; zone_next_rrset(b, &next, &rrset);) {
        const struct zone_record *record = &b->records[rrset.first];
        count += !zone_find(a, zone_owner(b, record), record->type, &other);
    }
    return count;
}

struct seen {
    const struct zone *before;
    const struct zone *after;
    unsigned count;
    uint16_t type;
    uint8_t key[NAME_KEY_MAX];
    size_t key_size;
};

static bool check_seen(void *context, const struct diff_rrset *rrset)
{
    struct seen *seen = context;
    struct zone_rrset before = {0};
    struct zone_rrset after = {0};
    uint8_t key[NAME_KEY_MAX];

    size_t size = name_to_key(rrset->owner, key);
    int order = memcmp(seen->key, key, size < seen->key_size ? size : seen->key_size);
    if (order == 0)
        order = seen->key_size < size ? -1 : seen->key_size > size;
    assert_true(seen->count == 0 || order < 0 || (order == 0 && seen->type < rrset->type));
    memcpy(seen->key, key, size);
    seen->key_size = size;
    seen->type = rrset->type;
    seen->count++;
    bool was = zone_find(seen->before, rrset->owner, rrset->type, &before);
    bool is = zone_find(seen->after, rrset->owner, rrset->type, &after);
    assert_int_equal(rrset->before.count, before.count);
    assert_int_equal(rrset->after.count, after.count);
    assert_true(was ? differs(seen->before, &before, seen->after) : is);
    return true;
}

static void compile(const struct zone *zone, struct compiled *compiled, struct image *image)
{
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(compile_zone(zone, compiled, &diag), STATUS_OK);
    assert_int_equal(image_open(compiled->block, compiled->size, image), STATUS_OK);
    diag_clear(&diag);
}

static void test_random(void **state)
{
    uint32_t seed = 20240511;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        struct compiled compiled[2];
        struct image images[2];
        struct seen seen = {.before = random_zone(&seed), .after = random_zone(&seed)};
        compile(seen.before, &compiled[0], &images[0]);
        compile(seen.after, &compiled[1], &images[1]);
        assert_int_equal(zone_diff(&images[0], &images[1], check_seen, &seen), STATUS_OK);
        assert_int_equal(seen.count, count_naively(seen.before, seen.after));
        for (size_t i = 0; i < 2; i++)
            memory_free(compiled[i].block);
        zone_free((struct zone *)(uintptr_t)seen.before);
        zone_free((struct zone *)(uintptr_t)seen.after);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

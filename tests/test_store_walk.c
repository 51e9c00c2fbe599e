/* SPDX-License-Identifier: BSD-2-Clause */
/* store_images_find: it finds what LMDB finds, and damaged pages lead it nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/store_fixture.h"
#include "zones/catalog.h"
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PAGE_SIZE     4096u
#define NODES_LEAST   100 /* of a leaf of images: no other table of these stores has so many entries */
#define TWO_LEAVES    300
#define THREE_LEVELS  36000
#define MAP_SIZE_HERE (UINT64_C(1) << 30)

struct found_image {
    uint64_t id;
    const uint8_t *block;
    size_t size;
};

/* All images as LMDB's cursor meets them. */
struct collection {
    struct found_image *images;
    size_t count;
    size_t capacity;
};

static bool collect(void *context, uint64_t id, const void *block, size_t size)
{
    struct collection *collection = context;

    collection->images =
        memory_grow(collection->images, collection->count, &collection->capacity, sizeof *collection->images);
    assert_non_null(collection->images);
    collection->images[collection->count++] = (struct found_image){id, block, size};
    return true;
}

static struct store *open_writer(struct fixture *fixture)
{
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;

    options.map_size = MAP_SIZE_HERE;
    options.keep = 1;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    return store;
}

static void put_images(struct fixture *fixture, struct store *store, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        char text[16];

        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(fixture_put_text(fixture, store, text, NULL), i);
    }
    fixture_expect_ok(fixture, store_flush(store, &fixture->diag));
}

static void expect_none(const struct store_images *images, uint64_t id)
{
    const void *block = NULL;
    size_t size = 0;

    assert_false(store_images_find(images, id, &block, &size));
}

/* Both ways find the same; whoever asks for ids around and between those that are there gets none. */
static void expect_same(struct fixture *fixture, struct store *store, size_t wanted)
{
    struct snapshot *snapshot = NULL;
    struct store_images *images = NULL;
    struct collection collection = {NULL, 0, 0};
    uint64_t last = 0;

    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_each_image(snapshot, collect, &collection, &fixture->diag));
    fixture_expect_ok(fixture, snapshot_images(snapshot, &images, &fixture->diag));
    assert_int_equal(collection.count, wanted);
    for (size_t i = 0; i < collection.count; i++) {
        const struct found_image *image = &collection.images[i];
        const void *block = NULL;
        size_t size = 0;

        assert_true(store_images_find(images, image->id, &block, &size));
        assert_ptr_equal(block, image->block);
        assert_int_equal(size, image->size);
        for (uint64_t id = last + 1; id < image->id; id++)
            expect_none(images, id);
        last = image->id;
    }
    expect_none(images, 0);
    expect_none(images, last + 1);
    expect_none(images, UINT64_MAX);
    store_images_free(images);
    memory_free(collection.images);
    snapshot_close(snapshot);
}

/* No leaf, one, several, and branch pages above branch pages. */
static void test_counts(void **state)
{
    static const unsigned counts[] = {0, 1, 2, TWO_LEAVES, THREE_LEVELS};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        void *made = NULL;

        assert_int_equal(fixture_setup(&made), 0);
        struct fixture *fixture = made;
        struct store *store = open_writer(fixture);
        put_images(fixture, store, counts[i]);
        expect_same(fixture, store, counts[i]);
        store_close(store);
        fixture_teardown(&made);
    }
    store_images_free(NULL);
}

/* Publish one view with a zone for every `step`th of the images. */
static void publish_every(struct fixture *fixture, struct store *store, unsigned count, unsigned step)
{
    struct catalog_zone *zones = test_calloc(count, sizeof *zones);
    uint8_t(*apexes)[8] = test_calloc(count, sizeof *apexes);
    uint8_t *block = NULL;
    size_t used = 0;
    size_t size = 0;
    uint64_t number = 0;

    for (unsigned id = 1; id <= count; id += step) {
        snprintf((char *)apexes[used], sizeof apexes[used], "\6z%05u", id);
        zones[used] = (struct catalog_zone){.apex = apexes[used], .image_id = id, .serial = 1};
        used++;
    }
    assert_int_equal(catalog_build(zones, used, &block, &size), STATUS_OK);
    const struct store_view view = {"internet", block, size};
    const struct store_generation generation = {.published = 1,
                                                .commit = "",
                                                .revision = "",
                                                .author = "",
                                                .subject = "",
                                                .policy = "",
                                                .view_count = 1,
                                                .views = &view};
    fixture_expect_ok(fixture, store_publish(store, &generation, &number, &fixture->diag));
    memory_free(block);
    test_free(apexes);
    test_free(zones);
}

/* What was pruned left gaps, within leaves and between them. */
static void test_gaps(void **state)
{
    static const unsigned steps[] = {2, 3, 7, 200};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        void *made = NULL;

        assert_int_equal(fixture_setup(&made), 0);
        struct fixture *fixture = made;
        struct store *store = open_writer(fixture);
        put_images(fixture, store, 4 * TWO_LEAVES);
        publish_every(fixture, store, 4 * TWO_LEAVES, 1);
        expect_same(fixture, store, (size_t)4 * TWO_LEAVES);
        publish_every(fixture, store, 4 * TWO_LEAVES, steps[i]);
        expect_same(fixture, store, (4 * TWO_LEAVES + steps[i] - 1) / steps[i]);
        store_close(store);
        fixture_teardown(&made);
    }
}

/* ---- damage ---- */

static int open_file(const struct fixture *fixture, uint8_t **bytes, size_t *size)
{
    char path[PATH_MAX];

    fixture_file_path(fixture, STORE_FORMAT "/data.mdb", path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    *size = (size_t)lseek(fd, 0, SEEK_END);
    *bytes = test_malloc(*size);
    assert_int_equal(pread(fd, *bytes, *size, 0), *size);
    return fd;
}

static void write_byte(int fd, size_t offset, uint8_t byte)
{
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

/* Where the tree of images says how many leaves it has: behind its name, the count of entries tells it from an older
 * one. SIZE_MAX: there is no more behind `from`. */
static size_t find_leaf_count(const uint8_t *bytes, size_t size, size_t from, uint64_t entries)
{
    for (size_t i = from; i + 6 + sizeof(struct tree) <= size; i++) {
        struct tree tree;

        if (memcmp(bytes + i, "images", 6) != 0)
            continue;
        memcpy(&tree, bytes + i + 6, sizeof tree);
        if (tree.entries == entries)
            return i + 6 + offsetof(struct tree, leaf_pages);
    }
    return SIZE_MAX;
}

/* Leaves that are not as many as they should be are left to LMDB, which does not mind. */
static void test_left_to_lmdb(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_writer(fixture);
    uint8_t *bytes = NULL;
    size_t size = 0;
    size_t places = 0;

    put_images(fixture, store, TWO_LEAVES);
    publish_every(fixture, store, TWO_LEAVES, 1);
    store_close(store);
    int fd = open_file(fixture, &bytes, &size);
    for (size_t at = 0; (at = find_leaf_count(bytes, size, at, TWO_LEAVES)) != SIZE_MAX; places++)
        write_byte(fd, at, bytes[at] + 1u);
    assert_true(places > 0);
    close(fd);
    test_free(bytes);
    store = fixture_open_reader(fixture);
    expect_same(fixture, store, TWO_LEAVES);
    store_close(store);
}

/* Whatever a leaf says, what is found lies in the file. */
static void expect_inside(const struct store_images *images, const uint8_t *map, size_t file_size)
{
    for (uint64_t id = 0; id <= TWO_LEAVES + 1; id++) {
        const void *block = NULL;
        size_t size = 0;

        if (!store_images_find(images, id, &block, &size))
            continue;
        const size_t offset = (size_t)((const uint8_t *)block - map);
        assert_int_equal(offset % PAGE_SIZE, sizeof(struct page_head));
        assert_true(offset < file_size && size <= file_size - offset);
    }
}

static bool is_leaf_of_images(const uint8_t *bytes, uint64_t page)
{
    struct page_head head;

    memcpy(&head, bytes + page * PAGE_SIZE, sizeof head);
    return head.number == page && head.flags == PAGE_LEAF &&
           (head.lower - sizeof head) / sizeof(uint16_t) >= NODES_LEAST;
}

/* Change every byte of a leaf while the images are in use. */
static void damage_leaf(const struct store_images *images, int fd, const uint8_t *map, const uint8_t *bytes,
                        size_t size, uint64_t page)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};

    for (size_t at = page * PAGE_SIZE; at < (page + 1) * PAGE_SIZE; at++) {
        for (size_t i = 0; i < sizeof flips; i++) {
            write_byte(fd, at, bytes[at] ^ flips[i]);
            expect_inside(images, map, size);
        }
        write_byte(fd, at, bytes[at]);
    }
}

static void test_damaged_leaves(void **state)
{
    struct fixture *fixture = *state;
    struct snapshot *snapshot = NULL;
    struct store_images *images = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;
    const void *block = NULL;
    size_t block_size = 0;
    unsigned leaves = 0;

    struct store *store = open_writer(fixture);
    put_images(fixture, store, TWO_LEAVES);
    publish_every(fixture, store, TWO_LEAVES, 1);
    store_close(store);
    int fd = open_file(fixture, &bytes, &size);
    store = fixture_open_reader(fixture);
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_images(snapshot, &images, &fixture->diag));
    assert_true(store_images_find(images, 1, &block, &block_size));
    struct page_head head;
    memcpy(&head, (const uint8_t *)block - sizeof head, sizeof head);
    const uint8_t *map = (const uint8_t *)block - sizeof head - head.number * PAGE_SIZE;
    assert_memory_equal(map, bytes, PAGE_SIZE);
    for (uint64_t page = 0; page < size / PAGE_SIZE; page++)
        if (is_leaf_of_images(bytes, page)) {
            damage_leaf(images, fd, map, bytes, size, page);
            leaves++;
        }
    assert_true(leaves > 0);
    store_images_free(images);
    snapshot_close(snapshot);
    expect_same(fixture, store, TWO_LEAVES); /* all is as it was */
    store_close(store);
    close(fd);
    test_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test_setup_teardown(test_left_to_lmdb, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_leaves, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

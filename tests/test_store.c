/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/store_fixture.h"
#include "zones/bytes.h"
#include "zones/catalog.h"
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_record.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void test_empty(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;

    assert_int_equal(store_open_reader(&options, &fixture->diag, &store), STATUS_NOT_FOUND);
    assert_int_equal(fixture->diag.count, 0);
    store_close(fixture_open_writer(fixture));
    store = fixture_open_reader(fixture);
    fixture_expect_head(fixture, store, 0, "");
    assert_true(store_is_current(store));
    store_close(store);
    store_close(NULL);
}

static void test_fields(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    struct snapshot *snapshot = NULL;
    struct store_generation generation;

    const uint64_t before = store_last_transaction(store);
    fixture_publish_text(fixture, store, "[view internet]\n", 1);
    assert_true(store_last_transaction(store) > before);
    store_close(store);
    store = fixture_open_reader(fixture);
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_generation(snapshot, 1, &generation, &fixture->diag));
    assert_int_equal(generation.published, 1700000000);
    assert_int_equal(generation.commit_time, 1600000000);
    assert_int_equal(generation.record_count, 12);
    assert_int_equal(generation.zone_count, 2);
    assert_string_equal(generation.commit, "0123456789012345678901234567890123456789");
    assert_string_equal(generation.revision, "main");
    assert_string_equal(generation.author, "Ada <ada@harbor.example>");
    assert_string_equal(generation.subject, "first");
    assert_string_equal(generation.views[0].name, "internet");
    assert_ptr_equal(generation.views[0].catalog, generation.views[1].catalog);
    assert_int_equal(snapshot_generation(snapshot, 2, &generation, &fixture->diag), STATUS_NOT_FOUND);
    assert_int_equal(fixture->diag.count, 0);
    snapshot_close(snapshot);
    store_close(store);
}

#define SIZES_MAX 20000

struct walk {
    const uint8_t *pattern;
    uint64_t last;
    size_t count;
};

static bool visit(void *context, uint64_t id, const void *block, size_t size)
{
    struct walk *walk = context;

    assert_true(id > walk->last);
    walk->last = id;
    assert_int_equal((uintptr_t)block % 16, 0);
    assert_int_equal(size, id); /* the first store's ids count from 1, as the sizes do */
    assert_int_equal(memcmp(block, walk->pattern, size), 0);
    walk->count++;
    return walk->count < SIZES_MAX;
}

struct comparison {
    const struct store_images *images;
    size_t count;
};

static bool compare_image(void *context, uint64_t id, const void *block, size_t size)
{
    struct comparison *comparison = context;
    const void *found = NULL;
    size_t found_size = 0;

    assert_true(store_images_find(comparison->images, id, &found, &found_size));
    assert_ptr_equal(found, block);
    assert_int_equal(found_size, size);
    comparison->count++;
    return true;
}

/* What reads the pages itself finds what LMDB finds. */
static void expect_same_images(const struct snapshot *snapshot, size_t wanted, struct diag *diag)
{
    struct store_images *images = NULL;
    struct comparison comparison = {NULL, 0};

    assert_int_equal(snapshot_images(snapshot, &images, diag), STATUS_OK);
    comparison.images = images;
    assert_int_equal(snapshot_each_image(snapshot, compare_image, &comparison, diag), STATUS_OK);
    assert_int_equal(comparison.count, wanted);
    store_images_free(images);
}

/* Every size comes back as it was, 16-byte aligned. */
static void test_sizes(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = {.path = fixture->path};
    struct store *store = NULL;
    struct snapshot *snapshot = NULL;
    uint8_t *pattern = test_malloc(SIZES_MAX + 1);
    struct walk walk = {pattern, 0, 0};
    const void *block = NULL;
    size_t size = 0;
    uint64_t id = 0;
    bool reused = true;

    for (size_t i = 0; i <= SIZES_MAX; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    for (size_t i = 1; i <= SIZES_MAX; i++) {
        fixture_expect_ok(fixture, store_put_image(store, pattern, i, &id, &reused, &fixture->diag));
        assert_int_equal(id, i);
        assert_false(reused);
    }
    fixture_expect_ok(fixture, store_put_image(store, NULL, 0, &id, &reused, &fixture->diag));
    /* The last batch is still open; what was committed can be read. */
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_image(snapshot, 4711, &block, &size));
    assert_int_equal(size, 4711);
    snapshot_close(snapshot);
    /* Publishing drops what no catalog names: walk before it, over the batches that were committed. */
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_each_image(snapshot, visit, &walk, &fixture->diag));
    assert_true(walk.count > SIZES_MAX / 2);
    expect_same_images(snapshot, walk.count, &fixture->diag);
    assert_int_equal(snapshot_image(snapshot, 999999, &block, &size), STATUS_NOT_FOUND);
    snapshot_close(snapshot);
    store_close(store);
    test_free(pattern);
}

static void test_dedupe(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    bool reused = true;
    const uint64_t first = fixture_put_text(fixture, store, "one", &reused);

    assert_true(first > 0);
    assert_false(reused);
    assert_int_equal(fixture_put_text(fixture, store, "one", &reused), first);
    assert_true(reused);
    fixture_publish_text(fixture, store, "one", 1);
    assert_int_equal(fixture_put_text(fixture, store, "one", &reused), first);
    assert_true(reused);
    assert_true(fixture_put_text(fixture, store, "two", &reused) > first);
    assert_false(reused);
    store_close(store);
    store = fixture_open_writer(fixture);
    assert_int_equal(fixture_put_text(fixture, store, "one", &reused), first);
    assert_true(reused);
    fixture_publish_text(fixture, store, "one", 2);
    assert_int_equal(fixture_stats(fixture, store).images, 1);
    assert_int_equal(fixture_stats(fixture, store).catalogs, 1);
    store_close(store);
}

static void test_dedupe_large(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    const size_t size = 3u << 20;
    char *text = memory_alloc(size + 1);
    bool reused = true;

    assert_non_null(text);
    memset(text, 'a', size);
    text[size] = '\0';
    const uint64_t first = fixture_put_text(fixture, store, text, &reused);
    assert_false(reused);
    assert_int_equal(fixture_put_text(fixture, store, text, &reused), first);
    assert_true(reused);
    fixture_publish_text(fixture, store, text, 1);
    store_close(store);
    store = fixture_open_writer(fixture);
    assert_int_equal(fixture_put_text(fixture, store, text, &reused), first);
    assert_true(reused);
    text[size - 1] = 'b';
    const uint64_t second = fixture_put_text(fixture, store, text, &reused);
    assert_true(second > first);
    assert_false(reused);
    assert_int_equal(fixture_put_text(fixture, store, "small", &reused), second + 1);
    fixture_publish_text(fixture, store, text, 2);
    fixture_expect_head(fixture, store, 2, text);
    assert_int_equal(fixture_stats(fixture, store).images, 2);
    store_close(store);
    memory_free(text);
}

static void test_prune(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    struct snapshot *old = NULL;
    struct store_generation generation;
    char text[32];
    const void *block = NULL;
    size_t size = 0;

    options.keep = 3;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "generation 1", 1);
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &old));
    for (unsigned i = 2; i <= 40; i++) {
        snprintf(text, sizeof(text), "generation %u", i);
        fixture_publish_text(fixture, store, text, i);
        fixture_expect_head(fixture, store, i, text);
        const struct store_stats stats = fixture_stats(fixture, store);
        assert_int_equal(stats.generations, i < 3 ? i : 3);
        assert_int_equal(stats.images, i < 3 ? i : 3);
        assert_int_equal(stats.catalogs, i < 3 ? i : 3);
        assert_true(stats.used_bytes > 0 && stats.used_bytes < stats.map_size);
    }
    /* The old snapshot still has what is long gone. */
    fixture_expect_ok(fixture, snapshot_generation(old, 1, &generation, &fixture->diag));
    assert_string_equal(generation.policy, "generation 1");
    fixture_expect_ok(fixture, snapshot_image(old, 1, &block, &size));
    assert_memory_equal(block, "generation 1", size);
    assert_int_equal(snapshot_generation(old, 2, &generation, &fixture->diag), STATUS_NOT_FOUND);
    snapshot_close(old);
    /* An image that an old and a new generation share outlives the old one. */
    fixture_publish_text(fixture, store, "generation 39", 41);
    fixture_publish_text(fixture, store, "generation 41", 42);
    fixture_publish_text(fixture, store, "generation 42", 43);
    assert_int_equal(fixture_stats(fixture, store).images, 3);
    store_close(store);
}

static void test_unnamed_images(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);

    fixture_put_text(fixture, store, "named by nothing", NULL);
    fixture_publish_text(fixture, store, "named", 1);
    assert_int_equal(fixture_stats(fixture, store).images, 1);
    store_close(store);
}

static void expect_origins(struct fixture *fixture, struct store *store, uint64_t id, const char *text)
{
    struct snapshot *snapshot = NULL;
    const void *bytes = NULL;
    size_t size = 0;

    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    if (text) {
        fixture_expect_ok(fixture, snapshot_origins(snapshot, id, &bytes, &size));
        assert_int_equal(size, strlen(text));
        assert_memory_equal(bytes, text, size);
    } else {
        assert_int_equal(snapshot_origins(snapshot, id, &bytes, &size), STATUS_NOT_FOUND);
    }
    snapshot_close(snapshot);
}

static void put_origins(struct fixture *fixture, struct store *store, uint64_t id, const char *text)
{
    fixture_expect_ok(fixture, store_put_origins(store, id, text, strlen(text), &fixture->diag));
}

/* Origins of a published image change with the next generation, not before it. */
static void test_origins(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    uint64_t number = 0;

    options.keep = 1;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    const uint64_t id = fixture_put_text(fixture, store, "one", NULL);
    put_origins(fixture, store, id, "a:1");
    put_origins(fixture, store, id, "a:2");
    fixture_expect_ok(fixture, fixture_publish(fixture, store, id, 2, "", &number));
    expect_origins(fixture, store, id, "a:2");
    put_origins(fixture, store, id, "a:3");
    expect_origins(fixture, store, id, "a:2");
    store_close(store); /* an import that never published */
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_expect_ok(fixture, fixture_publish(fixture, store, id, 2, "", &number));
    expect_origins(fixture, store, id, "a:2");
    put_origins(fixture, store, id, "a:4");
    fixture_expect_ok(fixture, fixture_publish(fixture, store, id, 2, "", &number));
    expect_origins(fixture, store, id, "a:4");
    fixture_publish_text(fixture, store, "two", 4);
    expect_origins(fixture, store, id, NULL);
    store_close(store);
}

#define LARGE 3000000

/* Enough for several batches, so that there are leftovers in the store. */
static void die_before_publish(struct fixture *fixture)
{
    const struct store_options options = {.path = fixture->path};
    struct store *store = NULL;
    uint64_t id = 0;
    bool reused = false;
    uint8_t *block = memory_zalloc(1, LARGE);

    if (!block || store_open_writer(&options, &fixture->diag, &store) != STATUS_OK)
        _exit(1);
    for (uint8_t i = 0; i < 100; i++) {
        block[0] = i;
        if (store_put_image(store, block, LARGE, &id, &reused, &fixture->diag) != STATUS_OK || reused)
            _exit(2);
    }
}

static void die_with_snapshot(struct fixture *fixture)
{
    const struct store_options options = {.path = fixture->path};
    struct store *store = NULL;
    struct snapshot *snapshot = NULL;

    if (store_open_reader(&options, &fixture->diag, &store) != STATUS_OK ||
        snapshot_open(store, &fixture->diag, &snapshot) != STATUS_OK)
        _exit(1);
}

static void test_crash(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = {.path = fixture->path};
    struct store *store = NULL;

    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "before", 1);
    store_close(store);
    fixture_in_child(fixture, die_before_publish);
    fixture_in_child(fixture, die_with_snapshot);
    fixture_expect_ok(fixture, store_open_reader(&options, &fixture->diag, &store));
    fixture_expect_head(fixture, store, 1, "before");
    assert_true(fixture_stats(fixture, store).images > 1);
    store_close(store);
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    assert_int_equal(fixture_stats(fixture, store).images, 1);
    assert_true(fixture_stats(fixture, store).used_bytes < LARGE);
    const uint64_t id = fixture_put_text(fixture, store, "after", NULL);
    assert_true(id > 50); /* ids of leftovers are not used again */
    fixture_publish_text(fixture, store, "after", 2);
    fixture_expect_head(fixture, store, 2, "after");
    store_close(store);
}

/* A child that adopts: reads the head, tells, and after a line from the parent still has what it had. */
static void child_reads(struct fixture *fixture, int in, int out)
{
    struct store *store = fixture_open_reader(fixture);
    struct snapshot *snapshot = NULL;
    struct store_generation generation;
    char byte = 0;

    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_generation(snapshot, 1, &generation, &fixture->diag));
    const uint64_t seen = store_last_transaction(store);
    assert_int_equal(write(out, "r", 1), 1);
    assert_int_equal(read(in, &byte, 1), 1);
    assert_string_equal(generation.policy, "old");
    assert_true(store_last_transaction(store) > seen);
    assert_true(store_is_current(store));
    snapshot_close(snapshot);
    fixture_expect_head(fixture, store, 30, "new");
    store_close(store);
}

static void test_reader_isolation(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    int to_child[2];
    int to_parent[2];
    int status = 0;
    char byte = 0;

    options.keep = 2;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "old", 1);
    store_close(store);
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    const pid_t child = fork();
    if (child == 0) {
        child_reads(fixture, to_child[0], to_parent[1]);
        _exit(0);
    }
    assert_int_equal(read(to_parent[0], &byte, 1), 1);
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    for (unsigned i = 2; i <= 30; i++)
        fixture_publish_text(fixture, store, i == 30 ? "new" : i % 2 ? "odd" : "even", i);
    assert_int_equal(write(to_child[1], "w", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_close(store);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
}

static void test_many_views(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    uint64_t number = 0;
    const uint64_t id = fixture_put_text(fixture, store, "one", NULL);

    fixture_expect_ok(fixture, fixture_publish(fixture, store, id, STORE_VIEWS_MAX, "", &number));
    assert_int_equal(fixture_publish(fixture, store, id, STORE_VIEWS_MAX + 1, "", &number), STATUS_TOO_LARGE);
    fixture_expect_message(fixture, "4097 views");
    store_close(store);
}

/* Flip each bit of a record, cut it anywhere, grow it: never a crash, never accepted. */
static void test_record(void **state)
{
    (void)state;
    const struct store_view views[] = {{"internet", NULL, 0}, {"internal", NULL, 0}};
    const uint64_t ids[] = {7, 9};
    const struct store_generation generation = {
        .number = 3, .commit = "c", .policy = "p\0q", .policy_size = 3, .view_count = 2, .views = views};
    struct store_record record;
    struct bytes bytes;
    const char *name = NULL;
    uint64_t id = 0;

    bytes_init(&bytes, 4096);
    assert_int_equal(store_record_encode(&generation, ids, &bytes), STATUS_OK);
    assert_int_equal(store_record_decode(bytes.data, bytes.size, &record), STATUS_OK);
    assert_int_equal(record.generation.number, 3);
    assert_string_equal(record.generation.author, "");
    assert_memory_equal(record.generation.policy, "p\0q", 4);
    assert_true(store_record_view(&record, &name, &id) && id == 7);
    assert_true(store_record_view(&record, &name, &id) && id == 9);
    assert_string_equal(name, "internal");
    assert_false(store_record_view(&record, &name, &id));
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(store_record_decode(bytes.data, bytes.size, &record), STATUS_DAMAGED);
        bytes.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *copy = test_malloc(size + 1);

        memcpy(copy, bytes.data, size);
        assert_int_equal(store_record_decode(copy, size, &record), STATUS_DAMAGED);
        test_free(copy);
    }
    bytes_clear(&bytes);
}

/* Publishes for ever, and tells on the pipe when it begins each time. */
static void publish_for_ever(struct fixture *fixture, int out)
{
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    char text[64];
    uint64_t number = 0;

    options.keep = 3;
    if (store_open_writer(&options, &fixture->diag, &store) != STATUS_OK)
        _exit(1);
    for (unsigned i = 0;; i++) {
        snprintf(text, sizeof(text), "process %ld, round %u", (long)getpid(), i);
        if (write(out, "p", 1) != 1 || fixture_publish(fixture, store, fixture_put_text(fixture, store, text, NULL), 2,
                                                       text, &number) != STATUS_OK)
            _exit(1);
    }
}

/* The head of a store that was left alone by a dead importer: whole, and not older than the one before. */
static uint64_t whole_head(struct fixture *fixture, uint64_t before)
{
    struct store *store = fixture_open_writer(fixture);
    struct snapshot *snapshot = NULL;
    struct store_generation generation;
    char text[64] = "";
    uint64_t head = 0;

    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_head(snapshot, &head, &fixture->diag));
    assert_true(head >= before);
    if (head > 0) {
        fixture_expect_ok(fixture, snapshot_generation(snapshot, head, &generation, &fixture->diag));
        snprintf(text, sizeof(text), "%s", generation.policy);
    }
    snapshot_close(snapshot);
    fixture_expect_head(fixture, store, head, text);
    assert_int_equal(fixture_stats(fixture, store).images, fixture_stats(fixture, store).generations);
    snprintf(text, sizeof(text), "after %u", (unsigned)head);
    fixture_publish_text(fixture, store, text, head + 1);
    store_close(store);
    return head + 1;
}

/* Lets some time go by, so that the next thing happens at another moment. */
static void spin(unsigned microseconds)
{
    struct timespec start;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000000 + (now.tv_nsec - start.tv_nsec) / 1000 < (long)microseconds);
}

/*
 * A reader in another process, as the daemon is: while one has the store open, LMDB trusts what the dead importer left
 * in the lock file. It ends when `in` is closed.
 */
static pid_t reader_begin(struct fixture *fixture, int in, int other_end)
{
    const pid_t child = fork();

    if (child == 0) {
        struct store *store = NULL;
        char byte = 0;

        close(other_end);
        store = fixture_open_reader(fixture);
        _exit(read(in, &byte, 1) == 0 && store ? 0 : 1);
    }
    return child;
}

/* Importers are killed while they publish, at a moment that differs every time. */
static void test_kill(void **state)
{
    struct fixture *fixture = *state;
    int hold[2];
    int held = 0;
    uint64_t head = 0;

    store_close(fixture_open_writer(fixture));
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    const pid_t reader = reader_begin(fixture, hold[0], hold[1]);
    for (unsigned round = 0; round < 40; round++) {
        int ready[2];
        int status = 0;
        char byte = 0;

        assert_int_equal(pipe(ready), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(hold[1]);
            publish_for_ever(fixture, ready[1]);
        }
        close(ready[1]);
        for (unsigned i = 0; i <= round % 5; i++)
            assert_int_equal(read(ready[0], &byte, 1), 1);
        spin(round * 97);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(ready[0]);
        head = whole_head(fixture, head);
    }
    close(hold[1]);
    assert_int_equal(waitpid(reader, &held, 0), reader);
    assert_int_equal(held, 0);
    close(hold[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_fields, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sizes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dedupe, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_dedupe_large, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_prune, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unnamed_images, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_origins, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_crash, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_reader_isolation, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_kill, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_many_views, fixture_setup, fixture_teardown),
        cmocka_unit_test(test_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

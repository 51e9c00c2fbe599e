/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/store_fixture.h"

#include "zones/catalog.h"
#include "zones/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t apex[] = "\x06harbor\x07"
                              "example";

void fixture_path_join(char *to, const char *folder, const char *name)
{
    assert_true(snprintf(to, PATH_MAX, "%s/%s", folder, name) < PATH_MAX);
}

int fixture_setup(void **state)
{
    struct fixture *fixture = test_malloc(sizeof(*fixture));
    const char *base = getenv("TMPDIR");

    fixture_path_join(fixture->folder, base ? base : "/tmp", "store-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture_path_join(fixture->path, fixture->folder, "store");
    diag_init(&fixture->diag);
    *state = fixture;
    return 0;
}

static void folder_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[PATH_MAX];

    while (dir && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        fixture_path_join(path, folder, entry->d_name);
        if (unlink(path) != 0)
            folder_remove(path);
    }
    if (dir)
        closedir(dir);
    rmdir(folder);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    diag_clear(&fixture->diag);
    folder_remove(fixture->folder);
    test_free(fixture);
    return 0;
}

struct store_options fixture_options(const struct fixture *fixture)
{
    return (struct store_options){.path = fixture->path, .map_size = MAP_SIZE};
}

void fixture_expect_ok(struct fixture *fixture, enum status status)
{
    if (status != STATUS_OK)
        diag_print(&fixture->diag, stderr);
    assert_int_equal(status, STATUS_OK);
}

void fixture_expect_message(struct fixture *fixture, const char *words)
{
    assert_true(fixture->diag.count > 0);
    const char *text = fixture->diag.messages[fixture->diag.count - 1].text;

    if (!strstr(text, words))
        fail_msg("\"%s\" lacks \"%s\"", text, words);
    diag_clear(&fixture->diag);
    diag_init(&fixture->diag);
}

struct store *fixture_open_writer(struct fixture *fixture)
{
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;

    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    return store;
}

struct store *fixture_open_reader(struct fixture *fixture)
{
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;

    fixture_expect_ok(fixture, store_open_reader(&options, &fixture->diag, &store));
    return store;
}

uint64_t fixture_put_text(struct fixture *fixture, struct store *store, const char *text, bool *reused)
{
    uint64_t id = 0;
    bool again = false;

    fixture_expect_ok(fixture, store_put_image(store, text, strlen(text), &id, &again, &fixture->diag));
    if (reused)
        *reused = again;
    return id;
}

/* Publish a generation of `views` views that all serve one zone with the given image. */
enum status fixture_publish(struct fixture *fixture, struct store *store, uint64_t image_id, uint32_t views,
                            const char *policy, uint64_t *number)
{
    const struct catalog_zone zone = {.apex = apex, .image_id = image_id, .serial = 1};
    struct store_view *view = test_calloc(views, sizeof(*view));
    uint8_t *block = NULL;
    size_t size = 0;
    enum status status = catalog_build(&zone, 1, &block, &size);

    assert_int_equal(status, STATUS_OK);
    for (uint32_t i = 0; i < views; i++)
        view[i] = (struct store_view){i == 0 ? "internet" : "internal", block, size};
    const struct store_generation generation = {
        .published = 1700000000,
        .commit = "0123456789012345678901234567890123456789",
        .revision = "main",
        .author = "Ada <ada@harbor.example>",
        .subject = "first",
        .commit_time = 1600000000,
        .policy = policy,
        .policy_size = strlen(policy),
        .record_count = 12,
        .zone_count = views,
        .view_count = views,
        .views = view,
    };
    status = store_publish(store, &generation, number, &fixture->diag);
    memory_free(block);
    test_free(view);
    return status;
}

void fixture_publish_text(struct fixture *fixture, struct store *store, const char *text, uint64_t expected)
{
    uint64_t number = 0;
    const uint64_t id = fixture_put_text(fixture, store, text, NULL);

    fixture_expect_ok(fixture, fixture_publish(fixture, store, id, 2, text, &number));
    assert_int_equal(number, expected);
}

struct store_stats fixture_stats(struct fixture *fixture, struct store *store)
{
    struct store_stats stats;

    fixture_expect_ok(fixture, store_stats(store, &stats, &fixture->diag));
    return stats;
}

/* The head is `number`, and its image and policy are `text`. */
void fixture_expect_head(struct fixture *fixture, struct store *store, uint64_t number, const char *text)
{
    struct snapshot *snapshot = NULL;
    struct store_generation generation;
    struct catalog catalog;
    uint64_t head = 0;
    const void *block = NULL;
    size_t size = 0;

    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    fixture_expect_ok(fixture, snapshot_head(snapshot, &head, &fixture->diag));
    assert_int_equal(head, number);
    if (number > 0) {
        fixture_expect_ok(fixture, snapshot_generation(snapshot, head, &generation, &fixture->diag));
        assert_int_equal(generation.number, number);
        assert_string_equal(generation.policy, text);
        assert_int_equal(generation.policy_size, strlen(text));
        assert_int_equal(generation.view_count, 2);
        assert_string_equal(generation.views[1].name, "internal");
        assert_int_equal(catalog_open(generation.views[1].catalog, generation.views[1].catalog_size, &catalog),
                         STATUS_OK);
        fixture_expect_ok(fixture, snapshot_image(snapshot, catalog_entry(&catalog, 0)->image_id, &block, &size));
        assert_int_equal(size, strlen(text));
        assert_memory_equal(block, text, size);
    }
    snapshot_close(snapshot);
}

void fixture_file_path(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    fixture_path_join(path, fixture->path, name);
}

unsigned fixture_mode(const struct fixture *fixture, const char *name)
{
    char path[PATH_MAX];
    struct stat found;

    fixture_file_path(fixture, name, path);
    assert_int_equal(stat(path, &found), 0);
    return found.st_mode & 07777;
}

/* Run `body` in a child that ends without any tidying up, and wait for it. */
void fixture_in_child(struct fixture *fixture, void (*body)(struct fixture *fixture))
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        body(fixture);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

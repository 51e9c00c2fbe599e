/* SPDX-License-Identifier: BSD-2-Clause */
/* The store and what can be wrong with its files: locks, modes, owners, room, damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/store_fixture.h"
#include "zones/memory.h"
#include "zones/store.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE 3000000

static void test_lock(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store *store = fixture_open_writer(fixture);
    struct store *second = NULL;
    char words[64];

    snprintf(words, sizeof(words), "is held by process %ld since 2", (long)getpid());
    assert_int_equal(store_open_writer(&options, &fixture->diag, &second), STATUS_LOCKED);
    fixture_expect_message(fixture, words);
    options.lock_wait_ms = 50;
    assert_int_equal(store_open_writer(&options, &fixture->diag, &second), STATUS_LOCKED);
    fixture_expect_message(fixture, words);
    store_close(store);
    store_close(fixture_open_writer(fixture));
}

static void test_modes(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        unsigned mode;
    } rows[] = {
        {"", 02750}, {"1", 02750}, {"1/data.mdb", 0640}, {"1/lock.mdb", 0660}, {"import.lock", 0600},
    };
    const mode_t old = umask(077);
    struct store *store = fixture_open_writer(fixture);

    umask(old);
    fixture_publish_text(fixture, store, "one", 1);
    store_close(store);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(fixture_mode(fixture, rows[i].name), rows[i].mode);
}

/* A link where an importer writes leads nowhere: what it points at stays as it is. */
static void test_links(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    char lock[PATH_MAX];
    char target[PATH_MAX];
    FILE *file = NULL;
    char text[8] = "";

    fixture_publish_text(fixture, store = fixture_open_writer(fixture), "one", 1);
    store_close(store);
    fixture_file_path(fixture, "import.lock", lock);
    fixture_file_path(fixture, "target", target);
    file = fopen(target, "w");
    assert_non_null(file);
    assert_true(fputs("kept", file) >= 0);
    fclose(file);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(symlink(target, lock), 0);
    assert_int_equal(store_open_writer(&options, &fixture->diag, &store), STATUS_IO);
    fixture_expect_message(fixture, "is a symbolic link");
    file = fopen(target, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "kept");
}

/* Who belongs to the group of the store may read it, and nobody else; both hear why. */
static void read_as(struct fixture *fixture, gid_t group, enum status expected)
{
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        if (setgid(group) != 0 || setuid(65534) != 0 || store_open_reader(&options, &fixture->diag, &store) != expected)
            _exit(1);
        if (expected == STATUS_OK)
            fixture_expect_head(fixture, store, 1, "one");
        else
            fixture_expect_message(fixture, "running as uid 65534");
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_group(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = NULL;

    if (geteuid() != 0) {
        print_message("# needs root\n");
        return;
    }
    assert_int_equal(mkdir(fixture->path, 0700), 0);
    assert_int_equal(chown(fixture->path, 4242, 4343), 0);
    assert_int_equal(chmod(fixture->path, 02770), 0);
    assert_int_equal(chmod(fixture->folder, 0755), 0);
    store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "one", 1);
    store_close(store);
    read_as(fixture, 4343, STATUS_OK);
    read_as(fixture, 65534, STATUS_IO);
}

static void test_map_full(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store *store = NULL;
    enum status status = STATUS_OK;
    uint64_t number = 0;
    uint64_t id = 0;
    bool reused = false;
    uint8_t *block = test_calloc(1, 300000);

    options.map_size = 2 << 20;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "before", 1);
    for (uint8_t i = 0; i < 20 && status == STATUS_OK; i++) {
        block[0] = i;
        status = store_put_image(store, block, 300000, &id, &reused, &fixture->diag);
    }
    assert_int_equal(status, STATUS_STORE_FULL);
    fixture_expect_message(fixture, "map size of 2097152 bytes; raise `map-size` in splitview.conf");
    assert_int_equal(fixture_publish(fixture, store, 1, 2, "before", &number), STATUS_STORE_FULL);
    fixture_expect_message(fixture, "an earlier write failed");
    fixture_expect_head(fixture, store, 1, "before");
    store_close(store);
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "after", 2);
    fixture_expect_head(fixture, store, 2, "after");
    store_close(store);
    test_free(block);
}

/* A limit on the size of files stands for a full disk. */
static void die_of_full_disk(struct fixture *fixture)
{
    const struct store_options options = fixture_options(fixture);
    const struct rlimit limit = {1 << 20, 1 << 20};
    struct store *store = NULL;
    enum status status = STATUS_OK;
    uint64_t id = 0;
    bool reused = false;
    uint8_t *block = memory_zalloc(1, LARGE);

    signal(SIGXFSZ, SIG_IGN);
    if (!block || setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        store_open_writer(&options, &fixture->diag, &store) != STATUS_OK)
        _exit(1);
    status = store_put_image(store, block, LARGE, &id, &reused, &fixture->diag);
    if (status == STATUS_OK)
        status = fixture_publish(fixture, store, id, 2, "never", &id);
    if (status != STATUS_STORE_FULL)
        _exit(2);
    fixture_expect_message(fixture, "no room on the disk");
    store_close(store);
}

static void test_disk_full(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);

    fixture_publish_text(fixture, store, "before", 1);
    store_close(store);
    fixture_in_child(fixture, die_of_full_disk);
    store = fixture_open_writer(fixture);
    fixture_expect_head(fixture, store, 1, "before");
    fixture_publish_text(fixture, store, "after", 2);
    fixture_expect_head(fixture, store, 2, "after");
    store_close(store);
}

static void file_write(const struct fixture *fixture, const char *name, const void *bytes, size_t size, off_t at)
{
    char path[PATH_MAX];

    fixture_file_path(fixture, name, path);
    const int fd = open(path, O_WRONLY | O_CREAT, 0640);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), (ssize_t)size);
    close(fd);
}

/* Both ways of opening say DAMAGED with these words. */
static void expect_damaged(struct fixture *fixture, const char *words)
{
    const struct store_options options = fixture_options(fixture);
    struct store *store = NULL;

    assert_int_equal(store_open_reader(&options, &fixture->diag, &store), STATUS_DAMAGED);
    fixture_expect_message(fixture, words);
    assert_int_equal(store_open_writer(&options, &fixture->diag, &store), STATUS_DAMAGED);
    fixture_expect_message(fixture, words);
}

static void test_damaged_files(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    static const char garbage[20000] = "this is no database";
    static const struct {
        off_t size;
        const char *words;
    } rows[] = {
        {40960, "is cut short"},
        {12288, "is cut short"},
        {8192, "is cut short"},
        {8000, "1 away and import again, or `splitview store restore FILE`"},
        {4096, "is damaged or is no store"},
        {10, "1 away and import again, or `splitview store restore FILE`"},
        {0, "is cut short: it is empty; move "},
    };
    char path[PATH_MAX];

    for (unsigned i = 1; i <= 20; i++) {
        char text[32];

        snprintf(text, sizeof(text), "generation %u", i);
        fixture_publish_text(fixture, store, text, i);
    }
    store_close(store);
    fixture_file_path(fixture, "1/data.mdb", path);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(truncate(path, rows[i].size), 0);
        expect_damaged(fixture, rows[i].words);
    }
    file_write(fixture, "1/data.mdb", garbage, sizeof(garbage), 0);
    expect_damaged(fixture, "is damaged or is no store");
    /* A data file that was taken away is a new start. */
    assert_int_equal(unlink(path), 0);
    store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "fresh", 1);
    store_close(store);
}

static void test_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    char from[PATH_MAX];
    char to[PATH_MAX];

    fixture_publish_text(fixture, store, "one", 1);
    assert_true(store_is_current(store));
    fixture_file_path(fixture, "1", from);
    fixture_file_path(fixture, "moved", to);
    assert_int_equal(rename(from, to), 0);
    assert_false(store_is_current(store));
    fixture_expect_head(fixture, store, 1, "one");
    assert_int_equal(mkdir(from, 0770), 0);
    file_write(fixture, "1/data.mdb", "x", 1, 0);
    assert_false(store_is_current(store));
    store_close(store);
}

static void test_unusable(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    struct store_options deep = options;
    char path[PATH_MAX];
    struct store *store = NULL;

    fixture_path_join(path, fixture->folder, "missing/store");
    deep.path = path;
    assert_int_equal(store_open_writer(&deep, &fixture->diag, &store), STATUS_IO);
    fixture_expect_message(fixture, "No such file or directory");
    fixture_path_join(path, fixture->folder, "file");
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_int_equal(store_open_writer(&deep, &fixture->diag, &store), STATUS_IO);
    fixture_expect_message(fixture, "Not a directory");
    assert_int_equal(store_open_reader(&deep, &fixture->diag, &store), STATUS_IO);
    fixture_expect_message(fixture, "Not a directory");
    /* Another layout's folder is left alone. */
    assert_int_equal(mkdir(fixture->path, 0770), 0);
    fixture_file_path(fixture, "2", path);
    assert_int_equal(mkdir(path, 0770), 0);
    file_write(fixture, "2/data.mdb", "newer", 5, 0);
    assert_int_equal(store_open_reader(&options, &fixture->diag, &store), STATUS_NOT_FOUND);
    store_close(fixture_open_writer(fixture));
    store_close(fixture_open_reader(fixture));
    assert_int_equal(fixture_mode(fixture, "2/data.mdb") & 0600, 0600);
}

/* Damage a record in the file itself: reading it says so, and the next import still publishes. */
static void test_damaged_record(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture_open_writer(fixture);
    struct snapshot *snapshot = NULL;
    struct store_generation generation;
    static const char policy[] = "a policy that can be found again";
    char path[PATH_MAX];

    fixture_publish_text(fixture, store, policy, 1);
    store_close(store);
    fixture_file_path(fixture, "1/data.mdb", path);
    FILE *file = fopen(path, "r+");
    uint8_t *bytes = test_calloc(1, 1 << 20);
    assert_non_null(file);
    const size_t size = fread(bytes, 1, 1 << 20, file);
    uint8_t *found = memmem(bytes, size, "Ada <ada", 8);
    assert_non_null(found);
    assert_int_equal(fseek(file, found - bytes, SEEK_SET), 0);
    assert_int_equal(fputc('O', file), 'O');
    assert_int_equal(fclose(file), 0);
    test_free(bytes);
    store = fixture_open_writer(fixture);
    fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
    assert_int_equal(snapshot_generation(snapshot, 1, &generation, &fixture->diag), STATUS_DAMAGED);
    fixture_expect_message(fixture, "the record of generation 1");
    snapshot_close(snapshot);
    fixture_publish_text(fixture, store, "next", 2);
    fixture_expect_message(fixture, "nothing old was removed");
    fixture_expect_head(fixture, store, 2, "next");
    store_close(store);
    struct store_options options = fixture_options(fixture);
    options.keep = 1;
    fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
    fixture_publish_text(fixture, store, "last", 3);
    assert_int_equal(fixture_stats(fixture, store).images, 1);
    assert_int_equal(fixture_stats(fixture, store).catalogs, 1);
    assert_int_equal(fixture_stats(fixture, store).generations, 1);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_modes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_links, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_group, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_map_full, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_files, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_replaced, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unusable, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damaged_record, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking after a store: work in a child process, verify, backup, restore, compact, statistics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/store_fixture.h"
#include "zones/child.h"
#include "zones/store_care.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 60000

/* ---- child ---- */

static enum status body_says(void *context, struct bytes *result, struct diag *diag)
{
    diag_add(diag, SEVERITY_WARNING, NULL, "a warning");
    diag_error(diag, NULL, "an error about %s", (const char *)context);
    bytes_append(result, "result", 6);
    return STATUS_LOCKED;
}

/* Sanitizers catch SIGSEGV, but not SIGKILL's like. */
static enum status body_crashes(void *context, struct bytes *result, struct diag *diag)
{
    (void)result;
    (void)diag;
    signal(SIGBUS, SIG_DFL);
    raise(context ? SIGKILL : SIGBUS);
    return STATUS_OK;
}

static enum status body_exits(void *context, struct bytes *result, struct diag *diag)
{
    (void)context;
    (void)result;
    (void)diag;
    _exit(0);
}

static enum status body_hangs(void *context, struct bytes *result, struct diag *diag)
{
    (void)context;
    (void)result;
    (void)diag;
    while (pause() != 0) {
        /* A signal is no reason to end. */
    }
    return STATUS_OK;
}

static enum status body_is_interrupted(void *context, struct bytes *result, struct diag *diag)
{
    raise(SIGINT);
    return body_hangs(context, result, diag);
}

static enum status body_interrupts(void *context, struct bytes *result, struct diag *diag)
{
    kill(getppid(), SIGTERM);
    return body_hangs(context, result, diag);
}

static void test_child(void **state)
{
    static char subject[] = "the file";
    static const struct {
        enum status (*body)(void *context, struct bytes *result, struct diag *diag);
        void *context;
        uint64_t limit_ms;
        enum status status;
        enum child_end end;
        const char *words;
    } rows[] = {
        {body_says, subject, 0, STATUS_LOCKED, CHILD_DONE, "an error about the file"},
        {body_crashes, NULL, LIMIT_MS, STATUS_DAMAGED, CHILD_DIED, "the file is damaged: reading it ended"},
        {body_crashes, subject, LIMIT_MS, STATUS_IO, CHILD_INTERRUPTED, "stopped by a signal"},
        {body_exits, NULL, LIMIT_MS, STATUS_DAMAGED, CHILD_DIED, "(status 0)"},
        {body_hangs, NULL, 50, STATUS_IO, CHILD_TOO_LONG, "not finished within the time limit"},
        {body_is_interrupted, NULL, LIMIT_MS, STATUS_IO, CHILD_INTERRUPTED, "stopped by a signal"},
        {body_interrupts, NULL, LIMIT_MS, STATUS_IO, CHILD_INTERRUPTED, "stopped by a signal"},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes result;
        enum child_end end = CHILD_DONE;

        bytes_init(&result, 100);
        assert_int_equal(
            child_run(rows[i].body, rows[i].context, subject, rows[i].limit_ms, &result, &fixture->diag, &end),
            rows[i].status);
        assert_int_equal(end, rows[i].end);
        if (end == CHILD_DONE) {
            assert_int_equal(fixture->diag.warnings, 1);
            assert_int_equal(result.size, 6);
            assert_memory_equal(result.data, "result", 6);
        }
        bytes_clear(&result);
        fixture_expect_message(fixture, rows[i].words);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

/* ---- verify ---- */

static void expect_verify(struct fixture *fixture, enum status status, const char *words)
{
    const struct store_options options = fixture_options(fixture);
    struct store_verified verified;

    assert_int_equal(store_verify(&options, LIMIT_MS, &verified, &fixture->diag), status);
    if (words)
        fixture_expect_message(fixture, words);
}

/* The texts of the fixture are no images, which is damage that is known to be there. */
static void test_verify(void **state)
{
    struct fixture *fixture = *state;

    expect_verify(fixture, STATUS_NOT_FOUND, "no store in ");
    store_close(fixture_open_writer(fixture));
    expect_verify(fixture, STATUS_OK, NULL);
    struct store *store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "one", 1);
    store_close(store);
    expect_verify(fixture, STATUS_DAMAGED, "generation 1: view internal: catalog 1 is damaged or missing");
}

/* Pages are in order whatever a store has gone through: many ids, large and small values, pruning, dead imports. */
static void test_pages(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store_verified verified;
    struct store *store = NULL;
    uint64_t number = 0;
    char *text = test_calloc(1, 20000);

    options.keep = 2;
    for (unsigned round = 0; round < 12; round++) {
        fixture_expect_ok(fixture, store_open_writer(&options, &fixture->diag, &store));
        uint64_t id = 0;
        for (unsigned i = 0; i < 300; i++) {
            const int length = snprintf(text, 20000, "%u %u %0*u", round, i, (int)(i * i % 15000 + 1), i);
            bool reused = false;
            fixture_expect_ok(fixture, store_put_image(store, text, (size_t)length, &id, &reused, &fixture->diag));
            fixture_expect_ok(fixture, store_put_origins(store, id, text, (size_t)length / 7, &fixture->diag));
        }
        if (round % 3 != 2)
            fixture_expect_ok(fixture, fixture_publish(fixture, store, id, 2, text, &number));
        store_close(store);
        /* Only the last walk, over the images, may find something, since they are texts. */
        const enum status status = store_verify(&options, LIMIT_MS, &verified, &fixture->diag);
        assert_int_equal(status, STATUS_DAMAGED);
        assert_true(verified.images > 0 && verified.pages > 0);
        assert_int_equal(verified.lost, 0);
        for (size_t i = 0; i < fixture->diag.count; i++)
            assert_null(strstr(fixture->diag.messages[i].text, "page "));
        diag_clear(&fixture->diag);
        diag_init(&fixture->diag);
    }
    test_free(text);
}

/* ---- backup, restore, compact ---- */

static void test_backup(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    struct store_options elsewhere = options;
    struct store_verified verified;
    struct stat found;
    char copy[PATH_MAX];
    char place[PATH_MAX];
    uint64_t size = 0;

    fixture_path_join(copy, fixture->folder, "copy");
    fixture_path_join(place, fixture->folder, "elsewhere");
    elsewhere.path = place;
    assert_int_equal(store_backup(&options, copy, false, LIMIT_MS, &size, &fixture->diag), STATUS_NOT_FOUND);
    fixture_expect_message(fixture, "no store in ");
    assert_int_equal(access(copy, F_OK), -1);
    store_close(fixture_open_writer(fixture));
    fixture_expect_ok(fixture, store_backup(&options, copy, false, LIMIT_MS, &size, &fixture->diag));
    assert_int_equal(stat(copy, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0640);
    assert_int_equal(found.st_size, size);
    assert_int_equal(store_backup(&options, copy, false, LIMIT_MS, &size, &fixture->diag), STATUS_IO);
    fixture_expect_message(fixture, "is there already");
    fixture_expect_ok(fixture, store_backup(&options, copy, true, LIMIT_MS, &size, &fixture->diag));
    /* Into a folder that is not there yet. */
    fixture_expect_ok(fixture, store_restore(&elsewhere, copy, true, LIMIT_MS, &verified, &fixture->diag));
    fixture_path_join(place, fixture->folder, "elsewhere/1");
    assert_int_equal(access(place, F_OK), -1);
    fixture_path_join(place, fixture->folder, "elsewhere");
    fixture_expect_ok(fixture, store_restore(&elsewhere, copy, false, LIMIT_MS, &verified, &fixture->diag));
    fixture_expect_ok(fixture, store_verify(&elsewhere, LIMIT_MS, &verified, &fixture->diag));
    fixture_path_join(place, fixture->folder, "elsewhere/1/data.mdb");
    assert_int_equal(stat(place, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0640);
}

/* What cannot be a store is refused, and what is there stays. */
static void test_restore_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = fixture_options(fixture);
    struct store_verified verified;
    struct store *store = fixture_open_writer(fixture);
    char path[PATH_MAX];

    fixture_publish_text(fixture, store, "one", 1);
    assert_int_equal(store_restore(&options, path, false, LIMIT_MS, &verified, &fixture->diag), STATUS_LOCKED);
    fixture_expect_message(fixture, "is held by process");
    store_close(store);
    fixture_path_join(path, fixture->folder, "none");
    assert_int_equal(store_restore(&options, path, false, LIMIT_MS, &verified, &fixture->diag), STATUS_IO);
    fixture_expect_message(fixture, "No such file");
    assert_int_equal(store_restore(&options, fixture->folder, false, LIMIT_MS, &verified, &fixture->diag), STATUS_IO);
    fixture_expect_message(fixture, "is no file");
    for (unsigned size = 0; size < 30000; size += 9999) {
        const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        for (unsigned i = 0; i < size; i++)
            assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
        assert_int_equal(store_restore(&options, path, false, LIMIT_MS, &verified, &fixture->diag), STATUS_DAMAGED);
        fixture_expect_message(fixture, "is no whole copy of a store; nothing was replaced");
    }
    store = fixture_open_reader(fixture);
    fixture_expect_head(fixture, store, 1, "one");
    store_close(store);
    fixture_file_path(fixture, "1.new", path);
    assert_int_equal(access(path, F_OK), -1);
}

/* A reader keeps the store it has open when another takes its place. */
static void test_compact(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    uint64_t before = 0;
    uint64_t after = 0;
    int to_child[2];
    int to_parent[2];
    int status = 0;
    char byte = 0;

    assert_int_equal(store_compact(&options, LIMIT_MS, &before, &after, &fixture->diag), STATUS_NOT_FOUND);
    fixture_expect_message(fixture, "no store in ");
    store_close(fixture_open_writer(fixture));
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct store *store = fixture_open_reader(fixture);
        struct snapshot *snapshot = NULL;
        fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
        assert_true(store_is_current(store));
        assert_int_equal(write(to_parent[1], "r", 1), 1);
        assert_int_equal(read(to_child[0], &byte, 1), 1);
        assert_false(store_is_current(store));
        snapshot_close(snapshot);
        fixture_expect_head(fixture, store, 0, "");
        _exit(0);
    }
    assert_int_equal(read(to_parent[0], &byte, 1), 1);
    fixture_expect_ok(fixture, store_compact(&options, LIMIT_MS, &before, &after, &fixture->diag));
    assert_true(after > 0 && after <= before);
    assert_int_equal(write(to_child[1], "w", 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_verify(fixture, STATUS_OK, NULL);
    assert_int_equal(fixture_mode(fixture, "1"), 02750);
    assert_int_equal(fixture_mode(fixture, "1/data.mdb"), 0640);
    assert_int_equal(fixture_mode(fixture, "1/lock.mdb"), 0660);
    struct store *store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "after", 1);
    store_close(store);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(to_parent[i]);
    }
}

/* ---- statistics ---- */

static void test_report(void **state)
{
    struct fixture *fixture = *state;
    const struct store_options options = fixture_options(fixture);
    struct store_report report;
    struct snapshot *snapshot = NULL;
    int hold[2];
    int ready[2];
    char byte = 0;

    assert_int_equal(store_report_read(&options, LIMIT_MS, &report, &fixture->diag), STATUS_NOT_FOUND);
    fixture_expect_message(fixture, "no store in ");
    struct store *store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "one", 1);
    store_close(store);
    assert_int_equal(pipe(hold), 0);
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        store = fixture_open_reader(fixture);
        fixture_expect_ok(fixture, snapshot_open(store, &fixture->diag, &snapshot));
        assert_int_equal(write(ready[1], "r", 1), 1);
        _exit((int)read(hold[0], &byte, 1));
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    store = fixture_open_writer(fixture);
    fixture_publish_text(fixture, store, "two!", 2);
    store_close(store);
    fixture_expect_ok(fixture, store_report_read(&options, LIMIT_MS, &report, &fixture->diag));
    assert_int_equal(report.first, 1);
    assert_int_equal(report.head, 2);
    assert_int_equal(report.map_size, MAP_SIZE);
    assert_true(report.used_bytes > 0 && report.used_bytes + report.free_bytes <= report.file_size);
    assert_int_equal(report.reader_count, 1);
    assert_int_equal(report.readers[0].pid, child);
    assert_true(report.readers[0].behind > 0);
    assert_true(strlen(report.readers[0].name) > 0);
    assert_int_equal(report.view_count, 2);
    assert_string_equal(report.views[0].name, "internet");
    assert_int_equal(report.views[1].zones, 1);
    assert_int_equal(report.views[1].bytes, 4);
    assert_string_equal(report.tables[0].name, "images");
    assert_int_equal(report.tables[0].entries, 2);
    store_report_clear(&report);
    close(hold[1]);
    waitpid(child, NULL, 0);
    fixture_expect_ok(fixture, store_report_read(&options, LIMIT_MS, &report, &fixture->diag));
    assert_int_equal(report.reader_count, 0);
    store_report_clear(&report);
    close(hold[0]);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_child, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_verify, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_pages, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_backup, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_restore_refused, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_compact, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_report, fixture_setup, fixture_teardown),
    };

    /* Who began this program may have ignored it, as a shell does for what runs behind it. */
    signal(SIGINT, SIG_DFL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

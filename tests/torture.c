/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * torture: one whole import, from the tree of zone files to the published generation, again and again, each time with
 * another failure in it: our allocation number 1, 2, 3 ... and all after it; write number 1, 2, 3 ... to a file,
 * refused with EIO, and with ENOSPC and all after it. After each one the store is whole and holds the generation of
 * before byte for byte, or, if the failure was of no consequence, the new one.
 *
 * With LIBRARY_ROUNDS=N (SEED repeats a run) also every k-th allocation of the libraries, in a child, which a library
 * may abort.
 *
 * Linked with its own zones/memory.c, built with SPLITVIEW_TORTURE; the calls that write to files are defined here and
 * so take the place of the C library's for liblmdb too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/publish.h"
#include "tests/tree.h"
#include "zones/catalog.h"
#include "zones/hash.h"
#include "zones/memory.h"
#include "zones/store_care.h"
#include "zones/store_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* ---- the calls that fail ---- */

/* Which call fails; the functions that take the C library's place have no other way to know. */
static struct {
    bool armed;
    bool lasting;     /* all after it fail too */
    int error;        /* errno */
    unsigned long at; /* number of the call that fails, from 1 */
    unsigned long calls;
} seam;

static bool call_fails(int fd)
{
    if (!seam.armed || (fd >= 0 && fd <= STDERR_FILENO))
        return false;
    seam.calls++;
    if (seam.lasting ? seam.calls < seam.at : seam.calls != seam.at)
        return false;
    errno = seam.error;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return call_fails(fd) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return call_fails(fd) ? -1 : syscall(SYS_writev, fd, pieces, (long)count);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return call_fails(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    return pwrite(fd, bytes, size, offset);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return call_fails(fd) ? -1 : syscall(SYS_pwritev, fd, pieces, (long)count, offset, 0L);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t offset)
{
    return pwritev(fd, pieces, count, offset);
}

int fdatasync(int fd)
{
    return call_fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return call_fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int msync(void *start, size_t size, int flags)
{
    return call_fails(-1) ? -1 : (int)syscall(SYS_msync, start, size, flags);
}

int ftruncate(int fd, off_t size)
{
    return call_fails(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* ---- one import ---- */

struct torture {
    struct tree tree;
    struct store_options options;
    unsigned step;              /* a number in the zones, so that every import has something new */
    uint64_t head;              /* 0: nothing is published */
    uint8_t content[HASH_SIZE]; /* of the head */
};

static void zones_write(struct torture *torture)
{
    char text[500];

    torture->step++;
    snprintf(text, sizeof text,
             "$TTL 300\n@ SOA ns hostmaster 1 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\nstep TXT \"%u\"\n"
             "www CNAME ns\n_sip._tls SRV 0 0 443 ns\n",
             torture->step);
    tree_write(&torture->tree, "internet/a.example.zone", text);
    tree_write(&torture->tree, "internal/b.example.zone", text);
}

/* As `splitview import` does it, but for its messages. */
static enum status import(const struct torture *torture)
{
    struct publish_result result;
    /* A limit that nothing passes: the import is compared with the generation before. */
    struct publish_options options = {.now = 1000, .limits = {.has_removed = true, .removed = UINT32_MAX}};
    struct store *store = NULL;
    struct source *source = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status = store_open_writer(&torture->options, &diag, &store);
    if (status == STATUS_OK)
        status = source_open(torture->tree.zones, NULL, "main", &diag, &source);
    if (status == STATUS_OK) {
        options.source = source;
        options.store = store;
        status = publish_run(&options, &result, &diag);
    }
    source_close(source);
    store_close(store);
    if (status != STATUS_OK && status != STATUS_NO_MEMORY && diag.errors == 0)
        fail_msg("status \"%s\" without a message", status_text(status));
    diag_clear(&diag);
    return status;
}

/* ---- what is in the store ---- */

/* Everything that the head serves goes into the digest. */
static void content_read(struct snapshot *snapshot, uint64_t head, uint8_t content[HASH_SIZE])
{
    struct store_generation generation;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(snapshot_generation(snapshot, head, &generation, &diag), STATUS_OK);
    struct hash_piece piece = {generation.policy, generation.policy_size};
    hash_pieces(&piece, 1, content);
    for (uint32_t i = 0; i < generation.view_count; i++) {
        struct catalog catalog;

        assert_int_equal(catalog_open(generation.views[i].catalog, generation.views[i].catalog_size, &catalog),
                         STATUS_OK);
        for (uint32_t j = 0; j < catalog_count(&catalog); j++) {
            const void *block = NULL;
            size_t size = 0;

            assert_int_equal(snapshot_image(snapshot, catalog_entry(&catalog, j)->image_id, &block, &size), STATUS_OK);
            const struct hash_piece pieces[] = {
                {content, HASH_SIZE},
                {generation.views[i].name, strlen(generation.views[i].name)},
                {generation.views[i].catalog, generation.views[i].catalog_size},
                {block, size},
            };
            uint8_t digest[HASH_SIZE];
            hash_pieces(pieces, sizeof pieces / sizeof pieces[0], digest);
            memcpy(content, digest, sizeof digest);
        }
    }
    diag_clear(&diag);
}

/* The head and its content; 0 if there is no store or nothing in it. */
static uint64_t head_read(const struct torture *torture, uint8_t content[HASH_SIZE])
{
    struct store *store = NULL;
    struct snapshot *snapshot = NULL;
    struct diag diag;
    uint64_t head = 0;

    diag_init(&diag);
    memset(content, 0, HASH_SIZE);
    const enum status status = store_open_reader(&torture->options, &diag, &store);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        diag_print(&diag, stderr);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    if (status == STATUS_OK) {
        assert_int_equal(snapshot_open(store, &diag, &snapshot), STATUS_OK);
        assert_int_equal(snapshot_head(snapshot, &head, &diag), STATUS_OK);
        if (head > 0)
            content_read(snapshot, head, content);
        snapshot_close(snapshot);
        store_close(store);
    }
    diag_clear(&diag);
    return head;
}

/* The store is whole, and holds what it held, or one generation more if the import says so. */
static void expect_whole(struct torture *torture, enum status status, const char *what, unsigned long number)
{
    struct store_verified verified;
    uint8_t content[HASH_SIZE];
    struct diag diag;

    diag_init(&diag);
    const enum status found = store_verify_folder(&torture->options, STORE_FORMAT, &verified, &diag);
    if (found != STATUS_OK && found != STATUS_NOT_FOUND) {
        diag_print(&diag, stderr);
        fail_msg("%s %lu: the store is damaged", what, number);
    }
    diag_clear(&diag);
    const uint64_t head = head_read(torture, content);
    if (status == STATUS_OK) {
        if (head != torture->head + 1)
            fail_msg("%s %lu: published, but the head is %llu", what, number, (unsigned long long)head);
        torture->head = head;
        memcpy(torture->content, content, sizeof content);
        zones_write(torture);
    } else if (head != torture->head || memcmp(content, torture->content, sizeof content) != 0) {
        fail_msg("%s %lu: the import failed, but generation %llu changed or is %llu now", what, number,
                 (unsigned long long)torture->head, (unsigned long long)head);
    }
}

/* ---- the campaigns ---- */

static int torture_setup(void **state)
{
    struct torture *torture = calloc(1, sizeof *torture);

    assert_non_null(torture);
    tree_init(&torture->tree);
    torture->options = (struct store_options){.path = torture->tree.store, .map_size = UINT64_C(16) << 20, .keep = 3};
    tree_write(&torture->tree, "policy.conf",
               "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\nbase = internet\n"
               "[autodiscover a]\nsip-domains = a.example\ninternal-views = internal\n"
               "internal-web = wi.a.example 10.0.0.9\nexternal-web = we.a.example 192.0.2.9\n"
               "[ttl t]\nnames = www.*\nviews = internal\nmax = 5\n"
               "[cutover c]\nnames = ns.*\nat = 2026-12-01T20:00:00Z\n"
               "[upstream u]\nservers = 192.0.2.53\nprivate-answers = *.corp.example\n"
               "[view fwd]\nclients = 10.7.0.0/16\nbase = internet\nforward = u\n"
               "[forward x.y.a.example]\nto = u\n[forward z.example]\nto = nowhere\nviews = internal\n");
    zones_write(torture);
    *state = torture;
    return 0;
}

static int torture_teardown(void **state)
{
    struct torture *torture = *state;

    tree_clear(&torture->tree);
    free(torture);
    return 0;
}

/* Several generations, so that an import prunes too. */
static void publish_some(struct torture *torture)
{
    for (unsigned i = 0; i < 5; i++)
        expect_whole(torture, import(torture), "generation", i);
}

static unsigned long fail_allocations(struct torture *torture, const char *what)
{
    for (unsigned long number = 1;; number++) {
        const uint64_t before = memory_count();

        memory_fail_from(number);
        const enum status status = import(torture);
        memory_fail_from(0);
        const bool failed = memory_count() - before >= number;
        if (status != STATUS_OK && status != STATUS_NO_MEMORY && status != STATUS_STORE && status != STATUS_IO)
            fail_msg("%s %lu: unexpected status \"%s\"", what, number, status_text(status));
        if (status != STATUS_OK && !failed)
            fail_msg("%s: the import fails by itself: %s", what, status_text(status));
        expect_whole(torture, status, what, number);
        if (!failed)
            return number - 1;
    }
}

static void test_allocations(void **state)
{
    struct torture *torture = *state;

    /* A store that is made must be made anew each time. */
    const unsigned long first = fail_allocations(torture, "first import, allocation");
    publish_some(torture);
    const unsigned long next = fail_allocations(torture, "allocation");
    print_message("# allocations failed in turn: %lu of a first import, %lu of a later one\n", first, next);
    assert_true(first > 100 && next > 100);
}

static unsigned long fail_writes(struct torture *torture, const char *what, int error, bool lasting)
{
    for (unsigned long number = 1;; number++) {
        seam.lasting = lasting;
        seam.error = error;
        seam.at = number;
        seam.calls = 0;
        seam.armed = true;
        const enum status status = import(torture);
        seam.armed = false;
        const bool failed = seam.calls >= number;
        if (status != STATUS_OK && status != STATUS_IO && status != STATUS_STORE && status != STATUS_STORE_FULL)
            fail_msg("%s %lu: unexpected status \"%s\"", what, number, status_text(status));
        expect_whole(torture, status, what, number);
        if (!failed)
            return number - 1;
    }
}

static void test_writes(void **state)
{
    struct torture *torture = *state;
    const unsigned long first = fail_writes(torture, "first import, write (EIO)", EIO, false);
    publish_some(torture);
    const unsigned long once = fail_writes(torture, "write (EIO)", EIO, false);
    const unsigned long lasting = fail_writes(torture, "write (ENOSPC)", ENOSPC, true);

    print_message("# writes failed in turn: %lu of a first import, %lu of a later one, %lu from there on\n", first,
                  once, lasting);
    assert_true(first > 5 && once > 5 && lasting > 5);
}

/* ---- the libraries' allocations ---- */

#if defined(__GLIBC__) && !defined(SANITIZED)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* Every so many allocations one fails; 0: none. */
static unsigned long library_every;
static unsigned long library_calls;

static bool allocation_fails(void)
{
    return library_every != 0 && ++library_calls % library_every == 0;
}

void *malloc(size_t size)
{
    return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return allocation_fails() ? NULL : __libc_realloc(old, size);
}

/* The import in a child, which may do as it likes with itself. */
static int import_in_child(const struct torture *torture, unsigned long every)
{
    const struct rlimit no_core = {0, 0};
    const int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int how = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(quiet, STDERR_FILENO);
        signal(SIGSEGV, SIG_DFL); /* cmocka's handlers would go on with the tests */
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(60); /* ends a child that does not come to an end */
        library_every = every;
        const enum status status = import(torture);
        library_every = 0;
        _exit(status == STATUS_OK ? 0 : 1);
    }
    close(quiet);
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void test_libraries(void **state)
{
    struct torture *torture = *state;
    const char *rounds_text = getenv("LIBRARY_ROUNDS");
    const char *seed_text = getenv("SEED");
    const unsigned long rounds = rounds_text ? strtoul(rounds_text, NULL, 10) : 0;
    unsigned seed = seed_text ? (unsigned)strtoul(seed_text, NULL, 10) : (unsigned)time(NULL);
    unsigned long ends[3] = {0, 0, 0}; /* published, failed, died */

    if (rounds == 0) {
        print_message("# LIBRARY_ROUNDS is not given\n");
        return;
    }
    print_message("# SEED=%u LIBRARY_ROUNDS=%lu\n", seed, rounds);
    publish_some(torture);
    for (unsigned long round = 0; round < rounds; round++) {
        uint8_t content[HASH_SIZE];
        const unsigned bits = (unsigned)rand_r(&seed) % 14;
        const unsigned long every = 2 + (unsigned long)rand_r(&seed) % (1ul << (bits + 1));
        const int how = import_in_child(torture, every);
        const uint64_t head = head_read(torture, content);

        if (WIFSIGNALED(how) && WTERMSIG(how) == SIGALRM)
            fail_msg("round %lu, every %lu: the import does not end", round, every);
        ends[WIFSIGNALED(how) ? 2 : WEXITSTATUS(how) == 0 ? 0 : 1]++;
        /* Whoever died after the last write has published; who says that it failed has not. */
        expect_whole(torture,
                     head > torture->head && !(WIFEXITED(how) && WEXITSTATUS(how) == 1) ? STATUS_OK : STATUS_IO,
                     "library allocations, every", every);
    }
    print_message("# allocations of libraries: %lu rounds, %lu published, %lu failed, %lu died\n", rounds, ends[0],
                  ends[1], ends[2]);
}

#else

static void test_libraries(void **state)
{
    (void)state;
    print_message("# needs glibc's allocator, without a sanitizer\n");
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_allocations, torture_setup, torture_teardown),
        cmocka_unit_test_setup_teardown(test_writes, torture_setup, torture_teardown),
        cmocka_unit_test_setup_teardown(test_libraries, torture_setup, torture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

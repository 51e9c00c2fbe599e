/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/signature.h"
#include "zones/source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 20000
#define TAG      "89abcdef0123456789abcdef0123456789abcdef"
#define COMMIT   "0123456789abcdef0123456789abcdef01234567"

/*
 * Builds, in the folder it runs in, a repository with one commit on each branch: signed by a signer of the file
 * `signers`, by somebody else, by a signer whose time is over, with OpenPGP, changed after it was signed, or not at
 * all; and tags on the last.
 */
static const char build_script[] =
    "set -e\n"
    "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@harbor.example\n"
    "export GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@harbor.example\n"
    "unset GIT_DIR GIT_WORK_TREE GIT_OBJECT_DIRECTORY GIT_QUARANTINE_PATH GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
    "for key in ada eve old; do ssh-keygen -q -t ed25519 -N '' -f $key; done\n"
    "printf 'ada namespaces=\"git\" %s\\nold valid-before=\"20200101\" %s\\n' \"$(cat ada.pub)\" \"$(cat old.pub)\" "
    "> signers\n"
    "git init -q -b none repository; cd repository; git config gpg.format ssh\n"
    "git commit -q --allow-empty -m none\n"
    "for key in ada eve old; do git checkout -q -b $key none; git config user.signingkey ../$key\n"
    "    git commit -q --allow-empty -S -m $key; done\n"
    "change() { git update-ref refs/heads/$1 $(git cat-file commit ada | sed \"$2\" | git hash-object -t commit -w "
    "--stdin); }\n"
    "change changed 's/^ada$/changed/'; change pgp 's/ SSH SIGNATURE/ PGP SIGNATURE/'\n"
    "git config user.signingkey ../ada; git tag -s -m good good none; git tag -a -m plain plain none\n"
    "git config user.signingkey ../eve; git tag -s -m bad bad none; git tag -s -m bad signed ada\n"
    /* None of this may count. */
    "git config gpg.ssh.program true; git config gpg.program true; git config gpg.minTrustLevel undefined\n"
    "git config gpg.ssh.allowedSignersFile ../eve.pub; git replace ada none; git replace none ada\n";

/* In $1, a program git that does $2. */
static const char fake_script[] =
    "mkdir -p \"$1\" && printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1/git\" && chmod 755 \"$1/git\"";

/* The folder all tests work in; it is the working directory, so that relative names are tried. */
struct fixture {
    char folder[PATH_MAX];
    char *path; /* the variable PATH of before */
    bool has_keys;
};

static bool shell(const char *script, const char *first, const char *second)
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", script, "sh", first, second, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status == 0;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const char *base = getenv("TMPDIR");

    snprintf(fixture->folder, sizeof fixture->folder, "%s/signature-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(fixture->folder) == NULL || chdir(fixture->folder) != 0)
        return -1;
    fixture->path = strdup(getenv("PATH"));
    fixture->has_keys = shell("{ command -v git && command -v ssh-keygen && id -un; } >/dev/null 2>&1", NULL, NULL);
    if (fixture->has_keys && !shell(build_script, NULL, NULL))
        return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    setenv("PATH", fixture->path, 1);
    if (chdir("/") != 0 || !shell("rm -rf \"$1\"", fixture->folder, NULL))
        return -1;
    free(fixture->path);
    free(fixture);
    return 0;
}

static int restore_path(void **state)
{
    const struct fixture *fixture = *state;

    return setenv("PATH", fixture->path, 1);
}

/* Each of the words stands in a message of its own, in this order; NULL: there is no such message. */
static void expect_words(struct diag *diag, const char *first, const char *second)
{
    const char *const words[] = {first, second};

    assert_int_equal(diag->count, (first != NULL) + (second != NULL));
    for (size_t i = 0; i < diag->count; i++)
        if (strstr(diag->messages[i].text, words[i]) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", diag->messages[i].text, words[i]);
    diag_clear(diag);
}

static const struct {
    const char *revision;
    enum status status;
    const char *first;
    const char *second;
} signatures[] = {
    {"ada", STATUS_OK, NULL, NULL},
    {"none", STATUS_BAD_INPUT, ": found no signature, wanted one of a signer in /", NULL},
    {"eve", STATUS_BAD_INPUT, ": found no good signature, wanted one of a signer in /", NULL},
    {"old", STATUS_BAD_INPUT, ": found no good signature", NULL},
    {"changed", STATUS_BAD_INPUT, ": found no good signature", NULL},
    {"pgp", STATUS_BAD_INPUT, ": found no ", NULL},
    {"good", STATUS_OK, NULL, NULL},
    {"good^{commit}", STATUS_BAD_INPUT, ": found no signature", NULL},
    {"plain", STATUS_BAD_INPUT, "commit ", "tag "},
    {"bad", STATUS_BAD_INPUT, ": found no signature", ": found no good signature"},
    {"signed", STATUS_OK, NULL, NULL},
};

static void test_git(void **state)
{
    const struct fixture *fixture = *state;

    if (!fixture->has_keys) {
        print_message("needs git, ssh-keygen (Debian: openssh-client), and a user with an account\n");
        skip();
    }
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        struct source *source = NULL;
        struct diag diag;

        diag_init(&diag);
        assert_int_equal(source_open("repository", signatures[i].revision, NULL, &diag, &source), STATUS_OK);
        const enum status status = signature_check(source_info(source), "signers", LIMIT_MS, &diag);
        if (status != signatures[i].status) {
            diag_print(&diag, stderr);
            fail_msg("%s: %s", signatures[i].revision, status_text(status));
        }
        expect_words(&diag, signatures[i].first, signatures[i].second);
        source_close(source);
    }
}

/* A program in the place of git. */
static const struct {
    const char *does;
    uint32_t limit_ms;
    bool has_tag;
    enum status status;
    const char *first;
    const char *second;
} programs[] = {
    {"exit 0", LIMIT_MS, false, STATUS_OK, NULL, NULL},
    {"exit 1", LIMIT_MS, false, STATUS_BAD_INPUT, "commit 0123456789ab: found no signature", NULL},
    {"echo one; echo two >&2; exit 1", LIMIT_MS, false, STATUS_BAD_INPUT, "; git says: one; two", NULL},
    {"echo fatal: a reason; exit 128", LIMIT_MS, false, STATUS_IO, "failed with status 128: fatal: a reason", NULL},
    {"kill -TERM $$", LIMIT_MS, false, STATUS_IO, "was ended by a signal (Terminated)", NULL},
    /* What it started holds the pipe, and ends with it. */
    {"tail -f /dev/null & exit 1", LIMIT_MS, false, STATUS_BAD_INPUT, "found no signature", NULL},
    {"tail -f /dev/null", 100, false, STATUS_IO, "git verify-commit did not end within 0.1 s", NULL},
    {"exec tail -f /dev/null >/dev/null 2>&1", 100, false, STATUS_IO, "did not end within 0.1 s", NULL},
    {"yes | head -c 3000000; exit 1", LIMIT_MS, false, STATUS_BAD_INPUT, "git says: y; y; y", NULL},
    {"printf '\\033[2J'; exit 1", LIMIT_MS, false, STATUS_BAD_INPUT, "\\027[2J", NULL},
    {"for a; do last=$a; done; test $last = " TAG, LIMIT_MS, true, STATUS_OK, NULL, NULL},
    {"for a; do last=$a; done; test $last = " COMMIT, LIMIT_MS, true, STATUS_OK, NULL, NULL},
    {"exit 1", LIMIT_MS, true, STATUS_BAD_INPUT, "commit 0123456789ab: ", "tag 89abcdef0123: "},
};

static void test_programs(void **state)
{
    struct source_info info = {.path = "zones", .commit = COMMIT, .git_dir = "/nowhere"};
    char path[PATH_MAX + 100];
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        struct diag diag;

        diag_init(&diag);
        assert_true(shell(fake_script, "fake", programs[i].does));
        snprintf(path, sizeof path, "%s/fake:%s", fixture->folder, fixture->path);
        setenv("PATH", path, 1);
        info.tag = programs[i].has_tag ? TAG : "";
        const enum status status = signature_check(&info, "fake/git", programs[i].limit_ms, &diag);
        if (status != programs[i].status)
            fail_msg("%s: %s", programs[i].does, status_text(status));
        expect_words(&diag, programs[i].first, programs[i].second);
        restore_path(state);
    }
}

/* What git gets to see: the folder of the objects of a push, and nothing that changes what it does. */
static void test_environment(void **state)
{
    static const char check[] = "set -e; for line in LC_ALL=C GIT_CONFIG_GLOBAL=/dev/null GIT_NO_REPLACE_OBJECTS=1 "
                                "GIT_DIR=/nowhere GIT_OBJECT_DIRECTORY=/incoming; do grep -qxF \"$line\" seen; done\n"
                                "! grep -E '^(HOME|GIT_CONFIG_COUNT|GIT_CONFIG_KEY_0|GIT_SSH|LD_PRELOAD)=' seen";
    const struct source_info info = {.path = "zones", .commit = COMMIT, .tag = "", .git_dir = "/nowhere"};
    const struct fixture *fixture = *state;
    char path[PATH_MAX + 100];
    struct diag diag;

    diag_init(&diag);
    assert_true(shell(fake_script, "fake", "env > seen; printf \"%s\\n\" \"$@\" > arguments"));
    snprintf(path, sizeof path, "%s/fake:%s", fixture->folder, fixture->path);
    setenv("PATH", path, 1);
    setenv("GIT_OBJECT_DIRECTORY", "/incoming", 1);
    setenv("GIT_DIR", "/elsewhere", 1);
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "gpg.ssh.program", 1);
    setenv("GIT_CONFIG_VALUE_0", "true", 1);
    const enum status status = signature_check(&info, "./fake/../fake/git", LIMIT_MS, &diag);
    unsetenv("GIT_OBJECT_DIRECTORY");
    unsetenv("GIT_DIR");
    unsetenv("GIT_CONFIG_COUNT");
    unsetenv("GIT_CONFIG_KEY_0");
    unsetenv("GIT_CONFIG_VALUE_0");
    assert_int_equal(status, STATUS_OK);
    expect_words(&diag, NULL, NULL);
    assert_true(shell(check, NULL, NULL));
    assert_true(shell("grep -qxF \"gpg.ssh.allowedSignersFile=$PWD/fake/git\" arguments", NULL, NULL));
}

static void test_missing(void **state)
{
    struct source_info info = {.path = "zones", .commit = COMMIT, .tag = "", .git_dir = "/nowhere"};
    struct diag diag;

    (void)state;
    diag_init(&diag);
    assert_true(shell(fake_script, "fake", "exit 0"));
    assert_int_equal(signature_check(&info, "nothing", LIMIT_MS, &diag), STATUS_IO);
    expect_words(&diag, "cannot read the allowed signers nothing: No such file or directory", NULL);
    setenv("PATH", "/nonexistent", 1);
    assert_int_equal(signature_check(&info, "fake/git", LIMIT_MS, &diag), STATUS_IO);
    expect_words(&diag,
                 "cannot run git to verify the signature of commit 0123456789ab: No such file or directory; "
                 "require-signed needs the programs git and ssh-keygen",
                 NULL);
    info.commit = "";
    assert_int_equal(signature_check(&info, "fake/git", LIMIT_MS, &diag), STATUS_BAD_INPUT);
    expect_words(&diag, "zones is a folder", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_git, restore_path),
        cmocka_unit_test_teardown(test_programs, restore_path),
        cmocka_unit_test_teardown(test_environment, restore_path),
        cmocka_unit_test_teardown(test_missing, restore_path),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/memory.h"
#include "zones/source.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Builds, in the folder it runs in: `tree`, a plain folder; `work`, a repository with the same files on branch main, a
 * tag, and a branch other; `bare.git`, a bare clone; `unborn`, a repository without a commit; `push`, a bare repository
 * with the objects of one more commit, named in `push.commit`, in a quarantine folder.
 */
static const char build_script[] =
    "set -e\n"
    "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null\n"
    "export GIT_AUTHOR_NAME='Ada L' GIT_AUTHOR_EMAIL=ada@harbor.example GIT_AUTHOR_DATE='1600000000 +0200'\n"
    "export GIT_COMMITTER_NAME=Bob GIT_COMMITTER_EMAIL=bob@harbor.example GIT_COMMITTER_DATE='1600000100 +0000'\n"
    "unset GIT_DIR GIT_WORK_TREE GIT_OBJECT_DIRECTORY GIT_QUARANTINE_PATH GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
    "mkdir -p tree/internet tree/internal/deep tree/.hidden tree/empty; cd tree\n"
    "printf '[view a]\\n' > policy.conf; printf 'one\\n' > internet/harbor.example.zone\n"
    "printf 'two\\n' > internal/b.zone; printf 'x' > internal/a.zone; : > internal/empty.zone\n"
    "printf 'dot' > .dotfile; printf 'in' > .hidden/x; printf 'k' > empty/.keep; printf 'd' > internal/deep/d.zone\n"
    "printf 'u' > internal/Z.zone; printf 'v' > internal/a-b.zone\n"
    "ln -s ../internal/b.zone internet/link.zone; ln -s internal views; ln -s views again; ln -s . self\n"
    "ln -s ../../outside internet/out; ln -s /etc/passwd passwd; ln -s nothing dangling; ln -s loop2 loop1\n"
    "ln -s loop1 loop2; ln -s internal/../internal/deep/../a.zone winding; ln -s policy.conf/x through\n"
    "ln -s internal/../../outside sly; ln -s self/self/self/internet/link.zone selfish\n"
    "printf secret > ../outside; cd ..\n"
    "cp -a tree work; cd work; git init -q -b main .; git add -A; git commit -q -m 'First words\n\nmore words'\n"
    "git tag -a -m tagged v1; git checkout -q -b other; printf three > internal/b.zone; git commit -q -a -m Second\n"
    "git branch third; git checkout -q main\n"
    "git update-index --add --cacheinfo 160000,0123456789012345678901234567890123456789,module\n"
    "git commit -q -m 'With a module'; git checkout -q main; cd ..\n"
    "git clone -q --bare work bare.git; git init -q -b trunk unborn; git init -q --bare -b main push.git\n"
    "git -C push.git fetch -q ../work main:main; mkdir -p push.git/objects/incoming; cd push.git\n"
    "export GIT_OBJECT_DIRECTORY=$PWD/objects/incoming GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/objects\n"
    "blob=$(printf pushed | git hash-object -w --stdin)\n"
    "tree=$(printf '100644 blob %s\\tpolicy.conf\\n' $blob | git mktree)\n"
    "git commit-tree -m Pushed -p main $tree | tr -d '\\n' > ../push.commit\n";

/* The folder all tests read. */
struct fixture {
    char folder[PATH_MAX];
};

static void shell(const char *folder, const char *script)
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(folder) == 0)
            execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    const char *base = getenv("TMPDIR");

    unsetenv("GIT_DIR");
    unsetenv("GIT_OBJECT_DIRECTORY");
    unsetenv("GIT_QUARANTINE_PATH");
    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    snprintf(fixture->folder, sizeof(fixture->folder), "%s/source-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(fixture->folder))
        return -1;
    shell(fixture->folder, build_script);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    shell(fixture->folder, "chmod -R u+rwX . && rm -rf \"$PWD\"");
    free(fixture);
    return 0;
}

static enum status open_status(const struct fixture *fixture, const char *name, const char *revision,
                               const char *branch, struct diag *diag, struct source **source)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
    *source = NULL;
    return source_open(path, revision, branch, diag, source);
}

static struct source *open_source(const struct fixture *fixture, const char *name, const char *revision)
{
    struct diag diag;
    struct source *source = NULL;

    diag_init(&diag);
    if (open_status(fixture, name, revision, "main", &diag, &source) != STATUS_OK) {
        diag_print(&diag, stderr);
        fail_msg("%s does not open", name);
    }
    assert_int_equal(diag.count, 0);
    diag_clear(&diag);
    return source;
}

/* The only message has these words, or, with NULL, there is none. */
static void expect_words(struct diag *diag, const char *words)
{
    if (!words) {
        assert_int_equal(diag->count, 0);
    } else {
        assert_int_equal(diag->count, 1);
        if (!strstr(diag->messages[0].text, words))
            fail_msg("\"%s\" lacks \"%s\"", diag->messages[0].text, words);
    }
    diag_clear(diag);
}

/* All back ends: every test of the tree runs over each. */
static const char *const trees[] = {"tree", "work", "bare.git"};
#define TREES (sizeof(trees) / sizeof(trees[0]))

static const struct {
    const char *path;
    enum status status;
    const char *text; /* of the file, or of the message */
} files[] = {
    {"policy.conf", STATUS_OK, "[view a]\n"},
    {"internal/a.zone", STATUS_OK, "x"},
    {"internal/empty.zone", STATUS_OK, ""},
    {"internal/deep/d.zone", STATUS_OK, "d"},
    {".hidden/x", STATUS_OK, "in"},
    {"internet/link.zone", STATUS_OK, "two\n"},
    {"views/b.zone", STATUS_OK, "two\n"},
    {"again/b.zone", STATUS_OK, "two\n"},
    {"self/self/policy.conf", STATUS_OK, "[view a]\n"},
    {"winding", STATUS_OK, "x"},
    {"selfish", STATUS_OK, "two\n"},
    {"missing", STATUS_NOT_FOUND, NULL},
    {"internal/missing.zone", STATUS_NOT_FOUND, NULL},
    {"views/missing.zone", STATUS_NOT_FOUND, NULL},
    {"missing/deeper", STATUS_NOT_FOUND, NULL},
    {"policy.conf/x", STATUS_NOT_FOUND, NULL},
    {"internal", STATUS_BAD_INPUT, "a folder, wanted is a file"},
    {"views", STATUS_BAD_INPUT, "a folder, wanted is a file"},
    {"self", STATUS_BAD_INPUT, "a folder, wanted is a file"},
    {"", STATUS_BAD_INPUT, "a folder, wanted is a file"},
    {"internet/out", STATUS_BAD_INPUT, "the symbolic link \"out\" to \"../../outside\" leaves the tree"},
    {"sly", STATUS_BAD_INPUT, "the symbolic link \"sly\" to \"internal/../../outside\" leaves the tree"},
    {"passwd", STATUS_BAD_INPUT, "the symbolic link \"passwd\" to \"/etc/passwd\" leaves the tree"},
    {"dangling", STATUS_BAD_INPUT, "the symbolic link \"dangling\" to \"nothing\" leads to nothing"},
    {"through", STATUS_BAD_INPUT, "leads to nothing"},
    {"loop1", STATUS_BAD_INPUT, "the symbolic link \"loop1\" to \"loop2\" leads through too many links"},
    {"/etc/passwd", STATUS_BAD_INPUT, "not a path inside the tree"},
    {"../outside", STATUS_BAD_INPUT, "not a path inside the tree"},
    {"internal/../policy.conf", STATUS_BAD_INPUT, "not a path inside the tree"},
    {"./policy.conf", STATUS_BAD_INPUT, "not a path inside the tree"},
    {"internal//a.zone", STATUS_BAD_INPUT, "not a path inside the tree"},
    {"internal/", STATUS_BAD_INPUT, "not a path inside the tree"},
};

static void test_read(void **state)
{
    for (size_t tree = 0; tree < TREES; tree++) {
        struct source *source = open_source(*state, trees[tree], NULL);

        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            struct source_file file;
            struct diag diag;

            diag_init(&diag);
            const enum status status = source_read(source, files[i].path, &file, &diag);
            if (status != files[i].status)
                fail_msg("%s of %s: %s", files[i].path, trees[tree], status_text(status));
            if (status == STATUS_OK) {
                assert_int_equal(file.size, strlen(files[i].text));
                assert_string_equal(file.data, files[i].text);
            }
            if (diag.count > 0)
                assert_string_equal(diag.messages[0].file, files[i].path);
            expect_words(&diag, status == STATUS_OK ? NULL : files[i].text);
            source_file_clear(&file);
        }
        source_close(source);
    }
}

static const struct {
    const char *path;
    const char *names; /* as listed, folders with a '/' */
} listings[] = {
    {"", "again/ dangling empty/ internal/ internet/ loop1 loop2 passwd policy.conf self/ selfish sly through views/ "
         "winding "},
    {"internal", "Z.zone a-b.zone a.zone b.zone deep/ empty.zone "},
    {"views", "Z.zone a-b.zone a.zone b.zone deep/ empty.zone "},
    {"internet", "harbor.example.zone link.zone out "},
    {"empty", ""},
};

static void test_list(void **state)
{
    for (size_t tree = 0; tree < TREES; tree++) {
        struct source *source = open_source(*state, trees[tree], tree == 0 ? NULL : "v1");

        for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
            struct source_listing listing;
            struct diag diag;
            char names[500] = "";

            diag_init(&diag);
            assert_int_equal(source_list(source, listings[i].path, &listing, &diag), STATUS_OK);
            for (size_t j = 0; j < listing.count; j++) {
                strcat(names, listing.entries[j].name);
                strcat(names, listing.entries[j].is_folder ? "/ " : " ");
            }
            assert_string_equal(names, listings[i].names);
            source_listing_clear(&listing);
            assert_int_equal(source_list(source, "missing", &listing, &diag), STATUS_NOT_FOUND);
            expect_words(&diag, NULL);
            assert_int_equal(source_list(source, "policy.conf", &listing, &diag), STATUS_BAD_INPUT);
            expect_words(&diag, "not a folder");
            assert_int_equal(source_list(source, "passwd", &listing, &diag), STATUS_BAD_INPUT);
            expect_words(&diag, "leaves the tree");
        }
        source_close(source);
    }
}

static void test_submodule(void **state)
{
    struct source *source = open_source(*state, "bare.git", NULL);
    struct source_listing listing;
    struct source_file file;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(source_list(source, "module", &listing, &diag), STATUS_OK);
    assert_int_equal(listing.count, 0);
    assert_int_equal(source_read(source, "module", &file, &diag), STATUS_BAD_INPUT);
    expect_words(&diag, "a git submodule, wanted is a file");
    assert_int_equal(source_read(source, "module/x.zone", &file, &diag), STATUS_BAD_INPUT);
    expect_words(&diag, "lies in a git submodule");
    source_close(source);
}

static const struct {
    const char *repository;
    const char *revision;
    const char *branch;
    const char *subject; /* NULL: refused with BAD_INPUT, or with IO if the words begin with "cannot read" */
    const char *words;
} revisions[] = {
    {"work", NULL, "main", "With a module", NULL},
    {"work", NULL, NULL, "With a module", NULL},
    {"bare.git", NULL, "other", "Second", NULL},
    {"bare.git", "v1", "main", "First words", NULL},
    {"bare.git", "refs/tags/v1", "main", "First words", NULL},
    {"bare.git", "main~1", "other", "First words", NULL},
    {"bare.git", "other", "main", "Second", NULL},
    {"bare.git", "HEAD", "other", "With a module", NULL},
    {"bare.git", "nothing", "main", NULL, "has no revision \"nothing\""},
    {"bare.git", "0123456789012345678901234567890123456789", "main", NULL, "has no revision"},
    {"bare.git", "main:policy.conf", "main", NULL, "is a blob, wanted is a commit"},
    {"bare.git", "main^{tree}", "main", NULL, "is a tree, wanted is a commit"},
    {"bare.git", "main..other", "main", NULL, "revision \"main..other\""},
    {"bare.git", "", "main", NULL, "revision \"\""},
    {"bare.git", NULL, "gone", NULL, "has no branch \"gone\"; it has \"main\", \"other\", \"third\""},
    {"bare.git", NULL, "no such..name", NULL, "has no branch \"no such..name\""},
    {"unborn", NULL, "trunk", NULL, "has no branch \"trunk\": it has no branch with a commit yet"},
    {"unborn", NULL, NULL, NULL, "revision \"HEAD\""},
    {"tree", "v1", "main", NULL, "is a folder and no git repository: it has no revision \"v1\""},
    {"work/internal", "v1", "main", NULL, "is a folder and no git repository"},
    {"outside", NULL, "main", NULL, "is neither a git repository nor a folder"},
    {"missing", NULL, "main", NULL, "cannot read"},
};

static void test_revisions(void **state)
{
    for (size_t i = 0; i < sizeof(revisions) / sizeof(revisions[0]); i++) {
        struct source *source = NULL;
        struct diag diag;

        diag_init(&diag);
        const enum status status =
            open_status(*state, revisions[i].repository, revisions[i].revision, revisions[i].branch, &diag, &source);
        if (revisions[i].subject) {
            assert_int_equal(status, STATUS_OK);
            assert_string_equal(source_info(source)->subject, revisions[i].subject);
        } else {
            const bool io = strcmp(revisions[i].words, "cannot read") == 0;

            assert_int_equal(status, io ? STATUS_IO : STATUS_BAD_INPUT);
        }
        expect_words(&diag, revisions[i].words);
        source_close(source);
    }
}

/* Equal contents have equal ids, others have not; a listing gives them where no file has to be read for it. */
static void test_ids(void **state)
{
    static const char *const paths[] = {"internal/b.zone", "views/b.zone", "internet/link.zone", "internal/a.zone"};

    for (size_t tree = 0; tree < TREES; tree++) {
        struct source *source = open_source(*state, trees[tree], NULL);
        uint8_t ids[4][SOURCE_ID_SIZE];
        struct source_listing listing;
        struct diag diag;

        diag_init(&diag);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(source_file_id(source, paths[i], ids[i], &diag), STATUS_OK);
        assert_memory_equal(ids[0], ids[1], SOURCE_ID_SIZE);
        assert_memory_equal(ids[0], ids[2], SOURCE_ID_SIZE);
        assert_memory_not_equal(ids[0], ids[3], SOURCE_ID_SIZE);
        assert_int_equal(source_file_id(source, "missing", ids[0], &diag), STATUS_NOT_FOUND);
        expect_words(&diag, NULL);
        assert_int_equal(source_file_id(source, "internal", ids[0], &diag), STATUS_BAD_INPUT);
        expect_words(&diag, "a folder, wanted is a file");
        assert_int_equal(source_list(source, "internal", &listing, &diag), STATUS_OK);
        assert_string_equal(listing.entries[3].name, "b.zone");
        assert_int_equal(listing.entries[3].has_id, tree > 0);
        if (tree > 0)
            assert_memory_equal(listing.entries[3].id, ids[1], SOURCE_ID_SIZE);
        source_listing_clear(&listing);
        assert_int_equal(source_list(source, "internet", &listing, &diag), STATUS_OK);
        assert_string_equal(listing.entries[1].name, "link.zone");
        assert_false(listing.entries[1].has_id);
        source_listing_clear(&listing);
        source_close(source);
    }
}

static const struct {
    const char *repository;
    const char *revision;
    const char *branch;
    bool reachable;
    const char *words; /* of the refusal */
} branches[] = {
    {"work", NULL, "main", true, NULL},
    {"bare.git", NULL, "main", true, NULL},
    {"bare.git", "main~1", "main", true, NULL},
    {"bare.git", "v1", "main", true, NULL},
    {"bare.git", "v1", "other", true, NULL},
    {"bare.git", "other", "third", true, NULL},
    {"bare.git", "other", "main", false, NULL},
    {"bare.git", "main", "other", false, NULL},
    {"bare.git", "main", "gone", false, "has no branch \"gone\"; it has \"main\""},
    {"bare.git", "main", "", false, "has no branch \"\""},
    {"tree", NULL, "main", true, NULL},
};

static void test_reachable(void **state)
{
    for (size_t i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
        struct source *source = open_source(*state, branches[i].repository, branches[i].revision);
        struct diag diag;
        bool reachable = !branches[i].reachable;

        diag_init(&diag);
        const enum status status = source_is_reachable(source, branches[i].branch, &reachable, &diag);
        assert_int_equal(status, branches[i].words ? STATUS_BAD_INPUT : STATUS_OK);
        if (status == STATUS_OK && reachable != branches[i].reachable)
            fail_msg("%s: %s on %s", branches[i].repository, branches[i].revision, branches[i].branch);
        expect_words(&diag, branches[i].words);
        source_close(source);
    }
}

static void test_info(void **state)
{
    struct source *source = open_source(*state, "bare.git", "v1");
    const struct source_info *info = source_info(source);
    char revision[8] = "";
    char commit[41] = "";

    assert_string_equal(info->author, "Ada L <ada@harbor.example>");
    assert_string_equal(info->revision, "v1");
    assert_int_equal(info->time, 1600000100);
    assert_true(info->is_first);
    assert_int_equal(strspn(info->commit, "0123456789abcdef"), 40);
    assert_non_null(strstr(info->path, "bare.git"));
    assert_int_equal(strspn(info->tag, "0123456789abcdef"), 40);
    assert_string_not_equal(info->tag, info->commit);
    assert_non_null(strstr(info->git_dir, "/bare.git/"));
    assert_false(info->in_quarantine);
    memcpy(revision, info->commit, 7);
    memcpy(commit, info->commit, 40);
    source_close(source);
    source = open_source(*state, "work", revision); /* abbreviated */
    assert_string_equal(source_info(source)->commit, commit);
    assert_string_equal(source_info(source)->tag, "");
    assert_non_null(strstr(source_info(source)->git_dir, "/work/.git/"));
    source_close(source);
    source = open_source(*state, "work", NULL);
    assert_false(source_info(source)->is_first);
    source_close(source);
    source = open_source(*state, "tree", NULL);
    info = source_info(source);
    assert_string_equal(info->tag, "");
    assert_string_equal(info->git_dir, "");
    assert_string_equal(info->commit, "");
    assert_string_equal(info->author, "");
    assert_string_equal(info->revision, "");
    assert_string_equal(info->subject, "");
    assert_int_equal(info->time, 0);
    source_close(source);
}

/* A folder inside a work tree is that folder as it lies there, not the repository above it. */
static void test_no_search(void **state)
{
    struct source *source = open_source(*state, "work/internal", NULL);
    struct source_file file;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(source_read(source, "b.zone", &file, &diag), STATUS_OK);
    source_file_clear(&file);
    assert_string_equal(source_info(source)->commit, "");
    source_close(source);
}

/* The work tree as it lies there, with what nobody committed; of a bare repository HEAD. */
static void test_work_tree(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const rows[][2] = {{"edited", "edited\n"}, {"edited.git", "committed\n"}};
    struct diag diag;

    shell(fixture->folder, "git init -q -b main edited && cd edited && echo committed >file && git add file && "
                           "git -c user.name=t -c user.email=t@example commit -q -m one && "
                           "git clone -q --bare . ../edited.git && echo edited >file");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[2 * PATH_MAX];
        struct source *source = NULL;
        struct source_file file;

        diag_init(&diag);
        snprintf(path, sizeof(path), "%s/%s", fixture->folder, rows[i][0]);
        assert_int_equal(source_open_folder(path, &diag, &source), STATUS_OK);
        assert_int_equal(source_read(source, "file", &file, &diag), STATUS_OK);
        assert_string_equal(file.data, rows[i][1]);
        source_file_clear(&file);
        source_close(source);
        diag_clear(&diag);
    }
}

static void test_broken_repository(void **state)
{
    struct fixture *fixture = *state;
    struct source *source = NULL;
    struct diag diag;

    diag_init(&diag);
    shell(fixture->folder, "mkdir -p broken/.git; cp -r bare.git torn.git; rm -r torn.git/refs torn.git/packed-refs");
    assert_int_equal(open_status(fixture, "broken", NULL, "main", &diag, &source), STATUS_BAD_INPUT);
    expect_words(&diag, "looks like a git repository");
    assert_int_equal(open_status(fixture, "torn.git", NULL, "main", &diag, &source), STATUS_BAD_INPUT);
    expect_words(&diag, "looks like a git repository");
    /* A missing object is an error of reading, and says of what. */
    shell(fixture->folder, "git clone -q --bare --no-hardlinks work holes.git; cd holes.git\n"
                           "mv objects/pack/*.pack . 2>/dev/null || true; chmod -R u+w .; rm -f objects/pack/*\n"
                           "for p in *.pack; do [ ! -e \"$p\" ] || git unpack-objects -q < \"$p\"; done\n"
                           "o=$(git rev-parse main:internal/b.zone)\n"
                           "rm objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)");
    source = open_source(fixture, "holes.git", NULL);
    struct source_file file;
    assert_int_equal(source_read(source, "internal/b.zone", &file, &diag), STATUS_IO);
    assert_string_equal(diag.messages[0].file, "internal/b.zone");
    expect_words(&diag, "cannot read \"b.zone\"");
    assert_int_equal(source_read(source, "internal/a.zone", &file, &diag), STATUS_OK);
    source_file_clear(&file);
    source_close(source);
}

/* An object that unpacks, but to something else, is no file, and no folder. */
static void test_damaged_objects(void **state)
{
    struct fixture *fixture = *state;
    struct source *source = NULL;
    struct source_file file;
    struct source_listing listing;
    struct diag diag;

    diag_init(&diag);
    shell(fixture->folder, "git init -q --bare rot.git; git -C rot.git fetch -q --keep ../work main:main; cd rot.git\n"
                           "mv objects/pack/*.pack . 2>/dev/null || true; chmod -R u+w .; rm -f objects/pack/*\n"
                           "for p in *.pack; do [ ! -e \"$p\" ] || git unpack-objects -q < \"$p\"; done\n"
                           "chmod -R u+w objects; path() { echo objects/$(git rev-parse $1 | sed 's,^..,&/,'); }\n"
                           "cp $(path main:internal/a.zone) $(path main:internal/b.zone)\n"
                           "cp $(path main:internal) $(path main:policy.conf)\n"
                           "cp $(path main:internal/deep) $(path main:internet)\n");
    source = open_source(fixture, "rot.git", NULL);
    assert_int_equal(source_read(source, "internal/b.zone", &file, &diag), STATUS_IO);
    expect_words(&diag, "cannot read \"b.zone\": its content is not the one that its id names");
    assert_int_equal(source_read(source, "policy.conf", &file, &diag), STATUS_IO);
    assert_int_equal(source_list(source, "internet", &listing, &diag), STATUS_IO);
    assert_int_equal(source_read(source, "internal/a.zone", &file, &diag), STATUS_OK);
    source_file_clear(&file);
    diag_clear(&diag);
    source_close(source);
}

/* What a pre-receive hook sees: the objects of the push lie in a folder that only the environment names. */
static void test_quarantine(void **state)
{
    struct fixture *fixture = *state;
    struct source *source = NULL;
    struct source_file file;
    struct diag diag;
    char commit[41] = "";
    char path[2 * PATH_MAX];

    diag_init(&diag);
    snprintf(path, sizeof(path), "%s/push.commit", fixture->folder);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_int_equal(fread(commit, 1, 40, stream), 40);
    fclose(stream);
    assert_int_equal(open_status(fixture, "push.git", commit, "main", &diag, &source), STATUS_BAD_INPUT);
    expect_words(&diag, "has no revision");
    snprintf(path, sizeof(path), "%s/push.git/objects/incoming", fixture->folder);
    setenv("GIT_OBJECT_DIRECTORY", path, 1);
    setenv("GIT_QUARANTINE_PATH", path, 1);
    setenv("GIT_DIR", ".", 1);
    snprintf(path, sizeof(path), "/nonexistent:\"%s/push.git/\\157bjects\":", fixture->folder);
    setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", path, 1);
    source = open_source(fixture, "push.git", commit);
    unsetenv("GIT_OBJECT_DIRECTORY");
    unsetenv("GIT_QUARANTINE_PATH");
    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    unsetenv("GIT_DIR");
    assert_string_equal(source_info(source)->subject, "Pushed");
    assert_true(source_info(source)->in_quarantine);
    assert_int_equal(source_read(source, "policy.conf", &file, &diag), STATUS_OK);
    assert_string_equal(file.data, "pushed");
    source_file_clear(&file);
    source_close(source);
}

/* The same through a real push: the hook runs this program again, which reads the pushed commit. */
static void test_hook(void **state)
{
    struct fixture *fixture = *state;
    char self[PATH_MAX] = "";
    char path[2 * PATH_MAX];
    char line[100] = "";

    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    setenv("SOURCE_TEST_PROGRAM", self, 1);
    shell(
        fixture->folder,
        "export GIT_CONFIG_GLOBAL=/dev/null\n"
        "git clone -q --bare bare.git hooked.git; git clone -q hooked.git clone 2>/dev/null; mkdir -p "
        "hooked.git/hooks\n"
        "printf '#!/bin/sh\\nread old new ref\\nexec \"$SOURCE_TEST_PROGRAM\" --show \"$PWD\" $new > seen\\n' "
        "> hooked.git/hooks/pre-receive; chmod 755 hooked.git/hooks/pre-receive; cd clone; printf fresh > policy.conf\n"
        "git -c user.name=A -c user.email=a@harbor.example commit -q -a -m Fresh\n"
        "git push -q origin HEAD:main");
    snprintf(path, sizeof(path), "%s/hooked.git/seen", fixture->folder);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_non_null(fgets(line, sizeof(line), stream));
    fclose(stream);
    assert_string_equal(line, "Fresh: fresh\n");
}

/* What the hook of test_hook runs. */
static int show(const char *path, const char *revision)
{
    struct diag diag;
    struct source *source = NULL;
    struct source_file file;

    diag_init(&diag);
    if (source_open(path, revision, "main", &diag, &source) != STATUS_OK ||
        source_read(source, "policy.conf", &file, &diag) != STATUS_OK) {
        diag_print(&diag, stderr);
        return 1;
    }
    printf("%s: %s\n", source_info(source)->subject, file.data);
    source_file_clear(&file);
    source_close(source);
    diag_clear(&diag);
    return 0;
}

static void test_other_owner(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() != 0) {
        print_message("needs root\n");
        skip();
    }
    shell(fixture->folder, "cp -a bare.git theirs.git; chown -R 4242:4242 theirs.git; cp -a work theirs; "
                           "chown -R 4242 theirs");
    source_close(open_source(fixture, "theirs.git", NULL));
    source_close(open_source(fixture, "theirs", "v1"));
}

/* Never blocks: a pipe without a writer, and other things that are no files. */
static void test_special_files(void **state)
{
    struct fixture *fixture = *state;
    struct source *source = NULL;
    struct source_file file;
    struct source_listing listing;
    struct diag diag;

    diag_init(&diag);
    shell(fixture->folder,
          "cp -a tree special; cd special; mkfifo internal/pipe.zone; ln -s internal/pipe.zone to-pipe\n"
          "truncate -s 2147483649 internal/huge.zone; i=0; d=.\n"
          "while [ $i -lt 33 ]; do d=$d/d; i=$((i + 1)); done; mkdir -p $d; : > $d/x");
    source = open_source(fixture, "special", NULL);
    assert_int_equal(source_read(source, "internal/pipe.zone", &file, &diag), STATUS_BAD_INPUT);
    expect_words(&diag, "a device, pipe or socket, wanted is a file");
    assert_int_equal(source_read(source, "to-pipe", &file, &diag), STATUS_BAD_INPUT);
    expect_words(&diag, "a device, pipe or socket, wanted is a file");
    assert_int_equal(source_read(source, "internal/huge.zone", &file, &diag), STATUS_TOO_LARGE);
    expect_words(&diag, "2147483649 bytes are more than 2147483648");
    assert_int_equal(
        source_read(source, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/x", &file, &diag),
        STATUS_BAD_INPUT);
    expect_words(&diag, "more than 32 folders below each other");
    assert_int_equal(source_list(source, "internal", &listing, &diag), STATUS_OK);
    source_listing_clear(&listing);
    source_close(source);
}

/* A file without permission to read: the message names it by its path. */
static void test_unreadable(void **state)
{
    struct fixture *fixture = *state;
    int status = 0;

    shell(fixture->folder, "cp -a tree closed; chmod 000 closed/internal/b.zone; chmod a+rx .; ");
    const pid_t child = fork();
    if (child == 0) {
        struct source_file file;
        struct diag diag;
        struct source *source = NULL;

        diag_init(&diag);
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(1);
        if (open_status(fixture, "closed", NULL, "main", &diag, &source) != STATUS_OK ||
            source_read(source, "internal/b.zone", &file, &diag) != STATUS_IO)
            _exit(2);
        if (strcmp(diag.messages[0].file, "internal/b.zone") != 0 ||
            !strstr(diag.messages[0].text, "Permission denied"))
            _exit(3);
        source_close(source);
        diag_clear(&diag);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_submodule),
        cmocka_unit_test(test_revisions),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_reachable),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_no_search),
        cmocka_unit_test(test_work_tree),
        cmocka_unit_test(test_broken_repository),
        cmocka_unit_test(test_damaged_objects),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_hook),
        cmocka_unit_test(test_other_owner),
        cmocka_unit_test(test_special_files),
        cmocka_unit_test(test_unreadable),
    };

    if (argc == 4 && strcmp(argv[1], "--show") == 0)
        return show(argv[2], argv[3]);
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/source.h"

#include "zones/hash.h"
#include "zones/memory.h"
#include "zones/source_folder.h"
#include "zones/source_tree.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BRANCHES_NAMED_MAX 10 /* in the message for a branch that does not exist */
#define LINK_MODE          0120000
#define TREES_KEPT         8 /* folders last entered, which libgit2 itself does not keep if they are large */

struct git_tree_walk {
    git_repository *repository;
    git_tree *trees[SOURCE_DEPTH_MAX + 1]; /* the root first */
    unsigned depth;                        /* of the folder the cursor stands in */
    const git_tree_entry *entry;           /* last looked at; of trees[depth] */
    const char *walked;                    /* the path that is walked along; borrowed */
    git_tree *kept[TREES_KEPT];
    unsigned next_kept; /* the one to give up next */
};

struct source {
    const struct source_tree_ops *ops;
    void *tree; /* of the back end */
    struct source_info info;
    char *path;
    char *revision;
    char *author;
    char *subject;
    char *git_dir;
    char commit[GIT_OID_HEXSZ + 1];
    char tag[GIT_OID_HEXSZ + 1];
};

/* libgit2's words for its last error. */
static const char *git_words(void)
{
    const git_error *error = git_error_last();

    return error && error->message ? error->message : "unknown error";
}

static enum status git_failed(const struct git_tree_walk *walk, const char *wanted, const char *name, struct diag *diag)
{
    const struct place place = {.file = walk->walked};

    return diag_fail(diag, STATUS_IO, &place, "cannot %s \"%s\": %s", wanted, name, git_words());
}

/* ---- the tree of a commit ---- */

static void walk_leave(void *tree)
{
    struct git_tree_walk *walk = tree;

    assert(walk->depth > 0);
    walk->entry = NULL;
    git_tree_free(walk->trees[walk->depth--]);
}

static void walk_rewind(void *tree, const char *path)
{
    struct git_tree_walk *walk = tree;

    walk->walked = path;
    while (walk->depth > 0)
        walk_leave(walk);
}

static enum source_kind kind_of(const git_tree_entry *entry)
{
    switch (git_tree_entry_type(entry)) {
    case GIT_OBJECT_TREE:
        return SOURCE_FOLDER;
    case GIT_OBJECT_COMMIT:
        return SOURCE_SUBMODULE;
    case GIT_OBJECT_BLOB:
        return git_tree_entry_filemode_raw(entry) == LINK_MODE ? SOURCE_LINK : SOURCE_FILE;
    default:
        return SOURCE_OTHER;
    }
}

static enum status link_read(const struct git_tree_walk *walk, struct source_look *look, struct diag *diag)
{
    const char *name = git_tree_entry_name(walk->entry);
    const struct place place = {.file = walk->walked};
    git_blob *blob = NULL;
    size_t size = 0;

    if (git_blob_lookup(&blob, walk->repository, git_tree_entry_id(walk->entry)) != 0)
        return git_failed(walk, "read the link", name, diag);
    size = (size_t)git_blob_rawsize(blob);
    if (size >= sizeof(look->target) || memchr(git_blob_rawcontent(blob), '\0', size)) {
        git_blob_free(blob);
        return diag_error(diag, &place, "the symbolic link \"%s\" holds no path", name);
    }
    memcpy(look->target, git_blob_rawcontent(blob), size);
    look->target[size] = '\0';
    git_blob_free(blob);
    return STATUS_OK;
}

static enum status walk_look(void *tree, const char *name, struct source_look *look, struct diag *diag)
{
    struct git_tree_walk *walk = tree;

    walk->entry = git_tree_entry_byname(walk->trees[walk->depth], name);
    if (!walk->entry)
        return STATUS_NOT_FOUND;
    look->kind = kind_of(walk->entry);
    return look->kind == SOURCE_LINK ? link_read(walk, look, diag) : STATUS_OK;
}

/* The folder last looked at, one of those last entered if possible: a tree of many entries is slow to take apart. */
static int tree_find(struct git_tree_walk *walk, git_tree **below)
{
    const git_oid *id = git_tree_entry_id(walk->entry);

    for (unsigned i = 0; i < TREES_KEPT; i++)
        if (walk->kept[i] && git_oid_equal(git_tree_id(walk->kept[i]), id))
            return git_tree_dup(below, walk->kept[i]);
    const int rc = git_tree_lookup(below, walk->repository, id);
    if (rc != 0)
        return rc;
    git_tree_free(walk->kept[walk->next_kept]);
    walk->kept[walk->next_kept] = NULL;
    if (git_tree_dup(&walk->kept[walk->next_kept], *below) == 0)
        walk->next_kept = (walk->next_kept + 1) % TREES_KEPT;
    return 0;
}

static enum status walk_enter(void *tree, struct diag *diag)
{
    struct git_tree_walk *walk = tree;
    git_tree *below = NULL;

    assert(walk->depth < SOURCE_DEPTH_MAX);
    if (tree_find(walk, &below) != 0)
        return git_failed(walk, "read the folder", git_tree_entry_name(walk->entry), diag);
    walk->trees[++walk->depth] = below;
    walk->entry = NULL;
    return STATUS_OK;
}

/* The size of a blob without reading it. */
static bool blob_size(const struct git_tree_walk *walk, size_t *size)
{
    git_odb *odb = NULL;
    git_object_t type = GIT_OBJECT_INVALID;
    bool known = false;

    if (git_repository_odb(&odb, walk->repository) != 0)
        return false;
    known = git_odb_read_header(size, &type, odb, git_tree_entry_id(walk->entry)) == 0;
    git_odb_free(odb);
    return known;
}

/*
 * The content of a blob, checked against its id. libgit2's own check takes as long as half of an import of one large
 * zone, since it looks for forged collisions too, as git itself does when it is given an object; so it is off while
 * libgit2 reads a blob. What is damaged is found here.
 */
static int blob_read(const struct git_tree_walk *walk, git_odb_object **object)
{
    const git_oid *id = git_tree_entry_id(walk->entry);
    uint8_t found[HASH_GIT_SIZE];
    git_odb *odb = NULL;
    int rc = git_repository_odb(&odb, walk->repository);

    if (rc != 0)
        return rc;
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    rc = git_odb_read(object, odb, id);
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    git_odb_free(odb);
    if (rc != 0)
        return rc;
    hash_git_blob(git_odb_object_data(*object), git_odb_object_size(*object), found);
    if (git_odb_object_type(*object) == GIT_OBJECT_BLOB && memcmp(found, id->id, sizeof found) == 0)
        return 0;
    git_odb_object_free(*object);
    git_error_set_str(GIT_ERROR_ODB, "its content is not the one that its id names");
    return GIT_EMISMATCH;
}

static enum status walk_read(void *tree, struct source_file *file, struct diag *diag)
{
    const struct git_tree_walk *walk = tree;
    const char *name = git_tree_entry_name(walk->entry);
    const struct place place = {.file = walk->walked};
    git_odb_object *object = NULL;
    size_t size = 0;

    if (!blob_size(walk, &size))
        return git_failed(walk, "read", name, diag);
    if (size > SOURCE_FILE_MAX)
        return diag_fail(diag, STATUS_TOO_LARGE, &place, "%zu bytes are more than %llu", size,
                         (unsigned long long)SOURCE_FILE_MAX);
    if (blob_read(walk, &object) != 0)
        return git_failed(walk, "read", name, diag);
    file->size = git_odb_object_size(object);
    file->data = memory_copy_text(git_odb_object_data(object), file->size);
    git_odb_object_free(object);
    return file->data ? STATUS_OK : STATUS_NO_MEMORY;
}

static void entry_id(const git_tree_entry *entry, uint8_t id[SOURCE_ID_SIZE])
{
    const git_oid *object = git_tree_entry_id(entry);

    memset(id, 0, SOURCE_ID_SIZE);
    memcpy(id, object->id, sizeof(object->id));
}

static void walk_id(void *tree, uint8_t id[SOURCE_ID_SIZE])
{
    const struct git_tree_walk *walk = tree;

    entry_id(walk->entry, id);
}

static enum status walk_list(void *tree, source_add *add, void *context, struct diag *diag)
{
    const struct git_tree_walk *walk = tree;
    git_tree *here = walk->trees[walk->depth];
    enum status status = STATUS_OK;

    (void)diag;
    for (size_t i = 0; i < git_tree_entrycount(here) && status == STATUS_OK; i++) {
        const git_tree_entry *entry = git_tree_entry_byindex(here, i);
        const enum source_kind kind = kind_of(entry);
        uint8_t id[SOURCE_ID_SIZE];

        entry_id(entry, id);
        status = add(context, git_tree_entry_name(entry), kind, kind == SOURCE_FILE ? id : NULL);
    }
    return status;
}

static void walk_close(void *tree)
{
    struct git_tree_walk *walk = tree;

    walk_rewind(walk, NULL);
    for (unsigned i = 0; i < TREES_KEPT; i++)
        git_tree_free(walk->kept[i]);
    git_tree_free(walk->trees[0]);
    git_repository_free(walk->repository);
    memory_free(walk);
    git_libgit2_shutdown();
}

static const struct source_tree_ops git_ops = {
    .rewind = walk_rewind,
    .look = walk_look,
    .enter = walk_enter,
    .leave = walk_leave,
    .read = walk_read,
    .id = walk_id,
    .list = walk_list,
    .close = walk_close,
};

/* ---- opening a repository ---- */

/*
 * One folder of a list as git writes it in GIT_ALTERNATE_OBJECT_DIRECTORIES: separated by colons, and quoted as in C if
 * it holds one. Returns what follows, NULL after the last.
 */
static const char *folder_take(const char *list, char folder[PATH_MAX])
{
    size_t size = 0;
    const bool quoted = list[0] == '"';

    list += quoted;
    while (*list != '\0' && *list != (quoted ? '"' : ':')) {
        char octet = *list++;

        if (quoted && octet == '\\' && *list >= '0' && *list <= '3' && list[1] && list[2]) {
            octet = (char)((list[0] - '0') * 64 + (list[1] - '0') * 8 + (list[2] - '0'));
            list += 3;
        } else if (quoted && octet == '\\' && *list != '\0') {
            octet = *list == 'n' ? '\n' : *list == 't' ? '\t' : *list;
            list++;
        }
        if (size < PATH_MAX - 1)
            folder[size++] = octet;
    }
    folder[size] = '\0';
    list += quoted && *list == '"';
    return *list == ':' ? list + 1 : NULL;
}

/* Objects of a push that was not accepted yet lie where git's environment says. */
static int environment_objects(git_repository *repository)
{
    static const char *const variables[] = {"GIT_OBJECT_DIRECTORY", "GIT_QUARANTINE_PATH",
                                            "GIT_ALTERNATE_OBJECT_DIRECTORIES"};
    char folder[PATH_MAX];
    git_odb *odb = NULL;
    struct stat found;
    int rc = git_repository_odb(&odb, repository);

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && rc == 0; i++) {
        const char *list = getenv(variables[i]);

        if (list && i < 2) { /* a single folder, never quoted */
            if (stat(list, &found) == 0 && S_ISDIR(found.st_mode))
                rc = git_odb_add_disk_alternate(odb, list);
            continue;
        }
        while (list && rc == 0) {
            list = folder_take(list, folder);
            if (folder[0] != '\0' && stat(folder, &found) == 0 && S_ISDIR(found.st_mode))
                rc = git_odb_add_disk_alternate(odb, folder);
        }
    }
    git_odb_free(odb);
    return rc;
}

/* Nothing in a repository is executed, so its owner does not matter, nor does anybody's configuration. */
static void library_begin(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                                 GIT_CONFIG_LEVEL_GLOBAL};

    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
}

static bool exists_below(const char *path, const char *name)
{
    char whole[PATH_MAX];
    struct stat found;
    const int length = snprintf(whole, sizeof(whole), "%s/%s", path, name);

    return length > 0 && (size_t)length < sizeof(whole) && lstat(whole, &found) == 0;
}

/*
 * The repository at `path` itself, never one above it: a folder inside a work tree is only a folder. NOT_FOUND without
 * a message: a plain folder.
 */
static enum status repository_open(const char *path, git_repository **repository, struct diag *diag)
{
    const int rc = git_repository_open_ext(repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

    if (rc == 0) {
        if (environment_objects(*repository) == 0)
            return STATUS_OK;
        return diag_fail(diag, STATUS_IO, NULL, "cannot read the objects of %s: %s", path, git_words());
    }
    if (rc != GIT_ENOTFOUND)
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "cannot open the git repository %s: %s", path, git_words());
    if (exists_below(path, ".git") || (exists_below(path, "HEAD") && exists_below(path, "objects")))
        return diag_fail(diag, STATUS_BAD_INPUT, NULL,
                         "%s looks like a git repository, but it is incomplete or not readable for uid %u", path,
                         (unsigned)geteuid());
    return STATUS_NOT_FOUND;
}

/* The names of the branches that there are, as text. */
static void branches_name(git_repository *repository, char *text, size_t size)
{
    git_branch_iterator *iterator = NULL;
    git_reference *reference = NULL;
    git_branch_t type = GIT_BRANCH_LOCAL;
    const char *name = NULL;
    size_t used = 0;
    unsigned count = 0;

    text[0] = '\0';
    if (git_branch_iterator_new(&iterator, repository, GIT_BRANCH_LOCAL) != 0)
        return;
    while (git_branch_next(&reference, &type, iterator) == 0) {
        if (used < size && count++ < BRANCHES_NAMED_MAX && git_branch_name(&name, reference) == 0)
            used += (size_t)snprintf(text + used, size - used, "%s\"%s\"", used ? ", " : "", name);
        git_reference_free(reference);
    }
    if (used < size && count > BRANCHES_NAMED_MAX)
        snprintf(text + used, size - used, ", …");
    git_branch_iterator_free(iterator);
}

static enum status branch_missing(git_repository *repository, const char *path, const char *branch, struct diag *diag)
{
    char text[600];

    branches_name(repository, text, sizeof(text));
    if (text[0] == '\0')
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s has no branch \"%s\": it has no branch with a commit yet",
                         path, branch);
    return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s has no branch \"%s\"; it has %s", path, branch, text);
}

static enum status branch_find(git_repository *repository, const char *path, const char *branch, git_object **object,
                               struct diag *diag)
{
    git_reference *reference = NULL;
    int rc = git_branch_lookup(&reference, repository, branch, GIT_BRANCH_LOCAL);

    if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
        return branch_missing(repository, path, branch, diag);
    if (rc == 0)
        rc = git_reference_peel(object, reference, GIT_OBJECT_COMMIT);
    git_reference_free(reference);
    if (rc == 0)
        return STATUS_OK;
    return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s: branch \"%s\": %s", path, branch, git_words());
}

/* `tag` becomes the id of the tag object that was named, or stays. */
static enum status revision_find(git_repository *repository, const char *path, const char *revision,
                                 git_object **object, char tag[GIT_OID_HEXSZ + 1], struct diag *diag)
{
    git_object *named = NULL;
    int rc = git_revparse_single(&named, repository, revision);

    if (rc == GIT_ENOTFOUND)
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s has no revision \"%s\"", path, revision);
    if (rc == GIT_EAMBIGUOUS)
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s: revision \"%s\" fits several objects", path, revision);
    if (rc != 0)
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s: revision \"%s\": %s", path, revision, git_words());
    rc = git_object_peel(object, named, GIT_OBJECT_COMMIT);
    if (rc != 0)
        diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s: revision \"%s\" is a %s, wanted is a commit", path, revision,
                  git_object_type2string(git_object_type(named)));
    else if (git_object_type(named) == GIT_OBJECT_TAG)
        git_oid_tostr(tag, GIT_OID_HEXSZ + 1, git_object_id(named));
    git_object_free(named);
    return rc == 0 ? STATUS_OK : STATUS_BAD_INPUT;
}

/* What the commit says about itself. */
static bool commit_describe(struct source *source, const git_commit *commit)
{
    const git_signature *author = git_commit_author(commit);
    const char *message = git_commit_message(commit);
    char text[600];

    snprintf(text, sizeof(text), "%s <%s>", author->name, author->email);
    git_oid_tostr(source->commit, sizeof(source->commit), git_commit_id(commit));
    source->author = memory_copy_text(text, strlen(text));
    source->subject = memory_copy_text(message ? message : "", message ? strcspn(message, "\n") : 0);
    source->info.time = git_commit_time(commit);
    source->info.is_first = git_commit_parentcount(commit) == 0;
    return source->author && source->subject;
}

static enum status git_open(struct source *source, const char *revision, const char *branch, struct diag *diag)
{
    struct git_tree_walk *walk = source->tree;
    git_object *commit = NULL;
    enum status status = revision || !branch ? revision_find(walk->repository, source->path,
                                                             revision ? revision : "HEAD", &commit, source->tag, diag)
                                             : branch_find(walk->repository, source->path, branch, &commit, diag);

    if (status != STATUS_OK)
        return status;
    if (git_commit_tree(&walk->trees[0], (git_commit *)commit) != 0)
        status = git_failed(walk, "read the tree of", git_oid_tostr_s(git_object_id(commit)), diag);
    else if (!commit_describe(source, (git_commit *)commit))
        status = STATUS_NO_MEMORY;
    git_object_free(commit);
    return status;
}

/* ---- either ---- */

static enum status folder_open(struct source *source, const char *revision, struct diag *diag)
{
    struct source_folder *folder = NULL;
    enum status status = STATUS_OK;

    if (revision)
        return diag_fail(diag, STATUS_BAD_INPUT, NULL,
                         "%s is a folder and no git repository: it has no revision \"%s\"", source->path, revision);
    status = source_folder_open(source->path, diag, &folder);
    if (status != STATUS_OK)
        return status;
    source->ops = source_folder_ops();
    source->tree = folder;
    return STATUS_OK;
}

/* What is asked of a repository with a work tree. */
enum reading { READ_COMMIT, READ_WORK_TREE };

static bool has_work_tree(const char *path)
{
    char git[PATH_MAX];
    struct stat found;

    return snprintf(git, sizeof git, "%s/.git", path) < (int)sizeof git && stat(git, &found) == 0;
}

/* Choose the back end and open it. */
static enum status tree_open(struct source *source, const char *revision, const char *branch, struct diag *diag)
{
    struct git_tree_walk *walk = memory_zalloc(1, sizeof(*walk));
    enum status status = STATUS_OK;

    if (!walk)
        return STATUS_NO_MEMORY;
    library_begin();
    status = repository_open(source->path, &walk->repository, diag);
    if (status == STATUS_NOT_FOUND) {
        walk_close(walk);
        return folder_open(source, revision, diag);
    }
    source->ops = &git_ops;
    source->tree = walk;
    return status == STATUS_OK ? git_open(source, revision, branch, diag) : status;
}

static enum status path_check(const char *path, struct diag *diag)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot read %s: %s", path, strerror(errno));
    if (!S_ISDIR(found.st_mode))
        return diag_fail(diag, STATUS_BAD_INPUT, NULL, "%s is neither a git repository nor a folder", path);
    return STATUS_OK;
}

static enum status open_as(enum reading reading, const char *path, const char *revision, const char *branch,
                           struct diag *diag, struct source **source)
{
    enum status status = path_check(path, diag);
    struct source *opened = NULL;

    if (status != STATUS_OK)
        return status;
    opened = memory_zalloc(1, sizeof(*opened));
    if (!opened)
        return STATUS_NO_MEMORY;
    opened->path = memory_copy_text(path, strlen(path));
    if (!opened->path)
        status = STATUS_NO_MEMORY;
    else if (reading == READ_WORK_TREE && has_work_tree(path))
        status = folder_open(opened, NULL, diag);
    else
        status = tree_open(opened, revision, branch, diag);
    if (status == STATUS_OK && opened->ops == &git_ops) {
        const char *asked = revision ? revision : branch ? branch : "HEAD";
        const char *git_dir = git_repository_path(((struct git_tree_walk *)opened->tree)->repository);

        opened->revision = memory_copy_text(asked, strlen(asked));
        opened->git_dir = memory_copy_text(git_dir, strlen(git_dir));
        opened->info.in_quarantine = getenv("GIT_QUARANTINE_PATH") != NULL;
        status = opened->revision && opened->git_dir ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK) {
        source_close(opened);
        return status;
    }
    opened->info.path = opened->path;
    opened->info.revision = opened->revision ? opened->revision : "";
    opened->info.commit = opened->commit;
    opened->info.tag = opened->tag;
    opened->info.git_dir = opened->git_dir ? opened->git_dir : "";
    opened->info.author = opened->author ? opened->author : "";
    opened->info.subject = opened->subject ? opened->subject : "";
    *source = opened;
    return STATUS_OK;
}

enum status source_open(const char *path, const char *revision, const char *branch, struct diag *diag,
                        struct source **source)
{
    return open_as(READ_COMMIT, path, revision, branch, diag, source);
}

enum status source_open_folder(const char *path, struct diag *diag, struct source **source)
{
    return open_as(READ_WORK_TREE, path, NULL, NULL, diag, source);
}

void source_close(struct source *source)
{
    if (!source)
        return;
    if (source->tree)
        source->ops->close(source->tree);
    memory_free(source->path);
    memory_free(source->revision);
    memory_free(source->git_dir);
    memory_free(source->author);
    memory_free(source->subject);
    memory_free(source);
}

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}

enum status source_is_reachable(const struct source *source, const char *branch, bool *reachable, struct diag *diag)
{
    git_repository *repository = NULL;
    git_object *tip = NULL;
    git_oid commit;

    *reachable = source->ops != &git_ops;
    if (*reachable)
        return STATUS_OK;
    repository = ((struct git_tree_walk *)source->tree)->repository;
    const enum status status = branch_find(repository, source->path, branch, &tip, diag);
    if (status != STATUS_OK)
        return status;
    int rc = git_oid_fromstr(&commit, source->commit);
    if (rc == 0)
        rc = git_oid_equal(&commit, git_object_id(tip))
                 ? 1
                 : git_graph_descendant_of(repository, git_object_id(tip), &commit);
    git_object_free(tip);
    *reachable = rc == 1;
    if (rc < 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot read the history of branch \"%s\" of %s: %s", branch,
                         source->path, git_words());
    return STATUS_OK;
}

enum status source_read(struct source *source, const char *path, struct source_file *file, struct diag *diag)
{
    *file = (struct source_file){NULL, 0};
    return source_tree_read(source->ops, source->tree, path, file, diag);
}

enum status source_file_id(struct source *source, const char *path, uint8_t id[SOURCE_ID_SIZE], struct diag *diag)
{
    return source_tree_id(source->ops, source->tree, path, id, diag);
}

enum status source_list(struct source *source, const char *path, struct source_listing *listing, struct diag *diag)
{
    return source_tree_list(source->ops, source->tree, path, listing, diag);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/source_tree.h"

#include "zones/hash.h"
#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 40 /* followed along one path */
#define REST_MAX  (2 * PATH_MAX)

struct walk {
    const struct source_tree_ops *ops;
    void *tree;
    const char *path;        /* as asked for */
    char rest[REST_MAX];     /* what is still to be walked */
    unsigned depth;          /* folders entered */
    unsigned links;          /* followed */
    size_t tail;             /* bytes of `rest` that lie behind the outermost link being walked */
    char link[NAME_MAX + 1]; /* the name of that link */
    char target[PATH_MAX];   /* its target */
};

static struct place place_of(const char *path)
{
    return (struct place){.file = path};
}

/* Are the parts of a path all names? */
static bool path_is_plain(const char *path)
{
    if (path[0] == '\0')
        return true;
    for (;;) {
        const size_t length = strcspn(path, "/");

        if (length == 0 || length > NAME_MAX || (length == 1 && path[0] == '.') ||
            (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[length] == '\0')
            return true;
        path += length + 1;
    }
}

/* The next part of the rest goes to `name`; false if there is none. */
static bool part_take(struct walk *walk, char name[NAME_MAX + 1], bool *fits)
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    const size_t length = strcspn(start, "/");

    *fits = length <= NAME_MAX;
    if (length == 0 || !*fits)
        return false;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->rest, start + length, strlen(start + length) + 1);
    return true;
}

/* Does the next part come out of a link? */
static bool in_link(const struct walk *walk)
{
    return walk->links > 0 && strlen(walk->rest) > walk->tail;
}

static enum status link_refused(const struct walk *walk, const char *why, struct diag *diag)
{
    const struct place place = place_of(walk->path);

    return diag_error(diag, &place, "the symbolic link \"%s\" to \"%s\" %s", walk->link, walk->target, why);
}

/* A part that is missing is nobody's fault here unless a link names it. */
static enum status missing(const struct walk *walk, bool named_by_link, struct diag *diag)
{
    return named_by_link ? link_refused(walk, "leads to nothing", diag) : STATUS_NOT_FOUND;
}

static enum status link_follow(struct walk *walk, const char *name, const char *target, bool named_by_link,
                               struct diag *diag)
{
    const size_t length = strlen(target);
    const size_t rest = strlen(walk->rest);

    if (!named_by_link) { /* the outermost link is the one that the operator can see on the path */
        walk->tail = rest;
        memcpy(walk->link, name, strlen(name) + 1);
        memcpy(walk->target, target, length + 1);
    }
    if (++walk->links > LINKS_MAX)
        return link_refused(walk, "leads through too many links", diag);
    if (target[0] == '/')
        return link_refused(walk, "leaves the tree", diag);
    if (length + rest >= sizeof(walk->rest))
        return link_refused(walk, "makes too long a path", diag);
    memmove(walk->rest + length, walk->rest, rest + 1);
    memcpy(walk->rest, target, length);
    return STATUS_OK;
}

static enum status folder_enter(struct walk *walk, struct diag *diag)
{
    const struct place place = place_of(walk->path);
    enum status status = STATUS_OK;

    if (walk->depth == SOURCE_DEPTH_MAX)
        return diag_error(diag, &place, "more than %d folders below each other", SOURCE_DEPTH_MAX);
    status = walk->ops->enter(walk->tree, diag);
    if (status == STATUS_OK)
        walk->depth++;
    return status;
}

/* "." and "..", which only links may hold; false if `name` is neither. */
static bool dots(struct walk *walk, const char *name, enum status *status, struct diag *diag)
{
    if (strcmp(name, ".") == 0)
        return true;
    if (strcmp(name, "..") != 0)
        return false;
    if (walk->depth == 0) {
        *status = link_refused(walk, "leaves the tree", diag);
    } else {
        walk->depth--;
        walk->ops->leave(walk->tree);
    }
    return true;
}

/* One part. *kind is what stands there; a link has become part of the rest. */
static enum status step(struct walk *walk, const char *name, bool named_by_link, enum source_kind *kind,
                        struct diag *diag)
{
    struct source_look look;
    enum status status = STATUS_OK;

    *kind = SOURCE_FOLDER;
    if (dots(walk, name, &status, diag))
        return status;
    status = walk->ops->look(walk->tree, name, &look, diag);
    if (status == STATUS_NOT_FOUND)
        return missing(walk, named_by_link, diag);
    if (status != STATUS_OK)
        return status;
    *kind = look.kind;
    if (look.kind == SOURCE_FOLDER)
        return folder_enter(walk, diag);
    if (look.kind == SOURCE_LINK) {
        *kind = SOURCE_FOLDER; /* where the cursor still stands, if the link's target is "." */
        return link_follow(walk, name, look.target, named_by_link, diag);
    }
    return STATUS_OK;
}

enum status source_tree_walk(const struct source_tree_ops *ops, void *tree, const char *path, enum source_kind *kind,
                             struct diag *diag)
{
    struct walk walk = {.ops = ops, .tree = tree, .path = path};
    const struct place place = place_of(path);
    char name[NAME_MAX + 1];
    bool fits = true;
    enum status status = STATUS_OK;

    if (!path_is_plain(path) || strlen(path) >= PATH_MAX)
        return diag_error(diag, &place, "not a path inside the tree: names with \"/\" between them are wanted");
    memcpy(walk.rest, path, strlen(path) + 1);
    ops->rewind(tree, path);
    *kind = SOURCE_FOLDER;
    while (status == STATUS_OK) {
        const bool named_by_link = in_link(&walk);

        if (!part_take(&walk, name, &fits))
            break;
        if (*kind == SOURCE_SUBMODULE)
            return diag_error(diag, &place, "lies in a git submodule, whose files are not in this repository");
        if (*kind != SOURCE_FOLDER)
            return missing(&walk, named_by_link, diag);
        status = step(&walk, name, named_by_link, kind, diag);
    }
    return fits ? status : link_refused(&walk, "names too long a name", diag);
}

/* Walk to a file. */
static enum status file_find(const struct source_tree_ops *ops, void *tree, const char *path, struct diag *diag)
{
    const struct place place = place_of(path);
    enum source_kind kind = SOURCE_OTHER;
    const enum status status = source_tree_walk(ops, tree, path, &kind, diag);

    if (status != STATUS_OK)
        return status;
    switch (kind) {
    case SOURCE_FILE:
        return STATUS_OK;
    case SOURCE_FOLDER:
        return diag_error(diag, &place, "a folder, wanted is a file");
    case SOURCE_SUBMODULE:
        return diag_error(diag, &place, "a git submodule, wanted is a file");
    default:
        return diag_error(diag, &place, "a device, pipe or socket, wanted is a file");
    }
}

enum status source_tree_read(const struct source_tree_ops *ops, void *tree, const char *path, struct source_file *file,
                             struct diag *diag)
{
    const enum status status = file_find(ops, tree, path, diag);

    return status == STATUS_OK ? ops->read(tree, file, diag) : status;
}

enum status source_tree_id(const struct source_tree_ops *ops, void *tree, const char *path, uint8_t id[SOURCE_ID_SIZE],
                           struct diag *diag)
{
    struct source_file file = {NULL, 0};
    enum status status = file_find(ops, tree, path, diag);

    if (status != STATUS_OK)
        return status;
    if (ops->id) {
        ops->id(tree, id);
        return STATUS_OK;
    }
    status = ops->read(tree, &file, diag);
    if (status == STATUS_OK)
        source_content_id(file.data, file.size, id);
    source_file_clear(&file);
    return status;
}

void source_content_id(const void *data, size_t size, uint8_t id[SOURCE_ID_SIZE])
{
    _Static_assert(SOURCE_ID_SIZE == HASH_SIZE, "the id of a content is its digest");
    hash_pieces(&(struct hash_piece){.data = data, .size = size}, 1, id);
}

/* ---- listing ---- */

struct listing {
    struct source_listing *result;
    size_t capacity;
    enum source_kind *kinds; /* of the entries, in the same order until they are sorted */
    size_t kinds_capacity;
};

static enum status entry_add(void *context, const char *name, enum source_kind kind, const uint8_t *id)
{
    struct listing *listing = context;
    struct source_listing *result = listing->result;
    struct source_entry *entries = NULL;
    enum source_kind *kinds = NULL;
    char *copy = NULL;

    if (name[0] == '.')
        return STATUS_OK;
    entries = memory_grow(result->entries, result->count, &listing->capacity, sizeof(*entries));
    if (!entries)
        return STATUS_NO_MEMORY;
    result->entries = entries;
    kinds = memory_grow(listing->kinds, result->count, &listing->kinds_capacity, sizeof(*kinds));
    if (!kinds)
        return STATUS_NO_MEMORY;
    listing->kinds = kinds;
    copy = memory_copy_text(name, strlen(name));
    if (!copy)
        return STATUS_NO_MEMORY;
    kinds[result->count] = kind;
    entries[result->count] =
        (struct source_entry){.name = copy, .is_folder = kind == SOURCE_FOLDER || kind == SOURCE_SUBMODULE};
    entries[result->count].has_id = id != NULL;
    if (id)
        memcpy(entries[result->count].id, id, SOURCE_ID_SIZE);
    result->count++;
    return STATUS_OK;
}

/* Does this link lead to a folder? One that leads nowhere is shown as a file, and tells when it is read. */
static bool link_is_folder(const struct source_tree_ops *ops, void *tree, const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    enum source_kind kind = SOURCE_OTHER;
    struct diag ignored;
    enum status status = STATUS_OK;
    const int length = snprintf(path, sizeof(path), "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name);

    if (length < 0 || (size_t)length >= sizeof(path))
        return false;
    diag_init(&ignored);
    status = source_tree_walk(ops, tree, path, &kind, &ignored);
    diag_clear(&ignored);
    return status == STATUS_OK && kind == SOURCE_FOLDER;
}

static int entry_compare(const void *left, const void *right)
{
    const struct source_entry *a = left;
    const struct source_entry *b = right;

    return strcmp(a->name, b->name);
}

/* A tree of git is, but for folders among its files. */
static bool is_sorted(const struct source_listing *listing)
{
    for (size_t i = 1; i < listing->count; i++)
        if (entry_compare(&listing->entries[i - 1], &listing->entries[i]) > 0)
            return false;
    return true;
}

static enum status folder_list(const struct source_tree_ops *ops, void *tree, const char *path, struct listing *listing,
                               struct diag *diag)
{
    const enum status status = ops->list(tree, entry_add, listing, diag);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < listing->result->count; i++) {
        struct source_entry *entry = &listing->result->entries[i];

        if (listing->kinds[i] == SOURCE_LINK)
            entry->is_folder = link_is_folder(ops, tree, path, entry->name);
    }
    if (!is_sorted(listing->result))
        qsort(listing->result->entries, listing->result->count, sizeof(struct source_entry), entry_compare);
    return STATUS_OK;
}

enum status source_tree_list(const struct source_tree_ops *ops, void *tree, const char *path,
                             struct source_listing *listing, struct diag *diag)
{
    const struct place place = place_of(path);
    struct listing filling = {.result = listing};
    enum source_kind kind = SOURCE_OTHER;
    enum status status = source_tree_walk(ops, tree, path, &kind, diag);

    *listing = (struct source_listing){NULL, 0};
    if (status != STATUS_OK)
        return status;
    if (kind == SOURCE_SUBMODULE)
        return STATUS_OK; /* what a clone without its submodules would show */
    if (kind != SOURCE_FOLDER)
        return diag_error(diag, &place, "not a folder");
    status = folder_list(ops, tree, path, &filling, diag);
    memory_free(filling.kinds);
    if (status != STATUS_OK)
        source_listing_clear(listing);
    return status;
}

void source_file_clear(struct source_file *file)
{
    memory_free(file->data);
    *file = (struct source_file){NULL, 0};
}

void source_listing_clear(struct source_listing *listing)
{
    for (size_t i = 0; i < listing->count; i++)
        memory_free(listing->entries[i].name);
    memory_free(listing->entries);
    *listing = (struct source_listing){NULL, 0};
}

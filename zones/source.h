/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source: one immutable tree of files, out of a git repository at a revision or out of a plain folder.
 *
 * Paths count from the tree's root, with '/' between parts, never absolute, never with "..". Nothing is checked out,
 * nothing is executed, nothing outside the tree is read: symbolic links are followed only inside the tree. A repository
 * may be bare or not, may belong to another user, and may be a receiving one whose new objects still lie in quarantine
 * (GIT_OBJECT_DIRECTORY, GIT_QUARANTINE_PATH and GIT_ALTERNATE_OBJECT_DIRECTORIES are honoured). A git submodule is an
 * empty folder. A folder is read as it is; it must not change meanwhile. One thread per source.
 */
#ifndef SPLITVIEW_ZONES_SOURCE_H
#define SPLITVIEW_ZONES_SOURCE_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_FILE_MAX  (UINT64_C(1) << 31) /* bytes of one file */
#define SOURCE_DEPTH_MAX 32                  /* folders below each other */
#define SOURCE_ID_SIZE   32                  /* bytes of a content's id */

struct source;

/* What the tree is; texts are owned by the source and live as long as it. */
struct source_info {
    const char *path;     /* of the repository or folder, as given */
    const char *revision; /* as asked for; "" for a folder */
    const char *commit;   /* 40 hex digits; "" for a folder */
    const char *tag;      /* 40 hex digits of the annotated tag that the revision names; "" if it names another thing */
    const char *git_dir;  /* where the repository itself lies, as .git below a work tree; "" for a folder */
    bool in_quarantine;   /* GIT_QUARANTINE_PATH is set: a push may still be refused, and no branch has its commits */
    const char *author;   /* "Name <mail>"; "" for a folder */
    const char *subject;  /* first line of the commit's message; "" for a folder */
    int64_t time;         /* commit time, seconds since 1970; 0 for a folder */
    bool is_first;        /* the commit has no parent: nothing can have been published from this branch before */
};

/*
 * Open `path`. A git repository (bare, or a folder with .git) is read at `revision`, or, if that is NULL, at the tip of
 * `branch`, or, if that is NULL too, at HEAD; a folder that is no repository is read as it is, and then a revision is
 * an error. Errors, each with a message: IO (no such path, not readable), BAD_INPUT (neither repository nor folder,
 * unborn branch, unknown revision, revision that is not a commit). *source is the caller's to source_close.
 */
enum status source_open(const char *path, const char *revision, const char *branch, struct diag *diag,
                        struct source **source);

/*
 * Open `path` as the files lie there now: a folder, and the work tree of a repository too, committed or not. A bare
 * repository has none and is read at HEAD. Errors as source_open.
 */
enum status source_open_folder(const char *path, struct diag *diag, struct source **source);

/* NULL allowed. */
void source_close(struct source *source);

const struct source_info *source_info(const struct source *source);

/*
 * Does `branch` hold the commit: is it the tip or one of its ancestors? A folder has no branches: it is always true.
 * BAD_INPUT (no such branch), IO, with a message.
 */
enum status source_is_reachable(const struct source *source, const char *branch, bool *reachable, struct diag *diag);

/* One file's bytes; `data` has a zero byte after `size`. */
struct source_file {
    char *data;
    size_t size;
};

/*
 * Read one file. NOT_FOUND (no message: the caller knows who named it), IO, BAD_INPUT (not a file, path or link that
 * leaves the tree), TOO_LARGE past SOURCE_FILE_MAX; with a message.
 */
enum status source_read(struct source *source, const char *path, struct source_file *file, struct diag *diag);
void source_file_clear(struct source_file *file);

/* The same file's content as an id: within one kind of source, equal ids are equal bytes. A repository knows it without
 * reading the file; of a folder the file is read. Errors as source_read. */
enum status source_file_id(struct source *source, const char *path, uint8_t id[SOURCE_ID_SIZE], struct diag *diag);

/* The id of bytes that were read from a folder. */
void source_content_id(const void *data, size_t size, uint8_t id[SOURCE_ID_SIZE]);

/* An entry of a folder. */
struct source_entry {
    char *name;     /* last part of the path */
    bool is_folder; /* also of a symbolic link that leads to one */
    bool has_id;    /* `id` is its content's (source_file_id): a file of a repository, not a link */
    uint8_t id[SOURCE_ID_SIZE];
};
struct source_listing {
    struct source_entry *entries; /* sorted by name, octet by octet; ".git" and names beginning with "." left out */
    size_t count;
};

/* The entries of folder `path` ("" = the root). Errors as source_read. */
enum status source_list(struct source *source, const char *path, struct source_listing *listing, struct diag *diag);
void source_listing_clear(struct source_listing *listing);

#endif

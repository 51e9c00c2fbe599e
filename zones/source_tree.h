/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source_tree: what the back ends of a source have in common: a cursor that stands in a folder of a tree, and the walk
 * along a path with it, which follows symbolic links and never leaves the tree. Not for use outside zones/source*.c.
 *
 * Links are followed here, part by part, and not by the operating system, so that a link out of the tree is refused
 * with the same words by every back end, and nothing outside is ever touched.
 */
#ifndef SPLITVIEW_ZONES_SOURCE_TREE_H
#define SPLITVIEW_ZONES_SOURCE_TREE_H

#include "zones/source.h"
#include "zones/status.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum source_kind {
    SOURCE_FILE,
    SOURCE_FOLDER,
    SOURCE_LINK,
    SOURCE_SUBMODULE, /* a folder whose files are in another repository */
    SOURCE_OTHER,     /* device, pipe, socket */
};

/* An entry of the folder the cursor stands in. */
struct source_look {
    enum source_kind kind;
    char target[PATH_MAX]; /* of a link */
};

/* `id` is NULL where only reading would tell it. */
typedef enum status source_add(void *context, const char *name, enum source_kind kind, const uint8_t *id);

struct source_tree_ops {
    /* Stand in the root; messages are about `path` from now on, which is borrowed until the next call. */
    void (*rewind)(void *tree, const char *path);
    /* Look at an entry. NOT_FOUND without a message; others with one. */
    enum status (*look)(void *tree, const char *name, struct source_look *look, struct diag *diag);
    /* Go into the folder last looked at; at most SOURCE_DEPTH_MAX times below each other. With a message. */
    enum status (*enter)(void *tree, struct diag *diag);
    /* Go back to the folder above; never from the root. */
    void (*leave)(void *tree);
    /* Read the file last looked at. With a message. */
    enum status (*read)(void *tree, struct source_file *file, struct diag *diag);
    /* The id of the file last looked at; NULL: only reading it tells. */
    void (*id)(void *tree, uint8_t id[SOURCE_ID_SIZE]);
    /* Call `add` for each entry of the folder, in any order, until it fails. With a message. */
    enum status (*list)(void *tree, source_add *add, void *context, struct diag *diag);
    void (*close)(void *tree);
};

/*
 * Walk along `path` from the root. *kind is what it leads to, never a link: of a folder, the cursor stands in it; of
 * anything else, it was looked at last. NOT_FOUND without a message; BAD_INPUT (a path or link that leaves the tree, a
 * link to nothing, links without end), IO, NO_MEMORY, with one.
 */
enum status source_tree_walk(const struct source_tree_ops *ops, void *tree, const char *path, enum source_kind *kind,
                             struct diag *diag);

/* source_read, source_file_id and source_list over any back end. */
enum status source_tree_read(const struct source_tree_ops *ops, void *tree, const char *path, struct source_file *file,
                             struct diag *diag);
enum status source_tree_id(const struct source_tree_ops *ops, void *tree, const char *path, uint8_t id[SOURCE_ID_SIZE],
                           struct diag *diag);
enum status source_tree_list(const struct source_tree_ops *ops, void *tree, const char *path,
                             struct source_listing *listing, struct diag *diag);

#endif

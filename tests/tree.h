/* SPDX-License-Identifier: BSD-2-Clause */
/* tree: for unit tests: a temporary folder with a tree of zones and a store in it. Failures end the test. */
#ifndef SPLITVIEW_TESTS_TREE_H
#define SPLITVIEW_TESTS_TREE_H

#include "policy/publish.h"
#include "zones/status.h"
#include "zones/store.h"

struct tree {
    char root[256];  /* the temporary folder */
    char zones[300]; /* below it: the tree */
    char store[300]; /* below it: the store */
};

void tree_init(struct tree *tree);
/* Removes all of it. */
void tree_clear(struct tree *tree);

/* Write a file of the zone tree, with its folders; text NULL: delete it. */
void tree_write(const struct tree *tree, const char *path, const char *text);

/* publish_run on the tree, with the store (opened for writing and closed again) or without. */
enum status tree_publish(const struct tree *tree, bool with_store, struct publish_result *result, struct diag *diag);

/* The same with the caller's options; source and store are set here. */
enum status tree_publish_with(const struct tree *tree, struct publish_options *options, struct publish_result *result,
                              struct diag *diag);

struct store *tree_open_writer(const struct tree *tree);
struct store *tree_open_reader(const struct tree *tree);

#define TREE_FILES_MAX    8
#define TREE_MESSAGES_MAX 4

struct tree_file {
    const char *path;
    const char *text;
};

/* A tree that is judged without a store: what comes out, and words of the messages. */
struct tree_case {
    const char *name;
    struct tree_file files[TREE_FILES_MAX];
    enum status status;
    uint32_t zones;
    uint64_t records;
    const char *messages[TREE_MESSAGES_MAX];
};

void tree_judge(const struct tree_case *row);

/* All messages as text, one a line; the caller frees. */
char *tree_messages(const struct diag *diag);

#endif

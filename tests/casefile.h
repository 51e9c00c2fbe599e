/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * casefile: test data cut into blocks by lines "== HEAD"; what follows a head, up to the next, is its body.
 */
#ifndef SPLITVIEW_TESTS_CASEFILE_H
#define SPLITVIEW_TESTS_CASEFILE_H

#include <stdbool.h>
#include <stddef.h>

struct case_block {
    char *head; /* the words behind "== " */
    char *body;
    size_t body_size;
};

/* Take the block at *cursor, which must stand at a "== " line, and move on; false at the end. Writes zero bytes into
 * the text. */
bool case_next(char **cursor, struct case_block *block);

/* The body and a text are the same but for line ends at their ends; prints both if not. */
bool case_matches(const char *file, const struct case_block *block, const char *actual);

/* Run `test` once per file of tests/cases/FOLDER/NAME.case; its state is the file's name below tests/. Returns what
 * main returns. */
int case_run_folder(const char *folder, void (*test)(void **state));

#endif

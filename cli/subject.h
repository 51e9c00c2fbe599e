/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * subject: what `show`, `explain` and `test` look at: a generation of the store, or a tree that is read now. One
 * thread.
 */
#ifndef SPLITVIEW_CLI_SUBJECT_H
#define SPLITVIEW_CLI_SUBJECT_H

#include "cli/command.h"
#include "cli/history.h"

#include "policy/asker.h"
#include "zones/answer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct subject {
    struct history history;
    struct history_side side;
};

/* Begin; subject_close is needed from here on. */
void subject_init(struct subject *subject, const struct cli *cli);
void subject_close(struct subject *subject);

/*
 * The tree of --zones and --rev, else generation --generation of the store, else its newest. BAD_INPUT with a message
 * if nothing was published yet.
 */
enum status subject_open(struct subject *subject);

/* The same, but the configured repository goes before the store. */
enum status subject_open_tree(struct subject *subject);

/* The view that --view names, or BAD_INPUT with a message that names the known ones. */
enum status subject_find_view(struct subject *subject, const char *name, uint32_t *view);

/* "generation 4 (0123456789ab)" or "DIR (0123456789ab)" and a line end. */
void subject_print(const struct subject *subject, FILE *stream);

/* The exit status; messages are printed on standard error. */
enum exit_status subject_end(const struct subject *subject, enum status status, enum exit_status otherwise);

#endif

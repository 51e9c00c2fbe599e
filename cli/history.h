/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history: what `log`, `diff` and `rollback` share: the store, and generations to compare, published ones or trees that
 * were only read. One thread.
 */
#ifndef SPLITVIEW_CLI_HISTORY_H
#define SPLITVIEW_CLI_HISTORY_H

#include "cli/command.h"

#include "policy/candidate.h"
#include "policy/generation.h"
#include "zones/store.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define HISTORY_COMMIT_SHOWN 12 /* hex digits */

struct history {
    const struct cli *cli;
    struct diag diag;
    struct server_config *config; /* NULL: none was read */
    struct store *store;          /* NULL: none */
    uint64_t head;                /* 0: nothing was published */
    uint64_t pin;                 /* the rollback that pins the store; 0: none */
};

/* One of two to compare. */
struct history_side {
    struct generation *generation;
    struct candidate *candidate; /* NULL: it was published */
    struct source *source;       /* likewise */
    const char *given;           /* what names it on the command line; NULL: nothing */
};

/* Read the configuration and open its store. A store that is not there is fine: then `store` is NULL. */
enum status history_open(struct history *history, bool writer);
/* Both; `history` was zero or opened. The sides go first. */
void history_close(struct history *history);
void history_side_clear(struct history_side *side);

/* Load generation `number`; BAD_INPUT with a message if the store does not hold it. */
enum status history_load(struct history *history, uint64_t number, struct history_side *side);

/* Read the tree at `path` (a folder, or a repository at `revision`, NULL: the tip of its branch). */
enum status history_read_tree(struct history *history, const char *path, const char *revision,
                              struct history_side *side);

/* Are the image ids of both comparable? */
bool history_same_ids(const struct history *history, const struct history_side *a, const struct history_side *b);

/* A whole number, from 0. False if the text is none. */
bool history_number(const char *text, uint64_t *number);

/* "2026-01-31 12:00:00 UTC", "-" for 0. */
const char *history_time(uint64_t seconds, char text[40]);

/* { generation, commit } or { tree, commit }. */
json_t *history_side_json(const struct history_side *side);
/* "generation 4 (0123456789ab)" or "DIR (0123456789ab)". */
void history_side_print(const struct history_side *side, FILE *stream);

/* Messages on standard error, and a line if memory ran out. */
void history_print_messages(const struct history *history, enum status status);

#endif

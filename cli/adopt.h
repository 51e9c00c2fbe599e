/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * adopt: what the parts of `splitview adopt` share: the copies that were read, the tree that is written, the report.
 */
#ifndef SPLITVIEW_CLI_ADOPT_H
#define SPLITVIEW_CLI_ADOPT_H

#include "cli/command.h"

#include "policy/adopt.h"
#include "zones/bytes.h"
#include "zones/name.h"
#include "zones/source.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum adopt_side { SIDE_INSIDE, SIDE_OUTSIDE };
#define SIDE_COUNT 2

/* One copy of one zone. */
struct adopt_copy {
    char *path;            /* as the operator sees it; NULL: there is no such copy */
    struct source *source; /* its folder, for $INCLUDE; borrowed, may be NULL */
    struct bytes text;
    struct zone *zone; /* frozen and checked */
};

struct adopt_pair {
    uint8_t apex[NAME_SIZE_MAX];
    struct adopt_copy copies[SIDE_COUNT];
    struct adopt_plan *plan; /* NULL: there is one copy only */
};

/* A file of the new tree. */
struct adopt_file {
    char *path; /* from the tree's root */
    char *data;
    size_t size;
};

struct adoption {
    const struct cli *cli;
    struct diag diag;
    const char *paths[SIDE_COUNT]; /* as given */
    struct source *sources[SIDE_COUNT];
    struct adopt_pair *pairs;
    size_t count;
    size_t capacity;
    const char *out; /* where the tree goes */
    struct adopt_file *files;
    size_t file_count;
    size_t file_capacity;
    uint64_t asked; /* questions of the proof, in both views */
    bool was_written;
};

#define ADOPT_OUT_DEFAULT "dns-zones"

/* Find the copies, read them, make the plans (adopt_read.c). BAD_INPUT with messages, IO, NO_MEMORY. */
enum status adopt_read(struct adoption *adoption);

/* Compose the files, write them to a temporary folder, prove that the tree there answers as the copies did, and move it
 * to its place (adopt_tree.c). */
enum status adopt_write(struct adoption *adoption);

/* Tell what was found (adopt_report.c). False after a message if there was no memory. */
bool adopt_report(const struct adoption *adoption, enum status status);

#endif

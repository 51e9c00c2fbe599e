/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * casefile: view tests, the files *.views in tests of a tree of zones (format.md section 4): what each view must
 * answer. Read them against a policy, run them against a generation with that policy. No socket is opened.
 *
 *     FROM NAME TYPE [WORDS] [= RECORDS]
 *
 * One line makes a test for each who asks, each choice of {a,b,c} in NAME, and each type. Immutable after reading; one
 * thread while reading or running.
 */
#ifndef SPLITVIEW_POLICY_CASEFILE_H
#define SPLITVIEW_POLICY_CASEFILE_H

#include "policy/asker.h"
#include "policy/generation.h"
#include "policy/policy.h"
#include "zones/answer.h"
#include "zones/source.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CASEFILE_FOLDER    "tests" /* of the tree */
#define CASEFILE_LINE_MAX  1000    /* bytes */
#define CASEFILE_TESTS_MAX 10000   /* made by one line */
#define CASEFILE_LINES_MAX 100000  /* in all files together */
#define CASEFILE_DEPTH_MAX 16      /* files that include each other */
#define CASEFILE_TEXT_MAX  1200    /* bytes of what is told about a test, with the final zero */

struct casefile;

/* No tests yet. The policy must live as long. NULL: no memory. */
struct casefile *casefile_new(const struct policy *policy);
void casefile_free(struct casefile *casefile);

/*
 * Add the tests of text in memory; `file` names it in messages. include lines read CASEFILE_FOLDER of `source`; NULL:
 * there is nothing to include. All errors are reported, "FILE:LINE: ..."; then the content is only to be freed.
 * BAD_INPUT, NO_MEMORY.
 */
enum status casefile_read_text(struct casefile *casefile, struct source *source, const char *file, const char *text,
                               size_t size, struct diag *diag);

/* Add the tests of one file of the tree. NOT_FOUND without a message: there is no such file. Also IO, TOO_LARGE. */
enum status casefile_read(struct casefile *casefile, struct source *source, const char *path, struct diag *diag);

/* Add those of all files *.views in CASEFILE_FOLDER of the tree, of which there may be none. */
enum status casefile_read_tree(struct casefile *casefile, struct source *source, struct diag *diag);

/* Tests that the lines make; how many files were read, included ones too. */
uint64_t casefile_count(const struct casefile *casefile);
size_t casefile_files(const struct casefile *casefile);

/* One test that was run. Borrowed until the visit returns. */
struct casefile_result {
    const char *file;
    uint32_t line;
    const struct asker *asker;
    const uint8_t *name;
    uint16_t type;
    uint64_t now; /* seconds since 1970, of at:; 0: none */
    bool passed;
    const char *wanted; /* WORDS and RECORDS as written, for this name */
    const char *got;    /* the answer on one line */
    const char *why;    /* what did not hold, "" if it passed */
    uint32_t view;      /* that answered; VIEW_NONE: none */
    const struct answer *answer;
};

/* Called for each test in the order of the files; false stops. */
typedef bool casefile_visit(void *context, const struct casefile_result *result);

struct casefile_totals {
    uint64_t passed;
    uint64_t failed;
};

/* Run all tests; `visit` NULL: only count. The generation's policy has the same views as the one they were read
 * against. NO_MEMORY. */
enum status casefile_run(const struct casefile *casefile, const struct generation *generation, casefile_visit *visit,
                         void *context, struct casefile_totals *totals);

/*
 * For an import: read all tests of the tree and run them; each that fails is an error in `diag` with file and line, and
 * no test at all is a warning. BAD_INPUT if any failed or could not be read.
 */
enum status casefile_check(struct source *source, const struct generation *generation, struct casefile_totals *totals,
                           struct diag *diag);

#endif

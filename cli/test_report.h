/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_report: results of view tests: TAP on a stream, JUnit XML into a file, and JSON. One thread.
 */
#ifndef SPLITVIEW_CLI_TEST_REPORT_H
#define SPLITVIEW_CLI_TEST_REPORT_H

#include "policy/casefile.h"
#include "policy/generation.h"
#include "zones/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct test_report {
    const struct generation *generation; /* borrowed */
    FILE *tap;                           /* NULL: none */
    FILE *junit;                         /* NULL: none; a file for reading and writing, closed with the report */
    json_t *tests;                       /* NULL: none */
    struct explained *explained;         /* owned */
    uint64_t number;                     /* of tests told */
    bool no_memory;
};

/* Begin; NO_MEMORY. test_report_clear is needed in any case. */
enum status test_report_init(struct test_report *report, const struct generation *generation);
void test_report_clear(struct test_report *report);

/* A casefile_visit; `context` is the struct test_report. */
bool test_report_visit(void *context, const struct casefile_result *result);

/* Write the JUnit file. False: something could not be written. */
bool test_report_junit(const struct test_report *report, const struct casefile_totals *totals, FILE *stream);

#endif

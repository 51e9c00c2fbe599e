/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay_model: what a view answers, worked out for each question from lists of records by the words of format.md
 * P1-P6 and A1-A10, RFC 1034 4.3.2, 4592 and 6672. Slow, without images, keys or flags: the other side of the test.
 */
#ifndef SPLITVIEW_TESTS_OVERLAY_MODEL_H
#define SPLITVIEW_TESTS_OVERLAY_MODEL_H

#include "policy/policy.h"
#include "zones/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MODEL_NAME_MAX    600 /* a DNAME may make a name too long */
#define MODEL_RECORDS_MAX 64
#define MODEL_VIEWS_MAX   4
#define MODEL_ZONES_MAX   3
#define MODEL_HIDES_MAX   4
#define MODEL_NAMES_MAX   64

/* Names are text in lower case with a final dot and no escapes. */
struct model_record {
    char owner[MODEL_NAME_MAX];
    uint16_t type;
    uint32_t ttl;
    uint32_t number;             /* tells records apart; of a SOA also its MINIMUM */
    char target[MODEL_NAME_MAX]; /* NS, CNAME, DNAME */
};

/* What one view says of one apex. */
struct model_zone {
    bool has_file;
    struct model_record records[MODEL_RECORDS_MAX];
    size_t count;
    enum zone_mode mode; /* as written; DEFAULT: not */
};

struct model_hide {
    char name[MODEL_NAME_MAX];
    bool below;
    int is_void; /* -1: not known yet */
};

struct model_view {
    int base; /* number, or -1 */
    struct model_zone zones[MODEL_ZONES_MAX];
    struct model_hide hides[MODEL_HIDES_MAX];
    size_t hide_count;
    int8_t exists[MODEL_ZONES_MAX][MODEL_NAMES_MAX]; /* -1: not known yet */
};

struct model {
    const char *apexes[MODEL_ZONES_MAX];
    char names[MODEL_NAMES_MAX][MODEL_NAME_MAX]; /* all that owners and hides are made of, with all above them */
    size_t name_count;
    struct model_view views[MODEL_VIEWS_MAX];
    size_t view_count;
};

/* Forget what was worked out; once the world is complete. */
void model_start(struct model *model);

/* Does the view serve the apex? */
bool model_serves(const struct model *model, int view, int zone);

/* An error by the words of the format: own data below a delegation of the base, or a hidden name with own records. */
bool model_is_bad(struct model *model);

/* The answer as lines: outcome, AA, then "SECTION OWNER TTL TYPE RDATA" with RDATA in hex. */
void model_ask(struct model *model, int view, const char *name, uint16_t type, FILE *stream);

/* The RDATA of a record; returns the size. */
uint16_t model_rdata(const struct model_record *record, uint8_t rdata[1024]);

#endif

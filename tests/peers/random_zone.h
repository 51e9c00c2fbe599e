/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_zone: a set of small zones full of what goes wrong in name servers, the same for the same seed.
 *
 * What every peer and splitview can load: no data below a DNAME, nothing beside a CNAME, no NS or DNAME at a wildcard,
 * nothing but a delegation and its glue at and below the apex of a deeper zone.
 */
#ifndef SPLITVIEW_TESTS_PEERS_RANDOM_ZONE_H
#define SPLITVIEW_TESTS_PEERS_RANDOM_ZONE_H

#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANDOM_ZONES_MAX   8
#define RANDOM_NAMES_MAX   64
#define RANDOM_RECORDS_MAX 400
#define RANDOM_RDATA_MAX   1200

struct random_source {
    uint64_t state;
};

void random_init(struct random_source *random, uint64_t seed);
/* A number below `limit`, which is not 0. */
unsigned random_below(struct random_source *random, unsigned limit);
bool random_percent(struct random_source *random, unsigned percent);

/* Names in absolute master-file text, lower case. */
struct random_record {
    char owner[NAME_TEXT_MAX];
    const char *type;
    unsigned ttl;
    char rdata[RANDOM_RDATA_MAX];
};

struct random_zone {
    char apex[NAME_TEXT_MAX];
    char names[RANDOM_NAMES_MAX][NAME_TEXT_MAX]; /* where records are put, and where records point */
    size_t name_count;
    struct random_record records[RANDOM_RECORDS_MAX];
    size_t record_count;
};

struct random_world {
    struct random_source random;
    struct random_zone zones[RANDOM_ZONES_MAX];
    size_t zone_count;
};

void random_world_make(struct random_world *world, uint64_t seed);

/* A label in front of a name; the name alone if that would be too long. */
void random_prefix(char result[NAME_TEXT_MAX], const char *label, const char *name);
const char *random_label(struct random_source *random);
/* A name of some zone, one below it, or one of nobody's. */
void random_target(struct random_world *world, char target[NAME_TEXT_MAX]);

#endif

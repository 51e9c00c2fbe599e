/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * origins: where each RRset of a flat zone was written, and how its TTL came about, as a table beside its image: cold,
 * outside the image's content, so that a comment line changes neither image nor serial. The store keeps it
 * (store_put_origins).
 *
 *     magic, version | files: count, then for each: view, path | views: count, names | [ttl] rules: count, names
 *     | entries in the order of the image's nodes
 *
 * Numbers are varints (7 bits a byte, lowest first, the top bit says that more follow), texts a length and octets. An
 * entry is: how many nodes further, twice the type and 1 if its TTL was changed, file, line as a difference to that of
 * the entry before (zigzag). Type 0 stands for the mark of a hidden or kept name. A changed TTL follows: as written,
 * count of changes, then for each, the first one first: reason, TTL afterwards, and unless it is the lowest of the
 * RRset: view, rule, and of a cap the CNAME. Views and rules are named only where something was changed.
 *
 * Version 1 had neither views nor rules nor changes, and the type alone; it is still read. One thread per call.
 */
#ifndef SPLITVIEW_POLICY_ORIGINS_H
#define SPLITVIEW_POLICY_ORIGINS_H

#include "policy/generation.h"
#include "zones/bytes.h"
#include "zones/image.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGINS_VERSION  2u
#define ORIGINS_SIZE_MAX (UINT32_C(1) << 31) /* bytes */
#define ORIGINS_TEXT_MAX 4096                /* bytes of a path or view's name */

/*
 * The table of a frozen flat zone and the image compiled from it. `views` gives a view's name by the number that stands
 * in zone->layers. Appended to `table`, which the caller has initialised. NO_MEMORY, TOO_LARGE; DAMAGED if the image is
 * of another zone.
 */
enum status origins_build(const struct zone *zone, const void *block, size_t size, const struct policy *policy,
                          struct bytes *table);

/* A place, with texts borrowed from the table (not zero-terminated). */
struct origins_place {
    const char *path; /* NULL: made by the program */
    size_t path_size;
    const char *view; /* whose file it is read for */
    size_t view_size;
    uint32_t line; /* 0: not known */
};

/* One step on a TTL's way, with texts borrowed from the table (not zero-terminated). */
struct origins_change {
    enum zone_ttl_reason reason;
    uint32_t ttl;     /* seconds, afterwards */
    const char *view; /* where the rule holds; NULL: no rule */
    size_t view_size;
    const char *rule; /* the name of its [ttl] section; NULL: no rule */
    size_t rule_size;
    const char *cname; /* of a cap: the CNAME's owner; else NULL */
    size_t cname_size;
};

/* What is left of the steps of one RRset. */
struct origins_changes {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *views; /* the first name */
    const uint8_t *rules;
    uint32_t view_count;
    uint32_t rule_count;
    uint32_t left;
};

/* Walk a table. */
struct origins_reader {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *files; /* the first file's entry */
    uint32_t file_count;
    const uint8_t *views;
    uint32_t view_count;
    const uint8_t *rules;
    uint32_t rule_count;
    uint32_t version;
    uint32_t node;
    uint32_t line;
    bool started;
};

struct origins_entry {
    uint32_t node; /* number in the image's canonical order */
    uint16_t type; /* 0: a mark */
    struct origins_place place;
    bool is_changed;  /* the TTL is not the one that was written */
    uint32_t written; /* then: the latter, seconds */
    struct origins_changes changes;
};

/* DAMAGED, VERSION. */
enum status origins_open(const void *table, size_t size, struct origins_reader *reader);

/* The next entry; false at the end and where the table is damaged. */
bool origins_next(struct origins_reader *reader, struct origins_entry *entry);

/* The next step of a TTL; false at the end. */
bool origins_next_change(struct origins_changes *changes, struct origins_change *change);

/* File number `index`, from 0, with line 0; false if there are fewer. */
bool origins_file(const struct origins_reader *reader, uint32_t index, struct origins_place *place);

/* The table of an image of a generation. NOT_FOUND: it has none; DAMAGED. */
enum status origins_load(const struct generation *generation, uint64_t image_id, const void **table, size_t *size);

/* The entry of the RRset at `owner` (lowered; as it stands in the zone). False: not known, or without a file. */
bool origins_find(const struct generation *generation, uint64_t image_id, const struct image *image,
                  const uint8_t *owner, uint16_t type, struct origins_entry *entry);

#endif

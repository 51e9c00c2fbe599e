/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone: one flat zone under construction, between the text it is read from and the image it is compiled to.
 *
 * Records and marks are appended in any order, then zone_freeze sorts them by owner (canonical order), type and order
 * of appearance, drops exact repetitions and groups them. All bytes live in the zone's own arena; pointers into it are
 * valid from zone_freeze until zone_free. One thread at a time.
 */
#ifndef SPLITVIEW_ZONES_ZONE_H
#define SPLITVIEW_ZONES_ZONE_H

#include "zones/bytes.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a record was written: an index into zone->files and a line from 1 (0: made by the program). */
struct origin {
    uint16_t file;
    uint32_t line;
};
#define ORIGIN_NONE UINT16_MAX /* no file */

struct zone_record {
    uint32_t key;        /* offset of the owner's sort key in the arena */
    uint32_t owner;      /* offset of the owner in wire form, as written */
    uint32_t rdata;      /* offset of the RDATA */
    uint32_t order;      /* order of appearance, from 0 */
    uint32_t ttl;        /* seconds */
    uint32_t written;    /* seconds: the TTL it was added with first, in whatever zone */
    uint32_t change;     /* what changed it last: index + 1 into zone->changes; 0: nothing */
    uint16_t key_size;   /* bytes */
    uint16_t rdata_size; /* bytes */
    uint16_t type;
    struct origin origin;
};

/* Why the TTL of an RRset is not the one that was written. */
enum zone_ttl_reason {
    ZONE_TTL_LOWEST, /* another record of the RRset was written with a lower one */
    ZONE_TTL_RULE,   /* rule number `rule` of `view` */
    ZONE_TTL_CAP     /* the same, through the CNAME at `cname`, which leads here */
};

/* One step of it. Of the image it says nothing; explain tells it. */
struct zone_ttl_change {
    enum zone_ttl_reason reason;
    uint32_t ttl;    /* seconds, afterwards */
    uint32_t view;   /* the caller's number */
    uint32_t rule;   /* the caller's number */
    uint32_t cname;  /* offset of the name in zone->cnames */
    uint32_t before; /* index + 1 of the step before; 0: none */
};

/* What a zone says of a name without giving it records. */
enum zone_mark_flag {
    ZONE_HIDDEN = 1 << 0,       /* does not exist, whatever a wildcard says, nor does what is missing below it */
    ZONE_HIDDEN_BELOW = 1 << 1, /* what is missing below it does not exist; the name itself is as it is */
    ZONE_EMPTY = 1 << 2,        /* exists, though nothing may be left below it */
    ZONE_FORWARD = 1 << 3       /* it and all below it are others' to answer, unless at or below a delegation */
};

struct zone_mark {
    uint32_t key; /* offsets in the arena, as a record's */
    uint32_t name;
    uint16_t key_size;     /* bytes */
    uint16_t flags;        /* enum zone_mark_flag */
    uint32_t negative_ttl; /* seconds, of a hidden name's NXDOMAIN or NODATA; ZONE_TTL_NONE: the zone's */
    struct origin origin;
};

#define ZONE_TTL_NONE UINT32_MAX

/* Which dynamic rules concern a name: the number that stands in its node of the image. `number` NULL: none. */
struct zone_rules {
    uint16_t (*number)(const void *context, const uint8_t *owner);
    const void *context; /* borrowed until the zone is compiled */
};

/* The limit of one zone's arena: images address 4 GiB, and text is smaller. */
#define ZONE_ARENA_MAX UINT32_MAX

struct zone {
    uint8_t apex[NAME_SIZE_MAX];
    uint8_t apex_size; /* bytes */
    bool frozen;
    uint32_t negative_ttl; /* seconds; ZONE_TTL_NONE: min(SOA TTL, SOA MINIMUM), RFC 2308 5 */
    struct zone_rules rules;
    bool pinpoint; /* missing names, empty non-terminals and an apex with only SOA and NS are not this zone's affair */
    struct bytes arena;
    struct zone_record *records;
    size_t count;
    size_t capacity;
    uint32_t last_owner; /* arena offset + 1 of the owner added last, 0 none: a run of records shares it */
    uint32_t last_key;
    uint16_t last_key_size;
    struct zone_mark *marks; /* after zone_freeze in canonical order, one per name */
    size_t mark_count;
    size_t mark_capacity;
    char **files;     /* paths for origins, owned */
    uint32_t *layers; /* per file: the number of the view that reads it */
    size_t file_count;
    uint32_t layer; /* of the files that zone_add_file adds; 0 unless the caller sets it */
    struct zone_ttl_change *changes;
    size_t change_count;
    size_t change_capacity;
    struct bytes cnames; /* names that changes mention */
};

/* NULL when there is no memory. `apex` is copied. */
struct zone *zone_new(const uint8_t *apex);
void zone_free(struct zone *zone);

/* The index of `path` in zone->files, added if new. TOO_LARGE past 65,535 files. */
enum status zone_add_file(struct zone *zone, const char *path, uint16_t *index);

/* The same for a file of another layer: one path in two layers is two files. */
enum status zone_add_layer_file(struct zone *zone, const char *path, uint32_t layer, uint16_t *index);

/* Mark a name at or below the apex; flags of one name add up. The name is copied. NO_MEMORY, TOO_LARGE. */
enum status zone_add_mark(struct zone *zone, const uint8_t *name, uint16_t flags, struct origin origin);

/* Is the name at or below the apex? */
bool zone_covers(const struct zone *zone, const uint8_t *name);

/*
 * Append one record; owner and RDATA are copied. `ttl` in seconds. The owner must lie at or below the apex (the reader
 * checks; here it is an assertion). NO_MEMORY, TOO_LARGE past ZONE_ARENA_MAX; then nothing was added.
 */
enum status zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                     uint16_t rdata_size, struct origin origin);

/* Append a record of another zone with its TTL and how it came about; `origin` counts the files of `zone`. As zone_add.
 */
enum status zone_add_copy(struct zone *zone, const struct zone *from, const struct zone_record *record,
                          struct origin origin);

/*
 * Sort, drop records that stand twice (same owner, type and RDATA octets; the first one's place stays) and give all
 * records of an RRset the lowest TTL among them (RFC 2181 5.2), with one warning per RRset that names the lines.
 * Afterwards the zone only reads. NO_MEMORY.
 */
enum status zone_freeze(struct zone *zone, struct diag *diag);

/* Below, at or above 0: `a` stands before, with or behind `b` by owner, type and order of appearance. */
int zone_compare_records(const struct zone *zone, const struct zone_record *a, const struct zone_record *b);

/* A run of records [first, first + count) of a frozen zone that share owner and type. */
struct zone_rrset {
    size_t first;
    size_t count;
};

/* Walk a frozen zone: *next starts at 0; false at the end. RRsets of one owner follow each other, types ascending. */
bool zone_next_rrset(const struct zone *zone, size_t *next, struct zone_rrset *rrset);

/*
 * Give an RRset of a frozen zone another TTL and note why: reason, ttl, view and rule of `why`. `cname` is copied; NULL
 * unless the reason is a cap. A cap takes the place of one of the same view. NO_MEMORY, TOO_LARGE; then nothing is
 * changed.
 */
enum status zone_change_ttl(struct zone *zone, const struct zone_rrset *rrset, const struct zone_ttl_change *why,
                            const uint8_t *cname);

/* The RRset of one owner and type, or false. */
bool zone_find(const struct zone *zone, const uint8_t *owner, uint16_t type, struct zone_rrset *rrset);

/* Records [first, end) of a frozen zone. */
struct zone_range {
    size_t first;
    size_t end;
};

/* The records of exactly this owner; of the owner and all names below it. Empty if there are none. */
struct zone_range zone_owner_range(const struct zone *zone, const uint8_t *owner);
struct zone_range zone_subtree_range(const struct zone *zone, const uint8_t *owner);

/* Borrowed from the arena. */
const uint8_t *zone_owner(const struct zone *zone, const struct zone_record *record);
const uint8_t *zone_key(const struct zone *zone, const struct zone_record *record);
struct rdata zone_rdata(const struct zone *zone, const struct zone_record *record);

const uint8_t *zone_mark_name(const struct zone *zone, const struct zone_mark *mark);

/* The place of a record for a message; the path is borrowed from the zone. */
struct place zone_place(const struct zone *zone, const struct zone_record *record);
struct place zone_origin_place(const struct zone *zone, struct origin origin);

#endif

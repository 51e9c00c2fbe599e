/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile_level: what the parts of the reader of master files share. Not for use outside zones/zonefile*.c. One thread
 * for each reading.
 */
#ifndef SPLITVIEW_ZONES_ZONEFILE_LEVEL_H
#define SPLITVIEW_ZONES_ZONEFILE_LEVEL_H

#include "zones/bytes.h"
#include "zones/entry.h"
#include "zones/name.h"
#include "zones/source.h"
#include "zones/zone.h"
#include "zones/zonefile.h"

#include <stdbool.h>
#include <stdint.h>

/* What one call of zonefile_read carries through all its files. */
struct zonefile_reading {
    struct source *source; /* NULL: no includes */
    struct zone *zone;
    struct diag *diag;
    struct bytes rdata; /* of the record at hand */
    uint64_t records;
    uint64_t records_max; /* 0: no limit */
    const struct zonefile_options *options;
    unsigned files;
    uint32_t default_ttl; /* $TTL */
    uint32_t last_ttl;    /* given by the last record that gave one */
    bool has_default_ttl;
    bool has_last_ttl;
    bool bad; /* some error of the text was reported */
};

enum owner_state { OWNER_NONE, OWNER_GOOD, OWNER_BAD };

/* One file, or one $GENERATE, that is being read. */
struct zonefile_level {
    const struct zonefile_level *parent; /* NULL: the zone's own file */
    const char *file;
    uint16_t file_index;
    unsigned depth;
    uint8_t origin[NAME_SIZE_MAX];
    uint8_t owner[NAME_SIZE_MAX];
    enum owner_state owner_state;
    const struct entry *generate; /* the directive whose records these are; NULL: records as written */
    uint32_t number;              /* of that record */
};

/* Is the entry a directive? */
bool zonefile_is_directive(const struct entry *entry);

/* Read an entry that is none. BAD_INPUT with a message, NO_MEMORY, TOO_LARGE. */
enum status zonefile_read_record(struct zonefile_reading *reading, struct zonefile_level *level,
                                 const struct entry *entry);

#endif

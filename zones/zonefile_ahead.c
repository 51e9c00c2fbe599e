/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zonefile_ahead.h"

#include "zones/memory.h"
#include "zones/thread.h"

#include <string.h>

#define BEGIN_SHARE 64 /* one part in so many of the least text is read first: directives mostly stand at the top */
#define LINES_MAX   64 /* looked at to find the half */

/* The second half. */
struct zonefile_part {
    pthread_t thread;
    size_t begin; /* position in the text */
    struct zonefile_options options;
    struct zonefile_reading guess; /* what the first half is expected to leave behind */
    uint8_t origin[NAME_SIZE_MAX];
    struct zonefile_reading reading;
    struct zonefile_level level;
    struct entry_reader reader;
    struct diag diag;
    enum status status;
};

static size_t least_size(const struct zonefile_reading *reading)
{
    return reading->options->ahead_least != 0 ? reading->options->ahead_least : ZONEFILE_AHEAD_LEAST;
}

void zonefile_ahead_init(struct zonefile_ahead *ahead, const struct zonefile_reading *reading,
                         const struct zonefile_level *level, const struct entry_reader *reader)
{
    bool is_large = level->parent == NULL && reader->size >= least_size(reading);

    *ahead = (struct zonefile_ahead){.next = is_large ? least_size(reading) / BEGIN_SHARE + 1 : SIZE_MAX};
}

/* Does a line begin with an owner? */
static bool begins_entry(const struct entry_reader *reader, size_t position)
{
    return position < reader->size && reader->input[position] != '\0' &&
           strchr(" \t\r\n;()\"$", reader->input[position]) == NULL;
}

/* Where a line begins behind `position`; the text's size: nowhere. */
static size_t next_line(const struct entry_reader *reader, size_t position)
{
    const char *end = memchr(reader->input + position, '\n', reader->size - position);

    return end == NULL ? reader->size : (size_t)(end - reader->input) + 1;
}

/* Where the second half may begin: at an owner behind a line that has one. SIZE_MAX: nowhere near. */
static size_t find_half(const struct entry_reader *reader)
{
    size_t line = next_line(reader, reader->position + (reader->size - reader->position) / 2);

    for (unsigned i = 0; i < LINES_MAX && line < reader->size; i++) {
        size_t next = next_line(reader, line);
        if (begins_entry(reader, line) && begins_entry(reader, next))
            return next;
        line = next;
    }
    return SIZE_MAX;
}

/* Records until the text ends, or up to a directive, or until something is to be said. */
static void *read_part(void *context)
{
    struct zonefile_part *part = context;
    struct entry entry;

    while (part->status == STATUS_OK && part->diag.errors + part->diag.warnings + part->diag.count == 0) {
        size_t position = part->reader.position;
        uint32_t line = part->reader.line;
        part->status = entry_next(&part->reader, part->level.file, &entry, &part->diag);
        if (part->status != STATUS_OK || entry.token_count == 0)
            break;
        if (zonefile_is_directive(&entry)) {
            part->reader.position = position;
            part->reader.line = line;
            part->reader.column = 1;
            break;
        }
        part->status = zonefile_read_record(&part->reading, &part->level, &entry);
    }
    return NULL;
}

static void part_free(struct zonefile_part *part)
{
    entry_reader_clear(&part->reader);
    bytes_clear(&part->reading.rdata);
    zone_free(part->reading.zone);
    diag_clear(&part->diag);
    memory_free(part);
}

/* NULL: no memory. */
static struct zonefile_part *part_new(const struct zonefile_reading *reading, const struct zonefile_level *level,
                                      const struct entry_reader *reader, size_t begin)
{
    struct zonefile_part *part = memory_zalloc(1, sizeof *part);

    if (part == NULL)
        return NULL;
    part->begin = begin;
    part->options = (struct zonefile_options){.default_ttl = reading->options->default_ttl};
    part->guess = *reading;
    memcpy(part->origin, level->origin, sizeof part->origin);
    part->reading = *reading;
    part->reading.source = NULL;
    part->reading.options = &part->options;
    part->reading.diag = &part->diag;
    part->reading.records = 0;
    part->reading.has_last_ttl = !reading->has_default_ttl && reading->has_last_ttl; /* else it has no meaning */
    part->reading.zone = zone_new(reading->zone->apex);
    bytes_init(&part->reading.rdata, reading->rdata.limit);
    part->level = *level;
    part->level.owner_state = OWNER_NONE;
    entry_reader_init(&part->reader, reader->input, reader->size);
    part->reader.position = begin;
    diag_init(&part->diag);
    if (part->reading.zone == NULL) {
        part_free(part);
        return NULL;
    }
    part->reading.zone->arena.limit = reading->zone->arena.limit;
    return part;
}

/* Room for what the text up to `end` will give, if it goes on as up to `position`. Only a hint. */
static void reserve(struct zone *zone, const struct zone *from, size_t position, size_t end)
{
    double share = (double)end / (double)position * 1.02;

    (void)zone_reserve(zone, (size_t)((double)from->count * share), (size_t)((double)from->arena.size * share));
}

static void begin_part(struct zonefile_ahead *ahead, const struct zonefile_reading *reading,
                       const struct zonefile_level *level, const struct entry_reader *reader)
{
    size_t begin = find_half(reader);
    struct zonefile_part *part = begin == SIZE_MAX ? NULL : part_new(reading, level, reader, begin);

    ahead->next = SIZE_MAX;
    if (part == NULL)
        return;
    reserve(part->reading.zone, reading->zone, reader->position, reader->size - begin);
    if (!thread_begin(&part->thread, read_part, part)) {
        part_free(part);
        return;
    }
    reserve(reading->zone, reading->zone, reader->position, reader->size);
    ahead->part = part;
    ahead->next = begin;
}

/* Is what the thread read what would be read now? */
static bool guessed_right(const struct zonefile_part *part, const struct zonefile_reading *reading,
                          const struct zonefile_level *level, const struct entry_reader *reader)
{
    const struct zonefile_reading *guess = &part->guess;

    if (part->status != STATUS_OK || part->diag.errors + part->diag.warnings + part->diag.count != 0)
        return false;
    if (reader->position != part->begin || reader->column != 1 ||
        memcmp(level->origin, part->origin, name_size(part->origin)) != 0)
        return false;
    if (reading->has_default_ttl != guess->has_default_ttl || reading->default_ttl != guess->default_ttl)
        return false;
    if (!guess->has_default_ttl &&
        (reading->has_last_ttl != guess->has_last_ttl || reading->last_ttl != guess->last_ttl))
        return false;
    return reading->records_max == 0 || reading->records + part->reading.records <= reading->records_max;
}

/* Go on where the thread ended. */
static void take_state(struct zonefile_part *part, struct zonefile_reading *reading, struct zonefile_level *level,
                       struct entry_reader *reader)
{
    reading->records += part->reading.records;
    if (part->reading.has_last_ttl) {
        reading->has_last_ttl = true;
        reading->last_ttl = part->reading.last_ttl;
    }
    if (part->level.owner_state != OWNER_NONE) {
        level->owner_state = part->level.owner_state;
        memcpy(level->owner, part->level.owner, sizeof level->owner);
    }
    reader->position = part->reader.position;
    reader->line += part->reader.line - 1;
    reader->column = part->reader.column;
    if (reading->options->progress != NULL)
        reading->options->progress(reading->options->progress_context, reading->records);
}

static enum status join_part(struct zonefile_part *part, struct zonefile_reading *reading, struct zonefile_level *level,
                             struct entry_reader *reader)
{
    if (!guessed_right(part, reading, level, reader))
        return STATUS_OK;
    enum status status = zone_append(reading->zone, part->reading.zone, reader->line - 1);
    if (status == STATUS_OK)
        take_state(part, reading, level, reader);
    return status == STATUS_TOO_LARGE ? STATUS_OK : status; /* reading on tells which record is too much */
}

enum status zonefile_ahead_step(struct zonefile_ahead *ahead, struct zonefile_reading *reading,
                                struct zonefile_level *level, struct entry_reader *reader)
{
    enum status status = STATUS_OK;

    if (ahead->part == NULL) {
        begin_part(ahead, reading, level, reader);
        return STATUS_OK;
    }
    pthread_join(ahead->part->thread, NULL);
    status = join_part(ahead->part, reading, level, reader);
    part_free(ahead->part);
    *ahead = (struct zonefile_ahead){.next = SIZE_MAX};
    return status;
}

void zonefile_ahead_clear(struct zonefile_ahead *ahead)
{
    if (ahead->part == NULL)
        return;
    pthread_join(ahead->part->thread, NULL);
    part_free(ahead->part);
    ahead->part = NULL;
}

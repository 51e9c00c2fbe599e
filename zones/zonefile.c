/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zonefile.h"

#include "zones/entry.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rdata_field.h"
#include "zones/rdata_text.h"
#include "zones/zonefile_generate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FOUND_MAX       60   /* characters of a word that a message repeats */
#define WANTED_TEXT_MAX 1100 /* a name and some words */
#define PATH_TEXT_MAX   4096
#define TTL_WANTED      "a TTL from 0 to 2147483647 seconds, or with units as 1h30m"

/* What one call of zonefile_read carries through all its files. */
struct reading {
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
struct level {
    const struct level *parent; /* NULL: the zone's own file */
    const char *file;
    uint16_t file_index;
    unsigned depth;
    uint8_t origin[NAME_SIZE_MAX];
    uint8_t owner[NAME_SIZE_MAX];
    enum owner_state owner_state;
    const struct entry *generate; /* the directive whose records these are; NULL: records as written */
    uint32_t number;              /* of that record */
};

/* The words between the owner and the RDATA. */
struct head {
    uint16_t type;
    bool has_ttl;
    uint32_t ttl;
    size_t type_word;
    size_t rdata_word;
};

static struct place word_place(const struct level *level, const struct entry *entry, size_t word)
{
    if (level->generate != NULL) {
        return (struct place){level->file, level->generate->line, level->generate->column};
    }
    if (word < entry->token_count) {
        return (struct place){level->file, entry->tokens[word].line, entry->tokens[word].column};
    }
    const struct entry_token *last = &entry->tokens[entry->token_count - 1];
    return (struct place){level->file, last->line, last->column + last->size};
}

/* Report a word; one past the last means that a word is missing. */
static enum status wrong(const struct reading *reading, const struct level *level, const struct entry *entry,
                         size_t word, const char *wanted)
{
    struct place place = word_place(level, entry, word);
    char number[48] = "";
    if (level->generate != NULL) {
        snprintf(number, sizeof number, " (record %" PRIu32 " of $GENERATE)", level->number);
    }
    if (word >= entry->token_count) {
        return diag_error(reading->diag, &place, "found the end of the entry, wanted %s%s", wanted, number);
    }
    struct rdata_word found = rdata_word_get(entry, word);
    bool cut = found.size > FOUND_MAX;
    const char *quote = found.quoted ? "" : "\"";
    return diag_error(reading->diag, &place, "found %s%.*s%s%s, wanted %s%s", quote,
                      (int)(cut ? FOUND_MAX : found.size), found.text, cut ? "..." : "", quote, wanted, number);
}

static bool word_is(struct rdata_word word, const char *text)
{
    return !word.quoted && word.size == strlen(text) && strncasecmp(word.text, text, word.size) == 0;
}

static bool class_from_word(struct rdata_word word, uint32_t *class)
{
    static const struct {
        const char *text;
        uint16_t class;
    } classes[] = {{"IN", RRCLASS_IN}, {"CH", RRCLASS_CH}, {"HS", 4}, {"CS", 2}, {"NONE", RRCLASS_NONE}};
    if (word.size < 2) {
        return false;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (word_is(word, classes[i].text)) {
            *class = classes[i].class;
            return true;
        }
    }
    return !word.quoted && word.size > 5 && strncasecmp(word.text, "CLASS", 5) == 0 &&
           number_from_text(word.text + 5, word.size - 5, UINT16_MAX, class);
}

static enum status head_type(const struct reading *reading, const struct level *level, const struct entry *entry,
                             size_t word, bool has_class, struct head *head)
{
    struct rdata_word text = rdata_word_get(entry, word);
    head->type = text.quoted ? 0 : rrtype_from_text(text.text, text.size);
    if (head->type == 0) {
        const char *wanted = has_class && head->has_ttl ? "a type"
                             : has_class                ? "a TTL or a type"
                             : head->has_ttl            ? "a class or a type"
                                                        : "a TTL, a class or a type";
        return wrong(reading, level, entry, word, wanted);
    }
    if (rrtype_is_meta(head->type)) {
        return wrong(reading, level, entry, word, "a type of zone data, not one of questions");
    }
    head->type_word = word;
    head->rdata_word = word + 1;
    return STATUS_OK;
}

/* Read [TTL] [class] type from `word` on, TTL and class in either order. */
static enum status head_from_entry(const struct reading *reading, const struct level *level, const struct entry *entry,
                                   size_t word, struct head *head)
{
    bool has_class = false;
    memset(head, 0, sizeof *head);
    for (; word < entry->token_count; word++) {
        struct rdata_word text = rdata_word_get(entry, word);
        uint32_t class;
        if (!has_class && class_from_word(text, &class)) {
            has_class = true;
            if (class != RRCLASS_IN) {
                return wrong(reading, level, entry, word, "class IN");
            }
        } else if (!head->has_ttl && text.text[0] >= '0' && text.text[0] <= '9') {
            head->has_ttl = true;
            if (!period_from_text(text.text, text.size, ZONEFILE_TTL_MAX, &head->ttl)) {
                return wrong(reading, level, entry, word, TTL_WANTED);
            }
        } else {
            return head_type(reading, level, entry, word, has_class, head);
        }
    }
    return wrong(reading, level, entry, word, "a type");
}

/* Take the owner from the first word, if the line has one. */
static enum status read_owner(const struct reading *reading, struct level *level, const struct entry *entry)
{
    if (entry->owner_blank) {
        if (level->owner_state == OWNER_NONE) {
            struct place place = word_place(level, entry, 0);
            level->owner_state = OWNER_BAD;
            return diag_error(reading->diag, &place,
                              "found no owner name at the line's begin and none before, "
                              "wanted an owner name");
        }
        return STATUS_OK;
    }
    size_t size;
    struct rdata_word word = rdata_word_get(entry, 0);
    level->owner_state = OWNER_BAD;
    if (word.quoted || name_from_text(word.text, word.size, level->origin, level->owner, &size) != STATUS_OK) {
        return wrong(reading, level, entry, 0, "an owner name");
    }
    if (!zone_covers(reading->zone, level->owner)) {
        char apex[NAME_TEXT_MAX];
        char wanted[WANTED_TEXT_MAX];
        name_to_text(reading->zone->apex, apex);
        snprintf(wanted, sizeof wanted, "an owner name in the zone %s", apex);
        return wrong(reading, level, entry, 0, wanted);
    }
    level->owner_state = OWNER_GOOD;
    return STATUS_OK;
}

/* A SOA without any TTL: its MINIMUM is the TTL, also of what follows. */
static enum status ttl_from_soa(struct reading *reading, const struct level *level, const struct entry *entry,
                                const struct head *head, uint32_t *ttl)
{
    struct rdata rdata = {.bytes = reading->rdata.data, .size = (uint16_t)reading->rdata.size};
    struct place place = word_place(level, entry, head->type_word);
    *ttl = read_u32(rdata.bytes + rdata.size - 4);
    if (soa_serial_offset(&rdata) == 0 || *ttl > ZONEFILE_TTL_MAX) {
        return wrong(reading, level, entry, head->type_word, "a TTL, since the SOA's MINIMUM is none");
    }
    diag_add(reading->diag, SEVERITY_WARNING, &place,
             "found a SOA without a TTL and no $TTL before, taken the SOA's MINIMUM of %" PRIu32
             " for all records without one",
             *ttl);
    reading->has_default_ttl = true;
    reading->default_ttl = *ttl;
    return STATUS_OK;
}

static enum status record_ttl(struct reading *reading, const struct level *level, const struct entry *entry,
                              const struct head *head, uint32_t *ttl)
{
    if (head->has_ttl) {
        *ttl = reading->last_ttl = head->ttl;
        reading->has_last_ttl = true;
    } else if (reading->has_default_ttl) {
        *ttl = reading->default_ttl;
    } else if (reading->has_last_ttl) {
        *ttl = reading->last_ttl;
    } else if (head->type == RRTYPE_SOA) {
        return ttl_from_soa(reading, level, entry, head, ttl);
    } else {
        return wrong(reading, level, entry, head->type_word, "a TTL before it, or a $TTL line above");
    }
    return STATUS_OK;
}

static enum status add_record(struct reading *reading, const struct level *level, const struct entry *entry,
                              const struct head *head, uint32_t ttl)
{
    struct place place = word_place(level, entry, 0);
    struct origin origin = {.file = level->file_index, .line = place.line};
    if (reading->records_max != 0 && reading->records >= reading->records_max) {
        return diag_fail(reading->diag, STATUS_TOO_LARGE, &place,
                         "found more records than the limit, wanted at most %" PRIu64, reading->records_max);
    }
    reading->records++;
    if (reading->records % ZONEFILE_PROGRESS == 0 && reading->options->progress != NULL) {
        reading->options->progress(reading->options->progress_context, reading->records);
    }
    enum status status = zone_add(reading->zone, level->owner, head->type, ttl, reading->rdata.data,
                                  (uint16_t)reading->rdata.size, origin);
    if (status == STATUS_TOO_LARGE) {
        return diag_fail(reading->diag, status, &place, "found more data than one zone may hold, wanted at most 4 GiB");
    }
    return status;
}

static enum status read_record(struct reading *reading, struct level *level, const struct entry *entry)
{
    struct head head;
    enum status status = read_owner(reading, level, entry);
    if (status == STATUS_OK) {
        status = head_from_entry(reading, level, entry, entry->owner_blank ? 0 : 1, &head);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct rdata_fault fault = {0};
    status = rdata_from_entry(head.type, entry, head.rdata_word, level->origin, &reading->rdata, &fault);
    if (status == STATUS_BAD_INPUT) {
        char type[RRTYPE_TEXT_MAX];
        char wanted[WANTED_TEXT_MAX];
        rrtype_to_text(head.type, type);
        snprintf(wanted, sizeof wanted, "%s in %s", fault.wanted, type);
        return wrong(reading, level, entry, fault.word, wanted);
    }
    uint32_t ttl = 0;
    if (status == STATUS_OK) {
        status = record_ttl(reading, level, entry, &head, &ttl);
    }
    if (status == STATUS_OK && level->owner_state == OWNER_GOOD) {
        status = add_record(reading, level, entry, &head, ttl);
    }
    return status;
}

/* The directive has from `minimum` to `maximum` words behind it. */
static enum status check_words(const struct reading *reading, const struct level *level, const struct entry *entry,
                               size_t minimum, size_t maximum, const char *wanted)
{
    if (entry->token_count - 1 < minimum) {
        return wrong(reading, level, entry, entry->token_count, wanted);
    }
    return entry->token_count - 1 > maximum ? wrong(reading, level, entry, maximum + 1, "the end of the directive")
                                            : STATUS_OK;
}

static enum status name_from_word(const struct reading *reading, const struct level *level, const struct entry *entry,
                                  size_t word, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    uint8_t made[NAME_SIZE_MAX];
    struct rdata_word text = rdata_word_get(entry, word);
    if (text.quoted || name_from_text(text.text, text.size, level->origin, made, &size) != STATUS_OK) {
        return wrong(reading, level, entry, word, "a domain name");
    }
    memcpy(name, made, size);
    return STATUS_OK;
}

static enum status read_origin(struct reading *reading, struct level *level, const struct entry *entry)
{
    enum status status = check_words(reading, level, entry, 1, 1, "a domain name");
    return status == STATUS_OK ? name_from_word(reading, level, entry, 1, level->origin) : status;
}

static enum status read_ttl(struct reading *reading, struct level *level, const struct entry *entry)
{
    enum status status = check_words(reading, level, entry, 1, 1, TTL_WANTED);
    if (status != STATUS_OK) {
        return status;
    }
    struct rdata_word word = rdata_word_get(entry, 1);
    if (word.quoted || !period_from_text(word.text, word.size, ZONEFILE_TTL_MAX, &reading->default_ttl)) {
        return wrong(reading, level, entry, 1, TTL_WANTED);
    }
    reading->has_default_ttl = true;
    return STATUS_OK;
}

static enum status read_level(struct reading *reading, struct level *level, const char *text, size_t size);

/* The path that a word stands for. */
static enum status path_from_word(const struct reading *reading, const struct level *level, const struct entry *entry,
                                  size_t word, char path[PATH_TEXT_MAX])
{
    struct bytes octets;
    const char *wanted;
    bytes_init(&octets, PATH_TEXT_MAX - 1);
    enum status status = field_from_word(FIELD_OCTETS, rdata_word_get(entry, word), NULL, &octets, &wanted);
    bool good = status == STATUS_OK && octets.size > 0 && memchr(octets.data, '\0', octets.size) == NULL;
    if (good) {
        memcpy(path, octets.data, octets.size);
        path[octets.size] = '\0';
    }
    bytes_clear(&octets);
    return good || status == STATUS_NO_MEMORY ? status : wrong(reading, level, entry, word, "a path");
}

/* The file may be included here: it does not include itself, and there are not too many. */
static enum status check_include(const struct reading *reading, const struct level *level, const struct entry *entry,
                                 const char *path)
{
    if (reading->source == NULL) {
        return wrong(reading, level, entry, 0, "a file of its own: there is no tree to include from");
    }
    for (const struct level *above = level; above != NULL; above = above->parent) {
        if (strcmp(above->file, path) == 0) {
            return wrong(reading, level, entry, 1, "a file that does not include itself");
        }
    }
    if (level->depth >= ZONEFILE_INCLUDES_MAX) {
        return wrong(reading, level, entry, 1, "at most 16 files that include each other");
    }
    return reading->files >= ZONEFILE_FILES_MAX ? wrong(reading, level, entry, 1, "at most 10000 files for one zone")
                                                : STATUS_OK;
}

static enum status read_include(struct reading *reading, struct level *level, const struct entry *entry)
{
    char path[PATH_TEXT_MAX];
    struct level below = {.parent = level, .file = path, .depth = level->depth + 1};
    memcpy(below.origin, level->origin, sizeof below.origin);
    enum status status = check_words(reading, level, entry, 1, 2, "a path");
    if (status == STATUS_OK) {
        status = path_from_word(reading, level, entry, 1, path);
    }
    if (status == STATUS_OK && entry->token_count > 2) {
        status = name_from_word(reading, level, entry, 2, below.origin);
    }
    if (status == STATUS_OK) {
        status = check_include(reading, level, entry, path);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct source_file file;
    reading->files++;
    status = source_read(reading->source, path, &file, reading->diag);
    if (status == STATUS_NOT_FOUND || status == STATUS_BAD_INPUT || status == STATUS_TOO_LARGE) {
        return wrong(reading, level, entry, 1, "a file of the tree, its path counted from the root");
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = zone_add_file(reading->zone, path, &below.file_index);
    if (status == STATUS_OK) {
        status = read_level(reading, &below, file.data, file.size);
    }
    source_file_clear(&file);
    return status;
}

/* Write one record of a $GENERATE: `head` tells where its RDATA begins. */
static enum status generate_line(const struct entry *entry, const struct head *head, uint32_t number,
                                 struct bytes *line)
{
    struct rdata_word owner = rdata_word_get(entry, 2);
    struct rdata_word data = rdata_word_get(entry, head->rdata_word);
    size_t middle = entry->tokens[2].offset + entry->tokens[2].size;
    size_t data_size = entry->size - entry->tokens[head->rdata_word].offset;
    line->size = 0;
    enum status status = generate_expand(owner.text, owner.size, number, line);
    if (status == STATUS_OK) {
        status = bytes_append(line, entry->text + middle, entry->tokens[head->rdata_word].offset - middle);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (data.quoted && head->rdata_word + 1 == entry->token_count) { /* BIND's way to write several words */
        return generate_expand(data.text + 1, data.size - 2, number, line);
    }
    return generate_expand(data.text, data_size, number, line);
}

static enum status generate_record(struct reading *reading, struct level *level, const struct entry *entry,
                                   const struct head *head, struct entry_reader *reader, struct bytes *line)
{
    struct entry record;
    enum status status = generate_line(entry, head, level->number, line);
    if (status == STATUS_BAD_INPUT || status == STATUS_TOO_LARGE) {
        return wrong(reading, level, entry, 0, "$ or ${offset[,width[,base]]} with base d, o, x, X, n or N");
    }
    if (status != STATUS_OK) {
        return status;
    }
    reader->input = (const char *)line->data;
    reader->size = line->size;
    reader->position = 0;
    reader->line = entry->line;
    reader->column = entry->column;
    status = entry_next(reader, level->file, &record, reading->diag);
    if (status == STATUS_OK && record.token_count == 0) {
        return wrong(reading, level, entry, 0, "a record");
    }
    return status == STATUS_OK ? read_record(reading, level, &record) : status;
}

static enum status read_generate(struct reading *reading, struct level *level, const struct entry *entry)
{
    struct head head;
    struct generate_range range = {0};
    enum status status = check_words(reading, level, entry, 2, SIZE_MAX, "range, owner, [TTL] [class] type and RDATA");
    if (status != STATUS_OK) {
        return status;
    }
    struct rdata_word word = rdata_word_get(entry, 1);
    if (word.quoted || generate_range_from_text(word.text, word.size, &range) != STATUS_OK) {
        return wrong(reading, level, entry, 1, "a range as 1-20 or 1-20/2");
    }
    if (generate_range_count(&range) > ZONEFILE_GENERATE_MAX) {
        return wrong(reading, level, entry, 1, "a range of at most 1000000 numbers");
    }
    status = head_from_entry(reading, level, entry, 3, &head);
    if (status == STATUS_OK && head.rdata_word >= entry->token_count) {
        status = wrong(reading, level, entry, entry->token_count, "RDATA");
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct entry_reader reader;
    struct bytes line;
    struct level records = *level;
    records.generate = entry;
    entry_reader_init(&reader, "", 0);
    bytes_init(&line, ENTRY_SIZE_MAX);
    for (uint64_t number = range.start; number <= range.stop && status == STATUS_OK; number += range.step) {
        records.number = (uint32_t)number;
        status = generate_record(reading, &records, entry, &head, &reader, &line);
    }
    bytes_clear(&line);
    entry_reader_clear(&reader);
    return status;
}

static enum status read_directive(struct reading *reading, struct level *level, const struct entry *entry)
{
    static const struct {
        const char *name;
        enum status (*read)(struct reading *reading, struct level *level, const struct entry *entry);
    } directives[] = {
        {"$ORIGIN", read_origin},
        {"$TTL", read_ttl},
        {"$INCLUDE", read_include},
        {"$GENERATE", read_generate},
    };
    struct rdata_word word = rdata_word_get(entry, 0);
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        if (word_is(word, directives[i].name)) {
            return directives[i].read(reading, level, entry);
        }
    }
    return wrong(reading, level, entry, 0, "$ORIGIN, $TTL, $INCLUDE or $GENERATE");
}

static enum status read_level(struct reading *reading, struct level *level, const char *text, size_t size)
{
    struct entry_reader reader;
    struct entry entry;
    enum status status;
    bool more = true;
    entry_reader_init(&reader, text, size);
    do {
        status = entry_next(&reader, level->file, &entry, reading->diag);
        if (status == STATUS_OK && entry.token_count == 0) {
            more = false;
        } else if (status == STATUS_OK) {
            bool directive = !entry.owner_blank && entry.text[0] == '$';
            status = directive ? read_directive(reading, level, &entry) : read_record(reading, level, &entry);
        }
        if (status == STATUS_BAD_INPUT) {
            reading->bad = true;
            status = STATUS_OK;
        }
    } while (more && status == STATUS_OK);
    entry_reader_clear(&reader);
    return status;
}

enum status zonefile_read_text(struct source *source, const char *file, const char *text, size_t size,
                               const struct zonefile_options *options, struct zone *zone, struct diag *diag)
{
    assert(!zone->frozen);
    struct level level = {.file = file};
    struct reading reading = {
        .source = source,
        .zone = zone,
        .diag = diag,
        .records_max = options->records_max,
        .options = options,
        .default_ttl = options->default_ttl,
        .has_default_ttl = options->default_ttl != ZONEFILE_NO_TTL,
    };
    memcpy(level.origin, zone->apex, zone->apex_size);
    bytes_init(&reading.rdata, RRSET_RDATA_MAX);
    enum status status = zone_add_file(zone, file, &level.file_index);
    if (status == STATUS_OK) {
        status = read_level(&reading, &level, text, size);
    }
    bytes_clear(&reading.rdata);
    return status == STATUS_OK && reading.bad ? STATUS_BAD_INPUT : status;
}

enum status zonefile_read(struct source *source, const char *path, const struct zonefile_options *options,
                          struct zone *zone, struct diag *diag)
{
    struct source_file file;
    enum status status = source_read(source, path, &file, diag);
    if (status == STATUS_OK) {
        status = zonefile_read_text(source, path, file.data, file.size, options, zone, diag);
        source_file_clear(&file);
    }
    return status;
}

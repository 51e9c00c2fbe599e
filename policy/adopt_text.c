/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/adopt_text.h"

#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RDATA_TEXT_MAX 300000 /* bytes: 65,535 octets in any notation */
#define OWNER_WIDTH    28     /* columns at most for owners */

const char *adopt_name_text(const uint8_t *name, char text[NAME_TEXT_MAX])
{
    size_t length = name_to_text(name, text);

    if (length > 1)
        text[length - 1] = '\0';
    return text;
}

/* The inside copy's first file, cut into lines. */

struct line {
    const char *text;
    size_t size; /* without the line's end */
};

enum line_kind { LINE_BLANK, LINE_COMMENT, LINE_DIRECTIVE, LINE_ENTRY };

struct writer {
    const struct adopt_plan *plan;
    FILE *stream;
    struct line *lines; /* line 1 is lines[0] */
    size_t line_count;
    bool as_written;      /* lines can be taken over: one $TTL before all records, no $ORIGIN */
    bool has_layout;      /* the person left comments or blank lines between the records */
    uint32_t soa_line;    /* 0: in another file */
    uint32_t default_ttl; /* of the file that is written */
    int owner_width;
    uint32_t last_line;        /* of the inside copy, of the record written last; 0 none */
    const uint8_t *last_owner; /* of the record written last, NULL: not taken over */
    bool is_first;
    char *rdata_text;
    enum status status;
};

static enum line_kind line_kind(const struct line *line)
{
    size_t blanks = 0;

    while (blanks < line->size && (line->text[blanks] == ' ' || line->text[blanks] == '\t'))
        blanks++;
    if (blanks == line->size)
        return LINE_BLANK;
    if (line->text[blanks] == ';')
        return LINE_COMMENT;
    return line->text[0] == '$' ? LINE_DIRECTIVE : LINE_ENTRY;
}

static bool starts_with(const struct line *line, const char *word)
{
    return line->size > strlen(word) && strncasecmp(line->text, word, strlen(word)) == 0;
}

static enum status split_lines(struct writer *writer, const char *text, size_t size)
{
    size_t capacity = 0;

    for (size_t start = 0; start < size;) {
        const char *end = memchr(text + start, '\n', size - start);
        size_t length = end == NULL ? size - start : (size_t)(end - text) - start;
        struct line *grown = memory_grow(writer->lines, writer->line_count, &capacity, sizeof *writer->lines);
        if (grown == NULL)
            return STATUS_NO_MEMORY;
        writer->lines = grown;
        struct line *line = &grown[writer->line_count++];
        *line = (struct line){.text = text + start, .size = length};
        if (length > 0 && line->text[length - 1] == '\r')
            line->size--;
        start += length + 1;
    }
    return STATUS_OK;
}

/* Where the comment of a line begins, or its size; *simple is false where parentheses or quotes may go over the line.
 */
static size_t find_comment(const struct line *line, bool *simple)
{
    bool quoted = false;
    size_t i;

    *simple = true;
    for (i = 0; i < line->size; i++) {
        char c = line->text[i];
        if (c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == ';')
            break;
        else if (!quoted && (c == '(' || c == ')'))
            *simple = false;
    }
    *simple = *simple && !quoted;
    return i < line->size ? i : line->size;
}

/* What the file as a whole allows. */
static void look_at_lines(struct writer *writer)
{
    const struct zone *inside = writer->plan->inside;
    size_t ttls = 0;
    bool ttl_is_late = false;
    bool seen_entry = false;
    struct zone_rrset soa;

    if (zone_find(inside, inside->apex, RRTYPE_SOA, &soa) && inside->records[soa.first].origin.file == 0)
        writer->soa_line = inside->records[soa.first].origin.line;
    writer->as_written = true;
    for (size_t i = 0; i < writer->line_count; i++) {
        const struct line *line = &writer->lines[i];
        enum line_kind kind = line_kind(line);
        if (starts_with(line, "$ORIGIN"))
            writer->as_written = false;
        if (starts_with(line, "$TTL")) {
            ttls++;
            ttl_is_late = ttl_is_late || seen_entry;
        }
        seen_entry = seen_entry || kind == LINE_ENTRY;
        if (writer->soa_line > 0 && i + 1 > writer->soa_line && (kind == LINE_BLANK || kind == LINE_COMMENT))
            writer->has_layout = true;
    }
    writer->as_written = writer->as_written && ttls == 1 && !ttl_is_late;
}

/* The TTL that most records have. */
static uint32_t common_ttl(const struct zone *zone)
{
    uint32_t best = 3600;
    size_t best_count = 0;

    for (size_t i = 0; i < zone->count && i < 100; i++) {
        size_t count = 0;
        for (size_t k = 0; k < zone->count; k++)
            count += zone->records[k].ttl == zone->records[i].ttl;
        if (count > best_count) {
            best_count = count;
            best = zone->records[i].ttl;
        }
    }
    return best;
}

/* The value behind the file's only $TTL; false if it is not a plain number. */
static bool read_ttl(const struct writer *writer, uint32_t *ttl)
{
    for (size_t i = 0; i < writer->line_count; i++) {
        const struct line *line = &writer->lines[i];
        if (!starts_with(line, "$TTL"))
            continue;
        uint64_t value = 0;
        size_t digits = 0;
        size_t at = 4;
        while (at < line->size && (line->text[at] == ' ' || line->text[at] == '\t'))
            at++;
        for (; at < line->size && line->text[at] >= '0' && line->text[at] <= '9' && digits < 10; at++, digits++)
            value = 10 * value + (uint64_t)(line->text[at] - '0');
        bool ends = at == line->size || strchr(" \t;", line->text[at]) != NULL;
        *ttl = (uint32_t)value;
        return digits > 0 && ends && value <= ZONEFILE_TTL_MAX;
    }
    return false;
}

/* Records. */

/* `text` without the apex behind it, if it ends so; "@" for the apex. Absolute otherwise. */
static void put_relative(const struct writer *writer, const char *text, size_t length, FILE *stream)
{
    char apex[NAME_TEXT_MAX];
    size_t apex_length = name_to_text(writer->plan->inside->apex, apex);

    if (length == apex_length && memcmp(text, apex, length) == 0)
        fputc('@', stream);
    else if (apex_length > 1 && length > apex_length && text[length - apex_length - 1] == '.' &&
             memcmp(text + length - apex_length, apex, apex_length) == 0)
        fwrite(text, 1, length - apex_length - 1, stream);
    else
        fwrite(text, 1, length, stream);
}

static void owner_text(const struct writer *writer, const struct zone_record *record, char text[NAME_TEXT_MAX])
{
    const struct zone *own = writer->plan->own;
    const uint8_t *apex = own->apex;
    const uint8_t *owner = zone_owner(own, record);
    size_t size = name_size(owner) - name_size(apex);
    uint8_t head[NAME_SIZE_MAX];

    if (size == 0) {
        snprintf(text, NAME_TEXT_MAX, "@");
        return;
    }
    memcpy(head, owner, size);
    head[size] = 0;
    size_t length = name_to_text(head, text);
    text[length - 1] = '\0';
}

/* Types whose text is words of which some are names, and nothing in quotes. */
static bool has_plain_names(uint16_t type)
{
    return type == RRTYPE_CNAME || type == RRTYPE_NS || type == RRTYPE_DNAME || type == RRTYPE_PTR ||
           type == RRTYPE_MX || type == RRTYPE_SRV || type == RRTYPE_SOA;
}

static void put_rdata(const struct writer *writer, const struct zone *zone, const struct zone_record *record,
                      bool relative)
{
    struct rdata rdata = zone_rdata(zone, record);

    if (zonefile_rdata_to_text(record->type, &rdata, writer->rdata_text, RDATA_TEXT_MAX) != STATUS_OK) {
        fprintf(writer->stream, "\\# %u ", rdata.size);
        for (size_t i = 0; i < rdata.size; i++)
            fprintf(writer->stream, "%02x", rdata.bytes[i]);
        return;
    }
    if (!relative || !has_plain_names(record->type) || strchr(writer->rdata_text, '\\') != NULL) {
        fputs(writer->rdata_text, writer->stream);
        return;
    }
    for (const char *word = writer->rdata_text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        put_relative(writer, word, length, writer->stream);
        word += length;
        for (; *word == ' '; word++)
            fputc(' ', writer->stream);
    }
}

static void put_made_record(struct writer *writer, const struct zone_record *record)
{
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char ttl[16] = "";

    owner_text(writer, record, owner);
    rrtype_to_text(record->type, type);
    if (record->ttl != writer->default_ttl)
        snprintf(ttl, sizeof ttl, "%" PRIu32 " ", record->ttl);
    fprintf(writer->stream, "%-*s %s%-5s ", writer->owner_width, owner, ttl, type);
    put_rdata(writer, writer->plan->own, record, true);
}

/* Is the record one of the overlay's? */
static bool is_own(const struct zone *own, const struct zone *other, const struct zone_record *record)
{
    struct rdata wanted = zone_rdata(other, record);
    struct zone_rrset rrset;

    if (!zone_find(own, zone_owner(other, record), record->type, &rrset))
        return false;
    for (size_t i = rrset.first; i < rrset.first + rrset.count; i++) {
        struct rdata rdata = zone_rdata(own, &own->records[i]);
        if (own->records[i].ttl == record->ttl && rdata.size == wanted.size &&
            memcmp(rdata.bytes, wanted.bytes, rdata.size) == 0)
            return true;
    }
    return false;
}

/* Read the line by itself: does it give records of the overlay, with their TTLs, and no others? */
static enum status read_line(const struct writer *writer, const struct line *line, const char *owner, bool *gives)
{
    struct zonefile_options options = {.default_ttl = writer->default_ttl};
    const struct zone *own = writer->plan->own;
    struct zone *zone = zone_new(own->apex);
    size_t size = strlen(owner) + line->size;
    char *text = memory_alloc(size + 1);
    struct diag unused;
    enum status status = zone == NULL || text == NULL ? STATUS_NO_MEMORY : STATUS_OK;

    diag_init(&unused);
    if (status == STATUS_OK) {
        memcpy(text, owner, strlen(owner));
        memcpy(text + strlen(owner), line->text, line->size);
        status = zonefile_read_text(NULL, "line", text, size, &options, zone, &unused);
    }
    if (status == STATUS_OK)
        status = zone_freeze(zone, &unused);
    *gives = status == STATUS_OK && zone->count > 0;
    for (size_t i = 0; status == STATUS_OK && i < zone->count; i++)
        *gives = *gives && is_own(own, zone, &zone->records[i]);
    diag_clear(&unused);
    memory_free(text);
    zone_free(zone);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

/* Can the line be taken over: does it say just what is written here, no more and no less? */
static bool takes_line(struct writer *writer, const struct zone_record *record)
{
    char owner[NAME_TEXT_MAX] = "";
    bool simple;
    bool gives = false;

    if (!writer->as_written || record->origin.file != 0 || record->origin.line == 0 ||
        record->origin.line > writer->line_count)
        return false;
    const struct line *line = &writer->lines[record->origin.line - 1];
    find_comment(line, &simple);
    if (!simple || line->size == 0)
        return false;
    if (line->text[0] == ' ' || line->text[0] == '\t') {
        const uint8_t *name = zone_owner(writer->plan->own, record);
        if (writer->last_owner == NULL || !name_equal(writer->last_owner, name))
            return false;
        name_to_text(name, owner);
    }
    enum status status = read_line(writer, line, owner, &gives);
    if (status != STATUS_OK)
        writer->status = status;
    return gives;
}

/* The comment lines of the paragraph that line `number` belongs to, if they were not written with a record before. */
static void put_comments(const struct writer *writer, uint32_t number)
{
    uint32_t i = number - 1;
    uint32_t floor = writer->last_line > writer->soa_line ? writer->last_line : writer->soa_line;

    while (i > floor && line_kind(&writer->lines[i - 1]) == LINE_ENTRY)
        i--;
    uint32_t last = i;
    while (i > floor && line_kind(&writer->lines[i - 1]) == LINE_COMMENT)
        i--;
    for (uint32_t k = i + 1; k <= last; k++)
        fprintf(writer->stream, "%.*s\n", (int)writer->lines[k - 1].size, writer->lines[k - 1].text);
}

static void put_layout(const struct writer *writer, uint32_t number)
{
    bool is_blank = false;

    for (uint32_t i = writer->last_line + 1; i < number; i++)
        is_blank = is_blank || line_kind(&writer->lines[i - 1]) == LINE_BLANK;
    if (is_blank && !writer->is_first)
        fputc('\n', writer->stream);
    put_comments(writer, number);
}

static void put_record(struct writer *writer, const struct zone_record *record)
{
    uint32_t number = record->origin.line;
    bool is_main = record->origin.file == 0 && number > 0 && number <= writer->line_count;
    bool takes = takes_line(writer, record);
    bool simple = false;

    if (is_main && number == writer->last_line && takes)
        return; /* of a $GENERATE whose line is written already */
    bool is_new = is_main && number > writer->last_line;
    if (is_new && writer->has_layout)
        put_layout(writer, number);
    if (takes) {
        fprintf(writer->stream, "%.*s\n", (int)writer->lines[number - 1].size, writer->lines[number - 1].text);
    } else {
        put_made_record(writer, record);
        size_t comment = is_new ? find_comment(&writer->lines[number - 1], &simple) : 0;
        if (simple && comment < writer->lines[number - 1].size)
            fprintf(writer->stream, "  %.*s", (int)(writer->lines[number - 1].size - comment),
                    writer->lines[number - 1].text + comment);
        fputc('\n', writer->stream);
    }
    writer->last_owner = zone_owner(writer->plan->own, record);
    if (is_main)
        writer->last_line = number;
    writer->is_first = false;
}

static int compare_order(const void *left, const void *right)
{
    const struct zone_record *a = *(const struct zone_record *const *)left;
    const struct zone_record *b = *(const struct zone_record *const *)right;

    return (a->order > b->order) - (a->order < b->order);
}

static bool is_of_class(const struct adopt_plan *plan, const struct zone_record *record, enum adopt_class class)
{
    const struct own_name *name = own_names_find(&plan->both, zone_owner(plan->own, record));

    return name != NULL && plan->names[name - plan->both.names].class == class;
}

static void put_class(struct writer *writer, const struct zone_record *const *list, enum adopt_class class,
                      const char *comment)
{
    bool is_first = true;

    for (size_t i = 0; i < writer->plan->own->count; i++) {
        if (!is_of_class(writer->plan, list[i], class))
            continue;
        if (is_first)
            fprintf(writer->stream, "\n; %s\n", comment);
        is_first = false;
        put_record(writer, list[i]);
    }
}

static void put_records(struct writer *writer, const struct zone_record *const *list)
{
    if (!writer->has_layout) {
        put_class(writer, list, ADOPT_DIFFERENT, "Different inside.");
        put_class(writer, list, ADOPT_INSIDE, "Only inside.");
        put_class(writer, list, ADOPT_SAME, "The same as outside, but part of a delegation that is not.");
        return;
    }
    fputc('\n', writer->stream);
    for (size_t i = 0; i < writer->plan->own->count; i++)
        put_record(writer, list[i]);
}

static bool owns_apex(const struct adopt_plan *plan)
{
    struct zone_range range = zone_owner_range(plan->own, plan->own->apex);
    return range.first < range.end;
}

static void put_head(const struct writer *writer)
{
    char apex[NAME_TEXT_MAX];

    adopt_name_text(writer->plan->inside->apex, apex);
    fprintf(writer->stream,
            "; %s as the inside sees it: only what differs from the outside. A name that stands here\n"
            "; replaces the outside's name with all its types%s. All other names are those of the outside,\n"
            "; but for those that view internal hides in policy.conf.\n"
            "$TTL %" PRIu32 "\n",
            apex, owns_apex(writer->plan) ? "; the apex (@) only the types given" : "", writer->default_ttl);
}

static enum status fill_writer(struct writer *writer, const char *text, size_t size)
{
    uint32_t ttl;
    enum status status = split_lines(writer, text, size);

    if (status != STATUS_OK)
        return status;
    look_at_lines(writer);
    writer->as_written = writer->as_written && read_ttl(writer, &ttl);
    writer->default_ttl = writer->as_written ? ttl : common_ttl(writer->plan->own);
    for (size_t i = 0; i < writer->plan->own->count; i++) {
        char owner[NAME_TEXT_MAX];
        owner_text(writer, &writer->plan->own->records[i], owner);
        int width = (int)strlen(owner);
        if (width > writer->owner_width && width <= OWNER_WIDTH)
            writer->owner_width = width;
    }
    writer->rdata_text = memory_alloc(RDATA_TEXT_MAX);
    return writer->rdata_text == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status adopt_write_overlay(const struct adopt_plan *plan, const char *text, size_t size, FILE *stream)
{
    struct writer writer = {.plan = plan, .stream = stream, .is_first = true};
    const struct zone_record **list = memory_zalloc(plan->own->count + 1, sizeof *list);
    enum status status = list == NULL ? STATUS_NO_MEMORY : fill_writer(&writer, text, size);

    if (status == STATUS_OK) {
        for (size_t i = 0; i < plan->own->count; i++)
            list[i] = &plan->own->records[i];
        qsort(list, plan->own->count, sizeof *list, compare_order);
        put_head(&writer);
        put_records(&writer, list);
        status = writer.status;
    }
    memory_free(list);
    memory_free(writer.lines);
    memory_free(writer.rdata_text);
    return status;
}

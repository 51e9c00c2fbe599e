/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/entry.h"

#include "zones/memory.h"

#include <string.h>

/* What one call of entry_next carries from line to line. */
struct scan {
    struct entry_reader *reader;
    const char *file;
    struct diag *diag;
    unsigned depth;      /* open parentheses */
    struct place opened; /* the outermost of them */
    struct place start;  /* of the first token */
    bool owner_blank;    /* the line at hand began with a blank */
};

void entry_reader_init(struct entry_reader *reader, const char *input, size_t size)
{
    memset(reader, 0, sizeof *reader);
    reader->input = input;
    reader->size = size;
    reader->line = 1;
    reader->column = 1;
    bytes_init(&reader->text, ENTRY_SIZE_MAX + 1);
    if (size >= 3 && memcmp(input, "\xef\xbb\xbf", 3) == 0) {
        reader->position = 3; /* a byte order mark, as some Windows editors write it */
    }
}

void entry_reader_clear(struct entry_reader *reader)
{
    bytes_clear(&reader->text);
    memory_free(reader->tokens);
    memset(reader, 0, sizeof *reader);
}

static struct place here(const struct scan *scan)
{
    return (struct place){.file = scan->file, .line = scan->reader->line, .column = scan->reader->column};
}

static bool at_end(const struct entry_reader *reader)
{
    return reader->position >= reader->size;
}

/* The length of the line end that stands `ahead` bytes from here: 0 if there is none. */
static size_t line_end_size(const struct entry_reader *reader, size_t position)
{
    if (position >= reader->size) {
        return 0;
    }
    if (reader->input[position] == '\n') {
        return 1;
    }
    if (reader->input[position] == '\r' && position + 1 < reader->size && reader->input[position + 1] == '\n') {
        return 2;
    }
    return 0;
}

static void advance(struct entry_reader *reader, size_t bytes)
{
    reader->position += bytes;
    reader->column += (uint32_t)bytes;
}

static void next_line(struct entry_reader *reader, size_t end_size)
{
    reader->position += end_size;
    reader->line++;
    reader->column = 1;
}

static void skip_to_line_end(struct entry_reader *reader)
{
    const char *rest = reader->input + reader->position;
    const char *end = memchr(rest, '\n', reader->size - reader->position);
    advance(reader, end == NULL ? reader->size - reader->position : (size_t)(end - rest));
}

/*
 * After an error: go behind the bad entry. If it had a parenthesis open, nobody knows where it was meant to end; the
 * next line that does not begin with a blank or a parenthesis is taken for a new entry.
 */
static void skip_entry(struct scan *scan)
{
    struct entry_reader *reader = scan->reader;
    skip_to_line_end(reader);
    while (!at_end(reader)) {
        next_line(reader, 1);
        if (scan->depth == 0 || at_end(reader) || strchr(" \t\r\n)", reader->input[reader->position]) == NULL ||
            reader->input[reader->position] == '\0') {
            break;
        }
        skip_to_line_end(reader);
    }
}

static enum status too_large(struct scan *scan, const char *limit)
{
    const struct place *place = scan->depth > 0 ? &scan->opened : &scan->start;
    const char *what = scan->depth > 0 ? "the parenthesis opened here is not closed within one entry's limit of"
                                       : "found an entry that is too long, wanted at most";
    return diag_error(scan->diag, place, "%s %s", what, limit);
}

/* The word at the position, behind a blank unless it is the first. */
static enum status append_word(struct entry_reader *reader, size_t size)
{
    const char *word = reader->input + reader->position;
    if (reader->text.size == 0) {
        return bytes_append(&reader->text, word, size);
    }
    if (reader->position > 0 && word[-1] == ' ') {
        return bytes_append(&reader->text, word - 1, size + 1);
    }
    enum status status = bytes_append(&reader->text, " ", 1);
    return status == STATUS_OK ? bytes_append(&reader->text, word, size) : status;
}

static enum status add_token(struct scan *scan, size_t size, bool quoted)
{
    struct entry_reader *reader = scan->reader;
    if (reader->token_count >= ENTRY_TOKENS_MAX) {
        return too_large(scan, "65536 words");
    }
    struct entry_token *tokens =
        memory_grow(reader->tokens, reader->token_count, &reader->token_capacity, sizeof *tokens);
    if (tokens == NULL) {
        return STATUS_NO_MEMORY;
    }
    reader->tokens = tokens;
    size_t offset = reader->text.size;
    enum status status = append_word(reader, size);
    offset += offset > 0 ? 1 : 0;
    if (status == STATUS_TOO_LARGE || (status == STATUS_OK && reader->text.size > ENTRY_SIZE_MAX)) {
        return too_large(scan, "524288 bytes");
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct place place = here(scan);
    if (reader->token_count == 0) {
        scan->start = place;
    }
    tokens[reader->token_count++] = (struct entry_token){
        .offset = (uint32_t)offset,
        .size = (uint32_t)size,
        .line = place.line,
        .column = place.column,
        .quoted = quoted,
    };
    advance(reader, size);
    return STATUS_OK;
}

/* An error `offset` bytes from the reader's position. */
static enum status error_at(struct scan *scan, size_t offset, const char *text)
{
    struct place place = here(scan);
    place.column += (uint32_t)offset;
    return diag_error(scan->diag, &place, "%s", text);
}

/* Measure the quoted string that begins at `offset` from the position; *size includes both quotes. */
static enum status quoted_size(struct scan *scan, size_t offset, size_t *size)
{
    const struct entry_reader *reader = scan->reader;
    size_t begin = reader->position + offset;
    for (size_t i = begin + 1; i < reader->size; i++) {
        char c = reader->input[i];
        if (c == '"') {
            *size = i + 1 - begin;
            return STATUS_OK;
        }
        if (c == '\0') {
            return error_at(scan, i - reader->position, "found a zero byte, wanted text");
        }
        if (line_end_size(reader, i) > 0) {
            break;
        }
        if (c == '\\') {
            if (i + 1 >= reader->size || line_end_size(reader, i + 1) > 0) {
                break;
            }
            i += reader->input[i + 1] == '\0' ? 0 : 1;
        }
    }
    return error_at(scan, offset, "found a quote that is not closed on its line, wanted a second quote");
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ';' || c == '(' || c == ')';
}

/* Is there nothing to look at in the character when it stands in a word? */
static bool is_plain(char c)
{
    static const bool special[UINT8_MAX + 1] = {
        ['\0'] = true, [' '] = true, ['\t'] = true, ['\n'] = true, ['\r'] = true,
        [';'] = true,  ['('] = true, [')'] = true,  ['\\'] = true, ['"'] = true,
    };
    return !special[(uint8_t)c];
}

/* Measure an unquoted word. A quote directly after '=' holds blanks inside the word (RFC 9460 2.1). */
static enum status word_size(struct scan *scan, size_t *size)
{
    const struct entry_reader *reader = scan->reader;
    size_t i = reader->position;
    for (;;) {
        while (i < reader->size && is_plain(reader->input[i])) {
            i++;
        }
        if (i >= reader->size || ends_word(reader->input[i])) {
            break;
        }
        size_t offset = i - reader->position;
        char c = reader->input[i];
        if (c == '\0') {
            return error_at(scan, offset, "found a zero byte, wanted text");
        }
        if (c == '\\') {
            if (i + 1 >= reader->size || line_end_size(reader, i + 1) > 0) {
                return error_at(scan, offset, "found a backslash at the end of the line, wanted a character behind it");
            }
            i += reader->input[i + 1] == '\0' ? 1 : 2;
            continue;
        }
        if (c == '"') {
            if (offset == 0 || reader->input[i - 1] != '=') {
                return error_at(scan, offset, "found a quote inside a word, wanted a blank before it (or \\\")");
            }
            size_t quoted;
            enum status status = quoted_size(scan, offset, &quoted);
            if (status != STATUS_OK) {
                return status;
            }
            i += quoted;
        }
    }
    *size = i - reader->position;
    return STATUS_OK;
}

static enum status read_token(struct scan *scan)
{
    bool quoted = scan->reader->input[scan->reader->position] == '"';
    size_t size = 0;
    enum status status = quoted ? quoted_size(scan, 0, &size) : word_size(scan, &size);
    return status == STATUS_OK ? add_token(scan, size, quoted) : status;
}

static enum status read_parenthesis(struct scan *scan, char c)
{
    if (c == '(') {
        if (scan->depth == 0) {
            scan->opened = here(scan);
        }
        scan->depth++;
    } else if (scan->depth == 0) {
        return error_at(scan, 0, "found a closing parenthesis, wanted an opening one before it");
    } else {
        scan->depth--;
    }
    advance(scan->reader, 1);
    return STATUS_OK;
}

/* One step of the scan; *done when an entry is complete. */
static enum status step(struct scan *scan, bool *done)
{
    struct entry_reader *reader = scan->reader;
    size_t end_size = line_end_size(reader, reader->position);
    if (end_size > 0) {
        next_line(reader, end_size);
        *done = scan->depth == 0 && reader->token_count > 0;
        scan->owner_blank = reader->token_count == 0 && scan->depth == 0 ? false : scan->owner_blank;
        return STATUS_OK;
    }
    char c = reader->input[reader->position];
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
        if (reader->column == 1 && reader->token_count == 0 && scan->depth == 0) {
            scan->owner_blank = true;
        }
        advance(reader, 1);
        return STATUS_OK;
    case ';':
        skip_to_line_end(reader);
        return STATUS_OK;
    case '(':
    case ')':
        return read_parenthesis(scan, c);
    default:
        return read_token(scan);
    }
}

static enum status finish(struct scan *scan, struct entry *entry)
{
    struct entry_reader *reader = scan->reader;
    size_t size = reader->text.size;
    enum status status = bytes_append(&reader->text, "", 1);
    if (status != STATUS_OK) {
        return status;
    }
    *entry = (struct entry){
        .text = (const char *)reader->text.data,
        .size = size,
        .line = scan->start.line,
        .column = scan->start.column,
        .owner_blank = scan->owner_blank,
        .tokens = reader->tokens,
        .token_count = reader->token_count,
    };
    return STATUS_OK;
}

/* What a line is made of that read_plain_line takes; all else is CLASS_OTHER. */
enum octet_class { CLASS_WORD, CLASS_BLANK, CLASS_END, CLASS_OTHER };

static enum octet_class class_of(char c)
{
    static const uint8_t classes[UINT8_MAX + 1] = {
        [' '] = CLASS_BLANK, ['\t'] = CLASS_BLANK, ['\n'] = CLASS_END,  ['\0'] = CLASS_OTHER, ['\r'] = CLASS_OTHER,
        [';'] = CLASS_OTHER, ['('] = CLASS_OTHER,  [')'] = CLASS_OTHER, ['\\'] = CLASS_OTHER, ['"'] = CLASS_OTHER,
    };
    return (enum octet_class)classes[(uint8_t)c];
}

/* Take the words of a plain line apart. Its size with the end, 0: it is not one. */
static size_t take_plain_words(struct entry_reader *reader, size_t *text_size)
{
    const char *line = reader->input + reader->position;
    size_t left = reader->size - reader->position;
    char *text = (char *)reader->text.data;
    size_t size = 0;
    size_t i = 0;
    for (;;) {
        while (i < left && class_of(line[i]) == CLASS_BLANK) {
            i++;
        }
        if (i >= left || class_of(line[i]) == CLASS_OTHER) {
            return 0;
        }
        if (line[i] == '\n') {
            *text_size = size;
            return i + 1;
        }
        size_t begin = i;
        while (i < left && class_of(line[i]) == CLASS_WORD) {
            i++;
        }
        size_t blank = reader->token_count > 0;
        if (reader->token_count == reader->token_capacity || reader->text.capacity - size < blank + (i - begin) + 1) {
            return 0;
        }
        text[size] = ' ';
        memcpy(text + size + blank, line + begin, i - begin);
        reader->tokens[reader->token_count++] = (struct entry_token){.offset = (uint32_t)(size + blank),
                                                                     .size = (uint32_t)(i - begin),
                                                                     .line = reader->line,
                                                                     .column = reader->column + (uint32_t)begin};
        size += blank + (i - begin);
    }
}

/*
 * Most lines are an entry each, of words and blanks alone: read such a line at once. False: the next line is another,
 * or the reader has not room enough yet; nothing was read.
 */
static bool read_plain_line(struct entry_reader *reader, struct entry *entry)
{
    size_t text_size = 0;
    size_t size = reader->column == 1 ? take_plain_words(reader, &text_size) : 0;
    if (size == 0 || reader->token_count == 0) {
        reader->token_count = 0;
        return false;
    }
    reader->text.data[text_size] = '\0';
    reader->text.size = text_size + 1;
    *entry = (struct entry){
        .text = (const char *)reader->text.data,
        .size = text_size,
        .line = reader->line,
        .column = reader->tokens[0].column,
        .owner_blank = reader->tokens[0].column > 1,
        .tokens = reader->tokens,
        .token_count = reader->token_count,
    };
    next_line(reader, size);
    return true;
}

enum status entry_next(struct entry_reader *reader, const char *file, struct entry *entry, struct diag *diag)
{
    struct scan scan = {.reader = reader, .file = file, .diag = diag};
    memset(entry, 0, sizeof *entry);
    reader->text.size = 0;
    reader->token_count = 0;
    if (read_plain_line(reader, entry)) {
        return STATUS_OK;
    }
    scan.start = here(&scan);
    bool done = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !done && !at_end(reader)) {
        status = step(&scan, &done);
    }
    if (status == STATUS_OK && scan.depth > 0) {
        return diag_error(diag, &scan.opened,
                          "found a parenthesis that is never closed, wanted a closing one before the end of the file");
    }
    if (status == STATUS_BAD_INPUT) {
        skip_entry(&scan);
    }
    return status == STATUS_OK ? finish(&scan, entry) : status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entry: splits master-file text (RFC 1035 5.1) into logical entries, before any meaning is given to them.
 *
 * An entry is what parentheses and quotes hold together: one record or one directive. Comments go, line ends inside
 * parentheses become blanks, quoted strings and escapes stay as written. Text is octets, not UTF-8; LF and CRLF end
 * lines. The reader copies nothing but the entry at hand. One thread per reader.
 */
#ifndef SPLITVIEW_ZONES_ENTRY_H
#define SPLITVIEW_ZONES_ENTRY_H

#include "zones/bytes.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_SIZE_MAX   (512u * 1024u) /* bytes of one logical entry: 64 KiB of RDATA in any notation fits */
#define ENTRY_TOKENS_MAX 65536u         /* words in one entry */

struct entry_token {
    uint32_t offset; /* into entry->text */
    uint32_t size;   /* bytes, quotes included */
    uint32_t line;   /* where it starts in the file */
    uint32_t column;
    bool quoted;
};

struct entry {
    const char *text; /* tokens separated by one blank, ended by a zero byte; borrowed until the next entry_next */
    size_t size;      /* bytes without the zero byte */
    uint32_t line;    /* of the first token */
    uint32_t column;
    bool owner_blank; /* the line began with a blank: the owner is that of the entry before */
    const struct entry_token *tokens;
    size_t token_count; /* at least 1 */
};

struct entry_reader {
    const char *input; /* borrowed */
    size_t size;
    size_t position;
    uint32_t line;
    uint32_t column;
    struct bytes text;
    struct entry_token *tokens;
    size_t token_count;
    size_t token_capacity;
};

/* `input` must outlive the reader. */
void entry_reader_init(struct entry_reader *reader, const char *input, size_t size);
void entry_reader_clear(struct entry_reader *reader);

/*
 * The next entry, or *entry with token_count 0 at the end of the text. BAD_INPUT with a message naming `file`, line and
 * column: unbalanced parenthesis (at the one that was opened), unterminated quote (where it began), a zero byte, an
 * escape at the end, an entry over ENTRY_SIZE_MAX. After BAD_INPUT the reader stands behind the bad entry, so that
 * later errors are found too.
 */
enum status entry_next(struct entry_reader *reader, const char *file, struct entry *entry, struct diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rdata_field: single fields of RDATA, from a word of master-file text to wire form and back: numbers, names, strings,
 * addresses, hexadecimal and base64. Every value is checked against its range; ldns wraps numbers that are too big.
 *
 * Pure functions over borrowed memory; any thread.
 */
#ifndef SPLITVIEW_ZONES_RDATA_FIELD_H
#define SPLITVIEW_ZONES_RDATA_FIELD_H

#include "zones/bytes.h"
#include "zones/entry.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word as it stands in an entry, quotes included. */
struct rdata_word {
    const char *text; /* borrowed, not ended by a zero byte */
    size_t size;      /* bytes */
    bool quoted;
};

struct rdata_word rdata_word_get(const struct entry *entry, size_t index);

/* What a field of a type holds, as the descriptors of rdata_text tell it. */
enum field_kind {
    FIELD_NAME, /* a domain name */
    FIELD_U8,   /* decimal numbers */
    FIELD_U16,
    FIELD_U32,
    FIELD_PERIOD, /* 32 bits of seconds, units allowed */
    FIELD_A,
    FIELD_AAAA,
    FIELD_STRING,   /* length byte and up to 255 octets */
    FIELD_TAG,      /* CAA's: a string of letters and digits without quotes */
    FIELD_OCTETS,   /* the rest of the RDATA as one string */
    FIELD_HEX,      /* the rest of the RDATA in hexadecimal, in any number of words */
    FIELD_BASE64,   /* likewise */
    FIELD_PORTS,    /* WKS: a protocol number in front, then port numbers, in any number of words */
    FIELD_U8_NAMED, /* a number, or a word that ldns knows */
    FIELD_U16_NAMED,
    FIELD_TIME,  /* RRSIG: YYYYMMDDHHMMSS, or seconds */
    FIELD_TYPE,  /* the name of a type */
    FIELD_TYPES, /* any number of them, to the end */
    FIELD_WORD,  /* one word for ldns */
    FIELD_REST   /* all further words for ldns */
};

/* The kind is read and written here, without ldns. */
bool field_is_own(enum field_kind kind);

/* What a field of the kind holds, for a message; a fixed text. */
const char *field_wanted(enum field_kind kind);

/* The kind takes all words that are left. */
bool field_takes_rest(enum field_kind kind);

/*
 * Append the wire form of one word to `out`. `origin` is for names. BAD_INPUT with what was wanted in *wanted (a fixed
 * text); NO_MEMORY; TOO_LARGE when `out` is full. Own kinds only.
 */
enum status field_from_word(enum field_kind kind, struct rdata_word word, const uint8_t *origin, struct bytes *out,
                            const char **wanted);

/* The same for the kinds that take all words from `first` to the end; *bad is the word that is wrong. */
enum status field_from_words(enum field_kind kind, const struct entry *entry, size_t first, struct bytes *out,
                             size_t *bad, const char **wanted);

/*
 * Read the field at *position of the RDATA, append its text to `out` and move on. BAD_INPUT if the octets are no such
 * field. Own kinds only; what is written can be read again.
 */
enum status field_to_text(enum field_kind kind, const struct rdata *rdata, size_t *position, struct bytes *out);

/* Decimal digits only, at most `limit`. */
bool number_from_text(const char *text, size_t size, uint32_t limit, uint32_t *value);

/* Seconds: digits, or digits with units (w d h m s), as "1h30m"; at most `limit`. */
bool period_from_text(const char *text, size_t size, uint32_t limit, uint32_t *seconds);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name: domain names in uncompressed wire form (RFC 1035 3.1): length byte, label, …, zero byte.
 *
 * A "name" here is a pointer to such bytes that were checked once, by name_from_wire or name_from_text; the other
 * functions trust it. Sizes count bytes and include the final zero byte, so the root has size 1 and no name has more
 * than NAME_SIZE_MAX. Labels hold any octet, zero included. Comparison ignores ASCII case only (RFC 4343). Pure
 * functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_NAME_H
#define SPLITVIEW_ZONES_NAME_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_SIZE_MAX   255  /* RFC 1035 2.3.4 */
#define NAME_LABEL_MAX  63   /* bytes in one label */
#define NAME_LABELS_MAX 127  /* labels without the root */
#define NAME_TEXT_MAX   1017 /* longest text form: 4 bytes an octet (\ddd), dots, final zero byte */
#define NAME_KEY_MAX    510  /* longest sort key */

/* Size of a trusted name. */
size_t name_size(const uint8_t *name);

/*
 * Check that an uncompressed name stands at `wire` and ends within `available` bytes. Its size goes to *size.
 * STATUS_BAD_INPUT: too long, a label type other than 00 (compression included), or cut off.
 */
enum status name_from_wire(const uint8_t *wire, size_t available, size_t *size);

/*
 * Read master-file text (RFC 1035 5.1: \X and \DDD escapes, "@" alone = origin, relative unless a final dot is given)
 * into `name` and its size into *size. `origin` may be NULL: then every name counts as absolute. Bytes of the text
 * beyond 0x7f are taken as they are. STATUS_BAD_INPUT: empty label, label over 63 bytes, name over 255, bad escape,
 * empty text.
 */
enum status name_from_text(const char *text, size_t length, const uint8_t *origin, uint8_t name[NAME_SIZE_MAX],
                           size_t *size);

/* Text with a final dot, special and non-printing octets escaped; returns its length without the zero byte. */
size_t name_to_text(const uint8_t *name, char text[NAME_TEXT_MAX]);

/* Labels, the root not counted. */
unsigned name_label_count(const uint8_t *name);

/* Equal but for ASCII case. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* `name` is `ancestor` or lies below it. */
bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor);

/* The name without its first label, inside the same bytes; the root has no parent and returns itself. */
const uint8_t *name_parent(const uint8_t *name);

/* The ancestor (or the name itself) that has `labels` labels; labels must not exceed the name's own. */
const uint8_t *name_ancestor(const uint8_t *name, unsigned labels);

/* The first label is a lone "*" (RFC 4592 2.1.1). */
bool name_is_wildcard(const uint8_t *name);

/* Copy `name` with ASCII letters in lower case; returns its size. */
size_t name_to_lower(const uint8_t *name, uint8_t lower[NAME_SIZE_MAX]);

/*
 * Sort key: comparing two keys with memcmp (a shorter key that is a prefix sorts first) orders the names as
 * RFC 4034 6.1 does. Labels reversed and lowered, each ended by 00; octets 00 and 01 are written 01 01 and 01 02.
 * The key of a name begins with the key of each of its ancestors. Returns the key's size; the root's is 0.
 */
size_t name_to_key(const uint8_t *name, uint8_t key[NAME_KEY_MAX]);

/* The name of a key, in lower case; returns its size, or 0 if these are not the bytes of a key. */
size_t name_from_key(const uint8_t *key, size_t key_size, uint8_t name[NAME_SIZE_MAX]);

/*
 * A name taken apart once for a lookup: lowered, with the hash of each of its ancestors. hash[k] and offset[k] belong
 * to the ancestor with k labels: hash[0] is the root's, hash[labels] the whole name's. The hash depends on the lowered
 * octets alone.
 */
struct name_split {
    uint8_t labels;
    uint8_t size;                        /* of the whole name */
    uint8_t offset[NAME_LABELS_MAX + 1]; /* where the ancestor with k labels starts in `lower` */
    uint8_t lower[NAME_SIZE_MAX + 1];
    uint64_t hash[NAME_LABELS_MAX + 1];
};

void name_split(const uint8_t *name, struct name_split *split);

/* The same for a name that is checked first, as name_from_wire does. BAD_INPUT: it is none, *split is not set. */
enum status name_split_wire(const uint8_t *wire, size_t available, struct name_split *split);

/* The hash of the name `label.parent`, given the parent's hash: the step name_split makes. `label` is lowered, length
 * first. */
uint64_t name_hash_child(uint64_t parent_hash, const uint8_t *label);

/* The hash of the root. */
#define NAME_HASH_ROOT UINT64_C(0x9e3779b97f4a7c15)

#endif

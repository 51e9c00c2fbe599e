/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/name.h"

#include "zones/word.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static uint8_t lower_octet(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet;
}

/* Octets of a label or name, lowered. The last word may reach back over octets that are done already. */
static void copy_lower(const uint8_t *name, size_t size, uint8_t *lower)
{
    if (size < sizeof(uint64_t)) {
        for (size_t i = 0; i < size; i++)
            lower[i] = lower_octet(name[i]);
        return;
    }
    for (size_t at = 0;; at = at + 2 * sizeof(uint64_t) <= size ? at + sizeof(uint64_t) : size - sizeof(uint64_t)) {
        word_write(lower + at, word_lower(word_read(name + at)));
        if (at + sizeof(uint64_t) == size)
            return;
    }
}

size_t name_size(const uint8_t *name)
{
    size_t size = 1;
    while (name[size - 1] != 0)
        size += 1u + name[size - 1];
    return size;
}

enum status name_from_wire(const uint8_t *wire, size_t available, size_t *size)
{
    size_t position = 0;
    while (position < available && position < NAME_SIZE_MAX) {
        uint8_t length = wire[position];
        if (length == 0) {
            *size = position + 1;
            return STATUS_OK;
        }
        if (length > NAME_LABEL_MAX)
            return STATUS_BAD_INPUT;
        position += 1u + length;
    }
    return STATUS_BAD_INPUT;
}

/* One octet of text, escapes undone: its value, or -1; *position moves behind it. */
static int text_octet(const char *text, size_t length, size_t *position)
{
    uint8_t octet = (uint8_t)text[(*position)++];
    if (octet != '\\')
        return octet;
    if (*position >= length)
        return -1;
    uint8_t first = (uint8_t)text[*position];
    if (first < '0' || first > '9') {
        (*position)++;
        return first;
    }
    if (length - *position < 3)
        return -1;
    int value = 0;
    for (int i = 0; i < 3; i++) {
        uint8_t digit = (uint8_t)text[(*position)++];
        if (digit < '0' || digit > '9')
            return -1;
        value = value * 10 + (digit - '0');
    }
    return value <= 255 ? value : -1;
}

static enum status append_origin(const uint8_t *origin, uint8_t *name, size_t position, size_t *size)
{
    static const uint8_t root[1] = {0};
    const uint8_t *tail = origin == NULL ? root : origin;
    size_t tail_size = name_size(tail);
    if (position + tail_size > NAME_SIZE_MAX)
        return STATUS_BAD_INPUT;
    memcpy(name + position, tail, tail_size);
    *size = position + tail_size;
    return STATUS_OK;
}

/* One label up to its dot or the end of the text; *name_position and *position move behind it. */
static enum status append_label(const char *text, size_t length, size_t *position, uint8_t *name, size_t *name_position)
{
    size_t start = (*name_position)++;
    while (*position < length && text[*position] != '.') {
        int octet = text_octet(text, length, position);
        size_t label = *name_position - start - 1;
        if (octet < 0 || label >= NAME_LABEL_MAX || *name_position >= NAME_SIZE_MAX - 1)
            return STATUS_BAD_INPUT;
        name[(*name_position)++] = (uint8_t)octet;
    }
    size_t label = *name_position - start - 1;
    if (label == 0)
        return STATUS_BAD_INPUT;
    name[start] = (uint8_t)label;
    return STATUS_OK;
}

enum status name_from_text(const char *text, size_t length, const uint8_t *origin, uint8_t name[NAME_SIZE_MAX],
                           size_t *size)
{
    if (length == 0)
        return STATUS_BAD_INPUT;
    if (length == 1 && text[0] == '@' && origin != NULL)
        return append_origin(origin, name, 0, size);
    if (length == 1 && text[0] == '.')
        return append_origin(NULL, name, 0, size);
    size_t position = 0;
    size_t name_position = 0;
    while (position < length) {
        if (name_position >= NAME_SIZE_MAX - 1)
            return STATUS_BAD_INPUT;
        enum status status = append_label(text, length, &position, name, &name_position);
        if (status != STATUS_OK)
            return status;
        if (position == length)
            return append_origin(origin, name, name_position, size);
        position++; /* the dot */
    }
    return append_origin(NULL, name, name_position, size);
}

static size_t octet_to_text(uint8_t octet, char *text)
{
    if (octet <= ' ' || octet > '~')
        return (size_t)snprintf(text, 5, "\\%03u", octet);
    size_t length = 0;
    if (strchr(".\\\"();@$", octet) != NULL)
        text[length++] = '\\';
    text[length++] = (char)octet;
    return length;
}

size_t name_to_text(const uint8_t *name, char text[NAME_TEXT_MAX])
{
    size_t length = 0;
    if (name[0] == 0)
        text[length++] = '.';
    while (name[0] != 0) {
        for (unsigned i = 1; i <= name[0]; i++)
            length += octet_to_text(name[i], text + length);
        text[length++] = '.';
        name += 1 + name[0];
    }
    text[length] = '\0';
    return length;
}

unsigned name_label_count(const uint8_t *name)
{
    unsigned count = 0;
    for (; name[0] != 0; name += 1 + name[0])
        count++;
    return count;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
    size_t size = name_size(a);
    if (size != name_size(b))
        return false;
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t))
        if (word_lower(word_read(a + at)) != word_lower(word_read(b + at)))
            return false;
    for (; at < size; at++)
        if (lower_octet(a[at]) != lower_octet(b[at]))
            return false;
    return true;
}

bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor)
{
    unsigned labels = name_label_count(name);
    unsigned wanted = name_label_count(ancestor);
    return labels >= wanted && name_equal(name_ancestor(name, wanted), ancestor);
}

const uint8_t *name_parent(const uint8_t *name)
{
    return name[0] == 0 ? name : name + 1 + name[0];
}

const uint8_t *name_ancestor(const uint8_t *name, unsigned labels)
{
    unsigned own = name_label_count(name);
    assert(labels <= own);
    for (; own > labels; own--)
        name = name_parent(name);
    return name;
}

bool name_is_wildcard(const uint8_t *name)
{
    return name[0] == 1 && name[1] == '*';
}

size_t name_to_lower(const uint8_t *name, uint8_t lower[NAME_SIZE_MAX])
{
    size_t size = name_size(name);
    copy_lower(name, size, lower);
    return size;
}

static size_t label_starts(const uint8_t *name, const uint8_t *starts[NAME_LABELS_MAX])
{
    size_t labels = 0;
    for (; name[0] != 0; name += 1 + name[0])
        starts[labels++] = name;
    return labels;
}

/* Is one of the octets of the word 0 or 1? */
static bool has_low_octet(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return ((word - 2 * ones) & ~word & 0x80 * ones) != 0;
}

/* A label without octets that keys escape; false: it has one, and what stands at `key` now means nothing. */
static bool copy_plain_label(const uint8_t *label, uint8_t *key)
{
    size_t left = *label++;
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
        uint64_t word = word_read(label);
        if (has_low_octet(word))
            return false;
        word_write(key, word_lower(word));
        label += sizeof word;
        key += sizeof word;
    }
    for (; left > 0; left--) {
        if (*label <= 1)
            return false;
        *key++ = lower_octet(*label++);
    }
    return true;
}

static size_t copy_label_escaped(const uint8_t *label, uint8_t *key)
{
    size_t size = 0;
    for (unsigned i = 1; i <= label[0]; i++) {
        uint8_t octet = lower_octet(label[i]);
        if (octet <= 1) {
            key[size++] = 1;
            key[size++] = (uint8_t)(octet + 1);
        } else {
            key[size++] = octet;
        }
    }
    return size;
}

size_t name_to_key(const uint8_t *name, uint8_t key[NAME_KEY_MAX])
{
    const uint8_t *starts[NAME_LABELS_MAX];
    size_t labels = label_starts(name, starts);
    size_t size = 0;
    while (labels-- > 0) {
        const uint8_t *label = starts[labels];
        size += copy_plain_label(label, key + size) ? label[0] : copy_label_escaped(label, key + size);
        key[size++] = 0;
    }
    return size;
}

/* One label of a key, unescaped into `label`; the size of the label in the key with its end, 0 if it is none. */
static size_t key_label(const uint8_t *key, size_t key_size, uint8_t *label)
{
    size_t position = 0;
    unsigned length = 0;
    while (position < key_size && key[position] != 0) {
        uint8_t octet = key[position++];
        if (octet == 1) {
            if (position >= key_size || key[position] < 1 || key[position] > 2)
                return 0;
            octet = (uint8_t)(key[position++] - 1);
        }
        if (length >= NAME_LABEL_MAX)
            return 0;
        label[++length] = octet;
    }
    label[0] = (uint8_t)length;
    return position < key_size && length > 0 ? position + 1 : 0;
}

size_t name_from_key(const uint8_t *key, size_t key_size, uint8_t name[NAME_SIZE_MAX])
{
    uint8_t reversed[NAME_SIZE_MAX];
    size_t start = NAME_SIZE_MAX - 1;
    reversed[start] = 0;
    while (key_size > 0) {
        uint8_t label[1 + NAME_LABEL_MAX];
        size_t used = key_label(key, key_size, label);
        if (used == 0 || start < 1u + label[0])
            return 0;
        start -= 1u + label[0];
        memcpy(reversed + start, label, 1u + label[0]);
        key += used;
        key_size -= used;
    }
    memcpy(name, reversed + start, NAME_SIZE_MAX - start);
    return NAME_SIZE_MAX - start;
}

uint64_t name_hash_child(uint64_t parent_hash, const uint8_t *label)
{
    uint64_t hash = parent_hash;
    size_t left = 1u + label[0];
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t), label += sizeof(uint64_t))
        hash = word_mix(hash, word_read(label));
    return left > 0 ? word_mix(hash, word_read_part(label, left)) : hash;
}

static void split_at(const uint8_t *name, const uint8_t *starts, size_t labels, size_t size, struct name_split *split)
{
    copy_lower(name, size, split->lower);
    split->labels = (uint8_t)labels;
    split->size = (uint8_t)size;
    split->hash[0] = NAME_HASH_ROOT;
    split->offset[0] = (uint8_t)(size - 1);
    uint64_t hash = NAME_HASH_ROOT;
    for (size_t k = 1; k <= labels; k++) {
        uint8_t start = starts[labels - k];
        hash = name_hash_child(hash, split->lower + start);
        split->offset[k] = start;
        split->hash[k] = hash;
    }
}

enum status name_split_wire(const uint8_t *wire, size_t available, struct name_split *split)
{
    uint8_t starts[NAME_LABELS_MAX + 1]; /* a name that is too long is seen behind one label too many */
    size_t labels = 0;
    size_t position = 0;
    while (position < available && position < NAME_SIZE_MAX) {
        uint8_t length = wire[position];
        if (length == 0) {
            split_at(wire, starts, labels, position + 1, split);
            return STATUS_OK;
        }
        if (length > NAME_LABEL_MAX)
            return STATUS_BAD_INPUT;
        starts[labels++] = (uint8_t)position;
        position += 1u + length;
    }
    return STATUS_BAD_INPUT;
}

void name_split(const uint8_t *name, struct name_split *split)
{
    enum status status = name_split_wire(name, NAME_SIZE_MAX, split);
    assert(status == STATUS_OK);
    (void)status;
}

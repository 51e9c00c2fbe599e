/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reply_parse.h"

#include "resolver/message.h"
#include "resolver/reply_rdata.h"
#include "zones/memory.h"

#include <string.h>

#define RECORD_LEAST        11u /* bytes: the root, type, class, TTL, length */
#define EDNS_EXTENDED_ERROR 15  /* RFC 8914 2 */

struct reader {
    const uint8_t *wire;
    size_t size;
    size_t position;
    size_t question_end;
    struct reply_parsed *parsed;
    bool has_edns;
    uint16_t owner_pointer; /* the last owner was nothing but this pointer; 0: none was */
    uint32_t owner;         /* offset of what it stood for */
    uint32_t owner_hash;
};

static uint8_t to_lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet;
}

uint32_t reply_name_hash(const uint8_t *name)
{
    uint32_t hash = 2166136261u;
    for (size_t size = name_size(name), i = 0; i < size; i++)
        hash = (hash ^ to_lower(name[i])) * 16777619u;
    return hash;
}

static void copy_label(const struct reader *reader, size_t at, uint8_t *label)
{
    size_t size = 1u + reader->wire[at];
    memcpy(label, reader->wire + at, size);
    if (at < reader->question_end)
        for (size_t i = 0; i < size; i++)
            label[i] = to_lower(label[i]);
}

/*
 * The name at *position, which ends before `end` or is led on by a pointer before it. Each pointer leads further back
 * than all before it, so there are no loops (RFC 1035 4.1.4: to a prior occurrence).
 */
static bool expand_name(const struct reader *reader, size_t *position, size_t end, bool compressible,
                        uint8_t name[NAME_SIZE_MAX], size_t *size)
{
    size_t at = *position;
    size_t least = at;
    size_t used = 0;
    unsigned pointers = 0;
    while (at < end) {
        uint8_t length = reader->wire[at];
        if ((length & 0xc0) == 0xc0) {
            if (!compressible || end - at < 2 || ++pointers > REPLY_POINTERS_MAX)
                return false;
            if (pointers == 1)
                *position = at + 2;
            at = read_u16(reader->wire + at) & 0x3fffu;
            if (at < MESSAGE_HEADER_SIZE || at >= least)
                return false;
            least = at;
            end = reader->size;
            continue;
        }
        if (length > NAME_LABEL_MAX || end - at < 1u + length || used + length + 2u > NAME_SIZE_MAX + (length == 0))
            return false;
        copy_label(reader, at, name + used);
        used += 1u + length;
        at += 1u + length;
        if (length == 0) {
            *size = used;
            *position = pointers == 0 ? at : *position;
            return true;
        }
    }
    return false;
}

/* Most records have the owner of the one before, and most owners are one pointer. */
static bool read_owner(struct reader *reader, struct reply_record *record)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    struct bytes *bytes = &reader->parsed->bytes;
    uint16_t pointer = 0;
    if (reader->size - reader->position >= 2 && reader->wire[reader->position] >= 0xc0)
        pointer = read_u16(reader->wire + reader->position);
    if (pointer != 0 && pointer == reader->owner_pointer) {
        reader->position += 2;
    } else {
        if (!expand_name(reader, &reader->position, reader->size, true, name, &size))
            return false;
        reader->owner_pointer = pointer;
        reader->owner = (uint32_t)bytes->size;
        reader->owner_hash = reply_name_hash(name);
        if (bytes_append(bytes, name, size) != STATUS_OK)
            return false;
    }
    record->owner = reader->owner;
    record->hash = reader->owner_hash;
    return true;
}

static bool copy_octets(struct reader *reader, size_t *at, size_t end, size_t size)
{
    if (end - *at < size || bytes_append(&reader->parsed->bytes, reader->wire + *at, size) != STATUS_OK)
        return false;
    *at += size;
    return true;
}

/* The RDATA from `at` to `end` go to `bytes`, with their names expanded. */
static bool read_rdata(struct reader *reader, size_t at, size_t end, struct reply_record *record)
{
    struct bytes *bytes = &reader->parsed->bytes;
    struct rdata_shape shape = rdata_shape(record->type);
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    record->rdata = (uint32_t)bytes->size;
    if (!copy_octets(reader, &at, end, shape.prefix))
        return false;
    for (unsigned i = 0; i < shape.strings; i++)
        if (at >= end || !copy_octets(reader, &at, end, 1u + reader->wire[at]))
            return false;
    for (unsigned i = 0; i < shape.names; i++)
        if (!expand_name(reader, &at, end, shape.compressible, name, &size) ||
            bytes_append(bytes, name, size) != STATUS_OK)
            return false;
    if (!rdata_tail_is_whole(shape.tail, reader->wire + at, end - at) || !copy_octets(reader, &at, end, end - at) ||
        bytes->size - record->rdata > RRSET_RDATA_MAX)
        return false;
    record->size = (uint16_t)(bytes->size - record->rdata);
    if (record->type == RRTYPE_RRSIG)
        record->covered = read_u16(bytes->data + record->rdata);
    return true;
}

/* RFC 6891 6.1.1: one at most, its owner the root. */
static bool read_edns(struct reader *reader, const struct reply_record *record, size_t at, size_t end)
{
    struct reply_parsed *parsed = reader->parsed;
    if (reader->has_edns || parsed->bytes.data[record->owner] != 0)
        return false;
    reader->has_edns = true;
    parsed->rcode = (uint16_t)(parsed->rcode | reader->wire[at - 6] << 4);
    while (at < end) {
        if (end - at < 4 || end - at - 4 < read_u16(reader->wire + at + 2))
            return false;
        uint16_t size = read_u16(reader->wire + at + 2);
        if (read_u16(reader->wire + at) == EDNS_EXTENDED_ERROR && size >= 2 && parsed->extended_error < 0 &&
            read_u16(reader->wire + at + 4) <= INT16_MAX)
            parsed->extended_error = (int16_t)read_u16(reader->wire + at + 4);
        at += 4u + size;
    }
    return true;
}

/* One record of any section. Those that nobody will look at are checked and forgotten. */
static bool read_record(struct reader *reader, enum section section)
{
    struct reply_parsed *parsed = reader->parsed;
    struct reply_record record = {.section = (uint8_t)section};
    if (!read_owner(reader, &record) || reader->size - reader->position < RECORD_LEAST - 1)
        return false;
    const uint8_t *fixed = reader->wire + reader->position;
    size_t start = reader->position + RECORD_LEAST - 1;
    if (reader->size - start < read_u16(fixed + 8))
        return false;
    reader->position = start + read_u16(fixed + 8);
    record.type = read_u16(fixed);
    record.ttl = (fixed[4] & 0x80) != 0 ? 0 : read_u32(fixed + 4);
    if (record.type == RRTYPE_OPT && section == SECTION_ADDITIONAL)
        return read_edns(reader, &record, start, reader->position);
    if (read_u16(fixed + 2) != RRCLASS_IN || rrtype_is_meta(record.type))
        return true;
    size_t before = parsed->bytes.size;
    if (!read_rdata(reader, start, reader->position, &record))
        return false;
    if (section == SECTION_ADDITIONAL)
        parsed->bytes.size = before;
    else
        parsed->records[parsed->count++] = record;
    return true;
}

/* RFC 9619: one question, or none where the other side understood nothing. */
static bool read_question(struct reader *reader)
{
    size_t size;
    if (read_u16(reader->wire + 4) > 1)
        return false;
    if (read_u16(reader->wire + 4) == 1) {
        if (name_from_wire(reader->wire + reader->position, reader->size - reader->position, &size) != STATUS_OK ||
            reader->size - reader->position - size < 4)
            return false;
        reader->position += size + 4;
    }
    reader->question_end = reader->position;
    return true;
}

/* Room for the records that the header tells of, as far as they can be true, and for most expanded names. */
static bool make_room(const struct reader *reader)
{
    struct reply_parsed *parsed = reader->parsed;
    size_t told = (size_t)read_u16(reader->wire + 6) + read_u16(reader->wire + 8);
    size_t most = reader->size / RECORD_LEAST;
    parsed->records = memory_alloc((told < most ? told : most) * sizeof *parsed->records);
    if (parsed->records == NULL || bytes_append(&parsed->bytes, NULL, 2 * reader->size) != STATUS_OK)
        return false;
    parsed->bytes.size = 0;
    return told <= most;
}

bool reply_parse(const uint8_t *wire, size_t size, struct reply_parsed *parsed)
{
    struct reader reader = {.wire = wire, .size = size, .position = MESSAGE_HEADER_SIZE, .parsed = parsed};
    *parsed = (struct reply_parsed){.extended_error = -1};
    bytes_init(&parsed->bytes, REPLY_EXPANDED_MAX);
    if (size < MESSAGE_HEADER_SIZE || size > MESSAGE_SIZE_MAX)
        return false;
    parsed->flags = read_u16(wire + 2);
    parsed->rcode = parsed->flags & 15;
    if (!read_question(&reader) || !make_room(&reader))
        return false;
    for (unsigned section = SECTION_ANSWER; section <= SECTION_ADDITIONAL; section++)
        for (unsigned left = read_u16(wire + 6 + 2 * section); left > 0; left--)
            if (!read_record(&reader, (enum section)section))
                return false;
    return reader.position == size;
}

void reply_parsed_clear(struct reply_parsed *parsed)
{
    memory_free(parsed->records);
    parsed->records = NULL;
    parsed->count = 0;
    bytes_clear(&parsed->bytes);
}

const uint8_t *reply_owner(const struct reply_parsed *parsed, const struct reply_record *record)
{
    return parsed->bytes.data + record->owner;
}

const uint8_t *reply_rdata(const struct reply_parsed *parsed, const struct reply_record *record)
{
    return parsed->bytes.data + record->rdata;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/message.h"

#include "resolver/order.h"

#include <assert.h>
#include <string.h>

/* RFC 6891 6.1.2, RFC 5001, 7871, 7828, 8914 */
#define EDNS_NSID           3
#define EDNS_CLIENT_SUBNET  8
#define EDNS_KEEPALIVE      11
#define EDNS_EXTENDED_ERROR 15
#define EDNS_DO             0x8000u

struct parser {
    const uint8_t *wire;
    size_t size;
    size_t position;
    const struct name_split *name; /* behind the header; NULL: not known yet */
};

struct record {
    size_t owner; /* offset of its first byte */
    uint16_t type;
    uint16_t class;
    uint32_t ttl;
    const uint8_t *rdata;
    uint16_t rdata_size;
};

/* Step over a name that may be compressed. Where the pointer leads does not matter: such names are never read. */
static bool skip_name(struct parser *parser)
{
    size_t length = 0;
    while (parser->position < parser->size) {
        uint8_t octet = parser->wire[parser->position];
        if ((octet & 0xc0) == 0xc0) {
            parser->position += 2;
            return parser->position <= parser->size;
        }
        length += 1u + octet;
        if (octet > NAME_LABEL_MAX || length > NAME_SIZE_MAX)
            return false;
        parser->position += 1u + octet;
        if (octet == 0)
            return parser->position <= parser->size;
    }
    return false;
}

static bool parse_record(struct parser *parser, struct record *record)
{
    record->owner = parser->position;
    if (!skip_name(parser) || parser->size - parser->position < 10)
        return false;
    const uint8_t *fixed = parser->wire + parser->position;
    record->type = read_u16(fixed);
    record->class = read_u16(fixed + 2);
    record->ttl = read_u32(fixed + 4);
    record->rdata_size = read_u16(fixed + 8);
    record->rdata = fixed + 10;
    parser->position += 10;
    if (parser->size - parser->position < record->rdata_size)
        return false;
    parser->position += record->rdata_size;
    return true;
}

/*
 * RFC 7871 6: family, source and scope prefix length, the address in as few octets as the source length needs, its last
 * bits zero. Family 0 says "none" and has no address. false: malformed, or there twice.
 */
static bool parse_subnet(const uint8_t *bytes, uint16_t size, struct message_subnet *subnet)
{
    static const uint8_t width[3] = {0, 32, 128};
    if (size < 4 || subnet->present)
        return false;
    unsigned family = read_u16(bytes);
    unsigned length = bytes[2];
    unsigned octets = (length + 7) / 8;
    if (family > 2 || length > width[family] || bytes[3] != 0 || size != 4 + octets)
        return false;
    if (length % 8 != 0 && (bytes[3 + octets] & (0xffu >> length % 8)) != 0)
        return false;
    *subnet = (struct message_subnet){.present = true, .family = (uint8_t)family, .length = (uint8_t)length};
    subnet->address = bytes + 4;
    return true;
}

static bool parse_edns_options(const struct record *record, struct message *message)
{
    for (size_t position = 0; position < record->rdata_size;) {
        if (record->rdata_size - position < 4)
            return false;
        uint16_t code = read_u16(record->rdata + position);
        uint16_t size = read_u16(record->rdata + position + 2);
        position += 4;
        if (record->rdata_size - position < size)
            return false;
        if (code == EDNS_CLIENT_SUBNET && !parse_subnet(record->rdata + position, size, &message->subnet))
            return false;
        position += size;
        message->wants_nsid |= code == EDNS_NSID;
        message->wants_keepalive |= code == EDNS_KEEPALIVE;
    }
    return true;
}

/* RFC 6891 6.1.1: one OPT at most, its owner the root. */
static bool parse_edns(const struct parser *parser, const struct record *record, struct message *message)
{
    if (message->has_edns || parser->wire[record->owner] != 0)
        return false;
    message->has_edns = true;
    message->edns_version = (uint8_t)(record->ttl >> 16);
    message->dnssec_ok = (record->ttl & EDNS_DO) != 0;
    message->udp_payload = record->class < MESSAGE_UDP_PLAIN ? MESSAGE_UDP_PLAIN : record->class;
    /* Options of a version we do not know need not have a form we know. */
    return message->edns_version != 0 || parse_edns_options(record, message);
}

/* RFC 8945 4.2: class ANY, TTL 0. */
static bool parse_tsig(const struct record *record, struct message *message)
{
    return record->class == RRCLASS_ANY && record->ttl == 0 &&
           tsig_parse(record->owner, record->rdata, record->rdata_size, &message->tsig);
}

static bool parse_question(struct parser *parser, struct message *message)
{
    const uint8_t *name = parser->wire + parser->position;
    size_t available = parser->size - parser->position;
    size_t size = 0;
    if (parser->name != NULL)
        size = parser->name->size;
    else if (name_from_wire(name, available, &size) != STATUS_OK)
        return false;
    if (available < size + 4)
        return false;
    message->has_question = true;
    message->name = name;
    message->name_size = (uint16_t)size;
    message->type = read_u16(name + size);
    message->class = read_u16(name + size + 2);
    parser->position += size + 4;
    message->question_end = parser->position;
    return true;
}

/* RFC 9619: a query has one question. Others are stepped over, so that an OPT behind them is seen (RFC 6891 6.1.1). */
static bool parse_questions(struct parser *parser, struct message *message, bool *has_one)
{
    uint16_t count = read_u16(parser->wire + 4);
    *has_one = count == 1;
    if (*has_one)
        return parse_question(parser, message);
    for (uint16_t i = 0; i < count; i++) {
        if (!skip_name(parser) || parser->size - parser->position < 4)
            return false;
        parser->position += 4;
    }
    return true;
}

/* The three sections behind the question. A TSIG must be the last record (RFC 8945 5.1). */
static bool parse_records(struct parser *parser, struct message *message)
{
    uint32_t before = (uint32_t)read_u16(parser->wire + 6) + read_u16(parser->wire + 8);
    uint32_t additional = read_u16(parser->wire + 10);
    struct record record;
    for (uint32_t i = 0; i < before; i++)
        if (!parse_record(parser, &record))
            return false;
    for (uint32_t i = 0; i < additional; i++) {
        if (message->tsig.present || !parse_record(parser, &record))
            return false;
        if (record.type == RRTYPE_OPT && !parse_edns(parser, &record, message))
            return false;
        if (record.type == RRTYPE_TSIG && !parse_tsig(&record, message))
            return false;
    }
    return parser->position == parser->size;
}

/* One field after the other: to clear the whole is slow, and nobody reads what is behind an unset `present`. */
static void begin_message(struct message *message, const uint8_t *wire)
{
    message->id = read_u16(wire);
    message->flags = read_u16(wire + 2);
    message->reject = RCODE_NOERROR;
    message->has_question = false;
    message->name = NULL;
    message->name_size = 0;
    message->type = 0;
    message->class = 0;
    message->has_edns = false;
    message->dnssec_ok = false;
    message->wants_nsid = false;
    message->wants_keepalive = false;
    message->edns_version = 0;
    message->udp_payload = MESSAGE_UDP_PLAIN;
    message->subnet.present = false;
    message->tsig.present = false;
    message->question_end = MESSAGE_HEADER_SIZE;
}

static enum parse_verdict reject(struct message *message, enum rcode rcode)
{
    message->reject = rcode;
    return PARSE_REJECT;
}

enum parse_verdict message_parse(const uint8_t *wire, size_t size, const struct name_split *name,
                                 struct message *message)
{
    struct parser parser = {.wire = wire, .size = size, .position = MESSAGE_HEADER_SIZE, .name = name};
    if (size < MESSAGE_HEADER_SIZE)
        return PARSE_DROP;
    begin_message(message, wire);
    if ((message->flags & MESSAGE_QR) != 0)
        return PARSE_DROP;
    bool is_query = MESSAGE_OPCODE(message->flags) == OPCODE_QUERY;
    bool has_one = false;
    bool is_whole = parse_questions(&parser, message, &has_one) && parse_records(&parser, message) && has_one;
    /* Of a message that is not understood no signature can be checked. */
    message->tsig.present = message->tsig.present && is_whole;
    if (!is_query)
        return reject(message, RCODE_NOTIMP);
    if (!is_whole)
        return reject(message, RCODE_FORMERR);
    if (message->edns_version != 0)
        return reject(message, RCODE_BADVERS);
    return PARSE_QUERY;
}

/* A place in the reply where a name, or the end of one, can be pointed at (RFC 1035 4.1.4). */
struct suffix {
    const uint8_t *name; /* the uncompressed bytes, borrowed */
    uint16_t offset;     /* in the reply */
    uint8_t size;        /* of the uncompressed bytes */
};

#define SUFFIXES_MAX  96
#define POINTER_LIMIT 0x4000u
#define POINTER_BITS  0xc000u
#define RECORD_FIXED  10u /* type, class, TTL, RDATA length */

struct writer {
    uint8_t *reply;
    size_t limit; /* bytes that may be written */
    size_t position;
    unsigned suffix_count;
    const uint8_t *question; /* the name at offset MESSAGE_HEADER_SIZE; NULL: there is none */
    size_t question_size;    /* of its bytes without the final zero */
    bool knows_question;     /* it is among the suffixes */
    uint16_t class;          /* of all records */
    const struct reply_options *options;
    struct suffix suffixes[SUFFIXES_MAX];
};

static void remember_suffix(struct writer *writer, const uint8_t *name, size_t size, size_t offset)
{
    if (writer->suffix_count == SUFFIXES_MAX || offset >= POINTER_LIMIT)
        return;
    writer->suffixes[writer->suffix_count++] =
        (struct suffix){.name = name, .size = (uint8_t)size, .offset = (uint16_t)offset};
}

/* Most names are found without them. */
static void remember_question(struct writer *writer)
{
    writer->knows_question = true;
    for (size_t at = 0; at < writer->question_size; at += 1u + writer->question[at])
        remember_suffix(writer, writer->question + at, writer->question_size + 1 - at, MESSAGE_HEADER_SIZE + at);
}

/* Octets must be the same, case too: a record is sent as it was written. */
static const struct suffix *find_suffix(const struct writer *writer, const uint8_t *name, size_t size, unsigned known)
{
    for (unsigned i = 0; i < known; i++) {
        const struct suffix *suffix = &writer->suffixes[i];
        if (suffix->size == size && (suffix->name == name || memcmp(suffix->name, name, size) == 0))
            return suffix;
    }
    return NULL;
}

static bool put_bytes(struct writer *writer, const void *bytes, size_t size)
{
    if (writer->limit - writer->position < size)
        return false;
    memcpy(writer->reply + writer->position, bytes, size);
    writer->position += size;
    return true;
}

static bool put_u16(struct writer *writer, uint16_t value)
{
    uint8_t bytes[2];
    write_u16(bytes, value);
    return put_bytes(writer, bytes, sizeof bytes);
}

static bool put_pointer(struct writer *writer, size_t offset)
{
    return put_u16(writer, (uint16_t)(POINTER_BITS | offset));
}

/* `size` is the name's. */
static bool put_name(struct writer *writer, const uint8_t *name, size_t size)
{
    if (!writer->knows_question)
        remember_question(writer);
    unsigned known = writer->suffix_count;
    size_t at = 0;
    for (; name[at] != 0; at += 1u + name[at]) {
        const struct suffix *suffix = find_suffix(writer, name + at, size - at, known);
        if (suffix != NULL)
            return put_bytes(writer, name, at) && put_pointer(writer, suffix->offset);
        remember_suffix(writer, name + at, size - at, writer->position + at);
    }
    return put_bytes(writer, name, at + 1);
}

/* An owner is mostly the question, an ancestor in the same bytes, or the target of a record before it. */
static bool put_owner(struct writer *writer, const uint8_t *owner)
{
    uintptr_t inside = (uintptr_t)owner - (uintptr_t)writer->question;
    if (inside < writer->question_size)
        return put_pointer(writer, MESSAGE_HEADER_SIZE + inside);
    for (unsigned i = 0; i < writer->suffix_count; i++)
        if (writer->suffixes[i].name == owner)
            return put_pointer(writer, writer->suffixes[i].offset);
    return put_name(writer, owner, name_size(owner));
}

/* What became of an attempt to write. */
enum put { PUT_DONE, PUT_FULL, PUT_DAMAGED };

static enum put put_compressed(struct writer *writer, const struct rrtype_layout *layout, const struct rdata *rdata)
{
    size_t at = layout->prefix;
    if (rdata->size < at)
        return PUT_DAMAGED;
    if (at > 0 && !put_bytes(writer, rdata->bytes, at))
        return PUT_FULL;
    for (unsigned i = 0; i < layout->names; i++) {
        size_t size;
        if (name_from_wire(rdata->bytes + at, rdata->size - at, &size) != STATUS_OK)
            return PUT_DAMAGED;
        if (!put_name(writer, rdata->bytes + at, size))
            return PUT_FULL;
        at += size;
    }
    return put_bytes(writer, rdata->bytes + at, rdata->size - at) ? PUT_DONE : PUT_FULL;
}

static enum put put_rdata(struct writer *writer, const struct answer_rrset *entry, const struct rdata *rdata)
{
    const struct rrtype_layout layout = rrtype_layout(entry->rrset.type);
    if (!layout.compressible)
        return put_bytes(writer, rdata->bytes, rdata->size) ? PUT_DONE : PUT_FULL;
    size_t start = writer->position;
    enum put put = put_compressed(writer, &layout, rdata);
    if (put != PUT_DONE || entry->rrset.type != RRTYPE_SOA)
        return put;
    if (writer->position - start < SOA_FIXED_SIZE)
        return PUT_DAMAGED;
    write_u32(writer->reply + writer->position - SOA_FIXED_SIZE, entry->serial);
    return PUT_DONE;
}

static enum put put_record(struct writer *writer, const struct answer_rrset *entry, const struct rdata *rdata)
{
    if (!put_owner(writer, entry->owner) || writer->limit - writer->position < RECORD_FIXED)
        return PUT_FULL;
    uint8_t *fixed = writer->reply + writer->position;
    writer->position += RECORD_FIXED;
    size_t start = writer->position;
    enum put put = put_rdata(writer, entry, rdata);
    write_u16(fixed, entry->rrset.type);
    write_u16(fixed + 2, writer->class);
    write_u32(fixed + 4, entry->rrset.ttl);
    write_u16(fixed + 8, (uint16_t)(writer->position - start));
    return put;
}

static enum put put_fixed(struct writer *writer, const struct answer_rrset *entry)
{
    uint32_t position = 0;
    struct rdata rdata;
    unsigned count = 0;
    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        enum put put = put_record(writer, entry, &rdata);
        if (put != PUT_DONE)
            return put;
        count++;
    }
    return position == entry->rrset.size && count == entry->rrset.count ? PUT_DONE : PUT_DAMAGED;
}

static enum put put_rrset(struct writer *writer, const struct answer_rrset *entry)
{
    const struct reply_options *options = writer->options;
    struct rdata records[ORDER_RECORDS_MAX];
    if (options->order == MESSAGE_ORDER_FIXED || entry->rrset.count < 2 || entry->rrset.count > ORDER_RECORDS_MAX)
        return put_fixed(writer, entry);
    if (!order_records(&entry->rrset, options->order == MESSAGE_ORDER_RANDOM, options->order_seed, records))
        return PUT_DAMAGED;
    enum put put = PUT_DONE;
    for (unsigned i = 0; i < entry->rrset.count && put == PUT_DONE; i++)
        put = put_record(writer, entry, &records[i]);
    return put;
}

static size_t extended_text_size(const struct reply_options *options)
{
    return options->extended_text == NULL ? 0 : strnlen(options->extended_text, MESSAGE_EXTENDED_TEXT_MAX);
}

/* 0: the client did not ask, or there is none to tell. */
static size_t nsid_size(const struct message *message, const struct reply_options *options)
{
    bool told = message->wants_nsid && options->identity != NULL;
    return told ? strnlen(options->identity, MESSAGE_IDENTITY_MAX) : 0;
}

static size_t subnet_octets(const struct message *message)
{
    return (message->subnet.length + 7u) / 8;
}

static size_t edns_size(const struct message *message, const struct reply_options *options)
{
    if (!message->has_edns)
        return 0;
    size_t size = 11;
    if (nsid_size(message, options) > 0)
        size += 4 + nsid_size(message, options);
    if (options->answers_subnet)
        size += 8 + subnet_octets(message);
    if (options->keepalive >= 0)
        size += 6;
    if (options->extended_error >= 0)
        size += 6 + extended_text_size(options);
    return size;
}

static void put_edns_option(struct writer *writer, uint16_t code, const void *bytes, size_t size)
{
    put_u16(writer, code);
    put_u16(writer, (uint16_t)size);
    put_bytes(writer, bytes, size);
}

/* The option repeats the query's, with the scope (RFC 7871 7.2.1). */
static void put_subnet(struct writer *writer, const struct message *message, uint8_t scope)
{
    uint8_t fixed[8];
    write_u16(fixed, EDNS_CLIENT_SUBNET);
    write_u16(fixed + 2, (uint16_t)(4 + subnet_octets(message)));
    write_u16(fixed + 4, message->subnet.family);
    fixed[6] = message->subnet.length;
    fixed[7] = scope;
    put_bytes(writer, fixed, sizeof fixed);
    put_bytes(writer, message->subnet.address, subnet_octets(message));
}

/* RFC 6891 6.1.3; the room was kept free by edns_size. */
static void put_edns(struct writer *writer, const struct message *message, enum rcode rcode,
                     const struct reply_options *options, size_t size)
{
    uint8_t fixed[11] = {0, 0, RRTYPE_OPT};
    write_u16(fixed + 3, options->server_payload);
    fixed[5] = (uint8_t)((unsigned)rcode >> 4);
    write_u16(fixed + 7, message->dnssec_ok ? EDNS_DO : 0);
    write_u16(fixed + 9, (uint16_t)(size - sizeof fixed));
    put_bytes(writer, fixed, sizeof fixed);
    uint8_t value[2];
    if (nsid_size(message, options) > 0)
        put_edns_option(writer, EDNS_NSID, options->identity, nsid_size(message, options));
    if (options->answers_subnet)
        put_subnet(writer, message, options->subnet_scope);
    if (options->keepalive >= 0) {
        write_u16(value, (uint16_t)options->keepalive);
        put_edns_option(writer, EDNS_KEEPALIVE, value, sizeof value);
    }
    if (options->extended_error >= 0) {
        size_t text = extended_text_size(options);
        write_u16(value, (uint16_t)options->extended_error);
        put_u16(writer, EDNS_EXTENDED_ERROR);
        put_u16(writer, (uint16_t)(sizeof value + text));
        put_bytes(writer, value, sizeof value);
        if (text > 0)
            put_bytes(writer, options->extended_text, text);
    }
}

/* Header counts by section, then OPT's. */
struct counts {
    uint16_t records[3];
};

static void write_header(const struct writer *writer, const struct message *message, uint16_t flags,
                         const struct counts *counts)
{
    uint8_t *reply = writer->reply;
    write_u16(reply, message->id);
    write_u16(reply + 2, flags);
    write_u16(reply + 4, message->has_question ? 1 : 0);
    for (unsigned i = 0; i < 3; i++)
        write_u16(reply + 6 + 2 * i, counts->records[i]);
}

/* AD and CD stay clear unless upstream answers: data of our own zones are not validated (RFC 4035 3.1.6). */
static uint16_t reply_flags(const struct message *message, enum rcode rcode, const struct reply_options *options)
{
    unsigned flags = MESSAGE_QR | (message->flags & 0x7800u) | (message->flags & MESSAGE_RD) | ((unsigned)rcode & 15u);
    flags |= options->recursion_available ? MESSAGE_RA : 0u;
    flags |= options->authentic_data ? MESSAGE_AD : 0u;
    return (uint16_t)(flags | (options->checking_disabled ? MESSAGE_CD : 0u));
}

static void writer_begin(struct writer *writer, const struct message *message, const struct reply_options *options,
                         size_t limit, uint8_t *reply)
{
    writer->reply = reply;
    writer->limit = limit;
    writer->options = options;
    writer->class = message->class == RRCLASS_CH ? RRCLASS_CH : RRCLASS_IN;
    writer->position = MESSAGE_HEADER_SIZE;
    writer->suffix_count = 0;
    writer->question = NULL;
    writer->question_size = 0;
    writer->knows_question = !message->has_question;
    if (!message->has_question)
        return;
    writer->question = message->name;
    writer->question_size = message->name_size - 1u;
    put_bytes(writer, message->name, message->name_size + 4u);
}

/* The DS of a referral is for those who set DO (RFC 4035 3.1). */
static bool is_for_validators(const struct answer_rrset *entry)
{
    return entry->section == SECTION_AUTHORITY && entry->rrset.type == RRTYPE_DS;
}

/* Write the RRsets that are needed, or those that are optional, until one that is needed does not fit. */
static enum put put_rrsets(struct writer *writer, const struct message *message, const struct answer *answer,
                           bool optional, struct counts *counts)
{
    for (unsigned i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->optional != optional || (is_for_validators(entry) && !message->dnssec_ok))
            continue;
        size_t position = writer->position;
        unsigned suffixes = writer->suffix_count;
        enum put put = put_rrset(writer, entry);
        if (put == PUT_DONE) {
            counts->records[entry->section] = (uint16_t)(counts->records[entry->section] + entry->rrset.count);
            continue;
        }
        writer->position = position;
        writer->suffix_count = suffixes;
        if (put == PUT_DAMAGED || !optional)
            return put;
    }
    return PUT_DONE;
}

/* What is optional stands in the last section and comes last, so that it takes no room from glue (RFC 9471 3.1). */
static enum put put_answer(struct writer *writer, const struct message *message, const struct answer *answer,
                           struct counts *counts)
{
    enum put put = put_rrsets(writer, message, answer, false, counts);
    bool has_optional = answer->count > 0 && answer->rrsets[answer->count - 1].section == SECTION_ADDITIONAL;
    if (put == PUT_DONE && has_optional)
        put = put_rrsets(writer, message, answer, true, counts);
    return put == PUT_DONE && answer->overflow ? PUT_FULL : put;
}

size_t message_write(const struct message *message, const struct answer *answer, const struct reply_options *options,
                     uint8_t *reply)
{
    assert(options->size_max >= MESSAGE_UDP_PLAIN);
    assert(!options->answers_subnet || message->subnet.present);
    struct writer writer;
    struct counts counts = {{0}};
    size_t edns = edns_size(message, options);
    writer_begin(&writer, message, options, options->size_max - options->reserved - edns, reply);
    enum put put = put_answer(&writer, message, answer, &counts);
    if (put == PUT_DAMAGED)
        return 0;
    uint16_t flags = reply_flags(message, answer->rcode, options);
    if (answer->authoritative)
        flags |= MESSAGE_AA;
    if (put == PUT_FULL)
        flags |= MESSAGE_TC;
    if (edns > 0) {
        writer.limit += edns;
        counts.records[SECTION_ADDITIONAL]++;
        put_edns(&writer, message, answer->rcode, options, edns);
    }
    write_header(&writer, message, flags, &counts);
    return writer.position;
}

size_t message_write_error(const struct message *message, enum rcode rcode, const struct reply_options *options,
                           uint8_t *reply)
{
    struct writer writer;
    struct counts counts = {{0}};
    size_t edns = edns_size(message, options);
    uint16_t flags = reply_flags(message, rcode, options);
    writer_begin(&writer, message, options, options->size_max - options->reserved - edns, reply);
    if (edns > 0) {
        writer.limit += edns;
        counts.records[SECTION_ADDITIONAL] = 1;
        put_edns(&writer, message, rcode, options, edns);
    }
    write_header(&writer, message, flags, &counts);
    return writer.position;
}

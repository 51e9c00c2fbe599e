/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reply.h"

#include "resolver/message.h"
#include "resolver/reply_parse.h"

#include <string.h>

#define EDNS_SIZE    11u   /* bytes of an OPT without options */
#define EDNS_PAYLOAD 1232  /* bytes; what passes unfragmented (DNS flag day 2020) */
#define EDNS_DO      0x80u /* in the third octet of the TTL */

size_t reply_write_question(const struct reply_question *question, bool wants_ad, uint8_t wire[REPLY_QUERY_MAX])
{
    unsigned flags = MESSAGE_RD | (wants_ad ? MESSAGE_AD : 0u) | (question->checking_disabled ? MESSAGE_CD : 0u);
    size_t name = name_size(question->name);
    size_t size = MESSAGE_HEADER_SIZE + name + 4;
    memset(wire, 0, size + EDNS_SIZE);
    write_u16(wire, question->id);
    write_u16(wire + 2, (uint16_t)flags);
    write_u16(wire + 4, 1);
    memcpy(wire + MESSAGE_HEADER_SIZE, question->name, name);
    write_u16(wire + MESSAGE_HEADER_SIZE + name, question->type);
    write_u16(wire + MESSAGE_HEADER_SIZE + name + 2, RRCLASS_IN);
    if (!question->has_edns)
        return size;
    write_u16(wire + 10, 1);
    write_u16(wire + size + 1, RRTYPE_OPT);
    write_u16(wire + size + 3, EDNS_PAYLOAD);
    wire[size + 7] = question->dnssec_ok ? EDNS_DO : 0;
    return size + EDNS_SIZE;
}

/* A server that could not read the question may leave it out; from all others it must come back. */
static bool may_lack_question(unsigned flags)
{
    return (flags & 15) == RCODE_FORMERR || (flags & 15) == RCODE_NOTIMP;
}

/* GOOD, FOREIGN or WRONG_CASE. */
static enum reply_verdict match_question(const struct reply_question *question, const uint8_t *wire, size_t size)
{
    const uint8_t *name = wire + MESSAGE_HEADER_SIZE;
    size_t available = size - MESSAGE_HEADER_SIZE;
    size_t length;
    unsigned count = read_u16(wire + 4);
    if (count == 0 && may_lack_question(read_u16(wire + 2)))
        return REPLY_GOOD;
    if (count != 1 || name_from_wire(name, available, &length) != STATUS_OK || available - length < 4)
        return REPLY_FOREIGN;
    if (!name_equal(name, question->name) || read_u16(name + length) != question->type ||
        read_u16(name + length + 2) != RRCLASS_IN)
        return REPLY_FOREIGN;
    return question->exact_case && memcmp(name, question->name, length) != 0 ? REPLY_WRONG_CASE : REPLY_GOOD;
}

enum reply_verdict reply_match(const struct reply_question *question, const uint8_t *wire, size_t size)
{
    if (size < MESSAGE_HEADER_SIZE || read_u16(wire) != question->id)
        return REPLY_FOREIGN;
    unsigned flags = read_u16(wire + 2);
    if ((flags & MESSAGE_QR) == 0 || MESSAGE_OPCODE(flags) != OPCODE_QUERY)
        return REPLY_FOREIGN;
    enum reply_verdict verdict = match_question(question, wire, size);
    if (verdict != REPLY_GOOD)
        return verdict;
    switch (flags & 15) {
    case RCODE_NOERROR:
    case RCODE_NXDOMAIN:
    case RCODE_YXDOMAIN:
        return (flags & MESSAGE_TC) != 0 ? REPLY_TRUNCATED : REPLY_GOOD;
    case RCODE_FORMERR:
    case RCODE_NOTIMP:
        return question->has_edns ? REPLY_NO_EDNS : REPLY_FAILED;
    default:
        return REPLY_FAILED;
    }
}

int reply_extended_error(const uint8_t *wire, size_t size)
{
    struct reply_parsed parsed;
    int code = reply_parse(wire, size, &parsed) ? parsed.extended_error : -1;
    reply_parsed_clear(&parsed);
    return code;
}

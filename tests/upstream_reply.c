/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/upstream_reply.h"

#include "tests/wire.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE    12
#define TYPE_A         1
#define TYPE_NS        2
#define TYPE_CNAME     5
#define TYPE_SOA       6
#define TYPE_AAAA      28
#define TYPE_OPT       41
#define TYPE_RRSIG     46
#define TYPE_ANY       255
#define CLASS_IN       1
#define FLAG_QR        0x8000
#define FLAG_AA        0x0400
#define FLAG_TC        0x0200
#define FLAG_RD        0x0100
#define FLAG_RA        0x0080
#define FLAG_AD        0x0020
#define FLAG_CD        0x0010
#define RCODE_FORMERR  1
#define RCODE_NXDOMAIN 3
#define BANK           "bank.example"
#define NEGATIVE_TTL   60
#define COUNT_AT       4 /* in the header: questions, answers, authority, additional */

enum section_number { SECTION_ANSWER_NUMBER = 1, SECTION_AUTHORITY_NUMBER, SECTION_ADDITIONAL_NUMBER };

/* A reply in the making. */
struct draft {
    const char *identity; /* NULL: all addresses are the poison */
    const struct upstream_question *question;
    struct upstream_message *reply;
    uint32_t ttl;
};

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_u16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* ---- questions ---- */

/* The offset behind the name, 0: broken. Letters that would need an escape become '?'. */
static size_t read_name(const uint8_t *wire, size_t size, size_t at, struct upstream_question *question)
{
    size_t used = 0;

    while (at < size && wire[at] != 0) {
        size_t length = wire[at++];
        if (length > 63 || at + length >= size || used + length + 2 > sizeof question->name)
            return 0;
        if (used > 0)
            question->name[used++] = '.';
        for (size_t i = 0; i < length; i++) {
            int byte = wire[at + i];
            question->has_capitals = question->has_capitals || isupper(byte);
            question->name[used++] = isgraph(byte) && byte != '.' ? (char)tolower(byte) : '?';
        }
        at += length;
    }
    question->name[used] = '\0';
    return at < size ? at + 1 : 0;
}

static void read_edns(const uint8_t *wire, size_t size, size_t at, struct upstream_question *question)
{
    if (get_u16(wire + 10) == 0 || at + 11 > size || wire[at] != 0 || get_u16(wire + at + 1) != TYPE_OPT)
        return;
    question->has_edns = true;
    question->payload = get_u16(wire + at + 3);
    question->dnssec_ok = (wire[at + 7] & 0x80) != 0;
}

bool upstream_question_read(const uint8_t *wire, size_t size, struct upstream_question *question)
{
    memset(question, 0, sizeof *question);
    if (size < HEADER_SIZE || (wire[2] & 0xf8) != 0 || get_u16(wire + COUNT_AT) != 1)
        return false;
    size_t end = read_name(wire, size, HEADER_SIZE, question);
    if (end == 0 || end + 4 > size || end + 4 - HEADER_SIZE > sizeof question->wire)
        return false;
    question->id = get_u16(wire);
    question->flags = get_u16(wire + 2);
    question->type = get_u16(wire + end);
    question->class = get_u16(wire + end + 2);
    question->wire_size = end + 4 - HEADER_SIZE;
    memcpy(question->wire, wire + HEADER_SIZE, question->wire_size);
    read_edns(wire, size, end + 4, question);
    upstream_conduct_read(question->name, &question->conduct);
    return true;
}

/* ---- records ---- */

static void add_bytes(struct upstream_message *reply, const void *bytes, size_t size)
{
    if (reply->size + size > sizeof reply->bytes)
        wire_die("a reply over 64 KB");
    memcpy(reply->bytes + reply->size, bytes, size);
    reply->size += size;
}

static void add_u16(struct upstream_message *reply, unsigned value)
{
    uint8_t bytes[2];

    put_u16(bytes, value);
    add_bytes(reply, bytes, 2);
}

static void add_u32(struct upstream_message *reply, uint32_t value)
{
    add_u16(reply, value >> 16);
    add_u16(reply, value & 0xffff);
}

static void add_name(struct upstream_message *reply, const char *name)
{
    while (*name != '\0') {
        uint8_t length = (uint8_t)strcspn(name, ".");
        add_bytes(reply, &length, 1);
        add_bytes(reply, name, length);
        name += length + (name[length] == '.' ? 1 : 0);
    }
    add_bytes(reply, "", 1);
}

static void count_record(struct upstream_message *reply, enum section_number section)
{
    uint8_t *count = reply->bytes + COUNT_AT + 2 * section;

    put_u16(count, get_u16(count) + 1u);
}

/* All of a record but its data; returns where the length of the data stands. The question's name is a pointer to it, so
 * that its letters come back as they were asked. */
static size_t begin_record(struct draft *draft, enum section_number section, const char *owner, unsigned type)
{
    struct upstream_message *reply = draft->reply;

    if (strcmp(owner, draft->question->name) == 0)
        add_u16(reply, 0xc000 | HEADER_SIZE);
    else
        add_name(reply, owner);
    add_u16(reply, type);
    add_u16(reply, CLASS_IN);
    add_u32(reply, draft->ttl);
    add_u16(reply, 0);
    count_record(reply, section);
    return reply->size - 2;
}

static void end_record(struct draft *draft, size_t length_at)
{
    put_u16(draft->reply->bytes + length_at, (unsigned)(draft->reply->size - length_at - 2));
}

static void add_record(struct draft *draft, enum section_number section, const char *owner, unsigned type,
                       const void *data, size_t size)
{
    size_t at = begin_record(draft, section, owner, type);

    add_bytes(draft->reply, data, size);
    end_record(draft, at);
}

/* A record that is a name: NS, CNAME. */
static void add_target(struct draft *draft, enum section_number section, const char *owner, unsigned type,
                       const char *target)
{
    size_t at = begin_record(draft, section, owner, type);

    add_name(draft->reply, target);
    end_record(draft, at);
}

static void add_poison(struct draft *draft, enum section_number section, const char *owner)
{
    uint8_t address[4];

    inet_pton(AF_INET, UPSTREAM_POISON, address);
    add_record(draft, section, owner, TYPE_A, address, sizeof address);
}

/* The last two labels. */
static const char *zone_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    while (dot != NULL && dot > name && dot[-1] != '.')
        dot--;
    return dot == NULL ? name : dot;
}

static void add_soa(struct draft *draft)
{
    const char *zone = zone_of(draft->question->name);
    uint32_t negative = draft->question->conduct.ttl > 0 ? draft->ttl : NEGATIVE_TTL;
    size_t at = begin_record(draft, SECTION_AUTHORITY_NUMBER, zone, TYPE_SOA);

    add_name(draft->reply, "ns.isp.example");
    add_name(draft->reply, "hostmaster.isp.example");
    for (unsigned i = 0; i < 4; i++)
        add_u32(draft->reply, 3600);
    add_u32(draft->reply, negative);
    end_record(draft, at);
}

/* Nobody checks it here: it is to come through, and only to who asks for it. */
static void add_signature(struct draft *draft, const char *owner, unsigned type)
{
    struct upstream_message *reply = draft->reply;
    size_t at = begin_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_RRSIG);

    add_u16(reply, type);
    add_u16(reply, 13 << 8 | 3);
    add_u32(reply, draft->ttl);
    add_u32(reply, 2000000000);
    add_u32(reply, 1700000000);
    add_u16(reply, 4711);
    add_name(reply, zone_of(draft->question->name));
    for (uint32_t i = 0; i < 16; i++)
        add_u32(reply, i * 0x01010101u);
    end_record(draft, at);
}

/* ---- the data of a name ---- */

static void add_ipv4(struct draft *draft, const char *owner)
{
    static const char *const ranges[] = {"10.66.66.66", "127.0.0.66", "169.254.66.66", "192.168.66.66"};
    const struct upstream_conduct *conduct = &draft->question->conduct;
    char key[UPSTREAM_NAME_MAX];
    uint8_t address[4];

    if (draft->identity == NULL) {
        add_poison(draft, SECTION_ANSWER_NUMBER, owner);
        return;
    }
    upstream_key(owner, key);
    upstream_ipv4(draft->identity, key, address);
    if (conduct->private == 0 || conduct->private == 4)
        add_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_A, address, sizeof address);
    if (conduct->private != 0) {
        inet_pton(AF_INET, ranges[(conduct->private - 1) % 4], address);
        add_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_A, address, sizeof address);
    }
    for (unsigned i = 0; i < conduct->size / 16; i++) {
        uint8_t more[4] = {50, 255, (uint8_t)(i >> 8), (uint8_t)i};
        add_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_A, more, sizeof more);
    }
}

static void add_ipv6(struct draft *draft, const char *owner)
{
    static const char *const ranges[] = {"fd66::66", "::1", "fe80::66", "fd66::66"};
    unsigned private = draft->question->conduct.private;
    char key[UPSTREAM_NAME_MAX];
    uint8_t address[16];

    upstream_key(owner, key);
    upstream_ipv6(draft->identity == NULL ? "" : draft->identity, key, address);
    if (private == 0 || private == 4)
        add_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_AAAA, address, sizeof address);
    if (private != 0) {
        inet_pton(AF_INET6, ranges[(private - 1) % 4], address);
        add_record(draft, SECTION_ANSWER_NUMBER, owner, TYPE_AAAA, address, sizeof address);
    }
}

static void add_text(struct draft *draft, const char *owner)
{
    char key[UPSTREAM_NAME_MAX];
    char text[256];

    upstream_key(owner, key);
    int size = snprintf(text + 1, sizeof text - 1, "%s %s", draft->identity == NULL ? "poison" : draft->identity, key);
    text[0] = (char)(size > 254 ? 254 : size);
    add_record(draft, SECTION_ANSWER_NUMBER, owner, UPSTREAM_TYPE_TXT, text, 1 + (uint8_t)text[0]);
    for (unsigned i = 0; i < draft->question->conduct.size / 240; i++) {
        memset(text, 'x', sizeof text);
        text[0] = (char)227;
        snprintf(text + 1, 12, "%010u", i);
        text[11] = ' ';
        add_record(draft, SECTION_ANSWER_NUMBER, owner, UPSTREAM_TYPE_TXT, text, 228);
    }
}

/* False: no such data. */
static bool add_data(struct draft *draft, const char *owner)
{
    unsigned type = draft->question->type;

    if (draft->question->conduct.nodata != 0 || draft->question->conduct.rcode == RCODE_NXDOMAIN)
        return false;
    if (type == TYPE_A || type == TYPE_ANY)
        add_ipv4(draft, owner);
    if (type == TYPE_AAAA)
        add_ipv6(draft, owner);
    if (type == UPSTREAM_TYPE_TXT || type == TYPE_ANY)
        add_text(draft, owner);
    bool found = type == TYPE_A || type == TYPE_AAAA || type == UPSTREAM_TYPE_TXT || type == TYPE_ANY;
    if (found && draft->question->dnssec_ok)
        add_signature(draft, owner, type);
    return found;
}

/* The name with label WORD<n> instead of WORD<any>; without it if n is 0. */
static void relabel(const char *name, const char *word, unsigned number, char out[UPSTREAM_NAME_MAX])
{
    size_t used = 0;
    size_t length = strlen(word);

    while (*name != '\0') {
        size_t size = strcspn(name, ".");
        bool hit = size > length && strncmp(name, word, length) == 0 && isdigit((unsigned char)name[length]);
        if (hit && number > 0)
            used += (size_t)snprintf(out + used, UPSTREAM_NAME_MAX - used, "%s%s%u", used > 0 ? "." : "", word, number);
        else if (!hit)
            used +=
                (size_t)snprintf(out + used, UPSTREAM_NAME_MAX - used, "%s%.*s", used > 0 ? "." : "", (int)size, name);
        if (used >= UPSTREAM_NAME_MAX)
            wire_die("a name is too long");
        name += size + (name[size] == '.' ? 1 : 0);
    }
    out[used] = '\0';
}

/* CNAMEs that this answer gives; false: the rest is for another question to find. *owner becomes the last target. */
static bool add_chain(struct draft *draft, char owner[UPSTREAM_NAME_MAX])
{
    const struct upstream_conduct *conduct = &draft->question->conduct;
    static const char *const homes[] = {"www.harbor.example", "lyncdiscoverinternal.foreign.example", "printer.local",
                                        "www.corp.example.net", "localhost"};
    char target[UPSTREAM_NAME_MAX];

    for (unsigned i = conduct->chain; i > 0; i--) {
        relabel(owner, "cname", i - 1, target);
        add_target(draft, SECTION_ANSWER_NUMBER, owner, TYPE_CNAME, target);
        memcpy(owner, target, UPSTREAM_NAME_MAX);
        if (draft->question->type == TYPE_CNAME)
            return false;
    }
    if (conduct->links > 0)
        relabel(owner, "link", conduct->links - 1, target);
    else if (conduct->endless > 0)
        relabel(owner, "endless", conduct->endless, target);
    else if (conduct->loop != 0)
        memcpy(target, owner, UPSTREAM_NAME_MAX);
    else if (conduct->ours != 0)
        snprintf(target, sizeof target, "%s", homes[(conduct->ours - 1) % (sizeof homes / sizeof homes[0])]);
    else
        return true;
    add_target(draft, SECTION_ANSWER_NUMBER, owner, TYPE_CNAME, target);
    if (conduct->ours != 0 && draft->question->type == TYPE_A)
        add_poison(draft, SECTION_ANSWER_NUMBER, target);
    return false;
}

static void add_unasked(struct draft *draft)
{
    switch (draft->question->conduct.poison) {
    case POISON_ADDITIONAL:
        add_poison(draft, SECTION_ADDITIONAL_NUMBER, BANK);
        break;
    case POISON_AUTHORITY:
        add_poison(draft, SECTION_AUTHORITY_NUMBER, BANK);
        break;
    case POISON_ANSWER:
        add_poison(draft, SECTION_ANSWER_NUMBER, BANK);
        break;
    case POISON_NS:
        add_target(draft, SECTION_AUTHORITY_NUMBER, "example", TYPE_NS, "ns." BANK);
        add_target(draft, SECTION_AUTHORITY_NUMBER, "", TYPE_NS, BANK);
        add_poison(draft, SECTION_ADDITIONAL_NUMBER, BANK);
        add_poison(draft, SECTION_ADDITIONAL_NUMBER, "ns." BANK);
        break;
    default:
        break;
    }
}

/* ---- messages ---- */

static void begin_reply(struct draft *draft, unsigned flags)
{
    const struct upstream_question *question = draft->question;
    struct upstream_message *reply = draft->reply;

    memset(reply->bytes, 0, HEADER_SIZE);
    put_u16(reply->bytes, question->id);
    put_u16(reply->bytes + 2, FLAG_QR | FLAG_RA | (question->flags & (FLAG_RD | FLAG_CD)) | flags);
    put_u16(reply->bytes + COUNT_AT, 1);
    reply->size = HEADER_SIZE;
    add_bytes(reply, question->wire, question->wire_size);
    for (size_t i = HEADER_SIZE; question->conduct.lower != 0 && i < reply->size - 4; i++)
        reply->bytes[i] = (uint8_t)tolower(reply->bytes[i]);
}

static void add_edns(struct draft *draft, unsigned extended_rcode)
{
    struct upstream_message *reply = draft->reply;
    unsigned ede = draft->question->conduct.ede;

    if (!draft->question->has_edns || draft->question->conduct.no_edns != 0)
        return;
    add_bytes(reply, "", 1);
    add_u16(reply, TYPE_OPT);
    add_u16(reply, 1232);
    add_u16(reply, extended_rcode << 8);
    add_u16(reply, draft->question->dnssec_ok ? 0x8000 : 0);
    add_u16(reply, ede > 0 ? 6 : 0);
    if (ede > 0) {
        add_u16(reply, 15);
        add_u16(reply, 2);
        add_u16(reply, ede);
    }
    count_record(reply, SECTION_ADDITIONAL_NUMBER);
}

/* A reply without records, by its rcode. */
static bool answer_by_rcode(struct draft *draft)
{
    const struct upstream_conduct *conduct = &draft->question->conduct;

    if (conduct->no_edns != 0 && draft->question->has_edns) {
        begin_reply(draft, RCODE_FORMERR);
        return true;
    }
    if (conduct->bad_version != 0 && draft->question->has_edns) {
        begin_reply(draft, 0);
        add_edns(draft, 1);
        return true;
    }
    if (conduct->rcode == 0 || conduct->rcode == RCODE_NXDOMAIN)
        return false;
    begin_reply(draft, conduct->rcode);
    add_edns(draft, 0);
    return true;
}

static void answer_by_data(struct draft *draft)
{
    const struct upstream_conduct *conduct = &draft->question->conduct;
    char owner[UPSTREAM_NAME_MAX];

    begin_reply(draft,
                conduct->rcode | (conduct->authentic != 0 ? FLAG_AD : 0) | (conduct->authoritative != 0 ? FLAG_AA : 0));
    memcpy(owner, draft->question->name, sizeof owner);
    if (conduct->poison == POISON_ONLY)
        add_poison(draft, SECTION_ANSWER_NUMBER, BANK);
    else if (conduct->referral != 0)
        add_target(draft, SECTION_AUTHORITY_NUMBER, zone_of(owner), TYPE_NS, "ns.isp.example");
    else if (add_chain(draft, owner) && !add_data(draft, owner) && conduct->no_soa == 0)
        add_soa(draft);
    add_unasked(draft);
    add_edns(draft, 0);
}

void upstream_reply_make(const char *identity, const struct upstream_question *question, size_t limit,
                         struct upstream_message *reply)
{
    struct draft draft = {.identity = identity, .question = question, .reply = reply};

    draft.ttl = question->conduct.ttl > 0 ? question->conduct.ttl - 1 : UPSTREAM_TTL;
    if (!answer_by_rcode(&draft))
        answer_by_data(&draft);
    if (reply->size <= limit)
        return;
    begin_reply(&draft, FLAG_TC);
    add_edns(&draft, 0);
}

/* A record in a reply with an equal-sized record behind it that is missing, and the like. */
static void break_reply(unsigned wrong, const struct upstream_question *question, struct upstream_message *reply)
{
    uint8_t *name = reply->bytes + HEADER_SIZE;

    if (wrong == WRONG_ID)
        put_u16(reply->bytes, question->id ^ 0x0101u);
    else if (wrong == WRONG_NAME)
        name[1] = name[1] == 'z' ? 'y' : 'z';
    else if (wrong == WRONG_TYPE)
        put_u16(name + question->wire_size - 4, question->type ^ 0x0100u);
    else if (wrong == WRONG_QR)
        reply->bytes[2] &= 0x7f;
    else if (wrong == WRONG_OPCODE)
        reply->bytes[2] |= 0x28;
    else if (wrong == WRONG_SHORT)
        reply->size = HEADER_SIZE + question->wire_size + 13;
    else if (wrong == WRONG_COUNTS)
        put_u16(reply->bytes + COUNT_AT + 2, 60000);
    else if (wrong == WRONG_EMPTY)
        reply->size = 0;
}

void upstream_reply_spoil(const struct upstream_question *question, struct upstream_message *reply)
{
    struct upstream_question plain = *question;
    unsigned wrong = question->conduct.wrong;

    memset(&plain.conduct, 0, sizeof plain.conduct);
    upstream_reply_make(NULL, &plain, sizeof reply->bytes, reply);
    if (wrong == WRONG_GARBAGE) {
        reply->size = 2;
        for (uint32_t i = 0, noise = question->id; i < 300; i++) {
            noise = noise * 1664525u + 1013904223u;
            uint8_t byte = (uint8_t)(noise >> 24);
            add_bytes(reply, &byte, 1);
        }
    } else if (wrong == WRONG_NOQUESTION) {
        size_t cut = question->wire_size;
        memmove(reply->bytes + HEADER_SIZE, reply->bytes + HEADER_SIZE + cut, reply->size - HEADER_SIZE - cut);
        reply->size -= cut;
        put_u16(reply->bytes + COUNT_AT, 0);
    } else {
        break_reply(wrong, question, reply);
    }
}

void upstream_reply_text(const struct upstream_question *question, const char *text, struct upstream_message *reply)
{
    struct draft draft = {.identity = "", .question = question, .reply = reply};
    uint8_t data[256];
    size_t size = strlen(text);

    if (size > 255)
        size = 255;
    data[0] = (uint8_t)size;
    memcpy(data + 1, text, size);
    begin_reply(&draft, 0);
    add_record(&draft, SECTION_ANSWER_NUMBER, question->name, UPSTREAM_TYPE_TXT, data, size + 1);
    /* In the class that was asked. */
    put_u16(reply->bytes + HEADER_SIZE + question->wire_size + 4, question->class);
}

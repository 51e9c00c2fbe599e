/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an upstream says. First octet: DO, exact case, private addresses allowed, AD believed, EDNS in the question;
 * then the question (a name, two octets of type), then the reply. What is kept of any reply must be sound, can be sent,
 * and when it comes from an upstream again all of it is kept again.
 */
#include "resolver/cached.h"
#include "resolver/message.h"
#include "resolver/reply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_DO = 1, FUZZ_EXACT = 2, FUZZ_PRIVATE = 4, FUZZ_AD = 8, FUZZ_EDNS = 16 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(const struct cached *cached, const uint8_t *start, size_t size)
{
    const uint8_t *block = (const uint8_t *)cached;
    return start >= block && size <= cached->bytes && start <= block + cached->bytes - size;
}

static void check_rrset(const struct cached *cached, const struct cached_rrset *entry)
{
    struct rdata rdata;
    uint32_t position = 0;
    unsigned count = 0;
    size_t size;
    demand(is_inside(cached, entry->owner, 1));
    size_t room = (size_t)((const uint8_t *)cached + cached->bytes - entry->owner);
    demand(name_from_wire(entry->owner, room, &size) == STATUS_OK);
    demand(is_inside(cached, entry->rrset.data, entry->rrset.size));
    while (rrset_next_rdata(&entry->rrset, &position, &rdata))
        count++;
    demand(position == entry->rrset.size && count == entry->rrset.count && count > 0);
    demand(entry->rrset.ttl <= REPLY_TTL_MAX && cached->ttl <= entry->rrset.ttl);
    demand(!rrtype_is_meta(entry->rrset.type));
    demand(entry->section == SECTION_ANSWER || entry->rrset.ttl <= REPLY_NEGATIVE_MAX);
}

static void check_cached(const struct cached *cached)
{
    demand(cached->holders == 1 && cached->links <= cached->count && cached->count <= ANSWER_RRSETS_MAX);
    demand(cached->ttl <= REPLY_TTL_MAX);
    for (unsigned i = 0; i < cached->count; i++)
        check_rrset(cached, &cached->rrsets[i]);
}

/* The answer to a client, as an upstream of somebody else would send it; its size, 0 if it does not fit. */
static size_t send_on(const struct reply_question *question, const struct cached *cached, uint8_t *reply)
{
    static struct answer answer;
    const uint8_t *next;
    uint8_t wire[REPLY_QUERY_MAX];
    struct message message;
    struct reply_options options = {.size_max = MESSAGE_SIZE_MAX, .server_payload = 1232, .keepalive = -1};
    options.extended_error = cached->extended_error;
    demand(message_parse(wire, reply_write_question(question, true, wire), NULL, &message) == PARSE_QUERY);
    answer_reset(&answer);
    cached_append(cached, question->name, cached->stored_ms, NULL, NULL, &answer, &next);
    demand(!answer.overflow && answer.count == cached->count);
    size_t size = message_write(&message, &answer, &options, reply);
    demand(size > 0);
    return (reply[2] & 2) != 0 ? 0 : size;
}

/* Asked in lower case, since the case of what is compressed into the question is lost. */
static void check_again(struct reply_question *question, const struct reply_rules *rules, const struct cached *cached)
{
    static uint8_t reply[MESSAGE_SIZE_MAX];
    uint8_t name[NAME_SIZE_MAX];
    struct cached *again;
    name_to_lower(question->name, name);
    question->name = name;
    size_t size = send_on(question, cached, reply);
    if (size == 0)
        return;
    demand(reply_match(question, reply, size) == REPLY_GOOD);
    demand(reply_scrub(question, rules, reply, size, 0, &again) == REPLY_GOOD);
    demand(again->count == cached->count && again->links == cached->links && again->rcode == cached->rcode);
    for (unsigned i = 0; i < cached->count; i++) {
        const struct cached_rrset *a = &cached->rrsets[i];
        const struct cached_rrset *b = &again->rrsets[i];
        demand(rrset_equal(&a->rrset, &b->rrset) && name_equal(a->owner, b->owner) && a->section == b->section);
    }
    cached_release(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct upstream_group group = {0};
    struct reply_rules rules = {.group = &group};
    struct reply_question question = {0};
    struct cached *cached;
    size_t name;
    if (size < 1 || name_from_wire(data + 1, size - 1, &name) != STATUS_OK || size - 1 - name < 2)
        return 0;
    const uint8_t *wire = data + 1 + name + 2;
    size_t left = size - 1 - name - 2;
    question.name = data + 1;
    question.type = read_u16(data + 1 + name);
    question.id = left < 2 ? 0 : read_u16(wire);
    question.dnssec_ok = (data[0] & FUZZ_DO) != 0;
    question.exact_case = (data[0] & FUZZ_EXACT) != 0;
    question.has_edns = (data[0] & FUZZ_EDNS) != 0;
    rules.private_allowed = (data[0] & FUZZ_PRIVATE) != 0;
    group.trust_ad = (data[0] & FUZZ_AD) != 0;
    reply_extended_error(wire, left);
    /* Most of what a fuzzer makes does not match: what scrub makes of it must be sound as well. */
    enum reply_verdict match = reply_match(&question, wire, left);
    enum reply_verdict verdict = reply_scrub(&question, &rules, wire, left, 1000, &cached);
    demand((cached != NULL) == (verdict == REPLY_GOOD));
    if (cached == NULL)
        return 0;
    check_cached(cached);
    if (match == REPLY_GOOD && left <= MESSAGE_SIZE_MAX)
        check_again(&question, &rules, cached);
    cached_release(cached);
    return 0;
}

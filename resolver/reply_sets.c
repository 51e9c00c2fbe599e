/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reply_sets.h"

#include "resolver/message.h"
#include "resolver/reply_rdata.h"
#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EDE_FILTERED   17 /* RFC 8914 4.18 */
#define ANY_SIGNATURES 0  /* of pick_records: RRSIGs whatever they cover */

bool reply_sets_init(struct reply_sets *sets, const struct reply_question *question, const struct reply_rules *rules,
                     const struct reply_parsed *parsed)
{
    sets->question = question;
    sets->rules = rules;
    sets->parsed = parsed;
    sets->pick_count = 0;
    sets->pick_most = (uint32_t)parsed->count + ANSWER_CHAIN_MAX;
    sets->ttl = UINT32_MAX;
    sets->is_filtered = false;
    sets->count = 0;
    name_to_lower(question->name, sets->asked);
    sets->picks = memory_alloc(sets->pick_most * sizeof *sets->picks);
    return sets->picks != NULL;
}

void reply_sets_clear(struct reply_sets *sets)
{
    memory_free(sets->picks);
    sets->picks = NULL;
}

static int compare_content(const void *a, const void *b)
{
    const struct reply_pick *x = a;
    const struct reply_pick *y = b;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    int order = x->size == 0 ? 0 : memcmp(x->rdata, y->rdata, x->size);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int compare_order(const void *a, const void *b)
{
    const struct reply_pick *x = a;
    const struct reply_pick *y = b;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Of equal RDATA the first stays (RFC 2181 5). Sorted, since a reply may hold thousands. */
static uint32_t drop_doubles(struct reply_pick *picks, uint32_t count)
{
    uint32_t kept = 1;
    if (count < 2)
        return count;
    qsort(picks, count, sizeof *picks, compare_content);
    for (uint32_t i = 1; i < count; i++)
        if (picks[i].size != picks[kept - 1].size ||
            (picks[i].size > 0 && memcmp(picks[i].rdata, picks[kept - 1].rdata, picks[i].size) != 0))
            picks[kept++] = picks[i];
    qsort(picks, kept, sizeof *picks, compare_order);
    return kept;
}

/* The records of a RRset, or the RRSIGs over `covered` there, go to the picks behind pick_count, their TTL into *ttl.
 */
static uint32_t pick_records(const struct reply_sets *sets, enum section section, const uint8_t *owner, uint16_t type,
                             uint16_t covered, uint32_t *ttl)
{
    struct reply_pick *picks = sets->picks + sets->pick_count;
    uint32_t hash = reply_name_hash(owner);
    uint32_t count = 0;
    *ttl = UINT32_MAX;
    for (uint32_t i = 0; i < sets->parsed->count; i++) {
        const struct reply_record *record = &sets->parsed->records[i];
        if (record->type != type || record->hash != hash || record->section != section ||
            (covered != ANY_SIGNATURES && record->covered != covered) ||
            !name_equal(reply_owner(sets->parsed, record), owner))
            continue;
        assert(sets->pick_count + count < sets->pick_most);
        picks[count++] = (struct reply_pick){reply_rdata(sets->parsed, record), record->size, i};
        *ttl = record->ttl < *ttl ? record->ttl : *ttl;
    }
    return drop_doubles(picks, count);
}

static bool may_give_private(const struct reply_sets *sets, const uint8_t *owner)
{
    const struct reply_rules *rules = sets->rules;
    struct glob_subject subject;
    if (rules->private_allowed)
        return true;
    if (rules->group == NULL || rules->group->private_answers.count == 0)
        return false;
    glob_subject(owner, &subject);
    if (glob_list_best(&rules->group->private_answers, &subject) != NULL)
        return true;
    glob_subject(sets->asked, &subject);
    return glob_list_best(&rules->group->private_answers, &subject) != NULL;
}

/* Addresses of our networks from a stranger turn a browser against them (DNS rebinding). */
static bool is_rebinding(const struct reply_sets *sets, const struct reply_set *set)
{
    for (uint32_t i = set->first; i < set->first + set->count; i++) {
        struct rdata rdata = {sets->picks[i].rdata, sets->picks[i].size};
        if (rdata_is_private(set->type, &rdata))
            return !may_give_private(sets, set->owner);
    }
    return false;
}

static uint32_t clamp_ttl(const struct reply_sets *sets, const uint8_t *owner, uint16_t type, uint32_t ttl)
{
    if (sets->rules->policy != NULL)
        ttl = forward_ttl(sets->rules->policy, owner, type, ttl);
    return ttl < REPLY_TTL_MAX ? ttl : REPLY_TTL_MAX;
}

/* RFC 2181 10.1, 5.1, RFC 6672 2.4 */
static bool is_single(uint16_t type)
{
    return type == RRTYPE_CNAME || type == RRTYPE_DNAME || type == RRTYPE_SOA;
}

/* Take the last `set->count` picks as a set. */
static enum reply_keep keep_set(struct reply_sets *sets, struct reply_set *set)
{
    if (set->count > 1 && is_single(set->type))
        return REPLY_KEEP_BAD;
    sets->ttl = set->ttl < sets->ttl ? set->ttl : sets->ttl;
    if (is_rebinding(sets, set)) {
        sets->is_filtered = true;
        return REPLY_KEEP_NONE;
    }
    /* There is room for all that a signed answer needs; what comes over it only ANY has. */
    if (sets->count == REPLY_SETS_MAX)
        return REPLY_KEEP_NONE;
    sets->set[sets->count++] = *set;
    sets->pick_count += set->count;
    return REPLY_KEEP_DONE;
}

/* With DO: the RRSIGs over the last set, with its TTL. They are where it is. */
static void keep_signatures(struct reply_sets *sets)
{
    const struct reply_set *signed_set = &sets->set[sets->count - 1];
    struct reply_set set = *signed_set;
    if (!sets->question->dnssec_ok || signed_set->type == RRTYPE_RRSIG)
        return;
    set.type = RRTYPE_RRSIG;
    set.first = sets->pick_count;
    set.count = pick_records(sets, set.section, set.owner, RRTYPE_RRSIG, signed_set->type, &set.ttl);
    set.ttl = signed_set->ttl;
    if (set.count > 0)
        keep_set(sets, &set);
}

const struct reply_set *reply_sets_find(const struct reply_sets *sets, enum section section, const uint8_t *owner,
                                        uint16_t type)
{
    for (unsigned i = 0; i < sets->count; i++) {
        const struct reply_set *set = &sets->set[i];
        if (set->type == type && set->section == section && name_equal(set->owner, owner))
            return set;
    }
    return NULL;
}

/* What denies lasts for no longer than the SOA's minimum, and an hour (RFC 2308 5). */
static uint32_t denial_ttl(const struct reply_sets *sets, const struct reply_set *set)
{
    const struct reply_pick *pick = &sets->picks[set->first];
    uint32_t minimum = set->type == RRTYPE_SOA ? read_u32(pick->rdata + pick->size - 4) : UINT32_MAX;
    uint32_t ttl = clamp_ttl(sets, set->owner, set->type, set->ttl < minimum ? set->ttl : minimum);
    return ttl < REPLY_NEGATIVE_MAX ? ttl : REPLY_NEGATIVE_MAX;
}

/* Keep a RRset and its RRSIGs. DONE: also if it was kept before. */
enum reply_keep reply_sets_keep(struct reply_sets *sets, enum section section, const uint8_t *owner, uint16_t type)
{
    struct reply_set set = {.owner = owner, .type = type, .section = section, .first = sets->pick_count};
    if (reply_sets_find(sets, section, owner, type) != NULL)
        return REPLY_KEEP_DONE;
    set.count = pick_records(sets, section, owner, type, ANY_SIGNATURES, &set.ttl);
    if (set.count == 0)
        return REPLY_KEEP_NONE;
    set.ttl = section == SECTION_AUTHORITY ? denial_ttl(sets, &set) : clamp_ttl(sets, owner, type, set.ttl);
    enum reply_keep keep = keep_set(sets, &set);
    if (keep == REPLY_KEEP_DONE && sets->question->type != RRTYPE_ANY)
        keep_signatures(sets);
    return keep;
}

enum reply_keep reply_sets_keep_alias(struct reply_sets *sets, const uint8_t *owner, const uint8_t *target,
                                      uint32_t ttl)
{
    struct reply_set set = {.owner = owner, .type = RRTYPE_CNAME, .section = SECTION_ANSWER, .count = 1, .ttl = ttl};
    assert(sets->pick_count < sets->pick_most);
    set.first = sets->pick_count;
    sets->picks[set.first] = (struct reply_pick){.rdata = target, .size = (uint16_t)name_size(target)};
    return keep_set(sets, &set);
}

/* ---- what is handed out ---- */

static size_t owner_size(const struct reply_sets *sets, unsigned i)
{
    bool same = i > 0 && sets->set[i].owner == sets->set[i - 1].owner;
    return same ? 0 : name_size(sets->set[i].owner);
}

static uint32_t data_size(const struct reply_sets *sets, const struct reply_set *set)
{
    uint32_t size = 0;
    for (uint32_t i = set->first; i < set->first + set->count; i++)
        size += 2u + sets->picks[i].size;
    return size;
}

static uint8_t *copy_data(const struct reply_sets *sets, const struct reply_set *set, uint8_t *to)
{
    for (uint32_t i = set->first; i < set->first + set->count; i++) {
        const struct reply_pick *pick = &sets->picks[i];
        write_u16(to, pick->size);
        if (pick->size > 0)
            memcpy(to + 2, pick->rdata, pick->size);
        to += 2 + pick->size;
    }
    return to;
}

static void copy_sets(const struct reply_sets *sets, struct cached *cached)
{
    uint8_t *to = (uint8_t *)&cached->rrsets[sets->count];
    const uint8_t *owner = NULL;
    for (unsigned i = 0; i < sets->count; i++) {
        const struct reply_set *set = &sets->set[i];
        struct cached_rrset *entry = &cached->rrsets[i];
        size_t size = owner_size(sets, i);
        if (size > 0) {
            memcpy(to, set->owner, size);
            owner = to;
            to += size;
        }
        entry->owner = owner;
        entry->section = set->section;
        entry->is_asked = name_equal(set->owner, sets->asked);
        entry->rrset = (struct rrset){.type = set->type, .count = (uint16_t)set->count, .ttl = set->ttl, .data = to};
        to = copy_data(sets, set, to);
        entry->rrset.size = (uint32_t)(to - entry->rrset.data);
    }
    assert(to == (uint8_t *)cached + cached->bytes);
}

struct cached *reply_sets_cached(const struct reply_sets *sets, enum rcode rcode, unsigned links, uint64_t now_ms)
{
    size_t bytes = sizeof(struct cached) + sets->count * sizeof(struct cached_rrset);
    for (unsigned i = 0; i < sets->count; i++)
        bytes += owner_size(sets, i) + data_size(sets, &sets->set[i]);
    struct cached *cached = memory_alloc(bytes);
    if (cached == NULL)
        return NULL;
    const struct upstream_group *group = sets->rules->group;
    bool is_believed = group != NULL && group->trust_ad && !sets->is_filtered;
    uint32_t most = sets->is_filtered ? REPLY_NEGATIVE_MAX : REPLY_TTL_MAX;
    *cached = (struct cached){
        .holders = 1,
        .bytes = (uint32_t)bytes,
        .stored_ms = now_ms,
        .ttl = sets->ttl < most ? sets->ttl : most,
        .rcode = rcode,
        .is_authentic = is_believed && (sets->parsed->flags & MESSAGE_AD) != 0,
        .extended_error = sets->is_filtered ? EDE_FILTERED : sets->parsed->extended_error,
        .links = (uint16_t)links,
        .count = (uint16_t)sets->count,
    };
    copy_sets(sets, cached);
    return cached;
}

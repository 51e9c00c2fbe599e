/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reply.h"

#include "resolver/message.h"
#include "resolver/reply_parse.h"
#include "resolver/reply_sets.h"

#include <string.h>

#define SETS_LAST_HOP (REPLY_SETS_MAX - 20) /* with more of them no hop is begun: data and proofs must find room */
#define PROOFS_MAX    6                     /* NSEC or NSEC3 RRsets; RFC 5155 7.2 needs 3 at most */
#define PROOFS_TRIED  32                    /* records looked at for them */
#define TYPES_TRIED   64                    /* types looked at for ANY */
#define RRSIG_SIGNER  18                    /* bytes in front of the signer's name, RFC 4034 3.1 */

struct scrub {
    const struct reply_parsed *parsed;
    unsigned links;       /* RRsets of the chain */
    unsigned chain_count; /* names of the chain, at least 1 */
    bool is_cut;          /* the chain was left before its end */
    bool is_too_long;     /* the last DNAME made no name */
    bool is_made;         /* what was asked for is the CNAME that a DNAME makes, and the server left it out */
    const uint8_t *chain[ANSWER_CHAIN_MAX + 1];
    uint8_t made[ANSWER_CHAIN_MAX][NAME_SIZE_MAX]; /* targets that DNAMEs made */
    struct reply_sets sets;
};

static const uint8_t *last_name(const struct scrub *scrub)
{
    return scrub->chain[scrub->chain_count - 1];
}

/* ---- the chain ---- */

static const struct reply_record *find_record(const struct scrub *scrub, const uint8_t *owner, uint16_t type)
{
    uint32_t hash = reply_name_hash(owner);
    for (size_t i = 0; i < scrub->parsed->count; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        if (record->section == SECTION_ANSWER && record->hash == hash && record->type == type &&
            name_equal(reply_owner(scrub->parsed, record), owner))
            return record;
    }
    return NULL;
}

/* The deepest DNAME above `name`, whatever the order of the records. */
static const struct reply_record *find_dname(const struct scrub *scrub, const uint8_t *name)
{
    const struct reply_record *found = NULL;
    for (size_t i = 0; i < scrub->parsed->count; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        if (record->section != SECTION_ANSWER || record->type != RRTYPE_DNAME || name[0] == 0)
            continue;
        const uint8_t *owner = reply_owner(scrub->parsed, record);
        if (name_is_at_or_below(name_parent(name), owner) &&
            (found == NULL || name_label_count(owner) > name_label_count(reply_owner(scrub->parsed, found))))
            found = record;
    }
    return found;
}

/* RFC 6672 2.2: the labels below the DNAME's owner, in front of its target. False: too long. */
static bool substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target, uint8_t made[NAME_SIZE_MAX])
{
    size_t front = name_size(name) - name_size(owner);
    size_t back = name_size(target);
    if (front + back > NAME_SIZE_MAX)
        return false;
    memcpy(made, name, front);
    memcpy(made + front, target, back);
    return true;
}

/* The CNAME at the last name is what was asked for, or may stand beside it (RFC 4035 2.5), and leads nowhere. */
static bool stays(const struct scrub *scrub)
{
    uint16_t type = scrub->sets.question->type;
    switch (type) {
    case RRTYPE_CNAME:
    case RRTYPE_ANY:
        return true;
    case RRTYPE_RRSIG:
    case RRTYPE_NSEC:
    case RRTYPE_SIG:
    case RRTYPE_KEY:
    case RRTYPE_NXT:
        return find_record(scrub, last_name(scrub), type) != NULL;
    default:
        return false;
    }
}

enum hop { HOP_END, HOP_NEXT, HOP_BAD };

/*
 * Over the DNAME above the last name. The CNAME is made anew even if the server made it: old servers give it a TTL of 0
 * where the DNAME's is as good (RFC 6672 3.1).
 */
static enum hop hop_dname(struct scrub *scrub, const struct reply_record *dname, const struct reply_record *cname,
                          const uint8_t **target)
{
    uint8_t *made = scrub->made[scrub->chain_count - 1];
    const uint8_t *owner = reply_owner(scrub->parsed, dname);
    bool fits = substitute(last_name(scrub), owner, reply_rdata(scrub->parsed, dname), made);
    if (cname != NULL && (!fits || !name_equal(reply_rdata(scrub->parsed, cname), made)))
        return HOP_BAD;
    if (reply_sets_keep(&scrub->sets, SECTION_ANSWER, owner, RRTYPE_DNAME) != REPLY_KEEP_DONE)
        return HOP_BAD;
    scrub->links = scrub->sets.count;
    scrub->is_too_long = !fits;
    if (!fits || (cname != NULL && stays(scrub)))
        return HOP_END;
    uint32_t ttl = reply_sets_find(&scrub->sets, SECTION_ANSWER, owner, RRTYPE_DNAME)->ttl;
    uint16_t type = scrub->sets.question->type;
    *target = made;
    scrub->is_made = cname == NULL && (type == RRTYPE_CNAME || type == RRTYPE_ANY);
    if (reply_sets_keep_alias(&scrub->sets, last_name(scrub), made, ttl) != REPLY_KEEP_DONE)
        return HOP_BAD;
    return scrub->is_made ? HOP_END : HOP_NEXT;
}

static enum hop hop_cname(struct scrub *scrub, const struct reply_record *cname, const uint8_t **target)
{
    if (stays(scrub))
        return HOP_END;
    *target = reply_rdata(scrub->parsed, cname);
    return reply_sets_keep(&scrub->sets, SECTION_ANSWER, last_name(scrub), RRTYPE_CNAME) == REPLY_KEEP_DONE ? HOP_NEXT
                                                                                                            : HOP_BAD;
}

static bool is_in_chain(const struct scrub *scrub, const uint8_t *name)
{
    for (unsigned i = 0; i < scrub->chain_count; i++)
        if (name_equal(scrub->chain[i], name))
            return true;
    return false;
}

/* From the name asked to the one whose data, or whose absence, is the answer. False: malformed. */
static bool walk_chain(struct scrub *scrub)
{
    for (;;) {
        const uint8_t *target = NULL;
        const struct reply_record *cname = find_record(scrub, last_name(scrub), RRTYPE_CNAME);
        const struct reply_record *dname = find_dname(scrub, last_name(scrub));
        if (cname == NULL && dname == NULL)
            return true;
        scrub->is_cut = scrub->chain_count > ANSWER_CHAIN_MAX || scrub->sets.count > SETS_LAST_HOP;
        if (scrub->is_cut)
            return true;
        enum hop hop = dname != NULL ? hop_dname(scrub, dname, cname, &target) : hop_cname(scrub, cname, &target);
        if (hop != HOP_NEXT)
            return hop == HOP_END;
        scrub->links = scrub->sets.count;
        scrub->is_cut = is_in_chain(scrub, target);
        if (scrub->is_cut)
            return true;
        scrub->chain[scrub->chain_count++] = target;
    }
}

/* ---- its end ---- */

/* All that belongs to the name. False: malformed. */
static bool keep_any(struct scrub *scrub, bool *has_data)
{
    uint16_t tried[TYPES_TRIED];
    unsigned count = 0;
    for (size_t i = 0; i < scrub->parsed->count && count < TYPES_TRIED; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        unsigned at = 0;
        while (at < count && tried[at] != record->type)
            at++;
        if (at < count || record->section != SECTION_ANSWER ||
            !name_equal(reply_owner(scrub->parsed, record), last_name(scrub)))
            continue;
        tried[count++] = record->type;
        if (reply_sets_keep(&scrub->sets, SECTION_ANSWER, last_name(scrub), record->type) == REPLY_KEEP_BAD)
            return false;
    }
    *has_data = count > 0;
    return true;
}

/* *has_data: there were some, kept or not. False: malformed. */
static bool keep_data(struct scrub *scrub, bool *has_data)
{
    uint16_t type = scrub->sets.question->type;
    if (type == RRTYPE_ANY)
        return keep_any(scrub, has_data);
    *has_data = find_record(scrub, last_name(scrub), type) != NULL;
    return !*has_data || reply_sets_keep(&scrub->sets, SECTION_ANSWER, last_name(scrub), type) != REPLY_KEEP_BAD;
}

/* A zone that holds a name of the chain signed it. */
static bool is_proof(const struct scrub *scrub, const struct reply_record *proof)
{
    const uint8_t *owner = reply_owner(scrub->parsed, proof);
    for (size_t i = 0; i < scrub->parsed->count; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        if (record->section != SECTION_AUTHORITY || record->covered != proof->type || record->hash != proof->hash ||
            !name_equal(reply_owner(scrub->parsed, record), owner))
            continue;
        const uint8_t *signer = reply_rdata(scrub->parsed, record) + RRSIG_SIGNER;
        if (!name_is_at_or_below(owner, signer))
            continue;
        for (unsigned j = 0; j < scrub->chain_count; j++)
            if (name_is_at_or_below(scrub->chain[j], signer))
                return true;
    }
    return false;
}

/* Of a denial, or of what a wildcard gave (RFC 4035 3.1.3). */
static void keep_proofs(struct scrub *scrub)
{
    unsigned tried = 0;
    unsigned kept = 0;
    if (!scrub->sets.question->dnssec_ok)
        return;
    for (size_t i = 0; i < scrub->parsed->count && tried < PROOFS_TRIED && kept < PROOFS_MAX; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        if (record->section != SECTION_AUTHORITY || (record->type != RRTYPE_NSEC && record->type != RRTYPE_NSEC3))
            continue;
        tried++;
        if (reply_sets_find(&scrub->sets, SECTION_AUTHORITY, reply_owner(scrub->parsed, record), record->type) !=
                NULL ||
            !is_proof(scrub, record))
            continue;
        if (reply_sets_keep(&scrub->sets, SECTION_AUTHORITY, reply_owner(scrub->parsed, record), record->type) ==
            REPLY_KEEP_DONE)
            kept++;
    }
}

/* Servers that send the asker elsewhere name others and are not the zone's. */
static bool is_referral(const struct scrub *scrub)
{
    if (scrub->links > 0 || scrub->parsed->rcode != RCODE_NOERROR || (scrub->parsed->flags & MESSAGE_AA) != 0)
        return false;
    for (size_t i = 0; i < scrub->parsed->count; i++)
        if (scrub->parsed->records[i].section == SECTION_AUTHORITY && scrub->parsed->records[i].type == RRTYPE_NS)
            return true;
    return false;
}

static enum reply_verdict keep_denial(struct scrub *scrub)
{
    for (size_t i = 0; i < scrub->parsed->count; i++) {
        const struct reply_record *record = &scrub->parsed->records[i];
        if (record->section != SECTION_AUTHORITY || record->type != RRTYPE_SOA ||
            !name_is_at_or_below(last_name(scrub), reply_owner(scrub->parsed, record)))
            continue;
        if (reply_sets_keep(&scrub->sets, SECTION_AUTHORITY, reply_owner(scrub->parsed, record), RRTYPE_SOA) ==
            REPLY_KEEP_BAD)
            return REPLY_MALFORMED;
        keep_proofs(scrub);
        return REPLY_GOOD;
    }
    if (is_referral(scrub))
        return REPLY_FAILED;
    /* An unfinished chain lasts as long as its CNAMEs; a denial without a SOA is not kept (RFC 2308 5). */
    if (scrub->parsed->rcode == RCODE_NXDOMAIN || scrub->links == 0)
        scrub->sets.ttl = 0;
    return REPLY_GOOD;
}

static enum reply_verdict scrub_sections(struct scrub *scrub, enum rcode *rcode)
{
    bool has_data = false;
    *rcode = (enum rcode)scrub->parsed->rcode;
    if (!walk_chain(scrub))
        return REPLY_MALFORMED;
    if (scrub->is_cut) {
        *rcode = RCODE_NOERROR;
        return REPLY_GOOD;
    }
    if (scrub->is_too_long)
        return *rcode == RCODE_YXDOMAIN ? REPLY_GOOD : REPLY_MALFORMED;
    if (*rcode == RCODE_YXDOMAIN)
        return REPLY_FAILED;
    if (scrub->is_made)
        has_data = true;
    else if (!keep_data(scrub, &has_data))
        return REPLY_MALFORMED;
    if (!has_data)
        return keep_denial(scrub);
    /* Of what was filtered there is nothing to prove. */
    if (!scrub->sets.is_filtered)
        keep_proofs(scrub);
    return *rcode == RCODE_NOERROR ? REPLY_GOOD : REPLY_MALFORMED;
}

static enum reply_verdict scrub_parsed(struct scrub *scrub, uint64_t now_ms, struct cached **cached)
{
    enum rcode rcode;
    scrub->links = 0;
    scrub->is_cut = false;
    scrub->is_too_long = false;
    scrub->is_made = false;
    scrub->chain[0] = scrub->sets.asked;
    scrub->chain_count = 1;
    enum reply_verdict verdict = scrub_sections(scrub, &rcode);
    if (verdict != REPLY_GOOD)
        return verdict;
    *cached = reply_sets_cached(&scrub->sets, rcode, scrub->links, now_ms);
    return *cached == NULL ? REPLY_MALFORMED : REPLY_GOOD;
}

/* What an rcode that is no answer asks for. */
static enum reply_verdict judge_failure(const struct reply_question *question, unsigned rcode)
{
    return rcode == RCODE_BADVERS && question->has_edns ? REPLY_NO_EDNS : REPLY_FAILED;
}

static enum reply_verdict scrub_answer(const struct reply_question *question, const struct reply_rules *rules,
                                       const struct reply_parsed *parsed, uint64_t now_ms, struct cached **cached)
{
    struct scrub scrub;
    scrub.parsed = parsed;
    bool has_room = reply_sets_init(&scrub.sets, question, rules, parsed);
    enum reply_verdict verdict = has_room ? scrub_parsed(&scrub, now_ms, cached) : REPLY_MALFORMED;
    reply_sets_clear(&scrub.sets);
    return verdict;
}

enum reply_verdict reply_scrub(const struct reply_question *question, const struct reply_rules *rules,
                               const uint8_t *wire, size_t size, uint64_t now_ms, struct cached **cached)
{
    struct reply_parsed parsed;
    enum reply_verdict verdict = REPLY_MALFORMED;
    *cached = NULL;
    if (reply_parse(wire, size, &parsed)) {
        bool is_answer =
            parsed.rcode == RCODE_NOERROR || parsed.rcode == RCODE_NXDOMAIN || parsed.rcode == RCODE_YXDOMAIN;
        verdict =
            is_answer ? scrub_answer(question, rules, &parsed, now_ms, cached) : judge_failure(question, parsed.rcode);
    }
    reply_parsed_clear(&parsed);
    return verdict;
}

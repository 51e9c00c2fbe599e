/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/cached.h"

#include "zones/memory.h"

#include <assert.h>

struct cached *cached_failure(int extended_error, uint64_t now_ms)
{
    struct cached *cached = memory_zalloc(1, sizeof *cached);
    if (cached == NULL)
        return NULL;
    cached->holders = 1;
    cached->bytes = sizeof *cached;
    cached->stored_ms = now_ms;
    cached->ttl = CACHED_FAILURE_TTL;
    cached->rcode = RCODE_SERVFAIL;
    cached->extended_error = extended_error < 0 || extended_error > INT16_MAX ? -1 : (int16_t)extended_error;
    return cached;
}

void cached_hold(struct cached *cached)
{
    assert(cached->holders < UINT32_MAX);
    cached->holders++;
}

void cached_release(struct cached *cached)
{
    if (cached == NULL)
        return;
    assert(cached->holders > 0);
    if (--cached->holders == 0)
        memory_free(cached);
}

/* A clock that stood still, or was read before the answer came, counts as no time. */
static uint64_t seconds_since(const struct cached *cached, uint64_t now_ms)
{
    return now_ms > cached->stored_ms ? (now_ms - cached->stored_ms) / 1000 : 0;
}

uint32_t cached_ttl_left(const struct cached *cached, uint64_t now_ms)
{
    uint64_t elapsed = seconds_since(cached, now_ms);
    return elapsed < cached->ttl ? cached->ttl - (uint32_t)elapsed : 0;
}

bool cached_is_failure(const struct cached *cached)
{
    return cached->rcode == RCODE_SERVFAIL;
}

#define EDE_FILTERED 17 /* RFC 8914 4.18 */

/* How the RRsets of one answer are appended. */
struct appender {
    struct answer *answer;
    unsigned before; /* RRsets that stood in the answer already */
    const uint8_t *name;
    uint64_t elapsed; /* seconds */
    bool is_stale;
    bool was_there; /* the last RRset that is no RRSIG */
};

/* Only our own part can hold a RRset that comes again. RRSIGs of one owner differ by what they cover: they go with the
 * RRset that they stand behind. */
static bool is_there(struct appender *appender, const struct cached_rrset *entry)
{
    if (entry->rrset.type != RRTYPE_RRSIG)
        appender->was_there = appender->before > 0 && answer_has(appender->answer, entry->owner, entry->rrset.type);
    return appender->was_there;
}

/* False: the answer is full. */
static bool append(struct appender *appender, const struct cached_rrset *entry)
{
    struct answer_rrset *added;
    /* The asker's own spelling of its name comes back, and costs no bytes on the wire. Not where a name is denied: it
     * may be an ancestor's denial. */
    bool is_name = entry->is_asked && entry->section == SECTION_ANSWER;
    const uint8_t *owner = is_name ? appender->name : entry->owner;
    if (is_there(appender, entry))
        return true;
    if (!answer_add(appender->answer, entry->section, owner, &entry->rrset, &added))
        return false;
    uint32_t ttl = entry->rrset.ttl;
    added->rrset.ttl = appender->is_stale        ? CACHED_STALE_TTL
                       : ttl > appender->elapsed ? ttl - (uint32_t)appender->elapsed
                                                 : 0;
    if (entry->rrset.type == RRTYPE_SOA)
        added->serial = read_u32(entry->rrset.data + entry->rrset.size - SOA_FIXED_SIZE);
    return true;
}

static void skip_signatures(const struct cached *cached, unsigned *at)
{
    while (*at + 1u < cached->links && cached->rrsets[*at + 1].rrset.type == RRTYPE_RRSIG)
        ++*at;
}

/* RRSIGs stand behind what they cover. */
static bool append_signatures(struct appender *appender, const struct cached *cached, unsigned *at)
{
    while (*at + 1u < cached->links && cached->rrsets[*at + 1].rrset.type == RRTYPE_RRSIG)
        if (!append(appender, &cached->rrsets[++*at]))
            return false;
    return true;
}

static enum outcome outcome_of(const struct cached *cached)
{
    if (cached->rcode == RCODE_SERVFAIL)
        return OUTCOME_FAILURE;
    if (cached->rcode == RCODE_NXDOMAIN)
        return OUTCOME_NXDOMAIN;
    if (cached->rcode == RCODE_YXDOMAIN)
        return OUTCOME_YXDOMAIN;
    bool has_data = cached->links < cached->count && cached->rrsets[cached->links].section == SECTION_ANSWER;
    return has_data ? OUTCOME_ANSWER : OUTCOME_NODATA;
}

/* RDATA stand behind their length; a CNAME's are its target. */
static const uint8_t *cname_target(const struct cached_rrset *entry)
{
    return entry->rrset.data + 2;
}

/* The name that a chain stops at without a word about it: no data, no denial. NULL: there is no such. */
static const uint8_t *unfinished(const struct cached *cached)
{
    if (cached->rcode != RCODE_NOERROR || cached->links < cached->count || cached->extended_error == EDE_FILTERED)
        return NULL;
    for (unsigned i = cached->links; i > 0; i--)
        if (cached->rrsets[i - 1].rrset.type == RRTYPE_CNAME)
            return cname_target(&cached->rrsets[i - 1]);
    return NULL;
}

void cached_append(const struct cached *cached, const uint8_t *name, uint64_t now_ms,
                   bool (*is_ours)(void *context, const uint8_t *name), void *context, struct answer *answer,
                   const uint8_t **next)
{
    struct appender appender = {.answer = answer, .before = answer->count, .name = name};
    appender.elapsed = seconds_since(cached, now_ms);
    appender.is_stale = cached->ttl > 0 && appender.elapsed >= cached->ttl;
    for (unsigned i = 0; i < cached->count; i++) {
        const struct cached_rrset *entry = &cached->rrsets[i];
        if (i < cached->links && entry->rrset.type == RRTYPE_DNAME && is_ours != NULL &&
            is_ours(context, entry->owner)) {
            skip_signatures(cached, &i);
            continue;
        }
        if (!append(&appender, entry))
            break;
        if (i >= cached->links || entry->rrset.type != RRTYPE_CNAME || is_ours == NULL)
            continue;
        const uint8_t *target = cname_target(entry);
        if (!is_ours(context, target))
            continue;
        append_signatures(&appender, cached, &i);
        *next = target;
        return;
    }
    if (answer->overflow)
        *next = NULL;
    else
        *next = unfinished(cached);
    answer->rcode = cached->rcode;
    answer->outcome = outcome_of(cached);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Does an answer hold what a view test wants? */
#include "policy/casefile_test.h"

#include "policy/casefile.h"

#include "zones/diff.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RDATA_SHOWN 300 /* bytes of one record */

/* SvcParamKeys of addresses (RFC 9460 14.3.2). */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6 };

struct judge {
    const struct case_line *line;
    const struct case_test *test;
    const struct policy *policy;
    const struct answer *answer;
    const struct forward_route *route;
    uint16_t type;
    char *why;
    size_t size;
};

static void append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void append(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void complain(struct judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct judge *judge, const char *format, ...)
{
    char text[CASEFILE_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    append(judge->why, judge->size, "%s%s", judge->why[0] != '\0' ? "; " : "", text);
}

/* ---- an answer as text ---- */

static void rdata_text(uint16_t type, const struct rdata *rdata, char text[RDATA_SHOWN])
{
    if (zonefile_rdata_to_text(type, rdata, text, RDATA_SHOWN) != STATUS_OK)
        snprintf(text, RDATA_SHOWN, "(%u octets)", rdata->size);
}

static void append_rrset(const struct rrset *rrset, char *text, size_t size)
{
    const char *separator = "";
    uint32_t position = 0;
    struct rdata rdata;

    while (rrset_next_rdata(rrset, &position, &rdata)) {
        char record[RDATA_SHOWN];
        rdata_text(rrset->type, &rdata, record);
        append(text, size, "%s%s", separator, record);
        separator = ", ";
    }
    append(text, size, " (TTL %" PRIu32 ")", rrset->ttl);
}

static const char *rcode_word(const struct answer *answer)
{
    switch (answer->rcode) {
    case RCODE_NOERROR:
        return answer->outcome == OUTCOME_DELEGATION ? "a referral" : "NODATA";
    case RCODE_SERVFAIL:
        return "SERVFAIL";
    case RCODE_NXDOMAIN:
        return "NXDOMAIN";
    case RCODE_REFUSED:
        return "REFUSED";
    case RCODE_YXDOMAIN:
        return "YXDOMAIN";
    case RCODE_FORMERR:
    case RCODE_NOTIMP:
    case RCODE_NOTAUTH:
    case RCODE_BADVERS:
        break;
    }
    return "an error";
}

static const struct answer_rrset *find_soa(const struct answer *answer)
{
    for (uint16_t i = 0; i < answer->count; i++)
        if (answer->rrsets[i].section == SECTION_AUTHORITY && answer->rrsets[i].rrset.type == RRTYPE_SOA)
            return &answer->rrsets[i];
    return NULL;
}

static bool has_data(const struct answer *answer)
{
    return answer->rcode == RCODE_NOERROR && answer->outcome == OUTCOME_ANSWER;
}

static bool is_forwarded(const struct answer *answer)
{
    return answer->outcome == OUTCOME_FORWARD;
}

void case_answer_text(const struct case_got *got, uint16_t type, char *text, size_t size)
{
    const struct answer *answer = got->answer;
    const struct answer_rrset *soa = find_soa(answer);
    const char *separator = "";

    text[0] = '\0';
    for (uint16_t i = 0; i < answer->count && answer->rrsets[i].section == SECTION_ANSWER; i++) {
        const struct rrset *rrset = &answer->rrsets[i].rrset;
        char word[RRTYPE_TEXT_MAX];
        rrtype_to_text(rrset->type, word);
        append(text, size, "%s%s%s", separator, rrset->type == type ? "" : word, rrset->type == type ? "" : " ");
        append_rrset(rrset, text, size);
        separator = ", then ";
    }
    if (is_forwarded(answer))
        append(text, size, "%sFORWARD:%s", separator, got->route->group->name);
    if (has_data(answer) || is_forwarded(answer))
        return;
    bool is_bare = answer->outcome == OUTCOME_OUT_OF_ZONE && answer->rcode == RCODE_NOERROR;
    append(text, size, "%s%s", separator, is_bare ? "a name of no zone of the view" : rcode_word(answer));
    if (soa != NULL)
        append(text, size, " (TTL %" PRIu32 ")", soa->rrset.ttl);
}

/* ---- rcode ---- */

static bool has_type(const struct answer *answer, uint16_t type)
{
    for (uint16_t i = 0; i < answer->count && answer->rrsets[i].section == SECTION_ANSWER; i++)
        if (answer->rrsets[i].rrset.type == type || type == RRTYPE_ANY)
            return true;
    return false;
}

static bool is_rcode(const struct judge *judge, enum case_rcode rcode)
{
    enum rcode found = judge->answer->rcode;

    /* What is still to be asked has no rcode yet. */
    if (is_forwarded(judge->answer) || rcode == CASE_FORWARD)
        return rcode == CASE_UNJUDGED || (rcode == CASE_FORWARD && is_forwarded(judge->answer));
    switch (rcode) {
    case CASE_UNJUDGED:
        return true;
    case CASE_NOERROR:
        return found == RCODE_NOERROR;
    case CASE_NODATA:
        return found == RCODE_NOERROR && !has_type(judge->answer, judge->type);
    case CASE_NXDOMAIN:
        return found == RCODE_NXDOMAIN;
    case CASE_SERVFAIL:
        return found == RCODE_SERVFAIL;
    case CASE_REFUSED:
        return found == RCODE_REFUSED;
    case CASE_YXDOMAIN:
        return found == RCODE_YXDOMAIN;
    case CASE_FORWARD:
        return false;
    }
    return false;
}

static void judge_rcode(struct judge *judge)
{
    enum case_rcode wanted = judge->test->rcode;

    if (!is_rcode(judge, wanted))
        complain(judge, "wanted %s", case_rcode_text(wanted));
    else if (judge->test->upstream != NULL && strcmp(judge->test->upstream, judge->route->group->name) != 0)
        complain(judge, "wanted upstream %s, found %s", judge->test->upstream, judge->route->group->name);
}

/* ---- records ---- */

/* The last RRset of the type: the end of a chain. */
static const struct answer_rrset *find_records(const struct judge *judge)
{
    const struct answer_rrset *found = NULL;
    const struct answer *answer = judge->answer;

    for (uint16_t i = 0; i < answer->count && answer->rrsets[i].section == SECTION_ANSWER; i++)
        if (answer->rrsets[i].rrset.type == judge->type)
            found = &answer->rrsets[i];
    return found;
}

static bool is_wanted(const struct case_records *records, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 2 <= records->data.size;) {
        size_t length = read_u16(records->data.data + at);
        if (length == size && memcmp(records->data.data + at + 2, bytes, size) == 0)
            return true;
        at += 2 + length;
    }
    return false;
}

/* The first record that was not asked for, and how many were. An RRset holds each record once. */
static bool find_unwanted(const struct rrset *rrset, const struct case_records *records, struct rdata *unwanted,
                          uint32_t *matched)
{
    uint8_t lower[RRSET_RDATA_MAX];
    uint32_t position = 0;
    struct rdata rdata;

    *matched = 0;
    while (rrset_next_rdata(rrset, &position, &rdata)) {
        case_lower_rdata(rrset->type, &rdata, lower);
        if (!is_wanted(records, lower, rdata.size)) {
            *unwanted = rdata;
            return true;
        }
        (*matched)++;
    }
    return false;
}

static void judge_records(struct judge *judge, size_t type_index)
{
    const struct answer_rrset *found = find_records(judge);
    const struct case_test *test = judge->test;
    struct rdata unwanted;
    uint32_t matched;

    if (!test->has_records || !is_rcode(judge, test->rcode))
        return;
    if (found == NULL) {
        complain(judge, "wanted records");
        return;
    }
    if (test->any_records)
        return;
    if (find_unwanted(&found->rrset, &test->records[type_index], &unwanted, &matched)) {
        char record[RDATA_SHOWN];
        rdata_text(judge->type, &unwanted, record);
        complain(judge, "%s is not wanted", record);
    } else if (matched != test->records[type_index].count) {
        complain(judge, "%" PRIu32 " of the %" PRIu32 " records wanted are missing",
                 test->records[type_index].count - matched, test->records[type_index].count);
    }
}

/* The next CNAME of the chain from RRset number *next on; its target, NULL at the end. */
static const uint8_t *next_hop(const struct judge *judge, uint16_t *next)
{
    const struct answer *answer = judge->answer;

    while (*next < answer->count && answer->rrsets[*next].section == SECTION_ANSWER) {
        const struct rrset *rrset = &answer->rrsets[(*next)++].rrset;
        uint32_t position = 0;
        struct rdata rdata;
        if (rrset->type == RRTYPE_CNAME && rrset_next_rdata(rrset, &position, &rdata))
            return rdata_target(RRTYPE_CNAME, &rdata);
    }
    return NULL;
}

static void judge_hops(struct judge *judge)
{
    const struct bytes *hops = &judge->test->hops;
    uint16_t next = 0;

    for (size_t at = 0; at < hops->size; at += name_size(hops->data + at)) {
        const uint8_t *wanted = hops->data + at;
        const uint8_t *hop = next_hop(judge, &next);
        while (hop != NULL && !name_equal(hop, wanted))
            hop = next_hop(judge, &next);
        if (hop == NULL) {
            char text[NAME_TEXT_MAX];
            name_to_text(wanted, text);
            complain(judge, "wanted a CNAME to %s on the way", text);
            return;
        }
    }
}

static void judge_direct(struct judge *judge)
{
    const struct answer *answer = judge->answer;

    for (uint16_t i = 0; judge->test->direct && i < answer->count; i++) {
        uint16_t type = answer->rrsets[i].rrset.type;
        bool is_alias = type == RRTYPE_CNAME || type == RRTYPE_DNAME;
        if (is_alias && answer->rrsets[i].section == SECTION_ANSWER && type != judge->type) {
            complain(judge, "wanted no %s on the way", type == RRTYPE_CNAME ? "CNAME" : "DNAME");
            return;
        }
    }
}

/* ---- TTL ---- */

static bool counts_for_ttl(const struct answer *answer, const struct answer_rrset *entry)
{
    if (entry->section == SECTION_ANSWER)
        return true;
    return entry->section == SECTION_AUTHORITY &&
           (entry->rrset.type == RRTYPE_SOA || answer->outcome == OUTCOME_DELEGATION);
}

static void judge_ttl(struct judge *judge)
{
    const struct case_test *test = judge->test;
    bool found = false;

    if (!test->has_ttl)
        return;
    for (uint16_t i = 0; i < judge->answer->count; i++) {
        const struct answer_rrset *entry = &judge->answer->rrsets[i];
        char type[RRTYPE_TEXT_MAX];
        if (!counts_for_ttl(judge->answer, entry))
            continue;
        found = true;
        if (entry->rrset.ttl >= test->ttl_min && entry->rrset.ttl <= test->ttl_max)
            continue;
        rrtype_to_text(entry->rrset.type, type);
        if (test->ttl_min == test->ttl_max)
            complain(judge, "wanted TTL %" PRIu32 ", %s has %" PRIu32, test->ttl_min, type, entry->rrset.ttl);
        else
            complain(judge, "wanted a TTL from %" PRIu32 " to %" PRIu32 ", %s has %" PRIu32, test->ttl_min,
                     test->ttl_max, type, entry->rrset.ttl);
    }
    if (!found)
        complain(judge, "wanted a TTL, but there is no record%s",
                 is_forwarded(judge->answer) ? " before an upstream is asked" : "");
}

/* ---- what must not appear ---- */

static bool is_banned_address(const struct case_ban *ban, const uint8_t *bytes, size_t size)
{
    struct address address = address_from_bytes(bytes, size);

    return ban->kind == CASE_BAN_PRIVATE ? address_is_private(&address) : prefix_contains(&ban->network, &address);
}

static bool is_banned_list(const struct case_ban *ban, const uint8_t *bytes, size_t length, size_t size)
{
    for (size_t at = 0; length - at >= size; at += size)
        if (is_banned_address(ban, bytes + at, size))
            return true;
    return false;
}

static bool is_banned_hint(const struct case_ban *ban, uint16_t type, const struct rdata *rdata)
{
    const uint8_t *target = rdata_target(type, rdata);

    if (target == NULL)
        return false;
    size_t at = (size_t)(target - rdata->bytes) + name_size(target);
    while (rdata->size >= at + 4) {
        unsigned key = read_u16(rdata->bytes + at);
        size_t length = read_u16(rdata->bytes + at + 2);
        at += 4;
        if (rdata->size - at < length)
            return false;
        if (key == KEY_IPV4HINT && is_banned_list(ban, rdata->bytes + at, length, 4))
            return true;
        if (key == KEY_IPV6HINT && is_banned_list(ban, rdata->bytes + at, length, 16))
            return true;
        at += length;
    }
    return false;
}

static bool holds_address(const struct case_ban *ban, uint16_t type, const struct rdata *rdata)
{
    if (type == RRTYPE_A)
        return rdata->size == 4 && is_banned_address(ban, rdata->bytes, 4);
    if (type == RRTYPE_AAAA)
        return rdata->size == 16 && is_banned_address(ban, rdata->bytes, 16);
    if (type == RRTYPE_SVCB || type == RRTYPE_HTTPS)
        return is_banned_hint(ban, type, rdata);
    return false;
}

static bool holds_name(const struct case_ban *ban, uint16_t type, const struct rdata *rdata)
{
    struct rrtype_layout layout = rrtype_layout(type);
    size_t at = layout.prefix;

    for (unsigned i = 0; i < layout.names && at < rdata->size; i++) {
        size_t size;
        if (name_from_wire(rdata->bytes + at, rdata->size - at, &size) != STATUS_OK)
            return false;
        if (name_equal(rdata->bytes + at, ban->name))
            return true;
        at += size;
    }
    return false;
}

static bool is_banned_rrset(const struct case_ban *ban, const struct answer_rrset *entry)
{
    uint32_t position = 0;
    struct rdata rdata;

    if (ban->kind == CASE_BAN_TYPE)
        return entry->rrset.type == ban->type;
    if (ban->kind == CASE_BAN_NAME && name_equal(entry->owner, ban->name))
        return true;
    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        bool found = ban->kind == CASE_BAN_NAME ? holds_name(ban, entry->rrset.type, &rdata)
                                                : holds_address(ban, entry->rrset.type, &rdata);
        if (found)
            return true;
    }
    return false;
}

static bool is_banned(const struct judge *judge, const struct case_ban *ban)
{
    if (ban->kind == CASE_BAN_RCODE)
        return is_rcode(judge, ban->rcode);
    for (uint16_t i = 0; i < judge->answer->count; i++)
        if (is_banned_rrset(ban, &judge->answer->rrsets[i]))
            return true;
    return false;
}

static void judge_bans(struct judge *judge)
{
    for (size_t i = 0; i < judge->test->ban_count; i++)
        if (is_banned(judge, &judge->test->bans[i]))
            complain(judge, "!%s appears", judge->test->bans[i].text);
}

/* ---- same as ---- */

static const struct answer_rrset *find_twin(const struct answer *answer, const struct answer_rrset *wanted)
{
    for (uint16_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->section == wanted->section && entry->rrset.type == wanted->rrset.type &&
            (wanted->rrset.type == RRTYPE_SOA || name_equal(entry->owner, wanted->owner)))
            return entry;
    }
    return NULL;
}

/* Of the SOA of a negative answer only the TTL matters: two zones of one name have two. */
static bool has_same(const struct answer *answer, const struct answer_rrset *wanted)
{
    const struct answer_rrset *twin = find_twin(answer, wanted);

    if (twin == NULL)
        return false;
    if (wanted->rrset.type == RRTYPE_SOA && wanted->section == SECTION_AUTHORITY)
        return twin->rrset.ttl == wanted->rrset.ttl;
    return diff_rrset_equal(&twin->rrset, &wanted->rrset);
}

static bool holds_all(const struct answer *answer, const struct answer *of)
{
    for (uint16_t i = 0; i < of->count; i++)
        if (of->rrsets[i].section != SECTION_ADDITIONAL && !has_same(answer, &of->rrsets[i]))
            return false;
    return true;
}

/* Both would be asked upstream, and the same one: that the answers are alike is not known, but likely. */
static bool has_same_route(const struct judge *judge, const struct case_got *same)
{
    if (!is_forwarded(judge->answer) || !is_forwarded(same->answer))
        return is_forwarded(judge->answer) == is_forwarded(same->answer);
    return judge->route->group == same->route->group && name_equal(judge->answer->next, same->answer->next);
}

static void judge_same(struct judge *judge, const struct case_got *same)
{
    char text[CASEFILE_TEXT_MAX / 2];

    if (same == NULL || (judge->answer->rcode == same->answer->rcode && has_same_route(judge, same) &&
                         holds_all(judge->answer, same->answer) && holds_all(same->answer, judge->answer)))
        return;
    case_answer_text(same, judge->type, text, sizeof text);
    complain(judge, "%s gets %s", judge->test->same.text, text);
}

static void judge_view(struct judge *judge, uint32_t view)
{
    if (judge->test->view == VIEW_NONE || judge->test->view == view)
        return;
    complain(judge, "wanted view %s, found %s", judge->policy->views[judge->test->view].name,
             view != VIEW_NONE ? judge->policy->views[view].name : "none");
}

void case_judge(const struct case_line *line, const struct case_test *test, size_t type_index,
                const struct policy *policy, const struct case_got *got, const struct case_got *same, char *why,
                size_t size)
{
    struct judge judge = {line, test, policy, got->answer, got->route, line->types[type_index], why, size};

    why[0] = '\0';
    judge_view(&judge, got->view);
    judge_rcode(&judge);
    judge_records(&judge, type_index);
    judge_hops(&judge);
    judge_direct(&judge);
    judge_ttl(&judge);
    judge_bans(&judge);
    judge_same(&judge, same);
}

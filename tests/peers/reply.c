/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/reply.h"

#include "zones/memory.h"
#include "zones/rrset.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 12 /* records of a section */

static const char *const rcode_names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
                                          "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI",
                                          "RCODE12",  "RCODE13", "RCODE14",  "RCODE15",  "BADVERS"};

const char *reply_rcode_text(uint16_t rcode)
{
    return rcode < sizeof rcode_names / sizeof rcode_names[0] ? rcode_names[rcode] : "RCODE";
}

static char *lower_text(const ldns_rdf *rdf)
{
    char *text = ldns_rdf2str(rdf);
    for (char *at = text; at != NULL && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return text;
}

static bool read_record(ldns_rr *rr, struct reply_record *record)
{
    ldns_rr2canonical(rr);
    record->type = (uint16_t)ldns_rr_get_type(rr);
    record->owner = lower_text(ldns_rr_owner(rr));
    record->text = ldns_rr2str(rr);
    record->target = NULL;
    record->size = ldns_rr_uncompressed_size(rr);
    if (record->type == LDNS_RR_TYPE_CNAME || record->type == LDNS_RR_TYPE_NS || record->type == LDNS_RR_TYPE_DNAME)
        record->target = ldns_rr_rdf(rr, 0) == NULL ? NULL : lower_text(ldns_rr_rdf(rr, 0));
    if (record->text != NULL)
        record->text[strcspn(record->text, "\n")] = '\0';
    return record->owner != NULL && record->text != NULL;
}

static int compare_records(const void *a, const void *b)
{
    return strcmp(((const struct reply_record *)a)->text, ((const struct reply_record *)b)->text);
}

static bool read_section(const ldns_rr_list *list, struct reply_section *section)
{
    size_t count = ldns_rr_list_rr_count(list);
    section->records = memory_zalloc(count + 1, sizeof *section->records);
    if (section->records == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_record(ldns_rr_list_rr(list, i), &section->records[section->count++]))
            return false;
    qsort(section->records, count, sizeof *section->records, compare_records);
    return true;
}

static void read_edns(const ldns_pkt *packet, struct reply *reply)
{
    reply->has_edns = ldns_pkt_edns(packet);
    if (!reply->has_edns)
        return;
    reply->dnssec_ok = ldns_pkt_edns_do(packet);
    reply->edns_version = ldns_pkt_edns_version(packet);
    reply->rcode = (uint16_t)(reply->rcode | ldns_pkt_edns_extended_rcode(packet) << 4);
}

static bool is_question_same(const struct question_line *line, const struct raw_reply *raw)
{
    return read_u16(raw->wire + 4) == 1 && raw->size >= 12 + line->name_size + 4 &&
           memcmp(raw->wire + 12, line->name, line->name_size) == 0 &&
           read_u16(raw->wire + 12 + line->name_size) == line->type &&
           read_u16(raw->wire + 14 + line->name_size) == line->class;
}

void reply_read(const struct question_line *line, const struct raw_reply *raw, struct reply *reply)
{
    *reply = (struct reply){.state = REPLY_NONE};
    if (raw->wire == NULL)
        return;
    ldns_pkt *packet;
    reply->state = REPLY_BROKEN;
    reply->size = raw->size;
    reply->flags = read_u16(raw->wire + 2);
    reply->rcode = reply->flags & 15;
    reply->question_same = is_question_same(line, raw);
    if (ldns_wire2pkt(&packet, raw->wire, raw->size) != LDNS_STATUS_OK)
        return;
    read_edns(packet, reply);
    if (read_section(ldns_pkt_answer(packet), &reply->sections[REPLY_ANSWER]) &&
        read_section(ldns_pkt_authority(packet), &reply->sections[REPLY_AUTHORITY]) &&
        read_section(ldns_pkt_additional(packet), &reply->sections[REPLY_ADDITIONAL]))
        reply->state = REPLY_READ;
    ldns_pkt_free(packet);
}

void reply_clear(struct reply *reply)
{
    for (unsigned i = 0; i < REPLY_SECTIONS; i++) {
        struct reply_section *section = &reply->sections[i];
        for (size_t k = 0; k < section->count; k++) {
            free(section->records[k].owner);
            free(section->records[k].text);
            free(section->records[k].target);
        }
        memory_free(section->records);
        *section = (struct reply_section){0};
    }
}

void reply_print(const struct reply *reply, const char *who, FILE *out)
{
    static const char *const names[REPLY_SECTIONS] = {"answer", "authority", "additional"};
    static const struct {
        uint16_t bit;
        const char *name;
    } bits[] = {{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0020, "ad"}, {0x0010, "cd"}};
    if (reply->state == REPLY_NONE) {
        fprintf(out, "    %s: no reply\n", who);
        return;
    }
    fprintf(out, "    %s: %s", who, reply_rcode_text(reply->rcode));
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if ((reply->flags & bits[i].bit) != 0)
            fprintf(out, " %s", bits[i].name);
    if (reply->has_edns)
        fprintf(out, " edns%u%s", reply->edns_version, reply->dnssec_ok ? "(do)" : "");
    fprintf(out, "%s%s %zu bytes\n", reply->question_same ? "" : " other-question",
            reply->state == REPLY_BROKEN ? " broken" : "", reply->size);
    for (unsigned i = 0; i < REPLY_SECTIONS; i++) {
        const struct reply_section *section = &reply->sections[i];
        for (size_t k = 0; k < section->count && k < SHOWN_MAX; k++)
            fprintf(out, "        %s %.200s\n", names[i], section->records[k].text);
        if (section->count > SHOWN_MAX)
            fprintf(out, "        %s and %zu more\n", names[i], section->count - SHOWN_MAX);
    }
}

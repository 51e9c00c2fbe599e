/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/dig_text.h"

#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define SOA_MAX (2 * NAME_SIZE_MAX + SOA_FIXED_SIZE)

const char *dig_status(enum rcode rcode)
{
    switch (rcode) {
    case RCODE_NOERROR:
        return "NOERROR";
    case RCODE_FORMERR:
        return "FORMERR";
    case RCODE_SERVFAIL:
        return "SERVFAIL";
    case RCODE_NXDOMAIN:
        return "NXDOMAIN";
    case RCODE_NOTIMP:
        return "NOTIMP";
    case RCODE_REFUSED:
        return "REFUSED";
    case RCODE_YXDOMAIN:
        return "YXDOMAIN";
    case RCODE_NOTAUTH:
        return "NOTAUTH";
    case RCODE_BADVERS:
        return "BADVERS";
    }
    return "?";
}

/* Images hold a SOA without its serial. */
static bool fill_serial(const struct answer_rrset *entry, const struct rdata *rdata, uint8_t filled[SOA_MAX])
{
    uint16_t offset = entry->rrset.type == RRTYPE_SOA ? soa_serial_offset(rdata) : 0;

    if (offset == 0 || rdata->size > SOA_MAX)
        return false;
    memcpy(filled, rdata->bytes, rdata->size);
    write_u32(filled + offset, entry->serial);
    return true;
}

void dig_data(const struct answer_rrset *entry, const struct rdata *rdata, char text[DIG_DATA_MAX])
{
    uint8_t filled[SOA_MAX];
    struct rdata shown = *rdata;

    if (fill_serial(entry, rdata, filled))
        shown.bytes = filled;
    if (zonefile_rdata_to_text(entry->rrset.type, &shown, text, DIG_DATA_MAX) != STATUS_OK)
        snprintf(text, DIG_DATA_MAX, "(%u octets)", rdata->size);
}

static void print_rrset(const struct answer_rrset *entry, const char *prefix, FILE *stream)
{
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char data[DIG_DATA_MAX];
    uint32_t position = 0;
    struct rdata rdata;

    name_to_text(entry->owner, owner);
    rrtype_to_text(entry->rrset.type, type);
    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        dig_data(entry, &rdata, data);
        fprintf(stream, "%s%s\t%" PRIu32 "\tIN\t%s\t%s\n", prefix, owner, entry->rrset.ttl, type, data);
    }
}

static void print_section(const struct answer *answer, enum section section, const char *title, const char *prefix,
                          FILE *stream)
{
    bool begun = false;

    for (uint16_t i = 0; i < answer->count; i++) {
        if (answer->rrsets[i].section != section)
            continue;
        if (!begun)
            fprintf(stream, "%s;; %s SECTION:\n", prefix, title);
        begun = true;
        print_rrset(&answer->rrsets[i], prefix, stream);
    }
}

void dig_print(const uint8_t *name, uint16_t type, const struct answer *answer, const char *prefix, FILE *stream)
{
    char owner[NAME_TEXT_MAX];
    char type_text[RRTYPE_TEXT_MAX];

    name_to_text(name, owner);
    rrtype_to_text(type, type_text);
    fprintf(stream, "%s;; status: %s, flags: qr%s%s\n", prefix, dig_status(answer->rcode),
            answer->authoritative ? " aa" : "", answer->overflow ? " tc" : "");
    fprintf(stream, "%s;; QUESTION SECTION:\n%s;%s\t\tIN\t%s\n", prefix, prefix, owner, type_text);
    print_section(answer, SECTION_ANSWER, "ANSWER", prefix, stream);
    print_section(answer, SECTION_AUTHORITY, "AUTHORITY", prefix, stream);
    print_section(answer, SECTION_ADDITIONAL, "ADDITIONAL", prefix, stream);
}

static bool append_records(const struct answer_rrset *entry, json_t *list)
{
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char data[DIG_DATA_MAX];
    uint32_t position = 0;
    struct rdata rdata;

    name_to_text(entry->owner, owner);
    rrtype_to_text(entry->rrset.type, type);
    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        dig_data(entry, &rdata, data);
        json_t *record = json_pack("{s:s, s:I, s:s, s:s}", "name", owner, "ttl", (json_int_t)entry->rrset.ttl, "type",
                                   type, "data", data);
        if (json_array_append_new(list, record) != 0)
            return false;
    }
    return true;
}

static json_t *section_json(const struct answer *answer, enum section section)
{
    json_t *list = json_array();

    for (uint16_t i = 0; list != NULL && i < answer->count; i++)
        if (answer->rrsets[i].section == section && !append_records(&answer->rrsets[i], list)) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *dig_json(const struct answer *answer)
{
    return json_pack("{s:s, s:b, s:b, s:o, s:o, s:o}", "status", dig_status(answer->rcode), "authoritative",
                     answer->authoritative, "truncated", answer->overflow, "answer",
                     section_json(answer, SECTION_ANSWER), "authority", section_json(answer, SECTION_AUTHORITY),
                     "additional", section_json(answer, SECTION_ADDITIONAL));
}

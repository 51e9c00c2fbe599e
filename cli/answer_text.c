/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/answer_text.h"

#include "cli/command.h"
#include "cli/dig_text.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>

#define RDATA_SHOWN 600                   /* bytes of one record for people */
#define RDATA_TEXT  (5 * RRSET_RDATA_MAX) /* bytes: \DDD for each octet, and what stands between */

static const char *const outcomes[] = {
    [OUTCOME_ANSWER] = "answer",         [OUTCOME_NODATA] = "no data",        [OUTCOME_NXDOMAIN] = "NXDOMAIN",
    [OUTCOME_DELEGATION] = "delegation", [OUTCOME_OUT_OF_ZONE] = "elsewhere", [OUTCOME_YXDOMAIN] = "YXDOMAIN",
    [OUTCOME_REFUSED] = "REFUSED",       [OUTCOME_FORWARD] = "forward",       [OUTCOME_FAILURE] = "SERVFAIL",
};

static const char *const local_words[] = {
    [FORWARD_REFUSED] = "REFUSED",
    [FORWARD_NXDOMAIN] = "NXDOMAIN (local)",
    [FORWARD_NODATA] = "no data (local)",
    [FORWARD_LOOPBACK] = "loopback (local)",
};

void answer_route_text(const struct forward_route *route, char text[ROUTE_TEXT_MAX])
{
    if (route->kind == FORWARD_UPSTREAM)
        snprintf(text, ROUTE_TEXT_MAX, "upstream %s", route->group->name);
    else
        snprintf(text, ROUTE_TEXT_MAX, "%s", local_words[route->kind]);
}

static bool is_shown(const struct answer *answer, const struct answer_rrset *entry)
{
    if (entry->section == SECTION_ANSWER)
        return true;
    return answer->outcome == OUTCOME_DELEGATION && !entry->optional;
}

static const char *rdata_text(uint16_t type, const struct rdata *rdata, char *text, size_t size)
{
    if (zonefile_rdata_to_text(type, rdata, text, size) != STATUS_OK)
        snprintf(text, size, "(%u octets)", rdata->size);
    return text;
}

static void print_rrset(const struct rrset *rrset, FILE *stream)
{
    uint32_t position = 0;
    const char *separator = "";
    struct rdata rdata;

    while (rrset_next_rdata(rrset, &position, &rdata)) {
        char text[RDATA_SHOWN];
        fprintf(stream, "%s%s", separator, rdata_text(rrset->type, &rdata, text, sizeof text));
        separator = ", ";
    }
    fprintf(stream, " (%" PRIu32 ")", rrset->ttl);
}

void answer_print(const struct answer *answer, const struct forward_route *route, uint16_t type, FILE *stream)
{
    const char *separator = "";
    char text[ROUTE_TEXT_MAX];

    for (uint16_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        char type_text[RRTYPE_TEXT_MAX];
        if (!is_shown(answer, entry))
            continue;
        fputs(separator, stream);
        separator = ", ";
        rrtype_to_text(entry->rrset.type, type_text);
        if (entry->section == SECTION_AUTHORITY && entry->rrset.type == RRTYPE_NS)
            fputs("delegation to ", stream);
        else if (entry->section == SECTION_ADDITIONAL)
            fputs("glue ", stream);
        else if (entry->rrset.type != type)
            fprintf(stream, "%s ", type_text);
        print_rrset(&entry->rrset, stream);
    }
    if (answer->outcome == OUTCOME_ANSWER || answer->outcome == OUTCOME_DELEGATION)
        return;
    snprintf(text, sizeof text, "%s", outcomes[answer->outcome]);
    /* A chain that ends outside, with nobody to ask, is no refusal. */
    if (route != NULL && (route->kind != FORWARD_REFUSED || answer->rcode == RCODE_REFUSED))
        answer_route_text(route, text);
    fprintf(stream, "%s%s", separator, text);
}

static json_t *json_data(const struct rrset *rrset, char *text)
{
    json_t *list = json_array();
    uint32_t position = 0;
    struct rdata rdata;

    while (list != NULL && rrset_next_rdata(rrset, &position, &rdata)) {
        json_t *one = json_string(rdata_text(rrset->type, &rdata, text, RDATA_TEXT));
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_records(const struct answer *answer, char *text)
{
    json_t *list = json_array();

    for (uint16_t i = 0; list != NULL && i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        char owner[NAME_TEXT_MAX];
        char type[RRTYPE_TEXT_MAX];
        if (!is_shown(answer, entry))
            continue;
        name_to_text(entry->owner, owner);
        rrtype_to_text(entry->rrset.type, type);
        json_t *record = json_pack("{s:s, s:s, s:I, s:o}", "name", owner, "type", type, "ttl",
                                   (json_int_t)entry->rrset.ttl, "data", json_data(&entry->rrset, text));
        if (json_array_append_new(list, record) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *answer_json(const struct answer *answer, const struct forward_route *route)
{
    char *text = memory_alloc(RDATA_TEXT);
    json_t *object = NULL;
    bool is_upstream = answer->outcome == OUTCOME_FORWARD && route != NULL;

    if (text != NULL)
        object = json_pack("{s:s?, s:s, s:o}", "rcode", is_upstream ? NULL : dig_status(answer->rcode), "outcome",
                           outcomes[answer->outcome], "records", json_records(answer, text));
    if (object != NULL && is_upstream)
        json_object_set_new(object, "upstream", cli_json_text(route->group->name));
    memory_free(text);
    return object;
}

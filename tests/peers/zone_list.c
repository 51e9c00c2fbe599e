/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/rules.h"

#include "zones/memory.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static char *canonical_text(ldns_rdf *name)
{
    ldns_dname2canonical(name);
    return ldns_rdf2str(name);
}

static bool read_owners(struct zone_names *zone, const ldns_rr_list *records)
{
    size_t count = ldns_rr_list_rr_count(records);
    zone->owners = memory_zalloc(count + 1, sizeof *zone->owners);
    for (size_t i = 0; zone->owners != NULL && i < count; i++) {
        zone->owners[zone->count] = canonical_text(ldns_rr_owner(ldns_rr_list_rr(records, i)));
        if (zone->owners[zone->count] == NULL)
            return false;
        zone->count++;
    }
    return zone->owners != NULL;
}

static bool read_zone(struct zone_names *zone, const char *path)
{
    FILE *file = fopen(path, "r");
    ldns_rdf *origin = ldns_dname_new_frm_str(zone->apex);
    ldns_zone *parsed = NULL;
    int line = 0;
    bool fine = file != NULL && origin != NULL &&
                ldns_zone_new_frm_fp_l(&parsed, file, origin, 3600, LDNS_RR_CLASS_IN, &line) == LDNS_STATUS_OK;
    if (!fine)
        fprintf(stderr, "%s:%d: cannot be read\n", path, line);
    fine = fine && read_owners(zone, ldns_zone_rrs(parsed));
    if (file != NULL)
        fclose(file);
    ldns_rdf_deep_free(origin);
    ldns_zone_deep_free(parsed);
    return fine;
}

bool zone_list_add(struct zone_list *list, const char *text)
{
    const char *equals = strchr(text, '=');
    struct zone_names *zones = memory_grow(list->zones, list->count, &list->capacity, sizeof *zones);
    if (equals == NULL || zones == NULL)
        return false;
    list->zones = zones;
    struct zone_names *zone = &zones[list->count++];
    *zone = (struct zone_names){.apex = memory_copy_text(text, (size_t)(equals - text))};
    return zone->apex != NULL && read_zone(zone, equals + 1);
}

void zone_list_clear(struct zone_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct zone_names *zone = &list->zones[i];
        for (size_t k = 0; k < zone->count; k++)
            free(zone->owners[k]);
        memory_free(zone->owners);
        memory_free(zone->apex);
    }
    memory_free(list->zones);
    *list = (struct zone_list){0};
}

/* The dot at `at` ends a label: an even number of backslashes stands before it. */
static bool is_separator(const char *name, size_t at)
{
    size_t backslashes = 0;
    while (backslashes < at && name[at - 1 - backslashes] == '\\')
        backslashes++;
    return name[at] == '.' && backslashes % 2 == 0;
}

bool text_is_below(const char *name, const char *ancestor)
{
    size_t size = strlen(name);
    size_t tail = strlen(ancestor);
    if (strcmp(ancestor, ".") == 0)
        return true;
    return size >= tail && strcmp(name + size - tail, ancestor) == 0 &&
           (size == tail || is_separator(name, size - tail - 1));
}

const struct zone_names *zone_list_find(const struct zone_list *list, const char *name)
{
    const struct zone_names *deepest = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (text_is_below(name, list->zones[i].apex) &&
            (deepest == NULL || strlen(list->zones[i].apex) > strlen(deepest->apex)))
            deepest = &list->zones[i];
    return deepest;
}

bool zone_has_name(const struct zone_names *zone, const char *name)
{
    for (size_t i = 0; i < zone->count; i++)
        if (text_is_below(zone->owners[i], name))
            return true;
    return false;
}

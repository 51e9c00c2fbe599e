/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/depth.h"

#include "zones/memory.h"
#include "zones/name.h"
#include "zones/zonefile.h"

#include <stdlib.h>
#include <string.h>

void depth_clear(struct depth *depth)
{
    memory_free(depth->first);
    memory_free(depth->below);
    *depth = (struct depth){0};
}

size_t depth_count(const struct depth *depth, size_t file)
{
    return depth->first[file + 1] - depth->first[file];
}

size_t depth_file(const struct depth *depth, size_t file, size_t index)
{
    return depth->below[depth->first[file] + index];
}

/* The size of the view's shortest own apex: nothing of it stands at a shorter name. */
static size_t find_shortest(const struct flatten *plan, uint32_t view)
{
    size_t shortest = NAME_SIZE_MAX;

    for (size_t i = plan->first_file[view]; i < plan->first_file[view + 1]; i++)
        if (plan->files[i].size < shortest)
            shortest = plan->files[i].size;
    return shortest;
}

/* The view's own served file that is the nearest above a zone; FLATTEN_NONE: none. */
static size_t find_above(const struct flatten *plan, uint32_t view, const uint8_t *apex, size_t shortest)
{
    size_t size = name_size(apex);

    for (const uint8_t *name = apex; name[0] != 0;) {
        size -= 1u + name[0];
        name = name_parent(name);
        if (size < shortest)
            return FLATTEN_NONE;
        size_t file = flatten_find_own(plan, view, name);
        if (file != FLATTEN_NONE && plan->files[file].is_served)
            return file;
    }
    return FLATTEN_NONE;
}

/* Call for each pair of a file and a deeper zone of its view: count them, or (`next` not NULL) put them down. */
static void find_pairs(struct depth *depth, const struct flatten *plan, size_t *next)
{
    for (uint32_t view = 0; view < plan->view_count; view++) {
        const struct flatten_view *zones = &plan->views[view];
        if (plan->first_file[view] == plan->first_file[view + 1])
            continue;
        size_t shortest = find_shortest(plan, view);
        for (size_t i = 0; i < zones->count; i++) {
            size_t file = find_above(plan, view, plan->files[zones->zones[i]].apex, shortest);
            if (file == FLATTEN_NONE)
                continue;
            if (next == NULL)
                depth->first[file + 1]++;
            else
                depth->below[next[file]++] = zones->zones[i];
        }
    }
}

enum status depth_init(struct depth *depth, const struct flatten *plan)
{
    *depth = (struct depth){.first = memory_zalloc(plan->file_count + 1, sizeof *depth->first)};
    if (depth->first == NULL)
        return STATUS_NO_MEMORY;
    find_pairs(depth, plan, NULL);
    for (size_t i = 0; i < plan->file_count; i++)
        depth->first[i + 1] += depth->first[i];
    depth->below = memory_zalloc(depth->first[plan->file_count], sizeof *depth->below);
    size_t *next = memory_zalloc(plan->file_count, sizeof *next);
    if (depth->below != NULL && next != NULL) {
        if (plan->file_count > 0)
            memcpy(next, depth->first, plan->file_count * sizeof *next);
        find_pairs(depth, plan, next);
    }
    bool failed = depth->below == NULL || next == NULL;
    memory_free(next);
    return failed ? STATUS_NO_MEMORY : STATUS_OK;
}

/* Judging. */

struct judging {
    const struct zone *zone;
    const char *view;
    struct diag *diag;
    const uint8_t **servers; /* all names that NS records of the zone point at, sorted; NULL until they are asked for */
    size_t server_count;
    bool failed;
};

static int compare_names(const void *left, const void *right)
{
    uint8_t a[NAME_SIZE_MAX];
    uint8_t b[NAME_SIZE_MAX];
    size_t a_size = name_to_lower(*(const uint8_t *const *)left, a);
    size_t b_size = name_to_lower(*(const uint8_t *const *)right, b);

    return a_size != b_size ? (a_size < b_size ? -1 : 1) : memcmp(a, b, a_size);
}

static enum status find_servers(struct judging *judging)
{
    const struct zone *zone = judging->zone;
    size_t capacity = 0;

    for (size_t i = 0; i < zone->count; i++) {
        const struct rdata rdata = zone_rdata(zone, &zone->records[i]);
        const uint8_t *server = zone->records[i].type == RRTYPE_NS ? rdata_target(RRTYPE_NS, &rdata) : NULL;
        if (server == NULL)
            continue;
        const uint8_t **servers = memory_grow(judging->servers, judging->server_count, &capacity, sizeof *servers);
        if (servers == NULL)
            return STATUS_NO_MEMORY;
        judging->servers = servers;
        servers[judging->server_count++] = server;
    }
    if (judging->server_count > 0)
        qsort(judging->servers, judging->server_count, sizeof *judging->servers, compare_names);
    return STATUS_OK;
}

/* Does the parent rightly hold this type at this place? */
static bool is_parents(const struct judging *judging, const struct zone_record *record, bool is_at_apex)
{
    const uint8_t *owner = zone_owner(judging->zone, record);

    if (is_at_apex && (record->type == RRTYPE_NS || record->type == RRTYPE_DS || record->type == RRTYPE_RRSIG ||
                       record->type == RRTYPE_NSEC))
        return true;
    if (record->type != RRTYPE_A && record->type != RRTYPE_AAAA)
        return false;
    return judging->server_count > 0 &&
           bsearch(&owner, judging->servers, judging->server_count, sizeof *judging->servers, compare_names) != NULL;
}

static void report(struct judging *judging, const struct zone_record *record, const struct flatten_file *deeper)
{
    struct place place = zone_place(judging->zone, record);
    char type[RRTYPE_TEXT_MAX];
    char owner[NAME_TEXT_MAX];
    char apex[NAME_TEXT_MAX];
    const char *slash = strrchr(deeper->path, '/');

    rrtype_to_text(record->type, type);
    name_to_text(zone_owner(judging->zone, record), owner);
    name_to_text(deeper->apex, apex);
    judging->failed = true;
    diag_error(judging->diag, &place,
               "found %s at %s, but zone %s of view %s answers for that name; wanted it in %s/%s", type, owner, apex,
               judging->view, judging->view, slash != NULL ? slash + 1 : deeper->path);
}

/* The first record whose key is not before this one. */
static size_t lower_bound(const struct zone *zone, const uint8_t *key, size_t key_size)
{
    size_t low = 0;
    size_t high = zone->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct zone_record *record = &zone->records[middle];
        size_t common = record->key_size < key_size ? record->key_size : key_size;
        int order = memcmp(zone_key(zone, record), key, common);
        if (order < 0 || (order == 0 && record->key_size < key_size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void report_forward(struct judging *judging, const struct zone_record *record,
                           const struct overlay_forward *forward)
{
    struct place place = zone_place(judging->zone, record);
    char type[RRTYPE_TEXT_MAX];
    char owner[NAME_TEXT_MAX];
    char domain[NAME_TEXT_MAX];

    rrtype_to_text(record->type, type);
    name_to_text(zone_owner(judging->zone, record), owner);
    name_to_text(forward->name, domain);
    judging->failed = true;
    diag_error(
        judging->diag, &place,
        "found %s at %s, but in view %s [forward %s] (%s:%u) answers for that name; wanted there nothing but NS, "
        "DS and glue",
        type, owner, judging->view, domain, forward->place.file, forward->place.line);
}

/* The data at and below a name, which belong to a deeper zone, or with `deeper` NULL to a [forward] domain. */
static void judge_below(struct judging *judging, const uint8_t *name, const struct flatten_file *deeper,
                        const struct overlay_forward *forward)
{
    const struct zone *zone = judging->zone;
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    struct zone_rrset rrset;

    for (size_t next = lower_bound(zone, key, key_size); zone_next_rrset(zone, &next, &rrset);) {
        const struct zone_record *record = &zone->records[rrset.first];
        if (record->key_size < key_size || memcmp(zone_key(zone, record), key, key_size) != 0)
            return;
        if (is_parents(judging, record, record->key_size == key_size))
            continue;
        if (deeper != NULL)
            report(judging, record, deeper);
        else
            report_forward(judging, record, forward);
    }
}

enum status depth_check(const struct depth *depth, const struct flatten *plan, size_t file, const char *view,
                        const struct zone *zone, struct diag *diag)
{
    struct judging judging = {.zone = zone, .view = view, .diag = diag};
    const struct flatten_file *own = &plan->files[file];
    size_t count = depth_count(depth, file);

    if (count == 0 && own->forward_count == 0)
        return STATUS_OK;
    enum status status = find_servers(&judging);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct flatten_file *deeper = &plan->files[depth_file(depth, file, i)];
        judge_below(&judging, deeper->apex, deeper, NULL);
    }
    for (size_t i = 0; i < own->forward_count && status == STATUS_OK; i++)
        judge_below(&judging, own->forwards[i].name, NULL, &own->forwards[i]);
    memory_free(judging.servers);
    if (status != STATUS_OK)
        return status;
    return judging.failed ? STATUS_BAD_INPUT : STATUS_OK;
}

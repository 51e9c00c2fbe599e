/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/autodiscover_merge.h"

#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_TEXT_MAX  300 /* bytes of a list of records in a message */
#define RDATA_TEXT_MAX 1100

/* ---- borders ---- */

struct border {
    const uint8_t *name;
    uint8_t key[NAME_KEY_MAX];
    uint16_t key_size;
    bool is_zone;
    bool is_forward;
};

struct autodiscover_borders {
    struct border *items;
    size_t count;
};

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_borders(const void *a, const void *b)
{
    const struct border *left = a;
    const struct border *right = b;
    return compare_keys(left->key, left->key_size, right->key, right->key_size);
}

struct autodiscover_borders *autodiscover_borders_new(const struct autodiscover_border *borders, size_t count)
{
    struct autodiscover_borders *result = memory_zalloc(1, sizeof *result);
    struct border *items = memory_zalloc(count, sizeof *items);
    if (result == NULL || items == NULL) {
        memory_free(result);
        memory_free(items);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct border){
            .name = borders[i].name, .is_zone = !borders[i].is_forward, .is_forward = borders[i].is_forward};
        items[i].key_size = (uint16_t)name_to_key(borders[i].name, items[i].key);
    }
    if (count > 1)
        qsort(items, count, sizeof *items, compare_borders);
    result->items = items;
    for (size_t i = 0; i < count; i++) {
        if (result->count > 0 && compare_borders(&items[result->count - 1], &items[i]) == 0) {
            items[result->count - 1].is_zone |= items[i].is_zone;
            items[result->count - 1].is_forward |= items[i].is_forward;
        } else {
            items[result->count++] = items[i];
        }
    }
    return result;
}

void autodiscover_borders_free(struct autodiscover_borders *borders)
{
    if (borders == NULL)
        return;
    memory_free(borders->items);
    memory_free(borders);
}

static const struct border *find_border(const struct autodiscover_borders *borders, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    size_t low = 0;
    size_t high = borders->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct border *border = &borders->items[middle];
        int order = compare_keys(border->key, border->key_size, key, key_size);
        if (order == 0)
            return border;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The deepest zone at or above the owner, NULL: none; *is_forwarded: a deeper [forward] takes the name. */
static const uint8_t *find_zone(const struct autodiscover_borders *borders, const uint8_t *owner, bool *is_forwarded)
{
    *is_forwarded = false;
    for (const uint8_t *name = owner;; name = name_parent(name)) {
        const struct border *border = find_border(borders, name);
        if (border != NULL && border->is_zone)
            return border->name;
        *is_forwarded = *is_forwarded || border != NULL;
        if (name[0] == 0)
            return NULL;
    }
}

/* ---- picking ---- */

static enum status pick(struct autodiscover_picks *picks, const struct autodiscover_entry *entry)
{
    const struct autodiscover_entry **items = memory_grow(picks->items, picks->count, &picks->capacity, sizeof *items);
    if (items == NULL)
        return STATUS_NO_MEMORY;
    picks->items = items;
    items[picks->count++] = entry;
    return STATUS_OK;
}

void autodiscover_merged_clear(struct autodiscover_merged *merged)
{
    memory_free(merged->records.items);
    memory_free(merged->hides.items);
    memory_free(merged->elsewhere.items);
    *merged = (struct autodiscover_merged){0};
}

/* What autodiscover_merge works with: the entries [first, end) of one owner, and the own records there. */
struct merge {
    const struct autodiscover_merge_input *input;
    struct diag *diag;
    struct autodiscover_merged *merged;
    const struct autodiscover_entry *first;
    const struct autodiscover_entry *end;
    const struct zone_record *own; /* NULL: none */
    const struct zone_record *own_end;
};

/* The records of exactly this owner. */
static bool owns(const struct zone *zone, const uint8_t *owner, const struct zone_record **first,
                 const struct zone_record **end)
{
    *first = *end = NULL;
    if (zone == NULL)
        return false;
    struct zone_range range = zone_owner_range(zone, owner);
    if (range.first == range.end)
        return false;
    *first = &zone->records[range.first];
    *end = zone->records + range.end;
    return true;
}

static bool has_type(const struct zone *zone, const uint8_t *owner, uint16_t type)
{
    struct zone_rrset rrset;
    return zone != NULL && zone_find(zone, owner, type, &rrset);
}

static const struct autodiscover_hidden *find_hidden(const struct autodiscover_merge_input *input, const uint8_t *owner)
{
    for (size_t i = 0; i < input->hidden_count; i++)
        if (name_equal(input->hidden[i].name, owner))
            return &input->hidden[i];
    return NULL;
}

/* ---- cuts ---- */

/* The view itself gives this name data, or none on purpose: what the base has there and below is gone. */
static bool is_taken(const struct merge *merge, const uint8_t *name)
{
    const struct zone_record *first;
    const struct zone_record *end;
    if (owns(merge->input->own, name, &first, &end) || find_hidden(merge->input, name) != NULL)
        return true;
    for (size_t i = 0; i < merge->merged->records.count; i++)
        if (name_equal(merge->merged->records.items[i]->owner, name))
            return true;
    for (size_t i = 0; i < merge->merged->hides.count; i++)
        if (name_equal(merge->merged->hides.items[i]->owner, name))
            return true;
    return false;
}

/* At or below an own delegation, below a DNAME or a delegation of the base. */
static bool is_cut_off(const struct merge *merge)
{
    const struct autodiscover_merge_input *input = merge->input;
    const uint8_t *owner = merge->first->owner;
    bool is_at_apex = name_equal(owner, input->apex);
    if (is_at_apex)
        return false;
    if (has_type(input->own, owner, RRTYPE_NS))
        return true;
    for (const uint8_t *name = name_parent(owner);; name = name_parent(name)) {
        bool is_apex = name_equal(name, input->apex);
        if (has_type(input->own, name, RRTYPE_DNAME) || (!is_apex && has_type(input->own, name, RRTYPE_NS)))
            return true;
        bool is_base_cut =
            has_type(input->base, name, RRTYPE_DNAME) || (!is_apex && has_type(input->base, name, RRTYPE_NS));
        if (is_base_cut && (is_apex || !is_taken(merge, name)))
            return true;
        if (is_apex)
            return false;
    }
}

/* ---- own records against facts ---- */

static bool is_path_type(uint16_t type)
{
    return type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_CNAME || type == RRTYPE_DNAME ||
           type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

static bool has_own(const struct merge *merge, uint16_t type)
{
    for (const struct zone_record *own = merge->own; own != merge->own_end; own++)
        if (own->type == type)
            return true;
    return false;
}

static bool has_own_path(const struct merge *merge)
{
    for (const struct zone_record *own = merge->own; own != merge->own_end; own++)
        if (is_path_type(own->type))
            return true;
    return false;
}

/* The same but for the case of a name at the end of the RDATA: CNAME and SRV are all that facts make of names. */
static bool is_same_data(const struct merge *merge, const struct zone_record *own,
                         const struct autodiscover_entry *entry)
{
    struct rdata rdata = zone_rdata(merge->input->own, own);
    size_t fixed = entry->type == RRTYPE_CNAME ? 0 : entry->type == RRTYPE_SRV ? 6 : entry->rdata_size;
    if (own->type != entry->type || rdata.size != entry->rdata_size || memcmp(rdata.bytes, entry->rdata, fixed) != 0)
        return false;
    return fixed == entry->rdata_size || name_equal(rdata.bytes + fixed, entry->rdata + fixed);
}

/* The own RRset of a type says what the facts' records of that type say. */
static bool agrees(const struct merge *merge, uint16_t type)
{
    size_t own_count = 0;
    size_t count = 0;
    size_t matches = 0;
    for (const struct zone_record *own = merge->own; own != merge->own_end; own++)
        own_count += own->type == type;
    for (const struct autodiscover_entry *entry = merge->first; entry != merge->end; entry++) {
        count += entry->type == type;
        for (const struct zone_record *own = merge->own; own != merge->own_end && entry->type == type; own++)
            matches += is_same_data(merge, own, entry);
    }
    return count == own_count && count == matches;
}

/* Either the addresses, wherever they come from, or the CNAME. */
static bool path_agrees(const struct merge *merge)
{
    if (has_own(merge, RRTYPE_CNAME) || has_own(merge, RRTYPE_DNAME))
        return has_own(merge, RRTYPE_CNAME) && agrees(merge, RRTYPE_CNAME);
    return agrees(merge, RRTYPE_A) && agrees(merge, RRTYPE_AAAA) &&
           (has_own(merge, RRTYPE_A) || has_own(merge, RRTYPE_AAAA));
}

static void append_data(char text[DATA_TEXT_MAX], uint16_t type, const struct rdata *rdata)
{
    char type_text[RRTYPE_TEXT_MAX];
    char data[RDATA_TEXT_MAX];
    size_t used = strlen(text);
    rrtype_to_text(type, type_text);
    if (zonefile_rdata_to_text(type, rdata, data, sizeof data) != STATUS_OK)
        snprintf(data, sizeof data, "...");
    snprintf(text + used, DATA_TEXT_MAX - used, "%s%s %s", used == 0 ? "" : ", ", type_text, data);
}

/* One message with both lines for the types of a group. */
static void report(const struct merge *merge, bool (*is_of_group)(uint16_t type, uint16_t wanted), uint16_t wanted)
{
    char owner[NAME_TEXT_MAX];
    char found[DATA_TEXT_MAX] = "";
    char facts[DATA_TEXT_MAX] = "";
    const struct zone_record *first = NULL;
    uint32_t line = 0;
    for (const struct zone_record *own = merge->own; own != merge->own_end; own++) {
        if (!is_of_group(own->type, wanted) && own->type != RRTYPE_CNAME)
            continue;
        struct rdata rdata = zone_rdata(merge->input->own, own);
        append_data(found, own->type, &rdata);
        first = first == NULL ? own : first;
    }
    for (const struct autodiscover_entry *entry = merge->first; entry != merge->end; entry++) {
        if (entry->kind != AUTODISCOVER_RECORD || !is_of_group(entry->type, wanted))
            continue;
        struct rdata rdata = {entry->rdata, entry->rdata_size};
        append_data(facts, entry->type, &rdata);
        line = line == 0 ? entry->line : line;
    }
    assert(first != NULL);
    struct place place = zone_place(merge->input->own, first);
    name_to_text(merge->first->owner, owner);
    diag_add(merge->diag, SEVERITY_WARNING, &place,
             "%s: found %s, but the facts say %s (%s:%" PRIu32 "); the zone file wins", owner, found, facts,
             merge->input->facts->path, line);
}

static bool is_of_path(uint16_t type, uint16_t wanted)
{
    (void)wanted;
    return is_path_type(type);
}

static bool is_of_type(uint16_t type, uint16_t wanted)
{
    return type == wanted;
}

/* ---- records ---- */

/* A CNAME of the facts may not stand here: at an apex, or beside own records of other types. */
static bool cname_is_barred(const struct merge *merge)
{
    return merge->own != NULL || name_equal(merge->first->owner, merge->input->apex);
}

static enum status pick_path(const struct merge *merge)
{
    bool is_barred = cname_is_barred(merge);
    const struct autodiscover_entry *cname = NULL;
    bool has_addresses = false;
    enum status status = STATUS_OK;
    for (const struct autodiscover_entry *entry = merge->first; entry != merge->end && status == STATUS_OK; entry++) {
        bool is_cname = entry->type == RRTYPE_CNAME;
        if (is_cname)
            cname = entry;
        if (!is_path_type(entry->type) || (is_cname && is_barred) ||
            (entry->kind == AUTODISCOVER_FALLBACK && !is_barred))
            continue;
        has_addresses = has_addresses || !is_cname;
        status = pick(&merge->merged->records, entry);
    }
    if (cname == NULL || !is_barred || has_addresses)
        return status;
    struct place place = {.file = merge->input->facts->path, .line = cname->line};
    char owner[NAME_TEXT_MAX];
    char text[DATA_TEXT_MAX] = "";
    struct rdata rdata = {cname->rdata, cname->rdata_size};
    append_data(text, RRTYPE_CNAME, &rdata);
    name_to_text(cname->owner, owner);
    if (merge->own == NULL) {
        diag_add(merge->diag, SEVERITY_WARNING, &place,
                 "%s: the facts make this name %s, but it is a zone of this "
                 "view, where no CNAME can stand; it is left out",
                 owner, text);
    } else {
        struct place own = zone_place(merge->input->own, merge->own);
        diag_add(merge->diag, SEVERITY_WARNING, &own,
                 "%s: found a record beside which the facts' %s (%s:%" PRIu32 ") cannot stand; it is left out", owner,
                 text, place.file, place.line);
    }
    return status;
}

static enum status pick_records(const struct merge *merge)
{
    bool has_cname = has_own(merge, RRTYPE_CNAME);
    bool has_path = false;
    enum status status = STATUS_OK;
    uint16_t last_type = 0;
    for (const struct autodiscover_entry *entry = merge->first; entry != merge->end && status == STATUS_OK; entry++) {
        if (is_path_type(entry->type)) {
            has_path = true;
        } else if (!has_cname && !has_own(merge, entry->type)) {
            status = pick(&merge->merged->records, entry);
        } else if (entry->type != last_type && !agrees(merge, entry->type)) {
            report(merge, is_of_type, entry->type);
        }
        last_type = entry->type;
    }
    if (status != STATUS_OK || !has_path)
        return status;
    if (!has_own_path(merge))
        return pick_path(merge);
    if (!path_agrees(merge))
        report(merge, is_of_path, 0);
    return STATUS_OK;
}

/* ---- hides ---- */

static enum status pick_hide(const struct merge *merge)
{
    const struct autodiscover_entry *entry = merge->first;
    struct place place = {.file = merge->input->facts->path, .line = entry->line};
    char owner[NAME_TEXT_MAX];
    name_to_text(entry->owner, owner);
    if (entry->kind == AUTODISCOVER_DROP && merge->input->misses_go_on)
        return STATUS_OK;
    if (name_equal(entry->owner, merge->input->apex)) {
        diag_add(merge->diag, SEVERITY_WARNING, &place,
                 "%s: the facts want no such name in this view, but it is a zone of the view; it stays", owner);
        return STATUS_OK;
    }
    if (merge->own == NULL)
        return pick(&merge->merged->hides, entry);
    if (!entry->is_guarded) {
        struct place own = zone_place(merge->input->own, merge->own);
        diag_add(merge->diag, SEVERITY_WARNING, &own,
                 "%s: found a record, but the facts want no such name in this view (%s:%" PRIu32
                 "); the zone file wins",
                 owner, place.file, place.line);
    }
    return STATUS_OK;
}

/* ---- all ---- */

static enum status pick_elsewhere(const struct merge *merge)
{
    enum status status = STATUS_OK;
    for (const struct autodiscover_entry *entry = merge->first; entry != merge->end && status == STATUS_OK; entry++)
        if (entry->kind == AUTODISCOVER_RECORD)
            status = pick(&merge->merged->elsewhere, entry);
    return status;
}

static enum status merge_owner(struct merge *merge)
{
    const struct autodiscover_merge_input *input = merge->input;
    bool is_forwarded;
    const uint8_t *zone = find_zone(input->borders, merge->first->owner, &is_forwarded);
    bool is_record = merge->first->kind <= AUTODISCOVER_FALLBACK;
    if (zone == NULL || !name_equal(zone, input->apex))
        return STATUS_OK;
    if (is_forwarded || is_cut_off(merge))
        return pick_elsewhere(merge);
    owns(input->own, merge->first->owner, &merge->own, &merge->own_end);
    if (!is_record)
        return pick_hide(merge);
    const struct autodiscover_hidden *hidden = find_hidden(input, merge->first->owner);
    if (hidden == NULL)
        return pick_records(merge);
    struct place place = {.file = input->facts->path, .line = hidden->line};
    char owner[NAME_TEXT_MAX];
    name_to_text(merge->first->owner, owner);
    diag_add(merge->diag, SEVERITY_INFO, &place,
             "%s: hidden here, although the facts would publish it (%s:%" PRIu32 "); hide wins", owner,
             input->facts->path, merge->first->line);
    return STATUS_OK;
}

/* The end of the run of entries with the owner of `first`. */
static size_t owner_end(const struct autodiscover *facts, size_t first, size_t end)
{
    const struct autodiscover_entry *entry = &facts->entries[first];
    size_t next = first + 1;
    while (next < end && facts->entries[next].key_size == entry->key_size &&
           memcmp(facts->entries[next].key, entry->key, entry->key_size) == 0)
        next++;
    return next;
}

enum status autodiscover_merge(const struct autodiscover_merge_input *input, struct diag *diag,
                               struct autodiscover_merged *merged)
{
    assert(input->own == NULL || input->own->frozen);
    assert(input->base == NULL || input->base->frozen);
    size_t first;
    size_t end;
    enum status status = STATUS_OK;
    *merged = (struct autodiscover_merged){0};
    autodiscover_find_below(input->facts, input->apex, &first, &end);
    while (first < end && status == STATUS_OK) {
        size_t next = owner_end(input->facts, first, end);
        struct merge merge = {
            .input = input,
            .diag = diag,
            .merged = merged,
            .first = &input->facts->entries[first],
            .end = input->facts->entries + next,
        };
        status = merge_owner(&merge);
        first = next;
    }
    return status;
}

enum status autodiscover_merged_zone(const struct autodiscover_merged *merged,
                                     const struct autodiscover_merge_input *input, uint32_t layer, struct diag *diag,
                                     struct zone **result)
{
    struct zone *zone = zone_new(input->apex);
    uint16_t file = 0;
    *result = NULL;
    if (zone == NULL)
        return STATUS_NO_MEMORY;
    zone->layer = layer;
    enum status status = zone_add_file(zone, input->facts->path, &file);
    for (size_t i = 0; i < merged->records.count && status == STATUS_OK; i++) {
        const struct autodiscover_entry *entry = merged->records.items[i];
        struct origin origin = {.file = file, .line = entry->line};
        status = zone_add(zone, entry->owner, entry->type, entry->ttl, entry->rdata, entry->rdata_size, origin);
    }
    if (status == STATUS_OK)
        status = zone_freeze(zone, diag);
    if (status != STATUS_OK) {
        zone_free(zone);
        return status;
    }
    *result = zone;
    return STATUS_OK;
}

enum status autodiscover_outside_zones(const struct autodiscover *facts, const struct autodiscover_borders *borders,
                                       struct autodiscover_picks *elsewhere)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < facts->count && status == STATUS_OK; i++) {
        bool is_forwarded;
        if (facts->entries[i].kind == AUTODISCOVER_RECORD &&
            find_zone(borders, facts->entries[i].owner, &is_forwarded) == NULL)
            status = pick(elsewhere, &facts->entries[i]);
    }
    return status;
}

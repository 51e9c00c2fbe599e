/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zone.h"

#include "zones/memory.h"
#include "zones/zone_sort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many records of an RRset are compared pairwise; more are sorted. */
#define PAIRWISE_MAX 8

/* The order of a record that was dropped: sorts behind all others. */
#define ORDER_DROPPED UINT32_MAX

struct zone *zone_new(const uint8_t *apex)
{
    struct zone *zone = memory_zalloc(1, sizeof *zone);
    if (zone == NULL)
        return NULL;
    zone->apex_size = (uint8_t)name_size(apex);
    memcpy(zone->apex, apex, zone->apex_size);
    zone->negative_ttl = ZONE_TTL_NONE;
    bytes_init(&zone->arena, ZONE_ARENA_MAX);
    bytes_init(&zone->cnames, ZONE_ARENA_MAX);
    return zone;
}

void zone_free(struct zone *zone)
{
    if (zone == NULL)
        return;
    for (size_t i = 0; i < zone->file_count; i++)
        memory_free(zone->files[i]);
    memory_free(zone->files);
    memory_free(zone->layers);
    memory_free(zone->marks);
    memory_free(zone->records);
    memory_free(zone->changes);
    bytes_clear(&zone->cnames);
    bytes_clear(&zone->arena);
    memory_free(zone);
}

enum status zone_add_layer_file(struct zone *zone, const char *path, uint32_t layer, uint16_t *index)
{
    for (size_t i = 0; i < zone->file_count; i++) {
        if (zone->layers[i] == layer && strcmp(zone->files[i], path) == 0) {
            *index = (uint16_t)i;
            return STATUS_OK;
        }
    }
    if (zone->file_count >= ORIGIN_NONE)
        return STATUS_TOO_LARGE;
    char **grown = memory_resize(zone->files, (zone->file_count + 1) * sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    zone->files = grown;
    uint32_t *layers = memory_resize(zone->layers, (zone->file_count + 1) * sizeof *layers);
    if (layers == NULL)
        return STATUS_NO_MEMORY;
    zone->layers = layers;
    char *copy = memory_copy_text(path, strlen(path));
    if (copy == NULL)
        return STATUS_NO_MEMORY;
    *index = (uint16_t)zone->file_count;
    zone->layers[zone->file_count] = layer;
    zone->files[zone->file_count++] = copy;
    return STATUS_OK;
}

enum status zone_add_file(struct zone *zone, const char *path, uint16_t *index)
{
    return zone_add_layer_file(zone, path, zone->layer, index);
}

bool zone_covers(const struct zone *zone, const uint8_t *name)
{
    const uint8_t *rest = name;
    size_t left = name_size(name);
    while (left > zone->apex_size) {
        left -= 1u + rest[0];
        rest += 1 + rest[0];
    }
    return left == zone->apex_size && (memcmp(rest, zone->apex, left) == 0 || name_is_at_or_below(rest, zone->apex));
}

/* Put owner and key into the arena, or find them to be those of the record before. */
static enum status add_owner(struct zone *zone, const uint8_t *owner, struct zone_record *record)
{
    size_t size = name_size(owner);
    const uint8_t *last = zone->last_owner == 0 ? NULL : zone->arena.data + zone->last_owner - 1;
    if (last == NULL || name_size(last) != size || memcmp(last, owner, size) != 0) {
        uint8_t both[NAME_SIZE_MAX + NAME_KEY_MAX];
        memcpy(both, owner, size);
        size_t key_size = name_to_key(owner, both + size);
        uint32_t position = (uint32_t)zone->arena.size;
        enum status status = bytes_append(&zone->arena, both, size + key_size);
        if (status != STATUS_OK)
            return status;
        zone->last_owner = position + 1;
        zone->last_key = position + (uint32_t)size;
        zone->last_key_size = (uint16_t)key_size;
    }
    record->owner = zone->last_owner - 1;
    record->key = zone->last_key;
    record->key_size = zone->last_key_size;
    return STATUS_OK;
}

enum status zone_add(struct zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                     uint16_t rdata_size, struct origin origin)
{
    assert(!zone->frozen);
    assert(zone_covers(zone, owner));
    if (zone->count >= ORDER_DROPPED)
        return STATUS_TOO_LARGE;
    struct zone_record *grown = memory_grow(zone->records, zone->count, &zone->capacity, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    zone->records = grown;
    struct zone_record record = {.ttl = ttl,
                                 .written = ttl,
                                 .type = type,
                                 .rdata_size = rdata_size,
                                 .order = (uint32_t)zone->count,
                                 .origin = origin};
    enum status status = add_owner(zone, owner, &record);
    if (status != STATUS_OK)
        return status;
    record.rdata = (uint32_t)zone->arena.size;
    status = bytes_append(&zone->arena, rdata, rdata_size);
    if (status != STATUS_OK)
        return status;
    zone->records[zone->count++] = record;
    return STATUS_OK;
}

/* ---- how TTLs came about ---- */

/* The step is copied; *index is its number + 1. */
static enum status add_change(struct zone *zone, const struct zone_ttl_change *step, const uint8_t *cname,
                              uint32_t *index)
{
    if (zone->change_count >= UINT32_MAX - 1)
        return STATUS_TOO_LARGE;
    struct zone_ttl_change *grown =
        memory_grow(zone->changes, zone->change_count, &zone->change_capacity, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    zone->changes = grown;
    struct zone_ttl_change *change = &grown[zone->change_count];
    *change = *step;
    change->cname = (uint32_t)zone->cnames.size;
    enum status status = cname == NULL ? STATUS_OK : bytes_append(&zone->cnames, cname, name_size(cname));
    if (status == STATUS_OK)
        *index = (uint32_t)++zone->change_count;
    return status;
}

static const uint8_t *change_cname(const struct zone *zone, const struct zone_ttl_change *change)
{
    return change->reason == ZONE_TTL_CAP ? zone->cnames.data + change->cname : NULL;
}

/* The steps one after the other, the last one first, each with the next as the step before it. */
static enum status copy_changes(struct zone *zone, const struct zone *from, uint32_t change, uint32_t *first)
{
    enum status status = STATUS_OK;

    *first = 0;
    while (change != 0 && status == STATUS_OK) {
        const struct zone_ttl_change *step = &from->changes[change - 1];
        uint32_t index = 0;
        status = add_change(zone, step, change_cname(from, step), &index);
        if (status != STATUS_OK)
            break;
        zone->changes[index - 1].before = step->before != 0 ? index + 1 : 0;
        if (*first == 0)
            *first = index;
        change = step->before;
    }
    return status;
}

enum status zone_add_copy(struct zone *zone, const struct zone *from, const struct zone_record *record,
                          struct origin origin)
{
    struct rdata rdata = zone_rdata(from, record);
    uint32_t change = 0;
    enum status status = copy_changes(zone, from, record->change, &change);

    if (status == STATUS_OK)
        status = zone_add(zone, zone_owner(from, record), record->type, record->ttl, rdata.bytes, rdata.size, origin);
    if (status != STATUS_OK)
        return status;
    zone->records[zone->count - 1].written = record->written;
    zone->records[zone->count - 1].change = change;
    return STATUS_OK;
}

static void set_ttl(struct zone_record *records, size_t count, uint32_t ttl, uint32_t change)
{
    for (size_t i = 0; i < count; i++) {
        records[i].ttl = ttl;
        records[i].change = change;
    }
}

enum status zone_change_ttl(struct zone *zone, const struct zone_rrset *rrset, const struct zone_ttl_change *why,
                            const uint8_t *cname)
{
    struct zone_record *records = &zone->records[rrset->first];
    struct zone_ttl_change step = *why;
    uint32_t index = 0;

    assert(zone->frozen && (why->reason == ZONE_TTL_CAP) == (cname != NULL));
    if (records->ttl == why->ttl)
        return STATUS_OK;
    step.before = records->change;
    if (step.before != 0 && why->reason == ZONE_TTL_CAP) {
        const struct zone_ttl_change *last = &zone->changes[step.before - 1];
        if (last->reason == ZONE_TTL_CAP && last->view == why->view)
            step.before = last->before;
    }
    enum status status = add_change(zone, &step, cname, &index);
    if (status == STATUS_OK)
        set_ttl(records, rrset->count, why->ttl, index);
    return status;
}

enum status zone_add_mark(struct zone *zone, const uint8_t *name, uint16_t flags, struct origin origin)
{
    assert(!zone->frozen);
    assert(name_is_at_or_below(name, zone->apex));
    struct zone_mark *grown = memory_grow(zone->marks, zone->mark_count, &zone->mark_capacity, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    zone->marks = grown;
    uint8_t key[NAME_KEY_MAX];
    size_t size = name_size(name);
    struct zone_mark mark = {.name = (uint32_t)zone->arena.size,
                             .key = (uint32_t)(zone->arena.size + size),
                             .key_size = (uint16_t)name_to_key(name, key),
                             .flags = flags,
                             .negative_ttl = ZONE_TTL_NONE,
                             .origin = origin};
    enum status status = bytes_append(&zone->arena, name, size);
    if (status == STATUS_OK)
        status = bytes_append(&zone->arena, key, mark.key_size);
    if (status == STATUS_OK)
        zone->marks[zone->mark_count++] = mark;
    return status;
}

static int compare_octets(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

int zone_compare_records(const struct zone *zone, const struct zone_record *a, const struct zone_record *b)
{
    const uint8_t *bytes = zone->arena.data;
    if (a->key != b->key) {
        int order = compare_octets(bytes + a->key, a->key_size, bytes + b->key, b->key_size);
        if (order != 0)
            return order;
    }
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static int compare_order(const void *left, const void *right)
{
    const struct zone_record *a = left;
    const struct zone_record *b = right;
    return (a->order > b->order) - (a->order < b->order);
}

static int compare_rdata(const void *left, const void *right, void *arena)
{
    const struct zone_record *a = left;
    const struct zone_record *b = right;
    const uint8_t *bytes = arena;
    int order = compare_octets(bytes + a->rdata, a->rdata_size, bytes + b->rdata, b->rdata_size);
    return order != 0 ? order : compare_order(left, right);
}

static bool same_rdata(const struct zone *zone, const struct zone_record *a, const struct zone_record *b)
{
    return a->rdata_size == b->rdata_size &&
           memcmp(zone->arena.data + a->rdata, zone->arena.data + b->rdata, a->rdata_size) == 0;
}

static void drop_repeated_pairwise(struct zone *zone, struct zone_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i && records[i].order != ORDER_DROPPED; j++)
            if (records[j].order != ORDER_DROPPED && same_rdata(zone, &records[i], &records[j]))
                records[i].order = ORDER_DROPPED;
    }
}

static void drop_repeated_sorted(struct zone *zone, struct zone_record *records, size_t count)
{
    qsort_r(records, count, sizeof *records, compare_rdata, zone->arena.data);
    size_t kept = 0;
    for (size_t i = 1; i < count; i++) {
        if (same_rdata(zone, &records[kept], &records[i]))
            records[i].order = ORDER_DROPPED;
        else
            kept = i;
    }
    qsort(records, count, sizeof *records, compare_order);
}

static enum status unify_ttl(struct zone *zone, struct zone_record *records, size_t count, struct diag *diag)
{
    size_t lowest = 0;
    size_t other = 0;
    for (size_t i = 1; i < count; i++) {
        if (records[i].ttl < records[lowest].ttl)
            lowest = i;
        if (records[i].ttl != records[0].ttl)
            other = i;
    }
    if (other == 0)
        return STATUS_OK;
    struct place place = zone_place(zone, &records[other]);
    char owner[NAME_TEXT_MAX];
    name_to_text(zone_owner(zone, &records[0]), owner);
    diag_add(diag, SEVERITY_WARNING, &place,
             "%s: found TTL %u here and TTL %u in line %u, wanted one TTL for all records of a name and type "
             "(RFC 2181 5.2); the lowest, %u, is used",
             owner, records[other].ttl, records[0].ttl, records[0].origin.line, records[lowest].ttl);
    const struct zone_ttl_change step = {
        .reason = ZONE_TTL_LOWEST, .ttl = records[lowest].ttl, .before = records->change};
    uint32_t change = records->change;
    enum status status = records->ttl == step.ttl ? STATUS_OK : add_change(zone, &step, NULL, &change);
    if (status == STATUS_OK)
        set_ttl(records, count, step.ttl, change);
    return status;
}

static size_t rrset_end(const struct zone *zone, size_t first)
{
    const uint8_t *bytes = zone->arena.data;
    const struct zone_record *a = &zone->records[first];
    size_t end = first + 1;
    for (; end < zone->count; end++) {
        const struct zone_record *b = &zone->records[end];
        if (a->type != b->type)
            break;
        if (a->key != b->key && compare_octets(bytes + a->key, a->key_size, bytes + b->key, b->key_size) != 0)
            break;
    }
    return end;
}

static enum status settle_rrset(struct zone *zone, struct zone_record *records, size_t count, struct diag *diag)
{
    if (count < 2)
        return STATUS_OK;
    enum status status = unify_ttl(zone, records, count, diag);
    if (status != STATUS_OK)
        return status;
    if (count <= PAIRWISE_MAX)
        drop_repeated_pairwise(zone, records, count);
    else
        drop_repeated_sorted(zone, records, count);
    return STATUS_OK;
}

static int compare_marks(const void *left, const void *right, void *arena)
{
    const struct zone_mark *a = left;
    const struct zone_mark *b = right;
    const uint8_t *bytes = arena;
    int order = compare_octets(bytes + a->key, a->key_size, bytes + b->key, b->key_size);
    /* Later marks stand further on in the arena: the first one's place is the one to keep. */
    return order != 0 ? order : (a->key > b->key) - (a->key < b->key);
}

/* One mark per name. */
static void settle_marks(struct zone *zone)
{
    if (zone->mark_count == 0)
        return;
    qsort_r(zone->marks, zone->mark_count, sizeof *zone->marks, compare_marks, zone->arena.data);
    size_t kept = 0;
    for (size_t i = 1; i < zone->mark_count; i++) {
        const struct zone_mark *mark = &zone->marks[i];
        struct zone_mark *last = &zone->marks[kept];
        if (last->key_size == mark->key_size &&
            memcmp(zone->arena.data + last->key, zone->arena.data + mark->key, mark->key_size) == 0)
            last->flags |= mark->flags;
        else
            zone->marks[++kept] = *mark;
    }
    zone->mark_count = kept + 1;
}

enum status zone_freeze(struct zone *zone, struct diag *diag)
{
    assert(!zone->frozen);
    enum status sorted = zone_sort_records(zone);
    if (sorted != STATUS_OK)
        return sorted;
    for (size_t first = 0; first < zone->count;) {
        size_t end = rrset_end(zone, first);
        enum status status = settle_rrset(zone, zone->records + first, end - first, diag);
        if (status != STATUS_OK)
            return status;
        first = end;
    }
    size_t kept = 0;
    for (size_t i = 0; i < zone->count; i++)
        if (zone->records[i].order != ORDER_DROPPED)
            zone->records[kept++] = zone->records[i];
    zone->count = kept;
    settle_marks(zone);
    zone->frozen = true;
    return STATUS_OK;
}

bool zone_next_rrset(const struct zone *zone, size_t *next, struct zone_rrset *rrset)
{
    assert(zone->frozen);
    if (*next >= zone->count)
        return false;
    rrset->first = *next;
    *next = rrset_end(zone, *next);
    rrset->count = *next - rrset->first;
    return true;
}

/* Where a record of this key and type stands or would stand, before others of the same key and type. */
static int compare_to_key(const struct zone *zone, const struct zone_record *record, const uint8_t *key,
                          size_t key_size, uint16_t type)
{
    int order = compare_octets(zone->arena.data + record->key, record->key_size, key, key_size);
    return order != 0 ? order : (record->type > type) - (record->type < type);
}

bool zone_find(const struct zone *zone, const uint8_t *owner, uint16_t type, struct zone_rrset *rrset)
{
    assert(zone->frozen);
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(owner, key);
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to_key(zone, &zone->records[middle], key, key_size, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count || compare_to_key(zone, &zone->records[low], key, key_size, type) != 0)
        return false;
    rrset->first = low;
    rrset->count = rrset_end(zone, low) - low;
    return true;
}

/* The first record in [low, zone->count) behind the owner of the key; with `below`, behind all names below it too. */
static size_t range_end(const struct zone *zone, size_t low, const uint8_t *key, size_t key_size, bool below)
{
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct zone_record *record = &zone->records[middle];
        size_t size = below && record->key_size > key_size ? key_size : record->key_size;
        if (compare_octets(zone->arena.data + record->key, size, key, key_size) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct zone_range find_range(const struct zone *zone, const uint8_t *owner, bool below)
{
    assert(zone->frozen);
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(owner, key);
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to_key(zone, &zone->records[middle], key, key_size, 0) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct zone_range){.first = low, .end = range_end(zone, low, key, key_size, below)};
}

struct zone_range zone_owner_range(const struct zone *zone, const uint8_t *owner)
{
    return find_range(zone, owner, false);
}

struct zone_range zone_subtree_range(const struct zone *zone, const uint8_t *owner)
{
    return find_range(zone, owner, true);
}

const uint8_t *zone_owner(const struct zone *zone, const struct zone_record *record)
{
    return zone->arena.data + record->owner;
}

const uint8_t *zone_key(const struct zone *zone, const struct zone_record *record)
{
    return zone->arena.data + record->key;
}

struct rdata zone_rdata(const struct zone *zone, const struct zone_record *record)
{
    return (struct rdata){.bytes = zone->arena.data + record->rdata, .size = record->rdata_size};
}

const uint8_t *zone_mark_name(const struct zone *zone, const struct zone_mark *mark)
{
    return zone->arena.data + mark->name;
}

struct place zone_origin_place(const struct zone *zone, struct origin origin)
{
    return (struct place){
        .file = origin.file < zone->file_count ? zone->files[origin.file] : NULL,
        .line = origin.line,
    };
}

struct place zone_place(const struct zone *zone, const struct zone_record *record)
{
    return zone_origin_place(zone, record->origin);
}

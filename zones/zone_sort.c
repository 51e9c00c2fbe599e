/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zone_sort.h"

#include "zones/memory.h"
#include "zones/prefault.h"

#include <string.h>

#define DIGIT_BYTES   8   /* of a key, compared at once */
#define DIGIT_VALUES  256 /* of one byte */
#define INSERTION_MAX 96  /* so many are sorted by insertion, which moves little where files are nearly in order */
#define AHEAD         12  /* records fetched before they are needed */

/* A record while it is sorted. */
struct sort_item {
    uint64_t digits; /* the bytes of its key that are looked at now; the first in the upper bits */
    uint32_t record; /* its number */
};

struct sorter {
    const struct zone *zone;
    struct sort_item *items;
    struct sort_item *room; /* for as many */
};

static uint64_t key_digits(const struct zone *zone, const struct zone_record *record, size_t depth)
{
    const uint8_t *key = zone->arena.data + record->key;
    uint64_t digits = 0;

    for (size_t i = depth; i < depth + DIGIT_BYTES; i++)
        digits = digits << 8 | (i < record->key_size ? key[i] : 0);
    return digits;
}

static void sort_by_insertion(struct sort_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const struct sort_item item = items[i];
        size_t place = i;
        for (; place > 0 && items[place - 1].digits > item.digits; place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
}

/* Move all items into the order of one byte of their digits. */
static void sort_by_byte(struct sort_item **items, struct sort_item **room, size_t count, unsigned shift,
                         const uint32_t counts[DIGIT_VALUES])
{
    uint32_t places[DIGIT_VALUES];
    uint32_t place = 0;
    struct sort_item *sorted = *room;

    for (unsigned value = 0; value < DIGIT_VALUES; value++) {
        places[value] = place;
        place += counts[value];
    }
    for (size_t i = 0; i < count; i++)
        sorted[places[(*items)[i].digits >> shift & (DIGIT_VALUES - 1)]++] = (*items)[i];
    *room = *items;
    *items = sorted;
}

/* Byte by byte from the last; one in which all are equal costs only the look at it. Stable. */
static void sort_by_digits(struct sorter *sorter, size_t first, size_t count)
{
    struct sort_item *items = sorter->items + first;
    struct sort_item *room = sorter->room + first;
    uint32_t counts[DIGIT_BYTES][DIGIT_VALUES];

    if (count <= INSERTION_MAX) {
        sort_by_insertion(items, count);
        return;
    }
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < count; i++)
        for (unsigned byte = 0; byte < DIGIT_BYTES; byte++)
            counts[byte][items[i].digits >> 8 * byte & (DIGIT_VALUES - 1)]++;
    for (unsigned byte = 0; byte < DIGIT_BYTES; byte++)
        if (counts[byte][items[0].digits >> 8 * byte & (DIGIT_VALUES - 1)] < count)
            sort_by_byte(&items, &room, count, 8 * byte, counts[byte]);
    if (items != sorter->items + first)
        memcpy(sorter->items + first, items, count * sizeof *items);
}

/* Records of one owner: by type, and by the order in which they appeared. */
static void sort_owner(struct sorter *sorter, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        const struct zone_record *record = &sorter->zone->records[sorter->items[i].record];
        sorter->items[i].digits = (uint64_t)record->type << 32 | record->order;
    }
    sort_by_digits(sorter, first, count);
}

/* Do their keys end before `depth`? Then they are equal: no key is the begin of another but by whole labels. */
static bool keys_end(const struct sorter *sorter, size_t first, size_t count, size_t depth)
{
    for (size_t i = first; i < first + count; i++)
        if (sorter->zone->records[sorter->items[i].record].key_size > depth)
            return false;
    return true;
}

/* Records whose keys are equal before `depth`. The depth of recursion is that of the longest key by DIGIT_BYTES. */
static void sort_keys(struct sorter *sorter, size_t first, size_t count, size_t depth)
{
    const struct zone *zone = sorter->zone;

    for (size_t i = first; i < first + count; i++)
        sorter->items[i].digits = key_digits(zone, &zone->records[sorter->items[i].record], depth);
    sort_by_digits(sorter, first, count);
    for (size_t begin = first, end; begin < first + count; begin = end) {
        for (end = begin + 1; end < first + count && sorter->items[end].digits == sorter->items[begin].digits;)
            end++;
        if (end - begin == 1)
            continue;
        if (keys_end(sorter, begin, end - begin, depth + DIGIT_BYTES))
            sort_owner(sorter, begin, end - begin);
        else
            sort_keys(sorter, begin, end - begin, depth + DIGIT_BYTES);
    }
}

static bool is_sorted(const struct zone *zone)
{
    for (size_t i = 1; i < zone->count; i++)
        if (zone_compare_records(zone, &zone->records[i - 1], &zone->records[i]) > 0)
            return false;
    return true;
}

/* Copy an owner and its key, side by side as they were. */
static enum status copy_name(const struct zone *zone, uint32_t *name, uint32_t *key, uint16_t key_size,
                             struct bytes *arena)
{
    const uint8_t *from = zone->arena.data + *name;
    const size_t size = name_size(from);
    const uint32_t place = (uint32_t)arena->size;
    enum status status = bytes_append(arena, from, size);

    if (status == STATUS_OK)
        status = bytes_append(arena, zone->arena.data + *key, key_size);
    *name = place;
    *key = place + (uint32_t)size;
    return status;
}

/* The records in their order, and what they hold likewise. */
static enum status copy_records(const struct sorter *sorter, struct zone_record *records, struct bytes *arena)
{
    const struct zone *zone = sorter->zone;
    const struct zone_record *last = NULL;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zone->count && status == STATUS_OK; i++) {
        const struct zone_record *from = &zone->records[sorter->items[i].record];
        struct zone_record *record = &records[i];
        if (i + AHEAD < zone->count)
            __builtin_prefetch(&zone->records[sorter->items[i + AHEAD].record]);
        if (i + AHEAD / 2 < zone->count)
            __builtin_prefetch(zone->arena.data + zone->records[sorter->items[i + AHEAD / 2].record].owner);
        *record = *from;
        if (last != NULL && last->owner == from->owner) {
            record->owner = records[i - 1].owner;
            record->key = records[i - 1].key;
        } else {
            status = copy_name(zone, &record->owner, &record->key, record->key_size, arena);
        }
        record->rdata = (uint32_t)arena->size;
        if (status == STATUS_OK)
            status = bytes_append(arena, zone->arena.data + from->rdata, from->rdata_size);
        last = from;
    }
    return status;
}

static enum status copy_marks(const struct zone *zone, struct zone_mark *marks, struct bytes *arena)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zone->mark_count && status == STATUS_OK; i++) {
        marks[i] = zone->marks[i];
        status = copy_name(zone, &marks[i].name, &marks[i].key, marks[i].key_size, arena);
    }
    return status;
}

/* Put everything into the order of the items. */
static enum status lay_out_zone(struct zone *zone, const struct sorter *sorter)
{
    struct zone_record *records = memory_alloc(zone->count * sizeof *records);
    struct zone_mark *marks = memory_alloc(zone->mark_count * sizeof *marks);
    struct bytes arena = {
        .data = memory_alloc(zone->arena.size), .capacity = zone->arena.size, .limit = zone->arena.limit};
    enum status status = STATUS_NO_MEMORY;

    if (records != NULL && marks != NULL && arena.data != NULL) {
        prefault_block(records, zone->count * sizeof *records);
        prefault_block(arena.data, arena.capacity);
        status = copy_records(sorter, records, &arena);
    }
    if (status == STATUS_OK)
        status = copy_marks(zone, marks, &arena);
    if (status != STATUS_OK) {
        memory_free(records);
        memory_free(marks);
        bytes_clear(&arena);
        return status;
    }
    memory_free(zone->records);
    memory_free(zone->marks);
    bytes_clear(&zone->arena);
    zone->records = records;
    zone->capacity = zone->count;
    zone->marks = marks;
    zone->mark_capacity = zone->mark_count;
    zone->arena = arena;
    return STATUS_OK;
}

enum status zone_sort_records(struct zone *zone)
{
    uint8_t key[NAME_KEY_MAX];

    if (is_sorted(zone))
        return STATUS_OK;
    struct sorter sorter = {.zone = zone,
                            .items = memory_alloc(zone->count * sizeof *sorter.items),
                            .room = memory_alloc(zone->count * sizeof *sorter.room)};
    enum status status = STATUS_NO_MEMORY;
    if (sorter.items != NULL && sorter.room != NULL) {
        for (size_t i = 0; i < zone->count; i++)
            sorter.items[i] = (struct sort_item){.digits = 0, .record = (uint32_t)i};
        sort_keys(&sorter, 0, zone->count, name_to_key(zone->apex, key)); /* which all keys begin with */
        memory_free(sorter.room);
        sorter.room = NULL;
        status = lay_out_zone(zone, &sorter);
    }
    memory_free(sorter.items);
    memory_free(sorter.room);
    return status;
}

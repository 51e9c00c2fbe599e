/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/catalog.h"

#include "zones/bytes.h"
#include "zones/catalog_layout.h"
#include "zones/memory.h"
#include "zones/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CATALOG_ALIGNMENT 8u
#define CATALOG_ZONES_MAX (UINT32_C(1) << 26)

_Static_assert(sizeof(struct catalog_header) == 40, "the header's layout is part of the format");
_Static_assert(sizeof(struct catalog_entry) == 24, "the entry's layout is part of the format");

/* A zone while the zones are sorted. */
struct sorted_zone {
    const struct catalog_zone *zone;
    uint32_t key; /* offset among the keys */
    uint16_t key_size;
};

static int compare_zones(const void *left, const void *right, void *keys)
{
    const struct sorted_zone *a = left;
    const struct sorted_zone *b = right;
    const uint8_t *bytes = keys;
    int order = memcmp(bytes + a->key, bytes + b->key, a->key_size < b->key_size ? a->key_size : b->key_size);
    return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static struct sorted_zone *sort_zones(const struct catalog_zone *zones, size_t count)
{
    struct sorted_zone *sorted = memory_zalloc(count, sizeof *sorted);
    struct bytes keys;
    enum status status = sorted == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    bytes_init(&keys, UINT32_MAX);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        uint8_t key[NAME_KEY_MAX];
        size_t key_size = name_to_key(zones[i].apex, key);
        sorted[i] = (struct sorted_zone){&zones[i], (uint32_t)keys.size, (uint16_t)key_size};
        status = bytes_append(&keys, key, key_size);
    }
    if (status == STATUS_OK && keys.size > 0)
        qsort_r(sorted, count, sizeof *sorted, compare_zones, keys.data);
    bytes_clear(&keys);
    if (status == STATUS_OK)
        return sorted;
    memory_free(sorted);
    return NULL;
}

static void fill_slot(struct catalog_slot *slots, uint32_t mask, const struct name_split *split, uint32_t entry)
{
    uint64_t hash = split->hash[split->labels];
    uint32_t index = (uint32_t)hash & mask;
    while (slots[index].entry != 0)
        index = (index + 1) & mask;
    slots[index] = (struct catalog_slot){.tag = (uint32_t)(hash >> 32), .entry = entry + 1};
}

static void write_block(uint8_t *block, const struct catalog_header *header, const struct sorted_zone *sorted)
{
    struct catalog_header *head = (struct catalog_header *)(void *)block;
    *head = *header;
    struct catalog_entry *entries = (struct catalog_entry *)(void *)(block + header->entries);
    struct catalog_slot *slots = (struct catalog_slot *)(void *)(block + header->slots);
    uint32_t names = header->slots + header->slot_count * (uint32_t)sizeof *slots;
    head->labels_min = header->count == 0 ? 0 : UINT8_MAX;
    for (uint32_t i = 0; i < header->count; i++) {
        struct name_split split;
        name_split(sorted[i].zone->apex, &split);
        memcpy(block + names, split.lower, split.size);
        entries[i] = (struct catalog_entry){
            .image_id = sorted[i].zone->image_id,
            .apex = names,
            .serial = sorted[i].zone->serial,
            .file_serial = sorted[i].zone->file_serial,
        };
        names += split.size;
        fill_slot(slots, header->slot_count - 1, &split, i);
        head->labels_min = split.labels < head->labels_min ? split.labels : head->labels_min;
        head->labels_max = split.labels > head->labels_max ? split.labels : head->labels_max;
    }
}

enum status catalog_build(const struct catalog_zone *zones, size_t count, uint8_t **block, size_t *size)
{
    if (count > CATALOG_ZONES_MAX)
        return STATUS_TOO_LARGE;
    uint32_t slot_count = 2;
    while (slot_count < count * 2)
        slot_count *= 2;
    struct catalog_header header = {
        .magic = CATALOG_MAGIC, .version = CATALOG_VERSION, .count = (uint32_t)count, .slot_count = slot_count};
    uint64_t total = sizeof header + count * sizeof(struct catalog_entry) + slot_count * sizeof(struct catalog_slot);
    for (size_t i = 0; i < count; i++)
        total += name_size(zones[i].apex);
    header.size = (total + CATALOG_ALIGNMENT - 1) & ~(uint64_t)(CATALOG_ALIGNMENT - 1);
    if (header.size > UINT32_MAX)
        return STATUS_TOO_LARGE;
    header.entries = (uint32_t)sizeof header;
    header.slots = header.entries + (uint32_t)(count * sizeof(struct catalog_entry));
    struct sorted_zone *sorted = sort_zones(zones, count);
    uint8_t *bytes = memory_zalloc(1, (size_t)header.size);
    if (sorted != NULL && bytes != NULL)
        write_block(bytes, &header, sorted);
    memory_free(sorted);
    if (sorted == NULL || bytes == NULL) {
        memory_free(bytes);
        return STATUS_NO_MEMORY;
    }
    *block = bytes;
    *size = (size_t)header.size;
    return STATUS_OK;
}

enum status catalog_open(const void *block, size_t size, struct catalog *catalog)
{
    const struct catalog_header *header = block;
    if (block == NULL || size < sizeof *header || (uintptr_t)block % CATALOG_ALIGNMENT != 0 ||
        header->magic != CATALOG_MAGIC)
        return STATUS_DAMAGED;
    if (header->version != CATALOG_VERSION)
        return STATUS_VERSION;
    if (header->size > size || header->slot_count == 0 || (header->slot_count & (header->slot_count - 1)) != 0 ||
        header->entries < sizeof *header || header->entries > header->size ||
        header->entries % CATALOG_ALIGNMENT != 0 || header->slots > header->size ||
        header->slots % CATALOG_ALIGNMENT != 0 ||
        (header->size - header->entries) / sizeof(struct catalog_entry) < header->count ||
        (header->size - header->slots) / sizeof(struct catalog_slot) < header->slot_count)
        return STATUS_DAMAGED;
    *catalog = (struct catalog){.block = block, .size = (size_t)header->size, .header = header};
    return STATUS_OK;
}

uint32_t catalog_count(const struct catalog *catalog)
{
    return catalog->header->count;
}

unsigned catalog_labels_max(const struct catalog *catalog)
{
    return catalog->header->labels_max;
}

const struct catalog_entry *catalog_entry(const struct catalog *catalog, uint32_t index)
{
    assert(index < catalog->header->count);
    const void *entries = catalog->block + catalog->header->entries;
    return (const struct catalog_entry *)entries + index;
}

const uint8_t *catalog_apex(const struct catalog *catalog, const struct catalog_entry *entry)
{
    size_t size;
    if (entry->apex < sizeof *catalog->header || entry->apex >= catalog->size ||
        name_from_wire(catalog->block + entry->apex, catalog->size - entry->apex, &size) != STATUS_OK)
        return NULL;
    return catalog->block + entry->apex;
}

/* The size goes first: who sees the block sees the size. What several threads write is the same. */
struct image_ref catalog_fetch(const struct catalog *catalog, uint32_t index)
{
    struct image_ref *ref = &catalog->images[index];
    struct image_ref found = {.block = NULL, .size = 0};
    if (!store_images_find(catalog->stored, catalog_entry(catalog, index)->image_id, &found.block, &found.size))
        return found;
    __atomic_store_n(&ref->size, found.size, __ATOMIC_RELAXED);
    __atomic_store_n(&ref->block, found.block, __ATOMIC_RELEASE);
    return found;
}

static bool apex_is(const struct catalog *catalog, const struct catalog_entry *entry, const uint8_t *name, size_t size)
{
    return entry->apex >= sizeof *catalog->header && entry->apex <= catalog->size - size &&
           memcmp(catalog->block + entry->apex, name, size) == 0;
}

static const struct catalog_entry *find_exact(const struct catalog *catalog, const struct name_split *split,
                                              unsigned labels, uint32_t *index)
{
    const void *place = catalog->block + catalog->header->slots;
    const struct catalog_slot *slots = place;
    uint32_t mask = catalog->header->slot_count - 1;
    uint32_t tag = (uint32_t)(split->hash[labels] >> 32);
    uint32_t slot = (uint32_t)split->hash[labels] & mask;
    const uint8_t *name = split->lower + split->offset[labels];
    size_t size = (size_t)(split->size - split->offset[labels]);
    for (uint32_t probes = 0; probes <= mask && slots[slot].entry != 0; probes++) {
        uint32_t number = slots[slot].entry - 1;
        if (slots[slot].tag == tag && number < catalog->header->count) {
            const struct catalog_entry *entry = catalog_entry(catalog, number);
            if (apex_is(catalog, entry, name, size)) {
                *index = number;
                return entry;
            }
        }
        slot = (slot + 1) & mask;
    }
    return NULL;
}

const struct catalog_entry *catalog_find_labels(const struct catalog *catalog, const struct name_split *split,
                                                unsigned labels, uint32_t *index, unsigned *apex_labels)
{
    assert(labels <= split->labels);
    unsigned deepest = labels < catalog->header->labels_max ? labels : catalog->header->labels_max;
    for (unsigned k = deepest + 1; k-- > catalog->header->labels_min;) {
        const struct catalog_entry *entry = find_exact(catalog, split, k, index);
        if (entry != NULL) {
            *apex_labels = k;
            return entry;
        }
    }
    return NULL;
}

const struct catalog_entry *catalog_find(const struct catalog *catalog, const struct name_split *split, unsigned labels,
                                         uint32_t *index)
{
    unsigned apex_labels;
    return catalog_find_labels(catalog, split, labels, index, &apex_labels);
}

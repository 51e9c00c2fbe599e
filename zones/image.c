/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/image.h"

#include "zones/hash.h"

#include <assert.h>
#include <string.h>

_Static_assert(sizeof(struct image_header) == 184, "the header's layout is part of the format");
_Static_assert(sizeof(struct image_node) == 16, "the node's layout is part of the format");
_Static_assert(sizeof(struct image_rrset) == 20, "the RRset's layout is part of the format");
_Static_assert(sizeof(struct image_slot) == 8, "the slot's layout is part of the format");

static uint32_t padded_name_size(uint32_t size)
{
    return (size + 3u) & ~3u;
}

/* `alignment` is a power of two. */
static const struct image_section_entry *find_section(const struct image_header *header, uint32_t kind,
                                                      uint32_t alignment)
{
    const struct image_section_entry *section = header->sections;
    const struct image_section_entry *end = section + header->section_count;
    while (section < end && section->kind != kind)
        section++;
    bool inside = section < end && section->offset >= sizeof *header && section->offset <= header->size &&
                  section->size <= header->size - section->offset && (section->offset & (alignment - 1)) == 0;
    return inside ? section : NULL;
}

enum status image_open(const void *block, size_t size, struct image *image)
{
    const struct image_header *header = block;
    if (block == NULL || size < sizeof *header || (uintptr_t)block % IMAGE_ALIGNMENT != 0 ||
        header->magic != IMAGE_MAGIC)
        return STATUS_DAMAGED;
    if (header->version != IMAGE_VERSION)
        return STATUS_VERSION;
    if (header->size > size || header->size > IMAGE_SIZE_MAX || header->size < sizeof *header ||
        header->section_count > IMAGE_SECTIONS_MAX || header->slot_count == 0 ||
        (header->slot_count & (header->slot_count - 1)) != 0)
        return STATUS_DAMAGED;
    const struct image_section_entry *slots = find_section(header, IMAGE_SECTION_SLOTS, sizeof(struct image_slot));
    const struct image_section_entry *order = find_section(header, IMAGE_SECTION_ORDER, sizeof(uint32_t));
    if (slots == NULL || order == NULL || slots->size / sizeof(struct image_slot) < header->slot_count ||
        order->size / sizeof(uint32_t) < header->node_count)
        return STATUS_DAMAGED;
    image->block = block;
    image->header = header;
    image->size = (uint32_t)header->size;
    image->slots = (const struct image_slot *)(const void *)(image->block + slots->offset);
    image->slot_mask = header->slot_count - 1;
    image->order = order->offset;
    return STATUS_OK;
}

const struct image_node *image_node(const struct image *image, uint32_t offset)
{
    if (offset < sizeof(struct image_header) || offset % IMAGE_NODE_ALIGNMENT != 0 ||
        offset > image->size - sizeof(struct image_node))
        return NULL;
    const struct image_node *node = (const struct image_node *)(const void *)(image->block + offset);
    uint32_t table = padded_name_size(node->name_size) + node->rrset_count * (uint32_t)sizeof(struct image_rrset);
    if (table > image->size - offset - sizeof *node)
        return NULL;
    return node;
}

const uint8_t *image_node_name(const struct image_node *node)
{
    return (const uint8_t *)(node + 1);
}

static const struct image_rrset *rrset_table(const struct image_node *node)
{
    return (const struct image_rrset *)(const void *)((const uint8_t *)(node + 1) + padded_name_size(node->name_size));
}

uint32_t image_negative_ttl(const struct image *image, const struct image_node *node)
{
    if (node == NULL || (node->flags & NODE_NEGATIVE) == 0)
        return image->header->negative_ttl;
    const uint8_t *own = (const uint8_t *)rrset_table(node);
    size_t offset = (size_t)(own - image->block);
    return image->size - offset >= sizeof(uint32_t) ? *(const uint32_t *)(const void *)own
                                                    : image->header->negative_ttl;
}

static bool rrset_is_inside(const struct image *image, const struct image_rrset *rrset)
{
    return rrset->count > 0 && rrset->data >= sizeof(struct image_header) && rrset->data <= image->size &&
           rrset->size <= image->size - rrset->data;
}

const struct image_rrset *image_node_rrset(const struct image *image, const struct image_node *node, unsigned index)
{
    assert(index < node->rrset_count);
    const struct image_rrset *rrset = rrset_table(node) + index;
    return rrset_is_inside(image, rrset) ? rrset : NULL;
}

const struct image_rrset *image_find_rrset(const struct image *image, const struct image_node *node, uint16_t type,
                                           bool *damaged)
{
    const struct image_rrset *table = rrset_table(node);
    for (unsigned i = 0; i < node->rrset_count; i++) {
        if (table[i].type != type)
            continue;
        if (rrset_is_inside(image, &table[i]))
            return &table[i];
        *damaged = true;
        return NULL;
    }
    return NULL;
}

struct rrset image_rrset_data(const struct image *image, const struct image_rrset *rrset)
{
    return (struct rrset){
        .type = rrset->type,
        .count = rrset->count,
        .ttl = rrset->ttl,
        .data = image->block + rrset->data,
        .size = rrset->size,
    };
}

const struct image_node *image_rrset_hint(const struct image *image, const struct image_rrset *rrset, unsigned index)
{
    if (rrset->hints == 0 || index >= rrset->count || rrset->hints % sizeof(uint32_t) != 0 ||
        rrset->hints > image->size || (image->size - rrset->hints) / sizeof(uint32_t) < rrset->count)
        return NULL;
    const uint32_t *hints = (const uint32_t *)(const void *)(image->block + rrset->hints);
    return hints[index] == 0 ? NULL : image_node(image, hints[index]);
}

const struct image_node *image_find(const struct image *image, const struct name_split *split, unsigned labels)
{
    assert(labels <= split->labels);
    uint64_t hash = split->hash[labels];
    uint32_t tag = (uint32_t)(hash >> 32);
    const uint8_t *name = split->lower + split->offset[labels];
    uint8_t size = (uint8_t)(split->size - split->offset[labels]);
    uint32_t index = (uint32_t)hash & image->slot_mask;
    for (uint32_t probes = 0; probes <= image->slot_mask; probes++) {
        const struct image_slot *slot = &image->slots[index];
        if (slot->node == 0)
            return NULL;
        if (slot->tag == tag) {
            const struct image_node *node = image_node(image, slot->node);
            if (node != NULL && node->name_size == size && memcmp(image_node_name(node), name, size) == 0)
                return node;
        }
        index = (index + 1) & image->slot_mask;
    }
    return NULL;
}

const struct image_node *image_node_at(const struct image *image, uint32_t index)
{
    assert(index < image->header->node_count);
    const uint32_t *order = (const uint32_t *)(const void *)(image->block + image->order);
    return image_node(image, order[index]);
}

void image_checksum(const void *block, size_t size, uint8_t checksum[IMAGE_CHECKSUM_SIZE])
{
    const uint8_t *bytes = block;
    size_t field = offsetof(struct image_header, checksum);
    size_t behind = field + IMAGE_CHECKSUM_SIZE;
    assert(size >= behind);
    struct hash_piece pieces[] = {{bytes, field}, {NULL, IMAGE_CHECKSUM_SIZE}, {bytes + behind, size - behind}};
    _Static_assert(HASH_SIZE == IMAGE_CHECKSUM_SIZE, "the checksum is a SHA-256");
    hash_pieces(pieces, 3, checksum);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* image_verify: every byte of an image that a reader could follow. Slow on purpose; readers check only what they touch.
 */
#include "zones/image.h"

#include <string.h>

struct verifier {
    struct image image;
    struct diag *diag;
    uint64_t rrsets;
    uint64_t records;
};

static enum status damaged(const struct verifier *verifier, uint32_t offset, const char *found)
{
    return diag_fail(verifier->diag, STATUS_DAMAGED, NULL, "image: at offset %u found %s", offset, found);
}

static uint32_t offset_of(const struct verifier *verifier, const void *place)
{
    return (uint32_t)((const uint8_t *)place - verifier->image.block);
}

static enum status verify_rdata(struct verifier *verifier, const struct image_rrset *rrset)
{
    struct rrset data = image_rrset_data(&verifier->image, rrset);
    struct rdata rdata;
    uint32_t position = 0;
    unsigned count = 0;
    while (rrset_next_rdata(&data, &position, &rdata)) {
        if (rrtype_layout(data.type).names > 0 && rdata_target(data.type, &rdata) == NULL)
            return damaged(verifier, offset_of(verifier, rdata.bytes), "RDATA whose name does not end");
        if (data.type == RRTYPE_SOA && soa_serial_offset(&rdata) == 0)
            return damaged(verifier, offset_of(verifier, rdata.bytes), "RDATA that are no SOA's");
        count++;
    }
    if (position != data.size || count != data.count)
        return damaged(verifier, rrset->data, "an RRset whose data do not hold its records");
    verifier->records += count;
    return STATUS_OK;
}

static enum status verify_hints(struct verifier *verifier, const struct image_rrset *rrset)
{
    const struct image *image = &verifier->image;
    if (rrset->hints == 0)
        return STATUS_OK;
    if (rrset->hints % sizeof(uint32_t) != 0 || rrset->hints > image->size ||
        (image->size - rrset->hints) / sizeof(uint32_t) < rrset->count)
        return damaged(verifier, rrset->hints, "hints outside the image");
    const uint32_t *hints = (const uint32_t *)(const void *)(image->block + rrset->hints);
    for (unsigned i = 0; i < rrset->count; i++)
        if (hints[i] != 0 && image_node(image, hints[i]) == NULL)
            return damaged(verifier, rrset->hints, "a hint at no node");
    return STATUS_OK;
}

static enum status verify_rrsets(struct verifier *verifier, const struct image_node *node)
{
    uint16_t last = 0;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct image_rrset *rrset = image_node_rrset(&verifier->image, node, i);
        if (rrset == NULL)
            return damaged(verifier, offset_of(verifier, node), "a node with an RRset outside the image");
        if (rrset->type <= last || rrtype_is_meta(rrset->type))
            return damaged(verifier, offset_of(verifier, rrset), "an RRset of a wrong type or out of order");
        last = rrset->type;
        enum status status = verify_rdata(verifier, rrset);
        if (status == STATUS_OK)
            status = verify_hints(verifier, rrset);
        if (status != STATUS_OK)
            return status;
        verifier->rrsets++;
    }
    return STATUS_OK;
}

/* Flags that contradict each other or the node. */
static enum status verify_flags(struct verifier *verifier, const struct image_node *node)
{
    const struct image *image = &verifier->image;
    const unsigned known = NODE_FORWARDS * 2u - 1;
    bool is_apex = (node->flags & NODE_APEX) != 0;
    if ((node->flags & ~known) != 0 || is_apex != (offset_of(verifier, node) == image->header->apex))
        return damaged(verifier, offset_of(verifier, node), "a node with flags that cannot be");
    if (is_apex ? (node->flags & (NODE_HIDDEN | NODE_MISSING)) != 0
                : (node->flags & (NODE_PINPOINT | NODE_FORWARDS)) != 0)
        return damaged(verifier, offset_of(verifier, node), "a hidden apex, or a rule for the zone beside its apex");
    if ((node->flags & (NODE_HIDDEN | NODE_MISSING)) != 0 && node->rrset_count > 0)
        return damaged(verifier, offset_of(verifier, node), "a hidden or missing name with records");
    if ((node->flags & (NODE_NEGATIVE | NODE_HIDDEN)) == NODE_NEGATIVE)
        return damaged(verifier, offset_of(verifier, node), "a name with its own negative TTL that is not hidden");
    return STATUS_OK;
}

static enum status verify_node(struct verifier *verifier, const struct image_node *node, struct name_split *split)
{
    const struct image *image = &verifier->image;
    const uint8_t *name = image_node_name(node);
    size_t size;
    if (name_from_wire(name, node->name_size, &size) != STATUS_OK || size != node->name_size)
        return damaged(verifier, offset_of(verifier, node), "a node with a malformed name");
    name_split(name, split);
    if (memcmp(split->lower, name, size) != 0 || split->labels != node->label_count)
        return damaged(verifier, offset_of(verifier, node), "a node whose name is not in lower case or miscounted");
    if (image_find(image, split, split->labels) != node)
        return damaged(verifier, offset_of(verifier, node), "a node that the hash table does not find");
    if (node->cut != 0 && image_node(image, node->cut) == NULL)
        return damaged(verifier, offset_of(verifier, node), "a node below a cut that is no node");
    if (node->wildcard != 0 && image_node(image, node->wildcard) == NULL)
        return damaged(verifier, offset_of(verifier, node), "a node with a wildcard that is no node");
    enum status status = verify_flags(verifier, node);
    return status == STATUS_OK ? verify_rrsets(verifier, node) : status;
}

static enum status verify_order(struct verifier *verifier)
{
    const struct image *image = &verifier->image;
    uint8_t keys[2][NAME_KEY_MAX];
    size_t sizes[2] = {0, 0};
    for (uint32_t i = 0; i < image->header->node_count; i++) {
        struct name_split split;
        const struct image_node *node = image_node_at(image, i);
        if (node == NULL)
            return damaged(verifier, image->order, "an order with an entry at no node");
        enum status status = verify_node(verifier, node, &split);
        if (status != STATUS_OK)
            return status;
        uint8_t *key = keys[i & 1];
        const uint8_t *last = keys[1 - (i & 1)];
        sizes[i & 1] = name_to_key(image_node_name(node), key);
        size_t last_size = sizes[1 - (i & 1)];
        size_t shorter = last_size < sizes[i & 1] ? last_size : sizes[i & 1];
        int order = memcmp(last, key, i == 0 ? 0 : shorter);
        if (i > 0 && (order > 0 || (order == 0 && last_size >= sizes[i & 1])))
            return damaged(verifier, offset_of(verifier, node), "a node out of canonical order");
    }
    return STATUS_OK;
}

static enum status verify_slots(struct verifier *verifier)
{
    const struct image *image = &verifier->image;
    uint64_t used = 0;
    for (uint32_t i = 0; i <= image->slot_mask; i++) {
        if (image->slots[i].node != 0 && image_node(image, image->slots[i].node) == NULL)
            return damaged(verifier, offset_of(verifier, &image->slots[i]), "a slot at no node");
        used += image->slots[i].node != 0;
    }
    if (used != image->header->node_count)
        return damaged(verifier, offset_of(verifier, image->slots), "a hash table that does not hold every node");
    return STATUS_OK;
}

enum status image_verify(const void *block, size_t size, struct diag *diag)
{
    struct verifier verifier = {.diag = diag};
    enum status status = image_open(block, size, &verifier.image);
    if (status != STATUS_OK)
        return diag_fail(diag, status, NULL, "image: found no header of layout %u", IMAGE_VERSION);
    const struct image_header *header = verifier.image.header;
    uint8_t checksum[IMAGE_CHECKSUM_SIZE];
    image_checksum(block, (size_t)header->size, checksum);
    if (memcmp(checksum, header->checksum, sizeof checksum) != 0)
        return diag_fail(diag, STATUS_DAMAGED, NULL, "image: the checksum does not fit the bytes");
    const struct image_node *apex = image_node(&verifier.image, header->apex);
    if (apex == NULL || (apex->flags & NODE_APEX) == 0)
        return damaged(&verifier, header->apex, "no apex node");
    status = verify_slots(&verifier);
    if (status == STATUS_OK)
        status = verify_order(&verifier);
    if (status == STATUS_OK && (verifier.rrsets != header->rrset_count || verifier.records != header->record_count))
        return diag_fail(diag, STATUS_DAMAGED, NULL, "image: the header's counts do not fit the content");
    return status;
}

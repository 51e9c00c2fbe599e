/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/diff.h"

#include "zones/name.h"

#include <string.h>

/* Where the walk stands in one of the two images. */
struct side {
    const struct image *image; /* NULL: no zone */
    uint32_t next;             /* number of the node in canonical order */
    const struct image_node *node;
};

struct walk {
    struct side before;
    struct side after;
    diff_visit *visit;
    void *context;
};

bool diff_rrset_holds(const struct rrset *rrset, const struct rdata *rdata)
{
    uint32_t position = 0;
    struct rdata one;

    while (rrset_next_rdata(rrset, &position, &one))
        if (one.size == rdata->size && memcmp(one.bytes, rdata->bytes, one.size) == 0)
            return true;
    return false;
}

/* Neither holds a record twice (zone_freeze), so as many records and all of one in the other means equal. */
bool diff_rrset_equal(const struct rrset *a, const struct rrset *b)
{
    uint32_t position = 0;
    struct rdata rdata;

    if (a->ttl != b->ttl || a->count != b->count || a->size != b->size)
        return false;
    if (memcmp(a->data, b->data, a->size) == 0)
        return true;
    while (rrset_next_rdata(a, &position, &rdata))
        if (!diff_rrset_holds(b, &rdata))
            return false;
    return true;
}

/* The owner's name is trusted afterwards. */
static enum status step(struct side *side)
{
    size_t size = 0;

    side->node = NULL;
    if (side->image == NULL || side->next >= side->image->header->node_count)
        return STATUS_OK;
    const struct image_node *node = image_node_at(side->image, side->next);
    if (node == NULL || name_from_wire(image_node_name(node), node->name_size, &size) != STATUS_OK ||
        size != node->name_size)
        return STATUS_DAMAGED;
    side->node = node;
    side->next++;
    return STATUS_OK;
}

/* Canonical order; the nodes of a side that has come to its end are behind all others. */
static int compare_nodes(const struct image_node *a, const struct image_node *b)
{
    uint8_t a_key[NAME_KEY_MAX];
    uint8_t b_key[NAME_KEY_MAX];

    if (a == NULL || b == NULL)
        return a == b ? 0 : a == NULL ? 1 : -1;
    if (a->name_size == b->name_size && memcmp(image_node_name(a), image_node_name(b), a->name_size) == 0)
        return 0;
    size_t a_size = name_to_key(image_node_name(a), a_key);
    size_t b_size = name_to_key(image_node_name(b), b_key);
    int order = memcmp(a_key, b_key, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : a_size < b_size ? -1 : 1;
}

/* RRset number `index` of a node that may be NULL; count 0 behind the last. */
static enum status get_rrset(const struct side *side, const struct image_node *node, unsigned index,
                             struct rrset *rrset)
{
    *rrset = (struct rrset){.count = 0};
    if (node == NULL || index >= node->rrset_count)
        return STATUS_OK;
    const struct image_rrset *found = image_node_rrset(side->image, node, index);
    if (found == NULL)
        return STATUS_DAMAGED;
    *rrset = image_rrset_data(side->image, found);
    return STATUS_OK;
}

/* The RRsets of one owner; a node that is NULL has none. False in *more: stop. */
static enum status compare_rrsets(struct walk *walk, const struct image_node *before, const struct image_node *after,
                                  bool *more)
{
    const uint8_t *owner = image_node_name(before != NULL ? before : after);
    unsigned i = 0;
    unsigned j = 0;

    while (*more) {
        struct diff_rrset found = {.owner = owner};
        if (get_rrset(&walk->before, before, i, &found.before) != STATUS_OK ||
            get_rrset(&walk->after, after, j, &found.after) != STATUS_OK)
            return STATUS_DAMAGED;
        if (found.before.count == 0 && found.after.count == 0)
            break;
        if (found.before.count != 0 && found.after.count != 0 && found.before.type != found.after.type) {
            bool before_first = found.before.type < found.after.type;
            *(before_first ? &found.after : &found.before) = (struct rrset){.count = 0};
        }
        i += found.before.count != 0;
        j += found.after.count != 0;
        found.type = found.before.count != 0 ? found.before.type : found.after.type;
        if (found.before.count == 0 || found.after.count == 0 || !diff_rrset_equal(&found.before, &found.after))
            *more = walk->visit(walk->context, &found);
    }
    return STATUS_OK;
}

static bool is_same_image(const struct image *a, const struct image *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->block == b->block || memcmp(a->header->checksum, b->header->checksum, IMAGE_CHECKSUM_SIZE) == 0;
}

enum status zone_diff(const struct image *before, const struct image *after, diff_visit *visit, void *context)
{
    struct walk walk = {.before.image = before, .after.image = after, .visit = visit, .context = context};
    bool more = true;

    if (is_same_image(before, after))
        return STATUS_OK;
    enum status status = step(&walk.before);
    if (status == STATUS_OK)
        status = step(&walk.after);
    while (status == STATUS_OK && more && (walk.before.node != NULL || walk.after.node != NULL)) {
        int order = compare_nodes(walk.before.node, walk.after.node);
        const struct image_node *old_node = order <= 0 ? walk.before.node : NULL;
        const struct image_node *new_node = order >= 0 ? walk.after.node : NULL;
        status = compare_rrsets(&walk, old_node, new_node, &more);
        if (status == STATUS_OK && old_node != NULL)
            status = step(&walk.before);
        if (status == STATUS_OK && new_node != NULL)
            status = step(&walk.after);
    }
    return status;
}

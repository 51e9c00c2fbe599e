/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/additional.h"

#include "zones/encloser.h"
#include "zones/image.h"

struct additional {
    const struct catalog *catalog;
    struct answer *answer;
};

/* A node whose addresses may be told, and the image it stands in. */
struct found_node {
    struct image image;
    const struct image_node *node;
};

static bool open_image(const struct catalog *catalog, uint32_t index, struct image *image)
{
    const struct image_ref ref = catalog_image(catalog, index);
    return image_open(ref.block, ref.size, image) == STATUS_OK;
}

/* The node of a name, or the wildcard that stands for it. */
static const struct image_node *find_node(const struct image *image, const struct name_split *split,
                                          unsigned apex_labels)
{
    const struct image_node *node = image_find(image, split, split->labels);
    if (node != NULL && (node->flags & (NODE_HIDDEN | NODE_MISSING)) != NODE_MISSING)
        return node;
    return encloser_find(image, split, apex_labels, &node) == MISS_WILDCARD ? node : NULL;
}

/* Authoritative data for a target in any zone of the view. */
static bool find_authoritative(const struct catalog *catalog, const struct name_split *split, struct found_node *found)
{
    uint32_t index;
    unsigned apex_labels;
    if (catalog_find_labels(catalog, split, split->labels, &index, &apex_labels) == NULL ||
        !open_image(catalog, index, &found->image))
        return false;
    found->node = find_node(&found->image, split, apex_labels);
    return found->node != NULL && (found->node->flags & (NODE_BELOW_CUT | NODE_CUT | NODE_FOREIGN)) == 0;
}

/* The zone that delegates `cut` may know a name server below a cut: glue, which is no authoritative data. */
static bool find_glue(const struct catalog *catalog, const uint8_t *cut, const struct name_split *target,
                      struct found_node *found)
{
    struct name_split split;
    uint32_t index;
    name_split(cut, &split);
    if (split.labels == 0 || catalog_find(catalog, &split, split.labels - 1u, &index) == NULL ||
        !open_image(catalog, index, &found->image))
        return false;
    found->node = image_find(&found->image, target, target->labels);
    return found->node != NULL;
}

static void add_rrset(struct additional *additional, const struct found_node *found, const uint8_t *owner,
                      uint16_t type, bool optional)
{
    bool damaged = false;
    const struct image_rrset *rrset = image_find_rrset(&found->image, found->node, type, &damaged);
    if (rrset == NULL || answer_has(additional->answer, owner, type))
        return;
    struct rrset data = image_rrset_data(&found->image, rrset);
    struct answer_rrset *added;
    bool overflow = additional->answer->overflow;
    if (answer_add(additional->answer, SECTION_ADDITIONAL, owner, &data, &added)) {
        added->optional = optional;
        added->rule = found->node->rule;
    } else if (optional) {
        additional->answer->overflow = overflow;
    }
}

static bool is_service_binding(uint16_t type)
{
    return type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

static void add_target(struct additional *additional, const struct answer_rrset *entry, const struct rdata *rdata)
{
    const uint8_t *target = rdata_target(entry->rrset.type, rdata);
    uint16_t type = entry->rrset.type;
    if (target == NULL)
        return;
    if (target[0] == 0) {
        /* "." is the owner itself in ServiceMode (RFC 9460 2.5), nothing anywhere else. */
        if (!is_service_binding(type) || read_u16(rdata->bytes) == 0)
            return;
        target = entry->owner;
    }
    bool is_referral = entry->section == SECTION_AUTHORITY && type == RRTYPE_NS;
    struct name_split split;
    struct found_node found;
    name_split(target, &split);
    if (!(is_referral && find_glue(additional->catalog, entry->owner, &split, &found)) &&
        !find_authoritative(additional->catalog, &split, &found))
        return;
    bool optional = !(is_referral && name_is_at_or_below(target, entry->owner));
    add_rrset(additional, &found, target, RRTYPE_A, optional);
    add_rrset(additional, &found, target, RRTYPE_AAAA, optional);
    if (is_service_binding(type))
        add_rrset(additional, &found, target, type, true);
}

void additional_add(const struct catalog *catalog, struct answer *answer)
{
    struct additional additional = {.catalog = catalog, .answer = answer};
    /* The list grows while it is walked: AliasMode targets are looked at in turn. */
    for (unsigned i = 0; i < answer->count; i++) {
        if (!rrtype_layout(answer->rrsets[i].rrset.type).additional)
            continue;
        struct answer_rrset entry = answer->rrsets[i];
        struct rdata rdata;
        for (uint32_t position = 0; rrset_next_rdata(&entry.rrset, &position, &rdata);)
            add_target(&additional, &entry, &rdata);
    }
}

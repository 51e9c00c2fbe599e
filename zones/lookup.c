/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/lookup.h"

#include "zones/additional.h"
#include "zones/encloser.h"
#include "zones/image.h"

#include <string.h>

/* One name on the way: the question's, then each target of the chain. */
struct search {
    const struct catalog *catalog;
    struct answer *answer;
    struct trace *trace; /* NULL: nobody asks why */
    const uint8_t *name;
    uint16_t type;
    const struct name_split *split; /* of the name, unless a hint led to it */
    struct name_split own;          /* of a name that nobody took apart before */
    struct image image;
    const struct image_node *hint; /* the name's node, where the record that led here knew it; else NULL */
    unsigned apex_labels;
    uint32_t serial;
    uint64_t image_id;
    bool damaged;
};

/* What one hop leads to. */
enum hop { HOP_DONE, HOP_FOLLOW };

/* ---- reasons ---- */

static struct trace_step *note(struct search *search, enum trace_kind kind, const uint8_t *name)
{
    return search->trace == NULL ? NULL : trace_add(search->trace, kind, name);
}

static void note_node(struct search *search, enum trace_kind kind, const struct image_node *node)
{
    struct trace_step *step = note(search, kind, image_node_name(node));
    if (step != NULL)
        step->number = node->flags;
}

static void note_zone(struct search *search, const struct catalog_entry *entry)
{
    if (search->trace == NULL)
        return;
    struct trace_step *step = note(search, TRACE_ZONE, catalog_apex(search->catalog, entry));
    step->number = entry->image_id;
    step->other = entry->serial;
}

/* `node` is where they stand in the zone: a wildcard's answers come from another name than the one asked for. */
static void note_records(struct search *search, const struct image_node *node, const struct image_rrset *rrset)
{
    struct trace_step *step = note(search, TRACE_RECORDS, image_node_name(node));
    if (step == NULL)
        return;
    step->type = rrset->type;
    step->number = search->image_id;
    step->other = rrset->ttl;
}

/* The closest encloser, and the hide above the name that keeps a wildcard out, if one does. */
static void note_missing(struct search *search)
{
    const struct image_node *encloser = NULL;
    const struct image_node *hidden = NULL;
    if (search->trace == NULL)
        return;
    for (unsigned labels = search->apex_labels; labels < search->split->labels; labels++) {
        const struct image_node *node = image_find(&search->image, search->split, labels);
        if (node == NULL)
            break;
        if ((node->flags & (NODE_HIDDEN | NODE_HIDDEN_BELOW)) != 0)
            hidden = node;
        if ((node->flags & NODE_MISSING) == 0)
            encloser = node;
    }
    if (encloser != NULL)
        note_node(search, TRACE_MISSING, encloser);
    if (hidden != NULL)
        note_node(search, TRACE_HIDDEN, hidden);
}

static enum hop finish(struct search *search, enum outcome outcome)
{
    search->answer->outcome = outcome;
    if (outcome == OUTCOME_OUT_OF_ZONE || outcome == OUTCOME_DELEGATION)
        search->answer->next = search->name;
    if (outcome == OUTCOME_NXDOMAIN)
        search->answer->rcode = RCODE_NXDOMAIN;
    else if (outcome == OUTCOME_YXDOMAIN)
        search->answer->rcode = RCODE_YXDOMAIN;
    else if (outcome == OUTCOME_FAILURE)
        search->answer->rcode = RCODE_SERVFAIL;
    return HOP_DONE;
}

/* The ancestor of the name with so many labels, as the name spells it: it lives as long as the name. */
static const uint8_t *suffix(const struct search *search, unsigned labels)
{
    return name_ancestor(search->name, labels);
}

/* The zone has something to say of the name: records, a cut, a DNAME or a wildcard. */
static bool zone_knows(const struct catalog *catalog, uint32_t index, unsigned apex_labels,
                       const struct name_split *split)
{
    const struct image_ref ref = catalog_image(catalog, index);
    struct image image;
    if (image_open(ref.block, ref.size, &image) != STATUS_OK)
        return false;
    const struct image_node *node = image_find(&image, split, split->labels);
    if (node != NULL && (node->flags & NODE_MISSING) == 0)
        return (node->flags & NODE_FOREIGN) == 0;
    enum miss miss = encloser_find(&image, split, apex_labels, &node);
    return miss == MISS_WILDCARD || miss == MISS_OCCLUDED;
}

/*
 * Find the zone of the name. DS belongs to the parent's side of a cut (RFC 4035 3.1.4.1). A parent that does not know
 * the name is not asked: its NXDOMAIN would deny, to a resolver that follows RFC 8020, all that the child holds.
 */
static const struct catalog_entry *find_zone(const struct catalog *catalog, const struct name_split *split,
                                             uint16_t type, uint32_t *index, unsigned *apex_labels)
{
    const struct catalog_entry *entry = catalog_find_labels(catalog, split, split->labels, index, apex_labels);
    if (entry == NULL || type != RRTYPE_DS || split->labels == 0 || *apex_labels != split->labels)
        return entry;
    uint32_t parent_index;
    unsigned parent_labels;
    const struct catalog_entry *parent =
        catalog_find_labels(catalog, split, split->labels - 1u, &parent_index, &parent_labels);
    if (parent == NULL || !zone_knows(catalog, parent_index, parent_labels, split))
        return entry;
    *index = parent_index;
    *apex_labels = parent_labels;
    return parent;
}

static enum status open_zone(struct search *search, const struct catalog_entry *entry, uint32_t index)
{
    const struct image_ref ref = catalog_image(search->catalog, index);
    search->serial = entry->serial;
    search->image_id = entry->image_id;
    note_zone(search, entry);
    return image_open(ref.block, ref.size, &search->image);
}

static const struct image_node *apex_node(const struct search *search)
{
    return image_node(&search->image, search->image.header->apex);
}

/* The SOA of a negative answer, with the TTL of RFC 2308 5 or the name's own; `node` NULL: there is no such name. */
static bool add_negative_soa(struct search *search, const struct image_node *node)
{
    const struct image_node *apex = apex_node(search);
    const struct image_rrset *soa =
        apex == NULL ? NULL : image_find_rrset(&search->image, apex, RRTYPE_SOA, &search->damaged);
    if (soa == NULL)
        return false;
    struct rrset rrset = image_rrset_data(&search->image, soa);
    rrset.ttl = image_negative_ttl(&search->image, node);
    struct answer_rrset *entry;
    if (!answer_add(search->answer, SECTION_AUTHORITY, suffix(search, search->apex_labels), &rrset, &entry))
        return true;
    entry->serial = search->serial;
    entry->rule = node == NULL ? 0 : node->rule;
    return true;
}

static enum hop answer_negative(struct search *search, enum outcome outcome, const struct image_node *node)
{
    struct trace_step *step = note(search, TRACE_NEGATIVE, suffix(search, search->apex_labels));
    if (step != NULL) {
        step->other = image_negative_ttl(&search->image, node);
        trace_text(step, "%s", outcome == OUTCOME_NXDOMAIN ? "NXDOMAIN" : "NODATA");
    }
    return finish(search, add_negative_soa(search, node) ? outcome : OUTCOME_FAILURE);
}

static void add_data(struct search *search, enum section section, const uint8_t *owner, const struct image_node *node,
                     const struct image_rrset *found)
{
    note_records(search, node, found);
    struct rrset rrset = image_rrset_data(&search->image, found);
    struct answer_rrset *entry;
    if (!answer_add(search->answer, section, owner, &rrset, &entry))
        return;
    entry->rule = node->rule;
    if (rrset.type == RRTYPE_SOA)
        entry->serial = search->serial;
}

/* RFC 1034 4.3.2 step 3b. The DS set, where there is one, tells a validator that the cut is signed (RFC 4035 3.1.4). */
static enum hop answer_referral(struct search *search, const struct image_node *cut)
{
    const uint8_t *owner = suffix(search, cut->label_count);
    const struct image_rrset *ns = image_find_rrset(&search->image, cut, RRTYPE_NS, &search->damaged);
    if (ns == NULL)
        return finish(search, OUTCOME_FAILURE);
    if (search->answer->count == 0)
        search->answer->authoritative = false;
    add_data(search, SECTION_AUTHORITY, owner, cut, ns);
    const struct image_rrset *ds = image_find_rrset(&search->image, cut, RRTYPE_DS, &search->damaged);
    if (ds != NULL)
        add_data(search, SECTION_AUTHORITY, owner, cut, ds);
    return finish(search, search->damaged ? OUTCOME_FAILURE : OUTCOME_DELEGATION);
}

/* Follow to `target` unless the chain has been there: then it ends as it is. */
static enum hop follow(struct search *search, const uint8_t *target)
{
    if (answer_has(search->answer, target, RRTYPE_CNAME)) {
        note(search, TRACE_LOOP, target);
        return finish(search, OUTCOME_ANSWER);
    }
    search->name = target;
    search->split = NULL;
    search->hint = NULL;
    return HOP_FOLLOW;
}

/* The RDATA of a CNAME made from a DNAME (RFC 6672 2.2), in the answer's own memory; NULL if the name would be too
 * long. */
static uint8_t *make_cname(struct search *search, unsigned labels, const uint8_t *target, bool *too_long)
{
    size_t prefix = (size_t)(suffix(search, labels) - search->name);
    size_t size = prefix + name_size(target);
    *too_long = size > NAME_SIZE_MAX;
    uint8_t *made = *too_long ? NULL : answer_reserve(search->answer, 2 + size);
    if (made == NULL)
        return NULL;
    write_u16(made, (uint16_t)size);
    memcpy(made + 2, search->name, prefix);
    memcpy(made + 2 + prefix, target, size - prefix);
    return made;
}

static enum hop answer_dname(struct search *search, const struct image_node *node)
{
    const struct image_rrset *dname = image_find_rrset(&search->image, node, RRTYPE_DNAME, &search->damaged);
    if (dname == NULL)
        return finish(search, OUTCOME_FAILURE);
    struct rrset rrset = image_rrset_data(&search->image, dname);
    uint32_t position = 0;
    struct rdata rdata;
    const uint8_t *target = rrset_next_rdata(&rrset, &position, &rdata) ? rdata_target(RRTYPE_DNAME, &rdata) : NULL;
    if (target == NULL)
        return finish(search, OUTCOME_FAILURE);
    const uint8_t *owner = suffix(search, node->label_count);
    if (!answer_has(search->answer, owner, RRTYPE_DNAME))
        add_data(search, SECTION_ANSWER, owner, node, dname);
    bool too_long;
    uint8_t *made = make_cname(search, node->label_count, target, &too_long);
    if (too_long) {
        note(search, TRACE_TOO_LONG, search->name);
        return finish(search, OUTCOME_YXDOMAIN);
    }
    if (made == NULL)
        return finish(search, OUTCOME_FAILURE);
    struct rrset cname = {
        .type = RRTYPE_CNAME, .count = 1, .ttl = rrset.ttl, .data = made, .size = 2u + read_u16(made)};
    struct answer_rrset *entry;
    if (answer_add(search->answer, SECTION_ANSWER, search->name, &cname, &entry))
        entry->rule = node->rule;
    if (search->type == RRTYPE_CNAME || search->type == RRTYPE_ANY)
        return finish(search, OUTCOME_ANSWER);
    return follow(search, made + 2);
}

static enum hop answer_cname(struct search *search, const struct image_node *node, const struct image_rrset *cname)
{
    add_data(search, SECTION_ANSWER, search->name, node, cname);
    struct rrset rrset = image_rrset_data(&search->image, cname);
    uint32_t position = 0;
    struct rdata rdata;
    const uint8_t *target = rrset_next_rdata(&rrset, &position, &rdata) ? rdata_target(RRTYPE_CNAME, &rdata) : NULL;
    if (target == NULL)
        return finish(search, OUTCOME_FAILURE);
    enum hop hop = follow(search, target);
    /* The hint knows this zone only: a deeper zone of the view would go first, for an apex's DS a shallower one. */
    if (hop == HOP_FOLLOW && search->type != RRTYPE_DS && catalog_labels_max(search->catalog) <= search->apex_labels)
        search->hint = image_rrset_hint(&search->image, cname, 0);
    return hop;
}

static enum hop answer_any(struct search *search, const struct image_node *node)
{
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct image_rrset *rrset = image_node_rrset(&search->image, node, i);
        if (rrset == NULL)
            return finish(search, OUTCOME_FAILURE);
        add_data(search, SECTION_ANSWER, search->name, node, rrset);
    }
    return finish(search, OUTCOME_ANSWER);
}

/* Step 3a, at the name itself or at the wildcard that stands for it. */
static enum hop answer_node(struct search *search, const struct image_node *node)
{
    if (search->type == RRTYPE_ANY && node->rrset_count > 0)
        return answer_any(search, node);
    const struct image_rrset *found = image_find_rrset(&search->image, node, search->type, &search->damaged);
    if (found != NULL) {
        /* A DNAME that is asked for may have led here itself. */
        if (search->type != RRTYPE_DNAME || !answer_has(search->answer, search->name, RRTYPE_DNAME))
            add_data(search, SECTION_ANSWER, search->name, node, found);
        return finish(search, OUTCOME_ANSWER);
    }
    const struct image_rrset *cname = image_find_rrset(&search->image, node, RRTYPE_CNAME, &search->damaged);
    if (search->damaged)
        return finish(search, OUTCOME_FAILURE);
    return cname != NULL ? answer_cname(search, node, cname) : answer_negative(search, OUTCOME_NODATA, node);
}

/* A delegation or DNAME at or above the name decides for it; a delegation goes first where a node is both. */
static enum hop answer_occluded(struct search *search, const struct image_node *node)
{
    if (node == NULL || node->label_count > search->split->labels)
        return finish(search, OUTCOME_FAILURE);
    note_node(search, (node->flags & NODE_CUT) != 0 ? TRACE_DELEGATION : TRACE_DNAME, node);
    return (node->flags & NODE_CUT) != 0 ? answer_referral(search, node) : answer_dname(search, node);
}

/* The zone leaves the name to others: as if this zone were not there. */
static enum hop answer_foreign(struct search *search)
{
    note(search, TRACE_FOREIGN, search->name);
    if (search->answer->count == 0)
        search->answer->authoritative = false;
    return finish(search, OUTCOME_OUT_OF_ZONE);
}

/* The name does not exist: what lies above it answers, a wildcard, or nothing does. */
static enum hop answer_missing(struct search *search)
{
    const struct image_node *node = NULL;
    note_missing(search);
    switch (encloser_find(&search->image, search->split, search->apex_labels, &node)) {
    case MISS_NXDOMAIN:
        return answer_negative(search, OUTCOME_NXDOMAIN, NULL);
    case MISS_WILDCARD:
        note_node(search, TRACE_WILDCARD, node);
        return (node->flags & NODE_FOREIGN) != 0 ? answer_foreign(search) : answer_node(search, node);
    case MISS_OCCLUDED:
        return answer_occluded(search, node);
    case MISS_FOREIGN:
        return answer_foreign(search);
    case MISS_DAMAGED:
        break;
    }
    return finish(search, OUTCOME_FAILURE);
}

/* Nodes that do not just answer with their data. */
#define NODE_SPECIAL (NODE_BELOW_CUT | NODE_CUT | NODE_HIDDEN | NODE_MISSING | NODE_FOREIGN)

static enum hop answer_special(struct search *search, const struct image_node *node)
{
    if ((node->flags & NODE_BELOW_CUT) != 0)
        return answer_occluded(search, image_node(&search->image, node->cut));
    if ((node->flags & NODE_CUT) != 0 && search->type != RRTYPE_DS)
        return answer_occluded(search, node);
    if ((node->flags & NODE_HIDDEN) != 0) {
        note_node(search, TRACE_HIDDEN, node);
        return answer_negative(search, (node->flags & NODE_MISSING) != 0 ? OUTCOME_NXDOMAIN : OUTCOME_NODATA, node);
    }
    if ((node->flags & NODE_MISSING) != 0)
        return answer_missing(search);
    return (node->flags & NODE_FOREIGN) != 0 ? answer_foreign(search) : answer_node(search, node);
}

static enum hop answer_existing(struct search *search, const struct image_node *node)
{
    if ((node->flags & (NODE_MISSING | NODE_HIDDEN | NODE_BELOW_CUT | NODE_CUT | NODE_FORWARD)) == 0)
        note_node(search, TRACE_NODE, node);
    return (node->flags & NODE_SPECIAL) == 0 ? answer_node(search, node) : answer_special(search, node);
}

/* The name need not be looked for, and not be taken apart: `split` is still an earlier one's. */
static bool hint_holds(const struct search *search)
{
    const struct image_node *hint = search->hint;
    return hint != NULL && (hint->flags & NODE_SPECIAL) == 0 && hint->label_count >= search->apex_labels &&
           hint->label_count == name_label_count(search->name);
}

static enum hop search_name(struct search *search)
{
    uint32_t index;
    note(search, TRACE_LOOKUP, search->name);
    if (hint_holds(search))
        return answer_existing(search, search->hint);
    if (search->split == NULL) {
        name_split(search->name, &search->own);
        search->split = &search->own;
    }
    const struct catalog_entry *entry =
        find_zone(search->catalog, search->split, search->type, &index, &search->apex_labels);
    if (entry == NULL) {
        note(search, TRACE_NO_ZONE, search->name);
        return finish(search, OUTCOME_OUT_OF_ZONE);
    }
    if (open_zone(search, entry, index) != STATUS_OK)
        return finish(search, OUTCOME_FAILURE);
    if (search->answer->count == 0)
        search->answer->authoritative = true;
    const struct image_node *node = image_find(&search->image, search->split, search->split->labels);
    return node != NULL ? answer_existing(search, node) : answer_missing(search);
}

/* A damaged image gives SERVFAIL and nothing else. */
static void drop_damaged(struct search *search)
{
    if (!search->damaged && search->answer->outcome != OUTCOME_FAILURE)
        return;
    note(search, TRACE_DAMAGED, search->name);
    answer_reset(search->answer);
    search->answer->outcome = OUTCOME_FAILURE;
    search->answer->rcode = RCODE_SERVFAIL;
}

void zone_lookup(const struct catalog *catalog, const uint8_t *name, uint16_t type, struct answer *answer)
{
    zone_lookup_trace(catalog, name, NULL, type, NULL, answer);
}

void zone_lookup_trace(const struct catalog *catalog, const uint8_t *name, const struct name_split *split,
                       uint16_t type, struct trace *trace, struct answer *answer)
{
    struct search search;
    search.trace = trace;
    search.catalog = catalog;
    search.answer = answer;
    search.name = name;
    search.split = split;
    search.type = type;
    search.hint = NULL;
    search.damaged = false;
    for (unsigned hops = 0; hops < ANSWER_CHAIN_MAX; hops++)
        if (search_name(&search) == HOP_DONE)
            break;
    drop_damaged(&search);
    if (answer->outcome != OUTCOME_FAILURE)
        additional_add(catalog, answer);
}

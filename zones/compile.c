/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/compile.h"

#include "zones/image.h"
#include "zones/memory.h"
#include "zones/prefault.h"

#include <assert.h>
#include <string.h>

#define NO_NODE UINT32_MAX
#define AHEAD   16 /* slots fetched before they are needed: a large table is in no cache */

/* A node under way; indexes count nodes in canonical order. */
struct draft {
    const uint8_t *name; /* in the zone's arena, as written */
    size_t first;        /* its records: zone->records[first, first + count) */
    size_t count;
    uint64_t hash;     /* of the name, lowered */
    uint32_t cut;      /* index of the highest delegation or DNAME above, or NO_NODE */
    uint32_t wildcard; /* index of the wildcard child, or NO_NODE */
    uint32_t parent;   /* index, or NO_NODE */
    uint32_t offset;   /* in the image */
    uint16_t flags;
    uint16_t rrset_count;
    uint32_t negative_ttl; /* valid with NODE_NEGATIVE */
    uint8_t name_size;     /* bytes */
    uint8_t label_count;
    bool exists;       /* has records, is marked so, or such a name lies below */
    bool below_hidden; /* below a name with NODE_HIDDEN_BELOW */
    bool is_forwarded; /* marked so */
};

struct compiler {
    const struct zone *zone;
    struct diag *diag;
    struct draft *drafts;
    size_t count;
    size_t capacity;
    uint32_t path[NAME_LABELS_MAX + 1]; /* path[k]: the node with k labels above (or equal to) the last one */
    unsigned depth;                     /* labels of the last one */
    unsigned apex_labels;
    uint64_t size;
    uint64_t rrset_count;
    uint32_t slot_count;
    uint8_t *block;
};

/* RRsets whose targets are looked up in the image: what follows from a CNAME, and additional data. */
static bool type_has_hints(uint16_t type)
{
    return type == RRTYPE_CNAME || rrtype_layout(type).additional;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static uint8_t lower_octet(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet;
}

/* The first label of a name, its length in front; returns its size with that. */
static size_t lower_label(const uint8_t *name, uint8_t *label)
{
    label[0] = name[0];
    for (unsigned i = 1; i <= name[0]; i++)
        label[i] = lower_octet(name[i]);
    return 1u + name[0];
}

static bool is_same_label(const uint8_t *a, const uint8_t *b)
{
    if (a[0] != b[0])
        return false;
    for (unsigned i = 1; i <= a[0]; i++)
        if (a[i] != b[i] && lower_octet(a[i]) != lower_octet(b[i]))
            return false;
    return true;
}

/* What a node has from the one above. */
static void take_parent(struct compiler *compiler, struct draft *draft)
{
    uint8_t label[1 + NAME_LABEL_MAX];

    draft->parent = compiler->path[draft->label_count - 1];
    struct draft *parent = &compiler->drafts[draft->parent];
    draft->name_size = (uint8_t)(lower_label(draft->name, label) + parent->name_size);
    draft->hash = name_hash_child(parent->hash, label);
    draft->below_hidden = parent->below_hidden || (parent->flags & NODE_HIDDEN_BELOW) != 0;
    if (parent->cut != NO_NODE)
        draft->cut = parent->cut;
    else if ((parent->flags & (NODE_CUT | NODE_DNAME)) != 0)
        draft->cut = draft->parent;
    if (draft->cut != NO_NODE)
        draft->flags |= NODE_BELOW_CUT;
}

static enum status add_draft(struct compiler *compiler, const uint8_t *name, unsigned labels)
{
    struct draft *grown = memory_grow(compiler->drafts, compiler->count, &compiler->capacity, sizeof *grown);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    compiler->drafts = grown;
    uint32_t index = (uint32_t)compiler->count;
    struct draft *draft = &compiler->drafts[compiler->count++];
    *draft = (struct draft){
        .name = name, .label_count = (uint8_t)labels, .cut = NO_NODE, .wildcard = NO_NODE, .parent = NO_NODE};
    compiler->path[labels] = index;
    if (labels == compiler->apex_labels) {
        struct name_split split;
        name_split(name, &split);
        draft->name_size = split.size;
        draft->hash = split.hash[labels];
        draft->flags |= NODE_APEX;
        return STATUS_OK;
    }
    take_parent(compiler, draft);
    if (name_is_wildcard(name))
        draft->flags |= NODE_WILDCARD;
    return STATUS_OK;
}

/* The node of the next owner or marked name, and of those that lead to it and are not there yet. */
static enum status add_owner(struct compiler *compiler, const uint8_t *owner)
{
    const uint8_t *names[NAME_LABELS_MAX + 1]; /* names[k]: that with k labels */
    unsigned labels = name_label_count(owner);
    unsigned apex_labels = compiler->apex_labels;
    unsigned from = compiler->count == 0 ? apex_labels : apex_labels + 1;

    names[labels] = owner;
    for (unsigned k = labels; k > apex_labels; k--)
        names[k - 1] = name_parent(names[k]);
    while (from > apex_labels && from <= labels && from <= compiler->depth &&
           is_same_label(names[from], compiler->drafts[compiler->path[from]].name))
        from++;
    for (unsigned k = from; k <= labels; k++) {
        enum status status = add_draft(compiler, names[k], k);
        if (status != STATUS_OK)
            return status;
    }
    compiler->depth = labels;
    return STATUS_OK;
}

static bool is_same_owner(const struct zone *zone, const struct zone_record *a, const struct zone_record *b)
{
    return a->key == b->key ||
           (a->key_size == b->key_size && memcmp(zone_key(zone, a), zone_key(zone, b), a->key_size) == 0);
}

static enum status refuse_rrset(struct compiler *compiler, const struct zone_record *record, size_t count)
{
    struct place place = zone_place(compiler->zone, record);
    return diag_fail(compiler->diag, STATUS_TOO_LARGE, &place,
                     "found %zu records of one name and type, wanted at most %u", count, UINT16_MAX);
}

/* The records of the last node's owner, from RRset *rrset on; moves on to the first RRset of the next owner. */
static enum status take_records(struct compiler *compiler, struct zone_rrset *rrset, size_t *next, bool *more)
{
    const struct zone *zone = compiler->zone;
    struct draft *draft = &compiler->drafts[compiler->count - 1];
    const struct zone_record *first = &zone->records[rrset->first];
    draft->first = rrset->first;
    draft->exists = true;
    do {
        const struct zone_record *record = &zone->records[rrset->first];
        if (!is_same_owner(zone, first, record))
            return STATUS_OK;
        if (rrset->count > UINT16_MAX)
            return refuse_rrset(compiler, record, rrset->count);
        draft->count += rrset->count;
        draft->rrset_count++;
        if (record->type == RRTYPE_NS && (draft->flags & NODE_APEX) == 0)
            draft->flags |= NODE_CUT;
        if (record->type == RRTYPE_DNAME)
            draft->flags |= NODE_DNAME;
        *more = zone_next_rrset(zone, next, rrset);
    } while (*more);
    return STATUS_OK;
}

static void take_mark(struct compiler *compiler, const struct zone_mark *mark)
{
    struct draft *draft = &compiler->drafts[compiler->count - 1];
    assert((mark->flags & ZONE_HIDDEN) == 0 || (draft->rrset_count == 0 && (draft->flags & NODE_APEX) == 0));
    if ((mark->flags & ZONE_HIDDEN) != 0)
        draft->flags |= NODE_HIDDEN;
    if ((mark->flags & ZONE_HIDDEN) != 0 && mark->negative_ttl != ZONE_TTL_NONE) {
        draft->flags |= NODE_NEGATIVE;
        draft->negative_ttl = mark->negative_ttl;
    }
    if ((mark->flags & ZONE_HIDDEN_BELOW) != 0)
        draft->flags |= NODE_HIDDEN_BELOW;
    if ((mark->flags & ZONE_EMPTY) != 0)
        draft->exists = true;
    if ((mark->flags & ZONE_FORWARD) != 0)
        draft->is_forwarded = true;
}

/* Below 0: the record's owner comes first. */
static int compare_to_mark(const struct zone *zone, const struct zone_record *record, const struct zone_mark *mark)
{
    size_t shorter = record->key_size < mark->key_size ? record->key_size : mark->key_size;
    int order = memcmp(zone_key(zone, record), zone->arena.data + mark->key, shorter);
    return order != 0 ? order : (int)record->key_size - (int)mark->key_size;
}

/* Owners and marked names, merged in canonical order. */
static enum status draft_nodes(struct compiler *compiler)
{
    const struct zone *zone = compiler->zone;
    struct zone_rrset rrset;
    size_t next = 0;
    size_t mark = 0;
    compiler->capacity = zone->count + zone->mark_count; /* most zones have a record or two for each name */
    compiler->drafts = memory_alloc(compiler->capacity * sizeof *compiler->drafts);
    if (compiler->drafts == NULL)
        return STATUS_NO_MEMORY;
    bool more = zone_next_rrset(zone, &next, &rrset);
    while (more || mark < zone->mark_count) {
        int order = !more ? 1 : -1;
        if (more && mark < zone->mark_count)
            order = compare_to_mark(zone, &zone->records[rrset.first], &zone->marks[mark]);
        const uint8_t *name =
            order <= 0 ? zone_owner(zone, &zone->records[rrset.first]) : zone_mark_name(zone, &zone->marks[mark]);
        enum status status = add_owner(compiler, name);
        if (status == STATUS_OK && order <= 0)
            status = take_records(compiler, &rrset, &next, &more);
        if (status != STATUS_OK)
            return status;
        if (order >= 0)
            take_mark(compiler, &zone->marks[mark++]);
    }
    return STATUS_OK;
}

/* SOA and NS serve a pinpoint zone's negative answers only. */
static bool is_bare_apex(const struct zone *zone, const struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++) {
        uint16_t type = zone->records[draft->first + i].type;
        if (type != RRTYPE_SOA && type != RRTYPE_NS)
            return false;
    }
    return (draft->flags & NODE_APEX) != 0;
}

static bool is_foreign(const struct compiler *compiler, const struct draft *draft)
{
    if (!compiler->zone->pinpoint || (draft->flags & (NODE_HIDDEN | NODE_MISSING)) != 0)
        return false;
    return (draft->rrset_count == 0 && !draft->below_hidden) || is_bare_apex(compiler->zone, draft);
}

/* What is known of a node only when all below it are: children come behind their parents. */
static void settle_nodes(struct compiler *compiler)
{
    for (size_t i = compiler->count; i-- > 0;) {
        struct draft *draft = &compiler->drafts[i];
        if (draft->exists && draft->parent != NO_NODE) {
            struct draft *parent = &compiler->drafts[draft->parent];
            parent->exists = true;
            if ((draft->flags & NODE_WILDCARD) != 0)
                parent->wildcard = (uint32_t)i;
        }
        if (!draft->exists)
            draft->flags |= NODE_MISSING;
        if (is_foreign(compiler, draft))
            draft->flags |= NODE_FOREIGN;
    }
    if (compiler->zone->pinpoint)
        compiler->drafts[0].flags |= NODE_PINPOINT;
}

/* Names that others answer lose what the zone says of them, but for their records, which nobody is given. Where a
 * delegation of the zone leads there, it stands. Parents come before their children. */
static void settle_forwards(struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->count; i++) {
        struct draft *draft = &compiler->drafts[i];
        bool is_below = draft->parent != NO_NODE && (compiler->drafts[draft->parent].flags & NODE_FORWARD) != 0;
        bool is_delegated = (draft->flags & NODE_CUT) != 0 ||
                            (draft->cut != NO_NODE && (compiler->drafts[draft->cut].flags & NODE_CUT) != 0);
        if (!is_below && (!draft->is_forwarded || is_delegated))
            continue;
        draft->flags = (uint16_t)((draft->flags & NODE_WILDCARD) | NODE_FOREIGN | NODE_FORWARD);
        draft->cut = NO_NODE;
        compiler->drafts[0].flags |= NODE_FORWARDS;
    }
}

static uint64_t node_size(const struct zone *zone, const struct draft *draft)
{
    uint64_t size = sizeof(struct image_node) + align_up(draft->name_size, 4) +
                    (uint64_t)draft->rrset_count * sizeof(struct image_rrset);
    for (size_t i = 0; i < draft->count; i++) {
        const struct zone_record *record = &zone->records[draft->first + i];
        size += 2u + record->rdata_size + (type_has_hints(record->type) ? sizeof(uint32_t) : 0);
    }
    if ((draft->flags & NODE_NEGATIVE) != 0)
        size += sizeof(uint32_t);
    return align_up(size, IMAGE_NODE_ALIGNMENT);
}

/* Give every part of the image its place. */
static enum status lay_out(struct compiler *compiler)
{
    uint32_t slots = 2;
    while (slots < compiler->count * 2 && slots < UINT32_C(1) << 30)
        slots *= 2;
    compiler->slot_count = slots;
    uint64_t size = align_up(sizeof(struct image_header), sizeof(struct image_slot)) +
                    (uint64_t)slots * sizeof(struct image_slot) + compiler->count * sizeof(uint32_t);
    size = align_up(size, IMAGE_NODE_ALIGNMENT);
    for (size_t i = 0; i < compiler->count; i++) {
        struct draft *draft = &compiler->drafts[i];
        draft->offset = (uint32_t)size;
        size += node_size(compiler->zone, draft);
        compiler->rrset_count += draft->rrset_count;
        if (size > IMAGE_SIZE_MAX - IMAGE_ALIGNMENT)
            return diag_fail(compiler->diag, STATUS_TOO_LARGE, NULL,
                             "the zone's image would pass its limit of %u bytes", IMAGE_SIZE_MAX);
    }
    compiler->size = align_up(size, IMAGE_ALIGNMENT);
    compiler->block = memory_zalloc(1, (size_t)compiler->size);
    if (compiler->block == NULL)
        return STATUS_NO_MEMORY;
    prefault_block(compiler->block, (size_t)compiler->size);
    return STATUS_OK;
}

static uint32_t node_offset(const struct compiler *compiler, uint32_t index)
{
    return index == NO_NODE ? 0 : compiler->drafts[index].offset;
}

static void fill_slot(const struct compiler *compiler, struct image_slot *slots, const struct draft *draft)
{
    uint32_t index = (uint32_t)draft->hash & (compiler->slot_count - 1);
    while (slots[index].node != 0)
        index = (index + 1) & (compiler->slot_count - 1);
    slots[index] = (struct image_slot){.tag = (uint32_t)(draft->hash >> 32), .node = draft->offset};
}

/* The node's name, lowered: but for the first label its parent has it already. */
static void write_name(const struct compiler *compiler, const struct draft *draft, struct image_node *node)
{
    uint8_t *name = (uint8_t *)(node + 1);

    node->name_size = draft->name_size;
    if (draft->parent == NO_NODE) {
        name_to_lower(draft->name, name);
        return;
    }
    const struct draft *parent = &compiler->drafts[draft->parent];
    const uint8_t *above = compiler->block + parent->offset + sizeof *node;
    memcpy(name + lower_label(draft->name, name), above, parent->name_size);
}

static void write_header(struct compiler *compiler)
{
    struct image_header *header = (struct image_header *)(void *)compiler->block;
    uint32_t slots = (uint32_t)align_up(sizeof *header, sizeof(struct image_slot));
    uint32_t slots_size = compiler->slot_count * (uint32_t)sizeof(struct image_slot);
    uint32_t order_size = (uint32_t)(compiler->count * sizeof(uint32_t));
    uint32_t nodes = compiler->drafts[0].offset;
    header->magic = IMAGE_MAGIC;
    header->version = IMAGE_VERSION;
    header->size = compiler->size;
    header->slot_count = compiler->slot_count;
    header->node_count = (uint32_t)compiler->count;
    header->rrset_count = (uint32_t)compiler->rrset_count;
    header->record_count = (uint32_t)compiler->zone->count;
    header->apex = nodes;
    header->section_count = 3;
    header->sections[0] = (struct image_section_entry){IMAGE_SECTION_SLOTS, slots, slots_size};
    header->sections[1] = (struct image_section_entry){IMAGE_SECTION_ORDER, slots + slots_size, order_size};
    header->sections[2] = (struct image_section_entry){IMAGE_SECTION_NODES, nodes, (uint32_t)compiler->size - nodes};
}

/* Heads, names, hash table and order: after this the image can be searched. */
static void write_nodes(struct compiler *compiler)
{
    const struct image_header *header = (const struct image_header *)(const void *)compiler->block;
    struct image_slot *slots = (struct image_slot *)(void *)(compiler->block + header->sections[0].offset);
    uint32_t *order = (uint32_t *)(void *)(compiler->block + header->sections[1].offset);
    for (size_t i = 0; i < compiler->count; i++) {
        const struct draft *draft = &compiler->drafts[i];
        struct image_node *node = (struct image_node *)(void *)(compiler->block + draft->offset);
        if (i + AHEAD < compiler->count)
            __builtin_prefetch(&slots[(uint32_t)compiler->drafts[i + AHEAD].hash & (compiler->slot_count - 1)], 1);
        node->flags = draft->flags;
        node->rrset_count = draft->rrset_count;
        node->label_count = draft->label_count;
        write_name(compiler, draft, node);
        node->cut = node_offset(compiler, draft->cut);
        node->wildcard = node_offset(compiler, draft->wildcard);
        if (compiler->zone->rules.number != NULL)
            node->rule = compiler->zone->rules.number(compiler->zone->rules.context, draft->name);
        if ((draft->flags & NODE_NEGATIVE) != 0)
            memcpy((uint8_t *)(node + 1) + align_up(node->name_size, 4), &draft->negative_ttl, sizeof(uint32_t));
        order[i] = draft->offset;
        fill_slot(compiler, slots, draft);
    }
}

static uint32_t find_target(const struct compiler *compiler, const struct image *image, uint16_t type,
                            const struct rdata *rdata)
{
    const uint8_t *target = rdata_target(type, rdata);
    if (target == NULL || !name_is_at_or_below(target, compiler->zone->apex))
        return 0;
    struct name_split split;
    name_split(target, &split);
    const struct image_node *node = image_find(image, &split, split.labels);
    return node == NULL ? 0 : (uint32_t)((const uint8_t *)node - compiler->block);
}

/* One RRset's table entry, hints and data; *place is where the node's free room begins. */
static void write_rrset(struct compiler *compiler, const struct image *image, const struct zone_rrset *from,
                        struct image_rrset *rrset, uint32_t hints, uint32_t *place)
{
    const struct zone *zone = compiler->zone;
    const struct zone_record *record = &zone->records[from->first];
    *rrset = (struct image_rrset){
        .type = record->type, .count = (uint16_t)from->count, .ttl = record->ttl, .data = *place, .hints = hints};
    for (size_t i = 0; i < from->count; i++) {
        struct rdata rdata = zone_rdata(zone, record + i);
        uint8_t *out = compiler->block + *place;
        write_u16(out, rdata.size);
        memcpy(out + 2, rdata.bytes, rdata.size);
        if (record->type == RRTYPE_SOA && soa_serial_offset(&rdata) != 0)
            write_u32(out + 2 + soa_serial_offset(&rdata), 0);
        if (hints != 0) {
            uint32_t target = find_target(compiler, image, record->type, &rdata);
            memcpy(compiler->block + hints + i * sizeof target, &target, sizeof target);
        }
        *place += 2u + rdata.size;
    }
    rrset->size = *place - rrset->data;
}

static void write_node_rrsets(struct compiler *compiler, const struct image *image, const struct draft *draft)
{
    uint32_t table = draft->offset + (uint32_t)(sizeof(struct image_node) + align_up(draft->name_size, 4));
    uint32_t hints = table + draft->rrset_count * (uint32_t)sizeof(struct image_rrset);
    uint32_t place = hints;
    for (size_t i = 0; i < draft->count; i++)
        if (type_has_hints(compiler->zone->records[draft->first + i].type))
            place += (uint32_t)sizeof(uint32_t);
    size_t next = draft->first;
    for (unsigned i = 0; i < draft->rrset_count; i++) {
        struct zone_rrset from;
        bool found = zone_next_rrset(compiler->zone, &next, &from);
        assert(found);
        (void)found;
        bool hinted = type_has_hints(compiler->zone->records[from.first].type);
        struct image_rrset *rrset = (struct image_rrset *)(void *)(compiler->block + table) + i;
        write_rrset(compiler, image, &from, rrset, hinted ? hints : 0, &place);
        if (hinted)
            hints += (uint32_t)(from.count * sizeof(uint32_t));
    }
}

/* What the header takes from the SOA, and the serial that the image leaves out. */
static uint32_t write_soa_facts(struct compiler *compiler)
{
    struct zone_rrset soa;
    if (!zone_find(compiler->zone, compiler->zone->apex, RRTYPE_SOA, &soa))
        return 0;
    const struct zone_record *record = &compiler->zone->records[soa.first];
    struct rdata rdata = zone_rdata(compiler->zone, record);
    uint16_t serial = soa_serial_offset(&rdata);
    if (serial == 0)
        return 0;
    uint32_t minimum = read_u32(rdata.bytes + rdata.size - 4);
    struct image_header *header = (struct image_header *)(void *)compiler->block;
    header->negative_ttl = minimum < record->ttl ? minimum : record->ttl;
    if (compiler->zone->negative_ttl != ZONE_TTL_NONE)
        header->negative_ttl = compiler->zone->negative_ttl;
    return read_u32(rdata.bytes + serial);
}

static enum status compile_drafts(struct compiler *compiler, struct compiled *compiled)
{
    enum status status = draft_nodes(compiler);
    if (status != STATUS_OK)
        return status;
    settle_nodes(compiler);
    settle_forwards(compiler);
    status = lay_out(compiler);
    if (status != STATUS_OK)
        return status;
    write_header(compiler);
    write_nodes(compiler);
    struct image image;
    status = image_open(compiler->block, (size_t)compiler->size, &image);
    assert(status == STATUS_OK);
    for (size_t i = 0; i < compiler->count; i++)
        write_node_rrsets(compiler, &image, &compiler->drafts[i]);
    compiled->serial = write_soa_facts(compiler);
    struct image_header *header = (struct image_header *)(void *)compiler->block;
    image_checksum(compiler->block, (size_t)compiler->size, header->checksum);
    compiled->block = compiler->block;
    compiled->size = (size_t)compiler->size;
    compiled->node_count = (uint32_t)compiler->count;
    compiled->record_count = (uint32_t)compiler->zone->count;
    compiler->block = NULL;
    return status;
}

enum status compile_zone(const struct zone *zone, struct compiled *compiled, struct diag *diag)
{
    assert(zone->frozen && zone->count > 0);
    struct compiler compiler = {.zone = zone, .diag = diag, .apex_labels = name_label_count(zone->apex)};
    enum status status = compile_drafts(&compiler, compiled);
    memory_free(compiler.block);
    memory_free(compiler.drafts);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/changes_names.h"

#include "zones/diff.h"
#include "zones/name.h"

#include <string.h>

#define CUTS (NODE_CUT | NODE_DNAME)

void changes_names_init(struct changes_names *names, const struct catalog *const catalogs[2], bool same_ids,
                        struct changes_counts *counts, struct diag *diag)
{
    memset(names, 0, sizeof *names);
    names->catalogs[0] = catalogs[0];
    names->catalogs[1] = catalogs[1];
    names->same_ids = same_ids;
    names->counts = counts;
    names->diag = diag;
    nameset_init(&names->set);
}

void changes_names_clear(struct changes_names *names)
{
    nameset_clear(&names->set);
}

/* ---- one name that differs ---- */

/* "*.NAME": what a name below that does not exist is answered. */
static enum status add_below(struct changes_names *names, const uint8_t *name)
{
    uint8_t wildcard[NAME_SIZE_MAX + 2] = {1, '*'};
    size_t size = name_size(name);

    if (size + 2 > NAME_SIZE_MAX)
        return STATUS_OK;
    memcpy(wildcard + 2, name, size);
    return nameset_add(&names->set, wildcard, 0);
}

/* Node and name of an image, trusted; false if it is damaged. */
static bool get_node(const struct image *image, uint32_t index, const uint8_t **name, const struct image_node **node)
{
    size_t size = 0;

    *node = image_node_at(image, index);
    if (*node == NULL)
        return false;
    *name = image_node_name(*node);
    return name_from_wire(*name, (*node)->name_size, &size) == STATUS_OK && size == (*node)->name_size;
}

/* Number of the first node whose name does not come before the key. */
static uint32_t seek_node(const struct image *image, const uint8_t *key, size_t key_size)
{
    uint32_t low = 0;
    uint32_t high = image->header->node_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct image_node *node = NULL;
        const uint8_t *name = NULL;
        uint8_t found[NAME_KEY_MAX];
        if (!get_node(image, middle, &name, &node))
            return image->header->node_count;
        size_t size = name_to_key(name, found);
        int order = memcmp(found, key, size < key_size ? size : key_size);
        if (order < 0 || (order == 0 && size < key_size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* All names of an image at or below one. */
static enum status add_subtree(struct changes_names *names, const struct image *image, const uint8_t *top)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(top, key);
    enum status status = STATUS_OK;

    for (uint32_t i = seek_node(image, key, key_size); i < image->header->node_count && status == STATUS_OK; i++) {
        const struct image_node *node = NULL;
        const uint8_t *name = NULL;
        if (!get_node(image, i, &name, &node) || !name_is_at_or_below(name, top))
            break;
        status = nameset_add(&names->set, name, 0);
    }
    return status;
}

static const struct image_node *find_node(const struct changes_names *names, unsigned side,
                                          const struct name_split *split, unsigned labels)
{
    return names->has_image[side] ? image_find(&names->images[side], split, labels) : NULL;
}

/* A delegation or DNAME that comes or goes decides for all names below it. */
static enum status add_cut(struct changes_names *names, const uint8_t *owner, const struct image_node *nodes[2])
{
    enum status status = add_below(names, owner);

    for (unsigned side = 0; side < 2 && status == STATUS_OK; side++)
        if (nodes[side] != NULL)
            status = add_subtree(names, &names->images[side], owner);
    return status;
}

/* Ancestors that come into being or vanish with a name below them, and what they end: the reach of a wildcard. */
static enum status add_ancestors(struct changes_names *names, const uint8_t *owner)
{
    struct name_split split;
    unsigned apex_labels = name_label_count(names->apex);
    enum status status = STATUS_OK;

    name_split(owner, &split);
    for (unsigned labels = split.labels; labels > apex_labels && status == STATUS_OK; labels--) {
        const struct image_node *nodes[2] = {find_node(names, 0, &split, labels), find_node(names, 1, &split, labels)};
        const uint8_t *name = split.lower + split.offset[labels];
        unsigned flags[2] = {nodes[0] == NULL ? 0 : nodes[0]->flags & CUTS,
                             nodes[1] == NULL ? 0 : nodes[1]->flags & CUTS};
        bool is_owner = labels == split.labels;
        if ((nodes[0] == NULL) == (nodes[1] == NULL)) {
            if (is_owner && flags[0] != flags[1])
                status = add_cut(names, name, nodes);
            if (is_owner)
                continue;
            break; /* what is above was there before, and is there still */
        }
        status = is_owner ? STATUS_OK : nameset_add(&names->set, name, 0);
        if (status == STATUS_OK)
            status = add_below(names, name);
        if (status == STATUS_OK && flags[0] != flags[1])
            status = add_cut(names, name, nodes);
    }
    return status;
}

static bool note_owner(void *context, const struct diff_rrset *rrset)
{
    struct changes_names *names = context;
    size_t size = name_size(rrset->owner);

    if (size == names->last_size && memcmp(rrset->owner, names->last, size) == 0)
        return true;
    memcpy(names->last, rrset->owner, size);
    names->last_size = size;
    names->status = nameset_add(&names->set, rrset->owner, 0);
    if (names->status == STATUS_OK && !names->whole_zone)
        names->status = add_ancestors(names, rrset->owner);
    return names->status == STATUS_OK;
}

/* What a node says beyond its records: hidden, there for its sake alone, or left to others. */
#define MARKS (NODE_HIDDEN | NODE_HIDDEN_BELOW | NODE_MISSING | NODE_FOREIGN)

static unsigned marks_at(const struct changes_names *names, unsigned side, const struct name_split *split)
{
    const struct image_node *node = find_node(names, side, split, split->labels);

    return node == NULL ? NODE_MISSING : node->flags & MARKS;
}

/* Names whose marks changed: hides change answers where no record changes. */
static enum status add_marked(struct changes_names *names, unsigned side)
{
    const struct image *image = &names->images[side];
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < image->header->node_count && status == STATUS_OK; i++) {
        const struct image_node *node = NULL;
        const uint8_t *name = NULL;
        struct name_split split;
        if (!get_node(image, i, &name, &node))
            break;
        if ((node->flags & MARKS) == 0)
            continue;
        name_split(name, &split);
        if (marks_at(names, 0, &split) == marks_at(names, 1, &split))
            continue;
        status = nameset_add(&names->set, name, 0);
        if (status == STATUS_OK)
            status = add_below(names, name);
    }
    return status;
}

/* ---- zones ---- */

static void open_image(struct changes_names *names, unsigned side, uint32_t index)
{
    const struct catalog *catalog = names->catalogs[side];
    const struct image_ref *ref = &catalog->images[index];
    char text[NAME_TEXT_MAX];

    names->has_image[side] = image_open(ref->block, ref->size, &names->images[side]) == STATUS_OK;
    if (names->has_image[side])
        return;
    name_to_text(names->apex, text);
    diag_add(names->diag, SEVERITY_WARNING, NULL, "zone %s: its image is missing or damaged %s", text,
             side == 0 ? "before" : "after");
}

/* What the zone around this one holds at or below its apex comes to light, or is covered. */
static enum status add_covered(struct changes_names *names)
{
    struct name_split split;
    enum status status = STATUS_OK;

    name_split(names->apex, &split);
    for (unsigned side = 0; side < 2 && split.labels > 0 && status == STATUS_OK; side++) {
        const struct catalog *catalog = names->catalogs[side];
        struct image image;
        uint32_t index = 0;
        if (catalog_find(catalog, &split, split.labels - 1u, &index) == NULL ||
            image_open(catalog->images[index].block, catalog->images[index].size, &image) != STATUS_OK)
            continue;
        status = add_subtree(names, &image, names->apex);
    }
    return status;
}

/* The zone at names->apex; an index of UINT32_MAX: it is not there. */
static enum status compare_zone(struct changes_names *names, const uint32_t indexes[2])
{
    enum status status = STATUS_OK;

    names->whole_zone = indexes[0] == UINT32_MAX || indexes[1] == UINT32_MAX;
    names->last_size = 0;
    names->status = STATUS_OK;
    for (unsigned side = 0; side < 2; side++) {
        names->has_image[side] = false;
        if (indexes[side] != UINT32_MAX)
            open_image(names, side, indexes[side]);
    }
    if (names->whole_zone) {
        *(indexes[0] == UINT32_MAX ? &names->counts->zones_added : &names->counts->zones_removed) += 1;
        status = add_below(names, names->apex);
        if (status == STATUS_OK)
            status = nameset_add(&names->set, names->apex, 0);
        if (status == STATUS_OK)
            status = add_covered(names);
    }
    if (status != STATUS_OK)
        return status;
    const struct image *images[2] = {names->has_image[0] ? &names->images[0] : NULL,
                                     names->has_image[1] ? &names->images[1] : NULL};
    size_t noted = names->set.count;
    status = zone_diff(images[0], images[1], note_owner, names);
    for (unsigned side = 0; side < 2 && status == STATUS_OK && !names->whole_zone; side++)
        if (images[side] != NULL)
            status = add_marked(names, side);
    if (!names->whole_zone && (names->set.count > noted || status != STATUS_OK))
        names->counts->zones_changed++;
    if (status == STATUS_DAMAGED) {
        char text[NAME_TEXT_MAX];
        name_to_text(names->apex, text);
        diag_add(names->diag, SEVERITY_WARNING, NULL, "zone %s: an image is damaged, not all of it was compared", text);
        status = STATUS_OK;
    }
    return status == STATUS_OK ? names->status : status;
}

static enum status get_apex(const struct changes_names *names, unsigned side, uint32_t index, const uint8_t **apex)
{
    *apex = NULL;
    if (index >= catalog_count(names->catalogs[side]))
        return STATUS_OK;
    *apex = catalog_apex(names->catalogs[side], catalog_entry(names->catalogs[side], index));
    if (*apex == NULL)
        return diag_fail(names->diag, STATUS_DAMAGED, NULL, "a catalog is damaged");
    return STATUS_OK;
}

/* Canonical order; NULL is behind all others. */
static int compare_names(const uint8_t *a, const uint8_t *b)
{
    uint8_t a_key[NAME_KEY_MAX];
    uint8_t b_key[NAME_KEY_MAX];

    if (a == NULL || b == NULL)
        return a == NULL ? 1 : -1;
    size_t a_size = name_to_key(a, a_key);
    size_t b_size = name_to_key(b, b_key);
    int order = memcmp(a_key, b_key, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static bool is_same_image(const struct changes_names *names, uint32_t before, uint32_t after)
{
    return names->same_ids &&
           catalog_entry(names->catalogs[0], before)->image_id == catalog_entry(names->catalogs[1], after)->image_id;
}

enum status changes_names_find(struct changes_names *names)
{
    uint32_t next[2] = {0, 0};
    enum status status = STATUS_OK;

    while (status == STATUS_OK) {
        const uint8_t *apexes[2];
        status = get_apex(names, 0, next[0], &apexes[0]);
        if (status == STATUS_OK)
            status = get_apex(names, 1, next[1], &apexes[1]);
        if (status != STATUS_OK || (apexes[0] == NULL && apexes[1] == NULL))
            break;
        int order = compare_names(apexes[0], apexes[1]);
        uint32_t indexes[2] = {order <= 0 ? next[0] : UINT32_MAX, order >= 0 ? next[1] : UINT32_MAX};
        next[0] += order <= 0;
        next[1] += order >= 0;
        if (order == 0 && is_same_image(names, indexes[0], indexes[1]))
            continue;
        name_to_lower(apexes[order <= 0 ? 0 : 1], names->apex);
        status = compare_zone(names, indexes);
    }
    nameset_sort(&names->set);
    return status;
}

/* ---- types ---- */

static unsigned add_type(uint16_t type, uint16_t types[CHANGES_TYPES_MAX], unsigned count)
{
    unsigned place = count;

    while (place > 0 && types[place - 1] >= type) {
        if (types[place - 1] == type)
            return count;
        place--;
    }
    if (count == CHANGES_TYPES_MAX)
        return count;
    memmove(types + place + 1, types + place, (count - place) * sizeof *types);
    types[place] = type;
    return count + 1;
}

/* The node of the name, or the wildcard that stands for it. */
static const struct image_node *answering_node(const struct image *image, const struct name_split *split,
                                               unsigned apex_labels)
{
    const struct image_node *node = image_find(image, split, split->labels);

    for (unsigned labels = split->labels; node == NULL && labels > apex_labels; labels--) {
        const struct image_node *encloser = image_find(image, split, labels - 1u);
        if (encloser != NULL)
            return encloser->wildcard == 0 ? NULL : image_node(image, encloser->wildcard);
    }
    return node;
}

unsigned changes_names_types(const struct catalog *catalog, const uint8_t *name, uint16_t types[CHANGES_TYPES_MAX],
                             unsigned count)
{
    struct name_split split;
    struct image image;
    uint32_t index = 0;

    name_split(name, &split);
    const struct catalog_entry *entry = catalog_find(catalog, &split, split.labels, &index);
    const uint8_t *apex = entry == NULL ? NULL : catalog_apex(catalog, entry);
    if (apex == NULL || image_open(catalog->images[index].block, catalog->images[index].size, &image) != STATUS_OK)
        return count;
    const struct image_node *node = answering_node(&image, &split, name_label_count(apex));
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        const struct image_rrset *rrset = image_node_rrset(&image, node, i);
        if (rrset != NULL)
            count = add_type(rrset->type, types, count);
    }
    return count;
}

/* ---- aliases ---- */

struct alias_search {
    struct changes_names *names;
    const struct nameset *changed;
    struct nameset *aliases;
    const uint8_t *owner;
};

/* What differs at a CNAME shows in every type that is asked for; addresses stand for them. */
static enum status add_alias(struct alias_search *search, const uint8_t *name, uint16_t type)
{
    enum status status = STATUS_OK;
    bool any = type == RRTYPE_CNAME || type == 0;

    if (any)
        status = nameset_add(search->aliases, name, RRTYPE_AAAA);
    if (status == STATUS_OK)
        status = nameset_add(search->aliases, name, any ? RRTYPE_A : type);
    return status;
}

static enum status add_matches(struct alias_search *search, const uint8_t *key, size_t key_size)
{
    enum status status = STATUS_OK;

    for (size_t i = nameset_seek(search->changed, key, key_size);
         status == STATUS_OK && nameset_is(search->changed, i, key, key_size); i++)
        status = add_alias(search, search->owner, search->changed->items[i].type);
    return status;
}

/* The target itself, and the wildcards that may stand for it. */
static enum status check_cname(struct alias_search *search, const uint8_t *target)
{
    uint8_t key[NAME_KEY_MAX + 3];
    unsigned labels = name_label_count(target);
    size_t key_size = name_to_key(target, key);
    enum status status = add_matches(search, key, key_size);

    for (unsigned i = 0; i < labels && status == STATUS_OK; i++) {
        key_size = name_to_key(name_ancestor(target, i), key);
        key[key_size++] = '*';
        key[key_size++] = 0;
        if (key_size <= NAME_KEY_MAX)
            status = add_matches(search, key, key_size);
    }
    return status;
}

/* Names below the DNAME that lead to what differs below its target. */
static enum status check_dname(struct alias_search *search, const uint8_t *target)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(target, key);
    size_t target_size = name_size(target);
    size_t owner_size = name_size(search->owner);
    enum status status = STATUS_OK;

    for (size_t i = nameset_seek(search->changed, key, key_size);
         status == STATUS_OK && nameset_is_at_or_below(search->changed, i, key, key_size); i++) {
        uint8_t name[2 * NAME_SIZE_MAX];
        size_t size = nameset_name(search->changed, i, name);
        if (name_is_at_or_below(name, search->owner)) /* a DNAME above itself would go on for ever */
            continue;
        if (size <= target_size || size - target_size + owner_size > NAME_SIZE_MAX)
            continue;
        memcpy(name + size - target_size, search->owner, owner_size);
        uint8_t name_key[NAME_KEY_MAX];
        size_t name_key_size = name_to_key(name, name_key);
        size_t found = nameset_seek(search->changed, name_key, name_key_size);
        if (!nameset_is(search->changed, found, name_key, name_key_size))
            status = add_alias(search, name, search->changed->items[i].type);
    }
    return status;
}

static bool was_asked(const struct alias_search *search, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t size = name_to_key(name, key);

    return nameset_is(&search->names->set, nameset_seek(&search->names->set, key, size), key, size) ||
           nameset_is(search->changed, nameset_seek(search->changed, key, size), key, size);
}

static const uint8_t *target_of(const struct image *image, const struct image_node *node, uint16_t type)
{
    bool damaged = false;
    const struct image_rrset *found = image_find_rrset(image, node, type, &damaged);
    uint32_t position = 0;
    struct rdata rdata;

    if (found == NULL)
        return NULL;
    struct rrset rrset = image_rrset_data(image, found);
    return rrset_next_rdata(&rrset, &position, &rdata) ? rdata_target(type, &rdata) : NULL;
}

static enum status check_zone(struct alias_search *search, const struct image *image)
{
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < image->header->node_count && status == STATUS_OK; i++) {
        const struct image_node *node = NULL;
        if (!get_node(image, i, &search->owner, &node))
            continue;
        const uint8_t *cname = target_of(image, node, RRTYPE_CNAME);
        const uint8_t *dname = target_of(image, node, RRTYPE_DNAME);
        if (cname != NULL && !was_asked(search, search->owner))
            status = check_cname(search, cname);
        if (dname != NULL && status == STATUS_OK)
            status = check_dname(search, dname);
    }
    return status;
}

enum status changes_names_aliases(struct changes_names *names, const struct nameset *changed, struct nameset *aliases)
{
    struct alias_search search = {.names = names, .changed = changed, .aliases = aliases};
    const struct catalog *catalog = names->catalogs[1];
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < catalog_count(catalog) && status == STATUS_OK; i++) {
        struct image image;
        if (image_open(catalog->images[i].block, catalog->images[i].size, &image) == STATUS_OK)
            status = check_zone(&search, &image);
    }
    return status;
}

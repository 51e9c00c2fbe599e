/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/overlay.h"

#include "policy/overlay_own.h"
#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Why a record of the base is not in the flat zone. */
enum gone {
    GONE_OWNED = 1 << 0, /* the view has its own */
    GONE_HIDDEN = 1 << 1 /* the view hides it */
};

/* A hide on its way. */
struct hide {
    const struct overlay_hide *input;
    uint8_t key[NAME_KEY_MAX];
    uint16_t key_size;
    bool applies;
};

/* A name below which nothing of the base is left. */
struct cleared {
    const uint8_t *name;
    enum gone why;
};

struct overlay {
    const struct overlay_input *input;
    struct diag *diag;
    struct own_names names;
    struct hide *hides; /* in canonical order; the exact one of a name first */
    uint8_t *gone;      /* enum gone, per record of the base */
    struct cleared *cleared;
    size_t cleared_count;
    size_t cleared_capacity;
    unsigned apex_labels;
    bool pinpoint;
    bool failed;
    struct zone *flat;
    uint16_t *base_files; /* number of each base file in `flat` */
    uint16_t *own_files;
    uint16_t *facts_files;
};

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static bool is_strictly_below(const uint8_t *name, const uint8_t *ancestor)
{
    return name_is_at_or_below(name, ancestor) && !name_equal(name, ancestor);
}

static bool is_apex(const struct overlay *overlay, const uint8_t *name)
{
    return name_equal(name, overlay->input->apex);
}

static struct zone_range base_owner(const struct overlay *overlay, const uint8_t *name)
{
    if (overlay->input->base == NULL)
        return (struct zone_range){0, 0};
    return zone_owner_range(overlay->input->base, name);
}

static struct zone_range base_subtree(const struct overlay *overlay, const uint8_t *name)
{
    if (overlay->input->base == NULL)
        return (struct zone_range){0, 0};
    return zone_subtree_range(overlay->input->base, name);
}

static void take_away(struct overlay *overlay, struct zone_range range, enum gone why)
{
    for (size_t i = range.first; i < range.end; i++)
        overlay->gone[i] |= (uint8_t)why;
}

/* NS below the apex, and DNAME: what lies below is not this zone's to answer. */
static bool cuts(const struct overlay *overlay, const uint8_t *name, uint16_t type)
{
    return type == RRTYPE_DNAME || (type == RRTYPE_NS && !is_apex(overlay, name));
}

/* The base's delegation or DNAME at exactly this name, if it is still there; else NULL. */
static const struct zone_record *find_base_cut(const struct overlay *overlay, const uint8_t *name)
{
    struct zone_range range = base_owner(overlay, name);

    for (size_t i = range.first; i < range.end; i++) {
        const struct zone_record *record = &overlay->input->base->records[i];
        if (overlay->gone[i] == 0 && cuts(overlay, name, record->type))
            return record;
    }
    return NULL;
}

static bool has_own_cut(const struct overlay *overlay, const struct own_name *name)
{
    return own_name_has(&overlay->names, name, RRTYPE_DNAME) ||
           (own_name_has(&overlay->names, name, RRTYPE_NS) && !is_apex(overlay, name->name));
}

/* The highest name above `name` at which a delegation or DNAME stands, the view's own or the base's; NULL: none. */
static const uint8_t *find_cut_above(const struct overlay *overlay, const uint8_t *name, bool at_name,
                                     struct place *place)
{
    unsigned labels = name_label_count(name) + (at_name ? 1 : 0);

    for (unsigned k = overlay->apex_labels; k < labels; k++) {
        const uint8_t *above = name_ancestor(name, k);
        const struct zone_record *cut = find_base_cut(overlay, above);
        const struct own_name *own = own_names_find(&overlay->names, above);
        if (cut != NULL)
            *place = zone_place(overlay->input->base, cut);
        else if (own != NULL && has_own_cut(overlay, own))
            *place = own_name_place(&overlay->names, own);
        else
            continue;
        return above;
    }
    return NULL;
}

static const uint8_t *find_base_cut_above(const struct overlay *overlay, const uint8_t *name, struct place *place)
{
    for (unsigned k = overlay->apex_labels; k < name_label_count(name); k++) {
        const uint8_t *above = name_ancestor(name, k);
        const struct zone_record *cut = find_base_cut(overlay, above);
        if (cut != NULL) {
            *place = zone_place(overlay->input->base, cut);
            return above;
        }
    }
    return NULL;
}

static enum status clear_below(struct overlay *overlay, const uint8_t *name, enum gone why)
{
    struct cleared *grown =
        memory_grow(overlay->cleared, overlay->cleared_count, &overlay->cleared_capacity, sizeof *grown);

    if (grown == NULL)
        return STATUS_NO_MEMORY;
    overlay->cleared = grown;
    grown[overlay->cleared_count++] = (struct cleared){name, why};
    struct zone_range subtree = base_subtree(overlay, name);
    subtree.first = base_owner(overlay, name).end;
    if (subtree.first < subtree.end)
        take_away(overlay, subtree, why);
    return STATUS_OK;
}

static bool is_below_cleared(const struct overlay *overlay, const uint8_t *name, enum gone why)
{
    for (size_t i = 0; i < overlay->cleared_count; i++)
        if (overlay->cleared[i].why == why && is_strictly_below(name, overlay->cleared[i].name))
            return true;
    return false;
}

/* Messages. */

static void fail_at(struct overlay *overlay, const struct place *place, const uint8_t *name, const char *found,
                    const uint8_t *other, const struct place *other_place, const char *wanted)
{
    char text[NAME_TEXT_MAX];
    char other_text[NAME_TEXT_MAX];

    name_to_text(name, text);
    name_to_text(other, other_text);
    overlay->failed = true;
    diag_error(overlay->diag, place, "%s: %s %s (%s:%u), %s", text, found, other_text,
               other_place->file == NULL ? "made by the program" : other_place->file, other_place->line, wanted);
}

/* Names that the view owns. */

/* At the apex the base keeps the types that the view does not give; addresses and service bindings are one (P4). */
static bool is_replaced_at_apex(const struct overlay *overlay, const struct own_name *name, uint16_t type)
{
    static const uint16_t group[] = {RRTYPE_A, RRTYPE_AAAA, RRTYPE_SVCB, RRTYPE_HTTPS};
    const size_t count = sizeof group / sizeof group[0];
    bool in_group = false;

    for (size_t i = 0; i < count; i++)
        in_group = in_group || group[i] == type;
    for (size_t i = 0; in_group && i < count; i++)
        if (own_name_has(&overlay->names, name, group[i]))
            return true;
    return own_name_has(&overlay->names, name, type);
}

static enum status own_apex(struct overlay *overlay, const struct own_name *name)
{
    const struct zone *base = overlay->input->base;
    struct zone_range range = base_owner(overlay, name->name);
    bool had_dname = false;

    for (size_t i = range.first; i < range.end; i++) {
        if (!is_replaced_at_apex(overlay, name, base->records[i].type))
            continue;
        had_dname = had_dname || (base->records[i].type == RRTYPE_DNAME && overlay->gone[i] == 0);
        overlay->gone[i] |= GONE_OWNED;
    }
    if (!had_dname && !own_name_has(&overlay->names, name, RRTYPE_DNAME))
        return STATUS_OK;
    return clear_below(overlay, name->name, GONE_OWNED);
}

static enum status own_node(struct overlay *overlay, const struct own_name *name)
{
    struct place place;

    if (is_apex(overlay, name->name))
        return own_apex(overlay, name);
    const uint8_t *cut = find_base_cut_above(overlay, name->name, &place);
    if (cut != NULL) {
        struct place own = own_name_place(&overlay->names, name);
        fail_at(overlay, &own, name->name, "found a record below the delegation or DNAME", cut, &place,
                "which the view inherits; wanted it above, or an own record or a hide at that name");
        return STATUS_OK;
    }
    bool clears = find_base_cut(overlay, name->name) != NULL || has_own_cut(overlay, name);
    take_away(overlay, base_owner(overlay, name->name), GONE_OWNED);
    return clears ? clear_below(overlay, name->name, GONE_OWNED) : STATUS_OK;
}

/* Hides. */

/* What others answer for cannot be hidden here (P6). */
static bool is_forwarded(struct overlay *overlay, const struct overlay_hide *hide)
{
    for (size_t i = 0; i < overlay->input->forward_count; i++) {
        const struct overlay_forward *forward = &overlay->input->forwards[i];
        char text[NAME_TEXT_MAX];
        char domain[NAME_TEXT_MAX];
        if (!name_is_at_or_below(hide->name, forward->name))
            continue;
        name_to_text(hide->name, text);
        name_to_text(forward->name, domain);
        if (!hide->is_fact)
            diag_add(overlay->diag, SEVERITY_WARNING, &hide->place,
                     "hide: found %s%s, which lies in [forward %s] (%s:%u): it changes nothing",
                     hide->below ? "*." : "", text, domain, forward->place.file, forward->place.line);
        return true;
    }
    return false;
}

/* A hide below a delegation or DNAME changes nothing: the referral stands (A6). */
static bool is_void(struct overlay *overlay, const struct overlay_hide *hide)
{
    struct place place = {0};
    char text[NAME_TEXT_MAX];
    char cut_text[NAME_TEXT_MAX];

    if (is_forwarded(overlay, hide))
        return true;
    const uint8_t *cut = find_cut_above(overlay, hide->name, hide->below, &place);
    if (cut == NULL)
        return false;
    if (!hide->is_fact) {
        name_to_text(hide->name, text);
        name_to_text(cut, cut_text);
        diag_add(overlay->diag, SEVERITY_WARNING, &hide->place,
                 "hide: found %s%s, which lies below the delegation or DNAME %s (%s:%u): it changes nothing",
                 hide->below ? "*." : "", text, cut_text, place.file == NULL ? "?" : place.file, place.line);
    }
    return true;
}

/* The apex cannot be hidden, nor a name that the view owns (P3). */
static bool may_hide(struct overlay *overlay, const struct overlay_hide *hide)
{
    const struct own_name *own = own_names_find(&overlay->names, hide->name);
    bool apex = is_apex(overlay, hide->name);
    char text[NAME_TEXT_MAX];

    if (!apex && own == NULL)
        return true;
    overlay->failed = true;
    name_to_text(hide->name, text);
    if (apex) {
        diag_error(overlay->diag, &hide->place,
                   "hide: found %s, which is the apex of its zone, wanted a name below it, or mode none for the zone",
                   text);
        return false;
    }
    struct place place = own_name_place(&overlay->names, own);
    diag_error(overlay->diag, &place, "%s: found a record of a name that %s:%u hides in the same view, wanted only one",
               text, hide->place.file == NULL ? "?" : hide->place.file, hide->place.line);
    return false;
}

static enum status hide_name(struct overlay *overlay, struct hide *hide)
{
    const struct overlay_hide *input = hide->input;
    struct zone_range range = base_owner(overlay, input->name);

    if (!may_hide(overlay, input) || is_void(overlay, input))
        return STATUS_OK;
    hide->applies = true;
    bool clears = find_base_cut(overlay, input->name) != NULL;
    take_away(overlay, range, GONE_HIDDEN);
    return clears ? clear_below(overlay, input->name, GONE_HIDDEN) : STATUS_OK;
}

static enum status hide_below(struct overlay *overlay, struct hide *hide)
{
    if (is_void(overlay, hide->input))
        return STATUS_OK;
    hide->applies = true;
    return clear_below(overlay, hide->input->name, GONE_HIDDEN);
}

/* The pass from the apex down: what stands above is settled first. */

static int compare_hides(const void *left, const void *right)
{
    const struct hide *a = left;
    const struct hide *b = right;
    int order = compare_keys(a->key, a->key_size, b->key, b->key_size);

    return order != 0 ? order : (int)a->input->below - (int)b->input->below;
}

static enum status sort_hides(struct overlay *overlay)
{
    size_t count = overlay->input->hide_count;

    overlay->hides = memory_zalloc(count + 1, sizeof *overlay->hides);
    if (overlay->hides == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        assert(name_is_at_or_below(overlay->input->hides[i].name, overlay->input->apex));
        overlay->hides[i].input = &overlay->input->hides[i];
        overlay->hides[i].key_size = (uint16_t)name_to_key(overlay->input->hides[i].name, overlay->hides[i].key);
    }
    qsort(overlay->hides, count, sizeof *overlay->hides, compare_hides);
    return STATUS_OK;
}

/* At one name: the exact hide, the view's own records, then the hide of what is below. */
static enum status settle_names(struct overlay *overlay)
{
    enum status status = STATUS_OK;
    size_t own = 0;
    size_t hide = 0;

    while (status == STATUS_OK && (own < overlay->names.count || hide < overlay->input->hide_count)) {
        int order = own == overlay->names.count ? 1 : -1;
        if (own < overlay->names.count && hide < overlay->input->hide_count) {
            const struct own_name *a = &overlay->names.names[own];
            const struct hide *b = &overlay->hides[hide];
            order = compare_keys(a->key, a->key_size, b->key, b->key_size);
            if (order == 0)
                order = b->input->below ? -1 : 1;
        }
        if (order < 0)
            status = own_node(overlay, &overlay->names.names[own++]);
        else if (overlay->hides[hide].input->below)
            status = hide_below(overlay, &overlay->hides[hide++]);
        else
            status = hide_name(overlay, &overlay->hides[hide++]);
    }
    return status;
}

/* Marks. */

/* Does the base still have something here, but for what is gone for one of these reasons? */
static bool base_exists_below(const struct overlay *overlay, const uint8_t *name, unsigned reasons)
{
    const struct zone *base = overlay->input->base;
    struct zone_range range = base_subtree(overlay, name);

    for (size_t i = range.first; i < range.end; i++)
        if ((overlay->gone[i] & reasons) == 0)
            return true;
    if (base == NULL || overlay->input->mode != ZONE_MODE_OVERLAY)
        return false;
    for (size_t i = 0; i < base->mark_count; i++) {
        const uint8_t *marked = zone_mark_name(base, &base->marks[i]);
        if ((base->marks[i].flags & ZONE_EMPTY) != 0 && name_is_at_or_below(marked, name) &&
            !is_below_cleared(overlay, marked, GONE_OWNED) &&
            ((reasons & GONE_HIDDEN) == 0 || !is_below_cleared(overlay, marked, GONE_HIDDEN)))
            return true;
    }
    return false;
}

static bool is_hidden_here(const struct overlay *overlay, const uint8_t *name)
{
    const struct zone *base = overlay->input->base;

    for (size_t i = 0; i < overlay->input->hide_count; i++)
        if (overlay->hides[i].applies && !overlay->hides[i].input->below &&
            name_equal(overlay->hides[i].input->name, name))
            return true;
    for (size_t i = 0; base != NULL && overlay->input->mode == ZONE_MODE_OVERLAY && i < base->mark_count; i++)
        if ((base->marks[i].flags & ZONE_HIDDEN) != 0 && name_equal(zone_mark_name(base, &base->marks[i]), name))
            return true;
    return false;
}

static uint16_t map_file(const uint16_t *files, const struct zone *zone, struct origin origin)
{
    return origin.file < zone->file_count ? files[origin.file] : ORIGIN_NONE;
}

/* A hide leaves the names above it as they were: those that existed only by what is hidden now still exist (A5). */
static enum status keep_names_above(struct overlay *overlay, const struct overlay_hide *hide, struct origin origin)
{
    enum status status = STATUS_OK;
    unsigned labels = name_label_count(hide->name) + (hide->below ? 1 : 0);

    for (unsigned k = overlay->apex_labels + 1; k < labels && status == STATUS_OK; k++) {
        const uint8_t *name = name_ancestor(hide->name, k);
        if (own_names_exist_below(&overlay->names, name) ||
            base_exists_below(overlay, name, GONE_OWNED | GONE_HIDDEN) ||
            !base_exists_below(overlay, name, GONE_OWNED) || is_hidden_here(overlay, name) ||
            is_below_cleared(overlay, name, GONE_HIDDEN))
            continue;
        status = zone_add_mark(overlay->flat, name, ZONE_EMPTY, origin);
    }
    return status;
}

static enum status mark_hides(struct overlay *overlay)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < overlay->input->hide_count && status == STATUS_OK; i++) {
        const struct overlay_hide *hide = overlay->hides[i].input;
        struct origin origin = {.file = ORIGIN_NONE, .line = hide->place.line};
        if (!overlay->hides[i].applies)
            continue;
        if (hide->place.file != NULL)
            status = zone_add_layer_file(overlay->flat, hide->place.file, overlay->input->view, &origin.file);
        if (status == STATUS_OK)
            status = zone_add_mark(overlay->flat, hide->name, hide->below ? ZONE_HIDDEN_BELOW : ZONE_HIDDEN, origin);
        if (status == STATUS_OK)
            status = keep_names_above(overlay, hide, origin);
    }
    return status;
}

static enum status mark_forwards(struct overlay *overlay)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < overlay->input->forward_count && status == STATUS_OK; i++) {
        const struct overlay_forward *forward = &overlay->input->forwards[i];
        struct origin origin = {.file = ORIGIN_NONE, .line = forward->place.line};
        status = zone_add_layer_file(overlay->flat, forward->place.file, overlay->input->view, &origin.file);
        if (status == STATUS_OK)
            status = zone_add_mark(overlay->flat, forward->name, ZONE_FORWARD, origin);
    }
    return status;
}

/* What of a mark of the base holds here too. */
static uint16_t inherited_flags(const struct overlay *overlay, const uint8_t *name, uint16_t flags)
{
    const struct own_name *own = own_names_find(&overlay->names, name);

    flags &= (uint16_t)~ZONE_FORWARD;
    for (size_t i = 0; i < overlay->cleared_count; i++)
        if (overlay->cleared[i].why == GONE_OWNED && name_is_at_or_below(name, overlay->cleared[i].name))
            return 0;
    if (own != NULL)
        flags &= (uint16_t) ~(ZONE_HIDDEN | ZONE_EMPTY);
    if (is_below_cleared(overlay, name, GONE_HIDDEN) || is_hidden_here(overlay, name))
        flags &= (uint16_t)~ZONE_EMPTY;
    return flags;
}

static enum status copy_marks(struct overlay *overlay)
{
    const struct zone *base = overlay->input->base;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < base->mark_count && status == STATUS_OK; i++) {
        const struct zone_mark *mark = &base->marks[i];
        const uint8_t *name = zone_mark_name(base, mark);
        uint16_t flags = inherited_flags(overlay, name, mark->flags);
        struct origin origin = {.file = map_file(overlay->base_files, base, mark->origin), .line = mark->origin.line};
        if (flags == 0)
            continue;
        status = zone_add_mark(overlay->flat, name, flags, origin);
        if (status == STATUS_OK)
            overlay->flat->marks[overlay->flat->mark_count - 1].negative_ttl = mark->negative_ttl;
    }
    return status;
}

/* Records. */

static enum status map_files(struct zone *flat, const struct zone *zone, uint16_t **files)
{
    enum status status = STATUS_OK;

    if (zone == NULL)
        return STATUS_OK;
    *files = memory_zalloc(zone->file_count + 1, sizeof **files);
    if (*files == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < zone->file_count && status == STATUS_OK; i++)
        status = zone_add_layer_file(flat, zone->files[i], zone->layers[i], &(*files)[i]);
    return status;
}

static enum status copy_record(struct overlay *overlay, const struct zone *zone, size_t index, const uint16_t *files)
{
    const struct zone_record *record = &zone->records[index];
    struct origin origin = {.file = map_file(files, zone, record->origin), .line = record->origin.line};

    return zone_add_copy(overlay->flat, zone, record, origin);
}

static enum status copy_records(struct overlay *overlay)
{
    const struct overlay_input *input = overlay->input;
    enum status status = STATUS_OK;

    for (size_t i = 0; input->base != NULL && i < input->base->count && status == STATUS_OK; i++)
        if (overlay->gone[i] == 0)
            status = copy_record(overlay, input->base, i, overlay->base_files);
    for (size_t i = 0; input->own != NULL && i < input->own->count && status == STATUS_OK; i++)
        status = copy_record(overlay, input->own, i, overlay->own_files);
    for (size_t i = 0; input->facts != NULL && i < input->facts->count && status == STATUS_OK; i++)
        status = copy_record(overlay, input->facts, i, overlay->facts_files);
    return status;
}

/* Where the SOA comes from: the view's own data, the base (P4), or nowhere. */
static bool has_own_soa(const struct overlay *overlay)
{
    const struct own_name *own = own_names_find(&overlay->names, overlay->input->apex);

    return own != NULL && own_name_has(&overlay->names, own, RRTYPE_SOA);
}

static bool has_base_soa(const struct overlay *overlay)
{
    const struct overlay_input *input = overlay->input;
    struct zone_rrset soa;

    return input->mode != ZONE_MODE_FULL && input->base != NULL && !has_own_soa(overlay) &&
           zone_find(input->base, input->apex, RRTYPE_SOA, &soa);
}

/* The SOA of a pinpoint zone that takes none from its file or its base (P5). It serves negative answers only. */
static enum status add_pinpoint_soa(struct overlay *overlay)
{
    static const uint8_t label[] = "\012hostmaster";
    static const uint32_t numbers[] = {1, 7200, 900, 1209600, 60};
    const uint8_t *apex = overlay->input->apex;
    size_t size = name_size(apex);
    uint8_t rdata[2 * NAME_SIZE_MAX + SOA_FIXED_SIZE];

    memcpy(rdata, apex, size);
    size_t used = size;
    if (size + sizeof label - 1 <= NAME_SIZE_MAX) {
        memcpy(rdata + used, label, sizeof label - 1);
        used += sizeof label - 1;
    }
    memcpy(rdata + used, apex, size);
    used += size;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++, used += 4)
        write_u32(rdata + used, numbers[i]);
    struct origin origin = {.file = ORIGIN_NONE};
    return zone_add(overlay->flat, apex, RRTYPE_SOA, 60, rdata, (uint16_t)used, origin);
}

/* What the mode takes of the base to begin with: all; of pinpoint SOA and NS; else nothing (A10). */
static void take_base(struct overlay *overlay)
{
    const struct overlay_input *input = overlay->input;
    size_t count = input->base == NULL ? 0 : input->base->count;

    if (input->mode == ZONE_MODE_OVERLAY)
        return;
    memset(overlay->gone, GONE_OWNED, count);
    if (input->mode != ZONE_MODE_PINPOINT)
        return;
    struct zone_range range = base_owner(overlay, input->apex);
    for (size_t i = range.first; i < range.end; i++)
        if (input->base->records[i].type == RRTYPE_SOA || input->base->records[i].type == RRTYPE_NS)
            overlay->gone[i] = 0;
}

static enum status prepare(struct overlay *overlay)
{
    const struct overlay_input *input = overlay->input;
    size_t base_count = input->base == NULL ? 0 : input->base->count;

    overlay->apex_labels = name_label_count(input->apex);
    overlay->pinpoint =
        input->mode == ZONE_MODE_PINPOINT || (input->mode == ZONE_MODE_OVERLAY && input->base->pinpoint);
    overlay->gone = memory_zalloc(base_count + 1, 1);
    overlay->flat = zone_new(input->apex);
    if (overlay->gone == NULL || overlay->flat == NULL)
        return STATUS_NO_MEMORY;
    overlay->flat->layer = input->view;
    overlay->flat->pinpoint = overlay->pinpoint;
    take_base(overlay);
    enum status status = own_names_init(&overlay->names, input->own, input->facts);
    return status == STATUS_OK ? sort_hides(overlay) : status;
}

static enum status build(struct overlay *overlay)
{
    const struct overlay_input *input = overlay->input;
    enum status status = prepare(overlay);

    if (status == STATUS_OK)
        status = settle_names(overlay);
    if (status != STATUS_OK || overlay->failed)
        return status != STATUS_OK ? status : STATUS_BAD_INPUT;
    status = map_files(overlay->flat, input->base, &overlay->base_files);
    if (status == STATUS_OK)
        status = map_files(overlay->flat, input->own, &overlay->own_files);
    if (status == STATUS_OK)
        status = map_files(overlay->flat, input->facts, &overlay->facts_files);
    if (status == STATUS_OK)
        status = copy_records(overlay);
    if (status == STATUS_OK && has_base_soa(overlay))
        overlay->flat->negative_ttl = input->base->negative_ttl;
    else if (status == STATUS_OK && input->mode == ZONE_MODE_PINPOINT && !has_own_soa(overlay))
        status = add_pinpoint_soa(overlay);
    if (status == STATUS_OK && input->mode == ZONE_MODE_OVERLAY)
        status = copy_marks(overlay);
    if (status == STATUS_OK)
        status = mark_hides(overlay);
    if (status == STATUS_OK)
        status = mark_forwards(overlay);
    return status == STATUS_OK ? zone_freeze(overlay->flat, overlay->diag) : status;
}

enum status overlay_build(const struct overlay_input *input, struct diag *diag, struct zone **flat)
{
    struct overlay overlay = {.input = input, .diag = diag};

    assert(input->mode != ZONE_MODE_OVERLAY || input->base != NULL);
    assert(input->base == NULL || input->base->frozen);
    enum status status = build(&overlay);
    *flat = status == STATUS_OK ? overlay.flat : NULL;
    if (status != STATUS_OK)
        zone_free(overlay.flat);
    own_names_clear(&overlay.names);
    memory_free(overlay.hides);
    memory_free(overlay.gone);
    memory_free(overlay.cleared);
    memory_free(overlay.base_files);
    memory_free(overlay.own_files);
    memory_free(overlay.facts_files);
    return status;
}

bool overlay_is_own(const struct overlay_input *input)
{
    return input->mode == ZONE_MODE_FULL && input->own != NULL && input->hide_count == 0 && input->forward_count == 0 &&
           (input->facts == NULL || input->facts->count == 0);
}

bool overlay_is_base(const struct overlay_input *input)
{
    return input->mode == ZONE_MODE_OVERLAY && (input->own == NULL || input->own->count == 0) &&
           input->hide_count == 0 && (input->facts == NULL || input->facts->count == 0);
}

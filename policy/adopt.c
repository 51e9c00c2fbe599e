/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/adopt.h"

#include "policy/adopt_proof.h"
#include "policy/overlay.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIDE_LINE_MAX 180 /* bytes of one hide in policy.conf, whose lines have at most 198 */
#define HIDES_FREE    10  /* so many hides are never too many */

/* Records. */

static bool same_rdata(uint16_t type, struct rdata a, struct rdata b)
{
    if (a.size != b.size)
        return false;
    uint16_t serial = type == RRTYPE_SOA ? soa_serial_offset(&a) : 0;
    if (serial == 0)
        return memcmp(a.bytes, b.bytes, a.size) == 0;
    return memcmp(a.bytes, b.bytes, serial) == 0 &&
           memcmp(a.bytes + serial + 4, b.bytes + serial + 4, (size_t)a.size - serial - 4) == 0;
}

/* Does `zone` have this record of `other`, with or without regard to the TTL? Serials do not count. */
static bool has_record(const struct zone *zone, struct zone_range range, const struct zone *other,
                       const struct zone_record *record, bool with_ttl)
{
    for (size_t i = range.first; i < range.end; i++) {
        const struct zone_record *mine = &zone->records[i];
        if (mine->type == record->type && (!with_ttl || mine->ttl == record->ttl) &&
            same_rdata(record->type, zone_rdata(zone, mine), zone_rdata(other, record)))
            return true;
    }
    return false;
}

static bool has_type(const struct zone *zone, struct zone_range range, uint16_t type)
{
    for (size_t i = range.first; i < range.end; i++)
        if (zone->records[i].type == type)
            return true;
    return false;
}

/* Are all inside records of the name, of one type or of all (0), outside too? And the other way round? */
static bool inside_is_part(const struct adopt_plan *plan, const struct adopt_name *name, uint16_t type, bool with_ttl)
{
    for (size_t i = name->inside.first; i < name->inside.end; i++) {
        const struct zone_record *record = &plan->inside->records[i];
        if ((type == 0 || record->type == type) &&
            !has_record(plan->outside, name->outside, plan->inside, record, with_ttl))
            return false;
    }
    return true;
}

static bool outside_is_part(const struct adopt_plan *plan, const struct adopt_name *name, uint16_t type, bool with_ttl)
{
    for (size_t i = name->outside.first; i < name->outside.end; i++) {
        const struct zone_record *record = &plan->outside->records[i];
        if ((type == 0 || record->type == type) &&
            !has_record(plan->inside, name->inside, plan->outside, record, with_ttl))
            return false;
    }
    return true;
}

static bool is_same(const struct adopt_plan *plan, const struct adopt_name *name, uint16_t type)
{
    return inside_is_part(plan, name, type, true) && outside_is_part(plan, name, type, true);
}

static bool is_apex(const struct adopt_plan *plan, const uint8_t *name)
{
    return name_equal(name, plan->inside->apex);
}

static bool exists(const struct zone *zone, const uint8_t *name)
{
    struct zone_range range = zone_subtree_range(zone, name);
    return range.first < range.end;
}

/* Names. */

static bool first_labels_are(const uint8_t *name, const char *labels)
{
    char text[NAME_TEXT_MAX];
    size_t length = strlen(labels);

    name_to_text(name, text);
    return strncasecmp(text, labels, length) == 0 && text[length] == '.';
}

static bool is_among(const uint8_t *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (first_labels_are(name, list[i]))
            return true;
    return false;
}

/* A name that exists outside only: meant so, or forgotten inside? */
static enum adopt_doubt judge_outside(const struct adopt_plan *plan, const struct adopt_name *name)
{
    static const char *const expected[] = {"lyncdiscover",           "_sip._tls",         "sipexternal",
                                           "_sipfederationtls._tcp", "_xmpp-server._tcp", "_collab-edge._tls",
                                           "_acme-challenge"};
    static const char *const common[] = {"www",        "mail",         "smtp",       "imap",
                                         "webmail",    "_dmarc",       "mta-sts",    "_mta-sts",
                                         "_smtp._tls", "autodiscover", "_domainkey", "_autodiscover._tcp"};
    static const uint16_t types[] = {RRTYPE_MX, RRTYPE_TXT, 52 /* TLSA */, 257 /* CAA */};
    unsigned apex_labels = name_label_count(plan->inside->apex);

    if (is_among(name->name, expected, sizeof expected / sizeof expected[0]))
        return ADOPT_EXPECTED;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (has_type(plan->outside, name->outside, types[i]))
            return ADOPT_FORGOTTEN;
    for (unsigned k = name_label_count(name->name); k > apex_labels; k--)
        if (is_among(name_ancestor(name->name, k), common, sizeof common / sizeof common[0]))
            return ADOPT_FORGOTTEN;
    return ADOPT_PLAIN;
}

static void judge_name(const struct adopt_plan *plan, struct adopt_name *name)
{
    if (name->inside.first == name->inside.end) {
        name->class = ADOPT_OUTSIDE;
        name->doubt = judge_outside(plan, name);
    } else if (name->outside.first == name->outside.end) {
        name->class = ADOPT_INSIDE;
    } else if (is_same(plan, name, 0)) {
        name->class = ADOPT_SAME;
    } else {
        name->class = ADOPT_DIFFERENT;
        bool is_part = inside_is_part(plan, name, 0, false);
        if (is_part && outside_is_part(plan, name, 0, false))
            name->doubt = ADOPT_TTL_ONLY;
        else if (is_part)
            name->doubt = ADOPT_FEWER;
    }
}

static enum status judge_names(struct adopt_plan *plan)
{
    enum status status = own_names_init(&plan->both, plan->inside, plan->outside);

    if (status != STATUS_OK)
        return status;
    plan->names = memory_zalloc(plan->both.count + 1, sizeof *plan->names);
    if (plan->names == NULL)
        return STATUS_NO_MEMORY;
    for (; plan->count < plan->both.count; plan->count++) {
        const struct own_name *both = &plan->both.names[plan->count];
        struct adopt_name *name = &plan->names[plan->count];
        *name = (struct adopt_name){.name = both->name, .inside = both->own, .outside = both->facts};
        judge_name(plan, name);
    }
    return STATUS_OK;
}

size_t adopt_plan_count(const struct adopt_plan *plan, enum adopt_class class)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++)
        count += plan->names[i].class == class;
    return count;
}

/* Mode full. */

static void stay_full(struct adopt_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void stay_full(struct adopt_plan *plan, const char *format, ...)
{
    va_list arguments;

    if (plan->is_full)
        return;
    plan->is_full = true;
    va_start(arguments, format);
    vsnprintf(plan->reason, sizeof plan->reason, format, arguments);
    va_end(arguments);
}

static void stay_full_at(struct adopt_plan *plan, const uint8_t *name, const char *before, const char *after)
{
    char text[NAME_TEXT_MAX];

    name_to_text(name, text);
    stay_full(plan, "%s%.255s %s", before, text, after);
}

/* The apex: types are inherited one by one, addresses and service bindings as one (P4). */

static bool is_in_group(uint16_t type)
{
    return type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

static bool group_differs(const struct adopt_plan *plan, const struct adopt_name *apex)
{
    return !is_same(plan, apex, RRTYPE_A) || !is_same(plan, apex, RRTYPE_AAAA) || !is_same(plan, apex, RRTYPE_SVCB) ||
           !is_same(plan, apex, RRTYPE_HTTPS);
}

/* Is the type the overlay's at the apex? */
static bool apex_owns(const struct adopt_plan *plan, const struct adopt_name *apex, uint16_t type)
{
    return is_in_group(type) ? group_differs(plan, apex) : !is_same(plan, apex, type);
}

static void plan_apex(struct adopt_plan *plan, struct adopt_name *apex)
{
    bool has_group = false;

    for (size_t i = apex->inside.first; i < apex->inside.end; i++) {
        has_group = has_group || is_in_group(plan->inside->records[i].type);
        apex->is_owned = apex->is_owned || apex_owns(plan, apex, plan->inside->records[i].type);
    }
    plan->soa_owned = apex_owns(plan, apex, RRTYPE_SOA);
    for (size_t i = apex->outside.first; i < apex->outside.end; i++) {
        uint16_t type = plan->outside->records[i].type;
        char text[RRTYPE_TEXT_MAX];
        if (has_type(plan->inside, apex->inside, type) || (is_in_group(type) && has_group))
            continue;
        rrtype_to_text(type, text);
        stay_full(plan,
                  "the apex has %s outside and not inside, and an overlay would inherit it; if it was only forgotten, "
                  "add it to the inside copy and adopt again",
                  text);
    }
    if ((has_type(plan->inside, apex->inside, RRTYPE_DNAME) || has_type(plan->outside, apex->outside, RRTYPE_DNAME)) &&
        !is_same(plan, apex, 0))
        stay_full(plan, "a DNAME at the apex leaves nothing below to share");
}

/* Delegations and DNAMEs: the base's names below one that the view owns or hides are gone (A6). */

static bool is_cut(const struct adopt_plan *plan, const struct adopt_name *name)
{
    return !is_apex(plan, name->name) &&
           (has_type(plan->inside, name->inside, RRTYPE_NS) || has_type(plan->outside, name->outside, RRTYPE_NS) ||
            has_type(plan->inside, name->inside, RRTYPE_DNAME) || has_type(plan->outside, name->outside, RRTYPE_DNAME));
}

static enum status add_hide(struct adopt_plan *plan, const uint8_t *name, bool below, size_t cause)
{
    for (size_t i = 0; i < plan->hide_count; i++)
        if (plan->hides[i].below == below && name_equal(plan->hides[i].name, name))
            return STATUS_OK;
    struct adopt_hide *grown = memory_grow(plan->hides, plan->hide_count, &plan->hide_capacity, sizeof *plan->hides);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    plan->hides = grown;
    struct adopt_hide *hide = &grown[plan->hide_count++];
    *hide = (struct adopt_hide){.below = below, .cause = cause};
    memcpy(hide->name, name, name_size(name));
    return STATUS_OK;
}

/* The names [first, *end) at and below a cut: all of it inherited, or all of it the view's own. */
static enum status plan_cut(struct adopt_plan *plan, size_t first, size_t *end)
{
    struct adopt_name *cut = &plan->names[first];
    bool is_equal = true;

    for (*end = first; *end < plan->count && name_is_at_or_below(plan->names[*end].name, cut->name); ++*end)
        is_equal = is_equal && plan->names[*end].class == ADOPT_SAME;
    if (is_equal)
        return STATUS_OK;
    for (size_t i = first; i < *end; i++)
        plan->names[i].is_owned = plan->names[i].class != ADOPT_OUTSIDE;
    return cut->class == ADOPT_OUTSIDE ? add_hide(plan, cut->name, false, first) : STATUS_OK;
}

/* Names that exist outside only. */

/* The highest name at or above this one, below the apex, that does not exist inside. */
static const uint8_t *find_missing(const struct adopt_plan *plan, const uint8_t *name)
{
    unsigned apex_labels = name_label_count(plan->inside->apex);

    for (unsigned k = apex_labels + 1; k < name_label_count(name); k++)
        if (!exists(plan->inside, name_ancestor(name, k)))
            return name_ancestor(name, k);
    return name;
}

/* How many names exist below `top` in the outside copy, empty ones too, up to 2. */
static unsigned count_below(const struct adopt_plan *plan, const uint8_t *top)
{
    struct zone_range range = zone_subtree_range(plan->outside, top);
    unsigned top_labels = name_label_count(top);
    const uint8_t *last = NULL;
    unsigned count = 0;

    for (size_t i = range.first; i < range.end && count < 2; i++) {
        const uint8_t *owner = zone_owner(plan->outside, &plan->outside->records[i]);
        if (last != NULL && name_equal(owner, last))
            continue;
        last = owner;
        count += name_label_count(owner) - top_labels;
    }
    return count;
}

/*
 * A name with names below it that stay: it alone. Else the highest name that is missing inside goes with all below it:
 * one name below is named, several are `*.NAME`.
 */
static enum status plan_hide(struct adopt_plan *plan, size_t number)
{
    const struct adopt_name *name = &plan->names[number];

    if (exists(plan->inside, name->name))
        return add_hide(plan, name->name, false, number);
    const uint8_t *top = find_missing(plan, name->name);
    unsigned below = count_below(plan, top);
    enum status status = STATUS_OK;
    if (below >= 2 || (below == 1 && exists(plan->outside, top) && name_is_wildcard(name->name) && top != name->name))
        status = add_hide(plan, top, true, number);
    else if (top != name->name)
        status = add_hide(plan, name->name, false, number);
    return status == STATUS_OK ? add_hide(plan, top, false, number) : status;
}

static enum status plan_names(struct adopt_plan *plan)
{
    enum status status = STATUS_OK;
    size_t i = 0;

    while (i < plan->count && status == STATUS_OK) {
        struct adopt_name *name = &plan->names[i];
        if (is_cut(plan, name)) {
            status = plan_cut(plan, i, &i);
            continue;
        }
        if (is_apex(plan, name->name))
            plan_apex(plan, name);
        else if (name->class == ADOPT_OUTSIDE)
            status = plan_hide(plan, i);
        else
            name->is_owned = name->class != ADOPT_SAME;
        i++;
    }
    return status;
}

void adopt_hide_to_text(const struct adopt_hide *hide, char text[ADOPT_HIDE_TEXT_MAX])
{
    char name[NAME_TEXT_MAX];
    size_t length = name_to_text(hide->name, name);

    if (length > 1)
        name[length - 1] = '\0';
    /* A wildcard by itself is escaped: `*.X` is all below X. */
    const char *head = hide->below ? "*." : name_is_wildcard(hide->name) ? "\\" : "";
    snprintf(text, ADOPT_HIDE_TEXT_MAX, "%s%s", head, name);
}

/* Records of the inside copy that an overlay would not hold, but for SOA and NS of the apex. */
static size_t count_shared(const struct adopt_plan *plan)
{
    size_t shared = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct adopt_name *name = &plan->names[i];
        bool apex = is_apex(plan, name->name);
        for (size_t r = name->inside.first; r < name->inside.end; r++) {
            uint16_t type = plan->inside->records[r].type;
            if (apex)
                shared += type != RRTYPE_SOA && type != RRTYPE_NS && !apex_owns(plan, name, type);
            else
                shared += !name->is_owned;
        }
    }
    return shared;
}

/* Is an overlay possible by what policy.conf can say, and does it share enough to be worth it? */
static void weigh(struct adopt_plan *plan)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*\\";
    size_t shared = count_shared(plan);

    for (size_t i = 0; i < plan->hide_count; i++) {
        char text[ADOPT_HIDE_TEXT_MAX];
        adopt_hide_to_text(&plan->hides[i], text);
        if (strlen(text) > HIDE_LINE_MAX || text[strspn(text, plain)] != '\0')
            stay_full_at(plan, plan->hides[i].name, "", "would have to be hidden, which policy.conf cannot write");
    }
    bool is_different = plan->hide_count > 0;
    for (size_t i = 0; i < plan->count; i++)
        is_different = is_different || plan->names[i].is_owned;
    if (is_different && shared == 0 && plan->count > 1)
        stay_full(plan, "nothing but SOA and NS is the same in both copies: an overlay would share nothing");
    if (plan->hide_count > HIDES_FREE + 2 * shared)
        stay_full(plan, "an overlay would hide %zu names to share %zu records: the whole copy is clearer",
                  plan->hide_count, shared);
}

/* The overlay. */

struct ordered {
    const struct zone_record *record;
};

static int compare_order(const void *left, const void *right)
{
    const struct zone_record *a = ((const struct ordered *)left)->record;
    const struct zone_record *b = ((const struct ordered *)right)->record;

    return (a->order > b->order) - (a->order < b->order);
}

static size_t gather(const struct adopt_plan *plan, struct ordered *list)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count && !plan->is_full; i++) {
        const struct adopt_name *name = &plan->names[i];
        bool apex = is_apex(plan, name->name);
        for (size_t r = name->inside.first; r < name->inside.end && name->is_owned; r++)
            if (!apex || apex_owns(plan, name, plan->inside->records[r].type))
                list[count++].record = &plan->inside->records[r];
    }
    qsort(list, count, sizeof *list, compare_order);
    return count;
}

static enum status build_own(struct adopt_plan *plan, struct diag *diag)
{
    const struct zone *inside = plan->inside;
    struct ordered *list = memory_zalloc(inside->count + 1, sizeof *list);
    enum status status = STATUS_OK;

    plan->own = zone_new(inside->apex);
    if (list == NULL || plan->own == NULL)
        status = STATUS_NO_MEMORY;
    for (size_t i = 0; i < inside->file_count && status == STATUS_OK; i++) {
        uint16_t file;
        status = zone_add_file(plan->own, inside->files[i], &file);
    }
    size_t count = status == STATUS_OK ? gather(plan, list) : 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const struct zone_record *record = list[i].record;
        struct rdata rdata = zone_rdata(inside, record);
        status = zone_add(plan->own, zone_owner(inside, record), record->type, record->ttl, rdata.bytes, rdata.size,
                          record->origin);
    }
    memory_free(list);
    return status == STATUS_OK ? zone_freeze(plan->own, diag) : status;
}

/* The proof for this zone alone. */

static enum status build_flat(const struct adopt_plan *plan, struct diag *diag, struct zone **flat)
{
    struct overlay_hide *hides = memory_zalloc(plan->hide_count + 1, sizeof *hides);
    struct overlay_input input = {.apex = plan->inside->apex,
                                  .view = 1,
                                  .mode = ZONE_MODE_OVERLAY,
                                  .base = plan->outside,
                                  .own = plan->own->count > 0 ? plan->own : NULL,
                                  .hides = hides,
                                  .hide_count = plan->hide_count};

    *flat = NULL;
    if (hides == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < plan->hide_count; i++)
        hides[i] = (struct overlay_hide){.name = plan->hides[i].name, .below = plan->hides[i].below};
    enum status status = overlay_build(&input, diag, flat);
    memory_free(hides);
    return status;
}

static enum status compare_zones(struct adopt_plan *plan, const struct zone *flat, struct diag *diag)
{
    struct adopt_questions questions;
    struct adopt_difference difference;
    struct adopt_view before = {0};
    struct adopt_view after = {0};
    char type[RRTYPE_TEXT_MAX];
    char name[NAME_TEXT_MAX];

    adopt_questions_init(&questions);
    enum status status = adopt_questions_add(&questions, plan->inside);
    if (status == STATUS_OK)
        status = adopt_questions_add(&questions, plan->outside);
    if (status == STATUS_OK)
        status = adopt_view_init(&before, &plan->inside, 1, diag);
    if (status == STATUS_OK)
        status = adopt_view_init(&after, &flat, 1, diag);
    if (status == STATUS_OK)
        status = adopt_compare(&questions, &before.catalog, &after.catalog, &difference, &plan->asked);
    if (status == STATUS_OK && difference.found) {
        rrtype_to_text(difference.type, type);
        name_to_text(difference.name, name);
        stay_full(plan, "an overlay would answer %.255s %s otherwise: %s instead of %s", name, type, difference.after,
                  difference.before);
    }
    adopt_view_clear(&before);
    adopt_view_clear(&after);
    adopt_questions_clear(&questions);
    return status;
}

/* What an overlay cannot build or answers otherwise stays whole. */
static enum status prove(struct adopt_plan *plan, struct diag *diag)
{
    struct zone *flat = NULL;
    struct diag unused;

    diag_init(&unused);
    enum status status = build_flat(plan, &unused, &flat);
    if (status == STATUS_BAD_INPUT) {
        stay_full(plan, "an overlay cannot say it: %s", unused.count > 0 ? unused.messages[0].text : "bad input");
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = compare_zones(plan, flat, diag);
    }
    zone_free(flat);
    diag_clear(&unused);
    return status;
}

static uint32_t serial_of(const struct zone *zone)
{
    struct zone_rrset soa;

    if (!zone_find(zone, zone->apex, RRTYPE_SOA, &soa))
        return 0;
    struct rdata rdata = zone_rdata(zone, &zone->records[soa.first]);
    uint16_t offset = soa_serial_offset(&rdata);
    return offset == 0 ? 0 : read_u32(rdata.bytes + offset);
}

static enum status make_plan(struct adopt_plan *plan, struct diag *diag)
{
    enum status status = judge_names(plan);

    if (status == STATUS_OK)
        status = plan_names(plan);
    if (status == STATUS_OK)
        weigh(plan);
    if (status == STATUS_OK)
        status = build_own(plan, diag);
    if (status == STATUS_OK && !plan->is_full)
        status = prove(plan, diag);
    if (status != STATUS_OK || !plan->is_full)
        return status;
    plan->hide_count = 0;
    for (size_t i = 0; i < plan->count; i++)
        plan->names[i].is_owned = plan->names[i].class != ADOPT_OUTSIDE;
    zone_free(plan->own);
    return build_own(plan, diag);
}

enum status adopt_plan_new(const struct zone *inside, const struct zone *outside, struct diag *diag,
                           struct adopt_plan **plan)
{
    assert(inside->frozen && outside->frozen && name_equal(inside->apex, outside->apex));
    *plan = memory_zalloc(1, sizeof **plan);
    if (*plan == NULL)
        return STATUS_NO_MEMORY;
    **plan = (struct adopt_plan){
        .inside = inside, .outside = outside, .inside_serial = serial_of(inside), .outside_serial = serial_of(outside)};
    enum status status = make_plan(*plan, diag);
    if (status == STATUS_OK)
        return STATUS_OK;
    adopt_plan_free(*plan);
    *plan = NULL;
    return status;
}

void adopt_plan_free(struct adopt_plan *plan)
{
    if (plan == NULL)
        return;
    own_names_clear(&plan->both);
    memory_free(plan->names);
    memory_free(plan->hides);
    zone_free(plan->own);
    memory_free(plan);
}

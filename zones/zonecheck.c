/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zonecheck.h"

#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* What the first walk finds out about each record. */
enum record_flag {
    BELOW_CUT = 1 << 0,
    BELOW_DNAME = 1 << 1,
    GLUE = 1 << 2 /* an address that a name server of a delegation needs */
};

struct check {
    const struct zone *zone;
    const char *file;
    struct diag *diag;
    uint8_t *flags; /* one for each record */
    uint32_t *ends; /* for the first record of each owner: the first of the next */
    bool failed;
};

/* All records of one owner: [first, end). */
struct owner {
    size_t first;
    size_t end;
};

static const struct zone_record *record_at(const struct check *check, size_t index)
{
    return &check->zone->records[index];
}

static const char *owner_text(const struct check *check, size_t index, char text[NAME_TEXT_MAX])
{
    name_to_text(zone_owner(check->zone, record_at(check, index)), text);
    return text;
}

static struct place place_at(const struct check *check, size_t index)
{
    return zone_place(check->zone, record_at(check, index));
}

static bool same_key(const struct check *check, const struct zone_record *a, const struct zone_record *b)
{
    return a->key_size == b->key_size && memcmp(zone_key(check->zone, a), zone_key(check->zone, b), a->key_size) == 0;
}

/* `record` stands at or below the owner of `above`. */
static bool is_at_or_below(const struct check *check, const struct zone_record *record, const struct zone_record *above)
{
    return record->key_size >= above->key_size &&
           memcmp(zone_key(check->zone, record), zone_key(check->zone, above), above->key_size) == 0;
}

/* Fill check->ends, once. */
static void find_ends(struct check *check)
{
    size_t first = 0;
    for (size_t i = 1; i <= check->zone->count; i++) {
        if (i == check->zone->count || !same_key(check, record_at(check, i), record_at(check, first))) {
            check->ends[first] = (uint32_t)i;
            first = i;
        }
    }
}

static bool next_owner(const struct check *check, size_t *next, struct owner *owner)
{
    if (*next >= check->zone->count) {
        return false;
    }
    owner->first = *next;
    owner->end = *next = check->ends[owner->first];
    return true;
}

/* The first record at the owner whose type is not below `type`, or owner->end. */
static size_t type_bound(const struct check *check, const struct owner *owner, uint32_t type)
{
    size_t low = owner->first;
    size_t high = owner->end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (record_at(check, middle)->type < type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The first record of a type at an owner, or owner->end. */
static size_t find_type(const struct check *check, const struct owner *owner, uint16_t type)
{
    size_t i = type_bound(check, owner, type);
    return i < owner->end && record_at(check, i)->type == type ? i : owner->end;
}

static bool has_type(const struct check *check, const struct owner *owner, uint16_t type)
{
    return find_type(check, owner, type) != owner->end;
}

static size_t count_type(const struct check *check, const struct owner *owner, uint16_t type)
{
    return type_bound(check, owner, type + 1u) - type_bound(check, owner, type);
}

/* Most owners have none of the types that this is about. */
static bool is_ordinary(const struct check *check, const struct owner *owner)
{
    for (size_t i = owner->first; i < owner->end; i++) {
        uint16_t type = record_at(check, i)->type;
        if (type == RRTYPE_NS || type == RRTYPE_CNAME || type == RRTYPE_SOA || type == RRTYPE_DNAME) {
            return false;
        }
    }
    return true;
}

static bool is_apex(const struct check *check, const struct owner *owner)
{
    return name_equal(zone_owner(check->zone, record_at(check, owner->first)), check->zone->apex);
}

/* The first record whose key is not below `key`; zone->count: none. */
static size_t lower_bound(const struct check *check, const uint8_t *key, size_t key_size)
{
    size_t low = 0;
    size_t high = check->zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct zone_record *record = record_at(check, middle);
        size_t common = record->key_size < key_size ? record->key_size : key_size;
        int order = memcmp(zone_key(check->zone, record), key, common);
        if (order < 0 || (order == 0 && record->key_size < key_size)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What the zone has at a name. */
enum presence { PRESENCE_NONE, PRESENCE_EMPTY, PRESENCE_OWNER };

static enum presence find_name(const struct check *check, const uint8_t *name, struct owner *owner)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    size_t first = lower_bound(check, key, key_size);
    *owner = (struct owner){first, first};
    if (first == check->zone->count || record_at(check, first)->key_size < key_size ||
        memcmp(zone_key(check->zone, record_at(check, first)), key, key_size) != 0) {
        return PRESENCE_NONE;
    }
    if (record_at(check, first)->key_size > key_size) {
        return PRESENCE_EMPTY;
    }
    size_t next = first;
    next_owner(check, &next, owner);
    return PRESENCE_OWNER;
}

static void error_two(struct check *check, size_t index, size_t other, const char *found, const char *wanted)
{
    char name[NAME_TEXT_MAX];
    struct place place = place_at(check, index);
    struct place first = place_at(check, other);
    check->failed = true;
    diag_add(check->diag, SEVERITY_ERROR, &place, "found %s at %s (beside %s:%" PRIu32 "), wanted %s", found,
             owner_text(check, index, name), first.file == NULL ? "?" : first.file, first.line, wanted);
}

/* A type that may stand beside a CNAME: RFC 4034 2.5 and 4, RFC 3007 2.1, and their forerunners. */
static bool may_stand_beside_cname(uint16_t type)
{
    return type == RRTYPE_CNAME || type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_KEY ||
           type == RRTYPE_NXT || type == RRTYPE_SIG;
}

static void check_alone(struct check *check, const struct owner *owner)
{
    size_t cname = find_type(check, owner, RRTYPE_CNAME);
    for (size_t i = owner->first; cname != owner->end && i < owner->end; i++) {
        const struct zone_record *record = record_at(check, i);
        bool first = i == owner->first || record_at(check, i - 1)->type != record->type;
        if (first && !may_stand_beside_cname(record->type)) {
            char found[RRTYPE_TEXT_MAX];
            rrtype_to_text(record->type, found);
            error_two(check, i, cname, found, "no other data beside the CNAME");
        }
    }
    if (count_type(check, owner, RRTYPE_CNAME) > 1) {
        error_two(check, cname + 1, cname, "a second CNAME", "one");
    }
    size_t dname = find_type(check, owner, RRTYPE_DNAME);
    if (count_type(check, owner, RRTYPE_DNAME) > 1) {
        error_two(check, dname + 1, dname, "a second DNAME", "one");
    }
}

static void check_soa(struct check *check, const struct owner *owner)
{
    size_t soa = find_type(check, owner, RRTYPE_SOA);
    if (soa == owner->end) {
        return;
    }
    if (!is_apex(check, owner)) {
        char name[NAME_TEXT_MAX];
        char apex[NAME_TEXT_MAX];
        struct place place = place_at(check, soa);
        check->failed = true;
        name_to_text(check->zone->apex, apex);
        diag_add(check->diag, SEVERITY_ERROR, &place, "found a SOA at %s, wanted it only at %s",
                 owner_text(check, soa, name), apex);
    } else if (count_type(check, owner, RRTYPE_SOA) > 1) {
        error_two(check, soa + 1, soa, "a second SOA", "one");
    }
}

static void error_apex(struct check *check, const char *found, const char *wanted)
{
    char apex[NAME_TEXT_MAX];
    struct place place = {.file = check->file};
    name_to_text(check->zone->apex, apex);
    check->failed = true;
    diag_add(check->diag, SEVERITY_ERROR, &place, "found %s at %s, wanted %s", found, apex, wanted);
}

static void check_apex(struct check *check)
{
    struct owner apex;
    if (check->zone->count == 0) {
        error_apex(check, "no records", "a SOA and at least one NS");
        return;
    }
    bool owner = find_name(check, check->zone->apex, &apex) == PRESENCE_OWNER;
    if (!owner || !has_type(check, &apex, RRTYPE_SOA)) {
        error_apex(check, "no SOA", "one");
    }
    /* A pinpoint zone's SOA and NS serve negative answers only: it can do without name servers. */
    if (!check->zone->pinpoint && (!owner || !has_type(check, &apex, RRTYPE_NS))) {
        error_apex(check, "no NS", "at least one");
    }
}

/* Set the flags of what lies below delegations and DNAMEs: names below one follow it in canonical order. */
static void flag_below(struct check *check)
{
    const struct zone_record *cut = NULL; /* the highest at hand */
    const struct zone_record *dname = NULL;
    struct owner owner;
    for (size_t next = 0; next_owner(check, &next, &owner);) {
        const struct zone_record *record = record_at(check, owner.first);
        cut = cut != NULL && is_at_or_below(check, record, cut) ? cut : NULL;
        dname = dname != NULL && is_at_or_below(check, record, dname) ? dname : NULL;
        uint8_t flags = (uint8_t)((cut != NULL ? BELOW_CUT : 0) | (dname != NULL ? BELOW_DNAME : 0));
        memset(check->flags + owner.first, flags, owner.end - owner.first);
        if (is_ordinary(check, &owner)) {
            continue;
        }
        if (cut == NULL && !is_apex(check, &owner) && has_type(check, &owner, RRTYPE_NS)) {
            cut = record;
        }
        if (dname == NULL && has_type(check, &owner, RRTYPE_DNAME)) {
            dname = record;
        }
    }
}

static void warn_target(struct check *check, size_t index, const uint8_t *target, const char *what)
{
    char type[RRTYPE_TEXT_MAX];
    char owner[NAME_TEXT_MAX];
    char text[NAME_TEXT_MAX];
    struct place place = place_at(check, index);
    rrtype_to_text(record_at(check, index)->type, type);
    name_to_text(target, text);
    diag_add(check->diag, SEVERITY_WARNING, &place, "found %s at %s that names %s, %s", type,
             owner_text(check, index, owner), text, what);
}

/* A delegation or DNAME stands above an empty non-terminal. */
static bool is_covered_above(const struct check *check, const uint8_t *name)
{
    uint8_t key[NAME_KEY_MAX];
    size_t key_size = name_to_key(name, key);
    return (check->flags[lower_bound(check, key, key_size)] & (BELOW_CUT | BELOW_DNAME)) != 0;
}

/* A name without records in the zone may still be answered: by a wildcard, a delegation or a DNAME above it. */
static bool is_covered(const struct check *check, const uint8_t *name)
{
    unsigned apex_labels = name_label_count(check->zone->apex);
    for (unsigned labels = name_label_count(name); labels > apex_labels; labels--) {
        const uint8_t *above = name_ancestor(name, labels - 1);
        uint8_t wildcard[NAME_SIZE_MAX + 2] = {1, '*'};
        struct owner owner;
        enum presence presence = find_name(check, above, &owner);
        if (presence == PRESENCE_NONE) {
            continue; /* go up to the closest encloser, RFC 4592 3.3.1 */
        }
        bool owned = presence == PRESENCE_OWNER;
        if (owned && (check->flags[owner.first] & (BELOW_CUT | BELOW_DNAME)) != 0) {
            return true;
        }
        if (owned && (has_type(check, &owner, RRTYPE_DNAME) ||
                      (!is_apex(check, &owner) && has_type(check, &owner, RRTYPE_NS)))) {
            return true;
        }
        memcpy(wildcard + 2, above, name_size(above));
        return (name_size(above) + 2 <= NAME_SIZE_MAX && find_name(check, wildcard, &owner) == PRESENCE_OWNER) ||
               (!owned && is_covered_above(check, above));
    }
    return false;
}

static bool wants_address(uint16_t type)
{
    return type == RRTYPE_NS || type == RRTYPE_MX || type == RRTYPE_SRV;
}

static bool is_checked(uint16_t type)
{
    return wants_address(type) || type == RRTYPE_CNAME || type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

/* Remember the addresses that a delegation's name server needs. */
static void mark_glue(struct check *check, const struct owner *owner)
{
    static const uint16_t types[] = {RRTYPE_A, RRTYPE_AAAA};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        size_t first = type_bound(check, owner, types[t]);
        size_t end = type_bound(check, owner, types[t] + 1u);
        for (size_t i = first; i < end && (check->flags[i] & GLUE) == 0; i++) {
            check->flags[i] |= GLUE;
        }
    }
}

static void check_server(struct check *check, size_t index, const uint8_t *target, const struct owner *server)
{
    const uint8_t *owner = zone_owner(check->zone, record_at(check, index));
    if (has_type(check, server, RRTYPE_A) || has_type(check, server, RRTYPE_AAAA)) {
        mark_glue(check, server);
    } else if (name_is_at_or_below(target, owner) || check->flags[server->first] == 0) {
        warn_target(check, index, target, "which has no address in the zone");
    }
}

/* Look at the name in one record that is served. */
static void check_target(struct check *check, size_t index)
{
    const struct zone_record *record = record_at(check, index);
    struct rdata rdata = zone_rdata(check->zone, record);
    const uint8_t *target = rdata_target(record->type, &rdata);
    struct owner owner;
    if (target == NULL || target[0] == 0 || !name_is_at_or_below(target, check->zone->apex)) {
        return;
    }
    enum presence presence = find_name(check, target, &owner);
    const uint8_t *above = zone_owner(check->zone, record);
    bool needs_glue =
        record->type == RRTYPE_NS && name_is_at_or_below(target, above) && !name_equal(above, check->zone->apex);
    if (presence == PRESENCE_OWNER && wants_address(record->type) && has_type(check, &owner, RRTYPE_CNAME)) {
        warn_target(check, index, target, "which is an alias (RFC 2181 10.3, 2782)");
    } else if (presence == PRESENCE_OWNER && record->type == RRTYPE_NS) {
        check_server(check, index, target, &owner);
    } else if (presence != PRESENCE_OWNER && needs_glue) {
        warn_target(check, index, target, "which has no address in the zone");
    } else if (presence == PRESENCE_NONE && !is_covered(check, target)) {
        warn_target(check, index, target, "which does not exist in the zone");
    }
}

static void warn_unserved(struct check *check, size_t index)
{
    char type[RRTYPE_TEXT_MAX];
    char name[NAME_TEXT_MAX];
    struct place place = place_at(check, index);
    uint8_t flags = check->flags[index];
    rrtype_to_text(record_at(check, index)->type, type);
    diag_add(check->diag, SEVERITY_WARNING, &place, "found %s at %s, which is below a %s and is never answered", type,
             owner_text(check, index, name), (flags & BELOW_DNAME) != 0 ? "DNAME" : "delegation and is no glue");
}

static void check_records(struct check *check)
{
    for (size_t i = 0; i < check->zone->count; i++) {
        uint16_t type = record_at(check, i)->type;
        if (is_checked(type) && (check->flags[i] & (BELOW_CUT | BELOW_DNAME)) == 0) {
            check_target(check, i);
        }
    }
    for (size_t i = 0; i < check->zone->count; i++) {
        uint8_t flags = check->flags[i];
        bool below_cut = (flags & BELOW_CUT) != 0 && (flags & GLUE) == 0;
        if (!below_cut && (flags & BELOW_DNAME) == 0) {
            continue;
        }
        bool first = i == 0 || record_at(check, i - 1)->type != record_at(check, i)->type ||
                     !same_key(check, record_at(check, i - 1), record_at(check, i));
        if (first) {
            warn_unserved(check, i);
        }
    }
}

/* Answers carry no signatures, and the served serial breaks the SOA's: a validating resolver would refuse the zone. */
static void check_signed(struct check *check)
{
    for (size_t i = 0; i < check->zone->count; i++) {
        if (record_at(check, i)->type != RRTYPE_RRSIG)
            continue;
        struct place place = place_at(check, i);
        diag_add(
            check->diag, SEVERITY_WARNING, &place,
            "found RRSIG, wanted an unsigned zone: signatures are not sent with answers, so with a DS in the parent "
            "zone validating resolvers refuse them");
        return;
    }
}

enum status zonecheck_run(const struct zone *zone, const char *file, struct diag *diag)
{
    struct check check = {.zone = zone, .file = file, .diag = diag};
    struct owner owner;
    assert(zone->frozen);
    check.flags = memory_zalloc(zone->count + 1, sizeof *check.flags);
    check.ends = memory_zalloc(zone->count + 1, sizeof *check.ends);
    if (check.flags == NULL || check.ends == NULL) {
        memory_free(check.flags);
        memory_free(check.ends);
        return STATUS_NO_MEMORY;
    }
    find_ends(&check);
    check_apex(&check);
    for (size_t next = 0; next_owner(&check, &next, &owner);) {
        if (is_ordinary(&check, &owner)) {
            continue;
        }
        check_soa(&check, &owner);
        check_alone(&check, &owner);
    }
    check_signed(&check);
    flag_below(&check);
    check_records(&check);
    memory_free(check.flags);
    memory_free(check.ends);
    return check.failed ? STATUS_BAD_INPUT : STATUS_OK;
}

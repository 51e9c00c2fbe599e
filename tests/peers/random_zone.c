/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/random_zone.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LONG_LABEL "lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"

void random_init(struct random_source *random, uint64_t seed)
{
    random->state = seed * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x2545f4914f6cdd1d);
}

/* xorshift64* */
unsigned random_below(struct random_source *random, unsigned limit)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return (unsigned)((random->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

bool random_percent(struct random_source *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}

const char *random_label(struct random_source *random)
{
    static const char *const labels[] = {"a",    "b",    "c",  "d",     "e",        "www",   "mail",   "ns",
                                         "_tcp", "_sip", "*",  "*",     "*",        "a\\.b", "\\000x", "\\255",
                                         "x-y",  "ent",  "**", "\\032", LONG_LABEL, "_443",  "host",   "sub"};
    return labels[random_below(random, sizeof labels / sizeof labels[0])];
}

static bool is_name(const char *text)
{
    uint8_t wire[NAME_SIZE_MAX];
    size_t size;
    return name_from_text(text, strlen(text), NULL, wire, &size) == STATUS_OK;
}

void random_prefix(char result[NAME_TEXT_MAX], const char *label, const char *name)
{
    char text[2 * NAME_TEXT_MAX];
    snprintf(text, sizeof text, "%s.%s", label, strcmp(name, ".") == 0 ? "" : name);
    if (!is_name(text))
        snprintf(text, sizeof text, "%s", name);
    memmove(result, text, strlen(text) + 1);
}

/* Text is enough: both are written alike. A label "a\.b" looks as if it lay below "b", which forbids too much only. */
static bool is_below(const char *name, const char *ancestor)
{
    size_t size = strlen(name);
    size_t tail = strlen(ancestor);
    return size > tail && name[size - tail - 1] == '.' && strcmp(name + size - tail, ancestor) == 0;
}

static bool has(const struct random_zone *zone, const char *owner, const char *type)
{
    for (size_t i = 0; i < zone->record_count; i++)
        if (strcmp(zone->records[i].owner, owner) == 0 && (type == NULL || strcmp(zone->records[i].type, type) == 0))
            return true;
    return false;
}

/* NSD keeps all zones in one tree of names: what lies below a DNAME may not even stand in another zone. */
static bool any_below(const struct random_world *world, const char *owner)
{
    for (size_t i = 0; i < world->zone_count; i++) {
        const struct random_zone *zone = &world->zones[i];
        if (is_below(zone->apex, owner))
            return true;
        for (size_t k = 0; k < zone->record_count; k++)
            if (is_below(zone->records[k].owner, owner))
                return true;
    }
    return false;
}

static bool is_below_dname(const struct random_world *world, const char *owner)
{
    for (size_t i = 0; i < world->zone_count; i++) {
        const struct random_zone *zone = &world->zones[i];
        for (size_t k = 0; k < zone->record_count; k++)
            if (strcmp(zone->records[k].type, "DNAME") == 0 && is_below(owner, zone->records[k].owner))
                return true;
    }
    return false;
}

/* The highest apex of another zone between `zone` and the owner; NULL: there is none. */
static const char *find_child_apex(const struct random_world *world, const struct random_zone *zone, const char *owner)
{
    const char *highest = NULL;
    for (size_t i = 0; i < world->zone_count; i++) {
        const char *apex = world->zones[i].apex;
        bool is_between = is_below(apex, zone->apex) && (strcmp(owner, apex) == 0 || is_below(owner, apex));
        if (is_between && (highest == NULL || strlen(apex) < strlen(highest)))
            highest = apex;
    }
    return highest;
}

/* splitview refuses data that a deeper zone of the view hides; the delegation and its glue may stand. */
static bool is_hidden_by_child(const struct random_world *world, const struct random_zone *zone, const char *owner,
                               const char *type)
{
    const char *apex = find_child_apex(world, zone, owner);
    if (apex == NULL)
        return false;
    if (strcmp(owner, apex) == 0)
        return strcmp(type, "NS") != 0 && strcmp(type, "DS") != 0;
    return (strcmp(type, "A") != 0 && strcmp(type, "AAAA") != 0) || !has(zone, apex, "NS");
}

static bool is_allowed(const struct random_world *world, const struct random_zone *zone, const char *owner,
                       const char *type)
{
    bool is_apex = strcmp(owner, zone->apex) == 0;
    if (has(zone, owner, "CNAME") || is_below_dname(world, owner) || is_hidden_by_child(world, zone, owner, type))
        return false;
    if (strcmp(type, "CNAME") == 0)
        return !has(zone, owner, NULL);
    if (strcmp(type, "DNAME") == 0)
        return !has(zone, owner, "DNAME") && (is_apex || !has(zone, owner, "NS")) && !any_below(world, owner) &&
               strchr(owner, '*') == NULL;
    if (strcmp(type, "NS") == 0)
        return is_apex || (!has(zone, owner, "DNAME") && strchr(owner, '*') == NULL);
    if (strcmp(type, "DS") == 0)
        return !is_apex && has(zone, owner, "NS");
    return true;
}

static void add(struct random_world *world, struct random_zone *zone, const char *owner, const char *type,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

static void add(struct random_world *world, struct random_zone *zone, const char *owner, const char *type,
                const char *format, ...)
{
    static const unsigned ttls[] = {0, 1, 60, 300, 3600, 86400};
    if (zone->record_count == RANDOM_RECORDS_MAX || !is_allowed(world, zone, owner, type))
        return;
    struct random_record *record = &zone->records[zone->record_count];
    va_list list;
    va_start(list, format);
    vsnprintf(record->rdata, sizeof record->rdata, format, list);
    va_end(list);
    snprintf(record->owner, sizeof record->owner, "%s", owner);
    record->type = type;
    record->ttl = ttls[random_below(&world->random, sizeof ttls / sizeof ttls[0])];
    for (size_t i = 0; i < zone->record_count; i++) {
        const struct random_record *other = &zone->records[i];
        if (strcmp(other->owner, owner) != 0 || strcmp(other->type, type) != 0)
            continue;
        record->ttl = other->ttl;
        if (strcmp(other->rdata, record->rdata) == 0)
            return;
    }
    zone->record_count++;
}

void random_target(struct random_world *world, char target[NAME_TEXT_MAX])
{
    struct random_source *random = &world->random;
    const struct random_zone *zone = &world->zones[random_below(random, (unsigned)world->zone_count)];
    const char *name = zone->names[random_below(random, (unsigned)zone->name_count)];
    snprintf(target, NAME_TEXT_MAX, "%s", name);
    unsigned what = random_below(random, 100);
    if (what < 15)
        random_prefix(target, random_label(random), name);
    else if (what < 22)
        random_prefix(target, random_label(random), "foreign.invalid.");
    else if (what < 25)
        snprintf(target, NAME_TEXT_MAX, "%s", zone->apex);
}

static void add_addresses(struct random_world *world, struct random_zone *zone, const char *owner)
{
    struct random_source *random = &world->random;
    for (unsigned i = random_below(random, 3) + 1; i > 0; i--)
        add(world, zone, owner, "A", "192.0.2.%u", random_below(random, 250) + 1);
    if (random_percent(random, 60))
        add(world, zone, owner, "AAAA", "2001:db8::%x", random_below(random, 60000) + 1);
}

/* A cut, with name servers inside, beside and elsewhere; glue is there more often than not. */
static void add_delegation(struct random_world *world, struct random_zone *zone, const char *cut)
{
    struct random_source *random = &world->random;
    char server[NAME_TEXT_MAX];
    if (strcmp(cut, zone->apex) == 0 || has(zone, cut, "NS") || !is_allowed(world, zone, cut, "NS"))
        return;
    for (unsigned i = random_below(random, 3) + 1; i > 0; i--) {
        random_target(world, server);
        bool inside = random_percent(random, 50);
        if (inside)
            random_prefix(server, random_percent(random, 50) ? "ns" : "ns2", cut);
        if (random_percent(random, 8))
            snprintf(server, sizeof server, "%s", cut);
        add(world, zone, cut, "NS", "%s", server);
        if (is_below(server, zone->apex) && random_percent(random, 80) && strchr(server, '*') == NULL)
            add_addresses(world, zone, server);
    }
    if (random_percent(random, 40))
        add(world, zone, cut, "DS", "%u 13 2 %064x", random_below(random, 65536), random_below(random, 65536));
    if (random_percent(random, 30)) {
        random_prefix(server, random_label(random), cut);
        add(world, zone, server, "TXT", "\"occluded\"");
    }
}

static void add_service(struct random_world *world, struct random_zone *zone, const char *owner, const char *type,
                        const char *target)
{
    struct random_source *random = &world->random;
    if (random_percent(random, 30))
        add(world, zone, owner, type, "0 %s", target);
    else if (random_percent(random, 50))
        add(world, zone, owner, type, "%u %s alpn=\"h2\" port=8443 ipv4hint=192.0.2.9", random_below(random, 9) + 1,
            target);
    else
        add(world, zone, owner, type, "%u . alpn=\"h3,h2\"", random_below(random, 9) + 1);
}

static void add_text(struct random_world *world, struct random_zone *zone, const char *owner)
{
    struct random_source *random = &world->random;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (unsigned i = random_below(random, 4) == 0 ? random_below(random, 9) + 1 : 1; i > 0; i--) {
        char text[201];
        unsigned size = random_percent(random, 30) ? 200 : random_below(random, 20);
        for (unsigned k = 0; k < size; k++)
            text[k] = letters[random_below(random, sizeof letters - 1)];
        text[size] = '\0';
        add(world, zone, owner, "TXT", "\"%s\"", text);
    }
}

static void add_something(struct random_world *world, struct random_zone *zone, const char *owner)
{
    struct random_source *random = &world->random;
    char target[NAME_TEXT_MAX];
    random_target(world, target);
    unsigned what = random_below(random, 100);
    if (what < 22)
        add_addresses(world, zone, owner);
    else if (what < 45)
        add(world, zone, owner, "CNAME", "%s", target);
    else if (what < 53)
        add(world, zone, owner, "DNAME", "%s", target);
    else if (what < 63)
        add_delegation(world, zone, owner);
    else if (what < 70)
        add(world, zone, owner, "MX", "%u %s", random_below(random, 50), target);
    else if (what < 76)
        add(world, zone, owner, "SRV", "%u 5 5061 %s", random_below(random, 50), target);
    else if (what < 82)
        add_service(world, zone, owner, "HTTPS", target);
    else if (what < 86)
        add_service(world, zone, owner, "SVCB", target);
    else if (what < 94)
        add_text(world, zone, owner);
    else
        add(world, zone, owner, "TYPE65400", "\\# 4 0102%04x", random_below(random, 65536));
}

static void make_names(struct random_world *world, struct random_zone *zone)
{
    struct random_source *random = &world->random;
    snprintf(zone->names[zone->name_count++], NAME_TEXT_MAX, "%s", zone->apex);
    for (size_t wanted = 20 + random_below(random, 30); zone->name_count < wanted; zone->name_count++) {
        const char *below = zone->apex;
        if (random_percent(random, 50))
            below = zone->names[random_below(random, (unsigned)zone->name_count)];
        random_prefix(zone->names[zone->name_count], random_label(random), below);
        /* A name that came out of nowhere: what lies between is an empty non-terminal. */
        if (random_percent(random, 15))
            random_prefix(zone->names[zone->name_count], random_label(random), zone->names[zone->name_count]);
    }
}

static void fill_zone(struct random_world *world, struct random_zone *zone)
{
    struct random_source *random = &world->random;
    char server[NAME_TEXT_MAX];
    add(world, zone, zone->apex, "SOA", "ns.%s hostmaster.%s 2026112001 7200 900 1209600 %u", zone->apex, zone->apex,
        random_below(random, 4000));
    /* A peer refuses a zone whose own name server it ought to hold and does not. */
    bool redirected = random_percent(random, 20);
    random_prefix(server, "ns", redirected ? "isp.invalid." : zone->apex);
    add(world, zone, zone->apex, "NS", "%s", server);
    if (!redirected)
        add_addresses(world, zone, server);
    random_target(world, server);
    if (random_percent(random, 60) && !is_below(server, zone->apex) && strcmp(server, zone->apex) != 0)
        add(world, zone, zone->apex, "NS", "%s", server);
    if (redirected) {
        random_target(world, server);
        add(world, zone, zone->apex, "DNAME", "%s", server);
    }
    /* Zones served below this one are delegated here, well or badly. */
    for (size_t i = 0; i < world->zone_count; i++)
        if (is_below(world->zones[i].apex, zone->apex) && random_percent(random, 85))
            add_delegation(world, zone, world->zones[i].apex);
    for (size_t i = 0; i < zone->name_count * 2; i++)
        add_something(world, zone, zone->names[random_below(random, (unsigned)zone->name_count)]);
}

void random_world_make(struct random_world *world, uint64_t seed)
{
    static const char *const apexes[] = {"alpha.test.", "child.alpha.test.",  "deep.ent.alpha.test.",
                                         "beta.test.",  "x\\000y.beta.test.", "gamma.test.",
                                         "test."};
    memset(world, 0, sizeof *world);
    random_init(&world->random, seed);
    for (unsigned i = 0; i < 100; i++)
        random_below(&world->random, 2);
    for (size_t i = 0; i < sizeof apexes / sizeof apexes[0]; i++)
        if (i == 0 || random_percent(&world->random, 70))
            snprintf(world->zones[world->zone_count++].apex, NAME_TEXT_MAX, "%s", apexes[i]);
    for (size_t i = 0; i < world->zone_count; i++)
        make_names(world, &world->zones[i]);
    for (size_t i = 0; i < world->zone_count; i++)
        fill_zone(world, &world->zones[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random views with bases, modes, hides, wildcards, empty non-terminals, delegations and DNAMEs: overlay_build,
 * compile_zone and zone_lookup against the slow model. The seed is printed; OVERLAY_SEED sets it, OVERLAY_WORLDS how
 * many worlds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/overlay_model.h"
#include "tests/overlay_world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define QUESTIONS_WANTED 10000

static const char *const apexes[MODEL_ZONES_MAX] = {"z.", "a.z.", "b.a.z."};
static const char *const labels[] = {"a", "b", "*"};
static const uint16_t asked[] = {RRTYPE_A,     RRTYPE_AAAA, RRTYPE_TXT, RRTYPE_NS,
                                 RRTYPE_CNAME, RRTYPE_SOA,  RRTYPE_DS,  RRTYPE_HTTPS};

struct generator {
    uint64_t state;
    uint32_t number;
};

static unsigned below(struct generator *generator, unsigned limit)
{
    generator->state = generator->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(generator->state >> 33) % limit;
}

static bool chance(struct generator *generator, unsigned percent)
{
    return below(generator, 100) < percent;
}

static void add_names(struct model *model, const char *above, unsigned depth)
{
    snprintf(model->names[model->name_count++], MODEL_NAME_MAX, "%s", above);
    for (size_t i = 0; depth > 0 && i < sizeof labels / sizeof labels[0]; i++) {
        char name[MODEL_NAME_MAX];
        snprintf(name, sizeof name, "%s.%.200s", labels[i], above);
        add_names(model, name, depth - 1);
    }
}

static bool is_below_text(const char *name, const char *above)
{
    size_t size = strlen(name);
    size_t tail = strlen(above);
    return size > tail && name[size - tail - 1] == '.' && strcmp(name + size - tail, above) == 0;
}

static const char *pick_name(struct generator *generator, const struct model *model, const char *apex)
{
    for (;;) {
        const char *name = model->names[below(generator, (unsigned)model->name_count)];
        if (is_below_text(name, apex) || (strcmp(name, apex) == 0 && chance(generator, 30)))
            return name;
    }
}

static bool has_type(const struct model_zone *zone, const char *owner, uint16_t type)
{
    for (size_t i = 0; i < zone->count; i++)
        if (strcmp(zone->records[i].owner, owner) == 0 && (type == 0 || zone->records[i].type == type))
            return true;
    return false;
}

static void add_record(struct generator *generator, const struct model *model, struct model_zone *zone,
                       const char *apex, const char *owner, uint16_t type)
{
    struct model_record *record = &zone->records[zone->count];
    bool is_apex = strcmp(owner, apex) == 0;
    if (zone->count == MODEL_RECORDS_MAX / 2 || has_type(zone, owner, RRTYPE_CNAME) ||
        (type == RRTYPE_CNAME && (is_apex || has_type(zone, owner, 0))) ||
        ((type == RRTYPE_DNAME || type == RRTYPE_SOA) && has_type(zone, owner, type)))
        return;
    *record = (struct model_record){.type = type, .number = ++generator->number};
    record->ttl = 1000 + record->number;
    for (size_t i = 0; i < zone->count; i++)
        if (strcmp(zone->records[i].owner, owner) == 0 && zone->records[i].type == type)
            record->ttl = zone->records[i].ttl;
    snprintf(record->owner, sizeof record->owner, "%s", owner);
    const char *target = model->names[below(generator, (unsigned)model->name_count)];
    if (type == RRTYPE_NS || chance(generator, 10))
        snprintf(record->target, sizeof record->target, "t%u.foreign.", record->number);
    else
        snprintf(record->target, sizeof record->target, "%s", target);
    zone->count++;
}

static void fill_zone(struct generator *generator, const struct model *model, struct model_zone *zone, const char *apex,
                      bool whole)
{
    static const uint16_t types[] = {RRTYPE_A,  RRTYPE_A,  RRTYPE_TXT,   RRTYPE_AAAA,  RRTYPE_HTTPS,
                                     RRTYPE_NS, RRTYPE_DS, RRTYPE_CNAME, RRTYPE_DNAME, RRTYPE_A};
    zone->has_file = true;
    if (whole || chance(generator, 20))
        add_record(generator, model, zone, apex, apex, RRTYPE_SOA);
    if (whole || chance(generator, 20))
        add_record(generator, model, zone, apex, apex, RRTYPE_NS);
    for (unsigned i = below(generator, whole ? 14 : 7); i > 0; i--)
        add_record(generator, model, zone, apex, pick_name(generator, model, apex),
                   types[below(generator, sizeof types / sizeof types[0])]);
}

/* Often a name that the base has, or one above another hide: there the rules meet. */
static const char *pick_hide(struct generator *generator, const struct model *model, const struct model_view *view)
{
    unsigned what = below(generator, 100);
    if (what < 50 && view->base >= 0) {
        const struct model_zone *zone = &model->views[view->base].zones[0];
        if (zone->count > 0)
            return zone->records[below(generator, (unsigned)zone->count)].owner;
    }
    if (what < 70 && view->hide_count > 0) {
        const char *name = view->hides[below(generator, (unsigned)view->hide_count)].name;
        return strcmp(name, "z.") == 0 ? name : strchr(name, '.') + 1;
    }
    return pick_name(generator, model, "z.");
}

static void make_view(struct generator *generator, struct model *model)
{
    int number = (int)model->view_count++;
    struct model_view *view = &model->views[number];
    *view = (struct model_view){.base = number == 0 || chance(generator, 10) ? -1
                                                                             : (int)below(generator, (unsigned)number)};
    for (int z = 0; z < MODEL_ZONES_MAX; z++) {
        struct model_zone *zone = &view->zones[z];
        bool in_base = view->base >= 0 && model_serves(model, view->base, z);
        if (!chance(generator, z == 0 ? 90 : 20)) {
            if (chance(generator, 5))
                zone->mode = ZONE_MODE_NONE;
            continue;
        }
        unsigned what = below(generator, 100);
        if (what < 15)
            zone->mode = ZONE_MODE_FULL;
        else if (what < 35)
            zone->mode = ZONE_MODE_PINPOINT;
        bool whole = zone->mode == ZONE_MODE_FULL || (zone->mode == ZONE_MODE_DEFAULT && !in_base) || !in_base;
        fill_zone(generator, model, zone, apexes[z], whole);
    }
    for (unsigned i = view->base < 0 ? below(generator, 2) : below(generator, MODEL_HIDES_MAX + 1); i > 0; i--) {
        struct model_hide *hide = &view->hides[view->hide_count];
        hide->below = chance(generator, 40);
        snprintf(hide->name, sizeof hide->name, "%s", pick_hide(generator, model, view));
        bool is_apex = false;
        for (int z = 0; z < MODEL_ZONES_MAX; z++)
            is_apex = is_apex || strcmp(hide->name, apexes[z]) == 0;
        /* An apex cannot be hidden, and "*.X" always means all below X. */
        view->hide_count += hide->below || (!is_apex && hide->name[0] != '*');
    }
}

static void make_model(struct generator *generator, struct model *model)
{
    memset(model, 0, sizeof *model);
    memcpy(model->apexes, apexes, sizeof model->apexes);
    add_names(model, "z.", 3);
    unsigned views = 2 + below(generator, MODEL_VIEWS_MAX - 1);
    while (model->view_count < views)
        make_view(generator, model);
    model_start(model);
}

/* The same world for the real code. */

static void to_wire(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static struct zone *make_zone(const struct model_zone *from, const uint8_t *apex, struct diag *diag)
{
    struct zone *zone = zone_new(apex);
    assert_non_null(zone);
    for (size_t i = 0; i < from->count; i++) {
        uint8_t owner[NAME_SIZE_MAX];
        uint8_t rdata[1024];
        uint16_t size = model_rdata(&from->records[i], rdata);
        to_wire(from->records[i].owner, owner);
        assert_int_equal(zone_add(zone, owner, from->records[i].type, from->records[i].ttl, rdata, size,
                                  (struct origin){.file = ORIGIN_NONE, .line = (uint32_t)i + 1}),
                         STATUS_OK);
    }
    assert_int_equal(zone_freeze(zone, diag), STATUS_OK);
    return zone;
}

static void make_world(const struct model *model, struct world *world, struct diag *diag)
{
    world_init(world);
    for (size_t v = 0; v < model->view_count; v++) {
        const struct model_view *view = &model->views[v];
        char name[32];
        uint8_t wire[NAME_SIZE_MAX];
        snprintf(name, sizeof name, "v%zu", v);
        int number = world_add_view(world, name, view->base);
        for (int z = 0; z < MODEL_ZONES_MAX; z++) {
            if (!view->zones[z].has_file && view->zones[z].mode == ZONE_MODE_DEFAULT)
                continue;
            to_wire(apexes[z], wire);
            struct world_zone *zone = world_zone(world, number, wire);
            zone->has_mode = view->zones[z].mode != ZONE_MODE_DEFAULT;
            zone->mode = view->zones[z].mode;
            if (view->zones[z].has_file)
                zone->own = make_zone(&view->zones[z], wire, diag);
        }
        for (size_t h = 0; h < view->hide_count; h++) {
            to_wire(view->hides[h].name, wire);
            world_add_hide(world, number, wire, view->hides[h].below);
        }
    }
}

static void print_answer(const struct answer *answer, FILE *stream)
{
    static const char *const sections[] = {"answer", "authority"};
    fprintf(stream, "%d%s\n", (int)answer->outcome, answer->authoritative ? " aa" : "");
    for (unsigned i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        struct rdata rdata;
        char owner[NAME_TEXT_MAX];
        if (entry->section == SECTION_ADDITIONAL)
            break;
        name_to_text(entry->owner, owner);
        for (uint32_t position = 0; rrset_next_rdata(&entry->rrset, &position, &rdata);) {
            fprintf(stream, "%s %s %u %u ", sections[entry->section], owner, entry->rrset.ttl, entry->rrset.type);
            for (uint16_t k = 0; k < rdata.size; k++)
                fprintf(stream, "%02x", rdata.bytes[k]);
            fprintf(stream, "\n");
        }
    }
}

/* What a world is made of, for whoever looks into a difference. */
static void print_model(const struct model *model)
{
    for (size_t v = 0; v < model->view_count; v++) {
        const struct model_view *view = &model->views[v];
        print_message("view %zu base %d\n", v, view->base);
        for (size_t h = 0; h < view->hide_count; h++)
            print_message("  hide %s %s\n", view->hides[h].below ? "below" : "exactly", view->hides[h].name);
        for (int z = 0; z < MODEL_ZONES_MAX; z++) {
            const struct model_zone *zone = &view->zones[z];
            if (zone->has_file || zone->mode != ZONE_MODE_DEFAULT)
                print_message("  zone %s mode %d%s\n", apexes[z], (int)zone->mode, zone->has_file ? "" : ", no file");
            for (size_t i = 0; i < zone->count; i++)
                print_message("    %s %u type %u number %u %s\n", zone->records[i].owner, zone->records[i].ttl,
                              zone->records[i].type, zone->records[i].number, zone->records[i].target);
        }
    }
}

static bool compare(struct model *model, const struct world *world, int view, const char *name, uint16_t type)
{
    static struct answer answer;
    char *expected = NULL;
    char *actual = NULL;
    size_t size;
    uint8_t wire[NAME_SIZE_MAX];
    FILE *stream = open_memstream(&expected, &size);
    assert_non_null(stream);
    model_ask(model, view, name, type, stream);
    fclose(stream);
    to_wire(name, wire);
    world_ask(world, view, wire, type, &answer);
    stream = open_memstream(&actual, &size);
    assert_non_null(stream);
    print_answer(&answer, stream);
    fclose(stream);
    bool same = strcmp(expected, actual) == 0;
    if (!same)
        print_message("view %d, %s type %u\nthe model:\n%s\nthe program:\n%s\n", view, name, type, expected, actual);
    free(expected);
    free(actual);
    return same;
}

/* Every name there is, and one missing below each, in every view. */
static bool compare_all(struct model *model, const struct world *world, uint64_t *questions)
{
    for (int v = 0; v < (int)model->view_count; v++)
        for (size_t i = 0; i < 2 * model->name_count; i++) {
            char name[MODEL_NAME_MAX];
            snprintf(name, sizeof name, "%s%.200s", i % 2 == 0 ? "" : "q.", model->names[i / 2]);
            for (size_t t = 0; t < sizeof asked / sizeof asked[0]; t++, (*questions)++)
                if (!compare(model, world, v, name, asked[t])) {
                    print_model(model);
                    return false;
                }
        }
    return true;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void random_worlds_answer_as_the_model(void **state)
{
    (void)state;
    uint64_t seed = setting("OVERLAY_SEED", 20261120);
    uint64_t worlds = setting("OVERLAY_WORLDS", 60);
    uint64_t questions = 0;
    uint64_t refused = 0;
    struct model *model = malloc(sizeof *model);
    struct world *world = malloc(sizeof *world);
    assert_non_null(model);
    assert_non_null(world);
    for (uint64_t i = 0; i < worlds; i++) {
        struct generator generator = {.state = seed + i};
        struct diag diag;
        diag_init(&diag);
        make_model(&generator, model);
        make_world(model, world, &diag);
        bool bad = world_build(world, false, &diag) != STATUS_OK;
        bool same = bad == model_is_bad(model);
        if (!same)
            print_model(model);
        if (!same)
            diag_print(&diag, stderr);
        refused += bad;
        if (same && !bad)
            same = compare_all(model, world, &questions);
        world_clear(world);
        diag_clear(&diag);
        if (!same)
            fail_msg("seed %" PRIu64, seed + i);
    }
    print_message("seed %" PRIu64 ": %" PRIu64 " worlds, %" PRIu64 " of them refused, %" PRIu64 " questions\n", seed,
                  worlds, refused, questions);
    free(world);
    free(model);
    assert_true(questions >= QUESTIONS_WANTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_worlds_answer_as_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

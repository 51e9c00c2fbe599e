/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts against zone files. Each file tests/cases/facts-merge/NAME.case holds one or more of these, in order:
 *     == policy             policy.conf follows; everything below begins anew
 *     == view NAME          what is asked from here on
 *     == own APEX           the view's own file for a zone follows
 *     == base APEX          the zone that it inherits follows
 *     == zone APEX          another zone of the view
 *     == forward DOMAIN     a [forward] domain of the view
 *     == hide NAME          an exact hide of the view, said on line 99
 *     == misses-go-on
 *     == expect APEX        what the zone gets: "OWNER TTL TYPE RDATA", "hide OWNER", "drop OWNER",
 *                           "elsewhere OWNER TYPE", then messages
 *     == outside            the records in no zone of the view
 *     == note
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/autodiscover_merge.h"
#include "policy/policy.h"
#include "policy/topology.h"
#include "tests/casefile.h"
#include "tests/support.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_MAX 16
#define HIDE_LINE 99

struct world {
    struct policy *policy;
    struct topology *topology;
    struct autodiscover *facts;
    struct zone *own[WORLD_MAX];
    size_t own_count;
    struct zone *base[WORLD_MAX];
    size_t base_count;
    uint8_t names[WORLD_MAX][NAME_SIZE_MAX];
    struct autodiscover_border borders[WORLD_MAX];
    size_t border_count;
    uint8_t hidden_names[WORLD_MAX][NAME_SIZE_MAX];
    struct autodiscover_hidden hidden[WORLD_MAX];
    size_t hidden_count;
    bool misses_go_on;
    struct diag diag;
};

static void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->own_count; i++)
        zone_free(world->own[i]);
    for (size_t i = 0; i < world->base_count; i++)
        zone_free(world->base[i]);
    autodiscover_free(world->facts);
    topology_free(world->topology);
    policy_free(world->policy);
    diag_clear(&world->diag);
    *world = (struct world){0};
    diag_init(&world->diag);
}

static void read_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static void no_messages(const struct world *world)
{
    diag_print(&world->diag, stderr);
    assert_int_equal(world->diag.count, 0);
}

static void read_policy(struct world *world, const struct case_block *block)
{
    world_clear(world);
    assert_int_equal(policy_read("policy.conf", block->body, block->body_size, &world->diag, &world->policy),
                     STATUS_OK);
    assert_int_equal(topology_new(world->policy, &world->diag, &world->topology), STATUS_OK);
    no_messages(world);
}

static void choose_view(struct world *world, const char *name)
{
    uint32_t view = policy_find_view(world->policy, name);
    assert_int_not_equal(view, VIEW_NONE);
    autodiscover_free(world->facts);
    assert_int_equal(autodiscover_synthesise(world->topology, view, &world->diag, &world->facts), STATUS_OK);
    no_messages(world);
}

static void add_border(struct world *world, const char *text, bool is_forward)
{
    uint8_t *name = world->names[world->border_count];
    read_name(text, name);
    world->borders[world->border_count++] = (struct autodiscover_border){name, is_forward};
    assert_true(world->border_count < WORLD_MAX);
}

static void read_zone(struct world *world, const char *file, const char *apex_text, const struct case_block *block,
                      struct zone **zones, size_t *count)
{
    uint8_t apex[NAME_SIZE_MAX];
    struct zonefile_options options = {.default_ttl = 300};
    read_name(apex_text, apex);
    struct zone *zone = zone_new(apex);
    assert_non_null(zone);
    assert_int_equal(zonefile_read_text(NULL, file, block->body, block->body_size, &options, zone, &world->diag),
                     STATUS_OK);
    assert_int_equal(zone_freeze(zone, &world->diag), STATUS_OK);
    no_messages(world);
    zones[(*count)++] = zone;
}

static const struct zone *find_zone(struct zone *const *zones, size_t count, const uint8_t *apex)
{
    for (size_t i = 0; i < count; i++)
        if (name_equal(zones[i]->apex, apex))
            return zones[i];
    return NULL;
}

static void print_entry(FILE *stream, const struct autodiscover_entry *entry, bool is_elsewhere)
{
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char data[2000];
    name_to_text(entry->owner, owner);
    if (entry->kind == AUTODISCOVER_HIDE || entry->kind == AUTODISCOVER_DROP) {
        fprintf(stream, "%s %s\n", entry->kind == AUTODISCOVER_HIDE ? "hide" : "drop", owner);
        return;
    }
    struct rdata rdata = {entry->rdata, entry->rdata_size};
    rrtype_to_text(entry->type, type);
    assert_int_equal(zonefile_rdata_to_text(entry->type, &rdata, data, sizeof data), STATUS_OK);
    if (is_elsewhere)
        fprintf(stream, "elsewhere %s %s\n", owner, type);
    else
        fprintf(stream, "%s %u %s %s\n", owner, (unsigned)entry->ttl, type, data);
}

static void print_picks(FILE *stream, const struct autodiscover_picks *picks, bool is_elsewhere)
{
    for (size_t i = 0; i < picks->count; i++)
        print_entry(stream, picks->items[i], is_elsewhere);
}

static void print_messages(FILE *stream, struct diag *diag)
{
    for (size_t i = 0; i < diag->count; i++)
        diag_message_print(&diag->messages[i], stream);
    diag_clear(diag);
    diag_init(diag);
}

/* The records as a zone: as many, at the places the facts give. */
static void expect_same_zone(struct world *world, const struct autodiscover_merge_input *input,
                             const struct autodiscover_merged *merged)
{
    struct zone *zone;
    size_t messages = world->diag.count;
    assert_int_equal(autodiscover_merged_zone(merged, input, 7, &world->diag, &zone), STATUS_OK);
    assert_int_equal(world->diag.count, messages);
    assert_int_equal(zone->count, merged->records.count);
    assert_true(zone->frozen);
    assert_int_equal(zone->layers[0], 7);
    for (size_t i = 0; i < zone->count; i++) {
        struct place place = zone_place(zone, &zone->records[i]);
        assert_string_equal(place.file, "policy.conf");
        assert_true(place.line > 0);
        assert_true(name_equal(zone_owner(zone, &zone->records[i]), merged->records.items[i]->owner));
    }
    zone_free(zone);
}

static bool expect_zone(struct world *world, const char *file, const char *apex_text, const struct case_block *block)
{
    uint8_t apex[NAME_SIZE_MAX];
    char *actual = NULL;
    size_t size;
    FILE *stream = open_memstream(&actual, &size);
    struct autodiscover_merged merged;
    struct autodiscover_borders *borders = autodiscover_borders_new(world->borders, world->border_count);
    assert_non_null(borders);
    read_name(apex_text, apex);
    struct autodiscover_merge_input input = {
        .facts = world->facts,
        .borders = borders,
        .apex = apex,
        .own = find_zone(world->own, world->own_count, apex),
        .base = find_zone(world->base, world->base_count, apex),
        .hidden = world->hidden,
        .hidden_count = world->hidden_count,
        .misses_go_on = world->misses_go_on,
    };
    assert_int_equal(autodiscover_merge(&input, &world->diag, &merged), STATUS_OK);
    print_picks(stream, &merged.records, false);
    print_picks(stream, &merged.hides, false);
    expect_same_zone(world, &input, &merged);
    print_picks(stream, &merged.elsewhere, true);
    print_messages(stream, &world->diag);
    fclose(stream);
    bool same = case_matches(file, block, actual);
    free(actual);
    autodiscover_merged_clear(&merged);
    autodiscover_borders_free(borders);
    return same;
}

static bool expect_outside(struct world *world, const char *file, const struct case_block *block)
{
    char *actual = NULL;
    size_t size;
    FILE *stream = open_memstream(&actual, &size);
    struct autodiscover_picks picks = {0};
    struct autodiscover_borders *borders = autodiscover_borders_new(world->borders, world->border_count);
    assert_int_equal(autodiscover_outside_zones(world->facts, borders, &picks), STATUS_OK);
    print_picks(stream, &picks, true);
    fclose(stream);
    bool same = case_matches(file, block, actual);
    free(actual);
    memory_free(picks.items);
    autodiscover_borders_free(borders);
    return same;
}

/* false: the block expected something else. */
static bool run_block(struct world *world, const char *file, const struct case_block *block)
{
    char word[32];
    char text[NAME_TEXT_MAX] = "";
    sscanf(block->head, "%31s %1016s", word, text);
    if (strcmp(word, "policy") == 0) {
        read_policy(world, block);
    } else if (strcmp(word, "view") == 0) {
        choose_view(world, text);
    } else if (strcmp(word, "own") == 0) {
        read_zone(world, "own.zone", text, block, world->own, &world->own_count);
    } else if (strcmp(word, "base") == 0) {
        read_zone(world, "base.zone", text, block, world->base, &world->base_count);
    } else if (strcmp(word, "zone") == 0 || strcmp(word, "forward") == 0) {
        add_border(world, text, word[0] == 'f');
    } else if (strcmp(word, "hide") == 0) {
        read_name(text, world->hidden_names[world->hidden_count]);
        world->hidden[world->hidden_count] =
            (struct autodiscover_hidden){world->hidden_names[world->hidden_count], HIDE_LINE};
        world->hidden_count++;
    } else if (strcmp(word, "misses-go-on") == 0) {
        world->misses_go_on = true;
    } else if (strcmp(word, "expect") == 0) {
        return expect_zone(world, file, text, block);
    } else if (strcmp(word, "outside") == 0) {
        return expect_outside(world, file, block);
    } else {
        assert_string_equal(word, "note");
    }
    return true;
}

static void run_case(void **state)
{
    const char *name = *state;
    size_t size;
    char *text = support_read(name, &size);
    struct world world = {0};
    char *cursor = text;
    struct case_block block;
    unsigned failures = 0;
    diag_init(&world.diag);
    while (case_next(&cursor, &block)) {
        char end = block.body[block.body_size];
        block.body[block.body_size] = '\0';
        failures += !run_block(&world, name, &block);
        block.body[block.body_size] = end;
    }
    world_clear(&world);
    free(text);
    assert_int_equal(failures, 0);
}

int main(void)
{
    return case_run_folder("facts-merge", run_case);
}

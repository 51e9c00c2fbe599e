/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each file tests/cases/overlay/NAME.case is a policy in short and its questions:
 *     == view NAME [BASE]            a view; bases first
 *     == mode VIEW APEX MODE         full, overlay, pinpoint or none
 *     == hide VIEW NAME|*.SUFFIX     == fact-hide: likewise, made from facts
 *     == zone VIEW APEX              the view's file VIEW/APEX.zone follows
 *     == facts VIEW APEX             what facts publish there, as master-file text
 *     == messages                    what building says, up to here; errors must stand here
 *     == ask VIEW NAME TYPE          the answer, as support_answer_text writes it
 *     == origins VIEW APEX           the flat zone: FILE:LINE OWNER TYPE, then its marks
 *     == note
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/casefile.h"
#include "tests/overlay_world.h"
#include "tests/support.h"
#include "zones/zonefile.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TTL 300

static void read_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

static struct zone *read_zone(const char *file, uint32_t layer, const uint8_t *apex, const struct case_block *block,
                              struct diag *diag)
{
    struct zonefile_options options = {.default_ttl = DEFAULT_TTL};
    struct zone *zone = zone_new(apex);
    assert_non_null(zone);
    zone->layer = layer;
    assert_int_equal(zonefile_read_text(NULL, file, block->body, block->body_size, &options, zone, diag), STATUS_OK);
    assert_int_equal(zone_freeze(zone, diag), STATUS_OK);
    return zone;
}

static void take_mode(struct world *world, char *arguments)
{
    static const char *const texts[] = {"default", "full", "overlay", "pinpoint", "none"};
    char view[64];
    char apex_text[256];
    char mode[32];
    uint8_t apex[NAME_SIZE_MAX];
    assert_int_equal(sscanf(arguments, "%63s %255s %31s", view, apex_text, mode), 3);
    read_name(apex_text, apex);
    struct world_zone *zone = world_zone(world, world_find_view(world, view), apex);
    zone->has_mode = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strcmp(mode, texts[i]) == 0)
            zone->mode = (enum zone_mode)i;
    assert_int_not_equal(zone->mode, ZONE_MODE_DEFAULT);
}

static void take_hide(struct world *world, char *arguments, bool is_fact)
{
    char view[64];
    char text[256];
    uint8_t name[NAME_SIZE_MAX];
    assert_int_equal(sscanf(arguments, "%63s %255s", view, text), 2);
    bool below = strncmp(text, "*.", 2) == 0;
    read_name(below ? text + 2 : text, name);
    struct overlay_hide *hide = world_add_hide(world, world_find_view(world, view), name, below);
    hide->is_fact = is_fact;
}

static void take_zone(struct world *world, char *arguments, bool is_facts, const struct case_block *block,
                      struct diag *diag)
{
    char view_text[64];
    char apex_text[256];
    char file[400];
    uint8_t apex[NAME_SIZE_MAX];
    assert_int_equal(sscanf(arguments, "%63s %255s", view_text, apex_text), 2);
    read_name(apex_text, apex);
    int view = world_find_view(world, view_text);
    struct world_zone *zone = world_zone(world, view, apex);
    snprintf(file, sizeof file, "%s/%s.zone", view_text, apex_text);
    if (is_facts)
        zone->facts = read_zone("policy.conf", (uint32_t)view, apex, block, diag);
    else
        zone->own = read_zone(file, (uint32_t)view, apex, block, diag);
}

static char *diag_text(const struct diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    diag_print(diag, stream);
    fclose(stream);
    return text;
}

static char *origins_text(const struct world *world, const struct zone *zone)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    for (size_t i = 0; i < zone->count; i++) {
        const struct zone_record *record = &zone->records[i];
        struct place place = zone_place(zone, record);
        char owner[NAME_TEXT_MAX];
        char type[RRTYPE_TEXT_MAX];
        name_to_text(zone_owner(zone, record), owner);
        rrtype_to_text(record->type, type);
        fprintf(stream, "%s:%u %s %s", place.file == NULL ? "-" : place.file, place.line, owner, type);
        if (place.file != NULL)
            fprintf(stream, " (view %s)", world->views[zone->layers[record->origin.file]].name);
        fprintf(stream, "\n");
    }
    for (size_t i = 0; i < zone->mark_count; i++) {
        const struct zone_mark *mark = &zone->marks[i];
        struct place place = zone_origin_place(zone, mark->origin);
        char name[NAME_TEXT_MAX];
        name_to_text(zone_mark_name(zone, mark), name);
        fprintf(stream, "%s:%u %s%s%s%s\n", place.file == NULL ? "-" : place.file, place.line, name,
                (mark->flags & ZONE_HIDDEN) != 0 ? " hidden" : "",
                (mark->flags & ZONE_HIDDEN_BELOW) != 0 ? " hidden-below" : "",
                (mark->flags & ZONE_EMPTY) != 0 ? " empty" : "");
    }
    fclose(stream);
    return text;
}

static bool check_text(const char *file, struct case_block *block, char *actual)
{
    bool same = case_matches(file, block, actual);
    free(actual);
    return same;
}

static bool ask(const struct world *world, const char *file, struct case_block *block)
{
    char view[64];
    char name_text[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    uint8_t name[NAME_SIZE_MAX];
    struct answer *answer = malloc(sizeof *answer);
    assert_non_null(answer);
    assert_int_equal(sscanf(block->head, "ask %63s %1016s %31s", view, name_text, type), 3);
    read_name(name_text, name);
    world_ask(world, world_find_view(world, view), name, rrtype_from_text(type, strlen(type)), answer);
    bool same = check_text(file, block, support_answer_text(answer));
    free(answer);
    return same;
}

static bool show(struct world *world, const char *file, struct case_block *block)
{
    char view[64];
    char apex_text[256];
    uint8_t apex[NAME_SIZE_MAX];
    assert_int_equal(sscanf(block->head, "origins %63s %255s", view, apex_text), 2);
    read_name(apex_text, apex);
    return check_text(file, block, origins_text(world, world_zone(world, world_find_view(world, view), apex)->flat));
}

/* True: the block was part of the set-up. */
static bool take_block(struct world *world, struct case_block *block, struct diag *diag)
{
    char *arguments = strchr(block->head, ' ');
    char name[64];
    char base[64];
    if (strncmp(block->head, "view ", 5) == 0) {
        int count = sscanf(block->head, "view %63s %63s", name, base);
        world_add_view(world, name, count == 2 ? world_find_view(world, base) : -1);
    } else if (strncmp(block->head, "mode ", 5) == 0)
        take_mode(world, arguments);
    else if (strncmp(block->head, "hide ", 5) == 0)
        take_hide(world, arguments, false);
    else if (strncmp(block->head, "fact-hide ", 10) == 0)
        take_hide(world, arguments, true);
    else if (strncmp(block->head, "zone ", 5) == 0 || strncmp(block->head, "facts ", 6) == 0)
        take_zone(world, arguments, block->head[0] == 'f', block, diag);
    else
        return false;
    return true;
}

static void run_case(void **state)
{
    const char *file = *state;
    size_t size;
    char *text = support_read(file, &size);
    struct world *world = malloc(sizeof *world);
    struct diag diag;
    struct case_block block;
    bool built = false;
    bool said = false;
    unsigned failures = 0;
    assert_non_null(world);
    world_init(world);
    diag_init(&diag);
    for (char *cursor = text; case_next(&cursor, &block);) {
        if (strncmp(block.head, "note", 4) == 0 || take_block(world, &block, &diag))
            continue;
        if (!built)
            world_build(world, true, &diag);
        built = true;
        if (strncmp(block.head, "messages", 8) == 0) {
            failures += !check_text(file, &block, diag_text(&diag));
            said = true;
        } else if (strncmp(block.head, "ask ", 4) == 0)
            failures += !ask(world, file, &block);
        else if (strncmp(block.head, "origins ", 8) == 0)
            failures += !show(world, file, &block);
        else
            fail_msg("%s: no such block: %s", file, block.head);
    }
    if (!said && diag.errors > 0) {
        diag_print(&diag, stderr);
        failures++;
    }
    diag_clear(&diag);
    world_clear(world);
    free(world);
    free(text);
    assert_true(built);
    assert_int_equal(failures, 0);
}

int main(void)
{
    return case_run_folder("overlay", run_case);
}

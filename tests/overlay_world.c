/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/overlay_world.h"

#include "zones/image.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/zonecheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
}

void world_clear(struct world *world)
{
    for (size_t v = 0; v < world->view_count; v++) {
        struct world_view *view = &world->views[v];
        for (size_t z = 0; z < view->zone_count; z++) {
            zone_free(view->zones[z].own);
            zone_free(view->zones[z].facts);
            zone_free(view->zones[z].flat);
            memory_free(view->zones[z].compiled.block);
        }
        memory_free(view->block);
    }
}

int world_add_view(struct world *world, const char *name, int base)
{
    if (world->view_count == WORLD_VIEWS_MAX)
        abort();
    struct world_view *view = &world->views[world->view_count];
    snprintf(view->name, sizeof view->name, "%s", name);
    view->base = base;
    return (int)world->view_count++;
}

int world_find_view(const struct world *world, const char *name)
{
    for (size_t v = 0; v < world->view_count; v++)
        if (strcmp(world->views[v].name, name) == 0)
            return (int)v;
    fprintf(stderr, "test data: no view %s\n", name);
    abort();
}

static struct world_zone *find_zone(struct world *world, int view, const uint8_t *apex)
{
    for (size_t z = 0; view >= 0 && z < world->views[view].zone_count; z++)
        if (name_equal(world->views[view].zones[z].apex, apex))
            return &world->views[view].zones[z];
    return NULL;
}

struct world_zone *world_zone(struct world *world, int view, const uint8_t *apex)
{
    struct world_zone *zone = find_zone(world, view, apex);
    if (zone != NULL)
        return zone;
    struct world_view *in = &world->views[view];
    if (in->zone_count == WORLD_ZONES_MAX)
        abort();
    zone = &in->zones[in->zone_count++];
    memcpy(zone->apex, apex, name_size(apex));
    return zone;
}

struct overlay_hide *world_add_hide(struct world *world, int view, const uint8_t *name, bool below)
{
    struct world_view *in = &world->views[view];
    if (in->hide_count == WORLD_HIDES_MAX)
        abort();
    memcpy(in->hide_names[in->hide_count], name, name_size(name));
    struct overlay_hide *hide = &in->hides[in->hide_count];
    *hide = (struct overlay_hide){.name = in->hide_names[in->hide_count],
                                  .below = below,
                                  .place = {.file = "policy.conf", .line = (uint32_t)++in->hide_count}};
    return hide;
}

static bool is_strictly_below(const uint8_t *name, const uint8_t *above)
{
    return name_is_at_or_below(name, above) && !name_equal(name, above);
}

/* P5 */
static enum zone_mode mode_of(struct world *world, int view, const struct world_zone *zone)
{
    const struct world_zone *base = find_zone(world, world->views[view].base, zone->apex);
    if (zone->has_mode)
        return zone->mode;
    return base != NULL && base->flat != NULL ? ZONE_MODE_OVERLAY : ZONE_MODE_FULL;
}

static bool is_own(const struct world_zone *zone)
{
    return zone->own != NULL || zone->has_mode;
}

/* The base's zones that this view does not lose to an own full or pinpoint zone above (A9) or to a hide (A5). */
static void inherit(struct world *world, int view)
{
    struct world_view *in = &world->views[view];
    for (size_t z = 0; in->base >= 0 && z < world->views[in->base].zone_count; z++) {
        const struct world_zone *base = &world->views[in->base].zones[z];
        const struct world_zone *own = find_zone(world, view, base->apex);
        bool lost = base->flat == NULL;
        for (size_t i = 0; i < in->zone_count; i++) {
            enum zone_mode mode = mode_of(world, view, &in->zones[i]);
            lost = lost || (is_own(&in->zones[i]) && (mode == ZONE_MODE_FULL || mode == ZONE_MODE_PINPOINT) &&
                            is_strictly_below(base->apex, in->zones[i].apex));
        }
        for (size_t i = 0; i < in->hide_count; i++)
            lost = lost || (in->hides[i].below && is_strictly_below(base->apex, in->hides[i].name));
        if (!lost || (own != NULL && is_own(own)))
            world_zone(world, view, base->apex);
    }
}

static bool has_zone(struct world *world, int view, const struct world_zone *zone)
{
    const struct world_zone *base = find_zone(world, world->views[view].base, zone->apex);
    enum zone_mode mode = mode_of(world, view, zone);
    if (mode == ZONE_MODE_NONE)
        return false;
    return zone->own != NULL || mode == ZONE_MODE_PINPOINT || (base != NULL && base->flat != NULL);
}

static const struct world_zone *deepest(struct world *world, int view, const uint8_t *name)
{
    const struct world_zone *found = NULL;
    for (size_t z = 0; z < world->views[view].zone_count; z++) {
        const struct world_zone *zone = &world->views[view].zones[z];
        if (has_zone(world, view, zone) && name_is_at_or_below(name, zone->apex) &&
            (found == NULL || is_strictly_below(zone->apex, found->apex)))
            found = zone;
    }
    return found;
}

static enum status build_zone(struct world *world, int view, struct world_zone *zone, bool check, struct diag *diag)
{
    struct world_view *in = &world->views[view];
    struct world_zone *base = find_zone(world, in->base, zone->apex);
    struct overlay_hide hides[WORLD_HIDES_MAX];
    struct overlay_input input = {.apex = zone->apex,
                                  .view = (uint32_t)view,
                                  .mode = mode_of(world, view, zone),
                                  .base = base == NULL ? NULL : base->flat,
                                  .own = zone->own,
                                  .facts = zone->facts,
                                  .hides = hides};
    for (size_t i = 0; i < in->hide_count; i++)
        if (deepest(world, view, in->hides[i].name) == zone)
            hides[input.hide_count++] = in->hides[i];
    enum status status = overlay_build(&input, diag, &zone->flat);
    if (status == STATUS_OK && check)
        status = zonecheck_run(zone->flat, "flat", diag);
    return status == STATUS_OK ? compile_zone(zone->flat, &zone->compiled, diag) : status;
}

static void build_catalog(struct world_view *view)
{
    struct catalog_zone zones[WORLD_ZONES_MAX];
    size_t count = 0;
    size_t size;
    for (size_t z = 0; z < view->zone_count; z++)
        if (view->zones[z].flat != NULL)
            zones[count++] = (struct catalog_zone){
                .apex = view->zones[z].apex, .image_id = z + 1, .serial = view->zones[z].compiled.serial};
    if (catalog_build(zones, count, &view->block, &size) != STATUS_OK ||
        catalog_open(view->block, size, &view->catalog) != STATUS_OK)
        abort();
    for (uint32_t i = 0; i < catalog_count(&view->catalog); i++) {
        const struct compiled *compiled = &view->zones[catalog_entry(&view->catalog, i)->image_id - 1].compiled;
        view->images[i] = (struct image_ref){.block = compiled->block, .size = compiled->size};
    }
    view->catalog.images = view->images;
}

enum status world_build(struct world *world, bool check, struct diag *diag)
{
    enum status result = STATUS_OK;
    for (size_t v = 0; v < world->view_count; v++) {
        struct world_view *view = &world->views[v];
        inherit(world, (int)v);
        for (size_t z = 0; z < view->zone_count; z++) {
            if (!has_zone(world, (int)v, &view->zones[z]))
                continue;
            enum status status = build_zone(world, (int)v, &view->zones[z], check, diag);
            if (status == STATUS_OK)
                status = image_verify(view->zones[z].compiled.block, view->zones[z].compiled.size, diag);
            result = status != STATUS_OK ? status : result;
        }
        if (result != STATUS_OK)
            return result;
        build_catalog(view);
    }
    return result;
}

void world_ask(const struct world *world, int view, const uint8_t *name, uint16_t type, struct answer *answer)
{
    answer_reset(answer);
    zone_lookup(&world->views[view].catalog, name, type, answer);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay_world: views with bases, modes, hides and zones in memory, built through overlay_build and compile_zone, for
 * tests that ask them. Follows format.md P5, P6, A5, A9 with loops over arrays, and no more.
 */
#ifndef SPLITVIEW_TESTS_OVERLAY_WORLD_H
#define SPLITVIEW_TESTS_OVERLAY_WORLD_H

#include "policy/overlay.h"
#include "zones/answer.h"
#include "zones/catalog.h"
#include "zones/compile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_VIEWS_MAX 8
#define WORLD_ZONES_MAX 8
#define WORLD_HIDES_MAX 16

/* One apex in one view: what the view itself says of it, and what became of it. */
struct world_zone {
    uint8_t apex[NAME_SIZE_MAX];
    enum zone_mode mode;
    bool has_mode;
    struct zone *own;   /* owned, or NULL */
    struct zone *facts; /* owned, or NULL */
    struct zone *flat;  /* owned; NULL: not served */
    struct compiled compiled;
};

struct world_view {
    char name[32];
    int base; /* number, or -1 */
    struct world_zone zones[WORLD_ZONES_MAX];
    size_t zone_count;
    struct overlay_hide hides[WORLD_HIDES_MAX];
    uint8_t hide_names[WORLD_HIDES_MAX][NAME_SIZE_MAX];
    size_t hide_count;
    uint8_t *block;
    struct image_ref images[WORLD_ZONES_MAX];
    struct catalog catalog;
};

struct world {
    struct world_view views[WORLD_VIEWS_MAX];
    size_t view_count;
};

void world_init(struct world *world);
void world_clear(struct world *world);

/* Bases come before the views on them. `base` is -1 or the number of a view; returns the new one's. */
int world_add_view(struct world *world, const char *name, int base);
int world_find_view(const struct world *world, const char *name);

/* The entry of an apex in a view, added if new. */
struct world_zone *world_zone(struct world *world, int view, const uint8_t *apex);

struct overlay_hide *world_add_hide(struct world *world, int view, const uint8_t *name, bool below);

/* Build all views. BAD_INPUT with messages; `check` runs zonecheck_run over the flat zones too. */
enum status world_build(struct world *world, bool check, struct diag *diag);

/* `answer` is reset here. */
void world_ask(const struct world *world, int view, const uint8_t *name, uint16_t type, struct answer *answer);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * support: zones from text in memory, and answers as text, for tests of lookup and all above it.
 */
#ifndef SPLITVIEW_TESTS_SUPPORT_H
#define SPLITVIEW_TESTS_SUPPORT_H

#include "zones/answer.h"
#include "zones/catalog.h"
#include "zones/compile.h"

#include <stddef.h>
#include <stdio.h>

#define SUPPORT_ZONES_MAX 16

/* Compiled zones and the catalog over them; all owned. */
struct support_world {
    struct compiled compiled[SUPPORT_ZONES_MAX];
    struct catalog_zone zones[SUPPORT_ZONES_MAX];
    uint8_t apexes[SUPPORT_ZONES_MAX][NAME_SIZE_MAX];
    struct image_ref images[SUPPORT_ZONES_MAX];
    size_t count;
    uint8_t *block;
    struct catalog catalog;
};

void support_world_init(struct support_world *world);
void support_world_clear(struct support_world *world);

/* Compile master-file text and add it; ends the test with a message if it is bad. */
void support_add_zone(struct support_world *world, const char *apex, const char *text, size_t size);

/* Build the catalog; afterwards world->catalog can be asked. */
void support_finish(struct support_world *world);

/* The answer as lines: "RCODE OUTCOME [aa]", then "SECTION OWNER TTL TYPE RDATA" for each record. Returns text to
 * free(). */
char *support_answer_text(const struct answer *answer);

/* A file's bytes with a final zero byte, to free(); `name` counts from the tests' folder. */
char *support_read(const char *name, size_t *size);

/* A path below the tests' folder, in the caller's buffer. */
void support_path(const char *name, char *path, size_t size);

#endif

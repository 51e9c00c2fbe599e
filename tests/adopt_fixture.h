/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt_fixture: zones from text and what adopt makes of them; a test that cannot have them fails here. */
#ifndef SPLITVIEW_TESTS_ADOPT_FIXTURE_H
#define SPLITVIEW_TESTS_ADOPT_FIXTURE_H

#include "policy/adopt.h"
#include "zones/name.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void adopt_fixture_name(const char *text, uint8_t name[NAME_SIZE_MAX]);

/* A frozen zone, with `check` one that zonecheck takes, to zone_free; NULL: it is no good zone. */
struct zone *adopt_fixture_zone(const char *apex, const char *file, const char *text, size_t size, bool check);

struct adopt_plan *adopt_fixture_plan(const struct zone *inside, const struct zone *outside);

/* The overlay that the plan makes of the inside copy's text, to free(). */
char *adopt_fixture_overlay(const struct adopt_plan *plan, const char *text, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/adopt_text.h"
#include "tests/adopt_fixture.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <stdio.h>
#include <string.h>

void adopt_fixture_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
}

struct zone *adopt_fixture_zone(const char *apex, const char *file, const char *text, size_t size, bool check)
{
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    uint8_t name[NAME_SIZE_MAX];
    struct diag diag;

    diag_init(&diag);
    adopt_fixture_name(apex, name);
    struct zone *zone = zone_new(name);
    assert_non_null(zone);
    enum status status = zonefile_read_text(NULL, file, text, size, &options, zone, &diag);
    if (status == STATUS_OK)
        status = zone_freeze(zone, &diag);
    if (status == STATUS_OK && check)
        status = zonecheck_run(zone, file, &diag);
    if (status != STATUS_OK) {
        if (!check)
            diag_print(&diag, stderr);
        zone_free(zone);
        zone = NULL;
    }
    diag_clear(&diag);
    return zone;
}

struct adopt_plan *adopt_fixture_plan(const struct zone *inside, const struct zone *outside)
{
    struct adopt_plan *plan = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status = adopt_plan_new(inside, outside, &diag, &plan);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return plan;
}

char *adopt_fixture_overlay(const struct adopt_plan *plan, const char *text, size_t size)
{
    char *written = NULL;
    size_t written_size = 0;
    FILE *stream = open_memstream(&written, &written_size);

    assert_non_null(stream);
    assert_int_equal(adopt_write_overlay(plan, text, size, stream), STATUS_OK);
    fclose(stream);
    return written;
}

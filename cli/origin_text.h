/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * origin_text: where an RRset was written, and which rule of policy.conf changed it, for people and as JSON. One
 * thread.
 */
#ifndef SPLITVIEW_CLI_ORIGIN_TEXT_H
#define SPLITVIEW_CLI_ORIGIN_TEXT_H

#include "policy/generation.h"
#include "policy/origins.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGIN_TEXT_MAX 512

/* What is known of an RRset's TTL. */
struct origin_ttl {
    const uint8_t *owner; /* as it stands in the zone */
    uint16_t type;
    uint32_t ttl;                      /* seconds, in the image */
    const struct origins_entry *entry; /* NULL: not known where it comes from */
    uint64_t now;                      /* seconds since 1970, for cut-overs; 0: they are off */
};

/*
 * "internet/harbor.example.zone:7", with ", of base view internet" if it is not this view's own, "policy.conf:12
 * (facts)" for what facts publish.
 */
void origin_text(const struct generation *generation, uint32_t view, const struct origins_place *place,
                 char text[ORIGIN_TEXT_MAX]);

/* The same of a hide or a file, without a word about facts. */
void origin_hide_text(const struct generation *generation, uint32_t view, const struct origins_place *place,
                      char text[ORIGIN_TEXT_MAX]);

/* { file, line, view, kind }: kind is own, base or fact; parts that are not known null. NULL: no memory. */
json_t *origin_json(const struct generation *generation, uint32_t view, const struct origins_place *place);

/* "[ttl mobile] policy.conf:20: fixed 60" of the rule that holds for an RRset of a view; false: none does. */
bool origin_ttl_rule(const struct generation *generation, uint32_t view, const uint8_t *owner, uint16_t type,
                     char text[ORIGIN_TEXT_MAX]);

/* "[cutover move] policy.conf:30: at 2026-12-01T20:00:00Z" of each that concerns the RRset, joined; false: none. */
bool origin_cutover(const struct generation *generation, uint32_t view, const uint8_t *owner, uint16_t type,
                    char text[ORIGIN_TEXT_MAX]);

/* The TTL that is served. */
uint32_t origin_ttl_served(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl);

/*
 * "3600 in the file, 300 by [ttl walk] max (policy.conf:12), 120 by [cutover move] (policy.conf:30), 120 seconds left
 * until 2026-12-01T20:00:00Z": all that became of a TTL.
 */
void origin_ttl_text(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl,
                     char text[ORIGIN_TEXT_MAX]);

/*
 * Add the same to an object: written_ttl, ttl_changes [{ by, rule, line, bound, view, cname, ttl }], served_ttl. False:
 * no memory.
 */
bool origin_ttl_json(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl, json_t *object);

#endif

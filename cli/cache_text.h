/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_text: what the daemon says of its caches (cache_control.h), in words. One thread.
 */
#ifndef SPLITVIEW_CLI_CACHE_TEXT_H
#define SPLITVIEW_CLI_CACHE_TEXT_H

#include "zones/status.h"

#include <jansson.h>
#include <stdio.h>

/*
 * Put words in the place of numbers and octets in the `groups` of an answer: types, rcodes and sections by name, data
 * as in master files. What is not as it should be becomes "?". NO_MEMORY.
 */
enum status cache_text_spell(json_t *groups);

/* The groups, spelled, as the lines of a master file with comments. `name` is what was asked for, "." for all. */
void cache_text_print(const json_t *groups, const char *name, FILE *stream);

/* "internal, guest": the views of a group. */
void cache_text_views(const json_t *group, FILE *stream);

/* "1234 entries, 3.4 MiB of 128.0 MiB, 0 evicted" of the answer to `cache stats`; "-" for anything else. */
void cache_text_sizes(const json_t *stats, FILE *stream);

#endif

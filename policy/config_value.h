/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_value: one value of an INI file, by the type of its option. Pure functions; any thread.
 */
#ifndef SPLITVIEW_POLICY_CONFIG_VALUE_H
#define SPLITVIEW_POLICY_CONFIG_VALUE_H

#include "policy/config.h"
#include "policy/options.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_WANTED_MAX 320

/*
 * Understand one item (`text`, zero-terminated) and fill form, the union, port, has_port and any of *value; text and
 * line are left alone. BAD_INPUT: then `wanted` says what should stand there. Of a list of hosts each item is a name or
 * an address; their order is the caller's to check.
 */
enum status config_value_read(const struct config_option *option, const char *text, struct config_value *value,
                              char wanted[CONFIG_WANTED_MAX]);

/* An option's values are parted by commas and blanks; otherwise its value is one item up to the end of the line. */
bool config_value_is_split(const struct config_option *option);

/* A rule's hosts, one after the other: *position starts at 0; false when there are no more. The host is written to
 * `name`. For values that config_value_read took. */
bool config_rule_host(const struct config_value *rule, size_t *position, uint8_t name[NAME_SIZE_MAX]);

#endif

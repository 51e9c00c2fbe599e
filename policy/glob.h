/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glob: names in which `*` stands for any characters, dots included, and lists of rules made of them (format.md: types,
 * P7 and A20).
 *
 * A pattern is compared label by label as octets, never as text, so that a dot inside a label is no dot between labels;
 * `\*` and all other escapes are literal characters. ASCII case does not count. Pure functions; any thread.
 */
#ifndef SPLITVIEW_POLICY_GLOB_H
#define SPLITVIEW_POLICY_GLOB_H

#include "policy/config.h"
#include "zones/name.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GLOB_SYMBOLS_MAX CONFIG_LINE_MAX

/* A pattern taken apart. `literals` counts its characters but for unescaped `*` and the final dot. */
struct glob {
    uint16_t symbols[GLOB_SYMBOLS_MAX]; /* an octet in lower case, GLOB_DOT or GLOB_STAR */
    uint8_t count;
    uint8_t literals;
    bool is_exact; /* no `*` */
};

#define GLOB_DOT  256u /* between two labels */
#define GLOB_STAR 257u /* any number of symbols */

/* A name as symbols. */
struct glob_subject {
    uint16_t symbols[NAME_SIZE_MAX];
    uint8_t count;
};

/* Take a pattern apart that config_value_read took (its text has at most CONFIG_LINE_MAX bytes). */
void glob_compile(const char *text, struct glob *glob);

void glob_subject(const uint8_t *name, struct glob_subject *subject);
bool glob_match(const struct glob *glob, const struct glob_subject *subject);

/* The patterns of a setting. */
struct glob_list {
    struct glob *globs;
    size_t count;
};

/* From the values of a setting (NULL: none). NO_MEMORY. */
enum status glob_list_read(const struct config_setting *setting, struct glob_list *list);
void glob_list_clear(struct glob_list *list);

/* The pattern that matches best: an exact one, else that with the most literal characters; NULL: none matches. */
const struct glob *glob_list_best(const struct glob_list *list, const struct glob_subject *subject);

/* Better, equal or worse (> 0, 0, < 0) than `b` by the same measure. */
int glob_compare(const struct glob *a, const struct glob *b);

#endif

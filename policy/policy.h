/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy: what policy.conf says, checked and frozen (format.md of the operator's guide: views, zone modes; facts and
 * judging kinds are read and checked, and kept as sections). Immutable after policy_read; any thread may read.
 */
#ifndef SPLITVIEW_POLICY_POLICY_H
#define SPLITVIEW_POLICY_POLICY_H

#include "policy/config.h"
#include "policy/cutover.h"
#include "policy/forward.h"
#include "policy/leak.h"
#include "policy/prefix.h"
#include "policy/ttl.h"
#include "policy/view.h"
#include "policy/viewmap.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum view_order { VIEW_ORDER_FIXED, VIEW_ORDER_ROTATE, VIEW_ORDER_RANDOM }; /* as in options.def */

enum zone_mode { ZONE_MODE_DEFAULT, ZONE_MODE_FULL, ZONE_MODE_OVERLAY, ZONE_MODE_PINPOINT, ZONE_MODE_NONE };

struct policy_view {
    const struct config_section *section; /* borrowed from `config` */
    char *name;
    uint32_t line;
    uint32_t base; /* index of the view that this one inherits from, or VIEW_NONE */
    bool is_external;
    bool has_any;
    bool minimal;          /* leave out optional additional records */
    enum view_order order; /* of the records inside an RRset */
    uint32_t default_ttl;  /* seconds */
    struct leak_allowed allow_private;
};

struct policy_zone {
    uint8_t apex[NAME_SIZE_MAX];
    uint32_t line;
    enum zone_mode mode;
    enum zone_mode *view_modes; /* one per view; ZONE_MODE_DEFAULT: not given */
};

struct policy {
    struct config *config; /* the text it came from, with the facts */
    struct policy_view *views;
    uint32_t view_count;
    struct policy_zone *zones;
    size_t zone_count;
    struct ttl_rules *ttl;
    struct cutover *cutover;
    struct forward_rules *forward;
    struct viewmap *viewmap; /* who gets which view; see view.h */
    uint32_t any_view;       /* the view with `clients = any` that is limited to no listen address, or VIEW_NONE */
};

/* Read and check policy.conf's text. BAD_INPUT, NOT_SUPPORTED (a key whose effect is not built), NO_MEMORY; messages
 * say all of it. */
enum status policy_read(const char *path, const char *text, size_t size, struct diag *diag, struct policy **policy);
void policy_free(struct policy *policy);

/* The index of a view by name, or VIEW_NONE. */
uint32_t policy_find_view(const struct policy *policy, const char *name);

/* The mode written for (apex, view): mode.VIEW, else mode, else ZONE_MODE_DEFAULT. */
enum zone_mode policy_zone_mode(const struct policy *policy, const uint8_t *apex, uint32_t view);

#endif

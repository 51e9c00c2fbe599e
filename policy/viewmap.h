/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * viewmap: which view a client gets, as frozen arrays: TSIG key names, listen addresses, and networks.
 *
 * For each listen address that some view is limited to there is one array of networks in which everything is decided
 * already: at equal length a view limited to the address has displaced one that is not, and what no network holds
 * belongs to the view with `any`. Addresses to which the same views are limited share it. All other addresses share one
 * more. Immutable after viewmap_new; any thread.
 */
#ifndef SPLITVIEW_POLICY_VIEWMAP_H
#define SPLITVIEW_POLICY_VIEWMAP_H

#include "policy/config.h"
#include "policy/prefix.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Different sets of views by listen address: each has its own array of networks. */
#define VIEWMAP_SETS_MAX 256

struct policy;
struct viewmap;

/*
 * From the views of a policy (policy->views and ->config are filled). Ambiguities go to `diag` and the map is made all
 * the same: the caller looks at the number of errors. NO_MEMORY.
 */
enum status viewmap_new(const struct policy *policy, struct diag *diag, struct viewmap **map);
void viewmap_free(struct viewmap *map);

/* The view that names this TSIG key (a name in wire form), or VIEW_NONE. O(log n). */
uint32_t viewmap_key(const struct viewmap *map, const uint8_t *key);

/* The networks for queries that came to this address. Borrowed. O(log n). */
struct viewmap_networks {
    const struct prefix_map *networks; /* value: view; VIEW_NONE: nobody's */
    uint32_t otherwise;                /* the view with `any`, or VIEW_NONE */
};
struct viewmap_networks viewmap_networks(const struct viewmap *map, const struct address *listen);

/* Is there an address on which queries could reach both views, and neither is better placed there: both limited to it,
 * or both limited to none? */
bool viewmap_rivals(const struct config_section *a, const struct config_section *b);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keeper: the store as a daemon sees it over time: the newest generation that can be served, and the older ones that
 * someone still holds. Watches for a new head, for a store that appears, and for one that was replaced by another file.
 *
 * It holds each generation itself until nobody else does, so the read transaction in it ends on the thread that owns
 * the store. All functions belong to that thread.
 */
#ifndef SPLITVIEW_RESOLVER_KEEPER_H
#define SPLITVIEW_RESOLVER_KEEPER_H

#include "policy/generation.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stdint.h>

struct keeper;

/*
 * Open the store in `folder` (copied) and load its head. Without a store, or with an empty one, there is the empty
 * generation, number 0. STORE, DAMAGED, IO, NO_MEMORY with messages; warnings may come with success.
 */
enum status keeper_open(const char *folder, uint64_t map_size, struct diag *diag, struct keeper **keeper);

/* Nobody but the keeper holds a generation any more. NULL allowed. */
void keeper_close(struct keeper *keeper);

/* The newest generation; borrowed, valid at least until the next keeper_look: hold it to keep it. */
struct generation *keeper_current(const struct keeper *keeper);

/* Is there a store (and not only the hope for one)? */
bool keeper_has_store(const struct keeper *keeper);

/*
 * Look for something newer; cheap when there is nothing (`thorough`: also when the cheap signs say so). *changed: there
 * is a new keeper_current. On failure the old generation stays and the messages say why; the same failure is reported
 * each time, the caller decides what to repeat.
 */
enum status keeper_look(struct keeper *keeper, bool thorough, struct diag *diag, bool *changed);

/* Free the older generations that nobody else holds, and replaced stores that no generation needs. */
void keeper_reap(struct keeper *keeper);

#endif

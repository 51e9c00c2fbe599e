/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * moves: which client networks another view answers after a change of policy. Pure functions over policies that
 * nobody changes; any thread.
 */
#ifndef SPLITVIEW_POLICY_MOVES_H
#define SPLITVIEW_POLICY_MOVES_H

#include "policy/policy.h"
#include "policy/prefix.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The addresses of a network, or (`any`) all that no network of either policy holds, move from one view to another. */
struct move {
    struct prefix network;
    bool any;
    uint32_t before; /* view of the old policy; VIEW_NONE: refused */
    uint32_t after;  /* view of the new policy; VIEW_NONE: refused */
};

/*
 * Compare two policies (NULL: one that refuses everybody); views are the same if their names are. A network inside
 * another that moves the same way is not named again. Networks come in the order of their addresses, `any` first. Views
 * limited to listen addresses are not looked at, nor are keys. *moves is the caller's to memory_free. NO_MEMORY.
 */
enum status moves_find(const struct policy *before, const struct policy *after, struct move **moves, size_t *count);

#endif

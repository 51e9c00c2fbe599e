/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits: is a candidate suspiciously different from what is served? One thread.
 */
#ifndef SPLITVIEW_POLICY_LIMITS_H
#define SPLITVIEW_POLICY_LIMITS_H

#include "policy/candidate.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stdint.h>

/* How much an import may change in any one view. */
struct limits {
    bool has_change_percent;
    uint32_t change_percent; /* answers changed, of those that the view gave before, in percent */
    bool has_removed;
    uint64_t removed; /* answers that the view gave before and gives no more */
};

/*
 * Compare with the generation at the head of the store; its catalogs must be built. Nothing at the head: fine. Each
 * view over a limit gives a message, an error or (`force`) a warning. BAD_INPUT if there was an error; DAMAGED, STORE,
 * NO_MEMORY.
 */
enum status limits_check(const struct limits *limits, bool force, struct candidate *candidate, struct diag *diag);

#endif

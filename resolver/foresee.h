/* SPDX-License-Identifier: BSD-2-Clause */
/* foresee: what a batch of queries will probably look up, fetched before the first is answered (prefetch.h). One
 * thread. */
#ifndef SPLITVIEW_RESOLVER_FORESEE_H
#define SPLITVIEW_RESOLVER_FORESEE_H

#include "policy/generation.h"
#include "policy/view.h"
#include "zones/prefetch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a query before it is answered. */
struct foreseen {
    bool is_known;           /* the rest is valid */
    struct view_match view;  /* if no key and no subnet decides */
    struct name_split split; /* of the name behind the header */
};

/* Look at a query's first question; the bytes may be anything. prefetch_finish comes next, for the whole batch. */
void foresee(const struct generation *generation, const struct client *client, const uint8_t *wire, size_t size,
             struct foreseen *foreseen, struct prefetch *prefetch);

#endif

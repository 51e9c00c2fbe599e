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
    struct view_match view;  /* if no key and no subnet decides */
    bool is_known;           /* the rest is valid, and the view is not VIEW_NONE */
    struct name_split split; /* of the name behind the header */
};

/* Which view the client sees. */
void foresee_view(const struct generation *generation, const struct client *client, struct foreseen *foreseen);

/* Look at a query's first question, after foresee_view; the bytes may be anything. prefetch_finish comes next, for the
 * whole batch. */
void foresee_name(const struct generation *generation, const uint8_t *wire, size_t size, struct foreseen *foreseen,
                  struct prefetch *prefetch);

#endif

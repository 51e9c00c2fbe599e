/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * foreign: the part of an answer that comes from upstream. Each name on the way is looked for in the view's own zones
 * first, then among the names that are answered here or that a [forward] section sends to another upstream; what
 * upstream says of such a name is never used.
 */
#ifndef SPLITVIEW_RESOLVER_FOREIGN_H
#define SPLITVIEW_RESOLVER_FOREIGN_H

#include "policy/decide.h"
#include "resolver/query.h"

/* RFC 8914 5.2: what a foreign answer can say of itself. */
enum foreign_error {
    FOREIGN_STALE = 3,
    FOREIGN_NOT_READY = 14, /* too many questions are under way, or one leads to too many others */
    FOREIGN_FILTERED = 17,
    FOREIGN_NO_UPSTREAM = 22,
    FOREIGN_NETWORK_ERROR = 23
};

/* A text for a code, upstream's own codes included; NULL: the code says it all. */
const char *foreign_error_text(int code);

/*
 * Go on where the view's zones ended: query->answer has OUTCOME_FORWARD, `route` says where to. Appends what is known,
 * and follows it back into the view's zones and out again, at most WAITER_ROUNDS_MAX times. Either query->answer is
 * whole then (SERVFAIL included), or query->is_waiting is set and query->foreign is what must be asked.
 */
void foreign_follow(const struct query_env *env, const struct question *question, struct forward_route *route,
                    struct query *query);

#endif

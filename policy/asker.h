/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * asker: who asks in a view test or an explanation, as one writes it: an address, the name of a view, or @NETWORK, a
 * place where a client can be (format.md sections 2 and 4). A pure function over a policy; any thread.
 */
#ifndef SPLITVIEW_POLICY_ASKER_H
#define SPLITVIEW_POLICY_ASKER_H

#include "policy/decide.h"
#include "policy/forward.h"
#include "policy/generation.h"
#include "policy/policy.h"
#include "policy/prefix.h"
#include "zones/answer.h"
#include "zones/status.h"
#include "zones/trace.h"

#include <stddef.h>
#include <stdint.h>

#define ASKER_TEXT_MAX   64 /* bytes with the final zero: the longest form is an address */
#define ASKER_WANTED_MAX 400

struct asker {
    char text[ASKER_TEXT_MAX]; /* as written */
    struct address address;    /* decides the view; family 0: `view` is known already */
    uint32_t view;             /* VIEW_NONE: nobody's; only without an address */
};

/*
 * Read one of the three forms. A network that [network] does not know is one of the built-in ones; without `from` its
 * clients have the first host of the first internal view's lowest network, those of a guest network of the first
 * external view's that lists networks; those of cellular and home networks, and all who ask a public resolver, have
 * nobody's address: the view with `any` answers them. BAD_INPUT: then `wanted` says what should stand there.
 */
enum status asker_read(const struct policy *policy, const char *text, size_t length, struct asker *asker,
                       char wanted[ASKER_WANTED_MAX]);

/* The view itself. */
void asker_of_view(const struct policy *policy, uint32_t view, struct asker *asker);

/*
 * As decide_answer for this asker, of whom `how` says the rest: listen address, transport, key. Where the view is known
 * already, it is not looked for. `trace` and `route` may be NULL; the route is filled if answer->next is not NULL.
 */
struct view_match asker_decide(const struct generation *generation, const struct asker *asker, const struct client *how,
                               const struct question *question, struct answer *answer, struct trace *trace,
                               struct forward_route *route);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes: what answers differ between two generations, per view. `diff`, `log`, `import --dry-run` and the limits on
 * a suspicious import all start from it.
 *
 * Names to look at come from the RRsets that differ (zones/diff.h), and from what a name that comes or goes does to
 * the names around it: empty non-terminals, wildcards, delegations, zones inside zones. Then both generations are
 * asked, and only what they answer differently counts; names that differ because their CNAME or DNAME leads to one that
 * differs are found too. Serials do not count, nor does the SOA of a negative answer. Clients want recursion; nobody is
 * asked upstream, so of names that are left to others only where they go is compared. One thread; both generations are
 * only read.
 */
#ifndef SPLITVIEW_POLICY_CHANGES_H
#define SPLITVIEW_POLICY_CHANGES_H

#include "policy/changes_forward.h"
#include "policy/generation.h"
#include "policy/moves.h"
#include "zones/answer.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHANGES_NO_GROUP UINT32_MAX

/* A view of either generation. */
struct changes_view {
    const char *name; /* borrowed from the policy */
    uint32_t before;  /* index in the old generation; VIEW_NONE: the view was added */
    uint32_t after;   /* index in the new generation; VIEW_NONE: the view was removed */
    uint32_t group;   /* views with the same zones and the same forwarding, before and after; CHANGES_NO_GROUP: added or
                         removed, or the zones are the same before and after */
};

struct changes {
    const struct generation *before;
    const struct generation *after;
    bool same_ids;              /* both are of one store: equal image ids mean equal images */
    struct changes_view *views; /* those of the new generation in its order, then those removed */
    uint32_t view_count;
    uint32_t group_count; /* groups are numbered in the order of their first views */
    struct move *moves;   /* client networks that another view answers now */
    size_t move_count;
    struct changes_forward forward;
};

/* Compare the views and who sees them, not yet the answers. Both generations must outlive the result. NO_MEMORY. */
enum status changes_new(const struct generation *before, const struct generation *after, bool same_ids,
                        struct changes **changes);
void changes_free(struct changes *changes);

/* One question that is answered differently. All of it is valid during the call only. */
struct change {
    const uint8_t *name;
    uint16_t type; /* 0: whatever is asked, the name has no records before nor after */
    /* A wildcard that is not there, or is there on one side only, stands for the names below its parent that do not
     * exist. */
    const struct answer *before;
    const struct answer *after;
    const struct forward_route *before_route; /* where the answer goes on; NULL: our zones decide all of it */
    const struct forward_route *after_route;
    bool is_indirect; /* nothing differs at the name itself: its CNAME or DNAME leads to one that differs */
};

struct changes_counts {
    uint64_t names;   /* names with at least one other answer */
    uint64_t answers; /* questions, each a name and a type, answered differently */
    uint64_t removed; /* of the answers: there were data, and now there are none */
    uint32_t zones_added;
    uint32_t zones_removed;
    uint32_t zones_changed; /* zones in both with other content */
    bool is_routed;         /* some of the names asked for is left to others, before or after */
};

/* False: do not call again; what follows is only counted. */
typedef bool changes_visit(void *context, const struct change *change);

/*
 * Ask both generations in the views of a group. Names come in canonical order, types rising; the indirect ones after
 * all others, in canonical order again for each step of a chain. `visit` may be NULL. Damaged images give a warning
 * each, and whatever the server would answer. NO_MEMORY, DAMAGED (a catalog).
 */
enum status changes_walk(const struct changes *changes, uint32_t group, changes_visit *visit, void *context,
                         struct changes_counts *counts, struct diag *diag);

/*
 * After a walk of `group` whose counts were not `is_routed`: views with the same zones that forward differently see the
 * same changes. They join the group, and their own groups are empty from then on.
 */
void changes_join(struct changes *changes, uint32_t group);

/* Is there any difference an asking client can see in the views, their clients and their forwarding? */
bool changes_in_views(const struct changes *changes);

#endif

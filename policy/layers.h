/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layers: the flat zones of a plan (flatten.h): text read, facts merged, layers put together (overlay.h), judged. A
 * zone stands alone or on the one below; zones of a view with [ttl] rules are made together, because a CNAME carries
 * its limit through all of them.
 *
 * One thread. Flat zones are kept until layers_drop; what is missing below a zone is made again without messages.
 */
#ifndef SPLITVIEW_POLICY_LAYERS_H
#define SPLITVIEW_POLICY_LAYERS_H

#include "policy/depth.h"
#include "policy/flatten.h"
#include "policy/input.h"
#include "policy/synthesis.h"
#include "zones/source.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One file of the plan. */
struct layer {
    size_t first_above; /* the zones that have it as their base: the first one, the next with the same; FLATTEN_NONE */
    size_t next_above;
    struct zone *flat;           /* NULL: not made, or dropped */
    bool is_fine;                /* the zone was found in order, now or by an earlier import */
    size_t size;                 /* bytes of `flat`, where it counts in `held` */
    struct input_file *includes; /* of its file, found by layers_make; paths owned */
    size_t include_count;
    size_t include_capacity;
};

struct layers {
    struct source *source;
    const struct policy *policy;
    const struct synthesis *synthesis;
    const struct flatten *plan;
    uint64_t memory_max; /* bytes: for one zone under way, and for the zones that are made together */
    void (*progress)(void *context, uint64_t records); /* of the file under way */
    void *progress_context;
    struct depth depth;
    struct layer *files;                   /* per file of the plan */
    struct autodiscover_borders **borders; /* per view; made when needed */
    uint64_t held;                         /* bytes of the flat zones of views that are made together */
    bool is_quiet;                         /* made again: all was said when it was made first */
};

/* The caller has set the members up to progress_context and zeroed the rest. NO_MEMORY; layers_clear in any case. */
enum status layers_init(struct layers *layers);
void layers_clear(struct layers *layers);

/*
 * Make the flat zone of a served file; `text` is taken, and empty where there is no file. All zones below are in order
 * or said to be not. Of a view that is whole (synthesis.h), [ttl] rules are still to be applied. BAD_INPUT with
 * messages, unless a zone below is to blame; TOO_LARGE; NO_MEMORY, IO.
 */
enum status layers_make(struct layers *layers, size_t index, struct source_file *text, struct diag *diag);

/* Apply the [ttl] rules of a whole view, all of whose zones are made. BAD_INPUT with messages; NO_MEMORY. */
enum status layers_finish_view(struct layers *layers, uint32_t view, struct diag *diag);

/* The text of a file of the plan, which may have none. BAD_INPUT with a message. */
enum status layers_read(const struct layers *layers, size_t index, struct source_file *text, struct diag *diag);

/* Free a flat zone that is not needed any more, those of a whole view, or what is left of the zones below one. */
void layers_drop(struct layers *layers, size_t index);
void layers_drop_view(struct layers *layers, uint32_t view);
void layers_drop_below(struct layers *layers, size_t index);

/* Forget what layers_make noted of a file's includes. */
void layers_forget_includes(struct layers *layers, size_t index);

#endif

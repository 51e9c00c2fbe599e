/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten: which zones each view serves, and what each is made of: a file of the tree, a zone of the view's base,
 * hides; an inherited zone is the view's own where its facts, rules or [forward] domains change it (format: folders,
 * P1, P3, P5, P6, P9, A5, A8, A9, A27). Putting the layers together is layers.h's.
 *
 * One thread. The plan keeps no pointer to the source; the names of hides are the policy's.
 */
#ifndef SPLITVIEW_POLICY_FLATTEN_H
#define SPLITVIEW_POLICY_FLATTEN_H

#include "policy/overlay.h"
#include "policy/policy.h"
#include "policy/synthesis.h"
#include "zones/source.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One zone that at least its own view serves: its file, or what the policy makes of the base's zone without one. */
struct flatten_file {
    char *path;     /* from the tree's root; owned. Without a file policy.conf */
    uint8_t *apex;  /* lowered; owned */
    uint8_t size;   /* bytes of the apex */
    bool is_served; /* false: its mode is none here, or is an error */
    bool has_id;    /* `id` is known without reading the file (source.h) */
    bool has_text;  /* there is a file */
    uint32_t view;  /* whose folder it lies in */
    uint8_t id[SOURCE_ID_SIZE];
    enum zone_mode mode; /* of a served one: FULL, OVERLAY, PINPOINT */
    size_t base;         /* the zone of the view's base that this one stands on, a number of `files`; FLATTEN_NONE */
    struct overlay_hide *hides; /* that fall into this zone; owned */
    size_t hide_count;
    struct overlay_forward *forwards; /* that lie in this zone, if its view has them; owned */
    size_t forward_count;
};

#define FLATTEN_NONE SIZE_MAX

/* The zones of one view: indexes into flatten->files, in the order of the apexes' octets. */
struct flatten_view {
    size_t *zones;
    size_t count;
    uint32_t
        same_as; /* a view of its bases that serves exactly the same zones and holds the list; else its own number */
};

struct flatten {
    struct flatten_file *files; /* those with a file by view, then apex; then those without */
    size_t file_count;
    size_t *first_file;         /* per view, and one more: where its own files begin in `files` */
    struct flatten_view *views; /* one per view of the policy */
    uint32_t view_count;
};

/*
 * Look through the top folders of the tree and decide. All errors are reported: a folder with zone files that is no
 * view, a file name that is no apex, an apex twice in a folder, a mode that cannot be, a hide
 * in no zone of its view, a [forward] domain that is a zone of its view and no pinpoint one. BAD_INPUT with messages;
 * IO, NO_MEMORY. *plan is the caller's to flatten_free, and is set also with BAD_INPUT: its files may be read to find
 * their errors too.
 */
enum status flatten_plan(struct source *source, const struct synthesis *synthesis, struct diag *diag,
                         struct flatten **plan);

/* The view's own file for an apex, whether it serves it or not; FLATTEN_NONE. */
size_t flatten_find_own(const struct flatten *plan, uint32_t view, const uint8_t *apex);

/* What a view serves at a lowered apex, and where that stands in its list, or would stand; FLATTEN_NONE: nothing. */
size_t flatten_find_served(const struct flatten *plan, uint32_t view, const uint8_t *apex, size_t *place);

/* NULL allowed. */
void flatten_free(struct flatten *plan);

#endif

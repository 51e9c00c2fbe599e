/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * candidate: a tree of zones, read, checked and compiled, before anything of it is published: its policy, which zones
 * each view serves, and an image of each. Tests and comparisons run on it (generation_from_candidate), publish makes it
 * a generation.
 *
 * With a store, a zone whose input is known there - file, included files, deeper zones, facts and rules of the policy,
 * version of the compiler - is neither read nor compiled again: its image is taken from the store, with the messages
 * that making it gave. Zones of a view with [ttl] rules are known together or not at all.
 *
 * One thread.
 */
#ifndef SPLITVIEW_POLICY_CANDIDATE_H
#define SPLITVIEW_POLICY_CANDIDATE_H

#include "policy/flatten.h"
#include "policy/policy.h"
#include "zones/image.h"
#include "zones/source.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANDIDATE_MEMORY_DEFAULT (UINT64_C(512) << 20) /* bytes */

/* In an image id: the image lies in the candidate's memory, and the rest is the number of its file. */
#define CANDIDATE_IN_MEMORY (UINT64_C(1) << 63)

/* What becomes of images that are not in the store. */
enum candidate_images {
    CANDIDATE_DROP, /* only the checks matter; no generation can be made of it */
    CANDIDATE_KEEP, /* in memory */
    CANDIDATE_STORE /* into the store, which was opened for writing */
};

/* How far the reading is. */
struct candidate_progress {
    size_t files; /* read, or known already */
    size_t files_all;
    uint64_t records;
    bool is_reading; /* false: all is read */
};

struct candidate_options {
    struct source *source;
    struct store *store; /* where known zones are looked up; NULL: none. Opened either way, unless images is STORE */
    enum candidate_images images;
    uint64_t memory_max; /* bytes for one zone under way, and for zones made together; 0: CANDIDATE_MEMORY_DEFAULT */
    void (*progress)(void *context, const struct candidate_progress *progress); /* NULL allowed; called often */
    void *progress_context;
};

/* One file of the plan. */
struct candidate_file {
    uint64_t image_id; /* 0: not served, or dropped; CANDIDATE_IN_MEMORY with the file's number: `block` */
    uint8_t *block;    /* owned */
    size_t size;       /* bytes */
    uint8_t *origins;  /* with `block`: where its records were written (origins.h); owned */
    size_t origins_size;
    uint32_t file_serial;
    uint32_t record_count;
    uint32_t serial; /* to publish; the file's unless somebody sets another before candidate_build_catalogs */
};

struct candidate {
    struct source *source; /* borrowed */
    struct store *store;   /* borrowed */
    enum candidate_images images;
    char commit[2 * SOURCE_ID_SIZE + 1]; /* the repository's, or for a folder the SHA-256 of all that was read; hex */
    struct source_file policy_text;
    struct policy *policy;
    struct synthesis *synthesis;
    struct flatten *plan;
    struct candidate_file *files; /* one per file of the plan */
    struct store_view *views;     /* one per view of the policy; NULL before candidate_build_catalogs */
    uint32_t zone_count;          /* over all views, inherited ones too */
    uint64_t record_count;        /* over all views */
    uint32_t images_new;          /* made, and not in the store before */
    uint32_t images_reused;       /* the rest */
    uint32_t files_known;         /* of those: neither read nor compiled */
};

/*
 * Read the tree. All errors are reported before it gives up. BAD_INPUT, NOT_SUPPORTED, TOO_LARGE (memory_max), IO,
 * STORE, STORE_FULL, NO_MEMORY, with messages. *candidate is the caller's to candidate_free, before source and store
 * are closed; NULL on errors.
 */
enum status candidate_read(const struct candidate_options *options, struct diag *diag, struct candidate **candidate);

/* Set zone_count and record_count by what the views serve; candidate_read does. */
void candidate_count(struct candidate *candidate);

/* The catalogs of all views, with the serials in `files`. Views that serve the same zones share a block. Once, and not
 * after CANDIDATE_DROP. NO_MEMORY, TOO_LARGE, with a message. */
enum status candidate_build_catalogs(struct candidate *candidate, struct diag *diag);

/* The origins of the image with this number in memory (CANDIDATE_IN_MEMORY); false: there are none. */
bool candidate_origins(const struct candidate *candidate, size_t index, const void **table, size_t *size);

/* NULL allowed. No generation made from it may be left. */
void candidate_free(struct candidate *candidate);

#endif

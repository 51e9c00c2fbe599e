/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation: the immutable bundle that answers are decided from: parsed policy, one catalog per view, and the blocks
 * of the images, all of one published generation, or of a candidate for the next.
 *
 * It owns one read transaction of the store, so every byte it points at stays until generation_release by the last
 * holder; what comes from a candidate stays as long as the candidate. Built and freed by one thread (the one that owns
 * the store); holders on other threads only read, and count themselves with atomics. The one thing that changes behind
 * their backs are entries of `images`, each once, from unknown to where its image is (catalog_image).
 */
#ifndef SPLITVIEW_POLICY_GENERATION_H
#define SPLITVIEW_POLICY_GENERATION_H

#include "policy/candidate.h"
#include "policy/policy.h"
#include "zones/catalog.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct generation {
    uint64_t number;          /* 0: not published; without a policy nothing is, and every question is REFUSED */
    char commit[65];          /* hex, zero-terminated; "" for number 0 */
    uint64_t published;       /* seconds since 1970 */
    struct policy *policy;    /* NULL: the empty generation */
    struct catalog *catalogs; /* one per view of the policy */
    uint32_t catalog_count;
    uint64_t record_count;
    uint32_t zone_count;
    struct image_ref *images;          /* what the catalogs' `images` point into */
    uint32_t *alike;                   /* per view: the first that answers every question alike; often itself */
    struct snapshot *snapshot;         /* NULL: no image lies in a store */
    struct store_images *stored;       /* where images are found; NULL: they are all in `images` */
    const struct candidate *candidate; /* whose policy and catalogs are borrowed; NULL: published */
    atomic_uint holders;

    /* How far generation_settle has come; for the thread that owns the store. */
    uint32_t settled_view;
    uint32_t settled;
};

/*
 * Load the head of `store` (NULL store: the empty generation). The result has one holder. If the newest cannot be read
 * (policy of a newer version), the newest that can is taken, with a warning in `diag`. STORE, DAMAGED, NO_MEMORY:
 * nothing could be loaded.
 */
enum status generation_load(struct store *store, struct diag *diag, struct generation **generation);

/*
 * The same in a time that hardly grows with the number of images: none is looked for. The first question for a zone
 * finds its image, and those that are missing are not told about; generation_settle does both.
 */
enum status generation_open(struct store *store, struct diag *diag, struct generation **generation);

/* Look for up to `most` images that it did not look for before, on the thread that owns the store; with a warning in
 * `diag` for each that is missing. True: there are no more. */
bool generation_settle(struct generation *generation, uint32_t most, struct diag *diag);

/* Load generation `number`, from 1, and no other. NOT_FOUND: the store does not hold it (any more), without a message;
 * BAD_INPUT, NOT_SUPPORTED: this version cannot read its policy; STORE, DAMAGED, NO_MEMORY. */
enum status generation_load_number(struct store *store, uint64_t number, struct diag *diag,
                                   struct generation **generation);

/*
 * A generation with the answers that `candidate` would give if it were published, number 0. The catalogs must be built
 * (candidate_build_catalogs); what the candidate put into its store is flushed. The candidate must outlive the result,
 * which has one holder. STORE, DAMAGED, NO_MEMORY, with a message.
 */
enum status generation_from_candidate(struct candidate *candidate, struct diag *diag, struct generation **generation);

/* Count one more holder; any thread that holds it may. */
void generation_hold(struct generation *generation);

/* One holder less; true if it was the last: then someone must call generation_free on the thread that owns the store.
 */
bool generation_release(struct generation *generation);

/* Ends the read transaction and frees all. No holders may be left. NULL allowed. */
void generation_free(struct generation *generation);

#endif

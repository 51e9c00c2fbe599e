/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish: from a tree to a generation: candidate (candidate.h) -> serials (serial.h) -> catalogs -> the tree's own
 * tests (casefile.h) -> limits (limits.h) -> one transaction of the store.
 */
#ifndef SPLITVIEW_POLICY_PUBLISH_H
#define SPLITVIEW_POLICY_PUBLISH_H

#include "policy/candidate.h"
#include "policy/limits.h"
#include "policy/serial.h"
#include "policy/server.h"
#include "zones/source.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stdint.h>

struct publish_options {
    struct source *source;
    struct store *store;          /* opened for writing, for a dry run either way; NULL: only check the tree */
    bool dry_run;                 /* everything but the publishing */
    bool force;                   /* limits warn and do not refuse */
    uint64_t now;                 /* seconds since 1970, for the generation's record */
    uint64_t memory_max;          /* bytes (candidate.h); 0: the default */
    struct serial_options serial; /* `now` is set here */
    struct limits limits;
    const struct server_config *server; /* no upstream may be the server itself (own_address.h); NULL: not known */
    const char *server_path;            /* its file, for messages */
    void (*progress)(void *context, const struct candidate_progress *progress); /* NULL allowed */
    void *progress_context;
};

struct publish_result {
    uint64_t generation; /* number published, or of the unchanged head; 0: none (dry run, check only, or failed) */
    char commit[65];     /* of what was read: the repository's, or for a folder the SHA-256 of its content; hex */
    uint32_t views;
    uint32_t zones;         /* zones over all views, inherited ones too */
    uint32_t images_new;    /* made now, and not in the store before */
    uint32_t images_reused; /* in the store before */
    uint32_t files_known;   /* of those: neither read nor compiled, because nothing that went in had changed */
    uint64_t records;
    uint64_t tests; /* view tests that were run (casefile.h) */
    uint64_t tests_failed;
    uint64_t published_ns; /* monotonic clock: when the transaction was over; 0: there was none */
    bool unchanged; /* the store's head has the same commit, policy and catalogs already; nothing was published */
};

/*
 * All errors of the tree are reported before it gives up; nothing is published unless there is none. BAD_INPUT (also:
 * the store is pinned, a limit is passed), NOT_SUPPORTED, TOO_LARGE, IO, STORE, STORE_FULL, NO_MEMORY, with messages.
 */
enum status publish_run(const struct publish_options *options, struct publish_result *result, struct diag *diag);

/*
 * The two halves of publish_run, for whoever wants to look at the candidate between or after them. The first looks at
 * the pin and reads; *candidate is the caller's to candidate_free. After the second the candidate has its serials and
 * catalogs. Not without a store.
 */
enum status publish_read(const struct publish_options *options, struct publish_result *result, struct diag *diag,
                         struct candidate **candidate);
enum status publish_candidate(const struct publish_options *options, struct candidate *candidate,
                              struct publish_result *result, struct diag *diag);

#endif

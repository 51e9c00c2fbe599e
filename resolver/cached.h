/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cached: one foreign answer, scrubbed, in one block of memory: what upstream said to one question, or that it failed.
 * Immutable but for its holders. One thread's: a worker's.
 */
#ifndef SPLITVIEW_RESOLVER_CACHED_H
#define SPLITVIEW_RESOLVER_CACHED_H

#include "zones/answer.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHED_FAILURE_TTL 5  /* seconds a failure is remembered, RFC 2308 7, RFC 9520 */
#define CACHED_STALE_TTL   30 /* seconds, the TTL of stale data, RFC 8767 4 */

/* The question, and whose. Its name is borrowed; letters compare without case. */
struct cached_key {
    uint64_t identity; /* forward_identity of the view that asks: answers of other policies are never seen */
    const uint8_t *name;
    uint16_t type;
    bool dnssec_ok;         /* DO */
    bool checking_disabled; /* CD */
    /* Labels that an ancestor must have at least for its NXDOMAIN to count here (RFC 8020): those of the route's
     * [forward] domain, and at least 1, so that nothing is heard of who is not asked; 0: no ancestor's counts. */
    uint8_t cut_labels;
};

struct cached_rrset {
    const uint8_t *owner; /* a name, inside the block */
    struct rrset rrset;   /* its data inside the block; ttl as it was when stored, clamped already */
    enum section section; /* ANSWER: the chain in its order, then the data; AUTHORITY: SOA and proofs of a denial */
    bool is_asked;        /* the owner is the name asked */
};

struct cached {
    uint32_t holders;
    uint32_t bytes;     /* of the block */
    uint64_t stored_ms; /* monotonic clock */
    uint32_t ttl;     /* seconds it may be served: the least of its RRsets, or the negative TTL; 0: only to who waits */
    enum rcode rcode; /* NOERROR, NXDOMAIN, YXDOMAIN, or SERVFAIL: a failure, with extended_error */
    bool is_authentic;      /* AD, from a group whose AD bit is believed */
    int16_t extended_error; /* RFC 8914 code, -1: none */
    uint16_t links; /* of the RRsets, the first so many are the chain: CNAMEs that lead on, their DNAMEs and RRSIGs */
    uint16_t count;
    struct cached_rrset rrsets[];
};

/* A failure: SERVFAIL with an RFC 8914 code (-1: none), for CACHED_FAILURE_TTL; one holder. NULL: no memory. */
struct cached *cached_failure(int extended_error, uint64_t now_ms);
bool cached_is_failure(const struct cached *cached);

void cached_hold(struct cached *cached);
void cached_release(struct cached *cached); /* NULL allowed */

/* Seconds left at `now_ms`; 0: expired. */
uint32_t cached_ttl_left(const struct cached *cached, uint64_t now_ms);

/*
 * Append to `answer`, counted down to `now_ms` (an expired one with CACHED_STALE_TTL), following the chain from `name`,
 * which is the name that was asked upstream, in the spelling to send: up to and including the first CNAME whose target
 * `is_ours` (NULL: nobody asks) says others answer, then *next is that target and the rest is left out, as is a DNAME
 * whose owner is such a name (the CNAME made from it stands alone); else
 * to the end, and answer->rcode and outcome are set. *next is NULL then, unless upstream did not finish the chain: the
 * name it stopped at, to be asked for (as it stands, the answer is NODATA).
 * RRsets, *next and `name` stay borrowed. RRsets of the chain that stand in the answer already are not added again; the
 * answer holds nothing but RRsets of its answer section before.
 */
void cached_append(const struct cached *cached, const uint8_t *name, uint64_t now_ms,
                   bool (*is_ours)(void *context, const uint8_t *name), void *context, struct answer *answer,
                   const uint8_t **next);

#endif

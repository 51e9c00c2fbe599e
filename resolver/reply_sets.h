/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply_sets: the RRsets of a parsed reply that are to be kept, and the cached answer made of them. Applies what holds
 * for each RRset alone: doubles go, TTLs are clamped, RRSIGs come along, private addresses are kept out. One thread.
 */
#ifndef SPLITVIEW_RESOLVER_REPLY_SETS_H
#define SPLITVIEW_RESOLVER_REPLY_SETS_H

#include "resolver/reply.h"
#include "resolver/reply_parse.h"

#include <stdbool.h>
#include <stdint.h>

#define REPLY_SETS_MAX ANSWER_RRSETS_MAX

/* RDATA that are kept, borrowed. */
struct reply_pick {
    const uint8_t *rdata;
    uint16_t size;  /* bytes */
    uint32_t order; /* in the reply */
};

struct reply_set {
    const uint8_t *owner; /* borrowed */
    uint32_t ttl;         /* seconds, clamped */
    uint32_t first;       /* of the picks */
    uint32_t count;
    uint16_t type;
    enum section section;
};

/* All pointers but `picks` are borrowed. */
struct reply_sets {
    const struct reply_question *question;
    const struct reply_rules *rules;
    const struct reply_parsed *parsed;
    struct reply_pick *picks; /* owned; room for each record once, and for ANSWER_CHAIN_MAX made ones */
    uint32_t pick_count;
    uint32_t pick_most;
    uint32_t ttl;     /* seconds: the least of all sets, also of what was filtered; UINT32_MAX: none yet */
    bool is_filtered; /* private addresses were kept out */
    unsigned count;
    struct reply_set set[REPLY_SETS_MAX];
    uint8_t asked[NAME_SIZE_MAX]; /* the question's name, lowered */
};

/* False: no memory. Clear in either case. */
bool reply_sets_init(struct reply_sets *sets, const struct reply_question *question, const struct reply_rules *rules,
                     const struct reply_parsed *parsed);
void reply_sets_clear(struct reply_sets *sets);

enum reply_keep {
    REPLY_KEEP_NONE, /* there is none, or it was filtered, or (of ANY alone) there are too many */
    REPLY_KEEP_DONE, /* also if it was kept before */
    REPLY_KEEP_BAD   /* two of a type that comes alone: malformed */
};

/* Keep a RRset, and with DO its RRSIGs. Each RRset takes its records once. */
enum reply_keep reply_sets_keep(struct reply_sets *sets, enum section section, const uint8_t *owner, uint16_t type);

/* Keep a CNAME that the reply does not have, or has with another TTL. */
enum reply_keep reply_sets_keep_alias(struct reply_sets *sets, const uint8_t *owner, const uint8_t *target,
                                      uint32_t ttl);

/* NULL: not kept. */
const struct reply_set *reply_sets_find(const struct reply_sets *sets, enum section section, const uint8_t *owner,
                                        uint16_t type);

/* All that was kept, in the order in which it was; the first `links` RRsets are the chain. NULL: no memory. */
struct cached *reply_sets_cached(const struct reply_sets *sets, enum rcode rcode, unsigned links, uint64_t now_ms);

#endif

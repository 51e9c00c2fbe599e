/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply: what an upstream resolver sends back: is it an answer to what was asked, and what of it is to be believed.
 * Hostile input. Pure functions; any thread.
 */
#ifndef SPLITVIEW_RESOLVER_REPLY_H
#define SPLITVIEW_RESOLVER_REPLY_H

#include "policy/forward.h"
#include "policy/policy.h"
#include "resolver/cached.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_TTL_MAX      86400 /* seconds; longer ones are cut to this */
#define REPLY_NEGATIVE_MAX 3600  /* seconds, of an answer that denies (RFC 2308 5) */
#define REPLY_QUERY_MAX    300   /* bytes of a question as it is sent */

/* What was asked, as it went out. */
struct reply_question {
    uint16_t id;
    const uint8_t *name; /* with the case that was sent */
    uint16_t type;
    bool dnssec_ok;
    bool checking_disabled;
    bool has_edns;
    bool exact_case; /* the case must come back */
};

enum reply_verdict {
    REPLY_GOOD,
    REPLY_TRUNCATED,  /* TC: ask over TCP */
    REPLY_FOREIGN,    /* not an answer to this question (ID, QR, opcode, question): as if it had not come */
    REPLY_WRONG_CASE, /* all is right but the case of the question */
    REPLY_NO_EDNS,    /* FORMERR, NOTIMP or BADVERS to a question with EDNS: ask again without */
    REPLY_FAILED,     /* SERVFAIL, REFUSED and other rcodes that are no answer, lame: ask another server */
    REPLY_MALFORMED   /* cannot be parsed: ask another server */
};

/* Write the question: RD, CD and AD as told, EDNS with 1232 bytes and DO unless has_edns is false. Returns its size. */
size_t reply_write_question(const struct reply_question *question, bool wants_ad, uint8_t wire[REPLY_QUERY_MAX]);

/* Only header and question are looked at; GOOD: go on with reply_scrub. Of replies that say FORMERR or NOTIMP the
 * question may be missing. TC is told of answers alone: a failure is one, cut off or not. */
enum reply_verdict reply_match(const struct reply_question *question, const uint8_t *wire, size_t size);

/* The RFC 8914 code in a matching reply that was FAILED; -1: none, or it cannot be parsed. */
int reply_extended_error(const uint8_t *wire, size_t size);

/* What is believed, and how. */
struct reply_rules {
    const struct policy *policy;        /* whose [ttl] rules hold (forward_ttl); NULL: none */
    const struct upstream_group *group; /* whose AD and private_answers count */
    bool private_allowed;               /* by the route */
};

/*
 * Keep of a matching reply what answers the question: the CNAME and DNAME chain from its name, in order, however the
 * reply ordered it; the data at the end of it; with DO their RRSIGs; of a denial the SOA, which must be an ancestor of
 * the last name; with DO the NSEC and NSEC3 that are signed by a zone which holds a name of the chain. All else goes.
 *
 * A CNAME wins over data at its owner. A CNAME below a DNAME must be the one that follows from it, and is made where it
 * is missing (RFC 6672 3.1). Loops and chains over ANSWER_CHAIN_MAX end as far as they got, NOERROR. A denial lasts for
 * the least of its SOA's TTL and minimum (RFC 2308 5), one without a SOA for CACHED_FAILURE_TTL.
 *
 * Private addresses (rdata_is_private) from who may not give them: the RRset goes, as if it did not exist, and
 * extended_error is 17 (filtered); else extended_error is upstream's own. An owner may give them if it, or the name
 * asked, is in the group's private_answers.
 *
 * GOOD: *cached has one holder. Other verdicts: *cached is NULL. NO_EDNS: BADVERS. FAILED: an rcode that is no answer,
 * or lame: a referral. MALFORMED: also an answer that contradicts itself (data and NXDOMAIN, two CNAMEs), or no memory.
 */
enum reply_verdict reply_scrub(const struct reply_question *question, const struct reply_rules *rules,
                               const uint8_t *wire, size_t size, uint64_t now_ms, struct cached **cached);

#endif

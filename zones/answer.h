/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer: a decided answer, before any byte of it is written: outcome, rcode, and a bounded list of RRsets by section.
 *
 * RRset bytes and owners are borrowed from the images (valid while the generation is held) or stand in `names`. The
 * struct is big and is meant to be reused: answer_reset touches only its head. One thread.
 */
#ifndef SPLITVIEW_ZONES_ANSWER_H
#define SPLITVIEW_ZONES_ANSWER_H

#include "zones/name.h"
#include "zones/rrset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What became of the question, in the words of the RFCs. For a CNAME chain: what became of its last name. */
enum outcome {
    OUTCOME_ANSWER,      /* the RRset exists */
    OUTCOME_NODATA,      /* the name exists, the type does not (RFC 2308 2.2) */
    OUTCOME_NXDOMAIN,    /* the name does not exist (RFC 2308 2.1, 8020) */
    OUTCOME_DELEGATION,  /* referral to a child zone */
    OUTCOME_OUT_OF_ZONE, /* no zone of the view holds the name, or the one that could leaves it to others (pinpoint) */
    OUTCOME_YXDOMAIN,    /* a DNAME made the name too long (RFC 6672 2.2) */
    OUTCOME_REFUSED,     /* no view, or a question that is not answered here */
    OUTCOME_FORWARD,     /* the rest is to be asked upstream: answer->next */
    OUTCOME_FAILURE      /* damaged data */
};

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

enum rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_YXDOMAIN = 6,
    RCODE_NOTAUTH = 9,
    RCODE_BADVERS = 16
};

#define ANSWER_RRSETS_MAX 64
#define ANSWER_NAMES_SIZE 4096 /* bytes for owners and targets made by DNAMEs */
#define ANSWER_CHAIN_MAX  16   /* CNAME and DNAME hops; a longer chain, or a loop, ends as far as it got */

struct answer_rrset {
    const uint8_t *owner; /* a name */
    struct rrset rrset;   /* its ttl is the one to send */
    uint32_t serial;      /* of a SOA: to be written in place of the data's zero */
    enum section section;
    uint16_t rule; /* number of the dynamic rule of the node it came from; 0: none */
    bool optional; /* may be left out without TC (additional data that is not needed glue, RFC 2181 9) */
};

struct answer {
    enum outcome outcome;
    enum rcode rcode;
    bool authoritative; /* AA: describes the first owner (RFC 1034 4.3.2, 6604) */
    bool overflow;      /* a list was full: the answer is not whole, send TC */
    uint16_t count;
    uint16_t names_size;
    uint16_t withheld;   /* RRsets that the last leak check took out */
    const uint8_t *next; /* the name at which the zones of the view left off (OUT_OF_ZONE, DELEGATION); NULL: they
                            decided all. Borrowed as owners are */
    struct answer_rrset rrsets[ANSWER_RRSETS_MAX]; /* answer, authority, additional, in this order */
    uint8_t names[ANSWER_NAMES_SIZE];
};

/* Empty, NOERROR, OUTCOME_ANSWER, not authoritative, nothing left. */
void answer_reset(struct answer *answer);

/* Append; false and answer->overflow when full. `owner` is borrowed. Returns the entry through *entry if that is not
 * NULL. */
bool answer_add(struct answer *answer, enum section section, const uint8_t *owner, const struct rrset *rrset,
                struct answer_rrset **entry);

/* The same owner and type stand in the answer already. */
bool answer_has(const struct answer *answer, const uint8_t *owner, uint16_t type);

/* `size` bytes of `names` for a name made on the way; NULL when full. */
uint8_t *answer_reserve(struct answer *answer, size_t size);

#endif

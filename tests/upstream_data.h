/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_data: what the scripted upstream resolver (tests/upstream.c) answers, so that others can tell a right answer
 * from a wrong one: the addresses that belong to a name, and how the labels of a name choose what happens. Names are
 * text: lower case, no final dot, no escapes. Written apart from the server's own code on purpose.
 */
#ifndef SPLITVIEW_TESTS_UPSTREAM_DATA_H
#define SPLITVIEW_TESTS_UPSTREAM_DATA_H

#include <stdint.h>

#define UPSTREAM_NAME_MAX 256
#define UPSTREAM_TTL      300
#define UPSTREAM_POISON   "66.6.6.6" /* what must reach nobody */

/* What a wrong reply is wrong in. */
enum upstream_wrong {
    WRONG_NOTHING,
    WRONG_ID,
    WRONG_NAME,
    WRONG_TYPE,
    WRONG_QR,
    WRONG_OPCODE,
    WRONG_PORT,    /* sent from another port */
    WRONG_GARBAGE, /* the question's ID and noise */
    WRONG_SHORT,   /* cut in the middle of a record */
    WRONG_COUNTS,  /* promises records that are not there */
    WRONG_EMPTY,   /* a datagram of no bytes */
    WRONG_NOQUESTION
};

/* Records that nobody asked for. */
enum upstream_poison {
    POISON_NONE,
    POISON_ADDITIONAL, /* bank.example A in the additional section */
    POISON_AUTHORITY,  /* the same in the authority section */
    POISON_ANSWER,     /* the same behind the answer */
    POISON_NS,         /* example. NS with glue */
    POISON_ONLY        /* bank.example A as the only answer */
};

/* What the labels of a name ask for; 0 is the usual in all of them. */
struct upstream_conduct {
    unsigned drops;     /* dropN: so many questions for the name get no reply over UDP */
    unsigned silent;    /* never an answer */
    unsigned held;      /* hold: no answer before release.upstream is asked */
    unsigned late;      /* later: not before another question was answered */
    unsigned twice;     /* dup */
    unsigned truncated; /* tc: over UDP */
    unsigned closes;    /* tcpclose: over TCP the connection is closed instead of answered */
    unsigned then;      /* a wrong reply is followed by the right one */
    unsigned wrong;     /* enum upstream_wrong */
    unsigned lower;     /* wrongcase: the question comes back in lower case */
    unsigned rcode;     /* 0: by the data */
    unsigned nodata, no_soa;
    unsigned no_edns, bad_version; /* noedns: FORMERR to EDNS; badvers */
    unsigned authentic, authoritative;
    unsigned chain;   /* cnameN: N CNAMEs, with the data behind them */
    unsigned links;   /* linkN: N CNAMEs, one in each answer */
    unsigned endless; /* endlessN: to endlessN+1, one in each answer */
    unsigned loop;    /* a CNAME to itself */
    unsigned ours;    /* a CNAME with a wrong address for its target; 1: www.harbor.example, 2 (inward):
                         lyncdiscoverinternal.foreign.example, 3 (localward): printer.local, 4 (corpward):
                         www.corp.example.net, 5 (homeward): localhost */
    unsigned referral;
    unsigned poison;  /* enum upstream_poison */
    unsigned private; /* 1: 10/8; 2: 127/8; 3: 169.254/16; 4: a public one and 192.168/16; AAAA: ULA, ::1, fe80::, both
                       */
    unsigned ttl;     /* seconds + 1 */
    unsigned size;    /* bytes of TXT data beside the usual, about */
    unsigned ede;     /* an extended error, RFC 8914 */
};

void upstream_conduct_read(const char *name, struct upstream_conduct *conduct);

/* The name without the labels that choose something: of a chain of CNAMEs all owners have the same. */
void upstream_key(const char *name, char key[UPSTREAM_NAME_MAX]);

/* The addresses of a key as the resolver called `identity` tells them: public ones. */
void upstream_ipv4(const char *identity, const char *key, uint8_t address[4]);
void upstream_ipv6(const char *identity, const char *key, uint8_t address[16]);

#endif

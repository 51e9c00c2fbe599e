/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply: a server's reply in the form in which replies are compared: header bits, EDNS, and each section as a sorted
 * list of records in presentation form, names in lower case. Left out: payload size, NSID, cookies, EDE, RA.
 */
#ifndef SPLITVIEW_TESTS_PEERS_REPLY_H
#define SPLITVIEW_TESTS_PEERS_REPLY_H

#include "tests/peers/exchange.h"

#include <stdio.h>

enum reply_state { REPLY_NONE, REPLY_BROKEN, REPLY_READ };

/* Owner and text of one record. Both owned. */
struct reply_record {
    char *owner;
    char *text;   /* owner, TTL, class, type, rdata */
    char *target; /* of a CNAME, NS or DNAME; else NULL */
    uint16_t type;
    size_t size; /* in wire form without compression */
};

struct reply_section {
    struct reply_record *records;
    size_t count;
};

enum reply_section_name { REPLY_ANSWER, REPLY_AUTHORITY, REPLY_ADDITIONAL, REPLY_SECTIONS };

struct reply {
    enum reply_state state;
    uint16_t rcode; /* with the extended bits */
    uint16_t flags; /* as in the header: AA, TC, RD, AD, CD are compared */
    bool has_edns;
    bool dnssec_ok;
    uint8_t edns_version;
    bool question_same; /* the question came back octet for octet */
    size_t size;
    struct reply_section sections[REPLY_SECTIONS];
};

/* Fill *reply from a raw one; cleared by reply_clear. */
void reply_read(const struct question_line *line, const struct raw_reply *raw, struct reply *reply);
void reply_clear(struct reply *reply);

void reply_print(const struct reply *reply, const char *who, FILE *out);

/* The name of an rcode, for messages and rules. */
const char *reply_rcode_text(uint16_t rcode);

#endif

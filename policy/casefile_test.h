/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * casefile_test: one line of a view test for one choice of its name, as the parser makes it and the judge needs it.
 * Inside casefile only.
 */
#ifndef SPLITVIEW_POLICY_CASEFILE_TEST_H
#define SPLITVIEW_POLICY_CASEFILE_TEST_H

#include "policy/asker.h"
#include "policy/generation.h"
#include "zones/answer.h"
#include "zones/bytes.h"
#include "zones/name.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum case_rcode {
    CASE_UNJUDGED,
    CASE_NOERROR,
    CASE_NODATA, /* NOERROR without the type */
    CASE_NXDOMAIN,
    CASE_SERVFAIL,
    CASE_REFUSED,
    CASE_YXDOMAIN,
    CASE_FORWARD /* would be asked upstream */
};

/* The word of an rcode; CASE_UNJUDGED if it is none. And back; static. */
enum case_rcode case_rcode_from_text(const char *text, size_t length);
const char *case_rcode_text(enum case_rcode rcode);

enum case_ban_kind { CASE_BAN_NETWORK, CASE_BAN_NAME, CASE_BAN_TYPE, CASE_BAN_RCODE, CASE_BAN_PRIVATE };

/* !WORD: what must not appear. */
struct case_ban {
    enum case_ban_kind kind;
    const char *text; /* the word; borrowed from the test's `words` */
    struct prefix network;
    uint8_t name[NAME_SIZE_MAX];
    uint16_t type;
    enum case_rcode rcode;
};

/* The records wanted for one type: count times { uint16 length, RDATA }, names in lower case, each once. */
struct case_records {
    struct bytes data;
    uint32_t count;
};

struct case_test {
    uint8_t name[NAME_SIZE_MAX];
    char *wanted; /* the words and records, for people; owned */
    char *words;  /* the same, cut into words; owned */
    enum case_rcode rcode;
    const char *upstream; /* of FORWARD:UPSTREAM, borrowed from the policy; NULL: any */
    bool direct;
    bool has_ttl;
    uint32_t ttl_min; /* seconds */
    uint32_t ttl_max;
    uint32_t view; /* that must have answered; VIEW_NONE: not judged */
    bool has_same;
    struct asker same;
    uint64_t now; /* seconds since 1970; 0: cut-overs are off */
    struct case_ban *bans;
    size_t ban_count;
    size_t ban_capacity;
    struct bytes hops; /* names one after the other: CNAME targets in this order */
    bool has_records;
    bool any_records;             /* `= *` */
    struct case_records *records; /* one per type of the line; NULL without RECORDS, or with `*` */
};

/* What a line says for all its tests. */
struct case_line {
    const char *file; /* borrowed */
    uint32_t line;
    struct asker *askers;
    size_t asker_count;
    size_t asker_capacity;
    uint16_t *types;
    size_t type_count;
    size_t type_capacity;
    struct case_test *tests; /* one per choice of the name */
    size_t test_count;
    size_t test_capacity;
};

#define CASEFILE_RECORDS_MAX (UINT32_C(8) << 20) /* bytes of the records of one test */

/* What the parser of words works with. */
struct case_words {
    const struct policy *policy;
    const struct case_line *line; /* askers and types are read */
    struct case_test *test;
    struct diag *diag;
};

/*
 * Understand the words of a test and its records (NULL: none). Both are written to; test->words owns them, and
 * test->name is read. BAD_INPUT with messages, NO_MEMORY.
 */
enum status case_words_read(struct case_words *words, char *text, char *records);

/* As diag_error, at a line. */
enum status case_error(const struct case_line *line, struct diag *diag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void case_test_clear(struct case_test *test, size_t type_count);

/* What one gets who asks. */
struct case_got {
    uint32_t view; /* that answers */
    const struct answer *answer;
    const struct forward_route *route; /* filled if answer->next is not NULL */
};

/* Write what a client gets, on one line. */
void case_answer_text(const struct case_got *got, uint16_t type, char *text, size_t size);

/*
 * Judge what came of a question for type number `type_index` of the line. `same`: what the asker of same-as: got, else
 * NULL. What does not hold is written to `why`; "": all holds.
 */
void case_judge(const struct case_line *line, const struct case_test *test, size_t type_index,
                const struct policy *policy, const struct case_got *got, const struct case_got *same, char *why,
                size_t size);

/* An RDATA's names in lower case, for comparing; `out` holds RRSET_RDATA_MAX bytes. */
void case_lower_rdata(uint16_t type, const struct rdata *rdata, uint8_t *out);

#endif

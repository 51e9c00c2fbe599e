/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply_fixture: an upstream's replies from text, for tests of what is made of them. One thread.
 */
#ifndef SPLITVIEW_TESTS_REPLY_FIXTURE_H
#define SPLITVIEW_TESTS_REPLY_FIXTURE_H

#include "resolver/reply.h"

#include <stddef.h>
#include <stdint.h>

struct reply_fixture {
    uint8_t name[NAME_SIZE_MAX];
    struct reply_question question;
    struct upstream_group group; /* believed in nothing */
    struct reply_rules rules;    /* of that group */
    uint8_t wire[70000];
    size_t size;
};

/*
 * `question`: "NAME TYPE", then any of do, cd, private (allowed by the route), ad (believed). `reply`: the first line
 * is the rcode and any of aa, ad, tc, ra; further lines are a section (an, ns, ar) and a record of master-file text, or
 * "ede CODE". Names are not compressed. Ends the test with a message if the text is bad.
 */
void reply_fixture_init(struct reply_fixture *fixture, const char *question, const char *reply);

/* The scrubbed reply; ends the test if it is not GOOD. One holder. */
struct cached *reply_fixture_cached(const char *question, const char *reply, uint64_t now_ms);

/* What a cached answer gives to who asks for `name`, as support_answer_text writes it; to free(). */
char *reply_fixture_text(const struct cached *cached, const uint8_t *name, uint64_t now_ms);

#endif

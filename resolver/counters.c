/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/counters.h"

#include <assert.h>

static const struct {
    const char *name;
    const char *text;
} table[COUNTER_COUNT] = {
#define COUNTER(id, name, text) [COUNTER_##id] = {name, text},
#include "resolver/counters.def"
#undef COUNTER
};

const char *counter_name(enum counter counter)
{
    assert(counter < COUNTER_COUNT);
    return table[counter].name;
}

const char *counter_text(enum counter counter)
{
    assert(counter < COUNTER_COUNT);
    return table[counter].text;
}

enum counter counter_of_rcode(enum rcode rcode)
{
    switch (rcode) {
    case RCODE_NOERROR:
        return COUNTER_REPLIES_NOERROR;
    case RCODE_NXDOMAIN:
        return COUNTER_REPLIES_NXDOMAIN;
    case RCODE_REFUSED:
        return COUNTER_REPLIES_REFUSED;
    case RCODE_SERVFAIL:
        return COUNTER_REPLIES_SERVFAIL;
    case RCODE_FORMERR:
        return COUNTER_REPLIES_FORMERR;
    default:
        return COUNTER_REPLIES_OTHER;
    }
}

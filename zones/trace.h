/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace: the reasons of one decision, step by step, for people who ask why. Whoever decides takes a struct trace that
 * may be NULL, and then it costs a test of the pointer. A trace is big and bounded: what does not fit is only counted.
 *
 * Names are copied; a step is valid until trace_reset. One thread.
 */
#ifndef SPLITVIEW_ZONES_TRACE_H
#define SPLITVIEW_ZONES_TRACE_H

#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_STEPS_MAX 160
#define TRACE_TEXT_MAX  200 /* bytes with the final zero */

/* kind, word, and what the step's fields hold; `name` where nothing else is said is the name that the step is about. */
#define TRACE_MAP(X)                                                                                                   \
    X(VIEW, "view")             /* the view that answers: number its index, UINT64_MAX none; text why */               \
    X(VIEW_LOST, "view-lost")   /* one that could have: number its index; text by what, and why it did not */          \
    X(LOOKUP, "lookup")         /* the name that is looked for now: the question's, or a target */                     \
    X(ZONE, "zone")             /* the zone it lies in: name its apex, number the image's id, other serial */          \
    X(NO_ZONE, "no-zone")       /* no zone of the view holds it */                                                     \
    X(NODE, "node")             /* it exists: number the node's flags */                                               \
    X(MISSING, "missing")       /* it does not: name its closest encloser */                                           \
    X(WILDCARD, "wildcard")     /* stands for it */                                                                    \
    X(HIDDEN, "hidden")         /* name or an ancestor is hidden: number the node's flags */                           \
    X(DELEGATION, "delegation") /* at or above it */                                                                   \
    X(DNAME, "dname")           /* at an ancestor */                                                                   \
    X(FOREIGN, "foreign")       /* the zone leaves it to others */                                                     \
    X(RECORDS, "records")       /* taken: name its owner in the zone, type, number the image's id, other TTL */        \
    X(ROUTE, "route")           /* where a name that is left to others goes: number its enum forward_kind; text why */ \
    X(NEGATIVE, "negative")     /* no data: name the apex, text NODATA or NXDOMAIN, other the SOA's TTL */             \
    X(LOOP, "loop")             /* the chain has been at this name before, or is too long */                           \
    X(DAMAGED, "damaged")       /* the stored data cannot be read */                                                   \
    X(TOO_LONG, "too-long")     /* a DNAME makes the name too long */                                                  \
    X(REFUSED, "refused")       /* text why */                                                                         \
    X(ONE_OF_ANY, "one-of-any") /* ANY over UDP gets one RRset */                                                      \
    X(LEFT_OUT, "left-out")     /* optional records that the view leaves out: name owner, type */                      \
    X(WITHHELD, "withheld")     /* number RRsets that the last leak check took out */                                  \
    X(COUNTDOWN, "countdown")   /* name owner, type; number the TTL before, other the TTL now */

enum trace_kind {
#define TRACE_ENUM(name, word) TRACE_##name,
    TRACE_MAP(TRACE_ENUM)
#undef TRACE_ENUM
};

struct trace_step {
    enum trace_kind kind;
    uint16_t type; /* RR type; 0: none */
    bool has_name;
    uint64_t number;
    uint64_t other;
    uint8_t name[NAME_SIZE_MAX];
    char text[TRACE_TEXT_MAX]; /* "" none */
};

struct trace {
    size_t count;
    size_t dropped; /* steps that did not fit */
    struct trace_step steps[TRACE_STEPS_MAX];
    struct trace_step spare; /* takes what does not fit */
};

/* Empty; needed before the first use. */
void trace_reset(struct trace *trace);

/* Append a step; `name` may be NULL. Never NULL: the fields of what does not fit may be set too, and are lost. */
struct trace_step *trace_add(struct trace *trace, enum trace_kind kind, const uint8_t *name);

/* Set a step's text, cut at TRACE_TEXT_MAX. */
void trace_text(struct trace_step *step, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The word of a kind; static. */
const char *trace_word(enum trace_kind kind);

#endif

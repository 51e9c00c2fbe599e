/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_text: one decision of the server told to people, top to bottom, and as JSON: what was asked, which view and
 * why, which zone and name, where each record was written, what became of TTLs, and the answer as dig prints it. One
 * thread.
 */
#ifndef SPLITVIEW_CLI_EXPLAIN_TEXT_H
#define SPLITVIEW_CLI_EXPLAIN_TEXT_H

#include "policy/asker.h"
#include "policy/generation.h"
#include "policy/view.h"
#include "zones/answer.h"
#include "zones/status.h"
#include "zones/trace.h"

#include <jansson.h>
#include <stdio.h>

/* A question, and after explain_decide its answer and how it came about. */
struct explained {
    const struct generation *generation; /* borrowed, as the next three */
    const struct asker *asker;
    const struct client *how;
    const struct question *question;
    struct view_match match;
    struct answer answer;
    struct forward_route route; /* filled if answer.next is not NULL */
    struct trace trace;
};

/* Decide. The struct is big: not for the stack. */
void explain_decide(struct explained *explained);

/* Each line begins with `prefix`. */
void explain_print(const struct explained *explained, const char *prefix, FILE *stream);

/* The same as an object; NULL: no memory. */
json_t *explain_json(const struct explained *explained);

#endif

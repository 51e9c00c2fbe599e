/* SPDX-License-Identifier: BSD-2-Clause */
/* answer_text: a decided answer for people, on one line, and as JSON. One thread. */
#ifndef SPLITVIEW_CLI_ANSWER_TEXT_H
#define SPLITVIEW_CLI_ANSWER_TEXT_H

#include "zones/answer.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What a client gets for a question of this type: "192.0.2.1, 192.0.2.2 (300)" with the TTL in parentheses, "CNAME
 * www.example. (60), NXDOMAIN", "no data", "delegation to ns.example. (3600)", "REFUSED". Long data are cut.
 */
void answer_print(const struct answer *answer, uint16_t type, FILE *stream);

/* { rcode, outcome, records: [{ name, type, ttl, data: [...] }] }; NULL: no memory. */
json_t *answer_json(const struct answer *answer);

#endif

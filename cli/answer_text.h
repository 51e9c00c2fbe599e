/* SPDX-License-Identifier: BSD-2-Clause */
/* answer_text: a decided answer for people, on one line, and as JSON. One thread. */
#ifndef SPLITVIEW_CLI_ANSWER_TEXT_H
#define SPLITVIEW_CLI_ANSWER_TEXT_H

#include "policy/forward.h"
#include "zones/answer.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What a client gets for a question of this type: "192.0.2.1, 192.0.2.2 (300)" with the TTL in parentheses, "CNAME
 * www.example. (60), NXDOMAIN", "no data", "delegation to ns.example. (3600)", "REFUSED", "CNAME www.example.net. (60),
 * upstream site". Long data are cut. `route` is where the answer goes on; NULL: our zones decide all of it.
 */
void answer_print(const struct answer *answer, const struct forward_route *route, uint16_t type, FILE *stream);

/* { rcode, outcome, records: [{ name, type, ttl, data: [...] }], upstream }; upstream only if the answer goes on there;
 * then rcode is null: it is not known. NULL: no memory. */
json_t *answer_json(const struct answer *answer, const struct forward_route *route);

#define ROUTE_TEXT_MAX 80

/* "upstream site", "NXDOMAIN (local)", "no data (local)", "loopback (local)", "REFUSED": where names go. */
void answer_route_text(const struct forward_route *route, char text[ROUTE_TEXT_MAX]);

#endif

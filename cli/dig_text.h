/* SPDX-License-Identifier: BSD-2-Clause */
/* dig_text: a decided answer as dig prints it, with all its sections, and the same as JSON. One thread. */
#ifndef SPLITVIEW_CLI_DIG_TEXT_H
#define SPLITVIEW_CLI_DIG_TEXT_H

#include "zones/answer.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Status, flags and sections; each line begins with `prefix`. */
void dig_print(const uint8_t *name, uint16_t type, const struct answer *answer, const char *prefix, FILE *stream);

/* { status, authoritative, truncated, answer: [ { name, ttl, type, data } ], authority: [], additional: [] }, one entry
 * for each record. NULL: no memory. */
json_t *dig_json(const struct answer *answer);

/* "NOERROR", ...; static. */
const char *dig_status(enum rcode rcode);

/* The data of one record; the serial stands in a SOA. TEXT_MAX bytes are enough for all that people read. */
#define DIG_DATA_MAX 4096
void dig_data(const struct answer_rrset *entry, const struct rdata *rdata, char text[DIG_DATA_MAX]);

#endif

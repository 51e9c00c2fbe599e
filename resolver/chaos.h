/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chaos: questions in class CH about the server itself: version.bind and version.server, id.server and hostname.bind
 * (RFC 4892), generation.splitview.
 */
#ifndef SPLITVIEW_RESOLVER_CHAOS_H
#define SPLITVIEW_RESOLVER_CHAOS_H

#include "policy/generation.h"
#include "zones/answer.h"

#include <stdint.h>

/*
 * Decide the question into `answer`, which is reset here: TXT with TTL 0; NODATA for other types of these names;
 * REFUSED for all other names, and for the identity if none is told (`identity` NULL or ""). `name` must live as long
 * as the answer. No allocation; any thread.
 */
void chaos_answer(const struct generation *generation, const char *identity, const uint8_t *name, uint16_t type,
                  struct answer *answer);

#endif

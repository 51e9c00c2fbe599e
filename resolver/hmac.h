/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hmac: keyed digests for TSIG (RFC 8945 6). The only file of the resolver that knows OpenSSL.
 */
#ifndef SPLITVIEW_RESOLVER_HMAC_H
#define SPLITVIEW_RESOLVER_HMAC_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HMAC_SIZE_MAX 64 /* bytes of the longest digest */

enum hmac_algorithm { HMAC_SHA1, HMAC_SHA224, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, HMAC_ALGORITHMS };

/* "hmac-sha256" and so on: the algorithm's name in TSIG, without final dot. Never freed. */
const char *hmac_name(enum hmac_algorithm algorithm);
/* Bytes of its whole digest. */
size_t hmac_size(enum hmac_algorithm algorithm);

/* A secret made ready. Immutable; any thread. */
struct hmac;

/* NO_MEMORY, also where the library refuses. The secret is not kept. */
enum status hmac_new(enum hmac_algorithm algorithm, const uint8_t *secret, size_t size, struct hmac **hmac);
void hmac_free(struct hmac *hmac);

struct hmac_piece {
    const void *data;
    size_t size;
};

/* The digest over the pieces one after the other: hmac_size bytes. false: the library failed. The library allocates. */
bool hmac_compute(const struct hmac *hmac, const struct hmac_piece *pieces, size_t count, uint8_t mac[HMAC_SIZE_MAX]);

/* Equal? Takes as long whatever the bytes are. */
bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/hash.h"

/*
 * Not EVP: it reads openssl.cnf and fetches its providers before its first digest, which costs a start more than a
 * millisecond, and again a little before each.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdlib.h>

static void hash_zeros(SHA256_CTX *context, size_t size)
{
    static const uint8_t zeros[256];
    while (size > 0) {
        size_t step = size < sizeof zeros ? size : sizeof zeros;
        if (SHA256_Update(context, zeros, step) != 1)
            abort();
        size -= step;
    }
}

void hash_pieces(const struct hash_piece *pieces, size_t count, uint8_t digest[HASH_SIZE])
{
    SHA256_CTX context;
    if (SHA256_Init(&context) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].data == NULL)
            hash_zeros(&context, pieces[i].size);
        else if (SHA256_Update(&context, pieces[i].data, pieces[i].size) != 1)
            abort();
    }
    if (SHA256_Final(digest, &context) != 1)
        abort();
}

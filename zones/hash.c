/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenSSL 3 calls these functions old. The new ones read openssl.cnf before the first digest, which costs a start more
 * than a millisecond, look for an algorithm each time and allocate what they work in, which takes longer than the
 * digest of a name does; kept from call to call, both would be state of the process. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "zones/hash.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

static void add_bytes(SHA256_CTX *context, const void *data, size_t size)
{
    if (SHA256_Update(context, data, size) != 1)
        abort();
}

static void add_zeros(SHA256_CTX *context, size_t size)
{
    static const uint8_t zeros[256];
    while (size > 0) {
        size_t step = size < sizeof zeros ? size : sizeof zeros;
        add_bytes(context, zeros, step);
        size -= step;
    }
}

void hash_pieces(const struct hash_piece *pieces, size_t count, uint8_t digest[HASH_SIZE])
{
    SHA256_CTX context;
    _Static_assert(HASH_SIZE == SHA256_DIGEST_LENGTH, "a digest is a SHA-256");
    if (SHA256_Init(&context) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].data == NULL)
            add_zeros(&context, pieces[i].size);
        else
            add_bytes(&context, pieces[i].data, pieces[i].size);
    }
    if (SHA256_Final(digest, &context) != 1)
        abort();
}

void hash_git_blob(const void *data, size_t size, uint8_t id[HASH_GIT_SIZE])
{
    SHA_CTX context;
    char head[32];
    int length = snprintf(head, sizeof head, "blob %zu", size);
    _Static_assert(HASH_GIT_SIZE == SHA_DIGEST_LENGTH, "an id is a SHA-1");
    if (SHA1_Init(&context) != 1 || SHA1_Update(&context, head, (size_t)length + 1) != 1 ||
        SHA1_Update(&context, data, size) != 1 || SHA1_Final(id, &context) != 1)
        abort();
}

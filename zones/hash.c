/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>

static void hash_zeros(EVP_MD_CTX *context, size_t size)
{
    static const uint8_t zeros[256];
    while (size > 0) {
        size_t step = size < sizeof zeros ? size : sizeof zeros;
        if (EVP_DigestUpdate(context, zeros, step) != 1)
            abort();
        size -= step;
    }
}

void hash_pieces(const struct hash_piece *pieces, size_t count, uint8_t digest[HASH_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].data == NULL)
            hash_zeros(context, pieces[i].size);
        else if (EVP_DigestUpdate(context, pieces[i].data, pieces[i].size) != 1)
            abort();
    }
    if (EVP_DigestFinal_ex(context, digest, NULL) != 1)
        abort();
    EVP_MD_CTX_free(context);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/hmac.h"

#include "zones/memory.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

/* As OpenSSL wants the digest, and as TSIG names it. */
static const struct {
    char digest[8];
    const char *name;
    size_t size;
} algorithms[HMAC_ALGORITHMS] = {
    [HMAC_SHA1] = {"SHA1", "hmac-sha1", 20},       [HMAC_SHA224] = {"SHA224", "hmac-sha224", 28},
    [HMAC_SHA256] = {"SHA256", "hmac-sha256", 32}, [HMAC_SHA384] = {"SHA384", "hmac-sha384", 48},
    [HMAC_SHA512] = {"SHA512", "hmac-sha512", 64},
};

struct hmac {
    EVP_MAC_CTX *ready; /* holds the key; only copied */
    enum hmac_algorithm algorithm;
};

const char *hmac_name(enum hmac_algorithm algorithm)
{
    assert(algorithm < HMAC_ALGORITHMS);
    return algorithms[algorithm].name;
}

size_t hmac_size(enum hmac_algorithm algorithm)
{
    assert(algorithm < HMAC_ALGORITHMS);
    return algorithms[algorithm].size;
}

void hmac_free(struct hmac *hmac)
{
    if (hmac == NULL)
        return;
    EVP_MAC_CTX_free(hmac->ready);
    memory_free(hmac);
}

static EVP_MAC_CTX *make_ready(enum hmac_algorithm algorithm, const uint8_t *secret, size_t size)
{
    char digest[sizeof algorithms[0].digest];
    for (size_t i = 0; i < sizeof digest; i++)
        digest[i] = algorithms[algorithm].digest[i];
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    if (context != NULL && EVP_MAC_init(context, secret, size, parameters) == 1)
        return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

enum status hmac_new(enum hmac_algorithm algorithm, const uint8_t *secret, size_t size, struct hmac **hmac)
{
    assert(algorithm < HMAC_ALGORITHMS && size > 0);
    *hmac = NULL;
    struct hmac *made = memory_zalloc(1, sizeof *made);
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->algorithm = algorithm;
    made->ready = make_ready(algorithm, secret, size);
    if (made->ready == NULL) {
        hmac_free(made);
        return STATUS_NO_MEMORY;
    }
    *hmac = made;
    return STATUS_OK;
}

bool hmac_compute(const struct hmac *hmac, const struct hmac_piece *pieces, size_t count, uint8_t mac[HMAC_SIZE_MAX])
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(hmac->ready);
    bool done = context != NULL;
    size_t size = 0;
    for (size_t i = 0; i < count && done; i++)
        done = pieces[i].size == 0 || EVP_MAC_update(context, pieces[i].data, pieces[i].size) == 1;
    done = done && EVP_MAC_final(context, mac, &size, HMAC_SIZE_MAX) == 1;
    EVP_MAC_CTX_free(context);
    return done && size == algorithms[hmac->algorithm].size;
}

bool hmac_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    return CRYPTO_memcmp(a, b, size) == 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/hash.h"

#include <stdio.h>
#include <string.h>

#define MILLION 1000000u

/* Those of "abc", of 56 letters and of the million are in FIPS 180-2 appendix B. */
static const struct {
    const char *text; /* NULL: a million of "a" */
    const char *digest;
} cases[] = {
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {NULL, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void expect_hex(const uint8_t *digest, size_t size, const char *wanted)
{
    char text[2 * HASH_SIZE + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, wanted);
}

static void expect_digest(const struct hash_piece *pieces, size_t count, const char *wanted)
{
    uint8_t digest[HASH_SIZE];

    hash_pieces(pieces, count, digest);
    expect_hex(digest, sizeof digest, wanted);
}

/* Whole, and cut in two at each of the first places. */
static void test_vectors(void **state)
{
    char *million = test_malloc(MILLION);

    (void)state;
    memset(million, 'a', MILLION);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text = cases[i].text == NULL ? million : cases[i].text;
        const size_t size = cases[i].text == NULL ? MILLION : strlen(text);

        for (size_t cut = 0; cut <= size && cut < 70; cut++) {
            const struct hash_piece pieces[] = {{text, cut}, {text + cut, size - cut}};
            expect_digest(pieces, 2, cases[i].digest);
            if (size == MILLION)
                cut += 30;
        }
    }
    expect_digest(NULL, 0, cases[2].digest);
    test_free(million);
}

/* Zeros that are not there count as zeros that are. */
static void test_zeros(void **state)
{
    static const uint8_t zeros[1000];
    static const size_t sizes[] = {0, 1, 255, 256, 257, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct hash_piece real[] = {{"x", 1}, {zeros, sizes[i]}, {"y", 1}};
        const struct hash_piece told[] = {{"x", 1}, {NULL, sizes[i]}, {"y", 1}};
        uint8_t digests[2][HASH_SIZE];

        hash_pieces(real, 3, digests[0]);
        hash_pieces(told, 3, digests[1]);
        assert_memory_equal(digests[0], digests[1], HASH_SIZE);
    }
}

/* As `git hash-object` prints them. */
static void blobs_have_gits_ids(void **state)
{
    uint8_t id[HASH_GIT_SIZE];
    (void)state;
    hash_git_blob("", 0, id);
    expect_hex(id, sizeof id, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    hash_git_blob("hello\n", 6, id);
    expect_hex(id, sizeof id, "ce013625030ba8dba906f756967f9e9ca394464a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(blobs_have_gits_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

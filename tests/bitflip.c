/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bitflip: a store whose file was damaged, FLIPS times (default 1000; SEED chooses others). A flipped bit inside an
 * image: no question may crash the server's code, and store_verify must report it, so that no wrong answer goes unseen.
 * A flipped bit anywhere else, and a file cut short: what reads it runs in a child and comes to an end; either
 * store_verify reports it or every answer is what it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/generation.h"
#include "resolver/query.h"
#include "tests/support_server.h"
#include "tests/tree.h"
#include "zones/child.h"
#include "zones/hash.h"
#include "zones/store_care.h"
#include "zones/store_verify.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLIPS_DEFAULT 1000
#define SEED_DEFAULT  20261120
#define LIMIT_MS      20000 /* for one look at a damaged file */
#define IMAGES_MAX    64
#define QUESTIONS_MAX 256
#define OFF_LINE      UINT8_MAX

#define SOA(serial) "$TTL 300\n@ SOA ns hostmaster " serial " 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n"

static const char policy[] = "[view internet]\nclients = any\n[view internal]\nclients = 127.10.0.0/16\n"
                             "[zone harbor.example]\nmode.internal = full\n[zone example]\nmode.internal = full\n";

static const char rich[] = SOA("1") "www A 192.0.2.2\n AAAA 2001:db8::2\n HTTPS 1 . alpn=h2\n"
                                    "@ MX 10 mail\nmail A 192.0.2.25\n*.w TXT \"wild\"\n*.c CNAME www\n"
                                    "d DNAME e\nwww.e A 192.0.2.3\nsub NS ns.sub\nns.sub A 192.0.2.4\n"
                                    "_sip._tls SRV 0 0 443 www\na.b.c.ent TXT x\n"
                                    "$GENERATE 1-20 host$ A 192.0.2.$\n";

static const char *const names[] = {
    "harbor.example",       "www.harbor.example",   "mail.harbor.example",  "x.w.harbor.example",
    "y.c.harbor.example",   "www.d.harbor.example", "a.sub.harbor.example", "_sip._tls.harbor.example",
    "c.ent.harbor.example", "host7.harbor.example", "none.harbor.example",  "example",
    "www.example",          "host3.example",        "other.test",           "zz.harbor.example",
};
static const char *const types[] = {"A", "AAAA", "MX", "TXT", "SOA"};
static const char *const clients[] = {"127.10.0.1", "127.99.0.1"};

struct extent {
    size_t offset; /* in the file */
    size_t size;   /* bytes */
};

struct campaign {
    struct tree tree;
    struct store_options options;
    char data[400]; /* the store's file */
    uint8_t *bytes; /* of the file while it is whole */
    size_t size;
    struct extent images[IMAGES_MAX];
    size_t image_count;
    uint8_t expected[QUESTIONS_MAX]; /* first octet of the digest of each reply */
    unsigned flips;
    uint64_t random;
};

static uint64_t next_random(struct campaign *campaign)
{
    campaign->random ^= campaign->random << 13;
    campaign->random ^= campaign->random >> 7;
    campaign->random ^= campaign->random << 17;
    return campaign->random;
}

/* ---- questions ---- */

/* One octet for each reply: OFF_LINE for a SERVFAIL, else of its digest. */
static void ask_all(const struct generation *generation, uint8_t replies[QUESTIONS_MAX])
{
    static struct query query;
    static uint8_t reply[MESSAGE_SIZE_MAX];
    const struct query_env env = {.generation = generation, .udp_payload = 1232, .tcp_idle_ms = 10000};
    size_t count = 0;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t j = 0; j < sizeof types / sizeof types[0]; j++)
            for (size_t k = 0; k < sizeof clients / sizeof clients[0]; k++) {
                char words[128];
                uint8_t wire[1024];
                uint8_t digest[HASH_SIZE];
                const struct client client = support_client(clients[k], "tcp");

                snprintf(words, sizeof words, "%s. %s id=1", names[i], types[j]);
                const size_t size = support_query(words, wire, sizeof wire);
                query.sequence = 0;
                const size_t written = query_answer(&env, &client, wire, size, reply, sizeof reply, &query);
                const struct hash_piece piece = {reply, written};
                hash_pieces(&piece, 1, digest);
                replies[count++] = written == 0 || (reply[3] & 15) == RCODE_SERVFAIL ? OFF_LINE : digest[0] / 2;
            }
    assert_true(count <= QUESTIONS_MAX);
}

#define QUESTION_COUNT \
    (sizeof names / sizeof names[0] * (sizeof types / sizeof types[0]) * (sizeof clients / sizeof clients[0]))

/* Load the head and ask everything; false if it cannot be loaded. */
static bool serve(const struct campaign *campaign, uint8_t replies[QUESTIONS_MAX], uint64_t *number)
{
    struct store *store = NULL;
    struct generation *generation = NULL;
    struct diag diag;
    bool served = false;

    diag_init(&diag);
    if (store_open_reader(&campaign->options, &diag, &store) == STATUS_OK &&
        generation_open(store, &diag, &generation) == STATUS_OK) {
        ask_all(generation, replies);
        generation_settle(generation, UINT32_MAX, &diag); /* as the server does, after the first answers */
        *number = generation->number;
        served = true;
        if (generation_release(generation))
            generation_free(generation);
    }
    store_close(store);
    diag_clear(&diag);
    return served;
}

/* Which replies differ: wrong ones, and those that are a SERVFAIL now. */
static void compare(const struct campaign *campaign, const uint8_t *replies, unsigned *wrong, unsigned *refused)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        *wrong += replies[i] != campaign->expected[i] && replies[i] != OFF_LINE;
        *refused += replies[i] != campaign->expected[i] && replies[i] == OFF_LINE;
    }
}

/* ---- the store ---- */

static void file_read(struct campaign *campaign)
{
    FILE *stream = fopen(campaign->data, "rb");

    assert_non_null(stream);
    assert_int_equal(fseek(stream, 0, SEEK_END), 0);
    campaign->size = (size_t)ftell(stream);
    campaign->bytes = malloc(campaign->size);
    assert_non_null(campaign->bytes);
    rewind(stream);
    assert_int_equal(fread(campaign->bytes, 1, campaign->size, stream), campaign->size);
    fclose(stream);
}

static void file_write(const struct campaign *campaign, size_t offset, const void *bytes, size_t size)
{
    const int fd = open(campaign->data, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void file_restore(const struct campaign *campaign)
{
    file_write(campaign, 0, campaign->bytes, campaign->size);
}

static bool image_note(void *context, uint64_t id, const void *block, size_t size)
{
    struct campaign *campaign = context;
    const uint8_t *found = memmem(campaign->bytes, campaign->size, block, size);

    (void)id;
    assert_non_null(found);
    assert_true(campaign->image_count < IMAGES_MAX);
    campaign->images[campaign->image_count++] = (struct extent){(size_t)(found - campaign->bytes), size};
    return true;
}

static void images_find(struct campaign *campaign)
{
    struct store *store = tree_open_reader(&campaign->tree);
    struct snapshot *snapshot = NULL;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(snapshot_open(store, &diag, &snapshot), STATUS_OK);
    assert_int_equal(snapshot_each_image(snapshot, image_note, campaign, &diag), STATUS_OK);
    assert_true(campaign->image_count > 3);
    snapshot_close(snapshot);
    store_close(store);
    diag_clear(&diag);
}

static void publish(const struct campaign *campaign)
{
    struct publish_result result;
    struct diag diag;

    diag_init(&diag);
    if (tree_publish(&campaign->tree, true, &result, &diag) != STATUS_OK) {
        diag_print(&diag, stderr);
        fail();
    }
    diag_clear(&diag);
}

static int campaign_setup(void **state)
{
    struct campaign *campaign = calloc(1, sizeof *campaign);
    const char *flips = getenv("FLIPS");
    const char *seed = getenv("SEED");
    uint64_t number = 0;

    assert_non_null(campaign);
    campaign->flips = flips ? (unsigned)strtoul(flips, NULL, 10) : FLIPS_DEFAULT;
    campaign->random = seed ? strtoull(seed, NULL, 10) : SEED_DEFAULT;
    print_message("# SEED=%llu FLIPS=%u\n", (unsigned long long)campaign->random, campaign->flips);
    campaign->random = campaign->random * UINT64_C(0x9e3779b97f4a7c15) + 1;
    tree_init(&campaign->tree);
    campaign->options = (struct store_options){.path = campaign->tree.store, .map_size = UINT64_C(64) << 20};
    snprintf(campaign->data, sizeof campaign->data, "%s/%s/data.mdb", campaign->tree.store, STORE_FORMAT);
    tree_write(&campaign->tree, "policy.conf", policy);
    tree_write(&campaign->tree, "internet/harbor.example.zone", rich);
    tree_write(&campaign->tree, "internet/example.zone", SOA("1") "www A 192.0.2.9\n");
    tree_write(&campaign->tree, "internal/harbor.example.zone", SOA("1") "www A 10.0.0.1\n");
    tree_write(&campaign->tree, "internal/example.zone", rich);
    publish(campaign);
    tree_write(&campaign->tree, "internet/example.zone", SOA("2") "www A 192.0.2.10\nhost3 A 192.0.2.7\n");
    publish(campaign);
    tree_write(&campaign->tree, "internal/harbor.example.zone", SOA("3") "www A 10.0.0.2\nhost7 A 10.0.0.7\n");
    publish(campaign);
    file_read(campaign);
    images_find(campaign);
    assert_true(serve(campaign, campaign->expected, &number));
    assert_int_equal(number, 3);
    *state = campaign;
    return 0;
}

static int campaign_teardown(void **state)
{
    struct campaign *campaign = *state;

    tree_clear(&campaign->tree);
    free(campaign->bytes);
    free(campaign);
    return 0;
}

/* ---- flips ---- */

/* Flip one bit of the file. */
static void flip(const struct campaign *campaign, size_t offset, unsigned bit)
{
    const uint8_t byte = campaign->bytes[offset] ^ (uint8_t)(1u << bit);

    file_write(campaign, offset, &byte, 1);
}

static void test_images(void **state)
{
    struct campaign *campaign = *state;
    unsigned wrong_replies = 0;
    unsigned refused_replies = 0;
    unsigned wrong = 0;
    unsigned refused = 0;

    for (unsigned i = 0; i < campaign->flips; i++) {
        const struct extent image = campaign->images[next_random(campaign) % campaign->image_count];
        const size_t offset = image.offset + next_random(campaign) % image.size;
        uint8_t replies[QUESTIONS_MAX];
        struct store_verified verified;
        struct diag diag;
        uint64_t number = 0;
        const unsigned wrong_before = wrong_replies;
        const unsigned refused_before = refused_replies;

        flip(campaign, offset, next_random(campaign) % 8);
        assert_true(serve(campaign, replies, &number));
        assert_int_equal(number, 3);
        compare(campaign, replies, &wrong_replies, &refused_replies);
        wrong += wrong_replies > wrong_before;
        refused += refused_replies > refused_before;
        diag_init(&diag);
        if (store_verify_folder(&campaign->options, STORE_FORMAT, &verified, &diag) != STATUS_DAMAGED)
            fail_msg("the flip at offset %zu was not reported", offset);
        diag_clear(&diag);
        file_write(campaign, offset, &campaign->bytes[offset], 1);
    }
    print_message("# images: %u flips, all reported by verify; %u changed an answer, %u made a SERVFAIL\n",
                  campaign->flips, wrong, refused);
}

/* ---- anywhere ---- */

static enum status serve_body(void *context, struct bytes *result, struct diag *diag)
{
    uint8_t replies[QUESTIONS_MAX] = {0};
    uint64_t number = 0;

    (void)diag;
    if (!serve(context, replies, &number) || number != 3)
        return STATUS_NOT_FOUND;
    return bytes_append(result, replies, sizeof replies);
}

/* Serve from the file in a child: are all answers what they were? */
static bool serves_the_same(struct campaign *campaign)
{
    struct bytes replies;
    struct diag diag;
    unsigned wrong = 1;
    unsigned refused = 0;

    diag_init(&diag);
    bytes_init(&replies, QUESTIONS_MAX);
    const enum status status = child_run(serve_body, campaign, "the store", LIMIT_MS, &replies, &diag, NULL);
    if (status == STATUS_OK && replies.size == QUESTIONS_MAX) {
        wrong = 0;
        compare(campaign, replies.data, &wrong, &refused);
    }
    if (wrong + refused > 0) {
        print_message("# served from the damaged file: %s, %u answers differ, %u are SERVFAIL\n", status_text(status),
                      wrong, refused);
        diag_print(&diag, stderr);
    }
    bytes_clear(&replies);
    diag_clear(&diag);
    return wrong + refused == 0;
}

/* What verify, in its child, says about the file as it is. */
static enum status judge(const struct campaign *campaign)
{
    struct store_verified verified;
    struct diag diag;

    diag_init(&diag);
    const enum status status = store_verify(&campaign->options, LIMIT_MS, &verified, &diag);
    if (status != STATUS_OK && diag.count == 0)
        fail_msg("no word about the damage");
    if (status == STATUS_IO)
        diag_print(&diag, stderr);
    diag_clear(&diag);
    return status;
}

static void test_anywhere(void **state)
{
    struct campaign *campaign = *state;
    unsigned found = 0;

    for (unsigned i = 0; i < campaign->flips; i++) {
        const size_t offset = next_random(campaign) % campaign->size;

        flip(campaign, offset, next_random(campaign) % 8);
        const enum status status = judge(campaign);
        if (status == STATUS_IO)
            fail_msg("the flip at offset %zu: verify did not say that it is damaged", offset);
        found += status != STATUS_OK;
        if (status == STATUS_OK && !serves_the_same(campaign))
            fail_msg("the flip at offset %zu changed an answer and was not reported", offset);
        file_restore(campaign);
    }
    print_message("# whole file: %u flips, %u reported by verify, %u in free room or without effect\n", campaign->flips,
                  found, campaign->flips - found);
}

/* The heads of the file and of its first pages, where a flip does most. */
static void test_heads(void **state)
{
    struct campaign *campaign = *state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t pages = campaign->size / page;
    unsigned found = 0;

    for (unsigned i = 0; i < campaign->flips; i++) {
        const size_t offset = next_random(campaign) % pages * page + next_random(campaign) % (i % 2 == 0 ? 24 : 152);

        flip(campaign, offset, next_random(campaign) % 8);
        const enum status status = judge(campaign);
        if (status == STATUS_IO)
            fail_msg("the flip at offset %zu: verify did not say that it is damaged", offset);
        found += status != STATUS_OK;
        if (status == STATUS_OK && !serves_the_same(campaign))
            fail_msg("the flip at offset %zu changed an answer and was not reported", offset);
        file_restore(campaign);
    }
    print_message("# page heads: %u flips, %u reported by verify\n", campaign->flips, found);
}

static void test_short(void **state)
{
    struct campaign *campaign = *state;
    const unsigned rounds = campaign->flips / 10 + 1;

    for (unsigned i = 0; i < rounds; i++) {
        const size_t size = next_random(campaign) % campaign->size;

        assert_int_equal(truncate(campaign->data, (off_t)size), 0);
        const enum status status = judge(campaign);
        if (status != STATUS_DAMAGED && (status != STATUS_OK || !serves_the_same(campaign)))
            fail_msg("cut at %zu of %zu bytes: %s", size, campaign->size, status_text(status));
        file_restore(campaign);
    }
    assert_int_equal(judge(campaign), STATUS_OK);
    print_message("# short files: %u, all reported\n", rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_images, campaign_setup, campaign_teardown),
        cmocka_unit_test_setup_teardown(test_anywhere, campaign_setup, campaign_teardown),
        cmocka_unit_test_setup_teardown(test_heads, campaign_setup, campaign_teardown),
        cmocka_unit_test_setup_teardown(test_short, campaign_setup, campaign_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

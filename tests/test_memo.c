/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/memo.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define VIEW 3

struct packet {
    uint8_t bytes[300];
    size_t size;
};

/* Of `size` bytes, told apart by a text. */
static struct packet make(const char *text, size_t size)
{
    struct packet packet = {.size = size};
    snprintf((char *)packet.bytes + 2, sizeof packet.bytes - 2, "%s", text);
    return packet;
}

static void set_id(struct packet *packet, uint8_t high, uint8_t low)
{
    packet->bytes[0] = high;
    packet->bytes[1] = low;
}

static void keep(struct memo *memo, uint32_t view, const struct packet *query, const struct packet *reply)
{
    struct memo_key key;
    memo_seek(memo, view, query->bytes, query->size, &key);
    memo_keep(memo, &key, query->bytes, query->size, reply->bytes, reply->size);
}

/* The reply is in *reply. */
static bool find(struct memo *memo, uint32_t view, const struct packet *query, struct packet *reply)
{
    struct memo_key key;
    memo_seek(memo, view, query->bytes, query->size, &key);
    reply->size = memo_find(memo, &key, query->bytes, query->size, reply->bytes);
    return reply->size > 0;
}

static int open_memo(void **state)
{
    *state = memo_new();
    return *state == NULL ? -1 : 0;
}

static int close_memo(void **state)
{
    memo_free(*state);
    return 0;
}

static void test_again(void **state)
{
    struct memo *memo = *state;
    struct packet query = make("what is www?", 40);
    struct packet reply = make("www is 192.0.2.1", 90);
    struct packet found;
    assert_false(find(memo, VIEW, &query, &found));
    set_id(&query, 1, 2);
    set_id(&reply, 1, 2);
    keep(memo, VIEW, &query, &reply);
    set_id(&query, 250, 251);
    assert_true(find(memo, VIEW, &query, &found));
    assert_int_equal(found.size, 90);
    assert_int_equal(found.bytes[0], 250);
    assert_int_equal(found.bytes[1], 251);
    assert_memory_equal(found.bytes + 2, reply.bytes + 2, 88);
}

/* One octet more, less or other, the case of a letter, another view: another question. */
static void test_other_questions(void **state)
{
    struct memo *memo = *state;
    const struct packet query = make("what is www?", 40);
    const struct packet reply = make("www is 192.0.2.1", 90);
    struct packet found;
    keep(memo, VIEW, &query, &reply);
    for (size_t i = 2; i < query.size; i++) {
        struct packet other = query;
        other.bytes[i] ^= 0x20;
        assert_false(find(memo, VIEW, &other, &found));
    }
    struct packet shorter = query;
    shorter.size--;
    assert_false(find(memo, VIEW, &shorter, &found));
    struct packet longer = query;
    longer.size++;
    assert_false(find(memo, VIEW, &longer, &found));
    assert_false(find(memo, VIEW + 1, &query, &found));
    assert_true(find(memo, VIEW, &query, &found));
}

static void test_forget(void **state)
{
    struct memo *memo = *state;
    const struct packet query = make("what is www?", 40);
    const struct packet before = make("www is 192.0.2.1", 90);
    const struct packet after = make("www is 192.0.2.99", 91);
    struct packet found;
    keep(memo, VIEW, &query, &before);
    memo_forget(memo);
    assert_false(find(memo, VIEW, &query, &found));
    keep(memo, VIEW, &query, &after);
    assert_true(find(memo, VIEW, &query, &found));
    assert_int_equal(found.size, 91);
}

static void test_sizes(void **state)
{
    static const struct {
        size_t query;
        size_t reply;
        bool is_kept;
    } rows[] = {
        {0, 12, false},   {1, 12, false},   {2, 12, false},   {9, 12, false},    {10, 12, true},
        {12, 12, true},   {40, 204, true},  {40, 205, false}, {232, 12, true},   {233, 12, false},
        {242, 12, false}, {243, 12, false}, {300, 12, false}, {300, 300, false}, {12, 300, false},
    };
    struct memo *memo = *state;
    struct packet found;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct packet query = make("what?", rows[i].query);
        const struct packet reply = make("that", rows[i].reply);
        memo_forget(memo);
        keep(memo, VIEW, &query, &reply);
        assert_int_equal(find(memo, VIEW, &query, &found), rows[i].is_kept);
    }
}

/* Questions number `*number` and on, of `spread` different ones, as a worker asks; how many were found. */
static unsigned count_found(struct memo *memo, unsigned queries, unsigned *number, unsigned spread)
{
    const struct packet reply = make("that", 60);
    uint8_t found[MEMO_BYTES];
    unsigned count = 0;
    for (unsigned i = 0; i < queries; i++) {
        char text[32];
        snprintf(text, sizeof text, "question %u", (*number)++ % spread);
        const struct packet query = make(text, 40);
        struct memo_key key;
        memo_seek(memo, VIEW, query.bytes, query.size, &key);
        if (memo_find(memo, &key, query.bytes, query.size, found) > 0)
            count++;
        else
            memo_keep(memo, &key, query.bytes, query.size, reply.bytes, reply.size);
    }
    return count;
}

/* It rests when nothing comes back, and wakes up again. */
static void test_rest(void **state)
{
    struct memo *memo = *state;
    unsigned number = 0;
    assert_int_equal(count_found(memo, MEMO_STRETCH, &number, 10), MEMO_STRETCH - 10);
    assert_int_equal(count_found(memo, MEMO_STRETCH, &number, UINT32_MAX), 0);
    assert_int_equal(count_found(memo, MEMO_REST, &number, 10), 0);
    assert_true(count_found(memo, MEMO_STRETCH, &number, 10) >= MEMO_STRETCH - 10);
    assert_int_equal(count_found(memo, MEMO_STRETCH, &number, UINT32_MAX), 0);
    assert_int_equal(count_found(memo, 100, &number, 10), 0);
    memo_forget(memo);
    assert_int_equal(count_found(memo, 100, &number, 10), 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, open_memo, close_memo),
        cmocka_unit_test_setup_teardown(test_other_questions, open_memo, close_memo),
        cmocka_unit_test_setup_teardown(test_forget, open_memo, close_memo),
        cmocka_unit_test_setup_teardown(test_sizes, open_memo, close_memo),
        cmocka_unit_test_setup_teardown(test_rest, open_memo, close_memo),
    };
    return cmocka_run_group_tests_name("memo", tests, NULL, NULL);
}

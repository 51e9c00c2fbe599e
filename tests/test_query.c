/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each file tests/cases/query/NAME.case is one deployment of two views and its packets:
 *     == zone VIEW APEX                     master-file text follows
 *     == ask FROM TRANSPORT WORDS           a query (support_query); the reply follows as support_reply_text writes it
 *     == raw FROM TRANSPORT HEX             a packet octet by octet
 *     == note                               text for people
 *
 * Over UDP each packet is also asked three times of a worker that remembers its answers: it must get the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/casefile.h"
#include "tests/support_server.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct support_server server;
    struct query query;
    struct support_worker worker;
    uint8_t wire[MESSAGE_SIZE_MAX];
    uint8_t reply[MESSAGE_SIZE_MAX];
};

static void add_zone(struct fixture *fixture, const struct case_block *block)
{
    char view[64];
    char apex[NAME_TEXT_MAX];
    assert_int_equal(sscanf(block->head, "zone %63s %1016s", view, apex), 2);
    unsigned number = strcmp(view, "internal") == 0 ? SUPPORT_INTERNAL : SUPPORT_INTERNET;
    support_add_zone(&fixture->server.worlds[number], apex, block->body, block->body_size);
}

static bool asks_the_same(struct fixture *fixture, const struct client *client, const uint8_t *wire, size_t size,
                          size_t wanted)
{
    uint8_t reply[4096];
    const struct counters *counters = &fixture->worker.counters;
    uint64_t stopped = counters_get(counters, COUNTER_LEAKS_STOPPED);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *exact = malloc(size + (size == 0));
        memcpy(exact, wire, size);
        size_t written = support_worker_ask(&fixture->worker, client, exact, size, reply, sizeof reply);
        free(exact);
        if (written != wanted || memcmp(reply, fixture->reply, wanted) != 0)
            return false;
    }
    /* What the leak guard keeps back is counted each time. */
    return counters_get(counters, COUNTER_LEAKS_STOPPED) - stopped == 3ull * fixture->query.withheld;
}

static bool ask(struct fixture *fixture, const char *file, const struct case_block *block)
{
    char from[64];
    char transport[8];
    int used = 0;
    assert_int_equal(sscanf(block->head, "%*s %63s %7s %n", from, transport, &used), 2);
    const char *words = block->head + used;
    bool is_raw = strncmp(block->head, "raw ", 4) == 0;
    size_t size = is_raw ? support_hex(words, fixture->wire, sizeof fixture->wire)
                         : support_query(words, fixture->wire, sizeof fixture->wire);
    struct client client = support_client(from, transport);
    size_t capacity = client.transport == TRANSPORT_UDP ? 4096 : sizeof fixture->reply;
    /* A copy of just that size, so that reading behind it is seen. */
    uint8_t *exact = malloc(size + (size == 0));
    memcpy(exact, fixture->wire, size);
    size_t written =
        query_answer(&fixture->server.env, &client, exact, size, fixture->reply, capacity, &fixture->query);
    char *actual = support_reply_text(fixture->reply, written);
    bool same = case_matches(file, block, actual);
    if (client.transport == TRANSPORT_UDP && !asks_the_same(fixture, &client, exact, size, written)) {
        print_error("%s: a worker that remembers answers otherwise: %s\n", file, block->head);
        same = false;
    }
    free(actual);
    free(exact);
    return same;
}

static void run_case(void **state)
{
    const char *name = *state;
    size_t size;
    char *text = support_read(name, &size);
    struct fixture *fixture = calloc(1, sizeof *fixture);
    support_server_init(&fixture->server);
    char *cursor = text;
    struct case_block block;
    bool finished = false;
    unsigned failures = 0;
    while (case_next(&cursor, &block)) {
        if (strncmp(block.head, "zone ", 5) == 0)
            add_zone(fixture, &block);
        if (strncmp(block.head, "ask ", 4) != 0 && strncmp(block.head, "raw ", 4) != 0)
            continue;
        if (!finished)
            support_server_finish(&fixture->server);
        if (!finished)
            support_worker_init(&fixture->worker, &fixture->server.env);
        finished = true;
        failures += !ask(fixture, name, &block);
    }
    support_worker_clear(&fixture->worker);
    support_server_clear(&fixture->server);
    free(fixture);
    free(text);
    assert_int_equal(failures, 0);
}

int main(void)
{
    return case_run_folder("query", run_case);
}

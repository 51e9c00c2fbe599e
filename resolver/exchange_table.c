/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/exchange_table.h"

#include "zones/memory.h"

#include <assert.h>
#include <string.h>

#define BUCKETS_MIN 64

/* A server and the questions that use it. */
struct upstream_known {
    struct upstream upstream; /* first: an upstream is its record */
    struct upstream_known *next;
    uint32_t holders;
};

/* ---- the heap ---- */

static void heap_put(struct exchange_table *table, size_t at, struct exchange_question *question)
{
    table->heap[at] = question;
    question->heap_at = at;
}

static void heap_up(struct exchange_table *table, struct exchange_question *question)
{
    size_t at = question->heap_at;

    while (at > 0 && table->heap[(at - 1) / 2]->due_ms > question->due_ms) {
        heap_put(table, at, table->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(table, at, question);
}

static void heap_down(struct exchange_table *table, struct exchange_question *question)
{
    size_t at = question->heap_at;

    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < table->heap_count && table->heap[child + 1]->due_ms < table->heap[child]->due_ms)
            child++;
        if (child >= table->heap_count || table->heap[child]->due_ms >= question->due_ms)
            break;
        heap_put(table, at, table->heap[child]);
        at = child;
    }
    heap_put(table, at, question);
}

void exchange_question_set_due(struct exchange_table *table, struct exchange_question *question, uint64_t due_ms)
{
    uint64_t old = question->due_ms;

    question->due_ms = due_ms;
    if (due_ms < old)
        heap_up(table, question);
    else if (due_ms > old)
        heap_down(table, question);
}

static void heap_remove(struct exchange_table *table, struct exchange_question *question)
{
    struct exchange_question *last = table->heap[--table->heap_count];

    if (last == question)
        return;
    heap_put(table, question->heap_at, last);
    heap_up(table, last);
    heap_down(table, last);
}

/* ---- questions ---- */

bool exchange_table_init(struct exchange_table *table, uint32_t questions_max)
{
    size_t buckets = BUCKETS_MIN;

    while (buckets < questions_max)
        buckets *= 2;
    *table = (struct exchange_table){.heap_max = questions_max, .heap_size = questions_max, .bucket_mask = buckets - 1};
    table->heap = memory_zalloc(questions_max, sizeof(struct exchange_question *));
    table->buckets = memory_zalloc(buckets, sizeof(struct exchange_try *));
    return table->heap != NULL && table->buckets != NULL;
}

/* The buckets stay: with more questions they are fuller, that is all. */
void exchange_table_resize(struct exchange_table *table, uint32_t questions_max)
{
    if (questions_max > table->heap_size) {
        struct exchange_question **grown =
            memory_resize(table->heap, questions_max * sizeof(struct exchange_question *));
        if (grown == NULL)
            return;
        table->heap = grown;
        table->heap_size = questions_max;
    }
    table->heap_max = questions_max;
}

void exchange_table_clear(struct exchange_table *table)
{
    for (size_t i = 0; i < table->heap_count; i++)
        memory_free(table->heap[i]);
    while (table->spare != NULL) {
        struct exchange_question *gone = table->spare;
        table->spare = gone->next;
        memory_free(gone);
    }
    for (size_t i = 0; i < EXCHANGE_BUCKETS; i++) {
        while (table->known[i] != NULL) {
            struct upstream_known *gone = table->known[i];
            table->known[i] = gone->next;
            memory_free(gone);
        }
    }
    memory_free(table->heap);
    memory_free(table->buckets);
}

struct exchange_question *exchange_question_new(struct exchange_table *table)
{
    struct exchange_question *question = table->spare;

    if (table->heap_count >= table->heap_max)
        return NULL;
    if (question != NULL) {
        table->spare = question->next;
        table->spare_count--;
    } else if ((question = memory_alloc(sizeof *question)) == NULL) {
        return NULL;
    }
    question->tries_count = 0;
    question->sides_count = 0;
    question->due_ms = UINT64_MAX;
    heap_put(table, table->heap_count++, question);
    return question;
}

static void let_go(struct upstream *upstream)
{
    struct upstream_known *known = (struct upstream_known *)upstream;

    assert(known->holders > 0);
    known->holders--;
}

void exchange_question_free(struct exchange_table *table, struct exchange_question *question)
{
    heap_remove(table, question);
    for (unsigned i = 0; i < question->sides_count; i++)
        let_go(question->sides[i].upstream);
    if (table->spare_count == EXCHANGE_SPARE_MAX) {
        memory_free(question);
        return;
    }
    question->next = table->spare;
    table->spare = question;
    table->spare_count++;
}

/* ---- tries ---- */

static struct exchange_try **bucket_of(const struct exchange_table *table, const void *handle, uint16_t id)
{
    uint64_t hash = ((uint64_t)(uintptr_t)handle ^ ((uint64_t)id << 48)) * UINT64_C(0x9e3779b97f4a7c15);

    return &table->buckets[(hash ^ (hash >> 32)) & table->bucket_mask];
}

void exchange_try_open(struct exchange_table *table, struct exchange_try *try)
{
    struct exchange_try **bucket = bucket_of(table, try->handle, try->id);

    try->next = *bucket;
    *bucket = try;
    try->is_open = true;
}

void exchange_try_remove(struct exchange_table *table, struct exchange_try *try)
{
    struct exchange_try **at = bucket_of(table, try->handle, try->id);

    while (*at != try)
        at = &(*at)->next;
    *at = try->next;
    try->is_open = false;
    try->is_waiting = false;
}

struct exchange_try *exchange_try_find(const struct exchange_table *table, const void *handle, uint16_t id)
{
    struct exchange_try *try = *bucket_of(table, handle, id);

    while (try != NULL && (try->handle != handle || try->id != id))
        try = try->next;
    return try;
}

struct exchange_try *exchange_question_surplus(struct exchange_question *question)
{
    struct exchange_try *second = NULL;
    unsigned open = 0;

    for (unsigned i = 0; i < question->tries_count; i++) {
        struct exchange_try *try = &question->tries[i];
        if (try->is_open && !try->over_tcp && !try->is_probe && ++open == 2)
            second = try;
    }
    return open > EXCHANGE_OPEN_MAX ? second : NULL;
}

/* ---- servers ---- */

static bool is_same_server(const struct upstream_server *a, const struct upstream_server *b)
{
    return a->port == b->port && address_equal(&a->address, &b->address);
}

static struct upstream_known **chain_of(struct exchange_table *table, const struct upstream_server *server)
{
    uint64_t halves[2];

    memcpy(halves, server->address.bytes, sizeof halves);
    uint64_t hash = (halves[0] ^ (halves[1] << 1) ^ ((uint64_t)server->port << 40)) * UINT64_C(0x9e3779b97f4a7c15);
    return &table->known[(hash >> 32) % EXCHANGE_BUCKETS];
}

/* The one that nobody uses and that was not asked for the longest time; NULL: all are in use. */
static struct upstream_known **oldest(struct exchange_table *table)
{
    struct upstream_known **found = NULL;

    for (size_t i = 0; i < EXCHANGE_BUCKETS; i++)
        for (struct upstream_known **at = &table->known[i]; *at != NULL; at = &(*at)->next)
            if ((*at)->holders == 0 && (found == NULL || (*at)->upstream.asked_ms < (*found)->upstream.asked_ms))
                found = at;
    return found;
}

static struct upstream_known *known_of(struct exchange_table *table, const struct upstream_server *server)
{
    for (struct upstream_known *known = *chain_of(table, server); known != NULL; known = known->next)
        if (is_same_server(&known->upstream.server, server))
            return known;
    if (table->known_count == EXCHANGE_KNOWN_MAX) {
        struct upstream_known **at = oldest(table);
        if (at == NULL)
            return NULL;
        struct upstream_known *gone = *at;
        *at = gone->next;
        memory_free(gone);
        table->known_count--;
    }
    struct upstream_known *known = memory_zalloc(1, sizeof *known);
    if (known == NULL)
        return NULL;
    upstream_init(&known->upstream, server);
    struct upstream_known **chain = chain_of(table, server);
    known->next = *chain;
    *chain = known;
    table->known_count++;
    return known;
}

bool exchange_question_add_side(struct exchange_table *table, struct exchange_question *question,
                                const struct upstream_server *server)
{
    struct upstream_known *known = known_of(table, server);

    if (known == NULL)
        return false;
    known->holders++;
    question->sides[question->sides_count++] = (struct exchange_side){.upstream = &known->upstream};
    return true;
}

void exchange_table_walk(const struct exchange_table *table, exchange_visit *visit, void *context)
{
    for (size_t i = 0; i < EXCHANGE_BUCKETS; i++) {
        for (const struct upstream_known *known = table->known[i]; known != NULL; known = known->next) {
            const struct upstream *upstream = &known->upstream;
            struct exchange_server server = {
                .server = upstream->server,
                .rtt_ms = upstream->srtt == 0 ? 0 : (upstream->srtt + 7) / 8,
                .is_held = upstream_is_held(upstream),
                .asked = upstream->asked,
                .timeouts = upstream->timeouts,
            };
            visit(context, &server);
        }
    }
}

/* ---- letters ---- */

/* splitmix64: more bits for names of over 64 letters. */
static uint64_t more_bits(uint64_t seed)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ (seed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return seed ^ (seed >> 31);
}

void exchange_spell(const uint8_t *name, uint64_t bits, uint8_t spelled[NAME_SIZE_MAX])
{
    size_t size = name_size(name);
    uint64_t seed = bits;
    unsigned left = 64;

    for (size_t i = 0; i < size; i++) {
        uint8_t octet = name[i];
        spelled[i] = octet;
        /* The lengths of labels are below the letters. */
        if ((uint8_t)((octet | 0x20) - 'a') > 'z' - 'a')
            continue;
        if (left == 0) {
            bits = seed = more_bits(seed);
            left = 64;
        }
        spelled[i] = (uint8_t)((octet | 0x20) & ~((bits & 1) << 5));
        bits >>= 1;
        left--;
    }
}

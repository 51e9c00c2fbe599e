/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/memo.h"

#include "zones/memory.h"
#include "zones/word.h"

#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

#define ID_SIZE    2
#define CACHE_LINE 64

struct memo_slot {
    alignas(CACHE_LINE) uint64_t stamp; /* the memo's when it was filled */
    uint32_t view;
    uint16_t query_size;       /* bytes, without the ID */
    uint16_t reply_size;       /* likewise */
    uint8_t bytes[MEMO_BYTES]; /* of the query, then of the reply */
};

_Static_assert(sizeof(struct memo_slot) == 256, "a slot is four cache lines");

struct memo {
    void *memory;
    struct memo_slot *slots;
    uint64_t stamp;  /* what is older is forgotten; never 0 */
    uint32_t sought; /* in this stretch */
    uint32_t found;  /* of them */
    uint32_t rest;   /* queries that it rests for */
};

struct memo *memo_new(void)
{
    struct memo *memo = memory_zalloc(1, sizeof *memo);

    if (memo == NULL)
        return NULL;
    memo->memory = memory_zalloc(MEMO_SLOTS + 1, sizeof *memo->slots);
    if (memo->memory == NULL) {
        memory_free(memo);
        return NULL;
    }
    uintptr_t address = ((uintptr_t)memo->memory + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    memo->slots = (struct memo_slot *)address;
    memo->stamp = 1;
    return memo;
}

void memo_free(struct memo *memo)
{
    if (memo == NULL)
        return;
    memory_free(memo->memory);
    memory_free(memo);
}

void memo_forget(struct memo *memo)
{
    memo->stamp++;
    memo->sought = 0;
    memo->found = 0;
    memo->rest = 0;
}

/* False: it rests. */
static bool count_query(struct memo *memo)
{
    if (memo->rest > 0) {
        memo->rest--;
        return false;
    }
    if (++memo->sought == MEMO_STRETCH) {
        if (memo->found * MEMO_WORTH < memo->sought)
            memo->rest = MEMO_REST;
        memo->sought = 0;
        memo->found = 0;
    }
    return true;
}

/* `size` is at least a word. */
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= size; at += sizeof(uint64_t))
        hash = word_mix(hash, word_read(bytes + at));
    return word_mix(hash, word_read(bytes + size - sizeof(uint64_t)));
}

void memo_seek(struct memo *memo, uint32_t view, const uint8_t *wire, size_t size, struct memo_key *key)
{
    key->slot = NULL;
    if (size < ID_SIZE + sizeof(uint64_t) || size > ID_SIZE + MEMO_BYTES || !count_query(memo))
        return;
    uint64_t hash = hash_bytes(view, wire + ID_SIZE, size - ID_SIZE);
    key->view = view;
    key->slot = &memo->slots[hash % MEMO_SLOTS];
    for (size_t line = 0; line < sizeof *key->slot; line += CACHE_LINE)
        __builtin_prefetch((const uint8_t *)key->slot + line);
}

size_t memo_find(struct memo *memo, const struct memo_key *key, const uint8_t *wire, size_t size, uint8_t *reply)
{
    const struct memo_slot *slot = key->slot;

    if (slot == NULL || slot->stamp != memo->stamp || slot->view != key->view || slot->query_size != size - ID_SIZE ||
        memcmp(slot->bytes, wire + ID_SIZE, slot->query_size) != 0)
        return 0;
    memo->found++;
    memcpy(reply, wire, ID_SIZE);
    memcpy(reply + ID_SIZE, slot->bytes + slot->query_size, slot->reply_size);
    return ID_SIZE + (size_t)slot->reply_size;
}

void memo_keep(struct memo *memo, const struct memo_key *key, const uint8_t *wire, size_t size, const uint8_t *reply,
               size_t reply_size)
{
    struct memo_slot *slot = key->slot;

    if (slot == NULL || size + reply_size - (size_t)(2 * ID_SIZE) > MEMO_BYTES)
        return;
    slot->stamp = memo->stamp;
    slot->view = key->view;
    slot->query_size = (uint16_t)(size - ID_SIZE);
    slot->reply_size = (uint16_t)(reply_size - ID_SIZE);
    memcpy(slot->bytes, wire + ID_SIZE, slot->query_size);
    memcpy(slot->bytes + slot->query_size, reply + ID_SIZE, slot->reply_size);
}

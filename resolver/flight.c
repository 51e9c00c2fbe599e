/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/flight.h"

#include "zones/memory.h"
#include "zones/name.h"

#include <assert.h>
#include <string.h>

#define BUCKETS 16384 /* a power of two, about as many as fly at most */

struct flight_table {
    uint64_t seed;
    struct flight *buckets[BUCKETS];
};

struct flight_table *flight_table_new(uint64_t seed)
{
    struct flight_table *table = memory_zalloc(1, sizeof *table);

    if (table != NULL)
        table->seed = seed;
    return table;
}

void flight_table_free(struct flight_table *table)
{
    memory_free(table);
}

bool cached_key_equal(const struct cached_key *a, const struct cached_key *b)
{
    return a->identity == b->identity && a->type == b->type && a->dnssec_ok == b->dnssec_ok &&
           a->checking_disabled == b->checking_disabled && name_equal(a->name, b->name);
}

/* FNV-1a over what is compared, begun with a secret: nobody outside can choose a bucket. */
static uint64_t key_hash(uint64_t seed, const struct cached_key *key)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    uint8_t lower[NAME_SIZE_MAX];
    size_t size = name_to_lower(key->name, lower);
    uint64_t hash = (seed ^ key->identity) * prime;

    hash = (hash ^ (key->type | (uint64_t)key->dnssec_ok << 16 | (uint64_t)key->checking_disabled << 17)) * prime;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ lower[i]) * prime;
    return hash ^ hash >> 32;
}

struct flight *flight_find(const struct flight_table *table, const struct cached_key *key)
{
    uint64_t hash = key_hash(table->seed, key);
    struct flight *flight = table->buckets[hash & (BUCKETS - 1)];

    while (flight != NULL && (flight->hash != hash || !cached_key_equal(&flight->key, key)))
        flight = flight->next_in_bucket;
    return flight;
}

struct flight *flight_any(const struct flight_table *table)
{
    for (size_t i = 0; i < BUCKETS; i++)
        if (table->buckets[i] != NULL)
            return table->buckets[i];
    return NULL;
}

struct flight *flight_new(struct flight_table *table, const struct cached_key *key)
{
    size_t size = name_size(key->name);
    struct flight *flight = memory_zalloc(1, sizeof *flight + size);

    if (flight == NULL)
        return NULL;
    memcpy(flight->name, key->name, size);
    flight->key = *key;
    flight->key.name = flight->name;
    flight->hash = key_hash(table->seed, key);
    flight->holders = 1;
    struct flight **bucket = &table->buckets[flight->hash & (BUCKETS - 1)];
    flight->next_in_bucket = *bucket;
    *bucket = flight;
    return flight;
}

void flight_remove(struct flight_table *table, struct flight *flight)
{
    struct flight **link = &table->buckets[flight->hash & (BUCKETS - 1)];

    while (*link != flight) {
        assert(*link != NULL);
        link = &(*link)->next_in_bucket;
    }
    *link = flight->next_in_bucket;
    flight->state = FLIGHT_OVER;
    flight_release(flight);
}

void flight_hold(struct flight *flight)
{
    flight->holders++;
}

void flight_release(struct flight *flight)
{
    assert(flight->holders > 0);
    if (--flight->holders > 0)
        return;
    assert(flight->waiters == NULL && flight->generation == NULL);
    cached_release(flight->result);
    memory_free(flight);
}

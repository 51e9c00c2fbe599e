/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/cache_probe.h"

#include <string.h>

/* Eight octets at once: those from 'A' to 'Z' get bit 5. Lengths of labels are below 'A'. */
static uint64_t lower_word(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & (0x7f * ones);
    uint64_t above_z = low + (0x7f - 'Z') * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones;
    uint64_t is_upper = (from_a ^ above_z) & ~word & (0x80 * ones);
    return word | is_upper >> 2;
}

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

void cache_probe_init(struct cache_probe *probe, const struct cached_key *key)
{
    const uint64_t zero = 0;
    size_t size = name_size(key->name);
    size_t at = 0;
    for (uint64_t word; at + 8 <= size; at += 8) {
        word = lower_word(read_word(key->name + at));
        memcpy(probe->lower + at, &word, sizeof word);
    }
    uint64_t word = 0;
    memcpy(&word, key->name + at, size - at);
    word = lower_word(word);
    memcpy(probe->lower + at, &word, sizeof word);
    memcpy(probe->lower + at + 8, &zero, sizeof zero);
    probe->identity = key->identity;
    probe->name = probe->lower;
    probe->size = size;
    probe->type = key->type;
    probe->flags = (uint8_t)((key->dnssec_ok ? CACHE_DO : 0) | (key->checking_disabled ? CACHE_CD : 0));
}

bool cache_probe_is(const struct cache_probe *probe, const uint8_t *name)
{
    for (size_t at = 0; at < probe->size; at += 8)
        if (read_word(probe->name + at) != read_word(name + at))
            return false;
    return true;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t cache_probe_hash(const uint64_t secret[2], const struct cache_probe *probe)
{
    uint64_t hash = fold(secret[0] ^ probe->identity, secret[1]);
    hash ^= (uint64_t)probe->size << 32 | (uint64_t)probe->type << 8 | probe->flags;
    for (size_t at = 0; at < probe->size; at += 8)
        hash = fold(hash ^ read_word(probe->name + at), secret[1]);
    return hash;
}

void cache_probe_all(const struct cache_probe *probe, const uint8_t *name, uint8_t flags, struct cache_probe *all)
{
    all->identity = probe->identity;
    all->name = name;
    all->size = probe->size - (size_t)(name - probe->name);
    all->type = CACHE_TYPE_ALL;
    all->flags = flags;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * word: octets of names eight at a time, in whatever order the machine has them. None of these look outside the octets
 * they are given. Pure functions; any thread.
 */
#ifndef SPLITVIEW_ZONES_WORD_H
#define SPLITVIEW_ZONES_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t word_read(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline void word_write(uint8_t *bytes, uint64_t word)
{
    memcpy(bytes, &word, sizeof word);
}

/* The octets from 'A' to 'Z' get bit 5. Lengths of labels are below 'A' and stay. */
static inline uint64_t word_lower(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = word & (0x7f * ones);
    uint64_t above_z = low + (0x7f - 'Z') * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones;
    uint64_t is_upper = (from_a ^ above_z) & ~word & (0x80 * ones);
    return word | is_upper >> 2;
}

/* `size` octets, 1 to 7: the first is the lowest, what is missing is zero. */
static inline uint64_t word_read_part(const uint8_t *bytes, size_t size)
{
    if (size >= 4) {
        uint32_t first;
        uint32_t last;
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + size - sizeof last, sizeof last);
        return first | (uint64_t)last << 8 * (size - sizeof last);
    }
    uint64_t middle = bytes[size / 2];
    uint64_t last = bytes[size - 1];
    return bytes[0] | middle << 8 * (size / 2) | last << 8 * (size - 1);
}

/* Each step of a hash: a multiplication folded onto itself. */
static inline uint64_t word_mix(uint64_t hash, uint64_t word)
{
    const uint64_t prime = UINT64_C(0xa0761d6478bd642f);
    __extension__ unsigned __int128 product = (unsigned __int128)(hash ^ word) * prime;
    return (uint64_t)product ^ (uint64_t)(product >> 64) ^ (word + prime);
}

#endif

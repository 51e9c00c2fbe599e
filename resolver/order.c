/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/order.h"

#include <assert.h>

/* SplitMix64: any seed gives well mixed numbers, also 0, 1, 2, … */
static uint32_t next_number(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(mixed >> 32);
}

static void shuffle(struct rdata *records, unsigned count, uint32_t seed)
{
    uint64_t state = seed;
    for (unsigned left = count; left > 1; left--) {
        unsigned chosen = (unsigned)((uint64_t)next_number(&state) * left >> 32);
        struct rdata kept = records[left - 1];
        records[left - 1] = records[chosen];
        records[chosen] = kept;
    }
}

bool order_records(const struct rrset *rrset, bool shuffled, uint32_t seed, struct rdata records[ORDER_RECORDS_MAX])
{
    assert(rrset->count > 1 && rrset->count <= ORDER_RECORDS_MAX);
    unsigned count = rrset->count;
    unsigned place = shuffled ? 0 : (count - seed % count) % count;
    uint32_t position = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!rrset_next_rdata(rrset, &position, &records[place]))
            return false;
        place = place + 1 == count ? 0 : place + 1;
    }
    if (shuffled)
        shuffle(records, count, seed);
    return position == rrset->size;
}

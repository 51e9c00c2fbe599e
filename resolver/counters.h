/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counters: what a worker counts (counters.def). One writer, the worker; any thread may read at any time. A counter
 * only rises while the daemon lives.
 */
#ifndef SPLITVIEW_RESOLVER_COUNTERS_H
#define SPLITVIEW_RESOLVER_COUNTERS_H

#include "zones/answer.h"

#include <stdatomic.h>
#include <stdint.h>

enum counter {
#define COUNTER(id, name, text) COUNTER_##id,
#include "resolver/counters.def"
#undef COUNTER
    COUNTER_COUNT
};

/* All zero is the start. Stands among other data of its worker, so that workers do not share its cache lines. */
struct counters {
    _Atomic uint64_t values[COUNTER_COUNT];
};

/* The writer's. A load and a store: with one writer no atomic addition is needed. */
static inline void counters_add(struct counters *counters, enum counter counter, uint64_t amount)
{
    uint64_t value = atomic_load_explicit(&counters->values[counter], memory_order_relaxed);
    atomic_store_explicit(&counters->values[counter], value + amount, memory_order_relaxed);
}

static inline uint64_t counters_get(const struct counters *counters, enum counter counter)
{
    return atomic_load_explicit(&counters->values[counter], memory_order_relaxed);
}

/* The key in `status` and a sentence about it; fixed texts. */
const char *counter_name(enum counter counter);
const char *counter_text(enum counter counter);

/* The counter of replies with this rcode. */
enum counter counter_of_rcode(enum rcode rcode);

#endif

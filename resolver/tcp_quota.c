/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/tcp_quota.h"

#include "zones/memory.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#define BUCKETS       1024 /* a power of two */
#define NETWORK_BYTES 8
#define V4_BYTES      3 /* /24 */
#define V6_BYTES      7 /* /56 */

/* A network with at least one connection: family, then the bytes of its prefix. */
struct network {
    struct network *next;
    uint8_t key[NETWORK_BYTES];
    uint32_t connections;
};

struct tcp_quota {
    pthread_mutex_t lock;
    uint32_t connections;
    struct network *buckets[BUCKETS];
};

struct tcp_quota *tcp_quota_new(void)
{
    struct tcp_quota *quota = memory_zalloc(1, sizeof *quota);

    if (quota != NULL)
        pthread_mutex_init(&quota->lock, NULL);
    return quota;
}

void tcp_quota_free(struct tcp_quota *quota)
{
    if (quota == NULL)
        return;
    assert(quota->connections == 0);
    pthread_mutex_destroy(&quota->lock);
    memory_free(quota);
}

static void make_key(const struct address *source, uint8_t key[NETWORK_BYTES])
{
    memset(key, 0, NETWORK_BYTES);
    key[0] = source->family;
    memcpy(key + 1, source->bytes, source->family == 4 ? V4_BYTES : V6_BYTES);
}

/* Where the network hangs, or the end of its chain. */
static struct network **find(struct tcp_quota *quota, const uint8_t key[NETWORK_BYTES])
{
    uint32_t hash = 2166136261u; /* FNV-1a; at most tcp-clients entries can ever share a chain */

    for (size_t i = 0; i < NETWORK_BYTES; i++)
        hash = (hash ^ key[i]) * 16777619u;
    struct network **link = &quota->buckets[(hash ^ hash >> 16) & (BUCKETS - 1)];
    while (*link != NULL && memcmp((*link)->key, key, NETWORK_BYTES) != 0)
        link = &(*link)->next;
    return link;
}

static enum tcp_verdict take(struct tcp_quota *quota, const uint8_t key[NETWORK_BYTES], uint32_t total_max,
                             uint32_t network_max)
{
    struct network **link = find(quota, key);

    if (*link != NULL && (*link)->connections >= network_max)
        return TCP_NETWORK_REACHED;
    if (quota->connections >= total_max)
        return TCP_TOTAL_REACHED;
    if (*link == NULL) {
        struct network *made = memory_zalloc(1, sizeof *made);
        if (made == NULL)
            return TCP_NO_MEMORY;
        memcpy(made->key, key, NETWORK_BYTES);
        *link = made;
    }
    (*link)->connections++;
    quota->connections++;
    return TCP_ALLOWED;
}

enum tcp_verdict tcp_quota_take(struct tcp_quota *quota, const struct address *source, uint32_t total_max,
                                uint32_t network_max)
{
    uint8_t key[NETWORK_BYTES];

    make_key(source, key);
    pthread_mutex_lock(&quota->lock);
    enum tcp_verdict verdict = take(quota, key, total_max, network_max);
    pthread_mutex_unlock(&quota->lock);
    return verdict;
}

void tcp_quota_give(struct tcp_quota *quota, const struct address *source)
{
    uint8_t key[NETWORK_BYTES];

    make_key(source, key);
    pthread_mutex_lock(&quota->lock);
    struct network **link = find(quota, key);
    assert(*link != NULL && (*link)->connections > 0 && quota->connections > 0);
    quota->connections--;
    if (--(*link)->connections == 0) {
        struct network *gone = *link;
        *link = gone->next;
        memory_free(gone);
    }
    pthread_mutex_unlock(&quota->lock);
}

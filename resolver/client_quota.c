/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/client_quota.h"

#include "zones/memory.h"

#include <assert.h>
#include <string.h>

#define BUCKETS   1024 /* a power of two; chains are bounded by forward-queries */
#define KEY_BYTES 9
#define V6_BYTES  8 /* /64: one host has as many addresses in it as it likes */

struct quota_client {
    struct quota_client *next;
    uint32_t waiting;
    uint8_t key[KEY_BYTES]; /* family, then address or network */
};

struct client_quota {
    struct quota_client *buckets[BUCKETS];
};

struct client_quota *client_quota_new(void)
{
    return memory_zalloc(1, sizeof(struct client_quota));
}

void client_quota_free(struct client_quota *quota)
{
    if (quota == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (quota->buckets[i] != NULL) {
            struct quota_client *gone = quota->buckets[i];
            quota->buckets[i] = gone->next;
            memory_free(gone);
        }
    }
    memory_free(quota);
}

/* Where the client hangs, or the end of its chain. */
static struct quota_client **find(struct client_quota *quota, const struct address *source, uint8_t key[KEY_BYTES])
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    memset(key, 0, KEY_BYTES);
    key[0] = source->family;
    memcpy(key + 1, source->bytes, source->family == 4 ? 4 : V6_BYTES);
    for (size_t i = 0; i < KEY_BYTES; i++)
        hash = (hash ^ key[i]) * 16777619u;
    struct quota_client **link = &quota->buckets[(hash ^ hash >> 16) & (BUCKETS - 1)];
    while (*link != NULL && memcmp((*link)->key, key, KEY_BYTES) != 0)
        link = &(*link)->next;
    return link;
}

bool client_quota_take(struct client_quota *quota, const struct address *source, uint32_t max)
{
    uint8_t key[KEY_BYTES];
    struct quota_client **link = find(quota, source, key);

    if (*link == NULL) {
        struct quota_client *made = memory_zalloc(1, sizeof *made);
        if (made == NULL)
            return false;
        memcpy(made->key, key, KEY_BYTES);
        *link = made;
    }
    if ((*link)->waiting >= max)
        return false;
    (*link)->waiting++;
    return true;
}

void client_quota_give(struct client_quota *quota, const struct address *source)
{
    uint8_t key[KEY_BYTES];
    struct quota_client **link = find(quota, source, key);

    assert(*link != NULL && (*link)->waiting > 0);
    if (--(*link)->waiting > 0)
        return;
    struct quota_client *gone = *link;
    *link = gone->next;
    memory_free(gone);
}

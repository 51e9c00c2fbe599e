/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/reload.h"

#include "resolver/say.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum field_kind { FIELD_TEXT, FIELD_U32, FIELD_U64, FIELD_BOOL };

/* Keys that `splitview` alone reads (zones, branch, keep-generations) are not here. */
static const struct field {
    const char *key;
    size_t offset;
    enum field_kind kind;
    bool applied; /* while running */
} fields[] = {
    {"store", offsetof(struct server_config, store), FIELD_TEXT, false},
    {"workers", offsetof(struct server_config, workers), FIELD_U32, false},
    {"control", offsetof(struct server_config, control), FIELD_TEXT, false},
    {"user", offsetof(struct server_config, user), FIELD_TEXT, false},
    {"group", offsetof(struct server_config, group), FIELD_TEXT, false},
    {"receive-buffer", offsetof(struct server_config, receive_buffer), FIELD_U32, false},
    {"map-size", offsetof(struct server_config, map_size), FIELD_U64, false},
    {"identity", offsetof(struct server_config, identity), FIELD_TEXT, true},
    {"udp-payload", offsetof(struct server_config, udp_payload), FIELD_U32, true},
    {"tcp-idle", offsetof(struct server_config, tcp_idle_ms), FIELD_U32, true},
    {"tcp-clients", offsetof(struct server_config, tcp_clients), FIELD_U32, true},
    {"tcp-clients-per-network", offsetof(struct server_config, tcp_clients_per_network), FIELD_U32, true},
    {"cache-size", offsetof(struct server_config, cache_size), FIELD_U64, true},
    {"forward-queries", offsetof(struct server_config, forward_queries), FIELD_U32, true},
    {"forward-queries-per-client", offsetof(struct server_config, forward_queries_per_client), FIELD_U32, true},
    {"query-log", offsetof(struct server_config, query_log), FIELD_BOOL, true},
    {"query-log-file", offsetof(struct server_config, query_log_file), FIELD_TEXT, true},
};

static bool field_equal(const struct field *field, const struct server_config *a, const struct server_config *b)
{
    const char *one = (const char *)a + field->offset;
    const char *other = (const char *)b + field->offset;

    switch (field->kind) {
    case FIELD_TEXT: {
        char *const *text = (char *const *)(const void *)one;
        char *const *other_text = (char *const *)(const void *)other;
        return strcmp(*text, *other_text) == 0;
    }
    case FIELD_U32:
        return memcmp(one, other, sizeof(uint32_t)) == 0;
    case FIELD_U64:
        return memcmp(one, other, sizeof(uint64_t)) == 0;
    case FIELD_BOOL:
        return memcmp(one, other, sizeof(bool)) == 0;
    }
    return true;
}

static bool listen_equal(const struct server_config *a, const struct server_config *b)
{
    if (a->listen_count != b->listen_count)
        return false;
    for (size_t i = 0; i < a->listen_count; i++)
        if (!address_equal(&a->listen[i].address, &b->listen[i].address) || a->listen[i].port != b->listen[i].port)
            return false;
    return true;
}

void reload_report(const struct server_config *started, const struct server_config *current,
                   const struct server_config *fresh)
{
    if (!listen_equal(started, fresh))
        say("reload: listen has changed: needs a restart");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct field *field = &fields[i];
        if (!field_equal(field, field->applied ? current : started, fresh))
            say("reload: %s has changed: %s", field->key, field->applied ? "applied" : "needs a restart");
    }
}

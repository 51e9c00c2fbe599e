/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/cache_search.h"

#include "zones/memory.h"

/* A walk over one identity's entries in one cache. */
struct cache_walker {
    const struct cache_wanted *wanted;
    unsigned labels; /* of the wanted name */
    struct cache_part *part;
    uint32_t group;
    uint64_t now_ms;
    bool denied[NAME_LABELS_MAX +
                1]; /* the ancestor of the wanted name with so many labels is denied with all below it */
};

void cache_part_init(struct cache_part *part)
{
    *part = (struct cache_part){0};
    bytes_init(&part->data, CACHE_BYTES_MAX);
}

void cache_part_clear(struct cache_part *part)
{
    memory_free(part->entries);
    bytes_clear(&part->data);
}

/* The ancestor of the wanted name that `name` is, as its number of labels; false: it is none. */
static bool is_ancestor(const struct cache_walker *walker, const uint8_t *name, unsigned *labels)
{
    *labels = name_label_count(name);
    return *labels < walker->labels && name_equal(name, name_ancestor(walker->wanted->name, *labels));
}

/* As cache_find has it: the name itself does not exist, not the end of a chain, and somebody has proved it. */
static bool denies_below(const struct cached_key *key, const struct cached *cached, uint64_t now_ms)
{
    return cached->rcode == RCODE_NXDOMAIN && cached->is_authentic && !key->dnssec_ok && !key->checking_disabled &&
           (cached->count == 0 || cached->rrsets[0].section != SECTION_ANSWER) && cached_ttl_left(cached, now_ms) > 0;
}

static void visit_denial(void *context, const struct cached_key *key, const struct cached *cached)
{
    struct cache_walker *walker = context;
    unsigned labels;

    if (denies_below(key, cached, walker->now_ms) && is_ancestor(walker, key->name, &labels))
        walker->denied[labels] = true;
}

static bool is_meant(const struct cache_walker *walker, const uint8_t *name)
{
    const struct cache_wanted *wanted = walker->wanted;
    unsigned labels;

    if (is_ancestor(walker, name, &labels))
        return walker->denied[labels];
    return wanted->tree ? name_is_at_or_below(name, wanted->name) : name_equal(name, wanted->name);
}

static bool copy_rrset(struct bytes *data, const struct cached_rrset *from, uint32_t age)
{
    struct cache_rrset head = {
        .ttl = from->rrset.ttl > age ? from->rrset.ttl - age : 0,
        .size = from->rrset.size,
        .type = from->rrset.type,
        .count = from->rrset.count,
        .section = (uint8_t)from->section,
        .owner_size = (uint8_t)name_size(from->owner),
    };

    return bytes_append(data, &head, sizeof head) == STATUS_OK &&
           bytes_append(data, from->owner, head.owner_size) == STATUS_OK &&
           bytes_append(data, from->rrset.data, head.size) == STATUS_OK;
}

/* The entry's key and RRsets go behind what `data` holds; false, and nothing changed: no room. */
static bool copy_bytes(struct bytes *data, const struct cached_key *key, const struct cached *cached,
                       struct cache_entry *entry)
{
    uint8_t sort_key[NAME_KEY_MAX];
    size_t before = data->size;

    entry->key = (uint32_t)before;
    entry->key_size = (uint16_t)name_to_key(key->name, sort_key);
    bool copied = bytes_append(data, sort_key, entry->key_size) == STATUS_OK;
    entry->rrsets = (uint32_t)data->size;
    for (uint16_t i = 0; i < cached->count && copied; i++)
        copied = copy_rrset(data, &cached->rrsets[i], entry->age);
    if (!copied)
        data->size = before;
    return copied;
}

static void copy_entry(const struct cache_walker *walker, const struct cached_key *key, const struct cached *cached)
{
    struct cache_part *part = walker->part;
    uint64_t age = walker->now_ms > cached->stored_ms ? (walker->now_ms - cached->stored_ms) / 1000 : 0;
    struct cache_entry entry = {
        .group = walker->group,
        .ttl = cached_ttl_left(cached, walker->now_ms),
        .age = age < UINT32_MAX ? (uint32_t)age : UINT32_MAX,
        .rrset_count = cached->count,
        .type = key->type,
        .rcode = (uint16_t)cached->rcode,
        .extended_error = cached->extended_error,
        .dnssec_ok = key->dnssec_ok,
        .checking_disabled = key->checking_disabled,
        .is_authentic = cached->is_authentic,
    };

    if (part->count == CACHE_SHOWN_MAX)
        return;
    struct cache_entry *entries = memory_grow(part->entries, part->count, &part->capacity, sizeof *entries);
    if (entries == NULL)
        return;
    part->entries = entries;
    if (copy_bytes(&part->data, key, cached, &entry))
        entries[part->count++] = entry;
}

static void visit_entry(void *context, const struct cached_key *key, const struct cached *cached)
{
    const struct cache_walker *walker = context;

    if (!is_meant(walker, key->name))
        return;
    walker->part->matched++;
    copy_entry(walker, key, cached);
}

static void remove_entries(const struct cache_walker *walker, struct cache *cache, uint64_t identity)
{
    const struct cache_wanted *wanted = walker->wanted;

    walker->part->removed += cache_flush(cache, identity, wanted->name, wanted->tree);
    for (unsigned labels = 0; labels < walker->labels; labels++)
        if (walker->denied[labels])
            walker->part->removed += cache_flush(cache, identity, name_ancestor(wanted->name, labels), false);
}

void cache_search(const struct cache_wanted *wanted, struct cache *cache, uint64_t identity, uint32_t group,
                  uint64_t now_ms, struct cache_part *part)
{
    static const uint8_t root[] = {0};
    struct cache_walker walker = {
        .wanted = wanted, .labels = name_label_count(wanted->name), .part = part, .group = group, .now_ms = now_ms};

    if (walker.labels > 0)
        cache_walk(cache, identity, root, visit_denial, &walker);
    if (wanted->removes)
        remove_entries(&walker, cache, identity);
    else
        cache_walk(cache, identity, root, visit_entry, &walker);
}

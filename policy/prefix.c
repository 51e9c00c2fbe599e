/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/prefix.h"

#include "zones/memory.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An address of either family as one number; IPv4 stands in the topmost 32 bits. */
struct key {
    uint64_t high;
    uint64_t low;
};

struct entry {
    struct prefix prefix;
    struct key first;
    struct key last;
    uint32_t value;
};

/* Where a run of addresses with equal value begins; it ends before the next one's start. */
struct range {
    struct key start;
    uint32_t value;
};

struct range_list {
    struct range *ranges;
    size_t count;
    size_t capacity;
};

struct prefix_map {
    struct entry *entries;
    size_t entry_count;
    size_t entry_capacity;
    size_t *slots; /* open addressing over entries: index + 1, 0 = empty */
    size_t slot_count;
    bool is_frozen;
    uint32_t otherwise; /* value of what no network holds */
    uint32_t *starts4;
    uint32_t *values4;
    size_t count4;
    struct key *starts6;
    uint32_t *values6;
    size_t count6;
};

static unsigned family_bits(uint8_t family)
{
    return family == 4 ? 32 : 128;
}

/* ---- addresses ---- */

static const uint8_t mapped_head[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct address address_from_bytes(const uint8_t *bytes, size_t size)
{
    struct address address = {0};
    if (size == 4) {
        address.family = 4;
        memcpy(address.bytes, bytes, 4);
    } else if (size == 16 && memcmp(bytes, mapped_head, sizeof mapped_head) == 0) {
        address.family = 4;
        memcpy(address.bytes, bytes + 12, 4);
    } else if (size == 16) {
        address.family = 6;
        memcpy(address.bytes, bytes, 16);
    }
    return address;
}

/* The raw bytes of an address as written; their number, or 0 if it is no address. */
static size_t read_address_bytes(const char *text, size_t length, uint8_t bytes[16])
{
    char copy[ADDRESS_TEXT_MAX];
    if (length == 0 || length >= sizeof copy || memchr(text, 0, length) != NULL)
        return 0;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (inet_pton(AF_INET, copy, bytes) == 1)
        return 4;
    return inet_pton(AF_INET6, copy, bytes) == 1 ? 16 : 0;
}

enum status address_from_text(const char *text, size_t length, struct address *address)
{
    uint8_t bytes[16];
    size_t size = read_address_bytes(text, length, bytes);
    if (size == 0)
        return STATUS_BAD_INPUT;
    *address = address_from_bytes(bytes, size);
    return STATUS_OK;
}

void address_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX])
{
    if (address->family == 0 ||
        inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text, ADDRESS_TEXT_MAX) == NULL)
        text[0] = 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- networks ---- */

/* Clear all bits behind `length`; true if one of them was set. */
static bool clear_host_bits(struct address *address, unsigned length)
{
    bool any = false;
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = length >= 8 * (i + 1) ? 8 : length > 8 * i ? length - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> keep);
        any = any || (address->bytes[i] & (uint8_t)~mask) != 0;
        address->bytes[i] &= mask;
    }
    return any;
}

/* Decimal, without sign or leading zero, at most `max`. */
static bool read_length(const char *text, size_t size, unsigned max, unsigned *length)
{
    if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
        return false;
    unsigned value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *length = value;
    return value <= max;
}

enum status prefix_from_text(const char *text, size_t length, struct prefix *prefix, bool *host_bits)
{
    *host_bits = false;
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash == NULL ? length : (size_t)(slash - text);
    uint8_t bytes[16];
    size_t size = read_address_bytes(text, address_length, bytes);
    if (size == 0)
        return STATUS_BAD_INPUT;
    unsigned bits = (unsigned)size * 8;
    if (slash != NULL && !read_length(slash + 1, length - address_length - 1, (unsigned)size * 8, &bits))
        return STATUS_BAD_INPUT;
    struct address address = address_from_bytes(bytes, size);
    if (address.family == 4 && size == 16) {
        if (bits < 96)
            return STATUS_BAD_INPUT;
        bits -= 96;
    }
    *host_bits = clear_host_bits(&address, bits);
    prefix->address = address;
    prefix->length = (uint8_t)bits;
    return *host_bits ? STATUS_BAD_INPUT : STATUS_OK;
}

void prefix_to_text(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
    char address[ADDRESS_TEXT_MAX];
    address_to_text(&prefix->address, address);
    snprintf(text, PREFIX_TEXT_MAX, "%s/%u", address, (unsigned)prefix->length);
}

bool prefix_contains(const struct prefix *prefix, const struct address *address)
{
    if (prefix->address.family != address->family)
        return false;
    struct address network = *address;
    clear_host_bits(&network, prefix->length);
    return address_equal(&network, &prefix->address);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
    return a->length == b->length && address_equal(&a->address, &b->address);
}

static bool is_private4(const uint8_t *bytes)
{
    return bytes[0] == 10 || bytes[0] == 127 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) ||
           (bytes[0] == 192 && bytes[1] == 168) || (bytes[0] == 169 && bytes[1] == 254) ||
           (bytes[0] == 100 && (bytes[1] & 0xc0) == 64);
}

static bool is_private6(const uint8_t *bytes)
{
    static const uint8_t loopback[16] = {[15] = 1};
    return (bytes[0] & 0xfe) == 0xfc || (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) ||
           memcmp(bytes, loopback, sizeof loopback) == 0;
}

bool address_is_private(const struct address *address)
{
    if (address->family == 4)
        return is_private4(address->bytes);
    return address->family == 6 && is_private6(address->bytes);
}

/* ---- keys ---- */

static struct key key_from_address(const struct address *address)
{
    struct key key = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        key.high = key.high << 8 | address->bytes[i];
        key.low = key.low << 8 | address->bytes[i + 8];
    }
    return key;
}

static int key_compare(struct key a, struct key b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

/* The key with all bits behind `length` set. */
static struct key key_last(struct key first, unsigned length)
{
    struct key last = first;
    if (length < 64) {
        last.high |= UINT64_MAX >> length;
        last.low = UINT64_MAX;
    } else if (length < 128) {
        last.low |= UINT64_MAX >> (length - 64);
    }
    return last;
}

static struct key key_next(struct key key)
{
    key.low++;
    key.high += key.low == 0;
    return key;
}

static struct key key_previous(struct key key)
{
    key.high -= key.low == 0;
    key.low--;
    return key;
}

/* Leading bits that two different keys share. */
static unsigned key_common_bits(struct key a, struct key b)
{
    if (a.high != b.high)
        return (unsigned)__builtin_clzll(a.high ^ b.high);
    assert(a.low != b.low);
    return 64 + (unsigned)__builtin_clzll(a.low ^ b.low);
}

/* ---- building ---- */

struct prefix_map *prefix_map_new(void)
{
    return memory_zalloc(1, sizeof(struct prefix_map));
}

void prefix_map_free(struct prefix_map *map)
{
    if (map == NULL)
        return;
    memory_free(map->entries);
    memory_free(map->slots);
    memory_free(map->starts4);
    memory_free(map->values4);
    memory_free(map->starts6);
    memory_free(map->values6);
    memory_free(map);
}

static size_t prefix_hash(const struct prefix *prefix)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ prefix->length ^ (uint64_t)prefix->address.family << 8;
    for (size_t i = 0; i < sizeof prefix->address.bytes; i++)
        hash = (hash ^ prefix->address.bytes[i]) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the prefix, or the empty one where it belongs. */
static size_t slot_of(const struct prefix_map *map, const struct prefix *prefix)
{
    size_t slot = prefix_hash(prefix) & (map->slot_count - 1);
    while (map->slots[slot] != 0 && !prefix_equal(&map->entries[map->slots[slot] - 1].prefix, prefix))
        slot = (slot + 1) & (map->slot_count - 1);
    return slot;
}

/* Twice the slots, at most half of them in use. */
static enum status grow_slots(struct prefix_map *map)
{
    size_t old = map->slot_count;
    size_t count = old == 0 ? 16 : old * 2;
    size_t *slots = memory_zalloc(count, sizeof *slots);
    if (slots == NULL)
        return STATUS_NO_MEMORY;
    memory_free(map->slots);
    map->slots = slots;
    map->slot_count = count;
    for (size_t i = 0; i < map->entry_count; i++)
        slots[slot_of(map, &map->entries[i].prefix)] = i + 1;
    return STATUS_OK;
}

enum status prefix_map_add(struct prefix_map *map, const struct prefix *prefix, uint32_t value, uint32_t *other)
{
    assert(!map->is_frozen);
    assert(prefix->length <= family_bits(prefix->address.family));
    if (map->entry_count >= map->slot_count / 2 && grow_slots(map) != STATUS_OK)
        return STATUS_NO_MEMORY;
    size_t slot = slot_of(map, prefix);
    if (map->slots[slot] != 0) {
        *other = map->entries[map->slots[slot] - 1].value;
        return *other == value ? STATUS_OK : STATUS_BAD_INPUT;
    }
    struct entry *entries = memory_grow(map->entries, map->entry_count, &map->entry_capacity, sizeof *entries);
    if (entries == NULL)
        return STATUS_NO_MEMORY;
    map->entries = entries;
    struct entry *entry = &entries[map->entry_count];
    entry->prefix = *prefix;
    entry->first = key_from_address(&prefix->address);
    entry->last = key_last(entry->first, prefix->length);
    entry->value = value;
    map->slots[slot] = ++map->entry_count;
    return STATUS_OK;
}

/* ---- freezing ---- */

/* By family, start, and wider networks first, so that a network comes right before what lies inside it. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    if (left->prefix.address.family != right->prefix.address.family)
        return (int)left->prefix.address.family - (int)right->prefix.address.family;
    int order = key_compare(left->first, right->first);
    return order != 0 ? order : (int)left->prefix.length - (int)right->prefix.length;
}

/* From `start` on the value is this one. A later word about the same start wins, and a range that says the same as the
 * one before it is no range of its own: scopes would become longer than needed. */
static enum status put_range(struct range_list *list, struct key start, uint32_t value)
{
    if (list->count > 0 && key_compare(list->ranges[list->count - 1].start, start) == 0)
        list->count--;
    if (list->count > 0 && list->ranges[list->count - 1].value == value)
        return STATUS_OK;
    struct range *ranges = memory_grow(list->ranges, list->count, &list->capacity, sizeof *ranges);
    if (ranges == NULL)
        return STATUS_NO_MEMORY;
    list->ranges = ranges;
    ranges[list->count++] = (struct range){start, value};
    return STATUS_OK;
}

/* One pass over the sorted networks of a family; `open` holds those around the current place, outermost first. */
static enum status make_ranges(const struct entry *entries, size_t count, uint32_t otherwise, struct range_list *list)
{
    const struct entry *open[129];
    size_t depth = 0;
    struct key zero = {0, 0};
    struct key end = key_last(zero, 0); /* of both families: an IPv4 network's last key has all lower bits set */
    enum status status = put_range(list, zero, otherwise);
    for (size_t i = 0; i <= count && status == STATUS_OK; i++) {
        while (depth > 0 && (i == count || key_compare(open[depth - 1]->last, entries[i].first) < 0)) {
            struct key last = open[--depth]->last;
            if (status == STATUS_OK && key_compare(last, end) != 0)
                status = put_range(list, key_next(last), depth > 0 ? open[depth - 1]->value : otherwise);
        }
        if (i == count || status != STATUS_OK)
            break;
        assert(depth < sizeof open / sizeof open[0]);
        open[depth++] = &entries[i];
        status = put_range(list, entries[i].first, entries[i].value);
    }
    return status;
}

static enum status take_ranges4(struct prefix_map *map, const struct range_list *list)
{
    map->starts4 = memory_zalloc(list->count, sizeof *map->starts4);
    map->values4 = memory_zalloc(list->count, sizeof *map->values4);
    if (map->starts4 == NULL || map->values4 == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        map->starts4[i] = (uint32_t)(list->ranges[i].start.high >> 32);
        map->values4[i] = list->ranges[i].value;
    }
    map->count4 = list->count;
    return STATUS_OK;
}

static enum status take_ranges6(struct prefix_map *map, const struct range_list *list)
{
    map->starts6 = memory_zalloc(list->count, sizeof *map->starts6);
    map->values6 = memory_zalloc(list->count, sizeof *map->values6);
    if (map->starts6 == NULL || map->values6 == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < list->count; i++) {
        map->starts6[i] = list->ranges[i].start;
        map->values6[i] = list->ranges[i].value;
    }
    map->count6 = list->count;
    return STATUS_OK;
}

enum status prefix_map_freeze(struct prefix_map *map, uint32_t otherwise)
{
    assert(!map->is_frozen);
    if (map->entry_count > 0)
        qsort(map->entries, map->entry_count, sizeof *map->entries, compare_entries);
    size_t count4 = 0;
    while (count4 < map->entry_count && map->entries[count4].prefix.address.family == 4)
        count4++;
    struct range_list list4 = {0};
    struct range_list list6 = {0};
    enum status status = make_ranges(map->entries, count4, otherwise, &list4);
    if (status == STATUS_OK) {
        const struct entry *entries6 = map->entry_count > count4 ? map->entries + count4 : NULL;
        status = make_ranges(entries6, map->entry_count - count4, otherwise, &list6);
    }
    if (status == STATUS_OK)
        status = take_ranges4(map, &list4);
    if (status == STATUS_OK)
        status = take_ranges6(map, &list6);
    memory_free(list4.ranges);
    memory_free(list6.ranges);
    if (status != STATUS_OK)
        return status;
    memory_free(map->slots);
    memory_free(map->entries);
    map->slots = NULL;
    map->entries = NULL;
    map->otherwise = otherwise;
    map->is_frozen = true;
    return STATUS_OK;
}

/* ---- finding ---- */

/* Bits in which another address must agree with `key` to lie in the same range: one more than it shares with the
 * neighbour on either side that is nearest outside the range. */
static uint8_t scope_of(struct key key, bool has_before, struct key before, bool has_after, struct key after)
{
    unsigned scope = 0;
    if (has_before)
        scope = key_common_bits(key, before) + 1;
    if (has_after) {
        unsigned bits = key_common_bits(key, after) + 1;
        scope = bits > scope ? bits : scope;
    }
    return (uint8_t)scope;
}

/* Leading bits that two different IPv4 keys share, and one more: as many decide between them. */
static unsigned deciding_bits4(uint32_t a, uint32_t b)
{
    return (unsigned)__builtin_clz(a ^ b) + 1;
}

static struct prefix_match find4(const struct prefix_map *map, const struct address *address)
{
    const uint8_t *bytes = address->bytes;
    uint32_t key = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    size_t low = 0;
    for (size_t count = map->count4; count > 1;) {
        size_t half = count / 2;
        low += map->starts4[low + half] <= key ? half : 0;
        count -= half;
    }
    unsigned before = low > 0 ? deciding_bits4(key, map->starts4[low] - 1) : 0;
    unsigned after = low + 1 < map->count4 ? deciding_bits4(key, map->starts4[low + 1]) : 0;
    return (struct prefix_match){map->values4[low], (uint8_t)(before > after ? before : after)};
}

static struct prefix_match find6(const struct prefix_map *map, const struct address *address)
{
    struct key key = key_from_address(address);
    size_t low = 0;
    size_t high = map->count6;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (key_compare(map->starts6[middle], key) <= 0)
            low = middle;
        else
            high = middle;
    }
    struct key after = {0, 0};
    if (high < map->count6)
        after = map->starts6[high];
    uint8_t scope = scope_of(key, low > 0, key_previous(map->starts6[low]), high < map->count6, after);
    return (struct prefix_match){map->values6[low], scope};
}

struct prefix_match prefix_map_find(const struct prefix_map *map, const struct address *address)
{
    assert(map->is_frozen);
    if (address->family == 4)
        return find4(map, address);
    if (address->family == 6)
        return find6(map, address);
    return (struct prefix_match){map->otherwise, 0};
}

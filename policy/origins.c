/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/origins.h"

#include "zones/memory.h"

#include <string.h>

#define MAGIC "svO"

/* ---- writing ---- */

#define NUMBER_MAX 10 /* bytes of a number */

/* Its size. */
static size_t write_number(uint8_t bytes[NUMBER_MAX], uint64_t number)
{
    size_t size = 0;

    do {
        bytes[size++] = (uint8_t)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
        number >>= 7;
    } while (number != 0);
    return size;
}

static enum status put_number(struct bytes *table, uint64_t number)
{
    uint8_t bytes[NUMBER_MAX];

    return bytes_append(table, bytes, write_number(bytes, number));
}

static enum status put_text(struct bytes *table, const char *text)
{
    size_t length = strlen(text);

    if (length > ORIGINS_TEXT_MAX)
        length = ORIGINS_TEXT_MAX;
    enum status status = put_number(table, length);
    return status == STATUS_OK && length > 0 ? bytes_append(table, text, length) : status;
}

static enum status put_files(const struct zone *zone, const struct policy *policy, struct bytes *table)
{
    enum status status = bytes_append(table, MAGIC, 3);

    if (status == STATUS_OK)
        status = put_number(table, ORIGINS_VERSION);
    if (status == STATUS_OK)
        status = put_number(table, zone->file_count);
    for (size_t i = 0; i < zone->file_count && status == STATUS_OK; i++) {
        uint32_t layer = zone->layers[i];
        status = put_text(table, layer < policy->view_count ? policy->views[layer].name : "");
        if (status == STATUS_OK)
            status = put_text(table, zone->files[i]);
    }
    return status;
}

/* What changes name by number. */
static enum status put_names(const struct zone *zone, const struct policy *policy, struct bytes *table)
{
    bool is_needed = zone->change_count > 0;
    size_t views = is_needed ? policy->view_count : 0;
    size_t rules = is_needed ? policy->ttl->count : 0;
    enum status status = put_number(table, views);

    for (size_t i = 0; i < views && status == STATUS_OK; i++)
        status = put_text(table, policy->views[i].name);
    if (status == STATUS_OK)
        status = put_number(table, rules);
    for (size_t i = 0; i < rules && status == STATUS_OK; i++)
        status = put_text(table, policy->ttl->rules[i].section->name);
    return status;
}

/* A zone and its image, walked together. */
struct pairing {
    const struct zone *zone;
    struct image image;
    struct bytes *table;
    size_t next_record;
    struct zone_rrset rrset; /* the next one of the zone */
    bool has_rrset;
    size_t next_mark;
    uint32_t last_node;
    uint32_t last_line;
};

static enum status put_entry(struct pairing *pairing, uint32_t node, uint32_t type, struct origin origin)
{
    int64_t step = (int64_t)origin.line - (int64_t)pairing->last_line;
    uint64_t zigzag = step < 0 ? (uint64_t)(-step) * 2 - 1 : (uint64_t)step * 2;
    uint8_t bytes[4 * NUMBER_MAX];
    size_t size = write_number(bytes, node - pairing->last_node);

    size += write_number(bytes + size, type);
    size += write_number(bytes + size, origin.file == ORIGIN_NONE ? 0 : origin.file + 1u);
    size += write_number(bytes + size, zigzag);
    pairing->last_node = node;
    pairing->last_line = origin.line;
    return bytes_append(pairing->table, bytes, size);
}

static enum status put_change(struct pairing *pairing, const struct zone_ttl_change *change)
{
    char cname[NAME_TEXT_MAX];
    enum status status = put_number(pairing->table, change->reason);

    if (status == STATUS_OK)
        status = put_number(pairing->table, change->ttl);
    if (status != STATUS_OK || change->reason == ZONE_TTL_LOWEST)
        return status;
    status = put_number(pairing->table, change->view);
    if (status == STATUS_OK)
        status = put_number(pairing->table, change->rule);
    if (status != STATUS_OK || change->reason != ZONE_TTL_CAP)
        return status;
    name_to_text(pairing->zone->cnames.data + change->cname, cname);
    return put_text(pairing->table, cname);
}

static const struct zone_ttl_change *step_before(const struct zone *zone, uint32_t change, unsigned steps)
{
    for (; steps > 0; steps--)
        change = zone->changes[change - 1].before;
    return &zone->changes[change - 1];
}

static enum status put_changes(struct pairing *pairing, const struct zone_record *record)
{
    const struct zone *zone = pairing->zone;
    unsigned count = 0;

    for (uint32_t change = record->change; change != 0; change = zone->changes[change - 1].before)
        count++;
    enum status status = put_number(pairing->table, record->written);
    if (status == STATUS_OK)
        status = put_number(pairing->table, count);
    while (count > 0 && status == STATUS_OK)
        status = put_change(pairing, step_before(zone, record->change, --count));
    return status;
}

static enum status put_mark(struct pairing *pairing, const uint8_t *name, uint32_t index)
{
    const struct zone *zone = pairing->zone;

    if (pairing->next_mark >= zone->mark_count)
        return STATUS_OK;
    const struct zone_mark *mark = &zone->marks[pairing->next_mark];
    if (!name_equal(zone_mark_name(zone, mark), name))
        return STATUS_OK;
    pairing->next_mark++;
    return put_entry(pairing, index, 0, mark->origin);
}

static enum status put_rrset(struct pairing *pairing, const uint8_t *name, uint32_t index,
                             const struct image_rrset *found)
{
    const struct zone *zone = pairing->zone;
    const struct zone_record *record = pairing->has_rrset ? &zone->records[pairing->rrset.first] : NULL;

    if (found == NULL || record == NULL || record->type != found->type || !name_equal(zone_owner(zone, record), name))
        return STATUS_DAMAGED;
    bool is_changed = record->change != 0;
    enum status status = put_entry(pairing, index, record->type * 2u + is_changed, record->origin);
    if (status == STATUS_OK && is_changed)
        status = put_changes(pairing, record);
    pairing->has_rrset = zone_next_rrset(zone, &pairing->next_record, &pairing->rrset);
    return status;
}

static enum status put_node(struct pairing *pairing, uint32_t index)
{
    const struct image_node *node = image_node_at(&pairing->image, index);

    if (node == NULL)
        return STATUS_DAMAGED;
    const uint8_t *name = image_node_name(node);
    enum status status = put_mark(pairing, name, index);
    for (unsigned i = 0; i < node->rrset_count && status == STATUS_OK; i++)
        status = put_rrset(pairing, name, index, image_node_rrset(&pairing->image, node, i));
    return status;
}

enum status origins_build(const struct zone *zone, const void *block, size_t size, const struct policy *policy,
                          struct bytes *table)
{
    struct pairing pairing = {.zone = zone, .table = table};
    enum status status = image_open(block, size, &pairing.image);

    if (status == STATUS_OK)
        status = put_files(zone, policy, table);
    if (status == STATUS_OK)
        status = put_names(zone, policy, table);
    if (status != STATUS_OK)
        return status;
    pairing.has_rrset = zone_next_rrset(zone, &pairing.next_record, &pairing.rrset);
    for (uint32_t i = 0; i < pairing.image.header->node_count && status == STATUS_OK; i++)
        status = put_node(&pairing, i);
    return status == STATUS_OK && pairing.has_rrset ? STATUS_DAMAGED : status;
}

/* ---- reading ---- */

static bool get_number(const uint8_t **at, const uint8_t *end, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; *at < end && shift < 63; shift += 7) {
        uint8_t byte = *(*at)++;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return false;
}

static bool get_text(const uint8_t **at, const uint8_t *end, const char **text, size_t *size)
{
    uint64_t length;

    if (!get_number(at, end, &length) || length > ORIGINS_TEXT_MAX || length > (uint64_t)(end - *at))
        return false;
    *text = (const char *)*at;
    *size = (size_t)length;
    *at += length;
    return true;
}

static bool get_file(const uint8_t **at, const uint8_t *end, struct origins_place *place)
{
    place->line = 0;
    return get_text(at, end, &place->view, &place->view_size) && get_text(at, end, &place->path, &place->path_size);
}

/* Pass over a list of names. */
static bool get_names(const uint8_t **at, const uint8_t *end, const uint8_t **names, uint32_t *count)
{
    const char *text;
    uint64_t number;
    size_t size;

    if (!get_number(at, end, &number) || number > UINT32_MAX)
        return false;
    *names = *at;
    *count = (uint32_t)number;
    for (uint64_t i = 0; i < number; i++)
        if (!get_text(at, end, &text, &size))
            return false;
    return true;
}

enum status origins_open(const void *table, size_t size, struct origins_reader *reader)
{
    const uint8_t *at = table;
    struct origins_place place;
    uint64_t version;
    uint64_t count;

    memset(reader, 0, sizeof *reader);
    if (size < 3 || memcmp(at, MAGIC, 3) != 0)
        return STATUS_DAMAGED;
    reader->end = at + size;
    at += 3;
    if (!get_number(&at, reader->end, &version))
        return STATUS_DAMAGED;
    if (version == 0 || version > ORIGINS_VERSION)
        return STATUS_VERSION;
    reader->version = (uint32_t)version;
    if (!get_number(&at, reader->end, &count) || count >= ORIGIN_NONE)
        return STATUS_DAMAGED;
    reader->file_count = (uint32_t)count;
    reader->files = at;
    for (uint64_t i = 0; i < count; i++)
        if (!get_file(&at, reader->end, &place))
            return STATUS_DAMAGED;
    if (version > 1 && (!get_names(&at, reader->end, &reader->views, &reader->view_count) ||
                        !get_names(&at, reader->end, &reader->rules, &reader->rule_count)))
        return STATUS_DAMAGED;
    reader->at = at;
    return STATUS_OK;
}

bool origins_file(const struct origins_reader *reader, uint32_t index, struct origins_place *place)
{
    const uint8_t *at = reader->files;

    if (index >= reader->file_count)
        return false;
    for (uint32_t i = 0; i <= index; i++)
        if (!get_file(&at, reader->end, place))
            return false;
    return true;
}

/* ---- how a TTL came about ---- */

/* Name number `index` of a list that was read before. */
static bool find_name(const uint8_t *at, const uint8_t *end, uint64_t index, uint32_t count, const char **text,
                      size_t *size)
{
    if (index >= count)
        return false;
    for (uint64_t i = 0; i <= index; i++)
        if (!get_text(&at, end, text, size))
            return false;
    return true;
}

static bool get_rule(struct origins_changes *changes, struct origins_change *change)
{
    uint64_t view;
    uint64_t rule;

    return get_number(&changes->at, changes->end, &view) && get_number(&changes->at, changes->end, &rule) &&
           find_name(changes->views, changes->end, view, changes->view_count, &change->view, &change->view_size) &&
           find_name(changes->rules, changes->end, rule, changes->rule_count, &change->rule, &change->rule_size);
}

static bool get_change(struct origins_changes *changes, struct origins_change *change)
{
    uint64_t reason;
    uint64_t ttl;

    memset(change, 0, sizeof *change);
    if (!get_number(&changes->at, changes->end, &reason) || !get_number(&changes->at, changes->end, &ttl) ||
        reason > ZONE_TTL_CAP || ttl > UINT32_MAX)
        return false;
    change->reason = (enum zone_ttl_reason)reason;
    change->ttl = (uint32_t)ttl;
    if (reason != ZONE_TTL_LOWEST && !get_rule(changes, change))
        return false;
    return reason != ZONE_TTL_CAP || get_text(&changes->at, changes->end, &change->cname, &change->cname_size);
}

bool origins_next_change(struct origins_changes *changes, struct origins_change *change)
{
    if (changes->left == 0)
        return false;
    changes->left--;
    if (get_change(changes, change))
        return true;
    changes->left = 0;
    return false;
}

/* The steps stay where they are; the reader goes on behind them. */
static bool get_changes(struct origins_reader *reader, struct origins_entry *entry)
{
    struct origins_change change;
    uint64_t written;
    uint64_t count;

    if (!get_number(&reader->at, reader->end, &written) || !get_number(&reader->at, reader->end, &count) ||
        written > UINT32_MAX || count > UINT32_MAX)
        return false;
    entry->is_changed = true;
    entry->written = (uint32_t)written;
    entry->changes = (struct origins_changes){.at = reader->at,
                                              .end = reader->end,
                                              .views = reader->views,
                                              .rules = reader->rules,
                                              .view_count = reader->view_count,
                                              .rule_count = reader->rule_count,
                                              .left = (uint32_t)count};
    struct origins_changes all = entry->changes;
    while (all.left > 0) {
        all.left--;
        if (!get_change(&all, &change))
            return false;
    }
    reader->at = all.at;
    return true;
}

/* The numbers of an entry; `file` 0: none, else one more than its index. */
static bool get_entry(struct origins_reader *reader, struct origins_entry *entry, uint64_t *file)
{
    uint64_t step;
    uint64_t type;
    uint64_t zigzag;

    if (!get_number(&reader->at, reader->end, &step) || !get_number(&reader->at, reader->end, &type) ||
        !get_number(&reader->at, reader->end, file) || !get_number(&reader->at, reader->end, &zigzag))
        return false;
    bool is_changed = reader->version > 1 && (type & 1) != 0;
    type = reader->version > 1 ? type >> 1 : type;
    if (type > UINT16_MAX || *file > reader->file_count || step > UINT32_MAX || zigzag > UINT64_C(1) << 34)
        return false;
    reader->node += (uint32_t)step;
    uint32_t line = (uint32_t)(zigzag >> 1);
    reader->line = (zigzag & 1) != 0 ? reader->line - line - 1 : reader->line + line;
    entry->node = reader->node;
    entry->type = (uint16_t)type;
    return !is_changed || get_changes(reader, entry);
}

bool origins_next(struct origins_reader *reader, struct origins_entry *entry)
{
    uint64_t file = 0;

    memset(entry, 0, sizeof *entry);
    if (!get_entry(reader, entry, &file)) {
        reader->at = reader->end;
        return false;
    }
    if (file == 0)
        return true;
    bool fine = origins_file(reader, (uint32_t)(file - 1), &entry->place);
    entry->place.line = reader->line;
    return fine;
}

enum status origins_load(const struct generation *generation, uint64_t image_id, const void **table, size_t *size)
{
    const struct candidate *candidate = generation->candidate;

    if ((image_id & CANDIDATE_IN_MEMORY) != 0) {
        uint64_t index = image_id & ~CANDIDATE_IN_MEMORY;
        if (candidate == NULL || !candidate_origins(candidate, (size_t)index, table, size))
            return STATUS_NOT_FOUND;
        return STATUS_OK;
    }
    if (generation->snapshot == NULL)
        return STATUS_NOT_FOUND;
    return snapshot_origins(generation->snapshot, image_id, table, size);
}

/* The node's number in canonical order. */
static bool find_node(const struct image *image, const uint8_t *owner, uint32_t *index)
{
    uint8_t wanted[NAME_KEY_MAX];
    uint8_t key[NAME_KEY_MAX];
    size_t wanted_size = name_to_key(owner, wanted);
    uint32_t low = 0;
    uint32_t high = image->header->node_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct image_node *node = image_node_at(image, middle);
        if (node == NULL)
            return false;
        size_t size = name_to_key(image_node_name(node), key);
        int order = memcmp(wanted, key, wanted_size < size ? wanted_size : size);
        if (order == 0)
            order = (wanted_size > size) - (wanted_size < size);
        *index = middle;
        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

bool origins_find(const struct generation *generation, uint64_t image_id, const struct image *image,
                  const uint8_t *owner, uint16_t type, struct origins_entry *entry)
{
    struct origins_reader reader;
    const void *table = NULL;
    size_t size = 0;
    uint32_t index = 0;

    if (origins_load(generation, image_id, &table, &size) != STATUS_OK ||
        origins_open(table, size, &reader) != STATUS_OK || !find_node(image, owner, &index))
        return false;
    while (origins_next(&reader, entry) && entry->node <= index)
        if (entry->node == index && entry->type == type)
            return entry->place.path != NULL;
    return false;
}

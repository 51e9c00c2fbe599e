/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/store_record.h"

#include "zones/hash.h"

#include <string.h>

#define RECORD_MAGIC   UINT64_C(0x314e4547565331a7)
#define RECORD_VERSION 2u

/* The fixed part; the texts follow, then the views: each a catalog id and a name. */
struct record_head {
    uint64_t magic;
    uint8_t digest[HASH_SIZE]; /* of everything after it */
    uint32_t version;
    uint32_t view_count;
    uint64_t number;
    uint64_t published;
    int64_t commit_time;
    uint64_t record_count;
    uint32_t zone_count;
    uint32_t reserved;
    uint64_t rollback_of;
};

/* What is left to read. */
struct reader {
    const uint8_t *at;
    size_t left;
};

#define DIGEST_END (offsetof(struct record_head, digest) + HASH_SIZE)

static void record_digest(const uint8_t *data, size_t size, uint8_t digest[HASH_SIZE])
{
    const struct hash_piece piece = {data + DIGEST_END, size - DIGEST_END};

    hash_pieces(&piece, 1, digest);
}

uint64_t store_check(const struct hash_piece *pieces, size_t count)
{
    uint8_t digest[HASH_SIZE];
    uint64_t check = 0;

    hash_pieces(pieces, count, digest);
    memcpy(&check, digest, sizeof(check));
    return check;
}

/* Length, octets and a zero byte. */
static enum status text_append(struct bytes *bytes, const char *text, size_t length)
{
    const uint32_t size = (uint32_t)length;
    enum status status = STATUS_OK;

    if (length > UINT32_MAX)
        return STATUS_TOO_LARGE;
    status = bytes_append(bytes, &size, sizeof(size));
    if (status == STATUS_OK && length > 0)
        status = bytes_append(bytes, text, length);
    return status == STATUS_OK ? bytes_append(bytes, NULL, 1) : status;
}

static enum status line_append(struct bytes *bytes, const char *text)
{
    return text_append(bytes, text, text ? strlen(text) : 0);
}

static enum status texts_append(struct bytes *bytes, const struct store_generation *generation)
{
    const char *const lines[] = {generation->commit, generation->revision, generation->author, generation->subject};
    enum status status = STATUS_OK;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && status == STATUS_OK; i++)
        status = line_append(bytes, lines[i]);
    return status == STATUS_OK ? text_append(bytes, generation->policy, generation->policy_size) : status;
}

enum status store_record_encode(const struct store_generation *generation, const uint64_t *catalog_ids,
                                struct bytes *bytes)
{
    const size_t start = bytes->size;
    const struct record_head head = {
        .magic = RECORD_MAGIC,
        .version = RECORD_VERSION,
        .view_count = generation->view_count,
        .number = generation->number,
        .published = generation->published,
        .commit_time = generation->commit_time,
        .record_count = generation->record_count,
        .zone_count = generation->zone_count,
        .rollback_of = generation->rollback_of,
    };
    enum status status = bytes_append(bytes, &head, sizeof(head));

    if (status == STATUS_OK)
        status = texts_append(bytes, generation);
    for (uint32_t i = 0; i < generation->view_count && status == STATUS_OK; i++) {
        status = bytes_append(bytes, &catalog_ids[i], sizeof(catalog_ids[i]));
        if (status == STATUS_OK)
            status = line_append(bytes, generation->views[i].name);
    }
    if (status == STATUS_OK) {
        uint8_t *record = bytes->data + start;

        record_digest(record, bytes->size - start, record + offsetof(struct record_head, digest));
    }
    return status;
}

static bool take(struct reader *reader, void *to, size_t size)
{
    if (reader->left < size)
        return false;
    memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return true;
}

static bool take_text(struct reader *reader, const char **text, size_t *length)
{
    uint32_t size = 0;

    if (!take(reader, &size, sizeof(size)) || reader->left <= size || reader->at[size] != 0)
        return false;
    *text = (const char *)reader->at;
    *length = size;
    reader->at += (size_t)size + 1;
    reader->left -= (size_t)size + 1;
    return true;
}

static bool take_line(struct reader *reader, const char **text)
{
    size_t length = 0;

    return take_text(reader, text, &length) && strlen(*text) == length;
}

static bool take_view(struct reader *reader, const char **name, uint64_t *catalog_id)
{
    return take(reader, catalog_id, sizeof(*catalog_id)) && take_line(reader, name);
}

enum status store_record_decode(const void *data, size_t size, struct store_record *record)
{
    struct reader reader = {data, size};
    struct record_head head;
    uint8_t digest[HASH_SIZE];
    struct store_generation *generation = &record->generation;
    const char *name = NULL;
    uint64_t catalog_id = 0;

    memset(record, 0, sizeof(*record));
    if (!take(&reader, &head, sizeof(head)) || head.magic != RECORD_MAGIC)
        return STATUS_DAMAGED;
    record_digest(data, size, digest);
    if (memcmp(digest, head.digest, sizeof(digest)) != 0)
        return STATUS_DAMAGED;
    if (head.version != RECORD_VERSION)
        return STATUS_VERSION;
    generation->number = head.number;
    generation->published = head.published;
    generation->commit_time = head.commit_time;
    generation->record_count = head.record_count;
    generation->zone_count = head.zone_count;
    generation->rollback_of = head.rollback_of;
    generation->view_count = head.view_count;
    if (head.view_count > STORE_VIEWS_MAX || !take_line(&reader, &generation->commit) ||
        !take_line(&reader, &generation->revision) || !take_line(&reader, &generation->author) ||
        !take_line(&reader, &generation->subject) || !take_text(&reader, &generation->policy, &generation->policy_size))
        return STATUS_DAMAGED;
    record->next = reader.at;
    record->left = reader.left;
    record->views_left = head.view_count;
    for (uint32_t i = 0; i < head.view_count; i++) {
        if (!take_view(&reader, &name, &catalog_id))
            return STATUS_DAMAGED;
    }
    return reader.left == 0 ? STATUS_OK : STATUS_DAMAGED;
}

bool store_record_view(struct store_record *record, const char **name, uint64_t *catalog_id)
{
    struct reader reader = {record->next, record->left};

    if (record->views_left == 0 || !take_view(&reader, name, catalog_id))
        return false;
    record->views_left--;
    record->next = reader.at;
    record->left = reader.left;
    return true;
}

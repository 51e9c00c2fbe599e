/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/folder_digest.h"

#include "zones/hash.h"
#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(SOURCE_ID_SIZE >= HASH_SIZE, "the name holds a SHA-256");

/* One file that went in. */
struct folder_digest_entry {
    char *path; /* owned */
    uint8_t id[SOURCE_ID_SIZE];
};

enum status folder_digest_add(struct folder_digest *digest, const char *path, const uint8_t id[SOURCE_ID_SIZE])
{
    struct folder_digest_entry *entries =
        memory_grow(digest->entries, digest->count, &digest->capacity, sizeof *entries);

    if (entries == NULL)
        return STATUS_NO_MEMORY;
    digest->entries = entries;
    struct folder_digest_entry *entry = &entries[digest->count];
    entry->path = memory_copy_text(path, strlen(path));
    if (entry->path == NULL)
        return STATUS_NO_MEMORY;
    memcpy(entry->id, id, sizeof entry->id);
    digest->count++;
    return STATUS_OK;
}

static int entry_compare(const void *left, const void *right)
{
    const struct folder_digest_entry *a = left;
    const struct folder_digest_entry *b = right;

    return strcmp(a->path, b->path);
}

enum status folder_digest_name(struct folder_digest *digest, char name[2 * SOURCE_ID_SIZE + 1])
{
    static const char hex[] = "0123456789abcdef";
    struct hash_piece *pieces = memory_zalloc(2 * digest->count, sizeof *pieces);
    uint8_t hash[HASH_SIZE];
    size_t used = 0;

    if (pieces == NULL)
        return STATUS_NO_MEMORY;
    if (digest->count > 0)
        qsort(digest->entries, digest->count, sizeof *digest->entries, entry_compare);
    for (size_t i = 0; i < digest->count; i++) {
        const struct folder_digest_entry *entry = &digest->entries[i];
        if (i > 0 && strcmp(entry->path, digest->entries[i - 1].path) == 0)
            continue; /* an include that several files share */
        pieces[used++] = (struct hash_piece){.data = entry->path, .size = strlen(entry->path) + 1};
        pieces[used++] = (struct hash_piece){.data = entry->id, .size = sizeof entry->id};
    }
    hash_pieces(pieces, used, hash);
    memory_free(pieces);
    for (size_t i = 0; i < HASH_SIZE; i++) {
        name[2 * i] = hex[hash[i] >> 4];
        name[2 * i + 1] = hex[hash[i] & 15];
    }
    name[2 * HASH_SIZE] = '\0';
    return STATUS_OK;
}

void folder_digest_clear(struct folder_digest *digest)
{
    for (size_t i = 0; i < digest->count; i++)
        memory_free(digest->entries[i].path);
    memory_free(digest->entries);
    *digest = (struct folder_digest){.entries = NULL};
}

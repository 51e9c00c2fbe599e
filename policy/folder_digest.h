/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * folder_digest: a name for the content of a folder, which has no commit: a digest over the paths and contents of all
 * files that were read, in whatever order they were. One thread at a time.
 */
#ifndef SPLITVIEW_POLICY_FOLDER_DIGEST_H
#define SPLITVIEW_POLICY_FOLDER_DIGEST_H

#include "zones/source.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/* Starts as zeros. */
struct folder_digest {
    struct folder_digest_entry *entries; /* owned */
    size_t count;
    size_t capacity;
};

/* A file that was read; `path` is copied. The same file may come again. NO_MEMORY. */
enum status folder_digest_add(struct folder_digest *digest, const char *path, const uint8_t id[SOURCE_ID_SIZE]);

/* The SHA-256 of all of them in hexadecimal. NO_MEMORY. */
enum status folder_digest_name(struct folder_digest *digest, char name[2 * SOURCE_ID_SIZE + 1]);

void folder_digest_clear(struct folder_digest *digest);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash: SHA-256 over pieces, and git's name of a file's content, by OpenSSL. For naming content; not on the query path.
 * One thread per digest.
 */
#ifndef SPLITVIEW_ZONES_HASH_H
#define SPLITVIEW_ZONES_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE     32 /* bytes */
#define HASH_GIT_SIZE 20 /* bytes */

struct hash_piece {
    const void *data; /* NULL: `size` zero bytes */
    size_t size;
};

/* The digest of all pieces one after the other. Never fails: an OpenSSL without SHA-256 ends the process. */
void hash_pieces(const struct hash_piece *pieces, size_t count, uint8_t digest[HASH_SIZE]);

/* The id under which git keeps `size` bytes as a blob: a SHA-1 (not one that sees forged collisions). As above. */
void hash_git_blob(const void *data, size_t size, uint8_t id[HASH_GIT_SIZE]);

#endif

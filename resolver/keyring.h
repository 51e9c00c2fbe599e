/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyring: the TSIG keys of this machine, from the files that splitview.conf names (tsig-keys).
 *
 * A file holds one key a line: NAME ALGORITHM SECRET, the secret in base64; empty lines and lines that begin with ; or
 * # count for nothing. It must be a regular file that others cannot read and its group cannot write. Secrets are wiped
 * from the memory they were read into, and never stand in a message. Immutable after keyring_read; any thread.
 */
#ifndef SPLITVIEW_RESOLVER_KEYRING_H
#define SPLITVIEW_RESOLVER_KEYRING_H

#include "resolver/hmac.h"
#include "zones/name.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

#define KEYRING_NAME_MAX    96 /* bytes of a key's name in wire form, so that 512 bytes hold a signed reply */
#define KEYRING_FILE_MAX    (1u << 20)
#define KEYRING_SECRET_MAX  512 /* bytes */
#define KEYRING_SECRET_GOOD 16  /* bytes; shorter ones get a warning (RFC 8945 8) */

struct keyring_key {
    uint8_t name[KEYRING_NAME_MAX]; /* lowered */
    enum hmac_algorithm algorithm;
    struct hmac *hmac;
    uint32_t file; /* index of the path, for messages while reading */
    uint32_t line;
};

struct keyring {
    struct keyring_key *keys; /* by name */
    size_t count;
    size_t capacity;
};

/* IO, BAD_INPUT with messages, NO_MEMORY. `count` 0: a ring without keys. */
enum status keyring_read(const char *const *paths, size_t count, struct diag *diag, struct keyring **keyring);
/* NULL allowed. */
void keyring_free(struct keyring *keyring);

/* The key of a name in wire form, in any case; NULL if there is none. NULL for `keyring` allowed. Borrowed. */
const struct keyring_key *keyring_find(const struct keyring *keyring, const uint8_t *name);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/keyring.h"

#include "zones/bytes.h"
#include "zones/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RIGHTS_REFUSED (S_IRWXO | S_IWGRP)

/* One file on the way. */
struct reader {
    struct keyring *keyring;
    const char *const *paths;
    uint32_t file;
    struct place place;
    struct diag *diag;
};

void keyring_free(struct keyring *keyring)
{
    if (keyring == NULL)
        return;
    for (size_t i = 0; i < keyring->count; i++)
        hmac_free(keyring->keys[i].hmac);
    memory_free(keyring->keys);
    memory_free(keyring);
}

static int compare_names(const uint8_t *a, const uint8_t *b)
{
    size_t a_size = name_size(a);
    size_t b_size = name_size(b);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_keys(const void *a, const void *b)
{
    const struct keyring_key *left = a;
    const struct keyring_key *right = b;
    int order = compare_names(left->name, right->name);
    if (order != 0)
        return order;
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return (left->line > right->line) - (left->line < right->line);
}

const struct keyring_key *keyring_find(const struct keyring *keyring, const uint8_t *name)
{
    uint8_t lower[NAME_SIZE_MAX];
    size_t low = 0;
    size_t high = keyring == NULL ? 0 : keyring->count;
    name_to_lower(name, lower);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_names(lower, keyring->keys[middle].name);
        if (order == 0)
            return &keyring->keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- lines ---- */

static int base64_digit(char character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* RFC 4648 4, with padding and without. Returns the number of bytes; 0: bad, empty or too long. */
static size_t read_base64(const char *text, size_t length, uint8_t bytes[KEYRING_SECRET_MAX])
{
    size_t digits = length;
    while (digits > 0 && length - digits < 2 && text[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits < length && length % 4 != 0) || digits / 4 * 3 + 2 > KEYRING_SECRET_MAX)
        return 0;
    uint32_t bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text[i]);
        if (digit < 0)
            return 0;
        bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
        if (i % 4 > 0)
            bytes[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    return size;
}

static bool find_algorithm(const char *text, size_t length, enum hmac_algorithm *algorithm)
{
    if (length > 0 && text[length - 1] == '.')
        length--;
    for (unsigned i = 0; i < HMAC_ALGORITHMS; i++) {
        const char *name = hmac_name((enum hmac_algorithm)i);
        *algorithm = (enum hmac_algorithm)i;
        if (strlen(name) == length && strncasecmp(name, text, length) == 0)
            return true;
    }
    return false;
}

static enum status add_secret(struct reader *reader, struct keyring_key *key, const char *text, size_t length)
{
    uint8_t secret[KEYRING_SECRET_MAX];
    size_t size = read_base64(text, length, secret);
    enum status status = STATUS_OK;
    if (size == 0)
        status = diag_error(reader->diag, &reader->place,
                            "found a secret that cannot be read, wanted 1 to %u bytes in base64", KEYRING_SECRET_MAX);
    else
        status = hmac_new(key->algorithm, secret, size, &key->hmac);
    if (size > 0 && size < KEYRING_SECRET_GOOD)
        diag_add(reader->diag, SEVERITY_WARNING, &reader->place,
                 "found a secret of %zu bytes, wanted at least %u: it can be guessed", size, KEYRING_SECRET_GOOD);
    explicit_bzero(secret, sizeof secret);
    return status;
}

/* words: name, algorithm, secret; lengths beside them. */
static enum status add_key(struct reader *reader, const char *const words[3], const size_t lengths[3])
{
    struct keyring *ring = reader->keyring;
    struct keyring_key *keys = memory_grow(ring->keys, ring->count, &ring->capacity, sizeof *keys);
    if (keys == NULL)
        return STATUS_NO_MEMORY;
    ring->keys = keys;
    struct keyring_key *key = &keys[ring->count];
    *key = (struct keyring_key){.file = reader->file, .line = reader->place.line};
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    if (name_from_text(words[0], lengths[0], NULL, name, &size) != STATUS_OK || size > KEYRING_NAME_MAX)
        return diag_error(reader->diag, &reader->place, "found %.*s, wanted a key's name of at most %u bytes",
                          (int)lengths[0], words[0], KEYRING_NAME_MAX - 2);
    if (!find_algorithm(words[1], lengths[1], &key->algorithm))
        return diag_error(reader->diag, &reader->place,
                          "found %.*s, wanted an algorithm: hmac-sha1, -sha224, -sha256, -sha384 or -sha512",
                          (int)lengths[1], words[1]);
    uint8_t lower[NAME_SIZE_MAX];
    name_to_lower(name, lower);
    memcpy(key->name, lower, size);
    enum status status = add_secret(reader, key, words[2], lengths[2]);
    ring->count += key->hmac != NULL;
    return status;
}

static enum status read_line(struct reader *reader, const char *line, const char *end)
{
    const char *words[3] = {NULL, NULL, NULL};
    size_t lengths[3] = {0, 0, 0};
    size_t count = 0;
    const char *at = line;
    while (at < end) {
        if (*at == ' ' || *at == '\t' || *at == '\r') {
            at++;
            continue;
        }
        const char *start = at;
        while (at < end && *at != ' ' && *at != '\t' && *at != '\r')
            at++;
        if (count == 0 && (*start == '#' || *start == ';'))
            return STATUS_OK;
        if (count < 3) {
            words[count] = start;
            lengths[count] = (size_t)(at - start);
        }
        count++;
    }
    if (count == 0)
        return STATUS_OK;
    if (count != 3)
        return diag_error(reader->diag, &reader->place, "found %zu words, wanted NAME ALGORITHM SECRET", count);
    return add_key(reader, words, lengths);
}

static enum status read_lines(struct reader *reader, const struct bytes *content)
{
    if (content->size == 0)
        return STATUS_OK;
    const char *at = (const char *)content->data;
    const char *end = at + content->size;
    enum status result = STATUS_OK;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        reader->place.line++;
        enum status status = read_line(reader, at, stop);
        if (status == STATUS_NO_MEMORY)
            return status;
        result = status != STATUS_OK ? status : result;
        at = stop + 1;
    }
    return result;
}

/* ---- files ---- */

static enum status check_file(const struct reader *reader, int fd, size_t *size)
{
    struct stat found;
    if (fstat(fd, &found) != 0)
        return diag_fail(reader->diag, STATUS_IO, &reader->place, "cannot look at it: %s", strerror(errno));
    if (!S_ISREG(found.st_mode))
        return diag_error(reader->diag, &reader->place, "found no regular file, wanted a file of TSIG keys");
    if ((found.st_mode & RIGHTS_REFUSED) != 0)
        return diag_error(reader->diag, &reader->place,
                          "found mode %04o, wanted no rights for others and no writing by the group (0640 or 0600)",
                          (unsigned)found.st_mode & 07777u);
    if (found.st_size > (off_t)KEYRING_FILE_MAX)
        return diag_error(reader->diag, &reader->place, "found %lld bytes, wanted at most %u", (long long)found.st_size,
                          KEYRING_FILE_MAX);
    *size = (size_t)found.st_size;
    return STATUS_OK;
}

/* Into memory that is never moved, so that no copy of a secret stays behind. */
static enum status read_content(const struct reader *reader, int fd, size_t size, struct bytes *content)
{
    enum status status = bytes_append(content, NULL, size);
    size_t used = 0;
    while (status == STATUS_OK && used < size) {
        ssize_t part = read(fd, content->data + used, size - used);
        if (part < 0)
            return diag_fail(reader->diag, STATUS_IO, &reader->place, "cannot read: %s", strerror(errno));
        if (part == 0)
            break;
        used += (size_t)part;
    }
    content->size = used;
    return status;
}

static enum status read_file(struct reader *reader)
{
    reader->place = (struct place){reader->paths[reader->file], 0, 0};
    int fd = open(reader->place.file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return diag_fail(reader->diag, STATUS_IO, &reader->place, "cannot open: %s", strerror(errno));
    struct bytes content;
    size_t size = 0;
    bytes_init(&content, KEYRING_FILE_MAX);
    enum status status = check_file(reader, fd, &size);
    if (status == STATUS_OK)
        status = read_content(reader, fd, size, &content);
    close(fd);
    if (status == STATUS_OK)
        status = read_lines(reader, &content);
    if (content.data != NULL)
        explicit_bzero(content.data, content.capacity);
    bytes_clear(&content);
    return status;
}

static enum status sort_keys(struct reader *reader)
{
    struct keyring *ring = reader->keyring;
    enum status status = STATUS_OK;
    if (ring->count > 0)
        qsort(ring->keys, ring->count, sizeof *ring->keys, compare_keys);
    for (size_t i = 1; i < ring->count; i++) {
        const struct keyring_key *first = &ring->keys[i - 1];
        const struct keyring_key *again = &ring->keys[i];
        char text[NAME_TEXT_MAX];
        if (compare_names(first->name, again->name) != 0)
            continue;
        struct place place = {reader->paths[again->file], again->line, 0};
        name_to_text(again->name, text);
        status = diag_error(reader->diag, &place, "found the key %s again, wanted it once (first in %s, line %u)", text,
                            reader->paths[first->file], first->line);
    }
    return status;
}

enum status keyring_read(const char *const *paths, size_t count, struct diag *diag, struct keyring **keyring)
{
    *keyring = NULL;
    struct reader reader = {.keyring = memory_zalloc(1, sizeof(struct keyring)), .paths = paths, .diag = diag};
    if (reader.keyring == NULL)
        return STATUS_NO_MEMORY;
    enum status result = STATUS_OK;
    for (size_t i = 0; i < count && result != STATUS_NO_MEMORY; i++) {
        reader.file = (uint32_t)i;
        enum status status = read_file(&reader);
        result = status != STATUS_OK ? status : result;
    }
    if (result == STATUS_OK)
        result = sort_keys(&reader);
    if (result != STATUS_OK) {
        keyring_free(reader.keyring);
        return result;
    }
    *keyring = reader.keyring;
    return STATUS_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/upstream_data.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A label: a word, or a word and a number. */
struct label_word {
    const char *word;
    size_t field;
    unsigned value; /* NUMBERED: what stands behind the word, plus `more` */
    unsigned more;
};
#define NUMBERED    UINT32_MAX
#define FIELD(name) offsetof(struct upstream_conduct, name)

static const struct label_word label_words[] = {
    {"drop", FIELD(drops), NUMBERED, 0},
    {"silent", FIELD(silent), 1, 0},
    {"hold", FIELD(held), 1, 0},
    {"later", FIELD(late), 1, 0},
    {"dup", FIELD(twice), 1, 0},
    {"tc", FIELD(truncated), 1, 0},
    {"tcpclose", FIELD(closes), 1, 0},
    {"then", FIELD(then), 1, 0},
    {"wrongid", FIELD(wrong), WRONG_ID, 0},
    {"wrongname", FIELD(wrong), WRONG_NAME, 0},
    {"wrongtype", FIELD(wrong), WRONG_TYPE, 0},
    {"wrongqr", FIELD(wrong), WRONG_QR, 0},
    {"wrongopcode", FIELD(wrong), WRONG_OPCODE, 0},
    {"wrongport", FIELD(wrong), WRONG_PORT, 0},
    {"garbage", FIELD(wrong), WRONG_GARBAGE, 0},
    {"short", FIELD(wrong), WRONG_SHORT, 0},
    {"wrongcounts", FIELD(wrong), WRONG_COUNTS, 0},
    {"empty", FIELD(wrong), WRONG_EMPTY, 0},
    {"noquestion", FIELD(wrong), WRONG_NOQUESTION, 0},
    {"wrongcase", FIELD(lower), 1, 0},
    {"formerr", FIELD(rcode), 1, 0},
    {"servfail", FIELD(rcode), 2, 0},
    {"nxdomain", FIELD(rcode), 3, 0},
    {"notimp", FIELD(rcode), 4, 0},
    {"refused", FIELD(rcode), 5, 0},
    {"nodata", FIELD(nodata), 1, 0},
    {"nosoa", FIELD(no_soa), 1, 0},
    {"noedns", FIELD(no_edns), 1, 0},
    {"badvers", FIELD(bad_version), 1, 0},
    {"ad", FIELD(authentic), 1, 0},
    {"aa", FIELD(authoritative), 1, 0},
    {"cname", FIELD(chain), NUMBERED, 0},
    {"link", FIELD(links), NUMBERED, 0},
    {"endless", FIELD(endless), NUMBERED, 1},
    {"loop", FIELD(loop), 1, 0},
    {"ours", FIELD(ours), 1, 0},
    {"inward", FIELD(ours), 2, 0},
    {"localward", FIELD(ours), 3, 0},
    {"corpward", FIELD(ours), 4, 0},
    {"homeward", FIELD(ours), 5, 0},
    {"referral", FIELD(referral), 1, 0},
    {"poison-additional", FIELD(poison), POISON_ADDITIONAL, 0},
    {"poison-authority", FIELD(poison), POISON_AUTHORITY, 0},
    {"poison-answer", FIELD(poison), POISON_ANSWER, 0},
    {"poison-ns", FIELD(poison), POISON_NS, 0},
    {"poison-only", FIELD(poison), POISON_ONLY, 0},
    {"private", FIELD(private), 1, 0},
    {"loopback", FIELD(private), 2, 0},
    {"linklocal", FIELD(private), 3, 0},
    {"mixed", FIELD(private), 4, 0},
    {"ttl", FIELD(ttl), NUMBERED, 1},
    {"big", FIELD(size), 3000, 0},
    {"huge", FIELD(size), 60000, 0},
    {"ede", FIELD(ede), NUMBERED, 0},
};

/* The word that a label is, NULL: none; *value is what it sets. */
static const struct label_word *find_word(const char *label, size_t size, unsigned *value)
{
    char text[64];

    if (size == 0 || size >= sizeof text)
        return NULL;
    memcpy(text, label, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof label_words / sizeof label_words[0]; i++) {
        const struct label_word *word = &label_words[i];
        size_t length = strlen(word->word);
        if (strncmp(text, word->word, length) != 0)
            continue;
        *value = word->value;
        if (word->value != NUMBERED && text[length] == '\0')
            return word;
        char *end = text + length;
        if (word->value == NUMBERED && text[length] >= '0' && text[length] <= '9')
            *value = (unsigned)strtoul(text + length, &end, 10) + word->more;
        if (end != text + length && *end == '\0')
            return word;
    }
    return NULL;
}

void upstream_conduct_read(const char *name, struct upstream_conduct *conduct)
{
    memset(conduct, 0, sizeof *conduct);
    while (*name != '\0') {
        size_t size = strcspn(name, ".");
        unsigned value;
        const struct label_word *word = find_word(name, size, &value);
        if (word != NULL)
            memcpy((char *)conduct + word->field, &value, sizeof value);
        name += size + (name[size] == '.' ? 1 : 0);
    }
}

void upstream_key(const char *name, char key[UPSTREAM_NAME_MAX])
{
    size_t used = 0;

    while (*name != '\0') {
        size_t size = strcspn(name, ".");
        unsigned value;
        if (find_word(name, size, &value) == NULL && used + size + 2 <= UPSTREAM_NAME_MAX) {
            if (used > 0)
                key[used++] = '.';
            memcpy(key + used, name, size);
            used += size;
        }
        name += size + (name[size] == '.' ? 1 : 0);
    }
    key[used] = '\0';
}

/* FNV-1a, then mixed so that all bits depend on all. */
static uint64_t hash_pair(const char *identity, const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (const char *text = identity; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    hash = (hash ^ 0xff) * 0x100000001b3u;
    for (const char *text = key; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ hash >> 32;
}

void upstream_ipv4(const char *identity, const char *key, uint8_t address[4])
{
    uint64_t hash = hash_pair(identity, key);

    address[0] = 50;
    for (unsigned i = 1; i < 4; i++)
        address[i] = (uint8_t)(hash >> 8 * i);
}

void upstream_ipv6(const char *identity, const char *key, uint8_t address[16])
{
    uint64_t hash = hash_pair(identity, key);

    memset(address, 0, 16);
    address[0] = 0x2a;
    address[1] = 0x0f;
    memcpy(address + 8, &hash, sizeof hash);
}

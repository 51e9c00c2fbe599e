/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rdata_special.h"

#include "zones/rdata_field.h"
#include "zones/rrset.h"

#include <stdbool.h>

/* The words that are left, and where the first complaint goes. */
struct words {
    const struct entry *entry;
    size_t next;
    const uint8_t *origin;
    struct bytes *out;
    size_t *bad;
    const char **wanted;
};

static enum status field(struct words *words, enum field_kind kind)
{
    *words->bad = words->next;
    *words->wanted = field_wanted(kind);
    if (words->next >= words->entry->token_count) {
        return STATUS_BAD_INPUT;
    }
    struct rdata_word word = rdata_word_get(words->entry, words->next++);
    return field_from_word(kind, word, words->origin, words->out, words->wanted);
}

/* One word in hexadecimal or base64: as an entry of that word alone. */
static enum status digits(struct words *words, enum field_kind kind)
{
    *words->bad = words->next;
    *words->wanted = field_wanted(kind);
    if (words->next >= words->entry->token_count) {
        return STATUS_BAD_INPUT;
    }
    struct entry alone = *words->entry;
    size_t unused;
    alone.token_count = words->next + 1;
    return field_from_words(kind, &alone, words->next++, words->out, &unused, words->wanted);
}

static enum status gateway(struct words *words, uint8_t type)
{
    switch (type) {
    case 0: /* none, written "." */
        *words->bad = words->next;
        *words->wanted = "\".\" for no gateway";
        if (words->next >= words->entry->token_count || rdata_word_get(words->entry, words->next).size != 1 ||
            *rdata_word_get(words->entry, words->next).text != '.') {
            return STATUS_BAD_INPUT;
        }
        words->next++;
        return STATUS_OK;
    case 1:
        return field(words, FIELD_A);
    case 2:
        return field(words, FIELD_AAAA);
    case 3:
        return field(words, FIELD_NAME);
    default:
        *words->bad = words->next - 2;
        *words->wanted = "a gateway type from 0 to 3";
        return STATUS_BAD_INPUT;
    }
}

enum status special_ipseckey(const struct entry *entry, size_t first, const uint8_t *origin, struct bytes *out,
                             size_t *bad, const char **wanted)
{
    struct words words = {entry, first, origin, out, bad, wanted};
    enum status status = STATUS_OK;
    for (int i = 0; i < 3 && status == STATUS_OK; i++) {
        status = field(&words, FIELD_U8);
    }
    if (status == STATUS_OK) {
        status = gateway(&words, out->data[1]);
    }
    if (status != STATUS_OK || (words.next >= entry->token_count && out->data[2] == 0)) {
        return status; /* algorithm 0: no key */
    }
    *bad = words.next;
    *wanted = field_wanted(FIELD_BASE64);
    return words.next < entry->token_count ? field_from_words(FIELD_BASE64, entry, words.next, out, bad, wanted)
                                           : STATUS_BAD_INPUT;
}

enum status special_hip(const struct entry *entry, size_t first, const uint8_t *origin, struct bytes *out, size_t *bad,
                        const char **wanted)
{
    struct words words = {entry, first, origin, out, bad, wanted};
    enum status status = bytes_append(out, NULL, 1); /* the tag's length */
    if (status == STATUS_OK) {
        status = field(&words, FIELD_U8);
    }
    if (status == STATUS_OK) {
        status = bytes_append(out, NULL, 2); /* the key's length */
    }
    size_t tag = out->size;
    if (status == STATUS_OK) {
        status = digits(&words, FIELD_HEX);
    }
    if (status == STATUS_OK && out->size - tag > UINT8_MAX) {
        *wanted = "at most 255 octets";
        return STATUS_BAD_INPUT;
    }
    size_t key = out->size;
    if (status == STATUS_OK) {
        status = digits(&words, FIELD_BASE64);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->data[0] = (uint8_t)(key - tag);
    write_u16(out->data + 2, (uint16_t)(out->size - key));
    while (words.next < entry->token_count && status == STATUS_OK) {
        status = field(&words, FIELD_NAME);
    }
    return status;
}

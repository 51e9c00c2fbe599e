/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rdata_field.h"

#include "zones/name.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STRING_MAX    255  /* octets, RFC 1035 3.3 */
#define WKS_PORTS_MAX 8192 /* octets of the bitmap */
#define ADDRESS_TEXT  64   /* longer than any address */

static const char *const wanted_texts[] = {
    [FIELD_NAME] = "a domain name",
    [FIELD_U8] = "a number from 0 to 255",
    [FIELD_U16] = "a number from 0 to 65535",
    [FIELD_U32] = "a number from 0 to 4294967295",
    [FIELD_PERIOD] = "a time in seconds, or with units as 1h30m, below 2^32",
    [FIELD_A] = "an IPv4 address",
    [FIELD_AAAA] = "an IPv6 address",
    [FIELD_STRING] = "a string of at most 255 octets with escapes \\X or \\DDD",
    [FIELD_TAG] = "a tag of letters and digits",
    [FIELD_OCTETS] = "a string with escapes \\X or \\DDD",
    [FIELD_HEX] = "an even number of hexadecimal digits",
    [FIELD_BASE64] = "base64",
    [FIELD_PORTS] = "tcp, udp or a protocol number, then port numbers below 65536",
    [FIELD_U8_NAMED] = "a number from 0 to 255 or a known mnemonic",
    [FIELD_U16_NAMED] = "a number from 0 to 65535 or a known mnemonic",
    [FIELD_TIME] = "a time as YYYYMMDDHHMMSS, or in seconds below 2^32",
    [FIELD_TYPE] = "the name of a type",
    [FIELD_TYPES] = "names of types",
    [FIELD_WORD] = "a value as its type wants it",
    [FIELD_REST] = "values as their type wants them",
};

const char *field_wanted(enum field_kind kind)
{
    return wanted_texts[kind];
}

struct rdata_word rdata_word_get(const struct entry *entry, size_t index)
{
    assert(index < entry->token_count);
    const struct entry_token *token = &entry->tokens[index];
    return (struct rdata_word){.text = entry->text + token->offset, .size = token->size, .quoted = token->quoted};
}

bool field_is_own(enum field_kind kind)
{
    return kind <= FIELD_PORTS;
}

bool field_takes_rest(enum field_kind kind)
{
    return kind == FIELD_HEX || kind == FIELD_BASE64 || kind == FIELD_PORTS || kind == FIELD_TYPES ||
           kind == FIELD_REST;
}

bool number_from_text(const char *text, size_t size, uint32_t limit, uint32_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        sum = sum * 10 + (uint64_t)(text[i] - '0');
        if (sum > limit) {
            return false;
        }
    }
    *value = (uint32_t)sum;
    return size > 0;
}

static uint32_t unit_seconds(char unit)
{
    switch (unit) {
    case 'w':
    case 'W':
        return 604800;
    case 'd':
    case 'D':
        return 86400;
    case 'h':
    case 'H':
        return 3600;
    case 'm':
    case 'M':
        return 60;
    case 's':
    case 'S':
        return 1;
    default:
        return 0;
    }
}

bool period_from_text(const char *text, size_t size, uint32_t limit, uint32_t *seconds)
{
    if (number_from_text(text, size, limit, seconds)) {
        return true;
    }
    uint64_t sum = 0;
    size_t i = 0;
    while (i < size) {
        size_t digits = 0;
        while (i + digits < size && text[i + digits] >= '0' && text[i + digits] <= '9') {
            digits++;
        }
        uint32_t value;
        uint32_t unit = i + digits < size ? unit_seconds(text[i + digits]) : 0;
        if (unit == 0 || !number_from_text(text + i, digits, UINT32_MAX, &value)) {
            return false;
        }
        sum += (uint64_t)value * unit;
        if (sum > limit) {
            return false;
        }
        i += digits + 1;
    }
    *seconds = (uint32_t)sum;
    return size > 0;
}

static enum status append_number(struct bytes *out, uint32_t value, size_t size)
{
    uint8_t wire[4];
    write_u32(wire, value);
    return bytes_append(out, wire + 4 - size, size);
}

static enum status number_field(struct rdata_word word, uint32_t limit, size_t size, struct bytes *out)
{
    uint32_t value;
    return !word.quoted && number_from_text(word.text, word.size, limit, &value) ? append_number(out, value, size)
                                                                                 : STATUS_BAD_INPUT;
}

static enum status name_field(struct rdata_word word, const uint8_t *origin, struct bytes *out)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    if (word.quoted || name_from_text(word.text, word.size, origin, name, &size) != STATUS_OK) {
        return STATUS_BAD_INPUT;
    }
    return bytes_append(out, name, size);
}

/* Four numbers without leading zeros, as inet_pton takes them. */
static bool ipv4_from_text(const char *text, size_t size, uint8_t address[sizeof(struct in_addr)])
{
    size_t i = 0;
    for (size_t part = 0; part < sizeof(struct in_addr); part++) {
        size_t begin = i;
        uint32_t value = 0;
        if (part > 0 && (begin = ++i) > size) {
            return false;
        }
        for (; i < size && i < begin + 3 && text[i] >= '0' && text[i] <= '9'; i++) {
            value = value * 10 + (uint32_t)(text[i] - '0');
        }
        bool ends = part + 1 < sizeof(struct in_addr) ? i < size && text[i] == '.' : i == size;
        if (i == begin || (i > begin + 1 && text[begin] == '0') || value > UINT8_MAX || !ends) {
            return false;
        }
        address[part] = (uint8_t)value;
    }
    return true;
}

static enum status ipv4_field(struct rdata_word word, struct bytes *out)
{
    uint8_t address[sizeof(struct in_addr)];
    bool good = !word.quoted && ipv4_from_text(word.text, word.size, address);
    return good ? bytes_append(out, address, sizeof address) : STATUS_BAD_INPUT;
}

static enum status ipv6_field(struct rdata_word word, struct bytes *out)
{
    char text[ADDRESS_TEXT];
    uint8_t address[sizeof(struct in6_addr)];
    if (word.quoted || word.size >= sizeof text) {
        return STATUS_BAD_INPUT;
    }
    memcpy(text, word.text, word.size);
    text[word.size] = '\0';
    return inet_pton(AF_INET6, text, address) == 1 ? bytes_append(out, address, sizeof address) : STATUS_BAD_INPUT;
}

/* One octet of a string at text[*i], escapes resolved; false: a bad escape or a bare quote. */
static bool next_octet(const char *text, size_t size, size_t *i, uint8_t *octet)
{
    char c = text[(*i)++];
    if (c != '\\') {
        *octet = (uint8_t)c;
        return c != '"';
    }
    if (*i >= size) {
        return false;
    }
    if (!isdigit((unsigned char)text[*i])) {
        *octet = (uint8_t)text[(*i)++];
        return true;
    }
    uint32_t value;
    if (size - *i < 3 || !number_from_text(text + *i, 3, UINT8_MAX, &value)) {
        return false;
    }
    *octet = (uint8_t)value;
    *i += 3;
    return true;
}

/* Append the octets of a string; *length counts them. */
static enum status append_octets(struct rdata_word word, struct bytes *out, size_t *length)
{
    const char *text = word.text + (word.quoted ? 1 : 0);
    size_t size = word.size - (word.quoted ? 2 : 0);
    uint8_t piece[256];
    size_t used = 0;
    *length = 0;
    for (size_t i = 0; i < size;) {
        if (!next_octet(text, size, &i, &piece[used])) {
            return STATUS_BAD_INPUT;
        }
        used++;
        if (used == sizeof piece || i >= size) {
            enum status status = bytes_append(out, piece, used);
            if (status != STATUS_OK) {
                return status;
            }
            *length += used;
            used = 0;
        }
    }
    return STATUS_OK;
}

static enum status string_field(struct rdata_word word, struct bytes *out)
{
    size_t begin = out->size;
    size_t length;
    enum status status = bytes_append(out, NULL, 1);
    if (status == STATUS_OK) {
        status = append_octets(word, out, &length);
    }
    if (status == STATUS_OK && length > STRING_MAX) {
        status = STATUS_BAD_INPUT;
    }
    if (status == STATUS_OK) {
        out->data[begin] = (uint8_t)length;
    }
    return status;
}

static enum status tag_field(struct rdata_word word, struct bytes *out)
{
    if (word.quoted || word.size == 0 || word.size > STRING_MAX) {
        return STATUS_BAD_INPUT;
    }
    for (size_t i = 0; i < word.size; i++) {
        if (!isalnum((unsigned char)word.text[i])) {
            return STATUS_BAD_INPUT;
        }
    }
    enum status status = append_number(out, (uint32_t)word.size, 1);
    return status == STATUS_OK ? bytes_append(out, word.text, word.size) : status;
}

enum status field_from_word(enum field_kind kind, struct rdata_word word, const uint8_t *origin, struct bytes *out,
                            const char **wanted)
{
    size_t length;
    assert(field_is_own(kind) && !field_takes_rest(kind));
    *wanted = wanted_texts[kind];
    switch (kind) {
    case FIELD_NAME:
        return name_field(word, origin, out);
    case FIELD_U8:
        return number_field(word, UINT8_MAX, 1, out);
    case FIELD_U16:
        return number_field(word, UINT16_MAX, 2, out);
    case FIELD_U32:
        return number_field(word, UINT32_MAX, 4, out);
    case FIELD_PERIOD: {
        uint32_t seconds;
        bool good = !word.quoted && period_from_text(word.text, word.size, UINT32_MAX, &seconds);
        return good ? append_number(out, seconds, 4) : STATUS_BAD_INPUT;
    }
    case FIELD_A:
        return ipv4_field(word, out);
    case FIELD_AAAA:
        return ipv6_field(word, out);
    case FIELD_STRING:
        return string_field(word, out);
    case FIELD_TAG:
        return tag_field(word, out);
    default:
        return append_octets(word, out, &length);
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64_value(char c)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == '\0' ? NULL : strchr(alphabet, c);
    return found == NULL ? -1 : (int)(found - alphabet);
}

/* Digits of 4 or 6 bits each, gathered into octets across words. */
struct digits {
    uint32_t bits;
    unsigned count;   /* bits waiting */
    size_t digits;    /* read so far */
    unsigned padding; /* '=' read so far */
};

static enum status add_digits(struct digits *state, enum field_kind kind, struct rdata_word word, struct bytes *out)
{
    if (word.quoted) {
        return STATUS_BAD_INPUT;
    }
    for (size_t i = 0; i < word.size; i++) {
        if (kind == FIELD_BASE64 && word.text[i] == '=') {
            state->padding++;
            continue;
        }
        int value = kind == FIELD_HEX ? hex_value(word.text[i]) : base64_value(word.text[i]);
        if (value < 0 || state->padding > 0) {
            return STATUS_BAD_INPUT;
        }
        unsigned width = kind == FIELD_HEX ? 4 : 6;
        state->bits = (state->bits << width | (uint32_t)value) & 0xffffff;
        state->count += width;
        state->digits++;
        if (state->count >= 8) {
            state->count -= 8;
            enum status status = append_number(out, state->bits >> state->count & 0xff, 1);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

/* The digits read make whole octets, and nothing is left over in the last one. */
static bool digits_complete(const struct digits *state, enum field_kind kind)
{
    if (kind == FIELD_HEX) {
        return state->count == 0 && state->digits > 0;
    }
    bool rest_zero = (state->bits & ((1u << state->count) - 1)) == 0;
    return state->digits > 0 && state->digits % 4 != 1 && rest_zero && state->padding < 4 &&
           (state->digits + state->padding) % 4 == 0;
}

static enum status protocol_field(struct rdata_word word, struct bytes *out)
{
    if (!word.quoted && word.size == 3 && strncasecmp(word.text, "tcp", 3) == 0) {
        return append_number(out, 6, 1);
    }
    if (!word.quoted && word.size == 3 && strncasecmp(word.text, "udp", 3) == 0) {
        return append_number(out, 17, 1);
    }
    return number_field(word, UINT8_MAX, 1, out);
}

static enum status ports_field(const struct entry *entry, size_t first, struct bytes *out, size_t *bad)
{
    uint8_t map[WKS_PORTS_MAX] = {0};
    size_t size = 0;
    *bad = first;
    enum status status = protocol_field(rdata_word_get(entry, first), out);
    for (size_t i = first + 1; i < entry->token_count && status == STATUS_OK; i++) {
        struct rdata_word word = rdata_word_get(entry, i);
        uint32_t port;
        *bad = i;
        if (word.quoted || !number_from_text(word.text, word.size, UINT16_MAX, &port)) {
            return STATUS_BAD_INPUT;
        }
        map[port / 8] |= (uint8_t)(0x80 >> port % 8);
        size = port / 8 + 1 > size ? port / 8 + 1 : size;
    }
    return status == STATUS_OK ? bytes_append(out, map, size) : status;
}

enum status field_from_words(enum field_kind kind, const struct entry *entry, size_t first, struct bytes *out,
                             size_t *bad, const char **wanted)
{
    struct digits state = {0};
    *wanted = wanted_texts[kind];
    if (kind == FIELD_PORTS) {
        return ports_field(entry, first, out, bad);
    }
    assert(kind == FIELD_HEX || kind == FIELD_BASE64);
    for (size_t i = first; i < entry->token_count; i++) {
        *bad = i;
        enum status status = add_digits(&state, kind, rdata_word_get(entry, i), out);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return digits_complete(&state, kind) ? STATUS_OK : STATUS_BAD_INPUT;
}

/* Take `size` octets at *position. */
static const uint8_t *take(const struct rdata *rdata, size_t *position, size_t size)
{
    static const uint8_t none[1]; /* RDATA without octets may have no place either */
    if (rdata->size - *position < size) {
        return NULL;
    }
    const uint8_t *octets = size == 0 ? none : rdata->bytes + *position;
    *position += size;
    return octets;
}

static enum status print_text(struct bytes *out, const char *text)
{
    return bytes_append(out, text, strlen(text));
}

static enum status print_number(const struct rdata *rdata, size_t *position, size_t size, struct bytes *out)
{
    const uint8_t *octets = take(rdata, position, size);
    if (octets == NULL) {
        return STATUS_BAD_INPUT;
    }
    uint32_t value = size == 1 ? octets[0] : size == 2 ? read_u16(octets) : read_u32(octets);
    char text[16];
    snprintf(text, sizeof text, "%" PRIu32, value);
    return print_text(out, text);
}

static enum status print_name(const struct rdata *rdata, size_t *position, struct bytes *out)
{
    size_t size;
    char text[NAME_TEXT_MAX];
    if (*position >= rdata->size)
        return STATUS_BAD_INPUT;
    const uint8_t *name = rdata->bytes + *position;
    if (name_from_wire(name, rdata->size - *position, &size) != STATUS_OK)
        return STATUS_BAD_INPUT;
    *position += size;
    return bytes_append(out, text, name_to_text(name, text));
}

static enum status print_address(const struct rdata *rdata, size_t *position, int family, struct bytes *out)
{
    char text[INET6_ADDRSTRLEN];
    const uint8_t *octets = take(rdata, position, family == AF_INET ? 4 : 16);
    if (octets == NULL || inet_ntop(family, octets, text, sizeof text) == NULL) {
        return STATUS_BAD_INPUT;
    }
    return print_text(out, text);
}

static enum status print_quoted(const uint8_t *octets, size_t size, struct bytes *out)
{
    enum status status = print_text(out, "\"");
    for (size_t i = 0; i < size && status == STATUS_OK; i++) {
        char text[8];
        uint8_t c = octets[i];
        if (c < 0x20 || c > 0x7e) {
            snprintf(text, sizeof text, "\\%03u", (unsigned)c);
        } else {
            snprintf(text, sizeof text, "%s%c", c == '"' || c == '\\' ? "\\" : "", (char)c);
        }
        status = print_text(out, text);
    }
    return status == STATUS_OK ? print_text(out, "\"") : status;
}

static enum status print_string(enum field_kind kind, const struct rdata *rdata, size_t *position, struct bytes *out)
{
    const uint8_t *length = take(rdata, position, 1);
    const uint8_t *octets = length == NULL ? NULL : take(rdata, position, *length);
    if (octets == NULL) {
        return STATUS_BAD_INPUT;
    }
    if (kind == FIELD_STRING) {
        return print_quoted(octets, *length, out);
    }
    for (size_t i = 0; i < *length; i++) {
        if (!isalnum(octets[i])) {
            return STATUS_BAD_INPUT;
        }
    }
    return *length == 0 ? STATUS_BAD_INPUT : bytes_append(out, octets, *length);
}

static enum status print_hex(const uint8_t *octets, size_t size, struct bytes *out)
{
    enum status status = size == 0 ? STATUS_BAD_INPUT : STATUS_OK;
    for (size_t i = 0; i < size && status == STATUS_OK; i++) {
        char text[3];
        snprintf(text, sizeof text, "%02x", octets[i]);
        status = print_text(out, text);
    }
    return status;
}

static enum status print_base64(const uint8_t *octets, size_t size, struct bytes *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum status status = size == 0 ? STATUS_BAD_INPUT : STATUS_OK;
    for (size_t i = 0; i < size && status == STATUS_OK; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)octets[i] << 16;
        bits |= left > 1 ? (uint32_t)octets[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)octets[i + 2] : 0;
        char text[4] = {alphabet[bits >> 18 & 63], alphabet[bits >> 12 & 63], left > 1 ? alphabet[bits >> 6 & 63] : '=',
                        left > 2 ? alphabet[bits & 63] : '='};
        status = bytes_append(out, text, sizeof text);
    }
    return status;
}

static enum status print_ports(const uint8_t *octets, size_t size, struct bytes *out)
{
    char text[32];
    if (size == 0 || size > 1 + WKS_PORTS_MAX) {
        return STATUS_BAD_INPUT;
    }
    snprintf(text, sizeof text, "%u", (unsigned)octets[0]);
    enum status status = print_text(out, text);
    for (size_t port = 0; port < 8 * (size - 1) && status == STATUS_OK; port++) {
        if (octets[1 + port / 8] & 0x80 >> port % 8) {
            snprintf(text, sizeof text, " %zu", port);
            status = print_text(out, text);
        }
    }
    return status;
}

enum status field_to_text(enum field_kind kind, const struct rdata *rdata, size_t *position, struct bytes *out)
{
    size_t left = rdata->size - *position;
    switch (kind) {
    case FIELD_NAME:
        return print_name(rdata, position, out);
    case FIELD_U8:
        return print_number(rdata, position, 1, out);
    case FIELD_U16:
        return print_number(rdata, position, 2, out);
    case FIELD_U32:
    case FIELD_PERIOD:
        return print_number(rdata, position, 4, out);
    case FIELD_A:
        return print_address(rdata, position, AF_INET, out);
    case FIELD_AAAA:
        return print_address(rdata, position, AF_INET6, out);
    case FIELD_STRING:
    case FIELD_TAG:
        return print_string(kind, rdata, position, out);
    case FIELD_OCTETS:
        return print_quoted(take(rdata, position, left), left, out);
    case FIELD_HEX:
        return print_hex(take(rdata, position, left), left, out);
    case FIELD_BASE64:
        return print_base64(take(rdata, position, left), left, out);
    default:
        return print_ports(take(rdata, position, left), left, out);
    }
}

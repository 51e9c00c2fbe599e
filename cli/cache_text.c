/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cache_text.h"

#include "cli/command.h"
#include "cli/dig_text.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <string.h>

#define RDATA_TEXT (5 * RRSET_RDATA_MAX) /* bytes: \DDD for each octet, and what stands between */

/* RFC 8914 4, those that a forwarder meets. */
static const struct {
    int code;
    const char *text;
} extended_errors[] = {
    {0, "other error"},
    {3, "stale answer"},
    {6, "DNSSEC bogus"},
    {7, "signature expired"},
    {9, "DNSKEY missing"},
    {10, "RRSIGs missing"},
    {15, "blocked"},
    {16, "censored"},
    {17, "filtered"},
    {18, "prohibited"},
    {22, "no reachable authority"},
    {23, "network error"},
};

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "?";
}

/* ---- numbers to words ---- */

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* False: these are not the octets of one RDATA. */
static bool read_hex(const char *hex, uint8_t *bytes, uint16_t *size)
{
    size_t length = strlen(hex);

    if (length % 2 != 0 || length > 2 * (size_t)RRSET_RDATA_MAX)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        int high = digit_value(hex[i]);
        int low = digit_value(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (uint8_t)(high * 16 + low);
    }
    *size = (uint16_t)(length / 2);
    return true;
}

/* `hex` as master-file text; RFC 3597's form where the octets are none of the type's. `room` holds octets, then text.
 */
static json_t *spell_data(uint16_t type, const char *hex, char *room)
{
    uint8_t *bytes = (uint8_t *)room;
    char *text = room + RRSET_RDATA_MAX;
    struct rdata rdata = {.bytes = bytes};

    if (hex == NULL || !read_hex(hex, bytes, &rdata.size))
        return json_string("?");
    if (zonefile_rdata_to_text(type, &rdata, text, RDATA_TEXT) != STATUS_OK)
        snprintf(text, RDATA_TEXT, "\\# %u%s%s", rdata.size, rdata.size > 0 ? " " : "", hex);
    return json_string(text);
}

static uint16_t spell_type(json_t *object)
{
    long long number = number_of(object, "type");
    uint16_t type = number > 0 && number <= UINT16_MAX ? (uint16_t)number : 0;
    char text[RRTYPE_TEXT_MAX];

    rrtype_to_text(type, text);
    json_object_set_new(object, "type", json_string(text));
    return type;
}

static void spell_rrset(json_t *rrset, char *room)
{
    json_t *data = json_object_get(rrset, "data");
    uint16_t type = spell_type(rrset);
    bool is_answer = number_of(rrset, "section") == SECTION_ANSWER;

    json_object_set_new(rrset, "section", json_string(is_answer ? "answer" : "authority"));
    for (size_t i = 0; i < json_array_size(data); i++)
        json_array_set_new(data, i, spell_data(type, json_string_value(json_array_get(data, i)), room));
}

static void spell_entry(json_t *entry, char *room)
{
    const json_t *rrsets = json_object_get(entry, "rrsets");

    spell_type(entry);
    json_object_set_new(entry, "rcode", json_string(dig_status((enum rcode)number_of(entry, "rcode"))));
    for (size_t i = 0; i < json_array_size(rrsets); i++)
        spell_rrset(json_array_get(rrsets, i), room);
}

enum status cache_text_spell(json_t *groups)
{
    char *room = memory_alloc(RRSET_RDATA_MAX + RDATA_TEXT);

    if (room == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *entries = json_object_get(json_array_get(groups, i), "entries");
        for (size_t j = 0; j < json_array_size(entries); j++)
            spell_entry(json_array_get(entries, j), room);
    }
    memory_free(room);
    return STATUS_OK;
}

/* ---- for people ---- */

static void print_error_code(const json_t *entry, FILE *stream)
{
    const json_t *code = json_object_get(entry, "ede");

    if (!json_is_integer(code))
        return;
    fprintf(stream, " (EDE %lld", (long long)json_integer_value(code));
    for (size_t i = 0; i < sizeof extended_errors / sizeof extended_errors[0]; i++)
        if (extended_errors[i].code == json_integer_value(code))
            fprintf(stream, ", %s", extended_errors[i].text);
    putc(')', stream);
}

static void print_rrset(const json_t *rrset, FILE *stream)
{
    const json_t *data = json_object_get(rrset, "data");

    for (size_t i = 0; i < json_array_size(data); i++) {
        const char *text = json_string_value(json_array_get(data, i));
        cli_print_text(text_of(rrset, "name"), stream);
        fprintf(stream, "    %lld    IN    %s    ", number_of(rrset, "ttl"), text_of(rrset, "type"));
        cli_print_text(text != NULL ? text : "?", stream);
        fputs(strcmp(text_of(rrset, "section"), "authority") == 0 ? "    ; authority\n" : "\n", stream);
    }
}

/* Does `above` lie above `name`? Both as the daemon writes them. */
static bool is_above(const char *above, const char *name)
{
    uint8_t names[2][NAME_SIZE_MAX];
    size_t size;

    if (name_from_text(above, strlen(above), NULL, names[0], &size) != STATUS_OK ||
        name_from_text(name, strlen(name), NULL, names[1], &size) != STATUS_OK)
        return false;
    return name_label_count(names[0]) < name_label_count(names[1]) && name_is_at_or_below(names[1], names[0]);
}

static void print_entry(const json_t *entry, const char *name, FILE *stream)
{
    const json_t *rrsets = json_object_get(entry, "rrsets");
    long long ttl = number_of(entry, "ttl");
    long long workers = number_of(entry, "workers");

    fputs("; ", stream);
    cli_print_text(text_of(entry, "name"), stream);
    fprintf(stream, " %s%s%s: %s", text_of(entry, "type"), json_is_true(json_object_get(entry, "do")) ? " +do" : "",
            json_is_true(json_object_get(entry, "cd")) ? " +cd" : "", text_of(entry, "rcode"));
    print_error_code(entry, stream);
    if (json_is_true(json_object_get(entry, "ad")))
        fputs(", authentic", stream);
    if (ttl > 0)
        fprintf(stream, ", %lld second%s left", ttl, cli_plural((uint64_t)ttl));
    else
        fputs(", expired", stream);
    if (workers > 1)
        fprintf(stream, ", held by %lld workers", workers);
    if (is_above(text_of(entry, "name"), name))
        fputs("; denies all names below it", stream);
    putc('\n', stream);
    for (size_t i = 0; i < json_array_size(rrsets); i++)
        print_rrset(json_array_get(rrsets, i), stream);
}

void cache_text_views(const json_t *group, FILE *stream)
{
    const json_t *views = json_object_get(group, "views");

    for (size_t i = 0; i < json_array_size(views); i++) {
        const char *name = json_string_value(json_array_get(views, i));
        fputs(i > 0 ? ", " : "", stream);
        cli_print_text(name != NULL ? name : "?", stream);
    }
}

void cache_text_print(const json_t *groups, const char *name, FILE *stream)
{
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *entries = json_object_get(group, "entries");
        fprintf(stream, "; view%s ", cli_plural(json_array_size(json_object_get(group, "views"))));
        cache_text_views(group, stream);
        fprintf(stream, ": %zu %s\n", json_array_size(entries), json_array_size(entries) == 1 ? "entry" : "entries");
        for (size_t j = 0; j < json_array_size(entries); j++)
            print_entry(json_array_get(entries, j), name, stream);
    }
}

void cache_text_sizes(const json_t *stats, FILE *stream)
{
    static const double mebibyte = 1024.0 * 1024.0;
    long long entries = number_of(stats, "entries");

    if (!json_is_integer(json_object_get(stats, "entries"))) {
        putc('-', stream);
        return;
    }
    fprintf(stream, "%lld %s, %.1f of %.1f MiB, %lld evicted", entries, entries == 1 ? "entry" : "entries",
            (double)number_of(stats, "bytes") / mebibyte, (double)number_of(stats, "bytes_max") / mebibyte,
            number_of(stats, "evicted"));
}

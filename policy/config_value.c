/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/config_value.h"

#include "zones/rrset.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BLANKS   " \t"
#define DAY      86400
#define PORT_MAX 65535

static enum status want(char wanted[CONFIG_WANTED_MAX], const char *text)
{
    snprintf(wanted, CONFIG_WANTED_MAX, "%s", text);
    return STATUS_BAD_INPUT;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Decimal digits from *text on, at least one, at most `max`; *text moves behind them. */
static bool read_digits(const char **text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;
    const char *at = *text;
    for (; is_digit(*at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    bool ok = at != *text && value <= max;
    *text = at;
    *number = value;
    return ok;
}

static enum status read_bool(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_NUMBER;
    value->number = strcmp(text, "yes") == 0;
    if (value->number == 1 || strcmp(text, "no") == 0)
        return STATUS_OK;
    return want(wanted, "yes or no");
}

/* A number and perhaps one letter of `units`, that stands for the factor at the same place. */
static bool read_quantity(const char *text, const char *units, const uint64_t *factors, uint64_t *number)
{
    if (!read_digits(&text, UINT64_MAX, number))
        return false;
    if (*text == 0)
        return true;
    const char *unit = strchr(units, *text);
    if (unit == NULL || text[1] != 0)
        return false;
    uint64_t factor = factors[unit - units];
    if (*number > UINT64_MAX / factor)
        return false;
    *number *= factor;
    return true;
}

static enum status read_number(const struct config_option *option, const char *text, struct config_value *value,
                               char *wanted)
{
    static const uint64_t seconds[] = {1, 60, 3600, DAY, 7 * DAY};
    static const uint64_t bytes[] = {1024, 1024, 1048576, 1073741824};
    bool ok = false;
    const char *what = "a number";
    value->form = CONFIG_NUMBER;
    if (option->type == OPTION_TIME) {
        ok = read_quantity(text, "smhdw", seconds, &value->number);
        what = "a time (seconds, or a number with s m h d w)";
    } else if (option->type == OPTION_SIZE) {
        ok = read_quantity(text, "kKMG", bytes, &value->number);
        what = "a size (bytes, or a number with k M G)";
    } else {
        ok = read_quantity(text, "", NULL, &value->number);
    }
    if (ok && value->number >= option->min && value->number <= option->max)
        return STATUS_OK;
    snprintf(wanted, CONFIG_WANTED_MAX, "%s from %" PRIu64 " to %" PRIu64, what, option->min, option->max);
    return STATUS_BAD_INPUT;
}

/* ---- dates ---- */

/* Days since 1970-01-01 (proleptic Gregorian calendar; years count from March so that the leap day comes last). */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t shifted = (month + 9) % 12;
    int64_t days = 365 * year + year / 4 - year / 100 + year / 400;
    return days + (153 * shifted + 2) / 5 + day - 1 - 719468;
}

static bool read_fixed(const char **text, unsigned digits, char end, int64_t *number)
{
    *number = 0;
    for (unsigned i = 0; i < digits; i++, (*text)++) {
        if (!is_digit(**text))
            return false;
        *number = *number * 10 + (**text - '0');
    }
    if (end == 0)
        return true;
    return *(*text)++ == end;
}

/* YYYY-MM-DD; *text moves behind it. */
static bool read_day(const char **text, int64_t *days)
{
    static const uint8_t lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year;
    int64_t month;
    int64_t day;
    if (!read_fixed(text, 4, '-', &year) || !read_fixed(text, 2, '-', &month) || !read_fixed(text, 2, 0, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] ||
        (month == 2 && day == 29 && !leap))
        return false;
    *days = days_from_date(year, month, day);
    return true;
}

/* What follows the seconds of RFC 3339: fraction and zone. */
static bool read_zone(const char *text, int64_t *offset)
{
    if (*text == '.') {
        text++;
        if (!is_digit(*text))
            return false;
        while (is_digit(*text))
            text++;
    }
    *offset = 0;
    if ((*text == 'Z' || *text == 'z') && text[1] == 0)
        return true;
    int64_t sign = *text == '-' ? -1 : 1;
    if (*text != '+' && *text != '-')
        return false;
    text++;
    int64_t hours;
    int64_t minutes;
    if (!read_fixed(&text, 2, ':', &hours) || !read_fixed(&text, 2, 0, &minutes) || *text != 0)
        return false;
    *offset = sign * (hours * 3600 + minutes * 60);
    return hours <= 23 && minutes <= 59;
}

static bool read_instant(const char *text, uint64_t *seconds)
{
    int64_t days;
    if (!read_day(&text, &days) || (*text != 'T' && *text != 't'))
        return false;
    text++;
    int64_t hour;
    int64_t minute;
    int64_t second;
    int64_t offset;
    if (!read_fixed(&text, 2, ':', &hour) || !read_fixed(&text, 2, ':', &minute) || !read_fixed(&text, 2, 0, &second) ||
        !read_zone(text, &offset) || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t result = days * DAY + hour * 3600 + minute * 60 + second - offset;
    *seconds = (uint64_t)result;
    return result >= 0;
}

static enum status read_time_point(const struct config_option *option, const char *text, struct config_value *value,
                                   char *wanted)
{
    value->form = CONFIG_NUMBER;
    if (option->type == OPTION_INSTANT)
        return read_instant(text, &value->number)
                   ? STATUS_OK
                   : want(wanted, "an instant with zone (2026-11-20T22:00:00+01:00, from 1970 on)");
    int64_t days;
    if (!read_day(&text, &days) || *text != 0)
        return want(wanted, "a date (2026-11-20)");
    value->number = (uint64_t)(days * DAY);
    return STATUS_OK;
}

/* ---- names ---- */

static bool read_name(const char *text, size_t length, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    bool is_origin = length == 1 && text[0] == '@';
    return length > 0 && !is_origin && name_from_text(text, length, NULL, name, &size) == STATUS_OK;
}

/* A name whose last label is all digits is a mistyped address. */
static bool is_host_name(const char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '.')
        length--;
    bool other = false;
    while (length > 0 && text[length - 1] != '.')
        other = !is_digit(text[--length]) || other;
    return other;
}

static bool read_label(const char *text)
{
    uint8_t name[NAME_SIZE_MAX];
    return strchr(text, '.') == NULL && read_name(text, strlen(text), name);
}

static enum status read_any_name(const struct config_option *option, const char *text, struct config_value *value,
                                 char *wanted)
{
    bool may_none = option->type == OPTION_NAME_NONE;
    bool may_label = option->type == OPTION_LABEL_NAME || option->type == OPTION_LABEL;
    bool may_name = option->type != OPTION_LABEL;
    value->form = CONFIG_TEXT;
    if ((may_none && strcmp(text, "none") == 0) || (may_label && read_label(text)))
        return STATUS_OK;
    value->form = CONFIG_NAME;
    if (may_name && read_name(text, strlen(text), value->name))
        return STATUS_OK;
    return want(wanted, may_none    ? "a DNS name or none"
                        : !may_name ? "a label: no dots, at most 63 bytes"
                        : may_label ? "a label or a DNS name"
                                    : "a DNS name (labels of 1 to 63 bytes, 255 bytes in all)");
}

/* `*` stands for any characters, dots included: with letters in their place it must be a name, or a part of one. */
static bool is_glob(const char *text)
{
    char copy[CONFIG_LINE_MAX + 1];
    size_t length = strlen(text);
    if (length == 0 || length >= sizeof copy)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool escaped = i > 0 && text[i - 1] == '\\' && (i < 2 || text[i - 2] != '\\');
        copy[i] = text[i] == '*' && !escaped ? 'x' : text[i];
    }
    uint8_t name[NAME_SIZE_MAX];
    return read_name(copy, length, name);
}

static enum status read_subtree(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_NAME;
    value->any = strncmp(text, "*.", 2) == 0;
    const char *name = value->any ? text + 2 : text;
    for (const char *star = strchr(name, '*'); star != NULL; star = strchr(star + 1, '*'))
        if (star == name || star[-1] != '\\')
            return want(wanted, "a DNS name, or *.SUFFIX for all below SUFFIX");
    if (read_name(name, strlen(name), value->name))
        return STATUS_OK;
    return want(wanted, "a DNS name, or *.SUFFIX for all below SUFFIX");
}

/* ---- addresses ---- */

static bool read_address(const char *text, size_t length, struct prefix *prefix)
{
    if (address_from_text(text, length, &prefix->address) != STATUS_OK)
        return false;
    prefix->length = prefix->address.family == 4 ? 32 : 128;
    return true;
}

static enum status read_prefix(const struct config_option *option, const char *text, struct config_value *value,
                               char *wanted)
{
    value->form = CONFIG_PREFIX;
    bool may_any = strcmp(option->words, "any") == 0;
    if (may_any && strcmp(text, "any") == 0) {
        value->any = true;
        value->prefix = (struct prefix){0};
        return STATUS_OK;
    }
    bool host_bits;
    if (prefix_from_text(text, strlen(text), &value->prefix, &host_bits) == STATUS_OK)
        return STATUS_OK;
    if (!host_bits)
        return want(wanted, may_any ? "a network (ADDRESS/LENGTH), an address, or any"
                                    : "a network (ADDRESS/LENGTH) or an address");
    char network[PREFIX_TEXT_MAX];
    prefix_to_text(&value->prefix, network);
    snprintf(wanted, CONFIG_WANTED_MAX, "a network without host bits: %s", network);
    return STATUS_BAD_INPUT;
}

static enum status read_endpoint(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_PREFIX;
    const char *at = strchr(text, '@');
    size_t length = at == NULL ? strlen(text) : (size_t)(at - text);
    bool ok = read_address(text, length, &value->prefix);
    if (ok && at != NULL) {
        uint64_t port = 0;
        at++;
        ok = read_digits(&at, PORT_MAX, &port) && *at == 0;
        value->port = (uint16_t)port;
        value->has_port = true;
    }
    return ok ? STATUS_OK : want(wanted, "an address, or ADDRESS@PORT");
}

static enum status read_host_part(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_PREFIX;
    if (read_address(text, strlen(text), &value->prefix))
        return STATUS_OK;
    value->form = CONFIG_NAME;
    if (is_host_name(text, strlen(text)) && strchr(text, '/') == NULL && read_name(text, strlen(text), value->name))
        return STATUS_OK;
    return want(wanted, "a DNS name or an address");
}

/* ---- the rest ---- */

static enum status read_word(const struct config_option *option, const char *text, struct config_value *value,
                             char *wanted)
{
    int index = options_word_index(option->words, text, strlen(text));
    value->form = CONFIG_NUMBER;
    value->number = (uint64_t)index;
    if (index >= 0)
        return STATUS_OK;
    snprintf(wanted, CONFIG_WANTED_MAX, "one of: %s", option->words);
    return STATUS_BAD_INPUT;
}

static const struct {
    const char *name;
    uint16_t type;
} rrtypes[] = {{"A", 1},       {"NS", 2},       {"CNAME", 5},       {"SOA", 6},    {"PTR", 12},    {"HINFO", 13},
               {"MX", 15},     {"TXT", 16},     {"RP", 17},         {"AFSDB", 18}, {"KEY", 25},    {"AAAA", 28},
               {"LOC", 29},    {"SRV", 33},     {"NAPTR", 35},      {"KX", 36},    {"CERT", 37},   {"DNAME", 39},
               {"APL", 42},    {"DS", 43},      {"SSHFP", 44},      {"RRSIG", 46}, {"NSEC", 47},   {"DNSKEY", 48},
               {"DHCID", 49},  {"NSEC3", 50},   {"NSEC3PARAM", 51}, {"TLSA", 52},  {"SMIMEA", 53}, {"HIP", 55},
               {"CDS", 59},    {"CDNSKEY", 60}, {"OPENPGPKEY", 61}, {"CSYNC", 62}, {"ZONEMD", 63}, {"SVCB", 64},
               {"HTTPS", 65},  {"SPF", 99},     {"NID", 104},       {"L32", 105},  {"L64", 106},   {"LP", 107},
               {"EUI48", 108}, {"EUI64", 109},  {"URI", 256},       {"CAA", 257},  {"DLV", 32769}};

/* The mnemonics that people write rules for; any other type as TYPEnnn (RFC 3597 5). */
static enum status read_rrtype(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_NUMBER;
    for (size_t i = 0; i < sizeof rrtypes / sizeof rrtypes[0]; i++)
        if (strcasecmp(rrtypes[i].name, text) == 0) {
            value->number = rrtypes[i].type;
            return STATUS_OK;
        }
    bool is_numbered = strncasecmp(text, "TYPE", 4) == 0;
    const char *digits = is_numbered ? text + 4 : "";
    if (read_digits(&digits, UINT16_MAX, &value->number) && *digits == 0 && !rrtype_is_meta((uint16_t)value->number))
        return STATUS_OK;
    return want(wanted, "an RR type (A, AAAA, SRV, TYPE65, ...)");
}

static enum status read_ignore(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_TEXT;
    bool ok = strncmp(text, "SV", 2) == 0;
    for (size_t i = 2; i < 5; i++)
        ok = ok && is_digit(text[i]);
    if (ok && (text[5] == 0 || (text[5] == ':' && is_glob(text + 6))))
        return STATUS_OK;
    return want(wanted, "SVnnn or SVnnn:GLOB");
}

/* Relative, inside the tree: no empty part, no "..". */
static enum status read_path(const char *text, struct config_value *value, char *wanted)
{
    value->form = CONFIG_TEXT;
    const char *part = text;
    for (;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && part[0] == '.' && part[1] == '.'))
            return want(wanted, "a path from the root of the repository, without ..");
        if (part[length] == 0)
            return STATUS_OK;
        part += length + 1;
    }
}

static bool is_handle(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length <= CONFIG_HANDLE_MAX && text[length] == 0;
}

static enum status read_handle(const struct config_option *option, const char *text, struct config_value *value,
                               char *wanted)
{
    value->form = CONFIG_TEXT;
    if (option->type == OPTION_SECTION && strcmp(option->words, "view") != 0 && !is_handle(text)) {
        snprintf(wanted, CONFIG_WANTED_MAX, "the name of a [%s] section", option->words);
        return STATUS_BAD_INPUT;
    }
    return is_handle(text) ? STATUS_OK : want(wanted, "a section's name (a-z, 0-9, -; at most 32 bytes)");
}

/* ---- rules ---- */

/* The next item of a rule from *position on, its length to *length; NULL at the end. */
static const char *rule_item(const char *text, size_t *position, size_t *length)
{
    const char *item = text + *position + strspn(text + *position, ", \t");
    *length = strcspn(item, ", \t");
    *position = (size_t)(item - text) + *length;
    return *length == 0 ? NULL : item;
}

static bool read_port_number(const char *text, size_t length, uint64_t *port)
{
    const char *end = text;
    return read_digits(&end, PORT_MAX, port) && end == text + length && *port != 0;
}

static bool is_bridge_port(uint64_t port)
{
    return port == 80 || port == 443 || port == 8080 || port == 4443;
}

bool config_rule_host(const struct config_value *rule, size_t *position, uint8_t name[NAME_SIZE_MAX])
{
    size_t length;
    uint64_t port;
    const char *item = rule_item(rule->text, position, &length);
    return item != NULL && !read_port_number(item, length, &port) && read_name(item, length, name);
}

/* HOST… PORT -> PORT */
static enum status read_rule(const char *text, struct config_value *value, char *wanted)
{
    static const char form[] = "HOST... PORT -> PORT";
    size_t position = 0;
    size_t length;
    size_t hosts = 0;
    uint64_t listen = 0;
    uint64_t bridged = 0;
    uint8_t name[NAME_SIZE_MAX];
    const char *item = rule_item(text, &position, &length);
    for (; item != NULL && !read_port_number(item, length, &listen); item = rule_item(text, &position, &length)) {
        if (!is_host_name(item, length) || !read_name(item, length, name))
            return want(wanted, form);
        hosts++;
    }
    bool ok = item != NULL && hosts > 0;
    item = ok ? rule_item(text, &position, &length) : NULL;
    ok = item != NULL && length == 2 && memcmp(item, "->", 2) == 0;
    item = ok ? rule_item(text, &position, &length) : NULL;
    ok = item != NULL && read_port_number(item, length, &bridged);
    if (!ok || rule_item(text, &position, &length) != NULL)
        return want(wanted, form);
    if (!is_bridge_port(listen) || !is_bridge_port(bridged))
        return want(wanted, "the ports 80, 443, 8080, 4443");
    value->form = CONFIG_NUMBER;
    value->number = listen << 16 | bridged;
    return STATUS_OK;
}

/* ---- all ---- */

bool config_value_is_split(const struct config_option *option)
{
    return option->type != OPTION_RULE && option->type != OPTION_TEXT && option->type != OPTION_FILE;
}

static enum status read_free_text(struct config_value *value)
{
    value->form = CONFIG_TEXT;
    return STATUS_OK;
}

enum status config_value_read(const struct config_option *option, const char *text, struct config_value *value,
                              char wanted[CONFIG_WANTED_MAX])
{
    value->has_port = false;
    value->any = false;
    value->port = 0;
    switch (option->type) {
    case OPTION_BOOL:
        return read_bool(text, value, wanted);
    case OPTION_INT:
    case OPTION_TIME:
    case OPTION_SIZE:
        return read_number(option, text, value, wanted);
    case OPTION_INSTANT:
    case OPTION_DATE:
        return read_time_point(option, text, value, wanted);
    case OPTION_WORD:
        return read_word(option, text, value, wanted);
    case OPTION_NAME:
    case OPTION_NAME_NONE:
    case OPTION_LABEL:
    case OPTION_LABEL_NAME:
        return read_any_name(option, text, value, wanted);
    case OPTION_ADDRESS:
        value->form = CONFIG_PREFIX;
        return read_address(text, strlen(text), &value->prefix) ? STATUS_OK : want(wanted, "an address");
    case OPTION_ENDPOINT:
        return read_endpoint(text, value, wanted);
    case OPTION_PREFIX:
        return read_prefix(option, text, value, wanted);
    case OPTION_HOST:
        return read_host_part(text, value, wanted);
    case OPTION_SECTION:
    case OPTION_FORWARD:
    case OPTION_OF:
        return read_handle(option, text, value, wanted);
    case OPTION_GLOB:
        value->form = CONFIG_TEXT;
        return is_glob(text) ? STATUS_OK : want(wanted, "a DNS name, in which * stands for any characters");
    case OPTION_SUBTREE:
        return read_subtree(text, value, wanted);
    case OPTION_RRTYPE:
        return read_rrtype(text, value, wanted);
    case OPTION_RULE:
        return read_rule(text, value, wanted);
    case OPTION_IGNORE:
        return read_ignore(text, value, wanted);
    case OPTION_PATH:
        return read_path(text, value, wanted);
    case OPTION_FILE:
    case OPTION_TEXT:
        break;
    }
    return read_free_text(value);
}

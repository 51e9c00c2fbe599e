/* SPDX-License-Identifier: BSD-2-Clause */
/* The words and records of a view test. */
#include "policy/casefile_test.h"

#include "policy/config_value.h"
#include "zones/entry.h"
#include "zones/memory.h"
#include "zones/rdata_text.h"
#include "zones/zonefile.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const rcodes[] = {"", "NOERROR", "NODATA", "NXDOMAIN", "SERVFAIL", "REFUSED", "YXDOMAIN", "FORWARD"};

#define RCODES (sizeof rcodes / sizeof rcodes[0])

static const char words_known[] =
    "NOERROR NODATA NXDOMAIN SERVFAIL REFUSED YXDOMAIN FORWARD[:UPSTREAM] ttl=N ttl<=N ttl>=N ttl=N..M direct "
    "view:VIEW same-as:FROM at:INSTANT, ! before a network, an address, a name with final dot, a type, an rcode or "
    "private, or = and RECORDS";

enum case_rcode case_rcode_from_text(const char *text, size_t length)
{
    for (size_t i = 1; i < RCODES; i++)
        if (strlen(rcodes[i]) == length && memcmp(rcodes[i], text, length) == 0)
            return (enum case_rcode)i;
    return CASE_UNJUDGED;
}

const char *case_rcode_text(enum case_rcode rcode)
{
    return rcodes[rcode];
}

void case_test_clear(struct case_test *test, size_t type_count)
{
    for (size_t i = 0; test->records != NULL && i < type_count; i++)
        bytes_clear(&test->records[i].data);
    memory_free(test->records);
    bytes_clear(&test->hops);
    memory_free(test->bans);
    memory_free(test->wanted);
    memory_free(test->words);
}

static bool is_negative(enum case_rcode rcode)
{
    return rcode != CASE_UNJUDGED && rcode != CASE_NOERROR;
}

/* ---- one word each ---- */

static enum status read_rcode(struct case_words *words, const char *word, enum case_rcode rcode)
{
    struct case_test *test = words->test;

    if (test->rcode != CASE_UNJUDGED)
        return case_error(words->line, words->diag, "found %s beside %s, wanted one of them", word,
                          case_rcode_text(test->rcode));
    test->rcode = rcode;
    return STATUS_OK;
}

static enum status read_forward(struct case_words *words, const char *word)
{
    const char *upstream = word + strlen("FORWARD:");
    const struct config_section *section =
        upstream[0] == '\0' ? NULL : config_find_section(words->policy->config, "upstream", upstream);

    if (section == NULL)
        return case_error(words->line, words->diag,
                          "found %s, wanted FORWARD:UPSTREAM with an [upstream] of policy.conf", word);
    words->test->upstream = section->name;
    return read_rcode(words, word, CASE_FORWARD);
}

/* A number up to a stop character; *end stands behind it. */
static bool read_seconds(const char *text, const char **end, uint32_t *seconds)
{
    char *behind = NULL;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &behind, 10);
    *end = behind;
    *seconds = (uint32_t)number;
    return errno == 0 && number <= INT32_MAX;
}

static bool read_range(const char *text, uint32_t *min, uint32_t *max)
{
    const char *end;

    *min = 0;
    *max = INT32_MAX;
    if (text[0] == '<' && text[1] == '=')
        return read_seconds(text + 2, &end, max) && *end == '\0';
    if (text[0] == '>' && text[1] == '=')
        return read_seconds(text + 2, &end, min) && *end == '\0';
    if (text[0] != '=' || !read_seconds(text + 1, &end, min))
        return false;
    *max = *min;
    if (end[0] == '.' && end[1] == '.')
        return read_seconds(end + 2, &end, max) && *end == '\0' && *min <= *max;
    return *end == '\0';
}

/* Several narrow each other. */
static enum status read_ttl(struct case_words *words, const char *word)
{
    struct case_test *test = words->test;
    uint32_t min;
    uint32_t max;

    if (!read_range(word + 3, &min, &max))
        return case_error(words->line, words->diag, "found %s, wanted ttl=N, ttl<=N, ttl>=N or ttl=N..M in seconds",
                          word);
    if (!test->has_ttl)
        test->ttl_max = INT32_MAX;
    test->has_ttl = true;
    test->ttl_min = min > test->ttl_min ? min : test->ttl_min;
    test->ttl_max = max < test->ttl_max ? max : test->ttl_max;
    if (test->ttl_min > test->ttl_max)
        return case_error(words->line, words->diag, "found %s, wanted a TTL that the other ttl words leave possible",
                          word);
    return STATUS_OK;
}

static enum status read_view(struct case_words *words, const char *word)
{
    struct case_test *test = words->test;

    if (test->view != VIEW_NONE)
        return case_error(words->line, words->diag, "found %s, wanted view: once", word);
    test->view = policy_find_view(words->policy, word + strlen("view:"));
    if (test->view != VIEW_NONE)
        return STATUS_OK;
    return case_error(words->line, words->diag, "found %s, wanted a view: its name stands in %s as [view NAME]", word,
                      words->policy->config->path);
}

static enum status read_same(struct case_words *words, const char *word)
{
    struct case_test *test = words->test;
    const char *from = word + strlen("same-as:");
    char wanted[ASKER_WANTED_MAX];

    if (test->has_same)
        return case_error(words->line, words->diag, "found %s, wanted same-as: once", word);
    test->has_same = true;
    if (asker_read(words->policy, from, strlen(from), &test->same, wanted) == STATUS_OK)
        return STATUS_OK;
    return case_error(words->line, words->diag, "found %s, wanted %s", word, wanted);
}

static enum status read_at(struct case_words *words, const char *word)
{
    static const struct config_option instant = {.key = "at", .type = OPTION_INSTANT, .words = ""};
    struct config_value value = {0};
    char wanted[CONFIG_WANTED_MAX];

    if (words->test->now != 0)
        return case_error(words->line, words->diag, "found %s, wanted at: once", word);
    if (config_value_read(&instant, word + strlen("at:"), &value, wanted) != STATUS_OK || value.number == 0)
        return case_error(words->line, words->diag, "found %s, wanted at: and %s", word, wanted);
    words->test->now = value.number;
    return STATUS_OK;
}

/* ---- what must not appear ---- */

static bool read_ban_network(const char *text, struct case_ban *ban)
{
    bool host_bits = false;

    ban->kind = CASE_BAN_NETWORK;
    return prefix_from_text(text, strlen(text), &ban->network, &host_bits) == STATUS_OK;
}

static bool read_ban_name(const char *text, struct case_ban *ban)
{
    size_t length = strlen(text);
    size_t size;

    ban->kind = CASE_BAN_NAME;
    return length > 0 && text[length - 1] == '.' && name_from_text(text, length, NULL, ban->name, &size) == STATUS_OK;
}

static bool read_ban(const char *text, struct case_ban *ban)
{
    ban->text = text;
    if (strcmp(text, "private") == 0) {
        ban->kind = CASE_BAN_PRIVATE;
        return true;
    }
    if (read_ban_network(text, ban) || read_ban_name(text, ban))
        return true;
    ban->rcode = case_rcode_from_text(text, strlen(text));
    ban->kind = CASE_BAN_RCODE;
    if (ban->rcode != CASE_UNJUDGED)
        return true;
    ban->type = rrtype_from_text(text, strlen(text));
    ban->kind = CASE_BAN_TYPE;
    return ban->type != 0 && !rrtype_is_meta(ban->type);
}

static enum status report_ban(struct case_words *words, const char *word)
{
    struct prefix network;
    bool host_bits = false;

    if (prefix_from_text(word + 1, strlen(word + 1), &network, &host_bits) != STATUS_OK && host_bits) {
        char text[PREFIX_TEXT_MAX];
        prefix_to_text(&network, text);
        return case_error(words->line, words->diag, "found %s, wanted !%s: host bits are set", word, text);
    }
    return case_error(words->line, words->diag,
                      "found %s, wanted ! before a network, an address, a name with final dot, a type, an rcode or "
                      "private",
                      word);
}

static enum status add_ban(struct case_words *words, const char *word)
{
    struct case_test *test = words->test;
    struct case_ban *bans = memory_grow(test->bans, test->ban_count, &test->ban_capacity, sizeof *bans);

    if (bans == NULL)
        return STATUS_NO_MEMORY;
    test->bans = bans;
    memset(&bans[test->ban_count], 0, sizeof *bans);
    if (!read_ban(word + 1, &bans[test->ban_count]))
        return report_ban(words, word);
    test->ban_count++;
    return STATUS_OK;
}

/* ---- words ---- */

static bool begins(const char *word, const char *start)
{
    return strncmp(word, start, strlen(start)) == 0;
}

static enum status read_word(struct case_words *words, const char *word)
{
    enum case_rcode rcode = case_rcode_from_text(word, strlen(word));

    if (rcode != CASE_UNJUDGED)
        return read_rcode(words, word, rcode);
    if (begins(word, "FORWARD:"))
        return read_forward(words, word);
    if (begins(word, "ttl"))
        return read_ttl(words, word);
    if (begins(word, "view:"))
        return read_view(words, word);
    if (begins(word, "same-as:"))
        return read_same(words, word);
    if (begins(word, "at:"))
        return read_at(words, word);
    if (word[0] == '!')
        return add_ban(words, word);
    if (strcmp(word, "direct") == 0) {
        words->test->direct = true;
        return STATUS_OK;
    }
    if (word[0] == '=')
        return case_error(words->line, words->diag, "found %s, wanted a blank behind =", word);
    return case_error(words->line, words->diag, "found %s, wanted one of %s", word, words_known);
}

/* ---- records ---- */

void case_lower_rdata(uint16_t type, const struct rdata *rdata, uint8_t *out)
{
    struct rrtype_layout layout = rrtype_layout(type);
    size_t at = layout.prefix;
    uint8_t lower[NAME_SIZE_MAX];

    memcpy(out, rdata->bytes, rdata->size);
    for (unsigned i = 0; i < layout.names && at < rdata->size; i++) {
        size_t size;
        if (name_from_wire(rdata->bytes + at, rdata->size - at, &size) != STATUS_OK)
            return;
        name_to_lower(rdata->bytes + at, lower);
        memcpy(out + at, lower, size);
        at += size;
    }
}

static bool has_record(const struct case_records *records, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 2 <= records->data.size;) {
        size_t length = read_u16(records->data.data + at);
        if (length == size && memcmp(records->data.data + at + 2, bytes, size) == 0)
            return true;
        at += 2 + length;
    }
    return false;
}

static enum status add_record(uint16_t type, const struct bytes *wire, struct case_records *records)
{
    const struct rdata rdata = {.bytes = wire->data, .size = (uint16_t)wire->size};
    uint8_t head[2];
    uint8_t *lower = memory_alloc(wire->size + 1);

    if (lower == NULL)
        return STATUS_NO_MEMORY;
    if (wire->size > 0)
        case_lower_rdata(type, &rdata, lower);
    enum status status = STATUS_OK;
    if (!has_record(records, lower, wire->size)) {
        write_u16(head, (uint16_t)wire->size);
        status = bytes_append(&records->data, head, sizeof head);
        if (status == STATUS_OK && wire->size > 0)
            status = bytes_append(&records->data, lower, wire->size);
        records->count++;
    }
    memory_free(lower);
    return status;
}

static enum status report_record(struct case_words *words, uint16_t type, const char *text, const char *wanted)
{
    char type_text[RRTYPE_TEXT_MAX];
    const char *hint = strchr(text, ',') != NULL ? "; records are parted by a comma and a blank" : "";

    rrtype_to_text(type, type_text);
    return case_error(words->line, words->diag, "found the record %s, wanted data of type %s%s%s%s", text, type_text,
                      wanted[0] != '\0' ? ": " : "", wanted, hint);
}

/* One record's text for one type. */
static enum status read_record(struct case_words *words, uint16_t type, const char *text, struct case_records *records)
{
    static const uint8_t root[] = {0};
    struct entry_reader reader;
    struct entry entry = {0};
    struct rdata_fault fault = {0, ""};
    struct bytes wire;
    struct diag unused;

    diag_init(&unused);
    bytes_init(&wire, RRSET_RDATA_MAX);
    entry_reader_init(&reader, text, strlen(text));
    enum status status = entry_next(&reader, "", &entry, &unused);
    if (status == STATUS_OK && entry.token_count == 0)
        status = STATUS_BAD_INPUT;
    if (status == STATUS_OK)
        status = rdata_from_entry(type, &entry, 0, root, &wire, &fault);
    if (status == STATUS_OK)
        status = add_record(type, &wire, records);
    else if (status != STATUS_NO_MEMORY)
        status = report_record(words, type, text, fault.wanted);
    entry_reader_clear(&reader);
    bytes_clear(&wire);
    diag_clear(&unused);
    return status;
}

static enum status read_for_types(struct case_words *words, const char *text)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < words->line->type_count && status == STATUS_OK; i++)
        status = read_record(words, words->line->types[i], text, &words->test->records[i]);
    return status;
}

static char *trim(char *text)
{
    size_t length;

    while (*text == ' ' || *text == '\t')
        text++;
    for (length = strlen(text); length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'); length--)
        text[length - 1] = '\0';
    return text;
}

/* Cut at the first comma that a blank follows, outside quotes; the rest, or NULL. */
static char *cut_record(char *text)
{
    bool quoted = false;

    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (*at == ',' && !quoted && (at[1] == ' ' || at[1] == '\t' || at[1] == '\0')) {
            *at = '\0';
            return at + 1;
        }
    }
    return NULL;
}

static enum status read_list(struct case_words *words, char *text)
{
    struct case_test *test = words->test;
    enum status status = STATUS_OK;

    if (strcmp(text, "*") == 0) {
        test->any_records = true;
        return STATUS_OK;
    }
    test->records = memory_zalloc(words->line->type_count, sizeof *test->records);
    if (test->records == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < words->line->type_count; i++)
        bytes_init(&test->records[i].data, CASEFILE_RECORDS_MAX);
    for (char *rest = text; rest != NULL && status == STATUS_OK;) {
        char *record = rest;
        rest = cut_record(record);
        record = trim(record);
        status = record[0] == '\0' ? case_error(words->line, words->diag, "found a comma with no record beside it")
                                   : read_for_types(words, record);
    }
    return status;
}

static enum status add_hop(struct case_words *words, const char *text)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;

    if (text[0] == '\0' || name_from_text(text, strlen(text), NULL, name, &size) != STATUS_OK)
        return case_error(words->line, words->diag, "found %s, wanted a name before ->",
                          text[0] != '\0' ? text : "nothing");
    return bytes_append(&words->test->hops, name, size);
}

/* The next " -> ", outside quotes. */
static char *find_arrow(char *text)
{
    bool quoted = false;

    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && at[0] == '-' && at[1] == '>' && (at == text || at[-1] == ' ' || at[-1] == '\t') &&
                 (at[2] == ' ' || at[2] == '\t' || at[2] == '\0'))
            return at;
    }
    return NULL;
}

/* Behind a negative rcode all are hops, the last too, if there is one. */
static enum status read_records(struct case_words *words, char *text)
{
    bool negative = is_negative(words->test->rcode);
    bool has_arrow = false;

    for (char *arrow = find_arrow(text); arrow != NULL; arrow = find_arrow(text)) {
        *arrow = '\0';
        enum status status = add_hop(words, trim(text));
        if (status != STATUS_OK)
            return status;
        has_arrow = true;
        text = arrow + 2;
    }
    text = trim(text);
    if (negative && !has_arrow)
        return case_error(words->line, words->diag, "found records beside %s, wanted one of both, or CNAME hops: a. ->",
                          case_rcode_text(words->test->rcode));
    if (negative)
        return text[0] == '\0' ? STATUS_OK : add_hop(words, text);
    if (text[0] == '\0')
        return case_error(words->line, words->diag, "found no records behind %s, wanted some, or *",
                          has_arrow ? "->" : "=");
    words->test->has_records = true;
    if (words->test->rcode == CASE_UNJUDGED)
        words->test->rcode = CASE_NOERROR;
    for (size_t i = 0; i < words->line->type_count; i++)
        if (words->line->types[i] == RRTYPE_ANY)
            return case_error(words->line, words->diag, "found records for type ANY, wanted one type");
    return read_list(words, text);
}

enum status case_words_read(struct case_words *words, char *text, char *records)
{
    char *save = NULL;
    bool has_word = false;
    enum status status = STATUS_OK;

    words->test->view = VIEW_NONE;
    for (char *word = strtok_r(text, " \t", &save); word != NULL && status == STATUS_OK;
         word = strtok_r(NULL, " \t", &save)) {
        has_word = true;
        status = read_word(words, word);
    }
    if (status != STATUS_OK)
        return status;
    if (records != NULL)
        return read_records(words, trim(records));
    if (!has_word)
        return case_error(words->line, words->diag, "found nothing to judge, wanted words or = RECORDS");
    return STATUS_OK;
}

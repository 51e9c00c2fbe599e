/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/reply_fixture.h"

#include "resolver/message.h"
#include "tests/support.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 70000

/* Step to the next word or line of a text; its length. */
static size_t next_piece(const char **text, const char *ends)
{
    *text += strspn(*text, ends);
    return strcspn(*text, ends);
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static void read_name(const char *text, size_t length, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;
    if (name_from_text(text, length, NULL, name, &size) != STATUS_OK)
        fail_msg("no name: %.*s", (int)length, text);
}

static void read_question(struct reply_fixture *fixture, const char *text)
{
    size_t length = next_piece(&text, " ");
    read_name(text, length, fixture->name);
    text += length;
    length = next_piece(&text, " ");
    char type[20] = {0};
    memcpy(type, text, length);
    fixture->question.type = (uint16_t)ldns_get_rr_type_by_name(type);
    for (text += length; (length = next_piece(&text, " ")) > 0; text += length) {
        fixture->question.dnssec_ok |= is_word(text, length, "do");
        fixture->question.checking_disabled |= is_word(text, length, "cd");
        fixture->rules.private_allowed |= is_word(text, length, "private");
        fixture->group.trust_ad |= is_word(text, length, "ad");
    }
}

static unsigned read_flags(const char *text, size_t line)
{
    static const struct {
        const char *word;
        unsigned bits;
    } words[] = {{"NOERROR", 0},     {"FORMERR", 1},     {"SERVFAIL", 2},   {"NXDOMAIN", 3},
                 {"NOTIMP", 4},      {"REFUSED", 5},     {"YXDOMAIN", 6},   {"aa", MESSAGE_AA},
                 {"ad", MESSAGE_AD}, {"tc", MESSAGE_TC}, {"ra", MESSAGE_RA}};
    unsigned flags = MESSAGE_QR | MESSAGE_RD;
    const char *end = text + line;
    while (text < end) {
        size_t length = strcspn(text, " \n");
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            flags |= is_word(text, length, words[i].word) ? words[i].bits : 0;
        text += length + 1;
    }
    return flags;
}

static void put(struct reply_fixture *fixture, const void *bytes, size_t size)
{
    assert_true(fixture->size + size <= sizeof fixture->wire);
    memcpy(fixture->wire + fixture->size, bytes, size);
    fixture->size += size;
}

static void put_record(struct reply_fixture *fixture, const char *text)
{
    ldns_rr *record = NULL;
    uint8_t *wire = NULL;
    size_t size = 0;
    if (ldns_rr_new_frm_str(&record, text, 0, NULL, NULL) != LDNS_STATUS_OK ||
        ldns_rr2wire(&wire, record, LDNS_SECTION_ANSWER, &size) != LDNS_STATUS_OK)
        fail_msg("no record: %s", text);
    put(fixture, wire, size);
    free(wire);
    ldns_rr_free(record);
}

static void put_extended_error(struct reply_fixture *fixture, const char *text)
{
    uint8_t edns[17] = {0, 0, RRTYPE_OPT, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2};
    write_u16(edns + 15, (uint16_t)strtoul(text, NULL, 10));
    put(fixture, edns, sizeof edns);
}

static void put_line(struct reply_fixture *fixture, const char *text, size_t length)
{
    static const char *const sections[] = {"an ", "ns ", "ar ", "ede "};
    char line[LINE_SIZE];
    assert_true(length < sizeof line);
    memcpy(line, text, length);
    line[length] = '\0';
    for (unsigned i = 0; i < 4; i++) {
        if (strncmp(line, sections[i], strlen(sections[i])) != 0)
            continue;
        uint8_t *count = fixture->wire + 6 + (i < 3 ? 2 * i : 4);
        write_u16(count, (uint16_t)(read_u16(count) + 1));
        if (i < 3)
            put_record(fixture, line + strlen(sections[i]));
        else
            put_extended_error(fixture, line + strlen(sections[i]));
        return;
    }
    fail_msg("no section: %s", line);
}

void reply_fixture_init(struct reply_fixture *fixture, const char *question, const char *reply)
{
    uint8_t tail[4] = {0, 0, 0, RRCLASS_IN};
    memset(fixture, 0, sizeof *fixture);
    fixture->question.id = 4711;
    fixture->question.name = fixture->name;
    fixture->question.has_edns = true;
    fixture->rules.group = &fixture->group;
    read_question(fixture, question);
    fixture->size = MESSAGE_HEADER_SIZE;
    write_u16(fixture->wire, fixture->question.id);
    write_u16(fixture->wire + 4, 1);
    put(fixture, fixture->name, name_size(fixture->name));
    write_u16(tail, fixture->question.type);
    put(fixture, tail, sizeof tail);
    size_t length = next_piece(&reply, "\n");
    write_u16(fixture->wire + 2, (uint16_t)read_flags(reply, length));
    for (reply += length; (length = next_piece(&reply, "\n")) > 0; reply += length)
        put_line(fixture, reply, length);
}

struct cached *reply_fixture_cached(const char *question, const char *reply, uint64_t now_ms)
{
    struct reply_fixture *fixture = malloc(sizeof *fixture);
    struct cached *cached;
    reply_fixture_init(fixture, question, reply);
    enum reply_verdict verdict =
        reply_scrub(&fixture->question, &fixture->rules, fixture->wire, fixture->size, now_ms, &cached);
    if (verdict != REPLY_GOOD)
        fail_msg("verdict %d of %s", (int)verdict, question);
    free(fixture);
    return cached;
}

char *reply_fixture_text(const struct cached *cached, const uint8_t *name, uint64_t now_ms)
{
    struct answer *answer = malloc(sizeof *answer);
    const uint8_t *next;
    answer_reset(answer);
    cached_append(cached, name, now_ms, NULL, NULL, answer, &next);
    char *text = support_answer_text(answer);
    free(answer);
    return text;
}

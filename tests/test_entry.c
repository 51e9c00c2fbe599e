/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry reader: what is one entry, where it begins, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/entry.h"
#include "zones/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What came out, one item after the other: an entry as "[LINE:COLUMN text]", "<" before the text if the owner was
 * blank; an error as "!LINE:COLUMN".
 */
struct row {
    const char *text;
    size_t size; /* 0: up to the zero byte */
    const char *result;
};

static const struct row rows[] = {
    {"", 0, ""},
    {"\n\n  \n\t; only a comment\n", 0, ""},
    {"a b c\n", 0, "[1:1 a b c]"},
    {"a b c", 0, "[1:1 a b c]"},
    {"a\t  b;c d\ne", 0, "[1:1 a b][2:1 e]"},
    {" a\n\tb\nc\n", 0, "[1:2 <a][2:2 <b][3:1 c]"},
    {" ; comment\na\n", 0, "[2:1 a]"},
    {"a\r\nb\r\n", 0, "[1:1 a][2:1 b]"},
    {"a\rb\n", 0, "[1:1 a b]"},
    {"a ( b ; c )\n d\n) e\nf", 0, "[1:1 a b d e][4:1 f]"},
    {"a ((b) c)d\n", 0, "[1:1 a b c d]"},
    {"(\n a\n)\n", 0, "[2:2 a]"},
    {" ( a\n b )\nc", 0, "[1:4 <a b][3:1 c]"},
    {"()\n()\na\n", 0, "[3:1 a]"},
    {"a \"b  c;()\" d\n", 0, "[1:1 a \"b  c;()\" d]"},
    {"a \"\"\n", 0, "[1:1 a \"\"]"},
    {"\"a\"b\"\"\n", 0, "!1:5"},
    {"\"a\"b \"\"\"c\"\n", 0, "[1:1 \"a\" b \"\" \"c\"]"},
    {"a \"b\\\"c\\\\\" d\n", 0, "[1:1 a \"b\\\"c\\\\\" d]"},
    {"a\\ b \\; \\( \\\" \\032\n", 0, "[1:1 a\\ b \\; \\( \\\" \\032]"},
    {"a key=\"b c\" d\n", 0, "[1:1 a key=\"b c\" d]"},
    {"a key=\"b c\nd\n", 0, "!1:7[2:1 d]"},
    {"\xef\xbb\xbf"
     "a b\n",
     0, "[1:1 a b]"},
    {"\xff\xfe b\n", 0, "[1:1 \xff\xfe b]"},
    {"a \"b\nc\" d\ne\n", 0, "!1:3!2:2[3:1 e]"},
    {"a \"b\\\nc\n", 0, "!1:3[2:1 c]"},
    {"a \"b", 0, "!1:3"},
    {"a \"b\\", 0, "!1:3"},
    {"a b\\\nc\n", 0, "!1:4[2:1 c]"},
    {"a b\\\r\nc\n", 0, "!1:4[2:1 c]"},
    {"a b\\", 0, "!1:4"},
    {"a b\"c\nd\n", 0, "!1:4[2:1 d]"},
    {"a )\nb\n", 0, "!1:3[2:1 b]"},
    {") a\nb\n", 0, "!1:1[2:1 b]"},
    {"a ( b\nc\n", 0, "!1:3"},
    {"a ( b ( c )\nc\n", 0, "!1:3"},
    {"(", 0, "!1:1"},
    {"a ( \"b\n  c\n )\n\nd\n", 0, "!1:5[5:1 d]"},
    {"a\0b\nc\n", 6, "!1:2[2:1 c]"},
    {"a \"\0\"\nc\n", 8, "!1:4[2:1 c]"},
    {"a \"\\\0\"\nc\n", 9, "!1:5[2:1 c]"},
    {"a \\\0\nc\n", 7, "!1:4[2:1 c]"},
    {"\0", 1, "!1:1"},
    {"; \0 comment\na\n", 14, "[2:1 a]"},
};

static void collect(const char *text, size_t size, char *result, size_t capacity)
{
    struct diag diag;
    struct entry_reader reader;
    struct entry entry;
    enum status status;
    diag_init(&diag);
    entry_reader_init(&reader, text, size);
    result[0] = '\0';
    do {
        size_t before = diag.count;
        status = entry_next(&reader, "file", &entry, &diag);
        size_t used = strlen(result);
        if (status == STATUS_OK && entry.token_count > 0) {
            assert_int_equal(strlen(entry.text), entry.size);
            snprintf(result + used, capacity - used, "[%u:%u %s%s]", entry.line, entry.column,
                     entry.owner_blank ? "<" : "", entry.text);
        } else if (status == STATUS_BAD_INPUT) {
            assert_int_equal(diag.count, before + 1);
            assert_string_equal(diag.messages[before].file, "file");
            snprintf(result + used, capacity - used, "!%u:%u", diag.messages[before].line,
                     diag.messages[before].column);
        }
    } while (status == STATUS_BAD_INPUT || (status == STATUS_OK && entry.token_count > 0));
    assert_int_equal(status, STATUS_OK);
    entry_reader_clear(&reader);
    diag_clear(&diag);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char result[512];
        size_t size = rows[i].size > 0 ? rows[i].size : strlen(rows[i].text);
        collect(rows[i].text, size, result, sizeof result);
        if (strcmp(result, rows[i].result) != 0) {
            fail_msg("row %zu: %s gives %s, wanted %s", i, rows[i].text, result, rows[i].result);
        }
    }
}

/* The result of a row, as many lines further down. */
static void shift_lines(const char *result, unsigned lines, char *shifted, size_t capacity)
{
    size_t used = 0;
    while (*result != '\0' && used + 16 < capacity) {
        bool is_place = (*result == '[' || *result == '!') && result[1] >= '0' && result[1] <= '9';
        shifted[used++] = *result++;
        if (is_place) {
            char *end;
            unsigned long line = strtoul(result, &end, 10);
            used += (size_t)snprintf(shifted + used, capacity - used, "%lu", line + lines);
            result = end;
        }
    }
    shifted[used] = '\0';
}

/* A reader that has read a line has room, and takes plain lines at once: with the same result. */
static void test_rows_further_down(void **state)
{
    static const char before[] = "a b c d e f g h\n i\n";
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        char result[512];
        char wanted[512] = "[1:1 a b c d e f g h][2:2 <i]";
        size_t size = rows[i].size > 0 ? rows[i].size : strlen(rows[i].text);
        assert_true(sizeof before - 1 + size <= sizeof text);
        if ((uint8_t)rows[i].text[0] == 0xef) {
            continue; /* a byte order mark stands nowhere else */
        }
        memcpy(text, before, sizeof before - 1);
        memcpy(text + sizeof before - 1, rows[i].text, size);
        shift_lines(rows[i].result, 2, wanted + strlen(wanted), sizeof wanted - strlen(wanted));
        collect(text, sizeof before - 1 + size, result, sizeof result);
        assert_string_equal(result, wanted);
    }
}

/* Lines that end with a carriage return are never plain. */
static void test_plain_lines_are_as_others(void **state)
{
    static const char *const lines[] = {
        "a b",
        " a",
        "\ta  \t b ",
        "w1 w2 w3 w4 w5 w6 w7 w8 w9",
        "x",
        "  ",
        "",
        "a\xff\x01 b",
        "$TTL 3",
        "a=b c,d",
        "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16 w17",
    };
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        char plain[512] = "";
        char other[512] = "";
        char result[1024];
        char wanted[1024];
        for (unsigned left = i, k = 0; k < 4; left /= 11, k++) {
            const char *line = lines[(left + k) % (sizeof lines / sizeof lines[0])];
            snprintf(plain + strlen(plain), sizeof plain - strlen(plain), "%s\n", line);
            snprintf(other + strlen(other), sizeof other - strlen(other), "%s\r\n", line);
        }
        collect(plain, strlen(plain), result, sizeof result);
        collect(other, strlen(other), wanted, sizeof wanted);
        assert_string_equal(result, wanted);
    }
}

static void test_tokens_know_their_place(void **state)
{
    static const struct {
        uint32_t line, column, size;
        bool quoted;
    } wanted[] = {{2, 1, 1, false}, {2, 4, 1, false}, {3, 2, 5, true}, {4, 1, 3, false}};
    static const char text[] = "; c\na (b ; x\n\t\"c d\"\ne\\) )\n";
    struct diag diag;
    struct entry_reader reader;
    struct entry entry;
    (void)state;
    diag_init(&diag);
    entry_reader_init(&reader, text, sizeof text - 1);
    assert_int_equal(entry_next(&reader, NULL, &entry, &diag), STATUS_OK);
    assert_int_equal(entry.token_count, 4);
    for (size_t i = 0; i < entry.token_count; i++) {
        assert_int_equal(entry.tokens[i].line, wanted[i].line);
        assert_int_equal(entry.tokens[i].column, wanted[i].column);
        assert_int_equal(entry.tokens[i].size, wanted[i].size);
        assert_int_equal(entry.tokens[i].quoted, wanted[i].quoted);
    }
    assert_string_equal(entry.text, "a b \"c d\" e\\)");
    entry_reader_clear(&reader);
    diag_clear(&diag);
}

/* `count` times `piece`, then `end`, read as one text. */
static void repeat(const char *begin, const char *piece, size_t count, const char *end, char *result, size_t capacity)
{
    size_t piece_size = strlen(piece);
    size_t size = strlen(begin) + count * piece_size + strlen(end);
    char *text = memory_alloc(size + 1);
    assert_non_null(text);
    memcpy(text, begin, strlen(begin));
    for (size_t i = 0; i < count; i++) {
        memcpy(text + strlen(begin) + i * piece_size, piece, piece_size);
    }
    memcpy(text + size - strlen(end), end, strlen(end) + 1);
    collect(text, size, result, capacity);
    memory_free(text);
}

static void test_limits(void **state)
{
    char *result = memory_alloc(ENTRY_SIZE_MAX + 64);
    (void)state;
    repeat("", "x", ENTRY_SIZE_MAX, "\nb\n", result, ENTRY_SIZE_MAX + 64);
    assert_int_equal(strlen(result), ENTRY_SIZE_MAX + 6 + 7);
    repeat("", "x", ENTRY_SIZE_MAX + 1, "\nb\n", result, ENTRY_SIZE_MAX + 64);
    assert_string_equal(result, "!1:1[2:1 b]");
    repeat("a (", "x ", ENTRY_TOKENS_MAX, "\n c )\nb\n", result, ENTRY_SIZE_MAX + 64);
    assert_string_equal(result, "!1:3[3:1 b]");
    repeat("a (\n", " xxxxxxxxxxxxxxxxx\n", 100000, "", result, ENTRY_SIZE_MAX + 64);
    assert_string_equal(result, "!1:3");
    memory_free(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_further_down),
        cmocka_unit_test(test_plain_lines_are_as_others),
        cmocka_unit_test(test_tokens_know_their_place),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

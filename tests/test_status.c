/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/bytes.h"
#include "zones/memory.h"
#include "zones/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const struct diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    diag_print(diag, stream);
    fclose(stream);
    return text;
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    for (int status = STATUS_OK; status <= STATUS_VERSION; status++)
        assert_true(strlen(status_text((enum status)status)) > 0);
    assert_string_equal(status_text((enum status)999), "unknown status");
}

static void messages_show_what_is_known(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct place place = {.file = "a.zone", .line = 3, .column = 7};
    assert_int_equal(diag_error(&diag, &place, "found %d", 5), STATUS_BAD_INPUT);
    place.column = 0;
    diag_add(&diag, SEVERITY_WARNING, &place, "odd");
    place.line = 0;
    diag_add(&diag, SEVERITY_INFO, &place, "note");
    assert_int_equal(diag_fail(&diag, STATUS_IO, NULL, "gone"), STATUS_IO);
    char *text = printed(&diag);
    assert_string_equal(text, "a.zone:3:7: error: found 5\na.zone:3: warning: odd\na.zone: info: note\nerror: gone\n");
    assert_int_equal(diag.errors, 2);
    assert_int_equal(diag.warnings, 1);
    free(text);
    diag_clear(&diag);
}

static void octets_for_terminals_are_escaped(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    struct place place = {.file = "\033[2J", .line = 1};
    diag_error(&diag, &place, "found \"\033]0;x\007\xff\"");
    assert_string_equal(diag.messages[0].text, "found \"\\027]0;x\\007\\255\"");
    assert_string_equal(diag.messages[0].file, "\\027[2J");
    diag_clear(&diag);
}

static void the_list_is_bounded_and_counts_on(void **state)
{
    (void)state;
    struct diag diag;
    diag_init(&diag);
    for (unsigned i = 0; i < DIAG_MESSAGES_MAX + 5; i++)
        diag_error(&diag, NULL, "message %u", i);
    assert_int_equal(diag.count, DIAG_MESSAGES_MAX);
    assert_int_equal(diag.errors, DIAG_MESSAGES_MAX + 5);
    char *text = printed(&diag);
    assert_non_null(strstr(text, "\n5 more messages\n"));
    free(text);
    diag_clear(&diag);
}

static void buffers_know_their_limit(void **state)
{
    (void)state;
    struct bytes bytes;
    bytes_init(&bytes, 10);
    assert_int_equal(bytes_append(&bytes, "12345", 5), STATUS_OK);
    assert_int_equal(bytes_append(&bytes, "123456", 6), STATUS_TOO_LARGE);
    assert_int_equal(bytes.size, 5);
    assert_int_equal(bytes_align(&bytes, 8), STATUS_OK);
    assert_int_equal(bytes.size, 8);
    assert_int_equal(bytes_append(&bytes, NULL, SIZE_MAX), STATUS_TOO_LARGE);
    size_t size;
    uint8_t *taken = bytes_take(&bytes, &size);
    assert_int_equal(size, 8);
    assert_memory_equal(taken, "12345\0\0\0", 8);
    assert_null(bytes.data);
    memory_free(taken);
    bytes_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text),          cmocka_unit_test(messages_show_what_is_known),
        cmocka_unit_test(octets_for_terminals_are_escaped), cmocka_unit_test(the_list_is_bounded_and_counts_on),
        cmocka_unit_test(buffers_know_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

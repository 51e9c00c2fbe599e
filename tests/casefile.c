/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/casefile.h"

#include "tests/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

bool case_next(char **cursor, struct case_block *block)
{
    if (*cursor == NULL || strncmp(*cursor, "== ", 3) != 0)
        return false;
    char *end = strchr(*cursor, '\n');
    if (end == NULL)
        return false;
    *end = '\0';
    block->head = *cursor + 3;
    block->body = end + 1;
    char *next = strncmp(block->body, "== ", 3) == 0 ? block->body : strstr(block->body, "\n== ");
    if (next != NULL && next != block->body)
        next++;
    block->body_size = next == NULL ? strlen(block->body) : (size_t)(next - block->body);
    *cursor = next;
    return true;
}

bool case_matches(const char *file, const struct case_block *block, const char *actual)
{
    size_t size = block->body_size;
    while (size > 0 && (block->body[size - 1] == '\n' || block->body[size - 1] == ' '))
        size--;
    size_t length = strlen(actual);
    while (length > 0 && actual[length - 1] == '\n')
        length--;
    if (size == length && memcmp(block->body, actual, size) == 0)
        return true;
    print_message("%s: %s\nexpected:\n%.*s\ngot:\n%s\n", file, block->head, (int)size, block->body, actual);
    return false;
}

int case_run_folder(const char *folder, void (*test)(void **state))
{
    char pattern[4096];
    char name[256];
    glob_t found;
    snprintf(name, sizeof name, "cases/%s/*.case", folder);
    support_path(name, pattern, sizeof pattern);
    if (glob(pattern, 0, NULL, &found) != 0)
        return 99;
    struct CMUnitTest *tests = calloc(found.gl_pathc, sizeof *tests);
    for (size_t i = 0; i < found.gl_pathc; i++)
        tests[i] = (struct CMUnitTest){.name = strrchr(found.gl_pathv[i], '/') + 1,
                                       .test_func = test,
                                       .initial_state = strstr(found.gl_pathv[i], "cases/")};
    int failed = _cmocka_run_group_tests(folder, tests, found.gl_pathc, NULL, NULL);
    free(tests);
    globfree(&found);
    return failed;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/glob.h"

#include "zones/memory.h"

#include <assert.h>
#include <string.h>

static uint16_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint16_t)(octet + 32) : octet;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* The octet behind a backslash; *text steps over all but its last character. */
static uint16_t unescape(const char **text)
{
    const char *at = *text + 1;
    if (!is_digit(at[0]) || !is_digit(at[1]) || !is_digit(at[2])) {
        *text = at;
        return lower((uint8_t)at[0]);
    }
    *text = at + 2;
    return lower((uint8_t)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0')));
}

void glob_compile(const char *text, struct glob *glob)
{
    size_t count = 0;
    glob->literals = 0;
    glob->is_exact = true;
    for (; *text != '\0' && count < GLOB_SYMBOLS_MAX; text++) {
        uint16_t symbol = lower((uint8_t)*text);
        if (*text == '\\' && text[1] != '\0')
            symbol = unescape(&text);
        else if (*text == '.')
            symbol = GLOB_DOT;
        else if (*text == '*')
            symbol = GLOB_STAR;
        /* Several stars in a row are one. */
        if (symbol == GLOB_STAR && count > 0 && glob->symbols[count - 1] == GLOB_STAR)
            continue;
        glob->symbols[count++] = symbol;
        glob->is_exact = glob->is_exact && symbol != GLOB_STAR;
    }
    assert(*text == '\0');
    if (count > 0 && glob->symbols[count - 1] == GLOB_DOT)
        count--;
    glob->count = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        glob->literals = (uint8_t)(glob->literals + (glob->symbols[i] != GLOB_STAR));
}

void glob_subject(const uint8_t *name, struct glob_subject *subject)
{
    unsigned count = 0;
    for (; name[0] != 0; name += 1 + name[0]) {
        if (count > 0)
            subject->symbols[count++] = GLOB_DOT;
        for (unsigned i = 1; i <= name[0]; i++)
            subject->symbols[count++] = lower(name[i]);
    }
    subject->count = (uint8_t)count;
}

/* Where a mismatch comes, go back to the last star and let it take one symbol more: earlier stars need not be tried
 * again. */
bool glob_match(const struct glob *glob, const struct glob_subject *subject)
{
    unsigned at = 0;
    unsigned behind_star = UINT32_MAX; /* in the pattern */
    unsigned taken = 0;                /* of the subject, before the last star's end */
    for (unsigned i = 0; i < subject->count;) {
        if (at < glob->count && glob->symbols[at] == GLOB_STAR) {
            behind_star = ++at;
            taken = i;
        } else if (at < glob->count && glob->symbols[at] == subject->symbols[i]) {
            at++;
            i++;
        } else if (behind_star != UINT32_MAX) {
            at = behind_star;
            i = ++taken;
        } else {
            return false;
        }
    }
    while (at < glob->count && glob->symbols[at] == GLOB_STAR)
        at++;
    return at == glob->count;
}

enum status glob_list_read(const struct config_setting *setting, struct glob_list *list)
{
    *list = (struct glob_list){NULL, 0};
    if (setting == NULL)
        return STATUS_OK;
    list->globs = memory_zalloc(setting->value_count, sizeof *list->globs);
    if (list->globs == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < setting->value_count; i++)
        glob_compile(setting->values[i].text, &list->globs[list->count++]);
    return STATUS_OK;
}

void glob_list_clear(struct glob_list *list)
{
    memory_free(list->globs);
    *list = (struct glob_list){NULL, 0};
}

int glob_compare(const struct glob *a, const struct glob *b)
{
    if (a->is_exact != b->is_exact)
        return a->is_exact ? 1 : -1;
    return (int)a->literals - (int)b->literals;
}

const struct glob *glob_list_best(const struct glob_list *list, const struct glob_subject *subject)
{
    const struct glob *best = NULL;
    for (size_t i = 0; i < list->count; i++)
        if (glob_match(&list->globs[i], subject) && (best == NULL || glob_compare(&list->globs[i], best) > 0))
            best = &list->globs[i];
    return best;
}

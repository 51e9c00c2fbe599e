/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/casefile_text.h"

#include "zones/memory.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

char *case_strip(char *line)
{
    bool quoted = false;
    char *end = line;

    while (is_blank(*line))
        line++;
    for (char *at = line; *at != '\0'; at++) {
        bool is_first = at == line || is_blank(at[-1]);
        if (!quoted && is_first && (*at == ';' || *at == '#')) {
            *at = '\0';
            break;
        }
        if (*at == '\\' && at[1] != '\0')
            at++;
        else if (*at == '"')
            quoted = !quoted;
    }
    end = line + strlen(line);
    while (end > line && is_blank(end[-1]))
        *--end = '\0';
    return line;
}

/* The word at *rest; what follows it goes to *rest. NULL at the end. */
static char *cut_word(char **rest)
{
    char *word = *rest;

    while (is_blank(*word))
        word++;
    if (*word == '\0')
        return NULL;
    char *end = word;
    while (*end != '\0' && !is_blank(*end))
        end++;
    *rest = end;
    if (*end != '\0') {
        *end = '\0';
        *rest = end + 1;
    }
    return word;
}

/* A lone = begins the records. */
static char *cut_records(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        bool is_alone = (at == text || is_blank(at[-1])) && (is_blank(at[1]) || at[1] == '\0');
        if (*at == '=' && is_alone) {
            *at = '\0';
            return at + 1;
        }
    }
    return NULL;
}

void case_cut(char *line, struct case_fields *fields)
{
    char *rest = line;

    memset(fields, 0, sizeof *fields);
    fields->from = cut_word(&rest);
    fields->name = cut_word(&rest);
    fields->type = cut_word(&rest);
    fields->is_include = strcmp(fields->from, "include") == 0 && fields->type == NULL;
    if (fields->type == NULL)
        return;
    fields->records = cut_records(rest);
    fields->words = rest;
}

char *case_next_item(char **list)
{
    char *item = *list;

    if (item == NULL)
        return NULL;
    char *comma = strchr(item, ',');
    *list = NULL;
    if (comma != NULL) {
        *comma = '\0';
        *list = comma + 1;
    }
    return item;
}

bool case_choice_init(struct case_choice *choice, const char *name)
{
    const char *open = strchr(name, '{');

    memset(choice, 0, sizeof *choice);
    choice->head = name;
    if (open == NULL)
        return strchr(name, '}') == NULL;
    const char *close = strchr(open, '}');
    if (close == NULL || strchr(close + 1, '{') != NULL || strchr(close + 1, '}') != NULL ||
        memchr(open + 1, '{', (size_t)(close - open - 1)) != NULL || memchr(name, '}', (size_t)(open - name)) != NULL)
        return false;
    choice->has_brace = true;
    choice->head_size = (size_t)(open - name);
    choice->items = open + 1;
    choice->items_size = (size_t)(close - open - 1);
    choice->tail = close + 1;
    return true;
}

const char *case_choice_get(const struct case_choice *choice, size_t index, size_t *length)
{
    *length = 0;
    if (!choice->has_brace)
        return index == 0 ? "" : NULL;
    const char *item = choice->items;
    const char *end = item + choice->items_size;
    for (;;) {
        const char *comma = memchr(item, ',', (size_t)(end - item));
        *length = (size_t)((comma != NULL ? comma : end) - item);
        if (index == 0)
            return item;
        if (comma == NULL)
            return NULL;
        item = comma + 1;
        index--;
    }
}

char *case_replace(const char *text, const char *chosen, size_t length)
{
    size_t size = 1;

    for (const char *at = text; *at != '\0'; size++)
        if (at[0] == '{' && at[1] == '}') {
            size += length;
            at += 2;
        } else {
            at++;
        }
    char *copy = memory_alloc(size);
    char *out = copy;
    if (copy == NULL)
        return NULL;
    for (const char *at = text; *at != '\0';)
        if (at[0] == '{' && at[1] == '}') {
            memcpy(out, chosen, length);
            out += length;
            at += 2;
        } else {
            *out++ = *at++;
        }
    *out = '\0';
    return copy;
}

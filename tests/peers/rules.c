/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/rules.h"

#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned bit;
    const char *name;
} difference_names[] = {
    {DIFFERS_REPLY, "reply"},
    {DIFFERS_QUESTION, "question"},
    {DIFFERS_RCODE, "rcode"},
    {DIFFERS_AA, "aa"},
    {DIFFERS_TC, "tc"},
    {DIFFERS_RD, "rd"},
    {DIFFERS_AD, "ad"},
    {DIFFERS_CD, "cd"},
    {DIFFERS_EDNS, "edns"},
    {DIFFERS_ANSWER, "answer"},
    {DIFFERS_AUTHORITY, "authority"},
    {DIFFERS_ADDITIONAL, "additional"},
};
#define DIFFERENCE_NAMES (sizeof difference_names / sizeof difference_names[0])

static bool sections_equal(const struct reply_section *a, const struct reply_section *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->records[i].text, b->records[i].text) != 0)
            return false;
    return true;
}

void comparison_make(struct comparison *comparison)
{
    static const struct {
        uint16_t flag;
        unsigned bit;
    } flags[] = {
        {0x0400, DIFFERS_AA}, {0x0200, DIFFERS_TC}, {0x0100, DIFFERS_RD}, {0x0020, DIFFERS_AD}, {0x0010, DIFFERS_CD}};
    const struct reply *ours = comparison->ours;
    const struct reply *theirs = comparison->theirs;
    unsigned differences = 0;
    if (ours->state != REPLY_READ || theirs->state != REPLY_READ) {
        comparison->differences = DIFFERS_REPLY;
        return;
    }
    if (ours->question_same != theirs->question_same)
        differences |= DIFFERS_QUESTION;
    if (ours->rcode != theirs->rcode)
        differences |= DIFFERS_RCODE;
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (((ours->flags ^ theirs->flags) & flags[i].flag) != 0)
            differences |= flags[i].bit;
    if (ours->has_edns != theirs->has_edns || ours->dnssec_ok != theirs->dnssec_ok ||
        ours->edns_version != theirs->edns_version)
        differences |= DIFFERS_EDNS;
    for (unsigned i = 0; i < REPLY_SECTIONS; i++)
        if (!sections_equal(&ours->sections[i], &theirs->sections[i]))
            differences |= (unsigned)DIFFERS_ANSWER << i;
    comparison->differences = differences;
}

void comparison_text(unsigned differences, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < DIFFERENCE_NAMES && length < size; i++)
        if ((differences & difference_names[i].bit) != 0)
            length +=
                (size_t)snprintf(text + length, size - length, "%s%s", length > 0 ? " " : "", difference_names[i].name);
}

static unsigned read_differences(char *words)
{
    unsigned differences = 0;
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        unsigned bit = 0;
        for (size_t i = 0; i < DIFFERENCE_NAMES; i++)
            if (strcmp(word, difference_names[i].name) == 0)
                bit = difference_names[i].bit;
        if (bit == 0)
            return 0;
        differences |= bit;
    }
    return differences;
}

static bool read_peers(struct rule *rule, char *words)
{
    size_t count = 0;
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        if (count + 1 == RULE_WORDS_MAX)
            return false;
        rule->peers[count++] = word;
    }
    return count > 0;
}

static bool read_field(struct rule *rule, const char *key, char *value)
{
    if (strcmp(key, "why") == 0) {
        if (rule->why == NULL)
            rule->why = value;
        return true;
    }
    if (strcmp(key, "peer") == 0)
        return read_peers(rule, value);
    if (strcmp(key, "differs") == 0)
        return (rule->differences = read_differences(value)) != 0;
    if (strcmp(key, "if") != 0 || rule->condition_count == RULE_CONDITIONS_MAX)
        return false;
    return condition_read(&rule->conditions[rule->condition_count++], value);
}

/* A rule without a reason, without a difference or without a condition explains too much. */
static bool is_whole(const struct rule_list *list)
{
    if (list->count == 0)
        return true;
    const struct rule *rule = &list->rules[list->count - 1];
    return rule->why != NULL && rule->differences != 0 && rule->condition_count > 0;
}

static bool read_rule_line(struct rule_list *list, char *line)
{
    line += strspn(line, " ");
    if (line[0] == '\0' || line[0] == '#')
        return true;
    char *value = strchr(line, ' ');
    if (value == NULL)
        return false;
    *value++ = '\0';
    if (strcmp(line, "rule") != 0)
        return list->count > 0 && read_field(&list->rules[list->count - 1], line, value);
    if (!is_whole(list) || list->count == RULES_MAX)
        return false;
    list->rules[list->count++].name = value;
    return true;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size = file == NULL ? -1 : getdelim(&text, &capacity, '\0', file);
    if (file != NULL)
        fclose(file);
    if (size > 0)
        return text;
    free(text);
    return NULL;
}

bool rule_list_read(struct rule_list *list, const char *path)
{
    *list = (struct rule_list){.text = read_text(path)};
    if (list->text == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    unsigned number = 0;
    for (char *line = list->text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        number++;
        if (!read_rule_line(list, line)) {
            fprintf(stderr, "%s:%u: this rule cannot be understood, or the one before it lacks why, differs or if\n",
                    path, number);
            return false;
        }
    }
    if (!is_whole(list))
        fprintf(stderr, "%s: the last rule lacks why, differs or if\n", path);
    return is_whole(list);
}

void rule_list_clear(struct rule_list *list)
{
    free(list->text);
    *list = (struct rule_list){0};
}

static bool is_for_peer(const struct rule *rule, const char *peer)
{
    for (size_t i = 0; rule->peers[i] != NULL; i++)
        if (strcmp(rule->peers[i], peer) == 0)
            return true;
    return rule->peers[0] == NULL;
}

static bool applies(const struct rule *rule, const struct comparison *comparison)
{
    if ((rule->differences & comparison->differences) == 0 || !is_for_peer(rule, comparison->peer))
        return false;
    for (size_t i = 0; i < rule->condition_count; i++)
        if (!condition_holds(&rule->conditions[i], comparison))
            return false;
    return true;
}

unsigned rule_list_explain(struct rule_list *list, const struct comparison *comparison)
{
    unsigned left = comparison->differences;
    for (size_t i = 0; i < list->count; i++) {
        struct rule *rule = &list->rules[i];
        if ((rule->differences & left) == 0 || !applies(rule, comparison))
            continue;
        left &= ~rule->differences;
        rule->used++;
    }
    return left;
}

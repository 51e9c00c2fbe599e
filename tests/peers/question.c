/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/peers/question.h"

#include "zones/memory.h"
#include "zones/rrset.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *text, unsigned long most, unsigned long *value)
{
    char *end;
    *value = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *value <= most;
}

static bool read_flag(struct question_line *line, const char *word)
{
    static const struct {
        const char *word;
        uint16_t bit;
    } bits[] = {{"rd", 0x0100}, {"ad", 0x0020}, {"cd", 0x0010}};
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        if (strcmp(word, bits[i].word) == 0) {
            line->flags |= bits[i].bit;
            return true;
        }
    unsigned long number;
    if (strcmp(word, "tcp") == 0) {
        line->tcp = true;
    } else if (strcmp(word, "do") == 0) {
        line->edns = line->dnssec_ok = true;
    } else if (strncmp(word, "edns=", 5) == 0 && read_number(word + 5, UINT16_MAX, &number)) {
        line->edns = true;
        line->payload = (uint16_t)number;
    } else if (strncmp(word, "version=", 8) == 0 && read_number(word + 8, UINT8_MAX, &number)) {
        line->edns = true;
        line->version = (uint8_t)number;
    } else if (strncmp(word, "class=", 6) == 0) {
        line->class = (uint16_t)ldns_get_rr_class_by_name(word + 6);
        return line->class != 0;
    } else {
        return false;
    }
    return true;
}

static bool read_line(struct question_line *line, char *text)
{
    *line = (struct question_line){.class = 1, .payload = 1232};
    line->text = memory_copy_text(text, strlen(text));
    char *rest;
    char *name = strtok_r(text, " ", &rest);
    char *type = strtok_r(NULL, " ", &rest);
    if (line->text == NULL || name == NULL || type == NULL ||
        name_from_text(name, strlen(name), NULL, line->name, &line->name_size) != STATUS_OK)
        return false;
    line->type = (uint16_t)ldns_get_rr_type_by_name(type);
    if (line->type == 0 && strcmp(type, "TYPE0") != 0)
        return false;
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;)
        if (!read_flag(line, word))
            return false;
    return true;
}

static bool append(struct question_list *list, char *text)
{
    struct question_line *lines = memory_grow(list->lines, list->count, &list->capacity, sizeof *lines);
    if (lines == NULL)
        return false;
    list->lines = lines;
    return read_line(&lines[list->count++], text);
}

bool question_list_read(struct question_list *list, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    char *text = NULL;
    size_t capacity = 0;
    bool fine = true;
    unsigned number = 0;
    for (ssize_t size; fine && (size = getline(&text, &capacity, file)) > 0;) {
        number++;
        if (text[size - 1] == '\n')
            text[size - 1] = '\0';
        if (text[0] != '#' && text[0] != '\0')
            fine = append(list, text);
    }
    if (!fine)
        fprintf(stderr, "%s:%u: not a question\n", path, number);
    free(text);
    fclose(file);
    return fine;
}

void question_list_clear(struct question_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        memory_free(list->lines[i].text);
    memory_free(list->lines);
    *list = (struct question_list){0};
}

size_t question_write(const struct question_line *line, uint16_t id, uint8_t wire[QUESTION_WIRE_MAX])
{
    memset(wire, 0, QUESTION_WIRE_MAX);
    write_u16(wire, id);
    write_u16(wire + 2, line->flags);
    write_u16(wire + 4, 1);
    write_u16(wire + 10, line->edns ? 1 : 0);
    uint8_t *at = wire + 12;
    memcpy(at, line->name, line->name_size);
    at += line->name_size;
    write_u16(at, line->type);
    write_u16(at + 2, line->class);
    at += 4;
    if (line->edns) {
        write_u16(at + 1, LDNS_RR_TYPE_OPT);
        write_u16(at + 3, line->payload);
        at[6] = line->version;
        at[7] = line->dnssec_ok ? 0x80 : 0;
        at += 11;
    }
    return (size_t)(at - wire);
}

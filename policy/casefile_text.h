/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * casefile_text: a line of a view test cut into its fields, and the choices of {a,b,c} in its name. Inside casefile
 * only. Pure functions; any thread.
 */
#ifndef SPLITVIEW_POLICY_CASEFILE_TEXT_H
#define SPLITVIEW_POLICY_CASEFILE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The fields of a line, each NULL if missing. They stand in the line, which gets zero bytes between them. */
struct case_fields {
    char *from;
    char *name;
    char *type;
    char *words;     /* up to the lone `=`, maybe empty */
    char *records;   /* behind it */
    bool is_include; /* `name` is the file */
};

/* Take the comment and the blanks at both ends away; returns where the text begins. */
char *case_strip(char *line);

/* Cut a stripped line that is not empty. */
void case_cut(char *line, struct case_fields *fields);

/* The item at *list, which moves behind its comma or becomes NULL: cut off with a zero byte. NULL at the end. */
char *case_next_item(char **list);

/* The choices of a name. */
struct case_choice {
    const char *head; /* before the brace */
    size_t head_size;
    const char *items; /* between the braces */
    size_t items_size;
    const char *tail;
    bool has_brace;
};

/* False: more than one brace, one that is not closed, or one inside another. */
bool case_choice_init(struct case_choice *choice, const char *name);

/* Choice number `index`, from 0: its text and length; NULL: there are fewer. A name without braces has one, "". */
const char *case_choice_get(const struct case_choice *choice, size_t index, size_t *length);

/* A copy of `text` with each {} replaced; the caller's to memory_free. NULL: no memory. */
char *case_replace(const char *text, const char *chosen, size_t length);

#endif

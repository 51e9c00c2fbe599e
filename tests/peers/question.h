/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * question: the questions of a differential test, one a line:
 *
 *     NAME TYPE [do] [rd] [cd] [ad] [tcp] [edns=PAYLOAD] [version=N] [class=CLASS]
 *
 * NAME is absolute master-file text whose case is kept. do and version ask for EDNS, with a payload of 1232 bytes
 * unless given. "#" starts a comment line.
 */
#ifndef SPLITVIEW_TESTS_PEERS_QUESTION_H
#define SPLITVIEW_TESTS_PEERS_QUESTION_H

#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUESTION_WIRE_MAX (12 + NAME_SIZE_MAX + 4 + 11)

struct question_line {
    char *text; /* the line itself, for messages */
    uint8_t name[NAME_SIZE_MAX];
    size_t name_size;
    uint16_t type;
    uint16_t class;
    uint16_t flags; /* of the header */
    bool tcp;
    bool edns;
    bool dnssec_ok;
    uint8_t version;
    uint16_t payload;
};

struct question_list {
    struct question_line *lines;
    size_t count;
    size_t capacity;
};

/* Append a file's questions; false after a message on stderr. The list is cleared by question_list_clear in any case.
 */
bool question_list_read(struct question_list *list, const char *path);
void question_list_clear(struct question_list *list);

/* Write the query with this ID; returns its size. */
size_t question_write(const struct question_line *line, uint16_t id, uint8_t wire[QUESTION_WIRE_MAX]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_reply: the messages of the scripted upstream resolver: questions read, replies built as the labels of the
 * name ask for (tests/upstream_data.h), and spoilt ones.
 */
#ifndef SPLITVIEW_TESTS_UPSTREAM_REPLY_H
#define SPLITVIEW_TESTS_UPSTREAM_REPLY_H

#include "tests/upstream_data.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPSTREAM_MESSAGE_MAX 65535
#define UPSTREAM_CLASS_CH    3
#define UPSTREAM_TYPE_TXT    16

struct upstream_question {
    uint16_t id, type, class;
    uint16_t flags;                      /* the second 16 bits of the header */
    char name[UPSTREAM_NAME_MAX];        /* lower case */
    uint8_t wire[UPSTREAM_NAME_MAX + 4]; /* as it came: name, type, class */
    size_t wire_size;
    bool has_capitals;
    bool has_edns, dnssec_ok;
    uint16_t payload;
    struct upstream_conduct conduct;
};

struct upstream_message {
    uint8_t bytes[UPSTREAM_MESSAGE_MAX];
    size_t size;
};

/* False: no question that could be answered. */
bool upstream_question_read(const uint8_t *wire, size_t size, struct upstream_question *question);

/* The right reply. `limit`: bytes it may have, else it says TC and is empty. */
void upstream_reply_make(const char *identity, const struct upstream_question *question, size_t limit,
                         struct upstream_message *reply);

/* One that must not be believed, as conduct.wrong says; it holds UPSTREAM_POISON. */
void upstream_reply_spoil(const struct upstream_question *question, struct upstream_message *reply);

/* One TXT record, for control questions. */
void upstream_reply_text(const struct upstream_question *question, const char *text, struct upstream_message *reply);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_book: what the scripted upstream resolver remembers of the questions that reached it.
 */
#ifndef SPLITVIEW_TESTS_UPSTREAM_BOOK_H
#define SPLITVIEW_TESTS_UPSTREAM_BOOK_H

#include "tests/upstream_reply.h"

#include <stddef.h>
#include <stdint.h>

struct upstream_book;

struct upstream_book *upstream_book_new(void);

/* A question came; returns which one of its name this is, from 1. */
unsigned long upstream_book_note(struct upstream_book *book, const struct upstream_question *question, uint16_t port,
                                 unsigned connection);

/* A connection was made; returns its number, from 1. */
unsigned upstream_book_connection(struct upstream_book *book);

/*
 * The answer to a control question, false: there is none such.
 *
 * - count.upstream: questions so far; NAME.count.upstream: for one name
 * - last.upstream, NAME.last.upstream: "NAME TYPE n udp|tcp rd 0|1 cd 0|1 ad 0|1 do 0|1 edns N port N id N"; edns 0:
 * none
 * - ports.upstream, ids.upstream: how many different source ports and IDs were seen over UDP
 * - capitals.upstream: questions with a capital letter; tcp.upstream: those over TCP; connections.upstream
 */
bool upstream_book_tell(const struct upstream_book *book, const char *control, char *text, size_t size);

#endif

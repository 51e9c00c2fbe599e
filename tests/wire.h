/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire: for test programs that speak DNS from outside: plain queries and the few things a test looks at in a reply.
 * Written apart from the server's own code on purpose.
 */
#ifndef SPLITVIEW_TESTS_WIRE_H
#define SPLITVIEW_TESTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define WIRE_QUERY_MAX 300
#define WIRE_TEXT_MAX  64

/* Print "PROGRAM: text" and end with status 2. */
void wire_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* "ADDRESS@PORT" or "ADDRESS" (port 0). Returns the size of the socket address; ends the program if it is none. */
socklen_t wire_address(const char *text, struct sockaddr_storage *storage);

/* A number; ends the program if it is none. */
unsigned long wire_number(const char *text);

/* The number of A, AAAA, TXT… or TYPEn. */
uint16_t wire_type(const char *text);

/* A query with RD clear and no EDNS; returns its size. */
size_t wire_query(uint16_t id, const char *name, uint16_t type, uint8_t query[WIRE_QUERY_MAX]);

/* The reply has the query's ID, QR, one question and the query's question, byte for byte. */
bool wire_is_reply(const uint8_t *query, size_t query_size, const uint8_t *reply, size_t reply_size);

/*
 * Walk over the addresses in the answer section of a reply: *at is 0 before the first call. False: there are no more,
 * or the reply is broken (then *at is SIZE_MAX).
 */
bool wire_next_address(const uint8_t *reply, size_t size, size_t *at, char text[WIRE_TEXT_MAX]);

/* The rcode in words, from the header. */
const char *wire_rcode(const uint8_t *reply);

/* Milliseconds of the monotonic clock. */
uint64_t wire_now_ms(void);

#endif

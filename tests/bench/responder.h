/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * responder: the smallest UDP server: datagrams in batches, each turned into its reply in place.
 */
#ifndef SPLITVIEW_TESTS_BENCH_RESPONDER_H
#define SPLITVIEW_TESTS_BENCH_RESPONDER_H

#include <stddef.h>
#include <stdint.h>

#define RESPONDER_QUERY_MAX 4000 /* bytes; longer ones are cut */
#define RESPONDER_REPLY_MAX 4096

/* Make a reply of the query in `message`, which has room for RESPONDER_REPLY_MAX bytes; returns its size, 0: none. */
typedef size_t (*responder_make)(uint8_t *message, size_t size);

/* Serve ADDR@PORT with `processes` (from 1) that each have a socket of their own. Runs until the first is killed; ends
 * the program with a message if it cannot. */
_Noreturn void responder_run(const char *where, unsigned long processes, responder_make make);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * querylog: one line per query, off unless asked for:
 *
 *     2026-03-01T10:20:30.123456Z 10.10.3.4#53211 udp internal lyncdiscover.harbor.example. A NOERROR 12
 *
 * time (UTC), client address and port, transport, view ("-": none), question name and type ("-": the message had no
 * question), rcode ("-": no reply was sent), microseconds taken. Names are escaped as in master files, so a line never
 * breaks. A worker's log; lines are gathered and written with one write() per batch. No allocation; the clock is read
 * only while the log is on.
 */
#ifndef SPLITVIEW_RESOLVER_QUERYLOG_H
#define SPLITVIEW_RESOLVER_QUERYLOG_H

#include "policy/view.h"
#include "resolver/counters.h"
#include "resolver/query.h"

#include <stddef.h>
#include <stdint.h>

#define QUERYLOG_BUFFER_SIZE 65536

struct querylog {
    int fd; /* borrowed, does not wait when written to; STDERR_FILENO goes through say.h; -1: off */
    struct counters *counters;
    int64_t second;  /* since 1970, of `moment`: it is worked out once a second; -1: not yet */
    char moment[24]; /* "2026-03-01T10:20:30" */
    size_t used;
    char buffer[QUERYLOG_BUFFER_SIZE];
};

void querylog_init(struct querylog *log, struct counters *counters);

/* Write what is gathered, then use `fd` (-1: off) from now on. */
void querylog_use(struct querylog *log, int fd);

/* The moment a query begins, in nanoseconds of the monotonic clock; 0 while the log is off. */
uint64_t querylog_begin(const struct querylog *log);

/* Gather the line of a query answered (`query` as query_answer left it; `replied` whether a reply goes out). Writes
 * first if the buffer is full. Does nothing while the log is off. */
void querylog_add(struct querylog *log, uint64_t begin, const struct client *client, const struct query *query,
                  const struct generation *generation, bool replied);

/* Write what is gathered. Lines that cannot be written at once are lost, and that is counted. */
void querylog_flush(struct querylog *log);

#endif

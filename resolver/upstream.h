/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream: what is known of one upstream server: how fast it answers, how much is lost on the way, whether it is held
 * down, and its habits with EDNS and the case of letters. Pure: no clock, no memory, no sockets. One thread: a worker
 * knows its own servers.
 *
 * Times are milliseconds of the monotonic clock that the callers use.
 */
#ifndef SPLITVIEW_RESOLVER_UPSTREAM_H
#define SPLITVIEW_RESOLVER_UPSTREAM_H

#include "policy/forward.h"

#include <stdbool.h>
#include <stdint.h>

#define UPSTREAM_RTO_FIRST  250               /* ms, of a server that never answered */
#define UPSTREAM_RTO_MIN    100               /* ms; a resolver may have to ask others before it answers */
#define UPSTREAM_SILENT_MAX 3                 /* timeouts in a row: held */
#define UPSTREAM_FAILED_MAX 3                 /* questions in a row that another server could answer: held */
#define UPSTREAM_HOLD_MIN   1000              /* ms; doubles each time a probe brings nothing … */
#define UPSTREAM_HOLD_MAX   60000             /* … up to this */
#define UPSTREAM_HABIT_MS   (10 * 60 * 1000U) /* ms a habit is remembered */
#define UPSTREAM_LOSS_FULL  1024              /* the loss of a server that never answers */

/* Read it; it is changed by the functions below. */
struct upstream {
    struct upstream_server server;
    uint32_t srtt;        /* smoothed round trip, 1/8 ms; 0: never measured (RFC 6298 2) */
    uint32_t rttvar;      /* its variation, 1/8 ms */
    uint32_t loss;        /* smoothed share of tries without an answer in time, of UPSTREAM_LOSS_FULL */
    uint32_t silent;      /* timeouts in a row */
    uint32_t failed;      /* questions in a row that it failed and another server answered */
    uint32_t hold_ms;     /* length of the hold; 0: not held */
    uint64_t hold_until;  /* when it may be probed */
    bool is_probed;       /* a probe is under way: the owner of the probe sets and clears it */
    uint64_t asked_ms;    /* the last try */
    uint64_t plain_until; /* asked without EDNS until then */
    uint64_t case_until;  /* asked without mixed case until then */
    uint64_t asked;       /* tries */
    uint64_t timeouts;    /* tries not answered in time */
};

void upstream_init(struct upstream *upstream, const struct upstream_server *server);

/* A try left. */
void upstream_asked(struct upstream *upstream, uint64_t now_ms);

/* It replied after `rtt_ms`. `is_good`: with an answer, not a failure. It ends a hold, but a hold for failures only if
 * is_good; else such a hold begins anew. */
void upstream_answered(struct upstream *upstream, uint64_t rtt_ms, bool is_good, uint64_t now_ms);

/* These tell of trouble and return true if the server is held because of it and was not before: */
bool upstream_silent(struct upstream *upstream, uint64_t now_ms); /* a try was not answered in time */
bool upstream_broke(struct upstream *upstream, uint64_t now_ms);  /* refused, unreachable: held at once */
bool upstream_failed(struct upstream *upstream, uint64_t now_ms); /* it failed what another server then answered */

bool upstream_is_held(const struct upstream *upstream);
bool upstream_wants_probe(const struct upstream *upstream, uint64_t now_ms); /* held long enough, and nobody probes */

/* The lower the sooner it is asked; 0: it was never asked. The time of one that is not asked halves each minute, so
 * that it gets another chance. */
uint64_t upstream_score(const struct upstream *upstream, uint64_t now_ms);

/*
 * How long to wait for the answer to a try, after `earlier` tries of the same question, ms: RFC 6298 2.3 at first, then
 * doubled each time (5.5), but not over the share of the deadline that leaves room for as many tries as the loss on the
 * way calls for. At most timeout_ms.
 *
 * If 30 % of the packets are lost in each direction, half of the tries (0.51) bring nothing. 24 tries in the deadline
 * leave 0.51^24 = 1e-7 of the questions unanswered, and 1e-4 is kept with 14 of them, if ten go to a server that
 * is dead and not yet known for it. Where nothing is lost, what takes longer is slow: doubling makes 8 tries in 5 s.
 */
uint32_t upstream_wait(const struct upstream *upstream, unsigned earlier, uint32_t timeout_ms, uint32_t deadline_ms);

bool upstream_speaks_edns(const struct upstream *upstream, uint64_t now_ms);
bool upstream_keeps_case(const struct upstream *upstream, uint64_t now_ms);
void upstream_refused_edns(struct upstream *upstream, uint64_t now_ms); /* it answered only without */
void upstream_broke_case(struct upstream *upstream, uint64_t now_ms);   /* even over TCP */

#endif

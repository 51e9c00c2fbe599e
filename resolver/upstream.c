/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/upstream.h"

#define UNIT         8     /* srtt and rttvar count eighths of a millisecond */
#define LOSS_GAIN    16    /* a try moves the loss by 1/16 of the way */
#define RTT_MAX      60000 /* ms; longer measurements count as this */
#define SCORE_FIRST  400   /* ms: the score of a server that was asked and never answered */
#define DECAY_MS     60000 /* the score halves after so long without a try */
#define DOUBLING_MAX 6

void upstream_init(struct upstream *upstream, const struct upstream_server *server)
{
    /* Nothing is known: half the tries may be lost. */
    *upstream = (struct upstream){.server = *server, .loss = UPSTREAM_LOSS_FULL / 2};
}

void upstream_asked(struct upstream *upstream, uint64_t now_ms)
{
    upstream->asked++;
    upstream->asked_ms = now_ms;
}

/* RFC 6298 2.2, 2.3. */
static void measure(struct upstream *upstream, uint64_t rtt_ms)
{
    /* The clock cuts off fractions of a millisecond: the middle is the best guess. */
    uint32_t rtt = (uint32_t)(rtt_ms > RTT_MAX ? RTT_MAX : rtt_ms) * UNIT + UNIT / 2;

    if (upstream->srtt == 0) {
        upstream->srtt = rtt;
        upstream->rttvar = rtt / 2;
        return;
    }
    uint32_t distance = rtt > upstream->srtt ? rtt - upstream->srtt : upstream->srtt - rtt;
    upstream->rttvar = (3 * upstream->rttvar + distance) / 4;
    upstream->srtt = (7 * upstream->srtt + rtt) / 8;
}

static bool hold(struct upstream *upstream, uint64_t now_ms)
{
    bool was_held = upstream->hold_ms != 0;

    /* Many questions notice one outage: it is held once, and longer only when a try after the hold failed too. */
    if (was_held && now_ms < upstream->hold_until)
        return false;
    upstream->hold_ms = was_held ? upstream->hold_ms * 2 : UPSTREAM_HOLD_MIN;
    if (upstream->hold_ms > UPSTREAM_HOLD_MAX)
        upstream->hold_ms = UPSTREAM_HOLD_MAX;
    upstream->hold_until = now_ms + upstream->hold_ms;
    return !was_held;
}

void upstream_answered(struct upstream *upstream, uint64_t rtt_ms, bool is_good, uint64_t now_ms)
{
    measure(upstream, rtt_ms);
    upstream->loss -= upstream->loss / LOSS_GAIN;
    upstream->silent = 0;
    if (is_good)
        upstream->failed = 0;
    if (upstream->failed < UPSTREAM_FAILED_MAX)
        upstream->hold_ms = 0;
    else
        hold(upstream, now_ms);
}

bool upstream_silent(struct upstream *upstream, uint64_t now_ms)
{
    upstream->timeouts++;
    upstream->loss += (UPSTREAM_LOSS_FULL - upstream->loss) / LOSS_GAIN;
    if (upstream->silent < UINT32_MAX)
        upstream->silent++;
    return upstream->silent >= UPSTREAM_SILENT_MAX && hold(upstream, now_ms);
}

bool upstream_broke(struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->silent < UPSTREAM_SILENT_MAX)
        upstream->silent = UPSTREAM_SILENT_MAX;
    return hold(upstream, now_ms);
}

bool upstream_failed(struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->failed < UPSTREAM_FAILED_MAX)
        upstream->failed++;
    return upstream->failed >= UPSTREAM_FAILED_MAX && hold(upstream, now_ms);
}

bool upstream_is_held(const struct upstream *upstream)
{
    return upstream->hold_ms != 0;
}

bool upstream_wants_probe(const struct upstream *upstream, uint64_t now_ms)
{
    return upstream->hold_ms != 0 && now_ms >= upstream->hold_until && !upstream->is_probed;
}

uint64_t upstream_score(const struct upstream *upstream, uint64_t now_ms)
{
    if (upstream->asked == 0)
        return 0;
    uint64_t idle = (now_ms - upstream->asked_ms) / DECAY_MS;
    uint64_t score = upstream->srtt != 0 ? upstream->srtt : SCORE_FIRST * UNIT;

    return (score >> (idle > 16 ? 16 : idle)) * (1 + (uint64_t)upstream->silent) + 1;
}

/* Tries within the deadline after which one question in a million is left without an answer. */
static uint32_t tries_wanted(uint32_t loss)
{
    if (loss < UPSTREAM_LOSS_FULL / 16)
        return 5;
    return loss < UPSTREAM_LOSS_FULL / 4 ? 10 : 24;
}

uint32_t upstream_wait(const struct upstream *upstream, unsigned earlier, uint32_t timeout_ms, uint32_t deadline_ms)
{
    uint32_t rto = UPSTREAM_RTO_FIRST;

    if (upstream->srtt != 0)
        rto = (upstream->srtt + 4 * upstream->rttvar) / UNIT;
    if (rto < UPSTREAM_RTO_MIN)
        rto = UPSTREAM_RTO_MIN;
    uint64_t wait = (uint64_t)rto << (earlier > DOUBLING_MAX ? DOUBLING_MAX : earlier);
    uint32_t share = deadline_ms / tries_wanted(upstream->loss);
    if (wait > share)
        wait = share > rto ? share : rto;
    return wait > timeout_ms ? timeout_ms : (uint32_t)wait;
}

bool upstream_speaks_edns(const struct upstream *upstream, uint64_t now_ms)
{
    return now_ms >= upstream->plain_until;
}

bool upstream_keeps_case(const struct upstream *upstream, uint64_t now_ms)
{
    return now_ms >= upstream->case_until;
}

void upstream_refused_edns(struct upstream *upstream, uint64_t now_ms)
{
    upstream->plain_until = now_ms + UPSTREAM_HABIT_MS;
}

void upstream_broke_case(struct upstream *upstream, uint64_t now_ms)
{
    upstream->case_until = now_ms + UPSTREAM_HABIT_MS;
}

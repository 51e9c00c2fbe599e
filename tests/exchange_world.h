/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exchange_world: scripted upstream servers, a network that loses and delays, and a clock, for tests of the exchange.
 * Packets are events in a heap of times; chance comes from a seed. Failures end the test.
 */
#ifndef SPLITVIEW_TESTS_EXCHANGE_WORLD_H
#define SPLITVIEW_TESTS_EXCHANGE_WORLD_H

#include "resolver/counters.h"
#include "resolver/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_SERVERS_MAX 40
#define WORLD_QUEUE_MAX   200000
#define WORLD_START_MS    1000000

/* What a server does with a question. */
struct world_script {
    bool is_dead;         /* says nothing */
    char silent_about;    /* says nothing to names that begin with this letter, in lower case */
    bool refuses_send;    /* no route */
    bool is_refusing;     /* the socket breaks: nobody listens */
    bool tcp_is_refusing; /* over TCP only */
    unsigned loss;        /* percent of packets, in each direction, over UDP */
    unsigned delay_ms;
    unsigned jitter_ms;
    unsigned copies;        /* of each reply, further ones */
    bool truncates;         /* over UDP */
    bool lowers_case;       /* over UDP */
    bool lowers_case_tcp;   /* over TCP */
    bool dislikes_edns;     /* FORMERR */
    bool is_garbage;        /* cannot be parsed */
    bool is_other_question; /* the right ID, another name */
    bool is_other_id;
    unsigned forgeries; /* other questions with the right ID, before the reply */
    enum rcode rcode;
    int extended_error; /* 0: none */
};

/* One try, as the transport sees it. */
struct world_pipe {
    uint16_t id;
    bool is_open;
    bool over_tcp;
    uint8_t server;
};

struct world_packet {
    uint64_t at_ms;
    struct world_pipe *pipe;
    size_t size;
    bool breaks; /* the socket, in place of a reply */
    uint8_t wire[400];
};

struct world {
    struct exchange *exchange;
    struct counters counters;
    struct world_script scripts[WORLD_SERVERS_MAX];
    struct upstream_server servers[WORLD_SERVERS_MAX];
    struct upstream_group group;
    uint64_t now_ms;
    uint64_t seed;
    struct world_packet **queue; /* a heap */
    size_t queue_count;
    struct world_pipe *pipes[WORLD_QUEUE_MAX];
    size_t pipe_count;
    unsigned sent[WORLD_SERVERS_MAX];
    unsigned sent_tcp[WORLD_SERVERS_MAX];
    bool last_had_edns;
    bool last_was_mixed;
    unsigned open;
    bool has_no_room; /* for any try */
    /* ends */
    unsigned answered;
    unsigned failed;
    int last_error;
    uint64_t last_done_ms;
    uint64_t asked_ms;
    uint64_t longest_ms;
};

/* A group of `servers` (127.0.0.0, .1, …) that answer after 5 ms, timeout 1 s, deadline 5 s, mixed case; seed 1. */
void world_init(struct world *world, unsigned servers, uint32_t questions_max);
void world_clear(struct world *world);

/* Those of its exchange. */
struct exchange_options world_options(struct world *world, uint32_t questions_max);

/* Ask for the A of a name. */
bool world_ask(struct world *world, const char *text);

/* Let time go by up to `end_ms`, or until nothing is left to happen (UINT64_MAX). */
void world_run_until(struct world *world, uint64_t end_ms);
/* Until all questions and tries have ended. */
void world_run(struct world *world);

uint64_t world_counter(const struct world *world, enum counter which);

#endif

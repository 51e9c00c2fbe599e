/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/message.h"
#include "tests/exchange_world.h"
#include "zones/name.h"

#include <stdlib.h>
#include <string.h>

static uint64_t chance(struct world *world)
{
    uint64_t z = world->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- the network ---- */

static void queue_push(struct world *world, struct world_packet *packet)
{
    size_t at = world->queue_count++;
    assert_true(world->queue_count < WORLD_QUEUE_MAX);
    for (; at > 0 && world->queue[(at - 1) / 2]->at_ms > packet->at_ms; at = (at - 1) / 2)
        world->queue[at] = world->queue[(at - 1) / 2];
    world->queue[at] = packet;
}

static struct world_packet *queue_pop(struct world *world)
{
    struct world_packet *first = world->queue[0];
    struct world_packet *last = world->queue[--world->queue_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < world->queue_count && world->queue[child + 1]->at_ms < world->queue[child]->at_ms)
            child++;
        if (child >= world->queue_count || world->queue[child]->at_ms >= last->at_ms)
            break;
        world->queue[at] = world->queue[child];
        at = child;
    }
    world->queue[at] = last;
    return first;
}

static struct world_packet *new_packet(struct world *world, struct world_pipe *pipe, const struct world_script *script)
{
    struct world_packet *packet = calloc(1, sizeof *packet);
    assert_non_null(packet);
    packet->pipe = pipe;
    packet->at_ms = world->now_ms + script->delay_ms;
    if (script->jitter_ms > 0)
        packet->at_ms += chance(world) % script->jitter_ms;
    return packet;
}

static void lower(uint8_t *name)
{
    for (size_t i = 0, size = name_size(name); i < size; i++)
        if (name[i] >= 'A' && name[i] <= 'Z')
            name[i] |= 0x20;
}

/* A reply to `query` as the script says; the query has one question and perhaps an OPT. */
static size_t write_reply(const struct world_script *script, bool over_tcp, const uint8_t *query, uint8_t *reply)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
    size_t question_end = MESSAGE_HEADER_SIZE + name_size(query + MESSAGE_HEADER_SIZE) + 4;
    bool has_edns = read_u16(query + 10) == 1;
    enum rcode rcode = has_edns && script->dislikes_edns ? RCODE_FORMERR : script->rcode;
    size_t size = question_end;

    memcpy(reply, query, question_end);
    memset(reply + 4, 0, 8);
    reply[5] = 1;
    reply[2] |= 0x80;
    reply[3] = (uint8_t)(0x80 | rcode);
    if (script->truncates && !over_tcp) {
        reply[2] |= 2;
        return size;
    }
    if (over_tcp ? script->lowers_case_tcp : script->lowers_case)
        lower(reply + MESSAGE_HEADER_SIZE);
    if (script->is_garbage) {
        reply[7] = 7;
        memset(reply + size, 0xff, 20);
        return size + 20;
    }
    if (rcode == RCODE_NOERROR) {
        reply[7] = 1;
        memcpy(reply + size, record, sizeof record);
        size += sizeof record;
    }
    if (script->extended_error != 0) {
        const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, (uint8_t)script->extended_error};
        reply[11] = 1;
        memcpy(reply + size, opt, sizeof opt);
        size += sizeof opt;
    }
    return size;
}

static void push_reply(struct world *world, struct world_pipe *pipe, const struct world_script *script,
                       const uint8_t *query)
{
    struct world_packet *packet = new_packet(world, pipe, script);
    packet->size = write_reply(script, pipe->over_tcp, query, packet->wire);
    if (script->is_other_id)
        packet->wire[0] ^= 1;
    if (script->is_other_question)
        packet->wire[MESSAGE_HEADER_SIZE + 1] = '-';
    queue_push(world, packet);
}

static bool is_lost(struct world *world, const struct world_script *script, bool over_tcp)
{
    return !over_tcp && chance(world) % 100 < script->loss;
}

static void serve(struct world *world, struct world_pipe *pipe, const struct world_script *script, const uint8_t *query)
{
    bool is_ignored = script->silent_about != 0 && (query[MESSAGE_HEADER_SIZE + 1] | 0x20) == script->silent_about;
    if (script->is_dead || is_ignored || is_lost(world, script, pipe->over_tcp))
        return;
    if (script->is_refusing || (pipe->over_tcp && script->tcp_is_refusing)) {
        struct world_packet *packet = new_packet(world, pipe, script);
        packet->breaks = true;
        queue_push(world, packet);
        return;
    }
    struct world_script forged = *script;
    forged.is_other_question = true;
    forged.delay_ms = script->delay_ms / 2;
    for (unsigned i = 0; i < script->forgeries && !pipe->over_tcp; i++)
        push_reply(world, pipe, &forged, query);
    for (unsigned i = 0; i <= script->copies; i++)
        if (!is_lost(world, script, pipe->over_tcp))
            push_reply(world, pipe, script, query);
}

static enum exchange_sent send_any(struct world *world, const struct upstream_server *server, uint8_t *wire,
                                   bool over_tcp, void **handle)
{
    unsigned number = server->address.bytes[3];
    struct world_pipe *pipe = calloc(1, sizeof *pipe);

    assert_non_null(pipe);
    assert_true(world->pipe_count < WORLD_QUEUE_MAX);
    world->pipes[world->pipe_count++] = pipe;
    *pipe = (struct world_pipe){.id = (uint16_t)chance(world), .over_tcp = over_tcp, .server = (uint8_t)number};
    if (world->scripts[number].refuses_send)
        return EXCHANGE_UNREACHABLE;
    if (world->has_no_room)
        return EXCHANGE_NO_ROOM;
    world->sent[number]++;
    world->sent_tcp[number] += over_tcp;
    pipe->is_open = true;
    world->open++;
    write_u16(wire, pipe->id);
    *handle = pipe;
    world->last_had_edns = read_u16(wire + 10) == 1;
    world->last_was_mixed = false;
    for (const uint8_t *at = wire + MESSAGE_HEADER_SIZE; *at != 0; at++)
        world->last_was_mixed |= *at >= 'A' && *at <= 'Z';
    serve(world, pipe, &world->scripts[number], wire);
    return EXCHANGE_SENT;
}

static enum exchange_sent send_udp(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle)
{
    assert_in_range(size, MESSAGE_HEADER_SIZE + 5, REPLY_QUERY_MAX);
    return send_any(context, server, wire, false, handle);
}

static enum exchange_sent send_tcp(void *context, const struct upstream_server *server, uint8_t *wire, size_t size,
                                   void **handle)
{
    assert_in_range(size, MESSAGE_HEADER_SIZE + 5, REPLY_QUERY_MAX);
    return send_any(context, server, wire, true, handle);
}

static void forget(void *context, void *handle, uint16_t id)
{
    struct world *world = context;
    struct world_pipe *pipe = handle;
    assert_true(pipe->is_open);
    assert_int_equal(pipe->id, id);
    pipe->is_open = false;
    world->open--;
}

static uint64_t draw(void *context)
{
    return chance(context);
}

/* ---- the world ---- */

struct exchange_options world_options(struct world *world, uint32_t questions_max)
{
    return (struct exchange_options){
        .transport = {world, send_udp, send_tcp, forget, draw},
        .questions_max = questions_max,
        .counters = &world->counters,
    };
}

void world_init(struct world *world, unsigned servers, uint32_t questions_max)
{
    memset(world, 0, sizeof *world);
    world->now_ms = WORLD_START_MS;
    world->seed = 1;
    world->queue = calloc(WORLD_QUEUE_MAX, sizeof(struct world_packet *));
    assert_non_null(world->queue);
    for (unsigned i = 0; i < servers; i++) {
        world->scripts[i] = (struct world_script){.delay_ms = 5};
        world->servers[i].address = (struct address){.family = 4, .bytes = {127, 0, 0, (uint8_t)i}};
        world->servers[i].port = 53;
    }
    world->group = (struct upstream_group){
        .name = "corp",
        .servers = world->servers,
        .server_count = servers,
        .timeout_ms = 1000,
        .deadline_ms = 5000,
        .case_mix = true,
    };
    struct exchange_options options = world_options(world, questions_max);
    world->exchange = exchange_new(&options);
    assert_non_null(world->exchange);
}

void world_clear(struct world *world)
{
    exchange_free(world->exchange);
    while (world->queue_count > 0)
        free(queue_pop(world));
    for (size_t i = 0; i < world->pipe_count; i++)
        free(world->pipes[i]);
    free(world->queue);
}

static void on_done(void *context, struct cached *cached, uint64_t now_ms)
{
    struct world *world = context;
    world->last_done_ms = now_ms;
    if (now_ms - world->asked_ms > world->longest_ms)
        world->longest_ms = now_ms - world->asked_ms;
    assert_non_null(cached);
    if (cached->rcode == RCODE_SERVFAIL) {
        world->failed++;
        world->last_error = cached->extended_error;
    } else {
        world->answered++;
        assert_int_equal(cached->rcode, RCODE_NOERROR);
        assert_int_equal(cached->count, 1);
    }
}

bool world_ask(struct world *world, const char *text)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
    struct exchange_ask asked = {.key = {.name = name, .type = RRTYPE_A}, .rules = {.group = &world->group}};
    world->asked_ms = world->now_ms;
    bool is_taken = exchange_ask(world->exchange, &asked, on_done, world, world->now_ms);
    memset(name, 0xee, sizeof name); /* it was copied */
    return is_taken;
}

static void deliver(struct world *world)
{
    struct world_packet *packet = queue_pop(world);
    struct world_pipe *pipe = packet->pipe;
    if (packet->breaks && pipe->is_open) {
        pipe->is_open = false;
        world->open--;
        exchange_broken(world->exchange, pipe, pipe->id, world->now_ms);
    } else if (!packet->breaks) {
        exchange_receive(world->exchange, pipe, packet->wire, packet->size, world->now_ms);
    }
    free(packet);
}

void world_run_until(struct world *world, uint64_t end_ms)
{
    for (;;) {
        uint64_t next = exchange_tick(world->exchange, world->now_ms);
        assert_true(next > world->now_ms);
        if (world->queue_count > 0 && world->queue[0]->at_ms < next)
            next = world->queue[0]->at_ms;
        if (next == UINT64_MAX || next > end_ms)
            break;
        world->now_ms = next;
        while (world->queue_count > 0 && world->queue[0]->at_ms <= world->now_ms)
            deliver(world);
    }
    if (end_ms != UINT64_MAX && end_ms > world->now_ms)
        world->now_ms = end_ms;
}

void world_run(struct world *world)
{
    world_run_until(world, UINT64_MAX);
    assert_int_equal(exchange_count(world->exchange), 0);
    assert_int_equal(world->open, 0);
}

uint64_t world_counter(const struct world *world, enum counter which)
{
    return counters_get(&world->counters, which);
}

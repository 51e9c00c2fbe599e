/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exchange over real sockets: a small server on loopback addresses runs in the same loop. Every test ends when what
 * it waits for has happened; a guard ends one that waits for ever.
 */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/counters.h"
#include "resolver/listen.h"
#include "resolver/message.h"
#include "resolver/upstream_io.h"
#include "resolver/upstream_link.h"
#include "resolver/upstream_udp.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUARD_MS 20000
#define SEEN_MAX 4096

struct bench; /* of one test */

/* A question as the server got it. */
struct seen {
    uint16_t port;
    uint16_t id;
};

struct tcp_peer {
    uv_tcp_t handle;
    struct bench *bench;
    size_t size;
    uint8_t bytes[4096];
};

struct bench {
    uv_loop_t loop;
    uv_timer_t guard;
    struct upstream_io *io;
    struct counters counters;
    struct upstream_server server;
    struct upstream_group group;
    int fd;
    uv_poll_t poll;
    uv_tcp_t listener;
    /* habits of the server */
    bool is_silent;
    bool truncates;
    unsigned forgeries;     /* with wrong IDs, in place of each reply over UDP */
    bool closes_each;       /* TCP: after one answer */
    bool splits;            /* TCP: each answer in three pieces */
    bool closes_unanswered; /* TCP: on the first question of the first connection */
    /* what happened */
    struct seen seen[SEEN_MAX];
    unsigned seen_count;
    unsigned connections;
    unsigned answered;
    unsigned failed;
    unsigned wanted;
    unsigned batches;
    int last_error;
    unsigned chain; /* questions that still follow, each on the end of another */
};

/* ---- the server ---- */

static size_t write_reply(uint8_t *wire, size_t size, bool truncates)
{
    static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
    size_t end = MESSAGE_HEADER_SIZE + name_size(wire + MESSAGE_HEADER_SIZE) + 4;

    assert_in_range(end, MESSAGE_HEADER_SIZE + 5, size);
    wire[2] |= truncates ? 0x82 : 0x80;
    memset(wire + 6, 0, 6);
    if (truncates)
        return end;
    wire[7] = 1;
    memcpy(wire + end, record, sizeof record);
    return end + sizeof record;
}

static void on_question(uv_poll_t *poll, int rc, int events)
{
    struct bench *bench = poll->data;
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    uint8_t wire[512];
    ssize_t size;

    (void)events;
    assert_int_equal(rc, 0);
    while ((size = recvfrom(bench->fd, wire, sizeof wire - 20, MSG_DONTWAIT, (struct sockaddr *)&peer, &peer_size)) >
           0) {
        struct seen *seen = &bench->seen[bench->seen_count++ % SEEN_MAX];
        address_from_socket((const struct sockaddr *)&peer, &seen->port);
        seen->id = read_u16(wire);
        if (bench->is_silent)
            continue;
        size_t reply = write_reply(wire, (size_t)size, bench->truncates);
        for (unsigned i = 0; i < bench->forgeries; i++) {
            write_u16(wire, (uint16_t)(seen->id + i + 1));
            sendto(bench->fd, wire, reply, 0, (struct sockaddr *)&peer, peer_size);
        }
        if (bench->forgeries > 0)
            continue;
        assert_int_equal(sendto(bench->fd, wire, reply, 0, (struct sockaddr *)&peer, peer_size), reply);
    }
}

static void on_peer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void peer_write(struct tcp_peer *peer, const uint8_t *bytes, size_t size)
{
    uv_os_fd_t fd;
    assert_int_equal(uv_fileno((uv_handle_t *)&peer->handle, &fd), 0);
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* False: the connection goes. */
static bool peer_answer(struct tcp_peer *peer, const uint8_t *query, size_t size)
{
    uint8_t reply[512];
    struct bench *bench = peer->bench;

    if (bench->closes_unanswered) {
        bench->closes_unanswered = false;
        return false;
    }
    memcpy(reply + 2, query, size);
    size_t length = write_reply(reply + 2, size, false);
    write_u16(reply, (uint16_t)length);
    if (bench->splits) {
        peer_write(peer, reply, 1);
        peer_write(peer, reply + 1, 20);
        peer_write(peer, reply + 21, length + 2 - 21);
    } else {
        peer_write(peer, reply, length + 2);
    }
    return !bench->closes_each;
}

static void on_peer_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct tcp_peer *peer = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)peer->bytes + peer->size, (unsigned)(sizeof peer->bytes - peer->size));
}

static void on_peer_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct tcp_peer *peer = stream->data;
    bool goes_on = count >= 0;

    (void)buffer;
    peer->size += count > 0 ? (size_t)count : 0;
    while (goes_on && peer->size >= 2 && peer->size >= 2u + read_u16(peer->bytes)) {
        size_t frame = 2u + read_u16(peer->bytes);
        goes_on = peer_answer(peer, peer->bytes + 2, frame - 2);
        memmove(peer->bytes, peer->bytes + frame, peer->size - frame);
        peer->size -= frame;
    }
    if (!goes_on)
        uv_close((uv_handle_t *)&peer->handle, on_peer_closed);
}

static void on_connection(uv_stream_t *listener, int rc)
{
    struct bench *bench = listener->data;
    struct tcp_peer *peer = calloc(1, sizeof *peer);

    assert_non_null(peer);
    assert_int_equal(rc, 0);
    peer->bench = bench;
    assert_int_equal(uv_tcp_init(&bench->loop, &peer->handle), 0);
    peer->handle.data = peer;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&peer->handle), 0);
    uv_tcp_nodelay(&peer->handle, 1);
    uv_read_start((uv_stream_t *)&peer->handle, on_peer_alloc, on_peer_read);
    bench->connections++;
}

/* ---- the client ---- */

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("nothing happens any more");
}

static void close_others(uv_handle_t *handle, void *context)
{
    struct bench *bench = context;
    if (uv_is_closing(handle))
        return;
    bool is_peer = handle->type == UV_TCP && handle != (uv_handle_t *)&bench->listener;
    uv_close(handle, is_peer ? on_peer_closed : NULL);
}

static void bench_end(struct bench *bench)
{
    upstream_io_close(bench->io);
    bench->io = NULL;
    uv_walk(&bench->loop, close_others, bench);
}

static void ask(struct bench *bench, const struct upstream_group *group);

static void on_done(void *context, struct cached *cached, uint64_t now_ms)
{
    struct bench *bench = context;

    (void)now_ms;
    if (cached->rcode == RCODE_NOERROR)
        bench->answered++;
    else
        bench->failed++;
    bench->last_error = cached->extended_error;
    if (bench->chain > 0) {
        bench->chain--;
        ask(bench, &bench->group);
    }
}

static void ask(struct bench *bench, const struct upstream_group *group)
{
    static const uint8_t name[] = "\14lyncdiscover\6harbor\7example";
    struct exchange_ask asked = {.key = {.name = name, .type = RRTYPE_A}, .rules = {.group = group}};

    assert_true(exchange_ask(upstream_io_exchange(bench->io), &asked, on_done, bench, uv_now(&bench->loop)));
}

/* What may close the io is not called from inside of it. */
static void on_batch(void *context)
{
    struct bench *bench = context;
    bench->batches++;
    if (bench->answered + bench->failed >= bench->wanted)
        uv_stop(&bench->loop);
}

/* Run until `wanted` questions have ended; then everything is closed. */
static void run(struct bench *bench, unsigned wanted)
{
    bench->wanted = wanted;
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(bench->answered + bench->failed, wanted);
    assert_int_equal(exchange_count(upstream_io_exchange(bench->io)), 0);
    assert_true(bench->batches > 0);
}

static void bench_clear(struct bench *bench)
{
    bench_end(bench);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    close(bench->fd);
    free(bench);
}

static void open_server(struct bench *bench)
{
    struct sockaddr_storage address;
    socklen_t size = upstream_link_address(&bench->server, &address);
    int buffer = 4 << 20;

    /* The same port has to be free for both. */
    for (int i = 0;; i++) {
        assert_in_range(i, 0, 100);
        bench->fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_true(bench->fd >= 0);
        assert_int_equal(bind(bench->fd, (struct sockaddr *)&address, size), 0);
        struct sockaddr_storage bound;
        socklen_t bound_size = sizeof bound;
        assert_int_equal(getsockname(bench->fd, (struct sockaddr *)&bound, &bound_size), 0);
        address_from_socket((const struct sockaddr *)&bound, &bench->server.port);
        assert_int_equal(uv_tcp_init(&bench->loop, &bench->listener), 0);
        bench->listener.data = bench;
        if (uv_tcp_bind(&bench->listener, (struct sockaddr *)&bound, 0) == 0 &&
            uv_listen((uv_stream_t *)&bench->listener, 10, on_connection) == 0)
            break;
        uv_close((uv_handle_t *)&bench->listener, NULL);
        uv_run(&bench->loop, UV_RUN_DEFAULT);
        close(bench->fd);
    }
    setsockopt(bench->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    assert_int_equal(uv_poll_init(&bench->loop, &bench->poll, bench->fd), 0);
    bench->poll.data = bench;
    assert_int_equal(uv_poll_start(&bench->poll, UV_READABLE, on_question), 0);
}

static struct bench *bench_new(const char *address)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct upstream_io_options options = {.questions_max = 5000, .batch_done = on_batch, .context = bench};
    struct diag diag;

    assert_non_null(bench);
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    assert_int_equal(address_from_text(address, strlen(address), &bench->server.address), STATUS_OK);
    open_server(bench);
    bench->group = (struct upstream_group){
        .servers = &bench->server, .server_count = 1, .timeout_ms = 1000, .deadline_ms = 5000, .case_mix = true};
    options.counters = &bench->counters;
    diag_init(&diag);
    assert_int_equal(upstream_io_new(&bench->loop, &options, &diag, &bench->io), STATUS_OK);
    diag_clear(&diag);
    uv_timer_init(&bench->loop, &bench->guard);
    uv_timer_start(&bench->guard, on_guard, GUARD_MS, 0);
    return bench;
}

static uint64_t counter(const struct bench *bench, enum counter which)
{
    return counters_get(&bench->counters, which);
}

/* ---- UDP ---- */

static int by_port(const void *a, const void *b)
{
    const struct seen *left = a;
    const struct seen *right = b;
    return left->port != right->port ? left->port - right->port : left->id - right->id;
}

/* Many ports, each for few questions, and no ID twice on one. */
static void test_ports(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    for (int i = 0; i < 50; i++)
        ask(bench, &bench->group);
    bench->chain = 1950;
    run(bench, 2000);
    assert_int_equal(bench->failed, 0);
    unsigned count = bench->seen_count;
    assert_in_range(count, 2000, SEEN_MAX);
    qsort(bench->seen, count, sizeof *bench->seen, by_port);
    unsigned ports = 0;
    unsigned run_length = 0;
    for (unsigned i = 0; i < count; i++) {
        bool is_same = i > 0 && bench->seen[i].port == bench->seen[i - 1].port;
        assert_true(bench->seen[i].port >= 1024);
        assert_false(is_same && bench->seen[i].id == bench->seen[i - 1].id);
        run_length = is_same ? run_length + 1 : 1;
        ports += !is_same;
        assert_in_range(run_length, 1, UPSTREAM_LINK_IDS);
    }
    assert_in_range(ports, 2000 / UPSTREAM_LINK_IDS, 400);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_TCP), 0);
    bench_clear(bench);
}

static void test_ipv6(void **state)
{
    (void)state;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    if (!has_ipv6)
        skip();
    struct bench *bench = bench_new("::1");
    ask(bench, &bench->group);
    run(bench, 1);
    assert_int_equal(bench->answered, 1);
    bench->group.tcp_always = true;
    ask(bench, &bench->group);
    run(bench, 2);
    assert_int_equal(bench->answered, 2);
    bench_clear(bench);
}

/* Nobody listens there: the system says so, and nobody waits for five seconds. */
static void test_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    uv_close((uv_handle_t *)&bench->poll, NULL);
    close(bench->fd);
    bench->fd = -1;
    uint64_t before = uv_hrtime();
    bench->chain = 10;
    for (int i = 0; i < 10; i++)
        ask(bench, &bench->group);
    run(bench, 20);
    assert_int_equal(bench->failed, 20);
    assert_int_equal(bench->last_error, 23);
    assert_true(uv_hrtime() - before < UINT64_C(4000000000));
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_HELD), 1);
    bench_clear(bench);
}

/* More servers than are remembered with their sockets; nobody listens at any of them. */
static void test_many_servers(void **state)
{
    (void)state;
    enum { SERVERS = UPSTREAM_UDP_SERVERS + 50 };
    static struct upstream_server servers[SERVERS];
    static struct upstream_group groups[SERVERS];
    struct bench *bench = bench_new("127.0.0.1");
    for (unsigned i = 0; i < SERVERS; i++) {
        const uint8_t bytes[] = {127, 1, (uint8_t)(i / 200), (uint8_t)(1 + i % 200)};
        servers[i] = (struct upstream_server){.address = address_from_bytes(bytes, 4), .port = bench->server.port};
        groups[i] = bench->group;
        groups[i].servers = &servers[i];
        ask(bench, &groups[i]);
        if (i % 100 == 99)
            run(bench, i + 1);
    }
    run(bench, SERVERS);
    assert_int_equal(bench->failed, SERVERS);
    bench_clear(bench);
}

/* A socket that was found broken goes to make room for another server, before anybody was told of it. */
static void test_broken_and_dropped(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    struct upstream_entropy *entropy = calloc(1, sizeof *entropy);
    struct upstream_udp *udp = upstream_udp_new(&bench->loop, upstream_io_exchange(bench->io), entropy);
    uint8_t wire[17] = {[5] = 1};
    void *handle;
    assert_non_null(udp);
    uv_close((uv_handle_t *)&bench->poll, NULL);
    close(bench->fd);
    bench->fd = -1;
    /* Nobody listens any more, and nothing is under way: it is the next send that is told. */
    for (unsigned i = 0; i < 20; i++)
        if (upstream_udp_send(udp, &bench->server, wire, sizeof wire, &handle) == EXCHANGE_SENT)
            upstream_udp_forget(udp, handle, read_u16(wire));
    size_t sockets = upstream_udp_sockets(udp);
    for (unsigned i = 0; i < UPSTREAM_UDP_SERVERS; i++) {
        const uint8_t bytes[] = {127, 2, (uint8_t)(i / 200), (uint8_t)(1 + i % 200)};
        struct upstream_server server = {.address = address_from_bytes(bytes, 4), .port = bench->server.port};
        assert_int_equal(upstream_udp_send(udp, &server, wire, sizeof wire, &handle), EXCHANGE_SENT);
    }
    assert_true(upstream_udp_sockets(udp) < sockets + UPSTREAM_UDP_SERVERS);
    uv_run(&bench->loop, UV_RUN_NOWAIT);
    upstream_udp_settle(udp);
    upstream_udp_free(udp);
    bench_clear(bench);
    free(entropy);
}

/* However many sockets wait for a silent server, another one is asked. */
static void test_silent_neighbour(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    struct upstream_entropy *entropy = calloc(1, sizeof *entropy);
    struct upstream_udp *udp = upstream_udp_new(&bench->loop, upstream_io_exchange(bench->io), entropy);
    const uint8_t other[] = {127, 3, 0, 1};
    struct upstream_server neighbour = {.address = address_from_bytes(other, 4), .port = bench->server.port};
    uint8_t wire[17] = {[5] = 1};
    unsigned sent = 0;
    void *handle;
    assert_non_null(udp);
    while (upstream_udp_send(udp, &bench->server, wire, sizeof wire, &handle) == EXCHANGE_SENT)
        sent++;
    assert_in_range(sent, UPSTREAM_UDP_SOCKETS * UPSTREAM_LINK_IDS / 2, UPSTREAM_UDP_SOCKETS * UPSTREAM_LINK_IDS);
    assert_int_equal(upstream_udp_send(udp, &bench->server, wire, sizeof wire, &handle), EXCHANGE_NO_ROOM);
    /* Nobody listens there, which some of the sends are told. */
    for (unsigned i = 0; i < 20; i++)
        assert_int_not_equal(upstream_udp_send(udp, &neighbour, wire, sizeof wire, &handle), EXCHANGE_NO_ROOM);
    assert_in_range(upstream_udp_sockets(udp), UPSTREAM_UDP_SOCKETS, UPSTREAM_UDP_SOCKETS + UPSTREAM_UDP_START);
    upstream_udp_free(udp);
    bench_clear(bench);
    free(entropy);
}

/* No descriptor is left: the server is not blamed. */
static void test_no_descriptor(void **state)
{
    (void)state;
    struct rlimit old;
    struct bench *bench = bench_new("127.0.0.1");
    int next = dup(0);
    assert_true(next >= 0);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)next, .rlim_max = old.rlim_max};
    bench->group.deadline_ms = 250;
    for (unsigned i = 1; i <= 2; i++) {
        bench->group.tcp_always = i == 2;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        ask(bench, &bench->group);
        run(bench, 2 * i - 1);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_int_equal(bench->failed, i);
        assert_int_equal(bench->last_error, 14);
        ask(bench, &bench->group);
        run(bench, 2 * i);
        assert_int_equal(bench->answered, i);
    }
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_HELD), 0);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_BROKEN), 0);
    bench_clear(bench);
}

/* Wrong IDs from the server's own address and port: the port is given up, the question goes on over TCP. */
static void test_forger(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->forgeries = UPSTREAM_UDP_STRAYS;
    ask(bench, &bench->group);
    run(bench, 1);
    assert_int_equal(bench->answered, 1);
    assert_int_equal(bench->seen_count, 1);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_TCP), 1);
    assert_true(counter(bench, COUNTER_UPSTREAM_MISMATCHED) >= UPSTREAM_UDP_STRAYS);
    bench_clear(bench);
}

/* From another address the kernel lets nothing through. */
static void test_other_address(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->is_silent = true;
    bench->group.deadline_ms = bench->group.timeout_ms = 300;
    ask(bench, &bench->group);
    while (bench->seen_count == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000002)}};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    to.sin_port = htons(bench->seen[0].port);
    uint8_t wire[60] = {0};
    write_u16(wire, bench->seen[0].id);
    for (int i = 0; i < 100; i++)
        sendto(fd, wire, sizeof wire, 0, (struct sockaddr *)&to, sizeof to);
    close(fd);
    run(bench, 1);
    assert_int_equal(bench->last_error, 22);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_MISMATCHED), 0);
    bench_clear(bench);
}

/* ---- TCP ---- */

static void test_truncated(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->truncates = true;
    bench->chain = 99;
    ask(bench, &bench->group);
    run(bench, 100);
    assert_int_equal(bench->answered, 100);
    assert_int_equal(bench->connections, 1);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_TCP), 100);
    bench_clear(bench);
}

static void test_pipelined(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->group.tcp_always = true;
    bench->splits = true;
    for (int i = 0; i < 200; i++)
        ask(bench, &bench->group);
    bench->chain = 800;
    run(bench, 1000);
    assert_int_equal(bench->answered, 1000);
    assert_in_range(bench->connections, 2, 4);
    bench_clear(bench);
}

static void test_closing_peer(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->group.tcp_always = true;
    bench->closes_each = true;
    bench->chain = 19;
    ask(bench, &bench->group);
    run(bench, 20);
    assert_int_equal(bench->answered, 20);
    assert_true(bench->connections >= 20);
    bench->closes_each = false;
    bench->closes_unanswered = true;
    ask(bench, &bench->group);
    run(bench, 21);
    assert_int_equal(bench->answered, 21);
    bench_clear(bench);
}

static void test_tcp_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    uv_close((uv_handle_t *)&bench->listener, NULL);
    bench->truncates = true;
    ask(bench, &bench->group);
    run(bench, 1);
    assert_int_equal(bench->last_error, 23);
    assert_int_equal(counter(bench, COUNTER_UPSTREAM_BROKEN), 2);
    bench_clear(bench);
}

/* What is under way when everything is closed. */
static void test_close(void **state)
{
    (void)state;
    struct bench *bench = bench_new("127.0.0.1");
    bench->is_silent = true;
    for (int i = 0; i < 300; i++)
        ask(bench, &bench->group);
    bench->group.tcp_always = true;
    ask(bench, &bench->group);
    while (bench->seen_count < 300)
        uv_run(&bench->loop, UV_RUN_ONCE);
    bench_clear(bench);
}

/* ---- the parts ---- */

static void test_link(void **state)
{
    (void)state;
    struct upstream_entropy *entropy = calloc(1, sizeof *entropy);
    struct upstream_link link = {0};
    uint16_t id;
    uint16_t other;
    assert_non_null(entropy);
    for (unsigned i = 0; i < UPSTREAM_LINK_IDS; i++) {
        assert_true(upstream_link_take(&link, entropy, false, &id));
        assert_int_equal(upstream_link_count(&link), i + 1);
    }
    assert_false(upstream_link_take(&link, entropy, false, &other));
    upstream_link_give(&link, id);
    assert_true(upstream_link_knows(&link, id));
    assert_false(upstream_link_take(&link, entropy, false, &other));
    assert_true(upstream_link_take(&link, entropy, true, &other));
    assert_false(upstream_link_knows(&link, id) && id != other);
    for (unsigned i = 0; i < UPSTREAM_LINK_IDS; i++)
        assert_true(upstream_link_pop(&link, &id));
    assert_false(upstream_link_pop(&link, &id));
    free(entropy);
}

/* Every bit of what is drawn is as often set as not. */
static void test_entropy(void **state)
{
    (void)state;
    struct upstream_entropy *entropy = calloc(1, sizeof *entropy);
    unsigned set[64] = {0};
    assert_non_null(entropy);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t number = upstream_entropy_u64(entropy);
        for (unsigned bit = 0; bit < 64; bit++)
            set[bit] += (unsigned)(number >> bit & 1);
        if (i % 3 == 0)
            upstream_entropy_u16(entropy);
    }
    /* Eight standard deviations. */
    for (unsigned bit = 0; bit < 64; bit++)
        assert_in_range(set[bit], 4600, 5400);
    free(entropy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_entropy),
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many_servers),
        cmocka_unit_test(test_forger),
        cmocka_unit_test(test_other_address),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_closing_peer),
        cmocka_unit_test(test_tcp_refused),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_no_descriptor),
        cmocka_unit_test(test_broken_and_dropped),
        cmocka_unit_test(test_silent_neighbour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * instructions: answers the questions of the workload in one process, batch by batch over sockets of its own, so that
 * a counting tool sees the same instructions each time (tests/bench/instructions runs it under callgrind).
 *
 *     instructions STORE SITES QUERIES [memo]
 *
 * STORE holds the zones of `data SITES`, or of more. Each answer is checked. With "memo" answers are remembered, as in
 * splitviewd. Prints how many queries were answered, and of them how many from memory.
 */
#include "resolver/listen.h"
#include "resolver/serve.h"
#include "resolver/udp.h"
#include "tests/bench/workload.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX 4096
#define MAP_SIZE  (UINT64_C(1) << 30) /* more than callgrind gives to one mapping is never needed */

struct driver {
    struct workload workload;
    struct store *store;
    struct generation *generation;
    struct settings *settings;
    struct counters counters;
    struct serve serve;
    struct memo *memo; /* NULL: none */
    struct udp_batch *batch;
    struct listen_set set;
    int sources[WORKLOAD_SOURCES];
    uint64_t random[WORKLOAD_SOURCES];
};

static void require(enum status status, const char *what, const struct diag *diag)
{
    if (status == STATUS_OK)
        return;
    diag_print(diag, stderr);
    wire_die("%s: %s", what, status_text(status));
}

static char no_text[] = "";

static void open_server(struct driver *driver, const char *path)
{
    struct store_options store = {.path = path, .map_size = MAP_SIZE};
    struct server_listen listen = {.port = 0};
    struct server_config config = {
        .identity = no_text,
        .udp_payload = 1232,
        .tcp_idle_ms = 10000,
        .receive_buffer = 1 << 20,
        .query_log_file = no_text,
        .listen = &listen,
        .listen_count = 1,
    };
    struct diag diag;

    diag_init(&diag);
    require(address_from_text("127.0.0.1", 9, &listen.address), "listen", &diag);
    require(store_open_reader(&store, &diag, &driver->store), path, &diag);
    require(generation_load(driver->store, &diag, &driver->generation), path, &diag);
    require(settings_new(&config, &diag, &driver->settings), "settings", &diag);
    require(listen_open(&config, 1, &diag, &driver->set), "listen", &diag);
    serve_init(&driver->serve, driver->settings, &driver->counters);
    serve_adopt(&driver->serve, driver->generation);
    driver->batch = udp_batch_new();
    if (driver->batch == NULL)
        wire_die("no memory");
    diag_clear(&diag);
}

static void close_server(struct driver *driver)
{
    udp_batch_free(driver->batch);
    memo_free(driver->memo);
    serve_clear(&driver->serve);
    settings_release(driver->settings);
    listen_close(&driver->set);
    if (generation_release(driver->generation))
        generation_free(driver->generation);
    store_close(driver->store);
}

static int open_source(uint32_t address, uint16_t port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval deadline = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline) != 0)
        wire_die("socket: %s", strerror(errno));
    return fd;
}

static void take_reply(const struct workload_question *question, int fd)
{
    uint8_t reply[REPLY_MAX];
    ssize_t size = recv(fd, reply, sizeof reply, 0);

    if (size < 0)
        wire_die("no reply: %s", strerror(errno));
    if (memcmp(reply, question->query, 2) != 0 || !workload_is_right(question, reply, (size_t)size))
        wire_die("wrong reply, rcode %s, %u answers", wire_rcode(reply), reply[7]);
}

/* Over loopback a datagram is in the receiver's buffer when sending returns, so a batch is full. */
static void run_batch(struct driver *driver, uint32_t *next)
{
    struct workload_question questions[UDP_BATCH];
    int fds[UDP_BATCH];

    for (uint32_t i = 0; i < UDP_BATCH; i++) {
        uint32_t source = (*next)++ % WORKLOAD_SOURCES;
        struct workload_question *question = &questions[i];
        workload_draw(&driver->workload, workload_network_of(source), &driver->random[source], question);
        question->query[0] = (uint8_t)(*next >> 8);
        question->query[1] = (uint8_t)*next;
        fds[i] = driver->sources[source];
        if (send(fds[i], question->query, question->size, 0) != question->size)
            wire_die("send: %s", strerror(errno));
    }
    if (udp_receive(driver->batch, driver->set.listeners[0].udp[0], &driver->set.listeners[0], &driver->serve) !=
        UDP_BATCH)
        wire_die("not all were received");
    for (uint32_t i = 0; i < UDP_BATCH; i++)
        take_reply(&questions[i], fds[i]);
}

int main(int argc, char **argv)
{
    static struct driver driver;
    uint32_t answered = 0;

    if (argc != 4 && (argc != 5 || strcmp(argv[4], "memo") != 0))
        wire_die("see the head of tests/bench/instructions.c");
    driver.workload.sites = (uint32_t)wire_number(argv[2]);
    uint32_t wanted = (uint32_t)wire_number(argv[3]);
    open_server(&driver, argv[1]);
    if (argc == 5 && (driver.memo = memo_new()) == NULL)
        wire_die("no memory");
    serve_remember(&driver.serve, driver.memo);
    for (uint32_t i = 0; i < WORKLOAD_SOURCES; i++) {
        driver.sources[i] = open_source(workload_source(i, 2, 0), driver.set.listeners[0].port);
        driver.random[i] = i;
    }
    while (answered < wanted)
        run_batch(&driver, &answered);
    printf("queries %u recalled %" PRIu64 "\n", answered, counters_get(&driver.counters, COUNTER_REPLIES_RECALLED));
    close_server(&driver);
    return 0;
}

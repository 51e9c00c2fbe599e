/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peak: how many queries a server answers at most, and what one costs it. Every answer is checked.
 *
 *     peak --server ADDR@PORT [--pid PID]… [--seconds N] [--warm-ms N] [--batch N] [--open N] [--cpu N] [--tcp |
 * --connections]
 *          [--sites N] [--one-zone] [--plain] [--geo] [--no-chase] [--views N --prefixes N]
 *          [--reflector | --hit | --miss]
 *
 * The workload's sources (workload.h), each with a socket of its own, take turns: when all answers to a source's
 * --batch (8) queries are there it sends the next. So at most 25 * --batch queries are on their way.
 * With --open N only N of the sources wait at a time. --tcp: a batch is
 * pipelined on one connection for each source. --connections: a batch is one query on a new connection, and
 * --open is 8, since some servers queue no more than 10 connections. With --cpu the
 * program stays on that processor. It does not sleep, since a server that had to wake it up would pay for that; only
 * with --miss it does, because the upstream needs a processor too.
 *
 * --reflector: only ID and QR are looked at. --hit, --miss: questions with RD from 127.20.0.0/16 for names that only an
 * upstream (upstream.c) knows: 1000 names again and again, or each name once. --no-chase and the rest: what the server
 * holds, see workload.h.
 *
 * Prints one line after --warm-ms (300) and --seconds (1, a decimal is allowed) of measuring:
 *
 *     queries N seconds S per_second R cpu_us C user_us U system_us Y lost N wrong N
 *
 * with the processor time of the processes --pid for each query, from their own clocks; its user and system parts as
 * the kernel's ticks divide it. A query is lost if there is no answer for 100 ms; lost and wrong count from the
 * beginning. Exit status 0: none wrong.
 */
#include "tests/bench/workload.h"
#include "tests/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIDS_MAX         16
#define BATCH_MAX        32
#define QUESTIONS        4096 /* of each source, drawn before */
#define HIT_NAMES        40   /* of each source */
#define CONNECTIONS      8    /* open at a time */
#define REPLY_MAX        4096
#define LOST_NS          UINT64_C(100000000)
#define BUFFER_SIZE      (4 << 20)
#define STREAM_MAX       (BATCH_MAX * 512)
#define SOURCE_FORWARD   0x7f140001u /* 127.20.0.1 */
#define ADDRESS_UPSTREAM 0xc0000201u /* 192.0.2.1: what upstream.c says */
#define MISS_DIGITS      12          /* hex digits of a fresh name, its first label */

enum mode { MODE_UDP, MODE_TCP, MODE_CONNECTIONS };
enum asked { ASKED_WORKLOAD, ASKED_REFLECTOR, ASKED_HIT, ASKED_MISS };

/* One address that asks, and its batch that is on its way. IDs are the batch's number and the place in it. */
struct source {
    int fd;
    uint32_t address;
    struct workload_question *questions; /* QUESTIONS */
    uint32_t next;                       /* question of the next batch */
    uint32_t first;                      /* question of this batch */
    uint16_t number;                     /* of this batch */
    uint32_t waiting;                    /* bit set: not answered yet */
    uint64_t sent;                       /* ns */
    size_t stream_size;
    uint8_t stream[STREAM_MAX]; /* what came over TCP and is no whole message yet */
};

struct usage {
    uint64_t total; /* ns */
    uint64_t user;  /* ticks */
    uint64_t system;
};

struct peak {
    const char *server;
    struct sockaddr_storage address;
    socklen_t address_size;
    pid_t pids[PIDS_MAX]; /* of the server */
    unsigned pid_count;
    double seconds;
    uint64_t warm_ms;
    uint32_t batch;
    uint32_t open; /* sources that wait for answers at a time */
    enum mode mode;
    enum asked asked;
    struct workload workload;
    uint32_t views, prefixes;
    struct source sources[WORKLOAD_SOURCES];
    uint64_t fresh; /* the next name of --miss */
    uint64_t answered, lost, wrong;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- what the server used ---- */

static void add_usage(pid_t pid, struct usage *usage)
{
    unsigned long user, system;
    struct timespec time;
    clockid_t clock;
    char path[64];
    char text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *stream = fopen(path, "r");
    if (stream == NULL || fgets(text, sizeof text, stream) == NULL || clock_getcpuclockid(pid, &clock) != 0 ||
        clock_gettime(clock, &time) != 0)
        wire_die("process %d: %s", (int)pid, strerror(errno));
    fclose(stream);
    const char *field = strrchr(text, ')'); /* the name before may hold anything */
    for (int i = 0; field != NULL && i < 12; i++)
        field = strchr(field + 1, ' ');
    if (field == NULL || sscanf(field, "%lu %lu", &user, &system) != 2)
        wire_die("cannot read %s", path);
    usage->total += (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
    usage->user += user;
    usage->system += system;
}

static struct usage read_usage(const struct peak *peak)
{
    struct usage usage = {.total = 0};

    for (unsigned i = 0; i < peak->pid_count; i++)
        add_usage(peak->pids[i], &usage);
    return usage;
}

/* ---- sockets ---- */

static void set_number(int fd, int level, int option, int value)
{
    if (setsockopt(fd, level, option, &value, sizeof value) != 0)
        wire_die("socket option: %s", strerror(errno));
}

static void open_socket(const struct peak *peak, struct source *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source->address)};

    source->fd = socket(AF_INET, peak->mode == MODE_UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (source->fd < 0)
        wire_die("socket: %s", strerror(errno));
    if (peak->mode == MODE_UDP)
        set_number(source->fd, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
    else
        set_number(source->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (bind(source->fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        connect(source->fd, (const struct sockaddr *)&peak->address, peak->address_size) != 0)
        wire_die("connect to %s: %s", peak->server, strerror(errno));
    if (peak->mode != MODE_UDP)
        set_number(source->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    source->stream_size = 0;
}

/* ---- questions ---- */

static void draw_forwarded(const struct peak *peak, uint32_t source, uint32_t number,
                           struct workload_question *question)
{
    char name[WORKLOAD_APEX_MAX];

    if (peak->asked == ASKED_HIT)
        snprintf(name, sizeof name, "name%u.hit.forward.example", source * HIT_NAMES + number % HIT_NAMES);
    else
        snprintf(name, sizeof name, "%0*u.miss.forward.example", MISS_DIGITS, 0);
    *question = (struct workload_question){.answers = 1, .answer = ADDRESS_UPSTREAM};
    workload_ask(question, name, 1, false);
    question->query[2] = 1;
}

static void draw_questions(struct peak *peak, uint32_t number)
{
    struct source *source = &peak->sources[number];
    uint64_t random = number;

    source->questions = calloc(QUESTIONS, sizeof *source->questions);
    if (source->questions == NULL)
        wire_die("no memory");
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        if (peak->asked == ASKED_HIT || peak->asked == ASKED_MISS)
            draw_forwarded(peak, number, i, &source->questions[i]);
        else
            workload_draw(&peak->workload, workload_network_of(number), &random, &source->questions[i]);
    }
}

static void make_fresh(struct peak *peak, uint8_t *label)
{
    uint64_t name = peak->fresh++;

    for (unsigned i = 0; i < MISS_DIGITS; i++)
        label[i] = (uint8_t) "0123456789abcdef"[name >> (4 * i) & 15];
}

static struct workload_question *take_question(struct peak *peak, struct source *source, uint32_t place)
{
    struct workload_question *question = &source->questions[(source->first + place) % QUESTIONS];
    uint16_t id = (uint16_t)(source->number * BATCH_MAX + place);

    question->query[0] = (uint8_t)(id >> 8);
    question->query[1] = (uint8_t)id;
    if (peak->asked == ASKED_MISS)
        make_fresh(peak, question->query + 13);
    return question;
}

static void send_datagrams(struct peak *peak, struct source *source)
{
    struct mmsghdr messages[BATCH_MAX];
    struct iovec vectors[BATCH_MAX];

    for (uint32_t i = 0; i < peak->batch; i++) {
        struct workload_question *question = take_question(peak, source, i);
        vectors[i] = (struct iovec){.iov_base = question->query, .iov_len = question->size};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[i], .msg_iovlen = 1}};
    }
    for (uint32_t sent = 0; sent < peak->batch;) {
        int rc = sendmmsg(source->fd, messages + sent, peak->batch - sent, 0);
        if (rc < 0 && errno != EINTR)
            wire_die("send: %s", strerror(errno));
        sent += rc > 0 ? (uint32_t)rc : 0;
    }
}

static void send_stream(struct peak *peak, struct source *source)
{
    uint8_t stream[BATCH_MAX * (WORKLOAD_QUERY_MAX + 2)];
    size_t size = 0;

    if (peak->mode == MODE_CONNECTIONS)
        open_socket(peak, source);
    for (uint32_t i = 0; i < peak->batch; i++) {
        struct workload_question *question = take_question(peak, source, i);
        stream[size++] = (uint8_t)(question->size >> 8);
        stream[size++] = (uint8_t)question->size;
        memcpy(stream + size, question->query, question->size);
        size += question->size;
    }
    if (send(source->fd, stream, size, MSG_NOSIGNAL) != (ssize_t)size)
        wire_die("send: %s", strerror(errno));
}

static void send_next(struct peak *peak, struct source *source, uint64_t now)
{
    source->first = source->next;
    source->next = (source->next + peak->batch) % QUESTIONS;
    source->number++;
    source->waiting = peak->batch == 32 ? UINT32_MAX : (UINT32_C(1) << peak->batch) - 1;
    source->sent = now;
    if (peak->mode == MODE_UDP)
        send_datagrams(peak, source);
    else
        send_stream(peak, source);
}

/* ---- answers ---- */

static bool is_right(const struct peak *peak, const struct workload_question *question, const uint8_t *reply,
                     size_t size)
{
    if (peak->asked == ASKED_REFLECTOR)
        return size == question->size && (reply[2] & 0x80) != 0;
    if (peak->asked == ASKED_WORKLOAD)
        return workload_is_right(question, reply, size);
    return workload_is_forwarded(question, reply, size);
}

static void take_reply(struct peak *peak, struct source *source, const uint8_t *reply, size_t size)
{
    uint16_t id = (uint16_t)(size >= 12 ? reply[0] << 8 | reply[1] : 0);
    uint32_t place = id % BATCH_MAX;

    if (size < 12 || id / BATCH_MAX != source->number % (65536 / BATCH_MAX)) {
        peak->wrong += size < 12; /* else the late answer to a query that was given up */
        return;
    }
    const struct workload_question *question = &source->questions[(source->first + place) % QUESTIONS];
    if ((source->waiting >> place & 1) == 0 || !is_right(peak, question, reply, size)) {
        if (peak->wrong++ == 0)
            fprintf(stderr, "peak: a wrong answer: rcode %s, flags %02x%02x, %u answers; wanted rcode %u, %u answers\n",
                    wire_rcode(reply), reply[2], reply[3], reply[7], question->rcode, question->answers);
    }
    source->waiting &= ~(UINT32_C(1) << place);
    peak->answered++;
}

static bool receive_datagrams(struct peak *peak, struct source *source)
{
    static uint8_t replies[BATCH_MAX][REPLY_MAX];
    struct mmsghdr messages[BATCH_MAX];
    struct iovec vectors[BATCH_MAX];

    for (uint32_t i = 0; i < peak->batch; i++) {
        vectors[i] = (struct iovec){.iov_base = replies[i], .iov_len = REPLY_MAX};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[i], .msg_iovlen = 1}};
    }
    int count = recvmmsg(source->fd, messages, peak->batch, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
        take_reply(peak, source, replies[i], messages[i].msg_len);
    return count > 0;
}

static bool receive_stream(struct peak *peak, struct source *source)
{
    size_t at = 0;
    ssize_t got =
        recv(source->fd, source->stream + source->stream_size, STREAM_MAX - source->stream_size, MSG_DONTWAIT);

    if (got == 0)
        wire_die("the server closed the connection");
    if (got < 0)
        return false;
    /* A server that writes in small pieces would wait for an acknowledgement that is held back. The kernel forgets this
     * setting again. */
    if (peak->mode == MODE_TCP)
        set_number(source->fd, IPPROTO_TCP, TCP_QUICKACK, 1);
    source->stream_size += (size_t)got;
    while (source->stream_size - at >= 2) {
        size_t size = (size_t)source->stream[at] << 8 | source->stream[at + 1];
        if (source->stream_size - at < size + 2)
            break;
        take_reply(peak, source, source->stream + at + 2, size);
        at += size + 2;
    }
    source->stream_size -= at;
    memmove(source->stream, source->stream + at, source->stream_size);
    return true;
}

/* Looking takes a lock that the server needs to send: not too often. */
static void pause_shortly(void)
{
    for (int i = 0; i < 64; i++) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" ::: "memory");
#endif
    }
}

static void sleep_shortly(int fd)
{
    struct pollfd client = {.fd = fd, .events = POLLIN};

    if (poll(&client, 1, 10) < 0 && errno != EINTR)
        wire_die("poll: %s", strerror(errno));
}

/* Until all answers of the source's batch are there, or lost. */
static void finish_batch(struct peak *peak, struct source *source)
{
    while (source->waiting != 0) {
        bool got = peak->mode == MODE_UDP ? receive_datagrams(peak, source) : receive_stream(peak, source);
        if (got)
            continue;
        if (peak->asked == ASKED_MISS)
            sleep_shortly(source->fd);
        else
            pause_shortly();
        if (now_ns() - source->sent > LOST_NS) {
            peak->lost += (unsigned)__builtin_popcount(source->waiting);
            source->waiting = 0;
        }
    }
    if (peak->mode == MODE_CONNECTIONS && source->fd >= 0) {
        close(source->fd);
        source->fd = -1;
    }
}

/* ---- the run ---- */

static void run_until(struct peak *peak, uint64_t end)
{
    for (uint64_t now = now_ns(); now < end;) {
        for (uint32_t i = 0; i < WORKLOAD_SOURCES; i++) {
            finish_batch(peak, &peak->sources[(i + WORKLOAD_SOURCES - peak->open) % WORKLOAD_SOURCES]);
            now = now_ns();
            send_next(peak, &peak->sources[i], now);
        }
    }
}

static void report(const struct peak *peak, uint64_t queries, uint64_t time, struct usage before, struct usage after)
{
    double cpu = queries == 0 ? 0 : (double)(after.total - before.total) / 1000 / (double)queries;
    double user = (double)(after.user - before.user);
    double ticks = user + (double)(after.system - before.system);

    user = ticks > 0 ? cpu * user / ticks : 0;
    printf("queries %lu seconds %.3f per_second %.0f cpu_us %.4f user_us %.4f system_us %.4f lost %lu wrong %lu\n",
           queries, (double)time / 1e9, (double)queries * 1e9 / (double)time, cpu, user, cpu - user, peak->lost,
           peak->wrong);
}

static void measure(struct peak *peak)
{
    run_until(peak, now_ns() + peak->warm_ms * 1000000);
    struct usage before = read_usage(peak);
    uint64_t answered = peak->answered;
    uint64_t begin = now_ns();
    run_until(peak, begin + (uint64_t)(peak->seconds * 1e9));
    struct usage after = read_usage(peak);
    uint64_t end = now_ns();
    answered = peak->answered - answered;
    for (uint32_t i = 0; i < WORKLOAD_SOURCES; i++)
        finish_batch(peak, &peak->sources[i]);
    report(peak, answered, end - begin, before, after);
}

static void stay_on(unsigned long processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        wire_die("processor %lu: %s", processor, strerror(errno));
}

static void open_sources(struct peak *peak)
{
    bool forwarded = peak->asked == ASKED_HIT || peak->asked == ASKED_MISS;

    peak->address_size = wire_address(peak->server, &peak->address);
    peak->fresh = now_ns();
    for (uint32_t i = 0; i < WORKLOAD_SOURCES; i++) {
        struct source *source = &peak->sources[i];
        source->address = forwarded ? SOURCE_FORWARD + (i << 8) : workload_source(i, peak->views, peak->prefixes);
        source->fd = -1;
        draw_questions(peak, i);
        if (peak->mode != MODE_CONNECTIONS)
            open_socket(peak, source);
    }
}

enum option_key {
    KEY_SERVER = 256,
    KEY_PID,
    KEY_SECONDS,
    KEY_WARM,
    KEY_BATCH,
    KEY_OPEN,
    KEY_CPU,
    KEY_SITES,
    KEY_VIEWS,
    KEY_PREFIXES
};

static void read_number(struct peak *peak, int key, const char *text)
{
    if (key == KEY_SERVER)
        peak->server = text;
    else if (key == KEY_PID && peak->pid_count < PIDS_MAX)
        peak->pids[peak->pid_count++] = (pid_t)wire_number(text);
    else if (key == KEY_SECONDS)
        peak->seconds = strtod(text, NULL);
    else if (key == KEY_WARM)
        peak->warm_ms = wire_number(text);
    else if (key == KEY_BATCH)
        peak->batch = (uint32_t)wire_number(text);
    else if (key == KEY_OPEN)
        peak->open = (uint32_t)wire_number(text);
    else if (key == KEY_CPU)
        stay_on(wire_number(text));
    else if (key == KEY_SITES)
        peak->workload.sites = (uint32_t)wire_number(text);
    else if (key == KEY_VIEWS)
        peak->views = (uint32_t)wire_number(text);
    else if (key == KEY_PREFIXES)
        peak->prefixes = (uint32_t)wire_number(text);
    else
        wire_die("see the head of tests/bench/peak.c");
}

static void read_arguments(struct peak *peak, int argc, char **argv)
{
    static int one_zone, plain, geo, no_chase, mode, asked;
    static const struct option options[] = {
        {"server", required_argument, NULL, KEY_SERVER},
        {"pid", required_argument, NULL, KEY_PID},
        {"seconds", required_argument, NULL, KEY_SECONDS},
        {"warm-ms", required_argument, NULL, KEY_WARM},
        {"batch", required_argument, NULL, KEY_BATCH},
        {"open", required_argument, NULL, KEY_OPEN},
        {"cpu", required_argument, NULL, KEY_CPU},
        {"sites", required_argument, NULL, KEY_SITES},
        {"views", required_argument, NULL, KEY_VIEWS},
        {"prefixes", required_argument, NULL, KEY_PREFIXES},
        {"one-zone", no_argument, &one_zone, 1},
        {"plain", no_argument, &plain, 1},
        {"geo", no_argument, &geo, 1},
        {"no-chase", no_argument, &no_chase, 1},
        {"tcp", no_argument, &mode, MODE_TCP},
        {"connections", no_argument, &mode, MODE_CONNECTIONS},
        {"reflector", no_argument, &asked, ASKED_REFLECTOR},
        {"hit", no_argument, &asked, ASKED_HIT},
        {"miss", no_argument, &asked, ASKED_MISS},
        {NULL, 0, NULL, 0},
    };
    int key;

    while ((key = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (key != 0)
            read_number(peak, key, optarg);
    peak->workload.one_zone = one_zone;
    peak->workload.plain = plain;
    peak->workload.geo = geo;
    peak->workload.no_chase = no_chase;
    peak->mode = (enum mode)mode;
    peak->asked = (enum asked)asked;
    if (peak->mode == MODE_CONNECTIONS) {
        peak->batch = 1;
        peak->open = CONNECTIONS;
    }
    if (peak->server == NULL || optind != argc || peak->batch == 0 || peak->batch > BATCH_MAX || peak->open == 0 ||
        peak->open > WORKLOAD_SOURCES)
        wire_die("see the head of tests/bench/peak.c");
}

int main(int argc, char **argv)
{
    static struct peak peak = {
        .seconds = 1, .warm_ms = 300, .batch = 8, .open = WORKLOAD_SOURCES, .workload = {.sites = 1000}, .views = 2};

    read_arguments(&peak, argc, argv);
    open_sources(&peak);
    measure(&peak);
    return peak.wrong == 0 ? 0 : 1;
}

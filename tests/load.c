/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load: UDP queries at a rate, or as fast as answers come, with every answer checked.
 *
 *     load --server ADDR@PORT [--rate N] [--window N] [--count N] [--wait-ms N] FROM NAME TYPE ALLOWED[,ALLOWED…] …
 *
 * Asks the questions given (four arguments each) in turn, each from its address, until --count were sent or standard
 * input ends. At most --window (64) queries wait for their answers. Prints "running" when the first answer is there,
 * and at the end
 *
 *     sent N answered N lost N wrong N max_gap_ms N.NNN max_wait_ms N.NNN seconds N.NNN
 *
 * A query is never sent twice. It is lost if there was no answer --wait-ms (3000) after it was sent. An answer is wrong
 * if it does not belong to the question or if it holds an address that is not ALLOWED; an rcode may be ALLOWED too.
 * max_gap_ms is the longest time without an answer while one was waited for, max_wait_ms the longest time that one
 * query waited. An answer's time is when the system took it in, not when this program got round to it. Exit status 0:
 * none lost, none wrong.
 */
#include "tests/wire.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QUESTIONS_MAX 64
#define WINDOW_MAX    65536 /* the ID of a query is its slot */
#define BATCH         32    /* messages of one system call */
#define REPLY_MAX     4096
#define ARRIVALS_MAX  8192
#define TICK_US       500 /* between two looks at the clock, with --rate */
#define EXPIRE_US     50000
#define BUFFER_SIZE   (4 << 20) /* of a socket: an answer must not get lost here */

/* Queries that go out together. */
struct batch {
    unsigned count;
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    uint8_t queries[BATCH][WIRE_QUERY_MAX];
};

struct question {
    const char *name;
    const char *allowed; /* separated by commas */
    uint16_t type;
    int fd;
    size_t size;
    uint8_t query[WIRE_QUERY_MAX]; /* with ID 0 */
    struct batch batch;
};

/* A query on its way. Times are microseconds. */
struct pending {
    bool used;
    uint32_t question;
    uint64_t sent;
};

struct arrival {
    uint64_t at;
    uint64_t waited;
};

struct load {
    const char *server;
    unsigned long rate; /* queries a second; 0: as fast as answers come */
    unsigned long window;
    unsigned long count; /* 0: until standard input ends */
    unsigned long wait_ms;
    struct question questions[QUESTIONS_MAX];
    uint32_t question_count;
    uint32_t next_question;
    struct pending pending[WINDOW_MAX];
    unsigned long pending_count;
    unsigned long next_slot;
    unsigned long sent, answered, lost, wrong;
    struct arrival arrivals[ARRIVALS_MAX]; /* whose gaps were not looked at yet */
    size_t arrival_count;
    uint64_t begun, expired, last_arrival, max_gap, max_wait;
    bool stopped; /* nothing more is sent */
};

/* Of the clock that the system stamps datagrams with. */
static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool is_allowed(const char *list, const char *text)
{
    size_t length = strlen(text);

    while (*list != '\0') {
        size_t item = strcspn(list, ",");
        if (item == length && strncmp(list, text, length) == 0)
            return true;
        list += item + (list[item] == ',' ? 1 : 0);
    }
    return false;
}

static bool is_right(const struct question *question, const uint8_t *reply, size_t size)
{
    char text[WIRE_TEXT_MAX];
    size_t at = 0;
    bool found = false;

    if ((reply[3] & 15) != 0)
        return is_allowed(question->allowed, wire_rcode(reply));
    while (wire_next_address(reply, size, &at, text)) {
        if (!is_allowed(question->allowed, text))
            return false;
        found = true;
    }
    return at != SIZE_MAX && (found || is_allowed(question->allowed, "NOERROR"));
}

/* ---- gaps ---- */

static int compare_arrivals(const void *a, const void *b)
{
    const struct arrival *left = a;
    const struct arrival *right = b;

    return (left->at > right->at) - (left->at < right->at);
}

/* Sockets are read one after the other: only up to `until` are all answers here, and can be put in order. */
static void note_gaps(struct load *load, uint64_t until)
{
    size_t i = 0;

    qsort(load->arrivals, load->arrival_count, sizeof *load->arrivals, compare_arrivals);
    for (; i < load->arrival_count && load->arrivals[i].at <= until; i++) {
        const struct arrival *arrival = &load->arrivals[i];
        uint64_t gap = arrival->at > load->last_arrival ? arrival->at - load->last_arrival : 0;
        if (gap > arrival->waited) /* nobody was waited for before */
            gap = arrival->waited;
        if (gap > load->max_gap)
            load->max_gap = gap;
        if (arrival->waited > load->max_wait)
            load->max_wait = arrival->waited;
        if (arrival->at > load->last_arrival)
            load->last_arrival = arrival->at;
    }
    load->arrival_count -= i;
    memmove(load->arrivals, load->arrivals + i, load->arrival_count * sizeof *load->arrivals);
}

static void note_arrival(struct load *load, uint64_t sent, uint64_t at)
{
    if (load->arrival_count == ARRIVALS_MAX)
        note_gaps(load, UINT64_MAX);
    load->arrivals[load->arrival_count++] = (struct arrival){.at = at, .waited = at > sent ? at - sent : 0};
}

/* ---- answers ---- */

static void take_reply(struct load *load, const struct question *question, const uint8_t *reply, size_t size,
                       uint64_t at)
{
    size_t slot = size >= 2 ? (size_t)reply[0] << 8 | reply[1] : WINDOW_MAX;
    struct pending *pending = slot < load->window ? &load->pending[slot] : NULL;
    uint8_t query[WIRE_QUERY_MAX];

    memcpy(query, question->query, question->size);
    if (size >= 2)
        memcpy(query, reply, 2);
    if (pending == NULL || !pending->used || &load->questions[pending->question] != question ||
        !wire_is_reply(query, question->size, reply, size)) {
        load->wrong++;
        return;
    }
    if (!is_right(question, reply, size)) {
        if (load->wrong++ == 0)
            printf("# wrong: %s, rcode %s\n", question->name, wire_rcode(reply));
    }
    pending->used = false;
    load->pending_count--;
    if (load->answered++ == 0) {
        puts("running");
        fflush(stdout);
    }
    note_arrival(load, pending->sent, at);
}

static uint64_t stamp(struct msghdr *header)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
        struct timespec time;
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&time, CMSG_DATA(control), sizeof time);
        return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
    }
    return now_us();
}

/* True: there may be more. */
static bool receive_batch(struct load *load, const struct question *question)
{
    static uint8_t replies[BATCH][REPLY_MAX];
    uint64_t controls[BATCH][8];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];

    memset(messages, 0, sizeof messages);
    for (unsigned i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){.iov_base = replies[i], .iov_len = REPLY_MAX};
        messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &vectors[i], .msg_iovlen = 1, .msg_control = controls[i], .msg_controllen = sizeof controls[i]};
    }
    int count = recvmmsg(question->fd, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++)
        take_reply(load, question, replies[i], messages[i].msg_len, stamp(&messages[i].msg_hdr));
    return count == BATCH || (count < 0 && (errno == EINTR || errno == ECONNREFUSED));
}

static void receive_all(struct load *load)
{
    uint64_t now = now_us();

    for (uint32_t i = 0; i < load->question_count; i++)
        while (receive_batch(load, &load->questions[i]))
            ;
    note_gaps(load, now);
}

static void expire(struct load *load)
{
    uint64_t now = now_us();

    if (now - load->expired < EXPIRE_US)
        return;
    load->expired = now;
    for (size_t i = 0; i < load->window; i++) {
        if (!load->pending[i].used || load->pending[i].sent + load->wait_ms * 1000 > now)
            continue;
        load->pending[i].used = false;
        load->pending_count--;
        load->lost++;
    }
}

/* ---- queries ---- */

/* What nobody listens for goes on as lost. */
static void flush_batch(struct question *question)
{
    struct batch *batch = &question->batch;
    unsigned sent = 0;

    while (sent < batch->count) {
        int rc = sendmmsg(question->fd, batch->messages + sent, batch->count - sent, 0);
        if (rc < 0 && errno != ECONNREFUSED && errno != EINTR)
            wire_die("send: %s", strerror(errno));
        sent += rc > 0 ? (unsigned)rc : errno == ECONNREFUSED ? 1 : 0;
    }
    batch->count = 0;
}

static void add_query(struct load *load, uint64_t now)
{
    struct question *question = &load->questions[load->next_question];
    struct batch *batch = &question->batch;

    while (load->pending[load->next_slot].used)
        load->next_slot = (load->next_slot + 1) % load->window;
    uint8_t *query = batch->queries[batch->count];
    memcpy(query, question->query, question->size);
    query[0] = (uint8_t)(load->next_slot >> 8);
    query[1] = (uint8_t)load->next_slot;
    batch->vectors[batch->count] = (struct iovec){.iov_base = query, .iov_len = question->size};
    batch->messages[batch->count].msg_hdr = (struct msghdr){.msg_iov = &batch->vectors[batch->count], .msg_iovlen = 1};
    load->pending[load->next_slot] = (struct pending){.used = true, .question = load->next_question, .sent = now};
    load->next_slot = (load->next_slot + 1) % load->window;
    load->next_question = (load->next_question + 1) % load->question_count;
    load->pending_count++;
    load->sent++;
    if (++batch->count == BATCH)
        flush_batch(question);
}

static void send_due(struct load *load)
{
    uint64_t now = now_us();
    uint64_t elapsed = now - load->begun;

    while (!load->stopped && load->pending_count < load->window &&
           (load->rate == 0 || load->sent <= load->rate * elapsed / 1000000)) {
        if (load->count != 0 && load->sent >= load->count) {
            load->stopped = true;
            break;
        }
        add_query(load, now);
    }
    for (uint32_t i = 0; i < load->question_count; i++)
        flush_batch(&load->questions[i]);
}

/* Without --count, the end of standard input is the sign to stop. */
static void check_input(struct load *load, const struct pollfd *input)
{
    char buffer[64];

    if (load->stopped || load->count != 0 || input->revents == 0)
        return;
    if (read(STDIN_FILENO, buffer, sizeof buffer) <= 0)
        load->stopped = true;
}

/* At a rate the clock says when to go on; else an answer does. */
static void wait_for_work(struct load *load, struct pollfd *fds)
{
    bool paced = load->rate != 0 && !load->stopped;
    struct timespec tick = {.tv_nsec = paced ? TICK_US * 1000 : EXPIRE_US * 1000};
    struct pollfd *input = &fds[load->question_count];

    *input = (struct pollfd){.fd = load->stopped || load->count != 0 ? -1 : STDIN_FILENO, .events = POLLIN};
    if (ppoll(paced ? input : fds, paced ? 1 : load->question_count + 1, &tick, NULL) < 0 && errno != EINTR)
        wire_die("poll: %s", strerror(errno));
    check_input(load, input);
}

static void run(struct load *load)
{
    struct pollfd fds[QUESTIONS_MAX + 1];

    for (uint32_t i = 0; i < load->question_count; i++)
        fds[i] = (struct pollfd){.fd = load->questions[i].fd, .events = POLLIN};
    load->begun = now_us();
    while (!load->stopped || load->pending_count > 0) {
        send_due(load);
        wait_for_work(load, fds);
        receive_all(load);
        expire(load);
    }
    note_gaps(load, UINT64_MAX);
}

static void set_option(int fd, int option, int value)
{
    if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) != 0 && option != SO_RCVBUFFORCE)
        wire_die("socket option: %s", strerror(errno));
}

static void add_question(struct load *load, char **arguments)
{
    struct sockaddr_storage address;
    struct question *question = &load->questions[load->question_count++];

    question->name = arguments[1];
    question->type = wire_type(arguments[2]);
    question->allowed = arguments[3];
    question->size = wire_query(0, question->name, question->type, question->query);
    socklen_t size = wire_address(arguments[0], &address);
    question->fd = socket(address.ss_family, SOCK_DGRAM, 0);
    if (question->fd < 0 || bind(question->fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", arguments[0], strerror(errno));
    set_option(question->fd, SO_TIMESTAMPNS, 1);
    set_option(question->fd, SO_RCVBUF, BUFFER_SIZE);
    set_option(question->fd, SO_RCVBUFFORCE, BUFFER_SIZE);
    size = wire_address(load->server, &address);
    if (connect(question->fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", load->server, strerror(errno));
}

static void read_arguments(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},  {"rate", required_argument, NULL, 'r'},
        {"window", required_argument, NULL, 'w'},  {"count", required_argument, NULL, 'c'},
        {"wait-ms", required_argument, NULL, 't'}, {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            load->server = optarg;
        else if (option == 'r')
            load->rate = wire_number(optarg);
        else if (option == 'w')
            load->window = wire_number(optarg);
        else if (option == 'c')
            load->count = wire_number(optarg);
        else if (option == 't')
            load->wait_ms = wire_number(optarg);
        else
            wire_die("see the head of tests/load.c");
    }
    if (load->server == NULL || load->window == 0 || load->window > WINDOW_MAX || optind == argc ||
        (argc - optind) % 4 != 0 || argc - optind > 4 * QUESTIONS_MAX)
        wire_die("see the head of tests/load.c");
    for (int i = optind; i < argc; i += 4)
        add_question(load, argv + i);
}

int main(int argc, char **argv)
{
    static struct load load = {.window = 64, .wait_ms = 3000};

    read_arguments(&load, argc, argv);
    run(&load);
    printf("sent %lu answered %lu lost %lu wrong %lu max_gap_ms %.3f max_wait_ms %.3f seconds %.3f\n", load.sent,
           load.answered, load.lost, load.wrong, (double)load.max_gap / 1000, (double)load.max_wait / 1000,
           (double)(now_us() - load.begun) / 1e6);
    return load.lost == 0 && load.wrong == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_load: random foreign names for several views at once, each answer checked against what that view's upstream
 * (tests/upstream.c) tells.
 *
 *     forward_load --server ADDR@PORT [--count N] [--window N] [--names N] [--mix] [--suffix NAME] [--seed N]
 *                  [--clients N] [--wait-ms N] FROM=IDENTITY…
 *     forward_load --pipeline --server ADDR@PORT FROM NAME…
 *
 * Asks --count (1000) questions for A or AAAA of names n0 to n<N-1> (--names 1000) below --suffix (foreign.example), at
 * random from each FROM in turn, RD set; at most --window (64) wait for answers. With --clients each FROM is so many
 * addresses that follow each other (1). With --mix some names are chains, truncated, have TTL 0 or do not exist. An
 * answer is right if it has exactly the addresses that the resolver called IDENTITY gives that name; for IDENTITY
 * "refused", if it is REFUSED. A question is lost without an answer within --wait-ms (5000); none is asked twice.
 * Prints "sent" when all are sent, and at the end
 *
 *     asked N right N wrong N mixed N lost N max_wait_ms N seconds N.NNN
 *
 * mixed: wrong ones with an address that the upstream of another FROM tells. Exit status 0: all were right. --pipeline
 * sends questions for A of the names in one segment over TCP and prints each name, with the rcode, as its answer comes.
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

#define SOCKETS_MAX 512
#define WINDOW_MAX  4096
#define WRONG_SHOWN 5
#define BUFFER_SIZE (4 << 20)
#define TYPE_A      1
#define TYPE_AAAA   28
#define REPLY_MAX   65535

/* An address that asks. */
struct asker {
    const char *identity;
    int fd;
};

struct pending {
    bool used;
    uint16_t type;
    uint32_t asker;
    uint64_t sent; /* ms */
    size_t size;
    char name[UPSTREAM_NAME_MAX];
    uint8_t query[WIRE_QUERY_MAX];
};

struct load {
    const char *server, *suffix;
    unsigned long count, window, names, clients, wait_ms;
    bool mix, pipeline;
    uint64_t random, max_wait;
    struct asker askers[SOCKETS_MAX];
    uint32_t asker_count, next_asker;
    struct pending pending[WINDOW_MAX];
    unsigned long asked, waiting, right, wrong, mixed, lost;
};

static uint32_t next_random(struct load *load)
{
    load->random = load->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(load->random >> 33);
}

/* ---- answers ---- */

/* Exactly the addresses in `wanted`; NULL: none. */
static bool has_address(const uint8_t *reply, size_t size, const char *wanted)
{
    char text[WIRE_TEXT_MAX];
    size_t at = 0;
    unsigned found = 0;

    while (wire_next_address(reply, size, &at, text)) {
        if (wanted == NULL || strcmp(text, wanted) != 0)
            return false;
        found++;
    }
    return at != SIZE_MAX && found == (wanted == NULL ? 0 : 1);
}

static bool is_right(const struct asker *asker, const struct pending *pending, const uint8_t *reply, size_t size)
{
    struct upstream_conduct conduct;
    char key[UPSTREAM_NAME_MAX];
    char text[WIRE_TEXT_MAX];
    uint8_t address[16];

    if (strcmp(asker->identity, "refused") == 0)
        return strcmp(wire_rcode(reply), "REFUSED") == 0 && has_address(reply, size, NULL);
    upstream_conduct_read(pending->name, &conduct);
    if (conduct.rcode != 0)
        return (reply[3] & 15) == conduct.rcode && has_address(reply, size, NULL);
    if (conduct.nodata != 0)
        return (reply[3] & 15) == 0 && has_address(reply, size, NULL);
    upstream_key(pending->name, key);
    if (pending->type == TYPE_A)
        upstream_ipv4(asker->identity, key, address);
    else
        upstream_ipv6(asker->identity, key, address);
    inet_ntop(pending->type == TYPE_A ? AF_INET : AF_INET6, address, text, sizeof text);
    return (reply[3] & 15) == 0 && has_address(reply, size, text);
}

/* Does it tell what another asker's upstream says? */
static bool is_mixed(const struct load *load, const struct pending *pending, const uint8_t *reply, size_t size)
{
    char text[WIRE_TEXT_MAX];
    size_t at = 0;

    if (!wire_next_address(reply, size, &at, text))
        return false;
    for (uint32_t i = 0; i < load->asker_count; i++)
        if (strcmp(load->askers[i].identity, "refused") != 0 && is_right(&load->askers[i], pending, reply, size))
            return true;
    return false;
}

static void show_wrong(const struct load *load, const struct pending *pending, const uint8_t *reply, size_t size)
{
    const struct asker *asker = &load->askers[pending->asker];
    char text[WIRE_TEXT_MAX] = "no address";
    size_t at = 0;

    if (load->wrong >= WRONG_SHOWN)
        return;
    wire_next_address(reply, size, &at, text);
    printf("# wrong: %s %s for %s: %s, %s\n", pending->name, pending->type == TYPE_A ? "A" : "AAAA", asker->identity,
           wire_rcode(reply), text);
}

static void take_reply(struct load *load, uint32_t asker, const uint8_t *reply, size_t size)
{
    size_t slot = size < 12 ? WINDOW_MAX : (size_t)(reply[0] << 8 | reply[1]);
    struct pending *pending = slot < load->window ? &load->pending[slot] : NULL;

    /* A late answer to a question that was given up. */
    if (pending == NULL || !pending->used || pending->asker != asker ||
        !wire_is_reply(pending->query, pending->size, reply, size))
        return;
    if (is_right(&load->askers[asker], pending, reply, size)) {
        load->right++;
    } else {
        show_wrong(load, pending, reply, size);
        load->wrong++;
        load->mixed += is_mixed(load, pending, reply, size);
    }
    uint64_t waited = wire_now_ms() - pending->sent;
    if (waited > load->max_wait)
        load->max_wait = waited;
    pending->used = false;
    load->waiting--;
}

static void expire(struct load *load)
{
    uint64_t now = wire_now_ms();

    for (size_t i = 0; i < load->window; i++) {
        struct pending *pending = &load->pending[i];
        if (!pending->used || pending->sent + load->wait_ms > now)
            continue;
        if (load->lost++ < WRONG_SHOWN)
            printf("# lost: %s for %s\n", pending->name, load->askers[pending->asker].identity);
        pending->used = false;
        load->waiting--;
    }
}

/* ---- questions ---- */

static void choose_name(struct load *load, char name[UPSTREAM_NAME_MAX])
{
    static const char *const mixes[] = {"", "", "", "", ".cname2", ".ttl0", ".tc", ".nxdomain", ".nodata", ".link1"};
    unsigned long number = next_random(load) % load->names;
    const char *mix = load->mix ? mixes[number % (sizeof mixes / sizeof mixes[0])] : "";

    snprintf(name, UPSTREAM_NAME_MAX, "n%lu%s.%s", number, mix, load->suffix);
}

static void ask(struct load *load, size_t slot)
{
    struct pending *pending = &load->pending[slot];

    pending->used = true;
    pending->asker = load->next_asker;
    pending->type = next_random(load) % 4 == 0 ? TYPE_AAAA : TYPE_A;
    choose_name(load, pending->name);
    pending->size = wire_query((uint16_t)slot, pending->name, pending->type, pending->query);
    pending->query[2] |= 1; /* RD */
    pending->sent = wire_now_ms();
    if (send(load->askers[pending->asker].fd, pending->query, pending->size, 0) < 0 && errno != ECONNREFUSED)
        wire_die("send: %s", strerror(errno));
    load->next_asker = (load->next_asker + 1) % load->asker_count;
    load->waiting++;
    if (++load->asked == load->count) {
        puts("sent");
        fflush(stdout);
    }
}

static void ask_more(struct load *load)
{
    for (size_t slot = 0; slot < load->window && load->asked < load->count; slot++)
        if (!load->pending[slot].used)
            ask(load, slot);
}

static void receive(struct load *load, uint32_t asker)
{
    static uint8_t reply[REPLY_MAX];
    ssize_t size;

    while ((size = recv(load->askers[asker].fd, reply, sizeof reply, MSG_DONTWAIT)) >= 0)
        take_reply(load, asker, reply, (size_t)size);
}

static void run(struct load *load)
{
    struct pollfd events[SOCKETS_MAX];

    for (uint32_t i = 0; i < load->asker_count; i++)
        events[i] = (struct pollfd){.fd = load->askers[i].fd, .events = POLLIN};
    while (load->asked < load->count || load->waiting > 0) {
        ask_more(load);
        if (poll(events, load->asker_count, 100) < 0 && errno != EINTR)
            wire_die("poll: %s", strerror(errno));
        for (uint32_t i = 0; i < load->asker_count; i++)
            if (events[i].revents != 0)
                receive(load, i);
        expire(load);
    }
}

/* ---- start ---- */

static int open_socket(const char *server, const char *from, unsigned long number, int kind)
{
    struct sockaddr_storage address;
    socklen_t size = wire_address(from, &address);
    int buffer = BUFFER_SIZE;
    int fd = socket(address.ss_family, kind, 0);

    if (address.ss_family == AF_INET) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
        v4->sin_addr.s_addr = htonl(ntohl(v4->sin_addr.s_addr) + (uint32_t)number);
    }
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", from, strerror(errno));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    size = wire_address(server, &address);
    if (connect(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", server, strerror(errno));
    return fd;
}

static void add_askers(struct load *load, char **arguments, int count)
{
    for (unsigned long client = 0; client < load->clients; client++) {
        for (int i = 0; i < count; i++) {
            char from[WIRE_TEXT_MAX];
            const char *equals = strchr(arguments[i], '=');
            if (equals == NULL || load->asker_count == SOCKETS_MAX)
                wire_die("see the head of tests/forward_load.c");
            snprintf(from, sizeof from, "%.*s", (int)(equals - arguments[i]), arguments[i]);
            load->askers[load->asker_count++] =
                (struct asker){.identity = equals + 1, .fd = open_socket(load->server, from, client, SOCK_DGRAM)};
        }
    }
}

static void read_whole(int fd, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(fd, bytes, size, 0);
        if (got <= 0)
            wire_die("the connection ended");
        bytes += got;
        size -= (size_t)got;
    }
}

static void run_pipeline(const struct load *load, char **arguments, int count)
{
    static uint8_t bytes[REPLY_MAX];
    size_t size = 0;
    int fd = open_socket(load->server, arguments[0], 0, SOCK_STREAM);

    for (int i = 1; i < count && i < 100; i++) {
        size_t query = wire_query((uint16_t)i, arguments[i], TYPE_A, bytes + size + 2);
        bytes[size + 4] |= 1; /* RD */
        bytes[size] = (uint8_t)(query >> 8);
        bytes[size + 1] = (uint8_t)query;
        size += query + 2;
    }
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size)
        wire_die("send: %s", strerror(errno));
    for (int i = 1; i < count; i++) {
        read_whole(fd, bytes, 2);
        size = (size_t)(bytes[0] << 8 | bytes[1]);
        read_whole(fd, bytes, size);
        int number = bytes[0] << 8 | bytes[1];
        if (size < 12 || number < 1 || number >= count)
            wire_die("an answer to nothing");
        printf("%s %s\n", arguments[number], wire_rcode(bytes));
        fflush(stdout);
    }
}

static void read_options(struct load *load, int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'c'},
        {"window", required_argument, NULL, 'w'},
        {"names", required_argument, NULL, 'n'},
        {"mix", no_argument, NULL, 'm'},
        {"suffix", required_argument, NULL, 'x'},
        {"seed", required_argument, NULL, 'r'},
        {"clients", required_argument, NULL, 'l'},
        {"wait-ms", required_argument, NULL, 't'},
        {"pipeline", no_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            load->server = optarg;
        else if (option == 'x')
            load->suffix = optarg;
        else if (option == 'm')
            load->mix = true;
        else if (option == 'p')
            load->pipeline = true;
        else if (option == 'r')
            load->random = wire_number(optarg);
        else if (option == '?')
            wire_die("see the head of tests/forward_load.c");
        else
            *(option == 'c'   ? &load->count
              : option == 'w' ? &load->window
              : option == 'n' ? &load->names
              : option == 'l' ? &load->clients
                              : &load->wait_ms) = wire_number(optarg);
    }
    if (load->server == NULL || optind == argc || load->window == 0 || load->window > WINDOW_MAX || load->names == 0)
        wire_die("see the head of tests/forward_load.c");
}

int main(int argc, char **argv)
{
    static struct load load = {
        .suffix = "foreign.example", .count = 1000, .window = 64, .names = 1000, .clients = 1, .wait_ms = 5000};
    uint64_t begun = wire_now_ms();

    read_options(&load, argc, argv);
    if (load.pipeline) {
        run_pipeline(&load, argv + optind, argc - optind);
        return 0;
    }
    add_askers(&load, argv + optind, argc - optind);
    run(&load);
    printf("asked %lu right %lu wrong %lu mixed %lu lost %lu max_wait_ms %lu seconds %.3f\n", load.asked, load.right,
           load.wrong, load.mixed, load.lost, (unsigned long)load.max_wait, (double)(wire_now_ms() - begun) / 1000);
    return load.wrong == 0 && load.lost == 0 ? 0 : 1;
}

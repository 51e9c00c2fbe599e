/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * first: start a server and measure how long it is until it gives a good answer.
 *
 *     first --server ADDR@PORT [--from ADDR] --name NAME [--rd] [--log FILE] [--pid-file FILE]
 *           [--evict FILE]… [--wait S] [--cpu N] [--on N]… -- COMMAND…
 *
 * Asks for the A record of NAME, with --rd for recursion, again every 100 microseconds, until an answer with NOERROR
 * comes; prints
 *
 *     start_ms N.NNN pid N
 *
 * counted from before fork and exec, and leaves the server running, with its output in --log; its number is in
 * --pid-file from the beginning. --evict takes the pages of a file out of the page cache before: a start after a
 * reboot. --cpu: the processor of this program, --on: those of the server. Exit status 2, and the server is killed: it
 * ended, or gave no good answer in
 * --wait (60) seconds.
 */
#include "tests/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MAX   4096
#define PATIENCE_NS 100000

struct first {
    const char *server;
    const char *from;
    const char *name;
    const char *log;
    const char *pid_file;
    bool recursive;
    unsigned long wait_s;
    cpu_set_t processors; /* of the server */
    char **command;
};

static double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void evict(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        wire_die("%s: %s", path, strerror(errno));
    close(fd);
}

static int open_client(const struct first *first)
{
    struct sockaddr_storage address;
    socklen_t size = wire_address(first->from, &address);
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", first->from, strerror(errno));
    size = wire_address(first->server, &address);
    if (connect(fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", first->server, strerror(errno));
    return fd;
}

static _Noreturn void become_server(const struct first *first)
{
    int in = open("/dev/null", O_RDONLY);
    int out = open(first->log, O_WRONLY | O_CREAT | O_TRUNC, 0666);

    if (sched_setaffinity(0, sizeof first->processors, &first->processors) != 0 || in < 0 || out < 0 ||
        dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    execvp(first->command[0], first->command);
    dprintf(2, "%s: %s\n", first->command[0], strerror(errno));
    _exit(127);
}

static void write_pid(const char *path, pid_t pid)
{
    FILE *stream = fopen(path, "w");

    if (stream == NULL || fprintf(stream, "%d\n", (int)pid) < 0 || fclose(stream) != 0)
        wire_die("%s: %s", path, strerror(errno));
}

static bool is_good(const uint8_t *query, size_t query_size, int fd)
{
    uint8_t reply[REPLY_MAX];
    ssize_t size;

    while ((size = recv(fd, reply, sizeof reply, 0)) >= 0)
        if (wire_is_reply(query, query_size, reply, (size_t)size) && (reply[3] & 15) == 0)
            return true;
    return false;
}

static bool wait_answer(const struct first *first, pid_t pid, int fd)
{
    const struct timespec patience = {.tv_nsec = PATIENCE_NS};
    struct pollfd client = {.fd = fd, .events = POLLIN};
    uint8_t query[WIRE_QUERY_MAX];
    size_t size = wire_query(1, first->name, 1, query);
    query[2] = first->recursive;
    double end = now_ms() + (double)first->wait_s * 1e3;

    while (now_ms() < end) {
        if (send(fd, query, size, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN && errno != ENOBUFS)
            wire_die("send: %s", strerror(errno));
        if (ppoll(&client, 1, &patience, NULL) > 0 && is_good(query, size, fd))
            return true;
        if ((client.revents & POLLERR) != 0) /* nobody listens yet, and the next poll would not wait */
            nanosleep(&patience, NULL);
        if (waitpid(pid, NULL, WNOHANG) == pid)
            wire_die("%s ended; see %s", first->command[0], first->log);
    }
    return false;
}

static void stay_on(unsigned long processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        wire_die("processor %lu: %s", processor, strerror(errno));
}

static bool add_processor(struct first *first, const char *text)
{
    CPU_SET(wire_number(text), &first->processors);
    return true;
}

static void read_arguments(struct first *first, int argc, char **argv)
{
    static const struct option options[] = {
        {"server", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},
        {"name", required_argument, NULL, 'n'},
        {"log", required_argument, NULL, 'l'},
        {"evict", required_argument, NULL, 'e'},
        {"wait", required_argument, NULL, 'w'},
        {"cpu", required_argument, NULL, 'c'},
        {"on", required_argument, NULL, 'o'},
        {"pid-file", required_argument, NULL, 'p'},
        {"rd", no_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    bool chosen = false;
    int option;

    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == 's')
            first->server = optarg;
        else if (option == 'f')
            first->from = optarg;
        else if (option == 'n')
            first->name = optarg;
        else if (option == 'l')
            first->log = optarg;
        else if (option == 'e')
            evict(optarg);
        else if (option == 'w')
            first->wait_s = wire_number(optarg);
        else if (option == 'p')
            first->pid_file = optarg;
        else if (option == 'r')
            first->recursive = true;
        else if (option == 'o')
            chosen = add_processor(first, optarg);
        else if (option == 'c')
            stay_on(wire_number(optarg));
        else
            wire_die("see the head of tests/bench/first.c");
    }
    for (size_t i = 0; !chosen && i < CPU_SETSIZE; i++)
        CPU_SET(i, &first->processors);
    first->command = argv + optind;
    if (first->server == NULL || first->name == NULL || optind == argc)
        wire_die("see the head of tests/bench/first.c");
}

int main(int argc, char **argv)
{
    struct first first = {.from = "127.0.0.1", .log = "/dev/null", .wait_s = 60};

    read_arguments(&first, argc, argv);
    int fd = open_client(&first);
    double begin = now_ms();
    pid_t pid = fork();
    if (pid < 0)
        wire_die("fork: %s", strerror(errno));
    if (pid == 0)
        become_server(&first);
    if (first.pid_file != NULL)
        write_pid(first.pid_file, pid);
    if (!wait_answer(&first, pid, fd)) {
        kill(pid, SIGKILL);
        wire_die("%s gives no good answer", first.command[0]);
    }
    printf("start_ms %.3f pid %d\n", now_ms() - begin, (int)pid);
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/responder.h"

#include "tests/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BATCH       32        /* messages of one system call */
#define BUFFER_SIZE (4 << 20) /* of the socket */

struct responder {
    int fd;
    struct mmsghdr received[BATCH];
    struct mmsghdr replies[BATCH];
    struct iovec in[BATCH];
    struct iovec out[BATCH];
    struct sockaddr_storage peers[BATCH];
    uint8_t messages[BATCH][RESPONDER_REPLY_MAX];
};

static unsigned receive(struct responder *responder)
{
    for (unsigned i = 0; i < BATCH; i++) {
        responder->in[i] = (struct iovec){.iov_base = responder->messages[i], .iov_len = RESPONDER_QUERY_MAX};
        responder->received[i].msg_hdr = (struct msghdr){.msg_name = &responder->peers[i],
                                                         .msg_namelen = sizeof responder->peers[i],
                                                         .msg_iov = &responder->in[i],
                                                         .msg_iovlen = 1};
    }
    int count = recvmmsg(responder->fd, responder->received, BATCH, MSG_WAITFORONE, NULL);
    if (count < 0 && errno != EINTR)
        wire_die("receive: %s", strerror(errno));
    return count < 0 ? 0 : (unsigned)count;
}

static void serve_batch(struct responder *responder, responder_make make)
{
    unsigned count = receive(responder);
    unsigned replies = 0;

    for (unsigned i = 0; i < count; i++) {
        struct iovec *out = &responder->out[replies];
        *out = (struct iovec){.iov_base = responder->messages[i]};
        out->iov_len = make(responder->messages[i], responder->received[i].msg_len);
        if (out->iov_len == 0)
            continue;
        responder->replies[replies].msg_hdr = responder->received[i].msg_hdr;
        responder->replies[replies++].msg_hdr.msg_iov = out;
    }
    for (unsigned sent = 0; sent < replies;) {
        int rc = sendmmsg(responder->fd, responder->replies + sent, replies - sent, 0);
        sent += rc > 0 ? (unsigned)rc : 1; /* who is gone gets nothing */
    }
}

static void open_responder(struct responder *responder, const char *where)
{
    struct sockaddr_storage address;
    int room = BUFFER_SIZE;
    int shared = 1;
    socklen_t size = wire_address(where, &address);

    responder->fd = socket(address.ss_family, SOCK_DGRAM, 0);
    if (responder->fd < 0 || setsockopt(responder->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
        setsockopt(responder->fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared) != 0 ||
        bind(responder->fd, (const struct sockaddr *)&address, size) != 0)
        wire_die("%s: %s", where, strerror(errno));
}

/* The others go when the first does. */
static void multiply(unsigned long processes)
{
    for (unsigned long i = 1; i < processes; i++) {
        pid_t pid = fork();
        if (pid < 0)
            wire_die("fork: %s", strerror(errno));
        if (pid > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return;
    }
}

_Noreturn void responder_run(const char *where, unsigned long processes, responder_make make)
{
    struct responder *responder = calloc(1, sizeof *responder);

    if (responder == NULL)
        wire_die("no memory");
    multiply(processes);
    open_responder(responder, where);
    for (;;)
        serve_batch(responder, make);
}

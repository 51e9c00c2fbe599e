/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exchange: send many questions to one server, a window of them at a time, and keep the raw replies.
 */
#ifndef SPLITVIEW_TESTS_PEERS_EXCHANGE_H
#define SPLITVIEW_TESTS_PEERS_EXCHANGE_H

#include "tests/peers/question.h"

#include <netinet/in.h>

/* The last reply to one question; wire is NULL if none came. Owned. */
struct raw_reply {
    uint8_t *wire;
    size_t size;
};

/* A server as named on the command line: NAME=ADDRESS@PORT. */
struct exchange_server {
    char name[32];
    struct sockaddr_in address;
};

bool exchange_server_read(struct exchange_server *server, const char *text);

/*
 * Ask every question that goes over this transport and fill replies[i], i = the question's index. Over UDP a question
 * is repeated up to five times, over TCP a connection that the server ends is opened again. False: no memory or no
 * socket.
 */
bool exchange_all(const struct exchange_server *server, const struct question_list *list, bool tcp,
                  struct raw_reply *replies);

/* Ask one question again and again until `deadline_ms` is over or the reply is an authoritative NOERROR. */
bool exchange_wait(const struct exchange_server *server, const struct question_line *line, int deadline_ms);

/* A port of 127.0.0.1 that is free for UDP and TCP now; 0 if there is none. */
unsigned exchange_free_port(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream: a resolver that knows everything, for measuring those who forward to it. Every question gets NOERROR; a
 * question for an A record gets one, 192.0.2.1 with a TTL of an hour. The question goes back as it came, so that
 * letters keep their case; EDNS is answered with EDNS.
 *
 *     upstream ADDR@PORT
 */
#include "tests/bench/responder.h"
#include "tests/wire.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_SIZE 12

static size_t put(uint8_t *message, size_t at, const uint8_t *bytes, size_t size)
{
    memcpy(message + at, bytes, size);
    return at + size;
}

static size_t answer(uint8_t *message, size_t size)
{
    static const uint8_t record[] = {0xc0, HEADER_SIZE, 0, 1, 0, 1, 0, 0, 3600 >> 8, 3600 & 255, 0, 4, 192, 0, 2, 1};
    static const uint8_t opt[] = {0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0, 0, 0};
    size_t at = HEADER_SIZE;

    if (size < HEADER_SIZE || (message[2] & 0x80) != 0 || message[4] != 0 || message[5] != 1)
        return 0;
    while (at < size && message[at] != 0)
        at += message[at] + 1u;
    if (at + 5 > size)
        return 0;
    bool is_address = message[at + 1] == 0 && message[at + 2] == 1;
    bool edns = message[11] != 0;
    at += 5;
    message[2] |= 0x80;
    message[3] = 0x80;
    message[7] = is_address;
    message[11] = edns;
    if (is_address)
        at = put(message, at, record, sizeof record);
    return edns ? put(message, at, opt, sizeof opt) : at;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        wire_die("see the head of tests/bench/upstream.c");
    responder_run(argv[1], 1, answer);
}

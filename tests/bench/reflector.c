/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reflector: what the kernel alone costs. Sends every datagram back to where it came from, with the QR bit set; knows
 * no DNS.
 *
 *     reflector ADDR@PORT [PROCESSES]
 */
#include "tests/bench/responder.h"
#include "tests/wire.h"

static size_t reflect(uint8_t *message, size_t size)
{
    if (size > 2)
        message[2] |= 0x80;
    return size;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        wire_die("see the head of tests/bench/reflector.c");
    responder_run(argv[1], argc == 3 ? wire_number(argv[2]) : 1, reflect);
}

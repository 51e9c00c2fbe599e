/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_SIZE 12
#define TYPE_A      1
#define TYPE_AAAA   28

void wire_die(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", program_invocation_short_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(2);
}

unsigned long wire_number(const char *text)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        wire_die("no number: %s", text);
    return number;
}

socklen_t wire_address(const char *text, struct sockaddr_storage *storage)
{
    char address[WIRE_TEXT_MAX];
    const char *at = strchr(text, '@');
    size_t size = at == NULL ? strlen(text) : (size_t)(at - text);
    uint16_t port = at == NULL ? 0 : htons((uint16_t)wire_number(at + 1));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};

    if (size >= sizeof address)
        wire_die("no address: %s", text);
    memcpy(address, text, size);
    address[size] = '\0';
    memset(storage, 0, sizeof *storage);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(storage, &v4, sizeof v4);
        return sizeof v4;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
        wire_die("no address: %s", text);
    memcpy(storage, &v6, sizeof v6);
    return sizeof v6;
}

uint16_t wire_type(const char *text)
{
    static const struct {
        const char *text;
        uint16_t type;
    } types[] = {{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    if (strncmp(text, "TYPE", 4) != 0)
        wire_die("no type: %s", text);
    return (uint16_t)wire_number(text + 4);
}

size_t wire_query(uint16_t id, const char *name, uint16_t type, uint8_t query[WIRE_QUERY_MAX])
{
    size_t size = HEADER_SIZE;

    memset(query, 0, HEADER_SIZE);
    query[0] = (uint8_t)(id >> 8);
    query[1] = (uint8_t)id;
    query[5] = 1;
    while (*name != '\0') {
        size_t length = strcspn(name, ".");
        if (length == 0 || length > 63 || size + length + 6 > WIRE_QUERY_MAX)
            wire_die("no name: %s", name);
        query[size++] = (uint8_t)length;
        memcpy(query + size, name, length);
        size += length;
        name += length + (name[length] == '.' ? 1 : 0);
    }
    query[size++] = 0;
    query[size++] = (uint8_t)(type >> 8);
    query[size++] = (uint8_t)type;
    query[size++] = 0;
    query[size++] = 1;
    return size;
}

bool wire_is_reply(const uint8_t *query, size_t query_size, const uint8_t *reply, size_t reply_size)
{
    if (reply_size < query_size || memcmp(query, reply, 2) != 0 || (reply[2] & 0x80) == 0)
        return false;
    return reply[4] == 0 && reply[5] == 1 &&
           memcmp(query + HEADER_SIZE, reply + HEADER_SIZE, query_size - HEADER_SIZE) == 0;
}

/* The offset behind a name, SIZE_MAX if it is broken. */
static size_t skip_name(const uint8_t *reply, size_t size, size_t at)
{
    while (at < size) {
        if (reply[at] == 0)
            return at + 1;
        if (reply[at] >= 0xc0)
            return at + 2;
        at += (size_t)reply[at] + 1;
    }
    return SIZE_MAX;
}

static unsigned read_u16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Which record of the answer section this is stands in the upper half of *at. */
bool wire_next_address(const uint8_t *reply, size_t size, size_t *at, char text[WIRE_TEXT_MAX])
{
    size_t number = *at >> 32;
    size_t offset = *at & UINT32_MAX;
    size_t count = size < HEADER_SIZE ? 0 : read_u16(reply + 6);

    if (offset == 0)
        offset = skip_name(reply, size, HEADER_SIZE) + 4;
    for (; number < count; number++) {
        size_t head = skip_name(reply, size, offset);
        if (head == SIZE_MAX || head + 10 > size || head + 10 + read_u16(reply + head + 8) > size) {
            *at = SIZE_MAX;
            return false;
        }
        unsigned type = read_u16(reply + head);
        unsigned length = read_u16(reply + head + 8);
        offset = head + 10 + length;
        if ((type != TYPE_A || length != 4) && (type != TYPE_AAAA || length != 16))
            continue;
        inet_ntop(type == TYPE_A ? AF_INET : AF_INET6, reply + head + 10, text, WIRE_TEXT_MAX);
        *at = (number + 1) << 32 | offset;
        return true;
    }
    return false;
}

const char *wire_rcode(const uint8_t *reply)
{
    static const char *const names[16] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    const char *name = names[reply[3] & 15];

    return name == NULL ? "OTHER" : name;
}

uint64_t wire_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

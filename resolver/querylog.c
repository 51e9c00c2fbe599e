/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/querylog.h"

#include "resolver/say.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE  2048 /* bytes: a name's text, a view's, and what is around them */
#define VIEW_SHOWN_MAX 256  /* bytes of a view's name */

static const struct {
    uint16_t type;
    char text[11];
} type_names[] = {
    {RRTYPE_A, "A"},         {RRTYPE_AAAA, "AAAA"},   {RRTYPE_CNAME, "CNAME"}, {RRTYPE_MX, "MX"},
    {RRTYPE_NS, "NS"},       {RRTYPE_PTR, "PTR"},     {RRTYPE_SOA, "SOA"},     {RRTYPE_SRV, "SRV"},
    {RRTYPE_TXT, "TXT"},     {RRTYPE_NAPTR, "NAPTR"}, {RRTYPE_SVCB, "SVCB"},   {RRTYPE_HTTPS, "HTTPS"},
    {RRTYPE_DNAME, "DNAME"}, {RRTYPE_DS, "DS"},       {RRTYPE_AXFR, "AXFR"},   {RRTYPE_IXFR, "IXFR"},
    {RRTYPE_ANY, "ANY"},
};

static const char *const rcode_names[] = {
    [RCODE_NOERROR] = "NOERROR",   [RCODE_FORMERR] = "FORMERR", [RCODE_SERVFAIL] = "SERVFAIL",
    [RCODE_NXDOMAIN] = "NXDOMAIN", [RCODE_NOTIMP] = "NOTIMP",   [RCODE_REFUSED] = "REFUSED",
    [RCODE_YXDOMAIN] = "YXDOMAIN", [RCODE_NOTAUTH] = "NOTAUTH", [RCODE_BADVERS] = "BADVERS",
};

void querylog_init(struct querylog *log, struct counters *counters)
{
    log->fd = -1;
    log->counters = counters;
    log->used = 0;
    log->second = -1;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t querylog_begin(const struct querylog *log)
{
    return log->fd < 0 ? 0 : monotonic_ns();
}

/* gmtime_r takes a lock of the C library, and memory when it is called first. */
static void set_moment(struct querylog *log, time_t second)
{
    struct tm parts;

    if (log->second == second)
        return;
    log->second = second;
    gmtime_r(&second, &parts);
    if (strftime(log->moment, sizeof log->moment, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        log->moment[0] = '\0';
}

void querylog_use(struct querylog *log, int fd)
{
    querylog_flush(log);
    log->fd = fd;
    if (fd >= 0)
        set_moment(log, time(NULL));
}

static const char *format_type(uint16_t type, char text[16])
{
    for (size_t i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
        if (type_names[i].type == type)
            return type_names[i].text;
    snprintf(text, 16, "TYPE%u", type);
    return text;
}

static const char *format_rcode(enum rcode rcode, char text[16])
{
    if (rcode < sizeof rcode_names / sizeof rcode_names[0] && rcode_names[rcode] != NULL)
        return rcode_names[rcode];
    snprintf(text, 16, "RCODE%u", (unsigned)rcode);
    return text;
}

void querylog_add(struct querylog *log, uint64_t begin, const struct client *client, const struct query *query,
                  const struct generation *generation, bool replied)
{
    struct timespec now;
    char address[ADDRESS_TEXT_MAX];
    char name[NAME_TEXT_MAX] = "-";
    char type[16] = "-";
    char rcode[16];
    const char *view = "-";
    bool has_question = query->parsed != PARSE_DROP && query->message.has_question;

    if (log->fd < 0)
        return;
    if (sizeof log->buffer - log->used < LINE_MAX_SIZE)
        querylog_flush(log);
    clock_gettime(CLOCK_REALTIME, &now);
    set_moment(log, now.tv_sec);
    address_to_text(&client->source, address);
    if (has_question)
        name_to_text(query->message.name, name);
    if (query->view.view != VIEW_NONE && generation->policy != NULL &&
        query->view.view < generation->policy->view_count)
        view = generation->policy->views[query->view.view].name;
    uint64_t taken = begin == 0 ? 0 : (monotonic_ns() - begin) / 1000;
    int size = snprintf(log->buffer + log->used, LINE_MAX_SIZE, "%s.%06uZ %s#%u %s %.*s %s %s %s %llu\n", log->moment,
                        (unsigned)(now.tv_nsec / 1000), address, client->source_port,
                        client->transport == TRANSPORT_TCP ? "tcp" : "udp", VIEW_SHOWN_MAX, view, name,
                        has_question ? format_type(query->message.type, type) : "-",
                        replied ? format_rcode(query->rcode, rcode) : "-", (unsigned long long)taken);
    assert(size > 0 && size < LINE_MAX_SIZE);
    log->used += (size_t)size;
}

/* False if some lines were lost. */
static bool write_lines(int fd, const char *lines, size_t size)
{
    if (fd == STDERR_FILENO)
        return say_lines(lines, size);
    while (size > 0) {
        ssize_t count = write(fd, lines, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        lines += count;
        size -= (size_t)count;
    }
    return true;
}

void querylog_flush(struct querylog *log)
{
    if (log->fd >= 0 && log->used > 0 && !write_lines(log->fd, log->buffer, log->used))
        counters_add(log->counters, COUNTER_LOG_ERRORS, 1);
    log->used = 0;
}

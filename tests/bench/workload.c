/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/workload.h"

#include "tests/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TYPE_A         1
#define TYPE_AAAA      28
#define HEADER_SIZE    12
#define PATH_SIZE      4096
#define RCODE_NXDOMAIN 3
#define FLAG_QR        0x80
#define FLAG_RA        0x80 /* in the next byte */
#define FLAGS_OWN      0x84 /* QR and AA, nothing cut off */

/* Addresses of a site, one network for each use; the site's number is the rest. */
#define NETWORK_PUBLIC 0xc6120000u /* 198.18.0.0/15 */
#define NETWORK_POOL   0x0a000000u /* 10.0.0.0/8 */
#define NETWORK_PROXY  0xac100000u /* 172.16.0.0/12 */

/* 127.10.0.0/16 is inside, 127.99.0.0/16 the internet; of more than two views each prefix is a /24 from 127.16.0.0. */
#define SOURCE_INSIDE   0x7f0a0001u
#define SOURCE_INTERNET 0x7f630001u
#define SOURCE_PREFIXES 0x7f100000u

/* ---- data ---- */

static FILE *create(const char *format, ...) __attribute__((format(printf, 1, 2)));
static FILE *create(const char *format, ...)
{
    char path[PATH_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    FILE *stream = fopen(path, "w");
    if (stream == NULL)
        wire_die("%s: %s", path, strerror(errno));
    return stream;
}

static void finish(FILE *stream)
{
    if (ferror(stream) || fclose(stream) != 0)
        wire_die("write: %s", strerror(errno));
}

static void make_folder(const char *folder, const char *name)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        wire_die("%s: %s", path, strerror(errno));
}

static const char *dotted(uint32_t address, char text[WIRE_TEXT_MAX])
{
    snprintf(text, WIRE_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
    return text;
}

static void write_head(FILE *stream)
{
    fputs("$TTL 3600\n@ SOA ns hostmaster 2026112001 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n", stream);
}

/* What the base and the overlay both may give; `dot` stands before the site's subdomain, "" if it is a zone. */
struct site {
    char under[WORKLOAD_APEX_MAX]; /* ".site7", or "" */
    char public[WIRE_TEXT_MAX];
    char pool[WIRE_TEXT_MAX];
    char proxy[WIRE_TEXT_MAX];
    uint32_t number;
};

static struct site make_site(const struct workload *workload, uint32_t number)
{
    struct site site = {.number = number};

    if (workload->one_zone)
        snprintf(site.under, sizeof site.under, ".site%u", number);
    dotted(NETWORK_PUBLIC + number, site.public);
    dotted(NETWORK_POOL + number, site.pool);
    dotted(NETWORK_PROXY + number, site.proxy);
    return site;
}

static void write_shared(FILE *stream, const struct site *site)
{
    const char *under = site->under;

    if (*under != '\0') /* in place of SOA, NS and the name server of a zone of its own */
        fprintf(stream, "av%s A %s\nwebcon%s A %s\nedge%s A %s\n", under, site->public, under, site->public, under,
                site->public);
    if (*under != '\0')
        fprintf(stream, "%s", under + 1);
    else
        fputs("@", stream);
    fprintf(stream, " A %s\n", site->public);
    fprintf(stream, "www%s A %s\nwww%s AAAA 2001:db8::%x:%x\n", under, site->public, under, site->number >> 16,
            site->number & 0xffff);
    fprintf(stream, "_sipfederationtls._tcp%s SRV 0 0 5061 sip%s\n", under, under);
    fprintf(stream, "meet%s A %s\ndialin%s A %s\nweb%s A %s\n", under, site->public, under, site->public, under,
            site->public);
}

static void write_base(FILE *stream, const struct site *site)
{
    fprintf(stream, "lyncdiscover%s CNAME web%s\nsip%s A %s\n", site->under, site->under, site->under, site->public);
}

static void write_overlay(FILE *stream, const struct site *site)
{
    const char *under = site->under;

    fprintf(stream, "lyncdiscoverinternal%s CNAME pool%s\npool%s A %s\n", under, under, under, site->pool);
    fprintf(stream, "lyncdiscover%s A %s\nsip%s A %s\n", under, site->proxy, under, site->proxy);
}

void workload_apex(const struct workload *workload, uint32_t site, char text[WORKLOAD_APEX_MAX])
{
    snprintf(text, WORKLOAD_APEX_MAX, workload->one_zone ? "site%u.big.example" : "site%u.example", site);
}

/* Zones of one layer: `shared` and `base` for the internet, `overlay` for inside, `shared` and `overlay` for a server
 * without views. */
static void write_layer(const struct workload *workload, const char *folder, const char *layer)
{
    bool is_overlay = strcmp(layer, "inside") == 0;
    FILE *stream = workload->one_zone ? create("%s/%s/big.example.zone", folder, layer) : NULL;

    if (workload->one_zone && !is_overlay)
        write_head(stream);
    else if (workload->one_zone)
        fputs("$TTL 3600\n", stream);
    for (uint32_t i = 0; i < workload->sites; i++) {
        struct site site = make_site(workload, i);
        if (!workload->one_zone) {
            stream = create("%s/%s/site%u.example.zone", folder, layer, i);
            if (is_overlay)
                fputs("$TTL 3600\n", stream);
            else
                write_head(stream);
        }
        if (!is_overlay)
            write_shared(stream, &site);
        if (is_overlay || workload->plain)
            write_overlay(stream, &site);
        else
            write_base(stream, &site);
        if (!workload->one_zone)
            finish(stream);
    }
    if (workload->one_zone)
        finish(stream);
}

static void write_policy(const char *folder, uint32_t views, uint32_t prefixes)
{
    FILE *stream = create("%s/policy.conf", folder);
    char text[WIRE_TEXT_MAX];

    fputs("[view internet]\nclients = any\n[view inside]\nbase = internet\nclients = 127.10.0.0/16\n", stream);
    for (uint32_t view = 2; view < views; view++) {
        fprintf(stream, "[view inside%u]\nbase = inside\n", view);
        for (uint32_t i = view - 2; i < prefixes; i += views - 2)
            fprintf(stream, "clients = %s/24\n", dotted(SOURCE_PREFIXES + (i << 8), text));
    }
    finish(stream);
}

void workload_write(const struct workload *workload, const char *folder, uint32_t views, uint32_t prefixes)
{
    if (workload->plain) {
        make_folder(folder, "plain");
        write_layer(workload, folder, "plain");
        return;
    }
    make_folder(folder, "internet");
    make_folder(folder, "inside");
    write_policy(folder, views, prefixes);
    write_layer(workload, folder, "internet");
    write_layer(workload, folder, "inside");
}

/* ---- questions ---- */

enum workload_kind { DISCOVER_INTERNAL, DISCOVER, WEB_AAAA, WEB, MISSING, NO_DATA, KINDS };

static const uint8_t shares[2][KINDS] = {
    [NETWORK_INSIDE] =
        {[DISCOVER_INTERNAL] = 45, [DISCOVER] = 10, [WEB_AAAA] = 5, [WEB] = 5, [MISSING] = 5, [NO_DATA] = 2},
    [NETWORK_INTERNET] = {[DISCOVER] = 10, [WEB_AAAA] = 5, [WEB] = 5, [MISSING] = 5, [NO_DATA] = 3},
};

/* splitmix64: a sequence that is the same everywhere. */
static uint32_t draw(uint64_t *random, uint32_t below)
{
    uint64_t mixed = *random += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((mixed ^ mixed >> 31) >> 32) * below >> 32);
}

static enum workload_kind draw_kind(enum workload_network network, uint64_t *random)
{
    uint32_t sum = 0;

    for (unsigned kind = 0; kind < KINDS; kind++)
        sum += shares[network][kind];
    uint32_t drawn = draw(random, sum);
    unsigned kind = 0;
    while (drawn >= shares[network][kind])
        drawn -= shares[network][kind++];
    return kind;
}

void workload_ask(struct workload_question *question, const char *name, uint16_t type, bool edns)
{
    static const uint8_t opt[] = {0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0, 0, 0};
    uint8_t query[WIRE_QUERY_MAX];
    size_t size = wire_query(0, name, type, query);

    if (size + sizeof opt > sizeof question->query)
        wire_die("too long: %s", name);
    if (edns) {
        memcpy(query + size, opt, sizeof opt);
        size += sizeof opt;
        query[11] = 1;
    }
    memcpy(question->query, query, size);
    question->size = (uint16_t)size;
}

/* The label that is asked for below a site, and what comes back. */
static const char *expect(const struct workload *workload, enum workload_network network, enum workload_kind kind,
                          uint32_t site, struct workload_question *question)
{
    bool inside = network == NETWORK_INSIDE || workload->plain;
    bool only_inside = !workload->plain && !workload->geo; /* lyncdiscoverinternal does not exist outside */

    question->answers = 1;
    switch (kind) {
    case DISCOVER_INTERNAL:
        question->answers = workload->geo || workload->no_chase ? 1 : 2;
        question->answer = workload->no_chase ? 0 : NETWORK_POOL + site;
        return "lyncdiscoverinternal";
    case DISCOVER:
        question->answers = inside || workload->geo ? 1 : 2;
        question->answer = (inside ? NETWORK_PROXY : NETWORK_PUBLIC) + site;
        return "lyncdiscover";
    case WEB_AAAA:
        return "www";
    case WEB:
        question->answer = NETWORK_PUBLIC + site;
        return "www";
    case NO_DATA:
        question->answers = 0;
        return "sip";
    default:
        question->answers = 0;
        question->rcode = RCODE_NXDOMAIN;
        return network == NETWORK_INSIDE ? "sipexternal"
               : only_inside             ? "lyncdiscoverinternal"
                                         : "lyncdiscoverexternal";
    }
}

void workload_draw(const struct workload *workload, enum workload_network network, uint64_t *random,
                   struct workload_question *question)
{
    static const char *const webs[] = {"www", "meet", "dialin", "web"};
    enum workload_kind kind = draw_kind(network, random);
    uint32_t site = draw(random, workload->sites);
    char apex[WORKLOAD_APEX_MAX];
    char name[2 * WORKLOAD_APEX_MAX];

    *question = (struct workload_question){.answers = 0};
    const char *label = expect(workload, network, kind, site, question);
    if (kind == WEB)
        label = webs[draw(random, sizeof webs / sizeof webs[0])];
    workload_apex(workload, site, apex);
    snprintf(name, sizeof name, "%s.%s", label, apex);
    workload_ask(question, name, kind == WEB_AAAA || kind == NO_DATA ? TYPE_AAAA : TYPE_A, network == NETWORK_INTERNET);
}

/* ---- who asks ---- */

uint32_t workload_source(uint32_t number, uint32_t views, uint32_t prefixes)
{
    if (number >= WORKLOAD_INSIDE)
        return SOURCE_INTERNET + ((number - WORKLOAD_INSIDE) << 8);
    if (views <= 2)
        return SOURCE_INSIDE + (number << 8);
    return SOURCE_PREFIXES + 1 + (number * (prefixes / WORKLOAD_INSIDE) << 8);
}

enum workload_network workload_network_of(uint32_t source)
{
    return source < WORKLOAD_INSIDE ? NETWORK_INSIDE : NETWORK_INTERNET;
}

/* ---- answers ---- */

/* Behind the name at `at`; SIZE_MAX: broken. */
static size_t skip_name(const uint8_t *reply, size_t size, size_t at)
{
    while (at < size && reply[at] != 0) {
        if (reply[at] >= 0xc0)
            return at + 2;
        at += reply[at] + 1u;
    }
    return at < size ? at + 1 : SIZE_MAX;
}

static uint32_t get_number(const uint8_t *bytes, unsigned size)
{
    uint32_t number = 0;

    for (unsigned i = 0; i < size; i++)
        number = number << 8 | bytes[i];
    return number;
}

static bool has_address(const uint8_t *reply, size_t size, size_t at, unsigned count, uint32_t address)
{
    bool found = address == 0;

    for (unsigned i = 0; i < count; i++) {
        at = skip_name(reply, size, at);
        if (at == SIZE_MAX || at + 10 > size)
            return false;
        uint32_t type = get_number(reply + at, 2);
        uint32_t length = get_number(reply + at + 8, 2);
        at += 10 + length;
        if (at > size)
            return false;
        if (type == TYPE_A && length == 4 && get_number(reply + at - 4, 4) == address)
            found = true;
    }
    return found;
}

static bool is_reply(const struct workload_question *question, const uint8_t *reply, size_t size)
{
    bool edns = question->query[11] != 0;
    size_t asked = question->size - (edns ? 11u : 0u);

    return size >= asked && (reply[3] & 15) == question->rcode && memcmp(reply + 4, question->query + 4, 2) == 0 &&
           get_number(reply + 6, 2) == question->answers &&
           memcmp(reply + HEADER_SIZE, question->query + HEADER_SIZE, asked - HEADER_SIZE) == 0 &&
           has_address(reply, size, asked, question->answers, question->answer);
}

bool workload_is_right(const struct workload_question *question, const uint8_t *reply, size_t size)
{
    return is_reply(question, reply, size) && (reply[2] & 0xfe) == FLAGS_OWN;
}

bool workload_is_forwarded(const struct workload_question *question, const uint8_t *reply, size_t size)
{
    return is_reply(question, reply, size) && (reply[2] & 0xfe) == FLAG_QR && (reply[3] & FLAG_RA) != 0;
}

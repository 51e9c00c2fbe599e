/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/upstream_book.h"

#include "tests/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_MAX (1u << 19) /* names, a power of two */
#define DOMAIN    ".upstream"

/* One name. */
struct page {
    char *name; /* NULL: free */
    unsigned long count;
    uint16_t type, flags, payload, port, id;
    bool dnssec_ok;
    unsigned connection; /* 0: UDP */
};

struct upstream_book {
    struct page pages[PAGES_MAX];
    size_t used;
    const struct page *last;
    unsigned long count, capitals, tcp;
    unsigned connections;
    bool ports[65536], ids[65536];
};

struct upstream_book *upstream_book_new(void)
{
    struct upstream_book *book = calloc(1, sizeof *book);

    if (book == NULL)
        wire_die("no memory");
    return book;
}

/* Its page, or the free one for it. */
static size_t find_page(const struct upstream_book *book, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (const char *at = name; *at != '\0'; at++)
        hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
    size_t slot = (hash ^ hash >> 32) % PAGES_MAX;
    while (book->pages[slot].name != NULL && strcmp(book->pages[slot].name, name) != 0)
        slot = (slot + 1) % PAGES_MAX;
    return slot;
}

unsigned long upstream_book_note(struct upstream_book *book, const struct upstream_question *question, uint16_t port,
                                 unsigned connection)
{
    struct page *page = &book->pages[find_page(book, question->name)];

    if (page->name == NULL) {
        page->name = strdup(question->name);
        if (page->name == NULL || ++book->used > PAGES_MAX / 2)
            wire_die("too many names");
    }
    page->type = question->type;
    page->flags = question->flags;
    page->payload = question->has_edns ? question->payload : 0;
    page->dnssec_ok = question->dnssec_ok;
    page->port = port;
    page->id = question->id;
    page->connection = connection;
    book->last = page;
    book->count++;
    book->capitals += question->has_capitals;
    book->tcp += connection != 0;
    if (connection == 0) {
        book->ports[port] = true;
        book->ids[question->id] = true;
    }
    return ++page->count;
}

unsigned upstream_book_connection(struct upstream_book *book)
{
    return ++book->connections;
}

static unsigned long count_true(const bool set[65536])
{
    unsigned long count = 0;

    for (size_t i = 0; i < 65536; i++)
        count += set[i];
    return count;
}

static void tell_page(const struct page *page, char *text, size_t size)
{
    if (page == NULL || page->name == NULL) {
        snprintf(text, size, "none");
        return;
    }
    snprintf(text, size, "%s TYPE %u %s rd %d cd %d ad %d do %d edns %u port %u id %u", page->name, page->type,
             page->connection != 0 ? "tcp" : "udp", (page->flags & 0x100) != 0, (page->flags & 0x10) != 0,
             (page->flags & 0x20) != 0, page->dnssec_ok, page->payload, page->port, page->id);
}

/* NAME of NAME.WORD.upstream; false: it does not end so. */
static bool name_before(const char *control, const char *word, char name[UPSTREAM_NAME_MAX])
{
    char end[64];
    int length = snprintf(end, sizeof end, ".%s" DOMAIN, word);
    size_t size = strlen(control);

    if (size <= (size_t)length || size >= UPSTREAM_NAME_MAX || strcmp(control + size - (size_t)length, end) != 0)
        return false;
    memcpy(name, control, size - (size_t)length);
    name[size - (size_t)length] = '\0';
    return true;
}

bool upstream_book_tell(const struct upstream_book *book, const char *control, char *text, size_t size)
{
    const struct {
        const char *control;
        unsigned long number;
    } numbers[] = {
        {"count" DOMAIN, book->count},
        {"capitals" DOMAIN, book->capitals},
        {"tcp" DOMAIN, book->tcp},
        {"connections" DOMAIN, book->connections},
        {"ports" DOMAIN, count_true(book->ports)},
        {"ids" DOMAIN, count_true(book->ids)},
    };
    char name[UPSTREAM_NAME_MAX];

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(control, numbers[i].control) != 0)
            continue;
        snprintf(text, size, "%lu", numbers[i].number);
        return true;
    }
    if (name_before(control, "count", name))
        snprintf(text, size, "%lu", book->pages[find_page(book, name)].count);
    else if (strcmp(control, "last" DOMAIN) == 0)
        tell_page(book->last, text, size);
    else if (name_before(control, "last", name))
        tell_page(&book->pages[find_page(book, name)], text, size);
    else
        return false;
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exchange_table: where an exchange keeps its questions: a heap by the time each is due, a hash table of the open tries
 * by (handle, ID), and the servers it knows. Everything is O(1), or O(log n) in the questions under way. Private to
 * exchange.c; one thread.
 */
#ifndef SPLITVIEW_RESOLVER_EXCHANGE_TABLE_H
#define SPLITVIEW_RESOLVER_EXCHANGE_TABLE_H

#include "resolver/exchange.h"
#include "resolver/upstream.h"
#include "zones/name.h"

#define EXCHANGE_TRIES     28   /* of one question, in all */
#define EXCHANGE_SERVERS   16   /* of its group that one question considers */
#define EXCHANGE_KNOWN_MAX 1024 /* servers remembered */
#define EXCHANGE_SPARE_MAX 256  /* blocks of ended questions kept for new ones */
#define EXCHANGE_BUCKETS   256  /* of the servers' hash table */

/* One question sent once. */
struct exchange_try {
    struct exchange_try *next; /* in its bucket, while open */
    struct exchange_question *question;
    void *handle;
    uint64_t case_bits; /* makes the case that was sent; see exchange_spell */
    uint64_t sent_ms;
    uint64_t due_ms; /* when it counts as timed out */
    uint16_t id;
    uint8_t side;        /* index of its server */
    bool is_open : 1;    /* an answer is still taken */
    bool is_waiting : 1; /* it has not timed out */
    bool is_probe : 1;   /* runs beside another one to see whether a held server lives */
    bool over_tcp : 1;
    bool has_edns : 1;
    bool exact_case : 1;
};

/* One server, as one question sees it. */
struct exchange_side {
    struct upstream *upstream; /* held */
    uint64_t retry_ms;         /* it broke: not before then */
    uint8_t sent;              /* tries */
    uint8_t failed;            /* of these, that brought a failure at once */
    bool no_edns;              /* it refused EDNS */
    bool has_failed;           /* by a reply */
};

struct exchange_question {
    struct exchange_question *next; /* among the spare ones */
    size_t heap_at;
    uint64_t due_ms;
    uint64_t deadline_ms;
    struct exchange_ask ask; /* its name is the one below */
    exchange_done *done;
    void *context;
    int extended_error; /* of the last server that failed; -1: it gave none */
    uint8_t tries_count;
    uint8_t sides_count;
    uint8_t foreign; /* replies to another question */
    bool over_tcp;   /* UDP is of no use any more */
    bool has_failed; /* a server replied with a failure */
    bool was_short;  /* EXCHANGE_NO_ROOM kept a try back */
    bool is_done;    /* told; only a probe is waited for */
    struct exchange_side sides[EXCHANGE_SERVERS];
    struct exchange_try tries[EXCHANGE_TRIES];
    uint8_t name[NAME_SIZE_MAX];
};

struct exchange_table {
    struct exchange_question **heap; /* owned, and the questions in it */
    size_t heap_count;
    size_t heap_max;               /* questions that there may be */
    size_t heap_size;              /* that there is room for */
    struct exchange_try **buckets; /* owned; a power of two of them */
    size_t bucket_mask;
    struct exchange_question *spare;
    size_t spare_count;
    struct upstream_known *known[EXCHANGE_BUCKETS];
    size_t known_count;
};

/* False: no memory; clear it all the same. */
bool exchange_table_init(struct exchange_table *table, uint32_t questions_max);
void exchange_table_resize(struct exchange_table *table, uint32_t questions_max); /* as exchange_resize */
void exchange_table_clear(struct exchange_table *table);

/* A question that is due at UINT64_MAX and has neither tries nor sides; its other fields are not set. NULL: as many as
 * may are under way, or no memory. */
struct exchange_question *exchange_question_new(struct exchange_table *table);
/* All its tries are closed. Lets go of its servers. */
void exchange_question_free(struct exchange_table *table, struct exchange_question *question);
void exchange_question_set_due(struct exchange_table *table, struct exchange_question *question, uint64_t due_ms);

/* The open tries: with handle and id set. */
void exchange_try_open(struct exchange_table *table, struct exchange_try *try);
void exchange_try_remove(struct exchange_table *table, struct exchange_try *try);
struct exchange_try *exchange_try_find(const struct exchange_table *table, const void *handle, uint16_t id);

/* The try over UDP to close since there are more open than EXCHANGE_OPEN_MAX: the oldest but one. The first stays, for it
 * is what a slow server answers to. NULL: none. */
struct exchange_try *exchange_question_surplus(struct exchange_question *question);

/* Add a server as a side of the question. False: no memory. */
bool exchange_question_add_side(struct exchange_table *table, struct exchange_question *question,
                                const struct upstream_server *server);

void exchange_table_walk(const struct exchange_table *table, exchange_visit *visit, void *context);

/* The question's name with the case that `bits` say: 1 turns a letter to upper, 0 to lower. The first 64 letters use
 * the bits as they are, the rest what they make. */
void exchange_spell(const uint8_t *name, uint64_t bits, uint8_t spelled[NAME_SIZE_MAX]);

#endif

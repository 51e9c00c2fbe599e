/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memo: whole answers, to be given again. A worker remembers what it last answered over UDP: the bytes of a query
 * behind its ID, and of the reply behind its. The same bytes asked again in the same view, or in one that answers alike
 * (generation.h: `view` is the first of them here), get the same reply, so a reply that depends on anything else (the
 * clock, upstream, a key, whose turn it is) is not kept: serve.c decides that.
 *
 * A table of MEMO_SLOTS places of 256 bytes, of which only those in use take memory. A query has one place; who comes
 * later takes it. Phones ask few questions many times. When few of the queries of a long stretch were found, as with
 * names spread over very many zones, the memo rests for a longer one: looking and keeping cost more than they save.
 *
 * One thread. A query is looked for in two steps, so that a batch's places come to the caches all at the same time.
 */
#ifndef SPLITVIEW_RESOLVER_MEMO_H
#define SPLITVIEW_RESOLVER_MEMO_H

#include <stddef.h>
#include <stdint.h>

#define MEMO_SLOTS   16384u               /* 4 MiB */
#define MEMO_STRETCH 8192u                /* queries after which it is asked whether the memo pays … */
#define MEMO_WORTH   4u                   /* … which it does if one of so many was found … */
#define MEMO_REST    (16u * MEMO_STRETCH) /* … and if not, it rests for so many */
#define MEMO_BYTES   240u                 /* of query and reply together, each without its ID */

struct memo;

/* Where a query belongs; valid until memo_forget. */
struct memo_key {
    struct memo_slot *slot; /* NULL: nowhere, it is neither found nor kept */
    uint32_t view;
};

struct memo *memo_new(void); /* NULL: no memory */
void memo_free(struct memo *memo);

/* All answers may be others from now on. */
void memo_forget(struct memo *memo);

/* The place of a query of `size` bytes from a client of a view. */
void memo_seek(struct memo *memo, uint32_t view, const uint8_t *wire, size_t size, struct memo_key *key);

/* The reply to a query, whose place `key` is, into `reply`, which holds MEMO_BYTES; its size, 0: not known. */
size_t memo_find(struct memo *memo, const struct memo_key *key, const uint8_t *wire, size_t size, uint8_t *reply);

/* Keep the reply to a query, whose place `key` is, unless they are too long. */
void memo_keep(struct memo *memo, const struct memo_key *key, const uint8_t *wire, size_t size, const uint8_t *reply,
               size_t reply_size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_control: one request of an operator to the caches of all workers: show, flush, flush-tree, stats.
 *
 * The main thread makes a request, starts it and posts it to each worker. Each runs it once, over its own cache, on its
 * own thread; the last to finish calls `finished` there. Then the main thread makes the answer and frees the request.
 * From cache_request_start until it is finished, nothing but cache_request_run may be called with it. Names in requests
 * compare without case.
 */
#ifndef SPLITVIEW_RESOLVER_CACHE_CONTROL_H
#define SPLITVIEW_RESOLVER_CACHE_CONTROL_H

#include "policy/generation.h"
#include "resolver/cache.h"
#include "zones/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_JSON_MAX   (768u << 10) /* bytes of the entries in an answer, about */
#define CACHE_GROUPS_MAX 64           /* groups of views that share what they were told, in one request */

struct cache_request;

/*
 * Read what stands behind "cache " in the control socket's line:
 *
 *     show VIEW NAME [dry-run]         entries at NAME and below it
 *     flush VIEW NAME [dry-run]        forget NAME
 *     flush-tree VIEW NAME [dry-run]   forget NAME and all below it
 *     stats
 *
 * VIEW is a view of `generation` or "*": all that ask upstream; views that share their answers are meant together. NAME
 * is master-file text without blanks. In all of them an authentic NXDOMAIN of a name above NAME belongs to NAME, since
 * it denies NAME too (RFC 8020). With dry-run flushes only show. BAD_INPUT with a message; NO_MEMORY. Main thread.
 */
enum status cache_request_new(const char *text, const struct generation *generation, struct diag *diag,
                              struct cache_request **request);
void cache_request_free(struct cache_request *request); /* NULL allowed; not between start and finish. Main thread. */

/* Before it is posted to `workers` workers. `finished` is called on the thread of the last one; with 0 workers it is
 * finished at once and nobody is called. NO_MEMORY: not started. Main thread. */
enum status cache_request_start(struct cache_request *request, uint32_t workers, void (*finished)(void *context),
                                void *context);

/* Once by each worker, on its thread; `cache` NULL: it has none. now_ms: the clock that its cache is used with. After
 * this the request may be gone. */
void cache_request_run(struct cache_request *request, struct cache *cache, uint64_t now_ms);

/* Have all workers run it? Main thread. */
bool cache_request_is_finished(const struct cache_request *request);

/*
 * The answer of a finished request, what several workers hold once, with the longest TTL. NULL: no memory. Main thread.
 *
 *     show, dry-run  { action, name, workers, groups: [{ views: [], entries: [{ name, type, do, cd, ad, ttl, age,
 * rcode, ede, workers, rrsets: [{ name, type, ttl, section, data: [hex] }] }] }], copies, more } flush          {
 * action, name, workers, groups: [{ views: [] }], removed } stats          { action, workers, entries, bytes,
 * bytes_max, evicted }
 *
 * type and rcode are numbers; ttl is in seconds left (0: expired), age in seconds; ede is null where there is none.
 * section is 0 answer, 1 authority. copies and removed count over all workers; more: there are entries that were left
 * out.
 */
json_t *cache_request_answer(const struct cache_request *request);

#endif

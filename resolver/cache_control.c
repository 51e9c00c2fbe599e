/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/cache_control.h"

#include "policy/forward.h"
#include "resolver/cache_search.h"
#include "zones/memory.h"
#include "zones/name.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX       5
#define KNOWN_TEXT_MAX  400 /* bytes of the views that a message names */
#define JSON_ENTRY_SIZE 160 /* bytes that an entry takes at most, beside names and data */
#define JSON_RRSET_SIZE 80

enum cache_action { CACHE_SHOW, CACHE_FLUSH, CACHE_FLUSH_TREE, CACHE_STATS };

static const char *const action_names[] = {
    [CACHE_SHOW] = "show",
    [CACHE_FLUSH] = "flush",
    [CACHE_FLUSH_TREE] = "flush-tree",
    [CACHE_STATS] = "stats",
};

#define ACTION_COUNT (sizeof action_names / sizeof action_names[0])

/* Views that share what they were told. */
struct cache_group {
    uint64_t identity;
    json_t *views; /* their names; owned */
};

struct cache_request {
    enum cache_action action;
    bool dry_run;
    struct cache_wanted wanted;
    struct cache_group *groups;
    size_t group_count;
    size_t group_capacity;

    struct cache_part *parts; /* one per worker, as the next */
    struct cache_stats *stats;
    uint32_t part_count;
    void (*finished)(void *context);
    void *context;
    atomic_uint taken; /* parts */
    atomic_uint left;  /* workers that have not finished */
};

/* ---- the request ---- */

/* "internal, guest": the views that have a cache. */
static void list_views(const struct policy *policy, char text[KNOWN_TEXT_MAX])
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t view = 0; policy != NULL && view < policy->view_count; view++) {
        const char *name = policy->views[view].name;
        if (!forward_has_recursion(policy->forward, view))
            continue;
        if (used + strlen(name) + sizeof ", , ..." > KNOWN_TEXT_MAX) {
            memcpy(text + used, ", ...", sizeof ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, KNOWN_TEXT_MAX - used, "%s%s", used > 0 ? ", " : "", name);
    }
    if (used == 0)
        memcpy(text, "none", sizeof "none");
}

static enum status add_identity(struct cache_request *request, uint64_t identity, struct diag *diag)
{
    if (request->group_count == CACHE_GROUPS_MAX)
        return diag_error(diag, NULL, "more than %d groups of views have caches of their own; wanted one view",
                          CACHE_GROUPS_MAX);
    struct cache_group *groups =
        memory_grow(request->groups, request->group_count, &request->group_capacity, sizeof *groups);
    if (groups == NULL)
        return STATUS_NO_MEMORY;
    request->groups = groups;
    json_t *views = json_array();
    if (views == NULL)
        return STATUS_NO_MEMORY;
    groups[request->group_count++] = (struct cache_group){.identity = identity, .views = views};
    return STATUS_OK;
}

static struct cache_group *find_group(const struct cache_request *request, uint64_t identity)
{
    for (size_t i = 0; i < request->group_count; i++)
        if (request->groups[i].identity == identity)
            return &request->groups[i];
    return NULL;
}

/* Each view goes to its group, if that is asked for. */
static enum status name_views(struct cache_request *request, const struct policy *policy)
{
    for (uint32_t view = 0; view < policy->view_count; view++) {
        if (!forward_has_recursion(policy->forward, view))
            continue;
        struct cache_group *group = find_group(request, forward_identity(policy->forward, view));
        if (group != NULL && json_array_append_new(group->views, json_string(policy->views[view].name)) != 0)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

/* `name` is a view, or "*". */
static enum status resolve_views(struct cache_request *request, const char *name, const struct policy *policy,
                                 struct diag *diag)
{
    bool all = strcmp(name, "*") == 0;
    uint32_t wanted = policy == NULL || all ? VIEW_NONE : policy_find_view(policy, name);
    char known[KNOWN_TEXT_MAX];
    enum status status = STATUS_OK;

    list_views(policy, known);
    if (!all && wanted == VIEW_NONE)
        return diag_error(diag, NULL, "there is no view %s; views that ask upstream: %s", name, known);
    if (!all && !forward_has_recursion(policy->forward, wanted))
        return diag_error(diag, NULL, "view %s asks nobody upstream and has no cache; views that do: %s", name, known);
    for (uint32_t view = 0; policy != NULL && view < policy->view_count && status == STATUS_OK; view++) {
        if (!forward_has_recursion(policy->forward, view) || (!all && view != wanted))
            continue;
        uint64_t identity = forward_identity(policy->forward, view);
        if (find_group(request, identity) == NULL)
            status = add_identity(request, identity, diag);
    }
    return status == STATUS_OK && policy != NULL ? name_views(request, policy) : status;
}

/* Split at blanks, in place; at most WORDS_MAX words, of which the last means "too many". */
static size_t split_words(char *text, char *words[WORDS_MAX])
{
    size_t count = 0;
    char *rest = text;
    char *word;

    while (count < WORDS_MAX && (word = strsep(&rest, " ")) != NULL)
        if (word[0] != '\0')
            words[count++] = word;
    return count;
}

static enum status read_words(struct cache_request *request, char *text, const struct generation *generation,
                              struct diag *diag)
{
    char *words[WORDS_MAX];
    size_t count = split_words(text, words);
    unsigned action = 0;
    size_t size;

    while (count > 0 && action < ACTION_COUNT && strcmp(words[0], action_names[action]) != 0)
        action++;
    if (count == 0 || action == ACTION_COUNT)
        return diag_error(diag, NULL, "cache: wanted show, flush, flush-tree or stats");
    request->action = (enum cache_action)action;
    if (request->action == CACHE_STATS)
        return count == 1 ? STATUS_OK : diag_error(diag, NULL, "cache stats: wanted nothing more");
    request->dry_run = count == 4 && strcmp(words[3], "dry-run") == 0;
    if (count != 3 && !request->dry_run)
        return diag_error(diag, NULL, "cache %s: wanted a view and a name", words[0]);
    if (name_from_text(words[2], strlen(words[2]), NULL, request->wanted.name, &size) != STATUS_OK)
        return diag_error(diag, NULL, "cache %s: found %s, wanted a domain name", words[0], words[2]);
    request->wanted.tree = request->action != CACHE_FLUSH;
    request->wanted.removes = request->action != CACHE_SHOW && !request->dry_run;
    return resolve_views(request, words[1], generation->policy, diag);
}

enum status cache_request_new(const char *text, const struct generation *generation, struct diag *diag,
                              struct cache_request **request)
{
    char *copy = memory_copy_text(text, strlen(text));
    struct cache_request *made = memory_zalloc(1, sizeof *made);
    enum status status = STATUS_NO_MEMORY;

    *request = NULL;
    if (copy != NULL && made != NULL)
        status = read_words(made, copy, generation, diag);
    memory_free(copy);
    if (status == STATUS_OK)
        *request = made;
    else
        cache_request_free(made);
    return status;
}

void cache_request_free(struct cache_request *request)
{
    if (request == NULL)
        return;
    for (size_t i = 0; i < request->group_count; i++)
        json_decref(request->groups[i].views);
    for (uint32_t i = 0; i < request->part_count; i++)
        cache_part_clear(&request->parts[i]);
    memory_free(request->groups);
    memory_free(request->parts);
    memory_free(request->stats);
    memory_free(request);
}

enum status cache_request_start(struct cache_request *request, uint32_t workers, void (*finished)(void *context),
                                void *context)
{
    assert(request->parts == NULL);
    request->parts = memory_zalloc(workers, sizeof *request->parts);
    request->stats = memory_zalloc(workers, sizeof *request->stats);
    if (request->parts == NULL || request->stats == NULL)
        return STATUS_NO_MEMORY;
    request->part_count = workers;
    for (uint32_t i = 0; i < workers; i++)
        cache_part_init(&request->parts[i]);
    request->finished = finished;
    request->context = context;
    atomic_init(&request->taken, 0);
    atomic_init(&request->left, workers);
    return STATUS_OK;
}

bool cache_request_is_finished(const struct cache_request *request)
{
    return atomic_load_explicit(&request->left, memory_order_acquire) == 0;
}

/* ---- on a worker's thread ---- */

void cache_request_run(struct cache_request *request, struct cache *cache, uint64_t now_ms)
{
    unsigned index = atomic_fetch_add_explicit(&request->taken, 1, memory_order_relaxed);
    /* The main thread may free the request as soon as nothing is left. */
    void (*finished)(void *context) = request->finished;
    void *context = request->context;

    assert(index < request->part_count);
    if (cache != NULL && request->action == CACHE_STATS)
        cache_stats(cache, &request->stats[index]);
    for (uint32_t group = 0; cache != NULL && group < request->group_count; group++)
        cache_search(&request->wanted, cache, request->groups[group].identity, group, now_ms, &request->parts[index]);
    if (atomic_fetch_sub_explicit(&request->left, 1, memory_order_acq_rel) == 1)
        finished(context);
}

/* ---- the answer ---- */

/* An entry on its way into the answer. */
struct cache_row {
    const struct cache_part *part;
    const struct cache_entry *entry;
};

static int compare_keys(const struct cache_row *a, const struct cache_row *b)
{
    size_t least = a->entry->key_size < b->entry->key_size ? a->entry->key_size : b->entry->key_size;
    int order = least == 0 ? 0 : memcmp(a->part->data.data + a->entry->key, b->part->data.data + b->entry->key, least);

    return order != 0 ? order : (int)a->entry->key_size - (int)b->entry->key_size;
}

/* Whose and to what question; 0: the same entry of two workers. */
static int compare_questions(const struct cache_row *a, const struct cache_row *b)
{
    if (a->entry->group != b->entry->group)
        return a->entry->group < b->entry->group ? -1 : 1;
    int order = compare_keys(a, b);
    if (order == 0)
        order = (int)a->entry->type - (int)b->entry->type;
    if (order == 0)
        order = (int)a->entry->dnssec_ok - (int)b->entry->dnssec_ok;
    if (order == 0)
        order = (int)a->entry->checking_disabled - (int)b->entry->checking_disabled;
    return order;
}

static int compare_rows(const void *a, const void *b)
{
    const struct cache_row *one = a;
    const struct cache_row *other = b;
    int order = compare_questions(one, other);

    if (order != 0 || one->entry->ttl == other->entry->ttl)
        return order;
    return one->entry->ttl > other->entry->ttl ? -1 : 1;
}

static json_t *json_hex(const uint8_t *bytes, uint16_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *text = memory_alloc(2 * (size_t)size + 1);
    json_t *made = NULL;

    if (text == NULL)
        return NULL;
    for (uint16_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    made = json_stringn(text, 2 * (size_t)size);
    memory_free(text);
    return made;
}

/* The RRset at `bytes`; *size gets its bytes there, and what its JSON takes is added to *spent. */
static json_t *json_rrset(const uint8_t *bytes, size_t *size, size_t *spent)
{
    struct cache_rrset head;
    char owner[NAME_TEXT_MAX];
    json_t *list = json_array();
    uint32_t position = 0;
    struct rdata rdata;

    memcpy(&head, bytes, sizeof head);
    struct rrset rrset = {.type = head.type,
                          .count = head.count,
                          .ttl = head.ttl,
                          .data = bytes + sizeof head + head.owner_size,
                          .size = head.size};
    *size = sizeof head + head.owner_size + head.size;
    *spent += JSON_RRSET_SIZE + 2 * name_to_text(bytes + sizeof head, owner) + 2 * (size_t)head.size;
    while (rrset_next_rdata(&rrset, &position, &rdata))
        json_array_append_new(list, json_hex(rdata.bytes, rdata.size));
    return json_pack("{s:s, s:I, s:I, s:I, s:o}", "name", owner, "type", (json_int_t)head.type, "ttl",
                     (json_int_t)head.ttl, "section", (json_int_t)head.section, "data", list);
}

static json_t *json_entry(const struct cache_row *row, uint32_t workers, size_t *spent)
{
    const struct cache_entry *entry = row->entry;
    const uint8_t *data = row->part->data.data;
    uint8_t name[NAME_SIZE_MAX];
    char text[NAME_TEXT_MAX];
    json_t *rrsets = json_array();
    size_t at = entry->rrsets;

    name_from_key(data + entry->key, entry->key_size, name);
    *spent += JSON_ENTRY_SIZE + 2 * name_to_text(name, text);
    for (uint16_t i = 0; i < entry->rrset_count; i++) {
        size_t size;
        json_array_append_new(rrsets, json_rrset(data + at, &size, spent));
        at += size;
    }
    return json_pack("{s:s, s:I, s:b, s:b, s:b, s:I, s:I, s:I, s:o, s:I, s:o}", "name", text, "type",
                     (json_int_t)entry->type, "do", (int)entry->dnssec_ok, "cd", (int)entry->checking_disabled, "ad",
                     (int)entry->is_authentic, "ttl", (json_int_t)entry->ttl, "age", (json_int_t)entry->age, "rcode",
                     (json_int_t)entry->rcode, "ede",
                     entry->extended_error < 0 ? json_null() : json_integer(entry->extended_error), "workers",
                     (json_int_t)workers, "rrsets", rrsets);
}

/* All rows of all parts, in order; to memory_free. NULL: no memory. */
static struct cache_row *sort_rows(const struct cache_request *request, size_t *count)
{
    size_t all = 0;

    for (uint32_t i = 0; i < request->part_count; i++)
        all += request->parts[i].count;
    struct cache_row *rows = memory_zalloc(all, sizeof *rows);
    *count = 0;
    for (uint32_t i = 0; rows != NULL && i < request->part_count; i++)
        for (size_t j = 0; j < request->parts[i].count; j++)
            rows[(*count)++] = (struct cache_row){&request->parts[i], &request->parts[i].entries[j]};
    if (all > 0 && rows != NULL)
        qsort(rows, all, sizeof *rows, compare_rows);
    return rows;
}

/* Fill the `entries` of the groups. False: no memory. *more: not all. */
static bool add_entries(const struct cache_request *request, json_t *groups, bool *more)
{
    size_t count;
    struct cache_row *rows = sort_rows(request, &count);
    size_t spent = 0;
    uint32_t shown = 0;
    bool fine = rows != NULL;

    for (size_t i = 0; i < count && fine; shown++) {
        size_t next = i + 1;
        while (next < count && compare_questions(&rows[i], &rows[next]) == 0)
            next++;
        if (shown == CACHE_SHOWN_MAX || spent >= CACHE_JSON_MAX) {
            *more = true;
            break;
        }
        json_t *group = json_array_get(groups, rows[i].entry->group);
        fine = json_array_append_new(json_object_get(group, "entries"),
                                     json_entry(&rows[i], (uint32_t)(next - i), &spent)) == 0;
        i = next;
    }
    memory_free(rows);
    return fine;
}

static json_t *json_shown(const struct cache_request *request, json_t *groups)
{
    uint64_t copies = 0;
    bool more = false;

    for (uint32_t i = 0; i < request->part_count; i++) {
        copies += request->parts[i].matched;
        more = more || request->parts[i].matched > request->parts[i].count;
    }
    for (size_t i = 0; i < json_array_size(groups); i++)
        json_object_set_new(json_array_get(groups, i), "entries", json_array());
    if (!add_entries(request, groups, &more)) {
        json_decref(groups);
        return NULL;
    }
    return json_pack("{s:o, s:I, s:b}", "groups", groups, "copies", (json_int_t)copies, "more", (int)more);
}

static json_t *json_removed(const struct cache_request *request, json_t *groups)
{
    uint64_t removed = 0;

    for (uint32_t i = 0; i < request->part_count; i++)
        removed += request->parts[i].removed;
    return json_pack("{s:o, s:I}", "groups", groups, "removed", (json_int_t)removed);
}

static json_t *json_cache_stats(const struct cache_request *request)
{
    struct cache_stats sum = {0};

    for (uint32_t i = 0; i < request->part_count; i++) {
        sum.entries += request->stats[i].entries;
        sum.bytes += request->stats[i].bytes;
        sum.bytes_max += request->stats[i].bytes_max;
        sum.evicted += request->stats[i].evicted;
    }
    return json_pack("{s:I, s:I, s:I, s:I}", "entries", (json_int_t)sum.entries, "bytes", (json_int_t)sum.bytes,
                     "bytes_max", (json_int_t)sum.bytes_max, "evicted", (json_int_t)sum.evicted);
}

json_t *cache_request_answer(const struct cache_request *request)
{
    char text[NAME_TEXT_MAX];
    json_t *groups = json_array();
    json_t *object = NULL;

    for (size_t i = 0; i < request->group_count; i++)
        json_array_append_new(groups, json_pack("{s:O}", "views", request->groups[i].views));
    if (request->action == CACHE_STATS) {
        json_decref(groups);
        object = json_cache_stats(request);
    } else {
        name_to_text(request->wanted.name, text);
        object = request->wanted.removes ? json_removed(request, groups) : json_shown(request, groups);
        json_object_set_new(object, "name", json_string(text));
        json_object_set_new(object, "dry_run", json_boolean(request->dry_run));
    }
    json_object_set_new(object, "action", json_string(action_names[request->action]));
    json_object_set_new(object, "workers", json_integer((json_int_t)request->part_count));
    return object;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/keeper.h"

#include "zones/memory.h"
#include "zones/store.h"

#include <assert.h>
#include <string.h>

/* A store that is open: the first in the list is watched, others were replaced and wait for their generations. */
struct kept_store {
    struct kept_store *next;
    struct store *store;
    uint64_t transaction; /* of the last look that succeeded */
};

/* A generation and where it came from; the first in the list is the current one. */
struct kept_generation {
    struct kept_generation *next;
    struct generation *generation;
    const struct kept_store *store; /* NULL: from none */
};

struct keeper {
    char *folder;
    uint64_t map_size;
    struct kept_store *stores;
    struct kept_generation *generations;
};

struct generation *keeper_current(const struct keeper *keeper)
{
    return keeper->generations->generation;
}

bool keeper_has_store(const struct keeper *keeper)
{
    return keeper->stores != NULL;
}

/* ---- stores ---- */

/* A store that was moved away and back again must not be opened twice: LMDB forbids it. */
static bool find_replaced(struct keeper *keeper)
{
    for (struct kept_store **link = &keeper->stores; *link != NULL; link = &(*link)->next) {
        struct kept_store *found = *link;
        if (!store_is_current(found->store))
            continue;
        *link = found->next;
        found->next = keeper->stores;
        found->transaction = 0;
        keeper->stores = found;
        return true;
    }
    return false;
}

/* Open what lies in the folder now. NOT_FOUND without a message if there is nothing. */
static enum status open_store(struct keeper *keeper, struct diag *diag)
{
    struct store_options options = {.path = keeper->folder, .map_size = keeper->map_size};

    if (find_replaced(keeper))
        return STATUS_OK;
    struct kept_store *made = memory_zalloc(1, sizeof *made);
    if (made == NULL)
        return STATUS_NO_MEMORY;
    enum status status = store_open_reader(&options, diag, &made->store);
    if (status != STATUS_OK) {
        memory_free(made);
        return status;
    }
    made->next = keeper->stores;
    keeper->stores = made;
    return STATUS_OK;
}

static void reap_stores(struct keeper *keeper)
{
    struct kept_store **link = keeper->stores != NULL ? &keeper->stores->next : &keeper->stores;

    while (*link != NULL) {
        struct kept_store *old = *link;
        bool needed = false;
        for (const struct kept_generation *kept = keeper->generations; kept != NULL; kept = kept->next)
            needed = needed || kept->store == old;
        if (needed) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        store_close(old->store);
        memory_free(old);
    }
}

/* ---- generations ---- */

static enum status load(struct keeper *keeper, struct kept_store *from, struct diag *diag,
                        struct kept_generation **loaded)
{
    struct kept_generation *made = memory_zalloc(1, sizeof *made);

    *loaded = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    enum status status = generation_open(from == NULL ? NULL : from->store, diag, &made->generation);
    if (status != STATUS_OK) {
        memory_free(made);
        return status;
    }
    made->store = from;
    made->next = keeper->generations;
    *loaded = made;
    return STATUS_OK;
}

static void drop(struct kept_generation *kept)
{
    bool last = generation_release(kept->generation);

    assert(last);
    (void)last;
    generation_free(kept->generation);
    memory_free(kept);
}

void keeper_reap(struct keeper *keeper)
{
    struct kept_generation **link = &keeper->generations->next;

    while (*link != NULL) {
        struct kept_generation *old = *link;
        /* Only this thread hands out holds, so that nobody can take one again. */
        if (atomic_load_explicit(&old->generation->holders, memory_order_acquire) > 1) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        drop(old);
    }
    reap_stores(keeper);
}

/* The number of the head, without loading it. */
static enum status read_head(const struct kept_store *kept, struct diag *diag, uint64_t *number)
{
    struct snapshot *snapshot;
    enum status status = snapshot_open(kept->store, diag, &snapshot);

    if (status != STATUS_OK)
        return status;
    status = snapshot_head(snapshot, number, diag);
    snapshot_close(snapshot);
    return status;
}

/* Load the head of the first store unless it is what is served already. */
static enum status look_at_head(struct keeper *keeper, bool thorough, struct diag *diag, bool *changed)
{
    struct kept_store *watched = keeper->stores;
    const struct kept_generation *current = keeper->generations;
    uint64_t transaction = store_last_transaction(watched->store);
    uint64_t head = 0;

    if (!thorough && transaction == watched->transaction && current->store == watched)
        return STATUS_OK;
    enum status status = read_head(watched, diag, &head);
    if (status != STATUS_OK)
        return status;
    if (head == 0 && current->generation->number > 0)
        return STATUS_OK; /* a new store that nothing was published in: the old answers are better than none */
    if (current->store != watched || head != current->generation->number) {
        struct kept_generation *loaded;
        status = load(keeper, watched, diag, &loaded);
        if (status != STATUS_OK)
            return status;
        if (current->store == watched && loaded->generation->number == current->generation->number) {
            drop(loaded); /* the head cannot be served, and what can be is served */
        } else {
            keeper->generations = loaded;
            *changed = true;
        }
    }
    watched->transaction = transaction;
    return STATUS_OK;
}

enum status keeper_look(struct keeper *keeper, bool thorough, struct diag *diag, bool *changed)
{
    *changed = false;
    if (keeper->stores == NULL || !store_is_current(keeper->stores->store)) {
        enum status status = open_store(keeper, diag);
        if (status == STATUS_NOT_FOUND)
            return STATUS_OK;
        if (status != STATUS_OK)
            return status;
    }
    return look_at_head(keeper, thorough, diag, changed);
}

/* ---- the keeper ---- */

enum status keeper_open(const char *folder, uint64_t map_size, struct diag *diag, struct keeper **keeper)
{
    struct keeper *made = memory_zalloc(1, sizeof *made);
    bool changed;

    *keeper = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->folder = memory_copy_text(folder, strlen(folder));
    made->map_size = map_size;
    enum status status = made->folder == NULL ? STATUS_NO_MEMORY : load(made, NULL, diag, &made->generations);
    if (status == STATUS_OK)
        status = keeper_look(made, true, diag, &changed);
    if (status != STATUS_OK) {
        keeper_close(made);
        return status;
    }
    *keeper = made;
    return STATUS_OK;
}

void keeper_close(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    while (keeper->generations != NULL) {
        struct kept_generation *gone = keeper->generations;
        keeper->generations = gone->next;
        drop(gone);
    }
    while (keeper->stores != NULL) {
        struct kept_store *gone = keeper->stores;
        keeper->stores = gone->next;
        store_close(gone->store);
        memory_free(gone);
    }
    memory_free(keeper->folder);
    memory_free(keeper);
}

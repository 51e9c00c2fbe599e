/* SPDX-License-Identifier: BSD-2-Clause */
/* store_open: opening and closing a store, as a reader, and as the one writer under its lock. */
#include "zones/lockfile.h"
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_files.h"
#include "zones/store_table.h"

#include <assert.h>

static struct store *store_new(const struct store_options *options, const char *folder)
{
    struct store *store = memory_zalloc(1, sizeof(*store));

    if (!store)
        return NULL;
    store->lock = -1;
    store->map_size = options->map_size ? options->map_size : STORE_MAP_SIZE_DEFAULT;
    store->keep = options->keep ? options->keep : STORE_KEEP_DEFAULT;
    store->folder = store_path_join(options->path, folder);
    store->file = store->folder ? store_path_join(store->folder, "data.mdb") : NULL;
    if (store->file)
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    assert(atomic_load(&store->snapshots) == 0);
    write_abort(store);
    environment_close(store);
    lockfile_release(store->lock);
    memory_free(store->folder);
    memory_free(store->file);
    memory_free(store);
}

enum status store_open_folder(const struct store_options *options, const char *folder, struct diag *diag,
                              struct store **store)
{
    struct store *opened = store_new(options, folder);
    enum status status = opened ? store_files_check(opened->folder, false, diag) : STATUS_NO_MEMORY;

    if (status == STATUS_OK)
        status = environment_open(opened, true, diag);
    if (status == STATUS_OK)
        status = tables_open(opened, diag);
    if (status == STATUS_OK)
        *store = opened;
    else
        store_close(opened);
    return status;
}

enum status store_open_reader(const struct store_options *options, struct diag *diag, struct store **store)
{
    return store_open_folder(options, STORE_FORMAT, diag, store);
}

/* A new store is made beside its place and then moved there whole, so that nobody ever sees half of one. */
static enum status store_make(const struct store_options *options, struct diag *diag)
{
    struct store *made = store_new(options, STORE_FORMAT ".new");
    char *place = store_path_join(options->path, STORE_FORMAT);
    enum status status = made && place ? STATUS_OK : STATUS_NO_MEMORY;

    if (status == STATUS_OK)
        status = store_files_make(made->folder, diag);
    if (status == STATUS_OK)
        status = environment_open(made, false, diag);
    if (status == STATUS_OK)
        status = tables_make(made, diag);
    if (status == STATUS_OK)
        status = store_files_move(made->folder, place, diag);
    store_close(made);
    memory_free(place);
    return status;
}

static enum status leftovers_remove(struct store *store, struct diag *diag)
{
    bool wanted = false;
    enum status status = prune_wanted(store, &wanted);

    if (status == STATUS_OK && wanted) {
        status = write_begin(store);
        if (status == STATUS_OK)
            status = prune_leftovers(store);
        if (status == STATUS_OK)
            status = write_commit(store);
        write_abort(store);
    }
    return status == STATUS_OK ? status : store_failed(store, status, "remove what a dead import left", diag);
}

/* With the lock held: make the store if it is missing, and open it. */
static enum status writer_open(struct store *store, const struct store_options *options, struct diag *diag)
{
    enum status status = store_files_check(store->folder, true, diag);

    if (status == STATUS_NOT_FOUND) {
        status = store_make(options, diag);
        if (status == STATUS_OK)
            status = store_files_check(store->folder, true, diag);
    }
    if (status == STATUS_OK)
        status = environment_open(store, false, diag);
    if (status == STATUS_OK)
        status = tables_open(store, diag);
    return status == STATUS_OK ? leftovers_remove(store, diag) : status;
}

enum status store_open_writer(const struct store_options *options, struct diag *diag, struct store **store)
{
    struct store *opened = store_new(options, STORE_FORMAT);
    char *lock = store_path_join(options->path, "import.lock");
    enum status status = opened && lock ? STATUS_OK : STATUS_NO_MEMORY;

    if (status == STATUS_OK)
        status = store_folder_make(options->path, diag);
    if (status == STATUS_OK)
        status = lockfile_take(lock, options->lock_wait_ms, diag, &opened->lock);
    if (status == STATUS_OK) {
        opened->writer = true;
        status = writer_open(opened, options, diag);
    }
    memory_free(lock);
    if (status == STATUS_OK)
        *store = opened;
    else
        store_close(opened);
    return status;
}

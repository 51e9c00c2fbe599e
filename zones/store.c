/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/store.h"

#include "zones/memory.h"
#include "zones/prefault.h"
#include "zones/store_files.h"
#include "zones/store_table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READERS_MAX         256
#define PAGES_PER_OPERATION 8                   /* upper bound of the tree pages one change touches */
#define PAGES_PER_COMMIT    256                 /* the same for the roots and the list of free pages */
#define SLACK_BYTES         (UINT64_C(1) << 20) /* what the file may be longer than its pages after a commit */
#define FREE_LIST           0                   /* LMDB's own database of free pages */
#define MAIN_TREE           1                   /* and that of the other databases */

static const struct {
    const char *name;
    unsigned flags;
} tables[TABLE_COUNT] = {
    [TABLE_IMAGES] = {"images", MDB_INTEGERKEY},
    [TABLE_BY_CONTENT] = {"by_content", 0},
    [TABLE_CATALOGS] = {"catalogs", MDB_INTEGERKEY},
    [TABLE_CATALOGS_BY_CONTENT] = {"catalogs_by_content", 0},
    [TABLE_ORIGINS] = {"origins", MDB_INTEGERKEY},
    [TABLE_BY_INPUT] = {"by_input", 0},
    [TABLE_SERIALS] = {"serials", 0},
    [TABLE_GENERATIONS] = {"generations", MDB_INTEGERKEY},
    [TABLE_META] = {"meta", 0},
};

/* ---- results ---- */

static enum status status_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return STATUS_OK;
    case MDB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_STORE_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_VALSIZE:
    case MDB_INCOMPATIBLE:
    case MDB_KEYEXIST:
    case MDB_CURSOR_FULL:
        return STATUS_DAMAGED;
    case MDB_VERSION_MISMATCH:
        return STATUS_VERSION;
    default:
        return rc > 0 ? STATUS_IO : STATUS_STORE;
    }
}

/* The same, kept for the message. */
static enum status refused(struct store *store, int rc)
{
    store->rc = rc;
    return status_of(rc);
}

enum status store_failed(const struct store *store, enum status status, const char *wanted, struct diag *diag)
{
    const char *file = store->file;

    switch (status) {
    case STATUS_STORE_FULL:
        if (store->rc == MDB_MAP_FULL)
            return diag_fail(diag, status, NULL,
                             "cannot %s: %s has reached its map size of %" PRIu64
                             " bytes; raise `map-size` in splitview.conf, or keep fewer generations",
                             wanted, file, store->map_size);
        return diag_fail(diag, status, NULL, "cannot %s: no room on the disk for %s: %s", wanted, file,
                         mdb_strerror(store->rc));
    case STATUS_NO_MEMORY:
        return diag_fail(diag, status, NULL, "cannot %s: out of memory, or of address space (ulimit -v) for %s", wanted,
                         file);
    case STATUS_NOT_FOUND:
    case STATUS_DAMAGED:
        return diag_fail(diag, STATUS_DAMAGED, NULL,
                         "cannot %s: %s is damaged or is no store; move %s away and import again, or `splitview store "
                         "restore FILE`",
                         wanted, file, store->folder);
    case STATUS_VERSION:
        return diag_fail(diag, status, NULL, "cannot %s: %s was made by another version", wanted, file);
    case STATUS_IO:
    case STATUS_STORE:
        return diag_fail(diag, status, NULL, "cannot %s: %s: %s", wanted, file, mdb_strerror(store->rc));
    default:
        return diag_fail(diag, status, NULL, "cannot %s: %s: %s", wanted, file, status_text(status));
    }
}

/* ---- tables ---- */

static MDB_val value_of(struct span span)
{
    return (MDB_val){.mv_size = span.size, .mv_data = (void *)(uintptr_t)span.data};
}

static struct span span_of(MDB_val value)
{
    return (struct span){value.mv_data, value.mv_size};
}

struct span span_of_id(const uint64_t *id)
{
    return (struct span){id, sizeof(*id)};
}

uint64_t span_number(struct span span)
{
    uint64_t number = 0;

    if (span.size == sizeof(number))
        memcpy(&number, span.data, sizeof(number));
    return number;
}

enum status table_get(const struct store *store, MDB_txn *txn, enum table table, struct span key, struct span *value)
{
    MDB_val lmdb_key = value_of(key);
    MDB_val found = {0, NULL};
    const int rc = mdb_get(txn, store->tables[table], &lmdb_key, &found);

    if (rc == 0)
        *value = span_of(found);
    return status_of(rc);
}

enum status table_count(const struct store *store, MDB_txn *txn, enum table table, uint64_t *count)
{
    MDB_stat found;
    const int rc = mdb_stat(txn, store->tables[table], &found);

    *count = rc == 0 ? found.ms_entries : 0;
    return status_of(rc);
}

enum status table_tree(MDB_txn *txn, enum table table, void *tree, size_t size)
{
    MDB_val key = {strlen(tables[table].name), (void *)(uintptr_t)tables[table].name};
    MDB_val found = {0, NULL};
    const int rc = mdb_get(txn, MAIN_TREE, &key, &found);

    if (rc != 0 || found.mv_size != size)
        return rc != 0 ? status_of(rc) : STATUS_DAMAGED;
    memcpy(tree, found.mv_data, size);
    return STATUS_OK;
}

enum status table_bytes(const struct store *store, MDB_txn *txn, enum table table, uint64_t *bytes)
{
    MDB_stat found;
    const int rc = mdb_stat(txn, store->tables[table], &found);

    *bytes = rc == 0 ? (found.ms_branch_pages + found.ms_leaf_pages + found.ms_overflow_pages) * found.ms_psize : 0;
    return status_of(rc);
}

const char *table_name(enum table table)
{
    return tables[table].name;
}

enum status table_walk_begin(const struct store *store, MDB_txn *txn, enum table table, struct table_walk *walk)
{
    *walk = (struct table_walk){NULL, {NULL, 0}, {NULL, 0}};
    return status_of(mdb_cursor_open(txn, store->tables[table], &walk->cursor));
}

void table_walk_end(struct table_walk *walk)
{
    if (walk->cursor)
        mdb_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

static enum status walk_to(struct table_walk *walk, MDB_val key, MDB_cursor_op operation)
{
    MDB_val value = {0, NULL};
    const int rc = mdb_cursor_get(walk->cursor, &key, &value, operation);

    walk->key = span_of(key);
    walk->value = span_of(value);
    return status_of(rc);
}

enum status table_walk_next(struct table_walk *walk)
{
    return walk_to(walk, (MDB_val){0, NULL}, MDB_NEXT);
}

enum status table_walk_seek(struct table_walk *walk, uint64_t id)
{
    const enum status status = walk_to(walk, value_of(span_of_id(&id)), MDB_SET_RANGE);

    if (status != STATUS_OK)
        walk->key = (struct span){NULL, 0};
    return status;
}

enum status table_walk_delete(struct store *store, struct table_walk *walk)
{
    store->txn_pages += PAGES_PER_OPERATION;
    return refused(store, mdb_cursor_del(walk->cursor, 0));
}

static int put(struct store *store, enum table table, struct span key, MDB_val *value, unsigned flags)
{
    MDB_val lmdb_key = value_of(key);

    store->txn_bytes += value->mv_size;
    store->txn_pages += PAGES_PER_OPERATION + value->mv_size / store->page_size + 1;
    return mdb_put(store->txn, store->tables[table], &lmdb_key, value, flags);
}

enum status table_put(struct store *store, enum table table, struct span key, struct span value)
{
    MDB_val lmdb_value = value_of(value);

    return refused(store, put(store, table, key, &lmdb_value, 0));
}

enum status table_append(struct store *store, enum table table, uint64_t id, struct span value)
{
    MDB_val lmdb_value = value_of(value);

    return refused(store, put(store, table, span_of_id(&id), &lmdb_value, MDB_APPEND));
}

enum status table_append_block(struct store *store, enum table table, uint64_t id, struct span block)
{
    MDB_val room = {block.size + store->padding, NULL};
    const int rc = put(store, table, span_of_id(&id), &room, MDB_APPEND | MDB_RESERVE);

    if (rc != 0)
        return refused(store, rc);
    prefault_block(room.mv_data, room.mv_size);
    if (block.size > 0)
        memcpy(room.mv_data, block.data, block.size);
    memset((uint8_t *)room.mv_data + block.size, 0, store->padding);
    return STATUS_OK;
}

enum status table_delete(struct store *store, enum table table, uint64_t id)
{
    MDB_val key = value_of(span_of_id(&id));
    const int rc = mdb_del(store->txn, store->tables[table], &key, NULL);

    store->txn_pages += PAGES_PER_OPERATION;
    return rc == MDB_NOTFOUND ? STATUS_OK : refused(store, rc);
}

void store_check_readers(struct store *store)
{
    int dead = 0;

    mdb_reader_check(store->env, &dead);
}

/* ---- write transactions ---- */

enum status write_begin(struct store *store)
{
    if (store->txn)
        return STATUS_OK;
    store->txn_bytes = 0;
    store->txn_pages = PAGES_PER_COMMIT;
    return refused(store, mdb_txn_begin(store->env, NULL, 0, &store->txn));
}

void write_abort(struct store *store)
{
    if (store->txn)
        mdb_txn_abort(store->txn);
    store->txn = NULL;
}

/* The bytes of all pages the last commit knows. */
static uint64_t pages_end(const struct store *store)
{
    MDB_envinfo info;

    mdb_env_info(store->env, &info);
    return ((uint64_t)info.me_last_pgno + 1) * store->page_size;
}

static bool file_size(const struct store *store, int *fd, uint64_t *size)
{
    struct stat found;

    if (mdb_env_get_fd(store->env, fd) != 0 || fstat(*fd, &found) != 0)
        return false;
    *size = (uint64_t)found.st_size;
    return true;
}

/* LMDB reports a write that a full disk cut short as EIO. */
static int disk_error(const struct store *store, int rc)
{
    struct statvfs disk;

    if (rc != EIO || statvfs(store->folder, &disk) != 0)
        return rc;
    return (uint64_t)disk.f_bavail * disk.f_frsize < store->txn_pages * store->page_size ? ENOSPC : rc;
}

/*
 * LMDB may leave the last pages of a transaction unwritten when they were given back within it, and then the file is
 * shorter than its number of pages says, as if it were cut. So the file gets its full length first, as a hole; what the
 * transaction turned out not to need is taken away again.
 */
enum status write_commit(struct store *store)
{
    uint64_t wanted = pages_end(store) + store->txn_pages * store->page_size;
    uint64_t size = 0;
    int fd = -1;
    int rc = 0;

    wanted = wanted < store->map_size ? wanted : store->map_size;
    if (!file_size(store, &fd, &size) || (size < wanted && ftruncate(fd, (off_t)wanted) != 0)) {
        rc = errno;
        write_abort(store);
        return refused(store, rc);
    }
    rc = disk_error(store, mdb_txn_commit(store->txn));
    store->txn = NULL;
    wanted = pages_end(store);
    if (file_size(store, &fd, &size) && size > wanted + SLACK_BYTES && ftruncate(fd, (off_t)wanted) != 0) {
        /* The hole stays; it holds nothing. */
    }
    return refused(store, rc);
}

/* ---- opening ---- */

/* LMDB would meet the end of a short file with SIGBUS. */
static enum status length_check(const struct store *store, uint64_t *bytes, struct diag *diag)
{
    uint64_t size = 0;
    int fd = -1;

    *bytes = pages_end(store);
    if (!file_size(store, &fd, &size))
        return diag_fail(diag, STATUS_IO, NULL, "cannot look at %s: %s", store->file, strerror(errno));
    if (size >= *bytes)
        return STATUS_OK;
    return diag_fail(diag, STATUS_DAMAGED, NULL,
                     "%s is cut short: it has %" PRIu64 " bytes and needs %" PRIu64
                     "; move %s away and import again, or `splitview store restore FILE`",
                     store->file, size, *bytes, store->folder);
}

enum status environment_open(struct store *store, bool read_only, struct diag *diag)
{
    MDB_stat pages;
    struct stat found;
    uint64_t bytes = 0;
    int fd = -1;
    int rc = mdb_env_create(&store->env);

    if (rc == 0)
        rc = mdb_env_set_mapsize(store->env, store->map_size);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(store->env, TABLE_COUNT);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(store->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_open(store->env, store->folder, (read_only ? MDB_RDONLY : 0) | MDB_NOTLS, STORE_LOCK_MODE);
    if (rc == EINVAL) /* nothing is asked for that is not valid: a size in the file's head is damaged */
        rc = MDB_INVALID;
    if (rc == 0)
        rc = mdb_env_stat(store->env, &pages);
    if (rc == 0)
        rc = mdb_env_get_fd(store->env, &fd);
    if (rc == 0 && fstat(fd, &found) != 0)
        rc = errno;
    if (rc != 0)
        return store_failed(store, refused(store, rc), "open the store", diag);
    store->device = found.st_dev;
    store->inode = found.st_ino;
    store->page_size = pages.ms_psize;
    store->padding = store->page_size / 2;
    store_check_readers(store);
    return length_check(store, &bytes, diag);
}

/*
 * A writer must do so in a write transaction: if an importer was killed after LMDB's last write and before it told the
 * readers, they still see the state before it, and only the next writer mends that.
 */
enum status tables_open(struct store *store, struct diag *diag)
{
    enum status status = STATUS_OK;
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(store->env, NULL, store->writer ? 0 : MDB_RDONLY, &txn);

    for (unsigned i = 0; i < TABLE_COUNT && rc == 0; i++) {
        unsigned flags = 0;

        rc = mdb_dbi_open(txn, tables[i].name, tables[i].flags, &store->tables[i]);
        if (rc == 0 && (mdb_dbi_flags(txn, store->tables[i], &flags) != 0 || flags != tables[i].flags))
            rc = MDB_INCOMPATIBLE;
    }
    status = refused(store, rc);
    for (unsigned i = 0; i < META_COUNT && status == STATUS_OK; i++)
        status = table_get_meta(store, txn, i, &store->meta[i]);
    if (status == STATUS_OK)
        status = refused(store, mdb_txn_commit(txn));
    else if (txn)
        mdb_txn_abort(txn);
    if (status == STATUS_OK && store->meta[META_FORMAT] != TABLES_FORMAT)
        status = STATUS_VERSION;
    return status == STATUS_OK ? status : store_failed(store, status, "open the store", diag);
}

enum status tables_make(struct store *store, struct diag *diag)
{
    enum status status = write_begin(store);

    for (unsigned i = 0; i < TABLE_COUNT && status == STATUS_OK; i++)
        status =
            refused(store, mdb_dbi_open(store->txn, tables[i].name, tables[i].flags | MDB_CREATE, &store->tables[i]));
    if (status == STATUS_OK)
        status = metas_make(store);
    if (status == STATUS_OK)
        status = write_commit(store);
    return status == STATUS_OK ? status : store_failed(store, status, "make the store", diag);
}

void environment_close(struct store *store)
{
    if (store->env)
        mdb_env_close(store->env);
}

/* ---- reading ---- */

/* Somebody's transaction needs more address space than this process has mapped. */
static int map_enlarge(struct store *store)
{
    MDB_envinfo info;
    int rc = MDB_MAP_RESIZED;

    if (store->txn || atomic_load(&store->snapshots) > 0)
        return rc;
    rc = mdb_env_set_mapsize(store->env, 0);
    mdb_env_info(store->env, &info);
    store->map_size = info.me_mapsize;
    return rc;
}

enum status snapshot_open(struct store *store, struct diag *diag, struct snapshot **snapshot)
{
    struct snapshot *opened = memory_zalloc(1, sizeof(*opened));
    enum status status = opened ? length_check(store, &opened->bytes, diag) : STATUS_NO_MEMORY;
    int rc = 0;

    if (status != STATUS_OK) {
        memory_free(opened);
        return status;
    }
    opened->store = store;
    rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &opened->txn);
    if (rc == MDB_READERS_FULL)
        store_check_readers(store);
    else if (rc == MDB_MAP_RESIZED && map_enlarge(store) != 0)
        rc = ENOMEM;
    if (rc == MDB_READERS_FULL || rc == MDB_MAP_RESIZED)
        rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &opened->txn);
    if (rc != 0) {
        memory_free(opened);
        return diag_fail(diag, rc == ENOMEM ? STATUS_NO_MEMORY : STATUS_STORE, NULL, "cannot read %s: %s", store->file,
                         mdb_strerror(rc));
    }
    opened->bytes = pages_end(store); /* of this transaction or a later one */
    atomic_fetch_add(&store->snapshots, 1);
    *snapshot = opened;
    return STATUS_OK;
}

void snapshot_close(struct snapshot *snapshot)
{
    if (!snapshot)
        return;
    mdb_txn_abort(snapshot->txn);
    atomic_fetch_sub(&snapshot->store->snapshots, 1);
    while (snapshot->views) {
        struct snapshot_views *next = snapshot->views->next;

        memory_free(snapshot->views);
        snapshot->views = next;
    }
    memory_free(snapshot);
}

/* Asked of a transaction, because LMDB's own number may be one that readers do not see yet (see tables_open). */
uint64_t store_last_transaction(const struct store *store)
{
    MDB_envinfo info;
    MDB_txn *txn = NULL;
    uint64_t number = 0;

    if (mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) != 0) {
        mdb_env_info(store->env, &info);
        return info.me_last_txnid;
    }
    number = mdb_txn_id(txn);
    mdb_txn_abort(txn);
    return number;
}

bool store_is_current(const struct store *store)
{
    struct stat found;

    return stat(store->file, &found) == 0 && found.st_dev == store->device && found.st_ino == store->inode;
}

/* Every value in the list of free pages is an array of page numbers behind their count. */
enum status free_pages_count(MDB_txn *txn, uint64_t *pages)
{
    struct table_walk walk = {NULL, {NULL, 0}, {NULL, 0}};
    enum status status = status_of(mdb_cursor_open(txn, FREE_LIST, &walk.cursor));
    size_t count = 0;

    *pages = 0;
    while (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK) {
        if (walk.value.size < sizeof(count))
            continue;
        memcpy(&count, walk.value.data, sizeof(count));
        *pages += count;
    }
    table_walk_end(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- care ---- */

enum status snapshot_file(const struct snapshot *snapshot, int *fd, uint64_t *transaction)
{
    *transaction = mdb_txn_id(snapshot->txn);
    return status_of(mdb_env_get_fd(snapshot->store->env, fd));
}

enum status store_copy(struct store *store, int fd, struct diag *diag)
{
    const enum status status = refused(store, mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT));

    if (status == STATUS_STORE_FULL || (status == STATUS_IO && store->rc != EINVAL))
        return diag_fail(diag, status, NULL, "cannot write the copy of %s: %s", store->file, mdb_strerror(store->rc));
    return status == STATUS_OK ? status : store_failed(store, status, "copy the store", diag);
}

struct reader_list {
    void (*visit)(void *context, long pid, uint64_t transaction);
    void *context;
};

/* LMDB tells its readers only as lines of text: pid, thread and transaction, "-" for none. */
static int reader_line(const char *line, void *context)
{
    const struct reader_list *list = context;
    char *end = NULL;
    const long pid = strtol(line, &end, 10);

    if (pid <= 0)
        return 0;
    end += strspn(end, " ");
    end += strcspn(end, " ");
    end += strspn(end, " ");
    list->visit(list->context, pid, strtoull(end, NULL, 10));
    return 0;
}

void store_each_reader(struct store *store, void (*visit)(void *context, long pid, uint64_t transaction), void *context)
{
    struct reader_list list = {visit, context};

    mdb_reader_list(store->env, reader_line, &list);
}

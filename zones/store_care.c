/* SPDX-License-Identifier: BSD-2-Clause */
/* store_care: copies of a store, and putting one in its place. */
#include "zones/store_care.h"

#include "zones/child.h"
#include "zones/lockfile.h"
#include "zones/memory.h"
#include "zones/store_files.h"
#include "zones/store_table.h"
#include "zones/store_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_CHUNK (1u << 20) /* bytes */
#define NEW_FOLDER STORE_FORMAT ".new"

/* ---- copies ---- */

struct copy {
    const struct store_options *options;
    int fd;
};

static enum status copy_body(void *context, struct bytes *result, struct diag *diag)
{
    const struct copy *copy = context;
    struct store *store = NULL;
    enum status status = store_open_reader(copy->options, diag, &store);

    (void)result;
    if (status == STATUS_OK)
        status = store_copy(store, copy->fd, diag);
    store_close(store);
    return status;
}

static enum status flush(int fd, const char *path, uint64_t *size, struct diag *diag)
{
    struct stat found;

    if (fsync(fd) != 0)
        return store_file_failed(path, "flush", errno, diag);
    if (fstat(fd, &found) != 0)
        return store_file_failed(path, "look at", errno, diag);
    *size = (uint64_t)found.st_size;
    return STATUS_OK;
}

/* Copy the store to an open, empty file, without its free pages, and flush that. */
static enum status copy_to(const struct store_options *options, int fd, const char *path, uint64_t limit_ms,
                           uint64_t *size, struct diag *diag)
{
    struct copy copy = {options, fd};
    char subject[DIAG_TEXT_MAX / 2];
    struct bytes result;
    enum status status = STATUS_OK;

    snprintf(subject, sizeof(subject), "%s/%s/data.mdb", options->path, STORE_FORMAT);
    bytes_init(&result, 0);
    status = child_run(copy_body, &copy, subject, limit_ms, &result, diag, NULL);
    bytes_clear(&result);
    if (status == STATUS_NOT_FOUND)
        return diag_fail(diag, status, NULL, "no store in %s", options->path);
    return status == STATUS_OK ? flush(fd, path, size, diag) : status;
}

static enum status folder_flush(const char *path, struct diag *diag)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? memory_copy_text(path, slash == path ? 1 : (size_t)(slash - path)) : memory_copy_text(".", 1);
    enum status status = STATUS_OK;

    if (!folder)
        return STATUS_NO_MEMORY;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        status = store_file_failed(folder, "flush", errno, diag);
    if (fd >= 0)
        close(fd);
    memory_free(folder);
    return status;
}

static enum status already_there(const char *path, struct diag *diag)
{
    return diag_fail(diag, STATUS_IO, NULL, "%s is there already; nothing was written (--force replaces it)", path);
}

/* Give the finished copy its name. */
static enum status backup_name(const char *part, const char *path, bool replace, struct diag *diag)
{
    if (replace ? rename(part, path) != 0 : link(part, path) != 0)
        return errno == EEXIST ? already_there(path, diag) : store_file_failed(path, "make", errno, diag);
    if (!replace)
        unlink(part);
    return folder_flush(path, diag);
}

static enum status backup_write(const struct store_options *options, const char *part, uint64_t limit_ms,
                                uint64_t *size, struct diag *diag)
{
    const int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, STORE_DATA_MODE);
    enum status status = STATUS_OK;

    if (fd < 0)
        return store_file_failed(part, "make", errno, diag);
    if (fchmod(fd, STORE_DATA_MODE) != 0)
        status = store_file_failed(part, "give its mode to", errno, diag);
    if (status == STATUS_OK)
        status = copy_to(options, fd, part, limit_ms, size, diag);
    if (close(fd) != 0 && status == STATUS_OK)
        status = store_file_failed(part, "write", errno, diag);
    return status;
}

enum status store_backup(const struct store_options *options, const char *path, bool replace, uint64_t limit_ms,
                         uint64_t *size, struct diag *diag)
{
    char *part = memory_alloc(strlen(path) + 32);
    struct stat found;
    enum status status = STATUS_OK;

    *size = 0;
    if (!part)
        return STATUS_NO_MEMORY;
    snprintf(part, strlen(path) + 32, "%s.%ld.part", path, (long)getpid());
    if (!replace && lstat(path, &found) == 0)
        status = already_there(path, diag);
    else
        status = backup_write(options, part, limit_ms, size, diag);
    if (status == STATUS_OK)
        status = backup_name(part, path, replace, diag);
    if (status != STATUS_OK)
        unlink(part);
    memory_free(part);
    return status;
}

/* ---- a copy in the place of the store ---- */

/* What restore and compact need: the lock, and the folders. */
struct exchange {
    const struct store_options *options;
    char *lock_path;
    char *place;    /* STORE/1 */
    char *made;     /* STORE/1.new */
    char *data;     /* STORE/1.new/data.mdb */
    char *replaced; /* STORE/1.replaced */
    int lock;
};

static void exchange_end(struct exchange *exchange)
{
    lockfile_release(exchange->lock);
    memory_free(exchange->lock_path);
    memory_free(exchange->place);
    memory_free(exchange->made);
    memory_free(exchange->data);
    memory_free(exchange->replaced);
}

/* Take the import lock and make an empty environment beside the store. */
static enum status exchange_begin(struct exchange *exchange, const struct store_options *options, struct diag *diag)
{
    enum status status = STATUS_NO_MEMORY;

    *exchange = (struct exchange){.options = options, .lock = -1};
    exchange->lock_path = store_path_join(options->path, "import.lock");
    exchange->place = store_path_join(options->path, STORE_FORMAT);
    exchange->made = store_path_join(options->path, NEW_FOLDER);
    exchange->replaced = store_path_join(options->path, STORE_REPLACED);
    if (exchange->made)
        exchange->data = store_path_join(exchange->made, "data.mdb");
    if (exchange->lock_path && exchange->place && exchange->replaced && exchange->data)
        status = lockfile_take(exchange->lock_path, options->lock_wait_ms, diag, &exchange->lock);
    return status == STATUS_OK ? store_files_make(exchange->made, diag) : status;
}

/* The new environment takes the store's place; with `keep`, what was there is kept. */
static enum status exchange_finish(struct exchange *exchange, bool keep, struct diag *diag)
{
    bool exchanged = false;
    enum status status = store_files_exchange(exchange->made, exchange->place, &exchanged, diag);

    if (status != STATUS_OK || !exchanged)
        return status;
    if (!keep)
        return store_files_remove(exchange->made, diag);
    status = store_files_remove(exchange->replaced, diag);
    if (status == STATUS_OK && rename(exchange->made, exchange->replaced) != 0)
        status = store_file_failed(exchange->replaced, "keep what was replaced as", errno, diag);
    return status;
}

static void exchange_give_up(const struct exchange *exchange)
{
    struct diag ignored;

    diag_init(&ignored);
    if (exchange->lock >= 0)
        store_files_remove(exchange->made, &ignored);
    diag_clear(&ignored);
}

static enum status write_all(int to, const uint8_t *bytes, size_t size, const char *path, struct diag *diag)
{
    while (size > 0) {
        const ssize_t written = write(to, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0 && (errno == ENOSPC || errno == EDQUOT))
            return diag_fail(diag, STATUS_STORE_FULL, NULL, "no room on the disk for %s: %s", path, strerror(errno));
        if (written <= 0)
            return store_file_failed(path, "write", errno, diag);
        bytes += written;
        size -= (size_t)written;
    }
    return STATUS_OK;
}

/* Copy the bytes of one open file to another. */
static enum status file_copy(int from, const char *from_path, int to, const char *to_path, struct diag *diag)
{
    uint8_t *chunk = memory_alloc(COPY_CHUNK);
    uint64_t size = 0;
    ssize_t got = 1;
    enum status status = chunk ? STATUS_OK : STATUS_NO_MEMORY;

    while (status == STATUS_OK && got > 0) {
        got = read(from, chunk, COPY_CHUNK);
        if (got < 0)
            status = store_file_failed(from_path, "read", errno, diag);
        else
            status = write_all(to, chunk, (size_t)got, to_path, diag);
    }
    memory_free(chunk);
    return status == STATUS_OK ? flush(to, to_path, &size, diag) : status;
}

static enum status file_put(const struct exchange *exchange, const char *path, struct diag *diag)
{
    struct stat found;
    int to = -1;
    const int from = open(path, O_RDONLY | O_CLOEXEC);
    enum status status = STATUS_OK;

    if (from < 0)
        return store_file_failed(path, "read", errno, diag);
    if (fstat(from, &found) != 0 || !S_ISREG(found.st_mode))
        status = diag_fail(diag, STATUS_IO, NULL, "%s is no file", path);
    if (status == STATUS_OK)
        status = store_file_open(exchange->data, STORE_DATA_MODE, O_RDWR, diag, &to);
    if (status == STATUS_OK)
        status = file_copy(from, path, to, exchange->data, diag);
    close(from);
    if (to >= 0)
        close(to);
    return status;
}

static enum status copy_put(const struct exchange *exchange, uint64_t limit_ms, uint64_t *size, struct diag *diag)
{
    int to = -1;
    enum status status = store_file_open(exchange->data, STORE_DATA_MODE, O_RDWR, diag, &to);

    if (status == STATUS_OK)
        status = copy_to(exchange->options, to, exchange->data, limit_ms, size, diag);
    if (to >= 0)
        close(to);
    return status;
}

static enum status new_verify(const struct exchange *exchange, uint64_t limit_ms, struct store_verified *verified,
                              struct diag *diag)
{
    return store_verify_in_child(exchange->options, NEW_FOLDER, limit_ms, verified, diag);
}

enum status store_restore(const struct store_options *options, const char *path, bool dry_run, uint64_t limit_ms,
                          struct store_verified *verified, struct diag *diag)
{
    struct exchange exchange = {.lock = -1};
    enum status status = store_folder_make(options->path, diag);

    *verified = (struct store_verified){0};
    if (status != STATUS_OK)
        return status;
    status = exchange_begin(&exchange, options, diag);
    if (status == STATUS_OK)
        status = file_put(&exchange, path, diag);
    if (status == STATUS_OK) {
        status = new_verify(&exchange, limit_ms, verified, diag);
        if (status == STATUS_DAMAGED || status == STATUS_VERSION)
            diag_add(diag, SEVERITY_ERROR, NULL, "%s is no whole copy of a store; nothing was replaced", path);
    }
    if (status == STATUS_OK && !dry_run)
        status = exchange_finish(&exchange, true, diag);
    else
        exchange_give_up(&exchange);
    exchange_end(&exchange);
    return status;
}

static enum status place_size(const struct exchange *exchange, uint64_t *size, struct diag *diag)
{
    char *data = store_path_join(exchange->place, "data.mdb");
    struct stat found;
    enum status status = data ? STATUS_OK : STATUS_NO_MEMORY;

    if (data && stat(data, &found) == 0)
        *size = (uint64_t)found.st_size;
    else if (data)
        status = store_file_failed(data, "look at", errno, diag);
    memory_free(data);
    return status;
}

enum status store_compact(const struct store_options *options, uint64_t limit_ms, uint64_t *before, uint64_t *after,
                          struct diag *diag)
{
    struct exchange exchange = {.lock = -1};
    struct store_verified verified;
    struct stat found;
    enum status status = STATUS_OK;

    *before = *after = 0;
    if (stat(options->path, &found) != 0 && errno == ENOENT)
        return diag_fail(diag, STATUS_NOT_FOUND, NULL, "no store in %s", options->path);
    status = exchange_begin(&exchange, options, diag);
    if (status == STATUS_OK)
        status = copy_put(&exchange, limit_ms, after, diag);
    if (status == STATUS_OK)
        status = place_size(&exchange, before, diag);
    if (status == STATUS_OK) {
        status = new_verify(&exchange, limit_ms, &verified, diag);
        if (status == STATUS_DAMAGED)
            diag_add(diag, SEVERITY_ERROR, NULL, "%s is damaged; nothing was replaced", exchange.place);
    }
    if (status == STATUS_OK)
        status = exchange_finish(&exchange, false, diag);
    else
        exchange_give_up(&exchange);
    exchange_end(&exchange);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/store_files.h"

#include "zones/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *store_path_join(const char *folder, const char *name)
{
    const size_t folder_length = strlen(folder);
    const size_t name_length = strlen(name);
    char *path = memory_alloc(folder_length + name_length + 2);

    if (!path)
        return NULL;
    memcpy(path, folder, folder_length);
    path[folder_length] = '/';
    memcpy(path + folder_length + 1, name, name_length + 1);
    return path;
}

/* The folder that holds `path`, in the caller's buffer; false if it does not fit. */
static bool parent_of(const char *path, char parent[PATH_MAX])
{
    size_t length = strlen(path);

    if (length >= PATH_MAX)
        return false;
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    memcpy(parent, length > 0 ? path : ".", length > 0 ? length : 1);
    parent[length > 0 ? length : 1] = '\0';
    return true;
}

enum status store_file_failed(const char *path, const char *wanted, int error, struct diag *diag)
{
    char parent[PATH_MAX];
    struct stat found;
    const char *subject = path;

    if (error != EACCES && error != EPERM)
        return diag_fail(diag, STATUS_IO, NULL, "cannot %s %s: %s", wanted, path, strerror(error));
    if (stat(subject, &found) != 0) {
        subject = parent_of(path, parent) ? parent : path;
        if (stat(subject, &found) != 0)
            return diag_fail(diag, STATUS_IO, NULL, "cannot %s %s: %s (running as uid %u)", wanted, path,
                             strerror(error), (unsigned)geteuid());
    }
    return diag_fail(diag, STATUS_IO, NULL,
                     "cannot %s %s: %s (%s belongs to uid %u, gid %u with mode %04o; running as uid %u, gid %u)",
                     wanted, path, strerror(error), subject, (unsigned)found.st_uid, (unsigned)found.st_gid,
                     (unsigned)(found.st_mode & 07777), (unsigned)geteuid(), (unsigned)getegid());
}

/* Owner, group and mode for what was just made; `like` is the folder that holds it. */
static bool give(int fd, const struct stat *like, mode_t mode)
{
    struct stat made;

    if (fstat(fd, &made) != 0)
        return false;
    if (geteuid() == 0 && (made.st_uid != like->st_uid || made.st_gid != like->st_gid) &&
        fchown(fd, like->st_uid, like->st_gid) != 0)
        return false;
    /* Asking for set-group-id again could lose it: the kernel drops it for a group the caller is not in. */
    return (made.st_mode & 07777) == mode || fchmod(fd, mode) == 0;
}

static bool parent_stat(const char *path, struct stat *found)
{
    char parent[PATH_MAX];

    if (!parent_of(path, parent)) {
        errno = ENAMETOOLONG;
        return false;
    }
    return stat(parent, found) == 0;
}

enum status store_folder_make(const char *path, struct diag *diag)
{
    struct stat like;
    int fd = -1;

    if (stat(path, &like) == 0)
        return S_ISDIR(like.st_mode) ? STATUS_OK : store_file_failed(path, "use", ENOTDIR, diag);
    if (errno != ENOENT || !parent_stat(path, &like) || mkdir(path, STORE_FOLDER_MODE & 0777) != 0)
        return store_file_failed(path, "make the folder", errno, diag);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || !give(fd, &like, STORE_FOLDER_MODE)) {
        const int error = errno;

        if (fd >= 0)
            close(fd);
        rmdir(path);
        return store_file_failed(path, "give owner and mode to", error, diag);
    }
    close(fd);
    return STATUS_OK;
}

enum status store_file_open(const char *path, mode_t mode, int flags, struct diag *diag, int *fd)
{
    const char *wanted = flags == O_RDONLY ? "read" : "write to";
    struct stat like;

    *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
    if (*fd >= 0)
        return STATUS_OK;
    if (errno == ELOOP)
        return diag_fail(diag, STATUS_IO, NULL, "%s is a symbolic link, wanted a file: nothing is written through it",
                         path);
    if (errno != ENOENT)
        return store_file_failed(path, wanted, errno, diag);
    if (flags == O_RDONLY)
        return STATUS_NOT_FOUND;
    if (!parent_stat(path, &like))
        return store_file_failed(path, "make", errno, diag);
    *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_CREAT | O_EXCL, mode);
    if (*fd < 0 && errno == EEXIST) /* somebody else was faster */
        *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
    else if (*fd >= 0 && !give(*fd, &like, mode)) {
        const int error = errno;

        close(*fd);
        *fd = -1;
        unlink(path);
        errno = error;
    }
    return *fd >= 0 ? STATUS_OK : store_file_failed(path, "make", errno, diag);
}

static enum status folder_sync(const char *path, struct diag *diag)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = errno;

    if (fd < 0)
        return store_file_failed(path, "open", error, diag);
    error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return error == 0 ? STATUS_OK : store_file_failed(path, "flush", error, diag);
}

/* Open and close `folder`/`name` as store_file_open does. */
static enum status file_try(const char *folder, const char *name, mode_t mode, int flags, struct diag *diag)
{
    char *path = store_path_join(folder, name);
    enum status status = STATUS_NO_MEMORY;
    int fd = -1;

    if (!path)
        return status;
    status = store_file_open(path, mode, flags, diag, &fd);
    if (fd >= 0)
        close(fd);
    memory_free(path);
    return status;
}

/* On a file system that nobody can write to, nobody needs LMDB's table of readers. */
static bool read_only(const char *folder)
{
    return access(folder, W_OK) != 0 && errno == EROFS;
}

/* LMDB would take an empty file for a new environment, and forget all generations without a word. */
static enum status file_not_empty(const char *folder, struct diag *diag)
{
    char *path = store_path_join(folder, "data.mdb");
    struct stat found;
    enum status status = STATUS_NO_MEMORY;

    if (path)
        status = stat(path, &found) == 0 ? STATUS_OK : store_file_failed(path, "look at", errno, diag);
    if (status == STATUS_OK && (!S_ISREG(found.st_mode) || found.st_size == 0))
        status = diag_fail(diag, STATUS_DAMAGED, NULL,
                           "%s is %s; move %s away and import again, or `splitview store restore FILE`", path,
                           S_ISREG(found.st_mode) ? "cut short: it is empty" : "not a file", folder);
    memory_free(path);
    return status;
}

enum status store_files_check(const char *folder, bool writer, struct diag *diag)
{
    enum status status = file_try(folder, "data.mdb", 0, O_RDONLY, diag);

    if (status == STATUS_OK)
        status = file_not_empty(folder, diag);

    if (status == STATUS_OK && writer)
        status = file_try(folder, "data.mdb", STORE_DATA_MODE, O_RDWR, diag);
    if (status != STATUS_OK || (!writer && read_only(folder)))
        return status;
    return file_try(folder, "lock.mdb", STORE_LOCK_MODE, O_RDWR, diag);
}

/* Remove an environment folder that has no data file any more, or was never finished. */
static enum status folder_remove(const char *folder, bool with_data, struct diag *diag)
{
    const char *const names[] = {"lock.mdb", "data.mdb"};

    for (size_t i = 0; i < (with_data ? 2 : 1); i++) {
        char *path = store_path_join(folder, names[i]);

        if (!path)
            return STATUS_NO_MEMORY;
        if (unlink(path) != 0 && errno != ENOENT) {
            memory_free(path);
            return store_file_failed(folder, "clear", errno, diag);
        }
        memory_free(path);
    }
    if (rmdir(folder) != 0 && errno != ENOENT)
        return store_file_failed(folder, "remove", errno, diag);
    return STATUS_OK;
}

enum status store_files_make(const char *folder, struct diag *diag)
{
    enum status status = folder_remove(folder, true, diag);

    if (status == STATUS_OK)
        status = store_folder_make(folder, diag);
    if (status == STATUS_OK)
        status = file_try(folder, "data.mdb", STORE_DATA_MODE, O_RDWR, diag);
    return status == STATUS_OK ? file_try(folder, "lock.mdb", STORE_LOCK_MODE, O_RDWR, diag) : status;
}

enum status store_files_move(const char *folder, const char *place, struct diag *diag)
{
    char parent[PATH_MAX];
    enum status status = folder_remove(place, false, diag);

    if (status == STATUS_OK)
        status = folder_sync(folder, diag);
    if (status == STATUS_OK && rename(folder, place) != 0)
        status = store_file_failed(place, "move the new store to", errno, diag);
    if (status == STATUS_OK && parent_of(place, parent))
        status = folder_sync(parent, diag);
    return status;
}

enum status store_files_exchange(const char *folder, const char *place, bool *exchanged, struct diag *diag)
{
    char parent[PATH_MAX];
    enum status status = folder_sync(folder, diag);

    *exchanged = false;
    if (status != STATUS_OK)
        return status;
    if (renameat2(AT_FDCWD, folder, AT_FDCWD, place, RENAME_EXCHANGE) != 0) {
        if (errno == ENOENT)
            return store_files_move(folder, place, diag);
        if (errno == EINVAL || errno == ENOSYS)
            return diag_fail(diag, STATUS_IO, NULL,
                             "cannot put %s in the place of %s: this file system cannot exchange two folders; stop "
                             "splitviewd and all imports, and rename them by hand",
                             folder, place);
        return store_file_failed(place, "replace", errno, diag);
    }
    *exchanged = true;
    return parent_of(place, parent) ? folder_sync(parent, diag) : STATUS_OK;
}

enum status store_files_remove(const char *folder, struct diag *diag)
{
    return folder_remove(folder, true, diag);
}

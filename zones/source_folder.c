/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/source_folder.h"

#include "zones/memory.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source_folder {
    char *path;
    int folders[SOURCE_DEPTH_MAX + 1]; /* descriptors, the root first */
    unsigned depth;                    /* of the folder the cursor stands in */
    char name[NAME_MAX + 1];           /* of the entry last looked at */
    const char *walked;                /* the path that is walked along; borrowed */
};

static enum status failed(const struct source_folder *folder, const char *wanted, const char *name, struct diag *diag)
{
    const int error = errno;
    const struct place place = {.file = folder->walked};

    return diag_fail(diag, STATUS_IO, &place, "cannot %s \"%s\" below %s: %s", wanted, name, folder->path,
                     strerror(error));
}

static void folder_leave(void *tree)
{
    struct source_folder *folder = tree;

    assert(folder->depth > 0);
    close(folder->folders[folder->depth--]);
}

static void folder_rewind(void *tree, const char *path)
{
    struct source_folder *folder = tree;

    folder->walked = path;
    while (folder->depth > 0)
        folder_leave(folder);
}

static enum source_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return SOURCE_FILE;
    if (S_ISDIR(mode))
        return SOURCE_FOLDER;
    return S_ISLNK(mode) ? SOURCE_LINK : SOURCE_OTHER;
}

static enum status folder_look(void *tree, const char *name, struct source_look *look, struct diag *diag)
{
    struct source_folder *folder = tree;
    const int here = folder->folders[folder->depth];
    struct stat found;
    ssize_t length = 0;

    if (fstatat(here, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STATUS_NOT_FOUND : failed(folder, "look at", name, diag);
    look->kind = kind_of(found.st_mode);
    memcpy(folder->name, name, strlen(name) + 1); /* no part of a path is longer than NAME_MAX */
    if (look->kind != SOURCE_LINK)
        return STATUS_OK;
    length = readlinkat(here, name, look->target, sizeof(look->target));
    if (length < 0)
        return failed(folder, "read the link", name, diag);
    if ((size_t)length >= sizeof(look->target)) {
        errno = ENAMETOOLONG;
        return failed(folder, "read the link", name, diag);
    }
    look->target[length] = '\0';
    return STATUS_OK;
}

static enum status folder_enter(void *tree, struct diag *diag)
{
    struct source_folder *folder = tree;
    const int below = openat(folder->folders[folder->depth], folder->name,
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    assert(folder->depth < SOURCE_DEPTH_MAX);
    if (below < 0)
        return failed(folder, "open the folder", folder->name, diag);
    folder->folders[++folder->depth] = below;
    return STATUS_OK;
}

/* Read exactly `size` bytes; false, with errno set, if there are fewer. */
static bool read_all(int fd, char *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        const ssize_t length = read(fd, data + done, size - done);

        if (length < 0 && errno == EINTR)
            continue;
        if (length == 0)
            errno = ESTALE; /* somebody made it shorter meanwhile */
        if (length <= 0)
            return false;
        done += (size_t)length;
    }
    return true;
}

static enum status file_read(const struct source_folder *folder, int fd, size_t size, struct source_file *file,
                             struct diag *diag)
{
    const struct place place = {.file = folder->walked};
    char *data = memory_alloc(size + 1);
    char more = 0;

    if (!data)
        return STATUS_NO_MEMORY;
    if (!read_all(fd, data, size)) {
        memory_free(data);
        return failed(folder, "read", folder->name, diag);
    }
    if (read(fd, &more, 1) > 0) {
        memory_free(data);
        return diag_fail(diag, STATUS_IO, &place, "changed while it was read");
    }
    data[size] = '\0';
    *file = (struct source_file){data, size};
    return STATUS_OK;
}

static enum status folder_read(void *tree, struct source_file *file, struct diag *diag)
{
    const struct source_folder *folder = tree;
    const struct place place = {.file = folder->walked};
    struct stat found;
    enum status status = STATUS_OK;
    const int fd =
        openat(folder->folders[folder->depth], folder->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return failed(folder, "read", folder->name, diag);
    if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode))
        status = failed(folder, "read", folder->name, diag);
    else if ((uint64_t)found.st_size > SOURCE_FILE_MAX)
        status = diag_fail(diag, STATUS_TOO_LARGE, &place, "%lld bytes are more than %llu", (long long)found.st_size,
                           (unsigned long long)SOURCE_FILE_MAX);
    else
        status = file_read(folder, fd, (size_t)found.st_size, file, diag);
    close(fd);
    return status;
}

static enum status entries_add(const struct source_folder *folder, DIR *dir, source_add *add, void *context,
                               struct diag *diag)
{
    struct dirent *entry = NULL;
    struct stat found;
    enum status status = STATUS_OK;

    errno = 0;
    while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
        if (fstatat(dirfd(dir), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0)
            return failed(folder, "look at", entry->d_name, diag);
        status = add(context, entry->d_name, kind_of(found.st_mode), NULL);
        errno = 0;
    }
    if (status == STATUS_OK && errno != 0)
        return failed(folder, "list", ".", diag);
    return status;
}

static enum status folder_list(void *tree, source_add *add, void *context, struct diag *diag)
{
    const struct source_folder *folder = tree;
    const int fd = openat(folder->folders[folder->depth], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    enum status status = STATUS_OK;

    if (!dir) {
        status = failed(folder, "list", ".", diag);
        if (fd >= 0)
            close(fd);
        return status;
    }
    status = entries_add(folder, dir, add, context, diag);
    closedir(dir);
    return status;
}

static void folder_close(void *tree)
{
    struct source_folder *folder = tree;

    folder_rewind(folder, NULL);
    if (folder->folders[0] >= 0)
        close(folder->folders[0]);
    memory_free(folder->path);
    memory_free(folder);
}

enum status source_folder_open(const char *path, struct diag *diag, struct source_folder **folder)
{
    struct source_folder *opened = memory_zalloc(1, sizeof(*opened));
    enum status status = STATUS_OK;

    if (!opened)
        return STATUS_NO_MEMORY;
    opened->folders[0] = -1;
    opened->path = memory_copy_text(path, strlen(path));
    if (!opened->path) {
        folder_close(opened);
        return STATUS_NO_MEMORY;
    }
    opened->folders[0] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened->folders[0] < 0) {
        status = diag_fail(diag, STATUS_IO, NULL, "cannot open the folder %s: %s", path, strerror(errno));
        folder_close(opened);
        return status;
    }
    *folder = opened;
    return STATUS_OK;
}

const struct source_tree_ops *source_folder_ops(void)
{
    static const struct source_tree_ops ops = {
        .rewind = folder_rewind,
        .look = folder_look,
        .enter = folder_enter,
        .leave = folder_leave,
        .read = folder_read,
        .list = folder_list,
        .close = folder_close,
    };

    return &ops;
}

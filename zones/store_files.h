/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_files: the folders and files of a store, their modes, owners and the words for what goes wrong with them.
 *
 * What is made here gets exactly the mode asked for, whatever the umask, and the owner and group of the folder it is
 * made in, as far as the process may give them (a set-group-id folder hands on its group anyway). What is there already
 * is left as it is. Any thread.
 */
#ifndef SPLITVIEW_ZONES_STORE_FILES_H
#define SPLITVIEW_ZONES_STORE_FILES_H

#include "zones/status.h"

#include <stdbool.h>
#include <sys/types.h>

/* The group reads, and writes to the lock file alone: a server gone bad must not be able to put a link where an
 * importer with more rights writes next. */
#define STORE_FOLDER_MODE      02750
#define STORE_DATA_MODE        0640
#define STORE_LOCK_MODE        0660
#define STORE_IMPORT_LOCK_MODE 0600 /* only who imports needs it */

/* `folder`/`name` as one text, the caller's to memory_free; NULL when there is no memory. */
char *store_path_join(const char *folder, const char *name);

/* Make the folder unless it is there. IO with a message. */
enum status store_folder_make(const char *path, struct diag *diag);

/*
 * Open the file with `flags` (O_RDWR or O_RDONLY), making it with `mode` if it is missing and flags is O_RDWR.
 * NOT_FOUND without a message if it is missing otherwise; IO with a message. *fd is the caller's to close.
 */
enum status store_file_open(const char *path, mode_t mode, int flags, struct diag *diag, int *fd);

/*
 * Look whether the environment `folder` is there and may be used, for writing or for reading, and make its lock file if
 * only that is missing. To be called before LMDB opens it: closing a file of an open environment gives up its locks.
 * NOT_FOUND without a message if it is not there; IO with a message, NO_MEMORY.
 */
enum status store_files_check(const char *folder, bool writer, struct diag *diag);

/* Make the environment folder with its two files, empty; what is there from a dead importer goes first. */
enum status store_files_make(const char *folder, struct diag *diag);

/* Move a finished environment folder to its place, durably. What is at the place must hold no data file. */
enum status store_files_move(const char *folder, const char *place, struct diag *diag);

/*
 * Let a finished environment folder and the one at its place change places, durably, in one step: nobody finds no store
 * or half of one, and who has the old one open keeps it. If there is nothing at the place it is moved there, and
 * *exchanged is false.
 */
enum status store_files_exchange(const char *folder, const char *place, bool *exchanged, struct diag *diag);

/* Remove an environment folder and its two files, if it is there. */
enum status store_files_remove(const char *folder, struct diag *diag);

/* "cannot <wanted> PATH: <words>", and who owns it and who asks, if that is the reason. Returns STATUS_IO. */
enum status store_file_failed(const char *path, const char *wanted, int error, struct diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source_folder: a plain folder as a source. Every part of a path is opened beneath the one before it and never through
 * a link, and nothing but a regular file is ever opened for reading, so that a pipe cannot block an import.
 */
#ifndef SPLITVIEW_ZONES_SOURCE_FOLDER_H
#define SPLITVIEW_ZONES_SOURCE_FOLDER_H

#include "zones/source_tree.h"
#include "zones/status.h"

struct source_folder;

/* Open the folder `path`. IO with a message, NO_MEMORY. *folder goes to source_folder_ops()->close. */
enum status source_folder_open(const char *path, struct diag *diag, struct source_folder **folder);

const struct source_tree_ops *source_folder_ops(void);

#endif

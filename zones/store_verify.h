/* SPDX-License-Identifier: BSD-2-Clause */
/* store_verify: the walk behind store_verify and store_restore. Not for use outside zones/store*.c and tests. */
#ifndef SPLITVIEW_ZONES_STORE_VERIFY_H
#define SPLITVIEW_ZONES_STORE_VERIFY_H

#include "zones/store_care.h"

/*
 * As store_verify, of the folder `folder` in STORE, in this process, which damage can end. NOT_FOUND without a message.
 */
enum status store_verify_folder(const struct store_options *options, const char *folder,
                                struct store_verified *verified, struct diag *diag);

/* The same in a child process. */
enum status store_verify_in_child(const struct store_options *options, const char *folder, uint64_t limit_ms,
                                  struct store_verified *verified, struct diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signature: is a commit signed by somebody who may sign zones? git is asked, which asks ssh-keygen.
 *
 * Only SSH signatures count, and only of keys in the operator's file: an OpenPGP signature would count for any key that
 * found its way into a keyring. Neither the configuration of the user and the machine nor that of the repository
 * decides which programs run or which keys count. To be called by a process that has no other children to wait for.
 */
#ifndef SPLITVIEW_POLICY_SIGNATURE_H
#define SPLITVIEW_POLICY_SIGNATURE_H

#include "zones/source.h"
#include "zones/status.h"

#include <stdint.h>

/*
 * The commit of a source, or the annotated tag that its revision names, must have a good signature of a signer in the
 * file `allowed_signers` (the format of ssh-keygen(1), ALLOWED SIGNERS). Objects of a push that was not accepted yet
 * are found as source_open finds them. Each run of git may take `limit_ms` milliseconds. BAD_INPUT (no such signature;
 * a folder, which has no commits), IO (git is missing or did not end well, the file cannot be read), each with a
 * message.
 */
enum status signature_check(const struct source_info *source, const char *allowed_signers, uint32_t limit_ms,
                            struct diag *diag);

#endif

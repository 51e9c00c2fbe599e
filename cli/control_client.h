/* SPDX-License-Identifier: BSD-2-Clause */
/* control_client: one question to the daemon's control socket, one line of JSON back. One thread. */
#ifndef SPLITVIEW_CLI_CONTROL_CLIENT_H
#define SPLITVIEW_CLI_CONTROL_CLIENT_H

#include "cli/command.h"
#include "zones/status.h"

#include <jansson.h>
#include <stdint.h>

#define CONTROL_ANSWER_MAX   (1u << 20) /* bytes of an answer line */
#define CONTROL_QUESTION_MAX 1280       /* bytes of a question with its line end, as the daemon takes it */

/*
 * Send `question` to the socket at `path` and wait at most `timeout_ms` milliseconds in all. *answer is the caller's to
 * json_decref: an object without "error". NOT_FOUND without a message: no daemon is there. BAD_INPUT with the daemon's
 * message: there is nothing of the kind that was asked for. IO with a message: the socket cannot be used, the time is
 * over, the answer is not understood, or the daemon answered with another error.
 */
enum status control_ask(const char *path, const char *question, unsigned timeout_ms, struct diag *diag,
                        json_t **answer);

/* The same to the socket of the configuration; with a message also if that names none, and if no daemon is there
 * (NOT_FOUND). */
enum status control_ask_daemon(const struct cli *cli, const struct server_config *config, const char *question,
                               unsigned timeout_ms, struct diag *diag, json_t **answer);

#define CONTROL_ADOPT_MS 10000 /* for the daemon to serve what is new in the store */

/*
 * Tell the daemon behind `path` ("": there is none) to look at its store, and wait until it serves what it found:
 * *served is that generation's number. The daemon looks by itself too, so what goes wrong here is a warning in `diag`:
 * also that it serves one older than `wanted` (0: any will do). NOT_FOUND, without a warning: no daemon is there.
 */
enum status control_adopt(const char *path, uint64_t wanted, struct diag *diag, uint64_t *served);

#endif

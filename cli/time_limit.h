/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time_limit: the option --time-limit, and its keeping by the commands that read the store in their own process: as
 * long as a process reads, room in the store cannot be used again. One thread, once in a process.
 */
#ifndef SPLITVIEW_CLI_TIME_LIMIT_H
#define SPLITVIEW_CLI_TIME_LIMIT_H

#include "cli/command.h"

#include <stdbool.h>
#include <stdint.h>

/* The time of --time-limit, an hour if it was not given; 0: without limit. False: its argument is no time. */
bool time_limit_read(const struct cli *cli, uint64_t *limit_ms);
/* Says so; gives EXIT_USAGE. */
enum exit_status time_limit_usage_error(const struct command *command, const struct cli *cli);

/*
 * From now on the process ends after the time with a message on standard error and EXIT_COULD_NOT, whatever it is at;
 * what it printed by then may be cut short. EXIT_FINE, else the status to end with: after a message, --time-limit is no
 * time or there is no timer.
 */
enum exit_status time_limit_start(const struct command *command, const struct cli *cli);

#endif

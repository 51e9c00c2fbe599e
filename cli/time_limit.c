/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/time_limit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define DEFAULT_MS UINT64_C(3600000)
#define MAX_MS     (UINT64_C(366) * 86400 * 1000)

bool time_limit_read(const struct cli *cli, uint64_t *limit_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    const char *text = cli->time_limit;
    char *end = NULL;

    *limit_ms = DEFAULT_MS;
    if (text == NULL)
        return true;
    if (*text < '0' || *text > '9')
        return false;
    const uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].unit) == 0 && number <= MAX_MS / units[i].ms) {
            *limit_ms = number * units[i].ms;
            return true;
        }
    return false;
}

enum exit_status time_limit_usage_error(const struct command *command, const struct cli *cli)
{
    return cli_usage_error(command, "--time-limit: found %s, wanted a time as 90s, 30m or 1h", cli->time_limit);
}

/* Only what a signal handler may do: the system frees what is held, the place among the store's readers too. */
static void end_process(int number)
{
    static const char text[] = "splitview: not finished within the time limit; more is given with --time-limit\n";

    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(EXIT_COULD_NOT);
    _exit(EXIT_COULD_NOT);
}

enum exit_status time_limit_start(const struct command *command, const struct cli *cli)
{
    struct sigaction action = {.sa_handler = end_process};
    struct itimerval timer = {{0, 0}, {0, 0}};
    uint64_t limit_ms;
    sigset_t alarm;

    if (!time_limit_read(cli, &limit_ms))
        return time_limit_usage_error(command, cli);
    if (limit_ms == 0)
        return EXIT_FINE;
    timer.it_value.tv_sec = (time_t)(limit_ms / 1000);
    timer.it_value.tv_usec = (suseconds_t)(limit_ms % 1000 * 1000);
    sigemptyset(&action.sa_mask);
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    if (sigaction(SIGALRM, &action, NULL) == 0 && sigprocmask(SIG_UNBLOCK, &alarm, NULL) == 0 &&
        setitimer(ITIMER_REAL, &timer, NULL) == 0)
        return EXIT_FINE;
    fprintf(stderr, "splitview: no timer: %s\n", strerror(errno));
    return EXIT_COULD_NOT;
}

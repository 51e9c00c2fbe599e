/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splitviewd: the server. Reads its arguments and its configuration; daemon.c does the rest.
 */
#include "policy/server.h"
#include "resolver/daemon.h"
#include "resolver/say.h"
#include "zones/status.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

enum exit_status { EXIT_FINE = 0, EXIT_BAD_CONFIG = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

static void print_usage(FILE *stream)
{
    fputs("usage: splitviewd [--config FILE]\n"
          "\n"
          "Serve the newest generation that `splitview import` published, in the foreground, until SIGTERM or SIGINT.\n"
          "SIGHUP reads the configuration again.\n"
          "\n"
          "  -c, --config FILE   the machine's configuration (default " SERVER_CONFIG_PATH ")\n"
          "  -V, --version       print the version and exit\n"
          "  -h, --help          print this and exit\n"
          "\n"
          "Exit status: 0 stopped, 1 bad configuration, 2 usage, 3 could not start. See splitviewd(8).\n",
          stream);
}

/* True: go on with *path; false: exit with *status. */
static bool read_arguments(int argc, char **argv, const char **path, enum exit_status *status)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            *path = optarg;
            break;
        case 'V':
            puts("splitviewd " PACKAGE_VERSION);
            *status = EXIT_FINE;
            return false;
        case 'h':
            print_usage(stdout);
            *status = EXIT_FINE;
            return false;
        default:
            print_usage(stderr);
            *status = EXIT_USAGE;
            return false;
        }
    }
    if (optind == argc)
        return true;
    fprintf(stderr, "splitviewd: unexpected argument: %s\n", argv[optind]);
    print_usage(stderr);
    *status = EXIT_USAGE;
    return false;
}

int main(int argc, char **argv)
{
    const char *path = SERVER_CONFIG_PATH;
    enum exit_status exit_status = EXIT_FINE;
    struct server_config *config = NULL;
    struct diag diag;

    if (!read_arguments(argc, argv, &path, &exit_status))
        return exit_status;
    say_open();
    diag_init(&diag);
    enum status status = server_config_read(path, &diag, &config);
    say_diag(&diag);
    diag_clear(&diag);
    if (status != STATUS_OK) {
        say("%s: %s", path, status_text(status));
        return status == STATUS_NO_MEMORY ? EXIT_COULD_NOT : EXIT_BAD_CONFIG;
    }
    status = daemon_run(path, config);
    if (status == STATUS_BAD_INPUT)
        return EXIT_BAD_CONFIG;
    return status == STATUS_OK ? EXIT_FINE : EXIT_COULD_NOT;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * data: the zones of the measurements (workload.h).
 *
 *     data [--one-zone] [--plain] [--views N] [--prefixes N] SITES FOLDER
 *
 * FOLDER, which exists, gets policy.conf and the zones of views internet and inside; with --plain, for servers without
 * views, a folder plain with the zones as they are inside.
 */
#include "tests/bench/workload.h"
#include "tests/wire.h"

#include <getopt.h>

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"one-zone", no_argument, NULL, 'o'},
        {"plain", no_argument, NULL, 'p'},
        {"views", required_argument, NULL, 'v'},
        {"prefixes", required_argument, NULL, 'x'},
        {NULL, 0, NULL, 0},
    };
    struct workload workload = {.sites = 0};
    uint32_t views = 2;
    uint32_t prefixes = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'o')
            workload.one_zone = true;
        else if (option == 'p')
            workload.plain = true;
        else if (option == 'v')
            views = (uint32_t)wire_number(optarg);
        else if (option == 'x')
            prefixes = (uint32_t)wire_number(optarg);
        else
            wire_die("see the head of tests/bench/data.c");
    }
    if (argc - optind != 2)
        wire_die("see the head of tests/bench/data.c");
    workload.sites = (uint32_t)wire_number(argv[optind]);
    if (workload.sites == 0 || workload.sites > WORKLOAD_SITES_MAX)
        wire_die("from 1 to %u sites", WORKLOAD_SITES_MAX);
    workload_write(&workload, argv[optind + 1], views, prefixes);
    return 0;
}

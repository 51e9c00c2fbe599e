/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask: the same questions to several servers, and every reply of the first compared with every other's.
 *
 *     ask [-r RULES] [-z APEX=FILE]... [-n SHOWN] [-c COUNTS] QUESTIONS NAME=ADDRESS@PORT...
 *     ask wait NAME=ADDRESS@PORT APEX...     until the server answers for each zone, 20 s at most
 *     ask port                               print a free port
 *
 * The zones' files are read for the conditions that ask what stands where. Prints each disagreement no rule explains
 * (SHOWN of them at most a peer), then one line a peer: "peer NAME questions N disagreements N unexplained N". COUNTS
 * collects, over several runs, how often each rule was used. Exit status: 0 all explained, 1 not, 2 usage, 3 could not
 * ask.
 */
#include "tests/peers/rules.h"

#include "zones/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVERS_MAX 8
#define WAIT_MS     20000

struct run {
    struct rule_list rules;
    struct question_list questions;
    struct exchange_server servers[SERVERS_MAX];
    struct raw_reply *raw[SERVERS_MAX];
    size_t server_count;
    struct zone_list zones;
    size_t shown_most;
    const char *counts;
};

static int usage(void)
{
    fputs("usage: ask [-r RULES] [-z APEX=FILE]... [-n SHOWN] [-c COUNTS] QUESTIONS NAME=ADDRESS@PORT...\n"
          "       ask wait NAME=ADDRESS@PORT APEX...\n"
          "       ask port\n",
          stderr);
    return 2;
}

static int wait_for(char **arguments, int count)
{
    struct exchange_server server;
    if (count < 2 || !exchange_server_read(&server, arguments[0]))
        return usage();
    for (int i = 1; i < count; i++) {
        struct question_line line = {.type = 6, .class = 1};
        if (name_from_text(arguments[i], strlen(arguments[i]), NULL, line.name, &line.name_size) != STATUS_OK)
            return usage();
        if (!exchange_wait(&server, &line, WAIT_MS)) {
            fprintf(stderr, "%s does not answer for %s\n", server.name, arguments[i]);
            return 1;
        }
    }
    return 0;
}

static bool ask_all(struct run *run)
{
    for (size_t i = 0; i < run->server_count; i++) {
        run->raw[i] = memory_zalloc(run->questions.count + 1, sizeof *run->raw[i]);
        if (run->raw[i] == NULL || !exchange_all(&run->servers[i], &run->questions, false, run->raw[i]) ||
            !exchange_all(&run->servers[i], &run->questions, true, run->raw[i]))
            return false;
    }
    return true;
}

static void show(const struct comparison *comparison, const char *first, unsigned left)
{
    char text[128];
    comparison_text(left, text, sizeof text);
    printf("%s: %s\n    differs: %s\n", comparison->peer, comparison->line->text, text);
    reply_print(comparison->ours, first, stdout);
    reply_print(comparison->theirs, comparison->peer, stdout);
}

/* Returns the number of disagreements that no rule explains. */
static size_t compare_peer(struct run *run, size_t peer)
{
    size_t disagreements = 0;
    size_t unexplained = 0;
    size_t silent = 0;
    for (size_t i = 0; i < run->questions.count; i++) {
        struct reply ours;
        struct reply theirs;
        reply_read(&run->questions.lines[i], &run->raw[0][i], &ours);
        reply_read(&run->questions.lines[i], &run->raw[peer][i], &theirs);
        struct comparison comparison = {.peer = run->servers[peer].name,
                                        .line = &run->questions.lines[i],
                                        .ours = &ours,
                                        .theirs = &theirs,
                                        .zones = &run->zones};
        comparison_make(&comparison);
        unsigned left = rule_list_explain(&run->rules, &comparison);
        silent += theirs.state == REPLY_NONE;
        disagreements += comparison.differences != 0;
        unexplained += left != 0;
        if (left != 0 && unexplained <= run->shown_most)
            show(&comparison, run->servers[0].name, left);
        reply_clear(&ours);
        reply_clear(&theirs);
    }
    printf("peer %s questions %zu disagreements %zu unexplained %zu unanswered %zu\n", run->servers[peer].name,
           run->questions.count, disagreements, unexplained, silent);
    return unexplained;
}

/* Lines "RULE USED", added up over the runs that name the same file. */
static void write_counts(const struct run *run)
{
    FILE *file = run->counts == NULL ? NULL : fopen(run->counts, "a");
    if (file == NULL)
        return;
    for (size_t i = 0; i < run->rules.count; i++)
        fprintf(file, "%s %zu\n", run->rules.rules[i].name, run->rules.rules[i].used);
    fclose(file);
}

static bool read_arguments(struct run *run, int count, char **arguments)
{
    for (int option; (option = getopt(count, arguments, "r:z:n:c:")) != -1;) {
        if (option == 'r' && !rule_list_read(&run->rules, optarg))
            return false;
        if (option == 'n')
            run->shown_most = strtoul(optarg, NULL, 10);
        if (option == 'c')
            run->counts = optarg;
        if (option == '?' || (option == 'z' && !zone_list_add(&run->zones, optarg)))
            return false;
    }
    if (count - optind < 3 || count - optind > SERVERS_MAX + 1 ||
        !question_list_read(&run->questions, arguments[optind]))
        return false;
    for (int i = optind + 1; i < count; i++)
        if (!exchange_server_read(&run->servers[run->server_count++], arguments[i]))
            return false;
    return true;
}

static void clear(struct run *run)
{
    for (size_t i = 0; i < run->server_count; i++) {
        for (size_t k = 0; run->raw[i] != NULL && k < run->questions.count; k++)
            memory_free(run->raw[i][k].wire);
        memory_free(run->raw[i]);
    }
    zone_list_clear(&run->zones);
    question_list_clear(&run->questions);
    rule_list_clear(&run->rules);
    memory_free(run);
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "port") == 0) {
        unsigned port = exchange_free_port();
        printf("%u\n", port);
        return port == 0 ? 3 : 0;
    }
    if (count > 1 && strcmp(arguments[1], "wait") == 0)
        return wait_for(arguments + 2, count - 2);
    struct run *run = memory_zalloc(1, sizeof *run);
    if (run == NULL)
        return 3;
    run->shown_most = 20;
    int status = 3;
    if (!read_arguments(run, count, arguments)) {
        status = usage();
    } else if (ask_all(run)) {
        size_t unexplained = 0;
        for (size_t i = 1; i < run->server_count; i++)
            unexplained += compare_peer(run, i);
        write_counts(run);
        status = unexplained == 0 ? 0 : 1;
    }
    clear(run);
    return status;
}

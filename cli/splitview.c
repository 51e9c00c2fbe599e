/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview: the operator's tool. Finds the command, takes the options apart, and ends with the right status. */
#include "cli/command.h"
#include "cli/time_limit.h"

#include "zones/memory.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define NEAREST_MAX 32 /* bytes of a word that is still compared */

static const struct command *const commands[] = {&command_import, &command_adopt,   &command_check, &command_status,
                                                 &command_store,  &command_log,     &command_diff,  &command_rollback,
                                                 &command_show,   &command_explain, &command_test,  &command_cache};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

/* Values above any character, for getopt. */
enum { OPTION_FIRST = 256, OPTION_VERSION = OPTION_FIRST + 100 };

struct option_row {
    enum cli_option option;
    size_t field; /* where in struct cli its argument goes, or true if it has none; 0: nowhere */
    const char *name;
    const char *argument; /* NULL: none */
    const char *text;
};

static const struct option_row option_rows[] = {
    {CLI_ZONES, offsetof(struct cli, zones), "zones", "DIR|REPO",
     "read this folder or git repository, not the one of the configuration"},
    {CLI_REV, offsetof(struct cli, revision), "rev", "R",
     "read the repository at this revision, not at the tip of the branch"},
    {CLI_ZONE, offsetof(struct cli, zone), "zone", "APEX", "judge one master file as the zone APEX"},
    {CLI_DRY_RUN, offsetof(struct cli, dry_run), "dry-run", NULL, "read and check everything, change nothing"},
    {CLI_FORCE, offsetof(struct cli, force), "force", NULL, "do it all the same"},
    {CLI_SERIAL_FLOOR, offsetof(struct cli, serial_floor), "serial-floor", "N",
     "zones that the store does not know begin with this serial at least"},
    {CLI_TIME_LIMIT, offsetof(struct cli, time_limit), "time-limit", "TIME",
     "give up after this time, as 90s, 30m or 1h (the default); 0: never"},
    {CLI_LIMIT, offsetof(struct cli, limit), "limit", "N", "show at most so many, also -n N; 0: all"},
    {CLI_VIEW, offsetof(struct cli, view), "view", "VIEW", "this view alone"},
    {CLI_GENERATION, offsetof(struct cli, generation), "generation", "N", "generation N of the store, not the newest"},
    {CLI_FROM, offsetof(struct cli, from), "from", "ADDR", "who asks: an address, a view, or @NETWORK"},
    {CLI_LISTEN, offsetof(struct cli, listen), "listen", "ADDR", "the address of the server that is asked"},
    {CLI_KEY, offsetof(struct cli, key), "key", "NAME", "the TSIG key that signs the question"},
    {CLI_AT, offsetof(struct cli, at), "at", "INSTANT",
     "as if asked then (2026-12-01T20:00:00Z), for cut-overs; default: now"},
    {CLI_NO_RECURSE, offsetof(struct cli, no_recurse), "no-recurse", NULL, "asked without recursion (RD = 0)"},
    {CLI_TCP, offsetof(struct cli, tcp), "tcp", NULL, "asked over TCP"},
    {CLI_JUNIT, offsetof(struct cli, junit), "junit", "FILE", "write the results there too, as JUnit XML"},
    {CLI_RELEASE, offsetof(struct cli, release), "release", NULL, "let imports publish again after a rollback"},
    {CLI_OUT, offsetof(struct cli, out), "out", "DIR", "write to this folder (default dns-zones)"},
    {CLI_APEX, offsetof(struct cli, apex), "apex", "NAME",
     "the zone that both files are, where their names do not say it"},
    {CLI_CLIENTS, offsetof(struct cli, clients), "internal-clients", "LIST",
     "networks of the inside clients, separated by commas"},
    {CLI_JSON, offsetof(struct cli, json), "json", NULL, "print one JSON object"},
    {CLI_CONFIG, offsetof(struct cli, config_path), "config", "FILE",
     "machine configuration (default " SERVER_CONFIG_PATH ")"},
    {CLI_HELP, 0, "help", NULL, "print this and exit, also -h"},
};

#define OPTION_COUNT (sizeof option_rows / sizeof option_rows[0])

enum exit_status cli_exit_status(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return EXIT_FINE;
    case STATUS_BAD_INPUT:
    case STATUS_NOT_SUPPORTED:
        return EXIT_FINDINGS;
    case STATUS_NO_MEMORY:
    case STATUS_NOT_FOUND:
    case STATUS_TOO_LARGE:
    case STATUS_IO:
    case STATUS_LOCKED:
    case STATUS_STORE:
    case STATUS_STORE_FULL:
    case STATUS_DAMAGED:
    case STATUS_VERSION:
        return EXIT_COULD_NOT;
    }
    return EXIT_COULD_NOT;
}

enum exit_status cli_usage_error(const struct command *command, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("splitview: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nsplitview: see `splitview %s%s--help`\n", command != NULL ? command->name : "",
            command != NULL ? " " : "");
    return EXIT_USAGE;
}

enum status cli_read_config(const struct cli *cli, struct diag *diag, struct server_config **config)
{
    return server_config_read(cli->config_path, diag, config);
}

/* Edits from one word to another: insert, delete, change. Words over NEAREST_MAX are far from everything. */
static unsigned word_distance(const char *a, const char *b)
{
    unsigned row[NEAREST_MAX + 1];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);

    if (a_length > NEAREST_MAX || b_length > NEAREST_MAX)
        return NEAREST_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned edit = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = change < edit ? change : edit;
        }
    }
    return row[b_length];
}

/* Is `candidate` near enough to be meant, and nearer than what was found so far? */
static bool is_nearer(const char *word, const char *candidate, unsigned *best)
{
    unsigned distance = word_distance(word, candidate);

    if (distance >= *best || distance > 1 + strlen(candidate) / 3)
        return false;
    *best = distance;
    return true;
}

static const char *nearest_command(const char *word)
{
    const char *nearest = NULL;
    unsigned best = NEAREST_MAX;

    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (is_nearer(word, commands[i]->name, &best))
            nearest = commands[i]->name;
    return nearest;
}

/* `word` without the dashes. */
static const char *nearest_option(const char *word)
{
    const char *nearest = NULL;
    unsigned best = NEAREST_MAX;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (is_nearer(word, option_rows[i].name, &best))
            nearest = option_rows[i].name;
    return nearest;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void print_options(unsigned mask)
{
    puts("\noptions:");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = &option_rows[i];
        char head[40];
        if ((row->option & mask) == 0)
            continue;
        snprintf(head, sizeof head, "--%s%s%s", row->name, row->argument != NULL ? " " : "",
                 row->argument != NULL ? row->argument : "");
        printf("  %-18s %s\n", head, row->text);
    }
}

static void print_help(const struct command *command)
{
    if (command != NULL) {
        printf("%s\n\n%s: %s.\n%s", command->usage, command->name, command->summary, command->text);
        print_options(command->options | CLI_CONFIG | CLI_HELP);
        puts("\nexit status: 0 fine, 1 findings or bad input, 2 usage, 3 could not do it");
        return;
    }
    puts("splitview COMMAND [OPTION...]\n\nThe operator's tool of splitview, a DNS server with client "
         "views.\n\ncommands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-18s %s\n", commands[i]->name, commands[i]->summary);
    print_options(CLI_CONFIG | CLI_HELP);
    printf("  %-18s %s\n", "--version", "print the version and exit, also -V");
    puts("\n`splitview COMMAND --help` and `splitview help COMMAND` tell more about one command.");
}

static void take_option(struct cli *cli, const struct option_row *row, const char *argument)
{
    char *field = (char *)cli + row->field;

    cli->given |= row->option;
    if (row->argument != NULL)
        memcpy(field, &argument, sizeof argument);
    else if (row->field != 0)
        *(bool *)field = true;
}

/* getopt said '?' or ':' about `word`. */
static enum exit_status report_bad_option(int result, const char *word)
{
    char name[NEAREST_MAX + 1];

    if (result == ':')
        return cli_usage_error(NULL, "option %s needs an argument", word);
    if (strncmp(word, "--", 2) != 0)
        return cli_usage_error(NULL, "unknown option %s", word);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *nearest = nearest_option(name);
    if (nearest != NULL && strcmp(nearest, name) == 0)
        return cli_usage_error(NULL, "option --%s takes no argument", name);
    if (nearest != NULL)
        return cli_usage_error(NULL, "unknown option %s; did you mean --%s?", word, nearest);
    return cli_usage_error(NULL, "unknown option %s", word);
}

static const struct option_row *find_option(enum cli_option option)
{
    const struct option_row *row = option_rows;

    while (row->option != option)
        row++;
    return row;
}

/* Options may stand before and after the command. False: *exit_status says how to end. */
static bool parse_options(int argc, char **argv, struct cli *cli, enum exit_status *exit_status)
{
    struct option table[OPTION_COUNT + 2] = {{0}};

    for (size_t i = 0; i < OPTION_COUNT; i++)
        table[i] = (struct option){.name = option_rows[i].name,
                                   .has_arg = option_rows[i].argument != NULL ? required_argument : no_argument,
                                   .val = OPTION_FIRST + (int)i};
    table[OPTION_COUNT] = (struct option){.name = "version", .has_arg = no_argument, .val = OPTION_VERSION};
    opterr = 0;
    for (;;) {
        int result = getopt_long(argc, argv, ":n:hV", table, NULL);
        if (result == -1)
            return true;
        if (result == '?' || result == ':') {
            *exit_status = report_bad_option(result, argv[optind - 1]);
            return false;
        }
        if (result == OPTION_VERSION || result == 'V') {
            puts("splitview " PACKAGE_VERSION);
            *exit_status = EXIT_FINE;
            return false;
        }
        if (result < OPTION_FIRST)
            take_option(cli, find_option(result == 'n' ? CLI_LIMIT : CLI_HELP), optarg);
        else
            take_option(cli, &option_rows[result - OPTION_FIRST], optarg);
    }
}

/* The first option given that the command does not take, or NULL. */
static const char *foreign_option(const struct command *command, unsigned given)
{
    unsigned foreign = given & ~(command->options | CLI_CONFIG | CLI_HELP);

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if ((option_rows[i].option & foreign) != 0)
            return option_rows[i].name;
    return NULL;
}

static enum exit_status report_unknown(const char *name)
{
    const char *nearest = nearest_command(name);

    if (nearest != NULL)
        return cli_usage_error(NULL, "unknown command %s; did you mean %s?", name, nearest);
    return cli_usage_error(NULL, "unknown command %s", name);
}

/* `splitview help [COMMAND]` */
static enum exit_status run_help(const struct cli *cli)
{
    const struct command *command = cli->operand_count == 0 ? NULL : find_command(cli->operands[0]);

    if (cli->operand_count > 1)
        return cli_usage_error(NULL, "help: unexpected argument %s", cli->operands[1]);
    if (cli->operand_count == 1 && command == NULL)
        return report_unknown(cli->operands[0]);
    print_help(command);
    return EXIT_FINE;
}

static enum exit_status run_command(struct cli *cli, const char *name)
{
    const struct command *command = find_command(name);

    if (command == NULL)
        return strcmp(name, "help") == 0 ? run_help(cli) : report_unknown(name);
    if ((cli->given & CLI_HELP) != 0) {
        print_help(command);
        return EXIT_FINE;
    }
    const char *foreign = foreign_option(command, cli->given);
    if (foreign != NULL)
        return cli_usage_error(command, "%s takes no option --%s", command->name, foreign);
    if (cli->operand_count > command->operands_max)
        return cli_usage_error(command, "%s: unexpected argument %s", command->name,
                               cli->operands[command->operands_max]);
    if (cli->operand_count < command->operands_min)
        return cli_usage_error(command, "%s: an argument is missing", command->name);
    const enum exit_status started = command->is_timed ? time_limit_start(command, cli) : EXIT_FINE;
    return started == EXIT_FINE ? command->run(cli) : started;
}

static enum exit_status run(int argc, char **argv)
{
    struct cli cli = {.config_path = SERVER_CONFIG_PATH};
    enum exit_status exit_status = EXIT_FINE;

    if (!parse_options(argc, argv, &cli, &exit_status))
        return exit_status;
    if (optind < argc) {
        cli.operands = argv + optind + 1;
        cli.operand_count = argc - optind - 1;
        return run_command(&cli, argv[optind]);
    }
    if ((cli.given & CLI_HELP) != 0) {
        print_help(NULL);
        return EXIT_FINE;
    }
    return cli_usage_error(NULL, "no command given");
}

/* What was printed must have arrived: a full disk is no success. */
static bool close_output(void)
{
    bool failed = ferror(stdout) != 0;

    errno = 0;
    if (fclose(stdout) == 0 && !failed)
        return true;
    fprintf(stderr, "splitview: cannot write to standard output: %s\n",
            errno != 0 ? strerror(errno) : "output was lost");
    return false;
}

int main(int argc, char **argv)
{
    enum exit_status exit_status = run(argc, argv);

    return close_output() ? (int)exit_status : (int)EXIT_COULD_NOT;
}

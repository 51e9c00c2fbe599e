/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command: the frame around the commands of splitview: one table of options, one of commands, and what every command
 * needs to end well. Adding a command: cmd_NAME.c with a `const struct command`, a line in the table of splitview.c.
 */
#ifndef SPLITVIEW_CLI_COMMAND_H
#define SPLITVIEW_CLI_COMMAND_H

#include "policy/server.h"
#include "zones/source.h"
#include "zones/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_BRANCH_DEFAULT "main" /* of a repository given without a configuration */

enum exit_status {
    EXIT_FINE = 0,
    EXIT_FINDINGS = 1, /* findings, differences or bad input */
    EXIT_USAGE = 2,
    EXIT_COULD_NOT = 3 /* store, input and output, lock, memory */
};

/* Options that commands share; a command takes those of its mask. */
enum cli_option {
    CLI_CONFIG = 1 << 0,
    CLI_JSON = 1 << 1,
    CLI_ZONES = 1 << 2,
    CLI_REV = 1 << 3,
    CLI_DRY_RUN = 1 << 4,
    CLI_ZONE = 1 << 5,
    CLI_HELP = 1 << 6,
    CLI_FORCE = 1 << 7,
    CLI_TIME_LIMIT = 1 << 8,
    CLI_SERIAL_FLOOR = 1 << 9,
    CLI_LIMIT = 1 << 10,
    CLI_RELEASE = 1 << 11,
    CLI_VIEW = 1 << 12,
    CLI_GENERATION = 1 << 13,
    CLI_FROM = 1 << 14,
    CLI_LISTEN = 1 << 15,
    CLI_KEY = 1 << 16,
    CLI_AT = 1 << 17,
    CLI_TCP = 1 << 18,
    CLI_JUNIT = 1 << 19,
    CLI_OUT = 1 << 20,
    CLI_APEX = 1 << 21,
    CLI_CLIENTS = 1 << 22,
    CLI_NO_RECURSE = 1 << 23
};

/* The command line, taken apart. Texts are the program's arguments. */
struct cli {
    unsigned given; /* enum cli_option */
    const char *config_path;
    const char *zones;    /* NULL: not given */
    const char *revision; /* NULL: not given */
    const char *zone;     /* NULL: not given */
    bool json;
    const char *time_limit;   /* NULL: not given */
    const char *serial_floor; /* NULL: not given */
    const char *limit;        /* NULL: not given */
    const char *out;          /* NULL: not given */
    const char *apex;         /* NULL: not given */
    const char *clients;      /* NULL: not given */
    bool dry_run;
    bool force;
    bool release;
    const char *view; /* NULL: not given, as the next six */
    const char *generation;
    const char *from;
    const char *listen;
    const char *key;
    const char *at;
    const char *junit;
    bool no_recurse;
    bool tcp;
    char **operands; /* what is left after options and command */
    int operand_count;
};

struct command {
    const char *name;
    const char *summary; /* one line */
    const char *usage;   /* lines "splitview NAME ..." */
    const char *text;    /* what --help says more; ends with a line end */
    unsigned options;    /* enum cli_option that it takes */
    int operands_min;
    int operands_max;
    bool is_timed; /* the frame ends it after --time-limit (time_limit.h) */
    enum exit_status (*run)(const struct cli *cli);
};

extern const struct command command_import;
extern const struct command command_adopt;
extern const struct command command_check;
extern const struct command command_status;
extern const struct command command_store;
extern const struct command command_log;
extern const struct command command_diff;
extern const struct command command_rollback;
extern const struct command command_show;
extern const struct command command_explain;
extern const struct command command_test;
extern const struct command command_cache;

/* Which exit status a result stands for. */
enum exit_status cli_exit_status(enum status status);

/* "splitview: TEXT" on standard error, then the hint to --help; gives EXIT_USAGE. */
enum exit_status cli_usage_error(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Read the file of --config. As server_config_read. */
enum status cli_read_config(const struct cli *cli, struct diag *diag, struct server_config **config);

/*
 * Open what --zones and --rev name, else `zones` and `branch` of the configuration, which may be NULL. As source_open;
 * BAD_INPUT with a message if neither says where the zones are.
 */
enum status cli_open_source(const struct cli *cli, const struct server_config *config, struct diag *diag,
                            struct source **source);

/*
 * The same for commands that only look: --zones without --rev is the folder as it lies there, a work tree with what was
 * not committed yet.
 */
enum status cli_open_tree(const struct cli *cli, const struct server_config *config, struct diag *diag,
                          struct source **source);

/* "" for 1, else "s": the end of a counted noun. */
const char *cli_plural(uint64_t count);

/* Print text that others wrote (a commit's subject): control characters become "?". */
void cli_print_text(const char *text, FILE *stream);

/* A text, null for NULL. Paths are octets and JSON is UTF-8: what is not becomes "?". NULL: no memory. */
json_t *cli_json_text(const char *text);

/* An array of { file, line, column, severity, text }, parts that are not known null. NULL: no memory. */
json_t *cli_json_messages(const struct diag *diag);

/*
 * Print `object` with the messages added as "messages", "errors" and "warnings", on standard output; takes `object`
 * (NULL: no memory). False after a message on standard error if there was no memory.
 */
bool cli_print_json(json_t *object, const struct diag *diag);

#endif

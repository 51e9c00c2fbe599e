/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview status: what the running daemon says about itself. */
#include "cli/cache_text.h"
#include "cli/command.h"
#include "cli/control_client.h"

#include <string.h>
#include <time.h>

#define STATUS_WAIT_MS 10000
#define CACHE_WAIT_MS  2000 /* a busy worker hides its cache, not all the rest */

/* How a value is shown. */
enum field_kind { FIELD_PLAIN, FIELD_TIME, FIELD_DURATION, FIELD_COMMIT };

static const struct field {
    const char *key;
    const char *label;
    enum field_kind kind;
} fields[] = {
    {"version", "version", FIELD_PLAIN},
    {"pid", "process", FIELD_PLAIN},
    {"uptime_s", "running for", FIELD_DURATION},
    {"generation", "generation", FIELD_PLAIN},
    {"commit", "commit", FIELD_COMMIT},
    {"published", "published", FIELD_TIME},
    {"views", "views", FIELD_PLAIN},
    {"zones", "zones", FIELD_PLAIN},
    {"records", "records", FIELD_PLAIN},
    {"workers", "workers", FIELD_PLAIN},
    {"listen", "listening on", FIELD_PLAIN},
};

static void print_duration(json_int_t seconds)
{
    json_int_t days = seconds / 86400;

    if (days > 0)
        printf("%" JSON_INTEGER_FORMAT "d ", days);
    printf("%02d:%02d:%02d", (int)(seconds / 3600 % 24), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static void print_time(json_int_t seconds)
{
    time_t moment = (time_t)seconds;
    struct tm parts;
    char text[40];

    if (seconds > 0 && gmtime_r(&moment, &parts) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts))
        fputs(text, stdout);
    else
        putchar('-');
}

static void print_value(const json_t *value, enum field_kind kind);

static void print_list(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (i > 0)
            fputs(", ", stdout);
        print_value(json_array_get(list, i), FIELD_PLAIN);
    }
    if (json_array_size(list) == 0)
        putchar('-');
}

static void print_value(const json_t *value, enum field_kind kind)
{
    if (json_is_array(value))
        print_list(value);
    else if (json_is_integer(value) && kind == FIELD_DURATION)
        print_duration(json_integer_value(value));
    else if (json_is_integer(value) && kind == FIELD_TIME)
        print_time(json_integer_value(value));
    else if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_string(value) && json_string_length(value) > 0)
        cli_print_text(json_string_value(value), stdout);
    else
        putchar('-');
}

static void print_table(const json_t *answer)
{
    const json_t *counters = json_object_get(answer, "counters");
    const char *key;
    json_t *value;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const json_t *field = json_object_get(answer, fields[i].key);
        if (field == NULL)
            continue;
        printf("%-14s ", fields[i].label);
        print_value(field, fields[i].kind);
        putchar('\n');
    }
    fputs("cache          ", stdout);
    cache_text_sizes(json_object_get(answer, "cache"), stdout);
    putchar('\n');
    if (json_object_size(counters) == 0)
        return;
    puts("counters");
    json_object_foreach((json_t *)(uintptr_t)counters, key, value)
    {
        printf("  %-28s ", key);
        print_value(value, FIELD_PLAIN);
        putchar('\n');
    }
}

/* Add the caches' sizes to `answer`, or null and a warning. */
static void ask_cache(const struct server_config *config, struct diag *diag, json_t *answer)
{
    json_t *cache = NULL;
    struct diag why;

    diag_init(&why);
    enum status status = control_ask(config->control, "cache stats", CACHE_WAIT_MS, &why, &cache);
    if (status != STATUS_OK)
        diag_add(diag, SEVERITY_WARNING, NULL, "nothing is known of the caches: %s",
                 why.count > 0 && why.messages[0].text != NULL ? why.messages[0].text : status_text(status));
    json_object_del(cache, "action");
    json_object_del(cache, "workers");
    json_object_set_new(answer, "cache", cache != NULL ? cache : json_null());
    diag_clear(&why);
}

static enum status ask_status(const struct cli *cli, struct diag *diag, json_t **answer)
{
    struct server_config *config = NULL;
    enum status status = cli_read_config(cli, diag, &config);

    if (status == STATUS_OK)
        status = control_ask_daemon(cli, config, "status", STATUS_WAIT_MS, diag, answer);
    if (status == STATUS_OK)
        ask_cache(config, diag, *answer);
    server_config_free(config);
    return status;
}

static enum exit_status run_status(const struct cli *cli)
{
    struct diag diag;
    json_t *answer = NULL;

    diag_init(&diag);
    enum status status = ask_status(cli, &diag, &answer);
    enum exit_status exit_status = cli_exit_status(status);
    if (cli->json) {
        if (!cli_print_json(answer != NULL ? json_incref(answer) : json_object(), &diag))
            exit_status = EXIT_COULD_NOT;
    } else {
        diag_print(&diag, stderr);
        if (answer != NULL)
            print_table(answer);
    }
    json_decref(answer);
    diag_clear(&diag);
    return exit_status;
}

const struct command command_status = {
    .name = "status",
    .summary = "ask the running splitviewd what it serves",
    .usage = "splitview status [--json]",
    .text = "\n"
            "Asks the control socket of the configuration. Exits with 3 if no daemon answers.\n",
    .options = CLI_JSON,
    .run = run_status,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview cache: what the running daemon remembers of upstream answers, and making it forget. */
#include "cli/cache_text.h"
#include "cli/command.h"
#include "cli/control_client.h"

#include "zones/name.h"

#include <stdio.h>
#include <string.h>

#define CACHE_WAIT_MS 30000

struct caching {
    const struct cli *cli;
    const char *action;
    struct diag diag;
    struct server_config *config;
    char name[NAME_TEXT_MAX]; /* "." if none is given */
    json_t *answer;
};

struct cache_verb {
    const char *name;
    int operands_min;
    int operands_max;
    unsigned options; /* enum cli_option, beside --json */
    enum status (*report)(struct caching *caching);
};

static bool has_entries(const json_t *groups)
{
    for (size_t i = 0; i < json_array_size(groups); i++)
        if (json_array_size(json_object_get(json_array_get(groups, i), "entries")) > 0)
            return true;
    return false;
}

static void print_more(const struct caching *caching)
{
    if (json_is_true(json_object_get(caching->answer, "more")))
        puts("; and more that is not shown: name a deeper NAME");
}

/* ---- the actions ---- */

static enum status report_show(struct caching *caching)
{
    json_t *groups = json_object_get(caching->answer, "groups");
    enum status status = cache_text_spell(groups);
    const char *view = caching->cli->view;

    if (status != STATUS_OK)
        return status;
    if (caching->cli->operand_count > 1 && !has_entries(groups))
        return diag_error(&caching->diag, NULL, "nothing is cached at %s or below it in %s%s", caching->name,
                          view != NULL ? "view " : "any view", view != NULL ? view : "");
    if (caching->cli->json)
        return STATUS_OK;
    if (json_array_size(groups) == 0)
        puts("; no view asks upstream");
    cache_text_print(groups, caching->name, stdout);
    print_more(caching);
    return STATUS_OK;
}

static enum status report_dry_run(struct caching *caching)
{
    json_t *groups = json_object_get(caching->answer, "groups");
    enum status status = cache_text_spell(groups);
    json_int_t copies = json_integer_value(json_object_get(caching->answer, "copies"));

    if (status != STATUS_OK || caching->cli->json)
        return status;
    if (has_entries(groups))
        cache_text_print(groups, caching->name, stdout);
    print_more(caching);
    printf("dry run, nothing was forgotten: %" JSON_INTEGER_FORMAT " %s would go from the caches\n", copies,
           copies == 1 ? "entry" : "entries");
    return STATUS_OK;
}

static enum status report_flush(struct caching *caching)
{
    const json_t *groups = json_object_get(caching->answer, "groups");
    json_int_t removed = json_integer_value(json_object_get(caching->answer, "removed"));

    if (caching->cli->dry_run)
        return report_dry_run(caching);
    if (caching->cli->json)
        return STATUS_OK;
    if (json_array_size(groups) == 0) {
        puts("nothing to forget: no view asks upstream");
        return STATUS_OK;
    }
    printf("%" JSON_INTEGER_FORMAT " %s forgotten (views: ", removed, removed == 1 ? "entry" : "entries");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        fputs(i > 0 ? ", " : "", stdout);
        cache_text_views(json_array_get(groups, i), stdout);
    }
    puts(")");
    return STATUS_OK;
}

static bool is_of_cache(const char *counter)
{
    static const char *const beginnings[] = {"cache-", "forward-", "upstream-"};

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(counter, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* The counters come from `status`. */
static enum status report_stats(struct caching *caching)
{
    json_t *daemon = NULL;
    json_t *counters = json_object();
    const char *key;
    json_t *value;
    enum status status =
        control_ask_daemon(caching->cli, caching->config, "status", CACHE_WAIT_MS, &caching->diag, &daemon);

    json_object_foreach(json_object_get(daemon, "counters"), key, value) if (is_of_cache(key))
        json_object_set(counters, key, value);
    json_decref(daemon);
    if (status == STATUS_OK && !caching->cli->json) {
        fputs("cache          ", stdout);
        cache_text_sizes(caching->answer, stdout);
        puts("\ncounters");
        json_object_foreach(counters, key, value)
            printf("  %-28s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
    }
    json_object_set_new(caching->answer, "counters", counters);
    return status;
}

/* ---- the command ---- */

static const struct cache_verb verbs[] = {
    {"show", 0, 1, CLI_VIEW, report_show},
    {"flush", 1, 1, CLI_VIEW | CLI_DRY_RUN, report_flush},
    {"flush-tree", 1, 1, CLI_VIEW | CLI_DRY_RUN, report_flush},
    {"stats", 0, 0, 0, report_stats},
};

static const struct cache_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static enum status ask(struct caching *caching)
{
    const struct cli *cli = caching->cli;
    char question[CONTROL_QUESTION_MAX];
    int length = snprintf(question, sizeof question, "cache %s", caching->action);

    if (strcmp(caching->action, "stats") != 0)
        length = snprintf(question, sizeof question, "cache %s %s %s%s", caching->action,
                          cli->view != NULL ? cli->view : "*", caching->name, cli->dry_run ? " dry-run" : "");
    if (length < 0 || (size_t)length + 1 > sizeof question)
        return diag_error(&caching->diag, NULL, "found a question of %d bytes, wanted at most %zu", length,
                          sizeof question - 1);
    enum status status = cli_read_config(cli, &caching->diag, &caching->config);
    if (status == STATUS_OK)
        status = control_ask_daemon(cli, caching->config, question, CACHE_WAIT_MS, &caching->diag, &caching->answer);
    return status;
}

static enum exit_status run_verb(const struct cache_verb *verb, struct caching *caching)
{
    enum status status = ask(caching);

    if (status == STATUS_OK)
        status = verb->report(caching);
    enum exit_status exit_status = cli_exit_status(status);
    if (!caching->cli->json) {
        diag_print(&caching->diag, stderr);
        if (status == STATUS_NO_MEMORY)
            fputs("splitview: out of memory\n", stderr);
        return exit_status;
    }
    json_t *object = caching->answer != NULL ? json_incref(caching->answer) : json_object();
    json_object_set_new(object, "status", json_string(status_text(status)));
    json_object_set_new(object, "action", json_string(verb->name));
    return cli_print_json(object, &caching->diag) ? exit_status : EXIT_COULD_NOT;
}

/* A word that could be the name of a view. */
static bool is_view_name(const char *name)
{
    return name[0] != '\0' && name[strcspn(name, " *\r\n\t")] == '\0';
}

static enum exit_status check_usage(const struct cache_verb *verb, const struct cli *cli)
{
    if (cli->operand_count - 1 > verb->operands_max)
        return cli_usage_error(&command_cache, "cache %s: unexpected argument %s", verb->name,
                               cli->operands[verb->operands_max + 1]);
    if (cli->operand_count - 1 < verb->operands_min)
        return cli_usage_error(&command_cache, "cache %s: wanted a name", verb->name);
    if (cli->view != NULL && (verb->options & CLI_VIEW) == 0)
        return cli_usage_error(&command_cache, "cache %s takes no option --view", verb->name);
    if (cli->dry_run && (verb->options & CLI_DRY_RUN) == 0)
        return cli_usage_error(&command_cache, "cache %s takes no option --dry-run", verb->name);
    if (cli->view != NULL && !is_view_name(cli->view))
        return cli_usage_error(&command_cache, "--view: found \"%s\", wanted the name of a view", cli->view);
    return EXIT_FINE;
}

static enum exit_status run_cache(const struct cli *cli)
{
    const struct cache_verb *verb = find_verb(cli->operands[0]);
    const char *text = cli->operand_count > 1 ? cli->operands[1] : ".";
    struct caching caching = {.cli = cli};
    uint8_t name[NAME_SIZE_MAX];
    size_t size;

    if (verb == NULL)
        return cli_usage_error(&command_cache, "cache: unknown action %s; wanted show, flush, flush-tree or stats",
                               cli->operands[0]);
    enum exit_status exit_status = check_usage(verb, cli);
    if (exit_status != EXIT_FINE)
        return exit_status;
    if (name_from_text(text, strlen(text), NULL, name, &size) != STATUS_OK)
        return cli_usage_error(&command_cache, "cache %s: found %s, wanted a domain name", verb->name, text);
    name_to_text(name, caching.name);
    caching.action = verb->name;
    diag_init(&caching.diag);
    exit_status = run_verb(verb, &caching);
    json_decref(caching.answer);
    server_config_free(caching.config);
    diag_clear(&caching.diag);
    return exit_status;
}

const struct command command_cache = {
    .name = "cache",
    .summary = "show and flush what the running splitviewd remembers of upstream answers",
    .usage = "splitview cache show [NAME] [--view VIEW] [--json]\n"
             "splitview cache flush NAME [--view VIEW] [--dry-run] [--json]\n"
             "splitview cache flush-tree NAME [--view VIEW] [--dry-run] [--json]\n"
             "splitview cache stats [--json]",
    .text =
        "\n"
        "show        what is cached at NAME and below it, all types, with the seconds left; at most 1000 entries\n"
        "flush       forgets NAME, all types\n"
        "flush-tree  forgets NAME and all names below it; `flush-tree .` forgets everything\n"
        "stats       entries, memory, and the counters of caches and forwarding\n"
        "\n"
        "Without --view, all views that ask upstream are meant. Views with the same upstreams and rules share what\n"
        "they were told, so what one of them forgets the others forget too; the output names all of them. That a name\n"
        "above NAME does not exist counts as said of NAME, and is shown and forgotten with it. Each worker has a "
        "cache\n"
        "of its own: counts of what was forgotten are sums over them. Exits with 1 if show finds nothing for NAME or\n"
        "there is no such view, with 3 if no daemon answers.\n",
    .options = CLI_VIEW | CLI_DRY_RUN | CLI_JSON,
    .operands_min = 1,
    .operands_max = 2,
    .run = run_cache,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview explain: what a client gets for one question, and why. */
#include "cli/command.h"
#include "cli/explain_text.h"
#include "cli/subject.h"

#include "policy/config_value.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <string.h>
#include <time.h>

struct explain {
    struct subject subject;
    struct asker asker;
    struct client how;
    struct question question;
    uint8_t name[NAME_SIZE_MAX];
    uint8_t key[NAME_SIZE_MAX];
    struct explained *explained;
};

static bool read_name(const char *text, uint8_t name[NAME_SIZE_MAX])
{
    size_t size;

    return name_from_text(text, strlen(text), NULL, name, &size) == STATUS_OK;
}

/* 0: --at is no instant. */
static uint64_t read_instant(const char *text)
{
    static const struct config_option instant = {.key = "at", .type = OPTION_INSTANT, .words = ""};
    struct config_value value = {0};
    char wanted[CONFIG_WANTED_MAX];

    return config_value_read(&instant, text, &value, wanted) == STATUS_OK ? value.number : 0;
}

/* The parts of the question that need no policy. EXIT_FINE: all are good. */
static enum exit_status read_question(const struct cli *cli, struct explain *explain)
{
    const char *type = cli->operand_count > 1 ? cli->operands[1] : "A";

    if (cli->from == NULL)
        return cli_usage_error(&command_explain, "explain: --from is missing: who asks");
    if (!read_name(cli->operands[0], explain->name))
        return cli_usage_error(&command_explain, "explain: found %s, wanted a domain name", cli->operands[0]);
    explain->question.name = explain->name;
    explain->question.type = rrtype_from_text(type, strlen(type));
    if (explain->question.type == 0)
        return cli_usage_error(&command_explain, "explain: found %s, wanted an RR type", type);
    explain->question.now = cli->at != NULL ? read_instant(cli->at) : (uint64_t)time(NULL);
    if (explain->question.now == 0)
        return cli_usage_error(&command_explain, "--at: found %s, wanted an instant with zone (2026-12-01T20:00:00Z)",
                               cli->at);
    if (cli->listen != NULL && address_from_text(cli->listen, strlen(cli->listen), &explain->how.listen) != STATUS_OK)
        return cli_usage_error(&command_explain, "--listen: found %s, wanted an address", cli->listen);
    if (cli->key != NULL && !read_name(cli->key, explain->key))
        return cli_usage_error(&command_explain, "--key: found %s, wanted the name of a key", cli->key);
    explain->how.key = cli->key != NULL ? explain->key : NULL;
    explain->question.recursion = !cli->no_recurse;
    explain->how.transport = cli->tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    return EXIT_FINE;
}

static enum status decide(const struct cli *cli, struct explain *explain)
{
    const struct generation *generation = explain->subject.side.generation;
    char wanted[ASKER_WANTED_MAX];

    if (asker_read(generation->policy, cli->from, strlen(cli->from), &explain->asker, wanted) != STATUS_OK)
        return diag_error(&explain->subject.history.diag, NULL, "--from: found %s, wanted %s", cli->from, wanted);
    explain->explained = memory_zalloc(1, sizeof *explain->explained);
    if (explain->explained == NULL)
        return STATUS_NO_MEMORY;
    explain->explained->generation = generation;
    explain->explained->asker = &explain->asker;
    explain->explained->how = &explain->how;
    explain->explained->question = &explain->question;
    explain_decide(explain->explained);
    return STATUS_OK;
}

static enum exit_status report_json(const struct explain *explain, enum status status)
{
    json_t *object = status == STATUS_OK ? explain_json(explain->explained) : json_object();

    if (object != NULL && status == STATUS_OK)
        json_object_set_new(object, "subject", history_side_json(&explain->subject.side));
    if (object != NULL)
        json_object_set_new(object, "status", json_string(status_text(status)));
    if (!cli_print_json(object, &explain->subject.history.diag))
        return EXIT_COULD_NOT;
    return cli_exit_status(status);
}

static enum exit_status report_text(const struct explain *explain, enum status status)
{
    if (status == STATUS_OK) {
        fputs("looked at   ", stdout);
        subject_print(&explain->subject, stdout);
        explain_print(explain->explained, "", stdout);
    }
    return subject_end(&explain->subject, status, EXIT_FINE);
}

static enum exit_status run_explain(const struct cli *cli)
{
    struct explain explain = {0};
    enum exit_status exit_status = read_question(cli, &explain);

    if (exit_status != EXIT_FINE)
        return exit_status;
    subject_init(&explain.subject, cli);
    enum status status = subject_open(&explain.subject);
    if (status == STATUS_OK)
        status = decide(cli, &explain);
    exit_status = cli->json ? report_json(&explain, status) : report_text(&explain, status);
    memory_free(explain.explained);
    subject_close(&explain.subject);
    return exit_status;
}

const struct command command_explain = {
    .name = "explain",
    .summary = "what a client gets for a question, and why",
    .usage = "splitview explain --from ADDR|VIEW|@NETWORK NAME [TYPE] [--listen ADDR] [--key NAME] [--at INSTANT]\n"
             "                  [--tcp] [--no-recurse] [--zones DIR|REPO] [--rev R] [--generation N]\n"
             "                  [--time-limit TIME] [--json]",
    .text = "\n"
            "Decides as the server does and tells each step: the view and the rules that lost, the zone and the files\n"
            "it was made from, the name or what stands for it, each record with file and line, the rules that changed\n"
            "its TTL, which upstream would be asked and why, and the answer as dig prints it. TYPE is A unless given.\n"
            "Looks at the newest generation of the store, or at the tree of --zones.\n",
    .options = CLI_FROM | CLI_LISTEN | CLI_KEY | CLI_AT | CLI_TCP | CLI_NO_RECURSE | CLI_ZONES | CLI_REV |
               CLI_GENERATION | CLI_JSON | CLI_TIME_LIMIT,
    .operands_min = 1,
    .operands_max = 2,
    .is_timed = true,
    .run = run_explain,
};

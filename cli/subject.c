/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/subject.h"

#include <inttypes.h>
#include <string.h>

void subject_init(struct subject *subject, const struct cli *cli)
{
    memset(subject, 0, sizeof *subject);
    subject->history.cli = cli;
    diag_init(&subject->history.diag);
}

void subject_close(struct subject *subject)
{
    history_side_clear(&subject->side);
    history_close(&subject->history);
}

static enum status open_generation(struct subject *subject)
{
    struct history *history = &subject->history;
    uint64_t number = history->head;

    if (history->cli->generation != NULL && !history_number(history->cli->generation, &number))
        return diag_error(&history->diag, NULL, "--generation: found %s, wanted a number", history->cli->generation);
    if (number == 0)
        return diag_error(&history->diag, NULL, "nothing was published yet; wanted `splitview import`, or --zones");
    return history_load(history, number, &subject->side);
}

static enum status open_tree(struct subject *subject)
{
    const struct history *history = &subject->history;
    const char *path = history->cli->zones != NULL ? history->cli->zones
                       : history->config != NULL   ? history->config->zones
                                                   : "";

    if (path[0] == '\0')
        return diag_error(&subject->history.diag, NULL, "--rev: wanted a repository (--zones, or [server] zones)");
    enum status status = history_read_tree(&subject->history, path, history->cli->revision, &subject->side);
    if (status == STATUS_OK)
        subject->side.given = path;
    return status;
}

/* A tree named on the command line needs no machine configuration. */
static enum status open_history(struct subject *subject)
{
    const struct cli *cli = subject->history.cli;

    if (cli->zones != NULL && (cli->given & CLI_CONFIG) == 0)
        return STATUS_OK;
    return history_open(&subject->history, false);
}

enum status subject_open(struct subject *subject)
{
    const struct cli *cli = subject->history.cli;
    enum status status = open_history(subject);

    if (status != STATUS_OK)
        return status;
    return cli->zones != NULL || cli->revision != NULL ? open_tree(subject) : open_generation(subject);
}

enum status subject_open_tree(struct subject *subject)
{
    const struct cli *cli = subject->history.cli;
    enum status status = open_history(subject);

    if (status != STATUS_OK)
        return status;
    bool has_zones = cli->zones != NULL || cli->revision != NULL || subject->history.config->zones[0] != '\0';
    return has_zones && cli->generation == NULL ? open_tree(subject) : open_generation(subject);
}

enum status subject_find_view(struct subject *subject, const char *name, uint32_t *view)
{
    const struct policy *policy = subject->side.generation->policy;
    char known[400] = "";

    *view = policy_find_view(policy, name);
    if (*view != VIEW_NONE)
        return STATUS_OK;
    for (uint32_t i = 0; i < policy->view_count; i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", policy->views[i].name);
    }
    return diag_error(&subject->history.diag, NULL, "--view: found %s, wanted one of %s", name, known);
}

void subject_print(const struct subject *subject, FILE *stream)
{
    history_side_print(&subject->side, stream);
    putc('\n', stream);
}

enum exit_status subject_end(const struct subject *subject, enum status status, enum exit_status otherwise)
{
    history_print_messages(&subject->history, status);
    return status == STATUS_OK ? otherwise : cli_exit_status(status);
}

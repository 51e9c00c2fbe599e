/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview import: read the zones at a commit, check them, publish one generation, tell the daemon. */
#include "cli/changes_report.h"
#include "cli/command.h"
#include "cli/control_client.h"
#include "cli/progress.h"

#include "policy/changes.h"
#include "policy/generation.h"
#include "policy/publish.h"
#include "policy/signature.h"
#include "zones/heap.h"
#include "zones/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define LOCK_WAIT_MS 30000 /* for another import to end */
#define COMMIT_SHOWN 12    /* hex digits of a commit */
#define SIGN_WAIT_MS 30000 /* for git to verify a signature */
#define NICENESS     10    /* of an import: clients of a server beside it must not wait for it */

/* What the daemon said. */
enum adoption { ADOPTION_NO_DAEMON, ADOPTION_SERVED, ADOPTION_NOT_CONFIRMED };

struct import {
    const struct cli *cli;
    struct diag diag;
    struct server_config *config;
    struct source *source;
    struct store *store;
    struct progress progress;
    struct serial_options serial; /* its floor, from the command line */
    uint64_t head;                /* generation before, 0: none or not known */
    struct publish_result result;
    struct candidate *candidate; /* these of a dry run */
    struct generation *before;
    struct generation *after;
    struct changes *changes; /* NULL: nothing to compare with */
    enum adoption adoption;
    uint64_t served;  /* generation the daemon answered with */
    double served_ms; /* from the end of the transaction until it did; below 0: not known */
};

/* A dry run compares with the store if there is one, and takes known images from it. */
static enum status open_store(struct import *import)
{
    struct store_options options = {.path = import->config->store,
                                    .map_size = import->config->map_size,
                                    .keep = import->config->keep_generations,
                                    .lock_wait_ms = LOCK_WAIT_MS};
    struct snapshot *snapshot = NULL;
    enum status status = import->cli->dry_run ? store_open_reader(&options, &import->diag, &import->store)
                                              : store_open_writer(&options, &import->diag, &import->store);

    if (status == STATUS_NOT_FOUND && import->cli->dry_run)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    status = snapshot_open(import->store, &import->diag, &snapshot);
    if (status != STATUS_OK)
        return status;
    status = snapshot_head(snapshot, &import->head, &import->diag);
    snapshot_close(snapshot);
    return status;
}

static double ms_since(uint64_t begin_ns)
{
    struct timespec now;

    if (begin_ns == 0 || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return -1;
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6 - (double)begin_ns / 1e6;
}

/* The daemon looks by itself too, so nothing that goes wrong here makes the import fail. */
static void tell_daemon(struct import *import)
{
    uint64_t wanted = import->result.generation;
    enum status status = control_adopt(import->config->control, wanted, &import->diag, &import->served);

    if (status == STATUS_NOT_FOUND)
        return;
    import->served_ms = ms_since(import->result.published_ns);
    import->adoption = status == STATUS_OK && import->served >= wanted ? ADOPTION_SERVED : ADOPTION_NOT_CONFIRMED;
}

/* What a dry run's candidate answers differently than what is published, if anything is. */
static enum status compare(struct import *import, struct candidate *candidate)
{
    enum status status = generation_load(import->store, &import->diag, &import->before);

    if (status != STATUS_OK || import->before->policy == NULL)
        return status;
    status = generation_from_candidate(candidate, &import->diag, &import->after);
    if (status == STATUS_OK)
        status = changes_new(import->before, import->after, true, &import->changes);
    return status;
}

/* The candidate stays: what is compared is borrowed from it. */
static enum status try_import(struct import *import, const struct publish_options *options)
{
    enum status status = publish_read(options, &import->result, &import->diag, &import->candidate);

    progress_end(&import->progress);
    if (status != STATUS_OK || import->store == NULL)
        return status;
    status = publish_candidate(options, import->candidate, &import->result, &import->diag);
    if (status != STATUS_OK && status != STATUS_BAD_INPUT) /* past a limit: then the changes matter most */
        return status;
    enum status compared = compare(import, import->candidate);
    return compared != STATUS_OK ? compared : status;
}

static enum status read_and_publish(struct import *import)
{
    struct publish_options options = {.source = import->source,
                                      .store = import->store,
                                      .dry_run = import->cli->dry_run,
                                      .force = import->cli->force,
                                      .now = (uint64_t)time(NULL),
                                      .memory_max = import->config->import_memory,
                                      .serial = import->serial,
                                      .limits = import->config->limits,
                                      .server = import->config,
                                      .server_path = import->cli->config_path,
                                      .progress = progress_tell,
                                      .progress_context = &import->progress};
    enum status status = STATUS_OK;

    options.serial.mode = import->config->serial.mode;
    progress_begin(&import->progress);
    if (import->cli->dry_run)
        status = try_import(import, &options);
    else
        status = publish_run(&options, &import->result, &import->diag);
    progress_end(&import->progress);
    return status;
}

/*
 * A revision that was asked for must be on the branch. The commit of a push that is still to be accepted is on no
 * branch yet: its hook chose the branch.
 */
static enum status check_reachable(struct import *import)
{
    const struct source_info *info = source_info(import->source);
    const char *branch = import->config->branch[0] != '\0' ? import->config->branch : CLI_BRANCH_DEFAULT;
    bool reachable = true;

    if (import->cli->revision == NULL || import->cli->force || (import->cli->dry_run && info->in_quarantine))
        return STATUS_OK;
    enum status status = source_is_reachable(import->source, branch, &reachable, &import->diag);
    if (status != STATUS_OK || reachable)
        return status;
    if (import->cli->dry_run) {
        diag_add(&import->diag, SEVERITY_WARNING, NULL,
                 "commit %.*s (--rev %s) is not on branch \"%s\" of %s: its import needs --force", COMMIT_SHOWN,
                 info->commit, info->revision, branch, info->path);
        return STATUS_OK;
    }
    return diag_error(&import->diag, NULL,
                      "commit %.*s (--rev %s) is not on branch \"%s\" of %s; --force publishes it all the same",
                      COMMIT_SHOWN, info->commit, info->revision, branch, info->path);
}

/* Not everything that can be read may be published. */
static enum status check_source(struct import *import)
{
    enum status status = check_reachable(import);

    if (status != STATUS_OK || !import->config->require_signed)
        return status;
    return signature_check(source_info(import->source), import->config->allowed_signers, SIGN_WAIT_MS, &import->diag);
}

/* What cannot be had is done without. */
static void give_way(void)
{
    errno = 0;
    int niceness = getpriority(PRIO_PROCESS, 0);

    if (errno == 0 && niceness < NICENESS)
        (void)setpriority(PRIO_PROCESS, 0, NICENESS);
}

static enum status do_import(struct import *import)
{
    enum status status = cli_read_config(import->cli, &import->diag, &import->config);

    give_way();
    /* The lock comes first: what is read after it is newer than what an import before this one read. */
    if (status == STATUS_OK)
        status = open_store(import);
    if (status == STATUS_OK)
        status = cli_open_source(import->cli, import->config, &import->diag, &import->source);
    if (status == STATUS_OK)
        status = check_source(import);
    if (status == STATUS_OK)
        status = read_and_publish(import);
    if (status == STATUS_OK && !import->cli->dry_run)
        tell_daemon(import);
    return status;
}

static void print_counts(const struct import *import)
{
    const struct publish_result *result = &import->result;
    const char *subject = source_info(import->source)->subject;

    printf("%" PRIu32 " view%s, %" PRIu32 " zone%s, %" PRIu64 " record%s", result->views, cli_plural(result->views),
           result->zones, cli_plural(result->zones), result->records, cli_plural(result->records));
    if (!import->cli->dry_run)
        printf(" (%" PRIu32 " image%s new, %" PRIu32 " reused)", result->images_new, cli_plural(result->images_new),
               result->images_reused);
    else if (import->store != NULL)
        printf(" (%" PRIu32 " image%s would be new)", result->images_new, cli_plural(result->images_new));
    printf(", commit %.*s", COMMIT_SHOWN, result->commit);
    if (subject[0] != '\0') {
        fputs(" \"", stdout);
        cli_print_text(subject, stdout);
        putchar('"');
    }
    putchar('\n');
}

/* The changes come first: comparing may add messages, and the verdict stands last. */
static enum status print_changes(struct import *import, enum status status)
{
    bool different = false;

    if (import->changes == NULL)
        return status;
    enum status printed =
        changes_report_print(import->changes, CHANGES_LIMIT_DEFAULT, stdout, &import->diag, &different);
    return printed != STATUS_OK ? printed : status;
}

static void print_text(const struct import *import, enum status status)
{
    diag_print(&import->diag, stderr);
    if (status != STATUS_OK && import->cli->dry_run) {
        fputs("splitview: nothing would be published\n", stderr);
        return;
    }
    if (status != STATUS_OK && import->head != 0) {
        fprintf(stderr, "splitview: nothing was published; generation %" PRIu64 " still serves\n", import->head);
        return;
    }
    if (status != STATUS_OK) {
        fputs("splitview: nothing was published\n", stderr);
        return;
    }
    if (import->cli->dry_run)
        fputs("dry run, nothing was published: ", stdout);
    else if (import->result.unchanged)
        printf("generation %" PRIu64 " holds all of this already: ", import->result.generation);
    else
        printf("generation %" PRIu64 ": ", import->result.generation);
    print_counts(import);
    if (import->adoption == ADOPTION_SERVED)
        printf("splitviewd serves generation %" PRIu64 "\n", import->served);
}

static bool print_json(struct import *import, enum status status)
{
    static const char *const adoptions[] = {"no daemon", "served", "not confirmed"};
    const struct publish_result *result = &import->result;
    bool published = status == STATUS_OK && !import->cli->dry_run && !result->unchanged;
    json_t *object = json_pack(
        "{s:s, s:b, s:b, s:b, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "status", status_text(status), "published",
        published, "unchanged", result->unchanged, "dry_run", import->cli->dry_run, "generation",
        (json_int_t)(status == STATUS_OK ? result->generation : 0), "generation_before", (json_int_t)import->head,
        "commit", result->commit, "views", (json_int_t)result->views, "zones", (json_int_t)result->zones, "records",
        (json_int_t)result->records, "images_new", (json_int_t)result->images_new, "images_reused",
        (json_int_t)result->images_reused, "daemon", adoptions[import->adoption]);
    bool different = false;
    bool is_timed = import->adoption == ADOPTION_SERVED && import->served_ms >= 0;

    if (object != NULL)
        json_object_set_new(object, "adopt_ms", is_timed ? json_real(import->served_ms) : json_null());
    if (object != NULL && import->changes != NULL &&
        changes_report_json(import->changes, CHANGES_LIMIT_DEFAULT, object, &import->diag, &different) != STATUS_OK) {
        json_decref(object);
        object = NULL;
    }
    return cli_print_json(object, &import->diag);
}

static bool read_floor(const char *text, struct serial_options *serial)
{
    char *end = NULL;

    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > UINT32_MAX)
        return false;
    serial->has_floor = true;
    serial->floor = (uint32_t)number;
    return true;
}

static void drop_generation(struct generation *generation)
{
    if (generation != NULL)
        generation_release(generation);
    generation_free(generation);
}

static void import_clear(struct import *import)
{
    changes_free(import->changes);
    drop_generation(import->after);
    drop_generation(import->before);
    candidate_free(import->candidate);
    source_close(import->source);
    store_close(import->store);
    server_config_free(import->config);
    diag_clear(&import->diag);
}

static enum exit_status run_import(const struct cli *cli)
{
    struct import import = {.cli = cli};

    if (cli->serial_floor != NULL && !read_floor(cli->serial_floor, &import.serial))
        return cli_usage_error(&command_import, "--serial-floor: found %s, wanted a number from 0 to 4294967295",
                               cli->serial_floor);
    diag_init(&import.diag);
    heap_keep();
    enum status status = do_import(&import);
    if (!cli->json)
        status = print_changes(&import, status);
    enum exit_status exit_status = cli_exit_status(status);
    if (!cli->json)
        print_text(&import, status);
    else if (!print_json(&import, status))
        exit_status = EXIT_COULD_NOT;
    import_clear(&import);
    return exit_status;
}

const struct command command_import = {
    .name = "import",
    .summary = "read the zone repository and publish one generation",
    .usage = "splitview import [--zones DIR|REPO] [--rev R] [--dry-run] [--force] [--serial-floor N] [--json]",
    .text = "\n"
            "Reads policy.conf and all zone files of the configured repository at the tip of its branch, checks them,\n"
            "and publishes the result as one new generation; a running splitviewd serves it at once. If anything is\n"
            "wrong, all errors are printed with file and line and the generation before stays. Zones of which nothing\n"
            "changed are neither read nor compiled again. Interrupted at any moment, it leaves the generation before.\n"
            "\n"
            "--dry-run shows which answers would change. --force publishes what passes max-change-percent\n"
            "or max-removed, and with --rev a commit that is not on the branch; never one without the signature that\n"
            "require-signed wants. --serial-floor is for a new store, when the zones were published with higher\n"
            "serials before.\n",
    .options = CLI_ZONES | CLI_REV | CLI_DRY_RUN | CLI_FORCE | CLI_SERIAL_FLOOR | CLI_JSON,
    .run = run_import,
};

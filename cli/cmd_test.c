/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview test: run the view tests of a tree, with no socket. */
#include "cli/command.h"
#include "cli/subject.h"
#include "cli/test_report.h"

#include "policy/casefile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct test {
    struct subject subject;
    struct casefile *casefile;
    struct casefile_totals totals;
    struct test_report report;
};

/* ---- reading ---- */

/* The tree that the tests are taken from: the one that is tested, else that of the generation's commit. */
static enum status open_source(struct test *test, struct source **source)
{
    const struct server_config *config = test->subject.history.config;
    const char *zones = test->subject.history.cli->zones;

    if (zones == NULL)
        zones = config != NULL ? config->zones : "";
    if (zones[0] == '\0')
        return diag_error(&test->subject.history.diag, NULL,
                          "found no file of tests, wanted some, or a tree with tests (--zones, or [server] zones)");
    return source_open(zones, test->subject.side.generation->commit, NULL, &test->subject.history.diag, source);
}

static enum status read_local(struct test *test, const char *path)
{
    struct diag *diag = &test->subject.history.diag;
    const struct place place = {.file = path};
    struct bytes text;
    FILE *stream = fopen(path, "rb");
    enum status status = STATUS_OK;

    if (stream == NULL)
        return diag_error(diag, &place, "cannot be read: %s", strerror(errno));
    bytes_init(&text, SOURCE_FILE_MAX);
    while (status == STATUS_OK) {
        char buffer[16384];
        size_t count = fread(buffer, 1, sizeof buffer, stream);
        if (count == 0)
            break;
        status = bytes_append(&text, buffer, count);
    }
    if (ferror(stream))
        status = diag_error(diag, &place, "cannot be read: %s", strerror(errno));
    fclose(stream);
    if (status == STATUS_OK)
        status = casefile_read_text(test->casefile, test->subject.side.source, path,
                                    text.size > 0 ? (const char *)text.data : "", text.size, diag);
    bytes_clear(&text);
    return status;
}

/* A file of the tree goes before one of this machine. */
static enum status read_operand(struct test *test, const char *path)
{
    struct source *source = test->subject.side.source;
    enum status status = STATUS_NOT_FOUND;
    struct diag unused;

    /* Paths that no tree can have are no errors here. */
    if (source != NULL && path[0] != '/' && strstr(path, "..") == NULL) {
        struct source_file file;
        diag_init(&unused);
        if (source_read(source, path, &file, &unused) == STATUS_OK) {
            source_file_clear(&file);
            status = casefile_read(test->casefile, source, path, &test->subject.history.diag);
        }
        diag_clear(&unused);
    }
    return status == STATUS_NOT_FOUND ? read_local(test, path) : status;
}

static enum status read_tree(struct test *test)
{
    struct source *source = test->subject.side.source;
    struct source *own = NULL;
    enum status status = STATUS_OK;

    if (source == NULL) {
        status = open_source(test, &own);
        source = own;
    }
    if (status == STATUS_OK)
        status = casefile_read_tree(test->casefile, source, &test->subject.history.diag);
    source_close(own);
    return status;
}

static enum status read_tests(struct test *test)
{
    const struct cli *cli = test->subject.history.cli;
    enum status result = STATUS_OK;

    test->casefile = casefile_new(test->subject.side.generation->policy);
    if (test->casefile == NULL)
        return STATUS_NO_MEMORY;
    if (cli->operand_count == 0)
        result = read_tree(test);
    for (int i = 0; i < cli->operand_count; i++) {
        enum status status = read_operand(test, cli->operands[i]);
        if (status != STATUS_OK)
            result = status;
    }
    if (result == STATUS_OK && casefile_count(test->casefile) == 0)
        diag_add(&test->subject.history.diag, SEVERITY_WARNING, NULL, "there is no test; wanted %s/*.views",
                 CASEFILE_FOLDER);
    return result;
}

/* ---- running ---- */

static enum status write_junit(struct test *test)
{
    const char *path = test->subject.history.cli->junit;
    FILE *stream = fopen(path, "wb");
    bool fine = stream != NULL;

    if (fine) {
        fine = test_report_junit(&test->report, &test->totals, stream);
        fine = fclose(stream) == 0 && fine;
    }
    if (fine)
        return STATUS_OK;
    return diag_fail(&test->subject.history.diag, STATUS_IO, &(struct place){.file = path}, "cannot be written: %s",
                     strerror(errno));
}

static enum status begin_report(struct test *test)
{
    const struct cli *cli = test->subject.history.cli;
    enum status status = test_report_init(&test->report, test->subject.side.generation);

    if (status != STATUS_OK)
        return status;
    if (cli->json)
        test->report.tests = json_array();
    else
        test->report.tap = stdout;
    if (cli->junit != NULL)
        test->report.junit = tmpfile();
    if (cli->junit != NULL && test->report.junit == NULL)
        return diag_fail(&test->subject.history.diag, STATUS_IO, NULL, "cannot make a temporary file: %s",
                         strerror(errno));
    return !cli->json || test->report.tests != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status run_tests(struct test *test)
{
    enum status status = begin_report(test);

    if (test->report.tap != NULL)
        printf("1..%" PRIu64 "\n", casefile_count(test->casefile));
    if (status == STATUS_OK)
        status = casefile_run(test->casefile, test->subject.side.generation, test_report_visit, &test->report,
                              &test->totals);
    if (status == STATUS_OK && test->report.no_memory)
        status = STATUS_NO_MEMORY;
    if (test->report.junit != NULL && status == STATUS_OK)
        status = write_junit(test);
    return status;
}

static enum exit_status report_json(struct test *test, enum status status)
{
    json_t *tests = test->report.tests != NULL ? test->report.tests : json_array();
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:o}", "status", status_text(status), "passed", (json_int_t)test->totals.passed,
                  "failed", (json_int_t)test->totals.failed, "tests", tests);

    test->report.tests = NULL;
    if (!cli_print_json(object, &test->subject.history.diag))
        return EXIT_COULD_NOT;
    if (status != STATUS_OK)
        return cli_exit_status(status);
    return test->totals.failed > 0 ? EXIT_FINDINGS : EXIT_FINE;
}

static enum exit_status report_text(const struct test *test, enum status status)
{
    if (status == STATUS_OK)
        printf("# %" PRIu64 " passed, %" PRIu64 " failed\n", test->totals.passed, test->totals.failed);
    return subject_end(&test->subject, status, test->totals.failed > 0 ? EXIT_FINDINGS : EXIT_FINE);
}

static enum exit_status run_test(const struct cli *cli)
{
    struct test test = {0};

    subject_init(&test.subject, cli);
    enum status status = subject_open_tree(&test.subject);
    if (status == STATUS_OK)
        status = read_tests(&test);
    if (status == STATUS_OK)
        status = run_tests(&test);
    enum exit_status exit_status = cli->json ? report_json(&test, status) : report_text(&test, status);
    test_report_clear(&test.report);
    casefile_free(test.casefile);
    subject_close(&test.subject);
    return exit_status;
}

const struct command command_test = {
    .name = "test",
    .summary = "run the view tests of a tree",
    .usage = "splitview test [FILE...] [--zones DIR|REPO] [--rev R] [--generation N] [--junit FILE]\n"
             "                  [--time-limit TIME] [--json]",
    .text = "\n"
            "Runs tests/*.views, or these files, of the tree or of this machine, on the tree of --zones, else on the\n"
            "configured repository, else on the newest generation of the store; with --generation on that one. Opens\n"
            "no socket. Prints TAP: behind each failure what was expected, what was got, and how it came about. Exit\n"
            "status 1 if a test failed. The format is in splitview.views(5).\n",
    .options = CLI_ZONES | CLI_REV | CLI_GENERATION | CLI_JUNIT | CLI_JSON | CLI_TIME_LIMIT,
    .operands_max = 1000,
    .is_timed = true,
    .run = run_test,
};

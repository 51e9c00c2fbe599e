/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/test_report.h"

#include "cli/command.h"
#include "cli/explain_text.h"

#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <string.h>

#define TITLE_MAX (NAME_TEXT_MAX + ASKER_TEXT_MAX + RRTYPE_TEXT_MAX + 40)

enum status test_report_init(struct test_report *report, const struct generation *generation)
{
    memset(report, 0, sizeof *report);
    report->generation = generation;
    report->explained = memory_zalloc(1, sizeof *report->explained);
    return report->explained != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

void test_report_clear(struct test_report *report)
{
    memory_free(report->explained);
    json_decref(report->tests);
    if (report->junit != NULL)
        fclose(report->junit);
    report->junit = NULL;
    report->explained = NULL;
    report->tests = NULL;
}

static void make_title(const struct casefile_result *result, char title[TITLE_MAX])
{
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(result->name, name);
    rrtype_to_text(result->type, type);
    snprintf(title, TITLE_MAX, "%s %s %s", result->asker->text, name, type);
}

/* The decision once more, with its reasons. */
static void decide_again(struct test_report *report, const struct casefile_result *result,
                         void (*tell)(void *context, const struct explained *explained), void *context)
{
    const struct client how = {.transport = TRANSPORT_UDP};
    const struct question question = {
        .name = result->name, .type = result->type, .now = result->now, .recursion = true};
    struct explained *explained = report->explained;

    explained->generation = report->generation;
    explained->asker = result->asker;
    explained->how = &how;
    explained->question = &question;
    explain_decide(explained);
    tell(context, explained);
}

/* ---- TAP ---- */

/* Text that others wrote, in one TAP line: no control characters, and no # that would begin a directive. */
static void print_plain(const char *text, FILE *stream)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++)
        putc(*byte < 0x20 || *byte >= 0x7f ? '?' : *byte, stream);
}

static void tell_tap(void *context, const struct explained *explained)
{
    explain_print(explained, "# ", context);
}

static void print_tap(struct test_report *report, const struct casefile_result *result, const char *title)
{
    FILE *stream = report->tap;

    fprintf(stream, "%s %" PRIu64 " - ", result->passed ? "ok" : "not ok", report->number);
    print_plain(result->file, stream);
    fprintf(stream, ":%" PRIu32 " ", result->line);
    print_plain(title, stream);
    putc('\n', stream);
    if (result->passed)
        return;
    fputs("# expected: ", stream);
    print_plain(result->wanted, stream);
    fputs("\n# got:      ", stream);
    print_plain(result->got, stream);
    fputs("\n# why:      ", stream);
    print_plain(result->why, stream);
    fputs("\n#\n", stream);
    decide_again(report, result, tell_tap, stream);
}

/* ---- JUnit ---- */

static void put_xml(unsigned char byte, FILE *stream)
{
    switch (byte) {
    case '<':
        fputs("&lt;", stream);
        break;
    case '>':
        fputs("&gt;", stream);
        break;
    case '&':
        fputs("&amp;", stream);
        break;
    case '"':
        fputs("&quot;", stream);
        break;
    default:
        putc((byte < 0x20 && byte != '\n' && byte != '\t') || byte >= 0x7f ? '?' : byte, stream);
    }
}

static void print_xml(const char *text, FILE *stream)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++)
        put_xml(*byte, stream);
}

/* A stream into which text is written that comes out as XML. */
static ssize_t write_xml(void *context, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put_xml((unsigned char)bytes[i], context);
    return (ssize_t)size;
}

static void tell_junit(void *context, const struct explained *explained)
{
    struct test_report *report = context;
    FILE *stream = fopencookie(report->junit, "w", (cookie_io_functions_t){.write = write_xml});

    if (stream == NULL) {
        report->no_memory = true;
        return;
    }
    explain_print(explained, "", stream);
    if (fclose(stream) != 0)
        report->no_memory = true;
}

static void print_junit(struct test_report *report, const struct casefile_result *result, const char *title)
{
    FILE *stream = report->junit;

    fputs("  <testcase classname=\"", stream);
    print_xml(result->file, stream);
    fprintf(stream, "\" name=\"line %" PRIu32 ": ", result->line);
    print_xml(title, stream);
    if (result->passed) {
        fputs("\"/>\n", stream);
        return;
    }
    fputs("\">\n    <failure message=\"", stream);
    print_xml(result->why, stream);
    fputs("\">expected: ", stream);
    print_xml(result->wanted, stream);
    fputs("\ngot:      ", stream);
    print_xml(result->got, stream);
    fputs("\n\n", stream);
    decide_again(report, result, tell_junit, report);
    fputs("</failure>\n  </testcase>\n", stream);
}

bool test_report_junit(const struct test_report *report, const struct casefile_totals *totals, FILE *stream)
{
    char buffer[16384];
    size_t size;

    fprintf(stream,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"splitview\" tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"0\">\n",
            totals->passed + totals->failed, totals->failed);
    rewind(report->junit);
    while ((size = fread(buffer, 1, sizeof buffer, report->junit)) > 0)
        fwrite(buffer, 1, size, stream);
    fputs("</testsuite>\n", stream);
    return ferror(report->junit) == 0 && ferror(stream) == 0;
}

/* ---- JSON ---- */

static void tell_json(void *context, const struct explained *explained)
{
    *(json_t **)context = explain_json(explained);
}

static json_t *result_json(struct test_report *report, const struct casefile_result *result)
{
    const struct policy *policy = report->generation->policy;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(result->name, name);
    rrtype_to_text(result->type, type);
    json_t *object = json_pack(
        "{s:o, s:I, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "file", cli_json_text(result->file), "line",
        (json_int_t)result->line, "from", result->asker->text, "name", name, "type", type, "passed", result->passed,
        "view", cli_json_text(result->view != VIEW_NONE ? policy->views[result->view].name : NULL), "expected",
        cli_json_text(result->wanted), "got", cli_json_text(result->got), "why", cli_json_text(result->why));
    json_t *explanation = NULL;
    if (object == NULL || result->passed)
        return object;
    decide_again(report, result, tell_json, &explanation);
    if (json_object_set_new(object, "explanation", explanation) != 0)
        report->no_memory = true;
    return object;
}

bool test_report_visit(void *context, const struct casefile_result *result)
{
    struct test_report *report = context;
    char title[TITLE_MAX];

    report->number++;
    make_title(result, title);
    if (report->tap != NULL)
        print_tap(report, result, title);
    if (report->junit != NULL)
        print_junit(report, result, title);
    if (report->tests != NULL && json_array_append_new(report->tests, result_json(report, result)) != 0)
        report->no_memory = true;
    return !report->no_memory;
}

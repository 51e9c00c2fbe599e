/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading view tests, and running them; a line's words are casefile_words.c, the verdict is casefile_judge.c. */
#include "policy/casefile.h"

#include "policy/casefile_test.h"
#include "policy/casefile_text.h"
#include "policy/decide.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct casefile {
    const struct policy *policy;
    char **files; /* paths, owned: the lines borrow them */
    size_t file_count;
    size_t file_capacity;
    struct case_line *lines;
    size_t line_count;
    size_t line_capacity;
    uint64_t test_count;
};

/* One file under way. */
struct case_reading {
    struct casefile *casefile;
    struct source *source; /* NULL: nothing can be included */
    struct diag *diag;
    const char *file;              /* owned by the casefile */
    const struct case_reading *by; /* the file that includes it; NULL: none */
    unsigned depth;
    uint32_t line;
};

struct casefile *casefile_new(const struct policy *policy)
{
    struct casefile *casefile = memory_zalloc(1, sizeof *casefile);

    if (casefile != NULL)
        casefile->policy = policy;
    return casefile;
}

static void line_clear(struct case_line *line)
{
    for (size_t i = 0; i < line->test_count; i++)
        case_test_clear(&line->tests[i], line->type_count);
    memory_free(line->tests);
    memory_free(line->askers);
    memory_free(line->types);
}

void casefile_free(struct casefile *casefile)
{
    if (casefile == NULL)
        return;
    for (size_t i = 0; i < casefile->line_count; i++)
        line_clear(&casefile->lines[i]);
    for (size_t i = 0; i < casefile->file_count; i++)
        memory_free(casefile->files[i]);
    memory_free(casefile->lines);
    memory_free(casefile->files);
    memory_free(casefile);
}

uint64_t casefile_count(const struct casefile *casefile)
{
    return casefile->test_count;
}

size_t casefile_files(const struct casefile *casefile)
{
    return casefile->file_count;
}

enum status case_error(const struct case_line *line, struct diag *diag, const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return diag_error(diag, &(struct place){.file = line->file, .line = line->line}, "%s", text);
}

/* ---- the fields of a line ---- */

static struct asker *add_asker(struct case_line *line)
{
    struct asker *askers = memory_grow(line->askers, line->asker_count, &line->asker_capacity, sizeof *askers);

    if (askers == NULL)
        return NULL;
    line->askers = askers;
    return &askers[line->asker_count++];
}

static enum status add_all_views(const struct policy *policy, struct case_line *line)
{
    for (uint32_t view = 0; view < policy->view_count; view++) {
        struct asker *asker = add_asker(line);
        if (asker == NULL)
            return STATUS_NO_MEMORY;
        asker_of_view(policy, view, asker);
    }
    return STATUS_OK;
}

static enum status read_from(const struct policy *policy, struct case_line *line, char *list, struct diag *diag)
{
    char wanted[ASKER_WANTED_MAX];

    for (char *item = case_next_item(&list); item != NULL; item = case_next_item(&list)) {
        struct asker asker;
        enum status status = STATUS_OK;
        if (strcmp(item, "*") == 0) {
            status = add_all_views(policy, line);
        } else if (asker_read(policy, item, strlen(item), &asker, wanted) != STATUS_OK) {
            return case_error(line, diag, "found %s, wanted %s", item[0] != '\0' ? item : "nothing beside a comma",
                              wanted);
        } else {
            struct asker *added = add_asker(line);
            if (added == NULL)
                status = STATUS_NO_MEMORY;
            else
                *added = asker;
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status read_types(struct case_line *line, char *list, struct diag *diag)
{
    for (char *item = case_next_item(&list); item != NULL; item = case_next_item(&list)) {
        uint16_t type = rrtype_from_text(item, strlen(item));
        if (type == 0 || (rrtype_is_meta(type) && type != RRTYPE_ANY))
            return case_error(line, diag, "found %s, wanted an RR type that can be asked for, as A or AAAA,HTTPS",
                              item[0] != '\0' ? item : "nothing beside a comma");
        uint16_t *types = memory_grow(line->types, line->type_count, &line->type_capacity, sizeof *types);
        if (types == NULL)
            return STATUS_NO_MEMORY;
        line->types = types;
        types[line->type_count++] = type;
    }
    return STATUS_OK;
}

/* Somebody whom no view takes gets REFUSED and nothing else. */
static enum status check_taken(const struct policy *policy, const struct case_line *line, const struct case_test *test,
                               const struct asker *asker, struct diag *diag)
{
    const struct client client = {.source = asker->address};

    if (asker->address.family == 0 || test->rcode == CASE_REFUSED || view_select(policy, &client).view != VIEW_NONE)
        return STATUS_OK;
    return case_error(line, diag, "found %s, which no view takes; wanted an address of a view, or REFUSED",
                      asker->text);
}

static enum status check_askers(const struct policy *policy, const struct case_line *line, const struct case_test *test,
                                struct diag *diag)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < line->asker_count && status == STATUS_OK; i++)
        status = check_taken(policy, line, test, &line->askers[i], diag);
    if (status == STATUS_OK && test->has_same)
        status = check_taken(policy, line, test, &test->same, diag);
    return status;
}

/* ---- one test for each choice ---- */

static enum status set_name(const struct case_line *line, const struct case_choice *choice, const char *chosen,
                            size_t length, struct case_test *test, struct diag *diag)
{
    char text[CASEFILE_LINE_MAX + 1];
    size_t size;

    if (!choice->has_brace)
        snprintf(text, sizeof text, "%s", choice->head);
    else
        snprintf(text, sizeof text, "%.*s%.*s%s", (int)choice->head_size, choice->head, (int)length, chosen,
                 choice->tail);
    if (strcmp(text, "@") != 0 && name_from_text(text, strlen(text), NULL, test->name, &size) == STATUS_OK)
        return STATUS_OK;
    return case_error(line, diag, "found %s, wanted a domain name", text[0] != '\0' ? text : "an empty name");
}

/* What is wanted, for people: the words, and behind = the records. */
static char *wanted_text(const char *words, const char *records)
{
    char text[2 * CASEFILE_LINE_MAX];
    const char *end = words + strlen(words);

    while (end > words && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    while (words < end && (*words == ' ' || *words == '\t'))
        words++;
    int length = snprintf(text, sizeof text, "%.*s%s%s%s", (int)(end - words), words, end > words ? " " : "",
                          records != NULL ? "=" : "", records != NULL ? records : "");
    if (length < 0)
        length = 0;
    size_t used = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    while (used > 0 && text[used - 1] == ' ')
        used--;
    return memory_copy_text(text, used);
}

/* `words` and `records` as written, with {} in them. */
static enum status fill_test(const struct case_reading *reading, const struct case_line *line,
                             const struct case_fields *fields, const char *chosen, size_t length,
                             struct case_test *test)
{
    struct case_words words = {reading->casefile->policy, line, test, reading->diag};
    char *records = fields->records != NULL ? case_replace(fields->records, chosen, length) : NULL;
    enum status status = STATUS_NO_MEMORY;

    test->words = case_replace(fields->words, chosen, length);
    if (test->words != NULL && (records != NULL || fields->records == NULL))
        test->wanted = wanted_text(test->words, records);
    if (test->wanted != NULL)
        status = case_words_read(&words, test->words, records);
    memory_free(records);
    return status;
}

static enum status add_test(const struct case_reading *reading, struct case_line *line,
                            const struct case_fields *fields, const struct case_choice *choice, size_t index)
{
    size_t length;
    const char *chosen = case_choice_get(choice, index, &length);
    struct case_test *tests = memory_grow(line->tests, line->test_count, &line->test_capacity, sizeof *tests);

    if (tests == NULL)
        return STATUS_NO_MEMORY;
    line->tests = tests;
    struct case_test *test = &tests[line->test_count++];
    memset(test, 0, sizeof *test);
    bytes_init(&test->hops, CASEFILE_RECORDS_MAX);
    enum status status = set_name(line, choice, chosen, length, test, reading->diag);
    if (status == STATUS_OK)
        status = fill_test(reading, line, fields, chosen, length, test);
    return status == STATUS_OK ? check_askers(reading->casefile->policy, line, test, reading->diag) : status;
}

static bool holds_choice(const char *text)
{
    return text != NULL && strstr(text, "{}") != NULL;
}

static enum status read_tests(const struct case_reading *reading, struct case_line *line,
                              const struct case_fields *fields)
{
    struct case_choice choice;
    enum status status = STATUS_OK;
    size_t count = 0;
    size_t length;

    if (!case_choice_init(&choice, fields->name))
        return case_error(line, reading->diag, "found %s, wanted a name with one {a,b,c} at most", fields->name);
    if (!choice.has_brace && (holds_choice(fields->words) || holds_choice(fields->records)))
        return case_error(line, reading->diag, "found {}, wanted {a,b,c} in the name, of which it repeats the one");
    while (case_choice_get(&choice, count, &length) != NULL)
        count++;
    if (count * line->asker_count * line->type_count > CASEFILE_TESTS_MAX)
        return case_error(line, reading->diag, "found a line that makes %zu tests, wanted at most %d",
                          count * line->asker_count * line->type_count, CASEFILE_TESTS_MAX);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = add_test(reading, line, fields, &choice, i);
    return status;
}

static enum status read_fields(const struct case_reading *reading, struct case_line *line,
                               const struct case_fields *fields)
{
    const struct policy *policy = reading->casefile->policy;

    if (fields->type == NULL)
        return case_error(line, reading->diag, "found %s, wanted FROM NAME TYPE [WORDS] [= RECORDS], or include FILE",
                          fields->from);
    enum status status = read_from(policy, line, fields->from, reading->diag);
    if (status == STATUS_OK)
        status = read_types(line, fields->type, reading->diag);
    return status == STATUS_OK ? read_tests(reading, line, fields) : status;
}

static enum status read_test_line(const struct case_reading *reading, const struct case_fields *fields)
{
    struct casefile *casefile = reading->casefile;
    const struct place place = {.file = reading->file, .line = reading->line};

    if (casefile->line_count >= CASEFILE_LINES_MAX)
        return diag_fail(reading->diag, STATUS_TOO_LARGE, &place, "found more than %d lines of tests",
                         CASEFILE_LINES_MAX);
    struct case_line *lines =
        memory_grow(casefile->lines, casefile->line_count, &casefile->line_capacity, sizeof *lines);
    if (lines == NULL)
        return STATUS_NO_MEMORY;
    casefile->lines = lines;
    struct case_line *line = &lines[casefile->line_count++];
    memset(line, 0, sizeof *line);
    line->file = reading->file;
    line->line = reading->line;
    enum status status = read_fields(reading, line, fields);
    if (status == STATUS_OK)
        casefile->test_count += (uint64_t)line->asker_count * line->type_count * line->test_count;
    return status;
}

/* ---- files ---- */

static enum status read_whole(struct case_reading *reading, const char *text, size_t size);

/* The casefile's copy of a path. NULL: no memory. */
static const char *keep_path(struct casefile *casefile, const char *path)
{
    char **files = memory_grow(casefile->files, casefile->file_count, &casefile->file_capacity, sizeof *files);

    if (files == NULL)
        return NULL;
    casefile->files = files;
    files[casefile->file_count] = memory_copy_text(path, strlen(path));
    return files[casefile->file_count] != NULL ? files[casefile->file_count++] : NULL;
}

static enum status read_path(struct case_reading *reading, const char *path)
{
    struct source_file file = {NULL, 0};
    enum status status = source_read(reading->source, path, &file, reading->diag);

    if (status == STATUS_OK) {
        reading->file = keep_path(reading->casefile, path);
        status = reading->file != NULL ? read_whole(reading, file.data, file.size) : STATUS_NO_MEMORY;
    }
    source_file_clear(&file);
    return status;
}

static bool includes_itself(const struct case_reading *reading, const char *path)
{
    for (const struct case_reading *at = reading; at != NULL; at = at->by)
        if (strcmp(at->file, path) == 0)
            return true;
    return false;
}

static enum status read_include(const struct case_reading *reading, const char *name)
{
    const struct case_line here = {.file = reading->file, .line = reading->line};
    char path[sizeof CASEFILE_FOLDER + CASEFILE_LINE_MAX + 1];

    if (name == NULL)
        return case_error(&here, reading->diag, "found include alone, wanted include FILE");
    snprintf(path, sizeof path, CASEFILE_FOLDER "/%s", name);
    if (reading->source == NULL || name[0] == '/')
        return case_error(&here, reading->diag, "found include %s, wanted a file of %s/ in a tree of zones", name,
                          CASEFILE_FOLDER);
    if (includes_itself(reading, path))
        return case_error(&here, reading->diag, "found include %s, wanted a file that does not include itself", name);
    if (reading->depth + 1 >= CASEFILE_DEPTH_MAX)
        return case_error(&here, reading->diag, "found include %s, wanted at most %d files deep", name,
                          CASEFILE_DEPTH_MAX);
    struct case_reading inner = {
        reading->casefile, reading->source, reading->diag, NULL, reading, reading->depth + 1, 0};
    enum status status = read_path(&inner, path);
    if (status == STATUS_NOT_FOUND)
        return case_error(&here, reading->diag, "found include %s, wanted a file: there is no %s", name, path);
    return status;
}

static enum status read_line(struct case_reading *reading, const char *text, size_t size)
{
    const struct case_line here = {.file = reading->file, .line = reading->line};
    struct case_fields fields;
    char line[CASEFILE_LINE_MAX + 1];

    if (size > CASEFILE_LINE_MAX)
        return case_error(&here, reading->diag, "found a line of %zu bytes, wanted at most %d", size,
                          CASEFILE_LINE_MAX);
    if (memchr(text, '\0', size) != NULL)
        return case_error(&here, reading->diag, "found a zero byte, wanted text");
    memcpy(line, text, size);
    line[size] = '\0';
    char *stripped = case_strip(line);
    if (stripped[0] == '\0')
        return STATUS_OK;
    case_cut(stripped, &fields);
    return fields.is_include ? read_include(reading, fields.name) : read_test_line(reading, &fields);
}

/* All lines, so that all errors are reported. */
static enum status read_whole(struct case_reading *reading, const char *text, size_t size)
{
    enum status result = STATUS_OK;
    const char *end = text + size;

    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const char *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL)
            stop = end;
        if (stop > text && stop[-1] == '\r')
            stop--;
        reading->line++;
        enum status status = read_line(reading, text, (size_t)(stop - text));
        if (status != STATUS_OK && status != STATUS_BAD_INPUT)
            return status;
        if (status != STATUS_OK)
            result = status;
        text = next;
    }
    return result;
}

enum status casefile_read_text(struct casefile *casefile, struct source *source, const char *file, const char *text,
                               size_t size, struct diag *diag)
{
    struct case_reading reading = {.casefile = casefile, .source = source, .diag = diag};

    reading.file = keep_path(casefile, file);
    return reading.file != NULL ? read_whole(&reading, text, size) : STATUS_NO_MEMORY;
}

enum status casefile_read(struct casefile *casefile, struct source *source, const char *path, struct diag *diag)
{
    struct case_reading reading = {.casefile = casefile, .source = source, .diag = diag};

    return read_path(&reading, path);
}

static bool is_views(const char *name)
{
    size_t length = strlen(name);

    return length > 6 && strcmp(name + length - 6, ".views") == 0;
}

static enum status read_entry(struct casefile *casefile, struct source *source, const char *name, struct diag *diag)
{
    char path[sizeof CASEFILE_FOLDER + 4096];

    if ((size_t)snprintf(path, sizeof path, CASEFILE_FOLDER "/%s", name) >= sizeof path)
        return diag_error(diag, &(struct place){.file = CASEFILE_FOLDER}, "found a path that is too long");
    return casefile_read(casefile, source, path, diag);
}

/* Has the tree the folder at all? */
static enum status find_folder(struct source *source, bool *is_there, struct diag *diag)
{
    struct source_listing top;
    enum status status = source_list(source, "", &top, diag);

    *is_there = false;
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < top.count; i++)
        if (top.entries[i].is_folder && strcmp(top.entries[i].name, CASEFILE_FOLDER) == 0)
            *is_there = true;
    source_listing_clear(&top);
    return STATUS_OK;
}

enum status casefile_read_tree(struct casefile *casefile, struct source *source, struct diag *diag)
{
    struct source_listing listing;
    bool is_there;
    enum status result = find_folder(source, &is_there, diag);

    if (result != STATUS_OK || !is_there)
        return result;
    result = source_list(source, CASEFILE_FOLDER, &listing, diag);
    if (result != STATUS_OK)
        return result;
    for (size_t i = 0; i < listing.count && (result == STATUS_OK || result == STATUS_BAD_INPUT); i++) {
        enum status status = STATUS_OK;
        if (!listing.entries[i].is_folder && is_views(listing.entries[i].name))
            status = read_entry(casefile, source, listing.entries[i].name, diag);
        if (status != STATUS_OK)
            result = status;
    }
    source_listing_clear(&listing);
    return result;
}

/* ---- running ---- */

struct case_run {
    const struct casefile *casefile;
    const struct generation *generation;
    casefile_visit *visit;
    void *context;
    struct casefile_totals *totals;
    struct answer answer;
    struct answer same;
    struct forward_route route; /* of `answer` */
    struct forward_route same_route;
    char got[CASEFILE_TEXT_MAX];
    char why[CASEFILE_TEXT_MAX];
};

/* False: the visitor had enough. */
static bool run_one(struct case_run *run, const struct case_line *line, const struct case_test *test,
                    const struct asker *asker, size_t type_index)
{
    struct question question = {
        .name = test->name, .type = line->types[type_index], .now = test->now, .recursion = true};
    const struct client udp = {.transport = TRANSPORT_UDP};
    struct view_match match = asker_decide(run->generation, asker, &udp, &question, &run->answer, NULL, &run->route);

    if (test->has_same)
        asker_decide(run->generation, &test->same, &udp, &question, &run->same, NULL, &run->same_route);
    const struct case_got got = {match.view, &run->answer, &run->route};
    const struct case_got same = {VIEW_NONE, &run->same, &run->same_route};
    case_judge(line, test, type_index, run->casefile->policy, &got, test->has_same ? &same : NULL, run->why,
               sizeof run->why);
    bool passed = run->why[0] == '\0';
    run->totals->passed += passed;
    run->totals->failed += !passed;
    if (run->visit == NULL)
        return true;
    case_answer_text(&got, question.type, run->got, sizeof run->got);
    const struct casefile_result result = {.file = line->file,
                                           .line = line->line,
                                           .asker = asker,
                                           .name = test->name,
                                           .type = question.type,
                                           .now = test->now,
                                           .passed = passed,
                                           .wanted = test->wanted,
                                           .got = run->got,
                                           .why = run->why,
                                           .view = match.view,
                                           .answer = &run->answer};
    return run->visit(run->context, &result);
}

static bool run_line(struct case_run *run, const struct case_line *line)
{
    for (size_t asker = 0; asker < line->asker_count; asker++)
        for (size_t test = 0; test < line->test_count; test++)
            for (size_t type = 0; type < line->type_count; type++)
                if (!run_one(run, line, &line->tests[test], &line->askers[asker], type))
                    return false;
    return true;
}

enum status casefile_run(const struct casefile *casefile, const struct generation *generation, casefile_visit *visit,
                         void *context, struct casefile_totals *totals)
{
    struct case_run *run = memory_zalloc(1, sizeof *run);

    *totals = (struct casefile_totals){0, 0};
    if (run == NULL)
        return STATUS_NO_MEMORY;
    run->casefile = casefile;
    run->generation = generation;
    run->visit = visit;
    run->context = context;
    run->totals = totals;
    for (size_t i = 0; i < casefile->line_count; i++)
        if (!run_line(run, &casefile->lines[i]))
            break;
    memory_free(run);
    return STATUS_OK;
}

static bool report_failure(void *context, const struct casefile_result *result)
{
    struct diag *diag = context;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    if (result->passed)
        return true;
    name_to_text(result->name, name);
    rrtype_to_text(result->type, type);
    diag_error(diag, &(struct place){.file = result->file, .line = result->line}, "test failed: %s %s %s: %s; got %s",
               result->asker->text, name, type, result->why, result->got);
    return true;
}

enum status casefile_check(struct source *source, const struct generation *generation, struct casefile_totals *totals,
                           struct diag *diag)
{
    struct casefile *casefile = casefile_new(generation->policy);
    enum status status = STATUS_NO_MEMORY;

    *totals = (struct casefile_totals){0, 0};
    if (casefile != NULL)
        status = casefile_read_tree(casefile, source, diag);
    if (status == STATUS_OK && casefile_count(casefile) == 0)
        diag_add(diag, SEVERITY_WARNING, &(struct place){.file = CASEFILE_FOLDER},
                 "there is no view test; wanted %s/*.views", CASEFILE_FOLDER);
    if (status == STATUS_OK)
        status = casefile_run(casefile, generation, report_failure, diag, totals);
    casefile_free(casefile);
    if (status == STATUS_OK && totals->failed > 0)
        return STATUS_BAD_INPUT;
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Master files: every cases/zonefile/NAME.zone is read as the zone z.example., sorted and checked; what comes out must
 * be NAME.expect, byte by byte: the two results, the records, the messages. A new case needs no code here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "zones/memory.h"
#include "zones/name.h"
#include "zones/source.h"
#include "zones/zone.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"
#include "zones/zonefile_generate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES_MAX 256
#define PATH_SIZE 1024
#define TEXT_SIZE (8u * RRSET_RDATA_MAX)

static const uint8_t apex[] = {1, 'z', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static void print_record(const struct zone *zone, const struct zone_record *record, FILE *out)
{
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    struct rdata rdata = zone_rdata(zone, record);
    char *text = memory_alloc(TEXT_SIZE);
    assert_non_null(text);
    name_to_text(zone_owner(zone, record), owner);
    rrtype_to_text(record->type, type);
    assert_int_equal(zonefile_rdata_to_text(record->type, &rdata, text, TEXT_SIZE), STATUS_OK);
    fprintf(out, "%s %u %s %s\n", owner, record->ttl, type, text);
    memory_free(text);
}

/* Read one zone and write down all that came of it. */
static void describe(struct source *source, const char *path, FILE *out)
{
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    struct diag diag;
    struct zone *zone = zone_new(apex);
    assert_non_null(zone);
    diag_init(&diag);
    enum status status = zonefile_read(source, path, &options, zone, &diag);
    fprintf(out, "read %s\n", status_text(status));
    if (status == STATUS_OK) {
        assert_int_equal(zone_freeze(zone, &diag), STATUS_OK);
        fprintf(out, "check %s\n", status_text(zonecheck_run(zone, path, &diag)));
        for (size_t i = 0; i < zone->count; i++) {
            print_record(zone, &zone->records[i], out);
        }
    }
    diag_print(&diag, out);
    diag_clear(&diag);
    zone_free(zone);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0;
    char *text = memory_alloc(1024u * 1024u);
    assert_non_null(text);
    if (file != NULL) {
        size = fread(text, 1, 1024u * 1024u - 1, file);
        fclose(file);
    }
    text[size] = '\0';
    return text;
}

static void folder_path(char path[PATH_SIZE])
{
    const char *srcdir = getenv("srcdir");
    snprintf(path, PATH_SIZE, "%s/tests/cases/zonefile", srcdir == NULL ? "." : srcdir);
}

static void test_case(void **state)
{
    const char *name = *state;
    char folder[PATH_SIZE];
    char path[PATH_SIZE + 300];
    char *text = NULL;
    size_t size = 0;
    struct diag diag;
    struct source *source;
    folder_path(folder);
    diag_init(&diag);
    assert_int_equal(source_open(folder, NULL, NULL, &diag, &source), STATUS_OK);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    describe(source, name, out);
    fclose(out);
    snprintf(path, sizeof path, "%s/%.*s.expect", folder, (int)(strlen(name) - strlen(".zone")), name);
    char *wanted = read_file(path);
    if (strcmp(text, wanted) != 0) {
        print_error("%s gives\n%s\nwanted\n%s\n", name, text, wanted);
        fail();
    }
    memory_free(wanted);
    free(text);
    source_close(source);
    diag_clear(&diag);
}

static void test_apex(void **state)
{
    static const struct {
        const char *file;
        enum status status;
        const char *apex;
    } rows[] = {
        {"harbor.example.zone", STATUS_OK, "harbor.example."},
        {"@.zone", STATUS_OK, "."},
        {"zone.zone", STATUS_OK, "zone."},
        {"Harbor.Example.zone", STATUS_OK, "Harbor.Example."},
        {"0%2F25.2.0.192.in-addr.arpa.zone", STATUS_OK, "0/25.2.0.192.in-addr.arpa."},
        {"a%2eb.c.zone", STATUS_OK, "a\\.b.c."},
        {"%25%00%ff.c.zone", STATUS_OK, "%\\000\\255.c."},
        {"%40.zone", STATUS_OK, "\\@."},
        {"a\\b.zone", STATUS_OK, "a\\\\b."},
        {".zone", STATUS_BAD_INPUT, NULL},
        {"a..b.zone", STATUS_BAD_INPUT, NULL},
        {".a.zone", STATUS_BAD_INPUT, NULL},
        {"a..zone", STATUS_BAD_INPUT, NULL},
        {"a%2.zone", STATUS_BAD_INPUT, NULL},
        {"a%zz.zone", STATUS_BAD_INPUT, NULL},
        {"a%.zone", STATUS_BAD_INPUT, NULL},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.zone", STATUS_OK,
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.zone", STATUS_BAD_INPUT, NULL},
        {"harbor.example", STATUS_NOT_FOUND, NULL},
        {"harbor.example.zone~", STATUS_NOT_FOUND, NULL},
        {"zone", STATUS_NOT_FOUND, NULL},
        {"", STATUS_NOT_FOUND, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        char text[NAME_TEXT_MAX];
        size_t size;
        enum status status = zonefile_apex(rows[i].file, name, &size);
        if (status != rows[i].status) {
            fail_msg("%s: %s", rows[i].file, status_text(status));
        }
        if (status == STATUS_OK) {
            name_to_text(name, text);
            assert_string_equal(text, rows[i].apex);
            assert_int_equal(size, name_size(name));
        }
    }
}

/* Names of 255 octets and of 256. */
static void test_apex_longest(void **state)
{
    (void)state;
    for (size_t labels = 126; labels <= 128; labels++) {
        char text[300] = "";
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        for (size_t i = 0; i < labels; i++) {
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s", i == 0 ? "a" : ".a");
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), ".zone");
        assert_int_equal(zonefile_apex(text, name, &size), labels <= 127 ? STATUS_OK : STATUS_BAD_INPUT);
    }
}

static enum status read_text(const char *text, const struct zonefile_options *options, struct zone **zone,
                             struct diag *diag)
{
    *zone = zone_new(apex);
    assert_non_null(*zone);
    return zonefile_read_text(NULL, "text.zone", text, strlen(text), options, *zone, diag);
}

static void test_options(void **state)
{
    static const struct {
        const char *text;
        struct zonefile_options options;
        enum status status;
        uint32_t ttl; /* of the last record */
    } rows[] = {
        {"a A 192.0.2.1\n", {.default_ttl = 77}, STATUS_OK, 77},
        {"a A 192.0.2.1\n", {.default_ttl = 0}, STATUS_OK, 0},
        {"a A 192.0.2.1\n", {.default_ttl = ZONEFILE_NO_TTL}, STATUS_BAD_INPUT, 0},
        {"$TTL 5\na A 192.0.2.1\n", {.default_ttl = 77}, STATUS_OK, 5},
        {"a 9 A 192.0.2.1\nb A 192.0.2.1\n", {.default_ttl = 77}, STATUS_OK, 77},
        {"@ SOA . . 1 2 3 4 5\n", {.default_ttl = 77}, STATUS_OK, 77},
        {"$GENERATE 1-9 a$ A 192.0.2.$\n", {.default_ttl = 77, .records_max = 9}, STATUS_OK, 77},
        {"$GENERATE 1-9 a$ A 192.0.2.$\n", {.default_ttl = 77, .records_max = 8}, STATUS_TOO_LARGE, 0},
        {"$INCLUDE other\n", {.default_ttl = 77}, STATUS_BAD_INPUT, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag diag;
        struct zone *zone;
        diag_init(&diag);
        assert_int_equal(read_text(rows[i].text, &rows[i].options, &zone, &diag), rows[i].status);
        assert_int_equal(diag.errors, rows[i].status == STATUS_OK ? 0 : 1);
        if (rows[i].status == STATUS_OK) {
            assert_int_equal(zone->records[zone->count - 1].ttl, rows[i].ttl);
        }
        zone_free(zone);
        diag_clear(&diag);
    }
}

static void test_missing_file(void **state)
{
    char folder[PATH_SIZE];
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    struct diag diag;
    struct source *source;
    struct zone *zone = zone_new(apex);
    (void)state;
    folder_path(folder);
    diag_init(&diag);
    assert_int_equal(source_open(folder, NULL, NULL, &diag, &source), STATUS_OK);
    assert_int_equal(zonefile_read(source, "missing.zone", &options, zone, &diag), STATUS_NOT_FOUND);
    assert_int_equal(diag.count, 0);
    source_close(source);
    zone_free(zone);
    diag_clear(&diag);
}

static void test_origins(void **state)
{
    char folder[PATH_SIZE];
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    struct diag diag;
    struct source *source;
    struct zone *zone = zone_new(apex);
    (void)state;
    folder_path(folder);
    diag_init(&diag);
    assert_int_equal(source_open(folder, NULL, NULL, &diag, &source), STATUS_OK);
    assert_int_equal(zonefile_read(source, "include.zone", &options, zone, &diag), STATUS_OK);
    const struct zone_record *first = &zone->records[0]; /* not sorted yet: in the order of the files */
    const struct zone_record *included = &zone->records[4];
    assert_string_equal(zone->files[first->origin.file], "include.zone");
    assert_int_equal(first->origin.line, 2);
    assert_string_equal(zone->files[included->origin.file], "parts/hosts.inc");
    assert_int_equal(included->origin.line, 1);
    source_close(source);
    zone_free(zone);
    diag_clear(&diag);
}

static void test_generate_expand(void **state)
{
    static const struct {
        const char *text;
        uint32_t number;
        const char *result; /* NULL: refused */
    } rows[] = {
        {"", 1, ""},
        {"a", 1, "a"},
        {"$", 12, "12"},
        {"a$b$", 3, "a3b3"},
        {"$$", 3, "$"},
        {"$$$", 3, "$3"},
        {"\\$$", 3, "\\$3"},
        {"\\\\$", 3, "\\\\3"},
        {"a\\", 3, "a\\"},
        {"${1}", 3, "4"},
        {"${+1}", 3, "4"},
        {"${-5}", 3, "-2"},
        {"${0,3}", 3, "003"},
        {"${-5,3}", 3, "-02"},
        {"${0,3,d}", 3, "003"},
        {"${0,0,o}", 8, "10"},
        {"${0,4,x}", 171, "00ab"},
        {"${0,4,X}", 171, "00AB"},
        {"${0,0,n}", 171, "b.a"},
        {"${0,1,n}", 1, "1"},
        {"${0,2,n}", 1, "1."},
        {"${0,3,n}", 1, "1.0"},
        {"${0,8,N}", 171, "B.A.0.0."},
        {"${0,0,n}", 0, "0"},
        {"${2147483647}", 2147483647, "4294967294"},
        {"${", 1, NULL},
        {"${}", 1, NULL},
        {"${a}", 1, NULL},
        {"${0,}", 1, NULL},
        {"${0,a}", 1, NULL},
        {"${0,256}", 1, NULL},
        {"${0,1,}", 1, NULL},
        {"${0,1,z}", 1, NULL},
        {"${0,1,dd}", 1, NULL},
        {"${0,1,d,}", 1, NULL},
        {"${-2,0,x}", 1, NULL},
        {"${2147483648}", 1, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes out;
        bytes_init(&out, 1024);
        enum status status = generate_expand(rows[i].text, strlen(rows[i].text), rows[i].number, &out);
        assert_int_equal(status, rows[i].result == NULL ? STATUS_BAD_INPUT : STATUS_OK);
        assert_int_equal(bytes_append(&out, "", 1), STATUS_OK);
        if (rows[i].result != NULL && strcmp((const char *)out.data, rows[i].result) != 0) {
            fail_msg("%s with %u gives %s", rows[i].text, rows[i].number, out.data);
        }
        bytes_clear(&out);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of all cases, sorted; each is freed by the caller. */
static size_t find_cases(char *names[CASES_MAX])
{
    char folder[PATH_SIZE];
    size_t count = 0;
    folder_path(folder);
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL && count < CASES_MAX;) {
        size_t length = strlen(entry->d_name);
        if (length > 5 && strcmp(entry->d_name + length - 5, ".zone") == 0) {
            names[count++] = memory_copy_text(entry->d_name, length);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    qsort(names, count, sizeof *names, compare_names);
    return count;
}

static void test_cases_found(void **state)
{
    assert_true(*(size_t *)*state >= 50);
}

int main(void)
{
    char *names[CASES_MAX];
    size_t count = find_cases(names);
    struct CMUnitTest tests[CASES_MAX + 8] = {
        cmocka_unit_test(test_apex),
        cmocka_unit_test(test_apex_longest),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_generate_expand),
        cmocka_unit_test_prestate(test_cases_found, &count),
    };
    for (size_t i = 0; i < count; i++) {
        tests[7 + i] = (struct CMUnitTest){.name = names[i], .test_func = test_case, .initial_state = names[i]};
    }
    int failed = _cmocka_run_group_tests("tests", tests, 7 + count, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        memory_free(names[i]);
    }
    return failed;
}

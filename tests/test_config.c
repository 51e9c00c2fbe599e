/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/config.h"
#include "policy/options.h"
#include "policy/policy.h"
#include "policy/server.h"
#include "zones/memory.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- files ---- */

static void source_path(const char *name, char path[512])
{
    const char *folder = getenv("srcdir");
    snprintf(path, 512, "%s/%s", folder == NULL ? "." : folder, name);
}

/* The whole file with a zero byte behind it; the caller frees it. */
static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    char *text = calloc(1, CONFIG_FILE_MAX + 1);
    assert_non_null(text);
    *size = fread(text, 1, CONFIG_FILE_MAX, file);
    fclose(file);
    return text;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- bad input ---- */

static enum status read_case(const char *path, struct diag *diag)
{
    if (strncmp(base_name(path), "server-", 7) == 0) {
        struct server_config *server;
        enum status status = server_config_read(path, diag, &server);
        server_config_free(server);
        return status;
    }
    size_t size;
    char *text = read_whole(path, &size);
    struct policy *policy;
    enum status status = policy_read(base_name(path), text, size, diag, &policy);
    assert_true((status == STATUS_OK) == (policy != NULL));
    policy_free(policy);
    free(text);
    return status;
}

/* The status, then every message, as the .expect files hold them. */
static char *judge(const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    struct diag diag;
    diag_init(&diag);
    fprintf(stream, "%s\n", status_text(read_case(path, &diag)));
    for (size_t i = 0; i < diag.count; i++) {
        const struct diag_message *message = &diag.messages[i];
        fprintf(stream, "%s:%u: %s: %s\n", base_name(message->file), (unsigned)message->line,
                severity_text(message->severity), message->text);
    }
    diag_clear(&diag);
    fclose(stream);
    return text;
}

static void test_cases(void **state)
{
    (void)state;
    char pattern[512];
    glob_t found;
    source_path("tests/cases/config/*.conf", pattern);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 15);
    unsigned wrong = 0;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char path[512];
        size_t size;
        snprintf(path, sizeof path, "%.*s.expect", (int)strlen(found.gl_pathv[i]) - 5, found.gl_pathv[i]);
        char *text = judge(found.gl_pathv[i]);
        const char *write = getenv("SPLITVIEW_WRITE_EXPECT"); /* for whoever changes messages on purpose */
        if (write != NULL) {
            FILE *file = fopen(path, "we");
            assert_non_null(file);
            fputs(text, file);
            fclose(file);
        }
        char *wanted = read_whole(path, &size);
        if (strcmp(text, wanted) != 0) {
            wrong++;
            print_message("# %s gives\n%s", found.gl_pathv[i], text);
        }
        free(wanted);
        free(text);
    }
    globfree(&found);
    assert_int_equal(wrong, 0);
}

/* ---- every key ---- */

static bool has_option(const struct config *config, const struct config_option *option)
{
    for (size_t i = 0; i < config->section_count; i++)
        for (size_t j = 0; j < config->sections[i].setting_count; j++)
            if (config->sections[i].settings[j].option == option)
                return true;
    return false;
}

static struct config *read_good(enum config_file which, const char *name)
{
    char path[512];
    size_t size;
    struct diag diag;
    struct config *config;
    diag_init(&diag);
    source_path(name, path);
    char *text = read_whole(path, &size);
    enum status status = config_read(which, base_name(path), text, size, &diag, &config);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(diag.count, 0);
    diag_clear(&diag);
    free(text);
    return config;
}

static void test_every_key(void **state)
{
    (void)state;
    struct config *policy = read_good(CONFIG_POLICY, "tests/cases/config-good/policy-all.ini");
    struct config *server = read_good(CONFIG_SERVER, "tests/cases/config-good/splitview-all.ini");
    size_t count;
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < count; i++) {
        bool is_policy = options_kind(options[i].kind)->file == CONFIG_POLICY;
        if (!has_option(is_policy ? policy : server, &options[i]))
            fail_msg("[%s] %s is in no good file", options_kind(options[i].kind)->name, options[i].key);
    }
    config_free(policy);
    config_free(server);
}

/* Every default in the table can be read by the rules of its own row. */
static void test_defaults(void **state)
{
    (void)state;
    size_t count;
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct config_option *option = &options[i];
        struct config_section section = {.kind_id = option->kind, .kind = "", .name = ""};
        bool is_number = option->type == OPTION_BOOL || option->type == OPTION_INT || option->type == OPTION_TIME ||
                         option->type == OPTION_SIZE || option->type == OPTION_WORD;
        if (is_number && option->fallback[0] != 0 && option->fallback[0] != '(')
            config_number(&section, option->key);
        assert_true(option->built[0] == '=' || strcmp(option->built, "yes") == 0 || strcmp(option->built, "no") == 0);
        assert_true(option->text[0] != 0);
    }
}

/* ---- values ---- */

static const struct config_setting *get(const struct config *config, const char *kind, const char *name,
                                        const char *key)
{
    const struct config_section *section = config_find_section(config, kind, name);
    assert_non_null(section);
    const struct config_setting *setting = config_find(section, key);
    assert_non_null(setting);
    return setting;
}

static void test_values(void **state)
{
    (void)state;
    struct config *config = read_good(CONFIG_POLICY, "tests/cases/config-good/policy-all.ini");
    const struct config_setting *setting = get(config, "view", "internal", "clients");
    assert_int_equal(setting->value_count, 4);
    assert_int_equal(setting->values[1].prefix.length, 52);
    assert_int_equal(setting->values[3].prefix.address.family, 4);
    assert_string_equal(setting->values[2].text, "127.10.0.0/16");
    setting = get(config, "view", "internal", "hide");
    assert_false(setting->values[0].any);
    assert_true(setting->values[1].any);
    assert_int_equal(setting->values[1].form, CONFIG_NAME);
    setting = get(config, "upstream", "corp", "servers");
    assert_false(setting->values[0].has_port);
    assert_true(setting->values[1].has_port);
    assert_int_equal(setting->values[1].port, 5353);
    setting = get(config, "cutover", "move", "at");
    assert_int_equal(setting->values[0].number, 1795554000);
    setting = get(config, "check", "accepted", "until");
    assert_int_equal(setting->values[0].number, 1798761600);
    assert_string_equal(get(config, "check", "accepted", "reason")->values[0].text, "known, and harmless");
    setting = get(config, "pool", "fe", "node");
    assert_int_equal(setting->value_count, 5);
    assert_int_equal(setting->values[0].form, CONFIG_NAME);
    assert_int_equal(setting->values[2].form, CONFIG_PREFIX);
    assert_int_equal(setting->values[3].form, CONFIG_NAME);
    setting = get(config, "proxy", "rp", "rule");
    assert_int_equal(setting->value_count, 2);
    assert_int_equal(setting->values[0].number, 443u << 16 | 4443u);
    const struct config_section *zone = config_find_section(config, "zone", "HARBOR.example.");
    assert_non_null(zone);
    assert_non_null(config_find_variant(zone, "mode", "internal"));
    assert_null(config_find_variant(zone, "mode", "internet"));
    assert_int_equal(config_number(config_find_section(config, "upstream", "plain"), "deadline"), 5);
    assert_int_equal(config_number(config_find_section(config, "cutover", "move"), "settle"), 2 * 86400);
    assert_null(config_find_section(config, "view", "nobody"));
    config_free(config);
}

/* LF, CRLF, no end of the last line, a comment after a blank only. */
static void test_lines(void **state)
{
    (void)state;
    static const char *const texts[] = {"[view a]\nclients = any\nside = external",
                                        "[view a]\r\nclients = any\r\nside = external\r\n",
                                        "  [view a]  # x\n\tclients=any ;y\n\n  side\t=\texternal#x\n"};
    for (size_t i = 0; i < 3; i++) {
        struct diag diag;
        struct config *config;
        diag_init(&diag);
        enum status status = config_read(CONFIG_POLICY, "policy.conf", texts[i], strlen(texts[i]), &diag, &config);
        assert_int_equal(status, i == 2 ? STATUS_BAD_INPUT : STATUS_OK);
        if (i == 2) {
            assert_int_equal(diag.count, 1);
            assert_int_equal(diag.messages[0].line, 4);
        } else {
            assert_int_equal(config->sections[0].settings[1].line, 3);
        }
        config_free(config);
        diag_clear(&diag);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct diag diag;
    struct config *config;
    diag_init(&diag);
    char *text = calloc(1, CONFIG_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', CONFIG_FILE_MAX + 1);
    assert_int_equal(config_read(CONFIG_POLICY, "policy.conf", text, CONFIG_FILE_MAX, &diag, &config), STATUS_OK);
    config_free(config);
    assert_int_equal(config_read(CONFIG_POLICY, "policy.conf", text, CONFIG_FILE_MAX + 1, &diag, &config),
                     STATUS_BAD_INPUT);
    free(text);
    diag_clear(&diag);
}

/* ---- manuals and sample ---- */

/* The key stands after an `.It Ic` of its own in the part of the page about its kind. */
static void check_page(const char *name, enum config_file which)
{
    char path[512];
    size_t size;
    source_path(name, path);
    char *page = read_whole(path, &size);
    size_t count;
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct config_kind *kind = options_kind(options[i].kind);
        char head[100];
        char item[100];
        if (kind->file != which)
            continue;
        snprintf(head, sizeof head, "\n.Ss [%s%s]\\&\n", kind->name,
                 kind->naming == NAMING_NONE     ? ""
                 : kind->naming == NAMING_HANDLE ? " NAME"
                                                 : " DOMAIN");
        snprintf(item, sizeof item, "\n.It Ic %s ", options[i].key);
        char *part = strstr(page, head);
        if (part == NULL)
            fail_msg("%s has no part [%s]", name, kind->name);
        char *end = strstr(part + 1, "\n.Ss ");
        char *place = strstr(part, item);
        if (place == NULL || (end != NULL && place > end))
            fail_msg("%s does not describe [%s] %s", name, kind->name, options[i].key);
    }
    free(page);
}

static void test_manuals(void **state)
{
    (void)state;
    check_page("doc/policy.conf.5", CONFIG_POLICY);
    check_page("doc/splitview.conf.5", CONFIG_SERVER);
}

static void test_describe(void **state)
{
    (void)state;
    for (int which = CONFIG_POLICY; which <= CONFIG_SERVER; which++) {
        char *text = NULL;
        size_t size;
        FILE *stream = open_memstream(&text, &size);
        config_describe((enum config_file)which, stream);
        fclose(stream);
        size_t count;
        const struct config_option *options = options_all(&count);
        for (size_t i = 0; i < count; i++) {
            char line[100];
            snprintf(line, sizeof line, "\n;%s =", options[i].key);
            if (options_kind(options[i].kind)->file == (enum config_file)which)
                assert_non_null(strstr(text, line));
        }
        free(text);
    }
}

#ifdef SPLITVIEW_TORTURE
static void test_memory(void **state)
{
    (void)state;
    char path[512];
    size_t size;
    source_path("tests/cases/config/facts.conf", path);
    char *text = read_whole(path, &size);
    for (uint64_t number = 1; number < 100000; number++) {
        struct diag diag;
        struct policy *policy;
        diag_init(&diag);
        memory_fail_from(number);
        enum status status = policy_read("policy.conf", text, size, &diag, &policy);
        memory_fail_from(0);
        diag_clear(&diag);
        policy_free(policy);
        if (status != STATUS_NO_MEMORY)
            break;
    }
    free(text);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),   cmocka_unit_test(test_every_key), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),  cmocka_unit_test(test_lines),     cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_manuals), cmocka_unit_test(test_describe),
#ifdef SPLITVIEW_TORTURE
        cmocka_unit_test(test_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

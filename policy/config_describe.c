/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of config.h that need the table of options alone: what is not built yet, and the printed sample. */
#include "policy/config.h"
#include "policy/options.h"

#include <inttypes.h>
#include <string.h>

/* ---- what is not built yet ---- */

/* "key", or "mode.internal" for a dotted one. */
static void key_text(const struct config_setting *setting, char *text, size_t size)
{
    const char *key = setting->option->key;
    if (setting->variant == NULL)
        snprintf(text, size, "%s", key);
    else
        snprintf(text, size, "%.*s.%s", (int)strcspn(key, "."), key, setting->variant);
}

static size_t refuse(const struct config *config, struct diag *diag, const struct config_section *section,
                     const char *key, uint32_t line, const char *rest)
{
    config_error(config, diag, section, key, line, "not supported yet%s", rest);
    return 1;
}

static size_t refuse_setting(const struct config *config, struct diag *diag, const struct config_section *section,
                             const struct config_setting *setting)
{
    char key[CONFIG_LINE_MAX + 1];
    char rest[DIAG_TEXT_MAX];
    const char *built = setting->option->built;
    key_text(setting, key, sizeof key);
    if (strcmp(built, "no") == 0)
        return refuse(config, diag, section, key, setting->line, "");
    size_t refused = 0;
    for (size_t i = 0; built[0] == '=' && i < setting->value_count; i++) {
        const struct config_value *value = &setting->values[i];
        if (options_word_index(built + 1, value->text, strlen(value->text)) >= 0)
            continue;
        snprintf(rest, sizeof rest, ": found %s, wanted %s%s", value->text,
                 strchr(built, ' ') == NULL ? "" : "one of: ", built + 1);
        refused += refuse(config, diag, section, key, value->line, rest);
    }
    return refused;
}

/* Options left out whose default is not built. */
static size_t refuse_defaults(const struct config *config, struct diag *diag, const struct config_section *section)
{
    size_t count;
    size_t refused = 0;
    char rest[DIAG_TEXT_MAX];
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < count; i++) {
        const struct config_option *option = &options[i];
        const char *fallback = option->fallback;
        if ((unsigned)option->kind != section->kind_id || option->built[0] != '=' || fallback[0] == 0 ||
            fallback[0] == '(' || config_is_set(section, option->key) ||
            options_word_index(option->built + 1, fallback, strlen(fallback)) >= 0)
            continue;
        snprintf(rest, sizeof rest, ": %s = %s (the default); write %s = %s", option->key, fallback, option->key,
                 option->built + 1);
        refused += refuse(config, diag, section, option->key, section->line, rest);
    }
    return refused;
}

size_t config_refuse_unbuilt(const struct config *config, struct diag *diag)
{
    size_t refused = 0;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (options_kind((enum kind_id)section->kind_id)->effect == EFFECT_LATER) {
            refused += refuse(config, diag, section, NULL, section->line, "");
            continue;
        }
        for (size_t j = 0; j < section->setting_count; j++)
            refused += refuse_setting(config, diag, section, &section->settings[j]);
        refused += refuse_defaults(config, diag, section);
    }
    return refused;
}

/* ---- the sample ---- */

static const char *type_text(enum option_type type)
{
    static const char *const texts[] = {
        [OPTION_BOOL] = "yes or no",
        [OPTION_INT] = "number",
        [OPTION_TIME] = "time",
        [OPTION_SIZE] = "size",
        [OPTION_INSTANT] = "instant",
        [OPTION_DATE] = "date",
        [OPTION_WORD] = "word",
        [OPTION_NAME] = "DNS name",
        [OPTION_NAME_NONE] = "DNS name or none",
        [OPTION_LABEL] = "label",
        [OPTION_LABEL_NAME] = "label or DNS name",
        [OPTION_ADDRESS] = "address",
        [OPTION_ENDPOINT] = "address[@port]",
        [OPTION_PREFIX] = "network",
        [OPTION_HOST] = "DNS name and addresses",
        [OPTION_SECTION] = "section",
        [OPTION_FORWARD] = "upstream or nowhere",
        [OPTION_OF] = "pool, proxy, edge or service",
        [OPTION_GLOB] = "name with *",
        [OPTION_SUBTREE] = "DNS name or *.SUFFIX",
        [OPTION_RRTYPE] = "RR type",
        [OPTION_RULE] = "HOST... PORT -> PORT",
        [OPTION_IGNORE] = "SVnnn[:glob]",
        [OPTION_PATH] = "path in the repository",
        [OPTION_FILE] = "path",
        [OPTION_TEXT] = "text",
    };
    return texts[type];
}

static void describe_option(const struct config_option *option, enum kind_effect effect, FILE *stream)
{
    bool has_range = option->type == OPTION_INT || option->type == OPTION_TIME || option->type == OPTION_SIZE;
    bool is_known = option->fallback[0] != 0 && option->fallback[0] != '(';
    fprintf(stream, "; %s\n", option->text);
    fprintf(stream, ";   %s%s", option->shape == OPTION_LIST ? "list, repeatable: " : "", type_text(option->type));
    if (option->shape == OPTION_LINES)
        fputs(", repeatable", stream);
    if (option->type == OPTION_WORD)
        fprintf(stream, " (%s)", option->words);
    if (option->type == OPTION_SECTION)
        fprintf(stream, " of kind %s", option->words);
    if (option->words[0] != 0 && option->type == OPTION_PREFIX)
        fprintf(stream, ", or %s", option->words);
    if (has_range)
        fprintf(stream, " from %" PRIu64 " to %" PRIu64 " %s", option->min, option->max, option->unit);
    if (option->need == OPTION_REQUIRED)
        fputs("; required", stream);
    else if (option->fallback[0] != 0)
        fprintf(stream, "; default: %s", option->fallback);
    if (effect == EFFECT_LATER || strcmp(option->built, "no") == 0)
        fputs("; not supported yet", stream);
    else if (option->built[0] == '=')
        fprintf(stream, "; supported yet: %s", option->built + 1);
    fprintf(stream, "\n;%s =%s%s\n", option->key, is_known ? " " : "", is_known ? option->fallback : "");
}

void config_describe(enum config_file which, FILE *stream)
{
    static const char *const names[] = {[NAMING_NONE] = "", [NAMING_HANDLE] = " NAME", [NAMING_DOMAIN] = " DOMAIN"};
    size_t count;
    const struct config_option *options = options_all(&count);
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        const struct config_kind *kind = options_kind((enum kind_id)id);
        if (kind->file != which)
            continue;
        fprintf(stream, "; %s%s\n;[%s%s]\n", kind->text,
                kind->effect == EFFECT_FACT    ? " (read and checked, no effect on answers yet)"
                : kind->effect == EFFECT_LATER ? " (not supported yet)"
                                               : "",
                kind->name, names[kind->naming]);
        for (size_t i = 0; i < count; i++)
            if ((unsigned)options[i].kind == id)
                describe_option(&options[i], kind->effect, stream);
        fputc('\n', stream);
    }
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/config.h"

#include "policy/config_value.h"
#include "policy/options.h"
#include "zones/memory.h"

#include <assert.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLANKS     " \t"
#define SEPARATORS ", \t"
#define KNOWN_MAX  400 /* bytes of a list of known sections in a message */
#define NO_SECTION SIZE_MAX

/* One reading: the line reader below feeds inih, inih hands keys and values back. */
struct reader {
    struct config *config;
    struct diag *diag;
    const char *text;
    size_t size;
    size_t offset; /* of the next line */
    uint32_t line; /* of the line in hand */
    size_t current;
    size_t *slots; /* sections by hash, open addressing: index + 1, 0 = empty */
    size_t slot_count;
    bool is_ignoring; /* the section's head was wrong: its keys mean nothing */
    bool no_memory;
};

/* ---- messages ---- */

static void section_label(const struct config_section *section, char *label, size_t size)
{
    snprintf(label, size, "[%s%s%s]", section->kind, section->name[0] == 0 ? "" : " ", section->name);
}

enum status config_error(const struct config *config, struct diag *diag, const struct config_section *section,
                         const char *key, uint32_t line, const char *format, ...)
{
    char label[CONFIG_SECTION_MAX + 3];
    char text[DIAG_TEXT_MAX];
    section_label(section, label, sizeof label);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct place place = {config->path, line, 0};
    if (key == NULL)
        return diag_error(diag, &place, "%s: %s", label, text);
    return diag_error(diag, &place, "%s %s: %s", label, key, text);
}

static void line_error(struct reader *reader, const char *found, const char *wanted)
{
    struct place place = {reader->config->path, reader->line, 0};
    diag_error(reader->diag, &place, "found %s, wanted %s", found, wanted);
}

/* ---- memory ---- */

static void config_setting_clear(struct config_setting *setting)
{
    for (size_t i = 0; i < setting->value_count; i++)
        memory_free(setting->values[i].text);
    memory_free(setting->values);
    memory_free(setting->variant);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->section_count; i++) {
        struct config_section *section = &config->sections[i];
        for (size_t j = 0; j < section->setting_count; j++)
            config_setting_clear(&section->settings[j]);
        memory_free(section->settings);
        memory_free(section->name);
    }
    memory_free(config->sections);
    memory_free(config->path);
    memory_free(config);
}

/* ---- finding ---- */

/* DNS names are one name in any case, with or without the final dot. */
static bool is_same_name(const char *a, const char *b, bool is_domain)
{
    uint8_t left[NAME_SIZE_MAX];
    uint8_t right[NAME_SIZE_MAX];
    size_t size;
    if (!is_domain || name_from_text(a, strlen(a), NULL, left, &size) != STATUS_OK ||
        name_from_text(b, strlen(b), NULL, right, &size) != STATUS_OK)
        return strcmp(a, b) == 0;
    return name_equal(left, right);
}

const struct config_section *config_find_section(const struct config *config, const char *kind, const char *name)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        bool is_domain = options_kind((enum kind_id)section->kind_id)->naming == NAMING_DOMAIN;
        if (strcmp(section->kind, kind) == 0 && (name == NULL || is_same_name(section->name, name, is_domain)))
            return section;
    }
    return NULL;
}

const struct config_setting *config_find(const struct config_section *section, const char *key)
{
    for (size_t i = 0; i < section->setting_count; i++)
        if (section->settings[i].variant == NULL && strcmp(section->settings[i].option->key, key) == 0)
            return &section->settings[i];
    return NULL;
}

const struct config_setting *config_find_variant(const struct config_section *section, const char *key,
                                                 const char *variant)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < section->setting_count; i++) {
        const struct config_setting *setting = &section->settings[i];
        if (setting->variant != NULL && strncmp(setting->option->key, key, length) == 0 &&
            setting->option->key[length] == '.' && strcmp(setting->variant, variant) == 0)
            return setting;
    }
    return NULL;
}

uint64_t config_number(const struct config_section *section, const char *key)
{
    const struct config_setting *setting = config_find(section, key);
    if (setting != NULL && setting->value_count > 0) {
        assert(setting->values[0].form == CONFIG_NUMBER);
        return setting->values[0].number;
    }
    const char *variant;
    const struct config_option *option = options_find((enum kind_id)section->kind_id, key, &variant);
    assert(option != NULL);
    struct config_value value;
    char wanted[CONFIG_WANTED_MAX];
    enum status status = config_value_read(option, option->fallback, &value, wanted);
    assert(status == STATUS_OK && value.form == CONFIG_NUMBER);
    return status == STATUS_OK ? value.number : 0;
}

const char *config_text(const struct config_section *section, const char *key)
{
    const struct config_setting *setting = config_find(section, key);
    if (setting != NULL && setting->value_count > 0)
        return setting->values[0].text;
    const char *variant;
    const struct config_option *option = options_find((enum kind_id)section->kind_id, key, &variant);
    assert(option != NULL);
    return option->fallback[0] == '(' ? "" : option->fallback;
}

bool config_is_set(const struct config_section *section, const char *key)
{
    return config_find(section, key) != NULL;
}

/* ---- sections ---- */

static bool is_handle(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text) && strlen(text) <= CONFIG_HANDLE_MAX;
}

static void report_kind(struct reader *reader, const char *kind, bool has_name)
{
    enum config_file file = reader->config->which;
    struct place place = {reader->config->path, reader->line, 0};
    if (options_find_kind(file, kind, !has_name) != KIND_COUNT)
        diag_error(reader->diag, &place, "[%s%s]: found a section %s name, wanted [%s%s]", kind,
                   has_name ? " NAME" : "", has_name ? "with a" : "without", kind, has_name ? "" : " NAME");
    else
        diag_error(reader->diag, &place, "[%s]: found an unknown kind of section, wanted perhaps [%s]", kind,
                   options_nearest_kind(file, kind));
}

/* The name fits the kind; otherwise a message was written. */
static bool check_section_name(struct reader *reader, enum kind_id id, const char *name)
{
    struct place place = {reader->config->path, reader->line, 0};
    const struct config_kind *kind = options_kind(id);
    uint8_t wire[NAME_SIZE_MAX];
    size_t size;
    const char *wanted = NULL;
    if (kind->naming == NAMING_HANDLE && !is_handle(name))
        wanted = "a name of a-z, 0-9 and -, at most 32 bytes";
    if (kind->naming == NAMING_DOMAIN &&
        (strcmp(name, "@") == 0 || name_from_text(name, strlen(name), NULL, wire, &size) != STATUS_OK))
        wanted = "a DNS name";
    if (wanted == NULL)
        return true;
    diag_error(reader->diag, &place, "[%s %s]: found %s, wanted %s", kind->name, name, name, wanted);
    return false;
}

static size_t hash_section(const struct config_section *section)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ section->kind_id;
    size_t length = strlen(section->name);
    if (length > 0 && section->name[length - 1] == '.')
        length--;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (section->name[i] & 0x5fu)) * UINT64_C(0x100000001b3);
    return (size_t)(hash ^ hash >> 32);
}

/* The slot of a section of the same kind and name, or the empty one where it belongs. */
static size_t section_slot(const struct reader *reader, const struct config_section *section)
{
    bool is_domain = options_kind((enum kind_id)section->kind_id)->naming == NAMING_DOMAIN;
    size_t mask = reader->slot_count - 1;
    size_t slot = hash_section(section) & mask;
    for (; reader->slots[slot] != 0; slot = (slot + 1) & mask) {
        const struct config_section *other = &reader->config->sections[reader->slots[slot] - 1];
        if (other->kind_id == section->kind_id && is_same_name(other->name, section->name, is_domain))
            break;
    }
    return slot;
}

static bool grow_slots(struct reader *reader)
{
    size_t count = reader->slot_count == 0 ? 64 : reader->slot_count * 2;
    size_t *slots = memory_zalloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    memory_free(reader->slots);
    reader->slots = slots;
    reader->slot_count = count;
    for (size_t i = 0; i < reader->config->section_count; i++) {
        size_t slot = section_slot(reader, &reader->config->sections[i]);
        if (slots[slot] == 0)
            slots[slot] = i + 1;
    }
    return true;
}

/* Room for one more section, and its name; NULL: no memory. */
static char *prepare_section(struct reader *reader, const char *name)
{
    struct config *config = reader->config;
    if (config->section_count >= reader->slot_count / 2 && !grow_slots(reader))
        return NULL;
    struct config_section *sections =
        memory_grow(config->sections, config->section_count, &config->section_capacity, sizeof *sections);
    if (sections == NULL)
        return NULL;
    config->sections = sections;
    return memory_copy_text(name, strlen(name));
}

static void add_section(struct reader *reader, enum kind_id id, const char *name)
{
    struct config *config = reader->config;
    char *copy = prepare_section(reader, name);
    if (copy == NULL) {
        reader->no_memory = true;
        return;
    }
    struct config_section *section = &config->sections[config->section_count];
    *section = (struct config_section){.kind_id = id, .kind = options_kind(id)->name, .name = copy};
    section->line = reader->line;
    size_t slot = section_slot(reader, section);
    if (reader->slots[slot] != 0)
        config_error(config, reader->diag, section, NULL, reader->line,
                     "found this section again, wanted it once (first on line %" PRIu32 ")",
                     config->sections[reader->slots[slot] - 1].line);
    else
        reader->slots[slot] = config->section_count + 1;
    reader->current = config->section_count++;
    reader->is_ignoring = false;
}

/* `line` is "[…" without comment and blanks around. */
static void read_section(struct reader *reader, char *line)
{
    reader->is_ignoring = true;
    char *end = strchr(line, ']');
    if (end == NULL) {
        line_error(reader, "[ without ]", "[kind name]");
        return;
    }
    if (end[1] != 0) {
        line_error(reader, "text after ]", "a new line");
        return;
    }
    if (end - line - 1 > CONFIG_SECTION_MAX) {
        line_error(reader, "more than 49 bytes in a section's head", "at most 49");
        return;
    }
    *end = 0;
    char *save;
    char *kind = strtok_r(line + 1, BLANKS, &save);
    char *name = kind == NULL ? NULL : strtok_r(NULL, BLANKS, &save);
    if (kind == NULL || (name != NULL && strtok_r(NULL, BLANKS, &save) != NULL)) {
        line_error(reader, kind == NULL ? "[]" : "more than two words in a section's head", "[kind name]");
        return;
    }
    enum kind_id id = options_find_kind(reader->config->which, kind, name != NULL);
    if (id == KIND_COUNT)
        report_kind(reader, kind, name != NULL);
    else if (name == NULL || check_section_name(reader, id, name))
        add_section(reader, id, name == NULL ? "" : name);
}

/* ---- settings ---- */

static const char *const secret_words[] = {"secret", "password", "passwd", "token", "private-key"};

static void report_key(struct reader *reader, const struct config_section *section, const char *key)
{
    struct config *config = reader->config;
    enum kind_id id = (enum kind_id)section->kind_id;
    for (size_t i = 0; config->which == CONFIG_POLICY && i < sizeof secret_words / sizeof secret_words[0]; i++)
        if (strstr(key, secret_words[i]) != NULL) {
            config_error(config, reader->diag, section, key, reader->line,
                         "found a secret, wanted none: secrets never go into the repository");
            return;
        }
    const char *variant;
    enum kind_id other = options_find_kind(config->which, section->kind, section->name[0] == 0);
    if (other != KIND_COUNT && options_find(other, key, &variant) != NULL)
        config_error(config, reader->diag, section, key, reader->line,
                     "found it in a section %s name, wanted it in [%s%s]", section->name[0] == 0 ? "without" : "with a",
                     section->kind, section->name[0] == 0 ? " NAME" : "");
    else
        config_error(config, reader->diag, section, key, reader->line, "found an unknown key, wanted perhaps %s",
                     options_nearest_key(id, key));
}

static struct config_setting *find_setting(struct config_section *section, const struct config_option *option,
                                           const char *variant)
{
    for (size_t i = 0; i < section->setting_count; i++) {
        struct config_setting *setting = &section->settings[i];
        if (setting->option == option && (variant == NULL || strcmp(setting->variant, variant) == 0))
            return setting;
    }
    return NULL;
}

static struct config_setting *add_setting(struct reader *reader, struct config_section *section,
                                          const struct config_option *option, const char *variant)
{
    struct config_setting *settings =
        memory_grow(section->settings, section->setting_count, &section->setting_capacity, sizeof *settings);
    if (settings != NULL)
        section->settings = settings;
    char *copy = settings == NULL || variant == NULL ? NULL : memory_copy_text(variant, strlen(variant));
    if (settings == NULL || (variant != NULL && copy == NULL)) {
        reader->no_memory = true;
        return NULL;
    }
    struct config_setting *setting = &settings[section->setting_count++];
    *setting = (struct config_setting){.option = option, .variant = copy, .line = reader->line};
    return setting;
}

/* Read one item and append it; a wrong item is reported and left out. */
static void add_value(struct reader *reader, const struct config_section *section, struct config_setting *setting,
                      const char *key, const char *text)
{
    struct config_value value = {.line = reader->line};
    char wanted[CONFIG_WANTED_MAX];
    if (config_value_read(setting->option, text, &value, wanted) != STATUS_OK) {
        config_error(reader->config, reader->diag, section, key, reader->line, "found %s, wanted %s", text, wanted);
        return;
    }
    struct config_value *values =
        memory_grow(setting->values, setting->value_count, &setting->value_capacity, sizeof *values);
    if (values != NULL)
        setting->values = values;
    value.text = values == NULL ? NULL : memory_copy_text(text, strlen(text));
    if (value.text == NULL) {
        reader->no_memory = true;
        return;
    }
    values[setting->value_count++] = value;
}

/* The items between commas and blanks; returns how many, and adds those that are right. */
static size_t add_items(struct reader *reader, const struct config_section *section, struct config_setting *setting,
                        const char *key, const char *text)
{
    char item[CONFIG_LINE_MAX + 1];
    size_t count = 0;
    bool has_comma = true; /* at the start too a comma has nothing before it */
    for (const char *at = text; *at != 0;) {
        if (strchr(SEPARATORS, *at) != NULL) {
            if (*at == ',' && has_comma)
                config_error(reader->config, reader->diag, section, key, reader->line,
                             "found nothing before a comma, wanted a value");
            has_comma = has_comma || *at == ',';
            at++;
            continue;
        }
        size_t length = strcspn(at, SEPARATORS);
        assert(length < sizeof item);
        memcpy(item, at, length);
        item[length] = 0;
        add_value(reader, section, setting, key, item);
        has_comma = false;
        count++;
        at += length;
    }
    if (has_comma && count > 0)
        config_error(reader->config, reader->diag, section, key, reader->line,
                     "found nothing after a comma, wanted a value");
    return count;
}

/* Of the values from `first` on: each host begins with a name and has the addresses it needs. */
static void check_hosts(struct reader *reader, const struct config_section *section,
                        const struct config_setting *setting, const char *key, size_t first)
{
    const struct config_option *option = setting->option;
    const char *wanted = option->shape == OPTION_ONE ? "one name and its addresses" : "names, each with its addresses";
    if (first == setting->value_count)
        return;
    const struct config_value *host = &setting->values[first];
    if (host->form != CONFIG_NAME) {
        config_error(reader->config, reader->diag, section, key, host->line, "found %s first, wanted %s", host->text,
                     wanted);
        return;
    }
    size_t addresses = 0;
    for (size_t i = first + 1; i <= setting->value_count; i++) {
        bool is_end = i == setting->value_count;
        if (!is_end && setting->values[i].form == CONFIG_PREFIX) {
            addresses++;
            continue;
        }
        if (addresses < option->min)
            config_error(reader->config, reader->diag, section, key, host->line, "found %s alone, wanted %s",
                         host->text, wanted);
        if (!is_end && option->shape == OPTION_ONE) {
            config_error(reader->config, reader->diag, section, key, host->line, "found a second name %s, wanted %s",
                         setting->values[i].text, wanted);
            return;
        }
        host = is_end ? host : &setting->values[i];
        addresses = 0;
    }
}

static void read_values(struct reader *reader, const struct config_section *section, struct config_setting *setting,
                        const char *key, const char *text)
{
    const struct config_option *option = setting->option;
    size_t first = setting->value_count;
    size_t errors = reader->diag->errors;
    if (!config_value_is_split(option)) {
        add_value(reader, section, setting, key, text);
        return;
    }
    size_t count = add_items(reader, section, setting, key, text);
    if (option->shape == OPTION_ONE && option->type != OPTION_HOST && count > 1)
        config_error(reader->config, reader->diag, section, key, reader->line, "found %zu values, wanted one", count);
    if (option->type == OPTION_HOST && errors == reader->diag->errors && !reader->no_memory)
        check_hosts(reader, section, setting, key, first);
}

/* inih's handler. inih saw no section line, so its section is always "". */
static int take_key(void *user, const char *inih_section, const char *key, const char *value)
{
    struct reader *reader = user;
    (void)inih_section;
    if (reader->is_ignoring || reader->no_memory)
        return 1;
    if (reader->current == NO_SECTION) {
        line_error(reader, "a key before the first section", "[kind name]");
        return 1;
    }
    struct config_section *section = &reader->config->sections[reader->current];
    const char *variant;
    const struct config_option *option = options_find((enum kind_id)section->kind_id, key, &variant);
    if (option == NULL) {
        report_key(reader, section, key);
        return 1;
    }
    if (value[0] == 0) {
        config_error(reader->config, reader->diag, section, key, reader->line,
                     "found nothing, wanted a value (for the default leave the key out)");
        return 1;
    }
    struct config_setting *setting = find_setting(section, option, variant);
    if (setting != NULL && option->shape == OPTION_ONE) {
        config_error(reader->config, reader->diag, section, key, reader->line,
                     "found this key again, wanted it once (first on line %" PRIu32 ")", setting->line);
        return 1;
    }
    if (setting == NULL)
        setting = add_setting(reader, section, option, variant);
    if (setting != NULL)
        read_values(reader, section, setting, key, value);
    return 1;
}

/* ---- lines ---- */

/* What no line may hold; NULL if it is fine. */
static const char *find_bad_bytes(const char *line, size_t length)
{
    if (length > CONFIG_LINE_MAX)
        return "a line of more than 198 bytes";
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte == 0)
            return "a NUL byte";
        if (byte > 0x7e)
            return "a byte that is not ASCII";
        if (byte < 0x20 && byte != '\t')
            return "a control character";
    }
    return NULL;
}

/* Cut the comment and the blanks around what is left. */
static char *strip_line(char *line)
{
    for (char *at = line; *at != 0; at++)
        if ((*at == ';' || *at == '#') && (at == line || at[-1] == ' ' || at[-1] == '\t')) {
            *at = 0;
            break;
        }
    line += strspn(line, BLANKS);
    size_t length = strlen(line);
    while (length > 0 && strchr(BLANKS, line[length - 1]) != NULL)
        line[--length] = 0;
    return line;
}

/* A key line that inih will read as we do; otherwise a message was written. */
static bool check_key_line(struct reader *reader, const char *line)
{
    size_t length = strcspn(line, "=:");
    if (reader->is_ignoring)
        return false;
    if (line[length] == ':')
        line_error(reader, ":", "= between key and value");
    else if (line[length] == 0)
        line_error(reader, "a line without =", "key = value");
    else if (length == 0)
        line_error(reader, "no key before =", "key = value");
    else
        return true;
    return false;
}

/* Copy the next line's content to `line`; false at the end of the text. *is_usable: it is not empty or wrong. */
static bool next_line(struct reader *reader, char line[CONFIG_LINE_MAX + 1], bool *is_usable)
{
    if (reader->offset >= reader->size)
        return false;
    const char *start = reader->text + reader->offset;
    size_t left = reader->size - reader->offset;
    const char *end = memchr(start, '\n', left);
    size_t length = end == NULL ? left : (size_t)(end - start);
    reader->offset += length + (end != NULL);
    reader->line++;
    if (end != NULL && length > 0 && start[length - 1] == '\r')
        length--;
    const char *bad = find_bad_bytes(start, length);
    *is_usable = bad == NULL;
    if (bad != NULL) {
        line_error(reader, bad, "printable ASCII, at most 198 bytes a line");
        return true;
    }
    memcpy(line, start, length);
    line[length] = 0;
    return true;
}

/* inih's reader: sections are handled here, because inih is silent about those without keys; keys go on to inih. */
static char *feed_inih(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;
    char line[CONFIG_LINE_MAX + 1];
    bool is_usable;
    assert(size > CONFIG_LINE_MAX);
    while (!reader->no_memory && next_line(reader, line, &is_usable)) {
        if (!is_usable)
            continue;
        char *content = strip_line(line);
        if (content[0] == '[')
            read_section(reader, content);
        else if (content[0] != 0 && check_key_line(reader, content)) {
            memcpy(buffer, content, strlen(content) + 1);
            return buffer;
        }
    }
    return NULL;
}

/* ---- what holds across sections ---- */

static void check_required(const struct config *config, struct diag *diag, const struct config_section *section)
{
    size_t count;
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < count; i++)
        if ((unsigned)options[i].kind == section->kind_id && options[i].need == OPTION_REQUIRED &&
            !config_is_set(section, options[i].key))
            config_error(config, diag, section, options[i].key, section->line, "found nothing, wanted a value");
}

/* "a, b" of the sections of the kinds in `kinds`. */
static void list_known(const struct config *config, const char *kinds, char known[KNOWN_MAX])
{
    size_t used = 0;
    known[0] = 0;
    for (size_t i = 0; i < config->section_count && used < KNOWN_MAX; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->name[0] != 0 && options_word_index(kinds, section->kind, strlen(section->kind)) >= 0)
            used += (size_t)snprintf(known + used, KNOWN_MAX - used, "%s%s", used == 0 ? "" : ", ", section->name);
    }
    if (used == 0)
        snprintf(known, KNOWN_MAX, "none");
}

static void check_reference(const struct config *config, struct diag *diag, const struct config_section *section,
                            const struct config_setting *setting, const char *kinds, const char *name, uint32_t line)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const char *kind = config->sections[i].kind;
        if (options_word_index(kinds, kind, strlen(kind)) >= 0 && strcmp(config->sections[i].name, name) == 0)
            return;
    }
    char known[KNOWN_MAX];
    char key[CONFIG_LINE_MAX];
    list_known(config, kinds, known);
    snprintf(key, sizeof key, "%s", setting->option->key);
    if (setting->variant != NULL)
        snprintf(strchr(key, '.') + 1, 100, "%s", setting->variant);
    config_error(config, diag, section, key, line, "found %s, wanted a section of kind %s (known: %s)", name, kinds,
                 known);
}

static void check_setting(const struct config *config, struct diag *diag, const struct config_section *section,
                          const struct config_setting *setting)
{
    const struct config_option *option = setting->option;
    if (setting->variant != NULL && option->key[0] == 'm')
        check_reference(config, diag, section, setting, "view", setting->variant, setting->line);
    else if (setting->variant != NULL &&
             options_word_index(OPTIONS_TTL_CLASSES, setting->variant, strlen(setting->variant)) < 0)
        config_error(config, diag, section, "ttl", setting->line, "found ttl.%s, wanted a class: %s", setting->variant,
                     OPTIONS_TTL_CLASSES);
    for (size_t i = 0; i < setting->value_count; i++) {
        const struct config_value *value = &setting->values[i];
        if (option->type == OPTION_SECTION)
            check_reference(config, diag, section, setting, option->words, value->text, value->line);
        else if (option->type == OPTION_FORWARD && strcmp(value->text, "nowhere") != 0)
            check_reference(config, diag, section, setting, "upstream", value->text, value->line);
        else if (option->type == OPTION_OF)
            check_reference(config, diag, section, setting, "pool proxy edge service", value->text, value->line);
    }
}

static void check_sections(const struct config *config, struct diag *diag)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        check_required(config, diag, section);
        for (size_t j = 0; j < section->setting_count; j++)
            check_setting(config, diag, section, &section->settings[j]);
    }
    if (config->which == CONFIG_SERVER && config->section_count == 0 && diag->errors == 0) {
        struct place place = {config->path, 0, 0};
        diag_error(diag, &place, "found no section, wanted [server]");
    }
}

static enum status read_text(struct reader *reader)
{
    struct place place = {reader->config->path, 0, 0};
    if (reader->size > CONFIG_FILE_MAX)
        return diag_error(reader->diag, &place, "found %zu bytes, wanted at most %u", reader->size, CONFIG_FILE_MAX);
    size_t errors = reader->diag->errors;
    int result = ini_parse_stream(feed_inih, reader, take_key, reader);
    memory_free(reader->slots);
    if (reader->no_memory)
        return STATUS_NO_MEMORY;
    assert(result == 0);
    (void)result;
    check_sections(reader->config, reader->diag);
    return reader->diag->errors == errors ? STATUS_OK : STATUS_BAD_INPUT;
}

enum status config_read(enum config_file which, const char *path, const char *text, size_t size, struct diag *diag,
                        struct config **config)
{
    *config = NULL;
    struct reader reader = {.diag = diag, .text = text, .size = size, .current = NO_SECTION};
    reader.config = memory_zalloc(1, sizeof *reader.config);
    if (reader.config == NULL)
        return STATUS_NO_MEMORY;
    reader.config->which = which;
    reader.config->path = memory_copy_text(path, strlen(path));
    enum status status = reader.config->path == NULL ? STATUS_NO_MEMORY : read_text(&reader);
    if (status != STATUS_OK) {
        config_free(reader.config);
        return status;
    }
    *config = reader.config;
    return STATUS_OK;
}

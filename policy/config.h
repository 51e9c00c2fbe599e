/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config: both INI files, through one line reader and one table of options (options.def). The only file that knows
 * inih.
 *
 * A parsed file is a list of sections, each with typed values and the line of each. Nothing here knows what the values
 * mean together; policy.h and server.h build that. Immutable after config_read. One thread while reading, then any.
 */
#ifndef SPLITVIEW_POLICY_CONFIG_H
#define SPLITVIEW_POLICY_CONFIG_H

#include "policy/prefix.h"
#include "zones/name.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILE_MAX    (1u << 20) /* bytes of a file */
#define CONFIG_LINE_MAX    198        /* bytes of a line: inih's buffer */
#define CONFIG_SECTION_MAX 49         /* bytes between the brackets: inih's buffer */
#define CONFIG_HANDLE_MAX  32         /* bytes of a handle */

enum config_file { CONFIG_POLICY, CONFIG_SERVER }; /* policy.conf, splitview.conf */

/* Which member of a value is valid. */
enum config_form { CONFIG_TEXT, CONFIG_NUMBER, CONFIG_PREFIX, CONFIG_NAME };

/*
 * One value as written and as understood (options.def says the type). A list of hosts is a row of names, each followed
 * by its addresses. Names of sections, globs, paths and the word "none" in place of a name are text only.
 */
struct config_value {
    char *text;    /* one item of a list, or the whole value; owned */
    uint32_t line; /* where it stands */
    enum config_form form;
    union {
        uint64_t number;             /* int, time (seconds), instant, date (seconds since 1970), size (bytes), bool
                                        (0, 1), word (index), RR type, rule (listener port << 16 | bridged port) */
        struct prefix prefix;        /* prefix; addr as a full-length prefix */
        uint8_t name[NAME_SIZE_MAX]; /* name; of a subtree *.SUFFIX the suffix */
    };
    uint16_t port; /* addr[@port] */
    bool has_port; /* addr[@port]: one was given */
    bool any;      /* prefix: the word "any"; subtree: *.SUFFIX */
};

struct config_option; /* a row of options.def, see options.h */

struct config_setting {
    const struct config_option *option;
    char *variant; /* of a dotted key: VIEW in mode.VIEW, CLASS in ttl.CLASS; NULL otherwise; owned */
    uint32_t line; /* of the first mention */
    struct config_value *values;
    size_t value_count;
    size_t value_capacity;
};

struct config_section {
    unsigned kind_id; /* enum kind_id of options.h */
    const char *kind; /* static */
    char *name;       /* as written; "" in a section without name; owned */
    uint32_t line;
    struct config_setting *settings;
    size_t setting_count;
    size_t setting_capacity;
};

struct config {
    enum config_file which;
    char *path; /* for messages */
    struct config_section *sections;
    size_t section_count;
    size_t section_capacity;
};

/*
 * Read `text`; `path` names it in messages. All errors are reported: "PATH:LINE: [kind name] key: found X, wanted Y".
 * BAD_INPUT if there was any, NO_MEMORY. *config is the caller's to config_free, NULL on failure.
 */
enum status config_read(enum config_file which, const char *path, const char *text, size_t size, struct diag *diag,
                        struct config **config);
void config_free(struct config *config);

/* Section by kind and name (name NULL: the first of the kind; DNS names in any case), setting by key; NULL if absent.
 * Borrowed. */
const struct config_section *config_find_section(const struct config *config, const char *kind, const char *name);
const struct config_setting *config_find(const struct config_section *section, const char *key);
/* The setting of a dotted key: config_find_variant(s, "mode", "internal"). */
const struct config_setting *config_find_variant(const struct config_section *section, const char *key,
                                                 const char *variant);
/* The single number of a setting, or the option's default if it is not set. */
uint64_t config_number(const struct config_section *section, const char *key);
/* The single text of a setting, else the option's default, "" if it has none. Borrowed. */
const char *config_text(const struct config_section *section, const char *key);
/* Is it given? */
bool config_is_set(const struct config_section *section, const char *key);

/* Does this version refuse what is written there as "not supported yet"? Adds one message for each such place and
 * returns their number. */
size_t config_refuse_unbuilt(const struct config *config, struct diag *diag);

/* An error about a key of a section, or the section alone (key NULL): "[kind name] key: " and the text. BAD_INPUT. */
enum status config_error(const struct config *config, struct diag *diag, const struct config_section *section,
                         const char *key, uint32_t line, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Write all options of a file with type, range, default and text, as a commented sample: the manual and `--help` use
 * it. */
void config_describe(enum config_file which, FILE *stream);

#endif

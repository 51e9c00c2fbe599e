/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options: options.def as tables: every kind of section and every option of both INI files, with what the reader, the
 * sample and the manual need to know. Constant data; any thread.
 */
#ifndef SPLITVIEW_POLICY_OPTIONS_H
#define SPLITVIEW_POLICY_OPTIONS_H

#include "policy/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a value is read (config_value.h). */
enum option_type {
    OPTION_BOOL,
    OPTION_INT,
    OPTION_TIME,      /* seconds */
    OPTION_SIZE,      /* bytes */
    OPTION_INSTANT,   /* RFC 3339, seconds since 1970 */
    OPTION_DATE,      /* YYYY-MM-DD, seconds since 1970 at its beginning in UTC */
    OPTION_WORD,      /* one of `words` */
    OPTION_NAME,      /* an absolute DNS name */
    OPTION_NAME_NONE, /* that, or the word none */
    OPTION_LABEL,     /* one label of a DNS name */
    OPTION_LABEL_NAME,
    OPTION_ADDRESS,
    OPTION_ENDPOINT, /* address[@port] */
    OPTION_PREFIX,   /* a network; with the word "any" in `words`, that too */
    OPTION_HOST,     /* a name and its addresses; in a list the next name begins the next host; `min` addresses each */
    OPTION_SECTION,  /* the name of a section of the kind in `words` */
    OPTION_FORWARD,  /* the name of an [upstream], or nowhere */
    OPTION_OF,       /* the name of a section with facts (certificate) */
    OPTION_GLOB,
    OPTION_SUBTREE, /* a name, or *.SUFFIX */
    OPTION_RRTYPE,
    OPTION_RULE,   /* HOST… PORT -> PORT */
    OPTION_IGNORE, /* SVnnn or SVnnn:glob */
    OPTION_PATH,   /* inside the repository */
    OPTION_FILE,   /* on this machine */
    OPTION_TEXT
};

enum option_need { OPTION_OPTIONAL, OPTION_REQUIRED };
enum option_shape {
    OPTION_ONE,  /* once in a section, one value */
    OPTION_LIST, /* repeatable, each mention a list */
    OPTION_LINES /* repeatable, each mention one value */
};

/* What a section of a kind is called. */
enum kind_naming {
    NAMING_NONE,   /* [server] */
    NAMING_HANDLE, /* [view internal]: a-z 0-9 - */
    NAMING_DOMAIN  /* [zone example.com] */
};

enum kind_id {
#define KIND(id, file, name, naming, effect, text) KIND_##id,
#define OPTION(kind, key, type, words, shape, need, min, max, fallback, unit, built, text)
#include "policy/options.def"
#undef KIND
#undef OPTION
    KIND_COUNT
};

/* What a kind does today. */
enum kind_effect {
    EFFECT_BUILT, /* its options say each for itself */
    EFFECT_LATER, /* read and checked; using it is refused as not supported yet */
    EFFECT_FACT   /* read and checked; changes no answer yet */
};

struct config_kind {
    enum config_file file;
    const char *name;
    enum kind_naming naming;
    enum kind_effect effect;
    const char *text;
};

struct config_option {
    enum kind_id kind;
    const char *key; /* "mode.VIEW", "ttl.CLASS": what follows the dot stands for a view or class */
    enum option_type type;
    const char *words; /* OPTION_WORD: the words; OPTION_SECTION: the kind; else "" */
    enum option_shape shape;
    enum option_need need;
    uint64_t min; /* numbers: range */
    uint64_t max;
    const char *fallback; /* as one would write it; "(…)": what decides instead; "": none */
    const char *unit;     /* "" for types that say it themselves */
    const char *built;    /* "yes", "no", or "=WORD WORD": only these values have their effect */
    const char *text;
};

/* A kind's row. */
const struct config_kind *options_kind(enum kind_id id);

/* The kind of a file by name and by whether the section has a name; KIND_COUNT if there is none. */
enum kind_id options_find_kind(enum config_file file, const char *kind, bool has_name);

/* All rows; *count says how many. */
const struct config_option *options_all(size_t *count);

/*
 * The row of a key as written ("mode.internal" finds "mode.VIEW"); NULL if the kind has none. *variant is what follows
 * the dot of such a key, inside `key`, else NULL.
 */
const struct config_option *options_find(enum kind_id kind, const char *key, const char **variant);

/* The key or kind most like a mistyped one, never NULL. */
const char *options_nearest_key(enum kind_id kind, const char *key);
const char *options_nearest_kind(enum config_file file, const char *kind);

/* The place of `word` in a list of words parted by blanks, -1 if it is not there. */
int options_word_index(const char *words, const char *word, size_t length);

/* The classes that ttl.CLASS knows, parted by blanks. */
#define OPTIONS_TTL_CLASSES "discover external-web internal-web server sip srv edge simple-url service"

#endif

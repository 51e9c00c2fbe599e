/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules: two replies compared, and the file that says which differences are right and why.
 *
 *     rule NAME
 *     why TEXT                      the RFC paragraph that decides it; may be given on several lines
 *     peer NAME...                  without it: any peer
 *     differs DIFFERENCE...         what the rule explains, nothing else
 *     if CONDITION [WORD...]        all must hold; the conditions are listed in conditions.c
 *
 * A disagreement is explained when each of its differences is explained by some rule.
 */
#ifndef SPLITVIEW_TESTS_PEERS_RULES_H
#define SPLITVIEW_TESTS_PEERS_RULES_H

#include "tests/peers/reply.h"

#define RULE_WORDS_MAX      12
#define RULE_CONDITIONS_MAX 10
#define RULES_MAX           64

enum difference {
    DIFFERS_REPLY = 1,    /* one did not answer, or not in a form that can be read */
    DIFFERS_QUESTION = 2, /* the echo of the question */
    DIFFERS_RCODE = 4,
    DIFFERS_AA = 8,
    DIFFERS_TC = 16,
    DIFFERS_RD = 32,
    DIFFERS_AD = 64,
    DIFFERS_CD = 128,
    DIFFERS_EDNS = 256,   /* presence, version, DO */
    DIFFERS_ANSWER = 512, /* the three sections, as sets */
    DIFFERS_AUTHORITY = 1024,
    DIFFERS_ADDITIONAL = 2048
};

/* A zone as the peers load it: what its names are. All in lower case with a final dot. */
struct zone_names {
    char *apex;
    char **owners;
    size_t count;
};

struct zone_list {
    struct zone_names *zones;
    size_t count;
    size_t capacity;
};

/* Add "APEX=FILE"; false after a message on stderr. zone_list.c */
bool zone_list_add(struct zone_list *list, const char *text);
void zone_list_clear(struct zone_list *list);
/* The deepest zone that holds the name; NULL if there is none. */
const struct zone_names *zone_list_find(const struct zone_list *list, const char *name);
/* The name, or one below it, owns a record. */
bool zone_has_name(const struct zone_names *zone, const char *name);
/* Text comparison: both are in lower case and written by the same library. */
bool text_is_below(const char *name, const char *ancestor);

struct comparison {
    const char *peer;
    const struct question_line *line;
    const struct reply *ours;
    const struct reply *theirs;
    const struct zone_list *zones;
    unsigned differences; /* bits of enum difference */
};

/* Fill comparison->differences. */
void comparison_make(struct comparison *comparison);

/* Words for the bits, into the caller's buffer. */
void comparison_text(unsigned differences, char *text, size_t size);

struct condition {
    const struct condition_kind *kind;
    const char *words[RULE_WORDS_MAX]; /* ended by NULL */
};

/* Find the condition's kind and check its words; false if it is unknown. conditions.c */
bool condition_read(struct condition *condition, char *text);
bool condition_holds(const struct condition *condition, const struct comparison *comparison);

struct rule {
    char *name;
    char *why;
    const char *peers[RULE_WORDS_MAX]; /* ended by NULL; none: all */
    unsigned differences;
    struct condition conditions[RULE_CONDITIONS_MAX];
    size_t condition_count;
    size_t used;
};

struct rule_list {
    char *text; /* of the file: the words above point into it */
    struct rule rules[RULES_MAX];
    size_t count;
};

/* False after a message on stderr. Cleared by rule_list_clear in any case. */
bool rule_list_read(struct rule_list *list, const char *path);
void rule_list_clear(struct rule_list *list);

/* The differences no rule explains; counts the rules that explained some. */
unsigned rule_list_explain(struct rule_list *list, const struct comparison *comparison);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/options.h"

#include <assert.h>
#include <string.h>

static const struct config_kind kinds[] = {
#define KIND(id, file, name, naming, effect, text) \
    [KIND_##id] = {CONFIG_##file, name, NAMING_##naming, EFFECT_##effect, text},
#define OPTION(kind, key, type, words, shape, need, min, max, fallback, unit, built, text)
#include "policy/options.def"
#undef KIND
#undef OPTION
};

static const struct config_option options[] = {
#define KIND(id, file, name, naming, effect, text)
#define OPTION(kind, key, type, words, shape, need, min, max, fallback, unit, built, text) \
    {KIND_##kind, key, OPTION_##type, words, OPTION_##shape, OPTION_##need, min, max, fallback, unit, built, text},
#include "policy/options.def"
#undef KIND
#undef OPTION
};

#define OPTION_COUNT (sizeof options / sizeof options[0])

const struct config_kind *options_kind(enum kind_id id)
{
    assert(id < KIND_COUNT);
    return &kinds[id];
}

enum kind_id options_find_kind(enum config_file file, const char *kind, bool has_name)
{
    for (unsigned id = 0; id < KIND_COUNT; id++)
        if (kinds[id].file == file && strcmp(kinds[id].name, kind) == 0 &&
            (kinds[id].naming != NAMING_NONE) == has_name)
            return (enum kind_id)id;
    return KIND_COUNT;
}

const struct config_option *options_all(size_t *count)
{
    *count = OPTION_COUNT;
    return options;
}

const struct config_option *options_find(enum kind_id kind, const char *key, const char **variant)
{
    const char *dot = strchr(key, '.');
    size_t head = dot == NULL ? strlen(key) : (size_t)(dot - key) + 1;
    *variant = NULL;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct config_option *option = &options[i];
        if (option->kind != kind || strncmp(option->key, key, head) != 0)
            continue;
        if (dot != NULL && dot[1] != 0) {
            *variant = dot + 1;
            return option;
        }
        if (dot == NULL && option->key[head] == 0)
            return option;
    }
    return NULL;
}

#define DISTANCE_MAX 64

/* Edit distance (insert, delete, replace) of two words, of which at most DISTANCE_MAX bytes count. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[DISTANCE_MAX + 1];
    size_t columns = strnlen(b, DISTANCE_MAX);
    size_t rows = strnlen(a, DISTANCE_MAX);
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (unsigned i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned replace = diagonal + (a[i - 1] != b[j - 1]);
            unsigned insert = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replace < insert ? replace : insert;
        }
    }
    return row[columns];
}

const char *options_nearest_key(enum kind_id kind, const char *key)
{
    const char *nearest = "";
    unsigned least = UINT32_MAX;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        unsigned distance = edit_distance(key, options[i].key);
        if (options[i].kind == kind && distance < least) {
            least = distance;
            nearest = options[i].key;
        }
    }
    return nearest;
}

const char *options_nearest_kind(enum config_file file, const char *kind)
{
    const char *nearest = "";
    unsigned least = UINT32_MAX;
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        unsigned distance = edit_distance(kind, kinds[id].name);
        if (kinds[id].file == file && distance < least) {
            least = distance;
            nearest = kinds[id].name;
        }
    }
    return nearest;
}

int options_word_index(const char *words, const char *word, size_t length)
{
    int index = 0;
    while (*words != 0) {
        size_t size = strcspn(words, " ");
        if (size == length && memcmp(words, word, length) == 0)
            return index;
        words += size + strspn(words + size, " ");
        index++;
    }
    return -1;
}

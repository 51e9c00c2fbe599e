/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt_read: the hand-kept copies of zones (adopt.h). */
#include "cli/adopt.h"

#include "policy/adopt_text.h"
#include "zones/memory.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum status read_whole(const char *path, struct bytes *text, struct diag *diag)
{
    struct place place = {.file = path};
    FILE *stream = fopen(path, "rb");
    enum status status = STATUS_OK;

    if (stream == NULL)
        return diag_fail(diag, STATUS_IO, &place, "cannot be read: %s", strerror(errno));
    while (status == STATUS_OK) {
        char buffer[16384];
        size_t count = fread(buffer, 1, sizeof buffer, stream);
        if (count == 0)
            break;
        status = bytes_append(text, buffer, count);
    }
    if (ferror(stream))
        status = diag_fail(diag, STATUS_IO, &place, "cannot be read: %s", strerror(errno));
    fclose(stream);
    return status;
}

/* The folder that $INCLUDE counts from; NULL if it cannot be had: then an $INCLUDE is an error of its own. */
static struct source *open_folder(const char *folder)
{
    struct source *source = NULL;
    struct diag unused;

    diag_init(&unused);
    if (source_open_folder(folder, &unused, &source) != STATUS_OK)
        source = NULL;
    diag_clear(&unused);
    return source;
}

/* Pairs. */

static struct adopt_pair *find_pair(struct adoption *adoption, const uint8_t *apex)
{
    for (size_t i = 0; i < adoption->count; i++)
        if (name_equal(adoption->pairs[i].apex, apex))
            return &adoption->pairs[i];
    struct adopt_pair *grown =
        memory_grow(adoption->pairs, adoption->count, &adoption->capacity, sizeof *adoption->pairs);
    if (grown == NULL)
        return NULL;
    adoption->pairs = grown;
    struct adopt_pair *pair = &grown[adoption->count++];
    memset(pair, 0, sizeof *pair);
    memcpy(pair->apex, apex, name_size(apex));
    for (size_t side = 0; side < SIDE_COUNT; side++)
        bytes_init(&pair->copies[side].text, SOURCE_FILE_MAX);
    return pair;
}

static enum status add_copy(struct adoption *adoption, enum adopt_side side, const uint8_t *apex, const char *path)
{
    struct adopt_pair *pair = find_pair(adoption, apex);

    if (pair == NULL)
        return STATUS_NO_MEMORY;
    struct adopt_copy *copy = &pair->copies[side];
    if (copy->path != NULL)
        return diag_error(&adoption->diag, &(struct place){.file = path}, "is the same zone as %s, wanted one of them",
                          copy->path);
    copy->path = memory_copy_text(path, strlen(path));
    copy->source = adoption->sources[side];
    return copy->path == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = memory_alloc(size);

    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Folders: every file *.zone. */
static enum status add_entry(struct adoption *adoption, enum adopt_side side, const char *name)
{
    uint8_t apex[NAME_SIZE_MAX];
    size_t size;
    enum status status = zonefile_apex(name, apex, &size);

    if (status == STATUS_NOT_FOUND || name[0] == '.')
        return STATUS_OK;
    char *path = join(adoption->paths[side], name);
    if (path == NULL)
        return STATUS_NO_MEMORY;
    if (status != STATUS_OK)
        status = diag_error(&adoption->diag, &(struct place){.file = path},
                            "is no zone's file name, wanted a DNS name and .zone");
    else
        status = add_copy(adoption, side, apex, path);
    memory_free(path);
    return status;
}

static enum status add_folder(struct adoption *adoption, enum adopt_side side)
{
    const char *folder = adoption->paths[side];
    struct place place = {.file = folder};
    enum status status = STATUS_OK;
    bool has_any = false;
    DIR *stream = opendir(folder);

    if (stream == NULL)
        return diag_fail(&adoption->diag, STATUS_IO, &place, "cannot be read: %s", strerror(errno));
    adoption->sources[side] = open_folder(folder);
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL && status == STATUS_OK; entry = readdir(stream)) {
        status = add_entry(adoption, side, entry->d_name);
        errno = 0;
    }
    if (status == STATUS_OK && errno != 0)
        status = diag_fail(&adoption->diag, STATUS_IO, &place, "cannot be read: %s", strerror(errno));
    closedir(stream);
    for (size_t i = 0; i < adoption->count; i++)
        has_any = has_any || adoption->pairs[i].copies[side].path != NULL;
    if (status == STATUS_OK && !has_any)
        return diag_error(&adoption->diag, &place, "holds no zone, wanted files APEX.zone");
    return status;
}

/* Two files: the apex is that of --apex, or of the file name that is one. */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static enum status find_apex(struct adoption *adoption, uint8_t apex[NAME_SIZE_MAX])
{
    const char *given = adoption->cli->apex;
    uint8_t found[SIDE_COUNT][NAME_SIZE_MAX];
    bool is_found[SIDE_COUNT];
    size_t size;

    if (given != NULL) {
        if (name_from_text(given, strlen(given), NULL, apex, &size) != STATUS_OK)
            return diag_error(&adoption->diag, NULL, "--apex: found %s, wanted a DNS name", given);
        return STATUS_OK;
    }
    for (size_t side = 0; side < SIDE_COUNT; side++)
        is_found[side] = zonefile_apex(base_name(adoption->paths[side]), found[side], &size) == STATUS_OK;
    if (!is_found[SIDE_INSIDE] && !is_found[SIDE_OUTSIDE])
        return diag_error(&adoption->diag, NULL,
                          "neither %s nor %s is named APEX.zone; say with --apex which zone they are",
                          adoption->paths[SIDE_INSIDE], adoption->paths[SIDE_OUTSIDE]);
    if (is_found[SIDE_INSIDE] && is_found[SIDE_OUTSIDE] && !name_equal(found[SIDE_INSIDE], found[SIDE_OUTSIDE]))
        return diag_error(&adoption->diag, NULL,
                          "%s and %s are named after two zones; say with --apex which one they are",
                          adoption->paths[SIDE_INSIDE], adoption->paths[SIDE_OUTSIDE]);
    memcpy(apex, found[is_found[SIDE_INSIDE] ? SIDE_INSIDE : SIDE_OUTSIDE], NAME_SIZE_MAX);
    return STATUS_OK;
}

static enum status add_file(struct adoption *adoption, enum adopt_side side, const uint8_t *apex)
{
    const char *path = adoption->paths[side];
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? memory_copy_text(".", 1)
                   : slash == path ? memory_copy_text("/", 1)
                                   : memory_copy_text(path, (size_t)(slash - path));

    if (folder == NULL)
        return STATUS_NO_MEMORY;
    adoption->sources[side] = open_folder(folder);
    memory_free(folder);
    return add_copy(adoption, side, apex, path);
}

static enum status find_copies(struct adoption *adoption)
{
    uint8_t apex[NAME_SIZE_MAX];
    bool is_folder[SIDE_COUNT];

    for (size_t side = 0; side < SIDE_COUNT; side++) {
        struct stat found;
        if (stat(adoption->paths[side], &found) != 0)
            return diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = adoption->paths[side]},
                             "cannot be read: %s", strerror(errno));
        is_folder[side] = S_ISDIR(found.st_mode);
    }
    if (is_folder[SIDE_INSIDE] != is_folder[SIDE_OUTSIDE])
        return diag_error(&adoption->diag, NULL, "found a folder and a file, wanted two files or two folders");
    enum status status = STATUS_OK;
    if (!is_folder[SIDE_INSIDE])
        status = find_apex(adoption, apex);
    else if (adoption->cli->apex != NULL)
        status = diag_error(&adoption->diag, NULL, "--apex is for two files; in folders the file names say it");
    for (enum adopt_side side = 0; side < SIDE_COUNT && status == STATUS_OK; side++)
        status = is_folder[side] ? add_folder(adoption, side) : add_file(adoption, side, apex);
    return status;
}

/* Zones. */

static enum status read_copy(struct adoption *adoption, struct adopt_pair *pair, struct adopt_copy *copy)
{
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    enum status status = read_whole(copy->path, &copy->text, &adoption->diag);

    if (status != STATUS_OK)
        return status;
    copy->zone = zone_new(pair->apex);
    if (copy->zone == NULL)
        return STATUS_NO_MEMORY;
    status = zonefile_read_text(copy->source, copy->path, copy->text.size > 0 ? (const char *)copy->text.data : "",
                                copy->text.size, &options, copy->zone, &adoption->diag);
    if (status == STATUS_OK)
        status = zone_freeze(copy->zone, &adoption->diag);
    if (status == STATUS_OK)
        status = zonecheck_run(copy->zone, copy->path, &adoption->diag);
    return status;
}

static void warn_of_private(struct adoption *adoption, const struct zone *zone)
{
    for (size_t i = 0; i < zone->count; i++) {
        char name[NAME_TEXT_MAX];
        char type[RRTYPE_TEXT_MAX];
        if (!adopt_is_private(zone, &zone->records[i]))
            continue;
        struct place place = zone_place(zone, &zone->records[i]);
        name_to_text(zone_owner(zone, &zone->records[i]), name);
        rrtype_to_text(zone->records[i].type, type);
        diag_add(&adoption->diag, SEVERITY_WARNING, &place,
                 "%s %s: found a private address in the external copy; it stays, and policy.conf allows it", name,
                 type);
    }
}

static enum status read_pair(struct adoption *adoption, struct adopt_pair *pair)
{
    enum status status = STATUS_OK;

    for (size_t side = 0; side < SIDE_COUNT; side++) {
        if (pair->copies[side].path == NULL)
            continue;
        enum status read = read_copy(adoption, pair, &pair->copies[side]);
        status = read != STATUS_OK ? read : status;
    }
    if (status == STATUS_OK && pair->copies[SIDE_OUTSIDE].zone != NULL)
        warn_of_private(adoption, pair->copies[SIDE_OUTSIDE].zone);
    if (status != STATUS_OK || pair->copies[SIDE_INSIDE].path == NULL || pair->copies[SIDE_OUTSIDE].path == NULL)
        return status;
    return adopt_plan_new(pair->copies[SIDE_INSIDE].zone, pair->copies[SIDE_OUTSIDE].zone, &adoption->diag,
                          &pair->plan);
}

static int compare_pairs(const void *left, const void *right)
{
    uint8_t a[NAME_KEY_MAX];
    uint8_t b[NAME_KEY_MAX];
    size_t a_size = name_to_key(((const struct adopt_pair *)left)->apex, a);
    size_t b_size = name_to_key(((const struct adopt_pair *)right)->apex, b);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

enum status adopt_read(struct adoption *adoption)
{
    enum status status = find_copies(adoption);

    if (status != STATUS_OK)
        return status;
    qsort(adoption->pairs, adoption->count, sizeof *adoption->pairs, compare_pairs);
    for (size_t i = 0; i < adoption->count; i++) {
        enum status read = read_pair(adoption, &adoption->pairs[i]);
        status = read != STATUS_OK ? read : status;
    }
    return status;
}

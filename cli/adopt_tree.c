/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt_tree: the files of the new tree, the proof, and their way to their place (adopt.h). */
#include "cli/adopt.h"

#include "policy/adopt_proof.h"
#include "policy/adopt_text.h"
#include "policy/generation.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME_MAX (3 * NAME_SIZE_MAX + 32)
#define PATH_SIZE     4096

/* Composing. */

/* `folder`/APEX.zone; octets that are more than letters, digits, "-" and "_" as %XX. */
static void zone_path(const char *folder, const uint8_t *apex, char path[FILE_NAME_MAX])
{
    size_t used = (size_t)snprintf(path, FILE_NAME_MAX, "%s/%s", folder, apex[0] == 0 ? "@." : "");

    for (const uint8_t *label = apex; *label != 0; label += 1 + *label) {
        for (unsigned i = 1; i <= *label; i++) {
            bool plain = isalnum(label[i]) || label[i] == '-' || label[i] == '_';
            used += (size_t)snprintf(path + used, FILE_NAME_MAX - used, plain ? "%c" : "%%%02X", label[i]);
        }
        path[used++] = '.';
    }
    snprintf(path + used, FILE_NAME_MAX - used, "zone");
}

/* The same file twice is one; two files of one path cannot be. */
static enum status add_file(struct adoption *adoption, const char *path, const char *data, size_t size)
{
    for (size_t i = 0; i < adoption->file_count; i++) {
        const struct adopt_file *file = &adoption->files[i];
        if (strcmp(file->path, path) != 0)
            continue;
        if (file->size == size && memcmp(file->data, data, size) == 0)
            return STATUS_OK;
        return diag_error(&adoption->diag, &(struct place){.file = path},
                          "is another file in the two copies, and both are included; rename one of them");
    }
    struct adopt_file *grown =
        memory_grow(adoption->files, adoption->file_count, &adoption->file_capacity, sizeof *adoption->files);
    if (grown == NULL)
        return STATUS_NO_MEMORY;
    adoption->files = grown;
    struct adopt_file *file = &grown[adoption->file_count];
    *file = (struct adopt_file){
        .path = memory_copy_text(path, strlen(path)), .data = memory_copy_text(data, size), .size = size};
    if (file->path == NULL || file->data == NULL) {
        memory_free(file->path);
        memory_free(file->data);
        return STATUS_NO_MEMORY;
    }
    adoption->file_count++;
    return STATUS_OK;
}

/* A copy as it was written, with the files it includes: their paths count from the new tree's root. */
static enum status add_whole(struct adoption *adoption, const struct adopt_copy *copy, const char *path)
{
    enum status status =
        add_file(adoption, path, copy->text.size > 0 ? (const char *)copy->text.data : "", copy->text.size);

    for (size_t i = 0; i < copy->zone->file_count && status == STATUS_OK; i++) {
        struct source_file file;
        const char *included = copy->zone->files[i];
        if (strcmp(included, copy->path) == 0)
            continue;
        status = source_read(copy->source, included, &file, &adoption->diag);
        if (status != STATUS_OK)
            return status;
        status = add_file(adoption, included, file.data, file.size);
        source_file_clear(&file);
    }
    return status;
}

/* What a writer of policy/adopt_text.h writes. */
enum written { WRITTEN_OVERLAY, WRITTEN_POLICY, WRITTEN_TESTS };

static enum status write_text(const struct adoption *adoption, enum written what, const struct adopt_pair *pair,
                              FILE *stream)
{
    if (what == WRITTEN_OVERLAY) {
        const struct bytes *text = &pair->copies[SIDE_INSIDE].text;
        return adopt_write_overlay(pair->plan, (const char *)text->data, text->size, stream);
    }
    struct adopt_item *items = memory_zalloc(adoption->count + 1, sizeof *items);
    if (items == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < adoption->count; i++)
        items[i] = (struct adopt_item){.apex = adoption->pairs[i].apex,
                                       .outside = adoption->pairs[i].copies[SIDE_OUTSIDE].zone,
                                       .plan = adoption->pairs[i].plan};
    enum status status = what == WRITTEN_POLICY
                             ? adopt_write_policy(items, adoption->count, adoption->cli->clients, stream)
                             : adopt_write_tests(items, adoption->count, stream);
    memory_free(items);
    return status;
}

/* What a stream over a struct bytes does with text. */
static ssize_t append(void *cookie, const char *text, size_t size)
{
    return bytes_append(cookie, text, size) == STATUS_OK ? (ssize_t)size : 0;
}

static enum status add_text(struct adoption *adoption, const char *path, enum written what,
                            const struct adopt_pair *pair)
{
    struct bytes text;

    bytes_init(&text, SOURCE_FILE_MAX);
    FILE *stream = fopencookie(&text, "w", (cookie_io_functions_t){.write = append});
    if (stream == NULL)
        return STATUS_NO_MEMORY;
    enum status status = write_text(adoption, what, pair, stream);
    bool failed = ferror(stream) != 0;
    if ((fclose(stream) != 0 || failed) && status == STATUS_OK)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK)
        status = add_file(adoption, path, text.size > 0 ? (const char *)text.data : "", text.size);
    bytes_clear(&text);
    return status;
}

static enum status compose_pair(struct adoption *adoption, const struct adopt_pair *pair)
{
    const struct adopt_copy *inside = &pair->copies[SIDE_INSIDE];
    const struct adopt_copy *outside = &pair->copies[SIDE_OUTSIDE];
    char path[FILE_NAME_MAX];
    enum status status = STATUS_OK;

    zone_path("internet", pair->apex, path);
    if (outside->path != NULL)
        status = add_whole(adoption, outside, path);
    zone_path("internal", pair->apex, path);
    if (status == STATUS_OK && inside->path != NULL && (pair->plan == NULL || pair->plan->is_full))
        return add_whole(adoption, inside, path);
    if (status == STATUS_OK && pair->plan != NULL && pair->plan->own->count > 0)
        return add_text(adoption, path, WRITTEN_OVERLAY, pair);
    return status;
}

static enum status compose(struct adoption *adoption)
{
    enum status status = add_text(adoption, "policy.conf", WRITTEN_POLICY, NULL);

    for (size_t i = 0; i < adoption->count && status == STATUS_OK; i++)
        status = compose_pair(adoption, &adoption->pairs[i]);
    return status == STATUS_OK ? add_text(adoption, "tests/adopted.views", WRITTEN_TESTS, NULL) : status;
}

/* Writing. */

static enum status path_of(struct adoption *adoption, const char *root, const char *name, char path[PATH_SIZE])
{
    int size = snprintf(path, PATH_SIZE, "%s/%s", root, name);

    if (size > 0 && size < PATH_SIZE)
        return STATUS_OK;
    return diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = root}, "the path is too long");
}

/* The folders above `path`, which begins with `root`. */
static enum status make_folders(struct adoption *adoption, const char *root, char *path)
{
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0777);
        enum status status = STATUS_OK;
        if (made != 0 && errno != EEXIST)
            status = diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = path}, "cannot be made: %s",
                               strerror(errno));
        *slash = '/';
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status write_file(struct adoption *adoption, const char *root, const struct adopt_file *file)
{
    char path[PATH_SIZE];
    enum status status = path_of(adoption, root, file->path, path);

    if (status == STATUS_OK)
        status = make_folders(adoption, root, path);
    if (status != STATUS_OK)
        return status;
    FILE *stream = fopen(path, "wbx");
    bool done = stream != NULL && fwrite(file->data, 1, file->size, stream) == file->size;
    int error = errno;
    if (stream != NULL && fclose(stream) != 0 && done) {
        error = errno;
        done = false;
    }
    if (done)
        return STATUS_OK;
    return diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = path}, "cannot be written: %s",
                     strerror(error));
}

static void remove_tree(const struct adoption *adoption, const char *root)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < adoption->file_count; i++) {
        if (snprintf(path, sizeof path, "%s/%s", root, adoption->files[i].path) >= (int)sizeof path)
            continue;
        unlink(path);
        for (char *slash = strrchr(path, '/'); slash > path + strlen(root); slash = strrchr(path, '/')) {
            *slash = '\0';
            rmdir(path);
        }
    }
    rmdir(root);
}

/* The proof. */

static enum status gather_zones(const struct adoption *adoption, bool inside, const struct zone **zones, size_t *count)
{
    for (size_t i = 0; i < adoption->count; i++) {
        const struct adopt_copy *copies = adoption->pairs[i].copies;
        const struct zone *zone = copies[SIDE_OUTSIDE].zone;
        /* A zone without an inside copy: inside clients were sent to the outside's answers, and get them now. */
        if (inside && copies[SIDE_INSIDE].zone != NULL)
            zone = copies[SIDE_INSIDE].zone;
        if (zone != NULL)
            zones[(*count)++] = zone;
    }
    return STATUS_OK;
}

static enum status gather_questions(const struct adoption *adoption, struct adopt_questions *questions)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < adoption->count; i++)
        for (size_t side = 0; side < SIDE_COUNT && status == STATUS_OK; side++)
            if (adoption->pairs[i].copies[side].zone != NULL)
                status = adopt_questions_add(questions, adoption->pairs[i].copies[side].zone);
    return status;
}

static enum status report_difference(struct adoption *adoption, const char *view,
                                     const struct adopt_difference *difference)
{
    char type[RRTYPE_TEXT_MAX];
    char name[NAME_TEXT_MAX];

    rrtype_to_text(difference->type, type);
    name_to_text(difference->name, name);
    return diag_error(&adoption->diag, NULL,
                      "view %s: %s %s: found %s in the new tree, wanted %s as in the copies; nothing was written", view,
                      name, type, difference->after, difference->before);
}

static enum status prove_view(struct adoption *adoption, const struct generation *generation, const char *name,
                              struct adopt_questions *questions)
{
    const struct zone **zones = memory_zalloc(adoption->count + 1, sizeof *zones);
    uint32_t view = policy_find_view(generation->policy, name);
    struct adopt_difference difference = {0};
    struct adopt_view before = {0};
    size_t count = 0;
    uint64_t asked = 0;
    enum status status = zones == NULL ? STATUS_NO_MEMORY : STATUS_OK;

    if (status == STATUS_OK)
        status = gather_zones(adoption, strcmp(name, "internal") == 0, zones, &count);
    if (status == STATUS_OK)
        status = adopt_view_init(&before, zones, count, &adoption->diag);
    if (status == STATUS_OK)
        status = adopt_compare(questions, &before.catalog, &generation->catalogs[view], &difference, &asked);
    adoption->asked += asked;
    if (status == STATUS_OK && difference.found)
        status = report_difference(adoption, name, &difference);
    adopt_view_clear(&before);
    memory_free(zones);
    return status;
}

static enum status prove(struct adoption *adoption, const struct generation *generation)
{
    struct adopt_questions questions;

    adopt_questions_init(&questions);
    enum status status = gather_questions(adoption, &questions);
    if (status == STATUS_OK)
        status = prove_view(adoption, generation, "internet", &questions);
    if (status == STATUS_OK)
        status = prove_view(adoption, generation, "internal", &questions);
    adopt_questions_clear(&questions);
    return status;
}

static void pass_errors(struct adoption *adoption, const struct diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        const struct diag_message *message = &diag->messages[i];
        struct place place = {.file = message->file, .line = message->line, .column = message->column};
        if (message->severity == SEVERITY_ERROR)
            diag_add(&adoption->diag, SEVERITY_ERROR, &place, "%s", message->text);
    }
}

/* Read the new tree as an import would, and ask it. */
static enum status prove_tree(struct adoption *adoption, const char *root)
{
    struct candidate_options options = {.images = CANDIDATE_KEEP};
    struct candidate *candidate = NULL;
    struct generation *generation = NULL;
    struct diag diag;

    diag_init(&diag); /* what is to be warned of was said of the copies already */
    enum status status = source_open(root, NULL, NULL, &diag, &options.source);
    if (status == STATUS_OK)
        status = candidate_read(&options, &diag, &candidate);
    if (status == STATUS_OK)
        status = candidate_build_catalogs(candidate, &diag);
    if (status == STATUS_OK)
        status = generation_from_candidate(candidate, &diag, &generation);
    pass_errors(adoption, &diag);
    if (status == STATUS_OK)
        status = prove(adoption, generation);
    if (generation != NULL && generation_release(generation))
        generation_free(generation);
    candidate_free(candidate);
    source_close(options.source);
    diag_clear(&diag);
    return status;
}

/* To its place. */

static enum status check_place(struct adoption *adoption)
{
    char path[PATH_SIZE];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < adoption->file_count && !adoption->cli->force; i++) {
        enum status found = path_of(adoption, adoption->out, adoption->files[i].path, path);
        struct stat unused;
        if (found == STATUS_OK && lstat(path, &unused) == 0)
            found = diag_error(&adoption->diag, &(struct place){.file = path},
                               "exists already; wanted another --out, or --force to replace it");
        status = found != STATUS_OK ? found : status;
    }
    return status;
}

static enum status move_file(struct adoption *adoption, const char *root, const char *name)
{
    char from[PATH_SIZE];
    char to[PATH_SIZE];
    enum status status = path_of(adoption, root, name, from);

    if (status == STATUS_OK)
        status = path_of(adoption, adoption->out, name, to);
    if (status == STATUS_OK)
        status = make_folders(adoption, adoption->out, to);
    if (status == STATUS_OK && rename(from, to) != 0)
        status = diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = to}, "cannot be written: %s",
                           strerror(errno));
    return status;
}

/* A new folder comes into being at once; into one that exists, file by file. */
static enum status move_tree(struct adoption *adoption, const char *root)
{
    mode_t mask = umask(0);

    umask(mask);
    struct stat found;
    if (stat(adoption->out, &found) != 0 && chmod(root, 0777 & ~mask) == 0 && rename(root, adoption->out) == 0)
        return STATUS_OK;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < adoption->file_count && status == STATUS_OK; i++)
        status = move_file(adoption, root, adoption->files[i].path);
    remove_tree(adoption, root);
    return status;
}

/* A new folder beside the place, so that it can be moved there. */
static enum status make_root(struct adoption *adoption, char root[PATH_SIZE])
{
    const char *temporary = getenv("TMPDIR");
    size_t length = strlen(adoption->out);
    int size;

    while (length > 1 && adoption->out[length - 1] == '/')
        length--;
    if (adoption->cli->dry_run)
        size = snprintf(root, PATH_SIZE, "%s/splitview-adopt.XXXXXX", temporary != NULL ? temporary : "/tmp");
    else
        size = snprintf(root, PATH_SIZE, "%.*s.XXXXXX", (int)length, adoption->out);
    if (size > 0 && size < PATH_SIZE && mkdtemp(root) != NULL)
        return STATUS_OK;
    return diag_fail(&adoption->diag, STATUS_IO, &(struct place){.file = adoption->out},
                     "no folder can be made beside it: %s", strerror(errno));
}

enum status adopt_write(struct adoption *adoption)
{
    char root[PATH_SIZE];
    enum status status = compose(adoption);

    if (status == STATUS_OK && !adoption->cli->dry_run)
        status = check_place(adoption);
    if (status == STATUS_OK)
        status = make_root(adoption, root);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < adoption->file_count && status == STATUS_OK; i++)
        status = write_file(adoption, root, &adoption->files[i]);
    if (status == STATUS_OK)
        status = prove_tree(adoption, root);
    if (status != STATUS_OK || adoption->cli->dry_run) {
        remove_tree(adoption, root);
        return status;
    }
    status = move_tree(adoption, root);
    adoption->was_written = status == STATUS_OK;
    return status;
}

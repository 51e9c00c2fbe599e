/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/candidate.h"

#include "policy/cutover.h"
#include "policy/folder_digest.h"
#include "policy/input.h"
#include "policy/layers.h"
#include "policy/origins.h"
#include "zones/compile.h"
#include "zones/hash.h"
#include "zones/memory.h"
#include "zones/zone.h"

#include <assert.h>
#include <string.h>

#define POLICY_FILE "policy.conf"

/* A candidate under way. */
struct reading {
    const struct candidate_options *options;
    struct candidate *candidate;
    struct diag *diag;
    struct snapshot *snapshot; /* of the store before; NULL: no store */
    struct layers layers;
    struct folder_digest folder; /* folders only */
    struct candidate_progress progress;
    uint64_t records_before; /* the file at hand */
};

/* Errors of the operator's tree do not stop the reading of the rest of it. */
static bool is_about_the_tree(enum status status)
{
    return status == STATUS_OK || status == STATUS_BAD_INPUT || status == STATUS_NOT_SUPPORTED;
}

/* The worse of two, for the final result: what stops at once, then bad input, then not supported. */
static enum status worse(enum status a, enum status b)
{
    if (!is_about_the_tree(a) || b == STATUS_OK)
        return a;
    if (!is_about_the_tree(b) || a == STATUS_OK)
        return b;
    return a == STATUS_BAD_INPUT ? a : b;
}

/* Reading one file failed: whatever the reason, it is the tree that is not as it should be. */
static enum status tree_status(enum status status)
{
    if (status == STATUS_IO || status == STATUS_TOO_LARGE || status == STATUS_NOT_FOUND)
        return STATUS_BAD_INPUT;
    return status;
}

static bool is_folder(const struct reading *reading)
{
    return source_info(reading->options->source)->commit[0] == '\0';
}

/* The name of what is read. */

static enum status add_digest(void *context, const char *path, const uint8_t id[SOURCE_ID_SIZE])
{
    struct reading *reading = context;

    return is_folder(reading) ? folder_digest_add(&reading->folder, path, id) : STATUS_OK;
}

static enum status name_commit(struct reading *reading)
{
    const char *commit = source_info(reading->options->source)->commit;
    char *name = reading->candidate->commit;

    if (is_folder(reading))
        return folder_digest_name(&reading->folder, name);
    assert(strlen(commit) < sizeof reading->candidate->commit);
    memcpy(name, commit, strlen(commit) + 1);
    return STATUS_OK;
}

/* Policy. */

static enum status read_policy(struct reading *reading)
{
    struct candidate *candidate = reading->candidate;
    struct source *source = reading->options->source;
    enum status status = source_read(source, POLICY_FILE, &candidate->policy_text, reading->diag);

    if (status == STATUS_NOT_FOUND)
        return diag_error(reading->diag, &(struct place){.file = POLICY_FILE},
                          "no policy.conf in %s; wanted one at its root, with a [view NAME] for each folder of zones",
                          source_info(source)->path);
    if (status != STATUS_OK)
        return tree_status(status);
    const struct source_file *text = &candidate->policy_text;
    status = policy_read(POLICY_FILE, text->data, text->size, reading->diag, &candidate->policy);
    if (status != STATUS_OK)
        return status;
    uint8_t id[SOURCE_ID_SIZE];
    source_content_id(text->data, text->size, id);
    return add_digest(reading, POLICY_FILE, id);
}

/* Progress. */

static void tell_progress(struct reading *reading)
{
    if (reading->options->progress != NULL)
        reading->options->progress(reading->options->progress_context, &reading->progress);
}

static void records_read(void *context, uint64_t records)
{
    struct reading *reading = context;

    reading->progress.records = reading->records_before + records;
    tell_progress(reading);
}

/* Images. */

/* The table beside the image; with images that are dropped nobody asks for it. */
static enum status find_origins(const struct reading *reading, const struct zone *zone, const struct compiled *compiled,
                                struct bytes *origins)
{
    if (reading->candidate->images == CANDIDATE_DROP)
        return STATUS_OK;
    return origins_build(zone, compiled->block, compiled->size, reading->candidate->policy, origins);
}

/* Flat records to an image. With an error known only the other errors matter. */
static enum status compile_flat(struct reading *reading, size_t index, struct compiled *compiled, struct bytes *origins)
{
    const struct candidate *candidate = reading->candidate;
    struct zone *flat = reading->layers.files[index].flat;

    if (reading->diag->errors > 0)
        return STATUS_OK;
    cutover_attach(candidate->policy, candidate->plan->files[index].view, flat);
    enum status status = tree_status(compile_zone(flat, compiled, reading->diag));
    return status == STATUS_OK ? find_origins(reading, flat, compiled, origins) : status;
}

/* Takes the block and the origins. */
static enum status keep_image(struct reading *reading, size_t index, struct compiled *compiled, struct bytes *origins)
{
    struct candidate *candidate = reading->candidate;
    struct candidate_file *file = &candidate->files[index];
    bool reused = false;
    enum status status = STATUS_OK;

    file->file_serial = compiled->serial;
    file->serial = compiled->serial;
    file->record_count = compiled->record_count;
    if (candidate->images == CANDIDATE_KEEP) {
        file->image_id = CANDIDATE_IN_MEMORY | index;
        file->block = compiled->block;
        file->size = compiled->size;
        file->origins = bytes_take(origins, &file->origins_size);
        candidate->images_new++;
        return STATUS_OK;
    }
    if (candidate->images == CANDIDATE_STORE)
        status =
            store_put_image(candidate->store, compiled->block, compiled->size, &file->image_id, &reused, reading->diag);
    if (status == STATUS_OK && candidate->images == CANDIDATE_STORE)
        status = store_put_origins(candidate->store, file->image_id, origins->data, origins->size, reading->diag);
    memory_free(compiled->block);
    if (reused)
        candidate->images_reused++;
    else
        candidate->images_new++;
    return status;
}

/* What the file of a flat zone included belongs to the tree; with the input it is remembered. */
static enum status keep_input(struct reading *reading, size_t index, const uint8_t digest[STORE_DIGEST_SIZE],
                              const struct input_messages *messages)
{
    const struct candidate_file *file = &reading->candidate->files[index];
    const struct layer *layer = &reading->layers.files[index];
    const struct input_facts facts = {
        .image_id = file->image_id, .file_serial = file->file_serial, .record_count = file->record_count};
    enum status status = STATUS_OK;

    for (size_t i = 0; i < layer->include_count && status == STATUS_OK; i++)
        status = add_digest(reading, layer->includes[i].path, layer->includes[i].id);
    if (status == STATUS_OK && file->image_id != 0 && reading->candidate->images == CANDIDATE_STORE)
        status = input_keep(reading->candidate->store, digest, &facts, layer->includes, layer->include_count, messages,
                            reading->diag);
    layers_forget_includes(&reading->layers, index);
    return status;
}

/* Compile and keep a flat zone that is made. With an error known nothing more goes into the store. */
static enum status make_image(struct reading *reading, size_t index, const uint8_t digest[STORE_DIGEST_SIZE],
                              const struct input_messages *messages)
{
    struct compiled compiled = {0};
    struct bytes origins;

    bytes_init(&origins, ORIGINS_SIZE_MAX);
    enum status status = compile_flat(reading, index, &compiled, &origins);
    if (status == STATUS_OK && compiled.block != NULL)
        status = keep_image(reading, index, &compiled, &origins);
    else
        memory_free(compiled.block);
    bytes_clear(&origins);
    return status == STATUS_OK ? keep_input(reading, index, digest, messages) : status;
}

/* The image is in the store already: what is known of it. NOT_FOUND. */
static enum status find_known(struct reading *reading, size_t index, const uint8_t digest[STORE_DIGEST_SIZE])
{
    struct candidate_file *file = &reading->candidate->files[index];
    struct input_facts facts = {0};

    if (reading->snapshot == NULL)
        return STATUS_NOT_FOUND;
    enum status status =
        input_find(reading->snapshot, reading->options->source, digest, add_digest, reading, &facts, reading->diag);
    if (status != STATUS_OK)
        return status;
    file->image_id = facts.image_id;
    file->file_serial = facts.file_serial;
    file->serial = facts.file_serial;
    file->record_count = facts.record_count;
    reading->layers.files[index].is_fine = true;
    reading->candidate->images_reused++;
    reading->candidate->files_known++;
    return STATUS_OK;
}

static enum status ignore_include(void *context, const char *path, const uint8_t id[SOURCE_ID_SIZE])
{
    (void)context;
    (void)path;
    (void)id;
    return STATUS_OK;
}

/* Would find_known find it? */
static bool is_known(const struct reading *reading, const uint8_t digest[STORE_DIGEST_SIZE])
{
    struct input_facts facts;
    struct diag ignored;

    if (reading->snapshot == NULL)
        return false;
    diag_init(&ignored);
    enum status status =
        input_find(reading->snapshot, reading->options->source, digest, ignore_include, NULL, &facts, &ignored);
    diag_clear(&ignored);
    return status == STATUS_OK;
}

/* The content's id; `text` is read too where only that tells. */
static enum status identify(struct reading *reading, size_t index, struct source_file *text, uint8_t id[SOURCE_ID_SIZE])
{
    const struct flatten_file *file = &reading->candidate->plan->files[index];
    enum status status = STATUS_OK;

    memset(id, 0, SOURCE_ID_SIZE);
    if (!file->has_text)
        return STATUS_OK;
    if (file->has_id) {
        memcpy(id, file->id, SOURCE_ID_SIZE);
    } else {
        status = layers_read(&reading->layers, index, text, reading->diag);
        if (status == STATUS_OK)
            source_content_id(text->data, text->size, id);
    }
    return status == STATUS_OK ? add_digest(reading, file->path, id) : status;
}

/* What the zone stands on; *is_lasting false: on one that has no lasting image. */
static enum status describe_layer(const struct reading *reading, const struct flatten_file *file,
                                  struct input_layer *layer, bool *is_lasting)
{
    const struct candidate *candidate = reading->candidate;

    memset(layer, 0, sizeof *layer);
    *is_lasting = true;
    layer->mode = (uint32_t)file->mode;
    enum status status = synthesis_digest(candidate->synthesis, file->view, file->apex, layer->policy);
    if (status != STATUS_OK || (file->mode == ZONE_MODE_FULL && file->hide_count == 0 && file->forward_count == 0))
        return status;
    layer->default_ttl = candidate->policy->views[file->view].default_ttl;
    layer->view = file->view;
    if (file->base == FLATTEN_NONE)
        return STATUS_OK;
    layer->base_image = candidate->files[file->base].image_id;
    layer->base_serial = candidate->files[file->base].file_serial;
    *is_lasting = layer->base_image != 0 && (layer->base_image & CANDIDATE_IN_MEMORY) == 0;
    return STATUS_OK;
}

/* All that goes into a zone, by name. `text` as in identify. */
static enum status name_input(struct reading *reading, size_t index, struct source_file *text,
                              uint8_t digest[STORE_DIGEST_SIZE], bool *is_lasting)
{
    const struct flatten *plan = reading->candidate->plan;
    uint8_t id[SOURCE_ID_SIZE];
    struct input_layer layer;
    enum status status = identify(reading, index, text, id);

    if (status == STATUS_OK)
        status = describe_layer(reading, &plan->files[index], &layer, is_lasting);
    return status == STATUS_OK ? input_digest(plan, &reading->layers.depth, index, id, &layer, digest) : status;
}

/* Zones one by one. */

static enum status take_file(struct reading *reading, size_t index)
{
    struct source_file text = {NULL, 0};
    uint8_t digest[STORE_DIGEST_SIZE];
    bool is_lasting = false;
    enum status status = name_input(reading, index, &text, digest, &is_lasting);
    enum status known = STATUS_NOT_FOUND;

    if (status == STATUS_OK && is_lasting)
        known = find_known(reading, index, digest);
    if (known != STATUS_NOT_FOUND) {
        source_file_clear(&text);
        return known;
    }
    struct input_messages messages = input_messages_begin(reading->diag);
    if (status == STATUS_OK && text.data == NULL)
        status = layers_read(&reading->layers, index, &text, reading->diag);
    if (status == STATUS_OK)
        status = layers_make(&reading->layers, index, &text, reading->diag);
    source_file_clear(&text);
    input_messages_end(&messages, reading->diag);
    return status == STATUS_OK ? make_image(reading, index, digest, &messages) : status;
}

static void begin_file(struct reading *reading)
{
    reading->records_before = reading->progress.records;
}

static void end_file(struct reading *reading, size_t index)
{
    reading->progress.files++;
    reading->progress.records = reading->records_before + reading->candidate->files[index].record_count;
    tell_progress(reading);
}

static bool is_whole(const struct reading *reading, size_t index)
{
    const struct candidate *candidate = reading->candidate;

    return synthesis_is_whole(candidate->synthesis, candidate->plan->files[index].view);
}

static enum status take_tree(struct reading *reading, size_t index);

/* The layers over a zone, but for those of views that are made as a whole. */
static enum status take_layers(struct reading *reading, size_t index)
{
    const struct layer *files = reading->layers.files;
    enum status result = STATUS_OK;

    for (size_t i = files[index].first_above; i != FLATTEN_NONE && is_about_the_tree(result); i = files[i].next_above)
        if (!is_whole(reading, i))
            result = worse(result, take_tree(reading, i));
    return result;
}

/* A zone, then the layers over it, while its records are at hand. */
static enum status take_tree(struct reading *reading, size_t index)
{
    enum status result = STATUS_OK;

    begin_file(reading);
    if (reading->candidate->plan->files[index].is_served)
        result = take_file(reading, index);
    end_file(reading, index);
    if (is_about_the_tree(result))
        result = worse(result, take_layers(reading, index));
    layers_drop(&reading->layers, index);
    return result;
}

/* Zones of a view together. */

/* One zone of a view that is made as a whole. */
struct part {
    uint8_t digest[STORE_DIGEST_SIZE];
    struct input_messages messages;
};

/* What goes into each is all that goes into any. *is_lasting as above, for all of them. */
static enum status name_parts(struct reading *reading, uint32_t view, struct part *parts, bool *is_lasting)
{
    const struct flatten_view *zones = &reading->candidate->plan->views[view];
    struct hash_piece *pieces = memory_zalloc(zones->count + 1, sizeof *pieces);
    uint8_t all[HASH_SIZE];
    enum status status = pieces == NULL ? STATUS_NO_MEMORY : STATUS_OK;

    *is_lasting = true;
    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++) {
        struct source_file text = {NULL, 0};
        bool is_part_lasting = false;
        status = name_input(reading, zones->zones[i], &text, parts[i].digest, &is_part_lasting);
        source_file_clear(&text);
        *is_lasting = *is_lasting && is_part_lasting;
        pieces[i] = (struct hash_piece){parts[i].digest, sizeof parts[i].digest};
    }
    if (status == STATUS_OK)
        hash_pieces(pieces, zones->count, all);
    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++) {
        const struct hash_piece both[] = {{parts[i].digest, sizeof parts[i].digest}, {all, sizeof all}};
        hash_pieces(both, 2, parts[i].digest);
    }
    memory_free(pieces);
    return status;
}

/* All or none of them are taken from the store. */
static enum status find_parts(struct reading *reading, uint32_t view, const struct part *parts)
{
    const struct flatten_view *zones = &reading->candidate->plan->views[view];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zones->count; i++)
        if (!is_known(reading, parts[i].digest))
            return STATUS_NOT_FOUND;
    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++) {
        begin_file(reading);
        status = find_known(reading, zones->zones[i], parts[i].digest);
        end_file(reading, zones->zones[i]);
    }
    return status;
}

static enum status make_part(struct reading *reading, size_t index, struct part *part)
{
    struct source_file text = {NULL, 0};

    begin_file(reading);
    part->messages = input_messages_begin(reading->diag);
    enum status status = layers_read(&reading->layers, index, &text, reading->diag);
    if (status == STATUS_OK)
        status = layers_make(&reading->layers, index, &text, reading->diag);
    source_file_clear(&text);
    input_messages_end(&part->messages, reading->diag);
    layers_drop_below(&reading->layers, index);
    return status;
}

static enum status make_parts(struct reading *reading, uint32_t view, struct part *parts)
{
    const struct flatten_view *zones = &reading->candidate->plan->views[view];
    enum status result = STATUS_OK;

    for (size_t i = 0; i < zones->count && is_about_the_tree(result); i++) {
        result = worse(result, make_part(reading, zones->zones[i], &parts[i]));
        end_file(reading, zones->zones[i]);
    }
    if (result == STATUS_OK)
        result = layers_finish_view(&reading->layers, view, reading->diag);
    for (size_t i = 0; i < zones->count && result == STATUS_OK; i++)
        result = make_image(reading, zones->zones[i], parts[i].digest, &parts[i].messages);
    return result;
}

static enum status take_zones(struct reading *reading, uint32_t view)
{
    const struct flatten_view *zones = &reading->candidate->plan->views[view];
    struct part *parts = memory_zalloc(zones->count + 1, sizeof *parts);
    bool is_lasting = false;
    enum status status = parts == NULL ? STATUS_NO_MEMORY : name_parts(reading, view, parts, &is_lasting);
    enum status known = STATUS_NOT_FOUND;

    if (status == STATUS_OK && is_lasting)
        known = find_parts(reading, view, parts);
    if (status == STATUS_OK)
        status = known != STATUS_NOT_FOUND ? known : make_parts(reading, view, parts);
    memory_free(parts);
    return status;
}

/* The nearest view below that is made as a whole, or VIEW_NONE. */
static uint32_t whole_base(const struct candidate *candidate, uint32_t view)
{
    do
        view = candidate->policy->views[view].base;
    while (view != VIEW_NONE && !synthesis_is_whole(candidate->synthesis, view));
    return view;
}

/* A whole view, then what stands on it, while its records are at hand. */
static enum status take_view(struct reading *reading, uint32_t view)
{
    const struct candidate *candidate = reading->candidate;
    const struct flatten_view *zones = &candidate->plan->views[view];
    enum status result = take_zones(reading, view);

    for (size_t i = 0; i < zones->count && is_about_the_tree(result); i++)
        result = worse(result, take_layers(reading, zones->zones[i]));
    for (uint32_t i = 0; i < candidate->policy->view_count && is_about_the_tree(result); i++)
        if (synthesis_is_whole(candidate->synthesis, i) && whole_base(candidate, i) == view)
            result = worse(result, take_view(reading, i));
    layers_drop_view(&reading->layers, view);
    return result;
}

/* All errors of all files; stops only where going on makes no sense (memory, store). */
static enum status take_all(struct reading *reading)
{
    const struct candidate *candidate = reading->candidate;
    const struct flatten *plan = candidate->plan;
    enum status result = STATUS_OK;

    reading->progress = (struct candidate_progress){.files_all = plan->file_count, .is_reading = true};
    for (size_t i = 0; i < plan->file_count && is_about_the_tree(result); i++) {
        const struct flatten_file *file = &plan->files[i];
        if (!file->is_served || (file->base == FLATTEN_NONE && !is_whole(reading, i)))
            result = worse(result, take_tree(reading, i));
    }
    for (uint32_t i = 0; i < plan->view_count && is_about_the_tree(result); i++)
        if (synthesis_is_whole(candidate->synthesis, i) && whole_base(candidate, i) == VIEW_NONE)
            result = worse(result, take_view(reading, i));
    reading->progress.is_reading = false;
    tell_progress(reading);
    return result;
}

static enum status take_files(struct reading *reading)
{
    struct candidate *candidate = reading->candidate;
    enum status result = flatten_plan(reading->options->source, candidate->synthesis, reading->diag, &candidate->plan);

    if (candidate->plan == NULL)
        return tree_status(result);
    reading->layers.source = reading->options->source;
    reading->layers.policy = candidate->policy;
    reading->layers.synthesis = candidate->synthesis;
    reading->layers.plan = candidate->plan;
    reading->layers.progress = records_read;
    reading->layers.progress_context = reading;
    reading->layers.memory_max =
        reading->options->memory_max != 0 ? reading->options->memory_max : CANDIDATE_MEMORY_DEFAULT;
    candidate->files = memory_zalloc(candidate->plan->file_count, sizeof *candidate->files);
    if (candidate->files == NULL || layers_init(&reading->layers) != STATUS_OK)
        return STATUS_NO_MEMORY;
    return worse(result, take_all(reading));
}

static enum status read_all(struct reading *reading)
{
    enum status status = STATUS_OK;

    if (reading->options->store != NULL)
        status = snapshot_open(reading->options->store, reading->diag, &reading->snapshot);
    if (status == STATUS_OK)
        status = read_policy(reading);
    if (status == STATUS_OK)
        status = synthesis_new(reading->candidate->policy, reading->diag, &reading->candidate->synthesis);
    if (status == STATUS_OK)
        status = take_files(reading);
    if (status != STATUS_OK)
        return status;
    candidate_count(reading->candidate);
    return name_commit(reading);
}

static void reading_clear(struct reading *reading)
{
    if (reading->snapshot != NULL)
        snapshot_close(reading->snapshot);
    folder_digest_clear(&reading->folder);
    layers_clear(&reading->layers);
}

enum status candidate_read(const struct candidate_options *options, struct diag *diag, struct candidate **candidate)
{
    struct reading reading = {.options = options, .diag = diag};

    assert(options->images != CANDIDATE_STORE || options->store != NULL);
    *candidate = NULL;
    reading.candidate = memory_zalloc(1, sizeof *reading.candidate);
    if (reading.candidate == NULL)
        return STATUS_NO_MEMORY;
    reading.candidate->source = options->source;
    reading.candidate->store = options->store;
    reading.candidate->images = options->images;
    enum status status = read_all(&reading);
    reading_clear(&reading);
    if (status != STATUS_OK) {
        candidate_free(reading.candidate);
        return status;
    }
    *candidate = reading.candidate;
    return STATUS_OK;
}

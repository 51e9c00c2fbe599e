/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/layers.h"

#include "policy/autodiscover_merge.h"
#include "policy/options.h"
#include "policy/overlay.h"
#include "policy/ttl.h"
#include "zones/memory.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <string.h>

/* What a record costs while its zone is read and compiled, about: its place in two lists, and its bytes in the text's
 * arena and in the image. Measured with short records; long ones are bounded by the arena's own limit. */
#define RECORD_MEMORY 300
#define ARENA_SHARE   3 /* of the memory, the arena gets one part in so many */

/* A zone under way. */
struct making {
    struct layers *layers;
    struct diag *diag;
    size_t index;
    const struct flatten_file *file;
    struct zone *own;                  /* the view's own records; NULL: there is no file */
    struct autodiscover_merged merged; /* what facts add */
    struct zone *facts;                /* its records; NULL: none */
    struct overlay_hide *hides;        /* the view's and the facts'; NULL: the file's alone */
    size_t hide_count;
};

static const struct flatten_file *plan_file(const struct layers *layers, size_t index)
{
    return &layers->plan->files[index];
}

static bool is_whole(const struct layers *layers, size_t index)
{
    return synthesis_is_whole(layers->synthesis, plan_file(layers, index)->view);
}

/* Reading one file failed: whatever the reason, it is the tree that is not as it should be. */
static enum status tree_status(enum status status)
{
    if (status == STATUS_IO || status == STATUS_TOO_LARGE || status == STATUS_NOT_FOUND)
        return STATUS_BAD_INPUT;
    return status;
}

/* Text to records. */

enum status layers_read(const struct layers *layers, size_t index, struct source_file *text, struct diag *diag)
{
    const struct flatten_file *file = plan_file(layers, index);

    if (!file->has_text)
        return STATUS_OK;
    enum status status = source_read(layers->source, file->path, text, diag);
    if (status == STATUS_NOT_FOUND)
        return diag_error(diag, &(struct place){.file = file->path}, "the file cannot be read: no such file");
    return tree_status(status);
}

void layers_forget_includes(struct layers *layers, size_t index)
{
    struct layer *layer = &layers->files[index];

    for (size_t i = 0; i < layer->include_count; i++)
        memory_free((void *)(uintptr_t)layer->includes[i].path);
    memory_free(layer->includes);
    layer->includes = NULL;
    layer->include_count = 0;
    layer->include_capacity = 0;
}

/* What the zone's file included. */
static enum status find_includes(struct making *making)
{
    struct layer *layer = &making->layers->files[making->index];
    enum status status = STATUS_OK;

    layers_forget_includes(making->layers, making->index);
    for (size_t i = 0; i < making->own->file_count && status == STATUS_OK; i++) {
        const char *path = making->own->files[i];
        if (strcmp(path, making->file->path) == 0)
            continue;
        struct input_file *includes =
            memory_grow(layer->includes, layer->include_count, &layer->include_capacity, sizeof *includes);
        if (includes == NULL)
            return STATUS_NO_MEMORY;
        layer->includes = includes;
        struct input_file *include = &includes[layer->include_count];
        include->path = memory_copy_text(path, strlen(path));
        if (include->path == NULL)
            return STATUS_NO_MEMORY;
        layer->include_count++;
        status = source_file_id(making->layers->source, include->path, include->id, making->diag);
    }
    return tree_status(status);
}

static enum status too_large(const struct making *making)
{
    return diag_fail(making->diag, STATUS_TOO_LARGE, &(struct place){.file = making->file->path},
                     "the zone needs more memory than the import may use for one zone, %llu MiB; wanted a larger "
                     "import-memory in splitview.conf, or a smaller zone",
                     (unsigned long long)(making->layers->memory_max >> 20));
}

static void tell_records(void *context, uint64_t records)
{
    const struct layers *layers = context;

    if (layers->progress != NULL && !layers->is_quiet)
        layers->progress(layers->progress_context, records);
}

static enum status read_zone(struct making *making, const struct source_file *text)
{
    struct layers *layers = making->layers;
    const struct flatten_file *file = making->file;
    const struct policy_view *view = &layers->policy->views[file->view];
    const struct zonefile_options options = {.default_ttl =
                                                 file->mode == ZONE_MODE_FULL ? ZONEFILE_NO_TTL : view->default_ttl,
                                             .records_max = layers->memory_max / RECORD_MEMORY,
                                             .progress = tell_records,
                                             .progress_context = layers};
    struct zone *zone = making->own;
    size_t errors = making->diag->errors;

    if (zone->arena.limit > layers->memory_max / ARENA_SHARE)
        zone->arena.limit = (size_t)(layers->memory_max / ARENA_SHARE);
    enum status status =
        zonefile_read_text(layers->source, file->path, text->data, text->size, &options, zone, making->diag);
    if (status == STATUS_TOO_LARGE && (zone->count >= options.records_max || zone->arena.limit < ZONE_ARENA_MAX))
        return too_large(making);
    if (status == STATUS_TOO_LARGE && making->diag->errors == errors)
        return diag_error(making->diag, &(struct place){.file = file->path}, "the zone passes a limit");
    return tree_status(status);
}

/* What only the view's own file can be blamed for. */
static enum status check_own(struct making *making)
{
    const struct layers *layers = making->layers;
    const char *view = layers->policy->views[making->file->view].name;
    enum status status = layers->is_quiet ? STATUS_OK : find_includes(making);

    if (status == STATUS_OK)
        status = zone_freeze(making->own, making->diag);
    if (status != STATUS_OK || layers->is_quiet)
        return status;
    return depth_check(&layers->depth, layers->plan, making->index, view, making->own, making->diag);
}

/* The view's own records. The text goes as soon as its records are there. */
static enum status read_own(struct making *making, struct source_file *text)
{
    if (!making->file->has_text)
        return STATUS_OK;
    making->own = zone_new(making->file->apex);
    if (making->own == NULL)
        return STATUS_NO_MEMORY;
    making->own->layer = making->file->view;
    enum status status = read_zone(making, text);
    source_file_clear(text);
    return status == STATUS_OK ? check_own(making) : status;
}

/* Facts. */

/* Where other authorities of a view begin. */
static enum status find_borders(struct layers *layers, uint32_t view)
{
    const struct flatten_view *zones = &layers->plan->views[view];
    const struct forward_rules *forward = layers->policy->forward;
    size_t count = zones->count;
    uint32_t line;

    if (layers->borders[view] != NULL)
        return STATUS_OK;
    struct autodiscover_border *borders =
        memory_zalloc(zones->count + forward_domain_count(forward) + 1, sizeof *borders);
    if (borders == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < zones->count; i++)
        borders[i].name = plan_file(layers, zones->zones[i])->apex;
    for (size_t i = 0; i < forward_domain_count(forward); i++)
        if (forward_domain_in(forward, i, view))
            borders[count++] = (struct autodiscover_border){forward_domain(forward, i, &line), true};
    layers->borders[view] = autodiscover_borders_new(borders, count);
    memory_free(borders);
    return layers->borders[view] != NULL ? STATUS_OK : STATUS_NO_MEMORY;
}

static void making_clear(struct making *making)
{
    zone_free(making->facts);
    autodiscover_merged_clear(&making->merged);
    memory_free(making->hides);
}

/* The hides of the facts join those of the view. */
static enum status join_hides(struct making *making)
{
    const struct flatten_file *file = making->file;
    const struct autodiscover_picks *more = &making->merged.hides;

    making->hides = memory_zalloc(file->hide_count + more->count, sizeof *making->hides);
    if (making->hides == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < file->hide_count; i++)
        making->hides[i] = file->hides[i];
    for (size_t i = 0; i < more->count; i++)
        making->hides[file->hide_count + i] = (struct overlay_hide){
            .name = more->items[i]->owner,
            .is_fact = true,
            .place = {.file = making->layers->policy->config->path, .line = more->items[i]->line}};
    making->hide_count = file->hide_count + more->count;
    return STATUS_OK;
}

static enum status merge_facts(struct making *making, const struct zone *base)
{
    struct layers *layers = making->layers;
    const struct flatten_file *file = making->file;
    bool is_overlay = file->mode == ZONE_MODE_OVERLAY;
    struct autodiscover_hidden *hidden = memory_zalloc(file->hide_count + 1, sizeof *hidden);
    struct autodiscover_merge_input input = {.facts = layers->synthesis->views[file->view],
                                             .apex = file->apex,
                                             .own = making->own,
                                             .base = is_overlay ? base : NULL,
                                             .hidden = hidden,
                                             .misses_go_on =
                                                 file->mode == ZONE_MODE_PINPOINT || (is_overlay && base->pinpoint)};

    enum status status = hidden == NULL ? STATUS_NO_MEMORY : find_borders(layers, file->view);
    for (size_t i = 0; i < file->hide_count && status == STATUS_OK; i++)
        if (!file->hides[i].below)
            hidden[input.hidden_count++] =
                (struct autodiscover_hidden){.name = file->hides[i].name, .line = file->hides[i].place.line};
    input.borders = layers->borders[file->view];
    if (status == STATUS_OK)
        status = autodiscover_merge(&input, making->diag, &making->merged);
    if (status == STATUS_OK && !layers->is_quiet)
        synthesis_tell(layers->synthesis, file->view, &making->merged.elsewhere, SYNTHESIS_BELOW_CUT, making->diag);
    if (status == STATUS_OK && making->merged.records.count > 0)
        status = autodiscover_merged_zone(&making->merged, &input, file->view, making->diag, &making->facts);
    if (status == STATUS_OK && making->merged.hides.count > 0)
        status = join_hides(making);
    memory_free(hidden);
    return status;
}

/* Layers. */

static enum status find_flat(struct layers *layers, size_t index, struct diag *diag);

/* Put the layers together; making->own is taken. */
static enum status make_flat(struct making *making, struct zone **flat)
{
    struct layers *layers = making->layers;
    const struct flatten_file *file = making->file;
    const struct zone *base = NULL;
    enum status status = STATUS_OK;

    if (file->base != FLATTEN_NONE) {
        status = find_flat(layers, file->base, making->diag);
        base = layers->files[file->base].flat;
    }
    if (status == STATUS_OK && synthesis_has_facts(layers->synthesis, file->view, file->apex))
        status = merge_facts(making, base);
    const struct overlay_input input = {.apex = file->apex,
                                        .view = file->view,
                                        .mode = file->mode,
                                        .base = base,
                                        .own = making->own,
                                        .facts = making->facts,
                                        .hides = making->hides != NULL ? making->hides : file->hides,
                                        .hide_count = making->hides != NULL ? making->hide_count : file->hide_count,
                                        .forwards = file->forwards,
                                        .forward_count = file->forward_count};
    if (status == STATUS_OK && overlay_is_own(&input)) {
        *flat = making->own;
        making->own = NULL;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = overlay_build(&input, making->diag, flat);
    zone_free(making->own);
    making->own = NULL;
    return status;
}

static bool is_own_message(const struct zone *flat, uint32_t view, const struct diag_message *message)
{
    for (size_t i = 0; message->file != NULL && i < flat->file_count; i++)
        if (flat->layers[i] == view && strcmp(flat->files[i], message->file) == 0)
            return true;
    return message->file == NULL;
}

/* Judge the flat zone. What was said of the base's records, or could be, is not said again. */
static enum status check_flat(struct making *making, const struct zone *flat)
{
    const struct flatten_file *file = making->file;
    struct diag found;

    diag_init(&found);
    enum status status = zonecheck_run(flat, file->path, &found);
    for (size_t i = 0; i < found.count; i++) {
        const struct diag_message *message = &found.messages[i];
        const struct place place = {.file = message->file, .line = message->line, .column = message->column};
        if (message->severity == SEVERITY_ERROR || is_own_message(flat, file->view, message))
            diag_add(making->diag, message->severity, &place, "%s", message->text != NULL ? message->text : "");
    }
    diag_clear(&found);
    return status == STATUS_OK ? leak_check(making->layers->synthesis->leak, file->view, flat, making->diag) : status;
}

/* One zone from its text to its flat records. */
static enum status make_zone(struct making *making, struct source_file *text, struct zone **flat)
{
    enum status status = read_own(making, text);

    *flat = NULL;
    if (status != STATUS_OK) {
        const struct zone *own = making->own;
        /* The errors of a zone that stands alone are found all at once. */
        if (status == STATUS_BAD_INPUT && own != NULL && own->frozen && making->file->mode == ZONE_MODE_FULL)
            zonecheck_run(own, making->file->path, making->diag);
        zone_free(making->own);
        making->own = NULL;
        return status;
    }
    status = make_flat(making, flat);
    if (status != STATUS_OK || making->layers->is_quiet)
        return status;
    return check_flat(making, *flat);
}

static size_t zone_memory(const struct zone *zone)
{
    return sizeof *zone + zone->arena.capacity + zone->capacity * sizeof *zone->records +
           zone->mark_capacity * sizeof *zone->marks + zone->change_capacity * sizeof *zone->changes +
           zone->cnames.capacity;
}

/* Zones of a view that are made together are in memory together. */
static enum status hold(struct layers *layers, size_t index, struct diag *diag)
{
    const struct flatten_file *file = plan_file(layers, index);
    struct layer *layer = &layers->files[index];

    layer->size = zone_memory(layer->flat);
    layers->held += layer->size;
    if (layers->held <= layers->memory_max)
        return STATUS_OK;
    return diag_fail(diag, STATUS_TOO_LARGE, NULL,
                     "[ttl] rules need all zones of view %s in memory at the same time, and these pass what the import "
                     "may use, %llu MiB; wanted a larger import-memory in splitview.conf, or [ttl] rules whose views "
                     "leave out this one",
                     layers->policy->views[file->view].name, (unsigned long long)(layers->memory_max >> 20));
}

enum status layers_make(struct layers *layers, size_t index, struct source_file *text, struct diag *diag)
{
    struct making making = {.layers = layers, .diag = diag, .index = index, .file = plan_file(layers, index)};
    struct layer *layer = &layers->files[index];
    struct zone *flat;

    assert(layer->flat == NULL);
    enum status status = make_zone(&making, text, &flat);
    making_clear(&making);
    if (status != STATUS_OK) {
        zone_free(flat);
        return status;
    }
    layer->flat = flat;
    layer->is_fine = true;
    return is_whole(layers, index) ? hold(layers, index, diag) : STATUS_OK;
}

enum status layers_finish_view(struct layers *layers, uint32_t view, struct diag *diag)
{
    const struct flatten_view *zones = &layers->plan->views[view];
    struct zone **flats = memory_zalloc(zones->count + 1, sizeof(struct zone *));

    if (flats == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < zones->count; i++) {
        flats[i] = layers->files[zones->zones[i]].flat;
        assert(plan_file(layers, zones->zones[i])->view == view && flats[i] != NULL);
    }
    enum status status = ttl_apply(layers->policy, view, flats, zones->count, diag);
    memory_free(flats);
    return status;
}

/* Once more. */

static enum status make_again(struct layers *layers, size_t index, struct diag *diag)
{
    struct source_file text = {NULL, 0};
    enum status status = layers_read(layers, index, &text, diag);

    if (status == STATUS_OK)
        status = layers_make(layers, index, &text, diag);
    source_file_clear(&text);
    return status;
}

static enum status make_view_again(struct layers *layers, uint32_t view, struct diag *diag)
{
    const struct flatten_view *zones = &layers->plan->views[view];
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++)
        if (!layers->files[zones->zones[i]].is_fine)
            return STATUS_BAD_INPUT;
    layers_drop_view(layers, view);
    for (size_t i = 0; i < zones->count && status == STATUS_OK; i++) {
        status = make_again(layers, zones->zones[i], diag);
        layers_drop_below(layers, zones->zones[i]);
    }
    return status == STATUS_OK ? layers_finish_view(layers, view, diag) : status;
}

/* Has the zone below its flat records? If it was known, or was dropped, it is made now. It said all it had to say
 * before; only that memory does not suffice is new. */
static enum status find_flat(struct layers *layers, size_t index, struct diag *diag)
{
    bool is_quiet = layers->is_quiet;
    struct diag ignored;

    if (layers->files[index].flat != NULL)
        return STATUS_OK;
    if (!layers->files[index].is_fine)
        return STATUS_BAD_INPUT; /* and has said so */
    diag_init(&ignored);
    layers->is_quiet = true;
    enum status status = is_whole(layers, index) ? make_view_again(layers, plan_file(layers, index)->view, &ignored)
                                                 : make_again(layers, index, &ignored);
    layers->is_quiet = is_quiet;
    for (size_t i = 0; status == STATUS_TOO_LARGE && i < ignored.count; i++)
        if (ignored.messages[i].severity == SEVERITY_ERROR)
            diag_add(diag, SEVERITY_ERROR, NULL, "%s",
                     ignored.messages[i].text != NULL ? ignored.messages[i].text : "");
    diag_clear(&ignored);
    return status;
}

void layers_drop(struct layers *layers, size_t index)
{
    struct layer *layer = &layers->files[index];

    layers->held -= layer->size;
    layer->size = 0;
    zone_free(layer->flat);
    layer->flat = NULL;
}

void layers_drop_view(struct layers *layers, uint32_t view)
{
    const struct flatten_view *zones = &layers->plan->views[view];

    for (size_t i = 0; i < zones->count; i++)
        if (plan_file(layers, zones->zones[i])->view == view)
            layers_drop(layers, zones->zones[i]);
}

void layers_drop_below(struct layers *layers, size_t index)
{
    for (size_t i = plan_file(layers, index)->base; i != FLATTEN_NONE && !is_whole(layers, i);
         i = plan_file(layers, i)->base)
        layers_drop(layers, i);
}

/* All. */

enum status layers_init(struct layers *layers)
{
    const struct flatten *plan = layers->plan;
    size_t count = plan->file_count;

    layers->files = memory_zalloc(count + 1, sizeof *layers->files);
    layers->borders = memory_zalloc(plan->view_count, sizeof(struct autodiscover_borders *));
    if (layers->files == NULL || layers->borders == NULL || depth_init(&layers->depth, plan) != STATUS_OK)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        layers->files[i].first_above = layers->files[i].next_above = FLATTEN_NONE;
    for (size_t i = count; i-- > 0;) {
        const struct flatten_file *file = &plan->files[i];
        if (!file->is_served || file->base == FLATTEN_NONE)
            continue;
        layers->files[i].next_above = layers->files[file->base].first_above;
        layers->files[file->base].first_above = i;
    }
    return STATUS_OK;
}

void layers_clear(struct layers *layers)
{
    for (size_t i = 0; layers->files != NULL && i < layers->plan->file_count; i++) {
        layers_drop(layers, i);
        layers_forget_includes(layers, i);
    }
    for (uint32_t i = 0; layers->borders != NULL && i < layers->plan->view_count; i++)
        autodiscover_borders_free(layers->borders[i]);
    memory_free(layers->borders);
    memory_free(layers->files);
    depth_clear(&layers->depth);
}

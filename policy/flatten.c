/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/flatten.h"

#include "policy/flatten_forward.h"
#include "policy/policy_check.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_NAMES_TEXT_MAX 400 /* bytes of a list of views in a message */

/* What flatten_plan works with. */
struct flatten_work {
    struct source *source;
    const struct policy *policy;
    const struct synthesis *synthesis;
    struct diag *diag;
    struct flatten *plan;
    size_t file_capacity;
    const struct policy_zone **sections; /* by apex */
    bool *resolved;                      /* per view */
    bool bad_input;
};

static int apex_compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    if (order != 0)
        return order;
    return (a_size > b_size) - (a_size < b_size);
}

static int file_compare(const void *left, const void *right)
{
    const struct flatten_file *a = left;
    const struct flatten_file *b = right;

    if (a->view != b->view)
        return a->view < b->view ? -1 : 1;
    int order = apex_compare(a->apex, a->size, b->apex, b->size);
    return order != 0 ? order : strcmp(a->path, b->path);
}

/* The text of a name without the final dot, as operators write apexes. */
static void apex_text(const uint8_t *apex, char text[NAME_TEXT_MAX])
{
    size_t length = name_to_text(apex, text);

    if (length > 1 && text[length - 1] == '.')
        text[length - 1] = '\0';
}

static void list_view_names(const struct policy *policy, char text[VIEW_NAMES_TEXT_MAX])
{
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < policy->view_count; i++) {
        const char *name = policy->views[i].name;
        int written = snprintf(text + used, VIEW_NAMES_TEXT_MAX - used, i == 0 ? "[view %s]" : ", [view %s]", name);
        if (written < 0 || (size_t)written >= VIEW_NAMES_TEXT_MAX - used) {
            snprintf(text + VIEW_NAMES_TEXT_MAX - 5, 5, " ...");
            return;
        }
        used += (size_t)written;
    }
}

/* Files. */

static bool has_zone_suffix(const char *name)
{
    size_t length = strlen(name);

    return length >= 5 && strcmp(name + length - 5, ".zone") == 0;
}

static char *join_path(const char *folder, const char *name)
{
    size_t folder_size = strlen(folder);
    size_t length = strlen(name);
    char *path = memory_alloc(folder_size + 1 + length + 1);

    if (path == NULL)
        return NULL;
    memcpy(path, folder, folder_size);
    path[folder_size] = '/';
    memcpy(path + folder_size + 1, name, length + 1);
    return path;
}

/* `path` is taken, also on failure. */
static enum status add_file(struct flatten_work *work, uint32_t view, char *path, const uint8_t *apex,
                            const struct source_entry *entry)
{
    uint8_t lower[NAME_SIZE_MAX];
    size_t size = name_to_lower(apex, lower);
    uint8_t *copy = memory_alloc(size);
    struct flatten_file *files =
        memory_grow(work->plan->files, work->plan->file_count, &work->file_capacity, sizeof *files);

    if (files != NULL)
        work->plan->files = files;
    if (files == NULL || copy == NULL) {
        memory_free(copy);
        memory_free(path);
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, lower, size);
    struct flatten_file *file = &files[work->plan->file_count++];
    *file = (struct flatten_file){.path = path,
                                  .apex = copy,
                                  .size = (uint8_t)size,
                                  .is_served = true,
                                  .has_text = true,
                                  .view = view,
                                  .mode = ZONE_MODE_FULL,
                                  .base = FLATTEN_NONE};
    file->has_id = entry->has_id;
    memcpy(file->id, entry->id, sizeof file->id);
    return STATUS_OK;
}

static enum status add_zone_file(struct flatten_work *work, uint32_t view, const char *folder,
                                 const struct source_entry *entry)
{
    uint8_t apex[NAME_SIZE_MAX];
    size_t size = 0;
    char *path = join_path(folder, entry->name);

    if (path == NULL)
        return STATUS_NO_MEMORY;
    if (zonefile_apex(entry->name, apex, &size) == STATUS_OK)
        return add_file(work, view, path, apex, entry);
    diag_error(work->diag, &(struct place){.file = path},
               "the file name is no zone's: wanted APEX.zone, such as harbor.example.zone, with %%2F for a slash and "
               "@.zone for the root");
    memory_free(path);
    work->bad_input = true;
    return STATUS_OK;
}

static void report_unknown_folder(struct flatten_work *work, const char *folder, const char *name)
{
    char known[VIEW_NAMES_TEXT_MAX];
    char *path = join_path(folder, name);

    list_view_names(work->policy, known);
    diag_error(work->diag, &(struct place){.file = path != NULL ? path : folder},
               "folder %s holds a zone file but policy.conf has no [view %s]; wanted one of %s", folder, folder, known);
    memory_free(path);
    work->bad_input = true;
}

static enum status read_folder(struct flatten_work *work, const char *folder)
{
    struct source_listing listing;
    uint32_t view = policy_find_view(work->policy, folder);
    enum status status = source_list(work->source, folder, &listing, work->diag);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < listing.count && status == STATUS_OK; i++) {
        const struct source_entry *entry = &listing.entries[i];
        if (entry->is_folder || !has_zone_suffix(entry->name))
            continue;
        if (view == VIEW_NONE) {
            report_unknown_folder(work, folder, entry->name);
            break;
        }
        status = add_zone_file(work, view, folder, entry);
    }
    source_listing_clear(&listing);
    return status;
}

static void report_doubles(struct flatten_work *work)
{
    const struct flatten *plan = work->plan;

    for (size_t i = 1; i < plan->file_count; i++) {
        const struct flatten_file *a = &plan->files[i - 1];
        const struct flatten_file *b = &plan->files[i];
        if (a->view != b->view || apex_compare(a->apex, a->size, b->apex, b->size) != 0)
            continue;
        char text[NAME_TEXT_MAX];
        apex_text(b->apex, text);
        diag_error(work->diag, &(struct place){.file = b->path},
                   "zone %s stands in view %s twice: also in %s; wanted one file", text,
                   work->policy->views[b->view].name, a->path);
        work->bad_input = true;
    }
}

static enum status read_folders(struct flatten_work *work)
{
    struct source_listing listing;
    enum status status = source_list(work->source, "", &listing, work->diag);

    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < listing.count && status == STATUS_OK; i++)
        if (listing.entries[i].is_folder)
            status = read_folder(work, listing.entries[i].name);
    source_listing_clear(&listing);
    if (status != STATUS_OK)
        return status;

    struct flatten *plan = work->plan;
    if (plan->file_count > 0)
        qsort(plan->files, plan->file_count, sizeof *plan->files, file_compare);
    size_t next = 0;
    for (uint32_t view = 0; view <= plan->view_count; view++) {
        while (next < plan->file_count && plan->files[next].view < view)
            next++;
        work->plan->first_file[view] = next;
    }
    report_doubles(work);
    return STATUS_OK;
}

/* Finding. */

size_t flatten_find_own(const struct flatten *plan, uint32_t view, const uint8_t *apex)
{
    size_t size = name_size(apex);
    size_t low = plan->first_file[view];
    size_t high = plan->first_file[view + 1];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct flatten_file *file = &plan->files[middle];
        int order = apex_compare(apex, size, file->apex, file->size);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return FLATTEN_NONE;
}

/* The zone of exactly this apex that a resolved view serves, a number of plan->files; FLATTEN_NONE. *place: where it
 * stands in the view's list, or would. */
size_t flatten_find_served(const struct flatten *plan, uint32_t view, const uint8_t *apex, size_t *place)
{
    const struct flatten_view *zones = &plan->views[view];
    size_t size = name_size(apex);
    size_t low = 0;
    size_t high = zones->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct flatten_file *file = &plan->files[zones->zones[middle]];
        int order = apex_compare(apex, size, file->apex, file->size);
        if (order == 0) {
            *place = middle;
            return zones->zones[middle];
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    *place = low;
    return FLATTEN_NONE;
}

/* What the view's base serves at an apex. */
static size_t find_base(const struct flatten_work *work, uint32_t view, const uint8_t *apex)
{
    uint32_t base = work->policy->views[view].base;
    uint8_t lower[NAME_SIZE_MAX];
    size_t place;

    name_to_lower(apex, lower);
    return base == VIEW_NONE ? FLATTEN_NONE : flatten_find_served(work->plan, base, lower, &place);
}

/* Some order of names that does not see case: by size, then by lowered octets. */
static int compare_sections(const void *left, const void *right)
{
    uint8_t a[NAME_SIZE_MAX];
    uint8_t b[NAME_SIZE_MAX];
    size_t a_size = name_to_lower((*(const struct policy_zone *const *)left)->apex, a);
    size_t b_size = name_to_lower((*(const struct policy_zone *const *)right)->apex, b);

    return a_size != b_size ? (a_size < b_size ? -1 : 1) : memcmp(a, b, a_size);
}

static enum status sort_sections(struct flatten_work *work)
{
    size_t count = work->policy->zone_count;

    work->sections = memory_zalloc(count, sizeof *work->sections);
    if (work->sections == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        work->sections[i] = &work->policy->zones[i];
    if (count > 0)
        qsort(work->sections, count, sizeof *work->sections, compare_sections);
    return STATUS_OK;
}

static const struct policy_zone *find_zone_section(const struct flatten_work *work, const uint8_t *apex)
{
    size_t low = 0;
    size_t high = work->policy->zone_count;
    struct policy_zone wanted;
    const struct policy_zone *key = &wanted;

    if (high == 0)
        return NULL;
    memcpy(wanted.apex, apex, name_size(apex));
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_sections(&key, &work->sections[middle]);
        if (order == 0)
            return work->sections[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* As policy_zone_mode. */
static enum zone_mode section_mode(const struct policy_zone *zone, uint32_t view)
{
    if (zone == NULL)
        return ZONE_MODE_DEFAULT;
    return zone->view_modes[view] != ZONE_MODE_DEFAULT ? zone->view_modes[view] : zone->mode;
}

/* Modes. */

static const char *mode_text(enum zone_mode mode)
{
    static const char *const texts[] = {"default", "full", "overlay", "pinpoint", "none"};

    assert((size_t)mode < sizeof texts / sizeof texts[0]);
    return texts[mode];
}

static void report_mode(struct flatten_work *work, const uint8_t *apex, uint32_t view, enum zone_mode mode,
                        const char *why)
{
    const struct policy_zone *zone = find_zone_section(work, apex);
    struct place place = {.file = work->policy->config->path, .line = zone != NULL ? zone->line : 0};
    char text[NAME_TEXT_MAX];

    apex_text(apex, text);
    diag_error(work->diag, &place, "[zone %s]: found mode %s in view %s, %s", text, mode_text(mode),
               work->policy->views[view].name, why);
    work->bad_input = true;
}

/* Is this file what its view serves, and how (P5)? */
static bool judge_own(struct flatten_work *work, struct flatten_file *file)
{
    file->mode = section_mode(find_zone_section(work, file->apex), file->view);
    file->base = find_base(work, file->view, file->apex);
    switch (file->mode) {
    case ZONE_MODE_NONE:
        diag_add(work->diag, SEVERITY_WARNING, &(struct place){.file = file->path},
                 "policy.conf says mode none for view %s: the file is not served",
                 work->policy->views[file->view].name);
        return false;
    case ZONE_MODE_DEFAULT:
        file->mode = file->base != FLATTEN_NONE ? ZONE_MODE_OVERLAY : ZONE_MODE_FULL;
        return true;
    case ZONE_MODE_OVERLAY:
        if (file->base != FLATTEN_NONE)
            return true;
        report_mode(work, file->apex, file->view, file->mode, "but its base has no such zone");
        return false;
    case ZONE_MODE_FULL:
        file->base = FLATTEN_NONE;
        return true;
    case ZONE_MODE_PINPOINT:
        return true;
    }
    return true;
}

/* A9: an own full or pinpoint zone above the apex, by a file or mode.VIEW, keeps the base's zones below it out. */
static bool lies_below_own(const struct flatten_work *work, uint32_t view, const uint8_t *apex)
{
    for (const uint8_t *name = apex; name[0] != 0;) {
        name = name_parent(name);
        size_t own = flatten_find_own(work->plan, view, name);
        const struct policy_zone *zone = own == FLATTEN_NONE ? find_zone_section(work, name) : NULL;
        if (own != FLATTEN_NONE && work->plan->files[own].is_served && work->plan->files[own].mode != ZONE_MODE_OVERLAY)
            return true;
        if (zone != NULL && zone->view_modes[view] == ZONE_MODE_PINPOINT)
            return true;
    }
    return false;
}

/* A5: `hide = *.SUFFIX` takes the base's zones below SUFFIX with it. */
static bool lies_below_hide(const struct flatten_work *work, uint32_t view, const uint8_t *apex)
{
    const struct config_setting *hide = config_find(policy_view_section(work->policy, view), "hide");

    for (size_t i = 0; hide != NULL && i < hide->value_count; i++)
        if (hide->values[i].any && name_is_at_or_below(apex, hide->values[i].name) &&
            !name_equal(apex, hide->values[i].name))
            return true;
    return false;
}

/* How a view takes a zone of its base for which it has no file: NONE, OVERLAY (as it is) or PINPOINT. */
static enum zone_mode judge_inherited(struct flatten_work *work, uint32_t view, const struct flatten_file *file)
{
    const struct policy_zone *zone = find_zone_section(work, file->apex);
    enum zone_mode own = zone != NULL ? zone->view_modes[view] : ZONE_MODE_DEFAULT;
    enum zone_mode mode = section_mode(zone, view);

    if (own == ZONE_MODE_DEFAULT && (lies_below_own(work, view, file->apex) || lies_below_hide(work, view, file->apex)))
        return ZONE_MODE_NONE;
    if (mode == ZONE_MODE_FULL)
        report_mode(work, file->apex, view, mode, "but that view has no file for it");
    return mode == ZONE_MODE_NONE || mode == ZONE_MODE_PINPOINT ? mode : ZONE_MODE_OVERLAY;
}

/* mode.VIEW lines about a zone that the view has neither by a file nor by its base. */
static void judge_section(struct flatten_work *work, const struct policy_zone *zone)
{
    bool is_anywhere = false;

    for (uint32_t view = 0; view < work->policy->view_count; view++) {
        enum zone_mode mode = zone->view_modes[view];
        if (mode == ZONE_MODE_PINPOINT || flatten_find_own(work->plan, view, zone->apex) != FLATTEN_NONE ||
            find_base(work, view, zone->apex) != FLATTEN_NONE) {
            is_anywhere = true;
            continue;
        }
        if (mode == ZONE_MODE_FULL)
            report_mode(work, zone->apex, view, mode, "but that view has no file for it");
        else if (mode == ZONE_MODE_OVERLAY)
            report_mode(work, zone->apex, view, mode, "but its base has no such zone");
    }
    if (is_anywhere)
        return;
    char text[NAME_TEXT_MAX];
    apex_text(zone->apex, text);
    diag_add(work->diag, SEVERITY_WARNING, &(struct place){.file = work->policy->config->path, .line = zone->line},
             "[zone %s]: no view has this zone; wanted a file VIEW/%s.zone", text, text);
}

/* Views. */

/* A zone of a view that has no file for it. Its number goes to *index. */
static enum status make_zone(struct flatten_work *work, uint32_t view, const uint8_t *apex, enum zone_mode mode,
                             size_t *index)
{
    const char *policy_path = work->policy->config->path;
    char *path = memory_copy_text(policy_path, strlen(policy_path));
    const struct source_entry none = {0};

    if (path == NULL)
        return STATUS_NO_MEMORY;
    enum status status = add_file(work, view, path, apex, &none);
    if (status != STATUS_OK)
        return status;
    *index = work->plan->file_count - 1;
    struct flatten_file *file = &work->plan->files[*index];
    file->has_text = false;
    file->mode = mode;
    file->base = find_base(work, view, file->apex);
    return STATUS_OK;
}

/* Merge the view's own files with what its base serves, both in order of apexes. */
static enum status merge_view(struct flatten_work *work, uint32_t view, struct flatten_view *zones)
{
    struct flatten *plan = work->plan;
    uint32_t base = work->policy->views[view].base;
    const struct flatten_view *from = base != VIEW_NONE ? &plan->views[base] : NULL;
    size_t own = plan->first_file[view];
    size_t own_end = plan->first_file[view + 1];
    size_t inherited = 0;
    size_t inherited_end = from != NULL ? from->count : 0;
    enum status status = STATUS_OK;

    while (status == STATUS_OK && (own < own_end || inherited < inherited_end)) {
        int order = own == own_end ? 1 : -1;
        if (own < own_end && inherited < inherited_end) {
            const struct flatten_file *a = &plan->files[own];
            const struct flatten_file *b = &plan->files[from->zones[inherited]];
            order = apex_compare(a->apex, a->size, b->apex, b->size);
        }
        if (order <= 0) {
            if (plan->files[own].is_served)
                zones->zones[zones->count++] = own;
            own++;
        }
        if (order == 0) /* the own file stands for it, or its mode is none */
            inherited++;
        if (order > 0) {
            size_t index = from->zones[inherited++];
            enum zone_mode mode = judge_inherited(work, view, &plan->files[index]);
            if (mode == ZONE_MODE_PINPOINT)
                status = make_zone(work, view, plan->files[index].apex, mode, &index);
            if (mode != ZONE_MODE_NONE)
                zones->zones[zones->count++] = index;
        }
    }
    return status;
}

/* Pinpoint zones that the view has by mode.VIEW alone. */
static enum status add_pinpoints(struct flatten_work *work, uint32_t view, struct flatten_view *zones)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < work->policy->zone_count && status == STATUS_OK; i++) {
        const struct policy_zone *zone = &work->policy->zones[i];
        uint8_t lower[NAME_SIZE_MAX];
        size_t place;
        size_t index;
        name_to_lower(zone->apex, lower);
        if (zone->view_modes[view] != ZONE_MODE_PINPOINT ||
            flatten_find_served(work->plan, view, lower, &place) != FLATTEN_NONE)
            continue;
        status = make_zone(work, view, lower, ZONE_MODE_PINPOINT, &index);
        if (status != STATUS_OK)
            return status;
        memmove(zones->zones + place + 1, zones->zones + place, (zones->count - place) * sizeof *zones->zones);
        zones->zones[place] = index;
        zones->count++;
    }
    return status;
}

/* Zone number `place` of a view's list becomes the view's own, if it is inherited as it is. */
static enum status own_zone(struct flatten_work *work, uint32_t view, size_t place, size_t *index)
{
    struct flatten_view *zones = &work->plan->views[view];
    enum status status = STATUS_OK;

    *index = zones->zones[place];
    if (work->plan->files[*index].view != view)
        status = make_zone(work, view, work->plan->files[*index].apex, ZONE_MODE_OVERLAY, index);
    if (status == STATUS_OK)
        zones->zones[place] = *index;
    return status;
}

/* The zones that the view's facts have something to say in. */
static enum status place_facts(struct flatten_work *work, uint32_t view)
{
    const struct autodiscover *facts = work->synthesis->views[view];
    enum status status = STATUS_OK;

    for (size_t i = 0; facts != NULL && i < facts->count && status == STATUS_OK; i++) {
        uint8_t lower[NAME_SIZE_MAX];
        size_t place = 0;
        size_t index;
        name_to_lower(facts->entries[i].owner, lower);
        const uint8_t *name = lower;
        while ((index = flatten_find_served(work->plan, view, name, &place)) == FLATTEN_NONE && name[0] != 0)
            name = name_parent(name);
        if (index != FLATTEN_NONE)
            status = own_zone(work, view, place, &index);
    }
    return status;
}

static enum status own_all(struct flatten_work *work, uint32_t view)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < work->plan->views[view].count && status == STATUS_OK; i++) {
        size_t index;
        status = own_zone(work, view, i, &index);
    }
    return status;
}

/* Hides. */

static enum status add_hide(struct flatten_file *file, const struct overlay_hide *hide)
{
    struct overlay_hide *grown = memory_resize(file->hides, (file->hide_count + 1) * sizeof *grown);

    if (grown == NULL)
        return STATUS_NO_MEMORY;
    file->hides = grown;
    grown[file->hide_count++] = *hide;
    return STATUS_OK;
}

/* A hide belongs to the deepest zone of the view at or above its name; an inherited zone becomes the view's own by it.
 */
static enum status place_hide(struct flatten_work *work, uint32_t view, const struct config_value *value)
{
    const struct overlay_hide hide = {
        .name = value->name,
        .below = value->any,
        .place = {.file = work->policy->config->path, .line = value->line},
    };
    uint8_t lower[NAME_SIZE_MAX];
    size_t place = 0;

    name_to_lower(value->name, lower);
    for (const uint8_t *name = lower;; name = name_parent(name)) {
        size_t index = flatten_find_served(work->plan, view, name, &place);
        if (index == FLATTEN_NONE && name[0] != 0)
            continue;
        if (index == FLATTEN_NONE) {
            work->bad_input = true;
            return config_error(work->policy->config, work->diag, policy_view_section(work->policy, view), "hide",
                                value->line, "found %s, which is in no zone of the view, wanted a name in one",
                                value->text) == STATUS_NO_MEMORY
                       ? STATUS_NO_MEMORY
                       : STATUS_OK;
        }
        enum status status = own_zone(work, view, place, &index);
        return status == STATUS_OK ? add_hide(&work->plan->files[index], &hide) : status;
    }
}

static enum status place_hides(struct flatten_work *work, uint32_t view)
{
    const struct config_setting *setting = config_find(policy_view_section(work->policy, view), "hide");
    enum status status = STATUS_OK;

    for (size_t i = 0; setting != NULL && i < setting->value_count && status == STATUS_OK; i++)
        status = place_hide(work, view, &setting->values[i]);
    return status;
}

/* [forward] domains inside zones, when all else about the zones is settled. */
static enum status place_forwards(struct flatten_work *work, uint32_t view)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < forward_domain_count(work->policy->forward) && status == STATUS_OK; i++) {
        size_t place = 0;
        size_t index;
        switch (flatten_claim_forward(work->policy, work->plan, view, i, &place, work->diag)) {
        case FLATTEN_CLAIM_OWN:
            status = own_zone(work, view, place, &index);
            break;
        case FLATTEN_CLAIM_BAD:
            work->bad_input = true;
            break;
        case FLATTEN_CLAIM_NONE:
            break;
        }
    }
    return status == STATUS_OK ? flatten_note_forwards(work->policy, work->plan, view) : status;
}

/* Many views of one base need not hold its list many times. It stays that of `with`. */
static void share_zones(struct flatten *plan, uint32_t view, uint32_t with)
{
    memory_free(plan->views[view].zones);
    plan->views[view].zones = plan->views[with].zones;
    plan->views[view].same_as = with;
}

static enum status resolve_view(struct flatten_work *work, uint32_t view)
{
    struct flatten *plan = work->plan;
    uint32_t base = work->policy->views[view].base;
    size_t room = work->plan->first_file[view + 1] - work->plan->first_file[view];

    if (work->resolved[view])
        return STATUS_OK;
    if (base != VIEW_NONE) {
        enum status status = resolve_view(work, base); /* policy_read refuses circles */
        if (status != STATUS_OK)
            return status;
        room += plan->views[base].count;
    }
    room += work->policy->zone_count;
    plan->views[view].zones = memory_zalloc(room, sizeof *plan->views[view].zones);
    if (plan->views[view].zones == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = work->plan->first_file[view]; i < work->plan->first_file[view + 1]; i++)
        plan->files[i].is_served = judge_own(work, &plan->files[i]);
    struct flatten_view *zones = &plan->views[view];
    zones->same_as = view;
    enum status status = merge_view(work, view, zones);
    if (status == STATUS_OK)
        status = add_pinpoints(work, view, zones);
    if (status == STATUS_OK)
        status = place_hides(work, view);
    if (status == STATUS_OK)
        status = place_facts(work, view);
    if (status == STATUS_OK && synthesis_is_apart(work->synthesis, view))
        status = own_all(work, view);
    if (status == STATUS_OK)
        status = place_forwards(work, view);
    if (status != STATUS_OK)
        return status;
    if (base != VIEW_NONE && zones->count == plan->views[base].count &&
        (zones->count == 0 || memcmp(zones->zones, plan->views[base].zones, zones->count * sizeof *zones->zones) == 0))
        share_zones(plan, view, plan->views[base].same_as);
    work->resolved[view] = true;
    return STATUS_OK;
}

static enum status plan_run(struct flatten_work *work)
{
    enum status status = read_folders(work);

    if (status == STATUS_OK)
        status = sort_sections(work);
    for (uint32_t view = 0; view < work->policy->view_count && status == STATUS_OK; view++)
        status = resolve_view(work, view);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < work->policy->zone_count; i++)
        judge_section(work, &work->policy->zones[i]);
    return work->bad_input ? STATUS_BAD_INPUT : STATUS_OK;
}

enum status flatten_plan(struct source *source, const struct synthesis *synthesis, struct diag *diag,
                         struct flatten **plan)
{
    const struct policy *policy = synthesis->policy;
    struct flatten_work work = {.source = source, .policy = policy, .synthesis = synthesis, .diag = diag};
    enum status status = STATUS_NO_MEMORY;

    *plan = NULL;
    work.plan = memory_zalloc(1, sizeof *work.plan);
    work.resolved = memory_zalloc(policy->view_count, sizeof *work.resolved);
    if (work.plan != NULL) {
        work.plan->view_count = policy->view_count;
        work.plan->views = memory_zalloc(policy->view_count, sizeof *work.plan->views);
        work.plan->first_file = memory_zalloc((size_t)policy->view_count + 1, sizeof *work.plan->first_file);
        if (work.plan->views != NULL && work.plan->first_file != NULL && work.resolved != NULL)
            status = plan_run(&work);
    }
    memory_free(work.sections);
    memory_free(work.resolved);
    if (status == STATUS_OK || status == STATUS_BAD_INPUT)
        *plan = work.plan;
    else
        flatten_free(work.plan);
    return status;
}

void flatten_free(struct flatten *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->file_count; i++) {
        memory_free(plan->files[i].path);
        memory_free(plan->files[i].apex);
        memory_free(plan->files[i].hides);
        memory_free(plan->files[i].forwards);
    }
    for (uint32_t i = 0; i < plan->view_count && plan->views != NULL; i++)
        if (plan->views[i].same_as == i)
            memory_free(plan->views[i].zones);
    memory_free(plan->first_file);
    memory_free(plan->files);
    memory_free(plan->views);
    memory_free(plan);
}

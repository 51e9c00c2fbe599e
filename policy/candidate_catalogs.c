/* SPDX-License-Identifier: BSD-2-Clause */
/* candidate_catalogs: what is made of a candidate that was read: counts, catalogs; and its end. */
#include "policy/candidate.h"

#include "zones/catalog.h"
#include "zones/memory.h"

#include <assert.h>

void candidate_count(struct candidate *candidate)
{
    for (uint32_t view = 0; view < candidate->plan->view_count; view++) {
        const struct flatten_view *zones = &candidate->plan->views[view];
        candidate->zone_count += (uint32_t)zones->count;
        for (size_t i = 0; i < zones->count; i++)
            candidate->record_count += candidate->files[zones->zones[i]].record_count;
    }
}

static enum status build_catalog(struct candidate *candidate, uint32_t view, struct diag *diag)
{
    const struct flatten_view *served = &candidate->plan->views[view];
    struct catalog_zone *zones = memory_zalloc(served->count, sizeof *zones);
    uint8_t *block = NULL;
    size_t size = 0;

    if (zones == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < served->count; i++) {
        const struct candidate_file *file = &candidate->files[served->zones[i]];
        zones[i] = (struct catalog_zone){.apex = candidate->plan->files[served->zones[i]].apex,
                                         .image_id = file->image_id,
                                         .serial = file->serial,
                                         .file_serial = file->file_serial};
    }
    enum status status = catalog_build(zones, served->count, &block, &size);
    memory_free(zones);
    candidate->views[view].catalog = block;
    candidate->views[view].catalog_size = size;
    if (status == STATUS_TOO_LARGE)
        return diag_fail(diag, status, NULL, "view %s holds too many zones for one catalog",
                         candidate->policy->views[view].name);
    return status;
}

enum status candidate_build_catalogs(struct candidate *candidate, struct diag *diag)
{
    const struct flatten *plan = candidate->plan;
    enum status status = STATUS_OK;

    assert(candidate->images != CANDIDATE_DROP && candidate->views == NULL);
    candidate->views = memory_zalloc(plan->view_count, sizeof *candidate->views);
    if (candidate->views == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t view = 0; view < plan->view_count && status == STATUS_OK; view++) {
        candidate->views[view].name = candidate->policy->views[view].name;
        if (plan->views[view].same_as == view)
            status = build_catalog(candidate, view, diag);
    }
    for (uint32_t view = 0; view < plan->view_count && status == STATUS_OK; view++) {
        const struct store_view *same = &candidate->views[plan->views[view].same_as];
        candidate->views[view].catalog = same->catalog;
        candidate->views[view].catalog_size = same->catalog_size;
    }
    return status;
}

bool candidate_origins(const struct candidate *candidate, size_t index, const void **table, size_t *size)
{
    if (index >= candidate->plan->file_count || candidate->files[index].origins == NULL)
        return false;
    *table = candidate->files[index].origins;
    *size = candidate->files[index].origins_size;
    return true;
}

void candidate_free(struct candidate *candidate)
{
    if (candidate == NULL)
        return;
    for (uint32_t i = 0; candidate->views != NULL && i < candidate->plan->view_count; i++)
        if (candidate->plan->views[i].same_as == i)
            memory_free((void *)(uintptr_t)candidate->views[i].catalog);
    for (size_t i = 0; candidate->files != NULL && i < candidate->plan->file_count; i++) {
        memory_free(candidate->files[i].block);
        memory_free(candidate->files[i].origins);
    }
    memory_free(candidate->views);
    memory_free(candidate->files);
    flatten_free(candidate->plan);
    synthesis_free(candidate->synthesis);
    policy_free(candidate->policy);
    source_file_clear(&candidate->policy_text);
    memory_free(candidate);
}

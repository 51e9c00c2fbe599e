/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/flatten_forward.h"

#include "policy/forward.h"
#include "zones/memory.h"
#include "zones/name.h"

#include <stdbool.h>

/* The deepest zone of the view at or above a domain; FLATTEN_NONE. */
static size_t find_zone(const struct flatten *plan, uint32_t view, const uint8_t *domain, size_t *place)
{
    for (const uint8_t *name = domain;; name = name_parent(name)) {
        size_t file = flatten_find_served(plan, view, name, place);
        if (file != FLATTEN_NONE || name[0] == 0)
            return file;
    }
}

static bool is_noted(const struct flatten_file *file, const uint8_t *domain)
{
    for (size_t i = 0; i < file->forward_count; i++)
        if (name_equal(file->forwards[i].name, domain))
            return true;
    return false;
}

/* A pinpoint zone of the view may be a [forward] domain: that says where its misses go. */
static enum flatten_claim judge_apex(const struct policy *policy, const struct flatten_file *file, uint32_t view,
                                     uint32_t line, struct diag *diag)
{
    const struct place place = {.file = policy->config->path, .line = line};
    char text[NAME_TEXT_MAX];

    if (file->view == view && file->mode == ZONE_MODE_PINPOINT)
        return FLATTEN_CLAIM_NONE;
    name_to_text(file->apex, text);
    diag_error(diag, &place,
               "[forward %s]: found a domain that is a zone of view %s (%s), wanted another one, mode = pinpoint for "
               "the zone, or views without that one",
               text, policy->views[view].name, file->path);
    return FLATTEN_CLAIM_BAD;
}

enum flatten_claim flatten_claim_forward(const struct policy *policy, const struct flatten *plan, uint32_t view,
                                         size_t index, size_t *place, struct diag *diag)
{
    uint32_t line;
    const uint8_t *domain = forward_domain(policy->forward, index, &line);
    bool is_ours = forward_domain_in(policy->forward, index, view);
    size_t found = find_zone(plan, view, domain, place);

    if (found == FLATTEN_NONE)
        return FLATTEN_CLAIM_NONE;
    const struct flatten_file *file = &plan->files[found];
    if (name_equal(file->apex, domain))
        return is_ours ? judge_apex(policy, file, view, line, diag) : FLATTEN_CLAIM_NONE;
    bool is_right = file->view == view || is_noted(file, domain) == is_ours;
    return is_right ? FLATTEN_CLAIM_NONE : FLATTEN_CLAIM_OWN;
}

static enum status note(struct flatten_file *file, const uint8_t *domain, const struct place *place)
{
    struct overlay_forward *grown = memory_resize(file->forwards, (file->forward_count + 1) * sizeof *grown);

    if (grown == NULL)
        return STATUS_NO_MEMORY;
    file->forwards = grown;
    grown[file->forward_count++] = (struct overlay_forward){.name = domain, .place = *place};
    return STATUS_OK;
}

enum status flatten_note_forwards(const struct policy *policy, struct flatten *plan, uint32_t view)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < forward_domain_count(policy->forward) && status == STATUS_OK; i++) {
        struct place place = {.file = policy->config->path};
        const uint8_t *domain = forward_domain(policy->forward, i, &place.line);
        size_t unused;
        size_t found = find_zone(plan, view, domain, &unused);
        bool is_inside = forward_domain_in(policy->forward, i, view) && found != FLATTEN_NONE &&
                         plan->files[found].view == view && !name_equal(plan->files[found].apex, domain);
        if (is_inside)
            status = note(&plan->files[found], domain, &place);
    }
    return status;
}

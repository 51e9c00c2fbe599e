/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/limits.h"

#include "policy/changes.h"
#include "policy/generation.h"
#include "zones/image.h"

/* The RRsets that a view serves: what a share of its answers is counted of. */
static uint64_t count_answers(const struct catalog *catalog)
{
    uint64_t answers = 0;

    for (uint32_t i = 0; i < catalog_count(catalog); i++) {
        struct image image;
        if (catalog->images[i].block != NULL &&
            image_open(catalog->images[i].block, catalog->images[i].size, &image) == STATUS_OK)
            answers += image.header->rrset_count;
    }
    return answers;
}

static void report(struct diag *diag, bool force, const char *view, const char *what)
{
    diag_add(diag, force ? SEVERITY_WARNING : SEVERITY_ERROR, NULL, "view %s: %s%s", view, what,
             force ? "" : "; wanted fewer, or --force");
}

/* True if some limit is passed. */
static bool judge_counts(const struct limits *limits, bool force, const char *view, const struct changes_counts *counts,
                         uint64_t answers, struct diag *diag)
{
    char text[200];
    bool is_over = false;

    /* A view that gave no answers before may fill up. */
    if (limits->has_change_percent && answers > 0 &&
        counts->answers * 100 > (uint64_t)limits->change_percent * answers) {
        snprintf(text, sizeof text, "%llu of %llu answers would change, more than max-change-percent = %u allows",
                 (unsigned long long)counts->answers, (unsigned long long)answers, limits->change_percent);
        report(diag, force, view, text);
        is_over = true;
    }
    if (limits->has_removed && counts->removed > limits->removed) {
        snprintf(text, sizeof text, "%llu answers would be gone, more than max-removed = %llu allows",
                 (unsigned long long)counts->removed, (unsigned long long)limits->removed);
        report(diag, force, view, text);
        is_over = true;
    }
    return is_over;
}

/* A view that goes takes all its answers with it. */
static void count_removed_view(uint64_t answers, struct changes_counts *counts)
{
    *counts = (struct changes_counts){.answers = answers, .removed = answers};
}

static enum status judge_views(const struct limits *limits, bool force, const struct changes *changes,
                               struct diag *diag)
{
    bool is_over = false;
    uint32_t next_group = 0;

    for (uint32_t i = 0; i < changes->view_count; i++) {
        const struct changes_view *view = &changes->views[i];
        struct changes_counts counts = {0};
        if (view->before == VIEW_NONE)
            continue;
        uint64_t answers = count_answers(&changes->before->catalogs[view->before]);
        if (view->after == VIEW_NONE)
            count_removed_view(answers, &counts);
        else if (view->group == next_group) {
            next_group++;
            enum status status = changes_walk(changes, view->group, NULL, NULL, &counts, diag);
            if (status != STATUS_OK)
                return status;
        } else
            continue; /* nothing changes, or as in a view before */
        is_over = judge_counts(limits, force, view->name, &counts, answers, diag) || is_over;
    }
    return is_over && !force ? STATUS_BAD_INPUT : STATUS_OK;
}

static enum status compare(const struct limits *limits, bool force, const struct generation *before,
                           struct candidate *candidate, struct diag *diag)
{
    struct generation *after = NULL;
    struct changes *changes = NULL;
    enum status status = generation_from_candidate(candidate, diag, &after);

    if (status != STATUS_OK)
        return status;
    status = changes_new(before, after, true, &changes);
    if (status == STATUS_OK)
        status = judge_views(limits, force, changes, diag);
    changes_free(changes);
    generation_release(after);
    generation_free(after);
    return status;
}

enum status limits_check(const struct limits *limits, bool force, struct candidate *candidate, struct diag *diag)
{
    struct generation *before = NULL;
    enum status status = STATUS_OK;

    if (!limits->has_change_percent && !limits->has_removed)
        return STATUS_OK;
    if (candidate->images == CANDIDATE_STORE)
        status = store_flush(candidate->store, diag); /* LMDB's readers and the batch must not meet half way */
    if (status == STATUS_OK)
        status = generation_load(candidate->store, diag, &before);
    if (status != STATUS_OK)
        return status;
    if (before->policy != NULL)
        status = compare(limits, force, before, candidate, diag);
    generation_release(before);
    generation_free(before);
    return status;
}

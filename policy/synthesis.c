/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/synthesis.h"

#include "policy/options.h"
#include "policy/policy_check.h"
#include "policy/section_digest.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/zonefile.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Which views share. */

static bool has_ttl_rules(const struct policy *policy, uint32_t view)
{
    for (size_t i = 0; i < policy->ttl->count; i++)
        if (selector_has_view(&policy->ttl->rules[i].selector, view))
            return true;
    return false;
}

static bool has_other_cutovers(const struct policy *policy, uint32_t view, uint32_t base)
{
    const struct cutover_rule *rule;

    for (unsigned i = 0; (rule = cutover_rule(policy->cutover, i)) != NULL; i++)
        if (selector_has_view(&rule->selector, view) != selector_has_view(&rule->selector, base))
            return true;
    return false;
}

bool synthesis_is_whole(const struct synthesis *synthesis, uint32_t view)
{
    return has_ttl_rules(synthesis->policy, view);
}

bool synthesis_is_apart(const struct synthesis *synthesis, uint32_t view)
{
    const struct policy *policy = synthesis->policy;
    const struct policy_view *views = policy->views;
    uint32_t base = views[view].base;

    if (base == VIEW_NONE)
        return false;
    /* What the guard of the base let through, or did not look at, is judged again. */
    bool is_guarded_more =
        views[view].is_external && (!views[base].is_external || views[base].allow_private.owners.count > 0);
    return is_guarded_more || has_ttl_rules(policy, view) || has_other_cutovers(policy, view, base);
}

bool synthesis_has_facts(const struct synthesis *synthesis, uint32_t view, const uint8_t *apex)
{
    size_t first;
    size_t end;

    if (synthesis->views[view] == NULL)
        return false;
    autodiscover_find_below(synthesis->views[view], apex, &first, &end);
    return first < end;
}

/* Digests. */

static enum status append_section(struct bytes *bytes, const struct config_section *section)
{
    enum status status = section_append_text(bytes, section->kind);

    if (status == STATUS_OK)
        status = section_append_text(bytes, section->name);
    return status == STATUS_OK ? section_append_settings(bytes, section) : status;
}

/* The guard of an external view: `names` are the internal-only owners. */
static enum status append_guard(const struct policy *policy, uint32_t view, const struct autodiscover *names,
                                struct bytes *bytes)
{
    const struct config *config = policy->config;
    enum status status = section_append_setting(bytes, config_find(policy_view_section(policy, view), "allow-private"));

    for (size_t i = 0; i < config->section_count && status == STATUS_OK; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->kind_id != KIND_AUTODISCOVER)
            continue;
        status = section_append_setting(bytes, config_find(section, "sip-domains"));
        if (status == STATUS_OK)
            status = section_append_setting(bytes, config_find(section, "internal-only"));
    }
    for (size_t i = 0; names != NULL && i < names->count && status == STATUS_OK; i++)
        status = bytes_append(bytes, names->entries[i].key, names->entries[i].key_size);
    return status;
}

static enum status append_rules(const struct policy *policy, uint32_t view, struct bytes *bytes)
{
    const struct cutover_rule *cutover;
    enum status status = STATUS_OK;

    for (size_t i = 0; i < policy->ttl->count && status == STATUS_OK; i++)
        if (selector_has_view(&policy->ttl->rules[i].selector, view))
            status = append_section(bytes, policy->ttl->rules[i].section);
    for (unsigned i = 0; (cutover = cutover_rule(policy->cutover, i)) != NULL && status == STATUS_OK; i++) {
        if (!selector_has_view(&cutover->selector, view))
            continue;
        status = bytes_append(bytes, &i, sizeof i);
        if (status == STATUS_OK)
            status = section_append_setting(bytes, config_find(cutover->section, "names"));
    }
    return status;
}

static enum status digest_view(struct synthesis *synthesis, uint32_t view, const struct autodiscover *names)
{
    const struct policy *policy = synthesis->policy;
    struct bytes bytes;

    bytes_init(&bytes, SIZE_MAX);
    enum status status = section_append_text(&bytes, policy->views[view].name);
    if (status == STATUS_OK && policy->views[view].is_external)
        status = append_guard(policy, view, names, &bytes);
    if (status == STATUS_OK)
        status = section_append_text(&bytes, "");
    if (status == STATUS_OK)
        status = append_rules(policy, view, &bytes);
    const struct hash_piece piece = {.data = bytes.data, .size = bytes.size};
    if (status == STATUS_OK)
        hash_pieces(&piece, 1, synthesis->digests[view]);
    bytes_clear(&bytes);
    return status;
}

static enum status append_entry(const struct autodiscover_entry *entry, struct bytes *bytes)
{
    const uint32_t numbers[] = {entry->kind, entry->type, entry->ttl, entry->line, entry->is_guarded};
    enum status status = bytes_append(bytes, numbers, sizeof numbers);

    if (status == STATUS_OK)
        status = bytes_append(bytes, entry->owner, name_size(entry->owner));
    return status == STATUS_OK && entry->rdata_size > 0 ? bytes_append(bytes, entry->rdata, entry->rdata_size) : status;
}

enum status synthesis_digest(const struct synthesis *synthesis, uint32_t view, const uint8_t *apex,
                             uint8_t digest[HASH_SIZE])
{
    const struct autodiscover *facts = synthesis->views[view];
    enum status status = STATUS_OK;
    size_t first = 0;
    size_t end = 0;
    struct bytes bytes;

    if (facts != NULL)
        autodiscover_find_below(facts, apex, &first, &end);
    if (first == end) {
        memcpy(digest, synthesis->digests[view], HASH_SIZE);
        return STATUS_OK;
    }
    bytes_init(&bytes, SIZE_MAX);
    for (size_t i = first; i < end && status == STATUS_OK; i++)
        status = append_entry(&facts->entries[i], &bytes);
    const struct hash_piece pieces[] = {{synthesis->digests[view], HASH_SIZE}, {bytes.data, bytes.size}};
    if (status == STATUS_OK)
        hash_pieces(pieces, 2, digest);
    bytes_clear(&bytes);
    return status;
}

/* What is not published. */

#define TOLD_MAX 20 /* RRsets of a view or zone */

enum status synthesis_outside(const struct synthesis *synthesis, uint32_t view, const uint8_t *const *apexes,
                              size_t count, struct autodiscover_picks *picks)
{
    if (synthesis->views[view] == NULL)
        return STATUS_OK;
    struct autodiscover_border *zones = memory_zalloc(count + 1, sizeof *zones);
    struct autodiscover_borders *borders = NULL;
    enum status status = STATUS_NO_MEMORY;

    for (size_t i = 0; zones != NULL && i < count; i++)
        zones[i].name = apexes[i];
    if (zones != NULL)
        borders = autodiscover_borders_new(zones, count);
    if (borders != NULL)
        status = autodiscover_outside_zones(synthesis->views[view], borders, picks);
    autodiscover_borders_free(borders);
    memory_free(zones);
    return status;
}

const struct config_section *synthesis_section(const struct synthesis *synthesis,
                                               const struct autodiscover_entry *entry)
{
    const struct config *config = synthesis->policy->config;
    const struct config_section *found = NULL;

    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].line <= entry->line && (found == NULL || config->sections[i].line > found->line))
            found = &config->sections[i];
    return found;
}

void synthesis_why_text(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_entry *entry,
                        enum synthesis_why why, char text[SYNTHESIS_TEXT_MAX])
{
    const struct policy_view *seen = &synthesis->policy->views[view];
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(entry->owner, owner);
    rrtype_to_text(entry->type, type);
    if (why == SYNTHESIS_BELOW_CUT)
        snprintf(text, SYNTHESIS_TEXT_MAX,
                 "record %s %s is not published: %s lies below a delegation, DNAME or [forward] domain in view %s "
                 "(wanted where that leads)",
                 owner, type, owner, seen->name);
    else
        snprintf(text, SYNTHESIS_TEXT_MAX,
                 "record %s %s is not published: %s lies in no zone of view %s (wanted in %s)", owner, type, owner,
                 seen->name, seen->is_external ? "the DNS that serves it" : "AD DNS");
}

bool synthesis_is_repeated(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_entry *entry)
{
    if (entry == synthesis->views[view]->entries)
        return false;
    const struct autodiscover_entry *last = entry - 1;
    return last->kind == entry->kind && last->type == entry->type && name_equal(last->owner, entry->owner);
}

void synthesis_tell(const struct synthesis *synthesis, uint32_t view, const struct autodiscover_picks *picks,
                    enum synthesis_why why, struct diag *diag)
{
    struct place place = {.file = synthesis->policy->config->path};
    char text[SYNTHESIS_TEXT_MAX];
    size_t count = 0;

    for (size_t i = 0; i < picks->count; i++) {
        if (synthesis_is_repeated(synthesis, view, picks->items[i]) || ++count > TOLD_MAX)
            continue;
        const struct config_section *section = synthesis_section(synthesis, picks->items[i]);
        synthesis_why_text(synthesis, view, picks->items[i], why, text);
        place.line = picks->items[i]->line;
        if (section != NULL)
            diag_add(diag, SEVERITY_INFO, &place, "fact [%s %s]: %s", section->kind, section->name, text);
        else
            diag_add(diag, SEVERITY_INFO, &place, "fact: %s", text);
    }
    if (count > TOLD_MAX)
        diag_add(diag, SEVERITY_INFO, NULL,
                 "%zu more RRsets of facts are not published in view %s; `splitview show --view %s` lists them",
                 count - TOLD_MAX, synthesis->policy->views[view].name, synthesis->policy->views[view].name);
}

/* All. */

static bool is_fact(const struct config_section *section)
{
    switch (section->kind_id) {
    case KIND_AUTODISCOVER:
    case KIND_SIP_DOMAIN:
    case KIND_POOL:
    case KIND_EDGE:
    case KIND_PROXY:
    case KIND_SERVICE:
        return true;
    default:
        return false;
    }
}

static bool has_facts(const struct config *config)
{
    for (size_t i = 0; i < config->section_count; i++)
        if (is_fact(&config->sections[i]))
            return true;
    return false;
}

static enum status read_facts(struct synthesis *synthesis, struct diag *diag, struct autodiscover **names)
{
    const struct policy *policy = synthesis->policy;
    enum status status = topology_new(policy, diag, &synthesis->topology);

    for (uint32_t view = 0; view < policy->view_count && status == STATUS_OK; view++) {
        status = autodiscover_synthesise(synthesis->topology, view, diag, &synthesis->views[view]);
        if (status != STATUS_OK || synthesis->views[view]->count > 0)
            continue;
        autodiscover_free(synthesis->views[view]);
        synthesis->views[view] = NULL;
    }
    return status == STATUS_OK ? autodiscover_internal_only(synthesis->topology, diag, names) : status;
}

enum status synthesis_new(const struct policy *policy, struct diag *diag, struct synthesis **result)
{
    struct synthesis *synthesis = memory_zalloc(1, sizeof *synthesis);
    struct autodiscover *names = NULL;
    enum status status = STATUS_OK;

    *result = NULL;
    if (synthesis == NULL)
        return STATUS_NO_MEMORY;
    synthesis->policy = policy;
    synthesis->views = memory_zalloc(policy->view_count, sizeof(struct autodiscover *));
    synthesis->digests = memory_zalloc(policy->view_count, sizeof *synthesis->digests);
    if (synthesis->views == NULL || synthesis->digests == NULL)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && has_facts(policy->config))
        status = read_facts(synthesis, diag, &names);
    if (status == STATUS_OK)
        status = leak_new_from(synthesis->policy, names, &synthesis->leak);
    for (uint32_t view = 0; view < policy->view_count && status == STATUS_OK; view++)
        status = digest_view(synthesis, view, names);
    autodiscover_free(names);
    if (status != STATUS_OK) {
        synthesis_free(synthesis);
        return status;
    }
    *result = synthesis;
    return STATUS_OK;
}

void synthesis_free(struct synthesis *synthesis)
{
    if (synthesis == NULL)
        return;
    leak_free(synthesis->leak);
    for (uint32_t view = 0; synthesis->views != NULL && view < synthesis->policy->view_count; view++)
        autodiscover_free(synthesis->views[view]);
    topology_free(synthesis->topology);
    memory_free(synthesis->views);
    memory_free(synthesis->digests);
    memory_free(synthesis);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy.h"

#include "policy/options.h"
#include "policy/policy_check.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The words of mode in options.def, in their order. */
static const enum zone_mode word_modes[] = {ZONE_MODE_FULL, ZONE_MODE_OVERLAY, ZONE_MODE_PINPOINT, ZONE_MODE_NONE};

static void view_clear(struct policy_view *view)
{
    memory_free(view->name);
    leak_allowed_clear(&view->allow_private);
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    for (uint32_t i = 0; i < policy->view_count; i++)
        view_clear(&policy->views[i]);
    for (size_t i = 0; i < policy->zone_count; i++)
        memory_free(policy->zones[i].view_modes);
    memory_free(policy->views);
    memory_free(policy->zones);
    viewmap_free(policy->viewmap);
    ttl_rules_free(policy->ttl);
    cutover_free(policy->cutover);
    forward_rules_free(policy->forward);
    config_free(policy->config);
    memory_free(policy);
}

uint32_t policy_find_view(const struct policy *policy, const char *name)
{
    for (uint32_t i = 0; i < policy->view_count; i++)
        if (strcmp(policy->views[i].name, name) == 0)
            return i;
    return VIEW_NONE;
}

const struct config_section *policy_view_section(const struct policy *policy, uint32_t view)
{
    assert(view < policy->view_count);
    return policy->views[view].section;
}

/* ---- views ---- */

static size_t count_kind(const struct config *config, enum kind_id id)
{
    size_t count = 0;
    for (size_t i = 0; i < config->section_count; i++)
        count += config->sections[i].kind_id == (unsigned)id;
    return count;
}

static bool has_any(const struct config_section *section)
{
    const struct config_setting *clients = config_find(section, "clients");
    for (size_t i = 0; clients != NULL && i < clients->value_count; i++)
        if (clients->values[i].any)
            return true;
    return clients == NULL && config_is_set(section, "listen");
}

static enum status read_view(const struct config_section *section, struct policy_view *view)
{
    const struct config_setting *side = config_find(section, "side");
    view->section = section;
    view->name = memory_copy_text(section->name, strlen(section->name));
    if (view->name == NULL)
        return STATUS_NO_MEMORY;
    view->line = section->line;
    view->base = VIEW_NONE;
    view->has_any = has_any(section);
    view->is_external = side != NULL ? strcmp(side->values[0].text, "external") == 0 : view->has_any;
    view->minimal = config_number(section, "minimal") != 0;
    view->order = (enum view_order)config_number(section, "order");
    view->default_ttl = (uint32_t)config_number(section, "default-ttl");
    return leak_allowed_read(config_find(section, "allow-private"), &view->allow_private);
}

static enum status read_views(struct policy *policy)
{
    const struct config *config = policy->config;
    size_t count = count_kind(config, KIND_VIEW);
    policy->any_view = VIEW_NONE;
    policy->views = memory_zalloc(count, sizeof *policy->views);
    if (policy->views == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].kind_id != KIND_VIEW)
            continue;
        struct policy_view *view = &policy->views[policy->view_count++];
        if (read_view(&config->sections[i], view) != STATUS_OK)
            return STATUS_NO_MEMORY;
        if (view->has_any && policy->any_view == VIEW_NONE && !config_is_set(&config->sections[i], "listen"))
            policy->any_view = policy->view_count - 1;
    }
    for (uint32_t i = 0; i < policy->view_count; i++) {
        const struct config_setting *base = config_find(policy_view_section(policy, i), "base");
        if (base != NULL)
            policy->views[i].base = policy_find_view(policy, base->values[0].text);
    }
    return STATUS_OK;
}

/* ---- zones ---- */

static enum status read_zone(struct policy *policy, const struct config_section *section, struct policy_zone *zone)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    const struct config_setting *apex = config_find(section, "apex");
    if (apex != NULL) {
        name_to_lower(apex->values[0].name, zone->apex);
    } else {
        enum status status = name_from_text(section->name, strlen(section->name), NULL, name, &size);
        assert(status == STATUS_OK);
        (void)status;
        name_to_lower(name, zone->apex);
    }
    zone->line = section->line;
    zone->view_modes = memory_zalloc(policy->view_count, sizeof *zone->view_modes);
    if (zone->view_modes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < section->setting_count; i++) {
        const struct config_setting *setting = &section->settings[i];
        if (strncmp(setting->option->key, "mode", 4) != 0)
            continue;
        enum zone_mode mode = word_modes[setting->values[0].number];
        if (setting->variant == NULL)
            zone->mode = mode;
        else
            zone->view_modes[policy_find_view(policy, setting->variant)] = mode;
    }
    return STATUS_OK;
}

static int compare_apexes(const uint8_t *a, const uint8_t *b)
{
    size_t a_size = name_size(a);
    size_t b_size = name_size(b);
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* By apex, then by line. */
static int compare_zones(const void *a, const void *b)
{
    const struct policy_zone *left = a;
    const struct policy_zone *right = b;
    int order = compare_apexes(left->apex, right->apex);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static void report_apex(const struct policy *policy, const struct policy_zone *zone, uint32_t first, struct diag *diag)
{
    const struct config_section *section = policy->config->sections;
    char text[NAME_TEXT_MAX];
    while (section->kind_id != KIND_ZONE || section->line != zone->line)
        section++;
    name_to_text(zone->apex, text);
    config_error(policy->config, diag, section, "apex", zone->line,
                 "found %s again, wanted it once (first on line %" PRIu32 ")", text, first);
}

static enum status read_zones(struct policy *policy, struct diag *diag)
{
    const struct config *config = policy->config;
    policy->zones = memory_zalloc(count_kind(config, KIND_ZONE), sizeof *policy->zones);
    if (policy->zones == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind_id == KIND_ZONE &&
            read_zone(policy, &config->sections[i], &policy->zones[policy->zone_count++]) != STATUS_OK)
            return STATUS_NO_MEMORY;
    if (policy->zone_count > 0)
        qsort(policy->zones, policy->zone_count, sizeof *policy->zones, compare_zones);
    for (size_t i = 1; i < policy->zone_count; i++)
        if (compare_apexes(policy->zones[i].apex, policy->zones[i - 1].apex) == 0)
            report_apex(policy, &policy->zones[i], policy->zones[i - 1].line, diag);
    return STATUS_OK;
}

enum zone_mode policy_zone_mode(const struct policy *policy, const uint8_t *apex, uint32_t view)
{
    uint8_t lower[NAME_SIZE_MAX];
    name_to_lower(apex, lower);
    size_t low = 0;
    size_t high = policy->zone_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct policy_zone *zone = &policy->zones[middle];
        int order = compare_apexes(lower, zone->apex);
        if (order == 0)
            return zone->view_modes[view] != ZONE_MODE_DEFAULT ? zone->view_modes[view] : zone->mode;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return ZONE_MODE_DEFAULT;
}

/* ---- all ---- */

static enum status build(struct policy *policy, struct diag *diag)
{
    struct place place = {policy->config->path, 0, 0};
    size_t errors = diag->errors;
    enum status status = read_views(policy);
    if (status != STATUS_OK)
        return status;
    if (policy->view_count == 0)
        diag_error(diag, &place, "found no [view], wanted at least one");
    policy_check_views(policy, diag);
    status = viewmap_new(policy, diag, &policy->viewmap);
    if (status == STATUS_OK)
        status = ttl_rules_new(policy, &policy->ttl);
    if (status == STATUS_OK)
        status = cutover_new(policy, diag, &policy->cutover);
    if (status == STATUS_OK)
        status = read_zones(policy, diag);
    if (status != STATUS_OK)
        return status;
    policy_check_rules(policy, diag);
    status = policy_check_facts(policy, diag);
    if (status != STATUS_OK)
        return status;
    if (diag->errors != errors)
        return STATUS_BAD_INPUT;
    return forward_rules_new(policy, diag, &policy->forward);
}

enum status policy_read(const char *path, const char *text, size_t size, struct diag *diag, struct policy **result)
{
    *result = NULL;
    struct policy *policy = memory_zalloc(1, sizeof *policy);
    if (policy == NULL)
        return STATUS_NO_MEMORY;
    enum status status = config_read(CONFIG_POLICY, path, text, size, diag, &policy->config);
    if (status == STATUS_OK)
        status = build(policy, diag);
    bool is_judged = status == STATUS_OK || (status == STATUS_BAD_INPUT && policy->config != NULL);
    if (is_judged && config_refuse_unbuilt(policy->config, diag) > 0 && status == STATUS_OK)
        status = STATUS_NOT_SUPPORTED;
    if (status != STATUS_OK) {
        policy_free(policy);
        return status;
    }
    *result = policy;
    return STATUS_OK;
}

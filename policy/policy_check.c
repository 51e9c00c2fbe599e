/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/policy_check.h"

#include "policy/options.h"
#include "zones/rrset.h"

#include <inttypes.h>
#include <string.h>

/* ---- views ---- */

/* Walking bases from `view` comes back to it. */
static bool is_in_cycle(const struct policy *policy, uint32_t view)
{
    uint32_t base = policy->views[view].base;
    for (uint32_t steps = 0; base != VIEW_NONE && steps < policy->view_count; steps++) {
        if (base == view)
            return true;
        base = policy->views[base].base;
    }
    return false;
}

static bool is_base_of_any(const struct policy *policy, uint32_t view)
{
    for (uint32_t i = 0; i < policy->view_count; i++)
        if (policy->views[i].base == view && i != view)
            return true;
    return false;
}

static void check_view(const struct policy *policy, uint32_t index, struct diag *diag)
{
    const struct config *config = policy->config;
    const struct policy_view *view = &policy->views[index];
    const struct config_section *section = policy_view_section(policy, index);
    const struct config_setting *base = config_find(section, "base");
    const struct config_setting *forward = config_find(section, "forward");
    const struct config_setting *allow = config_find(section, "allow-private");
    if (base != NULL && is_in_cycle(policy, index))
        config_error(config, diag, section, "base", base->line, "found a circle back to this view by %s, wanted none",
                     base->values[0].text);
    if (!config_is_set(section, "clients") && !config_is_set(section, "listen") && !config_is_set(section, "keys") &&
        !is_base_of_any(policy, index))
        config_error(config, diag, section, "clients", section->line,
                     "found nothing that selects this view and no view based on it, wanted clients");
    if (forward != NULL && view->has_any && config_number(section, "open-resolver") == 0)
        config_error(config, diag, section, "forward", forward->line,
                     "found recursion for everybody (clients = any), wanted open-resolver = yes if that is meant");
    if (allow != NULL && !view->is_external)
        config_error(config, diag, section, "allow-private", allow->line,
                     "found it in an internal view, wanted it in an external one");
}

static void check_two_any(const struct policy *policy, uint32_t index, struct diag *diag)
{
    const struct config_section *section = policy_view_section(policy, index);
    for (uint32_t i = 0; i < index && policy->views[index].has_any; i++) {
        const struct config_section *other = policy_view_section(policy, i);
        if (!policy->views[i].has_any || !viewmap_rivals(section, other))
            continue;
        const struct config_setting *clients = config_find(section, "clients");
        config_error(policy->config, diag, section, "clients", clients == NULL ? section->line : clients->line,
                     "found any, wanted it in one view ([view %s] on line %" PRIu32 " has it)", other->name,
                     other->line);
        return;
    }
}

static void check_keys(const struct policy *policy, uint32_t index, struct diag *diag)
{
    const struct config_section *section = policy_view_section(policy, index);
    const struct config_setting *keys = config_find(section, "keys");
    for (size_t i = 0; keys != NULL && i < keys->value_count; i++)
        for (uint32_t j = 0; j < index; j++) {
            const struct config_section *other = policy_view_section(policy, j);
            const struct config_setting *taken = config_find(other, "keys");
            for (size_t k = 0; taken != NULL && k < taken->value_count; k++)
                if (name_equal(taken->values[k].name, keys->values[i].name))
                    config_error(policy->config, diag, section, "keys", keys->values[i].line,
                                 "found %s, wanted it in one view ([view %s] has it on line %" PRIu32 ")",
                                 keys->values[i].text, other->name, taken->values[k].line);
        }
}

void policy_check_views(const struct policy *policy, struct diag *diag)
{
    for (uint32_t i = 0; i < policy->view_count; i++) {
        check_view(policy, i, diag);
        check_two_any(policy, i, diag);
        check_keys(policy, i, diag);
    }
}

/* ---- upstreams and TTLs ---- */

static void check_upstream(const struct policy *policy, const struct config_section *section, struct diag *diag)
{
    uint64_t timeout = config_number(section, "timeout");
    uint64_t deadline = config_number(section, "deadline");
    const struct config_setting *written = config_find(section, "timeout");
    if (written == NULL)
        written = config_find(section, "deadline");
    if (timeout > deadline)
        config_error(policy->config, diag, section, "timeout", written == NULL ? section->line : written->line,
                     "found %" PRIu64 " seconds, wanted at most the deadline (%" PRIu64 ")", timeout, deadline);
}

/* Types: SOA has a rule of its own. */
static void check_types(const struct policy *policy, const struct config_section *section, struct diag *diag)
{
    const struct config_setting *types = config_find(section, "types");
    for (size_t i = 0; types != NULL && i < types->value_count; i++)
        if (types->values[i].number == RRTYPE_SOA)
            config_error(policy->config, diag, section, "types", types->values[i].line,
                         "found SOA, wanted other types (the negative TTL of a zone is set by negative in [ttl])");
}

static void check_ttl(const struct policy *policy, const struct config_section *section, struct diag *diag)
{
    const struct config *config = policy->config;
    const struct config_setting *min = config_find(section, "min");
    const struct config_setting *max = config_find(section, "max");
    const struct config_setting *fixed = config_find(section, "fixed");
    check_types(policy, section, diag);
    if (min != NULL && max != NULL && min->values[0].number > max->values[0].number)
        config_error(config, diag, section, "min", min->line, "found %s, wanted at most max (%s)", min->values[0].text,
                     max->values[0].text);
    if (fixed != NULL && (min != NULL || max != NULL))
        config_error(config, diag, section, "fixed", fixed->line, "found it beside %s, wanted one or the other",
                     min != NULL ? "min" : "max");
    if (min == NULL && max == NULL && fixed == NULL && !config_is_set(section, "negative"))
        config_error(config, diag, section, NULL, section->line,
                     "found none of min, max, fixed and negative, wanted at least one");
}

void policy_check_rules(const struct policy *policy, struct diag *diag)
{
    for (size_t i = 0; i < policy->config->section_count; i++) {
        const struct config_section *section = &policy->config->sections[i];
        if (section->kind_id == KIND_UPSTREAM)
            check_upstream(policy, section, diag);
        else if (section->kind_id == KIND_TTL)
            check_ttl(policy, section, diag);
        else if (section->kind_id == KIND_CUTOVER)
            check_types(policy, section, diag);
    }
}

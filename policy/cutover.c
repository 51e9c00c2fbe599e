/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/cutover.h"

#include "policy/options.h"
#include "policy/policy.h"
#include "zones/memory.h"

#include <stddef.h>

/* What zone->rules gets as its context. */
struct in_view {
    const struct cutover *cutover;
    uint32_t view;
};

struct cutover {
    struct cutover_rule rules[CUTOVER_MAX];
    unsigned count;
    struct in_view *views; /* one per view of the policy */
};

void cutover_free(struct cutover *cutover)
{
    if (cutover == NULL)
        return;
    for (unsigned i = 0; i < cutover->count; i++)
        selector_clear(&cutover->rules[i].selector);
    memory_free(cutover->views);
    memory_free(cutover);
}

static enum status add_rule(const struct policy *policy, const struct config_section *section, struct diag *diag,
                            struct cutover *cutover)
{
    if (cutover->count == CUTOVER_MAX) {
        config_error(policy->config, diag, section, NULL, section->line,
                     "found more than %u cut-overs, wanted at most %u: leave out what is settled", CUTOVER_MAX,
                     CUTOVER_MAX);
        return STATUS_OK;
    }
    struct cutover_rule *rule = &cutover->rules[cutover->count++];
    rule->section = section;
    rule->at = config_find(section, "at")->values[0].number;
    rule->floor = (uint32_t)config_number(section, "floor");
    rule->settle = (uint32_t)config_number(section, "settle");
    rule->after = (uint32_t)config_number(section, "after");
    return selector_read(policy, section, &rule->selector);
}

enum status cutover_new(const struct policy *policy, struct diag *diag, struct cutover **result)
{
    *result = NULL;
    struct cutover *cutover = memory_zalloc(1, sizeof *cutover);
    if (cutover == NULL)
        return STATUS_NO_MEMORY;
    cutover->views = memory_zalloc(policy->view_count, sizeof *cutover->views);
    enum status status = cutover->views == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (uint32_t view = 0; view < policy->view_count && status == STATUS_OK; view++)
        cutover->views[view] = (struct in_view){cutover, view};
    for (size_t i = 0; i < policy->config->section_count && status == STATUS_OK; i++)
        if (policy->config->sections[i].kind_id == KIND_CUTOVER)
            status = add_rule(policy, &policy->config->sections[i], diag, cutover);
    if (status != STATUS_OK) {
        cutover_free(cutover);
        return status;
    }
    *result = cutover;
    return STATUS_OK;
}

const struct cutover_rule *cutover_rule(const struct cutover *cutover, unsigned index)
{
    return index < cutover->count ? &cutover->rules[index] : NULL;
}

uint16_t cutover_number(const struct cutover *cutover, uint32_t view, const uint8_t *owner)
{
    unsigned number = 0;
    struct glob_subject subject;
    if (cutover->count == 0)
        return 0;
    glob_subject(owner, &subject);
    for (unsigned i = 0; i < cutover->count; i++) {
        const struct selector *selector = &cutover->rules[i].selector;
        if (selector_has_view(selector, view) && glob_list_best(&selector->names, &subject) != NULL)
            number |= 1u << i;
    }
    return (uint16_t)number;
}

static uint16_t number_of(const void *context, const uint8_t *owner)
{
    const struct in_view *in_view = context;
    return cutover_number(in_view->cutover, in_view->view, owner);
}

void cutover_attach(const struct policy *policy, uint32_t view, struct zone *zone)
{
    const struct cutover *cutover = policy->cutover;
    for (unsigned i = 0; i < cutover->count; i++)
        if (selector_has_view(&cutover->rules[i].selector, view))
            zone->rules = (struct zone_rules){number_of, &cutover->views[view]};
}

uint32_t cutover_ttl(const struct cutover_rule *rule, uint64_t now, uint32_t ttl)
{
    uint64_t most = ttl;
    if (now < rule->at)
        most = rule->at - now > rule->floor ? rule->at - now : rule->floor;
    else if (now - rule->at < rule->settle)
        most = rule->after;
    return most < ttl ? (uint32_t)most : ttl;
}

uint32_t cutover_lowest(const struct cutover *cutover, uint16_t number, uint16_t type, uint64_t now, uint32_t ttl)
{
    uint32_t lowest = ttl;
    for (unsigned i = 0; i < cutover->count; i++) {
        if ((number >> i & 1) == 0 || !selector_has_type(&cutover->rules[i].selector, type))
            continue;
        uint32_t left = cutover_ttl(&cutover->rules[i], now, ttl);
        lowest = left < lowest ? left : lowest;
    }
    return lowest;
}

/* The SOA of an authority section speaks for the name that was asked for; no rule is about a SOA itself. */
void cutover_apply(const struct cutover *cutover, uint16_t type, uint64_t now, struct answer *answer)
{
    if (now == 0 || cutover->count == 0)
        return;
    for (unsigned i = 0; i < answer->count; i++) {
        struct answer_rrset *entry = &answer->rrsets[i];
        bool is_soa = entry->rrset.type == RRTYPE_SOA;
        if (entry->rule == 0 || (is_soa && entry->section != SECTION_AUTHORITY))
            continue;
        entry->rrset.ttl =
            cutover_lowest(cutover, entry->rule, is_soa ? type : entry->rrset.type, now, entry->rrset.ttl);
    }
}

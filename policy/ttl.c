/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/ttl.h"

#include "policy/options.h"
#include "policy/policy.h"
#include "policy/ttl_chain.h"
#include "zones/memory.h"

#include <inttypes.h>

void ttl_rules_free(struct ttl_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->count; i++)
        selector_clear(&rules->rules[i].selector);
    memory_free(rules->rules);
    memory_free(rules);
}

static struct ttl_value read_value(const struct config_section *section, const char *key)
{
    const struct config_setting *setting = config_find(section, key);
    if (setting == NULL)
        return (struct ttl_value){false, 0};
    return (struct ttl_value){true, (uint32_t)setting->values[0].number};
}

enum status ttl_rules_new(const struct policy *policy, struct ttl_rules **result)
{
    const struct config *config = policy->config;
    *result = NULL;
    struct ttl_rules *rules = memory_zalloc(1, sizeof *rules);
    if (rules == NULL)
        return STATUS_NO_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < config->section_count; i++)
        count += config->sections[i].kind_id == KIND_TTL;
    rules->rules = memory_zalloc(count, sizeof *rules->rules);
    enum status status = rules->rules == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; i < config->section_count && status == STATUS_OK; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->kind_id != KIND_TTL)
            continue;
        struct ttl_rule *rule = &rules->rules[rules->count++];
        rule->section = section;
        rule->min = read_value(section, "min");
        rule->max = read_value(section, "max");
        rule->fixed = read_value(section, "fixed");
        rule->negative = read_value(section, "negative");
        status = selector_read(policy, section, &rule->selector);
    }
    if (status != STATUS_OK) {
        ttl_rules_free(rules);
        return status;
    }
    *result = rules;
    return STATUS_OK;
}

/* ---- which rule ---- */

/* The best pattern of each rule for one owner in one view; NULL: the rule is not about it. */
struct matches {
    const struct ttl_rules *rules;
    const struct glob **best;
    size_t count; /* rules that match */
};

static void match_owner(struct matches *matches, uint32_t view, const uint8_t *owner)
{
    struct glob_subject subject;
    glob_subject(owner, &subject);
    matches->count = 0;
    for (size_t i = 0; i < matches->rules->count; i++) {
        const struct selector *selector = &matches->rules->rules[i].selector;
        bool in_view = selector_has_view(selector, view);
        matches->best[i] = in_view ? glob_list_best(&selector->names, &subject) : NULL;
        matches->count += matches->best[i] != NULL;
    }
}

static int compare_rules(const struct ttl_rule *a, const struct glob *a_glob, const struct ttl_rule *b,
                         const struct glob *b_glob)
{
    int order = glob_compare(a_glob, b_glob);
    if (order == 0)
        order = (a->selector.types != NULL) - (b->selector.types != NULL);
    return order != 0 ? order : (a->selector.views != NULL) - (b->selector.views != NULL);
}

static bool is_about(const struct ttl_rule *rule, uint16_t type)
{
    return type == 0 ? rule->selector.types == NULL : selector_has_type(&rule->selector, type);
}

/* The best rule so far, its pattern, and another that is as good. */
struct choice {
    const struct ttl_rule *winner;
    const struct glob *glob;
    const struct ttl_rule *tie;
};

static void consider(struct choice *choice, const struct ttl_rule *rule, const struct glob *glob)
{
    int order = choice->winner == NULL ? 1 : compare_rules(rule, glob, choice->winner, choice->glob);
    if (order > 0)
        *choice = (struct choice){rule, glob, NULL};
    else if (order == 0 && choice->tie == NULL)
        choice->tie = rule;
}

static const struct ttl_rule *choose(const struct matches *matches, uint16_t type, const struct ttl_rule **tie)
{
    struct choice choice = {NULL, NULL, NULL};
    for (size_t i = 0; i < matches->rules->count && matches->count > 0; i++)
        if (matches->best[i] != NULL && is_about(&matches->rules->rules[i], type))
            consider(&choice, &matches->rules->rules[i], matches->best[i]);
    *tie = choice.tie;
    return choice.winner;
}

const struct ttl_rule *ttl_find(const struct ttl_rules *rules, uint32_t view, const uint8_t *owner, uint16_t type,
                                const struct ttl_rule **tie)
{
    struct choice choice = {NULL, NULL, NULL};
    struct glob_subject subject;
    glob_subject(owner, &subject);
    for (size_t i = 0; i < rules->count && type != RRTYPE_SOA; i++) {
        const struct ttl_rule *rule = &rules->rules[i];
        const struct glob *glob = glob_list_best(&rule->selector.names, &subject);
        if (glob != NULL && selector_has_view(&rule->selector, view) && is_about(rule, type))
            consider(&choice, rule, glob);
    }
    *tie = choice.tie;
    return choice.winner;
}

const struct ttl_rule *ttl_find_foreign(const struct ttl_rules *rules, const uint8_t *owner, uint16_t type)
{
    struct choice choice = {NULL, NULL, NULL};
    struct glob_subject subject;
    if (rules->count == 0 || type == RRTYPE_SOA)
        return NULL;
    glob_subject(owner, &subject);
    for (size_t i = 0; i < rules->count; i++) {
        const struct ttl_rule *rule = &rules->rules[i];
        const struct glob *glob = rule->selector.views == NULL ? glob_list_best(&rule->selector.names, &subject) : NULL;
        if (glob != NULL && is_about(rule, type))
            consider(&choice, rule, glob);
    }
    return choice.winner;
}

uint32_t ttl_under(const struct ttl_rule *rule, uint32_t ttl)
{
    if (rule == NULL)
        return ttl;
    if (rule->fixed.given)
        return rule->fixed.seconds;
    if (rule->min.given && ttl < rule->min.seconds)
        ttl = rule->min.seconds;
    if (rule->max.given && ttl > rule->max.seconds)
        ttl = rule->max.seconds;
    return ttl;
}

/* ---- all RRsets of a view ---- */

/* A CNAME whose rule caps what it leads to. */
struct cap {
    const struct zone *zone;
    size_t record;
    uint32_t seconds;
    const struct ttl_rule *rule;
};

struct work {
    const struct policy *policy;
    uint32_t view;
    struct diag *diag;
    struct matches matches;
    bool *reported; /* per rule: a tie with it was told */
    struct cap *caps;
    size_t cap_count;
    size_t cap_capacity;
    size_t errors;
};

static void report_tie(struct work *work, const struct ttl_rule *winner, const struct ttl_rule *tie,
                       const uint8_t *owner, const char *what)
{
    size_t index = (size_t)(tie - work->matches.rules->rules);
    char text[NAME_TEXT_MAX];
    work->errors++;
    if (work->reported[index])
        return;
    work->reported[index] = true;
    name_to_text(owner, text);
    config_error(work->policy->config, work->diag, tie->section, "names", tie->section->line,
                 "found that it fits %s %s in [view %s] as well as [ttl %s] on line %" PRIu32
                 " does, wanted one of them more specific",
                 text, what, work->policy->views[work->view].name, winner->section->name, winner->section->line);
}

static enum status remember_cap(struct work *work, const struct zone *zone, size_t record, const struct ttl_rule *rule)
{
    if (!rule->fixed.given && !rule->max.given)
        return STATUS_OK;
    struct cap *caps = memory_grow(work->caps, work->cap_count, &work->cap_capacity, sizeof *caps);
    if (caps == NULL)
        return STATUS_NO_MEMORY;
    work->caps = caps;
    uint32_t seconds = rule->fixed.given ? rule->fixed.seconds : rule->max.seconds;
    caps[work->cap_count++] = (struct cap){zone, record, seconds, rule};
    return STATUS_OK;
}

static struct zone_ttl_change change_by(const struct work *work, const struct ttl_rule *rule,
                                        enum zone_ttl_reason reason, uint32_t ttl)
{
    uint32_t number = (uint32_t)(rule - work->matches.rules->rules);
    return (struct zone_ttl_change){.reason = reason, .ttl = ttl, .view = work->view, .rule = number};
}

static enum status apply_rrset(struct work *work, struct zone *zone, const struct zone_rrset *rrset)
{
    const struct zone_record *records = &zone->records[rrset->first];
    uint16_t type = records[0].type;
    if (type == RRTYPE_SOA)
        return STATUS_OK;
    const struct ttl_rule *tie;
    const struct ttl_rule *rule = choose(&work->matches, type, &tie);
    if (rule == NULL)
        return STATUS_OK;
    if (tie != NULL)
        report_tie(work, rule, tie, zone_owner(zone, records), "in its data");
    const struct zone_ttl_change change = change_by(work, rule, ZONE_TTL_RULE, ttl_under(rule, records->ttl));
    enum status status = zone_change_ttl(zone, rrset, &change, NULL);
    return status == STATUS_OK && type == RRTYPE_CNAME ? remember_cap(work, zone, rrset->first, rule) : status;
}

static enum status apply_zone(struct work *work, struct zone *zone)
{
    const uint8_t *owner = NULL;
    struct zone_rrset rrset;
    for (size_t next = 0; zone_next_rrset(zone, &next, &rrset);) {
        const uint8_t *name = zone_owner(zone, &zone->records[rrset.first]);
        if (owner == NULL || (name != owner && !name_equal(name, owner)))
            match_owner(&work->matches, work->view, name);
        owner = name;
        enum status status = work->matches.count == 0 ? STATUS_OK : apply_rrset(work, zone, &rrset);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The rule for the negative TTL of a name; NULL: none gives one. */
static const struct ttl_rule *find_negative(struct work *work, const uint8_t *name)
{
    const struct ttl_rule *tie;
    match_owner(&work->matches, work->view, name);
    const struct ttl_rule *rule = choose(&work->matches, 0, &tie);
    if (tie != NULL && (tie->negative.given || rule->negative.given))
        report_tie(work, rule, tie, name, "and its negative TTL");
    return rule != NULL && rule->negative.given ? rule : NULL;
}

static void apply_negative(struct work *work, struct zone *zone)
{
    const struct ttl_rule *rule = find_negative(work, zone->apex);
    if (rule != NULL)
        zone->negative_ttl = rule->negative.seconds;
    for (size_t i = 0; i < zone->mark_count; i++) {
        struct zone_mark *mark = &zone->marks[i];
        if ((mark->flags & ZONE_HIDDEN) == 0)
            continue;
        rule = find_negative(work, zone_mark_name(zone, mark));
        if (rule != NULL)
            mark->negative_ttl = rule->negative.seconds;
    }
}

static enum status apply_caps(const struct work *work, struct zone *const *zones, size_t count)
{
    struct ttl_chain chain;
    if (work->cap_count == 0)
        return STATUS_OK;
    enum status status = ttl_chain_init(&chain, zones, count);
    for (size_t i = 0; i < work->cap_count && status == STATUS_OK; i++) {
        const struct cap *cap = &work->caps[i];
        struct rdata rdata = zone_rdata(cap->zone, &cap->zone->records[cap->record]);
        const uint8_t *target = rdata_target(RRTYPE_CNAME, &rdata);
        const struct ttl_limit limit = {change_by(work, cap->rule, ZONE_TTL_CAP, cap->seconds),
                                        zone_owner(cap->zone, &cap->zone->records[cap->record])};
        if (target != NULL)
            status = ttl_chain_cap(&chain, target, &limit);
    }
    ttl_chain_clear(&chain);
    return status;
}

enum status ttl_apply(const struct policy *policy, uint32_t view, struct zone *const *zones, size_t count,
                      struct diag *diag)
{
    const struct ttl_rules *rules = policy->ttl;
    if (rules->count == 0)
        return STATUS_OK;
    struct work work = {.policy = policy, .view = view, .diag = diag, .matches.rules = rules};
    work.matches.best = memory_zalloc(rules->count, sizeof(struct glob *));
    work.reported = memory_zalloc(rules->count, sizeof *work.reported);
    enum status status = work.matches.best == NULL || work.reported == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = apply_zone(&work, zones[i]);
        if (status == STATUS_OK)
            apply_negative(&work, zones[i]);
    }
    if (status == STATUS_OK)
        status = apply_caps(&work, zones, count);
    memory_free(work.matches.best);
    memory_free(work.reported);
    memory_free(work.caps);
    return status == STATUS_OK && work.errors > 0 ? STATUS_BAD_INPUT : status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/forward.h"

#include "policy/autodiscover.h"
#include "policy/forward_special.h"
#include "policy/leak.h"
#include "policy/options.h"
#include "policy/policy.h"
#include "policy/policy_check.h"
#include "policy/section_digest.h"
#include "policy/topology.h"
#include "zones/bytes.h"
#include "zones/hash.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53

/* One [forward] section. */
struct forward_section {
    uint8_t domain[NAME_SIZE_MAX];       /* lowered */
    const struct upstream_group *group;  /* NULL: nowhere */
    const struct config_section *config; /* borrowed from the policy */
    bool *views;                         /* per view of the policy: holds there; owned */
};

/* A name that a question's name, or one above it, may be found under. */
struct forward_entry {
    const uint8_t *name; /* lowered; borrowed from the section or `special_names` */
    uint64_t hash;
    const struct forward_section *section; /* NULL: none of this name */
    enum special_kind special;
};

struct forward_view {
    const struct upstream_group *group; /* NULL: the view has no forward */
    uint32_t line;                      /* of that key */
    bool is_external;
    bool has_special; /* answers special names itself */
    bool has_canary;
    bool has_recursion;
    uint64_t identity;
};

struct forward_rules {
    const struct policy *policy;
    struct upstream_group *groups;
    size_t group_count;
    struct forward_section *sections; /* by domain */
    size_t section_count;
    uint8_t (*special_names)[NAME_SIZE_MAX];
    struct forward_entry *entries;
    size_t entry_count;
    uint32_t *slots; /* entry number + 1, by hash, open addressing; 0: free */
    uint32_t slot_mask;
    unsigned labels_max; /* of all entries */
    struct forward_view *views;
    struct leak *internal_only; /* NULL: no view has recursion */
};

void forward_rules_free(struct forward_rules *rules)
{
    if (rules == NULL)
        return;
    for (size_t i = 0; i < rules->group_count; i++) {
        memory_free(rules->groups[i].servers);
        glob_list_clear(&rules->groups[i].private_answers);
    }
    for (size_t i = 0; i < rules->section_count; i++)
        memory_free(rules->sections[i].views);
    memory_free(rules->groups);
    memory_free(rules->sections);
    memory_free(rules->special_names);
    memory_free(rules->entries);
    memory_free(rules->slots);
    memory_free(rules->views);
    leak_free(rules->internal_only);
    memory_free(rules);
}

/* ---- sections ---- */

static size_t count_kind(const struct config *config, enum kind_id id)
{
    size_t count = 0;
    for (size_t i = 0; i < config->section_count; i++)
        count += config->sections[i].kind_id == (unsigned)id;
    return count;
}

static enum status read_group(const struct config_section *section, struct upstream_group *group)
{
    const struct config_setting *servers = config_find(section, "servers");
    group->name = section->name;
    group->line = section->line;
    group->timeout_ms = (uint32_t)config_number(section, "timeout") * 1000;
    group->deadline_ms = (uint32_t)config_number(section, "deadline") * 1000;
    group->tcp_always = strcmp(config_text(section, "tcp"), "always") == 0;
    group->case_mix = config_number(section, "case-mix") != 0;
    group->trust_ad = config_number(section, "trust-ad") != 0;
    group->stale = (uint32_t)config_number(section, "stale");
    group->servers = memory_zalloc(servers->value_count, sizeof *group->servers);
    if (group->servers == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < servers->value_count; i++) {
        const struct config_value *value = &servers->values[i];
        group->servers[group->server_count++] =
            (struct upstream_server){value->prefix.address, value->has_port ? value->port : DNS_PORT};
    }
    return glob_list_read(config_find(section, "private-answers"), &group->private_answers);
}

static enum status read_groups(struct forward_rules *rules)
{
    const struct config *config = rules->policy->config;
    rules->groups = memory_zalloc(count_kind(config, KIND_UPSTREAM), sizeof *rules->groups);
    if (rules->groups == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind_id == KIND_UPSTREAM &&
            read_group(&config->sections[i], &rules->groups[rules->group_count++]) != STATUS_OK)
            return STATUS_NO_MEMORY;
    return STATUS_OK;
}

/* NULL: no [upstream] of that name, which is what `nowhere` is. */
static const struct upstream_group *find_group(const struct forward_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->group_count; i++)
        if (strcmp(rules->groups[i].name, name) == 0)
            return &rules->groups[i];
    return NULL;
}

static enum status read_views(struct forward_rules *rules)
{
    const struct policy *policy = rules->policy;
    rules->views = memory_zalloc(policy->view_count, sizeof *rules->views);
    if (rules->views == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < policy->view_count; i++) {
        const struct config_section *section = policy_view_section(policy, i);
        const struct config_setting *forward = config_find(section, "forward");
        struct forward_view *view = &rules->views[i];
        view->group = forward == NULL ? NULL : find_group(rules, forward->values[0].text);
        view->line = forward == NULL ? 0 : forward->line;
        view->is_external = policy->views[i].is_external;
        view->has_special = config_number(section, "special-names") != 0;
        view->has_canary = config_is_set(section, "canary") ? config_number(section, "canary") != 0
                                                            : !view->is_external && view->group != NULL;
        view->has_recursion = view->group != NULL;
    }
    return STATUS_OK;
}

/* The views a section names, else those that have `forward`. */
static void find_views(struct forward_rules *rules, struct forward_section *section)
{
    const struct config_setting *views = config_find(section->config, "views");
    for (uint32_t i = 0; views == NULL && i < rules->policy->view_count; i++)
        section->views[i] = rules->views[i].group != NULL;
    for (size_t i = 0; views != NULL && i < views->value_count; i++)
        section->views[policy_find_view(rules->policy, views->values[i].text)] = true;
    for (uint32_t i = 0; i < rules->policy->view_count; i++)
        rules->views[i].has_recursion |= section->views[i] && section->group != NULL;
}

static enum status read_section(struct forward_rules *rules, const struct config_section *config)
{
    struct forward_section *section = &rules->sections[rules->section_count++];
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    enum status status = name_from_text(config->name, strlen(config->name), NULL, name, &size);
    assert(status == STATUS_OK);
    (void)status;
    name_to_lower(name, section->domain);
    section->config = config;
    section->group = find_group(rules, config_text(config, "to"));
    section->views = memory_zalloc(rules->policy->view_count, sizeof *section->views);
    if (section->views == NULL)
        return STATUS_NO_MEMORY;
    find_views(rules, section);
    return STATUS_OK;
}

/* In the order of the lowered octets: the file's order never matters, of doubles the first line comes first. */
static int compare_sections(const void *left, const void *right)
{
    const struct forward_section *a = left;
    const struct forward_section *b = right;
    size_t a_size = name_size(a->domain);
    size_t b_size = name_size(b->domain);
    int order = memcmp(a->domain, b->domain, a_size < b_size ? a_size : b_size);
    if (order == 0)
        order = (a_size > b_size) - (a_size < b_size);
    return order != 0 ? order : (a->config->line > b->config->line) - (a->config->line < b->config->line);
}

static enum status read_sections(struct forward_rules *rules)
{
    const struct config *config = rules->policy->config;
    rules->sections = memory_zalloc(count_kind(config, KIND_FORWARD), sizeof *rules->sections);
    if (rules->sections == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind_id == KIND_FORWARD && read_section(rules, &config->sections[i]) != STATUS_OK)
            return STATUS_NO_MEMORY;
    if (rules->section_count > 0)
        qsort(rules->sections, rules->section_count, sizeof *rules->sections, compare_sections);
    return STATUS_OK;
}

/* ---- what is wrong with them ---- */

/* Anybody's questions for a domain are anybody's questions, too. */
static void check_open(const struct forward_rules *rules, const struct forward_section *section, struct diag *diag)
{
    const struct policy *policy = rules->policy;
    const struct config_setting *views = config_find(section->config, "views");
    for (uint32_t i = 0; i < policy->view_count; i++)
        if (section->views[i] && section->group != NULL && policy->views[i].has_any && rules->views[i].group == NULL &&
            config_number(policy_view_section(policy, i), "open-resolver") == 0)
            config_error(policy->config, diag, section->config, "views",
                         views != NULL ? views->line : section->config->line,
                         "found view %s, which is recursion for everybody (clients = any), wanted open-resolver = yes "
                         "there if that is meant",
                         policy->views[i].name);
}

static void warn(const struct forward_rules *rules, const struct config_section *section, const char *text,
                 struct diag *diag)
{
    const struct place place = {.file = rules->policy->config->path, .line = section->line};
    diag_add(diag, SEVERITY_WARNING, &place, "[%s %s]: %s", section->kind, section->name, text);
}

static void check_section(const struct forward_rules *rules, size_t index, struct diag *diag)
{
    const struct forward_section *section = &rules->sections[index];
    bool is_anywhere = false;
    if (index > 0 && name_equal(section->domain, section[-1].domain))
        config_error(rules->policy->config, diag, section->config, NULL, section->config->line,
                     "found this domain again, wanted it once (first on line %" PRIu32 ")", section[-1].config->line);
    check_open(rules, section, diag);
    for (uint32_t i = 0; i < rules->policy->view_count; i++)
        is_anywhere = is_anywhere || section->views[i];
    if (!is_anywhere)
        warn(rules, section->config, "no view has forward, and views names none: it changes nothing", diag);
}

static bool is_used(const struct forward_rules *rules, const struct upstream_group *group)
{
    for (uint32_t i = 0; i < rules->policy->view_count; i++)
        if (rules->views[i].group == group)
            return true;
    for (size_t i = 0; i < rules->section_count; i++)
        if (rules->sections[i].group == group)
            return true;
    return false;
}

static enum status check(const struct forward_rules *rules, struct diag *diag)
{
    size_t errors = diag->errors;
    for (size_t i = 0; i < rules->section_count; i++)
        check_section(rules, i, diag);
    for (size_t i = 0; i < rules->group_count; i++)
        if (!is_used(rules, &rules->groups[i]))
            warn(rules, config_find_section(rules->policy->config, "upstream", rules->groups[i].name),
                 "no view and no [forward] sends anything there", diag);
    return diag->errors == errors ? STATUS_OK : STATUS_BAD_INPUT;
}

/* ---- the table of names ---- */

static struct forward_entry *find_entry(const struct forward_rules *rules, uint64_t hash, const uint8_t *name,
                                        size_t size)
{
    for (uint32_t slot = (uint32_t)hash & rules->slot_mask; rules->slots[slot] != 0;
         slot = (slot + 1) & rules->slot_mask) {
        struct forward_entry *entry = &rules->entries[rules->slots[slot] - 1];
        if (entry->hash == hash && memcmp(entry->name, name, size) == 0)
            return entry;
    }
    return NULL;
}

/* The entry of a name, made if there is none yet. */
static struct forward_entry *take_entry(struct forward_rules *rules, const uint8_t *name)
{
    struct name_split split;
    name_split(name, &split);
    uint64_t hash = split.hash[split.labels];
    struct forward_entry *entry = find_entry(rules, hash, name, split.size);
    if (entry != NULL)
        return entry;
    uint32_t slot = (uint32_t)hash & rules->slot_mask;
    while (rules->slots[slot] != 0)
        slot = (slot + 1) & rules->slot_mask;
    entry = &rules->entries[rules->entry_count++];
    rules->slots[slot] = (uint32_t)rules->entry_count;
    *entry = (struct forward_entry){.name = name, .hash = hash};
    if (split.labels > rules->labels_max)
        rules->labels_max = split.labels;
    return entry;
}

static enum status make_table(struct forward_rules *rules)
{
    size_t special = special_count();
    size_t count = special + rules->section_count;
    uint32_t slots = 64;
    while (slots < count * 2)
        slots *= 2;
    rules->slot_mask = slots - 1;
    rules->entries = memory_zalloc(count, sizeof *rules->entries);
    rules->slots = memory_zalloc(slots, sizeof *rules->slots);
    rules->special_names = memory_zalloc(special, sizeof *rules->special_names);
    if (rules->entries == NULL || rules->slots == NULL || rules->special_names == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < special; i++) {
        enum special_kind kind = special_name(i, rules->special_names[i]);
        take_entry(rules, rules->special_names[i])->special = kind;
    }
    for (size_t i = 0; i < rules->section_count; i++)
        take_entry(rules, rules->sections[i].domain)->section = &rules->sections[i];
    return STATUS_OK;
}

/* ---- internal-only names ---- */

/* Facts that cannot be published are refused where they are published; here they just have no names. */
static enum status find_internal_only(struct forward_rules *rules)
{
    struct topology *topology = NULL;
    struct autodiscover *names = NULL;
    struct diag ignored;
    bool is_needed = false;
    for (uint32_t i = 0; i < rules->policy->view_count; i++)
        is_needed = is_needed || rules->views[i].has_recursion;
    if (!is_needed)
        return STATUS_OK;
    diag_init(&ignored);
    enum status status = topology_new(rules->policy, &ignored, &topology);
    if (status == STATUS_OK)
        status = autodiscover_internal_only(topology, &ignored, &names);
    if (status != STATUS_NO_MEMORY)
        status = leak_new_from(rules->policy, names, &rules->internal_only);
    autodiscover_free(names);
    topology_free(topology);
    diag_clear(&ignored);
    return status;
}

/* ---- identities ---- */

static enum status append_group(const struct forward_rules *rules, const struct upstream_group *group,
                                struct bytes *bytes)
{
    if (group == NULL)
        return section_append_text(bytes, "-");
    return section_append_settings(bytes, config_find_section(rules->policy->config, "upstream", group->name));
}

static enum status append_view(const struct forward_rules *rules, uint32_t index, struct bytes *bytes)
{
    const struct forward_view *view = &rules->views[index];
    const struct ttl_rules *ttl = rules->policy->ttl;
    const uint8_t flags[] = {view->is_external, view->has_special, view->has_canary};
    enum status status = bytes_append(bytes, flags, sizeof flags);
    if (status == STATUS_OK)
        status = append_group(rules, view->group, bytes);
    for (size_t i = 0; i < rules->section_count && status == STATUS_OK; i++) {
        const struct forward_section *section = &rules->sections[i];
        if (!section->views[index])
            continue;
        status = bytes_append(bytes, section->domain, name_size(section->domain));
        if (status == STATUS_OK)
            status = append_group(rules, section->group, bytes);
    }
    for (size_t i = 0; i < ttl->count && status == STATUS_OK; i++)
        if (ttl->rules[i].selector.views == NULL)
            status = section_append_settings(bytes, ttl->rules[i].section);
    return status;
}

static enum status find_identity(struct forward_rules *rules, uint32_t view)
{
    uint8_t digest[HASH_SIZE];
    struct bytes bytes;
    if (!rules->views[view].has_recursion && rules->section_count == 0)
        return STATUS_OK; /* it leaves every name to nobody */
    bytes_init(&bytes, SIZE_MAX);
    enum status status = append_view(rules, view, &bytes);
    if (status == STATUS_OK) {
        const struct hash_piece piece = {bytes.data, bytes.size};
        hash_pieces(&piece, 1, digest);
        memcpy(&rules->views[view].identity, digest, sizeof rules->views[view].identity);
        rules->views[view].identity |= 1; /* 0 stands for none */
    }
    bytes_clear(&bytes);
    return status;
}

/* ---- all ---- */

static enum status build(struct forward_rules *rules, struct diag *diag)
{
    enum status status = read_groups(rules);
    if (status == STATUS_OK)
        status = read_views(rules);
    if (status == STATUS_OK)
        status = read_sections(rules);
    if (status == STATUS_OK)
        status = check(rules, diag);
    if (status == STATUS_OK)
        status = make_table(rules);
    if (status == STATUS_OK)
        status = find_internal_only(rules);
    for (uint32_t i = 0; i < rules->policy->view_count && status == STATUS_OK; i++)
        status = find_identity(rules, i);
    return status;
}

enum status forward_rules_new(const struct policy *policy, struct diag *diag, struct forward_rules **result)
{
    struct forward_rules *rules = memory_zalloc(1, sizeof *rules);
    *result = NULL;
    if (rules == NULL)
        return STATUS_NO_MEMORY;
    rules->policy = policy;
    enum status status = build(rules, diag);
    if (status != STATUS_OK) {
        forward_rules_free(rules);
        return status;
    }
    *result = rules;
    return STATUS_OK;
}

size_t forward_group_count(const struct forward_rules *rules)
{
    return rules->group_count;
}

const struct upstream_group *forward_group(const struct forward_rules *rules, size_t index)
{
    return &rules->groups[index];
}

size_t forward_domain_count(const struct forward_rules *rules)
{
    return rules->section_count;
}

const uint8_t *forward_domain(const struct forward_rules *rules, size_t index, uint32_t *line)
{
    *line = rules->sections[index].config->line;
    return rules->sections[index].domain;
}

bool forward_domain_in(const struct forward_rules *rules, size_t index, uint32_t view)
{
    return rules->sections[index].views[view];
}

bool forward_has_recursion(const struct forward_rules *rules, uint32_t view)
{
    return rules->views[view].has_recursion;
}

uint64_t forward_identity(const struct forward_rules *rules, uint32_t view)
{
    return rules->views[view].has_recursion ? rules->views[view].identity : 0;
}

/* ---- finding ---- */

/* What stands at or above a name. */
struct forward_hit {
    const struct forward_section *section; /* the deepest that holds in the view; NULL: none */
    unsigned section_labels;
    const struct forward_entry *special; /* the deepest special name; NULL: none */
    unsigned special_labels;
    bool is_special_itself; /* the special name is the name */
};

static void find_hit(const struct forward_rules *rules, uint32_t view, const struct name_split *split,
                     struct forward_hit *hit)
{
    *hit = (struct forward_hit){.section = NULL};
    unsigned labels = split->labels < rules->labels_max ? split->labels : rules->labels_max;
    for (;; labels--) {
        const uint8_t *suffix = split->lower + split->offset[labels];
        const struct forward_entry *entry =
            find_entry(rules, split->hash[labels], suffix, (size_t)(split->size - split->offset[labels]));
        if (entry != NULL && hit->section == NULL && entry->section != NULL && entry->section->views[view]) {
            hit->section = entry->section;
            hit->section_labels = labels;
        }
        if (entry != NULL && hit->special == NULL && entry->special != SPECIAL_NONE) {
            hit->special = entry;
            hit->special_labels = labels;
            hit->is_special_itself = labels == split->labels;
        }
        if (labels == 0)
            return;
    }
}

static bool is_canary(const struct forward_hit *hit)
{
    return hit->special->special == SPECIAL_CANARY || hit->special->special == SPECIAL_CANARY_EMPTY;
}

/* Is the special name answered here? What the operator wrote at or below it goes first. */
static bool is_special_here(const struct forward_view *view, const struct forward_hit *hit, uint16_t type,
                            const uint8_t *apex)
{
    if (hit->special == NULL || (hit->section != NULL && hit->section_labels >= hit->special_labels))
        return false;
    if (apex != NULL && name_label_count(apex) >= hit->special_labels)
        return false;
    /* An empty zone's DS is its parent's, which says to a validator that there is no chain of trust (RFC 8375 4). */
    if (type == RRTYPE_DS && hit->is_special_itself && hit->special->special == SPECIAL_EMPTY)
        return false;
    return is_canary(hit) ? view->has_canary : view->has_special;
}

static enum forward_kind special_kind_here(const struct forward_view *view, const struct forward_hit *hit,
                                           uint16_t type)
{
    switch (hit->special->special) {
    case SPECIAL_EMPTY:
    case SPECIAL_CANARY_EMPTY:
        return hit->is_special_itself ? FORWARD_NODATA : FORWARD_NXDOMAIN;
    case SPECIAL_LOOPBACK:
        /* An external view gives no private address, not even this one. */
        if (view->is_external)
            return FORWARD_NXDOMAIN;
        return special_loopback(type) != NULL ? FORWARD_LOOPBACK : FORWARD_NODATA;
    case SPECIAL_ABSENT:
    case SPECIAL_CANARY:
    case SPECIAL_NONE:
        break;
    }
    return FORWARD_NXDOMAIN;
}

/* The deepest section, else the view's own group. */
static void route_on(const struct forward_view *view, const struct forward_section *section, bool recursion,
                     struct forward_route *route)
{
    const struct upstream_group *group = section != NULL ? section->group : view->group;
    route->reason = section != NULL ? FORWARD_BY_SECTION : FORWARD_BY_VIEW;
    route->line = section != NULL ? section->config->line : view->line;
    route->domain = section != NULL ? section->domain : NULL;
    if (group == NULL) {
        route->kind = FORWARD_NXDOMAIN;
        return;
    }
    if (!recursion) {
        route->reason = FORWARD_NO_RECURSION;
        return;
    }
    route->kind = FORWARD_UPSTREAM;
    route->group = group;
    route->private_allowed = section != NULL;
}

void forward_find(const struct forward_rules *rules, uint32_t index, const struct name_split *split, uint16_t type,
                  bool recursion, const uint8_t *apex, struct forward_route *route)
{
    const struct forward_view *view = &rules->views[index];
    struct forward_hit hit;
    *route = (struct forward_route){.kind = FORWARD_REFUSED, .reason = FORWARD_BY_NOTHING};
    if (view->group == NULL && rules->section_count == 0)
        return;
    find_hit(rules, index, split, &hit);
    if (hit.section == NULL && view->group == NULL)
        return;
    bool is_explicit = hit.section != NULL && !view->is_external;
    if (rules->internal_only != NULL && !is_explicit &&
        leak_is_internal_only_lower(rules->internal_only, split->lower)) {
        route->kind = FORWARD_NXDOMAIN;
        route->reason = FORWARD_INTERNAL_ONLY;
        return;
    }
    if (is_special_here(view, &hit, type, apex)) {
        route->kind = special_kind_here(view, &hit, type);
        route->reason = is_canary(&hit) ? FORWARD_CANARY : FORWARD_SPECIAL;
        route->domain = hit.special->name;
        return;
    }
    route_on(view, hit.section, recursion, route);
}

bool forward_alike(const struct forward_rules *rules, uint32_t a, uint32_t b)
{
    return rules->views[a].identity == rules->views[b].identity;
}

const struct rrset *forward_soa(const struct forward_route *route)
{
    return special_soa(route->reason == FORWARD_SPECIAL);
}

/* ---- TTLs of foreign names ---- */

uint32_t forward_ttl(const struct policy *policy, const uint8_t *owner, uint16_t type, uint32_t ttl)
{
    const struct ttl_rule *rule = ttl_find_foreign(policy->ttl, owner, type);
    if (rule == NULL)
        return ttl;
    return rule->fixed.given && rule->fixed.seconds > ttl ? ttl : ttl_under(rule, ttl);
}

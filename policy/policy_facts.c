/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_check_facts: what deployments, pools, edges, proxies and services may not say together. */
#include "policy/config_value.h"
#include "policy/options.h"
#include "policy/policy_check.h"
#include "zones/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum fact_role {
    ROLE_NODE,
    ROLE_WEB_INTERNAL,
    ROLE_DIRECTOR_WEB_INTERNAL,
    ROLE_WEB_EXTERNAL_VIP,
    ROLE_RP_PUBLIC,
    ROLE_RP_INTERNAL,
    ROLE_EDGE_ACCESS,
    ROLE_EDGE_WEBCON,
    ROLE_EDGE_AV,
    ROLE_EDGE_INTERNAL,
    ROLE_FIREWALL,
    ROLE_SERVICE
};

static const char *const role_texts[] = {
    [ROLE_NODE] = "node",
    [ROLE_WEB_INTERNAL] = "web-internal",
    [ROLE_DIRECTOR_WEB_INTERNAL] = "director-web-internal",
    [ROLE_WEB_EXTERNAL_VIP] = "web-external-vip",
    [ROLE_RP_PUBLIC] = "rp-public",
    [ROLE_RP_INTERNAL] = "rp-internal",
    [ROLE_EDGE_ACCESS] = "edge-access",
    [ROLE_EDGE_WEBCON] = "edge-webcon",
    [ROLE_EDGE_AV] = "edge-av",
    [ROLE_EDGE_INTERNAL] = "edge-internal",
    [ROLE_FIREWALL] = "firewall",
    [ROLE_SERVICE] = "service",
};

/* An address and what stands there. Borrows from the configuration. */
struct fact_address {
    const struct config_value *value;
    const struct config_section *section;
    const char *key;
    enum fact_role role;
};

/* A host's or service's name. */
struct fact_name {
    const struct config_value *value;
    const struct config_section *section;
    const char *key;
};

struct facts {
    const struct policy *policy;
    const struct config *config;
    struct diag *diag;
    struct fact_address *addresses;
    size_t address_count;
    size_t address_capacity;
    struct fact_name *names;
    size_t name_count;
    size_t name_capacity;
    size_t deployments;
    bool no_memory;
};

static bool is_word(const struct config_section *section, const char *key, const char *word)
{
    const struct config_setting *setting = config_find(section, key);
    return setting != NULL && strcmp(setting->values[0].text, word) == 0;
}

/* The [autodiscover] a fact belongs to; NULL if that is not clear. */
static const struct config_section *deployment_of(const struct facts *facts, const struct config_section *section)
{
    const struct config_setting *setting = config_find(section, "deployment");
    if (setting != NULL)
        return config_find_section(facts->config, "autodiscover", setting->values[0].text);
    return facts->deployments == 1 ? config_find_section(facts->config, "autodiscover", NULL) : NULL;
}

/* ---- collecting ---- */

static void add_address(struct facts *facts, const struct config_section *section, const char *key,
                        const struct config_value *value, enum fact_role role)
{
    struct fact_address *addresses =
        memory_grow(facts->addresses, facts->address_count, &facts->address_capacity, sizeof *addresses);
    facts->no_memory = facts->no_memory || addresses == NULL;
    if (addresses == NULL)
        return;
    facts->addresses = addresses;
    addresses[facts->address_count++] = (struct fact_address){value, section, key, role};
}

static void add_name(struct facts *facts, const struct config_section *section, const char *key,
                     const struct config_value *value)
{
    struct fact_name *names = memory_grow(facts->names, facts->name_count, &facts->name_capacity, sizeof *names);
    facts->no_memory = facts->no_memory || names == NULL;
    if (names == NULL)
        return;
    facts->names = names;
    names[facts->name_count++] = (struct fact_name){value, section, key};
}

/* Every name and every address of a setting. */
static void collect(struct facts *facts, const struct config_section *section, const char *key, enum fact_role role)
{
    const struct config_setting *setting = config_find(section, key);
    for (size_t i = 0; setting != NULL && i < setting->value_count; i++) {
        const struct config_value *value = &setting->values[i];
        if (value->form == CONFIG_NAME)
            add_name(facts, section, key, value);
        else if (value->form == CONFIG_PREFIX)
            add_address(facts, section, key, value, role);
    }
}

static void collect_section(struct facts *facts, const struct config_section *section)
{
    switch (section->kind_id) {
    case KIND_AUTODISCOVER:
        collect(facts, section, "internal-web", ROLE_WEB_INTERNAL);
        collect(facts, section, "external-web", ROLE_RP_PUBLIC);
        collect(facts, section, "firewall", ROLE_FIREWALL);
        break;
    case KIND_POOL:
        collect(facts, section, "fqdn", ROLE_NODE);
        collect(facts, section, "node", ROLE_NODE);
        collect(facts, section, "internal-web",
                is_word(section, "kind", "director") ? ROLE_DIRECTOR_WEB_INTERNAL : ROLE_WEB_INTERNAL);
        collect(facts, section, "external-web", ROLE_RP_PUBLIC);
        collect(facts, section, "external-vip", ROLE_WEB_EXTERNAL_VIP);
        break;
    case KIND_EDGE:
        collect(facts, section, "fqdn", ROLE_EDGE_INTERNAL);
        collect(facts, section, "node", ROLE_EDGE_INTERNAL);
        collect(facts, section, "internal", ROLE_EDGE_INTERNAL);
        collect(facts, section, "access", ROLE_EDGE_ACCESS);
        collect(facts, section, "webcon", ROLE_EDGE_WEBCON);
        collect(facts, section, "av", ROLE_EDGE_AV);
        break;
    case KIND_PROXY:
        collect(facts, section, "public", ROLE_RP_PUBLIC);
        collect(facts, section, "internal", ROLE_RP_INTERNAL);
        break;
    case KIND_SERVICE:
        collect(facts, section, "fqdn", ROLE_SERVICE);
        collect(facts, section, "internal", ROLE_SERVICE);
        collect(facts, section, "external", ROLE_SERVICE);
        break;
    default:
        break;
    }
}

/* ---- roles and names ---- */

static bool is_standard(const struct config_section *pool)
{
    return pool->kind_id == KIND_AUTODISCOVER || is_word(pool, "kind", "standard") ||
           (!config_is_set(pool, "kind") && !config_is_set(pool, "fqdn"));
}

static bool may_share(const struct fact_address *a, const struct fact_address *b)
{
    enum fact_role low = a->role < b->role ? a->role : b->role;
    enum fact_role high = a->role < b->role ? b->role : a->role;
    if (low == high)
        return true;
    if (low == ROLE_NODE && high == ROLE_WEB_INTERNAL)
        return a->section == b->section && is_standard(a->section);
    if (low >= ROLE_EDGE_ACCESS && high <= ROLE_EDGE_AV)
        return true;
    return high == ROLE_SERVICE && (low == ROLE_RP_PUBLIC || low == ROLE_RP_INTERNAL);
}

/* By address, then by line. */
static int compare_addresses(const void *a, const void *b)
{
    const struct fact_address *left = a;
    const struct fact_address *right = b;
    const struct address *x = &left->value->prefix.address;
    const struct address *y = &right->value->prefix.address;
    if (x->family != y->family)
        return (int)x->family - (int)y->family;
    int order = memcmp(x->bytes, y->bytes, sizeof x->bytes);
    return order != 0 ? order : (left->value->line > right->value->line) - (left->value->line < right->value->line);
}

static void check_roles(struct facts *facts)
{
    if (facts->address_count > 1)
        qsort(facts->addresses, facts->address_count, sizeof *facts->addresses, compare_addresses);
    size_t first = 0;
    for (size_t i = 1; i < facts->address_count; i++) {
        const struct fact_address *here = &facts->addresses[i];
        if (!address_equal(&here->value->prefix.address, &facts->addresses[first].value->prefix.address))
            first = i;
        size_t j = first;
        while (j < i && may_share(here, &facts->addresses[j]))
            j++;
        const struct fact_address *other = &facts->addresses[j];
        if (j < i)
            config_error(facts->config, facts->diag, here->section, here->key, here->value->line,
                         "found %s as %s, wanted one role (it is %s by [%s %s] %s on line %" PRIu32 ")",
                         here->value->text, role_texts[here->role], role_texts[other->role], other->section->kind,
                         other->section->name, other->key, other->value->line);
    }
}

static bool is_node_key(const char *key)
{
    return strcmp(key, "node") == 0;
}

/* The first name in the list that equals names[index] and is another one. */
static const struct fact_name *find_equal(const struct facts *facts, size_t index, bool nodes_only)
{
    const struct fact_name *name = &facts->names[index];
    for (size_t i = 0; i < facts->name_count; i++) {
        const struct fact_name *other = &facts->names[i];
        if (i == index || (nodes_only && (i > index || !is_node_key(other->key))) ||
            (i > index && other->section->kind_id == KIND_SERVICE))
            continue;
        if (name_equal(other->value->name, name->value->name))
            return other;
    }
    return NULL;
}

static void check_names(struct facts *facts)
{
    for (size_t i = 0; i < facts->name_count; i++) {
        const struct fact_name *name = &facts->names[i];
        bool is_node = is_node_key(name->key);
        if (!is_node && name->section->kind_id != KIND_SERVICE)
            continue;
        const struct fact_name *other = find_equal(facts, i, is_node);
        if (other != NULL)
            config_error(facts->config, facts->diag, name->section, name->key, name->value->line,
                         "found %s again, wanted it once ([%s %s] %s has it on line %" PRIu32 ")", name->value->text,
                         other->section->kind, other->section->name, other->key, other->value->line);
    }
}

/* ---- deployments ---- */

/* Sections of a kind that belong to a deployment; *first is the first of them. */
static size_t count_facts(const struct facts *facts, enum kind_id kind, const struct config_section *deployment,
                          const struct config_section **first)
{
    size_t count = 0;
    *first = NULL;
    for (size_t i = 0; i < facts->config->section_count; i++) {
        const struct config_section *section = &facts->config->sections[i];
        if (section->kind_id != (unsigned)kind || deployment_of(facts, section) != deployment)
            continue;
        if (count++ == 0)
            *first = section;
    }
    return count;
}

static bool has_internal_proxy(const struct facts *facts, const struct config_section *deployment)
{
    for (size_t i = 0; i < facts->config->section_count; i++) {
        const struct config_section *section = &facts->config->sections[i];
        if (section->kind_id == KIND_PROXY && deployment_of(facts, section) == deployment &&
            config_is_set(section, "internal"))
            return true;
    }
    return false;
}

static void check_proxy_use(const struct facts *facts, const struct config_section *section)
{
    const struct config_setting *hairpin = config_find(section, "hairpin");
    const struct config_setting *discover = config_find(section, "discoverinternal");
    if (has_internal_proxy(facts, section))
        return;
    if (hairpin != NULL && hairpin->values[0].number == 0)
        config_error(facts->config, facts->diag, section, "hairpin", hairpin->line,
                     "found no, wanted a [proxy] with internal addresses for that");
    if (discover != NULL && is_word(section, "discoverinternal", "reverse-proxy"))
        config_error(facts->config, facts->diag, section, "discoverinternal", discover->line,
                     "found reverse-proxy, wanted a [proxy] with internal addresses for that");
}

static void check_view_sides(const struct facts *facts, const struct config_section *section, const char *key,
                             bool wants_external)
{
    const struct config_setting *views = config_find(section, key);
    for (size_t i = 0; views != NULL && i < views->value_count; i++) {
        uint32_t view = policy_find_view(facts->policy, views->values[i].text);
        if (view != VIEW_NONE && facts->policy->views[view].is_external != wants_external)
            config_error(facts->config, facts->diag, section, key, views->values[i].line,
                         "found %s, which has side = %s, wanted views with side = %s", views->values[i].text,
                         wants_external ? "internal" : "external", wants_external ? "external" : "internal");
    }
}

/* The short form of a pool is both keys and no [pool]. */
static void check_short_form(const struct facts *facts, const struct config_section *section)
{
    const struct config_setting *inside = config_find(section, "internal-web");
    const struct config_setting *outside = config_find(section, "external-web");
    const struct config_setting *given = inside != NULL ? inside : outside;
    const struct config_section *pool;
    if (given == NULL)
        return;
    if (inside == NULL || outside == NULL)
        config_error(facts->config, facts->diag, section, given->option->key, given->line,
                     "found it without %s, wanted both or neither", inside == NULL ? "internal-web" : "external-web");
    if (count_facts(facts, KIND_POOL, section, &pool) > 0)
        config_error(facts->config, facts->diag, section, given->option->key, given->line,
                     "found it beside [pool %s] (line %" PRIu32 "), wanted one or the other", pool->name, pool->line);
}

/* Directors, and the pool that discovery leads to. */
static void check_discover_pool(const struct facts *facts, const struct config_section *deployment)
{
    const struct config_section *director = NULL;
    const struct config_section *newest = NULL;
    const struct config_section *rival = NULL;
    for (size_t i = 0; i < facts->config->section_count; i++) {
        const struct config_section *pool = &facts->config->sections[i];
        if (pool->kind_id != KIND_POOL || deployment_of(facts, pool) != deployment)
            continue;
        if (is_word(pool, "kind", "director")) {
            if (director != NULL)
                config_error(facts->config, facts->diag, pool, "kind", config_find(pool, "kind")->line,
                             "found a second director, wanted one ([pool %s] on line %" PRIu32 ")", director->name,
                             director->line);
            director = pool;
        } else if (newest == NULL || config_number(pool, "version") > config_number(newest, "version")) {
            newest = pool;
            rival = NULL;
        } else if (config_number(pool, "version") == config_number(newest, "version")) {
            rival = rival == NULL ? pool : rival;
        }
    }
    if (director == NULL && rival != NULL && !config_is_set(deployment, "discover-pool"))
        config_error(facts->config, facts->diag, deployment, "discover-pool", deployment->line,
                     "found two pools of the newest version (%s, %s) and no director, wanted one named", newest->name,
                     rival->name);
}

static void check_deployment(const struct facts *facts, const struct config_section *section)
{
    const struct config_section *first;
    const struct config_setting *domains = config_find(section, "sip-domains");
    const struct config_setting *federation = config_find(section, "federation");
    check_view_sides(facts, section, "internal-views", false);
    check_view_sides(facts, section, "external-views", true);
    check_proxy_use(facts, section);
    check_short_form(facts, section);
    check_discover_pool(facts, section);
    if (domains->value_count > 1 && !config_is_set(section, "dialin"))
        config_error(facts->config, facts->diag, section, "dialin", section->line,
                     "found nothing beside %zu SIP domains, wanted a name", domains->value_count);
    if (federation != NULL && federation->values[0].number == 1 && count_facts(facts, KIND_EDGE, section, &first) == 0)
        config_error(facts->config, facts->diag, section, "federation", federation->line,
                     "found yes without an [edge], wanted an [edge] or no");
}

/* The deployment that lists a SIP domain before section number `end`; NULL: none. */
static const struct config_section *find_domain(const struct config *config, size_t end, const uint8_t *domain)
{
    for (size_t i = 0; i < end; i++) {
        const struct config_section *section = &config->sections[i];
        const struct config_setting *domains =
            section->kind_id == KIND_AUTODISCOVER ? config_find(section, "sip-domains") : NULL;
        for (size_t j = 0; domains != NULL && j < domains->value_count; j++)
            if (name_equal(domains->values[j].name, domain))
                return section;
    }
    return NULL;
}

static void check_domains_once(const struct facts *facts, size_t index)
{
    const struct config_section *section = &facts->config->sections[index];
    const struct config_setting *domains = config_find(section, "sip-domains");
    for (size_t i = 0; i < domains->value_count; i++) {
        const struct config_section *other = find_domain(facts->config, index, domains->values[i].name);
        if (other != NULL)
            config_error(facts->config, facts->diag, section, "sip-domains", domains->values[i].line,
                         "found %s, wanted it in one deployment ([autodiscover %s] on line %" PRIu32 " has it)",
                         domains->values[i].text, other->name, other->line);
    }
}

/* ---- single facts ---- */

static void check_sip_domain(const struct facts *facts, const struct config_section *section)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    if (name_from_text(section->name, strlen(section->name), NULL, name, &size) != STATUS_OK)
        return;
    const struct config_section *owner = find_domain(facts->config, facts->config->section_count, name);
    const struct config_setting *deployment = config_find(section, "deployment");
    if (owner == NULL)
        config_error(facts->config, facts->diag, section, NULL, section->line,
                     "found a domain of no deployment, wanted one of the sip-domains");
    else if (deployment != NULL && deployment_of(facts, section) != owner)
        config_error(facts->config, facts->diag, section, "deployment", deployment->line,
                     "found %s, wanted %s, which lists this domain", deployment->values[0].text, owner->name);
}

static void check_pool(const struct facts *facts, const struct config_section *pool)
{
    const struct config_setting *pair = config_find(pool, "pair");
    const struct config_section *first;
    for (int i = 0; i < 2 && !is_standard(pool); i++)
        if (!config_is_set(pool, i == 0 ? "fqdn" : "node"))
            config_error(facts->config, facts->diag, pool, i == 0 ? "fqdn" : "node", pool->line,
                         "found nothing, wanted a value (only a standard pool goes without)");
    if (is_word(pool, "lb", "hlb") && !config_is_set(pool, "sip"))
        config_error(facts->config, facts->diag, pool, "sip", pool->line,
                     "found nothing beside lb = hlb, wanted the balanced address");
    if (pair != NULL && strcmp(pair->values[0].text, pool->name) == 0)
        config_error(facts->config, facts->diag, pool, "pair", pair->line, "found the pool itself, wanted another");
    if (!config_is_set(pool, "proxy") && count_facts(facts, KIND_PROXY, deployment_of(facts, pool), &first) > 1)
        config_error(facts->config, facts->diag, pool, "proxy", pool->line,
                     "found nothing beside several [proxy] sections, wanted the name of one");
}

static void check_public(const struct facts *facts, const struct config_section *section, const char *key)
{
    const struct config_setting *setting = config_find(section, key);
    for (size_t i = 0; setting != NULL && i < setting->value_count; i++) {
        const struct config_value *value = &setting->values[i];
        if (value->form == CONFIG_PREFIX && address_is_private(&value->prefix.address))
            config_error(facts->config, facts->diag, section, key, value->line,
                         "found the private address %s, wanted a public one", value->text);
    }
}

/* An earlier rule of the same section publishes the same host on the same listener; its line, or 0. */
static uint32_t find_rule(const struct config_setting *rules, size_t end, const uint8_t *host)
{
    for (size_t i = 0; i < end; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t position = 0;
        if (rules->values[i].number >> 16 != rules->values[end].number >> 16)
            continue;
        while (config_rule_host(&rules->values[i], &position, name))
            if (name_equal(name, host))
                return rules->values[i].line;
    }
    return 0;
}

static void check_proxy(const struct facts *facts, const struct config_section *proxy)
{
    const struct config_setting *rules = config_find(proxy, "rule");
    for (size_t i = 0; rules != NULL && i < rules->value_count; i++) {
        uint8_t host[NAME_SIZE_MAX];
        char text[NAME_TEXT_MAX];
        size_t position = 0;
        while (config_rule_host(&rules->values[i], &position, host)) {
            uint32_t line = find_rule(rules, i, host);
            name_to_text(host, text);
            if (line != 0)
                config_error(facts->config, facts->diag, proxy, "rule", rules->values[i].line,
                             "found %s on port %" PRIu64 " again, wanted it once (first on line %" PRIu32 ")", text,
                             rules->values[i].number >> 16, line);
        }
    }
}

static void check_service(const struct facts *facts, const struct config_section *service)
{
    check_public(facts, service, "external");
    if (is_word(service, "profile", "exchange") && !config_is_set(service, "domains"))
        config_error(facts->config, facts->diag, service, "domains", service->line,
                     "found nothing beside profile = exchange, wanted the mail domains");
}

#define BUILT_IN_NETWORKS "lte corp-wifi guest private-dns vpn dmz home captive"

static void check_network(const struct facts *facts, const struct config_section *network)
{
    if (!config_is_set(network, "kind") &&
        options_word_index(BUILT_IN_NETWORKS, network->name, strlen(network->name)) < 0)
        config_error(facts->config, facts->diag, network, "kind", network->line,
                     "found nothing, wanted a kind (built in are: %s)", BUILT_IN_NETWORKS);
}

static void check_certificate(const struct facts *facts, const struct config_section *certificate)
{
    static const char *const kinds[] = {"pool", "pool", "pool", "proxy", "edge", "edge", "service"};
    const char *kind = kinds[config_number(certificate, "role")];
    const struct config_setting *of = config_find(certificate, "of");
    size_t count = 0;
    for (size_t i = 0; i < facts->config->section_count; i++)
        count += strcmp(facts->config->sections[i].kind, kind) == 0;
    if (of != NULL && config_find_section(facts->config, kind, of->values[0].text) == NULL)
        config_error(facts->config, facts->diag, certificate, "of", of->line, "found %s, wanted a section of kind %s",
                     of->values[0].text, kind);
    else if (of == NULL && count > 1)
        config_error(facts->config, facts->diag, certificate, "of", certificate->line,
                     "found nothing beside %zu [%s] sections, wanted the name of one", count, kind);
}

static void check_fact(struct facts *facts, size_t index)
{
    const struct config_section *section = &facts->config->sections[index];
    bool needs_deployment = true;
    switch (section->kind_id) {
    case KIND_AUTODISCOVER:
        check_deployment(facts, section);
        check_domains_once(facts, index);
        return;
    case KIND_SIP_DOMAIN:
        check_sip_domain(facts, section);
        return;
    case KIND_POOL:
        check_pool(facts, section);
        break;
    case KIND_EDGE:
        check_public(facts, section, "access");
        check_public(facts, section, "webcon");
        check_public(facts, section, "av");
        break;
    case KIND_PROXY:
        check_proxy(facts, section);
        break;
    case KIND_SERVICE:
        check_service(facts, section);
        break;
    case KIND_NETWORK:
        check_network(facts, section);
        break;
    case KIND_CERTIFICATE:
        check_certificate(facts, section);
        break;
    default:
        needs_deployment = false;
    }
    if (needs_deployment && facts->deployments > 1 && !config_is_set(section, "deployment"))
        config_error(facts->config, facts->diag, section, "deployment", section->line,
                     "found nothing beside %zu [autodiscover] sections, wanted the name of one", facts->deployments);
}

enum status policy_check_facts(const struct policy *policy, struct diag *diag)
{
    struct facts facts = {.policy = policy, .config = policy->config, .diag = diag};
    for (size_t i = 0; i < facts.config->section_count; i++)
        facts.deployments += facts.config->sections[i].kind_id == KIND_AUTODISCOVER;
    for (size_t i = 0; i < facts.config->section_count; i++) {
        check_fact(&facts, i);
        collect_section(&facts, &facts.config->sections[i]);
    }
    if (!facts.no_memory) {
        check_names(&facts);
        check_roles(&facts);
    }
    memory_free(facts.addresses);
    memory_free(facts.names);
    return facts.no_memory ? STATUS_NO_MEMORY : STATUS_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/topology.h"

#include "policy/options.h"
#include "policy/topology_read.h"
#include "zones/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TTL_DEFAULT             3600 /* seconds */
#define TTL_WEB_NO_HAIRPIN      10   /* without hairpin the address changes with the network */
#define TTL_DISCOVER_NO_HAIRPIN 300

/* ---- life ---- */

static void clear_hosts(struct topology_hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        memory_free(hosts->items[i].addresses.items);
    memory_free(hosts->items);
}

static void clear_pool(struct topology_pool *pool)
{
    clear_hosts(&pool->nodes);
    memory_free(pool->fqdn.addresses.items);
    memory_free(pool->sip.items);
    memory_free(pool->internal_web.addresses.items);
    memory_free(pool->external_web.addresses.items);
    memory_free(pool->external_vip.items);
    memory_free(pool->homes);
}

static void clear_edge(struct topology_edge *edge)
{
    clear_hosts(&edge->nodes);
    memory_free(edge->fqdn.addresses.items);
    memory_free(edge->access.items);
    memory_free(edge->webcon.addresses.items);
    memory_free(edge->av.addresses.items);
    memory_free(edge->homes);
}

void topology_free(struct topology *topology)
{
    if (topology == NULL)
        return;
    for (size_t i = 0; i < topology->deployment_count; i++) {
        memory_free(topology->deployments[i].inside);
        memory_free(topology->deployments[i].outside);
    }
    for (size_t i = 0; i < topology->domain_count; i++)
        memory_free(topology->domains[i].access.items);
    for (size_t i = 0; i < topology->pool_count; i++)
        clear_pool(&topology->pools[i]);
    for (size_t i = 0; i < topology->edge_count; i++)
        clear_edge(&topology->edges[i]);
    for (size_t i = 0; i < topology->proxy_count; i++) {
        memory_free(topology->proxies[i].public_addresses.items);
        memory_free(topology->proxies[i].internal.items);
    }
    for (size_t i = 0; i < topology->service_count; i++) {
        memory_free(topology->services[i].internal.items);
        memory_free(topology->services[i].external.items);
        clear_hosts(&topology->services[i].domains);
    }
    memory_free(topology->deployments);
    memory_free(topology->domains);
    memory_free(topology->pools);
    memory_free(topology->edges);
    memory_free(topology->proxies);
    memory_free(topology->services);
    memory_free(topology->roles);
    memory_free(topology);
}

const char *topology_cloud_domain(enum topology_cloud cloud)
{
    static const char *const domains[] = {
        [TOPOLOGY_WORLDWIDE] = "online.lync.com",
        [TOPOLOGY_GCC_HIGH] = "online.gov.skypeforbusiness.us",
        [TOPOLOGY_DOD] = "online.dod.skypeforbusiness.us",
        [TOPOLOGY_CHINA] = "online.partner.lync.cn",
    };
    return domains[cloud];
}

/* ---- deployments and SIP domains ---- */

static enum status read_views(const struct policy *policy, struct topology_deployment *deployment)
{
    const struct config_setting *inside = config_find(deployment->section, "internal-views");
    const struct config_setting *outside = config_find(deployment->section, "external-views");
    deployment->inside = memory_zalloc(policy->view_count, sizeof *deployment->inside);
    deployment->outside = memory_zalloc(policy->view_count, sizeof *deployment->outside);
    if (deployment->inside == NULL || deployment->outside == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; inside != NULL && i < inside->value_count; i++)
        deployment->inside[policy_find_view(policy, inside->values[i].text)] = true;
    for (size_t i = 0; outside != NULL && i < outside->value_count; i++)
        deployment->outside[policy_find_view(policy, outside->values[i].text)] = true;
    for (uint32_t i = 0; outside == NULL && i < policy->view_count; i++)
        deployment->outside[i] = policy->views[i].is_external;
    return STATUS_OK;
}

static void read_ttls(struct topology_deployment *deployment)
{
    static const char *const classes[] = {
        "discover", "external-web", "internal-web", "server", "sip", "srv", "edge", "simple-url", "service",
    };
    for (size_t i = 0; i < TOPOLOGY_CLASS_COUNT; i++)
        deployment->ttl[i] = TTL_DEFAULT;
    if (!deployment->hairpin) {
        deployment->ttl[TOPOLOGY_CLASS_EXTERNAL_WEB] = TTL_WEB_NO_HAIRPIN;
        deployment->ttl[TOPOLOGY_CLASS_DISCOVER] = TTL_DISCOVER_NO_HAIRPIN;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        const struct config_setting *setting = config_find_variant(deployment->section, "ttl", classes[i]);
        if (setting != NULL)
            deployment->ttl[i] = (uint32_t)setting->values[0].number;
    }
}

static struct topology_meet read_meet(const struct config_section *section)
{
    const struct config_setting *setting = config_find(section, "meet");
    if (setting == NULL)
        return (struct topology_meet){.label = "meet", .line = section->line};
    const struct config_value *value = &setting->values[0];
    return value->form == CONFIG_NAME ? (struct topology_meet){.name = value->name, .line = value->line}
                                      : (struct topology_meet){.label = value->text, .line = value->line};
}

static enum status read_deployment(const struct policy *policy, const struct config_section *section,
                                   struct topology_deployment *deployment)
{
    *deployment = (struct topology_deployment){
        .section = section,
        .name = section->name,
        .publish = config_number(section, "publish") != 0,
        .hairpin = config_number(section, "hairpin") != 0,
        .discover_by_proxy = config_number(section, "discoverinternal") == 1,
        .discoverinternal_cname = config_number(section, "discoverinternal-form") == 1,
        .lyncdiscover_inside = config_number(section, "lyncdiscover-inside") != 0,
        .autodiscover_http = config_number(section, "autodiscover-http") != 0,
        .sip_plain = config_number(section, "sip-plain") != 0,
        .sip_fallback = config_number(section, "sip-fallback") != 0,
        .wifi_mobile = config_number(section, "wifi-mobile") != 0,
        .unmanaged_devices = config_number(section, "unmanaged-devices") != 0,
        .strict_dns = config_number(section, "strict-dns") != 0,
        .devices = config_number(section, "devices"),
        .discover_pool = TOPOLOGY_NONE,
        .meet = read_meet(section),
        .dialin = topology_read_name(section, "dialin"),
        .admin = topology_read_name(section, "admin"),
        .internal_only = config_find(section, "internal-only"),
        .ad_domains = config_find(section, "ad-domain"),
    };
    read_ttls(deployment);
    return read_views(policy, deployment);
}

/* The [sip-domain] of a name; NULL if there is none. */
static const struct config_section *find_own(const struct config *config, const uint8_t *domain)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->kind_id == KIND_SIP_DOMAIN &&
            name_from_text(section->name, strlen(section->name), NULL, name, &size) == STATUS_OK &&
            name_equal(name, domain))
            return section;
    }
    return NULL;
}

/* The domain's own word, else the deployment's, else `fallback`. */
static uint64_t own_number(const struct config_section *own, const struct config_section *deployment, const char *key,
                           uint64_t fallback)
{
    if (own != NULL && config_is_set(own, key))
        return config_number(own, key);
    return config_is_set(deployment, key) ? config_number(deployment, key) : fallback;
}

static void read_domain(const struct topology *topology, uint32_t deployment_index, const struct config_value *value,
                        struct topology_domain *domain)
{
    const struct topology_deployment *deployment = &topology->deployments[deployment_index];
    const struct config_section *section = deployment->section;
    const struct config_section *own = find_own(topology->policy->config, value->name);
    bool has_own_meet = own != NULL && config_is_set(own, "meet");
    *domain = (struct topology_domain){
        .name = value->name,
        .line = value->line,
        .deployment = deployment_index,
        .publish = own_number(own, section, "publish", 1) != 0,
        .mobility = own_number(own, section, "mobility", 1) != 0,
        .federation = own_number(own, section, "federation", deployment->has_edge) != 0,
        .phones = own_number(own, section, "phones", 0) != 0,
        .lyncdiscover_cname = own_number(own, section, "lyncdiscover-form", 0) == 1,
        .has_own_meet = has_own_meet,
        .state = (enum topology_state)own_number(own, section, "state", TOPOLOGY_ONPREM),
        .cloud = (enum topology_cloud)own_number(own, section, "cloud", TOPOLOGY_WORLDWIDE),
        .meet = has_own_meet ? read_meet(own) : deployment->meet,
        .edge = TOPOLOGY_NONE,
    };
}

static enum status read_deployments(struct topology *topology)
{
    const struct config *config = topology->policy->config;
    size_t domains = 0;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->kind_id != KIND_AUTODISCOVER)
            continue;
        struct topology_deployment *deployment = &topology->deployments[topology->deployment_count++];
        enum status status = read_deployment(topology->policy, section, deployment);
        if (status != STATUS_OK)
            return status;
        domains += config_find(section, "sip-domains")->value_count;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        uint32_t owner = config->sections[i].kind_id == KIND_EDGE
                             ? topology_read_deployment(topology, &config->sections[i])
                             : TOPOLOGY_NONE;
        if (owner != TOPOLOGY_NONE)
            topology->deployments[owner].has_edge = true;
    }
    topology->domains = memory_zalloc(domains, sizeof *topology->domains);
    if (topology->domains == NULL)
        return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < topology->deployment_count; i++) {
        const struct config_setting *setting = config_find(topology->deployments[i].section, "sip-domains");
        for (size_t j = 0; j < setting->value_count; j++)
            read_domain(topology, i, &setting->values[j], &topology->domains[topology->domain_count++]);
    }
    return STATUS_OK;
}

/* ---- what follows from all sections together ---- */

/* discover-pool, else the Director, else the newest; two newest were refused before. */
static void choose_discover_pool(struct topology *topology, uint32_t deployment_index, struct diag *diag)
{
    struct topology_deployment *deployment = &topology->deployments[deployment_index];
    const struct config_setting *named = config_find(deployment->section, "discover-pool");
    uint32_t best = TOPOLOGY_NONE;
    for (uint32_t i = 0; i < topology->pool_count; i++) {
        const struct topology_pool *pool = &topology->pools[i];
        if (pool->deployment != deployment_index)
            continue;
        if (named != NULL && strcmp(pool->section->name, named->values[0].text) != 0)
            continue;
        if (best == TOPOLOGY_NONE || pool->kind == TOPOLOGY_DIRECTOR ||
            (topology->pools[best].kind != TOPOLOGY_DIRECTOR && pool->version > topology->pools[best].version))
            best = i;
    }
    deployment->discover_pool = best;
    if (best == TOPOLOGY_NONE && named != NULL)
        config_error(topology->policy->config, diag, deployment->section, "discover-pool", named->line,
                     "found %s, wanted a [pool] of this deployment", named->values[0].text);
}

/* Public addresses of proxies without their own: those of their pools. Then pools without their own take the proxy's.
 */
static enum status share_public_addresses(struct topology *topology)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < topology->proxy_count; i++) {
        struct topology_proxy *proxy = &topology->proxies[i];
        bool is_own = proxy->public_addresses.count > 0;
        for (size_t j = 0; !is_own && j < topology->pool_count && status == STATUS_OK; j++)
            if (topology->pools[j].proxy == i)
                status =
                    topology_append_addresses(&proxy->public_addresses, &topology->pools[j].external_web.addresses);
    }
    for (size_t i = 0; i < topology->pool_count && status == STATUS_OK; i++) {
        struct topology_pool *pool = &topology->pools[i];
        pool->has_external_addresses = pool->external_web.addresses.count > 0;
        if (!pool->has_external_addresses && pool->proxy != TOPOLOGY_NONE)
            status = topology_append_addresses(&pool->external_web.addresses,
                                               &topology->proxies[pool->proxy].public_addresses);
    }
    return status;
}

/* What a pool needs of its proxy. */
static void check_pool(const struct topology *topology, uint32_t index, struct diag *diag)
{
    const struct config *config = topology->policy->config;
    const struct topology_pool *pool = &topology->pools[index];
    const struct topology_deployment *deployment = &topology->deployments[pool->deployment];
    const struct topology_proxy *proxy = pool->proxy == TOPOLOGY_NONE ? NULL : &topology->proxies[pool->proxy];
    bool has_internal = proxy != NULL && proxy->internal.count > 0;
    if (deployment->publish && pool->external_web.addresses.count == 0)
        config_error(config, diag, pool->section, "external-web", pool->external_web.line,
                     "found no address, wanted one here or public ones in its [proxy]");
    if (!deployment->hairpin && !has_internal)
        config_error(config, diag, pool->section, "proxy", pool->section->line,
                     "found no internal addresses of its [proxy] beside hairpin = no, wanted some");
    else if (deployment->discover_by_proxy && deployment->discover_pool == index && !has_internal)
        config_error(config, diag, pool->section, "proxy", pool->section->line,
                     "found no internal addresses of its [proxy] beside discoverinternal = reverse-proxy, wanted some");
}

static enum status join_edges(struct topology *topology)
{
    for (uint32_t i = 0; i < topology->edge_count; i++) {
        struct topology_edge *edge = &topology->edges[i];
        for (size_t j = 0; j < topology->domain_count; j++) {
            struct topology_domain *domain = &topology->domains[j];
            if (!edge->homes[j])
                continue;
            edge->has_hybrid = edge->has_hybrid || domain->state == TOPOLOGY_HYBRID;
            domain->edge = domain->edge == TOPOLOGY_NONE ? i : domain->edge;
            if (topology_append_addresses(&domain->access, &edge->access) != STATUS_OK)
                return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

static void warn_without_pool(const struct topology *topology, uint32_t index, struct diag *diag)
{
    const struct topology_deployment *deployment = &topology->deployments[index];
    struct place place = {.file = topology->policy->config->path, .line = deployment->section->line};
    bool is_needed = false;
    for (size_t i = 0; i < topology->domain_count; i++)
        is_needed =
            is_needed || (topology->domains[i].deployment == index && topology->domains[i].state != TOPOLOGY_TEAMSONLY);
    if (deployment->discover_pool == TOPOLOGY_NONE && is_needed && deployment->publish &&
        !config_is_set(deployment->section, "discover-pool"))
        diag_add(diag, SEVERITY_WARNING, &place,
                 "[autodiscover %s]: found neither a [pool] nor internal-web and external-web; nothing is published "
                 "for its SIP domains",
                 deployment->name);
}

/* dialin under the only SIP domain. */
static void name_dialin(const struct topology *topology, uint32_t index, struct diag *diag)
{
    struct topology_deployment *deployment = &topology->deployments[index];
    const struct config_setting *domains = config_find(deployment->section, "sip-domains");
    size_t size;
    if (deployment->dialin.name != NULL || domains->value_count != 1)
        return;
    if (name_from_text("dialin", 6, domains->values[0].name, deployment->default_dialin, &size) == STATUS_OK)
        deployment->dialin =
            (struct topology_host){.name = deployment->default_dialin, .line = domains->values[0].line};
    else
        config_error(topology->policy->config, diag, deployment->section, "dialin", domains->values[0].line,
                     "found nothing, and %s is too long for names below it; wanted a name", domains->values[0].text);
}

/* ---- roles ---- */

static int compare_addresses(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return (int)a->family - (int)b->family;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static int compare_roles(const void *a, const void *b)
{
    const struct topology_role_entry *left = a;
    const struct topology_role_entry *right = b;
    return compare_addresses(&left->address, &right->address);
}

static enum status add_roles(struct topology *topology, const struct config_section *section, const char *key,
                             enum topology_role role)
{
    const struct config_setting *setting = config_find(section, key);
    for (size_t i = 0; setting != NULL && i < setting->value_count; i++) {
        if (setting->values[i].form != CONFIG_PREFIX)
            continue;
        struct topology_role_entry *roles =
            memory_grow(topology->roles, topology->role_count, &topology->role_capacity, sizeof *roles);
        if (roles == NULL)
            return STATUS_NO_MEMORY;
        topology->roles = roles;
        roles[topology->role_count++] = (struct topology_role_entry){setting->values[i].prefix.address, role};
    }
    return STATUS_OK;
}

/* Do the addresses of this key name the pool's servers? */
static bool are_nodes(const struct config_section *pool, const char *key)
{
    return strcmp(key, "node") == 0 || !config_is_set(pool, "node");
}

static enum status read_roles(struct topology *topology)
{
    static const struct {
        enum kind_id kind;
        const char *key;
        enum topology_role role;
    } places[] = {
        {KIND_AUTODISCOVER, "internal-web", TOPOLOGY_ROLE_WEB_INTERNAL},
        {KIND_AUTODISCOVER, "internal-web", TOPOLOGY_ROLE_NODE},
        {KIND_AUTODISCOVER, "external-web", TOPOLOGY_ROLE_RP_PUBLIC},
        {KIND_AUTODISCOVER, "firewall", TOPOLOGY_ROLE_FIREWALL},
        {KIND_POOL, "node", TOPOLOGY_ROLE_NODE},
        {KIND_POOL, "internal-web", TOPOLOGY_ROLE_NODE},
        {KIND_POOL, "internal-web", TOPOLOGY_ROLE_WEB_INTERNAL},
        {KIND_POOL, "external-web", TOPOLOGY_ROLE_RP_PUBLIC},
        {KIND_POOL, "external-vip", TOPOLOGY_ROLE_WEB_EXTERNAL_VIP},
        {KIND_EDGE, "node", TOPOLOGY_ROLE_EDGE_INTERNAL},
        {KIND_EDGE, "internal", TOPOLOGY_ROLE_EDGE_INTERNAL},
        {KIND_EDGE, "access", TOPOLOGY_ROLE_EDGE_ACCESS},
        {KIND_EDGE, "webcon", TOPOLOGY_ROLE_EDGE_WEBCON},
        {KIND_EDGE, "av", TOPOLOGY_ROLE_EDGE_AV},
        {KIND_PROXY, "public", TOPOLOGY_ROLE_RP_PUBLIC},
        {KIND_PROXY, "internal", TOPOLOGY_ROLE_RP_INTERNAL},
        {KIND_SERVICE, "internal", TOPOLOGY_ROLE_SERVICE},
        {KIND_SERVICE, "external", TOPOLOGY_ROLE_SERVICE},
    };
    const struct config *config = topology->policy->config;
    for (size_t i = 0; i < config->section_count; i++)
        for (size_t j = 0; j < sizeof places / sizeof places[0]; j++) {
            const struct config_section *section = &config->sections[i];
            enum topology_role role = places[j].role;
            if (section->kind_id != (unsigned)places[j].kind)
                continue;
            if (role == TOPOLOGY_ROLE_WEB_INTERNAL && topology_pool_kind_of(section) == TOPOLOGY_DIRECTOR)
                role = TOPOLOGY_ROLE_DIRECTOR_WEB_INTERNAL;
            if (role == TOPOLOGY_ROLE_NODE && section->kind_id == KIND_POOL && !are_nodes(section, places[j].key))
                continue;
            if (add_roles(topology, section, places[j].key, role) != STATUS_OK)
                return STATUS_NO_MEMORY;
        }
    if (topology->role_count > 1)
        qsort(topology->roles, topology->role_count, sizeof *topology->roles, compare_roles);
    size_t kept = 0;
    for (size_t i = 0; i < topology->role_count; i++) {
        if (kept > 0 && compare_roles(&topology->roles[kept - 1], &topology->roles[i]) == 0)
            topology->roles[kept - 1].roles |= topology->roles[i].roles;
        else
            topology->roles[kept++] = topology->roles[i];
    }
    topology->role_count = kept;
    return STATUS_OK;
}

unsigned topology_roles(const struct topology *topology, const struct address *address)
{
    size_t low = 0;
    size_t high = topology->role_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_addresses(&topology->roles[middle].address, address);
        if (order == 0)
            return topology->roles[middle].roles;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* ---- all ---- */

/* Room for as many of each as there are sections. */
static enum status make_room(struct topology *topology)
{
    size_t count = topology->policy->config->section_count;
    topology->deployments = memory_zalloc(count, sizeof *topology->deployments);
    topology->pools = memory_zalloc(count, sizeof *topology->pools);
    topology->edges = memory_zalloc(count, sizeof *topology->edges);
    topology->proxies = memory_zalloc(count, sizeof *topology->proxies);
    topology->services = memory_zalloc(count, sizeof *topology->services);
    bool is_full = topology->deployments != NULL && topology->pools != NULL && topology->edges != NULL &&
                   topology->proxies != NULL && topology->services != NULL;
    return is_full ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status build(struct topology *topology, struct diag *diag)
{
    enum status status = make_room(topology);
    if (status == STATUS_OK)
        status = read_deployments(topology);
    if (status == STATUS_OK)
        status = topology_read_sections(topology, diag);
    if (status == STATUS_OK)
        status = share_public_addresses(topology);
    if (status == STATUS_OK)
        status = join_edges(topology);
    if (status == STATUS_OK)
        status = read_roles(topology);
    if (status != STATUS_OK)
        return status;
    for (uint32_t i = 0; i < topology->deployment_count; i++) {
        choose_discover_pool(topology, i, diag);
        warn_without_pool(topology, i, diag);
        name_dialin(topology, i, diag);
    }
    for (uint32_t i = 0; i < topology->pool_count; i++)
        check_pool(topology, i, diag);
    return STATUS_OK;
}

enum status topology_new(const struct policy *policy, struct diag *diag, struct topology **result)
{
    *result = NULL;
    struct topology *topology = memory_zalloc(1, sizeof *topology);
    if (topology == NULL)
        return STATUS_NO_MEMORY;
    size_t errors = diag->errors;
    topology->policy = policy;
    enum status status = build(topology, diag);
    if (status == STATUS_OK && diag->errors != errors)
        status = STATUS_BAD_INPUT;
    if (status != STATUS_OK) {
        topology_free(topology);
        return status;
    }
    *result = topology;
    return STATUS_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/topology_read.h"

#include "policy/options.h"
#include "zones/memory.h"

#include <inttypes.h>
#include <string.h>

/* ---- lists ---- */

static enum status append_address(struct topology_addresses *list, const struct address *address, uint32_t line)
{
    for (size_t i = 0; i < list->count; i++)
        if (address_equal(&list->items[i].address, address))
            return STATUS_OK;
    struct topology_address *items = memory_grow(list->items, list->count, &list->capacity, sizeof *items);
    if (items == NULL)
        return STATUS_NO_MEMORY;
    list->items = items;
    items[list->count++] = (struct topology_address){*address, line};
    return STATUS_OK;
}

enum status topology_append_addresses(struct topology_addresses *list, const struct topology_addresses *more)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < more->count && status == STATUS_OK; i++)
        status = append_address(list, &more->items[i].address, more->items[i].line);
    return status;
}

static enum status append_host(struct topology_hosts *hosts, const uint8_t *name, uint32_t line)
{
    struct topology_host *items = memory_grow(hosts->items, hosts->count, &hosts->capacity, sizeof *items);
    if (items == NULL)
        return STATUS_NO_MEMORY;
    hosts->items = items;
    items[hosts->count++] = (struct topology_host){.name = name, .line = line};
    return STATUS_OK;
}

/* ---- keys ---- */

static enum status read_addresses(const struct config_section *section, const char *key,
                                  struct topology_addresses *list)
{
    const struct config_setting *setting = config_find(section, key);
    enum status status = STATUS_OK;
    for (size_t i = 0; setting != NULL && i < setting->value_count && status == STATUS_OK; i++)
        status = append_address(list, &setting->values[i].prefix.address, setting->values[i].line);
    return status;
}

/* A list of hosts, or of names alone. */
static enum status read_hosts(const struct config_section *section, const char *key, struct topology_hosts *hosts)
{
    const struct config_setting *setting = config_find(section, key);
    enum status status = STATUS_OK;
    for (size_t i = 0; setting != NULL && i < setting->value_count && status == STATUS_OK; i++) {
        const struct config_value *value = &setting->values[i];
        if (value->form == CONFIG_NAME)
            status = append_host(hosts, value->name, value->line);
        else if (hosts->count > 0)
            status = append_address(&hosts->items[hosts->count - 1].addresses, &value->prefix.address, value->line);
    }
    return status;
}

/* A key with one host. */
static enum status read_host(const struct config_section *section, const char *key, struct topology_host *host)
{
    struct topology_hosts hosts = {0};
    enum status status = read_hosts(section, key, &hosts);
    if (hosts.count > 0)
        *host = hosts.items[0];
    memory_free(hosts.items);
    return status;
}

static enum status append_node_addresses(const struct topology_hosts *nodes, struct topology_addresses *list)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < nodes->count && status == STATUS_OK; i++)
        status = topology_append_addresses(list, &nodes->items[i].addresses);
    return status;
}

struct topology_host topology_read_name(const struct config_section *section, const char *key)
{
    const struct config_setting *setting = config_find(section, key);
    if (setting == NULL || setting->values[0].form != CONFIG_NAME)
        return (struct topology_host){0};
    return (struct topology_host){.name = setting->values[0].name, .line = setting->values[0].line};
}

uint32_t topology_read_deployment(const struct topology *topology, const struct config_section *section)
{
    const struct config_setting *setting = config_find(section, "deployment");
    if (setting == NULL)
        return topology->deployment_count == 1 ? 0 : TOPOLOGY_NONE;
    for (uint32_t i = 0; i < topology->deployment_count; i++)
        if (strcmp(topology->deployments[i].name, setting->values[0].text) == 0)
            return i;
    return TOPOLOGY_NONE;
}

enum topology_pool_kind topology_pool_kind_of(const struct config_section *section)
{
    if (section->kind_id != KIND_POOL)
        return TOPOLOGY_STANDARD;
    if (config_is_set(section, "kind"))
        return (enum topology_pool_kind)config_number(section, "kind");
    return config_is_set(section, "fqdn") ? TOPOLOGY_ENTERPRISE : TOPOLOGY_STANDARD;
}

/* ---- references ---- */

/* Which of the deployment's SIP domains `homes` names; all without that key. */
static enum status read_homes(const struct topology *topology, const struct config_section *section,
                              uint32_t deployment, struct diag *diag, bool **result)
{
    const struct config_setting *setting = section->kind_id == KIND_AUTODISCOVER ? NULL : config_find(section, "homes");
    bool *homes = memory_zalloc(topology->domain_count, sizeof *homes);
    *result = homes;
    if (homes == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; setting == NULL && i < topology->domain_count; i++)
        homes[i] = topology->domains[i].deployment == deployment;
    for (size_t i = 0; setting != NULL && i < setting->value_count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < topology->domain_count; j++)
            if (topology->domains[j].deployment == deployment &&
                name_equal(topology->domains[j].name, setting->values[i].name))
                homes[j] = is_known = true;
        if (!is_known)
            config_error(topology->policy->config, diag, section, "homes", setting->values[i].line,
                         "found %s, wanted one of the sip-domains of [autodiscover %s]", setting->values[i].text,
                         topology->deployments[deployment].name);
    }
    return STATUS_OK;
}

static void resolve_proxy(const struct topology *topology, struct topology_pool *pool, struct diag *diag)
{
    const struct config_setting *setting =
        pool->section->kind_id == KIND_POOL ? config_find(pool->section, "proxy") : NULL;
    for (uint32_t i = 0; i < topology->proxy_count && pool->proxy == TOPOLOGY_NONE; i++)
        if (topology->proxies[i].deployment == pool->deployment &&
            (setting == NULL || strcmp(topology->proxies[i].section->name, setting->values[0].text) == 0))
            pool->proxy = i;
    if (setting != NULL && pool->proxy == TOPOLOGY_NONE)
        config_error(topology->policy->config, diag, pool->section, "proxy", setting->line,
                     "found %s, wanted a [proxy] of the same deployment", setting->values[0].text);
}

static void resolve_pair(const struct topology *topology, struct topology_pool *pool, struct diag *diag)
{
    const struct config_setting *setting =
        pool->section->kind_id == KIND_POOL ? config_find(pool->section, "pair") : NULL;
    for (uint32_t i = 0; setting != NULL && i < topology->pool_count; i++)
        if (topology->pools[i].deployment == pool->deployment &&
            strcmp(topology->pools[i].section->name, setting->values[0].text) == 0)
            pool->pair = i;
    if (setting != NULL && pool->pair == TOPOLOGY_NONE)
        config_error(topology->policy->config, diag, pool->section, "pair", setting->line,
                     "found %s, wanted a [pool] of the same deployment", setting->values[0].text);
}

/* ---- sections ---- */

/* Name, nodes and SIP addresses of a standard pool are those of its internal web services where not given. */
static enum status complete_pool(struct topology_pool *pool)
{
    enum status status = STATUS_OK;
    if (pool->fqdn.name == NULL)
        pool->fqdn = (struct topology_host){.name = pool->internal_web.name, .line = pool->internal_web.line};
    if (pool->nodes.count == 0) {
        status = append_host(&pool->nodes, pool->internal_web.name, pool->internal_web.line);
        if (status != STATUS_OK)
            return status;
        status = topology_append_addresses(&pool->nodes.items[0].addresses, &pool->internal_web.addresses);
    }
    if (status == STATUS_OK && pool->sip.count == 0)
        status = append_node_addresses(&pool->nodes, &pool->sip);
    return status;
}

static enum status read_pool(struct topology *topology, const struct config_section *section, uint32_t deployment,
                             struct diag *diag)
{
    bool is_short = section->kind_id == KIND_AUTODISCOVER;
    struct topology_pool *pool = &topology->pools[topology->pool_count++];
    *pool = (struct topology_pool){
        .section = section,
        .deployment = deployment,
        .kind = topology_pool_kind_of(section),
        .version = is_short ? UINT64_MAX : config_number(section, "version"),
        .pair = TOPOLOGY_NONE,
        .proxy = TOPOLOGY_NONE,
    };
    enum status status = read_host(section, "internal-web", &pool->internal_web);
    if (status == STATUS_OK)
        status = read_host(section, "external-web", &pool->external_web);
    if (status == STATUS_OK)
        status = read_homes(topology, section, deployment, diag, &pool->homes);
    if (status == STATUS_OK && !is_short) {
        pool->fqdn = topology_read_name(section, "fqdn");
        status = read_hosts(section, "node", &pool->nodes);
        if (status == STATUS_OK)
            status = read_addresses(section, "sip", &pool->sip);
        if (status == STATUS_OK)
            status = read_addresses(section, "external-vip", &pool->external_vip);
    }
    return status == STATUS_OK ? complete_pool(pool) : status;
}

static enum status read_edge(struct topology *topology, const struct config_section *section, uint32_t deployment,
                             struct diag *diag)
{
    struct topology_edge *edge = &topology->edges[topology->edge_count++];
    *edge = (struct topology_edge){
        .section = section,
        .deployment = deployment,
        .fqdn = topology_read_name(section, "fqdn"),
        .access_name = config_text(section, "access-name"),
    };
    enum status status = read_hosts(section, "node", &edge->nodes);
    if (status == STATUS_OK)
        status = read_addresses(section, "internal", &edge->fqdn.addresses);
    if (status == STATUS_OK && edge->fqdn.addresses.count == 0)
        status = append_node_addresses(&edge->nodes, &edge->fqdn.addresses);
    if (status == STATUS_OK)
        status = read_addresses(section, "access", &edge->access);
    if (status == STATUS_OK)
        status = read_host(section, "webcon", &edge->webcon);
    if (status == STATUS_OK)
        status = read_host(section, "av", &edge->av);
    return status == STATUS_OK ? read_homes(topology, section, deployment, diag, &edge->homes) : status;
}

static enum status read_proxy(struct topology *topology, const struct config_section *section, uint32_t deployment)
{
    struct topology_proxy *proxy = &topology->proxies[topology->proxy_count++];
    *proxy = (struct topology_proxy){.section = section, .deployment = deployment};
    enum status status = read_addresses(section, "public", &proxy->public_addresses);
    return status == STATUS_OK ? read_addresses(section, "internal", &proxy->internal) : status;
}

static enum status read_service(struct topology *topology, const struct config_section *section, uint32_t deployment)
{
    struct topology_service *service = &topology->services[topology->service_count++];
    *service = (struct topology_service){
        .section = section,
        .deployment = deployment,
        .profile = (enum topology_profile)config_number(section, "profile"),
        .form = (enum topology_form)config_number(section, "form"),
        .fqdn = topology_read_name(section, "fqdn"),
    };
    enum status status = read_addresses(section, "internal", &service->internal);
    if (status == STATUS_OK)
        status = read_addresses(section, "external", &service->external);
    return status == STATUS_OK ? read_hosts(section, "domains", &service->domains) : status;
}

static enum status read_fact(struct topology *topology, const struct config_section *section, struct diag *diag)
{
    if (section->kind_id == KIND_AUTODISCOVER) {
        uint32_t deployment = 0;
        while (topology->deployments[deployment].section != section)
            deployment++;
        bool is_pool = config_is_set(section, "internal-web") && config_is_set(section, "external-web");
        return is_pool ? read_pool(topology, section, deployment, diag) : STATUS_OK;
    }
    if (section->kind_id != KIND_POOL && section->kind_id != KIND_EDGE && section->kind_id != KIND_PROXY &&
        section->kind_id != KIND_SERVICE)
        return STATUS_OK;
    uint32_t deployment = topology_read_deployment(topology, section);
    if (deployment == TOPOLOGY_NONE) {
        struct place place = {.file = topology->policy->config->path, .line = section->line};
        diag_add(diag, SEVERITY_WARNING, &place, "[%s %s]: found no [autodiscover] it belongs to; it has no effect",
                 section->kind, section->name);
        return STATUS_OK;
    }
    switch (section->kind_id) {
    case KIND_POOL:
        return read_pool(topology, section, deployment, diag);
    case KIND_EDGE:
        return read_edge(topology, section, deployment, diag);
    case KIND_PROXY:
        return read_proxy(topology, section, deployment);
    default:
        return read_service(topology, section, deployment);
    }
}

enum status topology_read_sections(struct topology *topology, struct diag *diag)
{
    const struct config *config = topology->policy->config;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->section_count && status == STATUS_OK; i++)
        status = read_fact(topology, &config->sections[i], diag);
    for (size_t i = 0; i < topology->pool_count && status == STATUS_OK; i++) {
        resolve_proxy(topology, &topology->pools[i], diag);
        resolve_pair(topology, &topology->pools[i], diag);
    }
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/autodiscover_thing.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static const struct topology_pool *discover_pool(const struct thing *thing)
{
    uint32_t pool = thing->deployment->discover_pool;
    return pool == TOPOLOGY_NONE ? NULL : &thing->topology->pools[pool];
}

/* ---- templates ---- */

static bool is_word(const char *component, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(component, word, length) == 0;
}

/* One part between two dots, as a name in its own right. */
static enum status expand_component(const struct thing *thing, const char *component, size_t length,
                                    uint8_t buffer[NAME_SIZE_MAX], const uint8_t **name)
{
    const struct topology_domain *domain = thing->domain;
    const char *text = NULL;
    size_t size;
    *name = NULL;
    if (is_word(component, length, "{domain}"))
        *name = domain->name;
    else if (is_word(component, length, "{name}"))
        *name = thing->name;
    else if (is_word(component, length, "{mail}"))
        *name = thing->host->name;
    else if (is_word(component, length, "{discover-inside}"))
        *name = discover_pool(thing)->internal_web.name;
    else if (is_word(component, length, "{discover-outside}"))
        *name = discover_pool(thing)->external_web.name;
    else if (is_word(component, length, "{meet}") && domain->meet.label == NULL)
        *name = domain->meet.name;
    else if (is_word(component, length, "{meet}"))
        text = domain->meet.label;
    else if (is_word(component, length, "{access}"))
        text = thing->topology->edges[domain->edge].access_name;
    else if (is_word(component, length, "{cloud}"))
        text = topology_cloud_domain(domain->cloud);
    if (*name != NULL)
        return STATUS_OK;
    *name = buffer;
    assert(text != NULL || component[0] != '{');
    return text != NULL ? name_from_text(text, strlen(text), NULL, buffer, &size)
                        : name_from_text(component, length, NULL, buffer, &size);
}

enum status thing_expand(const struct thing *thing, const char *template, uint8_t name[NAME_SIZE_MAX])
{
    size_t used = 0;
    while (*template != '\0') {
        size_t length = strcspn(template, ".");
        uint8_t buffer[NAME_SIZE_MAX];
        const uint8_t *part;
        enum status status = expand_component(thing, template, length, buffer, &part);
        if (status != STATUS_OK)
            return status;
        size_t size = name_size(part) - 1;
        if (used + size + 1 > NAME_SIZE_MAX)
            return STATUS_BAD_INPUT;
        memcpy(name + used, part, size);
        used += size;
        template += length;
        template += *template == '.';
    }
    name[used] = 0;
    return STATUS_OK;
}

/* ---- sources ---- */

static const struct topology_addresses *of_host(const struct topology_host *host, uint32_t *line)
{
    *line = host->line;
    return &host->addresses;
}

static const struct topology_addresses *of_proxy(const struct thing *thing, const struct topology_pool *pool)
{
    return pool->proxy == TOPOLOGY_NONE ? NULL : &thing->topology->proxies[pool->proxy].internal;
}

const struct topology_addresses *thing_addresses(const struct thing *thing, enum profile_source source, uint32_t *line)
{
    bool is_own = source >= PROFILE_OWN_INTERNAL_WEB;
    const struct topology_pool *pool = is_own ? thing->pool : discover_pool(thing);
    *line = thing->line;
    switch (source) {
    case PROFILE_OWN_HOST:
        return of_host(thing->host, line);
    case PROFILE_ACCESS:
        return &thing->domain->access;
    case PROFILE_SERVICE_INTERNAL:
        *line = thing->service->fqdn.line;
        return &thing->service->internal;
    case PROFILE_SERVICE_EXTERNAL:
        *line = thing->service->fqdn.line;
        return &thing->service->external;
    default:
        break;
    }
    if (pool == NULL)
        return NULL;
    switch (source) {
    case PROFILE_DISCOVER_INTERNAL_WEB:
    case PROFILE_OWN_INTERNAL_WEB:
        return of_host(&pool->internal_web, line);
    case PROFILE_DISCOVER_EXTERNAL_WEB:
    case PROFILE_OWN_EXTERNAL_WEB:
        return of_host(&pool->external_web, line);
    case PROFILE_DISCOVER_PROXY_INTERNAL:
    case PROFILE_OWN_PROXY_INTERNAL:
        return of_proxy(thing, pool);
    case PROFILE_DISCOVER_SIP:
    case PROFILE_OWN_SIP:
        return &pool->sip;
    default:
        return NULL;
    }
}

/* ---- facts ---- */

static uint32_t flag(bool holds, enum profile_fact fact)
{
    return holds ? fact : 0;
}

static uint32_t deployment_facts(const struct topology_deployment *deployment)
{
    return flag(deployment->hairpin, PROFILE_HAIRPIN) | flag(deployment->discover_by_proxy, PROFILE_DISCOVER_BY_PROXY) |
           flag(deployment->lyncdiscover_inside, PROFILE_LYNCDISCOVER_INSIDE) |
           flag(deployment->sip_plain, PROFILE_SIP_PLAIN) | flag(deployment->sip_fallback, PROFILE_SIP_FALLBACK);
}

/* A CNAME at LABEL.D may lead to `target`: it stays in the domain, or phones come over HTTP; never to itself. */
static bool may_alias(const struct thing *thing, const char *template, const uint8_t *target)
{
    uint8_t owner[NAME_SIZE_MAX];
    if (thing_expand(thing, template, owner) != STATUS_OK || name_equal(owner, target))
        return false;
    return thing->deployment->autodiscover_http || name_is_at_or_below(target, thing->domain->name);
}

static uint32_t domain_facts(const struct thing *thing)
{
    const struct topology_domain *domain = thing->domain;
    const struct topology_pool *pool = discover_pool(thing);
    bool has_edge = domain->edge != TOPOLOGY_NONE;
    const char *access = has_edge ? thing->topology->edges[domain->edge].access_name : "sip";
    bool is_inside_alias = thing->deployment->discoverinternal_cname && pool != NULL &&
                           may_alias(thing, "lyncdiscoverinternal.{domain}", pool->internal_web.name);
    bool is_outside_alias = domain->lyncdiscover_cname && pool != NULL &&
                            may_alias(thing, "lyncdiscover.{domain}", pool->external_web.name);
    return flag(domain->state == TOPOLOGY_HYBRID, PROFILE_HYBRID) |
           flag(domain->state == TOPOLOGY_TEAMSONLY, PROFILE_TEAMSONLY) | flag(domain->federation, PROFILE_FEDERATION) |
           flag(has_edge, PROFILE_EDGE) | flag(strcasecmp(access, "sip") != 0, PROFILE_OTHER_ACCESS) |
           flag(domain->meet.label != NULL, PROFILE_MEET_LABEL) |
           flag(domain->has_own_meet && domain->meet.label == NULL, PROFILE_MEET_OWN_NAME) |
           flag(is_inside_alias, PROFILE_DISCOVERINTERNAL_CNAME) | flag(is_outside_alias, PROFILE_LYNCDISCOVER_CNAME);
}

static uint32_t service_facts(const struct thing *thing)
{
    const struct topology_service *service = thing->service;
    bool is_alias = service->form == TOPOLOGY_CNAME;
    uint8_t owner[NAME_SIZE_MAX];
    if (is_alias && thing->host != NULL && thing_expand(thing, "autodiscover.{mail}", owner) == STATUS_OK)
        is_alias = !name_equal(owner, thing->name);
    return flag(service->profile == TOPOLOGY_EXCHANGE, PROFILE_EXCHANGE) |
           flag(service->external.count > 0, PROFILE_EXTERNAL) | flag(is_alias, PROFILE_FORM_CNAME) |
           flag(service->form == TOPOLOGY_SRV, PROFILE_FORM_SRV);
}

/* ---- the things of a row ---- */

static void set_deployment(struct thing *thing, uint32_t deployment)
{
    thing->deployment = &thing->topology->deployments[deployment];
    thing->publish = thing->deployment->publish;
    thing->facts = deployment_facts(thing->deployment);
}

static void set_host(struct thing *thing, const struct topology_host *host)
{
    thing->host = host;
    thing->name = host->name;
    thing->line = host->line;
}

/* The index-th SIP domain, if there is anything to publish for it: a pool, or the online service. */
static bool take_domain(struct thing *thing, size_t index)
{
    thing->domain = &thing->topology->domains[index];
    set_deployment(thing, thing->domain->deployment);
    thing->name = thing->domain->name;
    thing->line = thing->domain->line;
    thing->publish = thing->domain->publish;
    thing->facts |= domain_facts(thing);
    return thing->domain->state == TOPOLOGY_TEAMSONLY || discover_pool(thing) != NULL;
}

static bool take_pool(struct thing *thing, size_t index, enum profile_each each)
{
    thing->pool = &thing->topology->pools[index];
    set_deployment(thing, thing->pool->deployment);
    set_host(thing, each == PROFILE_POOL_EXTERNAL_WEB   ? &thing->pool->external_web
                    : each == PROFILE_POOL_INTERNAL_WEB ? &thing->pool->internal_web
                                                        : &thing->pool->fqdn);
    return true;
}

static bool take_edge(struct thing *thing, size_t index, enum profile_each each)
{
    const struct topology_edge *edge = thing->edge = &thing->topology->edges[index];
    set_deployment(thing, edge->deployment);
    set_host(thing, each == PROFILE_EDGE_WEBCON ? &edge->webcon : each == PROFILE_EDGE_AV ? &edge->av : &edge->fqdn);
    thing->facts |= flag(edge->has_hybrid, PROFILE_HYBRID);
    return thing->name != NULL;
}

static bool take_url(struct thing *thing, size_t index, enum profile_each each)
{
    set_deployment(thing, (uint32_t)index);
    const struct topology_deployment *deployment = thing->deployment;
    bool is_dialin = each == PROFILE_DIALIN;
    thing->name = each == PROFILE_MEET ? deployment->meet.name
                  : is_dialin          ? deployment->dialin.name
                                       : deployment->admin.name;
    thing->line = each == PROFILE_MEET ? deployment->meet.line
                  : is_dialin          ? deployment->dialin.line
                                       : deployment->admin.line;
    return thing->name != NULL && discover_pool(thing) != NULL;
}

static bool take_service(struct thing *thing, size_t index)
{
    thing->service = &thing->topology->services[index];
    set_deployment(thing, thing->service->deployment);
    thing->name = thing->service->fqdn.name;
    thing->line = thing->service->fqdn.line;
    thing->facts |= service_facts(thing);
    return true;
}

/* Things inside things: number `index` of all nodes or mail domains. */
static bool take_inner(struct thing *thing, size_t index, enum profile_each each)
{
    const struct topology *topology = thing->topology;
    size_t outer = 0;
    if (each == PROFILE_POOL_NODE) {
        while (index >= topology->pools[outer].nodes.count)
            index -= topology->pools[outer++].nodes.count;
        take_pool(thing, outer, each);
        set_host(thing, &thing->pool->nodes.items[index]);
    } else if (each == PROFILE_EDGE_NODE) {
        while (index >= topology->edges[outer].nodes.count)
            index -= topology->edges[outer++].nodes.count;
        take_edge(thing, outer, each);
        set_host(thing, &thing->edge->nodes.items[index]);
    } else {
        while (index >= topology->services[outer].domains.count)
            index -= topology->services[outer++].domains.count;
        thing->host = &topology->services[outer].domains.items[index];
        take_service(thing, outer);
        thing->line = thing->host->line;
    }
    return true;
}

static size_t count_things(const struct topology *topology, enum profile_each each)
{
    size_t count = 0;
    switch (each) {
    case PROFILE_DOMAIN:
        return topology->domain_count;
    case PROFILE_POOL_EXTERNAL_WEB:
    case PROFILE_POOL_INTERNAL_WEB:
    case PROFILE_POOL_FQDN:
        return topology->pool_count;
    case PROFILE_EDGE_FQDN:
    case PROFILE_EDGE_WEBCON:
    case PROFILE_EDGE_AV:
        return topology->edge_count;
    case PROFILE_MEET:
    case PROFILE_DIALIN:
    case PROFILE_ADMIN:
        return topology->deployment_count;
    case PROFILE_SERVICE:
        return topology->service_count;
    case PROFILE_POOL_NODE:
        for (size_t i = 0; i < topology->pool_count; i++)
            count += topology->pools[i].nodes.count;
        return count;
    case PROFILE_EDGE_NODE:
        for (size_t i = 0; i < topology->edge_count; i++)
            count += topology->edges[i].nodes.count;
        return count;
    case PROFILE_MAIL_DOMAIN:
        for (size_t i = 0; i < topology->service_count; i++)
            count += topology->services[i].domains.count;
        return count;
    }
    return 0;
}

/* Number `index` of a row's things; false: that one has nothing to publish. */
static bool take(enum profile_each each, size_t index, struct thing *thing)
{
    switch (each) {
    case PROFILE_DOMAIN:
        return take_domain(thing, index);
    case PROFILE_POOL_EXTERNAL_WEB:
    case PROFILE_POOL_INTERNAL_WEB:
    case PROFILE_POOL_FQDN:
        return take_pool(thing, index, each);
    case PROFILE_EDGE_FQDN:
    case PROFILE_EDGE_WEBCON:
    case PROFILE_EDGE_AV:
        return take_edge(thing, index, each);
    case PROFILE_MEET:
    case PROFILE_DIALIN:
    case PROFILE_ADMIN:
        return take_url(thing, index, each);
    case PROFILE_SERVICE:
        return take_service(thing, index);
    case PROFILE_POOL_NODE:
    case PROFILE_EDGE_NODE:
    case PROFILE_MAIL_DOMAIN:
        return take_inner(thing, index, each);
    }
    return false;
}

bool thing_next(const struct topology *topology, enum profile_each each, size_t *position, struct thing *thing)
{
    size_t count = count_things(topology, each);
    while (*position < count) {
        *thing = (struct thing){.topology = topology};
        if (take(each, (*position)++, thing))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topology: the facts of policy.conf with their references resolved and their defaults filled in: deployments, SIP
 * domains, pools, Edges, reverse proxies, services, and which address plays which role.
 *
 * Built once from a checked policy, then immutable; any thread may read. Names, texts and sections are borrowed from
 * the policy, which must outlive the topology. Lines are lines of policy.conf. Indexes count in the topology's own
 * arrays; TOPOLOGY_NONE is "none".
 */
#ifndef SPLITVIEW_POLICY_TOPOLOGY_H
#define SPLITVIEW_POLICY_TOPOLOGY_H

#include "policy/policy.h"
#include "policy/prefix.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPOLOGY_NONE UINT32_MAX

/* In the order of the words in options.def. */
enum topology_state { TOPOLOGY_ONPREM, TOPOLOGY_HYBRID, TOPOLOGY_TEAMSONLY };
enum topology_cloud { TOPOLOGY_WORLDWIDE, TOPOLOGY_GCC_HIGH, TOPOLOGY_DOD, TOPOLOGY_CHINA };
enum topology_pool_kind { TOPOLOGY_STANDARD, TOPOLOGY_ENTERPRISE, TOPOLOGY_DIRECTOR };
enum topology_profile { TOPOLOGY_PLAIN, TOPOLOGY_OFFICE_WEB, TOPOLOGY_EXCHANGE };
enum topology_form { TOPOLOGY_ADDRESS, TOPOLOGY_CNAME, TOPOLOGY_SRV };

/* The classes of ttl.CLASS (OPTIONS_TTL_CLASSES, same order), and what points to the online service: always 3600. */
enum topology_class {
    TOPOLOGY_CLASS_DISCOVER,
    TOPOLOGY_CLASS_EXTERNAL_WEB,
    TOPOLOGY_CLASS_INTERNAL_WEB,
    TOPOLOGY_CLASS_SERVER,
    TOPOLOGY_CLASS_SIP,
    TOPOLOGY_CLASS_SRV,
    TOPOLOGY_CLASS_EDGE,
    TOPOLOGY_CLASS_SIMPLE_URL,
    TOPOLOGY_CLASS_SERVICE,
    TOPOLOGY_CLASS_ONLINE,
    TOPOLOGY_CLASS_COUNT
};

/* What stands at an address. */
enum topology_role {
    TOPOLOGY_ROLE_NODE = 1u << 0,
    TOPOLOGY_ROLE_WEB_INTERNAL = 1u << 1,
    TOPOLOGY_ROLE_DIRECTOR_WEB_INTERNAL = 1u << 2,
    TOPOLOGY_ROLE_WEB_EXTERNAL_VIP = 1u << 3,
    TOPOLOGY_ROLE_RP_PUBLIC = 1u << 4,
    TOPOLOGY_ROLE_RP_INTERNAL = 1u << 5,
    TOPOLOGY_ROLE_EDGE_ACCESS = 1u << 6,
    TOPOLOGY_ROLE_EDGE_WEBCON = 1u << 7,
    TOPOLOGY_ROLE_EDGE_AV = 1u << 8,
    TOPOLOGY_ROLE_EDGE_INTERNAL = 1u << 9,
    TOPOLOGY_ROLE_FIREWALL = 1u << 10,
    TOPOLOGY_ROLE_SERVICE = 1u << 11
};

struct topology_address {
    struct address address;
    uint32_t line;
};

/* In the order written. */
struct topology_addresses {
    struct topology_address *items; /* owned */
    size_t count;
    size_t capacity;
};

/* A name and its addresses; name NULL: not given. */
struct topology_host {
    const uint8_t *name;
    uint32_t line;
    struct topology_addresses addresses;
};

struct topology_hosts {
    struct topology_host *items; /* owned */
    size_t count;
    size_t capacity;
};

/* The simple URL for meetings: a label under each SIP domain, or a whole name (then label is NULL). */
struct topology_meet {
    const char *label;
    const uint8_t *name;
    uint32_t line;
};

/* One SIP domain; what its [sip-domain] says goes before the deployment's word. */
struct topology_domain {
    const uint8_t *name;
    uint32_t line; /* in sip-domains */
    uint32_t deployment;
    bool publish;
    bool mobility;
    bool federation;
    bool phones;
    bool lyncdiscover_cname;
    bool has_own_meet; /* its [sip-domain] says meet */
    enum topology_state state;
    enum topology_cloud cloud;
    struct topology_meet meet;
    uint32_t edge;                    /* the first that homes it: its access-name counts */
    struct topology_addresses access; /* of all Edges that home it */
};

struct topology_pool {
    const struct config_section *section; /* the [pool], or the [autodiscover] with the short form */
    uint32_t deployment;
    enum topology_pool_kind kind;
    uint64_t version;          /* index of the word in options.def: higher is newer */
    struct topology_host fqdn; /* addresses: none of its own, see sip */
    struct topology_hosts nodes;
    struct topology_addresses sip;
    struct topology_host internal_web;
    struct topology_host external_web; /* addresses: its own, else its proxy's public ones */
    bool has_external_addresses;       /* its own */
    struct topology_addresses external_vip;
    bool *homes; /* one per SIP domain of the topology; owned */
    uint32_t pair;
    uint32_t proxy;
};

struct topology_edge {
    const struct config_section *section;
    uint32_t deployment;
    struct topology_host fqdn; /* addresses: its inside ones */
    struct topology_hosts nodes;
    struct topology_addresses access;
    struct topology_host webcon;
    struct topology_host av;
    const char *access_name; /* a label */
    bool *homes;             /* one per SIP domain of the topology; owned */
    bool has_hybrid;         /* homes a domain with state = hybrid */
};

struct topology_proxy {
    const struct config_section *section; /* its rules: config_rule_host */
    uint32_t deployment;
    struct topology_addresses public_addresses; /* its own, else its pools' external-web ones */
    struct topology_addresses internal;
};

struct topology_service {
    const struct config_section *section;
    uint32_t deployment;
    enum topology_profile profile;
    enum topology_form form;
    struct topology_host fqdn; /* no addresses */
    struct topology_addresses internal;
    struct topology_addresses external;
    struct topology_hosts domains; /* mail domains: no addresses */
};

struct topology_deployment {
    const struct config_section *section;
    const char *name;
    bool *inside;  /* one per view of the policy: in internal-views; owned */
    bool *outside; /* in external-views; owned */
    bool publish;
    bool hairpin;
    bool discover_by_proxy; /* discoverinternal = reverse-proxy */
    bool discoverinternal_cname;
    bool lyncdiscover_inside;
    bool autodiscover_http;
    bool sip_plain;
    bool sip_fallback;
    bool wifi_mobile;
    bool unmanaged_devices;
    bool strict_dns;
    bool has_edge;
    uint64_t devices;
    uint32_t discover_pool; /* T: the one named, else the Director, else the newest; NONE: there is no pool */
    struct topology_meet meet;
    struct topology_host dialin;                /* no addresses; name NULL: several SIP domains and none given */
    uint8_t default_dialin[NAME_SIZE_MAX];      /* the name where none was given */
    struct topology_host admin;                 /* name NULL: none */
    uint32_t ttl[TOPOLOGY_CLASS_COUNT];         /* seconds */
    const struct config_setting *internal_only; /* globs, NULL: none */
    const struct config_setting *ad_domains;    /* names, NULL: none */
};

struct topology_role_entry {
    struct address address;
    unsigned roles; /* enum topology_role, several bits */
};

struct topology {
    const struct policy *policy;
    struct topology_deployment *deployments;
    size_t deployment_count;
    struct topology_domain *domains; /* by deployment, in the order written */
    size_t domain_count;
    struct topology_pool *pools;
    size_t pool_count;
    struct topology_edge *edges;
    size_t edge_count;
    struct topology_proxy *proxies;
    size_t proxy_count;
    struct topology_service *services;
    size_t service_count;
    struct topology_role_entry *roles; /* by address */
    size_t role_count;
    size_t role_capacity;
};

/*
 * The facts of a policy that policy_check_facts found in order. BAD_INPUT with messages: a pool, proxy or domain of
 * another deployment, no address to publish a web service at. NO_MEMORY. *topology is the caller's to topology_free,
 * NULL on failure.
 */
enum status topology_new(const struct policy *policy, struct diag *diag, struct topology **topology);

/* NULL allowed. */
void topology_free(struct topology *topology);

/* The roles of an address (enum topology_role, several bits); 0: unknown. */
unsigned topology_roles(const struct topology *topology, const struct address *address);

/* "webdir", "sipdir" and "sipfed" stand under this domain in a cloud: text without final dot, static. */
const char *topology_cloud_domain(enum topology_cloud cloud);

#endif

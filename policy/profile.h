/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile: what facts publish, as a table: for each row the things it is made for, the owner's template, the source
 * inside and outside, the TTL class and the conditions. A new service that needs discovery is a few rows more.
 *
 * Templates: labels, and in braces what is put in their place:
 *   {domain} the SIP domain   {mail} the mail domain   {name} the thing's own name   {access} the Edge's access-name
 *   {meet} the meeting URL: a label, or a whole name   {discover-inside} {discover-outside} the web names of the
 *   discovery pool   {cloud} the online service's domain
 * Constant data; any thread.
 */
#ifndef SPLITVIEW_POLICY_PROFILE_H
#define SPLITVIEW_POLICY_PROFILE_H

#include "policy/topology.h"

#include <stddef.h>
#include <stdint.h>

/* What a row is made for: each of these, once. */
enum profile_each {
    PROFILE_DOMAIN,
    PROFILE_POOL_EXTERNAL_WEB,
    PROFILE_POOL_INTERNAL_WEB,
    PROFILE_POOL_FQDN,
    PROFILE_POOL_NODE,
    PROFILE_EDGE_FQDN,
    PROFILE_EDGE_NODE,
    PROFILE_EDGE_WEBCON,
    PROFILE_EDGE_AV,
    PROFILE_MEET, /* the deployment's meet, if it is a whole name */
    PROFILE_DIALIN,
    PROFILE_ADMIN,
    PROFILE_SERVICE,
    PROFILE_MAIL_DOMAIN /* each mail domain of each service */
};

/* What holds for a thing; conditions are sets of these. */
enum profile_fact {
    PROFILE_HAIRPIN = 1u << 0,
    PROFILE_DISCOVER_BY_PROXY = 1u << 1,
    PROFILE_DISCOVERINTERNAL_CNAME = 1u << 2, /* wanted, and the target may be named there */
    PROFILE_LYNCDISCOVER_CNAME = 1u << 3,     /* likewise */
    PROFILE_LYNCDISCOVER_INSIDE = 1u << 4,
    PROFILE_SIP_PLAIN = 1u << 5,
    PROFILE_SIP_FALLBACK = 1u << 6,
    PROFILE_HYBRID = 1u << 7, /* the domain; of an Edge: one of its domains */
    PROFILE_TEAMSONLY = 1u << 8,
    PROFILE_FEDERATION = 1u << 9,
    PROFILE_EDGE = 1u << 10,         /* an Edge homes the domain */
    PROFILE_OTHER_ACCESS = 1u << 11, /* its access-name is not sip */
    PROFILE_MEET_LABEL = 1u << 12,
    PROFILE_MEET_OWN_NAME = 1u << 13, /* the domain has a whole name of its own */
    PROFILE_EXCHANGE = 1u << 14,
    PROFILE_EXTERNAL = 1u << 15, /* the service exists outside */
    PROFILE_FORM_CNAME = 1u << 16,
    PROFILE_FORM_SRV = 1u << 17
};

enum profile_action {
    PROFILE_NOTHING, /* facts say nothing */
    PROFILE_ADDRESSES,
    PROFILE_CNAME, /* `target`; the source's addresses where a CNAME cannot stand */
    PROFILE_SRV,   /* the row's numbers and `target` */
    PROFILE_HIDE,
    PROFILE_DROP
};

/* Whose addresses. */
enum profile_source {
    PROFILE_NO_SOURCE,
    PROFILE_DISCOVER_INTERNAL_WEB, /* of the discovery pool */
    PROFILE_DISCOVER_EXTERNAL_WEB,
    PROFILE_DISCOVER_PROXY_INTERNAL,
    PROFILE_DISCOVER_SIP,
    PROFILE_OWN_INTERNAL_WEB, /* of the pool the row is made for */
    PROFILE_OWN_EXTERNAL_WEB,
    PROFILE_OWN_PROXY_INTERNAL,
    PROFILE_OWN_SIP,
    PROFILE_OWN_HOST, /* node, fqdn of an Edge, webcon, av */
    PROFILE_ACCESS,   /* of the Edges that home the domain */
    PROFILE_SERVICE_INTERNAL,
    PROFILE_SERVICE_EXTERNAL
};

/* One side of a row: of its cells the first whose `when` all hold counts; none: facts say nothing. */
struct profile_cell {
    uint32_t when; /* enum profile_fact */
    enum profile_action action;
    enum profile_source source;
    const char *target; /* template; CNAME and SRV */
};

#define PROFILE_CELLS 4

struct profile_row {
    const char *profile; /* "lync", "service", "exchange" */
    const char *name;    /* of the row, for show and explain */
    enum profile_each each;
    const char *owner; /* template */
    enum topology_class class;
    uint32_t when;   /* the row is for things with all of these ... */
    uint32_t unless; /* ... and none of these */
    uint16_t srv[3]; /* priority, weight, port */
    struct profile_cell inside[PROFILE_CELLS];
    struct profile_cell outside[PROFILE_CELLS];
};

/* All rows, in the order that decides between them. */
const struct profile_row *profile_rows(size_t *count);

/* The cell that counts; NULL: facts say nothing. */
const struct profile_cell *profile_find_cell(const struct profile_cell cells[PROFILE_CELLS], uint32_t facts);

#endif

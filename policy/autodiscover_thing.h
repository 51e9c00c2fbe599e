/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * autodiscover_thing: what a row of the profile table is made for: a SIP domain, a pool's web name, a node, a service.
 * For autodiscover.c alone. Pure functions.
 */
#ifndef SPLITVIEW_POLICY_AUTODISCOVER_THING_H
#define SPLITVIEW_POLICY_AUTODISCOVER_THING_H

#include "policy/profile.h"
#include "policy/topology.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Members that do not apply are NULL. All borrowed from the topology. */
struct thing {
    const struct topology *topology;
    const struct topology_deployment *deployment;
    const struct topology_domain *domain;
    const struct topology_pool *pool;
    const struct topology_edge *edge;
    const struct topology_service *service;
    const struct topology_host *host; /* node, fqdn of an Edge, webcon, av, mail domain */
    const uint8_t *name;              /* {name} */
    uint32_t line;                    /* where it is named */
    bool publish;
    uint32_t facts; /* enum profile_fact */
};

/* Step through the things a row is made for, in table order: *position starts at 0; false at the end. */
bool thing_next(const struct topology *topology, enum profile_each each, size_t *position, struct thing *thing);

/* A template for this thing. BAD_INPUT: the name is longer than NAME_SIZE_MAX. */
enum status thing_expand(const struct thing *thing, const char *template, uint8_t name[NAME_SIZE_MAX]);

/* The addresses of a source and the line of the name they belong to; NULL: there are none. */
const struct topology_addresses *thing_addresses(const struct thing *thing, enum profile_source source, uint32_t *line);

#endif

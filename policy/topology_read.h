/* SPDX-License-Identifier: BSD-2-Clause */
/* topology_read: sections of policy.conf to the parts of a topology. For topology.c alone; one thread. */
#ifndef SPLITVIEW_POLICY_TOPOLOGY_READ_H
#define SPLITVIEW_POLICY_TOPOLOGY_READ_H

#include "policy/topology.h"

/* Fill pools, edges, proxies and services; deployments and domains must be there. Errors go to `diag`; NO_MEMORY. */
enum status topology_read_sections(struct topology *topology, struct diag *diag);

/* The deployment a fact belongs to: the one named, else the only one, else NONE. */
uint32_t topology_read_deployment(const struct topology *topology, const struct config_section *section);

/* A key that holds one name, without addresses; name NULL where it is not given or says "none". */
struct topology_host topology_read_name(const struct config_section *section, const char *key);

/* What a [pool], or the short form in [autodiscover], is. */
enum topology_pool_kind topology_pool_kind_of(const struct config_section *section);

/* Append those of `more` that are not in the list yet. NO_MEMORY. */
enum status topology_append_addresses(struct topology_addresses *list, const struct topology_addresses *more);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward_special: names that a resolver answers itself, whatever its upstream would say: the locally served zones of
 * RFC 6303 and RFC 7793, the special-use names of RFC 6761 (localhost, test, invalid), 6762 (local), 7686 (onion) and
 * 8375 (home.arpa), and the names by which browsers and phones look for a way past the resolver (RFC 9462 for
 * _dns.resolver.arpa). Constant data; any thread.
 */
#ifndef SPLITVIEW_POLICY_FORWARD_SPECIAL_H
#define SPLITVIEW_POLICY_FORWARD_SPECIAL_H

#include "zones/name.h"
#include "zones/rrset.h"

#include <stddef.h>
#include <stdint.h>

enum special_kind {
    SPECIAL_NONE,
    SPECIAL_EMPTY,       /* an empty zone: the name is there without records, nothing is below it */
    SPECIAL_ABSENT,      /* neither the name nor anything below it exists */
    SPECIAL_LOOPBACK,    /* the name and all below it have the loopback addresses (RFC 6761 6.3) */
    SPECIAL_CANARY,      /* as ABSENT; a canary */
    SPECIAL_CANARY_EMPTY /* as EMPTY; a canary */
};

/* All of them are numbered from 0. */
size_t special_count(void);

/* Number `index` in lower case. */
enum special_kind special_name(size_t index, uint8_t name[NAME_SIZE_MAX]);

/*
 * The SOA of a negative answer that is made here. `is_lasting`: 3 hours, for names that mean the same in all networks
 * (RFC 6303 3); else one minute, for a phone that walks to another network must not remember it there. Its serial is 1
 * and zero in the data. Static.
 */
const struct rrset *special_soa(bool is_lasting);

/* The loopback address of type A or AAAA; NULL for other types. Static. */
const struct rrset *special_loopback(uint16_t type);

#endif

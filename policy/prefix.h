/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prefix: IP addresses and networks, and the longest match over a frozen set of networks.
 */
#ifndef SPLITVIEW_POLICY_PREFIX_H
#define SPLITVIEW_POLICY_PREFIX_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address. IPv4 stands in bytes[0..3], the rest is zero. v4-mapped IPv6 (::ffff:a.b.c.d) is IPv4 here: the makers
 * below turn it. */
struct address {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t bytes[16];
};

struct prefix {
    struct address address; /* bits behind `length` are zero */
    uint8_t length;         /* bits: 0..32 or 0..128 */
};

#define ADDRESS_TEXT_MAX 46
#define PREFIX_TEXT_MAX  50

/* From raw bytes in network order: 4 or 16. A v4-mapped address becomes IPv4. */
struct address address_from_bytes(const uint8_t *bytes, size_t size);

/* BAD_INPUT: no address. Zones ("%eth0") are not taken. */
enum status address_from_text(const char *text, size_t length, struct address *address);
void address_to_text(const struct address *address, char text[ADDRESS_TEXT_MAX]);
bool address_equal(const struct address *a, const struct address *b);

/* Private (RFC 1918), carrier-grade NAT (RFC 6598), loopback, link-local or unique local (RFC 4193); not the ranges for
 * documentation. */
bool address_is_private(const struct address *address);

/*
 * "ADDRESS/LENGTH" or "ADDRESS" (all bits). BAD_INPUT; if only host bits are set, *host_bits is true and *prefix is the
 * network that was probably meant. A v4-mapped prefix of /96 or longer becomes IPv4; shorter ones are BAD_INPUT.
 */
enum status prefix_from_text(const char *text, size_t length, struct prefix *prefix, bool *host_bits);
void prefix_to_text(const struct prefix *prefix, char text[PREFIX_TEXT_MAX]);
bool prefix_contains(const struct prefix *prefix, const struct address *address);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* Networks with a value each: build, freeze, use (then any thread may read). */
struct prefix_map;

#define PREFIX_NO_VALUE UINT32_MAX

struct prefix_map *prefix_map_new(void); /* NULL: no memory */
void prefix_map_free(struct prefix_map *map);

/* BAD_INPUT if the network has another value already (then *other is that value). NO_MEMORY. Before freeze only. */
enum status prefix_map_add(struct prefix_map *map, const struct prefix *prefix, uint32_t value, uint32_t *other);

/* Sort into arrays of disjoint ranges. Addresses that no network holds get the value `otherwise` (PREFIX_NO_VALUE:
 * none). NO_MEMORY. */
enum status prefix_map_freeze(struct prefix_map *map, uint32_t otherwise);

struct prefix_match {
    uint32_t value; /* of the longest network that holds the address */
    uint8_t scope;  /* bits at which that was decided, as few as possible: all addresses that agree with this one in so
                       many bits get the same value (RFC 7871 7.2.1). So a network of `length` bits around the address
                       lies inside one value if, and only if, scope <= length. */
};

/* O(log n), no allocation. After freeze only. */
struct prefix_match prefix_map_find(const struct prefix_map *map, const struct address *address);

#endif

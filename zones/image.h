/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image: one flat zone as one contiguous, position-independent, immutable block of memory.
 *
 *     header | slots | order | nodes (each: head, name, RRset table, hints, data)
 *
 * `slots` is an open-addressed hash table over the owner names, empty non-terminals included; `order` lists all nodes
 * in the canonical order of RFC 4034 6.1. All numbers are in the byte order of the machine that made the block; offsets
 * count bytes from the start of the block, and 0 means none. Whoever reads an offset checks it: the readers here never
 * look outside [block, block + size), whatever the bytes say. Pure functions over borrowed memory; any thread.
 *
 * The SOA's serial is zero in the block, so that zones equal but for their serial are one image; the catalog carries
 * the serial.
 */
#ifndef SPLITVIEW_ZONES_IMAGE_H
#define SPLITVIEW_ZONES_IMAGE_H

#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAGIC          UINT64_C(0x31474d4956530a1a) /* also tells a block of the other byte order */
#define IMAGE_VERSION        1u
#define IMAGE_ALIGNMENT      16u /* of the block; nodes stand at multiples of IMAGE_NODE_ALIGNMENT */
#define IMAGE_NODE_ALIGNMENT 8u
#define IMAGE_SIZE_MAX       UINT32_MAX /* bytes */
#define IMAGE_CHECKSUM_SIZE  32u        /* SHA-256 */

enum image_section { IMAGE_SECTION_SLOTS = 1, IMAGE_SECTION_ORDER = 2, IMAGE_SECTION_NODES = 3 };
#define IMAGE_SECTIONS_MAX 8

struct image_section_entry {
    uint32_t kind; /* enum image_section; kinds a reader does not know are skipped */
    uint32_t offset;
    uint32_t size; /* bytes */
};

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t section_count;
    uint64_t size;                         /* of the whole block, bytes */
    uint64_t parent_id;                    /* reserved for images stored as a difference; 0 */
    uint8_t checksum[IMAGE_CHECKSUM_SIZE]; /* SHA-256 of the block with these bytes zero */
    uint32_t slot_count;                   /* a power of two */
    uint32_t node_count;                   /* those without RRsets included */
    uint32_t rrset_count;
    uint32_t record_count;
    uint32_t apex;         /* offset of the apex node */
    uint32_t negative_ttl; /* seconds: min(SOA TTL, SOA MINIMUM), RFC 2308 5, or what the policy says */
    struct image_section_entry sections[IMAGE_SECTIONS_MAX];
};

struct image_slot {
    uint32_t tag;  /* upper half of the name's hash */
    uint32_t node; /* offset; 0: the slot is free */
};

enum image_node_flag {
    NODE_APEX = 1 << 0,
    NODE_CUT = 1 << 1,          /* NS below the apex: a delegation */
    NODE_BELOW_CUT = 1 << 2,    /* below a delegation or a DNAME: `cut` tells which is highest */
    NODE_DNAME = 1 << 3,        /* holds a DNAME */
    NODE_WILDCARD = 1 << 4,     /* its first label is "*" */
    NODE_HIDDEN = 1 << 5,       /* hidden: it is NODATA, or with NODE_MISSING NXDOMAIN; no wildcard stands for what is
                                   missing below it */
    NODE_HIDDEN_BELOW = 1 << 6, /* what is missing below it is NXDOMAIN; only wildcards below it stand for names */
    NODE_MISSING = 1 << 7,   /* the name does not exist: the node is here for its hidden flags, or above one that is */
    NODE_FOREIGN = 1 << 8,   /* no name of ours, though others may be below it: in a zone with NODE_PINPOINT, or with
                                NODE_FORWARD */
    NODE_PINPOINT = 1 << 9,  /* of the apex, for the whole zone: missing names are not ours */
    NODE_NEGATIVE = 1 << 10, /* with NODE_HIDDEN: behind the name stands its own negative TTL, uint32_t seconds */
    NODE_FORWARD = 1 << 11,  /* it and all below it are others' names, whatever the zone holds there or above */
    NODE_FORWARDS = 1 << 12  /* of the apex: the zone has nodes with NODE_FORWARD */
};

struct image_node {
    uint16_t flags;
    uint16_t rule;        /* number of the dynamic rule that applies; 0 none */
    uint16_t rrset_count; /* 0: an empty non-terminal, or a name that is hidden or missing */
    uint8_t name_size;    /* bytes */
    uint8_t label_count;
    uint32_t cut;      /* offset of the highest delegation or DNAME node above this one; 0 none */
    uint32_t wildcard; /* offset of the node "*.<this name>"; 0 none */
    /* then: name, lowered, padded to 4; struct image_rrset[rrset_count], types ascending */
};

struct image_rrset {
    uint16_t type;
    uint16_t count;
    uint32_t ttl;  /* seconds */
    uint32_t data; /* offset: count times { uint16 length in network order, RDATA } */
    uint32_t size; /* bytes of data */
    uint32_t
        hints; /* offset of uint32_t[count]: node in this image that each RDATA's target names, 0 none; 0: no hints */
};

/* A block whose header was checked. Borrowed; valid as long as the block. */
struct image {
    const uint8_t *block;
    const struct image_header *header;
    const struct image_slot *slots;
    uint32_t slot_mask;
    uint32_t size; /* bytes */
    uint32_t order;
};

/*
 * Look at the header: magic, version, sizes and the table of sections; not the checksum. VERSION for another layout,
 * DAMAGED otherwise. Constant time. `block` is aligned to IMAGE_ALIGNMENT.
 */
enum status image_open(const void *block, size_t size, struct image *image);

/* The node at `offset`, or NULL if no whole node stands there. */
const struct image_node *image_node(const struct image *image, uint32_t offset);

/* The node's owner name, lowered. The node came from image_node. */
const uint8_t *image_node_name(const struct image_node *node);

/* The TTL of a negative answer about the node (NULL: about a name that has none), seconds. */
uint32_t image_negative_ttl(const struct image *image, const struct image_node *node);

/* The node's RRset number `index`, checked to lie in the block; NULL if it does not. */
const struct image_rrset *image_node_rrset(const struct image *image, const struct image_node *node, unsigned index);

/* The node's RRset of a type, NULL if there is none (or it is damaged: *damaged is then set; it is never cleared). */
const struct image_rrset *image_find_rrset(const struct image *image, const struct image_node *node, uint16_t type,
                                           bool *damaged);

/* The RRset's data as a struct rrset, borrowed from the block. `rrset` came from image_node_rrset or image_find_rrset.
 */
struct rrset image_rrset_data(const struct image *image, const struct image_rrset *rrset);

/* The node that RDATA number `index` of the RRset points at by its hint, NULL if there is none. */
const struct image_node *image_rrset_hint(const struct image *image, const struct image_rrset *rrset, unsigned index);

/* The node of the ancestor of `split` that has `labels` labels (or of the name itself), NULL if it does not exist. */
const struct image_node *image_find(const struct image *image, const struct name_split *split, unsigned labels);

/* Node number `index` in canonical order, index < header->node_count; NULL if damaged. */
const struct image_node *image_node_at(const struct image *image, uint32_t index);

/*
 * Check everything: the checksum, every node, RRset, hint, slot and the order. Time in proportion to the size. DAMAGED
 * with a message that says what and at which offset.
 */
enum status image_verify(const void *block, size_t size, struct diag *diag);

/* Compute the checksum over the block as if the checksum field were zero. */
void image_checksum(const void *block, size_t size, uint8_t checksum[IMAGE_CHECKSUM_SIZE]);

#endif

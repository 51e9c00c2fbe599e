/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_layout: the pages of LMDB 0.9's file format 1 on a machine with 64 bits, for those who read them without LMDB:
 * store_pages to check them, store_walk to find images in them. Not for use outside zones/store*.c.
 *
 * A page: page_head, offsets of its nodes (uint16_t each, sorted by key), a gap, the nodes. A node: node_head, key,
 * value; with NODE_BIG the value is the number of the page where it begins, behind a page_head. Numbers are in the
 * machine's byte order; offsets and sizes count bytes, pages are numbered from 0. Only types; any thread.
 */
#ifndef SPLITVIEW_ZONES_STORE_LAYOUT_H
#define SPLITVIEW_ZONES_STORE_LAYOUT_H

#include <stdint.h>

#define PAGE_NUMBER_NONE  UINT64_MAX /* the root of a tree without entries */
#define TREE_DEPTH_MAX    32
#define TREE_INTEGER_KEYS 0x08

enum page_flag { PAGE_BRANCH = 0x01, PAGE_LEAF = 0x02, PAGE_OVERFLOW = 0x04, PAGE_META = 0x08 };
enum node_flag { NODE_BIG = 0x01, NODE_TREE = 0x02 };

struct page_head {
    uint64_t number;
    uint16_t padding;
    uint16_t flags;
    uint16_t lower; /* of the gap between offsets and nodes; with `upper`, of a first page of several: their count */
    uint16_t upper;
};

struct node_head {
    uint16_t low; /* size of the value, or the lower bits of a child's page number */
    uint16_t high;
    uint16_t flags;
    uint16_t key_size;
};

struct tree {
    uint32_t padding; /* in the tree of free pages: the size of a page */
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};

_Static_assert(sizeof(struct page_head) == 16, "a page's head has 16 bytes");
_Static_assert(sizeof(struct node_head) == 8, "a node's head has 8 bytes");
_Static_assert(sizeof(struct tree) == 48, "a tree has 48 bytes");

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* catalog_layout: the bytes of a catalog's block, for catalog.c and prefetch.c alone. */
#ifndef SPLITVIEW_ZONES_CATALOG_LAYOUT_H
#define SPLITVIEW_ZONES_CATALOG_LAYOUT_H

#include <stdint.h>

/* header | entries in canonical order | slots | names */
struct catalog_header {
    uint64_t magic;
    uint32_t version;
    uint32_t count;      /* entries */
    uint32_t slot_count; /* a power of two */
    uint32_t entries;    /* offset */
    uint32_t slots;      /* offset */
    uint8_t labels_min;  /* fewest and most labels of an apex: names need no search outside them */
    uint8_t labels_max;
    uint8_t reserved[2];
    uint64_t size; /* of the block, bytes */
};

struct catalog_slot {
    uint32_t tag;   /* upper half of the apex's hash */
    uint32_t entry; /* number + 1; 0: free */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * catalog: the zones of one view: apex to image id and serial, as one immutable block like an image (same rules: host
 * byte order, offsets from the start, every one checked when used). Views that serve the same zones share one catalog.
 *
 * The block names images by id; whoever loads it joins it with their blocks (struct catalog, `images`), or tells where
 * each can be found when it is asked for the first time (`stored`). Pure functions otherwise; any thread may read a
 * catalog that nobody changes.
 */
#ifndef SPLITVIEW_ZONES_CATALOG_H
#define SPLITVIEW_ZONES_CATALOG_H

#include "zones/name.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

#define CATALOG_MAGIC   UINT64_C(0x31544143565339a1)
#define CATALOG_VERSION 1u

/* What goes in. */
struct catalog_zone {
    const uint8_t *apex; /* borrowed during the call */
    uint64_t image_id;
    uint32_t serial;      /* as published */
    uint32_t file_serial; /* as written in the file, to tell an edit from a carried serial */
};

/* Build the block of `count` zones with different apexes, in any order; equal input gives equal bytes. *block is the
 * caller's to memory_free. NO_MEMORY, TOO_LARGE. */
enum status catalog_build(const struct catalog_zone *zones, size_t count, uint8_t **block, size_t *size);

/* The bytes of one image; NULL block: not to be had (then its zone answers SERVFAIL). */
struct image_ref {
    const void *block;
    size_t size;
};

struct catalog {
    const uint8_t *block;
    size_t size;
    const struct catalog_header *header;
    struct image_ref *images; /* one per entry, in entry order; borrowed; set by the owner after catalog_open */
    const struct store_images *stored; /* where those that `images` does not have yet are found; NULL: it has all */
};

struct catalog_entry {
    uint64_t image_id;
    uint32_t apex; /* offset of the apex, lowered */
    uint32_t serial;
    uint32_t file_serial;
    uint32_t reserved;
};

/* Check the header and sizes, not each entry. DAMAGED, VERSION. catalog->images is NULL afterwards. */
enum status catalog_open(const void *block, size_t size, struct catalog *catalog);

/* Entries are numbered from 0 in canonical order of their apexes. */
uint32_t catalog_count(const struct catalog *catalog);
/* The most labels an apex of the catalog has. */
unsigned catalog_labels_max(const struct catalog *catalog);
const struct catalog_entry *catalog_entry(const struct catalog *catalog, uint32_t index);
/* The apex of an entry, NULL if damaged. */
const uint8_t *catalog_apex(const struct catalog *catalog, const struct catalog_entry *entry);

/* Find the image of an entry in the store and remember it for all threads; they may do so at the same time. */
struct image_ref catalog_fetch(const struct catalog *catalog, uint32_t index);

/* The bytes of an entry's image, from the store if it is the first to be asked. */
static inline struct image_ref catalog_image(const struct catalog *catalog, uint32_t index)
{
    const struct image_ref *ref = &catalog->images[index];
    const void *block = __atomic_load_n(&ref->block, __ATOMIC_ACQUIRE);
    if (block == NULL && catalog->stored != NULL)
        return catalog_fetch(catalog, index);
    return (struct image_ref){.block = block, .size = __atomic_load_n(&ref->size, __ATOMIC_RELAXED)};
}

/*
 * The deepest apex at or above the ancestor of `split` that has `labels` labels; its number goes to *index. NULL: none.
 */
const struct catalog_entry *catalog_find(const struct catalog *catalog, const struct name_split *split, unsigned labels,
                                         uint32_t *index);

/* The same; how many labels the apex has goes to *apex_labels. */
const struct catalog_entry *catalog_find_labels(const struct catalog *catalog, const struct name_split *split,
                                                unsigned labels, uint32_t *index, unsigned *apex_labels);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_walk: where images are, for a start that does not wait. There is one leaf page of the tree for some 150 images,
 * and even to look at them all takes longer than a start may. So the branch pages are read, a handful, and an image is
 * looked up in its leaf when it is asked for; by then nobody calls LMDB, whose functions belong to one thread. The
 * pages stay as they are as long as the snapshot is open. What looks in any way unexpected at the start is left to
 * LMDB's cursor; what does later is an image that is not there. So the first question for an image may wait for its
 * leaf to be read, as it may for the image itself, and nobody counts whether the leaves hold as many images as the tree
 * says.
 */
#include "zones/memory.h"
#include "zones/store.h"
#include "zones/store_layout.h"
#include "zones/store_table.h"

#include <string.h>
#include <unistd.h>

/* A leaf page: its images have ids from `first_id` on. */
struct leaf {
    uint64_t first_id;
    uint64_t page;
};

/* What LMDB's cursor found. */
struct listed_image {
    uint64_t id;
    const void *block; /* NULL: a value that cannot be one */
    size_t size;
};

struct store_images {
    const uint8_t *map; /* page 0, where LMDB has it */
    uint64_t page_count;
    size_t page_size;
    size_t padding;
    struct leaf *leaves;         /* ids rising */
    struct listed_image *listed; /* NULL: the leaves tell */
    size_t count;                /* of the one or the other */
};

/* What an image's node says. */
struct stored_node {
    uint64_t id;
    uint64_t page; /* where it begins */
    size_t size;   /* with the padding */
};

void store_images_free(struct store_images *images)
{
    if (!images)
        return;
    memory_free(images->leaves);
    memory_free(images->listed);
    memory_free(images);
}

/* ---- one page ---- */

/* The number of nodes of a page, if it is one of that kind, else 0. */
static unsigned nodes_count(const struct store_images *images, const uint8_t *bytes, uint64_t page, unsigned kind)
{
    struct page_head head;

    memcpy(&head, bytes, sizeof(head));
    if (head.number != page || head.flags != kind || head.lower < sizeof(head) || head.lower > head.upper ||
        head.upper > images->page_size)
        return 0;
    return (unsigned)(head.lower - sizeof(head)) / sizeof(uint16_t);
}

/* What stands behind the head of a page's node; NULL if that is not wholly in the page, with `behind` bytes. */
static const uint8_t *node_at(const struct store_images *images, const uint8_t *bytes, unsigned index, size_t behind,
                              struct node_head *head)
{
    uint16_t offset = 0;

    memcpy(&offset, bytes + sizeof(struct page_head) + index * sizeof(offset), sizeof(offset));
    if (offset < sizeof(struct page_head) || offset + sizeof(*head) + behind > images->page_size)
        return NULL;
    memcpy(head, bytes + offset, sizeof(*head));
    return bytes + offset + sizeof(*head);
}

static bool stored_read(const struct store_images *images, const uint8_t *leaf, unsigned index,
                        struct stored_node *found)
{
    uint64_t key_and_page[2];
    struct node_head head;
    const uint8_t *behind = node_at(images, leaf, index, sizeof(key_and_page), &head);

    if (!behind || head.flags != NODE_BIG || head.key_size != sizeof(uint64_t))
        return false;
    memcpy(key_and_page, behind, sizeof(key_and_page));
    *found = (struct stored_node){
        .id = key_and_page[0], .page = key_and_page[1], .size = (size_t)head.low | (size_t)head.high << 16};
    return found->page < images->page_count && found->size >= images->padding &&
           found->size <= (images->page_count - found->page) * images->page_size - sizeof(struct page_head);
}

/* ---- finding ---- */

/* Ids mostly rise without gaps: the first guess is often right, and is never too low. */
static bool leaf_search(const struct store_images *images, const uint8_t *leaf, unsigned count, uint64_t id,
                        struct stored_node *found)
{
    unsigned low = 0;
    unsigned high = count;

    if (count == 0 || !stored_read(images, leaf, 0, found) || id < found->id)
        return false;
    unsigned middle = id - found->id < count ? (unsigned)(id - found->id) : count - 1;
    while (low < high) {
        if (!stored_read(images, leaf, middle, found))
            return false;
        if (found->id == id)
            return true;
        if (found->id < id)
            low = middle + 1;
        else
            high = middle;
        middle = low + (high - low) / 2;
    }
    return false;
}

/* The last leaf that does not begin behind the id. */
static const struct leaf *leaf_find(const struct store_images *images, uint64_t id)
{
    size_t low = 0;
    size_t high = images->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (images->leaves[middle].first_id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &images->leaves[low - 1];
}

static bool listed_find(const struct store_images *images, uint64_t id, const void **block, size_t *size)
{
    size_t low = 0;
    size_t high = images->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (images->listed[middle].id == id) {
            *block = images->listed[middle].block;
            *size = images->listed[middle].size;
            return *block != NULL;
        }
        if (images->listed[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool store_images_find(const struct store_images *images, uint64_t id, const void **block, size_t *size)
{
    struct stored_node found;

    if (images->listed)
        return listed_find(images, id, block, size);
    const struct leaf *leaf = leaf_find(images, id);
    if (!leaf)
        return false;
    const uint8_t *bytes = images->map + leaf->page * images->page_size;
    if (!leaf_search(images, bytes, nodes_count(images, bytes, leaf->page, PAGE_LEAF), id, &found))
        return false;
    *block = images->map + found.page * images->page_size + sizeof(struct page_head);
    *size = found.size - images->padding;
    return true;
}

/* ---- the start ---- */

/* A walk over the branch pages, which are read from the file: where they are in the map is not known at once. */
struct branch_walk {
    const struct snapshot *snapshot;
    struct store_images *images;
    struct tree tree;
    int fd;
    uint8_t *pages; /* room for one of each level */
};

/* A whole page of the level's kind, read into the level's room; its number of nodes, or 0. */
static unsigned page_read(const struct branch_walk *walk, uint64_t page, unsigned level)
{
    const size_t size = walk->images->page_size;
    uint8_t *room = walk->pages + level * size;

    if (page >= walk->images->page_count || pread(walk->fd, room, size, (off_t)(page * size)) != (ssize_t)size)
        return 0;
    return nodes_count(walk->images, room, page, level + 1u < walk->tree.depth ? PAGE_BRANCH : PAGE_LEAF);
}

/* The child of a branch page's node, and the least id in it unless it is the first node, which has no key. */
static bool child_read(const struct branch_walk *walk, unsigned level, unsigned index, uint64_t *child, uint64_t *id)
{
    struct node_head head;
    const uint8_t *room = walk->pages + level * walk->images->page_size;
    const uint8_t *key = node_at(walk->images, room, index, index > 0 ? sizeof(*id) : 0, &head);

    if (!key || (index > 0 && head.key_size != sizeof(*id)))
        return false;
    if (index > 0)
        memcpy(id, key, sizeof(*id));
    *child = head.low | (uint64_t)head.high << 16 | (uint64_t)head.flags << 32;
    return *child < walk->images->page_count;
}

static bool leaf_take(const struct branch_walk *walk, uint64_t page, uint64_t first_id)
{
    struct store_images *images = walk->images;

    if (images->count == walk->tree.leaf_pages ||
        (images->count > 0 && images->leaves[images->count - 1].first_id >= first_id))
        return false;
    images->leaves[images->count++] = (struct leaf){first_id, page};
    return true;
}

/* All leaves below a page, whose ids are not below `least`. */
static bool page_take(const struct branch_walk *walk, uint64_t page, unsigned level, uint64_t least)
{
    if (level + 1u == walk->tree.depth)
        return leaf_take(walk, page, least);
    const unsigned count = page_read(walk, page, level);
    bool fine = count > 0;
    for (unsigned i = 0; i < count && fine; i++) {
        uint64_t child = 0;
        uint64_t id = least;

        fine = child_read(walk, level, i, &child, &id) && page_take(walk, child, level + 1, id);
    }
    return fine;
}

/* LMDB says where the first image is; the number of its page, from the same node, then tells where page 0 is. */
static bool map_find(const struct branch_walk *walk)
{
    struct store_images *images = walk->images;
    uint64_t page = walk->tree.root;
    struct stored_node first = {0, 0, 0};
    struct table_walk table;
    uint64_t id = 0;
    bool fine = true;

    for (unsigned level = 0; level + 1u < walk->tree.depth && fine; level++)
        fine = page_read(walk, page, level) > 0 && child_read(walk, level, 0, &page, &id);
    const unsigned leaf = walk->tree.depth - 1u;
    if (!fine || page_read(walk, page, leaf) == 0 ||
        !stored_read(images, walk->pages + leaf * images->page_size, 0, &first))
        return false;
    enum status status = table_walk_begin(walk->snapshot->store, walk->snapshot->txn, TABLE_IMAGES, &table);
    if (status == STATUS_OK)
        status = table_walk_next(&table);
    fine = status == STATUS_OK && span_number(table.key) == first.id;
    if (fine)
        images->map = (const uint8_t *)table.value.data - sizeof(struct page_head) - first.page * images->page_size;
    table_walk_end(&table);
    return fine;
}

/* Find the leaves by the pages themselves; false if that fails. */
static bool leaves_take(struct branch_walk *walk)
{
    const struct snapshot *snapshot = walk->snapshot;
    struct store_images *images = walk->images;
    uint64_t transaction = 0;

    if (table_tree(snapshot->txn, TABLE_IMAGES, &walk->tree, sizeof(walk->tree)) != STATUS_OK ||
        walk->tree.depth == 0 || walk->tree.depth > TREE_DEPTH_MAX || walk->tree.leaf_pages > images->page_count ||
        snapshot_file(snapshot, &walk->fd, &transaction) != STATUS_OK)
        return false;
    walk->pages = memory_alloc(walk->tree.depth * images->page_size);
    images->leaves = memory_alloc((size_t)walk->tree.leaf_pages * sizeof(struct leaf));
    const bool fine = walk->pages && images->leaves && map_find(walk) && page_take(walk, walk->tree.root, 0, 0) &&
                      images->count == walk->tree.leaf_pages;
    memory_free(walk->pages);
    return fine;
}

/* ---- LMDB's own way ---- */

struct listing {
    struct store_images *images;
    size_t capacity;
};

static bool image_add(void *context, uint64_t id, const void *block, size_t size)
{
    const struct listing *listing = context;
    struct store_images *images = listing->images;

    if (images->count == listing->capacity)
        return false;
    images->listed[images->count++] = (struct listed_image){id, block, size};
    return true;
}

static enum status list_make(const struct snapshot *snapshot, struct store_images *images, uint64_t entries,
                             struct diag *diag)
{
    struct listing listing = {images, (size_t)entries};

    memory_free(images->leaves);
    images->leaves = NULL;
    images->count = 0;
    images->listed = memory_alloc((size_t)entries * sizeof(*images->listed));
    return images->listed ? snapshot_each_image(snapshot, image_add, &listing, diag) : STATUS_NO_MEMORY;
}

enum status snapshot_images(const struct snapshot *snapshot, struct store_images **images, struct diag *diag)
{
    const struct store *store = snapshot->store;
    const uint64_t bytes = snapshot->bytes < store->map_size ? snapshot->bytes : store->map_size;
    uint64_t entries = 0;
    enum status status = table_count(store, snapshot->txn, TABLE_IMAGES, &entries);

    if (status == STATUS_OK && entries > bytes / store->page_size)
        status = STATUS_DAMAGED; /* each has a page of its own */
    if (status != STATUS_OK)
        return store_failed(store, status, "count the images", diag);
    struct store_images *made = memory_zalloc(1, sizeof(*made));
    if (!made)
        return STATUS_NO_MEMORY;
    *made = (struct store_images){
        .page_count = bytes / store->page_size, .page_size = store->page_size, .padding = store->padding};
    struct branch_walk walk = {.snapshot = snapshot, .images = made, .fd = -1};
    if (entries > 0 && !leaves_take(&walk))
        status = list_make(snapshot, made, entries, diag);
    if (status == STATUS_OK)
        *images = made;
    else
        store_images_free(made);
    return status;
}

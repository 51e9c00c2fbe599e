/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_walk: where all images are, for a start that does not wait. LMDB's cursor takes some 20 ns an entry, and the
 * leaf pages lie scattered among the images, so that each costs a page fault in a map nobody looked at yet. Here they
 * are read from the file and taken apart. What looks in any way unexpected is left to LMDB.
 */
#include "zones/memory.h"
#include "zones/prefault.h"
#include "zones/store.h"
#include "zones/store_layout.h"
#include "zones/store_table.h"

#include <string.h>
#include <unistd.h>

/* A walk over the tree of images. */
struct image_walk {
    const struct snapshot *snapshot;
    int fd;
    unsigned depth;
    uint64_t page_count; /* of the snapshot */
    uint64_t first_id;
    const uint8_t *first; /* where LMDB has the first image's block */
    const uint8_t *map;   /* where it has page 0, once the first image's page is known */
    uint8_t *pages;       /* room for one of each level */
    struct store_image *images;
    size_t count;
    size_t capacity;
};

/* A whole page of the level's kind, read into the level's room; its number of nodes, or 0. */
static unsigned page_read(const struct image_walk *walk, uint64_t page, unsigned level, struct page_head *head)
{
    const size_t size = walk->snapshot->store->page_size;
    uint8_t *room = walk->pages + level * size;

    if (page >= walk->page_count || pread(walk->fd, room, size, (off_t)(page * size)) != (ssize_t)size)
        return 0;
    memcpy(head, room, sizeof(*head));
    if (head->number != page || head->flags != (level + 1 < walk->depth ? PAGE_BRANCH : PAGE_LEAF) ||
        head->lower < sizeof(*head) || head->lower > head->upper || head->upper > size)
        return 0;
    return (unsigned)(head->lower - sizeof(*head)) / sizeof(uint16_t);
}

/* The node number `index` of the level's page; NULL if it is not wholly in it with `behind` bytes after its head. */
static const uint8_t *node_at(const struct image_walk *walk, unsigned level, unsigned index, size_t behind,
                              struct node_head *head)
{
    const size_t size = walk->snapshot->store->page_size;
    const uint8_t *page = walk->pages + level * size;
    uint16_t offset = 0;

    memcpy(&offset, page + sizeof(struct page_head) + index * sizeof(offset), sizeof(offset));
    if (offset < sizeof(struct page_head) || offset + sizeof(*head) + behind > size)
        return NULL;
    memcpy(head, page + offset, sizeof(*head));
    return page + offset + sizeof(*head);
}

/* One image: a number, and its size with the page where it begins. */
static bool leaf_node_take(struct image_walk *walk, unsigned level, unsigned index)
{
    const struct store *store = walk->snapshot->store;
    uint64_t key_and_page[2];
    struct node_head head;
    const uint8_t *behind = node_at(walk, level, index, sizeof(key_and_page), &head);

    if (!behind || head.flags != NODE_BIG || head.key_size != sizeof(uint64_t) || walk->count >= walk->capacity)
        return false;
    memcpy(key_and_page, behind, sizeof(key_and_page));
    const size_t size = (size_t)head.low | (size_t)head.high << 16;
    const uint64_t page = key_and_page[1];
    if (page >= walk->page_count || size < store->padding ||
        size > (walk->page_count - page) * store->page_size - sizeof(struct page_head))
        return false;
    if (walk->count == 0) {
        if (key_and_page[0] != walk->first_id)
            return false;
        walk->map = walk->first - sizeof(struct page_head) - page * store->page_size;
    }
    walk->images[walk->count++] =
        (struct store_image){.id = key_and_page[0],
                             .block = walk->map + page * store->page_size + sizeof(struct page_head),
                             .size = size - store->padding};
    return true;
}

static bool page_take(struct image_walk *walk, uint64_t page, unsigned level)
{
    struct page_head page_head;
    const unsigned count = page_read(walk, page, level, &page_head);
    bool fine = count > 0;

    for (unsigned i = 0; i < count && fine; i++) {
        struct node_head head;

        if (level + 1 == walk->depth) {
            fine = leaf_node_take(walk, level, i);
            continue;
        }
        fine = node_at(walk, level, i, 0, &head) &&
               page_take(walk, head.low | (uint64_t)head.high << 16 | (uint64_t)head.flags << 32, level + 1);
    }
    return fine;
}

/* LMDB says where the first image is; its page number then tells where page 0 is. */
static enum status first_find(struct image_walk *walk)
{
    struct table_walk table;
    enum status status = table_walk_begin(walk->snapshot->store, walk->snapshot->txn, TABLE_IMAGES, &table);

    if (status == STATUS_OK)
        status = table_walk_next(&table);
    if (status == STATUS_OK) {
        walk->first_id = span_number(table.key);
        walk->first = table.value.data;
    }
    table_walk_end(&table);
    return status;
}

/* All images by the pages themselves; false if that fails. */
static bool pages_take(struct image_walk *walk)
{
    const struct snapshot *snapshot = walk->snapshot;
    uint64_t transaction = 0;
    struct tree tree;

    if (table_tree(snapshot->txn, TABLE_IMAGES, &tree, sizeof(tree)) != STATUS_OK || tree.depth == 0 ||
        tree.depth > TREE_DEPTH_MAX || tree.entries != walk->capacity ||
        snapshot_file(snapshot, &walk->fd, &transaction) != STATUS_OK)
        return false;
    walk->depth = tree.depth;
    walk->page_count = snapshot->bytes / snapshot->store->page_size;
    walk->pages = memory_alloc(tree.depth * snapshot->store->page_size);
    const bool fine = walk->pages && page_take(walk, tree.root, 0) && walk->count == walk->capacity;
    memory_free(walk->pages);
    return fine;
}

static bool image_add(void *context, uint64_t id, const void *block, size_t size)
{
    struct image_walk *walk = context;

    if (walk->count == walk->capacity)
        return false;
    walk->images[walk->count++] = (struct store_image){.id = id, .block = block, .size = size};
    return true;
}

enum status snapshot_images(const struct snapshot *snapshot, struct store_image **images, size_t *count,
                            struct diag *diag)
{
    struct image_walk walk = {.snapshot = snapshot, .fd = -1};
    uint64_t entries = 0;
    enum status status = table_count(snapshot->store, snapshot->txn, TABLE_IMAGES, &entries);

    if (status == STATUS_OK && entries > snapshot->bytes / snapshot->store->page_size)
        status = STATUS_DAMAGED; /* each has a page of its own */
    if (status != STATUS_OK)
        return store_failed(snapshot->store, status, "count the images", diag);
    walk.capacity = (size_t)entries;
    walk.images = memory_alloc(walk.capacity * sizeof(*walk.images));
    if (!walk.images)
        return STATUS_NO_MEMORY;
    prefault_block(walk.images, walk.capacity * sizeof(*walk.images));
    if (entries > 0 && (first_find(&walk) != STATUS_OK || !pages_take(&walk))) {
        walk.count = 0;
        status = snapshot_each_image(snapshot, image_add, &walk, diag);
    }
    if (status != STATUS_OK) {
        memory_free(walk.images);
        return status;
    }
    *images = walk.images;
    *count = walk.count;
    return STATUS_OK;
}

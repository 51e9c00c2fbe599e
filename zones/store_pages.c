/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/store_pages.h"

#include "zones/idset.h"
#include "zones/store_layout.h"
#include "zones/store_table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define FILE_MAGIC   UINT32_C(0xbeefc0de)
#define FILE_VERSION 1u
#define META_PAGES   2

struct meta_page {
    struct page_head head;
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_size;
    struct tree free;
    struct tree main;
    uint64_t last_page;
    uint64_t transaction;
};

struct checker {
    const uint8_t *file; /* mapped */
    size_t file_size;    /* bytes */
    size_t page_size;
    uint64_t page_count; /* up to the last page of the transaction */
    uint64_t transaction;
    struct idset used;
    struct idset free;
    struct diag *diag;
    const char *name; /* of the file, for messages */
};

/* One tree while it is walked. */
struct tree_walk {
    struct checker *checker;
    const struct tree *tree;
    struct tree found; /* counts */
    enum status (*leaf)(struct checker *checker, const struct tree_walk *walk, uint64_t page, struct span key,
                        struct span value, unsigned flags);
};

/* The keys that a page may hold: from `low`, below `high`; data NULL: no bound. */
struct bounds {
    struct span low;
    struct span high;
};

static enum status damaged(const struct checker *checker, uint64_t page, const char *found)
{
    return diag_fail(checker->diag, STATUS_DAMAGED, NULL, "%s: page %" PRIu64 ": found %s", checker->name, page, found);
}

/* The page is there, and nothing else uses it or the `count - 1` after it. */
static enum status page_claim(struct checker *checker, uint64_t page, uint64_t count)
{
    if (page < META_PAGES || page >= checker->page_count || count > checker->page_count - page)
        return damaged(checker, page, "a reference to a page outside the file");
    for (uint64_t i = page; i < page + count; i++) {
        if (idset_has(&checker->used, i))
            return damaged(checker, i, "a page that is used twice");
        idset_add(&checker->used, i);
    }
    return STATUS_OK;
}

static const uint8_t *page_at(const struct checker *checker, uint64_t page)
{
    return checker->file + page * checker->page_size;
}

static int key_compare(const struct tree *tree, struct span left, struct span right)
{
    const size_t shorter = left.size < right.size ? left.size : right.size;
    int order = 0;

    if ((tree->flags & TREE_INTEGER_KEYS) != 0) {
        const uint64_t a = span_number(left);
        const uint64_t b = span_number(right);

        return (a > b) - (a < b);
    }
    order = shorter > 0 ? memcmp(left.data, right.data, shorter) : 0;
    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

/* A value on pages of its own: the number of the first stands in its place. */
static enum status value_find(struct tree_walk *walk, uint64_t page, struct span *value)
{
    struct checker *checker = walk->checker;
    const size_t size = value->size;
    const uint64_t count = (sizeof(struct page_head) - 1 + size) / checker->page_size + 1;
    struct page_head head;
    uint32_t told = 0;
    uint64_t first = 0;
    enum status status = STATUS_OK;

    memcpy(&first, value->data, sizeof(first));
    status = page_claim(checker, first, count);
    if (status != STATUS_OK)
        return damaged(checker, page, "a large value that is not there");
    memcpy(&head, page_at(checker, first), sizeof(head));
    memcpy(&told, (const uint8_t *)&head + offsetof(struct page_head, lower), sizeof(told));
    if (head.number != first || head.flags != PAGE_OVERFLOW || told != count)
        return damaged(checker, first, "no pages of a large value");
    walk->found.overflow_pages += count;
    *value = (struct span){page_at(checker, first) + sizeof(head), size};
    return STATUS_OK;
}

struct node {
    struct node_head head;
    struct span key;
    struct span value; /* as it stands in the page */
    uint64_t child;    /* of a branch */
};

/* Node number `index`; false if it does not lie within the page. */
static bool node_read(const struct checker *checker, uint64_t page, unsigned index, bool branch, struct node *node)
{
    const uint8_t *bytes = page_at(checker, page);
    struct page_head head;
    uint16_t offset = 0;
    size_t size = 0;

    memcpy(&head, bytes, sizeof(head));
    memcpy(&offset, bytes + sizeof(head) + index * sizeof(offset), sizeof(offset));
    if (offset < head.upper || offset > checker->page_size - sizeof(node->head) || offset % 2 != 0)
        return false;
    memcpy(&node->head, bytes + offset, sizeof(node->head));
    size = (size_t)node->head.low | (size_t)node->head.high << 16;
    node->child = size | (uint64_t)node->head.flags << 32;
    node->key = (struct span){bytes + offset + sizeof(node->head), node->head.key_size};
    node->value = (struct span){bytes + offset + sizeof(node->head) + node->head.key_size, branch ? 0 : size};
    size = branch ? 0 : (node->head.flags & NODE_BIG) != 0 ? sizeof(uint64_t) : size;
    return size + node->head.key_size <= checker->page_size - offset - sizeof(node->head);
}

/* Bytes of the page that a node takes. */
static size_t node_size(const struct node *node)
{
    const size_t value = (node->head.flags & NODE_BIG) != 0 ? sizeof(uint64_t) : node->value.size;

    return (sizeof(node->head) + node->key.size + value + 1) & ~(size_t)1;
}

static enum status page_check(struct tree_walk *walk, uint64_t page, unsigned depth, struct bounds bounds);

static enum status branch_check(struct tree_walk *walk, uint64_t page, unsigned index, unsigned count,
                                const struct node *node, unsigned depth, struct bounds bounds)
{
    struct bounds inner = {index == 0 ? bounds.low : node->key, bounds.high};
    struct node next;

    if (index + 1 < count) {
        if (!node_read(walk->checker, page, index + 1, true, &next))
            return damaged(walk->checker, page, "a node outside the page");
        inner.high = next.key;
    }
    return page_check(walk, node->child, depth + 1, inner);
}

static enum status leaf_check(struct tree_walk *walk, uint64_t page, const struct node *node)
{
    struct span value = node->value;

    if ((node->head.flags & ~(NODE_BIG | NODE_TREE)) != 0)
        return damaged(walk->checker, page, "a node of no kind");
    if ((node->head.flags & NODE_BIG) != 0) {
        const enum status status = value_find(walk, page, &value);

        if (status != STATUS_OK)
            return status;
    }
    walk->found.entries++;
    return walk->leaf ? walk->leaf(walk->checker, walk, page, node->key, value, node->head.flags) : STATUS_OK;
}

static enum status key_check(const struct tree_walk *walk, uint64_t page, struct span key, struct span last,
                             struct bounds bounds)
{
    const struct tree *tree = walk->tree;

    if ((tree->flags & TREE_INTEGER_KEYS) != 0 && key.size != sizeof(uint64_t))
        return damaged(walk->checker, page, "a key that is no number");
    if ((last.data && key_compare(tree, last, key) >= 0) ||
        (bounds.low.data && key_compare(tree, bounds.low, key) > 0) ||
        (bounds.high.data && key_compare(tree, bounds.high, key) <= 0))
        return damaged(walk->checker, page, "a key out of order");
    return STATUS_OK;
}

static enum status nodes_check(struct tree_walk *walk, uint64_t page, const struct page_head *head, unsigned depth,
                               struct bounds bounds)
{
    const bool branch = head->flags == PAGE_BRANCH;
    const unsigned count = (unsigned)(head->lower - sizeof(*head)) / sizeof(uint16_t);
    struct span last = {NULL, 0};
    size_t taken = 0;
    enum status status = STATUS_OK;

    if (count < (branch ? 2u : 1u))
        return damaged(walk->checker, page, "a page with too few keys");
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        struct node node;

        if (!node_read(walk->checker, page, i, branch, &node))
            return damaged(walk->checker, page, "a node outside the page");
        taken += branch ? (sizeof(node.head) + node.key.size + 1) & ~(size_t)1 : node_size(&node);
        if (!branch || i > 0) { /* the first key of a branch is never looked at */
            status = key_check(walk, page, node.key, last, bounds);
            last = node.key;
        }
        if (status == STATUS_OK)
            status = branch ? branch_check(walk, page, i, count, &node, depth, bounds) : leaf_check(walk, page, &node);
    }
    if (status == STATUS_OK && taken != walk->checker->page_size - head->upper)
        status = damaged(walk->checker, page, "nodes that overlap or leave a gap");
    return status;
}

static enum status page_check(struct tree_walk *walk, uint64_t page, unsigned depth, struct bounds bounds)
{
    struct checker *checker = walk->checker;
    const bool branch = depth < walk->tree->depth;
    struct page_head head;
    enum status status = page_claim(checker, page, 1);

    if (status != STATUS_OK)
        return status;
    memcpy(&head, page_at(checker, page), sizeof(head));
    if (head.number != page)
        return damaged(checker, page, "the head of another page");
    if (head.flags != (branch ? PAGE_BRANCH : PAGE_LEAF))
        return damaged(checker, page, "a page of the wrong kind");
    if (head.lower < sizeof(head) || head.lower > head.upper || head.upper > checker->page_size || head.lower % 2 != 0)
        return damaged(checker, page, "offsets outside the page");
    if (branch)
        walk->found.branch_pages++;
    else
        walk->found.leaf_pages++;
    return nodes_check(walk, page, &head, depth, bounds);
}

static enum status tree_check(struct checker *checker, const char *name, const struct tree *tree,
                              enum status (*leaf)(struct checker *, const struct tree_walk *, uint64_t, struct span,
                                                  struct span, unsigned))
{
    struct tree_walk walk = {checker, tree, {0}, leaf};
    const struct bounds none = {{NULL, 0}, {NULL, 0}};
    enum status status = STATUS_OK;

    if (tree->depth > TREE_DEPTH_MAX || (tree->root == PAGE_NUMBER_NONE) != (tree->depth == 0))
        return diag_fail(checker->diag, STATUS_DAMAGED, NULL, "%s: %s: found a tree of %u levels", checker->name, name,
                         tree->depth);
    if (tree->root != PAGE_NUMBER_NONE)
        status = page_check(&walk, tree->root, 1, none);
    if (status != STATUS_OK ||
        (walk.found.branch_pages == tree->branch_pages && walk.found.leaf_pages == tree->leaf_pages &&
         walk.found.entries == tree->entries && walk.found.overflow_pages == tree->overflow_pages))
        return status;
    return diag_fail(checker->diag, STATUS_DAMAGED, NULL,
                     "%s: %s: found %" PRIu64 " entries on %" PRIu64 " pages, the file says %" PRIu64 " on %" PRIu64,
                     checker->name, name, walk.found.entries,
                     walk.found.branch_pages + walk.found.leaf_pages + walk.found.overflow_pages, tree->entries,
                     tree->branch_pages + tree->leaf_pages + tree->overflow_pages);
}

/* In the main tree every value is the head of a table's tree. */
static enum status table_check(struct checker *checker, const struct tree_walk *walk, uint64_t page, struct span key,
                               struct span value, unsigned flags)
{
    char name[64];
    struct tree tree;

    (void)walk;
    if (flags != NODE_TREE || value.size != sizeof(tree) || key.size >= sizeof(name) - sizeof("table "))
        return damaged(checker, page, "an entry that is no table");
    memcpy(name, "table ", strlen("table "));
    memcpy(name + strlen("table "), key.data, key.size);
    name[strlen("table ") + key.size] = '\0';
    memcpy(&tree, value.data, sizeof(tree));
    if ((tree.flags & ~TREE_INTEGER_KEYS) != 0)
        return damaged(checker, page, "a table of another kind");
    return tree_check(checker, name, &tree, NULL);
}

static enum status free_list_order(struct checker *checker, const struct tree_walk *walk, uint64_t page,
                                   struct span key, struct span value, unsigned flags)
{
    uint64_t count = 0;
    uint64_t last = UINT64_MAX;

    (void)walk;
    (void)flags;
    if (value.size < sizeof(count) || span_number(key) > checker->transaction)
        return damaged(checker, page, "a list of free pages that is none");
    memcpy(&count, value.data, sizeof(count));
    if (count > value.size / sizeof(count) - 1)
        return damaged(checker, page, "a list of free pages that does not end");
    for (uint64_t i = 1; i <= count; i++) {
        uint64_t free = 0;

        memcpy(&free, (const uint8_t *)value.data + i * sizeof(free), sizeof(free));
        if (free < META_PAGES || free >= checker->page_count || free >= last)
            return damaged(checker, page, "a list of free pages out of order");
        if (idset_has(&checker->free, free))
            return damaged(checker, free, "a page that is free twice");
        idset_add(&checker->free, free);
        last = free;
    }
    return STATUS_OK;
}

static enum status free_pages_check(struct checker *checker)
{
    uint64_t page = 0;

    for (bool found = idset_next(&checker->free, 0, &page); found; found = idset_next(&checker->free, page + 1, &page))
        if (idset_has(&checker->used, page))
            return damaged(checker, page, "a page that is in use among the free ones");
    return STATUS_OK;
}

/* One of the two heads; false if it is none. */
static bool meta_read(const struct checker *checker, unsigned index, struct meta_page *meta)
{
    memcpy(meta, page_at(checker, index), sizeof(*meta));
    return meta->head.number == index && meta->head.flags == PAGE_META && meta->magic == FILE_MAGIC &&
           meta->version == FILE_VERSION && meta->free.padding == checker->page_size &&
           meta->map_size >= checker->page_size;
}

/* The head of the snapshot's transaction. */
static enum status meta_find(const struct checker *checker, struct meta_page *meta)
{
    struct meta_page heads[META_PAGES];

    for (unsigned i = 0; i < META_PAGES; i++)
        if (!meta_read(checker, i, &heads[i]))
            return damaged(checker, i, "no head of a store");
    const uint64_t even = heads[0].transaction;
    const uint64_t odd = heads[1].transaction;
    if (even > odd ? even - odd > 1 : odd - even > 1)
        return diag_fail(checker->diag, STATUS_DAMAGED, NULL,
                         "%s: found heads of transactions %" PRIu64 " and %" PRIu64 ", which do not follow each other",
                         checker->name, even, odd);
    for (unsigned i = 0; i < META_PAGES; i++) {
        *meta = heads[i];
        if (meta->transaction == checker->transaction)
            return STATUS_OK;
    }
    return STATUS_NOT_FOUND;
}

static enum status trees_check(struct checker *checker, const struct meta_page *meta)
{
    struct tree free = meta->free;
    enum status status = idset_init(&checker->used, 0, checker->page_count);

    if (status == STATUS_OK)
        status = idset_init(&checker->free, 0, checker->page_count);
    free.flags |= TREE_INTEGER_KEYS;
    if (status == STATUS_OK)
        status = tree_check(checker, "list of free pages", &free, free_list_order);
    if (status == STATUS_OK)
        status = tree_check(checker, "list of tables", &meta->main, table_check);
    return status == STATUS_OK ? free_pages_check(checker) : status;
}

static enum status file_check(struct checker *checker, struct store_pages *pages)
{
    struct meta_page meta;
    enum status status = checker->file_size < META_PAGES * checker->page_size
                             ? damaged(checker, 0, "a file that is cut short")
                             : meta_find(checker, &meta);

    if (status != STATUS_OK)
        return status;
    checker->page_count = meta.last_page + 1;
    if (meta.last_page >= checker->file_size / checker->page_size)
        return damaged(checker, meta.last_page, "a last page behind the end of the file");
    status = trees_check(checker, &meta);
    *pages = (struct store_pages){
        .size = checker->page_size,
        .used = checker->used.count + META_PAGES,
        .free = checker->free.count,
    };
    pages->lost = status == STATUS_OK ? checker->page_count - pages->used - pages->free : 0;
    idset_clear(&checker->used);
    idset_clear(&checker->free);
    return status;
}

enum status store_pages_check(const struct snapshot *snapshot, struct store_pages *pages, struct diag *diag)
{
    struct checker checker = {.page_size = snapshot->store->page_size, .diag = diag, .name = snapshot->store->file};
    struct stat found;
    int fd = -1;
    enum status status = snapshot_file(snapshot, &fd, &checker.transaction);

    if (status != STATUS_OK || fstat(fd, &found) != 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot look at %s: %s", checker.name, strerror(errno));
    checker.file_size = (size_t)found.st_size;
    void *map = mmap(NULL, checker.file_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return diag_fail(diag, STATUS_IO, NULL, "cannot map %s: %s", checker.name, strerror(errno));
    checker.file = map;
    status = file_check(&checker, pages);
    munmap(map, checker.file_size);
    return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* store_report: how large a store is, and who reads it. */
#include "zones/catalog.h"
#include "zones/child.h"
#include "zones/memory.h"
#include "zones/store_care.h"
#include "zones/store_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(TABLE_COUNT <= STORE_TABLES_MAX, "every table fits into a report");

#define PROC_TEXT_MAX   1024
#define PROC_START_TIME 20 /* of the words behind the name in /proc/PID/stat, counted from 1 */

/* ---- readers ---- */

/* The start of a small file; "" if it cannot be read. */
static void file_read(const char *path, char text[PROC_TEXT_MAX])
{
    FILE *stream = fopen(path, "re");
    size_t size = 0;

    if (stream) {
        size = fread(text, 1, PROC_TEXT_MAX - 1, stream);
        fclose(stream);
    }
    text[size] = '\0';
}

/* What the kernel says of a process: "pid (name) state ...". */
static void process_describe(struct store_report_reader *reader)
{
    char path[64];
    char text[PROC_TEXT_MAX];
    struct timespec now;
    const long ticks = sysconf(_SC_CLK_TCK);

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", reader->pid);
    file_read(path, text);
    char *name = strchr(text, '(');
    char *end = strrchr(text, ')');
    if (!name || !end || end < name || ticks <= 0)
        return;
    *end = '\0';
    snprintf(reader->name, sizeof(reader->name), "%.15s", name + 1);
    char *word = end + 1;
    for (unsigned i = 1; i < PROC_START_TIME; i++) {
        word += strspn(word, " ");
        word += strcspn(word, " ");
    }
    const uint64_t start = strtoull(word, NULL, 10) / (uint64_t)ticks;
    if (clock_gettime(CLOCK_BOOTTIME, &now) == 0 && (uint64_t)now.tv_sec > start)
        reader->running_s = (uint64_t)now.tv_sec - start;
}

static void reader_add(void *context, long pid, uint64_t transaction)
{
    struct store_report *report = context;

    if (transaction == 0 || pid == (long)getpid() || report->reader_count == STORE_READERS_MAX)
        return;
    struct store_report_reader *reader = &report->readers[report->reader_count++];
    reader->pid = pid;
    reader->behind = report->transaction > transaction ? report->transaction - transaction : 0;
    process_describe(reader);
}

/* ---- sizes ---- */

static enum status tables_count(const struct snapshot *snapshot, struct store_report *report)
{
    enum status status = STATUS_OK;

    for (unsigned i = 0; i < TABLE_COUNT && status == STATUS_OK; i++) {
        struct store_report_table *table = &report->tables[i];

        snprintf(table->name, sizeof(table->name), "%s", table_name(i));
        status = table_count(snapshot->store, snapshot->txn, i, &table->entries);
        if (status == STATUS_OK)
            status = table_bytes(snapshot->store, snapshot->txn, i, &table->bytes);
    }
    report->table_count = TABLE_COUNT;
    return status;
}

static void view_measure(const struct snapshot *snapshot, const struct store_view *view, struct store_report_view *out)
{
    struct catalog catalog;
    const void *block = NULL;
    size_t size = 0;

    snprintf(out->name, sizeof(out->name), "%s", view->name);
    if (catalog_open(view->catalog, view->catalog_size, &catalog) != STATUS_OK)
        return;
    out->zones = catalog_count(&catalog);
    for (uint32_t i = 0; i < catalog_count(&catalog); i++)
        if (snapshot_image(snapshot, catalog_entry(&catalog, i)->image_id, &block, &size) == STATUS_OK)
            out->bytes += size;
}

/* The views of the newest generation, behind the report. */
static enum status views_measure(struct snapshot *snapshot, struct store_report *report, struct bytes *result,
                                 struct diag *diag)
{
    struct store_generation generation;
    enum status status = snapshot_generation(snapshot, report->head, &generation, diag);

    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND
                   ? diag_fail(diag, STATUS_DAMAGED, NULL, "generation %" PRIu64 " is missing", report->head)
                   : status;
    report->published = generation.published;
    report->view_count = generation.view_count;
    for (uint32_t i = 0; i < generation.view_count && status == STATUS_OK; i++) {
        struct store_report_view view = {0};

        view_measure(snapshot, &generation.views[i], &view);
        status = bytes_append(result, &view, sizeof(view));
    }
    return status;
}

static enum status first_generation(const struct snapshot *snapshot, uint64_t *number)
{
    struct table_walk walk;
    enum status status = table_walk_begin(snapshot->store, snapshot->txn, TABLE_GENERATIONS, &walk);

    if (status == STATUS_OK && (status = table_walk_next(&walk)) == STATUS_OK)
        *number = span_number(walk.key);
    table_walk_end(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status snapshot_measure(struct snapshot *snapshot, struct store_report *report, struct bytes *result,
                                    struct diag *diag)
{
    enum status status = snapshot_head(snapshot, &report->head, diag);

    if (status == STATUS_OK)
        status = tables_count(snapshot, report);
    if (status == STATUS_OK)
        status = first_generation(snapshot, &report->first);
    return status == STATUS_OK && report->head > 0 ? views_measure(snapshot, report, result, diag) : status;
}

static enum status store_measure(struct store *store, struct store_report *report, struct bytes *result,
                                 struct diag *diag)
{
    struct snapshot *snapshot = NULL;
    struct store_stats stats;
    struct stat file;
    enum status status = STATUS_OK;

    report->transaction = store_last_transaction(store);
    store_each_reader(store, reader_add, report);
    if (stat(store->file, &file) != 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot look at %s: %s", store->file, strerror(errno));
    report->file_size = (uint64_t)file.st_size;
    report->disk_bytes = (uint64_t)file.st_blocks * 512;
    status = store_stats(store, &stats, diag);
    if (status == STATUS_OK)
        status = snapshot_open(store, diag, &snapshot);
    if (status != STATUS_OK)
        return status;
    report->map_size = stats.map_size;
    report->used_bytes = stats.used_bytes;
    report->free_bytes = snapshot->bytes > stats.used_bytes ? snapshot->bytes - stats.used_bytes : 0;
    status = snapshot_measure(snapshot, report, result, diag);
    snapshot_close(snapshot);
    return status;
}

/* ---- the child ---- */

static enum status report_body(void *context, struct bytes *result, struct diag *diag)
{
    struct store_report *report = memory_zalloc(1, sizeof(*report));
    struct store *store = NULL;
    enum status status = report ? bytes_append(result, NULL, sizeof(*report)) : STATUS_NO_MEMORY;

    if (status == STATUS_OK)
        status = store_open_reader(context, diag, &store);
    if (status == STATUS_OK)
        status = store_measure(store, report, result, diag);
    if (status == STATUS_OK)
        memcpy(result->data, report, sizeof(*report));
    store_close(store);
    memory_free(report);
    return status;
}

enum status store_report_read(const struct store_options *options, uint64_t limit_ms, struct store_report *report,
                              struct diag *diag)
{
    struct store_options wanted = *options;
    struct bytes result;
    char subject[DIAG_TEXT_MAX / 2];
    enum status status = STATUS_OK;

    memset(report, 0, sizeof(*report));
    snprintf(subject, sizeof(subject), "%s/%s/data.mdb", options->path, STORE_FORMAT);
    bytes_init(&result, sizeof(*report) + STORE_VIEWS_MAX * sizeof(struct store_report_view));
    status = child_run(report_body, &wanted, subject, limit_ms, &result, diag, NULL);
    if (status == STATUS_OK && result.size >= sizeof(*report)) {
        memcpy(report, result.data, sizeof(*report));
        const size_t size = result.size - sizeof(*report);

        report->views = memory_alloc(size);
        if (report->views && size == report->view_count * sizeof(*report->views)) {
            if (size > 0)
                memcpy(report->views, result.data + sizeof(*report), size);
        } else {
            status = STATUS_NO_MEMORY;
        }
    }
    bytes_clear(&result);
    if (status == STATUS_NOT_FOUND)
        return diag_fail(diag, status, NULL, "no store in %s", options->path);
    return status;
}

void store_report_clear(struct store_report *report)
{
    memory_free(report->views);
    report->views = NULL;
    report->view_count = 0;
}

enum status store_stats(struct store *store, struct store_stats *stats, struct diag *diag)
{
    struct snapshot *snapshot = NULL;
    uint64_t pages = 0;
    enum status status = snapshot_open(store, diag, &snapshot);

    if (status != STATUS_OK)
        return status;
    stats->map_size = store->map_size;
    status = free_pages_count(snapshot->txn, &pages);
    stats->used_bytes = snapshot->bytes - pages * store->page_size;
    if (status == STATUS_OK)
        status = table_count(store, snapshot->txn, TABLE_IMAGES, &stats->images);
    if (status == STATUS_OK)
        status = table_count(store, snapshot->txn, TABLE_GENERATIONS, &stats->generations);
    if (status == STATUS_OK)
        status = table_count(store, snapshot->txn, TABLE_CATALOGS, &stats->catalogs);
    snapshot_close(snapshot);
    return status == STATUS_OK ? status : store_failed(store, status, "count", diag);
}

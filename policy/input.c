/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/input.h"

#include "policy/origins.h"
#include "zones/bytes.h"
#include "zones/compile.h"
#include "zones/hash.h"
#include "zones/memory.h"

#include <string.h>

#define FACTS_VERSION 1u
#define FACTS_MAX     (UINT32_C(1) << 24) /* bytes */
#define NO_TEXT       UINT32_MAX

/* Then: per included file its id and path; per message its numbers, file and text. */
struct facts_head {
    uint32_t version;
    uint32_t file_serial;
    uint32_t record_count;
    uint32_t include_count;
    uint32_t message_count;
};

struct facts_message {
    uint32_t severity;
    uint32_t line;
    uint32_t column;
};

/* What is left to read. */
struct facts_reader {
    const uint8_t *at;
    size_t left;
};

#define IS_FORWARD 2u /* where a hide says what it is about */

/* The [forward] domains in a zone, beside its hides. */
static enum status append_forwards(const struct flatten_file *zone, struct bytes *bytes)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zone->forward_count && status == STATUS_OK; i++) {
        const struct overlay_forward *forward = &zone->forwards[i];
        const uint32_t numbers[] = {IS_FORWARD, 0, forward->place.line};
        status = bytes_append(bytes, numbers, sizeof numbers);
        if (status == STATUS_OK)
            status = bytes_append(bytes, forward->name, name_size(forward->name));
    }
    return status;
}

/* The hides of a zone as octets. */
static enum status append_hides(const struct flatten_file *zone, struct bytes *bytes)
{
    enum status status = STATUS_OK;

    for (size_t i = 0; i < zone->hide_count && status == STATUS_OK; i++) {
        const struct overlay_hide *hide = &zone->hides[i];
        const uint32_t numbers[] = {hide->below, hide->is_fact, hide->place.line};
        status = bytes_append(bytes, numbers, sizeof numbers);
        if (status == STATUS_OK)
            status = bytes_append(bytes, hide->name, name_size(hide->name));
    }
    return status;
}

enum status input_digest(const struct flatten *plan, const struct depth *depth, size_t file,
                         const uint8_t id[SOURCE_ID_SIZE], const struct input_layer *layer,
                         uint8_t digest[STORE_DIGEST_SIZE])
{
    static const uint32_t versions[] = {FACTS_VERSION, COMPILE_VERSION, ORIGINS_VERSION};
    const struct flatten_file *zone = &plan->files[file];
    size_t below = depth_count(depth, file);
    struct hash_piece *pieces = memory_zalloc(6 + below, sizeof *pieces);
    struct bytes hides;

    bytes_init(&hides, SIZE_MAX);
    if (pieces == NULL || append_hides(zone, &hides) != STATUS_OK || append_forwards(zone, &hides) != STATUS_OK) {
        memory_free(pieces);
        bytes_clear(&hides);
        return STATUS_NO_MEMORY;
    }
    pieces[0] = (struct hash_piece){.data = versions, .size = sizeof versions};
    pieces[1] = (struct hash_piece){.data = id, .size = SOURCE_ID_SIZE};
    pieces[2] = (struct hash_piece){.data = layer, .size = sizeof *layer};
    pieces[3] = (struct hash_piece){.data = hides.data, .size = hides.size};
    pieces[4] = (struct hash_piece){.data = zone->path, .size = strlen(zone->path) + 1};
    pieces[5] = (struct hash_piece){.data = zone->apex, .size = zone->size};
    for (size_t i = 0; i < below; i++) {
        const struct flatten_file *deeper = &plan->files[depth_file(depth, file, i)];
        pieces[6 + i] = (struct hash_piece){.data = deeper->apex, .size = deeper->size};
    }
    hash_pieces(pieces, 6 + below, digest);
    bytes_clear(&hides);
    memory_free(pieces);
    return STATUS_OK;
}

/* Reading. */

static bool take(struct facts_reader *reader, void *to, size_t size)
{
    if (reader->left < size)
        return false;
    memcpy(to, reader->at, size);
    reader->at += size;
    reader->left -= size;
    return true;
}

/* A text with its zero byte, or NULL for none. */
static bool take_text(struct facts_reader *reader, const char **text)
{
    uint32_t size = 0;

    *text = NULL;
    if (!take(reader, &size, sizeof size))
        return false;
    if (size == NO_TEXT)
        return true;
    if (reader->left <= size || reader->at[size] != 0)
        return false;
    *text = (const char *)reader->at;
    reader->at += (size_t)size + 1;
    reader->left -= (size_t)size + 1;
    return true;
}

static bool is_same_include(struct source *source, const char *path, const uint8_t id[SOURCE_ID_SIZE])
{
    uint8_t now[SOURCE_ID_SIZE];
    struct diag ignored;

    diag_init(&ignored);
    enum status status = source_file_id(source, path, now, &ignored);
    diag_clear(&ignored);
    return status == STATUS_OK && memcmp(now, id, sizeof now) == 0;
}

/* Are all included files as they were? The reader stands behind them afterwards. */
static bool includes_hold(struct facts_reader *reader, uint32_t count, struct source *source)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t id[SOURCE_ID_SIZE];
        const char *path = NULL;
        if (!take(reader, id, sizeof id) || !take_text(reader, &path) || path == NULL ||
            !is_same_include(source, path, id))
            return false;
    }
    return true;
}

static enum status call_includes(struct facts_reader reader, uint32_t count, input_include *include, void *context)
{
    enum status status = STATUS_OK;

    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        uint8_t id[SOURCE_ID_SIZE];
        const char *path = NULL;
        if (take(&reader, id, sizeof id) && take_text(&reader, &path) && path != NULL)
            status = include(context, path, id);
    }
    return status;
}

/* Add the messages, or only look whether they are whole (`diag` NULL). */
static bool replay_messages(struct facts_reader reader, uint32_t count, struct diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        struct facts_message message;
        struct place place = {0};
        const char *text = NULL;
        if (!take(&reader, &message, sizeof message) || !take_text(&reader, &place.file) ||
            !take_text(&reader, &text) || text == NULL || message.severity > SEVERITY_INFO)
            return false;
        place.line = message.line;
        place.column = message.column;
        if (diag != NULL)
            diag_add(diag, (enum severity)message.severity, &place, "%s", text);
    }
    return true;
}

enum status input_find(const struct snapshot *snapshot, struct source *source, const uint8_t digest[STORE_DIGEST_SIZE],
                       input_include *include, void *context, struct input_facts *facts, struct diag *diag)
{
    struct facts_head head;
    struct facts_reader reader = {0};
    const void *bytes = NULL;
    enum status status = snapshot_input(snapshot, digest, &facts->image_id, &bytes, &reader.left);

    if (status != STATUS_OK)
        return STATUS_NOT_FOUND; /* what is damaged is made again */
    reader.at = bytes;
    if (!take(&reader, &head, sizeof head) || head.version != FACTS_VERSION)
        return STATUS_NOT_FOUND;
    struct facts_reader includes = reader;
    if (!includes_hold(&reader, head.include_count, source) || !replay_messages(reader, head.message_count, NULL))
        return STATUS_NOT_FOUND;
    facts->file_serial = head.file_serial;
    facts->record_count = head.record_count;
    status = call_includes(includes, head.include_count, include, context);
    if (status == STATUS_OK)
        replay_messages(reader, head.message_count, diag);
    return status;
}

/* Writing. */

static enum status append_text(struct bytes *bytes, const char *text)
{
    const uint32_t size = text == NULL ? NO_TEXT : (uint32_t)strlen(text);
    enum status status = bytes_append(bytes, &size, sizeof size);

    return status == STATUS_OK && text != NULL ? bytes_append(bytes, text, (size_t)size + 1) : status;
}

static enum status append_message(struct bytes *bytes, const struct diag_message *message)
{
    const struct facts_message numbers = {
        .severity = message->severity, .line = message->line, .column = message->column};
    enum status status = bytes_append(bytes, &numbers, sizeof numbers);

    if (status == STATUS_OK)
        status = append_text(bytes, message->file);
    return status == STATUS_OK ? append_text(bytes, message->text != NULL ? message->text : "") : status;
}

static enum status append_facts(struct bytes *bytes, const struct facts_head *head, const struct input_file *includes,
                                const struct diag_message *messages)
{
    enum status status = bytes_append(bytes, head, sizeof *head);

    for (uint32_t i = 0; i < head->include_count && status == STATUS_OK; i++) {
        status = bytes_append(bytes, includes[i].id, sizeof includes[i].id);
        if (status == STATUS_OK)
            status = append_text(bytes, includes[i].path);
    }
    for (uint32_t i = 0; i < head->message_count && status == STATUS_OK; i++)
        status = append_message(bytes, &messages[i]);
    return status;
}

struct input_messages input_messages_begin(const struct diag *diag)
{
    size_t counted = diag->errors + diag->warnings;

    return (struct input_messages){diag->count, diag->count, counted, counted};
}

void input_messages_end(struct input_messages *messages, const struct diag *diag)
{
    messages->end = diag->count;
    messages->counted_end = diag->errors + diag->warnings;
}

/* Were all of them kept, and are they few enough? */
static bool messages_are_whole(const struct input_messages *messages, const struct diag *diag)
{
    size_t kept = 0;

    if (messages->end - messages->first > INPUT_MESSAGES_MAX)
        return false;
    for (size_t i = messages->first; i < messages->end; i++)
        kept += diag->messages[i].severity != SEVERITY_INFO;
    return kept == messages->counted_end - messages->counted_first;
}

enum status input_keep(struct store *store, const uint8_t digest[STORE_DIGEST_SIZE], const struct input_facts *facts,
                       const struct input_file *includes, size_t include_count, const struct input_messages *messages,
                       struct diag *diag)
{
    struct bytes bytes;

    if (!messages_are_whole(messages, diag))
        return STATUS_OK;
    const struct facts_head head = {.version = FACTS_VERSION,
                                    .file_serial = facts->file_serial,
                                    .record_count = facts->record_count,
                                    .include_count = (uint32_t)include_count,
                                    .message_count = (uint32_t)(messages->end - messages->first)};
    bytes_init(&bytes, FACTS_MAX);
    const struct diag_message *kept = head.message_count > 0 ? diag->messages + messages->first : NULL;
    enum status status = append_facts(&bytes, &head, includes, kept);
    if (status == STATUS_OK)
        status = store_put_input(store, digest, facts->image_id, bytes.data, bytes.size, diag);
    bytes_clear(&bytes);
    return status == STATUS_TOO_LARGE ? STATUS_OK : status;
}

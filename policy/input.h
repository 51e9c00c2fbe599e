/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input: what a zone's image was made from, and what is remembered with it in the store, so that the same input need
 * not be read and compiled again: the files that were included, the counts, and the messages that it gave.
 *
 * The digest names what is known before reading: the zone file's content, apex and path, the deeper zones of its view,
 * the layer below, the hides and [forward] domains in it, what the policy's facts and rules add, and the version of the
 * compiler. Included files are compared one by one. One thread.
 */
#ifndef SPLITVIEW_POLICY_INPUT_H
#define SPLITVIEW_POLICY_INPUT_H

#include "policy/depth.h"
#include "policy/flatten.h"
#include "zones/hash.h"
#include "zones/source.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INPUT_MESSAGES_MAX 100 /* a zone that gives more is made again each time, so that none is lost */

/* Called for each included file with its content's id. */
typedef enum status input_include(void *context, const char *path, const uint8_t id[SOURCE_ID_SIZE]);

/* What a zone stands on. Images are shared by content, and an image holds all that a layer hands down. */
struct input_layer {
    uint64_t base_image; /* 0: no base */
    uint32_t base_serial;
    uint32_t mode;
    uint32_t default_ttl;      /* seconds */
    uint32_t view;             /* of the zone's own layer: in messages only, but those are kept too */
    uint8_t policy[HASH_SIZE]; /* what the policy adds (synthesis_digest) */
};

/* Everything that went into a zone, by name. `id` is the zone file's content, zeros if there is none. NO_MEMORY. */
enum status input_digest(const struct flatten *plan, const struct depth *depth, size_t file,
                         const uint8_t id[SOURCE_ID_SIZE], const struct input_layer *layer,
                         uint8_t digest[STORE_DIGEST_SIZE]);

/* What is remembered beside the image. */
struct input_facts {
    uint64_t image_id;
    uint32_t file_serial;
    uint32_t record_count;
};

/*
 * Look the input up. If it is known and all it included is unchanged: STATUS_OK, the facts, `include` called for each
 * included file, and its messages added to `diag`. NOT_FOUND otherwise, with nothing added. NO_MEMORY.
 */
enum status input_find(const struct snapshot *snapshot, struct source *source, const uint8_t digest[STORE_DIGEST_SIZE],
                       input_include *include, void *context, struct input_facts *facts, struct diag *diag);

/* An included file. */
struct input_file {
    const char *path;
    uint8_t id[SOURCE_ID_SIZE];
};

/* The messages of one zone: which of the list, and how many errors and warnings there were before and after them. */
struct input_messages {
    size_t first;
    size_t end;
    size_t counted_first;
    size_t counted_end;
};

/* Begin where a list ends now; end there. */
struct input_messages input_messages_begin(const struct diag *diag);
void input_messages_end(struct input_messages *messages, const struct diag *diag);

/* Remember, in the store's batch, with the zone's messages in `diag`. Nothing is kept if some of them are lost. As
 * store_put_input. */
enum status input_keep(struct store *store, const uint8_t digest[STORE_DIGEST_SIZE], const struct input_facts *facts,
                       const struct input_file *includes, size_t include_count, const struct input_messages *messages,
                       struct diag *diag);

#endif

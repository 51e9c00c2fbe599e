/* SPDX-License-Identifier: BSD-2-Clause */
/* store_fixture: for the tests of the store: a store in a temporary folder. What is not expected ends the test. */
#ifndef SPLITVIEW_TESTS_STORE_FIXTURE_H
#define SPLITVIEW_TESTS_STORE_FIXTURE_H

#include "zones/status.h"
#include "zones/store.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define MAP_SIZE (UINT64_C(64) << 20) /* of the stores that fixture_options describes */

struct fixture {
    char folder[PATH_MAX]; /* made by mkdtemp */
    char path[PATH_MAX];   /* of the store in it */
    struct diag diag;
};

/* For cmocka: *state becomes a struct fixture, and goes again with all its files. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

void fixture_path_join(char *to, const char *folder, const char *name);
/* The path of a file of the store. */
void fixture_file_path(const struct fixture *fixture, const char *name, char path[PATH_MAX]);
unsigned fixture_mode(const struct fixture *fixture, const char *name);

/* Expect STATUS_OK, else print the messages. */
void fixture_expect_ok(struct fixture *fixture, enum status status);
/* Expect that the last message holds `words`; forget all messages. */
void fixture_expect_message(struct fixture *fixture, const char *words);

struct store_options fixture_options(const struct fixture *fixture);
struct store *fixture_open_writer(struct fixture *fixture);
struct store *fixture_open_reader(struct fixture *fixture);
struct store_stats fixture_stats(struct fixture *fixture, struct store *store);

/* Keep a text as an image; `reused` may be NULL. Returns the id. */
uint64_t fixture_put_text(struct fixture *fixture, struct store *store, const char *text, bool *reused);
/* Publish a generation of `views` views that all serve one zone with the given image. */
enum status fixture_publish(struct fixture *fixture, struct store *store, uint64_t image_id, uint32_t views,
                            const char *policy, uint64_t *number);
/* Publish a generation of two views whose image and policy are `text`, and expect its number. */
void fixture_publish_text(struct fixture *fixture, struct store *store, const char *text, uint64_t expected);
/* Expect that the head is `number`, and its image and policy are `text`. */
void fixture_expect_head(struct fixture *fixture, struct store *store, uint64_t number, const char *text);

/* Run `body` in a child that ends without any tidying up, and wait for it. */
void fixture_in_child(struct fixture *fixture, void (*body)(struct fixture *fixture));

#endif

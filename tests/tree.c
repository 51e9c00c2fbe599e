/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/tree.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void tree_init(struct tree *tree)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(tree->root, sizeof tree->root, "%.200s/splitview-test.XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(tree->root));
    snprintf(tree->zones, sizeof tree->zones, "%s/zones", tree->root);
    snprintf(tree->store, sizeof tree->store, "%s/store", tree->root);
    assert_int_equal(mkdir(tree->zones, 0700), 0);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *position)
{
    (void)info;
    (void)kind;
    (void)position;
    return remove(path);
}

void tree_clear(struct tree *tree)
{
    nftw(tree->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_write(const struct tree *tree, const char *path, const char *text)
{
    char full[600];

    snprintf(full, sizeof full, "%s/%s", tree->zones, path);
    if (text == NULL) {
        assert_int_equal(unlink(full), 0);
        return;
    }
    for (char *slash = strchr(full + strlen(tree->zones) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *stream = fopen(full, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static struct store *open_store(const struct tree *tree, bool writer)
{
    struct store_options options = {.path = tree->store, .map_size = UINT64_C(64) << 20, .lock_wait_ms = 1000};
    struct store *store = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status =
        writer ? store_open_writer(&options, &diag, &store) : store_open_reader(&options, &diag, &store);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return store;
}

struct store *tree_open_writer(const struct tree *tree)
{
    return open_store(tree, true);
}

struct store *tree_open_reader(const struct tree *tree)
{
    return open_store(tree, false);
}

enum status tree_publish_with(const struct tree *tree, struct publish_options *options, struct publish_result *result,
                              struct diag *diag)
{
    assert_int_equal(source_open(tree->zones, NULL, "main", diag, &options->source), STATUS_OK);
    options->store = tree_open_writer(tree);
    if (options->now == 0)
        options->now = 1000;
    enum status status = publish_run(options, result, diag);
    store_close(options->store);
    source_close(options->source);
    return status;
}

enum status tree_publish(const struct tree *tree, bool with_store, struct publish_result *result, struct diag *diag)
{
    struct publish_options options = {.now = 1000};

    if (with_store)
        return tree_publish_with(tree, &options, result, diag);
    assert_int_equal(source_open(tree->zones, NULL, "main", diag, &options.source), STATUS_OK);
    enum status status = publish_run(&options, result, diag);
    source_close(options.source);
    return status;
}

char *tree_messages(const struct diag *diag)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(stream);
    diag_print(diag, stream);
    fclose(stream);
    return text;
}

void tree_judge(const struct tree_case *row)
{
    struct publish_result result;
    struct tree tree;
    struct diag diag;

    diag_init(&diag);
    tree_init(&tree);
    for (size_t i = 0; i < TREE_FILES_MAX && row->files[i].path != NULL; i++)
        tree_write(&tree, row->files[i].path, row->files[i].text);
    enum status status = tree_publish(&tree, false, &result, &diag);
    char *text = tree_messages(&diag);
    if (status != row->status)
        print_message("# %s: %s\n%s", row->name, status_text(status), text);
    assert_int_equal(status, row->status);
    if (status == STATUS_OK) {
        assert_int_equal(diag.errors, 0);
        assert_int_equal(result.zones, row->zones);
        assert_int_equal(result.records, row->records);
    } else {
        assert_true(diag.errors > 0);
    }
    assert_int_equal(result.generation, 0);
    for (size_t i = 0; i < TREE_MESSAGES_MAX && row->messages[i] != NULL; i++) {
        if (strstr(text, row->messages[i]) == NULL)
            print_message("# %s: wanted \"%s\" in\n%s", row->name, row->messages[i], text);
        assert_non_null(strstr(text, row->messages[i]));
    }
    free(text);
    diag_clear(&diag);
    tree_clear(&tree);
}

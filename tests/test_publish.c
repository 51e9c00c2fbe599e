/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/publish.h"
#include "policy/rollback.h"
#include "tests/tree.h"
#include "zones/catalog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONE(serial) "@ 3600 SOA ns hostmaster " serial " 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"
#define VIEWS        "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\nbase = internet\n"

/* Trees that are judged without a store: what comes out, and words of the messages. */
static const struct tree_case trees[] = {
    {"no policy", {{"internet/a.example.zone", ZONE("1")}}, STATUS_BAD_INPUT, 0, 0, {"no policy.conf in "}},
    {"empty view", {{"policy.conf", VIEWS}}, STATUS_OK, 0, 0, {NULL}},
    {"inherited",
     {{"policy.conf", VIEWS}, {"internet/a.example.zone", ZONE("1")}, {"internet/b.example.zone", ZONE("1")}},
     STATUS_OK,
     4,
     12,
     {NULL}},
    {"own zone beside inherited",
     {{"policy.conf", VIEWS}, {"internet/a.example.zone", ZONE("1")}, {"internal/b.example.zone", ZONE("1")}},
     STATUS_OK,
     3,
     9,
     {NULL}},
    {"own full zone",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internal = full\n"},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/a.example.zone", ZONE("2") "x 60 A 10.0.0.1\n"}},
     STATUS_OK,
     2,
     7,
     {NULL}},
    {"mode none",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internal = none\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_OK,
     1,
     3,
     {NULL}},
    {"mode none with a file",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internet = none\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_OK,
     0,
     0,
     {"warning: policy.conf says mode none for view internet"}},
    {"full without file by mode.VIEW",
     {{"policy.conf", VIEWS "[zone a.example]\nmode.internal = full\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:6", "[zone a.example]: found mode full in view internal, but that view has no file"}},
    {"full without file by mode",
     {{"policy.conf", VIEWS "[zone a.example]\nmode = full\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"found mode full in view internal, but that view has no file"}},
    {"full everywhere",
     {{"policy.conf", VIEWS "[zone a.example]\nmode = full\n"},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/a.example.zone", ZONE("1")}},
     STATUS_OK,
     2,
     6,
     {NULL}},
    {"zone section of nobody",
     {{"policy.conf", VIEWS "[zone z.example]\nmode.internal = none\n"}, {"internet/a.example.zone", ZONE("1")}},
     STATUS_OK,
     2,
     6,
     {"policy.conf:6", "warning: [zone z.example]: no view has this zone"}},
    {"own zone keeps the base's child zones out",
     {{"policy.conf", VIEWS "[zone example]\nmode.internal = full\n"},
      {"internet/example.zone", ZONE("1")},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/example.zone", ZONE("1")}},
     STATUS_OK,
     3,
     9,
     {NULL}},
    {"data below a deeper zone",
     {{"policy.conf", VIEWS},
      {"internet/example.zone", ZONE("1") "a 60 NS ns.a\na 60 TXT lost\nns.a 60 A 192.0.2.1\nx.a 60 A 192.0.2.2\n"},
      {"internet/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/example.zone:5:", "found TXT at a.example., but zone a.example. of view internet answers for that name",
      "internet/example.zone:7: error: found A at x.a.example., but zone a.example. of view internet answers for that "
      "name; wanted it in internet/a.example.zone"}},
    {"a delegation, its DS and glue beside the deeper zone",
     {{"policy.conf", VIEWS},
      {"internet/example.zone",
       ZONE("1") "a 60 NS ns.a\nb 60 NS other.a\nns.a 60 A 192.0.2.1\nother.a 60 AAAA 2001:db8::1\n"
                 "a 60 DS 1 13 2 "
                 "0000000000000000000000000000000000000000000000000000000000000000\n"},
      {"internet/a.example.zone", ZONE("1")}},
     STATUS_OK,
     4,
     22,
     {NULL}},
    {"data below a zone of another view",
     {{"policy.conf", VIEWS},
      {"internet/example.zone", ZONE("1") "x.a 60 A 192.0.2.2\n"},
      {"internal/a.example.zone", ZONE("1")}},
     STATUS_OK,
     3,
     11,
     {NULL}},
    {"views on views",
     {{"policy.conf", VIEWS "[view guest]\nclients = 10.9.0.0/16\nbase = internal\n"},
      {"internet/a.example.zone", ZONE("1")},
      {"internal/b.example.zone", ZONE("1")}},
     STATUS_OK,
     5,
     15,
     {NULL}},
    {"folder that is no view",
     {{"policy.conf", VIEWS}, {"intrenal/a.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"intrenal/a.example.zone", "no [view intrenal]", "[view internet], [view internal]"}},
    {"other folders and files are free",
     {{"policy.conf", VIEWS},
      {"tests/roaming.views", "nothing"},
      {"certs/readme", "nothing"},
      {"internet/readme.txt", "nothing"},
      {"internet/sub/b.example.zone", "nothing"},
      {"a.zone", "nothing"}},
     STATUS_OK,
     0,
     0,
     {NULL}},
    {"the same apex twice",
     {{"policy.conf", VIEWS}, {"internet/a.example.zone", ZONE("1")}, {"internet/%61.EXAMPLE.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"zone a.example stands in view internet twice"}},
    {"no apex",
     {{"policy.conf", VIEWS}, {"internet/a..example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a..example.zone", "the file name is no zone's"}},
    {"all errors of all files",
     {{"policy.conf", VIEWS},
      {"internet/a.example.zone", "@ 60 NS ns\n"},
      {"internet/b.example.zone", ZONE("1") "x 60 A 192.0.2.300\n"},
      {"wrong/c.example.zone", ZONE("1")}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"internet/a.example.zone", "internet/b.example.zone:4", "wrong/c.example.zone"}},
    {"policy with an error",
     {{"policy.conf", "[view internet]\nclient = any\n"}},
     STATUS_BAD_INPUT,
     0,
     0,
     {"policy.conf:2"}},
};

static void test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++)
        tree_judge(&trees[i]);
}

/* The serial that view `view` of the head publishes for an apex. */
static uint32_t published_serial(const struct tree *tree, const char *view, const char *apex, uint64_t *image_id)
{
    struct store *store = tree_open_reader(tree);
    struct store_generation generation;
    struct snapshot *snapshot = NULL;
    uint8_t name[NAME_SIZE_MAX];
    struct name_split split;
    struct diag diag;
    uint64_t head = 0;
    size_t size = 0;
    uint32_t serial = 0;
    bool found = false;

    diag_init(&diag);
    assert_int_equal(snapshot_open(store, &diag, &snapshot), STATUS_OK);
    assert_int_equal(snapshot_head(snapshot, &head, &diag), STATUS_OK);
    assert_int_equal(snapshot_generation(snapshot, head, &generation, &diag), STATUS_OK);
    assert_int_equal(name_from_text(apex, strlen(apex), NULL, name, &size), STATUS_OK);
    name_split(name, &split);
    for (uint32_t i = 0; i < generation.view_count; i++) {
        struct catalog catalog;
        uint32_t index = 0;
        if (strcmp(generation.views[i].name, view) != 0)
            continue;
        assert_int_equal(catalog_open(generation.views[i].catalog, generation.views[i].catalog_size, &catalog),
                         STATUS_OK);
        const struct catalog_entry *entry = catalog_find(&catalog, &split, split.labels, &index);
        assert_non_null(entry);
        serial = entry->serial;
        if (image_id != NULL)
            *image_id = entry->image_id;
        found = true;
    }
    assert_true(found);
    snapshot_close(snapshot);
    store_close(store);
    diag_clear(&diag);
    return serial;
}

static struct publish_result publish_fine(const struct tree *tree)
{
    struct publish_result result;
    struct diag diag;

    diag_init(&diag);
    enum status status = tree_publish(tree, true, &result, &diag);
    if (status != STATUS_OK)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return result;
}

/* Steps of one zone's life: file serial and a record that tells the content, and the serial published for it. */
static const struct {
    const char *serial;
    const char *content;
    uint32_t published;
} life[] = {
    {"100", "192.0.2.1", 100}, /* new: the file's */
    {"100", "192.0.2.2", 101}, /* edited, serial forgotten */
    {"100", "192.0.2.2", 101}, /* nothing */
    {"101", "192.0.2.2", 101}, /* serial caught up, not ahead of the published one */
    {"101", "192.0.2.3", 102}, /* edited */
    {"2026112001", "192.0.2.3", 2026112001},
    {"5", "192.0.2.3", 2026112001},          /* back: never */
    {"5", "192.0.2.1", 2026112002},          /* an image of long ago, in another place of the line */
    {"4173595648", "192.0.2.1", 4173595648}, /* ahead by less than half the circle */
    {"10", "192.0.2.1", 10},                 /* ahead, round the end (RFC 1982) */
    {"10", "192.0.2.9", 11},
};

static void test_serials(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    for (size_t i = 0; i < sizeof life / sizeof life[0]; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "@ 3600 SOA ns hostmaster %s 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A %s\n; step %zu\n",
                 life[i].serial, life[i].content, i);
        tree_write(&tree, "internet/a.example.zone", text);
        publish_fine(&tree);
        print_message("# step %zu\n", i);
        assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), life[i].published);
        assert_int_equal(published_serial(&tree, "internal", "a.example", NULL), life[i].published);
    }
    tree_clear(&tree);
}

/* A view that gives up its own copy must not fall back behind the serial that it published. */
static void test_serial_when_inheriting(void **state)
{
    struct tree tree;
    uint64_t internet_image = 0;
    uint64_t internal_image = 1;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS "[zone a.example]\nmode.internal = full\n");
    tree_write(&tree, "internet/a.example.zone", ZONE("100"));
    tree_write(&tree, "internal/a.example.zone", ZONE("900") "x 60 A 10.0.0.1\n");
    publish_fine(&tree);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 100);
    assert_int_equal(published_serial(&tree, "internal", "a.example", NULL), 900);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internal/a.example.zone", NULL);
    publish_fine(&tree);
    assert_int_equal(published_serial(&tree, "internet", "a.example", &internet_image), 901);
    assert_int_equal(published_serial(&tree, "internal", "a.example", &internal_image), 901);
    assert_int_equal(internet_image, internal_image);
    tree_clear(&tree);
}

static void test_generations(void **state)
{
    struct publish_result first, again, other;
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", "$INCLUDE shared/head\n");
    tree_write(&tree, "shared/head", ZONE("1"));
    tree_write(&tree, "internal/b.example.zone", ZONE("7"));
    first = publish_fine(&tree);
    assert_int_equal(first.generation, 1);
    assert_int_equal(first.views, 2);
    assert_int_equal(first.zones, 3);
    assert_int_equal(first.records, 9);
    assert_int_equal(first.images_new, 2);
    assert_int_equal(first.images_reused, 0);
    assert_int_equal(strlen(first.commit), 64);

    again = publish_fine(&tree);
    assert_true(again.unchanged);
    assert_int_equal(again.generation, 1);
    assert_int_equal(again.images_new, 0);
    assert_int_equal(again.images_reused, 2);
    assert_string_equal(again.commit, first.commit);

    /* A comment in an included file: another commit, the same answers. */
    tree_write(&tree, "shared/head", ZONE("1") "; a comment\n");
    other = publish_fine(&tree);
    assert_false(other.unchanged);
    assert_int_equal(other.generation, 2);
    assert_int_equal(other.images_new, 0);
    assert_int_equal(other.images_reused, 2);
    assert_string_not_equal(other.commit, first.commit);
    assert_int_equal(published_serial(&tree, "internal", "a.example", NULL), 1);
    tree_clear(&tree);
}

static void test_failed_import_changes_nothing(void **state)
{
    struct publish_result result;
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", ZONE("1"));
    publish_fine(&tree);
    tree_write(&tree, "internet/a.example.zone", ZONE("2") "x 60 A 192.0.2.2\n");
    tree_write(&tree, "internet/b.example.zone", "");
    assert_int_equal(tree_publish(&tree, true, &result, &diag), STATUS_BAD_INPUT);
    assert_int_equal(result.generation, 0);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 1);
    tree_write(&tree, "internet/b.example.zone", NULL);
    result = publish_fine(&tree);
    assert_int_equal(result.generation, 2);
    diag_clear(&diag);
    tree_clear(&tree);
}

/* What a run took from the store without reading: zones one after the other. */
static void test_incremental(void **state)
{
    struct publish_result result;
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", "$INCLUDE shared/head\n");
    tree_write(&tree, "internet/b.example.zone", "$INCLUDE shared/head\nx 60 A 192.0.2.9\n");
    tree_write(&tree, "internet/c.example.zone", ZONE("1"));
    tree_write(&tree, "shared/head", ZONE("1"));
    result = publish_fine(&tree);
    assert_int_equal(result.files_known, 0);

    tree_write(&tree, "internet/c.example.zone", ZONE("1") "y 60 A 192.0.2.3\n");
    result = publish_fine(&tree);
    assert_int_equal(result.files_known, 2);
    assert_int_equal(result.images_new, 1);
    assert_int_equal(result.images_reused, 2);
    assert_int_equal(result.records, 2 * (3 + 4 + 4));

    /* An included file changes all that include it. */
    tree_write(&tree, "shared/head", ZONE("1") "z 60 A 192.0.2.4\n");
    result = publish_fine(&tree);
    assert_int_equal(result.files_known, 1);
    assert_int_equal(result.images_new, 2);
    assert_int_equal(result.records, 2 * (4 + 5 + 4));

    /* Back again: the store knows the images, though it has forgotten what those were made from. */
    tree_write(&tree, "shared/head", ZONE("1"));
    result = publish_fine(&tree);
    assert_int_equal(result.images_new, 0);
    assert_int_equal(result.images_reused, 3);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 3);

    /* A deeper zone may forbid what a file holds. */
    struct diag diag;
    diag_init(&diag);
    tree_write(&tree, "internet/x.b.example.zone", ZONE("1"));
    assert_int_equal(tree_publish(&tree, true, &result, &diag), STATUS_BAD_INPUT);
    assert_int_equal(diag.errors, 1);
    diag_clear(&diag);
    tree_clear(&tree);
}

/* Warnings are said each time, also by a zone that is not read again. */
static void test_known_warnings(void **state)
{
    struct publish_result result;
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", ZONE("1") "m 60 MX 10 nowhere\n");
    for (unsigned i = 0; i < 2; i++) {
        struct diag diag;
        diag_init(&diag);
        assert_int_equal(tree_publish(&tree, true, &result, &diag), STATUS_OK);
        assert_int_equal(result.files_known, i);
        char *messages = tree_messages(&diag);
        assert_non_null(strstr(messages, "internet/a.example.zone:4: warning: found MX at m.a.example."));
        free(messages);
        diag_clear(&diag);
    }
    tree_clear(&tree);
}

static uint32_t publish_serial(const struct tree *tree, struct publish_options options, const char *content)
{
    struct publish_result result;
    char text[400];
    struct diag diag;

    diag_init(&diag);
    snprintf(text, sizeof text, "@ 60 SOA ns hostmaster 50 7200 900 1209600 60\n@ 60 NS ns\nns 60 A %s\n", content);
    tree_write(tree, "internet/a.example.zone", text);
    assert_int_equal(tree_publish_with(tree, &options, &result, &diag), STATUS_OK);
    diag_clear(&diag);
    return published_serial(tree, "internet", "a.example", NULL);
}

static void test_serial_modes(void **state)
{
    const struct publish_options counter = {.serial.mode = SERIAL_COUNTER};
    const struct publish_options unixtime = {.serial.mode = SERIAL_UNIXTIME, .now = 2000};
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    assert_int_equal(publish_serial(&tree, counter, "192.0.2.1"), 1);
    assert_int_equal(publish_serial(&tree, counter, "192.0.2.1"), 1);
    assert_int_equal(publish_serial(&tree, counter, "192.0.2.2"), 2);
    assert_int_equal(publish_serial(&tree, unixtime, "192.0.2.2"), 2);
    assert_int_equal(publish_serial(&tree, unixtime, "192.0.2.3"), 2000);
    assert_int_equal(publish_serial(&tree, unixtime, "192.0.2.4"), 2001); /* in the same second */
    assert_int_equal(publish_serial(&tree, counter, "192.0.2.5"), 2002);
    assert_int_equal(publish_serial(&tree, (struct publish_options){0}, "192.0.2.6"), 2003);
    tree_clear(&tree);
}

static void test_serial_floor(void **state)
{
    struct publish_options floor = {.serial = {.has_floor = true, .floor = 700}};
    struct publish_result result;
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/b.example.zone", ZONE("800"));
    assert_int_equal(publish_serial(&tree, floor, "192.0.2.1"), 700);
    assert_int_equal(published_serial(&tree, "internet", "b.example", NULL), 800);
    floor.serial.floor = 900; /* nothing for zones that the store knows */
    assert_int_equal(publish_serial(&tree, floor, "192.0.2.2"), 701);
    tree_clear(&tree);

    /* Without it a new store says that serials begin anew. */
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    assert_int_equal(tree_publish(&tree, true, &result, &diag), STATUS_OK);
    assert_int_equal(diag.warnings, 2); /* the other one: there is no view test */
    assert_non_null(strstr(diag.messages[0].text, "--serial-floor"));
    diag_clear(&diag);
    tree_clear(&tree);
}

/* A zone, or a whole view, that comes again goes on where it was. */
static void test_serial_of_returning_zone(void **state)
{
    static const char without[] = "[view internal]\nclients = 10.0.0.0/8\n";
    struct publish_options plain = {.now = 0};
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/b.example.zone", ZONE("1"));
    assert_int_equal(publish_serial(&tree, plain, "192.0.2.1"), 50);
    assert_int_equal(publish_serial(&tree, plain, "192.0.2.2"), 51);
    tree_write(&tree, "internet/a.example.zone", NULL);
    publish_fine(&tree);
    publish_fine(&tree);
    assert_int_equal(publish_serial(&tree, plain, "192.0.2.3"), 52);
    assert_int_equal(published_serial(&tree, "internal", "a.example", NULL), 52);

    tree_write(&tree, "policy.conf", without);
    tree_write(&tree, "internet/a.example.zone", NULL);
    tree_write(&tree, "internet/b.example.zone", NULL);
    publish_fine(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    assert_int_equal(publish_serial(&tree, plain, "192.0.2.3"), 53);
    tree_clear(&tree);
}

/* Limits on what one import may change: three of five answers change, one is gone. */
static const struct {
    struct limits limits;
    bool force;
    enum status status;
    const char *message;
} limit_rows[] = {
    {{0}, false, STATUS_OK, NULL},
    {{.has_change_percent = true, .change_percent = 100}, false, STATUS_OK, NULL},
    {{.has_change_percent = true, .change_percent = 10}, false, STATUS_BAD_INPUT, "max-change-percent = 10"},
    {{.has_change_percent = true, .change_percent = 10}, true, STATUS_OK, "max-change-percent = 10"},
    {{.has_removed = true, .removed = 1}, false, STATUS_OK, NULL},
    {{.has_removed = true}, false, STATUS_BAD_INPUT, "1 answers would be gone, more than max-removed = 0 allows"},
    {{.has_removed = true}, true, STATUS_OK, "1 answers would be gone"},
};

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limit_rows / sizeof limit_rows[0]; i++) {
        struct publish_options options = {.limits = limit_rows[i].limits, .force = limit_rows[i].force};
        struct publish_result result;
        struct tree tree;
        struct diag diag;

        diag_init(&diag);
        tree_init(&tree);
        tree_write(&tree, "policy.conf", VIEWS);
        tree_write(&tree, "internet/a.example.zone", ZONE("1") "x 60 A 192.0.2.1\ny 60 A 192.0.2.1\n");
        assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), STATUS_OK); /* the first: no limit */
        tree_write(&tree, "internet/a.example.zone", ZONE("1") "x 60 A 192.0.2.7\n");
        print_message("# limits %zu\n", i);
        assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), limit_rows[i].status);
        char *messages = tree_messages(&diag);
        if (limit_rows[i].message != NULL)
            assert_non_null(strstr(messages, limit_rows[i].message));
        else
            assert_null(strstr(messages, "answers would"));
        free(messages);
        assert_int_equal(published_serial(&tree, "internet", "a.example", NULL),
                         limit_rows[i].status == STATUS_OK ? 2 : 1);
        diag_clear(&diag);
        tree_clear(&tree);
    }
}

/* After a rollback an import is refused until the pin is released; serials go on. */
static void test_pin(void **state)
{
    struct publish_options dry_run = {.dry_run = true};
    struct rollback_options back = {.now = 3000};
    struct rollback_result undone;
    struct publish_result result;
    struct tree tree;
    struct diag diag;
    uint64_t pin = 0;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    assert_int_equal(publish_serial(&tree, (struct publish_options){0}, "192.0.2.1"), 50);
    assert_int_equal(publish_serial(&tree, (struct publish_options){0}, "192.0.2.2"), 51);
    back.store = tree_open_writer(&tree);
    assert_int_equal(rollback_run(&back, &undone, &diag), STATUS_OK);
    store_close(back.store);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 52);

    assert_int_equal(tree_publish(&tree, true, &result, &diag), STATUS_BAD_INPUT);
    assert_int_equal(diag.errors, 1);
    assert_int_equal(tree_publish_with(&tree, &dry_run, &result, &diag), STATUS_OK);
    assert_int_equal(diag.errors, 1);
    char *messages = tree_messages(&diag);
    assert_non_null(strstr(messages, "wanted `splitview rollback --release` before an import"));
    free(messages);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 52);

    back.store = tree_open_writer(&tree);
    assert_int_equal(store_release_pin(back.store, &pin, &diag), STATUS_OK);
    store_close(back.store);
    result = publish_fine(&tree);
    assert_int_equal(result.generation, 4);
    assert_int_equal(result.images_new, 0);
    assert_int_equal(published_serial(&tree, "internet", "a.example", NULL), 53);
    diag_clear(&diag);
    tree_clear(&tree);
}

static void test_memory_limit(void **state)
{
    struct publish_options options = {.memory_max = 280 * 1000};
    struct publish_result result;
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", ZONE("1") "$GENERATE 1-900 h$ 60 A 192.0.2.1\n");
    assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), STATUS_OK);
    tree_write(&tree, "internet/a.example.zone", ZONE("1") "$GENERATE 1-2000 h$ 60 A 192.0.2.1\n");
    assert_int_equal(tree_publish_with(&tree, &options, &result, &diag), STATUS_TOO_LARGE);
    char *messages = tree_messages(&diag);
    assert_non_null(strstr(messages, "import-memory"));
    free(messages);
    diag_clear(&diag);
    tree_clear(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_serials),
        cmocka_unit_test(test_serial_when_inheriting),
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_failed_import_changes_nothing),
        cmocka_unit_test(test_incremental),
        cmocka_unit_test(test_known_warnings),
        cmocka_unit_test(test_serial_modes),
        cmocka_unit_test(test_serial_floor),
        cmocka_unit_test(test_serial_of_returning_zone),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_pin),
        cmocka_unit_test(test_memory_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/generation.h"
#include "tests/tree.h"
#include "zones/answer.h"
#include "zones/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ZONE(address) "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A " address "\n"
#define VIEWS                                                                                  \
    "[view internet]\nclients = any\n[view internal]\nclients = 10.0.0.0/8\nbase = internet\n" \
    "[view guest]\nclients = 10.9.0.0/16\nbase = internet\n"

static void publish_tree(const struct tree *tree)
{
    struct publish_result result;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(tree_publish(tree, true, &result, &diag), STATUS_OK);
    diag_clear(&diag);
}

static struct generation *load(struct store *store, size_t warnings)
{
    struct generation *generation = NULL;
    struct diag diag;

    diag_init(&diag);
    enum status status = generation_load(store, &diag, &generation);
    if (status != STATUS_OK || diag.warnings != warnings)
        diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(diag.warnings, warnings);
    assert_int_equal(diag.errors, 0);
    diag_clear(&diag);
    return generation;
}

static void drop(struct generation *generation)
{
    assert_true(generation_release(generation));
    generation_free(generation);
}

/* The last octet of the address that a client gets for ns.a.example, or 1000 + rcode if it gets none. */
static unsigned ask(const struct generation *generation, const char *from, const char *name_text)
{
    static struct answer answer;
    struct client client = {.transport = TRANSPORT_UDP};
    uint8_t name[NAME_SIZE_MAX];
    size_t size = 0;

    assert_int_equal(address_from_text(from, strlen(from), &client.source), STATUS_OK);
    assert_int_equal(name_from_text(name_text, strlen(name_text), NULL, name, &size), STATUS_OK);
    struct question question = {.name = name, .type = RRTYPE_A};
    decide_answer(generation, &client, &question, &answer);
    if (answer.count == 0 || answer.rrsets[0].section != SECTION_ANSWER)
        return 1000u + answer.rcode;
    const struct rrset *rrset = &answer.rrsets[0].rrset;
    assert_true(rrset->size == 6);
    return rrset->data[5];
}

static void test_empty(void **state)
{
    struct generation *generation = load(NULL, 0);
    struct tree tree;

    (void)state;
    assert_int_equal(generation->number, 0);
    assert_string_equal(generation->commit, "");
    assert_null(generation->policy);
    assert_null(generation->snapshot);
    assert_int_equal(ask(generation, "192.0.2.1", "ns.a.example"), 1000 + RCODE_REFUSED);
    drop(generation);

    tree_init(&tree);
    struct store *store = tree_open_writer(&tree);
    generation = load(store, 0);
    assert_int_equal(generation->number, 0);
    drop(generation);
    store_close(store);
    tree_clear(&tree);
}

/* Views that answer every question alike share the first one's number, and nothing less will do. */
static void test_alike(void **state)
{
    static const struct {
        const char *name;
        const char *keys;
        uint32_t alike;
    } rows[] = {
        {"internet", "clients = any", 0},
        {"internal", "clients = 10.0.0.0/8\nbase = internet", 1},
        {"west", "clients = 10.1.0.0/16\nbase = internal", 1},
        {"brief", "clients = 10.2.0.0/16\nbase = internal\nminimal = yes", 3},
        {"turning", "clients = 10.3.0.0/16\nbase = internal\norder = rotate", 4},
        {"asking", "clients = 10.4.0.0/16\nbase = internal\nforward = site", 5},
        {"also", "clients = 10.5.0.0/16\nbase = internal\nforward = site", 5},
        {"elsewhere", "clients = 10.6.0.0/16\nbase = internal\nforward = other", 7},
        {"further", "clients = 10.7.0.0/16\nbase = internal\nforward = site", 8}, /* [forward corp.example] */
        {"special", "clients = 10.8.0.0/16\nbase = internal\nforward = site\nspecial-names = no", 9},
        {"canary", "clients = 10.9.0.0/16\nbase = internal\nforward = site\ncanary = no", 10},
        {"owning", "clients = 10.10.0.0/16\nbase = internal", 11},
        {"outside", "clients = 10.11.0.0/16\nbase = internet\nside = external", 0},
        {"letting", "clients = 10.12.0.0/16\nbase = internet\nside = external\nallow-private = x.a.example", 13},
        {"letting2", "clients = 10.13.0.0/16\nbase = internet\nside = external\nallow-private = x.a.example", 14},
        {"last", "clients = 10.14.0.0/16\nbase = internal", 1},
        {"closed", "clients = 10.15.0.0/16\nbase = internal", 16}, /* [forward gone.example] */
        {"closed2", "clients = 10.16.0.0/16\nbase = internal", 16},
    };
    char text[4096];
    size_t used = 0;
    struct tree tree;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "[view %s]\n%s\n", rows[i].name, rows[i].keys);
    snprintf(text + used, sizeof text - used,
             "[upstream site]\nservers = 192.0.2.53\n[upstream other]\nservers = 192.0.2.54\n"
             "[forward corp.example]\nto = site\nviews = further\n"
             "[forward gone.example]\nto = nowhere\nviews = closed, closed2\n");
    tree_init(&tree);
    tree_write(&tree, "policy.conf", text);
    tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.1"));
    tree_write(&tree, "internal/a.example.zone", "ns 300 A 10.0.0.2\n");
    tree_write(&tree, "owning/a.example.zone", "x 300 A 10.0.0.3\n");
    publish_tree(&tree);
    struct store *store = tree_open_reader(&tree);
    struct generation *generation = load(store, 0);
    assert_int_equal(generation->catalog_count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (generation->alike[i] != rows[i].alike)
            print_error("view %s\n", rows[i].name);
        assert_int_equal(generation->alike[i], rows[i].alike);
    }
    drop(generation);
    store_close(store);
    tree_clear(&tree);
}

static void test_loaded(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS "[zone a.example]\nmode.internal = full\n");
    tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.1"));
    tree_write(&tree, "internal/a.example.zone", ZONE("10.0.0.2"));
    publish_tree(&tree);
    struct store *store = tree_open_reader(&tree);
    struct generation *generation = load(store, 0);
    assert_int_equal(generation->number, 1);
    assert_int_equal(strlen(generation->commit), 64);
    assert_int_equal(generation->published, 1000);
    assert_int_equal(generation->catalog_count, 3);
    assert_int_equal(generation->zone_count, 3);
    assert_int_equal(generation->record_count, 9);
    assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1);
    assert_int_equal(ask(generation, "10.1.0.1", "ns.a.example"), 2);
    assert_int_equal(ask(generation, "10.9.0.1", "ns.a.example"), 1);
    assert_int_equal(ask(generation, "10.9.0.1", "x.a.example"), 1000 + RCODE_NXDOMAIN);
    assert_int_equal(ask(generation, "10.9.0.1", "x.b.example"), 1000 + RCODE_REFUSED);

    /* internet and guest serve the same: one catalog, one array of images. */
    uint32_t internet = policy_find_view(generation->policy, "internet");
    uint32_t internal = policy_find_view(generation->policy, "internal");
    uint32_t guest = policy_find_view(generation->policy, "guest");
    assert_ptr_equal(generation->catalogs[internet].block, generation->catalogs[guest].block);
    assert_ptr_equal(generation->catalogs[internet].images, generation->catalogs[guest].images);
    assert_ptr_not_equal(generation->catalogs[internet].images, generation->catalogs[internal].images);
    drop(generation);
    store_close(store);
    tree_clear(&tree);
}

/* What is held stays whole while newer generations come. */
static void test_held_while_newer_come(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.1"));
    publish_tree(&tree);
    struct store *store = tree_open_writer(&tree);
    struct generation *held = load(store, 0);
    generation_hold(held);
    for (unsigned i = 2; i <= 40; i++) { /* more than the store keeps */
        char text[300];
        struct publish_result result;
        struct source *source = NULL;
        struct diag diag;
        diag_init(&diag);
        snprintf(text, sizeof text,
                 "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.2.%u\n", i);
        tree_write(&tree, "internet/a.example.zone", text);
        assert_int_equal(source_open(tree.zones, NULL, "main", &diag, &source), STATUS_OK);
        struct publish_options options = {.source = source, .store = store, .now = 1000};
        assert_int_equal(publish_run(&options, &result, &diag), STATUS_OK);
        assert_int_equal(result.generation, i);
        source_close(source);
        diag_clear(&diag);
        struct generation *newest = load(store, 0);
        assert_int_equal(newest->number, i);
        assert_int_equal(ask(newest, "192.0.2.200", "ns.a.example"), i);
        assert_int_equal(ask(held, "192.0.2.200", "ns.a.example"), 1);
        drop(newest);
    }
    assert_false(generation_release(held));
    assert_int_equal(ask(held, "10.9.0.1", "ns.a.example"), 1);
    drop(held);
    store_close(store);
    tree_clear(&tree);
}

static uint64_t put_generation(struct store *store, const char *policy, const char *view)
{
    struct catalog_zone zone = {.apex = (const uint8_t *)"\1a\7example", .image_id = 4711, .serial = 1};
    struct store_view views[1] = {{.name = view}};
    uint8_t *block = NULL;
    size_t size = 0;
    uint64_t number = 0;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(catalog_build(&zone, 1, &block, &size), STATUS_OK);
    views[0].catalog = block;
    views[0].catalog_size = size;
    struct store_generation generation = {.published = 5,
                                          .commit = "0123456789abcdef0123456789abcdef01234567",
                                          .revision = "",
                                          .author = "",
                                          .subject = "",
                                          .policy = policy,
                                          .policy_size = strlen(policy),
                                          .view_count = 1,
                                          .views = views};
    enum status status = store_publish(store, &generation, &number, &diag);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    memory_free(block);
    diag_clear(&diag);
    return number;
}

static void test_missing_image(void **state)
{
    struct tree tree;

    (void)state;
    tree_init(&tree);
    struct store *store = tree_open_writer(&tree);
    put_generation(store, "[view internet]\nclients = any\n", "internet");
    struct generation *generation = load(store, 1);
    assert_int_equal(generation->number, 1);
    assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1000 + RCODE_SERVFAIL);
    drop(generation);
    store_close(store);
    tree_clear(&tree);
}

/* ---- images that are found when they are asked for ---- */

#define ZONES       300
#define THREADS     4
#define SETTLE_STEP 7

static struct generation *open_quickly(struct store *store)
{
    struct generation *generation = NULL;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(generation_open(store, &diag, &generation), STATUS_OK);
    assert_int_equal(diag.count, 0);
    diag_clear(&diag);
    return generation;
}

/* A missing image is told about when it is looked for, and once. */
static void test_missing_later(void **state)
{
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    struct store *store = tree_open_writer(&tree);
    put_generation(store, "[view internet]\nclients = any\n", "internet");
    struct generation *generation = open_quickly(store);
    assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1000 + RCODE_SERVFAIL);
    assert_false(generation_settle(generation, 0, &diag));
    assert_int_equal(diag.count, 0);
    assert_true(generation_settle(generation, 1, &diag));
    assert_int_equal(diag.warnings, 1);
    assert_non_null(strstr(diag.messages[0].text, "image 4711 of zone a.example. in view internet is missing"));
    assert_true(generation_settle(generation, 1, &diag));
    assert_int_equal(diag.count, 1);
    assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1000 + RCODE_SERVFAIL);
    drop(generation);
    generation = open_quickly(NULL);
    assert_true(generation_settle(generation, 0, &diag));
    drop(generation);
    diag_clear(&diag);
    store_close(store);
    tree_clear(&tree);
}

struct asking {
    pthread_t thread;
    const struct generation *generation;
    unsigned good;
};

/* Asks for an address in every zone. Nothing is asserted here: cmocka belongs to the main thread. */
static void *ask_every_zone(void *argument)
{
    struct asking *asking = argument;
    struct client client = {.transport = TRANSPORT_UDP};
    struct answer *answer = memory_zalloc(1, sizeof *answer);

    address_from_text("192.0.2.200", 11, &client.source);
    for (unsigned i = 0; i < ZONES && answer != NULL; i++) {
        char text[32];
        uint8_t name[NAME_SIZE_MAX];
        size_t size = 0;

        snprintf(text, sizeof text, "ns.z%u.example", i);
        name_from_text(text, strlen(text), NULL, name, &size);
        const struct question question = {.name = name, .type = RRTYPE_A};
        decide_answer(asking->generation, &client, &question, answer);
        asking->good += answer->count > 0 && answer->rrsets[0].section == SECTION_ANSWER &&
                        answer->rrsets[0].rrset.data[4] == i / 256 && answer->rrsets[0].rrset.data[5] == i % 256;
    }
    memory_free(answer);
    return NULL;
}

static void write_zones(const struct tree *tree)
{
    tree_write(tree, "policy.conf", "[view internet]\nclients = any\n");
    for (unsigned i = 0; i < ZONES; i++) {
        char path[64];
        char zone[200];

        snprintf(path, sizeof path, "internet/z%u.example.zone", i);
        snprintf(zone, sizeof zone,
                 "@ 3600 SOA ns hostmaster 1 7200 900 1209600 60\n@ 3600 NS ns\nns 3600 A 192.0.%u.%u\n", i / 256,
                 i % 256);
        tree_write(tree, path, zone);
    }
}

/* Several threads look for the same images at once, while the main thread does too. */
static void test_settled_while_asked(void **state)
{
    struct asking asking[THREADS] = {{.good = 0}};
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    write_zones(&tree);
    publish_tree(&tree);
    struct store *store = tree_open_reader(&tree);
    struct generation *generation = open_quickly(store);
    for (size_t i = 0; i < THREADS; i++) {
        asking[i].generation = generation;
        assert_int_equal(pthread_create(&asking[i].thread, NULL, ask_every_zone, &asking[i]), 0);
    }
    unsigned steps = 1;
    while (!generation_settle(generation, SETTLE_STEP, &diag))
        steps++;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(asking[i].thread, NULL);
    assert_int_equal(steps, (ZONES + SETTLE_STEP - 1) / SETTLE_STEP);
    assert_int_equal(diag.count, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(asking[i].good, ZONES);
    const struct catalog *catalog = &generation->catalogs[0];
    for (uint32_t i = 0; i < catalog_count(catalog); i++) {
        const void *block = NULL;
        size_t size = 0;

        assert_int_equal(snapshot_image(generation->snapshot, catalog_entry(catalog, i)->image_id, &block, &size),
                         STATUS_OK);
        assert_ptr_equal(catalog->images[i].block, block);
        assert_int_equal(catalog->images[i].size, size);
    }
    drop(generation);
    diag_clear(&diag);
    store_close(store);
    tree_clear(&tree);
}

/* The newest that can be read serves, and the rest is told about. */
static void test_newest_readable(void **state)
{
    struct generation *generation = NULL;
    struct tree tree;
    struct diag diag;

    (void)state;
    diag_init(&diag);
    tree_init(&tree);
    tree_write(&tree, "policy.conf", VIEWS);
    tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.1"));
    publish_tree(&tree);
    struct store *store = tree_open_writer(&tree);
    put_generation(store, "[view internet]\nclients = any\nkey-of-the-future = yes\n", "internet");
    put_generation(store, "[view internet]\nclients = any\n", "elsewhere");
    generation = load(store, 2);
    assert_int_equal(generation->number, 1);
    assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1);
    drop(generation);
    store_close(store);
    tree_clear(&tree);

    tree_init(&tree);
    store = tree_open_writer(&tree);
    put_generation(store, "no policy", "internet");
    assert_int_equal(generation_load(store, &diag, &generation), STATUS_DAMAGED);
    assert_null(generation);
    assert_true(diag.errors > 0);
    diag_clear(&diag);
    store_close(store);
    tree_clear(&tree);
}

/* What would be served can be asked before anything is published, with a store and without. */
static void test_candidate(void **state)
{
    static const enum candidate_images kinds[] = {CANDIDATE_KEEP, CANDIDATE_KEEP, CANDIDATE_STORE};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct candidate *candidate = NULL;
        struct generation *generation = NULL;
        struct source *source = NULL;
        struct tree tree;
        struct diag diag;

        diag_init(&diag);
        tree_init(&tree);
        tree_write(&tree, "policy.conf", VIEWS "[zone a.example]\nmode.internal = full\n");
        tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.1"));
        tree_write(&tree, "internal/a.example.zone", ZONE("10.0.0.2"));
        tree_write(&tree, "internet/b.example.zone", ZONE("192.0.2.3"));
        publish_tree(&tree); /* b is known to the store then */
        tree_write(&tree, "internet/a.example.zone", ZONE("192.0.2.7"));
        struct store *store = i == 0                       ? NULL
                              : kinds[i] == CANDIDATE_KEEP ? tree_open_reader(&tree)
                                                           : tree_open_writer(&tree);
        assert_int_equal(source_open(tree.zones, NULL, "main", &diag, &source), STATUS_OK);
        const struct candidate_options options = {.source = source, .store = store, .images = kinds[i]};
        assert_int_equal(candidate_read(&options, &diag, &candidate), STATUS_OK);
        assert_int_equal(candidate->files_known, i == 0 ? 0 : 2);
        assert_int_equal(candidate_build_catalogs(candidate, &diag), STATUS_OK);
        assert_int_equal(generation_from_candidate(candidate, &diag, &generation), STATUS_OK);
        assert_int_equal(generation->number, 0);
        assert_int_equal(generation->zone_count, 6);
        assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 7);
        assert_int_equal(ask(generation, "10.1.0.1", "ns.a.example"), 2);
        assert_int_equal(ask(generation, "10.9.0.1", "ns.a.example"), 7);
        assert_int_equal(ask(generation, "10.1.0.1", "ns.b.example"), 3);
        assert_int_equal(ask(generation, "10.1.0.1", "x.b.example"), 1000 + RCODE_NXDOMAIN);
        assert_ptr_equal(generation->catalogs[0].images, generation->catalogs[2].images);
        drop(generation);
        candidate_free(candidate);
        if (i > 0) { /* nothing was published by it */
            generation = load(store, 0);
            assert_int_equal(generation->number, 1);
            assert_int_equal(ask(generation, "192.0.2.200", "ns.a.example"), 1);
            drop(generation);
        }
        store_close(store);
        source_close(source);
        diag_clear(&diag);
        tree_clear(&tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_loaded),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_candidate),
        cmocka_unit_test(test_held_while_newer_come),
        cmocka_unit_test(test_missing_image),
        cmocka_unit_test(test_newest_readable),
        cmocka_unit_test(test_missing_later),
        cmocka_unit_test(test_settled_while_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "policy/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct expectation {
    const char *source;
    const char *listen; /* NULL: an address nobody names */
    const char *key;    /* NULL: not signed */
    const char *subnet; /* NULL: none */
    const char *view;   /* NULL: none */
    unsigned scope;
};

static const uint8_t *make_name(const char *text)
{
    static uint8_t name[NAME_SIZE_MAX];
    size_t size;
    if (text == NULL)
        return NULL;
    assert_int_equal(name_from_text(text, strlen(text), NULL, name, &size), STATUS_OK);
    return name;
}

/* As the option writes it: v4-mapped networks stay IPv6. */
static struct prefix make_subnet(const char *text)
{
    struct prefix subnet = {0};
    bool host_bits;
    if (text == NULL)
        return subnet;
    if (strncmp(text, "::ffff:", 7) == 0) {
        assert_int_equal(prefix_from_text(text + 7, strlen(text + 7), &subnet, &host_bits), STATUS_OK);
        memcpy(subnet.address.bytes + 12, subnet.address.bytes, 4);
        memset(subnet.address.bytes, 0, 10);
        memset(subnet.address.bytes + 10, 0xff, 2);
        subnet.address.family = 6;
        subnet.length = (uint8_t)(subnet.length + 96);
        return subnet;
    }
    assert_int_equal(prefix_from_text(text, strlen(text), &subnet, &host_bits), STATUS_OK);
    return subnet;
}

static struct policy *read_policy(const char *text)
{
    struct diag diag;
    struct policy *policy;
    diag_init(&diag);
    enum status status = policy_read("policy.conf", text, strlen(text), &diag, &policy);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    diag_clear(&diag);
    return policy;
}

static void check(const char *text, const struct expectation *expectations, size_t count)
{
    struct policy *policy = read_policy(text);
    for (size_t i = 0; i < count; i++) {
        const struct expectation *row = &expectations[i];
        struct client client = {.transport = TRANSPORT_UDP};
        assert_int_equal(address_from_text(row->source, strlen(row->source), &client.source), STATUS_OK);
        const char *listen = row->listen == NULL ? "192.0.2.99" : row->listen;
        assert_int_equal(address_from_text(listen, strlen(listen), &client.listen), STATUS_OK);
        client.key = make_name(row->key);
        client.subnet = make_subnet(row->subnet);
        struct view_match match = view_select(policy, &client);
        const char *view = match.view == VIEW_NONE ? "-" : policy->views[match.view].name;
        const char *wanted = row->view == NULL ? "-" : row->view;
        if (strcmp(view, wanted) != 0 || match.scope != row->scope)
            fail_msg("row %zu: %s /%u, wanted %s /%u", i, view, match.scope, wanted, row->scope);
    }
    policy_free(policy);
}

#define CHECK(text, ...)                                   \
    check(text, (const struct expectation[]){__VA_ARGS__}, \
          sizeof((const struct expectation[]){__VA_ARGS__}) / sizeof(struct expectation))

static const char networks[] = "[view internal]\nclients = 10.20.0.0/16, 2001:db8:b:1000::/52\n"
                               "[view guest]\nclients = 10.20.200.0/24\nside = external\n"
                               "[view internet]\nclients = any\n";

static void test_longest(void **state)
{
    (void)state;
    CHECK(networks, {"10.20.0.1", NULL, NULL, NULL, "internal", 17}, {"10.20.200.1", NULL, NULL, NULL, "guest", 24},
          {"10.20.201.1", NULL, NULL, NULL, "internal", 24}, {"192.0.2.1", NULL, NULL, NULL, "internet", 1},
          {"::ffff:10.20.200.9", NULL, NULL, NULL, "guest", 24},
          {"2001:db8:b:1fff::1", NULL, NULL, NULL, "internal", 52},
          {"2001:db8:b:2000::1", NULL, NULL, NULL, "internet", 51}, {"::1", NULL, NULL, NULL, "internet", 3});
}

/* Who is in no view and finds none with `any` gets none; the scope says how far that holds. */
static void test_none(void **state)
{
    (void)state;
    CHECK("[view internal]\nclients = 10.20.0.0/16\n", {"10.20.0.1", NULL, NULL, NULL, "internal", 16},
          {"10.21.0.1", NULL, NULL, NULL, NULL, 16}, {"192.0.2.1", NULL, NULL, NULL, NULL, 1},
          {"2001:db8::1", NULL, NULL, NULL, NULL, 0});
}

/* A view with `any` may also name networks inside another view's. */
static void test_any_beside_networks(void **state)
{
    (void)state;
    CHECK("[view internal]\nclients = 10.20.0.0/16\n[view internet]\nclients = any, 10.20.200.0/24, 172.16.0.0/12\n",
          {"10.20.0.1", NULL, NULL, NULL, "internal", 17}, {"10.20.200.1", NULL, NULL, NULL, "internet", 24},
          {"172.16.0.1", NULL, NULL, NULL, "internet", 1});
}

/* The longer network wins; at equal length the view limited to the address. */
static void test_listen(void **state)
{
    (void)state;
    CHECK("[view internet]\nclients = any\n"
          "[view internal]\nclients = 10.0.0.0/8\n"
          "[view lab]\nclients = 10.0.0.0/8\nlisten = 192.0.2.1, 2001:db8::1\n"
          "[view annex]\nclients = 10.1.0.0/16\n"
          "[view door]\nlisten = 192.0.2.2\n"
          "[view room]\nclients = 10.9.0.0/16\nlisten = 192.0.2.2\n",
          {"10.2.0.1", NULL, NULL, NULL, "internal", 15}, {"10.2.0.1", "192.0.2.1", NULL, NULL, "lab", 15},
          {"10.2.0.1", "2001:db8::1", NULL, NULL, "lab", 15}, {"10.1.0.1", "192.0.2.1", NULL, NULL, "annex", 16},
          {"198.51.100.1", "192.0.2.1", NULL, NULL, "internet", 1},
          {"198.51.100.1", "192.0.2.2", NULL, NULL, "door", 1}, {"2001:db8::9", "192.0.2.2", NULL, NULL, "door", 0},
          {"10.2.0.1", "192.0.2.2", NULL, NULL, "internal", 15}, {"10.9.0.1", "192.0.2.2", NULL, NULL, "room", 16},
          {"10.9.0.1", "::ffff:192.0.2.2", NULL, NULL, "room", 16}, {"10.9.0.1", NULL, NULL, NULL, "internal", 13});
}

/* A key goes before everything; one that no view names changes nothing. */
static void test_keys(void **state)
{
    (void)state;
    CHECK("[view internet]\nclients = any\n"
          "[view secondary]\nkeys = One.Key, two.key\n"
          "[view lab]\nclients = 10.0.0.0/8\nkeys = lab.key\nlisten = 192.0.2.1\n",
          {"10.0.0.1", NULL, "one.KEY", NULL, "secondary", 0}, {"10.0.0.1", NULL, "two.key", NULL, "secondary", 0},
          {"10.0.0.1", NULL, "three.key", NULL, "internet", 0}, {"10.0.0.1", "192.0.2.1", NULL, NULL, "lab", 8},
          {"10.0.0.1", "192.0.2.1", "two.key", "10.0.0.0/24", "secondary", 0},
          {"198.51.100.1", NULL, "lab.key", NULL, "lab", 0});
}

static void test_subnet(void **state)
{
    (void)state;
    CHECK(networks, {"192.0.2.1", NULL, NULL, "10.20.0.0/24", "internal", 17},
          {"192.0.2.1", NULL, NULL, "10.20.200.0/24", "guest", 24},
          {"192.0.2.1", NULL, NULL, "10.20.200.7/32", "guest", 24},
          /* Not wholly inside one view: nobody's. */
          {"192.0.2.1", NULL, NULL, "10.20.0.0/16", "internet", 17},
          {"192.0.2.1", NULL, NULL, "10.20.200.0/23", "internet", 24},
          {"192.0.2.1", NULL, NULL, "10.0.0.0/8", "internet", 12},
          {"10.20.0.1", NULL, NULL, "198.51.100.0/24", "internet", 1},
          /* It says no address. */
          {"10.20.0.1", NULL, NULL, "0.0.0.0/0", "internet", 0}, {"10.20.0.1", NULL, NULL, "::/0", "internet", 0},
          {"10.20.0.1", NULL, NULL, "2001:db8:b:1000::/56", "internal", 52},
          {"10.20.0.1", NULL, NULL, "2001:db8:b::/48", "internet", 52},
          /* IPv4 in the form of IPv6. */
          {"192.0.2.1", NULL, NULL, "::ffff:10.20.200.0/24", "guest", 120},
          {"192.0.2.1", NULL, NULL, "::ffff:10.20.0.0/16", "internet", 113},
          {"192.0.2.1", NULL, NULL, "::ffff:0.0.0.0/0", "internet", 96},
          {"192.0.2.1", NULL, NULL, "::/64", "internet", 96}, {"192.0.2.1", NULL, NULL, "::/96", "internet", 3});
}

/* Two networks of one view are one: the scope is no longer than the decision. */
static void test_scope_joins(void **state)
{
    (void)state;
    CHECK("[view internal]\nclients = 10.0.0.0/8, 10.20.0.0/16, 11.0.0.0/8\n[view internet]\nclients = any\n",
          {"10.20.0.1", NULL, NULL, NULL, "internal", 7}, {"192.0.2.1", NULL, NULL, "10.0.0.0/7", "internal", 7});
}

/* What cannot be told apart is an error; what can is none. */
static void test_ambiguous(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t errors;
    } rows[] = {
        {"[view a]\nclients = 10.0.0.0/8\nlisten = 192.0.2.1\n[view b]\nclients = 10.0.0.0/8\n", 0},
        {"[view a]\nclients = 10.0.0.0/8\nlisten = 192.0.2.1\n[view b]\nclients = 10.0.0.0/8\nlisten = 192.0.2.2\n", 0},
        {"[view a]\nclients = 10.0.0.0/8\nlisten = 192.0.2.1 192.0.2.2 192.0.2.3\n"
         "[view b]\nclients = 10.0.0.0/8\nlisten = 192.0.2.3 192.0.2.2\n[view c]\nlisten = 192.0.2.3\nclients = any\n",
         1},
        {"[view a]\nclients = any\n[view b]\nlisten = 192.0.2.1\n[view c]\nlisten = 192.0.2.2, 192.0.2.1\n", 1},
        {"[view a]\nclients = any\n[view b]\nlisten = 192.0.2.1\n[view c]\nlisten = 192.0.2.2\n", 0},
        {"[view a]\nclients = any\n[view b]\nkeys = k.\n[view c]\nkeys = K\n", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag diag;
        struct policy *policy;
        diag_init(&diag);
        policy_read("policy.conf", rows[i].text, strlen(rows[i].text), &diag, &policy);
        if (diag.errors != rows[i].errors)
            fail_msg("row %zu: %zu errors", i, diag.errors);
        policy_free(policy);
        diag_clear(&diag);
    }
}

/* ---- against a naive model ---- */

#define VIEWS_MAX    6
#define NETWORKS_MAX 5
#define LISTENERS    3 /* and one more that no view names */
#define POLICIES     12000
#define QUESTIONS    20

struct model_view {
    struct prefix networks[NETWORKS_MAX];
    unsigned network_count;
    bool any;
    unsigned listen; /* bits; 0: not limited */
    unsigned keys;   /* bits */
};

struct model {
    struct model_view views[VIEWS_MAX];
    unsigned count;
};

static const char *const listeners[LISTENERS + 1] = {"192.0.2.1", "2001:db8::1", "192.0.2.3", "192.0.2.4"};
static const char *const keys[4] = {"a.key", "b.key", "c.key", "nobody.key"};

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned width(const struct address *address)
{
    return address->family == 4 ? 32 : 128;
}

/* A few leading bits vary and a few of the last, so that addresses and networks meet often. */
static struct address random_address(uint64_t *seed)
{
    uint64_t bits = next_random(seed);
    struct address address = {.family = (bits & 1) != 0 ? 4 : 6};
    unsigned last = width(&address) / 8 - 1;
    address.bytes[0] = (uint8_t)(bits >> 8 & 0xe3);
    address.bytes[1] = (uint8_t)(bits >> 16 & 0xc0);
    address.bytes[last] = (uint8_t)(bits >> 24 & 3);
    return address;
}

static struct prefix random_network(uint64_t *seed)
{
    struct prefix network = {.address = random_address(seed)};
    uint64_t bits = next_random(seed);
    unsigned whole = width(&network.address);
    unsigned length = (bits & 7) == 0 ? whole - (unsigned)(bits >> 8) % 3 : (unsigned)(bits >> 8) % 11;
    network.length = (uint8_t)length;
    for (unsigned bit = length; bit < whole; bit++)
        network.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return network;
}

static void make_model(uint64_t *seed, struct model *model)
{
    unsigned free_keys = 7;
    model->count = 1 + (unsigned)(next_random(seed) % VIEWS_MAX);
    for (unsigned i = 0; i < model->count; i++) {
        struct model_view *view = &model->views[i];
        uint64_t bits = next_random(seed);
        *view = (struct model_view){.network_count = (unsigned)bits % (NETWORKS_MAX + 1)};
        view->any = (bits >> 8 & 3) == 0;
        view->listen = (bits >> 10 & 1) == 0 ? (unsigned)(bits >> 11 & 7) : 0;
        view->keys = (bits >> 14 & 3) == 0 ? (unsigned)(bits >> 16) & free_keys : 0;
        free_keys &= ~view->keys;
        for (unsigned k = 0; k < view->network_count; k++)
            view->networks[k] = random_network(seed);
        if (view->network_count == 0 && view->keys == 0)
            view->any = true;
        /* Without `clients` a limited view takes all that comes there. */
        if (view->network_count == 0 && view->listen != 0)
            view->any = true;
    }
}

static void write_list(FILE *stream, const char *key, unsigned bits, const char *const *words, unsigned count)
{
    if (bits != 0)
        fprintf(stream, "%s = ", key);
    for (unsigned i = 0; i < count; i++)
        if ((bits >> i & 1) != 0)
            fprintf(stream, "%s ", words[i]);
    if (bits != 0)
        fputc('\n', stream);
}

static char *write_model(const struct model *model)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (unsigned i = 0; i < model->count; i++) {
        const struct model_view *view = &model->views[i];
        fprintf(stream, "[view v%u]\nside = external\n", i);
        for (unsigned k = 0; k < view->network_count; k++) {
            char network[PREFIX_TEXT_MAX];
            prefix_to_text(&view->networks[k], network);
            fprintf(stream, "clients = %s\n", network);
        }
        if (view->any)
            fputs("clients = any\n", stream);
        write_list(stream, "listen", view->listen, listeners, LISTENERS);
        write_list(stream, "keys", view->keys, keys, 3);
    }
    fclose(stream);
    return text;
}

static bool are_rivals(const struct model_view *a, const struct model_view *b)
{
    return (a->listen == 0 && b->listen == 0) || (a->listen & b->listen) != 0;
}

static bool is_ambiguous(const struct model *model)
{
    for (unsigned i = 0; i < model->count; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct model_view *a = &model->views[i];
            const struct model_view *b = &model->views[j];
            if (!are_rivals(a, b))
                continue;
            if (a->any && b->any)
                return true;
            for (unsigned k = 0; k < a->network_count * b->network_count; k++)
                if (prefix_equal(&a->networks[k / b->network_count], &b->networks[k % b->network_count]))
                    return true;
        }
    return false;
}

/* Every view and every network is looked at. Rank: length, with `any` below all, then whether it is limited. */
static uint32_t model_select(const struct model *model, const struct address *address, unsigned listener)
{
    uint32_t best = VIEW_NONE;
    int best_rank = -1;
    for (unsigned i = 0; i < model->count; i++) {
        const struct model_view *view = &model->views[i];
        if (view->listen != 0 && (view->listen >> listener & 1) == 0)
            continue;
        int limited = view->listen != 0;
        if (view->any && limited > best_rank) {
            best = i;
            best_rank = limited;
        }
        for (unsigned k = 0; k < view->network_count; k++) {
            int rank = 2 * (view->networks[k].length + 1) + limited;
            if (prefix_contains(&view->networks[k], address) && rank > best_rank) {
                best = i;
                best_rank = rank;
            }
        }
    }
    return best;
}

static struct address block_edge(const struct address *address, unsigned bits, bool last)
{
    struct address edge = *address;
    for (unsigned bit = bits; bit < width(address); bit++) {
        uint8_t mask = (uint8_t)(0x80u >> bit % 8);
        edge.bytes[bit / 8] = (uint8_t)(last ? edge.bytes[bit / 8] | mask : edge.bytes[bit / 8] & ~mask);
    }
    return edge;
}

/* The block of `bits` bits around an address has one view: the view changes only at edges of networks. */
static bool is_uniform(const struct model *model, const struct address *address, unsigned bits, unsigned listener)
{
    struct prefix block = {block_edge(address, bits, false), (uint8_t)bits};
    struct address last = block_edge(address, bits, true);
    uint32_t view = model_select(model, &block.address, listener);
    if (model_select(model, &last, listener) != view)
        return false;
    for (unsigned i = 0; i < model->count; i++)
        for (unsigned k = 0; k < model->views[i].network_count; k++) {
            const struct prefix *network = &model->views[i].networks[k];
            struct address end = block_edge(&network->address, network->length, true);
            struct address behind = end;
            for (int byte = (int)width(&end) / 8 - 1; byte >= 0 && ++behind.bytes[byte] == 0; byte--)
                ;
            struct address points[] = {network->address, end, behind};
            for (unsigned p = 0; p < 3; p++)
                if (prefix_contains(&block, &points[p]) && model_select(model, &points[p], listener) != view)
                    return false;
        }
    return true;
}

static uint32_t model_any(const struct model *model, unsigned listener)
{
    uint32_t any = VIEW_NONE;
    for (unsigned i = 0; i < model->count; i++)
        if (model->views[i].any && model->views[i].listen == 0)
            any = i;
    for (unsigned i = 0; i < model->count; i++)
        if (model->views[i].any && (model->views[i].listen >> listener & 1) != 0)
            any = i;
    return any;
}

static void check_scope(const struct model *model, const struct address *address, unsigned listener, unsigned scope)
{
    assert_true(is_uniform(model, address, scope, listener));
    assert_false(scope > 0 && is_uniform(model, address, scope - 1, listener));
}

static void ask(uint64_t *seed, const struct model *model, const struct policy *policy)
{
    uint64_t bits = next_random(seed);
    struct client client = {.transport = TRANSPORT_UDP, .source = random_address(seed)};
    unsigned listener = (unsigned)bits % (LISTENERS + 1);
    unsigned key = (unsigned)(bits >> 8) % 12;
    bool has_subnet = (bits >> 16 & 1) != 0;
    assert_int_equal(address_from_text(listeners[listener], strlen(listeners[listener]), &client.listen), STATUS_OK);
    client.key = key < 4 ? make_name(keys[key]) : NULL;
    if (has_subnet)
        client.subnet = random_network(seed);
    struct view_match match = view_select(policy, &client);
    for (uint32_t i = 0; i < model->count && key < 3; i++)
        if ((model->views[i].keys >> key & 1) != 0) {
            assert_int_equal(match.view, i);
            assert_int_equal(match.scope, 0);
            return;
        }
    const struct address *address = has_subnet ? &client.subnet.address : &client.source;
    if (has_subnet && client.subnet.length == 0) {
        assert_int_equal(match.view, model_any(model, listener));
        assert_int_equal(match.scope, 0);
        return;
    }
    static const struct address mapped = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}};
    if (has_subnet && client.subnet.length <= 96 && prefix_contains(&client.subnet, &mapped)) {
        assert_int_equal(match.view, model_any(model, listener));
        return;
    }
    bool inside = !has_subnet || is_uniform(model, address, client.subnet.length, listener);
    assert_int_equal(match.view, inside ? model_select(model, address, listener) : model_any(model, listener));
    check_scope(model, address, listener, match.scope);
    assert_true(!has_subnet || (match.scope <= client.subnet.length) == inside);
}

static void test_property(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(0x5eed5eed5eed5eed);
    unsigned asked = 0;
    for (unsigned i = 0; i < POLICIES; i++) {
        struct model model;
        struct policy *policy;
        struct diag diag;
        make_model(&seed, &model);
        char *text = write_model(&model);
        diag_init(&diag);
        enum status status = policy_read("policy.conf", text, strlen(text), &diag, &policy);
        if ((status == STATUS_OK) == is_ambiguous(&model)) {
            diag_print(&diag, stderr);
            fail_msg("%s", text);
        }
        for (unsigned k = 0; k < QUESTIONS && status == STATUS_OK; k++, asked++)
            ask(&seed, &model, policy);
        policy_free(policy);
        diag_clear(&diag);
        free(text);
    }
    print_message("# %u questions agree with the model\n", asked);
    assert_true(asked >= 100000);
}

/* ---- many networks ---- */

static struct policy *many_networks(unsigned count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (unsigned view = 0; view < 10; view++) {
        fprintf(stream, "[view v%u]\n", view);
        for (unsigned i = view; i < count; i += 10)
            fprintf(stream, "clients = %u.%u.%u.0/24\n", 1 + i * 7 % 200, i / 250, i % 250);
        fputs(view == 0 ? "clients = any\n" : "", stream);
    }
    fclose(stream);
    struct policy *policy = read_policy(text);
    free(text);
    return policy;
}

static double measure(const struct policy *policy)
{
    enum { ROUNDS = 200000 };
    struct client client = {.source.family = 4, .listen.family = 4};
    struct timespec begin;
    struct timespec end;
    uint64_t seed = 42;
    uint64_t sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t bits = next_random(&seed);
        memcpy(client.source.bytes, &bits, 4);
        sum += view_select(policy, &client).view;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(sum > 0 || policy->view_count > 0);
    return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) / ROUNDS;
}

/* The time is printed, not judged: machines differ. */
static void test_many_networks(void **state)
{
    (void)state;
    static const unsigned counts[] = {10, 1000, 10000};
    for (unsigned i = 0; i < 3; i++) {
        struct policy *policy = many_networks(counts[i]);
        print_message("# %u networks: %.0f ns a choice\n", counts[i], measure(policy));
        policy_free(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_any_beside_networks),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_subnet),
        cmocka_unit_test(test_scope_joins),
        cmocka_unit_test(test_ambiguous),
        cmocka_unit_test(test_property),
        cmocka_unit_test(test_many_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

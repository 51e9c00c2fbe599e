/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/autodiscover.h"
#include "policy/policy.h"
#include "policy/topology.h"
#include "tests/support.h"
#include "zones/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct world {
    struct diag diag;
    struct policy *policy;
    struct topology *topology;
};

static void world_read(struct world *world, const char *text, size_t size)
{
    *world = (struct world){0};
    diag_init(&world->diag);
    assert_int_equal(policy_read("policy.conf", text, size, &world->diag, &world->policy), STATUS_OK);
    assert_int_equal(topology_new(world->policy, &world->diag, &world->topology), STATUS_OK);
    diag_print(&world->diag, stderr);
    assert_int_equal(world->diag.count, 0);
}

static void world_read_sample(struct world *world, const char *name)
{
    char file[300];
    size_t size;
    snprintf(file, sizeof file, "cases/facts/%s.conf", name);
    char *text = support_read(file, &size);
    world_read(world, text, size);
    free(text);
}

static void world_clear(struct world *world)
{
    topology_free(world->topology);
    policy_free(world->policy);
    diag_clear(&world->diag);
}

static void expect_name(const uint8_t *name, const char *text)
{
    char actual[NAME_TEXT_MAX];
    assert_non_null(name);
    name_to_text(name, actual);
    assert_string_equal(actual, text);
}

/* The addresses, parted by blanks. */
static void expect_addresses(const struct topology_addresses *addresses, const char *text)
{
    char actual[500] = "";
    for (size_t i = 0; i < addresses->count; i++) {
        char one[ADDRESS_TEXT_MAX];
        size_t used = strlen(actual);
        address_to_text(&addresses->items[i].address, one);
        snprintf(actual + used, sizeof actual - used, "%s%s", used == 0 ? "" : " ", one);
    }
    assert_string_equal(actual, text);
}

/* The short form: one Standard Edition server. */
static void test_harbor(void **state)
{
    (void)state;
    struct world world;
    world_read_sample(&world, "harbor");
    const struct topology *topology = world.topology;
    assert_int_equal(topology->deployment_count, 1);
    assert_int_equal(topology->domain_count, 1);
    assert_int_equal(topology->pool_count, 1);
    const struct topology_deployment *deployment = &topology->deployments[0];
    assert_string_equal(deployment->name, "harbor");
    assert_true(deployment->publish && deployment->hairpin && deployment->lyncdiscover_inside);
    assert_true(deployment->has_edge && !deployment->discover_by_proxy && !deployment->sip_fallback);
    assert_int_equal(deployment->discover_pool, 0);
    assert_int_equal(deployment->devices, 1000);
    assert_string_equal(deployment->meet.label, "meet");
    expect_name(deployment->dialin.name, "dialin.harbor.example.");
    expect_name(deployment->admin.name, "admin.harbor.example.");
    assert_true(deployment->inside[1] && !deployment->inside[0]);
    assert_true(deployment->outside[0] && !deployment->outside[1]);
    for (size_t i = 0; i < TOPOLOGY_CLASS_COUNT; i++)
        assert_int_equal(deployment->ttl[i], 3600);
    const struct topology_pool *pool = &topology->pools[0];
    assert_int_equal(pool->kind, TOPOLOGY_STANDARD);
    expect_name(pool->fqdn.name, "se01.corp.harbor.example.");
    assert_int_equal(pool->nodes.count, 1);
    expect_name(pool->nodes.items[0].name, "se01.corp.harbor.example.");
    expect_addresses(&pool->nodes.items[0].addresses, "10.10.1.20");
    expect_addresses(&pool->sip, "10.10.1.20");
    expect_addresses(&pool->external_web.addresses, "192.0.2.20");
    assert_false(pool->has_external_addresses);
    assert_int_equal(pool->proxy, 0);
    assert_int_equal(pool->pair, TOPOLOGY_NONE);
    const struct topology_domain *domain = &topology->domains[0];
    assert_true(domain->publish && domain->mobility && domain->federation && !domain->phones);
    assert_true(domain->lyncdiscover_cname && !domain->has_own_meet);
    assert_int_equal(domain->state, TOPOLOGY_ONPREM);
    assert_int_equal(domain->edge, 0);
    expect_addresses(&domain->access, "192.0.2.21");
    assert_string_equal(topology->edges[0].access_name, "sip");
    world_clear(&world);
}

/* Director, pools, several domains; the proxy's public addresses are its pools'. */
static void test_meridian(void **state)
{
    (void)state;
    struct world world;
    world_read_sample(&world, "meridian");
    const struct topology *topology = world.topology;
    assert_int_equal(topology->domain_count, 4);
    assert_int_equal(topology->pool_count, 3);
    const struct topology_pool *director = &topology->pools[topology->deployments[0].discover_pool];
    assert_int_equal(director->kind, TOPOLOGY_DIRECTOR);
    expect_name(director->fqdn.name, "dirpool.corp.example.net.");
    expect_addresses(&director->sip, "10.20.1.11 10.20.1.12");
    expect_addresses(&director->external_web.addresses, "198.51.100.20 2001:db8:b:20::20");
    expect_addresses(&director->external_vip, "10.20.1.9");
    assert_true(director->has_external_addresses);
    assert_int_equal(topology->pools[1].kind, TOPOLOGY_ENTERPRISE);
    assert_true(topology->pools[1].homes[0] && topology->pools[1].homes[3]);
    expect_addresses(&topology->proxies[0].public_addresses,
                     "198.51.100.20 2001:db8:b:20::20 198.51.100.21 2001:db8:b:20::21 198.51.100.22 2001:db8:b:20::22");
    expect_addresses(&topology->proxies[0].internal, "10.20.9.20");
    expect_addresses(&topology->edges[0].fqdn.addresses, "10.20.8.31 10.20.8.32");
    assert_int_equal(topology->services[0].profile, TOPOLOGY_OFFICE_WEB);
    expect_name(topology->services[0].fqdn.name, "oos.example.com.");
    assert_true(topology->deployments[0].outside[0] && topology->deployments[0].outside[1]);
    world_clear(&world);
}

static void test_roles(void **state)
{
    (void)state;
    struct world world;
    static const struct {
        const char *sample;
        const char *address;
        unsigned roles;
    } cases[] = {
        {"harbor", "10.10.1.20", TOPOLOGY_ROLE_NODE | TOPOLOGY_ROLE_WEB_INTERNAL},
        {"harbor", "192.0.2.20", TOPOLOGY_ROLE_RP_PUBLIC},
        {"harbor", "10.10.9.20", TOPOLOGY_ROLE_RP_INTERNAL},
        {"harbor", "10.10.9.30", TOPOLOGY_ROLE_EDGE_INTERNAL},
        {"harbor", "192.0.2.22", TOPOLOGY_ROLE_EDGE_WEBCON},
        {"harbor", "192.0.2.99", 0},
        {"meridian", "10.20.1.10", TOPOLOGY_ROLE_DIRECTOR_WEB_INTERNAL},
        {"meridian", "10.20.2.10", TOPOLOGY_ROLE_WEB_INTERNAL},
        {"meridian", "10.20.2.11", TOPOLOGY_ROLE_NODE},
        {"meridian", "10.20.1.9", TOPOLOGY_ROLE_WEB_EXTERNAL_VIP},
        {"meridian", "2001:db8:b:20::21", TOPOLOGY_ROLE_RP_PUBLIC},
        {"meridian", "198.51.100.32", TOPOLOGY_ROLE_EDGE_ACCESS},
        {"meridian", "10.20.5.10", TOPOLOGY_ROLE_SERVICE},
        {"services", "192.0.2.1", TOPOLOGY_ROLE_RP_PUBLIC | TOPOLOGY_ROLE_SERVICE},
        {"pools", "10.0.3.1", TOPOLOGY_ROLE_NODE | TOPOLOGY_ROLE_WEB_INTERNAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address;
        world_read_sample(&world, cases[i].sample);
        assert_int_equal(address_from_text(cases[i].address, strlen(cases[i].address), &address), STATUS_OK);
        assert_int_equal(topology_roles(world.topology, &address), cases[i].roles);
        world_clear(&world);
    }
}

/* P10: [sip-domain] over [autodiscover], key by key. */
static void test_domains(void **state)
{
    (void)state;
    static const char text[] = "[view out]\nclients = any\n"
                               "[view in]\nclients = 10.0.0.0/8\n"
                               "[autodiscover a]\n"
                               "sip-domains = A.example, b.example\n"
                               "internal-views = in\n"
                               "mobility = no\nfederation = no\nphones = yes\nstate = hybrid\ncloud = dod\n"
                               "meet = conf\nlyncdiscover-form = cname\ndialin = d.a.example\nadmin = none\n"
                               "internal-only = sql*.a.example\n"
                               "internal-web = se.a.example 10.0.0.1\n"
                               "external-web = web.a.example 192.0.2.1\n"
                               "[sip-domain B.Example.]\n"
                               "mobility = yes\nfederation = yes\nphones = no\nstate = onprem\ncloud = china\n"
                               "meet = m.b.example\nlyncdiscover-form = address\npublish = no\n"
                               "[edge e]\naccess = 192.0.2.21\nhomes = b.example\n";
    struct world world;
    world_read(&world, text, sizeof text - 1);
    const struct topology_domain *a = &world.topology->domains[0];
    const struct topology_domain *b = &world.topology->domains[1];
    assert_true(a->publish && !a->mobility && !a->federation && a->phones && a->lyncdiscover_cname);
    assert_true(!b->publish && b->mobility && b->federation && !b->phones && !b->lyncdiscover_cname);
    assert_int_equal(a->state, TOPOLOGY_HYBRID);
    assert_int_equal(b->state, TOPOLOGY_ONPREM);
    assert_int_equal(a->cloud, TOPOLOGY_DOD);
    assert_int_equal(b->cloud, TOPOLOGY_CHINA);
    assert_string_equal(a->meet.label, "conf");
    assert_null(b->meet.label);
    expect_name(b->meet.name, "m.b.example.");
    assert_true(b->has_own_meet && !a->has_own_meet);
    assert_int_equal(a->edge, TOPOLOGY_NONE);
    assert_int_equal(b->edge, 0);
    assert_int_equal(a->access.count, 0);
    assert_false(world.topology->edges[0].has_hybrid);
    assert_null(world.topology->deployments[0].admin.name);
    assert_string_equal(world.topology->deployments[0].internal_only->values[0].text, "sql*.a.example");
    assert_int_equal(b->line, 6);
    world_clear(&world);
}

/* No facts at all. */
static void test_empty(void **state)
{
    (void)state;
    static const char text[] = "[view out]\nclients = any\n";
    struct world world;
    struct autodiscover *list;
    world_read(&world, text, sizeof text - 1);
    assert_int_equal(world.topology->deployment_count, 0);
    assert_int_equal(autodiscover_synthesise(world.topology, 0, &world.diag, &list), STATUS_OK);
    assert_int_equal(list->count, 0);
    autodiscover_free(list);
    assert_int_equal(autodiscover_internal_only(world.topology, &world.diag, &list), STATUS_OK);
    assert_int_equal(list->count, 0);
    autodiscover_free(list);
    topology_free(NULL);
    autodiscover_free(NULL);
    world_clear(&world);
}

/* The longest domain that a line of policy.conf holds still leaves room for every name below it. */
static void test_long_names(void **state)
{
    (void)state;
    static const char format[] = "[view out]\nclients = any\n[view in]\nclients = 10.0.0.0/8\n[autodiscover a]\n"
                                 "sip-domains=%.62s.%.62s.%.59s\ninternal-views = in\ndialin = d.example\n"
                                 "internal-web = se.example 10.0.0.1\nexternal-web = web.example 192.0.2.1\n"
                                 "[edge e]\naccess = 192.0.2.9\naccess-name = %.63s\n";
    char label[64];
    char text[2000];
    struct world world;
    struct autodiscover *list;
    memset(label, 'n', sizeof label - 1);
    label[sizeof label - 1] = '\0';
    int length = snprintf(text, sizeof text, format, label, label, label, label);
    assert_true(length > 0 && (size_t)length < sizeof text);
    world_read(&world, text, (size_t)length);
    assert_int_equal(autodiscover_synthesise(world.topology, 0, &world.diag, &list), STATUS_OK);
    assert_true(list->count > 5);
    autodiscover_free(list);
    world_clear(&world);
}

#ifdef SPLITVIEW_TORTURE
/* Each allocation fails in turn: a status, no leak. */
static void test_memory(void **state)
{
    (void)state;
    struct world world;
    world_read_sample(&world, "same-owner");
    enum status status = STATUS_NO_MEMORY;
    for (uint64_t number = 1; status == STATUS_NO_MEMORY; number++) {
        struct topology *topology;
        struct autodiscover *list = NULL;
        memory_fail_from(number);
        status = topology_new(world.policy, &world.diag, &topology);
        if (status == STATUS_OK)
            status = autodiscover_synthesise(topology, 0, &world.diag, &list);
        memory_fail_from(0);
        autodiscover_free(list);
        topology_free(topology);
        assert_true(number < 10000);
    }
    assert_int_equal(status, STATUS_OK);
    world_clear(&world);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harbor),  cmocka_unit_test(test_meridian), cmocka_unit_test(test_roles),
        cmocka_unit_test(test_domains), cmocka_unit_test(test_empty),    cmocka_unit_test(test_long_names),
#ifdef SPLITVIEW_TORTURE
        cmocka_unit_test(test_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

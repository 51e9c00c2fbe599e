/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

static struct policy *read_policy(const char *text)
{
    struct diag diag;
    struct policy *policy;
    diag_init(&diag);
    enum status status = policy_read("policy.conf", text, strlen(text), &diag, &policy);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(diag.count, 0);
    diag_clear(&diag);
    return policy;
}

static void test_views(void **state)
{
    (void)state;
    struct policy *policy = read_policy("[view internal]\n"
                                        "clients = 10.0.0.0/8\n"
                                        "base = internet\n"
                                        "minimal = yes\n"
                                        "default-ttl = 10m\n"
                                        "[view internet]\n"
                                        "clients = any, 192.0.2.0/24\n"
                                        "[view guest]\n"
                                        "clients = 10.200.0.0/16\n"
                                        "side = external\n"
                                        "[view shared]\n"
                                        "[view lab]\n"
                                        "clients = 10.201.0.0/16\n"
                                        "base = shared\n");
    assert_int_equal(policy->view_count, 5);
    const struct policy_view *view = &policy->views[policy_find_view(policy, "internal")];
    assert_int_equal(view->base, policy_find_view(policy, "internet"));
    assert_true(view->minimal);
    assert_false(view->is_external);
    assert_false(view->has_any);
    assert_int_equal(view->default_ttl, 600);
    assert_int_equal(view->line, 1);
    view = &policy->views[policy_find_view(policy, "internet")];
    assert_true(view->is_external && view->has_any && !view->minimal);
    assert_int_equal(view->base, VIEW_NONE);
    assert_int_equal(view->default_ttl, 300);
    assert_int_equal(policy->any_view, policy_find_view(policy, "internet"));
    assert_true(policy->views[policy_find_view(policy, "guest")].is_external);
    assert_false(policy->views[policy_find_view(policy, "shared")].is_external);
    assert_int_equal(policy_find_view(policy, "nobody"), VIEW_NONE);
    policy_free(policy);
}

static enum zone_mode mode_of(const struct policy *policy, const char *apex, const char *view)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size;
    assert_int_equal(name_from_text(apex, strlen(apex), NULL, name, &size), STATUS_OK);
    return policy_zone_mode(policy, name, policy_find_view(policy, view));
}

static void test_modes(void **state)
{
    (void)state;
    struct policy *policy = read_policy("[view internet]\nclients = any\n"
                                        "[view internal]\nclients = 10.0.0.0/8\nbase = internet\n"
                                        "[zone z.example]\nmode = full\nmode.internal = none\n"
                                        "[zone A.example.]\nmode.internet = full\n"
                                        "[zone long]\napex = B.Example\nmode = none\n"
                                        "[zone .]\nmode = none\n");
    assert_int_equal(policy->zone_count, 4);
    assert_int_equal(mode_of(policy, "Z.EXAMPLE", "internet"), ZONE_MODE_FULL);
    assert_int_equal(mode_of(policy, "z.example", "internal"), ZONE_MODE_NONE);
    assert_int_equal(mode_of(policy, "a.example", "internet"), ZONE_MODE_FULL);
    assert_int_equal(mode_of(policy, "a.example", "internal"), ZONE_MODE_DEFAULT);
    assert_int_equal(mode_of(policy, "b.example", "internal"), ZONE_MODE_NONE);
    assert_int_equal(mode_of(policy, ".", "internal"), ZONE_MODE_NONE);
    assert_int_equal(mode_of(policy, "long", "internal"), ZONE_MODE_DEFAULT);
    assert_int_equal(mode_of(policy, "example", "internal"), ZONE_MODE_DEFAULT);
    policy_free(policy);
}

/* What is read and checked but changes nothing yet does not stand in the way. */
static void test_facts(void **state)
{
    (void)state;
    struct policy *policy =
        read_policy("[view internet]\nclients = any\nopen-resolver = no\ncanary = no\norder = fixed\n"
                    "[view internal]\nclients = 10.0.0.0/8\nbase = internet\n"
                    "[zone a.example]\nsplit = www*\nhairpin = *\n"
                    "[autodiscover a]\npublish = no\nsip-domains = a.example\n"
                    "internal-views = internal\n"
                    "internal-web = se.corp.a.example 10.0.0.1\nexternal-web = web.a.example\n"
                    "[proxy rp]\npublic = 192.0.2.1\n"
                    "[network lte]\n[check]\nfail-on = info\n");
    assert_non_null(config_find_section(policy->config, "autodiscover", "a"));
    policy_free(policy);
}

static void test_statuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        size_t errors;
    } cases[] = {
        {"", STATUS_BAD_INPUT, 1},
        {"[view a]\nclients = any\ncanary = yes\nspecial-names = no\n", STATUS_OK, 0},
        {"[view a]\nclients = any\ncanary = yes\n[view b]\n", STATUS_BAD_INPUT, 1},
        {"[view a]\nclients = any\n[view b]\nclients = any\n", STATUS_BAD_INPUT, 1},
        {"[view a]\nclients = 10.0.0.0/8, 10.0.0.0/8\n", STATUS_OK, 0},
        {"[view a]\nclients = 10.0.0.0/8\n[view b]\nclients = 10.0.0.0/8\n", STATUS_BAD_INPUT, 1},
        {"[view a]\nclients = 10.0.0.0/8\n[view b]\nclients = 10.0.0.0/9\n", STATUS_OK, 0},
        {"[view a]\nbase = b\n[view b]\nclients = 10.0.0.0/9\n", STATUS_BAD_INPUT, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct diag diag;
        struct policy *policy;
        diag_init(&diag);
        assert_int_equal(policy_read("policy.conf", cases[i].text, strlen(cases[i].text), &diag, &policy),
                         cases[i].status);
        assert_int_equal(diag.errors, cases[i].errors);
        diag_clear(&diag);
        policy_free(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

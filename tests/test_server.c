/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/own_address.h"
#include "policy/policy.h"
#include "policy/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read `text` as a file of its own. */
static enum status read_server(const char *text, struct server_config **config, struct diag *diag)
{
    char folder[400];
    char path[500];
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/splitview-test-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/splitview.conf", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    enum status status = server_config_read(path, diag, config);
    unlink(path);
    rmdir(folder);
    return status;
}

static void test_defaults(void **state)
{
    (void)state;
    struct server_config *config;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(read_server("[server]\nlisten = 127.0.0.1\nstore = store\n", &config, &diag), STATUS_OK);
    assert_int_equal(diag.count, 0);
    assert_int_equal(config->listen_count, 1);
    assert_int_equal(config->listen[0].port, 53);
    assert_int_equal(config->listen[0].line, 2);
    assert_string_equal(config->store, "store");
    assert_string_equal(config->zones, "");
    assert_string_equal(config->branch, "main");
    assert_false(config->require_signed);
    assert_string_equal(config->allowed_signers, "");
    assert_string_equal(config->control, "");
    assert_string_equal(config->user, "");
    assert_string_equal(config->group, "");
    assert_string_equal(config->identity, "");
    assert_string_equal(config->query_log_file, "");
    assert_int_equal(config->workers, 0);
    assert_int_equal(config->udp_payload, 1232);
    assert_int_equal(config->tcp_idle_ms, 10000);
    assert_int_equal(config->tcp_clients, 1000);
    assert_int_equal(config->tcp_clients_per_network, 100);
    assert_int_equal(config->receive_buffer, 4 << 20);
    assert_int_equal(config->keep_generations, 16);
    assert_int_equal(config->cache_size, 64 << 20);
    assert_int_equal(config->forward_queries, 10000);
    assert_int_equal(config->forward_queries_per_client, 200);
    assert_true(config->map_size == UINT64_C(64) << 30);
    assert_false(config->query_log);
    server_config_free(config);
    diag_clear(&diag);
}

static void test_all(void **state)
{
    (void)state;
    struct server_config *config;
    struct diag diag;
    diag_init(&diag);
    enum status status = read_server("[server]\n"
                                     "listen = 127.0.0.1@5300, ::1@0 ::1@0\n"
                                     "listen = ::ffff:127.0.0.2\n"
                                     "store = /var/lib/split view\n"
                                     "zones = /srv/zones.git\nbranch = live\nworkers = 256\ncontrol = /run/c.sock\n"
                                     "user = dns\ngroup = dnsgroup\nidentity = ns1\nudp-payload = 512\n"
                                     "tcp-idle = 1m\ntcp-clients = 2\ntcp-clients-per-network = 1\n"
                                     "receive-buffer = 64k\nkeep-generations = 3\nmap-size = 1G\n"
                                     "query-log = yes\nquery-log-file = q.log\n"
                                     "cache-size = 1M\nforward-queries = 5\nforward-queries-per-client = 2\n"
                                     "require-signed = yes\nallowed-signers = who may sign\n",
                                     &config, &diag);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(config->listen_count, 4);
    assert_int_equal(config->listen[0].port, 5300);
    assert_int_equal(config->listen[1].port, 0);
    assert_int_equal(config->listen[3].address.family, 4);
    assert_int_equal(config->listen[3].port, 53);
    assert_string_equal(config->store, "/var/lib/split view");
    assert_string_equal(config->branch, "live");
    assert_true(config->require_signed);
    assert_string_equal(config->allowed_signers, "who may sign");
    assert_int_equal(config->workers, 256);
    assert_int_equal(config->tcp_idle_ms, 60000);
    assert_int_equal(config->receive_buffer, 65536);
    assert_int_equal(config->cache_size, 1 << 20);
    assert_int_equal(config->forward_queries, 5);
    assert_int_equal(config->forward_queries_per_client, 2);
    assert_true(config->map_size == UINT64_C(1) << 30);
    assert_true(config->query_log);
    assert_string_equal(config->query_log_file, "q.log");
    server_config_free(config);
    diag_clear(&diag);
}

/* [fe80::1] needs an interface, which no address of ours has. */
static void test_link_local(void **state)
{
    (void)state;
    static const char *const bad[] = {"fe80::1", "fe80::1@5300", "febf::1"};
    struct server_config *config;
    struct diag diag;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[128];
        diag_init(&diag);
        snprintf(text, sizeof text, "[server]\nstore = store\nlisten = 127.0.0.1\nlisten = %s\n", bad[i]);
        assert_int_equal(read_server(text, &config, &diag), STATUS_BAD_INPUT);
        assert_int_equal(diag.errors, 1);
        assert_int_equal(diag.messages[0].line, 4);
        assert_non_null(strstr(diag.messages[0].text, bad[i]));
        assert_non_null(strstr(diag.messages[0].text, "link-local"));
        assert_non_null(strstr(diag.messages[0].text, "scope"));
        diag_clear(&diag);
    }
    diag_init(&diag);
    assert_int_equal(read_server("[server]\nstore = store\nlisten = fec0::1, 169.254.1.1\n", &config, &diag),
                     STATUS_OK);
    server_config_free(config);
    diag_clear(&diag);
}

static void test_no_file(void **state)
{
    (void)state;
    struct server_config *config;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(server_config_read("/nonexistent/splitview.conf", &diag, &config), STATUS_IO);
    assert_null(config);
    assert_int_equal(diag.errors, 1);
    assert_int_equal(server_config_read("/", &diag, &config), STATUS_IO);
    assert_int_equal(diag.errors, 2);
    diag_clear(&diag);
}

/* An upstream that is the server itself. */
static void check_own(const char *listen, const char *servers, const char *wanted)
{
    struct server_config *config;
    struct policy *policy = NULL;
    struct diag diag;
    char text[500];

    diag_init(&diag);
    snprintf(text, sizeof text, "[server]\nstore = store\nlisten = %s\n", listen);
    assert_int_equal(read_server(text, &config, &diag), STATUS_OK);
    snprintf(text, sizeof text, "[view lan]\nclients = 10.0.0.0/8\nforward = u\n[upstream u]\nservers = %s\n", servers);
    assert_int_equal(policy_read("policy.conf", text, strlen(text), &diag, &policy), STATUS_OK);
    own_address_check(policy, config, "splitview.conf", SEVERITY_ERROR, &diag);
    assert_int_equal(diag.errors, wanted == NULL ? 0 : 1);
    if (wanted != NULL) {
        snprintf(text, sizeof text,
                 "[upstream u] servers: found %s, wanted another address than this server's own (splitview.conf:3)",
                 wanted);
        assert_string_equal(diag.messages[0].text, text);
        assert_string_equal(diag.messages[0].file, "policy.conf");
        assert_int_equal(diag.messages[0].line, 5);
    }
    policy_free(policy);
    server_config_free(config);
    diag_clear(&diag);
}

static void test_own_address(void **state)
{
    static const struct {
        const char *listen;
        const char *servers;
        const char *wanted; /* NULL: no error */
    } cases[] = {
        {"192.0.2.1", "192.0.2.2", NULL},
        {"192.0.2.1", "192.0.2.1", "192.0.2.1@53"},
        {"192.0.2.1, 192.0.2.1@5300", "192.0.2.2, 192.0.2.1@5300", "192.0.2.1@5300"},
        {"192.0.2.1", "192.0.2.1@5300", NULL},
        {"192.0.2.1@0", "192.0.2.1", NULL},
        {"2001:db8::1", "2001:DB8:0::1@53", "2001:db8::1@53"},
        {"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1@53"},
        /* all addresses: those that are easily known to be ours */
        {"0.0.0.0", "127.0.0.53", "127.0.0.53@53"},
        {"0.0.0.0", "127.0.0.53@54", NULL},
        {"0.0.0.0", "192.0.2.1", NULL},
        {"0.0.0.0", "::1", NULL},
        {"::", "::1", "::1@53"},
        {"::", "127.0.0.1", NULL},
        {"0.0.0.0", "0.0.0.0", "0.0.0.0@53"},
        {"127.0.0.1", "0.0.0.0", "0.0.0.0@53"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_own(cases[i].listen, cases[i].servers, cases[i].wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_address), cmocka_unit_test(test_defaults), cmocka_unit_test(test_all),
        cmocka_unit_test(test_link_local),  cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No memory is allocated between the receive and the send of a local answer: every call of the allocator is counted
 * while queries of every kind are answered, by the spine alone and by whole UDP batches over real sockets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/listen.h"
#include "resolver/serve.h"
#include "resolver/udp.h"
#include "tests/tree.h"
#include "tests/wire.h"
#include "zones/memory.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- counting ---- */

static volatile bool counting;
static volatile unsigned allocations;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

static void note(void)
{
    if (counting)
        allocations++;
}

#ifdef SANITIZED
/* The sanitizers have an allocator of their own, and a way to listen to it. */
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    (void)size;
    note();
}

static void on_free(const volatile void *block)
{
    (void)block;
}

static void install(void)
{
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
/* In place of the library's, also for the libraries that were linked. Blocks go back by its own free. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    note();
    return __libc_realloc(old, size);
}

static void install(void)
{
}
#endif

static void begin(void)
{
    allocations = 0;
    counting = true;
}

static unsigned end(void)
{
    counting = false;
    return allocations;
}

/* ---- what is served ---- */

static const char policy[] = "[view local]\nclients = 127.0.0.0/8\n";

static const char zone[] = "$TTL 300\n"
                           "@ SOA ns hostmaster 1 7200 900 1209600 60\n"
                           "@ NS ns\n"
                           "ns A 192.0.2.1\n"
                           "www A 192.0.2.2\n"
                           "www AAAA 2001:db8::2\n"
                           "alias CNAME chain\n"
                           "chain CNAME www\n"
                           "away CNAME www.elsewhere.test.\n"
                           "mail MX 10 www\n"
                           "_sip._tls SRV 0 0 443 www\n"
                           "*.wild A 192.0.2.3\n"
                           "child NS ns.child\n"
                           "ns.child A 192.0.2.4\n"
                           "tree DNAME www.example.test.\n"
                           "empty.below.here A 192.0.2.5\n";

struct fixture {
    struct tree tree;
    struct store *store;
    struct generation *generation;
    struct settings *settings;
    struct counters counters;
    struct serve serve;
    struct udp_batch *batch;
};

static char no_text[] = "";
static char null_device[] = "/dev/null";

static struct server_config make_config(bool query_log)
{
    return (struct server_config){
        .identity = no_text,
        .udp_payload = 1232,
        .tcp_idle_ms = 10000,
        .tcp_clients = 10,
        .tcp_clients_per_network = 10,
        .receive_buffer = 1 << 20,
        .query_log = query_log,
        .query_log_file = null_device,
    };
}

static void write_zone(const struct tree *tree)
{
    static char text[16384];
    size_t used = (size_t)snprintf(text, sizeof text, "%s", zone);

    for (int i = 0; i < 100; i++) /* more than fits into a datagram */
        used += (size_t)snprintf(text + used, sizeof text - used, "big TXT \"%d this is one of many records\"\n", i);
    tree_write(tree, "local/example.test.zone", text);
    tree_write(tree, "policy.conf", policy);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct server_config config = make_config(false);
    struct publish_result result;
    struct diag diag;

    diag_init(&diag);
    tree_init(&fixture->tree);
    write_zone(&fixture->tree);
    enum status status = tree_publish(&fixture->tree, true, &result, &diag);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    fixture->store = tree_open_reader(&fixture->tree);
    assert_int_equal(generation_load(fixture->store, &diag, &fixture->generation), STATUS_OK);
    assert_int_equal(settings_new(&config, &diag, &fixture->settings), STATUS_OK);
    serve_init(&fixture->serve, fixture->settings, &fixture->counters);
    serve_adopt(&fixture->serve, fixture->generation);
    fixture->batch = udp_batch_new();
    assert_non_null(fixture->batch);
    diag_clear(&diag);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    udp_batch_free(fixture->batch);
    serve_clear(&fixture->serve);
    settings_release(fixture->settings);
    assert_true(generation_release(fixture->generation));
    generation_free(fixture->generation);
    store_close(fixture->store);
    tree_clear(&fixture->tree);
    free(fixture);
    return 0;
}

/* ---- questions ---- */

static const struct row {
    const char *name;
    uint16_t type;
    uint8_t rcode;
    const char *what;
} rows[] = {
    {"www.example.test", 1, 0, "an address"},
    {"WWW.example.TEST", 28, 0, "an address, in another case"},
    {"example.test", 6, 0, "the SOA"},
    {"www.example.test", 16, 0, "NODATA"},
    {"below.here.example.test", 1, 0, "an empty non-terminal"},
    {"none.example.test", 1, 3, "NXDOMAIN"},
    {"alias.example.test", 1, 0, "a chain of CNAMEs"},
    {"away.example.test", 1, 0, "a CNAME that leaves"},
    {"mail.example.test", 15, 0, "MX with additional data"},
    {"_sip._tls.example.test", 33, 0, "SRV with additional data"},
    {"any.wild.example.test", 1, 0, "a wildcard"},
    {"deep.child.example.test", 1, 0, "a referral with glue"},
    {"x.tree.example.test", 1, 3, "a DNAME"},
    {"big.example.test", 16, 0, "more than fits"},
    {"www.example.test", 255, 0, "ANY"},
    {"www.example.test", 252, 5, "AXFR"},
    {"www.elsewhere.test", 1, 5, "a name of nobody"},
};

#define ROWS (sizeof rows / sizeof rows[0])

static struct client make_client(const char *source, enum transport transport)
{
    struct client client = {.source_port = 12345, .listen_port = 53, .transport = transport};

    assert_int_equal(address_from_text(source, strlen(source), &client.source), STATUS_OK);
    assert_int_equal(address_from_text("127.0.0.1", 9, &client.listen), STATUS_OK);
    return client;
}

static void test_counts(void **state)
{
    void *volatile block;

    (void)state;
    begin();
    block = malloc(17);
    assert_int_equal(end(), 1);
    block = realloc(block, 4711);
    free(block);
    begin();
    block = memory_alloc(1);
    assert_int_equal(end(), 1);
    memory_free(block);
    assert_int_equal(allocations, 1);
}

static unsigned answer_counted(struct fixture *fixture, const struct client *client, const uint8_t *query, size_t size,
                               uint8_t *rcode)
{
    static uint8_t reply[MESSAGE_SIZE_MAX];

    begin();
    size_t written = serve_query(&fixture->serve, client, query, size, reply, sizeof reply);
    serve_flush(&fixture->serve);
    unsigned count = end();
    assert_true(written >= MESSAGE_HEADER_SIZE);
    *rcode = reply[3] & 15;
    return count;
}

static void answer_all(struct fixture *fixture)
{
    struct client clients[] = {make_client("127.0.0.1", TRANSPORT_UDP), make_client("127.0.0.1", TRANSPORT_TCP),
                               make_client("192.0.2.99", TRANSPORT_UDP)};

    for (size_t i = 0; i < ROWS; i++) {
        uint8_t query[WIRE_QUERY_MAX];
        uint8_t rcode;
        size_t size = wire_query(1, rows[i].name, rows[i].type, query);
        for (size_t k = 0; k < 3; k++) {
            unsigned count = answer_counted(fixture, &clients[k], query, size, &rcode);
            if (count != 0 || rcode != (k == 2 ? 5 : rows[i].rcode))
                fail_msg("%s: %u allocations, rcode %u", rows[i].what, count, rcode);
        }
        /* Cut short: FORMERR. */
        assert_int_equal(answer_counted(fixture, &clients[0], query, size - 1, &rcode), 0);
        assert_int_equal(rcode, 1);
    }
}

static void test_spine(void **state)
{
    answer_all(*state);
}

static void test_query_log(void **state)
{
    struct fixture *fixture = *state;
    struct server_config with_log = make_config(true);
    struct settings *settings;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(settings_new(&with_log, &diag, &settings), STATUS_OK);
    serve_configure(&fixture->serve, settings);
    answer_all(fixture);
    settings_hold(fixture->settings);
    serve_configure(&fixture->serve, fixture->settings);
    diag_clear(&diag);
}

/* ---- batches ---- */

static int connect_client(const char *address, uint16_t port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval deadline = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline), 0);
    return fd;
}

/* Send all rows, take them in one batch, look at all replies. Sending over loopback puts a datagram into the receiver's
 * buffer before it returns. */
static void exchange(struct fixture *fixture, const struct listener *listener, int fd)
{
    uint8_t queries[ROWS][WIRE_QUERY_MAX];
    uint8_t reply[4096];
    size_t sizes[ROWS];

    for (size_t i = 0; i < ROWS; i++) {
        sizes[i] = wire_query((uint16_t)i, rows[i].name, rows[i].type, queries[i]);
        assert_int_equal(send(fd, queries[i], sizes[i], 0), sizes[i]);
    }
    begin();
    size_t taken = udp_receive(fixture->batch, listener->udp[0], listener, &fixture->serve);
    unsigned count = end();
    assert_int_equal(taken, ROWS);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < ROWS; i++) {
        ssize_t size = recv(fd, reply, sizeof reply, 0);
        assert_true(size > 0 && wire_is_reply(queries[i], sizes[i], reply, (size_t)size));
        assert_int_equal(reply[3] & 15, rows[i].rcode);
    }
}

static void check_batch(struct fixture *fixture, const char *listen_address, const char *asked)
{
    struct server_config config = make_config(false);
    struct server_listen listen = {.port = 0};
    struct listen_set set;
    struct diag diag;

    diag_init(&diag);
    assert_int_equal(address_from_text(listen_address, strlen(listen_address), &listen.address), STATUS_OK);
    config.listen = &listen;
    config.listen_count = 1;
    assert_int_equal(listen_open(&config, 1, &diag, &set), STATUS_OK);
    int fd = connect_client(asked, set.listeners[0].port);
    for (int i = 0; i < 3; i++)
        exchange(fixture, &set.listeners[0], fd);
    close(fd);
    listen_close(&set);
    diag_clear(&diag);
}

static void test_batch(void **state)
{
    check_batch(*state, "127.0.0.1", "127.0.0.1");
}

static void test_batch_wildcard(void **state)
{
    check_batch(*state, "0.0.0.0", "127.0.0.7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts), cmocka_unit_test(test_spine),          cmocka_unit_test(test_query_log),
        cmocka_unit_test(test_batch),  cmocka_unit_test(test_batch_wildcard),
    };

    install();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

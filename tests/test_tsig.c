/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed queries through the whole spine; ldns signs them and checks the replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resolver/hmac.h"
#include "resolver/keyring.h"
#include "tests/support_server.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char zone[] = "$TTL 60\n@ SOA ns h 1 2 3 4 60\n NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n";

#define SECRET       "c2VjcmV0IGZvciB0aGUgdGVzdHMgb25seS4uLg=="
#define OTHER_SECRET "YW5vdGhlciBzZWNyZXQgZm9yIHRoZSB0ZXN0cw=="

static const char key_text[] = "; keys of the tests\n\n"
                               "inside.key  hmac-sha256 " SECRET "\n"
                               "  Old.Key.\tHMAC-SHA1. " SECRET "\r\n"
                               "# the last\n"
                               "www.x hmac-sha512 " SECRET;

struct fixture {
    struct support_server server;
    struct keyring *keyring;
    struct query query;
    uint8_t reply[MESSAGE_SIZE_MAX];
    char folder[64];
};

/* ---- files ---- */

static void write_keys(const struct fixture *fixture, const char *name, const char *text, size_t size, mode_t mode,
                       char path[128])
{
    snprintf(path, 128, "%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static void make_folder(struct fixture *fixture)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(fixture->folder, sizeof fixture->folder, "%.40s/tsig.XXXXXX", temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(fixture->folder));
}

static void remove_folder(const struct fixture *fixture)
{
    static const char *const names[] = {"keys", "more", "bad"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", fixture->folder, names[i]);
        unlink(path);
    }
    rmdir(fixture->folder);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char path[128];
    const char *paths[] = {path};
    struct diag diag;
    diag_init(&diag);
    make_folder(fixture);
    write_keys(fixture, "keys", key_text, sizeof key_text - 1, 0640, path);
    enum status status = keyring_read(paths, 1, &diag, &fixture->keyring);
    diag_print(&diag, stderr);
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(diag.count, 0);
    diag_clear(&diag);
    support_server_init(&fixture->server);
    for (unsigned view = 0; view < SUPPORT_VIEWS; view++)
        support_add_zone(&fixture->server.worlds[view], "x", zone, sizeof zone - 1);
    support_server_finish(&fixture->server);
    fixture->server.env.keys = fixture->keyring;
    fixture->server.env.now = (uint64_t)time(NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    remove_folder(fixture);
    keyring_free(fixture->keyring);
    support_server_clear(&fixture->server);
    free(fixture);
    return 0;
}

/* ---- digests ---- */

static void read_hex(const char *text, uint8_t *bytes, size_t *size)
{
    *size = support_hex(text, bytes, 160);
}

/* RFC 4231 4.2, 4.3, 4.7 and RFC 2202 3. */
static void digests_are_those_of_the_rfcs(void **state)
{
    (void)state;
    static const struct {
        enum hmac_algorithm algorithm;
        const char *key;
        const char *data;
        const char *mac;
    } rows[] = {
        {HMAC_SHA1, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b617318655057264e28bc0b6fb378c8ef146be00"},
        {HMAC_SHA1, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {HMAC_SHA224, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
        {HMAC_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {HMAC_SHA256, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {HMAC_SHA384, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
        {HMAC_SHA512, "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a"
         "6b4b636e070a38bce737"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t key[160];
        uint8_t data[160];
        uint8_t wanted[160];
        uint8_t mac[HMAC_SIZE_MAX];
        size_t key_size;
        size_t size;
        size_t wanted_size;
        struct hmac *hmac;
        read_hex(rows[i].key, key, &key_size);
        read_hex(rows[i].data, data, &size);
        read_hex(rows[i].mac, wanted, &wanted_size);
        assert_int_equal(hmac_new(rows[i].algorithm, key, key_size, &hmac), STATUS_OK);
        /* In two pieces, and twice: a key can be used again. */
        const struct hmac_piece pieces[] = {{data, 3}, {data + 3, size - 3}};
        for (unsigned k = 0; k < 2; k++) {
            assert_true(hmac_compute(hmac, pieces, 2, mac));
            assert_int_equal(hmac_size(rows[i].algorithm), wanted_size);
            assert_memory_equal(mac, wanted, wanted_size);
        }
        hmac_free(hmac);
    }
}

/* ---- the files of keys ---- */

static void keys_are_read_and_found(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *name;
        bool found;
        enum hmac_algorithm algorithm;
    } rows[] = {{"inside.key", true, HMAC_SHA256},
                {"INSIDE.Key", true, HMAC_SHA256},
                {"old.key", true, HMAC_SHA1},
                {"www.x", true, HMAC_SHA512},
                {"key", false, HMAC_SHA1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t name[NAME_SIZE_MAX];
        size_t size;
        assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), NULL, name, &size), STATUS_OK);
        const struct keyring_key *key = keyring_find(fixture->keyring, name);
        assert_int_equal(key != NULL, rows[i].found);
        if (key != NULL)
            assert_int_equal(key->algorithm, rows[i].algorithm);
    }
}

/* Each is refused (or, the last one, warned of), with its line and without its secret. */
static void bad_files_are_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        unsigned mode;
        const char *message;
        uint32_t line;
    } rows[] = {
        {"a hmac-sha256 " SECRET "\n", 0644, "found mode 0644", 0},
        {"a hmac-sha256 " SECRET "\n", 0660, "found mode 0660", 0},
        {"\na hmac-sha256\n", 0600, "found 2 words", 2},
        {"a hmac-md5 " SECRET "\n", 0600, "found hmac-md5, wanted an algorithm", 1},
        {"a..b hmac-sha256 " SECRET "\n", 0600, "found a..b, wanted a key's name", 1},
        {"a hmac-sha256 c2Vj*mV0\n", 0600, "found a secret that cannot be read", 1},
        {"a hmac-sha256 c2VjY\n", 0600, "found a secret that cannot be read", 1},
        {"a hmac-sha256 ====\n", 0600, "found a secret that cannot be read", 1},
        {"a hmac-sha256 " SECRET "\nA. hmac-sha1 " SECRET "\n", 0600, "found the key a. again", 2},
        {"a hmac-sha256 c2VjcmV0\n", 0600, "found a secret of 6 bytes, wanted at least 16", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[128];
        const char *paths[] = {path};
        struct diag diag;
        struct keyring *keyring;
        diag_init(&diag);
        write_keys(fixture, "bad", rows[i].text, strlen(rows[i].text), rows[i].mode, path);
        enum status status = keyring_read(paths, 1, &diag, &keyring);
        bool is_warning = i + 1 == sizeof rows / sizeof rows[0];
        assert_int_equal(status, is_warning ? STATUS_OK : STATUS_BAD_INPUT);
        assert_int_equal(diag.count, 1);
        assert_int_equal(diag.messages[0].line, rows[i].line);
        if (strstr(diag.messages[0].text, rows[i].message) == NULL || strstr(diag.messages[0].text, "c2V") != NULL)
            fail_msg("%s", diag.messages[0].text);
        keyring_free(keyring);
        diag_clear(&diag);
        unlink(path);
    }
}

/* ---- queries ---- */

struct signing {
    const char *name;
    const char *algorithm;
    const char *secret;
};

static const struct signing good = {"inside.key.", "hmac-sha256.", SECRET};

static uint8_t *sign_query(const struct signing *signing, const char *qname, bool edns, size_t *size, ldns_rdf **mac)
{
    ldns_pkt *packet = ldns_pkt_query_new(ldns_dname_new_frm_str(qname), LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, LDNS_RD);
    ldns_pkt_set_id(packet, 4660);
    if (edns)
        ldns_pkt_set_edns_udp_size(packet, 1232);
    assert_int_equal(ldns_pkt_tsig_sign(packet, signing->name, signing->secret, 300, signing->algorithm, NULL),
                     LDNS_STATUS_OK);
    *mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(packet), 3));
    uint8_t *wire;
    assert_int_equal(ldns_pkt2wire(&wire, packet, size), LDNS_STATUS_OK);
    ldns_pkt_free(packet);
    return wire;
}

static size_t answer(struct fixture *fixture, const uint8_t *wire, size_t size, const char *transport)
{
    struct client client = support_client("192.0.2.1", transport);
    size_t capacity = client.transport == TRANSPORT_UDP ? 1232 : sizeof fixture->reply;
    uint8_t *exact = malloc(size);
    memcpy(exact, wire, size);
    size_t written =
        query_answer(&fixture->server.env, &client, exact, size, fixture->reply, capacity, &fixture->query);
    free(exact);
    return written;
}

static unsigned tsig_error(const ldns_pkt *packet)
{
    return ldns_pkt_tsig(packet) == NULL ? 9999 : ldns_rdf2native_int16(ldns_rr_rdf(ldns_pkt_tsig(packet), 5));
}

/* The reply's rcode and TSIG error, and whether it is signed with `signing`. */
static void check_reply(const struct fixture *fixture, size_t size, const struct signing *signing, ldns_rdf *mac,
                        unsigned rcode, unsigned error, bool is_signed)
{
    ldns_pkt *packet;
    assert_int_equal(ldns_wire2pkt(&packet, fixture->reply, size), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_get_rcode(packet), rcode);
    assert_int_equal(tsig_error(packet), error);
    bool verified = ldns_pkt_tsig_verify(packet, fixture->reply, size, signing->name, signing->secret, mac);
    assert_int_equal(verified, is_signed);
    ldns_pkt_free(packet);
}

static void a_good_query_gets_a_signed_reply(void **state)
{
    struct fixture *fixture = *state;
    static const struct signing signings[] = {{"inside.key.", "hmac-sha256.", SECRET},
                                              {"INSIDE.key.", "hmac-sha256.", SECRET},
                                              {"old.key.", "hmac-sha1.", SECRET}};
    static const struct {
        const char *name;
        unsigned rcode;
    } questions[] = {{"www.x.", 0}, {"none.x.", 3}, {"elsewhere.", 5}};
    for (size_t i = 0; i < sizeof signings / sizeof signings[0]; i++)
        for (size_t k = 0; k < 12; k++) {
            size_t size;
            ldns_rdf *mac;
            uint8_t *wire = sign_query(&signings[i], questions[k % 3].name, k % 2 == 0, &size, &mac);
            size_t written = answer(fixture, wire, size, k < 6 ? "udp" : "tcp");
            check_reply(fixture, written, &signings[i], mac, questions[k % 3].rcode, 0, true);
            assert_non_null(fixture->query.tsig.key);
            ldns_rdf_deep_free(mac);
            free(wire);
        }
}

/* Nothing signed is remembered: without its key the same bytes are worth nothing. */
static void a_signed_reply_is_not_repeated(void **state)
{
    struct fixture *fixture = *state;
    struct support_worker worker;
    struct client client = support_client("192.0.2.1", "udp");
    size_t size;
    ldns_rdf *mac;
    uint8_t *wire = sign_query(&good, "www.x.", false, &size, &mac);
    support_worker_init(&worker, &fixture->server.env);
    size_t written = support_worker_ask(&worker, &client, wire, size, fixture->reply, 1232);
    check_reply(fixture, written, &good, mac, 0, 0, true);
    worker.serve.env.keys = NULL;
    support_worker_ask(&worker, &client, wire, size, fixture->reply, 1232);
    assert_int_equal(fixture->reply[3] & 15, RCODE_NOTAUTH);
    support_worker_clear(&worker);
    ldns_rdf_deep_free(mac);
    free(wire);
}

/* The name of the key is compressed: it is in the question already. */
static void a_compressed_key_name_is_read(void **state)
{
    struct fixture *fixture = *state;
    static const struct signing signing = {"x.", "hmac-sha256.", SECRET};
    char path[128];
    const char *paths[] = {path};
    struct diag diag;
    struct keyring *keyring;
    diag_init(&diag);
    write_keys(fixture, "more", "x hmac-sha256 " SECRET "\n", sizeof "x hmac-sha256 " SECRET, 0600, path);
    assert_int_equal(keyring_read(paths, 1, &diag, &keyring), STATUS_OK);
    fixture->server.env.keys = keyring;
    size_t size;
    ldns_rdf *mac;
    uint8_t *wire = sign_query(&signing, "www.x.", false, &size, &mac);
    /* www.x. is 7 bytes at offset 12; the owner x. behind the question, at 23, is a pointer into it. */
    bool is_pointer = memcmp(wire + 23, "\xc0\x10", 2) == 0;
    size_t written = answer(fixture, wire, size, "udp");
    check_reply(fixture, written, &signing, mac, 0, 0, true);
    /* One that leads forward or to itself is none. */
    wire[24] = 23;
    answer(fixture, wire, size, "udp");
    assert_int_equal(fixture->reply[3] & 15, RCODE_FORMERR);
    wire[24] = 24;
    answer(fixture, wire, size, "udp");
    assert_int_equal(fixture->reply[3] & 15, RCODE_FORMERR);
    fixture->server.env.keys = fixture->keyring;
    keyring_free(keyring);
    ldns_rdf_deep_free(mac);
    free(wire);
    diag_clear(&diag);
    assert_true(is_pointer);
}

static void wrong_keys_and_digests(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        struct signing signing;
        unsigned error;
    } rows[] = {{{"nobody.key.", "hmac-sha256.", SECRET}, TSIG_BADKEY},
                {{"inside.key.", "hmac-sha1.", SECRET}, TSIG_BADKEY},
                {{"inside.key.", "hmac-sha256.", OTHER_SECRET}, TSIG_BADSIG}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        ldns_rdf *mac;
        uint8_t *wire = sign_query(&rows[i].signing, "www.x.", true, &size, &mac);
        size_t written = answer(fixture, wire, size, "udp");
        check_reply(fixture, written, &rows[i].signing, mac, RCODE_NOTAUTH, rows[i].error, false);
        assert_int_equal(fixture->query.view.view, VIEW_NONE);
        assert_int_equal(fixture->reply[6] | fixture->reply[7], 0);
        ldns_rdf_deep_free(mac);
        free(wire);
    }
}

/* Every octet that is signed matters. */
static void a_changed_query_is_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t size;
    ldns_rdf *mac;
    uint8_t *wire = sign_query(&good, "www.x.", true, &size, &mac);
    for (size_t i = 12; i < size; i++) {
        if (i == size - 5 || i == size - 6)
            continue; /* the original ID is signed in place of the ID */
        wire[i] ^= 1;
        size_t written = answer(fixture, wire, size, "udp");
        unsigned rcode = fixture->reply[3] & 15u;
        if (written == 0 || (rcode != RCODE_NOTAUTH && rcode != RCODE_FORMERR && rcode != RCODE_NOERROR))
            fail_msg("octet %zu: rcode %u", i, rcode);
        /* With another type the record is no signature, and the query not a signed one. */
        if (rcode == RCODE_NOERROR && fixture->query.message.tsig.present)
            fail_msg("octet %zu changed nothing", i);
        wire[i] ^= 1;
    }
    wire[0] ^= 0xff;
    answer(fixture, wire, size, "udp");
    assert_int_equal(fixture->reply[3] & 15, RCODE_NOERROR);
    ldns_rdf_deep_free(mac);
    free(wire);
}

static void time_must_be_near(void **state)
{
    struct fixture *fixture = *state;
    uint64_t now = fixture->server.env.now;
    static const struct {
        int64_t skew;
        bool good;
    } rows[] = {{0, true}, {290, true}, {-290, true}, {310, false}, {-310, false}, {100000000, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        ldns_rdf *mac;
        uint8_t *wire = sign_query(&good, "www.x.", true, &size, &mac);
        fixture->server.env.now = now + (uint64_t)rows[i].skew;
        size_t written = answer(fixture, wire, size, "udp");
        if (rows[i].good)
            assert_int_equal(fixture->reply[3] & 15, RCODE_NOERROR);
        else
            check_reply(fixture, written, &good, mac, RCODE_NOTAUTH, TSIG_BADTIME, true);
        if (!rows[i].good) { /* the server's time is the last thing in it */
            uint64_t told = 0;
            for (size_t k = 6; k > 0; k--)
                told = told << 8 | fixture->reply[written - k];
            assert_int_equal(told, fixture->server.env.now);
        }
        ldns_rdf_deep_free(mac);
        free(wire);
    }
    fixture->server.env.now = now;
}

/* A digest cut down to `keep` bytes. */
static size_t cut_mac(const uint8_t *wire, size_t size, size_t whole, size_t keep, uint8_t *cut)
{
    size_t mac = size - 6 - whole;
    memcpy(cut, wire, mac + keep);
    memcpy(cut + mac + keep, wire + mac + whole, 6);
    write_u16(cut + mac - 2, (uint16_t)keep);
    size_t length = mac - 2 - 8 - 13 - 2; /* hmac-sha256. is 13 bytes, hmac-sha1. 11 */
    if (whole == 20)
        length += 2;
    write_u16(cut + length, (uint16_t)(read_u16(cut + length) - (whole - keep)));
    return size - (whole - keep);
}

static void truncated_digests(void **state)
{
    struct fixture *fixture = *state;
    static const struct signing old = {"old.key.", "hmac-sha1.", SECRET};
    static const struct {
        const struct signing *signing;
        size_t whole;
        size_t keep;
        unsigned rcode;
        unsigned error;
    } rows[] = {
        {&good, 32, 32, RCODE_NOERROR, 0},
        {&good, 32, 16, RCODE_NOERROR, 0},
        {&good, 32, 15, RCODE_FORMERR, 9999},
        {&old, 20, 16, RCODE_NOERROR, 0},
        {&old, 20, 12, RCODE_NOTAUTH, TSIG_BADTRUNC},
        {&old, 20, 10, RCODE_NOTAUTH, TSIG_BADTRUNC},
        {&old, 20, 9, RCODE_FORMERR, 9999},
        {&old, 20, 0, RCODE_FORMERR, 9999},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size;
        ldns_rdf *mac;
        uint8_t cut[512];
        uint8_t *wire = sign_query(rows[i].signing, "www.x.", true, &size, &mac);
        size = cut_mac(wire, size, rows[i].whole, rows[i].keep, cut);
        size_t written = answer(fixture, cut, size, "udp");
        ldns_pkt *packet;
        assert_int_equal(ldns_wire2pkt(&packet, fixture->reply, written), LDNS_STATUS_OK);
        if (ldns_pkt_get_rcode(packet) != rows[i].rcode || tsig_error(packet) != rows[i].error)
            fail_msg("row %zu: rcode %d error %u", i, (int)ldns_pkt_get_rcode(packet), tsig_error(packet));
        ldns_pkt_free(packet);
        ldns_rdf_deep_free(mac);
        free(wire);
    }
}

/* The longest question, a long key and all options still fit 512 bytes with the signature. */
static void the_longest_query_fits(void **state)
{
    struct fixture *fixture = *state;
    char name[300];
    memset(name, 'a', sizeof name);
    name[63] = name[127] = name[191] = name[250] = '.';
    strcpy(name + 251, "x.");
    size_t size;
    ldns_rdf *mac;
    uint8_t *wire = sign_query(&good, name, true, &size, &mac);
    size_t written = answer(fixture, wire, size, "udp");
    check_reply(fixture, written, &good, mac, RCODE_NXDOMAIN, 0, true);
    ldns_rdf_deep_free(mac);
    free(wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_rfcs),
        cmocka_unit_test(keys_are_read_and_found),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(a_good_query_gets_a_signed_reply),
        cmocka_unit_test(a_signed_reply_is_not_repeated),
        cmocka_unit_test(a_compressed_key_name_is_read),
        cmocka_unit_test(wrong_keys_and_digests),
        cmocka_unit_test(a_changed_query_is_refused),
        cmocka_unit_test(time_must_be_near),
        cmocka_unit_test(truncated_digests),
        cmocka_unit_test(the_longest_query_fits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/tsig.h"

#include "zones/rrset.h"

#include <assert.h>
#include <string.h>

#define HEADER_SIZE  12
#define TIME_SIZE    8  /* time signed, fudge */
#define FIXED_SIZE   16 /* those, MAC size, original ID, error, other length */
#define RECORD_FIXED 10 /* type, class, TTL, RDATA length */
#define CLOCK_SIZE   6  /* other data with BADTIME: the server's time */

static uint64_t read_u48(const uint8_t *bytes)
{
    return (uint64_t)read_u16(bytes) << 32 | read_u32(bytes + 2);
}

static void write_u48(uint8_t *bytes, uint64_t value)
{
    write_u16(bytes, (uint16_t)(value >> 32));
    write_u32(bytes + 2, (uint32_t)value);
}

bool tsig_parse(size_t start, const uint8_t *rdata, size_t rdata_size, struct tsig *tsig)
{
    size_t size;
    if (name_from_wire(rdata, rdata_size, &size) != STATUS_OK || rdata_size - size < FIXED_SIZE)
        return false;
    size_t mac_size = read_u16(rdata + size + TIME_SIZE);
    if (rdata_size - size - FIXED_SIZE < mac_size)
        return false;
    const uint8_t *mac = rdata + size + TIME_SIZE + 2;
    const uint8_t *behind_mac = mac + mac_size;
    if (rdata_size - size - FIXED_SIZE - mac_size != read_u16(behind_mac + 4))
        return false;
    *tsig = (struct tsig){
        .present = true,
        .start = start,
        .algorithm = rdata,
        .time = rdata + size,
        .mac = mac,
        .mac_size = (uint16_t)mac_size,
        .original_id = read_u16(behind_mac),
        .behind = behind_mac + 2,
    };
    return true;
}

/*
 * The name at `start`, which may be compressed: pointers only lead backwards, each before the place of the last one.
 * false: it is none.
 */
static bool read_name(const uint8_t *wire, size_t start, size_t limit, uint8_t name[NAME_SIZE_MAX])
{
    size_t at = start;
    size_t bound = start;
    size_t size = 0;
    while (at < limit) {
        uint8_t octet = wire[at];
        if ((octet & 0xc0) == 0xc0) {
            size_t target = at + 1 < limit ? (size_t)(octet & 0x3f) << 8 | wire[at + 1] : bound;
            if (target >= bound || target < HEADER_SIZE)
                return false;
            at = target;
            bound = target;
            continue;
        }
        if (octet > NAME_LABEL_MAX || size + 1u + octet > NAME_SIZE_MAX || limit - at < 1u + octet)
            return false;
        memcpy(name + size, wire + at, 1u + octet);
        size += 1u + octet;
        at += 1u + octet;
        if (octet == 0)
            return true;
    }
    return false;
}

/* An algorithm's name in wire form; returns its size. */
static size_t algorithm_name(enum hmac_algorithm algorithm, uint8_t name[NAME_SIZE_MAX])
{
    const char *text = hmac_name(algorithm);
    size_t size;
    enum status status = name_from_text(text, strlen(text), NULL, name, &size);
    assert(status == STATUS_OK);
    (void)status;
    return size;
}

/* The TSIG variables (RFC 8945 4.3.3): key, class, TTL, algorithm, time, fudge, error, other data. */
struct variables {
    uint8_t bytes[NAME_SIZE_MAX * 2 + 6 + TIME_SIZE + 4 + CLOCK_SIZE];
    size_t size;
};

static void put(struct variables *variables, const void *bytes, size_t size)
{
    assert(sizeof variables->bytes - variables->size >= size);
    memcpy(variables->bytes + variables->size, bytes, size);
    variables->size += size;
}

static void make_variables(const struct keyring_key *key, const uint8_t *time, struct variables *variables)
{
    static const uint8_t class_ttl[6] = {0, RRCLASS_ANY};
    uint8_t algorithm[NAME_SIZE_MAX];
    variables->size = 0;
    put(variables, key->name, name_size(key->name));
    put(variables, class_ttl, sizeof class_ttl);
    put(variables, algorithm, algorithm_name(key->algorithm, algorithm));
    put(variables, time, TIME_SIZE);
}

/* ---- queries ---- */

/* As long as RFC 8945 5.2.2.1 lets it be. */
static bool is_mac_size(const struct keyring_key *key, size_t size)
{
    size_t whole = hmac_size(key->algorithm);
    size_t least = whole / 2 > 10 ? whole / 2 : 10;
    return size >= least && size <= whole;
}

static bool is_signed(const struct keyring_key *key, const uint8_t *wire, const struct tsig *tsig)
{
    uint8_t header[HEADER_SIZE];
    uint8_t mac[HMAC_SIZE_MAX];
    struct variables variables;
    memcpy(header, wire, sizeof header);
    write_u16(header, tsig->original_id);
    write_u16(header + 10, (uint16_t)(read_u16(header + 10) - 1));
    make_variables(key, tsig->time, &variables);
    const struct hmac_piece pieces[] = {
        {header, sizeof header},
        {wire + HEADER_SIZE, tsig->start - HEADER_SIZE},
        {variables.bytes, variables.size},
        {tsig->behind, 4u + read_u16(tsig->behind + 2)},
    };
    return hmac_compute(key->hmac, pieces, sizeof pieces / sizeof pieces[0], mac) &&
           hmac_equal(mac, tsig->mac, tsig->mac_size);
}

static bool is_in_time(const struct tsig *tsig, uint64_t now)
{
    uint64_t then = read_u48(tsig->time);
    uint64_t fudge = read_u16(tsig->time + 6);
    return (now > then ? now - then : then - now) <= fudge;
}

static enum tsig_verdict refuse(struct tsig_session *session, enum tsig_error error)
{
    session->error = error;
    return TSIG_REFUSED;
}

/* In the order of RFC 8945 5.2: key, digest, time, truncation. */
enum tsig_verdict tsig_verify(const struct keyring *keyring, const uint8_t *wire, const struct tsig *tsig, uint64_t now,
                              struct tsig_session *session)
{
    uint8_t algorithm[NAME_SIZE_MAX];
    session->key = NULL;
    session->error = TSIG_NOERROR;
    session->now = now;
    session->tsig = tsig;
    if (!read_name(wire, tsig->start, (size_t)(tsig->algorithm - wire), session->name))
        return TSIG_MALFORMED;
    const struct keyring_key *key = keyring_find(keyring, session->name);
    if (key == NULL)
        return refuse(session, TSIG_BADKEY);
    algorithm_name(key->algorithm, algorithm);
    if (!name_equal(algorithm, tsig->algorithm))
        return refuse(session, TSIG_BADKEY);
    if (!is_mac_size(key, tsig->mac_size))
        return TSIG_MALFORMED;
    if (!is_signed(key, wire, tsig))
        return refuse(session, TSIG_BADSIG);
    session->key = key;
    if (!is_in_time(tsig, now))
        return refuse(session, TSIG_BADTIME);
    return tsig->mac_size < TSIG_MAC_MIN ? refuse(session, TSIG_BADTRUNC) : TSIG_GOOD;
}

/* ---- replies ---- */

static size_t other_size(const struct tsig_session *session)
{
    return session->error == TSIG_BADTIME ? CLOCK_SIZE : 0;
}

size_t tsig_reply_size(const struct tsig_session *session)
{
    size_t mac = session->key == NULL ? 0 : hmac_size(session->key->algorithm);
    return name_size(session->name) + RECORD_FIXED + name_size(session->tsig->algorithm) + FIXED_SIZE + mac +
           other_size(session);
}

/* Time signed and fudge. With BADTIME they are the query's, so that the client can check the digest; so they are where
 * nothing is signed. */
static void reply_time(const struct tsig_session *session, uint8_t time[TIME_SIZE])
{
    memcpy(time, session->tsig->time, TIME_SIZE);
    if (session->key == NULL || session->error == TSIG_BADTIME)
        return;
    write_u48(time, session->now);
    write_u16(time + 6, TSIG_FUDGE);
}

static bool make_mac(const struct tsig_session *session, const uint8_t *reply, size_t size, const uint8_t *time,
                     const uint8_t *behind, uint8_t mac[HMAC_SIZE_MAX])
{
    uint8_t mac_size[2];
    struct variables variables;
    write_u16(mac_size, session->tsig->mac_size);
    make_variables(session->key, time, &variables);
    const struct hmac_piece pieces[] = {
        {mac_size, sizeof mac_size},
        {session->tsig->mac, session->tsig->mac_size},
        {reply, size},
        {variables.bytes, variables.size},
        {behind, 4 + other_size(session)},
    };
    return hmac_compute(session->key->hmac, pieces, sizeof pieces / sizeof pieces[0], mac);
}

size_t tsig_sign(const struct tsig_session *session, uint8_t *reply, size_t size)
{
    uint8_t time[TIME_SIZE];
    uint8_t behind[4 + CLOCK_SIZE];
    uint8_t mac[HMAC_SIZE_MAX];
    size_t mac_size = session->key == NULL ? 0 : hmac_size(session->key->algorithm);
    size_t name = name_size(session->name);
    size_t algorithm = name_size(session->tsig->algorithm);
    reply_time(session, time);
    write_u16(behind, (uint16_t)session->error);
    write_u16(behind + 2, (uint16_t)other_size(session));
    write_u48(behind + 4, session->now);
    if (session->key != NULL && !make_mac(session, reply, size, time, behind, mac))
        return 0;
    uint8_t *at = reply + size;
    memcpy(at, session->name, name);
    at += name;
    write_u16(at, RRTYPE_TSIG);
    write_u16(at + 2, RRCLASS_ANY);
    write_u32(at + 4, 0);
    write_u16(at + 8, (uint16_t)(algorithm + FIXED_SIZE + mac_size + other_size(session)));
    at += RECORD_FIXED;
    memcpy(at, session->tsig->algorithm, algorithm);
    at += algorithm;
    memcpy(at, time, TIME_SIZE);
    write_u16(at + TIME_SIZE, (uint16_t)mac_size);
    memcpy(at + TIME_SIZE + 2, mac, mac_size);
    at += TIME_SIZE + 2 + mac_size;
    memcpy(at, reply, 2); /* the original ID is the reply's */
    memcpy(at + 2, behind, 4 + other_size(session));
    write_u16(reply + 10, (uint16_t)(read_u16(reply + 10) + 1));
    return size + tsig_reply_size(session);
}

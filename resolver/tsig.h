/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig: signed queries and their replies (RFC 8945), one message each way. Only signed messages cost anything, and only
 * they make the library of digests allocate.
 *
 * A digest may be cut down to 16 bytes, not further; replies carry it whole. A reply to a query whose key or digest is
 * wrong is not signed.
 */
#ifndef SPLITVIEW_RESOLVER_TSIG_H
#define SPLITVIEW_RESOLVER_TSIG_H

#include "resolver/keyring.h"
#include "zones/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 8945 3 */
enum tsig_error { TSIG_NOERROR = 0, TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18, TSIG_BADTRUNC = 22 };

#define TSIG_FUDGE    300 /* seconds our replies may be late */
#define TSIG_MAC_MIN  16  /* bytes of the shortest digest taken; shorter ones are BADTRUNC */
#define TSIG_SIZE_MAX (NAME_SIZE_MAX * 2 + 10 + 16 + HMAC_SIZE_MAX + 6) /* bytes of a reply's TSIG record */

/* The TSIG record of a received message; borrowed from its bytes. */
struct tsig {
    bool present;
    size_t start;             /* offset of the record: the signed message ends there */
    const uint8_t *algorithm; /* a name */
    const uint8_t *time;      /* six octets of time signed and two of fudge */
    const uint8_t *mac;
    uint16_t mac_size; /* bytes */
    uint16_t original_id;
    const uint8_t *behind; /* error, size of other data, other data */
};

/*
 * Read the record whose owner is at `start`; the owner itself is read by tsig_verify. false: malformed (FORMERR,
 * RFC 8945 5.2).
 */
bool tsig_parse(size_t start, const uint8_t *rdata, size_t rdata_size, struct tsig *tsig);

/* A signed query on its way to its reply. tsig_verify sets what is used. */
struct tsig_session {
    const struct keyring_key *key; /* NULL: the reply is not signed */
    enum tsig_error error;
    uint64_t now;                /* seconds since 1970 */
    const struct tsig *tsig;     /* the query's */
    uint8_t name[NAME_SIZE_MAX]; /* the key's, as the query spells it */
};

/* TSIG_GOOD: session->name is the verified key's. */
enum tsig_verdict {
    TSIG_GOOD,
    TSIG_MALFORMED, /* FORMERR, no TSIG in the reply */
    TSIG_REFUSED    /* NOTAUTH, with session->error (RFC 8945 5.2) */
};

/* `wire` is the whole message that `tsig` was read from; both must live until the reply is signed. */
enum tsig_verdict tsig_verify(const struct keyring *keyring, const uint8_t *wire, const struct tsig *tsig, uint64_t now,
                              struct tsig_session *session);

/* Bytes that tsig_sign will append. */
size_t tsig_reply_size(const struct tsig_session *session);

/* Append the TSIG record to a reply of `size` bytes, which has room for it, and count it. Returns the new size; 0: the
 * digest could not be made. */
size_t tsig_sign(const struct tsig_session *session, uint8_t *reply, size_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message: DNS queries in and answers out, by hand, without allocation (RFC 1035 4, 6891).
 */
#ifndef SPLITVIEW_RESOLVER_MESSAGE_H
#define SPLITVIEW_RESOLVER_MESSAGE_H

#include "resolver/tsig.h"
#include "zones/answer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_SIZE_MAX          65535
#define MESSAGE_HEADER_SIZE       12
#define MESSAGE_EXTENDED_TEXT_MAX 64
#define MESSAGE_IDENTITY_MAX      64 /* bytes of an NSID: with the longest question and all options 512 bytes hold it */
#define MESSAGE_UDP_PLAIN         512 /* bytes of an answer without EDNS, RFC 1035 4.2.1 */

/* Header bits, in the second 16-bit word. */
enum message_flag {
    MESSAGE_QR = 0x8000,
    MESSAGE_AA = 0x0400,
    MESSAGE_TC = 0x0200,
    MESSAGE_RD = 0x0100,
    MESSAGE_RA = 0x0080,
    MESSAGE_AD = 0x0020,
    MESSAGE_CD = 0x0010
};
#define MESSAGE_OPCODE(flags) (((flags) >> 11) & 15)
enum opcode { OPCODE_QUERY = 0, OPCODE_IQUERY = 1, OPCODE_STATUS = 2, OPCODE_NOTIFY = 4, OPCODE_UPDATE = 5 };

/* What to do with the bytes that came. */
enum parse_verdict {
    PARSE_QUERY,  /* a whole query with one question: decide it */
    PARSE_REJECT, /* answer with message->reject, header and (if has_question) question echoed */
    PARSE_DROP    /* say nothing: shorter than a header, or itself a response */
};

/* EDNS client subnet (RFC 7871), its form checked. */
struct message_subnet {
    bool present;
    uint8_t family;         /* 1: IPv4, 2: IPv6, 0: none */
    uint8_t length;         /* bits, SOURCE PREFIX-LENGTH */
    const uint8_t *address; /* (length + 7) / 8 octets in the received bytes; bits behind `length` are zero */
};

struct message {
    uint16_t id;
    uint16_t flags;      /* as received */
    enum rcode reject;   /* valid for PARSE_REJECT */
    bool has_question;   /* the three fields below are valid */
    const uint8_t *name; /* the question's, in the received bytes, its case as received */
    uint16_t name_size;
    uint16_t type;
    uint16_t class;
    bool has_edns;
    bool dnssec_ok;       /* DO */
    bool wants_nsid;      /* RFC 5001 */
    bool wants_keepalive; /* RFC 7828 */
    uint8_t edns_version;
    uint16_t udp_payload; /* the client's, at least MESSAGE_UDP_PLAIN */
    struct message_subnet subnet;
    struct tsig tsig;    /* its owner is not looked at yet; absent where parsing failed */
    size_t question_end; /* offset behind the question */
};

/* Every field of *message is set, unless the verdict is PARSE_DROP; of a subnet or TSIG that is not present only that.
 * `wire` is borrowed by it. Never reads outside [wire, wire + size). `name` is what stands behind the header, if
 * somebody took it apart before; NULL: nobody did. */
enum parse_verdict message_parse(const uint8_t *wire, size_t size, const struct name_split *name,
                                 struct message *message);

/* In which order the records inside an RRset go out. */
enum message_order {
    MESSAGE_ORDER_FIXED,  /* as the master file has them */
    MESSAGE_ORDER_ROTATE, /* the same, beginning one further with each reply */
    MESSAGE_ORDER_RANDOM  /* shuffled */
};

/* What goes around the answer. */
struct reply_options {
    size_t size_max;         /* bytes that may be sent: the caller has taken the transport and EDNS into account */
    size_t reserved;         /* of these, bytes that the caller will append (TSIG) */
    uint16_t server_payload; /* what our OPT says, bytes */
    bool recursion_available;
    bool authentic_data;       /* AD */
    bool checking_disabled;    /* CD */
    const char *identity;      /* for NSID; NULL or "": none */
    bool answers_subnet;       /* send the query's client subnet option back (RFC 7871) … */
    uint8_t subnet_scope;      /* … with this scope, bits */
    int keepalive;             /* RFC 7828, units of 100 ms; -1: not sent */
    int extended_error;        /* RFC 8914 code; -1: not sent */
    const char *extended_text; /* with it; at most MESSAGE_EXTENDED_TEXT_MAX bytes; NULL: none */
    enum message_order order;
    uint32_t order_seed; /* another one for each reply */
};

/*
 * Write the reply to `message` into `reply`, which holds at least size_max bytes (>= 512). Names are compressed where
 * RFC 3597 allows. What does not fit: optional RRsets go first and silently, then TC with whole RRsets only. Returns
 * the size; 0 if the answer's data are damaged (then call message_write_error with SERVFAIL).
 */
size_t message_write(const struct message *message, const struct answer *answer, const struct reply_options *options,
                     uint8_t *reply);

/*
 * A reply with no records: header, question if there was one, OPT if the query had one. Returns the size.
 */
size_t message_write_error(const struct message *message, enum rcode rcode, const struct reply_options *options,
                           uint8_t *reply);

#endif

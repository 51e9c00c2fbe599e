/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workload: the data and the questions of all measurements: organisations ("sites") whose phones and desktops look for
 * their Lync or Skype for Business server. A site has 12 records in the base that everybody sees and 4 in the overlay
 * of the view inside; it is a zone of its own, or a subdomain of one large zone.
 *
 * Everything follows from numbers, so that the program that writes the zones and the one that asks agree without a
 * file between them. Of 100 questions 45 are for lyncdiscoverinternal, 20 for lyncdiscover, 10 for AAAA records and 10
 * for addresses of web names; 10 name what does not exist, 5 ask for a type that a name does not have. 72 come from
 * inside, without EDNS as from a stub; 28 from the internet, with EDNS as from a resolver.
 */
#ifndef SPLITVIEW_TESTS_BENCH_WORKLOAD_H
#define SPLITVIEW_TESTS_BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_APEX_MAX     64
#define WORKLOAD_QUERY_MAX    128
#define WORKLOAD_SOURCES      25     /* addresses that ask, all equally often */
#define WORKLOAD_INSIDE       18     /* of those, the first ones are inside */
#define WORKLOAD_SITE_RECORDS 12     /* in the base, SOA and NS of a zone included */
#define WORKLOAD_SITES_MAX    131072 /* each has addresses of its own */

enum workload_network { NETWORK_INSIDE, NETWORK_INTERNET };

/* What is served. */
struct workload {
    uint32_t sites;
    bool one_zone; /* sites are subdomains of big.example */
    bool plain;    /* the server has no views: everybody gets what is inside */
    bool geo;      /* the server has views, but no name exists in one only, and CNAMEs are flattened */
    bool no_chase; /* the server does not follow CNAMEs */
};

/* A question and what must come back. */
struct workload_question {
    uint8_t query[WORKLOAD_QUERY_MAX]; /* wire form, ID 0, RD clear */
    uint16_t size;                     /* bytes of it */
    uint8_t rcode;
    uint8_t answers; /* records in the answer section */
    uint32_t answer; /* the A record that must be among them, in host order; 0: none to look for */
};

/* Write the zones: folder/policy.conf, internet/ and inside/ (`plain`: only plain/, master files with both layers in
 * one). `views` more than 2 are views that inherit what is inside, with `prefixes` client networks over all of them.
 * Ends the program with a message if it cannot. */
void workload_write(const struct workload *workload, const char *folder, uint32_t views, uint32_t prefixes);

/* The zone of a site, or its subdomain, as text without final dot. */
void workload_apex(const struct workload *workload, uint32_t site, char text[WORKLOAD_APEX_MAX]);

/* A question for any name, class IN; its expectation is the caller's to set. Ends the program if it is too long. */
void workload_ask(struct workload_question *question, const char *name, uint16_t type, bool edns);

/* Draw the next question of somebody in `network`; `random` is the state of the sequence, any value to begin with. */
void workload_draw(const struct workload *workload, enum workload_network network, uint64_t *random,
                   struct workload_question *question);

/* The address that source `number` (below WORKLOAD_SOURCES) asks from: 127.x.y.z, as a number in host order. With more
 * than two views they spread over the views. */
uint32_t workload_source(uint32_t number, uint32_t views, uint32_t prefixes);
enum workload_network workload_network_of(uint32_t source);

/* The reply is right but for its ID: flags, question, rcode, answer count and address. */
bool workload_is_right(const struct workload_question *question, const uint8_t *reply, size_t size);

/* The same for an answer from somewhere else: not authoritative, recursion available. */
bool workload_is_forwarded(const struct workload_question *question, const uint8_t *reply, size_t size);

#endif

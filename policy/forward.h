/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forward: where a view's questions go that its zones do not answer: [upstream], [forward], `forward =`, the names that
 * never leave this server, and the canary names (format.md P6, A2, A3, A8, A24). Immutable after forward_rules_new; any
 * thread.
 */
#ifndef SPLITVIEW_POLICY_FORWARD_H
#define SPLITVIEW_POLICY_FORWARD_H

#include "policy/glob.h"
#include "policy/prefix.h"
#include "zones/name.h"
#include "zones/rrset.h"
#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct forward_rules;

struct upstream_server {
    struct address address;
    uint16_t port;
};

/* One [upstream] section. Owned by the rules. */
struct upstream_group {
    const char *name; /* borrowed from the policy's config */
    uint32_t line;
    struct upstream_server *servers;
    size_t server_count;  /* at least 1 */
    uint32_t timeout_ms;  /* for one try */
    uint32_t deadline_ms; /* for one question, at least timeout_ms */
    bool tcp_always;
    bool case_mix; /* 0x20 */
    bool trust_ad;
    struct glob_list private_answers; /* foreign owners that may give private addresses */
    uint32_t stale;                   /* seconds an expired answer may still be served; 0: never */
};

enum forward_kind {
    FORWARD_REFUSED,  /* no recursion for this name in this view */
    FORWARD_NXDOMAIN, /* answered here: the name does not exist */
    FORWARD_NODATA,   /* answered here: it exists without records (the apex of such a name, _dns.resolver.arpa) */
    FORWARD_LOOPBACK, /* answered here: special_loopback (localhost, types A and AAAA) */
    FORWARD_UPSTREAM  /* ask `group` */
};

/* Why, for `explain`. */
enum forward_reason {
    FORWARD_BY_NOTHING, /* the view has no recursion */
    FORWARD_BY_VIEW,    /* forward = GROUP */
    FORWARD_BY_SECTION, /* [forward DOMAIN] */
    FORWARD_SPECIAL,    /* RFC 6303 and the special-use names: never sent on */
    FORWARD_CANARY,
    FORWARD_INTERNAL_ONLY, /* lyncdiscoverinternal.*, internal-only owners of facts */
    FORWARD_NO_RECURSION   /* RD = 0 */
};

/* Where one question goes. */
struct forward_route {
    enum forward_kind kind;
    enum forward_reason reason;
    const struct upstream_group *group; /* FORWARD_UPSTREAM only; borrowed from the rules */
    bool private_allowed;               /* any private address is welcome: the route is a [forward] section's */
    const uint8_t *domain; /* the [forward] domain, or the special name at or above; NULL: the view's own. Borrowed */
    uint32_t line;         /* of policy.conf: the section or key that decided; 0: none */
};

/*
 * From a policy's sections; policy->views and policy->ttl are filled and the facts are checked. Warnings: an [upstream]
 * that nothing names, a [forward] in no view. BAD_INPUT with messages: a [forward] domain twice, recursion for
 * everybody without open-resolver. NO_MEMORY. NULL on failure. The policy must outlive the rules.
 */
enum status forward_rules_new(const struct policy *policy, struct diag *diag, struct forward_rules **rules);
void forward_rules_free(struct forward_rules *rules); /* NULL allowed */

size_t forward_group_count(const struct forward_rules *rules);
const struct upstream_group *forward_group(const struct forward_rules *rules, size_t index);

/* The [forward] sections, by domain: the domain of number `index`, lowered; and does it hold in `view`? */
size_t forward_domain_count(const struct forward_rules *rules);
const uint8_t *forward_domain(const struct forward_rules *rules, size_t index, uint32_t *line);
bool forward_domain_in(const struct forward_rules *rules, size_t index, uint32_t view);

/* Does `view` ask anybody upstream for anything? RA in its replies says so. */
bool forward_has_recursion(const struct forward_rules *rules, uint32_t view);

/*
 * The route of a name that `view`'s zones leave to others. `recursion` is the question's RD: without it nothing goes
 * upstream (`nowhere` and the other local answers hold all the same, where the view has recursion for the name). `apex`
 * is the deepest zone of the view at or above the name, NULL: none, or not known: a special name at or above a zone of
 * our own is not special there. Never fails, allocates nothing.
 */
void forward_find(const struct forward_rules *rules, uint32_t view, const struct name_split *split, uint16_t type,
                  bool recursion, const uint8_t *apex, struct forward_route *route);

/*
 * What the answers to a view's foreign questions depend on, as a digest: its routes, the settings of their groups and
 * the TTL rules that hold for foreign names. Views with equal numbers may share what they were told; others never may.
 * 0: the view has no recursion.
 */
uint64_t forward_identity(const struct forward_rules *rules, uint32_t view);

/* Do two views leave every name to the same, upstream or here, so that their replies say the same of it? One
 * comparison, because a generation asks it of every pair of views. */
bool forward_alike(const struct forward_rules *rules, uint32_t a, uint32_t b);

/* The TTL of a foreign RRset on entering the cache: [ttl] rules without views, fixed taken as max (P7). */
uint32_t forward_ttl(const struct policy *policy, const uint8_t *owner, uint16_t type, uint32_t ttl);

/* The SOA that a local NXDOMAIN or NODATA of FORWARD_NXDOMAIN / FORWARD_NODATA carries (RFC 6303 3), owned by the
 * route's domain, else by the name itself; serial 1. */
const struct rrset *forward_soa(const struct forward_route *route);

#define FORWARD_TEXT_MAX 1400

/* "upstream site, by forward = site of [view internal], policy.conf:9": a route for people. */
void forward_text(const struct policy *policy, uint32_t view, const struct forward_route *route,
                  char text[FORWARD_TEXT_MAX]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak: what must not leave the house: private addresses and internal-only names in external views (format.md P11,
 * A26). Once at import over every flat zone of such a view, whatever its origin; once more over each answer, addresses
 * alone.
 *
 * Internal-only are names whose first label is lyncdiscoverinternal or begins with _sipinternal, sipinternal under each
 * SIP domain, the globs of internal-only, and the names that the caller adds from facts. A guard is immutable after
 * leak_new; any thread.
 */
#ifndef SPLITVIEW_POLICY_LEAK_H
#define SPLITVIEW_POLICY_LEAK_H

#include "policy/glob.h"
#include "zones/answer.h"
#include "zones/status.h"
#include "zones/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct autodiscover;
struct policy;
struct leak;

/* `names`: more internal-only names in wire form, copied. NO_MEMORY. The policy must live as long as the guard. */
enum status leak_new(const struct policy *policy, const uint8_t *const *names, size_t count, struct leak **leak);
/* The names as the facts' entries have them; NULL: none. */
enum status leak_new_from(const struct policy *policy, const struct autodiscover *names, struct leak **leak);
void leak_free(struct leak *leak);

/* Is the name internal-only? The second takes one that is in lower case already. */
bool leak_is_internal_only(const struct leak *leak, const uint8_t *name);
bool leak_is_internal_only_lower(const struct leak *leak, const uint8_t *lower);

/*
 * Judge a frozen flat zone of a view; an internal view has nothing to fear. Owners, glue too; targets of CNAME, DNAME,
 * NS, SRV, SVCB, HTTPS, exchanges of MX, both names of SOA; addresses in A, AAAA and the hints of SVCB and HTTPS,
 * unless allow-private names their owner; wildcards that answer for a listed internal-only name. BAD_INPUT with one
 * message for each record.
 */
enum status leak_check(const struct leak *leak, uint32_t view, const struct zone *flat, struct diag *diag);

/* What allow-private of a view lets out. */
struct leak_allowed {
    struct glob_list owners;  /* as in a zone: the wildcard itself, where one is named */
    struct glob_list answers; /* as in an answer, where a wildcard has become a name; also those of `owners` */
};

/* From the setting (NULL: none). NO_MEMORY; leak_allowed_clear is needed in any case. */
enum status leak_allowed_read(const struct config_setting *setting, struct leak_allowed *allowed);
void leak_allowed_clear(struct leak_allowed *allowed);

/*
 * The last check of an answer in an external view. RRsets with private addresses are taken out and counted in
 * answer->withheld; if one was in the answer section, the answer becomes SERVFAIL and empty, because NODATA would be a
 * lie that is remembered, and the client should ask elsewhere or again.
 */
void leak_withhold(const struct leak_allowed *allowed, struct answer *answer);

#endif

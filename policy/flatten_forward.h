/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flatten_forward: [forward] domains inside the zones of a view (P6, A8). Inside flatten only; one thread.
 */
#ifndef SPLITVIEW_POLICY_FLATTEN_FORWARD_H
#define SPLITVIEW_POLICY_FLATTEN_FORWARD_H

#include "policy/flatten.h"
#include "policy/policy.h"
#include "zones/status.h"

#include <stddef.h>
#include <stdint.h>

/* What a [forward] section wants of a view. */
enum flatten_claim {
    FLATTEN_CLAIM_NONE, /* nothing: it lies in no zone, or the zone is as it should be */
    FLATTEN_CLAIM_OWN,  /* the view inherits a zone that must differ in it: it becomes the view's own */
    FLATTEN_CLAIM_BAD   /* its domain is a zone of the view: a message was added */
};

/* Section number `index` (forward_domain) and the zones of a view, of which number `*place` is the one at hand. The
 * bases of the view are done. */
enum flatten_claim flatten_claim_forward(const struct policy *policy, const struct flatten *plan, uint32_t view,
                                         size_t index, size_t *place, struct diag *diag);

/* Note the view's [forward] domains at its own zones; all that it claims are its own. NO_MEMORY. */
enum status flatten_note_forwards(const struct policy *policy, struct flatten *plan, uint32_t view);

#endif

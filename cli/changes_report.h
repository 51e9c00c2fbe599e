/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes_report: what answers change between two generations, for people and as JSON: for `diff`, `rollback --dry-run`
 * and `import --dry-run` (compare the head, generation_load, with generation_from_candidate). One thread.
 */
#ifndef SPLITVIEW_CLI_CHANGES_REPORT_H
#define SPLITVIEW_CLI_CHANGES_REPORT_H

#include "policy/changes.h"
#include "zones/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CHANGES_LIMIT_DEFAULT 200 /* changes shown for the views that share their zones */

/*
 * Write all of it to `stream`; what is over `limit` (0: none) is only counted. *different: some client gets another
 * answer than before, or one from elsewhere. Joins groups that see the same. NO_MEMORY, DAMAGED.
 */
enum status changes_report_print(struct changes *changes, uint64_t limit, FILE *stream, struct diag *diag,
                                 bool *different);

/*
 * The same as members of `object`: different, changed, views_added, views_removed, networks_moved, forwarding,
 * upstreams. NO_MEMORY, DAMAGED.
 */
enum status changes_report_json(struct changes *changes, uint64_t limit, json_t *object, struct diag *diag,
                                bool *different);

/* "10.0.0.0/8, 2001:db8::/32": the clients of a view as its policy has them. */
void changes_print_clients(const struct policy *policy, uint32_t view, FILE *stream);

#endif

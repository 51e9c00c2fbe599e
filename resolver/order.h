/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * order: the records of an RRset in another order than the master file's.
 */
#ifndef SPLITVIEW_RESOLVER_ORDER_H
#define SPLITVIEW_RESOLVER_ORDER_H

#include "zones/rrset.h"

#include <stdbool.h>
#include <stdint.h>

#define ORDER_RECORDS_MAX 128 /* larger RRsets keep their order */

/*
 * Fill `records` with the RRset's records (count from 2 to ORDER_RECORDS_MAX): shuffled, or begun at record seed modulo
 * count. Borrowed from the RRset. The same seed gives the same order. false: the RRset is damaged. Pure; any thread.
 */
bool order_records(const struct rrset *rrset, bool shuffled, uint32_t seed, struct rdata records[ORDER_RECORDS_MAX]);

#endif

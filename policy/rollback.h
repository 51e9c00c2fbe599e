/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rollback: publish an older generation again: its images and its policy under new catalogs, as a new generation, in
 * one transaction. Serials go on (RFC 1982): a zone whose content changes by it gets the serial after the last one.
 * The store is pinned by it until the pin is released: an import would undo what was meant.
 */
#ifndef SPLITVIEW_POLICY_ROLLBACK_H
#define SPLITVIEW_POLICY_ROLLBACK_H

#include "policy/serial.h"
#include "zones/status.h"
#include "zones/store.h"

#include <stdbool.h>
#include <stdint.h>

struct rollback_options {
    struct store *store; /* opened for writing; for a dry run either way */
    uint64_t number;     /* the generation to publish again; 0: the one before the head */
    uint64_t now;        /* seconds since 1970, for the record */
    enum serial_mode serial_mode;
    bool dry_run; /* look at everything, publish nothing */
};

struct rollback_result {
    uint64_t head;       /* before */
    uint64_t target;     /* the generation published again */
    uint64_t generation; /* its number now; of a dry run the number it would get */
    char commit[65];     /* of the target */
    uint32_t zones;      /* over all views */
    uint32_t changed;    /* of those, zones whose content changes */
};

/* BAD_INPUT with a message: there is no such generation, or it is the head already. DAMAGED, STORE, STORE_FULL,
 * NO_MEMORY. */
enum status rollback_run(const struct rollback_options *options, struct rollback_result *result, struct diag *diag);

#endif

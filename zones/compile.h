/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compile: a frozen flat zone to an image (image.h). The same records in the same order give the same bytes.
 */
#ifndef SPLITVIEW_ZONES_COMPILE_H
#define SPLITVIEW_ZONES_COMPILE_H

#include "zones/status.h"
#include "zones/zone.h"

#include <stddef.h>
#include <stdint.h>

/* Raise when the same zone would give other bytes. */
#define COMPILE_VERSION 2u

struct compiled {
    uint8_t *block;  /* the caller's to memory_free */
    size_t size;     /* bytes, a multiple of IMAGE_ALIGNMENT */
    uint32_t serial; /* of the SOA as written in the file */
    uint32_t node_count;
    uint32_t record_count;
};

/*
 * The zone is frozen, was checked by zonecheck_run, and is only read; no name with records is marked hidden. NO_MEMORY;
 * TOO_LARGE with a message when the image would pass IMAGE_SIZE_MAX. One thread per call.
 */
enum status compile_zone(const struct zone *zone, struct compiled *compiled, struct diag *diag);

#endif

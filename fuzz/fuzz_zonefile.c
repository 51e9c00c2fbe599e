/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Master-file text from anywhere: read, sorted and checked it must neither crash nor hang, and every record that was
 * taken must print, and read again to the same octets.
 */
#include "zones/entry.h"
#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rdata_text.h"
#include "zones/zone.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX  2000 /* so that a $GENERATE does not take the time of many inputs */
#define TEXT_MAX     (8u * 65536)
#define REPRINTS_MAX 64 /* records of one input that are printed and read again */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text of a record's RDATA gives the same RDATA. */
static void check_record(const struct zone *zone, const struct zone_record *record, char *text)
{
    struct diag diag;
    struct entry_reader reader;
    struct entry entry;
    struct bytes out;
    struct rdata_fault fault;
    struct rdata rdata = zone_rdata(zone, record);
    if (zonefile_rdata_to_text(record->type, &rdata, text, TEXT_MAX) != STATUS_OK) {
        abort();
    }
    diag_init(&diag);
    bytes_init(&out, RRSET_RDATA_MAX);
    entry_reader_init(&reader, text, strlen(text));
    enum status status = entry_next(&reader, "text", &entry, &diag);
    if (status == STATUS_OK && entry.token_count > 0) {
        status = rdata_from_entry(record->type, &entry, 0, zone->apex, &out, &fault);
        if (status != STATUS_OK || out.size != rdata.size ||
            (out.size > 0 && memcmp(out.data, rdata.bytes, out.size) != 0)) {
            abort();
        }
    } else if (status != STATUS_OK || rdata.size > 0) {
        abort();
    }
    entry_reader_clear(&reader);
    bytes_clear(&out);
    diag_clear(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t apex[] = {1, 'z', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL, .records_max = RECORDS_MAX};
    struct diag diag;
    struct zone *zone = zone_new(apex);
    char *text = memory_alloc(TEXT_MAX);
    if (zone == NULL || text == NULL) {
        abort();
    }
    diag_init(&diag);
    enum status status = zonefile_read_text(NULL, "fuzz.zone", (const char *)data, size, &options, zone, &diag);
    if (status == STATUS_OK && zone_freeze(zone, &diag) == STATUS_OK) {
        zonecheck_run(zone, "fuzz.zone", &diag);
        for (size_t i = 0; i < zone->count && i < REPRINTS_MAX; i++) {
            check_record(zone, &zone->records[i], text);
        }
    }
    diag_clear(&diag);
    memory_free(text);
    zone_free(zone);
    return 0;
}

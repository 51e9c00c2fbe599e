/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/support.h"

#include "zones/image.h"
#include "zones/memory.h"
#include "zones/zonecheck.h"
#include "zones/zonefile.h"

#include <stdlib.h>
#include <string.h>

static void give_up(const char *what, const struct diag *diag)
{
    fprintf(stderr, "test data: %s\n", what);
    if (diag != NULL)
        diag_print(diag, stderr);
    abort();
}

void support_world_init(struct support_world *world)
{
    memset(world, 0, sizeof *world);
}

void support_world_clear(struct support_world *world)
{
    for (size_t i = 0; i < world->count; i++)
        memory_free(world->compiled[i].block);
    memory_free(world->block);
}

void support_add_zone(struct support_world *world, const char *apex, const char *text, size_t size)
{
    struct diag diag;
    diag_init(&diag);
    size_t number = world->count++;
    size_t apex_size;
    if (number >= SUPPORT_ZONES_MAX ||
        name_from_text(apex, strlen(apex), NULL, world->apexes[number], &apex_size) != STATUS_OK)
        give_up(apex, NULL);
    struct zone *zone = zone_new(world->apexes[number]);
    struct zonefile_options options = {.default_ttl = ZONEFILE_NO_TTL};
    if (zone == NULL || zonefile_read_text(NULL, apex, text, size, &options, zone, &diag) != STATUS_OK ||
        zone_freeze(zone, &diag) != STATUS_OK || zonecheck_run(zone, apex, &diag) != STATUS_OK ||
        compile_zone(zone, &world->compiled[number], &diag) != STATUS_OK)
        give_up(apex, &diag);
    world->zones[number] = (struct catalog_zone){
        .apex = world->apexes[number], .image_id = number + 1, .serial = world->compiled[number].serial};
    zone_free(zone);
    diag_clear(&diag);
}

void support_finish(struct support_world *world)
{
    size_t size;
    if (catalog_build(world->zones, world->count, &world->block, &size) != STATUS_OK ||
        catalog_open(world->block, size, &world->catalog) != STATUS_OK)
        give_up("catalog", NULL);
    for (uint32_t i = 0; i < catalog_count(&world->catalog); i++) {
        const struct compiled *compiled = &world->compiled[catalog_entry(&world->catalog, i)->image_id - 1];
        world->images[i] = (struct image_ref){.block = compiled->block, .size = compiled->size};
    }
    world->catalog.images = world->images;
}

static const char *rcode_text(enum rcode rcode)
{
    switch (rcode) {
    case RCODE_NOERROR:
        return "NOERROR";
    case RCODE_NXDOMAIN:
        return "NXDOMAIN";
    case RCODE_SERVFAIL:
        return "SERVFAIL";
    case RCODE_REFUSED:
        return "REFUSED";
    case RCODE_YXDOMAIN:
        return "YXDOMAIN";
    default:
        return "OTHER";
    }
}

static const char *const outcome_texts[] = {"answer",   "nodata",  "nxdomain", "delegation", "out-of-zone",
                                            "yxdomain", "refused", "forward",  "failure"};
static const char *const section_texts[] = {"answer", "authority", "additional"};

static void print_rrset(const struct answer_rrset *entry, FILE *stream)
{
    static char text[1 << 20];
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    struct rdata rdata;
    name_to_text(entry->owner, owner);
    rrtype_to_text(entry->rrset.type, type);
    for (uint32_t position = 0; rrset_next_rdata(&entry->rrset, &position, &rdata);) {
        uint8_t copy[RRSET_RDATA_MAX];
        memcpy(copy, rdata.bytes, rdata.size);
        struct rdata shown = {.bytes = copy, .size = rdata.size};
        if (entry->rrset.type == RRTYPE_SOA)
            write_u32(copy + soa_serial_offset(&rdata), entry->serial);
        if (zonefile_rdata_to_text(entry->rrset.type, &shown, text, sizeof text) != STATUS_OK)
            strcpy(text, "(bad rdata)");
        fprintf(stream, "%s%s %s %u %s %s\n", section_texts[entry->section], entry->optional ? "?" : "", owner,
                entry->rrset.ttl, type, text);
    }
}

char *support_answer_text(const struct answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL)
        give_up("memory", NULL);
    fprintf(stream, "%s %s%s%s\n", rcode_text(answer->rcode), outcome_texts[answer->outcome],
            answer->authoritative ? " aa" : "", answer->overflow ? " overflow" : "");
    for (unsigned i = 0; i < answer->count; i++)
        print_rrset(&answer->rrsets[i], stream);
    fclose(stream);
    return text;
}

void support_path(const char *name, char *path, size_t size)
{
    const char *folder = getenv("srcdir");
    snprintf(path, size, "%s/tests/%s", folder == NULL ? "." : folder, name);
}

char *support_read(const char *name, size_t *size)
{
    char path[4096];
    support_path(name, path, sizeof path);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        give_up(path, NULL);
    char *bytes = NULL;
    size_t used = 0;
    for (size_t room = 65536;; room *= 2) {
        bytes = realloc(bytes, room + 1);
        if (bytes == NULL)
            give_up(path, NULL);
        used += fread(bytes + used, 1, room - used, stream);
        if (used < room)
            break;
    }
    fclose(stream);
    bytes[used] = '\0';
    *size = used;
    return bytes;
}

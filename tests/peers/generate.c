/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generate SEED FOLDER [QUESTIONS]: write FOLDER/APEX.zone for each zone of a random set and FOLDER/questions, about
 * as many as wanted (default 1200). The same seed gives the same files.
 */
#include "tests/peers/random_zone.h"

#include "zones/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters in random case; escapes stay as they are. */
static void print_mixed(struct random_source *random, const char *name, FILE *out)
{
    bool mixed = random_percent(random, 25);
    for (; *name != '\0'; name++) {
        bool upper = mixed && islower((unsigned char)*name) && random_percent(random, 50);
        fputc(upper ? toupper((unsigned char)*name) : *name, out);
    }
}

/* The file name of a zone: the apex without its final dot, what is no letter, digit, "-", "_" or "." in percent form.
 */
static void file_name(const char *apex, char *name, size_t size)
{
    uint8_t wire[NAME_SIZE_MAX];
    size_t wire_size;
    size_t length = 0;
    name[0] = '\0';
    if (name_from_text(apex, strlen(apex), NULL, wire, &wire_size) != STATUS_OK)
        return;
    for (const uint8_t *label = wire; label[0] != 0; label += 1 + label[0]) {
        if (label != wire)
            length += (size_t)snprintf(name + length, size - length, ".");
        for (unsigned i = 1; i <= label[0]; i++)
            length += (size_t)snprintf(name + length, size - length, isalnum(label[i]) ? "%c" : "%%%02X", label[i]);
    }
}

static bool write_zone(struct random_world *world, const struct random_zone *zone, const char *folder)
{
    char name[NAME_TEXT_MAX];
    char path[4096];
    file_name(zone->apex, name, sizeof name);
    snprintf(path, sizeof path, "%s/%s.zone", folder, name);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    fprintf(out, "; apex %s\n", zone->apex);
    for (size_t i = 0; i < zone->record_count; i++) {
        const struct random_record *record = &zone->records[i];
        print_mixed(&world->random, record->owner, out);
        fprintf(out, " %u IN %s %s\n", record->ttl, record->type, record->rdata);
    }
    return fclose(out) == 0;
}

static const char *random_type(struct random_source *random)
{
    static const char *const types[] = {"A",  "A",   "A",         "AAAA",  "NS",   "NS",    "SOA",
                                        "MX", "TXT", "SRV",       "HTTPS", "SVCB", "CNAME", "DNAME",
                                        "DS", "DS",  "TYPE65400", "RRSIG", "PTR",  "ANY",   "NSEC"};
    return types[random_below(random, sizeof types / sizeof types[0])];
}

static void write_question(struct random_world *world, const char *name, FILE *out)
{
    struct random_source *random = &world->random;
    static const unsigned payloads[] = {0, 512, 700, 1232, 1232, 4096, 65535};
    print_mixed(random, name, out);
    fprintf(out, " %s", random_type(random));
    if (random_percent(random, 15))
        fputs(" tcp", out);
    if (random_percent(random, 15))
        fputs(" rd", out);
    if (random_percent(random, 5))
        fputs(" cd", out);
    if (random_percent(random, 5))
        fputs(" ad", out);
    if (random_percent(random, 50))
        fprintf(out, " edns=%u", payloads[random_below(random, sizeof payloads / sizeof payloads[0])]);
    if (random_percent(random, 25))
        fputs(" do", out);
    fputc('\n', out);
}

/* A name that is there, or one above, below, beside it, or the wildcard itself. */
static void random_question(struct random_world *world, FILE *out)
{
    struct random_source *random = &world->random;
    char name[NAME_TEXT_MAX];
    random_target(world, name);
    const struct random_zone *zone = &world->zones[random_below(random, (unsigned)world->zone_count)];
    if (random_percent(random, 50) && zone->record_count > 0)
        memcpy(name, zone->records[random_below(random, (unsigned)zone->record_count)].owner, sizeof name);
    unsigned what = random_below(random, 100);
    if (what < 20) {
        random_prefix(name, random_label(random), name);
    } else if (what < 30) {
        random_prefix(name, random_label(random), name);
        random_prefix(name, "zz", name);
    } else if (what < 37) {
        random_prefix(name, "*", name);
    } else if (what < 50) {
        uint8_t wire[NAME_SIZE_MAX];
        size_t size;
        if (name_from_text(name, strlen(name), NULL, wire, &size) == STATUS_OK && wire[0] != 0) {
            name_to_text(name_parent(wire), name);
            if (what < 44)
                random_prefix(name, random_label(random), name);
        }
    }
    write_question(world, name, out);
}

int main(int count, char **arguments)
{
    if (count < 3 || count > 4) {
        fputs("usage: generate SEED FOLDER [QUESTIONS]\n", stderr);
        return 2;
    }
    unsigned long questions = count == 4 ? strtoul(arguments[3], NULL, 10) : 1200;
    struct random_world *world = memory_zalloc(1, sizeof *world);
    char path[4096];
    snprintf(path, sizeof path, "%s/questions", arguments[2]);
    FILE *out = world == NULL ? NULL : fopen(path, "w");
    bool fine = out != NULL;
    if (fine) {
        random_world_make(world, strtoull(arguments[1], NULL, 10));
        for (size_t i = 0; fine && i < world->zone_count; i++)
            fine = write_zone(world, &world->zones[i], arguments[2]);
        for (unsigned long i = 0; i < questions; i++)
            random_question(world, out);
        fine = fclose(out) == 0 && fine;
    }
    if (!fine)
        fprintf(stderr, "%s cannot be written\n", arguments[2]);
    memory_free(world);
    return fine ? 0 : 3;
}

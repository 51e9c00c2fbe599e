/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/adopt_proof.h"

#include "zones/additional.h"
#include "zones/diff.h"
#include "zones/lookup.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A label that nobody has; should it stand in a zone all the same, it is asked like any other. */
static const uint8_t absent_label[] = "\023no-such-name-adopt7";
#define ABSENT_SIZE (sizeof absent_label - 1)

/* Questions. */

static bool add_type(struct adopt_questions *questions, uint16_t type)
{
    for (size_t i = 0; i < questions->type_count; i++)
        if (questions->types[i] == type)
            return true;
    if (questions->type_count == ADOPT_TYPES_MAX)
        return false;
    questions->types[questions->type_count++] = type;
    return true;
}

void adopt_questions_init(struct adopt_questions *questions)
{
    static const uint16_t always[] = {RRTYPE_A,  RRTYPE_AAAA, RRTYPE_CNAME, RRTYPE_HTTPS, RRTYPE_MX,
                                      RRTYPE_NS, RRTYPE_SRV,  RRTYPE_TXT,   RRTYPE_SOA,   RRTYPE_DS};

    nameset_init(&questions->names);
    questions->type_count = 0;
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        add_type(questions, always[i]);
}

void adopt_questions_clear(struct adopt_questions *questions)
{
    nameset_clear(&questions->names);
}

/* The name, and two below it that do not exist. */
static enum status add_name(struct adopt_questions *questions, const uint8_t *name)
{
    uint8_t below[NAME_SIZE_MAX];
    size_t size = name_size(name);
    enum status status = nameset_add(&questions->names, name, 0);

    memcpy(below + NAME_SIZE_MAX - size, name, size);
    for (unsigned i = 0; i < 2 && status == STATUS_OK && size + ABSENT_SIZE <= NAME_SIZE_MAX; i++) {
        size += ABSENT_SIZE;
        memcpy(below + NAME_SIZE_MAX - size, absent_label, ABSENT_SIZE);
        status = nameset_add(&questions->names, below + NAME_SIZE_MAX - size, 0);
    }
    return status;
}

enum status adopt_questions_add(struct adopt_questions *questions, const struct zone *zone)
{
    unsigned apex_labels = name_label_count(zone->apex);
    const uint8_t *last = NULL;
    enum status status = add_name(questions, zone->apex);

    for (size_t i = 0; i < zone->count && status == STATUS_OK; i++) {
        const uint8_t *owner = zone_owner(zone, &zone->records[i]);
        add_type(questions, zone->records[i].type);
        if (last != NULL && name_equal(owner, last))
            continue;
        /* Above the last owner all has been asked. */
        for (unsigned k = name_label_count(owner); k > apex_labels && status == STATUS_OK; k--) {
            const uint8_t *name = name_ancestor(owner, k);
            if (last != NULL && name_is_at_or_below(last, name))
                break;
            status = add_name(questions, name);
        }
        last = owner;
    }
    return status;
}

/* Views. */

enum status adopt_view_init(struct adopt_view *view, const struct zone *const *zones, size_t count, struct diag *diag)
{
    struct catalog_zone *entries = memory_zalloc(count + 1, sizeof *entries);
    size_t size = 0;

    memset(view, 0, sizeof *view);
    view->compiled = memory_zalloc(count + 1, sizeof *view->compiled);
    view->images = memory_zalloc(count + 1, sizeof *view->images);
    enum status status = STATUS_OK;
    if (entries == NULL || view->compiled == NULL || view->images == NULL)
        status = STATUS_NO_MEMORY;
    for (; view->count < count && status == STATUS_OK; view->count += status == STATUS_OK) {
        struct compiled *compiled = &view->compiled[view->count];
        status = compile_zone(zones[view->count], compiled, diag);
        entries[view->count] = (struct catalog_zone){
            .apex = zones[view->count]->apex, .image_id = view->count + 1, .serial = compiled->serial};
    }
    if (status == STATUS_OK)
        status = catalog_build(entries, count, &view->block, &size);
    if (status == STATUS_OK)
        status = catalog_open(view->block, size, &view->catalog);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct compiled *compiled = &view->compiled[catalog_entry(&view->catalog, i)->image_id - 1];
        view->images[i] = (struct image_ref){.block = compiled->block, .size = compiled->size};
    }
    view->catalog.images = view->images;
    memory_free(entries);
    return status;
}

void adopt_view_clear(struct adopt_view *view)
{
    for (size_t i = 0; i < view->count; i++)
        memory_free(view->compiled[i].block);
    memory_free(view->compiled);
    memory_free(view->images);
    memory_free(view->block);
}

/* Answers. */

static bool holds(const struct answer *answer, const struct answer_rrset *wanted)
{
    for (size_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->section == wanted->section && entry->rrset.type == wanted->rrset.type &&
            name_equal(entry->owner, wanted->owner))
            return diff_rrset_equal(&entry->rrset, &wanted->rrset);
    }
    return false;
}

static bool is_equal(const struct answer *a, const struct answer *b)
{
    if (a->outcome != b->outcome || a->rcode != b->rcode || a->authoritative != b->authoritative ||
        a->overflow != b->overflow || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!holds(b, &a->rrsets[i]))
            return false;
    return true;
}

static void describe(const struct answer *answer, char *text, size_t size)
{
    static const char *const outcomes[] = {"data",     "NODATA",  "NXDOMAIN", "a referral", "no zone of ours",
                                           "YXDOMAIN", "REFUSED", "SERVFAIL"};
    char type[RRTYPE_TEXT_MAX] = "";

    if (answer->count > 0)
        rrtype_to_text(answer->rrsets[0].rrset.type, type);
    if (answer->outcome == OUTCOME_ANSWER && answer->count > 0)
        snprintf(text, size, "%u %s with TTL %" PRIu32, answer->rrsets[0].rrset.count, type,
                 answer->rrsets[0].rrset.ttl);
    else if (answer->count > 0)
        snprintf(text, size, "%s, %s TTL %" PRIu32, outcomes[answer->outcome], type, answer->rrsets[0].rrset.ttl);
    else
        snprintf(text, size, "%s", outcomes[answer->outcome]);
}

static void ask(const struct catalog *catalog, const uint8_t *name, uint16_t type, struct answer *answer)
{
    answer_reset(answer);
    zone_lookup(catalog, name, type, answer);
    additional_add(catalog, answer);
}

enum status adopt_compare(struct adopt_questions *questions, const struct catalog *before, const struct catalog *after,
                          struct adopt_difference *difference, uint64_t *asked)
{
    struct answer *answers = memory_zalloc(2, sizeof *answers);

    memset(difference, 0, sizeof *difference);
    *asked = 0;
    if (answers == NULL)
        return STATUS_NO_MEMORY;
    nameset_sort(&questions->names);
    for (size_t i = 0; i < questions->names.sorted && !difference->found; i++) {
        nameset_name(&questions->names, i, difference->name);
        for (size_t t = 0; t < questions->type_count && !difference->found; t++) {
            difference->type = questions->types[t];
            ask(before, difference->name, difference->type, &answers[0]);
            ask(after, difference->name, difference->type, &answers[1]);
            difference->found = !is_equal(&answers[0], &answers[1]);
            ++*asked;
        }
    }
    describe(&answers[0], difference->before, sizeof difference->before);
    describe(&answers[1], difference->after, sizeof difference->after);
    memory_free(answers);
    return STATUS_OK;
}

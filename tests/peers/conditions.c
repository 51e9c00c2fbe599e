/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conditions a rule may name. Those that speak of what only one side holds, but for only-ours and only-theirs, want
 * that there is something. SECTION is answer, authority or additional; TYPE is a record type or "none".
 *
 *     type TYPE...                  the question's
 *     not-type TYPE...
 *     transport udp|tcp
 *     ours RCODE... / theirs RCODE...
 *     ours-flag FLAG... / theirs-flag FLAG...     all these are set: aa tc
 *     ours-unset FLAG... / theirs-unset FLAG...   none of these is set
 *     only-ours SECTION TYPE...     what only our section holds is of these types
 *     only-theirs SECTION TYPE...   the same for the peer's
 *     same SECTION                  the sections agree
 *     ours-empty SECTION / theirs-empty SECTION
 *     theirs-at-apex SECTION        what only the peer's section holds stands at a zone's apex
 *     chain-leaves-zone             the peer's answer is the start of ours, and ends with a CNAME out of the zone it is
 * in chain-loops                   the CNAMEs of both answers lead back to a name they came from glue-kept every
 * address the peer gives for a name server inside the delegated zone, we give additional-named              every owner
 * only we add is named by a record of our other sections or an added one ours-size N                   our reply has at
 * least N bytes
 */
#include "tests/peers/rules.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

struct condition_kind {
    const char *name;
    bool has_words;
    bool (*holds)(const struct comparison *comparison, const char *const *words);
};

static bool has_word(const char *const *words, const char *word)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

static bool has_type(const char *const *words, uint16_t type)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, "none") != 0 && (uint16_t)ldns_get_rr_type_by_name(*words) == type)
            return true;
    return false;
}

static const struct reply_section *section_of(const struct reply *reply, const char *name)
{
    if (strcmp(name, "answer") == 0)
        return &reply->sections[REPLY_ANSWER];
    return &reply->sections[strcmp(name, "authority") == 0 ? REPLY_AUTHORITY : REPLY_ADDITIONAL];
}

/* Call `each` for every record of `a` that `b` lacks, until it says false; returns whether it never did. */
static bool each_missing(const struct reply_section *a, const struct reply_section *b,
                         bool (*each)(const struct reply_record *record, const void *context), const void *context)
{
    size_t k = 0;
    for (size_t i = 0; i < a->count; i++) {
        while (k < b->count && strcmp(b->records[k].text, a->records[i].text) < 0)
            k++;
        if (k < b->count && strcmp(b->records[k].text, a->records[i].text) == 0)
            k++;
        else if (!each(&a->records[i], context))
            return false;
    }
    return true;
}

static bool never(const struct reply_record *record, const void *context)
{
    (void)record;
    (void)context;
    return false;
}

/* each_missing, and there is one. */
static bool some_missing(const struct reply_section *a, const struct reply_section *b,
                         bool (*each)(const struct reply_record *record, const void *context), const void *context)
{
    return !each_missing(a, b, never, NULL) && each_missing(a, b, each, context);
}

static bool holds_type(const struct comparison *comparison, const char *const *words)
{
    return has_type(words, comparison->line->type);
}

static bool holds_not_type(const struct comparison *comparison, const char *const *words)
{
    return !has_type(words, comparison->line->type);
}

static bool holds_transport(const struct comparison *comparison, const char *const *words)
{
    return has_word(words, comparison->line->tcp ? "tcp" : "udp");
}

static bool holds_ours(const struct comparison *comparison, const char *const *words)
{
    return has_word(words, reply_rcode_text(comparison->ours->rcode));
}

static bool holds_theirs(const struct comparison *comparison, const char *const *words)
{
    return has_word(words, reply_rcode_text(comparison->theirs->rcode));
}

static uint16_t read_flags(const char *const *words)
{
    return (uint16_t)((has_word(words, "aa") ? 0x0400 : 0) | (has_word(words, "tc") ? 0x0200 : 0));
}

static bool holds_ours_flag(const struct comparison *comparison, const char *const *words)
{
    return (~comparison->ours->flags & read_flags(words)) == 0;
}

static bool holds_theirs_flag(const struct comparison *comparison, const char *const *words)
{
    return (~comparison->theirs->flags & read_flags(words)) == 0;
}

static bool holds_ours_unset(const struct comparison *comparison, const char *const *words)
{
    return (comparison->ours->flags & read_flags(words)) == 0;
}

static bool holds_theirs_unset(const struct comparison *comparison, const char *const *words)
{
    return (comparison->theirs->flags & read_flags(words)) == 0;
}

static bool is_of_type(const struct reply_record *record, const void *context)
{
    return has_type(context, record->type);
}

static bool holds_only_ours(const struct comparison *comparison, const char *const *words)
{
    return each_missing(section_of(comparison->ours, words[0]), section_of(comparison->theirs, words[0]), is_of_type,
                        words + 1);
}

static bool holds_only_theirs(const struct comparison *comparison, const char *const *words)
{
    return each_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]), is_of_type,
                        words + 1);
}

static bool holds_same(const struct comparison *comparison, const char *const *words)
{
    static const char *const none[] = {"none", NULL};
    const struct reply_section *ours = section_of(comparison->ours, words[0]);
    const struct reply_section *theirs = section_of(comparison->theirs, words[0]);
    return each_missing(ours, theirs, is_of_type, none) && each_missing(theirs, ours, is_of_type, none);
}

static bool holds_ours_empty(const struct comparison *comparison, const char *const *words)
{
    return section_of(comparison->ours, words[0])->count == 0;
}

static bool holds_theirs_empty(const struct comparison *comparison, const char *const *words)
{
    return section_of(comparison->theirs, words[0])->count == 0;
}

static bool is_apex(const struct reply_record *record, const void *context)
{
    const struct zone_names *zone = zone_list_find(context, record->owner);
    return zone != NULL && strcmp(zone->apex, record->owner) == 0;
}

static bool holds_theirs_at_apex(const struct comparison *comparison, const char *const *words)
{
    return some_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]), is_apex,
                        comparison->zones);
}

static const struct reply_record *find_cname(const struct reply_section *section, const char *owner)
{
    for (size_t i = 0; i < section->count; i++)
        if (section->records[i].type == LDNS_RR_TYPE_CNAME && strcmp(section->records[i].owner, owner) == 0)
            return &section->records[i];
    return NULL;
}

/* The question's name in the form the records have; freed by the caller. */
static char *question_name(const struct question_line *line)
{
    ldns_rdf *rdf = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, line->name_size, line->name);
    if (rdf == NULL)
        return NULL;
    ldns_dname2canonical(rdf);
    char *text = ldns_rdf2str(rdf);
    ldns_rdf_deep_free(rdf);
    return text;
}

/* Follow the CNAMEs from the question's name; *end is the last of them, NULL if there is none. True if they loop. */
static bool follow_chain(const struct reply_section *section, const char *name, const struct reply_record **end)
{
    *end = NULL;
    for (size_t steps = 0; steps <= section->count; steps++) {
        const struct reply_record *cname = find_cname(section, name);
        if (cname == NULL)
            return false;
        *end = cname;
        name = cname->target;
    }
    return true;
}

/* CNAMEs in a row from the question's name, each name counted once. */
static bool has_hops(const struct comparison *comparison, const struct reply *reply, const char *wanted)
{
    const struct reply_section *answer = &reply->sections[REPLY_ANSWER];
    char *first = question_name(comparison->line);
    const char *name = first;
    size_t hops = 0;
    for (const struct reply_record *cname; name != NULL && hops <= answer->count; hops++) {
        cname = find_cname(answer, name);
        if (cname == NULL)
            break;
        name = cname->target;
    }
    free(first);
    return hops >= strtoul(wanted, NULL, 10);
}

static bool holds_ours_hops(const struct comparison *comparison, const char *const *words)
{
    return has_hops(comparison, comparison->ours, words[0]);
}

static bool holds_theirs_hops(const struct comparison *comparison, const char *const *words)
{
    return has_hops(comparison, comparison->theirs, words[0]);
}

static bool is_wildcard(const struct reply_record *record, const void *context)
{
    (void)context;
    return strncmp(record->owner, "*.", 2) == 0;
}

static bool holds_theirs_wildcard(const struct comparison *comparison, const char *const *words)
{
    return some_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]), is_wildcard,
                        NULL);
}

static bool holds_class(const struct comparison *comparison, const char *const *words)
{
    for (; *words != NULL; words++)
        if ((uint16_t)ldns_get_rr_class_by_name(*words) == comparison->line->class)
            return true;
    return false;
}

static bool holds_theirs_silent(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    return comparison->ours->state == REPLY_READ && comparison->theirs->state == REPLY_NONE;
}

static bool holds_chain_leaves_zone(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    static const char *const none[] = {"none", NULL};
    const struct reply_section *theirs = &comparison->theirs->sections[REPLY_ANSWER];
    const struct reply_section *ours = &comparison->ours->sections[REPLY_ANSWER];
    const struct reply_record *end = NULL;
    char *name = question_name(comparison->line);
    bool loops = name == NULL || follow_chain(theirs, name, &end);
    bool ends = !loops && end != NULL;
    const struct zone_names *from = ends ? zone_list_find(comparison->zones, end->owner) : NULL;
    const struct zone_names *to = ends ? zone_list_find(comparison->zones, end->target) : NULL;
    free(name);
    return from != NULL && from != to && each_missing(theirs, ours, is_of_type, none);
}

static bool holds_chain_loops(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    const struct reply_record *end;
    char *name = question_name(comparison->line);
    bool loops = name != NULL && follow_chain(&comparison->ours->sections[REPLY_ANSWER], name, &end) &&
                 follow_chain(&comparison->theirs->sections[REPLY_ANSWER], name, &end);
    free(name);
    return loops;
}

static bool is_apex_name(const struct zone_list *zones, const char *name)
{
    const struct zone_names *zone = name == NULL ? NULL : zone_list_find(zones, name);
    return zone != NULL && strcmp(zone->apex, name) == 0;
}

static bool holds_ds_of_apex(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    const struct reply_section *answer = &comparison->ours->sections[REPLY_ANSWER];
    char *name = question_name(comparison->line);
    bool holds = is_apex_name(comparison->zones, name);
    for (size_t i = 0; !holds && i < answer->count; i++)
        holds =
            answer->records[i].type == LDNS_RR_TYPE_CNAME && is_apex_name(comparison->zones, answer->records[i].target);
    free(name);
    return holds && comparison->line->type == LDNS_RR_TYPE_DS;
}

/* What is_in_other_zone compares with. */
struct home {
    const struct zone_list *zones;
    const struct zone_names *zone;
};

static struct home find_home(const struct comparison *comparison)
{
    char *name = question_name(comparison->line);
    struct home home = {comparison->zones, name == NULL ? NULL : zone_list_find(comparison->zones, name)};
    free(name);
    return home;
}

static bool is_in_other_zone(const struct reply_record *record, const void *context)
{
    const struct home *home = context;
    return zone_list_find(home->zones, record->owner) != home->zone;
}

static bool holds_theirs_in_other_zone(const struct comparison *comparison, const char *const *words)
{
    struct home home = find_home(comparison);
    return some_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]),
                        is_in_other_zone, &home);
}

static bool is_no_owner(const struct reply_record *record, const void *context)
{
    const struct zone_list *zones = context;
    for (size_t i = 0; i < zones->count; i++)
        for (size_t k = 0; k < zones->zones[i].count; k++)
            if (strcmp(zones->zones[i].owners[k], record->owner) == 0)
                return false;
    return true;
}

static bool holds_theirs_made(const struct comparison *comparison, const char *const *words)
{
    return some_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]), is_no_owner,
                        comparison->zones);
}

/* CNAMEs of the section that were made from this DNAME. */
static size_t count_made(const struct reply_section *answer, const struct reply_record *dname)
{
    size_t made = 0;
    for (size_t i = 0; i < answer->count; i++)
        made += answer->records[i].type == LDNS_RR_TYPE_CNAME && strcmp(answer->records[i].owner, dname->owner) != 0 &&
                text_is_below(answer->records[i].owner, dname->owner);
    return made;
}

static bool holds_chain_endless(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    const struct reply_section *answer = &comparison->ours->sections[REPLY_ANSWER];
    for (size_t i = 0; i < answer->count; i++) {
        const struct reply_record *record = &answer->records[i];
        if (record->type == LDNS_RR_TYPE_DNAME &&
            (text_is_below(record->target, record->owner) || count_made(answer, record) > 1))
            return true;
    }
    return false;
}

static bool is_stranger(const struct comparison *comparison, const struct zone_names *own, const char *name)
{
    if (zone_has_name(own, name))
        return false;
    for (size_t i = 0; i < comparison->zones->count; i++)
        if (&comparison->zones->zones[i] != own && zone_has_name(&comparison->zones->zones[i], name))
            return true;
    return false;
}

/* Walk up from the name to the apex, over text: an escaped dot only adds names that are nowhere. A wildcard is a name
 * like any other. */
static bool is_stranger_above(const struct comparison *comparison, const char *name)
{
    const struct zone_names *zone = zone_list_find(comparison->zones, name);
    char wildcard[NAME_TEXT_MAX + 2];
    while (zone != NULL && strlen(name) >= strlen(zone->apex)) {
        snprintf(wildcard, sizeof wildcard, "*.%s", name);
        if (is_stranger(comparison, zone, name) || is_stranger(comparison, zone, wildcard))
            return true;
        const char *dot = strchr(name, '.');
        if (dot == NULL)
            return false;
        name = dot + 1;
    }
    return false;
}

static bool holds_name_of_other_zone(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    const struct reply_section *answer = &comparison->ours->sections[REPLY_ANSWER];
    char *name = question_name(comparison->line);
    bool holds = name != NULL && is_stranger_above(comparison, name);
    for (size_t i = 0; !holds && i < answer->count; i++)
        holds =
            answer->records[i].type == LDNS_RR_TYPE_CNAME && is_stranger_above(comparison, answer->records[i].target);
    free(name);
    return holds;
}

static bool stands_in_answer(const struct reply_record *record, const void *context)
{
    const struct reply_section *answer = context;
    for (size_t i = 0; i < answer->count; i++)
        if (strcmp(answer->records[i].text, record->text) == 0)
            return true;
    return false;
}

static bool add_size(const struct reply_record *record, const void *context)
{
    **(size_t *const *)context += record->size;
    return true;
}

/* The most a reply over UDP may hold here: every server is told 1232. */
static size_t udp_limit(const struct question_line *line)
{
    if (!line->edns || line->payload < 512)
        return 512;
    return line->payload < 1232 ? line->payload : 1232;
}

/* What one side lacks, uncompressed, does not fit beside what it has. */
static bool is_near_full(const struct comparison *comparison, const struct reply *full, const struct reply *other)
{
    size_t size = full->size;
    size_t *total = &size;
    for (unsigned i = 0; i < REPLY_SECTIONS; i++)
        each_missing(&other->sections[i], &full->sections[i], add_size, &total);
    return size > udp_limit(comparison->line);
}

static bool holds_ours_near_full(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    return is_near_full(comparison, comparison->ours, comparison->theirs);
}

static bool holds_theirs_near_full(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    return is_near_full(comparison, comparison->theirs, comparison->ours);
}

static bool holds_theirs_repeats(const struct comparison *comparison, const char *const *words)
{
    return some_missing(section_of(comparison->theirs, words[0]), section_of(comparison->ours, words[0]),
                        stands_in_answer, &comparison->ours->sections[REPLY_ANSWER]);
}

static bool holds_ours_chain(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    char *name = question_name(comparison->line);
    bool holds = name != NULL && find_cname(&comparison->ours->sections[REPLY_ANSWER], name) != NULL;
    free(name);
    return holds;
}

static bool holds_ours_one_rrset(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    const struct reply_section *answer = &comparison->ours->sections[REPLY_ANSWER];
    for (size_t i = 1; i < answer->count; i++)
        if (answer->records[i].type != answer->records[0].type ||
            strcmp(answer->records[i].owner, answer->records[0].owner) != 0)
            return false;
    return answer->count > 0;
}

/* The record is the address of a name server that lies inside the zone it serves (context: our authority section). */
static bool is_no_glue(const struct reply_record *record, const void *context)
{
    const struct reply_section *authority = context;
    for (size_t i = 0; i < authority->count; i++) {
        const struct reply_record *ns = &authority->records[i];
        if (ns->type == LDNS_RR_TYPE_NS && strcmp(ns->target, record->owner) == 0 &&
            text_is_below(record->owner, ns->owner))
            return false;
    }
    return true;
}

static bool holds_glue_kept(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    return each_missing(&comparison->theirs->sections[REPLY_ADDITIONAL], &comparison->ours->sections[REPLY_ADDITIONAL],
                        is_no_glue, &comparison->ours->sections[REPLY_AUTHORITY]);
}

static bool is_named(const struct reply_record *record, const void *context)
{
    const struct reply *reply = context;
    for (unsigned i = 0; i < REPLY_SECTIONS; i++)
        for (size_t k = 0; k < reply->sections[i].count; k++) {
            const struct reply_record *other = &reply->sections[i].records[k];
            if (other != record && strstr(other->text, record->owner) != NULL && other->type != LDNS_RR_TYPE_A &&
                other->type != LDNS_RR_TYPE_AAAA)
                return true;
        }
    return false;
}

static bool holds_additional_named(const struct comparison *comparison, const char *const *words)
{
    (void)words;
    return each_missing(&comparison->ours->sections[REPLY_ADDITIONAL], &comparison->theirs->sections[REPLY_ADDITIONAL],
                        is_named, comparison->ours);
}

static bool holds_ours_size(const struct comparison *comparison, const char *const *words)
{
    return comparison->ours->size >= strtoul(words[0], NULL, 10);
}

static const struct condition_kind kinds[] = {
    {"type", true, holds_type},
    {"not-type", true, holds_not_type},
    {"transport", true, holds_transport},
    {"ours", true, holds_ours},
    {"theirs", true, holds_theirs},
    {"ours-flag", true, holds_ours_flag},
    {"theirs-flag", true, holds_theirs_flag},
    {"ours-unset", true, holds_ours_unset},
    {"theirs-unset", true, holds_theirs_unset},
    {"only-ours", true, holds_only_ours},
    {"only-theirs", true, holds_only_theirs},
    {"same", true, holds_same},
    {"ours-empty", true, holds_ours_empty},
    {"theirs-empty", true, holds_theirs_empty},
    {"theirs-at-apex", true, holds_theirs_at_apex},
    {"chain-leaves-zone", false, holds_chain_leaves_zone},
    {"chain-loops", false, holds_chain_loops},
    {"glue-kept", false, holds_glue_kept},
    {"additional-named", false, holds_additional_named},
    {"ours-size", true, holds_ours_size},
    {"ds-of-apex", false, holds_ds_of_apex},
    {"name-of-other-zone", false, holds_name_of_other_zone},
    {"theirs-repeats", true, holds_theirs_repeats},
    {"ours-near-full", false, holds_ours_near_full},
    {"theirs-near-full", false, holds_theirs_near_full},
    {"ours-hops", true, holds_ours_hops},
    {"theirs-hops", true, holds_theirs_hops},
    {"theirs-wildcard", true, holds_theirs_wildcard},
    {"class", true, holds_class},
    {"theirs-silent", false, holds_theirs_silent},
    {"theirs-in-other-zone", true, holds_theirs_in_other_zone},
    {"theirs-made", true, holds_theirs_made},
    {"chain-endless", false, holds_chain_endless},
    {"ours-chain", false, holds_ours_chain},
    {"ours-one-rrset", false, holds_ours_one_rrset},
};

bool condition_read(struct condition *condition, char *text)
{
    char *rest;
    size_t count = 0;
    char *name = strtok_r(text, " ", &rest);
    *condition = (struct condition){.kind = NULL};
    for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(name, kinds[i].name) == 0)
            condition->kind = &kinds[i];
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;) {
        if (count + 1 == RULE_WORDS_MAX)
            return false;
        condition->words[count++] = word;
    }
    return condition->kind != NULL && (count > 0) == condition->kind->has_words;
}

bool condition_holds(const struct condition *condition, const struct comparison *comparison)
{
    return condition->kind->holds(comparison, condition->words);
}

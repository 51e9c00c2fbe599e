/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/overlay_model.h"

#include "zones/rrset.h"

#include <stdlib.h>
#include <string.h>

/* Names as text. */

static bool at_or_below(const char *name, const char *above)
{
    size_t size = strlen(name);
    size_t tail = strlen(above);
    return size >= tail && strcmp(name + size - tail, above) == 0 && (size == tail || name[size - tail - 1] == '.');
}

static bool below(const char *name, const char *above)
{
    return at_or_below(name, above) && strcmp(name, above) != 0;
}

static const char *parent(const char *name)
{
    return strchr(name, '.') + 1;
}

static size_t text_to_wire(const char *name, uint8_t *wire)
{
    size_t size = 0;
    for (const char *label = name; *label != '\0'; label = parent(label)) {
        size_t length = strcspn(label, ".");
        wire[size++] = (uint8_t)length;
        memcpy(wire + size, label, length);
        size += length;
    }
    wire[size++] = 0;
    return size;
}

uint16_t model_rdata(const struct model_record *record, uint8_t rdata[1024])
{
    size_t size = 0;
    switch (record->type) {
    case RRTYPE_NS:
    case RRTYPE_CNAME:
    case RRTYPE_DNAME:
        return (uint16_t)text_to_wire(record->target, rdata);
    case RRTYPE_SOA:
        size = text_to_wire("ns.foreign.", rdata);
        size += text_to_wire("host.foreign.", rdata + size);
        memset(rdata + size, 0, 20);
        write_u32(rdata + size + 16, record->number);
        return (uint16_t)(size + 20);
    case RRTYPE_TXT:
        rdata[0] = 4;
        write_u32(rdata + 1, record->number);
        return 5;
    case RRTYPE_AAAA:
        memset(rdata, 0, 16);
        write_u32(rdata, record->number);
        return 16;
    case RRTYPE_HTTPS:
        write_u16(rdata, (uint16_t)record->number);
        rdata[2] = 0;
        return 3;
    default:
        write_u32(rdata, record->number);
        return 4;
    }
}

/* A list of records at one name. */
struct list {
    const struct model_record *records[MODEL_RECORDS_MAX];
    size_t count;
};

static bool list_has(const struct list *list, uint16_t type)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->records[i]->type == type)
            return true;
    return false;
}

static bool list_cuts(const struct list *list, const char *name, const char *apex)
{
    return list_has(list, RRTYPE_DNAME) || (strcmp(name, apex) != 0 && list_has(list, RRTYPE_NS));
}

void model_start(struct model *model)
{
    for (size_t v = 0; v < model->view_count; v++) {
        memset(model->views[v].exists, -1, sizeof model->views[v].exists);
        for (size_t h = 0; h < model->views[v].hide_count; h++)
            model->views[v].hides[h].is_void = -1;
    }
}

/* P5, A9, A5: which zones a view has. */

static enum zone_mode mode_of(const struct model *model, int view, int zone)
{
    const struct model_view *in = &model->views[view];
    if (in->zones[zone].mode != ZONE_MODE_DEFAULT)
        return in->zones[zone].mode;
    return in->base >= 0 && model_serves(model, in->base, zone) ? ZONE_MODE_OVERLAY : ZONE_MODE_FULL;
}

static bool has_by_itself(const struct model *model, int view, int zone)
{
    const struct model_zone *own = &model->views[view].zones[zone];
    return own->mode != ZONE_MODE_NONE && (own->has_file || own->mode != ZONE_MODE_DEFAULT);
}

bool model_serves(const struct model *model, int view, int zone)
{
    const struct model_view *in = &model->views[view];
    if (in->zones[zone].mode == ZONE_MODE_NONE)
        return false;
    if (has_by_itself(model, view, zone))
        return true;
    if (in->base < 0 || !model_serves(model, in->base, zone))
        return false;
    for (int z = 0; z < MODEL_ZONES_MAX; z++)
        if (below(model->apexes[zone], model->apexes[z]) && has_by_itself(model, view, z) &&
            mode_of(model, view, z) != ZONE_MODE_OVERLAY)
            return false;
    for (size_t h = 0; h < in->hide_count; h++)
        if (in->hides[h].below && below(model->apexes[zone], in->hides[h].name))
            return false;
    return true;
}

/* The deepest apex of the view at or above a name, or -1. */
static int zone_of(const struct model *model, int view, const char *name)
{
    int found = -1;
    for (int z = 0; z < MODEL_ZONES_MAX; z++)
        if (model_serves(model, view, z) && at_or_below(name, model->apexes[z]) &&
            (found < 0 || below(model->apexes[z], model->apexes[found])))
            found = z;
    return found;
}

/* The content of flat(view, zone), name by name. */

static struct list own_at(const struct model *model, int view, int zone, const char *name)
{
    const struct model_zone *own = &model->views[view].zones[zone];
    struct list list = {.count = 0};
    for (size_t i = 0; own->has_file && i < own->count; i++)
        if (strcmp(own->records[i].owner, name) == 0)
            list.records[list.count++] = &own->records[i];
    return list;
}

static struct list flat_at(struct model *model, int view, int zone, const char *name);

static bool is_overlay(struct model *model, int view, int zone)
{
    return mode_of(model, view, zone) == ZONE_MODE_OVERLAY;
}

/* The view owns a name at or above this one that is a cut or DNAME in either layer; `strictly`: above. */
static bool is_cut_off_by_own(struct model *model, int view, int zone, const char *name, bool strictly)
{
    const char *apex = model->apexes[zone];
    for (const char *above = strictly ? parent(name) : name; at_or_below(above, apex); above = parent(above)) {
        struct list own = own_at(model, view, zone, above);
        struct list base = flat_at(model, model->views[view].base, zone, above);
        bool owns = strcmp(above, apex) != 0 ? own.count > 0 : list_has(&own, RRTYPE_DNAME);
        if (owns && (list_cuts(&own, above, apex) || list_cuts(&base, above, apex)))
            return true;
    }
    return false;
}

/* A6: a hide below a delegation or DNAME changes nothing. */
static bool is_void(struct model *model, int view, int zone, struct model_hide *hide)
{
    if (hide->is_void >= 0)
        return hide->is_void != 0;
    hide->is_void = 0;
    for (const char *above = hide->below ? hide->name : parent(hide->name); at_or_below(above, model->apexes[zone]);
         above = parent(above)) {
        struct list list = flat_at(model, view, zone, above);
        if (list_cuts(&list, above, model->apexes[zone]))
            hide->is_void = 1;
    }
    return hide->is_void != 0;
}

/* The hides of the view that belong to this zone take this name of the base away (P3, A4-A6). */
static bool is_taken_by_hide(struct model *model, int view, int zone, const char *name, bool exact_too)
{
    struct model_view *in = &model->views[view];
    for (size_t h = 0; h < in->hide_count; h++) {
        struct model_hide *hide = &in->hides[h];
        bool is_below = below(name, hide->name);
        bool is_exact = !hide->below && strcmp(hide->name, name) == 0;
        if (zone_of(model, view, hide->name) != zone || !(is_below || (is_exact && exact_too)))
            continue;
        if (is_below && !hide->below) {
            if (in->base < 0 || !is_overlay(model, view, zone))
                continue;
            struct list base = flat_at(model, in->base, zone, hide->name);
            if (!list_cuts(&base, hide->name, model->apexes[zone]) ||
                is_cut_off_by_own(model, view, zone, hide->name, true))
                continue;
        }
        if (!is_void(model, view, zone, hide))
            return true;
    }
    return false;
}

static bool in_group(uint16_t type)
{
    return type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

/* P4, P5, A10. */
static struct list apex_at(struct model *model, int view, int zone)
{
    const char *apex = model->apexes[zone];
    struct list list = own_at(model, view, zone, apex);
    struct list own = list;
    int base = model->views[view].base;
    enum zone_mode mode = mode_of(model, view, zone);
    if (mode == ZONE_MODE_FULL || base < 0 || !model_serves(model, base, zone))
        return list;
    struct list inherited = flat_at(model, base, zone, apex);
    bool owns_group = list_has(&own, RRTYPE_A) || list_has(&own, RRTYPE_AAAA) || list_has(&own, RRTYPE_SVCB) ||
                      list_has(&own, RRTYPE_HTTPS);
    for (size_t i = 0; i < inherited.count; i++) {
        uint16_t type = inherited.records[i]->type;
        if (list_has(&own, type) || (owns_group && in_group(type)) ||
            (mode == ZONE_MODE_PINPOINT && type != RRTYPE_SOA && type != RRTYPE_NS))
            continue;
        list.records[list.count++] = inherited.records[i];
    }
    return list;
}

static struct list flat_at(struct model *model, int view, int zone, const char *name)
{
    struct list none = {.count = 0};
    if (view < 0 || !model_serves(model, view, zone))
        return none;
    if (strcmp(name, model->apexes[zone]) == 0)
        return apex_at(model, view, zone);
    struct list own = own_at(model, view, zone, name);
    if (own.count > 0 || !is_overlay(model, view, zone))
        return own;
    struct list base = flat_at(model, model->views[view].base, zone, name);
    if (base.count == 0 || is_cut_off_by_own(model, view, zone, name, true) ||
        is_taken_by_hide(model, view, zone, name, true))
        return none;
    return base;
}

/* Hidden names. */

static bool is_hidden(struct model *model, int view, int zone, const char *name, bool names_below)
{
    struct model_view *in = &model->views[view];
    for (size_t h = 0; h < in->hide_count; h++)
        if (in->hides[h].below == names_below && strcmp(in->hides[h].name, name) == 0 &&
            zone_of(model, view, name) == zone && !is_void(model, view, zone, &in->hides[h]))
            return true;
    if (!is_overlay(model, view, zone) || is_cut_off_by_own(model, view, zone, name, false))
        return false;
    struct list own = own_at(model, view, zone, name);
    return is_hidden(model, in->base, zone, name, names_below) && (names_below || own.count == 0);
}

static bool is_pinpoint(struct model *model, int view, int zone)
{
    enum zone_mode mode = mode_of(model, view, zone);
    if (mode == ZONE_MODE_OVERLAY)
        return is_pinpoint(model, model->views[view].base, zone);
    return mode == ZONE_MODE_PINPOINT;
}

/* Existence: records at or below; or, since a hide changes no other name than those it hides, before the hides. */

static bool exists(struct model *model, int view, int zone, const char *name);

static bool existed_before_hides(struct model *model, int view, int zone, const char *name)
{
    for (size_t i = 0; i < model->name_count; i++) {
        const char *other = model->names[i];
        if (!at_or_below(other, name))
            continue;
        struct list own = own_at(model, view, zone, other);
        if (own.count > 0)
            return true;
        if (is_overlay(model, view, zone) && exists(model, model->views[view].base, zone, other) &&
            !is_cut_off_by_own(model, view, zone, other, true))
            return true;
    }
    return false;
}

static bool is_kept_empty(struct model *model, int view, int zone, const char *name)
{
    return strcmp(name, model->apexes[zone]) != 0 && existed_before_hides(model, view, zone, name) &&
           !is_hidden(model, view, zone, name, false) && !is_taken_by_hide(model, view, zone, name, false);
}

static bool exists(struct model *model, int view, int zone, const char *name)
{
    size_t index = 0;
    while (index < model->name_count && strcmp(model->names[index], name) != 0)
        index++;
    if (index == model->name_count)
        return false;
    int8_t *known = &model->views[view].exists[zone][index];
    for (size_t i = 0; *known < 0 && i < model->name_count; i++) {
        const char *other = model->names[i];
        if (!at_or_below(other, name))
            continue;
        struct list list = flat_at(model, view, zone, other);
        if (list.count > 0 || is_kept_empty(model, view, zone, other))
            *known = 1;
    }
    if (*known < 0)
        *known = 0;
    return *known == 1;
}

/* Errors. */

static bool is_bad_record(struct model *model, int view, int zone, const struct model_record *record)
{
    const char *apex = model->apexes[zone];
    struct model_view *in = &model->views[view];
    for (size_t h = 0; h < in->hide_count; h++)
        if (!in->hides[h].below && strcmp(in->hides[h].name, record->owner) == 0 &&
            zone_of(model, view, record->owner) == zone)
            return true;
    if (strcmp(record->owner, apex) == 0)
        return false;
    for (const char *above = parent(record->owner); at_or_below(above, apex); above = parent(above)) {
        struct list own = own_at(model, view, zone, above);
        struct list flat = flat_at(model, view, zone, above);
        bool owns = strcmp(above, apex) != 0 ? own.count > 0 : list_has(&own, RRTYPE_DNAME);
        if (!owns && list_cuts(&flat, above, apex))
            return true;
    }
    return false;
}

bool model_is_bad(struct model *model)
{
    for (int v = 0; v < (int)model->view_count; v++)
        for (int z = 0; z < MODEL_ZONES_MAX; z++) {
            const struct model_zone *own = &model->views[v].zones[z];
            for (size_t i = 0; own->has_file && model_serves(model, v, z) && i < own->count; i++)
                if (is_bad_record(model, v, z, &own->records[i]))
                    return true;
        }
    return false;
}

/* Answers. */

struct question {
    struct model *model;
    int view;
    char name[MODEL_NAME_MAX];
    uint16_t type;
    int zone;
    bool authoritative;
    size_t count;                                    /* RRsets in the answer */
    char seen[2 * ANSWER_CHAIN_MAX][MODEL_NAME_MAX]; /* owners of CNAMEs */
    char seen_dnames[2 * ANSWER_CHAIN_MAX][MODEL_NAME_MAX];
    size_t seen_count;
    size_t seen_dname_count;
    char *lines;
    size_t lines_size;
    FILE *out;
};

static void print_rdata(FILE *out, const struct model_record *record)
{
    uint8_t rdata[1024];
    uint16_t size = model_rdata(record, rdata);
    for (uint16_t i = 0; i < size; i++)
        fprintf(out, "%02x", rdata[i]);
}

static void print_rrset(struct question *question, const char *section, const char *owner, const struct list *list,
                        uint16_t type, uint32_t ttl_most)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct model_record *record = list->records[i];
        if (record->type != type)
            continue;
        uint32_t ttl = record->ttl < ttl_most ? record->ttl : ttl_most;
        fprintf(question->out, "%s %s %u %u ", section, owner, ttl, type);
        print_rdata(question->out, record);
        fprintf(question->out, "\n");
    }
    question->count++;
}

static enum outcome negative(struct question *question, enum outcome outcome)
{
    const char *apex = question->model->apexes[question->zone];
    struct list list = flat_at(question->model, question->view, question->zone, apex);
    for (size_t i = 0; i < list.count; i++)
        if (list.records[i]->type == RRTYPE_SOA)
            print_rrset(question, "authority", apex, &list, RRTYPE_SOA, list.records[i]->number);
    return outcome;
}

static enum outcome foreign(struct question *question)
{
    if (question->count == 0)
        question->authoritative = false;
    return OUTCOME_OUT_OF_ZONE;
}

static enum outcome referral(struct question *question, const char *cut, const struct list *list)
{
    if (question->count == 0)
        question->authoritative = false;
    print_rrset(question, "authority", cut, list, RRTYPE_NS, UINT32_MAX);
    if (list_has(list, RRTYPE_DS))
        print_rrset(question, "authority", cut, list, RRTYPE_DS, UINT32_MAX);
    return OUTCOME_DELEGATION;
}

/* False: the chain has been there. */
static bool follow(struct question *question, const char *target)
{
    for (size_t i = 0; i < question->seen_count; i++)
        if (strcmp(question->seen[i], target) == 0)
            return false;
    memmove(question->name, target, strlen(target) + 1);
    return true;
}

#define FOLLOW ((enum outcome)(-1))

static enum outcome rewrite(struct question *question, const char *owner, const struct list *list)
{
    struct model_record cname = {.type = RRTYPE_CNAME};
    uint8_t wire[1024];
    bool seen = false;
    for (size_t i = 0; i < question->seen_dname_count; i++)
        seen = seen || strcmp(question->seen_dnames[i], owner) == 0;
    if (!seen) {
        print_rrset(question, "answer", owner, list, RRTYPE_DNAME, UINT32_MAX);
        strcpy(question->seen_dnames[question->seen_dname_count++], owner);
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->records[i]->type == RRTYPE_DNAME) {
            size_t kept = strlen(question->name) - strlen(owner);
            memcpy(cname.target, question->name, kept);
            strcpy(cname.target + kept, list->records[i]->target);
            cname.ttl = list->records[i]->ttl;
        }
    if (text_to_wire(cname.target, wire) > 255)
        return OUTCOME_YXDOMAIN;
    struct list made = {.records = {&cname}, .count = 1};
    print_rrset(question, "answer", question->name, &made, RRTYPE_CNAME, UINT32_MAX);
    strcpy(question->seen[question->seen_count++], question->name);
    if (question->type == RRTYPE_CNAME)
        return OUTCOME_ANSWER;
    return follow(question, cname.target) ? FOLLOW : OUTCOME_ANSWER;
}

static enum outcome answer_from(struct question *question, const struct list *list)
{
    if (list_has(list, question->type)) {
        print_rrset(question, "answer", question->name, list, question->type, UINT32_MAX);
        return OUTCOME_ANSWER;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->records[i]->type == RRTYPE_CNAME) {
            print_rrset(question, "answer", question->name, list, RRTYPE_CNAME, UINT32_MAX);
            strcpy(question->seen[question->seen_count++], question->name);
            return follow(question, list->records[i]->target) ? FOLLOW : OUTCOME_ANSWER;
        }
    return negative(question, OUTCOME_NODATA);
}

static bool is_below_hidden_suffix(struct question *question, const char *name)
{
    for (const char *above = parent(name); at_or_below(above, question->model->apexes[question->zone]);
         above = parent(above))
        if (is_hidden(question->model, question->view, question->zone, above, true))
            return true;
    return false;
}

/* A7: in pinpoint, empty non-terminals, and an apex with SOA and NS only, are others' names. */
static bool is_foreign(struct question *question, const char *name)
{
    struct list list = flat_at(question->model, question->view, question->zone, name);
    bool bare = strcmp(name, question->model->apexes[question->zone]) == 0;
    for (size_t i = 0; i < list.count; i++)
        bare = bare && (list.records[i]->type == RRTYPE_SOA || list.records[i]->type == RRTYPE_NS);
    bool empty = list.count == 0 && !is_below_hidden_suffix(question, name);
    return is_pinpoint(question->model, question->view, question->zone) && (empty || bare);
}

static enum outcome existing(struct question *question, const char *name)
{
    struct list list = flat_at(question->model, question->view, question->zone, name);
    return is_foreign(question, name) ? foreign(question) : answer_from(question, &list);
}

/* RFC 4592 3.3.1 with A4, A5: a wildcard stands for the missing name. */
static bool find_wildcard(struct question *question, char wildcard[MODEL_NAME_MAX])
{
    struct model *model = question->model;
    const char *apex = model->apexes[question->zone];
    const char *encloser = parent(question->name);
    bool kept_out = false;
    while (strcmp(encloser, apex) != 0 && !exists(model, question->view, question->zone, encloser))
        encloser = parent(encloser);
    for (const char *above = parent(question->name); at_or_below(above, apex); above = parent(above)) {
        if (is_hidden(model, question->view, question->zone, above, false))
            kept_out = true;
        if (below(above, encloser) && is_hidden(model, question->view, question->zone, above, true))
            kept_out = true;
    }
    snprintf(wildcard, MODEL_NAME_MAX, "*.%s", encloser);
    return !kept_out && exists(model, question->view, question->zone, wildcard);
}

static enum outcome missing(struct question *question)
{
    struct model *model = question->model;
    char wildcard[MODEL_NAME_MAX];
    if (find_wildcard(question, wildcard))
        return existing(question, wildcard);
    if (is_pinpoint(model, question->view, question->zone) && !is_below_hidden_suffix(question, question->name))
        return foreign(question);
    return negative(question, OUTCOME_NXDOMAIN);
}

/* The highest delegation or DNAME at or above the name, or NULL. */
static const char *find_cut(struct question *question)
{
    const char *apex = question->model->apexes[question->zone];
    const char *found = NULL;
    for (const char *above = question->name; at_or_below(above, apex); above = parent(above)) {
        struct list list = flat_at(question->model, question->view, question->zone, above);
        bool at = strcmp(above, question->name) == 0;
        bool is_cut = strcmp(above, apex) != 0 && list_has(&list, RRTYPE_NS) && !(at && question->type == RRTYPE_DS);
        if (is_cut || (!at && list_has(&list, RRTYPE_DNAME)))
            found = above;
    }
    return found;
}

static bool is_there(struct question *question)
{
    return strcmp(question->name, question->model->apexes[question->zone]) == 0 ||
           exists(question->model, question->view, question->zone, question->name);
}

/* The zone knows nothing of the name: it would deny it, or leave it to others. */
static bool is_unknown(struct question *question)
{
    char wildcard[MODEL_NAME_MAX];
    if (find_cut(question) != NULL)
        return false;
    if (is_hidden(question->model, question->view, question->zone, question->name, false))
        return !is_there(question);
    return is_there(question) ? is_foreign(question, question->name) : !find_wildcard(question, wildcard);
}

/* RFC 4035 3.1.4.1: DS of an apex is asked of the zone above, if that knows the name at all. */
static void choose_ds_side(struct question *question)
{
    int child = question->zone;
    int above = zone_of(question->model, question->view, parent(question->name));
    if (above < 0)
        return;
    question->zone = above;
    if (is_unknown(question))
        question->zone = child;
}

static enum outcome step(struct question *question)
{
    struct model *model = question->model;
    question->zone = zone_of(model, question->view, question->name);
    if (question->zone < 0)
        return OUTCOME_OUT_OF_ZONE;
    if (question->type == RRTYPE_DS && strcmp(question->name, model->apexes[question->zone]) == 0)
        choose_ds_side(question);
    if (question->count == 0)
        question->authoritative = true;
    const char *cut = find_cut(question);
    if (cut != NULL) {
        struct list list = flat_at(model, question->view, question->zone, cut);
        bool delegates = strcmp(cut, model->apexes[question->zone]) != 0 && list_has(&list, RRTYPE_NS);
        return delegates ? referral(question, cut, &list) : rewrite(question, cut, &list);
    }
    bool there = is_there(question);
    if (is_hidden(model, question->view, question->zone, question->name, false))
        return negative(question, there ? OUTCOME_NODATA : OUTCOME_NXDOMAIN);
    return there ? existing(question, question->name) : missing(question);
}

void model_ask(struct model *model, int view, const char *name, uint16_t type, FILE *stream)
{
    struct question question = {.model = model, .view = view, .type = type};
    enum outcome outcome = FOLLOW;
    snprintf(question.name, sizeof question.name, "%s", name);
    question.out = open_memstream(&question.lines, &question.lines_size);
    if (question.out == NULL)
        abort();
    for (unsigned hops = 0; hops < ANSWER_CHAIN_MAX && outcome == FOLLOW; hops++)
        outcome = step(&question);
    fclose(question.out);
    fprintf(stream, "%d%s\n%s", outcome == FOLLOW ? OUTCOME_ANSWER : (int)outcome, question.authoritative ? " aa" : "",
            question.lines);
    free(question.lines);
}

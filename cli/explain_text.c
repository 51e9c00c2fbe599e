/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/explain_text.h"

#include "cli/command.h"
#include "cli/dig_text.h"
#include "cli/origin_text.h"

#include "zones/image.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL_WIDTH   11
#define ORIGINS_SHOWN 8 /* files of a zone */

void explain_decide(struct explained *explained)
{
    trace_reset(&explained->trace);
    explained->match = asker_decide(explained->generation, explained->asker, explained->how, explained->question,
                                    &explained->answer, &explained->trace, &explained->route);
}

/* ---- what the trace names ---- */

static bool find_image(const struct explained *explained, uint64_t id, struct image *image)
{
    uint32_t view = explained->match.view;

    if (view == VIEW_NONE)
        return false;
    const struct catalog *catalog = &explained->generation->catalogs[view];
    for (uint32_t i = 0; i < catalog_count(catalog); i++)
        if (catalog_entry(catalog, i)->image_id == id)
            return image_open(catalog->images[i].block, catalog->images[i].size, image) == STATUS_OK;
    return false;
}

static bool find_place(const struct explained *explained, uint64_t id, const uint8_t *owner, uint16_t type,
                       struct origins_entry *entry)
{
    struct image image;

    return find_image(explained, id, &image) && origins_find(explained->generation, id, &image, owner, type, entry);
}

/* What is known of the TTL of records that were taken; `entry` NULL: not where they come from. */
static struct origin_ttl ttl_of(const struct explained *explained, const struct trace_step *step,
                                const struct origins_entry *entry)
{
    return (struct origin_ttl){.owner = step->name,
                               .type = step->type,
                               .ttl = (uint32_t)step->other,
                               .entry = entry,
                               .now = explained->question->now};
}

static void append(char text[ORIGIN_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char text[ORIGIN_TEXT_MAX], const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, ORIGIN_TEXT_MAX - used, format, arguments);
    va_end(arguments);
}

/* "internal/x.zone over internet/x.zone": the files a zone was made from. */
static void zone_files(const struct explained *explained, uint64_t id, char text[ORIGIN_TEXT_MAX])
{
    struct origins_reader reader;
    struct origins_place place;
    const void *table;
    size_t size;

    text[0] = '\0';
    if (origins_load(explained->generation, id, &table, &size) != STATUS_OK ||
        origins_open(table, size, &reader) != STATUS_OK)
        return;
    for (uint32_t i = 0; i < ORIGINS_SHOWN && origins_file(&reader, i, &place); i++) {
        char one[ORIGIN_TEXT_MAX];
        origin_hide_text(explained->generation, explained->match.view, &place, one);
        append(text, "%s%s", i == 0 ? "" : "; ", one);
    }
    if (reader.file_count > ORIGINS_SHOWN)
        append(text, "; %" PRIu32 " more", reader.file_count - ORIGINS_SHOWN);
}

/* ---- for people ---- */

struct printing {
    const struct explained *explained;
    const char *prefix;
    FILE *stream;
    uint64_t image;        /* of the zone at hand */
    const uint8_t *hidden; /* the hidden name that answers; NULL: none */
};

static void say(const struct printing *printing, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct printing *printing, const char *label, const char *format, ...)
{
    va_list arguments;

    fprintf(printing->stream, "%s%-*s ", printing->prefix, LABEL_WIDTH, label);
    va_start(arguments, format);
    vfprintf(printing->stream, format, arguments);
    va_end(arguments);
    putc('\n', printing->stream);
}

static const char *view_name(const struct printing *printing, uint64_t view)
{
    const struct policy *policy = printing->explained->generation->policy;

    return policy != NULL && view < policy->view_count ? policy->views[view].name : "none";
}

static void print_zone(struct printing *printing, const struct trace_step *step, const char *name)
{
    char files[ORIGIN_TEXT_MAX];

    printing->image = step->number;
    say(printing, "zone", "%s, serial %" PRIu64, name, step->other);
    zone_files(printing->explained, step->number, files);
    if (files[0] != '\0')
        say(printing, "", "from %s", files);
}

static void print_hidden(struct printing *printing, const struct trace_step *step, const char *name)
{
    struct origins_entry entry;
    char where[ORIGIN_TEXT_MAX] = "";
    bool is_suffix = (step->number & NODE_HIDDEN) == 0;

    printing->hidden = is_suffix ? NULL : step->name;
    if (find_place(printing->explained, printing->image, step->name, 0, &entry))
        origin_hide_text(printing->explained->generation, printing->explained->match.view, &entry.place, where);
    say(printing, "", "hidden by hide = %s%s%s%s", is_suffix ? "*." : "", name, where[0] != '\0' ? ", " : "", where);
}

static void print_records(const struct printing *printing, const struct trace_step *step, const char *name,
                          const char *type)
{
    const struct explained *explained = printing->explained;
    struct origins_entry entry;
    char text[ORIGIN_TEXT_MAX];

    say(printing, "records", "%s %s, TTL %" PRIu64, name, type, step->other);
    bool is_known = find_place(explained, step->number, step->name, step->type, &entry);
    if (is_known) {
        origin_text(explained->generation, explained->match.view, &entry.place, text);
        say(printing, "", "written in %s", text);
    }
    const struct origin_ttl ttl = ttl_of(explained, step, is_known ? &entry : NULL);
    origin_ttl_text(explained->generation, explained->match.view, &ttl, text);
    say(printing, "ttl", "%s; served with %" PRIu32, text,
        origin_ttl_served(explained->generation, explained->match.view, &ttl));
    if (origin_cutover(explained->generation, explained->match.view, step->name, step->type, text))
        say(printing, "", "counts down: %s", text);
}

static void print_negative(const struct printing *printing, const struct trace_step *step, const char *name)
{
    const struct explained *explained = printing->explained;
    char text[ORIGIN_TEXT_MAX];

    say(printing, "negative", "%s, with the SOA of %s, TTL %" PRIu64, step->text, name, step->other);
    const uint8_t *about = printing->hidden != NULL ? printing->hidden : step->name;
    if (origin_ttl_rule(explained->generation, explained->match.view, about, 0, text))
        say(printing, "", "TTL by %s", text);
}

static void print_view(const struct printing *printing, const struct trace_step *step)
{
    if (step->number == UINT64_MAX)
        say(printing, "view", "none: %s", step->text);
    else
        say(printing, "view", "%s: %s", view_name(printing, step->number), step->text);
}

/* Steps about the view, and about the list that was decided. */
static void print_around(const struct printing *printing, const struct trace_step *step, const char *name,
                         const char *type)
{
    switch (step->kind) {
    case TRACE_VIEW:
        print_view(printing, step);
        break;
    case TRACE_VIEW_LOST:
        say(printing, "", "not %s: %s", view_name(printing, step->number), step->text);
        break;
    case TRACE_REFUSED:
        say(printing, "refused", "%s", step->text);
        break;
    case TRACE_ROUTE:
        say(printing, "forward", "%s", step->text);
        break;
    case TRACE_ONE_OF_ANY:
        say(printing, "any", "over UDP one RRset answers for all (RFC 8482)");
        break;
    case TRACE_LEFT_OUT:
        say(printing, "left out", "%s %s: optional, and the view is minimal", name, type);
        break;
    case TRACE_WITHHELD:
        say(printing, "withheld", "%" PRIu64 " RRset%s with private addresses, by the last leak check", step->number,
            cli_plural(step->number));
        break;
    case TRACE_COUNTDOWN:
        say(printing, "cut-over", "%s %s: TTL %" PRIu64 " becomes %" PRIu64, name, type, step->number, step->other);
        break;
    default:
        break;
    }
}

static void print_step(struct printing *printing, const struct trace_step *step)
{
    char name[NAME_TEXT_MAX] = "";
    char type[RRTYPE_TEXT_MAX] = "";

    if (step->has_name)
        name_to_text(step->name, name);
    if (step->type != 0)
        rrtype_to_text(step->type, type);
    switch (step->kind) {
    case TRACE_LOOKUP:
        printing->hidden = NULL;
        say(printing, "name", "%s", name);
        break;
    case TRACE_ZONE:
        print_zone(printing, step, name);
        break;
    case TRACE_NO_ZONE:
        say(printing, "zone", "none of this view holds %s", name);
        break;
    case TRACE_NODE:
        say(printing, "", "%s exists", name);
        break;
    case TRACE_MISSING:
        say(printing, "", "does not exist; the closest name above that does is %s", name);
        break;
    case TRACE_WILDCARD:
        say(printing, "", "the wildcard %s stands for it", name);
        break;
    case TRACE_HIDDEN:
        print_hidden(printing, step, name);
        break;
    case TRACE_DELEGATION:
        say(printing, "", "delegated at %s", name);
        break;
    case TRACE_DNAME:
        say(printing, "", "redirected by the DNAME at %s", name);
        break;
    case TRACE_FOREIGN:
        say(printing, "", "no name of this zone, which leaves such names to others");
        break;
    case TRACE_RECORDS:
        print_records(printing, step, name, type);
        break;
    case TRACE_NEGATIVE:
        print_negative(printing, step, name);
        break;
    case TRACE_LOOP:
        say(printing, "", "the chain ends: it loops, or is too long");
        break;
    case TRACE_DAMAGED:
        say(printing, "damaged", "the stored zone cannot be read: SERVFAIL");
        break;
    case TRACE_TOO_LONG:
        say(printing, "", "the DNAME makes the name too long: YXDOMAIN");
        break;
    default:
        print_around(printing, step, name, type);
        break;
    }
}

static void print_question(const struct printing *printing)
{
    const struct explained *explained = printing->explained;
    const struct client *how = explained->how;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char listen[ADDRESS_TEXT_MAX] = "";
    char key[NAME_TEXT_MAX] = "";

    name_to_text(explained->question->name, name);
    rrtype_to_text(explained->question->type, type);
    if (how->listen.family != 0)
        address_to_text(&how->listen, listen);
    if (how->key != NULL)
        name_to_text(how->key, key);
    say(printing, "question", "%s %s from %s over %s%s%s%s%s%s", name, type, explained->asker->text,
        how->transport == TRANSPORT_TCP ? "TCP" : "UDP", explained->question->recursion ? "" : " without recursion",
        listen[0] != '\0' ? ", to " : "", listen, key[0] != '\0' ? ", signed by " : "", key);
}

static bool is_forwarded(const struct explained *explained)
{
    return explained->answer.outcome == OUTCOME_FORWARD;
}

void explain_print(const struct explained *explained, const char *prefix, FILE *stream)
{
    struct printing printing = {explained, prefix, stream, 0, NULL};

    print_question(&printing);
    for (size_t i = 0; i < explained->trace.count; i++)
        print_step(&printing, &explained->trace.steps[i]);
    if (explained->trace.dropped > 0)
        say(&printing, "", "and %zu steps more", explained->trace.dropped);
    if (explained->answer.next == NULL)
        say(&printing, "forward", "no: the answer is decided here");
    fprintf(stream, "%s\n", prefix);
    if (is_forwarded(explained))
        fprintf(stream, "%s;; the rest of the answer is what upstream %s says\n", prefix, explained->route.group->name);
    dig_print(explained->question->name, explained->question->type, &explained->answer, prefix, stream);
}

/* ---- as JSON ---- */

/* Adds a member that may be missing; takes `value`. False: no memory. */
static bool add(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool add_name(json_t *object, const struct trace_step *step)
{
    char name[NAME_TEXT_MAX];

    if (!step->has_name)
        return true;
    name_to_text(step->name, name);
    return add(object, "name", json_string(name));
}

static bool add_origin(json_t *object, const struct explained *explained, const struct trace_step *step)
{
    struct origins_entry entry;
    char text[ORIGIN_TEXT_MAX];
    bool is_known = find_place(explained, step->number, step->name, step->type, &entry);
    const struct origin_ttl ttl = ttl_of(explained, step, is_known ? &entry : NULL);

    if (is_known && !add(object, "origin", origin_json(explained->generation, explained->match.view, &entry.place)))
        return false;
    if (!origin_ttl_json(explained->generation, explained->match.view, &ttl, object))
        return false;
    if (origin_ttl_rule(explained->generation, explained->match.view, step->name, step->type, text) &&
        !add(object, "ttl_rule", cli_json_text(text)))
        return false;
    return !origin_cutover(explained->generation, explained->match.view, step->name, step->type, text) ||
           add(object, "cutover", cli_json_text(text));
}

static bool add_view(json_t *object, const struct explained *explained, const struct trace_step *step)
{
    const struct policy *policy = explained->generation->policy;
    bool is_view = policy != NULL && step->number < policy->view_count;

    return add(object, "view", is_view ? json_string(policy->views[step->number].name) : json_null());
}

/* What a step says beside its kind, name and type. */
static bool add_detail(json_t *object, const struct explained *explained, const struct trace_step *step)
{
    switch (step->kind) {
    case TRACE_VIEW:
    case TRACE_VIEW_LOST:
        return add_view(object, explained, step);
    case TRACE_ZONE:
        return add(object, "serial", json_integer((json_int_t)step->other));
    case TRACE_RECORDS:
        return add(object, "ttl", json_integer((json_int_t)step->other)) && add_origin(object, explained, step);
    case TRACE_NEGATIVE:
        return add(object, "ttl", json_integer((json_int_t)step->other));
    case TRACE_COUNTDOWN:
        return add(object, "ttl_before", json_integer((json_int_t)step->number)) &&
               add(object, "ttl", json_integer((json_int_t)step->other));
    case TRACE_WITHHELD:
        return add(object, "count", json_integer((json_int_t)step->number));
    default:
        return true;
    }
}

static json_t *step_json(const struct explained *explained, const struct trace_step *step)
{
    json_t *object = json_object();
    char type[RRTYPE_TEXT_MAX] = "";

    if (step->type != 0)
        rrtype_to_text(step->type, type);
    bool fine = object != NULL && add(object, "step", json_string(trace_word(step->kind))) && add_name(object, step) &&
                (type[0] == '\0' || add(object, "type", json_string(type))) &&
                (step->text[0] == '\0' || add(object, "text", cli_json_text(step->text))) &&
                add_detail(object, explained, step);
    if (fine)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *steps_json(const struct explained *explained)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < explained->trace.count; i++)
        if (json_array_append_new(list, step_json(explained, &explained->trace.steps[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *explain_json(const struct explained *explained)
{
    const struct policy *policy = explained->generation->policy;
    const char *view = explained->match.view != VIEW_NONE ? policy->views[explained->match.view].name : NULL;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(explained->question->name, name);
    rrtype_to_text(explained->question->type, type);
    return json_pack("{s:{s:s, s:s, s:s, s:s, s:b}, s:o, s:o, s:b, s:o, s:o}", "question", "name", name, "type", type,
                     "from", explained->asker->text, "transport",
                     explained->how->transport == TRANSPORT_TCP ? "tcp" : "udp", "recursion",
                     explained->question->recursion, "view", cli_json_text(view), "steps", steps_json(explained),
                     "forward", is_forwarded(explained), "upstream",
                     cli_json_text(is_forwarded(explained) ? explained->route.group->name : NULL), "answer",
                     dig_json(&explained->answer));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt_report: what adopt found, for a human or as JSON (adopt.h). */
#include "cli/adopt.h"

#include "policy/adopt_text.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <string.h>

#define NAMES_SHOWN 8 /* of each kind, for a human */

static const char *const class_keys[] = {
    [ADOPT_SAME] = "same", [ADOPT_DIFFERENT] = "different", [ADOPT_INSIDE] = "inside", [ADOPT_OUTSIDE] = "outside"};

static const char *const class_texts[] = {[ADOPT_SAME] = "the same in both copies",
                                          [ADOPT_DIFFERENT] = "different inside",
                                          [ADOPT_INSIDE] = "only inside",
                                          [ADOPT_OUTSIDE] = "only outside"};

static const char *const doubt_keys[] = {[ADOPT_PLAIN] = "",
                                         [ADOPT_EXPECTED] = "expected",
                                         [ADOPT_FORGOTTEN] = "forgotten",
                                         [ADOPT_FEWER] = "fewer-records",
                                         [ADOPT_TTL_ONLY] = "ttl-only"};

/* The name without the apex, as it would stand in the file. */
static const char *short_name(const struct adopt_plan *plan, const uint8_t *name, char text[NAME_TEXT_MAX])
{
    char apex[NAME_TEXT_MAX];
    size_t length = name_to_text(name, text);
    size_t apex_length = name_to_text(plan->inside->apex, apex);

    if (length == apex_length)
        snprintf(text, NAME_TEXT_MAX, "@");
    else if (apex_length == 1)
        text[length - 1] = '\0';
    else
        text[length - apex_length - 1] = '\0';
    return text;
}

static void print_class(const struct adopt_plan *plan, enum adopt_class class)
{
    size_t count = adopt_plan_count(plan, class);
    size_t shown = 0;
    char text[NAME_TEXT_MAX];

    printf("  %-24s %zu name%s", class_texts[class], count, cli_plural(count));
    for (size_t i = 0; i < plan->count && class != ADOPT_SAME && shown < NAMES_SHOWN; i++)
        if (plan->names[i].class == class)
            printf("%s %s", shown++ == 0 ? ":" : ",", short_name(plan, plan->names[i].name, text));
    if (count > shown && class != ADOPT_SAME)
        printf(", and %zu more", count - shown);
    putchar('\n');
}

static void print_place(const struct zone *zone, struct zone_range range)
{
    struct place place = zone_place(zone, &zone->records[range.first]);
    printf("%s:%" PRIu32, place.file != NULL ? place.file : "?", place.line);
}

static const char *types_of(const struct zone *zone, struct zone_range range, char *text, size_t size)
{
    size_t used = 0;
    uint16_t last = 0;

    text[0] = '\0';
    for (size_t i = range.first; i < range.end && used + RRTYPE_TEXT_MAX + 2 < size; i++) {
        char type[RRTYPE_TEXT_MAX];
        if (zone->records[i].type == last)
            continue;
        last = zone->records[i].type;
        rrtype_to_text(last, type);
        used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", type);
    }
    return text;
}

static void print_forgotten(const struct adopt_plan *plan, size_t number)
{
    bool is_first = true;

    for (size_t h = 0; h < plan->hide_count; h++) {
        char text[ADOPT_HIDE_TEXT_MAX];
        if (plan->hides[h].cause != number)
            continue;
        adopt_hide_to_text(&plan->hides[h], text);
        printf("%s `hide = %s`", is_first ? "hidden, so that answers stay; to show it inside too, delete" : " and",
               text);
        is_first = false;
    }
    puts(plan->is_full ? "missing in internal/; add it there to show it inside too"
         : is_first    ? "hidden with names above it"
                       : " from policy.conf");
}

static void print_doubts(const struct adopt_plan *plan)
{
    bool is_first = true;

    for (size_t i = 0; i < plan->count; i++) {
        const struct adopt_name *name = &plan->names[i];
        char text[NAME_TEXT_MAX];
        char types[200];
        if (name->doubt == ADOPT_PLAIN || name->doubt == ADOPT_EXPECTED)
            continue;
        if (is_first)
            puts("  probably mistakes, kept as they are:");
        is_first = false;
        printf("    %s ", short_name(plan, name->name, text));
        if (name->doubt == ADOPT_FORGOTTEN) {
            printf("%s (", types_of(plan->outside, name->outside, types, sizeof types));
            print_place(plan->outside, name->outside);
            printf("): only outside; ");
            print_forgotten(plan, i);
            continue;
        }
        printf("%s (", types_of(plan->inside, name->inside, types, sizeof types));
        print_place(plan->inside, name->inside);
        puts(name->doubt == ADOPT_TTL_ONLY ? "): only the TTL differs from outside"
                                           : "): the same as outside, but with fewer records");
    }
}

static void print_apex(const struct adopt_plan *plan)
{
    if (plan->is_full)
        return;
    if (plan->soa_owned)
        puts("  SOA: the two differ in more than the serial, so the overlay keeps its own");
    else if (plan->inside_serial != plan->outside_serial)
        printf("  SOA: from outside; its serial %" PRIu32 " now counts inside too, where it was %" PRIu32 "\n",
               plan->outside_serial, plan->inside_serial);
}

static void print_pair(const struct adopt_pair *pair)
{
    const struct adopt_plan *plan = pair->plan;
    char apex[NAME_TEXT_MAX];

    adopt_name_text(pair->apex, apex);
    if (plan == NULL) {
        bool inside = pair->copies[SIDE_INSIDE].path != NULL;
        printf("%s: %s\n", apex,
               inside ? "only inside, taken over as it is"
                      : "only outside; inside clients, who had to be sent there, get the same answers from here");
        return;
    }
    bool is_same = !plan->is_full && plan->own->count == 0 && plan->hide_count == 0;
    printf("%s: %s\n", apex,
           plan->is_full ? "the inside copy stays whole"
           : is_same     ? "the two copies are the same, one is enough"
                         : "an overlay");
    if (plan->is_full)
        printf("  why: %s\n", plan->reason);
    for (enum adopt_class class = ADOPT_SAME; class <= ADOPT_OUTSIDE; class ++)
        print_class(plan, class);
    if (!plan->is_full && !is_same)
        printf("  records inside           %zu before, %zu now, and %zu hide%s\n", plan->inside->count,
               plan->own->count, plan->hide_count, cli_plural(plan->hide_count));
    print_apex(plan);
    print_doubts(plan);
}

static void print_end(const struct adoption *adoption)
{
    printf("\n%" PRIu64 " questions in two views: all answered as before\n", adoption->asked);
    if (!adoption->was_written) {
        puts("nothing was written (--dry-run)");
        return;
    }
    printf("written to %s:\n", adoption->out);
    for (size_t i = 0; i < adoption->file_count; i++)
        printf("  %s\n", adoption->files[i].path);
    printf("next: %sread the hides, then\n"
           "  git -C %s init -b main && git -C %s add -A && git -C %s commit -m 'Adopted'\n",
           adoption->cli->clients == NULL ? "put your networks into [view internal] of policy.conf, " : "",
           adoption->out, adoption->out, adoption->out);
}

/* JSON. */

static json_t *json_names(const struct adopt_plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < plan->count; i++) {
        const struct adopt_name *name = &plan->names[i];
        char text[NAME_TEXT_MAX];
        if (name->class == ADOPT_SAME)
            continue;
        adopt_name_text(name->name, text);
        json_t *object = json_pack("{s:o, s:s, s:s}", "name", cli_json_text(text), "class", class_keys[name->class],
                                   "doubt", doubt_keys[name->doubt]);
        if (object == NULL || json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_hides(const struct adopt_plan *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < plan->hide_count; i++) {
        char text[ADOPT_HIDE_TEXT_MAX];
        adopt_hide_to_text(&plan->hides[i], text);
        if (json_array_append_new(list, cli_json_text(text)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_pair(const struct adopt_pair *pair)
{
    const struct adopt_plan *plan = pair->plan;
    char apex[NAME_TEXT_MAX];

    adopt_name_text(pair->apex, apex);
    if (plan == NULL)
        return json_pack("{s:o, s:s}", "zone", cli_json_text(apex), "mode",
                         pair->copies[SIDE_INSIDE].path != NULL ? "inside-only" : "outside-only");
    return json_pack(
        "{s:o, s:s, s:o, s:I, s:I, s:I, s:o, s:o}", "zone", cli_json_text(apex), "mode",
        plan->is_full ? "full" : "overlay", "reason", plan->is_full ? cli_json_text(plan->reason) : json_null(),
        "records_before", (json_int_t)plan->inside->count, "records_now", (json_int_t)plan->own->count, "same",
        (json_int_t)adopt_plan_count(plan, ADOPT_SAME), "names", json_names(plan), "hide", json_hides(plan));
}

static bool report_json(const struct adoption *adoption, enum status status)
{
    json_t *zones = json_array();
    json_t *files = json_array();

    for (size_t i = 0; status == STATUS_OK && i < adoption->count; i++)
        json_array_append_new(zones, json_pair(&adoption->pairs[i]));
    for (size_t i = 0; status == STATUS_OK && i < adoption->file_count; i++)
        json_array_append_new(files, cli_json_text(adoption->files[i].path));
    return cli_print_json(json_pack("{s:s, s:b, s:o, s:b, s:o, s:I, s:o}", "status", status_text(status), "ok",
                                    status == STATUS_OK, "out", cli_json_text(adoption->out), "written",
                                    adoption->was_written, "files", files, "asked", (json_int_t)adoption->asked,
                                    "zones", zones),
                          &adoption->diag);
}

bool adopt_report(const struct adoption *adoption, enum status status)
{
    if (adoption->cli->json)
        return report_json(adoption, status);
    diag_print(&adoption->diag, stderr);
    if (status != STATUS_OK) {
        fprintf(stderr, "splitview: %s; nothing was written\n",
                adoption->diag.errors > 0 ? "the copies cannot be adopted" : status_text(status));
        return true;
    }
    for (size_t i = 0; i < adoption->count; i++)
        print_pair(&adoption->pairs[i]);
    print_end(adoption);
    return true;
}

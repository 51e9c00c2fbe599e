/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/origin_text.h"

#include "cli/command.h"
#include "zones/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void append(char text[ORIGIN_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char text[ORIGIN_TEXT_MAX], const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text + used, ORIGIN_TEXT_MAX - used, format, arguments);
    va_end(arguments);
}

/* Facts stand in policy.conf, records in files of folders. */
static bool is_fact(const struct generation *generation, const struct origins_place *place)
{
    const char *path = generation->policy->config->path;

    return place->path_size == strlen(path) && memcmp(place->path, path, place->path_size) == 0;
}

static bool is_own(const struct generation *generation, uint32_t view, const struct origins_place *place)
{
    const char *name = generation->policy->views[view].name;

    return place->view_size == 0 ||
           (place->view_size == strlen(name) && memcmp(place->view, name, place->view_size) == 0);
}

/* A path may hold what a terminal would obey. */
static void append_octets(char text[ORIGIN_TEXT_MAX], const char *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)octets[i];
        append(text, "%c", byte < 0x20 || byte == 0x7f ? '?' : byte);
    }
}

static void append_place(const struct generation *generation, uint32_t view, const struct origins_place *place,
                         const char *remark, char text[ORIGIN_TEXT_MAX])
{
    text[0] = '\0';
    append_octets(text, place->path, place->path_size);
    if (place->line != 0)
        append(text, ":%" PRIu32, place->line);
    append(text, "%s", remark);
    if (is_own(generation, view, place))
        return;
    append(text, ", of base view ");
    append_octets(text, place->view, place->view_size);
}

void origin_text(const struct generation *generation, uint32_t view, const struct origins_place *place,
                 char text[ORIGIN_TEXT_MAX])
{
    append_place(generation, view, place, is_fact(generation, place) ? " (facts)" : "", text);
}

void origin_hide_text(const struct generation *generation, uint32_t view, const struct origins_place *place,
                      char text[ORIGIN_TEXT_MAX])
{
    append_place(generation, view, place, "", text);
}

static json_t *json_octets(const char *octets, size_t size)
{
    char *text = memory_copy_text(octets, size);
    json_t *value = text != NULL ? cli_json_text(text) : NULL;

    memory_free(text);
    return value;
}

json_t *origin_json(const struct generation *generation, uint32_t view, const struct origins_place *place)
{
    const char *kind = is_own(generation, view, place) ? "own" : "base";

    return json_pack("{s:o, s:o, s:o, s:s}", "file", json_octets(place->path, place->path_size), "line",
                     place->line != 0 ? json_integer((json_int_t)place->line) : json_null(), "view",
                     json_octets(place->view, place->view_size), "kind", is_fact(generation, place) ? "fact" : kind);
}

static void append_section(const struct generation *generation, const struct config_section *section,
                           char text[ORIGIN_TEXT_MAX])
{
    append(text, "[%s %s] %s:%" PRIu32 ":", section->kind, section->name, generation->policy->config->path,
           section->line);
}

static void append_value(const char *word, const struct ttl_value *value, char text[ORIGIN_TEXT_MAX])
{
    if (value->given)
        append(text, " %s %" PRIu32, word, value->seconds);
}

bool origin_ttl_rule(const struct generation *generation, uint32_t view, const uint8_t *owner, uint16_t type,
                     char text[ORIGIN_TEXT_MAX])
{
    const struct ttl_rule *tie = NULL;
    const struct ttl_rule *rule = ttl_find(generation->policy->ttl, view, owner, type, &tie);

    text[0] = '\0';
    if (rule == NULL)
        return false;
    append_section(generation, rule->section, text);
    append_value("min", &rule->min, text);
    append_value("max", &rule->max, text);
    append_value("fixed", &rule->fixed, text);
    append_value("negative", &rule->negative, text);
    return true;
}

static void append_instant(uint64_t seconds, char text[ORIGIN_TEXT_MAX])
{
    char instant[32] = "-";
    time_t moment = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&moment, &parts) != NULL)
        strftime(instant, sizeof instant, "%Y-%m-%dT%H:%M:%SZ", &parts);
    append(text, " %s", instant);
}

bool origin_cutover(const struct generation *generation, uint32_t view, const uint8_t *owner, uint16_t type,
                    char text[ORIGIN_TEXT_MAX])
{
    const struct cutover *cutover = generation->policy->cutover;
    uint16_t number = cutover_number(cutover, view, owner);

    text[0] = '\0';
    for (unsigned i = 0; i < CUTOVER_MAX; i++) {
        const struct cutover_rule *rule = cutover_rule(cutover, i);
        if (rule == NULL || (number & (1u << i)) == 0 || !selector_has_type(&rule->selector, type))
            continue;
        if (text[0] != '\0')
            append(text, "; ");
        append_section(generation, rule->section, text);
        append(text, " at");
        append_instant(rule->at, text);
        append(text, ", floor %" PRIu32 ", settle %" PRIu32 ", after %" PRIu32, rule->floor, rule->settle, rule->after);
    }
    return text[0] != '\0';
}

/* ---- what became of a TTL ---- */

/* The [ttl] rule with this name, as far as the policy still has it. */
static const struct ttl_rule *find_rule(const struct generation *generation, const struct origins_change *change)
{
    const struct ttl_rules *rules = generation->policy->ttl;

    for (size_t i = 0; i < rules->count; i++) {
        const char *name = rules->rules[i].section->name;
        if (strlen(name) == change->rule_size && memcmp(name, change->rule, change->rule_size) == 0)
            return &rules->rules[i];
    }
    return NULL;
}

/* The word of a rule that made `after` of `before`. */
static const char *bound_of(const struct ttl_rule *rule, uint32_t before, uint32_t after)
{
    if (rule == NULL)
        return "";
    if (rule->fixed.given)
        return "fixed";
    return after > before ? "min" : "max";
}

/* By a rule that holds in this view, not in a base. */
static bool is_change_of(const struct generation *generation, uint32_t view, const struct origins_change *change)
{
    const char *name = generation->policy->views[view].name;

    return change->view != NULL && strlen(name) == change->view_size &&
           memcmp(name, change->view, change->view_size) == 0;
}

static void append_change(const struct generation *generation, uint32_t view, const struct origins_change *change,
                          uint32_t before, char text[ORIGIN_TEXT_MAX])
{
    append(text, ", %" PRIu32, change->ttl);
    if (change->reason == ZONE_TTL_LOWEST) {
        append(text, " as the lowest of its records");
        return;
    }
    const struct ttl_rule *rule = find_rule(generation, change);
    append(text, " by [ttl ");
    append_octets(text, change->rule, change->rule_size);
    append(text, "]");
    if (rule != NULL)
        append(text, " %s (%s:%" PRIu32 ")", bound_of(rule, before, change->ttl), generation->policy->config->path,
               rule->section->line);
    if (change->reason == ZONE_TTL_CAP) {
        append(text, " through the CNAME ");
        append_octets(text, change->cname, change->cname_size);
    }
    if (is_change_of(generation, view, change))
        return;
    append(text, " in view ");
    append_octets(text, change->view, change->view_size);
}

/* The cut-over that gives the lowest TTL; NULL: none lowers it. */
static const struct cutover_rule *find_cutover(const struct generation *generation, uint32_t view,
                                               const struct origin_ttl *ttl, uint32_t *served)
{
    const struct cutover *cutover = generation->policy->cutover;
    const struct cutover_rule *found = NULL;

    *served = ttl->ttl;
    if (ttl->now == 0 || ttl->type == RRTYPE_SOA)
        return NULL;
    uint16_t number = cutover_number(cutover, view, ttl->owner);
    for (unsigned i = 0; i < CUTOVER_MAX; i++) {
        const struct cutover_rule *rule = cutover_rule(cutover, i);
        if (rule == NULL || (number & (1u << i)) == 0 || !selector_has_type(&rule->selector, ttl->type))
            continue;
        uint32_t left = cutover_ttl(rule, ttl->now, ttl->ttl);
        if (left >= *served)
            continue;
        *served = left;
        found = rule;
    }
    return found;
}

uint32_t origin_ttl_served(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl)
{
    uint32_t served;

    find_cutover(generation, view, ttl, &served);
    return served;
}

static void append_cutover(const struct generation *generation, const struct cutover_rule *rule, uint64_t now,
                           uint32_t served, char text[ORIGIN_TEXT_MAX])
{
    append(text, ", %" PRIu32 " by [cutover %s] (%s:%" PRIu32 ")", served, rule->section->name,
           generation->policy->config->path, rule->section->line);
    if (now >= rule->at) {
        append(text, ": its after, while it settles");
        return;
    }
    uint64_t left = rule->at - now;
    append(text, "%s %" PRIu64 " second%s left until", left < rule->floor ? ": its floor," : ",", left,
           cli_plural(left));
    append_instant(rule->at, text);
}

static const char *written_where(const struct generation *generation, const struct origins_entry *entry)
{
    if (entry == NULL)
        return "as published";
    if (entry->place.path == NULL)
        return "made by the program";
    return is_fact(generation, &entry->place) ? "by the facts" : "in the file";
}

void origin_ttl_text(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl,
                     char text[ORIGIN_TEXT_MAX])
{
    const struct origins_entry *entry = ttl->entry;
    bool is_changed = entry != NULL && entry->is_changed;
    uint32_t before = is_changed ? entry->written : ttl->ttl;
    const struct ttl_rule *tie = NULL;
    const struct ttl_rule *idle = ttl_find(generation->policy->ttl, view, ttl->owner, ttl->type, &tie);
    struct origins_change change;
    uint32_t served;

    text[0] = '\0';
    append(text, "%" PRIu32 " %s", before, written_where(generation, entry));
    for (struct origins_changes all = is_changed ? entry->changes : (struct origins_changes){.left = 0};
         origins_next_change(&all, &change); before = change.ttl) {
        append_change(generation, view, &change, before, text);
        if (change.reason == ZONE_TTL_RULE && find_rule(generation, &change) == idle)
            idle = NULL;
    }
    if (idle != NULL)
        append(text, ", kept by [ttl %s] (%s:%" PRIu32 ")", idle->section->name, generation->policy->config->path,
               idle->section->line);
    const struct cutover_rule *rule = find_cutover(generation, view, ttl, &served);
    if (rule != NULL)
        append_cutover(generation, rule, ttl->now, served, text);
}

static json_t *json_line(const struct config_section *section)
{
    return section != NULL ? json_integer((json_int_t)section->line) : json_null();
}

static json_t *json_text_or_null(const char *text, size_t size)
{
    return text != NULL ? json_octets(text, size) : json_null();
}

static json_t *change_json(const struct generation *generation, const struct origins_change *change, uint32_t before)
{
    static const char *const words[] = {
        [ZONE_TTL_LOWEST] = "lowest", [ZONE_TTL_RULE] = "ttl", [ZONE_TTL_CAP] = "cname"};
    const struct ttl_rule *rule = change->rule != NULL ? find_rule(generation, change) : NULL;

    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "by", words[change->reason], "rule",
                     json_text_or_null(change->rule, change->rule_size), "line",
                     json_line(rule != NULL ? rule->section : NULL), "bound",
                     rule != NULL ? json_string(bound_of(rule, before, change->ttl)) : json_null(), "view",
                     json_text_or_null(change->view, change->view_size), "cname",
                     json_text_or_null(change->cname, change->cname_size), "ttl", (json_int_t)change->ttl);
}

static json_t *cutover_json(const struct cutover_rule *rule, uint64_t now, uint32_t served)
{
    return json_pack("{s:s, s:s, s:o, s:I, s:I}", "by", "cutover", "rule", rule->section->name, "line",
                     json_line(rule->section), "time_left", (json_int_t)(now < rule->at ? rule->at - now : 0), "ttl",
                     (json_int_t)served);
}

bool origin_ttl_json(const struct generation *generation, uint32_t view, const struct origin_ttl *ttl, json_t *object)
{
    const struct origins_entry *entry = ttl->entry;
    bool is_changed = entry != NULL && entry->is_changed;
    uint32_t before = is_changed ? entry->written : ttl->ttl;
    json_t *list = json_array();
    struct origins_change change;
    uint32_t served;
    bool fine = json_object_set_new(object, "written_ttl", json_integer((json_int_t)before)) == 0;

    for (struct origins_changes all = is_changed ? entry->changes : (struct origins_changes){.left = 0};
         origins_next_change(&all, &change); before = change.ttl)
        fine = json_array_append_new(list, change_json(generation, &change, before)) == 0 && fine;
    const struct cutover_rule *rule = find_cutover(generation, view, ttl, &served);
    if (rule != NULL)
        fine = json_array_append_new(list, cutover_json(rule, ttl->now, served)) == 0 && fine;
    fine = json_object_set_new(object, "ttl_changes", list) == 0 && fine;
    return json_object_set_new(object, "served_ttl", json_integer((json_int_t)served)) == 0 && fine;
}

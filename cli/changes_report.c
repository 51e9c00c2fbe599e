/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/changes_report.h"

#include "cli/answer_text.h"
#include "cli/command.h"
#include "zones/bytes.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <string.h>
#include <sys/types.h>

#define TEXT_MAX ((size_t)1 << 32) /* bytes of what is gathered before it is printed */

struct report {
    struct changes *changes; /* groups are joined as they turn out to be alike */
    uint64_t limit;          /* 0: none */
    uint64_t shown;          /* of the group at hand */
    FILE *lines;             /* of the group at hand; its head comes first and needs their number */
    json_t *list;            /* likewise */
    bool failed;             /* no memory */
};

/* ---- words ---- */

/* A stream into a buffer; a full one makes the stream fail. */
static ssize_t keep_text(void *cookie, const char *data, size_t size)
{
    return bytes_append(cookie, data, size) == STATUS_OK ? (ssize_t)size : 0;
}

static FILE *open_text(struct bytes *text)
{
    return fopencookie(text, "w", (cookie_io_functions_t){.write = keep_text});
}

static const char *name_of_view(const struct policy *policy, uint32_t view)
{
    return view == VIEW_NONE ? "(refused)" : policy->views[view].name;
}

static const struct config_setting *view_setting(const struct policy *policy, uint32_t view, const char *key)
{
    const struct config_section *section = policy->views[view].section;

    return section == NULL ? NULL : config_find(section, key);
}

static void print_values(const struct config_setting *setting, const char *head, FILE *stream)
{
    for (size_t i = 0; setting != NULL && i < setting->value_count; i++)
        fprintf(stream, "%s%s", i == 0 ? head : ", ", setting->values[i].text);
}

void changes_print_clients(const struct policy *policy, uint32_t view, FILE *stream)
{
    const struct config_setting *clients = view_setting(policy, view, "clients");

    print_values(clients, "", stream);
    if (clients == NULL)
        fputs(policy->any_view == view ? "any" : "no network", stream);
    print_values(view_setting(policy, view, "listen"), " at ", stream);
    print_values(view_setting(policy, view, "keys"), " or key ", stream);
}

static void print_type(uint16_t type, char text[RRTYPE_TEXT_MAX])
{
    if (type == 0)
        snprintf(text, RRTYPE_TEXT_MAX, "any type");
    else
        rrtype_to_text(type, text);
}

static const char *const route_words[] = {
    [CHANGES_RECURSION] = "recursion",
    [CHANGES_OTHERS] = "other names",
    [CHANGES_SPECIAL_NAMES] = "special names",
    [CHANGES_CANARY_NAMES] = "canary names",
};

/* What a route was and is. */
static void route_texts(const struct changes_route *route, char before[ROUTE_TEXT_MAX], char after[ROUTE_TEXT_MAX])
{
    if (route->kind == CHANGES_RECURSION) {
        snprintf(before, ROUTE_TEXT_MAX, "%s", route->recursion ? "no" : "yes");
        snprintf(after, ROUTE_TEXT_MAX, "%s", route->recursion ? "yes" : "no");
        return;
    }
    answer_route_text(&route->before, before);
    answer_route_text(&route->after, after);
    /* The names of a list are not all answered alike. */
    if (route->kind == CHANGES_SPECIAL_NAMES || route->kind == CHANGES_CANARY_NAMES)
        snprintf(route->after.kind == FORWARD_UPSTREAM ? before : after, ROUTE_TEXT_MAX, "local answers");
}

#define SERVER_TEXT_MAX (ADDRESS_TEXT_MAX + 8)
#define DNS_PORT        53

static void server_text(const struct upstream_server *server, char text[SERVER_TEXT_MAX])
{
    address_to_text(&server->address, text);
    if (server->port != DNS_PORT)
        snprintf(text + strlen(text), SERVER_TEXT_MAX - strlen(text), "@%u", server->port);
}

/* ---- for people ---- */

static bool print_change(void *context, const struct change *change)
{
    struct report *report = context;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(change->name, name);
    print_type(change->type, type);
    fprintf(report->lines, "  %s %s: ", name, type);
    answer_print(change->before, change->before_route, change->type, report->lines);
    fputs(" -> ", report->lines);
    answer_print(change->after, change->after_route, change->type, report->lines);
    fputs(change->is_indirect ? " (by its target)\n" : "\n", report->lines);
    return ++report->shown < report->limit || report->limit == 0;
}

static void print_group_head(const struct report *report, uint32_t group, FILE *stream)
{
    const struct changes *changes = report->changes;
    const char *separator = "";

    for (uint32_t i = 0; i < changes->view_count; i++) {
        if (changes->views[i].group != group)
            continue;
        fprintf(stream, "%sview %s (", separator, changes->views[i].name);
        changes_print_clients(changes->after->policy, changes->views[i].after, stream);
        putc(')', stream);
        separator = ", ";
    }
}

static void print_counts(const struct changes_counts *counts, FILE *stream)
{
    fprintf(stream, "%" PRIu64 " name%s, %" PRIu64 " answer%s", counts->names, cli_plural(counts->names),
            counts->answers, cli_plural(counts->answers));
    if (counts->zones_added > 0)
        fprintf(stream, ", %" PRIu32 " zone%s added", counts->zones_added, cli_plural(counts->zones_added));
    if (counts->zones_removed > 0)
        fprintf(stream, ", %" PRIu32 " zone%s removed", counts->zones_removed, cli_plural(counts->zones_removed));
}

static enum status walk_group(struct report *report, uint32_t group, changes_visit *visit,
                              struct changes_counts *counts, struct diag *diag)
{
    enum status status = changes_walk(report->changes, group, visit, report, counts, diag);

    if (status == STATUS_OK && !counts->is_routed)
        changes_join(report->changes, group);
    return status;
}

static enum status print_group(struct report *report, uint32_t group, FILE *stream, struct diag *diag, bool *different)
{
    struct changes_counts counts;
    struct bytes text;

    bytes_init(&text, TEXT_MAX);
    report->shown = 0;
    report->lines = open_text(&text);
    if (report->lines == NULL)
        return STATUS_NO_MEMORY;
    enum status status = walk_group(report, group, print_change, &counts, diag);
    bool written = ferror(report->lines) == 0;
    if ((fclose(report->lines) != 0 || !written) && status == STATUS_OK)
        status = STATUS_NO_MEMORY;
    if (status == STATUS_OK && (counts.answers > 0 || counts.zones_added > 0 || counts.zones_removed > 0)) {
        *different = true;
        print_group_head(report, group, stream);
        fputs(": ", stream);
        print_counts(&counts, stream);
        putc('\n', stream);
        if (text.size > 0)
            fwrite(text.data, 1, text.size, stream);
        if (counts.answers > report->shown)
            fprintf(stream, "  ... and %" PRIu64 " more\n", counts.answers - report->shown);
    }
    bytes_clear(&text);
    return status;
}

static void print_views(const struct changes *changes, FILE *stream)
{
    for (uint32_t i = 0; i < changes->view_count; i++) {
        const struct changes_view *view = &changes->views[i];
        if (view->before != VIEW_NONE && view->after != VIEW_NONE)
            continue;
        bool added = view->before == VIEW_NONE;
        fprintf(stream, "view %s is %s, clients ", view->name, added ? "new" : "gone");
        changes_print_clients(added ? changes->after->policy : changes->before->policy,
                              added ? view->after : view->before, stream);
        putc('\n', stream);
    }
    if (changes->move_count > 0)
        fputs("clients that another view answers:\n", stream);
    for (size_t i = 0; i < changes->move_count; i++) {
        const struct move *move = &changes->moves[i];
        char network[PREFIX_TEXT_MAX] = "all others";
        if (!move->any)
            prefix_to_text(&move->network, network);
        fprintf(stream, "  %s: %s -> %s\n", network, name_of_view(changes->before->policy, move->before),
                name_of_view(changes->after->policy, move->after));
    }
}

/* ---- forwarding, for people ---- */

static void print_what(const struct changes *changes, const struct changes_route *route, FILE *stream)
{
    char domain[NAME_TEXT_MAX];

    fprintf(stream, "  view %s, ", changes->views[route->view].name);
    if (route->kind == CHANGES_DOMAIN) {
        name_to_text(route->domain, domain);
        fprintf(stream, "%s and below: ", domain);
    } else
        fprintf(stream, "%s: ", route_words[route->kind]);
}

static void print_servers(const struct upstream_group *group, FILE *stream)
{
    for (size_t i = 0; i < group->server_count; i++) {
        char text[SERVER_TEXT_MAX];
        server_text(&group->servers[i], text);
        fprintf(stream, "%s%s", i == 0 ? "" : ", ", text);
    }
}

static void print_forward(const struct changes *changes, FILE *stream)
{
    const struct changes_forward *forward = &changes->forward;

    if (forward->route_count > 0 || forward->upstream_count > 0)
        fputs("forwarding:\n", stream);
    for (size_t i = 0; i < forward->route_count; i++) {
        char before[ROUTE_TEXT_MAX];
        char after[ROUTE_TEXT_MAX];
        print_what(changes, &forward->routes[i], stream);
        route_texts(&forward->routes[i], before, after);
        fprintf(stream, "%s -> %s\n", before, after);
    }
    for (size_t i = 0; i < forward->upstream_count; i++) {
        fprintf(stream, "  upstream %s: ", forward->upstreams[i].after->name);
        print_servers(forward->upstreams[i].before, stream);
        fputs(" -> ", stream);
        print_servers(forward->upstreams[i].after, stream);
        putc('\n', stream);
    }
}

enum status changes_report_print(struct changes *changes, uint64_t limit, FILE *stream, struct diag *diag,
                                 bool *different)
{
    struct report report = {.changes = changes, .limit = limit};
    enum status status = STATUS_OK;

    *different = changes_in_views(changes);
    print_views(changes, stream);
    print_forward(changes, stream);
    for (uint32_t group = 0; group < changes->group_count && status == STATUS_OK; group++)
        status = print_group(&report, group, stream, diag, different);
    if (status == STATUS_OK && !*different)
        fputs("no answer changes\n", stream);
    return status;
}

/* ---- JSON ---- */

static json_t *json_clients(const struct policy *policy, uint32_t view)
{
    struct bytes text;
    json_t *string = NULL;

    bytes_init(&text, TEXT_MAX);
    FILE *stream = open_text(&text);
    if (stream == NULL)
        return NULL;
    changes_print_clients(policy, view, stream);
    if (fclose(stream) == 0 && bytes_append(&text, NULL, 1) == STATUS_OK)
        string = cli_json_text((const char *)text.data);
    bytes_clear(&text);
    return string;
}

static bool add_change(void *context, const struct change *change)
{
    struct report *report = context;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    name_to_text(change->name, name);
    print_type(change->type, type);
    json_t *object = json_pack("{s:s, s:o, s:b, s:o, s:o}", "name", name, "type",
                               change->type == 0 ? json_null() : json_string(type), "indirect", change->is_indirect,
                               "before", answer_json(change->before, change->before_route), "after",
                               answer_json(change->after, change->after_route));
    if (json_array_append_new(report->list, object) != 0)
        report->failed = true;
    return (++report->shown < report->limit || report->limit == 0) && !report->failed;
}

static json_t *json_group_views(const struct changes *changes, uint32_t group)
{
    json_t *list = json_array();

    for (uint32_t i = 0; list != NULL && i < changes->view_count; i++) {
        const struct changes_view *view = &changes->views[i];
        if (view->group == group)
            json_array_append_new(list, json_pack("{s:o, s:o}", "name", cli_json_text(view->name), "clients",
                                                  json_clients(changes->after->policy, view->after)));
    }
    return list;
}

static enum status add_group(struct report *report, uint32_t group, json_t *groups, struct diag *diag, bool *different)
{
    struct changes_counts counts;

    report->shown = 0;
    report->list = json_array();
    if (report->list == NULL)
        return STATUS_NO_MEMORY;
    enum status status = walk_group(report, group, add_change, &counts, diag);
    if (status != STATUS_OK || report->failed) {
        json_decref(report->list);
        return status == STATUS_OK ? STATUS_NO_MEMORY : status;
    }
    if (counts.answers == 0 && counts.zones_added == 0 && counts.zones_removed == 0) {
        json_decref(report->list);
        return STATUS_OK;
    }
    *different = true;
    json_t *object =
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I}", "views", json_group_views(report->changes, group),
                  "names", (json_int_t)counts.names, "answers", (json_int_t)counts.answers, "answers_removed",
                  (json_int_t)counts.removed, "zones_added", (json_int_t)counts.zones_added, "zones_removed",
                  (json_int_t)counts.zones_removed, "zones_changed", (json_int_t)counts.zones_changed, "changes",
                  report->list, "more", (json_int_t)(counts.answers - report->shown));
    return json_array_append_new(groups, object) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

static json_t *json_views(const struct changes *changes, bool added)
{
    json_t *list = json_array();

    for (uint32_t i = 0; list != NULL && i < changes->view_count; i++) {
        const struct changes_view *view = &changes->views[i];
        if ((added ? view->before : view->after) != VIEW_NONE)
            continue;
        const struct policy *policy = added ? changes->after->policy : changes->before->policy;
        json_array_append_new(list, json_pack("{s:o, s:o}", "name", cli_json_text(view->name), "clients",
                                              json_clients(policy, added ? view->after : view->before)));
    }
    return list;
}

static json_t *json_view_name(const struct policy *policy, uint32_t view)
{
    return view == VIEW_NONE ? json_null() : cli_json_text(policy->views[view].name);
}

static json_t *json_moves(const struct changes *changes)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < changes->move_count; i++) {
        const struct move *move = &changes->moves[i];
        char network[PREFIX_TEXT_MAX] = "any";
        if (!move->any)
            prefix_to_text(&move->network, network);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "network", network, "before",
                                              json_view_name(changes->before->policy, move->before), "after",
                                              json_view_name(changes->after->policy, move->after)));
    }
    return list;
}

static json_t *json_routes(const struct changes *changes)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < changes->forward.route_count; i++) {
        const struct changes_route *route = &changes->forward.routes[i];
        char before[ROUTE_TEXT_MAX];
        char after[ROUTE_TEXT_MAX];
        char domain[NAME_TEXT_MAX] = "";
        if (route->domain != NULL)
            name_to_text(route->domain, domain);
        route_texts(route, before, after);
        json_array_append_new(list, json_pack("{s:o, s:s, s:s?, s:o, s:o}", "view",
                                              cli_json_text(changes->views[route->view].name), "names",
                                              route->domain != NULL ? "domain" : route_words[route->kind], "domain",
                                              route->domain != NULL ? domain : NULL, "before", cli_json_text(before),
                                              "after", cli_json_text(after)));
    }
    return list;
}

static json_t *json_servers(const struct upstream_group *group)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < group->server_count; i++) {
        char text[SERVER_TEXT_MAX];
        server_text(&group->servers[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *json_upstreams(const struct changes *changes)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < changes->forward.upstream_count; i++) {
        const struct changes_upstream *upstream = &changes->forward.upstreams[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", cli_json_text(upstream->after->name), "before",
                                              json_servers(upstream->before), "after", json_servers(upstream->after)));
    }
    return list;
}

enum status changes_report_json(struct changes *changes, uint64_t limit, json_t *object, struct diag *diag,
                                bool *different)
{
    struct report report = {.changes = changes, .limit = limit};
    json_t *groups = json_array();
    enum status status = groups == NULL ? STATUS_NO_MEMORY : STATUS_OK;

    *different = changes_in_views(changes);
    for (uint32_t group = 0; group < changes->group_count && status == STATUS_OK; group++)
        status = add_group(&report, group, groups, diag, different);
    bool fine = json_object_set(object, "changed", groups) == 0 &&
                json_object_set_new(object, "different", json_boolean(*different)) == 0 &&
                json_object_set_new(object, "views_added", json_views(changes, true)) == 0 &&
                json_object_set_new(object, "views_removed", json_views(changes, false)) == 0 &&
                json_object_set_new(object, "networks_moved", json_moves(changes)) == 0 &&
                json_object_set_new(object, "forwarding", json_routes(changes)) == 0 &&
                json_object_set_new(object, "upstreams", json_upstreams(changes)) == 0;
    json_decref(groups);
    return status == STATUS_OK && !fine ? STATUS_NO_MEMORY : status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/asker.h"

#include "policy/options.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Where the clients of a kind of network get their addresses from. */
enum place_of { PLACE_INSIDE, PLACE_GUEST, PLACE_NOBODY };

struct kind_row {
    const char *kind;
    enum place_of place;
};

static const struct kind_row kinds[] = {
    {"cellular", PLACE_NOBODY}, {"guest", PLACE_GUEST}, {"home", PLACE_NOBODY}, {"corp-wifi", PLACE_INSIDE},
    {"wired", PLACE_INSIDE},    {"vpn", PLACE_INSIDE},  {"dmz", PLACE_INSIDE},  {"captive", PLACE_INSIDE},
};

struct network_row {
    const char *name;
    const char *kind;
    bool asks_public;
};

static const struct network_row built_in[] = {
    {"lte", "cellular", false}, {"corp-wifi", "corp-wifi", false},
    {"guest", "guest", false},  {"private-dns", "corp-wifi", true},
    {"vpn", "vpn", false},      {"dmz", "dmz", false},
    {"home", "home", false},    {"captive", "captive", false},
};

#define KIND_ROWS    (sizeof kinds / sizeof kinds[0])
#define NETWORK_ROWS (sizeof built_in / sizeof built_in[0])

static const struct network_row *find_built_in(const char *name)
{
    for (size_t i = 0; i < NETWORK_ROWS; i++)
        if (strcmp(built_in[i].name, name) == 0)
            return &built_in[i];
    return NULL;
}

static enum place_of place_of_kind(const char *kind)
{
    for (size_t i = 0; i < KIND_ROWS; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].place;
    return PLACE_INSIDE;
}

/* ---- what is known, for messages ---- */

static void append(char wanted[ASKER_WANTED_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char wanted[ASKER_WANTED_MAX], const char *format, ...)
{
    size_t used = strlen(wanted);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(wanted + used, ASKER_WANTED_MAX - used, format, arguments);
    va_end(arguments);
}

static enum status want_view(const struct policy *policy, char wanted[ASKER_WANTED_MAX])
{
    snprintf(wanted, ASKER_WANTED_MAX, "an address, @NETWORK, or a view:");
    for (uint32_t i = 0; i < policy->view_count; i++)
        append(wanted, "%s %s", i == 0 ? "" : ",", policy->views[i].name);
    return STATUS_BAD_INPUT;
}

static enum status want_network(const struct policy *policy, char wanted[ASKER_WANTED_MAX])
{
    const struct config *config = policy->config;

    snprintf(wanted, ASKER_WANTED_MAX, "a network:");
    for (size_t i = 0; i < NETWORK_ROWS; i++)
        append(wanted, "%s @%s", i == 0 ? "" : ",", built_in[i].name);
    for (size_t i = 0; i < config->section_count; i++)
        if (config->sections[i].kind_id == KIND_NETWORK && find_built_in(config->sections[i].name) == NULL)
            append(wanted, ", @%s", config->sections[i].name);
    return STATUS_BAD_INPUT;
}

/* ---- networks ---- */

/* IPv4 before IPv6, then by address, then the shorter network. */
static bool is_lower(const struct prefix *a, const struct prefix *b)
{
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family;
    int order = memcmp(a->address.bytes, b->address.bytes, sizeof a->address.bytes);
    return order != 0 ? order < 0 : a->length < b->length;
}

/* The lowest network that a view lists; NULL: none. */
static const struct prefix *lowest_network(const struct policy *policy, uint32_t view)
{
    const struct config_section *section = policy->views[view].section;
    const struct config_setting *clients = section == NULL ? NULL : config_find(section, "clients");
    const struct prefix *lowest = NULL;

    for (size_t i = 0; clients != NULL && i < clients->value_count; i++) {
        const struct config_value *value = &clients->values[i];
        if (!value->any && (lowest == NULL || is_lower(&value->prefix, lowest)))
            lowest = &value->prefix;
    }
    return lowest;
}

/* The address behind the network's own, unless it has but one. */
static struct address first_host(const struct prefix *network)
{
    struct address host = network->address;
    unsigned bits = host.family == 4 ? 32 : 128;

    if (network->length < bits - 1)
        host.bytes[bits / 8 - 1] |= 1;
    return host;
}

static struct address host_on_side(const struct policy *policy, bool is_external)
{
    for (uint32_t view = 0; view < policy->view_count; view++) {
        const struct prefix *lowest = NULL;
        if (policy->views[view].is_external == is_external)
            lowest = lowest_network(policy, view);
        if (lowest != NULL)
            return first_host(lowest);
    }
    return (struct address){0};
}

static struct address network_address(const struct policy *policy, const struct config_section *section,
                                      const struct network_row *row)
{
    const struct config_setting *from = section == NULL ? NULL : config_find(section, "from");
    const char *kind = row != NULL ? row->kind : "";
    bool asks_public = row != NULL && row->asks_public;

    if (section != NULL && config_is_set(section, "resolver"))
        asks_public = strcmp(config_text(section, "resolver"), "public") == 0;
    if (section != NULL && config_is_set(section, "kind"))
        kind = config_text(section, "kind");
    if (asks_public)
        return (struct address){0};
    if (from != NULL)
        return from->values[0].prefix.address;
    enum place_of place = place_of_kind(kind);
    return place == PLACE_NOBODY ? (struct address){0} : host_on_side(policy, place == PLACE_GUEST);
}

static enum status read_network(const struct policy *policy, const char *name, struct asker *asker,
                                char wanted[ASKER_WANTED_MAX])
{
    const struct config_section *section = NULL;
    const struct network_row *row = find_built_in(name);

    if (name[0] != '\0')
        section = config_find_section(policy->config, "network", name);
    if (section == NULL && row == NULL)
        return want_network(policy, wanted);
    asker->address = network_address(policy, section, row);
    asker->view = policy->any_view;
    return STATUS_OK;
}

/* ---- all ---- */

enum status asker_read(const struct policy *policy, const char *text, size_t length, struct asker *asker,
                       char wanted[ASKER_WANTED_MAX])
{
    memset(asker, 0, sizeof *asker);
    asker->view = VIEW_NONE;
    if (length == 0 || length >= sizeof asker->text)
        return want_view(policy, wanted);
    memcpy(asker->text, text, length);
    if (text[0] == '@')
        return read_network(policy, asker->text + 1, asker, wanted);
    if (address_from_text(text, length, &asker->address) == STATUS_OK)
        return STATUS_OK;
    asker->address = (struct address){0};
    asker->view = policy_find_view(policy, asker->text);
    return asker->view != VIEW_NONE ? STATUS_OK : want_view(policy, wanted);
}

void asker_of_view(const struct policy *policy, uint32_t view, struct asker *asker)
{
    memset(asker, 0, sizeof *asker);
    snprintf(asker->text, sizeof asker->text, "%s", policy->views[view].name);
    asker->view = view;
}

struct view_match asker_decide(const struct generation *generation, const struct asker *asker, const struct client *how,
                               const struct question *question, struct answer *answer, struct trace *trace,
                               struct forward_route *route)
{
    struct client client = *how;
    struct view_match match = {.view = asker->view};

    client.source = asker->address;
    if (asker->address.family != 0)
        return decide_answer_trace(generation, &client, question, trace, answer, route);
    if (trace != NULL) {
        struct trace_step *step = trace_add(trace, TRACE_VIEW, NULL);
        step->number = match.view != VIEW_NONE ? match.view : UINT64_MAX;
        trace_text(step, asker->text[0] == '@' ? "for an address that no view lists" : "as asked for");
    }
    decide_in_view(generation, match.view, &client, question, trace, answer, route);
    return match;
}

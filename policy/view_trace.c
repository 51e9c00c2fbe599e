/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/view_trace.h"

#include "policy/policy.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The rule of a view that fits a client best. */
struct fit {
    const struct config_value *key;     /* it names the client's key */
    const struct config_value *network; /* the longest that holds the client */
    uint32_t any;                       /* the line of `any`; 0: not for everybody */
    bool is_limited;                    /* to listen addresses */
    bool is_here;                       /* the question came to one of them, or it is not limited */
};

static const struct config_setting *find_setting(const struct policy *policy, uint32_t view, const char *key)
{
    const struct config_section *section = policy->views[view].section;

    return section == NULL ? NULL : config_find(section, key);
}

/* Who the view is chosen for: the client, or those whom it asks for. */
static struct prefix seen_as(const struct client *client)
{
    struct prefix seen = client->subnet;

    if (seen.address.family == 0) {
        seen.address = client->source;
        seen.length = client->source.family == 4 ? 32 : 128;
    }
    return seen;
}

static void fit_key(const struct policy *policy, uint32_t view, const struct client *client, struct fit *fit)
{
    const struct config_setting *keys = find_setting(policy, view, "keys");
    uint8_t name[NAME_SIZE_MAX];
    size_t size;

    for (size_t i = 0; client->key != NULL && keys != NULL && i < keys->value_count; i++) {
        const char *text = keys->values[i].text;
        if (name_from_text(text, strlen(text), NULL, name, &size) == STATUS_OK && name_equal(name, client->key))
            fit->key = &keys->values[i];
    }
}

static void fit_listen(const struct policy *policy, uint32_t view, const struct client *client, struct fit *fit)
{
    const struct config_setting *listen = find_setting(policy, view, "listen");

    fit->is_limited = listen != NULL;
    fit->is_here = listen == NULL;
    for (size_t i = 0; listen != NULL && i < listen->value_count; i++)
        if (address_equal(&listen->values[i].prefix.address, &client->listen))
            fit->is_here = true;
}

static void fit_network(const struct policy *policy, uint32_t view, const struct prefix *seen, struct fit *fit)
{
    const struct config_setting *clients = find_setting(policy, view, "clients");

    if (clients == NULL && policy->views[view].has_any)
        fit->any = policy->views[view].line;
    for (size_t i = 0; clients != NULL && i < clients->value_count; i++) {
        const struct config_value *value = &clients->values[i];
        if (value->any)
            fit->any = value->line;
        else if (prefix_contains(&value->prefix, &seen->address) &&
                 (fit->network == NULL || value->prefix.length > fit->network->prefix.length))
            fit->network = value;
    }
}

static struct fit find_fit(const struct policy *policy, uint32_t view, const struct client *client)
{
    const struct prefix seen = seen_as(client);
    struct fit fit = {0};

    fit_key(policy, view, client, &fit);
    fit_listen(policy, view, client, &fit);
    fit_network(policy, view, &seen, &fit);
    return fit;
}

/* "10.0.0.0/8 (policy.conf:4)" */
static void rule_text(const struct policy *policy, const struct fit *fit, char *text, size_t size)
{
    const char *path = policy->config->path;

    if (fit->key != NULL)
        snprintf(text, size, "key %s (%s:%" PRIu32 ")", fit->key->text, path, fit->key->line);
    else if (fit->network != NULL)
        snprintf(text, size, "%s (%s:%" PRIu32 ")", fit->network->text, path, fit->network->line);
    else
        snprintf(text, size, "any (%s:%" PRIu32 ")", path, fit->any);
}

static void note_winner(const struct policy *policy, const struct client *client, uint32_t view, struct trace *trace)
{
    struct trace_step *step = trace_add(trace, TRACE_VIEW, NULL);
    const struct fit fit = find_fit(policy, view, client);
    const struct prefix seen = seen_as(client);
    const char *limit = fit.is_limited ? ", limited to this listen address" : "";
    char network[PREFIX_TEXT_MAX] = "the client";
    char rule[120];

    if (seen.address.family != 0 && client->subnet.address.family != 0)
        prefix_to_text(&seen, network);
    else if (seen.address.family != 0)
        address_to_text(&seen.address, network);
    rule_text(policy, &fit, rule, sizeof rule);
    step->number = view;
    if (fit.key != NULL)
        trace_text(step, "by %s, which goes before addresses", rule);
    else if (fit.network != NULL && fit.is_here)
        trace_text(step, "%s is the longest network around %s%s", rule, network, limit);
    else
        trace_text(step, "%s: no network of a view holds %s as a whole%s", rule, network, limit);
}

static const char *why_lost(const struct fit *winner, const struct fit *fit)
{
    if (!fit->is_here)
        return "but only on other listen addresses";
    if (winner->key != NULL)
        return "but a key goes before addresses";
    if (fit->network == NULL)
        return "but that is for those whom no network takes";
    if (winner->network == NULL)
        return "but the network asked for does not lie inside it as a whole";
    if (winner->network->prefix.length > fit->network->prefix.length)
        return "but that network is shorter";
    return "but the other view is limited to this listen address";
}

static void note_loser(const struct policy *policy, const struct fit *winner, const struct fit *fit, uint32_t view,
                       struct trace *trace)
{
    char rule[120];

    if (fit->network == NULL && fit->any == 0)
        return;
    rule_text(policy, fit, rule, sizeof rule);
    struct trace_step *step = trace_add(trace, TRACE_VIEW_LOST, NULL);
    step->number = view;
    trace_text(step, "%s fits too, %s", rule, why_lost(winner, fit));
}

void view_trace(const struct policy *policy, const struct client *client, const struct view_match *match,
                struct trace *trace)
{
    struct fit winner = {0};

    if (policy == NULL || match->view == VIEW_NONE) {
        struct trace_step *step = trace_add(trace, TRACE_VIEW, NULL);
        step->number = UINT64_MAX;
        trace_text(step, policy == NULL ? "nothing is published" : "no view takes this client, and none has any");
        if (policy == NULL)
            return;
    } else {
        note_winner(policy, client, match->view, trace);
        winner = find_fit(policy, match->view, client);
    }
    for (uint32_t view = 0; view < policy->view_count; view++) {
        const struct fit fit = find_fit(policy, view, client);
        if (view != match->view)
            note_loser(policy, &winner, &fit, view, trace);
    }
}

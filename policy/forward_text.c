/* SPDX-License-Identifier: BSD-2-Clause */
/* A route in words. */
#include "policy/forward.h"

#include "policy/policy.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_text(const struct forward_route *route)
{
    switch (route->kind) {
    case FORWARD_REFUSED:
        return "not asked upstream";
    case FORWARD_NXDOMAIN:
        return "not asked upstream, NXDOMAIN from here";
    case FORWARD_NODATA:
        return "not asked upstream, no data from here";
    case FORWARD_LOOPBACK:
        return "not asked upstream, the loopback address from here";
    case FORWARD_UPSTREAM:
        break;
    }
    return "upstream";
}

void forward_text(const struct policy *policy, uint32_t view, const struct forward_route *route,
                  char text[FORWARD_TEXT_MAX])
{
    const char *path = policy->config->path;
    const char *name = policy->views[view].name;
    char domain[NAME_TEXT_MAX] = "";
    char what[128];

    if (route->domain != NULL)
        name_to_text(route->domain, domain);
    snprintf(what, sizeof what, "%s%s%s", kind_text(route), route->group != NULL ? " " : "",
             route->group != NULL ? route->group->name : "");
    switch (route->reason) {
    case FORWARD_BY_NOTHING:
        snprintf(text, FORWARD_TEXT_MAX, "%s: view %s has no forward for this name", what, name);
        break;
    case FORWARD_BY_VIEW:
        snprintf(text, FORWARD_TEXT_MAX, "%s: forward of [view %s], %s:%" PRIu32, what, name, path, route->line);
        break;
    case FORWARD_BY_SECTION:
        snprintf(text, FORWARD_TEXT_MAX, "%s: [forward %s], %s:%" PRIu32, what, domain, path, route->line);
        break;
    case FORWARD_SPECIAL:
        snprintf(text, FORWARD_TEXT_MAX, "%s: %s is a special name (special-names = no, or [forward], would ask)", what,
                 domain);
        break;
    case FORWARD_CANARY:
        snprintf(text, FORWARD_TEXT_MAX, "%s: %s is a canary name (canary = no would ask)", what, domain);
        break;
    case FORWARD_INTERNAL_ONLY:
        snprintf(text, FORWARD_TEXT_MAX, "%s: an internal-only name never leaves this server", what);
        break;
    case FORWARD_NO_RECURSION:
        snprintf(text, FORWARD_TEXT_MAX, "%s: the question does not want recursion (RD = 0)", what);
        break;
    }
}

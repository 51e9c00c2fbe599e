/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/view.h"

#include "policy/policy.h"

#include <string.h>

#define MAPPED_LENGTH 96 /* bits of ::ffff:0:0/96 */

/* Is it an IPv6 network inside ::ffff:0:0/96, or one around it? */
static bool meets_mapped(const struct prefix *subnet)
{
    static const struct address mapped = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}};
    struct prefix head = *subnet;
    if (head.length > MAPPED_LENGTH) {
        head.length = MAPPED_LENGTH;
        memset(head.address.bytes + MAPPED_LENGTH / 8, 0, 16 - MAPPED_LENGTH / 8);
    }
    return head.address.family == 6 && prefix_contains(&head, &mapped);
}

/* The subnet lies inside one view if that was decided within its bits (prefix.h). */
static struct view_match select_plain(const struct viewmap_networks *map, const struct prefix *subnet)
{
    struct prefix_match match = prefix_map_find(map->networks, &subnet->address);
    return (struct view_match){match.scope <= subnet->length ? match.value : map->otherwise, match.scope};
}

/* v4-mapped addresses are decided as IPv4, so a network around all of them lies in no one view. */
static struct view_match select_subnet(const struct viewmap_networks *map, const struct prefix *subnet)
{
    if (subnet->length == 0)
        return (struct view_match){map->otherwise, 0};
    if (!meets_mapped(subnet))
        return select_plain(map, subnet);
    if (subnet->length <= MAPPED_LENGTH)
        return (struct view_match){map->otherwise, MAPPED_LENGTH};
    struct prefix inner = {address_from_bytes(subnet->address.bytes, 16), (uint8_t)(subnet->length - MAPPED_LENGTH)};
    struct view_match match = select_plain(map, &inner);
    match.scope = (uint8_t)(match.scope + MAPPED_LENGTH);
    return match;
}

struct view_match view_select(const struct policy *policy, const struct client *client)
{
    if (client->key != NULL) {
        uint32_t view = viewmap_key(policy->viewmap, client->key);
        if (view != VIEW_NONE)
            return (struct view_match){view, 0};
    }
    struct viewmap_networks map = viewmap_networks(policy->viewmap, &client->listen);
    if (client->subnet.address.family != 0)
        return select_subnet(&map, &client->subnet);
    struct prefix_match match = prefix_map_find(map.networks, &client->source);
    return (struct view_match){match.value, match.scope};
}

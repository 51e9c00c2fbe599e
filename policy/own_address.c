/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/own_address.h"

#include "policy/options.h"

#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#define DNS_PORT 53

static bool is_wildcard(const struct address *address)
{
    static const uint8_t zeros[sizeof address->bytes];

    return memcmp(address->bytes, zeros, address->family == 4 ? 4 : sizeof zeros) == 0;
}

static bool is_loopback(const struct address *address)
{
    static const uint8_t one[sizeof address->bytes] = {[15] = 1};

    return address->family == 4 ? address->bytes[0] == 127 : memcmp(address->bytes, one, sizeof one) == 0;
}

static bool is_of_interface(const struct address *address, const struct ifaddrs *interfaces)
{
    for (; interfaces != NULL; interfaces = interfaces->ifa_next) {
        const struct sockaddr *socket_address = interfaces->ifa_addr;
        struct address own = {0};
        if (socket_address == NULL)
            continue;
        if (socket_address->sa_family == AF_INET)
            own = address_from_bytes((const uint8_t *)&((const struct sockaddr_in *)socket_address)->sin_addr, 4);
        else if (socket_address->sa_family == AF_INET6)
            own = address_from_bytes((const uint8_t *)&((const struct sockaddr_in6 *)socket_address)->sin6_addr, 16);
        if (own.family != 0 && address_equal(&own, address))
            return true;
    }
    return false;
}

static bool is_listened_on(const struct server_listen *listen, const struct address *address, uint16_t port,
                           const struct ifaddrs *interfaces)
{
    if (listen->port != port || listen->address.family != address->family)
        return false;
    if (address_equal(&listen->address, address))
        return true;
    /* The system takes the unspecified address as a destination for its own. */
    if (is_wildcard(address))
        return is_loopback(&listen->address);
    return is_wildcard(&listen->address) && (is_loopback(address) || is_of_interface(address, interfaces));
}

static bool has_wildcard(const struct server_config *server)
{
    for (size_t i = 0; i < server->listen_count; i++)
        if (is_wildcard(&server->listen[i].address))
            return true;
    return false;
}

static const struct server_listen *find_own(const struct server_config *server, const struct address *address,
                                            uint16_t port, const struct ifaddrs *interfaces)
{
    for (size_t i = 0; i < server->listen_count; i++)
        if (is_listened_on(&server->listen[i], address, port, interfaces))
            return &server->listen[i];
    return NULL;
}

void own_address_check(const struct policy *policy, const struct server_config *server, const char *path,
                       enum severity severity, struct diag *diag)
{
    const struct config *config = policy->config;
    struct ifaddrs *interfaces = NULL;

    if (has_wildcard(server) && getifaddrs(&interfaces) != 0)
        interfaces = NULL;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        const struct config_setting *servers =
            section->kind_id == KIND_UPSTREAM ? config_find(section, "servers") : NULL;
        for (size_t k = 0; servers != NULL && k < servers->value_count; k++) {
            const struct config_value *value = &servers->values[k];
            const struct place place = {.file = config->path, .line = value->line};
            uint16_t port = value->has_port ? value->port : DNS_PORT;
            char text[ADDRESS_TEXT_MAX];
            const struct server_listen *own = find_own(server, &value->prefix.address, port, interfaces);
            if (own == NULL)
                continue;
            address_to_text(&value->prefix.address, text);
            diag_add(diag, severity, &place,
                     "[upstream %s] servers: found %s@%u, wanted another address than this server's own (%s:%" PRIu32
                     ")",
                     section->name, text, port, path, own->line);
        }
    }
    if (interfaces != NULL)
        freeifaddrs(interfaces);
}

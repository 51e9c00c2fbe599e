/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/server.h"

#include "zones/bytes.h"
#include "zones/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define DNS_PORT 53

void server_config_free(struct server_config *config)
{
    if (config == NULL)
        return;
    memory_free(config->listen);
    memory_free(config->store);
    memory_free(config->zones);
    memory_free(config->branch);
    memory_free(config->allowed_signers);
    memory_free(config->control);
    memory_free(config->user);
    memory_free(config->group);
    memory_free(config->identity);
    memory_free(config->query_log_file);
    memory_free(config->trust_ecs);
    for (size_t i = 0; i < config->tsig_key_count; i++)
        memory_free(config->tsig_keys[i]);
    memory_free(config->tsig_keys);
    memory_free(config);
}

static enum status read_texts(const struct config_section *section, struct server_config *config)
{
    const struct {
        const char *key;
        char **copy;
    } texts[] = {
        {"store", &config->store},
        {"zones", &config->zones},
        {"branch", &config->branch},
        {"control", &config->control},
        {"user", &config->user},
        {"group", &config->group},
        {"identity", &config->identity},
        {"query-log-file", &config->query_log_file},
        {"allowed-signers", &config->allowed_signers},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = config_text(section, texts[i].key);
        *texts[i].copy = memory_copy_text(text, strlen(text));
        if (*texts[i].copy == NULL)
            return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status read_lists(const struct config_section *section, struct server_config *config)
{
    const struct config_setting *senders = config_find(section, "trust-ecs");
    const struct config_setting *files = config_find(section, "tsig-keys");
    size_t sender_count = senders == NULL ? 0 : senders->value_count;
    size_t file_count = files == NULL ? 0 : files->value_count;
    config->trust_ecs = memory_zalloc(sender_count, sizeof *config->trust_ecs);
    config->tsig_keys = memory_zalloc(file_count, sizeof *config->tsig_keys);
    if (config->trust_ecs == NULL || config->tsig_keys == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < sender_count; i++)
        config->trust_ecs[config->trust_ecs_count++] = senders->values[i].prefix;
    for (size_t i = 0; i < file_count; i++) {
        const char *path = files->values[i].text;
        config->tsig_keys[i] = memory_copy_text(path, strlen(path));
        if (config->tsig_keys[i] == NULL)
            return STATUS_NO_MEMORY;
        config->tsig_key_count++;
    }
    return STATUS_OK;
}

static void read_numbers(const struct config_section *section, struct server_config *config)
{
    config->require_signed = config_number(section, "require-signed") != 0;
    config->workers = (uint32_t)config_number(section, "workers");
    config->udp_payload = (uint32_t)config_number(section, "udp-payload");
    config->tcp_idle_ms = (uint32_t)config_number(section, "tcp-idle") * 1000;
    config->tcp_clients = (uint32_t)config_number(section, "tcp-clients");
    config->tcp_clients_per_network = (uint32_t)config_number(section, "tcp-clients-per-network");
    config->receive_buffer = (uint32_t)config_number(section, "receive-buffer");
    config->keep_generations = (uint32_t)config_number(section, "keep-generations");
    config->map_size = config_number(section, "map-size");
    config->import_memory = config_number(section, "import-memory");
    config->cache_size = config_number(section, "cache-size");
    config->forward_queries = (uint32_t)config_number(section, "forward-queries");
    config->forward_queries_per_client = (uint32_t)config_number(section, "forward-queries-per-client");
    config->serial.mode = (enum serial_mode)config_number(section, "serial");
    config->limits.has_change_percent = config_find(section, "max-change-percent") != NULL;
    config->limits.has_removed = config_find(section, "max-removed") != NULL;
    if (config->limits.has_change_percent)
        config->limits.change_percent = (uint32_t)config_number(section, "max-change-percent");
    if (config->limits.has_removed)
        config->limits.removed = config_number(section, "max-removed");
    config->query_log = config_number(section, "query-log") != 0;
}

/* Port 0 takes a free port, so it may stand there several times. */
static bool is_listen_twice(const struct server_config *config, const struct server_listen *listen)
{
    for (size_t i = 0; i < config->listen_count && listen->port != 0; i++)
        if (config->listen[i].port == listen->port && address_equal(&config->listen[i].address, &listen->address))
            return true;
    return false;
}

/* fe80::/10: such an address means something only together with an interface. */
static bool is_link_local(const struct address *address)
{
    return address->family == 6 && address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static enum status read_listen(const struct config *file, const struct config_section *section, struct diag *diag,
                               struct server_config *config)
{
    const struct config_setting *setting = config_find(section, "listen");
    config->listen = memory_zalloc(setting->value_count, sizeof *config->listen);
    if (config->listen == NULL)
        return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < setting->value_count; i++) {
        const struct config_value *value = &setting->values[i];
        struct server_listen *listen = &config->listen[config->listen_count];
        listen->address = value->prefix.address;
        listen->port = value->has_port ? value->port : DNS_PORT;
        listen->line = value->line;
        if (is_link_local(&listen->address))
            status = config_error(file, diag, section, "listen", value->line,
                                  "found %s, a link-local address, wanted another one: it would need a scope (its "
                                  "interface), which cannot be given",
                                  value->text);
        else if (is_listen_twice(config, listen))
            status =
                config_error(file, diag, section, "listen", value->line, "found %s again, wanted it once", value->text);
        else
            config->listen_count++;
    }
    return status;
}

static enum status check_length(const struct config *file, const struct config_section *section, const char *key,
                                size_t longest, struct diag *diag)
{
    size_t length = strlen(config_text(section, key));
    if (length <= longest)
        return STATUS_OK;
    return config_error(file, diag, section, key, config_find(section, key)->line,
                        "found %zu bytes, wanted at most %zu", length, longest);
}

static enum status check_signers(const struct config *file, const struct config_section *section, struct diag *diag)
{
    if (config_number(section, "require-signed") == 0 || config_text(section, "allowed-signers")[0] != '\0')
        return STATUS_OK;
    return config_error(file, diag, section, "require-signed", config_find(section, "require-signed")->line,
                        "found yes without allowed-signers, wanted the file of the keys whose signatures count");
}

static enum status build(const struct config *file, struct diag *diag, struct server_config *config)
{
    const struct config_section *section = config_find_section(file, "server", NULL);
    enum status listen = read_listen(file, section, diag, config);
    /* A socket's path has less room than a line of the file. */
    enum status control =
        check_length(file, section, "control", sizeof((struct sockaddr_un *)NULL)->sun_path - 1, diag);
    enum status identity = check_length(file, section, "identity", SERVER_IDENTITY_MAX, diag);
    enum status signers = check_signers(file, section, diag);
    if (listen == STATUS_NO_MEMORY || read_texts(section, config) != STATUS_OK ||
        read_lists(section, config) != STATUS_OK)
        return STATUS_NO_MEMORY;
    read_numbers(section, config);
    bool is_bad = listen != STATUS_OK || control != STATUS_OK || identity != STATUS_OK || signers != STATUS_OK ||
                  config_refuse_unbuilt(file, diag) > 0;
    return is_bad ? STATUS_BAD_INPUT : STATUS_OK;
}

static enum status read_file(const char *path, struct diag *diag, struct bytes *content)
{
    struct place place = {path, 0, 0};
    uint8_t part[4096];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return diag_fail(diag, STATUS_IO, &place, "cannot open: %s", strerror(errno));
    enum status status = STATUS_OK;
    size_t size;
    while (status == STATUS_OK && (size = fread(part, 1, sizeof part, file)) > 0)
        status = bytes_append(content, part, size);
    if (status == STATUS_TOO_LARGE)
        status =
            diag_error(diag, &place, "found more than %u bytes, wanted at most %u", CONFIG_FILE_MAX, CONFIG_FILE_MAX);
    else if (ferror(file))
        status = diag_fail(diag, STATUS_IO, &place, "cannot read: %s", strerror(errno));
    fclose(file);
    return status;
}

enum status server_config_read(const char *path, struct diag *diag, struct server_config **result)
{
    *result = NULL;
    struct bytes content;
    bytes_init(&content, CONFIG_FILE_MAX);
    struct config *file = NULL;
    struct server_config *config = memory_zalloc(1, sizeof *config);
    enum status status = config == NULL ? STATUS_NO_MEMORY : read_file(path, diag, &content);
    if (status == STATUS_OK)
        status = config_read(CONFIG_SERVER, path, (const char *)content.data, content.size, diag, &file);
    if (status == STATUS_OK)
        status = build(file, diag, config);
    bytes_clear(&content);
    config_free(file);
    if (status != STATUS_OK) {
        server_config_free(config);
        return status;
    }
    *result = config;
    return STATUS_OK;
}

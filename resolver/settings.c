/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/settings.h"

#include "zones/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0640

static const char *kind_text(mode_t mode)
{
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return S_ISDIR(mode) ? "a folder" : "a device";
}

/* Opening a pipe, or writing to one, can take as long as its reader likes: all queries would wait for it. */
static enum status open_log_file(const char *path, struct diag *diag, int *fd)
{
    struct stat file;

    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, LOG_MODE);
    int error = errno;
    if ((*fd >= 0 ? fstat(*fd, &file) : stat(path, &file)) == 0 && !S_ISREG(file.st_mode) && !S_ISCHR(file.st_mode))
        return diag_error(diag, NULL, "query-log-file %s: found %s, wanted a regular file or a character device", path,
                          kind_text(file.st_mode));
    if (*fd < 0)
        return diag_fail(diag, STATUS_IO, NULL, "query-log-file %s: %s", path, strerror(error));
    return STATUS_OK;
}

/* On failure *fd may be open all the same. */
static enum status open_log(const struct server_config *config, struct diag *diag, int *fd)
{
    *fd = -1;
    if (!config->query_log)
        return STATUS_OK;
    if (config->query_log_file[0] != '\0')
        return open_log_file(config->query_log_file, diag, fd);
    *fd = STDERR_FILENO;
    return STATUS_OK;
}

static enum status make_trust(const struct server_config *config, struct prefix_map **map)
{
    *map = NULL;
    if (config->trust_ecs_count == 0)
        return STATUS_OK;
    struct prefix_map *made = prefix_map_new();
    enum status status = made == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; i < config->trust_ecs_count && status == STATUS_OK; i++) {
        uint32_t other;
        status = prefix_map_add(made, &config->trust_ecs[i], 0, &other);
    }
    if (status == STATUS_OK)
        status = prefix_map_freeze(made, PREFIX_NO_VALUE);
    if (status == STATUS_OK)
        *map = made;
    else
        prefix_map_free(made);
    return status;
}

enum status settings_new(const struct server_config *config, struct diag *diag, struct settings **settings)
{
    struct settings *made = memory_zalloc(1, sizeof *made);

    *settings = NULL;
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->log_fd = -1;
    made->udp_payload = (uint16_t)config->udp_payload;
    made->tcp_idle_ms = config->tcp_idle_ms;
    made->tcp_clients = config->tcp_clients;
    made->tcp_clients_per_network = config->tcp_clients_per_network;
    made->cache_bytes = config->cache_size;
    made->forward_queries = config->forward_queries;
    made->forward_queries_per_client = config->forward_queries_per_client;
    atomic_init(&made->holders, 1);
    made->identity = memory_copy_text(config->identity, strlen(config->identity));
    enum status status = made->identity == NULL ? STATUS_NO_MEMORY : open_log(config, diag, &made->log_fd);
    if (status == STATUS_OK)
        status = make_trust(config, &made->trust_ecs);
    if (status == STATUS_OK)
        status = keyring_read((const char *const *)config->tsig_keys, config->tsig_key_count, diag, &made->keys);
    if (status != STATUS_OK) {
        settings_release(made);
        return status;
    }
    *settings = made;
    return STATUS_OK;
}

void settings_hold(struct settings *settings)
{
    unsigned before = atomic_fetch_add_explicit(&settings->holders, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
}

void settings_release(struct settings *settings)
{
    if (settings == NULL)
        return;
    unsigned before = atomic_fetch_sub_explicit(&settings->holders, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    if (settings->log_fd >= 0 && settings->log_fd != STDERR_FILENO)
        close(settings->log_fd);
    prefix_map_free(settings->trust_ecs);
    keyring_free(settings->keys);
    memory_free(settings->identity);
    memory_free(settings);
}

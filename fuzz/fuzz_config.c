/* SPDX-License-Identifier: BSD-2-Clause */
/* Both INI files: the line reader, every option's parser, and what policy_read checks between sections. */
#include "policy/config.h"
#include "policy/options.h"
#include "policy/policy.h"
#include "policy/view.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ask for every number, as those who use a configuration do. */
static void use_numbers(const struct config *config)
{
    size_t count;
    const struct config_option *options = options_all(&count);
    for (size_t i = 0; i < config->section_count; i++)
        for (size_t j = 0; j < count; j++) {
            const struct config_option *option = &options[j];
            bool is_number = option->type == OPTION_BOOL || option->type == OPTION_INT || option->type == OPTION_SIZE;
            if ((unsigned)option->kind == config->sections[i].kind_id && is_number && option->fallback[0] != 0 &&
                option->fallback[0] != '(')
                config_number(&config->sections[i], option->key);
        }
}

static void use_policy(const struct policy *policy, const uint8_t *data, size_t size)
{
    struct client client = {.transport = TRANSPORT_UDP};
    client.source = address_from_bytes(data, size >= 16 ? 16 : 4);
    struct view_match match = view_select(policy, &client);
    if (match.view != VIEW_NONE && match.view >= policy->view_count)
        abort();
    static const uint8_t root[] = {0};
    for (uint32_t view = 0; view < policy->view_count; view++)
        policy_zone_mode(policy, root, view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag diag;
    struct policy *policy;
    struct config *config;
    diag_init(&diag);
    enum status status = policy_read("policy.conf", (const char *)data, size, &diag, &policy);
    if ((status == STATUS_OK) != (diag.errors == 0))
        abort();
    if (status == STATUS_OK && size >= 4)
        use_policy(policy, data, size);
    policy_free(policy);
    diag_clear(&diag);
    for (int which = CONFIG_POLICY; which <= CONFIG_SERVER; which++) {
        diag_init(&diag);
        if (config_read((enum config_file)which, "x.conf", (const char *)data, size, &diag, &config) == STATUS_OK) {
            use_numbers(config);
            config_refuse_unbuilt(config, &diag);
        }
        config_free(config);
        diag_clear(&diag);
    }
    return 0;
}

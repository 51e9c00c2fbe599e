/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/selector.h"

#include "policy/policy.h"
#include "zones/memory.h"

enum status selector_read(const struct policy *policy, const struct config_section *section, struct selector *selector)
{
    const struct config_setting *types = config_find(section, "types");
    const struct config_setting *views = config_find(section, "views");
    *selector = (struct selector){.types = NULL};
    enum status status = glob_list_read(config_find(section, "names"), &selector->names);
    if (status == STATUS_OK && types != NULL) {
        selector->types = memory_zalloc(types->value_count, sizeof *selector->types);
        if (selector->types == NULL)
            return STATUS_NO_MEMORY;
        for (size_t i = 0; i < types->value_count; i++)
            selector->types[selector->type_count++] = (uint16_t)types->values[i].number;
    }
    if (status == STATUS_OK && views != NULL) {
        selector->views = memory_zalloc(policy->view_count, sizeof *selector->views);
        if (selector->views == NULL)
            return STATUS_NO_MEMORY;
        for (size_t i = 0; i < views->value_count; i++) {
            uint32_t view = policy_find_view(policy, views->values[i].text);
            if (view != VIEW_NONE)
                selector->views[view] = true;
        }
    }
    return status;
}

void selector_clear(struct selector *selector)
{
    glob_list_clear(&selector->names);
    memory_free(selector->types);
    memory_free(selector->views);
    *selector = (struct selector){.types = NULL};
}

bool selector_has_type(const struct selector *selector, uint16_t type)
{
    if (selector->types == NULL)
        return true;
    for (size_t i = 0; i < selector->type_count; i++)
        if (selector->types[i] == type)
            return true;
    return false;
}

bool selector_has_view(const struct selector *selector, uint32_t view)
{
    return selector->views == NULL || selector->views[view];
}

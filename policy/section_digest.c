/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/section_digest.h"

#include "policy/options.h"

#include <string.h>

enum status section_append_text(struct bytes *bytes, const char *text)
{
    return bytes_append(bytes, text, strlen(text) + 1);
}

enum status section_append_setting(struct bytes *bytes, const struct config_setting *setting)
{
    if (setting == NULL)
        return section_append_text(bytes, "");
    enum status status = section_append_text(bytes, setting->option->key);
    for (size_t i = 0; i < setting->value_count && status == STATUS_OK; i++)
        status = section_append_text(bytes, setting->values[i].text);
    return status == STATUS_OK ? section_append_text(bytes, "") : status;
}

enum status section_append_settings(struct bytes *bytes, const struct config_section *section)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < section->setting_count && status == STATUS_OK; i++)
        status = section_append_setting(bytes, &section->settings[i]);
    return status == STATUS_OK ? section_append_text(bytes, "") : status;
}

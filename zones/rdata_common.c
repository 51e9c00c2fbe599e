/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rdata_common.h"

#include "zones/rdata_field.h"
#include "zones/rrset.h"

#define FIELDS_MAX 4

/* RFC 1035 3.3 and 3.4, 2782, 3596. */
struct common_layout {
    uint16_t type;
    uint8_t count; /* of fields */
    enum field_kind kinds[FIELDS_MAX];
};

static const struct common_layout *common_layout_find(uint16_t type)
{
    static const struct common_layout layouts[] = {
        {RRTYPE_A, 1, {FIELD_A}},
        {RRTYPE_AAAA, 1, {FIELD_AAAA}},
        {RRTYPE_CNAME, 1, {FIELD_NAME}},
        {RRTYPE_NS, 1, {FIELD_NAME}},
        {RRTYPE_PTR, 1, {FIELD_NAME}},
        {RRTYPE_MX, 2, {FIELD_U16, FIELD_NAME}},
        {RRTYPE_SRV, 4, {FIELD_U16, FIELD_U16, FIELD_U16, FIELD_NAME}},
    };

    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

enum status rdata_common_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                                    struct bytes *out)
{
    const struct common_layout *layout = common_layout_find(type);
    const char *wanted;
    enum status status = STATUS_OK;

    if (layout == NULL || entry->token_count != first + layout->count ||
        entry->text[entry->tokens[first].offset] == '\\')
        return STATUS_NOT_FOUND;
    for (size_t i = 0; i < layout->count && status == STATUS_OK; i++)
        status = field_from_word(layout->kinds[i], rdata_word_get(entry, first + i), origin, out, &wanted);
    if (status == STATUS_OK || status == STATUS_NO_MEMORY)
        return status;
    out->size = 0;
    return STATUS_NOT_FOUND;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zonefile_generate.h"

#include "zones/rdata_field.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum status generate_range_from_text(const char *text, size_t size, struct generate_range *range)
{
    const char *dash = memchr(text, '-', size);
    if (dash == NULL) {
        return STATUS_BAD_INPUT;
    }
    const char *end = text + size;
    const char *slash = memchr(dash, '/', (size_t)(end - dash));
    const char *stop_end = slash == NULL ? end : slash;
    range->step = 1;
    bool good = number_from_text(text, (size_t)(dash - text), INT32_MAX, &range->start) &&
                number_from_text(dash + 1, (size_t)(stop_end - dash - 1), INT32_MAX, &range->stop) &&
                (slash == NULL || number_from_text(slash + 1, (size_t)(end - slash - 1), INT32_MAX, &range->step));
    return good && range->step > 0 && range->start <= range->stop ? STATUS_OK : STATUS_BAD_INPUT;
}

uint64_t generate_range_count(const struct generate_range *range)
{
    return ((uint64_t)range->stop - range->start) / range->step + 1;
}

/* What stands between the braces. */
struct modifier {
    int64_t offset;
    uint32_t width;
    char base;
};

/* Read "offset[,width[,base]]". */
static bool modifier_from_text(const char *text, size_t size, struct modifier *modifier)
{
    *modifier = (struct modifier){.base = 'd'};
    const char *end = text + size;
    const char *comma = memchr(text, ',', size);
    const char *offset_end = comma == NULL ? end : comma;
    bool negative = size > 0 && *text == '-';
    const char *digits = text + (size > 0 && (*text == '-' || *text == '+') ? 1 : 0);
    uint32_t offset;
    if (!number_from_text(digits, (size_t)(offset_end - digits), INT32_MAX, &offset)) {
        return false;
    }
    modifier->offset = negative ? -(int64_t)offset : offset;
    if (comma == NULL) {
        return true;
    }
    const char *width = comma + 1;
    comma = memchr(width, ',', (size_t)(end - width));
    const char *width_end = comma == NULL ? end : comma;
    if (!number_from_text(width, (size_t)(width_end - width), GENERATE_WIDTH_MAX, &modifier->width)) {
        return false;
    }
    if (comma == NULL) {
        return true;
    }
    modifier->base = comma + 1 < end ? comma[1] : '\0';
    return end - comma == 2 && modifier->base != '\0' && strchr("doxXnN", modifier->base) != NULL;
}

/* Nibbles from the lowest, dots between; `width` counts the dots too. */
static enum status append_nibbles(const struct modifier *modifier, uint64_t value, struct bytes *out)
{
    const char *digits = modifier->base == 'n' ? "0123456789abcdef" : "0123456789ABCDEF";
    size_t length = 0;
    enum status status = STATUS_OK;
    do {
        char text[2] = {digits[value & 15], '.'};
        value >>= 4;
        bool more = value != 0 || length + 1 < modifier->width;
        length += more ? 2 : 1;
        status = bytes_append(out, text, more ? 2 : 1);
        if (!more) {
            break;
        }
    } while (status == STATUS_OK && (value != 0 || length < modifier->width));
    return status;
}

static enum status append_number(const struct modifier *modifier, uint32_t number, struct bytes *out)
{
    char text[GENERATE_WIDTH_MAX + 32];
    int64_t value = number + modifier->offset;
    int width = (int)modifier->width;
    int length;
    if (value < 0 && modifier->base != 'd') {
        return STATUS_BAD_INPUT;
    }
    switch (modifier->base) {
    case 'o':
        length = snprintf(text, sizeof text, "%0*" PRIo64, width, (uint64_t)value);
        break;
    case 'x':
        length = snprintf(text, sizeof text, "%0*" PRIx64, width, (uint64_t)value);
        break;
    case 'X':
        length = snprintf(text, sizeof text, "%0*" PRIX64, width, (uint64_t)value);
        break;
    case 'd':
        length = snprintf(text, sizeof text, "%0*" PRId64, width, value);
        break;
    default:
        return append_nibbles(modifier, (uint64_t)value, out);
    }
    return bytes_append(out, text, (size_t)length);
}

/* What a dollar at text[*i] stands for; *i moves behind it. */
static enum status expand_dollar(const char *text, size_t size, uint32_t number, size_t *i, struct bytes *out)
{
    struct modifier modifier = {.base = 'd'};
    size_t next = *i + 1;
    if (next < size && text[next] == '$') {
        *i += 2;
        return bytes_append(out, "$", 1);
    }
    if (next < size && text[next] == '{') {
        const char *end = memchr(text + next, '}', size - next);
        if (end == NULL || !modifier_from_text(text + next + 1, (size_t)(end - text) - next - 1, &modifier)) {
            return STATUS_BAD_INPUT;
        }
        next = (size_t)(end - text) + 1;
    }
    *i = next;
    return append_number(&modifier, number, out);
}

enum status generate_expand(const char *text, size_t size, uint32_t number, struct bytes *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < size && status == STATUS_OK;) {
        if (text[i] == '$') {
            status = expand_dollar(text, size, number, &i, out);
        } else {
            size_t length = text[i] == '\\' && i + 1 < size ? 2 : 1;
            status = bytes_append(out, text + i, length);
            i += length;
        }
    }
    return status;
}

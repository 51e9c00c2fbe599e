/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/zonefile.h"

#include "zones/name.h"

#include <stdbool.h>
#include <string.h>

#define SUFFIX ".zone"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One octet of a file name at text[*i]; *decoded: it was written %XX. */
static bool next_octet(const char *text, size_t size, size_t *i, uint8_t *octet, bool *decoded)
{
    *decoded = text[*i] == '%';
    if (!*decoded) {
        *octet = (uint8_t)text[(*i)++];
        return true;
    }
    if (size - *i < 3) {
        return false;
    }
    int high = hex_value(text[*i + 1]);
    int low = hex_value(text[*i + 2]);
    *octet = (uint8_t)(high * 16 + low);
    *i += 3;
    return high >= 0 && low >= 0;
}

/* A file name without its suffix to a name. Labels end at dots that are not written %2E. */
static enum status apex_from_text(const char *text, size_t length, uint8_t apex[NAME_SIZE_MAX], size_t *size)
{
    size_t label = 0; /* where its length byte stands */
    size_t used = 1;
    for (size_t i = 0; i < length;) {
        uint8_t octet;
        bool decoded;
        if (!next_octet(text, length, &i, &octet, &decoded)) {
            return STATUS_BAD_INPUT;
        }
        bool ends = octet == '.' && !decoded;
        if (used >= NAME_SIZE_MAX || (ends ? used - label == 1 : used - label > NAME_LABEL_MAX)) {
            return STATUS_BAD_INPUT;
        }
        if (ends) {
            apex[label] = (uint8_t)(used - label - 1);
            label = used;
        } else {
            apex[used] = octet;
        }
        used++;
    }
    if (used - label == 1 || used >= NAME_SIZE_MAX) {
        return STATUS_BAD_INPUT;
    }
    apex[label] = (uint8_t)(used - label - 1);
    apex[used++] = 0;
    *size = used;
    return STATUS_OK;
}

enum status zonefile_apex(const char *file_name, uint8_t apex[NAME_SIZE_MAX], size_t *size)
{
    size_t length = strlen(file_name);
    if (length < strlen(SUFFIX) || strcmp(file_name + length - strlen(SUFFIX), SUFFIX) != 0) {
        return STATUS_NOT_FOUND;
    }
    length -= strlen(SUFFIX);
    if (length == 1 && file_name[0] == '@') {
        apex[0] = 0;
        *size = 1;
        return STATUS_OK;
    }
    return apex_from_text(file_name, length, apex, size);
}

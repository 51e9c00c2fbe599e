/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "resolver/chaos.h"

#include <stdio.h>
#include <string.h>

#define TXT_STRING_MAX 255

static void answer_text(const uint8_t *name, uint16_t type, const char *text, struct answer *answer)
{
    answer->authoritative = true;
    if (type != RRTYPE_TXT && type != RRTYPE_ANY) {
        answer->outcome = OUTCOME_NODATA;
        return;
    }
    size_t length = strnlen(text, TXT_STRING_MAX);
    uint8_t *data = answer_reserve(answer, 3 + length);
    if (data == NULL)
        return;
    write_u16(data, (uint16_t)(1 + length));
    data[2] = (uint8_t)length;
    memcpy(data + 3, text, length);
    struct rrset rrset = {.type = RRTYPE_TXT, .count = 1, .data = data, .size = (uint32_t)(3 + length)};
    answer_add(answer, SECTION_ANSWER, name, &rrset, NULL);
}

static bool is_one_of(const uint8_t *name, const char *one, const char *other)
{
    return name_equal(name, (const uint8_t *)one) || name_equal(name, (const uint8_t *)other);
}

void chaos_answer(const struct generation *generation, const char *identity, const uint8_t *name, uint16_t type,
                  struct answer *answer)
{
    answer_reset(answer);
    if (is_one_of(name, "\007version\004bind", "\007version\006server")) {
        answer_text(name, type, PACKAGE_NAME " " PACKAGE_VERSION, answer);
    } else if (is_one_of(name, "\002id\006server", "\010hostname\004bind") && identity != NULL && *identity != '\0') {
        answer_text(name, type, identity, answer);
    } else if (name_equal(name, (const uint8_t *)"\012generation\011splitview")) {
        char text[TXT_STRING_MAX];
        snprintf(text, sizeof text, "%llu %s", (unsigned long long)generation->number, generation->commit);
        answer_text(name, type, text, answer);
    } else {
        answer->outcome = OUTCOME_REFUSED;
        answer->rcode = RCODE_REFUSED;
    }
}

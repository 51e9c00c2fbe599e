/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/answer.h"

#include <assert.h>

void answer_reset(struct answer *answer)
{
    answer->outcome = OUTCOME_ANSWER;
    answer->rcode = RCODE_NOERROR;
    answer->authoritative = false;
    answer->overflow = false;
    answer->count = 0;
    answer->names_size = 0;
    answer->withheld = 0;
    answer->next = NULL;
}

bool answer_add(struct answer *answer, enum section section, const uint8_t *owner, const struct rrset *rrset,
                struct answer_rrset **entry)
{
    if (answer->count == ANSWER_RRSETS_MAX) {
        answer->overflow = true;
        return false;
    }
    assert(answer->count == 0 || answer->rrsets[answer->count - 1].section <= section);
    struct answer_rrset *added = &answer->rrsets[answer->count++];
    added->owner = owner;
    added->rrset = *rrset;
    added->serial = 0;
    added->rule = 0;
    added->section = section;
    added->optional = false;
    if (entry != NULL)
        *entry = added;
    return true;
}

bool answer_has(const struct answer *answer, const uint8_t *owner, uint16_t type)
{
    for (unsigned i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (entry->rrset.type == type && (entry->owner == owner || name_equal(entry->owner, owner)))
            return true;
    }
    return false;
}

uint8_t *answer_reserve(struct answer *answer, size_t size)
{
    if (size > ANSWER_NAMES_SIZE - (size_t)answer->names_size) {
        answer->overflow = true;
        return NULL;
    }
    uint8_t *place = answer->names + answer->names_size;
    answer->names_size = (uint16_t)(answer->names_size + size);
    return place;
}

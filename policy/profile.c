/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/profile.h"

/* The facts by their short names, only here: the table reads better without the prefix. */
enum {
    ALWAYS = 0,
    HAIRPIN = PROFILE_HAIRPIN,
    DISCOVER_BY_PROXY = PROFILE_DISCOVER_BY_PROXY,
    DISCOVERINTERNAL_CNAME = PROFILE_DISCOVERINTERNAL_CNAME,
    LYNCDISCOVER_CNAME = PROFILE_LYNCDISCOVER_CNAME,
    LYNCDISCOVER_INSIDE = PROFILE_LYNCDISCOVER_INSIDE,
    SIP_PLAIN = PROFILE_SIP_PLAIN,
    SIP_FALLBACK = PROFILE_SIP_FALLBACK,
    HYBRID = PROFILE_HYBRID,
    TEAMSONLY = PROFILE_TEAMSONLY,
    FEDERATION = PROFILE_FEDERATION,
    EDGE = PROFILE_EDGE,
    OTHER_ACCESS = PROFILE_OTHER_ACCESS,
    MEET_LABEL = PROFILE_MEET_LABEL,
    MEET_OWN_NAME = PROFILE_MEET_OWN_NAME,
    EXCHANGE = PROFILE_EXCHANGE,
    EXTERNAL = PROFILE_EXTERNAL,
    FORM_CNAME = PROFILE_FORM_CNAME,
    FORM_SRV = PROFILE_FORM_SRV
};

#define SRV(priority, weight, port) \
    {                               \
        priority, weight, port      \
    }
#define NO_SRV  \
    {           \
        0, 0, 0 \
    }
#define CELLS(...)  \
    {               \
        __VA_ARGS__ \
    }
#define ADDRESSES(when, source)                         \
    {                                                   \
        when, PROFILE_ADDRESSES, PROFILE_##source, NULL \
    }
#define CNAME(when, target, source)                   \
    {                                                 \
        when, PROFILE_CNAME, PROFILE_##source, target \
    }
#define TO(when, target)                             \
    {                                                \
        when, PROFILE_SRV, PROFILE_NO_SOURCE, target \
    }
#define HIDE(when)                                  \
    {                                               \
        when, PROFILE_HIDE, PROFILE_NO_SOURCE, NULL \
    }
#define DROP(when)                                  \
    {                                               \
        when, PROFILE_DROP, PROFILE_NO_SOURCE, NULL \
    }
#define NONE                                             \
    {                                                    \
        ALWAYS, PROFILE_NOTHING, PROFILE_NO_SOURCE, NULL \
    }

#define ROW(profile, name, each, owner, class, when, unless, srv, inside, outside) \
    {profile, name, PROFILE_##each, owner, TOPOLOGY_CLASS_##class, when, unless, srv, inside, outside},

static const struct profile_row rows[] = {
#include "policy/profile.def"
};

const struct profile_row *profile_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const struct profile_cell *profile_find_cell(const struct profile_cell cells[PROFILE_CELLS], uint32_t facts)
{
    for (size_t i = 0; i < PROFILE_CELLS && cells[i].action != PROFILE_NOTHING; i++)
        if ((cells[i].when & facts) == cells[i].when)
            return &cells[i];
    return NULL;
}

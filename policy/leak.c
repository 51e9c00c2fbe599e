/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/leak.h"

#include "policy/autodiscover.h"
#include "policy/options.h"
#include "policy/policy.h"
#include "zones/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9460 14.3.2 */
enum service_key { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6 };

struct listed_name {
    uint8_t name[NAME_SIZE_MAX]; /* lowered */
};

struct leak {
    const struct policy *policy;
    struct listed_name *names; /* sorted */
    size_t count;
    struct glob_list *globs; /* one list per [autodiscover] */
    size_t glob_count;
};

/* ---- names ---- */

void leak_free(struct leak *leak)
{
    if (leak == NULL)
        return;
    for (size_t i = 0; i < leak->glob_count; i++)
        glob_list_clear(&leak->globs[i]);
    memory_free(leak->globs);
    memory_free(leak->names);
    memory_free(leak);
}

static int compare_names(const void *a, const void *b)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    size_t left_size = name_size(left);
    size_t right_size = name_size(right);
    int order = memcmp(left, right, left_size < right_size ? left_size : right_size);
    return order != 0 ? order : (left_size > right_size) - (left_size < right_size);
}

/* sipinternal.D; a domain too long for it has no such name. */
static void add_sipinternal(struct leak *leak, const uint8_t *domain)
{
    static const uint8_t label[] = "\x0bsipinternal";
    size_t size = name_size(domain);
    if (sizeof label - 1 + size > NAME_SIZE_MAX)
        return;
    uint8_t name[NAME_SIZE_MAX];
    memcpy(name, label, sizeof label - 1);
    memcpy(name + sizeof label - 1, domain, size);
    name_to_lower(name, leak->names[leak->count++].name);
}

static size_t count_domains(const struct config *config, size_t *deployments)
{
    size_t domains = 0;
    *deployments = 0;
    for (size_t i = 0; i < config->section_count; i++) {
        if (config->sections[i].kind_id != KIND_AUTODISCOVER)
            continue;
        domains += config_find(&config->sections[i], "sip-domains")->value_count;
        ++*deployments;
    }
    return domains;
}

static enum status fill(struct leak *leak, const uint8_t *const *names, size_t count)
{
    const struct config *config = leak->policy->config;
    size_t deployments;
    size_t domains = count_domains(config, &deployments);
    leak->names = memory_zalloc(domains + count, sizeof *leak->names);
    leak->globs = memory_zalloc(deployments, sizeof *leak->globs);
    if (leak->names == NULL || leak->globs == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->kind_id != KIND_AUTODISCOVER)
            continue;
        const struct config_setting *sip = config_find(section, "sip-domains");
        for (size_t k = 0; k < sip->value_count; k++)
            add_sipinternal(leak, sip->values[k].name);
        if (glob_list_read(config_find(section, "internal-only"), &leak->globs[leak->glob_count++]) != STATUS_OK)
            return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        name_to_lower(names[i], leak->names[leak->count++].name);
    if (leak->count > 0)
        qsort(leak->names, leak->count, sizeof *leak->names, compare_names);
    return STATUS_OK;
}

enum status leak_new(const struct policy *policy, const uint8_t *const *names, size_t count, struct leak **leak)
{
    *leak = NULL;
    struct leak *made = memory_zalloc(1, sizeof *made);
    if (made == NULL)
        return STATUS_NO_MEMORY;
    made->policy = policy;
    if (fill(made, names, count) != STATUS_OK) {
        leak_free(made);
        return STATUS_NO_MEMORY;
    }
    *leak = made;
    return STATUS_OK;
}

enum status leak_new_from(const struct policy *policy, const struct autodiscover *names, struct leak **leak)
{
    size_t count = names != NULL ? names->count : 0;
    const uint8_t **owners = memory_zalloc(count + 1, sizeof *owners);
    if (owners == NULL)
        return STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        owners[i] = names->entries[i].owner;
    enum status status = leak_new(policy, owners, count, leak);
    memory_free(owners);
    return status;
}

/* lyncdiscoverinternal and _sipinternal*, in any zone. */
static bool has_internal_label(const uint8_t *name)
{
    static const char whole[] = "lyncdiscoverinternal";
    static const char start[] = "_sipinternal";
    if (name[0] == sizeof whole - 1 && strncasecmp((const char *)name + 1, whole, sizeof whole - 1) == 0)
        return true;
    return name[0] >= sizeof start - 1 && strncasecmp((const char *)name + 1, start, sizeof start - 1) == 0;
}

bool leak_is_internal_only(const struct leak *leak, const uint8_t *name)
{
    uint8_t lower[NAME_SIZE_MAX];
    if (leak->count == 0 && leak->glob_count == 0)
        return has_internal_label(name); /* which sees no case */
    name_to_lower(name, lower);
    return leak_is_internal_only_lower(leak, lower);
}

bool leak_is_internal_only_lower(const struct leak *leak, const uint8_t *lower)
{
    if (has_internal_label(lower))
        return true;
    if (leak->count > 0 && bsearch(lower, leak->names, leak->count, sizeof *leak->names, compare_names) != NULL)
        return true;
    if (leak->glob_count == 0)
        return false;
    struct glob_subject subject;
    glob_subject(lower, &subject);
    for (size_t i = 0; i < leak->glob_count; i++)
        if (glob_list_best(&leak->globs[i], &subject) != NULL)
            return true;
    return false;
}

/* ---- allow-private ---- */

void leak_allowed_clear(struct leak_allowed *allowed)
{
    glob_list_clear(&allowed->owners);
    glob_list_clear(&allowed->answers);
}

enum status leak_allowed_read(const struct config_setting *setting, struct leak_allowed *allowed)
{
    *allowed = (struct leak_allowed){.owners.count = 0};
    enum status status = glob_list_read(setting, &allowed->owners);
    if (status == STATUS_OK)
        status = glob_list_read(setting, &allowed->answers);
    for (size_t i = 0; i < allowed->answers.count; i++) {
        struct glob *glob = &allowed->answers.globs[i];
        if (glob->count > 1 && glob->symbols[0] == '*' && glob->symbols[1] == GLOB_DOT) {
            glob->symbols[0] = GLOB_STAR;
            glob->is_exact = false;
        }
    }
    return status;
}

static bool is_allowed(const struct glob_list *list, const uint8_t *owner)
{
    if (list->count == 0)
        return false;
    struct glob_subject subject;
    glob_subject(owner, &subject);
    return glob_list_best(list, &subject) != NULL;
}

/* ---- addresses ---- */

/* Addresses of `size` bytes one after the other; the first private one. */
static bool find_private(const uint8_t *bytes, size_t length, size_t size, struct address *found)
{
    for (size_t at = 0; length - at >= size; at += size) {
        *found = address_from_bytes(bytes + at, size);
        if (address_is_private(found))
            return true;
    }
    return false;
}

static bool find_private_hint(uint16_t type, const struct rdata *rdata, struct address *found)
{
    const uint8_t *target = rdata_target(type, rdata);
    if (target == NULL)
        return false;
    size_t at = (size_t)(target - rdata->bytes) + name_size(target);
    while (rdata->size >= at + 4) {
        unsigned key = read_u16(rdata->bytes + at);
        size_t length = read_u16(rdata->bytes + at + 2);
        at += 4;
        if (rdata->size - at < length)
            return false;
        if (key == KEY_IPV4HINT && find_private(rdata->bytes + at, length, 4, found))
            return true;
        if (key == KEY_IPV6HINT && find_private(rdata->bytes + at, length, 16, found))
            return true;
        at += length;
    }
    return false;
}

static bool holds_private(uint16_t type, const struct rdata *rdata, struct address *found)
{
    switch (type) {
    case RRTYPE_A:
        return find_private(rdata->bytes, rdata->size, 4, found);
    case RRTYPE_AAAA:
        return find_private(rdata->bytes, rdata->size, 16, found);
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
        return find_private_hint(type, rdata, found);
    default:
        return false;
    }
}

/* ---- zones ---- */

static bool has_targets(uint16_t type)
{
    switch (type) {
    case RRTYPE_CNAME:
    case RRTYPE_DNAME:
    case RRTYPE_NS:
    case RRTYPE_SRV:
    case RRTYPE_SVCB:
    case RRTYPE_HTTPS:
    case RRTYPE_MX:
    case RRTYPE_SOA:
        return true;
    default:
        return false;
    }
}

/* The first internal-only name in the RDATA, NULL: none. */
static const uint8_t *find_internal_target(const struct leak *leak, uint16_t type, const struct rdata *rdata)
{
    struct rrtype_layout layout = rrtype_layout(type);
    const uint8_t *target = has_targets(type) ? rdata_target(type, rdata) : NULL;
    for (unsigned i = 0; i < layout.names && target != NULL; i++) {
        size_t size;
        if (leak_is_internal_only(leak, target))
            return target;
        target += name_size(target);
        if (name_from_wire(target, (size_t)(rdata->bytes + rdata->size - target), &size) != STATUS_OK)
            return NULL;
    }
    return NULL;
}

static enum status refuse_name(const struct leak *leak, uint32_t view, const struct zone *flat,
                               const struct zone_record *record, const uint8_t *name, const char *role,
                               struct diag *diag)
{
    struct place place = zone_place(flat, record);
    char owner[NAME_TEXT_MAX];
    char text[NAME_TEXT_MAX];
    name_to_text(zone_owner(flat, record), owner);
    name_to_text(name, text);
    return diag_error(diag, &place,
                      "%s: found the internal-only name %s as %s in the external [view %s], wanted it inside alone",
                      owner, text, role, leak->policy->views[view].name);
}

static enum status refuse_address(const struct leak *leak, uint32_t view, const struct zone *flat,
                                  const struct zone_record *record, const struct address *address, struct diag *diag)
{
    struct place place = zone_place(flat, record);
    char owner[NAME_TEXT_MAX];
    char text[ADDRESS_TEXT_MAX];
    name_to_text(zone_owner(flat, record), owner);
    address_to_text(address, text);
    return diag_error(
        diag, &place,
        "%s: found the private address %s in the external [view %s], wanted a public one, or allow-private "
        "for this name",
        owner, text, leak->policy->views[view].name);
}

/* A hide keeps wildcards from the name: at the name, or above it. */
static bool is_hidden(const struct zone *flat, const uint8_t *name)
{
    for (size_t i = 0; i < flat->mark_count; i++) {
        const struct zone_mark *mark = &flat->marks[i];
        if ((mark->flags & (ZONE_HIDDEN | ZONE_HIDDEN_BELOW)) != 0 &&
            name_is_at_or_below(name, zone_mark_name(flat, mark)))
            return true;
    }
    return false;
}

static bool is_empty(struct zone_range range)
{
    return range.first == range.end;
}

/* The first record of the wildcard that answers for a name which is not there (RFC 4592 3.3.1), or NULL. */
static const struct zone_record *find_covering(const struct zone *flat, const uint8_t *name)
{
    unsigned labels = name_label_count(name);
    unsigned apex_labels = name_label_count(flat->apex);
    if (labels <= apex_labels || !name_is_at_or_below(name, flat->apex) || !is_empty(zone_subtree_range(flat, name)))
        return NULL;
    do
        labels--;
    while (labels > apex_labels && is_empty(zone_subtree_range(flat, name_ancestor(name, labels))));
    const uint8_t *encloser = name_ancestor(name, labels);
    uint8_t wildcard[NAME_SIZE_MAX + 2] = {1, '*'};
    if (name_size(encloser) + 2 > NAME_SIZE_MAX)
        return NULL;
    memcpy(wildcard + 2, encloser, name_size(encloser));
    struct zone_range range = zone_owner_range(flat, wildcard);
    return is_empty(range) || is_hidden(flat, name) ? NULL : &flat->records[range.first];
}

/* A wildcard outside would say that an internal-only name exists, and lead clients of the inside astray. */
static enum status check_wildcards(const struct leak *leak, uint32_t view, const struct zone *flat, struct diag *diag)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < leak->count; i++) {
        const struct zone_record *record = find_covering(flat, leak->names[i].name);
        char text[NAME_TEXT_MAX];
        char owner[NAME_TEXT_MAX];
        if (record == NULL)
            continue;
        struct place place = zone_place(flat, record);
        name_to_text(leak->names[i].name, text);
        name_to_text(zone_owner(flat, record), owner);
        status =
            diag_error(diag, &place,
                       "%s: found a wildcard that answers for the internal-only name %s in the external [view %s], "
                       "wanted `hide = %s` there, or names instead of the wildcard",
                       owner, text, leak->policy->views[view].name, text);
    }
    return status;
}

enum status leak_check(const struct leak *leak, uint32_t view, const struct zone *flat, struct diag *diag)
{
    const struct policy_view *judged = &leak->policy->views[view];
    assert(flat->frozen);
    enum status status = STATUS_OK;
    const uint8_t *owner = NULL;
    bool is_internal = false;
    for (size_t i = 0; i < flat->count && judged->is_external; i++) {
        const struct zone_record *record = &flat->records[i];
        struct rdata rdata = zone_rdata(flat, record);
        struct address address;
        if (zone_owner(flat, record) != owner) {
            owner = zone_owner(flat, record);
            is_internal = leak_is_internal_only(leak, owner);
        }
        const uint8_t *target = is_internal ? NULL : find_internal_target(leak, record->type, &rdata);
        if (is_internal)
            status = refuse_name(leak, view, flat, record, owner, "owner", diag);
        else if (target != NULL)
            status = refuse_name(leak, view, flat, record, target, "target", diag);
        else if (holds_private(record->type, &rdata, &address) && !is_allowed(&judged->allow_private.owners, owner))
            status = refuse_address(leak, view, flat, record, &address, diag);
    }
    enum status wildcards = judged->is_external ? check_wildcards(leak, view, flat, diag) : STATUS_OK;
    return status == STATUS_OK ? wildcards : status;
}

/* ---- answers ---- */

static bool is_leak(const struct leak_allowed *allowed, const struct answer_rrset *entry)
{
    uint16_t type = entry->rrset.type;
    uint32_t position = 0;
    struct rdata rdata;
    struct address address;
    if (type != RRTYPE_A && type != RRTYPE_AAAA)
        return false;
    while (rrset_next_rdata(&entry->rrset, &position, &rdata))
        if (holds_private(type, &rdata, &address))
            return !is_allowed(&allowed->answers, entry->owner);
    return false;
}

void leak_withhold(const struct leak_allowed *allowed, struct answer *answer)
{
    uint16_t kept = 0;
    bool failed = false;
    for (uint16_t i = 0; i < answer->count; i++) {
        const struct answer_rrset *entry = &answer->rrsets[i];
        if (!is_leak(allowed, entry)) {
            if (kept != i)
                answer->rrsets[kept] = *entry;
            kept++;
            continue;
        }
        answer->withheld++;
        failed = failed || entry->section == SECTION_ANSWER;
    }
    answer->count = failed ? 0 : kept;
    if (!failed)
        return;
    answer->outcome = OUTCOME_FAILURE;
    answer->rcode = RCODE_SERVFAIL;
    answer->authoritative = false;
    answer->overflow = false;
}

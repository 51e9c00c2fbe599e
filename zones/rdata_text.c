/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/rdata_text.h"

#include "zones/memory.h"
#include "zones/name.h"
#include "zones/rdata_common.h"
#include "zones/rdata_field.h"
#include "zones/rdata_rules.h"
#include "zones/rdata_special.h"
#include "zones/zonefile.h"

#include <ldns/ldns.h>

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define LDNS_TEXT_MAX 60000 /* bytes: ldns copies words into buffers of 65535 */
#define RR_HEAD_SIZE  11    /* root owner, type, class, TTL, length */
#define TEXT_SIZE_MAX (8u * RRSET_RDATA_MAX)
#define TYPE_NSAP_PTR 23
#define UNKNOWN_MARK  "\\#"

/* The fields of one type. */
struct layout {
    const ldns_rr_descriptor *descriptor;
    uint16_t type;
    size_t minimum; /* fields */
    size_t maximum;
};

/* false: ldns knows no text for the type. */
static bool layout_get(uint16_t type, struct layout *layout)
{
    const ldns_rr_descriptor *descriptor = ldns_rr_descript(type);
    *layout = (struct layout){.descriptor = descriptor, .type = type};
    if (descriptor == NULL || descriptor->_type != type) {
        return false;
    }
    layout->minimum = ldns_rr_descriptor_minimum(descriptor);
    layout->maximum = ldns_rr_descriptor_maximum(descriptor);
    for (size_t i = 0; i < layout->maximum && i < layout->minimum + 1; i++) {
        if (ldns_rr_descriptor_field_type(descriptor, i) == LDNS_RDF_TYPE_UNKNOWN) {
            return false;
        }
    }
    return true;
}

static enum field_kind kind_of_rdf(ldns_rdf_type rdf)
{
    static const struct {
        ldns_rdf_type rdf;
        enum field_kind kind;
    } kinds[] = {
        {LDNS_RDF_TYPE_DNAME, FIELD_NAME},
        {LDNS_RDF_TYPE_A, FIELD_A},
        {LDNS_RDF_TYPE_AAAA, FIELD_AAAA},
        {LDNS_RDF_TYPE_INT8, FIELD_U8},
        {LDNS_RDF_TYPE_INT16, FIELD_U16},
        {LDNS_RDF_TYPE_INT32, FIELD_U32},
        {LDNS_RDF_TYPE_PERIOD, FIELD_PERIOD},
        {LDNS_RDF_TYPE_STR, FIELD_STRING},
        {LDNS_RDF_TYPE_TAG, FIELD_TAG},
        {LDNS_RDF_TYPE_LONG_STR, FIELD_OCTETS},
        {LDNS_RDF_TYPE_HEX, FIELD_HEX},
        {LDNS_RDF_TYPE_B64, FIELD_BASE64},
        {LDNS_RDF_TYPE_WKS, FIELD_PORTS},
        {LDNS_RDF_TYPE_ALG, FIELD_U8_NAMED},
        {LDNS_RDF_TYPE_CERTIFICATE_USAGE, FIELD_U8_NAMED},
        {LDNS_RDF_TYPE_SELECTOR, FIELD_U8_NAMED},
        {LDNS_RDF_TYPE_MATCHING_TYPE, FIELD_U8_NAMED},
        {LDNS_RDF_TYPE_CERT_ALG, FIELD_U16_NAMED},
        {LDNS_RDF_TYPE_TIME, FIELD_TIME},
        {LDNS_RDF_TYPE_TYPE, FIELD_TYPE},
        {LDNS_RDF_TYPE_NSEC, FIELD_TYPES},
        {LDNS_RDF_TYPE_LOC, FIELD_REST},
        {LDNS_RDF_TYPE_NSAP, FIELD_REST},
        {LDNS_RDF_TYPE_ATMA, FIELD_REST},
        {LDNS_RDF_TYPE_SVCPARAMS, FIELD_REST},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].rdf == rdf) {
            return kinds[i].kind;
        }
    }
    return FIELD_WORD;
}

static enum field_kind kind_get(const struct layout *layout, size_t field)
{
    if (layout->type == TYPE_NSAP_PTR) {
        return FIELD_NAME; /* RFC 1706 7; ldns takes it for a string */
    }
    return kind_of_rdf(ldns_rr_descriptor_field_type(layout->descriptor, field));
}

static enum status fail(struct rdata_fault *fault, size_t word, const char *wanted)
{
    *fault = (struct rdata_fault){.word = word, .wanted = wanted};
    return STATUS_BAD_INPUT;
}

/* Append the wire form that ldns gives for a text. */
static enum status append_by_ldns(ldns_rdf_type type, const char *text, struct bytes *out)
{
    ldns_rdf *rdf = ldns_rdf_new_frm_str(type, text);
    if (rdf == NULL) {
        return STATUS_BAD_INPUT;
    }
    enum status status = bytes_append(out, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
    ldns_rdf_deep_free(rdf);
    return status;
}

/* Gather `count` words, blanks between them, as a text for ldns. */
static enum status gather(const struct layout *layout, const struct entry *entry, size_t first, size_t count,
                          struct bytes *text, struct rdata_fault *fault)
{
    bool params = layout->type == RRTYPE_SVCB || layout->type == RRTYPE_HTTPS;
    for (size_t i = first; i < first + count; i++) {
        struct rdata_word word = rdata_word_get(entry, i);
        bool special = memchr(word.text, '"', word.size) != NULL || memchr(word.text, '\\', word.size) != NULL;
        if (special && !params) {
            return fail(fault, i, "a word without quotes and backslashes");
        }
        enum status status = i > first ? bytes_append(text, " ", 1) : STATUS_OK;
        if (status == STATUS_OK) {
            status = bytes_append(text, word.text, word.size);
        }
        if (status != STATUS_OK) {
            return status == STATUS_TOO_LARGE ? fail(fault, i, "less text") : status;
        }
    }
    return bytes_append(text, "", 1);
}

/* Words that ldns would misread without a word, checked before it sees them. */
static enum status check_word(enum field_kind kind, struct rdata_word word)
{
    uint32_t value;
    switch (kind) {
    case FIELD_TIME: {
        bool date = word.size == 14 && strspn(word.text, "0123456789") >= 14;
        return date || number_from_text(word.text, word.size, UINT32_MAX, &value) ? STATUS_OK : STATUS_BAD_INPUT;
    }
    case FIELD_TYPE:
    case FIELD_TYPES:
        return rrtype_from_text(word.text, word.size) != 0 ? STATUS_OK : STATUS_BAD_INPUT;
    case FIELD_U8_NAMED:
    case FIELD_U16_NAMED: /* plain numbers were read before */
        return strspn(word.text, "-+0123456789") == 0 ? STATUS_OK : STATUS_BAD_INPUT;
    default:
        return STATUS_OK;
    }
}

/* One field by ldns, made of `count` words. */
static enum status ldns_field(const struct layout *layout, size_t field, enum field_kind kind,
                              const struct entry *entry, size_t first, size_t count, struct bytes *out,
                              struct rdata_fault *fault)
{
    for (size_t i = first; i < first + count; i++) {
        if (check_word(kind, rdata_word_get(entry, i)) != STATUS_OK) {
            return fail(fault, i, field_wanted(kind));
        }
        enum status status = rules_check_word(layout->type, rdata_word_get(entry, i), &fault->wanted);
        if (status != STATUS_OK) {
            return fail(fault, i, fault->wanted);
        }
    }
    struct bytes text;
    bytes_init(&text, LDNS_TEXT_MAX);
    enum status status = gather(layout, entry, first, count, &text, fault);
    if (status == STATUS_OK) {
        ldns_rdf_type rdf = ldns_rr_descriptor_field_type(layout->descriptor, field);
        status = append_by_ldns(rdf, (const char *)text.data, out);
        if (status == STATUS_BAD_INPUT || status == STATUS_TOO_LARGE) {
            status = fail(fault, first, rules_wanted(layout->type, field_wanted(kind)));
        }
    }
    bytes_clear(&text);
    return status;
}

static enum status one_field(const struct layout *layout, size_t field, const struct entry *entry, size_t word,
                             const uint8_t *origin, struct bytes *out, struct rdata_fault *fault)
{
    enum field_kind kind = kind_get(layout, field);
    struct rdata_word text = rdata_word_get(entry, word);
    bool number = text.text[0] >= '0' && text.text[0] <= '9';
    if (number && (kind == FIELD_U8_NAMED || kind == FIELD_U16_NAMED)) {
        kind = kind == FIELD_U8_NAMED ? FIELD_U8 : FIELD_U16;
    }
    if (!field_is_own(kind)) {
        size_t count = field_takes_rest(kind) ? entry->token_count - word : 1;
        return ldns_field(layout, field, kind, entry, word, count, out, fault);
    }
    fault->word = word;
    return field_takes_rest(kind) ? field_from_words(kind, entry, word, out, &fault->word, &fault->wanted)
                                  : field_from_word(kind, text, origin, out, &fault->wanted);
}

static enum status fields_from_entry(const struct layout *layout, const struct entry *entry, size_t first,
                                     const uint8_t *origin, struct bytes *out, struct rdata_fault *fault)
{
    size_t word = first;
    size_t field = 0;
    for (; field < layout->maximum && word < entry->token_count; field++) {
        enum status status = one_field(layout, field, entry, word, origin, out, fault);
        if (status != STATUS_OK) {
            return status;
        }
        word = field_takes_rest(kind_get(layout, field)) ? entry->token_count : word + 1;
    }
    if (field < layout->minimum) {
        return fail(fault, entry->token_count, field_wanted(kind_get(layout, field)));
    }
    if (word < entry->token_count) {
        return fail(fault, word, "the end of the record");
    }
    return STATUS_OK;
}

/* The octets behind "\# LENGTH" (RFC 3597 5). */
static enum status unknown_from_entry(const struct entry *entry, size_t first, struct bytes *out,
                                      struct rdata_fault *fault)
{
    uint32_t size;
    if (first + 1 >= entry->token_count) {
        return fail(fault, entry->token_count, "the number of octets");
    }
    struct rdata_word word = rdata_word_get(entry, first + 1);
    if (word.quoted || !number_from_text(word.text, word.size, RRSET_RDATA_MAX, &size)) {
        return fail(fault, first + 1, "the number of octets, 0 to 65535");
    }
    size_t bad = first + 2;
    if (bad < entry->token_count) {
        enum status status = field_from_words(FIELD_HEX, entry, bad, out, &bad, &fault->wanted);
        if (status != STATUS_OK) {
            return status == STATUS_NO_MEMORY ? status : fail(fault, bad, fault->wanted);
        }
    }
    if (out->size != size) {
        return fail(fault, first + 1, "the number of octets that follow");
    }
    return STATUS_OK;
}

/* Known types in that form must hold what the type says: they must print. */
static enum status check_octets(uint16_t type, const struct bytes *octets)
{
    struct layout layout;
    if (!layout_get(type, &layout)) {
        return STATUS_OK;
    }
    char *text = memory_alloc(TEXT_SIZE_MAX);
    if (text == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct rdata rdata = {.bytes = octets->data, .size = (uint16_t)octets->size};
    enum status status = zonefile_rdata_to_text(type, &rdata, text, TEXT_SIZE_MAX);
    memory_free(text);
    return status;
}

/* RDATA as its type writes it. */
static enum status known_from_entry(const struct layout *layout, const struct entry *entry, size_t first,
                                    const uint8_t *origin, struct bytes *out, struct rdata_fault *fault)
{
    enum status status;
    fault->word = first;
    if (layout->type == LDNS_RR_TYPE_IPSECKEY) {
        status = special_ipseckey(entry, first, origin, out, &fault->word, &fault->wanted);
    } else if (layout->type == LDNS_RR_TYPE_HIP) {
        status = special_hip(entry, first, origin, out, &fault->word, &fault->wanted);
    } else {
        status = fields_from_entry(layout, entry, first, origin, out, fault);
    }
    return status == STATUS_TOO_LARGE ? fail(fault, fault->word, "RDATA of at most 65535 octets") : status;
}

enum status rdata_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                             struct bytes *out, struct rdata_fault *fault)
{
    out->size = 0;
    assert(out->limit == RRSET_RDATA_MAX);
    enum status status = rdata_common_from_entry(type, entry, first, origin, out);
    return status == STATUS_NOT_FOUND ? rdata_any_from_entry(type, entry, first, origin, out, fault) : status;
}

enum status rdata_any_from_entry(uint16_t type, const struct entry *entry, size_t first, const uint8_t *origin,
                                 struct bytes *out, struct rdata_fault *fault)
{
    struct layout layout;
    out->size = 0;
    bool known = layout_get(type, &layout);
    bool octets = first < entry->token_count && rdata_word_get(entry, first).size == 2 &&
                  memcmp(rdata_word_get(entry, first).text, UNKNOWN_MARK, 2) == 0;
    if (!octets && !known) {
        return fail(fault, first, "RDATA of this type as octets: \\# LENGTH HEX (RFC 3597)");
    }
    enum status status = octets ? unknown_from_entry(entry, first, out, fault)
                                : known_from_entry(&layout, entry, first, origin, out, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (octets && known) {
        status = check_octets(type, out);
        if (status == STATUS_BAD_INPUT) {
            return fail(fault, first, "octets that are RDATA of this type");
        }
        return status;
    }
    struct rdata rdata = {.bytes = out->data, .size = (uint16_t)out->size};
    status = rules_check_rdata(type, &rdata, &fault->wanted);
    bool params = (type == RRTYPE_SVCB || type == RRTYPE_HTTPS) && first + 2 < entry->token_count;
    fault->word = params ? first + 2 : first;
    return status;
}

static bool prints_without_ldns(const struct layout *layout)
{
    for (size_t i = 0; i < layout->maximum && i <= layout->minimum; i++) {
        enum field_kind kind = kind_get(layout, i);
        if (!field_is_own(kind) && kind != FIELD_U8_NAMED && kind != FIELD_U16_NAMED) {
            return false;
        }
    }
    return true;
}

static enum status print_fields(const struct layout *layout, const struct rdata *rdata, struct bytes *out)
{
    size_t position = 0;
    size_t field = 0;
    for (; field < layout->maximum && (position < rdata->size || field < layout->minimum); field++) {
        enum field_kind kind = kind_get(layout, field);
        kind = kind == FIELD_U8_NAMED ? FIELD_U8 : kind == FIELD_U16_NAMED ? FIELD_U16 : kind;
        enum status status = field > 0 ? bytes_append(out, " ", 1) : STATUS_OK;
        if (status == STATUS_OK) {
            status = field_to_text(kind, rdata, &position, out);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return position == rdata->size ? STATUS_OK : STATUS_BAD_INPUT;
}

/* The record's fields are all there, and their octets are those of the RDATA. */
static bool rr_is_whole(const struct layout *layout, const ldns_rr *rr, const struct rdata *rdata)
{
    size_t offset = 0;
    if (ldns_rr_rd_count(rr) < layout->minimum) {
        return false;
    }
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
        size_t size = rdf == NULL ? 0 : ldns_rdf_size(rdf);
        if (rdf == NULL || size > rdata->size - offset ||
            (size > 0 && memcmp(rdata->bytes + offset, ldns_rdf_data(rdf), size) != 0)) {
            return false;
        }
        offset += size;
    }
    return offset == rdata->size;
}

/* The record as ldns reads it from the wire; BAD_INPUT if it does not, or reads something else. */
static enum status rr_from_rdata(const struct layout *layout, const struct rdata *rdata, ldns_rr **rr)
{
    size_t size = RR_HEAD_SIZE + (size_t)rdata->size;
    uint8_t *wire = memory_zalloc(size, 1);
    *rr = NULL;
    if (wire == NULL) {
        return STATUS_NO_MEMORY;
    }
    write_u16(wire + 1, layout->type);
    write_u16(wire + 3, RRCLASS_IN);
    write_u16(wire + 9, rdata->size);
    if (rdata->size > 0) {
        memcpy(wire + RR_HEAD_SIZE, rdata->bytes, rdata->size);
    }
    size_t position = 0;
    bool good = ldns_wire2rr(rr, wire, size, &position, LDNS_SECTION_ANSWER) == LDNS_STATUS_OK && position == size;
    memory_free(wire);
    if (good && rr_is_whole(layout, *rr, rdata)) {
        return STATUS_OK;
    }
    ldns_rr_free(*rr);
    return STATUS_BAD_INPUT;
}

static enum status print_rr(const ldns_rr *rr, struct bytes *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ldns_rr_rd_count(rr) && status == STATUS_OK; i++) {
        char *text = ldns_rdf2str(ldns_rr_rdf(rr, i));
        if (text == NULL) {
            return STATUS_BAD_INPUT;
        }
        size_t length = strlen(text);
        while (length > 0 && text[length - 1] == ' ') {
            length--; /* ldns leaves blanks behind lists */
        }
        if (length > 0 && out->size > 0) {
            status = bytes_append(out, " ", 1);
        }
        if (status == STATUS_OK) {
            status = bytes_append(out, text, length);
        }
        LDNS_FREE(text);
    }
    return status;
}

static enum status print_octets(const struct rdata *rdata, struct bytes *out)
{
    char head[32];
    size_t position = 0;
    int length = snprintf(head, sizeof head, UNKNOWN_MARK " %u%s", (unsigned)rdata->size, rdata->size > 0 ? " " : "");
    enum status status = bytes_append(out, head, (size_t)length);
    if (status == STATUS_OK && rdata->size > 0) {
        status = field_to_text(FIELD_HEX, rdata, &position, out);
    }
    return status;
}

static enum status print_by_ldns(const struct layout *layout, const struct rdata *rdata, struct bytes *out)
{
    const char *wanted;
    ldns_rr *rr;
    enum status status = rules_check_rdata(layout->type, rdata, &wanted);
    if (status == STATUS_OK) {
        status = rr_from_rdata(layout, rdata, &rr);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = print_rr(rr, out);
    ldns_rr_free(rr);
    return status;
}

/* Is a text read as the same octets? */
static bool reads_back(uint16_t type, const struct rdata *rdata, const struct bytes *text)
{
    static const uint8_t root[] = {0};
    struct diag ignored;
    struct entry entry;
    struct entry_reader reader;
    struct bytes octets;
    struct rdata_fault fault;
    diag_init(&ignored);
    bytes_init(&octets, RRSET_RDATA_MAX);
    entry_reader_init(&reader, (const char *)text->data, text->size);
    bool same = entry_next(&reader, "", &entry, &ignored) == STATUS_OK && entry.token_count > 0 &&
                rdata_from_entry(type, &entry, 0, root, &octets, &fault) == STATUS_OK && octets.size == rdata->size &&
                memcmp(octets.data, rdata->bytes, rdata->size) == 0;
    entry_reader_clear(&reader);
    bytes_clear(&octets);
    diag_clear(&ignored);
    return same;
}

/* ldns leaves the quotes out of some service parameters that need them: of these the form of RFC 3597 5 is sure. */
static enum status print_params(const struct layout *layout, const struct rdata *rdata, struct bytes *out)
{
    enum status status = print_by_ldns(layout, rdata, out);
    if (status != STATUS_OK || reads_back(layout->type, rdata, out)) {
        return status;
    }
    out->size = 0;
    return print_octets(rdata, out);
}

enum status zonefile_rdata_to_text(uint16_t type, const struct rdata *rdata, char *text, size_t capacity)
{
    struct layout layout;
    struct bytes out;
    bytes_init(&out, capacity);
    enum status status;
    if (!layout_get(type, &layout)) {
        status = print_octets(rdata, &out);
    } else if (prints_without_ldns(&layout)) {
        status = print_fields(&layout, rdata, &out);
    } else if (type == RRTYPE_SVCB || type == RRTYPE_HTTPS) {
        status = print_params(&layout, rdata, &out);
    } else {
        status = print_by_ldns(&layout, rdata, &out);
    }
    if (status == STATUS_OK) {
        status = bytes_append(&out, "", 1);
    }
    if (status == STATUS_OK) {
        memcpy(text, out.data, out.size);
    }
    bytes_clear(&out);
    return status;
}

void rrtype_to_text(uint16_t type, char text[RRTYPE_TEXT_MAX])
{
    static const char *const questions[] = {"IXFR", "AXFR", "MAILB", "MAILA", "ANY"};
    if (type >= RRTYPE_IXFR && type <= RRTYPE_ANY) {
        snprintf(text, RRTYPE_TEXT_MAX, "%s", questions[type - RRTYPE_IXFR]);
        return;
    }
    const ldns_rr_descriptor *descriptor = ldns_rr_descript(type);
    if (descriptor != NULL && descriptor->_type == type && descriptor->_name != NULL) {
        snprintf(text, RRTYPE_TEXT_MAX, "%s", descriptor->_name);
    } else {
        snprintf(text, RRTYPE_TEXT_MAX, "TYPE%" PRIu16, type);
    }
}

uint16_t rrtype_from_text(const char *text, size_t length)
{
    char name[RRTYPE_TEXT_MAX];
    uint32_t number;
    if (length == 1 && (*text | 0x20) == 'a') {
        return RRTYPE_A;
    }
    if (length == 0 || length >= sizeof name) {
        return 0;
    }
    if (length > 4 && strncasecmp(text, "TYPE", 4) == 0) {
        return number_from_text(text + 4, length - 4, UINT16_MAX, &number) ? (uint16_t)number : 0;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    return (uint16_t)ldns_get_rr_type_by_name(name);
}

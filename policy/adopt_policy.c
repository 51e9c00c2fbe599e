/* SPDX-License-Identifier: BSD-2-Clause */
/* adopt_policy: policy.conf and the first tests of an adopted tree (adopt_text.h). */
#include "policy/adopt_text.h"

#include "policy/prefix.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <stdarg.h>
#include <string.h>

#define LIST_LINE_MAX    100  /* bytes of a line that holds a list; policy.conf allows 198 */
#define SECTION_NAME_MAX 44   /* bytes of an apex in a section's name: 49 with its kind */
#define TESTS_MAX        12   /* names of each kind that are expected in the first test file */
#define TEST_RECORDS_MAX 8    /* records of an RRset that is expected */
#define RDATA_TEXT_SIZE  1024 /* bytes; longer data is not expected */
#define TEST_LINE_MAX    900  /* bytes; .views allow 1,000 */

/* Lists. */

struct list {
    FILE *stream;
    const char *key;
    size_t used; /* bytes of the line so far; 0: none begun */
};

static void list_put(struct list *list, const char *text)
{
    size_t length = strlen(text);

    if (list->used > 0 && list->used + 2 + length <= LIST_LINE_MAX) {
        fprintf(list->stream, ", %s", text);
        list->used += 2 + length;
        return;
    }
    if (list->used > 0)
        fputc('\n', list->stream);
    list->used = (size_t)fprintf(list->stream, "%-7s = %s", list->key, text);
}

static void list_end(struct list *list)
{
    if (list->used > 0)
        fputc('\n', list->stream);
    list->used = 0;
}

static void put_clients(const char *clients, FILE *stream)
{
    struct list list = {.stream = stream, .key = "clients"};
    char item[160];

    if (clients == NULL) {
        fputs("; All private networks, for a start: put your own here.\n", stream);
        clients = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7";
    }
    while (*(clients += strspn(clients, ", \t")) != '\0') {
        size_t length = strcspn(clients, ", \t");
        snprintf(item, sizeof item, "%.*s", (int)length, clients);
        list_put(&list, item);
        clients += length;
    }
    list_end(&list);
}

/* Private addresses of the outside. */

bool adopt_is_private(const struct zone *zone, const struct zone_record *record)
{
    struct rdata rdata = zone_rdata(zone, record);

    if (!(record->type == RRTYPE_A && rdata.size == 4) && !(record->type == RRTYPE_AAAA && rdata.size == 16))
        return false;
    struct address address = address_from_bytes(rdata.bytes, rdata.size);
    return address_is_private(&address);
}

static void put_private(const struct adopt_item *items, size_t count, FILE *stream)
{
    struct list list = {.stream = stream, .key = "allow-private"};
    bool is_first = true;

    for (size_t i = 0; i < count; i++) {
        const struct zone *zone = items[i].outside;
        const uint8_t *last = NULL;
        for (size_t r = 0; zone != NULL && r < zone->count; r++) {
            const uint8_t *owner = zone_owner(zone, &zone->records[r]);
            char name[NAME_TEXT_MAX];
            char text[NAME_TEXT_MAX + 1];
            if (!adopt_is_private(zone, &zone->records[r]) || (last != NULL && name_equal(last, owner)))
                continue;
            last = owner;
            if (is_first)
                fputs("; Names of the outside with private addresses, which are of no use there: better removed.\n",
                      stream);
            is_first = false;
            snprintf(text, sizeof text, "%s%s", name_is_wildcard(owner) ? "\\" : "", adopt_name_text(owner, name));
            list_put(&list, text);
        }
    }
    list_end(&list);
}

/* Hides. */

static bool is_forgotten(const struct adopt_plan *plan, const struct adopt_hide *hide)
{
    return plan->names[hide->cause].doubt == ADOPT_FORGOTTEN;
}

/* Names that only held others are left over when those go: they are hidden too. */
static bool has_empty_names(const struct adopt_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct adopt_plan *plan = items[i].plan;
        for (size_t h = 0; plan != NULL && h < plan->hide_count; h++) {
            struct zone_range range = zone_owner_range(plan->outside, plan->hides[h].name);
            if (!plan->hides[h].below && !is_forgotten(plan, &plan->hides[h]) && range.first == range.end)
                return true;
        }
    }
    return false;
}

static void put_hide_comment(const struct adopt_item *items, size_t count, bool forgotten, FILE *stream)
{
    if (forgotten)
        fputs("; Probably forgotten in the inside copy: without its line a name is the same inside as outside.\n",
              stream);
    else
        fprintf(stream, "; What exists outside only%s.\n",
                has_empty_names(items, count) ? ", and the empty names that would be left above it" : "");
}

static void put_hides(const struct adopt_item *items, size_t count, bool forgotten, FILE *stream)
{
    bool is_first = true;

    for (size_t i = 0; i < count; i++) {
        const struct adopt_plan *plan = items[i].plan;
        struct list list = {.stream = stream, .key = "hide"};
        for (size_t h = 0; plan != NULL && h < plan->hide_count; h++) {
            char text[ADOPT_HIDE_TEXT_MAX];
            if (is_forgotten(plan, &plan->hides[h]) != forgotten)
                continue;
            if (is_first)
                put_hide_comment(items, count, forgotten, stream);
            is_first = false;
            adopt_hide_to_text(&plan->hides[h], text);
            list_put(&list, text);
            if (forgotten)
                list_end(&list);
        }
        list_end(&list);
    }
}

static void put_modes(const struct adopt_item *items, size_t count, FILE *stream)
{
    for (size_t i = 0; i < count; i++) {
        char apex[NAME_TEXT_MAX];
        if (items[i].plan == NULL || !items[i].plan->is_full)
            continue;
        adopt_name_text(items[i].apex, apex);
        fputs("\n; The inside copy is whole: what is not in it does not exist inside.\n", stream);
        if (strlen(apex) <= SECTION_NAME_MAX)
            fprintf(stream, "[zone %s]\n", apex);
        else
            fprintf(stream, "[zone long-name-%zu]\napex = %s\n", i + 1, apex);
        fputs("mode.internal = full\n", stream);
    }
}

enum status adopt_write_policy(const struct adopt_item *items, size_t count, const char *clients, FILE *stream)
{
    fputs("; Who gets which answers. The longest matching client network wins, whatever the order here.\n"
          "[view internet]\n"
          "clients = any\n",
          stream);
    put_private(items, count, stream);
    fputs("\n"
          "; What this view does not own or hide comes from view internet.\n"
          "[view internal]\n",
          stream);
    put_clients(clients, stream);
    fputs("base    = internet\n", stream);
    put_hides(items, count, false, stream);
    put_hides(items, count, true, stream);
    put_modes(items, count, stream);
    return STATUS_OK;
}

/* Tests. */

/* A line that is written whole or not at all. */
struct words {
    char text[TEST_LINE_MAX];
    size_t size;
    bool is_cut;
};

static void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void words_add(struct words *words, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(words->text + words->size, sizeof words->text - words->size, format, arguments);
    va_end(arguments);
    words->is_cut = words->is_cut || size < 0 || (size_t)size >= sizeof words->text - words->size;
    words->size = words->is_cut ? words->size : words->size + (size_t)size;
}

/* Names that a line of a test can hold as they are. */
static bool is_plain(const uint8_t *name, char text[NAME_TEXT_MAX])
{
    adopt_name_text(name, text);
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] == '\0';
}

static bool is_expected_type(uint16_t type)
{
    return type == RRTYPE_A || type == RRTYPE_AAAA || type == RRTYPE_CNAME || type == RRTYPE_SRV || type == RRTYPE_MX;
}

/* The RRset that begins at `first`, if a line can hold it. */
static void put_rrset(const char *view, const char *name, const struct zone *zone, size_t first, size_t end,
                      FILE *stream)
{
    struct words words = {.size = 0};
    char type[RRTYPE_TEXT_MAX];
    char text[RDATA_TEXT_SIZE];

    rrtype_to_text(zone->records[first].type, type);
    words_add(&words, "%s %s %s =", view, name, type);
    for (size_t i = first; i < end; i++) {
        struct rdata rdata = zone_rdata(zone, &zone->records[i]);
        if (zonefile_rdata_to_text(zone->records[i].type, &rdata, text, sizeof text) != STATUS_OK ||
            strpbrk(text, "\\\"{};#,") != NULL)
            return;
        words_add(&words, "%s %s", i > first ? "," : "", text);
    }
    if (!words.is_cut && end - first <= TEST_RECORDS_MAX)
        fprintf(stream, "%s\n", words.text);
}

static void put_owner(const char *view, const char *name, const struct zone *zone, struct zone_range range,
                      FILE *stream)
{
    size_t end = range.first;

    for (size_t first = range.first; first < range.end; first = end) {
        for (end = first; end < range.end && zone->records[end].type == zone->records[first].type;)
            end++;
        if (is_expected_type(zone->records[first].type))
            put_rrset(view, name, zone, first, end, stream);
    }
}

/* Is the name answered from its own records: no delegation at or above it, and nobody's alias by DNAME? */
static bool is_answered(const struct zone *zone, const uint8_t *name)
{
    for (unsigned k = name_label_count(zone->apex); k <= name_label_count(name); k++) {
        const uint8_t *above = name_ancestor(name, k);
        struct zone_rrset found;
        bool is_apex = k == name_label_count(zone->apex);
        if ((!is_apex && zone_find(zone, above, RRTYPE_NS, &found)) ||
            (k < name_label_count(name) && zone_find(zone, above, RRTYPE_DNAME, &found)))
            return false;
    }
    return true;
}

/* Nothing of the name or above it but the apex, and no wildcard that stands for it. */
static bool is_missing(const struct zone *zone, const uint8_t *name)
{
    struct zone_range range = zone_subtree_range(zone, name);

    if (range.first < range.end || !is_answered(zone, name))
        return false;
    for (unsigned k = name_label_count(zone->apex); k < name_label_count(name); k++) {
        const uint8_t *above = name_ancestor(name, k);
        uint8_t wildcard[NAME_SIZE_MAX + 2] = {1, '*'};
        struct zone_range found = {0, 0};
        memcpy(wildcard + 2, above, name_size(above));
        if (name_size(above) + 2 <= NAME_SIZE_MAX)
            found = zone_owner_range(zone, wildcard);
        if (found.first < found.end)
            return false;
    }
    return true;
}

static void put_tests_of(const struct adopt_plan *plan, enum adopt_class class, FILE *stream)
{
    static const char *const comments[] = {
        [ADOPT_SAME] = "The same on both sides",
        [ADOPT_DIFFERENT] = "Different inside",
        [ADOPT_INSIDE] = "Only inside",
        [ADOPT_OUTSIDE] = "Only outside",
    };
    size_t written = 0;

    for (size_t i = 0; i < plan->count && written < TESTS_MAX; i++) {
        const struct adopt_name *name = &plan->names[i];
        char text[NAME_TEXT_MAX];
        bool is_apex = name_equal(name->name, plan->inside->apex);
        if (name->class != class || (is_apex && class != ADOPT_SAME) || !is_plain(name->name, text) ||
            !is_answered(plan->inside, name->name) || !is_answered(plan->outside, name->name))
            continue;
        if (written++ == 0)
            fprintf(stream, "\n; %s: %s\n", adopt_name_text(plan->inside->apex, (char[NAME_TEXT_MAX]){0}),
                    comments[class]);
        put_owner("internal", text, plan->inside, name->inside, stream);
        put_owner("internet", text, plan->outside, name->outside, stream);
        if (class == ADOPT_INSIDE && is_missing(plan->outside, name->name))
            fprintf(stream, "internet %s A NXDOMAIN\n", text);
        if (class == ADOPT_OUTSIDE && is_missing(plan->inside, name->name))
            fprintf(stream, "internal %s A NXDOMAIN\n", text);
    }
}

enum status adopt_write_tests(const struct adopt_item *items, size_t count, FILE *stream)
{
    fputs("; What each view must answer: FROM NAME TYPE [WORDS] [= RECORDS]. Taken from the two copies as they were\n"
          "; adopted; keep what matters, and add what must never break.\n",
          stream);
    for (size_t i = 0; i < count; i++) {
        if (items[i].plan == NULL)
            continue;
        put_tests_of(items[i].plan, ADOPT_DIFFERENT, stream);
        put_tests_of(items[i].plan, ADOPT_INSIDE, stream);
        put_tests_of(items[i].plan, ADOPT_OUTSIDE, stream);
    }
    return STATUS_OK;
}

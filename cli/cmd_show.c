/* SPDX-License-Identifier: BSD-2-Clause */
/* splitview show: the flat zones of a view, each RRset with its origin. */
#include "cli/command.h"
#include "cli/dig_text.h"
#include "cli/origin_text.h"
#include "cli/subject.h"

#include "policy/origins.h"
#include "policy/synthesis.h"
#include "zones/image.h"
#include "zones/memory.h"
#include "zones/zonefile.h"

#include <inttypes.h>
#include <string.h>

struct show {
    struct subject subject;
    uint8_t name[NAME_SIZE_MAX]; /* only names at or below it */
    bool has_name;
    uint64_t names; /* shown */
    json_t *views;  /* NULL: text */
    json_t *rrsets; /* of the zone at hand */
    json_t *hidden;
    json_t *forwarded;
    json_t *unpublished;
    bool no_memory;
};

/* A zone being walked. */
struct walk {
    struct show *show;
    uint32_t view;
    const struct catalog_entry *entry;
    const uint8_t *apex;
    struct image image;
    struct origins_reader origins;
    bool has_origins;
    struct origins_entry next; /* the origin read last */
    bool has_next;
};

static void append(struct show *show, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        show->no_memory = true;
}

/* ---- origins, in step with the nodes ---- */

static void open_origins(struct walk *walk)
{
    const void *table;
    size_t size;

    walk->has_origins =
        origins_load(walk->show->subject.side.generation, walk->entry->image_id, &table, &size) == STATUS_OK &&
        origins_open(table, size, &walk->origins) == STATUS_OK;
    walk->has_next = walk->has_origins && origins_next(&walk->origins, &walk->next);
}

static const struct origins_entry *take_origin(struct walk *walk, uint32_t node, uint16_t type)
{
    while (walk->has_next && (walk->next.node < node || (walk->next.node == node && walk->next.type < type)))
        walk->has_next = origins_next(&walk->origins, &walk->next);
    bool found = walk->has_next && walk->next.node == node && walk->next.type == type;

    return found && walk->next.place.path != NULL ? &walk->next : NULL;
}

/* ---- text ---- */

/* `rrset` NULL: of a hidden name. */
static void print_comment(const struct walk *walk, const struct origins_entry *origin, const uint8_t *owner,
                          const struct rrset *rrset)
{
    const struct generation *generation = walk->show->subject.side.generation;
    const char *separator = "\t; ";
    char text[ORIGIN_TEXT_MAX];

    if (origin != NULL) {
        if (rrset != NULL)
            origin_text(generation, walk->view, &origin->place, text);
        else
            origin_hide_text(generation, walk->view, &origin->place, text);
        printf("%s%s", separator, text);
        separator = ", ";
    }
    if (rrset != NULL && origin != NULL && origin->is_changed) {
        const struct origin_ttl ttl = {.owner = owner, .type = rrset->type, .ttl = rrset->ttl, .entry = origin};
        origin_ttl_text(generation, walk->view, &ttl, text);
        printf("%sTTL %s", separator, text);
        separator = ", ";
    }
    if (rrset != NULL && origin_cutover(generation, walk->view, owner, rrset->type, text))
        printf("%scounts down: %s", separator, text);
    putchar('\n');
}

static void print_rrset(const struct walk *walk, const uint8_t *owner, const struct answer_rrset *entry,
                        const struct origins_entry *origin)
{
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char data[DIG_DATA_MAX];
    uint32_t position = 0;
    struct rdata rdata;
    bool is_first = true;

    name_to_text(owner, name);
    rrtype_to_text(entry->rrset.type, type);
    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        dig_data(entry, &rdata, data);
        printf("%s\t%" PRIu32 "\tIN\t%s\t%s", name, entry->rrset.ttl, type, data);
        if (is_first)
            print_comment(walk, origin, owner, &entry->rrset);
        else
            putchar('\n');
        is_first = false;
    }
}

static const char *hidden_text(unsigned flags)
{
    if ((flags & NODE_HIDDEN) == 0)
        return "all that is missing below it is hidden";
    return (flags & NODE_MISSING) != 0 ? "hidden" : "hidden, with names below it";
}

/* ---- JSON ---- */

static json_t *rrset_json(struct walk *walk, const uint8_t *owner, const struct answer_rrset *entry,
                          const struct origins_entry *origin)
{
    const struct generation *generation = walk->show->subject.side.generation;
    char name[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];
    char data[DIG_DATA_MAX];
    char text[ORIGIN_TEXT_MAX];
    json_t *list = json_array();
    uint32_t position = 0;
    struct rdata rdata;

    while (rrset_next_rdata(&entry->rrset, &position, &rdata)) {
        dig_data(entry, &rdata, data);
        append(walk->show, list, json_string(data));
    }
    name_to_text(owner, name);
    rrtype_to_text(entry->rrset.type, type);
    bool has_rule = origin_ttl_rule(generation, walk->view, owner, entry->rrset.type, text);
    json_t *object = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "name", name, "type", type, "ttl",
                               (json_int_t)entry->rrset.ttl, "data", list, "origin",
                               origin != NULL ? origin_json(generation, walk->view, &origin->place) : json_null(),
                               "ttl_rule", has_rule ? cli_json_text(text) : json_null());
    const struct origin_ttl ttl = {.owner = owner, .type = entry->rrset.type, .ttl = entry->rrset.ttl, .entry = origin};
    if (object != NULL && !origin_ttl_json(generation, walk->view, &ttl, object))
        walk->show->no_memory = true;
    return object;
}

/* ---- the walk ---- */

static void show_rrset(struct walk *walk, uint32_t index, const uint8_t *owner, const struct image_rrset *rrset)
{
    const struct answer_rrset entry = {
        .owner = owner, .rrset = image_rrset_data(&walk->image, rrset), .serial = walk->entry->serial};
    const struct origins_entry *origin = take_origin(walk, index, rrset->type);

    if (walk->show->views == NULL)
        print_rrset(walk, owner, &entry, origin);
    else
        append(walk->show, walk->show->rrsets, rrset_json(walk, owner, &entry, origin));
}

static void show_mark(struct walk *walk, uint32_t index, const struct image_node *node)
{
    const struct origins_entry *origin = take_origin(walk, index, 0);
    const uint8_t *owner = image_node_name(node);
    char name[NAME_TEXT_MAX];

    name_to_text(owner, name);
    if (walk->show->views == NULL) {
        printf("; %s: %s", name, hidden_text(node->flags));
        print_comment(walk, origin, owner, NULL);
        return;
    }
    append(walk->show, walk->show->hidden,
           json_pack("{s:s, s:b, s:b, s:o}", "name", name, "hidden", (node->flags & NODE_HIDDEN) != 0, "below",
                     (node->flags & NODE_HIDDEN_BELOW) != 0, "origin",
                     origin != NULL ? origin_json(walk->show->subject.side.generation, walk->view, &origin->place)
                                    : json_null()));
}

/* Names of a [forward] domain: what the zone holds there is not served. The domain itself has a line. */
static void show_forward(struct walk *walk, uint32_t index, const struct image_node *node)
{
    const struct origins_entry *origin = take_origin(walk, index, 0);
    char name[NAME_TEXT_MAX];

    if (origin == NULL)
        return;
    walk->show->names++;
    name_to_text(image_node_name(node), name);
    if (walk->show->views != NULL) {
        append(walk->show, walk->show->forwarded,
               json_pack("{s:s, s:o}", "name", name, "origin",
                         origin_json(walk->show->subject.side.generation, walk->view, &origin->place)));
        return;
    }
    printf("; %s: left to others, with all below it: [forward]", name);
    print_comment(walk, origin, image_node_name(node), NULL);
}

static enum status show_node(struct walk *walk, uint32_t index)
{
    const struct image_node *node = image_node_at(&walk->image, index);

    if (node == NULL)
        return STATUS_DAMAGED;
    const uint8_t *owner = image_node_name(node);
    if (walk->show->has_name && !name_is_at_or_below(owner, walk->show->name))
        return STATUS_OK;
    if ((node->flags & NODE_FORWARD) != 0) {
        show_forward(walk, index, node);
        return STATUS_OK;
    }
    if ((node->flags & (NODE_HIDDEN | NODE_HIDDEN_BELOW)) != 0) {
        show_mark(walk, index, node);
        walk->show->names++;
    }
    walk->show->names += node->rrset_count > 0;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct image_rrset *rrset = image_node_rrset(&walk->image, node, i);
        if (rrset == NULL)
            return STATUS_DAMAGED;
        show_rrset(walk, index, owner, rrset);
    }
    return STATUS_OK;
}

static void begin_zone(struct walk *walk, const char *apex)
{
    struct show *show = walk->show;
    const char *view = show->subject.side.generation->policy->views[walk->view].name;

    if (show->views == NULL) {
        printf("; view %s, zone %s, serial %" PRIu32 "\n", view, apex, walk->entry->serial);
        return;
    }
    show->rrsets = json_array();
    show->hidden = json_array();
    show->forwarded = json_array();
    append(show, show->views,
           json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "view", view, "zone", apex, "serial",
                     (json_int_t)walk->entry->serial, "rrsets", show->rrsets, "hidden", show->hidden, "forwarded",
                     show->forwarded));
}

static enum status show_zone(struct show *show, uint32_t view, uint32_t index)
{
    const struct catalog *catalog = &show->subject.side.generation->catalogs[view];
    struct walk walk = {.show = show, .view = view, .entry = catalog_entry(catalog, index)};
    const struct image_ref *ref = &catalog->images[index];
    char apex[NAME_TEXT_MAX];

    walk.apex = catalog_apex(catalog, walk.entry);
    if (walk.apex == NULL)
        return STATUS_DAMAGED;
    if (show->has_name && !name_is_at_or_below(show->name, walk.apex) && !name_is_at_or_below(walk.apex, show->name))
        return STATUS_OK;
    enum status status = image_open(ref->block, ref->size, &walk.image);
    name_to_text(walk.apex, apex);
    if (status != STATUS_OK)
        return diag_fail(&show->subject.history.diag, status, NULL, "zone %s cannot be read: %s", apex,
                         status_text(status));
    begin_zone(&walk, apex);
    open_origins(&walk);
    for (uint32_t i = 0; i < walk.image.header->node_count && status == STATUS_OK && !show->no_memory; i++)
        status = show_node(&walk, i);
    return show->no_memory ? STATUS_NO_MEMORY : status;
}

/* ---- facts that are published elsewhere ---- */

static void show_unpublished(struct show *show, const struct synthesis *synthesis, uint32_t view,
                             const struct autodiscover_entry *entry, enum synthesis_why why)
{
    const struct policy *policy = synthesis->policy;
    const struct config_section *section = synthesis_section(synthesis, entry);
    const char *kind = section != NULL ? section->kind : "fact";
    const char *name = section != NULL ? section->name : "";
    char text[SYNTHESIS_TEXT_MAX];
    char owner[NAME_TEXT_MAX];
    char type[RRTYPE_TEXT_MAX];

    if ((show->has_name && !name_is_at_or_below(entry->owner, show->name)) ||
        synthesis_is_repeated(synthesis, view, entry))
        return;
    show->names++;
    synthesis_why_text(synthesis, view, entry, why, text);
    if (show->views == NULL) {
        printf("; fact [%s %s] (%s:%" PRIu32 "): %s\n", kind, name, policy->config->path, entry->line, text);
        return;
    }
    name_to_text(entry->owner, owner);
    rrtype_to_text(entry->type, type);
    append(show, show->unpublished,
           json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o}", "view", policy->views[view].name, "name", owner,
                     "type", type, "fact", kind, "line", (json_int_t)entry->line, "section", name, "why",
                     why == SYNTHESIS_OUTSIDE ? "outside" : "below-cut", "text", cli_json_text(text)));
}

/* The name lies below a delegation or DNAME of its zone, or is one that is delegated. */
static bool is_below_cut(const struct catalog *catalog, const uint8_t *name)
{
    struct name_split split;
    struct image image;
    uint32_t index = 0;

    name_split(name, &split);
    const struct catalog_entry *entry = catalog_find(catalog, &split, split.labels, &index);
    if (entry == NULL || image_open(catalog->images[index].block, catalog->images[index].size, &image) != STATUS_OK)
        return false;
    const uint8_t *apex = catalog_apex(catalog, entry);
    unsigned labels = apex != NULL ? name_label_count(apex) : split.labels;
    for (unsigned k = split.labels; k >= labels; k--) {
        const struct image_node *node = image_find(&image, &split, k);
        if (node != NULL)
            return (node->flags & (NODE_CUT | NODE_BELOW_CUT)) != 0 ||
                   (k < split.labels && (node->flags & NODE_DNAME) != 0);
        if (k == 0)
            break;
    }
    return false;
}

static enum status show_view_unpublished(struct show *show, const struct synthesis *synthesis, uint32_t view)
{
    const struct catalog *catalog = &show->subject.side.generation->catalogs[view];
    const struct autodiscover *facts = synthesis->views[view];
    const uint8_t **apexes = memory_zalloc(catalog_count(catalog) + 1, sizeof *apexes);
    struct autodiscover_picks outside = {0};
    size_t count = 0;

    for (uint32_t i = 0; apexes != NULL && i < catalog_count(catalog); i++)
        if ((apexes[count] = catalog_apex(catalog, catalog_entry(catalog, i))) != NULL)
            count++;
    enum status status =
        apexes == NULL ? STATUS_NO_MEMORY : synthesis_outside(synthesis, view, apexes, count, &outside);
    for (size_t i = 0; status == STATUS_OK && i < outside.count; i++)
        show_unpublished(show, synthesis, view, outside.items[i], SYNTHESIS_OUTSIDE);
    for (size_t i = 0; status == STATUS_OK && facts != NULL && i < facts->count; i++)
        if (facts->entries[i].kind == AUTODISCOVER_RECORD && is_below_cut(catalog, facts->entries[i].owner))
            show_unpublished(show, synthesis, view, &facts->entries[i], SYNTHESIS_BELOW_CUT);
    memory_free(outside.items);
    memory_free(apexes);
    return status;
}

/* What facts say of a view, but others must publish. Of a generation the facts are worked out again. */
static enum status show_all_unpublished(struct show *show, uint32_t only)
{
    const struct generation *generation = show->subject.side.generation;
    const struct synthesis *synthesis = generation->candidate != NULL ? generation->candidate->synthesis : NULL;
    struct synthesis *made = NULL;
    struct diag ignored;
    enum status status = STATUS_OK;

    if (synthesis == NULL) {
        diag_init(&ignored);
        status = synthesis_new(generation->policy, &ignored, &made);
        diag_clear(&ignored);
        synthesis = made;
    }
    for (uint32_t view = 0; view < generation->catalog_count && status == STATUS_OK; view++)
        if (only == VIEW_NONE || only == view)
            status = show_view_unpublished(show, synthesis, view);
    synthesis_free(made);
    return status;
}

static enum status show_views(const struct cli *cli, struct show *show)
{
    const struct generation *generation = show->subject.side.generation;
    uint32_t only = VIEW_NONE;
    enum status status = STATUS_OK;

    if (cli->view != NULL)
        status = subject_find_view(&show->subject, cli->view, &only);
    for (uint32_t view = 0; view < generation->catalog_count && status == STATUS_OK; view++)
        for (uint32_t i = 0; i < catalog_count(&generation->catalogs[view]) && status == STATUS_OK; i++)
            if (only == VIEW_NONE || only == view)
                status = show_zone(show, view, i);
    return status == STATUS_OK ? show_all_unpublished(show, only) : status;
}

static enum exit_status report_json(struct show *show, enum status status)
{
    json_t *object = json_pack("{s:s, s:o, s:o}", "status", status_text(status), "zones", show->views, "unpublished",
                               show->unpublished);

    show->views = NULL;
    if (object != NULL && status == STATUS_OK)
        json_object_set_new(object, "subject", history_side_json(&show->subject.side));
    return cli_print_json(object, &show->subject.history.diag) ? cli_exit_status(status) : EXIT_COULD_NOT;
}

static enum exit_status run_show(const struct cli *cli)
{
    struct show show = {.has_name = cli->operand_count > 0};
    size_t size;

    if (show.has_name &&
        name_from_text(cli->operands[0], strlen(cli->operands[0]), NULL, show.name, &size) != STATUS_OK)
        return cli_usage_error(&command_show, "show: found %s, wanted a domain name", cli->operands[0]);
    subject_init(&show.subject, cli);
    show.views = cli->json ? json_array() : NULL;
    show.unpublished = cli->json ? json_array() : NULL;
    enum status status = subject_open(&show.subject);
    if (status == STATUS_OK)
        status = show_views(cli, &show);
    if (status == STATUS_OK && show.has_name && show.names == 0)
        status =
            diag_error(&show.subject.history.diag, NULL, "no view shown has %s or a name below it", cli->operands[0]);
    enum exit_status exit_status =
        cli->json ? report_json(&show, status) : subject_end(&show.subject, status, EXIT_FINE);
    subject_close(&show.subject);
    return exit_status;
}

const struct command command_show = {
    .name = "show",
    .summary = "the flat zones of a view, each record with its origin",
    .usage = "splitview show [--view VIEW] [NAME] [--zones DIR|REPO] [--rev R] [--generation N]\n"
             "                  [--time-limit TIME] [--json]",
    .text =
        "\n"
        "Prints as a master file what each view serves once bases, overlays, hides, facts and TTL rules are put\n"
        "together, and behind each RRset where it was written and what changed its TTL. At the end, as comments: what\n"
        "facts would publish, but has its place in the zones of others. With NAME: that name and all below it. Looks\n"
        "at the newest generation of the store, or at the tree of --zones.\n",
    .options = CLI_VIEW | CLI_ZONES | CLI_REV | CLI_GENERATION | CLI_JSON | CLI_TIME_LIMIT,
    .operands_max = 1,
    .is_timed = true,
    .run = run_show,
};

/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/support_server.h"

#include "zones/zonefile.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static const char policy_text[] = "[view internet]\n"
                                  "clients = any\n"
                                  "[view internal]\n"
                                  "clients = 127.10.0.0/16\n";

static void give_up(const char *what)
{
    fprintf(stderr, "test data: %s\n", what);
    abort();
}

void support_server_init(struct support_server *server)
{
    struct diag diag;
    diag_init(&diag);
    memset(server, 0, sizeof *server);
    for (unsigned i = 0; i < SUPPORT_VIEWS; i++)
        support_world_init(&server->worlds[i]);
    if (policy_read("policy.conf", policy_text, sizeof policy_text - 1, &diag, &server->generation.policy) != STATUS_OK)
        give_up("policy");
    diag_clear(&diag);
}

static struct prefix_map *make_trust(void)
{
    const struct prefix senders = {{4, {127, 20}}, 16};
    struct prefix_map *map = prefix_map_new();
    uint32_t other;
    if (map == NULL || prefix_map_add(map, &senders, 0, &other) != STATUS_OK ||
        prefix_map_freeze(map, PREFIX_NO_VALUE) != STATUS_OK)
        give_up("trusted senders");
    return map;
}

void support_server_finish(struct support_server *server)
{
    for (unsigned i = 0; i < SUPPORT_VIEWS; i++) {
        support_finish(&server->worlds[i]);
        server->catalogs[i] = server->worlds[i].catalog;
        server->alike[i] = i;
    }
    server->generation.number = 1;
    strcpy(server->generation.commit, "0123456789abcdef");
    server->generation.catalogs = server->catalogs;
    server->generation.catalog_count = SUPPORT_VIEWS;
    server->generation.alike = server->alike;
    server->env = (struct query_env){
        .generation = &server->generation, .udp_payload = 1232, .identity = "test", .tcp_idle_ms = 10000};
    server->trust_ecs = make_trust();
    server->env.trust_ecs = server->trust_ecs;
}

void support_server_clear(struct support_server *server)
{
    for (unsigned i = 0; i < SUPPORT_VIEWS; i++)
        support_world_clear(&server->worlds[i]);
    policy_free(server->generation.policy);
    prefix_map_free(server->trust_ecs);
}

void support_worker_init(struct support_worker *worker, const struct query_env *env)
{
    memset(worker, 0, sizeof *worker);
    worker->serve.env = *env;
    worker->serve.counters = &worker->counters;
    worker->serve.log.fd = -1;
    worker->serve.memo = memo_new();
    if (worker->serve.memo == NULL)
        give_up("no memory");
}

void support_worker_clear(struct support_worker *worker)
{
    memo_free(worker->serve.memo);
}

size_t support_worker_ask(struct support_worker *worker, const struct client *client, const uint8_t *wire, size_t size,
                          uint8_t *reply, size_t capacity)
{
    struct serve *serve = &worker->serve;
    struct foreseen foreseen;
    struct prefetch prefetch;
    struct memo_key key;
    foresee_view(serve->env.generation, client, &foreseen);
    serve_seek(serve, foreseen.view.view, wire, size, &key);
    size_t written = serve_recall(serve, &key, wire, size, reply);
    if (written > 0)
        return written;
    foresee_name(serve->env.generation, wire, size, &foreseen, &prefetch);
    serve->query.foreseen = &foreseen;
    written = serve_query(serve, client, wire, size, reply, capacity);
    serve_keep(serve, &key, wire, size, reply, written);
    return written;
}

struct client support_client(const char *address, const char *transport)
{
    struct client client = {.transport = strcmp(transport, "tcp") == 0 ? TRANSPORT_TCP : TRANSPORT_UDP};
    if (address_from_text(address, strlen(address), &client.source) != STATUS_OK)
        give_up(address);
    return client;
}

size_t support_hex(const char *text, uint8_t *bytes, size_t capacity)
{
    size_t size = 0;
    unsigned value;
    int used;
    while (sscanf(text, " %2x%n", &value, &used) == 1 && size < capacity) {
        bytes[size++] = (uint8_t)value;
        text += used;
    }
    return size;
}

struct query_words {
    unsigned id;
    unsigned flags;
    unsigned class;
    unsigned payload;
    unsigned version;
    bool has_edns;
    bool dnssec_ok;
    uint8_t options[512];
    size_t options_size;
};

static void add_option(struct query_words *words, unsigned code, const char *hex)
{
    uint8_t *at = words->options + words->options_size;
    size_t size = support_hex(hex, at + 4, sizeof words->options - words->options_size - 4);
    write_u16(at, (uint16_t)code);
    write_u16(at + 2, (uint16_t)size);
    words->options_size += 4 + size;
    words->has_edns = true;
}

static void read_word(const char *word, struct query_words *words)
{
    unsigned value = 0;
    int behind = 0;
    if (sscanf(word, "id=%u", &value) == 1)
        words->id = value;
    else if (sscanf(word, "class=%u", &value) == 1)
        words->class = value;
    else if (sscanf(word, "opcode=%u", &value) == 1)
        words->flags |= value << 11;
    else if (sscanf(word, "edns=%u", &value) == 1) {
        words->payload = value;
        words->has_edns = true;
    } else if (sscanf(word, "version=%u", &value) == 1)
        words->version = value;
    else if (sscanf(word, "option=%u:%n", &value, &behind) == 1)
        add_option(words, value, word + behind);
    else if (strcmp(word, "rd") == 0)
        words->flags |= MESSAGE_RD;
    else if (strcmp(word, "ad") == 0)
        words->flags |= MESSAGE_AD;
    else if (strcmp(word, "cd") == 0)
        words->flags |= MESSAGE_CD;
    else if (strcmp(word, "do") == 0)
        words->dnssec_ok = true;
    else if (strcmp(word, "nsid") == 0)
        add_option(words, 3, "");
    else if (strcmp(word, "keepalive") == 0)
        add_option(words, 11, "");
    else
        give_up(word);
}

static size_t write_query(const struct query_words *words, const char *name_text, const char *type_text, uint8_t *wire,
                          size_t capacity)
{
    uint8_t name[NAME_SIZE_MAX];
    size_t size = 0;
    if (capacity < 1024 || name_from_text(name_text, strlen(name_text), NULL, name, &size) != STATUS_OK)
        give_up(name_text);
    unsigned number;
    uint16_t type = rrtype_from_text(type_text, strlen(type_text));
    if (type == 0 && sscanf(type_text, "%u", &number) == 1)
        type = (uint16_t)number;
    memset(wire, 0, MESSAGE_HEADER_SIZE);
    write_u16(wire, (uint16_t)words->id);
    write_u16(wire + 2, (uint16_t)words->flags);
    write_u16(wire + 4, 1);
    memcpy(wire + MESSAGE_HEADER_SIZE, name, size);
    uint8_t *at = wire + MESSAGE_HEADER_SIZE + size;
    write_u16(at, type);
    write_u16(at + 2, (uint16_t)words->class);
    at += 4;
    if (words->has_edns) {
        const uint8_t fixed[11] = {0, 0, RRTYPE_OPT};
        write_u16(wire + 10, 1);
        memcpy(at, fixed, sizeof fixed);
        write_u16(at + 3, (uint16_t)words->payload);
        at[6] = (uint8_t)words->version;
        at[7] = words->dnssec_ok ? 0x80 : 0;
        write_u16(at + 9, (uint16_t)words->options_size);
        memcpy(at + sizeof fixed, words->options, words->options_size);
        at += sizeof fixed + words->options_size;
    }
    return (size_t)(at - wire);
}

size_t support_query(const char *text, uint8_t *wire, size_t capacity)
{
    struct query_words words = {.id = 4660, .class = 1, .payload = 1232};
    char copy[2048];
    snprintf(copy, sizeof copy, "%s", text);
    char *rest;
    char *name = strtok_r(copy, " ", &rest);
    char *type = strtok_r(NULL, " ", &rest);
    if (name == NULL || type == NULL)
        give_up(text);
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;)
        read_word(word, &words);
    return write_query(&words, name, type, wire, capacity);
}

static void print_section(const char *title, ldns_rr_list *list, FILE *stream)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *text = ldns_rr2str(ldns_rr_list_rr(list, i));
        for (char *c = text; *c != '\0'; c++)
            *c = *c == '\t' ? ' ' : *c;
        fprintf(stream, "%s %s", title, text);
        free(text);
    }
}

static void print_header(const uint8_t *reply, const ldns_pkt *packet, FILE *stream)
{
    ldns_lookup_table *rcode = ldns_lookup_by_id(ldns_rcodes, (int)(ldns_pkt_get_rcode(packet)));
    fprintf(stream, "%s id=%u opcode=%u%s%s%s%s%s%s%s q=%u a=%u n=%u d=%u\n", rcode == NULL ? "?" : rcode->name,
            ldns_pkt_id(packet), (unsigned)ldns_pkt_get_opcode(packet), ldns_pkt_qr(packet) ? " qr" : "",
            ldns_pkt_aa(packet) ? " aa" : "", ldns_pkt_tc(packet) ? " tc" : "", ldns_pkt_rd(packet) ? " rd" : "",
            ldns_pkt_ra(packet) ? " ra" : "", ldns_pkt_ad(packet) ? " ad" : "", ldns_pkt_cd(packet) ? " cd" : "",
            read_u16(reply + 4), read_u16(reply + 6), read_u16(reply + 8), read_u16(reply + 10));
    if (!ldns_pkt_edns(packet))
        return;
    fprintf(stream, "edns payload=%u version=%u extended-rcode=%u%s", ldns_pkt_edns_udp_size(packet),
            ldns_pkt_edns_version(packet), ldns_pkt_edns_extended_rcode(packet), ldns_pkt_edns_do(packet) ? " do" : "");
    ldns_rdf *data = ldns_pkt_edns_data(packet);
    for (size_t i = 0; data != NULL && i < ldns_rdf_size(data); i++)
        fprintf(stream, "%s%02x", i == 0 ? " options=" : "", ldns_rdf_data(data)[i]);
    fprintf(stream, "\n");
}

static void print_tsig(const ldns_rr *tsig, FILE *stream)
{
    if (tsig == NULL)
        return;
    char *key = ldns_rdf2str(ldns_rr_owner(tsig));
    char *algorithm = ldns_rdf2str(ldns_rr_rdf(tsig, 0));
    fprintf(stream, "tsig %s %s mac-size=%u original-id=%u error=%u\n", key, algorithm,
            (unsigned)ldns_rdf_size(ldns_rr_rdf(tsig, 3)) - 2, ldns_rdf2native_int16(ldns_rr_rdf(tsig, 4)),
            ldns_rdf2native_int16(ldns_rr_rdf(tsig, 5)));
    free(key);
    free(algorithm);
}

char *support_reply_text(const uint8_t *reply, size_t size)
{
    char *text = NULL;
    size_t text_size = 0;
    FILE *stream = open_memstream(&text, &text_size);
    ldns_pkt *packet = NULL;
    if (size == 0) {
        fputs("(silence)\n", stream);
    } else if (ldns_wire2pkt(&packet, reply, size) != LDNS_STATUS_OK) {
        fputs("(ldns cannot read it)\n", stream);
    } else {
        print_header(reply, packet, stream);
        print_section("question", ldns_pkt_question(packet), stream);
        print_section("answer", ldns_pkt_answer(packet), stream);
        print_section("authority", ldns_pkt_authority(packet), stream);
        print_section("additional", ldns_pkt_additional(packet), stream);
        print_tsig(ldns_pkt_tsig(packet), stream);
    }
    ldns_pkt_free(packet);
    fclose(stream);
    return text;
}

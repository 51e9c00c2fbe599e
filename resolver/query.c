/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolver/query.h"

#include "policy/decide.h"
#include "policy/filter.h"
#include "resolver/chaos.h"
#include "resolver/foreign.h"

#include <string.h>

#define ROOM_FOR_EXTRAS 1024 /* bytes; a signed reply that may not be longer leaves out what only informs */

/* RFC 8914 5.2 */
enum extended_error { EXTENDED_PROHIBITED = 18, EXTENDED_NOT_AUTHORITATIVE = 20, EXTENDED_INVALID_DATA = 24 };

static size_t reply_limit(const struct query_env *env, const struct client *client, const struct message *message,
                          size_t capacity)
{
    size_t limit = MESSAGE_SIZE_MAX;
    if (client->transport == TRANSPORT_UDP)
        limit = message->udp_payload < env->udp_payload ? message->udp_payload : env->udp_payload;
    return limit < capacity ? limit : capacity;
}

static void set_options(const struct query_env *env, const struct client *client, const struct message *message,
                        size_t capacity, struct reply_options *options)
{
    *options = (struct reply_options){
        .size_max = reply_limit(env, client, message, capacity),
        .server_payload = env->udp_payload,
        .identity = env->identity,
        .keepalive = -1,
        .extended_error = -1,
    };
    if (client->transport == TRANSPORT_TCP && message->wants_keepalive) {
        uint32_t units = env->tcp_idle_ms / 100;
        options->keepalive = units < UINT16_MAX ? (int)units : UINT16_MAX;
    }
}

static void extend_error(struct reply_options *options, int code, const char *text)
{
    /* A signed reply that may not be long has no room for what only informs. */
    if (options->reserved > 0 && options->size_max < ROOM_FOR_EXTRAS)
        return;
    options->extended_error = code;
    options->extended_text = text;
}

/* RFC 8914. The texts speak of this server's set-up in general, never of a name: they reach everybody. */
static void explain_error(const struct query *query, struct reply_options *options)
{
    if (query->message.class == RRCLASS_CH)
        return;
    if (query->withheld > 0 && query->answer.rcode == RCODE_SERVFAIL)
        extend_error(options, EXTENDED_PROHIBITED, "the answer is not for this client");
    else if (query->foreign_error >= 0)
        extend_error(options, query->foreign_error, foreign_error_text(query->foreign_error));
    else if (query->answer.rcode == RCODE_SERVFAIL)
        extend_error(options, EXTENDED_INVALID_DATA, "stored zone data are damaged");
    else if (query->answer.rcode == RCODE_REFUSED && query->view.view == VIEW_NONE)
        extend_error(options, EXTENDED_PROHIBITED, "no view serves this client");
    else if (query->answer.rcode == RCODE_REFUSED)
        extend_error(options, EXTENDED_NOT_AUTHORITATIVE, "in no zone served to this client");
}

/* AD for those who understand it (RFC 6840 5.8), CD as it came (RFC 4035 3.2.2). */
static void add_recursion_flags(const struct query *query, struct reply_options *options)
{
    const struct message *message = &query->message;

    options->recursion_available = true;
    options->checking_disabled = (message->flags & MESSAGE_CD) != 0;
    options->authentic_data = query->is_authentic && (message->dnssec_ok || (message->flags & MESSAGE_AD) != 0);
}

static void add_view_options(const struct query_env *env, struct query *query, struct reply_options *options)
{
    explain_error(query, options);
    if (query->view.view == VIEW_NONE)
        return;
    if (decide_has_recursion(env->generation, query->view.view))
        add_recursion_flags(query, options);
    switch (env->generation->policy->views[query->view.view].order) {
    case VIEW_ORDER_FIXED:
        options->order = MESSAGE_ORDER_FIXED;
        break;
    case VIEW_ORDER_ROTATE:
        options->order = MESSAGE_ORDER_ROTATE;
        break;
    case VIEW_ORDER_RANDOM:
        options->order = MESSAGE_ORDER_RANDOM;
        break;
    }
    options->order_seed = query->sequence++;
}

/* Questions that nothing here answers: transfers, meta types, other classes. RCODE_NOERROR: decide it. */
static enum rcode refuse_question(const struct message *message)
{
    switch (message->type) {
    case RRTYPE_OPT:
    case RRTYPE_TSIG:
    case RRTYPE_NXNAME:
    case 0:
        return RCODE_FORMERR; /* never a question's type: RFC 6895 3.1, 9824 3.4 */
    case RRTYPE_AXFR:
    case RRTYPE_IXFR:
        return RCODE_REFUSED;
    case RRTYPE_TKEY:
    case RRTYPE_MAILA:
    case RRTYPE_MAILB:
        return RCODE_NOTIMP;
    default:
        break;
    }
    bool is_known = message->class == RRCLASS_IN || message->class == RRCLASS_ANY || message->class == RRCLASS_CH;
    return is_known ? RCODE_NOERROR : RCODE_REFUSED;
}

/* The subnet option as a network. Family 0, which names none, is a network of all. */
static struct prefix take_subnet(const struct message_subnet *subnet)
{
    struct prefix prefix = {.address.family = subnet->family == 2 ? 6 : 4, .length = subnet->length};
    memcpy(prefix.address.bytes, subnet->address, (subnet->length + 7u) / 8);
    return prefix;
}

static bool is_believed(const struct query_env *env, const struct client *client, const struct message *message)
{
    return message->subnet.present && env->trust_ecs != NULL &&
           prefix_map_find(env->trust_ecs, &client->source).value != PREFIX_NO_VALUE;
}

/* In the zones of the client's view, and on from there upstream. */
static void decide_for(const struct query_env *env, const struct client *client, const struct question *question,
                       struct query *query)
{
    struct forward_route route;
    struct answer *answer = &query->answer;

    answer_reset(answer);
    if (query->view.view == VIEW_NONE) {
        answer->outcome = OUTCOME_REFUSED;
        answer->rcode = RCODE_REFUSED;
        return;
    }
    decide_lookup(env->generation, query->view.view, question, question->name, NULL, answer, &route);
    if (answer->outcome == OUTCOME_FORWARD) {
        query->is_foreign = true;
        foreign_follow(env, question, &route, query);
        if (query->is_waiting)
            return;
    }
    filter_answer(env->generation->policy, query->view.view, client, question->type, question->now, NULL, answer);
}

static struct view_match select_view(const struct query_env *env, const struct client *client)
{
    const struct view_match none = {.view = VIEW_NONE};
    return env->generation->policy == NULL ? none : view_select(env->generation->policy, client);
}

/* Decide for the client, or for whom it asks, with the key it showed. */
static void decide_seen(const struct query_env *env, const struct client *client, const struct question *question,
                        struct query *query)
{
    const struct message *message = &query->message;
    bool believed = is_believed(env, client, message);
    if (!believed && !message->tsig.present) {
        query->view = question->split != NULL ? query->foreseen->view : select_view(env, client);
        decide_for(env, client, question, query);
        return;
    }
    struct client seen = *client;
    if (message->tsig.present)
        seen.key = query->tsig.name;
    if (believed)
        seen.subnet = take_subnet(&message->subnet);
    query->view = select_view(env, &seen);
    decide_for(env, &seen, question, query);
    query->options.answers_subnet = believed;
    query->options.subnet_scope = query->view.scope;
}

/* The name behind the header, if it is taken apart already. */
static const struct name_split *known_name(const struct query *query)
{
    return query->foreseen != NULL && query->foreseen->is_known ? &query->foreseen->split : NULL;
}

static void decide(const struct query_env *env, const struct client *client, struct query *query)
{
    const struct message *message = &query->message;
    if (message->class == RRCLASS_CH) {
        chaos_answer(env->generation, env->identity, message->name, message->type, &query->answer);
        return;
    }
    struct question question = {
        .name = message->name,
        .split = known_name(query),
        .type = message->type,
        .recursion = (message->flags & MESSAGE_RD) != 0,
        .now = env->now,
    };
    decide_seen(env, client, &question, query);
    query->withheld = query->answer.withheld;
    /* An answer to QCLASS ANY cannot speak for all classes (RFC 1035 6.2). */
    if (message->class == RRCLASS_ANY)
        query->answer.authoritative = false;
}

/* ---- signatures ---- */

/* Look at the signature; what it says of the reply goes to `options`. RCODE_NOERROR: go on. */
static enum rcode verify(const struct query_env *env, const uint8_t *wire, struct query *query,
                         struct reply_options *options)
{
    struct message *message = &query->message;
    enum tsig_verdict verdict = tsig_verify(env->keys, wire, &message->tsig, env->now, &query->tsig);
    if (verdict == TSIG_MALFORMED) {
        message->tsig.present = false;
        return RCODE_FORMERR;
    }
    if (options->size_max < ROOM_FOR_EXTRAS)
        options->identity = NULL;
    options->reserved = query->tsig.key == NULL ? 0 : tsig_reply_size(&query->tsig);
    return verdict == TSIG_GOOD ? RCODE_NOERROR : RCODE_NOTAUTH;
}

/* What was written, with its signature. Only the unsigned record for a key that is not ours may find no room: then TC
 * says that something is missing. */
static size_t sign(const struct query *query, const struct reply_options *options, uint8_t *reply, size_t size)
{
    if (!query->message.tsig.present)
        return size;
    if (options->size_max - size < tsig_reply_size(&query->tsig)) {
        reply[2] |= MESSAGE_TC >> 8;
        return size;
    }
    return tsig_sign(&query->tsig, reply, size);
}

static size_t write_error(const struct query *query, uint8_t *reply)
{
    return sign(query, &query->options, reply,
                message_write_error(&query->message, query->rcode, &query->options, reply));
}

/* What is wrong with the query before it is decided; RCODE_NOERROR: nothing. */
static enum rcode judge(const struct query_env *env, const uint8_t *wire, struct query *query)
{
    enum rcode rcode = query->message.tsig.present ? verify(env, wire, query, &query->options) : RCODE_NOERROR;
    if (rcode != RCODE_NOERROR)
        return rcode;
    return query->parsed == PARSE_REJECT ? query->message.reject : refuse_question(&query->message);
}

static void begin(struct query *query)
{
    query->view = (struct view_match){.view = VIEW_NONE};
    query->rcode = RCODE_NOERROR;
    query->withheld = 0;
    query->is_waiting = false;
    query->is_foreign = false;
    query->is_authentic = false;
    query->foreign_error = -1;
}

static size_t write_failure(const struct query_env *env, struct query *query, uint8_t *reply)
{
    query->rcode = RCODE_SERVFAIL;
    query->answer.rcode = RCODE_SERVFAIL;
    add_view_options(env, query, &query->options);
    return write_error(query, reply);
}

size_t query_answer(const struct query_env *env, const struct client *client, const uint8_t *wire, size_t size,
                    uint8_t *reply, size_t capacity, struct query *query)
{
    begin(query);
    query->parsed = message_parse(wire, size, known_name(query), &query->message);
    if (query->parsed == PARSE_DROP)
        return 0;
    set_options(env, client, &query->message, capacity, &query->options);
    query->rcode = judge(env, wire, query);
    if (query->rcode != RCODE_NOERROR)
        return write_error(query, reply);
    decide(env, client, query);
    if (query->is_waiting)
        return 0;
    query->rcode = query->answer.rcode;
    add_view_options(env, query, &query->options);
    size_t written = message_write(&query->message, &query->answer, &query->options, reply);
    return written != 0 ? sign(query, &query->options, reply, written) : write_failure(env, query, reply);
}

size_t query_give_up(const struct query_env *env, struct query *query, uint8_t *reply)
{
    query->is_waiting = false;
    query->withheld = 0;
    query->foreign_error = FOREIGN_NOT_READY;
    return write_failure(env, query, reply);
}

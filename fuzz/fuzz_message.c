/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser reads any octets; whatever it makes of them, an error reply can be written that starts as the query did.
 */
#include "resolver/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No key is known: a signature is malformed or refused, and the record that says so fits. */
static void check_signature(const uint8_t *data, const struct message *message)
{
    static struct tsig_session session;
    uint8_t reply[MESSAGE_HEADER_SIZE + TSIG_SIZE_MAX] = {0};
    if (!message->tsig.present || tsig_verify(NULL, data, &message->tsig, 0, &session) == TSIG_MALFORMED)
        return;
    size_t size = tsig_sign(&session, reply, MESSAGE_HEADER_SIZE);
    if (session.error != TSIG_BADKEY || size != MESSAGE_HEADER_SIZE + tsig_reply_size(&session) || size > sizeof reply)
        abort();
}

/* A name that was taken apart before changes nothing, of a message that was cut behind its header neither. */
static void check_known_name(const uint8_t *data, size_t size)
{
    const size_t sizes[] = {size, MESSAGE_HEADER_SIZE};
    struct name_split split;
    if (size < MESSAGE_HEADER_SIZE ||
        name_split_wire(data + MESSAGE_HEADER_SIZE, size - MESSAGE_HEADER_SIZE, &split) != STATUS_OK)
        return;
    for (unsigned i = 0; i < 2; i++) {
        struct message message;
        struct message other;
        uint8_t *exact = malloc(sizes[i]);
        memcpy(exact, data, sizes[i]);
        enum parse_verdict verdict = message_parse(exact, sizes[i], NULL, &message);
        if (message_parse(exact, sizes[i], &split, &other) != verdict)
            abort();
        if (verdict != PARSE_DROP &&
            (other.reject != message.reject || other.name != message.name || other.name_size != message.name_size ||
             other.type != message.type || other.question_end != message.question_end))
            abort();
        free(exact);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message message;
    uint8_t reply[MESSAGE_UDP_PLAIN];
    struct reply_options options = {
        .size_max = sizeof reply, .server_payload = 1232, .identity = "fuzz", .keepalive = 100, .extended_error = 20};
    check_known_name(data, size);
    if (message_parse(data, size, NULL, &message) == PARSE_DROP)
        return 0;
    check_signature(data, &message);
    options.answers_subnet = message.subnet.present;
    options.subnet_scope = message.subnet.length;
    size_t written = message_write_error(&message, RCODE_FORMERR, &options, reply);
    if (written < MESSAGE_HEADER_SIZE || written > sizeof reply || memcmp(reply, data, 2) != 0)
        abort();
    if (message.has_question && memcmp(reply + MESSAGE_HEADER_SIZE, message.name, message.name_size + 4u) != 0)
        abort();
    return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/status.h"

#include "zones/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static const char *const status_texts[] = {
#define STATUS_TEXT(name, text) [STATUS_##name] = text,
    STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *status_text(enum status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_texts / sizeof status_texts[0] ? status_texts[index] : "unknown status";
}

const char *severity_text(enum severity severity)
{
    switch (severity) {
    case SEVERITY_ERROR:
        return "error";
    case SEVERITY_WARNING:
        return "warning";
    case SEVERITY_INFO:
        return "info";
    }
    return "unknown severity";
}

void diag_init(struct diag *diag)
{
    memset(diag, 0, sizeof *diag);
}

void diag_clear(struct diag *diag)
{
    for (size_t i = 0; i < diag->count; i++) {
        memory_free(diag->messages[i].file);
        memory_free(diag->messages[i].text);
    }
    memory_free(diag->messages);
    diag_init(diag);
}

/* Operators read messages on terminals: no octet of a hostile file may reach one unescaped. */
static char *printable_copy(const char *text, size_t length)
{
    size_t size = 1;
    for (size_t i = 0; i < length; i++)
        size += text[i] >= ' ' && text[i] <= '~' ? 1 : 4;
    char *copy = memory_alloc(size);
    if (copy == NULL)
        return NULL;
    char *out = copy;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= ' ' && byte <= '~')
            *out++ = (char)byte;
        else
            out += snprintf(out, 5, "\\%03u", byte);
    }
    *out = '\0';
    return copy;
}

static void diag_count(struct diag *diag, enum severity severity)
{
    if (severity == SEVERITY_ERROR)
        diag->errors++;
    else if (severity == SEVERITY_WARNING)
        diag->warnings++;
}

static void diag_keep(struct diag *diag, enum severity severity, const struct place *place, const char *text,
                      size_t length)
{
    if (diag->count >= DIAG_MESSAGES_MAX)
        return;
    struct diag_message *grown = memory_grow(diag->messages, diag->count, &diag->capacity, sizeof *grown);
    if (grown == NULL)
        return;
    diag->messages = grown;
    struct diag_message message = {.severity = severity};
    message.text = printable_copy(text, length);
    if (message.text == NULL)
        return;
    if (place != NULL) {
        message.line = place->line;
        message.column = place->column;
        message.file = place->file == NULL ? NULL : printable_copy(place->file, strlen(place->file));
    }
    diag->messages[diag->count++] = message;
}

static void diag_add_list(struct diag *diag, enum severity severity, const struct place *place, const char *format,
                          va_list arguments) __attribute__((format(printf, 4, 0)));

static void diag_add_list(struct diag *diag, enum severity severity, const struct place *place, const char *format,
                          va_list arguments)
{
    char text[DIAG_TEXT_MAX];
    int written = vsnprintf(text, sizeof text, format, arguments);
    size_t length = written < 0 ? 0 : (size_t)written < sizeof text ? (size_t)written : sizeof text - 1;
    diag_count(diag, severity);
    diag_keep(diag, severity, place, text, length);
}

void diag_add(struct diag *diag, enum severity severity, const struct place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_add_list(diag, severity, place, format, arguments);
    va_end(arguments);
}

enum status diag_error(struct diag *diag, const struct place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_add_list(diag, SEVERITY_ERROR, place, format, arguments);
    va_end(arguments);
    return STATUS_BAD_INPUT;
}

enum status diag_fail(struct diag *diag, enum status status, const struct place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    diag_add_list(diag, SEVERITY_ERROR, place, format, arguments);
    va_end(arguments);
    return status;
}

void diag_message_print(const struct diag_message *message, FILE *stream)
{
    if (message->file != NULL)
        fprintf(stream, "%s:", message->file);
    if (message->line != 0)
        fprintf(stream, "%u:", message->line);
    if (message->line != 0 && message->column != 0)
        fprintf(stream, "%u:", message->column);
    bool placed = message->file != NULL || message->line != 0;
    fprintf(stream, "%s%s: %s\n", placed ? " " : "", severity_text(message->severity), message->text);
}

void diag_print(const struct diag *diag, FILE *stream)
{
    size_t shown_errors = 0;
    size_t shown_warnings = 0;
    for (size_t i = 0; i < diag->count; i++) {
        diag_message_print(&diag->messages[i], stream);
        shown_errors += diag->messages[i].severity == SEVERITY_ERROR;
        shown_warnings += diag->messages[i].severity == SEVERITY_WARNING;
    }
    size_t hidden = diag->errors + diag->warnings - shown_errors - shown_warnings;
    if (hidden > 0)
        fprintf(stream, "%zu more messages\n", hidden);
}

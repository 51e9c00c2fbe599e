/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * status: the one list of results, and the operator's list of messages.
 *
 * A status tells the calling code what to do next. A diagnostic tells a human what is wrong: where, what was found,
 * what was wanted. They are separate on purpose: one failed import returns one status and may carry hundreds of
 * messages. Nothing here is shared between threads: a struct diag belongs to whoever initialised it.
 */
#ifndef SPLITVIEW_ZONES_STATUS_H
#define SPLITVIEW_ZONES_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* name, text; STATUS_OK is 0 and is the only one that is not a failure. */
#define STATUS_MAP(X)                                                                              \
    X(OK, "fine")                                                                                  \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(BAD_INPUT, "bad input")             /* the operator's data is wrong; messages say where */   \
    X(NOT_SUPPORTED, "not supported yet") /* valid, but this version does not do it */             \
    X(NOT_FOUND, "not found")                                                                      \
    X(TOO_LARGE, "a limit is reached") /* a bounded buffer, image, answer or list is full */       \
    X(IO, "input or output failed")    /* the operating system refused; messages hold its words */ \
    X(LOCKED, "held by another process")                                                           \
    X(STORE, "the store failed") /* LMDB refused; messages hold its words */                       \
    X(STORE_FULL, "the store is full")                                                             \
    X(DAMAGED, "stored data is damaged") /* a check on stored bytes failed */                      \
    X(VERSION, "made by another version")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_MAP(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The fixed English text of a status; never NULL, never freed. */
const char *status_text(enum status status);

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_INFO };

/* "error", "warning" or "info"; never freed. */
const char *severity_text(enum severity severity);

/*
 * A place in an operator's file. `file` is borrowed for the length of the call it is passed to and may be NULL (no
 * file); `line` and `column` count from 1, 0 means unknown. Columns count bytes.
 */
struct place {
    const char *file;
    uint32_t line;
    uint32_t column;
};

struct diag_message {
    enum severity severity;
    uint32_t line;   /* 0: not known */
    uint32_t column; /* 0: not known */
    char *file;      /* NULL: not about a file; owned by the list */
    char *text;      /* one line without end; owned by the list */
};

/* Messages in the order they were added. All fields are for reading. */
struct diag {
    struct diag_message *messages;
    size_t count;
    size_t capacity;
    size_t errors;   /* also counts errors dropped after DIAG_MESSAGES_MAX */
    size_t warnings; /* likewise */
};

/* A list keeps at most this many messages; what comes after is only counted. */
#define DIAG_MESSAGES_MAX 1000
/* A message text is cut after this many bytes. */
#define DIAG_TEXT_MAX 1000

void diag_init(struct diag *diag);
void diag_clear(struct diag *diag);

/*
 * Add a message; `place` may be NULL. Texts are copied. Bytes in the text that are not printable ASCII are written as
 * \ddd, so that a hostile zone file cannot write to a terminal. Running out of memory drops the text, never the count.
 */
void diag_add(struct diag *diag, enum severity severity, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* diag_add with SEVERITY_ERROR that returns STATUS_BAD_INPUT, so that a caller can write `return diag_error(…)`. */
enum status diag_error(struct diag *diag, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with a status of the caller's choice (IO, STORE, …). */
enum status diag_fail(struct diag *diag, enum status status, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One message as "FILE:LINE:COLUMN: severity: text" and a newline; parts that are not known are left out. */
void diag_message_print(const struct diag_message *message, FILE *stream);

/* All messages, then a line "N more messages" where some were dropped. */
void diag_print(const struct diag *diag, FILE *stream);

#endif

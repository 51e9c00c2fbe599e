/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * say: what splitviewd tells its operator: lines on standard error, each beginning with "splitviewd: ". Any thread.
 * Nothing here waits for who reads them: a line that standard error does not take at once is lost.
 */
#ifndef SPLITVIEW_RESOLVER_SAY_H
#define SPLITVIEW_RESOLVER_SAY_H

#include "zones/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Once, before the first line: where standard error is a pipe or a terminal, open it anew for this process alone, so
 * that writing to it does not wait; other processes that have it open see no difference. */
void say_open(void);

/* One line; the newline is added. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Each message of a list as a line. */
void say_diag(const struct diag *diag);

/* Lines as they are, each with its newline. False if some were lost. */
bool say_lines(const char *text, size_t size);

#endif

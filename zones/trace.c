/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones/trace.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const words[] = {
#define TRACE_WORD(name, word) word,
    TRACE_MAP(TRACE_WORD)
#undef TRACE_WORD
};

void trace_reset(struct trace *trace)
{
    trace->count = 0;
    trace->dropped = 0;
}

struct trace_step *trace_add(struct trace *trace, enum trace_kind kind, const uint8_t *name)
{
    struct trace_step *step = &trace->spare;

    if (trace->count < TRACE_STEPS_MAX)
        step = &trace->steps[trace->count++];
    else
        trace->dropped++;
    step->kind = kind;
    step->type = 0;
    step->number = 0;
    step->other = 0;
    step->text[0] = '\0';
    step->has_name = name != NULL;
    if (name != NULL)
        memcpy(step->name, name, name_size(name));
    return step;
}

void trace_text(struct trace_step *step, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(step->text, sizeof step->text, format, arguments);
    va_end(arguments);
}

const char *trace_word(enum trace_kind kind)
{
    assert((size_t)kind < sizeof words / sizeof words[0]);
    return words[kind];
}

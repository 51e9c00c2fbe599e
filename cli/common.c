/* SPDX-License-Identifier: BSD-2-Clause */
/* common: what several commands do alike (command.h). */
#include "cli/command.h"

#include <stdio.h>

static json_t *known_number(uint32_t number)
{
    return number == 0 ? json_null() : json_integer((json_int_t)number);
}

json_t *cli_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *string = json_string(text);
    return string != NULL ? string : json_string("?");
}

json_t *cli_json_messages(const struct diag *diag)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < diag->count; i++) {
        const struct diag_message *message = &diag->messages[i];
        json_t *object = json_pack("{s:o, s:o, s:o, s:s, s:o}", "file", cli_json_text(message->file), "line",
                                   known_number(message->line), "column", known_number(message->column), "severity",
                                   severity_text(message->severity), "text", cli_json_text(message->text));
        if (object == NULL || json_array_append_new(list, object) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

bool cli_print_json(json_t *object, const struct diag *diag)
{
    json_t *messages = cli_json_messages(diag);
    bool fine = object != NULL && messages != NULL;

    if (fine) {
        fine = json_object_set_new(object, "errors", json_integer((json_int_t)diag->errors)) == 0 &&
               json_object_set_new(object, "warnings", json_integer((json_int_t)diag->warnings)) == 0 &&
               json_object_set(object, "messages", messages) == 0;
    }
    if (fine && json_dumpf(object, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(messages);
    json_decref(object);
    if (!fine)
        fputs("splitview: out of memory\n", stderr);
    return fine;
}

enum status cli_open_source(const struct cli *cli, const struct server_config *config, struct diag *diag,
                            struct source **source)
{
    const char *path = cli->zones != NULL ? cli->zones : config != NULL ? config->zones : "";
    const char *branch = config != NULL && config->branch[0] != '\0' ? config->branch : CLI_BRANCH_DEFAULT;

    *source = NULL;
    if (path[0] == '\0')
        return diag_error(diag, &(struct place){.file = cli->config_path},
                          "[server] zones is not given; wanted a repository or folder there, or --zones");
    return source_open(path, cli->revision, branch, diag, source);
}

enum status cli_open_tree(const struct cli *cli, const struct server_config *config, struct diag *diag,
                          struct source **source)
{
    if (cli->zones != NULL && cli->revision == NULL)
        return source_open_folder(cli->zones, diag, source);
    return cli_open_source(cli, config, diag, source);
}

const char *cli_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

void cli_print_text(const char *text, FILE *stream)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != '\0'; byte++) {
        bool is_c1 = byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f;
        putc(*byte < 0x20 || *byte == 0x7f || is_c1 ? '?' : *byte, stream);
        if (is_c1)
            byte++;
    }
}

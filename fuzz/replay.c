/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay: a main for a fuzz target that runs it over stored inputs and needs no fuzzer. TAP on standard output.
 *
 * Arguments are files or folders (read in order of their names, not deeper). Without arguments: the folder
 * $srcdir/fuzz/corpus/X, where the program is called replay_X. The program ends at the first input that crashes it,
 * so that its name is the last "# " line.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replay {
    unsigned tests;
    unsigned failures;
};

/* The bytes of a file in a block of just their size, so that a sanitizer sees a read behind the end. */
static uint8_t *read_whole(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data && fread(data, 1, size, file) != size) {
        free(data);
        data = NULL;
    }
    fclose(file);
    return data;
}

static void replay_file(struct replay *replay, const char *path, size_t size)
{
    uint8_t *data = read_whole(path, size);
    replay->tests++;
    if (!data) {
        replay->failures++;
        printf("not ok %u - %s\n# cannot be read: %s\n", replay->tests, path, strerror(errno));
        return;
    }
    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    printf("ok %u - %s\n", replay->tests, path);
}

static void replay_folder(struct replay *replay, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE];
        struct stat info;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (length > 0 && (size_t)length < sizeof path && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            replay_file(replay, path, (size_t)info.st_size);
        }
        free(entries[i]);
    }
    free(entries);
}

static void replay_path(struct replay *replay, const char *path)
{
    struct stat info;
    unsigned before = replay->tests;
    if (stat(path, &info) != 0) {
        replay->tests++;
        replay->failures++;
        printf("not ok %u - %s\n# %s\n", replay->tests, path, strerror(errno));
    } else if (S_ISDIR(info.st_mode)) {
        replay_folder(replay, path);
    } else {
        replay_file(replay, path, (size_t)info.st_size);
    }
    if (replay->tests == before) {
        replay->tests++;
        replay->failures++;
        printf("not ok %u - %s holds no input\n", replay->tests, path);
    }
}

/* The stored inputs that belong to a program called replay_X. */
static void replay_corpus(struct replay *replay, const char *program)
{
    const char *srcdir = getenv("srcdir");
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    const char *prefix = "replay_";
    char path[PATH_SIZE];
    if (strncmp(name, prefix, strlen(prefix)) == 0) {
        name += strlen(prefix);
    }
    snprintf(path, sizeof path, "%s/fuzz/corpus/%s", srcdir ? srcdir : ".", name);
    replay_path(replay, path);
}

int main(int argc, char **argv)
{
    struct replay replay = {0};
    for (int i = 1; i < argc; i++) {
        replay_path(&replay, argv[i]);
    }
    if (argc < 2) {
        replay_corpus(&replay, argv[0]);
    }
    printf("1..%u\n", replay.tests);
    return replay.failures > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/signature.h"

#include "zones/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX       500 /* bytes of what git says that are kept */
#define ENVIRONMENT_MAX 16
#define NUMBER_SHOWN    12 /* hex digits of a commit or tag */

/* One run of git. */
struct run {
    pid_t pid;
    int output;         /* where its words arrive */
    int process;        /* readable once it has ended */
    struct bytes words; /* standard output and error together */
    bool is_late;       /* it was killed because its time was over */
    int how;            /* it ended, as waitpid(2) says */
};

/* What is asked of git. */
struct question {
    const char *command; /* verify-commit or verify-tag */
    const char *noun;
    const char *object; /* 40 hex digits */
    const char *git_dir;
    const char *signers; /* the file, absolute */
    uint32_t limit_ms;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_kept(const char *variable)
{
    static const char *const kept[] = {
        "PATH=", "TMPDIR=", "GIT_OBJECT_DIRECTORY=", "GIT_QUARANTINE_PATH=", "GIT_ALTERNATE_OBJECT_DIRECTORIES="};

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
            return true;
    return false;
}

/* `git_dir` is "GIT_DIR=" and the folder. With it, git does not ask whom the repository belongs to. */
static void environment_fill(char *git_dir, char *environment[ENVIRONMENT_MAX])
{
    static char *const fixed[] = {"LC_ALL=C",
                                  "GIT_CONFIG_NOSYSTEM=1",
                                  "GIT_CONFIG_GLOBAL=/dev/null",
                                  "GIT_NO_REPLACE_OBJECTS=1", /* the source does not follow replacements either */
                                  "GIT_NO_LAZY_FETCH=1",
                                  "GIT_ALLOW_PROTOCOL=none",
                                  "GIT_TERMINAL_PROMPT=0"};
    size_t count = 0;

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        environment[count++] = fixed[i];
    environment[count++] = git_dir;
    for (char **variable = environ; *variable != NULL && count < ENVIRONMENT_MAX - 1; variable++)
        if (is_kept(*variable))
            environment[count++] = *variable;
    environment[count] = NULL;
}

/* In a process group of its own, so that what it starts can be ended with it. An errno, 0: started. */
static int spawn(const struct question *question, int output, pid_t *pid)
{
    char signers[PATH_MAX + 40];
    char git_dir[PATH_MAX + 10];
    char *environment[ENVIRONMENT_MAX];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    snprintf(signers, sizeof signers, "gpg.ssh.allowedSignersFile=%s", question->signers);
    snprintf(git_dir, sizeof git_dir, "GIT_DIR=%s", question->git_dir);
    char *const arguments[] = {"git",
                               "-c",
                               signers,
                               "-c",
                               "gpg.ssh.program=ssh-keygen",
                               "-c",
                               "gpg.program=false",
                               "-c",
                               "gpg.x509.program=false",
                               "-c",
                               "gpg.minTrustLevel=fully",
                               (char *)question->command,
                               (char *)question->object,
                               NULL};
    environment_fill(git_dir, environment);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    if (error == 0)
        error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (error == 0)
        error = posix_spawnp(pid, "git", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Take the words that are there; false at their end. What is beyond WORDS_MAX is read and dropped. */
static bool run_read(struct run *run)
{
    char part[512];
    const ssize_t size = read(run->output, part, sizeof part);

    if (size < 0)
        return errno == EINTR || errno == EAGAIN;
    const size_t room = run->words.limit - run->words.size;
    const size_t kept = (size_t)size < room ? (size_t)size : room;
    if (kept > 0 && bytes_append(&run->words, part, kept) != STATUS_OK)
        return false;
    return size > 0;
}

/* Until git has ended; what it has left running ends with it. */
static void run_wait(struct run *run, uint32_t limit_ms)
{
    const uint64_t start = now_ms();
    struct pollfd wanted[] = {{.fd = run->process, .events = POLLIN}, {.fd = run->output, .events = POLLIN}};

    while (wanted[0].revents == 0) {
        const uint64_t spent = now_ms() - start;

        if (spent >= limit_ms) {
            run->is_late = true;
            break;
        }
        if (poll(wanted, 2, (int)(limit_ms - spent)) <= 0)
            continue;
        if (wanted[1].revents != 0 && !run_read(run))
            wanted[1].fd = -1;
    }
    kill(-run->pid, SIGKILL); /* the number is git's until waitpid */
    while (waitpid(run->pid, &run->how, 0) < 0 && errno == EINTR) {
        /* A handler of the program's ran. */
    }
}

/* `run` is the caller's to clear its words. */
static enum status run_git(const struct question *question, struct run *run, struct diag *diag)
{
    int ends[2];

    *run = (struct run){.pid = -1};
    bytes_init(&run->words, WORDS_MAX);
    int error = pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;
    if (error == 0) {
        fcntl(ends[1], F_SETFL, 0); /* git expects to write without being told to come again */
        error = spawn(question, ends[1], &run->pid);
        close(ends[1]);
        if (error != 0)
            close(ends[0]);
    }
    if (error != 0)
        return diag_fail(diag, STATUS_IO, NULL,
                         "cannot run git to verify the signature of %s %.*s: %s; require-signed needs the programs git "
                         "and ssh-keygen",
                         question->noun, NUMBER_SHOWN, question->object, strerror(error));
    run->output = ends[0];
    run->process = pidfd_open(run->pid, 0);
    error = errno;
    run_wait(run, run->process < 0 ? 0 : question->limit_ms);
    close(run->output);
    if (run->process < 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot wait for git: %s", strerror(error));
    close(run->process);
    return STATUS_OK;
}

/* The lines that git said, as one. */
static void words_join(const struct bytes *words, char text[2 * WORDS_MAX + 1])
{
    size_t size = 0;

    for (size_t i = 0; i < words->size; i++) {
        if (words->data[i] != '\n') {
            text[size++] = (char)words->data[i];
        } else if (i + 1 < words->size) {
            text[size++] = ';';
            text[size++] = ' ';
        }
    }
    text[size] = '\0';
}

/* The message for an object whose signature is not good, or not known to be. */
static enum status refuse(const struct question *question, const struct run *run, struct diag *diag)
{
    const char *noun = question->noun;
    const char *object = question->object;
    char text[2 * WORDS_MAX + 1];

    words_join(&run->words, text);
    if (run->is_late)
        return diag_fail(diag, STATUS_IO, NULL, "%s %.*s: git %s did not end within %g s", noun, NUMBER_SHOWN, object,
                         question->command, question->limit_ms / 1000.0);
    if (WIFSIGNALED(run->how))
        return diag_fail(diag, STATUS_IO, NULL, "%s %.*s: git %s was ended by a signal (%s)", noun, NUMBER_SHOWN,
                         object, question->command, strsignal(WTERMSIG(run->how)));
    if (WEXITSTATUS(run->how) != 1)
        return diag_fail(diag, STATUS_IO, NULL, "%s %.*s: git %s failed with status %d: %s", noun, NUMBER_SHOWN, object,
                         question->command, WEXITSTATUS(run->how), text);
    if (text[0] == '\0')
        return diag_error(diag, NULL, "%s %.*s: found no signature, wanted one of a signer in %s", noun, NUMBER_SHOWN,
                          object, question->signers);
    return diag_error(diag, NULL, "%s %.*s: found no good signature, wanted one of a signer in %s; git says: %s", noun,
                      NUMBER_SHOWN, object, question->signers, text);
}

static enum status ask(const struct question *question, struct diag *diag)
{
    struct run run;
    enum status status = run_git(question, &run, diag);

    if (status == STATUS_OK && (run.is_late || !WIFEXITED(run.how) || WEXITSTATUS(run.how) != 0))
        status = refuse(question, &run, diag);
    bytes_clear(&run.words);
    return status;
}

enum status signature_check(const struct source_info *source, const char *allowed_signers, uint32_t limit_ms,
                            struct diag *diag)
{
    char signers[PATH_MAX];
    struct diag about_tag;

    if (source->commit[0] == '\0')
        return diag_error(diag, NULL, "%s is a folder, whose content nobody has signed; require-signed wants a commit",
                          source->path);
    /* git would count a relative path from elsewhere. */
    if (realpath(allowed_signers, signers) == NULL || access(signers, R_OK) != 0)
        return diag_fail(diag, STATUS_IO, NULL, "cannot read the allowed signers %s: %s", allowed_signers,
                         strerror(errno));
    struct question question = {"verify-tag", "tag", source->tag, source->git_dir, signers, limit_ms};
    enum status status = STATUS_BAD_INPUT;
    diag_init(&about_tag);
    if (source->tag[0] != '\0')
        status = ask(&question, &about_tag);
    if (status != STATUS_OK) {
        question.command = "verify-commit";
        question.noun = "commit";
        question.object = source->commit;
        status = ask(&question, diag);
    }
    if (status != STATUS_OK) /* of a commit whose signature is good nobody wants to know that its tag has none */
        for (size_t i = 0; i < about_tag.count; i++)
            diag_add(diag, about_tag.messages[i].severity, NULL, "%s",
                     about_tag.messages[i].text != NULL ? about_tag.messages[i].text : status_text(status));
    diag_clear(&about_tag);
    return status;
}

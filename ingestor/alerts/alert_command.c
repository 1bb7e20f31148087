/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/alerts/alert_command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/xalloc.h"

/* A file in memory with the message, at its beginning: the program reads it when it likes. */
static int message_file(const struct buf *body)
{
    const int fd = memfd_create("alert", MFD_CLOEXEC);
    size_t at = 0;
    while (fd >= 0 && at < body->len) {
        const ssize_t wrote = write(fd, body->data + at, body->len - at);
        if (wrote < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    if (fd >= 0) {
        (void)lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

/* The program gets none of our files but standard error, none of our signals, and a group. */
static int spawn(const struct config_alert *rule, int input, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;
    char **words = x_calloc(rule->command_count + 1, sizeof *words);
    for (size_t i = 0; i < rule->command_count; i++) {
        words[i] = x_strdup(rule->command[i]);
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int failed = posix_spawn(pid, words[0], &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    for (size_t i = 0; i < rule->command_count; i++) {
        free(words[i]);
    }
    free(words);
    return failed;
}

int alert_command_start(struct alert_command *command, struct alert_job *job, mono_time now,
                        struct error *err)
{
    const struct config_alert *rule = job->rule;
    *command = (struct alert_command){.job = job, .fd = -1};
    const int input = message_file(&job->body);
    if (input < 0) {
        return error_set(err, STATUS_IO, "the message cannot be kept for %.200s: %s",
                         rule->command[0], strerror(errno));
    }
    const int failed = spawn(rule, input, &command->pid);
    close(input);
    if (failed != 0) {
        command->pid = 0;
        return error_set(err, STATUS_IO, "%.200s cannot be started: %s", rule->command[0],
                         strerror(failed));
    }
    command->fd = pidfd_open(command->pid, 0);
    command->until = mono_add_ms(now, rule->timeout_ms);
    return STATUS_OK;
}

static void reap(struct alert_command *command, int *status)
{
    while (waitpid(command->pid, status, 0) < 0 && errno == EINTR) {
    }
    if (command->fd >= 0) {
        close(command->fd);
    }
    command->pid = 0;
    command->fd = -1;
}

bool alert_command_done(struct alert_command *command, mono_time now)
{
    struct alert_job *job = command->job;
    const char *path = job->rule->command[0];
    siginfo_t info = {0};
    int status = 0;
    if (waitid(P_PID, (id_t)command->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
        if (now.us < command->until.us) {
            return false;
        }
        alert_command_stop(command);
        error_set(&job->error, STATUS_IO, "%.200s did not end within its `timeout`, and was killed",
                  path);
        return true;
    }
    reap(command, &status);
    job->taken = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFEXITED(status)) {
        error_set(&job->error, STATUS_IO, "%.200s ended with status %d", path, WEXITSTATUS(status));
    } else {
        error_set(&job->error, STATUS_IO, "%.200s was ended by signal %d", path, WTERMSIG(status));
    }
    return true;
}

void alert_command_stop(struct alert_command *command)
{
    int status;
    if (command->pid != 0) {
        kill(-command->pid, SIGKILL);
        kill(command->pid, SIGKILL);
        reap(command, &status);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_wake.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/program/log.h"

#define AGAIN_FIRST_MS 1
#define AGAIN_LAST_MS 512
#define MOVES (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM)

void sqlite_wake_open(struct sqlite_wake *wake, const char *path, bool writes)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup(".");
    /* Not IN_ATTRIB: SQLite itself sets the owner of a journal that it opens as root, and each poll
     * would be the reason for the next one. */
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 &&
        inotify_add_watch(fd, folder, MOVES | (writes ? IN_MODIFY | IN_CLOSE_WRITE : 0)) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        log_warn("%s cannot be watched for changes (%s): looking every poll_interval instead",
                 folder, strerror(errno));
    }
    free(folder);
    wake->inotify = fd;
}

void sqlite_wake_close(struct sqlite_wake *wake)
{
    if (wake->inotify >= 0) {
        close(wake->inotify);
    }
}

/* Takes all notifications, and notes those of files that were created, moved or removed. */
static void drain(struct sqlite_wake *wake, const char *path)
{
    _Alignas(struct inotify_event) char events[4096];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    const size_t name_len = strlen(name);
    ssize_t len;
    while ((len = read(wake->inotify, events, sizeof events)) > 0) {
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event =
                (const struct inotify_event *)(const void *)(events + at);
            at += (ssize_t)(sizeof *event + event->len);
            if ((event->mask & MOVES) == 0 || event->len == 0 ||
                strncmp(event->name, name, name_len) != 0) {
                continue;
            }
            const char *suffix = event->name + name_len;
            wake->replaced |= *suffix == '\0';
            wake->log_touched |= strcmp(suffix, "-wal") == 0 || strcmp(suffix, "-shm") == 0;
        }
    }
}

/* True when it is another file than before, or gone. */
static bool is_other(struct sqlite_wake_file *file, const char *path, const char *suffix)
{
    struct stat now = {0};
    char *name = x_malloc(strlen(path) + strlen(suffix) + 1);
    stpcpy(stpcpy(name, path), suffix);
    if (stat(name, &now) != 0) {
        now = (struct stat){0};
    }
    free(name);
    const bool other =
        file->inode != 0 && (file->inode != now.st_ino || file->device != now.st_dev);
    *file = (struct sqlite_wake_file){now.st_dev, now.st_ino};
    return other;
}

bool sqlite_wake_unlinked(struct sqlite_wake *wake, const char *path)
{
    const bool log = is_other(&wake->log, path, "-wal");
    return is_other(&wake->index, path, "-shm") || log;
}

enum sqlite_wake_reason sqlite_wake_settle(struct sqlite_wake *wake, const char *path,
                                           bool complete)
{
    drain(wake, path);
    const bool log_touched = wake->log_touched;
    wake->log_touched = false;
    if (wake->replaced) {
        return SQLITE_WAKE_REPLACED;
    }
    if (log_touched && sqlite_wake_unlinked(wake, path)) {
        return SQLITE_WAKE_UNLINKED;
    }
    if (complete && wake->log.inode == 0) {
        wake->again_ms = 0; /* a rollback journal: a commit is seen as soon as its writer is done */
    }
    return SQLITE_WAKE_WRITTEN;
}

/*
 * A notification is of a write into a file. In WAL mode a transaction is seen by others only a
 * moment later, when the writer has synced the log, which may take long, and has updated the index,
 * which is memory and notifies nobody. So one poll is not enough: more follow, at doubling
 * intervals.
 *
 *   writer     write -wal      sync                    index
 *   reader         ├ poll 1 ms, poll 2 ms, poll 4 ms …   │  poll: there it is
 */
static bool time_to_poll_again(struct sqlite_wake *wake, int ready, int waited_ms)
{
    if (wake->again_ms == 0 || ready != 0 || waited_ms < wake->again_ms) {
        return false;
    }
    wake->again_ms = wake->again_ms < AGAIN_LAST_MS ? wake->again_ms * 2 : 0;
    return true;
}

enum sqlite_wake_reason sqlite_wake_wait(struct sqlite_wake *wake, const char *path, int wake_fd,
                                         int timeout_ms)
{
    struct pollfd fds[] = {{wake_fd, POLLIN, 0}, {wake->inotify, POLLIN, 0}};
    const int wait_ms =
        wake->again_ms != 0 && wake->again_ms < timeout_ms ? wake->again_ms : timeout_ms;
    const int ready = poll(fds, 2, wait_ms);
    if (time_to_poll_again(wake, ready, wait_ms)) {
        return SQLITE_WAKE_WRITTEN;
    }
    if (ready > 0 && fds[1].revents != 0) {
        wake->again_ms = AGAIN_FIRST_MS;
        drain(wake, path);
        return SQLITE_WAKE_WRITTEN;
    }
    return ready == 0 ? SQLITE_WAKE_TIMEOUT : SQLITE_WAKE_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/auth/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/own_file.h"

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool watched_changed(const struct watched *watched)
{
    struct stat now;
    if (stat(watched->path, &now) != 0) {
        memset(&now, 0, sizeof now);
    }
    const struct stat *then = &watched->state;
    return now.st_dev != then->st_dev || now.st_ino != then->st_ino ||
           now.st_size != then->st_size || !same_time(&now.st_mtim, &then->st_mtim) ||
           !same_time(&now.st_ctim, &then->st_ctim);
}

static int read_all(int fd, size_t max, struct buf *out)
{
    for (;;) {
        const ssize_t got = read(fd, buf_reserve(out, 4096), 4096);
        if (got < 0 && errno != EINTR) {
            return STATUS_IO;
        }
        out->len += got > 0 ? (size_t)got : 0;
        if (out->len > max) {
            return STATUS_FULL;
        }
        if (got == 0) {
            return STATUS_OK;
        }
    }
}

/* Whoever may change the file, or put another in its place, may be anybody. */
static int check_owner(const struct watched *watched, struct error *err)
{
    const char *path = watched->path;
    if (!S_ISREG(watched->state.st_mode)) {
        return error_set(err, STATUS_IO, "%.200s: is no file", path);
    }
    if ((watched->state.st_mode & S_IWOTH) != 0) {
        return error_set(err, STATUS_DENIED,
                         "%.200s: everybody may write to it, and so be anybody: chmod o-w", path);
    }
    return own_folder_check(path, err);
}

int watched_read(struct watched *watched, size_t max, struct buf *out, struct error *err)
{
    const char *path = watched->path;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    memset(&watched->state, 0, sizeof watched->state);
    if (fd < 0 || fstat(fd, &watched->state) != 0) {
        error_set(err, STATUS_IO, "%.200s: cannot be read: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return STATUS_IO;
    }
    int status = check_owner(watched, err);
    if (status == STATUS_OK) {
        status = read_all(fd, max, out);
        if (status == STATUS_IO) {
            error_set(err, STATUS_IO, "%.200s: cannot be read: %s", path, strerror(errno));
        } else if (status == STATUS_FULL) {
            error_set(err, STATUS_FULL, "%.200s: is larger than %zu bytes", path, max);
        }
    }
    close(fd);
    return status;
}

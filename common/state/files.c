/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"

int files_error(const char *doing, const char *path, struct error *err)
{
    return error_set(err, STATUS_IO, "cannot %s %s: %s", doing, path, strerror(errno));
}

int files_read(const char *path, struct buf *out, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = 1;
    if (fd < 0) {
        return errno == ENOENT ? STATUS_NOT_FOUND : files_error("open", path, err);
    }
    while (got > 0) {
        const size_t room = 1 << 16;
        got = read(fd, buf_reserve(out, room), room);
        out->len += got > 0 ? (size_t)got : 0;
    }
    const int status = got == 0 ? STATUS_OK : files_error("read", path, err);
    close(fd);
    return status;
}

void files_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup(".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

int files_write(const char *path, struct str bytes, struct error *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return files_error("create", path, err);
    }
    const bool written = write(fd, bytes.p, bytes.len) == (ssize_t)bytes.len && fsync(fd) == 0;
    const int status = written ? STATUS_OK : files_error("write", path, err);
    close(fd);
    return status;
}

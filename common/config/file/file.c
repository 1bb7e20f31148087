/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP 65536

const char *config_short_name(const char *name)
{
    const size_t len = strlen(name);
    return len > 200 ? name + len - 200 : name;
}

int config_cannot_read(const char *path, struct error *err)
{
    const int status = errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND
                       : errno == EACCES                   ? STATUS_DENIED
                                                           : STATUS_IO;
    return error_set(err, status, "%s: cannot be read: %s", config_short_name(path),
                     strerror(errno));
}

static int read_all(int fd, const char *path, size_t max, struct buf *out, struct error *err)
{
    while (out->len <= max) {
        const ssize_t got = read(fd, buf_reserve(out, STEP), STEP);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return config_cannot_read(path, err);
        }
        if (got == 0) {
            break;
        }
        out->len += (size_t)got;
    }
    return STATUS_OK;
}

int config_file_read(const char *path, size_t max, mode_t forbidden, const char *what,
                     struct buf *out, struct error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0) {
        return config_cannot_read(path, err);
    }
    int status;
    if (fstat(fd, &info) == 0 && (info.st_mode & forbidden) != 0) {
        status = error_set(err, STATUS_DENIED, "%s: %s", config_short_name(path), what);
    } else {
        status = read_all(fd, path, max, out, err);
    }
    close(fd);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/own_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"

int own_folder_check(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup("./");
    struct stat info;
    int status = STATUS_OK;
    if (stat(folder, &info) == 0 && (info.st_mode & S_IWOTH) != 0 &&
        (info.st_mode & S_ISVTX) == 0) {
        status =
            error_set(err, STATUS_DENIED,
                      "everybody can replace files in %s: take that right away (chmod o-w), or "
                      "use another folder",
                      folder);
    }
    free(folder);
    return status;
}

int own_file_read(const char *path, int *fd, struct error *err)
{
    struct stat info;
    /* O_NONBLOCK: opening a pipe would wait for its other end. */
    *fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0) {
        return error_set(err,
                         errno == ENOENT  ? STATUS_NOT_FOUND
                         : errno == ELOOP ? STATUS_DENIED
                                          : STATUS_IO,
                         "cannot open %s: %s", path,
                         errno == ELOOP ? "it is a link; remove it" : strerror(errno));
    }
    if (fstat(*fd, &info) == 0 && S_ISREG(info.st_mode) &&
        (info.st_uid == geteuid() || info.st_uid == 0)) {
        return STATUS_OK;
    }
    close(*fd);
    *fd = -1;
    return error_set(err, STATUS_DENIED, "%s is no file of this user; remove it", path);
}

int own_file_create(const char *path, mode_t mode, struct str content, struct error *err)
{
    const int status = own_folder_check(path, err);
    if (status != STATUS_OK) {
        return status;
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return error_set(
            err, errno == EEXIST ? STATUS_DENIED : STATUS_IO, "cannot make %s: %s", path,
            errno == EEXIST ? "it is there already, and is not overwritten" : strerror(errno));
    }
    const bool written =
        write(fd, content.p, content.len) == (ssize_t)content.len && fsync(fd) == 0;
    const int error = errno;
    close(fd);
    if (!written) {
        unlink(path);
        return error_set(err, STATUS_IO, "cannot write %s: %s", path, strerror(error));
    }
    return STATUS_OK;
}

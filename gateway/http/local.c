/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/own_file.h"
#include "common/base/xalloc.h"

#define BACKLOG 4096 /* So many connections may wait to be accepted. */

/* Two that start at once take turns. Each is done within a millisecond; so whoever holds the lock
 * for longer than this means no good, and is not waited for. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 10000000

/* A lock on the folder. -1: there is none, which costs nothing but the turns. */
static int lock_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup("./");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    for (int i = 0; i < LOCK_TRIES && fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
    }
    return fd;
}

static void unlock_folder(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* Asks whether somebody listens there: 0, or errno of a connection that was not made. */
static int knock(const struct sockaddr_un *name)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return errno;
    }
    const int error = connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 ? 0 : errno;
    close(fd);
    return error;
}

/* Removes what a process has left behind that is gone. */
static int make_room(const struct sockaddr_un *name, struct error *err)
{
    const char *path = name->sun_path;
    struct stat info;
    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? STATUS_OK
                               : error_set(err, STATUS_IO, "cannot listen on unix:%s: %s", path,
                                           strerror(errno));
    }
    if (!S_ISSOCK(info.st_mode)) {
        return error_set(err, STATUS_IO,
                         "cannot listen on unix:%s: there is %s of that name: remove it, or choose "
                         "another path",
                         path, S_ISLNK(info.st_mode) ? "a link" : "something");
    }
    const int error = knock(name);
    if (error == 0 || error == EAGAIN) {
        return error_set(err, STATUS_IO,
                         "cannot listen on unix:%s: another program does; stop that first, or "
                         "choose another path: each gateway needs its own",
                         path);
    }
    if (error != ECONNREFUSED) {
        return error_set(err, STATUS_IO, "cannot find out who listens on unix:%s: %s", path,
                         strerror(error));
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_set(err, STATUS_IO, "cannot replace unix:%s, on which nobody listens: %s",
                         path, strerror(errno));
    }
    return STATUS_OK;
}

/* It never has another mode, not even for a moment. */
static bool bind_with_mode(int fd, const struct sockaddr_un *name, mode_t mode)
{
    const mode_t before = umask(0777 & ~mode);
    const bool bound = bind(fd, (const struct sockaddr *)name, sizeof *name) == 0;
    const int error = errno;
    (void)umask(before);
    errno = error;
    return bound;
}

static int make(const struct sockaddr_un *name, mode_t mode, struct local_socket *out, int *fd,
                struct error *err)
{
    struct stat info;
    const int status = make_room(name, err);
    if (status != STATUS_OK) {
        return status;
    }
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || !bind_with_mode(*fd, name, mode) || listen(*fd, BACKLOG) != 0 ||
        lstat(name->sun_path, &info) != 0) {
        return error_set(err, STATUS_IO, "cannot listen on unix:%s: %s", name->sun_path,
                         strerror(errno));
    }
    out->device = info.st_dev;
    out->inode = info.st_ino;
    return STATUS_OK;
}

int local_listen(const char *path, mode_t mode, struct local_socket *out, struct error *err)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = -1;
    *out = (struct local_socket){0};
    if (strlen(path) >= sizeof name.sun_path) {
        return error_set(err, STATUS_INVALID, "unix:%.200s: a socket's path has at most %zu bytes",
                         path, sizeof name.sun_path - 1),
               -1;
    }
    memcpy(name.sun_path, path, strlen(path));
    if (own_folder_check(path, err) != STATUS_OK) {
        return -1;
    }
    const int lock = lock_folder(path);
    const int status = make(&name, mode, out, &fd, err);
    unlock_folder(lock);
    if (status != STATUS_OK) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    out->path = path;
    return fd;
}

void local_remove(struct local_socket *local)
{
    struct stat info;
    if (local->path == NULL) {
        return;
    }
    const int lock = lock_folder(local->path);
    if (lstat(local->path, &info) == 0 && info.st_dev == local->device &&
        info.st_ino == local->inode) {
        (void)unlink(local->path);
    }
    unlock_folder(lock);
    *local = (struct local_socket){0};
}

/*
 * Checkpoints in a file: written to PATH.new, synced, and renamed over PATH. The lease is a lock on
 * PATH.lock, which the kernel takes back when its holder dies.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "ingestor/checkpoint.h"

struct file_checkpoint {
    struct checkpoint base;
    char *path;
    char *path_new;
    char *path_lock;
    int lock; /* -1: not ours */
};

static struct file_checkpoint *file_of(struct checkpoint *checkpoint)
{
    return (struct file_checkpoint *)checkpoint;
}

static int file_open(const struct config *config, struct checkpoint **out, struct error *err)
{
    (void)err;
    struct file_checkpoint *c = x_calloc(1, sizeof *c);
    c->base.ops = &checkpoint_file;
    c->path = x_strdup(config->ingestor.checkpoint_path);
    c->path_new = x_asprintf("%s.new", c->path);
    c->path_lock = x_asprintf("%s.lock", c->path);
    c->lock = -1;
    *out = &c->base;
    return STATUS_OK;
}

static void file_close(struct checkpoint *checkpoint)
{
    struct file_checkpoint *c = file_of(checkpoint);
    if (c->lock >= 0) {
        close(c->lock);
    }
    free(c->path);
    free(c->path_new);
    free(c->path_lock);
    free(c);
}

static int io_error(const char *doing, const char *path, struct error *err)
{
    return error_set(err, STATUS_IO, "cannot %s %s: %s", doing, path, strerror(errno));
}

static int file_acquire(struct checkpoint *checkpoint, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    if (c->lock >= 0) {
        return STATUS_OK;
    }
    const int fd = open(c->path_lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return io_error("open", c->path_lock, err);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return error_set(err, STATUS_AGAIN, "another ingestor holds %s", c->path_lock);
    }
    c->lock = fd;
    return STATUS_OK;
}

/* Whoever removed or replaced the lock file may have let another in. */
static int file_confirm(struct checkpoint *checkpoint, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    struct stat ours;
    struct stat there;
    if (c->lock < 0 || fstat(c->lock, &ours) != 0 || stat(c->path_lock, &there) != 0 ||
        ours.st_ino != there.st_ino || ours.st_dev != there.st_dev) {
        return error_set(err, STATUS_DENIED, "the lease is lost: %s was removed or replaced",
                         c->path_lock);
    }
    return STATUS_OK;
}

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        const size_t room = 1 << 16;
        const ssize_t got = read(fd, buf_reserve(out, room), room);
        if (got <= 0) {
            return (int)got;
        }
        out->len += (size_t)got;
    }
}

static int file_load(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    const int fd = open(c->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? STATUS_NOT_FOUND : io_error("open", c->path, err);
    }
    struct buf framed = {0};
    struct str bytes;
    const bool read_ok = read_all(fd, &framed) == 0;
    close(fd);
    int status =
        read_ok ? checkpoint_unwrap(buf_str(&framed), &bytes, err) : io_error("read", c->path, err);
    if (status == STATUS_OK) {
        buf_append_str(out, bytes);
    } else {
        error_prefix(err, status, "the checkpoint %s cannot be used", c->path);
    }
    buf_free(&framed);
    return status;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.len != 0) {
        const ssize_t written = write(fd, bytes.p, bytes.len);
        if (written < 0) {
            return false;
        }
        bytes = (struct str){bytes.p + written, bytes.len - (size_t)written};
    }
    return true;
}

/* The rename itself must be on disk, too: it is an entry of the folder. */
static void sync_folder(const char *path)
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

static int file_save(struct checkpoint *checkpoint, struct str bytes, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    int status = file_confirm(checkpoint, err);
    if (status != STATUS_OK) {
        return status;
    }
    const int fd = open(c->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return io_error("create", c->path_new, err);
    }
    struct buf framed = {0};
    checkpoint_wrap(&framed, bytes);
    if (!write_all(fd, buf_str(&framed)) || fsync(fd) != 0) {
        status = io_error("write", c->path_new, err);
    }
    buf_free(&framed);
    close(fd);
    if (status == STATUS_OK && rename(c->path_new, c->path) != 0) {
        status = io_error("rename to", c->path, err);
    }
    if (status == STATUS_OK) {
        sync_folder(c->path);
    } else {
        unlink(c->path_new); /* a full disk has better uses for its space */
    }
    return status;
}

const struct checkpoint_ops checkpoint_file = {
    .open = file_open,
    .close = file_close,
    .acquire = file_acquire,
    .confirm = file_confirm,
    .load = file_load,
    .save = file_save,
};

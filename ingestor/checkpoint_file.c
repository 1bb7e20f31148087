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
    char *path_journal;
    int lock;    /* -1: not ours */
    int journal; /* -1: not open yet */
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
    c->path_journal = x_asprintf("%s.journal", c->path);
    c->lock = -1;
    c->journal = -1;
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
    free(c->path_journal);
    if (c->journal >= 0) {
        close(c->journal);
    }
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

/* ---- The journal, PATH.journal: records one after the other, each framed as a checkpoint is and
 * with its number in front ---- */

#define JOURNAL_LONG (64 * 1024) /* bytes; a shorter one is not worth shortening */

static int open_journal(struct file_checkpoint *c, struct error *err)
{
    if (c->journal < 0) {
        c->journal = open(c->path_journal, O_RDWR | O_CREAT | O_CLOEXEC | O_APPEND, 0644);
    }
    return c->journal >= 0 ? STATUS_OK : io_error("open", c->path_journal, err);
}

static int file_append(struct checkpoint *checkpoint, uint64_t number, struct str record,
                       struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    struct buf numbered = {0};
    struct buf framed = {0};
    int status = file_confirm(checkpoint, err);
    if (status == STATUS_OK) {
        status = open_journal(c, err);
    }
    buf_append(&numbered, &number, sizeof number);
    buf_append_str(&numbered, record);
    checkpoint_wrap(&framed, buf_str(&numbered));
    if (status == STATUS_OK &&
        (!write_all(c->journal, buf_str(&framed)) || fdatasync(c->journal) != 0)) {
        status = io_error("write", c->path_journal, err);
    }
    buf_free(&numbered);
    buf_free(&framed);
    return status;
}

/* Calls each with every whole record; whole_len is how far they reach. */
static int read_journal(struct file_checkpoint *c,
                        void (*each)(void *arg, uint64_t number, struct str record,
                                     struct str framed),
                        void *arg, size_t *whole_len, struct error *err)
{
    struct buf content = {0};
    *whole_len = 0;
    const int fd = open(c->path_journal, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? STATUS_OK : io_error("open", c->path_journal, err);
    }
    const bool read_ok = read_all(fd, &content) == 0;
    close(fd);
    struct str rest = buf_str(&content);
    struct str record;
    uint64_t number;
    size_t len;
    while (read_ok && (len = checkpoint_frame_len(rest)) != 0 &&
           checkpoint_unwrap((struct str){rest.p, len}, &record, NULL) == STATUS_OK &&
           record.len >= sizeof number) {
        memcpy(&number, record.p, sizeof number);
        each(arg, number, (struct str){record.p + sizeof number, record.len - sizeof number},
             (struct str){rest.p, len});
        rest = (struct str){rest.p + len, rest.len - len};
        *whole_len += len;
    }
    buf_free(&content);
    return read_ok ? STATUS_OK : io_error("read", c->path_journal, err);
}

struct kept {
    uint64_t above;
    struct buf bytes;
};

static void keep_younger(void *arg, uint64_t number, struct str record, struct str framed)
{
    struct kept *kept = arg;
    (void)record;
    if (number > kept->above) {
        buf_append_str(&kept->bytes, framed);
    }
}

/* Writes the records that the checkpoint does not have into a new file, and puts that into the
 * place of the old. What fails leaves the long journal, which does no harm. */
static void shorten_journal(struct file_checkpoint *c, uint64_t record)
{
    struct stat now;
    struct kept kept = {record, {0}};
    size_t whole_len;
    if (stat(c->path_journal, &now) != 0 || (now.st_size < JOURNAL_LONG && record != JOURNAL_ALL) ||
        read_journal(c, keep_younger, &kept, &whole_len, NULL) != STATUS_OK) {
        return;
    }
    const int fd = open(c->path_new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644);
    if (fd >= 0 && write_all(fd, buf_str(&kept.bytes)) && fdatasync(fd) == 0 &&
        rename(c->path_new, c->path_journal) == 0) {
        if (c->journal >= 0) {
            close(c->journal);
        }
        c->journal = fd;
    } else if (fd >= 0) {
        close(fd);
    }
    buf_free(&kept.bytes);
}

static void collect_record(void *arg, uint64_t number, struct str record, struct str framed)
{
    (void)number;
    (void)framed;
    buf_append_str(arg, record);
}

/* A record that was cut off by a crash would hide those that come behind it: it goes. */
static int file_journal(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    size_t whole_len;
    const int status = read_journal(c, collect_record, out, &whole_len, err);
    if (status == STATUS_OK && truncate(c->path_journal, (off_t)whole_len) != 0 &&
        errno != ENOENT) {
        return io_error("shorten", c->path_journal, err);
    }
    return status;
}

static int file_save(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                     struct error *err)
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
        shorten_journal(c, record);
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
    .append = file_append,
    .journal = file_journal,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints in a file: written to PATH.new.N, synced, and renamed over PATH. The journal,
 * PATH.journal, is appended to. N is the number of the lease (lease_file.c).
 *
 * A holder that was stopped at any point and goes on when another has taken over does no harm:
 * - a new file is renamed only if the lease is ours after it was made; who takes over removes such
 *   files after it took the lease. So either the lease is seen to be lost, or the rename fails.
 * - who takes over and reads the journal copies it into a file of its own, so the old holder's
 *   descriptor leads to a file that nobody reads. A record counts only if the lease is ours after
 *   it was written.
 */
#include "ingestor/checkpoint/checkpoint_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "ingestor/checkpoint/checkpoint_frame.h"
#include "ingestor/lease/lease_file.h"

struct file_checkpoint {
    struct checkpoint base;
    char *path;
    char *path_new;
    char *path_journal;
    char *path_journal_new;
    uint64_t number; /* of the lease */
    uint64_t inode;  /* of its lock file */
    int journal;     /* the journal's descriptor; -1: not open */
    uint64_t lost; /* the greatest number of a record that a damaged journal lost; 0: it is whole */
};

static struct file_checkpoint *file_of(struct checkpoint *checkpoint)
{
    return (struct file_checkpoint *)checkpoint;
}

static int io_error(const char *doing, const char *path, struct error *err)
{
    return error_set(err, STATUS_IO, "cannot %s %s: %s", doing, path, strerror(errno));
}

/* STATUS_OK when the lease is still ours, else STATUS_DENIED. */
static int confirm(const struct file_checkpoint *c, struct error *err)
{
    return lease_file_confirm(c->path, c->number, c->inode, err);
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
    struct str bytes = STR_NULL;
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

/*
 * ---- The journal, PATH.journal ----
 *
 *   whole      [0] [17 …] [18 …] [19 …] [20       each record in a frame, with its number in front;
 *              │                         └ cut by a crash: nothing that follows from it went out
 *              └ the seal: an empty record of number 0
 *
 *   damaged    (empty)                            no seal until a checkpoint holds what was lost
 */

#define JOURNAL_LONG (64 << 10) /* bytes; a shorter one is not worth shortening */

/* STATUS_OK when the journal can be trusted; rest: what no whole record was found in.
 * STATUS_NEWER: a newer version wrote a record. */
static int judge_journal(const struct file_checkpoint *c, bool sealed, struct str rest,
                         struct error *err)
{
    if (checkpoint_check_format(rest, err) == STATUS_NEWER) {
        return error_prefix(err, STATUS_NEWER, "the journal %s cannot be used", c->path_journal);
    }
    if (!sealed) {
        return error_set(err, STATUS_INVALID,
                         "the journal %s cannot be used: it is empty, or was found damaged before",
                         c->path_journal);
    }
    /* A crash cuts the last record short; nothing that follows from it was handed on then. */
    return rest.len == 0 || checkpoint_is_cut(rest)
               ? STATUS_OK
               : error_set(err, STATUS_INVALID,
                           "the journal %s cannot be used: %zu of its bytes are damaged, or behind "
                           "others that are",
                           c->path_journal, rest.len);
}

/* Calls `each` with every whole record. STATUS_INVALID: those are not all that were written. */
static int read_journal(struct file_checkpoint *c,
                        void (*each)(void *arg, uint64_t number, struct str record,
                                     struct str framed),
                        void *arg, struct error *err)
{
    struct buf content = {0};
    const int fd = open(c->path_journal, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT
                   ? error_set(err, STATUS_INVALID, "there is no journal %s", c->path_journal)
                   : io_error("open", c->path_journal, err);
    }
    const bool read_ok = read_all(fd, &content) == 0;
    close(fd);
    struct str rest = buf_str(&content);
    struct str record;
    uint64_t number;
    bool sealed = false;
    size_t len;
    while (read_ok && (len = checkpoint_frame_len(rest)) != 0 &&
           checkpoint_unwrap((struct str){rest.p, len}, &record, NULL) == STATUS_OK &&
           record.len >= sizeof number) {
        memcpy(&number, record.p, sizeof number);
        if (number != 0) {
            each(arg, number, (struct str){record.p + sizeof number, record.len - sizeof number},
                 (struct str){rest.p, len});
        }
        sealed = sealed || number == 0;
        rest = (struct str){rest.p + len, rest.len - len};
    }
    const int status =
        read_ok ? judge_journal(c, sealed, rest, err) : io_error("read", c->path_journal, err);
    buf_free(&content);
    return status;
}

static void frame_record(struct buf *out, uint64_t number, struct str record)
{
    struct buf numbered = {0};
    buf_append(&numbered, &number, sizeof number);
    buf_append_str(&numbered, record);
    checkpoint_wrap(out, buf_str(&numbered));
    buf_free(&numbered);
}

/* The records that a journal keeps. */
struct kept {
    uint64_t above; /* this number */
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

/* Puts a journal with those records in the place of the old one, which stays if that fails. */
static int replace_journal(struct file_checkpoint *c, struct str records, struct error *err)
{
    int status = STATUS_OK;
    const int fd =
        open(c->path_journal_new, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644);
    if (fd < 0 || !write_all(fd, records) || fdatasync(fd) != 0) {
        status = io_error("write", c->path_journal_new, err);
    } else {
        status = confirm(c, err);
    }
    if (status == STATUS_OK && rename(c->path_journal_new, c->path_journal) != 0) {
        status = io_error("rename to", c->path_journal, err);
    }
    if (status != STATUS_OK) {
        if (fd >= 0) {
            close(fd);
        }
        unlink(c->path_journal_new);
        return status;
    }
    if (c->journal >= 0) {
        close(c->journal);
    }
    c->journal = fd;
    return STATUS_OK;
}

/* Writes the journal anew with the records above that number; CHECKPOINT_JOURNAL_ALL keeps none. A
 * journal that has lost records is left empty and without a seal. */
static int rewrite_journal(struct file_checkpoint *c, uint64_t above, struct error *err)
{
    struct kept kept = {above, {0}};
    frame_record(&kept.bytes, 0, STR(""));
    int status =
        above != CHECKPOINT_JOURNAL_ALL ? read_journal(c, keep_younger, &kept, err) : STATUS_OK;
    if (status == STATUS_INVALID) {
        c->lost = c->lost != 0 ? c->lost : 1;
        buf_clear(&kept.bytes);
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = replace_journal(c, buf_str(&kept.bytes), err);
    }
    buf_free(&kept.bytes);
    return status;
}

/* Appends the record whole or not at all: behind half a record no other could be read. */
static int append_whole(struct file_checkpoint *c, struct str framed, struct error *err)
{
    struct stat before;
    if (fstat(c->journal, &before) == 0 && write_all(c->journal, framed) &&
        fdatasync(c->journal) == 0) {
        return STATUS_OK;
    }
    const int status = io_error("write", c->path_journal, err);
    if (ftruncate(c->journal, before.st_size) != 0) {
        close(c->journal);
        c->journal = -1; /* it is written anew with the next record */
    }
    return status;
}

static int write_record(struct file_checkpoint *c, uint64_t number, struct str framed,
                        struct error *err)
{
    int status = STATUS_OK;
    if (c->journal < 0 && c->lost == 0) {
        status = rewrite_journal(c, 0, err);
    }
    if (c->lost != 0) {
        c->lost = number;
        return error_set(err, STATUS_IO, "%s has lost records; it is begun anew with a checkpoint",
                         c->path_journal);
    }
    return status == STATUS_OK ? append_whole(c, framed, err) : status;
}

static int file_append(struct checkpoint *checkpoint, uint64_t number, struct str record,
                       struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    struct buf framed = {0};
    frame_record(&framed, number, record);
    const int status = write_record(c, number, buf_str(&framed), err);
    buf_free(&framed);
    const int held = confirm(c, status == STATUS_OK ? err : NULL);
    return held != STATUS_OK ? held : status;
}

/* After a checkpoint with that record in it was written. */
static void shorten_journal(struct file_checkpoint *c, uint64_t record)
{
    struct stat now;
    if (c->lost != 0) {
        if (record >= c->lost && rewrite_journal(c, CHECKPOINT_JOURNAL_ALL, NULL) == STATUS_OK) {
            c->lost = 0;
        }
    } else if (record == CHECKPOINT_JOURNAL_ALL ||
               (fstat(c->journal, &now) == 0 && now.st_size >= JOURNAL_LONG)) {
        (void)rewrite_journal(c, record, NULL); /* a long one does no harm */
    }
}

static void pass_over(void *arg, uint64_t number, struct str record, struct str framed)
{
    (void)arg;
    (void)number;
    (void)record;
    (void)framed;
}

static void collect_record(void *arg, uint64_t number, struct str record, struct str framed)
{
    (void)number;
    (void)framed;
    buf_append_str(arg, record);
}

static int file_journal(struct checkpoint *checkpoint, struct buf *out, struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    /* A disk that is full now may have room by the time that there is something to add. */
    const int status = c->journal < 0 ? rewrite_journal(c, 0, err) : STATUS_OK;
    return status == STATUS_DENIED || status == STATUS_NEWER
               ? status
               : read_journal(c, collect_record, out, err);
}

static int file_save(struct checkpoint *checkpoint, struct str bytes, uint64_t record,
                     struct error *err)
{
    struct file_checkpoint *c = file_of(checkpoint);
    int status = STATUS_OK;
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
    if (status == STATUS_OK) {
        status = confirm(c, err);
    }
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

/* ---- Opening ---- */

/* STATUS_NEWER when a newer version wrote the checkpoint; nothing was changed then. */
static int check_format(const struct file_checkpoint *c, struct error *err)
{
    char header[CHECKPOINT_HEADER_BYTES];
    const int fd = open(c->path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd >= 0 ? pread(fd, header, sizeof header, 0) : 0;
    if (fd >= 0) {
        close(fd);
    }
    const struct str begin = {header, got > 0 ? (size_t)got : 0};
    return checkpoint_check_format(begin, err) == STATUS_NEWER
               ? error_prefix(err, STATUS_NEWER, "the checkpoint %s cannot be used", c->path)
               : STATUS_OK;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Removes the new files of all others: their renames fail from now on. */
static void remove_new_files(const struct file_checkpoint *c)
{
    const char *slash = strrchr(c->path, '/');
    const char *name = slash != NULL ? slash + 1 : c->path;
    const size_t folder_len = (size_t)(name - c->path);
    char *starts[] = {x_asprintf("%s.new.", name), x_asprintf("%s.journal.new.", name)};
    char *folder = folder_len != 0 ? x_strndup(c->path, folder_len) : x_strdup("./");
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (starts_with(entry->d_name, starts[0]) || starts_with(entry->d_name, starts[1])) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    free(folder);
    free(starts[0]);
    free(starts[1]);
}

static void file_close(struct checkpoint *checkpoint)
{
    struct file_checkpoint *c = file_of(checkpoint);
    free(c->path);
    free(c->path_new);
    free(c->path_journal);
    free(c->path_journal_new);
    if (c->journal >= 0) {
        close(c->journal);
    }
    free(c);
}

static int file_open(const struct config *config, const struct lease_grant *lease,
                     struct checkpoint **out, struct error *err)
{
    struct file_checkpoint *c = x_calloc(1, sizeof *c);
    c->base.ops = &checkpoint_file;
    c->number = lease->number;
    c->inode = lease->inode;
    c->path = x_strdup(config->ingestor.checkpoint_path);
    c->path_new = x_asprintf("%s.new.%" PRIu64, c->path, c->number);
    c->path_journal = x_asprintf("%s.journal", c->path);
    c->path_journal_new = x_asprintf("%s.new.%" PRIu64, c->path_journal, c->number);
    c->journal = -1;
    remove_new_files(c);
    int status = check_format(c, err);
    if (status == STATUS_OK) {
        /* A journal is copied when it is read: a source that journals nothing has none, and need
         * not wait for the disk. Without a checkpoint nobody reads it. */
        status = access(c->path, F_OK) != 0 ? rewrite_journal(c, CHECKPOINT_JOURNAL_ALL, err)
                                            : read_journal(c, pass_over, NULL, err);
    }
    if (status == STATUS_DENIED || status == STATUS_NEWER) {
        file_close(&c->base);
        return status;
    }
    *out = &c->base;
    return STATUS_OK;
}

const struct checkpoint_ops checkpoint_file = {
    .open = file_open,
    .close = file_close,
    .load = file_load,
    .save = file_save,
    .append = file_append,
    .journal = file_journal,
};

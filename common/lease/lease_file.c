/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease in files, for ingestors on one machine: PATH.lock.1, PATH.lock.2, …, of which the one
 * with the greatest number counts. Its text is a heartbeat, an epoch, and who wrote it.
 *
 * - A file comes into being locked (flock) and written, by link(), which only one can do: so each
 *   number has one holder. Files of smaller numbers are removed by the holder of a greater one.
 * - An unlocked file's holder is dead, for the kernel takes the lock back: the next number can be
 *   had at once. A stopped one keeps its lock; there the heartbeat tells.
 * - The holder writes its heartbeat first and looks for a greater number then; a taker makes the
 *   greater number first and looks at the heartbeat then. So one of the two always sees the other:
 *   a holder that renewed in that very moment is waited for, for it falls silent at its next
 *   renewal.
 *
 *     holder   writes heartbeat 8 ──► looks for .lock.2: is it there?    one of the two
 *     taker    makes .lock.2 ───────► reads .lock.1: is it still 7?      always sees the other
 *
 * No lock is ever waited for, so a process that is stopped anywhere in here stops no other.
 */
#include "common/lease/lease_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/own_file.h"
#include "common/base/xalloc.h"
#include "common/lease/lease.h"
#include "common/lease/lease_watch.h"

#define TEXT_BYTES 128

struct file_lease {
    struct lease_store base;
    char *path;   /* ingestor.checkpoint */
    char *folder; /* with a slash at the end */
    char *prefix; /* what the names of the lock files in the folder begin with, up to the number */
    struct lease_watch watch;
    struct lease_grant grant; /* number 0: none */
    int fd;                   /* of our lock file; -1: none */
    uint64_t heartbeat;
    uint64_t before;     /* number of the holder that is waited for; 0: nobody is */
    boot_time settle_at; /* until when that holder is waited for */
};

/* What a lock file says. */
struct holder {
    uint64_t heartbeat;
    uint64_t epoch;
    int pid;
    bool dead; /* its lock is free */
};

static struct file_lease *file_of(struct lease_store *store)
{
    return (struct file_lease *)store;
}

static char *lock_path(const char *path, uint64_t number)
{
    return x_asprintf("%s.lock.%" PRIu64, path, number);
}

static int file_open(const struct config *config, struct lease_store **out, struct error *err)
{
    (void)err;
    struct file_lease *l = x_calloc(1, sizeof *l);
    const char *path = config->ingestor.checkpoint_path;
    const char *slash = strrchr(path, '/');
    l->base.ops = &lease_file;
    l->path = x_strdup(path);
    l->folder = slash != NULL ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup("./");
    l->prefix = x_asprintf("%s.lock.", slash != NULL ? slash + 1 : path);
    l->fd = -1;
    *out = &l->base;
    return STATUS_OK;
}

/* ---- Polling ---- */

/* The number in a lock file's name; 0 when it is no lock file. */
static uint64_t number_of(const struct file_lease *l, const char *name)
{
    const size_t len = strlen(l->prefix);
    if (strncmp(name, l->prefix, len) != 0 || name[len] < '1' || name[len] > '9') {
        return 0;
    }
    char *end;
    const uint64_t number = strtoull(name + len, &end, 10);
    return *end == '\0' && number != UINT64_MAX ? number : 0;
}

/* Finds the greatest number there is (0: none), and the smallest. */
static int scan(const struct file_lease *l, uint64_t *greatest, uint64_t *smallest,
                struct error *err)
{
    *greatest = 0;
    *smallest = UINT64_MAX;
    DIR *dir = opendir(l->folder);
    if (dir == NULL) {
        return error_set(err, STATUS_IO, "cannot open %s: %s", l->folder, strerror(errno));
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const uint64_t number = number_of(l, entry->d_name);
        *greatest = number > *greatest ? number : *greatest;
        *smallest = number != 0 && number < *smallest ? number : *smallest;
    }
    closedir(dir);
    return STATUS_OK;
}

/* Reads the lock file of that number. STATUS_NOT_FOUND when it is not there (any more), and the
 * errors of own_file_read. */
static int read_lock(const struct file_lease *l, uint64_t number, struct holder *out,
                     struct error *err)
{
    *out = (struct holder){0};
    char *path = lock_path(l->path, number);
    int fd;
    const int status = own_file_read(path, &fd, err);
    free(path);
    if (status != STATUS_OK) {
        return status == STATUS_DENIED ? STATUS_IO : status;
    }
    char text[TEXT_BYTES + 1] = "";
    const ssize_t got = pread(fd, text, TEXT_BYTES, 0);
    text[got > 0 ? got : 0] = '\0';
    /* What is no number stays 0: a heartbeat that stands still. NOLINTNEXTLINE(cert-err34-c) */
    (void)sscanf(text, "beat %" SCNu64 " epoch %" SCNu64 " process %d", &out->heartbeat,
                 &out->epoch, &out->pid);
    out->dead = flock(fd, LOCK_SH | LOCK_NB) == 0;
    close(fd);
    return STATUS_OK;
}

/* ---- Holding ---- */

static bool write_text(const struct file_lease *l)
{
    char text[TEXT_BYTES + 1];
    const int len =
        snprintf(text, sizeof text, "beat %020" PRIu64 " epoch %020" PRIu64 " process %d\n",
                 l->heartbeat, l->grant.epoch, (int)getpid());
    return pwrite(l->fd, text, (size_t)len, 0) == len;
}

/* The next number is looked for first: when it has been removed already, so has ours. */
static int confirm(const char *path, uint64_t number, uint64_t inode, struct error *err)
{
    struct stat there;
    char *next = lock_path(path, number + 1);
    char *own = lock_path(path, number);
    int status = STATUS_OK;
    if (access(next, F_OK) == 0) {
        status = error_set(err, STATUS_DENIED, "the lease is lost: another ingestor made %s", next);
    } else if (stat(own, &there) != 0 || there.st_ino != inode) {
        status =
            error_set(err, STATUS_DENIED, "the lease is lost: %s was removed or replaced", own);
    }
    free(next);
    free(own);
    return status;
}

static int file_renew(struct lease_store *store, struct error *err)
{
    struct file_lease *l = file_of(store);
    l->heartbeat++;
    if (!write_text(l)) {
        return error_set(err, STATUS_IO, "cannot write %s.lock.%" PRIu64 ": %s", l->path,
                         l->grant.number, strerror(errno));
    }
    return confirm(l->path, l->grant.number, l->grant.inode, err);
}

/* ---- Taking ---- */

static void drop_lock(struct file_lease *l)
{
    if (l->fd >= 0) {
        close(l->fd);
    }
    l->fd = -1;
    l->grant = (struct lease_grant){0};
    l->before = 0;
}

/* Makes the lock file of that number, whole and locked; STATUS_AGAIN when another was faster. */
static int make_lock(struct file_lease *l, uint64_t number, uint64_t epoch, struct error *err)
{
    char *path = lock_path(l->path, number);
    char *path_new = x_asprintf("%s.lock.new.%d", l->path, (int)getpid());
    struct stat made = {0};
    int status = STATUS_OK;
    l->grant = (struct lease_grant){number, epoch, 0};
    l->heartbeat = 0;
    unlink(path_new);
    l->fd = open(path_new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (l->fd < 0 || flock(l->fd, LOCK_EX | LOCK_NB) != 0 || !write_text(l) ||
        fstat(l->fd, &made) != 0) {
        status = error_set(err, STATUS_IO, "cannot make %s: %s", path_new, strerror(errno));
    } else if (link(path_new, path) != 0) {
        status = errno == EEXIST
                     ? error_set(err, STATUS_AGAIN, "another ingestor has just made %s", path)
                     : error_set(err, STATUS_IO, "cannot make %s: %s", path, strerror(errno));
    }
    unlink(path_new);
    if (status == STATUS_OK) {
        l->grant.inode = made.st_ino;
    } else {
        drop_lock(l);
    }
    free(path_new);
    free(path);
    return status;
}

/* Removes the files of smaller numbers, from the smallest on: a holder whose next number is gone
 * then finds its own gone, too. */
static void remove_older(const struct file_lease *l, uint64_t smallest)
{
    for (uint64_t number = smallest; number < l->grant.number; number++) {
        char *path = lock_path(l->path, number);
        unlink(path);
        free(path);
    }
}

/* The lock file of a number that others had left behind: not the lease. */
static void take_back(struct file_lease *l)
{
    char *path = lock_path(l->path, l->grant.number);
    unlink(path);
    free(path);
    drop_lock(l);
}

/* After a number was made: finds out whether it is the greatest, and the holder before is certainly
 * silent. seen: what that holder's file said before. */
static int settle(struct file_lease *l, const struct holder *seen, boot_time now, struct error *err)
{
    uint64_t greatest;
    uint64_t smallest;
    struct holder again;
    const uint64_t before = l->grant.number - 1;
    int status = scan(l, &greatest, &smallest, err);
    if (status == STATUS_OK && greatest != l->grant.number) {
        status = error_set(err, STATUS_AGAIN, "another ingestor holds %s.lock.%" PRIu64, l->path,
                           greatest);
    }
    if (status != STATUS_OK) {
        take_back(l);
        return status;
    }
    if (read_lock(l, before, &again, NULL) == STATUS_OK && !again.dead &&
        again.heartbeat != seen->heartbeat) {
        l->before = before;
        l->settle_at = boot_add_ms(now, LEASE_EXPIRE_MS);
        return error_set(err, STATUS_AGAIN, "waiting for process %d to fall silent", again.pid);
    }
    remove_older(l, smallest);
    return STATUS_OK;
}

/* The holder before had renewed just when its lease was taken. Meanwhile we renew, too, so that
 * nobody takes ours. */
static int await_silence(struct file_lease *l, boot_time now, struct error *err)
{
    struct holder before;
    const int status = file_renew(&l->base, err);
    if (status != STATUS_OK) {
        take_back(l);
        return status == STATUS_DENIED ? STATUS_AGAIN : status;
    }
    if (read_lock(l, l->before, &before, NULL) == STATUS_OK && !before.dead &&
        now.us < l->settle_at.us) {
        return error_set(err, STATUS_AGAIN, "waiting for process %d to fall silent", before.pid);
    }
    remove_older(l, l->before);
    l->before = 0;
    return STATUS_OK;
}

static int file_acquire(struct lease_store *store, boot_time now, struct lease_grant *out,
                        struct error *err)
{
    struct file_lease *l = file_of(store);
    struct holder holder = {0};
    uint64_t greatest;
    uint64_t smallest;
    int status = STATUS_OK;
    if (l->before != 0) {
        status = await_silence(l, now, err);
        *out = l->grant;
        return status;
    }
    status = own_folder_check(l->path, err) == STATUS_OK ? scan(l, &greatest, &smallest, err)
                                                         : STATUS_IO;
    if (status != STATUS_OK) {
        lease_watch_forget(&l->watch);
        return status;
    }
    status = greatest != 0 ? read_lock(l, greatest, &holder, err) : STATUS_OK;
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, STATUS_AGAIN, "another ingestor has just taken the lease");
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (greatest != 0 && !holder.dead &&
        !lease_watch_expired(&l->watch, greatest, holder.heartbeat, now)) {
        return error_set(err, STATUS_AGAIN, "another ingestor, process %d, holds %s.lock.%" PRIu64,
                         holder.pid, l->path, greatest);
    }
    status = make_lock(l, greatest + 1, lease_epoch_after(holder.epoch), err);
    if (status == STATUS_OK) {
        status = settle(l, &holder, now, err);
    }
    *out = l->grant;
    return status;
}

/* The lock file stays, unlocked: whoever comes next takes the number behind it. */
static void file_close(struct lease_store *store)
{
    struct file_lease *l = file_of(store);
    drop_lock(l);
    free(l->path);
    free(l->folder);
    free(l->prefix);
    free(l);
}

static int file_confirm(const struct config *config, const struct lease_grant *grant,
                        struct error *err)
{
    return confirm(config->ingestor.checkpoint_path, grant->number, grant->inode, err);
}

const struct lease_store_ops lease_file = {
    .open = file_open,
    .close = file_close,
    .acquire = file_acquire,
    .renew = file_renew,
    .confirm = file_confirm,
};

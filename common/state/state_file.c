/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in files: PATH says which database holds it, PATH.state.N, where N is the number of the
 * lease under which that was made.
 *
 *   PATH ── "7" ──► PATH.state.7 (an SQLite database)
 *
 * Mostly a new holder goes on in the database of the holder before it, after it has put its own
 * number into it: whoever wrote there before finds another number than its own, and writes no more.
 * But a process that is stopped in the middle of writing, or waits for its disk, keeps SQLite's
 * lock. Then the new holder reads what is there, for which it needs no lock, and writes all of it
 * into a database of its own with its first changes.
 *
 * - PATH is replaced by rename, and only if the lease is ours after the new file was made; who
 *   takes over removes such files after it took the lease. So either the lease is seen to be lost,
 *   or the rename fails.
 * - A new database is named in PATH with the first list of changes that it takes. Until then PATH
 *   names what there was.
 */
#include "common/state/state_file.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/state/files.h"
#include "common/state/frame.h"
#include "common/state/state_sqlite.h"

/* What PATH was found to be. */
enum found {
    FOUND_NOTHING,
    FOUND_STATE,
    FOUND_LEGACY,  /* a checkpoint of a version before 0.2 */
    FOUND_DAMAGED, /* `damage` says how */
};

struct file_state {
    struct state_store base;
    char *path;
    bool writes; /* there is a fence */
    struct state_fence fence;
    enum found found;
    struct error damage;
    struct buf legacy;         /* FOUND_LEGACY: what is in it */
    uint64_t number;           /* of the database that is open */
    bool made;                 /* it is ours from the start */
    bool named;                /* PATH names it */
    bool moving;               /* it is another's, who does not let us write: we only read it */
    struct state_sqlite *open; /* NULL: none */
};

static struct file_state *file_of(struct state_store *store)
{
    return (struct file_state *)store;
}

static char *database_path(const struct file_state *f, uint64_t number)
{
    return x_asprintf("%s.state.%" PRIu64, f->path, number);
}

static int confirm(const struct file_state *f, struct error *err)
{
    return f->fence.confirm != NULL ? f->fence.confirm(f->fence.arg, err) : STATUS_OK;
}

/* ---- PATH ---- */

/* Finds out what PATH says. STATUS_NEWER, STATUS_IO; damage is no error. */
static int read_pointer(struct file_state *f, struct error *err)
{
    struct buf framed = {0};
    enum frame_format format = FRAME_POINTER;
    struct str bytes;
    int status = files_read(f->path, &framed, err);
    f->found = FOUND_NOTHING;
    if (status == STATUS_NOT_FOUND) {
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = frame_unwrap(buf_str(&framed), &format, &bytes, err != NULL ? err : &f->damage);
        if (status == STATUS_OK && format == FRAME_CHECKPOINT) {
            f->found = FOUND_LEGACY;
            buf_append_str(&f->legacy, bytes);
        } else if (status == STATUS_OK) {
            char *text = x_strndup(bytes.p, bytes.len);
            f->found = FOUND_STATE;
            f->number = strtoull(text, NULL, 10);
            free(text);
        } else {
            error_prefix(err, status, "the checkpoint %s cannot be used", f->path);
        }
    }
    if (status == STATUS_INVALID) {
        f->found = FOUND_DAMAGED;
        f->damage = err != NULL ? *err : f->damage;
        status = STATUS_OK;
    }
    buf_free(&framed);
    return status;
}

/* Lets PATH name the database that is open. */
static int write_pointer(struct file_state *f, struct error *err)
{
    struct buf framed = {0};
    char text[32];
    char *path_new = x_asprintf("%s.new.%" PRIu64, f->path, f->fence.number);
    const int len = snprintf(text, sizeof text, "%" PRIu64 "\n", f->number);
    frame_wrap(&framed, FRAME_POINTER, (struct str){text, (size_t)len});
    (void)unlink(path_new); /* of a try before */
    int status = files_write(path_new, buf_str(&framed), err);
    if (status == STATUS_OK) {
        status = confirm(f, err);
    }
    if (status == STATUS_OK && rename(path_new, f->path) != 0) {
        status = files_error("rename to", f->path, err);
    }
    if (status == STATUS_OK) {
        files_sync_folder(f->path);
        f->named = true;
        f->found = FOUND_STATE;
    } else {
        (void)unlink(path_new);
    }
    buf_free(&framed);
    free(path_new);
    return status;
}

/* ---- Other files ---- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Removes what others have made: files that were to become PATH, so that their renames fail from
 * now on; and databases other than `kept`, which nothing names. */
static void remove_others(const struct file_state *f, uint64_t kept)
{
    const char *slash = strrchr(f->path, '/');
    const char *name = slash != NULL ? slash + 1 : f->path;
    char *folder =
        slash != NULL ? x_strndup(f->path, (size_t)(slash - f->path) + 1) : x_strdup("./");
    char *made = x_asprintf("%s.new.", name);
    char *databases = x_asprintf("%s.state.", name);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const bool database = starts_with(entry->d_name, databases);
        const uint64_t number =
            database ? strtoull(entry->d_name + strlen(databases), NULL, 10) : 0;
        if (starts_with(entry->d_name, made) || (database && number != kept)) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    free(databases);
    free(made);
    free(folder);
}

/* What versions before 0.2 kept beside PATH. */
static void remove_legacy(const struct file_state *f)
{
    char *journal = x_asprintf("%s.journal", f->path);
    (void)unlink(journal);
    free(journal);
}

/* ---- Opening ---- */

static void close_database(struct file_state *f)
{
    state_sqlite_close(f->open);
    f->open = NULL;
}

/* Removes ours: nothing names it, and a full disk has better uses for its space. */
static void remove_ours(struct file_state *f)
{
    char *path = database_path(f, f->fence.number);
    close_database(f);
    state_sqlite_remove(path);
    free(path);
}

/* Begins an empty database of ours, which PATH does not name yet. */
static int create_database(struct file_state *f, enum state_sqlite_mode mode, struct error *err)
{
    char *path = database_path(f, f->fence.number);
    remove_ours(f);
    f->made = true;
    f->named = false;
    f->number = f->fence.number;
    int status = state_sqlite_open(path, mode, &f->open, err);
    if (status == STATUS_OK) {
        status = state_sqlite_hold(f->open, f->fence.number, err);
    }
    if (status != STATUS_OK) {
        remove_ours(f);
    }
    free(path);
    return status == STATUS_INVALID || status == STATUS_AGAIN ? STATUS_IO : status;
}

/* What a move leaves. */
struct origin {
    struct state_sqlite *open;
    uint64_t number;
};

/* Begins to move to a database of ours, with all that is in the one that we only read; the next
 * changes are part of it. The disk is not waited for: nothing names it yet. */
static int begin_move(struct file_state *f, struct origin *from, struct error *err)
{
    *from = (struct origin){f->open, f->number};
    f->open = NULL;
    /* Who lost the files of the lease may have the number that PATH names. */
    const enum state_sqlite_mode mode =
        f->number == f->fence.number ? STATE_SQLITE_CREATE : STATE_SQLITE_COPY;
    int status = create_database(f, mode, err);
    if (status == STATUS_OK) {
        status = state_sqlite_copy(from->open, f->open, err);
    }
    return status;
}

/* Ends it, with the status of those changes: it is on disk then, or undone. */
static int end_move(struct file_state *f, const struct origin *from, int status, struct error *err)
{
    if (status == STATUS_OK) {
        status = state_sqlite_settle(f->open, err);
    }
    if (status == STATUS_OK) {
        files_sync_folder(f->path); /* PATH must not name what the folder lacks */
        f->moving = false;
        state_sqlite_close(from->open);
        return STATUS_OK;
    }
    remove_ours(f);
    f->open = from->open;
    f->number = from->number;
    f->made = false;
    f->named = true;
    return status == STATUS_INVALID || status == STATUS_AGAIN ? STATUS_IO : status;
}

/* Opens the database that PATH names. STATUS_INVALID: it is gone or damaged. */
static int open_named(struct file_state *f, struct error *err)
{
    char *path = database_path(f, f->number);
    const enum state_sqlite_mode mode = f->writes ? STATE_SQLITE_WRITE : STATE_SQLITE_READ;
    int status = state_sqlite_open(path, mode, &f->open, err);
    free(path);
    f->named = true;
    if (status == STATUS_NOT_FOUND) {
        return error_prefix(err, STATUS_INVALID, "the state is lost");
    }
    if (status == STATUS_OK && f->writes) {
        status = state_sqlite_hold(f->open, f->fence.number, err);
        if (status == STATUS_AGAIN) {
            f->moving = true;
            status = state_sqlite_pin(f->open, err); /* their commit may still be under way */
        }
    }
    return status;
}

static void file_close(struct state_store *store)
{
    struct file_state *f = file_of(store);
    if (f->made && !f->named) {
        remove_ours(f);
    }
    close_database(f);
    buf_free(&f->legacy);
    free(f->path);
    free(f);
}

static int open_database(struct file_state *f, struct error *err)
{
    int status = read_pointer(f, err);
    if (status == STATUS_OK && f->found == FOUND_STATE) {
        struct error why = {{0}};
        status = open_named(f, &why);
        if (status == STATUS_INVALID) {
            close_database(f);
            f->found = FOUND_DAMAGED;
            f->damage = why;
            status = STATUS_OK;
        } else if (status != STATUS_OK && err != NULL) {
            *err = why;
        }
    }
    if (status == STATUS_OK && f->writes) {
        remove_others(f, f->open != NULL ? f->number : 0);
        if (f->open == NULL) {
            status = create_database(f, STATE_SQLITE_CREATE, err);
        }
    }
    return status;
}

static int file_open(const struct config *config, const struct state_fence *fence,
                     struct state_store **out, struct error *err)
{
    struct file_state *f = x_calloc(1, sizeof *f);
    f->base.ops = &state_file;
    f->path = x_strdup(config->ingestor.checkpoint_path);
    f->writes = fence != NULL;
    if (fence != NULL) {
        f->fence = *fence;
    }
    const int status = open_database(f, err);
    if (status != STATUS_OK) {
        file_close(&f->base);
        return status;
    }
    *out = &f->base;
    return STATUS_OK;
}

/* ---- Reading and writing ---- */

/* True when PATH names another database than the one that is open, whose files may have been
 * removed while we opened them. */
static bool has_moved(const struct file_state *f)
{
    struct file_state now = {.path = f->path};
    const int status = read_pointer(&now, NULL);
    buf_free(&now.legacy);
    return status != STATUS_OK || now.found != FOUND_STATE || now.number != f->number;
}

static int file_load(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct file_state *f = file_of(store);
    int status = STATUS_NOT_FOUND;
    switch (f->found) {
    case FOUND_NOTHING:
        break;
    case FOUND_LEGACY:
        state_put(out, (struct state_id){.item = STATE_LEGACY}, buf_str(&f->legacy));
        status = STATUS_OK;
        break;
    case FOUND_DAMAGED:
        if (err != NULL) {
            *err = f->damage;
        }
        status = !f->writes && f->number != 0 && has_moved(f) ? STATUS_AGAIN : STATUS_INVALID;
        break;
    case FOUND_STATE:
        status = state_sqlite_load(f->open, out, err);
        if (status == STATUS_NOT_FOUND) {
            status = error_set(err, STATUS_INVALID, "the records of %s.state.%" PRIu64 " are lost",
                               f->path, f->number);
        }
        if (!f->writes && has_moved(f)) {
            state_changes_clear(out);
            status = error_set(err, STATUS_AGAIN, "the state %s moves while it is read", f->path);
        }
        break;
    }
    if (status == STATUS_INVALID && f->writes && f->found == FOUND_STATE) {
        f->found = FOUND_DAMAGED;
        if (create_database(f, STATE_SQLITE_CREATE, NULL) != STATUS_OK) {
            status = error_set(err, STATUS_IO, "cannot begin a new state beside %s", f->path);
        }
    }
    return status;
}

/* Lets PATH name the database that the first changes went into. */
static int name_it(struct file_state *f, struct error *err)
{
    const int status = write_pointer(f, err);
    if (status == STATUS_OK) {
        remove_others(f, f->number);
        remove_legacy(f);
    }
    return status;
}

static int file_save(struct state_store *store, const struct state_changes *changes,
                     uint64_t record, struct error *err)
{
    struct file_state *f = file_of(store);
    if (f->open == NULL) {
        const int status = create_database(f, STATE_SQLITE_CREATE, err);
        return status == STATUS_OK ? STATUS_INVALID : status; /* it has to begin with everything */
    }
    struct origin from;
    const bool moves = f->moving;
    int status = moves ? begin_move(f, &from, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = state_sqlite_save(f->open, &f->fence, changes, record, err);
    }
    status = moves ? end_move(f, &from, status, err) : status;
    if (status == STATUS_INVALID) {
        f->found = FOUND_DAMAGED;
        return create_database(f, STATE_SQLITE_CREATE, NULL) == STATUS_OK ? STATUS_INVALID
                                                                          : STATUS_IO;
    }
    return status == STATUS_OK && !f->named ? name_it(f, err) : status;
}

static int file_append(struct state_store *store, uint64_t number, struct str record,
                       struct error *err)
{
    struct file_state *f = file_of(store);
    if (f->open == NULL) {
        return error_set(err, STATUS_IO, "there is no state %s to write the journal in", f->path);
    }
    struct origin from;
    const bool moves = f->moving;
    int status = moves ? begin_move(f, &from, err) : STATUS_OK;
    if (status == STATUS_OK) {
        status = state_sqlite_append(f->open, &f->fence, number, record, err);
    }
    status = moves ? end_move(f, &from, status, err) : status;
    if (status == STATUS_OK && !f->named && f->found == FOUND_STATE) {
        /* A copy: PATH names where it was made from, and the record is not there. */
        status = name_it(f, err);
    }
    return status == STATUS_INVALID ? STATUS_IO : status; /* the next save begins anew */
}

static int file_journal(struct state_store *store, struct state_changes *out, struct error *err)
{
    struct file_state *f = file_of(store);
    if (f->found == FOUND_LEGACY) {
        return error_set(err, STATUS_INVALID,
                         "the journal %s.journal is of a version before 0.2, and not read",
                         f->path);
    }
    return f->open != NULL ? state_sqlite_journal(f->open, out, err) : STATUS_OK;
}

static uint64_t file_size(struct state_store *store)
{
    const struct file_state *f = file_of(store);
    return f->open != NULL ? state_sqlite_size(f->open) : 0;
}

const struct state_store_ops state_file = {
    .open = file_open,
    .close = file_close,
    .load = file_load,
    .save = file_save,
    .append = file_append,
    .journal = file_journal,
    .size = file_size,
};

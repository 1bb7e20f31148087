/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/state_export.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/state/files.h"
#include "common/state/state_sqlite.h"

/* The lease's number in an export: smaller than that of each ingestor. */
static const struct state_fence nobody = {0};

/* ---- Writing ---- */

/* Puts what a log holds into the database, and does without one from now on: the export is one
 * file, which can be read from a disk that cannot be written. */
static int join_log(const char *path, struct error *err)
{
    sqlite3 *db = NULL;
    const int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
                         ? sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL)
                         : SQLITE_ERROR;
    const int status = code == SQLITE_OK ? STATUS_OK
                                         : error_set(err, STATUS_IO, "cannot write %s: %s", path,
                                                     sqlite3_errmsg(db));
    sqlite3_close(db);
    return status;
}

static int write_new(const char *path, const struct state_changes *records,
                     const struct state_changes *journal, struct error *err)
{
    struct state_sqlite *s;
    int status = state_sqlite_open(path, STATE_SQLITE_CREATE, &s, err);
    if (status != STATUS_OK) {
        return status;
    }
    status = state_sqlite_save(s, &nobody, records, 0, err);
    for (size_t i = 0; i < journal->count && status == STATUS_OK; i++) {
        const struct state_change *record = &journal->list[i];
        status =
            state_sqlite_append(s, &nobody, record->id.item, state_value(journal, record), err);
    }
    state_sqlite_close(s);
    return status == STATUS_OK ? join_log(path, err) : status;
}

/* Only an export may be replaced: a name that was mistyped must cost nobody a database. Nor may the
 * state that an ingestor uses, which has a log beside it. */
static int check_replaced(const char *path, struct error *err)
{
    struct state_sqlite *s;
    struct stat there;
    if (lstat(path, &there) != 0) {
        return STATUS_OK;
    }
    char *log = x_asprintf("%s-wal", path);
    const bool used = access(log, F_OK) == 0;
    free(log);
    if (used) {
        return error_set(err, STATUS_DENIED, "%s is in use; write the export to another file",
                         path);
    }
    const int status = S_ISREG(there.st_mode) ? state_sqlite_open(path, STATE_SQLITE_READ, &s, err)
                                              : STATUS_INVALID;
    if (status != STATUS_OK) {
        return error_set(err, STATUS_DENIED,
                         "%s is no export of this version, and not replaced; remove it, or write "
                         "the export to another file",
                         path);
    }
    state_sqlite_close(s);
    return STATUS_OK;
}

/* Gives the file its name. */
static int name_file(const char *made, const char *path, bool replace, struct error *err)
{
    if (replace ? rename(made, path) == 0 : link(made, path) == 0) {
        files_sync_folder(path);
        return STATUS_OK;
    }
    return errno == EEXIST ? error_set(err, STATUS_DENIED,
                                       "%s is there already; --force replaces an export", path)
                           : error_set(err, STATUS_IO, "cannot make %s: %s", path, strerror(errno));
}

int state_export_write(const char *path, bool replace, const struct state_changes *records,
                       const struct state_changes *journal, struct error *err)
{
    struct stat there;
    if (!replace && lstat(path, &there) == 0) {
        return error_set(err, STATUS_DENIED, "%s is there already; --force replaces an export",
                         path);
    }
    int status = replace ? check_replaced(path, err) : STATUS_OK;
    if (status == STATUS_OK) {
        char *made = x_asprintf("%s.new.%d", path, (int)getpid());
        state_sqlite_remove(made); /* of another process that had our number */
        status = write_new(made, records, journal, err);
        if (status == STATUS_OK) {
            status = name_file(made, path, replace, err);
        }
        state_sqlite_remove(made);
        free(made);
    }
    return status == STATUS_AGAIN || status == STATUS_INVALID ? STATUS_IO : status;
}

/* ---- Reading ---- */

static int read_all(struct state_sqlite *s, const char *path, struct state_changes *records,
                    struct state_changes *journal, struct error *err)
{
    int status = state_sqlite_load(s, records, err);
    if (status == STATUS_NOT_FOUND) {
        return error_set(err, STATUS_INVALID, "there is no state in %s", path);
    }
    for (size_t i = 0; i < records->count && status == STATUS_OK; i++) {
        if (records->list[i].kind != STATE_PUT) {
            status = error_set(err, STATUS_INVALID, "%s is damaged", path);
        }
    }
    return status == STATUS_OK ? state_sqlite_journal(s, journal, err) : status;
}

int state_export_read(const char *path, struct state_changes *records,
                      struct state_changes *journal, struct error *err)
{
    struct state_sqlite *s;
    int status = state_sqlite_open(path, STATE_SQLITE_READ, &s, err);
    if (status == STATUS_OK) {
        status = read_all(s, path, records, journal, err);
        state_sqlite_close(s);
    }
    return status == STATUS_AGAIN ? STATUS_IO : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/push/push_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/config/pushed_file.h"

#define BUSY_MS 5000
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* `received_at` is in microseconds since 1970: what `keep` counts from. */
static const char schema[] =
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,"
    " event_type TEXT NOT NULL, actor_id TEXT, target_id TEXT, summary TEXT, payload TEXT,"
    " received_at INTEGER NOT NULL);"
    "CREATE TABLE pushes (key TEXT PRIMARY KEY, first_id INTEGER NOT NULL, events INTEGER NOT NULL,"
    " digest INTEGER NOT NULL, received_at INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX pushes_by_time ON pushes (received_at);"
    "PRAGMA application_id = " TEXT(PUSHED_FILE_APPLICATION_ID) ";"
                                                                "PRAGMA user_version = " TEXT(
                                                                    PUSHED_FILE_FORMAT) ";";

int push_file_error(sqlite3 *db, const char *path, const char *doing, struct error *err)
{
    if (sqlite3_errcode(db) == SQLITE_FULL || sqlite3_system_errno(db) == ENOSPC ||
        sqlite3_system_errno(db) == EDQUOT) {
        return error_set(err, STATUS_FULL,
                         "the disk of %s is full: make room there, or keep events for a shorter "
                         "time (source.keep)",
                         path);
    }
    return error_set(err, STATUS_IO, "cannot %s %s: %s", doing, path, sqlite3_errmsg(db));
}

/* A new name in a folder is on disk when the folder is. */
static void sync_folder(const char *path)
{
    char *copy = x_strdup(path);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(copy);
}

/* SQLite gives the files beside it the same mode. */
static int make_file(const char *path, struct error *err)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST ? STATUS_OK
                               : error_set(err, STATUS_IO, "cannot make %s for pushed events: %s",
                                           path, strerror(errno));
    }
    close(fd);
    sync_folder(path);
    return STATUS_OK;
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return number;
}

/* Within a transaction, so that two who open it at once do not both make the tables. */
static int check_tables(sqlite3 *db, const char *path, struct error *err)
{
    const int64_t format = number_of(db, "PRAGMA user_version");
    if (number_of(db, "SELECT count(*) FROM sqlite_master") == 0) {
        return sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK
                   ? STATUS_OK
                   : push_file_error(db, path, "make the tables of", err);
    }
    if (number_of(db, "PRAGMA application_id") != PUSHED_FILE_APPLICATION_ID) {
        return error_set(err, STATUS_INVALID,
                         "%s is no file of pushed events: name another one in source.uri, or read "
                         "its table with sqlite:FILE",
                         path);
    }
    return format <= PUSHED_FILE_FORMAT
               ? STATUS_OK
               : error_set(err, STATUS_NEWER,
                           "%s is of format %lld, which a newer version of Tilewire wrote: use "
                           "that version",
                           path, (long long)format);
}

static int prepare(sqlite3 *db, const char *path, struct error *err)
{
    sqlite3_busy_timeout(db, BUSY_MS);
    if (sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
                     NULL, NULL, NULL) != SQLITE_OK) {
        return push_file_error(db, path, "open", err);
    }
    int status = check_tables(db, path, err);
    if (status == STATUS_OK && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        status = push_file_error(db, path, "make the tables of", err);
    }
    return status;
}

int push_file_open(const char *path, sqlite3 **out, struct error *err)
{
    sqlite3 *db = NULL;
    *out = NULL;
    int status = make_file(path, err);
    if (status != STATUS_OK) {
        return status;
    }
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        status = push_file_error(db, path, "open", err);
    } else {
        status = prepare(db, path, err);
    }
    if (status != STATUS_OK) {
        sqlite3_close(db);
        return status;
    }
    *out = db;
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ingestor/source/sqlite/sqlite_database.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "ingestor/source/sqlite/sqlite_wake.h"

#define BUSY_TIMEOUT_MS 2000

/* Pushed events are written by this process, which wakes the reader itself once they can be seen:
 * to look while they are being written finds nothing, and takes the time from who waits for their
 * sync. Ingestors that share the lanes write into one file. */
static bool others_write(const struct config *config)
{
    const uint64_t all = UINT64_MAX >> (64 - config->ingestor.lanes);
    return config->source.kind != SOURCE_PUSH || (config->ingestor.own_lanes & all) != all;
}

int sqlite_database_open(struct sqlite_source *s, struct error *err)
{
    const char *path = s->config->source.path;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK) {
        return error_set(err, STATUS_IO, "cannot open the database %s: %s", path,
                         sqlite3_errmsg(s->db));
    }
    sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
    /* A name in quotes that SQLite does not know is to be an error, and no text. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite_wake_open(&s->wake, path, others_write(s->config));
    return STATUS_OK;
}

int64_t sqlite_database_born(const char *path)
{
    struct statx file = {0};
    (void)statx(AT_FDCWD, path, 0, STATX_BTIME, &file);
    return (int64_t)file.stx_btime.tv_sec * 1000000000 + file.stx_btime.tv_nsec;
}

int sqlite_database_check(struct sqlite_source *s, struct error *err)
{
    const char *path = s->config->source.path;
    struct stat now;
    if (stat(path, &now) != 0 || now.st_ino != s->identity.st_ino) {
        return error_set(err, STATUS_IO, "%s was replaced or removed", path);
    }
    if (sqlite_wake_unlinked(&s->wake, path)) {
        return error_set(err, STATUS_IO, "the log of %s was replaced or removed", path);
    }
    return STATUS_OK;
}

int sqlite_database_wait(struct sqlite_source *s, int wake_fd, int timeout_ms, bool *woken,
                         bool *over, struct error *err)
{
    const char *path = s->config->source.path;
    *over = false;
    enum sqlite_wake_reason reason = sqlite_wake_wait(&s->wake, path, wake_fd, timeout_ms);
    if (reason == SQLITE_WAKE_WRITTEN) {
        sqlite_turn_await(&s->turn, s->db);
        reason = sqlite_wake_settle(&s->wake, path, !s->turn.gave_up);
    }
    *woken = reason == SQLITE_WAKE_WRITTEN;
    switch (reason) {
    case SQLITE_WAKE_NONE:
    case SQLITE_WAKE_WRITTEN:
        return STATUS_OK;
    case SQLITE_WAKE_TIMEOUT:
        *over = true;
        return STATUS_OK;
    case SQLITE_WAKE_UNLINKED:
        return error_set(err, STATUS_IO, "the log of %s was replaced or removed", path);
    case SQLITE_WAKE_REPLACED:
        break;
    }
    /* The open connection still reads the old file. */
    return error_set(err, STATUS_IO, "%s was replaced or removed", path);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "common/state/state_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "common/state/sqlite_read.h"

#define APPLICATION_ID 0x544c5752 /* "TLWR" */

/*
 * An item's row has some 75 bytes here, and a change of one writes its page: into the log, and
 * later into the database. So small pages write less. Measured with a million items of a backlog,
 * of which 100 rows a second touch random ones, with a log of 4 MB:
 *
 *   page   bytes a row   first save of all   loading
 *    512      1.1 KB          153 MB         1.6 s of CPU
 *   1024      2.1 KB          149 MB         1.7 s
 *   2048      4.2 KB          147 MB         1.6 s
 *   4096      8.2 KB          144 MB         1.4 s
 */
#define PAGE_BYTES "512"
#define WAL_PAGES 8192 /* of the log, until it is brought into the database: 4 MB */
#define BUSY_MS 300    /* a writer that takes longer is stopped, or its disk hangs */

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    HOLDER,
    HOLD,
    PUT,
    ITEM_GONE,
    MEMBER_GONE,
    TILE_GONE,
    ALL_GONE,
    JOURNAL_ADD,
    JOURNAL_CUT,
    STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [HOLDER] = "SELECT number FROM holder",
    [HOLD] = "UPDATE holder SET number = ?1",
    [PUT] = ("INSERT INTO state (tile, member, item, value) VALUES (?1, ?2, ?3, ?4) "
             "ON CONFLICT DO UPDATE SET value = excluded.value"),
    [ITEM_GONE] = "DELETE FROM state WHERE tile = ?1 AND member = ?2 AND item = ?3",
    [MEMBER_GONE] = "DELETE FROM state WHERE tile = ?1 AND member = ?2",
    [TILE_GONE] = "DELETE FROM state WHERE tile = ?1",
    [ALL_GONE] = "DELETE FROM state",
    [JOURNAL_ADD] = "INSERT OR REPLACE INTO journal (n, record) VALUES (?1, ?2)",
    [JOURNAL_CUT] = "DELETE FROM journal WHERE n <= ?1",
};

struct state_sqlite {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct buf sealed; /* scratch */
    bool begun; /* the next changes are part of the transaction that state_sqlite_hold began */
};

static int fail(const struct state_sqlite *s, const char *doing, struct error *err)
{
    return sqlite_read_error(s->db, s->path, doing, err);
}

static int run(struct state_sqlite *s, const char *sql, const char *doing, struct error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? STATUS_OK
                                                                   : fail(s, doing, err);
}

static int64_t pragma(struct state_sqlite *s, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return value;
}

/* Steps a statement to its end, and makes it ready for the next time. */
static int step(struct state_sqlite *s, enum statement which, const char *doing, struct error *err)
{
    sqlite3_stmt *statement = s->statements[which];
    const int code = sqlite3_step(statement);
    const int status = code == SQLITE_DONE || code == SQLITE_ROW ? STATUS_OK : fail(s, doing, err);
    sqlite3_reset(statement);
    return status;
}

/* ---- Opening ---- */

static int prepare(struct state_sqlite *s, struct error *err)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                               NULL) != SQLITE_OK) {
            return fail(s, "use the state in", err);
        }
    }
    return STATUS_OK;
}

static int create_tables(struct state_sqlite *s, enum state_sqlite_mode mode, struct error *err)
{
    static const char synced[] = "PRAGMA page_size = " PAGE_BYTES "; PRAGMA journal_mode = WAL";
    /* Without a log all is in one file, and one fsync is enough for it in the end. */
    static const char loose[] = "PRAGMA page_size = " PAGE_BYTES "; PRAGMA journal_mode = MEMORY;"
                                "PRAGMA synchronous = OFF";
    static const char setup[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE state (tile INTEGER NOT NULL, member INTEGER NOT NULL, item INTEGER NOT NULL,"
        " value BLOB NOT NULL, PRIMARY KEY (tile, member, item)) WITHOUT ROWID;"
        "CREATE TABLE journal (n INTEGER PRIMARY KEY, record BLOB NOT NULL);"
        "CREATE TABLE holder (number INTEGER NOT NULL);"
        "INSERT INTO holder VALUES (0);";
    int status = run(s, mode == STATE_SQLITE_COPY ? loose : synced, "create the state", err);
    status = status == STATUS_OK ? run(s, setup, "create the state", err) : status;
    if (status == STATUS_OK) {
        char sql[128];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
                 APPLICATION_ID, STATE_SQLITE_VERSION);
        status = run(s, sql, "create the state", err);
    }
    return status;
}

/* STATUS_OK when the file is one that we can read. */
static int check_kind(struct state_sqlite *s, struct error *err)
{
    const int64_t kind = pragma(s, "PRAGMA application_id");
    const int64_t version = pragma(s, "PRAGMA user_version");
    if (kind < 0 || version < 0) {
        return fail(s, "read the state", err);
    }
    if (kind != APPLICATION_ID || version == 0) {
        return error_set(err, STATUS_INVALID, "%s is no state of Tilewire", s->path);
    }
    if (version > STATE_SQLITE_VERSION) {
        return error_set(err, STATUS_NEWER,
                         "the state %s is of version %lld, and this program reads up to %d",
                         s->path, (long long)version, STATE_SQLITE_VERSION);
    }
    return STATUS_OK;
}

/* Makes the file before SQLite does, for its owner alone; what SQLite puts beside it gets the same
 * rights. */
static int create_file(const char *path, struct error *err)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_set(err, STATUS_IO, "cannot create %s: %s", path, strerror(errno));
    }
    close(fd);
    return STATUS_OK;
}

static bool makes(enum state_sqlite_mode mode)
{
    return mode == STATE_SQLITE_CREATE || mode == STATE_SQLITE_COPY;
}

static int open_database(struct state_sqlite *s, enum state_sqlite_mode mode, struct error *err)
{
    /* Even who only reads needs the right to write, to the file that a log's readers share. */
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
        return fail(s, "open the state", err);
    }
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_wal_autocheckpoint(s->db, WAL_PAGES);
    int status = makes(mode) ? create_tables(s, mode, err) : check_kind(s, err);
    if (status == STATUS_OK && mode != STATE_SQLITE_READ && mode != STATE_SQLITE_COPY) {
        status = state_sqlite_settle(s, err);
    }
    status = status == STATUS_OK ? prepare(s, err) : status;
    if (status == STATUS_OK && mode == STATE_SQLITE_READ) {
        status = state_sqlite_pin(s, err);
    }
    return status;
}

int state_sqlite_open(const char *path, enum state_sqlite_mode mode, struct state_sqlite **out,
                      struct error *err)
{
    if (makes(mode)) {
        const int status = create_file(path, err);
        if (status != STATUS_OK) {
            return status;
        }
    } else if (access(path, F_OK) != 0) {
        return error_set(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot open %s: %s",
                         path, strerror(errno));
    }
    struct state_sqlite *s = x_calloc(1, sizeof *s);
    s->path = x_strdup(path);
    const int status = open_database(s, mode, err);
    if (status != STATUS_OK) {
        state_sqlite_close(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void state_sqlite_close(struct state_sqlite *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]);
    }
    sqlite3_close(s->db);
    buf_free(&s->sealed);
    free(s->path);
    free(s);
}

void state_sqlite_remove(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *name = x_asprintf("%s%s", path, ends[i]);
        (void)unlink(name);
        free(name);
    }
}

/* ---- Reading ---- */

int state_sqlite_load(struct state_sqlite *s, struct state_changes *out, struct error *err)
{
    return sqlite_read_state(s->db, s->path, out, err);
}

int state_sqlite_journal(struct state_sqlite *s, struct state_changes *out, struct error *err)
{
    return sqlite_read_journal(s->db, s->path, out, err);
}

/* ---- Writing ---- */

/* Makes the transaction one of the holder of that number, if nobody with a greater one has been
 * here. */
static int check_holder(struct state_sqlite *s, uint64_t number, struct error *err)
{
    int status = STATUS_OK;
    sqlite3_stmt *holder = s->statements[HOLDER];
    const int code = sqlite3_step(holder);
    const uint64_t held = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(holder, 0) : 0;
    if (code != SQLITE_ROW) {
        status = fail(s, "write the state", err);
    } else if (held > number) {
        status = error_set(err, STATUS_DENIED, "the lease on %s is lost: %" PRIu64 " has it",
                           s->path, held);
    }
    sqlite3_reset(holder);
    if (status == STATUS_OK && held < number) {
        sqlite3_bind_int64(s->statements[HOLD], 1, (int64_t)number);
        status = step(s, HOLD, "write the state", err);
    }
    return status;
}

/* Begins a transaction of the holder of that number. */
static int begin(struct state_sqlite *s, uint64_t number, struct error *err)
{
    const int status = s->begun ? STATUS_OK : step(s, BEGIN, "write the state", err);
    s->begun = false;
    return status == STATUS_OK ? check_holder(s, number, err) : status;
}

/* Ends a transaction: for good, if all went well and the lease is still ours. */
static int end(struct state_sqlite *s, const struct state_fence *fence, int status,
               struct error *err)
{
    if (status == STATUS_OK && fence->confirm != NULL) {
        status = fence->confirm(fence->arg, err);
    }
    if (status == STATUS_OK) {
        status = step(s, COMMIT, "write the state", err);
    }
    if (status != STATUS_OK && sqlite3_get_autocommit(s->db) == 0) {
        (void)step(s, ROLLBACK, "write the state", NULL);
    }
    return status == STATUS_AGAIN ? STATUS_IO : status;
}

static int make_change(struct state_sqlite *s, const struct state_changes *changes,
                       const struct state_change *change, struct error *err)
{
    static const enum statement which[] = {[STATE_PUT] = PUT,
                                           [STATE_ITEM_GONE] = ITEM_GONE,
                                           [STATE_MEMBER_GONE] = MEMBER_GONE,
                                           [STATE_TILE_GONE] = TILE_GONE,
                                           [STATE_ALL_GONE] = ALL_GONE};
    static const int numbers[] = {[STATE_PUT] = 3,
                                  [STATE_ITEM_GONE] = 3,
                                  [STATE_MEMBER_GONE] = 2,
                                  [STATE_TILE_GONE] = 1,
                                  [STATE_ALL_GONE] = 0};
    sqlite3_stmt *statement = s->statements[which[change->kind]];
    const uint64_t id[] = {change->id.tile, change->id.member, change->id.item};
    for (int i = 0; i < 3 && i < numbers[change->kind]; i++) {
        sqlite3_bind_int64(statement, i + 1, (int64_t)id[i]);
    }
    if (change->kind == STATE_PUT) {
        buf_clear(&s->sealed);
        state_seal(&s->sealed, change->id, state_value(changes, change));
        sqlite3_bind_blob64(statement, 4, s->sealed.data, s->sealed.len, SQLITE_STATIC);
    }
    return step(s, which[change->kind], "write the state", err);
}

static int save_once(struct state_sqlite *s, const struct state_fence *fence,
                     const struct state_changes *changes, uint64_t record, struct error *err)
{
    int status = begin(s, fence->number, err);
    for (size_t i = 0; i < changes->count && status == STATUS_OK; i++) {
        status = make_change(s, changes, &changes->list[i], err);
    }
    if (status == STATUS_OK) {
        sqlite3_bind_int64(s->statements[JOURNAL_CUT], 1,
                           record > INT64_MAX ? INT64_MAX : (int64_t)record);
        status = step(s, JOURNAL_CUT, "write the state", err);
    }
    return end(s, fence, status, err);
}

int state_sqlite_save(struct state_sqlite *s, const struct state_fence *fence,
                      const struct state_changes *changes, uint64_t record, struct error *err)
{
    int status = save_once(s, fence, changes, record, err);
    if (status == STATUS_IO && sqlite3_errcode(s->db) == SQLITE_FULL) {
        /* Most of what the log takes is in the database, too, or will be. */
        (void)sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        status = save_once(s, fence, changes, record, err);
    }
    return status;
}

int state_sqlite_append(struct state_sqlite *s, const struct state_fence *fence, uint64_t number,
                        struct str record, struct error *err)
{
    int status = begin(s, fence->number, err);
    if (status == STATUS_OK) {
        buf_clear(&s->sealed);
        state_seal(&s->sealed, (struct state_id){.item = number}, record);
        sqlite3_bind_int64(s->statements[JOURNAL_ADD], 1, (int64_t)number);
        sqlite3_bind_blob64(s->statements[JOURNAL_ADD], 2, s->sealed.data, s->sealed.len,
                            SQLITE_STATIC);
        status = step(s, JOURNAL_ADD, "write the journal in", err);
    }
    return end(s, fence, status, err);
}

int state_sqlite_hold(struct state_sqlite *s, uint64_t number, struct error *err)
{
    int status = step(s, BEGIN, "take over the state in", err);
    if (status == STATUS_OK) {
        status = check_holder(s, number, err);
        s->begun = status == STATUS_OK;
    }
    if (status != STATUS_OK && sqlite3_get_autocommit(s->db) == 0) {
        (void)step(s, ROLLBACK, "take over the state in", NULL);
    }
    return status;
}

int state_sqlite_pin(struct state_sqlite *s, struct error *err)
{
    return run(s, "BEGIN; SELECT number FROM holder", "read the state", err);
}

/* Runs an INSERT for each row of a SELECT, which gives its parameters. */
static int copy_rows(struct state_sqlite *from, const char *select, struct state_sqlite *to,
                     enum statement insert, struct error *err)
{
    sqlite3_stmt *rows = NULL;
    sqlite3_stmt *into = to->statements[insert];
    int code = SQLITE_DONE;
    int status = STATUS_OK;
    if (sqlite3_prepare_v2(from->db, select, -1, &rows, NULL) != SQLITE_OK) {
        return fail(from, "copy the state in", err);
    }
    while (status == STATUS_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            sqlite3_bind_value(into, i + 1, sqlite3_column_value(rows, i));
        }
        status = step(to, insert, "write the state", err);
    }
    if (status == STATUS_OK && code != SQLITE_DONE) {
        status = fail(from, "copy the state in", err);
    }
    sqlite3_finalize(rows);
    return status;
}

int state_sqlite_copy(struct state_sqlite *from, struct state_sqlite *to, struct error *err)
{
    const int status = copy_rows(from, "SELECT tile, member, item, value FROM state", to, PUT, err);
    return status == STATUS_OK
               ? copy_rows(from, "SELECT n, record FROM journal", to, JOURNAL_ADD, err)
               : status;
}

int state_sqlite_settle(struct state_sqlite *s, struct error *err)
{
    /* In this order: to become a database with a log is a commit, which waits for the disk now. */
    return run(s, "PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL", "use the state", err);
}

uint64_t state_sqlite_size(const struct state_sqlite *s)
{
    struct stat file;
    uint64_t bytes = stat(s->path, &file) == 0 ? (uint64_t)file.st_size : 0;
    char *log = x_asprintf("%s-wal", s->path);
    bytes += stat(log, &file) == 0 ? (uint64_t)file.st_size : 0;
    free(log);
    return bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/xalloc.h"
#include "ctl/connect/source.h"
#include "ctl/oracle/columns.h"
#include "ctl/oracle/moment.h"

struct sqlite {
    const struct config_source *source;
    sqlite3 *db;
    struct findings *out;
};

static void say_failed(const struct sqlite *s)
{
    finding_add(s->out, FINDING_ERROR, CONNECT_SOURCE, "%s: %s", s->source->path,
                sqlite3_errmsg(s->db));
}

/* The first column of the only row, as text that the caller frees; NULL when there is none. */
static char *ask(const struct sqlite *s, char *sql)
{
    sqlite3_stmt *statement = NULL;
    char *text = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        say_failed(s);
    } else if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL) {
        text = x_strdup((const char *)sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    sqlite3_free(sql);
    return text;
}

/* ---- The file ---- */

/* Notifications of a file come from this machine's kernel alone, and so do its locks. */
static void try_file_system(const struct sqlite *s)
{
    struct statfs fs;
    if (statfs(s->source->path, &fs) == 0 &&
        (fs.f_type == NFS_SUPER_MAGIC || (unsigned long)fs.f_type == SMB2_SUPER_MAGIC ||
         (unsigned long)fs.f_type == CIFS_SUPER_MAGIC)) {
        finding_add(
            s->out, FINDING_WARNING, CONNECT_SOURCE,
            "%s is on a network file system: nothing tells of what other machines write, so "
            "the table is polled each %lld ms, and SQLite's locks may not hold there. Put it "
            "on a local disk",
            s->source->path, (long long)s->source->poll_interval_ms);
    } else {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE,
                    "the file is watched, so that a new row wakes the ingestor (inotify)");
    }
}

static void try_journal(const struct sqlite *s)
{
    char *mode = ask(s, sqlite3_mprintf("PRAGMA journal_mode"));
    if (mode != NULL && strcmp(mode, "wal") == 0) {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE,
                    "SQLite %s, in WAL mode: writers and Tilewire never wait for each other",
                    sqlite3_libversion());
    } else if (mode != NULL) {
        finding_add(s->out, FINDING_WARNING, CONNECT_SOURCE,
                    "SQLite %s, with a rollback journal (%s): a writer without a busy timeout may "
                    "find the file locked; in WAL mode it never does: sqlite3 %s 'PRAGMA "
                    "journal_mode=WAL'",
                    sqlite3_libversion(), mode, s->source->path);
    }
    free(mode);
}

/* ---- The table ---- */

static const char *schema_of(const struct config_source *source)
{
    return source->table_schema != NULL ? source->table_schema : "main";
}

/* Takes up a column of the table, if it is one that is read. Its type is copied. */
static void take_column(const struct sqlite *s, sqlite3_stmt *row, bool *there, char **types)
{
    const char *name = (const char *)sqlite3_column_text(row, 0);
    for (size_t i = 0; i < oracle_column_count(s->source); i++) {
        const char *wanted = oracle_column(s->source, i);
        if (wanted != NULL && sqlite3_stricmp(name, wanted) == 0 && !there[i]) {
            there[i] = true;
            types[i] = x_strdup((const char *)sqlite3_column_text(row, 1));
        }
    }
}

/* Which columns there are, and of which declared types. False when some are missing. */
static bool try_columns(const struct sqlite *s, bool *there)
{
    char *types[ORACLE_COLUMNS_MAX] = {NULL};
    sqlite3_stmt *list = NULL;
    bool good = false;
    char *sql = sqlite3_mprintf("SELECT name, type FROM pragma_table_xinfo(%Q, %Q)",
                                s->source->table, schema_of(s->source));
    if (sqlite3_prepare_v2(s->db, sql, -1, &list, NULL) != SQLITE_OK) {
        say_failed(s);
    } else {
        while (sqlite3_step(list) == SQLITE_ROW) {
            take_column(s, list, there, types);
        }
        good = connect_columns(s->source, there, (const char *const *)types, s->out);
    }
    for (size_t i = 0; i < ORACLE_COLUMNS_MAX; i++) {
        free(types[i]);
    }
    sqlite3_finalize(list);
    sqlite3_free(sql);
    return good;
}

static bool time_of(const struct sqlite *s, sqlite3_stmt *row, int64_t *us)
{
    const char *zone = s->source->local.time_zone;
    switch (sqlite3_column_type(row, EVENT_TIMESTAMP)) {
    case SQLITE_INTEGER:
        return oracle_moment_of_integer(sqlite3_column_int64(row, EVENT_TIMESTAMP), zone, us);
    case SQLITE_FLOAT:
        return oracle_moment_of_real(sqlite3_column_double(row, EVENT_TIMESTAMP), zone, us);
    case SQLITE_TEXT:
        return oracle_moment_of_text(
            str_of((const char *)sqlite3_column_text(row, EVENT_TIMESTAMP)), zone, us);
    default:
        return false;
    }
}

static void try_row(const struct sqlite *s, sqlite3_stmt *row)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    int64_t us;
    const bool timed = time_of(s, row, &us);
    for (size_t i = 0; i < oracle_column_count(s->source); i++) {
        const char *text = (const char *)sqlite3_column_text(row, (int)i);
        texts[i] = (struct str){text, text != NULL ? (size_t)sqlite3_column_bytes(row, (int)i) : 0};
    }
    char *what = x_asprintf("row %s", texts[EVENT_ID].p != NULL ? texts[EVENT_ID].p : "without id");
    connect_fields(s->source, "columns", what, texts, timed, s->out);
    free(what);
}

static void try_newest(const struct sqlite *s, const bool *there)
{
    const struct config_source *source = s->source;
    const char *order = source->cursor != NULL ? source->cursor : source->columns[EVENT_ID].name;
    sqlite3_stmt *row = NULL;
    struct buf columns = {0};
    for (size_t i = 0; i < oracle_column_count(source); i++) {
        char *name = there[i] ? sqlite3_mprintf("t.\"%w\"", oracle_column(source, i))
                              : sqlite3_mprintf("NULL");
        buf_printf(&columns, "%s%s", i != 0 ? ", " : "", name);
        sqlite3_free(name);
    }
    char *sql = sqlite3_mprintf("SELECT %s FROM \"%w\".\"%w\" AS t ORDER BY t.\"%w\" DESC LIMIT 1",
                                buf_cstr(&columns), schema_of(source), source->table, order);
    const int prepared = sqlite3_prepare_v2(s->db, sql, -1, &row, NULL);
    const int stepped = prepared == SQLITE_OK ? sqlite3_step(row) : prepared;
    if (stepped == SQLITE_ROW) {
        try_row(s, row);
    } else if (stepped == SQLITE_DONE) {
        finding_add(s->out, FINDING_OK, CONNECT_SOURCE, "table %s has no rows yet", source->table);
    } else {
        say_failed(s);
    }
    sqlite3_finalize(row);
    sqlite3_free(sql);
    buf_free(&columns);
}

/* Opened by the oracle, which refuses what the ingestor refuses. */
static bool can_be_read(const struct config *config, struct findings *out)
{
    struct oracle_source *oracle = NULL;
    struct error err = {{0}};
    if (oracle_sqlite_open(config, &oracle, &err) != STATUS_OK) {
        finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s", err.text);
        return false;
    }
    oracle->close(oracle);
    return true;
}

static bool is_there(const struct config_source *source, struct findings *out)
{
    if (access(source->path, R_OK) == 0) {
        return true;
    }
    finding_add(out, FINDING_ERROR, CONNECT_SOURCE, "%s cannot be read: %s; %s", source->path,
                strerror(errno),
                errno == EACCES ? "let the ingestor's user, and this one, read the file"
                                : "the program that writes events makes it; source.uri says where "
                                  "it is");
    return false;
}

void connect_sqlite(const struct config *config, struct findings *out)
{
    bool there[ORACLE_COLUMNS_MAX] = {false};
    struct sqlite s = {.source = &config->source, .out = out};
    if (!is_there(s.source, out)) {
        return;
    }
    if (sqlite3_open_v2(s.source->path, &s.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        say_failed(&s);
    } else {
        sqlite3_busy_timeout(s.db, CONNECT_WAIT_MS);
        try_journal(&s);
        try_file_system(&s);
        if (can_be_read(config, out) && try_columns(&s, there)) {
            try_newest(&s, there);
        }
    }
    sqlite3_close(s.db);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all rows of an events table of SQLite for the oracle. */
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/buf.h"
#include "common/base/xalloc.h"
#include "common/wire/tally.h"
#include "ctl/oracle/columns.h"
#include "ctl/oracle/moment.h"

#define BUSY_TIMEOUT_MS 5000

#define REAL_TEXT_SIZE 32

struct sqlite {
    struct oracle_source base;
    const struct config_source *source;
    sqlite3 *db;
    sqlite3_stmt *page;
    char reals[ORACLE_COLUMNS_MAX][REAL_TEXT_SIZE]; /* texts of the row's columns that are REAL */
};

static int failed(const struct sqlite *s, struct error *err)
{
    return error_set(err, STATUS_IO, "%s: %s", s->source->path, sqlite3_errmsg(s->db));
}

static void sqlite_close(struct oracle_source *base)
{
    struct sqlite *s = (struct sqlite *)base;
    sqlite3_finalize(s->page);
    sqlite3_close(s->db);
    free(s);
}

static const char *schema_of(const struct config_source *source)
{
    return source->table_schema != NULL ? source->table_schema : "main";
}

/* Finds out which of the columns the table has, as SELECT * lists them. */
static int find_columns(struct sqlite *s, bool *there, struct error *err)
{
    sqlite3_stmt *all = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\".\"%w\" LIMIT 0", schema_of(s->source),
                                s->source->table);
    const int prepared = sqlite3_prepare_v2(s->db, sql, -1, &all, NULL);
    sqlite3_free(sql);
    if (prepared != SQLITE_OK && strncmp(sqlite3_errmsg(s->db), "no such table", 13) == 0) {
        return error_set(err, STATUS_NOT_FOUND,
                         "%s has no table \"%s\"; create it, or set source.table to the name of "
                         "your events table",
                         s->source->path, s->source->table);
    }
    if (prepared != SQLITE_OK) {
        return failed(s, err);
    }
    for (size_t i = 0; i < oracle_column_count(s->source); i++) {
        const char *wanted = oracle_column(s->source, i);
        there[i] = false;
        for (int k = 0; k < sqlite3_column_count(all) && wanted != NULL; k++) {
            there[i] = there[i] || strcasecmp(sqlite3_column_name(all, k), wanted) == 0;
        }
    }
    sqlite3_finalize(all);
    return oracle_check_columns(s->source, there, err);
}

/* Tiles follow ids that are whole numbers. A table where some row's is one is read, without the
 * others: text and blobs sort behind all numbers. */
static int check_ids(struct sqlite *s, struct error *err)
{
    const char *id = s->source->columns[EVENT_ID].name;
    sqlite3_stmt *least = NULL;
    char *sql = sqlite3_mprintf("SELECT typeof(min(t.\"%w\")) IN ('text', 'blob') "
                                "FROM \"%w\".\"%w\" AS t",
                                id, schema_of(s->source), s->source->table);
    int status = STATUS_OK;
    if (sqlite3_prepare_v2(s->db, sql, -1, &least, NULL) != SQLITE_OK ||
        sqlite3_step(least) != SQLITE_ROW) {
        status = failed(s, err);
    } else if (sqlite3_column_int(least, 0) != 0) {
        status = error_set(err, STATUS_INVALID,
                           "table \"%s\" has no numbers in its column \"%s\" for id; set "
                           "source.columns.id to one that holds whole numbers, which grow with "
                           "each row, or write source.cursor: [created_at, %s]",
                           s->source->table, id, id);
    }
    sqlite3_finalize(least);
    sqlite3_free(sql);
    return status;
}

/*
 * By source.cursor: all rows that have a place, in the order of the bytes of their ids as text. The
 * id as text and the cursor's column are the last columns.
 */
static char *cursor_sql(const struct sqlite *s, const char *columns)
{
    const char *id = s->source->columns[EVENT_ID].name;
    return sqlite3_mprintf(
        "SELECT * FROM (%s, CASE typeof(t.\"%w\") WHEN 'blob' THEN lower(hex(t.\"%w\")) "
        "ELSE CAST(t.\"%w\" AS TEXT) END AS id_text, t.\"%w\" FROM \"%w\".\"%w\" AS t "
        "WHERE t.\"%w\" IS NOT NULL) ORDER BY id_text COLLATE BINARY",
        columns, id, id, id, s->source->cursor, schema_of(s->source), s->source->table, id);
}

static int prepare(struct sqlite *s, struct error *err)
{
    bool there[ORACLE_COLUMNS_MAX] = {false};
    int status = find_columns(s, there, err);
    if (status == STATUS_OK && !s->base.texts) {
        status = check_ids(s, err);
    }
    struct buf sql = {0};
    for (size_t i = 0; i < oracle_column_count(s->source) && status == STATUS_OK; i++) {
        const char *column = oracle_column(s->source, i);
        /* With the table's alias: a name alone that SQLite does not know would be a text. */
        char *quoted = there[i] ? sqlite3_mprintf("t.\"%w\"", column) : sqlite3_mprintf("NULL");
        buf_printf(&sql, "%s%s", i == 0 ? "SELECT " : ", ", quoted);
        sqlite3_free(quoted);
    }
    if (status == STATUS_OK && s->base.texts) {
        char *all = cursor_sql(s, buf_cstr(&sql));
        if (sqlite3_prepare_v2(s->db, all, -1, &s->page, NULL) != SQLITE_OK) {
            status = failed(s, err);
        }
        sqlite3_free(all);
    } else if (status == STATUS_OK) {
        const char *id = s->source->columns[EVENT_ID].name;
        char *rest = sqlite3_mprintf(
            " FROM \"%w\".\"%w\" AS t WHERE t.\"%w\" > ?1 AND "
            "t.\"%w\" <= 9223372036854775807 AND "
            "t.\"%w\" = CAST(t.\"%w\" AS INTEGER) ORDER BY t.\"%w\" LIMIT %d",
            schema_of(s->source), s->source->table, id, id, id, id, id, ORACLE_PAGE_ROWS);
        buf_append_text(&sql, rest);
        sqlite3_free(rest);
        if (sqlite3_prepare_v2(s->db, buf_cstr(&sql), -1, &s->page, NULL) != SQLITE_OK) {
            status = failed(s, err);
        }
    }
    buf_free(&sql);
    return status;
}

static struct str text_at(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return (struct str){text, text != NULL ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

/* Returns a column that the user added as text. The text that SQLite makes of a REAL is kept when
 * it is the same number. */
static struct str added_at(struct sqlite *s, int column)
{
    char *digits = s->reals[column];
    if (sqlite3_column_type(s->page, column) != SQLITE_FLOAT) {
        return text_at(s->page, column);
    }
    const double real = sqlite3_column_double(s->page, column);
    const struct str text = text_at(s->page, column);
    if (isinf(real) || text.p == NULL || fabs(strtod(text.p, NULL) - real) <= 0) {
        return text;
    }
    for (int count = 15; count <= 17; count++) {
        snprintf(digits, REAL_TEXT_SIZE, "%.*g", count, real);
        if (fabs(strtod(digits, NULL) - real) <= 0) {
            break;
        }
    }
    return str_of(digits);
}

/* A time is a number or a text; a blob is none. */
static bool time_at(const struct sqlite *s, int column, wall_time *out)
{
    sqlite3_stmt *row = s->page;
    const char *zone = s->source->local.time_zone;
    const int type = sqlite3_column_type(row, column);
    if (type == SQLITE_INTEGER) {
        return oracle_moment_of_integer(sqlite3_column_int64(row, column), zone, &out->us);
    }
    if (type == SQLITE_FLOAT) {
        return oracle_moment_of_real(sqlite3_column_double(row, column), zone, &out->us);
    }
    const struct str text = text_at(row, column);
    return type == SQLITE_TEXT && oracle_moment_of_text(text, zone, &out->us);
}

static void take_row(struct sqlite *s, struct oracle_rows *rows, int64_t id)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    wall_time time;
    const bool timed = time_at(s, EVENT_TIMESTAMP, &time);
    for (size_t i = EVENT_TYPE; i < oracle_column_count(s->source); i++) {
        texts[i] = i < EVENT_FIELDS ? text_at(s->page, (int)i) : added_at(s, (int)i);
    }
    s->base.unusable += !oracle_add_event(rows, s->source, id, timed ? &time : NULL, texts);
    s->base.newest = id;
}

static int sqlite_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct sqlite *s = (struct sqlite *)base;
    int count = ORACLE_PAGE_ROWS;
    while (count == ORACLE_PAGE_ROWS) {
        int step;
        if (base->between != NULL) {
            base->between(base->arg);
        }
        sqlite3_bind_int64(s->page, 1, base->newest);
        for (count = 0; (step = sqlite3_step(s->page)) == SQLITE_ROW; count++) {
            take_row(s, rows, sqlite3_column_int64(s->page, EVENT_ID));
        }
        sqlite3_reset(s->page);
        if (step != SQLITE_DONE) {
            return failed(s, err);
        }
    }
    return STATUS_OK;
}

/* Rows may have come anywhere, so all are read each time. */
static int load_by_cursor(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct sqlite *s = (struct sqlite *)base;
    const int id_at = (int)oracle_column_count(s->source);
    int step;
    oracle_rows_clear(rows);
    base->newest = 0;
    base->unusable = 0;
    while ((step = sqlite3_step(s->page)) == SQLITE_ROW) {
        wall_time unused;
        const struct str id = text_at(s->page, id_at);
        const bool placed = time_at(s, id_at + 1, &unused);
        const size_t before = oracle_rows_count(rows);
        if (placed && event_id_valid_own(id)) {
            take_row(s, rows, base->newest + 1);
        } else {
            base->newest += placed;
            base->unusable++;
        }
        if (oracle_rows_count(rows) != before) {
            oracle_rows_set_text(rows, id);
        }
    }
    sqlite3_reset(s->page);
    return step == SQLITE_DONE ? STATUS_OK : failed(s, err);
}

/* Where to read on is `newest` alone. */
static void sqlite_rewind(struct oracle_source *base)
{
    (void)base;
}

int oracle_sqlite_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    struct sqlite *s = x_calloc(1, sizeof *s);
    s->base.texts = config->source.cursor != NULL;
    s->base.position_is_id = !s->base.texts;
    s->base.load = s->base.texts ? load_by_cursor : sqlite_load;
    s->base.rewind = sqlite_rewind;
    s->base.close = sqlite_close;
    s->source = &config->source;
    int status = STATUS_OK;
    if (sqlite3_open_v2(s->source->path, &s->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        status = failed(s, err);
    } else {
        sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
        sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        status = prepare(s, err);
    }
    if (status != STATUS_OK) {
        sqlite_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/oracle/sources/postgres_cursor.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "common/wire/tally.h"
#include "ctl/oracle/columns.h"
#include "ctl/oracle/sources/postgres_failure.h"

char *postgres_cursor_sql(PGconn *db, const struct config_source *source, const char *rest,
                          const char *table, bool bytes)
{
    struct buf id = {0};
    struct buf time = {0};
    pg_quote(db, &id, source->columns[EVENT_ID].name);
    pg_quote(db, &time, source->cursor);
    const char *id_name = buf_cstr(&id);
    const char *time_name = buf_cstr(&time);
    char *sql = x_asprintf(
        "SELECT %s%s%s AS id_text%s, %s::text FROM %s WHERE %s IS NOT NULL AND %s IS NOT NULL",
        bytes ? "encode(" : "", id_name, bytes ? ", 'hex')" : "::text", rest, time_name, table,
        id_name, time_name);
    buf_free(&id);
    buf_free(&time);
    return sql;
}

static struct str text_at(const PGresult *page, int row, int column)
{
    return PQgetisnull(page, row, column) ? STR_NULL
                                          : (struct str){PQgetvalue(page, row, column),
                                                         (size_t)PQgetlength(page, row, column)};
}

void postgres_cursor_add(struct oracle_source *base, const struct config_source *source,
                         struct oracle_rows *rows, const PGresult *page, int row,
                         const wall_time *timestamp)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    const struct str id = text_at(page, row, EVENT_ID);
    bool readable = true;
    for (size_t i = EVENT_TIMESTAMP; i < oracle_column_count(source); i++) {
        texts[i] = text_at(page, row, (int)i);
        readable = readable && (texts[i].p == NULL || utf8_valid(texts[i]));
    }
    base->newest++;
    if (readable && event_id_valid_own(id) &&
        oracle_add_event(rows, source, base->newest, timestamp, texts)) {
        oracle_rows_set_text(rows, id);
    } else {
        base->unusable++;
    }
}

static const char doing[] = "cannot read the events table";

/* STATUS_INVALID: it failed at a row. Takes the result over unless it has rows. */
static int check(PGconn *db, PGresult **page, struct error *err)
{
    if (PQresultStatus(*page) == PGRES_TUPLES_OK) {
        return STATUS_OK;
    }
    const bool of_a_row = postgres_fails_at_a_row(*page);
    (void)pg_error(db, *page, doing, err);
    PQclear(*page);
    *page = NULL;
    return of_a_row ? STATUS_INVALID : STATUS_IO;
}

static int fetch_all(PGconn *db, void (*take)(void *arg, const PGresult *page, int row), void *arg,
                     struct error *err)
{
    char fetch[64];
    int count = 1;
    int status = STATUS_OK;
    snprintf(fetch, sizeof fetch, "FETCH %d FROM tilewire_rows", ORACLE_PAGE_ROWS);
    while (status == STATUS_OK && count != 0) {
        PGresult *page = PQexec(db, fetch);
        status = check(db, &page, err);
        count = status == STATUS_OK ? PQntuples(page) : 0;
        for (int i = 0; i < count; i++) {
            take(arg, page, i);
        }
        PQclear(page);
    }
    return status;
}

/* Ends the transaction, whatever became of it. */
static int end(PGconn *db, int status, struct error *err)
{
    struct error unused;
    const int ended = pg_run(db, "COMMIT", doing, status == STATUS_OK ? err : &unused);
    return status == STATUS_OK ? ended : status;
}

static int begin(PGconn *db, const char *sql, bool pooled, struct error *err)
{
    const int status = pg_run(db, sql, doing, err);
    return status == STATUS_OK && pooled ? pg_run(db, pg_pooled_settings_bytes, doing, err)
                                         : status;
}

int postgres_cursor_load(PGconn *db, bool pooled, const char *sql,
                         void (*take)(void *arg, const PGresult *page, int row), void *arg,
                         struct error *err)
{
    char *declare = x_asprintf("DECLARE tilewire_rows NO SCROLL CURSOR FOR SELECT * FROM (%s) r "
                               "ORDER BY id_text COLLATE \"C\"",
                               sql);
    int status = begin(db, "BEGIN READ ONLY", pooled, err);
    if (status == STATUS_OK) {
        status = pg_run(db, declare, doing, err);
    }
    if (status == STATUS_OK) {
        status = fetch_all(db, take, arg, err);
    }
    free(declare);
    return end(db, status, err);
}

/* ---- Where the database fails at rows ---- */

struct parts {
    PGconn *db;
    const char *between; /* SQL of the rows whose ids are above $1 and not above $2 */
    const PGresult *ids; /* all of them, in their order */
    void (*take)(void *arg, const PGresult *page, int row);
    void *arg;
};

static int read_between(const struct parts *p, int first, int end, PGresult **page,
                        struct error *err)
{
    const char *const parameters[] = {first == 0 ? "" : PQgetvalue(p->ids, first - 1, 0),
                                      PQgetvalue(p->ids, end - 1, 0)};
    int status = pg_run(p->db, "SAVEPOINT part", doing, err);
    if (status == STATUS_OK) {
        *page = PQexecParams(p->db, p->between, 2, NULL, parameters, NULL, NULL, 0);
        status = check(p->db, page, err);
    }
    if (status == STATUS_INVALID) {
        struct error lost;
        status = pg_run(p->db, "ROLLBACK TO part", doing, &lost) == STATUS_OK ? STATUS_INVALID
                                                                              : STATUS_IO;
    }
    return status;
}

/* The ids from `first` up to `end`. */
static int load_part(const struct parts *p, int first, int end, struct error *err)
{
    PGresult *page = NULL;
    int status = read_between(p, first, end, &page, err);
    for (int i = 0; status == STATUS_OK && i < PQntuples(page); i++) {
        p->take(p->arg, page, i);
    }
    PQclear(page);
    if (status == STATUS_INVALID && end - first == 1) {
        p->take(p->arg, NULL, 0);
        status = STATUS_OK;
    } else if (status == STATUS_INVALID) {
        const int middle = first + (end - first) / 2;
        status = load_part(p, first, middle, err);
        status = status == STATUS_OK ? load_part(p, middle, end, err) : status;
    }
    return status;
}

int postgres_cursor_load_in_parts(PGconn *db, bool pooled, const char *sql,
                                  void (*take)(void *arg, const PGresult *page, int row), void *arg,
                                  struct error *err)
{
    /* Not even the ids can be read where UTF-8 lacks a character of one, so their bytes say which
     * is which. */
    static const char place[] = "encode(convert_to(id_text, getdatabaseencoding()), 'hex')";
    char *ids_sql =
        x_asprintf("SELECT %s FROM (%s) r ORDER BY %s COLLATE \"C\"", place, sql, place);
    char *between =
        x_asprintf("SELECT * FROM (%s) r WHERE %s COLLATE \"C\" > $1::text AND %s COLLATE "
                   "\"C\" <= $2::text ORDER BY %s COLLATE \"C\"",
                   sql, place, place, place);
    PGresult *ids = NULL;
    int status = begin(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", pooled, err);
    if (status == STATUS_OK) {
        status = pg_query(db, ids_sql, &ids, doing, err);
    }
    const struct parts parts = {db, between, ids, take, arg};
    const int count = status == STATUS_OK ? PQntuples(ids) : 0;
    for (int i = 0; i < count && status == STATUS_OK; i += ORACLE_PAGE_ROWS) {
        const int next = i + ORACLE_PAGE_ROWS < count ? i + ORACLE_PAGE_ROWS : count;
        status = load_part(&parts, i, next, err);
    }
    PQclear(ids);
    free(ids_sql);
    free(between);
    return end(db, status, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Reads all rows of an events table of PostgreSQL for the oracle. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/xalloc.h"
#include "common/postgres/pg.h"
#include "common/postgres/pg_pooled.h"
#include "ctl/oracle/columns.h"
#include "ctl/oracle/moment.h"
#include "ctl/oracle/sources/postgres_columns.h"
#include "ctl/oracle/sources/postgres_cursor.h"
#include "ctl/oracle/sources/postgres_failure.h"
#include "ctl/oracle/zone.h"

#define OID_TIMESTAMP 1114
#define OID_TIMESTAMPTZ 1184
#define OID_BYTEA 17

/* How far the table was read. */
struct reading {
    int64_t reached;   /* id of the last row that was read; INT64_MIN: none was */
    uint64_t loaded;   /* how many rows were read, the unusable ones included */
    uint64_t ids;      /* the sum of their ids, modulo 2^64 */
    uint64_t unusable; /* how many of them are */
    size_t rows;       /* how many are among the oracle's rows */
};

static const struct reading nothing_read = {.reached = INT64_MIN};

struct postgres {
    struct oracle_source base;
    const struct config_source *source;
    PGconn *db;
    bool pooled;     /* True when the connection goes through a pooler. */
    char *page;      /* SQL that gives the rows behind $1 */
    char *part;      /* SQL that gives those of them up to $2, too */
    char *bound;     /* SQL that gives the id of the $2nd row behind $1, or of the last one */
    char *all;       /* SQL that gives all rows, with source.cursor */
    char *count;     /* SQL that gives how many rows there are up to $1, and the sum of their ids */
    bool time_us;    /* True when timestamps are read as µs since 1970, false for their text. */
    bool time_local; /* True when these are what a local clock shows, and no instants. */
    struct reading at;

    /* Where it was read before: the first lies at least a page of rows behind `at`, unless nothing
     * had been read then, and not many more than two. */
    struct reading marks[2];
};

static void postgres_close(struct oracle_source *base)
{
    struct postgres *s = (struct postgres *)base;
    PQfinish(s->db);
    free(s->page);
    free(s->part);
    free(s->bound);
    free(s->count);
    free(s->all);
    free(s);
}

static void put_time_column(const struct postgres *s, const char *quoted, struct buf *sql)
{
    if (s->time_us) {
        buf_printf(sql,
                   "CASE WHEN isfinite(%s) AND extract(year FROM %s) BETWEEN -1 AND 10000 "
                   "THEN (extract(epoch FROM %s) * 1000000)::bigint::text END",
                   quoted, quoted, quoted);
    } else {
        buf_printf(sql, "%s::text", quoted);
    }
}

/* Index of our column among those that the table has; -1 when it has none of that name. */
static int find_column(const struct postgres *s, const PGresult *columns, size_t index)
{
    const char *name = oracle_column(s->source, index);
    int at = -1;
    for (int i = 0; i < PQnfields(columns) && name != NULL; i++) {
        at = strcmp(PQfname(columns, i), name) == 0 ? i : at;
    }
    return at;
}

static int check_columns(const struct postgres *s, const PGresult *columns, struct error *err)
{
    bool there[ORACLE_COLUMNS_MAX];
    for (size_t i = 0; i < oracle_column_count(s->source); i++) {
        there[i] = find_column(s, columns, i) >= 0;
    }
    return oracle_check_columns(s->source, there, err);
}

/* Ids are compared with numbers, so they have to be of one of PostgreSQL's types of numbers. */
static int check_id(const struct postgres *s, const PGresult *columns, struct error *err)
{
    static const Oid numbers[] = {20, 21, 23, 26, 700, 701, 1700}; /* int8 … numeric */
    const Oid type = PQftype(columns, find_column(s, columns, EVENT_ID));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i] == type) {
            return STATUS_OK;
        }
    }
    char oid[32];
    const char *const parameters[] = {oid};
    snprintf(oid, sizeof oid, "%u", type);
    PGresult *name = PQexecParams(s->db, "SELECT format_type($1::oid, NULL)", 1, NULL, parameters,
                                  NULL, NULL, 0);
    const int status = error_set(
        err, STATUS_INVALID,
        "column \"%s\" of table \"%s\" is of type %s, but ids must be whole numbers that grow; "
        "set source.columns.id to a column that holds such numbers, or write source.cursor: "
        "[created_at, %s]",
        oracle_column(s->source, EVENT_ID), s->source->table,
        PQntuples(name) == 1 ? PQgetvalue(name, 0, 0) : "an unknown name",
        oracle_column(s->source, EVENT_ID));
    PQclear(name);
    return status;
}

static void put_column(struct postgres *s, const PGresult *columns, size_t index, struct buf *sql)
{
    const char *name = oracle_column(s->source, index);
    const int at = find_column(s, columns, index);
    buf_append_text(sql, index != EVENT_ID ? ", " : "SELECT ");
    if (at < 0) {
        buf_append_text(sql, "NULL");
        return;
    }
    struct buf quoted = {0};
    pg_quote(s->db, &quoted, name);
    if (index == EVENT_ID) {
        buf_printf(sql, "%s::bigint", buf_cstr(&quoted));
    } else if (index == EVENT_TIMESTAMP) {
        const Oid type = PQftype(columns, at);
        s->time_local = type == OID_TIMESTAMP;
        s->time_us = type == OID_TIMESTAMP || type == OID_TIMESTAMPTZ;
        put_time_column(s, buf_cstr(&quoted), sql);
    } else {
        buf_printf(sql, "%s::text", buf_cstr(&quoted));
    }
    buf_free(&quoted);
}

static void prepare_by_cursor(struct postgres *s, const PGresult *columns, const char *table)
{
    struct buf rest = {0};
    const bool bytes = PQftype(columns, find_column(s, columns, EVENT_ID)) == OID_BYTEA;
    for (size_t i = EVENT_ID + 1; i < oracle_column_count(s->source); i++) {
        put_column(s, columns, i, &rest);
    }
    s->all = postgres_cursor_sql(s->db, s->source, buf_cstr(&rest), table, bytes);
    buf_free(&rest);
}

static int prepare(struct postgres *s, struct error *err)
{
    struct buf table = {0};
    struct buf id = {0};
    struct buf sql = {0};
    PGresult *columns = NULL;
    pg_quote_table(s->db, &table, s->source);
    pg_quote(s->db, &id, s->source->columns[EVENT_ID].name);
    int status = postgres_read_columns(s->db, s->source, buf_cstr(&table), &columns, err);
    if (status == STATUS_OK) {
        status = check_columns(s, columns, err);
    }
    if (status == STATUS_OK && s->base.texts) {
        prepare_by_cursor(s, columns, buf_cstr(&table));
    } else if (status == STATUS_OK) {
        status = check_id(s, columns, err);
    }
    if (status == STATUS_OK && !s->base.texts) {
        buf_clear(&sql);
        for (size_t i = 0; i < oracle_column_count(s->source); i++) {
            put_column(s, columns, i, &sql);
        }
        buf_printf(&sql, " FROM %s WHERE %s > $1::bigint", buf_cstr(&table), buf_cstr(&id));
        s->page =
            x_asprintf("%s ORDER BY %s LIMIT %d", buf_cstr(&sql), buf_cstr(&id), ORACLE_PAGE_ROWS);
        s->part = x_asprintf("%s AND %s <= $2::bigint ORDER BY %s", buf_cstr(&sql), buf_cstr(&id),
                             buf_cstr(&id));
        s->bound = x_asprintf("SELECT max(i) FROM (SELECT %s::bigint AS i FROM %s WHERE %s > "
                              "$1::bigint ORDER BY %s LIMIT $2::bigint) ids",
                              buf_cstr(&id), buf_cstr(&table), buf_cstr(&id), buf_cstr(&id));
        s->count =
            x_asprintf("SELECT count(*), coalesce(sum(%s::bigint), 0) %% 18446744073709551616 "
                       "FROM %s WHERE %s <= $1::bigint",
                       buf_cstr(&id), buf_cstr(&table), buf_cstr(&id));
    }
    PQclear(columns); /* It may be NULL. */
    buf_free(&table);
    buf_free(&id);
    buf_free(&sql);
    return status;
}

/* What is hidden from the ingestor is hidden from the oracle, too, so that the two would agree. */
static int find_hidden_rows(struct postgres *s, struct error *err)
{
    struct buf table = {0};
    bool hides;
    pg_quote_table(s->db, &table, s->source);
    const int status = pg_hides_rows(s->db, buf_cstr(&table), &hides, err);
    if (status == STATUS_OK && hides) {
        (void)error_set(&s->base.warning, STATUS_DENIED,
                        "row level security hides rows of table %s from role \"%s\": nothing is "
                        "known of them",
                        buf_cstr(&table), PQuser(s->db));
    }
    buf_free(&table);
    return status;
}

/* Runs a statement with one number as its parameter, or with two: `second` is NULL for one.
 * STATUS_INVALID: it failed because of what is in a row. */
static int run(struct postgres *s, const char *sql, int64_t number, const int64_t *second,
               PGresult **out, struct error *err)
{
    char texts[2][32];
    const char *const parameters[] = {texts[0], texts[1]};
    snprintf(texts[0], sizeof texts[0], "%lld", (long long)number);
    snprintf(texts[1], sizeof texts[1], "%lld", (long long)(second != NULL ? *second : 0));
    const int count = second != NULL ? 2 : 1;
    *out = s->pooled ? pg_pooled_exec(s->db, pg_pooled_settings, sql, count, parameters, 0)
                     : PQexecParams(s->db, sql, count, NULL, parameters, NULL, NULL, 0);
    if (PQresultStatus(*out) != PGRES_TUPLES_OK) {
        const bool of_a_row = postgres_fails_at_a_row(*out);
        const int status = pg_error(s->db, *out, "cannot read the events table", err);
        PQclear(*out);
        return of_a_row ? STATUS_INVALID : status;
    }
    return STATUS_OK;
}

static struct str text_at(const PGresult *page, int row, int column)
{
    return PQgetisnull(page, row, column) ? STR_NULL
                                          : (struct str){PQgetvalue(page, row, column),
                                                         (size_t)PQgetlength(page, row, column)};
}

static bool moment_of_text(const struct postgres *s, struct str text, wall_time *out)
{
    return text.p != NULL && oracle_moment_of_text(text, s->source->local.time_zone, &out->us);
}

static bool read_time(const struct postgres *s, struct str text, wall_time *out)
{
    const char *zone = s->source->local.time_zone;
    if (s->time_us && text.p != NULL) {
        out->us = strtoll(text.p, NULL, 10); /* libpq ends each value with a NUL. */
        out->us = s->time_local ? oracle_zone_instant_us(zone, out->us) : out->us;
        return oracle_moment_in_range(out->us);
    }
    return moment_of_text(s, text, out);
}

/* Notes a row that was read, or passed over. */
static void count_row(struct postgres *s, int64_t id, bool usable)
{
    s->at.reached = id;
    s->at.loaded++;
    s->at.ids += (uint64_t)id;
    s->at.rows += usable;
    s->at.unusable += !usable;
    s->base.unusable = s->at.unusable;
    s->base.newest = id > 0 ? id : 0; /* ids of 0 or less have no position */
}

static void take_row(struct postgres *s, struct oracle_rows *rows, const PGresult *page, int row)
{
    struct str texts[ORACLE_COLUMNS_MAX] = {{0}};
    wall_time time;
    const int64_t id = strtoll(PQgetvalue(page, row, EVENT_ID), NULL, 10);
    for (size_t i = EVENT_TIMESTAMP; i < oracle_column_count(s->source); i++) {
        texts[i] = text_at(page, row, (int)i);
    }
    const bool timed = read_time(s, texts[EVENT_TIMESTAMP], &time);
    count_row(s, id, oracle_add_event(rows, s->source, id, timed ? &time : NULL, texts));
}

static int take_page(struct postgres *s, struct oracle_rows *rows, PGresult *page)
{
    const int count = PQntuples(page);
    for (int i = 0; i < count; i++) {
        take_row(s, rows, page, i);
    }
    PQclear(page);
    return count;
}

/* Passes over the one row behind those that were read: the database fails at it. */
static void pass_over(struct postgres *s, int64_t id)
{
    count_row(s, id, false);
}

/*
 * A page at which the database fails is read in parts: each is half of the one before as long as
 * that fails, and twice as long when it can be read. What fails alone is passed over. Parts end at
 * an id, so that the database has no reason to look at the values of rows behind it.
 */
static int load_in_parts(struct postgres *s, struct oracle_rows *rows, struct error *err)
{
    int64_t left = ORACLE_PAGE_ROWS;
    int64_t length = ORACLE_PAGE_ROWS / 2;
    while (left > 0) {
        PGresult *result;
        length = length < left ? length : left;
        int status = run(s, s->bound, s->at.reached, &length, &result, err);
        if (status != STATUS_OK) {
            return status;
        }
        const bool none = PQgetisnull(result, 0, 0);
        const int64_t end = none ? 0 : strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        PQclear(result);
        if (none) {
            return STATUS_OK;
        }
        status = run(s, s->part, s->at.reached, &end, &result, err);
        if (status == STATUS_OK) {
            left -= take_page(s, rows, result);
            s->at.reached = end;
            length *= 2;
        } else if (status != STATUS_INVALID) {
            return status;
        } else if (length > 1) {
            length /= 2;
        } else {
            pass_over(s, end);
            left--;
        }
    }
    return STATUS_OK;
}

static int load_new(struct postgres *s, struct oracle_rows *rows, struct error *err)
{
    int64_t before;
    do {
        PGresult *page;
        before = s->at.reached;
        if (s->base.between != NULL) {
            s->base.between(s->base.arg);
        }
        if (s->at.loaded >= s->marks[1].loaded + ORACLE_PAGE_ROWS) {
            s->marks[0] = s->marks[1];
            s->marks[1] = s->at;
        }
        int status = run(s, s->page, s->at.reached, NULL, &page, err);
        if (status == STATUS_INVALID) {
            status = load_in_parts(s, rows, err);
        } else if (status == STATUS_OK && take_page(s, rows, page) < ORACLE_PAGE_ROWS) {
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
    } while (s->at.reached != before);
    return STATUS_OK;
}

/* Sets *late when the table has other rows up to there than were read: rows with lower ids have
 * been committed since, or rows are gone. */
static int check_for_late(struct postgres *s, const struct reading *at, bool *late,
                          struct error *err)
{
    PGresult *result;
    const int status = run(s, s->count, at->reached, NULL, &result, err);
    if (status == STATUS_OK) {
        const char *sum = PQgetvalue(result, 0, 1);
        const uint64_t ids = sum[0] == '-' ? -strtoull(sum + 1, NULL, 10) : strtoull(sum, NULL, 10);
        *late = strtoull(PQgetvalue(result, 0, 0), NULL, 10) != at->loaded || ids != at->ids;
        PQclear(result);
    }
    return status;
}

static void postgres_rewind(struct oracle_source *base)
{
    struct postgres *s = (struct postgres *)base;
    s->at = nothing_read;
    s->marks[0] = nothing_read;
    s->marks[1] = nothing_read;
}

/* Goes back to the mark, or to the beginning when the rows up to the mark are others now, too. */
static int read_again(struct postgres *s, struct oracle_rows *rows, struct error *err)
{
    bool late;
    const struct reading mark = s->marks[0];
    const int status = check_for_late(s, &mark, &late, err);
    if (status == STATUS_OK) {
        s->at = late ? nothing_read : mark;
        s->marks[0] = s->at;
        s->marks[1] = s->at;
        oracle_rows_cut(rows, s->at.rows);
        s->base.unusable = s->at.unusable;
        s->base.newest = s->at.reached > 0 ? s->at.reached : 0;
    }
    return status;
}

static int postgres_load(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct postgres *s = (struct postgres *)base;
    bool late = false;
    int status = check_for_late(s, &s->at, &late, err);
    if (status == STATUS_OK && late) {
        status = read_again(s, rows, err);
    }
    return status == STATUS_OK ? load_new(s, rows, err) : status;
}

struct by_cursor {
    struct postgres *s;
    struct oracle_rows *rows;
};

/* Takes a row of postgres_cursor_sql; page NULL: the database fails at it. */
static void take_text_row(void *arg, const PGresult *page, int row)
{
    struct by_cursor *by = arg;
    const int place_at = (int)oracle_column_count(by->s->source);
    wall_time time;
    wall_time place;
    if (page == NULL) {
        by->s->base.newest++;
        by->s->base.unusable++;
        return;
    }
    const bool timed = read_time(by->s, text_at(page, row, EVENT_TIMESTAMP), &time);
    if (moment_of_text(by->s, text_at(page, row, place_at), &place)) {
        postgres_cursor_add(&by->s->base, by->s->source, by->rows, page, row, timed ? &time : NULL);
    } else {
        by->s->base.unusable++;
    }
}

/* Rows may have come anywhere, so all are read each time. */
static int load_by_cursor(struct oracle_source *base, struct oracle_rows *rows, struct error *err)
{
    struct by_cursor by = {(struct postgres *)base, rows};
    int status = STATUS_INVALID;
    for (int parts = 0; parts < 2 && status == STATUS_INVALID; parts++) {
        oracle_rows_clear(rows);
        base->newest = 0;
        base->unusable = 0;
        status = (parts == 0 ? postgres_cursor_load : postgres_cursor_load_in_parts)(
            by.s->db, by.s->pooled, by.s->all, take_text_row, &by, err);
    }
    return status;
}

int oracle_postgres_open(const struct config *config, struct oracle_source **out, struct error *err)
{
    struct postgres *s = x_calloc(1, sizeof *s);
    s->base.texts = config->source.cursor != NULL;
    s->base.load = s->base.texts ? load_by_cursor : postgres_load;
    s->base.rewind = postgres_rewind;
    s->base.close = postgres_close;
    postgres_rewind(&s->base);
    s->source = &config->source;
    int status = pg_connect(config, &s->db, err);
    if (status == STATUS_OK) {
        bool bytes;
        s->pooled = pg_is_pooled(s->db);
        /* By source.cursor ids are texts, which the database could not even name. */
        status = s->base.texts ? pg_take_bytes(s->db, s->pooled, &bytes, err) : STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = prepare(s, err);
    }
    if (status == STATUS_OK) {
        status = find_hidden_rows(s, err);
    }
    if (status != STATUS_OK) {
        postgres_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}
